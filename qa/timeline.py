"""What sentences say of different times: the course of a thing, oldest first, and what holds now, newest first.

Knows which questions ask for either, and when what a sentence says was so. The values come from `qa.values`; whether
two values of one time disagree is for `qa.conflicts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from citewire.index.dates import mentions
from citewire.index.types import Article, DateMention
from citewire.qa import analysis, facts, values
from citewire.qa.analysis import Doc, Token
from citewire.qa.evidence import ANSWERS, ArticleOf, Evidence
from citewire.qa.types import TimelinePoint
from citewire.qa.values import Value

MOST = 6  # points of a timeline
_LEAST = 0.15  # probability from which a sentence is one: each tells but a part of the course
_NEAR_BEST = 0.3  # and share of the best sentence's
_COURSES = frozenset(("history", "timeline", "chronology", "evolution"))  # nouns that mean a course
_OPENS = frozenset(("since", "throughout", "during"))  # before a time: the whole of it
_LENGTHS = frozenset(("time", "year", "decade", "century", "month", "quarter", "week", "day", "season"))
_WHOLE = frozenset(("over", "throughout", "across", "through", "by"))  # before a length of time: all of it


def asks(question: str) -> bool:
    """Whether a question asks for the course of something over time.

    >>> asks("How has the fleet of Lund changed since 2019?"), asks("How did the chief executive of Lund react?")
    (True, False)
    """
    doc = analysis.read(question)
    asked = next((token for token in doc if token.tag_ in ("WRB", "WP", "WDT", "WP$")), None)
    if asked is None or asked.lower_ not in ("how", "what"):
        return asked is None and any(_names_a_course(token) for token in doc)
    if asked.lower_ == "how" and asked.head.pos_ in ("ADJ", "ADV"):  # how many, how fast: one figure
        return _over_time(doc)
    if asked.lower_ == "how":
        return _spans(doc) or _developed(asked.head)
    return (
        any(_names_a_course(token) for token in doc)
        or _over_time(doc)
        or (asked.dep_ in ("nsubj", "nsubjpass") and _spans(doc))
    )


def _names_a_course(token: Token) -> bool:
    """Whether a noun for a course is what is asked for: "what is the history of", "give me a timeline of"."""
    wanted = token.head.dep_ == "ROOT" and token.dep_ in ("nsubj", "attr", "dobj", "dative", "oprd")
    return token.lemma_.lower() in _COURSES and (token.dep_ == "ROOT" or wanted)


def _over_time(doc: Doc) -> bool:
    """Whether a whole length of time is named: "over the past decade", "over time", "year by year"."""
    return any(
        token.lemma_.lower() in _LENGTHS
        and any(near.lower_ in _WHOLE for near in (token.head, *token.children) if near.pos_ == "ADP")
        for token in doc
    )


def _spans(doc: Doc) -> bool:
    """Whether a stretch of time is named: "since 2019", "from 2021 to 2024", "in recent years"."""
    dated = [(one.start, one.end) for one in mentions(doc.text, "")]
    times = [token for token in doc if token.ent_type_ == "DATE" or any(s <= token.idx < e for s, e in dated)]
    before = {token.nbor(-1) for token in times if token.i > 0} | {token.head for token in times}
    lengths = any(token.tag_ == "NNS" and token.lemma_.lower() in _LENGTHS for token in times)
    opened = any(token.lower_ in _OPENS for token in before)
    ranged = len(times) > 1 and any(token.lower_ in ("between", "from", "to", "until") for token in before)
    return opened or ranged or lengths or _over_time(doc)


def _developed(verb: Token) -> bool:
    """Whether a verb in the present perfect has nothing that it was done to: "how has the outlook changed?"."""
    perfect = any(
        child.dep_ == "aux" and child.lemma_ == "have" and child.tag_ in ("VBZ", "VBP") for child in verb.children
    )
    return perfect and not any(child.dep_ in ("dobj", "prep", "xcomp", "ccomp") for child in verb.children)


def points(question: str, evidence: Sequence[Evidence], article: ArticleOf) -> tuple[TimelinePoint, ...]:
    """Return what was so at different times, oldest first; two to `MOST` points, or none.

    Where the sentences answer with figures of one unit, each point has its figure; else it is the sentence of its time
    that answers best. Times are years; months where all are of one year, days where all are of one month.

    Args:
        question: one that `asks` for a course.
        evidence: what bears on it, as `qa.evidence.gather` returns it.
        article: the article of a path.
    """
    least = max(_LEAST, _NEAR_BEST * max((one.probability for one in evidence), default=0.0))
    read = [one for one in evidence if one.probability >= least]
    told = _figures(question, read, article)
    if len({one.first for one in told}) < 2:
        told = [point for one in read if (point := _point(one, article(one.article)))]
    first, last = _asked_for(question)
    return _chosen([one for one in told if one.last >= first and one.first <= last])


def newest_first(question: str, evidence: Sequence[Evidence], article: ArticleOf) -> list[Evidence]:
    """Return the evidence with the newest answering sentence first, where what holds now is asked and answers differ.

    A sentence is as new as the time it states, else as its article; one without a day comes after those with one.
    """
    if not values.holds_now(question):
        return list(evidence)
    answering = [one for one in evidence if one.probability >= ANSWERS]
    found = values.values(question, answering, article)
    if all(values.same(a, b) for a in found for b in found):
        return list(evidence)
    places = {(one.article, one.sentence) for one in found}
    front = [one for one in answering if (one.article, one.span) in places]
    front.sort(key=lambda one: _as_of(one, article(one.article)), reverse=True)
    return front + [one for one in evidence if one not in front]


# -- times ----------------------------------------------------------------------------------------------------


def _point(evidence: Evidence, article: Article, value: Value | None = None) -> TimelinePoint | None:
    """A sentence at the first time that it states and that had come, else at its article's day; None without either."""
    text, day = value.text if value else "", article.published
    own = (value.start, value.end) if value else (0, 0)
    stated = [one for one in article.dates_in(evidence.span) if not day or one.first <= day]
    if value:  # the nearest to the figure, one that follows it first
        stated.sort(key=lambda one: one.start - own[1] if one.start >= own[1] else own[0] - one.end + 1)
    times = [(one.first, one.last) for one in stated] or [(day, day)]
    span = evidence.span
    if not times[0][0]:
        return None
    return TimelinePoint(*times[0], bool(stated), text, article.path, span.start, span.end, evidence.text)


def _figures(question: str, evidence: Sequence[Evidence], article: ArticleOf) -> list[TimelinePoint]:
    """The points with figures of the unit that most have; none where sentences answer with no figures."""
    by_place = {(one.article, one.span): one for one in evidence}
    found = [one for one in values.values(question, evidence, article, near=0.0) if one.number]
    units: Counter[tuple[str, str]] = Counter()
    for one in found:
        units[_unit(one)] += 1
    wanted = units.most_common(1)[0][0] if units else ("", "")
    points = [
        _point(by_place[one.article, one.sentence], article(one.article), one) for one in found if _unit(one) == wanted
    ]
    return [point for point in points if point]


def _unit(value: Value) -> tuple[str, str]:
    unit = value.number.unit if value.number else ""
    return unit, value.unit if unit else ""


def _asked_for(question: str) -> tuple[str, str]:
    """First and last day of the times that a question names; without an end where it says since when."""
    dates: tuple[DateMention, ...] = mentions(question, "")
    if not dates:
        return "", "9999"
    opened = len(dates) == 1 and any(token.lower_ in ("since", "from") for token in analysis.read(question))
    return min(one.first for one in dates), "9999" if opened else max(one.last for one in dates)


def _as_of(evidence: Evidence, article: Article) -> str:
    """The day up to which a sentence speaks: the latest time that it states and that had come, else its article's."""
    offset, day = evidence.span.start, article.published
    words = {token.idx + len(token): token.lower_ for token in analysis.read(evidence.text)}
    days = []
    for one in article.dates_in(evidence.span):
        before = len(evidence.text[: one.start - offset].rstrip())
        ongoing = words.get(before) in ("since", "from")
        days.append(day if day and (ongoing or one.last > day) else one.last)
    return max(days, default=day)


def _chosen(told: Sequence[TimelinePoint]) -> tuple[TimelinePoint, ...]:
    """The first of each time, oldest first, without those that only repeat the figure or words before; none of one."""
    for digits in (4, 7, 10):  # of YYYY-MM-DD
        best: dict[str, TimelinePoint] = {}
        for one in told:
            best.setdefault(one.first[:digits], one)
        if len(best) > 1:
            break
    else:
        return ()
    course = [best[time] for time in sorted(best)]
    news = [one for place, one in enumerate(course) if place == 0 or _said(course[place - 1]) != _said(one)]
    if len(news) == 1:  # that nothing changed is the news
        return course[0], course[-1]
    inner = sorted(news[1:-1], key=told.index)[: MOST - 2]
    return tuple(one for one in news if one in (news[0], news[-1]) or one in inner)


def _said(point: TimelinePoint) -> object:
    return point.value or frozenset(facts.terms(point.text))
