"""Sessions of browser tabs: their owners, their event streams, and the limits on both.

Each tab makes up a random session name. The first visitor who uses a name owns it, and others are refused. All data of
a session is dropped with it, so memory is bounded. Not thread-safe: call it in the event loop only. Knows no HTTP.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from citewire.index.errors import InputError
from citewire.ui.allowance import LaterError


class StrangerError(InputError):
    """The session belongs to another visitor."""


class CrowdedError(LaterError):
    """The limit of sessions or event streams is reached."""


@dataclass(frozen=True, slots=True)
class Most:
    """Limits of sessions and event streams. A tab holds one stream, and a second one while an answer is written."""

    sessions: int = 400
    of_address: int = 100
    of_visitor: int = 20
    idle_s: float = 3600  # a session without a stream is dropped after this time
    streams: int = 160
    streams_of_address: int = 40
    streams_of_visitor: int = 16
    streams_of_session: int = 4


@dataclass(slots=True)
class _Session:
    name: str
    visitor: str
    address: str
    used: float
    streams: int = 0


class Sessions:
    """The open sessions.

    Args:
        forget: called with a session's name when it is dropped; drops its data.
        most: the limits.
    """

    def __init__(self, forget: Callable[[str], None], most: Most | None = None) -> None:
        self._forget, self._most = forget, most or Most()
        self._known: OrderedDict[str, _Session] = OrderedDict()  # least recently used first

    def __len__(self) -> int:
        return len(self._known)

    def claim(self, name: str, visitor: str, address: str) -> None:
        """Open a session, or mark it as used; at a limit the least recently used session without a stream is dropped.

        Args:
            name: the session.
            visitor: the visitor's id.
            address: the visitor's network address.

        Raises:
            StrangerError: the session belongs to another visitor.
            CrowdedError: a limit is reached and every session has a stream.
        """
        session = self._known.get(name)
        if session is None:
            self._make_room(visitor, address)
            session = self._known[name] = _Session(name, visitor, address, 0)
        if session.visitor != visitor:
            raise StrangerError("This session is another browser's", "Allow cookies and load the page again.")
        session.used = time.monotonic()
        self._known.move_to_end(name)

    def _make_room(self, visitor: str, address: str) -> None:
        most = self._most
        for session in [one for one in self._known.values() if time.monotonic() - one.used > most.idle_s]:
            self._drop(session)
        known = list(self._known.values())
        for limit, group in (
            (most.of_visitor, [one for one in known if one.visitor == visitor]),
            (most.of_address, [one for one in known if one.address == address]),
            (most.sessions, known),
        ):
            if len(group) < limit:
                continue
            oldest = next((one for one in group if not one.streams), None)
            if oldest is None:
                raise CrowdedError("The page is open in too many tabs", "Close one and load the page again.")
            self._drop(oldest)
            return

    def _drop(self, session: _Session) -> None:
        if not session.streams:
            del self._known[session.name]
            self._forget(session.name)

    @contextmanager
    def stream(self, name: str) -> Iterator[None]:
        """Count an event stream of a claimed session until the block ends.

        Raises:
            CrowdedError: a limit of streams is reached.
        """
        session, most = self._known[name], self._most
        known = self._known.values()
        for limit, group in (
            (most.streams_of_session, [session]),
            (most.streams_of_visitor, [one for one in known if one.visitor == session.visitor]),
            (most.streams_of_address, [one for one in known if one.address == session.address]),
            (most.streams, list(known)),
        ):
            if sum(one.streams for one in group) >= limit:
                raise CrowdedError("The page is open in too many tabs", "Close one and load the page again.")
        session.streams += 1
        try:
            yield
        finally:
            session.streams -= 1
            session.used = time.monotonic()
