"""Lists, and comparisons side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from citewire.qa import claims, compare, facts, lists, replies, summary
from citewire.qa.claims import Place
from citewire.qa.evidence import ANSWERS, Evidence
from citewire.qa.types import Event
from citewire.qa.ways.task import Task, ranked

_SEVERAL, _MANY = 2, 3  # fewest items of a list: if a list is the likeliest kind, and if it is not
_BEST = 3  # most sentences for a side if no aspect is named; as many vote for the article about the side


def items(task: Task) -> Iterator[Event] | None:
    """List the lines or sentences of the article that answers best."""
    several = lists.wanted(task.text)
    if several.single:
        return None  # "which town ...?"
    finder = task.finder
    found = lists.Items(task.text, finder.evidence(task.text, task.wide), task.index.article, finder.reader)
    places = found.rows(several.number) if several.number else found.rows()
    if task.kind != "compare":  # a comparison without sides wants exact rows: "the fastest three"
        few = _SEVERAL if task.kind == "list" else _MANY
        others = (found.led(), found.sentences(), found.sections())
        places = next((some for some in (places, *others) if len(some) >= few), [])
    places = [place for place in places if finder.is_own(place.article, place.span)]
    return _listed(places, task) if places and not task.stopped() else None


def outlined(task: Task) -> Iterator[Event] | None:
    """Quote the items of an article that is itself the list: "7 dishes to try"."""
    if lists.wanted(task.text).single:
        return None
    finder = task.finder
    paths = dict.fromkeys(hit.passage.article for hit in finder.hits(task.text, task.wide))
    places = lists.outlined(task.text, [*map(task.index.article, paths)], finder.embedder, finder.reader)
    return _listed(places, task) if places else None


def _listed(places: Sequence[Place], task: Task) -> Iterator[Event]:
    told = task.told
    told.kind, told.listed = "list", True
    yield told.searched(task.hits(task.text))
    for text, judgement in task.writer.shortened(places, task.text, told, task.stopped):
        yield told.add(text, judgement)


def compared(sides: compare.Sides, task: Task) -> Iterator[Event] | None:
    """Tell what the articles say about each side; None if they lack both sides or no comparison is asked for."""
    finder, article = task.finder, task.index.article
    apart = sides.joined != "and" or sides.degree or sides.operation
    if not apart and lists.wanted(task.text).single:
        return None  # "which road leads from Lund to Vire?"
    find = partial(finder.evidence, wanted=task.wanted)
    spoken = compare.told(sides, task.text, find, article)
    outcomes = compare.outcomes(sides, spoken, article, finder.embedder)
    general = compare.is_general(sides, finder.embedder)
    if outcomes:
        places = [[claims.verbatim_place(one.sources[n]) for one in outcomes] for n in range(len(sides.names))]
    elif general:
        known = replace(sides, asked=tuple(map(summary.ASKED.format, sides.names)))
        spoken = compare.told(known, task.text, find, article)
        told_of = compare.likely(spoken)
        places = [
            some if heard and heard[0].probability >= ANSWERS else _about(name, heard, task)
            for name, heard, some in zip(sides.names, spoken, told_of, strict=True)
        ]
    else:
        places = compare.likely(spoken)
    whole = task.part(task.text).probability
    course = sides.times and task.kind == "over_time"
    sure = outcomes or general or (compare.answers(sides, spoken, whole) and not course)
    refused = sides.figures and task.kind == "compare" and whole < ANSWERS  # and the gap is named
    return _side_by_side(places, sides, outcomes, task) if any(places) and (refused or sure) else None


def _about(name: str, spoken: Sequence[Evidence], task: Task) -> list[Place]:
    """Sentences with the name of a side; if there are none, the most informative ones of the article most about it."""
    own = [one for one in spoken if facts.has_name(name, one.text)]
    if own:
        return [claims.verbatim_place(one) for one in own[:_BEST]]
    paths = [one.article for one in spoken[:_BEST]]
    if not paths:
        return []
    chosen = summary.of_article(task.index.article(max(paths, key=paths.count)), task.index)
    return summary.points(name, chosen, task.index, task.finder.embedder, task.finder.reader)[:_BEST]


def _side_by_side(
    places: Sequence[Sequence[Place]], sides: compare.Sides, outcomes: Sequence[compare.Outcome], task: Task
) -> Iterator[Event]:
    told = task.told
    told.kind, told.listed = "compare", True
    untold = replies.UNCOUNTED if sides.figures else replies.UNTOLD
    yield told.searched(ranked([task.hits(text) for text in sides.asked]))
    for name, some in zip(sides.names, places, strict=True):
        if not some:
            yield told.gap(untold.format(name))
    for name, some in zip(sides.names, places, strict=True):
        label = name.removeprefix("the ") if facts.names(name) else name  # "the Pfizer and Moderna vaccines"
        for place in some:
            shared = sum(place in other for other in places) > 1
            if not told.quotes(place.article, place.span):
                text = " ".join(place.text.split())
                yield told.quote(place, text if shared else f"{label}: {text}")
    for one in outcomes:
        sources = tuple(dict.fromkeys(claims.verbatim_place(source) for source in one.sources))
        probability = round(min(source.probability for source in one.sources), 3)
        yield told.add(one.text, claims.Judgement("supported", probability, "", sources))
    told.short = outcomes[0].short if len(outcomes) == 1 else ""
