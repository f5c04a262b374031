"""citewire from Python, with the real models: an index is made and asked, also of some articles, also a follow-up."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import SEEDS

from citewire.index.errors import InputError
from citewire.index.types import Filters
from citewire.qa.types import Answer, Searched
from citewire.ui import library

WHEN = "When did Canaan start exploring options for its AI unit?"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("library") / "news.index"
    assert library.index([SEEDS], place).new == 5
    return place


@pytest.mark.real
def test_an_index_is_asked(place: Path, cache: Path) -> None:
    with library.open(place, cache=cache) as news:
        answer = news.ask(WHEN)
        quotes = [quote for claim in answer.claims for quote in claim.quotes]
        assert ("March 2022" in answer.text, answer.status) == (True, "answered")
        for quote in quotes:
            text = (SEEDS / quote.article).read_text("utf-8")
            assert text[quote.start : quote.end] == quote.text
        assert len(news.articles()) == 5
        other = next(one.path for one in news.articles() if one.path not in {quote.article for quote in quotes})
        narrowed = news.ask(WHEN, filters=Filters(articles=(other,)))
        assert {quote.article for claim in narrowed.claims for quote in claim.quotes} <= {other}
        told = list(news.stream("Who said that?", [(WHEN, answer.text)]))
        assert isinstance(told[0], Searched)
        assert isinstance(told[-1], Answer)
        assert told[-1].kind == "who_said"
        with pytest.raises(InputError, match="question is empty"):
            news.ask(" ")


def test_what_cannot_be_opened_is_named(tmp_path: Path, place: Path, cache: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        library.open(tmp_path / "nowhere")
    with pytest.raises(InputError, match="'modell' is no setting of citewire"):
        library.open(place, modell="x")
    with pytest.raises(InputError, match="passages = 0"):
        library.open(place, passages=0)
    with pytest.raises(InputError, match="There are no articles to index"):
        library.index([], tmp_path / "index")
