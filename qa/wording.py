"""A question -> numbers that tell how it is worded: the embedder's vector, its pieces of words and its grammar.

The weights of kinds.safetensors belong to this file and to the embedder. Does not know what the kinds are.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer

from citewire.index.types import Embedder
from citewire.qa import analysis

_TAGS = (
    *("CC", "CD", "DT", "EX", "IN", "JJ", "JJR", "JJS", "MD", "NN", "NNP", "NNPS", "NNS", "POS", "PRP", "PRP$", "RB"),
    *("RBR", "RBS", "RP", "TO", "UH", "VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "WDT", "WP", "WP$", "WRB"),
)
_LABELS = ("PERSON", "ORG", "GPE", "DATE")
_LONG = 20  # words from which a question is long
_WEIGHT = 0.3  # of the grammar beside the vector, whose length is 1

# Pieces of 3 to 5 letters tell the words that ask, also misspelt, which the embedder sees too little of for its topic
# (feature hashing: Weinberger et al. 2009, arXiv:0902.2206).
_PIECES = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=2048, dtype=np.float32)

Floats = NDArray[np.float32]


def features(question: str, embedder: Embedder) -> Floats:
    """Return the features, shape (dimension of the embedder + 2,151,)."""
    pieces = _PIECES.transform([question.encode(errors="replace").decode()]).toarray()[0]  # half a pair has no code
    return np.concatenate([embedder.embed_query(question), pieces, _WEIGHT * grammar(question)]).astype(np.float32)


def grammar(question: str) -> Floats:
    """Return which tags of words it has, which the first two are, which names, how long it is and how it ends."""
    doc = analysis.read(question)
    tags = [token.tag_ for token in doc if not token.is_space]
    found = [float(tag in tags) for tag in _TAGS]
    opening = [float(tag == place) for place in (*tags[:2], "", "")[:2] for tag in _TAGS]
    named = {ent.label_ for ent in doc.ents}
    labels = [float(label in named) for label in _LABELS]
    ends = float(question.rstrip().endswith("?"))
    shape = [ends, min(len(tags), _LONG) / _LONG, 1 / max(len(tags), 1)]
    return np.asarray([*found, *opening, *labels, *shape], np.float32)


def digest() -> str:
    """Return the SHA-256 of this file, which the weights belong to."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
