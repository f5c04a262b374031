"""Questions whose answer is computed from figures and days, with the real reader and embedder on invented articles."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from conftest import indexed
from generators import ScriptedGenerator
from scored import records

from citewire.index.types import Embedder
from citewire.qa.answer import Answerer
from citewire.qa.reader import load_reader
from citewire.qa.types import Answer

RIGHT = 0.8  # least share of records; most failures are a wrong kind of question or a wrong parse
ARTICLES = {
    "orvik.txt": """Orvik Foods Has A Good Year

Orvik Foods earned 40 million euros in 2024, it said on Monday.
Orvik Foods employs 300 people in Halden.
Orvik Foods was founded in 1987 by two brothers.
Orvik Foods is closing 4 dairies this spring.
""",
    "tandem.txt": """Tandem Milk Reports Its Figures

Tandem Milk earned 25 million euros in 2024, less than the year before.
Tandem Milk employs 900 people in Vire.
Tandem Milk was founded in 1952.
Tandem Milk is closing 9 dairies to save costs.
""",
    "roads.txt": """New Roads In Norland

The Vann bridge opened on 3 May 1998 after long repairs.
The Vann bridge is 650 metres long.
The Halden tunnel opened on 12 June 2011.
The Halden tunnel is 4,100 metres long.
""",
    "prices.jsonl": json.dumps(
        {
            "title": "What Food Costs",
            "published": "2025-11-20",
            "text": """The price of butter was 5.10 euros in 2023.
A year later shoppers paid more: the price of butter rose to 6.40 euros in 2024.
The price of a 12 pound goose dropped this year to $21.00 from $25.50 in 2024, a farm group said.
""",
        }
    ),
    "trams.txt": """Vire Runs Fewer Trams

The number of trams in Vire fell from 62 trams in 2019 to 44 trams in 2023, the city said.
""",
    "kettles.txt": """Two Kettles Compared

The Kite kettle costs 35 euros in most shops.
The Merlin kettle costs 59 euros and has a whistle.
""",
}


@pytest.fixture(scope="module")
def answerer(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answerer]:
    with indexed(ARTICLES, tmp_path_factory.mktemp("computed"), embedder) as index:
        yield Answerer(index, embedder, ScriptedGenerator(""), load_reader(1))


def formula(answer: Answer) -> str:
    """The text in brackets at the end of the last claim."""
    return answer.claims[-1].text.rpartition("(")[2].rstrip(").") if answer.claims else ""


@pytest.mark.slow
def test_the_records_are_computed_as_they_should_be(answerer: Answerer) -> None:
    wrong = []
    every = records("computed.jsonl")
    for record in every:
        answer = answerer.ask(record["question"])
        if (answer.short, formula(answer)) != (record["short"], record["formula"]):
            wrong.append((record["question"], answer.short, answer.text))
    assert len(wrong) <= (1 - RIGHT) * len(every), "\n".join(map(str, wrong))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "said"),
    [
        (
            "Is Orvik Foods closing more dairies than Tandem Milk?",
            "No: 9 for Tandem Milk against 4 for Orvik Foods (9 > 4 dairies).",
        ),
        (
            "How many more people does Tandem Milk employ than Orvik Foods?",
            "Tandem Milk: 600 people more than Orvik Foods (900 - 300 = 600 people).",
        ),
        (
            "By how many dollars did a 12 pound goose get cheaper from 2024 to 2025?",
            "Down by 4.50 dollars, from $25.50 in 2024 to $21.00 in 2025 (25.50 - 21.00 = 4.50 dollars).",
        ),
    ],
)
def test_the_result_is_said_as_people_do_with_its_quotes(answerer: Answerer, question: str, said: str) -> None:
    answer = answerer.ask(question)
    assert answer.claims[-1].text == said
    assert answer.claims[-1].verdict == "supported"
    quoted = {quote.text for claim in answer.claims[:-1] for quote in claim.quotes}
    assert {quote.text for quote in answer.claims[-1].quotes} <= quoted
