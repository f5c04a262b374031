"""Watches article files and calls a function when they change.

Knows folders, file system notifications and retries, not what the function does. The only importer of watchfiles.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from citewire.index.documents import is_web_address
from citewire.index.errors import CitewireError, InputError
from citewire.index.formats import FORMATS, UNREADABLE

if TYPE_CHECKING:
    from watchfiles.main import FileChange

log = logging.getLogger("citewire.ui.watch")

TICK_MS = 1_000  # longest time between two values of `ticks`
QUIET_MS = 400  # changes are reported after a pause this long, as files are rarely written in one go ...
LONGEST_MS = 5_000  # ... or after this time, as some folders never pause
POLL_MS = 2_000  # time between two scans of folders that send no notifications
LONGEST_PAUSE = 30  # most ticks between two attempts of failing work

# File systems that send no notifications for changes by other machines.
NETWORK_DISKS = frozenset({"9p", "afs", "ceph", "cifs", "drvfs", "nfs", "nfs4", "smb3", "smbfs", "vboxsf", "virtiofs"})


def ticks(sources: Sequence[Path | str], ignored: Path, *, poll: bool = False) -> Iterator[bool]:
    """Yield forever, about once a second and at once on a change, whether articles may have changed meanwhile.

    The first value is True, and from then on no change is missed. Hidden files and files of other formats are ignored.
    If a folder is deleted or replaced, that counts as a change, and the new folder is watched.

    Args:
        sources: files and folders.
        ignored: the folder of the index, whose changes do not count.
        poll: scan all files every two seconds instead of using notifications.

    Raises:
        InputError: at the call, a source is a web address; while iterating, the system refuses to watch.
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
            if _identities(folders) != watched:  # the watch still follows the folder that was moved away
                break


def on_change(changes: Iterator[bool], work: Callable[[], None], failed: Callable[[CitewireError], None]) -> None:
    """Call `work` after each True of `changes`, until `changes` ends.

    Args:
        changes: values of `ticks`.
        work: if it raises a CitewireError, it is retried at the next True, or after 2, 4, 8 ... `LONGEST_PAUSE` values.
        failed: called with the error, unless it equals the one before.
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
    """Return whether a folder lies on a network disk; `mounts` has a line "device mount-point type ..." per disk."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # macOS has no such file
        return False
    places = [(Path(place.replace("\\040", " ")), kind) for _, place, kind, *_ in map(str.split, lines)]
    inside = [(len(place.parts), kind) for place, kind in places if folder.is_relative_to(place)]
    return bool(inside) and max(inside)[1].removeprefix("fuse.") in NETWORK_DISKS | {"sshfs"}


def _folder_ticks(folders: Sequence[Path], ignored: Path, *, poll: bool) -> Iterator[bool]:
    """Yield like `ticks`, for folders; end when one of them is deleted."""
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
    except FileNotFoundError:  # a folder was deleted just now
        time.sleep(TICK_MS / 1000)
    except (OSError, WatchfilesRustInternalError) as error:
        if poll:
            raise InputError(
                f"the system does not let {folders[0]} be watched: {error}", "Run without --watch"
            ) from error
        log.warning("looking at all files instead of being notified", extra={"reason": str(error)})
        yield from _folder_ticks(folders, ignored, poll=True)


def _counts(noticed: FileChange, folders: Sequence[Path], ignored: Path) -> bool:
    """Whether a change can concern an article; a deleted path may have been a folder, so it always can."""
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
    """Return values that change with each file's content; the inode, as editors may replace the file."""
    return [(stat.st_ino, stat.st_size, stat.st_mtime_ns) if (stat := _stat(file)) else () for file in files]


def _identities(folders: Sequence[Path]) -> list[tuple[int, ...]]:
    return [(stat.st_dev, stat.st_ino) if (stat := _stat(folder)) else () for folder in folders]


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None
