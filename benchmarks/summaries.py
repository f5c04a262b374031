"""Measure summaries of single articles: how much of the article they cover, how far they repeat themselves, and time.

    python benchmarks/summaries.py INDEX [--articles 30] [--model qwen2.5-coder-0.5b] [--show 10]

Articles are drawn evenly by path. Coverage is the mean, over an article's sentences, of the best cosine to a sentence
of the summary. For comparison it is also measured for as many sentences from the start of the article, for the first
three, and for random ones (mean of 20 draws). Repetition is the highest cosine between two sentences of a summary. With
--model the model shortens long sentences; without it each sentence is the article's own. Choosing is timed in seconds
of the processor, the whole summary in seconds of the clock.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from citewire.index.embed import load_embedder
from citewire.index.options import SearchOptions
from citewire.index.passages import sentences, title_words
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Filters, Vectors
from citewire.qa import claims, summary
from citewire.qa.generate.load import load_generator
from citewire.qa.reader import Reader, load_reader
from citewire.qa.types import Generator
from citewire.qa.verdicts import Checker

DRAWS = 20


@dataclass(frozen=True, slots=True)
class Figures:
    """Measurements of one summary; see the top of the file."""

    coverage: float
    start: float
    lead: float
    chance: float
    repetition: float
    points: int
    words: int
    worded: int
    supported: float
    chosen_cpu_s: float
    all_s: float


def coverage(vectors: Vectors, chosen: Vectors) -> float:
    """Return the mean over `vectors` of the best cosine to one of `chosen`."""
    return float((vectors @ chosen.T).max(axis=1).mean())


def measure(
    article: Article, index: Index, embedder: Embedder, reader: Reader, generator: Generator | None
) -> tuple[Figures, list[str]]:
    """Return the figures of one article's summary, and its sentences."""
    begun, begun_cpu = time.perf_counter(), time.process_time()
    selection = summary.select("", index, embedder, reader, SearchOptions(filters=Filters(articles=(article.path,))))
    places = summary.points("", selection, index, embedder, reader)
    chosen_cpu_s = time.process_time() - begun_cpu
    if generator:
        told = list(summary.shortened(places, index.article, generator, Checker(reader)))
    else:
        told = [(summary.plain(one.text), claims.verbatim(one.article, one.span, one.text)) for one in places]
    all_s = time.perf_counter() - begun
    shown = [text for text, _ in told]
    own = [" ".join(article.text[span.start : span.end].split()) for span in sentences(article.text)]
    vectors, chosen = embedder.embed(own), embedder.embed(shown)
    likeness = chosen @ chosen.T - 2 * np.eye(len(chosen))
    chance = np.random.default_rng(0)
    drawn = [chance.choice(len(own), min(len(shown), len(own)), replace=False) for _ in range(DRAWS)]
    figures = Figures(
        coverage(vectors, chosen),
        coverage(vectors, vectors[: len(shown)]),
        coverage(vectors, vectors[:3]),
        statistics.fmean(coverage(vectors, vectors[rows]) for rows in drawn),
        float(likeness.max()) if len(shown) > 1 else 0.0,
        len(shown),
        sum(len(text.split()) for text in shown),
        sum(text != summary.plain(place.text) for text, place in zip(shown, places, strict=True)),
        statistics.fmean(judgement.verdict == "supported" for _, judgement in told),
        chosen_cpu_s,
        all_s,
    )
    return figures, shown


def table(found: Sequence[Figures]) -> str:
    """Return one line for each figure: its mean, and for repetition and seconds the highest value."""
    names = Figures.__dataclass_fields__
    rows = {name: [float(getattr(one, name)) for one in found] for name in names}
    return "\n".join(f"{name:14}{statistics.fmean(row):8.3f}  most {max(row):8.3f}" for name, row in rows.items())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("index", type=Path)
    parser.add_argument("--articles", type=int, default=30)
    parser.add_argument("--model", default="")
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    embedder, reader = load_embedder(threads=args.threads), load_reader(args.threads)
    generator = load_generator(args.model, threads=args.threads) if args.model else None
    found = []
    with Index.open(args.index, embedder) as index:
        paths = [one.path for one in index.articles()]
        for n, path in enumerate(paths[:: max(1, len(paths) // args.articles)][: args.articles]):
            article = index.article(path)
            figures, shown = measure(article, index, embedder, reader, generator)
            found.append(figures)
            if n < args.show:
                print(f"\n{title_words(article)} ({len(article.text.split())} words)")
                print("\n".join(f"- {text}" for text in shown))
    print(f"\n{len(found)} articles\n{table(found)}")


if __name__ == "__main__":
    main()
