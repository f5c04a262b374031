"""Differences, ratios, changes, sums and rankings of quoted figures and days, computed exactly and shown as a formula.

Knows units, rounding and periods as the quotes write them; refuses operands that do not fit and says why. Which figure
of a quote answers a question is told by the words around it; what a figure means beyond that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Literal

from citewire.index.dates import spelled
from citewire.index.types import DateMention
from citewire.qa import english, facts
from citewire.qa.facts import Number
from citewire.qa.question import Question

Operation = Literal[
    "difference", "ratio", "percent change", "sum", "larger", "smaller", "older", "younger", "earlier", "later"
]
Days = tuple[str, str]

_SCALES = {Decimal(1000): "thousand", Decimal(10**6): "million", Decimal(10**9): "billion", Decimal(10**12): "trillion"}
_CURRENCIES = (  # the first that the figure's own words match
    (r"^A\$", "Australian dollars"),
    (r"^C\$", "Canadian dollars"),
    (r"^HK\$", "Hong Kong dollars"),
    (r"\$|dollar", "dollars"),
    (r"€|euro", "euros"),
    (r"£|pound", "pounds"),
    (r"yuan", "yuan"),
    (r"¥", "¥"),  # yen or yuan: only ever the same as itself
)
_HEDGE = re.compile(
    r"(?:\b(?:about|around|approximately|roughly|nearly|almost|some|more than|less than|over|under|at least|up to"
    r"|an estimated|close to)\s+|[~≈]\s*)$",
    re.IGNORECASE,
)
_NEGATIVE = re.compile(r"\b(?:loss(?:es)?|deficit|negative|minus)\b[^.;,]{0,24}$|(?<![\w\d])[-−]\s?$", re.IGNORECASE)
_PART_OF_YEAR = re.compile(
    r"\b(?:(?P<quarter>quarter(?:ly)?|Q[1-4])|(?P<half>half|H[12])|(?P<month>month(?:ly)?)|(?P<week>week(?:ly)?)|(?P<day>daily)"
    r"|(?P<year>annual(?:ly)?|full[- ]year|year(?:ly)?))\b",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[;:.](?=\s|$)|,\s(?=and\b|but\b|while\b|whereas\b)")
_TIME_CLAUSE_END = re.compile(r"[,;:.]\s|\s(?:and|but|while|whereas)\s")
_WORD = re.compile(r"\$?[^\W\d_][\w’'-]*")
_RATES = re.compile(r"\b(?:tariff|rate|margin|share|percent\w*|proportion)\b", re.IGNORECASE)
_MOST_DECIMALS = 2  # of a ratio of exact counts; a percentage has one fewer


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a quote.

    Attributes:
        label: what it is, as a noun phrase: "Acme's revenue in 2023"; see `question.topic`.
        quote: the exact quote.
        number: the figure, with its offsets into `quote`.
        period: first and last day that it is for, ISO 8601; "" where that is not known.
    """

    label: str
    quote: str
    number: Number
    period: Days = ("", "")

    @property
    def text(self) -> str:
        """The figure as written."""
        return self.quote[self.number.start : self.number.end].strip()


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was: `label` as "the founding of Acme", first and last day meant, ISO 8601, both included."""

    label: str
    quote: str
    first: str
    last: str

    @property
    def when(self) -> str:
        """As precisely as it is known: 2019, May 2019, 3 May 2019."""
        return spelled(self.first, self.last)


@dataclass(frozen=True, slots=True)
class Result:
    """A computed answer: a sentence that states it, the formula behind it, and the value in full."""

    sentence: str
    formula: str
    value: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the operands do not fit, in words a reader understands."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Amount:
    """A figure as an exact number with the step it is rounded to, both in full, and what it counts."""

    figure: Figure
    value: Decimal
    step: Decimal
    scale: Decimal
    unit: str  # "percent", a currency, or the noun that is counted
    kind: str  # "%", "money" or ""
    about: bool


def compute(operation: Operation, figures: Sequence[Figure], *, same_time: bool = False) -> Result | Refusal:
    """Return the result of `operation` over `figures`, rounded no finer than they are, or why there is none.

    A difference states by how much the larger exceeds the smaller and a ratio how many times it is that; a percent
    change goes from the first to the second, or from the earlier to the later period where both are known. A formula
    has "≈" where its result is rounded.

    Args:
        operation: what to compute; "earlier" and "later" are for days, see `compute_days`.
        figures: two, or more for a sum and a ranking, in the order of the question.
        same_time: whether the question compares different things, so that their figures must be of one time.
    """
    if operation in ("earlier", "later"):
        return Refusal("figures do not tell which came first")
    amounts = [_amount(figure) for figure in figures]
    if reason := _misfit(operation, amounts, same_time):
        return Refusal(reason)
    if operation == "sum":
        return _sum(amounts)
    if operation == "difference":
        return _difference(amounts[0], amounts[1])
    if operation == "ratio":
        return _ratio(amounts[0], amounts[1])
    if operation == "percent change":
        return _percent_change(amounts[0], amounts[1])
    return _ranking(operation, amounts)


# -- operands -------------------------------------------------------------------------------------------


def pick(question: Question, label: str, quote: str, period: Days = ("", "")) -> Figure | None:
    """Return the figure of `quote` that answers `question`, None where none or more than one fits it as well.

    A figure fits by its unit, by the year that is said with it or last before it, and by the words of the question
    between the figure before and the end of its clause; names that were said earlier count half.
    """
    candidates = _candidates(question, quote)
    wanted = {*question.terms, *(t for name in question.names for t in facts.terms(name))}
    named = {t for name in question.names for t in facts.terms(name)}
    scored: list[tuple[float, Number]] = []
    everything = [n for n in facts.numbers(quote) if n.value not in facts.years(quote)]
    for number in candidates:
        before = max((n.end for n in everything if n.end <= number.start), default=0)
        following = min((n.start for n in everything if n.start >= number.end), default=len(quote))
        end = _CLAUSE_END.search(quote, number.end, following)
        own = quote[before : number.start] + quote[number.end : end.start() if end else following]
        years = facts.years(own) or _last_year(quote[: number.start])
        if question.years and years and not question.years & years:
            continue
        here, earlier = set(facts.terms(own)), set(facts.terms(quote[:before]))
        scored.append((len(wanted & here) + 0.5 * len((named & earlier) - here), number))
    best = max((score for score, _ in scored), default=0.0)
    chosen = [number for score, number in scored if score == best]
    return Figure(label, quote, chosen[0], period) if len(chosen) == 1 else None


def pick_moment(
    question: Question, label: str, quote: str, dates: Sequence[DateMention], start: int = 0
) -> Moment | None:
    """Return the time in `quote` that answers `question`, None where none or more than one fits it as well.

    A time fits by the words of the question between the time before it and the end of its clause; names count twice.

    Args:
        question: asks when something was.
        label: what it asks the time of, as a noun phrase; see `question.event`.
        quote: the exact quote.
        dates: the times of the article that the quote is from, with offsets into its text.
        start: where the quote begins in that text.
    """
    inside = sorted((d for d in dates if start <= d.start and d.end <= start + len(quote)), key=lambda d: d.start)
    named = {t for name in question.names for t in facts.terms(name)}
    scored: list[tuple[int, Days]] = []
    for one in inside:
        before = max((d.end for d in inside if d.end <= one.start), default=start) - start
        following = min((d.start for d in inside if d.start >= one.end), default=start + len(quote)) - start
        after = _TIME_CLAUSE_END.split(quote[one.end - start : following])[0]
        here = set(facts.terms(f"{quote[before : one.start - start]} {after}"))
        scored.append((2 * len(named & here) + len({*question.terms} & here), (one.first, one.last)))
    best = max((score for score, _ in scored), default=0)
    chosen = {days for score, days in scored if score == best}
    return Moment(label, quote, *chosen.pop()) if len(chosen) == 1 else None


def _last_year(text: str) -> set[int]:
    found = re.findall(r"\b(?:19|20)\d\d\b", text)
    return {int(found[-1])} if found else set()


def _candidates(question: Question, quote: str) -> list[Number]:
    if question.expects == "date":
        return []  # the 3 of "3 May" is no amount; see `pick_moment`
    asked = facts.numbers(question.text)
    found = [n for n in facts.numbers(quote) if n.unit or n.value not in facts.years(quote)]
    found = [n for n in found if not any(n.matches(a) for a in asked)]
    if question.expects == "percent":
        return [n for n in found if n.unit == "%"]
    if question.expects == "count":
        heads = facts.words(question.noun)[-1:]
        counted = [n for n in found if not n.unit]
        return [n for n in counted if not heads or _counts(quote, n, heads[0])]
    rates = [n for n in found if n.unit == "%"]
    if _RATES.search(question.text) and rates:
        return rates
    return [n for n in found if n.unit == "money"] or [n for n in found if not n.unit]


def _counts(quote: str, number: Number, noun: str) -> bool:
    after = facts.words(_CLAUSE_END.split(quote[number.end : number.end + 60])[0])[:5]
    return any(facts.stem(noun) in facts.stem(w) for w in after)


def _amount(figure: Figure) -> _Amount:
    number, text = figure.number, figure.text
    full = Decimal(str(number.value))
    digits = re.search(r"\d[\d,]*(?:\.\d+)?", text)
    if digits:
        written = Decimal(digits[0].replace(",", ""))
        ratio = full / written if written else Decimal(1)
        scale = min((Decimal(1), Decimal(100), *_SCALES), key=lambda s: abs(s - ratio))
    else:  # in words
        scale = next((s for s, word in _SCALES.items() if word in text.lower()), Decimal(1))
        written = (full / scale).to_integral_value()
    value, step = written * scale, Decimal(1).scaleb(int(written.as_tuple().exponent)) * scale
    before = figure.quote[: number.start]
    if _NEGATIVE.search(before):
        value = -value
    unit = "percent" if number.unit == "%" else _currency(text) if number.unit else _noun(figure)
    return _Amount(figure, value, step, scale, unit, number.unit, bool(_HEDGE.search(before)))


def _currency(text: str) -> str:
    return next(name for pattern, name in _CURRENCIES if re.search(pattern, text, re.IGNORECASE))


def _noun(figure: Figure) -> str:
    """What a bare number counts: the first plural after it, else the word after it."""
    after = re.split(r"[,;:.()]", figure.quote[figure.number.end : figure.number.end + 60])[0]
    words: list[str] = []
    for word in _WORD.findall(after)[:4]:
        if word.lower() in facts.STOP_WORDS:
            break
        words.append(word.lstrip("$"))
        if english.is_plural(word):
            return words[-1]
    return words[0] if words else ""


def _misfit(operation: Operation, amounts: Sequence[_Amount], same_time: bool) -> str:
    """Why the amounts cannot be put together, "" if they can."""
    if len(amounts) < 2:
        return "there are not two figures"
    if len(amounts) > 2 and operation in ("difference", "ratio", "percent change"):
        return "there are more than two figures"
    first = amounts[0]
    for other in amounts[1:]:
        if first.kind != other.kind or not _same_unit(first.unit, other.unit):
            return f"{first.figure.text} and {other.figure.text} are not in the same unit"
        if reason := _periods_misfit(operation, first.figure, other.figure, same_time):
            return reason
    negative = [a.value < 0 for a in amounts]
    if operation in ("ratio", "percent change"):
        if any(negative) and not all(negative):
            return "one of the figures is a loss"
        if not all(a.value for a in amounts):
            return "one of the figures is zero"
    if first.kind == "%" and operation in ("percent change", "sum"):
        return (
            "percentages of different things cannot be added" if operation == "sum" else "the figures are percentages"
        )
    return ""


def _same_unit(a: str, b: str) -> bool:
    return not a or not b or a == b or facts.stem(a.lower()) == facts.stem(b.lower())


def _periods_misfit(operation: Operation, a: Figure, b: Figure, same_time: bool) -> str:
    spans = [_span(f) for f in (a, b)]
    if all(spans) and spans[0] != spans[1]:
        return f"{a.text} is for a {spans[0]} and {b.text} for a {spans[1]}"
    if not all(a.period) or not all(b.period) or a.period == b.period:
        return ""
    if same_time:
        return f"{a.text} and {b.text} are of different times"
    if operation == "sum" and a.period[0] <= b.period[1] and b.period[0] <= a.period[1]:
        return f"the times of {a.text} and {b.text} overlap"
    return ""


def _span(figure: Figure) -> str:
    """How long the time is that a figure is for: what its clause says, else the length of its period; "" if unknown."""
    if all(figure.period):
        days = (date.fromisoformat(figure.period[1]) - date.fromisoformat(figure.period[0])).days + 1
        kinds = {"day": 1, "week": 7, "month": 30, "quarter": 91, "half": 182, "year": 365}
        return next((kind for kind, length in kinds.items() if abs(days - length) <= 0.1 * length), f"{days} days")
    start = max((m.end() for m in _CLAUSE_END.finditer(figure.quote, 0, figure.number.start)), default=0)
    end = _CLAUSE_END.search(figure.quote, figure.number.end)
    clause = figure.quote[start : end.start() if end else len(figure.quote)]
    said = {m.lastgroup or "" for m in _PART_OF_YEAR.finditer(clause)}
    return said.pop() if len(said) == 1 else ""


# -- operations -----------------------------------------------------------------------------------------


def _difference(a: _Amount, b: _Amount) -> Result | Refusal:
    high, low = (a, b) if a.value >= b.value else (b, a)
    step, scale = max(a.step, b.step), _shared_scale((a, b))
    value = _rounded(high.value - low.value, step)
    if not value:
        return _equal(a, b)
    unit = "percentage points" if a.kind == "%" else _unit((a, b))
    amount = _shown(value, step, scale, unit)
    formula = f"{_bare(high, scale)} - {_operand(low, scale)} {_equals(value, high.value - low.value)} {amount}"
    return Result(
        _sentence(f"{high.figure.label} is {_about((a, b))}{amount} more than {low.figure.label}"),
        formula,
        float(value),
    )


def _ratio(a: _Amount, b: _Amount) -> Result:
    high, low = (a, b) if abs(a.value) >= abs(b.value) else (b, a)
    ratio = high.value / low.value
    value = _rounded(ratio, _fineness(ratio, a, b, _MOST_DECIMALS))
    scale = _shared_scale((a, b))
    formula = f"{_operand(high, scale)} / {_operand(low, scale)} {_equals(value, ratio)} {value:,}"
    return Result(
        _sentence(f"{high.figure.label} is {_about((a, b))}{value:,} times {low.figure.label}"), formula, float(value)
    )


def _percent_change(a: _Amount, b: _Amount) -> Result | Refusal:
    if all(a.figure.period) and all(b.figure.period) and b.figure.period < a.figure.period:
        a, b = b, a
    ratio = b.value / a.value
    exact = (ratio - 1) * 100
    value = _rounded(exact, _fineness(ratio, a, b, _MOST_DECIMALS + 1) * 100)
    if not value:
        return _equal(a, b)
    scale = _shared_scale((a, b))
    formula = f"({_bare(b, scale)} - {_operand(a, scale)}) / {_operand(a, scale)} {_equals(value, exact)} {value:,}%"
    way = "higher" if value > 0 else "lower"
    return Result(
        _sentence(f"{b.figure.label} is {_about((a, b))}{abs(value):,}% {way} than {a.figure.label}"),
        formula,
        float(value),
    )


def _sum(amounts: Sequence[_Amount]) -> Result:
    step, scale = max(a.step for a in amounts), _shared_scale(amounts)
    exact = sum((a.value for a in amounts), Decimal(0))
    value = _rounded(exact, step)
    amount = _shown(value, step, scale, _unit(amounts))
    formula = " + ".join(_operand(a, scale) for a in amounts) + f" {_equals(value, exact)} {amount}"
    labels = _listed([a.figure.label for a in amounts])
    return Result(_sentence(f"{labels} together are {_about(amounts)}{amount}"), formula, float(value))


def _ranking(operation: Operation, amounts: Sequence[_Amount]) -> Result | Refusal:
    down = operation in ("larger", "older")
    losses = all(a.value < 0 for a in amounts)
    ordered = sorted(amounts, key=lambda a: abs(a.value) if losses else a.value, reverse=down)
    for a, b in pairwise(ordered):
        if a.value == b.value or abs(a.value - b.value) < (a.step + b.step) / 2:
            return _equal(a, b)
    scale, sign = _shared_scale(amounts), ">" if down else "<"
    formula = f" {sign} ".join(_bare(a, scale) for a in ordered) + f" {_scaled(scale, _unit(amounts))}".rstrip()
    first, *rest = ordered
    others = _listed([f"{a.figure.label} ({a.figure.text})" for a in rest])
    return Result(
        _sentence(f"{first.figure.label} ({first.figure.text}) is {operation} than {others}"),
        formula,
        float(first.value),
    )


def _equal(a: _Amount, b: _Amount) -> Refusal:
    return Refusal(f"{a.figure.text} and {b.figure.text} are the same, as far as they are rounded")


# -- days -----------------------------------------------------------------------------------------------


def compute_days(operation: Operation, moments: Sequence[Moment]) -> Result | Refusal:
    """Return which of the moments was first or last, or the years between two of them, or why that cannot be told.

    "older" and "earlier" ask for the first, "younger" and "later" for the last, "difference" for the time between.
    """
    if len(moments) < 2 or (operation == "difference" and len(moments) > 2):
        return Refusal("there are not two days")
    ordered = sorted(moments, key=lambda m: (m.first, m.last))
    for a, b in pairwise(ordered):
        if a.last >= b.first:
            return Refusal(f"{a.when} and {b.when} do not tell which came first")
    if operation == "difference":
        return _time_between(ordered[0], ordered[1])
    if operation not in ("earlier", "later", "older", "younger"):
        return Refusal(f"days have no {operation}")
    first_wins = operation in ("earlier", "older")
    ranked = ordered if first_wins else ordered[::-1]
    sign = "before" if first_wins else "after"
    formula = f" {sign} ".join(m.when for m in ranked)
    others = _listed([f"{m.label} ({m.when})" for m in ranked[1:]])
    word = {"older": "is older than", "younger": "is younger than", "earlier": "came before", "later": "came after"}
    sentence = f"{ranked[0].label} ({ranked[0].when}) {word[operation]} {others}"
    return Result(_sentence(sentence), formula, float(date.fromisoformat(ranked[0].first).toordinal()))


def _time_between(a: Moment, b: Moment) -> Result:
    exact = a.first == a.last and b.first == b.last
    begin, end = date.fromisoformat(a.first), date.fromisoformat(b.first)
    years = end.year - begin.year - ((end.month, end.day) < (begin.month, begin.day) and exact)
    if exact and years < 2:
        count, word = (end - begin).days, "days"
    elif not exact and years < 2 and not (_whole_year(a) or _whole_year(b)):
        count, word = (end.year - begin.year) * 12 + end.month - begin.month, "months"
    else:
        count, word = years, "years"
    word = word[:-1] if count == 1 else word
    about = "" if exact else "about "
    formula = f"{b.when} - {a.when} = {about}{count} {word}"
    return Result(_sentence(f"{about}{count} {word} passed between {a.label} and {b.label}"), formula, float(count))


def _whole_year(m: Moment) -> bool:
    return facts.whole_years(m.first, m.last)


# -- writing --------------------------------------------------------------------------------------------


def _rounded(value: Decimal, step: Decimal) -> Decimal:
    rounded = (value / step).quantize(Decimal(1), ROUND_HALF_UP) * step
    return rounded.quantize(min(Decimal(1), Decimal(1).scaleb(step.adjusted())))


def _equals(rounded: Decimal, exact: Decimal) -> str:
    return "=" if rounded == exact else "≈"


def _fineness(ratio: Decimal, a: _Amount, b: _Amount, most: int) -> Decimal:
    """The power of ten that a ratio is told to: not under half of what the operands' rounding leaves unsure."""
    unsure = abs(ratio) * sum((_unsure(x) / abs(x.value) for x in (a, b)), Decimal(0))
    decimals = most
    while decimals > 0 and Decimal(1).scaleb(-decimals) < unsure / 2:
        decimals -= 1
    return Decimal(1).scaleb(-decimals)


def _unsure(a: _Amount) -> Decimal:
    """Half a step of rounding; none of a count that is written out."""
    return Decimal(0) if a.step == 1 else a.step / 2


def _shared_scale(amounts: Sequence[_Amount]) -> Decimal:
    """The scale that all are shown in: the largest that one of them is written in."""
    largest = max(a.scale for a in amounts)
    return largest if largest in _SCALES else Decimal(1)


def _number(value: Decimal, step: Decimal, scale: Decimal) -> str:
    scaled, fine = value / scale, step / scale
    decimals = max(0, -int(fine.normalize().as_tuple().exponent))
    return f"{scaled:,.{decimals}f}"


def _bare(a: _Amount, scale: Decimal) -> str:
    return _number(a.value, a.step, scale)


def _operand(a: _Amount, scale: Decimal) -> str:
    return f"({_bare(a, scale)})" if a.value < 0 else _bare(a, scale)


def _unit(amounts: Sequence[_Amount]) -> str:
    return next((a.unit for a in amounts if a.unit), "")


def _scaled(scale: Decimal, unit: str) -> str:
    return f"{_SCALES.get(scale, '')} {unit}".strip()


def _shown(value: Decimal, step: Decimal, scale: Decimal, unit: str) -> str:
    if value == scale == 1:
        unit = english.singular(unit)
    return f"{_number(value, step, scale)} {_scaled(scale, unit)}".strip()


def _about(amounts: Sequence[_Amount]) -> str:
    return "about " if any(a.about for a in amounts) else ""


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
