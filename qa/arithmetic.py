"""Sums, differences, ratios, changes and rankings of quoted figures and days, computed exactly, with their formula.

Knows units and rounding as the quotes write them; operands that do not fit together give no result. `qa.values` finds
the value of a quote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Literal

from citewire.index.dates import spelled
from citewire.qa import analysis, facts, quantities, times, values
from citewire.qa.values import Value

Operation = Literal["sum", "difference", "ratio", "percent change", "larger", "smaller", "earlier", "later"]

_SCALES = {Decimal(1000): "thousand", Decimal(10**6): "million", Decimal(10**9): "billion", Decimal(10**12): "trillion"}
_SHARES = frozenset({"%", "times"})  # relative figures: no sums or percent changes of them
_LOSSES = frozenset(("loss", "deficit"))  # nouns that make their amount negative
# First letters of the words that state the length of a figure's period.
_LENGTHS = {"quarter": "quarter", "half": "half", "month": "month", "week": "week", "dai": "day", "year": "year",
            "annual": "year"}  # fmt: skip
_MOST_DECIMALS = 2  # of a ratio of exact counts; a percentage has one decimal


@dataclass(frozen=True, slots=True)
class Operand:
    """A quoted value and its label: a noun phrase or a time, "Acme's revenue" or "in 2023"."""

    label: str
    value: Value
    quote: str


@dataclass(frozen=True, slots=True)
class Result:
    """A computed answer.

    Attributes:
        sentence: a sentence that states it.
        formula: how it was computed, with "≈" if the result is rounded.
        short: the amount, or the label of the operand that ranks first.
    """

    sentence: str
    formula: str
    short: str


@dataclass(frozen=True, slots=True)
class _Amount:
    """A figure as an exact number; `value` and the rounding `step` are absolute, `scale` (a million) is for display."""

    label: str
    text: str
    value: Decimal
    step: Decimal
    scale: Decimal
    unit: str  # "percent", a currency, or the noun that is counted
    kind: quantities.Unit
    about: bool
    length: str


def compute(
    operation: Operation, operands: Sequence[Operand], *, change: bool = False, asked: str = ""
) -> Result | None:
    """Return the result of `operation`, rounded no finer than its operands; None if they do not fit together.

    A difference is larger minus smaller, or the time between two days; a ratio is larger divided by smaller; a percent
    change goes from the first to the second operand. "larger" and "smaller" rank figures, "earlier" and "later" days.

    Args:
        operation: what to compute.
        operands: two, or more for a sum or a ranking, in the order of the question: all numbers or all days.
        change: whether they are values of one thing, before and after.
        asked: the question; a loss counts as a positive figure if it asks for losses.
    """
    if len(operands) < 2 or (operation in ("difference", "ratio", "percent change") and len(operands) > 2):
        return None
    days = [(one.label, *one.value.days) for one in operands if one.value.days]
    if len(days) == len(operands):
        return _of_days(operation, days)
    signed = not any(token.lemma_ in _LOSSES for token in analysis.read(asked))
    amounts = [_amount(one, one.value.number, signed) for one in operands if one.value.number]
    if len(amounts) < len(operands) or not _fit(operation, amounts):
        return None
    if operation == "sum":
        return _sum(amounts)
    if operation in ("larger", "smaller"):
        return _ranking(operation, amounts)
    if operation == "difference":
        return _difference(amounts[0], amounts[1], change)
    return (_ratio if operation == "ratio" else _percent_change)(amounts[0], amounts[1])


def _amount(operand: Operand, number: quantities.Number, signed: bool) -> _Amount:
    scale = Decimal(str(number.scale))
    step = scale.scaleb(-number.decimals)
    value = _rounded(Decimal(str(number.value)), step)  # 8.2 million is 8,199,999.999999999 as a float
    tokens = times.tokens(operand.quote, number.start, number.end)
    return _Amount(
        operand.label,
        operand.value.text,
        -abs(value) if signed and _is_loss(tokens) else value,
        step,
        scale if scale in _SCALES else Decimal(1),
        operand.value.unit,
        number.unit,
        values.hedged(operand.quote, number),
        _length(tokens[-1]),
    )


def _is_loss(tokens: Sequence[analysis.Token]) -> bool:
    """Whether a figure is the amount of a loss: "a loss of $2 million"."""
    above = [head for token in tokens for head in (token, *token.ancestors)]
    noun = next((head for head in above if head.pos_ == "NOUN" and head not in tokens), None)
    return noun is not None and noun.lemma_ in _LOSSES


def _length(figure: analysis.Token) -> str:
    """The length of a figure's period, such as "quarter", from its clause without conjoined ones; "" if unknown."""
    top = next((one for one in (figure, *figure.ancestors) if one.pos_ in ("VERB", "AUX")), figure.sent.root)
    joined = [one for one in top.subtree if one.dep_ == "conj" and one.pos_ in ("VERB", "AUX") and one != top]
    apart = {token for one in joined for token in one.subtree}
    words = facts.words(" ".join(token.text for token in top.subtree if token not in apart))
    said = {length for word in words for begun, length in _LENGTHS.items() if word.startswith(begun)}
    return said.pop() if len(said) == 1 else ""


def _fit(operation: Operation, amounts: Sequence[_Amount]) -> bool:
    """Whether amounts have one unit, cover periods of one length and are valid operands of the operation."""
    first = amounts[0]
    units = {values.singular(one.unit) for one in amounts if one.unit or not first.kind}
    lengths = {one.length for one in amounts if one.length}
    if any(one.kind != first.kind for one in amounts) or len(units) > 1 or len(lengths) > 1:
        return False
    if operation in ("ratio", "percent change"):
        signs = {(one.value > 0) - (one.value < 0) for one in amounts}
        return len(signs) == 1 and 0 not in signs and not (first.kind in _SHARES and operation == "percent change")
    sizes = [abs(one.value) for one in amounts]
    if operation == "difference" and not first.kind and max(sizes) > values.FAR * min(sizes):
        return False
    return operation not in ("earlier", "later") and not (first.kind in _SHARES and operation == "sum")


def _sum(amounts: Sequence[_Amount]) -> Result:
    step, scale = max(one.step for one in amounts), max(one.scale for one in amounts)
    exact = sum((one.value for one in amounts), Decimal(0))
    value = _rounded(exact, step)
    amount = _worded(_number(value, step, scale), scale, next((one.unit for one in amounts if one.unit), ""))
    formula = f"{' + '.join(_signed(one, scale) for one in amounts)} {_equals(value, exact)} {amount}"
    shown = f"{_about(*amounts)}{amount}"
    *most, last = [one.label for one in amounts]
    return Result(_sentence(f"{', '.join(most)} and {last} together: {shown}"), formula, shown)


def _difference(a: _Amount, b: _Amount, change: bool) -> Result | None:
    high, low = (a, b) if a.value >= b.value else (b, a)
    step, scale = max(a.step, b.step), max(a.scale, b.scale)
    value = _rounded(high.value - low.value, step)
    if not value:
        return None  # equal within their rounding
    unit = "percentage points" if a.kind == "%" else a.unit or b.unit
    amount = _worded(_number(value, step, scale), scale, values.singular(unit) if value == scale == 1 else unit)
    formula = f"{_plain(high, scale)} - {_signed(low, scale)} {_equals(value, high.value - low.value)} {amount}"
    shown = f"{_about(a, b)}{amount}"
    sentence = _moved(a, b, shown) if change else f"{high.label}: {shown} more than {low.label}"
    return Result(_sentence(sentence), formula, shown)


def _moved(a: _Amount, b: _Amount, amount: str) -> str:
    """The words for a change from one figure to the other."""
    way = "up" if b.value > a.value else "down"
    return f"{way} by {amount}, from {a.text} {a.label} to {b.text} {b.label}"


def _ratio(a: _Amount, b: _Amount) -> Result:
    high, low = (a, b) if abs(a.value) >= abs(b.value) else (b, a)
    ratio, scale = high.value / low.value, max(a.scale, b.scale)
    value = _rounded(ratio, _fineness(ratio, a, b, _MOST_DECIMALS))
    formula = f"{_signed(high, scale)} / {_signed(low, scale)} {_equals(value, ratio)} {value:,}"
    shown = f"{_about(a, b)}{value:,} times"
    return Result(_sentence(f"{high.label}: {shown} {low.label}"), formula, shown)


def _percent_change(a: _Amount, b: _Amount) -> Result | None:
    ratio, scale = b.value / a.value, max(a.scale, b.scale)
    exact = (ratio - 1) * 100
    value = _rounded(exact, _fineness(ratio, a, b, _MOST_DECIMALS + 1) * 100)
    if not value:
        return None
    before = _signed(a, scale)
    formula = f"({_plain(b, scale)} - {before}) / {before} {_equals(value, exact)} {value:,}%"
    shown = f"{_about(a, b)}{abs(value):,}%"
    return Result(_sentence(_moved(a, b, shown)), formula, shown)


def _ranking(operation: Operation, amounts: Sequence[_Amount]) -> Result | None:
    down = operation == "larger"
    losses = all(one.value < 0 for one in amounts)
    ordered = sorted(amounts, key=lambda one: abs(one.value) if losses else one.value, reverse=down)
    if any(a.value == b.value or abs(a.value - b.value) < (a.step + b.step) / 2 for a, b in pairwise(ordered)):
        return None
    scale = max(one.scale for one in amounts)
    formula = f" {'>' if down else '<'} ".join(_plain(one, scale) for one in ordered)
    formula = _worded(formula, scale, next((one.unit for one in amounts if one.unit), ""))
    return _first([(one.label, one.text) for one in ordered], formula)


def _first(ordered: Sequence[tuple[str, str]], formula: str) -> Result:
    """The result of a ranking of (label, value) pairs, the first one first."""
    first, *most, last = [f"{text} {name if name.startswith('in ') else f'for {name}'}" for name, text in ordered]
    return Result(_sentence(f"{first} against {' and '.join([*most, last])}"), formula, ordered[0][0])


def _of_days(operation: Operation, days: Sequence[tuple[str, str, str]]) -> Result | None:
    """The ranking of several times (label, first day, last day), or the time between two."""
    ordered = sorted(days, key=lambda one: one[1:])
    if any(a[2] >= b[1] for a, b in pairwise(ordered)):
        return None
    if operation == "difference":
        return _time_between(ordered[0], ordered[1])
    if operation not in ("earlier", "later"):
        return None
    first_wins = operation == "earlier"
    ranked = [(label, spelled(first, last)) for label, first, last in ordered[:: 1 if first_wins else -1]]
    formula = f" {'before' if first_wins else 'after'} ".join(when for _, when in ranked)
    return _first(ranked, formula)


def _time_between(a: tuple[str, str, str], b: tuple[str, str, str]) -> Result:
    exact = a[1] == a[2] and b[1] == b[2]
    begin, end = date.fromisoformat(a[1]), date.fromisoformat(b[1])
    years = end.year - begin.year - ((end.month, end.day) < (begin.month, begin.day) and exact)
    if exact and years < 2:
        count, word = (end - begin).days, "day"
    elif not exact and years < 2 and not any(facts.whole_years(*one[1:]) for one in (a, b)):
        count, word = (end.year - begin.year) * 12 + end.month - begin.month, "month"
    else:
        count, word = years, "year"
    shown = f"{'' if exact else 'about '}{count} {word}{'' if count == 1 else 's'}"
    formula = f"{spelled(*b[1:])} - {spelled(*a[1:])} = {shown}"
    return Result(_sentence(f"{shown} passed between {a[0]} and {b[0]}"), formula, shown)


def _rounded(value: Decimal, step: Decimal) -> Decimal:
    rounded = (value / step).quantize(Decimal(1), ROUND_HALF_UP) * step
    return rounded.quantize(min(Decimal(1), Decimal(1).scaleb(step.adjusted())))


def _equals(rounded: Decimal, exact: Decimal) -> str:
    return "=" if rounded == exact else "≈"


def _fineness(ratio: Decimal, a: _Amount, b: _Amount, decimals: int) -> Decimal:
    """The power of ten to round a ratio to: at least half the error of rounded operands; whole counts are exact."""
    unsure = abs(ratio) * sum((one.step / 2 / abs(one.value) for one in (a, b) if one.step != 1), Decimal(0))
    while decimals > 0 and Decimal(1).scaleb(-decimals) < unsure / 2:
        decimals -= 1
    return Decimal(1).scaleb(-decimals)


def _number(value: Decimal, step: Decimal, scale: Decimal) -> str:
    decimals = max(0, -int((step / scale).normalize().as_tuple().exponent))
    return f"{value / scale:,.{decimals}f}"


def _plain(amount: _Amount, scale: Decimal) -> str:
    return _number(amount.value, amount.step, scale)


def _signed(amount: _Amount, scale: Decimal) -> str:
    return f"({_plain(amount, scale)})" if amount.value < 0 else _plain(amount, scale)


def _worded(number: str, scale: Decimal, unit: str) -> str:
    return " ".join(word for word in (number, _SCALES.get(scale, ""), unit) if word)


def _about(*amounts: _Amount) -> str:
    return "about " if any(one.about for one in amounts) else ""


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."
