"""`--read-only`: nothing can be changed, nothing is written to disk, and asking works as usual."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai_server
import pytest
from browser import at_rest, opened
from commands import citewire
from conftest import until
from playwright.sync_api import Browser, expect
from served import ask, routes_of, serving, usable

from citewire.index.store import Index
from citewire.index.types import Embedder
from citewire.ui import settings, tour
from citewire.ui.cli import lay_out
from citewire.ui.settings import Settings
from citewire.ui.visitor import HARMLESS

pytestmark = pytest.mark.slow

QUESTION = "How many Avalon miners did Mawson order from Canaan?"
SAID = "Mawson ordered Avalon miners from Canaan."
# Routes that asking needs. A new entry needs a comment that says why the route changes nothing stored.
NEEDED = {
    ("POST", "/v1/ask"),
    ("POST", "/v1/chat/completions"),  # asking in OpenAI's form
    ("POST", "/v1/search"),
    ("POST", "/mcp"),  # its tools only read
    ("POST", "/gradio_api/queue/join"),
    ("POST", "/gradio_api/run/predict"),
    ("POST", "/gradio_api/component_server"),  # opens an article for reading
}


def settings_in(folder: Path, model: str, *, read_only: bool) -> Settings:
    return Settings(
        index=folder / "index", conversations=folder / "conversations.sqlite", runs=folder / "runs", model=model,
        reader="small",        read_only=read_only,
    )  # fmt: skip


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    with openai_server.saying(SAID) as url:
        yield url


@pytest.fixture(scope="module")
def folder(seeds_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the index, an upload that waits, and the stored conversations."""
    made = tmp_path_factory.mktemp("served")
    shutil.copytree(seeds_folder, made / "index")
    waiting = made / "index-uploads" / "waiting" / "0" / "uploaded" / "late.txt"
    waiting.parent.mkdir(parents=True)
    waiting.write_text("It arrived before the page became read-only, and waits.")
    return made


def files_in(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def url(folder: Path, model: str) -> Iterator[str]:
    with serving(lambda: lay_out(settings_in(folder, model, read_only=True), [tour.router()])) as address:
        until(
            lambda: httpx.get(f"{address}/v1/status").json()["state"] == "ready", 240
        )  # loading takes seconds, on a busy machine minutes
        yield address


def test_every_changing_route_is_refused(url: str, seeds_folder: Path, model: str, tmp_path: Path) -> None:
    shutil.copytree(seeds_folder, tmp_path / "index")  # this page may write
    routes = routes_of(lambda: lay_out(settings_in(tmp_path, model, read_only=False), [tour.router()]))
    changing = {(method, path) for method, path in routes if method not in HARMLESS}
    assert {
        ("POST", "/uploads"),
        ("POST", "/v1/articles"),
        ("POST", "/v1/addresses"),
        ("POST", "/corpus/removal"),
        ("DELETE", "/conversations/{conversation}"),
    } <= changing
    left = set()
    with httpx.Client(base_url=url, timeout=60) as client:
        for method, path in changing:
            # the page calls its own functions under the name "predict"
            sent = re.sub(r"\{.*?\}", "x", path.replace("{api_name}", "predict"))
            response = client.request(method, sent, json={})
            if response.status_code != 403 or response.json()["problem"] != "This page is read-only":
                left.add((method, sent.rstrip("/")))
    assert left == NEEDED


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "post", "MADEUP"])
@pytest.mark.parametrize(
    "path",
    [
        "/uploads?name=a.txt",
        "/v1/askx",
        "//v1/ask",
        "/v1/search/x",
        "/v1/articles/x",
        "/v1/ask/../../uploads",
        "/nothing",
    ],
)
def test_what_is_not_known_is_refused_too(url: str, method: str, path: str) -> None:
    assert httpx.request(method, url + path, content=b"x").status_code == 403


def test_asking_works_and_nothing_is_written(url: str, folder: Path, embedder: Embedder) -> None:
    before = files_in(folder)
    with httpx.Client(base_url=url, timeout=60) as client:
        answer = client.post("/v1/ask", json={"question": QUESTION}).json()
        assert (answer["status"], bool(answer["claims"])) == ("answered", True)
        messages = [{"role": "user", "content": QUESTION}]
        completed = client.post("/v1/chat/completions", json={"messages": messages}).json()
        assert completed["citewire"]["text"] == answer["text"]
        assert len(client.post("/v1/search", json={"question": QUESTION, "k": 3}).json()["passages"]) == 3
        upload = {"content": b"An article.", "headers": {"Content-Type": "application/octet-stream"}}
        refusals = [
            client.post("/uploads?name=a.txt", **upload),  # type: ignore[arg-type]
            client.post("/corpus/removal", json={"paths": ["x"], "sure": True}),
            client.post("/feedback", json={"exchange": "x", "value": "right"}),
            client.delete("/conversations/x"),
            client.patch("/conversations/x", json={"title": "t"}),
        ]
        assert [one.status_code for one in refusals] == [403] * 5
        assert client.get("/conversations").status_code == 404
        assert len(client.get("/corpus").json()["rows"]) == 5
    assert files_in(folder) == before
    with Index.open(folder / "index", embedder) as index:
        assert len(index.articles()) == 5


def test_the_page_offers_nothing_that_is_refused(chromium: Browser, url: str, folder: Path) -> None:
    before = files_in(folder)
    with opened(chromium, url) as page:
        ask(usable(page), QUESTION)
        expect(page.locator(".cw-closing")).to_be_visible()
        expect(page.locator(".cw-right, .cw-wrong, .cw-mismatch")).to_have_count(0)
        expect(page.locator("#cw-chat").get_by_text("Export")).to_have_count(0)
        expect(page.get_by_role("button", name="History")).to_have_count(0)
        page.get_by_role("button", name="Articles").click()
        view = page.get_by_role("dialog", name="Articles")
        expect(view.get_by_role("listitem")).not_to_have_count(0)
        view.get_by_role("checkbox").first.check()
        expect(view.get_by_role("button", name="Ask only this one")).to_be_visible()
        view.locator(".cw-article-open").first.click()
        expect(view.locator(".cw-article-text")).to_be_visible()
        expect(view.get_by_role("button", name="Add articles")).to_have_count(0)
        expect(view.get_by_role("button", name="Remove")).to_have_count(0)
        expect(page.locator("input[type=file]")).to_have_count(0)
        at_rest(page)
        page.goto(f"{url}/figures")
        expect(page.get_by_role("link", name="Back to the questions")).to_be_visible()
        expect(page.get_by_role("button")).to_have_count(0)
    assert files_in(folder) == before


@pytest.mark.parametrize("command", ["serve", "run", "demo"])
def test_the_commands_that_open_a_page_take_it(command: str) -> None:
    shown = citewire(command, "--help", COLUMNS="200").stdout
    assert "--read-only" in shown
    assert "--password" in shown
    assert "--allow-web" in shown


def test_it_is_a_setting_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not settings.load().settings.read_only
    monkeypatch.setenv("CITEWIRE_READ_ONLY", "true")
    assert settings.load().settings.read_only
    assert not settings.load({"read_only": False}).settings.read_only
