"""Facts: the sentences that answer a question, and other sources that disagree with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from citewire.index.passages import sentences
from citewire.qa import analysis, claims, compare, conflicts, facts, parts, replies, times, values
from citewire.qa.claims import Place, place_of
from citewire.qa.evidence import REASON, Evidence
from citewire.qa.finding import Part
from citewire.qa.kinds import CERTAIN, LIKELIER
from citewire.qa.types import Event
from citewire.qa.ways.task import OPEN, Task, ranked

FACTS = ("fact", "yes_no", "why", "list", "compare", "over_time")  # kinds that a single sentence may answer
_PARTLY = ("list", "over_time")  # kinds that need several sentences
_SHORT = 12  # most words of a short answer


def fact(task: Task) -> Iterator[Event] | None:
    """Answer with what the model makes of the best sentences."""
    if task.kind == "not_for_it" and not is_answered(task):
        return None
    told = task.told
    told.searched(task.hits(task.text))
    told.time(retrieve_s=told.seconds())
    least = OPEN if task.kind in _PARTLY or analysis.is_phrase(task.text) else task.asked.least
    found = _parts(task, REASON if task.kind == "why" else least)
    told.searched(ranked([part.hits for part in found]))
    told.time(evidence_s=round(told.seconds() - told.timings.retrieve_s, 4))
    return _told(found, task) if any(part.chosen for part in found) else None


def is_answered(task: Task) -> bool:
    """Return whether the articles answer a line classified as talk, corpus or out of scope.

    They do if the reader's probability reaches the classifier's, or LIKELIER if that is lower. The reader's reaches
    LIKELIER for one in a hundred lines that the articles do not answer.
    """
    if task.kind != "not_for_it" and task.asked.sure >= CERTAIN:
        return False  # saves a search
    return task.part(task.text).probability >= min(task.asked.sure, LIKELIER)


def _parts(task: Task, least: float) -> list[Part]:
    """The sub-questions if all have answers; else the whole line, unless its best sentence answers one of them."""
    asked = parts.parts(task.text)
    if not asked and (sides := compare.sides(task.text)) and sides.times:  # "in 2018 and 2024"
        asked = sides.asked
    found = [task.part(one, least) for one in asked]
    if found and all(part.chosen for part in found):
        return found
    one = task.part(task.text, least)
    best = [(part.chosen[0].article, part.chosen[0].span) for part in found if part.chosen]
    return [one] if not best or (one.chosen and (one.chosen[0].article, one.chosen[0].span) not in best) else found


def _told(found: Sequence[Part], task: Task) -> Iterator[Event]:
    """Yield the answers to the parts, then the values of other sources that conflict with them."""
    told = task.told
    told.kind = told.kind if told.kind in FACTS and told.kind != "compare" else "fact"
    yield told.searched(ranked([part.hits for part in found]))
    for part in found:
        answered = bool(part.chosen) and (yield from task.writer.write(told, part, task.stopped))
        if task.stopped():
            return
        if not answered:
            if len(found) > 1:
                yield told.gap(replies.UNANSWERED.format(part.text))
            continue
        if values.asked(part.text) == "date":
            yield from _worked_out(part.chosen[0], task)
        place = _introduced(analysis.defined(part.text), part, task)
        if place and not told.quotes(place.article, place.span):
            yield told.quote(place)
    for part in found if told.shown else ():
        yield from disagreements(part, task)
    if not told.short and len(found) == 1 and any(c.verdict == "supported" for c in told.claims):
        told.short = _short(found[0])


def _introduced(name: str, part: Part, task: Task) -> Place | None:
    """The first sentence that names `name` in the article of the best sentence; None if there is no name."""
    article = task.index.article(part.chosen[0].article)
    own = (place_of(article, span) for span in sentences(article.text) if task.finder.is_own(article.path, span))
    return next((place for place in own if name and facts.has_name(name, place.text)), None)


def _worked_out(best: Evidence, task: Task) -> Iterator[Event]:
    """Which day a stated "Tuesday" is; if the sentence states no time, say so."""
    place, article, told = claims.verbatim_place(best), task.index.article(best.article), task.told
    text = times.worked_out(best, article) if told.quotes(place.article, place.span) else ""
    if text and not times.stated(best, article):
        yield told.gap(text)
    elif text:
        yield told.add(text, claims.Judgement("supported", 1.0, "", (place,)))


def disagreements(part: Part, task: Task) -> Iterator[Event]:
    """Record a conflict if sources give different values for the same thing, and quote each value."""
    finder, told = task.finder, task.told
    if not part.chosen or told.kind == "why":  # reasons cannot be compared as values
        return
    evidence = finder.evidence(part.text, task.wide)
    for conflict in conflicts.find(part.text, evidence, task.index.article, finder.reader):
        told.conflicts += (conflict,)
        for value in conflict.values:
            same = (one for one in evidence if one.article == value.article)
            home = next((one for one in same if one.span.start <= value.start < one.span.end), None)
            if home and not told.quotes(home.article, home.span):
                yield told.quote(claims.verbatim_place(home))


def _short(part: Part) -> str:
    """The short answer with the highest total weight (probability * confidence in the words) over the sentences."""
    weights: dict[str, float] = {}
    words: dict[str, str] = {}
    for one in part.chosen:
        key = " ".join(facts.words(one.words))
        if key and len(one.words.split()) <= _SHORT:  # no key: punctuation alone
            weights[key] = weights.get(key, 0.0) + one.probability * one.sure
            words.setdefault(key, one.words)
    return words[max(weights, key=lambda key: weights[key])] if weights else ""
