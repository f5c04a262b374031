"""Results of arithmetic on quoted figures and days, against results worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from citewire.index.types import Span
from citewire.qa import facts
from citewire.qa.arithmetic import Days, Figure, Moment, Operation, Refusal, Result, compute, compute_days, moment
from citewire.qa.arithmetic import figure as made
from citewire.qa.values import Value

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
            "A: 57.8 million dollars more than b.",
        ),
        (
            "difference",
            ("$211.5 million", "$269.3 million"),
            "269.3 - 211.5 = 57.8 million dollars",
            "B: 57.8 million dollars more than a.",
        ),
        (
            "difference",
            ("US$46,500", "$403,000"),
            "403,000 - 46,500 = 356,500 dollars",
            "B: 356,500 dollars more than a.",
        ),
        (
            "difference",
            ("€2.0 billion", "€850 million"),
            "2.0 - 0.850 ≈ 1.2 billion euros",
            "A: 1.2 billion euros more than b.",
        ),
        (
            "difference",
            ("17,352 night ferries", "200,000 ferries"),
            "200,000 - 17,352 = 182,648 ferries",
            "B: 182,648 ferries more than a.",
        ),
        (
            "difference",
            ("15% of costs", "12% of costs"),
            "15 - 12 = 3 percentage points",
            "A: 3 percentage points more than b.",
        ),
        (
            "difference",
            ("a profit of $38 million", "a loss of $2 million"),
            "38 - (-2) = 40 million dollars",
            "A: 40 million dollars more than b.",
        ),
        (
            "difference",
            ("about £5 million", "£3 million"),
            "5 - 3 = 2 million pounds",
            "A: about 2 million pounds more than b.",
        ),
        ("difference", ("three ships", "two ships"), "3 - 2 = 1 ship", "A: 1 ship more than b."),
        ("ratio", ("$46,500", "$403,000"), "403,000 / 46,500 ≈ 8.67", "B: 8.67 times a."),
        ("ratio", ("$2.0 billion", "$850 million"), "2.0 / 0.850 ≈ 2.4", "A: 2.4 times b."),
        (
            "percent change",
            ("$211.5 million", "$269.3 million"),
            "(269.3 - 211.5) / 211.5 ≈ 27.3%",
            "Up by 27.3%, from $211.5 million a to $269.3 million b.",
        ),
        (
            "percent change",
            ("$200 million", "$150 million"),
            "(150 - 200) / 200 = -25%",
            "Down by 25%, from $200 million a to $150 million b.",
        ),
        ("percent change", ("40 ships", "50 ships"), "(50 - 40) / 40 = 25.0%", "Up by 25.0%, from 40 a to 50 b."),
        (
            "sum",
            ("$1.5 million", "$2.25 million", "$3 million"),
            "1.5 + 2.25 + 3 ≈ 7 million dollars",
            "A, b and c together: 7 million dollars.",
        ),
        (
            "larger",
            ("$88.8 million", "$269.3 million"),
            "269.3 > 88.8 million dollars",
            "B is larger: $269.3 million against $88.8 million for a.",
        ),
        (
            "smaller",
            ("10 ships", "30 ships", "20 ships"),
            "10 < 20 < 30 ships",
            "A is smaller: 10 against 20 for c and 30 for b.",
        ),
        ("older", ("She is 53", "He is 65"), "65 > 53", "B is older: 65 against 53 for a."),
        (
            "larger",
            ("a loss of $2 million", "a loss of $5 million"),
            "-5 > -2 million dollars",
            "B is larger: $5 million against $2 million for a.",
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
        ("older", ("$5", "$6"), "$5 is no age"),
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
    assert change.sentence == "Up by 50%, from $200 million 2023 to $300 million 2024."
    assert compute("larger", [late, early], same_time=True) == Refusal(
        "$300 million and $200 million are of different times"
    )
    assert compute("difference", [late, quarter]) == Refusal("$300 million is for a year and $90 million for a quarter")
    half = figure("$3 million", "a", ("2024-03-01", "2025-02-28"))
    assert compute("sum", [late, half]) == Refusal("the times of $300 million and $3 million overlap")


REVENUE = Value("number", "$53 million", "a.txt", "", 0, 0, Span(0, 0), 1.0, facts.Number(53e6, "money", 0, 0))
OPENED = Value("date", "3 May 2013", "a.txt", "", 0, 0, Span(0, 0), 1.0, days=("2013-05-03", "2013-05-03"))


def test_a_value_becomes_the_figure_or_the_moment_of_a_quote() -> None:
    quote = "Revenue was $48 million in 2022 and $53 million in 2023."
    found = made("Acme's revenue", REVENUE, quote, YEAR_2023)
    assert found is not None
    assert (found.text, found.label, found.period) == ("$53 million", "Acme's revenue", YEAR_2023)
    assert moment("the opening", OPENED, "It opened on 3 May 2013.") == Moment(
        "the opening", "It opened on 3 May 2013.", "2013-05-03", "2013-05-03"
    )
    assert made("it", REVENUE, "Revenue was $48 million.") is None  # the quote does not have it
    assert made("it", OPENED, "It opened on 3 May 2013.") is None  # a day is no amount
    assert moment("it", REVENUE, quote) is None


def test_the_time_between_two_days() -> None:
    closed = replace(OPENED, text="4 May 2016", days=("2016-05-04", "2016-05-04"))
    moments = [moment("the opening of the plant", OPENED, ""), moment("the end of the yard", closed, "")]
    found = compute_days("difference", [one for one in moments if one])
    assert isinstance(found, Result)
    assert found.sentence == "3 years passed between the opening of the plant and the end of the yard."


@pytest.mark.parametrize(
    ("quote", "kind"),
    [
        ("quarterly revenue of $5 million", "quarter"),
        ("annual revenue of $5 million", "year"),
        ("Revenue was $5 million for the full year.", "year"),
        ("Revenue was $5 million in the second quarter, and profit rose in the year.", "quarter"),
    ],
)
def test_the_length_of_time_that_a_clause_names(quote: str, kind: str) -> None:
    found = compute("larger", [figure(quote), figure("$3 million", period=("2024-03-01", "2024-03-01"))])
    assert found == Refusal(f"$5 million is for a {kind} and $3 million for a day")


ACME = Moment("the founding of Acme", "", "2013-01-01", "2013-12-31")
LUND = Moment("the founding of Lund", "", "2016-05-01", "2016-05-31")


@pytest.mark.parametrize(
    ("operation", "sentence", "formula"),
    [
        (
            "earlier",
            "The founding of Acme is earlier: 2013 against May 2016 for the founding of Lund.",
            "2013 before May 2016",
        ),
        (
            "later",
            "The founding of Lund is later: May 2016 against 2013 for the founding of Acme.",
            "May 2016 after 2013",
        ),
        (
            "older",
            "The founding of Acme is older: 2013 against May 2016 for the founding of Lund.",
            "2013 before May 2016",
        ),
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


@settings(deadline=None)  # the machine may be busy
@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_against_python(a: int, b: int) -> None:
    assume(a != b)
    figures = [figure(f"${a:,}"), figure(f"${b:,}")]
    difference, total, larger = (compute(op, figures) for op in ("difference", "sum", "larger"))
    assert isinstance(difference, Result)
    assert isinstance(total, Result)
    assert isinstance(larger, Result)
    assert (difference.value, total.value, larger.value) == (abs(a - b), a + b, max(a, b))


@settings(deadline=None)  # the machine may be busy
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


def test_a_change_and_a_ranking_in_the_words_of_the_question() -> None:
    before, after = figure("$25.67", "in 2024"), figure("$21.50", "in 2025")
    change = compute("difference", [before, after], change=True)
    assert change == Result(
        "Down by 4.17 dollars, from $25.67 in 2024 to $21.50 in 2025.",
        "25.67 - 21.50 = 4.17 dollars",
        4.17,
        "4.17 dollars",
    )
    ranking = compute("larger", [figure("12 titles", "Vire"), figure("18 titles", "Halden")], told="has more titles")
    assert ranking == Result("Halden has more titles: 18 against 12 for Vire.", "18 > 12 titles", 18.0, "Halden")
