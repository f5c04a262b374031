"""A link on another page may not ask a question; an answer that was not stored says so. In Chromium, real server."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from browser import browser_context, opened
from conftest import at_work
from playwright.sync_api import Browser, expect
from scripted import EXAMPLES, ScriptedAnswerer, ScriptedIndex
from served import ask, served, serving, usable

from citewire.ui.chat import Chat, Loaded
from citewire.ui.conversations import Conversations
from citewire.ui.page import Site, build_page

pytestmark = pytest.mark.slow  # servers, and mostly Chromium


class _Other(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        link = f'<a href="{self.server.target}">free phones</a>'  # type: ignore[attr-defined]
        self.wfile.write(b"<!doctype html>" + link.encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def other() -> Iterator[ThreadingHTTPServer]:
    """Another site, with a link."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Other)
    with at_work(server):
        yield server


def test_a_link_of_another_page_asks_with_a_click(
    chromium: Browser, tmp_path: Path, other: ThreadingHTTPServer
) -> None:
    answerer = ScriptedAnswerer()
    with (
        served(lambda: Loaded(answerer, ScriptedIndex(), "scripted model"), tmp_path / "kept.db") as address,
        browser_context(chromium) as context,
    ):
        target = f"{address}/?q=When+does+the+%3Cb%3Etunnel+open%3F"
        other.target = target  # type: ignore[attr-defined]
        page = context.new_page()
        page.goto(f"http://localhost:{other.server_port}/")
        page.get_by_role("link").click()
        expect(page.locator(".cw-offered")).to_have_text("When does the <b>tunnel open?")
        expect(page.locator("#cw-ask textarea")).to_have_value("When does the <b>tunnel open?")
        page.wait_for_url(f"{address}/")
        assert answerer.histories == []
        page.get_by_role("button", name="Dismiss").click()
        expect(page.locator(".cw-offer")).to_have_count(0)
        expect(page.locator("#cw-ask textarea")).to_have_value("")
        page.goto(f"http://localhost:{other.server_port}/")
        page.get_by_role("link").click()
        page.get_by_role("button", name="Ask this").click()
        expect(page.locator(".cw-question")).to_have_text("When does the <b>tunnel open?")
        expect(page.locator("#cw-ask .submit-button")).to_be_visible()
        assert len(answerer.histories) == 1
        assert page.evaluate("fetch('/conversations').then((answer) => answer.json())")[0]["exchanges"] == 1
        page.goto(target)  # typed
        expect(page.locator(".cw-question")).to_have_text("When does the <b>tunnel open?")


@pytest.mark.parametrize(
    ("site", "moved"),
    [("cross-site", True), ("same-site", True), (None, True), ("same-origin", False), ("none", False)],
)
def test_where_a_document_was_asked_for_from_decides(tmp_path: Path, site: str | None, moved: bool) -> None:
    with served(lambda: Loaded(ScriptedAnswerer(), ScriptedIndex(), "scripted"), tmp_path / "kept.db") as address:
        headers = {"Sec-Fetch-Site": site} if site else {}
        answer = httpx.get(f"{address}/?q=a%20b&q=%22&x=1", headers=headers)
        assert (answer.status_code, answer.headers.get("location")) == (
            (303, "/?draft=a+b&draft=%22&x=1") if moved else (200, None)
        )


def test_an_answer_that_cannot_be_kept_says_so(chromium: Browser, tmp_path: Path) -> None:
    with Conversations(tmp_path / "kept.db") as kept:

        def build() -> Site:
            chat = Chat(lambda: Loaded(ScriptedAnswerer(), ScriptedIndex(), "scripted model"), keeper=kept)
            return Site(build_page(chat, EXAMPLES))

        with serving(build) as address, opened(chromium, address) as page:
            usable(page)
            kept._db.execute("PRAGMA query_only = ON")  # SQLite refuses to write, as on a full disk
            ask(page, EXAMPLES[0])
            expect(page.locator(".cw-unkept")).to_have_text(
                "This answer could not be kept in the History: attempt to write a readonly database."
            )
            expect(page.locator(".cw-answer .cw-chip")).to_have_count(3)
            kept._db.execute("PRAGMA query_only = OFF")
            page.locator(".cw-retry").click()
            expect(page.locator(".cw-unkept")).to_have_count(0)
            expect(page.locator(".cw-more")).to_be_visible()
