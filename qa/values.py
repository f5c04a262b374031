"""Answer span -> a value that can be compared: a number, a time, a name or words.

The kind follows from the span, seldom from the question. No model is used; `qa.conflicts` decides whether two different
values disagree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, permutations
from typing import Literal

from citewire.index.dates import mentions
from citewire.index.query import times
from citewire.index.types import Article, DateMention, Span
from citewire.qa import analysis, facts, quantities
from citewire.qa.analysis import Token
from citewire.qa.evidence import ArticleOf, Evidence
from citewire.qa.times import Days, counted, meet, spoken, stated, tenses, tokens
from citewire.qa.times import asked as asked_time

ValueKind = Literal["number", "date", "name", "text"]

_NEAR_BEST = 0.4  # a sentence needs this share of the best probability to give a value
FAR = 1000  # figures that differ by more than this factor count different things
_DASHES = ("-", "–", "—")
_TOUCHES = 2  # most characters between the answer span and a number or time that belongs to it
_ROUNDED = 0.005  # relative error allowed for a rounded number
_LONGEST_TEXT = 6  # most words of a text value; more are a statement
_AMOUNTS = frozenset(("CARDINAL", "MONEY", "PERCENT", "QUANTITY", "ORDINAL", "DATE", "TIME"))  # no names
_MODIFIES = frozenset(("advmod", "amod", "quantmod"))  # dependencies of a hedge to its number
_LINKS = frozenset(("PUNCT", "CCONJ", "ADP", "DET", "PART"))  # parts of speech between the parts of one name


@dataclass(frozen=True, slots=True)
class Value:
    """The value that a sentence answers with.

    Attributes:
        text: as written; `start` and `end` are offsets into the article's text.
        article, published: path and day of its article.
        sentence, probability: of the evidence.
        number: the number, with offsets into the sentence; `low` to `high` is what rounding and hedges allow.
        unit: of a number: "%", a currency, or the noun that is counted.
        measured: whether the number is a length, weight or the like, which change less than counts and prices.
        days: first and last day meant, ISO 8601.
        key: normalised name or words.
    """

    kind: ValueKind
    text: str
    article: str
    published: str
    start: int
    end: int
    sentence: Span
    probability: float
    number: quantities.Number | None = None
    low: float = 0.0
    high: float = 0.0
    unit: str = ""
    measured: bool = False
    days: tuple[str, str] | None = None
    key: str = ""


def asked(question: str) -> ValueKind | None:
    """Return the kind that the question word asks for, None if only the answers show it.

    >>> asked("How many ferries does Lund Lines run?"), asked("Which city hosts Lund Lines?")
    ('number', None)
    """
    words = (token for token in analysis.read(question) if token.tag_ in ("WRB", "WP", "WDT", "WP$"))
    word = next((token for token in words if token.head.dep_ != "advcl"), None)  # not "its price when it opened"
    if word is None:
        return None
    if word.lower_ == "how":
        return "number" if word.head.lower_ in ("many", "much") else None
    kinds: dict[str, ValueKind] = {"when": "date", "who": "name", "whom": "name"}
    return kinds.get(word.lower_)


def holds_now(question: str) -> bool:
    """Return whether a question asks what holds now: "latest", or the present tense without a time."""
    return times(question).newest or (tenses(question) == {"Pres"} and not mentions(question, ""))


def values(question: str, evidence: Sequence[Evidence], article: ArticleOf) -> list[Value]:
    """Return the values of the kind asked for, in order, from sentences with _NEAR_BEST of the best probability."""
    least = _NEAR_BEST * max((one.probability for one in evidence), default=0.0)
    read = [one for one in evidence if one.probability >= least and one.answer.start < one.answer.end]
    kind = asked(question) or _majority(question, read, article)
    found = (value(question, one, article(one.article), kind) for one in read) if kind else ()
    return [one for one in found if one]


def value(question: str, evidence: Evidence, article: Article, kind: ValueKind | None = None) -> Value | None:
    """Return the value of a sentence, None if its answer span has none of the kind (by default the kind asked for)."""
    kind = kind or asked(question) or _kind(question, evidence, article)
    find = {"number": _number, "date": _date, "name": _name, "text": _text}[kind]
    return find(question, evidence, article)


def same(a: Value, b: Value) -> bool:
    """Return whether two values agree, allowing for rounding, shorter times, partial names and initials."""
    if a.number and b.number:
        return comparable(a, b) and a.low <= b.high and b.low <= a.high
    if a.days and b.days:
        (one, other) = a.days, b.days
        return (one[0] <= other[0] and other[1] <= one[1]) or (other[0] <= one[0] and one[1] <= other[1])
    if not (a.key and b.key):
        return False
    one_words, other_words = set(a.key.split()), set(b.key.split())
    return (
        one_words <= other_words
        or other_words <= one_words
        or facts.same_name(a.text, b.text)
        or facts.same_name(_initials(a.text), b.text)
        or facts.same_name(a.text, _initials(b.text))
    )


def comparable(a: Value, b: Value) -> bool:
    """Return whether two values are of one kind and unit."""
    if (a.number is None) != (b.number is None) or (a.days is None) != (b.days is None):
        return False
    if a.number and b.number:
        return a.number.unit == b.number.unit and (not a.number.unit or a.unit == b.unit)
    return True


def at_both(questions: Sequence[str], evidence: Evidence, article: Article) -> tuple[Value, Value] | None:
    """Return the figures that one sentence gives for the times of two questions, None unless it gives both.

    "It fell to $21 this year from $25 in 2024": each figure belongs to the time nearest to it in the parse tree.
    """
    wanted = [asked_time(question) for question in questions]
    numbers = [one for one in quantities.numbers(evidence.text) if not ends_range(evidence.text, one.start, one.end)]
    figures = [_placed(number, evidence) for number in numbers]
    read = [(one, _number(questions[0], one, article)) for one in figures]
    found = []
    for (one, first), (two, second) in permutations(read, 2):
        far = [_far(days, place, article) for days, place in zip(wanted, (one, two), strict=True)]
        if first and second and comparable(first, second) and all(far):
            found.append((sum(steps for steps, _ in far), sum(gap for _, gap in far), first, second))
    best = min(found, key=lambda some: some[:2], default=None)
    return best and best[2:]


def ends_range(text: str, start: int, end: int) -> bool:
    """Return whether the amount between two offsets is one end of a range with a dash.

    >>> ends_range("from 2-8% in May", 5, 6), ends_range("from 2% in May", 5, 7)
    (True, False)
    """
    before, after = text[:start].rstrip(" %")[-2:], text[end:].lstrip(" %")[:2]
    opens = after[:1] in _DASHES and after[1:].isdigit()
    return opens or (before[-1:] in _DASHES and before[:1].isdigit())


def _placed(number: quantities.Number, evidence: Evidence) -> Evidence:
    offset = evidence.span.start
    return replace(evidence, answer=Span(offset + number.start, offset + number.end))


def _far(days: Days | None, evidence: Evidence, article: Article) -> tuple[int, ...]:
    """Distance from the answer to the requested time: (nearer stated times, characters); () if that time is missing."""
    told = spoken(evidence, article)
    steps = next((n for n, one in enumerate(told) if days and meet(days, one)), None)
    if not days or steps is None:
        return ()
    places = [one for one in stated(evidence, article) if meet(days, (one.first, one.last))]
    gaps = [max(one.start - evidence.answer.end, evidence.answer.start - one.end, 0) for one in places]
    return steps, min(gaps, default=0)


def _majority(question: str, evidence: Sequence[Evidence], article: ArticleOf) -> ValueKind | None:
    weights: defaultdict[ValueKind, float] = defaultdict(float)
    for one in evidence:
        weights[_kind(question, one, article(one.article))] += one.probability
    return max(weights, key=weights.__getitem__, default=None)


def _kind(question: str, evidence: Evidence, article: Article) -> ValueKind:
    """The kind of an answer span by itself."""
    answer = evidence.answer
    dated = sum(min(one.end, answer.end) - max(one.start, answer.start) for one in _dates(evidence, article, 0))
    if 2 * dated >= answer.end - answer.start:
        return "date"
    if _numbers(question, evidence, article, 0):
        return "number"
    return "name" if _name(question, evidence, article) else "text"


def _number(question: str, evidence: Evidence, article: Article) -> Value | None:
    numbers = _numbers(question, evidence, article, 0) or _numbers(question, evidence, article, _TOUCHES)
    if not numbers:
        return None
    number, text = numbers[0], evidence.text
    written = text[number.start : number.end]
    start, end = number.start + len(written) - len(written.lstrip()), number.start + len(written.rstrip())
    low, high = bounds(text, number)
    made = _made("number", evidence, article, start, end, key=f"{number.value:g}")
    return replace(made, number=number, low=low, high=high, unit=unit(text, number), measured=_measured(text, number))


def _measured(text: str, number: quantities.Number) -> bool:
    return any(token.ent_type_ == "QUANTITY" for token in tokens(text, number.start, number.end))


def _numbers(question: str, evidence: Evidence, article: Article, gap: int) -> list[quantities.Number]:
    """The numbers within `gap` characters of the answer span, without times, parts of names and the question's own."""
    offset, asked_about = evidence.span.start, quantities.numbers(question)
    dated = [(one.start - offset, one.end - offset) for one in stated(evidence, article)]
    first, last = evidence.answer.start - offset - gap, evidence.answer.end - offset + gap
    return [
        one
        for one in quantities.numbers(evidence.text)
        if one.start < last
        and one.end > first
        and not any(start < one.end and one.start < end for start, end in dated)
        and not any(one.matches(other) for other in asked_about)
        and (not one.value.is_integer() or not _is_named(evidence.text, one))
    ]


def _is_named(text: str, number: quantities.Number) -> bool:
    return any(token.ent_type_ and token.ent_type_ not in _AMOUNTS for token in tokens(text, number.start, number.end))


def bounds(text: str, number: quantities.Number) -> tuple[float, float]:
    """Return the lowest and highest value that a number of a text can stand for.

    It counts as rounded to its last digit, or by _ROUNDED if that is more. A hedge ("about") allows its trailing zeros
    to be rounded too; a comparative or superlative ("more than") allows half to double.
    """
    rounded = number.scale > 1 or number.decimals or _measured(text, number)
    step = number.scale * 10.0**-number.decimals if rounded else 0.0
    hedges = _hedges(text, number)
    if any(hedge.morph.get("Degree", []) in (["Cmp"], ["Sup"]) for hedge in hedges):
        low, high = sorted((number.value / 2, number.value * 2))
        return low, high
    digits = f"{number.value / number.scale:.0f}"
    if hedges and not number.decimals and digits.endswith("0"):
        step = number.scale * 10.0 ** (len(digits) - len(digits.rstrip("0")))
    slack = max(number.slack, step / 2, _ROUNDED * abs(number.value) if step else 0.0)
    return number.value - slack, number.value + slack


def hedged(text: str, number: quantities.Number) -> bool:
    """Return whether a text marks a number as inexact: "about 5", "nearly 5", "at least 5"."""
    return bool(_hedges(text, number)) or text[: number.start].rstrip().endswith(("~", "≈"))


def _hedges(text: str, number: quantities.Number) -> list[Token]:
    """The words before a number that modify the number, not the counted noun."""
    heads = tokens(text, number.start, number.end)
    return [child for head in heads for child in head.lefts if child.is_alpha and child.dep_ in _MODIFIES]


def unit(text: str, number: quantities.Number) -> str:
    """Return the unit of a number: "percent", a currency, or the counted noun as written; "" if none."""
    if number.unit:
        shares = {"%": "percent", "points": "percentage points", "times": "times"}
        return shares.get(number.unit) or quantities.currency(text[number.start : number.end])
    noun = counted(text, number)
    return noun.text if noun else ""


def singular(unit: str) -> str:
    """Return a unit with its last word in the singular: "night ferry" for "night ferries"."""
    words = list(analysis.read(unit))
    return "".join([*(word.text_with_ws for word in words[:-1]), *(word.lemma_.lower() for word in words[-1:])])


def _date(question: str, evidence: Evidence, article: Article) -> Value | None:
    found = _dates(evidence, article, _TOUCHES)
    known = {(one.first, one.last) for one in mentions(question, "")}
    found = [one for one in found if (one.first, one.last) not in known]
    if not found:
        return None
    one, offset = found[0], evidence.span.start
    made = _made("date", evidence, article, one.start - offset, one.end - offset, key=f"{one.first} {one.last}")
    return replace(made, days=(one.first, one.last))


def _dates(evidence: Evidence, article: Article, gap: int) -> list[DateMention]:
    """The stated times within `gap` characters of the answer span."""
    answer = evidence.answer
    return [one for one in stated(evidence, article) if one.start < answer.end + gap and one.end > answer.start - gap]


def _name(question: str, evidence: Evidence, article: Article) -> Value | None:
    """The first name in the answer span that is not in the question, with its linked parts: "Lyon, France"."""
    known = {token.lemma_.lower() for token in analysis.read(question)}
    words = _answer(evidence)
    for part, run in groupby(words, lambda one: _is_name(one) or one.pos_ in _LINKS):
        named = [one for one in run if part and _is_name(one)]
        if not {one.lemma_.lower() for one in named} <= known:
            key = _key([one for one in words if named[0].i <= one.i <= named[-1].i])
            start, end = named[0].idx, named[-1].idx + len(named[-1])
            return _made("name", evidence, article, start, end, key=key) if key else None
    return None


def _is_name(token: Token) -> bool:
    named = token.pos_ == "PROPN" or (token.ent_type_ and not token.is_stop and token.pos_ != "PUNCT")
    return bool(named) and token.ent_type_ not in _AMOUNTS


def _answer(evidence: Evidence) -> list[Token]:
    offset, answer = evidence.span.start, evidence.answer
    return tokens(evidence.text, answer.start - offset, answer.end - offset)


def _text(_: str, evidence: Evidence, article: Article) -> Value | None:
    key, offset = _key(_answer(evidence)), evidence.span.start
    if not 0 < len(key.split()) <= _LONGEST_TEXT:
        return None
    return _made("text", evidence, article, evidence.answer.start - offset, evidence.answer.end - offset, key=key)


def _key(words: Sequence[Token]) -> str:
    """The content words as lemmas, without capitals, dots and possessives."""
    kept = [one for one in words if not one.is_punct and not one.is_space and one.pos_ not in ("PART", "DET")]
    carrying = [one for one in kept if not one.is_stop or one.pos_ == "PROPN"]
    return " ".join(facts.name_key(one.lemma_) for one in carrying)


def _initials(name: str) -> str:
    words = [word for word in name.split() if word[0].isupper()]
    return "".join(word[0] for word in words) if len(words) > 1 else name


def _made(kind: ValueKind, evidence: Evidence, article: Article, start: int, end: int, *, key: str) -> Value:
    """A value of text[start:end] of the sentence."""
    offset, text, day = evidence.span.start, evidence.text[start:end], article.published
    place = (offset + start, offset + end, evidence.span)
    return Value(kind, text, article.path, day, *place, evidence.probability, key=key)
