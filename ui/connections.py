"""Limits on connections: their number, and how long a client may take to send a request or to read a response.

uvicorn has no such limits; a client that sends half a request holds its connection for ever. At the limit, the oldest
connection without a complete request is closed, so an honest request always gets in. Knows uvicorn and h11, not the
application.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import h11
import uvicorn
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from citewire.ui.allowance import LaterError
from citewire.ui.visitor import PROBLEM_TYPE, address_of, problem_details, refusal

AGAIN_S = 2  # Retry-After if there are too many connections, in seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of clients.

    Attributes:
        connections: most open connections.
        of_address: most open connections, and most concurrent requests, of one address; a proxy's connections carry the
            requests of many addresses.
        head_s: seconds until the headers are complete.
        body_s: seconds until the body is complete, plus its size divided by `slowest`.
        slowest: least average speed of a body, in bytes per second.
        rest_s: seconds until the rest of a body has arrived after the response; it is discarded.
        unread_s: seconds that a client may read nothing of the response.
        look_s: seconds between two checks.
    """

    connections: int = 256
    of_address: int = 64
    head_s: float = 10
    body_s: float = 20
    slowest: float = 1_000
    rest_s: float = 5
    unread_s: float = 60
    look_s: float = 1


class _Phase(IntEnum):
    """What a connection waits for; lower ones are closed first to make room."""

    HEAD = 0
    REST = 1
    BODY = 2
    ANSWER = 3


class Config(uvicorn.Config):
    """uvicorn's settings, with this protocol, its limits and the trusted proxies."""

    def __init__(self, app: Any, limits: Limits, trusted_proxies: str = "", **options: Any) -> None:
        super().__init__(
            app, http=Protocol, ws="none", access_log=False,
            proxy_headers=bool(trusted_proxies), forwarded_allow_ips=trusted_proxies, **options,
        )  # fmt: skip
        self.limits = limits


class AtOnce:
    """ASGI middleware that limits the concurrent requests of an address."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self._most = app, limits.of_address
        self._now = Counter[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        address = address_of(HTTPConnection(scope))
        if self._now[address] >= self._most:
            crowded = LaterError("Your address has too many requests at once", "Try again in a moment.", AGAIN_S)
            await refusal(503, crowded)(scope, receive, send)
            return
        self._now[address] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._now[address] -= 1
            if not self._now[address]:
                del self._now[address]


class Protocol(H11Protocol):
    """An HTTP connection with limits."""

    config: Config
    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # None before the first request

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Accept a connection, or refuse it with 503 if there is no room."""
        super().connection_made(transport)
        self._ended = False
        self._phase, self._since, self._bytes = _Phase.HEAD, self.loop.time(), 0
        self._unread: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = self.loop.call_later(self.config.limits.look_s, self._check)
        others = [one for one in self.connections if isinstance(one, Protocol) and one is not self and not one._ended]
        if not _make_room(others, self._address, self.config.limits):
            self._end(503, "The server has too many connections", "Try again in a moment.", again_s=AGAIN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers."""
        self._ended = True
        for timer in (self._look, self._unread):
            if timer:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process received bytes."""
        if self._ended:
            return
        self._bytes += len(data)
        super().data_received(data)
        self._enter()

    def on_response_complete(self) -> None:
        """Start the time limit of the next request."""
        super().on_response_complete()
        self._enter(again=True)

    def pause_writing(self) -> None:
        """Start the time limit for reading: the write buffer is full."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.config.limits.unread_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Cancel the time limit for reading."""
        super().resume_writing()
        if self._unread:
            self._unread.cancel()

    @property
    def _address(self) -> str:
        """The client's address; during a request through a trusted proxy, the one that the proxy reports."""
        client = self.cycle.scope["client"] if self.cycle and not self.cycle.response_complete else self.client
        return client[0] if client else ""

    def _enter(self, *, again: bool = False) -> None:
        phase = self._now()
        if again or phase is not self._phase:
            self._phase, self._since, self._bytes = phase, self.loop.time(), 0

    def _now(self) -> _Phase:
        if self.cycle is None or self.cycle.response_complete:
            return _Phase.REST if self.conn.their_state is h11.SEND_BODY else _Phase.HEAD
        return _Phase.BODY if self.cycle.more_body else _Phase.ANSWER

    def _check(self) -> None:
        """Close the connection if its client takes too long."""
        limits = self.config.limits
        self._look = self.loop.call_later(limits.look_s, self._check)
        self._enter()
        if self._phase is _Phase.BODY and self.flow.read_paused:
            self._since += limits.look_s  # the application does not read; the client is not late
        passed = self.loop.time() - self._since
        may = {
            _Phase.HEAD: limits.head_s,
            _Phase.REST: limits.rest_s,
            _Phase.BODY: limits.body_s + self._bytes / limits.slowest,
            _Phase.ANSWER: passed,
        }
        if passed > may[self._phase]:
            self._end(408, "The request did not arrive in time", "Send it again.")

    def _end(self, status: int, problem: str, fix: str, *, again_s: int = 0) -> None:
        """Close the connection; send an error response first, unless a response has already begun."""
        self._ended = True
        started = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if not started and self._phase is not _Phase.REST:
            body = json.dumps(problem_details(status, problem, fix)).encode()
            head = f"HTTP/1.1 {status} {status}\r\nContent-Type: {PROBLEM_TYPE}\r\nContent-Length: {len(body)}\r\n"
            head += f"Retry-After: {again_s}\r\n" * bool(again_s)
            self.transport.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        self.transport.close()
        self.loop.call_later(self.config.limits.look_s, self.transport.abort)  # in case the client reads nothing


def _make_room(others: Iterable[Protocol], address: str, limits: Limits) -> bool:
    """Close a connection if there are too many; return whether there is room for one more of this address."""
    others = list(others)
    count = Counter(one._address for one in others)
    if count[address] >= limits.of_address:
        others = [one for one in others if one._address == address]
    elif len(others) < limits.connections:
        return True
    waiting = [one for one in others if one._phase is not _Phase.ANSWER]
    if not waiting:
        return False
    last = min(waiting, key=lambda one: (-count[one._address], one._phase, one._since))
    last._end(408, "The request did not arrive before others needed the connection", "Send it again.")
    return True
