"""The page in a real browser: what it remembers and reacts to, touch, and once the real model over the samples."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from browser import PHONE, at_rest, faults, opened
from conftest import until
from playwright.sync_api import APIResponse, Browser, Page, Route, expect
from scripted import (
    AUDIT,
    COST,
    EXAMPLES,
    GALLERY,
    GAP,
    GOING_ON,
    HOURS,
    OPENING,
    PAYLOADS,
    SUGGESTIONS,
    TUNNEL,
    Gated,
    ScriptedAnswerer,
    ScriptedIndex,
    scripted_suggest,
)
from served import ask, served, submit, usable

from citewire.index.options import SearchOptions
from citewire.index.store import Index
from citewire.index.types import Embedder, Filters
from citewire.qa.answer import Answerer
from citewire.qa.reader import load_reader
from citewire.qa.suggest import Suggester
from citewire.qa.types import Answer, Generator, Turn
from citewire.ui.chat import Loaded
from citewire.ui.conversations import Conversations
from citewire.ui.page import GRACE_S

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page") / "kept.db"


@pytest.fixture(scope="module")
def url(answerer: ScriptedAnswerer, file: Path) -> Iterator[str]:
    def load() -> Loaded:
        return Loaded(answerer, ScriptedIndex(), "scripted model", suggest=scripted_suggest)

    with served(load, file, articles=True) as address:
        yield address


def start_of_sentence(page: Page, number: int) -> tuple[float, float]:
    """A place on the words of a sentence of the answer, in pixels of the window."""
    box = page.locator(".cw-claim").nth(number).evaluate("e => e.getClientRects()[0].toJSON()")
    return box["left"] + 6, (box["top"] + box["bottom"]) / 2


def select_sentence(page: Page, number: int) -> None:
    page.locator(".cw-claim").nth(number).evaluate("e => getSelection().selectAllChildren(e)")


# ---- a sentence finds its evidence


def test_a_clicked_or_selected_sentence_finds_its_evidence_and_the_panel_gives_its_verdict(page: Page) -> None:
    ask(page, EXAMPLES[1])
    page.mouse.click(*start_of_sentence(page, 1))
    expect(page.locator("mark.cw-on")).to_have_text(AUDIT)
    expect(page.locator("#cw-spoken")).to_have_text("Evidence: quote 2")
    select_sentence(page, 0)
    expect(page.locator("mark.cw-on")).to_have_text(COST)
    assert "1.84 billion" in page.evaluate("getSelection().toString()")  # still selected, for a copy
    select_sentence(page, 3)
    expect(page.locator(".cw-tip")).to_have_text(
        "This sentence has no quote. Not in the sources: “most expensive” is in no quote."
    )
    numbers = page.locator(".cw-text a.cw-chip", has_text="1")
    numbers.nth(1).click()
    expect(page.locator(".cw-told")).to_have_text(
        "Sources disagree herePartly in the sources: The quote says 1.31 billion was approved, not spent."
        "Whether it answers the question is for you to judge."
    )
    numbers.first.click()
    expect(page.locator(".cw-told small")).to_have_text(
        ["Reworded: check it against the quote.", "Whether it answers the question is for you to judge."]
    )
    expect(page.locator(".cw-reader h3")).to_be_in_viewport(ratio=1)  # there is room for both
    expect(page.locator("mark.cw-on")).to_be_in_viewport(ratio=1)


def test_a_number_says_its_verdict_and_all_quotes_of_a_sentence_are_marked_the_chosen_one_stronger(page: Page) -> None:
    ask(page, EXAMPLES[0])
    chip = page.locator("#cw-chat a.cw-chip").first
    chip.hover()
    expect(page.locator(".cw-tip .cw-verdict")).to_have_text("Reworded: check it against the quote.")
    expect(page.locator(".cw-tip .cw-answers")).to_have_text("Read as answering the question: “18 May”.")
    expect(page.locator(".cw-tip q")).to_have_text(OPENING)
    page.locator(".cw-tip").hover()  # stays for as long as the pointer is on it
    expect(page.locator(".cw-tip q")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".cw-tip")).to_be_hidden()
    expect(page.locator(".cw-original a")).to_have_attribute(
        "href",
        "https://example.org/herald/harbour-tunnel-may#:~:text=Northgate%E2%80%99s%20Harbour%20Tunnel%20will%20open,"
        "transport%20chief%20Ines%20Okafor%20said.",
    )
    page.mouse.click(*start_of_sentence(page, 1))
    expect(page.locator("mark.cw-on")).to_have_text(GALLERY)
    expect(page.locator("mark.cw-beside")).to_have_text(HOURS)
    colours = [
        page.locator(which).evaluate("e => getComputedStyle(e).backgroundColor")
        for which in ("mark.cw-on", "mark.cw-beside")
    ]
    assert len(set(colours)) == 2
    page.keyboard.press("Escape")
    expect(page.locator("#cw-chat a.cw-chip", has_text="2")).to_be_focused()


def test_a_part_without_an_answer_a_timeline_and_a_follow_ups_own_question(page: Page) -> None:
    ask(page, "When does it open, and who keeps the lighthouse?")
    gap = page.locator(".cw-claim").nth(1)
    expect(gap).to_have_text(GAP)
    assert gap.locator("span").evaluate("e => getComputedStyle(e).textDecorationLine") == "none"
    expect(page.locator("#cw-chat .cw-flag")).to_have_count(0)
    expect(page.locator(".cw-closing")).to_contain_text(
        "1 of 1 sentence checked against a quote, reworded. Whether it answers the question is for you to judge."
        " 1 part without an answer."
    )
    ask(page, "How did it change over time?")
    course = page.locator(".cw-answer").last
    expect(course).to_contain_text(re.compile("reported 11 Feb 2026 .*reported 2 Mar 2026 "))
    course.locator("a.cw-chip", has_text="2").click()
    expect(page.locator("mark.cw-on")).to_have_text(AUDIT)
    ask(page, "reader: is it free?")
    expect(page.locator(".cw-searched")).to_have_text("Searched for: Is the tunnel's gallery free for readers?")
    page.locator(".cw-answer").nth(1).locator("a.cw-chip").first.click()  # of the earlier answer
    expect(page.locator(".cw-asked")).to_have_text("How did it change over time?")


# ---- keyboard alone, and touch


def test_keyboard_alone_reaches_all(page: Page) -> None:
    expect(page.locator("body[data-cw-phase=empty]")).to_be_attached()  # the links work from now on
    page.keyboard.press("Tab")
    for _ in range(40):
        if page.evaluate("document.activeElement.className") == "cw-example":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".cw-closing")).to_be_visible()
    expect(page.locator(".cw-suggestion")).to_have_count(3)  # they come last, and take the focus from what stood there
    stops = []
    page.locator("#cw-chat a.cw-chip").first.focus()
    for _ in range(10):
        stops.append(page.evaluate("document.activeElement.textContent"))
        page.keyboard.press("Tab")
    assert stops == ["1", "2", "3", "Copy with sources", "Pin", "Retry", "Quotes only", "Export", "Right", "Wrong"]
    page.locator(".cw-wrong").focus()
    page.keyboard.press("Space")
    expect(page.locator(".cw-wrong")).to_have_attribute("aria-pressed", "true")
    page.locator(".cw-more").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".cw-menu a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".cw-menu")).to_be_hidden()
    expect(page.locator(".cw-more")).to_be_focused()
    page.get_by_role("button", name="History").focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog.cw-drawer")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="History")).to_be_focused()


def test_touch_on_a_phone(chromium: Browser, url: str) -> None:
    with chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(url)
        usable(page)
        page.locator(".cw-example").nth(1).tap()
        expect(page.locator(".cw-closing")).to_be_visible()
        page.locator(".cw-flag").last.tap()
        expect(page.locator(".cw-tip")).to_have_text("Not in the sources: “most expensive” is in no quote.")
        page.locator(".cw-question").tap()
        expect(page.locator(".cw-tip")).to_be_hidden()
        at_rest(page)  # questions to go on with move what is above them
        page.touchscreen.tap(*start_of_sentence(page, 1))
        sheet = page.locator("#cw-right")
        expect(sheet).to_be_visible()
        expect(page.get_by_role("dialog", name="Sources")).to_be_visible()
        expect(page.locator("mark.cw-on")).to_be_in_viewport()
        assert page.evaluate("document.getElementById('cw-left').inert")
        page.touchscreen.tap(190, 60)  # beside the sheet
        expect(sheet).to_be_hidden()
        assert not page.evaluate("document.getElementById('cw-left').inert")


# ---- the line, Stop, a closed tab


def test_stop_freezes_the_text_though_the_model_is_not_done(chromium: Browser, tmp_path: Path) -> None:
    deaf = Gated()
    with (
        served(lambda: Loaded(deaf, ScriptedIndex(), "deaf"), tmp_path / "kept.db") as address,
        opened(chromium, address) as page,
    ):
        submit(usable(page), "When?")
        expect(page.locator(".cw-draft")).to_have_text("Cyclists get")
        page.locator("#cw-ask .stop-button").click()
        expect(page.locator(".cw-closing")).to_contain_text("Stopped before the answer was complete.")
        expect(page.locator("#cw-ask .submit-button")).to_be_visible()
        assert not deaf.go.is_set()
        before = page.locator(".cw-answer").text_content()
        deaf.go.set()
        ask(page, "And now?")
        assert deaf.stopped is False  # of the second one
        assert page.locator(".cw-answer").first.text_content() == (before or "").replace("RetryQuotes onlyExport", "")


def test_the_place_in_line_is_live_and_no_question_that_waits_is_lost(chromium: Browser, url: str) -> None:
    with chromium.new_page() as page:  # what is cut off is logged as an error
        page.goto(url)
        usable(page)
        with opened(chromium, url) as first, opened(chromium, url) as second:
            submit(usable(first), "Answer slowly")
            expect(first.locator(".cw-draft")).to_be_visible()
            submit(usable(second), "Answer slowly")
            expect(second.locator(".cw-busy")).to_have_text("Waiting: 1 question ahead of yours")
            submit(page, EXAMPLES[0])
            expect(page.locator(".cw-busy")).to_have_text("Waiting: 2 questions ahead of yours")
            page.wait_for_url(f"{url}/c/*")
            page.reload()
            expect(page.locator(".cw-busy")).to_have_text("Waiting: 2 questions ahead of yours")
            first.locator("#cw-ask .stop-button").click()
            expect(page.locator(".cw-busy")).to_have_text("Waiting: 1 question ahead of yours")
            expect(second.locator(".cw-draft")).to_be_visible()
        expect(page.locator(".cw-closing")).to_be_visible(timeout=25000)  # the second tab was closed: nobody is ahead
        with opened(chromium, url) as first:
            submit(usable(first), "Answer slowly")
            expect(first.locator(".cw-draft")).to_be_visible()
            page.get_by_role("button", name="New chat").click()
            submit(page, EXAMPLES[1])
            expect(page.locator(".cw-busy")).to_be_visible()
            page.wait_for_url(f"{url}/c/*")
            address, entries = page.url, page.evaluate("history.length")
            page.evaluate("addEventListener('popstate', () => history.forward(), { once: true }); history.back()")
            page.wait_for_timeout(2500)  # by then the server has shown what was asked for in between
            assert (page.url, page.evaluate("history.length")) == (address, entries)
            page.go_back()
            expect(page.locator(".cw-welcome")).to_be_visible()
            page.go_forward()
            page.wait_for_url(address)
            expect(page.locator(".cw-question")).to_have_text(EXAMPLES[1])
            expect(page.locator(".cw-closing")).to_have_text("Stopped before there was an answer. Ask it again.")
            first.locator("#cw-ask .stop-button").click()
        page.locator(".cw-retry").click()
        expect(page.locator(".cw-closing")).to_contain_text("checked against a quote")


# ---- History, ratings, export


def test_conversations_are_offered_again_in_another_tab(page: Page, answerer: ScriptedAnswerer, url: str) -> None:
    ask(page, EXAMPLES[1])
    ask(page, EXAMPLES[0])
    at_rest(page).goto(url)
    expect(usable(page).locator(".cw-welcome")).to_be_visible()
    page.get_by_role("button", name="History").click()
    row = page.locator(".cw-history-row")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("2 questions")
    row.locator(".cw-history-open").click()
    expect(page.locator(".cw-question")).to_have_text([EXAMPLES[1], EXAMPLES[0]])
    page.locator(".cw-answer").first.locator(".cw-text a.cw-chip", has_text="2").first.click()
    expect(page.locator("mark.cw-on")).to_have_text(AUDIT)
    ask(page, "reader: and then?")
    assert [turn.question for turn in answerer.histories[-1]] == [EXAMPLES[1], EXAMPLES[0]]
    page.get_by_role("button", name="History").click()
    expect(row).to_contain_text("3 questions")


def test_what_the_reader_thinks_is_stored_and_shown_again(page: Page, file: Path) -> None:
    ask(page, EXAMPLES[1])
    page.locator(".cw-wrong").click()
    expect(page.locator(".cw-wrong")).to_have_attribute("aria-pressed", "true")
    page.locator(".cw-right").click()
    expect(page.locator(".cw-right")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".cw-wrong")).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Does not match").click()
    expect(page.locator(".cw-mismatch")).to_have_text("Noted: does not match")
    with Conversations(file) as kept:
        given = {(one.rating.quote, one.rating.value) for one in kept.rated()}
    assert given >= {(None, "right"), (1, "mismatch")}
    page.get_by_role("button", name="New chat").click()
    page.get_by_role("button", name="History").click()
    page.locator(".cw-history-open").click()
    expect(page.locator(".cw-right")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".cw-mismatch")).to_have_text("Noted: does not match")
    page.locator(".cw-mismatch").click()
    expect(page.locator(".cw-mismatch")).to_have_text("Does not match")
    page.locator(".cw-right").click()
    expect(page.locator(".cw-right")).to_have_attribute("aria-pressed", "false")
    with Conversations(file) as kept:
        assert len(kept.rated()) == len(given) - 2


def test_export_saves_the_conversation_and_copies_a_link(page: Page, url: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, EXAMPLES[0])
    page.locator(".cw-more").click()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Data (JSON)").click()
    assert EXAMPLES[0] in saved.value.path().read_text("utf-8")
    expect(page.locator(".cw-menu")).to_be_hidden()
    page.locator(".cw-more").click()
    page.get_by_role("button", name="Copy a link that asks this question").click()
    expect(page.locator(".cw-tip")).to_have_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == f"{url}/?q=When+does+the+Harbour+Tunnel+open%2C+and+can+cyclists+use+it%3F"
    at_rest(page).goto(link)
    expect(page.locator(".cw-question")).to_have_text(EXAMPLES[0])
    expect(page.locator("#cw-ask .submit-button")).to_be_visible()
    page.wait_for_url(f"{url}/c/*")
    at_rest(page).reload()
    expect(usable(page).locator(".cw-question")).to_have_text(EXAMPLES[0])  # once: a reload does not ask again


def test_a_browser_has_its_own_history_and_a_deleted_conversation_leaves_the_page(
    page: Page, chromium: Browser, url: str
) -> None:
    ask(page, EXAMPLES[0])
    with opened(chromium, url) as other:
        usable(other).get_by_role("button", name="History").click()
        expect(other.locator(".cw-drawer")).to_contain_text("No conversations yet")
    page.get_by_role("button", name="History").click()
    page.locator(".cw-history-more").click()
    page.get_by_role("button", name="Delete").click()
    page.locator(".cw-history-form").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Close").first.click()
    expect(page.locator(".cw-welcome")).to_be_visible()


# ---- nothing is lost


def test_a_reload_takes_up_the_running_answer(chromium: Browser, url: str, answerer: ScriptedAnswerer) -> None:
    with chromium.new_page() as page:  # what is cut off is logged as an error
        page.goto(url)
        ask(usable(page), EXAMPLES[0])
        submit(page, "Answer slowly")
        expect(page.locator(".cw-draft")).to_contain_text("staffed from")
        asked = len(answerer.histories)
        page.reload()
        expect(page.locator(".cw-question")).to_have_text([EXAMPLES[0], "Answer slowly"])
        expect(page.locator(".cw-draft")).to_contain_text("staffed from")
        expect(page.locator("#cw-ask .stop-button")).to_be_visible()
        page.wait_for_timeout(1000 * GRACE_S + 500)  # the server knows that the tab is back
        expect(page.locator(".cw-draft")).to_be_visible()
        page.locator("#cw-ask .stop-button").click()
        expect(page.locator(".cw-closing").last).to_contain_text("Stopped before the answer was complete.")
        assert len(answerer.histories) == asked
        ask(page, EXAMPLES[1])
        expect(page.locator(".cw-question")).to_have_count(3)


def test_a_conversation_has_an_address_and_back_and_forward_lead_through_them(page: Page, url: str) -> None:
    ask(page, EXAMPLES[0])
    page.wait_for_url(f"{url}/c/*")
    first = page.url
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".cw-welcome")).to_be_visible()
    page.wait_for_url(f"{url}/")
    ask(page, EXAMPLES[1])
    page.wait_for_url(f"{url}/c/*")
    assert page.url != first
    page.go_back()
    expect(page.locator(".cw-welcome")).to_be_visible()
    page.go_back()
    expect(page.locator(".cw-question")).to_have_text(EXAMPLES[0])
    assert page.url == first
    page.go_forward()
    expect(page.locator(".cw-welcome")).to_be_visible()
    page.go_forward()
    expect(page.locator(".cw-question")).to_have_text(EXAMPLES[1])
    at_rest(page).goto(first)
    expect(page.locator(".cw-question")).to_have_text(EXAMPLES[0])
    assert page.url == first
    held: list[Route] = []  # New chat: it arrives after the question that was sent right behind it
    page.route(re.compile("/run/predict"), lambda route: route.continue_() if held else held.append(route))
    page.get_by_role("button", name="New chat").click()
    page.get_by_role("textbox").fill(EXAMPLES[1])
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    held[0].continue_()
    expect(page.locator("body[data-cw-phase=done]")).to_be_attached()
    expect(page.locator(".cw-question")).to_have_text(EXAMPLES[1])
    page.unroute(re.compile("/run/predict"))
    at_rest(page).goto(f"{url}/c/none")
    expect(page.locator(".cw-hint span")).to_contain_text(
        "There is no conversation 'none' of yours. Choose one from the list, or let whoever has it share it"
    )


CLICK_AT_ONCE = """new MutationObserver((_, seen) => {
  const link = document.querySelector("#cw-chat a.cw-example");
  if (link) { seen.disconnect(); link.click(); }
}).observe(document, { childList: true, subtree: true })"""


def test_what_is_clicked_early_counts_and_a_view_that_comes_late_hides_no_answer(page: Page, url: str) -> None:
    ask(page, EXAMPLES[0])
    page.wait_for_url(f"{url}/c/*")
    late: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if '"tab"' in (route.request.post_data or "") and not late:  # what resumes the conversation
            late.append((route, route.fetch()))
        else:
            route.continue_()

    at_rest(page)
    page.route(re.compile("/run/predict"), hold)
    page.reload()
    while not late:
        page.wait_for_timeout(50)
    ask(page, EXAMPLES[1])
    expect(page.locator(".cw-question")).to_have_text([EXAMPLES[0], EXAMPLES[1]])
    route, response = late[0]
    with page.expect_request(re.compile("/run/predict")):  # of the whole conversation as it is now
        route.fulfill(response=response)
    expect(page.locator(".cw-question")).to_have_text([EXAMPLES[0], EXAMPLES[1]])
    page.unroute(re.compile("/run/predict"))
    at_rest(page)
    held: list[Route] = []
    page.route(
        re.compile("/run/predict"),
        lambda route: held.append(route) if '"tab"' in (route.request.post_data or "") else route.continue_(),
    )
    page.reload()
    while not held:
        page.wait_for_timeout(50)
    page.go_back()  # sooner than the conversation is resumed
    page.wait_for_timeout(300)
    held[0].continue_()
    expect(page.locator(".cw-welcome")).to_be_visible()
    page.unroute(re.compile("/run/predict"))
    page.add_init_script(CLICK_AT_ONCE)
    at_rest(page).goto(url)
    expect(page.locator(".cw-question")).to_have_text(EXAMPLES[0])


def test_the_place_in_a_conversation_and_what_is_typed_outlive_a_reload_and_who_asks_sees_the_answer(
    page: Page, url: str
) -> None:
    for question in (*EXAMPLES, EXAMPLES[1]):
        ask(page, question)
    page.wait_for_url(f"{url}/c/*")
    page.locator("#cw-chat a.cw-chip", has_text="2").first.click()
    expect(page.locator("mark.cw-on")).to_have_text(GALLERY)
    chat, top = page.locator("#cw-chat .bubble-wrap"), -1
    while top != 90:  # Gradio scrolls to its end once more when something comes late, as suggestions do
        chat.evaluate("e => e.scrollTo(0, 90)")
        page.wait_for_timeout(1500)
        top = chat.evaluate("e => Math.round(e.scrollTop)")
    page.get_by_role("textbox").fill("half a quest")
    at_rest(page).reload()
    expect(page.locator(".cw-question")).to_have_count(4)
    expect(page.locator("mark.cw-on")).to_have_text(GALLERY)
    expect(page.get_by_role("textbox")).to_have_value("half a quest")
    until_scrolled(page, 90)
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".cw-welcome")).to_be_visible()
    page.wait_for_url(f"{url}/")
    page.go_back()
    expect(page.locator(".cw-question")).to_have_count(4)
    until_scrolled(page, 90)
    expect(page.locator("mark.cw-on")).to_have_text(GALLERY)
    page.locator("#cw-chat .bubble-wrap").evaluate("e => e.scrollTo(0, 0)")
    ask(page, EXAMPLES[0])
    expect(page.locator(".cw-closing").last).to_be_in_viewport()
    page.wait_for_timeout(1500)
    expect(page.locator(".cw-closing").last).to_be_in_viewport(timeout=1)


def until_scrolled(page: Page, to: int) -> None:
    """Wait until the chat stands where it stays; Gradio scrolls to its end up to a second after it is drawn."""
    page.wait_for_timeout(1500)
    stands = "top => Math.round(document.querySelector('#cw-chat .bubble-wrap').scrollTop) === top"
    page.wait_for_function(stands, arg=to)


def test_in_a_low_window_an_answer_begins_in_view_and_nothing_lies_on_words(page: Page) -> None:
    arrow, frame = page.locator(".scroll-down-button-container"), page.locator("#cw-chat .bubble-wrap")
    page.set_viewport_size({"width": 640, "height": 400})
    expect(arrow).to_be_hidden()  # nothing was asked yet
    for question in EXAMPLES[:2]:
        ask(page, question)
        page.wait_for_timeout(500)
        expect(page.locator(".cw-question").last).to_be_in_viewport()
        expect(page.locator(".cw-answer").last.locator(".cw-claim").first).to_be_in_viewport()
    expect(arrow).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 600})
    frame.evaluate("e => e.scrollTo(0, 0)")
    expect(arrow).to_be_visible()
    below, above = arrow.bounding_box(), frame.bounding_box()
    assert below
    assert above
    assert above["y"] + above["height"] <= below["y"]
    frame.evaluate("e => e.scrollTo(0, e.scrollHeight)")
    expect(arrow).to_be_hidden()
    assert frame.bounding_box() == above  # a link at the end stays under the pointer that is on it


def test_after_a_reload_back_leads_to_the_conversations_before(page: Page, url: str) -> None:
    ask(page, EXAMPLES[0])
    page.wait_for_url(f"{url}/c/*")
    page.get_by_role("button", name="New chat").click()
    page.wait_for_url(f"{url}/")
    ask(page, EXAMPLES[1])
    page.wait_for_url(f"{url}/c/*")
    at_rest(page).reload()
    expect(page.locator(".cw-question")).to_have_text(EXAMPLES[1])
    at_rest(page).go_back()
    expect(page.locator(".cw-welcome")).to_be_visible()
    assert page.url == f"{url}/"
    at_rest(page).go_back()
    expect(page.locator(".cw-question")).to_have_text(EXAMPLES[0])


def test_back_on_a_phone_closes_the_sources_first(chromium: Browser, url: str) -> None:
    with opened(chromium, url, PHONE) as page:
        ask(usable(page), EXAMPLES[0])
        page.wait_for_url(f"{url}/c/*")
        shown = page.url
        page.locator("#cw-chat a.cw-chip").first.click()
        expect(page.locator("#cw-right")).to_be_visible()
        page.go_back()
        expect(page.locator("#cw-right")).to_be_hidden()
        expect(page.locator(".cw-question")).to_have_text(EXAMPLES[0])
        page.locator("#cw-chat a.cw-chip").first.click()
        page.get_by_role("button", name="Close").click()  # takes its entry of the history away
        expect(page.locator("#cw-right")).to_be_hidden()
        page.wait_for_timeout(300)
        assert page.url == shown
        page.go_back()
        expect(page.locator(".cw-welcome")).to_be_visible()


# ---- suggestions and filters


def test_after_an_answer_questions_are_offered_until_the_visitor_types(page: Page) -> None:
    ask(page, EXAMPLES[0])
    offered = page.locator(".cw-suggestion")
    expect(offered).to_have_text(list(GOING_ON))
    assert page.locator(".cw-suggestions .cw-busy").count() == 0
    offered.first.click()
    expect(page.locator(".cw-question").last).to_have_text(GOING_ON[0])
    expect(page.locator(".cw-answer").last.locator(".cw-suggestion").first).to_be_visible()
    submit(page, "Answer slowly")
    expect(page.locator(".cw-draft")).to_be_visible()
    page.locator("#cw-ask .stop-button").click()
    expect(page.locator(".cw-closing").last).to_contain_text("Stopped")
    expect(page.locator(".cw-answer").last.locator(".cw-suggestion")).to_have_count(0)
    assert faults(page) == []


def test_who_types_is_offered_no_more(chromium: Browser, tmp_path: Path) -> None:
    def suggest(
        answer: Answer, turns: Sequence[Turn], search: SearchOptions, stop: Callable[[], bool]
    ) -> Iterator[str]:
        yield GOING_ON[0]
        until(stop, 90)

    def load() -> Loaded:
        return Loaded(ScriptedAnswerer(), ScriptedIndex(), "scripted model", suggest=suggest)

    with served(load, tmp_path / "kept.db") as address, opened(chromium, address) as page:
        submit(usable(page), EXAMPLES[0])
        expect(page.locator(".cw-suggestion")).to_have_text(GOING_ON[0])
        page.get_by_role("textbox").press_sequentially("And")
        submit(page, EXAMPLES[1])  # in line behind what looks for questions, which has ended
        expect(page.locator(".cw-closing")).to_have_count(2)
        expect(page.get_by_role("textbox")).to_have_value("")


def test_retry_makes_a_new_answer_and_offers_quotes_alone(page: Page, answerer: ScriptedAnswerer) -> None:
    ask(page, EXAMPLES[0])
    page.locator(".cw-retry").click()
    expect(page.locator(".cw-retry")).to_have_attribute("href", "#cw-retry-t2")
    expect(page.locator("#cw-ask .submit-button")).to_be_visible()
    page.get_by_role("button", name="Quotes only").click()
    expect(page.locator(".cw-closing")).to_contain_text("Quotes only, without the model's words.")
    expect(page.locator(".cw-question")).to_have_count(1)
    expect(page.locator("#cw-chat .cw-quotes")).to_have_count(0)  # these are they
    assert answerer.manners[-3:] == ["usual", "anew", "quotes"]


def test_a_refusal_says_what_its_ratings_rate_and_suggests_what_can_be_asked(
    page: Page, chromium: Browser, url: str
) -> None:
    ask(page, EXAMPLES[2])
    rated = page.locator(".cw-right, .cw-wrong")
    expect(rated).to_have_text(["Right: the articles do not have it", "Wrong: they do"])
    page.locator(".cw-row-title").first.click()
    near = page.locator("mark.cw-near")
    expect(near.first).to_be_visible()
    backgrounds = near.evaluate_all("all => all.map((one) => getComputedStyle(one).backgroundColor)")
    assert set(backgrounds) == {"rgba(0, 0, 0, 0)"}  # evidence is yellow
    expect(page.locator(".cw-panel mark:not(.cw-near)")).to_have_count(0)
    expect(page.locator(".cw-suggestion")).to_have_text(list(SUGGESTIONS))
    with opened(chromium, url, PHONE) as phone:
        ask(usable(phone), EXAMPLES[2])
        width = phone.locator(".cw-right").evaluate("e => e.getBoundingClientRect().width")
        assert width > 100  # in words, on a phone too
        ask(phone, EXAMPLES[0])
        answers = phone.locator(".cw-answer").last.locator(".cw-right, .cw-wrong")
        assert max(answers.evaluate_all("all => all.map((e) => e.offsetWidth)")) == 40  # signs alone
        phone.set_viewport_size({"width": 768, "height": 1024})
        assert min(answers.evaluate_all("all => all.map((e) => e.offsetWidth)")) > 60  # there is room for words
        phone.set_viewport_size(PHONE)  # type: ignore[arg-type]
        edges = phone.locator(".cw-right, .cw-wrong").evaluate_all(
            "all => all.map((e) => e.getBoundingClientRect().left)"
        )
        assert edges[0] == edges[1]  # no room side by side: one below the other
    ask(page, "Write a poem")
    expect(page.locator(".cw-answer").last.locator(".cw-right, .cw-wrong")).to_have_text(
        ["Right to refuse", "Wrong to refuse"]
    )
    page.locator(".cw-suggestion").first.click()
    expect(page.locator(".cw-question").last).to_have_text(SUGGESTIONS[0])
    expect(page.locator(".cw-answer").last.locator(".cw-chip")).to_have_count(3)


def test_a_filter_of_the_articles_view_reaches_the_chat(page: Page, answerer: ScriptedAnswerer) -> None:
    chosen = {"from": "2026-02-01", "to": "2026-03-01", "outlets": ["Northgate Herald"], "articles": []}
    wrong = {"from": "2026-03-01", "to": "2026-02-01"}
    view = (
        "export function createCorpus({onFilter, filters}) { return {open() {"
        f"window.before = filters(); onFilter(window.wrong ? {json.dumps(wrong)} : {json.dumps(chosen)}); }}}}; }}"
    )
    page.route("**/cw/corpus.js", lambda route: route.fulfill(body=view, content_type="text/javascript"))
    page.get_by_role("button", name="Articles", exact=True).click()
    expect(page.locator(".cw-filter span")).to_have_text("Only Northgate Herald, from 1 Feb 2026 to 1 Mar 2026")
    ask(page, EXAMPLES[0])
    expect(page.locator(".cw-searched")).to_have_text("Only Northgate Herald, from 1 Feb 2026 to 1 Mar 2026")
    searched = answerer.searches[-1]
    assert searched
    assert searched.filters == Filters("2026-02-01", "2026-03-01", ("Northgate Herald",))
    page.evaluate("window.wrong = true")
    page.get_by_role("button", name="Articles", exact=True).click()
    expect(page.locator(".cw-hint span")).to_have_text(
        "nothing is published from 2026-03-01 to 2026-02-01. Give the earlier day first"
    )
    assert page.evaluate("window.before.outlets") == ["Northgate Herald"]
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".cw-filter span")).to_be_visible()  # stays until it is taken away
    page.get_by_role("button", name="Ask all articles again").click()
    expect(page.locator(".cw-filter")).to_be_hidden()
    ask(page, EXAMPLES[0])
    assert answerer.searches[-1] == SearchOptions()


def test_a_changed_index_is_asked_next_and_named_in_the_top_bar(chromium: Browser, tmp_path: Path) -> None:
    told: list[Callable[[ScriptedIndex], None]] = []
    asked: list[int] = []

    def over(index: ScriptedIndex) -> Loaded:
        asked.append(len(index.articles()))
        return Loaded(ScriptedAnswerer(), index, "scripted model", over=over)

    view = "export function createCorpus({onChanged}) { return {open() { onChanged(); }}; }"
    with (
        served(lambda: over(ScriptedIndex()), tmp_path / "kept.db", articles=True, subscribe=told.append) as address,
        opened(chromium, address) as page,
    ):
        usable(page)
        ask(page, EXAMPLES[0])
        page.route("**/cw/corpus.js", lambda route: route.fulfill(body=view, content_type="text/javascript"))
        told[0](ScriptedIndex([TUNNEL]))
        page.get_by_role("button", name="Articles", exact=True).click()
        expect(page.locator(".cw-corpus")).to_have_text("1 article, 11 Feb 2026")
        assert asked == [3, 1]
        page.get_by_role("button", name="New chat").click()
        page.get_by_role("button", name="History").click()
        page.locator(".cw-history-open").click()  # of an article that has left the index only the quotes are known
        expect(page.locator(".cw-row")).to_have_count(2)
        expect(page.locator(".cw-row").last).to_contain_text("no longer among the articles")
        page.locator("#cw-chat a.cw-chip", has_text="3").click()
        expect(page.locator(".cw-wait")).to_contain_text("It was removed since it was quoted.")
        expect(page.locator("mark.cw-on")).to_have_text(HOURS)


# ---- hostile words in the new places


def test_hostile_suggestions_titles_and_addresses_run_nothing(chromium: Browser, tmp_path: Path) -> None:
    def suggest(
        answer: Answer, turns: Sequence[Turn], search: SearchOptions, stop: Callable[[], bool]
    ) -> Iterator[str]:
        yield from PAYLOADS[:3]

    def load() -> Loaded:
        return Loaded(ScriptedAnswerer(), ScriptedIndex(), PAYLOADS[0], suggest=suggest)

    with served(load, tmp_path / "kept.db") as address, opened(chromium, address) as page:
        usable(page)
        page.goto(
            f"{address}/?q=toll%20%3Cimg%20src%3Dx%20onerror%3D%22window.pwned%3D1%22%3E%24%7Bwindow.pwned%3D1%7D"
        )
        expect(page.locator(".cw-suggestion")).to_have_text(list(PAYLOADS[:3]))
        page.locator(".cw-suggestion").first.click()
        expect(page.locator(".cw-question").last).to_have_text(PAYLOADS[0])
        page.locator(".cw-more").click()
        page.keyboard.press("Escape")
        page.get_by_role("button", name="History").click()
        expect(page.locator(".cw-history-open b")).to_contain_text('toll <img src=x onerror="window.pwned=1">')
        assert page.evaluate("window.pwned") is None
        assert page.locator("#cw-chat img, .cw-drawer img, .cw-menu img").count() == 0


# ---- the real model


@pytest.mark.model
def test_the_real_model_answers_and_suggests_on_the_page(
    chromium: Browser,
    tmp_path: Path,
    seeds_index: Index,
    embedder: Embedder,
    generator: Generator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("citewire.ui.chat.SUGGESTING_S", 120)  # other tests keep the cores busy
    monkeypatch.setattr("citewire.qa.suggest.PATIENCE_S", 120.0)
    answerer = Answerer(seeds_index, embedder, generator, load_reader(2))
    suggester = Suggester(answerer, seeds_index, embedder, generator)

    def load() -> Loaded:
        return Loaded(answerer, seeds_index, generator.name, answerer.options.search, suggester.suggest)

    with served(load, tmp_path / "kept.db") as address, opened(chromium, address) as page:
        submit(usable(page), "How many Avalon miners did Mawson order from Canaan?")
        expect(page.locator(".cw-row").first).to_be_visible(timeout=60000)
        expect(page.locator(".cw-closing")).to_contain_text("checked against a quote", timeout=120000)
        expect(page.locator(".cw-text")).to_contain_text("17,352")
        page.locator("#cw-chat a.cw-chip").first.click()
        quoted = page.locator("mark.cw-on").first.text_content() or ""
        assert "17,352" in quoted
        assert any(quoted in seeds_index.article(info.path).text for info in seeds_index.articles())
        submit(page, "How many people does Canaan employ?")
        expect(page.locator(".cw-abstain")).to_be_visible(timeout=120000)
        expect(page.locator(".cw-suggestion").first).to_be_visible(timeout=120000)
        suggested = page.locator(".cw-suggestion").first.text_content() or ""
        assert answerer.evidence(suggested)
