"""Lines that ask two questions, and these questions."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored import records, words

from citewire.qa.parts import parts

RIGHT = 0.9  # least share of records
RECORDS = records("parts.jsonl")


def test_the_records_are_taken_apart_as_they_should_be() -> None:
    found = [(record, parts(record["question"])) for record in RECORDS]
    wrong = [
        (record["question"], some)
        for record, some in found
        if [words(one) for one in some] != [words(one) for one in record["parts"]]
    ]
    assert len(wrong) <= (1 - RIGHT) * len(RECORDS), wrong


def test_a_part_has_the_noun_phrase_in_place_of_its_pronoun() -> None:
    asked = "Who runs Orvik Foods, and when was it founded?"
    assert parts(asked) == ("Who runs Orvik Foods?", "When was Orvik Foods founded?")


@pytest.mark.parametrize(
    ("asked", "second"),
    [
        ("How old was Zara Holm and how many days did her flight take?", "How many days did Zara Holm's flight take?"),
        ("Which word does Zara Holm use for the ferry and what is her last trip?", "What is Zara Holm's last trip?"),
        ("When does Lea Holm start and who fills in till then?", "Who fills in till then (Lea Holm)?"),
    ],
)
def test_a_part_is_about_whom_the_first_one_names(asked: str, second: str) -> None:
    assert parts(asked)[1:] == (second,)


def test_a_pronoun_that_nothing_stands_for_keeps_the_question_before() -> None:
    assert parts("who won and how much did it cost?") == ("Who won?", "Who won: how much did it cost?")


@pytest.mark.parametrize("joined", [", and who won?" * 5, "?" * 9])
def test_too_many_questions_stay_one(joined: str) -> None:
    assert parts(f"Who runs Orvik Foods{joined}") == ()


PIECES = [*"aA ?.,'2“”", " and ", " or ", " than ", "how did ", "is ", "which ", " compare", "2019", " more ", "each "]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_text_can_be_taken_apart(text: str) -> None:
    found = parts(text)
    assert len(found) != 1
    assert all(one.strip(" ?") for one in found)
