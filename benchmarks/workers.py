"""Time to index articles in one process, and on Ray with 1 and 2 processes.

    python benchmarks/workers.py FOLDER

Prints the passages per second of each and their ratio, best of two rounds. Ray's start is not counted. Run it where at
least three cores are free: beside the processes of Ray, this one writes the index. The one process has one thread.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import nullcontext
from pathlib import Path

from citewire.index.build import build_index
from citewire.index.embed import load_embedder
from citewire.index.on_ray import LOCAL, connected
from citewire.index.workers import HERE, Workers


def rate(articles: Path, workers: Workers) -> float:
    """Return the passages per second of a new index, after one of the same articles that loads the models."""
    embedder = load_embedder(threads=1)
    rates = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            made = build_index([articles], Path(folder) / "index", embedder, workers=workers)
            rates.append(made.passages / made.seconds)
    return max(rates[1:])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("articles", type=Path, help="a folder of articles")
    articles = parser.parse_args().articles
    rates = {}
    for name, processes in (("one process", 0), ("Ray, 1", 1), ("Ray, 2", 2)):
        with connected(LOCAL, processes) if processes else nullcontext(HERE) as workers:
            rates[name] = rate(articles, workers)
        print(f"{name:12} {rates[name]:8.1f} passages/s", flush=True)
    print(f"2 processes of Ray: {rates['Ray, 2'] / rates['Ray, 1']:.2f} times as many as 1")


if __name__ == "__main__":
    main()
