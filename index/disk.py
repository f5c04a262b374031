"""Durable writes and checksums of files.

Every write of an index that must survive a power cut goes through this module. It does not know what an index is.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from filelock import lock_descriptor

WINDOWS = os.name == "nt"  # fsync works there only on files that are open for writing


@dataclass(frozen=True, slots=True)
class FileDigest:
    """Size and hex sha256 of a file's content."""

    bytes: int
    sha256: str


def digest(file: Path) -> FileDigest:
    """Return the size and sha256 of a file. Raises: OSError."""
    with file.open("rb") as stream:
        return FileDigest(os.fstat(stream.fileno()).st_size, hashlib.file_digest(stream, "sha256").hexdigest())


def read_only(database: PurePath) -> str:
    """Return the URI by which SQLite opens a database that nobody changes; its path is absolute.

    SQLite refuses the server that `as_uri` writes behind two slashes for a path of a Windows network; it takes four.
    """
    return re.sub("^file://(?=[^/])", "file:////", database.as_uri()) + "?mode=ro&immutable=1"


def sync(path: Path) -> None:
    """Force a file's content, or a folder's entries, to the disk (fsync). Raises: OSError."""
    if WINDOWS and path.is_dir():  # Windows cannot open folders
        return
    descriptor = os.open(path, os.O_RDWR if WINDOWS else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lock(file: Path, mode: int = 0o666) -> int | None:
    """Open and lock a file, which is created if missing; closing the descriptor releases it.

    Returns:
        The descriptor; None if another process holds the lock, or has just deleted or replaced the file.

    Raises:
        OSError: the file cannot be opened.
    """
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, mode)
    with suppress(FileNotFoundError):
        if lock_descriptor(descriptor, blocking=False) and os.path.samestat(os.fstat(descriptor), file.stat()):
            return descriptor
    os.close(descriptor)
    return None


def replace(file: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Replace a file atomically: a reader finds either the old or the new content, even after a power cut.

    Args:
        file: the file to replace or create.
        data: its new content.
        mode: permission bits of the new file, before the process's umask.

    Raises:
        OSError: the write failed; the file has its old content, or the new one if only the last sync failed.
    """
    temporary = file.with_name(f"{file.name}.tmp")
    temporary.unlink(missing_ok=True)  # a killed process may have left one, with another mode
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:  # noqa: PTH123
        opened.write(data)
    sync(temporary)
    temporary.replace(file)
    sync(file.parent)
