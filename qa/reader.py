"""The one instrument that reads: does a sentence answer a question, with which words; does a quote say a claim.

The network is all-MiniLM-L6-v2 with its layers trained by `training/` (docs/reader.md is its model card). The layers
are in reader.safetensors beside this file, in 8 bits; the embeddings come from the embedder's own package. It runs on
the CPU by CTranslate2. Knows tokens and probabilities, no articles.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from citewire.index.embed import default_folder
from citewire.index.embed_fast import Encoder, Variables, plan, variables
from citewire.index.errors import ModelError
from citewire.qa.inputs import Inputs

WEIGHTS = Path(__file__).parent / "reader.safetensors"
LONGEST = 24  # tokens of the words that answer
_KINDS = ("weight", "bias")

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """A sentence in its context.

    Attributes:
        sentence: what may answer.
        before, after: the text around it; where room is short, what is nearest is kept.
        likeness: cosine similarity of the question and the passage that holds the sentence; None where none was found.
        behind: by how much that passage's score is behind the best of the search, 0 or more.
    """

    sentence: str
    before: str = ""
    after: str = ""
    likeness: float | None = None
    behind: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader makes of a window.

    Attributes:
        probability: that the question has an answer, by this sentence, 0 to 1, calibrated.
        start, end: the words of the sentence that answer, as offsets into it.
        sure: how much likelier these words are than all others, 0 to 1.
    """

    probability: float
    start: int
    end: int
    sure: float


@dataclass(frozen=True, slots=True)
class Support:
    """What a quote says of a claim; the three probabilities sum to 1."""

    supported: float
    refuted: float
    not_said: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How logits become probabilities; training/calibrate.py fits it on documents that training did not see.

    Attributes:
        scale, near, behind, shift: weights of the logit, of the likeness, of the search's order, and the constant.
        usual: likeness that stands in where a window has none.
        temperature: divides the logits of a claim.
    """

    scale: float = 1.0
    near: float = 0.0
    behind: float = 0.0
    shift: float = 0.0
    usual: float = 0.0
    temperature: float = 1.0

    def probability(self, logit: float, likeness: float | None, behind: float = 0.0) -> float:
        """Return the probability that a sentence answers."""
        near = self.usual if likeness is None else likeness
        odds = self.scale * logit + self.near * near - self.behind * behind + self.shift
        return float(1 / (1 + np.exp(-odds)))


class Reader(Protocol):
    """Reads questions and claims; `TrainedReader` is the one that ships."""

    def read(self, question: str, windows: Sequence[Window]) -> list[Reading]:
        """Return a reading for each window."""
        ...

    def verify(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """Return the support of each (claim, quote)."""
        ...


@cache
def load_reader(threads: int) -> TrainedReader:
    """Return the reader that ships, loaded once. Raises: ModelError."""
    return TrainedReader(WEIGHTS, threads=threads)


class TrainedReader:
    """The trained network. Safe to share between threads.

    Args:
        weights: a file that training/export.py wrote.
        threads: windows are read by that many threads.

    Raises:
        ModelError: the file is missing, damaged or of another format.
    """

    def __init__(self, weights: Path, *, threads: int) -> None:
        base = plan(default_folder())
        assert base is not None  # the default embedder is one that `plan` knows
        try:
            with safe_open(weights, framework="numpy") as file:
                stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
                fitted = json.loads((file.metadata() or {})["calibration"])
            layers = {name: _widened(value) for name, value in stored.items() if name.startswith("encoder/")}
            base_variables = variables(base, "float32", typed=True)
            if lost := _expected(base_variables) - stored.keys():
                raise ValueError(f"it has no {min(lost)}")
            self._encoder = Encoder({**base_variables, **layers}, epsilon=base.epsilon, threads=threads)
            self._heads = {name: _widened(value) for name, value in stored.items() if not name.startswith("encoder/")}
            self._fitted = Calibration(**{str(name): float(value) for name, value in dict(fitted).items()})
        except (OSError, SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
            fix = "Install citewire again, or write the file anew with training/export.py"
            raise ModelError(f"the reader in {weights} cannot be loaded: {error}", fix) from error
        self._inputs = Inputs()

    def read(self, question: str, windows: Sequence[Window]) -> list[Reading]:
        """Return a reading for each window."""
        encoded = [self._inputs.question(question, one.before, one.sentence, one.after) for one in windows]
        read: dict[int, Reading] = {}

        def keep(row: int, states: Floats) -> None:
            one = encoded[row]
            logit = float(self._head("answers", states[0])[0])
            span = states[one.begin : one.begin + len(one.offsets)] @ self._heads["span.weight"].T
            start, end, sure = _best(span + self._heads["span.bias"], one.offsets)
            probability = self._fitted.probability(logit, windows[row].likeness, windows[row].behind)
            read[row] = Reading(probability, start, end, sure)

        self._encoder.states([one.ids for one in encoded], [one.types for one in encoded], keep=keep)
        return [read[row] for row in range(len(encoded))]

    def verify(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """Return the support of each (claim, quote)."""
        encoded = [self._inputs.claim(claim, quote) for claim, quote in pairs]
        found: dict[int, Support] = {}

        def keep(row: int, states: Floats) -> None:
            logits = self._head("entails", states[0])
            odds = np.exp((logits - logits.max()) / self._fitted.temperature)
            found[row] = Support(*(float(one) for one in odds / odds.sum()))

        self._encoder.states([one.ids for one in encoded], [one.types for one in encoded], keep=keep)
        return [found[row] for row in range(len(encoded))]

    def _head(self, name: str, state: Floats) -> Floats:
        middle = np.tanh(self._heads[f"{name}.0.weight"] @ state + self._heads[f"{name}.0.bias"])
        out: Floats = self._heads[f"{name}.3.weight"] @ middle + self._heads[f"{name}.3.bias"]
        return out


def _expected(base: Variables) -> set[str]:
    """The names of all that training changes: without one of them the published layer would be run in its place."""
    heads = {f"{head}.{layer}.{kind}" for head in ("answers", "entails") for layer in (0, 3) for kind in _KINDS}
    layers = {name for name in base if name.startswith("encoder/layer_")}
    return layers | heads | {f"span.{kind}" for kind in _KINDS}


def _widened(value: NDArray[Any]) -> NDArray[Any]:
    return value.astype(np.float32) if value.dtype == np.float16 else value


def _best(logits: Floats, offsets: Sequence[tuple[int, int]]) -> tuple[int, int, float]:
    """Return where the likeliest words begin and end, and how likely they are among all; (0, 0, 0) of no tokens."""
    if not len(logits):
        return 0, 0, 0.0
    sums = logits[:, 0][:, None] + logits[:, 1][None]
    upper = np.triu(np.ones(sums.shape, bool))
    sums = np.where(upper & ~np.triu(upper, LONGEST), sums, -np.inf)
    odds = np.exp(sums - sums.max())
    first, last = np.unravel_index(odds.argmax(), odds.shape)
    return offsets[int(first)][0], offsets[int(last)][1], float(odds[first, last] / odds.sum())
