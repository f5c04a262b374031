"""Runs the readers of formats.py in a child process with limits, so that no file can crash the parent.

Knows processes, pipes and limits; does not know formats. The child reads one file after another and is replaced after
a crash, a time-out or a file that needs too much memory. It is a new interpreter, not a fork, as the parent has threads
and gigabytes of model. It gets only the environment variables in `KEPT_VARIABLES`, and may neither open connections
nor start programs.

Parent to child: one JSON line (`Request` and size), then the bytes of the file. Child to parent, as JSON lines: first
`["ready"]`; for each file `["document", {...}]`, `["refused", {...}]`, `["entered", {...}]`, ..., `["end"]`.
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
from importlib import import_module
from typing import Any, BinaryIO, NoReturn

from citewire.index.documents import Document, Limits, Refused, UnusableError, one_line, too_large
from citewire.index.formats import Entered, Request, read

WORKER = (sys.executable, "-P", "-m", "citewire.index.sandbox")  # -P: import nothing from the current folder
KEPT_VARIABLES = (
    *("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START"),
    *("SYSTEMROOT", "TEMP"),  # Windows; Python does not start without the first
)
FORBIDDEN_EVENTS = (  # prefixes of audit events (PEP 578)
    *("socket.connect", "socket.getaddrinfo", "socket.gethost", "socket.send", "socket.bind"),
    *("subprocess.", "os.exec", "os.system", "os.posix_spawn", "os.fork"),
)
START_SECONDS = 60.0  # most seconds for starting a child; a busy machine is slow, and no file is charged for it
GRACE = 2  # seconds beyond the time limit after which the child ends itself, if its parent died
PIPE = 1 << 16  # bytes of a pipe's buffer

_KINDS = {"document": Document, "refused": Refused, "entered": Entered}


class Sandbox:
    """Reads files with one child process at a time; a context manager that ends it."""

    def __init__(self, limits: Limits | None = None, command: Sequence[str] = WORKER) -> None:
        """Start nothing yet; the child starts with the first file.

        Args:
            limits: for every file.
            command: starts a child that runs `serve`.
        """
        self.limits = limits or Limits()
        self.started = 0  # number of children started so far
        self._command = command
        self._child: _Child | None = None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the child, even in the middle of a file."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def read(self, data: bytes, request: Request) -> Iterator[Document | Refused]:
        """Yield the articles of a file as they are read; a part that the reader fails on becomes `Refused`.

        If a member of a zip breaks the child, a new child continues with the next member. If the file as a whole
        exceeds a limit, the rest of it is refused.
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
                spent = used.spent()  # if the file is over a limit, a new child could not continue
                whole = begun is None or spent is not None
                told = spent or error
                yield Refused(told.reason, told.fix, "" if begun is None or whole else begun.part)
            except BaseException:  # interrupted, or the consumer stopped: the child is in the middle of a file
                self.close()
                raise
            if begun is None or whole:
                return
            request = replace(request, first=begun.number + 1)

    def _results(self, data: bytes, request: Request, used: _Used) -> Iterator[Document | Refused | Entered]:
        if self._child is None:
            with (
                used.time() if request.first else contextlib.nullcontext()
            ):  # a file is charged for restarting the child
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
    """Counts the seconds, articles and characters of one file, over all children that read it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._articles = self._characters = 0
        self.seconds_left = limits.total_seconds

    @contextlib.contextmanager
    def time(self) -> Iterator[None]:
        """Count the time of the `with` block."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds_left -= time.monotonic() - began

    def add(self, found: Document | Refused) -> None:
        """Count an article or a refused part. Raises: UnusableError: a limit is exceeded."""
        self._articles += 1  # refused ones too: each takes a line of the report
        self._characters += len(found.text) if isinstance(found, Document) else 0
        self.check()

    def check(self) -> None:
        """Raises: UnusableError: a limit is exceeded."""
        if spent := self.spent():
            raise spent

    def spent(self) -> UnusableError | None:
        """Return an error that names the exceeded limit, None if none is exceeded."""
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
    """One child process and its pipes; `send` and `receive` raise UnusableError if the child fails."""

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
            start_new_session=True,  # Ctrl-C reaches only the parent, which kills the child
            bufsize=PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):  # unsent bytes in the buffer
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
        most = 12 * self._limits.characters + 1_000_000  # bytes: the longest text as JSON
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
        """Kill the child if the `with` block takes longer, which unblocks its pipes. Raises: UnusableError."""
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
    """Limit this process, then serve its parent until the pipe closes."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output that a library prints must not mix with results
    confine(int(sys.argv[1]))
    import_module("citewire.index.headlines")  # `read` needs it; takes up to a second, which no file is charged for
    _write(output, ["ready"])
    serve(sys.stdin.buffer, output)
    sys.exit(0)


def confine(memory: int) -> None:
    """Permanently deny this process more than `memory` bytes, core dumps, the network and other programs."""
    with contextlib.suppress(ImportError):  # Windows has no such limits
        _limit(memory)
    sys.addaudithook(_refuse)


def _limit(memory: int) -> None:
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = memory if most == resource.RLIM_INFINITY else min(memory, most)
    if sys.platform != "darwin":  # macOS rejects some values and enforces none
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event.startswith(FORBIDDEN_EVENTS):
        raise PermissionError(f"{event}{arguments!r}"[:200])


def serve(requests: BinaryIO, results: BinaryIO) -> None:
    """Answer requests until the stream ends, or a `MemoryError`, after which memory may stay lost.

    Args:
        requests: for each file a JSON line and its bytes, as in the module.
        results: receives the JSON lines of each file, the last one `["end"]`.
    """
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
    """Yield results; exit if the next one takes over `seconds`, even inside a regex match: the parent may be dead."""
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
