"""Whether the server is alive and ready, and its figures, parsed by Prometheus' own parser."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from conftest import until
from embedders import HashedWordsEmbedder
from prometheus_client.parser import text_string_to_metric_families
from scripted import EXAMPLES, ScriptedAnswerer, ScriptedIndex
from served import serving

from citewire.index.build import build_index
from citewire.index.errors import ModelError
from citewire.ui.chat import Chat, Loaded
from citewire.ui.corpus import Corpus
from citewire.ui.health_routes import router
from citewire.ui.page import Site, build_page

pytestmark = pytest.mark.slow  # processes, servers or real networks


@pytest.fixture
def corpus(tmp_path: Path) -> Iterator[Corpus]:
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "a.txt").write_text("The ferry sails on Monday.")
    (tmp_path / "news" / "b.txt").write_text("The bridge opens on Sunday.")
    build_index([tmp_path / "news"], tmp_path / "index", HashedWordsEmbedder())
    opened = Corpus(tmp_path / "index", HashedWordsEmbedder())
    yield opened
    opened.close()


@contextmanager
def running(chat: Chat, corpus: Corpus) -> Iterator[httpx.Client]:
    def build() -> Site:
        from citewire.ui import ask_routes

        served = ask_routes.Served(Path("index"), "m", "f" * 64, lambda: 1, lambda *_: None)
        return Site(build_page(chat, EXAMPLES), [ask_routes.router(chat, served), router(chat, corpus)])

    with serving(build) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


def figures(client: httpx.Client) -> dict[str, float]:
    """The samples of /metrics, by name and labels."""
    told = client.get("/metrics")
    assert told.headers["content-type"].startswith("text/plain; version=")
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(told.text)
        for sample in family.samples
    }


def test_it_lives_before_it_is_ready(corpus: Corpus) -> None:
    load, go = threading.Event(), threading.Event()

    def loading() -> Loaded:
        load.set()
        assert go.wait(60)
        return Loaded(ScriptedAnswerer(), ScriptedIndex(), "m")

    with running(Chat(loading), corpus) as client:
        assert load.wait(30)
        assert client.get("/healthz").json() == {"status": "ok"}
        refused = client.get("/readyz")
        assert (refused.status_code, refused.json()["problem"]) == (503, "The model is still loading")
        assert client.head("/readyz").status_code == 503
        go.set()
        until(lambda: client.get("/readyz").status_code == 200)
        assert client.get("/readyz").json() == {"status": "ready"}
        assert (client.head("/healthz").status_code, client.head("/readyz").status_code) == (200, 200)


def test_it_is_not_ready_where_loading_failed_or_the_index_went(corpus: Corpus) -> None:
    def failing() -> Loaded:
        raise ModelError("there is no model", "Fetch it.")

    with running(Chat(failing), corpus) as client:
        refused = client.get("/readyz")
        assert (refused.status_code, refused.json()["detail"]) == (503, "there is no model. Fetch it.")
    chat = Chat(lambda: Loaded(ScriptedAnswerer(), ScriptedIndex(), "m"))
    with running(chat, corpus) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        shutil.rmtree(corpus.folder)
        refused = client.get("/readyz")
        assert refused.status_code == 503
        assert refused.json()["problem"] == f"the index in {corpus.folder} was deleted"
        assert client.get("/healthz").status_code == 200


def test_figures_count_what_was_asked(corpus: Corpus, tmp_path: Path) -> None:
    chat = Chat(lambda: Loaded(ScriptedAnswerer(), ScriptedIndex(), "m"))
    with running(chat, corpus) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        before = figures(client)
        assert {name: value for name, value in before.items() if name.startswith("citewire_questions_total")} == {
            f"citewire_questions_total {status}": 0
            for status in ("answered", "partial", "abstained", "stopped", "failed")
        }
        assert (before["citewire_articles"], before["citewire_passages"]) == (2, 2)
        assert (before["citewire_index_generation"], before["citewire_questions_running"]) == (1, 0)
        for question in (EXAMPLES[0], "toll", "crash", "Now an error", EXAMPLES[0]):
            client.post("/v1/ask", json={"question": question})
        with client.stream("POST", "/v1/ask", json={"question": "slow", "stream": True}) as response:
            lines = response.iter_lines()
            next(lines)
            waiting = threading.Thread(target=lambda: client.post("/v1/ask", json={"question": "When?"}))
            waiting.start()
            until(lambda: figures(client)["citewire_questions_waiting"] == 1)
            assert figures(client)["citewire_questions_running"] == 1
        waiting.join()
        until(lambda: figures(client)["citewire_answer_seconds_count"] == 7)
        told = figures(client)
        assert [told[f"citewire_questions_total {status}"] for status in ("answered", "abstained", "stopped")] == [
            3, 1, 1,
        ]  # fmt: skip
        assert told["citewire_questions_total failed"] == 2
        assert told["citewire_answer_seconds_sum"] > 0
        (tmp_path / "news" / "c.txt").write_text("The tunnel stays shut.")
        build_index([tmp_path / "news"], corpus.folder, HashedWordsEmbedder())
        told = figures(client)
        assert (told["citewire_articles"], told["citewire_index_generation"]) == (3, 2)
