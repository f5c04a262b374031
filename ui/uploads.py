"""Files that come in through the page: kept beside the index, and put into it one batch after the other.

Knows where a file is at each moment, so that a process that dies anywhere loses no whole file and keeps no half one.
Does not know HTTP.

    <index>-uploads/
      arriving/<id>                   bytes that came so far; swept at the start
      waiting/<id>/uploaded/<name>    here as a whole, not yet in the index; indexed at the start
      articles/uploaded/<name>        in the index, as the article `uploaded/<name>`
      deleting/<name>                 to go, with the articles of it; finished at the start
"""

from __future__ import annotations

import filecmp
import logging
import secrets
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Thread
from typing import TYPE_CHECKING, BinaryIO, Literal, Self

from citewire.index.articles import ReadOptions, Rejected, read_articles
from citewire.index.build import build_index
from citewire.index.disk import sync
from citewire.index.documents import UNUSABLE_IN_LINES
from citewire.index.errors import CitewireError, InputError
from citewire.index.formats import FORMATS, UNREADABLE
from citewire.index.maintenance import remove
from citewire.index.types import Embedder
from citewire.index.writer import BusyError

if TYPE_CHECKING:
    from citewire.ui.corpus import Corpus

logger = logging.getLogger(__name__)

PREFIX = "uploaded/"  # of the path of every article that was uploaded
BATCH = 100  # files that are indexed together: what they share is the time to publish a generation
REMEMBERED = 500  # results that are kept for a page that asks later
LEFT_OUT_SHOWN = 20
NAME_BYTES = 200  # of a file name; file systems take 255, and a number may be added
BUSY_PAUSE_S = 1.0

State = Literal["waiting", "indexing", "indexed", "copy", "known", "rejected", "failed"]
HELD = frozenset({"waiting", "indexing", "failed"})  # states of a file that still waits for its place


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of a file that is no article: `#17`, `/monday.txt`."""

    part: str
    reason: str
    fix: str


@dataclass(slots=True)
class Upload:
    """A file that has arrived.

    Attributes:
        id: names it in requests.
        name: of the file, as it is kept.
        bytes: its size.
        state: waiting or indexing; then indexed, copy (indexed, and a copy of another article), known (it was there
            already), rejected (it is no article and is not kept), failed (it is kept, and tried again at the next
            start).
        articles: how many were read from it.
        copy_of: path and title of articles that it is a copy of.
        left_out: parts of it that are no articles.
        reason, fix: why it was rejected or failed, or what it waits for.
        stage, done, total: what indexing is doing and how far it is, for all files that are indexed together.
    """

    id: str
    name: str
    bytes: int
    state: State = "waiting"
    articles: int = 0
    copy_of: tuple[tuple[str, str], ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    reason: str = ""
    fix: str = ""
    stage: str = ""
    done: int = 0
    total: int = 0

    @property
    def path(self) -> str:
        """Path of its article, or what stands before the paths of its articles."""
        return PREFIX + self.name


class UnknownFormatError(InputError):
    """A file of a format that is not read."""


class TooLargeError(InputError):
    """A file, or all of them together, need more bytes than there are for them."""


class Uploads:
    """The uploaded files of one index, and the thread that indexes them. Safe to share between threads.

    Args:
        corpus: what they become part of.
        embedder: what the index was made with.
        options: how files are read; `options.limits.bytes` is the largest that is taken.
        room: bytes that all of them may take together.
    """

    def __init__(self, corpus: Corpus, embedder: Embedder, options: ReadOptions, room: int) -> None:
        self._corpus, self._embedder, self._options, self._room = corpus, embedder, options, room
        self.folder = folder_of(corpus.folder)
        self._kept = {file.name: file.stat().st_size for file in _files(self.folder / "articles" / PREFIX)}
        self._uploads: dict[str, Upload] = {}
        self._arriving: dict[str, int] = {}  # id -> bytes it may still come to
        self._changed = Condition()
        self._closed = False
        self._thread: Thread | None = None

    @property
    def limit(self) -> int:
        """Bytes of the largest file that is taken."""
        return min(self._options.limits.bytes, self._room)

    # starting and ending

    def start(self) -> None:
        """Finish what an earlier process had begun, then index what comes in, in a thread.

        Raises:
            InputError: the folder cannot be read or written.
        """
        try:
            shutil.rmtree(self.folder / "arriving", ignore_errors=True)
            self._finish_deleting()
            self._take_up_waiting()
        except OSError as error:
            raise InputError(
                f"the uploaded files in {self.folder} cannot be used: {error.strerror}", "Allow reading and writing it"
            ) from error
        # Daemon: Ctrl-C must not wait for an index; what is not published is taken up at the next start.
        self._thread = Thread(target=self._run, name="citewire-uploads", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more files, and return when those that are being indexed are done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _finish_deleting(self) -> None:
        files = list(_files(self.folder / "deleting"))
        names = {file.name for file in files}
        if dead := [path for path in self._corpus.paths() if _name_in(path) in names - self._kept.keys()]:
            try:
                with self._corpus.writing():
                    remove(self._corpus.folder, dead)
            except BusyError as error:
                logger.warning("removed articles stay until the next start: %s", error.problem)
                return
        for file in files:
            file.unlink()

    def _take_up_waiting(self) -> None:
        for root in sorted((self.folder / "waiting").glob("*")):
            file = next(_files(root / PREFIX), None)
            if file is None:  # the process died between making the folder and moving the file there
                shutil.rmtree(root)
            else:
                self._uploads[root.name] = Upload(root.name, file.name, file.stat().st_size)

    # what there is

    def states(self) -> list[Upload]:
        """Return the files that came in since the start, and those that were taken up then, oldest first."""
        with self._changed:
            return list(self._uploads.values())

    def file_of(self, path: str) -> str:
        """Return the name of the uploaded file that an article was read from, "" where it was not uploaded."""
        name = _name_in(path)
        return name if name in self._kept else ""

    # arriving

    def receive(self, name: str, length: int | None = None) -> Arrival:
        """Return what takes the bytes of a file.

        Args:
            name: as its owner calls it.
            length: its bytes, where they are known.

        Raises:
            UnknownFormatError: by its suffix.
            TooLargeError: by its length, or there is no room left.
            InputError: a name that cannot be used, or the folder cannot be written.
        """
        upload = Upload(secrets.token_hex(8), _checked_name(name), 0)
        with self._changed:
            if self._closed:
                raise InputError("citewire is closing", "Start it again, then upload the file")
            self._reserve(upload, length or 0)
        try:
            return Arrival(self, upload)
        except OSError as error:
            self._arrived(upload, None)
            raise self._unwritable(error) from error

    def _reserve(self, upload: Upload, size: int) -> None:
        """Keep room for the bytes of a file that is coming in. Raises: TooLargeError."""
        if size > self.limit:
            raise TooLargeError(f"{upload.name} has more than the {self.limit:,} bytes that are taken", "Split it")
        waiting = sum(one.bytes for one in self._uploads.values() if one.state in HELD)
        others = sum(self._arriving.values()) - self._arriving.get(upload.id, 0)
        if sum(self._kept.values()) + waiting + others + size > self._room:
            problem = f"with {upload.name} all uploaded files together would have more than {self._room:,} bytes"
            raise TooLargeError(problem, "Remove some articles, or raise max_uploads_bytes")
        self._arriving[upload.id] = size

    def _grew(self, upload: Upload) -> None:
        """Take note of bytes that have come. Raises: TooLargeError."""
        with self._changed:
            if upload.bytes > self._arriving[upload.id]:
                self._reserve(upload, upload.bytes)

    def _arrived(self, upload: Upload, file: Path | None) -> None:
        """Put a whole file where it waits, or forget it (None)."""
        with self._changed:
            self._arriving.pop(upload.id, None)
            if file is None:
                return
            upload.name, upload.state = self._name_for(upload.name, file)
            if upload.state == "known":
                upload.articles = sum(_name_in(path) == upload.name for path in self._corpus.paths())
                file.unlink()
            else:
                _move(file, self.folder / "waiting" / upload.id / upload.path)
            self._uploads[upload.id] = upload
            self._forget_old()
            self._changed.notify_all()

    def _name_for(self, name: str, file: Path) -> tuple[str, State]:
        """Return the name under which a file is kept, and whether it is there already."""
        taken = {upload.name for upload in self._uploads.values() if upload.state in HELD}
        there = {_name_in(path) for path in self._corpus.paths()}
        stem, suffix = Path(name).stem, Path(name).suffix
        number, candidate = 1, name
        while candidate in taken or candidate in there or candidate in self._kept:
            if candidate in self._kept and candidate not in taken and self._is_kept(candidate, file):
                return candidate, "known" if candidate in there else "waiting"
            number += 1
            candidate = f"{stem} ({number}){suffix}"
        return candidate, "waiting"

    def _is_kept(self, name: str, file: Path) -> bool:
        return filecmp.cmp(self.folder / "articles" / PREFIX / name, file, shallow=False)

    def _forget_old(self) -> None:
        closed = [upload.id for upload in self._uploads.values() if upload.state not in HELD]
        for known in closed[: max(0, len(closed) - REMEMBERED)]:
            del self._uploads[known]

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(f"{self.folder} cannot be written: {error.strerror}", "Free some space or allow writing it")

    # indexing

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                self._index(batch)
            except CitewireError as error:
                self._settle(batch, "failed", error.problem, error.fix)
            except Exception:  # the outermost layer of this thread: nobody else would say it
                logger.exception("indexing uploaded files failed")
                self._settle(batch, "failed", "Indexing failed", "See the log, then start citewire again")

    def _next_batch(self) -> list[Upload]:
        """Wait for files; return [] at the end."""
        with self._changed:
            while not self._closed:
                batch = [upload for upload in self._uploads.values() if upload.state == "waiting"][:BATCH]
                if batch:
                    for upload in batch:
                        upload.state = "indexing"
                    return batch
                self._changed.wait()
            return []

    def _index(self, batch: Sequence[Upload]) -> None:
        roots = [self.folder / "waiting" / upload.id for upload in batch]

        def progress(stage: str, done: int, total: int) -> None:
            for upload in batch:
                upload.stage, upload.done, upload.total = stage, done, total

        before = set(self._corpus.paths())
        rejected: Sequence[Rejected]
        try:
            with self._corpus.writing():
                built = build_index(
                    roots, self._corpus.folder, self._embedder, progress, mirror=False, options=self._options
                )
                rejected = built.rejected
        except BusyError as error:
            self._wait_for_writer(batch, error)
            return
        except InputError as error:
            found = self._all_rejected(roots)
            if found is None:
                raise
            rejected = found
            logger.info("no article in %d uploaded files: %s", len(batch), error.problem)
        for upload in batch:
            self._finish(upload, before, [one for one in rejected if _name_in(one.name) == upload.name])

    def _wait_for_writer(self, batch: Sequence[Upload], error: BusyError) -> None:
        """Put files back in line, as another process writes to the index."""
        self._settle(batch, "waiting", error.problem, error.fix)
        with self._changed:
            self._changed.wait_for(lambda: self._closed, timeout=BUSY_PAUSE_S)

    def _all_rejected(self, roots: Sequence[Path]) -> list[Rejected] | None:
        """Return why nothing below `roots` can be indexed, None where something can: the reason is another one then."""
        rejected: list[Rejected] = []
        for found in read_articles(roots, options=self._options):
            if not isinstance(found, Rejected):
                return None
            rejected.append(found)
        return rejected

    def _finish(self, upload: Upload, before: set[str], rejected: Sequence[Rejected]) -> None:
        """Say what became of a file; keep it where an article of it is in the index."""
        own = [path for path in self._corpus.paths() if _name_in(path) == upload.name]
        upload.left_out = tuple(
            LeftOut(one.name.removeprefix(upload.path), one.reason, one.fix) for one in rejected[:LEFT_OUT_SHOWN]
        )
        waiting = self.folder / "waiting" / upload.id
        if own:
            _move(waiting / upload.path, self.folder / "articles" / upload.path)
        shutil.rmtree(waiting, ignore_errors=True)
        if not own:
            first = upload.left_out[0] if upload.left_out else LeftOut("", "holds no article", "Upload another file")
            self._settle([upload], "rejected", first.reason, first.fix)
            return
        upload.articles = len(own)
        copied = [copy for path in own for copy in self._corpus.copies(path) if copy in before or copy < path]
        upload.copy_of = tuple((row.path, row.title) for row in self._corpus.labels(dict.fromkeys(copied[:5])))
        with self._changed:
            self._kept[upload.name] = upload.bytes
        self._settle([upload], "copy" if upload.copy_of and len(own) == 1 else "indexed", "", "")

    def _settle(self, batch: Sequence[Upload], state: State, reason: str, fix: str) -> None:
        with self._changed:
            for upload in batch:
                if upload.state == "indexing":
                    upload.state, upload.reason, upload.fix = state, reason, fix

    # deleting

    @contextmanager
    def deleting(self, names: Sequence[str]) -> Iterator[None]:
        """Delete files when what is done inside, taking their articles out of the index, has succeeded."""
        moved = [(self.folder / "articles" / PREFIX / name, self.folder / "deleting" / name) for name in names]
        try:
            for kept, deleted in moved:
                _move(kept, deleted)
            yield
        except BaseException:
            for kept, deleted in moved:
                if deleted.exists():
                    _move(deleted, kept)
            raise
        with self._changed:
            for name in names:
                self._kept.pop(name, None)
        for _, deleted in moved:
            deleted.unlink()


class Arrival:
    """A file whose bytes are coming in; leaving it without `finish` keeps nothing of it."""

    def __init__(self, uploads: Uploads, upload: Upload) -> None:
        self._uploads, self._upload = uploads, upload
        self._file = uploads.folder / "arriving" / upload.id
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._out: BinaryIO | None = self._file.open("xb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._out is not None:
            self._out.close()
            self._out = None
            self._file.unlink(missing_ok=True)
            self._uploads._arrived(self._upload, None)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            TooLargeError: they are too many.
            InputError: the disk is full.
        """
        assert self._out is not None
        self._upload.bytes += len(chunk)
        self._uploads._grew(self._upload)
        try:
            self._out.write(chunk)
        except OSError as error:
            raise self._uploads._unwritable(error) from error

    def finish(self) -> Upload:
        """Say that these were all; return the file as it waits, or is known, when it would survive a power cut.

        Raises:
            InputError: no bytes came, or the disk is full.
        """
        assert self._out is not None
        if not self._upload.bytes:
            raise InputError(f"{self._upload.name} is empty", "Add the text")
        try:
            self._out.close()
            sync(self._file)
            self._uploads._arrived(self._upload, self._file)
        except OSError as error:
            raise self._uploads._unwritable(error) from error
        self._out = None
        return self._upload


def folder_of(index: Path) -> Path:
    """Return the folder of the uploaded files of an index."""
    return index.with_name(f"{index.name}-uploads")


def kept(index: Path) -> tuple[Path, ...]:
    """Return what to index beside its other sources where an index is to mirror them: () without uploaded files."""
    root = folder_of(index) / "articles"
    return (root,) if next(_files(root / PREFIX), None) else ()


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.glob("*")) if file.is_file())


def _name_in(path: str) -> str:
    """Return the name of the file in an article path: up to what names a part of it; "" where none is uploaded."""
    if not path.startswith(PREFIX):
        return ""
    return path.removeprefix(PREFIX).partition("#")[0].partition("/")[0]


def _move(file: Path, target: Path) -> None:
    """Rename so that a power cut leaves the file in one of both places. Raises: OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    file.replace(target)
    sync(target.parent)
    sync(target.parent.parent)
    sync(file.parent)


def _checked_name(name: str) -> str:
    """Return a file name that can be one of an article. Raises: InputError."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2].strip().replace("#", "_")
    if not last or any(unicodedata.category(character) in UNUSABLE_IN_LINES for character in last):
        raise InputError(f"a file cannot be named {name[:200]!r}", "Rename it")
    if last.startswith(".") or Path(last).stem.lower() == "readme":
        raise InputError(f"{last} is about a folder, it is no article", "Rename it, should it be one")
    if len(last.encode()) > NAME_BYTES:
        raise InputError(f"the file name {last[:60]!r}... is longer than {NAME_BYTES} bytes", "Shorten it")
    suffix = Path(last).suffix.lower()
    if suffix not in FORMATS:
        fix = UNREADABLE.get(suffix, f"Save it in one of these formats: {', '.join(sorted(FORMATS))}")
        raise UnknownFormatError(f"{last} is not of a format that can be read", fix)
    return last
