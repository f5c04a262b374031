"""One segment of an index: articles, their passages and vectors, written once and never changed.

    vectors.faiss   vectors of the passages, and scan.faiss if they are many: see `citewire.index.vectors`
    passages.db     articles, passages and their words (FTS5)
    segment.json    versions of embedder and chunker, sizes, sha256 and bytes of the other files

Knows SQLite. Does not know the other segments of an index, nor which articles are still alive.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from threading import Lock, RLock
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from citewire.index.disk import FileDigest, digest, read_only, replace, sync
from citewire.index.errors import IndexFormatError
from citewire.index.folding import folded
from citewire.index.passages import searched_text, title_words
from citewire.index.types import NO_FILTERS, OPENING_CHARS, Article, DateMention, Filters, Passage, Span, Vectors
from citewire.index.vectors import Rows, Scan, VectorFile, write_vectors

Measured = TypeVar("Measured")

TITLE_WEIGHT = 3.0  # weight in BM25 of a word in the title relative to one in the text; measured in docs/retrieval.md

SEGMENT_VERSION = 3  # version of the files' layout; raise it, and `manifest.FORMAT_VERSION`, with every change

DATABASE = "passages.db"

UNDATED = np.iinfo(np.int32).min  # stands for the day of an article without one
EPOCH = date(1970, 1, 1).toordinal()  # day 0 of `Segment.table`
# Columns of `Segment.table`: number of the article, its first row and number of rows, days since `EPOCH` or `UNDATED`,
# and the group of near-duplicates.
COLUMNS = np.dtype([("number", "i8"), ("first", "i8"), ("rows", "i8"), ("published", "i4"), ("group", "O")])

COUNTED_TERMS = 100_000  # most terms whose number of rows a segment remembers

_SCHEMA = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
CREATE TABLE articles(
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL,
    title TEXT NOT NULL, outlet TEXT NOT NULL, author TEXT NOT NULL, published TEXT NOT NULL,
    url TEXT NOT NULL, metadata TEXT NOT NULL, source TEXT NOT NULL, "group" TEXT NOT NULL,
    signature BLOB NOT NULL, characters INTEGER NOT NULL, first_row INTEGER NOT NULL, rows INTEGER NOT NULL
);
CREATE INDEX articles_sha256 ON articles(sha256);
CREATE INDEX articles_source ON articles(source);
CREATE TABLE texts(  -- apart, so that what reads all articles does not read past their texts
    article INTEGER PRIMARY KEY REFERENCES articles, text TEXT NOT NULL, dates TEXT NOT NULL, pages TEXT NOT NULL
);
CREATE TABLE passages(
    id INTEGER PRIMARY KEY, article INTEGER NOT NULL REFERENCES articles,
    "start" INTEGER NOT NULL, "end" INTEGER NOT NULL, sentences TEXT NOT NULL
);
CREATE VIRTUAL TABLE words USING fts5(
    text, title, content='', tokenize='porter unicode61 remove_diacritics 2'
);
"""
_ARTICLE = (
    'path, text, sha256, title, outlet, author, published, url, metadata, source, dates, "group", pages '
    "FROM articles JOIN texts ON texts.article = articles.id"
)
_SUMMARY = (
    'path, sha256, title, outlet, author, published, url, metadata, source, "group", characters, rows, id, first_row'
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An article with everything that is stored for it.

    Attributes:
        article: the article.
        signature: its MinHash signature, to find near-duplicates.
        passages: its passages in the order of the text.
        vectors: row i is the vector of `passages[i]`.
    """

    article: Article
    signature: bytes
    passages: Sequence[Passage]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class ArticleSummary:
    """An article without its text.

    Attributes:
        path, sha256, title, outlet, author, published, url, metadata, source, group: as in `Article`.
        characters: length of the text.
        passages: number of passages.
        id: the article's number inside its segment.
        first_row: row of its first passage in the segment; the others follow.
    """

    path: str
    sha256: str
    title: str
    outlet: str
    author: str
    published: str
    url: str
    metadata: Mapping[str, str]
    source: str
    group: str
    characters: int
    passages: int
    id: int
    first_row: int


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """The contents of `segment.json`.

    Attributes:
        name: name of the segment's folder.
        version: `SEGMENT_VERSION` of the writer.
        embedder, chunker: versions that made the vectors and the passages.
        dimension: columns of the vectors.
        rows, articles: numbers of passages and articles.
        lists, probes, recall: as in `Scan`.
        files: bytes and sha256 of each file.
    """

    name: str
    version: int
    embedder: str
    chunker: str
    dimension: int
    rows: int
    articles: int
    lists: int
    probes: int
    recall: float
    files: Mapping[str, FileDigest] = field(default_factory=dict)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Return the inverse of `asdict`. Raises: KeyError, TypeError, AttributeError."""
        files = {name: FileDigest(**entry) for name, entry in fields["files"].items()}
        return cls(**{**fields, "files": files})

    @property
    def bytes(self) -> int:
        """Bytes of the segment's files."""
        return sum(file.bytes for file in self.files.values())


# -- writing ----------------------------------------------------------------------------------------------


class SegmentWriter:
    """Writes a segment article by article; only the vectors are held in memory, and only at the end.

    Args:
        folder: the segment's folder, which must not exist.
        embedder, chunker: versions that made the vectors and the passages.
        dimension: columns of the vectors.

    Raises:
        OSError, sqlite3.OperationalError: the disk is full or broken; an error removes the folder.
    """

    def __init__(self, folder: Path, *, embedder: str, chunker: str, dimension: int) -> None:
        self._folder = folder
        self._embedder, self._chunker, self._dimension = embedder, chunker, dimension
        self._rows = self._articles = 0

    def __enter__(self) -> Self:
        self._folder.mkdir()
        self._raw = (self._folder / "vectors.raw").open("w+b")
        self._database = sqlite3.connect(self._folder / DATABASE)
        self._database.executescript(_SCHEMA)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._raw.close()
        self._database.close()
        if kind is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, entry: Entry) -> None:
        """Append an article; each path may occur only once."""
        article, number = entry.article, self._articles
        self._raw.write(np.ascontiguousarray(entry.vectors, dtype=np.float32).tobytes())
        plain = (
            *(number, article.path, article.sha256, article.title, article.outlet, article.author, article.published),
            *(article.url, json.dumps(dict(article.metadata)), article.source, article.group, entry.signature),
            *(len(article.text), self._rows, len(entry.passages)),
        )
        self._database.execute(f"INSERT INTO articles VALUES (?{', ?' * (len(plain) - 1)})", plain)  # noqa: S608
        dates = json.dumps([(date.start, date.end, date.first, date.last) for date in article.dates])
        self._database.execute(
            "INSERT INTO texts VALUES (?, ?, ?, ?)", (number, article.text, dates, json.dumps(article.pages))
        )
        for row, passage in enumerate(entry.passages, self._rows):
            spans = json.dumps([(span.start, span.end) for span in passage.sentences])
            self._database.execute(
                "INSERT INTO passages VALUES (?, ?, ?, ?, ?)", (row, number, passage.start, passage.end, spans)
            )
            self._database.execute(
                "INSERT INTO words(rowid, text, title) VALUES (?, ?, ?)",
                (row, searched_text(article.text, passage), folded(title_words(article))),
            )
        self._rows += len(entry.passages)
        self._articles += 1

    def finish(self) -> SegmentInfo:
        """Write the rest, sync everything, and return the contents of `segment.json`."""
        self._database.execute("INSERT INTO words(words) VALUES ('optimize')")
        self._database.commit()
        self._database.close()
        scan, files = write_vectors(self._folder, self._raw, self._dimension)
        self._raw.close()
        (self._folder / "vectors.raw").unlink()
        files = (*files, DATABASE)
        for name in files:
            sync(self._folder / name)
        info = SegmentInfo(
            name=self._folder.name,
            version=SEGMENT_VERSION,
            embedder=self._embedder,
            chunker=self._chunker,
            dimension=self._dimension,
            rows=self._rows,
            articles=self._articles,
            lists=scan.lists,
            probes=scan.probes,
            recall=scan.recall,
            files={name: digest(self._folder / name) for name in files},
        )
        replace(self._folder / "segment.json", json.dumps(asdict(info), indent=1).encode())
        sync(self._folder.parent)
        return info


# -- reading ----------------------------------------------------------------------------------------------


_segments: weakref.WeakValueDictionary[tuple[object, ...], Segment] = weakref.WeakValueDictionary()
_opening = Lock()


def open_segment(folder: Path, info: SegmentInfo) -> Segment:
    """Return a segment open for reading: the one in use, if another generation of this process has it open.

    So a new generation opens and reads only its new segments. Arguments and errors as of `Segment`.
    """
    check_sizes(folder, info)
    # A folder that was deleted and made anew has other files: those in use keep their inode numbers.
    found = [_found(folder / name, Path.stat) for name in info.files]
    key = (folder.absolute(), repr(info), *((one.st_dev, one.st_ino, one.st_mtime_ns) for one in found))
    with _opening:
        segment = _segments.get(key)
        if segment is None:
            segment = _segments[key] = Segment(folder, info)
        return segment


def _forget() -> None:
    """Let a forked process open its own segments: SQLite's connections must not be used on both sides of a fork."""
    _segments.clear()
    _opening.release()


if sys.platform != "win32":
    os.register_at_fork(before=_opening.acquire, after_in_parent=_opening.release, after_in_child=_forget)


class Segment:
    """A segment open for reading; safe to share between threads. It closes when its last user drops it.

    Args:
        folder: the segment's folder.
        info: its entry in the index's manifest.

    Raises:
        IndexFormatError: a file is missing, has another size or cannot be opened.
    """

    _FOLDED = "folded({})"  # SQL of a column in lower case, as `str.casefold` makes it

    def __init__(self, folder: Path, info: SegmentInfo) -> None:
        self.info = info
        self.folder = folder
        self._lock = RLock()  # one connection for all threads: a later generation may unlink its file
        self._matched: dict[tuple[str, int], int] = {}
        database = read_only((folder / DATABASE).absolute())
        try:
            self._vectors = VectorFile(folder, info.dimension, Scan(info.lists, info.probes, info.recall))
            self._database = sqlite3.connect(database, uri=True, check_same_thread=False)
            weakref.finalize(self, self._database.close)
            self._database.create_function("folded", 1, str.casefold, deterministic=True)
        except (RuntimeError, sqlite3.OperationalError) as error:
            raise IndexFormatError(f"{folder} cannot be opened: {error}", "Run: citewire index repair") from error

    # articles

    def article(self, path: str) -> tuple[int, Article] | None:
        """Return the number and the article of a path, None if there is none."""
        rows = self._rows(f"SELECT id, {_ARTICLE} WHERE path = ?", (path,))
        return (rows[0][0], _article(rows[0][1:])) if rows else None

    def summaries(self, numbers: Sequence[int] | None = None) -> list[ArticleSummary]:
        """Return the articles of these numbers, in ascending order; None for all."""
        if numbers is None:
            return self._summaries
        among, values = self._among(numbers)
        query = f"SELECT {_SUMMARY} FROM articles WHERE id {among} ORDER BY id"  # noqa: S608
        return [_summary(row) for row in self._rows(query, (values,))]

    @cached_property
    def _summaries(self) -> list[ArticleSummary]:
        return [_summary(row) for row in self._rows(f"SELECT {_SUMMARY} FROM articles ORDER BY id", ())]  # noqa: S608

    def identities(self, filters: Filters = NO_FILTERS) -> list[tuple[int, str, str, int]]:
        """Return (number, path, source, passages) of the articles that pass the filters."""
        where, values = self._condition(filters)
        return self._rows(f"SELECT id, path, source, rows FROM articles WHERE {where}", values)  # noqa: S608

    def of_source(self, source: str) -> list[tuple[int, str]]:
        """Return (number, path) of the articles with this `Article.source`."""
        return self._rows("SELECT id, path FROM articles WHERE source = ?", (source,))

    @cached_property
    def signatures(self) -> list[tuple[int, str, bytes]]:
        """(number, group, signature) of all articles; 45 MB for 100,000, kept for the next addition."""
        return self._rows('SELECT id, "group", signature FROM articles', ())

    def labels(self) -> list[tuple[int, str, str, str, str, str]]:
        """Return (number, path, title, opening of a text without title, outlet, published) of all articles."""
        query = "SELECT id, path, title, CASE title WHEN '' THEN opening ELSE '' END, outlet, published FROM articles"
        opening = f"(SELECT substr(text, 1, {OPENING_CHARS}) FROM texts WHERE article = id)"  # noqa: S608
        return self._rows(query.replace("opening", opening), ())

    def columns(self) -> list[tuple[int, int, int, str, str]]:
        """Return (number, first row, rows, published, group) of all articles."""
        return self._rows('SELECT id, first_row, rows, published, "group" FROM articles', ())

    @cached_property
    def table(self) -> NDArray[np.void]:
        """The `COLUMNS` of all articles with passages, in the order of rows."""
        columns = sorted(columns[1:] + columns[:1] for columns in self.columns() if columns[2])
        days = {day: date.fromisoformat(day).toordinal() - EPOCH for _, _, day, *_ in columns if day}
        found = [(number, first, rows, days.get(day, UNDATED), group) for first, rows, day, group, number in columns]
        return np.array(found, COLUMNS)

    def select(self, filters: Filters) -> list[tuple[int, int]]:
        """Return (first row, number of rows) of the articles that pass the filters."""
        where, values = self._condition(filters)
        return self._rows(f"SELECT first_row, rows FROM articles WHERE {where}", values)  # noqa: S608

    def rows_of(self, numbers: Iterable[int]) -> Rows:
        """Return which rows belong to the articles of these numbers."""
        chosen = np.zeros(self.info.rows, np.bool_)
        among, values = self._among(sorted(numbers))
        for first, rows in self._rows(f"SELECT first_row, rows FROM articles WHERE id {among}", (values,)):  # noqa: S608
            chosen[first : first + rows] = True
        return chosen

    def entries(self, without: Iterable[int] = ()) -> Iterator[Entry]:
        """Yield all articles except those of the given numbers, with everything stored for them."""
        left_out = set(without)
        for summary in self.summaries():
            if summary.id in left_out:
                continue
            ((signature, *columns),) = self._rows(
                f"SELECT signature, {_ARTICLE} WHERE id = ?",
                (summary.id,),
            )
            rows = range(summary.first_row, summary.first_row + summary.passages)
            yield Entry(_article(columns), signature, self.fetch(rows), self.vectors(rows))

    def texts(self, without: Iterable[int] = ()) -> Iterator[str]:
        """Yield title and text, one line each, of all articles except those of the given numbers."""
        query = "SELECT title, text FROM articles JOIN texts ON texts.article = articles.id WHERE id = ?"
        for number in sorted({number for number, *_ in self.identities()}.difference(without)):
            yield "\n".join(self._rows(query, (number,))[0])

    def vectors_of(self, sha256: str) -> Vectors | None:
        """Return the vectors of the passages of an article by its sha256, None if there is none."""
        found = self._rows("SELECT first_row, rows FROM articles WHERE sha256 = ? LIMIT 1", (sha256,))
        return self.vectors(range(found[0][0], found[0][0] + found[0][1])) if found else None

    # passages

    def fetch(self, rows: Sequence[int]) -> list[Passage]:
        """Return the passages of the given rows, in their order."""
        query = (
            'SELECT path, "start", "end", substr(text, "start" + 1, "end" - "start"), sentences '
            "FROM passages JOIN articles ON articles.id = passages.article JOIN texts ON texts.article = articles.id "
            "WHERE passages.id = ?"
        )
        found = [self._rows(query, (int(row),))[0] for row in rows]
        return [
            Passage(path, start, end, text, tuple(Span(*pair) for pair in json.loads(sentences)))
            for path, start, end, text, sentences in found
        ]

    def article_of(self, rows: Sequence[int]) -> list[int]:
        """Return the number of the article of each row."""
        query = "SELECT article FROM passages WHERE id = ?"
        return [self._rows(query, (int(row),))[0][0] for row in rows]

    # vectors

    def vectors(self, rows: Sequence[int]) -> Vectors:
        """Return the vectors of the given rows, shape (len(rows), dimension)."""
        return self._vectors.vectors(rows)

    def search_dense(self, vector: Vectors, k: int, allowed: Rows | None) -> list[tuple[int, float]]:
        """Return (row, cosine) of the `k` nearest of the allowed rows, nearest first; `vector` has length 1."""
        return self._vectors.search(vector, k, allowed)

    def cosines(self, vector: Vectors, rows: Sequence[int]) -> list[float]:
        """Return the cosine of each of the given rows with `vector`, which has length 1."""
        found: list[float] = (self.vectors(rows) @ vector).tolist()
        return found

    # words; a term is a word, or a phrase of several

    def matches(self, term: str, most: int) -> int:
        """Return how many rows contain a term, at most `most` + 1; remembered."""
        count = self._matched.get((term, most))
        if count is None:
            query = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
            count = int(self._rows(query, (_expression([term]), most + 1))[0][0])
            if len(self._matched) >= COUNTED_TERMS:
                self._matched.clear()
            self._matched[term, most] = count
        return count

    def search_bm25(self, terms: Sequence[str], k: int, allowed: Rows | None) -> list[tuple[int, float]]:
        """Return (row, bm25) of the `k` best allowed rows with any of the terms, best (highest) first.

        This is FTS5's own BM25 (k1 1.2, b 0.75); its document frequencies are those of this segment only.
        """
        condition = "" if allowed is None else "AND allowed(rowid)"
        score = f"bm25(words, 1.0, {TITLE_WEIGHT})"
        query = (
            f"SELECT rowid, -{score} FROM words WHERE words MATCH ? {condition} "  # noqa: S608
            f"ORDER BY {score}, rowid LIMIT ?"
        )
        with self._lock:
            if allowed is not None:  # a C function: a Python one would take longer than the search
                self._database.create_function("allowed", 1, allowed.tobytes().__getitem__)
            return self._rows(query, (_expression(terms), k))

    def bm25s(self, terms: Sequence[str], rows: Sequence[int]) -> dict[int, float]:
        """Return the bm25 of each of `rows` that contains any of the terms, as in `search_bm25`."""
        query = (
            f"SELECT rowid, -bm25(words, 1.0, {TITLE_WEIGHT}) FROM words "  # noqa: S608
            "WHERE words MATCH ? AND rowid IN (SELECT value FROM json_each(?))"
        )
        return dict(self._rows(query, (_expression(terms), json.dumps([int(row) for row in rows]))))

    def _among(self, wanted: Sequence[int] | Sequence[str]) -> tuple[str, object]:
        """Return the SQL operator and its value that compare a column with all of `wanted`."""
        return "IN (SELECT value FROM json_each(?))", json.dumps(list(wanted))

    def _below(self, folders: Sequence[str]) -> tuple[str, object]:
        """Return the SQL condition, and its value, of an article below one of these folders, which end in "/"."""
        # A range ("0" follows "/"), so that SQLite uses its index; a join, as it refuses 1,000 conditions.
        condition = (
            "id IN (SELECT below.id FROM json_each(?) AS folder CROSS JOIN articles AS below"
            " ON below.path > folder.value ->> 0 AND below.path < folder.value ->> 1)"
        )
        return condition, json.dumps([(folder, f"{folder[:-1]}0") for folder in folders])

    def _has(self, metadata: Mapping[str, str]) -> tuple[str, object]:
        """Return the SQL condition, and its value, of an article with all of this metadata."""
        condition = (
            "NOT EXISTS (SELECT 1 FROM json_each(?) AS wanted WHERE NOT EXISTS"
            " (SELECT 1 FROM json_each(metadata) AS own WHERE own.key = wanted.key AND own.value = wanted.value))"
        )
        return condition, json.dumps(dict(metadata))

    def _condition(self, filters: Filters) -> tuple[str, list[Any]]:
        """Return an SQL condition on the columns of an article, and its parameters."""
        conditions, values = ["true"], list[Any]()

        def add(condition: str, value: object, joined: str = "") -> None:
            conditions.append(f"{conditions.pop()} {joined} {condition}" if joined else condition)
            values.append(value)

        for day, comparison in ((filters.published_from, ">="), (filters.published_to, "<=")):
            if day:
                add(f"published != '' AND published {comparison} ?", day)
        for chosen, column in ((filters.outlets, "outlet"), (filters.authors, "author")):
            if chosen:
                operator, names = self._among([name.casefold() for name in chosen])
                add(f"{self._FOLDED.format(column)} {operator}", names)
        if filters.articles:
            operator, paths = self._among(filters.articles)
            add(f"path {operator}", paths)
            if folders := [path for path in filters.articles if path.endswith("/")]:
                add(*self._below(folders), joined="OR")
        if filters.metadata:
            add(*self._has(filters.metadata))
        return " AND ".join(f"({condition})" for condition in conditions), values

    def _rows(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._database.execute(query, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise IndexFormatError(
                    f"{self.folder / DATABASE} is damaged: {error}", "Run: citewire index repair"
                ) from error


def _expression(terms: Sequence[str]) -> str:
    """Return the FTS5 expression for rows with any of the terms; they are quoted, so they hold no operators."""
    return " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)


def idf(count: int, rows: int) -> float:
    """Return the inverse document frequency of a term in `count` of `rows` rows, as FTS5 computes it."""
    found = math.log((rows - count + 0.5) / (count + 0.5))
    return found if found > 0 else 1e-6


def _article(columns: Sequence[Any]) -> Article:
    """Return the article from the columns `_ARTICLE`."""
    values = dict(zip(("metadata", "source", "dates", "group", "pages"), columns[8:], strict=True))
    values["metadata"] = json.loads(values["metadata"])
    values["pages"] = tuple(json.loads(values["pages"]))
    values["dates"] = tuple(DateMention(*date) for date in json.loads(values["dates"]))
    path, text, sha256, title, outlet, author, published, url = columns[:8]
    return Article(path, text, sha256, title, outlet, author, published, url, **values)


def _summary(columns: Sequence[Any]) -> ArticleSummary:
    """Return the summary from the columns `_SUMMARY`."""
    values = list(columns)
    values[7] = json.loads(values[7])
    return ArticleSummary(*values)


# -- checking ---------------------------------------------------------------------------------------------


def check_sizes(folder: Path, info: SegmentInfo) -> None:
    """Raise IndexFormatError unless every file exists with the stated number of bytes."""
    for name, stated in info.files.items():
        found = _found(folder / name, lambda file: file.stat().st_size)
        if found != stated.bytes:
            raise IndexFormatError(
                f"{folder / name} has {found} bytes, its manifest states {stated.bytes}", "Run: citewire index repair"
            )


def check_hashes(folder: Path, info: SegmentInfo) -> None:
    """Raise IndexFormatError unless every file is as published; FAISS loads flipped bits without an error."""
    check_sizes(folder, info)
    for name, stated in info.files.items():
        found = _found(folder / name, digest)
        if found != stated:
            raise IndexFormatError(
                f"{folder / name} is damaged: its sha256 is {found.sha256}", "Run: citewire index repair"
            )


def _found(file: Path, measure: Callable[[Path], Measured]) -> Measured:
    try:
        return measure(file)
    except OSError as error:
        raise IndexFormatError(f"{file} cannot be read: {error.strerror}", "Run: citewire index repair") from error


def read_info(folder: Path) -> SegmentInfo | None:
    """Return the contents of a folder's `segment.json`, None if it is missing or of another version."""
    try:
        info = SegmentInfo.from_json(json.loads((folder / "segment.json").read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return info if (info.name, info.version) == (folder.name, SEGMENT_VERSION) else None
