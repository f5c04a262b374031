"""Reads and checks the manifests of an index; CURRENT names the one of the current generation.

    CURRENT                                {"manifest", "sha256"}: the only file that is ever replaced
    manifests/0000000042-<sha16>.json      format, generation, embedder, chunker, segments with their dead articles
    segments/seg-<uuid>/                   see `citewire.index.segment`

Does not know how manifests are published, nor what segments hold.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from citewire.index.address import Location
from citewire.index.duplicates import SIGNATURE_VERSION
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.passages import CHUNKER_VERSION
from citewire.index.segment import SegmentInfo, read_info
from citewire.index.types import Identified

FORMAT_VERSION = 4
MADE_BY = f"{CHUNKER_VERSION}.{SIGNATURE_VERSION}"  # code that cut the passages and computed the signatures

INDEX_AGAIN = "Index the articles again: citewire index PATH --index"
REPAIR = "Run: citewire index repair --index"

OWN_NAMES = frozenset({"CURRENT", "CURRENT.tmp", "LOCK", "manifests", "segments"})  # of an index folder
SEGMENT_NAME = re.compile(r"seg-[0-9a-f]{32}")
_MANIFEST_NAME = re.compile(r"(\d{10})-[0-9a-f]{16}\.json")


@dataclass(frozen=True, slots=True)
class Part:
    """A segment of a generation; `dead` holds the numbers of its replaced or removed articles."""

    info: SegmentInfo
    dead: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Manifest:
    """One generation: its number, the embedder's fingerprint, the version in `MADE_BY`, and its segments."""

    generation: int
    embedder: str
    chunker: str
    parts: tuple[Part, ...]

    def to_bytes(self) -> bytes:
        """Return the content of the manifest's JSON file."""
        plain = {"format": FORMAT_VERSION, **asdict(self)}
        return json.dumps(plain, indent=1, sort_keys=True, default=sorted).encode()  # dead articles are a set


def is_index(folder: Path) -> bool:
    """Return whether a folder is an index, even one without a generation; False if it cannot be listed."""
    try:
        names = {entry.name for entry in folder.iterdir()}
    except OSError:
        return False
    return bool(names & {"CURRENT", "LOCK"}) and names <= OWN_NAMES


class NoIndexError(InputError):
    """There is no index in the given folder."""


def read_current(folder: Path) -> bytes:
    """Return the content of CURRENT. Raises: NoIndexError, InputError."""
    try:
        return (folder / "CURRENT").read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        problem, fix = f"there is no index in {folder}", f"Make one: citewire index PATH --index {folder}"
        raise NoIndexError(problem, fix) from error
    except OSError as error:
        raise unreadable(folder, error) from error


def unreadable(folder: Path, error: OSError) -> InputError:
    """Return the error for an index that the system does not let us read."""
    return InputError(f"the index in {folder} cannot be read: {error.strerror}", "Allow reading it, and try again")


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest that CURRENT names. Raises: NoIndexError, InputError, IndexFormatError."""
    current = read_current(folder)
    try:
        pointer = json.loads(current)
        name, sha256 = str(pointer["manifest"]), pointer["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise IndexFormatError(f"{folder / 'CURRENT'} is damaged", f"{REPAIR} {folder}") from error
    file = folder / "manifests" / name
    if not _MANIFEST_NAME.fullmatch(name):
        raise IndexFormatError(f"{folder / 'CURRENT'} names the manifest {name!r}", f"{REPAIR} {folder}")
    try:
        data = file.read_bytes()
    except FileNotFoundError as error:
        raise IndexFormatError(f"{file} is missing", f"{REPAIR} {folder}") from error
    except OSError as error:
        raise unreadable(folder, error) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise IndexFormatError(f"{file} does not have the sha256 that CURRENT states", f"{REPAIR} {folder}")
    return _parse_manifest(data, file, folder)


def _parse_manifest(data: bytes, file: Path, folder: Path) -> Manifest:
    """Raises: IndexFormatError."""
    try:
        fields = json.loads(data)
        if fields["format"] != FORMAT_VERSION:
            raise IndexFormatError(
                f"the index in {folder} has format {fields['format']}, this citewire reads {FORMAT_VERSION}",
                f"{INDEX_AGAIN} {folder}",
            )
        parts = tuple(Part(SegmentInfo.from_json(p["info"]), frozenset(p["dead"])) for p in fields["parts"])
        manifest = Manifest(fields["generation"], fields["embedder"], fields["chunker"], parts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexFormatError(f"{file} is damaged", f"{REPAIR} {folder}") from error
    for part in manifest.parts:
        if not SEGMENT_NAME.fullmatch(part.info.name):
            raise IndexFormatError(f"{file} names the segment {part.info.name!r}", f"{REPAIR} {folder}")
    return manifest


def check_identity(manifest: Manifest, where: Location, embedder: Identified) -> None:
    """Check that an index was made with the same embedder and with this `MADE_BY`.

    Args:
        manifest: the index's manifest.
        where: named in the error.
        embedder: the embedder that the index is to be used with.

    Raises:
        IndexFormatError: it was not; names both embedders and chunkers.
    """
    made = f"embedder {manifest.embedder[:12]} and chunker {manifest.chunker}"
    now = f"embedder {embedder.fingerprint[:12]} and chunker {MADE_BY}"
    if (manifest.embedder, manifest.chunker) != (embedder.fingerprint, MADE_BY):
        raise IndexFormatError(
            f"the index in {where} was made with {made}, this run has {now}",
            f"Use the embedder it was made with, or index again: citewire index PATH --index {where}",
        )


def manifest_files(folder: Path) -> dict[int, Path]:
    """Return generation -> manifest file, the newest first."""
    with suppress(FileNotFoundError):
        files = [file for file in (folder / "manifests").iterdir() if _MANIFEST_NAME.fullmatch(file.name)]
        return {int(file.name[:10]): file for file in sorted(files, reverse=True)}
    return {}


def readable_manifests(folder: Path, *, tolerant: bool = False) -> Iterator[Manifest]:
    """Yield the manifests in `folder` whose checksum matches their name, the newest first.

    Raises:
        OSError: without `tolerant`, a manifest cannot be read. Skipping it could lose segments that only it names.
    """
    ignored = OSError if tolerant else FileNotFoundError
    for file in manifest_files(folder).values():
        with suppress(ignored, IndexFormatError):
            data = file.read_bytes()
            if file.stem.endswith(hashlib.sha256(data).hexdigest()[:16]):
                yield _parse_manifest(data, file, folder)


def resume_candidates(folder: Path) -> list[SegmentInfo]:
    """Return the finished segments in `folder` that no manifest names; an interrupted run left them."""
    known = {part.info.name for manifest in readable_manifests(folder) for part in manifest.parts}
    found = [read_info(segment) for segment in sorted((folder / "segments").iterdir()) if segment.name not in known]
    return [info for info in found if info and SEGMENT_NAME.fullmatch(info.name)]
