"""Publishes generations of an index in PostgreSQL, each in one transaction, from one process at a time.

A batch of articles is committed when it is written, without a generation; an interrupted run leaves it for the next.
A process that dies, or loses its connection, loses the lock too. Does not know how text becomes passages or vectors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from citewire.index.address import Address, Location
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.folding import folded
from citewire.index.manifest import MADE_BY, Manifest, NoIndexError, Part, check_identity
from citewire.index.passages import searched_text, title_words
from citewire.index.postgres import (
    PUBLISHED,
    PostgresSegment,
    Server,
    check_schema,
    connect,
    first_line,
    manifest_of,
    part_info,
    staged_name,
    staged_numbers,
    tsvector,
    unreachable,
)
from citewire.index.segment import Entry, SegmentInfo
from citewire.index.store import Index
from citewire.index.types import Identified, Progress
from citewire.index.writer import BusyError, Writer

if TYPE_CHECKING:
    from psycopg import Connection

# Numbered from 1; a change of the schema is a new one, and never a change of these.
MIGRATIONS = (
    """
    CREATE TABLE state(
        one boolean PRIMARY KEY DEFAULT true CHECK (one), id uuid NOT NULL DEFAULT gen_random_uuid(),
        schema int NOT NULL, generation bigint NOT NULL, dimension int NOT NULL,
        embedder text NOT NULL, chunker text NOT NULL, staged_by text NOT NULL
    );
    INSERT INTO state(schema, generation, dimension, embedder, chunker, staged_by)
        VALUES (1, 0, {dimension}, '', '', '');
    CREATE TABLE articles(
        id bigint PRIMARY KEY, born bigint, died bigint, died_at timestamptz, path text NOT NULL, sha256 text NOT NULL,
        title text NOT NULL, outlet text NOT NULL, author text NOT NULL, published text NOT NULL, url text NOT NULL,
        metadata text NOT NULL, source text NOT NULL, "group" text NOT NULL, signature bytea NOT NULL,
        characters int NOT NULL, first_row bigint NOT NULL, rows int NOT NULL, words bigint NOT NULL,
        outlet_folded text NOT NULL, author_folded text NOT NULL
    );
    CREATE INDEX ON articles(path);
    CREATE INDEX ON articles(sha256);
    CREATE INDEX ON articles(source);
    CREATE INDEX ON articles(published);
    CREATE INDEX ON articles(outlet_folded);
    CREATE INDEX ON articles(first_row DESC);
    CREATE TABLE texts(
        article bigint PRIMARY KEY REFERENCES articles ON DELETE CASCADE, text text NOT NULL, dates text NOT NULL,
        pages text NOT NULL
    );
    CREATE TABLE passages(
        id bigint PRIMARY KEY, article bigint NOT NULL REFERENCES articles ON DELETE CASCADE,
        "start" int NOT NULL, "end" int NOT NULL, sentences text NOT NULL, vector vector({dimension}) NOT NULL
    );
    ALTER TABLE passages ALTER vector SET STORAGE PLAIN;
    CREATE INDEX ON passages(article);
    CREATE TABLE words(
        passage bigint PRIMARY KEY REFERENCES passages ON DELETE CASCADE, words tsvector NOT NULL, length int NOT NULL
    );
    CREATE INDEX ON words USING gin(words);
    """,
)

HNSW_ROWS = 10_000  # from this many passages on there is an HNSW index; fewer are compared exactly, in milliseconds
HNSW_MEMORY = 512 * 2**20  # least bytes for making it, which takes several times as long once the graph has no room
ANALYZED = 0.1  # share of new passages after which the planner's statistics are taken anew; autovacuum is later
KEPT = "1 hour"  # how long replaced and removed articles stay, for readers of an earlier generation
FIXES = {  # by SQLSTATE
    "42501": "Let an administrator run CREATE EXTENSION vector, and grant CREATE on the database",
    "0A000": "Install pgvector on the server",
}
_LOCK = 0x63697465  # key of the advisory lock of the writer


def writer_of(where: Location) -> Writer | PostgresWriter:
    """Return exclusive write access to an index, for the duration of `with`."""
    return PostgresWriter(where) if isinstance(where, Address) else Writer(where)


class PostgresWriter:
    """Exclusive write access to a database; its methods are those of `Writer`.

    Raises:
        InputError: on entering: the server cannot be reached.
        BusyError: on entering: another process is writing.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._server = Server(address)
        self._ready = False

    def __enter__(self) -> Self:
        self._connection: Connection[Any] = connect(self._address, writes=True)
        if not self._row("SELECT pg_try_advisory_lock(%s)", _LOCK)[0]:
            self._connection.close()
            raise BusyError(f"another process is writing to the index in {self._address}", "Wait until it has finished")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        self._server.close()

    def view(self, embedder: Identified) -> Index:
        """As `Writer.view`: the current generation, and what an interrupted run committed."""
        manifest = self._current(embedder)
        parts = list(self.current(embedder))
        with self._writing():
            self._connection.execute(
                "DELETE FROM articles WHERE born IS NULL AND (SELECT staged_by FROM state) != %s",
                (_identity(embedder),),
            )
            self._connection.execute("UPDATE state SET staged_by = %s", (_identity(embedder),))
            first, end, count, rows = self._row(
                "SELECT min(id), max(id) + 1, count(*), sum(rows)::bigint FROM articles WHERE born IS NULL"
            )
        if count:
            parts.append(Part(self._info(embedder, staged_name(first, end), rows, count)))

        def opened(part: Part) -> PostgresSegment:
            published = part.info.name == PUBLISHED
            return PostgresSegment(self._server, part.info, manifest.generation if published else None)

        return Index(self._address.folder, parts, manifest.generation, opened)

    def current(self, embedder: Identified) -> list[Part]:
        """As `Writer.current`."""
        manifest = self._current(embedder)
        try:
            check_identity(manifest, self._address, embedder)
        except IndexFormatError:
            return []
        return list(manifest.parts)

    def _current(self, embedder: Identified) -> Manifest:
        self._prepare(embedder)
        try:
            return manifest_of(self._server)
        except NoIndexError:
            return Manifest(0, embedder.fingerprint, MADE_BY, ())

    @contextmanager
    def segment(self, embedder: Identified) -> Iterator[PostgresSegmentWriter]:
        """As `Writer.segment`: a batch of articles, which is committed at the end of the block."""
        self._prepare(embedder)
        with self._writing():
            (number,) = self._row("SELECT coalesce(max(id) + 1, 0) FROM articles")
            (row,) = self._row("SELECT coalesce(max(id) + 1, 0) FROM passages")
            yield PostgresSegmentWriter(self._connection, embedder, number, row)

    def publish(
        self, parts: Sequence[Part], *, embedder: str, chunker: str = MADE_BY, progress: Progress | None = None
    ) -> int:
        """As `Writer.publish`: one transaction, after which every reader that opens the index sees the generation.

        It makes the HNSW index too, so that nobody waits for a search that compares every vector of a new generation.
        """
        whole = next((part for part in parts if part.info.name == PUBLISHED), None)
        added = 0
        with self._writing():
            new = 1 + int(self._row("SELECT generation FROM state FOR UPDATE")[0])
            dying = "UPDATE articles SET died = %s, died_at = now() WHERE born IS NOT NULL AND died IS NULL"
            if whole is None:
                self._connection.execute(dying, (new,))
            else:
                self._connection.execute(f"{dying} AND id = ANY(%s)", (new, sorted(whole.dead)))
            for part in parts:
                if part is not whole:
                    first, end = staged_numbers(part.info.name)
                    added += part.info.rows
                    self._connection.execute(
                        "UPDATE articles SET born = %s WHERE born IS NULL AND id >= %s AND id < %s AND id != ALL(%s)",
                        (new, first, end, sorted(part.dead)),
                    )
            self._connection.execute(
                "DELETE FROM articles WHERE born IS NULL OR died_at < now() - %s::interval", (KEPT,)
            )
            self._connection.execute(
                "UPDATE state SET generation = %s, embedder = %s, chunker = %s", (new, embedder, chunker)
            )
            self._index(added, progress)
        return new

    def _index(self, added: int, progress: Progress | None) -> None:
        """Make the HNSW index, once there are `HNSW_ROWS` passages; let the planner know of many new passages."""
        rows, there = self._row(
            "SELECT coalesce(max(id) + 1, 0), to_regclass('citewire.passages_nearest') IS NOT NULL FROM passages"
        )
        self._row("SELECT gin_clean_pending_list('words_words_idx')")  # a search reads it all, before the index
        if rows >= HNSW_ROWS and not there:
            if progress:
                progress("indexing vectors", 0, 0)
            own = "pg_size_bytes(current_setting('maintenance_work_mem'))"
            most = f"SELECT set_config('maintenance_work_mem', greatest({own}, %s) / 1024 || 'kB', true)"
            self._row(most, HNSW_MEMORY)
            self._connection.execute("CREATE INDEX passages_nearest ON passages USING hnsw (vector vector_ip_ops)")
        if added > ANALYZED * rows:
            self._connection.execute("ANALYZE articles, passages, words")

    def _prepare(self, embedder: Identified) -> None:
        """Make the tables, or bring them to this version. Raises: InputError: their vectors are of another length."""
        if self._ready:
            return
        with self._writing():
            self._connection.execute("CREATE SCHEMA IF NOT EXISTS citewire")
            if not self._row("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector')")[0]:
                self._connection.execute("CREATE EXTENSION vector SCHEMA public")
            made = self._row("SELECT to_regclass('citewire.state') IS NOT NULL")[0]
            schema, dimension = self._row("SELECT schema, dimension FROM state") if made else (0, embedder.dimension)
            check_schema(self._address, schema)
            if dimension != embedder.dimension:
                raise InputError(
                    f"{self._address} has vectors of {dimension} numbers, the embedder makes {embedder.dimension}",
                    "Name another database, or the embedder it was made with",
                )
            for number, statements in enumerate(MIGRATIONS[schema:], schema + 1):
                self._connection.execute(statements.format(dimension=dimension).encode())
                self._connection.execute("UPDATE state SET schema = %s", (number,))
        from pgvector.psycopg import register_vector

        register_vector(self._connection)
        self._ready = True

    def _row(self, query: str, *values: object) -> tuple[Any, ...]:
        with self._told():
            found = self._connection.execute(query.encode(), values).fetchone()
        assert found is not None
        return tuple(found)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Be in a transaction during the block. Raises: InputError."""
        with self._told(), self._connection.transaction():
            yield

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say why the server cannot be written to. Raises: InputError."""
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            if self._connection.closed:
                raise unreachable(self._address, error) from None
            fix = FIXES.get(error.sqlstate or "", "See the log of the server")
            raise InputError(f"{self._address} cannot be written: {first_line(error)}", fix) from error

    def _info(self, embedder: Identified, name: str, rows: int, articles: int) -> SegmentInfo:
        return part_info(name, embedder.fingerprint, MADE_BY, embedder.dimension, rows, articles)


def _identity(embedder: Identified) -> str:
    return f"{embedder.fingerprint} {MADE_BY}"


class PostgresSegmentWriter:
    """Writes a batch of articles; see `PostgresWriter.segment`.

    Args:
        connection: is in a transaction.
        embedder: made the vectors.
        number, row: number of the first article, and row of its first passage.
    """

    def __init__(self, connection: Connection[Any], embedder: Identified, number: int, row: int) -> None:
        self._connection, self._embedder = connection, embedder
        self._first = self._number = number
        self._first_row = self._row = row

    def add(self, entry: Entry) -> None:
        """Append an article; each path may occur only once."""
        article, title = entry.article, folded(title_words(entry.article))
        worded = [tsvector(searched_text(article.text, passage), title) for passage in entry.passages]
        plain = (
            *(self._number, article.path, article.sha256, article.title, article.outlet, article.author),
            *(article.published, article.url, json.dumps(dict(article.metadata)), article.source, article.group),
            *(entry.signature, len(article.text), self._row, len(entry.passages), sum(count for _, count in worded)),
            *(article.outlet.casefold(), article.author.casefold()),
        )
        columns = "id, path, sha256, title, outlet, author, published, url, metadata, source, " + (
            '"group", signature, characters, first_row, rows, words, outlet_folded, author_folded'
        )
        places = ", ".join(["%s"] * len(plain))
        self._connection.execute(f"INSERT INTO articles({columns}) VALUES ({places})".encode(), plain)  # noqa: S608
        dates = json.dumps([(date.start, date.end, date.first, date.last) for date in article.dates])
        self._connection.execute(
            "INSERT INTO texts VALUES (%s, %s, %s, %s)", (self._number, article.text, dates, json.dumps(article.pages))
        )
        rows = range(self._row, self._row + len(entry.passages))
        spans = [json.dumps([(span.start, span.end) for span in passage.sentences]) for passage in entry.passages]
        with self._connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO passages VALUES (%s, %s, %s, %s, %s, %s)",
                [
                    (row, self._number, passage.start, passage.end, sentences, vector)
                    for row, passage, sentences, vector in zip(rows, entry.passages, spans, entry.vectors, strict=True)
                ],
            )
            cursor.executemany(
                "INSERT INTO words VALUES (%s, %s::tsvector, %s)",
                [(row, vector, count) for row, (vector, count) in zip(rows, worded, strict=True)],
            )
        self._row += len(entry.passages)
        self._number += 1

    def finish(self) -> SegmentInfo:
        """Return the part that the batch is."""
        name = staged_name(self._first, self._number)
        embedder, rows = self._embedder, self._row - self._first_row
        return part_info(name, embedder.fingerprint, MADE_BY, embedder.dimension, rows, self._number - self._first)
