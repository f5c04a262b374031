"""Arithmetic on quoted figures and days, compared with results computed by hand."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scored import records

from citewire.index.types import Span
from citewire.qa import facts, quantities, values
from citewire.qa.arithmetic import Operand, Operation, Result, compute
from citewire.qa.values import Value


def figure(quote: str, label: str = "it") -> Operand:
    """The first figure of `quote` that is not a year."""
    number = next(n for n in quantities.numbers(quote) if n.unit or n.value not in facts.years(quote))
    text = quote[number.start : number.end].strip()
    found = Value("number", text, "a.txt", "", 0, 0, Span(0, 0), 1.0, number=number, unit=values.unit(quote, number))
    return Operand(label, found, quote)


def days(label: str, first: str, last: str = "") -> Operand:
    return Operand(label, Value("date", "", "a.txt", "", 0, 0, Span(0, 0), 1.0, days=(first, last or first)), "")


def test_results() -> None:
    """The figures of a case's quotes are a, b and c; they give its sentence and formula, or neither."""
    for case in records("arithmetic.jsonl"):
        found = compute(case["operation"], [figure(*one) for one in zip(case["quotes"], "abc", strict=False)])
        got = (found.sentence, found.formula) if found else (None, None)
        assert got == (case["sentence"], case.get("formula")), case


ACME = days("the founding of Acme", "2013-01-01", "2013-12-31")
LUND = days("the founding of Lund", "2016-05-01", "2016-05-31")
THIRD = days("b", "2016-05-03")


@pytest.mark.parametrize(
    ("operation", "operands", "sentence", "formula"),
    [
        (
            "earlier",
            [LUND, ACME],
            "2013 for the founding of Acme against May 2016 for the founding of Lund.",
            "2013 before May 2016",
        ),
        (
            "later",
            [LUND, ACME],
            "May 2016 for the founding of Lund against 2013 for the founding of Acme.",
            "May 2016 after 2013",
        ),
        (
            "difference",
            [LUND, ACME],
            "About 3 years passed between the founding of Acme and the founding of Lund.",
            "May 2016 - 2013 = about 3 years",
        ),
        (
            "difference",
            [days("a", "2013-06-01"), THIRD],
            "2 years passed between a and b.",
            "3 May 2016 - 1 June 2013 = 2 years",
        ),
        (
            "difference",
            [days("a", "2016-04-01"), THIRD],
            "32 days passed between a and b.",
            "3 May 2016 - 1 April 2016 = 32 days",
        ),
        (
            "difference",
            [THIRD, days("a", "2016-05-02")],
            "1 day passed between a and b.",
            "3 May 2016 - 2 May 2016 = 1 day",
        ),
        (
            "difference",
            [days("a", "2016-03-01", "2016-03-31"), days("b", "2016-05-01", "2016-05-31")],
            "About 2 months passed between a and b.",
            "May 2016 - March 2016 = about 2 months",
        ),
        ("earlier", [days("a", "2016-01-01", "2016-12-31"), LUND], None, None),
        ("larger", [ACME, LUND], None, None),
        ("difference", [ACME], None, None),
        ("difference", [ACME, figure("$5")], None, None),
    ],
)
def test_days(operation: Operation, operands: list[Operand], sentence: str | None, formula: str | None) -> None:
    found = compute(operation, operands)
    assert (found.sentence, found.formula) == (sentence, formula) if found else sentence is None


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_against_python(a: int, b: int) -> None:
    assume(a != b)
    high, low = max(a, b), min(a, b)
    both = [figure(f"${a:,}"), figure(f"${b:,}")]
    total, difference, larger = (compute(op, both) for op in ("sum", "difference", "larger"))
    assert total
    assert total.formula == f"{a:,} + {b:,} = {a + b:,} dollars"
    assert difference
    assert difference.formula.removesuffix("s") == f"{high:,} - {low:,} = {high - low:,} dollar"
    assert larger
    assert larger.formula == f"{high:,} > {low:,} dollars"


@given(st.integers(100, 9999), st.integers(100, 9999))
def test_a_percent_change_is_right_within_its_rounding(a: int, b: int) -> None:
    found = compute("percent change", [figure(f"${a / 10:.1f} million"), figure(f"${b / 10:.1f} million")])
    exact = (b - a) / a * 100
    unsure = 100 * b / a * (0.5 / a + 0.5 / b)  # the error from the operands' rounding
    tolerance = max(0.05, 2.5 * unsure) + 1e-9  # half of the last digit shown
    value = float(found.short.rstrip("%").replace(",", "")) if found else 0.0
    assert abs(value - abs(exact)) <= tolerance


def test_a_change_and_a_ranking() -> None:
    before, after = figure("$25.67", "in 2024"), figure("$21.50", "in 2025")
    assert compute("difference", [before, after], change=True) == Result(
        "Down by 4.17 dollars, from $25.67 in 2024 to $21.50 in 2025.", "25.67 - 21.50 = 4.17 dollars", "4.17 dollars"
    )
    ranking = compute("larger", [figure("12 titles", "Vire"), figure("18 titles", "Halden")])
    assert ranking == Result("18 for Halden against 12 for Vire.", "18 > 12 titles", "Halden")


def test_a_loss_that_is_asked_for_is_no_negative_figure() -> None:
    both = [figure("a deficit of $63 billion"), figure("a gap of $45 billion")]
    found = [compute("sum", both, asked=asked) for asked in ("How large is the deficit?", "What was the balance?")]
    assert [one and one.short for one in found] == ["108 billion dollars", "-18 billion dollars"]


def test_counts_of_other_things_are_not_computed_with() -> None:
    """A thousand times as many are hardly counted in the same way, and "40" alone may count anything."""
    assert compute("difference", [figure("2 doses"), figure("5 million doses")]) is None
    assert compute("larger", [figure("2 doses"), figure("5 million doses")])
    assert compute("difference", [figure("6,700 children"), figure("25 doses")]) is None
    assert compute("sum", [figure("12 ferries"), figure("In all there are 40.")]) is None
