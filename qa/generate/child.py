"""A language model in a child process, for servers: if it dies, one answer is lost and the process is restarted.

Engines are native code with gigabytes of weights: the system may kill them for memory, and a crash would end the whole
server. Run as `python -m citewire.qa.generate.child` it serves one model on its standard input and output, one line of
JSON per message:

    parent: {what `load_generator` takes}                    child: ["ready", name] or ["failed", problem, fix]
    parent: ["generate", number, [[role, content]], most]    child: ["piece", number, text] ..., ["end", number]
            ["stop", number]                                        or ["failed", problem, fix, number]
            ["count", number, [[role, content]]]             child: ["count", number, tokens]

Knows processes and `load_generator`, not how a model is run.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from citewire.index.errors import CitewireError, ModelError
from citewire.qa.generate.load import load_generator
from citewire.qa.types import Message

COMMAND = (sys.executable, "-P", "-m", "citewire.qa.generate.child")  # -P: no module of the current folder is imported
START_S = 300.0  # most seconds to load a model: several GB on a slow disk
STUCK_S = 30.0  # most seconds for an engine to end a stopped call, or to count tokens
_POLL = 0.05  # seconds between polls of `stopped`


class ChildGenerator:
    """A model that `load_generator` loads in another process; thread-safe.

    Args:
        command: starts a child that runs `main`.
        loading: arguments of `load_generator`, with paths as text.

    Attributes:
        started: number of children started so far.

    Raises:
        ModelError: as `load_generator`.
    """

    def __init__(self, command: Sequence[str] = COMMAND, **loading: Any) -> None:
        self.started = 0
        self._command, self._loading = command, loading
        self._lock = threading.Lock()
        self._number = 0
        self._child = self._start()
        self.name = self._child.name

    @property
    def pid(self) -> int:
        """The process id of the newest child."""
        return self._child.process.pid

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stopped: Callable[[], bool] = lambda: False
    ) -> Generator[str, None, None]:
        """Yield the reply in pieces; see `citewire.qa.types.Generator`.

        Raises:
            ModelError: the model's own error, or its process ended; the next call starts another one.
        """
        while not self._lock.acquire(timeout=_POLL):
            if stopped():
                return
        try:
            child, number = self._call("generate", messages, max_tokens)
            try:
                while not stopped():
                    said = child.said(_POLL)
                    if said is None:
                        continue
                    kind, value = said
                    if kind == "end":
                        return
                    yield value
            finally:
                child.stop(number)
        finally:
            self._lock.release()

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return the number of tokens of the prompt that `generate` would read. Raises: ModelError."""
        with self._lock:
            child, _ = self._call("count", messages)
            if said := child.said(STUCK_S):
                return int(said[1])
            raise child.ended("does not answer")

    def _call(self, what: str, messages: Sequence[Message], *more: Any) -> tuple[_Child, int]:
        """Send a call to the child, or to a new one if the last one died or hangs."""
        if not self._child.free():
            self._child.end()
            self._child = self._start()
        self._number += 1
        said = [(message.role, message.content) for message in messages]
        self._child.send([what, self._number, said, *more], self._number)
        return self._child, self._number

    def _start(self) -> _Child:
        self.started += 1
        return _Child(self._command, self._loading)


class _Child:
    """One child process and its current call."""

    def __init__(self, command: Sequence[str], loading: dict[str, Any]) -> None:
        # A new session: Ctrl-C reaches only the parent, which ends the child by closing its input.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", start_new_session=True
        )
        self._lines: queue.SimpleQueue[list[Any] | None] = queue.SimpleQueue()
        self._call = 0  # the number of the current call, 0 for none
        threading.Thread(target=_read, args=(self.process, self._lines), name="citewire-model", daemon=True).start()
        self._write(loading)
        match self._next(START_S):
            case ["ready", str(name)]:
                self.name = name
            case ["failed", problem, fix]:
                self.end()
                raise ModelError(problem, fix)
            case _:
                raise self.ended("did not start")

    def send(self, call: list[Any], number: int) -> None:
        """Start a call."""
        self._call = number
        self._write(call)

    def said(self, seconds: float) -> tuple[str, Any] | None:
        """Return (kind, value) of the next message of the current call; None if none comes within `seconds`.

        Raises:
            ModelError: the model failed, or the process ended.
        """
        match self._next(seconds):
            case None:
                return None
            case ["failed", problem, fix, _]:
                self._call = 0
                raise ModelError(problem, fix)
            case [kind, number, *value]:
                if number != self._call:  # the rest of a stopped call
                    return None
                if kind != "piece":
                    self._call = 0
                return kind, value[0] if value else None
            case other:
                raise ModelError(f"The language model said {str(other)[:80]!r}", "This is a fault of citewire.")

    def stop(self, number: int) -> None:
        """Stop a call; its remaining messages are dropped before the next one."""
        if self._call == number and self.process.poll() is None:
            self._write(["stop", number])

    def free(self) -> bool:
        """Wait until a stopped call has ended; return whether it did and the process is alive."""
        end = time.monotonic() + STUCK_S
        try:
            while self._call and time.monotonic() < end:
                self.said(end - time.monotonic())
        except ModelError:
            return self.process.poll() is None
        return not self._call and self.process.poll() is None

    def ended(self, how: str) -> ModelError:
        """End the process and return the error that says how it failed."""
        self.end()
        return ModelError(f"The language model {how}", "It is started anew: ask again.")

    def end(self) -> None:
        """Kill the process."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdin
        with suppress(OSError):  # buffered text cannot be written any more
            self.process.stdin.close()

    def __del__(self) -> None:
        self.end()

    def _next(self, seconds: float) -> list[Any] | None:
        try:
            line = self._lines.get(timeout=max(seconds, 0))
        except queue.Empty:
            return None
        if line is None:
            self._lines.put(None)
            code = self.process.wait()
            how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            raise ModelError(f"The language model's process ended ({how})", "It is started anew: ask again.")
        return line

    def _write(self, message: Any) -> None:
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
        except OSError:  # the process has ended; the next read raises
            return


def _read(process: subprocess.Popen[str], lines: queue.SimpleQueue[list[Any] | None]) -> None:
    """Put the messages of a process into a queue, None at its end."""
    assert process.stdout
    with process.stdout:
        for line in process.stdout:
            if line.endswith("\n"):
                lines.put(json.loads(line))
    lines.put(None)


def main() -> None:
    """Serve a model until standard input ends."""
    # Output that a library prints must not mix with the messages.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    loading = json.loads(sys.stdin.readline())
    try:
        generator = load_generator(**{**loading, "cache": Path(loading["cache"])})
    except CitewireError as error:
        _say(out, ["failed", error.problem, error.fix])
        return
    _say(out, ["ready", generator.name])
    calls: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
    unwanted = 0  # calls up to this number are stopped

    def read() -> None:
        nonlocal unwanted
        for line in sys.stdin:
            call = json.loads(line)
            if call[0] == "stop":
                unwanted = call[1]
            else:
                calls.put(call)
        os._exit(0)  # the parent is gone, and the engine may be inside a step

    threading.Thread(target=read, daemon=True).start()
    while True:
        what, number, said, *more = calls.get()
        messages = [Message(role, content) for role, content in said]

        def stopped(number: int = number) -> bool:
            return unwanted >= number

        try:
            if what == "count":
                _say(out, ["count", number, generator.count_tokens(messages)])
                continue
            for piece in generator.generate(messages, max_tokens=more[0], stopped=stopped):
                _say(out, ["piece", number, piece])
            _say(out, ["end", number])
        except CitewireError as error:
            _say(out, ["failed", error.problem, error.fix, number])


def _say(out: TextIO, message: list[Any]) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
