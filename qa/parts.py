"""A question that asks for more than one fact -> questions that each ask for one, and what joins their answers.

Each part is the question itself with one conjunct in the place of several, read anew to see that it stands. Where the
construction is not clear the question stays whole: a split that is missing costs a search, a wrong one the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from citewire.qa import compare
from citewire.qa.analysis import Doc, Span, Token, read
from citewire.qa.arithmetic import Operation
from citewire.qa.followup import follow_up, leans, opened
from citewire.qa.rewriting import (
    SUBJECTS,
    VERBS,
    as_question,
    asked_of,
    asking,
    feature,
    is_name,
    is_time,
    replaced,
    root,
)
from citewire.qa.types import Turn

Kind = Literal["plain", "list", "comparison", "change"]

_MOST = 8  # parts; a reader asks for fewer, a pasted table of names is no question
_SINGULAR = {"are": "is", "were": "was", "do": "does", "have": "has"}
_HOW = ("ADJ", "ADV", "ADP", "PART")  # what may follow the verb that says how a thing moved: "cheaper", "up"
_EACH = ("each", "both", "respectively", "separately", "individually")


@dataclass(frozen=True, slots=True)
class Whole:
    """What a question asks for as a whole.

    Attributes:
        kind: "comparison" of two things or more, "list" of several answers, "change" of one thing over time, "plain".
        operation: what is to be done with the figures or days that the parts' answers give, "" if nothing.
        parts: questions that stand alone, in the order of the answer; empty for one plain question, and for a
            comparison or a change whose parts the words do not name.
        names: what the parts of a comparison are about, and when those of a change were: "in 2023".
        told, whether: of a comparison, as in `citewire.qa.compare.Sides`.
    """

    kind: Kind = "plain"
    operation: Operation | Literal[""] = ""
    parts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    told: str = ""
    whether: bool = False


def whole(text: str) -> Whole:
    """Return what `text`, a question that stands alone, asks for as a whole."""
    found = _read(" ".join(text.split()))
    parts = tuple(dict.fromkeys(found.parts))
    return Whole() if found.parts and not 2 <= len(parts) <= _MOST else replace(found, parts=parts)


def _read(text: str, depth: int = 2) -> Whole:
    doc = read(text)
    if not depth or not any(w.is_alpha for w in doc):
        return Whole()
    rules: tuple[Callable[[Doc], Whole | None], ...] = (_questions, _change, _compared, _coordinated)
    found = next((whole for rule in rules if (whole := rule(doc))), Whole())
    if found.kind != "list":
        return found
    return Whole("list", found.operation, tuple(q for p in found.parts for q in (_read(p, depth - 1).parts or (p,))))


def _compared(doc: Doc) -> Whole | None:
    if (found := compare.sides(doc.text)) is None:
        return None
    asked = compare.questions(found)
    return Whole("comparison", found.operation, asked, found.names, found.told, found.whether)


# -- several questions ------------------------------------------------------------------------------------


def _questions(doc: Doc) -> Whole | None:
    """Questions one after the other, or joined by "and"."""
    if "?" in doc[:-1].text:
        pieces = [opened(read(piece.strip()))[:] for piece in doc.text.split("?") if piece.strip()]
        return _standing([as_question(p.text) for p in pieces]) if all(map(_opens, pieces)) else None
    for joint in doc[1:-1]:
        if joint.tag_ == "CC" and joint.lower_ in ("and", "but") and not _is_quoted(joint):
            first, second = doc[: joint.i], doc[joint.i + 1 :]
            if found := _two(read(first.text.rstrip(" ,;")), second):
                return found
    return None


def _two(first: Doc, second: Span) -> Whole | None:
    if second[0].lower_ == "also":
        second = second[1:]
    if not len(second) or not _opens(second) or not _opens(first[:]) or _has_relative(first):
        return None
    behind = read(second.text)
    asked = asking(behind)
    clause = any(w.pos_ in VERBS for w in behind)
    own = asking(first)
    if own and own[1] == len(first):  # "When and where was it built?"
        rest = behind[asked[1] :].text if asked and clause else ""
        return Whole("list", parts=(as_question(f"{first.text} {rest}"), as_question(second.text))) if rest else None
    if not any(w.pos_ in VERBS for w in first):
        return None
    if clause:
        return _standing([as_question(first.text), as_question(second.text)])
    again = (
        _again(first, behind[:].text.rstrip(" ?!.")) if asked and behind[asked[1] :].text.strip(" ?!.") == "" else ""
    )
    return Whole("list", parts=(as_question(first.text), again)) if again else None


def _again(first: Doc, asked: str) -> str:
    """The first question with other question words: "Who founded Acme" with "when"."""
    if again := asked_of(first, asked):
        return again
    verb, span = root(first), asking(first)
    thing = next((w for w in verb.children if w.dep_ == "dobj" and w.i > verb.i), None)
    if not span or thing is None or verb.i != span[1] or not (verb.tag_ == "VBD" and verb.lower_.endswith("ed")):
        return ""  # other forms of a passive are not known
    start, end = thing.left_edge.i, thing.right_edge.i + 1
    be = "were" if feature(thing, "Number") == "Plur" else "was"
    return as_question(f"{asked} {be} {first[start:end].text} {verb.text} {first[end:].text}")


def _opens(words: Span) -> bool:
    """Whether the words begin as a question does: with a question word or an auxiliary before its subject."""
    if not len(words):
        return False
    if words[0].pos_ in ("ADP", "SCONJ") and not words[0].tag_.startswith("W"):
        words = words[1:]
    if not len(words) or words[0].tag_.startswith("W"):
        return bool(len(words))
    return (
        words[0].pos_ == "AUX"
        and len(words) > 2
        and (is_name(words[1]) or words[1].pos_ in ("DET", "PRON", "NOUN", "ADJ"))
    )


def _has_relative(doc: Doc) -> bool:
    asked = asking(doc)
    return any(w.tag_ in ("WP", "WDT", "WP$") and (not asked or w.i >= asked[1]) for w in doc) or any(
        w.dep_ in ("ccomp", "relcl") and any(c.tag_ == "WRB" for c in w.children) for w in doc
    )


def _is_quoted(word: Token) -> bool:
    return word.doc[: word.i].text.count('"') % 2 == 1 or word.doc[: word.i].text.count("“") > word.doc[
        : word.i
    ].text.count("”")


def _standing(pieces: Sequence[str]) -> Whole | None:
    """The questions as a list, what they leave out filled in from those before."""
    turns: list[Turn] = []
    for piece in pieces:
        if turns and leans(piece):
            piece = follow_up(piece, turns)[0]
            if leans(piece):
                return None
        turns.append(Turn(piece, ""))
    return Whole("list", parts=tuple(t.question for t in turns))


# -- one question for several things ------------------------------------------------------------------------


def _coordinated(doc: Doc) -> Whole | None:
    """The same asked of several times, names or quantities."""
    asked = asking(doc)
    for head in doc:
        items = [head, *head.conjuncts] if head.dep_ != "conj" else []
        joints = [c for item in items for c in item.children if c.dep_ == "cc"]
        if len(items) < 2 or any(c.lower_ not in ("and", "&") for c in joints) or (asked and head.i < asked[1]):
            continue
        if _is_quoted(head) or not joints or (asked and doc[asked[0]].lower_ == "why"):
            continue
        if parts := _times(items) or _things(items):
            return Whole("list", parts=tuple(parts))
    return None


def _times(items: Sequence[Token]) -> list[str]:
    before = items[0].head
    if not all(map(is_time, items)) or items[0].dep_ != "pobj" or before.lower_ in ("between", "from"):
        return []
    return _shared(items)


def _things(items: Sequence[Token]) -> list[str]:
    """The parts for coordinated subjects, or things that belong to them, where each has its own."""
    head, doc = items[0], items[0].doc
    each = any(w.lower_ in _EACH for w in doc)
    verb = next((w for w in head.ancestors if w.pos_ in VERBS), head)
    auxiliary = next((w for w in verb.lefts if w.pos_ == "AUX"), verb)
    if any(w.lower_ == "together" for w in doc) or not all(i.pos_ in ("NOUN", "PROPN") for i in items):
        return []
    plural = auxiliary.lower_ in ("are", "were") and auxiliary.i < head.i
    if head.dep_ in (*SUBJECTS, "attr") and head.head == verb:
        names = all(i.pos_ == "PROPN" for i in items)
        owned = [any(c.dep_ in ("det", "poss") for c in i.children) for i in items]
        alike = len({feature(i, "Number") for i in items}) == 1 and feature(head, "Number") != "Plur"
        if (
            each
            or (plural and asking(doc) and (names or all(owned) or (owned[0] and alike)))
            or (all(owned) and asking(doc))
        ):
            return _shared(items, auxiliary)
        return []
    of = head.head
    owner = of.head if head.dep_ == "pobj" and of.lower_ in ("of", "in", "at") else None
    if owner is None or owner.dep_ not in (*SUBJECTS, "attr") or not (each or (plural and owner.tag_ == "NNS")):
        return []
    return _shared(items, auxiliary, owner)


def _shared(items: Sequence[Token], auxiliary: Token | None = None, owner: Token | None = None) -> list[str]:
    """The question once for each of the items, which share what stands before the first and after the last."""
    doc, last = items[0].doc, items[-1]
    opening = [c for c in items[0].lefts if c.dep_ in ("det", "poss")]
    tails = [next((c.i for c in i.rights if c.dep_ in ("prep", "nummod")), None) for i in items]
    own_tails = tails[0] is not None and tails[0] < items[1].i
    parts = []
    for item in items:
        begin = min([item.i, *(c.left_edge.i for c in item.lefts if c.dep_ != "cc")])
        words = doc[begin : (item.right_edge.i + 1 if own_tails and item is last else item.i + 1)].text
        if own_tails and item is not last:
            words = doc[begin : next(c.i for c in item.rights if c.dep_ in ("cc", "punct", "conj"))].text
        if item is not items[0] and opening and not any(c.dep_ in ("det", "poss") for c in item.lefts):
            words = f"{doc[opening[0].left_edge.i : opening[-1].right_edge.i + 1].text} {words}"
        end = last.right_edge.i + 1 if own_tails else last.i + 1
        edits = {(min([items[0].i, *(c.left_edge.i for c in items[0].lefts)]), end): words}
        edits |= {(w.i, w.i + 1): "" for w in doc if w.lower_ in _EACH}
        if auxiliary is not None and (owner is not None or feature(item, "Number") != "Plur" or item.pos_ == "PROPN"):
            edits[auxiliary.i, auxiliary.i + 1] = _singular(auxiliary)
        if owner is not None and owner.tag_ == "NNS":
            edits[owner.i, owner.i + 1] = owner.lemma_
        parts.append(replaced(doc, edits))
    return parts


def _singular(auxiliary: Token) -> str:
    plain = _SINGULAR.get(auxiliary.lower_, auxiliary.lower_)
    return plain.capitalize() if auxiliary.is_title else plain


# -- change over time ---------------------------------------------------------------------------------------


def _change(doc: Doc) -> Whole | None:
    """How one thing changed: "How did A change from one time to another?", "the change in A since 2019"."""
    asked = asking(doc)
    start = next((w.i for w in doc if w.lower_ in ("from", "between", "since")), len(doc))
    percent = any(w.lower_.startswith("percent") or w.text == "%" for w in doc[:start])
    operation: Operation = "percent change" if percent else "difference"
    times = _span(doc[start:])
    word = next((w for w in doc if w.lemma_ == "change" and w.pos_ == "NOUN"), None)
    into = next((c for c in word.children if c.lower_ in ("in", "of")), None) if word is not None else None
    if into is not None:
        return _at_both(doc[into.i + 1 : start], times, operation) if times else None
    if asked is None or asked[1] >= start or doc[asked[1]].pos_ != "AUX" or doc[asked[1]].lemma_ == "be":
        return None
    lead, how = doc[asked[1]], doc[asked[1] - 1]
    if not percent and doc[0].tag_ != "IN" and how.lower_ not in ("how", "much"):
        return None
    words = [w for w in doc[lead.i + 1 : start] if not w.is_punct]
    # in a question's order the verb is often read as a noun: then it is the last word before the times
    moves = next((w for w in words[1:] if w.pos_ == "VERB"), words[-1] if len(words) > 1 else None)
    if moves is None or moves.tag_ in ("NNS", "NNP") or any(w.pos_ not in _HOW for w in words if w.i > moves.i):
        return None
    if times:
        return _at_both(doc[lead.i + 1 : moves.i], times, operation, words[-1])
    return Whole("change") if moves.lemma_ == "change" and how.lower_ == "how" and start == len(doc) else None


def _span(words: Span) -> tuple[str, str] | None:
    """The two times of "from 2019 to 2023", "between March and May 2023", "since 2019"."""
    if not any(map(is_time, words)):
        return None
    if words[0].lower_ == "since":
        return f"in {words[1:].text.rstrip(' ?!.')}", "now"
    joint = next((w.i for w in words if w.lower_ in ("to", "and", "until", "through")), words.end)
    both = words.doc[words.start + 1 : joint], words.doc[joint + 1 : words.end]
    if not all(any(map(is_time, part)) for part in both):
        return None
    return f"in {both[0].text}", f"in {both[1].text.rstrip(' ?!.')}"


def _at_both(thing: Span, times: tuple[str, str], operation: Operation, how: Token | None = None) -> Whole:
    """What the thing was at both times; how much of what it became, "cheaper"."""
    if all(is_name(w) or w.pos_ == "DET" for w in thing):
        return Whole("change")  # what of it changed is not said
    now, then = ("are", "were") if root(read(thing.text)).tag_ == "NNS" else ("is", "was")
    degree = compare.plain_degree(how) if how is not None else ""
    asked = f"how {degree}" if degree else "what"
    parts = [f"{asked} {now if time == 'now' else then} {thing.text} {time}" for time in times]
    return Whole("change", operation, tuple(map(as_question, parts)), times)
