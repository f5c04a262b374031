"""Amounts in every usual notation: their value, unit and place in the text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from citewire.qa.quantities import Number, currency, numbers

WHOLE = st.integers(0, 10**9)
TENTHS = st.integers(0, 9999).map(lambda n: n / 10)


def values(text: str) -> list[float]:
    return [one.value for one in numbers(text)]


def told(text: str) -> list[tuple[float, str, str]]:
    return [(round(one.value, 6), one.unit, text[one.start : one.end]) for one in numbers(text)]


# (text, [(value, unit, words) of each amount]); `benchmarks/quantities.py` reads this table
AMOUNTS: list[tuple[str, list[tuple[float, str, str]]]] = [
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
    # decimal commas, trailing signs, fractions, losses in brackets
    ("12,5 % and 0,5, then 1,5 million", [(12.5, "%", "12,5 %"), (0.5, "", "0,5"), (1.5e6, "", "1,5 million")]),
    ("1.200.000 € or 40 €", [(1.2e6, "money", "1.200.000 €"), (40, "money", "40 €")]),
    ("1 1/2 cups, 2⁄5 of it", [(1.5, "", "1 1/2"), (40, "%", "2⁄5")]),
    ("a loss of $(1.2) million", [(-1.2e6, "money", "$(1.2) million")]),
    ("$-5m, negative 3 percent", [(-5e6, "money", "$-5m"), (-3, "%", "negative 3 percent")]),
    # percentage points and fractions of a percent
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
    ("3/4 of the votes, ¾ of them", [(75, "%", "3/4"), (75, "%", "¾")]),
    ("a 2/3 majority, a two-thirds majority", [(66.666667, "%", "2/3"), (66.666667, "%", "two-thirds")]),
    ("between 1/3 and 1/2 of voters", [(33.333333, "%", "1/3"), (50, "%", "1/2")]),
    ("3/4 of a million", [(750_000, "", "3/4 of a million")]),
    ("a fifth of a billion euros", [(2e8, "money", "a fifth of a billion euros")]),
    ("fell by a third in May", [(33.333333, "%", "a third")]),
    ("seized by a third party", []),
    ("a third fewer boats, nearly half said no", [(33.333333, "%", "a third"), (50, "%", "half")]),
    ("at about half past two", [(2, "", "two")]),
    ("one third of it, one-fifth", [(33.333333, "%", "one third"), (20, "%", "one-fifth")]),
    ("one in five people, 1 in 5", [(20, "%", "one in five"), (20, "%", "1 in 5")]),
    ("nine out of ten, 65 out of 100", [(90, "%", "nine out of ten"), (65, "%", "65 out of 100")]),
    (
        "one of every three, 6 out of every 15",
        [(33.333333, "%", "one of every three"), (40, "%", "6 out of every 15")],
    ),
    ("a one in a million chance", [(0.0001, "%", "one in a million")]),
    ("the third fall in five years, two in three years", [(5, "", "five"), (2, "", "two"), (3, "", "three")]),
    ("23 out of 25 firms", [(23, "", "23"), (25, "", "25")]),
    (
        "number one in 12 countries, one in 2019",
        [(1, "", "one"), (12, "", "12"), (1, "", "one"), (2019, "", "2019")],
    ),
    ("three tenths of a percentage point", [(0.3, "points", "three tenths of a percentage point")]),
    # fractions that are not shares
    ("a 1/4-mile run, 3-1/2 hours", [(0.25, "", "1/4"), (3.5, "", "3-1/2")]),
    ("open 24/7 since 9/11", [(24, "", "24"), (7, "", "7"), (9, "", "9"), (11, "", "11")]),
    # multiples of an earlier value
    ("a 4-fold rise, tenfold, 2.5x", [(4, "times", "4-fold"), (10, "times", "tenfold"), (2.5, "times", "2.5x")]),
    ("It doubled and then halved.", [(2, "times", "doubled"), (0.5, "times", "halved")]),
    ("Prices will triple by 2030.", [(3, "times", "triple"), (2030, "", "2030")]),
    ("twice as many, double the price", [(2, "times", "twice"), (2, "times", "double")]),
    ("They doubled down on it in a double room.", []),
    ("manifold, unfold, a 4x4", [(4, "", "4")]),
    # powers of ten, decimal points without a leading digit, several scales
    ("1.5×10^6, 1.5 x 10^6 and 2·10⁶", [(1.5e6, "", "1.5×10^6"), (1.5e6, "", "1.5 x 10^6"), (2e6, "", "2·10⁶")]),
    ("2e6, 1.5E+06, 10^9", [(2e6, "", "2e6"), (1.5e6, "", "1.5E+06"), (1e9, "", "10^9")]),
    ("a 2 x 10-minute break, 2 × 100", [(2, "", "2"), (10, "", "10"), (2, "", "2"), (100, "", "100")]),
    (".5 percent, $.50", [(0.5, "%", ".5 percent"), (0.5, "money", "$.50")]),
    (
        "1.2 thousand million, one point five million",
        [(1.2e9, "", "1.2 thousand million"), (1.5e6, "", "one point five million")],
    ),
    (
        "€1.2 Mrd, 1,2 Mrd. Euro, 5 Milliarden",
        [(1.2e9, "money", "€1.2 Mrd"), (1.2e9, "money", "1,2 Mrd. Euro"), (5e9, "", "5 Milliarden")],
    ),
    ("half-a-million, five-and-a-half", [(5e5, "", "half-a-million"), (5.5, "", "five-and-a-half")]),
    ("USD5m, Rs500, 5$", [(5e6, "money", "USD5m"), (500, "money", "Rs500"), (5, "money", "5$")]),
    ("5,3 Mio. €", [(5.3e6, "money", "5,3 Mio. €")]),
    ("a margin of (12.5)%", [(-12.5, "%", "(12.5)%")]),
    # metres, addresses, telephones
    ("a 1.2m tall wall, the 100m race, 5m/s", [(1.2, "", "1.2m"), (100, "", "100m"), (5, "", "5m")]),
    ("at 192.168.1.1", []),
    ("call 020 794 600", [(20, "", "020"), (794, "", "794"), (600, "", "600")]),
    # blanks between groups of digits
    ("some 5 000 people, €5 300", [(5000, "", "5 000"), (5300, "money", "€5 300")]),
    ("5 300,50 euros, 5 300 €", [(5300.5, "money", "5 300,50 euros"), (5300, "money", "5 300 €")]),
    ("on May 5 300 euros were found", [(5, "", "5"), (300, "money", "300 euros")]),
    ("5.000 Euro, 5.000,50 €", [(5000, "money", "5.000 Euro"), (5000.5, "money", "5.000,50 €")]),
    ("at $3.459 a gallon", [(3.459, "money", "$3.459")]),
    # ranges
    ("$3-5 billion", [(3e9, "money", "$3"), (5e9, "money", "5 billion")]),
    ("between 3 and 5 million", [(3e6, "", "3"), (5e6, "", "5 million")]),
    ("3 to 5 per cent", [(3, "%", "3"), (5, "%", "5 per cent")]),
    ("from 900,000 to 1.2 million", [(900_000, "", "900,000"), (1.2e6, "", "1.2 million")]),
    ("won 52 to 48 per cent, 3-2", [(52, "%", "52"), (48, "%", "48 per cent"), (3, "", "3"), (2, "", "2")]),
    ("between $3 and $5 million", [(3e6, "money", "$3"), (5e6, "money", "$5 million")]),
    ("between about 3 and 5 million", [(3e6, "", "3"), (5e6, "", "5 million")]),
    ("$3 to as much as $5 billion", [(3e9, "money", "$3"), (5e9, "money", "$5 billion")]),
    ("two or three million, 3 or 4%", [(2e6, "", "two"), (3e6, "", "three million"), (3, "%", "3"), (4, "%", "4%")]),
    (
        "3–5 million, 10- to 12-million",
        [(3e6, "", "3"), (5e6, "", "5 million"), (1e7, "", "10"), (12e6, "", "12-million")],
    ),
    ("3‑5bn, three-to-five million", [(3e9, "", "3"), (5e9, "", "5bn"), (3e6, "", "three"), (5e6, "", "five million")]),
    ("fell from 5 to 3 million", [(5e6, "", "5"), (3e6, "", "3 million")]),
    ("cut from 5.25 to 5 per cent", [(5.25, "%", "5.25"), (5, "%", "5 per cent")]),
    ("between -3 and -1%", [(-3, "%", "-3"), (-1, "%", "-1%")]),
    ("25-50 bps to 5%", [(0.25, "points", "25"), (0.5, "points", "50 bps"), (5, "%", "5%")]),
    ("fifty to sixty basis points", [(0.5, "points", "fifty"), (0.6, "points", "sixty basis points")]),
    ("five to ten million", [(5e6, "", "five"), (1e7, "", "ten million")]),
    ("two to five hundred thousand", [(2e5, "", "two"), (5e5, "", "five hundred thousand")]),
    ("ten to one hundred thousand", [(1e4, "", "ten"), (1e5, "", "one hundred thousand")]),
    ("a hundred to two hundred thousand", [(1e5, "", "hundred"), (2e5, "", "two hundred thousand")]),
    (
        "a two- to threefold rise, 3 to 5x",
        [(2, "times", "two"), (3, "times", "threefold"), (3, "times", "3"), (5, "times", "5x")],
    ),
    ("a two-to-three-fold rise", [(2, "times", "two"), (3, "times", "three-fold")]),
    ("one-quarter to one-third", [(25, "%", "one-quarter"), (33.333333, "%", "one-third")]),
    ("between a third and a half of voters", [(33.333333, "%", "a third"), (50, "%", "a half")]),
    ("half to two-thirds of them", [(50, "%", "half"), (66.666667, "%", "two-thirds")]),
    # not ranges
    ("rose 12% to $3.5 billion", [(12, "%", "12%"), (3.5e9, "money", "$3.5 billion")]),
    ("fell 4% to 12 million", [(4, "%", "4%"), (12e6, "", "12 million")]),
    ("doubled to $4 million", [(2, "times", "doubled"), (4e6, "money", "$4 million")]),
    ("fined $500 or 600 hours of work", [(500, "money", "$500"), (600, "", "600")]),
    ("a third of 1%, a tenth of 10%", [(0.333333, "%", "a third of 1%"), (10, "%", "10%")]),
    ("fell to 1,250½", [(1250.5, "", "1,250½")]),
    ("a $500 or 600 bonus", [(500, "money", "$500"), (600, "money", "600")]),
    ("gave $500 to 3 million people", [(500, "money", "$500"), (3e6, "", "3 million")]),
    ("paid $2 to 3 million families", [(2, "money", "$2"), (3e6, "", "3 million")]),
    ("rose from 900 to 1.2 million", [(900, "", "900"), (1.2e6, "", "1.2 million")]),
    ("sent 40 to 3% of homes", [(40, "", "40"), (3, "%", "3%")]),
    ("12 million or 5% of them", [(12e6, "", "12 million"), (5, "%", "5%")]),
    ("between ten and twelve people", [(10, "", "ten"), (12, "", "twelve")]),
    ("two to twenty-four hours", [(2, "", "two"), (24, "", "twenty-four")]),
    ("five to a dozen boats", [(5, "", "five"), (12, "", "a dozen")]),
    ("from 8% in 2019 to 5%", [(8, "%", "8%"), (2019, "", "2019"), (5, "%", "5%")]),
    ("from 8% on May 3 to 9%", [(8, "%", "8%"), (3, "", "3"), (9, "%", "9%")]),
    (
        "from 9:30 to 10% up, Covid-19 to 25%",
        [(9, "", "9"), (30, "", "30"), (10, "%", "10%"), (19, "", "19"), (25, "%", "25%")],
    ),
    # words that text2num does not read
    ("a trillion, half a trillion", [(1e12, "", "a trillion"), (5e11, "", "half a trillion")]),
    (
        "a lakh, half a crore, a dozen crore",
        [(1e5, "", "a lakh"), (5e6, "", "half a crore"), (12e7, "", "a dozen crore")],
    ),
    ("half-dozen, a half dozen", [(6, "", "half-dozen"), (6, "", "half dozen")]),
    ("a quarter million, quarter-billion", [(2.5e5, "", "a quarter million"), (2.5e8, "", "quarter-billion")]),
    ("a trillion and a half dollars", [(1.5e12, "money", "a trillion and a half dollars")]),
    ("a third of a crore, trillions", [(3333333.333333, "", "a third of a crore")]),
    # full-width characters
    ("１２．５％, ￡３－５ｂｎ", [(12.5, "%", "１２．５％"), (3e9, "money", "￡３"), (5e9, "money", "５ｂｎ")]),
    # company reports
    ("About three (3) million people came.", [(3, "", "three"), (3e6, "", "3) million")]),
    ("$1,204.5 million, (114) million", [(1204.5e6, "money", "$1,204.5 million"), (-114e6, "", "(114) million")]),
    ("$ (3.5) million, −298 thousand", [(-3.5e6, "money", "$ (3.5) million"), (-298_000, "", "−298 thousand")]),
    ("(59.9) percent, (66)%", [(-59.9, "%", "(59.9) percent"), (-66, "%", "(66)%")]),
]


@pytest.mark.parametrize(("text", "expected"), AMOUNTS)
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


@given(
    st.integers(10_000, 10**12), st.integers(0, 99), st.sampled_from(["de", "de_CH", "fr", "en_IN", "nb", "pl", "en"])
)
def test_amounts_as_babel_writes_them_are_read_back(whole: int, cents: int, locale: str) -> None:
    written = format_decimal(Decimal(whole) + Decimal(cents) / 100, format="#,##0.00", locale=locale)
    assert values(f"It cost €{written} then.") == [pytest.approx(whole + cents / 100, rel=1e-12)]


@given(st.integers(1000, 999_999), st.sampled_from("\u00a0\u202f\u2009\u2007’"))
def test_two_groups_apart_are_read_back(amount: int, mark: str) -> None:
    written = f"{amount:,}".replace(",", mark)
    assert values(f"On May 7 some {written} came, or {written}.") == [7, amount, amount]


@given(st.integers(1, 999))
def test_thousands_behind_a_blank_are_read_back(amount: int) -> None:
    assert values(f"It was {amount} 000 then.") == [amount * 1000]


@given(st.integers(1, 9), st.integers(2, 10), st.sampled_from([" in ", " out of ", " in every ", " out of every "]))
def test_ratios_are_read_back(few: int, many: int, joint: str) -> None:
    if few >= many:
        few, many = 1, few + 1
    words = ["", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    for written in (f"{few}{joint}{many}", f"{words[few]}{joint}{words[many]}"):
        (share,) = numbers(f"It is said that {written} people left.")
        assert share.value == pytest.approx(100 * few / many)
        assert share.unit == "%"
        assert share.counts == (few, many)


@given(st.integers(1, 8), st.integers(2, 9))
def test_fractions_of_something_are_read_back(over: int, under: int) -> None:
    if over >= under:
        over = under - 1
    assert told(f"It was {over}/{under} of the votes.") == [(round(100 * over / under, 6), "%", f"{over}/{under}")]


@given(st.integers(1, 99), st.integers(-9, 12), st.sampled_from(["×10^{}", " x 10^{}", "e{}", " × 10{}", "·10{}"]))
def test_powers_of_ten_are_read_back(tenths: int, power: int, form: str) -> None:
    raised = "^" not in form and "10" in form
    shown = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")) if raised else power
    written = f"{tenths / 10}{form.format(shown)}"
    assert values(f"It had {written} of them.") == [pytest.approx(tenths / 10 * 10.0**power)]


@given(st.integers(2, 99), st.booleans())
def test_folds_are_read_back(times: int, joined: bool) -> None:
    name = spelled(times)
    for written in (f"{times}-fold", f"{name}{'' if joined else '-'}fold"):
        assert told(f"There was a {written} rise.") == [(times, "times", written)]


def spelled(number: int) -> str:
    """A number below 100 in words."""
    teens = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    tens = "twenty thirty forty fifty sixty seventy eighty ninety"
    names = f"{teens}seventeen eighteen nineteen".split()
    if number < 20:
        return names[number]
    ten, one = divmod(number, 10)
    return tens.split()[ten - 2] + (f"-{names[one]}" if one else "")


@given(
    st.integers(1, 49),
    st.integers(1, 50),
    st.sampled_from(
        [("million", 1e6, ""), ("thousand", 1e3, ""), ("crore", 1e7, ""), ("dollars", 1, "money"), ("people", 1, ""),
         ("per cent", 1, "%"), ("basis points", 0.01, "points")]
    ),
)  # fmt: skip
def test_ranges_are_read_back(low: int, more: int, behind: tuple[str, float, str]) -> None:
    high, (word, scale, unit) = low + more, behind
    written = [f"{low}{joint}{high}" for joint in ("-", "–", " to ", " to about ", "-to-")]
    written += [f"{spelled(low)} to {spelled(high)}", f"{spelled(low)} to {high}"]
    if high <= 2 * low:
        written += [f"{low} or {high}", f"{spelled(low)}, perhaps {spelled(high)}"]
    for both in (*written, f"between {low} and {high}", f"between {spelled(low)} and {spelled(high)}"):
        found = numbers(f"It was {both} {word} there.")
        assert [one.value for one in found] == pytest.approx([low * scale, high * scale]), both
        assert {one.unit for one in found} == {unit}, both


@given(st.integers(1, 9999), st.integers(1, 999), st.sampled_from([" to ", " or ", "-", " – "]))
def test_amounts_of_two_units_are_no_range(one: int, other: int, joint: str) -> None:
    for first in (f"{one}%", f"{one} bps"):
        for last in (f"${other} million", f"{other} million", f"{other} thousand euros"):
            assert numbers(f"It rose {first}{joint}{last}.")[0] == numbers(f"It rose {first}.")[0]
            assert numbers(f"It rose {last}{joint}{first}.")[0] == numbers(f"It rose {last}.")[0]


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
        ("one in five", "20%"),
        ("seven out of ten judges", "seven"),
        ("3/4 of the seats", "three quarters of the seats"),
        ("It doubled.", "It rose 100%."),
        ("It halved.", "It fell by half."),
        ("a fourfold rise", "four times"),
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
        ("It doubled.", "It tripled."), ("It doubled.", "It rose 50%."), ("one in 1,000", "1%"), ("one in five", "six"),
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
