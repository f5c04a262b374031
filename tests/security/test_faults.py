"""A page in normal use, with a real model: the faults that it survives, and the load that one client can cause.

Most tests start or share a process of `citewire serve` and send requests over HTTP.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import openai_server
import pytest
from commands import COMMAND, free_port
from conftest import REPOSITORY, together, until
from served import serving

from citewire.index.build import build_index
from citewire.index.maintenance import verify
from citewire.index.types import Embedder
from citewire.ui.ask_routes import MOST_TURNS
from citewire.ui.cli import lay_out
from citewire.ui.settings import Settings

pytestmark = pytest.mark.slow

QUESTION = "How much revenue did the AI unit generate?"
FILE = {"Content-Type": "application/octet-stream"}
LATEST_S = 1.0  # most seconds to end an answer whose client has gone
REFUSED_S = 5.0  # most seconds to refuse a request; its place in the line would take several times as long
NAMESPACE = ("unshare", "--map-root-user", "--mount")


class Served:
    """A running page: its address, and its process."""

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.url, self.process = url, process

    def ask(self, question: str = QUESTION, **more: Any) -> httpx.Response:
        return httpx.post(f"{self.url}/v1/ask", json={"question": question, **more}, timeout=120)

    def figure(self, name: str) -> float:
        told = httpx.get(f"{self.url}/metrics", timeout=60).text
        return next(float(line.split()[1]) for line in told.splitlines() if line.startswith(f"{name} "))

    def children(self) -> list[int]:
        """Its child processes, of all its threads."""
        found: list[int] = []
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
                found += map(int, (thread / "children").read_text().split())
        return found

    def engine(self) -> int:
        """The process of its language model."""
        named = [pid for pid in self.children() if b"generate.child" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(named) == 1, named
        return named[0]

    def memory(self) -> float:
        """Resident memory of the process and its children, in MB."""
        every = [self.process.pid, *self.children()]
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in every) * 4096 / 1e6


@contextmanager
def running(index: Path, model: str, *flags: str, around: Sequence[str] = (), **variables: str) -> Iterator[Served]:
    """Serve an index until the block ends; yield once its models are loaded."""
    port = free_port()
    command = [*around, *COMMAND, "serve", "--index", str(index), "--model", model, "--port", str(port), *flags]
    with subprocess.Popen(
        command,
        env=os.environ | {"CITEWIRE_CACHED_ANSWERS": "0", "CITEWIRE_READER": "small"} | variables,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().split()[2]
            until(lambda: httpx.get(f"{url}/readyz", timeout=60).status_code == 200, 240)
            yield Served(url, process)
        finally:
            process.terminate()


def exchanges(page: Served, visitor: httpx.Client) -> dict[str, Any]:
    """Return id -> exchange of all conversations of a visitor."""
    listed = visitor.get(f"{page.url}/conversations").json()
    found = [visitor.get(f"{page.url}/conversations/{one['id']}").json() for one in listed]
    return {exchange["id"]: exchange for one in found for exchange in one["exchanges"]}


def answered(exchanges: dict[str, Any]) -> dict[str, str]:
    every = {known: one["answer"] for known, one in exchanges.items()}
    return {known: answer["text"] for known, answer in every.items() if answer["status"] != "stopped"}


@dataclass
class Killed:
    """What a server had told before it was killed: the files it took, and the exchanges of each visitor."""

    folder: Path
    taken: set[str]
    visitors: list[httpx.Client]
    told: list[dict[str, Any]]

    def again(self) -> AbstractContextManager[Served]:
        """Serve its index and conversations, the sample articles first, with the smallest model."""
        return running(self.folder / "index", "smollm2-135m", "--conversations", str(self.folder / "kept.sqlite"))


@pytest.fixture(scope="module")
def killed(seeds_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killed]:
    """A server killed under load."""
    visitors = [httpx.Client(timeout=60) for _ in range(2)]
    made = Killed(tmp_path_factory.mktemp("served"), set(), visitors, [{} for _ in visitors])
    ending = threading.Event()
    shutil.copytree(seeds_folder, made.folder / "index")

    def upload(sender: int) -> None:
        for number in count():
            name = f"{sender}-{number}.txt"
            content = f"The {name} ferry sails.".encode()
            sent = httpx.post(f"{server.url}/uploads?name={name}", content=content, headers=FILE, timeout=60)
            if sent.status_code == 202:
                made.taken.add(f"uploaded/{name}")
            if ending.wait(1):
                return

    def visit(number: int) -> None:
        asked = {"data": [QUESTION, None], "event_data": None, "fn_index": 1, "session_hash": f"tab{number}"}
        visitors[number].get(server.url)
        while not ending.wait(0.3):  # what is asked while the last one is answered is refused
            visitors[number].post(f"{server.url}/gradio_api/run/predict", json=asked)
            made.told[number] = exchanges(server, visitors[number])

    with made.again() as server, ThreadPoolExecutor() as pool:
        engine = server.engine()
        try:
            people = [pool.submit(visit, number) for number in range(2)]
            people += [pool.submit(upload, number) for number in range(3)]
            until(lambda: len(made.taken) >= 8 and all(map(answered, made.told)), 120)
            server.process.kill()
            assert all(isinstance(one.exception(), httpx.TransportError) for one in people)  # as nobody is there
        finally:
            ending.set()
        until(lambda: not Path(f"/proc/{engine}").exists())
    yield made
    for visitor in visitors:
        visitor.close()


@pytest.fixture(scope="module")
def page(killed: Killed) -> Iterator[Served]:
    """The same started again, for all tests: to start takes most of their time."""
    with killed.again() as served:
        yield served


def paths(page: Served) -> list[str]:
    told = httpx.get(f"{page.url}/v1/articles?limit=200", timeout=60).json()
    return sorted(one["path"] for one in told["articles"])


@pytest.mark.model
def test_a_server_killed_under_load_loses_nothing_that_it_told(killed: Killed, page: Served) -> None:
    for visitor, known in zip(killed.visitors, killed.told, strict=True):
        kept = exchanges(page, visitor)
        assert known.keys() <= kept.keys()
        assert answered(known).items() <= answered(kept).items()
    until(lambda: killed.taken <= set(paths(page)))
    assert verify(killed.folder / "index").problems == ()


def begun(page: Served) -> http.client.HTTPConnection:
    """Ask a question, and return the connection while the model writes."""
    address = httpx.URL(page.url)
    connection = http.client.HTTPConnection(address.host, address.port, timeout=60)
    body = json.dumps({"question": QUESTION, "stream": True})
    connection.request("POST", "/v1/ask", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    while json.loads(answer.readline())["event"] != "draft":
        pass
    connection.answer = answer  # type: ignore[attr-defined]  # else it is closed now
    return connection


@pytest.mark.model
def test_who_goes_away_stops_the_model_within_a_second(page: Served) -> None:
    for _ in range(2):
        connection = begun(page)
        assert page.figure("citewire_questions_running") == 1
        gone = time.monotonic()
        connection.close()
        until(lambda: page.figure("citewire_questions_running") == 0)
        assert time.monotonic() - gone < LATEST_S


@pytest.mark.model
def test_who_is_refused_is_so_at_once(page: Served) -> None:
    everyone_knows = threading.Barrier(30)

    def ask(question: str) -> tuple[int, str, float]:
        sent = time.monotonic()
        asked = {"question": question, "stream": True}  # responds at once, ends with its client
        with httpx.stream("POST", f"{page.url}/v1/ask", json=asked, timeout=60) as got:
            seconds = time.monotonic() - sent
            everyone_knows.wait(60)
            return got.status_code, got.headers.get("retry-after", ""), seconds

    told = together(ask, [QUESTION] * 30)
    refused = [seconds for status, again, seconds in told if status == 429 and int(again) >= 1]
    assert len(refused) >= 30 - 9  # one is answered and eight of one address wait; more get a place when these end
    assert len(refused) + sum(status == 200 for status, *_ in told) == 30
    assert sorted(refused)[len(refused) // 2] < REFUSED_S


@pytest.mark.model
def test_a_model_that_is_killed_is_told_and_started_anew(page: Served) -> None:
    engine = page.engine()
    with httpx.stream("POST", f"{page.url}/v1/ask", json={"question": QUESTION, "stream": True}, timeout=60) as asked:
        events = (json.loads(line) for line in asked.iter_lines())
        assert any(event["event"] == "draft" for event in events)
        os.kill(engine, signal.SIGKILL)
        *_, last = events
    said = json.dumps(last)
    assert "The language model's process ended (killed by SIGKILL)" in said
    assert "started anew" in said
    assert httpx.get(f"{page.url}/readyz").status_code == 200
    answer = page.ask().json()
    assert (answer["status"], "$900,000" in answer["text"]) == ("answered", True)
    assert page.engine() != engine


@pytest.mark.model
def test_memory_stays_where_requests_are_as_large_as_they_may_be(page: Served) -> None:
    largest = [["a" * 2_000, "b" * 2_000]] * MOST_TURNS
    for _ in range(2):
        page.ask(history=largest)
    before = page.memory()
    for number in range(2):
        assert page.ask("x" * 2_001).status_code == 400
        assert page.ask("x" * 100_001).status_code == 422
        assert page.ask(history=[*largest, ["one", "more"]]).status_code == 422
        assert page.ask(f"{QUESTION} {number}", history=largest).status_code == 200
        sent = httpx.post(f"{page.url}/v1/ask", content=b"x" * 1_100_000, timeout=60)
        assert sent.status_code == 413
    assert page.memory() < before + 25


def test_no_prompt_and_no_reply_is_longer_than_set(seeds_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(seeds_folder, tmp_path / "index")
    endless = openai_server.streamed(*[openai_server.event("It generated $900,000 in revenue. ")] * 5_000, then="hang")
    with openai_server.serving(endless) as model:
        chosen = Settings(
            index=tmp_path / "index",
            conversations=tmp_path / "kept.sqlite",
            model=model.url,
            reader="small",
            max_tokens=48,
            max_prompt_tokens=600,
            max_answer_seconds=100,
        )
        with serving(lambda: lay_out(chosen)) as url:
            until(lambda: httpx.get(f"{url}/readyz", timeout=60).status_code == 200, 240)
            history = [["What is Canaan? " * 100, "A company. " * 100]] * MOST_TURNS
            got = httpx.post(f"{url}/v1/ask", json={"question": QUESTION, "history": history}, timeout=120)
            assert got.status_code == 200
            assert len(got.json()["text"]) < 48 * len("It generated $900,000 in revenue. ")
    assert model.hung_up.wait(5)  # however much more the reply has
    assert {request["max_tokens"] for request in model.requests} == {1, 48}  # 1: reads the prompts' beginning
    for request in model.requests:
        assert sum(len(message["content"]) for message in request["messages"]) < 600 * 3.5


DISK = """
import os, sys
folder = sys.argv[1]
for number in range(2):  # the last blocks too
    with open(f"{folder}/full{number}", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes((1 << 20) >> 10 * number))
        except OSError as error:
            print(error.errno, flush=True)
"""


def may_mount() -> bool:
    tried = [*NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(tried, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not may_mount(), reason="a disk is mounted in a namespace of its own, which this system refuses")
def test_a_full_disk_loses_nothing_and_is_said(embedder: Embedder, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "news").mkdir()
    for file in sorted((REPOSITORY / "seeds").glob("*.txt"))[:2]:
        shutil.copy(file, tmp_path / "news")
    build_index([tmp_path / "news"], tmp_path / "index", embedder)
    mounted = f'mount -t tmpfs -o size=12m none "{disk}" && cp -r "{tmp_path}/index" "{disk}" && exec "$@"'
    around = (*NAMESPACE, "sh", "-c", mounted, "sh")
    kept = str(disk / "kept.sqlite")
    with (
        openai_server.saying("The AI unit generated $900,000 in revenue.") as model,
        running(disk / "index", model, "--conversations", kept, around=around) as page,
    ):
        inside = Path(f"/proc/{page.process.pid}/root{disk}")

        def upload(name: str) -> httpx.Response:
            text = f"The {name} ferry to Lund sails on Monday, its captain said."
            return httpx.post(f"{page.url}/uploads?name={name}.txt", content=text.encode(), headers=FILE, timeout=60)

        assert upload("first").status_code == 202
        until(lambda: "uploaded/first.txt" in paths(page))
        subprocess.run([*COMMAND[:1], "-c", DISK, str(inside)], check=True, capture_output=True)
        refused = upload("second")
        assert refused.status_code == 400, refused.text
        assert "No space left on device" in refused.json()["detail"]
        assert page.ask().json()["status"] == "answered"
        assert len(paths(page)) == 3
        for file in inside.glob("full*"):
            file.unlink()
        assert upload("third").status_code == 202
        until(lambda: "uploaded/third.txt" in paths(page))
        assert len(paths(page)) == 4
        assert verify(inside / "index").problems == ()
