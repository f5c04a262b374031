"""What sentences say of different times: the course of a thing, oldest first, and what holds now, newest first.

Knows which questions ask for either, and when what a sentence says was so. The values come from `qa.values`; whether
two values of one time disagree is for `qa.conflicts`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from citewire.index.types import Article
from citewire.qa import english, facts, values
from citewire.qa.evidence import Evidence
from citewire.qa.question import Question, parse
from citewire.qa.types import TimelinePoint
from citewire.qa.values import Reading, Slot
from citewire.qa.vectors import WordVectors

MOST = 6  # points of a timeline
_LEAST_VALUE = 0.42  # score of a value from which it is a point
_LEAST_SENTENCE = 0.5  # share of the best evidence's score from which a sentence is one
_LEAST_TOPIC = 0.34  # share of the words of what changes that such a sentence has
_LIKELY = 0.1  # or the probability with which it answers
_OF_PROBABILITY, _OF_NAME, _OF_STATED = 0.2, 0.1, 0.05  # what these add to a sentence's score
_LONGEST = 366  # days of a time that a value is of; "from 2021 to 2024" is none
_LEAST_ANSWER = 0.6  # share of the best value's score from which a sentence may answer
_LEAST_LIKELY = 0.01  # and share of the best probability
_OF_NEWNESS, _OF_ODDS = 0.8, 0.03  # parts of an answering sentence's rank, beside its value's score of at most 1
_UNDATED = 2.0  # years that a sentence without a day counts as older than the newest

_VERBS = "change develop evolve shift vary fluctuate grow rise fall decline increase decrease drop progress unfold fare"
_CHANGING = frozenset(
    form for verb in _VERBS.split() for form in (verb, english.past(verb), english.participle(english.past(verb)))
)
_UNITS = r"(?:years|months|quarters|weeks|days|decades?|century|centuries|seasons|time)"
_RANGE_OPENS = re.compile(r"\b(?:between|from)\b", re.IGNORECASE)
_RANGE_GOES_ON = re.compile(r"\b(?:and|to|until|till|through)\b", re.IGNORECASE)
_MOMENT = re.compile(
    r"\b(?:(?:19|20)\d\d|January|February|March|April|May|June|July|August|September|October|November|December"
    r"|today|now|(?:first|second|third|fourth|last) quarter|Q[1-4]|spring|summer|autumn|winter)\b",
    re.IGNORECASE,
)
_OVER_TIME = re.compile(
    rf"\bover time\b|\b(?:over|through|throughout|across) the (?:\w+ ){{0,2}}{_UNITS}\b"
    r"|\b(?P<unit>year|quarter|month|week|day) (?:by|to) (?P=unit)\b",
    re.IGNORECASE,
)
_SPAN = re.compile(
    rf"\bsince\b|\bthroughout\b|\bso far\b|\bin recent {_UNITS}\b|\bduring (?:the )?(?:year )?(?:19|20)\d\d\b"
    rf"|\b(?:in|during|within) the (?:last|past|previous|recent|first|following) (?:\w+ )?{_UNITS}\b",
    re.IGNORECASE,
)
_VERB = rf"(?:{'|'.join(sorted(_CHANGING))})"
_HOW = re.compile(rf"\W*how (?:did|do|does|has|have) .+? {_VERB}(?: (?:and|or) {_VERB})? ", re.IGNORECASE)
_PLEASE = r"\W*+(?:(?:please|can you|could you|would you) ){0,2}"
_TELL = (
    r"(?:give|show|tell|write|draw|make|create|describe|outline|summari[sz]e|explain|list)(?: (?:me|us))?(?: about)?"
)
_COURSE_OF = re.compile(
    rf"{_PLEASE}(?:(?:{_TELL}|what (?:is|was)|what[’']s) )?(?:(?:the|a|an) )?(?:(?!in )\w+ )?"
    r"(?:history|timeline|chronology|evolution) of (?P<topic>.+)",
    re.IGNORECASE,
)
_TIMELINE_FOR = re.compile(
    rf"{_PLEASE}{_TELL} (?:the|a) (?:\w+ )?(?:timeline|chronology) (?:for|on|about) (?P<topic>.+)", re.IGNORECASE
)
_TRACE = re.compile(rf"{_PLEASE}trace (?:how )?(?P<topic>(?:the|its|their|[A-Z][\w.-]*(?:['’]s?)?) .+)", re.IGNORECASE)
_HAPPENED = re.compile(
    r"\W*what(?: has| have|[’']s)? (?:happened|changed)\b(?: (?:to|with|in|at|for|about))?(?P<topic>.*)", re.I
)
_GROWTH_OF = re.compile(
    r"(?:(?:the|its|their) )?(?:growth|rise|fall|decline|changes?|increase|decrease|development|evolution|course)"
    r" (?:of|in) ",
    re.IGNORECASE,
)
_NUMBER_OF = re.compile(r"(?:the )?(?:total )?number of (?P<counted>.+)", re.IGNORECASE)
_SHARE = re.compile(r"\b(?:share|percentage|proportion)\b(?! price)", re.IGNORECASE)
_PRICES = re.compile(r"\b(price|rate|fee|tariff|margin|profit|value)s\b", re.IGNORECASE)  # figures in the plural
_ONGOING = re.compile(r"\b(?:since|from)\s+(?:the\s+)?$", re.IGNORECASE)  # before the time from which something holds
_FORECAST = re.compile(
    r"\b(?:forecasts?|expect\w*|predict\w*|project(?:ed|ions?)|guidance|targets?|plan(?:s|ned)?)\b", re.I
)

ArticleOf = Callable[[str], Article]


def asks(text: str) -> bool:
    """Whether a question asks for the course of something over time.

    >>> asks("How has the fleet of Lund changed since 2019?"), asks("How did the chief executive of Lund react?")
    (True, False)
    """
    if any(pattern.match(text) for pattern in (_COURSE_OF, _TIMELINE_FOR, _TRACE)):
        return True
    spans = _spans(text)
    if _HAPPENED.match(text):
        return bool(spans)
    parts = english.clause(text)
    if parts and parts.wh.lower() == "how" and parts.verb in _CHANGING:
        return bool(spans) or parts.aux in ("has", "have")
    if (m := _HOW.match(text)) and m.end() in spans:
        return True
    return bool(re.match(r"\W*(?:how|what|which)\b", text, re.IGNORECASE) and _OVER_TIME.search(text))


def _spans(text: str) -> list[int]:
    """Where the words begin that say over what time: "since 2019", "between 2021 and 2025", "over the years"."""
    found = [m.start() for pattern in (_SPAN, _OVER_TIME) if (m := pattern.search(text))]
    opening = part = _RANGE_OPENS.search(text)
    for pattern in (_MOMENT, _RANGE_GOES_ON, _MOMENT):
        part = pattern.search(text, part.end()) if part else None
    return [*found, opening.start()] if opening and part else found


def points(
    question: Question, evidence: Sequence[Evidence], article: ArticleOf, vectors: WordVectors
) -> tuple[TimelinePoint, ...]:
    """Return what was so at different times, oldest first; two to `MOST` points, or none.

    Where the question asks for the course of a figure, each point has a value of that figure, if there are two times
    with one; else it is the sentence of its time that bears best on the question.

    Args:
        question: one that `asks` for a course, taken apart.
        evidence: every sentence that bears on it, as `qa.evidence.gather` returns them.
        article: the article of a path.
        vectors: for the likeness of single words.
    """
    found = _figures(question, evidence, article, vectors)
    return found if len(found) > 1 else _sentences(question, evidence, article)


def prefer_newest(
    question: Question, evidence: Sequence[Evidence], article: ArticleOf, vectors: WordVectors
) -> list[Evidence]:
    """Return the evidence with the sentences that answer first, of these the newest before the older ones.

    A sentence is as new as the time it states, else as its article. Nothing changes where the question names a time,
    does not ask for what holds now, or asks for no value that can be told by its form, and where all evidence is
    of one day or of none; arguments as in `points`.
    """
    slot = values.slot_of(question)
    if slot is None or not evidence or not _asks_for_now(question, slot):
        return list(evidence)
    best: dict[int, float] = {}
    for reading in values.read(question, slot, evidence, article, vectors):
        best.setdefault(id(reading.evidence), reading.score)
    days = {id(e): _as_of(e, article(e.article)) for e in evidence}
    if not best or len({*days.values()} - {""}) < 2:
        return list(evidence)
    least, likely = _LEAST_ANSWER * max(best.values()), _LEAST_LIKELY * max(e.probability for e in evidence)
    answering = [e for e in evidence if best.get(id(e), 0.0) >= least and e.probability >= likely]
    newest = max((days[id(e)] for e in answering), default="")

    def rank(e: Evidence) -> float:
        day = days[id(e)]
        years = (date.fromisoformat(newest) - date.fromisoformat(day)).days / 365.25 if day else _UNDATED
        chance = min(max(e.probability, 0.001), 0.999)
        return best[id(e)] + _OF_NEWNESS / (1 + years) + _OF_ODDS * math.log(chance / (1 - chance))

    first = sorted(answering, key=rank, reverse=True)
    placed = {id(e) for e in first}
    return first + [e for e in evidence if id(e) not in placed]


def _asks_for_now(question: Question, slot: Slot) -> bool:
    """Whether a value that may change is asked for as it is now, and not what something that is named is."""
    named = {word for name in question.names for word in facts.words(name)}
    if slot.kind == "thing" and set(facts.words(slot.noun)) <= named:
        return False
    timeless = not question.years and not question.periods
    return question.newest or (timeless and slot.state)


def _as_of(evidence: Evidence, article: Article) -> str:
    """The day up to which a sentence speaks: the latest time that it states and that had come, else its article's."""
    days = []
    for (start, _), (_, last) in values.times(evidence, article).items():
        ongoing = article.published and _ONGOING.search(evidence.text[:start])
        days.append(article.published if ongoing or (article.published and last > article.published) else last)
    return max(days, default=article.published)


# -- figures --------------------------------------------------------------------------------------------------


def _figures(
    question: Question, evidence: Sequence[Evidence], article: ArticleOf, vectors: WordVectors
) -> tuple[TimelinePoint, ...]:
    """The values of the figure whose course is asked for; none where it is none."""
    asked = _figure(question)
    slot = values.slot_of(asked)
    if slot is None or slot.kind != "number" or not evidence:
        return ()
    planned = bool(_FORECAST.search(question.text))
    readings = [
        r
        for r in values.read(asked, slot, evidence, article, vectors)
        if r.score >= _LEAST_VALUE and r.days[0] and r.planned == planned and _meant(question, r.days)
    ]
    series = _series([r for r in readings if _length(r.days) <= _LONGEST])
    told = [
        _Told(r.score + _OF_STATED * r.stated, _point(r.evidence, r.days, r.stated, r.text), (r.low, r.high))
        for r in series
    ]
    return _choose(told, lambda a, b: _rounds_to(a.bounds, b.bounds) or _rounds_to(b.bounds, a.bounds))


def _series(readings: Sequence[Reading]) -> list[Reading]:
    """Those of one and the same figure: the one without a narrower scope, else the one with values of most times."""
    kinds = [[r for r in readings if values.comparable(r, one)] for one in readings]

    def worth(kind: list[Reading]) -> tuple[bool, int, float]:
        times = len({r.days for r in kind})
        return times > 1 and not kind[0].scope, times, kind[0].score

    return max(kinds, key=worth, default=[])


def _rounds_to(figure: tuple[float, float], other: tuple[float, float]) -> bool:
    return other[0] <= sum(figure) / 2 <= other[1]


def _figure(question: Question) -> Question:
    """The question for the figure at any one time: what was the revenue of Kestrel?"""
    if question.expects in ("count", "amount", "percent"):
        return replace(question, years=frozenset(), periods=())
    topic = _topic(question.text)
    if counted := _NUMBER_OF.fullmatch(topic):
        return parse(f"How many {counted['counted']}?")
    topic = _PRICES.sub(lambda m: m[1], topic)
    asked = parse(topic if english.opens_question(topic) else f"What was {topic}?")
    return replace(asked, expects="percent") if _SHARE.search(topic) else asked


def _topic(text: str) -> str:
    """What changes: "the revenue of Kestrel" of "How did the revenue of Kestrel change since 2019?"."""
    found = next((m for p in (_COURSE_OF, _TIMELINE_FOR, _TRACE, _HAPPENED) if (m := p.match(text))), None)
    parts = english.clause(text)
    topic = found["topic"] if found else parts.subject if parts else text
    topic = topic[: min(_spans(topic), default=len(topic))]
    return _GROWTH_OF.sub("", topic.strip(" ,.?!"), count=1)


def _length(days: tuple[str, str]) -> int:
    return (date.fromisoformat(days[1]) - date.fromisoformat(days[0])).days + 1


# -- sentences ------------------------------------------------------------------------------------------------


def _sentences(question: Question, evidence: Sequence[Evidence], article: ArticleOf) -> tuple[TimelinePoint, ...]:
    """The sentence of each time that bears best on the question."""
    top = max((e.score for e in evidence), default=0.0)
    topic = facts.terms(_topic(question.text))
    told = []
    for e in evidence:
        home = article(e.article)
        when = _when(e, home)
        if not when[0][0] or e.score < _LEAST_SENTENCE * top or not _meant(question, when[0]):
            continue
        named = any(facts.has_name(name, e.text) for name in question.names)
        about = (
            named or not question.names or any(facts.has_name(n, f"{home.title} {home.text}") for n in question.names)
        )
        if about and (e.probability >= _LIKELY or _share(topic, _read(e, home)) >= _LEAST_TOPIC):
            worth = e.score + _OF_PROBABILITY * e.probability + _OF_NAME * named + _OF_STATED * when[1]
            told.append(_Told(worth, _point(e, *when)))
    return _choose(told, lambda a, b: set(facts.terms(a.point.text)) == set(facts.terms(b.point.text)))


def _read(evidence: Evidence, article: Article) -> list[str]:
    """The stems of a sentence and of what says whom it speaks of."""
    return facts.terms(" ".join([evidence.text, *(article.text[s.start : s.end] for s in evidence.context)]))


def _share(topic: Sequence[str], terms: Sequence[str]) -> float:
    """Share of the stems of `topic` that are among `terms`."""
    return sum(any(facts.same_root(stem, term) for term in terms) for stem in topic) / max(1, len(topic))


def _when(evidence: Evidence, article: Article) -> tuple[tuple[str, str], bool]:
    """The time that a sentence speaks of, and whether it states it; of a forecast, the day it was made."""
    for days in values.times(evidence, article).values():
        if not article.published or days[0] <= article.published:
            return days, True
    return (article.published, article.published), False


# -- choosing -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Told:
    """What may become a point: how well it bears on the question, and the bounds of its figure."""

    worth: float
    point: TimelinePoint
    bounds: tuple[float, float] = (0.0, 0.0)


def _choose(told: Sequence[_Told], same: Callable[[_Told, _Told], bool]) -> tuple[TimelinePoint, ...]:
    """The best of each time, without those that only repeat the one before; none where one is left.

    Times are years; months where all are of one year, days where all are of one month.
    """
    for digits in (4, 7, 10):  # of YYYY-MM-DD
        best: dict[str, _Told] = {}
        for one in sorted(told, key=lambda x: -x.worth):
            best.setdefault(one.point.first[:digits], one)
        if len(best) > 1:
            break
    course = [best[time] for time in sorted(best)]
    news = [one for i, one in enumerate(course) if i == 0 or not same(course[i - 1], one)]
    if len(news) == 1:  # that nothing changed is the news
        news = [course[0], course[-1]]
    if len(course) < 2:
        return ()
    inner = sorted(news[1:-1], key=lambda x: -x.worth)[: MOST - 2]
    return tuple(one.point for one in news if one in (news[0], news[-1]) or one in inner)


def _point(evidence: Evidence, days: tuple[str, str], stated: bool, value: str = "") -> TimelinePoint:
    span = evidence.span
    return TimelinePoint(*days, stated, value, evidence.article, span.start, span.end, evidence.text)


def _meant(question: Question, days: tuple[str, str]) -> bool:
    """Whether a time is within what the question names."""
    if not question.periods:
        return True
    first = min(period[0] for period in question.periods)
    last = "" if any(not period[1] for period in question.periods) else max(p[1] for p in question.periods)
    return days[1] >= first and (not last or days[0] <= last)
