"""Run the command line, in this process or a new one, and check its output and exit code."""

from __future__ import annotations

import logging
import os
import pty
import re
import signal
import socket
import subprocess
import sys

from conftest import untraced
from typer.testing import CliRunner

from citewire.ui import logs
from citewire.ui.cli import app

COMMAND = [sys.executable, "-m", "citewire.ui"]


def citewire(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, with additional environment variables; the logger is restored afterwards."""
    logger = logging.getLogger(logs.ROOT)
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    try:
        done = CliRunner().invoke(app, list(arguments), input=stdin, env=variables)
    finally:
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def process(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a new process; arguments as in `citewire`, which is seconds faster."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        env=os.environ | variables,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def interrupted(arguments: list[str], seen: str, **variables: str) -> tuple[int, str]:
    """Run a command on a terminal, press Ctrl-C once it shows the pattern `seen`; return exit code and output."""
    terminal, program_end = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=untraced() | {"TERM": "xterm", "COLUMNS": "120"} | variables,
        stdin=program_end,
        stdout=program_end,
        stderr=program_end,
        start_new_session=True,  # a process group, so that Ctrl-C reaches the children, too
    )
    os.close(program_end)
    shown = ""
    sent = False
    try:
        while True:
            try:
                shown += os.read(terminal, 65536).decode("utf-8", "replace")
            except OSError:  # Linux: the last process on the terminal has ended
                break
            if not sent and re.search(seen, shown):
                os.killpg(process.pid, signal.SIGINT)
                sent = True
        assert sent, shown
        return process.wait(60), shown
    finally:
        process.kill()
        os.close(terminal)


def refused(done: subprocess.CompletedProcess[str], *said: str) -> None:
    """Assert that a command printed only an error message with the words `said`, and ended with exit code 2."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for words in said:
        assert words in done.stderr


def free_port() -> int:
    """Return a free port of 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
