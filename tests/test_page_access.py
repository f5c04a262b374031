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
    expect(page.locator(".cw-answer").last.locator(".cw-suggestion")).to_have_count(2)
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


NARROW = {"width": 320, "height": 640}
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


@pytest.mark.parametrize("size", [NARROW, PHONE], ids=["320", "390"])
def test_on_a_narrow_screen_nothing_is_cut_off_and_all_can_be_pressed(
    chromium: Browser, url: str, size: dict[str, int]
) -> None:
    with opened(chromium, url, size) as page:
        usable(page)
        page.locator(".cw-corpus").evaluate("(e, words) => { e.textContent = words; }", LONG)
        for name in ("articles", "history", "new"):
            box = page.locator(f"[data-cw-do={name}]").bounding_box()
            assert box
            assert 0 <= box["x"] <= box["x"] + box["width"] <= size["width"], name
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        assert page.evaluate("document.querySelector('.gradio-container').scrollWidth") == size["width"]
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


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_words_in_the_empty_box_can_be_read(chromium: Browser, url: str, dark: bool) -> None:
    with opened(chromium, url, dark=dark) as page:
        usable(page)
        assert contrast(page, "#cw-ask textarea", "::placeholder") >= 4.5


def test_axe_finds_what_is_wrong(chromium: Browser, url: str) -> None:
    """The test above bites: a button without a name and grey on grey are found."""
    with opened(chromium, url) as page:
        usable(page)
        page.evaluate("document.querySelector('.cw-new').replaceChildren()")
        page.evaluate("document.querySelector('.cw-welcome p').style.cssText = 'color: #ccc !important'")
        assert {fault.split(":")[0] for fault in faults(page)} == {"button-name", "color-contrast"}
