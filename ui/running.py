"""Which pages of this user run, so that a command can ask one instead of loading the models again.

A page leaves a file in the user's state folder, named by the fingerprint of what decides its answers, and holds a lock
on it for as long as it runs: the lock dies with its process, so a file without one is of a page that has ended, however
it ended. Knows settings and files; knows nothing of HTTP.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import platformdirs
from filelock import lock_descriptor

from citewire.ui.options import SEARCHING
from citewire.ui.settings import Settings

log = logging.getLogger("citewire.ui.running")

FILTERS = ("published_from", "published_to", "outlets", "authors", "only_articles", "where")
# Settings that come with each question; the page's own filters still hold. Models are not among them, as no request
# may name a file.
PER_QUESTION = ("passages", *(name for name in SEARCHING if name != "reranker"))
# Settings that cannot change an answer. All other settings, new ones too, enter the fingerprint.
_FREE = (
    *("articles", "allow_web", "fields", "max_file_bytes", "max_file_articles", "max_file_chars"),
    *("max_file_seconds", "max_article_chars", "max_parse_seconds", "max_parse_memory", "max_uploads_bytes"),
    *("watching", "conversations", "runs", "threads", "host", "port", "root_path", "trusted_proxies", "password"),
    *("read_only", "max_answer_seconds", "api_key", "log_level", "log_file", "log_questions"),
)
_TRIES = 20  # to lock a file that another process is just checking
_TRY_S = 0.01


@dataclass(frozen=True, slots=True)
class Running:
    """A page that runs.

    Attributes:
        url: its address.
        pid: its process.
        fingerprint: of what decides its answers.
    """

    url: str
    pid: int
    fingerprint: str


def release() -> str:
    """Return the version of citewire, "" where it was not installed."""
    try:
        return version("citewire")
    except PackageNotFoundError:
        return ""


def fingerprint(chosen: Settings, filters: tuple[str, ...] = FILTERS) -> str:
    """Return a hex sha256 over all that decides an answer and is not said with the question.

    Args:
        chosen: the settings.
        filters: names of the filter settings that enter the digest; the other filters are ignored.
    """
    left_out = {*_FREE, *PER_QUESTION} - set(filters)
    told = {name: _spelled(name, value) for name, value in chosen if name not in left_out and value}
    return hashlib.sha256(json.dumps({**told, "version": release()}, sort_keys=True).encode()).hexdigest()


def _spelled(name: str, value: object) -> str:
    """Return a value as text, a path as the same from every folder; a model and an embedder can be a path or a name."""
    is_path = isinstance(value, Path) or (name in ("model", "embedder") and Path(str(value)).exists())
    return str(Path(str(value)).resolve()) if is_path else repr(value)


def find(chosen: Settings) -> Running | None:
    """Return a running page whose answers would be those of these settings; None if there is none.

    A page without filters will do, as a question brings its own. A page with filters must have the same ones.
    """
    for filters in ((), FILTERS):
        running = _read(_file(fingerprint(chosen, filters)))
        if running:
            return running
    return None


def _file(of: str) -> Path:
    return platformdirs.user_state_path("citewire") / "running" / f"{of}.json"


def _read(file: Path) -> Running | None:
    try:
        with file.open("rb", buffering=0) as opened:
            if not lock_descriptor(opened.fileno(), blocking=False):  # its page holds it
                opened.seek(1)  # Windows lets nobody read the first byte, which is locked
                told = json.loads(opened.read())
                return Running(str(told["url"]), int(told["pid"]), file.stem)
    except (OSError, ValueError, LookupError, TypeError):  # there is none, or it is being written
        return None
    return None


class Announcement:
    """The file of a page, from `publish` to `withdraw`.

    Where it cannot be written, or another page with the same settings runs, the page does without: commands then load
    the models themselves, or ask the other one.
    """

    def __init__(self, chosen: Settings) -> None:
        self.fingerprint = fingerprint(chosen)
        self._descriptor: int | None = None

    def publish(self, url: str) -> None:
        """Say that a page answers at an address."""
        told = json.dumps({"url": url, "pid": os.getpid(), "fingerprint": self.fingerprint})
        try:
            _file(self.fingerprint).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = self._locked()
            if self._descriptor is not None:
                os.ftruncate(self._descriptor, 0)
                os.write(self._descriptor, f" {told}".encode())
        except OSError as error:
            log.info("not announced", extra={"problem": str(error)})

    def _locked(self) -> int | None:
        """Open and lock the file; None where another page holds it."""
        file = _file(self.fingerprint)
        for _ in range(_TRIES):
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
            locked = lock_descriptor(descriptor, blocking=False)
            if locked and file.exists() and os.path.samestat(os.fstat(descriptor), file.stat()):
                return descriptor
            os.close(descriptor)
            time.sleep(_TRY_S)
        return None

    def withdraw(self) -> None:
        """Take the file away."""
        if self._descriptor is not None:
            with suppress(PermissionError):  # Windows keeps open files; without a lock it says nothing
                _file(self.fingerprint).unlink(missing_ok=True)  # before the lock goes: nobody finds it unlocked
            os.close(self._descriptor)
            self._descriptor = None
