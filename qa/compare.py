"""A question that sets things side by side -> the things, what each is asked, and what the articles say of each.

spaCy tells which words name the things; which sentences answer for each is for the reader to say. Two times of one
thing are compared in the same way. Figures that answer are put together by `qa.arithmetic`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, permutations, product
from math import sqrt
from typing import Literal
from unicodedata import combining, normalize

from citewire.index.passages import title_words
from citewire.index.types import Article, Embedder
from citewire.index.types import Span as Place
from citewire.qa import arithmetic, claims, facts, values
from citewire.qa.analysis import Doc, Span, Token, read
from citewire.qa.arithmetic import Operation
from citewire.qa.evidence import ANSWERS, ArticleOf, Evidence, odds
from citewire.qa.standing import plain, stands_alone
from citewire.qa.times import of_another_time
from citewire.qa.values import Value

Find = Callable[[str], Sequence[Evidence]]

_MOST = 4  # things that are compared
_NOMINAL = ("NOUN", "PROPN", "NUM", "X")
_INSIDE = (*_NOMINAL, "ADJ", "DET", "PART")  # of a noun phrase
_VERBS = ("VERB", "AUX")
_DEGREES = ("JJR", "JJS", "RBR", "RBS")  # the tags of comparatives and superlatives
_AMOUNTS = ("CARDINAL", "MONEY", "PERCENT", "QUANTITY")  # entities that are no thing
_BESIDE = ("vs", "vs.", "versus")  # what sets things beside each other
_JOINTS = (*_BESIDE, "than", "with", "to", "from", "against")  # behind which the other thing may stand
_NAMED, _ANOTHERS = 0.5, 0.25  # share of a side's words from which it is named; weight of a sentence on another side
_GENERAL = ("compare them", "what is the difference between them", "how do they differ", "which is better")
_ALIKE = 0.5  # cosine with one of these from which nothing certain is asked; with an aspect it is .13 to .5
_TOLD, _BEHIND = 3, 4.0  # sentences of a side, and times that their odds may be behind the best
_LEAST = 0.1  # probability of a sentence that stands for a side
_OPERANDS, _FAR = (
    6,
    8.0,
)  # sentences of a side that figures are taken from; times that their odds may be behind the best
_OTHER = 0.5  # weight of a figure that is not what the reader found, and of one whose unit the question does not name
_APART = 0.5  # weight of figures of two articles, where one article has both
_NEAR = 0.8  # share of the best score from which a second pair of figures is told
_OPERATIONS: Mapping[str, Operation] = {  # by the names that they have in questions; others ask for the difference
    "times": "ratio", "percent": "percent change", "percentage": "percent change",
    "%": "percent change",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sides:
    """What a question compares.

    Attributes:
        names: two to four things or times, as typed.
        asked: what is asked of each, in their order: the question with one of them in the place of all.
        times: whether these are times of one thing.
        joined: how the question joins them: "beside" by "versus", "and" by a conjunction or "than", "" by other words.
    """

    names: tuple[str, ...]
    asked: tuple[str, ...]
    times: bool = False
    joined: Literal["beside", "and", ""] = ""


def sides(question: str) -> Sides | None:
    """Return what a question that stands alone compares; None where it names no two things or times.

    >>> sides("Who employs more people, Orvik or Tandem?").asked
    ('Who employs more people, Orvik?', 'Who employs more people, Tandem?')
    """
    doc = read(" ".join(question.split()).rstrip(" ?!."))
    phrases = list(_phrases(doc))
    things = [one for one in phrases if not _is_time(one)]
    times = [one for one in phrases if _is_time(one)]
    found = _row(things) or _joined(things) or (times if len(times) > 1 else things[:2])
    if found and found[-1][-1].tag_ == "POS":  # "A's price ... than B's"
        found = [next((one[: w.i - one.start + 1] for w in one if w.tag_ == "POS"), one) for one in found]
    names = [one.text.removesuffix("'s").removesuffix("’s") for one in found]
    if not 2 <= len({name.lower() for name in names}) == len(names) <= _MOST:
        return None
    between = {word.lower_ if word.tag_ != "CC" else "than" for word in doc[found[0].end : found[-1].start]}
    joined: Literal["beside", "and", ""] = "beside" if between & set(_BESIDE) else "and" if "than" in between else ""
    return Sides(tuple(names), tuple(_asked(doc, found, one) for one in found), found[0] in times, joined)


def _phrases(doc: Doc) -> Iterator[Span]:
    """The noun phrases, without those that ask or compare and amounts: "which city", "more trams", "3 million"."""
    chunks, start = {chunk.start for chunk in doc.noun_chunks}, None
    for place, word in enumerate((*doc, None)):
        inside = word is not None and _belongs(word)
        if start is not None and (not inside or (place in chunks and _qualifies(doc[:start]))):
            phrase = _trimmed(doc[start:place])
            amount = phrase[0].ent_type_ in _AMOUNTS and not _is_time(phrase)
            if any(map(_is_named, phrase)) and not _qualifies(doc[:start]) and not amount:
                yield phrase
            start = None
        start = place if inside and start is None else start


def _trimmed(phrase: Span) -> Span:
    """Without what stands behind a name: "merge" of "Tandem merge", in a question's order read as one."""
    end = len(phrase)
    while end > 1 and not phrase[end - 1].is_title and read(phrase[end - 1].lower_)[0].pos_ in ("VERB", "ADJ", "PRON"):
        end -= 1
    return phrase[:end]


def _qualifies(before: Span) -> bool:
    """Whether words lead to what is asked of things: "more trams", "which city"."""
    return bool(len(before)) and (before[-1].tag_ in _DEGREES or before[-1].tag_.startswith("W"))


def _belongs(word: Token) -> bool:
    """Whether a word is part of a noun phrase."""
    if word.tag_ in _DEGREES or word.tag_.startswith("W") or _joins(word):
        return False
    text = word.doc.text
    if (
        word.i == 0 and read(f"{text[:1].lower()}{text[1:]}")[0].pos_ == "VERB"
    ):  # "Compare", before a name, is read as one
        return _is_before(word, _joins)
    return word.pos_ in _INSIDE or _is_named(word)


def _is_named(word: Token) -> bool:
    """Whether it is a noun, or written or placed as one is; in a question's order spaCy often reads another word."""
    titled = word.i > 0 and word.is_title and not word.is_sent_start
    placed = not word.is_stop and not word.is_punct and _is_before(word, _joins if word.i == 0 else _is_conjunction)
    return titled or word.pos_ in _NOMINAL or (placed and (word.i == 0 or word.pos_ not in _VERBS))


def _is_before(word: Token, joint: Callable[[Token], bool]) -> bool:
    return word.i + 1 < len(word.doc) and joint(word.doc[word.i + 1])


def _is_conjunction(word: Token) -> bool:
    return word.tag_ == "CC"


def _joins(word: Token) -> bool:
    return word.tag_ == "CC" or word.lower_ in _JOINTS


def _is_time(phrase: Span) -> bool:
    return all(word.ent_type_ == "DATE" or (word.is_digit and len(word) == 4) for word in phrase)


def _row(phrases: Sequence[Span]) -> list[Span]:
    """Those that a conjunction joins: "A, B and C", "A in 2015 or B"."""
    for one, other in reversed(list(pairwise(phrases))):
        between = one.doc[one.end : other.start]
        joint = next((word for word in between if _is_conjunction(word)), None)
        if joint is not None and not any(word.pos_ in _VERBS for word in between):
            row = [one.doc[one.start : joint.i] if joint.doc[joint.i - 1].ent_type_ == "DATE" else one, other]
            for before, after in reversed(list(pairwise(phrases[: phrases.index(other)]))):
                if one.doc[before.end : after.start].text != ",":
                    break
                row = [before, *row]
            return row
    return []


def _joined(phrases: Sequence[Span]) -> list[Span]:
    """The first two that another word sets beside each other: "A with B", "the price of A than that of B"."""
    pairs = pairwise(phrases)
    return next(
        ([one, two] for one, two in pairs if any(w.lower_ in _JOINTS for w in one.doc[one.end : two.start])), []
    )


def _asked(doc: Doc, found: Sequence[Span], one: Span) -> str:
    """The question with one of the things in the place of all: "Who earns more than B?" has none of "than B"."""
    first, last = found[0], found[-1]
    between = doc[first.end : last.start]
    words = [doc[: first.start].text, one.text, doc[last.end :].text]
    if not any(map(_is_conjunction, between)) and not _is_time(first):  # "does A differ from B"
        joint = max((word.i for word in between if _joins(word)), default=last.start)
        words.insert(2, doc[first.end : joint].text)
    if first.start and _is_time(first) and doc[first.start - 1].pos_ == "ADP":
        words[0] = f"{doc[: first.start - 1].text} in"
    return f"{' '.join(part for part in words if part)}?".replace(" ,", ",").replace(" '", "'").replace(" ’", "’")


# -- what is told of each -----------------------------------------------------------------------------------------


def told(found: Sides, question: str, find: Find, article: ArticleOf) -> list[list[Evidence]]:
    """Return for each side the sentences that may answer for it, the likeliest first; [] where the articles lack it.

    They are read with the question of the side and with the whole one, and are the likelier the more they, or the
    title and year of their article, name the side.

    Args:
        found: as `sides` returns it.
        question: the whole one.
        find: the evidence for a question, as `qa.evidence.gather` returns it.
        article: looks up an article by path.
    """
    own = _own(found)
    out = []
    for at, asked in enumerate(found.asked):
        others = {term for other in (*own[:at], *own[at + 1 :]) for term in other}
        scored: dict[tuple[str, Place], tuple[float, Evidence]] = {}
        for one in (*find(asked), *find(question)):
            if not found.times and of_another_time(question, one, article(one.article)):
                continue
            score = odds(one.probability) * _naming(one, own[at], others, article)
            if score > scored.get((one.article, one.span), (0.0, one))[0]:
                scored[one.article, one.span] = score, one
        out.append([one for _, one in sorted(scored.values(), key=lambda pair: -pair[0])])
    return out


def likely(spoken: Sequence[Evidence]) -> list[claims.Place]:
    """Return up to three sentences of a side that answer, those that stand alone first; [] where none is likely."""
    read_ = [
        one
        for one in spoken
        if one.probability >= _LEAST and odds(one.probability) * _BEHIND >= odds(spoken[0].probability)
    ]
    standing = [one for one in read_ if stands_alone(plain(one.text))]
    return [claims.verbatim_place(one) for one in (standing or read_)[:_TOLD]]


def answers(found: Sides, spoken: Sequence[Sequence[Evidence]], whole: float) -> bool:
    """Tell whether the sides are told of, and not clearly less likely than the question is answered as a whole."""
    best = [max((one.probability for one in some), default=0.0) for some in spoken]
    if found.joined == "and" and odds(whole) > _BEHIND * odds(min(best)):
        return False
    return bool(found.joined) and max(best) >= ANSWERS


def is_general(found: Sides, embedder: Embedder) -> bool:
    """Tell whether nothing certain is asked of the sides: without them the question only says that it compares."""
    bare = found.asked[0].replace(found.names[0], "")
    return bool((embedder.embed(_GENERAL) @ embedder.embed([bare.strip(" ?!.,")])[0]).max() >= _ALIKE)


def _own(found: Sides) -> list[set[str]]:
    """The words of each side that tell it from the others."""
    every = [frozenset(_terms(name)) for name in found.names]
    shared = frozenset.intersection(*every)
    return [set(one - shared) for one in every]


def _terms(text: str) -> list[str]:
    return facts.terms("".join(c for c in normalize("NFKD", text) if not combining(c)))


def _naming(one: Evidence, own: set[str], others: set[str], article: ArticleOf) -> float:
    """How clearly a sentence is on a side, 0 to 1: by the share of its words that it, or its title and year, have."""
    home = article(one.article)
    said, titled = set(_terms(one.text)), set(_terms(f"{title_words(home)} {home.published[:4]}"))
    share = len(own & (said | titled)) / max(len(own), 1)
    named = bool(own & said) or not others & (said | titled)
    return share**2 * (1.0 if named else _ANOTHERS) if share >= _NAMED else 0.0


# -- what the figures come to -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the figures or days of the sides come to.

    Attributes:
        text: states it, with the formula.
        short: the amount, or the side that was first.
        sources: the sentences with the operands, in the order of the sides.
    """

    text: str
    short: str
    sources: tuple[Evidence, ...]


def outcomes(
    found: Sides, question: str, spoken: Sequence[Sequence[Evidence]], article: ArticleOf, embedder: Embedder
) -> list[Outcome]:
    """Return what is computed of the values that answer for two sides, the likeliest first; [] where none fit together.

    Values of likely sentences that are alike but for the names come first, then a second sentence that names both.
    Where no figure is asked for, the reader has to have found both; where the question does not join the sides, one
    sentence has to name them.
    """
    if len(found.names) != 2:
        return []
    measured = values.asked(question) == "number" or any(word.tag_ in _DEGREES for word in read(question))
    least = 0.0 if measured or _operation(question) != "difference" else ANSWERS
    pairs = sorted(_pairs(found, question, spoken, article, embedder), key=lambda pair: -pair.score)
    fitting = [
        (pair, made)
        for pair in pairs
        if pair.sure >= least and (found.joined or found.times or pair.told[0] == pair.told[1])
        if (made := _computed(found, question, pair))
    ]
    others = [
        made
        for pair, made in fitting[1:]
        if pair.score >= _NEAR * fitting[0][0].score and not set(pair.told) & set(fitting[0][0].told)
        if pair.told[0] == pair.told[1] and pair.values[0].unit == fitting[0][0].values[0].unit
    ]
    return [*(made for _, made in fitting[:1]), *others[:1]]


@dataclass(frozen=True, slots=True)
class _Pair:
    """Sentences of both sides with their values; higher scores are better; not sure, 0: not what the reader found."""

    told: tuple[Evidence, Evidence]
    values: tuple[Value, Value]
    score: float
    sure: float


def _pairs(
    found: Sides, question: str, spoken: Sequence[Sequence[Evidence]], article: ArticleOf, embedder: Embedder
) -> Iterator[_Pair]:
    best = [odds(some[0].probability) / _FAR if some else 0.0 for some in spoken]
    read_ = [
        [one for one in some[:_OPERANDS] if odds(one.probability) >= least]
        for some, least in zip(spoken, best, strict=True)
    ]
    names, asked = {term for own in _own(found) for term in own}, set(facts.terms(question))
    said = [one.text for some in read_ for one in some]
    bare = {text: " ".join(word for word in text.split() if not set(_terms(word)) & names) for text in said}
    vectors = dict(zip(bare, embedder.embed(list(bare.values())), strict=True)) if bare else {}
    for one, other in product(*read_):
        alike = max(float(vectors[one.text] @ vectors[other.text]), 0.0)
        score = (
            (1 + alike) * sqrt(one.probability * other.probability) * (1 if one.article == other.article else _APART)
        )
        least = min(one.probability, other.probability)
        if (one.article, one.span) == (other.article, other.span):
            home = article(one.article)
            both = values.at_both(found.asked, one, home) if found.times else _both(found, question, one, home)
            yield from [_Pair((one, one), both, score, one.probability)] if both else []
            continue
        for (a, sure), (b, certain) in product(_values(question, one, article), _values(question, other, article)):
            if values.comparable(a, b) and facts.stem(a.unit.lower()) == facts.stem(b.unit.lower()):
                named = bool(a.unit) and set(facts.terms(a.unit)) <= asked
                certainty = least if named or sure == certain == 1 else 0.0
                yield _Pair((one, other), (a, b), score * (1.0 if named else sure * certain * _OTHER), certainty)


def _values(question: str, one: Evidence, article: ArticleOf) -> list[tuple[Value, float]]:
    """The value that the reader found in a sentence, and the other figures of a unit, with how sure each is."""
    home = article(one.article)
    read_ = values.value(question, one, home)
    numbers = [values.value(question, each, home, "number") for each in _placed(one)]
    known = {each.start for each in numbers if each}
    others = [(each, _OTHER) for each in numbers if each and each.unit and (not read_ or each.start != read_.start)]
    sure = read_ is not None and (read_.days is not None or read_.start in known)
    return [(read_, 1.0), *others] if read_ and sure else others


def _placed(one: Evidence) -> list[Evidence]:
    """The sentence with each of its numbers as its answer, but for those of "24 hours and 18 minutes", "10 to 20"."""
    at, found = one.span.start, facts.numbers(one.text)
    parts = [ent for ent in read(one.text).ents if sum(ent.start_char <= n.start < ent.end_char for n in found) > 1]
    whole = [n for n in found if not any(ent.start_char <= n.start < ent.end_char for ent in parts)]
    return [replace(one, answer=Place(at + n.start, at + n.end)) for n in whole]


def _both(found: Sides, question: str, one: Evidence, home: Article) -> tuple[Value, Value] | None:
    """The figures that one sentence gives for both sides, each with the side that it is nearer to."""
    own = _own(found)
    words = [(match.start(), set(_terms(match[0]))) for match in re.finditer(r"\S+", one.text)]
    at = [next((start for start, terms in words if terms & some), None) for some in own]
    figures = [value for each in _placed(one) if (value := values.value(question, each, home, "number"))]
    pairs = [pair for pair in permutations(figures, 2) if pair[0].unit and pair[0].unit == pair[1].unit]
    if None in at or not pairs:
        return None
    first, second = (place + one.span.start for place in at if place is not None)
    return min(pairs, key=lambda pair: abs(pair[0].start - first) + abs(pair[1].start - second))


def _computed(found: Sides, question: str, pair: _Pair) -> Outcome | None:
    """What the values of both sides come to: which was first, the difference, or what else is asked for."""
    names = [f"in {name}" for name in found.names] if found.times else list(found.names)
    operands = [
        arithmetic.Operand(*one) for one in zip(names, pair.values, (one.text for one in pair.told), strict=True)
    ]
    days = all(value.days for value in pair.values)
    wanted: tuple[Operation, ...] = ("earlier",) if days else (_operation(question), "difference")
    results = (arithmetic.compute(operation, operands, change=found.times) for operation in wanted)
    result = next((one for one in results if one), None)
    if result is None:
        return None
    return Outcome(f"{result.sentence.rstrip('.')} ({result.formula}).", result.short, pair.told)


def _operation(question: str) -> Operation:
    return next((_OPERATIONS[word.lower_] for word in read(question) if word.lower_ in _OPERATIONS), "difference")
