"""Differences, ratios, changes, sums and rankings of quoted figures and days, computed exactly and shown as a formula.

Knows units, rounding and periods as the quotes write them; refuses operands that do not fit and says why. Which figure
of a quote answers a question is told by `qa.values`; what a figure means beyond that it does not know.
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
from citewire.qa import analysis, facts, times, values
from citewire.qa.facts import Number
from citewire.qa.values import Value

Operation = Literal[
    "difference", "ratio", "percent change", "sum", "larger", "smaller", "older", "younger", "earlier", "later"
]
Days = tuple[str, str]

_SCALES = {Decimal(1000): "thousand", Decimal(10**6): "million", Decimal(10**9): "billion", Decimal(10**12): "trillion"}
_LOSSES = frozenset(("loss", "deficit"))  # what makes the amount of it negative
_PARTS_OF_YEAR = {
    "quarter": "quarter", "quarterly": "quarter", "q1": "quarter", "q2": "quarter", "q3": "quarter", "q4": "quarter",
    "half": "half", "h1": "half", "h2": "half", "month": "month", "monthly": "month", "week": "week",
    "weekly": "week", "daily": "day", "year": "year", "yearly": "year", "annual": "year", "annually": "year",
}  # fmt: skip
_MOST_DECIMALS = 2  # of a ratio of exact counts; a percentage has one fewer


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a quote.

    Attributes:
        label: what it is, as a noun phrase: "Acme's revenue in 2023".
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
    """A computed answer.

    Attributes:
        sentence: states it.
        formula: what it was computed by.
        value: in full.
        short: the amount, or the label of the one that comes first.
    """

    sentence: str
    formula: str
    value: float
    short: str


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


def compute(
    operation: Operation, figures: Sequence[Figure], *, same_time: bool = False, change: bool = False, told: str = ""
) -> Result | Refusal:
    """Return the result of `operation` over `figures`, rounded no finer than they are, or why there is none.

    A difference states by how much the larger exceeds the smaller and a ratio how many times it is that; a percent
    change goes from the first to the second, or from the earlier to the later period where both are known. A formula
    has "≈" where its result is rounded.

    Args:
        operation: what to compute; "earlier" and "later" are for days, see `compute_days`.
        figures: two, or more for a sum and a ranking, in the order of the question.
        same_time: whether the question compares different things, so that their figures must be of one time.
        change: whether the figures are of one thing, before and after.
        told: what a ranking says of the one that comes first, "has more ships"; in general words without.
    """
    if operation in ("earlier", "later"):
        return Refusal("figures do not tell which came first")
    amounts = [_amount(figure) for figure in figures]
    if reason := _misfit(operation, amounts, same_time):
        return Refusal(reason)
    if operation == "sum":
        return _sum(amounts)
    if operation == "difference":
        return _difference(amounts[0], amounts[1], change)
    if operation == "ratio":
        return _ratio(amounts[0], amounts[1])
    if operation == "percent change":
        return _percent_change(amounts[0], amounts[1])
    return _ranking(operation, amounts, told)


# -- operands -------------------------------------------------------------------------------------------


def figure(label: str, value: Value, quote: str, period: Days = ("", "")) -> Figure | None:
    """Return the figure of a quote that a value is, None where the value is no number or not in the quote."""
    if value.number is None:
        return None
    number = next((one for one in facts.numbers(quote) if one.matches(value.number)), None)
    return Figure(label, quote, number, period) if number else None


def moment(label: str, value: Value, quote: str) -> Moment | None:
    """Return when something was, out of a value; None where the value is no time."""
    return Moment(label, quote, *value.days) if value.days else None


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
    if _is_loss(figure):
        value = -value
    unit = values.unit(figure.quote, number)
    return _Amount(figure, value, step, scale, unit, number.unit, values.hedged(figure.quote, number))


def _is_loss(figure: Figure) -> bool:
    """Whether a minus stands before the figure, or it is the amount of a loss: "a loss of $2 million"."""
    before = figure.quote[: figure.number.start].rstrip("$€£¥")
    if before.endswith(("-", "−")) and not before[-2:-1].isalnum():
        return True
    tokens = times.tokens(figure.quote, figure.number.start, figure.number.end)
    above = [head for token in tokens for head in (token, *token.ancestors)]
    nouns = [head for head in above if head.pos_ == "NOUN" and head not in tokens]
    return bool(nouns) and nouns[0].lemma_ in _LOSSES


def _misfit(operation: Operation, amounts: Sequence[_Amount], same_time: bool) -> str:
    """Why the amounts cannot be put together, "" if they can."""
    if len(amounts) < 2:
        return "there are not two figures"
    if len(amounts) > 2 and operation in ("difference", "ratio", "percent change"):
        return "there are more than two figures"
    first = amounts[0]
    if first.kind and operation in ("older", "younger"):
        return f"{first.figure.text} is no age"
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
    return not a or not b or a == b or _singular(a) == _singular(b)


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
    said = {_PARTS_OF_YEAR[word] for word in _clause(figure) if word in _PARTS_OF_YEAR}
    return said.pop() if len(said) == 1 else ""


def _clause(figure: Figure) -> list[str]:
    """The lemmas of the clause that a figure stands in, without those of clauses joined to it."""
    last = times.tokens(figure.quote, figure.number.start, figure.number.end)[-1]
    top = next((one for one in (last, *last.ancestors) if one.pos_ in ("VERB", "AUX")), last.sent.root)
    joined = [one for one in top.subtree if one.dep_ == "conj" and one.pos_ in ("VERB", "AUX") and one != top]
    apart = {token for one in joined for token in one.subtree}
    return [token.lemma_.lower() for token in top.subtree if token not in apart]


# -- operations -----------------------------------------------------------------------------------------


def _difference(a: _Amount, b: _Amount, change: bool) -> Result | Refusal:
    high, low = (a, b) if a.value >= b.value else (b, a)
    step, scale = max(a.step, b.step), _shared_scale((a, b))
    value = _rounded(high.value - low.value, step)
    if not value:
        return _equal(a, b)
    unit = "percentage points" if a.kind == "%" else _unit((a, b))
    amount = _shown(value, step, scale, unit)
    formula = f"{_bare(high, scale)} - {_operand(low, scale)} {_equals(value, high.value - low.value)} {amount}"
    shown = f"{_about((a, b))}{amount}"
    sentence = _moved(a, b, shown) if change else f"{high.figure.label}: {shown} more than {low.figure.label}"
    return Result(_sentence(sentence), formula, float(value), shown)


def _moved(a: _Amount, b: _Amount, amount: str) -> str:
    """How one figure came to be another."""
    old, new = (f"{one.figure.text} {one.figure.label}" for one in (a, b))
    return f"{'up' if b.value > a.value else 'down'} by {amount}, from {old} to {new}"


def _ratio(a: _Amount, b: _Amount) -> Result:
    high, low = (a, b) if abs(a.value) >= abs(b.value) else (b, a)
    ratio = high.value / low.value
    value = _rounded(ratio, _fineness(ratio, a, b, _MOST_DECIMALS))
    scale = _shared_scale((a, b))
    formula = f"{_operand(high, scale)} / {_operand(low, scale)} {_equals(value, ratio)} {value:,}"
    shown = f"{_about((a, b))}{value:,} times"
    return Result(_sentence(f"{high.figure.label}: {shown} {low.figure.label}"), formula, float(value), shown)


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
    shown = f"{_about((a, b))}{abs(value):,}%"
    return Result(_sentence(_moved(a, b, shown)), formula, float(value), shown)


def _sum(amounts: Sequence[_Amount]) -> Result:
    step, scale = max(a.step for a in amounts), _shared_scale(amounts)
    exact = sum((a.value for a in amounts), Decimal(0))
    value = _rounded(exact, step)
    amount = _shown(value, step, scale, _unit(amounts))
    formula = " + ".join(_operand(a, scale) for a in amounts) + f" {_equals(value, exact)} {amount}"
    labels = _listed([a.figure.label for a in amounts])
    shown = f"{_about(amounts)}{amount}"
    return Result(_sentence(f"{labels} together: {shown}"), formula, float(value), shown)


def _ranking(operation: Operation, amounts: Sequence[_Amount], told: str) -> Result | Refusal:
    down = operation in ("larger", "older")
    losses = all(a.value < 0 for a in amounts)
    ordered = sorted(amounts, key=lambda a: abs(a.value) if losses else a.value, reverse=down)
    for a, b in pairwise(ordered):
        if a.value == b.value or abs(a.value - b.value) < (a.step + b.step) / 2:
            return _equal(a, b)
    scale, sign = _shared_scale(amounts), ">" if down else "<"
    formula = f" {sign} ".join(_bare(a, scale) for a in ordered) + f" {_scaled(scale, _unit(amounts))}".rstrip()
    sentence = _first([(a.figure.label, a.figure.text) for a in ordered], told or f"is {operation}")
    return Result(sentence, formula, float(ordered[0].value), ordered[0].figure.label)


def _first(ordered: Sequence[tuple[str, str]], told: str) -> str:
    """Which of several comes first; each with what was compared of it."""
    (label, shown), *rest = ordered
    return _sentence(f"{label} {told}: {shown} against {_listed([f'{text} for {name}' for name, text in rest])}")


def _equal(a: _Amount, b: _Amount) -> Refusal:
    return Refusal(f"{a.figure.text} and {b.figure.text} are the same, as far as they are rounded")


# -- days -----------------------------------------------------------------------------------------------


def compute_days(operation: Operation, moments: Sequence[Moment], told: str = "") -> Result | Refusal:
    """Return which of the moments was first or last, or the years between two of them, or why that cannot be told.

    "older" and "earlier" ask for the first, "younger" and "later" for the last, "difference" for the time between.
    `told` as in `compute`.
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
    sentence = _first([(m.label, m.when) for m in ranked], told or f"is {operation}")
    return Result(sentence, formula, float(date.fromisoformat(ranked[0].first).toordinal()), ranked[0].label)


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
    shown = f"{about}{count} {word}"
    return Result(_sentence(f"{shown} passed between {a.label} and {b.label}"), formula, float(count), shown)


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
        unit = _singular(unit)
    return f"{_number(value, step, scale)} {_scaled(scale, unit)}".strip()


def _singular(unit: str) -> str:
    words = list(analysis.read(unit))
    return "".join([*(word.text_with_ws for word in words[:-1]), *(word.lemma_.lower() for word in words[-1:])])


def _about(amounts: Sequence[_Amount]) -> str:
    return "about " if any(a.about for a in amounts) else ""


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
