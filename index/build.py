"""Paths -> a new generation of an index that mirrors them.

Knows the order of the stages and what can be taken over from the previous generation. Does not print:
progress goes to a callback, the result is a report.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from citewire.index.articles import Reading, Rejected, read_articles
from citewire.index.embed import Progress, embed_all
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.passages import embedding_text, passages
from citewire.index.store import Content, Index, Writer
from citewire.index.types import Article, Embedder, Passage, Vectors


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What `build_index` did.

    Attributes:
        generation: the current generation; the previous one where nothing changed.
        published: whether a new generation was written.
        new, changed, unchanged, removed: numbers of articles against the previous generation.
        rejected: files that were left out, with reason and fix.
        passages: passages in the index.
        embedded: passages that had to be embedded; the other vectors were taken over.
        seconds: wall clock.
    """

    generation: int
    published: bool
    new: int
    changed: int
    unchanged: int
    removed: int
    rejected: tuple[Rejected, ...]
    passages: int
    embedded: int
    seconds: float


def build_index(
    paths: Sequence[Path], folder: Path, embedder: Embedder, progress: Progress | None = None
) -> BuildReport:
    """Make the index in `folder` mirror the articles at `paths`.

    Articles whose bytes and metadata are as in the previous generation keep their vectors; where all are,
    nothing is written. Until the last step the previous generation stays current, so an interrupt costs
    only the work done.

    Args:
        paths: .txt files and folders.
        folder: the index, made where missing.
        embedder: what turns passages into vectors; another one than before embeds everything again.
        progress: called with (passages embedded, passages to embed).

    Raises:
        InputError: wrong paths or metadata, a folder that is no index, or another process that writes.
        ModelError: the embedder cannot be used.
    """
    started = time.monotonic()
    reading = read_articles(paths)
    with Writer(folder) as writer:
        previous = _open_previous(folder, embedder)
        try:
            return _build(reading, previous, writer, embedder, progress, started)
        finally:
            if previous is not None:
                previous.close()


def _open_previous(folder: Path, embedder: Embedder) -> Index | None:
    """Return the current generation, None where there is none that fits: then everything is made anew."""
    try:
        return Index.open(folder, embedder)
    except (InputError, IndexFormatError):
        return None


def _build(
    reading: Reading,
    previous: Index | None,
    writer: Writer,
    embedder: Embedder,
    progress: Progress | None,
    started: float,
) -> BuildReport:
    before = {article.path: article.sha256 for article in previous.articles()} if previous else {}
    now = {article.path: article.sha256 for article in reading.articles}
    unchanged = sum(before.get(path) == digest for path, digest in now.items())
    new, removed = len(now.keys() - before.keys()), len(before.keys() - now.keys())
    embedded = 0
    if previous is not None and before == now:
        generation, count = previous.generation, previous.passages
    else:
        content, embedded = _content(reading.articles, previous, embedder, progress)
        generation, count = writer.publish(content, embedder.fingerprint), len(content.passages)
    return BuildReport(
        generation=generation,
        published=previous is None or before != now,
        new=new,
        changed=len(now) - new - unchanged,
        unchanged=unchanged,
        removed=removed,
        rejected=reading.rejected,
        passages=count,
        embedded=embedded,
        seconds=time.monotonic() - started,
    )


def _content(
    articles: Sequence[Article], previous: Index | None, embedder: Embedder, progress: Progress | None
) -> tuple[Content, int]:
    """Return what the new generation holds, and how many of its passages were embedded for it."""
    found: list[Passage] = []
    texts: list[str] = []
    known: dict[int, Vectors] = {}  # first row of an article -> its vectors
    for article in articles:
        pieces = passages(article)
        vectors = previous.vectors_of(article.sha256) if previous else None
        if vectors is not None and len(vectors) == len(pieces):
            known[len(found)] = vectors
        found.extend(pieces)
        texts.extend(embedding_text(article.text, passage) for passage in pieces)
    taken = {row for first, vectors in known.items() for row in range(first, first + len(vectors))}
    missing = [row for row in range(len(found)) if row not in taken]
    fresh = embed_all(embedder, [texts[row] for row in missing], progress)
    matrix = np.empty((len(found), fresh.shape[1]), np.float32)
    matrix[missing] = fresh
    for first, vectors in known.items():
        matrix[first : first + len(vectors)] = vectors
    return Content(articles, found, texts, matrix), len(missing)
