"""An index in PostgreSQL with pgvector, open for reading: the same methods as a segment, in SQL.

Every article is valid from the generation that published it (`born`) until the one that replaced or removed it
(`died`), so a reader sees one generation however many follow. A row is a passage's id; rows of other generations count
as dead, like those of replaced articles in a segment. BM25 is computed in SQL: `ts_rank_cd` of a single term without
normalisation is the weighted number of its occurrences.

Only `connect` imports psycopg, as it is an optional dependency. Does not know how a generation is made.
"""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import Stemmer

from citewire.index.address import Address
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.manifest import Manifest, NoIndexError, Part
from citewire.index.segment import SEGMENT_VERSION, TITLE_WEIGHT, Segment, SegmentInfo, idf
from citewire.index.types import Passage, Span, Vectors
from citewire.index.vectors import EXACT_ROWS, Rows

if TYPE_CHECKING:
    from psycopg import Connection

PUBLISHED = "published"  # name of the part of all published articles
GAP = -1  # stands for the number of an article where rows belong to none of this generation
SCHEMA_VERSION = 1  # number of the last migration in postgres_writer.py

EF_SEARCH = 400  # nearest neighbours that a scan of the HNSW index collects; twice `search.DENSE`
MOST_BY_HNSW = 1000  # more results than the largest `hnsw.ef_search` are found by comparing every vector
COUNTED = 100_000  # a term in more rows counts as one in so many, as counting takes linear time
RECALL_SAMPLE = 20  # passages whose ten nearest are compared for the recall of `figures`
STARTING_S = 10.0  # longest wait for a server that is starting, in seconds
CONNECT_S = 10  # longest wait for a connection, in seconds
SHORT = 2  # FTS5 does not stem words of so few letters: "us" is not "u"
LEXEME_CHARS = 255  # longer words are cut, as PostgreSQL refuses lexemes of over 2 kB

REASON_CHARS = 300  # longest reason of the server's in an error, as it may quote what it was given

_STARTING = re.compile("starting up|not yet accepting|recovery mode")
_TOKEN = re.compile(r"[^\W_]+")
_SESSION = (
    "SET search_path = citewire, public; SET jit = off; "
    f"SET hnsw.ef_search = {EF_SEARCH}; SET hnsw.iterative_scan = strict_order"
)
_stemmer, _stemming = Stemmer.Stemmer("porter"), Lock()  # FTS5's stemmer; PyStemmer's are not thread-safe


# -- connections --------------------------------------------------------------------------------------------


def connect(address: Address, *, writes: bool = False) -> Connection[Any]:
    """Return a connection that commits each statement; it waits for a server that is starting.

    Args:
        address: the database; of several hosts the first that answers is taken.
        writes: whether it must be one that can be written to, and so no replica.

    Raises:
        InputError: psycopg is missing, or the server cannot be reached.
    """
    try:
        import psycopg
        from pgvector.psycopg import register_vector
    except ImportError as error:
        raise InputError(f"{address} needs psycopg and pgvector", "Run: pip install 'citewire[postgres]'") from error
    end = time.monotonic() + STARTING_S
    while True:
        try:
            connection: Connection[Any] = psycopg.connect(
                address.url, autocommit=True, prepare_threshold=None, connect_timeout=CONNECT_S,
                target_session_attrs="read-write" if writes else None,
            )  # fmt: skip
            break
        except psycopg.Error as error:
            if not _STARTING.search(str(error)) or time.monotonic() > end:
                raise unreachable(address, error) from None  # the cause may quote the address with its password
            time.sleep(0.1)
    connection.execute(_SESSION)
    with suppress(psycopg.ProgrammingError):  # a database without pgvector, which has no index either
        register_vector(connection)
    return connection


def unreachable(address: Address, error: Exception) -> InputError:
    """Return the error for a server that does not answer; without the password, which libpq does not repeat."""
    reason = "the address cannot be read" if type(error).__name__ == "ProgrammingError" else first_line(error)
    return InputError(f"{address} cannot be used: {reason}", "Start the server, or correct --index")


def first_line(error: Exception) -> str:
    """Return what a server says of an error, without its details."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:REASON_CHARS]


class Server:
    """Connections to one database, for reading; safe to share between threads.

    A statement whose connection is lost runs once more over a new one, so a server that was restarted is found again.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._idle: list[Connection[Any]] = []
        self._closed = False

    def rows(self, query: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query.

        Raises:
            InputError: the server cannot be reached.
            IndexFormatError: it refuses the query.
        """
        for again in (True, False):
            with self._connection() as connection:
                import psycopg  # `connect` says how to install it

                try:
                    return connection.execute(query.encode(), values, binary=True).fetchall()
                except psycopg.Error as error:
                    if not connection.closed:
                        raise refused(self.address, error) from error
                    if not again:
                        raise unreachable(self.address, error) from None
                    self._drop()  # the server ended, and these with it
        raise AssertionError

    @contextmanager
    def _connection(self) -> Iterator[Connection[Any]]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = connect(self.address)
        try:
            yield connection
        finally:
            if self._closed or connection.closed:
                connection.close()
            else:
                self._idle.append(connection)

    def __del__(self) -> None:
        self.close()

    def _drop(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def close(self) -> None:
        """Close the connections."""
        self._closed = True
        self._drop()


def refused(address: Address, error: Exception) -> IndexFormatError:
    """Return the error for a statement that the server refuses."""
    return IndexFormatError(
        f"{address} refuses a statement: {first_line(error)}", "Name a database that citewire made, or an empty one"
    )


# -- generations --------------------------------------------------------------------------------------------


def manifest_of(server: Server) -> Manifest:
    """Return the current generation: one part, `PUBLISHED`, or none if it has no article.

    Raises:
        NoIndexError: the database holds no index.
        IndexFormatError: its schema is of a newer version.
        InputError: the server cannot be reached.
    """
    address = server.address
    _require_index(server)
    # One statement, so that generation and figures are of the same moment.
    ((schema, generation, embedder, chunker, dimension, *figures),) = server.rows(
        "SELECT schema, generation, embedder, chunker, dimension, "
        "count(articles.id), coalesce(max(first_row + rows), 0), coalesce(sum(rows), 0)::bigint FROM state "
        "LEFT JOIN articles ON born IS NOT NULL AND died IS NULL "
        "GROUP BY schema, generation, embedder, chunker, dimension"
    )
    check_schema(address, schema)
    if not generation:
        raise missing(address)
    count, rows, living = figures
    dead = frozenset({GAP}) if living < rows else frozenset[int]()
    part = Part(part_info(PUBLISHED, embedder, chunker, dimension, rows, count + len(dead)), dead)
    return Manifest(generation, embedder, chunker, (part,) if count else ())


def check_schema(address: Address, schema: int) -> None:
    """Raise IndexFormatError if the tables are those of a newer citewire."""
    if schema > SCHEMA_VERSION:
        raise IndexFormatError(
            f"{address} has schema {schema}, this citewire knows {SCHEMA_VERSION}",
            "Install the newer citewire here too",
        )


def current_of(address: Address) -> bytes:
    """Return bytes that differ between generations, and between indexes. Raises: as `manifest_of`."""
    server = _watching(address)
    _require_index(server)
    found = server.rows("SELECT id::text, generation::text FROM state WHERE generation > 0")
    if not found:
        raise missing(address)
    return " ".join(found[0]).encode()


@cache
def _watching(address: Address) -> Server:
    """Return the connections that `current_of` uses; a page asks before every question."""
    return Server(address)


def _require_index(server: Server) -> None:
    """Raises: NoIndexError: the database has no table of citewire."""
    if not server.rows("SELECT to_regclass('citewire.state') IS NOT NULL")[0][0]:
        raise missing(server.address)


def missing(address: Address) -> NoIndexError:
    """Return the error for a database without an index."""
    return NoIndexError(f"there is no index in {address}", f"Make one: citewire index PATH --index {address}")


def part_info(name: str, embedder: str, chunker: str, dimension: int, rows: int, articles: int) -> SegmentInfo:
    """Return the description of a part of the database, as of a segment."""
    return SegmentInfo(name, SEGMENT_VERSION, embedder, chunker, dimension, rows, articles, 0, 0, 1.0)


# -- reading ------------------------------------------------------------------------------------------------


class PostgresSegment(Segment):
    """The articles of a generation, or those that an interrupted run left, read like a segment.

    Args:
        server: the database.
        info: as `manifest_of` gives it.
        generation: the generation; None for unpublished articles, those of the numbers in `info.name`.
        exact: whether a search compares every vector, whatever the address says.
    """

    _FOLDED = "{}_folded"

    def __init__(self, server: Server, info: SegmentInfo, generation: int | None, *, exact: bool = False) -> None:
        self.info, self._server, self._exact = info, server, exact or server.address.exact
        seen = f"born <= {generation} AND (died IS NULL OR died > {generation})"
        if generation is None:
            first, end = staged_numbers(info.name)
            seen = f"born IS NULL AND id >= {first} AND id < {end}"
        self._seen = f"WITH articles AS (SELECT * FROM citewire.articles WHERE {seen}) "  # noqa: S608
        self.gaps: list[tuple[int, int]] = []  # (first row, rows) that belong to no article seen here
        self._living, end = 0, 0
        self._mean_words = 1.0
        self._counts: dict[str, int] = {}  # term -> rows that contain it
        if generation is None:
            return
        ((total, words),) = self._rows("SELECT coalesce(sum(rows), 0)::bigint, sum(words)::float8 FROM articles", ())
        self._living, self._mean_words = total, (words or 0.0) / max(total, 1) or 1.0
        if total < info.rows:
            for _, first, rows, *_ in sorted(super().columns(), key=lambda one: one[1]):
                if first > end:
                    self.gaps.append((end, first - end))
                end = first + rows

    def _rows(self, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        return self._server.rows(self._seen + query.replace("?", "%s"), values)

    def _among(self, wanted: Sequence[int] | Sequence[str]) -> tuple[str, object]:
        return "= ANY(?)", [one if isinstance(one, str) else int(one) for one in wanted]

    def _below(self, folders: Sequence[str]) -> tuple[str, object]:
        return "EXISTS (SELECT FROM unnest(?::text[]) AS folder WHERE starts_with(path, folder))", list(folders)

    def _has(self, metadata: Mapping[str, str]) -> tuple[str, object]:
        return "metadata::jsonb @> ?::jsonb", json.dumps(dict(metadata))

    # articles

    def columns(self) -> list[tuple[int, int, int, str, str]]:
        """As in `Segment`; gaps are articles of the number `GAP`."""
        return [*super().columns(), *((GAP, first, rows, "", "") for first, rows in self.gaps)]

    def rows_of(self, numbers: Iterable[int]) -> Rows:
        """As in `Segment`; `GAP` stands for all rows that belong to no article."""
        wanted = set(numbers)
        chosen = super().rows_of(wanted - {GAP})
        for first, rows in self.gaps if GAP in wanted else ():
            chosen[first : first + rows] = True
        return chosen

    # passages

    def fetch(self, rows: Sequence[int]) -> list[Passage]:
        """As in `Segment`. Raises: IndexFormatError: a later run deleted a passage of this old generation."""
        found = self._by_row(
            'SELECT passages.id, path, "start", "end", substr(text, "start" + 1, "end" - "start"), sentences '
            "FROM passages JOIN articles ON articles.id = passages.article JOIN texts ON texts.article = articles.id ",
            rows,
        )
        return [
            Passage(path, start, end, text, tuple(Span(*pair) for pair in json.loads(sentences)))
            for path, start, end, text, sentences in found
        ]

    def article_of(self, rows: Sequence[int]) -> list[int]:
        """As in `Segment`."""
        return [article for (article,) in self._by_row("SELECT id, article FROM passages ", rows)]

    def _by_row(self, query: str, rows: Sequence[int]) -> list[tuple[Any, ...]]:
        """Return the columns after the first, a passage's id, for each of `rows`, in their order."""
        wanted = [int(row) for row in rows]
        found = {row: columns for row, *columns in self._rows(f"{query} WHERE passages.id = ANY(?)", (wanted,))}
        if len(found) < len(set(wanted)):
            raise IndexFormatError(f"{self._server.address} no longer has all of a generation", "Open the index again")
        return [tuple(found[row]) for row in wanted]

    # vectors

    def vectors(self, rows: Sequence[int]) -> Vectors:
        """As in `Segment`."""
        sent = [sent for (sent,) in self._by_row("SELECT id, vector_send(vector) FROM passages ", rows)]
        # Two numbers of two bytes come first, then the vector.
        found = [np.frombuffer(one, ">f4", offset=4) for one in sent]
        return np.array(found, np.float32).reshape(len(found), self.info.dimension)

    def cosines(self, vector: Vectors, rows: Sequence[int]) -> list[float]:
        """As in `Segment`, computed by the server."""
        wanted = [int(row) for row in rows]
        query = "SELECT id, -(vector <#> ?) FROM passages WHERE id = ANY(?)"
        found = dict(self._rows(query, (vector, wanted)))
        return [found[row] for row in wanted]

    def search_dense(self, vector: Vectors, k: int, allowed: Rows | None) -> list[tuple[int, float]]:
        """As in `Segment`: exact up to `EXACT_ROWS` allowed rows, else by the HNSW index, where there is one."""
        where, values = self._visible(allowed, "id")
        few = allowed is not None and np.count_nonzero(allowed) <= EXACT_ROWS
        exact = few or self._exact or k > MOST_BY_HNSW
        # PostgreSQL cannot use the HNSW index for a sum.
        order = "distance + 0, id" if exact else "distance"
        query = (
            f"SELECT id, -distance FROM (SELECT id, vector <#> ? AS distance FROM passages WHERE {where}) AS near "  # noqa: S608
            f"ORDER BY {order} LIMIT ?"
        )
        found = self._rows(query, (vector, *values, k))
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def _visible(self, allowed: Rows | None, column: str) -> tuple[str, list[object]]:
        """Return an SQL condition for the rows of this generation that are allowed, and its values."""
        end = self.info.rows
        if allowed is None:
            return f"{column} < ?", [end]
        if np.count_nonzero(allowed) <= EXACT_ROWS:
            return f"{column} = ANY(?)", [np.flatnonzero(allowed).tolist()]
        bits = np.packbits(allowed, bitorder="little").tobytes()
        return f"CASE WHEN {column} < ? THEN get_bit(?, {column}) = 1 ELSE false END", [end, bits]

    # words

    def matches(self, term: str, most: int) -> int:
        """As in `Segment`."""
        if term not in self._counts:
            query = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words @@ ?::tsquery LIMIT ?) AS found"
            self._counts[term] = self._rows(query, (tsquery(term), COUNTED))[0][0]
        return min(self._counts[term], most + 1)

    def search_bm25(self, terms: Sequence[str], k: int, allowed: Rows | None) -> list[tuple[int, float]]:
        """As in `Segment`."""
        where, values = self._visible(allowed, "passage")
        return self._bm25(terms, where, values, k)

    def bm25s(self, terms: Sequence[str], rows: Sequence[int]) -> dict[int, float]:
        """As in `Segment`."""
        return dict(self._bm25(terms, "passage = ANY(?)", [[int(row) for row in rows]], len(rows)))

    def _bm25(self, terms: Sequence[str], where: str, values: list[object], k: int) -> list[tuple[int, float]]:
        """Return (row, BM25) of the `k` best rows; the terms are few, as each one is a scan of the words' index."""
        weights, found = [], []
        for term in terms:
            if query := tsquery(term):
                found.append(query)
                weights.append(idf(min(self.matches(term, COUNTED), self._living), self._living))
        # Weights are at most 1 in PostgreSQL, so counts come out as a fourth of what they are.
        share = f"'{{0.25, 0.25, 0.25, {TITLE_WEIGHT / 4}}}'"
        query = (
            "SELECT passage, sum(weight * f * 2.2 / (f + 1.2 * (0.25 + 0.75 * length / ?)))::float8 AS score "  # noqa: S608
            "FROM unnest(?::tsquery[], ?::float8[]) AS asked(term, weight) CROSS JOIN LATERAL "
            f"(SELECT passage, length, 4 * ts_rank_cd({share}, words, term)::float8 AS f FROM words "
            f"WHERE words @@ term AND {where}) AS found GROUP BY passage ORDER BY score DESC, passage LIMIT ?"
        )
        return self._rows(query, (self._mean_words, found, weights, *values, k))


def figures(address: Address) -> tuple[int, int, float]:
    """Return bytes on the server's disk, passages of an interrupted run, and recall@10 of the HNSW index.

    The recall is that of `RECALL_SAMPLE` passages, 1.0 where every vector is compared.
    """
    with closing(Server(address)) as server:
        manifest = manifest_of(server)
        ((size, unfinished),) = server.rows(
            "SELECT (SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = 'citewire'::regnamespace)::bigint, "
            "(SELECT coalesce(sum(rows), 0) FROM articles WHERE born IS NULL)::bigint"
        )
        if not manifest.parts or not server.rows("SELECT to_regclass('citewire.passages_nearest') IS NOT NULL")[0][0]:
            return size, unfinished, 1.0
        by_hnsw = PostgresSegment(server, manifest.parts[0].info, manifest.generation)
        exact = PostgresSegment(server, manifest.parts[0].info, manifest.generation, exact=True)
        sample = server.rows("SELECT id FROM passages ORDER BY hashint8(id) LIMIT %s", (RECALL_SAMPLE,))
        shares = []
        for vector in exact.vectors([row for (row,) in sample]):
            near, nearest = ({row for row, _ in one.search_dense(vector, 10, None)} for one in (by_hnsw, exact))
            shares.append(len(near & nearest) / len(nearest))
        return size, unfinished, float(np.mean(shares))


# -- words --------------------------------------------------------------------------------------------------


def lexemes(text: str) -> list[str]:
    """Return the stems of a text's words, as FTS5 (`porter unicode61 remove_diacritics 2`) makes them.

    >>> lexemes("Café miners")
    ['cafe', 'miner']
    """
    if not text.isascii():
        text = "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))
    words = [word[:LEXEME_CHARS] for word in _TOKEN.findall(text.lower())]
    with _stemming:
        return [_stemmer.stemWord(word) if len(word) > SHORT else word for word in words]


def tsquery(term: str) -> str:
    """Return a tsquery for a word or phrase, "" for a term without letters and digits."""
    return " <-> ".join(f"'{stem}'" for stem in lexemes(term))


def tsvector(text: str, title: str) -> tuple[str, int]:
    """Return the tsvector of a passage, its title's words of weight A, and the number of all words.

    A free position between text and title keeps phrases from crossing over.
    """
    body, head = lexemes(text), lexemes(title)
    places = [f"'{stem}':{at}" for at, stem in enumerate(body, 1)]
    places += [f"'{stem}':{at}A" for at, stem in enumerate(head, len(body) + 2)]
    return " ".join(places), len(body) + len(head)


def staged_name(first: int, end: int) -> str:
    """Return the name of the part of unpublished articles with these numbers; `staged_numbers` is its inverse."""
    return f"unfinished {first} {end}"


def staged_numbers(name: str) -> tuple[int, int]:
    """Return the first number, and the number after the last, of a part of unpublished articles."""
    _, first, end = name.split()
    return int(first), int(end)
