"""The index on disk: generations of immutable segments, published atomically.

    CURRENT                                {"manifest", "sha256"}: the only file that changes
    LOCK                                   flock, one writer; dies with its process
    manifests/0000000042-<sha16>.json      format, generation, fingerprints, files with sha256 and bytes, rows
    segments/seg-<uuid>/vectors.faiss      row i is the vector of passage i
    segments/seg-<uuid>/passages.db        articles, passages and their words (FTS5)

Knows FAISS (the only importer), SQLite and what has to reach the disk in which order: files, folders,
manifest, CURRENT, each synced before the next. A process killed anywhere leaves the previous generation
readable. Does not know how text becomes passages or vectors.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import IO, Any, Self
from uuid import uuid4

import numpy as np

from citewire.index.errors import IndexFormatError, InputError
from citewire.index.passages import CHUNKER_VERSION
from citewire.index.types import Article, Embedder, Passage, Span, Vectors

FORMAT_VERSION = 1
KEPT_GENERATIONS = 2  # the current one, and the one that a reader may be opening right now
INDEX_AGAIN = "Index the articles again: citewire index PATH --index"

_MANIFEST_NAME = re.compile(r"(\d{10})-[0-9a-f]{16}\.json")
_SEGMENT_NAME = re.compile(r"seg-[0-9a-f]{32}")
_OWN_NAMES = frozenset({"CURRENT", "CURRENT.tmp", "LOCK", "manifests", "segments"})

_SCHEMA = """
CREATE TABLE articles(
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, text TEXT NOT NULL, sha256 TEXT NOT NULL,
    title TEXT NOT NULL, outlet TEXT NOT NULL, author TEXT NOT NULL, published TEXT NOT NULL,
    url TEXT NOT NULL
);
CREATE TABLE passages(
    id INTEGER PRIMARY KEY, article INTEGER NOT NULL REFERENCES articles,
    "start" INTEGER NOT NULL, "end" INTEGER NOT NULL, sentences TEXT NOT NULL
);
CREATE INDEX passages_article ON passages(article);
CREATE VIRTUAL TABLE words USING fts5(
    text, title, content='', tokenize='porter unicode61 remove_diacritics 2'
);
"""


@dataclass(frozen=True, slots=True)
class ArticleSummary:
    """An article without its text: `characters` is the length of that, `passages` their number."""

    path: str
    sha256: str
    title: str
    outlet: str
    author: str
    published: str
    url: str
    characters: int
    passages: int


@dataclass(frozen=True, slots=True)
class Content:
    """What a generation holds; row i of `vectors` and `texts` (what is searched) is `passages[i]`."""

    articles: Sequence[Article]
    passages: Sequence[Passage]
    texts: Sequence[str]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class _File:
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _Manifest:
    format: int
    generation: int
    embedder: str
    chunker: str
    dimension: int
    rows: int
    articles: int
    segment: str
    files: Mapping[str, _File]


# -- reading ----------------------------------------------------------------------------------------------


class Index:
    """One generation of an index, open for reading; safe to share between threads.

    Stays as it was when opened, whatever is published meanwhile.
    """

    def __init__(self, folder: Path, manifest: _Manifest) -> None:
        import faiss

        segment = folder / "segments" / manifest.segment
        _verify(segment, manifest, folder)
        self._manifest = manifest
        self._lock = RLock()  # one connection for all threads: its file may be unlinked by a later generation
        database = f"{(segment / 'passages.db').absolute().as_uri()}?mode=ro&immutable=1"
        try:
            self._vectors = faiss.read_index(str(segment / "vectors.faiss"))
            self._database = sqlite3.connect(database, uri=True, check_same_thread=False)
        except (RuntimeError, sqlite3.OperationalError) as error:
            raise IndexFormatError(f"{segment} cannot be opened: {error}", f"{INDEX_AGAIN} {folder}") from error

    @classmethod
    def open(cls, folder: Path, embedder: Embedder) -> Self:
        """Open the current generation of the index in `folder`.

        Raises:
            InputError: there is no index in `folder`.
            IndexFormatError: the index has another format, embedder or chunker, or its files are damaged.
        """
        while True:
            current = _read_current(folder)
            try:
                manifest = _read_manifest(folder)
                _check_identity(manifest, folder, embedder)
                return cls(folder, manifest)
            except IndexFormatError:
                # Two publications since CURRENT was read take its files away; a damaged index stays as it is.
                if _read_current(folder) == current:
                    raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the database; the index cannot be used afterwards."""
        with self._lock:
            self._database.close()

    @property
    def generation(self) -> int:
        """The number of this generation, from 1."""
        return self._manifest.generation

    @property
    def passages(self) -> int:
        """How many passages there are; rows run from 0 to one below."""
        return self._manifest.rows

    def articles(self) -> list[ArticleSummary]:
        """Return all articles by path, without their texts."""
        rows = self._rows(
            "SELECT path, sha256, title, outlet, author, published, url, length(text), "
            "(SELECT count(*) FROM passages WHERE article = articles.id) FROM articles ORDER BY path"
        )
        return [ArticleSummary(*row) for row in rows]

    def article(self, path: str) -> Article:
        """Return the article with the given path.

        Raises:
            InputError: there is none.
        """
        rows = self._rows(
            "SELECT path, text, sha256, title, outlet, author, published, url FROM articles WHERE path = ?",
            (path,),
        )
        if not rows:
            raise InputError(f"the index has no article {path!r}", "Name one that the index lists")
        return Article(*rows[0])

    def fetch(self, rows: Sequence[int]) -> list[Passage]:
        """Return the passages of the given rows, in their order."""
        found: dict[int, Passage] = {}
        for row in rows:
            path, start, end, text, sentences = self._rows(
                'SELECT path, "start", "end", substr(text, "start" + 1, "end" - "start"), sentences '
                "FROM passages JOIN articles ON articles.id = article WHERE passages.id = ?",
                (row,),
            )[0]
            spans = tuple(Span(*pair) for pair in json.loads(sentences))
            found[row] = Passage(path, start, end, text, spans)
        return [found[row] for row in rows]

    def vectors_of(self, sha256: str) -> Vectors | None:
        """Return the vectors of an article's passages, None without such an article."""
        ids = self._rows("SELECT id FROM articles WHERE sha256 = ? LIMIT 1", (sha256,))
        if not ids:
            return None
        rows = [row for (row,) in self._rows("SELECT id FROM passages WHERE article = ? ORDER BY id", ids[0])]
        return self._vectors_at(rows)

    def search_dense(self, vector: Vectors, k: int) -> list[tuple[int, float]]:
        """Return (row, cosine) of the `k` nearest passages, nearest first; `vector` has length 1."""
        if self.passages == 0:
            return []
        scores, rows = self._vectors.search(vector.reshape(1, -1), min(k, self.passages))
        return [(int(row), float(score)) for row, score in zip(rows[0], scores[0], strict=True)]

    def cosines(self, vector: Vectors, rows: Sequence[int]) -> dict[int, float]:
        """Return the cosine of `vector`, which has length 1, and each row."""
        return dict(zip(rows, map(float, self._vectors_at(rows) @ vector), strict=True))

    def search_bm25(self, match: str, k: int) -> list[tuple[int, float]]:
        """Return (row, bm25) of the `k` best for an FTS5 query, best (highest) first; [] for the query ""."""
        if not match:
            return []
        query = "SELECT rowid, -bm25(words) FROM words WHERE words MATCH ? ORDER BY bm25(words), rowid LIMIT ?"
        return [(row, score) for row, score in self._rows(query, (match, k))]

    def bm25s(self, match: str, rows: Sequence[int]) -> dict[int, float]:
        """Return the bm25 of those of `rows` that the FTS5 query matches; higher is better."""
        if not match:
            return {}
        query = (
            "SELECT rowid, -bm25(words) FROM words WHERE words MATCH ? AND rowid IN (SELECT value FROM json_each(?))"
        )
        return dict(self._rows(query, (match, json.dumps(list(rows)))))

    def _vectors_at(self, rows: Sequence[int]) -> Vectors:
        if not rows:
            return np.zeros((0, self._manifest.dimension), np.float32)
        return np.asarray(self._vectors.reconstruct_batch(np.array(rows, dtype=np.int64)), dtype=np.float32)

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._lock:
            return self._database.execute(query, parameters).fetchall()


def _read_current(folder: Path) -> bytes:
    """Raises: InputError where there is no index."""
    try:
        return (folder / "CURRENT").read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"there is no index in {folder}", f"Make one: citewire index PATH --index {folder}") from error
    except OSError as error:
        raise InputError(f"the index in {folder} cannot be read: {error.strerror}", "Allow reading it") from error


def _read_manifest(folder: Path) -> _Manifest:
    """Return the manifest that CURRENT names. Raises: InputError, IndexFormatError."""
    current = _read_current(folder)
    try:
        pointer = json.loads(current)
        name, digest = str(pointer["manifest"]), pointer["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise IndexFormatError(f"{folder / 'CURRENT'} is damaged", f"{INDEX_AGAIN} {folder}") from error
    file = folder / "manifests" / name
    if not _MANIFEST_NAME.fullmatch(name):
        raise IndexFormatError(f"{folder / 'CURRENT'} names the manifest {name!r}", f"{INDEX_AGAIN} {folder}")
    try:
        data = file.read_bytes()
    except OSError as error:
        raise IndexFormatError(f"{file} cannot be read: {error.strerror}", f"{INDEX_AGAIN} {folder}") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise IndexFormatError(f"{file} does not have the sha256 that CURRENT states", f"{INDEX_AGAIN} {folder}")
    return _parse_manifest(data, file, folder)


def _parse_manifest(data: bytes, file: Path, folder: Path) -> _Manifest:
    """Raises: IndexFormatError."""
    try:
        fields = json.loads(data)
        if fields["format"] != FORMAT_VERSION:
            raise IndexFormatError(
                f"the index in {folder} has format {fields['format']}, this citewire reads {FORMAT_VERSION}",
                f"{INDEX_AGAIN} {folder}",
            )
        fields["files"] = {name: _File(**entry) for name, entry in fields["files"].items()}
        manifest = _Manifest(**fields)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexFormatError(f"{file} is damaged", f"{INDEX_AGAIN} {folder}") from error
    if not _SEGMENT_NAME.fullmatch(manifest.segment):
        raise IndexFormatError(f"{file} names the segment {manifest.segment!r}", f"{INDEX_AGAIN} {folder}")
    return manifest


def _check_identity(manifest: _Manifest, folder: Path, embedder: Embedder) -> None:
    """Raises: IndexFormatError where vectors or passages would not be comparable."""
    made = f"embedder {manifest.embedder[:12]} and chunker {manifest.chunker}"
    now = f"embedder {embedder.fingerprint[:12]} and chunker {CHUNKER_VERSION}"
    if (manifest.embedder, manifest.chunker) != (embedder.fingerprint, CHUNKER_VERSION):
        raise IndexFormatError(
            f"the index in {folder} was made with {made}, this run has {now}",
            f"Use the embedder it was made with, or index again: citewire index PATH --index {folder}",
        )


def _verify(segment: Path, manifest: _Manifest, folder: Path) -> None:
    """Raise IndexFormatError unless every file is as published; FAISS loads flipped bits silently."""
    for name in ("vectors.faiss", "passages.db"):
        stated, file = manifest.files.get(name), segment / name
        try:
            found = _describe(file)
        except OSError as error:
            raise IndexFormatError(f"{file} cannot be read: {error.strerror}", f"{INDEX_AGAIN} {folder}") from error
        if stated is None or found.bytes != stated.bytes:
            size = stated.bytes if stated else "unknown"
            raise IndexFormatError(
                f"{file} has {found.bytes} bytes, its manifest states {size}", f"{INDEX_AGAIN} {folder}"
            )
        if found != stated:
            raise IndexFormatError(f"{file} is damaged: its sha256 is {found.sha256}", f"{INDEX_AGAIN} {folder}")


def _describe(file: Path) -> _File:
    with file.open("rb") as stream:
        return _File(os.fstat(stream.fileno()).st_size, hashlib.file_digest(stream, "sha256").hexdigest())


# -- writing ----------------------------------------------------------------------------------------------


class Writer:
    """The one process that may publish to an index folder, from `with Writer(folder)` to its end.

    Entering makes the folder where there is none and removes what a killed writer left.

    Raises:
        InputError: on entering, where the folder holds something else or another process is writing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock_file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _refuse_foreign(self._folder)
            self._lock_file = (self._folder / "LOCK").open("ab")
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (self._folder / "manifests").mkdir(exist_ok=True)
            (self._folder / "segments").mkdir(exist_ok=True)
            _sync(self._folder)
        except BlockingIOError as error:
            self._release()
            raise InputError(
                f"another process is writing to the index in {self._folder}", "Wait until it has finished"
            ) from error
        except OSError as error:
            self._release()
            raise _unwritable(self._folder, error) from error
        _collect(self._folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            _collect(self._folder)  # a segment that was begun
        self._release()

    def _release(self) -> None:
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def publish(self, content: Content, embedder_fingerprint: str) -> int:
        """Make `content` the current generation and return its number; nothing changes where this raises.

        Raises:
            InputError: the folder cannot be written, for instance because the disk is full.
        """
        if self._lock_file is None:
            raise RuntimeError("publish outside of `with Writer(folder)`")
        try:
            segment = self._folder / "segments" / f"seg-{uuid4().hex}"
            segment.mkdir()
            files = _write_segment(segment, content)
            manifest = _Manifest(
                format=FORMAT_VERSION,
                generation=max(_manifests(self._folder), default=0) + 1,
                embedder=embedder_fingerprint,
                chunker=CHUNKER_VERSION,
                dimension=content.vectors.shape[1],
                rows=len(content.passages),
                articles=len(content.articles),
                segment=segment.name,
                files=files,
            )
            _publish_manifest(self._folder, manifest)
        except (OSError, sqlite3.OperationalError) as error:
            raise _unwritable(self._folder, error) from error
        _collect(self._folder)
        return manifest.generation


def _unwritable(folder: Path, error: OSError | sqlite3.OperationalError) -> InputError:
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return InputError(f"the index in {folder} cannot be written: {reason}", "Free some space or name another folder")


def _refuse_foreign(folder: Path) -> None:
    """Raise InputError where `folder` holds files that no index has: nothing is ever written among those."""
    foreign = sorted({entry.name for entry in folder.iterdir()} - _OWN_NAMES)
    ours = (folder / "LOCK").exists() or (folder / "CURRENT").exists()
    if foreign or (not ours and any(folder.iterdir())):
        first = foreign[0] if foreign else next(folder.iterdir()).name
        raise InputError(f"{folder} is not an index: it holds {first!r}", "Name a new or empty folder with --index")


def _write_segment(segment: Path, content: Content) -> dict[str, _File]:
    """Write and sync the files of a segment, then its folder and the one above."""
    import faiss

    vectors = faiss.IndexFlatIP(content.vectors.shape[1])
    vectors.add(np.ascontiguousarray(content.vectors, dtype=np.float32))
    try:
        faiss.write_index(vectors, str(segment / "vectors.faiss"))
    except RuntimeError as error:  # FAISS reports a full disk this way
        raise OSError(str(error)) from error
    _write_database(segment / "passages.db", content)
    for name in ("vectors.faiss", "passages.db"):
        _sync(segment / name)
    _sync(segment)
    _sync(segment.parent)
    return {name: _describe(segment / name) for name in ("vectors.faiss", "passages.db")}


def _write_database(file: Path, content: Content) -> None:
    database = sqlite3.connect(file)
    try:
        # No journal: until CURRENT names this file nobody reads it, and a killed writer's file is thrown
        # away.
        database.executescript(f"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; {_SCHEMA}")
        ids = {article.path: number for number, article in enumerate(content.articles)}
        titles = {article.path: article.title for article in content.articles}
        database.executemany(
            "INSERT INTO articles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (ids[a.path], a.path, a.text, a.sha256, a.title, a.outlet, a.author, a.published, a.url)
                for a in content.articles
            ),
        )
        database.executemany(
            "INSERT INTO passages VALUES (?, ?, ?, ?, ?)",
            (
                (
                    row,
                    ids[p.article],
                    p.start,
                    p.end,
                    json.dumps([(span.start, span.end) for span in p.sentences]),
                )
                for row, p in enumerate(content.passages)
            ),
        )
        database.executemany(
            "INSERT INTO words(rowid, text, title) VALUES (?, ?, ?)",
            (
                (row, text, titles[passage.article])
                for row, (text, passage) in enumerate(zip(content.texts, content.passages, strict=True))
            ),
        )
        database.execute("INSERT INTO words(words) VALUES ('optimize')")
        database.commit()
    finally:
        database.close()


def _publish_manifest(folder: Path, manifest: _Manifest) -> None:
    """Put the manifest beside the others, then turn CURRENT to it; each step on disk before the next."""
    data = json.dumps(asdict(manifest), indent=1, sort_keys=True).encode()
    digest = hashlib.sha256(data).hexdigest()
    name = f"{manifest.generation:010d}-{digest[:16]}.json"
    _replace(folder / "manifests" / name, data)
    _replace(folder / "CURRENT", json.dumps({"manifest": name, "sha256": digest}).encode())


def _replace(file: Path, data: bytes) -> None:
    """Write `data` to `file` so that a reader, also after a power cut, finds the old or the new content."""
    temporary = file.with_name(f"{file.name}.tmp")
    temporary.write_bytes(data)
    _sync(temporary)
    temporary.replace(file)
    _sync(file.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _manifests(folder: Path) -> dict[int, Path]:
    """Return the manifests in `folder` by generation."""
    files = (folder / "manifests").iterdir()
    return {int(match[1]): file for file in files if (match := _MANIFEST_NAME.fullmatch(file.name))}


def _collect(folder: Path) -> None:
    """Remove generations beyond `KEPT_GENERATIONS` and what writers left unpublished; only under the lock.

    Where CURRENT is lost or damaged only temporary files are: an older generation may be all there is.
    """
    for leftover in (folder / "CURRENT.tmp", *(folder / "manifests").glob("*.json.tmp")):
        leftover.unlink(missing_ok=True)
    manifests = _manifests(folder)
    try:
        current = _read_manifest(folder).generation
    except InputError:
        if manifests:
            return
        current = 0  # nothing was ever published
    except IndexFormatError:
        return
    kept: set[str] = set()
    for generation, file in manifests.items():
        if current - KEPT_GENERATIONS < generation <= current:
            with suppress(OSError, IndexFormatError):
                kept.add(_parse_manifest(file.read_bytes(), file, folder).segment)
        else:
            file.unlink(missing_ok=True)
    for segment in (folder / "segments").iterdir():
        if _SEGMENT_NAME.fullmatch(segment.name) and segment.name not in kept:
            shutil.rmtree(segment, ignore_errors=True)
