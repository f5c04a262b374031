"""Words, dates and names: what counts as one, and which spellings are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewire.qa import facts


def test_words_lose_possessives_and_capitals() -> None:
    assert facts.words("Lund’s boats; the AT&T e-mail, the crews' pay") == [
        "lund", "boats", "the", "at&t", "e-mail", "the", "crews", "pay",
    ]  # fmt: skip


def test_terms_are_stems_without_function_words() -> None:
    assert facts.terms("How many of the mining companies' ferries were sinking?") == [
        "mani",
        "mine",
        "compani",
        "ferri",
        "sink",
    ]
    assert facts.terms("What did they say to him?") == []
    assert facts.terms("cross-border") == ["cross", "border"]


def test_a_quarter_is_the_same_in_figures_and_words() -> None:
    assert facts.terms("sales in Q2 2021") == facts.terms("sales in the second quarter 2021")
    assert facts.terms("second-quarter sales") == ["second", "quarter", "sale"]
    assert facts.words("Q4's A4") == ["fourth", "quarter", "a4"]
    assert facts.words("Q5 and Q12") == ["q5", "and", "q12"]


def test_names_that_differ_in_a_blank() -> None:
    assert facts.same_name("Star Bank", "StarBank")
    assert facts.same_name("Star-Bank", "star bank")
    assert not facts.same_name("Star Bank", "Star Banks")


def test_months() -> None:
    assert facts.months("on 3 March 2019, in May and at the end of september") == {"march", "may", "september"}
    assert facts.months("They may march again; May I? March on!") == set()


def test_years() -> None:
    assert facts.years("From 1999 to 2023, and (2024).") == {1999, 2023, 2024}
    assert facts.years("2,000 seats, $2019, 2020%, 2021.5, 1899, 20235, 3.2018") == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ana Ruiz, the port's chair, met Tom Hale.", ["Ana Ruiz", "Tom Hale"]),
        ("Why did Kestrel’s profit fall?", ["Kestrel"]),
        ("The Bank of Norland is in Oslo.", ["Bank of Norland", "Oslo"]),
        ("A US-listed firm left the U.S. in May 2019.", ["US", "U.S"]),
        ("“Yes,” said O’Neill.", ["O’Neill"]),
        ("NorCo fell.", ["NorCo"]),
        ("It cost US$5, or $5 in the US.", ["US"]),
        ("Did Lund grow in Q2 of 2021?", ["Lund"]),
        ("In Q4 Lund Lines Q3 sales fell.", ["Lund Lines"]),
    ],
)
def test_names(text: str, expected: list[str]) -> None:
    assert facts.names(text) == expected


@pytest.mark.parametrize(
    "text", ["The bridge opened.", "Ferries sank. Bridges fell: Boats too.", "In May it rained.", "all lower case"]
)
def test_no_names(text: str) -> None:
    assert facts.names(text) == []


def test_an_opening_capital_is_a_name_if_it_is_one_elsewhere() -> None:
    known = facts.name_words(["The brewer Kestrel sold it."])
    assert known == {"kestrel"}
    assert facts.names("Kestrel paid more.", known) == ["Kestrel"]
    assert facts.names("Barley cost more.", known) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("US", "the U.S.-based port"),
        ("Ana Ruiz", "Ruiz (first name: Ana) said"),
        ("ana ruiz", "“Ana Ruiz’s plan”"),
        ("Kestrel", "$KESTREL fell"),
        ("US", "sold in the United States"),
        ("United Kingdom", "U.K. ports"),
        ("TH", "at 90 TH/s"),
        ("AC/DC", "by AC/DC"),
        ("Star Bank", "a StarBank note"),
        ("StarBank", "a note of Star Bank, it said"),
        ("StarBank", "a Star-Bank note"),
        ("Star-Bank", "the StarBank"),
        ("Tandem 3", "the Tandem III lands"),
        ("Tandem III", "the Tandem 3, it said"),
    ],
)
def test_has_name(name: str, text: str) -> None:
    assert facts.has_name(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Lund", "London"),
        ("Ana Ruiz", "Ana Holm"),
        ("US", "use the bus"),
        ("Kestrel", ""),
        ("Notice", "Lund did not ice cakes"),
        ("StarBank", "Star of the Bank"),
        ("Star Bank", "Starbucks Bank"),
        ("A B", "AB"),
        ("Tandem 3", "Tandem lands on May 3"),
        ("Tandem 3", "Tandem I"),
    ],
)
def test_has_not_name(name: str, text: str) -> None:
    assert not facts.has_name(name, text)


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert all(name.strip() for name in facts.names(text))
    assert all(1900 <= year <= 2099 for year in facts.years(text))
    assert facts.terms(text) == facts.terms(text.replace("\n", " "))
