"""What a question asks for, and how a follow-up leans on the turn before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewire.qa.question import Question, parse, standalone
from citewire.qa.types import Turn

MAYOR = Turn("Who is the mayor of Norland?", "Ana Ruiz is the mayor of Norland [1].")
REVENUE = Turn("What was the revenue of Kestrel in 2022?", "The revenue was £3.1 million [1].")


@pytest.mark.parametrize(
    ("text", "expects", "noun"),
    [
        ("How many ferries does Lund run?", "count", "ferries"),
        ("How many night ferries are there?", "count", "night ferries"),
        ("How many ferries sail at night?", "count", "ferries"),
        ("How many of its old ferries has Lund sold?", "count", "old ferries"),
        ("How many people in Norland own a boat?", "count", "people"),
        ("How much did the bridge cost?", "amount", ""),
        ("What was the revenue of Kestrel in 2023?", "amount", ""),
        ("How long is the bridge?", "amount", ""),
        ("What share of trips is cancelled?", "percent", ""),
        ("Which percentage of seats stayed empty?", "percent", ""),
        ("When did the bridge open?", "date", ""),
        ("In which year did Kestrel close?", "date", ""),
        ("Who is the mayor of Norland?", "person", ""),
        ("Whose plan was it?", "person", ""),
        ("Which company operates the ferry?", "named", "company"),
        ("Which company built the bridge?", "named", "company"),
        ("Which firm won the contract?", "named", "firm"),
        ("What colour is the bridge?", "named", "colour"),
        ("Where is the bridge?", "named", "place"),
        ("What did Ana Ruiz say about the bridge?", "statement", ""),
        ("Why did profit fall?", "reason", ""),
        ("Why did it cost so much, and when?", "reason", ""),
        ("How does the ferry work?", "open", ""),
        ("What is a ferry?", "open", ""),
        ("What happened in Norland?", "open", ""),
    ],
)
def test_what_is_expected(text: str, expects: str, noun: str) -> None:
    question = parse(text)
    assert (question.expects, question.noun) == (expects, noun)


def test_parts() -> None:
    assert parse("What was the revenue of Kestrel in 2022 and 2023?") == Question(
        text="What was the revenue of Kestrel in 2022 and 2023?",
        terms=("revenu",),
        names=("Kestrel",),
        years=frozenset({2022, 2023}),
        expects="amount",
        noun="",
        describes=True,
    )
    assert parse("Which company operates the ferry?").terms == ("oper", "ferri")
    assert parse("How many ferries does Ana Ruiz own?").names == ("Ana Ruiz",)


@pytest.mark.parametrize(
    ("text", "describes"),
    [
        ("Who is the finance chief of Kestrel?", True),
        ("What’s the budget?", True),
        ("Who runs Kestrel?", False),
        ("When is it due?", False),
    ],
)
def test_describes(text: str, describes: bool) -> None:
    assert parse(text).describes is describes


def test_asking_words_are_not_required_of_the_answer() -> None:
    assert parse("How much did it cost in total?").terms == ("cost",)
    assert "total" in parse("Why was the total wrong?").terms  # here it is what the question is about


def test_context_lends_its_noun_and_terms() -> None:
    question = parse("How many?", "How many ferries does Lund run?")
    assert (question.expects, question.noun) == ("count", "ferries")
    assert question.context >= {"ferri", "lund", "run"}
    assert question.terms == ("ferri", "run")
    assert parse("How many buses?", "How many ferries does Lund run?").noun == "buses"


@pytest.mark.parametrize(
    ("text", "turn", "alone"),
    [
        ("What did she say?", MAYOR, "What did Ana Ruiz say?"),
        ("When was he born?", MAYOR, "When was Ana Ruiz born?"),
        ("Who met him?", MAYOR, "Who met Ana Ruiz?"),
        ("What is her plan?", MAYOR, "What is Ana Ruiz's plan?"),
        ("Who voted for her?", MAYOR, "Who voted for Ana Ruiz?"),
        ("Who met her in May?", MAYOR, "Who met Ana Ruiz in May?"),
        ("How much profit did it make?", REVENUE, "How much profit did Kestrel make?"),
        ("What are their plans?", REVENUE, "What are Kestrel's plans?"),
        ("Why?", REVENUE, "Why?"),
        ("And in 2023 or 2024?", REVENUE, "And in 2023 or 2024?"),
    ],
)
def test_a_follow_up(text: str, turn: Turn, alone: str) -> None:
    assert standalone(text, [turn]) == (alone, turn.question)


@pytest.mark.parametrize(
    "text",
    [
        "Why did Kestrel close its plant?",
        "What did Ana Ruiz say about her plan?",
        "How many ferries does Lund Lines have there?",
        "Who is the mayor of Norland?",
        "When did the bridge over the Lund open?",
        "What does Acme Shipping sell?",
    ],
)
def test_a_question_that_stands_alone_is_unchanged(text: str) -> None:
    assert standalone(text, [MAYOR, REVENUE]) == (text, "")


@pytest.mark.parametrize(
    ("text", "names", "terms", "years", "expects", "elliptic"),
    [
        ("And in 2023?", ("Kestrel",), ("profit",), {2023}, "amount", True),
        ("What about Acme?", ("Acme",), ("profit",), {2022}, "amount", True),
        ("Why?", ("Kestrel",), ("profit",), {2022}, "reason", True),
        ("And who runs it?", ("Kestrel",), ("run",), set(), "person", False),
    ],
)
def test_what_a_follow_up_leaves_out_is_taken_from_the_question_before(
    text: str, names: tuple[str, ...], terms: tuple[str, ...], years: set[int], expects: str, elliptic: bool
) -> None:
    parsed = parse(text, "How much profit did Kestrel make in 2022?")
    assert (parsed.names, parsed.terms, set(parsed.years)) == (names, terms, years)
    assert (parsed.expects, parsed.elliptic) == (expects, elliptic)


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("And in 2023?", "What was the revenue of Kestrel in 2023?"),
        ("What about Acme?", "What was the revenue of Acme in 2022?"),
    ],
)
def test_a_follow_up_that_changes_one_thing_becomes_the_earlier_question_with_it(text: str, alone: str) -> None:
    assert standalone(text, [REVENUE]) == (alone, "")


@given(st.text())
def test_without_history_nothing_changes(text: str) -> None:
    assert standalone(text, []) == (text, "")


def test_only_the_last_turn_counts() -> None:
    assert standalone("What did it earn?", [MAYOR, REVENUE]) == ("What did Kestrel earn?", REVENUE.question)


def test_a_pronoun_without_a_name_stays() -> None:
    turn = Turn("how much did the bridge cost?", "the bridge cost 40 million euros [1].")
    assert standalone("Who paid for it?", [turn]) == ("Who paid for it?", turn.question)
    assert standalone("What did she say?", [REVENUE]) == ("What did she say?", REVENUE.question)  # no person there


@given(st.text(), st.text(), st.text())
def test_any_text_can_be_taken_apart(text: str, question: str, answer: str) -> None:
    alone, context = standalone(text, [Turn(question, answer)])
    assert parse(alone, context).text == alone
