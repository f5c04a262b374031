"""The page in Firefox: what a visitor does most, once each; all states are tried in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import DESK, PHONE, faults
from conftest import until
from documents import words_of_pdf
from playwright.sync_api import Browser, Page, expect
from scripted import AUDIT, EXAMPLES, GALLERY, HOURS, LEAD, OPENING, scripted_about, scripted_load
from served import ask, served, submit

pytestmark = pytest.mark.browser

PASSWORD = "correct hörse 2"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file = tmp_path_factory.mktemp("page") / "kept.db"
    with served(scripted_load(about=scripted_about), file, articles=True, password=PASSWORD) as address:
        yield address


@pytest.fixture(scope="module")
def page(firefox: Browser, url: str) -> Iterator[Page]:
    """One tab for all tests, signed in; they are written in the order of a visit and each begins with a new chat."""
    with firefox.new_context(viewport=DESK) as context:  # type: ignore[arg-type]
        page = context.new_page()
        told: list[str] = []
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda sent: None if sent.url.startswith((url, "data:", "blob:")) else told.append(sent.url))
        page.goto(url)
        page.get_by_label("Password").fill("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        # The first load of a browser that has just started takes long.
        expect(page.get_by_role("textbox")).to_be_enabled(timeout=90_000)
        yield page
    assert [one for one in told if not one.startswith("AbortError")] == []


@pytest.fixture
def fresh(page: Page) -> Page:
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".cw-welcome")).to_be_visible()
    return page


def test_the_start_page_says_what_the_articles_are_about(page: Page) -> None:
    expect(page.locator(".cw-overview .cw-lead")).to_have_text(LEAD)
    expect(page.get_by_role("textbox")).to_be_focused()
    page.locator(".cw-overview a.cw-chip", has_text="3").click()
    expect(page.locator("mark.cw-on")).to_have_text(AUDIT)
    assert faults(page) == []


def test_quotes_are_opened_by_mouse_and_by_key(fresh: Page) -> None:
    page = fresh
    ask(page, EXAMPLES[0])
    number = page.locator("#cw-chat a.cw-chip", has_text="2")
    number.click()
    quote = page.locator("mark.cw-on")
    expect(quote).to_have_text(GALLERY)
    expect(quote).to_be_focused()
    expect(quote).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(number).to_be_focused()
    for key, text in (("n", OPENING), ("n", GALLERY), ("n", HOURS), ("p", GALLERY)):
        page.keyboard.press(key)
        expect(quote).to_have_text(text)
    page.keyboard.press("/")
    expect(page.get_by_role("textbox")).to_be_focused()
    assert faults(page) == []


def test_back_and_forward_lead_through_conversations(fresh: Page, url: str) -> None:
    page = fresh
    ask(page, EXAMPLES[0])
    page.wait_for_url(f"{url}/c/*")
    first = page.url
    page.get_by_role("button", name="New chat").click()
    page.wait_for_url(f"{url}/")
    page.go_back()
    expect(page.locator(".cw-question")).to_have_text(EXAMPLES[0])
    assert page.url == first
    page.go_forward()
    expect(page.locator(".cw-welcome")).to_be_visible()


def test_a_reload_takes_up_the_running_answer(fresh: Page) -> None:
    page = fresh
    submit(page, "Answer slowly")
    expect(page.locator(".cw-draft")).to_contain_text("staffed from")
    page.reload()
    expect(page.locator(".cw-question")).to_have_text("Answer slowly")
    expect(page.locator(".cw-draft")).to_contain_text("staffed from")
    page.locator("#cw-ask .stop-button").click()
    expect(page.locator(".cw-closing")).to_contain_text("Stopped before the answer was complete.")


def test_the_printer_gets_the_conversation_and_what_is_pinned_is_taken_along(fresh: Page, saved: Path) -> None:
    page = fresh
    ask(page, EXAMPLES[0])
    printed = words_of_pdf(page.pdf())
    for said in (EXAMPLES[0], OPENING, GALLERY, HOURS):
        assert said in printed
    assert "New chat" not in printed
    expect(page.locator(".cw-print")).to_have_count(0)
    page.locator("#cw-chat .cw-pin").click()
    page.get_by_role("button", name="Notes (1)").click()
    for name, file, begins in (("Markdown", "briefing.md", b"# Briefing"), ("Word (DOCX)", "briefing.docx", b"PK")):
        page.get_by_role("dialog", name="Notes").get_by_role("button", name=name).click()
        until((saved / file).is_file)
        until(lambda made=saved / file, begins=begins: made.read_bytes().startswith(begins))  # type: ignore[misc]
    assert HOURS in (saved / "briefing.md").read_text("utf-8").replace("\\", "")
    page.keyboard.press("Escape")


def test_the_sources_are_a_sheet_that_back_closes(fresh: Page) -> None:
    page = fresh
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    ask(page, EXAMPLES[0])
    page.locator("#cw-chat a.cw-chip", has_text="3").click()
    expect(page.locator("mark.cw-on")).to_be_in_viewport()
    page.go_back()
    expect(page.locator("#cw-right")).to_be_hidden()
    expect(page.locator(".cw-question")).to_have_text(EXAMPLES[0])
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert faults(page) == []
    page.set_viewport_size(DESK)  # type: ignore[arg-type]


def test_signing_out_ends_it(fresh: Page) -> None:
    page = fresh
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
