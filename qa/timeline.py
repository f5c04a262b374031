"""What sentences say about different times: a timeline, oldest first, and what holds now, newest first.

Knows the time of each sentence. The values come from `qa.values`, the most informative sentences from `qa.summary`;
`qa.conflicts` decides whether two values for one time disagree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from citewire.index.options import SearchOptions
from citewire.index.passages import title_words
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Span
from citewire.qa import analysis, facts, quantities, summary, times, values
from citewire.qa.boilerplate import is_own
from citewire.qa.claims import Place, place_of
from citewire.qa.evidence import ANSWERS, ArticleOf, Evidence, gather
from citewire.qa.reader import Reader
from citewire.qa.standing import plain, stands_alone
from citewire.qa.types import TimelinePoint
from citewire.qa.values import Value

MOST = 6  # most points of a timeline
_LEAST = 0.15  # least probability of a sentence of a timeline; low, because each answers only in part
_NEAR_BEST = 0.3  # least share of the best sentence's probability
_ENTRIES = 0.2  # an article is a list of times if at least this share of its sentences begin with one
_NEWS = 8  # most sentences of several articles together, unless there are more articles
_TELLING = 2.0  # multiplies the probability of a sentence with a figure, which more often says how a thing went
_DATED, _LINES = 3, 16  # fewest sentences with a time for a timeline from one article; most points of it
_TO_COLON = 12  # most characters between a time and its colon, as in "Nov. 17-19, 2022:"
_HITS, _EACH = 32, 4  # passages that are retrieved for a topic; most from one article
_BEARING = 0.7  # an article is about the topic if one of its passages has this share of the best cosine
_EARLY = 8  # this many first sentences of an article may say what is new
_FIGURE = 0.25  # a figure is the answer if it has at least this share of the answer span's words


def points(question: str, evidence: Sequence[Evidence], article: ArticleOf) -> tuple[TimelinePoint, ...]:
    """Return the figures of different times, oldest first; two to `MOST` points, or ().

    () if most sentences answer without a figure. Points are one per year; per month if all are in one year, per day if
    all are in one month.

    Args:
        question: one that asks how something changed.
        evidence: as `qa.evidence.gather` returns it.
        article: looks up an article by path.
    """
    least = max(_LEAST, _NEAR_BEST * max((one.probability for one in evidence), default=0.0))
    read = [one for one in evidence if one.probability >= least]
    asked, told = times.asked(question), _figures(question, read, article)
    return _chosen([one for one in told if not asked or times.meet(asked, (one.first, one.last))])


@dataclass(frozen=True, slots=True)
class Course:
    """The course of events on a topic.

    Attributes:
        points: the timeline, oldest first; () if no times are known.
        places: the same sentences as quotes, in the order to show them.
        lead: a line that explains the order if it is not by time, else "".
    """

    points: tuple[TimelinePoint, ...] = ()
    places: tuple[Place, ...] = ()
    lead: str = ""


def joined(figures: Sequence[TimelinePoint], course: Course | None) -> tuple[TimelinePoint, ...]:
    """Return figures with the points of a course from other articles, oldest first."""
    told = {one.article for one in figures}
    others = [one for one in course.points if one.article not in told] if course else []
    return tuple(sorted([*figures, *others], key=lambda one: one.first))


def including(course: Course, place: Place, index: Index) -> Course:
    """Return a course with one more sentence: at its time, first if the course or the sentence has no time."""
    if place in course.places:
        return course
    if course.points:
        point = _at(place, index.article(place.article), course.points[0].stated)
        if point.first:
            points = tuple(sorted([*course.points, point], key=lambda one: one.first))
            return replace(course, points=points, places=tuple(map(place_at, points)))
    return replace(course, places=(place, *course.places))


def subject(question: str) -> str:
    """Return the topic whose course a question asks for, without the time.

    >>> subject("What has happened with the night ferry since May?"), subject("Timeline of the ferry strike")
    ('the night ferry', 'the ferry strike')
    """
    asked = analysis.topic(question)
    if not asked:
        asked = analysis.about(question)
        head, link, rest = asked.partition(" of ")  # "timeline of", "history of"
        asked = rest if link and len(list(analysis.read(head).noun_chunks)) == 1 else asked
    doc = analysis.read(asked)
    for named in doc.ents:
        if named.label_ == "DATE" and named.start > 1:
            return doc[: named.start - (doc[named.start - 1].tag_ == "IN")].text
    return asked


def course(question: str, index: Index, embedder: Embedder, reader: Reader, options: SearchOptions) -> Course | None:
    """Return the course of events that a question asks for, None if too little is found.

    If an article is itself a list of times, its lines are used. Else several articles each give what was new on their
    day. Else one article gives its sentences with a time, or its most informative ones in its own order.

    Args:
        question: one that asks for a course; if it names a time, other times are left out.
        index: the articles.
        embedder: the one that the index was made with.
        reader: reads the sentences that are found.
        options: filters and time, as in `summary.select`.
    """
    topic, when = subject(question), times.asked(question)
    if not topic.strip():
        return None
    hits = search(index, embedder, topic, replace(options, k=_HITS, per_article=_EACH, copies=1))
    least = max((hit.cosine for hit in hits), default=0.0) * _BEARING
    paths = dict.fromkeys(hit.passage.article for hit in hits if hit.cosine >= least)
    found = [index.article(path) for path in paths]
    words = {one.path: set(facts.terms(f"{title_words(one)} {one.text}")) for one in found}
    said = set().union(*words.values())
    known = [word for word in topic.split() if said.issuperset(facts.terms(word))]
    topic = " ".join(known) if facts.terms(" ".join(known)) else topic  # without "timeline", which no article says
    asked = set(facts.terms(topic))
    bearing = [one for one in found if 2 * len(asked & words[one.path]) >= len(asked)]
    articles = summary.with_all(summary.names_of(topic), bearing)[: summary.ARTICLES]
    for article in articles:
        spans = [one.span for one in summary.of_article(article, index).candidates]
        lines = [place_of(article, span) for span in spans if _is_entry(article, span)]
        if len(lines) >= max(_DATED, _ENTRIES * len(spans)):
            return _in_order(lines, index, when)
    kept = {article.path: article for article in articles}
    read = gather(question, [hit for hit in hits if hit.passage.article in kept], index.article, reader)
    read = [one for one in read if is_own(kept[one.article].text, one.span, index)]
    each = max(1, _NEWS // max(len(articles), 1))
    told = (_news(topic, article, read, index)[:each] for article in articles)
    news = [place for some in told for place in sorted(some, key=lambda one: one.span.start)]
    several = _in_order(news, index, when, stated=False)
    if several:
        return several
    one = summary.select(topic, index, embedder, reader, options).articles[:1]
    return _of_one(topic, index.article(one[0]), index, embedder, reader, when) if one else None


def _news(topic: str, article: Article, read: Sequence[Evidence], index: Index) -> list[Place]:
    """The sentences of an article about a topic, the likeliest first.

    They have half of the topic's words, or one of them and enough probability; else one opening sentence is returned.
    """
    own = [one for one in read if one.article == article.path]
    own.sort(key=lambda one: -one.probability * (_TELLING if quantities.numbers(one.text) else 1.0))
    asked = set(facts.terms(topic))
    near = (one for one in own if one.probability >= _LEAST and asked & set(facts.terms(one.text)))
    bearing = dict.fromkeys([*near, *(one for one in own if _has_most(topic, one.text))])
    likely = [place_of(article, one.span) for one in bearing]
    if told := [place for place in likely if stands_alone(plain(place.text))]:
        return told
    spans = [one.span for one in summary.of_article(article, index).candidates][:_EARLY]
    early = (place_of(article, span) for span in spans)
    return [place for place in early if _has_most(topic, place.text) and stands_alone(plain(place.text))][:1]


def _has_most(topic: str, text: str) -> bool:
    """Whether a text has at least half of the words of a topic."""
    asked = set(facts.terms(topic))
    return 2 * len(asked & set(facts.terms(text))) >= len(asked)


def _of_one(
    topic: str, article: Article, index: Index, embedder: Embedder, reader: Reader, when: times.Days | None
) -> Course | None:
    """The course of events from one article: by its stated times, else in its own order."""
    tell = partial(summary.points, topic, index=index, embedder=embedder, reader=reader)
    whole = summary.of_article(article, index)
    asked = set(facts.terms(topic))
    dated = [one for one in whole.candidates if _times(article, one.span)]
    near = [one for one in dated if asked & set(facts.terms(place_of(article, one.span).text))]
    told = tuple(near if len(near) >= _DATED else dated)
    found = _in_order(tell(replace(whole, candidates=told)), index, when)
    if found and (when or len(found.points) >= _DATED):
        return found
    if when and not (article.published and times.meet(when, (article.published, article.published))):
        return None  # sentences without a time are about the article's day
    places = tell(whole)
    title = title_words(article)
    lead = f"In the order in which {f'“{title}”' if title else 'the article'} tells it:"
    return Course((), tuple(places), lead) if len(places) >= _DATED else None


def newest_first(question: str, evidence: Sequence[Evidence], article: ArticleOf) -> list[Evidence]:
    """Return the evidence with the newest answers first, if the question asks what holds now and answers differ.

    A sentence is as new as the time that it states, else as its article; sentences without a day come last.

    Args:
        question: standalone.
        evidence: the likeliest first.
        article: looks up an article by path.
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


def _point(evidence: Evidence, article: Article, value: str) -> TimelinePoint | None:
    """A sentence at its nearest stated time that is not after publication, else at its article's day, else None."""
    day = article.published
    told = [one for one in times.spoken(evidence, article) if not day or one[0] <= day]
    first, last = (told or [(day, day)])[0]
    if not first:
        return None
    span = evidence.span
    return TimelinePoint(first, last, bool(told), value, article.path, span.start, span.end, evidence.text)


def _in_order(places: Sequence[Place], index: Index, when: times.Days | None, *, stated: bool = True) -> Course | None:
    """Places sorted by time, those of one day in the given order; None for fewer than two times."""
    points = [_at(place, index.article(place.article), stated) for place in places]
    points = [one for one in points if one.first and (not when or times.meet(when, (one.first, one.last)))]
    points = sorted(points, key=lambda one: one.first)[:_LINES]
    return Course(tuple(points), tuple(map(place_at, points))) if len({one.first for one in points}) > 1 else None


def place_at(point: TimelinePoint) -> Place:
    """Return the sentence of a point as a quote."""
    return Place(point.article, Span(point.start, point.end), point.text)


def _at(place: Place, article: Article, stated: bool) -> TimelinePoint:
    """A sentence at the first time that it states, else at its article's day."""
    span, day = place.span, article.published
    first, last = next(iter(_times(article, span)), (day, day)) if stated else (day, day)
    return TimelinePoint(first, last, stated, "", article.path, span.start, span.end, place.text)


def _times(article: Article, span: Span) -> list[times.Days]:
    """The times that a sentence states and that are not after its article's publication."""
    sentence = Evidence(article.path, span, article.text[span.start : span.end], 0.0, 1.0, span, 1.0)
    told = [(one.first, one.last) for one in times.stated(sentence, article)]
    return [one for one in told if not article.published or one[0] <= article.published]


def _is_entry(article: Article, span: Span) -> bool:
    """Whether a line is an entry in a list of times: "3 May 2024: the ferry sails"."""
    text = article.text[span.start : span.end]
    sentence = Evidence(article.path, span, text, 0.0, 1.0, span, 1.0)
    first = min(times.stated(sentence, article), key=lambda one: one.start, default=None)
    return first is not None and first.start == span.start and ":" in text[first.end - span.start :][:_TO_COLON]


def _figures(question: str, evidence: Sequence[Evidence], article: ArticleOf) -> list[TimelinePoint]:
    """The points with figures of the most frequent unit; [] if figures have less than half of the probability."""
    by_place = {(one.article, one.span): one for one in evidence}
    found = [
        (one, by_place[one.article, one.sentence])
        for one in values.values(question, evidence, article, near=0.0)
        if one.number
    ]
    asked = set(facts.terms(analysis.topic(question) or question))
    shared = {home: len(asked & set(facts.terms(home.text))) for _, home in found}
    found = [(one, home) for one, home in found if 2 * shared[home] >= max(shared.values())]  # of one measure
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
    """The last day that a sentence is about: of its latest stated time, at most the day of publication."""
    day = article.published
    return max((min(last, day or last) for _, last in times.spoken(evidence, article)), default=day)


def _chosen(told: Sequence[TimelinePoint]) -> tuple[TimelinePoint, ...]:
    """The best point of each time, oldest first, without points that repeat the figure before; () for one time."""
    for digits in (4, 7, 10):  # of YYYY-MM-DD
        best: dict[str, TimelinePoint] = {}
        for one in told:
            best.setdefault(one.first[:digits], one)
        if len(best) > 1:
            break
    else:
        return ()
    course = [best[time] for time in sorted(best)]
    news = [one for place, one in enumerate(course) if place == 0 or course[place - 1].value != one.value]
    if len(news) == 1:  # nothing changed: show both ends
        return course[0], course[-1]
    inner = sorted(news[1:-1], key=told.index)[: MOST - 2]
    return tuple(one for one in news if one in (news[0], news[-1]) or one in inner)
