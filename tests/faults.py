"""Fault injection: kills, power cuts, full and broken disks, flipped bits, readers beside a writer.

    python tests/faults.py KIND [--scenario NAME] [--mutation NAME] [--every N] [--count N] [--seed N] [--stop]

prints the numbers of faults tried and survived, and the failures, as JSON. Without arguments, it reads JSON lists of
arguments from its input, a line each, and answers each one from a fork. Every fault is injected and checked in a fork,
so that neither a kill nor a crash in native code ends the run; therefore this runs in a process without threads. The
index is used like in a program; only the system calls below it are replaced.
"""

from __future__ import annotations

import argparse
import builtins
import contextlib
import dataclasses
import errno
import hashlib
import io
import itertools
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import faiss
import numpy as np
from embedders import HashedWordsEmbedder

from citewire.index import articles, build, disk, duplicates, formats, languages, maintenance, segment, writer
from citewire.index.documents import Document, Refused
from citewire.index.errors import CitewireError, IndexFormatError, InputError
from citewire.index.formats import Entered, Request
from citewire.index.manifest import Part, readable_manifests
from citewire.index.passages import embedded_text, passages
from citewire.index.sandbox import Sandbox
from citewire.index.segment import Entry
from citewire.index.store import Index
from citewire.index.types import Article
from citewire.index.writer import Writer

EMBEDDER = HashedWordsEmbedder(64)
MEMORY = Path("/dev/shm")  # a fast file system in memory: no test needs a real disk
PASSAGES = 2  # passages of each article
CHECKPOINT = 2 * PASSAGES  # replaces build.CHECKPOINT_PASSAGES

State = tuple[int, dict[str, str]]  # generation; path -> digest of everything stored of the article


@dataclass
class Tally:
    """The results of one kind of fault: `broken` names the fault and the finding of each failure."""

    tried: int = 0
    survived: int = 0
    broken: list[str] = field(default_factory=list)

    def add(self, what: str, found: str) -> None:
        """Count a fault; `found` is "" if it was survived."""
        self.tried += 1
        if found:
            self.broken.append(f"{what}: {found}")
        else:
            self.survived += 1


# -- contents of an index ------------------------------------------------------------------------------------


def article(name: str, version: int = 0) -> Article:
    """An article of two passages."""
    text = f"The vote of {name} in Peru was number {version}. " + f"Many miners of {name} left Lima today. " * 20
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return Article(f"{name}.txt", text, sha256, title=name, outlet="Andina", source=sha256)


def entry(of: Article) -> Entry:
    pieces = passages(of)
    return Entry(of, b"signature", pieces, EMBEDDER.embed([embedded_text(of, piece) for piece in pieces]))


def put(folder: Path, *added: Article) -> int:
    """Publish a generation in which these articles are added, or replace those with the same paths."""
    with Writer(folder) as writer, writer.view(EMBEDDER) as view:
        paths = {a.path for a in added}
        dead: dict[str, set[int]] = {}
        for path, place in view.identities():
            if path in paths:
                dead.setdefault(place.segment, set()).add(place.number)
        current = writer.current(EMBEDDER)
        if not {p.info.name for p in current} <= {p.info.name for p in view.parts}:
            raise IndexFormatError("a segment cannot be read", "Repair it")  # its articles cannot be marked as dead
        parts = [Part(p.info, p.dead | dead.get(p.info.name, set())) for p in current]
        with writer.segment(EMBEDDER) as new:
            for one in added:
                new.add(entry(one))
            parts.append(Part(new.finish()))
        return writer.publish(parts, embedder=EMBEDDER.fingerprint)


def contents(folder: Path) -> State | None:
    """Return everything that the index holds, None if there is none. Raises an error if it is damaged."""
    try:
        opened = Index.open(folder, EMBEDDER)
    except InputError as error:
        if error.problem.startswith("there is no index"):
            return None
        raise
    with opened as index:
        found: dict[str, str] = {}
        for e in index.entries():
            assert e.article.path not in found, f"{e.article.path} is there twice"
            # A group is named after its first article, or after another one if that cannot be read.
            stored = (
                repr((dataclasses.replace(e.article, group=""), e.signature, list(e.passages))).encode()
                + np.asarray(e.vectors).tobytes()
            )
            found[e.article.path] = hashlib.sha256(stored).hexdigest()
            for vector in e.vectors:
                assert index.search_dense(vector, 1)[0][1] > 0.999, f"{e.article.path} is not found by its vector"
        assert sorted(found) == [summary.path for summary in index.articles()], "the list of articles differs"
        rows = [row for row, _ in index.search_bm25(["peru"], index.rows)]
        assert {p.article for p in index.fetch(rows)} == set(found), "BM25 does not find every article"
        return index.generation, found


def leftovers(folder: Path) -> list[str]:
    """Return the files and folders that neither the current nor the previous generation needs."""
    manifests = list(readable_manifests(folder))
    needed = {"CURRENT", "LOCK", "manifests", "segments"}
    for manifest in manifests[: writer.KEPT_GENERATIONS]:
        needed |= {
            f"manifests/{file.name}" for file in (folder / "manifests").glob(f"{manifest.generation:010d}-*.json")
        }
        for part in manifest.parts:
            place = f"segments/{part.info.name}"
            needed |= {place, f"{place}/segment.json", *(f"{place}/{name}" for name in part.info.files)}
    found = {file.relative_to(folder).as_posix() for file in folder.rglob("*")}
    return sorted(found - needed) + [f"{name} is missing" for name in sorted(needed - found)]


# -- scenarios -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scenario:
    """Writes to an index: `prepare` makes the starting point, and faults are injected into `work`.

    `again` does what a user does next, and returns what the index must hold then.
    """

    prepare: Callable[[Path], object]
    work: Callable[[Path], object]
    again: Callable[[Path, State | None, State], dict[str, str]]


def _news(folder: Path) -> Path:
    return folder.parent.parent / "news"


def _build(folder: Path) -> int:
    """Index the news with a checkpoint every `CHECKPOINT` passages; return the number of embedded passages."""
    with patch.object(build, "CHECKPOINT_PASSAGES", CHECKPOINT), patch.object(articles, "Sandbox", _ReaderInProcess):
        return build.build_index([_news(folder)], folder, EMBEDDER).embedded


class _ReaderInProcess(Sandbox):
    """Reads files without a child process, which takes a second to start; faults only concern the index."""

    def read(self, data: bytes, request: Request) -> Iterator[Document | Refused]:
        for found in formats.read(data, replace(request, limits=self.limits)):
            if not isinstance(found, Entered):
                yield found


def _write_news(folder: Path, names: str, version: int = 0) -> None:
    _news(folder).mkdir(exist_ok=True)
    for name in names:
        (_news(folder) / f"{name}.txt").write_text(article(name, version).text)


def _prepare_build(folder: Path) -> None:
    _write_news(folder, "abcd")
    _build(folder)
    _write_news(folder, "bcefghi", 1)
    (_news(folder) / "d.txt").unlink()


def _put_another(folder: Path, found: State | None, after: State) -> dict[str, str]:
    """Publish one more article; nothing else may change."""
    del after
    put(folder, article("later"))
    state = contents(folder)
    assert state is not None
    return {**(found[1] if found else {}), "later.txt": state[1]["later.txt"]}


def _build_again(folder: Path, found: State | None, after: State) -> dict[str, str]:
    del found
    _build(folder)
    return after[1]


def _remove(folder: Path) -> None:
    maintenance.remove(folder, ["a.txt"])


def _prepare_merge(folder: Path) -> None:
    put(folder, article("a"))
    put(folder, article("b"))
    put(folder, article("c"), article("a", 1))


SCENARIOS = {
    "first": Scenario(lambda folder: None, lambda folder: put(folder, article("a"), article("b")), _put_another),
    "extend": Scenario(
        lambda folder: put(folder, *map(article, "abcde")),
        lambda folder: put(folder, article("a", 1), article("f")),
        _put_another,
    ),
    "merge": Scenario(_prepare_merge, lambda folder: put(folder, article("d")), _put_another),
    "remove": Scenario(lambda folder: put(folder, *map(article, "abc")), _remove, _put_another),
    "build": Scenario(_prepare_build, _build, _build_again),
}


@dataclass(frozen=True)
class Prepared:
    """A scenario with its starting point on disk, and the index's contents before and after `work` without faults."""

    scenario: Scenario
    base: Path
    before: State | None
    after: State

    def fresh(self) -> Path:
        """Return the folder of a new copy of the starting point; the copy before is deleted."""
        place = self.base / "struck"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        if (self.base / "start" / "index").exists():
            shutil.copytree(self.base / "start" / "index", place / "index")
        return place / "index"


def _warm() -> None:
    """Import and load what `build` loads lazily, so that no fork has to."""
    list(_ReaderInProcess().read(b"Warm.", Request(".txt", "a.txt")))
    duplicates.Grouper(()).group("a.txt", duplicates.signature("Warm."))
    languages._model()


@contextmanager
def prepared(name: str) -> Iterator[Prepared]:
    """Prepare a scenario in a temporary folder."""
    scenario = SCENARIOS[name]
    if name == "build":
        _warm()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as temporary:
        base = Path(temporary).resolve()
        start = base / "start" / "index"
        start.parent.mkdir()
        must_end(lambda: scenario.prepare(start))
        before = must_end(lambda: contents(start))
        made = Prepared(scenario, base, tuple(before) if before else None, (0, {}))
        folder = made.fresh()
        must_end(lambda: scenario.work(folder))
        yield Prepared(scenario, base, made.before, tuple(must_end(lambda: contents(folder))))


# -- processes -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """How a fork ended: "ended" with a value, "refused" with a CitewireError, "crashed", or "killed"."""

    how: str
    value: Any


def begin(function: Callable[[], Any]) -> tuple[int, int]:
    """Call a function in a fork; return its process id and a pipe that will give its value, which must be JSON."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        result: tuple[str, Any] = ("crashed", "")
        try:
            result = ("ended", function())
        except CitewireError as error:
            result = ("refused", f"{type(error).__name__}: {error}")
        except BaseException:  # noqa: BLE001 - told to the parent
            result = ("crashed", traceback.format_exc()[-4000:])
        finally:
            os.write(writing, json.dumps(result).encode())
            os.kill(os.getpid(), signal.SIGKILL)  # skips the parent's exit handlers
    os.close(writing)
    return pid, reading


def end(begun: tuple[int, int]) -> Outcome:
    """Wait for a fork; return how it ended."""
    pid, reading = begun
    with open(reading, "rb") as stream:  # noqa: PTH123 - a descriptor
        told = stream.read()
    os.waitpid(pid, 0)
    return Outcome(*json.loads(told)) if told else Outcome("killed", None)


def in_child(function: Callable[[], Any]) -> Outcome:
    """Call a function in a fork; its value must be JSON."""
    return end(begin(function))


def must_end(function: Callable[[], Any]) -> Any:
    """Return the value of a function that must not fail, from a fork."""
    outcome = in_child(function)
    assert outcome.how == "ended", outcome
    return outcome.value


# -- steps ---------------------------------------------------------------------------------------------------

_WRITES = ("fsync", "replace", "rename", "mkdir", "unlink", "rmdir")
_READS = ("listdir", "scandir", "stat", "open")
Strike = Callable[[str, str], None]  # (kind: "write", "data" or "read"; name of the call); called before it


def _concerns(argument: Any, root: Path) -> bool:
    """Whether a call concerns something below `root`; descriptors, and names relative to one, are assumed to."""
    if isinstance(argument, (str, os.PathLike)):
        name = str(os.fspath(argument))
        return not name.startswith("/") or name.startswith(str(root))
    return True


def _connection(before: Strike) -> type[sqlite3.Connection]:
    class Connection(sqlite3.Connection):
        def execute(self, *arguments: Any) -> sqlite3.Cursor:
            before("data", "sqlite execute")
            return super().execute(*arguments)

        def executescript(self, *arguments: Any) -> sqlite3.Cursor:
            before("write", "sqlite executescript")
            return super().executescript(*arguments)

        def commit(self) -> None:
            before("write", "sqlite commit")
            super().commit()

    return Connection


def _announced(write_index: Callable[..., None], before: Strike) -> Callable[..., None]:
    def write(*arguments: Any) -> None:
        before("write", "faiss")
        write_index(*arguments)

    return write


@contextmanager
def steps(
    root: Path, before: Strike, after: Callable[[str, Any], None] = lambda name, argument: None
) -> Iterator[None]:
    """Call `before` ahead of each system call that reads or writes below `root`, and `after` after each write."""

    def wrapped(original: Any, kind: str, name: str) -> Any:
        def call(argument: Any = ".", *others: Any, **options: Any) -> Any:
            if not _concerns(argument, root):
                return original(argument, *others, **options)
            before(kind, name)
            result = original(argument, *others, **options)
            if kind == "write":
                after(name, argument)
            return result

        return call

    def opened(argument: Any, mode: str = "r", *others: Any, **options: Any) -> Any:
        writes = bool(set(mode) & set("wax+"))
        if not _concerns(argument, root) or isinstance(argument, int):
            return real_open(argument, mode, *others, **options)
        before("write" if writes else "read", f"open {mode}")
        stream = real_open(argument, mode, *others, **options)
        if writes:
            after("open", argument)
            try:
                before("write", f"opened {mode}")  # the file is open and still empty
            except BaseException:
                stream.close()
                raise
        return stream

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        before("write", "sqlite connect")
        return real_connect(*arguments, factory=_connection(before), **options)

    real_open, real_connect = io.open, sqlite3.connect
    with ExitStack() as stack:
        for name in (*_WRITES, *_READS):
            kind = "write" if name in _WRITES else "read"
            stack.enter_context(patch.object(os, name, wrapped(getattr(os, name), kind, name)))
        for module in (io, builtins):
            stack.enter_context(patch.object(module, "open", opened))
        stack.enter_context(patch.object(sqlite3, "connect", connect))
        stack.enter_context(patch.object(faiss, "write_index", _announced(faiss.write_index, before)))
        yield


# -- mutations: what the tests must notice --------------------------------------------------------------------


def _syncing(wanted: Callable[[Path], bool]) -> AbstractContextManager[object]:
    stack = ExitStack()
    for module in (disk, segment, writer):
        real = module.sync
        stack.enter_context(
            patch.object(module, "sync", lambda path, _real=real: _real(path) if wanted(Path(path)) else None)
        )
    return stack


def _replacing_in_place() -> AbstractContextManager[object]:
    def replace(self: Path, target: Path) -> Path:
        Path(target).write_bytes(self.read_bytes())
        self.unlink()
        return Path(target)

    return patch.object(Path, "replace", replace)


def _current_first() -> AbstractContextManager[object]:
    def publish(self: Writer, parts: Sequence[Part], embedder: str, chunker: str) -> int:
        waiting: list[tuple[Path, bytes]] = []
        with patch.object(writer, "replace", lambda file, data: waiting.append((file, data))):
            generation = real(self, parts, embedder, chunker)
        for file, data in reversed(waiting):
            disk.replace(file, data)
        return generation

    real = Writer._publish
    return patch.object(Writer, "_publish", publish)


MUTATIONS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "none": contextlib.nullcontext,
    "no sync": lambda: _syncing(lambda path: False),
    "no sync of files": lambda: _syncing(Path.is_dir),
    "no sync of folders": lambda: _syncing(Path.is_file),
    "replaced in place": _replacing_in_place,
    "CURRENT first": _current_first,
}


# -- checking ------------------------------------------------------------------------------------------------


def check(made: Prepared, folder: Path, *, finished: bool) -> str:
    """Return what is wrong with an index after a fault, "" if it is intact and the next run works.

    Intact means that it holds what it held before or after the scenario's work; if `finished`, what it held after.
    """

    def look() -> None:
        found = contents(folder)
        new = found is not None and found[1] == made.after[1] and found[0] > (made.before[0] if made.before else 0)
        old = found == made.before
        assert new or (old and not finished), f"neither {made.before} nor {made.after}: {found}"
        expected = made.scenario.again(folder, found, made.after)
        state = contents(folder)
        assert state is not None
        assert state[1] == expected, "the next run left something else"
        assert leftovers(folder) == []

    outcome = in_child(look)
    return "" if outcome.how == "ended" else f"{outcome.how}: {outcome.value}"


# -- kill -9 -------------------------------------------------------------------------------------------------


def kill(name: str, mutation: str = "none", every: int = 1, *, stop: bool = False) -> Tally:
    """Kill a process before each of its writing calls in turn, or before every n-th."""
    tally = Tally()
    with prepared(name) as made:
        for at in itertools.count(every, every):
            folder = made.fresh()
            calls: list[str] = []

            def strike(kind: str, call: str, calls: list[str] = calls, at: int = at) -> None:
                if kind == "write":
                    calls.append(call)
                    if len(calls) == at:
                        os.kill(os.getpid(), signal.SIGKILL)

            def work(folder: Path = folder, strike: Strike = strike) -> None:
                with MUTATIONS[mutation](), steps(folder.parent, strike):
                    made.scenario.work(folder)

            outcome = in_child(work)
            if outcome.how == "ended":
                return tally
            assert outcome.how == "killed", outcome
            tally.add(f"kill at call {at}", check(made, folder, finished=False))
            if tally.broken and stop:
                return tally
    raise AssertionError


# -- a full or broken disk -----------------------------------------------------------------------------------


def fail(name: str, number: int, every: int = 1, *, lasting: bool) -> Tally:
    """Let each call in turn, or every n-th, fail with error `number`; if `lasting`, all later writes fail, too."""
    tally = Tally()
    text = {errno.ENOSPC: "database or disk is full", errno.EIO: "disk I/O error"}[number]
    with prepared(name) as made:
        for at in itertools.count(every, every):
            folder = made.fresh()
            struck: list[str] = []
            count = itertools.count(1)

            def strike(
                kind: str, call: str, struck: list[str] = struck, count: Iterator[int] = count, at: int = at
            ) -> None:
                if number == errno.ENOSPC and (kind == "read" or call in ("unlink", "rmdir")):
                    return
                n = next(count)
                if n == at or (lasting and n > at and kind != "read"):
                    struck.append(call)
                    if call.startswith("sqlite"):
                        raise sqlite3.OperationalError(text)
                    raise OSError(number, os.strerror(number))

            def work(folder: Path = folder, strike: Strike = strike, struck: list[str] = struck) -> list[str]:
                try:
                    with steps(folder.parent, strike):
                        made.scenario.work(folder)
                except InputError as error:
                    assert os.strerror(number) in str(error) or text in str(error), f"no reason: {error}"  # noqa: PT017
                    raise
                return struck

            outcome = in_child(work)
            if outcome.how == "ended" and not outcome.value:
                return tally
            what = f"{errno.errorcode[number]} at call {at}"
            if outcome.how in ("ended", "refused"):
                tally.add(what, check(made, folder, finished=outcome.how == "ended"))
            else:
                tally.add(what, f"{outcome.how}: {outcome.value}")
    raise AssertionError


def limit(name: str, count: int, seed: int) -> Tally:
    """Limit the size of files to various values by the system, which also affects SQLite and FAISS."""
    tally = Tally()
    chance = random.Random(seed)
    with prepared(name) as made:
        folder = made.fresh()
        must_end(lambda: made.scenario.work(folder))
        sizes = sorted({file.stat().st_size for file in folder.rglob("*") if file.is_file()})
        edges = [size - 1 for size in sizes if size]
        chosen = [
            *chance.sample(edges, min(len(edges), count // 2)),
            *(chance.randrange(sizes[-1]) for _ in range(count)),
        ]
        for size in sorted(chosen[:count]):
            folder = made.fresh()

            def work(folder: Path = folder, size: int = size) -> None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # silences FAISS
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
                made.scenario.work(folder)

            outcome = in_child(work)
            if outcome.how in ("ended", "refused"):
                tally.add(f"files of at most {size} bytes", check(made, folder, finished=outcome.how == "ended"))
            else:
                tally.add(f"files of at most {size} bytes", f"{outcome.how}: {outcome.value}")
    return tally


def tiny_disk(name: str, count: int, seed: int) -> Tally:
    """Mount a real disk and fill it up to a few bytes; tries nothing if mounting is not allowed."""
    tally = Tally()
    with prepared(name) as made:
        place = made.base / "disk"
        place.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(place)], check=False)
        if mounted.returncode:
            return tally
        try:
            for number in range(count):
                free = random.Random(f"{name} {seed} {number}").randrange(80) * 4096
                for old in place.iterdir():
                    shutil.rmtree(old) if old.is_dir() else old.unlink()
                if (made.base / "start" / "index").exists():
                    shutil.copytree(made.base / "start" / "index", place / "index")
                with (place / "filler").open("wb") as filler:
                    space = os.statvfs(place)
                    os.posix_fallocate(filler.fileno(), 0, space.f_bavail * space.f_bsize - free)
                outcome = in_child(lambda: made.scenario.work(place / "index"))
                (place / "filler").unlink()
                if outcome.how in ("ended", "refused"):
                    found = check(made, place / "index", finished=outcome.how == "ended")
                else:
                    found = f"{outcome.how}: {outcome.value}"
                tally.add(f"{free} bytes free", found)
        finally:
            subprocess.run(["umount", str(place)], check=True)
    return tally


# -- power cuts ----------------------------------------------------------------------------------------------


@dataclass
class Recording:
    """Records the state of the tree after every call (a moment), and when each file or folder was synced.

    Files and folders are identified by inode; open descriptors keep the inodes from being reused.
    """

    root: Path
    folders: list[dict[int, dict[str, int]]] = field(default_factory=list)  # per moment: inode -> name -> inode
    files: list[dict[int, bytes]] = field(default_factory=list)  # per moment: inode -> content
    synced: list[tuple[int, int]] = field(default_factory=list)  # (moment, inode)
    held: dict[int, int] = field(default_factory=dict)  # inode -> descriptor
    busy: bool = False

    def note(self) -> None:
        """Record the current tree."""
        if self.busy:
            return
        self.busy = True
        folders: dict[int, dict[str, int]] = {}
        files = dict(self.files[-1]) if self.files else {}
        waiting = [(self.root, self._hold(self.root))]
        while waiting:
            folder, inode = waiting.pop()
            folders[inode] = {}
            for item in os.scandir(folder):
                folders[inode][item.name] = found = self._hold(Path(item.path))
                if item.is_dir():
                    waiting.append((Path(item.path), found))
                else:
                    size = os.fstat(self.held[found]).st_size
                    data = os.pread(self.held[found], size, 0)
                    files[found] = files[found] if files.get(found) == data else data
        self.folders.append(folders)
        self.files.append(files)
        self.busy = False

    def sync(self, name: str, argument: Any) -> None:
        """Record the tree after a call, and which inode an fsync synced."""
        if self.busy:
            return
        self.note()
        if name == "fsync":
            self.synced.append((len(self.folders) - 1, os.fstat(argument).st_ino))

    def _hold(self, path: Path) -> int:
        inode = path.stat().st_ino
        if inode not in self.held:
            self.held[inode] = os.open(path, os.O_RDONLY)
        return inode

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record the calls of the `with` block."""
        self.note()
        with steps(self.root, lambda kind, name: self.note() if kind == "write" else None, self.sync):
            yield
        self.note()

    def after_power_cut(self, moment: int, chance: random.Random, place: Path) -> None:
        """Write to `place` one possible state of the disk after a power cut at a moment.

        Synced data is there. Of later changes of names in a folder, any first few are there; of later changes of a
        file's content, any part.
        """
        eager = chance.choice((0.0, 0.5, 1.0))  # how soon this disk writes names: never, at random, at once
        root = self.root.stat().st_ino
        waiting = [(root, place)]
        while waiting:
            inode, target = waiting.pop()
            target.mkdir(exist_ok=True)
            for name, child in self._names(inode, moment, chance, eager).items():
                if any(child in folders for folders in self.folders[: moment + 1]):
                    waiting.append((child, target / name))
                else:
                    (target / name).write_bytes(self._content(child, moment, chance))

    def _last_sync(self, inode: int, moment: int) -> int:
        return max((when for when, what in self.synced if what == inode and when <= moment), default=-1)

    def _names(self, inode: int, moment: int, chance: random.Random, eager: float) -> dict[str, int]:
        """Return the entries of a folder at some moment between its last sync and `moment`."""
        first = next(i for i, folders in enumerate(self.folders) if inode in folders)
        durable = self._last_sync(inode, moment)
        names = self.folders[0].get(inode, {}) if durable < 0 else self.folders[durable].get(inode, {})
        past = [folders[inode] for folders in self.folders[max(durable, first) : moment + 1] if inode in folders]
        versions = [names, *(version for version in past if version != names)]
        if eager == 1.0:
            return versions[-1]
        return versions[0] if eager == 0.0 else chance.choice(versions)

    def _content(self, inode: int, moment: int, chance: random.Random) -> bytes:
        now = self.files[moment].get(inode, b"")
        durable = self._last_sync(inode, moment)
        was = self.files[max(durable, 0)].get(inode, b"")
        if now == was:
            return now
        length = chance.randrange(len(now) + 1)
        choices = [
            was,
            now,
            now[:length],
            now[:length] + bytes(len(now) - length),
            now[:length] + was[length:],
            was[:length] + now[length:],
        ]
        return chance.choice(choices)


def power(name: str, count: int, seed: int, mutation: str = "none", *, stop: bool = False) -> Tally:
    """Cut the power at random moments, and check a possible state of the disk."""
    tally = Tally()
    with prepared(name) as made:
        folder = made.fresh()
        record = Recording(folder.parent)
        with MUTATIONS[mutation](), record.recording():
            made.scenario.work(folder)
        last = len(record.folders) - 1
        for number in range(count):
            chance = random.Random(f"{name} {seed} {number}")
            moment = last if number % 10 == 0 else chance.randrange(last + 1)
            place = made.base / "cut"
            shutil.rmtree(place, ignore_errors=True)
            record.after_power_cut(moment, chance, place)
            found = check(made, place / "index", finished=moment == last)
            tally.add(f"power cut {number} at moment {moment} of {last}", found)
            if tally.broken and stop:
                break
        for descriptor in record.held.values():
            os.close(descriptor)
    return tally


# -- interrupted builds --------------------------------------------------------------------------------------


def resume(how: str) -> Tally:
    """Stop a first build by a signal at each batch in turn; the next one may embed only unfinished passages."""
    tally = Tally()
    with prepared("build") as made:
        _write_news(made.fresh(), "abcdefghij", 2)
        whole = made.base / "whole" / "index"
        whole.parent.mkdir()
        total = must_end(lambda: _build(whole))
        expected = tuple(must_end(lambda: contents(whole)))
        for at in range(1, total // CHECKPOINT + 1):
            folder = made.fresh()
            shutil.rmtree(folder)

            def embed(texts: Sequence[str], at: int = at, calls: Iterator[int] = itertools.count(1)) -> Any:  # noqa: B008
                if next(calls) == at:
                    os.kill(os.getpid(), getattr(signal, how))
                    time.sleep(60)
                return HashedWordsEmbedder.embed(EMBEDDER, texts)

            def work(folder: Path = folder, embed: Any = embed) -> None:
                signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a shell ignore it
                with patch.object(EMBEDDER, "embed", embed):
                    _build(folder)

            def look(folder: Path = folder, at: int = at) -> None:
                assert contents(folder) is None
                assert _build(folder) == total - CHECKPOINT * (at - 1), "embedded again what was finished"
                state = contents(folder)
                assert state is not None
                assert state[1] == expected[1], "differs from a build without interruption"
                assert leftovers(folder) == []

            outcome = in_child(work)
            stopped = outcome.how == "killed" or "KeyboardInterrupt" in str(outcome.value)
            found = in_child(look) if stopped else outcome
            tally.add(f"{how} at batch {at}", "" if stopped and found.how == "ended" else str(found))
    return tally


# -- damaged files -------------------------------------------------------------------------------------------

FILES = ("CURRENT", "manifest", "segment.json", "vectors.faiss", "passages.db")


def _prepare_two(folder: Path) -> None:
    """Make two generations; the second one has two segments."""
    shutil.rmtree(_news(folder), ignore_errors=True)
    _write_news(folder, "abcd")
    with patch.object(writer, "MERGED_AT_ONCE", 9):
        _build(folder)
        _write_news(folder, "ef")
        _build(folder)


def _damage(file: Path, chance: random.Random) -> str:
    data = bytearray(file.read_bytes())
    how = chance.choice(("bit", "bit", "bit", "bit", "cut", "gone"))
    at = chance.randrange(len(data))
    if how == "gone":
        file.unlink()
    else:
        data[at] ^= 1 << chance.randrange(8)
        file.write_bytes(data if how == "bit" else data[:at])
    return f"{how} at {at}"


def _look_at_damage(folder: Path, file: Path, full: dict[str, str]) -> None:
    """Check that `verify` finds the damage, and that `repair` reports exactly the articles that are lost."""
    try:
        problems = maintenance.verify(folder).problems
    except InputError as error:  # CURRENT is missing
        problems = (error.problem,)
    assert file.name == "CURRENT" or any(file.name in problem for problem in problems), f"not found: {problems}"
    assert problems, "not found"
    if file.name != "segment.json":
        try:
            Index.open(folder, EMBEDDER).close()
        except (IndexFormatError, InputError):
            pass
        else:
            raise AssertionError("was opened")
    done = maintenance.repair(folder)
    assert done.problems == problems
    state = contents(folder)
    assert state is not None
    assert state[0] == done.generation
    assert len(state[1]) == done.articles
    assert not maintenance.verify(folder).problems
    gone = {path for path, digest in full.items() if state[1].get(path) != digest}
    assert set(state[1]) <= set(full)
    assert done.lost_count == len(gone), f"{gone} are lost, repair says {done}"
    assert set(done.lost) <= gone
    assert file.name == "passages.db" or set(done.lost) == gone, f"{gone} are lost, repair says {done}"
    embedded = _build(folder)
    in_segment = file.name in ("vectors.faiss", "passages.db")
    assert embedded == (PASSAGES * len(gone) if in_segment else 0), f"embedded {embedded} for {gone}"
    state = contents(folder)
    assert state is not None
    assert state[1] == full, "not all is back"
    assert leftovers(folder) == []


def flip(kind: str, count: int, seed: int) -> Tally:
    """Flip a bit in a file of the newest generation, truncate the file, or remove it."""
    tally = Tally()
    with prepared("build") as made:
        start = made.base / "start" / "index"
        shutil.rmtree(start)
        must_end(lambda: _prepare_two(start))
        full = must_end(lambda: contents(start))[1]
        for number in range(count):
            chance = random.Random(f"{kind} {seed} {number}")
            folder = made.fresh()
            current = json.loads((folder / "CURRENT").read_text())["manifest"]
            places = {"CURRENT": [folder / "CURRENT"], "manifest": [folder / "manifests" / current]}
            file = chance.choice(places.get(kind) or sorted((folder / "segments").glob(f"*/{kind}")))
            what = f"{file.relative_to(folder)} {_damage(file, chance)}"
            outcome = in_child(lambda folder=folder, file=file: _look_at_damage(folder, file, full))  # type: ignore[misc]
            tally.add(what, "" if outcome.how == "ended" else f"{outcome.how}: {outcome.value}")
    return tally


def kill_repair() -> Tally:
    """Kill `repair` before each of its writing calls; the next `repair` must complete the work."""
    tally = Tally()
    with prepared("extend") as made:
        start = made.base / "start" / "index"
        must_end(lambda: put(start, article("z")))
        newest = max((start / "segments").iterdir(), key=lambda segment: segment.stat().st_mtime_ns)
        _flip_first_byte(newest / "vectors.faiss")
        for at in itertools.count(1):
            folder = made.fresh()
            calls = itertools.count(1)

            def strike(kind: str, call: str, calls: Iterator[int] = calls, at: int = at) -> None:
                if kind == "write" and next(calls) == at:
                    os.kill(os.getpid(), signal.SIGKILL)

            def work(folder: Path = folder, strike: Strike = strike) -> None:
                with steps(folder.parent, strike):
                    maintenance.repair(folder)

            def look(folder: Path = folder) -> None:
                maintenance.repair(folder)
                state = contents(folder)
                assert state is not None
                assert made.before is not None
                assert state[1] == made.before[1], "not what the last whole generation held"
                put(folder, article("later"))
                assert leftovers(folder) == []

            if in_child(work).how == "ended":
                return tally
            outcome = in_child(look)
            tally.add(f"repair killed at call {at}", "" if outcome.how == "ended" else str(outcome))
    raise AssertionError


def _flip_first_byte(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.write_bytes(data)


# -- several processes ---------------------------------------------------------------------------------------


def lock(count: int) -> Tally:
    """A second writer is refused while the first one lives, and accepted after it was killed."""
    tally = Tally()
    with prepared("extend") as made:
        for number in range(count):
            folder = made.fresh()
            reading, writing = os.pipe()
            pid = os.fork()
            if pid == 0:
                with Writer(folder) as writer, writer.segment(EMBEDDER) as new:
                    new.add(entry(article("half")))
                    os.write(writing, b"!")
                    time.sleep(600)
            os.read(reading, 1)
            second = in_child(lambda folder=folder: put(folder, article("z")))  # type: ignore[misc]
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(reading)
            os.close(writing)
            refused = second.how == "refused" and "another process is writing" in second.value
            found = check(made, folder, finished=False)
            tally.add(f"second writer {number}", found if refused else f"not refused: {second}")
    return tally


def _publish_versions(folder: Path, count: int) -> None:
    """Publish versions that each replace a and b and add an article, all with the version's number."""
    for version in range(1, count + 1):
        put(folder, article("a", version), article("b", version), article(f"extra{version}", version))


def _read_version(index: Index) -> int:
    """Return the version that an index holds. Raises: AssertionError: it mixes versions."""
    first = index.article("a.txt")
    version = int(first.text.split(". ")[0].rpartition(" ")[2])
    assert index.article("b.txt") == article("b", version), "a mixture"
    names = {summary.path for summary in index.articles()}
    assert names == {"a.txt", "b.txt", *(f"extra{n}.txt" for n in range(1, version + 1))}, "a mixture"
    vector = entry(first).vectors[0]
    rows = [row for row, _ in index.search_dense(vector, 4)]
    assert "a.txt" in {passage.article for passage in index.fetch(rows)}
    assert len(index.search_bm25(["peru"], index.rows)) == len(names)
    return version


def _read_until(folder: Path, over: Path, seed: int) -> int:
    """Open and search the index until the file `over` appears; return how often."""
    last = opened = 0
    chance = random.Random(seed)
    while not over.exists():
        with Index.open(folder, EMBEDDER) as index:
            assert index.generation >= last, f"generation {index.generation} after {last}"
            last = index.generation
            version = _read_version(index)
            if chance.random() < 0.2:
                time.sleep(0.1)  # meanwhile the files of this generation are removed
                assert _read_version(index) == version, "an open index changed"
        opened += 1
    return opened


def _read_in_threads(folder: Path, over: Path, seed: int) -> int:
    found: list[int] = []
    wrong: list[str] = []

    def run(number: int) -> None:
        try:
            found.append(_read_until(folder, over, number))
        except (CitewireError, AssertionError, OSError, LookupError, sqlite3.Error, RuntimeError):
            wrong.append(traceback.format_exc())

    threads = [threading.Thread(target=run, args=(10 * seed + n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong
    return sum(found)


def readers(publications: int) -> Tally:
    """Open and search an index in threads of two processes while a third publishes."""
    tally = Tally()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as temporary:
        folder, over = Path(temporary) / "index", Path(temporary) / "over"
        must_end(lambda: put(folder, article("a"), article("b")))
        begun = [begin(lambda n=n: _read_in_threads(folder, over, n)) for n in range(2)]  # type: ignore[misc]
        writer = in_child(lambda: _publish_versions(folder, publications))
        over.touch()
        outcomes = [end(one) for one in begun]
        assert writer.how == "ended", writer
        for outcome in outcomes:
            if outcome.how == "ended":
                tally.tried += outcome.value
                tally.survived += outcome.value
            else:
                tally.add("reader", str(outcome))
    return tally


# -- the program ---------------------------------------------------------------------------------------------


def run(arguments: Sequence[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind")
    parser.add_argument("--scenario", default="extend", help=f"one of {sorted(SCENARIOS)}, for damage one of {FILES}")
    parser.add_argument("--mutation", default="none", choices=sorted(MUTATIONS))
    parser.add_argument("--every", type=int, default=1, help="strike every n-th call")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stop", action="store_true", help="with the first that was not survived")
    o = parser.parse_args(arguments)
    kinds: dict[str, Callable[[], Tally]] = {
        "kill": lambda: kill(o.scenario, o.mutation, o.every, stop=o.stop),
        "kill repair": kill_repair,
        "full disk": lambda: fail(o.scenario, errno.ENOSPC, o.every, lasting=True),
        "broken disk": lambda: fail(o.scenario, errno.EIO, o.every, lasting=False),
        "file size": lambda: limit(o.scenario, o.count, o.seed),
        "tiny disk": lambda: tiny_disk(o.scenario, o.count, o.seed),
        "power cut": lambda: power(o.scenario, o.count, o.seed, o.mutation, stop=o.stop),
        "damage": lambda: flip(o.scenario, o.count, o.seed),
        "interrupt": lambda: resume("SIGINT"),
        "kill and resume": lambda: resume("SIGKILL"),
        "second writer": lambda: lock(o.count),
        "readers": lambda: readers(o.count),
    }
    return asdict(kinds[o.kind]())


def main() -> None:
    faiss.omp_set_num_threads(1)  # a fork of a process with threads may hang
    if sys.argv[1:]:
        print(json.dumps(run(sys.argv[1:])))
        return
    _warm()
    for line in sys.stdin:
        outcome = in_child(lambda line=line: run(json.loads(line)))  # type: ignore[misc]
        print(json.dumps([outcome.how, outcome.value]), flush=True)


if __name__ == "__main__":
    main()
