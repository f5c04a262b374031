"""citewire as a Python library, with the real models: making, asking and searching an index, also of some articles."""

from __future__ import annotations

import doctest
import inspect
from pathlib import Path

import pytest
from conftest import SEEDS

import citewire
from citewire.index.errors import InputError
from citewire.index.options import SearchOptions
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Embedder, Filters
from citewire.qa.types import Answer, Generator, Searched
from citewire.ui import engine, library

WHEN = "When did Canaan start exploring options for its AI unit?"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("library") / "news.index"
    assert citewire.index(SEEDS, place).new == 5
    return place


@pytest.mark.model
def test_an_index_is_asked_and_searched(place: Path, cache: Path, embedder: Embedder) -> None:
    with citewire.open(place, cache=cache, model="smollm2-135m", reader="small") as news:
        answer = news.ask(WHEN)
        quotes = [quote for claim in answer.claims for quote in claim.quotes]
        assert ("March 2022" in answer.text, answer.status) == (True, "answered")
        for quote in quotes:
            text = (SEEDS / quote.article).read_text("utf-8")
            assert text[quote.start : quote.end] == quote.text
        assert [news.article(one.path).title for one in news.articles()] == [one.title for one in news.articles()]
        with Index.open(place, embedder) as index:
            usual = SearchOptions(k=3, copies=1)
            assert news.search(WHEN, 3) == search(index, embedder, WHEN, usual)
            assert len(news.search(WHEN)) == 8
        other = next(one.path for one in news.articles() if one.path not in {quote.article for quote in quotes})
        narrowed = news.ask(WHEN, filters=Filters(articles=(other,)))
        assert {hit.passage.article for hit in news.search(WHEN, 50, filters=Filters(articles=(other,)))} == {other}
        assert {quote.article for claim in narrowed.claims for quote in claim.quotes} <= {other}
        told = list(news.stream("Who said that?", [(WHEN, answer.text)]))
        assert isinstance(told[0], Searched)
        assert isinstance(told[-1], Answer)
        assert told[-1].kind == "who_said"
        for ask in (news.ask, news.search):
            with pytest.raises(InputError, match="question is empty"):
                ask(" ")
        with pytest.raises(InputError, match="0 passages"):
            news.search(WHEN, 0)
        with pytest.raises(InputError, match="no article has the outlet 'Nobody'"):
            news.search(WHEN, filters=Filters(outlets=("Nobody",)))
        with pytest.raises(InputError, match=r"no article 'nowhere\.txt'"):
            news.article("nowhere.txt")


ARTICLES = {
    "ferry.txt": """Title: Night ferries to Tarnby
Outlet: Tarnby Courier
Date: 2026-03-02

Lund Lines will run ferries to Tarnby at night. Anna Berg chairs Lund Lines. She was born in Holm and led the harbour
for nine years. A night ticket costs 12 euros.
""",
    "harbour.txt": """Title: Harbour of Holm to be dredged
Outlet: Holm Post
Date: 2026-03-09

The harbour of Holm will be dredged in autumn. The work costs 4 million euros. A night ticket to Tarnby costs 15 euros,
the town says.
""",
    "mill.txt": """Title: Old mill becomes a library
Outlet: Holm Post
Date: 2026-02-11

The old mill of Holm becomes a library. The town bought it for 300,000 euros. Petra Dahl designed the reading room.
""",
}


@pytest.mark.model
def test_the_examples_of_its_documentation_run(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "load_generator", lambda *_, **__: generator)  # the default model, loaded once for all
    monkeypatch.setenv("CITEWIRE_READER", "small")
    Path("articles").mkdir()  # in the test's folder
    for name, text in ARTICLES.items():
        (Path("articles") / name).write_text(text)
    tried = doctest.testmod(citewire)
    assert (tried.failed, tried.attempted) == (0, 4)
    with citewire.open("news.index") as news:
        tried = doctest.testmod(library, extraglobs={"citewire": citewire, "news": news})
    assert (tried.failed, tried.attempted) == (0, 12)


def test_what_it_offers_is_typed_and_explained() -> None:
    offered = {name: getattr(citewire, name) for name in citewire.__all__}
    assert set(library.__all__) <= set(offered) <= set(dir(citewire))
    assert (offered["open"], offered["News"], offered["InputError"]) == (library.open, library.News, InputError)
    assert inspect.signature(citewire.index) == inspect.signature(library.index)
    public = [getattr(library.News, name) for name in vars(library.News) if not name.startswith("_")]
    for one in (library.index, library.open, *public):
        assert one.__doc__
        assert "return" in one.__annotations__
    with pytest.raises(AttributeError, match="module 'citewire' has no attribute 'opne'"):
        getattr(citewire, "opne")  # noqa: B009 (mypy would find it)


@pytest.mark.slow
def test_what_cannot_be_opened_is_named(tmp_path: Path, place: Path, cache: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        citewire.open(tmp_path / "nowhere")
    with pytest.raises(InputError, match="'modell' is no setting of citewire"):
        citewire.open(place, modell="x")
    with pytest.raises(InputError, match="passages = 0"):
        citewire.open(place, passages=0)
    with pytest.raises(InputError, match="There are no articles to index"):
        citewire.index([], tmp_path / "index")
