"""No file ends the process that reads articles: children read all files, and each file has one budget."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
from documents import zipped

from citewire.index import documents, formats
from citewire.index.articles import ReadOptions, Rejected, read_articles
from citewire.index.documents import Document, Limits, Refused
from citewire.index.errors import InputError
from citewire.index.formats import Request
from citewire.index.passages import passages
from citewire.index.sandbox import Sandbox
from citewire.index.types import Article

pytestmark = pytest.mark.slow  # processes, servers or real networks

SENTENCE = "The council of Lyon voted for the new bridge on Monday."
COMMENTS = "<!---->" * 600 + SENTENCE  # never ended before the fix; 40 comments were enough
INVISIBLE = ("\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\u00ad", "\U000e0041")


def everything(folder: Path, **limits: float) -> list[Article | Rejected]:
    found = read_articles([folder], options=ReadOptions(limits=Limits(**limits)))  # type: ignore[arg-type]
    return [one for one in found if isinstance(one, Article | Rejected)]


def reasons(data: bytes, kind: str, **limits: float) -> list[str]:
    with Sandbox(Limits(**limits)) as sandbox:  # type: ignore[arg-type]
        return [one.reason if isinstance(one, Refused) else one.part for one in sandbox.read(data, Request(kind, "x"))]


@pytest.mark.parametrize("kind", ["txt", "md"])
def test_comments_without_end_are_read_at_once(tmp_path: Path, kind: str) -> None:
    (tmp_path / f"a.{kind}").write_text(COMMENTS)
    (found,) = everything(tmp_path)
    assert isinstance(found, Article)
    assert SENTENCE in found.text


def test_plain_text_is_never_read_in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def here(*_: object) -> None:
        raise AssertionError("read in this process")

    for module, name in ((formats, "check_content"), (formats, "decode"), (documents, "decode")):
        monkeypatch.setattr(module, name, here)
    (tmp_path / "a.txt").write_text(SENTENCE)
    (found,) = everything(tmp_path)
    assert isinstance(found, Article)


def test_white_space_in_a_row_is_bounded_and_lines_stay_apart(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One." + " " * 40_000 + "Two." + "\n \n" * 40_000 + "Three.  Four.\n")
    (found,) = everything(tmp_path)
    assert isinstance(found, Article)
    assert len(found.text) < 700
    assert [line.split() for line in found.text.splitlines() if line.strip()] == [["One.", "Two."], ["Three.", "Four."]]
    short = "A" + " " * 200 + "b.\n\n\nC d.  \n"
    assert documents.short_blanks(short) == short


def test_one_file_has_one_number_of_articles() -> None:
    lines = b"".join(json.dumps({"text": SENTENCE}).encode() + b"\n" for _ in range(5))
    over = "is too large: more than 3 articles in one file"
    assert reasons(lines, ".jsonl", articles=3) == ["#1", "#2", "#3", over]
    assert reasons(lines, ".jsonl", articles=5) == ["#1", "#2", "#3", "#4", "#5"]
    members = zipped({"a.jsonl": lines, "b.txt": SENTENCE})
    assert reasons(members, ".zip", articles=5)[-1] == "is too large: more than 5 articles in one file"


def test_one_file_has_one_number_of_characters() -> None:
    members = zipped({f"{name}.txt": SENTENCE for name in "abc"})
    found = reasons(members, ".zip", total_characters=2 * len(SENTENCE))
    assert found == ["/a.txt", "/b.txt", "is too large: its articles together have more than 110 characters"]


def test_a_zip_has_one_budget_of_time_however_many_members_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    command = ("import sys, time\nfrom citewire.index import formats, sandbox\n"
               "def hang(*_): time.sleep(1_000)\nformats._ARTICLES = {'.md': hang}\nsandbox.main()")  # fmt: skip
    members = zipped({f"{number}.md": "x" for number in range(100)})
    limits = Limits(seconds=0.5, total_seconds=1.0)
    began = time.monotonic()
    with Sandbox(limits, (sys.executable, "-c", command)) as sandbox:
        found = list(sandbox.read(members, Request(".zip", "x")))
    assert isinstance(found[-1], Refused)
    assert found[-1].reason == "is too large: to read all of it takes longer than 1 seconds"
    assert (found[-1].part, len(found) <= 3) == ("", True)
    assert time.monotonic() - began < 100  # not a hundred members with a new child for each


@pytest.mark.parametrize("character", INVISIBLE)
def test_invisible_characters_stay_out_of_names_and_lines(tmp_path: Path, character: str) -> None:
    (tmp_path / f"exe{character}txt.txt").write_text(SENTENCE)
    (found,) = everything(tmp_path)
    assert isinstance(found, Rejected)
    assert character not in found.path
    assert found.reason.endswith("invisible ones")
    member = reasons(zipped({f"a{character}b.txt": SENTENCE}), ".zip")
    assert member == ["has a name that holds control characters or invisible ones"]
    assert documents.one_line(f"Rate {character}cut") == "Rate cut"
    (tmp_path / "text.txt").write_text(f"The rate was cut to 1{character}2.", encoding="utf-8")
    assert [one.text for one in everything(tmp_path) if isinstance(one, Article)] == ["The rate was cut to 12."]


def test_pages_begin_where_they_did_and_halves_of_a_word_stay_known() -> None:
    found = documents.as_seen(Document("a\u200bb\n\nc\u202e\n\ninter\u00ad\nnational", pages=(0, 5, 9)))
    assert found.text == "ab\n\nc\n\ninter\u00ad\nnational"
    assert [found.text[start] for start in found.pages] == ["a", "c", "i"]


def test_joiners_of_emoji_and_persian_are_no_reason(tmp_path: Path) -> None:
    names = ("👩\u200d🚀.txt", "می\u200cخواهم.txt")
    for name in names:
        (tmp_path / name).write_text(SENTENCE)
    assert {one.path for one in everything(tmp_path) if isinstance(one, Article)} == set(names)
    (tmp_path / "ex\u200dample.txt").write_text(SENTENCE)
    assert sum(isinstance(one, Rejected) for one in everything(tmp_path)) == 1


def test_metadata_that_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(SENTENCE)
    os.mkfifo(tmp_path / "metadata.json")  # reading it would wait forever
    with pytest.raises(InputError, match="is not a regular file"):
        everything(tmp_path)


@pytest.mark.parametrize(
    "unit", [" ", "\n", "a", "0", ".", '"', "“", "- ", "A. ", ". #a", "(", "¿", "\u00a0", "中", "Mr. "]
)
def test_passages_of_100_kb_take_no_minute(unit: str) -> None:
    text = f"{SENTENCE} {unit * (100_000 // len(unit))} {SENTENCE}"
    began = time.process_time()
    assert passages(Article("a.txt", documents.short_blanks(text), ""))
    assert time.process_time() - began < 20
