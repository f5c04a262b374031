"""What the turns of a conversation spoke of, and how well a word such as "it" or "there" can mean each.

Knows names and things as spaCy reads them; knows nothing of what is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from citewire.qa.analysis import Doc, Span, Token, read
from citewire.qa.rewriting import SUBJECTS, feature, whole_span
from citewire.qa.types import Turn

TIMES = ("DATE", "TIME")
PLACES = ("GPE", "LOC", "FAC")


@dataclass(frozen=True, slots=True)
class Thing:
    """What was spoken of.

    Attributes:
        text: its words; label: spaCy's of its entity, "" for none.
        person: whether it is one by its label; who: whether it is a name that answers "who".
        place: the preposition "in", "at" or "on" before it, "" for none.
        weight: how prominent it is: recent, a subject, a name.
    """

    text: str
    label: str
    plural: bool
    name: bool
    person: bool
    who: bool
    place: str
    weight: float


def things(turns: Sequence[Turn]) -> list[Thing]:
    """What the turns speak of, newest turn first."""
    out: dict[str, Thing] = {}
    for age, turn in enumerate(reversed(turns)):
        asked = read(turn.question)
        of_who = any(w.lower_ in ("who", "whom") for w in asked)
        for doc in (asked, read(turn.answer)) if turn.answer else (asked,):
            for one in _referents(doc):
                told = doc is not asked and one.text.lower() not in turn.question.lower()
                one = replace(one, who=told and one.name and of_who, weight=one.weight - 1.5 * age - 0.5 * told)
                known = out.setdefault(one.text.lower(), one)
                out[one.text.lower()] = replace(known, place=known.place or one.place)
    return list(out.values())


def suits(word: Token, one: Thing) -> float | None:
    """How well a word can mean a thing; None where not at all."""
    if (one.label in TIMES) != (word.lower_ == "then") or (feature(word, "Number") == "Sing" and one.plural):
        return None
    if word.lower_ == "there":
        return one.weight + 2 * (one.label in PLACES) + 3 * bool(one.place) - one.person
    if feature(word, "Gender") in ("Masc", "Fem"):
        return one.weight + 2 * one.person + 3 * one.who if one.person or one.who else None
    if word.dep_ == "det":
        return one.weight + 4 * (word.head.lemma_.lower() in one.text.lower().split())
    if feature(word, "Number") == "Plur":
        return one.weight + 3 * one.plural + (one.label == "ORG")
    return one.weight - 3 * one.who - 1.5 * one.person


def _referents(doc: Doc) -> Iterator[Thing]:
    for chunk in doc.noun_chunks:
        head = chunk.root
        if head.pos_ not in ("NOUN", "PROPN", "NUM") or any(w.tag_[0] == "W" for w in chunk):
            continue
        for owner in (w for w in chunk if w.dep_ == "poss" and w.pos_ in ("PROPN", "NOUN")):
            yield _thing(doc[owner.left_edge.i : owner.i + 1], owner)
        if own := next((w for w in chunk if w.tag_ == "PRP$"), None):
            if named := next((w for w in doc[: own.i] if w.pos_ == "PROPN" and w.dep_ != "compound"), None):
                name = doc[named.left_edge.i : named.i + 1].text
                yield replace(_thing(chunk, head), text=f"{name}'s {doc[own.i + 1 : chunk.end].text}", name=True)
            continue
        yield _thing(chunk, head)
        start, end = whole_span(head)
        if start == chunk.start and end > chunk.end and not any(w.ent_type_ in TIMES for w in doc[chunk.end : end]):
            joined = any(w.dep_ == "conj" and w.head is head for w in doc[chunk.end : end])
            whole = _thing(doc[start:end], head)
            yield replace(whole, plural=True) if joined else replace(whole, weight=0.0, name=False)


def _thing(span: Span, head: Token) -> Thing:
    the = span[0].pos_ == "DET" and span[0].tag_ == "DT" and len(span) > 1
    name = any(w.pos_ == "PROPN" for w in span)
    before = head.head if head.dep_ == "pobj" else None
    place = before.lower_ if before is not None and before.lower_ in ("in", "at", "on") else ""
    full_name = head.pos_ == "PROPN" and len(span) > 1 and span[0].is_title
    return Thing(
        f"the {span[1:].text}" if the else span.text,
        head.ent_type_,
        plural=feature(head, "Number") == "Plur" and not (name and len(span) > 1),
        name=name,
        person=head.pos_ == "PROPN"
        and (head.ent_type_ == "PERSON" or (full_name and head.ent_type_ not in ("ORG", "GPE"))),
        who=False,
        place=place,
        weight=float(head.dep_ in SUBJECTS) + name,
    )
