"""Question -> ranked passages.

    dense ranking, BM25 ranking  -> reciprocal rank fusion -> the candidates
    each candidate               -> score = relevance + time (+ reranker) -> caps -> hits

Knows how rankings are combined, what makes a passage fit, and why a search may find none. Does not know how either
ranking is stored, nor what an answer is.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from citewire.index.dates import is_day
from citewire.index.errors import InputError
from citewire.index.passages import sentences
from citewire.index.query import Times, terms, times
from citewire.index.segment import ArticleSummary
from citewire.index.store import EPOCH, UNDATED, Index
from citewire.index.types import Article, Embedder, Filters, Hit, Passage, Vectors

DENSE = 200  # nearest passages that are looked at
LEXICAL = 1000  # best by BM25 that are; many, as they also tell how much of an article is about the question
CANDIDATES = 400  # of these, the best by fused rank are scored
RRF_K = 60  # Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet ...", SIGIR 2009

FRESH_DAYS = 3  # until then an article is as fresh as one of today: it tells the same news
HALF_LIFE_DAYS = 14.0
RERANKED = 50  # best candidates that a reranker reads; it takes milliseconds for each

Recency = Literal["auto", "off", "prefer", "only"]
Numbers = NDArray[np.float64]
Positions = NDArray[np.int64]


class Reranker(Protocol):
    """Reads a question and a passage together, as a cross-encoder does."""

    def score(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return how well each text answers the question, 0 to 1; higher is better."""
        ...


@dataclass(frozen=True, slots=True)
class Weights:
    """What each part of a score counts; all parts are better when higher. Measured in docs/retrieval.md.

    Attributes:
        lexical: 0 to 1: the passage's BM25, 0 outside of the `LEXICAL` best, as a share of the best one of this search.
        focus: 0 to 1: the mean BM25 of all passages of its article, 0 for those that are not among the `LEXICAL`
            best, as a share of the best article's: an article about the question before one that touches on it.
        meaning: -1 to 1: the cosine of question and passage.
        freshness: 0 to 1, where newer articles are preferred: 1 for the last days, then halved with every half-life.
            Bounded, so that an old article about the question stays before a new one about something else.
        period: 0 or 1: the article was published in a time that the question names, or the passage names it too.
        reranker: 0 to 1: what the reranker says.

    Raises:
        InputError: a weight is below 0.
    """

    lexical: float = 1.0
    focus: float = 1.0
    meaning: float = 1.0
    freshness: float = 2.0
    period: float = 1.0
    reranker: float = 3.0

    def __post_init__(self) -> None:
        """Raises: InputError."""
        for part, weight in asdict(self).items():
            if not 0 <= weight < float("inf"):
                raise InputError(f"the weight {weight} of {part}", "Use 0 or more")


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What a search returns, and what it prefers.

    Attributes:
        k: most passages returned.
        filters: what an article must have; others are left out before the search.
        per_article: most passages of one article; None for any number.
        per_group: most passages of one group of near-duplicate articles; None for any number.
        copies: most articles of one group of near-duplicates that passages are taken from, those with the best
            passages; None for any number. With 1 a story counts as one source however often it was reprinted.
        recency: "off": age counts for nothing. "prefer": newer articles score higher. "auto": as "prefer" where the
            question asks for it ("the latest", "this week"), else as "off"; a time that it names ("in 2021") is
            preferred. "only": nothing older than `half_life`, and newer ones score higher.
        half_life: days over which an article's freshness halves, counted from `FRESH_DAYS` before `as_of`.
        as_of: the ISO day on which the question is asked; articles published after it are left out. "newest" for
            the day of the newest article. Without a day nothing is left out, "this week" means nothing, and age is
            counted from the newest article.
        weights: what each part of the score counts.
    """

    k: int = 10
    filters: Filters = field(default_factory=Filters)
    per_article: int | None = None
    per_group: int | None = None
    copies: int | None = None
    recency: Recency = "auto"
    half_life: float = HALF_LIFE_DAYS
    as_of: str = ""
    weights: Weights = field(default_factory=Weights)

    def __post_init__(self) -> None:
        """Raises: InputError."""
        if self.k < 1:
            raise InputError(f"cannot return {self.k} passages", "Ask for at least 1")
        for most, what in (
            (self.per_article, "passages of one article"),
            (self.per_group, "passages of one group"),
            (self.copies, "articles of one group"),
        ):
            if most is not None and most < 1:
                raise InputError(f"cannot return {most} {what}", "Allow at least 1, or None for any number")
        _check_days(self.filters)
        if self.recency not in get_args(Recency):
            raise InputError(f"there is no recency {self.recency!r}", f"Use one of {', '.join(get_args(Recency))}")
        if not 0 < self.half_life < float("inf"):
            raise InputError(f"a half-life of {self.half_life} days", "Use a number of days above 0")
        if self.as_of not in ("", "newest") and not is_day(self.as_of):
            raise InputError(f"{self.as_of!r} is no day", "Write it as YYYY-MM-DD, or 'newest'")


def _check_days(filters: Filters) -> None:
    """Raises: InputError."""
    first, last = filters.published_from, filters.published_to
    for day in (first, last):
        if day and not is_day(day):
            raise InputError(f"{day!r} is no day", "Write it as YYYY-MM-DD")
    if first and last and first > last:
        raise InputError(f"nothing is published from {first} to {last}", "Give the earlier day first")


def search(
    index: Index,
    embedder: Embedder,
    question: str,
    options: SearchOptions | int = SearchOptions(),
    reranker: Reranker | None = None,
) -> list[Hit]:
    """Return the passages of `index` that fit `question` best, best first.

    `Hit.score` is the weighted sum of the parts that `Weights` names: higher is better, comparable only within one
    search. Where the candidates run out, as under caps, there are fewer than `k` hits.

    Args:
        index: what is searched.
        embedder: what the index was made with.
        question: what is asked.
        options: what to return and to prefer; a number stands for `SearchOptions(k=number)`.
        reranker: reads the `RERANKED` best and adds to their scores; the others follow after these.

    Raises:
        InputError: a setting that cannot be, as `SearchOptions` says.
    """
    chosen = SearchOptions(k=options) if isinstance(options, int) else options
    if index.passages == 0:
        return []
    day = _as_of(index, chosen)
    asked = times(question, day.isoformat() if day else "")
    allowed, empty = _allowed(index, chosen, day)
    if empty:
        return []
    vector, words = embedder.embed_query(question), terms(question)
    candidates = _candidates(index, vector, words, allowed, chosen.k)
    scores = _scores(index, candidates, asked, day, chosen)
    order = np.lexsort((candidates.rows, -scores))
    if reranker is not None:
        first = order[:RERANKED]
        texts = [passage.text for passage in index.fetch(candidates.rows[first].tolist())]
        scores[first] += chosen.weights.reranker * np.asarray(reranker.score(question, texts), np.float64)
        order = np.concatenate([first[np.lexsort((candidates.rows[first], -scores[first]))], order[RERANKED:]])
    best = _capped(index, candidates.articles, order, chosen)
    passages = index.fetch(candidates.rows[best].tolist())
    return [
        Hit(passage, float(scores[i]), float(candidates.cosines[i]), float(candidates.bm25s[i]))
        for passage, i in zip(passages, best, strict=True)
    ]


def fuse(rankings: Sequence[Sequence[int]], k: int = RRF_K) -> list[tuple[int, float]]:
    """Fuse rankings by reciprocal rank: score = sum of 1 / (k + rank), rank from 1; ties in order of the row.

    >>> [row for row, score in fuse([[7, 8], [8, 9]])]
    [8, 7, 9]
    """
    scores: defaultdict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, row in enumerate(ranking, start=1):
            scores[row] += 1.0 / (k + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def widened(article: Article, passage: Passage, before: int = 1, after: int = 1) -> Passage:
    """Return `passage` of `article` with up to `before` sentences before it and `after` after it.

    Raises:
        InputError: a number below 0, or a passage of another article.
    """
    if before < 0 or after < 0:
        raise InputError(f"cannot add {min(before, after)} sentences", "Use 0 or more")
    if passage.article != article.path:
        raise InputError(f"a passage of {passage.article!r} is not in {article.path!r}", "Give its own article")
    spans = sentences(article.text)
    earlier = [span for span in spans if span.end <= passage.start]
    later = [span for span in spans if span.start >= passage.end]
    found = (*earlier[len(earlier) - min(before, len(earlier)) :], *passage.sentences, *later[:after])
    start, end = min(passage.start, found[0].start), max(passage.end, found[-1].end)
    return Passage(passage.article, start, end, article.text[start:end], found)


# -- which rows ---------------------------------------------------------------------------------------------


def _as_of(index: Index, options: SearchOptions) -> date | None:
    """Return the day on which the question is asked, None where none is known."""
    if options.as_of == "newest" or (options.as_of == "" and options.recency == "only"):
        newest = int(index.table.published.max(initial=UNDATED))
        return date.fromordinal(newest + EPOCH) if newest != UNDATED else None
    return date.fromisoformat(options.as_of) if options.as_of else None


def _first_day(day: date, options: SearchOptions) -> date:
    """Return the first day that recency "only" allows on `day`."""
    return day - timedelta(days=min(options.half_life, day.toordinal() - 1))


def _allowed(index: Index, options: SearchOptions, day: date | None) -> tuple[NDArray[np.bool_] | None, bool]:
    """Return which rows may be found, None for all, and whether there is none."""
    allowed = index.select(options.filters)
    published = index.table.published
    if day is not None:
        keep = published <= day.toordinal() - EPOCH  # also those without a day
        if options.recency == "only":
            keep &= published >= _first_day(day, options).toordinal() - EPOCH
        if not keep.all():
            rows = np.repeat(keep, index.table.counts)
            allowed = rows if allowed is None else allowed & rows
    elif options.recency == "only":
        return None, True  # nothing has a day
    return allowed, allowed is not None and not allowed.any()


# -- scores -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Rows with what relevance is made of; position i of each array is one row.

    Attributes:
        rows: of the index.
        articles: position of each row's article in `Index.table`.
        bm25s: of each row; 0 outside of the `LEXICAL` best, as asking for one of these costs as much as for all.
        cosines: of each row.
        focus: mean BM25 of each row's article.
    """

    rows: Positions
    articles: Positions
    bm25s: Numbers
    cosines: Numbers
    focus: Numbers


def _scores(index: Index, candidates: _Candidates, asked: Times, day: date | None, options: SearchOptions) -> Numbers:
    """Return the score of each candidate, without a reranker's part."""
    weights = options.weights
    scores = weights.lexical * _share(candidates.bm25s)
    scores += weights.focus * _share(candidates.focus)
    scores += weights.meaning * candidates.cosines
    if options.recency in ("prefer", "only") or (options.recency == "auto" and asked.newest):
        scores += weights.freshness * _freshness(index, candidates.articles, day, options.half_life)
    if options.recency != "off" and asked.periods:
        scores += weights.period * _in_period(index, candidates, asked)
    return scores


def _share(values: Numbers) -> Numbers:
    """Return each value as a share of the highest; values are not negative."""
    highest = values.max(initial=0.0)
    return values / highest if highest > 0 else values


def _candidates(
    index: Index, vector: Vectors, words: Sequence[str], allowed: NDArray[np.bool_] | None, k: int
) -> _Candidates:
    dense = dict(index.search_dense(vector, max(DENSE, k), allowed))
    lexical = dict(index.search_bm25(words, max(LEXICAL, k), allowed))
    fused = [row for row, _ in fuse([list(dense), list(lexical)])[: max(CANDIDATES, k)]]
    cosines = dense | index.cosines(vector, [row for row in fused if row not in dense])
    rows = np.array(fused, np.int64)
    articles = index.table.positions(fused)
    focus = np.zeros(len(index.table.counts))
    np.add.at(focus, index.table.positions(list(lexical)), list(lexical.values()))
    return _Candidates(
        rows,
        articles,
        np.array([lexical.get(row, 0.0) for row in fused], np.float64),
        np.array([cosines[row] for row in fused], np.float64),
        focus[articles] / index.table.counts[articles],
    )


def _freshness(index: Index, articles: Positions, day: date | None, half_life: float) -> Numbers:
    """Return 1, halved with every `half_life` days of age; an article without a day is one half-life old."""
    published = index.table.published[articles].astype(np.int64)
    dated = published != UNDATED
    today = day.toordinal() - EPOCH if day else published.max(where=dated, initial=UNDATED)
    age = np.where(dated, np.maximum(today - published - FRESH_DAYS, 0), half_life)
    freshness: Numbers = np.exp2(-age / half_life)
    return freshness


def _in_period(index: Index, candidates: _Candidates, asked: Times) -> NDArray[np.bool_]:
    """Return which candidates are of a time that the question names: published in it, or naming it too."""
    published = index.table.published[candidates.articles]
    named = index.bm25s(asked.names, candidates.rows.tolist())
    found = np.isin(candidates.rows, list(named))
    for first, last in asked.periods:
        begin, end = (date.fromisoformat(day).toordinal() - EPOCH for day in (first, last))
        found |= (published >= begin) & (published <= end)
    return found


def _capped(index: Index, articles: Positions, order: Positions, options: SearchOptions) -> list[int]:
    """Return the first `k` of `order` that leave no article and no group with more than it may have."""
    counts: defaultdict[tuple[str, int], int] = defaultdict(int)
    sources: defaultdict[int, set[int]] = defaultdict(set)
    kept: list[int] = []
    for i in order:
        article = int(articles[i])
        group = int(index.table.groups[article])
        owners = [("article", article, options.per_article), ("group", group, options.per_group)]
        if any(most is not None and counts[kind, number] >= most for kind, number, most in owners):
            continue
        if options.copies is not None and len(sources[group] | {article}) > options.copies:
            continue
        sources[group].add(article)
        for kind, number, _ in owners:
            counts[kind, number] += 1
        kept.append(int(i))
        if len(kept) == options.k:
            break
    return kept


# -- why nothing is found -----------------------------------------------------------------------------------


def require_match(index: Index, options: SearchOptions) -> None:
    """Check that all that the filters name is in the index, and that filters and time leave an article to search.

    A name that no article has is most likely mistyped, so it is refused also where other names pass. Reads the
    summary of every article: for before the first question, or after a search that found nothing. An index without
    articles passes.

    Raises:
        InputError: what matches nothing, and what there is instead.
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
    day = _as_of(index, options)
    if not any(_passes(article, filters) and _in_time(article.published, day, options) for article in articles):
        raise InputError(
            f"no article is {', '.join(_said(filters, day, options))}", f"Leave one out or change it; {_days(articles)}"
        )


def _require_known(what: str, wanted: Iterable[str], known: Iterable[str], *, any_case: bool = False) -> None:
    """Raises: InputError where one of `wanted` is not among `known`, with the nearest of these."""
    there = {name.casefold() if any_case else name: name for name in known if name}
    for name in wanted:
        if (name.casefold() if any_case else name) not in there:
            raise InputError(f"no article has the {what} {name!r}", _nearest(name, there.values()))


def _require_paths(wanted: Sequence[str], paths: Sequence[str]) -> None:
    """Raises: InputError where one of `wanted` is no path, and no folder of one."""
    folders = {path[: at + 1] for path in paths for at, character in enumerate(path) if character == "/"}
    for path in wanted:
        if path not in folders and path not in paths:
            raise InputError(f"the index has no article {path!r}", _nearest(path, [*folders, *paths]))


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return a fix that names what of `known` has `name` in it or is spelled most like it, at most three."""
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


def _passes(article: ArticleSummary, filters: Filters) -> bool:
    """Return whether an article passes, as `Index.select` decides it, which looks at removed articles too."""

    def named(name: str, chosen: Sequence[str]) -> bool:
        return not chosen or name.casefold() in {one.casefold() for one in chosen}

    def below(path: str) -> bool:
        return article.path == path or (path.endswith("/") and article.path.startswith(path))

    first, last = filters.published_from, filters.published_to
    return (
        named(article.outlet, filters.outlets)
        and named(article.author, filters.authors)
        and (not filters.articles or any(below(path) for path in filters.articles))
        and all(article.metadata.get(key) == value for key, value in filters.metadata.items())
        and (not (first or last) or (article.published != "" and first <= article.published <= (last or "9999-12-31")))
    )


def _in_time(published: str, day: date | None, options: SearchOptions) -> bool:
    """Return whether an article of that day is searched on `day`, as `_allowed` decides it."""
    if options.recency != "only":
        return day is None or published <= day.isoformat()
    return day is not None and _first_day(day, options).isoformat() <= published <= day.isoformat()


def _said(filters: Filters, day: date | None, options: SearchOptions) -> Iterator[str]:
    """Yield each thing that an article must be, in words."""
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
    """Return in words when the articles were published."""
    dated = sorted(article.published for article in articles if article.published)
    if not dated:
        return "no article has a day of publication"
    without = f", {len(articles) - len(dated):,} have none" if len(dated) < len(articles) else ""
    days = " to ".join(dict.fromkeys((dated[0], dated[-1])))
    return f"the articles' days of publication are {days}{without}"
