"""Who can use the page: axe-core and Tab in every view, 320 to 1920 pixels, light and dark; zoom, forced colours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browser import DESK, NARROW, PHONE, at_rest, browser_context, faults, missed, opened
from documents import words_of_pdf
from embedders import HashedWordsEmbedder
from playwright.sync_api import Browser, FilePayload, Page, expect
from scripted import AUDIT, EXAMPLES, OPENING, TOUR, scripted_load
from served import ask, served, submit, usable

from citewire.index.build import build_index
from citewire.ui import corpus_routes, figures_page, tour
from citewire.ui.corpus import Corpus
from citewire.ui.keys import Changes

pytestmark = pytest.mark.browser

RECORDS = [{"text": f"{OPENING} {AUDIT}.", "title": "Tunnel", "url": "https://example.org/tunnel"}] + [
    {"text": f"Parcel {n} was sent.", "title": f"Parcel {n:02}", "outlet": "Post"} for n in range(60)
]
ZOOMED = {"width": DESK["width"] // 2, "height": DESK["height"] // 2}  # what a page at 200% has of a desk's window
# Windows, light or dark, or None: there only widths and links are looked at, as axe sees the like. The page's scripts
# tell only narrow from wide, so one load shows all of a row. Colours do not depend on widths: dark is looked at in one.
TABLET, LARGE = {"width": 768, "height": 1024}, {"width": 1920, "height": 1080}
WINDOWS: dict[str, list[tuple[dict[str, int], bool | None]]] = {
    "narrow": [(NARROW, True), (PHONE, None), (TABLET, None), (ZOOMED, None)],
    "wide": [(DESK, False), (LARGE, None)],
}


@contextmanager
def with_all_views(folder: Path) -> Iterator[str]:
    """Serve a page with Articles over an index, the tour and the figures."""
    (folder / "wire.jsonl").write_text("\n".join(map(json.dumps, RECORDS)))
    build_index([folder / "wire.jsonl"], folder / "index", HashedWordsEmbedder())
    corpus = Corpus(folder / "index", HashedWordsEmbedder())
    corpus.start()
    routers = [
        corpus_routes.router(corpus, Changes(corpus.folder)),
        tour.router(TOUR, pace=100),
        figures_page.router(folder / "runs"),
    ]
    with served(scripted_load(), folder / "kept.db", articles=True, routers=routers) as address:
        yield address
    corpus.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with with_all_views(tmp_path_factory.mktemp("page")) as address:
        yield address


def states(page: Page) -> Iterator[str]:
    """Bring the page into one state after the other; yield their names."""
    yield "empty"
    submit(page, "Please hold")
    expect(page.locator(".cw-busy")).to_contain_text("Searching")
    yield "searching"
    page.locator("#cw-ask .stop-button").click()
    page.locator("[data-cw-do=new]").click()
    submit(page, "Answer slowly")
    expect(page.locator(".cw-draft")).to_be_visible()
    yield "streaming"
    page.locator("#cw-ask .stop-button").click()
    expect(page.locator(".cw-closing")).to_be_visible()
    yield "stopped"
    page.locator("[data-cw-do=new]").click()
    ask(page, EXAMPLES[1])
    page.locator(".cw-flag").last.focus()
    yield "done, sources disagree, not in sources, reason shown"
    page.locator(".cw-wrong").click()
    expect(page.locator(".cw-wrong")).to_have_attribute("aria-pressed", "true")
    page.locator(".cw-more").click()
    yield "rated, export"
    page.keyboard.press("Escape")
    page.locator("#cw-chat a.cw-chip").last.click()
    expect(page.locator("mark.cw-on")).to_be_visible()
    page.locator(".cw-panel").evaluate("e => e.scrollTo(0, 0)")  # nothing lies half under the head of a low sheet
    yield "quote opened"
    page.keyboard.press("Escape")
    page.locator("[data-cw-do=new]").click()
    ask(page, "How did it change over time?")
    ask(page, EXAMPLES[2])
    expect(page.locator(".cw-answer").last.locator(".cw-suggestion")).to_have_count(2)
    yield "timeline, no answer, suggestions"
    page.locator("[data-cw-do=new]").click()
    ask(page, "Now an error")
    yield "error"
    page.locator("[data-cw-do=history]").click()
    expect(page.locator(".cw-history-row").first).to_be_visible()
    yield "history"
    page.locator(".cw-history-more").first.click()
    page.get_by_role("button", name="Delete").click()
    yield "history, delete"
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("button", name="Share").click()
    shared = page.get_by_label("Address for others").input_value()
    yield "history, share"
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator("[data-cw-do=settings]").click()
    yield "settings, shortcuts"
    page.keyboard.press("Escape")
    page.locator("[data-cw-do=new]").click()
    for question in EXAMPLES[:2]:
        ask(page, question)
        page.locator("#cw-chat .cw-pin").last.click()
    if not page.locator(".cw-note-count").is_visible():  # on a phone
        page.locator("[data-cw-do=history]").click()
    page.locator(".cw-note-count, .cw-history-notes").locator("visible=true").click()
    expect(page.locator(".cw-notes > li")).to_have_count(2)
    yield "notes"
    at_rest(page).goto(shared)
    yield "shared"


# Links that nothing but their colour tells from words.
BARE = """() => [...document.querySelectorAll("a")].filter((e) => e.checkVisibility() && !e.matches(".cw-menu a, .cw-right, .cw-wrong"))
  .map((e) => [e, getComputedStyle(e)])
  .filter(([, style]) => style.textDecorationLine === "none" && style.borderTopWidth === "0px" && style.backgroundColor === "rgba(0, 0, 0, 0)")
  .map(([e]) => e.outerHTML)"""  # noqa: E501


# Resolves once the browser has drawn the page twice: what listens to the window's size has then run.
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"

# What lies over the page and reaches beyond the window, to where nothing scrolls.
BEYOND = """() => [...document.querySelectorAll("dialog[open], dialog[open] *, .cw-menu, .cw-tip, .cw-tour, #cw-right.cw-opened")]
  .filter((e) => e.checkVisibility()).map((e) => [e, e.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.left < -1 || box.right > innerWidth + 1)).map(([e]) => `beyond: ${e.outerHTML}`)"""  # noqa: E501


def wrong(page: Page) -> list[str]:
    """Return what is wrong with what a page shows as far as its width and its links go."""
    beyond = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    too_wide = [f"{beyond} pixels too wide"] if beyond > 0 else []
    return [*page.evaluate(BARE), *page.evaluate(BEYOND), *too_wide]


def seen_in(page: Page, size: dict[str, int], dark: bool | None) -> None:
    """Put the page into a window and a colour scheme; the figures follow the scheme by their style sheet alone."""
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.evaluate(DRAWN)  # an open menu is put into the new window as its size is told
    if dark is None:
        return
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.wait_for_function(
        "dark => !document.querySelector('.gradio-container') || document.body.classList.contains('dark') === dark",
        arg=dark,
    )


def wrong_in(page: Page, windows: str, shown: Iterator[str]) -> dict[str, list[str]]:
    """Return what is wrong with each state in each window of a row; the states are brought about in the first one."""
    found = {}
    for name in shown:
        for size, dark in WINDOWS[windows]:
            seen_in(page, size, dark)
            seen = wrong(page) if dark is None else [*faults(page), *wrong(page)]
            found[f"{name}, {size['width']}{' dark' if dark else ''}"] = seen
        seen_in(page, *WINDOWS[windows][0])
        if name != "articles":  # fifty rows; they are as the one of the next view
            found[f"{name}, keyboard"] = missed(page)
    return found


@pytest.mark.parametrize("windows", WINDOWS)
def test_axe_finds_nothing(chromium: Browser, url: str, windows: str) -> None:
    with opened(chromium, url, WINDOWS[windows][0][0]) as page:
        found = wrong_in(usable(page), windows, states(page))
    assert {name: what for name, what in found.items() if what} == {}
    assert len(found) == 15 * (len(WINDOWS[windows]) + 1)


def views(page: Page, url: str) -> Iterator[str]:
    """Bring the page into the views beside the chat, one after the other; yield their names."""
    page.locator("[data-cw-do=articles]").click()
    expect(page.locator(".cw-article-row")).to_have_count(50)
    page.locator(".cw-article-row input").first.check()
    yield "articles"
    page.get_by_label("Search the articles").fill("tunnel")
    page.locator(".cw-article-open", has_text="Tunnel").first.click()
    expect(page.locator(".cw-article-reader h3")).to_have_text("Tunnel")
    expect(page.locator(".cw-articles:not([data-loading])")).to_be_attached()  # the list is pale till then
    page.wait_for_timeout(300)
    yield "article"
    if page.get_by_role("button", name="Back to the list").is_visible():
        page.get_by_role("button", name="Back to the list").click()
    if page.get_by_role("button", name="Filters").is_visible():
        page.get_by_role("button", name="Filters").click()
    page.get_by_role("button", name="Paste text").click()
    expect(page.get_by_placeholder("The text of the article", exact=True)).to_be_visible()  # or no address
    page.locator("input[type=file]").set_input_files(
        [
            FilePayload(name="snow.txt", mimeType="", buffer=b"Snow fell."),
            FilePayload(name="x.png", mimeType="", buffer=b"x"),
        ]
    )
    expect(page.locator(".cw-incoming-head b")).to_contain_text(", 1 rejected", timeout=20_000)
    yield "adding, pasting, filters"
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Dismiss").click()
    page.locator(".cw-article-row input").first.check()
    page.locator(".cw-article-actions").first.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("alertdialog")).to_be_visible()
    yield "removing"
    page.get_by_role("button", name="Keep").click()
    at_rest(page).goto(url + tour.ADDRESS)
    expect(page.locator(".cw-tour-caption")).to_have_text("Before one.")
    yield "tour"
    page.locator(".cw-tour").get_by_role("button", name="Next").click()
    expect(page.locator(".cw-tour-caption")).to_have_text("The quote.")
    yield "tour, quote"
    at_rest(page).goto(f"{url}/figures")
    yield "figures"


@pytest.mark.parametrize("windows", WINDOWS)
def test_axe_finds_nothing_beside_the_chat(chromium: Browser, url: str, windows: str) -> None:
    with opened(chromium, url, WINDOWS[windows][0][0]) as page:
        found = wrong_in(usable(page), windows, views(page, url))
    assert {name: what for name, what in found.items() if what} == {}
    assert len(found) == 7 * (len(WINDOWS[windows]) + 1) - 1


def reachable(page: Page, part: str) -> bool:
    """Whether the first part of a sort can be scrolled to where a click meets it."""
    page.locator(part).first.wait_for(state="attached")
    return bool(
        page.evaluate(
            """(part) => {
              const found = document.querySelector(part);
              found.scrollIntoView({ block: "center" });
              const box = found.getClientRects()[0];
              const met = document.elementFromPoint(box.left + Math.min(box.width / 2, 40), box.top + box.height / 2);
              return found.contains(met);
            }""",
            part,
        )
    )


def on_its_first_line(page: Page, part: str) -> float:
    """How wide the first line of a part is where a line has room for the sign before its words and for no word."""
    return float(
        page.locator(part).first.evaluate(
            """(part) => {
              const before = document.createElement("span");
              before.style.cssText = "display: inline-block; width: calc(100% - 32px)";
              part.before(before);
              const { width } = part.getClientRects()[0];
              before.remove();
              return width;
            }"""
        )
    )


def test_a_zoomed_page_shows_what_a_click_brings(chromium: Browser, url: str) -> None:
    with opened(chromium, url, {"width": 320, "height": 400}) as page:  # 400%
        usable(page)
        ask(page, EXAMPLES[1])
        assert on_its_first_line(page, ".cw-mark") > 60
        page.locator("#cw-chat a.cw-chip").last.click()
        expect(page.locator("mark.cw-on")).to_be_in_viewport(ratio=1)
        assert on_its_first_line(page, "mark.cw-on") > 60
        assert reachable(page, "mark.cw-on")
        assert reachable(page, ".cw-row-title")
        page.get_by_role("button", name="Close").click()
        page.locator("[data-cw-do=articles]").click()
        expect(page.locator(".cw-article-row")).to_have_count(50)
        assert reachable(page, ".cw-article-open")
        assert reachable(page, ".cw-pager button:not(:disabled)")
        page.locator(".cw-article-open").first.click()
        assert reachable(page, ".cw-article-text p")
        assert reachable(page, ".cw-article-reader .cw-article-actions button")
        at_rest(page).goto(url + tour.ADDRESS)
        expect(page.locator(".cw-tour-caption")).to_have_text("Before one.")
        page.locator(".cw-tour").get_by_role("button", name="Next").click()
        expect(page.locator(".cw-tour-caption")).to_have_text("The quote.")
        assert reachable(page, "mark.cw-on")


def test_nothing_of_the_chat_lies_over_another_view(chromium: Browser, url: str) -> None:
    with opened(chromium, url, {"width": 320, "height": 640}) as page:
        usable(page)
        for question in EXAMPLES[:2]:
            ask(page, question)
        at_rest(page)
        page.locator("#cw-chat .bubble-wrap").evaluate("e => e.scrollTo(0, 0)")
        down = page.locator("#cw-chat .scroll-down-button-container button")
        expect(down).to_be_visible()
        box = down.bounding_box()
        assert box
        assert box["width"] >= LEAST
        page.locator("[data-cw-do=articles]").click()
        expect(page.locator(".cw-article-row")).to_have_count(50)
        at = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        page.evaluate(
            "document.querySelectorAll('[inert]').forEach((one) => { one.inert = false; })"
        )  # not met, but seen
        assert page.evaluate("([x, y]) => Boolean(document.elementFromPoint(x, y).closest('.cw-articles'))", at)
        printed = words_of_pdf(page.pdf())  # what is seen
        assert ("Parcel 03" in printed, EXAMPLES[1] in printed, "Remove" in printed) == (True, False, False)


def test_back_closes_what_lies_over_the_page_and_goes_on_from_there(chromium: Browser, url: str) -> None:
    with opened(chromium, url, PHONE) as page:
        ask(usable(page), EXAMPLES[0])
        page.wait_for_url(f"{url}/c/*")
        page.locator("[data-cw-do=articles]").click()
        expect(page.locator(".cw-articles-head > button")).to_have_count(3)
        pasting, adding, closing = page.locator(".cw-articles-head > button").evaluate_all(
            "all => all.map((e) => e.offsetTop)"
        )
        assert pasting == adding > closing
        page.locator(".cw-article-open").first.click()
        expect(page.locator(".cw-article-reader h3")).to_be_visible()
        page.go_back()  # from the article to their list
        expect(page.locator(".cw-article-open").first).to_be_visible()
        page.go_back()
        expect(page.locator(".cw-articles")).to_be_hidden()
        for name in ("settings", "history"):
            page.locator(f"[data-cw-do={name}]").click()
            expect(page.locator("dialog[open]")).to_be_visible()
            page.go_back()
            expect(page.locator("dialog[open]")).to_have_count(0)
        page.locator("[data-cw-do=history]").click()
        page.get_by_role("button", name="Notes").click()  # on a phone the way to them without sources
        expect(page.get_by_role("dialog", name="Notes")).to_be_visible()
        page.go_back()
        expect(page.locator("dialog[open]")).to_have_count(0)
        expect(page.locator("[data-cw-do=history]")).to_be_focused()
        page.locator("[data-cw-do=settings]").click()
        page.keyboard.press("Escape")  # takes its entry of the history away
        page.wait_for_timeout(300)
        page.go_forward()  # to what has been closed
        page.wait_for_timeout(300)
        expect(page.locator("dialog[open]")).to_have_count(0)
        expect(page.locator(".cw-question")).to_have_text(EXAMPLES[0])
        page.go_back()
        expect(page.locator(".cw-welcome")).to_be_visible()


def test_in_forced_colours_what_is_marked_can_be_told(chromium: Browser, url: str) -> None:
    colours = """([part, pseudo]) => {
      const style = getComputedStyle(document.querySelector(part), pseudo);
      return [style.color, style.backgroundColor];
    }"""

    def told(part: str, pseudo: str | None = None) -> list[str]:
        found: list[str] = page.evaluate(colours, [part, pseudo])
        return found

    with browser_context(chromium, dark=True) as context:
        page = context.new_page()
        page.emulate_media(forced_colors="active")
        page.goto(url)
        usable(page)
        _, canvas = told("body")
        assert told(".cw-icon-new")[1] not in (canvas, "rgba(0, 0, 0, 0)")  # a mask shows the background alone
        assert told(".cw-dot")[1] not in (canvas, "rgba(0, 0, 0, 0)")
        ask(page, EXAMPLES[1])
        page.locator("#cw-chat a.cw-chip").nth(1).click()
        expect(page.locator("mark.cw-on")).to_have_text(AUDIT)
        assert told("#cw-chat a.cw-chip[aria-current]") != told("#cw-chat a.cw-chip:not([aria-current])")
        for part in ("#cw-chat a.cw-chip", ".cw-row .cw-number"):
            assert page.locator(part).first.evaluate("e => getComputedStyle(e).borderTopWidth") == "1px"
        label, behind = told("mark.cw-on", "::before")
        assert behind == canvas
        assert label != behind
        page.locator("#cw-chat .cw-pin").click()
        assert told("#cw-chat a.cw-pin[aria-pressed=true]") == told("#cw-chat a.cw-chip[aria-current]")
        assert told(".cw-right", "::before")[1] not in (canvas, "rgba(0, 0, 0, 0)")
        page.locator(".cw-right").click()
        expect(page.locator(".cw-right")).to_have_attribute("aria-pressed", "true")
        assert told(".cw-right") == told("#cw-chat a.cw-chip[aria-current]")
        ask(page, EXAMPLES[2])
        expect(page.locator("mark.cw-near").first).to_be_visible()
        near, _ = told("mark.cw-near")
        assert near not in (canvas, told(".cw-reader")[1])
        outlined = "e => getComputedStyle(e).outline"
        page.locator("[data-cw-do=history]").click()
        current = page.locator(".cw-history-open[aria-current]")
        page.locator(".cw-drawer header button").last.focus()
        assert "solid 2px" in current.evaluate(outlined)
        page.keyboard.press("Escape")
        page.locator("[data-cw-do=articles]").click()
        page.locator(".cw-article-open").first.click()
        rows = page.locator(".cw-article-row")
        expect(rows.first).to_have_attribute("data-on")
        assert "solid 2px" in rows.first.evaluate(outlined)
        assert "solid" not in rows.nth(1).evaluate(outlined)


def test_nothing_moves_for_who_wants_it_so(chromium: Browser, url: str) -> None:
    moving = "document.getAnimations().filter((one) => one.playState === 'running').length"
    with opened(chromium, url) as page:  # reduced motion, as all tests have it
        submit(usable(page), "Please hold")
        expect(page.locator(".cw-skeleton")).to_be_visible()
        assert page.evaluate(moving) == 0
        page.emulate_media(reduced_motion="no-preference")
        page.wait_for_function(f"{moving} > 0")
        page.locator("#cw-ask .stop-button").click()
        expect(page.locator(".cw-closing")).to_be_visible()


LONG = "1,243 articles from 17 outlets, 1,240 dated: 29 Sep 2025 to 30 Dec 2026"
LEAST = 24  # pixels of what is pressed, WCAG 2.2, 2.5.8


def contrast(page: Page, part: str, pseudo: str) -> float:
    """The contrast of a part's text with the page behind it, WCAG 2.2, 1.4.3."""
    return float(
        page.evaluate(
            """([part, pseudo]) => {
              const lightness = (colour) => {
                const [r, g, b] = colour.match(/[\\d.]+/g).map((one) => one / 255)
                  .map((one) => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
              };
              const style = getComputedStyle(document.querySelector(part), pseudo);
              if (style.opacity !== "1") return 0;
              const behind = getComputedStyle(document.querySelector("#cw-ask")).backgroundColor;
              const two = [style.color, behind].map(lightness);
              return (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05);
            }""",
            [part, pseudo],
        )
    )


def test_on_a_narrow_screen_nothing_is_cut_off_and_all_can_be_pressed(chromium: Browser, url: str) -> None:
    with opened(chromium, url, NARROW) as page:
        usable(page)
        page.locator(".cw-corpus").evaluate("(e, words) => { e.textContent = words; }", LONG)
        for name in ("articles", "history", "new"):
            box = page.locator(f"[data-cw-do={name}]").bounding_box()
            assert box
            assert 0 <= box["x"] <= box["x"] + box["width"] <= NARROW["width"], name
        assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
        assert page.evaluate("document.querySelector('.gradio-container').scrollWidth") == NARROW["width"]
        ask(page, EXAMPLES[1])
        ask(page, EXAMPLES[2])
        expect(page.locator(".cw-answer").last.locator(".cw-suggestion")).to_have_count(2)
        small = page.evaluate(
            """(least) => [...document.querySelectorAll("a, button, input, textarea")]
              .filter((e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
              .map((e) => [e.className || e.id, e.getBoundingClientRect()])
              .filter(([, box]) => box.width && (Math.round(box.width) < least || Math.round(box.height) < least))
              .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)""",
            LEAST,
        )
        assert small == []
        colours = [
            page.locator(part).first.evaluate("e => getComputedStyle(e).color") for part in (".cw-closing", ".cw-mark")
        ]
        assert colours[0] == colours[1]
        page.set_viewport_size(PHONE)  # type: ignore[arg-type]
        page.locator(".cw-more").last.click()
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # a phone that is turned
        expect(page.locator(".cw-menu")).to_be_in_viewport(ratio=1)


def test_the_words_in_the_empty_box_can_be_read(chromium: Browser, url: str) -> None:
    with opened(chromium, url) as page:
        usable(page)
        for dark in (False, True):
            seen_in(page, DESK, dark)
            assert contrast(page, "#cw-ask textarea", "::placeholder") >= 4.5


def test_axe_finds_what_is_wrong(chromium: Browser, url: str) -> None:
    """The test above bites: a button without a name and grey on grey are found."""
    with opened(chromium, url) as page:
        usable(page)
        page.evaluate("document.querySelector('.cw-new').replaceChildren()")
        page.evaluate("document.querySelector('.cw-welcome p').style.cssText = 'color: #ccc !important'")
        assert {fault.split(":")[0] for fault in faults(page)} == {"button-name", "color-contrast"}
