"""Values in sentences: which are read, and the time, measure, scope and certainty that they get."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from citewire.index.dates import mentions
from citewire.index.passages import sentences
from citewire.index.types import Article, Embedder
from citewire.qa import values
from citewire.qa.evidence import Evidence
from citewire.qa.question import parse
from citewire.qa.values import Reading
from citewire.qa.vectors import WordVectors

Read = Callable[..., list[Reading]]
REVENUE = "What was the revenue of Kestrel in 2023?"


def article(text: str, published: str = "2024-02-01") -> Article:
    return Article("a.txt", text, "a", published=published, dates=mentions(text, published))


@pytest.fixture(scope="module")
def read(embedder: Embedder) -> Read:
    """Read the values of one article, all of whose sentences bear on the question equally well; best first."""

    def read(question: str, text: str, published: str = "2024-02-01") -> list[Reading]:
        home = article(text, published)
        evidence = [Evidence(home.path, s, text[s.start : s.end], 0.7, ()) for s in sentences(text)]
        parsed = parse(question)
        slot = values.slot_of(parsed)
        assert slot is not None
        found = values.read(parsed, slot, evidence, lambda _: home, WordVectors(embedder))
        for reading in found:
            assert text[reading.start : reading.end] == reading.text
        return found

    return read


SLOTS = {
    REVENUE: ("number", "", ("revenue",), False, False),
    "How many ferries does Lund Lines run?": ("number", "ferries", ("ferries", "run"), False, True),
    "When did the Vann bridge open?": ("date", "", ("bridge", "open"), False, False),
    "Who is the mayor of Skarvik?": ("name", "", ("mayor",), False, True),
    "In which country is Kestrel based?": ("thing", "country", ("based",), True, False),
    "Where did the ferry sink?": ("thing", "place", ("ferry", "sink"), True, False),
    "What sport does Tom Hale play?": ("thing", "sport", ("play",), False, True),
}


@pytest.mark.parametrize("question", SLOTS)
def test_slot(question: str) -> None:
    slot = values.slot_of(parse(question))
    assert slot is not None
    assert (slot.kind, slot.noun, slot.words, slot.place, slot.state) == SLOTS[question]


@pytest.mark.parametrize(
    "question", ["Why did profit fall?", "Is Kestrel based in Norway?", "What did Ana Ruiz say about the bridge?"]
)
def test_no_single_value_is_asked(question: str) -> None:
    assert values.slot_of(parse(question)) is None


def test_each_value_has_the_time_beside_it(read: Read) -> None:
    asked = "What was the revenue of Kestrel?"
    text = "Revenue of Kestrel rose from £40 million in 2022 to £48 million in 2023. Its revenue is now £50 million."
    found = {r.text: (r.days, r.stated) for r in read(asked, text)}
    assert found == {
        "£40 million": (("2022-01-01", "2022-12-31"), True),
        "£48 million": (("2023-01-01", "2023-12-31"), True),
        "£50 million": (("2024-02-01", "2024-02-01"), False),
    }


def test_times_of_a_sentence() -> None:
    home = article("Sales rose in May 2021. The 2024 revenue of Kestrel fell on Monday.")
    one, other = sentences(home.text)
    first = Evidence(home.path, one, home.text[one.start : one.end], 0.7, ())
    assert values.times(first, home) == {(14, 22): ("2021-05-01", "2021-05-31")}
    second = Evidence(home.path, other, home.text[other.start : other.end], 0.7, ())
    assert values.times(second, home) == {
        (4, 8): ("2024-01-01", "2024-12-31"),
        (36, 42): ("2024-01-29", "2024-01-29"),
    }


def test_a_figure_says_what_it_is_of(read: Read) -> None:
    text = "The gross revenue of Kestrel was about £50 million in 2023. Kestrel expects revenue of £60 million in 2023."
    gross, expected = sorted(read(REVENUE, text), key=lambda r: r.start)
    assert (gross.text, gross.unit, set(gross.scope), set(gross.measure)) == (
        "£50 million",
        "money",
        {"gross"},
        {"revenu"},
    )
    assert (gross.low, gross.high, gross.planned) == (47.5e6, 52.5e6, False)
    assert (expected.text, expected.planned) == ("£60 million", True)
    assert not values.comparable(gross, expected)


PLACES = {
    "Shares of the Singapore-based Kestrel rose.": ["Singapore"],
    "The U.S.-based Kestrel grew.": ["U.S."],
    "Chinese mining-rig maker Kestrel grew.": ["Chinese"],
    "Kestrel Inc. (KES), a large Chinese ASIC maker, grew.": ["Chinese"],
    "Kestrel is headquartered in Lille, France.": ["Lille, France"],
    "The Danish brewer grew. Kestrel sells beer.": ["Danish"],
    "Danish officials met Kestrel.": [],
    "Denmark-based Heron bought Kestrel.": [],
    "Chinese customers of Kestrel complained.": [],
    "Kestrel sold beer in Norway.": [],
    "Kestrel made its first U.S.-based delivery.": [],
}


@pytest.mark.parametrize("text", PLACES)
def test_where_something_is_based(read: Read, text: str) -> None:
    assert [r.text for r in read("In which country is Kestrel based?", text)] == PLACES[text]


def test_the_same_place(read: Read) -> None:
    def same(question: str, one: str, other: str) -> bool:
        slot = values.slot_of(parse(question))
        assert slot is not None
        text = f"Kestrel is based in {one}. Kestrel is headquartered in {other}."
        a, b = sorted(read(question, text), key=lambda r: r.start)
        return values.same(slot, a, b)

    country, city = "In which country is Kestrel based?", "In which city is Kestrel based?"
    assert same(country, "Copenhagen", "Denmark")
    assert same(country, "Lyon, France", "Paris, France")
    assert not same(city, "Lyon, France", "Paris, France")
    assert not same(country, "Norway", "Denmark")
