"""The values that pass between the stages of `citewire.index`; every other module may import this one.

All offsets count Unicode code points of `Article.text`, half-open: `text[start:end]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  # (rows, dimension), each row of length 1


@dataclass(frozen=True, slots=True)
class Article:
    """One article as the reader sees it.

    Attributes:
        path: POSIX path below the indexed folder; unique in an index.
        text: the whole text, decoded and otherwise unchanged.
        sha256: hex digest of the file's bytes and its metadata; equal digests need no new embedding.
        title, outlet, author, published, url: what the source itself states, "" where it states nothing.
            `published` is an ISO 8601 date, `YYYY-MM-DD`.
    """

    path: str
    text: str
    sha256: str
    title: str = ""
    outlet: str = ""
    author: str = ""
    published: str = ""
    url: str = ""


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
        score: reciprocal rank fusion score; higher is better, comparable only within one search.
        cosine: cosine similarity of the embedded question and passage, -1 to 1; higher is better.
        bm25: SQLite FTS5 bm25 with its sign turned; higher is better, 0.0 when no term matched.
    """

    passage: Passage
    score: float
    cosine: float
    bm25: float


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
        """Return one unit vector a text, shape (len(texts), dimension), float32."""
        ...
