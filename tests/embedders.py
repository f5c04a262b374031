"""Embedders for tests: a hashed bag of words, a cache around another embedder, and tiny models with random weights."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from citewire.index.types import Embedder, Vectors

WORDS = "the a of chip miner market earthquake struck coast bank query passage : , . ##s ##er ai un ##ing".split()


class HashedWordsEmbedder:
    """Hashed bag of words: each word adds 1 to one of `dimension` columns; rows are then normalised to length 1.

    Texts with the same words have cosine similarity 1, texts without a common word nearly always 0.
    """

    def __init__(self, dimension: int = 256, name: str = "hashed words") -> None:
        self.dimension = dimension
        self.fingerprint = hashlib.sha256(f"{name} {dimension}".encode()).hexdigest()
        self.calls = 0  # number of embedded texts

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, shape (len(texts), dimension); a text without words gets axis 0."""
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


class TracedEmbedder(HashedWordsEmbedder):
    """Takes a moment for each batch, and leaves a file in `folder` that has the number of its process as its name."""

    def __init__(self, folder: Path, seconds: float) -> None:
        super().__init__()
        self._folder, self._seconds = folder, seconds

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, shape (len(texts), dimension)."""
        (self._folder / str(os.getpid())).touch()
        time.sleep(self._seconds)
        return super().embed(texts)


class RememberingEmbedder:
    """Caches another embedder's vectors, as many tests embed the same texts."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}
        self.fingerprint, self.dimension = embedder.fingerprint, embedder.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, shape (len(texts), dimension)."""
        new = [t for t in dict.fromkeys(texts) if t not in self._known]
        self._known.update(zip(new, self._embedder.embed(new), strict=True))
        return np.array([self._known[t] for t in texts], np.float32)

    def embed_query(self, question: str) -> Vectors:
        """Return the unit vector of a question, shape (dimension,)."""
        vector: Vectors = self.embed([question])[0]
        return vector


def tokenizer_of(kind: str, folder: Path) -> None:
    """Save a tokenizer for `WORDS` in the format of BERT or RoBERTa."""
    from transformers import BertTokenizer, RobertaTokenizer

    if kind == "bert":
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
        vocabulary = {word: number for number, word in enumerate(words)}
        BertTokenizer(vocab=vocabulary, model_max_length=20).save_pretrained(folder)
    else:
        words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *"abcdefghijklmnopqrstuvwxyzĠ.,"]
        vocabulary = {word: number for number, word in enumerate(words)}
        RobertaTokenizer(vocab=vocabulary, merges=[], model_max_length=20).save_pretrained(folder)


def transformer_of(kind: str, folder: Path, **settings: object) -> None:
    """Save a transformer with random weights and its tokenizer."""
    import torch
    from transformers import CONFIG_MAPPING, AutoModel, AutoModelForSequenceClassification

    sizes: dict[str, Any] = {"vocab_size": 40, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    sizes |= {"intermediate_size": 48, "max_position_embeddings": 24, "initializer_range": 0.3}
    config = CONFIG_MAPPING[kind](**{**sizes, **settings})
    torch.manual_seed(1)
    factory: Any = AutoModelForSequenceClassification if "num_labels" in settings else AutoModel
    factory.from_config(config).save_pretrained(folder)
    tokenizer_of(kind, folder)
