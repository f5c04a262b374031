"""Computes the steps of indexing on Ray; its only importer.

This process reads files and writes the index. Ray gets the contents of files and texts, and returns articles, passages
and vectors. Its processes keep nothing that counts, so one that dies is replaced and its step is computed again.
"""

from __future__ import annotations

import logging
import os
import pickle
import platform
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from importlib.metadata import version
from typing import Any

from citewire.index.errors import CitewireError, InputError
from citewire.index.workers import Given, Got, Workers

LOCAL = "ray"  # in place of an address: a Ray of this machine, which ends with the run
ANSWER_SECONDS = 5.0  # most seconds until a cluster answers
RETRIES = 5  # how often a step is computed again, each time because its process died
AHEAD = 2  # steps per core that are under way or wait: the next one is there when a core is free

_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no request leaves the machine
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else Ray warns of a default that will change
}


@contextmanager
def connected(where: str, cores: int) -> Iterator[Workers]:
    """Yield workers on Ray; the connection ends with the block.

    Args:
        where: `LOCAL`, or the address of a cluster that this machine belongs to, "HOST:PORT".
        cores: for `LOCAL`: how many steps are computed at once. A cluster uses all its cores.

    Raises:
        InputError: Ray is not installed, does not start, or the address does not answer.
    """
    os.environ.update(_SETTINGS)
    if where == LOCAL:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # as there by default, all listen on 127.0.0.1 only
        os.environ["RAY_AUTH_MODE"] = "token"  # else whoever has an account here could run code as this user
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # read once in the life of this process
    try:
        import ray
    except ImportError:
        raise InputError("--on needs Ray, which is not installed", "Run: pip install 'citewire[ray]'") from None
    with tempfile.TemporaryDirectory(prefix="citewire-ray-", ignore_cleanup_errors=True) as folder:
        _join(ray, where, cores, folder)
        try:
            yield _RayWorkers(ray)
        finally:
            ray.shutdown()


def _join(ray: Any, where: str, cores: int, folder: str) -> None:
    """Start Ray with its sockets and logs in `folder`, or connect to a cluster. Raises: InputError."""
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if where == LOCAL:
            ray.init("local", num_cpus=cores, include_dashboard=False, _temp_dir=folder, **quiet)
        else:
            _knock(where)
            ray.init(where, **quiet)
    except Exception as error:
        why = str(error).partition("\n")[0].rstrip(".")
        if where == LOCAL:
            raise InputError(
                f"Ray does not start: {why}", "Try again on a less busy machine, or index without --on"
            ) from error
        fix = "Start Ray there (ray start --head), join this machine to it, and name HOST:PORT as Ray prints it"
        raise InputError(f"no Ray cluster at {where}: {why}", fix) from error


def _knock(address: str) -> None:
    """Raises: OSError: nothing there speaks HTTP/2, as Ray does, which itself would try for minutes."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), ANSWER_SECONDS) as connection:
        if "RAY_USE_TLS" not in os.environ:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\4" + bytes(5))  # no settings
            if connection.recv(9)[3:4] != b"\4":
                raise ConnectionError("what answers there is not Ray")


class _RayWorkers:
    """Submits steps as tasks of one core each; Ray runs a task again if its process or machine dies."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        self._task = ray.remote(num_cpus=1, max_retries=RETRIES)(_run)
        self._pickled: dict[object, bytes] = {}

    @property
    def ahead(self) -> int:
        return AHEAD * max(1, int(self._ray.cluster_resources().get("CPU", 1)))  # machines may come and go

    def submit(self, function: Callable[[Given], Got], given: Given) -> Callable[[], Got]:
        if function not in self._pickled:
            self._pickled[function] = pickle.dumps(function)
        return partial(self._result, self._task.remote(self._pickled[function], version("citewire"), given))

    def _result(self, task: Any) -> Any:
        try:
            return self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, CitewireError):
                raise error.cause from None
            raise
        except self._ray.exceptions.RayError as error:
            said = str(error).partition("\n")[0].rstrip(".")
            raise InputError(f"Ray gave up: {said}", "Run the same command again; it goes on from there") from error


def _run(pickled: bytes, wanted: str, given: Any) -> Any:
    """Compute a step in a process of Ray."""
    result = _function(pickled, wanted)(given)
    return list(result) if isinstance(result, Iterator) else result


@cache
def _function(pickled: bytes, wanted: str) -> Callable[[Any], Any]:
    """Return the function, with its loaded model or its child process, which the next steps use again."""
    if (found := version("citewire")) != wanted:
        raise InputError(f"{platform.node()} has citewire {found}, not {wanted}", "Install one version on all machines")
    function: Callable[[Any], Any] = pickle.loads(pickled)  # noqa: S301 - from the process that started this one
    return function
