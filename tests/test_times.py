"""Of which time a sentence speaks, and whether that is the one that a question asks about."""

from __future__ import annotations

import pytest
from scored import records
from told import told

from citewire.qa.times import asked, of_another_time, spoken

CASES = records("times.jsonl")
RIGHT = 0.9  # share that must be told right, of either kind


def told_other(case: dict[str, str]) -> bool:
    home = told((case["text"], case["published"]))
    return of_another_time(case["question"], home.evidence[0], home.article("0.txt"))


@pytest.mark.parametrize("other", [True, False])
def test_what_is_of_another_time(other: bool) -> None:
    cases = [case for case in CASES if case["other"] == other]
    wrong = [case for case in cases if told_other(case) != other]
    assert len(wrong) <= (1 - RIGHT) * len(cases), wrong


@pytest.mark.parametrize(
    ("question", "days"),
    [
        ("What did Kestrel earn in 2019?", ("2019-01-01", "2019-12-31")),
        ("What did Kestrel earn in the fourth quarter of 2024?", ("2024-10-01", "2024-12-31")),
        ("How did fares change from 2018 to 2024?", ("2018-01-01", "2024-12-31")),
        ("How have fares changed since 2018?", ("2018-01-01", "9999-12-31")),
        ("How many ferries were there before 2015?", ("0001-01-01", "2015-12-31")),
        ("Who leads the firm that won the contract in 2018?", None),
        ("Who leads Kestrel?", None),
    ],
)
def test_the_time_that_a_question_asks_about(question: str, days: tuple[str, str] | None) -> None:
    assert asked(question) == days


def test_the_time_nearest_in_the_structure_of_the_sentence_is_first() -> None:
    home = told(("Revenue rose to £60 million in 2024, up from [£48 million] in 2023.", "2025-02-10"))
    assert spoken(home.evidence[0], home.article("0.txt")) == [
        ("2023-01-01", "2023-12-31"),
        ("2024-01-01", "2024-12-31"),
    ]
