"""Numbers, dates and names: what is one and what is not, and what two spellings have in common."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewire.qa import facts

WHOLE = st.integers(0, 10**9)
TENTHS = st.integers(0, 9999).map(lambda n: n / 10)


def values(text: str) -> list[float]:
    return [n.value for n in facts.numbers(text)]


def told(text: str) -> list[tuple[float, str, str]]:
    return [(n.value, n.unit, text[n.start : n.end]) for n in facts.numbers(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It cost $900,000.", [(900_000, "money", "$900,000")]),
        ("It cost US$168 million.", [(168e6, "money", "US$168 million")]),
        ("about £3.1bn and 5k", [(3.1e9, "money", "£3.1bn"), (5000, "", "5k")]),
        ("12 euros, 3 US dollars", [(12, "money", "12 euros"), (3, "money", "3 US dollars")]),
        ("up 80.9%, 15 per cent, 7 percent", [(80.9, "%", "80.9%"), (15, "%", "15 per cent"), (7, "%", "7 percent")]),
        ("a 10-million loan", [(10e6, "", "10-million")]),
        ("ten per cent of two million", [(10, "%", "ten per cent"), (2e6, "", "two million")]),
        ("twenty euros for three hundred seats", [(20, "money", "twenty euros"), (300, "", "three hundred")]),
        ("Four of the 5 firms", [(4, "", "Four"), (5, "", "5")]),
        ("It stood at 1,234,567.50.", [(1234567.5, "", "1,234,567.50")]),
        ("£1.5 m", [(1.5e6, "money", "£1.5 m")]),
        ("100m in 2023.", [(100e6, "", "100m"), (2023, "", "2023")]),
    ],
)
def test_numbers(text: str, expected: list[tuple[float, str, str]]) -> None:
    assert [(round(value, 6), *rest) for value, *rest in told(text)] == expected


@pytest.mark.parametrize("text", ["no digits here", "Q4 and the A380", "someone often phoned", "hundreds of them", ""])
def test_no_numbers(text: str) -> None:
    assert facts.numbers(text) == []


def test_a_letter_after_a_space_is_no_scale() -> None:
    assert values("a wall 5 m high") == [5]
    assert values("110V sockets") == [110]


def test_percentage_points_and_signs_keep_the_amount() -> None:
    assert told("down -5%") == [(5, "%", "5%")]
    assert told("3 percentage points") == [(3, "", "3")]


@given(WHOLE)
def test_whole_amounts_are_read_back(amount: int) -> None:
    for written in (str(amount), f"{amount:,}", f"${amount:,}", f"about {amount:,} seats", f"({amount:,})"):
        assert values(written) == [amount]


@given(TENTHS, st.sampled_from([("million", 1e6), ("billion", 1e9), ("thousand", 1e3), ("trillion", 1e12)]))
def test_scaled_amounts_are_read_back(amount: float, scale: tuple[str, float]) -> None:
    word, factor = scale
    for written in (f"{amount} {word}", f"€{amount} {word.upper()}", f"{amount}-{word}"):
        assert values(f"It was {written}, they said.") == [pytest.approx(amount * factor)]


@given(
    TENTHS, st.sampled_from([("k", 1e3), ("K", 1e3), ("m", 1e6), ("M", 1e6), ("bn", 1e9), ("tn", 1e12), ("mn", 1e6)])
)
def test_letter_scales_are_read_back(amount: float, scale: tuple[str, float]) -> None:
    letter, factor = scale
    assert values(f"${amount}{letter}.") == [pytest.approx(amount * factor)]


@given(TENTHS, st.sampled_from(["%", " %", " per cent", " percent", " Percent"]))
def test_percentages_are_read_back(amount: float, sign: str) -> None:
    assert [(n.value, n.unit) for n in facts.numbers(f"fell {amount}{sign}.")] == [(amount, "%")]


@given(st.text() | st.text("0123456789.,$%€ kmbn-twoiln", max_size=60))
def test_spans_are_exact_ordered_and_apart(text: str) -> None:
    end = 0
    for number in facts.numbers(text):
        assert end <= number.start < number.end <= len(text)
        written = text[number.start : number.end]
        assert written == written.strip()
        assert [(n.value, n.unit) for n in facts.numbers(written)] == [(number.value, number.unit)]
        end = number.end


def one(text: str) -> facts.Number:
    (number,) = facts.numbers(text)
    return number


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("$900,000", "900K"),
        ("0.9 million", "900,000 dollars"),
        ("15%", "15 per cent"),
        ("ten", "10"),
        ("ten per cent", "10%"),
        ("$2.0 billion", "2 billion"),
    ],
)
def test_the_same_amount(a: str, b: str) -> None:
    assert one(a).matches(one(b))
    assert one(b).matches(one(a))


@pytest.mark.parametrize(
    ("a", "b"), [("15%", "15"), ("15%", "$15"), ("1.1 billion", "1.1 million"), ("36,400", "36,401")]
)
def test_not_the_same_amount(a: str, b: str) -> None:
    assert not one(a).matches(one(b))
    assert not one(b).matches(one(a))


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
    ],
)
def test_has_not_name(name: str, text: str) -> None:
    assert not facts.has_name(name, text)


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert all(name.strip() for name in facts.names(text))
    assert all(1900 <= year <= 2099 for year in facts.years(text))
    assert facts.terms(text) == facts.terms(text.replace("\n", " "))
