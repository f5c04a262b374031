"""An embedder for fast tests whose vectors are a function of the words, so that rankings can be asserted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from citewire.index.types import Vectors


class HashedWordsEmbedder:
    """Hashed bag of words: each word adds 1 to one of `dimension` columns, rows then get length 1.

    Texts with the same words have cosine 1, those without a common word nearly always 0.
    """

    def __init__(self, dimension: int = 256, name: str = "hashed words") -> None:
        self.dimension = dimension
        self.fingerprint = hashlib.sha256(f"{name} {dimension}".encode()).hexdigest()
        self.calls = 0  # texts embedded

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape (len(texts), dimension); without words, along axis 0."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.lower()):
                digest = hashlib.sha256(word.encode("utf-8", "replace")).digest()
                vectors[row, int.from_bytes(digest[:4], "big") % self.dimension] += 1
            if not vectors[row].any():
                vectors[row, 0] = 1
        self.calls += len(texts)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def embed_query(self, question: str) -> Vectors:
        """Return the unit vector of a question, shape (dimension,)."""
        vector: Vectors = self.embed([question])[0]
        return vector
