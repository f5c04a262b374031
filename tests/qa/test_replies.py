"""citewire's own words: whole sentences, distinguishable from what articles say."""

from __future__ import annotations

import pytest

from citewire.qa import replies
from citewire.qa.kinds import KINDS
from citewire.qa.types import REFUSAL


def test_every_intent_has_its_words() -> None:
    assert set(replies.TALK) == {intent for intent, kind in KINDS.items() if kind == "talk"}
    assert set(replies.NOT_FOR_IT) == {intent for intent, kind in KINDS.items() if kind == "not_for_it"}
    for said in (*replies.TALK.values(), *replies.NOT_FOR_IT.values()):
        assert said[0].isupper()
        assert said[-1] in ".!?"
        assert said.isprintable()


def test_a_refusal_names_what_no_article_has() -> None:
    assert replies.refusal() == REFUSAL
    assert replies.refusal(["Zorbania"]) == f"{REFUSAL} None of them mentions “Zorbania”."
    assert replies.refusal(["Zorbania", "Atlantis"]) == f"{REFUSAL} None of them mentions “Zorbania” or “Atlantis”."


@pytest.mark.parametrize(
    ("said", "own"),
    [
        (replies.GREETING, True),
        (f"{replies.GREETING}\nWhat are these articles about?", True),
        (replies.NOT_FOR_IT["advice"], True),
        (replies.NOTHING_BEFORE, True),
        (replies.NO_MORE, True),
        (f"{replies.UNKNOWN_SPEAKER}\nThe bridge cost 40 million euros. [1]", True),
        ("The bridge cost 40 million euros. [1]", False),
        (f"The bridge cost 40 million euros. [1]\n{replies.NO_MORE}", False),
        ("Hello! The chair waved. [1]", False),
        ("", False),
    ],
)
def test_what_is_said_by_citewire_itself(said: str, own: bool) -> None:
    assert replies.is_own(said) is own
