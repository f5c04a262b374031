"""Rate limits: how much one visitor, and one address, may upload per hour and at the same time.

Knows senders, counts and a clock, not files or HTTP.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Lock

from citewire.index.errors import CitewireError

HOUR_S = 3600.0
ADDRESS_FACTOR = 4  # an address may send this many times as much as one visitor, as offices share one
FEW_ACCOUNTS = 1_000  # above this number, expired accounts are removed
BUSY_S = 2  # Retry-After if too many files arrive at once


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends something: a visitor (see `citewire.ui.visitor`) and its address; "" has no limit."""

    visitor: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Limits of one visitor; an address may send `ADDRESS_FACTOR` times as much.

    Attributes:
        at_once: files arriving at the same time.
        files, bytes: received per hour, aborted uploads included.
        articles: read from files per hour.
    """

    at_once: int = 4
    files: int = 5_000
    bytes: int = 1_000_000_000
    articles: int = 20_000


class LaterError(CitewireError):
    """Something is refused for now; retry after `seconds`."""

    def __init__(self, problem: str, fix: str, seconds: int = 1) -> None:
        super().__init__(problem, fix)
        self.seconds = seconds


class TooManyError(LaterError):
    """A sender has reached a rate limit."""


@dataclass(frozen=True, slots=True)
class _Usage:
    at: float
    files: int = 0
    bytes: int = 0
    articles: int = 0


@dataclass(slots=True)
class _Account:
    arriving: int = 0
    entries: deque[_Usage] = field(default_factory=deque)

    def since(self, start: float) -> deque[_Usage]:
        """Drop the entries before `start` and return the rest."""
        while self.entries and self.entries[0].at < start:
            self.entries.popleft()
        return self.entries


class Ledger:
    """Counts what each sender has sent; thread-safe."""

    def __init__(self, allowance: Allowance, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowance, self._clock = allowance, clock
        self._accounts: defaultdict[tuple[str, str], _Account] = defaultdict(_Account)
        self._lock = Lock()

    def enter(self, sender: Sender) -> None:
        """Count a file that starts to arrive. Raises: TooManyError, if the sender has reached a limit."""
        with self._lock:
            start = self._clock() - HOUR_S
            if len(self._accounts) > FEW_ACCOUNTS:
                self._forget(start)
            for account, factor in self._of(sender):
                self._check(account, factor, start)
            for account, _ in self._of(sender):
                account.arriving += 1

    def leave(self, sender: Sender, size: int) -> None:
        """Record that a file, complete or aborted, no longer arrives; `size` is the number of bytes received."""
        with self._lock:
            for account, _ in self._of(sender):
                account.arriving -= 1
                account.entries.append(_Usage(self._clock(), files=1, bytes=size))

    def read(self, sender: Sender, articles: int) -> None:
        """Count articles that were read from a sender's file."""
        with self._lock:
            for account, _ in self._of(sender):
                account.entries.append(_Usage(self._clock(), articles=articles))

    def _of(self, sender: Sender) -> Iterator[tuple[_Account, int]]:
        for kind, name, factor in (("visitor", sender.visitor, 1), ("address", sender.address, ADDRESS_FACTOR)):
            if name:
                yield self._accounts[kind, name], factor

    def _check(self, account: _Account, factor: int, start: float) -> None:
        allowed, entries = self._allowance, account.since(start)
        if account.arriving >= factor * allowed.at_once:
            problem = f"{account.arriving} files of yours are arriving already"
            raise TooManyError(problem, "Send this one when one of them has arrived", BUSY_S)
        for what in ("files", "bytes", "articles"):
            most = factor * getattr(allowed, what)
            if sum(getattr(entry, what) for entry in entries) >= most:
                wait = max(1, int(entries[0].at - start) + 1)
                problem = f"{most:,} {what} of yours came in the last hour, which is as many as are taken"
                raise TooManyError(problem, f"Go on in {wait // 60 + 1} minutes", wait)

    def _forget(self, start: float) -> None:
        empty = [key for key, one in self._accounts.items() if not one.arriving and not one.since(start)]
        for key in empty:
            del self._accounts[key]
