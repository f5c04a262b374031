"""How something changed over time: a timeline of figures, or a course of events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from citewire.qa import compare, timeline
from citewire.qa.claims import verbatim_place
from citewire.qa.finding import Part
from citewire.qa.kinds import LIKELIER
from citewire.qa.types import Event, TimelinePoint
from citewire.qa.ways.several import compared
from citewire.qa.ways.single import disagreements
from citewire.qa.ways.task import Task

_BESIDE = 2  # the best sentences, which are added to a timeline that lacks them


def course(task: Task) -> Iterator[Event] | None:
    """Answer with figures of different times, else with what happened; two times are compared."""
    asks = task.kind == "over_time"  # else it may ask for something else
    if asks and (sides := compare.sides(task.text)) and sides.times and (both := compared(sides, task)):
        return both
    part, finder = task.part(task.text), task.finder
    points = timeline.points(task.text, part.evidence, task.index.article)
    if not asks:
        return _figures(points, part, task) if points else None
    events = timeline.course(task.text, task.index, finder.embedder, finder.reader, task.wanted)
    if points:
        return _figures(timeline.joined(points, events), part, task)
    return _happened(events, part, task) if events else None


def _happened(events: timeline.Course, part: Part, task: Task) -> Iterator[Event]:
    told = task.told
    if part.chosen and part.probability >= LIKELIER:  # the question may be about a single event
        events = timeline.including(events, verbatim_place(part.chosen[0]), task.index)
    told.kind, told.listed, told.timeline, told.lead = "over_time", True, events.points, events.lead
    yield told.searched(part.hits)
    for place in events.places:
        if not told.quotes(place.article, place.span):
            yield told.quote(place)


def _figures(points: Sequence[TimelinePoint], part: Part, task: Task) -> Iterator[Event]:
    told = task.told
    told.kind, told.timeline = "over_time", tuple(points)
    yield told.searched(part.hits)
    for place in (*map(timeline.place_at, points), *map(verbatim_place, part.chosen[:_BESIDE])):
        if not told.quotes(place.article, place.span):
            yield told.quote(place)
    yield from disagreements(part, task)
