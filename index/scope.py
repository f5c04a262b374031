"""The rows that a search may return by its filters and its day, and an error that explains why there are none.

Does not know rankings.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import numpy as np

from citewire.index.errors import InputError
from citewire.index.options import SearchOptions
from citewire.index.segment import EPOCH, UNDATED, ArticleSummary
from citewire.index.store import Index
from citewire.index.types import Filters
from citewire.index.vectors import Rows


def as_of(index: Index, options: SearchOptions) -> date | None:
    """Return the day on which the question is asked, None if it is unknown.

    Args:
        index: its newest article gives the day if `options` ask for that, or for recent articles only.
        options: how is searched.
    """
    if options.as_of == "newest" or (options.as_of == "" and options.recency == "only"):
        newest = int(index.table.published.max(initial=UNDATED))
        return date.fromordinal(newest + EPOCH) if newest != UNDATED else None
    return date.fromisoformat(options.as_of) if options.as_of else None


def allowed_rows(index: Index, options: SearchOptions, day: date | None) -> tuple[Rows | None, bool]:
    """Return which rows pass the filters and dates, and whether none does.

    Args:
        index: the index to search.
        options: how is searched.
        day: what `as_of` returns; later articles do not pass.

    Returns:
        An array of shape (index.rows,), None if every row passes or if no article has the date that "only" needs; and
        whether no row passes.
    """
    allowed = index.select(options.filters)
    published = index.table.published
    if day is not None:
        keep = index.table.alive & (published <= day.toordinal() - EPOCH)  # undated ones, too
        if options.recency == "only":
            keep &= published >= max(day.toordinal() - options.half_life, 1) - EPOCH
        if not keep.all():
            rows = np.repeat(keep, index.table.counts)
            allowed = rows if allowed is None else allowed & rows
    elif options.recency == "only":
        return None, True  # no article has a date
    return allowed, allowed is not None and not allowed.any()


def require_match(index: Index, options: SearchOptions) -> None:
    """Check that the index has every name in the filters, and that filters and dates leave an article to search.

    An unknown name is probably a typing error, so it is refused even if other names are known. An index without
    articles passes. This reads the summary of every article, so call it only before the first question, or after a
    search without hits.

    Args:
        index: the index to search.
        options: whose filters and dates are checked.

    Raises:
        InputError: names the filter that matches nothing, and similar values.
    """
    filters = options.filters
    constrained = filters != Filters() or options.as_of or options.recency == "only"
    articles = index.articles() if constrained else []
    if not articles:
        return
    _require_known("outlet", filters.outlets, (article.outlet for article in articles), any_case=True)
    _require_known("author", filters.authors, (article.author for article in articles), any_case=True)
    _require_paths(filters.articles, [article.path for article in articles])
    for key, value in filters.metadata.items():
        _require_known("metadata key", [key], (known for article in articles for known in article.metadata))
        _require_known(f"metadata {key}", [value], (article.metadata.get(key, "") for article in articles))
    day = as_of(index, options)
    if allowed_rows(index, options, day)[1]:
        raise InputError(
            f"no article is {', '.join(_said(filters, day, options))}", f"Leave one out or change it; {_days(articles)}"
        )


def _require_known(what: str, wanted: Iterable[str], known: Iterable[str], *, any_case: bool = False) -> None:
    """Raises: InputError: one of `wanted` is not in `known`; names the most similar ones."""
    there = {name.casefold() if any_case else name: name for name in known if name}
    for name in wanted:
        if (name.casefold() if any_case else name) not in there:
            raise InputError(f"no article has the {what} {name!r}", _nearest(name, there.values()))


def _require_paths(wanted: Sequence[str], paths: Sequence[str]) -> None:
    """Raises: InputError: one of `wanted` is neither a path nor a folder."""
    folders = {path[: at + 1] for path in paths for at, character in enumerate(path) if character == "/"}
    there = folders.union(paths)
    for path in wanted:
        if path not in there:
            raise InputError(f"the index has no article {path!r}", _nearest(path, [*folders, *paths]))


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return a fix that suggests up to three of `known`: those that contain `name`, else the most similar ones."""
    spelled = {one.casefold(): one for one in sorted(known)}
    wanted = name.casefold()
    having = [one for one in spelled if wanted.strip() and wanted in one][:3]
    near = having or difflib.get_close_matches(wanted, spelled, n=3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(repr(spelled[one]) for one in near)}?"
    if not spelled:
        return "No article states one"
    some = ", ".join(repr(one) for one in list(spelled.values())[:5])
    return f"There are {some}{' ...' if len(spelled) > 5 else ''}"


def _said(filters: Filters, day: date | None, options: SearchOptions) -> Iterator[str]:
    """Yield each condition on an article in words."""
    for what, names in (("of the outlet", filters.outlets), ("by", filters.authors), ("in", filters.articles)):
        if names:
            yield f"{what} {' or '.join(map(repr, names))}"
    for key, value in filters.metadata.items():
        yield f"of {key} = {value!r}"
    for word, published in (("from", filters.published_from), ("to", filters.published_to)):
        if published:
            yield f"published {word} {published}"
    if options.recency == "only":
        yield f"published in the {options.half_life:g} days until {day}" if day else "of a known day"
    elif day:
        yield f"published until {day}"


def _days(articles: Sequence[ArticleSummary]) -> str:
    """Return the range of the articles' publication days in words."""
    dated = sorted(article.published for article in articles if article.published)
    if not dated:
        return "no article has a day of publication"
    without = f", {len(articles) - len(dated):,} have none" if len(dated) < len(articles) else ""
    days = " to ".join(dict.fromkeys((dated[0], dated[-1])))
    return f"the articles' days of publication are {days}{without}"
