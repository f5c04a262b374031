"""The reader: does a sentence answer a question, and with which span; does a quote support a claim.

One network reads all sentences; a larger one, if present, reads the likeliest again (a cascade). Both are trained by
`training/` (model card: docs/reader.md). Knows texts and probabilities, no articles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np

from citewire.qa.inputs import Inputs
from citewire.qa.network import Array, Network, large, small

WEIGHTS = Path(__file__).parent / "reader.safetensors"
WEIGHTS_AGAIN = Path(__file__).parent / "reader_large.safetensors"
LONGEST = 24  # most tokens of an answer span
AGAIN = 12  # most sentences that the second network reads
SHARE = 0.8  # weight of the second network's log odds in the pool of both
CLAIMS_SHARE = 0.5  # weight of each network's log probabilities of a claim
_UNLIKELY = 0.05  # least probability of support for the second network to read a claim
_LEAST = 1e-12  # probabilities are kept this far from 0 and 1


@dataclass(frozen=True, slots=True)
class Window:
    """A sentence in its context.

    Attributes:
        sentence: the sentence that may answer.
        before, after: the text around it; if there is too much, the nearest part is kept.
        likeness: cosine similarity of the question and the passage with the sentence; None without a search.
        behind: how far that passage's score is below the best of the search, at least 0.
    """

    sentence: str
    before: str = ""
    after: str = ""
    likeness: float | None = None
    behind: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The reader's result for a window.

    Attributes:
        probability: that this sentence answers the question, 0 to 1, calibrated.
        start, end: the answer span, as offsets into the sentence.
        sure: probability of this span among all spans of the sentence, 0 to 1.
    """

    probability: float
    start: int
    end: int
    sure: float


@dataclass(frozen=True, slots=True)
class Support:
    """Whether a quote supports or refutes a claim or says neither; the three probabilities sum to 1."""

    supported: float
    refuted: float
    not_said: float


class Reader(Protocol):
    """Reads windows and verifies claims; `TrainedReader` is the bundled one."""

    def read(self, question: str, windows: Sequence[Window]) -> list[Reading]:
        """Return a reading for each window."""
        ...

    def verify(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """Return the support of each (claim, quote)."""
        ...


@cache
def load_reader(threads: int, published: Path | None = None) -> TrainedReader:
    """Return the bundled reader, loaded once.

    Args:
        threads: number of CPU threads.
        published: model.safetensors of all-mpnet-base-v2, for the second network; None for the first one only.

    Raises:
        ModelError: its weights are damaged.
    """
    return TrainedReader(WEIGHTS, threads=threads, again=(WEIGHTS_AGAIN, published) if published else None)


class TrainedReader:
    """The trained network, or a cascade of two; thread-safe.

    Args:
        weights: a file that training/export.py wrote.
        threads: number of CPU threads.
        again: the weights of a second, larger network and the published weights that they change. It reads again the
            likeliest sentences and the claims with some support.

    Raises:
        ModelError: a file is missing, damaged or of another format.
    """

    def __init__(self, weights: Path, *, threads: int, again: tuple[Path, Path] | None = None) -> None:
        self._first, self._fitted = small(weights, threads=threads)
        self._second: Network | None = None
        self._both = self._fitted
        if again:
            self._second, self._both = large(*again, threads=threads)
        self._inputs = Inputs()

    def read(self, question: str, windows: Sequence[Window]) -> list[Reading]:
        """Return a reading for each window."""
        encoded = [self._inputs.question(question, one.before, one.sentence, one.after) for one in windows]
        read = self._first.read(encoded)
        found = [
            self._fitted.probability(one.logit, window.likeness, window.behind)
            for one, window in zip(read, windows, strict=True)
        ]
        if self._second:
            likeliest = sorted(range(len(found)), key=lambda row: -found[row])[:AGAIN]
            for row, one in zip(likeliest, self._second.read([encoded[row] for row in likeliest]), strict=True):
                window, first = windows[row], read[row].logit
                both = self._both.probability(first, window.likeness, window.behind, one.logit)
                found[row] = pooled(found[row], both)
                read[row] = one
            least = min((found[row] for row in likeliest), default=0.0)
            others = set(range(len(found))).difference(likeliest)
            found = [min(one, least) if row in others else one for row, one in enumerate(found)]
        return [
            Reading(probability, *_best(one.ends, tokens.offsets))
            for probability, one, tokens in zip(found, read, encoded, strict=True)
        ]

    def verify(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """Return the support of each (claim, quote)."""
        encoded = [self._inputs.claim(claim, quote) for claim, quote in pairs]
        logits = [one / self._fitted.temperature for one in self._first.verify(encoded)]
        found = [_support(one) for one in logits]
        if self._second:
            likely = [row for row, one in enumerate(found) if one.supported >= _UNLIKELY]
            for row, one in zip(likely, self._second.verify([encoded[row] for row in likely]), strict=True):
                found[row] = _support(CLAIMS_SHARE * logits[row] + CLAIMS_SHARE * one / self._both.temperature)
        return found


def _support(logits: Array) -> Support:
    odds = np.exp(logits - logits.max())
    return Support(*(float(one) for one in odds / odds.sum()))


def pooled(one: float, other: float) -> float:
    """Return the probability whose log odds are the weighted mean of both (logarithmic pool: Genest and Zidek 1986)."""
    logits = (math.log(max(p, _LEAST) / max(1 - p, _LEAST)) for p in (one, other))
    first, second = logits
    return 1 / (1 + math.exp(-(SHARE * second + (1 - SHARE) * first)))


def _best(logits: Array, offsets: Sequence[tuple[int, int]]) -> tuple[int, int, float]:
    """Return (start, end, probability) of the likeliest span, from logits of shape (tokens, 2); (0, 0, 0) if empty."""
    if not len(logits):
        return 0, 0, 0.0
    sums = logits[:, 0][:, None] + logits[:, 1][None]
    upper = np.triu(np.ones(sums.shape, bool))
    sums = np.where(upper & ~np.triu(upper, LONGEST), sums, -np.inf)
    odds = np.exp(sums - sums.max())
    first, last = np.unravel_index(odds.argmax(), odds.shape)
    return offsets[int(first)][0], offsets[int(last)][1], float(odds[first, last] / odds.sum())
