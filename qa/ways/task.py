"""One question while it is answered: what it asks, its answer so far, and what the ways to answer it need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from citewire.index.options import SearchOptions
from citewire.index.store import Index
from citewire.index.types import Hit
from citewire.qa.entities import AllNames
from citewire.qa.evidence import ANSWERS
from citewire.qa.finding import Finder, Part
from citewire.qa.telling import Telling
from citewire.qa.types import Event
from citewire.qa.understanding import Asked
from citewire.qa.writing import Writer

OPEN = 0.25  # answer threshold for kinds that need several sentences, and for short phrases
_WIDE = 16  # fewest passages that are searched for list items, for someone's words and for conflicting values


@dataclass(frozen=True, slots=True)
class Task:
    """A question and what its ways need.

    Attributes:
        finder: searches the index and reads the passages.
        writer: lets the model word what is found.
        names: the names in all articles.
        asked: the line as understood.
        told: the answer, which the ways fill.
        wanted: filters, and how many passages are searched.
        stopped: polled; once true, no more events come.
    """

    finder: Finder
    writer: Writer
    names: AllNames
    asked: Asked
    told: Telling
    wanted: SearchOptions
    stopped: Callable[[], bool]

    @property
    def text(self) -> str:
        """The standalone question."""
        return self.asked.text

    @property
    def kind(self) -> str:
        """Its likeliest kind."""
        return self.asked.kinds[0]

    @property
    def index(self) -> Index:
        """The index that is searched."""
        return self.finder.index

    @property
    def wide(self) -> SearchOptions:
        """`wanted` with at least _WIDE passages."""
        return replace(self.wanted, k=max(_WIDE, self.wanted.k))

    def hits(self, text: str) -> list[Hit]:
        """Return the best passages for a text. Raises: see `Finder.hits`."""
        return self.finder.hits(text, self.wanted)

    def part(self, text: str, least: float = ANSWERS) -> Part:
        """Return a question with its sentences, as `Finder.part`."""
        return self.finder.part(text, self.wanted, least)


# Returns the events of an answer, or None if the articles have nothing for it; then the next way is tried.
Way = Callable[[Task], Iterator[Event] | None]


def ranked(found: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Return the hits of all parts without repeats: first the best of each part, then the second best, and so on."""
    once: dict[tuple[str, int], Hit] = {}
    for hit in (hit for rank in zip_longest(*found) for hit in rank if hit is not None):
        once.setdefault((hit.passage.article, hit.passage.start), hit)
    return list(once.values())
