"""An index open for reading: the articles, passages and rankings of one generation.

Combines the segments of a generation: row numbers, the table of articles, filters, and BM25 over all segments. Does not
know how a generation is made, nor how rankings become hits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from citewire.index import postgres
from citewire.index.address import Address, Location
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.manifest import Manifest, Part, check_identity, read_current, read_manifest
from citewire.index.postgres import PostgresSegment, Server
from citewire.index.segment import (
    COLUMNS,
    UNDATED,
    ArticleSummary,
    Entry,
    Segment,
    check_hashes,
    idf,
    open_segment,
)
from citewire.index.types import NO_FILTERS, Article, Embedder, Filters, Passage, Vectors, headline
from citewire.index.vectors import Rows

HASHED_AT_OPEN = 64_000_000  # bytes; the checksums of an index up to this size are verified on opening, in under 0.1 s
# Most matches that BM25 scores, those of the rarest terms first, as scoring takes linear time and common terms tell
# little. On 98,000 news passages, no limit took twice the time and found no more; half the limit found less.
MATCHED_ROWS = 40_000
SELECTIONS = 8  # filters whose rows are cached, as people ask several questions with one filter


@dataclass(frozen=True, slots=True)
class _Open:
    """An open segment, its dead articles, the index row of its first row, and which of its rows live (None: all)."""

    segment: Segment
    dead: frozenset[int]
    first: int
    live: Rows | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article is stored: its segment and number there; its `Article.source` and its number of passages."""

    segment: str
    number: int
    source: str
    passages: int


@dataclass(frozen=True, slots=True)
class ArticleTable:
    """The columns that ranking needs; element i of each array belongs to article i, in the order of rows.

    Attributes:
        first_rows: row of its first passage.
        counts: number of its passages, which have consecutive rows.
        published: days since `EPOCH`, `UNDATED` without a day of publication.
        groups: the same number for near-duplicates.
        alive: False if it was replaced or removed.
    """

    first_rows: NDArray[np.int64]
    counts: NDArray[np.int64]
    published: NDArray[np.int32]
    groups: NDArray[np.int32]
    alive: NDArray[np.bool_]

    def positions(self, rows: Sequence[int]) -> NDArray[np.int64]:
        """Return the position of the article of each row."""
        return np.searchsorted(self.first_rows, np.asarray(rows, np.int64), side="right") - 1


class Index:
    """One generation of an index, open for reading. Thread-safe.

    Later publications do not change it. A row is the number of a passage in this generation. Searches and filters never
    return rows of dead articles, which were replaced or removed.
    """

    def __init__(
        self, folder: Path, parts: Sequence[Part], generation: int, opened: Callable[[Part], Segment] | None = None
    ) -> None:
        """Open the parts.

        Args:
            folder: of the index, on this machine.
            parts: the segments, with their dead articles.
            generation: its number.
            opened: opens a part that is not a folder's; an error closes what is open.
        """
        self.folder = folder
        self.generation = generation
        self.parts = tuple(parts)
        self._open: list[_Open] = []
        self._selected: dict[str, Rows] = {}  # filters -> rows
        try:
            for part, first in zip(parts, accumulate((p.info.rows for p in parts), initial=0), strict=False):
                segment = opened(part) if opened else open_segment(folder / "segments" / part.info.name, part.info)
                live = ~segment.rows_of(part.dead) if part.dead else None
                self._open.append(_Open(segment, part.dead, first, live))
        except BaseException:
            self.close()
            raise
        self.rows = sum(part.info.rows for part in parts)
        self.passages = _living(self._open)

    @classmethod
    def open(cls, where: Location, embedder: Embedder | None = None) -> Self:
        """Open the current generation of an index.

        Args:
            where: the folder or database.
            embedder: embeds the questions; None to read the index without searching it.

        Raises:
            InputError: there is no index, or its server cannot be reached.
            IndexFormatError: the index has another format, embedder or chunker, or its files are damaged.
        """
        if isinstance(where, Address):
            manifest = manifest_of(where)
            if embedder is not None:
                check_identity(manifest, where, embedder)
            generation = manifest.generation

            def opened(part: Part) -> PostgresSegment:
                return PostgresSegment(Server(where), part.info, generation)

            return cls(where.folder, manifest.parts, generation, opened)
        folder = where
        while True:
            pointer = read_current(folder)
            try:
                manifest = read_manifest(folder)
                if embedder is not None:
                    check_identity(manifest, folder, embedder)
                if sum(part.info.bytes for part in manifest.parts) <= HASHED_AT_OPEN:
                    for part in manifest.parts:
                        check_hashes(folder / "segments" / part.info.name, part.info)
                return cls(folder, manifest.parts, manifest.generation)
            except IndexFormatError:
                # Two publications since CURRENT was read remove its files: try again. Else the index is damaged.
                if read_current(folder) == pointer:
                    raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop the segments, which close with their last user; the index cannot be used afterwards."""
        self.__dict__.pop("_open", None)

    def within(self, articles: Sequence[str]) -> Index:
        """Return an index with only these articles of this generation; it shares its files.

        All other articles count as removed, so no question reads them. Only BM25's document frequencies are those of
        the whole index.

        Args:
            articles: paths; one that ends in "/" stands for everything below it.
        """
        return _Within(self, articles)

    # articles

    def articles(self) -> list[ArticleSummary]:
        """Return all articles without their texts, sorted by path."""
        found = [s for part in self._open for s in part.segment.summaries() if s.id not in part.dead]
        return sorted(found, key=lambda summary: summary.path)

    def article(self, path: str) -> Article:
        """Return the article with the given path. Raises: InputError: there is none."""
        for part in self._open:
            found = part.segment.article(path)
            if found and found[0] not in part.dead:
                return found[1]
        raise InputError(f"the index has no article {path!r}", "Name one that the index lists: citewire index list")

    @cached_property
    def namesakes(self) -> frozenset[str]:
        """Paths of articles that share headline, outlet and day with another one, so that only the path differs."""
        known: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for part in self._open:
            for number, path, title, opening, outlet, published in part.segment.labels():
                if number not in part.dead:
                    label = headline(title, opening), " ".join(outlet.split()), published
                    known[tuple(map(str.casefold, label))].append(path)
        return frozenset(path for paths in known.values() if len(paths) > 1 for path in paths)

    def places(self, path: str) -> list[Place]:
        """Return where the article with this path is stored; several places only in the index of `Writer.view`."""
        return [place for _, place in self._identities(Filters(articles=(path,)))]

    def below(self, folder: str) -> list[tuple[str, Place]]:
        """Return (path, place) of the articles below `folder`, which ends in "/"."""
        return list(self._identities(Filters(articles=(folder,))))

    def paths_of(self, source: str) -> tuple[str, ...]:
        """Return the paths of the articles with this `Article.source`, without repetition."""
        found = ((part, one) for part in self._open for one in part.segment.of_source(source))
        return tuple(dict.fromkeys(path for part, (number, path) in found if number not in part.dead))

    def identities(self) -> Iterator[tuple[str, Place]]:
        """Yield (path, place) of all articles."""
        return self._identities(NO_FILTERS)

    def _identities(self, filters: Filters) -> Iterator[tuple[str, Place]]:
        for part in self._open:
            for number, path, source, passages in part.segment.identities(filters):
                if number not in part.dead:
                    yield path, Place(part.segment.info.name, number, source, passages)

    def signatures(self) -> Iterator[tuple[str, bytes]]:
        """Yield (group, signature) of all articles."""
        for part in self._open:
            for number, group, signature in part.segment.signatures:
                if number not in part.dead:
                    yield group, signature

    def entries(self) -> Iterator[Entry]:
        """Yield all articles with their passages, vectors and signatures."""
        for part in self._open:
            yield from part.segment.entries(part.dead)

    def texts(self) -> Iterator[str]:
        """Yield title and text of each article, with a line end between them."""
        for part in self._open:
            yield from part.segment.texts(part.dead)

    def vectors_of(self, sha256: str) -> Vectors | None:
        """Return the vectors of the passages of an article, even a dead one, None if no article has this sha256."""
        for part in self._open:
            if (found := part.segment.vectors_of(sha256)) is not None:
                return found
        return None

    # rows

    def select(self, filters: Filters) -> Rows | None:
        """Return which rows pass the filters, shape (rows,), read-only; None if no filter is set."""
        if filters == NO_FILTERS:
            return None
        key = repr(filters)
        chosen = self._selected.get(key)
        if chosen is None:
            chosen = np.zeros(self.rows, np.bool_)
            for part in self._open:
                for first, rows in part.segment.select(filters):
                    chosen[part.first + first : part.first + first + rows] = True
                if part.live is not None:
                    chosen[part.first : part.first + len(part.live)] &= part.live
            chosen.flags.writeable = False
            while len(self._selected) >= SELECTIONS:
                self._selected.pop(next(iter(self._selected)), None)
            self._selected[key] = chosen
        return chosen

    def fetch(self, rows: Sequence[int]) -> list[Passage]:
        """Return the passages of the given rows, in their order."""
        found: dict[int, Passage] = {}
        for part, local in self._by_part(rows):
            found |= {part.first + row: one for row, one in zip(local, part.segment.fetch(local), strict=True)}
        return [found[int(row)] for row in rows]

    def summaries(self, rows: Sequence[int]) -> list[ArticleSummary]:
        """Return the article of each of the given rows, in their order."""
        found: dict[int, ArticleSummary] = {}
        for part, local in self._by_part(rows):
            numbers = part.segment.article_of(local)
            known = {one.id: one for one in part.segment.summaries(sorted(set(numbers)))}
            found |= {part.first + row: known[number] for row, number in zip(local, numbers, strict=True)}
        return [found[int(row)] for row in rows]

    @cached_property
    def table(self) -> ArticleTable:
        """The table of articles, joined once from those of the segments; dead ones keep their rows but have no day."""
        tables = [part.segment.table for part in self._open]
        whole = np.concatenate([np.zeros(0, COLUMNS), *tables])
        alive = np.concatenate(
            [np.ones(0, np.bool_)]
            + [~np.isin(table["number"], list(part.dead)) for part, table in zip(self._open, tables, strict=True)]
        )
        starts = np.repeat([part.first for part in self._open], [len(table) for table in tables])
        numbers: dict[str, int] = {}
        groups = [numbers.setdefault(group, len(numbers)) for group in whole["group"].tolist()]
        return ArticleTable(
            whole["first"] + starts.astype(np.int64),
            whole["rows"].copy(),
            np.where(alive, whole["published"], UNDATED).astype(np.int32),
            np.array(groups, np.int32),
            alive,
        )

    # searching

    def search_dense(self, vector: Vectors, k: int, allowed: Rows | None = None) -> list[tuple[int, float]]:
        """Return (row, cosine similarity) of the `k` nearest passages, nearest first.

        Args:
            vector: shape (dimension,), length 1.
            k: most rows returned.
            allowed: which rows may be returned, shape (rows,); they are filtered before the search, not after.
        """
        found = [
            (part.first + row, score)
            for part in self._open
            for row, score in part.segment.search_dense(vector, k, _allowed(part, allowed))
        ]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))[:k]

    def cosines(self, vector: Vectors, rows: Sequence[int]) -> dict[int, float]:
        """Return row -> cosine similarity.

        Args:
            vector: shape (dimension,), length 1.
            rows: the rows to compare with it.
        """
        found: dict[int, float] = {}
        for part, local in self._by_part(rows):
            scores = part.segment.cosines(vector, local)
            found |= {part.first + row: score for row, score in zip(local, scores, strict=True)}
        return found

    def search_bm25(self, terms: Sequence[str], k: int, allowed: Rows | None = None) -> list[tuple[int, float]]:
        """Return (row, BM25) of the `k` best passages that contain any of the terms, highest first.

        A term is a word or a phrase. The most common terms are dropped once the terms match over `MATCHED_ROWS` rows.
        `allowed` as in `search_dense`.
        """
        useful = self._useful(terms)
        if not useful:
            return []
        found = {
            part.first + row: score
            for part in self._open
            for row, score in part.segment.search_bm25(useful, k, _allowed(part, allowed))
        }
        if len(self._open) > 1:
            found = self._rescored(useful, list(found))
        return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:k]

    def bm25s(self, terms: Sequence[str], rows: Sequence[int]) -> dict[int, float]:
        """Return row -> BM25, as in `search_bm25`, for those of `rows` that contain any of the terms."""
        useful = self._useful(terms)
        if not useful:
            return {}
        if len(self._open) > 1:
            return self._rescored(useful, rows)
        return self._open[0].segment.bm25s(useful, rows)

    def _rescored(self, terms: Sequence[str], rows: Sequence[int]) -> dict[int, float]:
        """Return BM25 scores with the document frequencies of the whole index instead of each segment's."""
        found: dict[int, float] = {}
        for term in terms:
            counts = self._count(term)
            whole = idf(sum(counts), self.rows)
            for part, local in self._by_part(rows):
                count = counts[self._open.index(part)]
                if count:
                    factor = whole / idf(count, part.segment.info.rows)
                    for row, score in part.segment.bm25s([term], local).items():
                        found[part.first + row] = found.get(part.first + row, 0.0) + factor * score
        return found

    def _useful(self, terms: Sequence[str]) -> list[str]:
        """Return the terms that BM25 searches, without repetition."""
        wanted = list(dict.fromkeys(term for term in terms if term.strip()))
        kept: set[str] = set()
        matched = 0
        for count, term in sorted((sum(self._count(term)), term) for term in wanted):
            matched += count
            if kept and matched > MATCHED_ROWS:
                break
            kept.add(term)
        return [term for term in wanted if term in kept]

    def _count(self, term: str) -> list[int]:
        """Return how many rows of each segment contain a term, counted up to `MATCHED_ROWS`."""
        return [part.segment.matches(term, MATCHED_ROWS) for part in self._open]

    def _by_part(self, rows: Sequence[int]) -> Iterator[tuple[_Open, list[int]]]:
        for part in self._open:
            end = part.first + part.segment.info.rows
            if local := [int(row) - part.first for row in rows if part.first <= row < end]:
                yield part, local


class _Within(Index):
    """Some articles of an open index; shares its files."""

    def __init__(self, whole: Index, articles: Sequence[str]) -> None:
        wanted = Filters(articles=tuple(articles))
        self._whole = whole  # keeps it from being collected and closed
        self.folder, self.generation, self.rows = whole.folder, whole.generation, whole.rows
        self._open, self._selected = [], {}
        for part in whole._open:
            kept = {number for number, *_ in part.segment.identities(wanted)} if articles else set()
            dead = part.dead | {number for number, *_ in part.segment.identities()} - kept
            self._open.append(_Open(part.segment, dead, part.first, ~part.segment.rows_of(dead) if dead else None))
        self.parts = tuple(replace(part, dead=one.dead) for part, one in zip(whole.parts, self._open, strict=True))
        self.passages = _living(self._open)

    def close(self) -> None:
        """Do nothing: the files belong to the whole index."""


def manifest_of(where: Location) -> Manifest:
    """Return the manifest of the current generation. Raises: as `Index.open`."""
    if not isinstance(where, Address):
        return read_manifest(where)
    with closing(Server(where)) as server:
        return postgres.manifest_of(server)


def current_of(where: Location) -> bytes:
    """Return bytes that differ between generations. Raises: NoIndexError, InputError."""
    return postgres.current_of(where) if isinstance(where, Address) else read_current(where)


def _living(parts: Sequence[_Open]) -> int:
    """Return the number of passages of living articles."""
    return sum(int(one.live.sum()) if one.live is not None else one.segment.info.rows for one in parts)


def _allowed(part: _Open, allowed: Rows | None) -> Rows | None:
    """Return which rows of a segment are alive and allowed, None if all are."""
    if allowed is None:
        return part.live
    local = allowed[part.first : part.first + part.segment.info.rows]
    return local if part.live is None else local & part.live
