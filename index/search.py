"""Question -> ranked passages: dense and lexical rankings, fused.

Knows how the two rankings are asked for and combined. Does not know how either is stored, nor what an
answer is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from citewire.index.errors import InputError
from citewire.index.store import Index
from citewire.index.types import Embedder, Hit

CANDIDATES = 50  # passages of each ranking that are fused
RRF_K = 60  # Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet ...", SIGIR 2009
MAX_TERMS = 64  # of a question that BM25 looks for; time grows with each

# English function words, and the words that make a sentence a question: they are in nearly every passage.
_FUNCTION_WORDS = """
    a about after all also an and any are as at be because been before being but by can could did do does
    doing don doesn didn for from give had has have he her here him his how i if in into is isn it its
    just list many me more most much my name no not of on or our out over please she should so some such
    tell than that the their them then there these they this those to under up us was wasn we were weren
    what when where which while who whom whose why will with would you your
"""
STOP_WORDS = frozenset(_FUNCTION_WORDS.split())


def search(index: Index, embedder: Embedder, question: str, k: int = 10) -> list[Hit]:
    """Return the `k` passages of `index` that fit `question` best, best first.

    The `CANDIDATES` nearest vectors and the `CANDIDATES` best by BM25 are fused by reciprocal rank.

    Raises:
        InputError: `k` is below 1.
    """
    if k < 1:
        raise InputError(f"cannot return {k} passages", "Ask for at least 1")
    if index.passages == 0:
        return []
    vector = embedder.embed([question])[0]
    match = match_expression(question)
    wanted = max(CANDIDATES, k)
    dense = [row for row, _ in index.search_dense(vector, wanted)]
    lexical = [row for row, _ in index.search_bm25(match, wanted)]
    best = fuse([dense, lexical])[:k]
    rows = [row for row, _ in best]
    cosines, bm25s = index.cosines(vector, rows), index.bm25s(match, rows)
    return [
        Hit(passage, score, cosines[row], bm25s.get(row, 0.0))
        for passage, (row, score) in zip(index.fetch(rows), best, strict=True)
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


_ELISION = re.compile(r"['’](?:s|t|d|m|ll|re|ve)$")
_TOKEN = re.compile(r"[^\W_]+")


def match_expression(question: str) -> str:
    """Return the FTS5 query for any of the question's terms, "" where it has none.

    A word of several tokens becomes a phrase, beside its longer parts. Every term is quoted, so that
    nothing in a question is an operator.

    >>> match_expression("What were Canaan's Q4 sales, year-to-date?")
    '"canaan" OR "q4" OR "sales" OR "year to date" OR "year" OR "date"'
    """
    terms: dict[str, None] = {}
    for word in question.lower().split():
        tokens = _TOKEN.findall(_ELISION.sub("", word.strip("\"'“”‘’.,;:!?()[]")))
        if len(tokens) > 1:
            terms[" ".join(tokens)] = None
            tokens = [token for token in tokens if len(token) > 2]
        terms.update(dict.fromkeys(token for token in tokens if token not in STOP_WORDS))
    return " OR ".join(f'"{term}"' for term in list(terms)[:MAX_TERMS])
