"""Harm by uploads, filters and links to the server and other visitors; each attack succeeded before its fix."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from articles_view import FILE, arriving, half_sent, left, serving
from browser import opened
from conftest import until, untraced
from embedders import HashedWordsEmbedder
from playwright.sync_api import Browser, FilePayload, expect

from citewire.index.articles import ReadOptions
from citewire.index.build import build_index
from citewire.index.options import SearchOptions
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Filters, Vectors
from citewire.index.web import Page
from citewire.ui import corpus_routes, uploads
from citewire.ui.allowance import HOUR_S, Allowance, Ledger, Sender, TooManyError
from citewire.ui.corpus import Choice, Corpus
from citewire.ui.uploads import folder_of
from citewire.ui.visitor import COOKIE

pytestmark = pytest.mark.slow  # processes, servers or real networks

TESTS = Path(__file__).resolve().parent.parent
ANNA, BERT = ({"Cookie": f"{COOKIE}={letter * 32}"} for letter in "ab")
OUTCOMES = ("indexed", "copy", "known", "rejected", "failed", "aside", "cancelled")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An index of two articles, one of them in a folder."""
    (tmp_path / "news" / "n1").mkdir(parents=True)
    (tmp_path / "news" / "n1" / "a.txt").write_text("Snow fell on Bergen.")
    (tmp_path / "news" / "b.txt").write_text("Rain fell on Oslo.")
    build_index([tmp_path / "news"], tmp_path / "index", HashedWordsEmbedder())
    return tmp_path / "index"


class HeldEmbedder(HashedWordsEmbedder):
    """An embedder that waits at its first passage until the test releases it."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go_on = threading.Event(), threading.Event()

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.reached.set()
        assert self.go_on.wait(60)
        return super().embed(texts)


@contextmanager
def served(
    folder: Path,
    embedder: HashedWordsEmbedder | None = None,
    fetch: Callable[[str], Page] | None = None,
    **options: Any,
) -> Iterator[tuple[str, Corpus]]:
    """Serve an index; yield the address and the corpus."""
    corpus = Corpus(folder, embedder or HashedWordsEmbedder(), **options)
    corpus.start()
    try:
        with serving(corpus, fetch) as url:
            for visitor in (ANNA, BERT):  # the server has issued these ids now
                httpx.get(url, headers={**visitor, "Sec-Fetch-Dest": "document"})
            yield url, corpus
    finally:
        corpus.close()


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    with served(folder) as (address, _):
        yield address


def send(url: str, name: str, text: str, visitor: Mapping[str, str] = ANNA) -> httpx.Response:
    return httpx.post(f"{url}/uploads", params={"name": name}, content=text.encode(), headers={**FILE, **visitor})


def states(url: str, visitor: Mapping[str, str] = ANNA) -> dict[str, dict[str, Any]]:
    found = httpx.get(f"{url}/uploads", headers=visitor, timeout=60).json()["uploads"]
    return {upload["name"]: upload for upload in found}


def settled(url: str) -> dict[str, dict[str, Any]]:
    """Wait until there are files and each one is finished; return their states."""

    def all_are() -> bool:
        found = states(url)
        return bool(found) and all(one["state"] in OUTCOMES for one in found.values())

    until(all_are, 90)
    return states(url)


# -- a file that kills its process -------------------------------------------------------------------------

# Runs in the server and its child processes: finding the dates of a text with the poison kills the process.
POISON = r"""
import os, re, signal
import citewire.index.dates as dates
whole = dates.mentions
def mentions(text, published):
    if "poison" in text:
        os.kill(os.getpid(), signal.SIGKILL)
    if "tar pit" in text:
        re.match(r"(?:<!--.*?-->\s*)*x", "<!---->" * 60)
    return whole(text, published)
dates.mentions = mentions
"""
SERVER = """
import sys, time
from pathlib import Path
from embedders import HashedWordsEmbedder
from articles_view import serving
from citewire.ui import trial
from citewire.ui.corpus import Corpus
trial.SECONDS = float(sys.argv[3])
corpus = Corpus(Path(sys.argv[1]), HashedWordsEmbedder())
with serving(corpus) as url:
    print(url, flush=True)
    if sys.argv[2] == "start":
        corpus.start()
    time.sleep(600)
"""


@contextmanager
def process(folder: Path, poison: Path | None, *, start: bool, seconds: float = 60) -> Iterator[tuple[str, Any]]:
    """Serve an index in its own process; yield the address and the process, which is killed at the end."""
    paths = [*([str(poison)] if poison else []), str(TESTS), os.environ.get("PYTHONPATH", "")]
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(folder), "start" if start else "wait", str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
        env=untraced() | {"PYTHONPATH": os.pathsep.join(paths)},
    ) as started:
        try:
            assert started.stdout
            yield started.stdout.readline().strip(), started
        finally:
            started.kill()


@pytest.fixture
def poison(tmp_path: Path) -> Path:
    """A folder with the poison, for the path of Python processes."""
    (tmp_path / "poison").mkdir()
    (tmp_path / "poison" / "sitecustomize.py").write_text(POISON)
    return tmp_path / "poison"


def wait_with(folder: Path, **texts: str) -> None:
    """Store files as if they were accepted, but not yet indexed, when the server ended."""
    corpus = Corpus(folder, HashedWordsEmbedder())
    for name, text in texts.items():
        with corpus.uploads.receive(f"{name}.txt") as arrival:
            arrival.write(text.encode())
            arrival.finish()
    corpus.close()


def test_only_the_files_at_which_a_process_dies_are_set_aside(folder: Path, poison: Path) -> None:
    texts = {"guilty": "This is poison.", "pit": "This is a tar pit.", "b": "Parcel two."}
    wait_with(folder, **texts)
    with process(folder, poison, start=True):  # dies, or hangs and answers nobody, until its owner kills it
        until(lambda: len(list((folder_of(folder) / "indexing").glob("*/*"))) == len(texts))  # it takes all at once
    with process(folder, poison, start=True, seconds=6) as (url, second):
        found = settled(url)
        assert second.poll() is None
        assert {name: one["state"] for name, one in found.items()} == {
            "guilty.txt": "aside",
            "pit.txt": "aside",
            "b.txt": "indexed",
        }
        places = {name: f"set-aside/{found[f'{name}.txt']['id']}" for name in ("guilty", "pit")}
        for name, place in places.items():
            assert "not tried again" in found[f"{name}.txt"]["reason"]
            assert place in found[f"{name}.txt"]["fix"]
        assert send(url, "later.txt", "Parcel three.").status_code == 202
        assert settled(url)["later.txt"]["state"] == "indexed"
    for name, place in places.items():
        assert (folder_of(folder) / place / "uploaded" / f"{name}.txt").read_text() == texts[name]
    with served(folder) as (url, _):  # still listed, and not read again
        assert {states(url)[f"{name}.txt"]["state"] for name in places} == {"aside"}
        assert httpx.get(f"{url}/corpus?q=parcel").json()["found"] == 2


LEAVES = """
import sys, threading, time
from pathlib import Path
from embedders import HashedWordsEmbedder
from citewire.ui.corpus import Corpus
begun = threading.Event()
class Slow(HashedWordsEmbedder):
    def embed(self, texts):
        begun.set()
        time.sleep(60)
corpus = Corpus(Path(sys.argv[1]), Slow())
corpus.start()
assert begun.wait(60)
corpus.uploads.leave()
"""


def test_an_end_in_good_order_blames_no_file(folder: Path) -> None:
    wait_with(folder, a="Parcel one.")
    paths = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    subprocess.run([sys.executable, "-c", LEAVES, str(folder)], env=os.environ | {"PYTHONPATH": paths}, check=True)
    assert not list((folder_of(folder) / "indexing").glob("*/*"))


STOPS = """
import os, signal, sys
from pathlib import Path
from embedders import HashedWordsEmbedder
from citewire.ui.corpus import Corpus
class Dying(HashedWordsEmbedder):
    def embed(self, texts):
        os.kill(os.getpid(), signal.SIGKILL)
corpus = Corpus(Path(sys.argv[1]), Dying())
corpus.start()
import time
time.sleep(60)
"""


def die_embedding(folder: Path) -> None:
    """Start a server that is killed while it indexes."""
    paths = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", STOPS, str(folder)]
    done = subprocess.run(command, env=untraced() | {"PYTHONPATH": paths}, check=False)
    assert done.returncode == -signal.SIGKILL


def test_files_of_a_batch_that_a_power_cut_interrupted_are_all_indexed(folder: Path) -> None:
    wait_with(folder, **{f"f{n}": f"Parcel {n}." for n in range(5)})
    die_embedding(folder)
    assert len(list((folder_of(folder) / "indexing").glob("*/*"))) == 5
    with served(folder) as (url, _):
        assert {one["state"] for one in settled(url).values()} <= {"indexed", "copy"}
        assert httpx.get(f"{url}/corpus?q=parcel").json()["found"] == 5
    assert list((folder_of(folder) / "indexing").glob("*/*")) == []


def test_a_file_that_passes_its_trial_and_kills_alone_is_set_aside_at_the_third_start(folder: Path) -> None:
    wait_with(folder, bad="Parcel one.")
    die_embedding(folder)
    die_embedding(folder)
    with served(folder) as (url, _):
        assert settled(url)["bad.txt"]["state"] == "aside"


def test_a_second_server_leaves_the_first_ones_files_alone(folder: Path) -> None:
    with process(folder, None, start=False) as (url, _):
        assert send(url, "waits.txt", "Parcel one.").status_code == 202
        with half_sent(url, "Content-Length: 9") as connection:
            until(lambda: arriving(folder))
            with served(folder) as (second, _):
                assert states(second) == {}
            assert len(arriving(folder)) == 1
            connection.sendall(b"l 7.")
            until(lambda: len(states(url)) == 2)
    with served(folder) as (second, _):  # the first server is dead by now
        assert {one["state"] for one in settled(second).values()} <= {"indexed", "copy"}
    assert left(folder) == {"articles/uploaded/waits.txt", "articles/uploaded/half.txt"}


# -- room, places and time --------------------------------------------------------------------------------


def test_what_is_declared_and_not_sent_takes_no_room_and_no_place(folder: Path) -> None:
    with served(folder, room=200_000) as (url, _), ExitStack() as stack:
        for _ in range(88):
            declared = stack.enter_context(socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))))
            declared.sendall(
                b"POST /uploads?name=big.txt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
                b"Content-Type: application/octet-stream\r\n\r\n"
            )
        for n in range(5):
            assert send(url, f"honest{n}.txt", f"Parcel {n}.").status_code == 202


def test_a_visitor_has_so_many_places_and_others_have_theirs(folder: Path) -> None:
    with served(folder, allowance=Allowance(at_once=2)) as (url, _), ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(half_sent(url, f"Content-Length: 22\r\nCookie: {ANNA['Cookie']}"))
        until(lambda: len(arriving(folder)) == 2)
        refused = send(url, "a.txt", "Parcel one.")
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.json()["problem"] == "2 files of yours are arriving already"
        assert send(url, "b.txt", "Parcel two.", BERT).status_code == 202
        stack.close()
        until(lambda: not arriving(folder))
        assert send(url, "a.txt", "Parcel one.").status_code == 202


def test_nobody_holds_all_places_that_fetch(folder: Path) -> None:
    """No site answers before all are let go. Of four visitors three share an address."""
    asked: list[str] = []
    go_on = threading.Event()

    def fetch(address: str) -> Page:
        asked.append(address)
        assert go_on.wait(60)
        return Page(b"Rain in Lund.", address, ".txt")

    with (
        served(folder, fetch=fetch, options=ReadOptions(allow_web=True)) as (url, _),
        ThreadPoolExecutor() as pool,
        ExitStack() as stack,
    ):

        def client(visitor: str, host: int) -> httpx.Client:
            where = httpx.HTTPTransport(local_address=f"127.0.0.{host}")
            made = stack.enter_context(httpx.Client(transport=where, timeout=60, cookies={COOKIE: visitor * 32}))
            made.get(url, headers={"Sec-Fetch-Dest": "document"})
            return made

        def add(who: httpx.Client, number: int) -> httpx.Response:
            return who.post(f"{url}/v1/addresses", json={"address": f"http://example.org/{number}.txt"})

        def held(who: httpx.Client) -> None:
            known = len(asked)
            sent.append(pool.submit(add, who, known))
            until(lambda: len(asked) == known + 1 or sent[-1].done())
            assert len(asked) == known + 1, sent[-1].result().text

        def refused(who: httpx.Client) -> str:
            answer = add(who, 99)
            assert (answer.status_code, answer.headers["content-type"]) == (429, "application/problem+json")
            assert int(answer.headers["Retry-After"]) > 0
            return str(answer.json()["problem"])

        sent: list[Future[httpx.Response]] = []
        anna, bert, cleo, dora = client("A", 2), client("B", 2), client("C", 2), client("D", 3)
        stack.callback(go_on.set)
        for one in (anna, anna, bert, bert):
            held(one)
            if len(asked) == 2:
                assert refused(anna) == "2 web addresses of yours are being fetched already"
        assert refused(cleo) == "4 web addresses are being fetched for your address already"
        held(dora)
        held(dora)
        assert refused(client("E", 4)) == "6 web addresses are being fetched already"
        go_on.set()
        assert [one.result().status_code for one in sent] == [202] * 6
        assert add(anna, 6).status_code == 202
    assert asked == [f"http://example.org/{number}.txt" for number in range(7)]


@pytest.mark.parametrize(("idle", "rate", "said"), [(0.2, 0, "stopped arriving"), (0.2, 10**9, "fewer than")])
def test_a_file_that_stalls_or_trickles_is_dropped(
    folder: Path, monkeypatch: pytest.MonkeyPatch, idle: float, rate: int, said: str
) -> None:
    monkeypatch.setattr(corpus_routes, "IDLE_S", idle)
    monkeypatch.setattr(corpus_routes, "LEAST_RATE", rate)
    with served(folder, allowance=Allowance(at_once=1)) as (url, _):
        header = "Transfer-Encoding: chunked" if rate else "Content-Length: 22"
        with half_sent(url, f"{header}\r\nCookie: {ANNA['Cookie']}") as connection:
            connection.settimeout(0.05)
            answer = b""
            for _ in range(600):
                try:
                    answer += connection.recv(2_000)
                except TimeoutError:
                    if rate:
                        connection.sendall(b"1\r\n \r\n")
                if said.encode() in answer:
                    break
        assert b"408" in answer
        assert said.encode() in answer
        assert left(folder) == set()
        assert send(url, "a.txt", "Parcel one.").status_code == 202  # its place is free again


def test_files_bytes_and_articles_of_an_hour_are_limited() -> None:
    now = [0.0]
    ledger = Ledger(Allowance(at_once=1, files=3, bytes=100, articles=2), lambda: now[0])
    anna, bert = Sender("a", "1.2.3.4"), Sender("b", "1.2.3.4")

    def take(sender: Sender, size: int) -> None:
        ledger.enter(sender)
        ledger.leave(sender, size)

    for _ in range(3):
        take(anna, 1)
    with pytest.raises(TooManyError, match="3 files of yours") as caught:
        take(anna, 1)
    assert 0 < caught.value.seconds <= HOUR_S + 1
    take(bert, 100)
    with pytest.raises(TooManyError, match="100 bytes of yours"):
        take(bert, 1)
    take(Sender("c", "5.6.7.8"), 1)
    ledger.read(Sender("c", "5.6.7.8"), 2)
    with pytest.raises(TooManyError, match="2 articles of yours"):
        take(Sender("c", "5.6.7.8"), 1)
    for n in range(8):  # made-up visitors share the limits of their address
        take(Sender(f"new{n}", "1.2.3.4"), 0)
    with pytest.raises(TooManyError, match="12 files"):
        take(Sender("another", "1.2.3.4"), 0)
    now[0] = HOUR_S + 1
    take(anna, 1)
    take(Sender(), 10**9)  # a sender without id and address is the owner's own program, without limits


def test_an_hours_files_are_refused_over_http(folder: Path) -> None:
    with served(folder, allowance=Allowance(files=2)) as (url, _):
        answers = [send(url, f"{n}.txt", f"Parcel {n}.") for n in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert send(url, "b.txt", "Parcel b.", BERT).status_code == 202


# -- turns and taking back --------------------------------------------------------------------------------


def many(count: int) -> str:
    return "".join(f'{{"text": "Parcel {n} was sent to number {n * n}."}}\n' for n in range(count))


def test_one_visitors_hundreds_of_passages_do_not_hold_up_anothers_article(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "SLICE", 128)
    embedder = HeldEmbedder()
    published: list[set[str]] = []
    with served(folder, embedder) as (url, corpus):
        corpus.subscribe(lambda index: published.append({one.path for one in index.articles()}))
        assert send(url, "many.jsonl", many(600)).status_code == 202
        assert embedder.reached.wait(60)
        assert send(url, "one.txt", "Hail fell on Tromsø.", BERT).status_code == 202
        embedder.go_on.set()
        assert {one["state"] for one in settled(url).values()} == {"indexed"}
    assert "uploaded/one.txt" in published[0]
    assert "uploaded/many.jsonl#1" not in published[0]
    assert "uploaded/many.jsonl#600" in published[1]
    assert embedder.calls == 601  # nothing was embedded twice


def test_two_visitors_long_files_both_come_to_an_end(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "SLICE", 128)
    monkeypatch.setattr(uploads, "KEPT_VECTORS", 150)  # less than one file has
    embedder = HeldEmbedder()
    with served(folder, embedder) as (url, _):
        send(url, "a.jsonl", many(400))
        assert embedder.reached.wait(60)
        send(url, "b.jsonl", many(401).replace("sent", "lost"), BERT)
        embedder.go_on.set()
        assert [one["articles"] for one in settled(url).values()] == [400, 401]


def test_a_file_is_taken_back_by_who_sent_it_and_nothing_of_it_is_published(folder: Path) -> None:
    embedder = HeldEmbedder()
    published: list[set[str]] = []
    with served(folder, embedder) as (url, corpus):
        corpus.subscribe(lambda index: published.append({one.path for one in index.articles()}))
        first = send(url, "first.jsonl", many(200)).json()["id"]
        assert embedder.reached.wait(60)
        second = send(url, "second.txt", "Hail fell on Tromsø.").json()["id"]
        third = send(url, "third.txt", "Sleet fell on Bodø.").json()["id"]
        assert [one["own"] for one in states(url, BERT).values()] == [False] * 3
        assert httpx.delete(f"{url}/uploads/{first}", headers=BERT).status_code == 404
        assert httpx.delete(f"{url}/uploads/{first}").status_code == 404  # a program at the same address
        assert (
            httpx.delete(f"{url}/uploads/{first}", headers={**ANNA, "Sec-Fetch-Site": "cross-site"}).status_code == 403
        )
        assert [one["own"] for one in states(url).values()] == [True] * 3
        assert httpx.delete(f"{url}/uploads/{second}", headers=ANNA).json()["state"] == "cancelled"
        assert httpx.delete(f"{url}/uploads/{first}", headers=ANNA).json()["stage"] == "being taken back"
        embedder.go_on.set()
        found = settled(url)
        assert [one["state"] for one in found.values()] == ["cancelled", "cancelled", "indexed"]
        assert httpx.delete(f"{url}/uploads/{third}", headers=ANNA).status_code == 409
    assert published == [{"n1/a.txt", "b.txt", "uploaded/third.txt"}]
    assert left(folder) == {"articles/uploaded/third.txt"}


def test_a_file_that_is_taken_back_too_late_is_taken_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(folder) as (url, corpus):
        finish = corpus.uploads._finish

        def late(work: Any, *rest: Any) -> None:
            corpus.uploads.cancel(work.upload.id, "a" * 32)
            finish(work, *rest)

        monkeypatch.setattr(corpus.uploads, "_finish", late)
        send(url, "late.txt", "Parcel one.")
        assert settled(url)["late.txt"]["state"] == "cancelled"
        assert corpus.select(Choice()).articles == 2
    assert left(folder) == set()


def test_indexing_gives_way_to_a_question_for_a_while(folder: Path) -> None:
    answering, looked = threading.Event(), threading.Event()
    answering.set()

    def is_answering() -> bool:
        looked.set()
        return answering.is_set()

    embedder = HashedWordsEmbedder()
    with served(folder, embedder) as (url, corpus):
        corpus.uploads.give_way_to(is_answering)
        send(url, "a.txt", "Parcel one.")
        assert looked.wait(60)
        assert settled(url)["a.txt"]["state"] == "indexed"  # not forever: questions may never stop


def test_the_page_takes_a_file_back(chromium: Browser, folder: Path) -> None:
    embedder = HeldEmbedder()
    with served(folder, embedder) as (url, corpus), opened(chromium, url) as page:
        page.get_by_role("button", name="Articles").click()
        send(url, "theirs.txt", "Parcel one.", BERT)
        page.locator("input[type=file]").set_input_files(
            FilePayload(name="mine.txt", mimeType="", buffer=b"Parcel two.")
        )
        row = page.locator(".cw-file", has_text="mine.txt")
        expect(row.locator(".cw-file-state")).to_contain_text("waits to be indexed")
        page.get_by_role("button", name="Cancel mine.txt").click()
        expect(row.locator(".cw-file-state")).to_have_text("taken back")
        expect(page.get_by_role("button", name="Cancel theirs.txt")).to_be_hidden()
        embedder.go_on.set()
        until(lambda: states(url)["theirs.txt"]["state"] == "indexed")
        assert corpus.select(Choice()).articles == 3


def test_the_page_sends_again_what_was_not_taken_for_now(chromium: Browser, folder: Path) -> None:
    with served(folder) as (url, _), opened(chromium, url, refused=1) as page:
        refusals = iter([True])

        def once(route: Any) -> None:
            if route.request.method == "POST" and next(refusals, False):
                body = json.dumps({"problem": "4 files of yours are arriving already", "fix": "Wait"})
                route.fulfill(status=429, headers={"Retry-After": "1"}, body=body, content_type="application/json")
            else:
                route.continue_()

        page.route("**/uploads?*", once)
        page.get_by_role("button", name="Articles").click()
        page.locator("input[type=file]").set_input_files(
            FilePayload(name="mine.txt", mimeType="", buffer=b"Parcel two.")
        )
        expect(page.locator(".cw-file-state")).to_have_text("indexed", timeout=20_000)


# -- an index that was replaced after opening --------------------------------------------------------------


def _deleted(folder: Path) -> None:
    shutil.rmtree(folder)


def _replaced(folder: Path) -> None:
    shutil.rmtree(folder)
    build_index([folder.parent / "news" / "b.txt"], folder, HashedWordsEmbedder())


def _emptied_and_filled(folder: Path) -> None:
    for inside in folder.iterdir():
        shutil.rmtree(inside) if inside.is_dir() else inside.unlink()
    build_index([folder.parent / "news" / "b.txt"], folder, HashedWordsEmbedder())


def _of_another_embedder(folder: Path) -> None:
    build_index([folder.parent / "news" / "b.txt"], folder, HashedWordsEmbedder(name="another"))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_deleted, "was deleted"),
        (_replaced, "another index is in"),
        (_emptied_and_filled, "another index is in"),
        (_of_another_embedder, "was made with embedder"),
    ],
)
def test_an_index_that_was_deleted_or_replaced_is_not_begun_anew(
    folder: Path, change: Callable[[Path], None], problem: str
) -> None:
    with served(folder) as (url, _):
        change(folder)
        before = sorted(folder.rglob("*"))
        refused = send(url, "a.txt", "Parcel one.")
        assert refused.status_code in (400, 409)
        assert problem in refused.json()["problem"]
        assert refused.json()["fix"]
        removal = httpx.post(f"{url}/corpus/removal", json={"paths": ["b.txt"], "sure": True})
        assert problem in removal.json()["problem"]
        assert sorted(folder.rglob("*")) == before


def test_a_file_that_waited_when_the_index_went_stays(folder: Path) -> None:
    embedder = HeldEmbedder()
    with served(folder, embedder) as (url, _):
        send(url, "a.txt", "Parcel one.")
        assert embedder.reached.wait(60)
        send(url, "b.txt", "Parcel two.", BERT)
        shutil.move(folder, folder.with_name("moved"))
        embedder.go_on.set()
        found = settled(url)
        assert found["b.txt"]["state"] == "failed"
        assert "was deleted" in found["b.txt"]["reason"]
    assert any(file.endswith("uploaded/b.txt") for file in left(folder))


# -- requests ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sure", ["yes", "true", 1, "1", "on"])
def test_only_true_is_sure(url: str, sure: object) -> None:
    answer = httpx.post(f"{url}/corpus/removal", json={"paths": ["b.txt"], "sure": sure})
    assert answer.status_code == 422
    assert "sure" in answer.json()["problem"]
    assert httpx.get(f"{url}/corpus").json()["articles"] == 2


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(articles=tuple(f"n{n}/" for n in range(5_000))), ["n1/a.txt"]),
        (Filters(articles=("b.txt", *(f"m{n}/" for n in range(5_000)))), ["b.txt"]),
        (Filters(metadata={f"key{n}": "value" for n in range(5_000)}), []),
        (Filters(outlets=tuple(f"Post {n}" for n in range(5_000))), []),
    ],
)
def test_thousands_of_filters_are_no_damaged_database(folder: Path, filters: Filters, found: list[str]) -> None:
    embedder = HashedWordsEmbedder()
    with Index.open(folder, embedder) as index:
        hits = search(index, embedder, "Where did snow or rain fall?", SearchOptions(filters=filters))
        assert [hit.passage.article for hit in hits] == found
