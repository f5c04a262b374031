"""The page below a path, behind a real nginx that takes the path off or passes it on."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import openai_server
import pytest
from browser import at_rest, opened
from commands import free_port
from conftest import until
from playwright.sync_api import Browser, FilePayload, expect
from pydantic import ValidationError
from served import ask, serving, usable

from citewire.ui.cli import lay_out
from citewire.ui.settings import Settings, load

pytestmark = pytest.mark.skipif(not shutil.which("nginx"), reason="no nginx on the PATH: apt-get install nginx")

ROOT = "/news/citewire"
PASSWORD = "correct horse"
QUESTION = "How many Avalon miners did Mawson order from Canaan?"
SAID = "Mawson ordered Avalon miners from Canaan."
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port};
    location / {{ return 418; }}
    location = /favicon.ico {{ return 204; }}  # Chromium asks before the page has said where its own is
    location {root}/ {{
      proxy_pass {to}; proxy_set_header Host $http_host; proxy_http_version 1.1; proxy_buffering off;
    }}
  }}
}}
"""


@contextmanager
def proxied(to: str, folder: Path) -> Iterator[str]:
    """Run nginx before an address; yield where it shows it."""
    folder.mkdir()
    port = free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, to=to, root=ROOT))
    line = [
        str(shutil.which("nginx")),
        "-p",
        str(folder),
        "-c",
        str(folder / "nginx.conf"),
        "-e",
        str(folder / "start.log"),
    ]
    with subprocess.Popen(line) as process:

        def answers() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        try:
            until(answers)
            yield f"http://127.0.0.1:{port}{ROOT}"
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def folder(seeds_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("below")
    shutil.copytree(seeds_folder, made / "index")
    return made


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    with openai_server.saying(SAID) as url:
        yield url


@contextmanager
def page_at(folder: Path, model: str, way: str, password: str = "") -> Iterator[str]:
    """Serve the page below `ROOT`, behind a proxy that takes it "off" or passes it "on"."""
    chosen = Settings(
        index=folder / "index", conversations=folder / f"{way}.sqlite", runs=folder / "runs", model=model,
        reader="small", root_path=ROOT, password=password or None,  # type: ignore[arg-type]
    )  # fmt: skip
    with (
        serving(lambda: lay_out(chosen), password, root_path=ROOT) as url,
        proxied(f"{url}/" if way == "off" else url, folder / f"nginx-{way}-{bool(password)}") as address,
    ):
        yield address


@pytest.fixture(scope="module", params=["off", "on"])
def address(request: pytest.FixtureRequest, folder: Path, model: str) -> Iterator[str]:
    with page_at(folder, model, request.param) as shown:
        until(lambda: httpx.get(f"{shown}/readyz").status_code == 200, 120)
        yield shown


def test_the_page_works_below_a_path(chromium: Browser, address: str) -> None:
    with opened(chromium, f"{address}/") as page:  # no request leaves the path
        ask(usable(page), QUESTION)
        page.locator(".cw-text a.cw-chip").first.click()
        expect(page.locator("mark.cw-on").first).to_be_visible()
        page.wait_for_url(f"{address}/c/*")
        shown = page.url
        page.get_by_role("button", name="Articles").click()
        view = page.get_by_role("dialog", name="Articles")
        expect(view.get_by_role("listitem")).to_have_count(5)
        view.locator(".cw-article-open").first.click()
        expect(view.locator(".cw-article-text")).to_be_visible()
        page.keyboard.press("Escape")
        at_rest(page).goto(f"{address}/")
        usable(page).get_by_role("button", name="History").click()
        row = page.locator(".cw-history-row").first
        expect(row).to_contain_text("Mawson")
        row.locator(".cw-history-open").click()
        expect(page.locator(".cw-question")).to_have_text(QUESTION)
        page.wait_for_url(shown)
        page.go_back()
        page.wait_for_url(f"{address}/")
        expect(page.locator(".cw-welcome")).to_be_visible()
        page.go_forward()
        expect(page.locator(".cw-question")).to_have_text(QUESTION)
        at_rest(page).reload()
        expect(usable(page).locator(".cw-question")).to_have_text(QUESTION)
        page.locator(".cw-more").click()
        with page.expect_download() as saved:
            page.get_by_role("link", name="Data (JSON)").click()
        assert QUESTION in saved.value.path().read_text("utf-8")
        with page.expect_popup() as figures:
            page.locator(".cw-quality").click()
        assert figures.value.url == f"{address}/figures"
        figures.value.close()


def test_an_upload_and_its_removal(chromium: Browser, address: str) -> None:
    with opened(chromium, f"{address}/") as page:
        usable(page).get_by_role("button", name="Articles").click()
        view = page.get_by_role("dialog", name="Articles")
        files = view.locator("input[type=file]").first
        light: FilePayload = {"name": "light.txt", "mimeType": "text/plain", "buffer": b"Skagen is lit again."}
        files.set_input_files([light])
        until(lambda: httpx.get(f"{address}/v1/articles", params={"q": "Skagen"}).json()["found"] == 1)
        (row,) = httpx.get(f"{address}/v1/articles", params={"q": "Skagen"}).json()["articles"]
    gone = httpx.post(f"{address}/corpus/removal", json={"paths": [row["path"]], "sure": True})
    assert gone.status_code == 200


def test_addresses_and_cookies_that_go_out(address: str) -> None:
    with httpx.Client(base_url=address, timeout=60) as client:
        led = client.get("/c/x%20y")
        assert (led.status_code, led.headers["location"]) == (303, f"{ROOT}/?c=x%20y")
        assert f"; Path={ROOT}; " in led.headers["set-cookie"]
        asked = client.get("/", params={"q": "Who?"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert asked.headers["location"] == f"{ROOT}/?draft=Who%3F"
        said = client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": QUESTION}]}).json()
        links = [one["url_citation"]["url"] for one in said["choices"][0]["message"]["annotations"]]
        assert links
        for link in links:
            assert link.startswith(("https://", f"{address}/v1/articles/"))
            assert httpx.get(link).status_code == 200 if link.startswith(address) else link
        assert (
            client.post("/v1/search", json={"question": QUESTION}, headers={"Origin": "http://x.example"}).status_code
            == 403
        )


def test_signing_in_below_a_path(chromium: Browser, folder: Path, model: str) -> None:
    with page_at(folder, model, "on", PASSWORD) as address, chromium.new_context() as context:
        page = context.new_page()
        page.goto(f"{address}/figures?run=x")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{address}/figures?run=x")
        cookies = {cookie["name"]: cookie["path"] for cookie in context.cookies()}
        assert cookies == {"citewire_session": ROOT, "citewire_visitor": ROOT}
        page.goto(f"{address}/")
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{address}/login")
        assert httpx.get(f"{address}/v1/status").status_code == 401


def test_the_path_itself_leads_to_the_page(folder: Path, model: str) -> None:
    chosen = Settings(
        index=folder / "index", conversations=folder / "x.sqlite", model=model, reader="small", root_path=ROOT
    )  # fmt: skip
    with serving(lambda: lay_out(chosen), root_path=ROOT) as url:
        led = httpx.get(f"{url}{ROOT}")
        assert (led.status_code, led.headers["location"]) == (308, f"{ROOT}/")
        assert httpx.get(f"{url}{ROOT}x/v1/status").status_code == 404
        assert httpx.get(f"{url}/v1/status").json() == httpx.get(f"{url}{ROOT}/v1/status").json()


@pytest.mark.parametrize(
    "wrong", ["citewire", "/", "/a/", "//evil.example", "/a/../b", "/a b", "/a?b", '/"x', "/{root}"]
)
def test_what_is_no_path(wrong: str) -> None:
    with pytest.raises(ValidationError, match="is no path such as /citewire"):
        Settings(root_path=wrong)
    assert load({"root_path": "/a/b-c_1"}).settings.root_path == "/a/b-c_1"
