"""A question's words get the capitals that the articles use, and no others."""

from __future__ import annotations

import pytest

from citewire.qa.casing import cased

SENTENCES = (
    "Today Peter Lund, the chair of Lund Lines, sold the mill in May.",
    "He may open the New Bridge, and it is a new bridge for the town of Brask.",
    "Officials at the WHO said that the target was met; Target, the chain, did not.",
    "Sam Ruiz joined the board, and the US Open ends.",
    "Why The Night Ferry Stopped Sailing For Good",
)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("who is peter lund", "who is Peter Lund"),
        ("lund lines chair", "Lund Lines chair"),
        ("when did sam ruiz join", "when did Sam Ruiz join"),  # the name begins a sentence there
        ("what happened in brask?", "what happened in Brask?"),
        ("who said so?", "who said so?"),  # not "WHO"
        ("us open winner", "US Open winner"),
        ("is there a new bridge", "is there a new bridge"),  # the articles write it both ways
        ("was the target met", "was the target met"),
        ("why did the night ferry stop", "why did the night ferry stop"),  # a headline's capitals do not count
        ("did PETER sell it?", "did PETER sell it?"),  # typed with capitals
        ("peter's mill", "Peter's mill"),
        ("how did it change from june 2021 to may 2022", "how did it change from June 2021 to May 2022"),
        ("what happened on sunday", "what happened on Sunday"),
        ("may they march", "may they march"),  # not months
        ("", ""),
        ("¿qué?", "¿qué?"),
    ],
)
def test_capitals_are_those_of_the_articles(typed: str, meant: str) -> None:
    assert cased(typed, SENTENCES) == meant


def test_without_articles_a_question_stays_as_it_is() -> None:
    assert cased("who is peter lund", ()) == "who is peter lund"
