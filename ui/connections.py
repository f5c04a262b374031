"""Connections: how many there may be, and how long a client may take to send a request and to read an answer.

uvicorn has no such limits; a client that sends half a request holds its connection for ever. Where there are too many
connections, the oldest of those that have sent no whole request makes room, so an honest request always gets in. Knows
uvicorn and h11, nothing of what is served.
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

AGAIN_S = 2  # after which to try again where there are too many


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may take.

    Attributes:
        connections: at once, of all addresses.
        of_address: at once, of one address; requests too, as a proxy's connections are those of many.
        head_s: until a request's headers are there.
        body_s: until the body is there, plus the time that `slowest` allows for its size.
        slowest: bytes a second of a body, on average.
        rest_s: until the rest of a body is there after the answer was sent; it is thrown away.
        unread_s: how long a client may read nothing of its answer.
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
    """What a connection waits for; the first ones are ended first where others need room."""

    HEAD = 0
    REST = 1
    BODY = 2
    ANSWER = 3


class Config(uvicorn.Config):
    """uvicorn's settings, with our protocol and its limits, and the proxies whose word on who asks is taken."""

    def __init__(self, app: Any, limits: Limits, trusted_proxies: str = "", **options: Any) -> None:
        super().__init__(
            app, http=Protocol, ws="none", access_log=False,
            proxy_headers=bool(trusted_proxies), forwarded_allow_ips=trusted_proxies, **options,
        )  # fmt: skip
        self.limits = limits


class AtOnce:
    """ASGI middleware that refuses a request of an address that has as many as it may."""

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
    """A connection with limits."""

    config: Config
    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # None before the first request

    # asyncio and uvicorn call these

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, if there is room."""
        super().connection_made(transport)
        self._ended = False
        self._phase, self._since, self._bytes = _Phase.HEAD, self.loop.time(), 0
        self._unread: asyncio.TimerHandle | None = None
        self._look: asyncio.TimerHandle | None = self.loop.call_later(self.config.limits.look_s, self._check)
        others = [one for one in self.connections if isinstance(one, Protocol) and one is not self and not one._ended]
        if not _make_room(others, self._address, self.config.limits):
            self._end(503, "The server has too many connections", "Try again in a moment.", again_s=AGAIN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._ended = True
        for timer in (self._look, self._unread):
            if timer:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._ended:
            return
        self._bytes += len(data)
        super().data_received(data)
        self._enter()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        super().on_response_complete()
        self._enter(again=True)

    def pause_writing(self) -> None:
        """Give the client a while to read."""
        super().pause_writing()
        self._unread = self.loop.call_later(self.config.limits.unread_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads."""
        super().resume_writing()
        if self._unread:
            self._unread.cancel()

    # ours

    @property
    def _address(self) -> str:
        """Of who asks: a proxy's connection is, with a request, the one that uvicorn has written into its scope."""
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
        """End the connection if its client takes too long."""
        limits = self.config.limits
        self._look = self.loop.call_later(limits.look_s, self._check)
        self._enter()
        if self._phase is _Phase.BODY and self.flow.read_paused:
            self._since += limits.look_s  # the application does not read: it is not the client's delay
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
        """Close the connection; say why, and when to try again, where the client can still be told."""
        self._ended = True
        started = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if not started and self._phase is not _Phase.REST:
            body = json.dumps(problem_details(status, problem, fix)).encode()
            head = f"HTTP/1.1 {status} {status}\r\nContent-Type: {PROBLEM_TYPE}\r\nContent-Length: {len(body)}\r\n"
            head += f"Retry-After: {again_s}\r\n" * bool(again_s)
            self.transport.write(f"{head}Connection: close\r\n\r\n".encode() + body)
        self.transport.close()
        self.loop.call_later(self.config.limits.look_s, self.transport.abort)  # a client that reads nothing


def _make_room(others: Iterable[Protocol], address: str, limits: Limits) -> bool:
    """End a connection where there are too many; return whether there is room for one of an address."""
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
