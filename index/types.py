"""The values that pass between the stages of `citewire.index`; every other module may import this one.

All offsets count Unicode code points of `Article.text`, half-open: `text[start:end]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  # (rows, dimension), each row of length 1
Progress = Callable[[str, int, int], None]  # (what is being done, steps or bytes done, in all; 0 for unknown)

OPENING_WORDS = 9  # of an article without a title
OPENING_CHARS = 500  # in which they are sought


@dataclass(frozen=True, slots=True)
class Article:
    """One article as the reader sees it.

    Attributes:
        path: POSIX path below the indexed folder; unique in an index. An article inside a container has the
            container's path before it: `week.zip/monday.txt`, `wire.jsonl#17`.
        text: the whole text, decoded; of a format with markup, what a reader of it sees.
        sha256: hex digest of the article's own text and metadata; equal digests need no new embedding.
        title, outlet, author, published, url: what the source itself states, "" where it states nothing.
            `published` is an ISO 8601 date, `YYYY-MM-DD`.
        metadata: what else the source states, free keys and values, for filters.
        source: hex digest of the file the article was read from, with all that decides how it was read.
        dates: when the text's words for times ("on Monday") are, in the order of the text.
        group: what near-duplicates and syndicated copies share, "" before grouping.
        pages: offset of the first character of each page of a PDF, rising; equal ones where a page holds no text. ()
            for a format without pages.
        notes: what there is to say of how it was read, each a clause such as "is read as ..."; not stored.
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
        """Its title, or its opening words in quotation marks where it has none."""
        return headline(self.title, self.text) or self.path

    def dates_in(self, span: Span) -> tuple[DateMention, ...]:
        """Return the words for times that begin in a span of the text, such as a sentence."""
        return tuple(date for date in self.dates if span.start <= date.start < span.end)


def headline(title: str, text: str) -> str:
    """Return a title on one line, or the opening words of a text without one: "“The ferry sank…”"; "" for none."""
    if stated := " ".join(title.split()):
        return stated
    words = text[:OPENING_CHARS].split(maxsplit=OPENING_WORDS)
    opening = " ".join(words[:OPENING_WORDS]).rstrip(".,;:")
    return f"“{opening}…”" if opening else ""


@dataclass(frozen=True, slots=True)
class DateMention:
    """Words of a text for a time, and the days that they mean: "last month" in an article of 2025-06-29.

    Attributes:
        start, end: offsets into the article's text.
        first, last: first and last day meant, both included, ISO 8601 `YYYY-MM-DD`: 2025-05-01, 2025-05-31.
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
        sentences: the sentences inside, as offsets into the article's text, boilerplate left out.
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
        score: weighted sum of the parts that `search.Weights` names; higher is better, comparable only within one
            search.
        cosine: cosine similarity of the embedded question and passage, -1 to 1; higher is better.
        bm25: SQLite FTS5 bm25 with its sign turned; higher is better, 0.0 when no term matched or the passage is not
            among the `search.LEXICAL` best.
    """

    passage: Passage
    score: float
    cosine: float
    bm25: float


@dataclass(frozen=True, slots=True)
class Filters:
    """Which articles a search looks at; an empty field lets all pass, filled ones must all hold.

    Attributes:
        published_from, published_to: ISO 8601 days, both included; an article without a date does not pass.
        outlets, authors: any of these, compared without regard to case.
        articles: any of these paths; one that ends in "/" stands for all below it.
        metadata: every key has this value.
    """

    published_from: str = ""
    published_to: str = ""
    outlets: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


class Embedder(Protocol):
    """Text to unit vectors."""

    @property
    def fingerprint(self) -> str:
        """Hex sha256 over all that changes the vectors: weights, tokenizer, dimension, normalisation, prompts."""
        ...

    @property
    def dimension(self) -> int:
        """Columns of every array that `embed` returns."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a passage, shape (len(texts), dimension), float32."""
        ...

    def embed_query(self, question: str) -> Vectors:
        """Return the unit vector of a question, shape (dimension,), float32; some models prompt it otherwise."""
        ...
