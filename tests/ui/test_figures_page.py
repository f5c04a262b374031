"""GET /figures: the drawn figures of the last evaluation, the page without an evaluation, and hostile names."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from browser import DESK, NARROW, at_rest, browser_context, faults, missed, opened
from commands import citewire
from conftest import REPOSITORY, until
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, expect
from scripted import AUDIT, EXAMPLES, GALLERY, OPENING, ScriptedAnswerer, ScriptedIndex
from served import serving, usable

from citewire.index.errors import InputError, ModelError
from citewire.qa.evaluate.marks import MEASURES
from citewire.qa.evaluate.runs import code_digest, summarise
from citewire.ui.chat import Chat, Conversation, Loaded
from citewire.ui.figures_page import GROUPS, NoRunError, page, router, runs, shipped
from citewire.ui.measuring import Measuring, Progress, RunningError

HOSTILE = "<script>window.pwned=1</script><img src=x onerror='window.pwned=1'>"


def asked(right: bool, kind: str, seconds: float) -> dict[str, Any]:
    timings = {"retrieve_s": 0.1, "first_token_s": seconds / 2, "total_s": seconds}
    answer = {"status": "answered", "claims": [], "timings": timings}
    marks = {"right": [float(right), 1.0], "quotes_exact": [1.0, 1.0]}
    return {
        "key": f"{kind}{seconds}",
        "kind": kind,
        "marks": marks,
        "right": right,
        "why": [],
        "record": {},
        "answer": answer,
    }


def claimed(probability: float, supported: bool) -> dict[str, Any]:
    right = (probability > 0.5) == supported
    marks = {"right": [float(right), 1.0]}
    verdict = {"verdict": "supported" if probability > 0.5 else "unsupported", "probability": probability, "reason": ""}
    row = {"key": str(probability), "kind": "claim", "marks": marks, "right": right, "why": []}
    return {**row, "record": {"supported": supported}, "verdict": verdict}


ANSWERS = [
    asked(True, "fact", 1.0),
    asked(True, "fact", 2.0),
    asked(True, "fact", 3.0),
    asked(False, "follow-up", 40.0),
]
CLAIMS = [claimed(0.9, True), claimed(0.8, False), claimed(0.1, False), claimed(0.2, True)]


def run(folder: Path, rows: list[dict[str, Any]], *, at: float = 1e9, **identity: Any) -> None:
    """Write the files that `citewire eval` would write for these rows."""
    known = {"file": "questions.jsonl", "model": "small-model", "code": code_digest(), "settings": {"passages": 8}}
    folder.mkdir(parents=True)
    index = {"folder": "news-index", "generation": 3}
    summary = {"run": {**known, "index": index, **identity}, "folder": str(folder), **summarise(rows)}
    (folder / "summary.json").write_text(json.dumps(summary))
    os.utime(folder / "summary.json", (at, at))


def drawn(folder: Path, wanted: str = "") -> ElementTree.Element:
    """The page as a tree; it is well-formed except for the doctype and void elements."""
    text = page(runs(folder), wanted).removeprefix("<!doctype html>\n")
    for void in ("meta", "link"):
        text = "".join(
            part if not n else f"<{void}" + part.replace(">", "/>", 1) for n, part in enumerate(text.split(f"<{void}"))
        )
    return ElementTree.fromstring(text)


def words(tree: ElementTree.Element) -> str:
    return " ".join("".join(tree.itertext()).split())


def bars(tree: ElementTree.Element) -> dict[str, tuple[str, list[dict[str, str]]]]:
    """Label -> (text of the bar, its rectangles): track, value, interval."""
    found = {}
    for grid in tree.iter("dl"):
        cells = list(grid)
        for label, bar in zip(cells[::3], cells[1::3], strict=True):
            name = label.find(".//b")
            (svg,) = bar
            assert name is not None
            found[name.text or ""] = svg.get("aria-label") or "", [dict(rect.attrib) for rect in svg]
    return found


def test_what_was_measured_when_and_on_which_model(tmp_path: Path) -> None:
    run(tmp_path / "news", ANSWERS)
    text = words(drawn(tmp_path))
    assert "3 of 4 questions were answered right; 4 of 4 quotes stand in their article." in text
    assert "4 questions of questions.jsonl, small-model, over news-index (generation 3)." in text
    assert "Measured on 9 September 2001" in text
    assert "citewire has changed since" not in text
    assert "settings.passages8" in text


def test_bars_are_as_long_as_their_values(tmp_path: Path) -> None:
    run(tmp_path / "news", ANSWERS)
    summary = json.loads((tmp_path / "news" / "summary.json").read_bytes())
    found = bars(drawn(tmp_path))
    right = summary["measures"]["right"]
    said, (track, value, interval) = found["right"]
    assert (track["width"], value["width"]) == ("100", "75.0")
    assert float(interval["x"]) == pytest.approx(100 * right["low"], abs=0.01)
    assert float(interval["x"]) + float(interval["width"]) == pytest.approx(100 * right["high"], abs=0.02)
    assert said == f"75%, {100 * right['low']:.0f}% to {100 * right['high']:.0f}%"
    assert found["fact"][1][1]["width"] == "100.0"
    assert found["follow-up"][1][1]["width"] == "0.0"
    assert found["in all"][0].startswith("2.50 seconds")
    assert float(found["in all"][1][1]["width"]) == pytest.approx(
        100 * 2.5 / summary["latency"]["total_s"]["p95"], abs=0.01
    )


def test_the_reliability_of_verdicts(tmp_path: Path) -> None:
    run(tmp_path / "claims", CLAIMS, model="")
    tree = drawn(tmp_path)
    text = words(tree)
    assert "2 of 4 claims were judged right." in text
    assert "no model" in text
    summary = json.loads((tmp_path / "claims" / "summary.json").read_bytes())
    assert f"it is off by {100 * summary['calibration']['error']:.1f} points of 100" in text
    assert len(list(tree.iter("circle"))) == len(summary["calibration"]["bins"]) > 0


def test_the_newest_run_of_each_sort_is_shown_and_others_can_be_chosen(tmp_path: Path) -> None:
    run(tmp_path / "old", ANSWERS[:1], at=1e9)
    run(tmp_path / "new", ANSWERS, at=1.2e9, code="of another version")
    run(tmp_path / "claims", CLAIMS, at=1.1e9)
    text = words(drawn(tmp_path))
    assert "3 of 4 questions" in text
    assert "2 of 4 claims" in text
    assert "1 of 1 questions" not in text
    assert text.count("citewire has changed since") == 1
    links = [link.get("href") for link in drawn(tmp_path).iter("a")][1:]  # without the link back
    assert links == ["?run=new", "?run=claims", "?run=old"]  # relative, so they work below any path
    assert "1 of 1 questions" in words(drawn(tmp_path, "old"))
    with pytest.raises(NoRunError, match=r"no evaluation '\.\./old'"):
        drawn(tmp_path, "../old")


def rows_of(table: str) -> list[list[str]]:
    """The cells of all table rows of a document, without bold marks."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("**", "") for cell in line.strip("|").split("|")] for line in lines]


def test_the_figures_of_this_version_are_those_of_the_documents(tmp_path: Path) -> None:
    told = rows_of((REPOSITORY / "docs" / "quality.md").read_text("utf-8"))
    readme = [row[-1] for row in rows_of((REPOSITORY / "README.md").read_text("utf-8"))]
    tree = drawn(tmp_path)
    for one in shipped()["questions"]:
        (now,) = [row[4] for row in told if row[0] == one["set"]]
        right, of = one["right"], one["of"]
        refused = of - right - one.get("wrong", 0)
        passed = f"{of - right} of {of}"
        figure = {
            "right answers": f"{right} / {one.get('wrong')} / {refused}",
            "refused": str(right),
            "caught": passed,
        }.get(one["counted"], f"{right} of {of}")
        assert re.match(rf"{re.escape(figure)}(?: \(|$)", now), one["title"]
        assert any(cell.startswith(figure) for cell in readme), one["title"]
        said, (_, bar, _) = bars(tree)[one["title"]]
        assert said.startswith(f"{100 * right / of:.0f}%")
        assert float(bar["width"]) == pytest.approx(100 * right / of, abs=0.01)
        assert f"{right} of {of} {one['counted']}" in words(tree)
    assert re.search(r"\d right answers; \d+ wrong, \d+ refused", words(tree))
    run(tmp_path / "one", ANSWERS)
    assert "What was measured of this version" not in words(drawn(tmp_path, "one"))


def test_a_folder_that_is_a_run_itself(tmp_path: Path) -> None:
    run(tmp_path / "mine", ANSWERS)
    assert [one.name for one in runs(tmp_path / "mine")] == ["mine"]


def test_every_measure_has_its_place() -> None:
    assert sorted(name for _, names in GROUPS for name in names) == sorted(MEASURES)


def test_without_an_evaluation_it_says_how_to_make_one(tmp_path: Path) -> None:
    text = words(drawn(tmp_path / "nothing here"))
    assert "Nothing has been measured on this machine yet." in text
    assert "citewire eval questions.jsonl" in text


@pytest.mark.parametrize("content", ["", "{", "[]", '{"run": {}}'])
def test_damaged_results_are_left_out_and_logged(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "summary.json").write_text(content)
    run(tmp_path / "good", ANSWERS)
    assert [one.name for one in runs(tmp_path)] == ["good"]
    assert "bad/summary.json" in caplog.text


def test_hostile_names_are_words(tmp_path: Path) -> None:
    rows = [{**ANSWERS[0], "kind": HOSTILE}, {**ANSWERS[3], "kind": "x"}]
    run(tmp_path / "a&b'\"", rows, file=HOSTILE, model=HOSTILE, index={"folder": HOSTILE, "generation": 1})
    run(tmp_path / "other", CLAIMS, at=2e9)
    tree = drawn(tmp_path)
    assert not list(tree.iter("script"))
    assert not list(tree.iter("img"))
    assert words(tree).count(HOSTILE) >= 4


def test_axe_and_the_keyboard_find_nothing(chromium: Browser, tmp_path: Path) -> None:
    run(tmp_path / "news", ANSWERS)
    with browser_context(chromium, DESK) as context:
        shown = context.new_page()
        shown.set_content(page(runs(tmp_path)))
        assert faults(shown) == []
        assert missed(shown) == []
        shown.emulate_media(color_scheme="dark")
        assert faults(shown) == []


def test_the_route(tmp_path: Path) -> None:
    app = FastAPI()
    app.include_router(router(tmp_path))

    client = TestClient(app)  # in a thread of its own: this one may have Playwright's loop
    assert "Nothing has been measured" in client.get("/figures").text
    run(tmp_path / "news", ANSWERS)
    answer = client.get("/figures")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "3 of 4 questions" in answer.text
    missing = client.get("/figures?run=none")
    assert (missing.status_code, missing.json()["problem"]) == (404, "there is no evaluation 'none'")


def test_the_command_that_it_names_is_one() -> None:

    assert citewire("eval", "--help").returncode == 0


# ---- the small evaluation on the articles of the index

SENTENCES = (OPENING, AUDIT, f"{GALLERY}.")


def made_row(n: int, status: str, right: bool, quoted: bool) -> dict[str, Any]:
    row = asked(right, "made", float(n))
    marks = {**row["marks"], "sentence_quoted": [float(quoted), 1.0], "answered": [float(status != "abstained"), 1.0]}
    record = {"question": f"Question {n}?", "quote": SENTENCES[(n - 1) % 3]}
    return {**row, "key": f"made{n}", "marks": marks, "record": record, "answer": {**row["answer"], "status": status}}


MADE_ROWS = (
    made_row(1, "answered", right=True, quoted=True),
    made_row(2, "answered", right=True, quoted=False),
    made_row(3, "answered", right=False, quoted=False),
    made_row(4, "abstained", right=False, quoted=False),
)


class Stepped:
    """An `examine` that takes a step each time the test allows it, and raises `fault` at the end."""

    def __init__(self, rows: Sequence[dict[str, Any] | None] = MADE_ROWS, fault: Exception | None = None) -> None:
        self.rows, self.fault = rows, fault
        self.may = threading.Semaphore(0)
        self.told: list[str] = []

    def __call__(self, seed: int, stopped: Callable[[], bool]) -> Iterator[dict[str, Any] | None]:
        for row in self.rows:
            assert self.may.acquire(timeout=30)
            self.told.append("step")
            yield row
        if self.fault:
            raise self.fault


def chat_of(examine: Stepped) -> Chat:
    answerer = ScriptedAnswerer()
    chat = Chat(lambda: Loaded(answerer, ScriptedIndex(), "scripted", examine=examine))
    until(lambda: chat.background.done)
    return chat


def measuring_of(chat: Chat, folder: Path) -> Measuring:
    return Measuring(chat, folder, lambda loaded: {"model": loaded.model, "code": code_digest()})


def _ended(measuring: Measuring) -> None:
    until(lambda: not measuring.progress.running)


def test_one_runs_at_a_time_and_questions_go_first(tmp_path: Path) -> None:
    steps = Stepped()
    chat = chat_of(steps)
    measuring = measuring_of(chat, tmp_path)
    measuring.start()
    with pytest.raises(RunningError):
        measuring.start()
    conversation = Conversation()
    exchange = chat.ask("When does it open?", conversation)  # during the first step
    assert exchange.ahead == 0  # the evaluation is not ahead of questions
    steps.may.release()
    until(lambda: exchange.done)
    assert steps.told == ["step"]
    assert measuring.progress == Progress(True, 1)
    for _ in range(3):
        steps.may.release()
    _ended(measuring)
    assert measuring.progress == Progress(False, 4)
    (found,) = runs(tmp_path)
    assert found.made
    assert found.summary["measures"]["right"]["value"] == 0.5
    assert found.summary["run"]["file"] == "the articles here"
    measuring.start()  # another run may start now
    measuring.stop()
    steps.may.release()
    _ended(measuring)
    assert measuring.progress.done <= 1


def test_what_breaks_off_says_why(tmp_path: Path) -> None:
    model = ModelError("The model server closed the connection", "Start it.")
    for fault, problem in ((None, "No question could be made"), (model, str(model)), (ValueError(), "The log has")):
        steps = Stepped((None,), fault)
        measuring = measuring_of(chat_of(steps), tmp_path)
        measuring.start()
        steps.may.release()
        _ended(measuring)
        assert problem in measuring.progress.problem
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        measuring_of(chat_of(Stepped()), tmp_path / "file").start()
    assert runs(tmp_path) == []


def test_a_small_evaluation_is_run_from_the_page(chromium: Browser, tmp_path: Path) -> None:
    from citewire.ui.page import Site, build_page  # loads Gradio

    steps = Stepped()

    def build() -> Site:
        chat = chat_of(steps)
        routers = [router(tmp_path, measuring_of(chat, tmp_path))]
        return Site(build_page(chat, EXAMPLES, figures=True), routers)

    with serving(build) as address, opened(chromium, address) as shown:
        usable(shown)
        at_rest(shown).goto(f"{address}/figures")
        expect(shown.get_by_text("Nothing has been measured on this machine yet.")).to_be_visible()
        shown.get_by_role("button", name="Run a small evaluation").click()
        expect(shown.get_by_role("button", name="Stop")).to_be_focused()
        steps.may.release(2)
        expect(shown.get_by_role("status")).to_have_text("2 of at most 20 questions answered")
        shown.reload()  # the evaluation continues without the page
        expect(shown.get_by_role("status")).to_have_text("2 of at most 20 questions answered")
        assert shown.get_by_role("progressbar").evaluate("e => [e.value, e.max]") == [2, 20]
        assert faults(shown) == []
        steps.may.release(2)
        lead = "2 of 4 answers quote the article that the question was made from; 1 quote the very sentence."
        expect(shown.locator(".lead")).to_have_text(lead)
        expect(shown.get_by_role("button", name="Run a small evaluation")).to_be_visible()
        expect(shown.get_by_text("are easier than people’s")).to_be_visible()
        shown.get_by_text("The 4 questions").click()
        said = shown.locator("details[open] li span")
        expect(said).to_have_text(["quotes the sentence", "quotes its article", "quotes another article", "refused"])
        assert faults(shown) == []
        shown.set_viewport_size(NARROW)  # type: ignore[arg-type]
        assert faults(shown) == []
        assert shown.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
        shown.get_by_role("button", name="Run a small evaluation").click()
        shown.get_by_role("button", name="Stop").click()
        expect(shown.get_by_role("status")).to_have_text("Stops after this question")
        steps.may.release(4)
        expect(shown.get_by_role("button", name="Run a small evaluation")).to_be_visible()
        shown.get_by_role("link", name="Back to the questions").click()
        at_rest(usable(shown))


def test_the_way_back_leads_to_the_conversation_that_one_came_from(tmp_path: Path) -> None:
    app = FastAPI()
    app.include_router(router(tmp_path))
    with TestClient(app) as client:
        for sent, back in (("http://x/c/Ab_1-2", "/c/Ab_1-2"), ("http://x/c/a%22b", "./"), ("", "./")):
            text = client.get("/figures", headers={"referer": sent} if sent else {}).text
            assert f'<a href="{back}" class="back">' in text
        assert client.post("/figures/run").status_code == 404  # as on a read-only page
