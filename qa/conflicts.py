"""Values for the same thing in which sources disagree.

Compares the values of answering sentences in pairs from two sources. They disagree if they are of one kind, neither
source also gives the other's value, and no time, scope, rounding or hedge explains the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations

from citewire.index.types import Span
from citewire.qa import analysis, quantities, times
from citewire.qa.evidence import ANSWERS, ArticleOf, Evidence
from citewire.qa.reader import Reader
from citewire.qa.types import Conflict, ConflictValue
from citewire.qa.values import FAR, Value, comparable, holds_now, same, singular, values

_NEAR_BEST = 0.3  # a sentence is compared if it has this share of the best probability
_SAID = 0.5  # two sentences agree if the verifier gives at least this probability of support
_DECIDED = 0.7  # least probability of support or contradiction for a yes or no
_WORDS = 5  # most words of a thing that is compared
_LONGEST = 12  # most words of an answer that is compared; a longer one is a statement even if it has a figure
_SHORT, _LONG = 7, 80  # An event lasts at most _SHORT days; a period that figures are reported for has at least _LONG.
_WORTH = 0.02  # sentences of lower probability are not parsed, which takes 20 ms each
_TRIED = 6  # most pairs that the verifier reads
_SOURCES = 3  # most sources named for one value

_Pair = tuple[Value, Value]


def find(
    question: str, evidence: Sequence[Evidence], article: ArticleOf, verifier: Reader, least: float = ANSWERS
) -> tuple[Conflict, ...]:
    """Return the values in which sources disagree on a question; none or one conflict.

    Numbers, days, names, things, and yes or no are compared; reasons and statements are not.

    Args:
        question: standalone.
        evidence: as `qa.evidence.gather` returns it.
        article: looks up an article by path.
        verifier: tells whether one sentence entails the other, and which says yes.
        least: least probability of both answers.
    """
    likely = (one for one in evidence if one.probability >= _WORTH)
    timely = [one for one in likely if not times.of_another_time(question, one, article(one.article))]
    if stated := analysis.statement(question):
        found = _yes_or_no(stated, [one for one in timely if one.probability >= least], article, verifier)
    else:
        short = [one for one in timely if len(one.words.split()) <= _LONGEST]
        found = [one for one in values(question, short, article) if _is_asked(question, one)]
    where = {(one.article, one.span): one for one in timely}
    pairs = _pairs(question, found, where, article, least)
    likeliest = sorted(pairs, key=lambda pair: -min(pair[0].probability, pair[1].probability))[:_TRIED]
    pair = next((pair for pair in likeliest if not _say_the_same(pair, article, verifier)), None)
    return (Conflict(question.rstrip("?! "), tuple(_shown(pair, found, article))),) if pair else ()


def _yes_or_no(stated: str, evidence: Sequence[Evidence], article: ArticleOf, verifier: Reader) -> list[Value]:
    """The sentences that support or contradict a statement, as values with the key "yes" or "no"."""
    found = []
    for one, support in zip(evidence, verifier.verify([(stated, one.text) for one in evidence]), strict=True):
        if max(support.supported, support.refuted) >= _DECIDED:
            key = "yes" if support.supported > support.refuted else "no"
            day = article(one.article).published
            place = (one.span.start, one.span.end, one.span)
            found.append(Value("name", one.text, one.article, day, *place, one.probability, key=key))
    return found


def _is_asked(question: str, value: Value) -> bool:
    """Whether a value can be compared: days must be in the time asked about; text must be short without a verb."""
    if value.days:
        wanted = times.asked(question)
        return not wanted or times.meet(wanted, value.days)
    words = analysis.read(value.text) if value.kind == "text" else ()
    return len(words) <= _WORDS and not any(word.pos_ in ("VERB", "AUX") for word in words)


def _pairs(
    question: str, found: Sequence[Value], where: Mapping[tuple[str, Span], Evidence], article: ArticleOf, least: float
) -> Iterator[_Pair]:
    """The best values of each two sources that differ, if both are likely enough and neither source has the other's."""
    by_source: dict[str, list[Value]] = {}
    for one in found:
        by_source.setdefault(_source(one, article), []).append(one)
    bar = max(least, _NEAR_BEST * max((one.probability for one in found), default=0.0))
    for ones, others in combinations(by_source.values(), 2):
        a, b = ones[0], others[0]
        told = any(same(a, one) for one in others) or any(same(b, one) for one in ones)
        answer = not told and min(a.probability, b.probability) >= bar and comparable(a, b)
        if answer and not _apart(question, a, b, where, article) and not _scoped(question, a, b, article):
            yield a, b


def _source(value: Value, article: ArticleOf) -> str:
    return article(value.article).group or value.article


def _apart(question: str, a: Value, b: Value, where: Mapping[tuple[str, Span], Evidence], article: ArticleOf) -> bool:
    """Whether two values are about different times: those that their sentences state, else their articles' days."""
    if a.days and b.days:
        return False
    told = [times.spoken(where[one.article, one.sentence], article(one.article)) for one in (a, b)]
    if all(told):
        if a.number is None:
            return not any(times.meet(x, y) for x in told[0] for y in told[1])
        one, other = told[0][0], told[1][0]
        short, long = sorted((times.length(one), times.length(other)))
        if not times.meet(one, other) or (short > _SHORT and long >= max(_LONG, 2 * short)):
            return True
    if a.number and (period := next((one[0] for one in told if one), times.asked(question))):
        ahead = [bool(one.published) and one.published < period[1] for one in (a, b)]
        if times.length(period) > _SHORT and ahead[0] != ahead[1]:
            return True  # only one of them is a forecast
    if all(told):
        return False
    changes = not (a.measured and b.measured) if a.number else holds_now(question)
    if not (changes and a.published and b.published):
        return False
    return abs((date.fromisoformat(a.published) - date.fromisoformat(b.published)).days) > times.LATE


def _scoped(question: str, a: Value, b: Value, article: ArticleOf) -> bool:
    """Whether two figures count different things: other units, far apart, both in one sentence, or part and whole."""
    if a.number is None or b.number is None:
        return False
    low, high = sorted((a.number.value, b.number.value))
    if high > FAR * low or (a.unit and b.unit and singular(a.unit) != singular(b.unit)):
        return True
    one, other = _said(a, article), _said(b, article)
    crossed = ((a.number, other), (b.number, one))
    if any(n.matches(number) for number, said in crossed for n in quantities.numbers(said)):
        return True
    return _narrower(a, one, f"{question} {other}") or _narrower(b, other, f"{question} {one}")


def _narrower(value: Value, text: str, known: str) -> bool:
    """Whether a figure counts a part, or its noun has an attribute that is not in `known`: "gold" medals."""
    if value.number is None or value.unit:
        noun = times.counted(text, value.number) if value.number else None
        there = {token.lemma_.lower() for token in analysis.read(known)}
        told = [child for child in noun.children if child.dep_ in ("amod", "compound")] if noun else []
        return any(child.pos_ in ("ADJ", "NOUN") and child.lemma_.lower() not in there for child in told)
    last = times.tokens(text, value.number.start, value.number.end)[-1]
    return any(child.dep_ == "prep" for child in last.children)


def _say_the_same(pair: _Pair, article: ArticleOf, verifier: Reader) -> bool:
    """Whether one of two sentences with text values entails the other."""
    if pair[0].kind != "text":
        return False
    one, other = (_said(value, article) for value in pair)
    return any(support.supported >= _SAID for support in verifier.verify([(one, other), (other, one)]))


def _said(value: Value, article: ArticleOf) -> str:
    return article(value.article).text[value.sentence.start : value.sentence.end]


def _shown(pair: _Pair, found: Sequence[Value], article: ArticleOf) -> Iterator[ConflictValue]:
    """Both values, each with at most _SOURCES sources that give it; copies are one source."""
    for side in pair:
        given = {_source(side, article): side}
        for one in found:
            if same(one, side) and comparable(one, side):
                given.setdefault(_source(one, article), one)
        for one in list(given.values())[:_SOURCES]:
            yield ConflictValue(one.text, one.article, one.published, one.start, one.end, one.text)
