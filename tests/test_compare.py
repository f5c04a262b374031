"""What a question compares, and sentences side by side: the real reader and embedder on invented articles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from conftest import indexed
from scored import records, words

from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Embedder
from citewire.qa.compare import Row, Sides, direction, pairs, questions, sides
from citewire.qa.evidence import Evidence, gather
from citewire.qa.reader import load_reader

RIGHT = 0.9  # of the records
ARTICLES = {
    "orvik.txt": """Orvik Foods Has A Good Year

Orvik Foods earned 40 million euros in 2024, it said on Monday.
Orvik Foods employs 300 people in Halden.
The weather in Halden was mild.
""",
    "tandem.txt": """Tandem Milk Reports Its Figures

Tandem Milk earned 25 million euros in 2024, less than the year before.
Tandem Milk employs 900 people in Vire.
Its chair Karl Voss likes sailing.
""",
}
BOTH = ("Orvik Foods", "Tandem Milk")
EARNED = "Orvik Foods earned 40 million euros in 2024, it said on Monday."

Find = Callable[[str], Sequence[Evidence]]


@pytest.fixture(scope="module")
def index(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    with indexed(ARTICLES, tmp_path_factory.mktemp("invented"), embedder) as opened:
        yield opened


@pytest.fixture(scope="module")
def find(index: Index, embedder: Embedder) -> Find:
    reader = load_reader(1)
    return lambda text: gather(text, search(index, embedder, text, 8), index.article, reader)


def said(rows: Sequence[Row]) -> list[list[str]]:
    return [[one.text if one else "" for one in row.told] for row in rows]


def test_the_records_are_set_side_by_side() -> None:
    wrong = []
    every = records("compared.jsonl")
    for record in every:
        found = sides(record["question"]) or Sides(())
        asked = [words(text) for text in record["asked"]]
        if (list(found.names), [words(text) for text in found.asked], found.operation) != (
            record["names"],
            asked,
            record["operation"],
        ):
            wrong.append((record["question"], found))
    assert len(wrong) <= (1 - RIGHT) * len(every), wrong


def test_what_is_known_of_each_is_asked_where_nothing_else_is() -> None:
    assert questions(Sides(BOTH)) == ("What is known about Orvik Foods?", "What is known about Tandem Milk?")
    assert questions(Sides(BOTH, ("How old is A?", "How old is B?"))) == ("How old is A?", "How old is B?")


def test_directions_of_words_that_are_no_poles() -> None:
    told = {"cheaper": "smaller", "fewer": "smaller", "taller": "larger", "richer": "larger", "sooner": "earlier"}
    assert {word: direction(word)[0] for word in told} == told


def test_what_is_said_of_the_one_that_comes_first() -> None:
    found = sides("is orvik closing more dairies than tandem?")
    assert found == Sides(
        ("orvik", "tandem"),
        ("How many dairies is orvik closing?", "How many dairies is tandem closing?"),
        "larger",
        "is closing more dairies",
        True,
    )


def test_one_thing_at_two_times() -> None:
    assert sides("What was the difference between Orvik's profit in 2021 and 2022?") == Sides(
        ("Orvik's profit in 2021", "Orvik's profit in 2022"),
        ("What was Orvik's profit in 2021?", "What was Orvik's profit in 2022?"),
        "difference",
    )


def test_a_general_comparison_has_sentences_on_the_same_thing(index: Index, embedder: Embedder, find: Find) -> None:
    rows = pairs(Sides(BOTH), find, index, embedder)
    earned, employed = (
        (EARNED, "Tandem Milk earned 25 million euros in 2024, less than the year before."),
        ("Orvik Foods employs 300 people in Halden.", "Tandem Milk employs 900 people in Vire."),
    )
    assert {tuple(texts) for texts in said(rows)} >= {earned, employed}
    assert all(0.35 <= row.likeness <= 1 for row in rows)
    assert all("sailing" not in text and "weather" not in text for texts in said(rows) for text in texts)


def test_a_side_of_which_nothing_is_told_is_left_open(index: Index, embedder: Embedder, find: Find) -> None:
    (row,) = pairs(Sides(("Orvik Foods", "Brask Dairy")), find, index, embedder)
    assert row.told[0] is not None
    assert row.told[1] is None
    assert row.likeness == 0
    assert pairs(Sides(("Brask Dairy", "Lund Lines")), find, index, embedder) == ()
