"""What reaches the disk, in which order, and whether it is still what was written.

Knows files, folders and their synchronisation; every write of an index that must survive a power cut goes
through here. Does not know what an index is.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePath

WINDOWS = os.name == "nt"  # it writes to the disk only what is open for writing


@dataclass(frozen=True, slots=True)
class FileDigest:
    """Size and hex sha256 of a file's content."""

    bytes: int
    sha256: str


def digest(file: Path) -> FileDigest:
    """Read a whole file. Raises: OSError."""
    with file.open("rb") as stream:
        return FileDigest(os.fstat(stream.fileno()).st_size, hashlib.file_digest(stream, "sha256").hexdigest())


def read_only(database: PurePath) -> str:
    """Return the URI by which SQLite opens a database that nobody changes; its path is absolute.

    SQLite refuses the server that `as_uri` writes behind two slashes for a path of a Windows network; it takes four.
    """
    return re.sub("^file://(?=[^/])", "file:////", database.as_uri()) + "?mode=ro&immutable=1"


def sync(path: Path) -> None:
    """Write a file, or the names in a folder, to the disk: afterwards they survive a power cut. Raises: OSError."""
    if WINDOWS and path.is_dir():  # it opens none
        return
    descriptor = os.open(path, os.O_RDWR if WINDOWS else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(file: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write `data` to `file` so that a reader, also after a power cut, finds the old or the new content.

    Args:
        file: what is replaced.
        data: its new content.
        mode: who may read and write it, as far as the process's umask leaves that.

    Raises: OSError, with the old content in place.
    """
    temporary = file.with_name(f"{file.name}.tmp")
    temporary.unlink(missing_ok=True)  # of a process that died: it may have another mode
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:  # noqa: PTH123
        opened.write(data)
    sync(temporary)
    temporary.replace(file)
    sync(file.parent)
