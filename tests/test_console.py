"""What the terminal shows of answers that are not a paragraph of facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import pytest
from scripted import (
    AUDIT,
    GALLERY,
    GOING_ON,
    GREETING,
    LEAD,
    LEDGER,
    NOT_FOR_IT,
    OFFERED,
    OPENING,
    PAYLOADS,
    ScriptedAnswerer,
    ScriptedIndex,
)

from citewire.qa.types import Answer, Event, Turn
from citewire.ui import cli
from citewire.ui.console import print_answer
from citewire.ui.render import Card, card


def label(path: str) -> Card:
    return card(ScriptedIndex().article(path))


def printed(question: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_answer(question, ScriptedAnswerer().stream(question), label)
    return capsys.readouterr().out.splitlines()


def asked_too(count: int) -> list[str]:
    return ["", "You can also ask:", *(f"    {n}. {question}" for n, question in enumerate(OFFERED[:count], 1))]


def test_a_list_has_its_lead_and_a_line_for_each_item(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed("What are these articles about?", capsys)
    assert lines[:4] == [LEAD, f"- {OPENING} [1]", f"- {GALLERY}. [2]", f"- {AUDIT}. [3]"]
    assert lines[4:6] == ["", f"[1] “{OPENING}”"]
    assert f"    {LEDGER.title}, The Quay Ledger, 2 Mar 2026 - ledger/audit.txt:0-{len(AUDIT)}" in lines
    assert lines[-7:] == ["3 of 3 items checked against a quote. 3 articles. 0.2 s.", *asked_too(4)]


def test_a_greeting_is_its_words_and_questions(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed("hello", capsys) == [GREETING, *asked_too(3)]


def test_what_is_no_matter_of_articles_is_not_called_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed("Write a poem.", capsys) == [NOT_FOR_IT.text, *asked_too(3)]


def test_sentences_that_are_no_list_are_one_paragraph(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed("When does it open?", capsys)[0].startswith("The Harbour Tunnel opens to traffic on 18 May. [1]")


def test_what_is_missing_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed("What is the toll?", capsys)
    assert lines[0] == "Not in the sources. The 3 articles do not say this [1]."
    assert lines[2] == "Nearest passages, not used:"
    assert not set(PAYLOADS) & set(lines)


def test_chat_numbers_what_it_offers_and_a_number_asks_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Asker:
        asked: ClassVar[list[tuple[str, int]]] = []

        def stream(self, question: str, turns: Sequence[Turn], stopped: Callable[[], bool]) -> Iterator[Event]:
            self.asked.append((question, len(turns)))
            return ScriptedAnswerer().stream(question, turns, stopped=stopped)

        def suggested(self, answer: Answer, turns: Sequence[Turn]) -> Iterator[str]:
            return iter(GOING_ON[:2])

        def card(self, path: str) -> Card:
            return card(ScriptedIndex().article(path))

    lines = iter(["When does it open?", "2", "3", "/quit"])
    monkeypatch.setattr(cli, "_next_line", lambda: next(lines))
    cli._converse(Asker(), 1000)  # type: ignore[arg-type]
    assert Asker.asked == [("When does it open?", 0), (GOING_ON[1], 1), ("3", 2)]
    told = capsys.readouterr().out
    assert f"You can also ask:\n    1. {GOING_ON[0]}\n    2. {GOING_ON[1]}\n" in told
