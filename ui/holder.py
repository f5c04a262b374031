"""Records on disk which process receives and indexes which files, so that a later one finds what a dead one left.

    arriving/<process>/      bytes received so far, and LOCK, locked while the process lives
    indexing/<process>/<id>  an empty folder for each file that is being indexed; `<id>.alone` for a second attempt
                             after a process died while indexing it

Knows folders and locks, not the content of the files.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from filelock import lock_descriptor

from citewire.index.disk import lock, sync

ALONE = ".alone"
LOCK = "LOCK"
_NAME_BYTES = 4


class Holder:
    """This process's part of the folder of uploaded files; methods raise OSError if the folder cannot be used.

    Attributes:
        name: random name of this process.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name = secrets.token_hex(_NAME_BYTES)
        self._descriptor: int | None = None
        self._lock = Lock()

    def new_id(self) -> str:
        """Return an id for a file; it begins with the name of this process."""
        return self.name + secrets.token_hex(_NAME_BYTES)

    def arriving(self) -> Path:
        """Return this process's folder for arriving files, created and locked."""
        mine = self._folder / "arriving" / self.name
        with self._lock:
            while self._descriptor is None or not _is(self._descriptor, mine / LOCK):
                self._let_go()
                mine.mkdir(parents=True, exist_ok=True)
                with suppress(FileNotFoundError):  # another process deleted it before it was locked
                    self._descriptor = lock(mine / LOCK)
        return mine

    def close(self) -> None:
        """Release the lock and remove the empty folders; this process receives no more files."""
        with self._lock:
            self._let_go()
            with suppress(OSError):
                (self._folder / "arriving" / self.name / LOCK).unlink()
            for folder in ("arriving", "indexing"):
                with suppress(OSError):  # it is missing, or a file is still arriving
                    (self._folder / folder / self.name).rmdir()

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def holds(self, process: str) -> bool:
        """Return whether a name belongs to another process that lives."""
        if process == self.name:
            return False
        try:
            descriptor = os.open(self._folder / "arriving" / process / LOCK, os.O_RDWR)
        except (FileNotFoundError, NotADirectoryError):
            return False
        try:
            return not lock_descriptor(descriptor, blocking=False)
        finally:
            os.close(descriptor)

    def sweep(self) -> None:
        """Delete the incomplete files of processes that have died."""
        for left in (self._folder / "arriving").glob("*"):
            if not left.is_dir():  # from an earlier version, which had one folder for all processes
                left.unlink(missing_ok=True)
            elif left.name != self.name:
                self._sweep(left)

    def _sweep(self, left: Path) -> None:
        with suppress(FileNotFoundError):
            descriptor = lock(left / LOCK)
            if descriptor is not None:
                shutil.rmtree(left, ignore_errors=True)  # it stays locked until it is deleted
                os.close(descriptor)

    def mark(self, ids: Iterable[str], *, alone: bool = False) -> None:
        """Record on disk that files are being indexed; `alone` if a process died at them before."""
        mine = self._folder / "indexing" / self.name
        mine.mkdir(parents=True, exist_ok=True)
        for one in ids:
            (mine / f"{one}{ALONE * alone}").mkdir(exist_ok=True)
        for folder in (mine, mine.parent, self._folder):
            sync(folder)

    def unmark(self, ids: Iterable[str]) -> None:
        """Delete the records of files that are no longer being indexed."""
        for one in ids:
            for name in (one, f"{one}{ALONE}"):
                with suppress(FileNotFoundError):
                    (self._folder / "indexing" / self.name / name).rmdir()

    def interrupted(self) -> dict[str, bool]:
        """Take over the records of dead processes; return the ids of their files, and whether each was alone."""
        found: dict[str, bool] = {}
        for mark in sorted((self._folder / "indexing").glob("*/*")):
            if mark.parent.name == self.name or self.holds(mark.parent.name):
                continue
            one, alone = mark.name.removesuffix(ALONE), mark.name.endswith(ALONE)
            self.mark([one], alone=alone)
            with suppress(OSError):
                mark.rmdir()
                mark.parent.rmdir()  # once it is empty
            found[one] = alone or found.get(one, False)
        return found


def _is(descriptor: int, file: Path) -> bool:
    """Return whether `descriptor` is still the file at this path."""
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False
