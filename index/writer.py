"""The one process that changes an index: it publishes generations of immutable segments, each one atomically.

Knows what has to reach the disk in which order: segments, manifest, CURRENT, each synced before the next. A
process killed anywhere leaves the previous generation readable, and the segments it had finished to be taken up
by the next run. Does not know how text becomes passages or vectors.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from uuid import uuid4

from filelock import lock_descriptor

from citewire.index.disk import replace, sync
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
from citewire.index.types import Embedder, Progress

KEPT_GENERATIONS = 2  # the current one, and the one that a reader may be opening or `repair` may need
MERGED_AT_ONCE = 4  # segments of similar size that are merged into one
DEAD_SHARE = 0.25  # share of dead rows above which a segment is written again without them


class BusyError(InputError):
    """Another process writes to the index."""


class Writer:
    """The one process that may publish to an index folder, from `with Writer(folder)` to its end.

    Entering makes the folder where there is none and removes what a killed writer left half done. Segments that
    were finished stay, to be taken up by `view`.

    Raises:
        InputError: on entering, where the folder holds something else or cannot be written.
        BusyError: on entering, where another process is writing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock_file: IO[bytes] | None = None
        self._viewed = self._made = False

    def __enter__(self) -> Self:
        try:
            self._made = not self._folder.exists()
            _make_folder(self._folder)
            _refuse_foreign(self._folder)
            self._lock_file = (self._folder / "LOCK").open("ab")
            locked = lock_descriptor(self._lock_file.fileno(), blocking=False)
            if not locked or not (self._folder / "LOCK").exists():  # another writer gave up on this folder meanwhile
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
            with suppress(OSError):  # the next writer does it
                _collect(self._folder, keep_finished=kind is not None or not self._viewed)
            if kind is not None and self._made:
                self._unmake()
        finally:
            self._release()

    def _unmake(self) -> None:
        """Bad input leaves no folder behind; one with a segment in it stays."""
        with suppress(OSError):
            for name in ("segments", "manifests"):
                (self._folder / name).rmdir()
            (self._folder / "LOCK").unlink()
            self._folder.rmdir()

    def _release(self) -> None:
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def view(self, embedder: Embedder) -> Index:
        """Return what a new generation can take over: the current one, and segments of a run that was cut short.

        Where the current generation was made by another embedder or is of another format that is nothing; where
        a file of it is damaged, the other segments.
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

    def current(self, embedder: Embedder) -> list[Part]:
        """Return the parts of the current generation, [] where it was made by another embedder or is damaged."""
        try:
            manifest = read_manifest(self._folder)
            check_identity(manifest, self._folder, embedder)
        except (NoIndexError, IndexFormatError):
            return []
        return list(manifest.parts)

    @contextmanager
    def segment(self, embedder: Embedder) -> Iterator[SegmentWriter]:
        """Open a new segment for writing; once finished it is on disk, but not part of any generation.

        Raises:
            InputError: the folder cannot be written.
        """
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
        """Make `parts` the current generation and return its number; where this raises nothing changes.

        New segments are made one before that, as they cannot be found yet; other merges come after, as a
        generation of their own with the same articles.

        Raises:
            InputError: the folder cannot be written, for instance because the disk is full.
        """
        if self._lock_file is None:
            raise RuntimeError("publish outside of `with Writer(folder)`")
        alive = [part for part in parts if len(part.dead) < part.info.articles]
        try:
            previous = self._manifest(tolerant=True)  # `repair` publishes beside one that cannot be read
            published = {part.info.name for part in previous.parts} if previous else set()
            fresh = [part for part in alive if part.info.name not in published]
            if len(fresh) > 1:
                alive = [part for part in alive if part not in fresh] + [self._merged(fresh, progress)]
            generation = self._publish(alive, embedder, chunker)
        except (OSError, sqlite3.OperationalError) as error:
            raise unwritable(self._folder, error) from error
        with suppress(OSError, sqlite3.OperationalError):  # what was asked for is published; a later run merges
            while chosen := merge_candidates(alive):
                alive = [part for part in alive if part not in chosen] + [self._merged(chosen, progress)]
                generation = self._publish(alive, embedder, chunker)
        return generation

    def _publish(self, parts: Sequence[Part], embedder: str, chunker: str) -> int:
        """Put the manifest beside the others, then turn CURRENT to it; each step on disk before the next."""
        generation = max(manifest_files(self._folder), default=0) + 1
        data = Manifest(generation, embedder, chunker, tuple(parts)).to_bytes()
        sha256 = hashlib.sha256(data).hexdigest()
        name = f"{generation:010d}-{sha256[:16]}.json"
        replace(self._folder / "manifests" / name, data)
        replace(self._folder / "CURRENT", json.dumps({"manifest": name, "sha256": sha256}).encode())
        return generation

    def _merged(self, parts: Sequence[Part], progress: Progress | None) -> Part:
        """Write the living articles of some segments as one."""
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
        """Return the current generation, the newest readable one where that is damaged, None without any."""
        try:
            return read_manifest(self._folder)
        except (NoIndexError, IndexFormatError):
            return next(readable_manifests(self._folder, tolerant=tolerant), None)


def merge_candidates(parts: Sequence[Part]) -> list[Part]:
    """Return the parts to make one next, [] where nothing should be done.

    Small segments of similar size go together, so that the number of segments grows with the logarithm of the
    passages and a passage is rewritten as often; one with many dead articles is written anew.
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
    """Make a folder and those above it so that a power cut does not take them away."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir()
        sync(folder.parent)


def is_intact(folder: Path, info: SegmentInfo, *, hashed: bool) -> bool:
    """Return whether a segment's files are as stated: their bytes, and where `hashed` or few also their content."""
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
    """Raise InputError where `folder` holds files that no index has: nothing is ever written among those."""
    foreign = sorted({entry.name for entry in folder.iterdir()} - OWN_NAMES)
    ours = (folder / "LOCK").exists() or (folder / "CURRENT").exists()
    if foreign or (not ours and any(folder.iterdir())):
        first = foreign[0] if foreign else next(folder.iterdir()).name
        raise InputError(f"{folder} is not an index: it holds {first!r}", "Name a new or empty folder with --index")


def _collect(folder: Path, *, keep_finished: bool) -> None:
    """Remove generations beyond `KEPT_GENERATIONS` and what writers left unpublished; only under the lock.

    Where CURRENT is lost or damaged only what is half done goes: an older generation may be all there is. Where a
    manifest cannot be read nothing goes this time.
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
        kept = {name for text in named for name in SEGMENT_NAME.findall(text)}  # of whatever format they are
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
