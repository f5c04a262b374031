"""What sentences say of different times: the course of a thing, oldest first, and what holds now, newest first.

Knows when what a sentence says was so. The values come from `qa.values`; whether
two values of one time disagree is for `qa.conflicts`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from citewire.index.types import Article
from citewire.qa import facts, times, values
from citewire.qa.evidence import ANSWERS, ArticleOf, Evidence
from citewire.qa.types import TimelinePoint
from citewire.qa.values import Value

MOST = 6  # points of a timeline
_LEAST = 0.15  # probability from which a sentence is one: each tells but a part of the course
_NEAR_BEST = 0.3  # and share of the best sentence's
_FIGURE = 0.25  # share of the words that answer from which a figure among them is what answers


def points(question: str, evidence: Sequence[Evidence], article: ArticleOf) -> tuple[TimelinePoint, ...]:
    """Return what was so at different times, oldest first; two to `MOST` points, or none.

    Where most sentences answer with figures of one unit, each point has its figure; else it is the sentence of its time
    that answers best. Times are years; months where all are of one year, days where all are of one month.

    Args:
        question: one that asks for a course.
        evidence: what bears on it, as `qa.evidence.gather` returns it.
        article: the article of a path.
    """
    least = max(_LEAST, _NEAR_BEST * max((one.probability for one in evidence), default=0.0))
    read = [one for one in evidence if one.probability >= least]
    told = _figures(question, read, article)
    if len({one.first for one in told}) < 2:
        told = [point for one in read if (point := _point(one, article(one.article)))]
    asked = times.asked(question)
    return _chosen([one for one in told if not asked or times.meet(asked, (one.first, one.last))])


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


def _point(evidence: Evidence, article: Article, value: str = "") -> TimelinePoint | None:
    """A sentence at the nearest time that it states and that had come, else at its article's day; None of neither."""
    day = article.published
    told = [one for one in times.spoken(evidence, article) if not day or one[0] <= day]
    first, last = (told or [(day, day)])[0]
    if not first:
        return None
    span = evidence.span
    return TimelinePoint(first, last, bool(told), value, article.path, span.start, span.end, evidence.text)


def _figures(question: str, evidence: Sequence[Evidence], article: ArticleOf) -> list[TimelinePoint]:
    """The points with figures of the unit that most have; none where most sentences answer with words."""
    by_place = {(one.article, one.span): one for one in evidence}
    found = [
        (one, by_place[one.article, one.sentence])
        for one in values.values(question, evidence, article, near=0.0)
        if one.number
    ]
    found = [(one, home) for one, home in found if len(one.text.split()) >= _FIGURE * len(home.words.split())]
    if 2 * sum(home.probability for _, home in found) < sum(one.probability for one in evidence):
        return []
    units = Counter(_unit(one) for one, _ in found)
    wanted = units.most_common(1)[0][0] if units else ("", "")
    points = [_point(home, article(one.article), one.text) for one, home in found if _unit(one) == wanted]
    return [point for point in points if point]


def _unit(value: Value) -> tuple[str, str]:
    unit = value.number.unit if value.number else ""
    return unit, value.unit if unit else ""


def _as_of(evidence: Evidence, article: Article) -> str:
    """The day up to which a sentence speaks: the latest time that it states and that had come, else its article's."""
    day = article.published
    return max((min(last, day or last) for _, last in times.spoken(evidence, article)), default=day)


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
