"""The sources beside the chat in a real browser: the list can be searched, the panel made wider, and it stays so."""

from __future__ import annotations

import pytest
from browser import DESK, PHONE, browser_context, faults, opened, tab
from playwright.sync_api import Browser, Page, expect
from scripted import EXAMPLES, GALLERY, LEDGER, PLAIN
from served import ask, usable

pytestmark = pytest.mark.browser


def chat_width(page: Page) -> float:
    return float(page.locator("#cw-left").evaluate("e => e.getBoundingClientRect().width"))


def test_the_sources_can_be_searched_by_title_outlet_and_quote(chromium: Browser, url: str) -> None:
    with opened(chromium, url) as page:
        ask(usable(page), EXAMPLES[2])  # three articles
        find = page.get_by_role("searchbox", name="Search these sources")
        rows = page.locator(".cw-row")
        expect(rows).to_have_count(3)
        find.press_sequentially("quay ledger")
        expect(find).to_be_focused()
        expect(find).to_have_value("quay ledger")
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text(LEDGER.title)
        find.fill("four-metre")  # of a quote
        expect(rows).to_have_count(1)
        rows.locator(".cw-row-title").click()
        expect(page.locator("mark.cw-on")).to_have_text(GALLERY)
        expect(page.locator(".cw-reader")).to_contain_text(PLAIN.text[-20:])
        find.fill("elephants")
        expect(rows).to_have_count(0)
        expect(page.locator(".cw-rows")).to_have_text("No source holds these words.")
        assert faults(page) == []
        find.fill("")
        expect(rows).to_have_count(3)
        fits = "e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight"
        assert all(title.evaluate(fits) for title in rows.locator("b").all())  # no title is cut
        ask(page, EXAMPLES[0])  # two articles, at a glance
        expect(rows).to_have_count(2)
        expect(find).to_have_count(0)


def test_the_panel_is_as_wide_as_it_was_made_on_the_next_visit_too(chromium: Browser, url: str) -> None:
    with browser_context(chromium) as context:
        with tab(context, url) as page:
            usable(page)
            assert round(chat_width(page) / DESK["width"], 2) == 0.55
            beside = page.locator("#cw-right").evaluate("e => e.getBoundingClientRect().left")
            assert round(beside) == round(chat_width(page))  # the line takes no room
            line = page.get_by_role("separator", name="Width of the chat")
            box = line.bounding_box()
            assert box
            page.mouse.move(box["x"] - 5, 400)  # beside the line, which is thin
            page.mouse.down()
            page.mouse.move(512, 400, steps=4)
            page.mouse.up()
            assert round(chat_width(page)) == 512
            expect(line).to_have_attribute("aria-valuenow", "40")
            line.focus()
            page.keyboard.press("ArrowRight")
            assert round(chat_width(page) / DESK["width"], 2) == 0.42
            page.keyboard.press("Home")
            assert round(chat_width(page) / DESK["width"], 2) == 0.30
            page.keyboard.press("ArrowRight")
            assert faults(page) == []
        with tab(context, url) as page:
            expect(usable(page).get_by_role("separator", name="Width of the chat")).to_have_attribute(
                "aria-valuenow", "32"
            )
            assert round(chat_width(page) / DESK["width"], 2) == 0.32
            page.set_viewport_size(PHONE)  # type: ignore[arg-type]
            assert chat_width(page) == PHONE["width"]
            expect(page.get_by_role("separator")).to_be_hidden()
