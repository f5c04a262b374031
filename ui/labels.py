"""Words for articles, dates, filters and numbers: cards of articles, and lines about filters and the whole index.

Knows the values of `citewire.index.types` and `citewire.qa.types`, not HTML.
"""

from __future__ import annotations

import textwrap
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

from citewire.index.documents import opens_a_page
from citewire.index.errors import CitewireError
from citewire.qa.types import ConflictValue, TimelinePoint

if TYPE_CHECKING:
    from citewire.index.segment import ArticleSummary
    from citewire.index.types import Article, Filters

TITLE_CHARS = 60  # longest title in the line of the filters
NAMED_OUTLETS = 2  # most outlets named in a filter line; the others are counted
_MARKS = ("“", "”", '"')
GONE = "no longer among the articles"  # stands in place of a date


@dataclass(frozen=True, slots=True)
class Card:
    """The label of an article.

    `date` is "" if unknown; `url` is http(s) or ""; `pages` as in `Article`; `place` is the path if nothing else
    distinguishes the article from another one of the index, else "".
    """

    path: str
    title: str
    outlet: str
    author: str
    date: str
    url: str
    pages: Sequence[int] = ()
    place: str = ""

    def page(self, start: int, end: int) -> str:
        """Return the pages of a span of the text: "p. 3", "pp. 3–4", "" for an article without pages."""
        if not self.pages:
            return ""
        first, last = bisect_right(self.pages, start), max(1, bisect_left(self.pages, end))
        return f"p. {first}" if first >= last else f"pp. {first}–{last}"

    def byline_at(self, start: int, end: int) -> str:
        """Return `byline` with the pages of a span of the text."""
        return ", ".join(filter(None, (self.byline, self.page(start, end))))

    @property
    def byline(self) -> str:
        """`dated` and `place`: "Northgate Herald, 11 Feb 2026, north/report.txt"."""
        return ", ".join(filter(None, (self.dated, self.place)))

    @property
    def dated(self) -> str:
        """Outlet, if known, and date: "Northgate Herald, 11 Feb 2026"."""
        return ", ".join(filter(None, (self.outlet, self.date or "date unknown")))


CardOf = Callable[[str], Card]  # article path -> card


def human_date(published: str) -> str:
    """Return "2026-02-11" as "11 Feb 2026", and text that is not an ISO date unchanged."""
    try:
        day = date.fromisoformat(published)
    except ValueError:
        return published
    return f"{day.day} {day:%b} {day.year}"


class Labelled(Protocol):
    """What cards need of an index."""

    @property
    def namesakes(self) -> Collection[str]:
        """As in `citewire.index.store.Index`."""
        ...

    def article(self, path: str) -> Article:
        """Return one article. Raises: CitewireError, if there is none at `path`."""
        ...


def card_in(index: Labelled, path: str) -> Card:
    """Return the card of an article, unique within its index. Raises: CitewireError."""
    return card(index.article(path), path if path in index.namesakes else "")


def card(article: Article, place: str = "") -> Card:
    """Return the card of an article; `place` as in `Card`."""
    url = article.url if opens_a_page(article.url) else ""
    day = human_date(article.published)
    return Card(article.path, article.headline, article.outlet, article.author, day, url, article.pages, place)


def gone(path: str) -> Card:
    """Return the card of an article that is no longer in the index, titled by its path."""
    return Card(path, path, "", "", GONE, "")


def card_or_gone(index: Labelled, path: str) -> Card:
    """Return the card of an article, unique within its index; of a missing article, that of `gone`."""
    try:
        return card_in(index, path)
    except CitewireError:
        return gone(path)


def bylines(values: Sequence[ConflictValue], card_of: CardOf) -> list[str]:
    """Return the byline of each value's article, with the title before it if several articles share the byline."""
    cards = [card_of(value.article) for value in values]
    said = Counter({known.path: known.byline for known in cards}.values())
    return [known.byline if said[known.byline] == 1 else f"{known.title}, {known.byline}" for known in cards]


def corpus_line(articles: Sequence[Article | ArticleSummary]) -> str:
    """Return the number of articles, outlets and dated articles, and the period, as one line.

    "1,243 articles from 3 outlets, 2 Jan to 14 Mar 2026", "5 articles, 1 dated: 29 Jun 2025"
    """
    days = sorted(a.published for a in articles if a.published)
    outlets = {a.outlet for a in articles if a.outlet}
    line = counted(len(articles), "article")
    if len(outlets) > 1 and all(a.outlet for a in articles):
        line += f" from {len(outlets)} outlets"
    if not days:
        return f"{line}, none dated" if articles else "No articles"
    first, last = human_date(days[0]), human_date(days[-1])
    if first != last and first[-5:] == last[-5:]:  # the same year is written once
        first = first[:-5]
    span = first if first == last else f"{first} to {last}"
    return f"{line}, {span}" if len(days) == len(articles) else f"{line}, {len(days)} dated: {span}"


def filter_line(filters: Filters, card_of: CardOf) -> str:
    """Return filters in words, "" for none: "Only Northgate Herald, from 2 Jan 2026 to 14 Mar 2026"."""
    parts = []
    if len(filters.articles) == 1:
        parts.append(f"“{shortened(card_of(filters.articles[0]).title, TITLE_CHARS)}”")
    elif filters.articles:
        parts.append(counted(len(filters.articles), "chosen article"))
    if filters.outlets:
        named = ", ".join(filters.outlets[:NAMED_OUTLETS])
        more = len(filters.outlets) - NAMED_OUTLETS
        parts.append(f"{named} and {counted(more, 'other outlet')}" if more > 0 else named)
    days = (("from", filters.published_from), ("to", filters.published_to))
    if said := " ".join(f"{word} {human_date(day)}" for word, day in days if day):
        parts.append(said)
    return f"Only {', '.join(parts)}" if parts else ""


def counted(number: int, noun: str) -> str:
    """Return "1 article", "1,243 articles"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def when(point: TimelinePoint) -> str:
    """Return the time of a point: "2021", or "reported 3 May 2021" if it is the article's date, not the sentence's."""
    from citewire.index import dates  # imports longer than this whole module

    days = human_date(point.first) if point.first == point.last else dates.spelled(point.first, point.last)
    return days if point.stated else f"reported {days}"


def in_marks(quote: str) -> str:
    """Return a quote on one line in quotation marks; without more of them if it begins or ends with one.

    >>> in_marks("The ferry sank."), in_marks('“It sank,” she said.')
    ('“The ferry sank.”', '“It sank,” she said.')
    """
    line = " ".join(quote.split())
    return line if line[:1] in _MARKS or line[-1:] in _MARKS else f"“{line}”"


def shortened(text: str, most: int) -> str:
    """Return text on one line, cut between words to at most `most` characters.

    >>> shortened("Lund Lines runs ten ferries", 20)
    'Lund Lines runs ...'
    """
    return textwrap.shorten(text, most, placeholder=" ...")
