"""What a model says to "does this text support the claim": the language model's yes, or an NLI model's entailment.

The prompt is `opinion.md` beside this file, a system message and what is asked, parted by a line of `---`. How much the
opinion counts is fitted in `verdicts`.
"""

from __future__ import annotations

import logging
from typing import Protocol

from citewire.index.errors import ModelError
from citewire.qa import prompt
from citewire.qa.types import Generator, Message

_YES_NO = ("Yes", "No")

logger = logging.getLogger("citewire.qa.opinion")


class Entailment(Protocol):
    """A model of natural language inference: `citewire.index.embed.load_nli` has one."""

    def entailment(self, premise: str, hypothesis: str) -> float:
        """Return the probability that `premise` entails `hypothesis`, 0 to 1."""
        ...


class NliOpinion:
    """Asks a model of natural language inference, which is free also while the language model writes."""

    def __init__(self, model: Entailment) -> None:
        self._model = model

    def __call__(self, claim: str, quote: str) -> float:
        """Return the probability that `quote` entails `claim`, 0 to 1."""
        return self._model.entailment(" ".join(quote.split()), claim)


class ModelOpinion:
    """Asks a language model; one that cannot tell has no opinion, and the answer goes on without."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def __call__(self, claim: str, quote: str) -> float | None:
        """Return the probability that `quote` supports `claim`, 0 to 1; None where the model gives none."""
        try:
            return self._generator.choose(messages(claim, quote), _YES_NO)[0]
        except ModelError as error:
            logger.warning("no opinion", extra={"problem": error.problem})
            return None


def messages(claim: str, quote: str) -> list[Message]:
    """Return the prompt that asks whether `quote` supports `claim`."""
    system, asked = prompt.sections("opinion.md")
    return [Message("system", system), Message("user", asked.format(text=" ".join(quote.split()), claim=claim))]
