"""Who heads what, and who writes: what is asked and what a sentence says of it."""

from __future__ import annotations

import pytest

from citewire.qa import roles


@pytest.mark.parametrize(
    ("question", "organisation"),
    [
        ("Who's the boss of Lund?", "Lund"),
        ("Who is the boss of Lund now?", "Lund"),
        ("Who is Lund's new boss?", "Lund"),
        ("Who heads Lund Lines?", "Lund Lines"),
        ("Who runs the Bank of Norland today?", "Bank of Norland"),
        ("Who is in charge of Lund?", "Lund"),
        ("Who is at the helm of Lund?", "Lund"),
        ("What is the name of Lund's boss?", "Lund"),
        ("who's the boss of lund?", "lund"),
        ("Who runs the programme?", ""),
        ("who runs the night programme?", ""),
        ("who runs ferries?", ""),
        ("Who runs Lund's night ferries?", ""),
        ("Who is the head of design?", ""),
        ("Who is the head of state?", ""),
        ("Who led the attack on Norland?", ""),
        ("Who is the finance chief of Lund?", ""),
        ("Who bought Lund?", ""),
    ],
)
def test_whose_head_is_asked_for(question: str, organisation: str) -> None:
    assert roles.led(question) == organisation


@pytest.mark.parametrize(
    ("name", "can_be"),
    [
        ("Ana Ruiz", True), ("Ruiz", True), ("Angus McLeod", True), ("StarBank", False), ("NYSE", False),
        ("Lund Group", False), ("J. R. Hale", True),
    ],
)  # fmt: skip
def test_what_can_be_a_person(name: str, can_be: bool) -> None:
    assert roles.may_be_person(name) is can_be


def test_what_a_person_is() -> None:
    assert [noun for noun in ("finance chief", "analyst", "boss", "bridge", "chief reason") if roles.is_role(noun)] == [
        "finance chief", "analyst", "boss",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("Who is Lund's chief financial officer?", True),
        ("Who is the mayor of Norland?", True),
        ("Who is the owner of the yard?", False),  # may be a firm
        ("Who bought the yard?", False),
    ],
)
def test_a_person_is_asked_for(question: str, asks: bool) -> None:
    assert roles.asks_for_person(question) is asks


def test_titles_stand_for_each_other() -> None:
    assert roles.stands_for("chief", "Who is the chief executive of Lund?", "Lund's CEO spoke.")
    assert not roles.stands_for("chief", "Who is the finance chief of Lund?", "Lund's CEO spoke.")
    assert roles.stands_for("author", "Who are the authors of the note?", "It fell, wrote Ana Ruiz.")
    assert not roles.stands_for("author", "Who are the authors of the note?", "It fell, said Ana Ruiz.")
    assert not roles.stands_for("run", "Who runs the programme?", "Lund's CEO spoke.")
