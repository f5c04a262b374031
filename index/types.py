"""The values that pass between the stages of `citewire.index`; every other module may import this one.

All offsets count Unicode code points of `Article.text`; spans are half-open: `text[start:end]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:  # the process that reads files needs no NumPy, and starts in half the time
    import numpy as np
    from numpy.typing import NDArray

Vectors: TypeAlias = "NDArray[np.float32]"  # shape (rows, dimension); each row has length 1
Progress = Callable[[str, int, int], None]  # (stage, steps or bytes done, total; 0 for an unknown total)

OPENING_WORDS = 9  # words quoted in place of a missing title
OPENING_CHARS = 500  # characters of the text that are searched for these words


@dataclass(frozen=True, slots=True)
class Article:
    """One article as the reader sees it.

    Attributes:
        path: POSIX path below the indexed folder; unique in an index. The path of an article inside a container begins
            with the container's path: `week.zip/monday.txt`, `wire.jsonl#17`.
        text: the whole text, decoded; for a format with markup, only the visible text.
        sha256: hex digest of the text and metadata; an article with a known digest is not embedded again.
        title, outlet, author, published, url: as the source states them, "" where it does not.
            `published` is an ISO 8601 date, `YYYY-MM-DD`.
        metadata: other keys and values that the source states, for filters.
        source: hex digest of the file that holds the article, and of every setting that decides how it is read.
        dates: the date expressions of the text ("on Monday"), resolved, in the order of the text.
        group: identifier shared by near-duplicates and syndicated copies, "" before grouping.
        pages: offset at which each page of a PDF starts, ascending; pages without text may share one. () for a format
            without pages.
        notes: remarks on how the article was read, each a clause such as "is read as ..."; not stored.
    """

    path: str
    text: str
    sha256: str
    title: str = ""
    outlet: str = ""
    author: str = ""
    published: str = ""
    url: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    dates: tuple[DateMention, ...] = ()
    group: str = ""
    pages: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """The title, or the quoted opening words if there is none, or the path if there is no text."""
        return headline(self.title, self.text) or self.path

    def dates_in(self, span: Span) -> tuple[DateMention, ...]:
        """Return the date expressions that begin inside a span of the text, such as a sentence."""
        return tuple(date for date in self.dates if span.start <= date.start < span.end)


def headline(title: str, text: str) -> str:
    """Return the title on one line, or the quoted opening words of the text ("“The ferry sank…”"), or ""."""
    if stated := " ".join(title.split()):
        return stated
    words = text[:OPENING_CHARS].split(maxsplit=OPENING_WORDS)
    opening = " ".join(words[:OPENING_WORDS]).rstrip(".,;:")
    return f"“{opening}…”" if opening else ""


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date expression and the days that it means: "last month" in an article published on 2025-06-29.

    Attributes:
        start, end: offsets into the article's text.
        first, last: first and last day, both inclusive, ISO 8601 `YYYY-MM-DD`: 2025-05-01, 2025-05-31.
    """

    start: int
    end: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` of one article."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of neighbouring sentences of one article: the unit that is embedded and searched.

    Attributes:
        article: `Article.path`.
        start, end: offsets into the article's text.
        text: `article.text[start:end]`, character-exact.
        sentences: the sentences inside, without boilerplate, as offsets into the article's text.
    """

    article: str
    start: int
    end: int
    text: str
    sentences: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a search returned.

    Attributes:
        passage: the passage.
        score: weighted sum of the parts in `options.Weights`; higher is better. Comparable only within one search.
        cosine: cosine similarity of the question's and the passage's vectors, -1 to 1; higher is better.
        bm25: SQLite FTS5's bm25, negated; higher is better. 0.0 if no term matches or the passage is not among the
            `search.LEXICAL` best.
    """

    passage: Passage
    score: float
    cosine: float
    bm25: float


@dataclass(frozen=True, slots=True)
class Filters:
    """Which articles a search looks at. An article must pass every filter that is set; an empty field filters nothing.

    Attributes:
        published_from, published_to: ISO 8601 days, both inclusive; an article without a date does not pass.
        outlets, authors: the article has one of these; case is ignored.
        articles: the article has one of these paths; a path that ends in "/" stands for everything below it.
        metadata: the article has every key with its value.
    """

    published_from: str = ""
    published_to: str = ""
    outlets: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


NO_FILTERS = Filters()


class Identified(Protocol):
    """What identifies an embedder and its vectors."""

    @property
    def fingerprint(self) -> str:
        """Hex sha256 of everything that changes the vectors: weights, tokenizer, dimension, normalisation, prompts."""
        ...

    @property
    def dimension(self) -> int:
        """Number of columns of every array that it makes."""
        ...


class Embedder(Identified, Protocol):
    """Text to unit vectors."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per passage, shape (len(texts), dimension), float32."""
        ...

    def embed_query(self, question: str) -> Vectors:
        """Return the unit vector of a question, shape (dimension,), float32; its prompt may differ from a passage's."""
        ...
