"""Compare citewire's embedding with sentence-transformers' own encode(): speed, and similarity of the vectors.

    python benchmarks/embedding.py [PATH ...] [--passages 512] [--questions FILE] [--embedder FOLDER] [--threads N]

PATH is an input of `citewire index`; the default is the articles in seeds/. The passages are shuffled and embedded in
slices. Both embed each slice in turn, so a busy machine slows both equally. A ratio above 1 means that citewire is
faster. Similarity is measured over all passages, with the questions of FILE (one a line, or .jsonl with "question") or
else the first sentences of the articles: the cosine of the two vectors of a text, the shared part of the ten nearest
passages, and how often the nearest passage is the same. The last lines show the arithmetic limit: operations of a
passage in the linear layers and in attention, and the rate of torch in a large float32 product on one core.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from citewire.index.articles import read_articles
from citewire.index.embed import default_folder, embed_all, load_embedder
from citewire.index.passages import embedded_text, passages
from citewire.index.types import Article, Vectors
from citewire.seeds import seeds_folder

SLICE = 128
NEAREST = 10


def texts_of(paths: Sequence[Path], count: int) -> tuple[list[str], list[str]]:
    """Return `count` random passages in the form that is embedded, and the first sentence of each article."""
    articles = [article for article in read_articles(paths) if isinstance(article, Article)]
    random.Random(0).shuffle(articles)
    texts, questions = [], []
    for article in articles:
        cut = passages(article)
        texts += [embedded_text(article, passage) for passage in cut]
        questions += [article.text[span.start : span.end] for passage in cut[:1] for span in passage.sentences[:1]]
        if len(texts) > 4 * count:
            break
    random.Random(0).shuffle(texts)
    return texts[:count], questions


def questions_of(file: Path) -> list[str]:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [json.loads(line)["question"] for line in lines] if file.suffix == ".jsonl" else lines


def slices(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), SLICE):
        yield texts[start : start + SLICE]


def timed(embed: Callable[[Sequence[str]], Vectors], texts: Sequence[str]) -> tuple[float, Vectors]:
    started = time.perf_counter()
    vectors = embed(texts)
    return time.perf_counter() - started, vectors


def nearness(ours: tuple[Vectors, Vectors], theirs: tuple[Vectors, Vectors]) -> None:
    cosines = (ours[0] * theirs[0]).sum(axis=1)
    print(f"cosine of a passage's two vectors: mean {cosines.mean():.4f}, least {cosines.min():.4f}")
    found = np.argsort(-(ours[1] @ ours[0].T), axis=1, kind="stable")[:, :NEAREST]
    expected = np.argsort(-(theirs[1] @ theirs[0].T), axis=1, kind="stable")[:, :NEAREST]
    shared = [len({*a} & {*b}) / NEAREST for a, b in zip(found.tolist(), expected.tolist(), strict=True)]
    print(
        f"{len(found)} questions, {len(ours[0])} passages: the nearest {NEAREST} shared {statistics.mean(shared):.3f},"
        f" the nearest one the same {(found[:, 0] == expected[:, 0]).mean():.3f}"
    )


def limits(model: SentenceTransformer, texts: Sequence[str]) -> None:
    config = model[0].auto_model.config
    lengths = np.array([len(ids) for ids in model.tokenizer(list(texts), truncation=True)["input_ids"]])
    wide, hidden = config.intermediate_size, config.hidden_size
    linear = 2 * config.num_hidden_layers * (4 * hidden * hidden + 2 * hidden * wide) * lengths
    attention = 4 * config.num_hidden_layers * hidden * lengths**2
    print(f"{lengths.mean():.0f} tokens and {(linear + attention).mean() / 1e9:.2f} billion operations a passage")
    torch.set_num_threads(1)
    left, right = torch.rand(2048, hidden), torch.rand(hidden, wide)
    best = min(timed(lambda _: (left @ right).numpy(), [])[0] for _ in range(50))
    print(f"{2 * 2048 * hidden * wide / best / 1e9:.0f} billion float32 operations a second on one core")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH")
    parser.add_argument("--passages", type=int, default=512)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--embedder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=("int8", "float32"), default="int8")
    options = parser.parse_args()
    texts, questions = texts_of(options.paths or [seeds_folder()], options.passages)
    questions = questions_of(options.questions) if options.questions else questions

    embedder = load_embedder(options.embedder, threads=options.threads, precision=options.precision)
    torch.set_num_threads(options.threads)
    model = SentenceTransformer(str(options.embedder or default_folder()), device="cpu", local_files_only=True)
    ways: dict[str, Callable[[Sequence[str]], Vectors]] = {
        "sentence-transformers": lambda texts: model.encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False
        ),
        f"citewire ({embedder.backend} {options.precision})": lambda texts: embed_all(embedder, texts)(),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    vectors: dict[str, list[Vectors]] = {name: [] for name in ways}
    for embed in ways.values():
        embed(texts[:8])  # loads the model
    for part in slices(texts):
        for name, embed in ways.items():
            took, made = timed(embed, part)
            seconds[name].append(took)
            vectors[name].append(made)
    for name, took in seconds.items():
        print(f"{name}: {len(texts) / sum(took):.1f} passages a second")
    theirs, ours = seconds.values()
    ratios = [their / our for their, our in zip(theirs, ours, strict=True)]
    print(f"ratio: {sum(theirs) / sum(ours):.2f} over all, {statistics.median(ratios):.2f} the median slice")
    made = [np.concatenate(parts) for parts in vectors.values()]
    asked_of_theirs = model.encode(questions, normalize_embeddings=True, show_progress_bar=False)
    asked_of_ours = np.array([embedder.embed_query(question) for question in questions])
    nearness((made[1], asked_of_ours), (made[0], asked_of_theirs))
    limits(model, texts)


if __name__ == "__main__":
    main()
