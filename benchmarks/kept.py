"""An embedder that remembers, for the benchmarks that read the same texts run after run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from citewire.index.types import Embedder, Vectors


class Kept:
    """An embedder that keeps what it embedded, in a file between runs if a folder is given."""

    def __init__(self, embedder: Embedder, folder: Path | None) -> None:
        self._embedder, self._known = embedder, dict[str, Any]()
        self._file = folder / f"vectors-{embedder.fingerprint[:16]}.npz" if folder else None
        self.fingerprint, self.dimension = embedder.fingerprint, embedder.dimension
        if self._file and self._file.exists():
            with np.load(self._file) as kept:
                self._known = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text."""
        keys = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24] for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if new:
            self._known.update(zip(new, self._embedder.embed(list(new.values())), strict=True))
        return np.array([self._known[key] for key in keys], np.float32).reshape(len(texts), self.dimension)

    def embed_query(self, question: str) -> Vectors:
        """Return the vector of a question; the packaged embedder prompts both alike."""
        vector: Vectors = self.embed([question])[0]
        return vector

    def save(self) -> None:
        """Write what is known, if there is a folder to write to."""
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(self._file, keys=np.array(list(self._known)), vectors=np.array(list(self._known.values())))
