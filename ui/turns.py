"""Fair scheduling: whose question is answered next, whose file is indexed next, and where indexing may be interrupted.

Passages are embedded in batches of 64. Between two batches the work can stop and continue later, with the vectors that
were already computed. Knows senders and vectors, not files or indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from citewire.index.types import Embedder, Vectors
from citewire.ui.allowance import Sender

REMEMBERED = 1_000  # visitors, and as many addresses, whose last turn is remembered

Known = dict[str, NDArray[np.float32]]  # text of a passage -> its vector
T = TypeVar("T")


class InterruptedWorkError(Exception):
    """Indexing is interrupted: it is another visitor's turn, or a file was cancelled."""


class Turns:
    """Picks the address that was served least recently, and of that address the visitor served least recently."""

    def __init__(self) -> None:
        self._served: dict[tuple[str, str], int] = {}
        self._turn = 0

    def next_of(self, waiting: Iterable[T], sender_of: Callable[[T], Sender]) -> T:
        """Return the next item and mark its sender as served; a sender's items keep their order.

        Args:
            waiting: the items, oldest first; at least one.
            sender_of: returns the sender of an item.
        """

        def last(one: T) -> tuple[int, int]:
            sender = sender_of(one)
            return self._served.get(("address", sender.address), 0), self._served.get(("visitor", sender.visitor), 0)

        chosen = min(waiting, key=last)
        self._turn += 1
        sender = sender_of(chosen)
        for key in (("address", sender.address), ("visitor", sender.visitor)):
            self._served.pop(key, None)
            self._served[key] = self._turn
        while len(self._served) > 2 * REMEMBERED:
            del self._served[next(iter(self._served))]
        return chosen

    def order(self, waiting: Iterable[T], sender_of: Callable[[T], Sender]) -> list[T]:
        """Return the items in the order of their turns if no others arrive; arguments as in `next_of`."""
        ahead, left, ordered = Turns(), list(waiting), list[T]()
        ahead._served, ahead._turn = dict(self._served), self._turn
        while left:
            ordered.append(ahead.next_of(left, sender_of))
            left.remove(ordered[-1])
        return ordered


class Paced:
    """An embedder that calls a function before each batch of passages and embeds no text twice.

    Args:
        embedder: computes the vectors.
        known: vectors of an interrupted run; new ones are added.
        before: called with the number of passages embedded so far; it may wait, or raise `InterruptedWorkError`.
    """

    def __init__(self, embedder: Embedder, known: Known, before: Callable[[int], None]) -> None:
        self._embedder, self._known, self._before = embedder, known, before
        self._fresh = 0

    @property
    def fingerprint(self) -> str:
        """The embedder's fingerprint."""
        return self._embedder.fingerprint

    @property
    def dimension(self) -> int:
        """Length of the vectors."""
        return self._embedder.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per passage."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._before(self._fresh)
            self._known.update(zip(new, self._embedder.embed(new), strict=True))
            self._fresh += len(new)
        return np.array([self._known[text] for text in texts], np.float32)

    def embed_query(self, question: str) -> Vectors:
        """Return the unit vector of a question."""
        return self._embedder.embed_query(question)
