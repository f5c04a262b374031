"""Which questions ask for several facts, what they are, and what joins them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored import records, words

from citewire.qa.parts import Whole, whole

RIGHT = 0.95  # of the records; at first sight 27 of the 30 written before the code and 33 of 39 after it were right
RECORDS = records("parts.jsonl")


def test_the_records_are_taken_apart_as_they_should_be() -> None:
    wrong = []
    for record in RECORDS:
        found = whole(record["question"])
        asked = record["kind"], record["operation"], [words(p) for p in record["parts"]]
        if (found.kind, found.operation, [words(p) for p in found.parts]) != asked:
            wrong.append((record["question"], found))
    assert len(wrong) <= (1 - RIGHT) * len(RECORDS), wrong


@pytest.mark.parametrize("text", [r["question"] for r in RECORDS if r["kind"] == "plain"])
def test_no_question_for_one_fact_is_split(text: str) -> None:
    assert whole(text) == Whole()


def test_a_part_has_the_noun_phrase_in_place_of_its_pronoun() -> None:
    assert whole("Who runs Orvik Foods, and when was it founded?") == Whole(
        "list", "", ("Who runs Orvik Foods?", "When was Orvik Foods founded?")
    )


def test_a_noun_loses_its_plural_with_the_other_name() -> None:
    found = whole("What are the capitals of Norland and Suderland?")
    assert found.parts == ("What is the capital of Norland?", "What is the capital of Suderland?")


def test_several_times() -> None:
    found = whole("How many kettles did Brask sell in 2018, 2019 and 2024?")
    assert found.parts == tuple(f"How many kettles did Brask sell in {year}?" for year in (2018, 2019, 2024))


def test_one_name_at_two_times_is_compared() -> None:
    found = whole("Did Tandem sell more kettles in 2021 than in 2020?")
    assert (found.kind, found.operation, found.parts) == (
        "comparison",
        "larger",
        ("How many kettles did Tandem sell in 2021?", "How many kettles did Tandem sell in 2020?"),
    )


@pytest.mark.parametrize(
    ("text", "operation"),
    [
        ("Which is older, the Halden bridge or the Vire tunnel?", "older"),
        ("Who is younger, Lena Holm or Karl Voss?", "younger"),
        ("Which of Brask and Tandem has fewer employees?", "smaller"),
        ("Is Brask less profitable than Tandem?", "smaller"),
        ("Which was founded earlier, Brask or Tandem?", "earlier"),
        ("Which is cheaper, the Kite kettle or the Merlin kettle?", "smaller"),
        ("How much more expensive is the Kite kettle than the Merlin kettle?", "difference"),
        ("How much higher is Brask's turnover than Tandem's?", "difference"),
        ("How many times larger is Brask's turnover than Tandem's?", "ratio"),
    ],
)
def test_the_direction_of_a_comparison(text: str, operation: str) -> None:
    found = whole(text)
    assert (found.kind, found.operation, len(found.parts)) == ("comparison", operation, 2)


def test_a_percentage_of_change() -> None:
    assert whole("By what percentage did Tandem's revenue rise between 2021 and 2023?") == Whole(
        "change",
        "percent change",
        ("What was Tandem's revenue in 2021?", "What was Tandem's revenue in 2023?"),
        ("in 2021", "in 2023"),
    )


def test_a_change_that_names_no_times() -> None:
    assert whole("How has Tandem changed?") == Whole("change")
    assert whole("How did Tandem make its kettles?") == Whole()


def test_a_difference_over_time_is_asked_of_each_time() -> None:
    assert whole("What was the difference between Orvik's profit in 2021 and 2022?") == Whole(
        "comparison",
        "difference",
        ("What was Orvik's profit in 2021?", "What was Orvik's profit in 2022?"),
        ("Orvik's profit in 2021", "Orvik's profit in 2022"),
    )


def test_too_many_parts_stay_one() -> None:
    years = ", ".join(str(y) for y in range(2001, 2011))
    assert whole(f"What was Brask's revenue in {years} and 2011?") == Whole()


PIECES = [*"aA ?.,'2“”", " and ", " or ", " than ", "how did ", "is ", "which ", " compare", "2019", " more ", "each "]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_text_can_be_taken_apart(text: str) -> None:
    found = whole(text)
    assert len(found.parts) != 1
    assert all(part.strip() for part in found.parts)
