"""How something changed over time: a course of events."""

from __future__ import annotations

from collections.abc import Iterator

from citewire.qa import compare, timeline
from citewire.qa.claims import verbatim_place
from citewire.qa.finding import Part
from citewire.qa.kinds import LIKELIER
from citewire.qa.types import Event
from citewire.qa.ways.several import compared
from citewire.qa.ways.task import Task


def course(task: Task) -> Iterator[Event] | None:
    """Tell what happened; two times are compared."""
    if task.kind != "over_time":
        return None  # it asks for something else first
    if (sides := compare.sides(task.text)) and sides.times and (both := compared(sides, task)):
        return both
    finder = task.finder
    events = timeline.course(task.text, task.index, finder.embedder, finder.reader, task.wanted)
    return _happened(events, task.part(task.text), task) if events else None


def _happened(events: timeline.Course, part: Part, task: Task) -> Iterator[Event]:
    told = task.told
    if part.chosen and part.probability >= LIKELIER:  # the question may be about a single event
        events = timeline.including(events, verbatim_place(part.chosen[0]), task.index)
    told.kind, told.listed, told.timeline, told.lead = "over_time", True, events.points, events.lead
    yield told.searched(part.hits)
    for place in events.places:
        if not told.quotes(place.article, place.span):
            yield told.quote(place)
