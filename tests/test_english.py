"""Forms of verbs and nouns, and where the subject of a question ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citewire.qa import english


@pytest.mark.parametrize(
    ("base", "past", "third"),
    [
        ("close", "closed", "closes"),
        ("plan", "planned", "plans"),
        ("order", "ordered", "orders"),
        ("commit", "committed", "commits"),
        ("visit", "visited", "visits"),
        ("offer", "offered", "offers"),
        ("transfer", "transferred", "transfers"),
        ("control", "controlled", "controls"),
        ("carry", "carried", "carries"),
        ("die", "died", "dies"),
        ("play", "played", "plays"),
        ("add", "added", "adds"),
        ("pass", "passed", "passes"),
        ("generate", "generated", "generates"),
        ("treat", "treated", "treats"),
        ("create", "created", "creates"),
        ("acquire", "acquired", "acquires"),
        ("explore", "explored", "explores"),
        ("monitor", "monitored", "monitors"),
        ("raise", "raised", "raises"),
        ("focus", "focused", "focuses"),
        ("accuse", "accused", "accuses"),
        ("merge", "merged", "merges"),
        ("found", "founded", "founds"),
        ("sell", "sold", "sells"),
        ("cut", "cut", "cuts"),
        ("win", "won", "wins"),
        ("have", "had", "has"),
    ],
)
def test_forms_of_a_verb(base: str, past: str, third: str) -> None:
    assert (english.past(base), english.third(base), english.base(past)) == (past, third, base)


@pytest.mark.parametrize(("past", "participle"), [("grew", "grown"), ("bought", "bought"), ("closed", "closed")])
def test_participle(past: str, participle: str) -> None:
    assert english.participle(past) == participle


@pytest.mark.parametrize(
    ("plural", "singular"),
    [("capitals", "capital"), ("companies", "company"), ("losses", "loss"), ("gas", "gas"), ("analysis", "analysis")],
)
def test_number_of_a_noun(plural: str, singular: str) -> None:
    assert english.singular(plural) == singular
    assert english.is_plural(plural) is (plural != singular)
    assert not english.is_plural(singular)


@pytest.mark.parametrize(
    ("text", "subject", "verb", "rest"),
    [
        ("Why did Kestrel shut down its mine?", "Kestrel", "shut", "down its mine"),
        ("Why did Kestrel's mining unit close?", "Kestrel's mining unit", "close", ""),
        ("Why did the mining company close its plant?", "the mining company", "close", "its plant"),
        ("Why did the head of the company resign?", "the head of the company", "resign", ""),
        ("Why did demand for ferries fall?", "demand for ferries", "fall", ""),
        ("Why did the plan to close the mine fail?", "the plan to close the mine", "fail", ""),
        ("Why did shares in Acme fall by 10%?", "shares in Acme", "fall", "by 10%"),
        ("Why did the US and China agree on tariffs?", "the US and China", "agree", "on tariffs"),
        ("When did the University of Lund open?", "the University of Lund", "open", ""),
        ("Why was the chairman of Acme arrested in May?", "the chairman of Acme", "arrested", "in May"),
        ("Why has the company been fined?", "the company", "been", "fined"),
        ("Why is Norland attractive to miners?", "Norland", "attractive", "to miners"),
        ("Why is the ferry late?", "the ferry", "late", ""),
        ("When did Acme first open a plant?", "Acme", "open", "a plant first"),
        ("What did he say about it?", "he", "say", "about it"),
    ],
)
def test_where_the_subject_ends(text: str, subject: str, verb: str, rest: str) -> None:
    parts = english.clause(text)
    assert parts
    assert (parts.subject, parts.verb, parts.rest) == (subject, verb, rest)


@pytest.mark.parametrize(
    "text",
    [
        "When will the new bridge over the Lund open?",  # bridge or open
        "Why did the company decide to rent more equipment?",  # decide or equipment
        "Kestrel closed its plant.",
        "Who closed the plant?",
        "Why?",
        "",
    ],
)
def test_no_reading_where_it_is_open(text: str) -> None:
    assert english.clause(text) is None


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    parts = english.clause(text)
    assert parts is None or english.statement(parts).split()[0] == parts.subject.split()[0]


@pytest.mark.parametrize(
    ("text", "noun"),
    [
        ("Which of the sailing firms got a good grade?", "sailing firms"),
        ("Which of its old ferries sank?", "old ferries"),
        ("Which Norland shipping companies signed contracts with Lund?", "norland shipping companies"),
        ("Which companies operate ferries?", "companies"),
        ("Which ferry companies still make money?", "ferry companies"),
        ("Which firm's shares fell?", "firm"),
        ("Which company recently bought Lund?", "company"),
        ("Which company in Norland sold its ferries?", "company"),
        ("Which listed yards reported a loss?", "listed yards"),
        ("Which sports clubs won?", "sports clubs"),
        ("Which gas supplier raised prices?", "gas supplier"),
        ("In which US state did Lund build it?", "us state"),
        ("Which fair was it shown at?", "fair"),
        ("What fair is Lund going to show it at?", "fair"),
        ("Which bank rates Lund highly?", "bank"),
        ("What drew all those crews to Norland?", ""),
        ("What led Lund to sell?", ""),
        ("What pushed prices up?", ""),
        ("What makes crews move?", ""),
        ("Which won the race?", ""),
        ("Which of the two had more?", ""),
        ("Which of Acme and Lund had more?", ""),
        ("What Lund sold in 2022", ""),
        ("What else did Lund say?", ""),
        ("What is the firm which operates ferries?", ""),
        ("Which", ""),
    ],
)
def test_the_noun_that_is_asked_for(text: str, noun: str) -> None:
    assert english.noun_asked(text) == noun


@pytest.mark.parametrize(
    ("words", "is_one"),
    [
        ("trade fair", True), ("found", True), ("ferries", True), ("drew all those", False), ("of the yards", False),
        ("", False),
    ],
)  # fmt: skip
def test_what_reads_as_a_noun_phrase(words: str, is_one: bool) -> None:
    assert english.is_noun_phrase(words) is is_one


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "Why did Danish regulators have Lund's books in their sights?",
            "Danish regulators had Lund's books in their sights",
        ),
        ("Why does Lund mostly rely on coal?", "Lund relies on coal mostly"),
        ("When did Lund Lines supply the yard?", "Lund Lines supplied the yard"),
    ],
)
def test_a_question_as_a_statement(text: str, said: str) -> None:
    parts = english.clause(text)
    assert parts is not None
    assert english.statement(parts) == said


@pytest.mark.parametrize(
    "text", ["Why did Lund stock fall?", "Why did Lund help run the yard?", "Why did Norland miners sell coins?"]
)
def test_a_clause_that_may_be_read_in_two_ways_is_not_read(text: str) -> None:
    assert english.clause(text) is None
