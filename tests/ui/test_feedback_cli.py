"""`citewire feedback`: ratings become records for the evaluation, which uses them to mark answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from commands import citewire
from scripted import AUDIT, COST, COST_CLAIMS, COST_CONFLICT, HOURS, OPEN_CLAIMS, OPENING

from citewire.qa.evaluate import marks
from citewire.qa.evaluate.records import Claimed, QuestionItem, read
from citewire.qa.types import Answer, Turn
from citewire.ui.conversations import Conversations

ME = "A" * 32
OPEN = Answer("When?", "When?", "answered", f"{OPEN_CLAIMS[0].text} [1]", OPEN_CLAIMS, short="18 May")
COST_ANSWER = Answer("Cost?", "Cost?", "partial", "…", COST_CLAIMS, (COST_CONFLICT,))
REFUSED = Answer("Toll?", "Toll?", "abstained", "The sources do not have an answer to this.")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "c.sqlite"


def run(*arguments: str) -> tuple[int, str, str]:
    done = citewire("feedback", *arguments)
    return done.returncode, done.stdout, done.stderr


def rate(file: Path, answer: Answer, value: str, **part: object) -> str:
    with Conversations(file) as kept:
        conversation, _ = kept.append(ME, None, "Before?", replace(OPEN, text="Earlier [1]."))
        _, exchange = kept.append(ME, conversation, answer.question, answer)
        kept.rate(ME, exchange, value, **part)  # type: ignore[arg-type]
    return exchange


def read_back(file: Path, tmp_path: Path) -> list[QuestionItem | Claimed]:
    out = tmp_path / "feedback.jsonl"
    code, _, err = run(str(out), "--conversations", str(file))
    assert code == 0, err
    return read(out)[1]


def test_an_answer_that_was_right_is_wanted_again(file: Path, tmp_path: Path) -> None:
    exchange = rate(file, OPEN, "right", note="as I know")
    (item,) = read_back(file, tmp_path)
    assert isinstance(item, QuestionItem)
    assert (item.id, item.question, item.answers, item.answerable) == (exchange, "When?", ("18 May",), True)
    assert item.history == (Turn("Before?", "Earlier [1]."),)
    assert item.cite == ("herald/tunnel.txt", "plain/gallery.txt")
    assert marks.judge(item, OPEN) == (True, [])
    other = replace(OPEN, text="It opens on 3 June.", claims=(replace(OPEN_CLAIMS[0], text="It opens on 3 June."),))
    assert marks.judge(item, other) == (False, ["does not say 18 May"])
    assert json.loads((tmp_path / "feedback.jsonl").read_text())["note"] == "as I know"


def test_an_answer_that_was_wrong_is_not(file: Path, tmp_path: Path) -> None:
    rate(file, OPEN, "wrong")
    (item,) = read_back(file, tmp_path)
    assert isinstance(item, QuestionItem)
    assert item.must_not_include == ("18 May",)
    assert marks.judge(item, OPEN) == (False, ["says '18 May'"])
    assert marks.judge(item, replace(OPEN, text="It opens on 3 June.")) == (True, [])


def test_a_disagreement_that_was_right_has_to_be_flagged(file: Path, tmp_path: Path) -> None:
    rate(file, COST_ANSWER, "right")
    (item,) = read_back(file, tmp_path)
    assert isinstance(item, QuestionItem)
    assert (item.kind, item.answers) == ("conflict", (f"{COST_CLAIMS[0].text} {COST_CLAIMS[1].text}",))
    right, why = marks.judge(item, replace(COST_ANSWER, conflicts=()))
    assert (right, "does not flag the disagreement" in why) == (False, True)
    assert marks.judge(item, COST_ANSWER) == (True, [])


@pytest.mark.parametrize(("value", "again"), [("right", True), ("wrong", False)])
def test_a_refusal(file: Path, tmp_path: Path, value: str, again: bool) -> None:
    rate(file, REFUSED, value)
    (item,) = read_back(file, tmp_path)
    assert isinstance(item, QuestionItem)
    assert item.answerable is not again
    assert (item.kind == "unanswerable") is again
    assert marks.judge(item, REFUSED)[0] is (True if again else None)
    assert "answerable" in (tmp_path / "feedback.jsonl").read_text()


def test_claims_and_quotes(file: Path, tmp_path: Path) -> None:
    rate(file, COST_ANSWER, "mismatch", quote=1)  # two claims cite this quote
    rate(file, COST_ANSWER, "right", claim=1)
    rate(file, OPEN, "wrong", claim=1, quote=3)
    rate(file, OPEN, "wrong", claim=0)
    found = [
        (item.claim, item.evidence, item.supported) for item in read_back(file, tmp_path) if isinstance(item, Claimed)
    ]
    assert found == [
        (COST_CLAIMS[0].text, COST, False),
        (COST_CLAIMS[2].text, COST, False),
        (COST_CLAIMS[1].text, AUDIT, True),
        (OPEN_CLAIMS[1].text, HOURS, False),
        (OPEN_CLAIMS[0].text, OPENING, False),
    ]


def test_what_says_nothing_is_counted(file: Path) -> None:
    rate(file, COST_ANSWER, "wrong", claim=3)  # this claim has no quotes
    rate(file, replace(OPEN, status="stopped"), "right")
    rate(file, replace(OPEN, short="5", claims=OPEN_CLAIMS[:1]), "wrong")
    code, out, err = run("--conversations", str(file))
    assert code == 0
    assert [json.loads(line)["must_not_include"] for line in out.splitlines()] == [[OPEN_CLAIMS[0].text]]
    assert err == "citewire: 3 ratings, 1 records; 2 ratings say nothing to an evaluation and are left out\n"


def test_nothing_to_write(file: Path) -> None:
    code, out, err = run("--conversations", str(file))
    assert (code, out) == (2, "")
    assert f"There is no feedback: {file} does not exist. Rate answers on the page" in err
    assert not file.exists()
    Conversations(file).close()
    code, _, err = run("--conversations", str(file))
    assert code == 2
    assert f"There is no feedback in {file}" in err


def test_a_file_that_is_there_is_not_overwritten(file: Path, tmp_path: Path) -> None:
    rate(file, OPEN, "right")
    out = tmp_path / "mine.jsonl"
    out.write_text("mine")
    for target, problem in ((out, "is there already"), (tmp_path / "no" / "f", "cannot be written: No such file")):
        code, _, err = run(str(target), "--conversations", str(file))
        assert code == 2
        assert f"{target} {problem}" in err
    assert out.read_text() == "mine"


def test_the_file_is_set_like_every_setting(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rate(file, OPEN, "right")
    monkeypatch.setenv("CITEWIRE_CONVERSATIONS", str(file))
    code, out, _ = run()
    assert code == 0
    assert json.loads(out)["answer"] == "18 May"
    monkeypatch.delenv("CITEWIRE_CONVERSATIONS")
    monkeypatch.setenv("XDG_DATA_HOME", str(file.parent / "data"))
    _, _, err = run()
    assert f"{file.parent / 'data' / 'citewire' / 'conversations.sqlite'} does not exist" in err
