from __future__ import annotations

import errno
import hashlib
import json
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from embedders import HashedWordsEmbedder

from citewire.index import store
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.passages import CHUNKER_VERSION, embedding_text, passages
from citewire.index.store import Content, Index, Writer
from citewire.index.types import Article

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
)
SECOND = Article("sub/b.txt", "Nothing about that here.\n\nChips were sold.", "2" * 64)


def content(articles: Sequence[Article]) -> Content:
    found = [(article, passage) for article in articles for passage in passages(article)]
    texts = [embedding_text(article.text, passage) for article, passage in found]
    return Content(articles, [passage for _, passage in found], texts, EMBEDDER.embed(texts))


def publish(folder: Path, *articles: Article) -> int:
    with Writer(folder) as writer:
        return writer.publish(content(articles), EMBEDDER.fingerprint)


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
    return folder / "segments" / str(json.loads(manifest_of(folder).read_text())["segment"])


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
        assert np.array_equal(vectors, content([SECOND]).vectors)
        assert index.vectors_of("3" * 64) is None
        assert [row for row, _ in index.search_bm25('"cafe"', 5)] == [0]  # without its accent
        assert [row for row, _ in index.search_bm25('"chip"', 5)] == [1]  # stemmed
        assert index.search_bm25("", 5) == []


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
    assert (fields["format"], fields["generation"], fields["rows"], fields["articles"]) == (1, 1, 2, 2)
    assert fields["embedder"] == EMBEDDER.fingerprint
    segment = segment_of(folder)
    assert sorted(file.name for file in segment.iterdir()) == ["passages.db", "vectors.faiss"]
    for file in segment.iterdir():
        stated = fields["files"][file.name]
        assert stated == {
            "bytes": file.stat().st_size,
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
    assert sorted(file.name for file in folder.iterdir()) == ["CURRENT", "LOCK", "manifests", "segments"]


def test_threads_may_share_an_index(folder: Path) -> None:
    with Index.open(folder, EMBEDDER) as index:
        wrong: list[object] = []

        def read() -> None:
            for _ in range(100):
                got = index.article("a.txt"), index.fetch([0]), index.search_bm25('"cafe"', 1)[0][0]
                if got != (FIRST, passages(FIRST), 0):
                    wrong.append(got)

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


def test_the_database_cannot_be_written_through_an_index(folder: Path) -> None:
    with Index.open(folder, EMBEDDER) as index, pytest.raises(sqlite3.OperationalError, match="readonly"):
        index._rows("DELETE FROM passages")


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
    monkeypatch.setattr(store, "CHUNKER_VERSION", "next")
    with pytest.raises(IndexFormatError, match=f"and chunker {CHUNKER_VERSION}, this run has .* and chunker next"):
        Index.open(folder, EMBEDDER)


def test_another_format_is_refused_with_both_versions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FORMAT_VERSION", 2)
    with pytest.raises(IndexFormatError, match=f"the index in {folder} has format 1, this citewire reads 2"):
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
    assert caught.value.fix == f"Index the articles again: citewire index PATH --index {folder}"


def test_a_changed_manifest_is_refused(folder: Path) -> None:
    manifest = manifest_of(folder)
    manifest.write_bytes(manifest.read_bytes().replace(b'"rows": 2', b'"rows": 1'))
    with pytest.raises(IndexFormatError, match="does not have the sha256"):
        Index.open(folder, EMBEDDER)


@pytest.mark.parametrize("fields", ["[]", '{"format": 1}', '{"format": 1, "files": 7}', "nonsense"])
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
        assert old.search_bm25('"cafe"', 1)[0][0] == 0
    assert paths(folder) == ["sub/b.txt"]
    assert sorted(file.name[:10] for file in (folder / "manifests").iterdir()) == ["0000000003", "0000000004"]
    assert len(list((folder / "segments").iterdir())) == 2


def test_a_reader_whose_generation_is_taken_away_while_it_opens_reads_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, calls = store._check_identity, 0

    def publish_meanwhile(*arguments: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            publish(folder, SECOND)
            publish(folder, SECOND)
        check(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "_check_identity", publish_meanwhile)
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
        assert writer.publish(content([SECOND]), EMBEDDER.fingerprint) == 2
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


def test_a_full_disk_leaves_the_previous_generation(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def publish_on_a_full_disk() -> None:
        with Writer(folder) as writer, monkeypatch.context() as patch:
            patch.setattr(store, "_sync", full)
            writer.publish(content([SECOND]), EMBEDDER.fingerprint)

    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        publish_on_a_full_disk()
    assert paths(folder) == ["a.txt", "sub/b.txt"]
    assert len(list((folder / "segments").iterdir())) == 1


def test_what_faiss_cannot_write_is_an_error_of_the_disk(folder: Path) -> None:
    with pytest.raises(OSError, match="could not open"):
        store._write_segment(folder / "segments" / "gone", content([FIRST]))
