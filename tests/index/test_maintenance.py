from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from embedders import HashedWordsEmbedder

from citewire.index.errors import IndexFormatError, InputError
from citewire.index.maintenance import Repair, Status, remove, repair, status, verify
from citewire.index.manifest import MADE_BY, Part
from citewire.index.passages import embedded_text, passages
from citewire.index.segment import Entry
from citewire.index.store import Index
from citewire.index.types import Article
from citewire.index.writer import Writer

EMBEDDER = HashedWordsEmbedder(64)
A = Article("a.txt", "Peru voted.", "a" * 64, outlet="Andina", published="2024-02-01", source="a1", group="g1")
B = Article("b.txt", "Peru voted again.", "b" * 64, outlet="Andina", published="2024-01-05", source="b1", group="g1")
C = Article("c.txt", "Rain fell. " * 60, "c" * 64, outlet="Wire", source="c1", group="g2")
D = Article("d.txt", "A ship left.", "d" * 64, source="d1", group="g3")


def written(writer: Writer, *articles: Article) -> Part:
    with writer.segment(EMBEDDER) as segment:
        for article in articles:
            pieces = passages(article)
            vectors = EMBEDDER.embed([embedded_text(article, passage) for passage in pieces])
            segment.add(Entry(article, b"signature", pieces, vectors))
        return Part(segment.finish())


def put(folder: Path, *articles: Article, dead: frozenset[int] = frozenset()) -> int:
    """Publish the current segments, with `dead` articles in the first, and a new segment."""
    with Writer(folder) as writer:
        parts = writer.current(EMBEDDER)
        parts[:1] = [Part(part.info, part.dead | dead) for part in parts[:1]]
        return writer.publish([*parts, written(writer, *articles)], embedder=EMBEDDER.fingerprint)


@pytest.fixture(autouse=True)
def unmerged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citewire.index.writer.DEAD_SHARE", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of two generations: a and b in one segment, then c in another."""
    put(tmp_path / "index", A, B)
    put(tmp_path / "index", C)
    return tmp_path / "index"


def paths(folder: Path) -> list[str]:
    with Index.open(folder, EMBEDDER) as index:
        return [article.path for article in index.articles()]


def manifests(folder: Path) -> list[Path]:
    return sorted((folder / "manifests").iterdir())


def segments(folder: Path) -> list[Path]:
    """The segment folders of the newest manifest, in its order."""
    fields = json.loads(manifests(folder)[-1].read_text())
    return [folder / "segments" / part["info"]["name"] for part in fields["parts"]]


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


# -- status --------------------------------------------------------------------------------------------------


def test_status_counts_what_is_alive(folder: Path) -> None:
    put(folder, dataclasses.replace(A, text="Peru voted anew.", outlet="Wire", source="a2"), D, dead=frozenset({0}))
    long = len(passages(C))
    assert long == 2
    sizes = sum((segment / name).stat().st_size for segment in segments(folder) for name in store_files(segment))
    assert status(folder) == Status(
        generation=3,
        embedder=EMBEDDER.fingerprint,
        chunker=MADE_BY,
        articles=4,
        passages=3 + long,
        groups=3,
        outlets=2,
        published_from="2024-01-05",
        published_to="2024-02-01",
        undated=2,
        dead=1,
        segments=3,
        bytes=sizes,
        recall=1.0,
        unfinished=0,
    )


def store_files(segment: Path) -> list[str]:
    return list(json.loads((segment / "segment.json").read_text())["files"])


def test_status_tells_of_an_unfinished_run(folder: Path) -> None:
    with Writer(folder) as writer:
        written(writer, D, dataclasses.replace(C, path="e.txt"))
    found = status(folder)
    assert (found.generation, found.articles, found.unfinished) == (2, 3, 3)


def test_status_without_an_index_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no index in"):
        status(tmp_path)


# -- remove --------------------------------------------------------------------------------------------------


def test_removed_articles_are_gone_and_the_others_stay(folder: Path) -> None:
    put(folder, D)
    assert remove(folder, ["d.txt", "a.txt", "a.txt"]) == (4, ("d.txt", "a.txt"))
    assert paths(folder) == ["b.txt", "c.txt"]
    with Index.open(folder, EMBEDDER) as index:
        assert index.article("b.txt") == B
        with pytest.raises(InputError, match=r"no article 'a\.txt'"):
            index.article("a.txt")
        assert [index.fetch([row])[0].article for row, _ in index.search_bm25(["peru"], 9)] == ["b.txt"]


def test_all_below_a_folder_is_removed_and_nothing_that_only_begins_like_it(folder: Path) -> None:
    added = ("news/x.txt", "news/y/z.txt", "news.txt", "news0/x.txt")
    put(folder, *(dataclasses.replace(D, path=path) for path in added))
    assert sorted(remove(folder, ["news/"])[1]) == ["news/x.txt", "news/y/z.txt"]
    assert paths(folder) == ["a.txt", "b.txt", "c.txt", "news.txt", "news0/x.txt"]
    with pytest.raises(InputError, match="the index has no article 'news/'"):
        remove(folder, ["news/"])


def test_the_last_article_may_go(folder: Path) -> None:
    remove(folder, ["a.txt", "b.txt", "c.txt"])
    with Index.open(folder, EMBEDDER) as index:
        assert (index.passages, index.articles()) == (0, [])
        assert index.search_dense(EMBEDDER.embed(["peru"])[0], 5) == []
        assert index.search_bm25(["peru"], 5) == []
    found = status(folder)
    assert (found.generation, found.articles, found.published_from, found.recall) == (3, 0, "", 1.0)
    assert verify(folder).problems == ()
    put(folder, D)
    assert paths(folder) == ["d.txt"]


def test_an_unknown_article_removes_nothing(folder: Path) -> None:
    with pytest.raises(InputError, match=r"the index has no article 'x\.txt'"):
        remove(folder, ["a.txt", "x.txt"])
    assert paths(folder) == ["a.txt", "b.txt", "c.txt"]


def test_removing_tells_how_far_merging_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citewire.index.writer.DEAD_SHARE", 0.25)
    seen: list[tuple[str, int, int]] = []
    remove(folder, ["a.txt"], lambda *step: seen.append(step))
    assert seen == [("merging", 1, 2)]  # a passage is left of two
    assert paths(folder) == ["b.txt", "c.txt"]


def test_removing_from_no_index_makes_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no index"):
        remove(tmp_path / "new", ["a.txt"])
    assert not (tmp_path / "new").exists()


def test_removing_keeps_what_an_interrupted_run_finished(folder: Path) -> None:
    with Writer(folder) as writer:
        written(writer, D)
    remove(folder, ["a.txt"])
    assert status(folder).unfinished == 1


# -- verify --------------------------------------------------------------------------------------------------


def test_verify_reads_every_byte_and_tells_how_far_it_is(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = verify(folder, lambda done, total: seen.append((done, total)))
    sizes = [sum((segment / name).stat().st_size for name in store_files(segment)) for segment in segments(folder)]
    assert (found.generation, found.files, found.bytes, found.problems) == (2, 4, sum(sizes), ())
    assert seen == [(0, sum(sizes)), (sizes[0], sum(sizes)), (sum(sizes), sum(sizes))]


def test_verify_names_every_damaged_file(folder: Path) -> None:
    first, second = segments(folder)
    flip(first / "vectors.faiss")
    flip(first / "passages.db")
    (second / "passages.db").write_bytes(b"")
    (second / "vectors.faiss").unlink()
    (second / "segment.json").write_text("{}")
    problems = verify(folder).problems
    assert len(problems) == 5
    assert problems[0].startswith(f"{first / 'passages.db'} is damaged: its sha256 is ")
    assert problems[1].startswith(f"{first / 'vectors.faiss'} is damaged: its sha256 is ")
    assert problems[2:] == (
        f"{second / 'passages.db'} has 0 bytes, its manifest states "
        f"{json.loads(manifests(folder)[-1].read_text())['parts'][1]['info']['files']['passages.db']['bytes']}",
        f"{second / 'vectors.faiss'} cannot be read: No such file or directory",
        f"{second / 'segment.json'} is damaged: it does not state what the manifest does",
    )


def test_verify_names_a_damaged_manifest(folder: Path) -> None:
    flip(manifests(folder)[-1])
    found = verify(folder)
    problem = f"{manifests(folder)[-1]} does not have the sha256 that CURRENT states"
    assert (found.generation, found.files, found.bytes, found.problems) == (0, 0, 0, (problem,))


def test_verify_without_an_index_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no index in"):
        verify(tmp_path)


# -- repair --------------------------------------------------------------------------------------------------


def test_a_healthy_index_is_left_alone(folder: Path) -> None:
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert repair(folder) == Repair((), 2, 2, 3)
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_a_damaged_newest_generation_gives_way_to_the_one_before(folder: Path) -> None:
    flip(segments(folder)[1] / "vectors.faiss")
    done = repair(folder)
    assert (done.restored, done.generation, done.articles, done.lost, done.lost_count) == (1, 3, 2, ("c.txt",), 1)
    assert "vectors.faiss is damaged" in done.problems[0]
    assert paths(folder) == ["a.txt", "b.txt"]


def test_an_article_that_is_back_to_its_earlier_version_counts_as_lost(folder: Path) -> None:
    put(folder, dataclasses.replace(A, text="Peru voted anew.", source="a2"), dead=frozenset({0}))
    flip(segments(folder)[2] / "passages.db")
    done = repair(folder)
    assert (done.restored, done.articles, done.lost, done.lost_count) == (2, 3, (), 1)  # its name cannot be read
    with Index.open(folder, EMBEDDER) as index:
        assert index.article("a.txt") == A


def test_where_all_generations_share_the_damage_the_whole_segments_stay(folder: Path) -> None:
    flip(segments(folder)[0] / "vectors.faiss")
    done = repair(folder)
    assert (done.restored, done.generation, done.articles) == (0, 3, 1)
    assert (done.lost, done.lost_count) == (("a.txt", "b.txt"), 2)
    assert paths(folder) == ["c.txt"]


def test_without_current_the_newest_manifest_is_taken(folder: Path) -> None:
    (folder / "CURRENT").unlink()
    done = repair(folder)
    assert (done.restored, done.generation, done.articles, done.lost_count) == (2, 3, 3, 0)
    assert done.problems == (f"there is no index in {folder}",)
    assert paths(folder) == ["a.txt", "b.txt", "c.txt"]


def test_without_the_newest_manifest_what_it_added_is_named_and_kept_for_the_next_run(folder: Path) -> None:
    manifests(folder)[-1].unlink()
    done = repair(folder)
    assert (done.restored, done.generation, done.articles, done.lost) == (1, 2, 2, ("c.txt",))
    assert status(folder).unfinished == len(passages(C))


@pytest.mark.parametrize("current", [True, False])
def test_without_any_manifest_the_segments_are_put_together(folder: Path, *, current: bool) -> None:
    """The latest version of an article wins; removed articles come back."""
    later = dataclasses.replace(A, text="Peru voted anew.", source="a2")
    put(folder, later, dead=frozenset({0}))
    for manifest in manifests(folder):
        manifest.unlink()
    if not current:
        (folder / "CURRENT").unlink()
    done = repair(folder)
    assert (done.restored, done.articles) == (0, 3)
    with Index.open(folder, EMBEDDER) as index:
        assert [article.path for article in index.articles()] == ["a.txt", "b.txt", "c.txt"]
        assert index.article("a.txt") == later


def test_a_damaged_segment_json_is_written_anew(folder: Path) -> None:
    file = segments(folder)[0] / "segment.json"
    before = json.loads(file.read_bytes())
    file.write_bytes(b"{")
    done = repair(folder)
    assert (done.restored, done.generation, done.articles, done.lost_count) == (2, 2, 3, 0)
    assert json.loads(file.read_bytes()) == before
    assert verify(folder).problems == ()


def test_where_nothing_is_whole_that_is_said(folder: Path) -> None:
    before = [file.name for file in sorted((folder / "segments").iterdir())]
    for segment in segments(folder):
        flip(segment / "passages.db")
    with pytest.raises(InputError, match=r"nothing in .* can be used: .*passages\.db is damaged") as caught:
        repair(folder)
    assert caught.value.fix == f"Index again: citewire index PATH --index {folder}"
    assert [file.name for file in sorted((folder / "segments").iterdir())] == before
    with pytest.raises(IndexFormatError):
        Index.open(folder, EMBEDDER)


def test_there_is_nothing_to_repair_where_there_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no index in"):
        repair(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_repair_waits_for_no_writer(folder: Path) -> None:
    with Writer(folder), pytest.raises(InputError, match="another process is writing"):
        repair(folder)
