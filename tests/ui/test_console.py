"""The terminal's view of answers that are not a paragraph of facts."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
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
from citewire.ui.labels import Card, card


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
    assert lines[4:6] == ["", "[1] word for word"]  # the words are shown above
    assert sum(OPENING in line for line in lines) == 1
    assert f"    {LEDGER.title}, The Quay Ledger, 2 Mar 2026 - ledger/audit.txt:0-{len(AUDIT)}" in lines
    checked = "3 of 3 items checked against a quote, quoted word for word. 3 articles. 0.2 s."
    assert lines[-7:] == [checked, *asked_too(4)]


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

    lines = iter(["When does it open?", "help", "2", "3", "exit", "never read"])
    monkeypatch.setattr(cli, "_next_line", lambda: next(lines))
    cli._converse(Asker(), 1000)  # type: ignore[arg-type]
    assert Asker.asked == [("When does it open?", 0), (GOING_ON[1], 1), ("3", 2)]
    told, aside = capsys.readouterr()
    assert "    exit, /quit     ends" in aside
    assert f"You can also ask:\n    1. {GOING_ON[0]}\n    2. {GOING_ON[1]}\n" in told


TYPIST = """
import sys
from scripted import ScriptedAnswerer, ScriptedIndex
from citewire.ui import cli
from citewire.ui.labels import card

class Asker:
    def stream(self, question, turns, stopped):
        print(f"ASKED {question}", file=sys.stderr, flush=True)
        return ScriptedAnswerer().stream(question, turns, stopped=stopped)
    suggested = staticmethod(lambda answer, turns: iter(()))
    card = staticmethod(lambda path: card(ScriptedIndex().article(path)))

cli._converse(Asker(), 1000)
"""


def typed(keys: Sequence[str], *, columns: int, colours: bool = True) -> str:
    """Return the output of a terminal of `columns` while each of `keys` is typed at a prompt."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS_")}
    environment |= {"TERM": "xterm-256color", "COLUMNS": str(columns), "PYTHONPATH": str(Path(__file__).parent.parent)}
    environment |= {} if colours else {"NO_COLOR": "1"}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", TYPIST], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown, begin = "", 0
        for line in keys:
            while "> " not in shown[begin:]:
                shown += os.read(ours, 1 << 16).decode(errors="replace")
            begin = len(shown)
            os.write(ours, line.encode())
            while "\n" not in shown[begin:]:
                shown += os.read(ours, 1 << 16).decode(errors="replace")
        with suppress(OSError):  # the other end is closed
            while chunk := os.read(ours, 1 << 16):
                shown += chunk.decode(errors="replace")
    os.close(ours)
    assert process.returncode == 0, shown
    return shown


UP, LEFT, HOME = "\x1b[A", "\x1b[D", "\x01"


@pytest.mark.slow
def test_arrow_keys_edit_a_line_and_bring_lines_back() -> None:
    shown = typed([f"opens?{HOME}When it {LEFT}\x7f {LEFT} x\n", f"{UP}\n", "exit\n"], columns=200)
    asked = re.findall(r"ASKED ([^\r\n]*)", shown)
    assert len(asked) == 2
    assert asked[0] == asked[1]
    assert "\x1b" not in asked[0]
    assert asked[0].startswith("When i")


@pytest.mark.slow
def test_a_terminal_gets_whole_words_and_colours() -> None:
    shown = typed(["When does it open?\n", "exit\n"], columns=40)
    assert "\x1b[1;36m[1]\x1b[0m" in shown  # a citation number in colour
    plain = re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", typed(["When does it open?\n", "exit\n"], columns=40, colours=False))
    lines = [line.rstrip() for line in re.split("[\r\n]+", plain)]
    assert "Reading 4 passages" in plain  # until the first words arrive
    told = lines[next(n for n, line in enumerate(lines) if line.startswith("The Harbour")) :]
    assert max(map(len, told)) <= 40
    assert told[:2] == ["The Harbour Tunnel opens to traffic on", "18 May. [1]"]
