"""Measure what `plan.py` needs of PostgreSQL: bytes a passage, and seconds of a core to write and to index vectors.

    python benchmarks/plan_rates.py [--passages 4000,16000]

The articles are those of `growth.py`, so the bytes can be compared with a folder's. Seconds are those that a core
spends in the server and in the client, not those of a clock: other work on the machine changes them less. One process
builds the HNSW index. How many vectors its graph holds in a given memory is what the server says when it is full.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
import psycopg
from growth import WordVectors, write_articles
from postgres import Postgres, running

from citewire.index.build import build_index

SMALL_MB = 8  # memory in which no graph of the sizes here fits


def server_s(server: Postgres) -> float:
    """Return the seconds that a core has worked for a server."""
    first = int((server.data / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    ended = fields(first)[13:15]  # of the children that ended
    ticks = sum(ended) + sum(sum(fields(int(child))[11:13]) for child in children)
    return ticks / os.sysconf("SC_CLK_TCK")


def fields(process: int) -> list[int]:
    """Return the numbers of /proc/N/stat from its fourth field on; item 11 is utime, 13 cutime."""
    return [0, *map(int, Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1:])]


def measure(server: Postgres, passages: int, folder: Path) -> None:
    write_articles(folder, passages)
    where, embedder, full = server.database(), WordVectors(), list[int]()
    client, before = time.process_time(), server_s(server)
    rows = build_index([folder], where, embedder).passages
    print(f"{rows:,} passages: client {time.process_time() - client - embedder.seconds:.1f} s", end="")
    print(f", server {server_s(server) - before:.1f} s with any HNSW index")
    with psycopg.connect(where.url, autocommit=True) as connection:
        connection.execute("SET search_path = citewire, public; SET max_parallel_maintenance_workers = 0")
        connection.add_notice_handler(
            lambda told: full.extend(map(int, re.findall(r"after (\d+)", told.message_primary or "")))
        )
        for memory in (512, SMALL_MB):
            connection.execute(f"DROP INDEX IF EXISTS passages_nearest; SET maintenance_work_mem = '{memory}MB'")
            before = server_s(server)
            connection.execute("CREATE INDEX passages_nearest ON passages USING hnsw (vector vector_ip_ops)")
            print(f"  HNSW index in {memory} MB: {server_s(server) - before:.1f} s; full after {full}")
        query = (
            "SELECT relname, pg_table_size(oid) FROM pg_class "
            "WHERE relnamespace = 'citewire'::regnamespace AND relkind IN ('r', 'i')"
        )
        sizes = {name: size / rows for name, size in connection.execute(query) if size > rows}
        print("  bytes a passage:", ", ".join(f"{name} {size:.0f}" for name, size in sizes.items()))
        print(f"  together {sum(sizes.values()):.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", default="4000,16000")
    sizes = [int(size) for size in parser.parse_args().passages.split(",")]
    with tempfile.TemporaryDirectory() as work, running() as server:
        for size in sizes:
            measure(server, size, Path(work) / str(size))


if __name__ == "__main__":
    main()
