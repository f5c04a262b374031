"""Question -> ranked passages.

    dense ranking, BM25 ranking (, RETRIEVERS)  -> reciprocal rank fusion -> candidates
    each candidate                              -> score = relevance + time (+ reranker) -> caps -> hits

Does not know how the rankings are stored, nor what an answer is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from citewire.index.options import SearchOptions
from citewire.index.query import Times, terms, times
from citewire.index.scope import allowed_rows, as_of
from citewire.index.segment import EPOCH, UNDATED
from citewire.index.store import Index
from citewire.index.types import Embedder, Hit, Vectors

DENSE = 200  # passages of the dense ranking that are fused
LEXICAL = 1000  # passages of the BM25 ranking that are fused; many, as `Weights.focus` is computed from them
CANDIDATES = 400  # passages that are scored, the best of the fused ranking
RRF_K = 60  # Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet ...", SIGIR 2009

FRESH_DAYS = 3  # an article of at most this age is as fresh as one of today
RERANKED = 50  # best candidates that a reranker scores; each takes milliseconds

Numbers = NDArray[np.float64]
Positions = NDArray[np.int64]


class Reranker(Protocol):
    """Scores pairs of question and passage, as a cross-encoder does."""

    def score(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return how well each text answers the question, 0 to 1; higher is better."""
        ...


class Retriever(Protocol):
    """Ranks passages in its own way, beside the dense ranking and BM25."""

    def __call__(
        self, index: Index, question: str, allowed: NDArray[np.bool_] | None, k: int
    ) -> Sequence[tuple[int, float]]:
        """Return (row, score) of at most `k` passages, the best first; scores are 0 or more.

        Args:
            index: the index to search.
            question: the question.
            allowed: for each row, whether it may be found; None if all may.
            k: most passages.
        """
        ...


# A new retriever is a function and its line here: its weight in `Hit.score`, where its best passage counts 1.0.
RETRIEVERS: tuple[tuple[Retriever, float], ...] = ()


def search(
    index: Index,
    embedder: Embedder,
    question: str,
    options: SearchOptions | int = 10,
    reranker: Reranker | None = None,
) -> list[Hit]:
    """Return the best passages for `question`, best first.

    `Hit.score` is the weighted sum of the features in `options.Weights`; higher is better, comparable only within one
    search. Caps and filters may leave fewer than `k` hits.

    Args:
        index: the index to search.
        embedder: the embedder that the index was made with.
        question: the question.
        options: what to return and to prefer; a number k stands for `SearchOptions(k=k)`.
        reranker: adds its scores to the `RERANKED` best candidates, which stay before the others.

    Raises:
        InputError: `options` is a number below 1.
        ModelError: the embedder or the reranker cannot be used.
    """
    chosen = SearchOptions(k=options) if isinstance(options, int) else options
    if index.passages == 0:
        return []
    day = as_of(index, chosen)
    asked = times(question, day.isoformat() if day else "")
    allowed, empty = allowed_rows(index, chosen, day)
    if empty:
        return []
    vector, words = embedder.embed_query(question), terms(question)
    candidates = _candidates(index, question, vector, words, allowed, chosen.k)
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


def fuse(rankings: Sequence[Sequence[int]]) -> list[tuple[int, float]]:
    """Fuse rankings of rows; return (row, score), the best first: score = sum of 1 / (RRF_K + rank), rank from 1.

    Ties are sorted by row.

    >>> [row for row, score in fuse([[7, 8], [8, 9]])]
    [8, 7, 9]
    """
    scores: defaultdict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, row in enumerate(ranking, start=1):
            scores[row] += 1.0 / (RRF_K + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


# -- scores -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The candidates and their relevance features; element i of each array belongs to candidate i.

    Attributes:
        rows: row in the index.
        articles: position of its article in `Index.table`.
        bm25s: BM25; 0 outside of the `LEXICAL` best, as scoring more rows takes too long.
        cosines: cosine similarity with the question.
        focus: mean BM25 of the passages of its article.
        added: weighted scores of `RETRIEVERS`.
    """

    rows: Positions
    articles: Positions
    bm25s: Numbers
    cosines: Numbers
    focus: Numbers
    added: Numbers


def _scores(index: Index, candidates: _Candidates, asked: Times, day: date | None, options: SearchOptions) -> Numbers:
    """Return the score of each candidate before reranking."""
    weights = options.weights
    scores = weights.lexical * _share(candidates.bm25s)
    scores += weights.focus * _share(candidates.focus)
    scores += weights.meaning * candidates.cosines + candidates.added
    if options.recency in ("prefer", "only") or (options.recency == "auto" and asked.newest):
        scores += weights.freshness * _freshness(index, candidates.articles, day, options.half_life)
    if options.recency != "off" and asked.periods:
        scores += weights.period * _in_period(index, candidates, asked)
    return scores


def _share(values: Numbers) -> Numbers:
    """Divide non-negative values by their maximum."""
    highest = values.max(initial=0.0)
    return values / highest if highest > 0 else values


def _candidates(
    index: Index, question: str, vector: Vectors, words: Sequence[str], allowed: NDArray[np.bool_] | None, k: int
) -> _Candidates:
    others = [(dict(retrieve(index, question, allowed, max(DENSE, k))), weight) for retrieve, weight in RETRIEVERS]
    with ThreadPoolExecutor(1) as beside:  # FAISS and SQLite release the GIL
        nearest = beside.submit(index.search_dense, vector, max(DENSE, k), allowed)
        lexical = dict(index.search_bm25(words, max(LEXICAL, k), allowed))
        dense = dict(nearest.result())
    rankings = [list(dense), list(lexical), *(list(found) for found, _ in others)]
    fused = [row for row, _ in fuse(rankings)[: max(CANDIDATES, k)]]
    cosines = dense | index.cosines(vector, [row for row in fused if row not in dense])
    rows = np.array(fused, np.int64)
    articles = index.table.positions(fused)
    added = np.zeros(len(fused))
    for found, weight in others:
        added += weight * _share(np.array([found.get(row, 0.0) for row in fused], np.float64))
    focus = np.zeros(len(index.table.counts))
    np.add.at(focus, index.table.positions(list(lexical)), list(lexical.values()))
    return _Candidates(
        rows,
        articles,
        np.array([lexical.get(row, 0.0) for row in fused], np.float64),
        np.array([cosines[row] for row in fused], np.float64),
        focus[articles] / index.table.counts[articles],
        added,
    )


def _freshness(index: Index, articles: Positions, day: date | None, half_life: float) -> Numbers:
    """Return 1.0, halved for every `half_life` days of age; an undated article counts as one half-life old."""
    published = index.table.published[articles].astype(np.int64)
    dated = published != UNDATED
    today = day.toordinal() - EPOCH if day else published.max(where=dated, initial=UNDATED)
    age = np.where(dated, np.maximum(today - published - FRESH_DAYS, 0), half_life)
    freshness: Numbers = np.exp2(-age / half_life)
    return freshness


def _in_period(index: Index, candidates: _Candidates, asked: Times) -> NDArray[np.bool_]:
    """Return which candidates were published in a period that the question names, or name it themselves."""
    published = index.table.published[candidates.articles]
    named = index.bm25s(asked.names, candidates.rows.tolist())
    found = np.isin(candidates.rows, list(named))
    for first, last in asked.periods:
        begin, end = (date.fromisoformat(day).toordinal() - EPOCH for day in (first, last))
        found |= (published >= begin) & (published <= end)
    return found


def _capped(index: Index, articles: Positions, order: Positions, options: SearchOptions) -> list[int]:
    """Return the first `k` of `order` that keep within the limits per article, per group and of copies."""
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
