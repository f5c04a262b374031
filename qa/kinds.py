"""The kind of a typed line: its intent, the kind that the intent belongs to, and the probabilities of all kinds.

A multinomial logistic regression over the features of qa/wording.py, fitted by training/kinds.py on our own wordings.
Knows only the line: no article, no earlier turn. Callers may overrule it by what they find.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from safetensors import SafetensorError, safe_open

from citewire.index.embed import load_embedder
from citewire.index.errors import ModelError
from citewire.index.types import Embedder
from citewire.qa.wording import features

WEIGHTS = Path(__file__).parent / "kinds.safetensors"

Kind = Literal[
    "talk", "corpus", "summary", "fact", "yes_no", "why", "list", "compare", "over_time", "follow_up", "not_for_it"
]
Intent = Literal[
    "greeting", "thanks", "goodbye", "help", "decline", "overview", "count", "outlets", "newest", "oldest", "ends",
    "period", "mentions", "people", "organisations", "places", "summary", "fact", "quote", "yes_no", "why", "how",
    "list", "compare", "arithmetic", "over_time", "more", "who_said", "which_article", "doubt", "agree", "elliptic",
    "general", "create", "advice", "translate", "instruct", "insult",
]  # fmt: skip
_INTENTS: Mapping[Kind, tuple[Intent, ...]] = {
    "talk": ("greeting", "thanks", "goodbye", "help", "decline"),
    "corpus": (
        "overview", "count", "outlets", "newest", "oldest", "ends", "period", "mentions", "people", "organisations",
        "places",
    ),
    "summary": ("summary",),
    "fact": ("fact", "quote"),
    "yes_no": ("yes_no",),
    "why": ("why", "how"),
    "list": ("list",),
    "compare": ("compare", "arithmetic"),
    "over_time": ("over_time",),
    "follow_up": ("more", "who_said", "which_article", "doubt", "agree", "elliptic"),
    "not_for_it": ("general", "create", "advice", "translate", "instruct", "insult"),
}  # fmt: skip
KINDS: Mapping[Intent, Kind] = MappingProxyType({one: kind for kind, some in _INTENTS.items() for one in some})
APART: tuple[Kind, ...] = ("talk", "corpus", "not_for_it")  # kinds that no sentence of an article answers
LIKELIER = 0.5  # from this probability on, a guess is likelier than all others together
CERTAIN = 0.8  # from this probability on, a guess needs no second opinion


@dataclass(frozen=True, slots=True)
class Guess:
    """The classifier's result for a line.

    Attributes:
        intent: the likeliest intent of the kind.
        kind: the likeliest kind.
        probability: of the kind, 0 to 1, calibrated on held-out wordings.
        others: the probability of each other kind.
        intents: the probability of each intent; they sum to 1.
    """

    intent: Intent
    kind: Kind
    probability: float
    others: Mapping[Kind, float]
    intents: Mapping[Intent, float]


class Kinds:
    """Classifies lines by kind; thread-safe.

    Args:
        embedder: the one that the weights were fitted with.
        weights: a file that training/kinds.py wrote.

    Raises:
        ModelError: the file is missing, damaged or of another format.
    """

    def __init__(self, embedder: Embedder, weights: Path = WEIGHTS) -> None:
        self._embedder = embedder
        try:
            with safe_open(weights, framework="numpy") as file:
                self._weight = file.get_tensor("weight").astype(np.float32)  # (intents, features)
                self._bias = file.get_tensor("bias").astype(np.float32)
                names = json.loads((file.metadata() or {})["intents"])
            by_name: dict[str, Intent] = {intent: intent for intent in KINDS}
            self._intents = [by_name[name] for name in names]
            if len(self._weight) != len(self._intents) or self._bias.shape != (len(self._intents),):
                raise ValueError(f"{len(self._intents)} intents have weights of shape {self._weight.shape}")
        except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
            fix = "Install citewire again, or write the file anew with training/kinds.py"
            raise ModelError(f"the kinds of questions in {weights} cannot be loaded: {error}", fix) from error

    def read(self, question: str) -> Guess:
        """Return the likeliest kind and intent of a line, with all probabilities."""
        logits = self._weight @ features(question, self._embedder) + self._bias
        odds = np.exp(logits - logits.max())
        if _is_of_another_script(question):  # not English, whatever it asks
            odds = np.array([intent == "translate" for intent in self._intents], np.float32)
        shares = odds / odds.sum()
        intents = {intent: float(share) for intent, share in zip(self._intents, shares, strict=True)}
        kinds: dict[Kind, float] = {}
        for intent, share in intents.items():
            kinds[KINDS[intent]] = kinds.get(KINDS[intent], 0.0) + share
        kind = max(kinds, key=lambda one: kinds[one])
        intent = max((one for one in intents if KINDS[one] == kind), key=lambda one: intents[one])
        return Guess(intent, kind, kinds.pop(kind), MappingProxyType(kinds), MappingProxyType(intents))


def _is_of_another_script(question: str) -> bool:
    """Whether most letters of a question are not Latin ones."""
    letters = [unicodedata.name(character, "") for character in question if character.isalpha()]
    return 2 * sum("LATIN" in name for name in letters) < len(letters)


def load_kinds(embedder: Embedder, threads: int) -> Kinds:
    """Return the bundled classifier, with `embedder` if it was fitted with that one, else with the default embedder.

    Args:
        embedder: the one that the index is searched with.
        threads: CPU threads of the default embedder, if that is needed.

    Raises:
        ModelError: the weights cannot be loaded.
    """
    if embedder.fingerprint == fitted_with()["embedder"]:
        return Kinds(embedder)
    return Kinds(load_embedder(threads=threads))


@cache
def fitted_with() -> Mapping[str, str]:
    """Return what the weights were fitted with: `embedder`, a fingerprint; `features`, the SHA-256 of qa/wording.py.

    Raises:
        ModelError: the weights are missing or damaged.
    """
    try:
        with safe_open(WEIGHTS, framework="numpy") as file:
            return MappingProxyType(dict(file.metadata() or {}))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{WEIGHTS} cannot be read: {error}", "Install citewire again") from error
