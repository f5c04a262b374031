"""The page below a path and behind TLS, with a real nginx configured as in docs/api.md."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
import openai_server
import pytest
from browser import at_rest, tab
from commands import free_port
from conftest import REPOSITORY, together, until
from playwright.sync_api import Browser, FilePayload, Page, expect
from pydantic import ValidationError
from served import serving, usable

from citewire.ui import tour
from citewire.ui.access import FREE_TRIES
from citewire.ui.cli import lay_out
from citewire.ui.settings import Settings, load

ROOT = "/news/citewire"
HOST = "news.localhost"  # Chromium resolves it to this machine; citewire does not know it
PASSWORD = "correct horse"
BEARER = {"Authorization": f"Bearer {PASSWORD}"}
QUESTION = "How many Avalon miners did Mawson order from Canaan?"
SAID = "Mawson ordered Avalon miners from Canaan."
TOUR = (tour.Step("A fact", QUESTION, "Before.", "Waiting.", "quote", "The quote.", "No quote."),)
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  {servers}
}}
"""
SERVER = """
  server {{
    listen 127.0.0.1:{port}{tls};
    location / {{ return 418; }}
    location = /favicon.ico {{ return 204; }}  # Chromium asks before the page has said where its own is
    {location}
  }}
"""


@dataclass(frozen=True)
class Shown:
    """Addresses of one page: direct, and behind a proxy that removes the path ("off"), keeps it ("on") or has "tls"."""

    direct: str
    ports: Mapping[str, int]
    certificate: Path

    def outer(self, way: str) -> str:
        """The address in a browser."""
        return (
            f"https://{HOST}:{self.ports[way]}{ROOT}" if way == "tls" else f"http://127.0.0.1:{self.ports[way]}{ROOT}"
        )

    def client(self, way: str, source: str = "127.0.0.1", **headers: str) -> httpx.Client:
        """A client whose requests come from an address of this machine."""
        trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusted.load_verify_locations(self.certificate)
        transport = httpx.HTTPTransport(verify=trusted, local_address=source)
        outer = httpx.URL(self.direct if way == "direct" else self.outer(way))
        host = outer.netloc.decode()
        return httpx.Client(
            base_url=outer.copy_with(host="127.0.0.1"),
            transport=transport,
            timeout=60,
            headers={"Host": host} | headers,
        )


def certificate(folder: Path) -> Path:
    """Make a self-signed certificate; its key is in the same folder."""
    made = folder / "made.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1",
         "-keyout", f"{made}.key", "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip
    return made


@contextmanager
def proxied(to: str, folder: Path, program: str) -> Iterator[Shown]:
    """Run nginx in front of an address, with the `location` of docs/api.md."""
    written = re.search(r"^location /citewire/ \{.*?^\}", (REPOSITORY / "docs/api.md").read_text("utf-8"), re.M | re.S)
    assert written
    off = written[0].replace("/citewire/", f"{ROOT}/").replace("http://127.0.0.1:7860/", f"{to}/")
    made = certificate(folder)
    tls = f" ssl; ssl_certificate {made}; ssl_certificate_key {made}.key"
    ports = {way: free_port() for way in ("off", "on", "tls")}
    servers = "".join(
        SERVER.format(
            port=port, tls=tls if way == "tls" else "", location=off.replace(f"{to}/", to) if way == "on" else off
        )
        for way, port in ports.items()
    )
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, servers=servers))
    line = [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "start.log")]
    with subprocess.Popen(line) as process:

        def answers() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", ports["tls"])) == 0

        try:
            until(answers)
            yield Shown(to, ports, made)
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def nginx() -> str:
    """The program; its tests are never skipped, because a skipped test proves nothing."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")  # Debian's folder is not on every PATH
    if not found:
        pytest.fail("No nginx: `make nginx` installs Debian's.")
    return found


@pytest.fixture(scope="module")
def shown(seeds_folder: Path, tmp_path_factory: pytest.TempPathFactory, nginx: str) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("below")
    shutil.copytree(seeds_folder, folder / "index")
    with openai_server.saying(SAID) as model:
        chosen = Settings(
            index=folder / "index", conversations=folder / "kept.sqlite", runs=folder / "runs", model=model,
            reader="small", root_path=ROOT, password=PASSWORD,  # type: ignore[arg-type]
        )  # fmt: skip
        with (
            serving(
                lambda: lay_out(chosen, [tour.router(TOUR, pace=100)]), PASSWORD,
                root_path=ROOT, trusted_proxies="127.0.0.1",
            ) as url,
            proxied(url, folder, nginx) as made,
        ):  # fmt: skip
            until(lambda: httpx.get(f"{url}/readyz", headers=BEARER).status_code == 200, 120)
            yield made


def test_the_page_works_below_a_path_and_behind_tls(chromium: Browser, shown: Shown) -> None:
    address = shown.outer("tls")
    with (
        chromium.new_context(ignore_https_errors=True, reduced_motion="reduce") as context,
        tab(context, f"{address}/") as page,  # no request may leave the path
    ):
        page.goto(f"{address}{tour.ADDRESS}")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{address}{tour.ADDRESS}")
        cookies = {one["name"]: (one["path"], one["secure"]) for one in context.cookies()}
        assert cookies == {"citewire_session": (ROOT, True), "citewire_visitor": (ROOT, True)}
        take_the_tour(usable(page), address)
        come_back(page, shown)
        read_and_add(page, shown)
        at_rest(page).get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{address}/login")


def take_the_tour(page: Page, address: str) -> None:
    """Ask the questions of the tour."""
    expect(page.locator(".cw-tour-caption")).to_have_text("Before.")
    page.locator(".cw-tour").get_by_role("button", name="Next").click()
    expect(page.locator(".cw-tour-caption")).to_have_text("The quote.")
    page.locator(".cw-tour").get_by_role("button", name="Quit").click()
    expect(page.locator("mark.cw-on").first).to_be_visible()
    page.wait_for_url(f"{address}/c/*")


def come_back(page: Page, shown: Shown) -> None:
    address, conversation = shown.outer("tls"), page.url
    at_rest(page).goto(f"{address}/")
    usable(page).get_by_role("button", name="History").click()
    row = page.locator(".cw-history-row").first
    expect(row).to_contain_text("Mawson")
    row.get_by_role("button", name="More for").click()
    page.get_by_role("button", name="Share").click()
    link = page.get_by_role("textbox", name="Address for others")
    expect(link).to_have_value(re.compile(re.escape(f"{address}/shared/")))
    with shown.client("tls") as stranger:
        read = stranger.get(link.input_value().removeprefix(address))
    assert (read.status_code, f"<h1>{QUESTION}</h1>" in read.text) == (200, True)
    page.keyboard.press("Escape")
    row.locator(".cw-history-open").click()
    expect(page.locator(".cw-question")).to_have_text(QUESTION)
    page.wait_for_url(conversation)
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


def read_and_add(page: Page, shown: Shown) -> None:
    page.get_by_role("button", name="Articles").click()
    view = page.get_by_role("dialog", name="Articles")
    expect(view.get_by_role("listitem")).to_have_count(5)
    view.locator(".cw-article-open").first.click()
    expect(view.locator(".cw-article-text")).to_be_visible()
    light: FilePayload = {"name": "light.txt", "mimeType": "text/plain", "buffer": b"Skagen is lit again."}
    view.locator("input[type=file]").first.set_input_files([light])
    with shown.client("tls", **BEARER) as client:

        def found() -> Any:
            return client.get("/v1/articles", params={"q": "Skagen"}).json()

        until(lambda: found()["found"] == 1)
        gone = {"paths": [found()["articles"][0]["path"]], "sure": True}
        assert client.post("/corpus/removal", json=gone).status_code == 200
    page.keyboard.press("Escape")


@pytest.mark.parametrize("way", ["off", "on", "tls"])
def test_addresses_and_cookies_that_go_out(shown: Shown, way: str) -> None:
    with shown.client(way, **BEARER) as client:
        led = client.get("/c/x%20y")
        assert (led.status_code, led.headers["location"]) == (303, f"{ROOT}/?c=x%20y")
        assert f"; Path={ROOT}; " in led.headers["set-cookie"]
        assert led.headers["set-cookie"].endswith("; Secure") == (way == "tls")
        asked = client.get("/", params={"q": "Who?"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert asked.headers["location"] == f"{ROOT}/?draft=Who%3F"
        links = cited(client)
        for link in links:
            assert link.startswith(f"{shown.outer(way)}/v1/articles/")
            assert SAID.split()[0] in client.get(link.removeprefix(shown.outer(way))).json()["text"]
        foreign = client.post("/v1/search", json={"question": QUESTION}, headers={"Origin": "http://x.example"})
        assert foreign.status_code == 403
        assert client.get("/v1/status", headers={"Authorization": ""}).status_code == 401


def cited(client: httpx.Client) -> list[str]:
    said = client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": QUESTION}]}).json()
    links = [one["url_citation"]["url"] for one in said["choices"][0]["message"]["annotations"]]
    assert links
    return links


def test_mcp_below_a_path(shown: Shown) -> None:
    from mcp import Client  # takes a second to import
    from mcp.client.streamable_http import streamable_http_client

    async def search(way: str) -> Any:
        async with (
            httpx2.AsyncClient(headers=BEARER) as http,
            Client(streamable_http_client(f"{shown.outer(way)}/mcp", http_client=http)) as client,
        ):
            return (await client.call_tool("search", {"question": QUESTION, "k": 1})).structured_content

    for found in together(lambda way: asyncio.run(search(way)), ["off", "on"]):  # this thread has Playwright's loop
        assert "Mawson" in found["passages"][0]["text"]


def test_visitors_behind_the_proxy_are_told_apart_and_nobody_else_is_believed(shown: Shown) -> None:
    def tries(way: str, source: str) -> list[int]:
        with shown.client(way, source) as client:
            return [
                client.post(
                    "/login", data={"password": "wrong"},
                    headers={"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"},
                ).status_code
                for number in range(FREE_TRIES + 1)
            ]  # fmt: skip

    assert tries("off", "127.0.0.2") == tries("direct", "127.0.0.3") == [401] * FREE_TRIES + [429]
    for way, source, status in (
        ("off", "127.0.0.2", 429), ("tls", "127.0.0.2", 429), ("direct", "127.0.0.2", 429),
        ("off", "127.0.0.3", 429), ("off", "127.0.0.4", 303), ("direct", "127.0.0.1", 303),
    ):  # fmt: skip
        with shown.client(way, source) as client:
            assert client.post("/login", data={"password": PASSWORD}).status_code == status, (way, source)
    with shown.client("direct", "127.0.0.5", **BEARER, **{"X-Forwarded-Proto": "https"}) as client:
        assert "Secure" not in client.get("/c/x").headers["set-cookie"]
        assert all(link.startswith("http://") for link in cited(client))


def test_the_path_itself_leads_to_the_page(shown: Shown) -> None:
    with shown.client("direct", **BEARER) as client:
        led = client.get(ROOT)
        assert (led.status_code, led.headers["location"]) == (308, f"{ROOT}/")
        assert client.get(f"{ROOT}x/v1/status").status_code == 404
        assert client.get("/v1/status").json() == client.get(f"{ROOT}/v1/status").json()


@pytest.mark.parametrize(
    "wrong", ["citewire", "/", "/a/", "//evil.example", "/a/../b", "/a b", "/a?b", '/"x', "/{root}"]
)
def test_what_is_no_path(wrong: str) -> None:
    with pytest.raises(ValidationError, match="is no path such as /citewire"):
        Settings(root_path=wrong)
    assert load({"root_path": "/a/b-c_1"}).settings.root_path == "/a/b-c_1"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("*", r"'\*' is no address"), ("proxy.example", "is no address"), ("10.0.0.1, 10.0.0.2/24", "2/24' is no"),
        ("127.0.0.1,0.0.0.0/0", "'0.0.0.0/0' is every address"), ("::/0", "is every address"),
    ],
)  # fmt: skip
def test_what_is_no_proxy(wrong: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Settings(trusted_proxies=wrong)
    assert load({"trusted_proxies": "127.0.0.1, fd00::/8"}).settings.trusted_proxies == "127.0.0.1, fd00::/8"
