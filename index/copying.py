"""Copies an index between folders and databases, and compares all that was stored by hash.

What a copy that was interrupted has written is not written again. Works without the embedder, as vectors are copied.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from citewire.index.address import Location
from citewire.index.build import CHECKPOINT_PASSAGES
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.manifest import MADE_BY, NoIndexError, Part
from citewire.index.postgres_writer import PostgresWriter, writer_of
from citewire.index.segment import ArticleSummary, Entry
from citewire.index.store import Index, Place, manifest_of
from citewire.index.types import Progress
from citewire.index.writer import Writer


@dataclass(frozen=True, slots=True)
class Copied:
    """What `copy_index` did.

    Attributes:
        generation: number of the target's current generation.
        articles, passages: numbers of those in the target, each compared with the source by hash.
        written: number of articles that were not there yet.
    """

    generation: int
    articles: int
    passages: int
    written: int


@dataclass(frozen=True, slots=True)
class _Made:
    """The embedder of the source, as far as a writer needs it."""

    fingerprint: str
    dimension: int


def copy_index(source: Location, target: Location, progress: Progress | None = None) -> Copied:
    """Publish a generation of `target` that holds the articles of `source`, with their passages and vectors.

    Args:
        source: the index that is read.
        target: a folder or database: a new one, or one with an earlier or interrupted copy.
        progress: called with "copying" or "comparing", passages done and passages in all.

    Raises:
        InputError: there is no index, the source has no article, the target holds articles that the source does not,
            or it cannot be written.
        IndexFormatError: the source was made by another version, or the copy differs from it.
    """
    manifest = manifest_of(source)
    if manifest.chunker != MADE_BY:
        problem = f"the index in {source} was made by version {manifest.chunker}, this one is {MADE_BY}"
        raise IndexFormatError(problem, f"Index again: citewire index PATH --index {target}")
    if not manifest.parts:
        raise InputError(f"the index in {source} has no article", "Index articles first: citewire index PATH")
    made = _Made(manifest.embedder, manifest.parts[0].info.dimension)
    with Index.open(source) as read:
        _refuse_others(read, target)
        with writer_of(target) as writer:
            digests, written = _copy(read, writer, made, progress)
    with Index.open(target) as copy:
        _compare(copy, digests, source, target, progress)
        return Copied(copy.generation, len(digests), copy.passages, written)


def _refuse_others(read: Index, target: Location) -> None:
    """Raises: InputError: the target holds an article that is not in the source, which a copy would remove."""
    try:
        with Index.open(target) as there:
            own = {path for path, _ in read.identities()}
            other = next((path for path, _ in there.identities() if path not in own), None)
    except NoIndexError:
        return
    if other is not None:
        raise InputError(f"{target} holds other articles, such as {other!r}", "Name a new folder or database")


def _copy(
    read: Index, writer: Writer | PostgresWriter, made: _Made, progress: Progress | None
) -> tuple[dict[str, str], int]:
    """Write and publish what the target lacks; return path -> digest of all articles, and how many were written."""
    with writer.view(made) as view:
        current = writer.current(made)
        there = {summary.path: _stated(summary) for summary in view.articles()}
        stated = {summary.path: _stated(summary) for summary in read.articles()}
        kept = {path: view.places(path)[-1] for path, one in stated.items() if there.get(path) == one}
        dead = [(path, place) for path, place in view.identities() if kept.get(path) != place]
        digests: dict[str, str] = {}
        parts, done, written = _without(view.parts, [place for _, place in dead]), 0, 0
        for batch in _batches(read.entries()):
            missing = [entry for entry in batch if entry.article.path not in kept]
            if missing:
                with writer.segment(made) as segment:
                    for entry in missing:
                        segment.add(entry)
                    parts.append(Part(segment.finish()))
            written += len(missing)
            done += sum(len(entry.passages) for entry in batch)
            digests |= {entry.article.path: digest(entry) for entry in batch}
            if progress:
                progress("copying", done, read.passages)
        if parts != current:
            writer.publish(parts, embedder=made.fingerprint, progress=progress)
    return digests, written


def _without(parts: Sequence[Part], dropped: Sequence[Place]) -> list[Part]:
    """Return the parts in which these articles are dead."""
    numbers = {part.info.name: set(part.dead) for part in parts}
    for place in dropped:
        numbers[place.segment].add(place.number)
    marked = [Part(part.info, frozenset(numbers[part.info.name])) for part in parts]
    return [part for part in marked if len(part.dead) < part.info.articles]


def _batches(found: Iterator[Entry]) -> Iterator[list[Entry]]:
    """Yield batches of at least `CHECKPOINT_PASSAGES` passages, the most that an interruption loses."""
    batch: list[Entry] = []
    size = 0
    for entry in found:
        batch.append(entry)
        size += len(entry.passages)
        if size >= CHECKPOINT_PASSAGES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _compare(
    copy: Index, digests: dict[str, str], source: Location, target: Location, progress: Progress | None
) -> None:
    """Raises: IndexFormatError: an article is missing, another one is there, or anything of it differs."""
    left, done = dict(digests), 0
    for entry in copy.entries():
        if left.pop(entry.article.path, "") != digest(entry):
            raise _differs(entry.article.path, source, target)
        done += len(entry.passages)
        if progress:
            progress("comparing", done, copy.passages)
    if left:
        raise _differs(next(iter(left)), source, target)


def _differs(path: str, source: Location, target: Location) -> IndexFormatError:
    return IndexFormatError(f"{path!r} in {target} differs from {source}", "Copy again to a new folder or database")


def _stated(summary: ArticleSummary) -> ArticleSummary:
    """Return a summary without its place in the index."""
    return dataclasses.replace(summary, id=0, first_row=0)


def digest(entry: Entry) -> str:
    """Return a hex sha256 over an article and all that is stored for it, bit by bit."""
    plain = [dataclasses.asdict(entry.article), [dataclasses.asdict(passage) for passage in entry.passages]]
    found = hashlib.sha256(json.dumps(plain, sort_keys=True, default=dict).encode())
    found.update(entry.signature)
    found.update(entry.vectors.astype("<f4").tobytes())
    return found.hexdigest()
