"""List answers: several sentences, or the lines of a list, from the article that answers best.

Knows the reader's probability of each sentence and the lines of an article. Does not search and uses no language model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from math import exp, log
from statistics import fmean

from citewire.index.passages import sentences, title_words
from citewire.index.types import Article, Embedder, Span
from citewire.qa import analysis, facts, quantities
from citewire.qa.claims import Place, place_of, verbatim_place
from citewire.qa.evidence import ArticleOf, Evidence, is_closed, is_heading, is_link, odds, window
from citewire.qa.reader import Reader, Window

MOST = 5  # most sentences of a list; twice as many if each is from a section of its own
_ROWS, _LISTED = 10, 20  # most lines of a list inside an article; of an article's own list, see `outlined`
_READ = 60  # most sentences of an article that are read
_NEAR = 6.0  # a sentence stays if its odds times this reach those of the best one
_SURE = 0.25  # least probability of the best sentence
_BESIDE = 0.1  # the same for the best sentence of another article
_SECTION = 0.04  # least probability of a section's sentence; low, because it need not repeat its heading
_SECTIONS = 3  # fewest such sections that make a list
_SHARED = 0.5  # added to the log odds of a sentence that has all rare words of the question
_NEAR_LIST, _SAME = 0.5, 0.6  # least cosine of a question and the name of a list; of one whose lines are not read
_LINES = 0.4  # least mean probability of its lines
_LINE = re.compile(r"\S[^\n]*\S")
_NUMBERED = re.compile(r"\d{1,3}[.):] ")
_BETWEEN = 2  # most lines between the sections of an article that look like their headings
_SHORT, _RUN = 16, 3  # most words of a list line; fewest consecutive such lines


@dataclass(frozen=True, slots=True)
class _ListLine:
    """A sentence of the article with its probability and the layout around it."""

    span: Span
    probability: float
    shared: int  # number of words shared with the question
    weight: float  # odds, raised by shared rare words
    own: bool  # whether it is a line of its own
    leads: bool  # whether it ends with a colon
    row: bool  # whether it is a short line without an end mark
    heading: bool
    asks: bool
    opens: bool  # whether text that is no sentence, such as a short heading, precedes it


class Items:
    """The ways to answer with a list from the article that answers best.

    Args:
        question: one that may ask for several things.
        evidence: as `qa.evidence.gather` returns it.
        article: looks up an article by path.
        reader: reads the whole article.
    """

    def __init__(self, question: str, evidence: Sequence[Evidence], article: ArticleOf, reader: Reader) -> None:
        best = max(evidence, key=lambda one: one.probability, default=None)
        self._lines: list[_ListLine] = []
        self._others = [one for one in evidence if best and one.article != best.article]
        if best is None or best.probability < _SURE:
            return
        self._home = home = article(best.article)
        read = _read(question, evidence, home, reader)
        spans = [one.span for one in read]
        rare = _rarities(question, home.title, [one.text for one in read])
        asked = set(facts.terms(question))
        self._lines = [_line(home, spans, at, one.probability, rare, asked) for at, one in enumerate(read)]

    def rows(self, most: int = _ROWS) -> list[Place]:
        """Return up to `most` lines of a list in the article with the line before it; [] if no two lines answer.

        If several lists follow each other, it starts at the line with most of the question's words.
        """
        best = max((odds(line.probability) for line in self._lines), default=0.0)
        for start, end in _runs(self._lines):
            near = [line for line in self._lines[start:end] if odds(line.probability) * _NEAR >= best]
            if len(near) >= 2:
                first = max(start - 1, 0)
                lead = max(range(first, end), key=lambda at: (self._lines[at].shared, -at))
                told = [line for line in self._lines[lead if lead + 1 < end else first : end] if not line.asks]
                return self._places(told[: most + 1])
        return []

    def led(self) -> list[Place]:
        """Return a line near the best that ends with a colon, and the lines after it; [] for fewer than two."""
        best = max((line.weight for line in self._lines), default=0.0)
        for at, line in enumerate(self._lines):
            if line.leads and line.weight * _NEAR >= best:
                behind = takewhile(
                    lambda one: one.own and not (one.heading or one.asks or one.leads), self._lines[at + 1 :]
                )
                told = list(islice(behind, _ROWS))
                if len(told) > 1:
                    return self._places([line, *told])
        return []

    def sentences(self) -> list[Place]:
        """Return the sentences near the best, then the best of each other article; [] for fewer than two."""
        told = [line for line in self._lines if not line.heading and not line.asks and _tells(self._home, line)]
        best = max((line.weight for line in told), default=0.0)
        near = sorted((line for line in told if line.weight * _NEAR >= best), key=lambda line: -line.weight)
        others: dict[str, Evidence] = {}
        for one in self._others:
            if near and one.probability >= _BESIDE:
                others.setdefault(one.article, one)
        found = [*self._places(near[:MOST]), *map(verbatim_place, islice(others.values(), MOST))]
        return found if len(found) > 1 else []

    def sections(self) -> list[Place]:
        """Return the best likely sentence of each section; [] for fewer than three."""
        found: list[_ListLine] = []
        section: list[_ListLine] = []
        for line in (*self._lines, None):
            if line is None or line.heading or line.opens:
                found += sorted(section, key=lambda one: -one.weight)[:1]
                section = []
            section += [line] if line is not None and not line.heading else []
        likely = [line for line in found if line.probability >= _SECTION and not line.asks]
        return self._places(likely[: 2 * MOST]) if len(likely) >= _SECTIONS else []

    def _places(self, lines: Sequence[_ListLine]) -> list[Place]:
        spans = sorted((line.span for line in lines), key=lambda span: span.start)
        return [place_of(self._home, span) for span in spans]


def _line(
    home: Article, spans: Sequence[Span], at: int, probability: float, rare: dict[str, float], asked: set[str]
) -> _ListLine:
    span, text = spans[at], home.text[spans[at].start : spans[at].end]
    said = set(facts.terms(text))
    weight = odds(probability) * exp(_SHARED * sum(rare.get(term, 0.0) for term in said))
    own = _is_own(home.text, span)
    closed = text.rstrip("\"'”’)]").endswith((".", "!", "?"))
    heading = is_heading(home.text, span)
    row = own and not closed and len(text.split()) <= _SHORT and not text.endswith(":")
    opens = any(map(str.isalnum, home.text[spans[at - 1].end if at else 0 : span.start]))
    leads, asks = text.endswith(":"), text.endswith("?")
    return _ListLine(span, probability, len(said & asked), weight, own, leads, row, heading, asks, opens)


def _tells(home: Article, line: _ListLine) -> bool:
    """Whether a sentence has more than one word: not "Yes."."""
    return len(home.text[line.span.start : line.span.end].split()) > 1


def _is_own(text: str, span: Span) -> bool:
    """Whether a sentence is a whole line."""
    before, after = text[: span.start].rstrip(" \t"), text[span.end :].lstrip(" \t")
    return (not before or before.endswith("\n")) and (not after or after.startswith("\n"))


def _runs(lines: Sequence[_ListLine]) -> list[tuple[int, int]]:
    """The ranges (start, end) of at least _RUN consecutive short lines; end is exclusive."""
    found: list[tuple[int, int]] = []
    start = 0
    for at in range(len(lines) + 1):
        if at == len(lines) or not lines[at].row:
            found += [(start, at)] if at - start >= _RUN else []
            start = at + 1
    return found


def _rarities(question: str, title: str, texts: Sequence[str]) -> dict[str, float]:
    """The weight of each question term that is not in the title: its inverse document frequency, summing to 1."""
    said = [set(facts.terms(text)) for text in texts]
    counts = {term: sum(term in one for one in said) for term in set(facts.terms(question)) - set(facts.terms(title))}
    weights = {term: log((len(texts) + 1) / (count + 0.5)) for term, count in counts.items() if count}
    total = sum(weights.values())
    return {term: weight / total for term, weight in weights.items()} if total else {}


# -- articles that are lists ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Outline:
    """A list in an article: its name (the title, or the line before it), its lines, whether the title counts them."""

    named: str
    places: tuple[Place, ...]
    counted: bool = False


def outlined(question: str, articles: Sequence[Article], embedder: Embedder, reader: Reader) -> list[Place]:
    """Return the lines of the list nearest to a question; [] if they do not answer it or lack its names and years.

    A list is the section headings of an article that are numbered or counted in its title ("7 dishes to try"), or the
    short lines after a line that ends with a colon.

    Args:
        question: one that asks for several things.
        articles: those that may have the list.
        embedder: embeds the question and the names of the lists.
        reader: reads the lines after the name of their list.
    """
    names, years = facts.names(question), facts.years(question)
    texts = {article.path: f"{title_words(article)} {article.published} {article.text}" for article in articles}
    known = (one for one in articles if all(facts.has_name(name, texts[one.path]) for name in names))
    own = (one for one in known if all(str(year) in texts[one.path] for year in years))
    found = [outline for article in own for outline in (*_sections(article), *_led(article))]
    if not found:
        return []
    near = embedder.embed([outline.named for outline in found]) @ embedder.embed_query(question)
    best = int(near.argmax())
    if near[best] < _NEAR_LIST:
        return []
    named, places = found[best].named, found[best].places
    if found[best].counted and near[best] >= _SAME:  # that "Route 2" is a road trip only the title tells
        return list(places)
    read = reader.read(question, [Window(place.text, named) for place in places])
    return list(places) if fmean(one.probability for one in read) >= _LINES else []


def _sections(article: Article) -> Iterator[_Outline]:
    lines = _lines(article.text)
    texts = [article.text[span.start : span.end] for span in lines]
    closed = [is_closed(text) for text in texts]
    text_at = closed.index(True) if True in closed else len(lines)  # lines above it are no section headings
    below = range(text_at + 1, len(lines) - 1)
    short = [at for at in below if not closed[at] and _is_short(texts[at]) and not is_link(texts[at])]
    heads = [at for at in short if closed[at + 1]]
    numbered = [at for at in short if _NUMBERED.match(texts[at])]
    title = title_words(article)
    told = [int(one.value) for one in quantities.numbers(title)]
    most = next((count for count in told if -1 <= len(heads) - count <= _BETWEEN), 0)
    shortest = sorted(sorted(heads, key=lambda at: len(texts[at]))[:most])  # without "Sign up for our letter"
    items = next((some for some in (numbered, shortest) if len(some) >= _RUN), [])
    if items:
        counted = any(abs(len(items) - count) <= 1 for count in told)
        yield _Outline(title, tuple(place_of(article, lines[at]) for at in items[:_LISTED]), counted)


def _led(article: Article) -> Iterator[_Outline]:
    lines = _lines(article.text)
    texts = [article.text[span.start : span.end] for span in lines]
    for at in (at for at, text in enumerate(texts) if text.endswith(":")):
        row = takewhile(lambda text: _is_short(text) and not text.endswith((":", "?")), texts[at + 1 :])
        count = len(list(row))
        if count >= _RUN:
            places = (place_of(article, span) for span in lines[at : at + 1 + count][: _LISTED + 1])
            yield _Outline(texts[at], tuple(places))


def _lines(text: str) -> list[Span]:
    return [Span(found.start(), found.end()) for found in _LINE.finditer(text)]


def _is_short(text: str) -> bool:
    return len(text.split()) <= _SHORT


# -- what a question asks for -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many things a question asks for.

    Attributes:
        number: the number asked for, 0 if none is given.
        single: whether one thing is asked for: "which town", "what is the name".
    """

    number: int
    single: bool


def wanted(question: str) -> Wanted:
    """Return how many things a question asks for.

    >>> wanted("Name three countries that Lund Lines sails to.")
    Wanted(number=3, single=False)
    """
    doc = analysis.read(question)
    asking = next((token for token in doc if token.tag_ in ("WP", "WDT", "WRB")), None)
    head = next((chunk for chunk in doc.noun_chunks if not analysis.asks(chunk.root)), None)
    if head is None or (asking is not None and asking.tag_ == "WP" and asking.head.lemma_ != "be"):
        return Wanted(0, single=False)  # "who won the race?" asks for no races
    said = quantities.numbers(head.text)
    one = head.root.morph.get("Number", []) == ["Sing"] and head.root.pos_ == "NOUN"
    asks_one = asking is not None and asking.tag_ in ("WDT", "WP") and asking.lower_ not in ("who", "whom")
    return Wanted(int(said[0].value) if said else 0, single=one and asks_one)


def _read(question: str, evidence: Sequence[Evidence], home: Article, reader: Reader) -> list[Evidence]:
    """The first _READ sentences of an article in their order; those without evidence are read now."""
    known = {one.span: one for one in evidence if one.article == home.path}
    spans = sentences(home.text)[:_READ]
    unread = [span for span in spans if span not in known]
    readings = reader.read(question, [window(home, span) for span in unread])
    for span, one in zip(unread, readings, strict=True):
        answer = Span(span.start + one.start, span.start + one.end)
        text = home.text[span.start : span.end]
        known[span] = Evidence(home.path, span, text, 0.0, one.probability, answer, one.sure)
    return [known[span] for span in spans]
