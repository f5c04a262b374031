"""Measure hits@1, @4, @10, @20 and MRR@10 by article on questions about dated news, also with parts of the search off.

    python benchmarks/retrieval.py CORPUS.jsonl[.gz] QUESTIONS.jsonl [--cache FOLDER] [--json FILE]

A record of the corpus has id, url, title, date and text. A record of the questions has id, question, date (the day it
was asked) and gold_docs (ids in the corpus). The answer choices are not used. An article's rank is that of its first
passage. The cache folder keeps the index for later runs; without it the index is made each time.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np

from citewire.index import segment
from citewire.index import vectors as vectors_on_disk
from citewire.index.build import build_index
from citewire.index.embed import load_embedder
from citewire.index.options import SearchOptions, Weights
from citewire.index.query import terms
from citewire.index.search import fuse, search
from citewire.index.store import Index
from citewire.index.types import Embedder, Vectors

RANKS = (1, 4, 10, 20)
DEPTH = 400  # passages asked for: they give more than 20 articles
HALVINGS = 200  # random halves of the questions, for the standard deviation

Ranking = Callable[[dict], list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--cache", type=Path, help="keep the index here")
    parser.add_argument("--json", type=Path, help="write the rank of every question here")
    options = parser.parse_args()
    questions = [json.loads(line) for line in options.questions.read_text(encoding="utf-8").splitlines()]
    with nullcontext(options.cache) if options.cache else tempfile.TemporaryDirectory() as folder:
        embedder = load_embedder()
        with open_index(options.corpus, Path(folder), embedder) as index:
            found = report(index, Cached(embedder), questions)
            report_compressed(index, Cached(embedder), questions)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


class Cached:
    """An embedder that embeds each question once for all rows of the table."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self._known = embedder, {}

    def embed_query(self, question: str) -> Vectors:
        """Return the unit vector of a question."""
        if question not in self._known:
            self._known[question] = self._embedder.embed_query(question)
        return self._known[question]


def open_index(corpus: Path, folder: Path, embedder: Embedder) -> Index:
    """Index the corpus in `folder`, or open the index that is there."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = folder / "corpus.jsonl"
    if not plain.exists():
        opened = gzip.open if corpus.suffix == ".gz" else open
        with opened(corpus, "rb") as source, plain.open("wb") as target:
            shutil.copyfileobj(source, target)
    started = time.monotonic()
    made = build_index([plain], folder / "index", embedder)
    took = time.monotonic() - started
    print(f"{made.new + made.unchanged} articles, {made.passages} passages, {made.embedded} embedded in {took:.0f} s\n")
    return Index.open(folder / "index", embedder)


def report(index: Index, embedder: Cached, questions: Sequence[dict]) -> dict[str, list[int]]:
    """Print the table and return every question's rank by row of the table; 0 if no gold article was found."""
    print(f"{'':44}" + "".join(f"@{k:<6}" for k in RANKS) + "MRR@10  half-sample spread")
    ranks: dict[str, list[int]] = {}
    for name, ranking, title_weight in rankings(index, embedder):
        before, segment.TITLE_WEIGHT = segment.TITLE_WEIGHT, segment.TITLE_WEIGHT if title_weight is None else 0.0
        ranks[name] = [rank(ranking(question), question) for question in questions]
        segment.TITLE_WEIGHT = before
        print(line(name, ranks[name]), flush=True)
    return ranks


def rankings(index: Index, embedder: Cached) -> list[tuple[str, Ranking, float | None]]:
    """Return the rows of the table: name, function that ranks the articles, weight of titles (None: the default)."""
    full = SearchOptions(k=DEPTH, recency="prefer")

    def plain(*ways: str) -> Ranking:
        def ranked(question: dict) -> list[str]:
            found = {
                "dense": lambda: index.search_dense(embedder.embed_query(question["question"]), DEPTH),
                "bm25": lambda: index.search_bm25(terms(question["question"]), DEPTH),
            }
            rows = [row for row, _ in fuse([[row for row, _ in found[way]()] for way in ways])]
            return [passage.article for passage in index.fetch(rows[:DEPTH])]

        return ranked

    def added(recency: str = "prefer", as_of: bool = True, **weights: float) -> Ranking:
        def ranked(question: dict) -> list[str]:
            day = question["date"].replace("/", "-") if as_of else ""
            options = replace(full, recency=recency, as_of=day, weights=Weights(**weights))
            return [hit.passage.article for hit in search(index, embedder, question["question"], options)]

        return ranked

    return [
        ("dense", plain("dense"), None),
        ("BM25", plain("bm25"), None),
        ("BM25, titles weigh 0", plain("bm25"), 0.0),
        ("dense + BM25 by RRF", plain("dense", "bm25"), None),
        ("scored, no date known", added("off", as_of=False), None),
        ("scored, nothing from after the day", added("off"), None),
        ("scored, newer where the question says so", added("auto"), None),
        ("scored, newer preferred (all additions)", added(), None),
        ("  without BM25 (dense with additions)", added(lexical=0, focus=0), None),
        ("  without dense (BM25 with additions)", added(meaning=0), None),
        ("  without focus", added(focus=0), None),
        ("  without the passage's BM25", added(lexical=0), None),
        ("  titles weigh 0 in BM25", added(), 0.0),
        ("  without freshness", added(freshness=0), None),
        ("  freshness weighs 1", added(freshness=1), None),
        ("  freshness weighs 3", added(freshness=3), None),
        ("  without named times", added(period=0), None),
    ]


def report_compressed(index: Index, embedder: Cached, questions: Sequence[dict]) -> None:
    """Print the share of the true ten nearest passages that the search of a large segment finds, and its time."""
    vectors = np.concatenate([entry.vectors for entry in index.entries()])
    asked = np.stack([embedder.embed_query(question["question"]) for question in questions])
    nearest = np.argsort(-(asked @ vectors.T), axis=1, kind="stable")[:, :10]
    with tempfile.TemporaryDirectory() as name, patch.object(vectors_on_disk, "FLAT_ROWS", 0):
        with (Path(name) / "raw").open("w+b") as raw:
            raw.write(vectors.tobytes())
            scan, _ = vectors_on_disk.write_vectors(Path(name), raw, vectors.shape[1])
        file = vectors_on_disk.VectorFile(Path(name), vectors.shape[1], scan)
        started = time.perf_counter()
        found = [[row for row, _ in file.search(vector, 10, None)] for vector in asked]
        took = (time.perf_counter() - started) / len(asked)
    shared = statistics.mean(len({*a} & {*b}) / 10 for a, b in zip(found, nearest.tolist(), strict=True))
    print(f"\ncompressed vectors, {scan.probes} of {scan.lists} lists: recall@10 {shared:.3f}, {1000 * took:.1f} ms")


def rank(articles: Sequence[str], question: dict) -> int:
    """Return the rank of the first gold article, from 1; 0 if `articles` has none."""
    gold = {str(number) for number in question["gold_docs"]}
    ranked = list(dict.fromkeys(article.rpartition("#")[2] for article in articles))
    return next((place for place, article in enumerate(ranked, start=1) if article in gold), 0)


def line(name: str, ranks: Sequence[int]) -> str:
    shares = "".join(f"{sum(0 < r <= k for r in ranks) / len(ranks):.3f}  " for k in RANKS)
    halves = [mrr(random.Random(seed).sample(ranks, len(ranks) // 2)) for seed in range(HALVINGS)]
    return f"{name:44}{shares}{mrr(ranks):.3f}   +-{statistics.stdev(halves):.3f}"


def mrr(ranks: Sequence[int]) -> float:
    return sum(1 / r for r in ranks if 0 < r <= 10) / len(ranks)


if __name__ == "__main__":
    main()
