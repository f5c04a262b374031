"""Gradio would give files, addresses and functions to everybody; the gate lets none of these requests pass."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import at_work
from scripted import EXAMPLES, scripted_load
from served import PROBLEM
from starlette.routing import BaseRoute, Mount

from citewire.ui.chat import Chat
from citewire.ui.gate import Gate
from citewire.ui.page import CACHE, EVENTS, Site, build_page, mount_page
from citewire.ui.visitor import problem_details

pytestmark = pytest.mark.slow  # processes, servers or real networks

API = "/gradio_api"
FUNCTIONS = range(16)  # those of the page, and one number more
PANEL = 11  # the component of the first page in a process; it reads articles


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that only its owner may read."""
    file = tmp_path_factory.mktemp("private") / "secret.txt"
    file.write_text("the secret of this test")
    file.chmod(0o600)
    return file


class _Listener(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"inside")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def listener() -> Iterator[ThreadingHTTPServer]:
    """Another server on this machine; it records its requests."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Listener)
    server.asked = []  # type: ignore[attr-defined]
    with at_work(server):
        yield server
    assert server.asked == []  # type: ignore[attr-defined]


@pytest.fixture(params=["/etc/passwd", "/dev/zero", "/proc/self/environ", "private", "conversations", "address"])
def target(request: pytest.FixtureRequest, private: Path, kept: Path, listener: ThreadingHTTPServer) -> str:
    """Something that nobody may read through the page."""
    own = {
        "private": str(private),
        "conversations": str(kept),
        "address": f"http://127.0.0.1:{listener.server_port}/inside",
    }
    return own.get(request.param, str(request.param))


def as_files(target: str) -> list[Any]:
    """Return values that Gradio would read as a file."""
    meta = {"_type": "gradio.FileData"}
    plain = {"path": target, "meta": meta}
    return [
        plain,
        {"path": target, "url": target, "orig_name": "a", "is_file": True, "meta": meta},
        {"name": target, "is_file": True},
        {"url": target, "meta": meta},
        [plain],
        {"deep": [{"deeper": plain}]},
    ]


def files_of_gradio() -> list[Path]:
    return [path for path in CACHE.rglob("*") if not path.is_dir()]


def refused(response: httpx.Response) -> None:
    assert 400 <= response.status_code < 500, (response.request.url, response.status_code, response.text[:300])
    assert set(response.json()) == PROBLEM, response.text


@pytest.mark.parametrize("way", ["run/predict", "queue/join"])
def test_no_event_function_takes_a_file(visitor: httpx.Client, target: str, way: str) -> None:
    plain, *others = as_files(target)
    for number, given in [*((number, plain) for number in FUNCTIONS), *((1, other) for other in others)]:
        for data, event in (([given, None], None), ([given], None), ([None], given), ([None, given], {})):
            body: dict[str, Any] = {"data": data, "event_data": event, "fn_index": number, "session_hash": "x"}
            refused(visitor.post(f"{API}/{way}", json=body))
    assert files_of_gradio() == []


@pytest.mark.parametrize("way", ["run/ask", "run/answer", "api/predict", "call/ask", "call/v2/ask", "call/answer"])
def test_no_function_is_called_by_its_name(visitor: httpx.Client, target: str, way: str) -> None:
    for given in as_files(target):
        refused(visitor.post(f"{API}/{way}", json={"data": [given, None], "fn_index": 1, "session_hash": "x"}))
        refused(visitor.post(f"{API}/{way}/", json={"data": [given, None], "session_hash": "x"}))


def test_the_reader_of_articles_takes_no_file(visitor: httpx.Client, target: str) -> None:
    for given in as_files(target):
        for data in (given, {"path": given, "marks": []}, {"path": "a", "marks": [given]}):
            for name in ("read_article", "postprocess", "preprocess", "__init__", "get_config"):
                body = {"data": data, "component_id": PANEL, "fn_name": name, "session_hash": "x"}
                refused(visitor.post(f"{API}/component_server/", json=body))
    form = {"component_id": str(PANEL), "fn_name": "read_article", "session_hash": "x", "data": "{}"}
    refused(visitor.post(f"{API}/component_server/", data=form, files={"a": ("a.txt", b"text")}))
    for component in range(20):
        body = {
            "data": {"path": target, "marks": []},
            "component_id": component,
            "fn_name": "move",
            "session_hash": "x",
        }
        refused(visitor.post(f"{API}/component_server/", json=body))


def test_no_route_serves_a_file(visitor: httpx.Client, target: str) -> None:
    for path in (
        f"{API}/file={target}", f"{API}/file/{target}", f"/file={target}", f"{API}/proxy={target}", f"/proxy={target}",
        f"/assets/{target}", f"/static/{target}", f"/svelte/{target}", f"/assets/..%2f..%2f..%2f..%2f..{target}",
        f"/static/%2e%2e/%2e%2e/{target}", f"{API}/custom_component/1/client/component/{target}",
        f"{API}/stream/x/1/1/playlist.m3u8", f"/?deep_link=../{target}&page=x",
    ):  # fmt: skip
        for method in ("GET", "HEAD"):
            response = visitor.request(method, path)
            if path.startswith("/?"):
                assert response.status_code == 200
                assert "deep_link_state&#34;:&#34;invalid" not in response.text
            else:
                assert response.status_code == 404, path


def test_the_file_that_was_read_first(visitor: httpx.Client) -> None:
    """The first form of the attack."""
    file = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    body = {"data": [file, None], "fn_index": 1, "session_hash": "x"}
    response = visitor.post(f"{API}/run/predict", json=body)
    assert response.status_code == 422
    told = "The page does not send this: data.0: Input should be a valid string"
    assert response.json() == problem_details(422, told, "Load the page again.")


@pytest.mark.parametrize(
    "path",
    [
        "/config", "/config/", "/openapi.json", "/docs", "/robots.txt", "/monitoring", "/monitoring/summary", "/login",
        "/logout", "/manifest.json", "/pwa_icon", "/svelte/a.js", "/theme.css/", "/nothing-here",
        *(f"{API}/{name}" for name in (
            "info", "info/", "openapi.json", "upload", "upload_progress?upload_id=x", "deep_link?session_hash=x",
            "dev/reload", "process_recording", "startup-events", "theme.css", "queue/status", "user", "token",
            "login_check", "login", "runs", "run-history/buckets", "vibe-code", "heartbeat", "cancel", "reset", "mcp",
            "mcp/sse", "call/ask/x", "run/predict", "queue/join", "component_server", "component_server/",
        )),
    ],
)  # fmt: skip
def test_what_the_page_does_not_need_is_not_there(visitor: httpx.Client, path: str) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        if method != "POST" or path.removeprefix(API) not in ("/run/predict", "/queue/join", "/component_server/"):
            assert visitor.request(method, path).status_code == 404, method


@pytest.mark.parametrize("path", ["/a%0Ab", "/v1/articles/a%0Ab", "/cw/%0A"])
def test_a_path_with_a_line_break_is_refused_as_others_are(visitor: httpx.Client, path: str) -> None:
    answer = visitor.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["fix"] == "Load the page again."


def flat(routes: Sequence[Any], prefix: str = "") -> Iterator[str]:
    for route in routes:
        if hasattr(route, "original_router"):  # a router that FastAPI includes as a whole
            yield from flat(route.original_router.routes, prefix + route.include_context.prefix)
        elif isinstance(route, Mount):
            yield from flat(route.routes, prefix + route.path)
        else:
            for method in sorted(getattr(route, "methods", None) or [type(route).__name__]):
                yield f"{method} {prefix}{route.path}"


def gradio_routes() -> list[str]:
    async def mount() -> BaseRoute:  # inside an event loop, as in the server
        return mount_page(Site(build_page(Chat(scripted_load()), EXAMPLES))).routes[-1]

    mounted = asyncio.run(mount())
    assert isinstance(mounted, Mount)
    assert isinstance(mounted.app, Gate)
    return sorted(set(flat(mounted.routes)))


def test_gradio_has_no_route_that_nobody_has_looked_at() -> None:
    listed = (Path(__file__).parent / "gradio_routes.txt").read_text().splitlines()
    assert gradio_routes() == listed


def test_every_route_of_gradio_is_closed_or_needed(visitor: httpx.Client) -> None:
    """The gate answers instead of Gradio, for any parameters of a route."""
    needed = {
        "GET /", "HEAD /", "GET /assets/{path:path}", "GET /static/{path:path}", "GET /favicon.ico", "GET /theme.css",
        "GET /gradio_api/app_id", "GET /gradio_api/heartbeat/{session_hash}", "GET /gradio_api/queue/data",
        "POST /gradio_api/queue/join", "POST /gradio_api/run/{api_name}", "POST /gradio_api/component_server/",
    }  # fmt: skip
    found = set()
    for line in (Path(__file__).parent / "gradio_routes.txt").read_text().splitlines():
        method, path = line.split()
        filled = path.replace(":path}", "}").replace("{", "").replace("}", "")
        if line in needed:
            found.add(line)
        else:
            response = visitor.request(method, filled, json={} if method == "POST" else None)
            assert response.status_code in (404, 405), line
    assert found == needed


@pytest.mark.parametrize(
    ("way", "changed", "status"),
    [
        ("run/predict", {"fn_index": 2}, 404),  # a function for the queue only
        ("run/predict", {"fn_index": 15}, 404),  # a function that only the server calls
        ("run/predict", {"fn_index": 99}, 404),
        ("run/predict", {"fn_index": None}, 422),
        ("run/predict", {"fn_index": "1"}, 422),
        ("queue/join", {}, 404),  # not a function for the queue
        ("run/predict", {"data": ["a"]}, 422),
        ("run/predict", {"data": ["a", "b"]}, 422),
        ("run/predict", {"data": ["a", None, None]}, 422),
        ("run/predict", {"data": [1, None]}, 422),
        ("run/predict", {"data": "a"}, 422),
        ("run/predict", {"data": ["a" * 100_001, None]}, 422),
        ("run/predict", {"event_data": {"question": "a"}}, 422),  # data of another function
        ("run/predict", {"trigger_id": 5}, 422),
        ("run/predict", {"batched": True}, 422),
        ("run/predict", {"simple_format": True}, 422),
        ("run/predict", {"event_id": "x"}, 422),
        ("run/predict", {"oauth_token": "x"}, 422),
        ("run/predict", {"session_hash": None}, 422),
        ("run/predict", {"session_hash": "../x"}, 422),
        ("run/predict", {"session_hash": "x" * 21}, 422),
        ("run/predict", {"session_hash": ""}, 422),
    ],
)
def test_only_what_the_page_sends(visitor: httpx.Client, way: str, changed: dict[str, Any], status: int) -> None:
    body = {"data": ["a", None], "event_data": None, "fn_index": 1, "trigger_id": None, "session_hash": "y", **changed}
    response = visitor.post(f"{API}/{way}", json=body)
    assert response.status_code == status, response.text
    assert set(response.json()) == PROBLEM


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"data": NaN}'])
def test_what_is_no_call_is_refused(visitor: httpx.Client, body: bytes) -> None:
    for way in ("run/predict", "queue/join", "component_server/"):
        assert visitor.post(f"{API}/{way}", content=body).status_code == 422


def test_the_value_that_was_checked_is_the_one_that_arrives(visitor: httpx.Client) -> None:
    """JSON parsers differ on two keys of one name, so the gate writes the checked values anew for Gradio."""
    file = json.dumps({"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}})
    text = f'{{"data": ["", null], "fn_index": 1, "session_hash": "z", "data": [{file}, null]}}'
    assert visitor.post(f"{API}/run/predict", content=text).status_code == 422
    text = f'{{"data": [{file}, null], "fn_index": 1, "session_hash": "z", "data": ["", null]}}'
    response = visitor.post(f"{API}/run/predict", content=text)
    assert response.status_code in (200, 422)
    assert "passwd" not in response.text


def test_the_page_still_calls_what_it_needs(visitor: httpx.Client) -> None:
    called: dict[str, Any] = {"data": [], "event_data": None, "fn_index": 11, "session_hash": "w"}
    response = visitor.post(f"{API}/run/predict", json=called)
    assert response.status_code == 200
    assert response.json()["data"][0]["state"] == "ready"
    assert visitor.get("/").status_code == visitor.head("/").status_code == 200
    assert visitor.get(f"{API}/app_id").json().keys() == {"app_id"}
    assert set(EVENTS) == {"cw_ask", "cw_retry", "cw_resume", "cw_new", "cw_open", "cw_filter", "cw_model"}


def test_the_folder_of_gradio_is_private_and_empty(url: str) -> None:
    assert os.environ["GRADIO_TEMP_DIR"] == str(CACHE)
    assert stat.S_IMODE(CACHE.stat().st_mode) == 0o700
    assert files_of_gradio() == []


ORIGINS = ("https://attacker.invalid", "http://localhost:3000", "http://127.0.0.1:1", "null", "http://localhost")


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_other_page_may_read_an_answer(visitor: httpx.Client, origin: str) -> None:
    preflight = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-a"}
    for path in (
        "/", "/config", "/theme.css", "/favicon.ico", f"{API}/info", f"{API}/app_id",
        f"{API}/queue/data?session_hash=a", f"{API}/heartbeat/a", f"{API}/run/predict",
        "/conversations", "/cw/page.js", "/nothing",
    ):  # fmt: skip
        for method, extra in (("GET", {}), ("POST", {}), ("HEAD", {}), ("OPTIONS", {}), ("OPTIONS", preflight)):
            response = visitor.request(method, path, headers={"Origin": origin, **extra})
            assert not [name for name in response.headers if name.startswith("access-control-")], (method, path)
            if API in path and "app_id" not in path:
                assert response.status_code in (403, 404), (method, path)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "attacker.invalid"},
        {"X-Forwarded-Host": "attacker.invalid", "X-Forwarded-Proto": "https"},
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-Prefix": "/attacker.invalid"},
        {"Forwarded": "host=attacker.invalid;proto=https"},
        {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9"},
        {"X-Gradio-Server": "https://attacker.invalid"},
        {"Referer": "https://attacker.invalid/"},
        {"Origin": "https://attacker.invalid"},
    ],
)
def test_no_header_says_where_the_page_is(visitor: httpx.Client, url: str, headers: dict[str, str]) -> None:
    response = visitor.get("/", headers=headers)
    assert response.status_code == 200
    assert "attacker" not in response.text
    assert f'"root":"{url}"' in response.text
    assert "secure" not in response.headers.get("set-cookie", "").lower()


def test_behind_the_gate_gradio_reads_no_file_either(private: Path) -> None:
    """Gradio checks paths only if it was launched itself; the mounted page turns this check on."""

    async def attack() -> httpx.Response:
        mounted = mount_page(Site(build_page(Chat(scripted_load()), EXAMPLES))).routes[-1]
        assert isinstance(mounted, Mount)
        assert isinstance(mounted.app, Gate)
        transport = httpx.ASGITransport(mounted.app._app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            file = {"path": str(private), "meta": {"_type": "gradio.FileData"}}
            return await client.post(f"{API}/run/predict", json={"data": [file, None], "fn_index": 1})

    response = asyncio.run(attack())
    assert response.status_code == 500
    assert files_of_gradio() == []


def test_the_folder_of_gradio_goes_with_a_server_that_is_told_to_end(tmp_path: Path) -> None:
    script = (
        "from scripted import EXAMPLES, scripted_load\n"
        "from citewire.ui.chat import Chat\nfrom citewire.ui.page import CACHE, Site, build_page\n"
        "from citewire.ui.server import PageServer\n"
        "PageServer(lambda: Site(build_page(Chat(scripted_load()), EXAMPLES)), port=0,"
        " on_ready=lambda url: print(CACHE, flush=True)).run()\n"
    )
    here = str(Path(__file__).parent.parent)
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": here}
    started = [sys.executable, "-c", script]
    with subprocess.Popen(
        started, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as one:
        assert one.stdout is not None
        folder = Path(one.stdout.readline().strip())
        assert folder.parent == tmp_path
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        one.terminate()
        one.communicate(timeout=60)
    assert not folder.exists()
