"""Values that sources give for the same thing and that disagree.

Compares the values of sentences that answer a question two by two, each of another article. They disagree where they
are of one kind, neither article gives what the other gives, and neither time, rounding nor a hedge explains it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

from citewire.index.types import Article
from citewire.qa import analysis
from citewire.qa.evidence import ANSWERS, ArticleOf, Evidence
from citewire.qa.reader import Reader
from citewire.qa.types import Conflict, ConflictValue
from citewire.qa.values import Value, comparable, holds_now, same, values

LEAST = ANSWERS  # probability of the unlikelier of two answers from which they are called a disagreement
_NEAR_BEST = 0.5  # share of the best probability from which a sentence's value is compared
_SAME_TIME = 45  # days between articles that still speak of the same time
_SAID = 0.5  # probability from which a sentence says what the other does
_WORDS = 5  # of a thing at most
_TRIED = 6  # pairs that the verifier reads
_SOURCES = 3  # most sources named for one value


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two values of two articles that may disagree, and how likely both sentences answer."""

    one: Value
    other: Value
    probability: float


def find(
    question: str, evidence: Sequence[Evidence], article: ArticleOf, verifier: Reader, least: float = LEAST
) -> tuple[Conflict, ...]:
    """Return the values for the same thing and time in which the sources differ on `question`; none or one conflict.

    Numbers, days, names and things are compared; reasons and statements are not.

    Args:
        question: the question, standalone.
        evidence: what bears on it, as `qa.evidence.gather` returns it.
        article: the article of a path.
        verifier: tells whether one sentence says what the other does.
        least: see `LEAST`.
    """
    found = [one for one in values(question, evidence, article) if one.kind != "text" or _names_a_thing(one)]
    pairs = _unexplained(list(_pairs(question, found, article, least)), article, verifier)
    if not pairs:
        return ()
    return (Conflict(question.rstrip("?! "), tuple(_shown(pairs[0], found, article))),)


def _pairs(question: str, found: Sequence[Value], article: ArticleOf, least: float) -> Iterator[_Pair]:
    """Two values of two sources of which neither gives the other's, both of sentences that answer."""
    by_source: dict[str, list[Value]] = {}
    for one in found:
        by_source.setdefault(_source(one, article), []).append(one)
    bar = max(least, _NEAR_BEST * max((one.probability for one in found), default=0.0))
    for ones, others in combinations(by_source.values(), 2):
        mine = [a for a in ones if a.probability >= bar and not any(same(a, b) for b in others)]
        theirs = [b for b in others if b.probability >= bar and not any(same(a, b) for a in ones)]
        for a in mine:
            for b in theirs:
                if comparable(a, b) and not _apart(question, a, b, article):
                    yield _Pair(a, b, min(a.probability, b.probability))


def _names_a_thing(value: Value) -> bool:
    """Whether words that are no name stand for a thing ("chess") and state nothing."""
    words = analysis.read(value.text)
    return len(words) <= _WORDS and not any(word.pos_ in ("VERB", "AUX") for word in words)


def _source(value: Value, article: ArticleOf) -> str:
    return article(value.article).group or value.article


def _apart(question: str, a: Value, b: Value, article: ArticleOf) -> bool:
    """Whether two values are of different times: those that their sentences state, else their articles' days."""
    if a.days and b.days:
        return False
    times = [_times(one, article(one.article)) for one in (a, b)]
    if all(times):
        return not any(x[0] <= y[1] and y[0] <= x[1] for x in times[0] for y in times[1])
    changes = a.number is not None or holds_now(question)
    if not (changes and a.published and b.published):
        return False
    return abs((date.fromisoformat(a.published) - date.fromisoformat(b.published)).days) > _SAME_TIME


def _times(value: Value, article: Article) -> list[tuple[str, str]]:
    return [(one.first, one.last) for one in article.dates_in(value.sentence)]


def _unexplained(pairs: Sequence[_Pair], article: ArticleOf, verifier: Reader) -> list[_Pair]:
    """The likeliest pairs, without those where one sentence says what the other does."""
    tried = sorted(pairs, key=lambda pair: -pair.probability)[:_TRIED]
    told = [(_said(pair.one, article), _said(pair.other, article)) for pair in tried]
    support = verifier.verify([two for a, b in told for two in ((a, b), (b, a))])
    judged = zip(tried, support[::2], support[1::2], strict=True)
    return [pair for pair, there, back in judged if max(there.supported, back.supported) < _SAID]


def _said(value: Value, article: ArticleOf) -> str:
    return article(value.article).text[value.sentence.start : value.sentence.end]


def _shown(pair: _Pair, found: Sequence[Value], article: ArticleOf) -> Iterator[ConflictValue]:
    """Both values, each with the sources that give it, one of each group of copies."""
    for side in (pair.one, pair.other):
        given = {_source(side, article): side}
        for one in found:
            if same(one, side) and comparable(one, side):
                given.setdefault(_source(one, article), one)
        for one in list(given.values())[:_SOURCES]:
            yield ConflictValue(one.text, one.article, one.published, one.start, one.end, one.text)
