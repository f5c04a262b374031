"""A question that compares -> what it compares, what is asked of each, and the sentences that say it side by side.

Knows what a question sets beside what, and which sentences speak of the same thing. Computes nothing: `qa.arithmetic`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from citewire.index.embed import load_embedder
from citewire.index.passages import title_words
from citewire.index.store import Index
from citewire.index.types import Embedder, Vectors
from citewire.qa import facts
from citewire.qa.analysis import Doc, Span, Token, read
from citewire.qa.arithmetic import Operation
from citewire.qa.evidence import Evidence
from citewire.qa.rewriting import VERBS, as_question, asking, is_name, is_time

Find = Callable[[str], Sequence[Evidence]]

_MOST = 4  # things that are compared
_ROWS = 3
_ALIKE = 0.35  # cosine from which two sentences, their names taken out, speak of the same thing
_FIGURES = 0.1  # what figures in all sentences of a row count beside the cosine
_DEGREES = ("JJR", "JJS", "RBR", "RBS")  # the tags of comparatives and superlatives
_BE = ("is", "was", "are", "were")
_BESIDE = ("compar", "differ", "vs", "versus")  # how the words begin that set things side by side
_JOINTS = (",", "&", "with", "to", "against", "from", "than", "vs", "vs.", "versus")
# Both ends of a scale: a comparative belongs to the scale of the nearest of these, on the side where its vector lies.
_POLES: tuple[tuple[str, str, Operation, Operation], ...] = (
    ("more", "less", "larger", "smaller"), ("larger", "smaller", "larger", "smaller"),
    ("higher", "lower", "larger", "smaller"), ("longer", "shorter", "larger", "smaller"),
    ("heavier", "lighter", "larger", "smaller"), ("faster", "slower", "larger", "smaller"),
    ("older", "younger", "older", "younger"), ("oldest", "newest", "older", "younger"),
    ("earlier", "later", "earlier", "later"), ("first", "last", "earlier", "later"),
)  # fmt: skip
_BEFORE = ("det", "advmod", "npadvmod")  # what belongs to a comparative before it: "the", "much", "two years"
_LEVELS = ("larger", "higher")  # scales of which a quantity's figure says all: "a higher profit" asks for the profit


@dataclass(frozen=True, slots=True)
class Sides:
    """What a question compares.

    Attributes:
        names: two to four things, as typed.
        asked: what is asked of each, in their order, as questions that stand alone; empty for a general comparison.
        operation: what is to be done with the figures that answer these, "" for none.
        told: what is said of the one that comes first, "has more ships"; "" where no one does.
        whether: whether the question is for yes or no: whether the first name comes first.
    """

    names: tuple[str, ...]
    asked: tuple[str, ...] = ()
    operation: Operation | Literal[""] = ""
    told: str = ""
    whether: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One sentence for each side, on the same thing; the same one twice where it tells of both.

    Attributes:
        told: in the order of the names; None where the articles have nothing of a side.
        likeness: cosine similarity of the sentences without the names, the least of any with the first; 0 with a gap.
    """

    told: tuple[Evidence | None, ...]
    likeness: float


def sides(question: str) -> Sides | None:
    """Return what a question that stands alone compares; None for one that compares nothing."""
    doc = read(" ".join(question.split()))
    for found in (_chosen(doc), _than(doc), _beside(doc)):
        if found and 2 <= len({n.lower() for n in found.names}) == len(found.names) <= _MOST and all(found.asked):
            return found
    return None


def questions(found: Sides) -> tuple[str, ...]:
    """Return for each side a question that stands alone: what is asked, or what is known, of it."""
    return found.asked or tuple(f"What is known about {name}?" for name in found.names)


# -- the direction ----------------------------------------------------------------------------------------------


def direction(word: str) -> tuple[Operation, str]:
    """Return what a comparative or superlative asks for, and the upper end of the scale that it is on.

    >>> direction("cheaper"), direction("sooner")
    (('smaller', 'more'), ('earlier', 'earlier'))
    """
    embedder, upper, lower = _ends()
    vector = embedder.embed([_worded(word)])[0]
    near = int(np.argmax(np.maximum(upper @ vector, lower @ vector)))
    high, _, up, down = _POLES[near]
    scale = [at for at, pole in enumerate(_POLES) if pole[2] == up]
    return up if float((upper[scale] - lower[scale]).sum(axis=0) @ vector) > 0 else down, high


@cache
def _ends() -> tuple[Embedder, Vectors, Vectors]:
    """The default embedder, which the scales were measured with, and its vectors of their ends."""
    embedder = load_embedder(threads=1)
    upper, lower = (embedder.embed([_worded(pole[at]) for pole in _POLES]) for at in (0, 1))
    return embedder, upper, lower


def _worded(word: str) -> str:
    return f"{word.lower()} amount"  # measured: tells 39 of 40 comparatives beside these words, the word alone 36


# -- one of several is asked for ------------------------------------------------------------------------------


def _chosen(doc: Doc) -> Sides | None:
    """As in "Which is older, A or B?", "Which of A and B had more?", "A or B, which is older?"."""
    split = _split(doc)
    names = things(split[1]) if split else []
    bare = read(as_question(split[0])) if split else doc
    asked = asking(bare)
    if len(names) < 2 or not asked or asked[1] >= len(bare) or bare[asked[1]].pos_ not in VERBS:
        return None
    verb = bare[asked[1]]
    helped = verb.pos_ == "AUX" and verb.lemma_ != "have"
    lead = {"are": "is", "were": "was"}.get(verb.lower_, verb.lower_) if helped else ""
    rest = [w for w in bare[asked[1] + helped :] if not w.is_punct]
    told = f"{lead} {_text(rest)}".strip()
    lead = lead or ("did" if verb.tag_ == "VBD" else "does")
    degree = next(
        (w for w in rest if w.tag_ in _DEGREES or (w.lower_ in ("first", "last") and w.i == rest[-1].i)), None
    )
    if degree is not None:
        return _measured(names, lead, [rest] * len(names), degree, told)
    return Sides(tuple(names), tuple(as_question(f"{lead} {n} {_plain(rest, verb)}") for n in names)) if rest else None


def _split(doc: Doc) -> tuple[str, Span] | None:
    """What is asked of several things, and these: the words around the last "or", "and" in "which of A and B"."""
    joint = next((w for w in reversed(doc) if w.tag_ == "CC"), None)
    if joint is None or joint.i == 0:
        return None
    led = next((w for w in doc[:2] if w.tag_ == "IN" and (w.i == 0 or doc[0].tag_ == "WDT")), None)
    if led is not None:
        end = next((w.i for w in doc[joint.i :] if w.pos_ in VERBS or w.text == ","), len(doc))
        return f"{doc[: led.i].text} {doc[end:].text.lstrip(', ')}", doc[led.i + 1 : end]
    if joint.lower_ != "or":
        return None
    end = next((w.i for w in doc[joint.i :] if w.is_punct), len(doc))
    if not doc[0].tag_.startswith("W"):
        asked = doc[end + 1 :]
        return (asked.text, doc[:end]) if len(asked) and asked[0].tag_.startswith("W") else None
    closed = end < len(doc) - 1
    breaks = (w.i for w in doc[: joint.i] if w.is_punct and (closed or any(one.pos_ in VERBS for one in doc[: w.i])))
    at = next(breaks, None)
    if at is None:  # without a comma each side has as many words
        start = joint.i - (end - joint.i - 1)
        degree = any(w.tag_ in _DEGREES for w in doc[: max(start, 0)])
        return (doc[:start].text, doc[start:end]) if degree else None
    return f"{doc[:at].text} {doc[end + 1 :].text}", doc[at + 1 : end]


def things(words: Span) -> list[str]:
    """Return the things that words like "A, B and C" name, each a noun phrase; [] where some is none."""
    found = _parted(words)
    nominal = all(any(w.pos_ in ("NOUN", "PROPN", "NUM") or is_name(w) for w in some) for some in found)
    clear = nominal and not any(w.pos_ in VERBS and not is_name(w) for some in found for w in some)
    return [some.text for some in found] if clear or all(len(some) == 1 for some in found) else []


def _parted(words: Span) -> list[Span]:
    """What stands between the words that set things beside each other: conjunctions, commas, prepositions but "of"."""
    at, found = words.start, []
    for word in words:
        if _joins(word):
            found.append(words.doc[at : word.i])
            at = word.i + 1
    return [some for some in (*found, words.doc[at : words.end]) if some.text.strip(" ,")]


def _joins(word: Token) -> bool:
    return word.tag_ == "CC" or word.lower_ in _JOINTS


def _plain(words: Sequence[Token], finite: Token | None) -> str:
    """The words behind a helping verb: "sold its mill" is "sell its mill"."""
    return "".join((w.lemma_ + " " if w == finite and w.pos_ in VERBS else w.text_with_ws) for w in words)


def _text(words: Sequence[Token]) -> str:
    return "".join(w.text_with_ws for w in words).strip()


# -- how much of it each has -------------------------------------------------------------------------------------


def _measured(
    names: Sequence[str], lead: str, rests: Sequence[Sequence[Token]], degree: Token, told: str, whether: bool = False
) -> Sides:
    """What is asked of each side, out of the words that follow it in a question for yes or no."""
    word = next((c.text for c in degree.children if c.tag_ in _DEGREES), degree.text)  # "less" of "less often"
    way, scale = direction(word)
    asked = [_measure(lead, name, rest, degree, way, scale) for name, rest in zip(names, rests, strict=True)]
    return Sides(tuple(names), tuple(asked), way, told, whether)


def _measure(lead: str, name: str, rest: Sequence[Token], degree: Token, way: str, scale: str) -> str:
    """How much one thing has of what is compared, "" where unclear: "does A have more ships" is "How many ships ...".

    Args:
        lead: the helping verb.
        name: the thing.
        rest: what follows it; where the first is not the helping verb's, a finite verb is made plain.
        degree: the word that compares, among these or before them.
        way: the direction of that word.
        scale: the upper end of its scale.
    """
    noun = degree.head if degree.dep_ in ("amod", "advmod") and degree.head.i > degree.i else None
    top = noun or degree
    dropped = {c.i for c in (*degree.children, *top.children) if c.i < top.i and c.dep_ in _BEFORE}
    before = [w for w in rest if w.i < degree.i and w.i not in dropped]
    verb = "" if not before else _plain(before, before[0] if lead in ("did", "does") else None).strip()
    after = _text([w for w in rest if w.i > top.i])
    thing = degree.doc[degree.i + 1 : top.i + 1].text
    if _is_quantifier(degree) and way in ("larger", "smaller"):
        many = "many" if top.tag_ == "NNS" else "much"
        how = top.text if top.pos_ in ("ADJ", "ADV") and top != degree else f"{many} {thing}"
        return as_question(f"how {how} {lead} {name} {verb} {after}") if verb or after or top.pos_ == "ADJ" else ""
    stem = plain_degree(degree)
    if noun is not None and verb == "have":
        be = ("were" if lead == "did" else "are") if noun.tag_ == "NNS" else "was" if lead == "did" else "is"
        return as_question(f"{'what' if scale in _LEVELS else f'how {stem}'} {be} {name}'s {thing} {after}")
    if before and way in ("earlier", "later"):
        return as_question(f"when {lead} {name} {verb} {after}")
    how = "what" if scale in _LEVELS and _is_quantity(read(name)[:]) else f"how {stem}"
    return as_question(f"{how} {lead} {name} {verb} {after}") if noun is None else ""


def plain_degree(word: Token) -> str:
    """Return the positive of a comparative or superlative, "cheap" of "cheaper"; "" for other words."""
    return read(word.lower_)[0].lemma_ if word.tag_ in _DEGREES else ""  # alone, where its lemma is surest


def _is_quantifier(word: Token) -> bool:
    """Whether it says how much, and not of which kind: spaCy has these among its stop words."""
    return word.is_stop or read(word.lemma_)[0].is_stop


def _is_quantity(thing: Span) -> bool:
    """Whether the words name something of something: Acme's cost, the cost of Acme."""
    head = thing.root
    return head.pos_ == "NOUN" and any(c.dep_ in ("poss", "prep") for c in head.children)


# -- two things by "than" ---------------------------------------------------------------------------------------


def _than(doc: Doc) -> Sides | None:
    """As in "Is A older than B?", "How much more did A earn than B?", "Is A or B older?"."""
    joint = next((w for w in doc if w.lower_ in ("than", "or")), None)
    degree = next((w for w in reversed(doc) if w.tag_ in _DEGREES), None)
    lead = next((w for w in doc if w.pos_ == "AUX"), None)
    much = doc[0].tag_ in ("WRB", "IN") and asking(doc) is not None
    if joint is None or degree is None or lead is None or joint.i < lead.i or (lead.i and not much):
        return None
    end = next((w.i for w in doc[joint.i + 2 :] if _closes(w, degree)), len(doc))
    stop = next((w.i for w in doc[lead.i + 2 : joint.i] if w.pos_ != "ADP" and _closes(w, degree)), joint.i)
    first, other = doc[lead.i + 1 : stop], doc[joint.i + 1 : end]
    tail = [w for w in doc[end:] if not w.is_punct and w.pos_ != "AUX"]
    rest = [*doc[stop : joint.i], *tail]
    when = next((w for w in rest if is_time(w)), None)
    names, rests = _both(first, other), [rest, rest]
    if when is not None and len(other) == 2 and is_time(other[1]):  # "in 2021 than in 2020"
        names = [f"{first.text} in {when.text}", f"{first.text} in {other[1].text}"]
        rests = [rest, [*(w for w in rest if w not in (when.head, when)), *other]]
        found = _measured([first.text] * 2, lead.lower_, rests, degree, "")
        return Sides(tuple(names), found.asked, _computed(doc, degree) if much else found.operation)
    if not names:
        return None
    if much and degree.i < lead.i:  # "how many more trams does A run"
        rests = [[*doc[degree.i + 1 : lead.i], *rest]] * 2
    helping = {"are": "is", "were": "was"}.get(lead.lower_, lead.lower_) if joint.lower_ == "or" else lead.lower_
    found = _measured(names, helping, rests, degree, f"{helping} {_text(rest)}", joint.lower_ == "than")
    return Sides(found.names, found.asked, _computed(doc, degree)) if much else found


def _computed(doc: Doc, degree: Token) -> Operation:
    return "ratio" if any(w.lower_ == "times" for w in doc[: degree.i]) else "difference"


def _closes(word: Token, degree: Token) -> bool:
    """Whether a name ends before that word."""
    verbal = word.pos_ in (*VERBS, "ADP", "PART") and word.lower_ not in ("of", "'s", "’s") and not is_name(word)
    return word.is_punct or verbal or word == degree or (word.dep_ == "advmod" and word.head == degree)


def _both(first: Span, other: Span) -> list[str]:
    """Both things that are compared in full: Acme's cost and "Lund's", Acme's cost and "that of Lund"."""
    if not len(first) or not len(other) or not any(w.pos_ in ("PROPN", "NOUN", "NUM") or is_name(w) for w in other):
        return []
    mark, other_mark = (next((w.i + 1 for w in some if w.tag_ == "POS"), 0) for some in (first, other))
    owned = first.doc[mark : first.end].text if mark else ""
    if all(map(is_time, other)):  # of one thing at two times
        at = next((w.i for w in first if is_time(w)), None)
        return [first.text, f"{first.doc[first.start : at].text} {other.text}"] if at else []
    if other[0].pos_ == "NUM" or other[0].is_currency or _is_any(other[0], first[0]):
        return []
    if other[0].tag_ == "DT" and len(other) > 1 and other[1].lower_ == "of":  # "that of Lund"
        of = next((w.i for w in first if w.lower_ == "of"), first.end)
        return [first.text, f"{first.doc[first.start : of].text} {other[1:].text}"]
    if any(w.pos_ == "PRON" for w in other):
        return []
    if owned and (other_mark == other.end or all(w.pos_ == "PROPN" for w in other)):
        return [first.text, f"{other.text.removesuffix(other[-1].text) if other_mark else other.text}'s {owned}"]
    if other_mark and other_mark < other.end and not mark:  # "Acme and Lund's revenue"
        return [f"{first.text}'s {other.doc[other_mark : other.end].text}", other.text]
    return [first.text, other.text]


def _is_any(other: Token, first: Token) -> bool:
    """Whether no certain thing is meant: "than any", "than a mile"; but "is a ferry faster than a barge"."""
    return (
        other.tag_ == "DT" and other.morph.get("Definite", []) != ["Def"] and other.pos_ == "DET" and first.tag_ != "DT"
    )


# -- things set side by side ------------------------------------------------------------------------------------


def _beside(doc: Doc) -> Sides | None:
    """As in "Compare A and B on price", "How does A differ from B?", "the difference in price between A and B"."""
    word = next((w for w in doc if w.lower_.startswith(_BESIDE)), None)
    if word is None:
        return None
    lead = next((w for w in doc[: word.i + 1] if w.pos_ == "AUX"), None)
    be = "was" if lead is not None and lead.tag_ == "VBD" else "is"
    between = next((w for w in doc[word.i :] if w.lower_ in ("between", "of")), None)
    aspect = ""
    if word.lower_.startswith("v"):
        region = doc.text
    elif word.pos_ == "NOUN" and between is not None:
        aspect, region = doc[word.i + 2 : between.i].text, doc[between.i + 1 :].text
    elif asking(doc) and lead is not None:
        region = f"{doc[lead.i + 1 : word.i].text} {doc[word.i + 1 :].text}"
    else:
        region = doc[word.i + 1 :].text
    words = read(region.strip(" ?!."))
    joint = next((w.i for w in words if w.i and _joins(w)), len(words))
    closed = next((w.i for w in words[joint + 2 :] if _opens_aspect(w)), len(words))
    tail, some = words[closed:], _parted(words[:closed])
    names = (_both(*some) if len(some) == 2 else []) or [one.text for one in some]
    when = tail.text if any(map(is_time, tail)) else ""
    aspect = aspect or ("" if when or any(w.pos_ == "PRON" for w in tail) else tail[1:].text.removeprefix("terms of "))
    told = bool(aspect) or any(_is_quantity(read(name)[:]) for name in names)
    aspect = aspect.removeprefix("the ")
    asked = [f"what {be} the {aspect} of {name} {when}" if aspect else f"what {be} {name} {when}" for name in names]
    computed = told and word.lower_.startswith("difference")
    return Sides(tuple(names), tuple(map(as_question, asked)) if told else (), "difference" if computed else "")


def _opens_aspect(word: Token) -> bool:
    return word.text == ":" or (word.pos_ == "ADP" and word.lower_ != "of" and not _joins(word))


# -- sentences side by side -------------------------------------------------------------------------------------


def pairs(found: Sides, find: Find, index: Index, embedder: Embedder) -> tuple[Row, ...]:
    """Return one to three rows, the best first; none where the articles have nothing of any side.

    A row has sentences that speak of the same thing, figures before words; where none do, the likeliest of each.

    Args:
        found: as `sides` returns it.
        find: the evidence for a question, as `qa.evidence.gather` returns it.
        index: tells the articles.
        embedder: tells which sentences speak of the same thing.
    """
    spoken = [
        [one for one in find(text) if _speaks(one, name, found.names, index)]
        for name, text in zip(found.names, questions(found), strict=True)
    ]
    matched = _matched(spoken, found.names, embedder) if all(spoken) else ()
    likeliest = tuple(next(iter(told), None) for told in spoken)
    return matched or ((Row(likeliest, 0.0),) if any(likeliest) else ())


def _speaks(one: Evidence, side: str, sides_: Sequence[str], index: Index) -> bool:
    """Whether a sentence names that side; or its title does, and neither names another side."""
    if _has(side, one.text):
        return True
    title = title_words(index.article(one.article))
    return _has(side, title) and not any(_has(other, f"{title} {one.text}") for other in sides_ if other != side)


def _has(side: str, text: str) -> bool:
    """Whether a text has the names in a side, "Acme" of "Acme's profit"; "lunds" is "Lund's"."""
    bare = text.replace("'", "").replace("’", "")
    return all(any(facts.has_name(name, one) for one in (text, bare)) for name in facts.names(side) or [side])


def _matched(spoken: Sequence[Sequence[Evidence]], names: Sequence[str], embedder: Embedder) -> tuple[Row, ...]:
    """The rows of sentences that are most alike once the names are out; each sentence in one of them."""
    vectors = [embedder.embed([_unnamed(one.text, names) for one in told]) for told in spoken]
    rows = []
    for at, first in enumerate(spoken[0]):
        likeness = [vectors[0][at] @ other.T for other in vectors[1:]]
        told = (first, *(some[int(np.argmax(like))] for some, like in zip(spoken[1:], likeness, strict=True)))
        rows.append(Row(told, min(float(like.max()) for like in likeness)))
    rows = [row for row in rows if row.likeness >= _ALIKE and (not _is_one(row) or _tells_of_all(row, names))]
    rows.sort(key=lambda row: -(row.likeness + _FIGURES * all(_figures(one) for one in row.told)))
    chosen: list[Row] = []
    for row in rows:
        used = {(one.article, one.span) for other in chosen for one in other.told if one}
        new = not any(one and (one.article, one.span) in used for one in row.told)
        if new and not (_is_one(row) and any(map(_is_one, chosen))):
            chosen.append(row)
    return tuple(chosen[:_ROWS])


def _is_one(row: Row) -> bool:
    """Whether all its sentences say the same."""
    return len({one.text for one in row.told if one}) == 1


def _tells_of_all(row: Row, names: Sequence[str]) -> bool:
    return all(one is not None and _has(name, one.text) for one in row.told for name in names)


def _unnamed(text: str, names: Sequence[str]) -> str:
    """A sentence without the words of the names."""
    keys = {key for name in names for key in facts.words(name)}
    return " ".join(word for word in text.split() if not set(facts.words(word)) & keys)


def _figures(one: Evidence | None) -> bool:
    return one is not None and any(char.isdigit() for char in one.text)
