"""What a question compares and what each side is asked, by its parse."""

from __future__ import annotations

import pytest
from scored import records

from citewire.qa.sides import Sides, sides

RIGHT = 0.85  # of the records; a wrong parse cannot be put right


def test_the_records_name_what_is_compared() -> None:
    every = records("compared.jsonl")
    found = [(record, sides(record["question"])) for record in every]
    wrong = [
        (record["question"], some) for record, some in found if list(some.names if some else ()) != record["names"]
    ]
    assert len(wrong) <= (1 - RIGHT) * len(every), wrong


def test_each_side_has_a_question_of_its_own() -> None:
    every = [record for record in records("compared.jsonl") if "asked" in record]
    found = [(record, sides(record["question"])) for record in every]
    wrong = [
        (record["question"], some) for record, some in found if list(some.asked if some else ()) != record["asked"]
    ]
    assert len(wrong) <= (1 - RIGHT) * len(every), wrong


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        (
            "Did Orvik earn more than Tandem in 2024?",
            Sides(
                ("Orvik", "Tandem"), ("How much did Orvik earn in 2024?", "How much did Tandem earn in 2024?"),
                joined="and", degree="more", polar=True, measured=True,
            ),
        ),
        (
            "How much did Orvik and Tandem earn together?",
            Sides(
                ("Orvik", "Tandem"), ("How much did Orvik earn?", "How much did Tandem earn?"),
                joined="and", operation="sum", measured=True,
            ),
        ),
        (
            "How much did milk prices rise between 2020 and 2022?",
            Sides(
                ("2020", "2022"), ("How much did milk prices rise in 2020?", "How much did milk prices rise in 2022?"),
                times=True, joined="and", operation="difference", measured=True,
            ),
        ),
        ("Who runs Orvik?", None),
    ],
)  # fmt: skip
def test_what_is_wanted_of_the_sides(question: str, wanted: Sides | None) -> None:
    assert sides(question) == wanted
