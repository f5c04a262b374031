"""Files and folders -> articles, with a reason and a fix for every file that is left out.

Knows file names, encodings and `metadata.json`. Does not know what a passage or an index is, and never
guesses: what neither the file nor its metadata states stays "".
"""

from __future__ import annotations

import codecs
import hashlib
import json
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from citewire.index.errors import InputError
from citewire.index.types import Article

MAX_FILE_BYTES = 10_000_000  # a long book is 2 MB; a bigger .txt is a log or a dump
MAX_CONTROL_SHARE = 0.01  # control characters among all; a stray one survives copy and paste, a binary file has many
METADATA_NAME = "metadata.json"
METADATA_KEYS = ("title", "outlet", "author", "published", "url")
SUFFIX = ".txt"

_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1f\x7f]")
_UNUSABLE_IN_NAMES = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control, surrogate, line and paragraph separators


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that is left out.

    Attributes:
        path: the file as the user can find it, undecodable bytes of its name shown as escapes.
        reason: what is wrong with it, with the offending value.
        fix: what to do about it, as an imperative sentence.
    """

    path: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What `read_articles` found: articles sorted by path, and the files it left out."""

    articles: tuple[Article, ...]
    rejected: tuple[Rejected, ...]


class _UnusableError(Exception):
    """One file cannot be an article; becomes a `Rejected`."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


def read_articles(paths: Sequence[Path]) -> Reading:
    """Read the .txt files at and below `paths`.

    Folders are walked in sorted order; hidden files and folders are skipped, and links that lead out of the
    folder are not followed. An article's path is its POSIX path below the folder given, or the name of a file
    given.

    Raises:
        InputError: a path is missing or holds no .txt file, no file at all is usable, two paths give an
            article of the same name, or a `metadata.json` is wrong.
    """
    if not paths:
        raise InputError("no path to index was given", "Name a folder or .txt files to index")
    articles: dict[str, Article] = {}
    origin: dict[str, Path] = {}
    rejected: list[Rejected] = []
    for root in paths:
        for name, file, metadata in _found(root, rejected):
            if name in origin:
                raise InputError(
                    f"{_shown(origin[name])} and {_shown(file)} would both be the article {name!r}",
                    "Index the folder above both, or rename one of the files",
                )
            origin[name] = file
            try:
                articles[name] = _read_article(name, file, metadata)
            except _UnusableError as error:
                rejected.append(Rejected(_shown(file), error.reason, error.fix))
    if not articles:
        first = rejected[0]
        others = f" ({len(rejected) - 1} more files cannot be used either)" if len(rejected) > 1 else ""
        raise InputError(f"no usable article: {first.path}: {first.reason}{others}", first.fix)
    return Reading(tuple(articles[name] for name in sorted(articles)), tuple(rejected))


def _found(root: Path, rejected: list[Rejected]) -> Iterator[tuple[str, Path, Mapping[str, str]]]:
    """Yield (article path, file, metadata) of every .txt file that `root` names."""
    if not os.path.lexists(root):
        raise InputError(f"there is no {_shown(root)}", "Name a folder or .txt file that exists")
    if not root.is_dir():
        if root.suffix.lower() != SUFFIX:
            raise InputError(f"{_shown(root)} is not a {SUFFIX} file", "Save it as plain text, or name a folder")
        if _usable_name(root.name, root, rejected):
            yield root.name, root, {}
        return
    files, metadata = _walk(root, rejected)
    if not files and not rejected:
        raise InputError(f"{_shown(root)} holds no {SUFFIX} files", "Name a folder with articles saved as plain text")
    for name, file in files.items():
        yield name, file, metadata.get(name, {})


def _walk(root: Path, rejected: list[Rejected]) -> tuple[dict[str, Path], dict[str, dict[str, str]]]:
    """Return the .txt files below `root` by article path, and what metadata files say of them."""
    files: dict[str, Path] = {}
    metadata: dict[str, dict[str, str]] = {}
    inside = root.resolve()

    def unreadable(error: OSError) -> None:
        rejected.append(Rejected(_shown(error.filename), f"cannot be listed: {error.strerror}", "Allow reading it"))

    for here, folders, names in os.walk(root, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        folder = Path(here)
        for name in sorted(names):
            file = folder / name
            relative = file.relative_to(root).as_posix()
            if name.startswith(".") or file.suffix.lower() != SUFFIX or not _usable_name(relative, file, rejected):
                continue
            if file.is_symlink() and not file.resolve().is_relative_to(inside):
                reason = f"is a link that leads out of {_shown(root)}, to {_shown(file.resolve())}"
                rejected.append(Rejected(_shown(file), reason, "Put a copy of the file there instead"))
                continue
            files[relative] = file
        rejected.extend(
            Rejected(_shown(folder / name), "is a linked folder", "Name that folder as a path of its own")
            for name in folders
            if (folder / name).is_symlink()
        )
        if METADATA_NAME in names:
            _add_metadata(folder / METADATA_NAME, root, metadata)
    for name in metadata.keys() - files.keys():
        _refuse_metadata(root, name, "names a file that is not there", f"Remove it, or add the {SUFFIX} file")
    return files, metadata


def _usable_name(name: str, file: Path, rejected: list[Rejected]) -> bool:
    """Whether `name` can identify an article in SQLite, JSON, HTML and a terminal; otherwise reject it."""
    if not any(unicodedata.category(character) in _UNUSABLE_IN_NAMES for character in name):
        return True
    reason = "has a name that is not UTF-8 or holds control characters"
    rejected.append(Rejected(_shown(file), reason, "Rename the file"))
    return False


def _shown(path: Path | str) -> str:
    """`path` for a message: printable on any terminal."""
    text = str(path).encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(repr(c)[1:-1] if unicodedata.category(c) in _UNUSABLE_IN_NAMES else c for c in text)


# -- one file -------------------------------------------------------------------------------------------


def _read_article(name: str, file: Path, metadata: Mapping[str, str]) -> Article:
    """Raises: _UnusableError."""
    data = _read_bytes(file)
    text = _decode(data, file)
    digest = hashlib.sha256(hashlib.sha256(data).digest())  # hashed twice, so that no file can imitate metadata
    digest.update(json.dumps(dict(metadata), sort_keys=True).encode())
    return Article(path=name, text=text, sha256=digest.hexdigest(), **metadata)


def _read_bytes(file: Path) -> bytes:
    """Raises: _UnusableError."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a named pipe would wait forever
            raise _UnusableError("is not a regular file", "Replace it with a plain text file")
        if status.st_size > MAX_FILE_BYTES:
            raise _UnusableError(
                f"is too large: {status.st_size:,} bytes, at most {MAX_FILE_BYTES:,} are read",
                "Split it into one file per article",
            )
        return file.read_bytes()
    except OSError as error:
        raise _UnusableError(
            f"cannot be read: {error.strerror}", "Check that the file exists and may be read"
        ) from error


def _decode(data: bytes, file: Path) -> str:
    """Return the text of a UTF-8 file without its byte order mark. Raises: _UnusableError."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _UnusableError("is encoded as UTF-16 (byte offset 0), not UTF-8", _iconv("UTF-16", file))
    if b"\0" in data:
        raise _UnusableError(f"is a binary file: NUL at byte offset {data.index(0)}", "Save the article as plain text")
    bom = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    try:
        text = data[bom:].decode("utf-8")
    except UnicodeDecodeError as error:
        offset = error.start + bom
        raise _UnusableError(
            f"is not UTF-8: byte 0x{data[offset]:02x} at byte offset {offset}", _iconv("WINDOWS-1252", file)
        ) from error
    if not text.strip():
        raise _UnusableError("is empty" if not text else "holds only white space", "Add the text, or remove the file")
    control = _CONTROL.findall(text)
    if len(control) > MAX_CONTROL_SHARE * len(text):
        raise _UnusableError(f"is a binary file: {len(control)} control characters", "Save the article as plain text")
    return text


def _iconv(encoding: str, file: Path) -> str:
    name = _shown(file.name)
    return f"Convert it, for instance: iconv -f {encoding} -t UTF-8 '{name}' > '{Path(name).stem}-utf8.txt'"


# -- metadata.json --------------------------------------------------------------------------------------


def _add_metadata(file: Path, root: Path, metadata: dict[str, dict[str, str]]) -> None:
    """Add the entries of one metadata file, `{path below its folder: {key: value}}`. Raises: InputError."""
    try:
        entries = json.loads(file.read_bytes().decode("utf-8-sig"), object_pairs_hook=_without_duplicates)
    except OSError as error:
        raise InputError(f"{_shown(file)} cannot be read: {error.strerror}", "Allow reading it") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{_shown(file)} is not valid JSON: {error}", "Correct or remove the file") from error
    if not isinstance(entries, dict):
        raise InputError(
            f"{_shown(file)} is not a JSON object",
            'Write {"article.txt": {"title": "..."}} with one entry per article',
        )
    below = file.parent.relative_to(root)
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            _refuse_metadata(file, name, "is not an object", f"Give it any of the keys {', '.join(METADATA_KEYS)}")
        for key, value in entry.items():
            _check_metadata(file, name, key, value)
        path = (below / name).as_posix()
        if path in metadata:
            _refuse_metadata(file, name, "is described by two metadata files", "Keep one of the entries")
        metadata[path] = {key: value for key, value in entry.items() if value}


def _check_metadata(file: Path, name: str, key: str, value: object) -> None:
    """Raises: InputError naming the file, the key and the fix."""
    if key not in METADATA_KEYS:
        _refuse_metadata(file, name, f"has the unknown key {key!r}", f"Use only {', '.join(METADATA_KEYS)}")
    if not isinstance(value, str) or any(unicodedata.category(c) in _UNUSABLE_IN_NAMES for c in value):
        _refuse_metadata(file, name, f"has a {key!r} that is not one line of text: {value!r}", "Write a string")
    if key == "published" and value and not _is_date(value):
        _refuse_metadata(file, name, f"has the 'published' {value!r}", "Write the date as YYYY-MM-DD, or leave it out")
    if key == "url" and value and not _is_web_address(value):
        _refuse_metadata(file, name, f"has the 'url' {value!r}", "Write an http:// or https:// address")


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value  # fromisoformat alone takes 20250629 too
    except ValueError:
        return False


def _refuse_metadata(file: Path, name: str, problem: str, fix: str) -> NoReturn:
    where = file / METADATA_NAME if file.is_dir() else file
    raise InputError(f"{_shown(where)}: the entry {name!r} {problem}", fix)


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Serve as object_pairs_hook: json.loads alone keeps the last of two equal keys in silence."""
    seen: dict[str, object] = {}
    for key, value in pairs:
        if key in seen:
            raise ValueError(f"the key {key!r} stands twice")
        seen[key] = value
    return seen
