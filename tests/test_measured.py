"""What a figure is of: told from the words around a quantity, and used to choose the sentence that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from conftest import indexed

from citewire.index.search import search
from citewire.index.types import Embedder
from citewire.qa.evidence import Evidence, gather
from citewire.qa.judge import Judge
from citewire.qa.measured import Measure, acronyms, asked, said, same_word
from citewire.qa.question import parse
from citewire.qa.vectors import WordVectors


@pytest.mark.parametrize(
    ("text", "head", "part"),
    [
        ("What was Kestrel's cider revenue in 2023?", "revenue", "cider"),
        ("What was AI revenue in 2023?", "revenue", "AI"),
        ("What were Norland's oil exports in 2020?", "exports", "oil"),
        ("What were the exports of oil?", "exports", "oil"),
        ("What was Kestrel's US revenue?", "revenue", "US"),
        ("What was the revenue of the cloud unit?", "revenue", "cloud"),
        ("What was Lund's freight arm's revenue?", "revenue", "freight"),
        ("How much revenue did Lund's freight arm make?", "revenue", "freight"),
        ("How much revenue did Lund get from cloud storage in 2020?", "revenue", "cloud storage"),
        ("What did Lund earn from night ferries in 2024?", "", "night ferries"),
        ("What did Lund's freight arm earn?", "", "freight"),
        ("What was Lund's total revenue?", "revenue", ""),
        ("What was Lund's income from ferries in 2020?", "revenue", "ferries"),
        ("What was Lund's net income from ferries?", "income", "ferries"),
        ("What was Lund's income in 2020?", "income", ""),
        ("What was Lund's second-quarter 2021 revenue?", "revenue", ""),
        ("What was the profit of Kestrel in 2022?", "profit", ""),
        ("What was Kestrel's net profit?", "profit", ""),
        ("What was IBM's revenue?", "revenue", ""),
        ("How much did revenue rise from a year before?", "revenue", ""),
    ],
)
def test_the_quantity_asked_for(text: str, head: str, part: str) -> None:
    found = asked(text)
    assert found is not None
    assert (found.head, found.part) == (head, part)


@pytest.mark.parametrize("text", ["Who runs Lund?", "What was the profit margin?", "What was revenue growth in 2020?"])
def test_no_divisible_quantity_is_asked_for(text: str) -> None:
    assert asked(text) is None


@pytest.mark.parametrize(
    ("sentence", "measures"),
    [
        ("Total 2024 revenue hit $269 million.", [("revenue", "", True)]),
        ("Revenue was $5 million.", [("revenue", "", False)]),
        ("The AI unit, which made just $9 in revenue, is small.", [("revenue", "AI", False)]),
        (
            "The AI unit made a mere $9 in revenue, a fraction of the company's total revenue of $88 million.",
            [("revenue", "AI", False), ("revenue", "", True)],
        ),
        (
            "In 2018 its cider product revenue was $4, and AI revenue $1.",
            [("revenue", "cider product", False), ("revenue", "AI", False)],
        ),
        ("Acme makes revenue of $5 and its chip sales were $3.", [("revenue", "", False), ("sales", "chip", False)]),
        ("It wants to boost revenue by 5%.", [("revenue", "", False)]),
        ("Revenue from chips was $5.", [("revenue", "chips", False)]),
        ("Pump revenue was $5.", [("revenue", "Pump", False)]),
        ("It showed revenue growth.", []),
    ],
)
def test_the_quantities_a_sentence_speaks_of(sentence: str, measures: list[tuple[str, str, bool]]) -> None:
    assert [(m.head, m.part, m.whole) for m in said(sentence)] == measures


def test_keys_and_names() -> None:
    assert Measure("revenue", "AI product").keys() == ("ai",)
    assert Measure("revenue", "product").keys() == ("product",)
    assert Measure("revenue", "AI product").name == "AI product revenue"
    assert Measure("profit", "").same_quantity(Measure("profits", "AI"))
    assert not Measure("profit", "").same_quantity(Measure("revenue", ""))


def test_words_for_one_quantity() -> None:
    assert same_word("sales", ["ferry", "revenue"])
    assert same_word("income", ["earnings"])
    assert not same_word("sales", ["profit"])
    assert not same_word("loss", ["profit"])
    assert not same_word("profit", ["loss"])
    assert not same_word("ferries", ["ferry"])


def test_acronyms_of_words() -> None:
    assert acronyms("artificial intelligence") == {"ai"}
    assert acronyms("the AI unit") >= {"ai", "tau"}


ARTICLES = {
    "firm.txt": """Osprey Shuts Down Its Tidal Power Unit

The engineering firm Osprey is closing its tidal power unit to return to pumps.
Osprey reported revenue of $88 million in 2024, up 8% from the year before.
The tidal unit made just $900,000 in revenue in 2024 and had 40 engineers.
Pump revenue was $61 million in 2024.
""",
    "yard.txt": """Merlin Yard Sells More Boats

Boat sales at the Merlin yard rose to £7 million in 2022.
Repairs are done in a hall in Oster, and they bring in as much as rents do.
The Norland-based yard and its rival Kite together earned £31 million in profit in 2022.
""",
    "seat.txt": """Plover Expands Abroad

Plover, a Danish maker of sails, opened a shop in Brazil in March.
It has sold sails to the Norwegian company Grebe since 2019.
""",
}

Find = Callable[[str], list[Evidence]]


@pytest.fixture(scope="module")
def find(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Find]:
    vectors = WordVectors(embedder)
    with indexed(ARTICLES, tmp_path_factory.mktemp("measured"), embedder) as index:

        def find(text: str) -> list[Evidence]:
            question = parse(text)
            hits = search(index, embedder, text, 8)
            return gather(question, hits, index.article, embedder, Judge(question, vectors))

        yield find


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What was Osprey's tidal power revenue in 2024?", "$900,000"),
        ("How much revenue did Osprey's tidal unit make in 2024?", "$900,000"),
        ("What was Osprey's pump revenue in 2024?", "$61 million"),
        ("What was Osprey's revenue in 2024?", "$88 million"),
        ("What were Merlin's boat sales in 2022?", "£7 million"),
    ],
)
def test_the_part_asked_for_comes_first(find: Find, question: str, words: str) -> None:
    first = find(question)[0]
    assert words in first.text
    assert first.missing == ()


@pytest.mark.parametrize(
    ("question", "words", "lacks"),
    [
        ("What was Osprey's tidal power revenue in 2024?", "$88 million", "tidal power revenue"),
        ("What was Osprey's pump revenue in 2024?", "$900,000", "pump revenue"),
        ("What was Osprey's revenue in 2024?", "Pump revenue", "revenue as a whole"),
        ("What was Osprey's revenue in 2024?", "$900,000", "revenue as a whole"),
        ("What was Merlin's profit in 2022?", "£31 million", "a figure of Merlin alone"),
        ("What did Osprey pay for its pumps?", "40 engineers", "pay"),
    ],
)
def test_another_part_or_the_whole_is_no_answer(find: Find, question: str, words: str, lacks: str) -> None:
    found = next(e for e in find(question) if words in e.text)
    assert lacks in found.missing


def test_what_is_said_outright_answers(find: Find) -> None:
    found = find("In which country is Plover based?")
    assert [e.text for e in found if not e.missing] == [
        "Plover, a Danish maker of sails, opened a shop in Brazil in March."
    ]
    assert found[0].probability >= 0.8


@pytest.mark.parametrize("question", ["What was Osprey's wind revenue in 2024?", "What was Merlin's profit in 2022?"])
def test_a_part_that_is_nowhere_told_is_not_answered(find: Find, question: str) -> None:
    found = find(question)
    assert [e.text for e in found if not e.missing] == []
    assert all(e.probability < 0.5 for e in found)
