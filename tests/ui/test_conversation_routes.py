"""The conversations over HTTP, separate for each visitor, and their History drawer in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import httpx
import pytest
from browser import DESK, PHONE, opened
from conftest import listening
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, Locator, Page, expect
from scripted import COST_CLAIMS, HITS, OPEN_CLAIMS, PAYLOADS, ScriptedIndex
from served import PROBLEM

from citewire.qa.types import Answer
from citewire.ui.conversation_routes import MOST_BYTES, router
from citewire.ui.conversations import Conversations
from citewire.ui.middleware import SecurityHeaders, assets
from citewire.ui.visitor import COOKIE, VisitorCookie

ME, OTHER = "A" * 32, "B" * 32
COST = Answer("How much?", "How much?", "partial", "…", COST_CLAIMS, hits=HITS)
OPEN = Answer("When?", "When?", "answered", "On 18 May [1].", OPEN_CLAIMS, hits=HITS)
BEHIND = """<!doctype html><html lang="en"><head><title>t</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/cw/page.css"><link rel="stylesheet" href="/cw/history.css"></head>
<body><main><h1>Page</h1><button id="history">History</button><input aria-label="behind"></main><script type="module">
import { createHistory } from "/cw/history.js";
window.did = [];
window.shown = "";
const view = createHistory({
  notes: { size: 0, open: () => {} },
  onOpen: (id) => did.push("open " + id), onDeleted: (id) => did.push("deleted " + id), current: () => shown,
});
addEventListener("keydown", (event) => { if (event.key === "Escape") did.push("escape"); });
const button = document.getElementById("history");
button.addEventListener("click", () => view.open(button));
document.body.dataset.ready = "yes";
</script></body></html>"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conversations]:
    with Conversations(tmp_path_factory.mktemp("routes") / "c.sqlite") as opened:
        yield opened


@pytest.fixture(scope="module")
def url(kept: Conversations) -> Iterator[str]:
    app = FastAPI()
    app.include_router(router(kept, ScriptedIndex()))
    app.include_router(assets())

    @app.get("/")
    def behind() -> HTMLResponse:
        return HTMLResponse(BEHIND)

    with listening(SecurityHeaders(VisitorCookie(app))) as address:
        yield address


@pytest.fixture
def clean(kept: Conversations) -> None:
    for visitor in (ME, OTHER):
        for info in kept.list(visitor):
            kept.delete(visitor, info.id)


@pytest.fixture
def mine(url: str, clean: None) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, cookies={COOKIE: ME}) as client:
        yield client


@pytest.fixture
def theirs(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, cookies={COOKIE: OTHER}) as client:
        yield client


# over HTTP


def test_list_and_read(kept: Conversations, mine: httpx.Client) -> None:
    assert mine.get("/conversations").json() == []
    conversation, first = kept.append(ME, None, "How much?", COST)
    kept.append(ME, conversation, "When?", OPEN)
    kept.rate(ME, first, "mismatch", claim=2, quote=1)
    (info,) = mine.get("/conversations").json()
    assert info == asdict(kept.list(ME)[0])
    response = mine.get(f"/conversations/{conversation}")
    assert response.headers["cache-control"] == "no-store"
    found = response.json()
    assert (found["id"], found["title"]) == (conversation, "How much?")
    assert [one["question"] for one in found["exchanges"]] == ["How much?", "When?"]
    assert found["exchanges"][0]["answer"] == json.loads(json.dumps(asdict(COST)))
    (rating,) = found["ratings"]
    assert (rating["exchange"], rating["claim"], rating["quote"], rating["value"]) == (first, 2, 1, "mismatch")


def test_rename_and_delete(kept: Conversations, mine: httpx.Client) -> None:
    conversation, _ = kept.append(ME, None, "How much?", COST)
    renamed = mine.patch(f"/conversations/{conversation}", json={"title": "  The\ntunnel "})
    assert renamed.json() == {"id": conversation, "title": "The tunnel"}
    assert kept.get(ME, conversation).title == "The tunnel"
    assert mine.delete(f"/conversations/{conversation}").status_code == 204
    assert kept.list(ME) == []
    again = mine.delete(f"/conversations/{conversation}")
    assert again.status_code == 404
    assert again.json()["fix"] == "Choose one from the list, or let whoever has it share it under History."


def test_feedback_is_given_and_taken_back(kept: Conversations, mine: httpx.Client) -> None:
    conversation, exchange = kept.append(ME, None, "How much?", COST)
    body = {"exchange": exchange, "claim": None, "quote": None, "value": "right", "note": "yes"}
    assert mine.post("/feedback", json=body).json()["note"] == "yes"
    mine.post("/feedback", json={"exchange": exchange, "quote": 2, "value": "mismatch"})
    assert [(one.quote, one.value) for one in kept.ratings(ME, conversation)] == [(None, "right"), (2, "mismatch")]
    taken_back = mine.request("DELETE", "/feedback", json={"exchange": exchange, "claim": None, "quote": 2})
    assert taken_back.status_code == 204
    assert [one.value for one in kept.ratings(ME, conversation)] == ["right"]


@pytest.mark.parametrize(
    ("kind", "media_type", "words"),
    [
        ("md", "text/markdown; charset=utf-8", "## How much does the “tunnel” cost?"),
        ("html", "text/html; charset=utf-8", "<h2>How much does the “tunnel” cost?</h2>"),
        ("json", "application/json", '"question": "How much does the “tunnel” cost?"'),
    ],
)
def test_exports(kept: Conversations, mine: httpx.Client, kind: str, media_type: str, words: str) -> None:
    conversation, _ = kept.append(ME, None, "How much does the “tunnel” cost?", COST)
    response = mine.get(f"/conversations/{conversation}/export.{kind}")
    assert words in response.text
    assert response.headers["content-type"] == media_type
    name = f"citewire-how-much-does-the-tunnel-cost.{kind}"
    assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert "Harbour Tunnel to open in May after two-year delay" in response.text  # the article's title
    kept.rename(ME, conversation, '隧道 "\r\n: x')
    response = mine.get(f"/conversations/{conversation}/export.{kind}")
    assert response.headers["content-disposition"] == f'attachment; filename="citewire-x.{kind}"'
    kept.rename(ME, conversation, "隧道")
    response = mine.get(f"/conversations/{conversation}/export.{kind}")
    assert response.headers["content-disposition"] == f'attachment; filename="citewire-conversation.{kind}"'


def test_anothers_is_not_there(kept: Conversations, mine: httpx.Client, theirs: httpx.Client) -> None:
    conversation, exchange = kept.append(ME, None, "How much?", COST)
    here = f"/conversations/{conversation}"
    rating = {"exchange": exchange, "value": "right"}
    for response in (
        theirs.get(here),
        theirs.patch(here, json={"title": "mine"}),
        theirs.delete(here),
        *(theirs.get(f"{here}/export.{kind}") for kind in ("md", "html", "json")),
        theirs.post("/feedback", json=rating),
        theirs.request("DELETE", "/feedback", json={"exchange": exchange}),
        mine.get("/conversations/nothing"),
        mine.get("/conversations/%ED%A0%80"),
        mine.get(f"{here}/export.pdf"),
    ):
        assert response.status_code == 404
        assert set(response.json()) == PROBLEM
    assert theirs.get("/conversations").json() == []
    assert kept.get(ME, conversation).title == "How much?"
    assert kept.ratings(ME, conversation) == ()


def test_another_page_changes_nothing(kept: Conversations, mine: httpx.Client) -> None:
    conversation, exchange = kept.append(ME, None, "How much?", COST)
    here = f"/conversations/{conversation}"
    foreign = {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"}
    for response in (
        mine.delete(here, headers=foreign),
        mine.patch(here, json={"title": "x"}, headers=foreign),
        mine.post("/feedback", json={"exchange": exchange, "value": "right"}, headers=foreign),
        mine.request("DELETE", "/feedback", json={"exchange": exchange}, headers=foreign),
    ):
        assert response.status_code == 403
    assert kept.get(ME, conversation).title == "How much?"
    assert kept.rated() == ()


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"title": ""}, 400, "The title is empty"),
        ({"title": "x" * 201}, 400, "The title has 201 characters"),
        ({"title": "x" * 3000}, 422, "body.title = 'xxx"),
        ({"title": 5}, 422, "body.title = 5: "),
        ({}, 422, "body.title = {}: Field required"),
        ({"title": "x", "id": "y"}, 422, "body.id = 'y': "),
        ([], 422, "body = []: "),
    ],
)
def test_titles_that_are_refused(
    kept: Conversations, mine: httpx.Client, body: object, status: int, problem: str
) -> None:
    conversation, _ = kept.append(ME, None, "How much?", COST)
    response = mine.patch(f"/conversations/{conversation}", json=body)
    assert response.status_code == status
    assert response.json()["problem"].startswith(problem)
    assert response.json()["fix"]


@pytest.mark.parametrize(
    ("part", "status", "problem"),
    [
        ({"value": "fine"}, 422, "body.value = 'fine': "),
        ({"value": "right", "claim": -1}, 422, "body.claim = -1: "),
        ({"value": "right", "claim": 2**70}, 422, "body.claim = 1180591620717411303424: "),
        ({"value": "right", "claim": True}, 422, "body.claim = True: "),
        ({"value": "right", "claim": 9}, 400, "The answer has no claim 9"),
        ({"value": "mismatch"}, 400, "A mismatch is of a quote"),
        ({"value": "mismatch", "quote": 9}, 400, "There is no quote 9"),
        ({"value": "right", "note": "x" * 3000}, 422, "body.note = 'xxx"),
    ],
)
def test_feedback_that_is_refused(
    kept: Conversations, mine: httpx.Client, part: dict[str, object], status: int, problem: str
) -> None:
    _, exchange = kept.append(ME, None, "How much?", COST)
    response = mine.post("/feedback", json={"exchange": exchange, **part})
    assert response.status_code == status
    assert response.json()["problem"].startswith(problem)


def test_bodies_that_a_form_could_send_or_that_are_too_large(kept: Conversations, mine: httpx.Client) -> None:
    conversation, exchange = kept.append(ME, None, "How much?", COST)
    text = json.dumps({"exchange": exchange, "value": "right"})
    for headers in ({"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}, {}):
        assert mine.post("/feedback", content=text, headers=headers).status_code == 422
    broken = mine.post("/feedback", content=b"{", headers={"Content-Type": "application/json"})
    assert broken.status_code == 422
    too_large = mine.post("/feedback", json={"exchange": exchange, "value": "right", "note": "x" * MOST_BYTES})
    assert too_large.status_code == 413
    assert kept.ratings(ME, conversation) == ()


# the drawer


def drawer_of(page: Page, url: str) -> None:
    """Return as the visitor ME and open the drawer with the keyboard."""
    page.context.add_cookies([{"name": COOKIE, "value": ME, "url": url}])
    expect(page.locator("body")).to_have_attribute("data-ready", "yes")
    page.locator("#history").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".cw-drawer")).to_be_visible()


def row(page: Page, title: str) -> Locator:
    return page.locator(".cw-history-row", has_text=title)


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_the_list_by_keyboard(
    chromium: Browser, url: str, kept: Conversations, clean: None, size: dict[str, int]
) -> None:
    older, _ = kept.append(
        ME, None, "How much did the Harbour Tunnel cost in the end, and who paid for all of it?", COST
    )
    newer, _ = kept.append(ME, None, "When?", OPEN)
    kept.append(ME, newer, "Where?", OPEN)
    kept.append(OTHER, None, "Not mine", OPEN)
    with opened(chromium, url, size) as page:
        page.evaluate("id => { window.shown = id }", older)
        drawer_of(page, url)
        expect(page.get_by_role("dialog", name="History")).to_be_visible()
        expect(page.locator(".cw-history-row")).to_have_count(2)
        expect(row(page, "When?")).to_contain_text("2 questions, just now")
        expect(page.locator("[aria-current]")).to_contain_text("How much did the Harbour Tunnel cost")
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        assert page.locator(".cw-history").evaluate("e => e.scrollWidth <= e.clientWidth")
        for _ in range(12):  # the page behind cannot be focused
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.closest('dialog') || document.activeElement === document.body")
        page.keyboard.press("Escape")
        expect(page.locator(".cw-drawer")).to_have_count(0)
        expect(page.locator("#history")).to_be_focused()
        assert page.evaluate("did") == []  # this Escape closed the drawer
        page.keyboard.press("Enter")
        page.get_by_role("button", name="When? 2 questions, just now", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.locator(".cw-drawer")).to_have_count(0)
        assert page.evaluate("did") == [f"open {newer}"]


def test_rename(chromium: Browser, url: str, kept: Conversations, clean: None) -> None:
    conversation, _ = kept.append(ME, None, "When?", OPEN)
    with opened(chromium, url, refused=1) as page:
        drawer_of(page, url)
        more = page.get_by_role("button", name="More for When?")
        expect(page.get_by_role("button", name="Rename")).to_be_hidden()
        more.press("Enter")
        expect(more).to_have_attribute("aria-expanded", "true")
        page.get_by_role("button", name="Rename").press("Enter")
        box = page.get_by_role("textbox", name="Title")
        expect(box).to_be_focused()
        expect(box).to_have_value("When?")
        box.fill("never mind")
        page.keyboard.press("Escape")  # leaves only the box
        expect(page.get_by_role("button", name="More for When?")).to_be_focused()
        assert page.locator(".cw-drawer").is_visible()
        page.get_by_role("button", name="Rename").click()
        box.fill(f"Opening {PAYLOADS[0]}")
        page.keyboard.press("Enter")
        expect(page.locator(".cw-history-open b")).to_have_text(f"Opening {PAYLOADS[0]}")
        expect(page.get_by_role("status")).to_have_text("Renamed.")
        assert kept.get(ME, conversation).title == f"Opening {PAYLOADS[0]}"
        page.get_by_role("button", name="Rename").click()
        box.fill("   ")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_have_text("The title is empty. Type one.")
        page.get_by_role("button", name="Cancel").click()
        assert page.evaluate("window.pwned") is None


def test_share_and_stop_sharing(chromium: Browser, url: str, kept: Conversations, clean: None) -> None:
    kept.append(ME, None, "When?", OPEN)
    with opened(chromium, url) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        drawer_of(page, url)
        page.get_by_role("button", name="More for When?").click()
        page.get_by_role("button", name="Share").click()
        address = page.get_by_role("textbox", name="Address for others")
        expect(address).to_be_focused()
        (one,) = kept.list(ME)
        assert address.input_value() == f"{url}/shared/{one.link}"
        assert address.evaluate("e => e.offsetWidth") > 300  # on a line of its own
        read = httpx.get(address.input_value())
        assert (read.status_code, "<h1>When?</h1>" in read.text) == (200, True)
        page.keyboard.press("Escape")  # leaves only the address
        expect(page.get_by_role("button", name="More for When?")).to_be_focused()
        page.get_by_role("button", name="Share").click()
        expect(address).to_have_value(f"{url}/shared/{one.link}")  # the same address
        hide = "clip = navigator.clipboard; Object.defineProperty(navigator, 'clipboard', {value: undefined})"
        page.evaluate(hide)  # as without https
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("status")).to_have_text("Copied.")
        expect(address).to_be_focused()
        assert page.evaluate("clip.readText()") == f"{url}/shared/{one.link}"
        page.get_by_role("button", name="Stop sharing").click()
        expect(page.get_by_role("status")).to_have_text("The address leads nowhere any more.")
        assert kept.list(ME)[0].link == ""
        dead = f"{url}/shared/{one.link}"
        assert httpx.get(dead).json()["problem"] == "This link leads to no conversation"
        read = httpx.get(dead, headers={"Accept": "text/html"})  # a person's browser
        assert (read.status_code, "<h1>This link leads to no conversation</h1>" in read.text) == (404, True)


def test_delete_asks_first(chromium: Browser, url: str, kept: Conversations, clean: None) -> None:
    first, _ = kept.append(ME, None, "How much?", COST)
    second, _ = kept.append(ME, None, "When?", OPEN)
    with opened(chromium, url, PHONE, dark=True) as page:
        drawer_of(page, url)
        page.get_by_role("button", name="More for When?").click()
        page.get_by_role("button", name="Delete").click()
        expect(page.locator(".cw-history-form p")).to_have_text("Delete “When?”? It cannot be brought back.")
        expect(page.get_by_role("button", name="Keep")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="More for When?")).to_be_focused()
        assert len(kept.list(ME)) == 2
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("status")).to_have_text("Deleted.")
        expect(page.locator(".cw-history-row")).to_have_count(1)
        expect(row(page, "How much?").locator(".cw-history-open")).to_be_focused()
        assert [info.id for info in kept.list(ME)] == [first]
        assert page.evaluate("did") == [f"deleted {second}"]
        page.get_by_role("button", name="More for How much?").click()
        page.get_by_role("button", name="Delete").click()
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_role("status")).to_have_text("Deleted. No conversations are left.")
        expect(page.get_by_role("button", name="Close")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#history")).to_be_focused()


def test_an_export_is_downloaded_and_opens(
    chromium: Browser, url: str, kept: Conversations, clean: None, tmp_path: Path
) -> None:
    kept.append(ME, None, "How much?", COST)
    with opened(chromium, url) as page:
        drawer_of(page, url)
        page.get_by_role("button", name="More for How much?").click()
        with page.expect_download() as started:
            page.get_by_role("link", name="Export as HTML").click()
        file = tmp_path / started.value.suggested_filename
        started.value.save_as(file)
    assert file.name == "citewire-how-much.html"
    with opened(chromium, file.as_uri()) as page:
        page.locator(".text a.number").first.click()
        expect(page.locator("li:target mark")).to_be_in_viewport()


def test_hostile_titles_are_words(chromium: Browser, url: str, kept: Conversations, clean: None) -> None:
    for payload in PAYLOADS:
        conversation, _ = kept.append(ME, None, payload, OPEN)
        kept.rename(ME, conversation, payload[:200])
    with opened(chromium, url, PHONE) as page:
        drawer_of(page, url)
        expect(page.locator(".cw-history-row")).to_have_count(len(PAYLOADS))
        for at in range(0, len(PAYLOADS), 9):
            page.locator(".cw-history-more").nth(at).click()
        tags = page.evaluate("[...document.querySelectorAll('.cw-drawer *')].map((e) => e.localName)")
        assert set(tags) <= {"header", "h2", "button", "p", "ul", "li", "b", "small", "div", "a"}
        shown = set(page.locator(".cw-history-open b").all_text_contents())
        assert shown == {" ".join(payload[:200].split()) for payload in PAYLOADS}
        assert page.evaluate("window.pwned") is None


def test_an_empty_history_and_a_server_that_is_gone(chromium: Browser, url: str, clean: None) -> None:
    with opened(chromium, url) as page:
        drawer_of(page, url)
        expect(page.get_by_role("status")).to_contain_text("No conversations yet.")
        page.get_by_role("button", name="Close").click()
        page.route("**/conversations", lambda route: route.fulfill(status=200, body="<html>a proxy's page"))
        page.locator("#history").click()
        expect(page.get_by_role("status")).to_have_text("citewire does not answer. Is it still running?")
