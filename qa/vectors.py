"""The vectors of words, names and sentences that a question, its evidence and its claims are compared by.

Each text is embedded once for all that compare it. Knows no question and no article.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from citewire.index.types import Embedder

SYNONYM = 0.6  # cosine of two single words' embeddings from which one stands for the other


class WordVectors:
    """Unit vectors of words, names and sentences, each embedded once; bounded to `limit` entries."""

    def __init__(self, embedder: Embedder, limit: int = 50_000) -> None:
        self._embedder = embedder
        self._limit = limit
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def add(self, words: Iterable[str]) -> None:
        """Embed those of `words` that are not there yet, in one batch."""
        if len(self._vectors) > self._limit:
            self._vectors.clear()
        new = list(dict.fromkeys(w for w in words if w and w not in self._vectors))
        if new:
            self._vectors.update(zip(new, self._embedder.embed(new), strict=True))

    def of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vector of each of `texts`, at least one; shape (len(texts), dimension)."""
        self.add(texts)
        found = [self._vectors.get(text) for text in texts]
        if any(vector is None for vector in found):  # another thread has just cleared the bounded store
            return self._embedder.embed(list(texts))
        return np.stack(found)  # type: ignore[arg-type]

    def likeness(self, words: Sequence[str], others: Sequence[str]) -> NDArray[np.float32]:
        """Return the cosine of each of `words` with each of `others`, shape (len(words), len(others))."""
        if not words or not others:
            return np.zeros((len(words), len(others)), np.float32)
        self.add([*words, *others])
        cosines: NDArray[np.float32] = self.of(words) @ self.of(others).T
        return cosines

    def cosine(self, a: str, b: str) -> float:
        """Return the cosine of two words, neither of them empty."""
        if a not in self._vectors or b not in self._vectors:
            self.add((a, b))
        u, v = self._vectors.get(a), self._vectors.get(b)
        if u is None or v is None:  # another thread has just cleared the bounded store
            u, v = self._embedder.embed([a, b])
        return float(u @ v)

    def alike(self, a: str, b: str, least: float = SYNONYM) -> bool:
        """Whether two words mean nearly the same: cosine of at least `least`; an empty one is like none."""
        return bool(a and b) and self.cosine(a, b) >= least
