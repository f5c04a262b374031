"""Settings of the page and its keys, in a real browser: what is chosen holds at once and on the next visit."""

from __future__ import annotations

import pytest
from browser import DESK, NARROW, PHONE, browser_context, faults, opened, tab
from playwright.sync_api import Browser, Page, expect
from scripted import EXAMPLES, GALLERY, HOURS, OPENING
from served import ask, submit, usable

pytestmark = pytest.mark.browser


def is_dark(page: Page) -> bool:
    return bool(page.evaluate("document.body.classList.contains('dark')"))


def size_of(page: Page, part: str) -> float:
    return float(page.locator(part).first.evaluate("e => parseFloat(getComputedStyle(e).fontSize)"))


def test_theme_and_size_of_the_text_hold_at_once_and_on_the_next_visit(chromium: Browser, url: str) -> None:
    with browser_context(chromium) as context:
        with tab(context, url) as page:
            usable(page)
            before = size_of(page, ".cw-welcome h2"), size_of(page, "#cw-ask textarea")
            page.get_by_role("button", name="Settings").click()
            dialog = page.get_by_role("dialog", name="Settings")
            dialog.get_by_text("Dark").click()
            expect(page.locator("body")).to_contain_class("dark")
            dialog.get_by_text("Larger").click()
            after = size_of(page, ".cw-welcome h2"), size_of(page, "#cw-ask textarea")
            assert [round(new / old, 2) for new, old in zip(after, before, strict=True)] == [1.3, 1.3]
            expect(dialog).to_contain_text("Articles and questions are read in English only.")
            assert faults(page) == []
            page.keyboard.press("Escape")
            expect(page.get_by_role("button", name="Settings")).to_be_focused()
        with tab(context, url) as page:
            usable(page)
            expect(page.locator("body")).to_contain_class("dark")
            assert size_of(page, ".cw-welcome h2") == after[0]
            page.get_by_role("button", name="Settings").click()
            expect(page.get_by_label("Dark")).to_be_checked()
            page.get_by_text("As the system").click()
            assert not is_dark(page)
            page.emulate_media(color_scheme="dark")
            page.wait_for_function("document.body.classList.contains('dark')")
            page.get_by_label("Light").check(force=True)
            assert not is_dark(page)
            page.emulate_media(color_scheme="light")
            page.emulate_media(color_scheme="dark")
            page.wait_for_timeout(200)
            assert not is_dark(page)  # Gradio follows the system; what was chosen wins


def test_the_largest_text_fits_a_narrow_phone(chromium: Browser, url: str) -> None:
    with opened(chromium, url, NARROW, dark=True) as page:
        usable(page).get_by_role("button", name="Settings").click()
        page.get_by_text("Larger").click()
        assert [fault for size in (PHONE, NARROW) for fault in faults_in(page, size)] == []
        page.keyboard.press("Escape")
        ask(page, EXAMPLES[1])
        assert size_of(page, ".cw-claim") == size_of(page, ".cw-question") == 1.3 * 16
        assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
        assert page.evaluate("document.querySelector('.bubble-wrap').scrollWidth") <= NARROW["width"]
        for button in page.locator(".cw-bar-top .cw-tool:visible").all():
            box = button.bounding_box()
            assert box
            assert box["x"] + box["width"] <= NARROW["width"]
        page.locator("#cw-chat .cw-pin").click()
        page.locator("[data-cw-do=history]").click()
        page.get_by_role("button", name="Notes (1)").click()
        expect(page.locator(".cw-notes > li")).to_be_visible()
        assert [fault for size in (NARROW, PHONE) for fault in faults_in(page, size)] == []


def faults_in(page: Page, size: dict[str, int]) -> list[str]:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    return faults(page)


def test_keys_lead_to_the_box_to_quotes_and_to_their_list(chromium: Browser, url: str) -> None:
    with opened(chromium, url) as page:
        box = usable(page).get_by_role("textbox")
        expect(box).to_be_focused()  # at a desk one types at once
        page.keyboard.type("/n?")
        expect(box).to_have_value("/n?")
        ask(page, EXAMPLES[0])
        box.blur()
        quote = page.locator("mark.cw-on")
        for key, text in (("n", OPENING), ("n", GALLERY), ("n", HOURS), ("n", OPENING), ("p", HOURS)):
            page.keyboard.press(key)
            expect(quote).to_have_text(text)
            expect(quote).to_be_focused()
        expect(page.locator("#cw-spoken")).to_have_text("Quote 3, 3 of 3")
        page.keyboard.press("Escape")
        expect(page.locator("#cw-chat a.cw-chip", has_text="3")).to_be_focused()
        page.keyboard.press("/")
        expect(box).to_be_focused()
        expect(box).to_have_value("")
        box.blur()
        page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Settings")
        expect(dialog.locator("dt")).to_have_text(["/", "Enter", "ShiftEnter", "Esc", "n", "p", "?"])
        page.keyboard.press("Escape")
        page.get_by_role("button", name="New chat").click()
        page.keyboard.type("n/")
        expect(box).to_have_value("n/")
        box.fill("")
        box.blur()
        page.keyboard.press("?")
        dialog.get_by_role("checkbox").uncheck()
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        page.keyboard.press("/")
        expect(dialog).to_be_hidden()
        expect(box).not_to_be_focused()


def test_escape_in_the_box_stops_the_answer(chromium: Browser, url: str) -> None:
    with opened(chromium, url) as page:
        submit(usable(page), "Answer slowly")
        expect(page.locator(".cw-draft")).to_contain_text("staffed from")
        page.get_by_role("textbox").focus()
        page.keyboard.press("Escape")
        expect(page.locator(".cw-closing")).to_contain_text("Stopped before the answer was complete.")


def test_no_keyboard_comes_up_on_a_phone_by_itself(chromium: Browser, url: str) -> None:
    with chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(url)
        expect(page.locator("body[data-cw-state=ready]")).to_be_attached()
        usable(page)
        page.get_by_role("button", name="New chat").click()
        page.wait_for_timeout(500)
        expect(page.get_by_role("textbox")).not_to_be_focused()
        page.set_viewport_size(DESK)  # type: ignore[arg-type]
