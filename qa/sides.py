"""A question that sets things side by side -> the things, and what each is asked, by the parse of the question.

Knows one question and no article. Two times of one thing are compared in the same way as two things.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import Literal

from citewire.qa.analysis import Doc, Token, read
from citewire.qa.arithmetic import Operation

_MOST = 4  # things that are compared
_NOMINAL = ("NOUN", "PROPN", "NUM", "X")
_VERBAL = ("VERB", "AUX", "ADJ")
_FINITE = ("VBD", "VBP", "VBZ", "MD")  # tags of a verb that opens a question of yes or no
_DEGREES = ("JJR", "JJS", "RBR", "RBS")  # the tags of comparatives and superlatives
_COUNTS = ("many", "much")
_PLENTY = ("more", "less", "fewer", "most", "least", "fewest")  # degrees of how many or how much, and of no quality
_AMOUNTS = ("CARDINAL", "MONEY", "PERCENT", "QUANTITY", "ORDINAL")  # entities that are no thing
_BEFORE_NOUN = ("det", "compound", "amod", "poss", "nmod", "nummod", "quantmod", "punct")
_SAID_OF = (
    "pobj",
    "nsubj",
    "nsubjpass",
    "dobj",
    "attr",
    "npadvmod",
    "advmod",
    "dep",
)  # what a thing is to the word above
_BESIDE = ("vs", "vs.", "versus")  # what sets things beside each other
_SURELY = (*_BESIDE, "than")
_JOINTS = (*_SURELY, "with", "to", "from", "against")  # behind which the other thing may stand
SPANS = ("year", "month", "week", "day")  # in which the time between two days is counted
_OPERATIONS: Mapping[str, Operation] = {  # by the names that they have in questions
    "times": "ratio", "percent": "percent change", "percentage": "percent change", "%": "percent change",
    "together": "sum", "total": "sum", "altogether": "sum", "combined": "sum", "sum": "sum", "all": "sum",
    "difference": "difference",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sides:
    """What a question compares.

    Attributes:
        names: two to four things or times, as typed.
        asked: what is asked of each, in their order: a question of its own, "How much did Orvik earn?".
        times: whether these are times of one thing.
        joined: how the question joins them: "beside" by "versus", "and" by a conjunction or "than", "" by other words.
        degree: the comparative, "larger"; "" where the question has none.
        operation: what is computed of their figures, None where a degree or nothing tells.
        polar: whether the answer is yes where the first comes first.
        measured: whether nothing but figures or days answers.
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
        """Whether figures or days are wanted of them."""
        return self.measured or bool(self.degree)


def sides(question: str) -> Sides | None:
    """Return what a question that stands alone compares; None where it names no two things or times.

    >>> sides("Who employs more people, Orvik or Tandem?").asked
    ('How many people Orvik employs?', 'How many people Tandem employs?')
    """
    text = " ".join(question.split()).rstrip(" ?!.")
    small = read(f"{text[:1].lower()}{text[1:]}")
    doc = small if small and small[0].tag_ == "VB" else read(text)  # "Compare", before a name, is read as one
    for joint, heads in _rows(doc):
        found = _things(heads) if len(heads) > 1 else []
        names = [one.name for one in found]
        if len({_is_time(one) for one in found}) > 1:
            continue
        if 2 <= len({name.lower() for name in names}) == len(names) <= _MOST:
            return _made(doc, found, joint)
    return None


# -- which words name the things ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Thing:
    """A side: its noun, the words that tell it from the others, all its words, and the tokens that stand for it."""

    head: Token
    name: str
    text: str
    words: Sequence[Token]


def _rows(doc: Doc) -> Iterator[tuple[Token, list[Token]]]:
    """What sets things side by side, with the nouns of these; the surest first."""
    pairs = [(joint, _pair(joint)) for joint in doc if joint.lower_ in _JOINTS]
    yield from (pair for pair in pairs if pair[0].lower_ in _SURELY)
    for joint in reversed(doc):
        if joint.tag_ == "CC":
            first = joint.head if _is_thing(joint.head) else doc[joint.i - 1]
            row = {one for one in (first, *joint.head.conjuncts) if _is_thing(one)}
            if _case(first) and not any(one.i > joint.i for one in row):  # "A's and B's plans"
                row |= set([one for one in doc[joint.i :] if _case(one)][:1])
            yield joint, _alike(sorted(row, key=lambda one: one.i))
    yield from (pair for pair in pairs if pair[0].lower_ not in _SURELY)


def _pair(joint: Token) -> list[Token]:
    """The object of a preposition, and what is nearest to it in the tree of what stands before."""
    again = next((child for child in joint.children if child.dep_ == "prep"), joint)
    other = next((child for child in again.children if child.dep_ == "pobj"), None)
    before: list[Token] = []
    for up in (joint.head, *joint.head.ancestors) if other is not None else ():
        if again != joint:  # "in Halden than in Vire"
            before = [one for one in joint.doc[: joint.i] if one.dep_ == "pobj" and one.head.lower_ == again.lower_][
                -1:
            ]
        elif up.i < joint.i and _is_thing(up):
            before = [up]
        else:
            before = [one for one in up.children if one.i < joint.i and one.dep_ in _SAID_OF and _is_thing(one)]
            before.sort(key=lambda one: _SAID_OF.index(one.dep_))
            if not before and any(one.dep_ == "aux" for one in up.lefts):  # "does Tandem Milk employ", read as one name
                before = [one for one in up.lefts if one.dep_ == "compound" and _is_thing(one)][-1:]
        if before:
            break
    return _alike([before[0], other]) if before and other is not None else []


def _is_thing(word: Token) -> bool:
    """Whether a word may name a thing or time: no verb, nothing that asks, nothing that is more or less, no amount."""
    amount = word.ent_type_ in _AMOUNTS and not _is_year(word)
    if not word.text[0].isalnum() or word.tag_[0] == "W" or word.tag_ in _DEGREES or amount:
        return False
    if any(child.tag_ in _DEGREES or child.tag_[0] == "W" or child.lower_ in _COUNTS for child in word.lefts):
        return False
    return word.pos_ in _NOMINAL or bool(word.i and word.is_title) or not (word.pos_ in _VERBAL or word.is_stop)


def _alike(row: list[Token]) -> list[Token]:
    """Two nouns put right where the parse took another word: "the opening of A and the opening of B", "A and B's"."""
    if len(row) != 2:
        return row
    one, other = row
    near = (word for word in (*one.ancestors, *one.subtree) if word.lemma_ == other.lemma_ and word.i < other.i)
    found, owner = next(near, None), _owner(other)
    if owner is None and one.is_title and not other.is_title:  # "Orvik vs Tandem store closures"
        owner = next((word for word in other.subtree if word.dep_ == "compound" and word.is_title), None)
    return [one, owner] if owner is not None and found is None and _owner(one) is None else [found or one, other]


def _things(heads: Sequence[Token]) -> list[_Thing]:
    """The sides, in full where a word stands for others: "the price of A" and "that of B"."""
    first = heads[0]
    bound = [_bound(one, heads) if _bound(first, heads) else [] for one in heads]
    short = [one != first and (one.pos_ in ("PRON", "DET") or one.lemma_ == "one" or bool(_case(one))) for one in heads]
    owner = _owner(first)
    alike = all(less or one.lemma_ == first.lemma_ for less, one in zip(short, heads, strict=True))
    found = []
    for one, less, behind in zip(heads, short, bound, strict=True):
        words = _noun(one)
        part = (_owner(one) if not _case(one) else None) or (_noun_of(behind) if behind else None)
        name = _text(_noun(part)) if part is not None and alike and len(heads) > 1 else _text([*words, *behind])
        text = _text([*words, *behind])
        if less and behind:
            text = f"{_text(_noun(first))} {_text(behind)}"
        elif _case(one):
            rest = [word for word in _noun(first) if owner is not None and word.i > owner.i and word.tag_ != "POS"]
            text = f"{text}'s {_text(rest)}".strip() if less and owner is not None else f"{text}'s"
            name = name if all(map(_case, heads)) or (less and owner is not None) else text
        found.append(_Thing(one, name, text, [*words, *behind, *_case(one)]))
    return found


def _noun(head: Token) -> list[Token]:
    """A noun with what stands before it, and the year behind a month."""
    beside = [one for one in head.head.lefts if one.i < head.i] if head.dep_ == "compound" else []
    inside = {word for one in (*head.lefts, *beside) if one.dep_ in _BEFORE_NOUN and _fits(one) for word in one.subtree}
    start, end = head.i, head.i + 1
    while start and head.doc[start - 1] in inside:
        start -= 1
    behind = head.doc[end:]
    while end < len(head.doc) and (behind[0].dep_ == "nummod" or behind[0].tag_ == "''" or _goes_on(behind[0])):
        end, behind = end + 1, behind[1:]
    return list(head.doc[start:end])


def _goes_on(word: Token) -> bool:
    """Whether a word goes on with the name before it, "Swift" of "Taylor Swift", read as something else."""
    return bool(word.is_title and word.nbor(-1).is_title and word.tag_[0] != "W" and word.nbor(-1).pos_ == "PROPN")


def _fits(word: Token) -> bool:
    return word.tag_ not in _DEGREES and (not word.is_punct or word.tag_ == "HYPH")


def _bound(head: Token, heads: Sequence[Token]) -> list[Token]:
    """What a preposition adds to a noun, "of Orvik", without times and without what names another side."""
    for one in head.rights:
        words = list(takewhile(lambda word: word.tag_ != "CC", one.subtree))
        if one.dep_ == "prep" and not any(word in heads or word.ent_type_ == "DATE" for word in words):
            return words
    return []


def _noun_of(bound: Sequence[Token]) -> Token:
    return next((word for word in bound if word.dep_ == "pobj"), bound[-1])


def _owner(head: Token) -> Token | None:
    return next((child for child in head.lefts if child.dep_ == "poss" and _case(child)), None)


def _case(word: Token) -> list[Token]:
    return [child for child in word.rights if child.tag_ == "POS"]


def _text(words: Sequence[Token]) -> str:
    return "".join(word.text_with_ws for word in words).strip()


# -- what each is asked -------------------------------------------------------------------------------------------


def _made(doc: Doc, found: Sequence[_Thing], joint: Token) -> Sides:
    """The sides with what is wanted of them."""
    named = {word for one in found for word in one.words}
    times = all(map(_is_time, found))
    degree = next((word for word in doc if _is_degree(word) and word not in named), None)
    counts = next((word for word in doc if word.lower_ in _COUNTS and word.head not in named), None)
    lapse = counts is not None and counts.head.lemma_ in SPANS and degree is None and not times
    operation = "difference" if lapse else next((_OPERATIONS[w.lower_] for w in doc if _is_operation(w, named)), None)
    if counts is not None and degree is not None and counts.i < degree.i:  # "how much more"
        operation = operation or "difference"
    if times and operation is None and degree is None:
        operation = "difference"
    asked = [f"When was {one.text}?" if lapse else _question(doc, found, one, joint, degree, times) for one in found]
    plenty = degree is not None and degree.lower_ in _PLENTY and degree.dep_ != "advmod"
    return Sides(
        tuple(one.text if lapse else one.name for one in found), tuple(asked), times,
        "beside" if joint.lower_ in _BESIDE else "and" if joint.lower_ == "than" or joint.tag_ == "CC" else "",
        degree.lower_ if degree is not None else "", operation,
        doc[0].tag_ in _FINITE and joint.lower_ == "than",
        plenty or lapse or (counts is not None and operation is not None) or operation in ("sum", "ratio"),
    )  # fmt: skip


def _is_time(one: _Thing) -> bool:
    return all(word.ent_type_ == "DATE" or _is_year(word) for word in one.words)


def _is_year(word: Token) -> bool:
    return word.is_digit and len(word) == 4


def _is_degree(word: Token) -> bool:
    return word.tag_ in _DEGREES or (word.ent_type_ == "ORDINAL" and word.dep_ == "advmod")


def _is_operation(word: Token, named: set[Token]) -> bool:
    """Whether a word asks for a computation: "in all", but not "all" of "all ships"."""
    return word.lower_ in _OPERATIONS and word not in named and (word.tag_ not in ("DT", "PDT") or word.dep_ == "pobj")


def _question(doc: Doc, found: Sequence[_Thing], one: _Thing, joint: Token, degree: Token | None, times: bool) -> str:
    """The question of one side, "How many people does Orvik employ?": the reader knows no sides and no comparing."""
    named = {word for each in found for word in each.words}
    at, last = min(word.i for word in named), max(word.i for word in named)
    if joint.lower_ in _BESIDE or doc[0].tag_ == "VB":
        aspect = list(dropwhile(lambda word: word.pos_ == "ADP" or word.is_punct, doc[last + 1 :]))
        if any(word.pos_ == "NOUN" for word in aspect) and not any(word.pos_ in ("VERB", "AUX") for word in aspect):
            return f"What is {_text(aspect)} of {one.text}?"
    gone = named | {word for word in doc[at:last] if word.tag_ == "CC" or word.is_punct}
    gone |= {joint, *(child for child in joint.children if child.dep_ == "prep")}
    text, lead = one.text, ""
    if times and at and doc[at - 1].pos_ == "ADP":
        gone.add(doc[at - 1])
        text = f"in {text}"
    elif not times:
        at = _left_out(doc, found, named, gone, at)
    if degree is not None:
        lead = _how(degree, named, gone)
    before, behind = (_text([word for word in some if word not in gone]).strip(" ,:") for some in (doc[:at], doc[at:]))
    if lead and doc[0] not in gone:
        before = f"{before[:1].lower()}{before[1:]}"
    return f"{' '.join(part for part in (lead, before, text, behind) if part)}?".replace(" '", "'").replace(" ,", ",")


def _left_out(doc: Doc, found: Sequence[_Thing], named: set[Token], gone: set[Token], at: int) -> int:
    """Add the words that only compare, sum or stand for the sides; return where a side stands in their place."""
    for word in doc:
        if _is_operation(word, named) or word.lower_ == "between":
            under = word.lower_ == "between" and word.head.pos_ == "NOUN"  # "the difference between"
            links = [child for child in word.children if child.dep_ == "prep" and named & set(child.subtree)]
            tops = [word, *([word.head] if under or word.dep_ == "pobj" else []), *links]
            if under and word.head.dep_ == "pobj":  # "the difference in price between"
                tops = [word, word.head.head, word.head.head.head]
            gone |= {each for top in tops for each in (top, *(child for child in top.lefts if child.dep_ == "det"))}
    head = found[0].head
    for word in doc:
        asked = word.head if word.dep_ == "det" else word  # "which", "which city"
        stands = head.dep_ != "pobj" or head.head.head in (word, head.head)
        if word.tag_ in ("WDT", "WP") and asked.dep_ in ("nsubj", "nsubjpass") and stands:
            gone |= {*doc[word.i : asked.i + 1], *([head.head] if head.dep_ == "pobj" else [])}
            return word.i
    return at


def _how(degree: Token, named: set[Token], gone: set[Token]) -> str:
    """What asks for the amount, "How many people" for "more people"; the words that it replaces are added."""
    doc, noun = degree.doc, degree.head if degree.dep_ == "amod" and degree.head not in named else None
    quality = degree.head if degree.dep_ == "advmod" and degree.head.tag_ in ("JJ", "RB") else None
    counted = [word for word in doc[degree.i + 1 : noun.i + 1] if word not in gone] if noun is not None else []
    gone |= {degree, *counted, *([quality] if quality is not None else [])}
    gone |= {child for child in noun.lefts if child.dep_ == "det"} if noun is not None else set()
    many = next((word for word in doc[: degree.i] if word.lower_ in _COUNTS), None)
    if many is not None:  # "by how much more", "how many times more"
        how = next(iter(many.lefts), many)
        gone |= {how, many, *([many.head] if many.head.i < degree.i else [])} - named
        gone |= {word for word in doc[max(how.i - 1, 0) : how.i] if word.pos_ == "ADP"}
    if degree.ent_type_ == "ORDINAL":
        return "When"
    if quality is not None or degree.lower_ not in _PLENTY:
        said = f"How {quality or degree.lemma_}"
    else:
        said = "How many" if noun is not None and noun.tag_ in ("NNS", "NNPS") else "How much"
    return f"{said} {_text(counted)}".strip()
