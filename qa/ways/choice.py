"""Which ways to answer are tried for a question, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from citewire.qa import analysis, compare, facts, parts
from citewire.qa.kinds import APART, CERTAIN, LIKELIER
from citewire.qa.types import Event
from citewire.qa.ways.changes import course
from citewire.qa.ways.general import not_for_it, talk, topic_of, whole
from citewire.qa.ways.several import compared, items, outlined
from citewire.qa.ways.single import FACTS, fact, is_answered
from citewire.qa.ways.sources import doubt, quote, which_article, who_said
from citewire.qa.ways.summaries import defined, is_answered_phrase, more, phrase, summarise
from citewire.qa.ways.task import Task, Way

# A new kind of question is two functions and their line here: whether a standalone question is of that kind, and its
# way, which sets `task.told.kind`. These ways are tried before those of the trained kinds.
RECOGNISED: tuple[tuple[Callable[[str], bool], Way], ...] = ()
_OF_ITSELF = ("talk", "more", "who_said", "which_article", "doubt")  # kinds without a fact as fallback
_ONLY_FIRST = (*_OF_ITSELF, "summary")  # kinds that are no fallback: they would answer what no sentence does


def ways(task: Task) -> list[Way]:
    """Return the ways to try, the likeliest first; they raise the errors of `Answerer.stream`."""
    first, others = _ordered(task)
    tried: list[Way] = [fact] if _is_single(task, first, others) else []
    if first == "list" or (first == "summary" and "list" in others):
        tried.insert(0, outlined)
    tried += [_OF_KIND.get(kind, fact) for kind in (first, *others) if kind == first or kind not in _ONLY_FIRST]
    if first == "corpus" and topic_of(task.text)[0]:
        tried.append(items)
    if first not in _OF_ITSELF:
        tried.append(fact)
        tried.insert(tried.index(fact), phrase)
        tried.append(defined)
    if "corpus" in others:
        tried = [*(way for way in tried if way != whole), whole]
    recognised = (way for recognises, way in RECOGNISED if recognises(task.text))
    return list(dict.fromkeys([*recognised, *_quoting(task, tried)]))


def _ordered(task: Task) -> tuple[str, Sequence[str]]:
    """The likeliest kind and the others, after what the classifier does not see in the question."""
    first, *others = task.asked.kinds
    if first == "fact" and "list" in others and not analysis.is_phrase(task.text):
        first, others = "list", ["fact", *(kind for kind in others if kind != "list")]
    if first == "corpus" and task.asked.intents["corpus"] == "overview" and facts.terms(topic_of(task.text)[0]):
        first, others = "summary", [*others, "fact"]  # "what do they say about Orvik?"
    if first == "compare" and parts.parts(task.text):
        first, others = "fact", [*others, "compare"]  # two questions are no comparison
    if first in FACTS and first != "compare" and (sides := compare.sides(task.text)) and sides.joined == "beside":
        first, others = "compare", [first, *others]
    return first, others


def _is_single(task: Task, first: str, others: Sequence[str]) -> bool:
    """Whether single sentences answer a line that may ask for something else; facts are tried first then."""
    if is_answered(task) if first in APART else _is_fact(task, first, others):
        return True
    unsure = first == "summary" or (first == "list" and task.asked.sure < CERTAIN)
    bare = unsure and analysis.about(task.text) == task.text.rstrip(" ?!.,")  # a bare topic
    return bare and is_answered_phrase(task)


def _is_fact(task: Task, first: str, others: Sequence[str]) -> bool:
    """Whether one sentence (probability >= LIKELIER) answers a line that may or may not ask for several things."""
    unsure = task.asked.sure < CERTAIN and first in ("list", "compare", "over_time") and "fact" in others
    if not unsure or (first == "compare" and compare.sides(task.text)) or analysis.is_phrase(task.text):
        return False
    return task.part(task.text).probability >= LIKELIER


def _quoting(task: Task, tried: list[Way]) -> list[Way]:
    """The ways with `quote` before `fact`, or in its place, if the question may ask for someone's words."""
    if task.asked.intents.get("fact") != "quote":
        return tried
    if task.kind == "fact":
        return [quote, *(way for way in tried if way != fact or task.asked.sure < LIKELIER)]
    if task.kind not in FACTS and "fact" in task.asked.kinds:
        tried.insert(tried.index(fact), quote)
    return tried


def _compare(task: Task) -> Iterator[Event] | None:
    """Compare the sides that the question names; without sides, list, or tell how it changed."""
    sides = compare.sides(task.text)
    return (items(task) or course(task)) if sides is None else compared(sides, task)


_OF_KIND: Mapping[str, Way] = {
    "talk": talk, "corpus": whole, "summary": summarise, "list": items, "compare": _compare, "over_time": course,
    "more": more, "who_said": who_said, "which_article": which_article, "doubt": doubt, "not_for_it": not_for_it,
}  # fmt: skip
