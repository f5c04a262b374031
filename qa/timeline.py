"""What sentences say about different times: a timeline, oldest first, and what holds now, newest first.

Knows the time of each sentence. The most informative sentences come from `qa.summary`; `qa.values` tells which values
are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from citewire.index.options import SearchOptions
from citewire.index.passages import title_words
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Hit, Span
from citewire.qa import analysis, facts, summary, times, values
from citewire.qa.claims import Place, place_of
from citewire.qa.evidence import ANSWERS, ArticleOf, Evidence
from citewire.qa.reader import Reader
from citewire.qa.standing import plain, stands_alone
from citewire.qa.types import TimelinePoint

_ENTRIES = 0.2  # an article is a list of times if at least this share of its sentences begin with one
_NEWS = 8  # most sentences of a course, those of a list of times aside
_DATED, _LINES = 3, 16  # fewest sentences of a course from one article; most points of a timeline
_TO_COLON = 12  # most characters between a time and its colon, as in "Nov. 17-19, 2022:"
_HITS, _EACH = 32, 4  # passages that are retrieved for a question; most from one article
_NEAR = 0.3  # least cosine of an article's nearest passage with the question
_SHARE, _TELLS = 0.7, 0.6  # least share of the best cosine: for an article, for a sentence
_UNDATED = 0.5  # the same for a sentence of an article without times
_OPENS = 0.1  # added to the cosine of an article's opening, which says what was new on its day
_REPEATS = 0.8  # a sentence with this cosine to a nearer one of another article tells the same


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


def including(course: Course, place: Place, index: Index) -> Course:
    """Return a course with one more sentence: at its time, first if the course or the sentence has no time."""
    if place in course.places:
        return course
    if course.points:
        point = _at(place, index.article(place.article))
        if point.first:
            points = tuple(sorted([*course.points, point], key=lambda one: one.first))
            return replace(course, points=points, places=tuple(map(place_at, points)))
    return replace(course, places=(place, *course.places))


def course(question: str, index: Index, embedder: Embedder, reader: Reader, options: SearchOptions) -> Course | None:
    """Return the course of events that a question asks for, None if too little is found.

    If an article is itself a list of times, its lines are used. Else each article gives the nearest to the question, by
    cosine, of its opening, its sentences with a time and those of its nearest passage; further sentences with a time
    follow. Without two times one article is told in its own order.

    Args:
        question: one that asks for a course; if it names a time, other times are left out.
        index: the articles.
        embedder: the one that the index was made with.
        reader: tells which sentences repeat others.
        options: filters and time, as in `summary.select`.
    """
    when = times.asked(question)
    hits = search(index, embedder, question, replace(options, k=_HITS, per_article=_EACH, copies=1))
    nearest: dict[str, Hit] = {}
    for hit in sorted(hits, key=lambda hit: -hit.cosine):
        nearest.setdefault(hit.passage.article, hit)
    articles = _bearing(question, nearest, index)
    for article in articles:
        spans = [one.span for one in summary.of_article(article, index).candidates]
        lines = [place_of(article, span) for span in spans if _is_entry(article, span)]
        if len(lines) >= max(_DATED, _ENTRIES * len(spans)):
            return _in_order([_at(place, article) for place in lines], when)
    near = {one.path: nearest[one.path].passage.sentences if len(articles) > 1 else () for one in articles}
    given = [one for article in articles for one in _candidates(article, near[article.path], index, embedder)]
    told = _in_order(_events(question, given, embedder, when), when)
    if told or not articles:
        return told
    return _undated(question, articles[0], index, embedder, reader, when)


def _bearing(question: str, nearest: Mapping[str, Hit], index: Index) -> Sequence[Article]:
    """The articles about a question, the nearest first: by their nearest passage, and by the names in the question."""
    least = max([_NEAR, *(_SHARE * hit.cosine for hit in nearest.values())])
    found = [index.article(path) for path, hit in nearest.items() if hit.cosine >= least]
    said = {term for one in found for term in facts.terms(f"{title_words(one)} {one.text}")}
    names = facts.names(question)
    if not said.issuperset(term for name in names for term in facts.terms(name)):
        return []
    return summary.with_all(names, found)[: summary.ARTICLES]


def _events(
    question: str, given: Sequence[tuple[TimelinePoint, bool]], embedder: Embedder, when: times.Days | None
) -> list[TimelinePoint]:
    """The sentences of each article that are nearest to a question; `given` as `_candidates` yields them."""
    if not given:
        return []
    points = [point for point, _ in given]
    vectors = embedder.embed([plain(point.text) for point in points])
    near = vectors @ embedder.embed_query(question)
    near[[opens for _, opens in given]] += _OPENS
    near[[not one.first or bool(when and not times.meet(when, (one.first, one.last))) for one in points]] = -1.0
    likely = [at for at in np.argsort(-near, kind="stable").tolist() if near[at] >= _TELLS * max(near.max(), 0.0)]
    best = {points[at].article: at for at in reversed(likely)}
    chosen: list[int] = []
    dated = (at for at in likely if points[at].stated and at not in best.values())
    for at in (*(at for at in likely if at in best.values()), *dated):  # the best of each article first
        told = (other for other in chosen if points[other].article != points[at].article)
        if len(chosen) < _NEWS and all(float(vectors[at] @ vectors[other]) < _REPEATS for other in told):
            chosen.append(at)
    return [points[at] for at in sorted(chosen)]


def _candidates(
    article: Article, near: Sequence[Span], index: Index, embedder: Embedder
) -> Iterator[tuple[TimelinePoint, bool]]:
    """The sentences that can be read alone, and whether each is the opening; others state a time or are `near`."""
    opening = summary.opening(article, index, embedder)
    if opening:
        yield _at(opening, article), True
    for one in summary.of_article(article, index).candidates:
        place = place_of(article, one.span)
        point = _at(place, article)
        told = place != opening and (point.stated or one.span in near)
        if told and stands_alone(plain(place.text)):
            yield point, False


def _undated(
    question: str, article: Article, index: Index, embedder: Embedder, reader: Reader, when: times.Days | None
) -> Course | None:
    """The most informative sentences of an article on a question, in its own order."""
    if when and not (article.published and times.meet(when, (article.published, article.published))):
        return None  # sentences without a time are about the article's day
    whole = summary.of_article(article, index)
    texts = [plain(place_of(article, one.span).text) for one in whole.candidates]
    near = embedder.embed(texts) @ embedder.embed_query(question)
    about = tuple(one for one, cosine in zip(whole.candidates, near, strict=True) if cosine >= _UNDATED * near.max())
    places = summary.points(question, replace(whole, candidates=about), index, embedder, reader)
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


def _in_order(points: Sequence[TimelinePoint], when: times.Days | None) -> Course | None:
    """Points sorted by time, those of one day in the given order; None for fewer than two times."""
    points = [one for one in points if one.first and (not when or times.meet(when, (one.first, one.last)))]
    points = sorted(points, key=lambda one: one.first)[:_LINES]
    return Course(tuple(points), tuple(map(place_at, points))) if len({one.first for one in points}) > 1 else None


def place_at(point: TimelinePoint) -> Place:
    """Return the sentence of a point as a quote."""
    return Place(point.article, Span(point.start, point.end), point.text)


def _at(place: Place, article: Article) -> TimelinePoint:
    """A sentence at the time that it states, else at its article's day."""
    span, day = place.span, article.published
    told = _times(article, span)
    first, last = told[0] if told else (day, day)
    return TimelinePoint(first, last, bool(told), article.path, span.start, span.end, place.text)


def _times(article: Article, span: Span) -> list[times.Days]:
    """The times of what a sentence tells, the nearest to its main verb first; none after its article's publication."""
    text = article.text[span.start : span.end]
    sentence = Evidence(article.path, span, text, 0.0, 1.0, span, 1.0)
    if not times.stated(sentence, article):
        return []  # saves the parse, which takes 20 ms
    verb = next(token for token in analysis.read(text) if token.dep_ == "ROOT")
    start = span.start + verb.idx
    told = times.spoken(replace(sentence, answer=Span(start, start + len(verb))), article)
    return [one for one in told if not article.published or one[0] <= article.published]


def _is_entry(article: Article, span: Span) -> bool:
    """Whether a line is an entry in a list of times: "3 May 2024: the ferry sails"."""
    text = article.text[span.start : span.end]
    sentence = Evidence(article.path, span, text, 0.0, 1.0, span, 1.0)
    first = min(times.stated(sentence, article), key=lambda one: one.start, default=None)
    return first is not None and first.start == span.start and ":" in text[first.end - span.start :][:_TO_COLON]


def _as_of(evidence: Evidence, article: Article) -> str:
    """The last day that a sentence is about: of its latest stated time, at most the day of publication."""
    day = article.published
    return max((min(last, day or last) for _, last in times.spoken(evidence, article)), default=day)
