"""A question that compares -> its sides, and the question for each side.

The sides are the noun phrases before and after a joining word ("or", "versus", "than"); each side's question leaves out
the others. Two times of one thing are compared like two things. Knows one question and no article.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from citewire.qa.analysis import Doc, Span, Token, read
from citewire.qa.arithmetic import Operation

_MOST = 4  # most sides
_APART = 3  # most words between the joining word and the side after it
_FINITE = ("VBD", "VBP", "VBZ", "MD")  # tags of a verb that opens a yes-no question
_DEGREES = ("JJR", "JJS", "RBR", "RBS")  # the tags of comparatives and superlatives
_LINKS = ("IN", "DT")  # the tags of words between a joining word and its side: "or in the spring"
_BEFORE_A_NUMBER = (",", "CC", "CD", "IN", "WDT")  # the tags of words before a "one" that stands for no noun
_COUNTS = ("many", "much")
_PLENTY = ("more", "less", "fewer", "most", "least", "fewest")  # degrees of an amount, not of a quality
_BESIDE = ("vs", "vs.", "versus", "minus")  # words that set two things side by side
_JOINTS = ("with", "to", "from", "against")  # prepositions that the other side may follow
_AMOUNTS = ("CARDINAL", "MONEY", "PERCENT", "QUANTITY")  # entities that cannot be a side
SPANS = ("year", "month", "week", "day")  # units of the time between two days
_OPERATIONS: Mapping[str, Operation] = {  # by their words in questions
    "times": "ratio", "percent": "percent change", "percentage": "percent change", "%": "percent change",
    "together": "sum", "total": "sum", "altogether": "sum", "combined": "sum", "sum": "sum", "all": "sum",
    "difference": "difference", "minus": "difference",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sides:
    """What a question compares.

    Attributes:
        names: two to four things or times, as typed.
        asked: the question for each, in the same order: "How much did Orvik earn?".
        times: whether the sides are times of one thing.
        joined: what joins them: "beside" for "versus" and "compare", "and" for a conjunction or "than", "" for others.
        degree: the comparative or superlative, "larger"; "" if there is none.
        operation: what to compute from their figures, None for a ranking by `degree` or if nothing is named.
        polar: whether it is a yes-no question; the answer is yes if the first side ranks first.
        measured: whether only figures or days can answer.
    """

    names: tuple[str, ...]
    asked: tuple[str, ...]
    times: bool = False
    joined: Literal["beside", "and", ""] = ""
    degree: str = ""
    operation: Operation | None = None
    polar: bool = False
    measured: bool = False

    @property
    def figures(self) -> bool:
        """Whether figures or days are asked for."""
        return self.measured or bool(self.degree)


def sides(question: str) -> Sides | None:
    """Return what a standalone question compares; None if it names no two things or times.

    >>> sides("Who employs more people, Orvik or Tandem?").asked
    ('How many employs people, Orvik?', 'How many employs people, Tandem?')
    """
    text = _without_ones(" ".join(question.split()).rstrip(" ?!."))
    small = read(f"{text[:1].lower()}{text[1:]}")
    verb = bool(small) and small[0].tag_ == "VB" and read(small[0].lower_)[0].tag_ != "NNP"  # not "Patrick"
    doc = small if verb else read(text)  # a capitalised "Compare" would be parsed as a name
    things, apart = _things(doc), _set_apart(doc)
    for joint in _joints(doc):
        row = apart if apart and apart[0].end == joint.i else _row(things, joint)
        times = [_is_time(one) for one in row]
        names = [one.text for one in row]
        if len(set(times)) == 1 and 2 <= len({name.lower() for name in names}) == len(names) <= _MOST:
            return _made(doc, row, names, joint, all(times))
    return None


def _without_ones(text: str) -> str:
    """A question with the noun in place of "one": "which port is larger, the old one or the new one?".

    Before a time "the one" is left out: "the vote in 2016 or the one in 2022".
    """
    doc = read(text)
    ones = [one for one in doc[1:-1] if one.lower_ in ("one", "ones") and one.nbor().tag_ == "IN"]
    ones = [one for one in ones if one.nbor(-1).tag_ == "DT" and _is_time(doc[one.i + 2 : one.i + 3])]
    gone = {at for one in ones for at in (one.i - 1, one.i)}
    which = len(doc) > 1 and doc[0].tag_ in ("WDT", "WP") and doc[1].pos_ == "NOUN"
    named = {one.i for one in doc[2:] if which and one.lower_ == "one" and one.nbor(-1).tag_ not in _BEFORE_A_NUMBER}
    named -= {one.i for one in doc[:-1] if one.nbor().pos_ in ("NOUN", "PROPN", "NUM")}
    words = (f"{doc[1]}{one.whitespace_}" if one.i in named else one.text_with_ws for one in doc if one.i not in gone)
    return "".join(words)


def _set_apart(doc: Doc) -> list[Span]:
    """The two sides that a comma sets apart at the end: "Which port is larger, the old one in Orm or that of Vire?"."""
    commas = [one.i for one in doc if one.lower_ == ","]
    joints = [one.i for one in doc if one.lower_ == "or"]
    if len(commas) != 1 or len(joints) != 1 or not commas[0] + 1 < joints[0] < len(doc) - 1:
        return []
    row = [doc[commas[0] + 1 : joints[0]], doc[joints[0] + 1 :]]
    if any(len(side) > 1 and _is_time(side[1:]) for side in row):
        return []  # "in 2016 or in 2022"
    compared = doc[0].tag_ in ("WDT", "WP") and any(map(_is_degree, doc[: commas[0]]))
    return row if compared or not any(one.pos_ in ("VERB", "AUX") for side in row for one in side) else []


def _joints(doc: Doc) -> Iterator[Token]:
    """The words that may join two sides, the surest first."""
    yield from (one for one in doc if one.lower_ in (*_BESIDE, "than"))
    yield from sorted((one for one in reversed(doc) if one.tag_ == "CC"), key=lambda one: one.lower_ != "or")
    row = (one for one in doc if one.lower_ in _JOINTS and not _is_up_to(one))
    yield from sorted(row, key=lambda one: one.head.lemma_ != "compare")


def _is_up_to(word: Token) -> bool:
    """Whether a "to" without "from" or "compare" before it ends a range: "Friday to Sunday"."""
    before = word.doc[: word.i]
    return word.lower_ == "to" and not (_compares(before) or any(one.lower_ == "from" for one in before))


def _compares(words: Span) -> bool:
    return any(one.lemma_.lower() == "compare" for one in words)


def _things(doc: Doc) -> list[Span]:
    """Noun phrases and times that may be sides, cut at joining words; no amounts, question words or comparatives."""
    cuts = {one.i for one in doc if one.tag_ in ("CC", "IN", ",", ":") or one.lower_ in _BESIDE}
    cuts |= {one.i for one in doc[:-1] if one.tag_ in _DEGREES and _is_name(one.nbor())}  # "bigger Lund Bank"
    spans = [one for one in doc.ents if one.label_ == "DATE" or _owns(one[-1])]
    spans += [doc[one.left_edge.i : one.i + 1] for one in doc if one.dep_ == "poss" and _owns(one)]
    spans += [*doc.noun_chunks, *doc.ents, *(doc[one.i : one.i + 1] for one in doc if _may_name(one))]
    found: list[Span] = []
    for span in spans:
        edges = [span.start - 1, *sorted(one for one in cuts if span.start <= one < span.end), span.end]
        for before, end in pairwise(edges):
            part = _whole(doc[before + 1 : end])
            if len(part) and not any(part.start < one.end and one.start < part.end for one in found):
                found.append(part)
    return sorted((one for one in found if not any(map(_asks, one))), key=lambda one: one.start)


def _whole(part: Span) -> Span:
    """A name with its neighbours: the parse may find only "Tandem" of "Tandem Milk" and of "Tandem 3"."""
    doc, start, end = part.doc, part.start, part.end
    while len(part) and part[0].is_title and start > 1 and doc[start - 1].is_title:
        start -= 1
    while len(part) and part[-1].is_title and end < len(doc) and doc[end].is_title and doc[end].pos_ == "PROPN":
        end += 1
    return doc[start : end + 1] if len(part) and end < len(doc) and _numbers_a_name(doc[end]) else doc[start:end]


def _numbers_a_name(word: Token) -> bool:
    """Whether a word is the number of a name: "Tandem 3"."""
    return word.is_digit and len(word) < 3 and word.i > 0 and word.nbor(-1).pos_ == "PROPN"


def _may_name(word: Token) -> bool:
    """Whether a word outside all noun phrases may be a name that the parser missed."""
    return _is_year(word) or word.pos_ in ("NOUN", "PROPN") or (word.is_title and word.i > 0 and word.tag_[0] != "W")


def _is_name(word: Token) -> bool:
    """Whether a word is part of a name by its tag, or by its capital inside the line."""
    return word.pos_ == "PROPN" or (word.i > 0 and word.text[0].isupper())


def _asks(word: Token) -> bool:
    """Whether a word is a question word, a pronoun, a comparative or superlative, or part of an amount."""
    amount = word.ent_type_ in _AMOUNTS and not _is_year(word) and not _numbers_a_name(word)
    return amount or word.tag_[0] == "W" or word.tag_ in ("PRP", *_DEGREES) or word.lower_ in _COUNTS


def _owns(word: Token) -> bool:
    return bool(_case(word))


def _case(word: Token) -> list[Token]:
    return [child for child in word.rights if child.tag_ == "POS"]


def _row(things: Sequence[Span], joint: Token) -> list[Span]:
    """The sides at a joining word: those before it, as far as commas link them, and the one after it."""
    behind = next((one for one in things if one.start > joint.i), None)
    before = [one for one in things if one.end <= joint.i]
    doc = joint.doc
    if joint.tag_ == "CC" or joint.lower_ in _BESIDE:  # names that the parser missed
        near = (doc[joint.i - 1 : joint.i], doc[joint.i + 1 : joint.i + 2])
        before = before or [one for one in near[:1] if joint.i]
        behind = behind or next(filter(len, near[1:]), None)
    if behind is not None and _is_time(behind) and behind.start > joint.i + 1 and doc[joint.i + 1].tag_ not in _LINKS:
        end = next((one.i for one in doc[joint.i + 1 : behind.start] if one.tag_ == "IN"), behind.start)
        behind = doc[joint.i + 1 : end]  # "or cheese by August": no time, although the parser found no noun
    if behind is None or not before or behind.start - joint.i > _APART:
        return []
    alike = [one for one in before if _sort(one) == _sort(behind)]
    row = [(alike or before)[-1], behind]
    if all(map(_is_name, row[0])):  # "Hansen and Okafor points" -> "Okafor"
        row[1] = _name_of(behind)
    elif all(map(_is_name, behind)):  # "did Hansen score", parsed as one phrase -> "Hansen"
        row[0] = _name_of(row[0])
    for one in reversed(alike[:-1]):
        if joint.tag_ != "CC" or doc[one.end : row[0].start].text.strip() != ",":
            break
        row.insert(0, one)
    return row if any(map(_is_time, row)) else [_timed(one) for one in row]


def _timed(one: Span) -> Span:
    """A side with the time behind it: "the cup of May 2016"."""
    doc, end = one.doc, one.end
    time = next((ent for ent in doc.ents if ent.label_ == "DATE" and ent.start == end + 1), None)
    return doc[one.start : time.end] if time is not None and doc[end].lower_ == "of" else one


def _name_of(one: Span) -> Span:
    """A name without the common nouns after it; anything else unchanged."""
    end = next((word.i for word in one if not _is_name(word)), one.end)
    cut = one.start < end and all(word.is_lower for word in one.doc[end : one.end])
    return one.doc[one.start : end] if cut else one


def _sort(one: Span) -> tuple[bool, bool, bool]:
    """Whether a phrase is possessive, a time, a name: the sides of a comparison agree in this."""
    return _owns(one.root), _is_time(one), any(map(_is_name, one))


def _made(doc: Doc, row: Sequence[Span], names: Sequence[str], joint: Token, times: bool) -> Sides:
    """The sides with their degree, operation and questions."""
    free = [word for word in doc if not any(word.i in range(one.start, one.end) for one in row)]
    degree = next((word for word in free if _is_degree(word) and word.ent_type_ not in _AMOUNTS), None)
    counts = next((word for word in free if word.lower_ in _COUNTS), None)
    lapse = counts is not None and counts.head.lemma_ in SPANS and degree is None and not times
    operation = "difference" if lapse else next((_OPERATIONS[w.lower_] for w in free if _is_operation(w)), None)
    if (counts is not None and degree is not None and counts.i < degree.i) or (times and degree is None):
        operation = operation or "difference"  # "how much more"
    asked = [f"When was {one}?" if lapse else _question(doc, row, one, joint, degree) for one in names]
    plenty = degree is not None and degree.lower_ in _PLENTY and degree.dep_ != "advmod"
    return Sides(
        tuple(names), tuple(asked), times,
        "beside" if joint.lower_ in _BESIDE or (joint.lower_ in ("with", "to") and _compares(doc[: joint.i]))
        else "and" if joint.lower_ == "than" or joint.tag_ == "CC" else "",
        degree.lower_ if degree is not None else "", operation,
        doc[0].tag_ in _FINITE and joint.lower_ == "than",
        plenty or lapse or (counts is not None and operation is not None) or operation in ("sum", "ratio")
        or joint.lower_ in _OPERATIONS,
    )  # fmt: skip


def _is_time(one: Span) -> bool:
    return all(word.ent_type_ == "DATE" or _is_year(word) for word in one)


def _is_year(word: Token) -> bool:
    return word.is_digit and len(word) == 4


def _is_degree(word: Token) -> bool:
    return word.tag_ in _DEGREES or (word.ent_type_ == "ORDINAL" and word.dep_ == "advmod")


def _is_operation(word: Token) -> bool:
    """Whether a word asks for a computation: "in all", but not "all" of "all ships"."""
    return word.lower_ in _OPERATIONS and (word.tag_ not in ("DT", "PDT") or word.dep_ == "pobj")


def _question(doc: Doc, row: Sequence[Span], name: str, joint: Token, degree: Token | None) -> str:
    """The question with `name` in place of the first side, without the other sides and the joining word.

    The reader cannot compare: "Is A older than B?" becomes "How old is A?".
    """
    first, *others = row
    gone = {joint.i, *(word.i for one in others for word in (*one, *_case(one.root)))}
    gone |= {word.i for word in doc[first.end : row[-1].start] if word.is_punct or word.i > joint.i}
    lead = ""
    if joint.head.lemma_ == "compare" and joint.head.i > first.start:  # "compared to"
        gone.add(joint.head.i)
        if doc[0].tag_ == "WRB" and doc[1].pos_ == "AUX":  # "how does its price in 2022 compare": what is it in 2022
            gone |= {0, 1}
            lead = "What is"
    apart = next((word for word in doc if word.lower_ == "difference"), None)
    if apart is not None:  # "the difference in price between A and B": the price of each
        gone |= {apart.i, *(word.i for word in apart.rights if word.dep_ == "prep" and word.lower_ != "between")}
    if _is_time(first) and first.start and doc[first.start - 1].tag_ == "IN":  # "between 2022 and 2023"
        gone.add(first.start - 1)
        name = f"in {name}"
    if degree is not None:
        gone.add(degree.i)
        quality = degree.head if degree.dep_ == "advmod" and degree.head.tag_ in ("JJ", "RB") else None
        much = "many" if degree.head.tag_ in ("NNS", "NNPS") else "much"
        asked_of = quality.text if quality is not None else much if degree.lower_ in _PLENTY else degree.lemma_
        lead = "When" if degree.ent_type_ else f"How {asked_of}"
        gone |= {quality.i} if quality is not None else set()
        which = next((chunk for chunk in doc.noun_chunks if chunk[0].tag_ in ("WP", "WDT")), None)
        if which is not None and not any(which.start < one.end and one.start < which.end for one in row):
            gone |= set(range(which.start, which.end))  # "which company" means one of the sides
        counts = next((word for word in doc[1 : degree.i] if word.lower_ in _COUNTS), None)
        if counts is not None and degree.lower_ in _PLENTY:
            lead = ""  # "how many more"
        elif counts is not None:  # "how much heavier": how heavy is each
            gone |= {counts.i - 1, counts.i}
    kept = [word for word in doc if word.i not in gone]
    words = [
        name if word.i == first.start else "of" if apart is not None and word.lower_ == "between" else word.text
        for word in kept
        if word.i not in range(first.start + 1, first.end)
    ]
    asked = " ".join([lead, *words]).replace(" '", "'").replace(" ,", ",").replace(" the the ", " the ").strip(" ,:")
    return f"{asked}?"
