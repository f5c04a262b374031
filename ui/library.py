"""citewire from Python: index articles, open an index, ask it, search it, read its articles.

>>> from citewire.ui import library as citewire
>>> citewire.index(["seeds/"], "news.index").new
5
>>> with citewire.open("news.index") as news:
...     answer = news.ask("When did Canaan start exploring options for its AI unit?")
...     hits = news.search("Why is Kazakhstan attractive to bitcoin miners?", 3)
...     article = news.article(hits[0].passage.article)
>>> answer.status, answer.claims[0].verdict, "March 2022" in answer.claims[0].quotes[0].text
('answered', 'supported', True)
>>> len(hits), article.text[hits[0].passage.start : hits[0].passage.end] == hits[0].passage.text
(3, True)

Settings are those of the command line (`citewire config` prints them), as keyword arguments; the environment and
citewire.toml count too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from citewire.index.build import BuildReport
from citewire.index.errors import InputError
from citewire.index.options import SearchOptions
from citewire.index.scope import require_match
from citewire.index.search import search
from citewire.index.segment import ArticleSummary
from citewire.index.types import Article, Filters, Hit
from citewire.qa.models.files import quiet
from citewire.qa.types import Answer, Event, Turn, checked_question
from citewire.ui import engine
from citewire.ui.settings import Settings, load

__all__ = ["News", "index", "open"]


class News:
    """An open index and the models that answer from it; made by `open`. Ends with `close`, or with its `with` block."""

    def __init__(self, chosen: Settings) -> None:
        with ExitStack() as held:
            self._embedder = embedder = engine.load_embedder(chosen)
            self._index = held.enter_context(engine.open_index(chosen, embedder))
            engine.check_search(chosen, self._index)
            self._reranker = engine.load_reranker(chosen)
            self._answerer = engine.answerer(chosen, self._index, embedder, engine.load_generator(chosen, quiet))
            self._held = held.pop_all()

    def ask(self, question: str, history: Sequence[tuple[str, str]] = (), *, filters: Filters | None = None) -> Answer:
        """Return the answer to a question: its claims with their quotes, or why there is none (`status`).

        Args:
            question: in English.
            history: the questions and answers before it, oldest first.
            filters: which articles are asked, in place of those of the settings.

        Raises:
            InputError: the question is empty or too long, or no article passes the filters.
        """
        *_, last = self.stream(question, history, filters=filters)
        assert isinstance(last, Answer)  # a stream always ends with one
        return last

    def stream(
        self, question: str, history: Sequence[tuple[str, str]] = (), *, filters: Filters | None = None
    ) -> Iterator[Event]:
        """Yield what was found, then sentences as they are checked, at last the answer; else as `ask`."""
        return self._answerer.stream(question, [Turn(*turn) for turn in history], search=self._options(filters))

    def search(self, question: str, k: int | None = None, *, filters: Filters | None = None) -> list[Hit]:
        """Return the passages that fit a question best, best first; no language model is asked.

        Args:
            question: in English.
            k: how many, None for as many as an answer is made from; fewer where the articles have no more.
            filters: as in `ask`.

        Raises:
            InputError: the question is empty, `k` is below 1, or no article passes the filters.
        """
        checked_question(question)
        options = self._options(filters)
        options = options if k is None else replace(options, k=k)
        require_match(self._index, options)
        return search(self._index, self._embedder, question, options, self._reranker)

    def _options(self, filters: Filters | None) -> SearchOptions:
        usual = self._answerer.options.search
        return replace(usual, filters=filters) if filters else usual

    def article(self, path: str) -> Article:
        """Return one article whole, by its path. Raises: InputError, where there is none."""
        return self._index.article(path)

    def articles(self) -> list[ArticleSummary]:
        """Return the articles of the index by path, without their texts."""
        return self._index.articles()

    def close(self) -> None:
        """Close the index; nothing can be asked any more."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open(index: Path | str, **settings: Any) -> News:  # noqa: A001 (its name is citewire.open)
    """Open an index and load the models, which takes some seconds.

    Args:
        index: its folder.
        settings: such as model="qwen2.5-coder-1.5b".

    Raises:
        InputError: there is no index, or a setting is none or has a wrong value.
        ModelError: the language model is not fetched, or cannot be used.
    """
    return News(_settings({**settings, "index": Path(index)}))


def index(articles: Sequence[Path | str], to: Path | str, **settings: Any) -> BuildReport:
    """Put files, folders and web addresses into an index; what is there and not among them is taken out.

    Args:
        articles: what to index; web addresses need allow_web=True.
        to: folder of the index, made where there is none.
        settings: as in `open`.

    Returns:
        What is new, changed, removed, and left out with the reason.

    Raises:
        InputError: no articles, or paths or settings that cannot be used.
    """
    chosen = _settings({**settings, "index": Path(to)})
    return engine.index_articles(chosen, articles, engine.load_embedder(chosen), quiet)


def _settings(given: Mapping[str, Any]) -> Settings:
    unknown = next((name for name in given if name not in Settings.model_fields), None)
    if unknown:
        raise InputError(f"{unknown!r} is no setting of citewire", "`citewire config` lists all of them.")
    return load(given).settings
