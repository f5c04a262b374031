"""Waits for article files to change, and does work whenever they did.

Knows folders, notifications of the system and when to try again; does not know what the work is. The only importer
of watchfiles.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from citewire.index.errors import CitewireError, InputError
from citewire.index.formats import FORMATS, UNREADABLE
from citewire.ui.settings import is_web_address

if TYPE_CHECKING:
    from watchfiles.main import FileChange

log = logging.getLogger("citewire.ui.watch")

TICK_MS = 1_000  # `ticks` yields at least so often
QUIET_MS = 400  # changes are told after a pause this long, as files are rarely written in one go ...
LONGEST_MS = 5_000  # ... or after this time, as some folders never pause
POLL_MS = 2_000  # between two looks at folders that send no notifications
LONGEST_PAUSE = 30  # ticks between two attempts at work that fails

# File systems on which changes by other machines send no notifications.
NETWORK_DISKS = frozenset({"9p", "afs", "ceph", "cifs", "drvfs", "nfs", "nfs4", "smb3", "smbfs", "vboxsf", "virtiofs"})


def ticks(sources: Sequence[Path | str], ignored: Path, *, poll: bool = False) -> Iterator[bool]:
    """Yield about once a second, and at once on a change, whether articles may have changed since; without end.

    The first value is True, and from then on no change is missed. Hidden files and files that are no articles do
    not count. A folder that goes away or is replaced does, and the new one is watched.

    Args:
        sources: files and folders.
        ignored: a folder in which changes do not count: the index.
        poll: look at all files every two seconds instead of asking the system for notifications.

    Raises:
        InputError: at once, a source is a web address; later, the system refuses to watch.
    """
    for source in sources:
        if is_web_address(source):
            raise InputError(f"{source} is a web address and cannot be watched", "Watch files and folders only")
    paths = [Path(source).resolve() for source in sources]
    return _ticks(
        [path for path in paths if path.is_file()], [path for path in paths if not path.is_file()], ignored, poll
    )


def _ticks(files: Sequence[Path], folders: Sequence[Path], ignored: Path, poll: bool) -> Iterator[bool]:
    stood = _versions(files)
    while True:
        there = [folder for folder in folders if folder.is_dir()]
        watched = _identities(folders)
        changed = True
        for noticed in _folder_ticks(there, ignored.resolve(), poll=poll) if there else _seconds():
            before, stood = stood, _versions(files)
            yield changed or noticed or stood != before
            changed = False
            if _identities(folders) != watched:  # a folder that was moved away sends nothing about the new one
                break


def on_change(changes: Iterator[bool], work: Callable[[], None], failed: Callable[[CitewireError], None]) -> None:
    """Do `work` after each True of `changes`, as long as there are values.

    Where it raises a CitewireError it is done again with the next change, else after two values more, after four,
    ... at most `LONGEST_PAUSE`; `failed` gets the error unless it is the same as before.
    """
    due, pause, left, told = False, 1, 0, ""
    for changed in changes:
        if changed:
            due, pause, left = True, 1, 0
        if not due:
            continue
        if left:
            left -= 1
            continue
        try:
            work()
        except CitewireError as error:
            if str(error) != told:
                failed(error)
            told = str(error)
            pause = left = min(2 * pause, LONGEST_PAUSE)
        else:
            due, told = False, ""


def on_network_disk(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Return whether a folder lies on a network disk; `mounts` lists the disks, one "device place type ..." a line."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # macOS lists them nowhere
        return False
    places = [(Path(place.replace("\\040", " ")), kind) for _, place, kind, *_ in map(str.split, lines)]
    inside = [(len(place.parts), kind) for place, kind in places if folder.is_relative_to(place)]
    return bool(inside) and max(inside)[1].removeprefix("fuse.") in NETWORK_DISKS | {"sshfs"}


def _folder_ticks(folders: Sequence[Path], ignored: Path, *, poll: bool) -> Iterator[bool]:
    """Yield like `ticks`, of folders; end where one of them is removed."""
    from watchfiles import Change, watch
    from watchfiles._rust_notify import WatchfilesRustInternalError

    poll = poll or any(on_network_disk(folder) for folder in folders)
    try:
        for changes in watch(
            *folders,
            watch_filter=None,
            debounce=LONGEST_MS,
            step=QUIET_MS,
            rust_timeout=TICK_MS,
            yield_on_timeout=True,
            force_polling=poll or None,
            poll_delay_ms=POLL_MS,
            ignore_permission_denied=True,
        ):
            yield any(_counts(change, folders, ignored) for change in changes)
            if any(change == Change.deleted and Path(path) in folders for change, path in changes):
                return
    except FileNotFoundError:  # one of them went away just now
        time.sleep(TICK_MS / 1000)
    except (OSError, WatchfilesRustInternalError) as error:
        if poll:
            raise InputError(
                f"the system does not let {folders[0]} be watched: {error}", "Run without --watch"
            ) from error
        log.warning("looking at all files instead of being notified", extra={"reason": str(error)})
        yield from _folder_ticks(folders, ignored, poll=True)


def _counts(noticed: FileChange, folders: Sequence[Path], ignored: Path) -> bool:
    """Whether a change can concern an article; of what was deleted only the name is left, so that always can."""
    from watchfiles import Change

    change, path = noticed[0], Path(noticed[1])
    root = next((folder for folder in folders if path.is_relative_to(folder)), path)
    if path.is_relative_to(ignored) or any(part.startswith(".") for part in path.relative_to(root).parts):
        return False
    if path.suffix.lower() in FORMATS or path.suffix.lower() in UNREADABLE:
        return True
    return change == Change.deleted or (change == Change.added and path.is_dir())


def _seconds() -> Iterator[bool]:
    while True:
        time.sleep(TICK_MS / 1000)
        yield False


def _versions(files: Sequence[Path]) -> list[tuple[int, ...]]:
    """Return what changes with the content of each file. An editor may put a new file in place of the old one."""
    return [(stat.st_ino, stat.st_size, stat.st_mtime_ns) if (stat := _stat(file)) else () for file in files]


def _identities(folders: Sequence[Path]) -> list[tuple[int, ...]]:
    return [(stat.st_dev, stat.st_ino) if (stat := _stat(folder)) else () for folder in folders]


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
