"""Fake readers for fast tests: answers and support are scripted, or computed from shared words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from citewire.qa import facts
from citewire.qa.facts import tokens
from citewire.qa.reader import Reading, Support, Window

LIKELY, UNLIKELY = 0.9, 0.05
Words = str | Sequence[str]


class ScriptedReader:
    """A `citewire.qa.reader.Reader` whose results are a function of its inputs.

    A sentence's probability is the share of the question's words that it has (stems, without function words); the
    answer is its longest run of other words. A quote supports a claim with probability 1 if it has all its words, else
    with half of the share that it has.

    Args:
        answers: question -> answer words, the best first, or () for no answer. A sentence with the first words gets the
            probability `LIKELY`, less by 0.14 for each later entry; all others get `UNLIKELY`.
        supports: claim -> probability that any quote supports it; (claim, quote) -> that this quote does.
        refuted: claims that a quote refutes with the rest of the probability.

    Attributes:
        asked: questions in the order of reading; claims: pairs in the order of verification.
    """

    def __init__(
        self,
        answers: Mapping[str, Words] | None = None,
        supports: Mapping[str | tuple[str, str], float] | None = None,
        refuted: Sequence[str] = (),
    ) -> None:
        self.answers = answers or {}
        self.supports = supports or {}
        self.refuted = refuted
        self.asked: list[str] = []
        self.claims: list[tuple[str, str]] = []

    def read(self, question: str, windows: Sequence[Window]) -> list[Reading]:
        """Return one reading per window."""
        self.asked.append(question)
        if question in self.answers:
            stated = self.answers[question]
            return [_found([stated] if isinstance(stated, str) else stated, window.sentence) for window in windows]
        return [_shared(question, window.sentence) for window in windows]

    def verify(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        """Return the support of each (claim, quote)."""
        self.claims += pairs
        found = []
        for claim, quote in pairs:
            stated = self.supports.get((claim, quote), self.supports.get(claim))
            share = _share(claim, quote)
            supported = stated if stated is not None else share if share == 1 else round(share / 2, 3)
            rest = round(1 - supported, 6)
            found.append(Support(supported, rest, 0.0) if claim in self.refuted else Support(supported, 0.0, rest))
        return found


def _found(words: Sequence[str], sentence: str) -> Reading:
    for place, one in enumerate(words):
        at = sentence.find(one)
        if at >= 0:
            return Reading(round(LIKELY - 0.14 * place, 3), at, at + len(one), 0.9)
    return Reading(UNLIKELY, 0, len(sentence), 0.1)


def _shared(question: str, sentence: str) -> Reading:
    asked = set(facts.terms(question))
    places, at = [], 0
    for word in sentence.split():
        at = sentence.index(word, at)
        places.append((at, at + len(word.rstrip(".,;:!?”")), not set(facts.terms(word)) <= asked))
        at += len(word)
    runs = [list(run) for other, run in groupby(places, key=lambda place: place[2]) if other]
    longest = max(runs, key=len, default=places)
    start, end = (longest[0][0], longest[-1][1]) if longest else (0, 0)
    return Reading(min(max(_share(question, sentence), UNLIKELY), 0.95), start, end, 0.5)


def _share(text: str, other: str) -> float:
    wanted = set(facts.terms(text))
    return round(len(wanted & set(facts.terms(other))) / len(wanted), 3) if wanted else 0.0


class WordReader:
    """Answers with the last word of a sentence that has all but two of the question's words; supports repetitions."""

    def read(self, question: str, windows: Sequence[Window]) -> list[Reading]:
        found = []
        for window in windows:
            asked, said = set(tokens(question)), set(tokens(window.sentence))
            last = window.sentence.rstrip(".").rpartition(" ")[2]
            start = window.sentence.rindex(last)
            found.append(Reading(0.9 if len(asked - said) <= 2 else 0.1, start, start + len(last), 0.8))
        return found

    def verify(self, pairs: Sequence[tuple[str, str]]) -> list[Support]:
        says = [set(tokens(claim)) <= set(tokens(quote)) for claim, quote in pairs]
        return [Support(0.9, 0.05, 0.05) if one else Support(0.1, 0.1, 0.8) for one in says]
