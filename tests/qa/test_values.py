"""Values parsed from answer words, and which of them are equal."""

from __future__ import annotations

import pytest
from scored import records
from told import told

from citewire.qa.values import Value, asked, holds_now, same, value, values


def one(question: str, text: str, day: str = "") -> Value | None:
    home = told((text, day))
    return value(question, home.evidence[0], home.article("0.txt"))


@pytest.mark.parametrize(
    ("question", "text", "kind", "words"),
    [
        ("How many ferries does Lund Lines run?", "Lund Lines runs [14 ferries].", "number", "14"),
        ("How many ferries does Lund Lines run?", "Lund Lines runs 14 [ferries].", "number", "14"),
        ("How many ferries does Lund Lines run?", "Lund Lines runs [ferries to many islands].", None, ""),
        ("What was the revenue of Kestrel?", "Its revenue was [£48 million] in 2023.", "number", "£48 million"),
        ("What share was cancelled?", "About [18%] of 300 sailings were cancelled.", "number", "18%"),
        ("When did the bridge open?", "The bridge opened on [3 May 2019].", "date", "3 May 2019"),
        ("When did the bridge open?", "The bridge opened [after long repairs].", None, ""),
        ("In what year did the bridge open?", "The bridge opened in [2019].", "date", "2019"),
        ("Who chairs Lund Lines?", "Its chair is [Ana Ruiz], an engineer.", "name", "Ana Ruiz"),
        ("Who chairs Lund Lines?", "The chair of Lund Lines is [an engineer].", None, ""),
        ("Where is Kestrel based?", "Kestrel is based in [Lyon, France].", "name", "Lyon, France"),
        ("Which firm built for Lund Lines?", "Lund Lines had [Korvald Yard] build them.", "name", "Korvald Yard"),
        ("Which firm built for Lund Lines?", "[Lund Lines and Korvald] did.", "name", "Lund Lines and Korvald"),
        ("What instrument does Ana Ruiz play?", "Ana Ruiz plays [the violin] at home.", "text", "the violin"),
        ("What did it do in 2019?", "It bought [ships in 2019] there.", "text", "ships in 2019"),
    ],
)  # fmt: skip
def test_a_value_is_of_the_kind_that_is_asked(question: str, text: str, kind: str | None, words: str) -> None:
    found = one(question, text)
    assert (found.kind if found else None, found.text if found else "") == (kind, words)
    if found:
        plain = text.replace("[", "").replace("]", "")
        assert plain[found.start : found.end] == words


def told_as(words: str) -> Value:
    found = one("What is it?", f"The answer given there was [{words}].")
    assert found is not None
    return found


def test_which_values_are_one() -> None:
    for case in records("values.jsonl"):
        one_, other = told_as(case["a"]), told_as(case["b"])
        assert same(one_, other) is same(other, one_) is case["same"], case


def test_the_kind_is_what_most_answers_are() -> None:
    home = told(
        "The prize of the cup is [£5,000].", "The prize of the cup is [a silver bowl].", "The prize is [£6,000]."
    )
    assert [v.text for v in values("What is the prize of the cup?", home.evidence, home.article)] == [
        "£5,000",
        "£6,000",
    ]


def test_a_day_in_words_is_the_day_meant() -> None:
    found = one("When did the yard close?", "The yard closed on [Monday].", "2025-06-04")
    assert found is not None
    assert (found.days, found.published) == (("2025-06-02", "2025-06-02"), "2025-06-04")


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many ferries are there?", "number"),
        ("How much did the yard cost?", "number"),
        ("When did it open?", "date"),
        ("Who opened it?", "name"),
        ("How did it open?", None),
        ("What opened when the yard closed?", None),
        ("price of the yard when it opened", None),
        ("Open?", None),
    ],
)
def test_what_a_question_says_of_the_kind(question: str, kind: str | None) -> None:
    assert asked(question) == kind


@pytest.mark.parametrize(
    ("question", "now"),
    [
        ("Who is the chief executive of Kestrel?", True),
        ("How many ferries does Lund Lines run?", True),
        ("What was the latest price of barley?", True),
        ("Who was the chief executive of Kestrel in 2019?", False),
        ("Who founded Kestrel?", False),
        ("Who has led Kestrel since 2019?", False),
    ],
)
def test_what_holds_now(question: str, now: bool) -> None:
    assert holds_now(question) is now
