"""citewire from Python, offered as `citewire.index`, `citewire.open` and `citewire.News`.

Keyword arguments are the settings of the command line (`citewire config` prints them); the environment and
citewire.toml apply too. In the examples `news` is an open index of three articles from the Tarnby Courier and the Holm
Post.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
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
    """An open index with its models, returned by `open`; close it with `close` or a `with` block."""

    def __init__(self, chosen: Settings) -> None:
        with ExitStack() as held:
            self._embedder = embedder = engine.load_embedder(chosen)
            self._index = held.enter_context(engine.open_index(chosen, embedder))
            engine.check_search(chosen, self._index)
            self._reranker = engine.load_reranker(chosen)
            self._answerer = engine.answerer(chosen, self._index, embedder, engine.load_generator(chosen, quiet))
            self._held = held.pop_all()

    def ask(self, question: str, history: Sequence[tuple[str, str]] = (), *, filters: Filters | None = None) -> Answer:
        """Return the answer to a question: claims with quotes; `status` says whether the articles answer it.

        Args:
            question: the question, in English.
            history: earlier (question, answer) pairs, oldest first.
            filters: which articles are searched; replaces the filters of the settings.

        Raises:
            InputError: the question is empty or too long, or no article passes the filters.

        >>> answer = news.ask("Who chairs Lund Lines?")
        >>> answer.text, answer.claims[0].quotes[0].article
        ('Anna Berg chairs Lund Lines. [1]', 'ferry.txt')

        A follow-up, and questions to some of the articles:

        >>> news.ask("Where was she born?", [("Who chairs Lund Lines?", answer.text)]).standalone_question
        'Where was Anna Berg born?'
        >>> [one.value for one in news.ask("What does a night ticket cost?").conflicts[0].values]
        ['12 euros', '15 euros']
        >>> news.ask("What does a night ticket cost?", filters=citewire.Filters(outlets=("Tarnby Courier",))).short
        '12 euros'

        A question that the articles do not answer:

        >>> news.ask("When does the bridge open?").status
        'abstained'
        """
        *_, last = self.stream(question, history, filters=filters)
        assert isinstance(last, Answer)  # a stream always ends with one
        return last

    def stream(
        self, question: str, history: Sequence[tuple[str, str]] = (), *, filters: Filters | None = None
    ) -> Iterator[Event]:
        """Yield the passages found, each claim once it is checked, and last the answer; else like `ask`.

        >>> for event in news.stream("Who designed the reading room?"):
        ...     match event:
        ...         case citewire.Searched(hits=hits):
        ...             print(len(hits), "passages found")
        ...         case citewire.Checked(claim=claim):
        ...             print(claim.text)
        ...         case citewire.Answer(status=status):
        ...             print(status)
        3 passages found
        Petra Dahl designed the reading room.
        answered
        """
        return self._answerer.stream(question, [Turn(*turn) for turn in history], search=self._options(filters))

    def search(self, question: str, k: int | None = None, *, filters: Filters | None = None) -> list[Hit]:
        """Return the passages most relevant to a question, best first, without the language model.

        Args:
            question: the question, in English.
            k: most passages, None for as many as an answer uses.
            filters: as in `ask`.

        Raises:
            InputError: the question is empty, `k` is below 1, or no article passes the filters.

        >>> spring = citewire.Filters(published_from="2026-03-01", published_to="2026-05-31")
        >>> [hit.passage.article for hit in news.search("What becomes of the harbour?", filters=spring)]
        ['harbour.txt', 'ferry.txt']
        >>> passage = news.search("What becomes of the harbour?", 1)[0].passage
        >>> news.article(passage.article).text[passage.start : passage.end] == passage.text
        True
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
        """Return the article at a path, with its text. Raises: InputError, if there is none."""
        return self._index.article(path)

    def articles(self) -> list[ArticleSummary]:
        """Return all articles, sorted by path, without their texts.

        >>> [(article.title, article.outlet) for article in news.articles()][0]
        ('Night ferries to Tarnby', 'Tarnby Courier')
        """
        return self._index.articles()

    def close(self) -> None:
        """Close the index; the object cannot be used afterwards."""
        self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open(index: Path | str, **settings: Any) -> News:  # noqa: A001 (its name is citewire.open)
    """Open an index and load the models, which takes some seconds.

    Args:
        index: folder of the index, or address of a PostgreSQL database.
        settings: settings by name, such as model="qwen2.5-coder-1.5b".

    Raises:
        InputError: there is no index, or a setting is unknown or has an invalid value.
        ModelError: the language model is not fetched or cannot be used.
    """
    return News(_settings({**settings, "index": index}))


def index(articles: Path | str | Sequence[Path | str], to: Path | str, **settings: Any) -> BuildReport:
    """Index files, folders and web addresses; all other articles are removed from the index.

    Args:
        articles: the sources, or a single one; web addresses need allow_web=True.
        to: folder of the index, created if missing, or address of a PostgreSQL database.
        settings: as in `open`.

    Returns:
        The new, changed, removed and rejected articles, the last with reasons.

    Raises:
        InputError: there are no articles, or a path or a setting cannot be used.
    """
    chosen = _settings({**settings, "index": to})
    articles = [articles] if isinstance(articles, str | Path) else articles
    return engine.index_articles(chosen, articles, engine.load_embedder(chosen), quiet)


def _settings(given: Mapping[str, Any]) -> Settings:
    unknown = next((name for name in given if name not in Settings.model_fields), None)
    if unknown:
        raise InputError(f"{unknown!r} is no setting of citewire", "`citewire config` lists all of them.")
    return load(given).settings
