"""What the articles say about each side of a comparison, and the result computed from their figures.

`qa.sides` finds the sides and the question for each, the reader finds the sentences that answer, `qa.arithmetic`
computes. No language model is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from unicodedata import combining, normalize

import numpy as np

from citewire.index.passages import title_words
from citewire.index.types import Article, Embedder
from citewire.index.types import Span as Place
from citewire.qa import arithmetic, claims, facts, quantities, values
from citewire.qa.analysis import read
from citewire.qa.arithmetic import Operand, Operation
from citewire.qa.evidence import ANSWERS, ArticleOf, Evidence, odds
from citewire.qa.sides import SPANS, Sides, sides
from citewire.qa.standing import plain, stands_alone
from citewire.qa.times import of_another_time
from citewire.qa.values import Value

__all__ = ["Outcome", "Sides", "answers", "is_general", "likely", "outcomes", "sides", "told"]

Find = Callable[[str], Sequence[Evidence]]

_GENERAL = ("compare them", "what is the difference between them", "how do they differ", "which is better")
_ALIKE = 0.5  # From this cosine to one of _GENERAL on, a question names no aspect; questions with one have 0.13 to 0.5.
_TOLD, _BEHIND = 3, 4.0  # most sentences of one side; a sentence stays if its odds times _BEHIND reach the best one's
_ALL = 8  # most sentences of all sides together
_LEAST = 0.1  # least probability of a sentence that is quoted for a side
# least share of a side's words in a sentence about it; weight of a sentence that names another side
_NAMED, _ANOTHERS = 0.5, 0.25
_SURE = 0.25  # least probability of a sentence whose figure is used
_APART = 0.5  # weight of figures from two articles if one article has both
# Words that ask for the larger and for the smaller amount, length of time or day. A ridge regression on their vectors
# places every comparative between both ends.
_ENDS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "amount": (
        ("more", "larger", "higher", "most", "longer", "heavier", "more expensive", "hotter", "stronger", "older",
         "wider", "taller", "costlier", "brighter"),
        ("less", "smaller", "lower", "fewer", "shorter", "lighter", "cheaper", "colder", "weaker", "younger",
         "narrower", "shorter", "cheaper", "dimmer"),
    ),
    "time": (("more", "longer", "slower", "later"), ("less", "shorter", "faster", "quicker")),
    "day": (("later", "last", "younger", "newer"), ("earlier", "first", "older", "sooner")),
}  # fmt: skip
# The regression gives 1 for the larger and -1 for the smaller; a value nearer to 0 than this is unclear.
_CLEAR = 0.1
_RIDGE = 0.1


# -- sentences for each side -----------------------------------------------------------------------------------------


def told(found: Sides, question: str, find: Find, article: ArticleOf) -> list[list[Evidence]]:
    """Return for each side the sentences that may answer, the best first; [] if the articles have none.

    Each side's question is read, and the whole question unless figures are asked for. Sentences that name the side,
    or whose article's title and year do, score higher.

    Args:
        found: as `sides` returns it.
        question: the whole question.
        find: the evidence for a question, as `qa.evidence.gather` returns it.
        article: looks up an article by path.
    """
    own = _own(found)
    out: list[list[Evidence]] = []
    for at, asked in enumerate(found.asked):
        others = {term for other in (*own[:at], *own[at + 1 :]) for term in other}
        scored: dict[tuple[str, Place], tuple[float, Evidence]] = {}
        for one in (*find(asked), *(() if found.figures else find(question))):
            home = article(one.article)
            if not found.times and of_another_time(question, one, home):
                continue
            score = odds(one.probability) * _naming(
                one, asked if found.times else found.names[at], own[at], others, home
            )
            if score > scored.get((one.article, one.span), (0.0, one))[0]:
                scored[one.article, one.span] = score, one
        ordered = [one for _, one in sorted(scored.values(), key=lambda pair: -pair[0])]
        if found.figures:
            valued = [one for one in ordered if _value(found, asked, one, article(one.article))]
            ordered = valued or [one for one in ordered if one.probability >= ANSWERS and not found.measured]
        out.append(ordered[: _ALL // len(found.names)])
    if all(out) or not found.figures:
        return out
    return [[one for one in some[:1] if one.probability >= ANSWERS] for some in out]  # nothing can be computed


def likely(spoken: Sequence[Sequence[Evidence]]) -> list[list[claims.Place]]:
    """Return up to three likely sentences of each side, only those that stand alone if one of them is the side's own.

    What is told of all sides at once, such as of the whole comparison, does not make the others less likely.
    """
    told_of = [{(one.article, one.span) for one in some} for some in spoken]
    of_all = set[tuple[str, Place]].intersection(*told_of) if told_of else set()
    found = []
    for some in spoken:
        own = [one for one in some if (one.article, one.span) not in of_all] or some
        least = max((odds(one.probability) for one in own), default=0.0) / _BEHIND
        read_ = [one for one in some if one.probability >= _LEAST and odds(one.probability) >= least]
        once = {" ".join(facts.words(one.text)): one for one in reversed(read_)}
        read_ = list(once.values())[::-1]
        standing = [one for one in read_ if stands_alone(plain(one.text))]
        if standing and not any(one in own for one in standing):
            standing += [one for one in read_ if one in own][:1]
        found.append([claims.verbatim_place(one) for one in (standing or read_)[:_TOLD]])
    return found


def answers(found: Sides, spoken: Sequence[Sequence[Evidence]], whole: float) -> bool:
    """Return whether the sides are answered, and not much less likely than the whole question (`whole`, 0 to 1)."""
    best = [max((one.probability for one in some), default=0.0) for some in spoken]
    if found.figures:
        return any(best)
    if found.joined == "and" and all(best) and odds(whole) > _BEHIND * odds(min(best)):
        return False
    return bool(found.joined) and max(best) >= ANSWERS


def is_general(found: Sides, embedder: Embedder) -> bool:
    """Return whether the question names no aspect: without its sides it only asks for a comparison."""
    bare = found.asked[0].replace(found.names[0], "").strip(" ?!.,")
    if found.measured or not facts.terms(bare):
        return not found.measured
    return bool((embedder.embed(_GENERAL) @ embedder.embed([bare])[0]).max() >= _ALIKE)


def _own(found: Sides) -> list[frozenset[str]]:
    """The terms of each side that not all sides have."""
    every = [frozenset(_terms(name)) for name in found.names]
    return [one - frozenset.intersection(*every) for one in every]


def _is_of(one: Evidence, at: int, own: Sequence[frozenset[str]], home: Article) -> bool:
    """Whether a sentence names a side, or is in an article whose title names it and no other side."""
    titled = set(_terms(title_words(home)))
    others = frozenset[str]().union(*own[:at], *own[at + 1 :])
    return bool(own[at] & set(_terms(one.text))) or (bool(own[at] & titled) and not others & titled)


def _tells_apart(sources: Sequence[Evidence], own: Sequence[frozenset[str]]) -> bool:
    """Whether it is clear which figure is whose: not if several sentences each name all sides."""
    said = [set(_terms(one.text)) for one in sources]
    return len({(one.article, one.span) for one in sources}) == 1 or not all(
        side & words for side in own for words in said
    )


def _terms(text: str) -> list[str]:
    return facts.terms("".join(c for c in normalize("NFKD", text) if not combining(c)))


def _naming(one: Evidence, name: str, own: frozenset[str], others: set[str], home: Article) -> float:
    """How clearly a sentence is about a side, 0 to 1: squared share of the side's own words in it, its title and year.

    0 if a capitalised word of the name is nowhere in the article; times _ANOTHERS if the sentence names another side.
    """
    said, titled = set(_terms(one.text)), set(_terms(f"{title_words(home)} {home.published[:4]}"))
    proper = {term for word in name.split() if word[0].isupper() for term in _terms(word)}
    if not proper <= said | titled | set(_terms(home.text)):
        return 0.0
    share = len(own & (said | titled)) / max(len(own), 1)
    named = bool(own & said) or not others & (said | titled)
    return share**2 * (1.0 if named else _ANOTHERS) if share >= _NAMED else 0.0


# -- results of figures and days -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """A result computed from the figures or days of the sides.

    Attributes:
        text: a sentence that states it, with the formula.
        short: "Yes", "No", the side that ranks first, or the amount.
        sources: the sentences with the operands, in the order of the sides.
    """

    text: str
    short: str
    sources: tuple[Evidence, ...]


def outcomes(
    found: Sides, spoken: Sequence[Sequence[Evidence]], article: ArticleOf, embedder: Embedder
) -> list[Outcome]:
    """Return the result of one value per side, the likeliest that fit together; [] if none, or if no figure is asked.

    Values from one article come before values from two.

    Args:
        found: as `sides` returns it.
        spoken: the sentences of each side, as `told` returns them.
        article: looks up an article by path.
        embedder: tells whether a comparative asks for the larger or the smaller value.
    """
    if not (found.figures or found.operation):
        return []
    own = _own(found)

    def is_of(one: Evidence, at: int) -> bool:
        home = article(one.article)
        return not of_another_time(found.asked[at], one, home) if found.times else _is_of(one, at, own, home)

    operands = [
        [(one, value) for one in some if is_of(one, at) and (value := _value(found, asked, one, article(one.article)))]
        for at, (asked, some) in enumerate(zip(found.asked, spoken, strict=True))
    ]
    rows = (row for row in product(*operands) if len({(one.article, value.start) for one, value in row}) == len(row))
    rows = (row for row in rows if found.times or _tells_apart([one for one, _ in row], own))
    rows = (row for row in rows if found.times or _are_of_one(row) or not any(_has_another(*pair) for pair in row))
    apart = [tuple(zip(*row, strict=True)) for row in sorted(rows, key=_likelihood, reverse=True)]
    if found.times and len(found.asked) == 2:
        pairs = [(one, values.at_both(found.asked, one, article(one.article))) for one in spoken[0]]
        apart = [*(((one, one), pair) for one, pair in pairs if pair), *apart]
    made = (_computed(found, sources, some, embedder) for sources, some in apart)
    return [one for one in made if one][:1]


def _likelihood(row: Sequence[tuple[Evidence, Value]]) -> float:
    return prod(one.probability for one, _ in row) * (1.0 if _are_of_one(row) else _APART)


def _are_of_one(row: Sequence[tuple[Evidence, Value]]) -> bool:
    """Whether all values are of one article."""
    return len({one.article for one, _ in row}) == 1


def _has_another(one: Evidence, value: Value) -> bool:
    """Whether a sentence compares by itself: it has two amounts of one unit ("$9 million, $1 million more than")."""
    unit = value.number.unit if value.number else ""
    return bool(unit) and sum(number.unit == unit for number in quantities.numbers(one.text)) > 1


def _value(found: Sides, asked: str, one: Evidence, home: Article) -> Value | None:
    """The figure or day of the answer span; None if it does not fit the question (a price for "how old")."""
    value = values.value(asked, one, home) if one.probability >= (_SURE if found.figures else ANSWERS) else None
    if value is None or value.days:
        return value
    if value.text.isdigit() and int(value.text) in facts.years(one.text):  # "the 2019 awards"
        return None
    if values.ends_range(home.text, value.start, value.start + len(value.text)):
        return None
    aged = any(found.degree in end for end in _ENDS["day"])
    fits = (
        not aged or (not value.number.unit and values.singular(value.unit) in ("", *SPANS)) if value.number else False
    )
    return value if fits and values.asked(asked) != "date" else None


def _computed(found: Sides, sources: Sequence[Evidence], some: Sequence[Value], embedder: Embedder) -> Outcome | None:
    """The result of one value per side: yes or no, which ranks first, or the operation asked for."""
    names = [f"in {name}" for name in found.names] if found.times else found.names
    operands = [Operand(*one) for one in zip(names, some, (source.text for source in sources), strict=True)]
    ranking = None if found.operation else _ranking(found.degree, some[0], sources[0], embedder)
    result = arithmetic.compute(
        found.operation or ranking or "difference", operands, change=found.times, asked=found.asked[0]
    )
    if result is None:
        return None
    said, short = f"{result.sentence.rstrip('.')} ({result.formula}).", result.short
    if ranking:
        short = ("Yes" if short == names[0] else "No") if found.polar else short
        said = f"{short[0].upper()}{short[1:]}: {said}"
    return Outcome(said, short, tuple(sources))


def _ranking(degree: str, value: Value, source: Evidence, embedder: Embedder) -> Operation | None:
    """Whether a degree asks for the larger or smaller value, by ridge regression on _ENDS; None if unclear."""
    at = value.start - source.span.start
    timed = any(word.ent_type_ == "TIME" and at <= word.idx < at + len(value.text) for word in read(source.text))
    kind = "day" if value.days else "time" if timed else "amount"
    high, low = _ENDS[kind]
    vectors = embedder.embed([*high, *low, degree])
    ends, sides_ = vectors[:-1], np.array([1.0] * len(high) + [-1.0] * len(low))
    middle = ends.mean(0)
    ends = ends - middle
    weights = np.linalg.solve(ends @ ends.T + _RIDGE * np.eye(len(ends)), sides_)
    leaning = float((vectors[-1] - middle) @ ends.T @ weights)
    if abs(leaning) < _CLEAR:
        return None
    names: tuple[Operation, Operation] = ("later", "earlier") if kind == "day" else ("larger", "smaller")
    return names[leaning < 0]
