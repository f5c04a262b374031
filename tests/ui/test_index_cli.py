"""The commands of `citewire index`, mostly in this process and with hashed words in the place of the embedder.

test_cli.py runs the same command as a process with the real embedder.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from commands import citewire, refused
from embedders import HashedWordsEmbedder

from citewire.index import build
from citewire.index.store import Index
from citewire.index.types import Vectors
from citewire.index.writer import Writer
from citewire.ui import engine

pytestmark = pytest.mark.slow  # processes, servers or real networks

TESTS = Path(__file__).resolve().parent.parent
INDEX = Path(".citewire/index")
REAL_EMBEDDER = engine.load_embedder


@pytest.fixture(autouse=True)
def hashed_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "load_embedder", lambda chosen: HashedWordsEmbedder())


@pytest.fixture
def news() -> Path:
    folder = Path("news")
    folder.mkdir()
    (folder / "bridge.txt").write_text("The bridge over the Lenn was closed in May.\n")
    (folder / "harbour.txt").write_text("The harbour of Ostmark opened on Monday.\n")
    entries = {
        "bridge.txt": {"title": "Bridge closed", "outlet": "The Courier", "published": "2024-05-02"},
        "harbour.txt": {"title": "Harbour opens", "outlet": "Ostmark Post"},
    }
    (folder / "metadata.json").write_text(json.dumps(entries))
    return folder


def index(*arguments: str) -> subprocess.CompletedProcess[str]:
    return citewire("index", *arguments)


def told(*arguments: str, code: int = 0) -> Any:
    done = index(*arguments, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def paths() -> list[str]:
    with Index.open(INDEX) as opened:
        return [article.path for article in opened.articles()]


class TestMirror:
    def test_the_table_says_what_became_of_each(self, news: Path) -> None:
        index("news")
        (news / "bridge.txt").unlink()
        (news / "harbour.txt").write_text("The harbour of Ostmark opened on Tuesday.\n")
        (news / "tower.txt").write_text("The tower stands.\n")
        (news / "empty.txt").touch()
        (news / "metadata.json").unlink()

        done = index("news")

        assert done.returncode == 2
        shown = [line.split() for line in done.stderr.splitlines()]
        assert ["harbour.txt", "changed", "1"] in shown
        assert ["bridge.txt", "removed", "1"] in shown
        assert ["tower.txt", "new", "1"] in shown
        assert ["news/empty.txt", "is", "empty", "Add", "the", "text,", "or", "remove", "the", "file"] in shown
        assert "1 new, 1 changed, 0 unchanged, 1 removed, 1 left out" in done.stderr

    def test_what_is_odd_about_an_article_is_told(self, news: Path) -> None:
        (news / "cafe.txt").write_bytes("It’s the café of Herr Müller.".encode("cp1252"))
        (news / "de.txt").write_text("Der Minister sagte am Montag, die Gespräche seien beendet.")
        assert told("news")["notes"] == [
            {"path": "cafe.txt", "text": "is read as Windows-1252, as it is not UTF-8"},
            {"path": "de.txt", "text": "is in German; citewire reads English only"},
        ]

    def test_json_is_whole(self, news: Path) -> None:
        (news / "empty.txt").touch()
        first = told("news", code=2)
        assert first.pop("seconds") > 0
        assert first == {
            "index": ".citewire/index",
            "generation": 1,
            "published": True,
            "new": 2,
            "changed": 0,
            "unchanged": 0,
            "removed": 0,
            "changes": [
                {"path": "bridge.txt", "state": "new", "passages": 1, "embedded": True},
                {"path": "harbour.txt", "state": "new", "passages": 1, "embedded": True},
            ],
            "rejected": [
                {
                    "path": "news/empty.txt",
                    "reason": "is empty",
                    "fix": "Add the text, or remove the file",
                    "name": "empty.txt",
                },
            ],
            "passages": 2,
            "embedded": 2,
            "resumed": 0,
            "notes": [],
        }
        (news / "empty.txt").unlink()
        again = told("news")
        assert (again["unchanged"], again["embedded"], again["published"], again["changes"]) == (2, 0, False, [])

    def test_good_files_go_in_and_bad_ones_are_listed(self, news: Path) -> None:
        (news / "empty.txt").touch()
        (news / "binary.txt").write_bytes(bytes(range(256)) * 20)
        (news / "latin.txt").write_bytes("Die Brücke über die Lenn wurde geschlossen.".encode("latin-1"))

        done = index("news")
        assert done.returncode == 2
        assert "3 new" in done.stderr
        assert "latin.txt is read as Windows-1252, as it is not UTF-8" in " ".join(done.stderr.split())
        listed = [line.split()[0] for line in done.stderr.splitlines() if line.startswith("news/")]
        assert listed == [f"news/{name}.txt" for name in ("binary", "empty")]

    def test_articles_of_the_settings(self, news: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CITEWIRE_ARTICLES", "news")
        assert told()["new"] == 2

    def test_a_failure_leaves_the_index_as_it_was(self, news: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        index("news")
        before = {file: file.read_bytes() for file in INDEX.rglob("*") if file.is_file()}
        refused(index("gone"), "gone")
        monkeypatch.setattr(engine, "load_embedder", REAL_EMBEDDER)
        refused(index("news", "--embedder", "gone"), "gone")
        assert {file: file.read_bytes() for file in INDEX.rglob("*") if file.is_file()} == before

    def test_long_tables_are_cut(self, news: Path) -> None:
        for number in range(30):
            (news / f"report{number:02}.txt").write_text(f"Report {number}.")
            (news / f"empty{number:02}.txt").touch()
        done = index("news")
        assert len(re.findall(r"^\S+\.txt +new", done.stderr, re.MULTILINE)) == 20
        assert len(re.findall(r"^news/empty", done.stderr, re.MULTILINE)) == 20
        assert "... and 12 more, all with --json" in done.stderr
        assert "... and 10 more, all with --json" in done.stderr
        assert len(told("news", code=2)["rejected"]) == 30

    @pytest.mark.parametrize(
        "arguments",
        [["news"], ["--index", "ix", "news"], ["news", "--index=ix"], ["mirror", "news"], ["--json", "--", "news"]],
    )
    def test_every_order_of_words(self, news: Path, arguments: list[str]) -> None:
        done = index(*arguments)
        assert done.returncode == 0, done.stderr

    def test_a_command_after_flags_is_the_command(self, news: Path) -> None:
        index("--index", "list", "news")
        assert [article["path"] for article in told("--index", "list", "list")] == ["bridge.txt", "harbour.txt"]

    def test_a_folder_with_the_name_of_a_command(self, news: Path) -> None:
        news.rename("list")
        assert index("./list").returncode == 0
        assert paths() == ["bridge.txt", "harbour.txt"]

    def test_help_shows_flags_and_commands(self) -> None:
        shown = index("--help").stdout
        for words in ("--field NAME=COLUMN", "--watch", "--allow-web", "[PATH]..."):
            assert words in shown
        for command in ("mirror", "add", "remove", "status", "list", "verify", "repair"):
            assert f"\n  {command} " in shown
        assert "--watch" in index("news", "--help").stdout
        assert "--watch" not in index("list", "--help").stdout

    def test_ctrl_c_keeps_what_is_finished(self, news: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in range(6):
            (news / f"report{number}.txt").write_text(f"Report {number} says that all is well.")
        monkeypatch.setattr(build, "CHECKPOINT_PASSAGES", 3)

        class Interrupted(HashedWordsEmbedder):
            def embed(self, texts: Sequence[str]) -> Vectors:
                if self.calls >= 6:
                    signal.raise_signal(signal.SIGINT)
                return super().embed(texts)

        with monkeypatch.context() as patched:
            patched.setattr(engine, "load_embedder", lambda chosen: Interrupted())
            done = index("news")
        assert done.returncode == 130
        assert "Nothing that was stored is lost; the same command goes on from there" in done.stderr
        refused(index("list"), "there is no index")

        assert "6 passages were there from an interrupted run" in index("news").stderr
        assert told("status")["articles"] == 8

    def test_json_lines_with_columns_of_other_names(self) -> None:
        Path("wire.jsonl").write_text('{"words": "The bridge was closed.", "head": "Bridge", "id": "7"}\n')
        assert index("wire.jsonl", "--field", "text=words", "--field", "title=head").returncode == 0
        [article] = told("list")
        assert (article["title"], article["characters"]) == ("Bridge", 22)

    @pytest.mark.parametrize(
        ("field", "said"),
        [
            ("text", "'text' is not of the form NAME=COLUMN"),
            ("words=text", "'words' is no field of an article; these are: text, title, outlet"),
            ("text=", "'text' is given no column"),
        ],
    )
    def test_wrong_field(self, news: Path, field: str, said: str) -> None:
        refused(index("news", "--field", field), "from --field", said)

    def test_web_address_that_is_not_allowed(self) -> None:
        refused(index("https://example.org/story.html"), "https://example.org/story.html is a web address", "Allow")

    def test_web_address_that_is_allowed_is_asked_for(self) -> None:
        done = index("--allow-web", "http://127.0.0.1/story.html")
        assert done.returncode == 2
        assert "127.0.0.1" in done.stderr
        assert "is off" not in done.stderr

    def test_limit(self, news: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CITEWIRE_MAX_FILE_BYTES", "42")
        assert [left_out["path"] for left_out in told("news", code=2)["rejected"]] == ["news/bridge.txt"]

    def test_another_process_is_writing(self, news: Path) -> None:
        with Writer(INDEX):
            refused(index("news"), "another process is writing", "Wait")


class TestAdd:
    def test_adds_and_replaces_and_removes_nothing(self, news: Path) -> None:
        index("news")
        Path("late").mkdir()
        Path("late/harbour.txt").write_text("The harbour of Ostmark opened on Tuesday.")
        Path("late/tower.txt").write_text("The tower stands.")
        added = told("add", "late")
        assert (added["new"], added["changed"], added["removed"], added["passages"]) == (1, 1, 0, 3)
        assert paths() == ["bridge.txt", "harbour.txt", "tower.txt"]

    def test_nothing_named(self) -> None:
        refused(index("add"), "There are no articles to index")


class TestRemove:
    def test_removes_what_is_named(self, news: Path) -> None:
        index("news")
        done = index("remove", "bridge.txt")
        assert done.returncode == 0
        assert re.fullmatch(r"citewire: merging\ncitewire: \.citewire/index: generation \d, 1 removed\n", done.stderr)
        assert paths() == ["harbour.txt"]
        assert told("remove", "harbour.txt", "harbour.txt")["removed"] == ["harbour.txt"]
        assert paths() == []

    def test_unknown_article(self, news: Path) -> None:
        index("news")
        refused(index("remove", "harbour.txt", "gone.txt"), "'gone.txt'", "citewire index list")
        assert paths() == ["bridge.txt", "harbour.txt"]

    def test_nothing_named(self) -> None:
        refused(index("remove"), "ARTICLE")


def index_on_a_terminal(command: str) -> list[str]:
    """Run a command as on a terminal; return each drawn line, without colours."""
    shown = citewire("index", command, FORCE_COLOR="1", TERM="xterm", COLUMNS="100").stderr
    return [line.strip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "\n").split("\n")]


class TestProgress:
    """A stage of more than two seconds shows its progress: a bar on a terminal, one line for each stage in a file."""

    @pytest.fixture
    def many(self) -> Path:
        folder = Path("many")
        folder.mkdir()
        for number in range(40):
            (folder / f"{number}.txt").write_text("\n\n".join(f"Sentence {n} of story {number}." for n in range(40)))
        return folder

    def test_bars_and_lines(self, many: Path) -> None:
        stages = {"many": ("reading", "embedding"), "verify": ("verifying",), "repair": ("verifying",)}
        for command, wanted in stages.items():
            drawn = index_on_a_terminal(command)
            for stage in wanted:
                bars = [line for line in drawn if line.startswith(f"{stage} ") and ("━" in line or "╸" in line)]
                assert bars, stage
                assert re.search(r" [\d.]+/[\d.?]+ .*\d:\d\d:\d\d", bars[-1])
        (many / "0.txt").write_text("Another one.")
        for command, wanted in stages.items():
            lines = [line.removeprefix("citewire: ") for line in index(command).stderr.splitlines()]
            assert [line for line in lines if line in ("reading", "embedding", "verifying")] == list(wanted)

    def test_it_never_stands_still_for_two_seconds_or_goes_back(self, many: Path) -> None:
        told: list[tuple[float, str, int, int]] = []
        started = time.process_time()
        build.build_index([many], INDEX, HashedWordsEmbedder(), lambda *step: told.append((time.process_time(), *step)))
        assert {stage for _, stage, _, _ in told} == {"reading", "embedding"}
        times = [started, *(at for at, *_ in told), time.process_time()]
        assert max(after - before for before, after in pairwise(times)) < 2
        for stage in ("reading", "embedding"):
            done = [(now, total) for _, one, now, total in told if one == stage]
            assert [now for now, _ in done] == sorted(now for now, _ in done)
            assert done[-1][0] == (40 if stage == "reading" else done[-1][1])


@pytest.mark.parametrize("command", [["remove", "a.txt"], ["status"], ["list"], ["verify"], ["repair"]])
def test_no_index(command: list[str]) -> None:
    refused(index(*command, "--index", "gone"), "there is no index in gone", "citewire index PATH --index gone")
    assert not Path("gone").exists()


class TestShow:
    def test_status(self, news: Path) -> None:
        (news / "copy.txt").write_text((news / "bridge.txt").read_text())
        index("news")
        found = told("status")
        assert (found["generation"], found["articles"], found["passages"], found["groups"]) == (1, 3, 3, 2)
        assert (found["outlets"], found["published_from"], found["undated"]) == (2, "2024-05-02", 2)
        shown = index("status").stdout
        assert re.search(r"^articles +3 \(2 that are no copy of another\) *$", shown, re.MULTILINE)
        assert re.search(r"^days +2024-05-02 to 2024-05-02; 2 articles without one *$", shown, re.MULTILINE)
        assert re.search(r"^on disk +\d.* in 1 segment *$", shown, re.MULTILINE)

    def test_list(self, news: Path) -> None:
        (news / "copy.txt").write_text((news / "bridge.txt").read_text())
        index("news")
        lines = index("list").stdout.splitlines()
        assert [line.split("  ")[0].strip() for line in lines] == [
            "article",
            "bridge.txt",
            "copy.txt",
            "harbour.txt",
        ]
        assert re.fullmatch(r"bridge\.txt +The Courier +2024-05-02 +Bridge closed +1 +2 *", lines[1])
        assert re.fullmatch(r"copy\.txt +“The bridge over the Lenn was closed in May…” +1 +2 *", lines[2])  # no title
        assert re.fullmatch(r"harbour\.txt +Ostmark Post +Harbour opens +1 +1 *", lines[3])

    @pytest.mark.parametrize(
        ("flags", "listed"),
        [
            (["--outlet", "the courier"], ["bridge.txt"]),
            (["--outlet", "The Courier", "--outlet", "Ostmark Post"], ["bridge.txt", "harbour.txt"]),
            (["--from", "2024-05-02", "--to", "2024-05-02"], ["bridge.txt"]),
            (["--from", "2024-05-03"], []),
            (["--to", "2024-05-01"], []),
            (["--to", "2024-05-02", "--outlet", "Ostmark Post"], []),
        ],
    )
    def test_filters(self, news: Path, flags: list[str], listed: list[str]) -> None:
        index("news")
        assert [article["path"] for article in told("list", *flags)] == listed

    @pytest.mark.parametrize("flag", ["--from", "--to"])
    def test_no_day(self, flag: str) -> None:
        refused(index("list", flag, "last May"), f"{flag} 'last May' is no day", "YYYY-MM-DD")


class TestDamage:
    @pytest.fixture
    def damaged(self, news: Path) -> Path:
        """An index of two segments; one byte of the newer segment is changed."""
        index("news")
        before = set(INDEX.glob("segments/*"))
        Path("late.txt").write_text("The tower stands.")
        index("add", "late.txt")
        [segment] = set(INDEX.glob("segments/*")) - before
        file = segment / "vectors.faiss"
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        return file

    def test_a_whole_index(self, news: Path) -> None:
        index("news")
        done = index("verify")
        assert (done.returncode, done.stdout) == (0, "")
        assert "generation 1 is as it was written, 2 files" in done.stderr
        assert told("verify")["problems"] == []
        assert "nothing is damaged" in index("repair").stderr

    def test_verify_names_the_file(self, damaged: Path) -> None:
        refused(index("verify"), str(damaged), "Run: citewire index repair --index .citewire/index")
        [problem] = told("verify", code=2)["problems"]
        assert str(damaged) in problem

    def test_repair_says_what_was_lost(self, damaged: Path) -> None:
        done = index("repair")
        assert done.returncode == 0
        for words in (str(damaged), "the articles of generation 1: 2", "1 articles were lost", "\nlate.txt"):
            assert words in done.stderr
        assert index("verify").returncode == 0
        assert paths() == ["bridge.txt", "harbour.txt"]

    def test_repair_as_json(self, damaged: Path) -> None:
        repaired = told("repair")
        assert (repaired["restored"], repaired["generation"], repaired["articles"]) == (1, 3, 2)
        assert (repaired["lost"], repaired["lost_count"]) == (["late.txt"], 1)


class Watching:
    """`citewire index ARGUMENTS --watch` as a process, with the real notifications and hashed words."""

    PROGRAM = (
        "import sys; sys.path.insert(0, sys.argv.pop(1))\n"
        "from embedders import HashedWordsEmbedder\n"
        "from citewire.ui import cli, engine\n"
        "engine.load_embedder = lambda chosen: HashedWordsEmbedder()\n"
        "cli.main()"
    )

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-c", self.PROGRAM, str(TESTS), "index", *arguments, "--watch"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.watchdog = threading.Timer(120, self.process.kill)
        self.watchdog.start()

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *_: object) -> None:
        self.watchdog.cancel()
        self.process.kill()
        self.process.communicate()

    def says(self, words: str) -> list[str]:
        """Return the lines up to the first one with `words`, inclusive."""
        assert self.process.stderr is not None
        lines: list[str] = []
        for line in self.process.stderr:
            lines.append(line.removesuffix("\n"))
            if words in line:
                return lines
        raise AssertionError((words, lines))

    def interrupt(self) -> tuple[str, str]:
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate()


class TestWatch:
    def test_follows_the_folder_until_ctrl_c(self, news: Path) -> None:
        metadata = (news / "metadata.json").read_text()
        with Watching("news", "--index", "news/ix") as watching:
            assert "2 new" in watching.says("watching news; Ctrl-C ends")[-2]
            (news / "tower.txt").write_text("The tower stands.")
            assert watching.says("tower") == ["citewire: new: tower.txt, 1 passages"]
            (news / "tower.txt").write_text("The tower leans.")
            assert watching.says("tower") == ["citewire: changed: tower.txt, 1 passages"]
            (news / "empty.txt").touch()
            assert watching.says("empty")[-1].startswith("citewire: left out: news/empty.txt is empty. ")
            (news / "tower.txt").unlink()
            assert watching.says("tower") == ["citewire: removed: tower.txt, 1 passages"]
            (news / "empty.txt").unlink()
            (news / "metadata.json").write_text("{")  # half edited
            assert "news/metadata.json is not valid JSON" in watching.says("metadata.json")[-1]
            (news / "metadata.json").write_text(metadata.replace("Bridge closed", "Bridge shut"))
            assert watching.says("bridge") == ["citewire: changed: bridge.txt, 1 passages"]
            assert watching.interrupt() == ("", "citewire: no longer watching. What is finished is kept.\n")
        assert watching.process.returncode == 0

    def test_waits_for_another_writer(self, news: Path) -> None:
        with Writer(INDEX):
            watching = Watching("news")
            assert "another process is writing" in watching.says("another process")[-1]
        with watching:
            assert "2 new" in watching.says("2 new")[-1]
            watching.interrupt()
        assert watching.process.returncode == 0

    def test_json_is_one_line_a_run(self, news: Path) -> None:
        with Watching("add", "news", "--json") as watching:
            watching.says("watching")
            (news / "bridge.txt").unlink()
            (news / "metadata.json").unlink()
            (news / "tower.txt").write_text("The tower stands.")
            assert watching.process.stdout is not None
            runs = [json.loads(watching.process.stdout.readline()) for _ in range(2)]
            watching.interrupt()
        assert (runs[0]["new"], runs[0]["generation"]) == (2, 1)
        assert {(change["path"], change["state"]) for change in runs[1]["changes"]} == {
            ("harbour.txt", "changed"),
            ("tower.txt", "new"),
        }

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            ("gone", "there is no gone"),
            ("https://example.org/a.html", "is a web address and cannot be watched"),
        ],
    )
    def test_what_is_wrong_from_the_start_ends_it(self, source: str, said: str) -> None:
        refused(index(source, "--watch", "--allow-web"), said)
