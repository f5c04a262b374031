from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from conftest import together
from embedders import HashedWordsEmbedder
from numpy.typing import NDArray

from citewire.index import manifest, segment, vectors
from citewire.index.address import Address, Location
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.manifest import MADE_BY, Part
from citewire.index.passages import embedded_text, passages
from citewire.index.postgres_writer import PostgresWriter, writer_of
from citewire.index.segment import Entry, SegmentInfo, SegmentWriter, open_segment
from citewire.index.store import Index, Place
from citewire.index.types import Article, DateMention, Filters, Passage, Span
from citewire.index.writer import Writer, merge_candidates

Given = TypeVar("Given", Path, Address)
EMBEDDER = HashedWordsEmbedder()
FIRST = Article(
    "a.txt",
    "Café miners left. They 😀 went to Kazakhstan.",
    "1" * 64,
    "T",
    "O",
    "A",
    "2024-01-02",
    "https://x.y/",
    {"section": "Mining"},
    "s" * 64,
    (DateMention(0, 4, "2024-01-01", "2024-01-02"),),
    "g",
    (0, 19),
)
SECOND = Article("sub/b.txt", "Nothing about that here.\n\nChips were sold.", "2" * 64)


def entry(article: Article) -> Entry:
    pieces = passages(article)
    vectors = EMBEDDER.embed([embedded_text(article, passage) for passage in pieces])
    return Entry(article, b"signature", pieces, vectors)


def written(writer: Writer | PostgresWriter, *articles: Article) -> Part:
    with writer.segment(EMBEDDER) as segment:
        for article in articles:
            segment.add(entry(article))
        return Part(segment.finish())


def publish(where: Location, *articles: Article) -> int:
    """Publish a generation with only one new segment of these articles."""
    with writer_of(where) as writer:
        return writer.publish([written(writer, *articles)], embedder=EMBEDDER.fingerprint)


def extend(where: Location, *articles: Article, dead: frozenset[int] = frozenset()) -> int:
    """Publish the current segments, with `dead` articles in the first, and a new segment of these articles."""
    with writer_of(where) as writer:
        first, *rest = writer.current(EMBEDDER)
        parts = [Part(first.info, first.dead | dead), *rest, written(writer, *articles)]
        return writer.publish(parts, embedder=EMBEDDER.fingerprint)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    publish(tmp_path / "index", FIRST, SECOND)
    return tmp_path / "index"


def paths(folder: Path) -> list[str]:
    with Index.open(folder, EMBEDDER) as index:
        return [article.path for article in index.articles()]


def manifest_of(folder: Path) -> Path:
    return folder / "manifests" / str(json.loads((folder / "CURRENT").read_text())["manifest"])


def segment_of(folder: Path) -> Path:
    return folder / "segments" / str(json.loads(manifest_of(folder).read_text())["parts"][0]["info"]["name"])


# -- reading ------------------------------------------------------------------------------------------------


def test_what_was_published_is_read_back(folder: Path) -> None:
    with Index.open(folder, EMBEDDER) as index:
        assert index.generation == 1
        assert index.article("a.txt") == FIRST
        assert index.article("sub/b.txt") == SECOND
        assert index.passages == 2
        assert index.fetch([1, 0]) == [*passages(SECOND), *passages(FIRST)]
        summary = index.articles()[0]
        assert (summary.path, summary.title, summary.published) == ("a.txt", "T", "2024-01-02")
        assert (summary.characters, summary.passages) == (len(FIRST.text), 1)
        vectors = index.vectors_of(SECOND.sha256)
        assert vectors is not None
        assert np.array_equal(vectors, entry(SECOND).vectors)
        assert index.vectors_of("3" * 64) is None
        assert [row for row, _ in index.search_bm25(["cafe"], 5)] == [0]  # found without its accent
        assert [row for row, _ in index.search_bm25(["chip"], 5)] == [1]  # stemmed
        assert index.search_bm25([], 5) == []


def test_an_unknown_article_is_named(folder: Path) -> None:
    with Index.open(folder, EMBEDDER) as index, pytest.raises(InputError, match=r"no article 'c\.txt'"):
        index.article("c.txt")


def test_the_layout_on_disk(folder: Path) -> None:
    manifest = manifest_of(folder)
    data = manifest.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    assert json.loads((folder / "CURRENT").read_text()) == {"manifest": manifest.name, "sha256": digest}
    assert manifest.name == f"0000000001-{digest[:16]}.json"
    fields = json.loads(data)
    assert (fields["format"], fields["generation"], fields["embedder"]) == (4, 1, EMBEDDER.fingerprint)
    (part,) = fields["parts"]
    assert (part["info"]["rows"], part["info"]["articles"], part["info"]["recall"], part["dead"]) == (2, 2, 1.0, [])
    segment = segment_of(folder)
    assert sorted(file.name for file in segment.iterdir()) == ["passages.db", "segment.json", "vectors.faiss"]
    assert json.loads((segment / "segment.json").read_text()) == part["info"]
    for name, stated in part["info"]["files"].items():
        data = (segment / name).read_bytes()
        assert stated == {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    assert sorted(file.name for file in folder.iterdir()) == ["CURRENT", "LOCK", "manifests", "segments"]


def test_threads_may_share_an_index(folder: Path) -> None:
    with Index.open(folder, EMBEDDER) as index:

        def read(times: int) -> None:
            for _ in range(times):
                got = index.article("a.txt"), index.fetch([0]), index.search_bm25(["cafe"], 1)[0][0]
                assert got == (FIRST, passages(FIRST), 0)

        together(read, [100] * 8)


def test_the_database_cannot_be_written_through_an_index(folder: Path) -> None:
    with Index.open(folder, EMBEDDER) as index, pytest.raises(sqlite3.OperationalError, match="readonly"):
        index._open[0].segment._database.execute("DELETE FROM passages")


# -- an index that cannot be read ---------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_text("file")])
def test_where_there_is_no_index_the_command_is_named(tmp_path: Path, make: object) -> None:
    place = tmp_path / "place"
    make(place)  # type: ignore[operator]
    with pytest.raises(InputError, match="there is no index in") as caught:
        Index.open(place, EMBEDDER)
    assert caught.value.fix == f"Make one: citewire index PATH --index {place}"


def test_another_embedder_is_refused_with_both_fingerprints(folder: Path) -> None:
    other = HashedWordsEmbedder(name="other")
    with pytest.raises(IndexFormatError) as caught:
        Index.open(folder, other)
    assert f"made with embedder {EMBEDDER.fingerprint[:12]}" in caught.value.problem
    assert f"this run has embedder {other.fingerprint[:12]}" in caught.value.problem


def test_another_chunker_is_refused_with_both_versions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citewire.index.manifest.MADE_BY", "next")
    with pytest.raises(IndexFormatError, match=f"and chunker {MADE_BY}, this run has .* and chunker next"):
        Index.open(folder, EMBEDDER)


def test_another_format_is_refused_with_both_versions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("citewire.index.manifest.FORMAT_VERSION", 9)
    with pytest.raises(IndexFormatError, match=f"the index in {folder} has format 4, this citewire reads 9"):
        Index.open(folder, EMBEDDER)


@pytest.mark.parametrize(
    "current",
    [
        "",
        "{",
        "[]",
        '{"manifest": "../../etc/passwd", "sha256": ""}',
        '{"manifest": "0000000009-0123456789abcdef.json", "sha256": ""}',
    ],
)
def test_a_damaged_current_is_refused(folder: Path, current: str) -> None:
    (folder / "CURRENT").write_text(current)
    with pytest.raises(IndexFormatError) as caught:
        Index.open(folder, EMBEDDER)
    assert caught.value.fix == f"Run: citewire index repair --index {folder}"


def test_a_changed_manifest_is_refused(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest.write_bytes(manifest.read_bytes().replace(b'"rows": 2', b'"rows": 1'))
    with pytest.raises(IndexFormatError, match="does not have the sha256"):
        Index.open(folder, EMBEDDER)


@pytest.mark.parametrize("fields", ["[]", '{"format": 4}', '{"format": 4, "parts": 7}', "nonsense"])
def test_a_manifest_that_says_too_little_is_refused(folder: Path, fields: str) -> None:
    manifest = manifest_of(folder)
    manifest.write_text(fields)
    digest = hashlib.sha256(fields.encode()).hexdigest()
    (folder / "CURRENT").write_text(json.dumps({"manifest": manifest.name, "sha256": digest}))
    with pytest.raises(IndexFormatError, match=r"\.json is damaged"):
        Index.open(folder, EMBEDDER)


@pytest.mark.parametrize("name", ["vectors.faiss", "passages.db"])
def test_any_flipped_bit_is_found(folder: Path, name: str) -> None:
    file = segment_of(folder) / name
    data = file.read_bytes()
    for position in np.linspace(0, len(data) - 1, 20, dtype=int):
        damaged = bytearray(data)
        damaged[position] ^= 1
        file.write_bytes(damaged)
        with pytest.raises(IndexFormatError, match=f"{name} is damaged"):
            Index.open(folder, EMBEDDER)
    file.write_bytes(data)
    assert paths(folder) == ["a.txt", "sub/b.txt"]


@pytest.mark.parametrize("name", ["vectors.faiss", "passages.db"])
def test_a_short_or_missing_file_is_found(folder: Path, name: str) -> None:
    file = segment_of(folder) / name
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(IndexFormatError, match=f"{name} has {size - 1} bytes, its manifest states {size}"):
        Index.open(folder, EMBEDDER)
    file.unlink()
    with pytest.raises(IndexFormatError, match=f"{name} cannot be read: No such file"):
        Index.open(folder, EMBEDDER)


# -- writing ------------------------------------------------------------------------------------------------


def test_a_second_writer_is_refused(folder: Path) -> None:
    with (
        Writer(folder),
        pytest.raises(InputError, match=f"another process is writing to the index in {folder}"),
    ):
        publish(folder, FIRST)
    assert publish(folder, FIRST) == 2


def test_readers_keep_their_generation_and_the_last_two_stay_on_disk(folder: Path) -> None:
    with Index.open(folder, EMBEDDER) as old:
        for _ in range(3):
            publish(folder, SECOND)
        assert old.article("a.txt") == FIRST
        assert old.search_bm25(["cafe"], 1)[0][0] == 0
    assert paths(folder) == ["sub/b.txt"]
    assert sorted(file.name[:10] for file in (folder / "manifests").iterdir()) == ["0000000003", "0000000004"]
    assert len(list((folder / "segments").iterdir())) == 2


def test_a_reader_whose_generation_is_taken_away_while_it_opens_reads_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, calls = manifest.check_identity, 0

    def publish_meanwhile(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            publish(folder, SECOND)
            publish(folder, SECOND)
        check(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("citewire.index.store.check_identity", publish_meanwhile)
    with Index.open(folder, EMBEDDER) as index:
        assert index.generation == 3


def test_what_a_killed_writer_left_is_removed_by_the_next(folder: Path) -> None:
    begun = folder / "segments" / f"seg-{'0' * 32}"
    begun.mkdir()
    (begun / "passages.db").write_text("half")
    for leftover in ("CURRENT.tmp", "manifests/0000000002-0123456789abcdef.json", "manifests/x.json.tmp"):
        (folder / leftover).write_text("half")
    with Writer(folder):
        pass
    assert [file.name for file in (folder / "segments").iterdir()] == [segment_of(folder).name]
    assert list((folder / "manifests").iterdir()) == [manifest_of(folder)]
    assert not (folder / "CURRENT.tmp").exists()
    assert paths(folder) == ["a.txt", "sub/b.txt"]


def test_nothing_is_removed_while_current_is_damaged(folder: Path) -> None:
    (folder / "CURRENT").write_text("{")
    with Writer(folder) as writer:
        assert len(list((folder / "segments").iterdir())) == 1
        assert writer.publish([written(writer, SECOND)], embedder=EMBEDDER.fingerprint) == 2
    assert paths(folder) == ["sub/b.txt"]


@pytest.mark.parametrize("name", ["thesis.doc", "MANIFEST-000004", "segments"])
def test_a_folder_of_something_else_is_never_written_to(tmp_path: Path, name: str) -> None:
    place = tmp_path / "place"
    place.mkdir()
    (place / name).write_text("mine")
    with pytest.raises(InputError, match=f"{place} is not an index: it holds '{name}'"):
        publish(place, FIRST)
    assert [file.name for file in place.iterdir()] == [name]


def test_a_file_where_the_folder_should_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="cannot be written: File exists"):
        publish(tmp_path / "file", FIRST)


def test_a_finished_segment_of_a_run_that_was_cut_short_is_offered_to_the_next(folder: Path) -> None:
    third = Article("c.txt", "A third one.", "3" * 64, source="t" * 64)

    def cut_short() -> None:
        with Writer(folder) as writer:
            written(writer, third)
            with writer.segment(EMBEDDER) as segment:
                segment.add(entry(FIRST))
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_short()
    assert paths(folder) == ["a.txt", "sub/b.txt"]
    assert len(list((folder / "segments").iterdir())) == 2
    with Writer(folder) as writer, writer.view(EMBEDDER) as view:
        assert [path for path, _ in view.identities()] == ["a.txt", "sub/b.txt", "c.txt"]
        assert view.generation == 1
    assert len(list((folder / "segments").iterdir())) == 1  # the last run did not publish it


def test_a_writer_that_fails_leaves_no_folder_where_there_was_none(tmp_path: Path) -> None:
    def fail() -> None:
        with Writer(tmp_path / "new" / "index"):
            raise InputError("wrong", "right")

    with pytest.raises(InputError):
        fail()
    assert list((tmp_path / "new").iterdir()) == []


# -- several segments ----------------------------------------------------------------------------------------

TEXTS = (
    "The vote in Peru ended on Sunday. Turnout was high.",
    "Chips were sold to Peru.",
    "Rain fell in Lima, and the vote was delayed.",
    "Turnout in Lima was low, said the mayor of Lima.",
    "A ship left the port with chips.",
    "Nobody voted. Peru lost.",
)
MANY = [
    Article(
        f"{'ab'[number % 2]}/{number}.txt",
        text,
        f"{number:064d}",
        title=f"Title {number}",
        outlet=("Andina", "Émile", "")[number % 3],
        published=("2024-01-05", "2024-02-05", "")[number // 2],
        metadata={"desk": "city" if number < 3 else "world"},
        group=f"g{number // 2}",
    )
    for number, text in enumerate(TEXTS)
]


@pytest.fixture
def parts_of_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three segments; the first article is dead, and the last segment holds its new text."""
    monkeypatch.setattr("citewire.index.writer.DEAD_SHARE", 1)  # else the first segment would be rewritten
    return write_in_three(tmp_path / "many")


def write_in_three(where: Given) -> Given:
    publish(where, *MANY[:2])
    extend(where, *MANY[2:4])
    extend(where, *MANY[4:], dataclasses.replace(MANY[0], text="The vote in Peru was annulled."), dead=frozenset({0}))
    return where


@pytest.fixture(scope="module", params=["folder", pytest.param("PostgreSQL", marks=pytest.mark.slow)])
def thrice(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Location:
    """`parts_of_two`, written once, and the same in PostgreSQL."""
    if request.param == "PostgreSQL":
        database: Address = request.getfixturevalue("postgres").database()
        return write_in_three(database)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("citewire.index.writer.DEAD_SHARE", 1)
        return write_in_three(tmp_path_factory.mktemp("thrice") / "index")


def test_dead_articles_are_nowhere(parts_of_two: Path) -> None:
    with Index.open(parts_of_two, EMBEDDER) as index:
        assert (index.rows, index.passages, len(index.parts)) == (7, 6, 3)
        assert index.article("a/0.txt").text == "The vote in Peru was annulled."
        assert [a.path for a in index.articles()] == ["a/0.txt", "a/2.txt", "a/4.txt", "b/1.txt", "b/3.txt", "b/5.txt"]
        assert index.places("a/0.txt") == [Place(index.parts[2].info.name, 2, MANY[0].source, 1)]
        assert index.places("a/9.txt") == []
        assert index.paths_of(FIRST.source) == ()
        assert [e.article.path for e in index.entries()].count("a/0.txt") == 1
        vector = EMBEDDER.embed([TEXTS[0]])[0]
        assert 0 not in [row for row, _ in index.search_dense(vector, 7)]
        assert 0 not in [row for row, _ in index.search_bm25(["turnout", "sunday"], 7)]


def test_dense_search_over_segments_is_brute_force(thrice: Location) -> None:
    with Index.open(thrice, EMBEDDER) as index:
        query = EMBEDDER.embed(["vote in Lima"])[0]
        alive = list(range(1, 7))
        matrix = np.stack([entry(index.article(p.article)).vectors[0] for p in index.fetch(alive)])
        scores = matrix @ query
        expected = sorted(zip(alive, scores.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
        found = index.search_dense(query, 6)
        assert [row for row, _ in found[:4]] == [row for row, _ in expected[:4]]
        assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-6)
        assert index.cosines(query, [6, 1]) == pytest.approx({6: scores[5], 1: scores[0]}, abs=1e-6)


def test_bm25_over_segments_has_the_document_frequencies_of_the_whole(tmp_path: Path) -> None:
    """No word repeats in a text, and all texts have the same length, so only document frequencies differ."""
    words = ["peru lima", "peru port", "rain wind", "snow wind", "mayor snow", "chips ship"]
    articles = [Article(f"{n}.txt", f"{text} stands here.", f"{n:064d}") for n, text in enumerate(words)]
    publish(tmp_path / "one", *articles)
    publish(tmp_path / "two", *articles[:4])
    extend(tmp_path / "two", *articles[4:])
    terms = ["peru", "lima", "snow", "ship"]
    with Index.open(tmp_path / "one", EMBEDDER) as one, Index.open(tmp_path / "two", EMBEDDER) as two:
        assert len(two.parts) == 2
        expected = one.search_bm25(terms, 6)
        found = two.search_bm25(terms, 6)
        assert [row for row, _ in found] == [row for row, _ in expected]
        assert [score for _, score in found] == pytest.approx([score for _, score in expected])
        assert two.bm25s(terms, [4, 0]) == pytest.approx(one.bm25s(terms, [4, 0]))
        assert [row for row, _ in expected] == [0, 5, 1, 3, 4]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(published_from="2024-02-05"), [2, 3]),
        (Filters(published_to="2024-01-31"), [1, 6]),
        (Filters(published_from="2024-01-05", published_to="2024-02-05"), [1, 2, 3, 6]),
        (Filters(outlets=("ANDINA",)), [3, 6]),
        (Filters(outlets=("émile", "andina")), [1, 3, 4, 6]),
        (Filters(articles=("b/",)), [1, 3, 5]),
        (Filters(articles=("a/2.txt", "b/5.txt", "b/5")), [2, 5]),
        (Filters(metadata={"desk": "world"}), [3, 4, 5]),
        (Filters(outlets=("Émile",), metadata={"desk": "city"}), [1]),
        (Filters(authors=("Nobody",)), []),
    ],
)
def test_filters_choose_rows_before_the_search(thrice: Location, filters: Filters, expected: list[int]) -> None:
    with Index.open(thrice, EMBEDDER) as index:
        allowed = index.select(filters)
        assert allowed is not None
        query = EMBEDDER.embed(["vote"])[0]
        assert sorted(row for row, _ in index.search_dense(query, 1 + len(expected), allowed)) == expected
        found = [row for row, _ in index.search_bm25(["vote", "chips", "turnout", "lima", "peru", "ship"], 9, allowed)]
        assert sorted(found) == expected


def test_without_filters_all_rows_are_meant(parts_of_two: Path) -> None:
    with Index.open(parts_of_two, EMBEDDER) as index:
        assert index.select(Filters()) is None


def test_the_table_and_summaries_tell_the_article_of_a_row(parts_of_two: Path) -> None:
    with Index.open(parts_of_two, EMBEDDER) as index:
        table = index.table
        assert table.first_rows.tolist() == list(range(7))
        assert table.published.tolist()[1:4] == [19727, 19758, 19758]  # 2024-01-05 and 2024-02-05
        assert table.published[0] == segment.UNDATED  # dead
        assert table.published[4] == segment.UNDATED
        assert table.groups.tolist() == [0, 0, 1, 1, 2, 2, 0]
        assert table.positions([6, 0, 3]).tolist() == [6, 0, 3]
        assert [s.path for s in index.summaries([6, 3, 6])] == ["a/0.txt", "b/3.txt", "a/0.txt"]
        assert index.summaries([3])[0].metadata == {"desk": "world"}


def test_a_new_generation_reads_only_its_new_segment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    columns = segment.Segment.columns

    def counted(self: segment.Segment) -> list[tuple[int, int, int, str, str]]:
        read.append(self.info.name)
        return columns(self)

    monkeypatch.setattr(segment.Segment, "columns", counted)
    with Index.open(folder, EMBEDDER) as old:
        before = old.table.first_rows.tolist()
        extend(folder, MANY[4])
        with Index.open(folder, EMBEDDER) as new:
            assert new.table.first_rows.tolist() == [*before, 2]
            assert len(new.articles()) == 3
        assert len(old.articles()) == 2  # and stays open
        assert read == [part.info.name for part in new.parts]


def write_segment(place: Path, article: Article) -> SegmentInfo:
    with SegmentWriter(place, embedder="e", chunker="c", dimension=EMBEDDER.dimension) as writer:
        writer.add(entry(article))
        return writer.finish()


def test_a_segment_is_shared_only_while_its_files_are_the_same(tmp_path: Path) -> None:
    place = tmp_path / "seg"
    info = write_segment(place, FIRST)
    first = open_segment(place, info)
    assert open_segment(place, info) is first
    place.rename(tmp_path / "aside")
    other = open_segment(place, write_segment(place, SECOND))
    assert [one.path for one in other.summaries()] == ["sub/b.txt"]
    shutil.rmtree(place)
    shutil.copytree(tmp_path / "aside", place)
    assert open_segment(place, info) is not first  # a copy: what `first` reads may be damaged
    assert [one.path for one in first.summaries()] == ["a.txt"]


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_a_segment_that_nobody_uses_releases_its_files(folder: Path) -> None:
    def held() -> bool:
        files = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return str(folder) in "".join([*files, Path("/proc/self/maps").read_text()])

    with Index.open(folder, EMBEDDER), Index.open(folder, EMBEDDER):
        assert held()
    assert not held()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_forked_process_opens_its_own_segments(tmp_path: Path) -> None:
    info = write_segment(tmp_path / "seg", FIRST)
    parents = open_segment(tmp_path / "seg", info)
    child = os.fork()
    if not child:
        try:
            own = open_segment(tmp_path / "seg", info)
            os._exit(0 if own is not parents and own.summaries()[0].path == "a.txt" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_commonest_terms_are_left_out_where_they_match_too_much(
    parts_of_two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citewire.index.store.MATCHED_ROWS", 3)
    with Index.open(parts_of_two, EMBEDDER) as index:
        assert [row for row, _ in index.search_bm25(["peru", "mayor"], 5)] == [3]  # "peru" matches too many
        assert sorted(row for row, _ in index.search_bm25(["ship", "mayor"], 5)) == [3, 4]
        assert len(index.search_bm25(["peru"], 9)) == 3  # a single term is kept; one of the four is dead


# -- merging -------------------------------------------------------------------------------------------------


def part(name: str, rows: int, dead: int = 0, articles: int = 100) -> Part:
    return Part(SegmentInfo(name, 2, "e", "c", 1, rows, articles, 0, 0, 1.0), frozenset(range(dead)))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({"a": 10, "b": 10, "c": 10}, ""),
        ({"a": 10, "b": 10, "c": 10, "d": 10}, "abcd"),
        ({"a": 10, "b": 10, "c": 10, "d": 1000}, ""),
        ({"a": 10, "b": 10, "c": 10, "d": 55, "e": 1000}, "abcd"),
        ({"a": 1000, "b": 1, "c": 2, "d": 6, "e": 18}, "bcde"),
        ({}, ""),
    ],
)
def test_small_segments_of_similar_size_are_merged(rows: dict[str, int], expected: str) -> None:
    chosen = merge_candidates([part(name, count) for name, count in rows.items()])
    assert "".join(sorted(p.info.name for p in chosen)) == expected


def test_a_segment_with_many_dead_articles_is_written_anew() -> None:
    assert merge_candidates([part("a", 1000, dead=25), part("b", 90)]) == []
    assert merge_candidates([part("a", 1000, dead=26), part("b", 90)]) == [part("a", 1000, dead=26)]


def test_a_merge_changes_no_article_and_no_answer(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    publish(folder, *MANY[:2])
    for article in MANY[2:5]:
        extend(folder, article)
    publish(tmp_path / "fresh", *MANY[:5])
    with Index.open(folder, EMBEDDER) as index, Index.open(tmp_path / "fresh", EMBEDDER) as fresh:
        assert len(index.parts) == 1
        assert index.generation == 5  # four publications, and one more for the merge
        assert {e.article.path: e.article for e in index.entries()} == {a.path: a for a in MANY[:5]}
        assert {s for _, s in index.signatures()} == {b"signature"}
        query = EMBEDDER.embed(["the vote in Peru"])[0]

        def named(rows: list[tuple[int, float]], of: Index) -> list[tuple[str, float]]:
            return sorted((of.fetch([row])[0].article, round(score, 6)) for row, score in rows)

        assert named(index.search_dense(query, 5), index) == named(fresh.search_dense(query, 5), fresh)
        terms = ["vote", "chips", "lima"]
        assert named(index.search_bm25(terms, 5), index) == named(fresh.search_bm25(terms, 5), fresh)
        assert index.article("a/0.txt") == MANY[0]


# -- vectors in an inverted file ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def inverted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NDArray[np.float32]]:
    """An index with 2,600 vectors in inverted lists, and these vectors: clusters of random points."""
    folder = tmp_path_factory.mktemp("inverted") / "index"
    random = np.random.default_rng(7)
    centres = random.standard_normal((40, 256))
    points = (centres[random.integers(0, 40, 2600)] + 0.6 * random.standard_normal((2600, 256))).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    with Writer(folder) as writer, pytest.MonkeyPatch.context() as patch:
        patch.setattr("citewire.index.vectors.FLAT_ROWS", 1000)
        with writer.segment(EMBEDDER) as new:
            for start in range(0, 2600, 26):
                article = Article(f"{start:04d}.txt", "word " * 26, "1" * 64, outlet="A" if start < 1300 else "B")
                pieces = [Passage(article.path, 5 * n, 5 * n + 4, "word", (Span(5 * n, 5 * n + 4),)) for n in range(26)]
                new.add(Entry(article, b"", pieces, points[start : start + 26]))
            info = new.finish()
        writer.publish([Part(info)], embedder=EMBEDDER.fingerprint)
    return folder, points


@pytest.mark.slow
def test_an_inverted_file_finds_nearly_all_nearest(inverted: tuple[Path, NDArray[np.float32]]) -> None:
    folder, points = inverted
    with Index.open(folder, EMBEDDER) as index:
        info = index.parts[0].info
        assert info.lists == 64
        assert info.recall >= vectors.RECALL
        queries = points[::130] + 0.1 * np.random.default_rng(8).standard_normal((20, 256)).astype(np.float32)
        queries /= np.linalg.norm(queries, axis=1, keepdims=True)
        found = [{row for row, _ in index.search_dense(query, 10)} for query in queries]
        exact = [set(np.argsort(-(points @ query))[:10].tolist()) for query in queries]
        assert np.mean([len(a & b) / 10 for a, b in zip(found, exact, strict=True)]) >= 0.97
        assert index.cosines(queries[0], [5, 2599]) == pytest.approx(
            {5: points[5] @ queries[0], 2599: points[2599] @ queries[0]}, abs=1e-6
        )


@pytest.mark.slow
def test_an_inverted_file_finds_the_nearest_where_nothing_is_clustered(tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    points = random.standard_normal((3000, 128)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    with (tmp_path / "raw").open("w+b") as raw, pytest.MonkeyPatch.context() as patch:
        patch.setattr("citewire.index.vectors.FLAT_ROWS", 1000)
        raw.write(points.tobytes())
        scan, files = vectors.write_vectors(tmp_path, raw, 128)
    assert files == ("vectors.faiss", "scan.faiss")
    assert scan.recall >= vectors.RECALL
    read = vectors.VectorFile(tmp_path, 128, scan)
    queries = random.standard_normal((20, 128)).astype(np.float32)
    for query in queries / np.linalg.norm(queries, axis=1, keepdims=True):
        exact = np.argsort(-(points @ query))[:10]
        assert [row for row, _ in read.search(query, 10, None)] == exact.tolist()


@pytest.mark.slow
def test_a_flipped_bit_in_an_inverted_file_is_found(inverted: tuple[Path, NDArray[np.float32]], tmp_path: Path) -> None:
    folder = shutil.copytree(inverted[0], tmp_path / "index")
    file = next(folder.rglob("scan.faiss"))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 4
    file.write_bytes(data)
    with pytest.raises(IndexFormatError, match=r"scan\.faiss is damaged: its sha256 is"):
        Index.open(folder, EMBEDDER)


@pytest.mark.slow
def test_filters_hold_in_an_inverted_file(
    inverted: tuple[Path, NDArray[np.float32]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citewire.index.vectors.EXACT_ROWS", 100)
    folder, points = inverted
    with Index.open(folder, EMBEDDER) as index:
        half = index.select(Filters(outlets=("B",)))
        found = index.search_dense(points[3], 10, half)
        assert len(found) == 10
        assert min(row for row, _ in found) >= 1300
        few = index.select(Filters(articles=("2574.txt",)))  # few enough for exact comparison
        scores = points[2574:] @ points[3]
        best = [2574 + int(row) for row in np.argsort(-scores)[:5]]
        assert [row for row, _ in index.search_dense(points[3], 5, few)] == best


def test_vectors_are_read_through_python_from_any_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import faiss

    def read(reader: object, *flags: int) -> object:
        assert not isinstance(reader, str)  # on Windows FAISS cannot open non-ASCII paths
        return actual(reader, *flags)

    actual = faiss.read_index
    monkeypatch.setattr(faiss, "read_index", read)
    monkeypatch.setattr(vectors, "FLAT_ROWS", 500)
    folder = tmp_path / "Zürich 新聞 📰"
    folder.mkdir()
    rows = np.random.default_rng(3).standard_normal((1_000, 16), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    with (folder / "raw").open("w+b") as raw:
        raw.write(rows.tobytes())
        scan, names = vectors.write_vectors(folder, raw, 16)
    assert names == ("vectors.faiss", "scan.faiss")
    opened = vectors.VectorFile(folder, 16, scan)
    assert np.array_equal(opened.vectors(range(1_000)), rows)
    assert opened.search(rows[7], 1, None)[0][0] == 7
    (folder / "vectors.faiss").write_bytes(b"")
    with pytest.raises(RuntimeError, match=r"vectors\.faiss"):
        vectors.VectorFile(folder, 16, scan)
