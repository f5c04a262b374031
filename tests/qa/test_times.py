"""The time that a sentence is about, and whether a question asks about it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scored import records
from told import told

from citewire.qa.times import asked, of_another_time, spoken, timed_first, timeless, worked_out

CASES = records("times.jsonl")
RIGHT = 0.9  # least accuracy for each kind


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
        ("How did fares move between the strike in May 2018 and its end?", ("2018-05-01", "9999-12-31")),
        ("How many ferries were there before 2015?", ("0001-01-01", "2015-12-31")),
        ("Who leads the firm that won the contract in 2018?", None),
        ("Who leads Kestrel?", None),
    ],
)
def test_the_time_that_a_question_asks_about(question: str, days: tuple[str, str] | None) -> None:
    assert asked(question) == days


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("What did Lund Lines earn in 2019?", "What did Lund Lines earn?"),
        ("In May 2020, who bought the mill of Vire?", "Who bought the mill of Vire?"),
        ("Which ferry sailed in the spring of 2018?", "Which ferry sailed in the spring?"),
        ("Who won the 2019 Orm Cup?", "Who won the Orm Cup?"),
        ("What was Brask's Q1 2025 revenue?", "What was Brask's revenue?"),
        ("How did ticket prices change between 2019 and 2021?", ""),
        ("What was in 2019?", ""),
        ("Who owns the mill of Vire?", ""),
    ],
)
def test_a_question_without_its_time(question: str, left: str) -> None:
    assert timeless(question) == left


def test_the_time_nearest_in_the_structure_of_the_sentence_is_first() -> None:
    home = told(("Revenue rose to £60 million in 2024, up from [£48 million] in 2023.", "2025-02-10"))
    assert spoken(home.evidence[0], home.article("0.txt")) == [
        ("2023-01-01", "2023-12-31"),
        ("2024-01-01", "2024-12-31"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "Brask closed [its mill] on Monday.",
            "Monday is 7 March 2022, counted from the date of the article, 9 March 2022.",
        ),
        (
            "Brask closed its mill [last week].",
            "Last week is 28 February 2022 to 6 March 2022, counted from the date of the article, 9 March 2022.",
        ),
        (
            "Brask closed its mill [last month].",
            "Last month is February 2022, counted from the date of the article, 9 March 2022.",
        ),
        (
            "Brask's [last day] is Monday.",
            "Monday is 14 March 2022, counted from the date of the article, 9 March 2022.",
        ),
        ("Brask closed its mill on [March 7, 2022].", ""),
        ("Brask closed its mill in [2019].", ""),
        ("Brask closed [its mill] for good.", "The article does not say when; it is of 9 March 2022."),
    ],
)
def test_the_day_that_words_for_a_time_mean_is_worked_out(text: str, said: str) -> None:
    home = told((text, "2022-03-09"))
    assert worked_out(home.evidence[0], home.article("0.txt")) == said


def test_of_an_article_without_a_date_nothing_is_worked_out() -> None:
    home = told("Brask closed [its mill] on Monday.")
    assert worked_out(home.evidence[0], home.article("0.txt")) == ""


def test_sentences_that_state_a_time_come_first() -> None:
    home = told("Brask closed [its mill].", "The [mill] was shut in 2019.", "It is [closed].")
    assert [one.text for one in timed_first(home.evidence, home.article)] == [
        "The mill was shut in 2019.",
        "Brask closed its mill.",
        "It is closed.",
    ]


def test_a_day_to_come_is_not_said_of_what_was() -> None:
    home = told(("Brask closed [its mill] on Monday.", "2022-03-09"))
    article = home.article("0.txt")
    later = replace(article, dates=(replace(article.dates[0], first="2022-03-14", last="2022-03-14"),))
    assert worked_out(home.evidence[0], later) == ""


def test_a_sentence_that_names_the_year_beside_a_noun_is_of_it() -> None:
    home = told(("[Ada Berg, who stayed away from the 1973 regatta], was honoured.", "2022-08-15"))
    assert not of_another_time("Who stayed away in 1973?", home.evidence[0], home.article("0.txt"))
    assert of_another_time("Who stayed away in 1974?", home.evidence[0], home.article("0.txt"))


@pytest.mark.parametrize(
    ("question", "other"),
    [
        ("why was the ferry called off in september", True),
        ("Why was the ferry called off in August?", False),
        ("Why was the ferry called off before September?", False),
        ("Why was the ferry called off?", False),
    ],
)
def test_a_month_without_its_year_is_that_of_any_year(question: str, other: bool) -> None:
    home = told(("The ferry was called off on August 29 because of [a torn sail].", "2022-11-10"))
    assert of_another_time(question, home.evidence[0], home.article("0.txt")) is other
