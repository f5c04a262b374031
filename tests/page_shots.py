"""Saves screenshots of every state of the page to a folder: `make shots`.

    python tests/page_shots.py FOLDER [PART OF A NAME [every]]

By default a phone and a desk, few of them dark; `every` takes five widths from 320 to 1920 pixels, light and dark. A
scripted answerer with invented articles forces the states; shots 20 to 39 use the real model and the sample articles.
Each file is a PNG with 256 colours.
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.parse import urljoin

from browser import DESK, NARROW, PHONE, launched
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, expect
from scripted import EXAMPLES, TOUR, scripted_about, scripted_load
from served import ask, served, serving, submit, usable

from citewire.ui import console, engine, tour
from citewire.ui.chat import Loaded
from citewire.ui.cli import lay_out
from citewire.ui.settings import Settings

Act = Callable[[Page], object]


def _clicked(page: Page) -> None:
    ask(page, EXAMPLES[0])
    page.locator("#cw-chat a.cw-chip", has_text="3").click()
    expect(page.locator("mark.cw-on")).to_be_visible()


def _hovered(page: Page) -> None:
    ask(page, EXAMPLES[0])
    page.locator("#cw-chat a.cw-chip", has_text="2").focus()


def _reason(page: Page) -> None:
    ask(page, EXAMPLES[1])
    page.locator("#cw-chat a.cw-flag").last.focus()


def _refused(page: Page) -> None:
    ask(page, EXAMPLES[2])
    expect(page.locator(".cw-suggestion")).to_have_count(2)


def _follow_up(page: Page) -> None:
    ask(page, EXAMPLES[0])
    ask(page, "reader: is it free?")


def _streaming(page: Page) -> None:
    submit(page, "Answer slowly")
    expect(page.locator(".cw-draft")).to_contain_text("staffed from")


def _stopped(page: Page) -> None:
    _streaming(page)
    page.locator("#cw-ask .stop-button").click()
    expect(page.locator(".cw-closing")).to_be_visible()


def _searching(page: Page) -> None:
    submit(page, "Please hold")
    expect(page.locator(".cw-busy")).to_contain_text("Searching")


def _queued(page: Page) -> None:
    _searching(page)
    other = page.context.new_page()
    other.goto(urljoin(page.url, "/"))  # the first tab may have another address by now
    usable(other)
    submit(other, EXAMPLES[0])
    expect(other.locator(".cw-busy")).to_contain_text("ahead of yours")


def _history(page: Page) -> None:
    ask(page, EXAMPLES[0])
    page.get_by_role("button", name="New chat").click()
    ask(page, EXAMPLES[1])
    page.get_by_role("button", name="History").click()
    expect(page.locator(".cw-history-row")).to_have_count(2)


def _more_of_history(name: str) -> Act:
    def act(page: Page) -> None:
        _history(page)
        page.locator(".cw-history-more").first.click()
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator(".cw-history-form")).to_be_visible()

    return act


def _shared(page: Page) -> None:
    _more_of_history("Share")(page)
    page.goto(page.get_by_label("Address for others").input_value())


def _settings(page: Page) -> None:
    page.get_by_role("button", name="Settings").click()


def _notes(page: Page) -> None:
    for question in EXAMPLES[:2]:
        ask(page, question)
        page.locator("#cw-chat .cw-pin").last.click()
    if not page.locator(".cw-note-count").is_visible():  # on a phone
        page.get_by_role("button", name="History").click()
    page.locator(".cw-note-count, .cw-history-notes").locator("visible=true").click()
    expect(page.locator(".cw-notes > li")).to_have_count(2)


def _tour(page: Page) -> None:
    page.goto(urljoin(page.url, tour.ADDRESS))
    expect(page.locator(".cw-tour-caption")).to_have_text("Before one.")
    page.locator(".cw-tour").get_by_role("button", name="Next").click()
    expect(page.locator(".cw-tour-caption")).to_have_text("The quote.")


def _export(page: Page) -> None:
    ask(page, EXAMPLES[0])
    page.locator(".cw-more").click()


def _rated(page: Page) -> None:
    ask(page, EXAMPLES[0])
    page.locator(".cw-wrong").click()
    expect(page.locator(".cw-wrong")).to_have_attribute("aria-pressed", "true")


STATES: dict[str, Act] = {
    "02-empty": lambda page: None,
    "03-searching": _searching,
    "04-queued": _queued,
    "05-streaming": _streaming,
    "06-done": lambda page: ask(page, EXAMPLES[0]),
    "07-quote-opened": _clicked,
    "08-preview": _hovered,
    "09-not-in-sources": _reason,
    "10-sources-disagree": lambda page: ask(page, EXAMPLES[1]),
    "11-over-time": lambda page: ask(page, "How did the cost change over time?"),
    "12-no-answer": _refused,
    "13-follow-up": _follow_up,
    "14-stopped": _stopped,
    "15-error": lambda page: ask(page, "Now an error"),
    "16-history": _history,
    "17-export": _export,
    "18-rated": _rated,
    "40-history-share": _more_of_history("Share"),
    "41-history-delete": _more_of_history("Delete"),
    "42-shared": _shared,
    "43-settings": _settings,
    "44-notes": _notes,
    "45-tour": _tour,
}


def _overview(page: Page) -> None:
    expect(page.locator(".cw-overview")).to_be_visible()


def _ticked(page: Page) -> None:
    _overview(page)
    page.locator(".cw-overview a.cw-chip", has_text="2").click()
    page.locator(".cw-row input").first.check()
    expect(page.locator(".cw-filter")).to_be_attached()


# Shots of a page with an overview of its articles.
TOLD: dict[str, Act] = {
    "19-overview": _overview,
    "19-ticked": _ticked,
    "19-list": lambda page: ask(page, "What are these articles about?"),
    "19-talk": lambda page: ask(page, "hello"),
    "19-not-for-it": lambda page: ask(page, "Write a poem."),
}


def _signing_in(page: Page) -> None:
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()


DOOR: dict[str, Act] = {"46-signing-in": _signing_in}
# Windows by name; the first of a row is the one that docs/shots has.
WIDE = {"desk": DESK, "large": {"width": 1920, "height": 1080}}
SLIM = {"phone": PHONE, "narrow": NARROW, "tablet": {"width": 768, "height": 1024}}
DARK = ("02-empty", "06-done", "07-quote-opened", "10-sources-disagree", "12-no-answer", "15-error", "16-history")


def _asked(question: str, awaited: str) -> Act:
    def act(page: Page) -> None:
        submit(page, question)
        expect(page.locator(awaited).first).to_be_visible(timeout=PATIENT_MS)
        page.wait_for_function("() => !('cwSeeking' in document.body.dataset)", timeout=PATIENT_MS)

    return act


def _followed(page: Page) -> None:
    _asked("How many Avalon miners did Mawson order from Canaan?", ".cw-closing")(page)
    _asked("And how many did Genesis order?", ".cw-searched")(page)
    expect(page.locator(".cw-closing")).to_have_count(2, timeout=PATIENT_MS)


def _suggested(page: Page) -> None:
    _asked("How many people does Canaan employ?", ".cw-suggestion")(page)
    expect(page.locator(".cw-suggestions .cw-busy")).to_have_count(0, timeout=PATIENT_MS)


def _articles(page: Page) -> None:
    page.get_by_role("button", name="Articles", exact=True).click()
    expect(page.locator(".cw-article-open", has_text="Canaan (CAN) Exits AI")).to_be_visible()


def _read(page: Page) -> None:
    _articles(page)
    page.locator(".cw-article-open", has_text="Canaan (CAN) Exits AI").first.click()
    expect(page.get_by_text("ninth consecutive").first).to_be_attached()


def _pasting(page: Page) -> None:
    _articles(page)
    page.get_by_role("button", name="Paste text").click()


def _filters(page: Page) -> None:
    _articles(page)
    if page.get_by_role("button", name="Filters").is_visible():  # folded on a phone
        page.get_by_role("button", name="Filters").click()


def _removing(page: Page) -> None:
    _articles(page)
    page.locator(".cw-article-row input").first.check()
    page.get_by_role("button", name="Remove").first.click()
    expect(page.get_by_role("alertdialog")).to_be_visible()


def _dragged(page: Page) -> None:
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["x"], "x.txt"));
          document.querySelector("#cw-chat").dispatchEvent(new DragEvent("dragenter", { dataTransfer: data, bubbles: true }));
        }"""  # noqa: E501
    )
    expect(page.locator("body > .cw-drop")).to_be_visible()


def _added(page: Page) -> None:
    _articles(page)
    files = {"Snow on the fells.txt": b"Snow fell on Bergen.", "A picture.png": b"x"}
    chosen = [FilePayload(name=name, mimeType="", buffer=content) for name, content in files.items()]
    page.locator("input[type=file]").first.set_input_files(chosen)
    expect(page.locator(".cw-incoming-head b")).to_contain_text("1 rejected", timeout=PATIENT_MS)


def _figures(page: Page) -> None:
    page.goto(urljoin(page.url, "/figures"))


REAL: dict[str, Act] = {
    "20-real-answer": _asked("How many Avalon miners did Mawson order from Canaan?", ".cw-closing"),
    "21-real-follow-up": _followed,
    "22-real-no-answer": _suggested,
    "23-articles": _articles,
    "24-article": _read,
    "25-real-greeting": _asked("hello", ".cw-lead"),
    "26-real-overview": _asked("What are these articles about?", ".cw-closing"),
    "27-real-summary": _asked("Summarise the article about the JPMorgan report.", ".cw-closing"),
    "28-real-list": _asked("Who are Canaan's competitors?", ".cw-closing"),
    "29-real-comparison": _asked("Compare MARA and IREN.", ".cw-closing"),
    "30-real-timeline": _asked("How has Canaan's revenue changed?", ".cw-closing"),
    "31-real-yes-or-no": _asked("Did Canaan close its AI unit?", ".cw-closing"),
    "32-pasting": _pasting,
    "33-filters": _filters,
    "34-removing": _removing,
    "35-dragged": _dragged,
    "36-figures": _figures,
    "37-added": _added,
}
PATIENT_MS = 180_000  # the real model, on a busy machine


@contextmanager
def samples(folder: Path) -> Iterator[str]:
    """Serve the page as `citewire serve` does, over the sample articles; yield its address."""
    chosen = Settings(index=folder / "index", conversations=folder / "samples.db", runs=folder / "runs")
    engine.index_articles(chosen, [engine.samples()], engine.load_embedder(chosen), console.silent)
    with serving(lambda: lay_out(chosen)) as address:
        yield address


def shoot(browser: Browser, address: str, name: str, act: Act | None, into: Path, *, every: bool) -> None:
    """Bring the page into a state by `act` and save screenshots; with None, while the model loads."""
    for narrow, sizes in ((False, WIDE), (True, SLIM)):
        context = browser.new_context(
            viewport=PHONE if narrow else DESK,  # type: ignore[arg-type]
            reduced_motion="reduce",
            has_touch=narrow,
            is_mobile=narrow,
        )
        page = context.new_page()
        page.goto(address)
        if act is None:
            expect(page.locator(".cw-status")).to_have_text("Loading model")
        else:
            if act is not _signing_in:
                expect(page.locator(".cw-status[data-state=ready]")).to_be_attached(timeout=PATIENT_MS)
                usable(page)
            act(page)
        shown = context.pages[-1]
        for kind, size in sizes.items() if every else list(sizes.items())[:1]:
            shown.set_viewport_size(size)  # type: ignore[arg-type]
            for dark in (False, True) if every or name in DARK else (False,):
                shown.emulate_media(color_scheme="dark" if dark else "light")
                shown.wait_for_timeout(500)
                file = into / f"{name}-{kind}{'-dark' if dark else ''}.png"
                with Image.open(BytesIO(shown.screenshot())) as shot:
                    shot.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
        context.close()


def main(into: Path, only: str = "", every: bool = False) -> None:
    """Save all screenshots, or those whose names contain `only`; of every width and colour, or of two."""
    into.mkdir(parents=True, exist_ok=True)
    gate = threading.Event()

    def never() -> Loaded:
        gate.wait()
        return scripted_load()()

    with launched() as browser, tempfile.TemporaryDirectory() as folder:
        if only in "01-loading":
            with served(never, Path(folder) / "loading.db") as address:
                shoot(browser, address, "01-loading", None, into, every=every)
                gate.set()
        routers = [tour.router(TOUR, pace=100)]
        for states, load, password in (
            (STATES, scripted_load(), ""),
            (TOLD, scripted_load(about=scripted_about), ""),
            (DOOR, scripted_load(), "correct horse"),
        ):
            if any(only in name for name in states):
                with served(load, Path(folder) / "kept.db", routers=routers, password=password) as address:
                    for name, act in states.items():
                        if only in name:
                            shoot(browser, address, name, act, into, every=every)
        if any(only in name for name in REAL):
            with samples(Path(folder)) as address:
                for name, act in REAL.items():
                    if only in name:
                        shoot(browser, address, name, act, into, every=every)


if __name__ == "__main__":
    folder, part, widths = (*sys.argv[1:], "", "")[:3]
    main(Path(folder), part, every=widths == "every")
