"""Articles that are added from the chat in a real browser: a file dropped anywhere, a text or an address pasted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import NARROW, faults, opened
from documents import PARAGRAPHS
from documents import page as news_page
from embedders import HashedWordsEmbedder
from playwright.sync_api import Browser, expect
from scripted import scripted_load
from served import served, usable
from websites import Site, fetcher

from citewire.index.articles import ReadOptions
from citewire.index.build import build_index
from citewire.ui.corpus import Corpus
from citewire.ui.corpus_routes import router
from citewire.ui.keys import Changes

pytestmark = pytest.mark.browser

DRAG = """([type, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], "bergen.txt"));
  document.querySelector("#cw-chat").dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""  # noqa: E501
INDEXED_MS = 20_000


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    (tmp_path / "wire.jsonl").write_text(json.dumps({"text": "The last ferry sails on Sunday.", "title": "Ferry"}))
    build_index([tmp_path / "wire.jsonl"], tmp_path / "index", HashedWordsEmbedder())
    opened_corpus = Corpus(tmp_path / "index", HashedWordsEmbedder(), options=ReadOptions(allow_web=True))
    opened_corpus.start()
    yield opened_corpus
    opened_corpus.close()


@pytest.fixture
def url(corpus: Corpus, tmp_path: Path, site: Site) -> Iterator[str]:
    routes = router(corpus, Changes(corpus.folder), fetcher(site).fetch)
    with served(scripted_load(), tmp_path / "kept.db", articles=True, routers=[routes]) as address:
        yield address


def test_a_file_that_is_dropped_on_the_chat_is_added(chromium: Browser, url: str) -> None:
    with opened(chromium, url) as page:
        usable(page)
        page.evaluate(DRAG, ["dragenter", ""])
        expect(page.locator("body > .cw-drop")).to_contain_text("Drop files or folders to add them to the articles")
        expect(page.locator("body > .cw-drop small")).to_contain_text(
            " MB a file, and 10,000,000 characters of text an article. Formats: "
        )  # before anything is sent
        page.evaluate(DRAG, ["drop", "Snow fell on Bergen."])
        expect(page.locator("body > .cw-drop")).to_have_count(0)
        expect(page.locator(".cw-file")).to_have_count(1)
        expect(page.locator(".cw-file-state")).to_have_text("indexed", timeout=INDEXED_MS)
        expect(page.locator(".cw-articles-count")).to_have_text("2 articles")


def test_a_pasted_text_or_address_is_an_article_with_its_title(chromium: Browser, url: str, site: Site) -> None:
    with opened(chromium, url, NARROW, refused=1) as page:
        usable(page).get_by_role("button", name="Articles").click()
        expect(page.locator(".cw-limits")).to_contain_text(".docx")
        expect(page.locator(".cw-limits span")).to_be_hidden()  # folded, as the filters are
        expect(page.get_by_label("Order")).to_be_hidden()
        page.get_by_role("button", name="Filters").click()
        expect(page.get_by_label("Order")).to_be_visible()
        page.get_by_role("button", name="Paste text").click()
        expect(page.get_by_label("Title of the text")).to_be_focused()
        assert faults(page) == []
        page.get_by_role("button", name="Add as an article").click()
        expect(page.get_by_label("Text of the article")).to_be_focused()  # nothing to add
        page.get_by_label("Title of the text").fill("Snow: “a lot” of it")
        page.get_by_label("Text of the article").fill('It snowed.\n\n"A lot", said Ines Okafor.')
        page.get_by_role("button", name="Add as an article").click()
        expect(page.get_by_label("Text of the article")).to_be_hidden()
        expect(page.locator(".cw-file-state")).to_have_text("indexed", timeout=INDEXED_MS)
        page.get_by_role("button", name="Snow: “a lot” of it").click()
        expect(page.locator(".cw-article-text p")).to_have_text(["It snowed.", '"A lot", said Ines Okafor.'])
        page.get_by_role("button", name="Back to the list").click()
        story = site.html("/ferry.html", news_page(title="Ferry fares fall"))
        for address in ("http://127.0.0.1:1/", story):
            page.get_by_role("button", name="Paste text").click()
            page.get_by_label("Text of the article").fill(f" {address}\n")
            page.get_by_role("button", name="Add as an article").click()
        said = page.locator(".cw-file", has_text="http://127.0.0.1:1/").locator(".cw-file-state")
        expect(said).to_contain_text("rejected: http://127.0.0.1:1/ leads to port 1 of 127.0.0.1")
        expect(page.locator(".cw-file", has_text=story).locator(".cw-file-state")).to_have_text(
            "indexed", timeout=INDEXED_MS
        )
        page.get_by_role("button", name="Ferry fares fall").click()
        expect(page.locator(".cw-article-text p")).to_have_text(["Ferry fares fall", *PARAGRAPHS])
        expect(page.get_by_role("link", name="Open the original article")).to_have_attribute("href", story)


def test_where_nothing_may_be_changed_nothing_is_taken(chromium: Browser, url: str) -> None:
    with opened(chromium, url) as page:
        usable(page).evaluate("() => document.body.setAttribute('data-cw-read-only', '')")
        page.evaluate(DRAG, ["dragenter", ""])
        expect(page.locator(".cw-drop:visible")).to_have_count(0)
        page.get_by_role("button", name="Articles").click()
        expect(page.locator(".cw-article-row")).to_have_count(1)
        expect(page.get_by_role("button", name="Paste text")).to_have_count(0)
