"""axe-core on every state of the page, at both sizes, light and dark: what it finds fails the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import DESK, PHONE, faults, opened
from playwright.sync_api import Browser, Page, expect
from scripted import EXAMPLES, scripted_load
from served import ask, served, submit, usable

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(scripted_load(), tmp_path_factory.mktemp("page") / "kept.db", articles=True) as address:
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
    yield "quote opened"
    page.keyboard.press("Escape")
    page.locator("[data-cw-do=new]").click()
    ask(page, "How did it change over time?")
    ask(page, EXAMPLES[2])
    expect(page.locator(".cw-suggestion")).to_have_count(2)
    yield "timeline, no answer, suggestions"
    page.locator("[data-cw-do=new]").click()
    ask(page, "Now an error")
    yield "error"
    page.locator("[data-cw-do=history]").click()
    expect(page.locator(".cw-history-row").first).to_be_visible()
    yield "history"


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(chromium: Browser, url: str, size: dict[str, int], dark: bool) -> None:
    with opened(chromium, url, size, dark=dark) as page:
        usable(page)
        assert page.evaluate("document.body.classList.contains('dark')") == dark
        found = {name: faults(page) for name in states(page)}
    assert len(found) == 10
    assert {name: what for name, what in found.items() if what} == {}


def test_axe_finds_what_is_wrong(chromium: Browser, url: str) -> None:
    """The test above bites: a button without a name and grey on grey are found."""
    with opened(chromium, url) as page:
        usable(page)
        page.evaluate("document.querySelector('.cw-new').replaceChildren()")
        page.evaluate("document.querySelector('.cw-welcome p').style.cssText = 'color: #ccc !important'")
        assert {fault.split(":")[0] for fault in faults(page)} == {"button-name", "color-contrast"}
