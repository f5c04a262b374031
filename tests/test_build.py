from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from embedders import HashedWordsEmbedder

from citewire.index.build import BuildReport, build_index
from citewire.index.errors import InputError
from citewire.index.store import Index

TESTS = Path(__file__).resolve().parent


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """Three articles of two passages each."""
    folder = tmp_path / "news"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.txt").write_text(f"The {name} company said so. " * 30)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def counts(report: BuildReport) -> tuple[int, int, int, int]:
    return report.new, report.changed, report.unchanged, report.removed


def state(folder: Path) -> tuple[int, list[tuple[str, str]]]:
    with Index.open(folder, HashedWordsEmbedder()) as index:
        return index.generation, [(article.path, article.sha256) for article in index.articles()]


def test_a_first_build_embeds_everything(news: Path, folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    (news / "bad.txt").write_bytes(b"\0")
    report = build_index([news], folder, HashedWordsEmbedder(), lambda done, total: seen.append((done, total)))
    assert counts(report) == (3, 0, 0, 0)
    assert (report.generation, report.published, report.passages, report.embedded) == (1, True, 6, 6)
    assert [rejected.path for rejected in report.rejected] == [str(news / "bad.txt")]
    assert seen == [(0, 6), (6, 6)]
    assert report.seconds > 0


def test_nothing_changed_nothing_published(news: Path, folder: Path) -> None:
    build_index([news], folder, HashedWordsEmbedder())
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}
    embedder = HashedWordsEmbedder()
    report = build_index([news], folder, embedder)
    assert counts(report) == (0, 0, 3, 0)
    assert (report.generation, report.published, report.passages, report.embedded) == (1, False, 6, 0)
    assert embedder.calls == 0
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()} == before


def test_only_what_changed_is_embedded_and_the_rest_keeps_its_vectors(news: Path, folder: Path) -> None:
    build_index([news], folder, HashedWordsEmbedder())
    (news / "a.txt").unlink()
    (news / "b.txt").write_text("Another text.")
    (news / "d.txt").write_text("A new text.")
    (news / "c.txt").rename(news / "moved.txt")
    embedder = HashedWordsEmbedder()
    report = build_index([news], folder, embedder)
    assert counts(report) == (2, 1, 0, 2)  # c moved: removed and new, and yet not embedded again
    assert (report.generation, report.passages, report.embedded, embedder.calls) == (2, 4, 2, 2)
    build_index([news], folder.with_name("fresh"), HashedWordsEmbedder())
    with Index.open(folder, embedder) as index, Index.open(folder.with_name("fresh"), embedder) as fresh:
        rows = range(index.passages)
        assert index.fetch(rows) == fresh.fetch(rows)
        assert index.articles() == fresh.articles()
        assert np.array_equal(index._vectors_at(rows), fresh._vectors_at(rows))
        assert index.search_bm25('"company" OR "text"', 9) == fresh.search_bm25('"company" OR "text"', 9)


def test_new_metadata_is_a_change(news: Path, folder: Path) -> None:
    build_index([news], folder, HashedWordsEmbedder())
    (news / "metadata.json").write_text('{"a.txt": {"title": "New title"}}')
    assert counts(build_index([news], folder, HashedWordsEmbedder())) == (0, 1, 2, 0)
    with Index.open(folder, HashedWordsEmbedder()) as index:
        assert index.article("a.txt").title == "New title"


def test_another_embedder_builds_everything_anew(news: Path, folder: Path) -> None:
    build_index([news], folder, HashedWordsEmbedder())
    other = HashedWordsEmbedder(64, name="other")
    report = build_index([news], folder, other)
    assert (counts(report), report.generation, report.embedded) == ((3, 0, 0, 0), 2, 6)
    with Index.open(folder, other) as index:
        assert index.passages == 6


def test_a_damaged_index_is_built_anew(news: Path, folder: Path) -> None:
    build_index([news], folder, HashedWordsEmbedder())
    next(folder.rglob("vectors.faiss")).write_bytes(b"")
    assert build_index([news], folder, HashedWordsEmbedder()).generation == 2
    assert state(folder)[0] == 2


def test_bad_input_makes_no_folder(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InputError):
        build_index([tmp_path / "nowhere"], folder, HashedWordsEmbedder())
    assert not folder.exists()


# -- interrupted and killed, in a process of its own ---------------------------------------------------------

BUILD = """
import os, signal, sys
from pathlib import Path
from citewire.index.build import build_index
from embedders import HashedWordsEmbedder

how, at = getattr(signal, sys.argv[3]), int(sys.argv[4])
count = 0

def strike():
    global count
    count += 1
    if count == at:
        os.kill(os.getpid(), how)

for name in sys.argv[5:]:
    def struck(*arguments, _original=getattr(os, name), **options):
        strike()
        return _original(*arguments, **options)
    setattr(os, name, struck)

class Struck(HashedWordsEmbedder):
    def embed(self, texts):
        if not sys.argv[5:]:
            strike()
        return super().embed(texts)

build_index([Path(sys.argv[1])], Path(sys.argv[2]), Struck())
"""


def build_struck(news: Path, folder: Path, how: str, at: int, *calls: str) -> subprocess.CompletedProcess[str]:
    """Build in a process that gets signal `how` at the `at`-th of the os calls named, or embedding."""
    command = [sys.executable, "-c", BUILD, str(news), str(folder), how, str(at), *calls]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_a_build_that_dies_while_embedding_leaves_the_previous_generation(news: Path, folder: Path, how: str) -> None:
    build_index([news], folder, HashedWordsEmbedder())
    before = state(folder)
    for number in range(200):
        (news / f"more{number}.txt").write_text(f"Article {number} says more.")
    done = build_struck(news, folder, how, 3)
    assert done.returncode == -getattr(signal, how), done.stderr
    assert state(folder) == before
    assert counts(build_index([news], folder, HashedWordsEmbedder())) == (200, 0, 3, 0)


@pytest.mark.parametrize("how", ["SIGINT", "SIGKILL"])
def test_a_build_that_dies_at_any_step_of_publishing_leaves_a_whole_generation(
    news: Path, folder: Path, how: str
) -> None:
    build_index([news], folder, HashedWordsEmbedder())
    before = state(folder)
    at = 1
    while True:
        (news / "a.txt").write_text(f"Version {at}.")
        done = build_struck(news, folder, how, at, "fsync", "replace", "mkdir", "unlink")
        generation, articles = state(folder)
        if done.returncode == 0:
            break
        assert done.returncode == -getattr(signal, how), done.stderr
        assert generation - before[0] in (0, 1)
        assert (generation, articles) == before or articles[0] != before[1][0]
        before = generation, articles
        at += 1
    assert at > 10
    assert generation == before[0] + 1
    left = {path.name for path in folder.rglob("*") if path.is_file()}
    assert not {name for name in left if name.endswith(".tmp")}
    assert len(list((folder / "segments").iterdir())) == 2


def test_ctrl_c_in_a_first_build_leaves_nothing_half_written(news: Path, folder: Path) -> None:
    assert build_struck(news, folder, "SIGINT", 1).returncode == -signal.SIGINT
    assert not (folder / "CURRENT").exists()
    assert list((folder / "segments").iterdir()) == []
    assert build_index([news], folder, HashedWordsEmbedder()).generation == 1
