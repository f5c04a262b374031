"""A running page that answers for the command line: finding it, asking it, and answering without it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from commands import COMMAND, citewire, free_port, interrupted
from scripted import EXAMPLES, HITS, OPEN_CLAIMS, ScriptedAnswerer, ScriptedIndex
from served import serving

from citewire.index.errors import CitewireError
from citewire.qa.types import Answer, Checked, Draft, Generator, Searched, Turn
from citewire.ui import ask_client, ask_routes, engine, running
from citewire.ui.ask_client import PageUnavailableError, RunningPage
from citewire.ui.chat import Chat, Loaded
from citewire.ui.labels import card
from citewire.ui.page import Site, build_page
from citewire.ui.running import Announcement, Running, fingerprint
from citewire.ui.settings import Settings

pytestmark = pytest.mark.slow  # processes, servers or real networks

URL = "http://127.0.0.1:7860"


def settings(**values: Any) -> Settings:
    return Settings(**{"index": Path("news/index"), **values})


def kept_files() -> list[Path]:
    return list((platformdirs.user_state_path("citewire") / "running").iterdir())


class TestFingerprint:
    @pytest.mark.parametrize(
        "other",
        [
            {"index": Path("other")}, {"model": "qwen2.5-coder-1.5b"}, {"engine": "torch"}, {"max_tokens": 10},
            {"unsupported": "kept"}, {"reranker": Path("r")}, {"embedder": "e"}, {"cache": Path("c")},
        ],
    )  # fmt: skip
    def test_changes_with_what_a_page_fixed(self, other: dict[str, Any]) -> None:
        assert fingerprint(settings()) != fingerprint(settings(**other))

    def test_is_the_same_whatever_is_said_with_a_question(self) -> None:
        said = {"passages": 3, "recency": "off", "half_life": 2.0, "as_of": "newest", "per_article": 1, "copies": 0}
        assert fingerprint(settings()) == fingerprint(settings(**said, threads=7, port=1, log_level="debug"))

    def test_paths_are_the_same_from_every_folder(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("models/mine").mkdir(parents=True)
        here = fingerprint(settings(model="models/mine"))
        monkeypatch.chdir("models")
        assert fingerprint(settings(index=Path("../news/index"), model="mine")) == here

    def test_filters_of_the_page_count(self) -> None:
        assert fingerprint(settings()) != fingerprint(settings(outlets=("A",)))
        assert fingerprint(settings(outlets=("A",)), ()) == fingerprint(settings(), ())


class TestAnnouncement:
    def test_is_found_until_it_is_withdrawn(self) -> None:
        assert running.find(settings()) is None
        announced = Announcement(settings())
        announced.publish(URL)
        [file] = kept_files()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        told = Running(URL, os.getpid(), fingerprint(settings()))
        assert running.find(settings(passages=3)) == told
        assert running.find(settings(outlets=("A",))) == told  # a filter, which the page can apply
        assert running.find(settings(model="qwen2.5-coder-1.5b")) is None
        announced.withdraw()
        assert kept_files() == []
        assert running.find(settings()) is None
        announced.withdraw()

    def test_of_a_page_with_filters_is_found_with_the_same(self) -> None:
        announced = Announcement(settings(outlets=("A",)))
        announced.publish(URL)
        assert running.find(settings(outlets=("A",)))
        assert running.find(settings()) is None
        assert running.find(settings(outlets=("B",))) is None
        announced.withdraw()

    def test_of_a_killed_page_is_stale_and_its_file_is_taken_over(self) -> None:
        program = (
            "import sys, time\nfrom pathlib import Path\nfrom citewire.ui.running import Announcement\n"
            "from citewire.ui.settings import Settings\n"
            f"Announcement(Settings(index=Path('news/index'))).publish({URL!r})\nprint(flush=True)\ntime.sleep(60)\n"
        )
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            found = running.find(settings())
            process.kill()
        assert found == Running(URL, process.pid, fingerprint(settings()))
        assert len(kept_files()) == 1
        assert running.find(settings()) is None
        announced = Announcement(settings())
        announced.publish("http://127.0.0.1:1")
        assert running.find(settings()) == Running("http://127.0.0.1:1", os.getpid(), fingerprint(settings()))
        announced.withdraw()

    def test_of_a_second_page_leaves_the_first(self) -> None:
        first, second = Announcement(settings()), Announcement(settings())
        first.publish(URL)
        second.publish("http://127.0.0.1:1")
        second.withdraw()
        found = running.find(settings())
        assert found
        assert found.url == URL
        first.withdraw()

    def test_is_left_where_the_folder_cannot_be_made(self) -> None:
        platformdirs.user_state_path("citewire").parent.mkdir(parents=True, exist_ok=True)
        platformdirs.user_state_path("citewire").write_text("a file")
        announced = Announcement(settings())
        announced.publish(URL)
        announced.withdraw()
        assert running.find(settings()) is None

    def test_that_is_no_json_is_ignored(self) -> None:
        announced = Announcement(settings())
        announced.publish(URL)
        for content in ("", "[]", '{"url": "x"}', "\xff"):
            kept_files()[0].write_text(content)
            assert running.find(settings()) is None
        announced.withdraw()


@contextmanager
def page(load: Any, **served: Any) -> Iterator[Settings]:
    """Serve an announced page over a folder that looks like an index; yield its settings."""
    Path("news/index").mkdir(parents=True)
    Path("news/index/CURRENT").touch()
    chosen = settings()
    announced = Announcement(chosen)
    chat = Chat(load)
    told = {"fingerprint": fingerprint(chosen), "generation": lambda: 1, "check": lambda index, search: None, **served}
    asking = ask_routes.router(chat, ask_routes.Served(chosen.index, chosen.model, **told))
    with serving(lambda: Site(build_page(chat, EXAMPLES), [asking])) as address:
        announced.publish(address)
        try:
            yield chosen
        finally:
            announced.withdraw()


class TestAsking:
    def test_yields_the_events_of_the_page(self) -> None:
        answerer = ScriptedAnswerer()
        with page(lambda: Loaded(answerer, ScriptedIndex(), "m")) as chosen:
            found = ask_client.find(settings(passages=3, per_article=2))
            assert found
            history = [Turn(str(number), "a") for number in range(30)]
            events = [event for event in found.stream(EXAMPLES[0], history) if not isinstance(event, Draft)]
            assert ask_client.find(settings(outlets=("A",))) is not None
            Path("news/index/CURRENT").unlink()
            assert ask_client.find(chosen) is None  # the index is gone, but the page has not noticed
        expected = [event for event in ScriptedAnswerer().stream(EXAMPLES[0]) if not isinstance(event, Draft)]
        assert events == expected
        assert events[:2] == [Searched(EXAMPLES[0], HITS), Checked(OPEN_CLAIMS[0])]
        assert answerer.histories[-1] == tuple(history[-ask_client.TURNS_SENT :])
        assert answerer.searches[-1]
        assert (answerer.searches[-1].k, answerer.searches[-1].per_article) == (3, 2)
        path = OPEN_CLAIMS[0].quotes[0].article
        assert found.card(path) == card(ScriptedIndex().article(path))

    def test_waits_while_the_page_loads_its_models(self) -> None:
        gate = threading.Event()

        def load() -> Loaded:
            gate.wait(30)
            return Loaded(ScriptedAnswerer(), ScriptedIndex(), "m")

        with page(load) as chosen:
            threading.Timer(0.5, gate.set).start()
            found = ask_client.find(chosen)
            assert found
            *_, answer = found.stream(EXAMPLES[0])
            assert isinstance(answer, Answer)

    def test_stop_ends_it_at_once_with_what_there_is(self) -> None:
        answerer = ScriptedAnswerer()
        with page(lambda: Loaded(answerer, ScriptedIndex(), "m")) as chosen:
            found = ask_client.find(chosen)
            assert found
            stop = threading.Event()
            events = found.stream("slow", stopped=stop.is_set)
            assert isinstance(next(events), Searched)
            while not isinstance(next(events), Checked):
                pass
            stop.set()
            *_, answer = events
            assert isinstance(answer, Answer)
            assert (answer.status, answer.claims) == ("stopped", OPEN_CLAIMS[:1])
            assert answer.text == f"{OPEN_CLAIMS[0].text} [1]"
            *_, next_answer = found.stream("When?")  # the first question's Stop has reached the page
            assert isinstance(next_answer, Answer)
            assert next_answer.status == "answered"

    def test_errors_of_the_question_are_those_of_the_page(self) -> None:
        with page(lambda: Loaded(ScriptedAnswerer(), ScriptedIndex(), "m")) as chosen:
            found = ask_client.find(chosen)
            assert found
            for question, said in (("x" * 1001, "This question has 1,001 characters"), ("error", "closed the connec")):
                with pytest.raises(CitewireError, match=said) as caught:
                    list(found.stream(question))
                assert not isinstance(caught.value, PageUnavailableError)
            with pytest.raises(PageUnavailableError):
                list(found.stream("a\ud800b"))

    @pytest.mark.parametrize("served", [{"fingerprint": "another"}, {"generation": lambda: 1 / 0}])
    def test_a_page_that_answers_otherwise_is_not_asked(self, served: dict[str, Any]) -> None:
        with page(lambda: Loaded(ScriptedAnswerer(), ScriptedIndex(), "m"), **served) as chosen:
            assert ask_client.find(chosen) is None

    def test_a_page_that_could_not_load_is_not_asked(self) -> None:
        def load() -> Loaded:
            raise CitewireError("no model", "Fetch it.")

        with page(load) as chosen:
            assert ask_client.find(chosen) is None

    @pytest.mark.parametrize(
        ("sent", "kind"),
        [
            (b"", PageUnavailableError),
            (b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n", PageUnavailableError),
            (
                b"HTTP/1.1 200 OK\r\n\r\n" + b'{"event": "searched", "standalone_question": "?", "hits": []}\n',
                CitewireError,
            ),
            (
                b"HTTP/1.1 429 Too Many\r\nContent-Length: 30\r\n\r\n" + b'{"problem": "full", "fix": ""}',
                PageUnavailableError,
            ),
            (b"SMTP ready\r\n\r\n", PageUnavailableError),
        ],
    )
    def test_a_page_that_ends(self, sent: bytes, kind: type[CitewireError]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:

            def serve() -> None:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(sent)

            thread = threading.Thread(target=serve)
            thread.start()
            found = RunningPage(Running(f"http://127.0.0.1:{server.getsockname()[1]}", 1, "f"), settings())
            with pytest.raises(CitewireError) as caught:
                list(found.stream("When?"))
            thread.join()
        assert type(caught.value) is kind


MODEL = ["--model", "smollm2-135m"]
QUESTIONS = ("How much revenue did the AI unit generate?", "Who won the 2022 World Cup?")


@contextmanager
def serving_process(index: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, "serve", "--index", str(index), "--port", str(free_port()), *MODEL],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert "open http" in process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def without_seconds(shown: str) -> str:
    return re.sub(r"\d+\.\d s\.$", "S s.", shown, flags=re.MULTILINE)


@pytest.mark.model
def test_the_command_line_says_the_same_with_a_page_and_without(
    seeds_folder: Path, small_generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is a separate process; after it has ended, this process answers."""
    monkeypatch.setenv("CITEWIRE_READER", "small")
    of = ["--index", str(seeds_folder), *MODEL]
    typed = "\n".join(QUESTIONS)
    narrowed = ["ask", "Who?", *of, "--outlet", "Nobody", "--outlet", "Cryptonews"]
    with serving_process(seeds_folder) as process:
        asked = citewire("--log-level", "info", "ask", "--json", QUESTIONS[0], *of)
        told = citewire("chat", *of, "--per-article", "2", stdin=typed)
        wrong = citewire(*narrowed)
        code, shown = interrupted(["--log-level", "info", "ask", QUESTIONS[0], *of], "a running page answers")
        assert (code, "Traceback" in shown) == (130, False), shown
        assert citewire("ask", QUESTIONS[-1], *of).stdout.startswith("Not in the sources.")  # the page still runs
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    assert kept_files() == []
    assert "a running page answers" in asked.stderr
    assert "loading" not in asked.stderr + told.stderr
    monkeypatch.setattr(engine, "load_generator", lambda chosen, report: small_generator)
    alone = citewire("--log-level", "info", "chat", *of, "--per-article", "2", stdin=typed)
    assert "a running page answers" not in alone.stderr
    assert told.stdout.count("checked against a quote") >= 1
    assert without_seconds(told.stdout) == without_seconds(alone.stdout)
    answer, own = (json.loads(run.stdout) for run in (asked, citewire("ask", "--json", QUESTIONS[0], *of)))
    assert {**answer, "timings": None} == {**own, "timings": None}
    assert wrong.stderr == citewire(*narrowed).stderr
    assert (asked.returncode, told.returncode, alone.returncode, wrong.returncode) == (0, 0, 0, 2)


def test_the_page_waits_for_no_stubs_of_gradio() -> None:
    program = (
        "import inspect, sys\n"
        "before, opened = inspect.getfile, []\n"
        "sys.addaudithook(lambda event, said: event == 'open' and opened.append(str(said[0])))\n"
        "import citewire.ui.page\n"
        "print([path for path in opened if path.endswith('.pyi')], inspect.getfile is before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[] True\n"


def test_asking_a_page_imports_no_heavy_library() -> None:
    heavy = ("torch", "ctranslate2", "faiss", "gradio", "numpy", "fastapi", "httpx", "citewire.qa.answer")
    program = (
        "import sys, citewire.ui.cli, citewire.ui.ask_client\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
