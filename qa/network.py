"""The reader's networks on the CPU, by CTranslate2: tokens -> logits.

The first is all-MiniLM-L6-v2: its layers, trained by `training/`, are in our weights file, in 8 bits; its embeddings
come from the embedder's package. The second is all-mpnet-base-v2 as published plus low-rank changes (LoRA: Hu et al.
2021) from our weights file, merged in memory. Knows tokens, weights and logits, no texts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from cachetools import LRUCache
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from citewire.index.embed import default_folder
from citewire.index.embed_fast import Encoder, Variables, linear, normalisation, plan, variables
from citewire.index.errors import ModelError
from citewire.qa.inputs import CLS, MAX_TOKENS, SEP, Input

Array = NDArray[np.float32]
Stored = Mapping[str, NDArray[Any]]
Key = tuple[tuple[int, ...], tuple[int, ...]]  # the token ids and types of an input
T = TypeVar("T")

SCALE = 2.0  # factor of the low-rank changes, as in training
EPSILON = 1e-5  # of the second network's layer normalisation
FIRST_POSITION = 2  # row of its position embeddings for the first token
FARTHEST = 128  # all larger distances between tokens share one position bias
_KEPT = 4096  # outputs that are kept, about a kilobyte each: an answer reads most of its sentences more than once
NEVER = -1e4  # logit of a token outside the sentence
_KINDS = ("weight", "bias")


@dataclass(frozen=True, slots=True)
class Read:
    """A network's output for a question and a sentence.

    Attributes:
        logit: that the sentence answers.
        ends: logits of the first and last token of the answer span, shape (tokens of the sentence, 2).
    """

    logit: float
    ends: Array


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logits -> probabilities by logistic regression; training/calibrate.py fits it on held-out documents.

    Attributes:
        scale, near, behind, shift: weights of the logit, the likeness and `Window.behind`, and the intercept.
        usual: default likeness of a window without one.
        temperature: divides the logits of a claim.
        again: weight of the second network's logit.
    """

    scale: float = 1.0
    near: float = 0.0
    behind: float = 0.0
    shift: float = 0.0
    usual: float = 0.0
    temperature: float = 1.0
    again: float = 0.0

    def probability(self, logit: float, likeness: float | None, behind: float = 0.0, again: float = 0.0) -> float:
        """Return the probability that a sentence answers; `logit` is the first network's, `again` the second's."""
        near = self.usual if likeness is None else likeness
        odds = self.scale * logit + self.again * again + self.near * near - self.behind * behind + self.shift
        return float(1 / (1 + np.exp(min(-odds, 700.0))))  # exp overflows beyond


class Network:
    """An encoder with the reader's heads; thread-safe.

    Args:
        encoder: tokens -> hidden states.
        heads: weights of the heads by their names in training/network.py.
        rows: an input -> the encoder's token ids and type ids.
        null: whether the span head's first token means "no answer" (as in SQuAD 2 readers) and adds to the logit.
    """

    def __init__(
        self,
        encoder: Encoder,
        heads: Stored,
        rows: Callable[[Input], tuple[list[int], list[int]]],
        *,
        null: bool = False,
    ) -> None:
        self._encoder, self._heads, self._rows, self._null = encoder, heads, rows, null
        self._lock = Lock()  # guards both caches
        self._read: LRUCache[Key, Read] = LRUCache(_KEPT)
        self._verified: LRUCache[Key, Array] = LRUCache(_KEPT)

    def read(self, inputs: Sequence[Input]) -> list[Read]:
        """Return the answer logit and span logits of each question with its sentence."""

        def of(one: Input, states: Array) -> Read:
            ends = self._ends(states[one.begin : one.begin + len(one.offsets)])
            logit = float(self._head("answers", states[0])[0])
            if self._null:
                logit += float((np.logaddexp.reduce(ends, axis=0, initial=NEVER) - self._ends(states[0])).sum())
            return Read(logit, ends)

        return self._run(inputs, of, self._read)

    def verify(self, inputs: Sequence[Input]) -> list[Array]:
        """Return the logits of (supported, refuted, not said) of each claim with its quote, shape (3,) each."""
        return self._run(inputs, lambda _, states: self._head("entails", states[0]), self._verified)

    def _run(self, inputs: Sequence[Input], of: Callable[[Input, Array], T], known: LRUCache[Key, T]) -> list[T]:
        """Return the output of each input; those that were run before are not run again."""
        keys = [(tuple(one.ids), tuple(one.types)) for one in inputs]
        with self._lock:
            found = {key: known[key] for key in keys if key in known}
        new = {key: one for key, one in zip(keys, inputs, strict=True) if key not in found}
        order = list(new.items())
        rows = [self._rows(one) for one in new.values()]
        made: dict[Key, T] = {}

        def keep(row: int, states: Array) -> None:
            key, one = order[row]
            made[key] = of(one, states)

        self._encoder.states([words for words, _ in rows], [types for _, types in rows], keep=keep)
        with self._lock:
            known.update(made)
        found |= made
        return [found[key] for key in keys]

    def _ends(self, states: Array) -> Array:
        logits: Array = states @ self._heads["span.weight"].T + self._heads["span.bias"]
        return logits

    def _head(self, name: str, state: Array) -> Array:
        middle = np.tanh(self._heads[f"{name}.0.weight"] @ state + self._heads[f"{name}.0.bias"])
        out: Array = self._heads[f"{name}.3.weight"] @ middle + self._heads[f"{name}.3.bias"]
        return out


def small(weights: Path, *, threads: int) -> tuple[Network, Calibration]:
    """Return the first network and its calibration.

    Raises:
        ModelError: the file is missing, damaged or of another format.
    """
    base = plan(default_folder())
    assert base is not None  # the default embedder is one that `plan` knows
    try:
        stored, calibration = _opened(weights)
        published = variables(base, "float32", typed=True)
        # a missing layer would silently be replaced by the published one
        _complete(stored, _head_names() | {name for name in published if name.startswith("encoder/layer_")})
        layers = {name: value for name, value in stored.items() if name.startswith("encoder/")}
        encoder = Encoder({**published, **layers}, epsilon=base.epsilon, threads=threads)
    except (OSError, SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise _unusable(weights, error) from error
    return Network(encoder, stored, lambda one: (one.ids, one.types)), calibration


def large(weights: Path, published: Path, *, threads: int) -> tuple[Network, Calibration]:
    """Return the second network and the calibration of both networks together.

    Args:
        weights: a file that training/export.py wrote.
        published: model.safetensors of all-mpnet-base-v2.
        threads: number of CPU threads.

    Raises:
        ModelError: a file is missing, damaged or of another format.
    """
    try:
        stored, calibration = _opened(weights)
        _complete(stored, _head_names())
        encoder = Encoder(_large_variables(stored, published), epsilon=EPSILON, threads=threads)
    except (OSError, SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise _unusable(weights, error) from error
    return Network(encoder, stored, _large_rows, null=True), calibration


def _opened(weights: Path) -> tuple[dict[str, NDArray[Any]], Calibration]:
    with safe_open(weights, framework="numpy") as file:
        stored = {name: _widened(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118 (it is no dict)
        fitted = dict(json.loads((file.metadata() or {})["calibration"]))
    return stored, Calibration(**{str(name): float(value) for name, value in fitted.items()})


def _widened(value: NDArray[Any]) -> NDArray[Any]:
    return value.astype(np.float32) if value.dtype == np.float16 else value


def _head_names() -> set[str]:
    names = {f"{head}.{layer}.{kind}" for head in ("answers", "entails") for layer in (0, 3) for kind in _KINDS}
    return names | {f"span.{kind}" for kind in _KINDS}


def _complete(stored: Stored, wanted: set[str]) -> None:
    if lost := wanted - stored.keys():
        raise ValueError(f"it has no {min(lost)}")


def _unusable(weights: Path, error: Exception) -> ModelError:
    fix = "Install citewire again, or write the file anew with training/export.py"
    return ModelError(f"the reader in {weights} cannot be loaded: {error}", fix)


# -- the second network: the published weights and their changes ------------------------------------------------


def _large_rows(one: Input) -> tuple[list[int], list[int]]:
    """Return an input's token ids, and type ids that combine type and position.

    MPNet's vocabulary is four tokens of its own, such as begin and end, then BERT's. CTranslate2 adds no position
    embeddings to a model with relative position bias, so the type embeddings include them.
    """
    words = [{CLS: 0, SEP: 2}.get(word, word + 4) for word in one.ids]
    return words, [kind * MAX_TOKENS + place for place, kind in enumerate(one.types)]


def _large_variables(stored: Stored, published: Path) -> Variables:
    with safe_open(published, framework="numpy") as file:
        prefix = "mpnet." if any(name.startswith("mpnet.") for name in file.keys()) else ""  # noqa: SIM118

        def weight(name: str) -> Array:
            value: Array = file.get_tensor(prefix + name).astype(np.float32)
            return value

        positions = weight("embeddings.position_embeddings.weight")[FIRST_POSITION : FIRST_POSITION + MAX_TOKENS]
        types = stored["encoder.types"]
        distances = weight("encoder.relative_attention_bias.weight")
        found: Variables = {
            "encoder/activation": np.array(3, np.int8),  # CTranslate2's number of GELU
            "encoder/embeddings_0/weight": weight("embeddings.word_embeddings.weight"),
            "encoder/embeddings_1/weight": np.concatenate([positions + types[0], positions + types[1]]),
            "encoder/embeddings_merge": np.array(1, np.int8),
            "encoder/multi_query_attention": np.array(0, np.int8),
            "encoder/num_heads": np.array(distances.shape[1], np.int16),
            "encoder/pre_norm": np.array(0, np.int8),
            "encoder/scale_embeddings": np.array(0, np.int8),
            **normalisation("encoder/layernorm_embedding", stored, "encoder.norm"),
        }
        layers = 1 + max(int(name.split(".")[2]) for name in stored if name.startswith("encoder.layers."))
        for number in range(layers):
            ours, theirs, changes = (
                f"encoder/layer_{number}", f"encoder.layer.{number}", f"encoder.layers.{number}",
            )  # fmt: skip
            attention, feed = f"{ours}/self_attention", f"{ours}/ffn"
            for name, change, sources in (
                (f"{attention}/linear_0", "attend", [f"attention.attn.{part}" for part in "qkv"]),
                (f"{attention}/linear_1", "mix", ["attention.attn.o"]),
                (f"{feed}/linear_0", "widen", ["intermediate.dense"]),
                (f"{feed}/linear_1", "narrow", ["output.dense"]),
            ):
                parts = {kind: [weight(f"{theirs}.{one}.{kind}") for one in sources] for kind in _KINDS}
                low = stored[f"{changes}.{change}.up"] @ stored[f"{changes}.{change}.down"]
                whole = np.concatenate(parts["weight"]) + (SCALE * low).astype(np.float32)
                found |= linear(name, whole, np.concatenate(parts["bias"]), "int8")
            found |= normalisation(f"{attention}/layer_norm", stored, f"{changes}.attended")
            found |= normalisation(f"{feed}/layer_norm", stored, f"{changes}.fed")
            found[f"{attention}/relative_attention_bias"] = distances
            found[f"{attention}/relative_attention_max_distance"] = np.array(FARTHEST, np.int16)
    return found
