"""Finds this user's running pages, so that a command can ask one instead of loading the models again.

A page writes a file to the user's state folder, named by the fingerprint of the settings that decide its answers, and
holds a lock on it while it runs. The lock ends with the process, so an unlocked file belongs to a page that has ended,
even if it crashed. Knows settings and files, not HTTP.
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

from citewire.index.disk import lock
from citewire.ui.options import SEARCHING
from citewire.ui.settings import FilterSettings, LogSettings, PageSettings, ReadingSettings, Settings

log = logging.getLogger("citewire.ui.running")

FILTERS = tuple(FilterSettings.model_fields)
# Settings sent with each question; the page's own filters still apply. Models are excluded, as no request may name a
# file.
PER_QUESTION = ("passages", *(name for name in SEARCHING if name != "reranker"))
# Settings that cannot change an answer. All other settings, new ones too, enter the fingerprint.
_FREE = {
    *("threads", "api_key", "max_answer_seconds"),
    *(name for part in (ReadingSettings, PageSettings, LogSettings) for name in part.model_fields),
}
_TRIES = 20  # attempts to lock a file that another process may be checking
_TRY_S = 0.01


@dataclass(frozen=True, slots=True)
class Running:
    """A running page.

    Attributes:
        url: its address.
        pid: its process id.
        fingerprint: fingerprint of the settings that decide its answers.
    """

    url: str
    pid: int
    fingerprint: str


def release() -> str:
    """Return the version of citewire, "" if it is not installed."""
    try:
        return version("citewire")
    except PackageNotFoundError:
        return ""


def fingerprint(chosen: Settings, filters: tuple[str, ...] = FILTERS) -> str:
    """Return a hex sha256 over the settings that decide an answer and are not sent with the question.

    Args:
        chosen: the settings.
        filters: names of the filter settings that enter the digest; the other filters are ignored.
    """
    left_out = {*_FREE, *PER_QUESTION} - set(filters)
    told = {name: _spelled(name, value) for name, value in chosen if name not in left_out and value}
    return hashlib.sha256(json.dumps({**told, "version": release()}, sort_keys=True).encode()).hexdigest()


def _spelled(name: str, value: object) -> str:
    """Return a value as text, paths as absolute ones; `model` and `embedder` are paths if such a file exists."""
    is_path = isinstance(value, Path) or (name in ("model", "embedder") and Path(str(value)).exists())
    return str(Path(str(value)).resolve()) if is_path else repr(value)


def find(chosen: Settings) -> Running | None:
    """Return a running page that answers as these settings would, None if there is none.

    A page without filters fits, as the question sends its own; a page with filters must have the same ones.
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
            if not lock_descriptor(opened.fileno(), blocking=False):  # the page holds the lock
                opened.seek(1)  # on Windows the locked first byte cannot be read
                told = json.loads(opened.read())
                return Running(str(told["url"]), int(told["pid"]), file.stem)
    except (OSError, ValueError, LookupError, TypeError):  # there is no file, or it is being written
        return None
    return None


class Announcement:
    """The file of a running page, from `publish` to `withdraw`.

    If it cannot be written, commands load the models themselves. If another page with the same settings runs, commands
    ask that one.
    """

    def __init__(self, chosen: Settings) -> None:
        self.fingerprint = fingerprint(chosen)
        self._descriptor: int | None = None

    def publish(self, url: str) -> None:
        """Write the file: a page answers at `url`."""
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
        """Open and lock the file; return its descriptor, None if another page holds the lock."""
        file = _file(self.fingerprint)
        for _ in range(_TRIES):
            if (descriptor := lock(file, 0o600)) is not None:
                return descriptor
            time.sleep(_TRY_S)
        return None

    def withdraw(self) -> None:
        """Delete the file and release the lock."""
        if self._descriptor is not None:
            with suppress(PermissionError):  # Windows cannot delete an open file; unlocked, it is ignored
                _file(self.fingerprint).unlink(missing_ok=True)  # while locked, so that nobody finds it unlocked
            os.close(self._descriptor)
            self._descriptor = None
