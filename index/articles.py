"""Files, folders and web addresses -> articles, with a reason and a fix for everything that is left out.

Knows file names and `metadata.json`; formats.py reads the formats, in the child process of sandbox.py. Nothing is
guessed: a field that neither the document nor its metadata states stays "". Does not know passages.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from citewire.index.dates import is_day
from citewire.index.documents import (
    UNUSABLE_IN_LINES,
    Document,
    Limits,
    Refused,
    UnusableError,
    escaped,
    extra,
    is_web_address,
    opens_a_page,
    visible,
)
from citewire.index.errors import InputError
from citewire.index.formats import CONTAINERS, FORMATS, METADATA_NAME, UNREADABLE, Request
from citewire.index.manifest import is_index
from citewire.index.sandbox import Sandbox
from citewire.index.types import Article
from citewire.index.web import Fetcher, Page, article_path
from citewire.index.workers import HERE, Workers, in_order

READER_VERSION = "10"  # raise it when readers return something else for a file, so that stored articles are read again
MAX_METADATA = 500_000_000  # bytes of a metadata.json; the entries of a million articles take half of that
METADATA_KEYS = ("title", "outlet", "author", "published", "url", "metadata")
_LIST = ", ".join(sorted(FORMATS))


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file, or a part of one, that is left out.

    Attributes:
        path: where the user finds it, with undecodable bytes of the name escaped; ends with the part of a file that
            is left out: `news/wire.jsonl#17`.
        reason: what is wrong with it; names the offending value.
        fix: what to do about it, in the imperative.
        name: article path of the file, folder or record, "" if it cannot have one. Articles of the index with this
            path or below it are kept.
    """

    path: str
    reason: str
    fix: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is not read again, as the index already holds its articles.

    Attributes:
        source: `Article.source` of these articles.
        paths: their `Article.path`.
    """

    source: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read.

    Attributes:
        fields: for .jsonl, .json and .csv: field of an article (`text title outlet author published url id`) ->
            column; fields that are not mapped are read from the usual columns of `formats.FIELDS`.
        limits: how much time, memory and text one file may take.
        allow_web: whether http:// and https:// sources may be fetched.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    allow_web: bool = False


@dataclass(frozen=True, slots=True)
class _Source:
    """A file or web address to read: its article path, its location, and its entries in `metadata.json` files."""

    name: str
    file: Path | None
    url: str
    metadata: Mapping[str, Mapping[str, Any]]

    @property
    def shown(self) -> str:
        return _shown(self.file) if self.file is not None else self.url


@dataclass(frozen=True, slots=True)
class _Content:
    """What a source holds, to be parsed; `digest` becomes `Article.source`."""

    source: _Source
    page: Page
    digest: str


def read_articles(
    sources: Sequence[Path | str],
    *,
    stored: Callable[[str], tuple[str, ...]] | None = None,
    options: ReadOptions | None = None,
    fetch: Callable[[str], Page] | None = None,
    workers: Workers = HERE,
) -> Iterator[Article | Kept | Rejected]:
    """Read the files at and below `sources`, one at a time, in the order of their article paths.

    Folders are searched recursively; hidden files and folders, README files and files of unknown formats are skipped,
    and links that lead out of the folder are rejected. An article's path is its POSIX path below the given folder,
    the name of a given file, or the host and path of a web address; inside a container, `wire.jsonl#17`.

    Args:
        sources: folders, files, and strings that start with http:// or https://.
        stored: `Article.source` -> paths of the stored articles of that source, () if there are none; these files are
            not parsed again.
        options: see `ReadOptions`.
        fetch: downloads a web address; None for a new `Fetcher`.
        workers: parse what this process reads.

    Returns:
        An iterator that reads files as it is consumed. Close it to end its child process early.

    Raises:
        InputError: before anything is read: a path is missing or of an unknown format, a folder holds nothing to read,
            two sources have the same article path, a web address is not allowed, or a `metadata.json` is wrong.
    """
    options = options or ReadOptions()
    if not sources:
        raise InputError("no path to index was given", "Name a folder or files to index")
    found: dict[str, _Source] = {}
    rejected: list[Rejected] = []
    for source in sources:
        for one in _found(source, options, rejected):
            if one.name in found:
                raise InputError(
                    f"{found[one.name].shown} and {one.shown} would both be the article {one.name!r}",
                    "Index the folder above both, or rename one of the files",
                )
            found[one.name] = one
    ordered = [found[name] for name in sorted(found)]
    if fetch is None and any(one.url for one in ordered):
        fetch = Fetcher(max_bytes=options.limits.bytes).fetch
    return _read_all(ordered, rejected, stored, options, fetch, workers)


def _read_all(
    sources: Iterable[_Source],
    rejected: Sequence[Rejected],
    stored: Callable[[str], tuple[str, ...]] | None,
    options: ReadOptions,
    fetch: Callable[[str], Page] | None,
    workers: Workers,
) -> Iterator[Article | Kept | Rejected]:
    yield from rejected
    taken: set[str] = set()
    with _Parser(options) as parser:

        def begun(source: _Source) -> Callable[[], tuple[_Source, Iterable[Article | Kept | Rejected]]]:
            read = _read_source(source, stored, options, fetch)
            results = workers.submit(parser.parse, read) if isinstance(read, _Content) else partial(iter, (read,))
            return lambda: (source, results())

        for source, results in in_order(map(begun, sources), workers.ahead):
            for result in results:
                if isinstance(result, Kept):
                    taken.update(result.paths)
                elif isinstance(result, Article):
                    if result.path in taken:
                        reason = f"would be a second article {result.path!r}"
                        yield Rejected(source.shown, reason, "Rename the file or the record")
                        continue
                    taken.add(result.path)
                yield result


# -- names ----------------------------------------------------------------------------------------------


def _found(source: Path | str, options: ReadOptions, rejected: list[Rejected]) -> Iterator[_Source]:
    """Yield the file, web address or files of a folder that `source` names. Raises: InputError."""
    if is_web_address(source):
        if not options.allow_web:
            raise InputError(
                f"{_shown(source)} is a web address, and fetching is off", "Allow the web, or save the page"
            )
        yield _Source(article_path(source), None, source, {})
        return
    root = Path(source)
    if not os.path.lexists(root):
        raise InputError(f"there is no {_shown(root)}", "Name a folder or file that exists")
    if not root.is_dir():
        if (suffix := root.suffix.lower()) not in FORMATS or root.name == METADATA_NAME:
            fix = UNREADABLE.get(suffix, f"Save it in one of these formats: {_LIST}")
            raise InputError(f"{_shown(root)} is not of a format that can be read", fix)
        if _usable_name(root.name, root, rejected):
            yield _Source(root.name, root, "", {})
        return
    before = len(rejected)
    files, metadata = _walk(root, rejected)
    if not files and len(rejected) == before:
        raise InputError(f"{_shown(root)} holds no files that can be read", f"Name a folder with any of {_LIST}")
    for name, file in files.items():
        yield _Source(name, file, "", metadata.get(name, {}))


def _walk(root: Path, rejected: list[Rejected]) -> tuple[dict[str, Path], dict[str, dict[str, dict[str, Any]]]]:
    """Return the readable files below `root` by article path, and each file's metadata entries.

    An index below `root`, and the files that citewire keeps beside it, are skipped. Raises: InputError.
    """
    files: dict[str, Path] = {}
    metadata: dict[str, dict[str, Any]] = {}
    inside = root.resolve()

    def unreadable(error: OSError) -> None:
        name = Path(error.filename).relative_to(root).as_posix()
        reason = f"cannot be listed: {error.strerror}"
        rejected.append(Rejected(_shown(error.filename), reason, "Allow reading it", name if name != "." else ""))

    for here, folders, names in os.walk(root, onerror=unreadable):
        folder = Path(here)
        indexes = {name for name in folders if is_index(folder / name)}
        beside = {f"{name}-{what}.jsonl" for name in indexes for what in ("names", "changes")}
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in indexes)
        for name in sorted(set(names) - beside):
            file = folder / name
            relative = file.relative_to(root).as_posix()
            if _is_article(file, rejected) and _usable_name(relative, file, rejected):
                if file.is_symlink() and not file.resolve().is_relative_to(inside):
                    reason = f"is a link that leads out of {_shown(root)}, to {_shown(file.resolve())}"
                    rejected.append(Rejected(_shown(file), reason, "Put a copy of the file there instead"))
                else:
                    files[relative] = file
        rejected.extend(
            Rejected(_shown(folder / name), "is a linked folder", "Name that folder as a path of its own")
            for name in folders
            if (folder / name).is_symlink()
        )
        if METADATA_NAME in names:
            _add_metadata(folder / METADATA_NAME, root, metadata)
    by_file: dict[str, dict[str, dict[str, Any]]] = {}
    for name, entry in metadata.items():
        if not (of := _file_of(name, files)):
            _refuse_metadata(root, name, "names a file that is not there", "Remove it, or add the file")
        by_file.setdefault(of, {})[name] = entry
    return files, by_file


def _is_article(file: Path, rejected: list[Rejected]) -> bool:
    """Whether a file of a folder is read; known formats that cannot be read are rejected, others are skipped."""
    # A README describes the folder and is not an article.
    if file.name.startswith(".") or file.name == METADATA_NAME or file.stem.lower() == "readme":
        return False
    suffix = file.suffix.lower()
    if suffix in UNREADABLE:
        rejected.append(Rejected(_shown(file), f"is a {suffix} file, which cannot be read", UNREADABLE[suffix]))
    return suffix in FORMATS


def _file_of(name: str, files: Mapping[str, Path]) -> str:
    """Return the file that holds the article `name`: itself or its container, which ends before `#` or `/`; or ""."""
    if name in files:
        return name
    ends = [index for index, character in enumerate(name) if character in "#/"]
    return next((name[:end] for end in ends if name[:end] in files and _format(name[:end]) in CONTAINERS), "")


def _format(name: str) -> str:
    return FORMATS.get(posixpath.splitext(name)[1].lower(), "")


def _usable_name(name: str, file: Path, rejected: list[Rejected]) -> bool:
    """Whether `name` can be an article path in SQLite, JSON, HTML and a terminal; if not, the file is rejected."""
    if escaped(name) == name:
        return True
    reason = "has a name that is not UTF-8 or holds control characters or invisible ones"
    rejected.append(Rejected(_shown(file), reason, "Rename the file"))
    return False


def _shown(path: Path | str) -> str:
    """Return `path` for a message, with unprintable characters escaped."""
    return escaped(str(path).encode("utf-8", "backslashreplace").decode("utf-8"))


# -- one file -------------------------------------------------------------------------------------------


def _read_source(
    source: _Source,
    stored: Callable[[str], tuple[str, ...]] | None,
    options: ReadOptions,
    fetch: Callable[[str], Page] | None,
) -> _Content | Kept | Rejected:
    try:
        page = _page(source, options, fetch)
    except UnusableError as error:
        return Rejected(source.shown, error.reason, error.fix, source.name)
    digest = _source_digest(source, page, options)
    if stored and (paths := stored(digest)):
        return Kept(digest, paths)
    return _Content(source, page, digest)


class _Parser:
    """Parses contents with one child process at a time; pickled without it, so that each process has its own."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._sandbox = Sandbox(options.limits)

    def __reduce__(self) -> tuple[type[_Parser], tuple[ReadOptions]]:
        return _Parser, (self._options,)

    def __enter__(self) -> _Parser:
        return self

    def __exit__(self, *_: object) -> None:
        self._sandbox.close()

    def parse(self, content: _Content) -> Iterator[Article | Rejected]:
        """Yield the articles of a source, and what is wrong with it."""
        source = content.source
        unnamed = set(source.metadata) - {source.name}
        for found in _documents(content.page, source, self._options, self._sandbox):
            if isinstance(found, Refused):
                yield Rejected(source.shown + found.part, found.reason, found.fix, source.name + found.part)
            else:
                article = _article(found, source, content.digest)
                unnamed.discard(article.path)
                yield article
        for name in sorted(unnamed):
            part = name.removeprefix(source.name)
            reason = f"is described in {METADATA_NAME} but is no article"
            yield Rejected(source.shown + _shown(part), reason, "Remove the entry, or correct its name")


def _page(source: _Source, options: ReadOptions, fetch: Callable[[str], Page] | None) -> Page:
    """Return the content of a source; that of a file has no URL. Raises: UnusableError."""
    if source.file is not None:
        return Page(_read_bytes(source.file, options.limits.bytes), "", _format(source.file.name))
    assert fetch is not None
    return fetch(source.url)


def _documents(page: Page, source: _Source, options: ReadOptions, sandbox: Sandbox) -> Iterator[Document | Refused]:
    shown = source.file.name if source.file is not None else source.url
    request = Request(page.format, _shown(shown), page.url, options.fields, charset=page.charset)
    for found in sandbox.read(page.data, request):
        yield replace(found, url=page.url) if isinstance(found, Document) and page.url and not found.url else found


def _read_bytes(file: Path, most: int) -> bytes:
    """Raises: UnusableError."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):  # reading a named pipe would wait forever
            raise UnusableError("is not a regular file", "Replace it with a plain file")
        if status.st_size > most:
            raise UnusableError(
                f"is too large: {status.st_size:,} bytes, at most {most:,} are read", "Split it, or raise the limit"
            )
        return file.read_bytes()
    except OSError as error:
        raise UnusableError(
            f"cannot be read: {error.strerror}", "Check that the file exists and may be read"
        ) from error


def _source_digest(source: _Source, page: Page, options: ReadOptions) -> str:
    """Return `Article.source`: equal digests mean equal articles, so the file need not be parsed."""
    entries = {name: dict(entry) for name, entry in source.metadata.items()}
    limits = options.limits
    cut = [limits.bytes, limits.characters, limits.articles, limits.total_characters]  # raising these may read more
    content = [hashlib.sha256(page.data).hexdigest(), page.charset, cut if page.format in CONTAINERS else []]
    parts = [READER_VERSION, source.name, content, dict(options.fields), entries]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _article(document: Document, source: _Source, digest: str) -> Article:
    """Merge a document with its metadata entry, which wins; an entry of its container only fills gaps."""
    path = source.name + document.part
    stated: dict[str, Any] = {name: getattr(document, name) for name in METADATA_KEYS}
    free = dict(stated.pop("metadata"))
    whole = dict(source.metadata.get(source.name, {}))
    if document.part:
        free = {**whole.pop("metadata", {}), **free}
        stated = {name: value or whole.get(name, "") for name, value in stated.items()}
        whole = dict(source.metadata.get(path, {}))
    free.update(whole.pop("metadata", {}))
    stated.update(whole)
    content = [document.text, stated, free]
    own = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    kept: dict[str, Any] = {"path": path, "text": document.text, "sha256": own, "metadata": free, "source": digest}
    return Article(**kept, **stated, pages=document.pages, notes=document.notes)


# -- metadata.json --------------------------------------------------------------------------------------


def _add_metadata(file: Path, root: Path, metadata: dict[str, dict[str, Any]]) -> None:
    """Add the entries `{path below the file's folder: {key: value}}` of a `metadata.json`. Raises: InputError."""
    try:
        data = _read_bytes(file, MAX_METADATA)
        entries = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_without_duplicates)
    except UnusableError as error:
        raise InputError(f"{_shown(file)} {error.reason}", error.fix) from error
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
        metadata[path] = {k: visible(v) if isinstance(v, str) else v for k, v in entry.items() if v}


def _check_metadata(file: Path, name: str, key: str, value: object) -> None:
    """Raises: InputError naming the file, the key and the fix."""
    if key not in METADATA_KEYS:
        _refuse_metadata(file, name, f"has the unknown key {key!r}", f"Use only {', '.join(METADATA_KEYS)}")
    if key == "metadata":
        if not isinstance(value, dict) or extra(value) != value:
            problem = f"has {key!r} that are not a few short lines of text by name: {value!r}"
            _refuse_metadata(file, name, problem[:500], 'Write {"desk": "sports"}')
        return
    if not isinstance(value, str) or any(unicodedata.category(c) in UNUSABLE_IN_LINES for c in value):
        _refuse_metadata(file, name, f"has a {key!r} that is not one line of text: {value!r}", "Write a string")
    if key == "published" and value and not is_day(value):
        _refuse_metadata(file, name, f"has the 'published' {value!r}", "Write the date as YYYY-MM-DD, or leave it out")
    if key == "url" and value and not opens_a_page(value):
        _refuse_metadata(file, name, f"has the 'url' {value!r}", "Write an http:// or https:// address")


def _refuse_metadata(file: Path, name: str, problem: str, fix: str) -> NoReturn:
    where = file / METADATA_NAME if file.is_dir() else file
    raise InputError(f"{_shown(where)}: the entry {name!r} {problem}", fix)


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse duplicate keys, as an object_pairs_hook; json.loads silently keeps the last one. Raises: ValueError."""
    seen: dict[str, object] = {}
    for key, value in pairs:
        if key in seen:
            raise ValueError(f"the key {key!r} stands twice")
        seen[key] = value
    return seen
