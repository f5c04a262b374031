"""The sides that a question compares and the question for each side, from its parse."""

from __future__ import annotations

import pytest
from scored import records

from citewire.qa.sides import Sides, sides

RIGHT = 0.85  # least share of records; the others are parsed wrongly


@pytest.mark.slow
def test_the_records_name_what_is_compared() -> None:
    every = records("compared.jsonl")
    found = [(record, sides(record["question"])) for record in every]
    wrong = [
        (record["question"], some) for record, some in found if list(some.names if some else ()) != record["names"]
    ]
    assert len(wrong) <= (1 - RIGHT) * len(every), wrong


def test_each_side_is_asked_without_the_others() -> None:
    every = [found for record in records("compared.jsonl") if (found := sides(record["question"]))]
    mixed = [
        found
        for found in every
        for name, asked in zip(found.names, found.asked, strict=True)
        if not set(found.names) & {name} <= {one for one in found.names if one in asked} <= {name}
    ]
    assert len(mixed) <= 0.05 * len(every), mixed


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        (
            "Did Orvik earn more than Tandem in 2024?",
            Sides(
                ("Orvik", "Tandem"), ("How much Did Orvik earn in 2024?", "How much Did Tandem earn in 2024?"),
                joined="and", degree="more", polar=True, measured=True,
            ),
        ),
        (
            "How much did Orvik and Tandem earn together?",
            Sides(
                ("Orvik", "Tandem"), ("How much did Orvik earn together?", "How much did Tandem earn together?"),
                joined="and", operation="sum", measured=True,
            ),
        ),
        (
            "How much did milk prices rise between 2020 and 2022?",
            Sides(
                ("2020", "2022"),
                ("How much did milk prices rise in 2020?", "How much did milk prices rise in 2022?"),
                times=True, joined="and", operation="difference", measured=True,
            ),
        ),
        (
            "What is the difference in price between Orvik and Tandem?",
            Sides(
                ("Orvik", "Tandem"), ("What is the price of Orvik?", "What is the price of Tandem?"),
                joined="and", operation="difference",
            ),
        ),
        (
            "How much heavier was Orvik's cheese than Tandem's?",
            Sides(
                ("Orvik", "Tandem"), ("How heavy was Orvik's cheese?", "How heavy was Tandem's cheese?"),
                joined="and", degree="heavier", operation="difference", measured=True,
            ),
        ),
        (
            "Which was bigger, the Orm Cup of May 2016 or the Vire Cup of June 2018?",
            Sides(
                ("the Orm Cup of May 2016", "the Vire Cup of June 2018"),
                ("How big was, the Orm Cup of May 2016?", "How big was, the Vire Cup of June 2018?"),
                joined="and", degree="bigger",
            ),
        ),
        (
            "Compare night ferries in Lund with Vire",
            Sides(
                ("Lund", "Vire"),
                ("compare night ferries in Lund?", "compare night ferries in Vire?"),
                joined="beside",
            ),
        ),
        (
            "compare Orvik and Tandem revenue",
            Sides(("Orvik", "Tandem"), ("compare Orvik revenue?", "compare Tandem revenue?"), joined="and"),
        ),
        (
            "How much does milk cost in Lund compared to Vire?",
            Sides(
                ("Lund", "Vire"),
                ("How much does milk cost in Lund?", "How much does milk cost in Vire?"),
                joined="beside",
            ),
        ),
        ("Who runs Orvik?", None),
    ],
)  # fmt: skip
def test_what_is_wanted_of_the_sides(question: str, wanted: Sides | None) -> None:
    assert sides(question) == wanted


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("How many ferries sailed Monday to Friday?", None),
        ("How much did fares rise from 2019 to 2020?", ("2019", "2020")),
        ("Compare Lund to Vire.", ("Lund", "Vire")),
        ("Which fire was larger, the one in 2016 or the one in 2022?", ("2016", "2022")),
        ("How did the fare in May 2021 compare with the one in June 2022?", ("May 2021", "June 2022")),
        ("which is bigger Lund Bank or Vire Trust", ("Lund Bank", "Vire Trust")),
        ("Compare Tandem 1 and Tandem 3", ("Tandem 1", "Tandem 3")),
        (
            "Which ticket was cheaper, the Lund Lines one in May or the night ferry one in Orm?",
            ("the Lund Lines ticket in May", "the night ferry ticket in Orm"),
        ),
        ("Which is older, the fish market fire or the bridge?", ("the fish market fire", "the bridge")),
        ("How did the crew survive, if they had no water or food?", ("no water", "food")),
    ],
)
def test_what_is_compared(question: str, names: tuple[str, ...] | None) -> None:
    found = sides(question)
    assert (found.names if found else None) == names
