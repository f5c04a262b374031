"""Publishes generations of immutable segments, atomically, from one process at a time.

Segments, manifest and CURRENT are written in this order, each one synced to disk before the next. A process that is
killed at any point leaves the previous generation readable, and its finished segments for the next run. Does not know
how text becomes passages or vectors.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from citewire.index.disk import lock, replace, sync
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.manifest import (
    MADE_BY,
    OWN_NAMES,
    SEGMENT_NAME,
    Manifest,
    NoIndexError,
    Part,
    check_identity,
    manifest_files,
    read_manifest,
    readable_manifests,
    resume_candidates,
    unreadable,
)
from citewire.index.segment import SegmentInfo, SegmentWriter, check_hashes, check_sizes, read_info
from citewire.index.store import HASHED_AT_OPEN, Index
from citewire.index.types import Identified, Progress

KEPT_GENERATIONS = 2  # the current one, and the one before: a reader may be opening it, or `repair` need it
MERGED_AT_ONCE = 4  # fewest segments of similar size that are merged
DEAD_SHARE = 0.25  # a segment with a larger share of dead articles is rewritten without them


class BusyError(InputError):
    """Another process writes to the index."""


class Writer:
    """Exclusive write access to an index folder, for the duration of `with Writer(folder)`.

    Entering creates a missing folder, and removes unfinished files of a killed writer. Its finished segments are kept
    for `view`.

    Raises:
        InputError: on entering: the folder holds something else or cannot be written.
        BusyError: on entering: another process is writing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: int | None = None  # descriptor of the locked file
        self._viewed = self._made = False

    def __enter__(self) -> Self:
        try:
            self._made = not self._folder.exists()
            _make_folder(self._folder)
            _refuse_foreign(self._folder)
            self._lock = lock(self._folder / "LOCK")
            if self._lock is None:
                raise BlockingIOError
            (self._folder / "manifests").mkdir(exist_ok=True)
            (self._folder / "segments").mkdir(exist_ok=True)
            sync(self._folder)
            _collect(self._folder, keep_finished=True)
        except BlockingIOError as error:
            self._release()
            raise BusyError(
                f"another process is writing to the index in {self._folder}", "Wait until it has finished"
            ) from error
        except OSError as error:
            self._release()
            raise unwritable(self._folder, error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with suppress(OSError):  # the next writer tries again
                _collect(self._folder, keep_finished=kind is not None or not self._viewed)
            if kind is not None and self._made:
                self._unmake()
        finally:
            self._release()

    def _unmake(self) -> None:
        """Remove the folder that this writer created, unless it holds a segment; so wrong input leaves nothing."""
        with suppress(OSError):
            for name in ("segments", "manifests"):
                (self._folder / name).rmdir()
            (self._folder / "LOCK").unlink()
            self._folder.rmdir()

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def view(self, embedder: Identified) -> Index:
        """Return what a new generation can reuse: the intact segments of the current one and of interrupted runs.

        Segments of another embedder or another `MADE_BY` are left out. Raises: InputError: the index cannot be read.
        """
        self._viewed = True
        identity = (embedder.fingerprint, MADE_BY)
        try:
            manifest = self._manifest()
            unfinished = [i for i in resume_candidates(self._folder) if (i.embedder, i.chunker) == identity]
        except OSError as error:
            raise unreadable(self._folder, error) from error
        parts = list(manifest.parts) if manifest and (manifest.embedder, manifest.chunker) == identity else []
        own = {part.info.name for part in parts}
        whole = [part for part in parts if is_intact(self._folder, part.info, hashed=False)]
        whole += [Part(i) for i in unfinished if i.name not in own and is_intact(self._folder, i, hashed=True)]
        return Index(self._folder, whole, manifest.generation if manifest else 0)

    def current(self, embedder: Identified) -> list[Part]:
        """Return the parts of the current generation, [] if another embedder made it or its manifest is damaged."""
        try:
            manifest = read_manifest(self._folder)
            check_identity(manifest, self._folder, embedder)
        except (NoIndexError, IndexFormatError):
            return []
        return list(manifest.parts)

    @contextmanager
    def segment(self, embedder: Identified) -> Iterator[SegmentWriter]:
        """Open a new segment for writing; it belongs to no generation until published. Raises: InputError."""
        folder = self._folder / "segments" / f"seg-{uuid4().hex}"
        try:
            with SegmentWriter(
                folder, embedder=embedder.fingerprint, chunker=MADE_BY, dimension=embedder.dimension
            ) as writer:
                yield writer
        except (OSError, sqlite3.OperationalError) as error:
            raise unwritable(self._folder, error) from error

    def publish(
        self, parts: Sequence[Part], *, embedder: str, chunker: str = MADE_BY, progress: Progress | None = None
    ) -> int:
        """Make `parts` the current generation and return the number of the newest; an error changes nothing.

        Several new segments are merged first. Further merges follow in generations of their own, with the same
        articles; if they fail, a later run merges.

        Args:
            parts: the segments of the new generation, with their dead articles.
            embedder: fingerprint of the embedder.
            chunker: version of the passages and signatures.
            progress: called while segments are merged.

        Raises:
            InputError: the folder cannot be written, for instance because the disk is full.
        """
        if self._lock is None:
            raise RuntimeError("publish outside of `with Writer(folder)`")
        alive = [part for part in parts if len(part.dead) < part.info.articles]
        try:
            previous = self._manifest(tolerant=True)  # for `repair`, which publishes beside an unreadable one
            published = {part.info.name for part in previous.parts} if previous else set()
            fresh = [part for part in alive if part.info.name not in published]
            if len(fresh) > 1:
                alive = [part for part in alive if part not in fresh] + [self._merged(fresh, progress)]
            generation = self._publish(alive, embedder, chunker)
        except (OSError, sqlite3.OperationalError) as error:
            raise unwritable(self._folder, error) from error
        with suppress(OSError, sqlite3.OperationalError):  # `parts` are published already
            while chosen := merge_candidates(alive):
                alive = [part for part in alive if part not in chosen] + [self._merged(chosen, progress)]
                generation = self._publish(alive, embedder, chunker)
        return generation

    def _publish(self, parts: Sequence[Part], embedder: str, chunker: str) -> int:
        """Write a new manifest, then make CURRENT name it; each file is synced before the next. Raises: OSError."""
        generation = max(manifest_files(self._folder), default=0) + 1
        data = Manifest(generation, embedder, chunker, tuple(parts)).to_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        name = f"{generation:010d}-{sha256[:16]}.json"
        replace(self._folder / "manifests" / name, data)
        replace(self._folder / "CURRENT", json.dumps({"manifest": name, "sha256": sha256}).encode())
        return generation

    def _merged(self, parts: Sequence[Part], progress: Progress | None) -> Part:
        """Write the living articles of several segments as one segment."""
        info = parts[0].info
        folder = self._folder / "segments" / f"seg-{uuid4().hex}"
        total = sum(part.info.rows for part in parts)
        done = 0
        with (
            SegmentWriter(folder, embedder=info.embedder, chunker=info.chunker, dimension=info.dimension) as new,
            Index(self._folder, parts, 0) as old,
        ):
            for entry in old.entries():
                new.add(entry)
                done += len(entry.passages)
                if progress:
                    progress("merging", done, total)
            return Part(new.finish())

    def _manifest(self, *, tolerant: bool = False) -> Manifest | None:
        """Return the current manifest; if it is damaged, the newest readable one; None if there is none."""
        try:
            return read_manifest(self._folder)
        except (NoIndexError, IndexFormatError):
            return next(readable_manifests(self._folder, tolerant=tolerant), None)


def merge_candidates(parts: Sequence[Part]) -> list[Part]:
    """Return the parts to merge next, [] for none.

    Small segments of similar size are merged, so that the number of segments, and of rewrites of each passage, grows
    with the logarithm of the number of passages. A segment with many dead articles is rewritten alone.
    """
    rows = {part.info.name: part.info.rows * (1 - len(part.dead) / part.info.articles) for part in parts}
    group: list[Part] = []
    total = 0.0
    for part in sorted(parts, key=lambda part: rows[part.info.name]):
        if group and rows[part.info.name] > 2 * total:
            break
        group.append(part)
        total += rows[part.info.name]
    if len(group) >= MERGED_AT_ONCE:
        return group
    return next(([part] for part in parts if len(part.dead) > DEAD_SHARE * part.info.articles), [])


def _make_folder(folder: Path) -> None:
    """Create a folder and its parents, and sync them so that they survive a power cut."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir()
        sync(folder.parent)


def is_intact(folder: Path, info: SegmentInfo, *, hashed: bool) -> bool:
    """Return whether a segment's files are as published.

    Args:
        folder: the index.
        info: the segment.
        hashed: whether checksums are compared; those of a small segment always are, the sizes too.
    """
    segment = folder / "segments" / info.name
    try:
        (check_hashes if hashed or info.bytes <= HASHED_AT_OPEN else check_sizes)(segment, info)
    except IndexFormatError:
        return False
    return True


def unwritable(folder: Path, error: OSError | sqlite3.OperationalError) -> InputError:
    """Return the error for an index that cannot be written."""
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return InputError(f"the index in {folder} cannot be written: {reason}", "Free some space or name another folder")


def _refuse_foreign(folder: Path) -> None:
    """Raise InputError if `folder` holds files that do not belong to an index, so that none is overwritten."""
    foreign = sorted({entry.name for entry in folder.iterdir()} - OWN_NAMES)
    ours = (folder / "LOCK").exists() or (folder / "CURRENT").exists()
    if foreign or (not ours and any(folder.iterdir())):
        first = foreign[0] if foreign else next(folder.iterdir()).name
        raise InputError(f"{folder} is not an index: it holds {first!r}", "Name a new or empty folder with --index")


def _collect(folder: Path, *, keep_finished: bool) -> None:
    """Remove generations beyond `KEPT_GENERATIONS` and unpublished files; the caller holds the lock.

    If CURRENT is lost or damaged, only unfinished files are removed, as older generations may be needed. If a
    manifest cannot be read, nothing else is removed.
    """
    for leftover in (folder / "CURRENT.tmp", *(folder / "manifests").glob("*.json.tmp")):
        leftover.unlink(missing_ok=True)
    try:
        manifests = {manifest.generation: manifest for manifest in readable_manifests(folder)}
    except OSError:
        return
    try:
        current = read_manifest(folder)
    except (InputError, IndexFormatError):
        current = None
    retired: set[str] = set()
    if current is None:
        named = [file.read_bytes().decode(errors="replace") for file in manifest_files(folder).values()]
        kept = {name for text in named for name in SEGMENT_NAME.findall(text)}  # even in manifests of another format
    else:
        recent = range(current.generation - KEPT_GENERATIONS + 1, current.generation + 1)
        manifests[current.generation] = current
        kept = {part.info.name for number in manifests if number in recent for part in manifests[number].parts}
        retired = {part.info.name for manifest in manifests.values() for part in manifest.parts} - kept
        for generation, file in manifest_files(folder).items():
            if generation not in recent:
                file.unlink(missing_ok=True)
    for segment in (folder / "segments").iterdir():
        spared = (keep_finished or current is None) and segment.name not in retired and read_info(segment) is not None
        if SEGMENT_NAME.fullmatch(segment.name) and segment.name not in kept and not spared:
            shutil.rmtree(segment, ignore_errors=True)
