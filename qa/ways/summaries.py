"""Summaries of an article, a topic or all articles, and more on what was asked before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from citewire.qa import analysis, facts, replies, summary
from citewire.qa.claims import Place
from citewire.qa.types import Event
from citewire.qa.ways.task import OPEN, Task


def summarise(task: Task) -> Iterator[Event] | None:
    """Summarise what the question names, all articles if it names nothing."""
    return _summarised(analysis.about(task.text), task)


def phrase(task: Task) -> Iterator[Event] | None:
    """Summarise the topic of a short phrase, unless single sentences answer the phrase."""
    if not analysis.is_phrase(task.text) or is_answered_phrase(task):
        return None
    return _summarised(task.text, task)


def defined(task: Task) -> Iterator[Event] | None:
    """Summarise X for "what is X?"; tried after single sentences."""
    topic = analysis.defined(task.text)
    return _summarised(topic, task) if topic else None


def more(task: Task) -> Iterator[Event] | None:
    """Summarise the last topic without what was said on it."""
    found = _summarised(analysis.about(task.text) or task.text, task, task.asked.said)
    task.told.refused = replies.NO_MORE
    return found


def is_answered_phrase(task: Task) -> bool:
    """Return whether single sentences answer a short phrase, such as "acme ceo"."""
    return analysis.is_phrase(task.text) and task.part(task.text).probability >= OPEN


def _summarised(topic: str, task: Task, said: Sequence[str] = ()) -> Iterator[Event] | None:
    index, embedder, reader = task.index, task.finder.embedder, task.finder.reader
    chosen = summary.select(topic, index, embedder, reader, task.wanted)
    task.told.unknown = chosen.missing
    if not chosen.articles:
        return None
    known = {" ".join(facts.words(one)) for one in said}
    points = summary.points(topic, chosen, index, embedder, reader)
    found = [place for place in points if " ".join(facts.words(place.text)) not in known]
    return _points(found, topic, task) if found else None


def _points(found: Sequence[Place], topic: str, task: Task) -> Iterator[Event]:
    told = task.told
    told.kind, told.listed = "summary", len(found) > 1
    yield told.searched(task.hits(topic) if topic else ())
    for text, judgement in task.writer.shortened(found, topic, told, task.stopped):
        yield told.add(text, judgement)
