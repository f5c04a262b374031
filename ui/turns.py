"""Whose turn it is: whose question is answered and whose file is indexed next, and where that may be interrupted.

A file's passages are embedded in runs of 64. Between two runs the work can stop and be taken up later: the vectors that
were made are kept until then. Knows senders and vectors; nothing of files and indexes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from citewire.index.types import Embedder, Vectors
from citewire.ui.allowance import Sender

REMEMBERED = 1_000  # visitors and addresses whose last turn is remembered

Known = dict[str, NDArray[np.float32]]  # text of a passage -> its vector
T = TypeVar("T")


class InterruptedWorkError(Exception):
    """Indexing stops here: others have their turn, or a file is taken back."""


class Turns:
    """Gives the turn to the address that was served least recently, and there to the visitor served least recently."""

    def __init__(self) -> None:
        self._served: dict[tuple[str, str], int] = {}
        self._turn = 0

    def next_of(self, waiting: Iterable[T], sender_of: Callable[[T], Sender]) -> T:
        """Return what comes next, of one sender what came first; its sender has been served."""

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
        """Return what waits in the order of its turns if nothing else comes."""
        ahead, left, ordered = Turns(), list(waiting), list[T]()
        ahead._served, ahead._turn = dict(self._served), self._turn
        while left:
            ordered.append(ahead.next_of(left, sender_of))
            left.remove(ordered[-1])
        return ordered


class Paced:
    """An embedder that asks before each run of passages whether to go on, and embeds no text twice.

    Args:
        embedder: makes the vectors.
        known: those that an interrupted run has made; new ones are added.
        before: called with the number of passages embedded so far; it may wait, or raise `InterruptedWorkError`.
    """

    def __init__(self, embedder: Embedder, known: Known, before: Callable[[int], None]) -> None:
        self._embedder, self._known, self._before = embedder, known, before
        self._fresh = 0

    @property
    def fingerprint(self) -> str:
        """Of the embedder."""
        return self._embedder.fingerprint

    @property
    def dimension(self) -> int:
        """Of the embedder's vectors."""
        return self._embedder.dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a passage."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._before(self._fresh)
            self._known.update(zip(new, self._embedder.embed(new), strict=True))
            self._fresh += len(new)
        return np.array([self._known[text] for text in texts], np.float32)

    def embed_query(self, question: str) -> Vectors:
        """Return the unit vector of a question."""
        return self._embedder.embed_query(question)
