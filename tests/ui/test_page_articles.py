"""Articles that are added from the chat in a real browser: files dropped or picked, a text or an address pasted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from browser import NARROW, faults, opened
from documents import PARAGRAPHS, pdf, words_of_pdf
from documents import page as news_page
from embedders import HashedWordsEmbedder
from playwright.sync_api import Browser, FilePayload, expect
from scripted import claim, events_of, quote
from served import ask, served, usable
from websites import Site, fetcher

from citewire.index.articles import ReadOptions
from citewire.index.build import build_index
from citewire.index.store import Index
from citewire.index.types import Vectors
from citewire.qa.types import Answer, Event
from citewire.ui.chat import ArticleIndex, Loaded
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
VOTE = "The council of Orvik voted for a second bridge."


class Waiting(HashedWordsEmbedder):
    """Embeds a text about parcels when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may = threading.Event()

    def embed(self, texts: Sequence[str]) -> Vectors:
        assert not any("parcel" in text for text in texts) or self.may.wait(60)
        return super().embed(texts)


class Voted:
    """Answers every question with the vote, which a PDF reports."""

    def __init__(self, index: ArticleIndex) -> None:
        self.index = index

    def stream(self, text: str, *_: object, **__: object) -> Iterator[Event]:
        assert isinstance(self.index, Index)
        article = self.index.article(next(one.path for one in self.index.articles() if one.path.endswith(".pdf")))
        yield from events_of(Answer(text, text, "answered", VOTE, (claim(VOTE, "supported", quote(1, article, VOTE)),)))


def loaded(index: ArticleIndex) -> Loaded:
    return Loaded(Voted(index), index, "scripted", over=loaded)


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


@pytest.fixture
def corpus(tmp_path: Path, waiting: Waiting) -> Iterator[Corpus]:
    (tmp_path / "wire.jsonl").write_text(json.dumps({"text": "The last ferry sails on Sunday.", "title": "Ferry"}))
    build_index([tmp_path / "wire.jsonl"], tmp_path / "index", HashedWordsEmbedder())
    opened_corpus = Corpus(tmp_path / "index", waiting, options=ReadOptions(allow_web=True))
    opened_corpus.start()
    yield opened_corpus
    opened_corpus.close()


@pytest.fixture
def url(corpus: Corpus, tmp_path: Path, site: Site) -> Iterator[str]:
    routes = router(corpus, Changes(corpus.folder), fetcher(site).fetch)
    file, load = tmp_path / "kept.db", lambda: loaded(corpus.index)
    with served(load, file, articles=True, routers=[routes], subscribe=corpus.subscribe) as address:
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
        expect(page.get_by_placeholder("The text of the article, or its address: https://...")).to_be_visible()
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


def test_what_files_hold_is_read_and_one_is_taken_back_while_it_is_indexed(
    chromium: Browser, url: str, waiting: Waiting
) -> None:
    def add(name: str, content: bytes) -> None:
        page.locator("input[type=file]").set_input_files([FilePayload(name=name, mimeType="", buffer=content)])

    with opened(chromium, url) as page:
        usable(page).get_by_role("button", name="Articles").click()
        states = page.locator(".cw-file-state")
        said = "The café on the quay, the oldest of the town, closes in May, its owner said."
        add("cafe.txt", f"Last café in Orvik closes\nBy Inès Okafor\n\n{said}\n".encode("latin-1"))
        expect(states).to_have_text("indexed, but is read as Windows-1252, as it is not UTF-8", timeout=INDEXED_MS)
        page.get_by_role("button", name="Last café in Orvik closes").click()
        expect(page.locator(".cw-article-reader h3")).to_have_text("Last café in Orvik closes")
        expect(page.locator(".cw-article-reader .cw-facts")).to_contain_text("Inès Okafor")
        expect(page.locator(".cw-article-text")).to_contain_text(said)
        printed = words_of_pdf(page.pdf())  # the open article alone
        assert said in printed
        for gone in ("Windows-1252", "Formats:", "Newest first", "Ask only this one"):
            assert gone not in printed
        add("parcels.txt", b"A parcel was sent to Bergen on Sunday.")
        expect(states.first).to_contain_text("indexing", timeout=INDEXED_MS)
        page.get_by_role("button", name="Cancel parcels.txt").click()
        expect(states.first).to_have_text("being taken back")
        waiting.may.set()
        expect(states.first).to_have_text("taken back", timeout=INDEXED_MS)
        add("minutes.pdf", pdf([["Minutes of the council.", "All members came."], [VOTE, "It costs nothing."]]))
        expect(page.locator(".cw-incoming-head b")).to_have_text(
            "2 of 3 files indexed, 1 taken back", timeout=INDEXED_MS
        )
        expect(page.locator(".cw-articles-count")).to_have_text("3 articles")
        page.get_by_role("button", name="Close", exact=True).click()
        ask(page, "What was decided?")
        expect(page.locator("mark.cw-on")).to_have_text(VOTE)
        expect(page.locator(".cw-panel .cw-byline")).to_contain_text(", p. 2")


def test_where_nothing_may_be_changed_nothing_is_taken(chromium: Browser, url: str) -> None:
    with opened(chromium, url) as page:
        usable(page).evaluate("() => document.body.setAttribute('data-cw-read-only', '')")
        page.evaluate(DRAG, ["dragenter", ""])
        expect(page.locator(".cw-drop:visible")).to_have_count(0)
        page.get_by_role("button", name="Articles").click()
        expect(page.locator(".cw-article-row")).to_have_count(1)
        expect(page.get_by_role("button", name="Paste text")).to_have_count(0)
