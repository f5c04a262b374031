"""What only an index in PostgreSQL does; tests/index/test_search.py, test_store.py and test_build.py run on it, too."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx
import numpy as np
import openai_server
import pytest
from commands import citewire
from conftest import REPOSITORY, SEEDS, company_news, until
from embedders import HashedWordsEmbedder
from postgres import Postgres, running
from served import serving
from vectors import clustered, entries

from citewire.index.address import Address, location
from citewire.index.build import build_index
from citewire.index.copying import Copied, copy_index
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.maintenance import remove, status
from citewire.index.manifest import Part
from citewire.index.postgres import connect
from citewire.index.postgres_writer import writer_of
from citewire.index.search import search
from citewire.index.segment import Entry
from citewire.index.store import Index, current_of
from citewire.index.types import Embedder, Filters
from citewire.index.writer import BusyError
from citewire.ui.cli import lay_out
from citewire.ui.corpus import Choice, Corpus
from citewire.ui.settings import Settings

pytestmark = pytest.mark.slow  # a real server

EMBEDDER = HashedWordsEmbedder()
FILE = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def where(postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Address:
    monkeypatch.chdir(tmp_path)  # what lies beside the index on this machine
    return postgres.database()


@pytest.fixture
def own() -> Iterator[Postgres]:
    """A server of its own, which a test may kill."""
    with running() as server:
        yield server


def write(where: Path | Address, embedder: HashedWordsEmbedder, *batches: list[Entry]) -> None:
    with writer_of(where) as writer:
        parts = []
        for batch in batches:
            with writer.segment(embedder) as segment:
                for entry in batch:
                    segment.add(entry)
                parts.append(Part(segment.finish()))
        writer.publish(parts, embedder=embedder.fingerprint)


def everything(where: Path | Address) -> dict[str, Entry]:
    """All that is stored of each article, but its group, which depends on the order of reading."""
    with Index.open(where, EMBEDDER) as index:
        return {
            one.article.path: dataclasses.replace(one, article=dataclasses.replace(one.article, group=""))
            for one in index.entries()
        }


def assert_equal(found: dict[str, Entry], expected: dict[str, Entry]) -> None:
    assert found.keys() == expected.keys()
    for path, entry in found.items():
        wanted = expected[path]
        assert (entry.article, entry.signature) == (wanted.article, wanted.signature)
        assert list(entry.passages) == list(wanted.passages)
        assert np.array_equal(entry.vectors, wanted.vectors)


# -- searching ----------------------------------------------------------------------------------------------


def test_exact_search_is_that_of_the_folder_and_hnsw_finds_nearly_all(
    where: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citewire.index.postgres_writer.HNSW_ROWS", 1000)
    monkeypatch.setattr("citewire.index.postgres.EXACT_ROWS", 100)  # so that filters reach the HNSW index
    embedder = HashedWordsEmbedder(48)
    stored, questions = clustered(3000, 48), clustered(40, 48, seed=2)
    batches = [list(entries(stored[:2000])), list(entries(stored[2000:], first=2000))]
    write(where, embedder, *batches)
    write(tmp_path / "index", embedder, *batches)
    with (
        Index.open(tmp_path / "index", embedder) as folder,
        Index.open(dataclasses.replace(where, exact=True), embedder) as exact,
        Index.open(location(f"{where.url}?options=-c%20enable_sort%3Doff"), embedder) as hnsw,  # so few are sorted
    ):
        for filters in (Filters(), Filters(outlets=("Herald",))):
            allowed = folder.select(filters)
            shares = []
            for question in questions:
                expected = folder.search_dense(question, 10, allowed)
                found = exact.search_dense(question, 10, exact.select(filters))
                assert [row for row, _ in found] == [row for row, _ in expected]
                assert [score for _, score in found] == pytest.approx([score for _, score in expected], abs=1e-6)
                near = {row for row, _ in hnsw.search_dense(question, 10, hnsw.select(filters))}
                shares.append(len(near & {row for row, _ in expected}) / 10)
            assert np.mean(shares) >= 0.95
        scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'passages_nearest'"
        server = exact._open[0].segment._server  # type: ignore[attr-defined]
        hnsw.close()  # what a connection has counted is told at its end
        until(lambda: server.rows(scans)[0][0] == 2 * len(questions))
    told = status(where)
    assert (told.passages, told.recall >= 0.95, told.bytes > stored.nbytes) == (3000, True, True)


NOTES = """
CREATE TABLE noted(memory text);
CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    IF to_regclass('citewire.passages_nearest') IS NOT NULL THEN
        INSERT INTO public.noted VALUES (current_setting('maintenance_work_mem'));
    END IF;
END $$;
CREATE EVENT TRIGGER noting ON ddl_command_end WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION note();
"""


@pytest.mark.parametrize(("servers", "used"), [("8MB", "512MB"), ("600MB", "600MB")])
def test_hnsw_is_made_before_anybody_sees_the_generation(
    servers: str, used: str, where: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    news = company_news(tmp_path, "ab")
    build_index([news / "a.txt"], where, EMBEDDER)
    monkeypatch.setattr("citewire.index.postgres_writer.HNSW_ROWS", 1)
    set_there = location(f"{where.url}?options=-c%20maintenance_work_mem%3D{servers}")
    seen: list[list[str]] = []

    def stop(stage: str, *_: int) -> None:
        if stage == "indexing vectors":
            seen.append(list(everything(where)))
            raise KeyboardInterrupt

    with connect(where) as connection:
        connection.execute(f"SET search_path = public; {NOTES}".encode())
        with pytest.raises(KeyboardInterrupt):
            build_index([news], set_there, EMBEDDER, stop)
        assert (seen, list(everything(where)), status(where).unfinished) == ([["a.txt"]], ["a.txt"], 2)
        report = build_index([news], set_there, EMBEDDER)
        assert (report.generation, report.resumed, list(everything(where))) == (2, 2, ["a.txt", "b.txt"])
        assert connection.execute("SELECT memory FROM noted").fetchall() == [(used,)]


def test_what_was_replaced_is_found_only_in_its_own_generation(where: Address, tmp_path: Path) -> None:
    news = company_news(tmp_path, "abc")
    build_index([news], where, EMBEDDER)
    with Index.open(where, EMBEDDER) as old:
        (news / "a.txt").write_text("The zinc mine of Vire closed.")
        build_index([news], where, EMBEDDER)
        assert remove(where, ["b.txt"]) == (3, ("b.txt",))
        with Index.open(where, EMBEDDER) as new:
            assert (old.generation, new.generation) == (1, 3)
            assert (old.passages, new.passages, new.rows) == (6, 3, 7)
            assert old.article("a.txt").text.startswith("The a company")
            vector = EMBEDDER.embed_query("The a company said so")
            for index, paths in ((old, {"a.txt", "b.txt", "c.txt"}), (new, {"a.txt", "c.txt"})):
                found = [index.search_dense(vector, 9), index.search_bm25(["company", "zinc"], 9)]
                assert [{one.article for one in index.fetch([row for row, _ in rows])} for rows in found] == [paths] * 2
                assert {index.summaries([row])[0].path for row, _ in found[0]} == paths
            assert [path for path, _ in new.within(["c.txt"]).identities()] == ["c.txt"]
            assert status(where).dead == 4
            with pytest.raises(InputError, match=r"no article 'b\.txt'"):
                new.article("b.txt")
            # An hour later the next generation deletes them, and an index that was open for longer says so.
            new._open[0].segment._server.rows(  # type: ignore[attr-defined]
                "UPDATE articles SET died_at = died_at - interval '61 minutes' WHERE died = 2 RETURNING id"
            )
            remove(where, ["c.txt"])
            with pytest.raises(IndexFormatError, match="no longer has all of a generation"):
                old.fetch([0])


# -- writing ------------------------------------------------------------------------------------------------


def test_a_killed_server_loses_nothing_and_an_open_index_finds_it_again(
    own: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citewire.index.build.CHECKPOINT_PASSAGES", 4)
    monkeypatch.chdir(tmp_path)
    where, news = own.database(), company_news(tmp_path, "abcdefgh")
    build_index([news / "a.txt"], where, EMBEDDER)

    def kill_later(stage: str, done: int, _: int) -> None:
        if stage == "reading" and done == 6:
            own.kill()

    with Index.open(where, EMBEDDER) as index:
        before = everything(where)
        with pytest.raises(InputError, match=f"{where} cannot be used") as refused:
            build_index([news], where, EMBEDDER, kill_later)
        assert "secret" not in str(refused.value)
        with pytest.raises(InputError, match="Start the server, or correct --index"):
            index.article("a.txt")
        own.start()
        assert index.article("a.txt").text.startswith("The a company")
        assert [row for row, _ in index.search_bm25(["company"], 9)] == [0, 1]
    assert_equal(everything(where), before)
    assert status(where).unfinished == 8  # two batches of two articles with two passages
    report = build_index([news], where, EMBEDDER)
    assert (report.resumed, report.embedded, report.new, report.unchanged) == (8, 6, 7, 1)
    build_index([news], tmp_path / "index", EMBEDDER)
    assert_equal(everything(where), everything(tmp_path / "index"))


def test_a_replica_answers_where_the_primary_was_killed(
    own: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    where, news = own.database(), company_news(tmp_path, "ab")
    build_index([news], where, EMBEDDER)
    with running(of=own) as replica:
        both = location(where.url.replace(f":{own.port}", f":{own.port},127.0.0.1:{replica.port}"))
        only = location(where.url.replace(f":{own.port}", f":{replica.port}"))
        with Index.open(both, EMBEDDER) as index:
            hits = search(index, EMBEDDER, "Which company?", 9)
            (news / "z.txt").write_text("The zinc mine of Vire closed.")
            build_index([news], where, EMBEDDER)
            until(lambda: current_of(only) == current_of(where))
            own.kill()
            assert search(index, EMBEDDER, "Which company?", 9) == hits
            assert list(everything(both)) == ["a.txt", "b.txt", "z.txt"]
            with pytest.raises(InputError, match="session is read-only"):
                remove(both, ["z.txt"])
            own.start()
            remove(both, ["z.txt"])
            until(lambda: list(everything(only)) == ["a.txt", "b.txt"])
            replica.kill()
            assert search(index, EMBEDDER, "Which company?", 9) == hits
            replica.start()


def test_without_psycopg_the_extra_is_named(where: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for use in (Index.open, status, lambda place: build_index([Path()], place, EMBEDDER)):
        with pytest.raises(InputError, match=r"needs psycopg and pgvector. Run: pip install 'citewire\[postgres\]'"):
            use(where)


ADDER = """
import sys, time
from pathlib import Path
from embedders import HashedWordsEmbedder
from citewire.index.address import location
from citewire.index.build import build_index
from citewire.index.postgres_writer import writer_of

where = location(sys.argv[1])
build_index([Path(sys.argv[2])], where, HashedWordsEmbedder(), mirror=False)
print(time.time(), flush=True)
with writer_of(where):
    print("writing", flush=True)
    time.sleep(60)
"""


def test_what_another_process_adds_is_found_and_its_lock_ends_with_it(where: Address, tmp_path: Path) -> None:
    build_index([company_news(tmp_path, "ab")], where, EMBEDDER)
    corpus = Corpus(where, EMBEDDER)
    (tmp_path / "added.txt").write_text("The zinc mine of Vire closed.")
    tests = f"{REPOSITORY / 'tests'}"
    adder = subprocess.Popen(
        [sys.executable, "-c", ADDER, where.url, str(tmp_path / "added.txt")],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": tests},
    )  # fmt: skip
    assert adder.stdout is not None
    until(lambda: [row.path for row in corpus.select(Choice(words="zinc")).rows] == ["added.txt"])
    found = time.time()
    assert found - float(adder.stdout.readline()) < 2
    assert adder.stdout.readline() == "writing\n"
    with pytest.raises(BusyError, match=f"another process is writing to the index in {where}"):
        remove(where, ["added.txt"])
    adder.kill()
    adder.communicate()

    def removed() -> bool:
        try:
            corpus.remove(["added.txt"])
        except InputError:
            return False
        return True

    until(removed, 5)
    assert corpus.paths() == ["a.txt", "b.txt"]
    corpus.close()


def test_the_page_adds_what_is_uploaded(where: Address, tmp_path: Path) -> None:
    build_index([company_news(tmp_path, "a")], where, EMBEDDER)
    corpus = Corpus(where, EMBEDDER)
    corpus.start()
    with corpus.uploads.receive("zinc.txt") as arriving:
        arriving.write(b"The zinc mine of Vire closed.")
        arriving.finish()
    until(lambda: corpus.uploads.states()[0].state == "indexed")
    assert corpus.paths() == ["a.txt", "uploaded/zinc.txt"]
    corpus.remove(["uploaded/zinc.txt"])
    corpus.close()
    assert list(everything(where)) == ["a.txt"]
    assert not list(tmp_path.rglob("zinc.txt"))


def test_two_pages_and_the_command_line_answer(where: Address, seeds_folder: Path, embedder: Embedder) -> None:
    question = "Why is Kazakhstan attractive to bitcoin miners?"
    build_index([SEEDS], where, embedder)
    elsewhere = location(where.url.replace("127.0.0.1", "localhost"))  # as from another machine: with its own folder
    zinc = {"question": "Which zinc mine closed?", "k": 1}
    with openai_server.saying("Its electricity is cheap.") as model, ExitStack() as stack:
        pages: list[httpx.Client] = []
        for place, kept in ((where, "kept.sqlite"), (elsewhere, "others.sqlite")):
            chosen = Settings(index=place, conversations=Path(kept), model=model, reader="small")
            url = stack.enter_context(serving(partial(lay_out, chosen)))
            pages.append(stack.enter_context(httpx.Client(base_url=url, timeout=60)))
        client, other = pages
        until(lambda: all(page.get("/readyz").status_code == 200 for page in pages), 120)
        found = client.post("/v1/search", json={"question": question, "k": 5}).json()
        on_pages = [page.post("/v1/ask", json={"question": question}).json() for page in pages]
        assert client.get("/v1/status").json()["index"] == str(where)
        told = citewire("ask", question, "--json", "--model", model, "--reader", "small", CITEWIRE_INDEX=where.url)
        added = {"params": {"name": "zinc.txt"}, "content": b"The zinc mine of Vire closed.", "headers": FILE}
        assert client.post("/v1/articles", **added).status_code == 202  # type: ignore[arg-type]
        until(lambda: client.get("/uploads").json()["uploads"][0]["state"] == "indexed")
        (hit,) = other.post("/v1/search", json=zinc).json()["passages"]
        assert hit["article"] == "uploaded/zinc.txt"
    with Index.open(seeds_folder, embedder) as folder:
        hits = search(folder, embedder, question, 5)
        assert [(one["article"], one["start"]) for one in found["passages"]] == [
            (hit.passage.article, hit.passage.start) for hit in hits
        ]
        assert [one["score"] for one in found["passages"]] == pytest.approx([hit.score for hit in hits], abs=1e-5)
        for answer in (*on_pages, json.loads(told.stdout)):
            assert answer["status"] == "answered"
            quotes = [quote for claim in answer["claims"] for quote in claim["quotes"]]
            assert quotes
            for quote in quotes:
                assert folder.article(quote["article"]).text[quote["start"] : quote["end"]] == quote["text"]


# -- copying ------------------------------------------------------------------------------------------------


def test_a_copy_there_and_back_is_the_same_bit_by_bit(
    where: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citewire.index.copying.CHECKPOINT_PASSAGES", 4)
    folder, back = tmp_path / "index", tmp_path / "back"
    build_index([company_news(tmp_path, "abcde")], folder, EMBEDDER)

    def stop(stage: str, done: int, _: int) -> None:
        if done == 8:
            raise KeyboardInterrupt

    for source, target, written in ((folder, where, 1), (where, back, 1), (folder, where, 0)):
        if written:
            with pytest.raises(KeyboardInterrupt):
                copy_index(source, target, stop)
        assert copy_index(source, target) == Copied(1, 5, 10, written)
        assert_equal(everything(target), everything(source))
    remove(folder, ["a.txt"])
    with pytest.raises(InputError, match=r"holds other articles, such as 'a\.txt'"):
        copy_index(folder, where)
    with writer_of(where) as writer:
        writer._connection.execute("UPDATE passages SET vector = vector * vector WHERE id = 3")  # type: ignore[union-attr]
    told = citewire("index", "copy", str(back), where.url)
    assert (told.returncode, f"'b.txt' in {where} differs from {back}" in told.stderr) == (2, True)
    assert remove(where, ["b.txt"])[1] == ("b.txt",)
    told = citewire("index", "copy", str(back), where.url)
    assert f"{where}: generation 3 has all 5 articles with 10 passages, bit by bit; 1 written now" in told.stderr


# -- errors -------------------------------------------------------------------------------------------------


def test_what_cannot_be_used_is_named_without_the_password(where: Address, tmp_path: Path) -> None:
    news = company_news(tmp_path, "a")
    with pytest.raises(
        InputError, match=f"there is no index in {where}. Make one: citewire index PATH --index {where}"
    ):
        current_of(where)
    with connect(where) as connection:
        connection.execute("CREATE ROLE bob LOGIN")
    with pytest.raises(InputError, match=r"permission denied .* Let an administrator run CREATE EXTENSION vector"):
        build_index([news], location(where.url.replace("ada:", "bob:")), EMBEDDER)
    build_index([news], where, EMBEDDER)
    with pytest.raises(InputError, match="has vectors of 256 numbers, the embedder makes 64"):
        build_index([news], where, HashedWordsEmbedder(64))
    with pytest.raises(IndexFormatError, match="was made with embedder"):
        Index.open(where, HashedWordsEmbedder(name="other"))
    with writer_of(where) as writer:
        writer._connection.execute("UPDATE state SET schema = 9")  # type: ignore[union-attr]
    with pytest.raises(IndexFormatError, match="has schema 9, this citewire knows 1"):
        Index.open(where, EMBEDDER)
    for broken, said in (
        (where.url.replace("/news", "/old"), 'database "old.*" does not exist'),
        (where.url.replace("127.0.0.1:", "127.0.0.1:1"), "cannot be used"),
        (f"{where.url}?sslmode=never", "cannot be used"),
    ):
        with pytest.raises(InputError, match=said) as refused:
            Index.open(location(broken), EMBEDDER)
        assert "secret" not in str(refused.value)


def test_the_command_line(where: Address, tmp_path: Path) -> None:
    (tmp_path / "ferry.txt").write_text("The ferry to Holm sails on Monday, said Ada Dietz.")
    indexed = citewire("index", str(tmp_path / "ferry.txt"), "--index", where.url)
    assert (indexed.returncode, f"{where}: generation 1, 1 passages" in indexed.stderr) == (0, True)
    assert "ferry.txt" in citewire("index", "list", CITEWIRE_INDEX=where.url).stdout
    told = citewire("index", "status", "--json", "--index", where.url)
    assert (f'"index": "{where}"' in told.stdout, '"recall": 1.0' in told.stdout) == (True, True)
    for command in ("verify", "repair"):
        refused = citewire("index", command, "--index", where.url)
        assert (refused.returncode, f"and {where} is a database" in refused.stderr) == (2, True)
    unnamed = citewire("index", "list", "--index", "postgresql://ada:secret@db.example")
    assert (unnamed.returncode, "postgresql://ada@db.example names no database" in unnamed.stderr) == (2, True)
    assert "secret" not in "".join(
        one.stdout + one.stderr for one in (indexed, told, unnamed, citewire("config", CITEWIRE_INDEX=where.url))
    )


@pytest.mark.parametrize(
    ("said", "shown", "exact"),
    [
        (
            "postgresql://ada:pw@db.example:5433/news?exact=1&sslmode=require",
            "postgresql://ada@db.example:5433/news",
            True,
        ),
        ("postgres:///news?password=pw", "postgres:///news", False),
        ("postgresql://a.example,b.example/news", "postgresql://a.example,b.example/news", False),
    ],
)
def test_addresses(said: str, shown: str, exact: bool) -> None:
    found = location(said)
    assert isinstance(found, Address)
    assert (str(found), found.exact, "pw" in repr(found), "exact" in found.url) == (shown, exact, False, False)
    assert location("news/postgresql") == Path("news/postgresql")
    with pytest.raises(InputError, match="has exact=yes"):
        location("postgresql://db.example/news?exact=yes")
