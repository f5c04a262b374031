"""What is taken along from the page, in a real browser: the notebook with its briefings, and what the printer gets."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import docx
import pytest
from browser import browser_context, faults, opened, tab
from documents import words_of_pdf
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, Page, expect
from scripted import AUDIT, COST, EXAMPLES, GALLERY, HOSTILE, HOURS, LEAD, OPENING, PAYLOADS, scripted_load
from served import ask, served, usable

from citewire.ui.export import _plain

pytestmark = pytest.mark.browser


def saved(page: Page, name: str) -> str:
    """Press an export of the notes; return the text that comes."""
    return file_saved(page, name).read_text(encoding="utf-8")


def file_saved(page: Page, name: str) -> Path:
    with page.expect_download() as coming:
        page.get_by_role("dialog", name="Notes").get_by_role("button", name=name, exact=True).click()
    return Path(coming.value.path())


def word(page: Page) -> tuple[list[tuple[str, str]], list[str]]:
    """Save the briefing as a Word document; return its paragraphs with their styles, and where its links lead."""
    with file_saved(page, "Word (DOCX)").open("rb") as file:
        made = docx.Document(file)
    with zipfile.ZipFile(file_saved(page, "Word (DOCX)")) as archive:
        assert archive.testzip() is None
    links = [one.address for paragraph in made.paragraphs for one in paragraph.hyperlinks]
    outside = [one.target_ref for one in made.part.rels.values() if one.is_external]
    assert sorted(links) == sorted(outside)
    return [(one.style.name if one.style else "", one.text) for one in made.paragraphs], links


def test_answers_and_quotes_are_pinned_put_in_order_and_taken_along(chromium: Browser, url: str) -> None:
    with browser_context(chromium) as context:
        with tab(context, url) as page:
            ask(usable(page), EXAMPLES[0])
            page.locator("#cw-chat .cw-pin").click()
            expect(page.locator("#cw-chat .cw-pin")).to_have_attribute("aria-pressed", "true")
            ask(page, EXAMPLES[1])
            page.locator("#cw-chat a.cw-chip", has_text="2").last.click()
            pin = page.locator(".cw-panel .cw-pin")
            pin.click()
            expect(pin).to_have_attribute("aria-pressed", "true")
            expect(pin).to_be_focused()
            expect(page.locator(".cw-note-count")).to_have_text("Notes (2)")
        with tab(context, url) as page:  # the next visit
            usable(page).get_by_role("button", name="Notes (2)").click()
            rows = page.locator(".cw-notes > li")
            expect(rows.locator("q")).to_have_text([OPENING, GALLERY, HOURS, AUDIT])
            expect(rows.locator("q").first).to_have_css("quotes", "none")  # many quotes begin with a mark of their own
            expect(rows.first.locator("p")).to_contain_text("The Harbour Tunnel opens to traffic on 18 May. [1]")
            assert faults(page) == []
            page.get_by_role("button", name="Move up, note 2").click()
            expect(rows.locator("q")).to_have_text([AUDIT, OPENING, GALLERY, HOURS])
            expect(rows.first.get_by_role("button", name="Move down")).to_be_focused()
            text = saved(page, "Markdown")
            assert text.index("1.97 billion once financing") < text.index(f"## {EXAMPLES[0]}")
            assert (
                "  Auditors put tunnel bill at €1.97 billion, The Quay Ledger, 2 Mar 2026 <https://example.org/" in text
            )
            whole = saved(page, "HTML")
            assert whole.startswith("<!doctype html>")
            assert "default-src 'none'" in whole
            assert f'<q dir="auto">{OPENING}</q>' in whole
            paragraphs, links = word(page)
            assert paragraphs[:5] == [
                ("Title", "Briefing"),
                ("Heading 1", EXAMPLES[1]),
                ("Quote", f"[1] “{AUDIT}”"),
                ("Source", "Auditors put tunnel bill at €1.97 billion, The Quay Ledger, 2 Mar 2026 Original article"),
                ("Heading 1", EXAMPLES[0]),
            ]
            assert paragraphs[5][1].startswith("The Harbour Tunnel opens to traffic on 18 May. [2]")
            assert [text for name, text in paragraphs if name == "Quote"][1] == f"[2] “{OPENING}”"
            assert links
            assert all(one.startswith("https://example.org/") for one in links)
            other = context.new_page()
            other.goto(url)
            usable(other).get_by_role("button", name="Notes (2)").click()
            both = (rows, other.locator(".cw-notes > li"))
            for left, at in ((1, page), (0, other)):  # neither tab writes over what the other one has done
                at.get_by_role("button", name="Remove, note 1").click()
                for shown in both:
                    expect(shown).to_have_count(left)
            other.close()
            page.keyboard.press("Escape")
            expect(page.get_by_role("button", name="Notes", exact=True)).to_be_focused()


def test_a_list_stays_a_list_and_a_source_has_one_number_in_all_notes(chromium: Browser, url: str) -> None:
    with opened(chromium, url) as page:
        for question in ("What do these articles say?", EXAMPLES[0], EXAMPLES[1], "How did it change over time?"):
            ask(usable(page), question)
            page.locator("#cw-chat .cw-pin").last.click()
        page.get_by_role("button", name="Notes (4)").click()
        items = [f"{OPENING} [1]", f"{GALLERY}. [2]", f"{AUDIT}. [3]"]
        one, other, cost, course = page.locator(".cw-notes > li").all()
        expect(one.locator("p")).to_have_text(LEAD)
        expect(one.locator("ul").first.locator("li")).to_have_text(items)
        expect(other.locator("p")).to_contain_text("staffed from 05:30 to 23:00. [2][4]")
        expect(other.locator(".cw-notes-quotes small")).to_have_text([re.compile(rf"^\[{n}\]") for n in (1, 2, 4)])
        expect(cost.locator("p").last).to_have_text("Sources disagree: total cost of the tunnel")
        expect(cost.locator("ul").first.locator("li")).to_have_text(
            ["€1.84 billion (Northgate Herald, 11 Feb 2026) [5]", "€1.97 billion (The Quay Ledger, 2 Mar 2026) [3]"]
        )
        expect(course.locator("p").last).to_contain_text("reported 2 Mar 2026: ")
        text = saved(page, "Markdown")
        listed = "\n".join(f"- {item}" for item in items).replace("[", "\\[").replace("]", "\\]")
        assert f"{LEAD}\n\n{listed}\n\n* **\\[1\\]** “{OPENING}”\\\n" in text
        assert f"* **\\[4\\]** “{HOURS}”\\\n" in text
        whole = saved(page, "HTML")
        assert f'<p dir="auto">{LEAD}</p><ul><li dir="auto">{items[0]}</li><li dir="auto">{items[1]}</li>' in whole
        paragraphs, _ = word(page)
        assert paragraphs[2:7] == [
            ("", LEAD), *(("List Bullet", item) for item in items), ("Quote", f"[1] “{OPENING}”"),
        ]  # fmt: skip
        escaped = "async (texts) => { const { plain } = await import('/cw/notes.js'); return texts.map(plain); }"
        texts = [*PAYLOADS, "- coin: high, output at $72,600.", "2021. A year", "See WWW.example.org or a://b"]
        assert page.evaluate(escaped, texts) == [_plain(one) for one in texts]  # as a conversation is exported


def test_hostile_notes_are_words(chromium: Browser, tmp_path: Path) -> None:
    with served(scripted_load((HOSTILE,)), tmp_path / "kept.db") as address, opened(chromium, address) as page:
        ask(usable(page), "hostile words")
        page.locator("#cw-chat .cw-pin").click()
        page.get_by_role("button", name="Notes (1)").click()
        text, whole = saved(page, "Markdown"), saved(page, "HTML")
        paragraphs, links = word(page)
        quotes = [quoted for name, quoted in paragraphs if name == "Quote"]
        assert quotes[0] == f"[1] “{PAYLOADS[1]}”"
        assert links == []
        assert page.evaluate("window.pwned") is None
        shown = MarkdownIt("commonmark").render(text)
        assert set(re.findall(r"<(\w+)", shown)) <= {"h1", "h2", "p", "ul", "li", "strong", "br", "a"}
        assert not re.search(r'<a href="(?!https://)', shown)
        assert "<script" not in whole
        assert "<img" not in whole
        assert "javascript:" not in re.sub(r"<(q|p|li) .*?</\1>|<small>.*?</small>", "", whole, flags=re.DOTALL)


def test_the_printer_gets_what_is_seen(chromium: Browser, url: str) -> None:
    with opened(chromium, url, dark=True) as page:
        usable(page)
        printed = words_of_pdf(page.pdf())
        assert "Ask the articles" in printed
        assert EXAMPLES[0] in printed
        for question in EXAMPLES:
            ask(page, question)
        printed = words_of_pdf(page.pdf())
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
        page.locator("#cw-chat .cw-pin").first.click()
        page.get_by_role("button", name="Notes (1)").click()
        printed = words_of_pdf(page.pdf())
        for noted in (EXAMPLES[0], GALLERY, HOURS):
            assert noted in printed
        for gone in (EXAMPLES[1], "Remove", "Word (DOCX)"):
            assert gone not in printed
