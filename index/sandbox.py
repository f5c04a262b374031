"""Runs the readers of formats.py in a child process with limits, so that no file can take the index down.

Knows processes, pipes and limits; does not know what a format is. The child reads one file after another and is
replaced after a crash, a time-out or a file that needs too much memory. It is started afresh (never forked: the
parent has threads and gigabytes of model), gets no environment variables beyond `KEPT_VARIABLES`, and may neither
connect anywhere nor start programs. Results come back as JSON lines.

Parent to child: one JSON line (`Request`, size), then the bytes of the file. Child to parent: `["document", {...}]`,
`["refused", {...}]`, `["entered", {...}]`, ..., `["end"]`; first of all `["ready"]`.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from types import TracebackType
from typing import Any, BinaryIO, NoReturn

from citewire.index.documents import Document, Limits, Refused, UnusableError, one_line, too_large
from citewire.index.formats import Entered, Request, read

WORKER = (sys.executable, "-P", "-m", "citewire.index.sandbox")  # -P: no module of the current folder is imported
KEPT_VARIABLES = (
    *("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"),
    *("SYSTEMROOT", "TEMP"),  # of Windows, which starts no Python without the first
)
FORBIDDEN_EVENTS = (  # of sys.addaudithook, by their beginnings
    *("socket.connect", "socket.getaddrinfo", "socket.gethost", "socket.send", "socket.bind"),
    *("subprocess.", "os.exec", "os.system", "os.posix_spawn", "os.fork"),
)
START_SECONDS = 60.0  # a loaded machine may take long to start Python; this does not count for a file
GRACE = 2  # seconds after which a child whose parent is gone ends itself
PIPE = 1 << 16

_KINDS = {"document": Document, "refused": Refused, "entered": Entered}


class Sandbox:
    """Reads files by one child process at a time; a context manager that leaves no process behind."""

    def __init__(self, limits: Limits | None = None, command: Sequence[str] = WORKER) -> None:
        """Prepare only; the child starts with the first file.

        Args:
            limits: for every file.
            command: what starts a child that runs `serve`.
        """
        self.limits = limits or Limits()
        self.started = 0  # children so far
        self._command = command
        self._child: _Child | None = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child, whatever it is doing."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def read(self, data: bytes, request: Request) -> Iterator[Document | Refused]:
        """Yield what the file holds, as soon as it is read; what its reader fails at is `Refused`.

        Where a file inside a zip breaks the child, the next child goes on behind that one. Where the whole file is
        over a limit, what is left of it is refused.
        """
        request = replace(request, limits=self.limits)
        used = _Used(self.limits)
        while True:
            begun: Entered | None = None
            try:
                for found in self._results(data, request, used):
                    if isinstance(found, Entered):
                        begun = found
                        used.check()
                    else:
                        used.add(found)
                        yield found
                return
            except UnusableError as error:
                self.close()
                spent = used.spent()  # then the next child would have no time left either
                whole = begun is None or spent is not None
                told = spent or error
                yield Refused(told.reason, told.fix, "" if begun is None or whole else begun.part)
            except BaseException:  # an interrupt, or a consumer that stops: the child is in the middle of a file
                self.close()
                raise
            if begun is None or whole:
                return
            request = replace(request, first=begun.number + 1)

    def _results(self, data: bytes, request: Request, used: _Used) -> Iterator[Document | Refused | Entered]:
        if self._child is None:
            with (
                used.time() if request.first else contextlib.nullcontext()
            ):  # a file pays for the children that it broke
                self._child = _Child(self._command, self.limits)
                self.started += 1
                self._child.receive(START_SECONDS)
        with used.time():
            self._child.send(data, request)
        while True:
            with used.time():
                kind, *value = self._child.receive(min(self.limits.seconds, used.seconds_left))
            if kind == "end":
                return
            if kind == "exhausted":
                raise _out_of_memory(self.limits)
            yield _KINDS[kind](**{key: tuple(v) if isinstance(v, list) else v for key, v in value[0].items()})


class _Used:
    """Counts what one file has used of its limits: seconds, articles and characters, over all children that read it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._articles = self._characters = 0
        self.seconds_left = limits.total_seconds

    @contextlib.contextmanager
    def time(self) -> Iterator[None]:
        """Count the time within."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds_left -= time.monotonic() - began

    def add(self, found: Document | Refused) -> None:
        """Count a part of the file. Raises: UnusableError: it is beyond a limit."""
        self._articles += 1  # refused ones too: they cost as much to name
        self._characters += len(found.text) if isinstance(found, Document) else 0
        self.check()

    def check(self) -> None:
        """Raises: UnusableError: a limit is passed."""
        if spent := self.spent():
            raise spent

    def spent(self) -> UnusableError | None:
        """Return which limit is passed, None where none is."""
        limits = self._limits
        if self._articles > limits.articles:
            return too_large(f"more than {limits.articles:,} articles in one file")
        if self._characters > limits.total_characters:
            return too_large(f"its articles together have more than {limits.total_characters:,} characters")
        if self.seconds_left <= 0:
            return too_large(f"to read all of it takes longer than {limits.total_seconds:g} seconds")
        return None


def _out_of_memory(limits: Limits) -> UnusableError:
    amount = f"reading it needs more than {limits.memory // 1_000_000:,} MB of memory"
    return UnusableError(f"is too large: {amount}", "Split it, or raise the limit")


class _Child:
    """One child process and its pipes; every method raises UnusableError where the child fails."""

    def __init__(self, command: Sequence[str], limits: Limits) -> None:
        self._limits = limits
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115  closed by kill()
        environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        self._process = subprocess.Popen(
            [*command, str(limits.memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the parent, which ends the child
            bufsize=PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):  # what was not sent
            self._input.close()
        self._output.close()
        self._messages.close()

    def send(self, data: bytes, request: Request) -> None:
        header = json.dumps({**asdict(request), "size": len(data)}).encode() + b"\n"
        with self._within(self._limits.seconds):
            try:
                self._input.write(header)
                self._input.write(data)
                self._input.flush()
            except BrokenPipeError:
                raise self._crashed() from None

    def receive(self, seconds: float) -> list[Any]:
        """Return the next result, `[kind]` or `[kind, fields]`."""
        most = 12 * self._limits.characters + 1_000_000  # bytes of the longest line: JSON of the longest text
        with self._within(seconds):
            line = self._output.readline(most)
            if len(line) == most:
                raise UnusableError("is too large: its text does not end", "Split it")
            if not line.endswith(b"\n"):
                raise self._crashed()
        result: list[Any] = json.loads(line)
        return result

    @contextlib.contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """End the child if what is done here takes longer: then no pipe waits for it."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(max(0.0, seconds), end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            if late.is_set():
                raise UnusableError(
                    f"took longer than {self._limits.seconds:g} seconds to read", "Remove it, or raise the time limit"
                )

    def _crashed(self) -> UnusableError:
        code = self._process.wait()
        self._messages.seek(max(0, self._messages.tell() - 2_000))
        lines = self._messages.read().decode("utf-8", "replace").strip().splitlines()
        if (lines and lines[-1].startswith("MemoryError")) or "out of memory" in "".join(lines[-3:]).lower():
            return _out_of_memory(self._limits)
        said = one_line(lines[-1]) if lines else f"exit code {code}"
        why = signal.Signals(-code).name if code < 0 else said
        return UnusableError(f"crashed the reader of its format: {why}", "Save it again, or in another format")


# -- inside the child -----------------------------------------------------------------------------------


def main() -> NoReturn:
    """Limit this process, then serve its parent until it goes."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not look like a result
    confine(int(sys.argv[1]))
    _write(output, ["ready"])
    serve(sys.stdin.buffer, output)
    sys.exit(0)


def confine(memory: int) -> None:
    """Give up memory beyond `memory` bytes, core dumps, the network and other programs, for good."""
    with contextlib.suppress(ImportError):  # Windows has no such limits
        _limit(memory)
    sys.addaudithook(_refuse)


def _limit(memory: int) -> None:
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = memory if most == resource.RLIM_INFINITY else min(memory, most)
    if sys.platform != "darwin":  # which refuses it for some values, and keeps to none
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event.startswith(FORBIDDEN_EVENTS):
        raise PermissionError(f"{event}{arguments!r}"[:200])


def serve(requests: BinaryIO, results: BinaryIO) -> None:
    """Answer requests until there are no more; ends after a `MemoryError`, as memory may be lost for good."""
    while header := requests.readline():
        asked = json.loads(header)
        data = requests.read(asked.pop("size"))
        request = Request(**{**asked, "limits": Limits(**asked["limits"])})
        try:
            for found in _alarmed(read(data, request), request.limits.seconds + GRACE):
                kind = next(name for name, made in _KINDS.items() if isinstance(found, made))
                _write(results, [kind, asdict(found)])
            _write(results, ["end"])
        except MemoryError:
            gc.collect()
            _write(results, ["exhausted"])
            return


def _alarmed(found: Iterator[Document | Refused | Entered], seconds: float) -> Iterator[Document | Refused | Entered]:
    """End this process if the next result takes longer than `seconds`, within a match too; the parent may have died."""
    while True:
        faulthandler.dump_traceback_later(seconds, exit=True)
        try:
            result = next(found, None)
        finally:
            faulthandler.cancel_dump_traceback_later()
        if result is None:
            return
        yield result


def _write(results: BinaryIO, value: list[Any]) -> None:
    try:
        results.write(json.dumps(value).encode() + b"\n")
        results.flush()
    except BrokenPipeError:  # the parent is gone
        sys.exit(0)


if __name__ == "__main__":
    main()
