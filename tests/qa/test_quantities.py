"""Amounts in every usual notation: what is read, with which value, unit and place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewire.qa.quantities import Number, currency, numbers

WHOLE = st.integers(0, 10**9)
TENTHS = st.integers(0, 9999).map(lambda n: n / 10)


def values(text: str) -> list[float]:
    return [one.value for one in numbers(text)]


def told(text: str) -> list[tuple[float, str, str]]:
    return [(round(one.value, 6), one.unit, text[one.start : one.end]) for one in numbers(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It cost $900,000.", [(900_000, "money", "$900,000")]),
        ("It cost US$168 million.", [(168e6, "money", "US$168 million")]),
        ("about £3.1bn and 5k", [(3.1e9, "money", "£3.1bn"), (5000, "", "5k")]),
        ("12 euros, 3 US dollars", [(12, "money", "12 euros"), (3, "money", "3 US dollars")]),
        ("up 80.9%, 15 per cent, 7 percent", [(80.9, "%", "80.9%"), (15, "%", "15 per cent"), (7, "%", "7 percent")]),
        ("a 10-million loan", [(10e6, "", "10-million")]),
        ("It stood at 1,234,567.50.", [(1234567.5, "", "1,234,567.50")]),
        ("£1.5 m", [(1.5e6, "money", "£1.5 m")]),
        ("100m in 2023.", [(100e6, "", "100m"), (2023, "", "2023")]),
        # other ways to group digits
        ("worth ₹4,50,000", [(450_000, "money", "₹4,50,000")]),
        ("worth €1.200.000", [(1.2e6, "money", "€1.200.000")]),
        ("some 1 200 000 people", [(1.2e6, "", "1 200 000")]),
        ("some 1\u202f200 people", [(1200, "", "1\u202f200")]),
        ("CHF 1'200'000", [(1.2e6, "money", "CHF 1'200'000")]),
        ("on May 5 300 people came", [(5, "", "5"), (300, "", "300")]),
        ("version 1.200", [(1.2, "", "1.200")]),
        # scales and units
        ("₹500 crore, 5 lakh", [(5e9, "money", "₹500 crore"), (5e5, "", "5 lakh")]),
        ("7.5 lakh crore", [(7.5e12, "", "7.5 lakh crore")]),
        ("rose 4 mln. euros", [(4e6, "money", "4 mln. euros")]),
        ("€3,5 Mio", [(3.5e6, "money", "€3,5 Mio")]),
        ("USD 5 million, 5 million JPY", [(5e6, "money", "USD 5 million"), (5e6, "money", "5 million JPY")]),
        ("by 0.25 pct. points to 3.75 pct.", [(0.25, "points", "0.25 pct. points"), (3.75, "%", "3.75 pct")]),
        ("25 basis points, 50 bps", [(0.25, "points", "25 basis points"), (0.5, "points", "50 bps")]),
        ("3 percentage points", [(3, "points", "3 percentage points")]),
        ("down -4% to −3", [(-4, "%", "-4%"), (-3, "", "−3")]),
        ("½ a cup, 1½ cups", [(0.5, "", "½"), (1.5, "", "1½")]),
        # words
        ("ten per cent of two million", [(10, "%", "ten per cent"), (2e6, "", "two million")]),
        ("twenty euros for three hundred seats", [(20, "money", "twenty euros"), (300, "", "three hundred")]),
        ("Four of the 5 firms", [(4, "", "Four"), (5, "", "5")]),
        ("five hundred thousand people", [(500_000, "", "five hundred thousand")]),
        ("twenty-five pounds", [(25, "money", "twenty-five pounds")]),
        (
            "half a million, a quarter of a million",
            [(5e5, "", "half a million"), (2.5e5, "", "a quarter of a million")],
        ),
        ("three and a half million", [(3.5e6, "", "three and a half million")]),
        ("2 and a half years", [(2.5, "", "2 and a half")]),
        ("a dozen, half a dozen, two dozen", [(12, "", "a dozen"), (6, "", "half a dozen"), (24, "", "two dozen")]),
        ("a dozen and a half eggs", [(18, "", "a dozen and a half")]),
        ("a million and a half", [(1.5e6, "", "million and a half")]),
        ("two and a quarter million", [(2.25e6, "", "two and a quarter million")]),
        ("three quarters of a billion euros", [(7.5e8, "money", "three quarters of a billion euros")]),
        ("a half-million", [(5e5, "", "half-million")]),
        ("down minus four degrees", [(-4, "", "minus four")]),
        # decimal commas, signs behind, fractions, losses of accounts
        ("12,5 % and 0,5, then 1,5 million", [(12.5, "%", "12,5 %"), (0.5, "", "0,5"), (1.5e6, "", "1,5 million")]),
        ("1.200.000 € or 40 €", [(1.2e6, "money", "1.200.000 €"), (40, "money", "40 €")]),
        ("1 1/2 cups, 2⁄5 of it", [(1.5, "", "1 1/2"), (0.4, "", "2⁄5")]),
        ("a loss of $(1.2) million", [(-1.2e6, "money", "$(1.2) million")]),
        ("$-5m, negative 3 percent", [(-5e6, "money", "$-5m"), (-3, "%", "negative 3 percent")]),
        # points and parts of a percent
        ("3‰, 5 per mille, 10pc", [(0.3, "%", "3‰"), (0.5, "%", "5 per mille"), (10, "%", "10pc")]),
        ("a 25-basis-point cut", [(0.25, "points", "25-basis-point")]),
        ("0.5 ppt, a 10-percent cut", [(0.5, "points", "0.5 ppt"), (10, "%", "10-percent")]),
        ("a quarter-point cut", [(0.25, "points", "a quarter-point")]),
        ("half a percentage point", [(0.5, "points", "half a percentage point")]),
        ("a quarter of a percent", [(0.25, "%", "a quarter of a percent")]),
        ("the third-quarter point total", []),
        # shares
        ("two-thirds of voters", [(66.666667, "%", "two-thirds")]),
        ("a quarter of the staff", [(25, "%", "a quarter")]),
        ("half of them", [(50, "%", "half")]),
        ("a quarter of 2024", [(2024, "", "2024")]),
        ("the second half of the match", []),
        ("two quarters in a row", [(2, "", "two")]),
        # ranges
        ("$3-5 billion", [(3e9, "money", "$3"), (5e9, "money", "5 billion")]),
        ("between 3 and 5 million", [(3e6, "", "3"), (5e6, "", "5 million")]),
        ("3 to 5 per cent", [(3, "%", "3"), (5, "%", "5 per cent")]),
        ("from 900,000 to 1.2 million", [(900_000, "", "900,000"), (1.2e6, "", "1.2 million")]),
        ("a 3-2 win", [(3, "", "3"), (2, "", "2")]),
    ],
)
def test_numbers(text: str, expected: list[tuple[float, str, str]]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    "text", ["a few thousand", "tens of thousands", "a couple of hundred", "a seven-figure sum", "no one", "nil"]
)
def test_vague_words_are_no_numbers(text: str) -> None:
    assert numbers(text) == []


@pytest.mark.parametrize("text", ["no digits here", "Q4 and the A380", "someone often phoned", "hundreds of them", ""])
def test_no_numbers(text: str) -> None:
    assert numbers(text) == []


def test_a_letter_after_a_space_is_no_scale() -> None:
    assert values("a wall 5 m high") == [5]
    assert values("110V sockets") == [110]


@given(WHOLE)
def test_whole_amounts_are_read_back(amount: int) -> None:
    for written in (str(amount), f"{amount:,}", f"${amount:,}", f"about {amount:,} seats", f"({amount:,})"):
        assert values(written) == [amount]


@given(st.integers(10**6, 10**9), st.sampled_from("'’\u00a0\u202f\u2009 ."))
def test_amounts_grouped_in_other_ways_are_read_back(amount: int, mark: str) -> None:
    assert values(f"It cost €{amount:,} then.".replace(",", mark)) == [amount]


@given(TENTHS, st.sampled_from([("million", 1e6), ("billion", 1e9), ("thousand", 1e3), ("trillion", 1e12)]))
def test_scaled_amounts_are_read_back(amount: float, scale: tuple[str, float]) -> None:
    word, factor = scale
    for written in (f"{amount} {word}", f"€{amount} {word.upper()}", f"{amount}-{word}"):
        assert values(f"It was {written}, they said.") == [pytest.approx(amount * factor)]


@given(
    TENTHS,
    st.sampled_from(
        [("k", 1e3), ("K", 1e3), ("m", 1e6), ("M", 1e6), ("bn", 1e9), ("tn", 1e12), ("mn", 1e6), ("mln", 1e6)]
    ),
)
def test_letter_scales_are_read_back(amount: float, scale: tuple[str, float]) -> None:
    letter, factor = scale
    assert values(f"${amount}{letter}.") == [pytest.approx(amount * factor)]


@given(TENTHS, st.sampled_from(["%", " %", " per cent", " percent", " Percent", " pct"]))
def test_percentages_are_read_back(amount: float, sign: str) -> None:
    assert [(one.value, one.unit) for one in numbers(f"fell {amount}{sign}.")] == [(amount, "%")]


@given(st.integers(1, 10**6))
def test_basis_points_are_read_back(amount: int) -> None:
    assert [(one.value, one.unit) for one in numbers(f"by {amount:,} basis points")] == [(amount / 100, "points")]


@given(st.text() | st.text("0123456789.,$%€½ kmbn-twoilnhafdze", max_size=60))
def test_spans_are_exact_ordered_and_apart(text: str) -> None:
    end = 0
    for number in numbers(text):
        assert end <= number.start < number.end <= len(text)
        written = text[number.start : number.end]
        assert written == written.strip()
        end = number.end


def one(text: str) -> Number:
    (number,) = numbers(text)
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
        ("-4%", "4%"),
        ("two-thirds of it", "67%"),
        ("a quarter of it", "25%"),
        ("25 basis points", "0.25 percentage points"),
        ("₹1 crore", "10 million rupees"),
    ],
)
def test_the_same_amount(a: str, b: str) -> None:
    assert one(a).matches(one(b))
    assert one(b).matches(one(a))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("15%", "15"), ("15%", "$15"), ("1.1 billion", "1.1 million"), ("36,400", "36,401"), ("-4", "4"),
        ("3%", "3 percentage points"), ("66%", "67%"), ("two-thirds of it", "60%"), ("5 lakh", "5 crore"),
    ],
)  # fmt: skip
def test_not_the_same_amount(a: str, b: str) -> None:
    assert not one(a).matches(one(b))
    assert not one(b).matches(one(a))


@pytest.mark.parametrize(
    ("amount", "name"),
    [
        ("US$5 million", "dollars"), ("5 US dollars", "dollars"), ("HK$5", "Hong Kong dollars"), ("€5", "euros"),
        ("5 EUR", "euros"), ("Rs 5", "rupees"), ("₹5", "rupees"), ("500 yen", "yen"), ("¥5", "¥"), ("5 SEK", "SEK"),
        ("5 Kroner", "kroner"), ("5", ""),
    ],
)  # fmt: skip
def test_currencies(amount: str, name: str) -> None:
    assert currency(amount) == name
