"""Conversations on disk: what is restored, who owns it, what a kill leaves, and which files are refused."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import together
from hypothesis import given
from hypothesis import strategies as st
from scripted import COST_CLAIMS, COST_CONFLICT, HITS, OPEN_CLAIMS, PAYLOADS

from citewire.index.errors import InputError
from citewire.qa.types import Answer, TimelinePoint, Timings, Turn
from citewire.ui.answer_json import answer_from_json, answer_json
from citewire.ui.conversations import FORMAT, Beside, Conversations, Rating, UnknownIdError, UnusableFileError, title_of

ME, OTHER = "A" * 32, "B" * 32
QUESTION = "How much did the Harbour Tunnel cost?"
POINT = TimelinePoint("2019-01-01", "2019-12-31", True, "herald/tunnel.txt", 3, 9, "a span")
COST_ANSWER = Answer(
    QUESTION, "How much did it cost?", "partial", "The city … [1].\u2028\x9b", COST_CLAIMS, (COST_CONFLICT,), (POINT,),
    "2026-03-02", "€1.84 billion", HITS, Timings(0.1, 0.2, 0.3, 0.4, 0.5, 2.13, 700, 40), "scripted", 7,
)  # fmt: skip
OPEN_ANSWER = Answer("When?", "When?", "answered", "On 18 May [1].", OPEN_CLAIMS, hits=HITS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "conversations.sqlite"


@pytest.fixture
def kept(file: Path) -> Iterator[Conversations]:
    with Conversations(file) as opened:
        yield opened


@pytest.mark.parametrize("version", [1, 2])
def test_a_file_of_an_earlier_format_is_taken_over(file: Path, version: int) -> None:
    with Conversations(file) as made:
        conversation, _ = made.append(ME, None, QUESTION, OPEN_ANSWER)
    with sqlite3.connect(file) as older:
        older.execute("ALTER TABLE exchanges DROP COLUMN beside")
        if version == 1:
            older.execute("DROP INDEX conversations_link")
            older.execute("ALTER TABLE conversations DROP COLUMN link")
        older.execute(f"PRAGMA user_version = {version}")
    older.close()
    link = ""
    for _ in range(2):  # the second time, the file already has the new format
        with Conversations(file) as again:
            assert again.get(ME, conversation).exchanges[0].answer == OPEN_ANSWER
            assert again.list(ME)[0].link == link
            link = again.link(ME, conversation)
            assert again.linked(link) == again.get(ME, conversation)


# the answer object as JSON


def test_an_answer_comes_back_from_its_json() -> None:
    for answer in (COST_ANSWER, OPEN_ANSWER, Answer("q", "q", "abstained", "")):
        for indent in (2, None):
            assert answer_from_json(answer_json(answer, indent)) == answer
    assert "\n" not in answer_json(COST_ANSWER, None)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(0, 1))
def test_any_text_comes_back(text: str, probability: float) -> None:
    claim = dataclasses.replace(OPEN_CLAIMS[0], text=text, probability=probability)
    answer = Answer(text, text, "answered", text, (claim,))
    assert answer_from_json(answer_json(answer)) == answer


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "question: Field required"),
        ("[1]", "the whole: Input should be an object"),
        ("{", "the whole: Invalid JSON"),
        ('{"question": 1, "standalone_question": "", "status": "answered", "text": ""}', "question: .* valid string"),
        ('{"question": "", "standalone_question": "", "status": "fine", "text": ""}', "status: .* 'answered'"),
        (
            '{"question": "", "standalone_question": "", "status": "failed", "text": "", "claims": [{"text": 1}]}',
            r"claims\.0\.text: ",
        ),
    ],
)
def test_json_that_is_no_answer(text: str, message: str) -> None:
    with pytest.raises(InputError, match=f"This is no answer of citewire: {message}"):
        answer_from_json(text)


def test_an_answer_without_newer_fields_is_read() -> None:
    old = '{"question": "q", "standalone_question": "q", "status": "answered", "text": "t", "gone": 1}'
    assert answer_from_json(old) == Answer("q", "q", "answered", "t")


# conversations


def test_what_is_appended_is_there_after_opening_again(file: Path) -> None:
    with Conversations(file) as kept:
        conversation, first = kept.append(ME, None, QUESTION, COST_ANSWER)
        again, second = kept.append(ME, conversation, PAYLOADS[0], OPEN_ANSWER)
        assert again == conversation
    with Conversations(file) as kept:
        stored = kept.get(ME, conversation)
        assert [(one.id, one.question, one.answer) for one in stored.exchanges] == [
            (first, QUESTION, COST_ANSWER),
            (second, PAYLOADS[0], OPEN_ANSWER),
        ]
        (info,) = kept.list(ME)
        assert (info.id, info.title, info.exchanges) == (conversation, QUESTION, 2)
        assert info.created < info.changed == stored.exchanges[1].asked
        assert first.isalnum()


def test_the_list_is_newest_change_first_and_each_visitors_own(kept: Conversations) -> None:
    one, _ = kept.append(ME, None, "one", OPEN_ANSWER)
    two, _ = kept.append(ME, None, "two", OPEN_ANSWER)
    kept.append(OTHER, None, "theirs", OPEN_ANSWER)
    assert [info.title for info in kept.list(ME)] == ["two", "one"]
    kept.append(ME, one, "more", OPEN_ANSWER)
    assert [(info.title, info.exchanges) for info in kept.list(ME)] == [("one", 2), ("two", 1)]
    kept.delete(ME, two)
    assert [info.id for info in kept.list(ME)] == [one]
    assert kept.list("C" * 32) == []


def test_anothers_conversation_is_not_there(kept: Conversations) -> None:
    conversation, exchange = kept.append(ME, None, QUESTION, COST_ANSWER)
    for wanted in (conversation, "nothing", "", "\ud800", "'; DROP TABLE ratings; --"):
        for act in (
            lambda id_: kept.get(OTHER, id_),
            lambda id_: kept.rename(OTHER, id_, "mine"),
            lambda id_: kept.delete(OTHER, id_),
            lambda id_: kept.append(OTHER, id_, "q", OPEN_ANSWER),
            lambda id_: kept.ratings(OTHER, id_),
        ):
            with pytest.raises(UnknownIdError, match="There is no conversation"):
                act(wanted)
    for on_exchange in (
        lambda: kept.rate(OTHER, exchange, "right"),
        lambda: kept.unrate(OTHER, exchange),
        lambda: kept.replace(OTHER, exchange, OPEN_ANSWER),
        lambda: kept.note(OTHER, exchange, Beside("mine")),
    ):
        with pytest.raises(UnknownIdError, match="There is no exchange"):
            on_exchange()
    assert kept.get(ME, conversation).title == QUESTION
    assert kept.list(OTHER) == []


def test_rename_replace_and_delete(kept: Conversations) -> None:
    conversation, exchange = kept.append(ME, None, QUESTION, COST_ANSWER, Beside("Only A\ud800"))
    assert kept.get(ME, conversation).exchanges[0].beside == Beside("Only A?")
    kept.note(ME, exchange, Beside("Only A", quotes_only=True, suggestions=("And?", "“Why”?")))
    assert kept.get(ME, conversation).exchanges[0].beside == Beside("Only A", True, ("And?", "“Why”?"))
    assert kept.rename(ME, conversation, "  The\n tunnel \ud800 ") == "The tunnel ?"
    assert kept.get(ME, conversation).title == "The tunnel ?"
    kept.rate(ME, exchange, "wrong")
    kept.replace(ME, exchange, OPEN_ANSWER)
    (stored,) = kept.get(ME, conversation).exchanges
    assert (stored.id, stored.question, stored.answer, stored.beside) == (exchange, QUESTION, OPEN_ANSWER, Beside())
    assert kept.ratings(ME, conversation) == ()  # the rating was of the old answer
    kept.rate(ME, exchange, "right")
    kept.delete(ME, conversation)
    with pytest.raises(UnknownIdError):
        kept.get(ME, conversation)
    with pytest.raises(UnknownIdError):
        kept.append(ME, conversation, "q", OPEN_ANSWER)
    assert kept.rated() == ()


@pytest.mark.parametrize(
    ("title", "message"),
    [("", "The title is empty"), (" \n ", "The title is empty"), ("x" * 201, "The title has 201 characters")],
)
def test_titles_that_are_refused(kept: Conversations, title: str, message: str) -> None:
    conversation, _ = kept.append(ME, None, QUESTION, COST_ANSWER)
    with pytest.raises(InputError, match=message):
        kept.rename(ME, conversation, title)
    assert kept.get(ME, conversation).title == QUESTION


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Who won?", "Who won?"),
        ("Who\n\n won? ", "Who won?"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        ("word " * 20, "word " * 14 + "word…"),
        ("隧道" * 50, "隧道" * 39 + "隧…"),
    ],
)
def test_titles_of_questions(question: str, title: str) -> None:
    assert title_of(question) == title


def test_a_question_with_half_a_character_is_kept(kept: Conversations) -> None:
    conversation, _ = kept.append(ME, None, "a\ud800b", dataclasses.replace(OPEN_ANSWER, question="a\ud800b"))
    (stored,) = kept.get(ME, conversation).exchanges
    assert (stored.question, stored.answer.question) == ("a?b", "a?b")


# ratings


def test_ratings_of_an_answer_a_claim_and_a_quote(kept: Conversations) -> None:
    conversation, exchange = kept.append(ME, None, QUESTION, COST_ANSWER)
    _, second = kept.append(ME, conversation, "When?", OPEN_ANSWER)
    kept.rate(ME, second, "right")
    kept.rate(ME, exchange, "right", note="first")
    kept.rate(ME, exchange, "wrong", note=" no\ud800 ")
    kept.rate(ME, exchange, "mismatch", claim=2, quote=1)
    kept.rate(ME, exchange, "mismatch", quote=2)
    kept.rate(ME, exchange, "right", claim=0)
    found = kept.ratings(ME, conversation)
    assert [(one.exchange, one.claim, one.quote, one.value, one.note) for one in found] == [
        (exchange, None, None, "wrong", "no?"),
        (exchange, None, 2, "mismatch", ""),
        (exchange, 0, None, "right", ""),
        (exchange, 2, 1, "mismatch", ""),
        (second, None, None, "right", ""),
    ]
    kept.unrate(ME, exchange)
    kept.unrate(ME, exchange, quote=2)
    kept.unrate(ME, exchange, claim=1)  # there is no such rating
    rated = kept.rated()
    assert [(one.rating.claim, one.question, one.answer, one.history) for one in rated] == [
        (0, QUESTION, COST_ANSWER, ()),
        (2, QUESTION, COST_ANSWER, ()),
        (None, "When?", OPEN_ANSWER, (Turn(QUESTION, COST_ANSWER.text, COST_ANSWER.articles),)),
    ]
    assert isinstance(rated[0].rating, Rating)


@pytest.mark.parametrize(
    ("value", "claim", "quote", "note", "message"),
    [
        ("fine", None, None, "", "'fine' is no rating. Use one of right, wrong, mismatch"),
        ("mismatch", None, None, "", "A mismatch is of a quote"),
        ("mismatch", 0, None, "", "A mismatch is of a quote"),
        ("right", 5, None, "", "The answer has no claim 5. It has 5, from 0"),
        ("right", -1, None, "", "The answer has no claim -1"),
        ("mismatch", None, 3, "", "There is no quote 3. Use one of 1, 2"),
        ("mismatch", 0, 2, "", "There is no quote 2. Use one of 1"),
        ("mismatch", 3, 1, "", "There is no quote 1. Use one of none"),
        ("right", None, None, "x" * 2001, "The note has 2,001 characters"),
    ],
)
def test_ratings_that_are_refused(
    kept: Conversations, value: str, claim: int | None, quote: int | None, note: str, message: str
) -> None:
    _, exchange = kept.append(ME, None, QUESTION, COST_ANSWER)
    with pytest.raises(InputError, match=message):
        kept.rate(ME, exchange, value, claim=claim, quote=quote, note=note)  # type: ignore[arg-type]
    assert kept.rated() == ()


# the file


def test_only_its_owner_reads_the_file(file: Path, kept: Conversations) -> None:
    kept.append(ME, None, QUESTION, COST_ANSWER)
    for one in (file, file.with_name(file.name + "-wal")):
        assert stat.S_IMODE(one.stat().st_mode) == 0o600


def test_threads_and_a_second_opener_write_without_loss(file: Path, kept: Conversations) -> None:
    with Conversations(file) as other:

        def write(given: tuple[Conversations, str]) -> None:
            (opened, visitor), conversation = given, None
            for n in range(10):
                conversation, _ = opened.append(visitor, conversation, f"{n}", OPEN_ANSWER)

        together(write, [(opened, f"{n}" * 32) for opened in (kept, other) for n in range(3)])
    for n in range(3):
        for info in kept.list(f"{n}" * 32):
            stored = kept.get(f"{n}" * 32, info.id)
            assert [one.question for one in stored.exchanges] == [str(k) for k in range(10)]
        assert len(kept.list(f"{n}" * 32)) == 2


WRITER = """
import sys
from pathlib import Path
from citewire.qa.types import Answer
from citewire.ui.conversations import Conversations
kept = Conversations(Path(sys.argv[1]))
conversation = None
for n in range(100_000):
    conversation, _ = kept.append("A" * 32, conversation, f"{n}", Answer(f"{n}", f"{n}", "answered", "x" * 20_000))
    kept.rate("A" * 32, _, "right")
    print(n, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("told", [1, 7])
def test_a_kill_leaves_all_that_was_told_and_nothing_half(file: Path, told: int) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS_")}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True, env=environment
    ) as writer:
        assert writer.stdout is not None
        for _ in range(told):
            last = int(writer.stdout.readline())
        writer.kill()
        last = max([last, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    with Conversations(file) as kept:
        (info,) = kept.list(ME)
        stored = kept.get(ME, info.id)
        assert [one.question for one in stored.exchanges] == [str(n) for n in range(len(stored.exchanges))]
        assert len(stored.exchanges) in (last + 1, last + 2)
        assert all(one.answer.text == "x" * 20_000 for one in stored.exchanges)
        assert len(kept.ratings(ME, info.id)) in (len(stored.exchanges) - 1, len(stored.exchanges))
        kept.append(ME, info.id, "on", OPEN_ANSWER)


def refused(file: Path) -> str:
    """Return why a file is refused; it must stay unchanged."""
    before = file.read_bytes()
    with pytest.raises(InputError) as caught:
        Conversations(file)
    assert str(file) in caught.value.problem
    assert file.read_bytes() == before
    return str(caught.value)


def test_files_that_are_not_ours_are_left_alone(file: Path) -> None:
    file.parent.mkdir()
    for text in (b"notes", b"x" * 5000, b"SQLite format 3\0", b"\0"):
        file.write_bytes(text)
        assert "is not a file of citewire's conversations. Name another file with --conversations" in refused(file)
    file.unlink()
    with sqlite3.connect(file) as foreign:
        foreign.execute("CREATE TABLE conversations(id TEXT)")
    foreign.close()
    assert "is not a file of citewire's conversations" in refused(file)
    assert sorted(one.name for one in file.parent.iterdir()) == [file.name]


def test_a_newer_format_is_refused(file: Path) -> None:
    Conversations(file).close()
    with sqlite3.connect(file) as newer:
        newer.execute(f"PRAGMA user_version = {FORMAT + 1}")
    newer.close()
    assert f"is of a newer citewire: its format is {FORMAT + 1}, this one knows {FORMAT}. Update" in refused(file)


def test_a_damaged_file_is_refused(file: Path) -> None:
    with Conversations(file) as kept:
        for n in range(50):
            kept.append(ME, None, f"{n}", COST_ANSWER)
    whole = file.read_bytes()
    for start, stop in ((4096, 8192), (100, 200), (len(whole) // 2, len(whole))):
        file.write_bytes(whole[:start] + b"\x7f" * (stop - start) + whole[stop:])
        assert "are damaged: " in refused(file)
    file.write_bytes(whole[:5000])
    assert "are damaged: " in refused(file)
    file.write_bytes(whole)
    with Conversations(file) as kept:
        assert len(kept.list(ME)) == 50


def test_an_empty_file_is_a_new_one(file: Path) -> None:
    file.parent.mkdir()
    file.touch()
    with Conversations(file) as kept:
        assert kept.list(ME) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    for file in (tmp_path, tmp_path / "taken" / "c.sqlite", Path("/proc/nothing/c.sqlite")):
        with pytest.raises(InputError, match=r"The conversations cannot be kept in .* with --conversations"):
            Conversations(file)


def test_a_full_disk_and_a_lock_are_said_and_lose_nothing(
    file: Path, kept: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation, _ = kept.append(ME, None, QUESTION, COST_ANSWER)
    kept._db.execute(f"PRAGMA max_page_count = {kept._db.execute('PRAGMA page_count').fetchone()[0]}")
    big = dataclasses.replace(COST_ANSWER, text="x" * 100_000)
    with pytest.raises(InputError, match=r"cannot be used now: database or disk is full\. Make room"):
        kept.append(ME, conversation, "more", big)
    assert len(kept.get(ME, conversation).exchanges) == 1
    monkeypatch.setattr("citewire.ui.conversations.LOCK_S", 0.01)
    with Conversations(file) as other:
        other._db.execute("BEGIN IMMEDIATE")
        with pytest.raises(InputError, match="cannot be used now: database is locked"), Conversations(file) as third:
            third.append(ME, None, "q", OPEN_ANSWER)
        other._db.execute("ROLLBACK")


def test_what_comes_after_the_end_is_refused(tmp_path: Path) -> None:
    with Conversations(tmp_path / "kept.db") as kept:
        conversation, _ = kept.append(ME, None, QUESTION, COST_ANSWER)
    with pytest.raises(UnusableFileError, match="closed"):
        kept.append(ME, conversation, QUESTION, COST_ANSWER)
    with Conversations(tmp_path / "kept.db") as kept:
        assert len(kept.get(ME, conversation).exchanges) == 1
