"""The page in a real browser, and its server: every state, the keyboard, the phone, and hostile words.

Every test fails on a page error, on a console error, and on a request that leaves the page's own origin.
"""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from browser import PHONE, opened, tab
from conftest import until
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from scripted import (
    ARTICLES,
    AUDIT,
    COST,
    EXAMPLES,
    GALLERY,
    HOSTILE,
    HOURS,
    OPENING,
    PAYLOADS,
    PLAIN,
    TUNNEL,
    Gated,
    ScriptedAnswerer,
    ScriptedIndex,
    scripted_load,
)
from served import ask, serving, submit, usable

from citewire.index.errors import InputError, ModelError
from citewire.ui.chat import BUSY, Chat, Conversation, Loaded
from citewire.ui.labels import card, gone
from citewire.ui.middleware import CONTENT_SECURITY_POLICY
from citewire.ui.page import CAUTION, Site, build_page
from citewire.ui.page import Page as Handlers
from citewire.ui.server import PageServer, bind
from citewire.ui.visitor import problem_details

pytestmark = pytest.mark.slow  # loads Gradio

OUR_TAGS = {
    "a", "article", "b", "br", "button", "div", "h2", "h3", "header", "i", "input", "label", "li", "mark", "p", "q",
    "section", "small", "span", "strong", "ul",
}  # fmt: skip


@contextmanager
def page_of(load: Callable[[], Loaded], examples: tuple[str, ...] = EXAMPLES) -> Iterator[str]:
    """Serve a page that keeps nothing."""
    with serving(lambda: Site(build_page(Chat(load), examples))) as address:
        yield address


@pytest.fixture(scope="module")
def url(answerer: ScriptedAnswerer) -> Iterator[str]:
    with page_of(lambda: Loaded(answerer, ScriptedIndex(), "scripted model")) as address:
        yield address


@pytest.fixture
def page(context: BrowserContext, url: str) -> Iterator[Page]:
    with tab(context, url) as ready:
        ready.context.grant_permissions(["clipboard-read", "clipboard-write"])
        yield usable(ready)


def test_a_number_opens_its_exact_quote_and_escape_returns_to_it(page: Page) -> None:
    expect(page.locator(".cw-corpus")).to_have_text("3 articles, 2 dated: 11 Feb to 2 Mar 2026")
    expect(page.locator(".cw-status")).to_have_text("Ready: scripted model")
    ask(page, EXAMPLES[0])
    expect(page.get_by_role("heading", name=EXAMPLES[0], level=2)).to_be_visible()  # of the turn
    quote = page.locator("mark.cw-on")
    for number, text, title in (
        (3, HOURS, "“😀 A four-metre"),
        (1, OPENING, TUNNEL.title),
        (2, GALLERY, "“😀"),
    ):
        link = page.locator("#cw-chat a.cw-chip", has_text=str(number))
        link.focus()
        page.keyboard.press("Enter")
        expect(quote).to_have_text(text)
        assert quote.text_content() == text
        expect(quote).to_be_focused()
        expect(quote).to_be_in_viewport()
        expect(page.locator(".cw-reader h3")).to_contain_text(title)
        expect(link).to_have_attribute("aria-current", "true")
        page.keyboard.press("Escape")
        expect(link).to_be_focused()
    expect(page.locator(".cw-tip q")).to_have_text(GALLERY)  # focus previews the quote
    shown = page.locator(".cw-body p").all_text_contents()
    assert "\n".join(shown) == PLAIN.text
    expect(page.locator(".cw-byline")).to_have_text("date unknown")
    expect(page.locator(".cw-closing")).to_have_text(
        "2 of 2 sentences checked against a quote, reworded. 1 of 2 read as answering the question: “18 May”."
        " 2 articles. 2.1 s."
    )
    expect(page.locator(".cw-mark.cw-good")).to_have_text("1 of 2 read as answering the question: “18 May”.")


def test_rows_of_the_panel_choose_quotes_and_who_types_while_an_article_loads_stays_in_the_box(page: Page) -> None:
    ask(page, EXAMPLES[0])
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    reading = re.compile("/component_server")
    page.route(reading, hold)
    with page.expect_request(reading):
        page.locator("#cw-chat a.cw-chip", has_text="2").click()
    box = page.get_by_role("textbox")
    box.fill("And cyclists?")
    held[0].continue_()
    expect(page.locator("mark.cw-on")).to_have_text(GALLERY)
    expect(box).to_be_focused()
    page.unroute(reading)
    rows = page.locator(".cw-row")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Northgate Herald, 11 Feb 2026")
    expect(rows.first).to_contain_text("Best match")
    page.get_by_role("button", name="Show quote 3").click()
    expect(page.locator("mark.cw-on")).to_have_text(HOURS)
    expect(page.get_by_role("button", name="Show quote 3")).to_be_focused()
    expect(page.locator(".cw-summary")).to_have_text("3 quotes from 2 articles")


def test_stop_keeps_the_text_and_marks_it_incomplete(page: Page) -> None:
    submit(page, "Answer slowly")
    expect(page.locator(".cw-draft")).to_contain_text("staffed from")
    page.locator("#cw-chat a.cw-chip").click()  # live while the rest is written
    expect(page.locator("mark.cw-on")).to_have_text(OPENING)
    page.get_by_role("textbox").fill("Another one")
    page.keyboard.press("Enter")
    expect(page.locator(".cw-hint span")).to_have_text("An answer is being written. Wait for it, or press Stop.")
    page.locator("#cw-ask .stop-button").click()
    expect(page.locator(".cw-closing")).to_contain_text("Stopped before the answer was complete.")
    expect(page.locator(".cw-draft")).to_contain_text("staffed from")
    expect(page.locator(".cw-hint span")).not_to_contain_text("being written")
    expect(page.get_by_role("textbox")).to_have_value("Another one")
    expect(page.locator("#cw-ask .submit-button")).to_be_visible()
    page.get_by_role("textbox").fill("")
    submit(page, "Please hold")
    expect(page.locator(".cw-busy")).to_contain_text("Searching")
    page.locator("#cw-ask .stop-button").click()
    expect(page.locator(".cw-empty p")).to_have_text("It was stopped before any passage was found.")


def test_the_line_that_asks_to_wait_goes_with_the_answer_not_with_what_is_sought_after_it() -> None:
    def suggest(*given: Any) -> Iterator[str]:
        until(given[-1])  # stopped
        yield from ()

    answerer, conversation = Gated(), Conversation()
    chat = Chat(lambda: Loaded(answerer, ScriptedIndex(), "m", suggest=suggest))
    until(lambda: chat.background.done)
    exchange = chat.ask("q", conversation)
    conversation.notice = chat.refusal("another", conversation)

    async def hints() -> list[tuple[bool, bool, str]]:
        """The lines that were sent, and whether the answer stood, and suggestions were still being looked for."""
        told = []
        async for view in Handlers(chat, (), articles=False, read_only=False).answer(conversation):
            if isinstance(view[3], str):
                told.append((exchange.done, exchange.suggesting, view[3]))
            answerer.go.set()
            exchange.hushed = (True, True, CAUTION) in told
        return told

    with ThreadPoolExecutor(1) as apart:  # the browser's loop runs in this thread
        told = apart.submit(asyncio.run, hints()).result(60)
    assert told[0] == (False, True, BUSY)
    assert (True, True, CAUTION) in told


def test_the_card_of_a_missing_article_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    index = ScriptedIndex()
    chat = Chat(lambda: Loaded(Gated(), index, "m"))
    until(lambda: chat.background.done)
    handlers = Handlers(chat, (), articles=False, read_only=False)
    path, known = "made/up.txt", handlers.card(PLAIN.path)
    assert handlers.card(path) == gone(path)
    monkeypatch.setattr(index, "article", lambda _: TUNNEL)
    assert (handlers.card(path), handlers.card(PLAIN.path)) == (card(TUNNEL), known)


def test_flags_conflicts_and_copy(page: Page) -> None:
    page.get_by_text(EXAMPLES[1]).click()
    expect(page.locator(".cw-closing")).to_have_text(
        "2 of 4 sentences checked against a quote, reworded. Whether they answer the question is for you to judge. "
        "1 sentence withheld: not in the sources. 2 articles. 2.1 s."
    )
    expect(page.locator(".cw-unsupported")).to_have_text(
        "It is the most expensive road project in the region’s history."
    )
    assert "wavy" in page.locator(".cw-unsupported").evaluate("e => getComputedStyle(e).textDecoration")
    page.locator(".cw-flag", has_text="not in sources").focus()
    expect(page.locator(".cw-tip")).to_have_text("Not in the sources: “most expensive” is in no quote.")
    expect(page.locator(".cw-flag", has_text="partly in sources")).to_be_visible()
    box = page.locator(".cw-conflict")
    expect(box).to_contain_text("€1.97 billion The Quay Ledger, 2 Mar 2026")
    box.locator("a.cw-orange", has_text="2").click()
    expect(page.locator("mark.cw-on")).to_have_text(AUDIT)
    expect(page.locator(".cw-relation")).to_contain_text("Sources disagree here")
    page.locator(".cw-copy").click()
    expect(page.locator(".cw-tip")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert f"[1] “{COST}”" in copied
    assert "<" not in copied


def test_no_answer_has_no_numbers_and_lists_related_passages(page: Page) -> None:
    ask(page, EXAMPLES[2])
    expect(page.locator(".cw-abstain")).to_contain_text("No supported answer")
    expect(page.locator("#cw-panel-title")).to_have_text("Nearest passages")
    expect(page.locator(".cw-summary")).to_have_text("No answer in them")
    expect(page.locator(".cw-told")).to_have_text("Near to the question, but no answer to it")
    expect(page.locator("mark.cw-on")).to_have_css("background-color", "rgba(0, 0, 0, 0)")  # not the yellow of evidence
    expect(page.locator(".cw-row")).to_have_count(3)
    expect(page.locator("mark.cw-on")).to_have_text(OPENING)
    assert page.locator("a.cw-chip, .cw-number").count() == 0


def test_error_retry_history_and_new_chat(
    page: Page, answerer: ScriptedAnswerer, caplog: pytest.LogCaptureFixture
) -> None:
    ask(page, EXAMPLES[0])
    ask(page, "Now an error")
    expect(page.locator(".cw-error")).to_contain_text("The model server at 127.0.0.1:1 closed the connection")
    expect(page.locator(".cw-error")).to_contain_text("Start it and press Retry.")
    expect(page.locator(".cw-answer").last.locator(".cw-chip")).to_have_count(1)  # what was shown stays
    asked = len(answerer.histories)
    page.locator(".cw-retry").click()
    expect(page.locator(".cw-retry")).to_have_attribute("href", "#cw-retry-t3")
    expect(page.locator(".cw-question")).to_have_count(2)
    assert len(answerer.histories) == asked + 1
    (turn,) = answerer.histories[-1]
    assert turn.question == EXAMPLES[0]
    assert turn.answer.startswith("The Harbour Tunnel opens to traffic on 18 May.")
    ask(page, "reader: is it free?")
    expect(page.locator(".cw-searched")).to_have_text("Searched for: Is the tunnel's gallery free for readers?")
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".cw-welcome")).to_be_visible()
    expect(page.locator(".cw-empty")).to_be_visible()
    ask(page, "When does it open?")
    assert answerer.histories[-1] == ()
    ask(page, "crash please")
    expect(page.locator(".cw-error")).to_contain_text("The answer could not be finished")
    assert "RuntimeError: a bug" in caplog.text  # it is logged, without the question
    assert "crash please" not in caplog.text


def test_new_chat_during_an_answer_stays_empty(page: Page) -> None:
    submit(page, "Answer slowly")
    expect(page.locator(".cw-draft")).to_be_visible()
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".cw-welcome")).to_be_visible()
    ask(page, "When does it open?")  # waits for the stopped one in line, so its last view has come
    expect(page.locator(".cw-question")).to_have_count(1)
    expect(page.locator(".cw-answer .cw-chip")).to_have_count(3)


def test_questions_that_are_empty_or_too_long_are_refused_by_the_server(page: Page) -> None:
    box, hint = page.get_by_role("textbox"), page.locator(".cw-hint span")
    page.locator("#cw-ask .submit-button").click()
    expect(hint).to_have_text("The question is empty. Type a question first.")
    page.wait_for_timeout(1000)  # what follows an answer ends meanwhile; the hint stays
    expect(hint).to_have_text("The question is empty. Type a question first.", timeout=1)
    box.evaluate("e => e.removeAttribute('maxlength')")
    box.fill("é" * 1001)
    page.locator("#cw-ask .submit-button").click()
    expect(hint).to_have_text("This question has 1,001 characters, the limit is 1,000. Shorten it and ask again.")
    expect(box).to_have_value("é" * 1001)
    assert page.locator(".cw-question").count() == 0
    ask(page, EXAMPLES[0])
    expect(hint).to_have_text("Answers can be wrong. Check the highlighted quote before you rely on one.")


def test_on_a_phone_the_sources_are_a_sheet(chromium: Browser, url: str) -> None:
    with opened(chromium, url, PHONE) as page:
        usable(page)
        ask(page, EXAMPLES[0])
        sheet = page.locator("#cw-right")
        expect(sheet).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        page.locator("#cw-chat a.cw-chip", has_text="3").click()
        expect(page.locator("mark.cw-on")).to_have_text(HOURS)
        expect(page.locator("mark.cw-on")).to_be_in_viewport()
        page.get_by_role("button", name="Close").click()
        expect(sheet).to_be_hidden()
        expect(page.locator("#cw-chat a.cw-chip", has_text="3")).to_be_focused()
        page.locator(".cw-open").click()
        expect(sheet).to_be_visible()
        page.get_by_role("button", name="Close").click()
        ask(page, EXAMPLES[1])
        sentence = page.locator(".cw-claim", has_text="finished in 2019")
        sentence.evaluate("e => e.scrollIntoView({ block: 'end' })")
        sentence.locator("a.cw-chip").click()
        expect(page.locator("mark.cw-on")).to_be_in_viewport()
        answer, over, head = (one.bounding_box() for one in (sentence, sheet, page.locator("#cw-head")))
        assert answer
        assert over
        assert head
        assert head["y"] + head["height"] <= answer["y"]
        assert answer["y"] + answer["height"] <= over["y"]


def test_hostile_words_run_nothing_and_fetch_nothing(chromium: Browser) -> None:
    hostile = (HOSTILE, *ARTICLES[:3])
    examples = ("hostile " + PAYLOADS[1], PAYLOADS[2], PAYLOADS[12])
    with page_of(scripted_load(hostile), examples) as address, opened(chromium, address) as page:
        usable(page)
        page.locator(".cw-example").first.click()
        expect(page.locator(".cw-closing")).to_be_visible()
        ask(page, ("hostile " + " ".join(p.replace("\n", " ") for p in PAYLOADS))[:1000])
        expect(page.locator(".cw-closing").last).to_be_visible()
        for link in page.locator(".cw-answer").last.locator("a.cw-chip").all()[::4]:
            link.click()
        link = page.locator(".cw-text").last.locator("a.cw-chip").last
        link.click()
        expect(page.locator("mark.cw-on").first).to_be_visible()
        page.locator(".cw-flag").last.hover()
        assert page.evaluate("window.pwned") is None
        foreign = page.evaluate(
            """() => [...document.querySelectorAll(".cw-answer, .cw-question, .cw-panel, .cw-tip, .cw-hint")]
                .flatMap((part) => [...part.querySelectorAll("*")].map((e) => e.localName))"""
        )
        assert set(foreign) <= OUR_TAGS
        assert page.locator("a[href^='javascript:'], a[href*='attacker']").count() == 0
        assert page.locator(".cw-original").count() == 0
        assert "attacker.invalid" in (page.locator(".cw-body").text_content() or "")  # shown as words


def test_loading_then_the_reason_and_the_fix_of_a_failure(chromium: Browser) -> None:
    gate = threading.Event()

    def load() -> Loaded:
        gate.wait()
        raise ModelError("The file m.gguf has the wrong hash", "Fetch it again: citewire models fetch <b>m</b>.")

    with page_of(load) as address, opened(chromium, address) as page:
        expect(page.locator(".cw-status")).to_have_text("Loading model")
        expect(page.get_by_role("textbox")).to_be_disabled()
        gate.set()
        expect(page.locator(".cw-error")).to_contain_text("The file m.gguf has the wrong hash")
        expect(page.locator(".cw-error")).to_contain_text("citewire models fetch <b>m</b>.")
        expect(page.locator(".cw-status")).to_have_text("Model not loaded")
        expect(page.get_by_role("textbox")).to_be_disabled()


def test_a_page_that_is_stopped_while_it_is_built_ends() -> None:
    def build() -> Site:
        server.stop()
        return Site(build_page(Chat(scripted_load()), EXAMPLES))

    server = PageServer(build, port=0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize("path", ["/", "/config", "/nothing-here", "/favicon.ico"])
def test_every_response_carries_the_policy(url: str, path: str) -> None:
    response = httpx.get(url + path)
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert response.headers["x-content-type-options"] == "nosniff"


def test_foreign_host_names_are_refused(url: str) -> None:
    response = httpx.get(url, headers={"Host": "attacker.invalid"})
    assert response.status_code == 400
    assert response.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


@pytest.mark.parametrize("headers", [{"Origin": "https://attacker.invalid"}, {"Sec-Fetch-Site": "cross-site"}])
@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/upload", "/cw/page.js"])
def test_another_page_can_change_nothing(url: str, path: str, headers: dict[str, str]) -> None:
    response = httpx.post(url + path, headers=headers, json={})
    assert response.status_code == 403
    assert response.json()["problem"].startswith("The request comes from another page: ")


def test_scripts_are_served_and_nothing_else_of_the_package(url: str) -> None:
    script = httpx.get(f"{url}/cw/links.js")
    assert script.text == files("citewire.ui").joinpath("static", "links.js").read_text("utf-8")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    known = {"If-None-Match": script.headers["etag"]}
    assert httpx.get(f"{url}/cw/links.js", headers=known).status_code == 304
    for name in ("page.py", "..%2fqa%2fprompt.md", "py.typed"):
        response = httpx.get(f"{url}/cw/{name}")
        assert response.status_code == 404
    told = problem_details(404, "There is no file 'page.py'", "Load the page again.")
    assert httpx.get(f"{url}/cw/page.py").json() == told


def test_a_taken_port_is_an_error_before_anything_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=rf"Port {port} on 127\.0\.0\.1 is taken .* --port \d+"):
            PageServer(lambda: pytest.fail("built"), port=port)


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("127.0.0.1", 70000, "Port 70000 does not exist"),
        ("127.0.0.1", -1, "Port -1 does not exist"),
        ("192.0.2.1", 0, "Cannot listen on host '192.0.2.1'"),
        ("no such host", 0, "Cannot listen on host 'no such host'"),
    ],
)
def test_bad_addresses(host: str, port: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        bind(host, port)


def test_a_connection_sends_at_once_what_it_has() -> None:
    with bind("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_ctrl_c_ends_the_server_without_a_word_or_a_file(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom scripted import EXAMPLES, scripted_load\n"
        "from citewire.ui.chat import Chat\nfrom citewire.ui.page import Site, build_page\n"
        "from citewire.ui.server import PageServer\n"
        "try:\n    PageServer(lambda: Site(build_page(Chat(scripted_load()), EXAMPLES)), port=0,"
        " on_ready=lambda url: print(url, flush=True)).run()\n"
        "except KeyboardInterrupt:\n    sys.exit(130)\n"
    )
    here = str(Path(__file__).parent.parent)
    paths = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "PYTHONPATH": paths, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        # An open page always holds an event stream like this one.
        with httpx.stream("GET", f"{address}/gradio_api/heartbeat/abc") as stream:
            assert next(stream.iter_lines()) == "data: ALIVE"
            assert len(list(temporary.iterdir())) == 1  # Gradio's folder
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")
    assert list(temporary.iterdir()) == []
