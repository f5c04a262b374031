from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from conftest import company_news
from embedders import HashedWordsEmbedder

from citewire.index.address import Location
from citewire.index.build import BuildReport, build_index
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.segment import Entry
from citewire.index.store import Index

pytestmark = pytest.mark.slow  # processes, servers or real networks


@pytest.fixture
def news(tmp_path: Path) -> Path:
    return company_news(tmp_path, "abc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture(params=["folder", "PostgreSQL"])
def where(request: pytest.FixtureRequest, folder: Path) -> Location:
    """An index that is not there yet."""
    if request.param == "folder":
        return folder
    database: Location = request.getfixturevalue("postgres").database()
    return database


def counts(report: BuildReport) -> tuple[int, int, int, int]:
    return report.new, report.changed, report.unchanged, report.removed


def state(where: Location) -> tuple[int, list[tuple[str, str]]]:
    with Index.open(where, HashedWordsEmbedder()) as index:
        return index.generation, [(article.path, article.sha256) for article in index.articles()]


def by_path(index: Index) -> dict[str, Entry]:
    return {entry.article.path: entry for entry in index.entries()}


def test_a_first_build_embeds_everything(news: Path, where: Location) -> None:
    seen: list[tuple[str, int, int]] = []
    (news / "bad.txt").write_bytes(b"\0")
    report = build_index([news], where, HashedWordsEmbedder(), lambda *step: seen.append(step))
    assert counts(report) == (3, 0, 0, 0)
    assert (report.generation, report.published, report.passages, report.embedded) == (1, True, 6, 6)
    assert [rejected.path for rejected in report.rejected] == [str(news / "bad.txt")]
    assert seen == [*(("reading", n, 0) for n in (1, 2, 3, 4)), ("embedding", 0, 6), ("embedding", 6, 6)]
    assert [(c.path, c.state, c.passages, c.embedded) for c in report.changes] == [
        (f"{name}.txt", "new", 2, True) for name in "abc"
    ]
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


def test_only_what_changed_is_embedded_and_the_rest_keeps_its_vectors(
    news: Path, where: Location, tmp_path: Path
) -> None:
    build_index([news], where, HashedWordsEmbedder())
    (news / "a.txt").unlink()
    (news / "b.txt").write_text("Another text.")
    (news / "d.txt").write_text("A new text.")
    (news / "c.txt").rename(news / "moved.txt")
    embedder = HashedWordsEmbedder()
    report = build_index([news], where, embedder)
    assert counts(report) == (2, 1, 0, 2)  # the renamed c counts as removed and new, but keeps its vectors
    assert (report.generation, report.passages, report.embedded, embedder.calls) == (2, 4, 2, 2)
    build_index([news], tmp_path / "fresh", HashedWordsEmbedder())
    with Index.open(where, embedder) as index, Index.open(tmp_path / "fresh", embedder) as fresh:
        stored, expected = by_path(index), by_path(fresh)
        assert stored.keys() == expected.keys() == {"b.txt", "d.txt", "moved.txt"}
        for path, entry in stored.items():
            assert entry.article == dataclasses.replace(expected[path].article, group=entry.article.group)
            assert entry.passages == expected[path].passages
            assert np.array_equal(entry.vectors, expected[path].vectors)


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


def test_adding_removes_nothing_and_replaces_what_is_read_again(news: Path, folder: Path, tmp_path: Path) -> None:
    build_index([news], folder, HashedWordsEmbedder())
    more = tmp_path / "more"
    more.mkdir()
    (more / "b.txt").write_text("The b company is closed.")
    (more / "z.txt").write_text("A last one.")
    report = build_index([more], folder, HashedWordsEmbedder(), mirror=False)
    assert counts(report) == (1, 1, 0, 0)
    assert (report.generation, report.passages, report.embedded) == (
        3,
        6,
        2,
    )
    with Index.open(folder, HashedWordsEmbedder()) as index:
        assert [article.path for article in index.articles()] == ["a.txt", "b.txt", "c.txt", "z.txt"]
        assert index.article("b.txt").text == "The b company is closed."
        assert index.passages == 6
    again = build_index([more], folder, HashedWordsEmbedder(), mirror=False)
    assert (counts(again), again.published, again.generation) == ((0, 0, 2, 0), False, 3)


def test_a_rename_moves_the_article_and_embeds_nothing(news: Path, where: Location) -> None:
    build_index([news], where, HashedWordsEmbedder())
    (news / "a.txt").rename(news / "z.txt")
    report = build_index([news], where, HashedWordsEmbedder())
    assert (counts(report), report.embedded) == ((1, 0, 2, 1), 0)
    assert [(c.path, c.state, c.embedded) for c in report.changes] == [
        ("a.txt", "removed", False),
        ("z.txt", "new", False),
    ]


def test_dates_and_copies_are_stored_with_the_article(tmp_path: Path, where: Location) -> None:
    news = tmp_path / "wire"
    news.mkdir()
    story = "The council of Lima voted on Monday to close the old port, and the mayor signed the law last month. " * 3
    (news / "first.txt").write_text(f"Published on June 25, 2025\n\n{story}")
    (news / "copy.txt").write_text(f"Published on June 26, 2025\n\n{story}")
    (news / "other.txt").write_text("A ship with grain from Odesa reached Egypt. Its crew is well, said its owner.")
    build_index([news], where, HashedWordsEmbedder())
    with Index.open(where, HashedWordsEmbedder()) as index:
        first, copy, other = (index.article(f"{name}.txt") for name in ("first", "copy", "other"))
        assert (first.published, copy.published, other.published) == ("2025-06-25", "2025-06-26", "")
        assert first.group == copy.group != other.group
        said = {first.text[date.start : date.end]: (date.first, date.last) for date in first.dates}
        assert said["last month"] == ("2025-05-01", "2025-05-31")
        assert said["Monday"] == ("2025-06-23", "2025-06-23")
        assert other.dates == ()


def test_an_article_whose_file_cannot_be_read_any_more_stays(news: Path, where: Location) -> None:
    build_index([news], where, HashedWordsEmbedder())
    (news / "a.txt").write_bytes(b"\0")
    (news / "b.txt").unlink()
    report = build_index([news], where, HashedWordsEmbedder())
    assert counts(report) == (0, 0, 1, 1)
    assert [rejected.name for rejected in report.rejected] == ["a.txt"]
    with Index.open(where, HashedWordsEmbedder()) as index:
        assert [article.path for article in index.articles()] == ["a.txt", "c.txt"]
        assert index.article("a.txt").text.startswith("The a company")


def test_a_damaged_segment_costs_only_its_own_articles(news: Path, folder: Path) -> None:
    build_index([news], folder, HashedWordsEmbedder())
    (news / "d.txt").write_text("A new text.")
    build_index([news], folder, HashedWordsEmbedder())
    with Index.open(folder) as index:
        damaged = folder / "segments" / index.parts[1].info.name / "passages.db"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(IndexFormatError, match=r"is damaged\. Run: citewire index repair"):
        build_index([news / "a.txt"], folder, HashedWordsEmbedder(), mirror=False)
    report = build_index([news], folder, HashedWordsEmbedder())
    assert (report.published, report.embedded, report.passages) == (True, 1, 7)
    assert state(folder)[0] == 3
