"""Uploaded files: stored beside the index and indexed batch by batch.

Tracks the place of each file on disk, so that a crash at any point loses no complete file and keeps no incomplete one.
Does not know HTTP.

    <index>-uploads/
      arriving/<process>/<id>         bytes received so far; deleted at the next start if the process has died
      waiting/<id>/uploaded/<name>    complete, not yet indexed; taken up at the next start. The id begins with the name
                                      of the process that received it; after `@` follows the process that took it over
      indexing/<process>/<id>         a marker, see `citewire.ui.holder`
      articles/uploaded/<name>        in the index, as the article `uploaded/<name>`
      deleting/<name>                 being deleted with its articles; finished at the next start
      set-aside/<id>/uploaded/<name>  a process died or hung while indexing it; not retried

A batch has files of one visitor, and visitors take turns. After a process has died, the files of its batch are first
tried in a separate process, then indexed alone; a file that kills that process too is set aside.
"""

from __future__ import annotations

import filecmp
import logging
import shutil
import time
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Condition, Thread
from typing import BinaryIO, Literal, Protocol, Self

from citewire.index.address import Location
from citewire.index.articles import ReadOptions, Rejected, read_articles
from citewire.index.build import Note, build_index
from citewire.index.disk import sync
from citewire.index.documents import escaped
from citewire.index.errors import CitewireError, InputError
from citewire.index.formats import FORMATS, UNREADABLE
from citewire.index.maintenance import remove
from citewire.index.types import Embedder
from citewire.index.writer import BusyError
from citewire.ui import trial
from citewire.ui.allowance import Allowance, Ledger, Sender
from citewire.ui.holder import Holder
from citewire.ui.turns import InterruptedWorkError, Known, Paced, Turns

logger = logging.getLogger(__name__)

PREFIX = "uploaded/"  # the path of every uploaded article begins with this
BATCH = 100  # most files of a batch; each batch publishes one generation of the index
BATCH_BYTES = 2_000_000  # most bytes of a batch, unless its only file is larger
SLICE = 512  # passages embedded before another visitor's turn; takes seconds
# Most vectors kept for interrupted batches (80 MB); beyond that, batches are no longer interrupted.
KEPT_VECTORS = 50_000
MOST_ARTICLES, MOST_CHARACTERS = 5_000, 10_000_000  # most in one file; the command line accepts more
MOST_SECONDS = 300.0  # longest time to read one file, in seconds
GIVE_WAY_S = 2.0  # longest pause of indexing while a question is answered, in seconds
REMEMBERED = 500  # results of finished files that are remembered
LEFT_OUT_SHOWN = 20
NAME_BYTES = 200  # longest file name; file systems allow 255 bytes, and a number may be added
BUSY_PAUSE_S = 1.0
LOOK_S = 0.05  # seconds between two checks whether a question is being answered

State = Literal["waiting", "indexing", "indexed", "copy", "known", "rejected", "failed", "aside", "cancelled"]
HELD = frozenset(
    {"waiting", "indexing", "failed", "aside"}
)  # states of a file that takes disk space outside `articles`


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A part of a file that is not an article: `#17`, `/monday.txt`."""

    part: str
    reason: str
    fix: str


@dataclass(slots=True)
class Upload:
    """A file that was received completely.

    Attributes:
        id: its id in requests.
        name: its file name in the store.
        bytes: its size in bytes.
        state: waiting or indexing; then indexed, copy (indexed, and a copy of another article), known (the same file
            was there already), rejected (no article in it; deleted), failed (kept, retried at the next start), aside
            (kept, not retried), cancelled (by its sender; deleted).
        articles: number of articles read from it.
        copy_of: path and title of the articles that it copies.
        left_out: its parts that are not articles.
        notes: remarks on how it was read, as in `BuildReport`.
        reason, fix: why it was rejected, failed or waits, and what helps.
        stage, done, total: progress of indexing, for the whole batch.
    """

    id: str
    name: str
    bytes: int
    state: State = "waiting"
    articles: int = 0
    copy_of: tuple[tuple[str, str], ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str = ""
    fix: str = ""
    stage: str = ""
    done: int = 0
    total: int = 0

    @property
    def path(self) -> str:
        """Path of its article, or the common prefix of the paths of its articles."""
        return PREFIX + self.name


@dataclass(slots=True, eq=False)
class _Work:
    """An upload with its private data.

    Attributes:
        sender: who sent it.
        root: the folder in which it waits.
        trial: "wanted" if a process died while indexing it, "passed" after its trial.
        cancelled: whether its sender cancelled it during indexing.
        sealed: whether it is too late to cancel.
    """

    upload: Upload
    sender: Sender
    root: Path
    trial: Literal["", "wanted", "passed"] = ""
    cancelled: bool = False
    sealed: bool = False

    @property
    def open(self) -> bool:
        """Whether its sender can still cancel it."""
        indexing = self.upload.state == "indexing" and not (self.sealed or self.cancelled)
        return indexing or self.upload.state in ("waiting", "failed")


class UnknownUploadError(InputError):
    """There is no such file, or another visitor sent it."""


class SettledError(InputError):
    """The file can no longer be cancelled."""


class UnknownFormatError(InputError):
    """The format of the file is not supported."""


class TooLargeError(InputError):
    """The file, or all files together, exceed the limit in bytes."""


class Growing(Protocol):
    """The index that files are added to; see `citewire.ui.corpus.Corpus`."""

    where: Location
    folder: Path

    def paths(self) -> Sequence[str]:
        """Return the paths of all articles."""
        ...

    def originals(self, paths: Sequence[str], before: Collection[str]) -> Sequence[tuple[str, str]]:
        """Return path and title of some articles that these copy."""
        ...

    def require_same(self) -> None:
        """Check that the index is still the one that was opened; raise CitewireError if not."""
        ...

    def writing(self) -> AbstractContextManager[None]:
        """Hold this process's write lock."""
        ...


class Uploads:
    """The uploaded files of one index, and the thread that indexes them; thread-safe.

    Args:
        corpus: the index they are added to.
        embedder: the embedder of the index.
        options: how files are read; `options.limits.bytes` is the largest file accepted. Other limits are lowered, as a
            large file delays others.
        room: most bytes of all files together.
        allowance: rate limits of each visitor.
    """

    def __init__(
        self, corpus: Growing, embedder: Embedder, options: ReadOptions, room: int, allowance: Allowance | None = None
    ) -> None:
        self._corpus, self._embedder, self._options, self._room = corpus, embedder, _limited(options), room
        self.folder = folder_of(corpus.folder)
        self._kept = {file.name: file.stat().st_size for file in _files(self.folder / "articles" / PREFIX)}
        self._work: dict[str, _Work] = {}  # by the upload's id, oldest first
        self._arriving: dict[str, int] = {}  # id -> bytes received
        self._ledger = Ledger(allowance or Allowance())
        self._holder = Holder(self.folder)
        self._turns = Turns()
        self._known: dict[Sender, Known] = {}  # vectors of interrupted batches
        self._is_answering: Callable[[], bool] = lambda: False
        self._changed = Condition()
        self._closed = False
        self._threads: list[Thread] = []

    @property
    def options(self) -> ReadOptions:
        """How files are read."""
        return self._options

    @property
    def limit(self) -> int:
        """Size of the largest file accepted, in bytes."""
        return min(self._options.limits.bytes, self._room)

    @property
    def characters(self) -> int:
        """Length of the longest article accepted, in characters."""
        return self._options.limits.characters

    # starting and ending

    def give_way_to(self, is_answering: Callable[[], bool]) -> None:
        """Let indexing pause briefly while `is_answering()`."""
        self._is_answering = is_answering

    def start(self) -> None:
        """Finish the work of earlier processes, then start the indexing thread.

        Raises:
            InputError: the folder of the files cannot be read or written.
        """
        try:
            self._holder.sweep()
            self._finish_deleting()
            self._take_up_waiting()
        except OSError as error:
            raise InputError(
                f"the uploaded files in {self.folder} cannot be used: {error.strerror}", "Allow reading and writing it"
            ) from error
        # Daemon: Ctrl-C must not wait for indexing; the next start takes up what is not published.
        self._threads = [Thread(target=self._run, name="citewire-uploads", daemon=True)]
        if any(work.trial for work in self._work.values()):  # in its own thread, to delay no other file
            self._threads.append(Thread(target=self._try_out, name="citewire-trial", daemon=True))
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Accept no more files; return when the running batch is done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._holder.close()

    def leave(self) -> None:
        """Prepare for being killed: unmark the running batch, so that the next start does not blame its files."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            indexing = [known for known, work in self._work.items() if work.upload.state == "indexing"]
        self._holder.unmark(indexing)

    def _finish_deleting(self) -> None:
        files = list(_files(self.folder / "deleting"))
        names = {file.name for file in files}
        if dead := [path for path in self._corpus.paths() if _name_in(path) in names - self._kept.keys()]:
            try:
                with self._corpus.writing():
                    remove(self._corpus.where, dead)
            except BusyError as error:
                logger.warning("removed articles stay until the next start: %s", error.problem)
                return
        for file in files:
            file.unlink()

    def _take_up_waiting(self) -> None:
        """Take over the files of processes that have died; set aside each file that killed two processes."""
        for root in sorted((self.folder / "set-aside").glob("*")):
            if file := next(_files(root / PREFIX), None):
                self._work[root.name] = _Work(Upload(root.name, file.name, file.stat().st_size), Sender(), root)
                self._blame(self._work[root.name])
        waiting = sorted((self.folder / "waiting").glob("*"))
        if waiting:
            self._holder.arriving()  # locks a file to show that this process lives
        died = self._holder.interrupted()
        for root in waiting:
            known, _, process = root.name.partition("@")
            if self._holder.holds(process or known[: len(self._holder.name)]):
                continue  # another running server indexes it
            with suppress(FileNotFoundError):  # another starting process took it first
                self._take_up(root, known, died)
        self._holder.unmark(died.keys() - self._work.keys())

    def _take_up(self, root: Path, known: str, died: dict[str, bool]) -> None:
        """Take over one waiting file. Raises: FileNotFoundError."""
        mine = root.rename(root.with_name(f"{known}@{self._holder.name}"))
        file = next(_files(mine / PREFIX), None)
        if file is None:  # the process died between making the folder and moving the file there
            shutil.rmtree(mine)
            return
        upload = Upload(known, file.name, file.stat().st_size)
        work = self._work[known] = _Work(upload, Sender(), mine, "wanted" if known in died else "")
        if died.get(known):
            self._set_aside(work)
        elif known in died:
            upload.reason = "citewire ended while it was being indexed"
            upload.fix = "It is tried again, alone"

    def _set_aside(self, work: _Work) -> None:
        target = self.folder / "set-aside" / work.upload.id
        target.parent.mkdir(exist_ok=True)
        work.root = work.root.rename(target)
        sync(target.parent)
        sync(self.folder / "waiting")
        self._holder.unmark([work.upload.id])
        self._blame(work)
        logger.warning("an uploaded file was set aside: citewire died or hung while it was indexed: %s", target)

    def _blame(self, work: _Work) -> None:
        upload = work.upload
        upload.state, work.trial = "aside", ""
        upload.reason = "citewire ended or hung while it was being indexed, so it is not tried again"
        upload.fix = f"Save it in another format and add that; it lies in {self.folder.name}/set-aside/{upload.id}"

    def _try_out(self) -> None:
        """Try the files of batches at which processes died: first all together, then one by one if that fails."""
        with self._changed:
            wanted = [work for work in self._work.values() if work.trial == "wanted"]
        try:
            passed = self._survive(wanted)
            for work in wanted:
                survives = passed or self._survive([work])
                with self._changed:
                    if survives:
                        work.trial = "passed"
                        self._changed.notify_all()
                    else:
                        self._set_aside(work)
        except trial.StoppedError:
            return
        except OSError as error:  # no process can be started; the next start retries
            logger.warning("files that waited cannot be tried: %s", error)

    def _survive(self, wanted: Sequence[_Work]) -> bool:
        """Return whether a separate process survives indexing these files. Raises: StoppedError, OSError."""
        roots = [work.root for work in wanted]
        return trial.survives(roots, self._options, lambda: self._closed, trial.SECONDS)

    # queries

    def states(self) -> list[Upload]:
        """Return the files received or taken over since the start, oldest first."""
        with self._changed:
            return [work.upload for work in self._work.values()]

    def is_of(self, known: str, visitor: str) -> bool:
        """Return whether a visitor sent a file and can still cancel it.

        Args:
            known: id of the file.
            visitor: id of the browser, "" if unknown.
        """
        with self._changed:
            work = self._sent_by(visitor, known)
            return work is not None and work.open

    def _sent_by(self, visitor: str, known: str) -> _Work | None:
        work = self._work.get(known)
        return work if work and visitor and work.sender.visitor == visitor else None

    def file_of(self, path: str) -> str:
        """Return the name of the uploaded file of an article, "" if it was not uploaded."""
        name = _name_in(path)
        return name if name in self._kept else ""

    # receiving

    def refuse(self, name: str, length: int | None = None) -> None:
        """Check before the first byte whether a file must be refused.

        Args:
            name: as the browser names it.
            length: announced number of bytes, None if unknown.

        Raises:
            InputError: as `receive`.
        """
        with self._changed:
            if self._closed:
                raise InputError("citewire is closing", "Start it again, then upload the file")
            self._check_room("", _checked_name(name), length or 0)
        self._corpus.require_same()

    def receive(self, name: str, length: int | None = None, sender: Sender | None = None) -> Arrival:
        """Return a writer for the bytes of a file. Only received bytes count as used space, not the announced length.

        Args:
            name: the sender's name for it.
            length: its size in bytes, if known.
            sender: the sender, for the rate limit.

        Raises:
            UnknownFormatError: the suffix is not supported.
            TooLargeError: it is too long, or no space is left.
            TooManyError: the sender has reached a rate limit.
            InputError: the name cannot be used, the folder cannot be written, or the index is gone.
        """
        self.refuse(name, length)
        sender = sender or Sender()
        upload = Upload(self._holder.new_id(), _checked_name(name), 0)
        self._ledger.enter(sender)
        with self._changed:
            self._arriving[upload.id] = 0
        try:
            return Arrival(self, upload, sender, self._holder.arriving())
        except OSError as error:
            self._left(upload, sender)
            raise self._unwritable(error) from error

    def _check_room(self, known: str, name: str, size: int) -> None:
        """Raise TooLargeError if a file of `size` bytes is too large or does not fit into the space left."""
        if size > self.limit:
            raise TooLargeError(f"{name} has more than the {self.limit:,} bytes that are taken", "Split it")
        waiting = sum(work.upload.bytes for work in self._work.values() if work.upload.state in HELD)
        others = sum(self._arriving.values()) - self._arriving.get(known, 0)
        if sum(self._kept.values()) + waiting + others + size > self._room:
            problem = f"with {name} all uploaded files together would have more than {self._room:,} bytes"
            raise TooLargeError(problem, "Remove some articles, or raise max_uploads_bytes")

    def _grew(self, upload: Upload) -> None:
        """Count received bytes. Raises: TooLargeError."""
        with self._changed:
            self._check_room(upload.id, upload.name, upload.bytes)
            self._arriving[upload.id] = upload.bytes

    def _left(self, upload: Upload, sender: Sender) -> None:
        """Record that no more bytes will arrive."""
        with self._changed:
            self._arriving.pop(upload.id, None)
        self._ledger.leave(sender, upload.bytes)

    def _arrived(self, upload: Upload, sender: Sender, file: Path) -> None:
        """Move a complete file to `waiting`."""
        with self._changed:
            upload.name, upload.state = self._name_for(upload.name, file)
            root = self.folder / "waiting" / upload.id
            if upload.state == "known":
                upload.articles = sum(_name_in(path) == upload.name for path in self._corpus.paths())
                file.unlink()
            else:
                _move(file, root / upload.path)
            self._arriving.pop(upload.id, None)
            self._work[upload.id] = _Work(upload, sender, root)
            settled = [known for known, work in self._work.items() if work.upload.state not in HELD]
            for known in settled[:-REMEMBERED]:
                del self._work[known]
            self._changed.notify_all()

    def _name_for(self, name: str, file: Path) -> tuple[str, State]:
        """Return a free name for a file, or the name of an equal file with state "known"."""
        taken = {work.upload.name for work in self._work.values() if work.upload.state in HELD}
        there = {_name_in(path) for path in self._corpus.paths()}
        stem, suffix = Path(name).stem, Path(name).suffix
        number, candidate = 1, name
        while candidate in taken or candidate in there or candidate in self._kept:
            kept = self.folder / "articles" / PREFIX / candidate
            if candidate in self._kept and candidate not in taken and filecmp.cmp(kept, file, shallow=False):
                return candidate, "known" if candidate in there else "waiting"
            number += 1
            candidate = f"{stem} ({number}){suffix}"
        return candidate, "waiting"

    # cancelling

    def cancel(self, known: str, visitor: str) -> Upload:
        """Cancel a file that waits or is being indexed; nothing of it stays in the index.

        Args:
            known: its id.
            visitor: the id of the visitor who asks.

        Returns:
            The file; if it was being indexed, its state becomes "cancelled" later.

        Raises:
            UnknownUploadError: there is no such file, or another visitor sent it.
            SettledError: it was already indexed or refused.
        """
        with self._changed:
            work = self._sent_by(visitor, known)
            if work is None:
                raise UnknownUploadError(f"there is no file {known!r} of yours", "Choose one from the list")
            upload = work.upload
            if not work.open:
                raise SettledError(f"{upload.name} does not wait any more", "Remove its articles from the list instead")
            if upload.state == "indexing":
                work.cancelled, upload.stage, upload.total = True, "being taken back", 0
            else:
                self._drop(work)
                self._known.pop(work.sender, None)
            return replace(upload)

    def _drop(self, work: _Work) -> None:
        upload = work.upload
        shutil.rmtree(work.root, ignore_errors=True)
        self._holder.unmark([upload.id])
        upload.state, upload.reason, upload.fix = "cancelled", "", ""

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(f"{self.folder} cannot be written: {error.strerror}", "Free some space or allow writing it")

    # indexing

    def _run(self) -> None:
        while batch := self._next_batch():
            ids = [work.upload.id for work in batch]
            try:
                self._holder.mark(ids, alone=batch[0].trial == "passed")
                self._index(batch)
            except InterruptedWorkError:
                self._settle(batch, "waiting")
            except CitewireError as error:
                self._settle(batch, "failed", error.problem, error.fix)
            except OSError as error:
                unwritable = self._unwritable(error)
                self._settle(batch, "failed", unwritable.problem, unwritable.fix)
            except Exception:  # the outermost layer of this thread: nothing else would report it
                logger.exception("indexing uploaded files failed")
                self._settle(batch, "failed", "Indexing failed", "See the log, then start citewire again")
            self._holder.unmark(ids)
            if not any(work.upload.state == "waiting" for work in batch):  # else the vectors are reused
                self._known.pop(batch[0].sender, None)

    def _next_batch(self) -> list[_Work]:
        """Wait for files and return the next batch; [] after `close`."""
        with self._changed:
            while not self._closed:
                if waiting := self._ready():
                    batch = self._batch(waiting)
                    for work in batch:
                        work.upload.state = "indexing"
                    return batch
                self._changed.wait()
            return []

    def _ready(self) -> list[_Work]:
        """Return the waiting files that need no trial first."""
        return [work for work in self._work.values() if work.upload.state == "waiting" and work.trial != "wanted"]

    def _batch(self, waiting: Sequence[_Work]) -> list[_Work]:
        """Return files of the visitor whose turn it is; files that passed a trial come last, each in its own batch."""
        fresh = [work for work in waiting if not work.trial]
        first = self._turns.next_of(fresh or waiting, lambda work: work.sender)
        batch, size = [first], first.upload.bytes
        for work in fresh if not first.trial else ():
            if work.sender == first.sender and work is not first:
                size += work.upload.bytes
                if size > BATCH_BYTES or len(batch) == BATCH:
                    break
                batch.append(work)
        return batch

    def _index(self, batch: Sequence[_Work]) -> None:
        roots = [work.root for work in batch]
        sender = batch[0].sender

        def progress(stage: str, done: int, total: int) -> None:
            if stage in ("reading", "embedding"):  # later stages run after publishing
                self._stop_where_cancelled(batch)
            for work in batch:
                if not work.cancelled:
                    work.upload.stage, work.upload.done, work.upload.total = stage, done, total

        paced = Paced(
            self._embedder, self._known.setdefault(sender, {}), lambda fresh: self._go_on(batch, sender, fresh)
        )
        self._corpus.require_same()
        before = set(self._corpus.paths())
        rejected: Sequence[Rejected]
        notes: Sequence[Note] = ()
        try:
            with self._corpus.writing():
                built = build_index(roots, self._corpus.where, paced, progress, mirror=False, options=self._options)
                rejected, notes = built.rejected, built.notes
        except BusyError as error:
            self._settle(batch, "waiting", error.problem, error.fix)
            with self._changed:
                self._changed.wait_for(lambda: self._closed, timeout=BUSY_PAUSE_S)
            return
        except InputError as error:
            found = self._all_rejected(roots)
            if found is None:
                raise
            rejected = found
            logger.info("no article in %d uploaded files: %s", len(batch), error.problem)
        for work in batch:
            name = work.upload.name
            work.upload.notes = tuple(one.text for one in notes if _name_in(one.path) == name)[:LEFT_OUT_SHOWN]
            self._finish(work, before, [one for one in rejected if _name_in(one.name) == name])

    def _stop_where_cancelled(self, batch: Sequence[_Work]) -> None:
        if any(work.cancelled for work in batch):
            raise InterruptedWorkError

    def _go_on(self, batch: Sequence[_Work], sender: Sender, fresh: int) -> None:
        """Pause while a question is answered; then raise InterruptedWorkError if it is another visitor's turn."""
        until = time.monotonic() + GIVE_WAY_S
        while self._is_answering() and time.monotonic() < until:
            time.sleep(LOOK_S)
        self._stop_where_cancelled(batch)
        kept = sum(map(len, self._known.values()))
        with self._changed:
            others = any(work.sender != sender for work in self._ready())
        if others and fresh >= SLICE and kept <= KEPT_VECTORS:
            raise InterruptedWorkError

    def _settle(self, batch: Sequence[_Work], state: State, reason: str = "", fix: str = "") -> None:
        """Set the state of files that are being indexed; delete the cancelled ones."""
        with self._changed:
            for work in batch:
                if work.upload.state == "indexing" and work.cancelled:
                    self._drop(work)
                elif work.upload.state == "indexing":
                    work.upload.state, work.upload.reason, work.upload.fix = state, reason, fix

    def _all_rejected(self, roots: Sequence[Path]) -> list[Rejected] | None:
        """Return why each file below `roots` is rejected; None if one is readable, as then something else failed."""
        rejected: list[Rejected] = []
        for found in read_articles(roots, options=self._options):
            if not isinstance(found, Rejected):
                return None
            rejected.append(found)
        return rejected

    def _finish(self, work: _Work, before: set[str], rejected: Sequence[Rejected]) -> None:
        """Set the final state of a file; store it if the index has an article of it, else delete it."""
        upload = work.upload
        own = [path for path in self._corpus.paths() if _name_in(path) == upload.name]
        self._ledger.read(work.sender, len(own))
        with self._changed:
            work.sealed = not work.cancelled
        if work.cancelled:  # after its articles were published
            if own:
                with self._corpus.writing():
                    remove(self._corpus.where, own)
            self._settle([work], "cancelled")
            return
        left_out = (LeftOut(one.name.removeprefix(upload.path), one.reason, one.fix) for one in rejected)
        upload.left_out = (*upload.left_out, *left_out)[:LEFT_OUT_SHOWN]
        if own:
            _move(work.root / upload.path, self.folder / "articles" / upload.path)
        shutil.rmtree(work.root, ignore_errors=True)
        if not own:
            first = upload.left_out[0] if upload.left_out else LeftOut("", "holds no article", "Upload another file")
            self._settle([work], "rejected", first.reason, first.fix)
            return
        upload.articles = len(own)
        upload.copy_of = tuple(self._corpus.originals(own, before))
        with self._changed:
            self._kept[upload.name] = upload.bytes
        self._settle([work], "copy" if upload.copy_of and len(own) == 1 else "indexed")

    # deleting

    @contextmanager
    def deleting(self, names: Sequence[str]) -> Iterator[None]:
        """Delete files if the block, which removes their articles from the index, succeeds; else restore them."""
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
    """A file that is being received; leaving the `with` block without `finish` deletes it."""

    def __init__(self, uploads: Uploads, upload: Upload, sender: Sender, folder: Path) -> None:
        self._uploads, self._upload, self._sender = uploads, upload, sender
        self._file = folder / upload.id
        self._out: BinaryIO | None = self._file.open("xb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._out is not None:
            self._out.close()
            self._out = None
            self._file.unlink(missing_ok=True)
        self._uploads._left(self._upload, self._sender)

    def write(self, chunk: bytes) -> None:
        """Append the next bytes.

        Raises:
            TooLargeError: the file is too large, or no space is left.
            InputError: the disk cannot be written.
        """
        assert self._out is not None
        self._upload.bytes += len(chunk)
        self._uploads._grew(self._upload)
        try:
            self._out.write(chunk)
        except OSError as error:
            raise self._uploads._unwritable(error) from error

    def finish(self, left_out: Sequence[LeftOut] = ()) -> Upload:
        """Finish the file; return it as waiting or known, once it is safe from a power cut.

        Args:
            left_out: parts of its source that are not articles and thus not in it.

        Raises:
            InputError: the file is empty, or the disk cannot be written.
        """
        assert self._out is not None
        if not self._upload.bytes:
            raise InputError(f"{self._upload.name} is empty", "Add the text")
        self._upload.left_out = tuple(left_out[:LEFT_OUT_SHOWN])
        try:
            self._out.close()
            sync(self._file)
            self._uploads._arrived(self._upload, self._sender, self._file)
        except OSError as error:
            raise self._uploads._unwritable(error) from error
        self._out = None
        return self._upload


def folder_of(index: Path) -> Path:
    """Return the folder of an index's uploaded files."""
    return index.with_name(f"{index.name}-uploads")


def kept(index: Path) -> tuple[Path, ...]:
    """Return the folder of uploaded files as a further source for mirroring, () if there are none."""
    root = folder_of(index) / "articles"
    return (root,) if next(_files(root / PREFIX), None) else ()


def _limited(options: ReadOptions) -> ReadOptions:
    """Return the options with the lower limits of uploaded files."""
    limits = options.limits
    stricter = replace(
        limits,
        articles=min(limits.articles, MOST_ARTICLES),
        total_characters=min(limits.total_characters, MOST_CHARACTERS),
        total_seconds=min(limits.total_seconds, MOST_SECONDS),
    )
    return replace(options, limits=stricter)


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.glob("*")) if file.is_file())


def _name_in(path: str) -> str:
    """Return the file name in the path of an uploaded article, without the part in it; "" if it was not uploaded."""
    if not path.startswith(PREFIX):
        return ""
    return path.removeprefix(PREFIX).partition("#")[0].partition("/")[0]


def _move(file: Path, target: Path) -> None:
    """Move a file so that after a power cut it is in one of the two places. Raises: OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    file.replace(target)
    sync(target.parent)
    sync(target.parent.parent)
    sync(file.parent)


def _checked_name(name: str) -> str:
    """Return a cleaned file name that is valid for an article. Raises: InputError."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2].strip().replace("#", "_")
    if not last or escaped(last) != last:
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
