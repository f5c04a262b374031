"""Results of arithmetic on quoted figures and days, against results worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from citewire.index.dates import mentions
from citewire.qa import facts
from citewire.qa.arithmetic import (
    Days,
    Figure,
    Moment,
    Operation,
    Refusal,
    Result,
    compute,
    compute_days,
    pick,
    pick_moment,
)
from citewire.qa.question import event, parse

YEAR_2023, YEAR_2024 = ("2023-01-01", "2023-12-31"), ("2024-01-01", "2024-12-31")


def figure(quote: str, label: str = "it", period: Days = ("", "")) -> Figure:
    """The first figure of `quote` that is no year."""
    number = next(n for n in facts.numbers(quote) if n.unit or n.value not in facts.years(quote))
    return Figure(label, quote, number, period)


def computed(operation: Operation, *quotes: str) -> Result | Refusal:
    return compute(operation, [figure(quote, name) for quote, name in zip(quotes, ("a", "b", "c"), strict=False)])


@pytest.mark.parametrize(
    ("operation", "quotes", "formula", "sentence"),
    [
        (
            "difference",
            ("$269.3 million", "$211.5 million"),
            "269.3 - 211.5 = 57.8 million dollars",
            "A is 57.8 million dollars more than b.",
        ),
        (
            "difference",
            ("$211.5 million", "$269.3 million"),
            "269.3 - 211.5 = 57.8 million dollars",
            "B is 57.8 million dollars more than a.",
        ),
        (
            "difference",
            ("US$46,500", "$403,000"),
            "403,000 - 46,500 = 356,500 dollars",
            "B is 356,500 dollars more than a.",
        ),
        (
            "difference",
            ("€2.0 billion", "€850 million"),
            "2.0 - 0.850 ≈ 1.2 billion euros",
            "A is 1.2 billion euros more than b.",
        ),
        (
            "difference",
            ("17,352 night ferries", "200,000 ferries"),
            "200,000 - 17,352 = 182,648 ferries",
            "B is 182,648 ferries more than a.",
        ),
        (
            "difference",
            ("15% of costs", "12% of costs"),
            "15 - 12 = 3 percentage points",
            "A is 3 percentage points more than b.",
        ),
        (
            "difference",
            ("a profit of $38 million", "a loss of $2 million"),
            "38 - (-2) = 40 million dollars",
            "A is 40 million dollars more than b.",
        ),
        (
            "difference",
            ("about £5 million", "£3 million"),
            "5 - 3 = 2 million pounds",
            "A is about 2 million pounds more than b.",
        ),
        ("difference", ("three ships", "two ships"), "3 - 2 = 1 ship", "A is 1 ship more than b."),
        ("ratio", ("$46,500", "$403,000"), "403,000 / 46,500 ≈ 8.67", "B is 8.67 times a."),
        ("ratio", ("$2.0 billion", "$850 million"), "2.0 / 0.850 ≈ 2.4", "A is 2.4 times b."),
        (
            "percent change",
            ("$211.5 million", "$269.3 million"),
            "(269.3 - 211.5) / 211.5 ≈ 27.3%",
            "B is 27.3% higher than a.",
        ),
        ("percent change", ("$200 million", "$150 million"), "(150 - 200) / 200 = -25%", "B is 25% lower than a."),
        ("percent change", ("40 ships", "50 ships"), "(50 - 40) / 40 = 25.0%", "B is 25.0% higher than a."),
        (
            "sum",
            ("$1.5 million", "$2.25 million", "$3 million"),
            "1.5 + 2.25 + 3 ≈ 7 million dollars",
            "A, b and c together are 7 million dollars.",
        ),
        (
            "larger",
            ("$88.8 million", "$269.3 million"),
            "269.3 > 88.8 million dollars",
            "B ($269.3 million) is larger than a ($88.8 million).",
        ),
        (
            "smaller",
            ("10 ships", "30 ships", "20 ships"),
            "10 < 20 < 30 ships",
            "A (10) is smaller than c (20) and b (30).",
        ),
        ("older", ("She is 53", "He is 65"), "65 > 53", "B (65) is older than a (53)."),
        (
            "larger",
            ("a loss of $2 million", "a loss of $5 million"),
            "-5 > -2 million dollars",
            "B ($5 million) is larger than a ($2 million).",
        ),
    ],
)
def test_results(operation: Operation, quotes: tuple[str, ...], formula: str, sentence: str) -> None:
    found = computed(operation, *quotes)
    assert isinstance(found, Result)
    assert (found.formula, found.sentence) == (formula, sentence)


def test_the_value_is_in_full() -> None:
    found = computed("difference", "$269.3 million", "$211.5 million")
    assert isinstance(found, Result)
    assert found.value == 57_800_000


@pytest.mark.parametrize(
    ("operation", "quotes", "reason"),
    [
        ("difference", ("$269.3 million", "15%"), "$269.3 million and 15% are not in the same unit"),
        ("larger", ("€2 million", "$3 million"), "€2 million and $3 million are not in the same unit"),
        ("larger", ("A$2 million", "$3 million"), "A$2 million and $3 million are not in the same unit"),
        ("sum", ("17 ferries", "26 buses"), "17 and 26 are not in the same unit"),
        ("difference", ("$5", "5 ferries"), "$5 and 5 are not in the same unit"),
        ("sum", ("15% of costs", "20% of costs"), "percentages of different things cannot be added"),
        ("percent change", ("15%", "20%"), "the figures are percentages"),
        ("percent change", ("a loss of $2 million", "a profit of $3 million"), "one of the figures is a loss"),
        ("ratio", ("$5", "$0"), "one of the figures is zero"),
        (
            "larger",
            ("$1.1 billion", "$1.12 billion"),
            "$1.12 billion and $1.1 billion are the same, as far as they are rounded",
        ),
        ("difference", ("$5", "$5"), "$5 and $5 are the same, as far as they are rounded"),
        (
            "difference",
            ("fourth-quarter revenue of $88.8 million", "full-year revenue of $269.3 million"),
            "$88.8 million is for a quarter and $269.3 million for a year",
        ),
        ("difference", ("$5",), "there are not two figures"),
        ("ratio", ("$5", "$6", "$7"), "there are more than two figures"),
        ("earlier", ("$5", "$6"), "figures do not tell which came first"),
    ],
)
def test_what_does_not_fit_is_refused(operation: Operation, quotes: tuple[str, ...], reason: str) -> None:
    assert computed(operation, *quotes) == Refusal(reason)


def test_periods() -> None:
    early, late = figure("$200 million", "2023", YEAR_2023), figure("$300 million", "2024", YEAR_2024)
    quarter = figure("$90 million", "Q4", ("2024-10-01", "2024-12-31"))
    change = compute("percent change", [late, early])
    assert isinstance(change, Result)
    assert change.sentence == "2024 is 50% higher than 2023."
    assert compute("larger", [late, early], same_time=True) == Refusal(
        "$300 million and $200 million are of different times"
    )
    assert compute("difference", [late, quarter]) == Refusal("$300 million is for a year and $90 million for a quarter")
    half = figure("$3 million", "a", ("2024-03-01", "2025-02-28"))
    assert compute("sum", [late, half]) == Refusal("the times of $300 million and $3 million overlap")


QUOTE = (
    "In 2018, Lund's ferry revenue was US$420 million, and bus revenue was only US$46,500; in 2019, ferry revenue was"
    " US$220 million, and bus revenue was US$403,000."
)


@pytest.mark.parametrize(
    ("text", "quote", "found"),
    [
        ("What was Lund's bus revenue in 2018?", QUOTE, "US$46,500"),
        ("What was Lund's bus revenue in 2019?", QUOTE, "US$403,000"),
        ("What was Lund's ferry revenue in 2018?", QUOTE, "US$420 million"),
        ("What was Lund's ferry revenue in 2019?", QUOTE, "US$220 million"),
        ("What was Lund's ferry revenue in 2020?", QUOTE, None),
        ("What was Lund's revenue in 2019?", QUOTE, None),  # two
        (
            "What was Acme's revenue in 2024?",
            "Total 2024 revenue hit $269.3 million, a 27.4% increase.",
            "$269.3 million",
        ),
        ("What share of trips was cancelled?", "Of 300 trips, 15% were cancelled.", "15%"),
        ("What tariff applies to ferries?", "Ferries worth $3 million face a 10% tariff.", "10%"),
        ("How many ferries did Acme order?", "Acme paid $3 million for 17 ferries and 4 buses.", "17"),
        ("How many trams did Acme order?", "Acme paid $3 million for 17 ferries and 4 buses.", None),
        ("What was Acme's revenue?", "Acme did well.", None),
        ("When did Acme open?", "Acme opened on 3 May 2013.", None),  # a day is no amount
    ],
)
def test_the_figure_of_a_quote_that_answers(text: str, quote: str, found: str | None) -> None:
    chosen = pick(parse(text), "it", quote)
    assert (chosen.text if chosen else None) == found


@pytest.mark.parametrize(
    ("text", "quote", "days"),
    [
        ("When was Acme founded?", "Acme was founded in 2013 and Lund in May 2016.", ("2013-01-01", "2013-12-31")),
        ("When was Lund founded?", "Acme was founded in 2013 and Lund in May 2016.", ("2016-05-01", "2016-05-31")),
        ("When did Lund close?", "In May 2016 Lund closed.", ("2016-05-01", "2016-05-31")),
        ("When did it close?", "It grew in 2013 and fell in 2016.", None),  # either
        ("When did Lund close?", "Lund closed.", None),
    ],
)
def test_the_time_of_a_quote_that_answers(text: str, quote: str, days: Days | None) -> None:
    told = f"Lately. {quote} It was bought in 2020."
    found = pick_moment(parse(text), "it", quote, mentions(told, ""), told.index(quote))
    assert (found and (found.first, found.last)) == days


def test_the_time_between_two_quoted_days() -> None:
    quotes = ["Acme opened its plant on 3 May 2013.", "Lund closed the yard on 4 May 2016."]
    asked = ["When did Acme open its plant?", "When did Lund close the yard?"]
    moments = [
        pick_moment(parse(q), event(q), quote, mentions(quote, "")) for q, quote in zip(asked, quotes, strict=True)
    ]
    found = compute_days("difference", [m for m in moments if m])
    assert isinstance(found, Result)
    assert found.sentence == (
        "3 years passed between the time when Acme opened its plant and the time when Lund closed the yard."
    )


ACME = Moment("the founding of Acme", "", "2013-01-01", "2013-12-31")
LUND = Moment("the founding of Lund", "", "2016-05-01", "2016-05-31")


@pytest.mark.parametrize(
    ("operation", "sentence", "formula"),
    [
        ("earlier", "The founding of Acme (2013) came before the founding of Lund (May 2016).", "2013 before May 2016"),
        ("later", "The founding of Lund (May 2016) came after the founding of Acme (2013).", "May 2016 after 2013"),
        ("older", "The founding of Acme (2013) is older than the founding of Lund (May 2016).", "2013 before May 2016"),
        (
            "difference",
            "About 3 years passed between the founding of Acme and the founding of Lund.",
            "May 2016 - 2013 = about 3 years",
        ),
    ],
)
def test_days(operation: Operation, sentence: str, formula: str) -> None:
    found = compute_days(operation, [LUND, ACME])
    assert isinstance(found, Result)
    assert (found.sentence, found.formula) == (sentence, formula)


@pytest.mark.parametrize(
    ("first", "last", "formula"),
    [
        ("2013-06-01", "2016-05-03", "3 May 2016 - 1 June 2013 = 2 years"),
        ("2013-05-03", "2016-05-03", "3 May 2016 - 3 May 2013 = 3 years"),
        ("2016-04-01", "2016-05-03", "3 May 2016 - 1 April 2016 = 32 days"),
        ("2016-05-02", "2016-05-03", "3 May 2016 - 2 May 2016 = 1 day"),
    ],
)
def test_time_between_days(first: str, last: str, formula: str) -> None:
    found = compute_days("difference", [Moment("a", "", first, first), Moment("b", "", last, last)])
    assert isinstance(found, Result)
    assert found.formula == formula


@pytest.mark.parametrize(
    ("operation", "moments", "reason"),
    [
        (
            "earlier",
            [Moment("a", "", "2016-01-01", "2016-12-31"), LUND],
            "2016 and May 2016 do not tell which came first",
        ),
        ("sum", [ACME, LUND], "days have no sum"),
        ("difference", [ACME], "there are not two days"),
    ],
)
def test_days_that_do_not_tell(operation: Operation, moments: list[Moment], reason: str) -> None:
    assert compute_days(operation, moments) == Refusal(reason)


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_against_python(a: int, b: int) -> None:
    assume(a != b)
    figures = [figure(f"${a:,}"), figure(f"${b:,}")]
    difference, total, larger = (compute(op, figures) for op in ("difference", "sum", "larger"))
    assert isinstance(difference, Result)
    assert isinstance(total, Result)
    assert isinstance(larger, Result)
    assert (difference.value, total.value, larger.value) == (abs(a - b), a + b, max(a, b))


@given(st.integers(100, 9999), st.integers(100, 9999))
def test_a_percent_change_is_right_within_its_rounding(a: int, b: int) -> None:
    found = compute("percent change", [figure(f"${a / 10:.1f} million"), figure(f"${b / 10:.1f} million")])
    exact = (b - a) / a * 100
    unsure = 100 * b / a * (0.5 / a + 0.5 / b)  # by how much the operands' rounding can move it
    tolerance = max(0.05, 2.5 * unsure) + 1e-9  # half of the step: a tenth, or at most ten times half of that
    if isinstance(found, Result):
        assert abs(found.value - exact) <= tolerance
    else:
        assert abs(exact) <= tolerance
