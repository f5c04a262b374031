"""Where the steps of indexing are computed: in this process, or elsewhere and ahead of time.

The order of the calls is the order of the results, so an index does not depend on where its parts were computed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Protocol, TypeVar

Given = TypeVar("Given")
Got = TypeVar("Got")


class Workers(Protocol):
    """Compute functions without side effects."""

    @property
    def ahead(self) -> int:
        """How many results are computed before they are wanted; 0 for none."""
        ...

    def submit(self, function: Callable[[Given], Got], given: Given) -> Callable[[], Got]:
        """Return a call that returns `function(given)`, or a list in place of an iterator; make it only once."""
        ...


class _Here:
    """Computes in this process, when the result is wanted."""

    ahead = 0

    def submit(self, function: Callable[[Given], Got], given: Given) -> Callable[[], Got]:
        return partial(function, given)


HERE: Workers = _Here()


def in_order(calls: Iterable[Callable[[], Got]], ahead: int) -> Iterator[Got]:
    """Yield the results of `calls` in their order; `ahead` more calls are taken before a result is waited for."""
    waiting: deque[Callable[[], Got]] = deque()
    for call in calls:
        waiting.append(call)
        if len(waiting) > ahead:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()
