"""Access keys of an index with their rights, and the log of changes.

    <index>-keys.json       name, sha256 and rights of each key; readable by its owner only
    <index>-changes.jsonl   one line per change: when, who, from where, what

A key is 256 random bits, too many to guess, so one round of sha256 hides it. It is shown once. Running pages reload the
file when it changes. Knows files, not HTTP.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock
from pydantic import TypeAdapter, ValidationError

from citewire.index.disk import replace, sync
from citewire.index.errors import InputError

PREFIX = "cw_"  # lets people and secret scanners recognise a key
_SECRET_BYTES = 32
ANYBODY, PASSWORD = "anybody", "password"  # names in the log for clients without a key
_KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class Key:
    """The stored data of a key.

    Attributes:
        name: its owner or purpose.
        sha256: hash of the key, in hex.
        admin: whether it may add and remove articles.
        collections: folders of the index that it may see, each ending in "/"; () for all articles.
        made: time of creation, ISO 8601 in UTC.
    """

    name: str
    sha256: str
    admin: bool = False
    collections: tuple[str, ...] = ()
    made: str = ""


_KEYS = TypeAdapter(tuple[Key, ...])


class Keys:
    """The keys of an index; safe to share between threads and processes.

    Every method raises InputError if the file cannot be read or written, or is damaged.
    """

    def __init__(self, index: Path) -> None:
        self.file = index.with_name(f"{index.name}-keys.json")
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int] | None, tuple[Key, ...]] = (None, ())

    def all(self) -> tuple[Key, ...]:
        """Return all keys, oldest first; reads the file only if it has changed.

        Raises:
            InputError: the file cannot be read, or holds something else.
        """
        with self._lock:
            try:
                state = self.file.stat()
                seen = (state.st_ino, state.st_mtime_ns, state.st_size)
                if seen != self._read[0]:
                    self._read = seen, _KEYS.validate_json(self.file.read_bytes())
            except FileNotFoundError:
                self._read = None, ()
            except (OSError, ValidationError) as error:
                raise InputError(
                    f"The keys in {self.file} cannot be read: {_reason(error)}",
                    "Put a copy of the file back, or remove it and make new keys: citewire keys add NAME",
                ) from error
            return self._read[1]

    def of(self, given: str) -> Key | None:
        """Return the stored data of a secret, None if it is not a key."""
        return self.hashed(hash_of(given))

    def hashed(self, sha256: str) -> Key | None:
        """Return the key with this hash, None if there is none."""
        return next((key for key in self.all() if key.sha256 == sha256), None)

    def add(self, name: str, *, admin: bool = False, collections: Sequence[str] = ()) -> str:
        """Create a key and return its secret, which is not stored.

        Args:
            name: its owner or purpose.
            admin: whether it may add and remove articles.
            collections: folders of the index that it may see; () for all articles.

        Raises:
            InputError: the name is invalid or in use, or an admin key is limited to collections.
        """
        if not _KEY_NAME.fullmatch(name) or name in (ANYBODY, PASSWORD):
            raise InputError(
                f"{name!r} is no name of a key",
                f"Use up to 64 letters, digits and . _ @ -, but not {ANYBODY!r} or {PASSWORD!r}",
            )
        if admin and collections:
            raise InputError(
                f"An admin key cannot be of some articles only: {', '.join(collections)}",
                "Leave out --admin or --collection",
            )
        folders = tuple(dict.fromkeys(f"{one.rstrip('/')}/" for one in collections))
        secret = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        with FileLock(f"{self.file}.lock", mode=PRIVATE):
            known = self.all()
            if any(key.name == name for key in known):
                raise InputError(f"There is a key {name!r} already", "Choose another name, or remove that key first")
            self._write((*known, Key(name, hash_of(secret), admin, folders, now())))
        return secret

    def remove(self, name: str) -> None:
        """Delete a key. Raises: InputError, if there is none of this name."""
        with FileLock(f"{self.file}.lock", mode=PRIVATE):
            known = self.all()
            if all(key.name != name for key in known):
                there = ", ".join(key.name for key in known) or "none"
                raise InputError(f"There is no key {name!r}", f"These are there: {there}")
            self._write([key for key in known if key.name != name])

    def _write(self, keys: Sequence[Key]) -> None:
        data = json.dumps([asdict(key) for key in keys], indent=1).encode()
        try:
            replace(self.file, data, mode=PRIVATE)
        except OSError as error:
            raise InputError(
                f"The keys cannot be kept in {self.file}: {error.strerror}", "Allow writing there"
            ) from error


class Changes:
    """The log of changes to an index; safe to share between threads and processes."""

    def __init__(self, index: Path) -> None:
        self.file = index.with_name(f"{index.name}-changes.jsonl")

    def note(self, who: str, place: str, what: str, names: Sequence[str]) -> None:
        """Log a change; call it before the change is made.

        Args:
            who: name of the key, or another description of the person.
            place: network address, "" for the command line.
            what: the action, such as "remove articles".
            names: the objects of the action.

        Raises:
            InputError: the line cannot be written; then the change must not be made.
        """
        told = {"at": now(), "who": who, "from": place, "what": what, "names": list(names)}
        line = json.dumps(told, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        try:
            opened = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE)
            try:
                os.write(opened, line)  # one call, so that lines of several processes do not mix
            finally:
                os.close(opened)
            sync(self.file)
        except OSError as error:
            raise InputError(
                f"The change cannot be noted in {self.file}: {error.strerror}", "Make room on the disk, or allow it"
            ) from error


def hash_of(given: str) -> str:
    """Return the sha256 of a secret, in hex."""
    return hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()


def _reason(error: OSError | ValidationError) -> str:
    if isinstance(error, OSError):
        return error.strerror or "it cannot be opened"
    return str(error.errors(include_url=False, include_input=False)[0]["msg"])


def now() -> str:
    """Return the time, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
