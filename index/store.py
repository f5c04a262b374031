"""The index on disk: generations of immutable segments, published atomically.

    CURRENT                                {"manifest", "sha256"}: the only file that changes
    LOCK                                   flock, one writer; dies with its process
    manifests/0000000042-<sha16>.json      format, generation, embedder, chunker, segments with their dead articles
    segments/seg-<uuid>/                   see `citewire.index.segment`

Knows what has to reach the disk in which order: segments, manifest, CURRENT, each synced before the next. A
process killed anywhere leaves the previous generation readable, and the segments it had finished to be taken up
by the next run. Does not know how text becomes passages or vectors.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from citewire.index.disk import replace, sync
from citewire.index.duplicates import SIGNATURE_VERSION
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.passages import CHUNKER_VERSION
from citewire.index.segment import (
    ArticleSummary,
    Entry,
    Rows,
    Segment,
    SegmentInfo,
    SegmentWriter,
    check_hashes,
    check_sizes,
    read_info,
)
from citewire.index.types import Article, Embedder, Filters, Passage, Vectors

FORMAT_VERSION = 2
MADE_BY = f"{CHUNKER_VERSION}.{SIGNATURE_VERSION}"  # what cut the passages and marked the articles of an index
KEPT_GENERATIONS = 2  # the current one, and the one that a reader may be opening or `repair` may need
HASHED_AT_OPEN = 64_000_000  # bytes: a smaller index is checked whole whenever it is opened, in under 0.1 s
# Passages that BM25 looks at, the rarest terms' first: time goes with them, and a common term says little. Measured on
# 98,000 passages of news: no limit finds no more and takes twice as long, half as many finds less.
MATCHED_ROWS = 40_000
MERGED_AT_ONCE = 4  # segments of similar size that are made one
UNDATED = np.iinfo(np.int32).min  # in place of a day where an article has none
DEAD_SHARE = 0.25  # of a segment's rows, from which it is written anew without them

INDEX_AGAIN = "Index the articles again: citewire index PATH --index"
REPAIR = "Run: citewire index repair --index"

EPOCH = date(1970, 1, 1).toordinal()  # day 0 of `ArticleTable.published`
_MANIFEST_NAME = re.compile(r"(\d{10})-[0-9a-f]{16}\.json")
_SEGMENT_NAME = re.compile(r"seg-[0-9a-f]{32}")
_OWN_NAMES = frozenset({"CURRENT", "CURRENT.tmp", "LOCK", "manifests", "segments"})

Progress = Callable[[str, int, int], None]  # (what is being done, steps done, steps in all; 0 for unknown)


@dataclass(frozen=True, slots=True)
class Part:
    """A segment in a generation: `dead` are the numbers of its articles that were replaced or removed."""

    info: SegmentInfo
    dead: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Manifest:
    """One generation: its number, what made its vectors and passages, and its segments."""

    generation: int
    embedder: str
    chunker: str
    parts: tuple[Part, ...]

    def to_bytes(self) -> bytes:
        """Return the content of the manifest's file."""
        plain = {"format": FORMAT_VERSION, **asdict(self)}
        plain["parts"] = [{"info": part.info.to_json(), "dead": sorted(part.dead)} for part in self.parts]
        return json.dumps(plain, indent=1, sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class _Open:
    """A part with its segment open, the index's row of its first row, and its rows that are alive (None: all)."""

    segment: Segment
    dead: frozenset[int]
    first: int
    live: Rows | None


@dataclass(frozen=True, slots=True)
class ArticleTable:
    """What ranking asks of every article, as columns; position i is an article, in the order of its rows.

    Attributes:
        first_rows: row of the first passage.
        counts: how many passages, all in neighbouring rows.
        published: days since 1970-01-01, `UNDATED` without a day of publication.
        groups: equal numbers for near-duplicates.
    """

    first_rows: NDArray[np.int64]
    counts: NDArray[np.int64]
    published: NDArray[np.int32]
    groups: NDArray[np.int32]

    def positions(self, rows: Sequence[int]) -> NDArray[np.int64]:
        """Return the position of the article of each row."""
        return np.searchsorted(self.first_rows, np.asarray(rows, np.int64), side="right") - 1


# -- reading ----------------------------------------------------------------------------------------------


class Index:
    """One generation of an index, open for reading; safe to share between threads.

    Stays as it was when opened, whatever is published meanwhile. A row is the number of a passage in this
    generation; rows of dead articles are never returned.
    """

    def __init__(self, folder: Path, parts: Sequence[Part], generation: int) -> None:
        self.generation = generation
        self.parts = tuple(parts)
        self._open: list[_Open] = []
        self._matches: dict[str, tuple[int, ...]] = {}  # expression -> rows it matches in each segment
        try:
            for part, first in zip(parts, accumulate((p.info.rows for p in parts), initial=0), strict=False):
                segment = Segment(folder / "segments" / part.info.name, part.info)
                live = ~segment.rows_of(part.dead) if part.dead else None
                self._open.append(_Open(segment, part.dead, first, live))
        except BaseException:
            self.close()
            raise
        self.rows = sum(part.info.rows for part in parts)
        self.passages = sum(int(o.live.sum()) if o.live is not None else o.segment.info.rows for o in self._open)

    @classmethod
    def open(cls, folder: Path, embedder: Embedder | None = None) -> Self:
        """Open the current generation of the index in `folder`.

        Args:
            folder: the index.
            embedder: what questions will be embedded with; without it the index can be read but not searched.

        Raises:
            InputError: there is no index in `folder`.
            IndexFormatError: the index has another format, embedder or chunker, or its files are damaged.
        """
        while True:
            current = _read_current(folder)
            try:
                manifest = read_manifest(folder)
                if embedder is not None:
                    _check_identity(manifest, folder, embedder)
                if sum(part.info.bytes for part in manifest.parts) <= HASHED_AT_OPEN:
                    for part in manifest.parts:
                        check_hashes(folder / "segments" / part.info.name, part.info)
                return cls(folder, manifest.parts, manifest.generation)
            except IndexFormatError:
                # Two publications since CURRENT was read take its files away; a damaged index stays as it is.
                if _read_current(folder) == current:
                    raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the databases; the index cannot be used afterwards."""
        for part in self._open:
            part.segment.close()

    # articles

    def articles(self) -> list[ArticleSummary]:
        """Return all articles by path, without their texts."""
        found = [s for part in self._open for s in part.segment.summaries() if s.id not in part.dead]
        return sorted(found, key=lambda summary: summary.path)

    def article(self, path: str) -> Article:
        """Return the article with the given path.

        Raises:
            InputError: there is none.
        """
        for part in self._open:
            found = part.segment.article(path)
            if found and found[0] not in part.dead:
                return found[1]
        raise InputError(f"the index has no article {path!r}", "Name one that the index lists: citewire index list")

    def locate(self, path: str) -> tuple[str, int] | None:
        """Return the name of the segment and the number there of a path's article, None without one."""
        for part in self._open:
            number = part.segment.number(path)
            if number is not None and number not in part.dead:
                return part.segment.info.name, number
        return None

    def identities(self) -> Iterator[tuple[str, int, str, str, int]]:
        """Yield (segment's name, number there, path, source, passages) of all articles."""
        for part in self._open:
            for number, path, source, passages in part.segment.identities():
                if number not in part.dead:
                    yield part.segment.info.name, number, path, source, passages

    def signatures(self) -> Iterator[tuple[str, bytes]]:
        """Yield (group, signature) of all articles."""
        for part in self._open:
            for number, group, signature in part.segment.signatures():
                if number not in part.dead:
                    yield group, signature

    def entries(self) -> Iterator[Entry]:
        """Yield all articles with what is stored for them."""
        for part in self._open:
            yield from part.segment.entries(part.dead)

    def vectors_of(self, sha256: str) -> Vectors | None:
        """Return the vectors of an article's passages, also of a dead article, None without such an article."""
        for part in self._open:
            if (found := part.segment.vectors_of(sha256)) is not None:
                return found
        return None

    # rows

    def select(self, filters: Filters) -> Rows | None:
        """Return which rows pass the filters, None where no filter is filled."""
        where, values = _condition(filters)
        if not where:
            return None
        chosen = np.zeros(self.rows, np.bool_)
        for part in self._open:
            for first, rows in part.segment.select(where, values):
                chosen[part.first + first : part.first + first + rows] = True
        return chosen

    def fetch(self, rows: Sequence[int]) -> list[Passage]:
        """Return the passages of the given rows, in their order."""
        return [part.segment.fetch([row])[0] for part, row in map(self._at, rows)]

    def summaries(self, rows: Sequence[int]) -> list[ArticleSummary]:
        """Return the article of each of the given rows, in their order."""
        located = [(part, part.segment.article_of([row])[0]) for part, row in map(self._at, rows)]
        known: dict[tuple[int, int], ArticleSummary] = {}
        for part in self._open:
            wanted = sorted({number for owner, number in located if owner is part})
            known |= {(part.first, s.id): s for s in part.segment.summaries(wanted)} if wanted else {}
        return [known[part.first, number] for part, number in located]

    @cached_property
    def table(self) -> ArticleTable:
        """The articles as columns, also the dead, without a day, as their rows stay; 0.2 s for 100,000, once."""
        columns = sorted(
            (part.first + first, count, "" if number in part.dead else published, group)
            for part in self._open
            for number, first, count, published, group in part.segment.columns()
            if count
        )
        numbers: dict[str, int] = {}
        days = (date.fromisoformat(day).toordinal() - EPOCH if day else UNDATED for _, _, day, _ in columns)
        return ArticleTable(
            np.array([first for first, *_ in columns], np.int64),
            np.array([count for _, count, *_ in columns], np.int64),
            np.fromiter(days, np.int32, len(columns)),
            np.array([numbers.setdefault(group, len(numbers)) for *_, group in columns], np.int32),
        )

    def neighbours(self, row: int, before: int, after: int) -> list[int]:
        """Return the rows of the same article from `before` rows before `row` to `after` rows after, `row` too."""
        (position,) = self.table.positions([row])
        first = int(self.table.first_rows[position])
        last = first + int(self.table.counts[position]) - 1
        return list(range(max(first, row - before), min(last, row + after) + 1))

    # searching

    def search_dense(self, vector: Vectors, k: int, allowed: Rows | None = None) -> list[tuple[int, float]]:
        """Return (row, cosine) of the `k` nearest passages, nearest first.

        Args:
            vector: shape (dimension,), length 1.
            k: how many.
            allowed: the rows that may be returned; the others are left out before the search, not after.
        """
        found = [
            (part.first + row, score)
            for part in self._open
            for row, score in part.segment.search_dense(vector, k, _allowed(part, allowed))
        ]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]

    def cosines(self, vector: Vectors, rows: Sequence[int]) -> dict[int, float]:
        """Return the cosine of `vector`, which has length 1, and each row."""
        found: dict[int, float] = {}
        for part, local in self._by_part(rows):
            scores = part.segment.vectors(local) @ vector
            found |= {part.first + row: float(score) for row, score in zip(local, scores, strict=True)}
        return found

    def search_bm25(self, terms: Sequence[str], k: int, allowed: Rows | None = None) -> list[tuple[int, float]]:
        """Return (row, bm25) of the `k` best passages for any of the terms, best (highest) first.

        A term is a word or a phrase. The commonest are left out where they match more than `MATCHED_ROWS` together.
        """
        expressions = self._useful(terms)
        if not expressions:
            return []
        query = " OR ".join(expressions)
        found = {
            part.first + row: score
            for part in self._open
            for row, score in part.segment.search_bm25(query, k, _allowed(part, allowed))
        }
        if len(self._open) > 1:
            found = self._rescored(expressions, list(found))
        return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:k]

    def bm25s(self, terms: Sequence[str], rows: Sequence[int]) -> dict[int, float]:
        """Return the bm25, as `search_bm25` scores it, of those of `rows` that any of the terms is in."""
        expressions = self._useful(terms)
        if not expressions:
            return {}
        if len(self._open) > 1:
            return self._rescored(expressions, rows)
        return self._open[0].segment.bm25s(" OR ".join(expressions), rows)

    def _rescored(self, expressions: Sequence[str], rows: Sequence[int]) -> dict[int, float]:
        """Return BM25 with the document frequencies of the whole index in place of each segment's own."""
        found: dict[int, float] = {}
        for expression in expressions:
            counts = self._count(expression)
            whole = _idf(sum(counts), self.rows)
            for part, local in self._by_part(rows):
                count = counts[self._open.index(part)]
                if count:
                    factor = whole / _idf(count, part.segment.info.rows)
                    for row, score in part.segment.bm25s(expression, local).items():
                        found[part.first + row] = found.get(part.first + row, 0.0) + factor * score
        return found

    def _useful(self, terms: Sequence[str]) -> list[str]:
        """Return the FTS5 expressions of the terms that BM25 looks for; quoted, nothing in them is an operator."""
        expressions = list(dict.fromkeys('"' + term.replace('"', '""') + '"' for term in terms if term.strip()))
        kept: set[str] = set()
        matched = 0
        for count, expression in sorted((sum(self._count(expression)), expression) for expression in expressions):
            matched += count
            if kept and matched > MATCHED_ROWS:
                break
            kept.add(expression)
        return [expression for expression in expressions if expression in kept]

    def _count(self, expression: str) -> tuple[int, ...]:
        """Return how many rows of each segment an expression matches, counted no further than matters."""
        if expression not in self._matches:
            if len(self._matches) >= 100_000:
                self._matches.clear()
            self._matches[expression] = tuple(part.segment.matches(expression, MATCHED_ROWS) for part in self._open)
        return self._matches[expression]

    def _at(self, row: int) -> tuple[_Open, int]:
        """Return the part that holds a row, and the row's number in its segment."""
        for part in reversed(self._open):
            if row >= part.first:
                return part, int(row) - part.first
        raise IndexError(row)

    def _by_part(self, rows: Sequence[int]) -> Iterator[tuple[_Open, list[int]]]:
        for part in self._open:
            end = part.first + part.segment.info.rows
            if local := [int(row) - part.first for row in rows if part.first <= row < end]:
                yield part, local


def _allowed(part: _Open, allowed: Rows | None) -> Rows | None:
    """Return the rows of a part's segment that may be returned, None where all may."""
    if allowed is None:
        return part.live
    local = allowed[part.first : part.first + part.segment.info.rows]
    return local if part.live is None else local & part.live


def _idf(count: int, rows: int) -> float:
    """FTS5's inverse document frequency, so that it can be taken out of its scores and put in anew."""
    idf = math.log((rows - count + 0.5) / (count + 0.5))
    return idf if idf > 0 else 1e-6


def _condition(filters: Filters) -> tuple[str, list[str]]:
    """Return an SQL condition over the columns of an article, and its values."""
    conditions: list[str] = []
    values: list[str] = []
    for value, comparison in ((filters.published_from, ">="), (filters.published_to, "<=")):
        if value:
            conditions.append(f"published != '' AND published {comparison} ?")
            values.append(value)
    for chosen, column in ((filters.outlets, "outlet"), (filters.authors, "author")):
        if chosen:
            conditions.append(f"folded({column}) IN (SELECT value FROM json_each(?))")  # noqa: S608
            values.append(json.dumps([name.casefold() for name in chosen]))
    if filters.articles:
        conditions.append(
            "EXISTS (SELECT 1 FROM json_each(?) WHERE value = articles.path "
            "OR (value LIKE '%/' AND substr(articles.path, 1, length(value)) = value))"
        )
        values.append(json.dumps(filters.articles))
    for key, wanted in filters.metadata.items():
        conditions.append("EXISTS (SELECT 1 FROM json_each(metadata) WHERE key = ? AND value = ?)")
        values += [key, wanted]
    return " AND ".join(f"({condition})" for condition in conditions), values


class NoIndexError(InputError):
    """There is no index where one was named."""


# -- manifests --------------------------------------------------------------------------------------------


def _read_current(folder: Path) -> bytes:
    """Raises: NoIndexError, InputError."""
    try:
        return (folder / "CURRENT").read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        problem, fix = f"there is no index in {folder}", f"Make one: citewire index PATH --index {folder}"
        raise NoIndexError(problem, fix) from error
    except OSError as error:
        raise _unreadable(folder, error) from error


def _unreadable(folder: Path, error: OSError) -> InputError:
    return InputError(f"the index in {folder} cannot be read: {error.strerror}", "Allow reading it, and try again")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest that CURRENT names. Raises: NoIndexError, InputError, IndexFormatError."""
    current = _read_current(folder)
    try:
        pointer = json.loads(current)
        name, sha256 = str(pointer["manifest"]), pointer["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise IndexFormatError(f"{folder / 'CURRENT'} is damaged", f"{REPAIR} {folder}") from error
    file = folder / "manifests" / name
    if not _MANIFEST_NAME.fullmatch(name):
        raise IndexFormatError(f"{folder / 'CURRENT'} names the manifest {name!r}", f"{REPAIR} {folder}")
    try:
        data = file.read_bytes()
    except FileNotFoundError as error:
        raise IndexFormatError(f"{file} is missing", f"{REPAIR} {folder}") from error
    except OSError as error:
        raise _unreadable(folder, error) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise IndexFormatError(f"{file} does not have the sha256 that CURRENT states", f"{REPAIR} {folder}")
    return _parse_manifest(data, file, folder)


def _parse_manifest(data: bytes, file: Path, folder: Path) -> Manifest:
    """Raises: IndexFormatError."""
    try:
        fields = json.loads(data)
        if fields["format"] != FORMAT_VERSION:
            raise IndexFormatError(
                f"the index in {folder} has format {fields['format']}, this citewire reads {FORMAT_VERSION}",
                f"{INDEX_AGAIN} {folder}",
            )
        parts = tuple(Part(SegmentInfo.from_json(p["info"]), frozenset(p["dead"])) for p in fields["parts"])
        manifest = Manifest(fields["generation"], fields["embedder"], fields["chunker"], parts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexFormatError(f"{file} is damaged", f"{REPAIR} {folder}") from error
    for part in manifest.parts:
        if not _SEGMENT_NAME.fullmatch(part.info.name):
            raise IndexFormatError(f"{file} names the segment {part.info.name!r}", f"{REPAIR} {folder}")
    return manifest


def _check_identity(manifest: Manifest, folder: Path, embedder: Embedder) -> None:
    """Raises: IndexFormatError where vectors or passages would not be comparable."""
    made = f"embedder {manifest.embedder[:12]} and chunker {manifest.chunker}"
    now = f"embedder {embedder.fingerprint[:12]} and chunker {MADE_BY}"
    if (manifest.embedder, manifest.chunker) != (embedder.fingerprint, MADE_BY):
        raise IndexFormatError(
            f"the index in {folder} was made with {made}, this run has {now}",
            f"Use the embedder it was made with, or index again: citewire index PATH --index {folder}",
        )


def _manifests(folder: Path) -> dict[int, Path]:
    """Return the manifests in `folder` by generation, the newest first."""
    with suppress(FileNotFoundError):
        files = [(match, file) for file in (folder / "manifests").iterdir() if (match := _match(file))]
        return {int(match[1]): file for match, file in sorted(files, key=lambda pair: -int(pair[0][1]))}
    return {}


def _match(file: Path) -> re.Match[str] | None:
    return _MANIFEST_NAME.fullmatch(file.name)


def readable_manifests(folder: Path, *, tolerant: bool = False) -> Iterator[Manifest]:
    """Yield the manifests in `folder` whose content is what their name says, the newest first.

    Raises:
        OSError: one cannot be read and not `tolerant`: who takes it for missing would drop what it alone names.
    """
    ignored = OSError if tolerant else FileNotFoundError
    for file in _manifests(folder).values():
        with suppress(ignored, IndexFormatError):
            data = file.read_bytes()
            if file.stem.endswith(hashlib.sha256(data).hexdigest()[:16]):
                yield _parse_manifest(data, file, folder)


def resume_candidates(folder: Path) -> list[SegmentInfo]:
    """Return the finished segments in `folder` that no generation names: what an interrupted run left."""
    known = {part.info.name for manifest in readable_manifests(folder) for part in manifest.parts}
    found = [read_info(segment) for segment in sorted((folder / "segments").iterdir()) if segment.name not in known]
    return [info for info in found if info and _SEGMENT_NAME.fullmatch(info.name)]


# -- writing ----------------------------------------------------------------------------------------------


class Writer:
    """The one process that may publish to an index folder, from `with Writer(folder)` to its end.

    Entering makes the folder where there is none and removes what a killed writer left half done. Segments that
    were finished stay, to be taken up by `view`.

    Raises:
        InputError: on entering, where the folder holds something else or another process is writing.
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
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not (self._folder / "LOCK").exists():  # another writer gave up on this folder meanwhile
                raise BlockingIOError
            (self._folder / "manifests").mkdir(exist_ok=True)
            (self._folder / "segments").mkdir(exist_ok=True)
            sync(self._folder)
            _collect(self._folder, keep_finished=True)
        except BlockingIOError as error:
            self._release()
            raise InputError(
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
            raise _unreadable(self._folder, error) from error
        parts = list(manifest.parts) if manifest and (manifest.embedder, manifest.chunker) == identity else []
        own = {part.info.name for part in parts}
        whole = [part for part in parts if _is_intact(self._folder, part.info, hashed=False)]
        whole += [Part(i) for i in unfinished if i.name not in own and _is_intact(self._folder, i, hashed=True)]
        return Index(self._folder, whole, manifest.generation if manifest else 0)

    def current(self, embedder: Embedder) -> list[Part]:
        """Return the parts of the current generation, [] where it was made by another embedder or is damaged."""
        try:
            manifest = read_manifest(self._folder)
            _check_identity(manifest, self._folder, embedder)
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
        generation = max(_manifests(self._folder), default=0) + 1
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


def _is_intact(folder: Path, info: SegmentInfo, *, hashed: bool) -> bool:
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
    foreign = sorted({entry.name for entry in folder.iterdir()} - _OWN_NAMES)
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
        named = [file.read_bytes().decode(errors="replace") for file in _manifests(folder).values()]
        kept = {name for text in named for name in _SEGMENT_NAME.findall(text)}  # of whatever format they are
    else:
        recent = range(current.generation - KEPT_GENERATIONS + 1, current.generation + 1)
        manifests[current.generation] = current
        kept = {part.info.name for number in manifests if number in recent for part in manifests[number].parts}
        retired = {part.info.name for manifest in manifests.values() for part in manifest.parts} - kept
        for generation, file in _manifests(folder).items():
            if generation not in recent:
                file.unlink(missing_ok=True)
    for segment in (folder / "segments").iterdir():
        spared = (keep_finished or current is None) and segment.name not in retired and read_info(segment) is not None
        if _SEGMENT_NAME.fullmatch(segment.name) and segment.name not in kept and not spared:
            shutil.rmtree(segment, ignore_errors=True)
