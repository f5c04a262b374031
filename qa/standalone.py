"""A line and the turns before it -> standalone questions, likeliest first.

A thing mentioned before replaces a pronoun or is appended in brackets; a fragment ("and in 2023?", "why?") replaces the
matching part of the last question. Only proposes candidates: the caller takes the one that the articles answer best.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, takewhile

from citewire.qa.analysis import Doc, Span, Token, read
from citewire.qa.rewriting import SUBJECTS, VERBS, as_question, asked_of, asking, feature, replaced
from citewire.qa.types import Turn

MOST = 4  # most candidates: each costs a search and a reading
_PUT = 2  # most things that replace a pronoun in turn
_BEHIND, _ENOUGH = 3, 2  # most things of a question that are appended; names of the answer fill up to _ENOUGH
_AGED = 1.5  # weight that a thing loses for each turn back,
_TOLD = 1.5  # and if only an answer has it, except to "who": "it" is rather what was asked about
_TIMES = ("DATE", "TIME")
_FIGURES = (*_TIMES, "MONEY", "PERCENT", "QUANTITY")
_PLACES = ("GPE", "LOC", "FAC")
_CLAUSES = ("xcomp", "ccomp", "csubj", "advcl", "acl")


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing mentioned in earlier turns.

    Attributes:
        text: its words; `whole`: with its modifiers, "the bridge over the Vire"; `label`: spaCy's entity label or "".
        person: 2 for a person by label or as a name that answers "who", 1 for a name without label, else 0.
        age: 0 in the last turn, 1 in the one before; `told`: whether only the answer of that turn mentions it.
        weight: how prominent it is: recent, a subject, a name.
    """

    text: str
    whole: str
    label: str
    plural: bool
    name: bool
    person: int
    age: int
    told: bool
    weight: float


def leans(text: str) -> bool:
    """Return whether a question needs earlier turns: a pronoun, a demonstrative, "and ...", too few words."""
    doc = read(text.strip())
    if (
        not len(doc)
        or any(w.pos_ == "CCONJ" for w in doc[: _opening(doc)])
        or any(points(w) or _demonstrates(w) for w in doc)
    ):
        return True
    if is_fragment(doc) and (doc[0].pos_ == "ADP" or asking(doc)):
        return True
    counts = any(w.lower_ == "many" and w.dep_ != "amod" for w in doc)  # "How many did Lund sell?"
    counts = counts or any(w.lower_ == "one" and any(c.dep_ in ("det", "amod") for c in w.children) for w in doc)
    return counts or not any(w.pos_ in ("NOUN", "PROPN", "NUM") for w in doc)


def candidates(text: str, turns: Sequence[Turn], before: Turn) -> tuple[str, ...]:
    """Return the questions that a line can stand for after the turns, without the line itself.

    Args:
        text: the line.
        turns: oldest first.
        before: the last turn with its standalone question.
    """
    doc, spoken = opened(read(text)), things(turns)
    made = (*_exchanged(doc, before), *_pointed(doc, spoken), *_appended(doc, spoken))
    return tuple(islice(dict.fromkeys(one for one in made if one and one != text), MOST))


def opened(doc: Doc) -> Doc:
    """Return the question without its opening "and" or "ok, and"."""
    skip = _opening(doc)
    return read(doc[skip:].text) if skip < len(doc) else doc


def _opening(doc: Doc) -> int:
    """The number of opening tokens without content; all of "ok!"."""
    return next((w.i for w in doc if w.pos_ not in ("CCONJ", "INTJ") and not w.is_punct), len(doc))


def points(word: Token) -> bool:
    """Return whether a word is a third-person pronoun whose referent is not named before it in the question."""
    third = word.tag_ in ("PRP", "PRP$") and feature(word, "Person") == "3" and feature(word, "Reflex") != "Yes"
    return third and not _is_empty(word) and not _named_before(word)


def is_fragment(doc: Doc) -> bool:
    """Return whether the words have no verb: "in 2023?", "What about Lund?", "Since when?", "Lund ferry price"."""
    return not any(w.pos_ in VERBS and w.dep_ != "amod" for w in doc)


def _demonstrates(word: Token) -> bool:
    """Whether a word is a demonstrative ("this", "those", "that day"), not a conjunction "that" or "this year"."""
    shown = feature(word, "PronType") == "Dem" and word.tag_ in ("DT", "RB") and word.pos_ != "SCONJ"
    relative = word.dep_ != "det" and any(w.dep_ == "relcl" and word in w.lefts for w in word.ancestors)
    this_year = word.dep_ == "det" and word.ent_type_ in _TIMES and word.lower_ == "this"
    return shown and not relative and word.dep_ != "mark" and not this_year


def _is_empty(word: Token) -> bool:
    """Whether an "it" is an expletive for a later clause: "Is it true that ...", "does it cost to ..."."""
    behind = takewhile(lambda w: w.pos_ != "CCONJ", word.doc[word.i + 1 :])
    clause = any(w.dep_ in _CLAUSES and word.head.is_ancestor(w) for w in behind)
    return clause and word.lower_ == "it" and word.dep_ in SUBJECTS


def _named_before(word: Token) -> bool:
    """Whether a name before the pronoun in the same question, or the "who" there, can be its referent."""
    before = word.doc[: word.i]
    who = next((w.i for w in before if w.tag_ == "WP" and w.lower_ != "what"), word.i)
    if _of_person(word) and any(w.pos_ == "CCONJ" for w in word.doc[who : word.i]):
        return True  # "Who is the new chair, and when was she elected?"
    other = ("ORG", *_PLACES) if _of_person(word) else ("PERSON",) if feature(word, "Number") == "Sing" else ()
    return any(w.pos_ == "PROPN" and w.ent_type_ not in (*_TIMES, *other) for w in before)


def _of_person(word: Token) -> bool:
    return feature(word, "Gender") in ("Masc", "Fem")


def things(turns: Sequence[Turn]) -> list[Thing]:
    """Return the things in the turns, the most prominent first, without figures and times.

    A turn whose question names nothing new does not count for their age: "when was that?" is about what came before it.
    """
    found: dict[str, Thing] = {}
    age = 0
    for turn in reversed(turns):
        asked = read(turn.question)
        of_who = any(w.tag_ == "WP" and w.lower_ != "what" for w in asked)
        for doc in (asked, read(turn.answer)) if turn.answer else (asked,):
            for span in (one for one in _named(doc) if not _is_figure(one)):
                told = doc is not asked and span.text.lower() not in turn.question.lower()
                one = _thing(span, age, told, told and of_who)
                known = found.setdefault(one.text.lower(), one)
                found[one.text.lower()] = replace(known, person=max(known.person, one.person))
        age += any(one.age == age and not one.told for one in found.values())
    return sorted(found.values(), key=lambda one: -one.weight)


def _named(doc: Doc) -> Iterator[Span]:
    """The noun chunks without question words and "how many", and the possessors in them."""
    for chunk in doc.noun_chunks:
        if chunk.root.pos_ not in ("NOUN", "PROPN"):
            continue
        yield from (doc[w.left_edge.i : w.i + 1] for w in chunk if w.dep_ == "poss" and w.pos_ in ("PROPN", "NOUN"))
        asks = [w.i for w in chunk if w.tag_[0] == "W" or any(c.tag_ == "WRB" for c in w.children)]
        start = max(asks, default=chunk.start - 1) + 1
        if start < chunk.end and not any(w.tag_ == "PRP$" for w in chunk):
            yield doc[start : chunk.end]


def _is_figure(span: Span) -> bool:
    """Whether a phrase is a time or an amount: "May", "12 million euros", "14 trams", "more than half"."""
    amount = span.root.ent_type_ == "CARDINAL"
    amount |= span.root.pos_ == "NOUN" and any(w.dep_ == "nummod" and w.head == span.root for w in span)
    return amount or any(w.ent_type_ in _FIGURES for w in span)


def _thing(span: Span, age: int, told: bool, who: bool) -> Thing:
    head, label, article = span.root, span.root.ent_type_, span[0].pos_ == "DET"
    many = feature(head, "Number") == "Plur"
    name = any(w.pos_ == "PROPN" for w in span)
    person = 2 if label == "PERSON" or (name and who) else int(name and not (label or article or many))
    if person:  # "Ana Ruiz", not "former minister Ana Ruiz"
        span = span.doc[next((w.i for w in span if w.pos_ == "PROPN"), span.start) : span.end]
    plural = many and not (name and (len(span) - article > 1 or label in _PLACES))  # "Lund Lines", "the Netherlands"
    weight = (head.dep_ in SUBJECTS) + name - _TOLD * (told and not who) - _AGED * age
    text = f"the {span[1:].text}" if feature(span[0], "PronType") == "Art" and len(span) > 1 else span.text
    behind = next((w.right_edge.i + 1 for w in head.rights if w.i == span.end and w.dep_ == "prep"), span.end)
    return Thing(text, span.doc[span.start : behind].text, label, plural, name, person, age, told, weight)


def _fits(word: Token, one: Thing) -> float | None:
    """How well a pronoun fits a thing, higher is better; None if it cannot refer to it."""
    if _of_person(word):
        return one.weight + 2 * one.person if one.person else None
    if feature(word, "Number") == "Plur":
        return one.weight + 4 * one.plural + (one.label in ("ORG", "NORP", "GPE"))
    return None if one.plural else one.weight - 2 * one.person


def _pointed(doc: Doc, spoken: Sequence[Thing]) -> Iterator[str]:
    """The question with a person for "she", or a thing for "it" if it has no personal pronoun."""
    words = list(filter(points, doc))
    words = list(filter(_of_person, words)) or words
    words = [w for w in words if feature(w, "Number") == feature(words[0], "Number")]
    fits = [(fit, one.text) for one in spoken if words and (fit := _fits(words[0], one)) is not None]
    for _, text in sorted(fits, key=lambda pair: -pair[0])[:_PUT]:
        yield replaced(doc, {(w.i, w.i + 1): f"{text}'s" if w.tag_ == "PRP$" else text for w in words})


def _appended(doc: Doc, spoken: Sequence[Thing]) -> Iterator[str]:
    """The line with the things of a turn's question appended, the last turn first, and names of its answer if few."""
    words = doc.text.rstrip(" ?!.")
    for age in sorted({one.age for one in spoken}):
        new = [one for one in spoken if one.age == age and one.text.lower() not in words.lower()]
        some = [one.whole for one in new if not one.told]
        some = [one for one in some if not any(one in other and one != other for other in some)][:_BEHIND]
        some += [one.text for one in new if one.told and one.name][: max(_ENOUGH - len(some), 0)]
        if some:
            yield f"{words} ({', '.join(some)})?"


def _exchanged(doc: Doc, last: Turn) -> Iterator[str]:
    """The last question with its matching part replaced by the fragment that the line is."""
    earlier, told = read(last.question), read(last.answer) if last.answer else None
    said = [w for w in doc if not w.is_punct and w.pos_ not in (*VERBS, "PRON") and w.tag_ != "RB"]
    bare = all(w.tag_[0] == "W" or w.tag_ == "IN" for w in said)
    about = len(doc) > 2 and doc[0].tag_[0] == "W" and doc[1].lower_ == "about"
    bare = bare and not any(points(w) and _of_person(w) for w in doc)
    if said and bare and not about and all(w.lemma_ in ("be", "do", "happen") for w in doc if w.pos_ in VERBS):
        asked = " ".join(w.lower_ for w in said)  # "why?", "since when?", "why did it do that?"
        yield asked_of(earlier, asked)
        yield asked_of(told, asked) if told is not None else ""
        return
    part = read(doc[2 if about else 0 :].text.rstrip(" ?!."))
    if is_fragment(doc) and len(part) and not any(w.tag_[0] == "W" for w in part):
        preposition = part[0].lower_ if part[0].pos_ == "ADP" and len(part) > 1 else ""
        yield from _in_place(earlier, part[bool(preposition) :], preposition)


def _in_place(earlier: Doc, part: Span, preposition: str) -> Iterator[str]:
    """The earlier question with each phrase of the same kind replaced by the words, the likeliest first."""
    numbers = (earlier[w.i : w.i + 1] for w in earlier if w.pos_ == "NUM" and w.dep_ != "nummod")
    places = [*_named(earlier), *numbers]
    time = _is_time(part)
    found = []
    for place in places:
        head = place.root
        if _is_time(place) == time:
            same = bool(preposition) and head.dep_ == "pobj" and head.head.lower_ == preposition
            named = any(w.pos_ == "PROPN" for w in place) == any(w.pos_ == "PROPN" for w in part)
            found.append((2 * named + 3 * same + (head.dep_ in SUBJECTS), (place.start, place.end)))
    for _, span in sorted(found, key=lambda one: -one[0]):
        yield replaced(earlier, {span: part.text})
    if not found and (time or preposition):
        yield as_question(f"{earlier.text.rstrip(' ?')} {preposition or 'in'} {part.text}")


def _is_time(part: Span) -> bool:
    return any(w.ent_type_ in _TIMES for w in part) or all(w.pos_ in ("NUM", "DET") for w in part)
