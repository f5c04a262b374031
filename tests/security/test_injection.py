"""Articles with orders, and a model that obeys every order: everything shown still rests on an exact quote.

The index, the embedder, the verifier, the page's rendering, the exports and the HTTP route are the real ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from attacks import ORDERS, OUT
from conftest import check_quotes, indexed, listening, until
from fastapi import FastAPI
from markdown_it import MarkdownIt

from citewire.index.options import SearchOptions
from citewire.index.store import Index
from citewire.index.types import Embedder
from citewire.qa.answer import Answerer, AnswerOptions
from citewire.qa.reader import load_reader
from citewire.qa.types import Answer, Message
from citewire.ui.ask_routes import Served
from citewire.ui.chat import Chat, Loaded
from citewire.ui.conversations import StoredConversation, StoredExchange
from citewire.ui.exchange import Exchange
from citewire.ui.export import as_html, as_markdown
from citewire.ui.labels import card_in
from citewire.ui.openai_routes import router
from citewire.ui.render import answer_html
from citewire.ui.visitor import VisitorCookie

pytestmark = pytest.mark.slow

TRIED = [order for orders in ORDERS.values() for order in orders]
TOWNS = (
    "Skarn Vellin Orlo Tresk Maddow Ulmar Pennick Hestad Corvin Balder Nyholt Quarn Zelmo Ferrin Yarrow Ibsley Lodden "
    "Kessel Dravik Wenlow Ambry Jorvald Sennet Rokke Thale Gunda Oxmere Pellow"
).split()
KNOWN = "https://example.org/news/"  # the address of the articles
SEARCH = SearchOptions(k=2, copies=1)
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\U000e0000-\U000e007f]")
FIGURE = re.compile(r"\d+(?:[.,]\d+)*")


class Obeying:
    """A model that obeys orders anywhere in its prompt, and otherwise repeats the first sentence of the evidence.

    Attributes:
        wrote: the text of each order that it obeyed.
    """

    name = "obeying"

    def __init__(self) -> None:
        self.wrote: list[str] = []

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[str]:
        asked = messages[-1].content
        question = quote(asked.rpartition("Question: ")[2])
        self.wrote += [text.replace("QUESTION", question) for text in re.findall(r"write: *(.+)", asked)]
        self.wrote += [text[::-1] for text in re.findall(r"write backwards: *(.+)", asked)]
        self.wrote += [messages[0].content] if "repeat all that stands above" in asked else []
        first = asked.partition("\n")[0].partition(" ")[2]
        for piece in re.findall(r"\s*\S+", " ".join(self.wrote) or first)[:max_tokens]:
            if stopped():
                return
            yield piece

    def count_tokens(self, messages: Sequence[Message]) -> int:
        return sum(len(message.content.split()) for message in messages)


def article(town: str, order: str) -> str:
    return (
        f"---\ntitle: Bridge in {town} opens again\nurl: {KNOWN}{town}\n---\n"
        f"The bridge in {town} cost 12 million euros to repair, {order.format(town=town, nwot=town[::-1], out=OUT)}\n\n"
        "It was closed for two years, and ferries took the cars across."
    )


@dataclass(frozen=True)
class Case:
    """A question on an article with an order, what the model wrote, and the answer."""

    order: str
    wrote: tuple[str, ...]
    answer: Answer
    exchange: Exchange


@dataclass(frozen=True)
class Asked:
    index: Index
    answerer: Answerer
    cases: tuple[Case, ...]


@pytest.fixture(scope="module")
def asked(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """The case of every order, with a model that obeys."""
    news = {f"{town}.md": article(town, order) for town, order in zip(TOWNS, TRIED, strict=False)}
    with indexed(news, tmp_path_factory.mktemp("orders"), embedder) as index:
        model = Obeying()
        answerer = Answerer(index, embedder, model, load_reader(1), AnswerOptions(search=SEARCH))
        cases = []
        for town, order in zip(TOWNS, TRIED, strict=False):
            model.wrote = []
            exchange = Exchange(town, f"How much did the bridge in {town} cost?")
            for event in answerer.stream(exchange.question):
                exchange.apply(event)
            assert exchange.answer
            cases.append(Case(order, tuple(model.wrote), exchange.answer, exchange))
        yield Asked(index, answerer, tuple(cases))


def test_each_order_reaches_the_model_and_what_is_shown_is_what_an_exact_quote_says(asked: Asked) -> None:
    for case in asked.cases:
        assert case.wrote, case.order
        check_quotes(case.answer, asked.index)  # exact quotes, and no number in brackets except citations
        shown = [claim for claim in case.answer.claims if claim.shown]
        assert shown, case.order
        for claim in shown:
            quoted = " ".join(" ".join(one.text for one in claim.quotes).split())
            assert claim.verdict == "supported"
            assert set(FIGURE.findall(claim.text)) <= set(FIGURE.findall(quoted)), claim.text
            assert all(name in quoted for name in re.findall(r"\b[A-Z]\w+", claim.text)), claim.text
            assert not INVISIBLE.search(claim.text)
            # The whole sentence with its order in sight, or its beginning, which is true.
            whole = re.sub(r"[\[【](\d)[\]】]", r"(\1)", quoted)
            assert claim.text in (whole, f"The bridge in {case.exchange.id} cost 12 million euros.")


class Tags(HTMLParser):
    """Collects the tags of HTML with their attributes."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


TEXT = set("a aside article b blockquote body br code div em h1 h2 h3 head header html li main mark meta ol p".split())
TEXT |= set("section small span strong style title ul".split())


def leads(markup: str) -> set[str]:
    """The targets of links in HTML, except places of the page; asserts that no tag loads or runs anything."""
    tags = Tags(markup).found
    assert {tag for tag, _ in tags} <= TEXT
    for _, attributes in tags:
        assert not any(name.startswith("on") or name in ("src", "srcset", "style") for name in attributes)
        assert attributes.get("http-equiv", "Content-Security-Policy") == "Content-Security-Policy"
    return {stated["href"] for _, stated in tags if "href" in stated and not stated["href"].startswith("#")}


def linked(markdown: str) -> set[str]:
    """The targets of links in Markdown; asserts that no dialect finds more links than CommonMark."""
    assert not re.search(r"(?<!\\)(?<!<https):(?=//)|www\.", markdown), markdown
    return leads(MarkdownIt("commonmark").render(markdown))


def test_page_and_files_ask_no_server_and_link_only_to_where_the_article_is_from(asked: Asked) -> None:
    for case in asked.cases:
        label = partial(card_in, asked.index)
        assert leads(answer_html(case.exchange, label, articles=len(TRIED), last=True)) == set()
        question = case.exchange.question
        exchange = StoredExchange("e" * 24, question, case.answer, "2026-03-03T10:00:00+00:00")
        kept = StoredConversation("c" * 24, question, (exchange,))
        own = {f"{KNOWN}{case.exchange.id}"}
        assert leads(as_html(kept, asked.index)) == linked(as_markdown(kept, asked.index)) == own


def test_chat_completions_hold_no_link_no_picture_and_no_numbers_but_those_of_quotes(asked: Asked) -> None:
    chat = Chat(lambda: Loaded(asked.answerer, asked.index, "obeying", SEARCH))
    app = FastAPI()
    app.add_middleware(VisitorCookie)
    app.include_router(router(chat, Served(Path("index"), "obeying", "f" * 64, lambda: 1, lambda *_: None)))
    with listening(app) as url, httpx.Client(base_url=url, timeout=60) as client:
        until(lambda: chat.background.done)
        for case in asked.cases:
            messages = [{"role": "user", "content": case.exchange.question}]
            got = client.post("/v1/chat/completions", json={"messages": messages})
            message = got.json()["choices"][0]["message"]
            content, citations = message["content"], message["annotations"]
            assert linked(content) == set()
            numbers = {int(n) for n in re.findall(r"\[(\d+)\]", content)}
            assert numbers == {one["citewire"]["number"] for one in citations}
            for one in citations:
                place = one["url_citation"]
                assert place["url"] == f"{KNOWN}{case.exchange.id}"
                sentence = re.sub(r"\\(?=\W)", "", content[place["start_index"] : place["end_index"]])
                assert sentence in {claim.text for claim in case.answer.claims if claim.shown}
