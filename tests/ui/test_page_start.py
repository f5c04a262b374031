"""The page in a real browser: what it says before a question, lists and leads, ticks that narrow the next question."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import PHONE, faults, opened
from playwright.sync_api import Browser, Page, expect
from scripted import (
    AUDIT,
    EXAMPLES,
    GALLERY,
    GREETING,
    LEAD,
    LEDGER,
    NOT_FOR_IT,
    OFFERED,
    OPENING,
    OVERVIEW,
    PLAIN,
    TUNNEL,
    ScriptedAnswerer,
    ScriptedIndex,
    scripted_about,
)
from served import ask, served, usable

from citewire.index.types import Filters
from citewire.qa.types import Answer
from citewire.ui.chat import Loaded
from citewire.ui.labels import TITLE_CHARS, shortened

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(answerer: ScriptedAnswerer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    def load() -> Loaded:
        return Loaded(answerer, ScriptedIndex(), "scripted model", about=scripted_about)

    with served(load, tmp_path_factory.mktemp("page") / "kept.db") as address:
        yield address


def last_filters(answerer: ScriptedAnswerer) -> Filters:
    searched = answerer.searches[-1]
    assert searched
    return searched.filters


# ---- the empty page


def test_the_empty_page_says_in_quotes_what_the_articles_are_about(page: Page) -> None:
    expect(page.locator(".cw-overview .cw-lead")).to_have_text(LEAD)
    expect(page.locator(".cw-overview ul.cw-text > li")).to_have_text([f"{OPENING}1", f"{GALLERY}.2", f"{AUDIT}.3"])
    expect(page.locator(".cw-legend")).to_have_text(
        "A number opens the exact words that its sentence rests on. What the articles lack is not answered."
    )
    expect(page.locator(".cw-example")).to_have_text(list(OFFERED))
    assert faults(page) == []
    number = page.locator(".cw-overview a.cw-chip", has_text="3")
    expect(number).to_have_attribute("aria-label", f"Source 3: {LEDGER.title}")
    number.click()
    expect(page.locator("mark.cw-on")).to_have_text(AUDIT)
    expect(page.locator("mark.cw-on")).to_be_focused()
    expect(page.locator(".cw-summary")).to_have_text("3 quotes from 3 articles")
    expect(page.locator(".cw-asked")).to_have_text(OVERVIEW.question)
    assert faults(page) == []
    page.keyboard.press("Escape")
    expect(number).to_be_focused()
    page.mouse.click(
        *page.locator(".cw-claim").first.evaluate("e => [e.getClientRects()[0].x + 6, e.getClientRects()[0].y + 6]")
    )
    expect(page.locator("mark.cw-on")).to_have_text(OPENING)


def test_a_question_of_the_empty_page_is_asked_and_a_new_chat_brings_the_overview_back(page: Page) -> None:
    expect(page.locator(".cw-overview")).to_be_visible()
    page.locator(".cw-overview a.cw-chip", has_text="2").click()
    expect(page.locator("mark.cw-on")).to_have_text(GALLERY)
    page.locator(".cw-example").nth(1).click()
    expect(page.locator(".cw-question")).to_have_text(OFFERED[1])
    expect(page.locator(".cw-closing")).to_be_visible()
    expect(page.locator("mark.cw-on")).to_contain_text("1.84 billion")  # of the answer
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".cw-overview .cw-lead")).to_have_text(LEAD)
    expect(page.locator(".cw-empty")).to_be_visible()
    page.locator(".cw-overview a.cw-chip", has_text="1").click()
    expect(page.locator("mark.cw-on")).to_have_text(OPENING)


def test_on_a_phone_all_of_the_overview_can_be_reached(chromium: Browser, url: str) -> None:
    with opened(chromium, url, PHONE) as page:
        usable(page)
        expect(page.locator(".cw-overview")).to_be_visible()
        for part in (page.locator(".cw-welcome h2"), page.locator(".cw-example").last):
            part.scroll_into_view_if_needed()
            expect(part).to_be_in_viewport(ratio=1)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        page.locator(".cw-overview a.cw-chip", has_text="2").click()
        expect(page.locator("mark.cw-on")).to_be_in_viewport()
        page.get_by_role("button", name="Close").click()
        assert faults(page) == []


def test_until_the_overview_is_known_the_page_shows_its_examples(chromium: Browser, tmp_path: Path) -> None:
    go = threading.Event()

    def about(stopped: Callable[[], bool]) -> Answer | None:
        while not (stopped() or go.wait(0.02)):
            pass
        return scripted_about(stopped)

    def load() -> Loaded:
        return Loaded(ScriptedAnswerer(), ScriptedIndex(), "scripted model", about=about)

    with served(load, tmp_path / "kept.db") as address, opened(chromium, address) as page:
        expect(usable(page).locator(".cw-example")).to_have_text(list(EXAMPLES))
        ask(page, EXAMPLES[0])  # comes before the overview
        page.get_by_role("textbox").fill("being typed")
        go.set()
        page.get_by_role("button", name="New chat").click()
        expect(page.locator(".cw-overview .cw-lead")).to_have_text(LEAD)
        expect(page.get_by_role("textbox")).to_have_value("being typed")


def test_a_page_without_an_overview_leaves_alone_what_is_typed(chromium: Browser, tmp_path: Path) -> None:
    def load() -> Loaded:
        return Loaded(ScriptedAnswerer(), ScriptedIndex(), "scripted model")

    with served(load, tmp_path / "kept.db") as address, opened(chromium, address) as page:
        box = usable(page).get_by_role("textbox")
        box.fill("being typed")
        page.wait_for_timeout(1500)  # what follows the loading ends meanwhile
        expect(box).to_have_value("being typed", timeout=1)
        expect(page.locator(".cw-hint span")).to_contain_text("Answers can be wrong.")


# ---- citewire's own words, and lists


def test_a_list_and_its_lead_are_drawn_and_a_greeting_has_no_sources(page: Page) -> None:
    ask(page, "What are these articles about?")
    answer = page.locator(".cw-answer").last
    expect(answer.locator(".cw-lead")).to_have_text(LEAD)
    items = answer.locator("ul.cw-text > li")
    expect(items).to_have_text([f"{OPENING}1", f"{GALLERY}.2", f"{AUDIT}.3"])
    assert items.first.evaluate("e => getComputedStyle(e).listStyleType") == "disc"
    expect(answer.locator(".cw-closing")).to_have_text(
        "3 of 3 items checked against a quote, quoted word for word. 3 articles. 0.2 s."
    )
    items.first.locator("a.cw-chip").hover()
    expect(page.locator(".cw-tip .cw-verdict")).to_have_text("Quoted word for word.")
    items.nth(1).locator("a.cw-chip").click()
    expect(page.locator("mark.cw-on")).to_have_text(GALLERY)
    ask(page, "hello")
    answer = page.locator(".cw-answer").last
    expect(answer.locator(".cw-lead")).to_have_text(GREETING)
    expect(answer.locator(".cw-closing, .cw-chip, .cw-right")).to_have_count(0)
    expect(page.locator(".cw-empty")).to_have_text(
        "When an answer cites an article, the exact words are highlighted here."
    )
    expect(answer.locator(".cw-suggest-title")).to_have_text("You can also ask:")
    assert faults(page) == []
    answer.locator(".cw-suggestion").nth(1).click()
    expect(page.locator(".cw-question").last).to_have_text(OFFERED[1])
    expect(page.locator(".cw-answer").last.locator(".cw-closing")).to_be_visible()


def test_what_is_no_matter_of_articles_gets_a_plain_word_and_questions(page: Page) -> None:
    ask(page, "Write a poem.")
    expect(page.locator(".cw-abstain")).to_have_text(f"Not something I can do{NOT_FOR_IT.text}")
    expect(page.locator(".cw-suggestion")).to_have_text(list(OFFERED[:3]))
    expect(page.locator(".cw-closing")).to_have_count(0)
    assert faults(page) == []


# ---- ticks in the sources


def test_ticked_articles_are_asked_next_until_the_line_is_removed(page: Page, answerer: ScriptedAnswerer) -> None:
    ask(page, EXAMPLES[0])
    ticks = page.locator(".cw-row input")
    expect(ticks).to_have_count(2)
    first = page.get_by_role("checkbox", name=f"Ask only this article next: {TUNNEL.title}")
    first.check()
    expect(page.locator(".cw-filter span")).to_have_text(f"Only “{TUNNEL.title}”")
    expect(first).to_be_focused()
    ticks.nth(1).check()
    expect(page.locator(".cw-filter span")).to_have_text("Only 2 chosen articles")
    assert faults(page) == []
    ticks.first.uncheck()
    only = f"Only “{shortened(PLAIN.headline, TITLE_CHARS)}”"
    expect(page.locator(".cw-filter span")).to_have_text(only)
    ask(page, EXAMPLES[1])
    assert last_filters(answerer) == Filters(articles=(PLAIN.path,))
    expect(page.locator(".cw-searched")).to_have_text(only)
    expect(page.locator(".cw-row input:checked")).to_have_count(0)  # that answer quotes others
    page.get_by_role("button", name="Ask all articles again").click()
    expect(page.locator(".cw-filter")).to_be_hidden()
    page.locator("#cw-chat a.cw-chip", has_text="2").first.click()
    expect(page.locator(".cw-row input:checked")).to_have_count(0)
    ask(page, EXAMPLES[0])
    assert last_filters(answerer) == Filters()


def test_ticks_that_follow_each_other_at_once_all_count(page: Page, answerer: ScriptedAnswerer) -> None:
    page.locator(".cw-overview a.cw-chip", has_text="1").click()
    expect(page.locator(".cw-row")).to_have_count(3)
    page.evaluate("for (let i = 0; i < 3; i++) document.querySelectorAll('.cw-row input')[i].click()")
    expect(page.locator(".cw-filter span")).to_have_text("Only 3 chosen articles")
    expect(page.locator(".cw-row input:checked")).to_have_count(3)
    expect(page.locator("mark.cw-on")).to_have_text(OPENING)  # the quote stays open
    page.locator(".cw-row input").nth(1).click()
    expect(page.locator(".cw-filter span")).to_have_text("Only 2 chosen articles")
    ask(page, EXAMPLES[0])
    assert last_filters(answerer) == Filters(articles=(TUNNEL.path, LEDGER.path))
