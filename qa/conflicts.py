"""Values that sources give for the same thing and that disagree.

Compares the values of the articles two by two. Two articles disagree where each gives a value that the other does not,
both fill the question's slot better than anything they share, and neither time, rounding, scope nor a hedge explains
the difference. Reasons, statements and yes or no are not compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, product

from citewire.index.types import Article
from citewire.qa import facts
from citewire.qa.evidence import Evidence
from citewire.qa.question import Question
from citewire.qa.types import Conflict, ConflictValue
from citewire.qa.values import Reading, Slot, comparable, read, same, slot_of
from citewire.qa.vectors import WordVectors

_LEAST_SOURCE = 0.7  # share of a value's score from which another source counts as giving it too
_SAME_WORDS = 0.7  # share of words from which two sentences of one article are of the same thing
_SAME_TIME = 45  # days between articles that still speak of the same time
_TRIED = 4  # values of an article compared with those of another
_SOURCES = 3  # most sources named for one value
LEAST = 0.38  # probability from which two values are called a disagreement

# Logistic regression on the pairs of two public sets, by benchmarks/conflicts.py --fit.
_WEIGHTS = {
    "slot of the weaker": 3.29,
    "slot of the stronger": 1.42,
    "kind of the weaker": 0.55,
    "best value that both give": -2.41,
    "ahead of it": 0.42,
    "words the sentences share": 1.06,
    "likeness of the values": 5.65,
    "both are names": 1.73,
    "value in the other's text": -1.21,
    "number": 4.43,
    "date": 3.02,
}
_BIAS = -5.21
FEATURES = tuple(_WEIGHTS)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two values of two articles for what may be the same thing.

    Attributes:
        one, other: the values.
        features: what the probability is computed from, in the order of `FEATURES`.
        probability: how likely both answer the question, and differently.
    """

    one: Reading
    other: Reading
    features: tuple[float, ...]
    probability: float


def find(
    question: Question,
    evidence: Sequence[Evidence],
    article: Callable[[str], Article],
    vectors: WordVectors,
    least: float = LEAST,
) -> tuple[Conflict, ...]:
    """Return the values for the same thing and time in which the sources differ on `question`; none or one conflict.

    Args:
        question: the question, taken apart.
        evidence: every sentence that bears on it, as `qa.evidence.gather` returns them, those that lack something too.
        article: the article of a path.
        vectors: for the likeness of single words.
        least: probability from which two values are called a disagreement.
    """
    slot = slot_of(question)
    if slot is None or not evidence:
        return ()
    readings = read(question, slot, evidence, article, vectors)
    found = [p for p in _pairs(slot, readings, vectors)[:1] if p.probability >= least]
    return tuple(_conflict(question, slot, p, readings) for p in found)


def pairs(
    question: Question, evidence: Sequence[Evidence], article: Callable[[str], Article], vectors: WordVectors
) -> list[Pair]:
    """Return every two values that may disagree, the likeliest first; arguments as in `find`."""
    slot = slot_of(question)
    if slot is None or not evidence:
        return []
    return _pairs(slot, read(question, slot, evidence, article, vectors), vectors)


def _apart(slot: Slot, a: Reading, b: Reading) -> bool:
    """Whether the values are of different times."""
    if slot.kind == "date" or not (a.days[0] and b.days[0]):
        return False
    if not (a.stated and b.stated) and not slot.state:
        return False
    if slot.kind != "number" and not slot.state:
        return False
    if a.days[0] <= b.days[1] and b.days[0] <= a.days[1]:
        return False
    return max(_days_between(a.days[1], b.days[0]), _days_between(b.days[1], a.days[0])) > _SAME_TIME


def _days_between(earlier: str, later: str) -> int:
    return (date.fromisoformat(later) - date.fromisoformat(earlier)).days


def _agree(slot: Slot, a: Reading, b: Reading) -> bool:
    return same(slot, a, b) and comparable(a, b)


def _pairs(slot: Slot, readings: Sequence[Reading], vectors: WordVectors) -> list[Pair]:
    """The values of every two articles that differ and that time does not part, most likely disagreement first."""
    by_article: dict[str, list[Reading]] = {}
    for r in readings:
        by_article.setdefault(r.article.path, []).append(r)
    out = []
    sides = list(combinations(by_article.values(), 2))
    if slot.kind == "number":  # one source in two places
        sides += [two for own in by_article.values() for two in _within(own)]
    for ones, others in sides:
        shared = max((min(a.score, b.score) for a in ones for b in others if same(slot, a, b)), default=0.0)
        mine = _first(a for a in ones if not any(_agree(slot, a, b) for b in others))
        theirs = _first(b for b in others if not any(_agree(slot, a, b) for a in ones))
        for a, b in product(mine, theirs):
            if comparable(a, b) and not _apart(slot, a, b):
                features = _features(slot, a, b, shared, vectors)
                odds = _BIAS + sum(w * f for w, f in zip(_WEIGHTS.values(), features, strict=True))
                out.append(Pair(a, b, features, 1 / (1 + math.exp(-odds))))
    return sorted(out, key=lambda p: -p.probability)


def _within(own: Sequence[Reading]) -> Iterator[tuple[list[Reading], list[Reading]]]:
    """The readings of one article, by every two sentences that say nearly the same in other figures."""
    sentences: dict[int, list[Reading]] = {}
    for r in own:
        sentences.setdefault(r.evidence.span.start, []).append(r)
    for ones, others in combinations(sentences.values(), 2):
        if _words_shared(ones[0], others[0]) >= _SAME_WORDS and ones[0].scope == others[0].scope:
            yield ones, others


def _words_shared(a: Reading, b: Reading) -> float:
    """Share of the words of the shorter sentence that the other has, the values left out."""
    x, y = ({t for t in facts.terms(r.evidence.text) if not t[0].isdigit()} - r.key for r in (a, b))
    return len(x & y) / max(1, min(len(x), len(y)))


def _first(readings: Iterable[Reading]) -> list[Reading]:
    """The best readings, each value once."""
    out: dict[object, Reading] = {}
    for r in readings:
        out.setdefault(r.key or (r.low, r.high), r)
        if len(out) == _TRIED:
            break
    return list(out.values())


def _features(slot: Slot, a: Reading, b: Reading, shared: float, vectors: WordVectors) -> tuple[float, ...]:
    """What `_WEIGHTS` weighs, in its order."""
    worded = slot.kind in ("name", "thing")
    contained = facts.has_name(a.text, b.article.text) + facts.has_name(b.text, a.article.text) if worded else 0
    return (
        min(a.fills, b.fills),
        max(a.fills, b.fills),
        min(a.fit, b.fit),
        shared,
        min(a.score, b.score) - shared,
        _words_shared(a, b),
        vectors.cosine(a.text, b.text) if worded else 0.0,
        float(a.form == b.form == "name"),
        float(contained),
        float(slot.kind == "number"),
        float(slot.kind == "date"),
    )


def _conflict(question: Question, slot: Slot, pair: Pair, readings: Sequence[Reading]) -> Conflict:
    """Both values, each with the sources that give it, one of each group of copies."""
    values = []
    for side in (pair.one, pair.other):
        given = {side.article.group or side.article.path: side}
        for r in readings:
            if _agree(slot, r, side) and r.score >= _LEAST_SOURCE * side.score:
                given.setdefault(r.article.group or r.article.path, r)
        values += list(given.values())[:_SOURCES]
    return Conflict(
        question.text.rstrip("?! "),
        tuple(
            ConflictValue(r.text, r.article.path, r.article.published, r.start, r.end, r.article.text[r.start : r.end])
            for r in values
        ),
    )
