"""A few faults of each kind in faults.py; benchmarks/faults.py tries more of them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np
import pytest
from conftest import company_news, untraced
from embedders import HashedWordsEmbedder

from citewire.index import build
from citewire.index.build import build_index
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.maintenance import repair
from citewire.index.store import Index

pytestmark = pytest.mark.slow  # hundreds of killed processes and broken disks

TESTS = Path(__file__).resolve().parent.parent


Faults = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def faults() -> Iterator[Faults]:
    """Yield a function that runs faults of a kind and returns how many were tried and survived, and which were not."""
    # Without coverage: thousands of forks would each write a data file.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    command = [sys.executable, str(TESTS / "faults.py")]
    with subprocess.Popen(command, env=environment, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, told = process.stdin, process.stdout

        def ask(kind: str, *more: str, **options: object) -> dict[str, Any]:
            arguments = [kind, *more, *(f"--{name}={value}" for name, value in options.items())]
            try:
                print(json.dumps(arguments), file=asked, flush=True)
                how, tally = json.loads(told.readline())
            except BaseException:  # the process hangs or has died
                process.kill()
                raise
            assert how == "ended", tally
            counts: dict[str, Any] = tally
            return counts

        yield ask


def assert_survived(faults: Faults, kind: str, at_least: int, **options: object) -> None:
    tally = faults(kind, **options)
    assert tally["broken"] == []
    assert tally["tried"] == tally["survived"] >= at_least


# -- nothing is lost, nothing is half written ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "every", "at_least"),
    [("first", 2, 15), ("extend", 3, 10), ("merge", 2, 15), ("remove", 5, 8), ("build", 34, 4)],
)
def test_a_kill_leaves_the_old_or_the_new_generation(faults: Faults, scenario: str, every: int, at_least: int) -> None:
    assert_survived(faults, "kill", at_least, scenario=scenario, every=every)


@pytest.mark.parametrize(("scenario", "count"), [("first", 20), ("extend", 20), ("merge", 20), ("build", 8)])
def test_a_power_cut_leaves_the_old_or_the_new_generation(faults: Faults, scenario: str, count: int) -> None:
    assert_survived(faults, "power cut", count, scenario=scenario, count=count)


@pytest.mark.parametrize(("scenario", "every", "at_least"), [("first", 4, 8), ("merge", 4, 8), ("build", 47, 4)])
def test_a_full_disk_is_told_and_survived(faults: Faults, scenario: str, every: int, at_least: int) -> None:
    assert_survived(faults, "full disk", at_least, scenario=scenario, every=every)


@pytest.mark.parametrize(("scenario", "every", "at_least"), [("first", 4, 15), ("merge", 5, 15), ("build", 67, 4)])
def test_a_broken_disk_is_told_and_survived(faults: Faults, scenario: str, every: int, at_least: int) -> None:
    assert_survived(faults, "broken disk", at_least, scenario=scenario, every=every)


@pytest.mark.parametrize(("scenario", "count"), [("first", 12), ("merge", 8)])
def test_sqlite_and_faiss_tell_of_a_write_that_fails(faults: Faults, scenario: str, count: int) -> None:
    assert_survived(faults, "file size", count, scenario=scenario, count=count)


@pytest.mark.parametrize("file", ["CURRENT", "manifest", "segment.json", "vectors.faiss", "passages.db"])
def test_damage_is_named_and_repaired_and_only_what_was_lost_is_embedded_again(faults: Faults, file: str) -> None:
    assert_survived(faults, "damage", 6, scenario=file, count=6)


def test_a_repair_that_is_killed_can_be_repeated(faults: Faults) -> None:
    assert_survived(faults, "kill repair", 15)


def test_a_second_writer_waits_for_the_first_or_its_death(faults: Faults) -> None:
    assert_survived(faults, "second writer", 5, count=5)


def test_readers_see_whole_generations_in_order_during_a_hundred_publications(faults: Faults) -> None:
    assert_survived(faults, "readers", 50, count=100)


@pytest.mark.parametrize("kind", ["interrupt", "kill and resume"])
def test_an_interrupted_build_is_taken_up(faults: Faults, kind: str) -> None:
    assert_survived(faults, kind, 5)


# -- mutations: these tests can fail -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "mutation"),
    [
        ("power cut", "no sync"),
        ("power cut", "no sync of files"),
        ("power cut", "no sync of folders"),
        ("power cut", "replaced in place"),
        ("power cut", "CURRENT first"),
        ("kill", "replaced in place"),
        ("kill", "CURRENT first"),
    ],
)
def test_what_makes_publishing_safe_is_missed_where_it_is_taken_out(faults: Faults, kind: str, mutation: str) -> None:
    assert len(faults(kind, "--stop", mutation=mutation, count=200)["broken"]) == 1


# -- the real thing: a process with its readers, files on the disk -------------------------------------------

BUILD = """
import os, signal, sys
from pathlib import Path
from embedders import HashedWordsEmbedder
from citewire.index import build

class Struck(HashedWordsEmbedder):
    def embed(self, texts):
        if self.calls >= int(sys.argv[4]):
            os.kill(os.getpid(), getattr(signal, sys.argv[3]))
        return super().embed(texts)

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell
build.CHECKPOINT_PASSAGES = 4
build.build_index([Path(sys.argv[1])], Path(sys.argv[2]), Struck())
"""


@pytest.fixture
def news(tmp_path: Path) -> Path:
    return company_news(tmp_path, "abcdefghij")


def build_struck(news: Path, folder: Path, how: str, after: int) -> subprocess.CompletedProcess[str]:
    """Build in a process that receives signal `how` after it has embedded `after` passages."""
    command = [sys.executable, "-c", BUILD, str(news), str(folder), how, str(after)]
    environment = untraced() | {"PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_a_build_that_dies_while_embedding_goes_on_where_it_was(
    news: Path, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "CHECKPOINT_PASSAGES", 4)
    folder, embedder = tmp_path / "index", HashedWordsEmbedder()
    done = build_struck(news, folder, how, 8)
    assert done.returncode == -getattr(signal, how), done.stderr
    assert not (folder / "CURRENT").exists()
    report = build_index([news], folder, embedder)
    assert (report.new, report.passages, report.embedded, report.resumed, embedder.calls) == (10, 20, 12, 8, 12)
    build_index([news], tmp_path / "fresh", HashedWordsEmbedder())
    with Index.open(folder, embedder) as index, Index.open(tmp_path / "fresh", embedder) as fresh:
        entries = {entry.article.path: entry for entry in fresh.entries()}
        assert len(entries) == 10
        for entry in index.entries():
            same = entries.pop(entry.article.path)
            assert dataclasses.replace(entry, vectors=same.vectors) == same
            assert np.array_equal(entry.vectors, same.vectors)
        assert entries == {}


def test_a_build_that_dies_leaves_the_previous_generation(news: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build_index([news], folder, HashedWordsEmbedder())
    for name in "abcdef":
        (news / f"{name}.txt").write_text("Nobody said anything. " * 30)
    assert build_struck(news, folder, "SIGKILL", 4).returncode == -signal.SIGKILL
    with Index.open(folder) as index:
        assert index.generation == 1
        assert index.article("a.txt").text.startswith("The a company said so.")


def test_ctrl_c_before_anything_was_finished_leaves_nothing(news: Path, tmp_path: Path) -> None:
    assert build_struck(news, tmp_path / "index", "SIGINT", 0).returncode == -signal.SIGINT
    assert not (tmp_path / "index").exists()


# -- indexes of other formats --------------------------------------------------------------------------------


def test_segments_of_an_earlier_format_are_not_taken_for_an_interrupted_run(
    news: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, embedder = tmp_path / "index", HashedWordsEmbedder()
    with monkeypatch.context() as earlier:
        earlier.setattr("citewire.index.manifest.FORMAT_VERSION", 2)
        earlier.setattr("citewire.index.segment.SEGMENT_VERSION", 1)
        build_index([news], folder, embedder)
        (segment,) = (folder / "segments").iterdir()
    database = sqlite3.connect(segment / "passages.db")
    database.execute("ALTER TABLE articles DROP COLUMN characters")  # like an old layout that is no longer readable
    database.close()
    report = build_index([news], folder, embedder)
    assert (report.generation, report.new, report.resumed, report.embedded) == (2, 10, 0, 20)
    with Index.open(folder, embedder) as index:
        assert len(index.articles()) == 10


def test_an_index_of_the_first_format_is_refused_kept_and_built_anew(news: Path, tmp_path: Path) -> None:
    folder, embedder = tmp_path / "index", HashedWordsEmbedder()
    build_index([news], folder, embedder)
    (segment,) = (folder / "segments").iterdir()
    (segment / "segment.json").unlink()  # format 1 did not have it
    for manifest in (folder / "manifests").iterdir():
        manifest.unlink()
    fields = {"format": 1, "generation": 1, "embedder": embedder.fingerprint, "segment": segment.name}
    data = json.dumps(fields).encode()
    sha256 = hashlib.sha256(data).hexdigest()
    name = f"0000000001-{sha256[:16]}.json"
    (folder / "manifests" / name).write_bytes(data)
    (folder / "CURRENT").write_text(json.dumps({"manifest": name, "sha256": sha256}))
    files = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    with pytest.raises(IndexFormatError, match="has format 1, this citewire reads 4") as caught:
        Index.open(folder, embedder)
    assert caught.value.fix == f"Index the articles again: citewire index PATH --index {folder}"
    with pytest.raises(InputError, match="has format 1"):
        repair(folder)
    assert build_struck(news, folder, "SIGKILL", 0).returncode == -signal.SIGKILL
    assert {file: file.read_bytes() for file in files} == files  # the old version can still read it
    report = build_index([news], folder, embedder)
    assert (report.generation, report.published, report.embedded) == (2, True, 20)
    with Index.open(folder, embedder) as index:
        assert len(index.articles()) == 10
