"""Types scripted conversations into the real page, with the real model, and saves what a visitor reads at each turn.

    python tests/page_talks.py OUT.jsonl [TALKS.jsonl] [--index DIR] [--ids A,B] [--shots DIR]

TALKS has one conversation per line: {"id", "turns": [{"question", "expect", "groups", "least"}, ...]}. "expect" is
"answer", "refuse" or "chat" (citewire's own words, or a polite refusal). A group is a list of words; the reply must
contain a word of at least "least" groups (default: all). The default TALKS is `tests/data/page_talks.jsonl`, on the
sample articles. OUT gets each turn with its reply; totals are printed. Matching words is crude, so read the replies.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from browser import DESK, PHONE, faults, launched
from page_shots import PATIENT_MS, samples
from playwright.sync_api import Page, expect
from served import serving, submit

from citewire.ui.cli import lay_out
from citewire.ui.settings import Settings

TALKS = Path(__file__).parent / "data" / "page_talks.jsonl"

Reply = dict[str, Any]


def read(file: Path) -> list[dict[str, Any]]:
    """Return the conversations of a file."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def told(page: Page) -> Reply:
    """Return the newest reply as it is shown."""
    answer = page.locator(".cw-answer").last

    def words(part: str) -> str:
        return "\n".join(one.inner_text().strip() for one in answer.locator(part).all())

    refused = answer.locator(".cw-abstain, .cw-error").count() > 0
    numbers = answer.locator(".cw-text a.cw-chip").count()
    return {
        "shown": "refuse" if refused else "answer" if numbers else "chat",
        "searched": words(".cw-searched"),
        "text": words(".cw-lead, .cw-text, .cw-note"),
        "numbers": numbers,
        "closing": words(".cw-closing"),
        "offered": [one.inner_text() for one in answer.locator(".cw-suggestion").all()],
    }


def held(page: Page, turns: Sequence[dict[str, Any]]) -> Iterator[Reply]:
    """Hold one conversation from its start; yield each turn's reply once its suggestions are there."""
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".cw-question")).to_have_count(0)
    for number, turn in enumerate(turns, 1):
        began = time.monotonic()
        submit(page, turn["question"])
        page.wait_for_function(
            "n => document.body.dataset.cwPhase === 'done' && document.querySelectorAll('.cw-answer').length === n"
            " && !document.querySelector('#cw-chat .cw-answer > .cw-busy')",
            arg=number,
            timeout=PATIENT_MS,
        )
        seconds = time.monotonic() - began
        page.wait_for_function("() => !('cwSeeking' in document.body.dataset)", timeout=PATIENT_MS)
        reply = {"question": turn["question"], "seconds": round(seconds, 2), **told(page)}
        yield {**reply, "wrong": wrong(turn, reply)}


def wrong(turn: dict[str, Any], reply: Reply) -> list[str]:
    """Return what is wrong with a reply, by its kind and words."""
    found = []
    wanted, shown = turn["expect"], reply["shown"]
    counted = wanted == "answer" and shown == "chat" and bool(turn.get("groups"))  # counts of articles have no citation
    if shown != wanted and not counted and not (wanted == "chat" and shown == "refuse"):
        found.append(f"{shown} in place of {wanted}")
    text = reply["text"].lower()
    groups = turn.get("groups", [])
    got = sum(any(re.search(rf"(?<!\w){re.escape(word.lower())}", text) for word in group) for group in groups)
    if got < turn.get("least", len(groups)):
        found.append(f"{got} of {len(groups)} groups of words")
    return found


def over(index: Path | None, folder: Path) -> AbstractContextManager[str]:
    """Serve the page with an index, or with the sample articles; its own files go to `folder`."""
    if index is None:
        return samples(folder)
    chosen = Settings(index=index, conversations=folder / "kept.db", runs=folder / "runs")
    return serving(lambda: lay_out(chosen))


def asked(address: str, talks: Sequence[dict[str, Any]], shots: Path | None) -> Iterator[Reply]:
    """Hold conversations on a page; yield each reply with axe's findings."""
    with launched() as browser:
        page = browser.new_page(viewport=DESK)  # type: ignore[arg-type]
        page.goto(address)
        expect(page.locator(".cw-status[data-state=ready]")).to_be_attached(timeout=PATIENT_MS)
        for talk in talks:
            for number, reply in enumerate(held(page, talk["turns"]), 1):
                yield {"id": f"{talk['id']}.{number}", **reply, "faults": faults(page)}
                if shots:
                    shoot(page, shots, f"{talk['id']}.{number}")


def main() -> None:
    """Hold the conversations, save them and print totals."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("talks", type=Path, nargs="?", default=TALKS)
    parser.add_argument("--index", type=Path, help="in place of the sample articles")
    parser.add_argument("--ids", default="", help="only these conversations")
    parser.add_argument("--shots", type=Path, help="folder for a screenshot of each turn at both sizes")
    given = parser.parse_args()
    talks = [one for one in read(given.talks) if not given.ids or one["id"] in given.ids.split(",")]
    given.out.write_text("")
    replies: list[Reply] = []
    with tempfile.TemporaryDirectory() as folder, over(given.index, Path(folder)) as address:
        for reply in asked(address, talks, given.shots):
            replies.append(reply)
            with given.out.open("a", encoding="utf-8") as out:
                out.write(json.dumps(reply, ensure_ascii=False) + "\n")
    right = sum(not reply["wrong"] for reply in replies)
    seconds = [reply["seconds"] for reply in replies]
    print(f"{right} of {len(replies)} replies right")
    print(f"median {statistics.median(seconds):.1f} s, longest {max(seconds):.1f} s")
    for reply in replies:
        for fault in (*reply["wrong"], *reply["faults"]):
            print(f"{reply['id']}: {reply['question']}: {fault}")


def shoot(page: Page, folder: Path, name: str) -> None:
    """Save screenshots of a page at both sizes."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, size in (("phone", PHONE), ("desk", DESK)):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.wait_for_timeout(400)
        page.screenshot(path=folder / f"{name}-{kind}.png")


if __name__ == "__main__":
    main()
