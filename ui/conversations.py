"""Stores conversations and ratings in one SQLite file on this machine.

    conversations   owner, title, and times of creation and last change; `link` is a random token that lets others
                    read it, NULL for none
    exchanges       question, answer object and display data (`beside`), both as JSON, in the order asked; until the
                    answer arrives, a stopped one
    ratings         of an exchange, or of one claim or quote of its answer; deleted with the exchange

Every change is one transaction, so a killed process leaves the state before or after it. A file that is not citewire's,
has a newer format or is damaged is refused before anything is written. Knows answers, not HTTP.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, get_args

from citewire.index.errors import InputError
from citewire.qa.types import Answer, Turn
from citewire.ui.answer_json import answer_from_json, answer_json
from citewire.ui.keys import now

FORMAT = 3  # version of the schema; increase it with every change
TITLE_CHARS = 80  # longest title made from a question
LONGEST_TITLE = 200
LONGEST_NOTE = 2_000
LOCK_S = 10  # seconds to wait for another process that locks the file

Value = Literal["right", "wrong", "mismatch"]

_APPLICATION_ID = 0x63697465  # "cite", in the header of each of citewire's files
_MAGIC = b"SQLite format 3\0"
_WHOLE = -1  # "no claim" or "no quote" in a key column; NULLs would never be equal
_VERSION = f"PRAGMA user_version = {FORMAT}"
_LINKS = (  # new in format 2
    "ALTER TABLE conversations ADD COLUMN link TEXT",
    "CREATE UNIQUE INDEX conversations_link ON conversations(link)",
)
_LINK_BYTES = 32
_BESIDE = ("ALTER TABLE exchanges ADD COLUMN beside TEXT NOT NULL DEFAULT '{}'",)  # new in format 3
_SCHEMA = (
    """CREATE TABLE conversations(
        id TEXT PRIMARY KEY, visitor TEXT NOT NULL, title TEXT NOT NULL, created TEXT NOT NULL, changed TEXT NOT NULL
    )""",
    *_LINKS,
    "CREATE INDEX conversations_visitor ON conversations(visitor, changed)",
    """CREATE TABLE exchanges(
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
        conversation TEXT NOT NULL REFERENCES conversations ON DELETE CASCADE,
        question TEXT NOT NULL, answer TEXT NOT NULL, asked TEXT NOT NULL
    )""",
    *_BESIDE,
    "CREATE INDEX exchanges_conversation ON exchanges(conversation, number)",
    """CREATE TABLE ratings(
        exchange TEXT NOT NULL REFERENCES exchanges(id) ON DELETE CASCADE, claim INTEGER NOT NULL,
        quote INTEGER NOT NULL, value TEXT NOT NULL, note TEXT NOT NULL, at TEXT NOT NULL,
        PRIMARY KEY (exchange, claim, quote)
    )""",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    _VERSION,
)
# Format of a file -> statements that migrate it to this format.
_STEPS = {0: _SCHEMA, 1: (*_LINKS, *_BESIDE, _VERSION), 2: (*_BESIDE, _VERSION)}


class UnusableFileError(InputError):
    """The file of the conversations cannot be used; `reason` says why without its path."""

    def __init__(self, problem: str, fix: str, reason: str) -> None:
        super().__init__(problem, fix)
        self.reason = reason


class UnknownIdError(InputError):
    """The conversation or exchange does not exist, or belongs to another visitor."""


@dataclass(frozen=True, slots=True)
class ConversationInfo:
    """A conversation in a list; times are ISO 8601 in UTC, `exchanges` is their number, `link` is "" for none."""

    id: str
    title: str
    created: str
    changed: str
    exchanges: int
    link: str = ""


@dataclass(frozen=True, slots=True)
class Beside:
    """What the page shows beside an answer; fields as in `citewire.ui.exchange.Exchange`."""

    narrowed: str = ""
    quotes_only: bool = False
    suggestions: tuple[str, ...] = ()


_NOTHING = Beside()


@dataclass(frozen=True, slots=True)
class StoredExchange:
    """A question and its answer; `id` is unique over all conversations, in letters and digits."""

    id: str
    question: str
    answer: Answer
    asked: str
    beside: Beside = _NOTHING


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """A conversation with its exchanges, oldest first."""

    id: str
    title: str
    exchanges: tuple[StoredExchange, ...]


@dataclass(frozen=True, slots=True)
class Rating:
    """A visitor's rating of an answer or a part of it.

    Attributes:
        exchange: id of the exchange.
        claim: index of the claim in `Answer.claims`, None for the whole answer or for a quote of any claim.
        quote: number of the quote (`Quote.n`), None for none.
        value: right, wrong, or mismatch for a quote that does not support its claim.
    """

    exchange: str
    claim: int | None
    quote: int | None
    value: Value
    note: str
    at: str


@dataclass(frozen=True, slots=True)
class Rated:
    """A rating with its question and answer, and the earlier turns of the conversation."""

    rating: Rating
    question: str
    answer: Answer
    history: tuple[Turn, ...]


class Conversations:
    """The open store; safe to share between threads and processes.

    Methods with a `visitor` see only that visitor's conversations and raise UnknownIdError for all others.

    Raises:
        InputError: the file cannot be created or read, is not citewire's, is damaged or has a newer format. Methods
            raise it if the file is damaged or the disk is full.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.RLock()
        self._closed = False
        _check_header(file)
        with self._explained():
            self._db = sqlite3.connect(file, timeout=LOCK_S, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        with self._transaction() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            for statement in _STEPS.get(version, ()):
                db.execute(statement)
            (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise _damaged(self._file, found)
        with self._explained():
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")

    def close(self) -> None:
        """Close the file; what an answer that just ends would still store is refused."""
        with self._lock:
            self._closed = True
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def list(self, visitor: str) -> list[ConversationInfo]:
        """Return a visitor's conversations, the last changed first."""
        with self._transaction("DEFERRED") as db:
            rows = db.execute(
                "SELECT id, title, created, changed,"
                " (SELECT count(*) FROM exchanges WHERE conversation = conversations.id), coalesce(link, '')"
                " FROM conversations WHERE visitor = ? ORDER BY changed DESC, rowid DESC",
                (visitor,),
            ).fetchall()
        return [ConversationInfo(*row) for row in rows]

    def get(self, visitor: str, conversation: str) -> StoredConversation:
        """Return a conversation with its questions and answers.

        Args:
            visitor: id of the browser that it belongs to.
            conversation: its id.

        Raises:
            UnknownIdError: the visitor has no such conversation.
        """
        with self._transaction("DEFERRED") as db:
            return _stored(db, conversation, self._title(db, visitor, conversation))

    def linked(self, link: str) -> StoredConversation:
        """Return the conversation of a link, for any visitor. Raises: UnknownIdError, if the link is not valid."""
        with self._transaction("DEFERRED") as db:
            row = db.execute("SELECT id, title FROM conversations WHERE link = ?", (_storable(link),)).fetchone()
            if row is None:
                raise UnknownIdError("This link leads to no conversation", "Ask who gave it to you for another one.")
            return _stored(db, *row)

    def link(self, visitor: str, conversation: str) -> str:
        """Return a new link to a conversation, 43 letters, digits, - and _, and invalidate an earlier one.

        It is stored unhashed: whoever can read this file can read the conversation anyway. Raises: UnknownIdError.
        """
        link = secrets.token_urlsafe(_LINK_BYTES)
        self._set_link(visitor, conversation, link)
        return link

    def unlink(self, visitor: str, conversation: str) -> None:
        """Invalidate the link of a conversation. Raises: UnknownIdError."""
        self._set_link(visitor, conversation, None)

    def _set_link(self, visitor: str, conversation: str, link: str | None) -> None:
        with self._transaction() as db:
            self._title(db, visitor, conversation)
            db.execute("UPDATE conversations SET link = ? WHERE id = ?", (link, conversation))

    def append(
        self, visitor: str, conversation: str | None, question: str, answer: Answer, beside: Beside = _NOTHING
    ) -> tuple[str, str]:
        """Store an exchange.

        Args:
            visitor: the owner's id.
            conversation: id of the conversation, None to start a new one.
            question: the question.
            answer: its answer.
            beside: what the page shows beside the answer.

        Returns:
            The ids of the conversation and of the exchange.

        Raises:
            UnknownIdError: the conversation was deleted.
        """
        time, question = now(), _storable(question)
        exchange = secrets.token_hex(12)
        with self._transaction() as db:
            if conversation is None:
                conversation = secrets.token_hex(12)
                row = (conversation, visitor, title_of(question), time, time)
                db.execute(
                    "INSERT INTO conversations(id, visitor, title, created, changed) VALUES (?, ?, ?, ?, ?)", row
                )
            else:
                self._title(db, visitor, conversation)
                db.execute("UPDATE conversations SET changed = ? WHERE id = ?", (time, conversation))
            db.execute(
                "INSERT INTO exchanges(id, conversation, question, answer, asked, beside) VALUES (?, ?, ?, ?, ?, ?)",
                (exchange, conversation, question, _storable(answer_json(answer, None)), time, _written(beside)),
            )
        return conversation, exchange

    def replace(self, visitor: str, exchange: str, answer: Answer, beside: Beside = _NOTHING) -> None:
        """Replace the answer of an exchange, delete its ratings; arguments as in `append`. Raises: UnknownIdError."""
        with self._transaction() as db:
            self._answer(db, visitor, exchange)
            db.execute("DELETE FROM ratings WHERE exchange = ?", (exchange,))
            db.execute(
                "UPDATE exchanges SET answer = ?, asked = ?, beside = ? WHERE id = ?",
                (_storable(answer_json(answer, None)), now(), _written(beside), exchange),
            )
            db.execute(
                "UPDATE conversations SET changed = ? WHERE id = (SELECT conversation FROM exchanges WHERE id = ?)",
                (now(), exchange),
            )

    def note(self, visitor: str, exchange: str, beside: Beside) -> None:
        """Store what the page shows beside an answer.

        Args:
            visitor: id of the browser that the conversation belongs to.
            exchange: id of the question and its answer.
            beside: replaces what was stored before.

        Raises:
            UnknownIdError: the visitor has no such exchange.
        """
        with self._transaction() as db:
            self._answer(db, visitor, exchange)
            db.execute("UPDATE exchanges SET beside = ? WHERE id = ?", (_written(beside), exchange))

    def rename(self, visitor: str, conversation: str, title: str) -> str:
        """Rename a conversation; return the stored title, on one line.

        Raises:
            UnknownIdError: the visitor has no such conversation.
            InputError: the title is empty or too long.
        """
        title = " ".join(_storable(title).split())
        if not title:
            raise InputError("The title is empty", "Type one.")
        if len(title) > LONGEST_TITLE:
            raise InputError(f"The title has {len(title):,} characters", f"Use at most {LONGEST_TITLE}.")
        with self._transaction() as db:
            self._title(db, visitor, conversation)
            db.execute("UPDATE conversations SET title = ? WHERE id = ?", (title, conversation))
        return title

    def delete(self, visitor: str, conversation: str) -> None:
        """Delete a conversation and its ratings. Raises: UnknownIdError."""
        with self._transaction() as db:
            self._title(db, visitor, conversation)
            db.execute("DELETE FROM conversations WHERE id = ?", (conversation,))

    def rate(
        self, visitor: str, exchange: str, value: Value, *, claim: int | None = None, quote: int | None = None,
        note: str = "",
    ) -> Rating:  # fmt: skip
        """Store a rating of an answer or a part of it; an earlier rating of the same part is replaced.

        Args:
            visitor: the owner's id.
            exchange: id of the exchange.
            value: the rating; "mismatch" needs a quote.
            claim: index of the claim, None for the whole answer or for a quote of any claim.
            quote: number of the quote, None for none.
            note: the visitor's comment.

        Raises:
            UnknownIdError: the visitor has no such exchange.
            InputError: the claim or quote does not exist, a "mismatch" names no quote, or the note is too long.
        """
        if value not in get_args(Value):
            raise InputError(f"{value!r} is no rating", f"Use one of {', '.join(get_args(Value))}.")
        if value == "mismatch" and quote is None:
            raise InputError("A mismatch is of a quote and none is named", "Name the quote's number.")
        if len(note) > LONGEST_NOTE:
            raise InputError(f"The note has {len(note):,} characters", f"Use at most {LONGEST_NOTE:,}.")
        rating = Rating(exchange, claim, quote, value, _storable(note).strip(), now())
        with self._transaction() as db:
            _check_part(self._answer(db, visitor, exchange), claim, quote)
            key = (exchange, *_key(claim, quote))
            db.execute(
                "INSERT OR REPLACE INTO ratings VALUES (?, ?, ?, ?, ?, ?)", (*key, value, rating.note, rating.at)
            )
        return rating

    def unrate(self, visitor: str, exchange: str, *, claim: int | None = None, quote: int | None = None) -> None:
        """Delete a rating, if there is one; arguments as in `rate`. Raises: UnknownIdError."""
        with self._transaction() as db:
            self._answer(db, visitor, exchange)
            db.execute(
                "DELETE FROM ratings WHERE exchange = ? AND claim = ? AND quote = ?", (exchange, *_key(claim, quote))
            )

    def ratings(self, visitor: str, conversation: str) -> tuple[Rating, ...]:
        """Return the ratings of a conversation's answers. Raises: UnknownIdError."""
        with self._transaction("DEFERRED") as db:
            self._title(db, visitor, conversation)
            rows = db.execute(
                "SELECT exchange, claim, quote, value, note, at FROM ratings JOIN exchanges ON exchange = id"
                " WHERE conversation = ? ORDER BY number, claim, quote",
                (conversation,),
            ).fetchall()
        return tuple(_rating(*row) for row in rows)

    def rated(self) -> tuple[Rated, ...]:
        """Return the ratings of all visitors, in the order of their questions."""
        with self._transaction("DEFERRED") as db:
            rows = db.execute(
                "SELECT number, conversation, question, answer, exchange, claim, quote, value, note, at"
                " FROM ratings JOIN exchanges ON exchange = id ORDER BY number, claim, quote"
            ).fetchall()
            found = []
            for number, conversation, question, answer, *rating in rows:
                before = db.execute(
                    "SELECT question, answer FROM exchanges WHERE conversation = ? AND number < ? ORDER BY number",
                    (conversation, number),
                ).fetchall()
                told = ((asked, answer_from_json(said)) for asked, said in before)
                turns = tuple(Turn(asked, said.text, said.articles) for asked, said in told)
                found.append(Rated(_rating(*rating), question, answer_from_json(answer), turns))
        return tuple(found)

    def _title(self, db: sqlite3.Connection, visitor: str, conversation: str) -> str:
        row = db.execute(
            "SELECT title FROM conversations WHERE id = ? AND visitor = ?", (_storable(conversation), visitor)
        ).fetchone()
        if row is None:
            fix = "Choose one from the list, or let whoever has it share it under History."
            raise UnknownIdError(f"There is no conversation {conversation!r} of yours", fix)
        return str(row[0])

    def _answer(self, db: sqlite3.Connection, visitor: str, exchange: str) -> Answer:
        row = db.execute(
            "SELECT answer FROM exchanges JOIN conversations ON conversations.id = conversation"
            " WHERE exchanges.id = ? AND visitor = ?",
            (_storable(exchange), visitor),
        ).fetchone()
        if row is None:
            raise UnknownIdError(f"There is no exchange {exchange!r}", "Choose one of a conversation of yours.")
        return answer_from_json(row[0])

    @contextmanager
    def _transaction(self, kind: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction: IMMEDIATE to write, DEFERRED to read."""
        with self._lock, self._explained():
            if self._closed:
                raise UnusableFileError("The conversations are closed", "Start citewire again.", "citewire is ending")
            self._db.execute(f"BEGIN {kind}")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:  # locked, full, read-only
            raise UnusableFileError(
                f"The conversations in {self._file} cannot be used now: {error}",
                "Make room on the disk, allow writing there, or name another file with --conversations.",
                str(error),
            ) from error
        except sqlite3.ProgrammingError:
            raise  # a bug in this module
        except sqlite3.DatabaseError as error:
            raise _damaged(self._file, str(error)) from error


def _check_header(file: Path) -> None:
    """Create the file if it is missing, readable by its owner only; refuse a file that SQLite must not open.

    `PRAGMA user_version` and `application_id` are at bytes 60 and 68 (sqlite.org/fileformat2.html).
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "rb") as opened:  # noqa: PTH123 - a mode is given
            header = opened.read(100)
    except OSError as error:
        raise InputError(
            f"The conversations cannot be kept in {file}: {error.strerror}",
            "Allow it, or name another file with --conversations.",
        ) from error
    if not header:
        return
    version, application = (int.from_bytes(header[at : at + 4]) for at in (60, 68))
    if not header.startswith(_MAGIC) or application != _APPLICATION_ID:
        raise InputError(
            f"{file} is not a file of citewire's conversations",
            "Name another file with --conversations; it is left alone.",
        )
    if version > FORMAT:
        raise InputError(
            f"{file} is of a newer citewire: its format is {version}, this one knows {FORMAT}",
            "Update citewire, or name another file with --conversations.",
        )


def _damaged(file: Path, what: str) -> UnusableFileError:
    return UnusableFileError(
        f"The conversations in {file} are damaged: {what}",
        f"Put a copy of it back, or move it away with {file.name}-wal and {file.name}-shm; then a new one is begun.",
        "the file of the History is damaged",
    )


def title_of(question: str) -> str:
    """Return a question as a title: one line, shortened between words."""
    title = " ".join(question.split())
    if len(title) <= TITLE_CHARS:
        return title
    cut = title[: TITLE_CHARS - 1]
    space = cut.rfind(" ")
    return f"{cut[: space if space > TITLE_CHARS // 2 else None].rstrip()}…"


def _stored(db: sqlite3.Connection, conversation: str, title: str) -> StoredConversation:
    rows = db.execute(
        "SELECT id, question, answer, asked, beside FROM exchanges WHERE conversation = ? ORDER BY number",
        (conversation,),
    )
    exchanges = [
        StoredExchange(id_, asked, answer_from_json(answer), at, _read(beside))
        for id_, asked, answer, at, beside in rows
    ]
    return StoredConversation(conversation, title, tuple(exchanges))


def _written(beside: Beside) -> str:
    return _storable(json.dumps(dataclasses.asdict(beside), ensure_ascii=False))


def _read(beside: str) -> Beside:
    values = json.loads(beside)
    return Beside(**{**values, "suggestions": tuple(values.get("suggestions", ()))})


def _check_part(answer: Answer, claim: int | None, quote: int | None) -> None:
    if claim is not None and not 0 <= claim < len(answer.claims):
        raise InputError(f"The answer has no claim {claim}", f"It has {len(answer.claims)}, from 0.")
    claims = answer.claims if claim is None else answer.claims[claim : claim + 1]
    numbers = sorted({one.n for said in claims for one in said.quotes})
    if quote is not None and quote not in numbers:
        raise InputError(f"There is no quote {quote}", f"Use one of {', '.join(map(str, numbers)) or 'none'}.")


def _key(claim: int | None, quote: int | None) -> tuple[int, int]:
    return _WHOLE if claim is None else claim, _WHOLE if quote is None else quote


def _rating(exchange: str, claim: int, quote: int, value: Value, note: str, at: str) -> Rating:
    return Rating(exchange, None if claim == _WHOLE else claim, None if quote == _WHOLE else quote, value, note, at)


def _storable(text: str) -> str:
    """Return text that UTF-8 can encode: lone surrogates, which JSON allows, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
