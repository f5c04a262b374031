"""The articles beside the chat: list, search, reading, adding, removing, and recovery after a killed process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from articles_view import left
from embedders import HashedWordsEmbedder

from citewire.index.articles import ReadOptions
from citewire.index.build import build_index
from citewire.index.documents import Limits
from citewire.index.errors import CitewireError, InputError
from citewire.index.store import Index
from citewire.index.types import Embedder
from citewire.index.writer import Writer
from citewire.ui import corpus as corpus_module
from citewire.ui import uploads as uploads_module
from citewire.ui.corpus import ChangingError, Choice, Corpus, NoArticleError
from citewire.ui.uploads import TooLargeError, UnknownFormatError, Upload, folder_of, kept

pytestmark = pytest.mark.slow  # processes, servers or real networks

TUNNEL = (
    "The Harbour Tunnel will open to traffic on 18 May. Ines Okafor said that it cost 1.9 billion euros in the end."
)
LONG = "\n".join(f"Line {n} of the council's minutes speaks of parks and of benches." for n in range(1, 900))
WIRES = {
    "herald.jsonl": [
        {"text": TUNNEL, "title": "Harbour Tunnel opens", "outlet": "Herald", "date": "2026-02-11"},
        {"text": LONG, "title": "Minutes", "outlet": "Gazette", "date": "2026-03-02", "author": "Bo Lind"},
        {"text": "Ferries stop. The last ferry across the harbour sails on Sunday evening.", "outlet": "herald"},
    ],
}


def made(folder: Path, embedder: Embedder) -> Path:
    """Index `WIRES`; return the index."""
    (folder / "news").mkdir()
    for name, records in WIRES.items():
        (folder / "news" / name).write_text("".join(json.dumps(record) + "\n" for record in records))
    build_index([folder / "news"], folder / "index", embedder)
    return folder / "index"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `WIRES` and their index; each test has a copy."""
    folder = tmp_path_factory.mktemp("built")
    made(folder, HashedWordsEmbedder())
    return folder


@pytest.fixture
def corpus(built: Path, tmp_path: Path) -> Iterator[Corpus]:
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    options = ReadOptions(limits=Limits(bytes=10_000))
    opened = Corpus(tmp_path / "index", HashedWordsEmbedder(), options=options, room=25_000)
    yield opened
    opened.close()


def upload(corpus: Corpus, name: str, data: bytes, length: int | None = None) -> Upload:
    with corpus.uploads.receive(name, length) as arrival:
        for start in range(0, len(data), 1000):
            arrival.write(data[start : start + 1000])
        return arrival.finish()


def settled(corpus: Corpus, *sent: Upload) -> list[Upload]:
    """Wait until no file is waiting or being indexed."""
    while any(one.state in ("waiting", "indexing") for one in sent):
        time.sleep(0.01)
    return list(sent)


def titles(corpus: Corpus, choice: Choice) -> list[str]:
    return [row.title for row in corpus.select(choice).rows]


# -- listing ----------------------------------------------------------------------------------------------


def test_a_list_says_what_there_is(corpus: Corpus) -> None:
    listing = corpus.select(Choice())
    assert (listing.articles, listing.found, listing.undated) == (3, 3, 1)
    assert (listing.first, listing.last) == ("2026-02-11", "2026-03-02")
    assert dict(listing.outlets) == {"Herald": 1, "Gazette": 1, "herald": 1}
    first, second, last = listing.rows
    assert (first.path, first.title, first.date, first.author) == ("herald.jsonl#2", "Minutes", "2 Mar 2026", "Bo Lind")
    assert (second.title, second.words, second.copies) == ("Harbour Tunnel opens", len(TUNNEL.split()), 0)
    assert last.title == "“Ferries stop. The last ferry across the harbour sails…”"
    assert (last.date, last.uploaded) == ("", False)


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        (Choice(words="ferry sunday"), ["herald.jsonl#3"]),
        (Choice(words="harbour"), ["herald.jsonl#1", "herald.jsonl#3"]),  # title before text
        (Choice(words="harbour benches"), []),  # all words must be in one article
        (Choice(words="bo li"), ["herald.jsonl#2"]),  # part of the author's name
        (Choice(words="the"), []),  # function words are searched in titles only
        (Choice(words="“;DROP (*"), []),
        (Choice(outlets=("HERALD",)), ["herald.jsonl#1", "herald.jsonl#3"]),
        (Choice(published_from="2026-02-12"), ["herald.jsonl#2"]),
        (Choice(published_to="2026-02-11"), ["herald.jsonl#1"]),
        (Choice(sort="oldest"), ["herald.jsonl#1", "herald.jsonl#2", "herald.jsonl#3"]),
        (Choice(sort="newest"), ["herald.jsonl#2", "herald.jsonl#1", "herald.jsonl#3"]),
        (Choice(sort="longest", limit=1), ["herald.jsonl#2"]),
        (Choice(sort="title", offset=1, limit=1), ["herald.jsonl#2"]),
        (Choice(offset=7), []),
    ],
)
def test_choices(corpus: Corpus, choice: Choice, found: list[str]) -> None:
    assert [row.path for row in corpus.select(choice).rows] == found


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        ({"published_from": "2026-2-1"}, "'2026-2-1' is no day"),
        ({"published_from": "2026-02-02", "published_to": "2026-02-01"}, "comes after the last"),
        ({"sort": "best"}, "'best' is no order"),
        ({"limit": 0}, "0 articles from number 0"),
        ({"limit": 201}, "201 articles"),
        ({"offset": -1}, "from number -1"),
    ],
)
def test_bad_choices(choice: dict[str, object], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Choice(**choice)  # type: ignore[arg-type]


def test_a_long_article_is_read_in_parts_that_end_at_lines(corpus: Corpus) -> None:
    text, start = "", 0
    while True:
        part = corpus.read("herald.jsonl#2", start)
        assert part.start == start
        text += "\n".join(part.paragraphs) + "\n"
        if part.end == part.characters:
            break
        assert part.end - start <= corpus_module.PAGE_CHARS
        start = part.end
    assert text.strip() == LONG
    assert start > 0


def test_what_cannot_be_read(corpus: Corpus) -> None:
    with pytest.raises(NoArticleError, match=r"no article 'nothing\.txt'"):
        corpus.read("nothing.txt")
    with pytest.raises(InputError, match="has no character 99999"):
        corpus.read("herald.jsonl#1", 99_999)


def test_there_must_be_an_index(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no index"):
        Corpus(tmp_path / "index", HashedWordsEmbedder())


def test_hundreds_of_articles_are_listed_a_page_at_a_time(tmp_path: Path) -> None:
    embedder = HashedWordsEmbedder()
    lines = (
        json.dumps({"text": f"Parcel {n} was sent.", "title": f"Parcel {n:04}", "outlet": f"Post {n % 7}"})
        for n in range(600)
    )
    (tmp_path / "wire.jsonl").write_text("\n".join(lines))
    build_index([tmp_path / "wire.jsonl"], tmp_path / "index", embedder)
    listing = Corpus(tmp_path / "index", embedder).select(
        Choice(outlets=("Post 3",), sort="title", offset=50, limit=25)
    )
    assert (listing.found, listing.articles) == (86, 600)
    assert [row.title for row in listing.rows] == [f"Parcel {n:04}" for n in range(3 + 50 * 7, 3 + 75 * 7, 7)]


# -- adding -----------------------------------------------------------------------------------------------


def test_what_is_odd_about_a_file_is_said(corpus: Corpus) -> None:
    corpus.start()
    sent = upload(corpus, "cafe.txt", "It’s the café of Herr Müller, who sold it on Monday.".encode("cp1252"))
    settled(corpus, sent)
    assert (sent.state, sent.notes) == ("indexed", ("is read as Windows-1252, as it is not UTF-8",))


def test_what_becomes_of_each_file(corpus: Corpus) -> None:
    corpus.start()
    sent = {
        "new": upload(corpus, "Träume.txt", b"Parcel seven was sent to Oslo on Monday."),
        "copy": upload(corpus, "again.txt", TUNNEL.encode()),
        "blank": upload(corpus, "blank.txt", b" \n "),
        "pdf": upload(corpus, "broken.pdf", b"%PDF-1.4 nothing"),
        "wire": upload(corpus, "wire.jsonl", b'{"text": "Snow fell on Bergen all day long."}\n{"text": ""}\n'),
    }
    settled(corpus, *sent.values())
    new, copy, blank, pdf, wire = sent.values()
    assert (new.state, new.articles, new.path) == ("indexed", 1, "uploaded/Träume.txt")
    assert (copy.state, copy.copy_of) == ("copy", (("herald.jsonl#1", "Harbour Tunnel opens"),))
    assert (blank.state, blank.reason) == ("rejected", "holds only white space")
    assert pdf.state == "rejected"
    assert "broken PDF" in pdf.reason
    assert (wire.state, wire.articles) == ("indexed", 1)
    assert [(left.part, left.reason) for left in wire.left_out] == [("#2", "has no text in 'text'; it has text")]
    assert left(corpus.folder) == {f"articles/uploaded/{name}" for name in ("Träume.txt", "again.txt", "wire.jsonl")}
    (row,) = corpus.select(Choice(words="Oslo")).rows
    assert (row.path, row.uploaded) == ("uploaded/Träume.txt", True)
    assert corpus.select(Choice(words="tunnel")).rows[0].copies == 1
    assert [copy.path for copy in corpus.read("herald.jsonl#1").copies] == ["uploaded/again.txt"]


def test_one_after_the_other_only_bad_files(corpus: Corpus) -> None:
    corpus.start()
    (bad,) = settled(corpus, upload(corpus, "blank.txt", b" "))
    assert (bad.state, bad.reason, bad.fix) == (
        "rejected",
        "holds only white space",
        "Add the text, or remove the file",
    )
    assert corpus.index.generation == 1
    assert left(corpus.folder) == set()


def test_names_are_never_taken_twice(corpus: Corpus) -> None:
    corpus.start()
    (first,) = settled(corpus, upload(corpus, "a.txt", b"Parcel seven was sent."))
    again = upload(corpus, "a.txt", b"Parcel seven was sent.")
    assert (again.state, again.articles) == ("known", 1)
    (other,) = settled(corpus, upload(corpus, "a.txt", b"Snow fell on Bergen."))
    assert (first.name, other.name) == ("a.txt", "a (2).txt")
    assert corpus.index.article("uploaded/a.txt").text == "Parcel seven was sent."
    assert corpus.index.article("uploaded/a (2).txt").text == "Snow fell on Bergen."


def test_an_upload_never_replaces_an_indexed_article(tmp_path: Path) -> None:
    embedder = HashedWordsEmbedder()
    (tmp_path / "news" / "uploaded").mkdir(parents=True)
    (tmp_path / "news" / "uploaded" / "a.txt").write_text("The owner's own article.")
    build_index([tmp_path / "news"], tmp_path / "index", embedder)
    corpus = Corpus(tmp_path / "index", embedder)
    corpus.start()
    (sent,) = settled(corpus, upload(corpus, "a.txt", b"Parcel seven was sent."))
    assert sent.path == "uploaded/a (2).txt"
    assert corpus.index.article("uploaded/a.txt").text == "The owner's own article."
    assert corpus.removal(["uploaded/a.txt"]).files == ()
    corpus.close()


@pytest.mark.parametrize(
    ("name", "error", "problem"),
    [
        ("a.exe", UnknownFormatError, "a.exe is not of a format"),
        ("a", UnknownFormatError, "a is not of a format"),
        ("letter.doc", UnknownFormatError, "Save it as .docx"),
        ("", InputError, "cannot be named ''"),
        ("news/", InputError, "cannot be named 'news/'"),
        ("a\nb.txt", InputError, "cannot be named"),
        (".txt", InputError, "about a folder"),
        ("README.md", InputError, "about a folder"),
        ("x" * 210 + ".txt", InputError, "longer than 200 bytes"),
    ],
)
def test_names_that_are_refused(corpus: Corpus, name: str, error: type[CitewireError], problem: str) -> None:
    with pytest.raises(error, match=problem):
        corpus.uploads.receive(name)
    assert left(corpus.folder) == set()


@pytest.mark.parametrize("name", ["../../evil.txt", "C:\\news\\evil.txt", "/etc/evil.txt"])
def test_a_name_cannot_lead_elsewhere(corpus: Corpus, name: str) -> None:
    sent = upload(corpus, name, b"Parcel seven was sent.")
    assert sent.name == "evil.txt"
    assert left(corpus.folder) == {f"waiting/{sent.id}/uploaded/evil.txt"}


def test_too_much_is_refused_as_soon_as_it_is_known(corpus: Corpus) -> None:
    with pytest.raises(TooLargeError, match=r"more than the 10,000 bytes"):
        corpus.uploads.receive("a.txt", 10_001)
    with pytest.raises(TooLargeError, match=r"more than the 10,000 bytes"):
        upload(corpus, "a.txt", b"x" * 10_001)  # without a stated length
    upload(corpus, "a.txt", b"x" * 9_000)
    with (
        corpus.uploads.receive("b.txt", 9_000) as arrival,
        corpus.uploads.receive("c.txt", 9_000),  # a stated length takes no room
    ):
        arrival.write(b"x" * 9_000)  # received bytes do
        with pytest.raises(TooLargeError, match="together would have more than 25,000"):
            corpus.uploads.receive("d.txt", 9_000)
    upload(corpus, "c.txt", b"x" * 9_000)  # an incomplete file no longer takes room
    with pytest.raises(InputError, match=r"d.txt is empty"):
        upload(corpus, "d.txt", b"")
    assert len(left(corpus.folder)) == 2


def test_another_writer_is_waited_for(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads_module, "BUSY_PAUSE_S", 0.01)
    monkeypatch.setattr(corpus_module, "WRITER_WAIT_S", 0.01)
    with Writer(corpus.folder):
        corpus.start()
        sent = upload(corpus, "a.txt", b"Parcel seven was sent.")
        while "another process" not in sent.reason:
            time.sleep(0.01)
        with pytest.raises(ChangingError, match=r"another process|being indexed"):
            corpus.remove(["herald.jsonl#1"])
    settled(corpus, sent)
    assert (sent.state, sent.reason) == ("indexed", "")


def test_a_failure_keeps_the_file_for_the_next_start(corpus: Corpus, tmp_path: Path) -> None:
    (file,) = (corpus.folder / "segments").glob("*/passages.db")
    good = file.read_bytes()
    file.write_bytes(b"x" + good[1:])
    corpus.start()
    (sent,) = settled(corpus, upload(corpus, "a.txt", b"Parcel seven was sent."))
    assert sent.state == "failed"
    assert "is damaged" in sent.reason
    assert "index repair" in sent.fix
    file.write_bytes(good)
    corpus.close()
    with restarted(corpus) as again:
        settled(again, *again.uploads.states())
        assert titles(again, Choice(words="parcel")) == ["“Parcel seven was sent…”"]


@contextmanager
def restarted(corpus: Corpus) -> Iterator[Corpus]:
    again = Corpus(corpus.folder, HashedWordsEmbedder())
    again.start()
    yield again
    again.close()


def test_a_bug_while_indexing_is_said_and_logged(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uploads_module, "build_index", lambda *_, **__: 1 // 0)
    corpus.start()
    (sent,) = settled(corpus, upload(corpus, "a.txt", b"Parcel seven was sent."))
    assert (sent.state, sent.reason) == ("failed", "Indexing failed")
    assert "ZeroDivisionError" in caplog.text


# -- generations ------------------------------------------------------------------------------------------


def test_who_searches_hears_of_new_generations(corpus: Corpus) -> None:
    heard: list[Index] = []
    corpus.subscribe(heard.append)
    before = corpus.index
    corpus.start()
    settled(corpus, upload(corpus, "a.txt", b"Parcel seven was sent."))
    assert [index.generation for index in heard] == [2]
    assert heard[0] is corpus.index
    assert len(before.articles()) == 3  # stays readable for an answer in progress


def test_what_another_process_publishes_is_taken_up(corpus: Corpus, tmp_path: Path) -> None:
    heard: list[Index] = []
    corpus.subscribe(heard.append)
    (tmp_path / "news" / "late.txt").write_text("Snow fell on Bergen.")
    build_index([tmp_path / "news"], corpus.folder, HashedWordsEmbedder())
    assert titles(corpus, Choice(words="Bergen")) == ["“Snow fell on Bergen…”"]
    assert [index.generation for index in heard] == [2]


def test_a_generation_that_cannot_be_read_leaves_the_one_before(
    corpus: Corpus, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build_index([tmp_path / "news"], corpus.folder, HashedWordsEmbedder(name="another model"))
    assert corpus.select(Choice()).generation == 1
    assert "the new generation cannot be read" in caplog.text


def test_mirroring_keeps_what_was_uploaded(corpus: Corpus, tmp_path: Path) -> None:
    assert kept(corpus.folder) == ()
    corpus.start()
    settled(corpus, upload(corpus, "a.txt", b"Parcel seven was sent."))
    report = build_index([tmp_path / "news", *kept(corpus.folder)], corpus.folder, HashedWordsEmbedder())
    assert (report.published, report.unchanged) == (False, 4)


# -- removing ---------------------------------------------------------------------------------------------


def test_an_uploaded_file_goes_with_all_that_was_read_from_it(corpus: Corpus) -> None:
    corpus.start()
    lines = b'{"text": "Snow fell on Bergen."}\n{"text": "Rain fell on Oslo."}\n'
    settled(corpus, upload(corpus, "w.jsonl", lines))
    asked = ["herald.jsonl#1", "uploaded/w.jsonl#2"]
    would = corpus.removal(asked)
    assert set(would.articles) == {"herald.jsonl#1", "uploaded/w.jsonl#1", "uploaded/w.jsonl#2"}
    assert (would.files, would.staying) == (("w.jsonl",), 1)
    assert corpus.select(Choice()).articles == 5
    assert corpus.remove(asked) == would
    assert [row.path for row in corpus.select(Choice(sort="title")).rows] == ["herald.jsonl#2", "herald.jsonl#3"]
    assert left(corpus.folder) == set()
    (back,) = settled(corpus, upload(corpus, "w.jsonl", lines))
    assert (back.state, back.articles) == ("indexed", 2)


def test_all_can_be_removed_and_new_ones_added(corpus: Corpus) -> None:
    corpus.start()
    corpus.remove([row.path for row in corpus.select(Choice()).rows])
    assert corpus.select(Choice(words="tunnel")).articles == 0
    settled(corpus, upload(corpus, "a.txt", b"Parcel seven was sent."))
    assert corpus.select(Choice()).articles == 1


def test_what_cannot_be_removed(corpus: Corpus) -> None:
    with pytest.raises(NoArticleError, match=r"no article 'nothing\.txt'"):
        corpus.remove(["herald.jsonl#1", "nothing.txt"])
    with pytest.raises(InputError, match="0 articles cannot be removed"):
        corpus.remove([])
    with pytest.raises(InputError, match="1,001 articles cannot be removed"):
        corpus.remove(["herald.jsonl#1"] * 1001)
    assert corpus.select(Choice()).articles == 3


def test_a_removal_that_fails_keeps_the_file(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus.start()
    settled(corpus, upload(corpus, "a.txt", b"Parcel seven was sent."))
    with Writer(corpus.folder), pytest.raises(ChangingError):
        corpus.remove(["uploaded/a.txt"])
    assert left(corpus.folder) == {"articles/uploaded/a.txt"}
    assert corpus.select(Choice()).articles == 4


# -- a process that dies ----------------------------------------------------------------------------------

DIES = """
import os, sys, time
from pathlib import Path
from embedders import HashedWordsEmbedder
from citewire.index import build, maintenance, writer
from citewire.ui import uploads
from citewire.ui.corpus import Corpus
folder, where = Path(sys.argv[1]), sys.argv[2]
def die(*_, **__):
    os.kill(os.getpid(), 9)
corpus = Corpus(folder, HashedWordsEmbedder())
corpus.start()
def send(name, data):
    with corpus.uploads.receive(name) as arrival:
        arrival.write(data)
        if where == "arriving":
            die()
        return arrival.finish()
if where == "indexing":
    uploads.build_index = die
if where == "published":
    uploads.Uploads._finish = die
if where in ("removing", "removed"):
    sent = send("a.txt", b"Parcel seven was sent.")
    while sent.state != "indexed":
        time.sleep(0.01)
    import citewire.ui.corpus as module
    if where == "removing":
        module.remove = die
    else:
        whole = module.remove
        module.remove = lambda *given: (whole(*given), die())
    corpus.remove(["uploaded/a.txt"])
else:
    send("a.txt", b"Parcel seven was sent.")
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("where", "there"),
    [("arriving", 0), ("indexing", 1), ("published", 1), ("removing", 0), ("removed", 0)],
)
def test_a_killed_process_loses_no_whole_file_and_keeps_no_half_one(tmp_path: Path, where: str, there: int) -> None:
    folder = made(tmp_path, HashedWordsEmbedder())
    paths = [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    process = subprocess.run(
        [sys.executable, "-c", DIES, str(folder), where],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        check=False,
    )
    assert process.returncode == -signal.SIGKILL
    corpus = Corpus(folder, HashedWordsEmbedder())
    corpus.start()
    settled(corpus, *corpus.uploads.states())
    corpus.close()
    assert len(corpus.select(Choice(words="parcel")).rows) == there
    assert corpus.select(Choice()).articles == 3 + there
    assert left(corpus.folder) == ({"articles/uploaded/a.txt"} if there else set())


def test_the_folder_must_be_writable(corpus: Corpus) -> None:
    folder_of(corpus.folder).write_text("a file where the folder should be")
    with pytest.raises(InputError, match="cannot be written"):
        corpus.uploads.receive("a.txt")


def test_waiting_files_that_cannot_be_read_are_said(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads_module, "_files", _denied)
    with pytest.raises(InputError, match="cannot be used: Permission denied"):
        corpus.start()


def _denied(folder: Path) -> Iterator[Path]:
    raise PermissionError(13, "Permission denied", str(folder))


def test_a_closed_corpus_takes_nothing(corpus: Corpus) -> None:
    corpus.start()
    corpus.close()
    with pytest.raises(InputError, match="citewire is closing"):
        corpus.uploads.receive("a.txt")


def test_with_the_real_embedder(embedder: Embedder, tmp_path: Path) -> None:
    corpus = Corpus(made(tmp_path, embedder), embedder)
    corpus.start()
    (sent,) = settled(corpus, upload(corpus, "a.txt", b"Parcel seven was sent to Oslo."))
    vector = embedder.embed_query("Where did the package go?")
    ((row, _),) = corpus.index.search_dense(vector, 1)
    assert corpus.index.fetch([row])[0].article == sent.path
    corpus.close()
