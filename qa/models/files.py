"""Files that must be complete or absent: their sha256, locks, disk space.

Does not know the content of the files. Names in a model's folder that start with "." are work in progress of the
process that holds the lock.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import platformdirs

from citewire.index.errors import ModelError
from citewire.index.types import Progress

BLOCK = 1 << 20  # bytes read at once
WORK = "."  # prefix of names that a killed process may have left


def quiet(what: str, done: int, total: int) -> None:
    """Report nothing."""
    del what, done, total


def models_folder(cache: Path | None) -> Path:
    """Return the folder with one folder per model; `cache` is citewire's cache folder, None for the user's default."""
    return (cache or platformdirs.user_cache_path("citewire")) / "models"


@contextmanager
def locked(cache: Path | None, key: str, progress: Progress) -> Iterator[None]:
    """Hold the lock `key` of the cache; wait while another process holds it. A lock is released if its process dies.

    Raises:
        ModelError: a file of the cache cannot be read or written, now or while the lock is held.
    """
    folder = models_folder(cache)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / f".{key}.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            progress("waiting for another citewire", 0, 0)
            lock.acquire()
        try:
            yield
        finally:
            lock.release()
    except OSError as error:
        raise ModelError(
            f"The cache folder {folder} cannot be used: {error}",
            "Make it writable, free space on its disk, or name another folder with CITEWIRE_CACHE.",
        ) from error


def sha256_of(file: Path, progress: Progress = quiet) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    digest, done, total = hashlib.sha256(), 0, file.stat().st_size
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
            done += len(block)
            progress("checking", done, total)
    return digest.hexdigest()


def size_of(file: Path) -> int:
    """Return a file's size in bytes, -1 if there is none."""
    try:
        return file.stat().st_size
    except OSError:
        return -1


def bytes_below(folder: Path) -> int:
    """Return the size in bytes of all files below a folder; 0 if there is none."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def require_room(folder: Path, needed: int, what: str) -> None:
    """Raise ModelError unless `needed` bytes for `what` are free on the disk of `folder`, which need not exist yet."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ModelError(
            f"The disk is too small for {what}: it needs {needed:,} bytes and {folder} has {free:,} free",
            f"Free {needed - free:,} bytes, or name a cache folder on another disk with CITEWIRE_CACHE.",
        )


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or its type if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def sweep(folder: Path, prefix: str) -> None:
    """Delete the files and folders in `folder` that start with `prefix`, left by killed processes."""
    for left in folder.glob(f"{prefix}*"):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()
