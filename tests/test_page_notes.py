"""What is taken along from the page, in a real browser: the notebook with its briefings, and what the printer gets."""

from __future__ import annotations

from collections.abc import Iterator

import pypdfium2
import pytest
from browser import opened
from playwright.sync_api import Browser, expect
from scripted import AUDIT, COST, EXAMPLES, GALLERY, HOURS, OPENING, scripted_load
from served import ask, served, usable

pytestmark = pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(scripted_load(), tmp_path_factory.mktemp("page") / "kept.db") as address:
        yield address


def words(pdf: bytes) -> str:
    """The text of all pages, every run of white space one blank."""
    with pypdfium2.PdfDocument(pdf) as document:
        return " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())


def test_the_printer_gets_the_whole_conversation_with_its_quotes(chromium: Browser, url: str) -> None:
    with opened(chromium, url, dark=True) as page:
        usable(page)
        for question in EXAMPLES:
            ask(page, question)
        printed = words(page.pdf())
        places = [printed.index(question) for question in EXAMPLES]
        assert places == sorted(places)
        for quote in (OPENING, GALLERY, HOURS, COST, AUDIT):
            assert quote.replace("’", "'") in printed.replace("’", "'")
        assert "No supported answer" in printed
        assert "Harbour Tunnel to open in May after two-year delay, Northgate Herald, 11 Feb 2026" in printed
        for gone in ("Retry", "New chat", "You can also ask", "Tick articles"):
            assert gone not in printed
        expect(page.locator(".cw-print")).to_have_count(0)  # the page is as before
        expect(page.locator(".cw-question").last).to_be_visible()
