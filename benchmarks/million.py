"""How an index behaves as it grows: build, disk, memory, opening, searching, adding.

    python benchmarks/million.py [--passages 1000000] [--folder DIR] [--json FILE]

The articles are synthetic: sentences of made-up words with the frequencies of a language (Zipf), a topic an article.
The code is citewire's own from the files to the answer of a search; only the embedder is replaced by sums of random
word vectors, as the real one would take hours for a million passages (its speed is `benchmarks/embedding.py`). Texts
that share words are near each other under it as under the real one. Queries are words drawn from a passage.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np

from citewire.index.build import build_index
from citewire.index.options import SearchOptions
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Filters, Vectors

WORDS = 100_000  # of the vocabulary
TOPICS = 2_000
WORDS_OF_TOPIC = 150
SENTENCE = 16
SENTENCES = 50  # of an article: ten passages
ARTICLE_PASSAGES = 10
QUERIES = 300


class WordVectors:
    """An embedder: the sum of a random vector a word, words by their share of information, length 1."""

    fingerprint = "random word vectors"
    dimension = 384

    def __init__(self) -> None:
        self._vectors = np.random.default_rng(5).standard_normal((WORDS, self.dimension)).astype(np.float32)
        self._vectors *= np.log(np.arange(2, WORDS + 2))[:, None].astype(np.float32)  # a rare word says more
        self.seconds = 0.0

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text."""
        started = time.perf_counter()
        found = np.stack([self._vectors[[number(word) for word in text.split()]].sum(axis=0) for text in texts])
        self.seconds += time.perf_counter() - started
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    def embed_query(self, question: str) -> Vectors:
        """Return the unit vector of a question."""
        return self.embed([question])[0]


CONSONANTS, VOWELS = "bdfgklmnprstvz", "aeiou"
SYLLABLES = [c + v for c in CONSONANTS for v in VOWELS]


def word(rank: int) -> str:
    """Return the made-up word of a frequency rank: its digits in base 70 as syllables, the first rank "x" + "ba"."""
    digits = []
    while True:
        rank, digit = divmod(rank, len(SYLLABLES))
        digits.append(SYLLABLES[digit])
        if not rank:
            return "x" + "".join(digits)


RANKS = {word(rank): rank for rank in range(WORDS)}


def number(token: str) -> int:
    """Return the rank of a token, of the commonest word where it is none."""
    return RANKS.get(token.strip(".,").lower(), 0)


def write_articles(folder: Path, passages: int) -> None:
    """Write articles of about `ARTICLE_PASSAGES` passages each, a thousand a folder."""
    random = np.random.default_rng(3)
    vocabulary = np.array([word(rank) for rank in range(WORDS)], dtype=object)
    shares = 1 / np.arange(1, WORDS + 1)
    common = np.cumsum(shares / shares.sum())
    topics = random.integers(100, WORDS, (TOPICS, WORDS_OF_TOPIC))
    for article in range(passages // ARTICLE_PASSAGES):
        ranks = np.searchsorted(common, random.random((SENTENCES, SENTENCE))).clip(max=WORDS - 1)
        of_topic = random.random(ranks.shape) < 0.3
        ranks[of_topic] = random.choice(topics[random.integers(TOPICS)], int(of_topic.sum()))
        sentences = [" ".join(row).capitalize() + "." for row in vocabulary[ranks]]
        paragraphs = [" ".join(sentences[start : start + 3]) for start in range(0, SENTENCES, 3)]
        place = folder / f"{article // 1000:04d}"
        place.mkdir(exist_ok=True)
        (place / f"{article:07d}.txt").write_text("\n\n".join(paragraphs), encoding="utf-8")


def queries(index: Index) -> list[str]:
    """Return five words of a passage each, as rare as those of a question."""
    random = np.random.default_rng(9)
    found = []
    for row in random.integers(0, index.rows, QUERIES):
        ranked = sorted({w.strip(".").lower() for w in index.fetch([int(row)])[0].text.split()}, key=number)
        found.append(" ".join(random.choice(ranked[len(ranked) // 3 :], 5, replace=False)))
    return found


def recall(index: Index, embedder: WordVectors, asked: Sequence[str]) -> float:
    """Return the share of the true ten nearest passages that the index finds."""
    vectors = embedder.embed(asked)
    heap = faiss.ResultHeap(len(asked), 10, keep_max=True)
    step = 100_000
    for start in range(0, index.rows, step):
        rows = range(start, min(start + step, index.rows))
        block = np.concatenate([part.segment.vectors(local) for part, local in index._by_part(rows)])
        scores, numbers = faiss.knn(vectors, block, 10, metric=faiss.METRIC_INNER_PRODUCT)
        heap.add_result(scores, numbers + start)
    heap.finalize()
    found = [{row for row, _ in index.search_dense(vector, 10)} for vector in vectors]
    return statistics.mean(len(a & set(b)) / 10 for a, b in zip(found, heap.I.tolist(), strict=True))


def filtered(index: Index, embedder: WordVectors, asked: Sequence[str]) -> float:
    """Return the p95 in ms of searches that look at a tenth of the articles."""
    options = SearchOptions(filters=Filters(articles=tuple(f"{thousand:04d}/" for thousand in range(3, 120, 10))))
    times = []
    for question in asked[:100]:
        before, started = embedder.seconds, time.perf_counter()
        search(index, embedder, question, options)
        times.append(time.perf_counter() - started - (embedder.seconds - before))
    return 1000 * sorted(times)[95]


def measure(folder: Path, passages: int) -> dict[str, float]:
    articles, place = folder / "articles", folder / "index"
    articles.mkdir()
    write_articles(articles, passages)
    embedder = WordVectors()
    report = build_index([articles], place, embedder, tell())
    figures: dict[str, float] = {"passages": report.passages, "build_s": report.seconds, "embedder_s": embedder.seconds}
    figures["build_memory_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    figures["text_gb"] = sum(file.stat().st_size for file in articles.rglob("*.txt")) / 1e9
    figures["disk_gb"] = sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) / 1e9
    started = time.perf_counter()
    with Index.open(place, embedder) as index:
        figures["open_s"] = time.perf_counter() - started
        asked = queries(index)
        times = []
        for question in asked:
            before, started = embedder.seconds, time.perf_counter()
            search(index, embedder, question)
            times.append(time.perf_counter() - started - (embedder.seconds - before))
        figures["first_query_ms"] = 1000 * times[0]
        ranked = sorted(times[1:])
        figures["p50_ms"], figures["p95_ms"] = (1000 * ranked[int(len(ranked) * share)] for share in (0.5, 0.95))
        figures["filtered_p95_ms"] = filtered(index, embedder, asked)
        figures["recall_at_10"] = recall(index, embedder, asked)
        figures["segments"] = len(index.parts)
    added = folder / "new.txt"
    added.write_text("Xylophone players met in a town. " + word(77_777).capitalize() + " was played.", encoding="utf-8")
    started = time.perf_counter()
    build_index([added], place, embedder, mirror=False)
    with Index.open(place, embedder) as index:
        first = search(index, embedder, "xylophone " + word(77_777))[0]
        figures["add_s"] = time.perf_counter() - started
        assert first.passage.article == "new.txt"
    return figures


def tell():
    """Return a progress callback that prints a line a minute."""
    started = last = time.monotonic()

    def progress(what: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > 30:
            last = time.monotonic()
            print(f"{last - started:6.0f} s  {what}: {done:,} of {total:,}", flush=True)

    return progress


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to work; a million passages take 8 GB")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        figures = measure(work, options.passages)
    finally:
        shutil.rmtree(work)
    for name, value in figures.items():
        print(f"{name:16} {value:,.3f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
