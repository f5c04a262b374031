"""Questions typed in lower case, with the names of the passages."""

from __future__ import annotations

import pytest

from citewire.qa.casing import cased, has_names

PASSAGES = (
    "The ferry firm Lund Lines bought two ships from Skarvik Yard, Ana Ruiz of JPMorgan said. Its rival is Kestrel.",
    "Copper rose. The price of copper and of Copper futures rose, Kestrel said. The US Navy asked us why.",
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("who runs lund lines?", "who runs Lund Lines?"),
        (
            "what did ana ruiz of jpmorgan say about kestrel's ships",
            "what did Ana Ruiz of JPMorgan say about Kestrel's ships",
        ),
        ("Where is skarvik yard?", "Where is Skarvik Yard?"),
        ("how many ferries does ruiz own", "how many ferries does Ruiz own"),
        ("what does copper cost", "what does copper cost"),
        ("why did it ask us", "why did it ask us"),
        ("the skarviks are many", "the skarviks are many"),
        ("Did Lund Lines ask kestrel?", "Did Lund Lines ask kestrel?"),
        ("", ""),
    ],
)
def test_names_get_their_capitals(question: str, expected: str) -> None:
    assert cased(question, PASSAGES) == expected


def test_nothing_to_learn_from() -> None:
    assert cased("who runs lund lines?", []) == "who runs lund lines?"


@pytest.mark.parametrize(
    ("question", "has"), [("Who runs it?", False), ("who runs Lund?", True), ("IREN", True), ("", False)]
)
def test_whether_there_are_names(question: str, has: bool) -> None:
    assert has_names(question) is has
