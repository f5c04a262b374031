"""Unit vectors that lie in clusters, as those of texts do, and articles that carry them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from citewire.index.segment import Entry
from citewire.index.types import Article, Passage, Span, Vectors

PER_ARTICLE = 10
TEXT = "Ferry {} left the harbour of Holm."


def clustered(count: int, dimension: int, seed: int = 1) -> Vectors:
    """Return vectors of length 1, shape (count, dimension), around 50 centres that do not depend on the seed."""
    centres = np.random.default_rng(0).normal(size=(50, dimension))
    generator = np.random.default_rng(seed)
    found = centres[generator.integers(50, size=count)] + 0.7 * generator.normal(size=(count, dimension))
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def entries(vectors: Vectors, first: int = 0) -> Iterator[Entry]:
    """Yield articles with `PER_ARTICLE` passages; row i of `vectors` belongs to passage `first` + i.

    Every third article is of the outlet Herald.
    """
    for at in range(0, len(vectors), PER_ARTICLE):
        own = vectors[at : at + PER_ARTICLE]
        lines = [TEXT.format(first + at + n) for n in range(len(own))]
        text, number = " ".join(lines), (first + at) // PER_ARTICLE
        article = Article(
            f"{number}.txt", text, f"{number:064d}", outlet="" if number % 3 else "Herald", group=f"{number}"
        )
        starts = [text.index(line) for line in lines]
        passages = [
            Passage(article.path, start, start + len(line), line, (Span(start, start + len(line)),))
            for start, line in zip(starts, lines, strict=True)
        ]
        yield Entry(article, b"signature", passages, own)
