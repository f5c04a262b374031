"""The password before the page: who gets in, who is refused, and how guessing is slowed down; on the real server."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from browser import DESK, NARROW, faults, missed
from commands import citewire, free_port, refused
from fastapi.responses import PlainTextResponse
from playwright.sync_api import Browser, BrowserContext, Page, expect
from playwright.sync_api import Error as PlaywrightError
from pydantic import SecretStr
from scripted import EXAMPLES, ScriptedAnswerer, ScriptedIndex, scripted_load
from served import PROBLEM, ask, routes_of, serving, usable

from citewire.index.errors import InputError
from citewire.qa.types import Answer
from citewire.ui import ask_client, ask_routes, figures_page, settings
from citewire.ui.access import (
    FIRST_WAIT_S,
    FORGET_S,
    FREE_TRIES,
    IDLE_S,
    LONGEST_WAIT_S,
    MOST_BYTES,
    MOST_PLACES,
    MOST_SESSIONS,
    MOST_WRONG,
    SESSION,
    Door,
    SignIns,
    Tries,
    own_address,
)
from citewire.ui.chat import Chat, Loaded
from citewire.ui.cli import lay_out
from citewire.ui.conversation_routes import router as conversation_router
from citewire.ui.conversations import Conversations
from citewire.ui.page import Site, build_page
from citewire.ui.running import Announcement, fingerprint
from citewire.ui.server import PageServer
from citewire.ui.settings import Settings

pytestmark = pytest.mark.slow  # processes, servers or real networks

PASSWORD = "correct hörse 1"
BEARER = {b"Authorization": b"Bearer " + PASSWORD.encode()}
OPENS_PAGE = {"Accept": "text/html,application/xhtml+xml", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def site(kept: Conversations, load: Any = None) -> Site:
    chat = Chat(load or scripted_load(), keeper=kept)
    served = ask_routes.Served(Path("index"), "m", "f" * 64, lambda: 1, lambda index, search: None)
    routers = (
        ask_routes.router(chat, served),
        conversation_router(kept, ScriptedIndex()),
        figures_page.router(Path("runs")),
    )
    return Site(build_page(chat, EXAMPLES, leave=True), routers)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conversations]:
    with Conversations(tmp_path_factory.mktemp("kept") / "conversations.sqlite") as opened:
        yield opened


@pytest.fixture(scope="module")
def url(kept: Conversations) -> Iterator[str]:
    with serving(lambda: site(kept), PASSWORD) as address:
        yield address


@contextmanager
def client(url: str, source: str = "127.0.0.1") -> Iterator[httpx.Client]:
    """Yield a client whose requests come from an address of this machine."""
    with httpx.Client(base_url=url, transport=httpx.HTTPTransport(local_address=source), timeout=30) as opened:
        yield opened


def sign_in(opened: httpx.Client, password: str = PASSWORD, **more: Any) -> httpx.Response:
    return opened.post("/login", data={"password": password, "next": "/"}, **more)


class TestWithoutSigningIn:
    def test_every_route_is_closed(self, url: str, kept: Conversations) -> None:
        all_routes = set(routes_of(lambda: site(kept)))
        assert {("GET", "/figures"), ("POST", "/v1/ask"), ("GET", "/cw/{name}"), ("DELETE", "/feedback")} <= all_routes
        assert any("/gradio_api/" in path for _, path in all_routes)
        with client(url) as opened:
            for method, path in sorted(all_routes):
                if path.rstrip("/") in ("/login", "/logout"):
                    continue
                path = path.replace("{", "").replace("}", "")
                response = opened.request(method, path)
                assert response.status_code == 401, (method, path)
                if method != "HEAD":
                    assert set(response.json()) == PROBLEM

    def test_every_route_of_the_whole_page_is_closed_but_one(self, seeds_folder: Path, tmp_path: Path) -> None:
        shutil.copytree(seeds_folder, tmp_path / "index")

        def build() -> Site:
            return lay_out(Settings(index=tmp_path / "index", model="http://127.0.0.1:9/v1#m", read_only=True))

        open_to_all = set()
        with serving(build, PASSWORD) as address, client(address) as opened:
            for method, path in sorted(routes_of(build)):
                path = path.replace("{", "").replace("}", "")
                if opened.request(method, path).status_code != 401 and path.rstrip("/") not in ("/login", "/logout"):
                    open_to_all.add((method, path))
            assert open_to_all == {("GET", "/healthz"), ("HEAD", "/healthz")}
            assert opened.get("/healthz").json() == {"status": "ok"}
            for path in ("/healthz/", "//healthz", "/healthz/..%2freadyz", "/healthz?next=/readyz/../metrics"):
                assert opened.get(path).text in ('{"status":"ok"}', opened.get("/readyz").text), path
            assert opened.post("/healthz").status_code == 401
            assert opened.post("/v1/search", json={"question": "Who?"}, headers=BEARER).status_code == 200
            assert opened.get("/metrics", headers=BEARER).status_code == 200

    def test_the_host_header_leads_past_nothing(self, url: str) -> None:
        async def answered(host: str, path: str) -> httpx.Response:
            transport = httpx.ASGITransport(Door(PlainTextResponse("in"), PASSWORD))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as opened:
                return await opened.get(path, headers={"Host": host})

        assert asyncio.run(answered("x/login?", "/v1/status")).status_code == 401
        assert asyncio.run(answered("x/v1/status?", "/login")).status_code == 200

    @pytest.mark.parametrize(
        "path", ["/", "/cw/page.js", "/figures", "/v1/status", "/gradio_api/queue/data?session_hash=x", "/config",
                 "/theme.css", "/nothing", "/login/", "//login", "/Login", "/login%2f..", "/%6cogin/x"],
    )  # fmt: skip
    def test_programs_are_told_what_to_send(self, url: str, path: str) -> None:
        with client(url) as opened:
            response = opened.get(path)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
        assert "Bearer" in response.json()["fix"]

    def test_an_event_stream_is_not_opened(self, url: str) -> None:
        with client(url) as opened, opened.stream("GET", "/gradio_api/heartbeat/x") as response:
            assert response.status_code == 401

    def test_browsers_are_shown_where_to_sign_in(self, url: str) -> None:
        with client(url) as opened:
            led = opened.get("/figures?run=a%20b&x=1", headers=OPENS_PAGE)
            assert (led.status_code, led.headers["location"]) == (303, "/login?next=/figures%3Frun%3Da%2520b%26x%3D1")
            page = opened.get(led.headers["location"])
            plain_http = opened.get("/", headers={"Accept": "text/html"})  # without Sec-Fetch-Dest
            script = opened.get("/", headers={"Accept": "text/html", "Sec-Fetch-Dest": "empty"})
        assert page.status_code == 200
        assert 'value="/figures?run=a%20b&amp;x=1"' in page.text
        assert "form-action 'self'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
        assert (plain_http.status_code, plain_http.headers["location"]) == (303, "/login")
        assert script.status_code == 401

    def test_a_made_up_session_is_none(self, url: str) -> None:
        with client(url) as opened:
            for token in ("", "x", "A" * 43):
                assert opened.get("/", headers={"Cookie": f"{SESSION}={token}"}).status_code == 401


class TestSigningIn:
    def test_the_cookie(self, url: str) -> None:
        with client(url) as opened:
            led = sign_in(opened)
            assert (led.status_code, led.headers["location"]) == (303, "/")
            name, *attributes = led.headers["set-cookie"].split("; ")
            assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Strict"]
            assert len(name.removeprefix(f"{SESSION}=")) == 43  # 256 bits in base64
            page = opened.get("/", headers=OPENS_PAGE)
            assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
            assert opened.get("/login?next=/figures").headers["location"] == "/figures"

    def test_it_is_only_for_https_where_that_was_used(self, url: str) -> None:
        with client(url) as opened:
            led = sign_in(opened, headers={"Host": "news.example", "Origin": "https://news.example"})  # through a proxy
        assert "; Secure" in led.headers["set-cookie"]

    def test_each_sign_in_begins_a_session_and_ends_the_one_before(self, url: str) -> None:
        with client(url) as opened:
            planted = "P" * 43
            opened.cookies.set(SESSION, planted, domain="127.0.0.1")
            sign_in(opened)
            first = opened.cookies[SESSION]
            assert first != planted
            sign_in(opened)
            assert opened.cookies[SESSION] != first
            for token in (planted, first):
                assert httpx.get(f"{url}/", headers={"Cookie": f"{SESSION}={token}"}).status_code == 401

    def test_signing_out_ends_it_for_good(self, url: str) -> None:
        with client(url) as opened:
            sign_in(opened)
            token = opened.cookies[SESSION]
            assert opened.get("/logout").status_code == 405
            led = opened.post("/logout", headers={"Origin": url})
            assert (led.status_code, led.headers["location"]) == (303, "/login")
            assert SESSION not in opened.cookies
            assert opened.get("/", headers={"Cookie": f"{SESSION}={token}"}).status_code == 401

    @pytest.mark.parametrize("path", ["/login", "/logout"])
    @pytest.mark.parametrize(
        "sent", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
    )
    def test_another_page_cannot_sign_in_or_out(self, url: str, path: str, sent: dict[str, str]) -> None:
        with client(url) as opened:
            sign_in(opened)
            assert opened.post(path, data={"password": PASSWORD}, headers=sent).status_code == 403
            assert opened.get("/v1/status").status_code == 200

    @pytest.mark.parametrize(
        "wanted",
        ["//evil", "/\\evil", "https:evil", "https://evil", "\\\\evil", "/\t/evil", "evil", "", "javascript:alert(1)",
         "/ok\r\nSet-Cookie: a=b", "/login", "/logout", "///evil", " //evil", "/é"],
    )  # fmt: skip
    def test_it_leads_nowhere_else(self, url: str, wanted: str) -> None:
        assert own_address(wanted) == "/"
        with client(url) as opened:
            led = opened.post("/login", data={"password": PASSWORD, "next": wanted})
            assert (led.status_code, led.headers["location"]) == (303, "/")
            assert opened.get("/login", params={"next": wanted}).headers["location"] == "/"

    def test_a_question_of_the_address_is_offered_not_asked(self, url: str) -> None:
        with client(url) as opened:
            led = opened.post("/login", data={"password": PASSWORD, "next": "/?tour=1&q=Who%20won%3F"})
        assert led.headers["location"] == "/?tour=1&draft=Who+won%3F"

    @pytest.mark.parametrize("wanted", ["/?q=Who%20won%3F", "/figures?run=a", "/conversations/x/export.md", "/%5Cevil"])
    def test_it_leads_to_what_was_asked_for(self, wanted: str) -> None:
        assert own_address(wanted) == wanted

    @pytest.mark.parametrize(
        "body", [b"password=" + b"x" * MOST_BYTES, b"\xff\xfe", b"password=%ff%fe", b"&".join([b"a=b"] * 11)]
    )
    def test_forms_that_are_none(self, url: str, body: bytes) -> None:
        with client(url) as opened:
            assert opened.post("/login", content=body).status_code == 403


class TestPrograms:
    def test_the_password_opens_every_route(self, url: str) -> None:
        with client(url) as opened:
            for path in ("/", "/v1/status", "/cw/page.js", "/figures", "/theme.css"):
                assert opened.get(path, headers=BEARER).status_code == 200
            assert opened.post("/v1/ask", json={"question": EXAMPLES[0]}, headers=BEARER).json()["status"] == "answered"
            assert SESSION not in opened.cookies

    def test_another_one_does_not(self, kept: Conversations) -> None:
        with serving(lambda: site(kept), PASSWORD) as url, client(url) as opened:
            for sent in ("Bearer", "Bearer wrong", f"Basic {PASSWORD}", PASSWORD, f"Bearer {PASSWORD} ."):
                response = opened.get("/v1/status", headers={b"Authorization": sent.encode()})
                assert response.status_code == 401, sent


class TestGuessing:
    @pytest.mark.parametrize("way", ["form", "header"])
    def test_twelve_wrong_ones_in_a_row_meet_the_lock_out(self, kept: Conversations, way: str) -> None:
        def guess(opened: httpx.Client, password: str) -> httpx.Response:
            if way == "form":
                return sign_in(opened, password)
            return opened.get("/v1/status", headers={b"Authorization": b"Bearer " + password.encode()})

        with serving(lambda: site(kept), PASSWORD) as url, client(url) as inside, client(url) as opened:
            sign_in(inside)
            told = [guess(opened, f"wrong {number}") for number in range(12)]
            assert [one.status_code for one in told] == [401] * FREE_TRIES + [429] * (12 - FREE_TRIES)
            assert all(0 < int(one.headers["retry-after"]) <= FIRST_WAIT_S for one in told[FREE_TRIES:])
            assert "Try again in" in told[-1].text
            assert guess(opened, PASSWORD).status_code == 429  # the right password gets the same response
            assert guess(opened, PASSWORD).status_code == 429
            assert inside.get("/v1/status").status_code == 200  # an open session continues
            with client(url, "127.0.0.2") as another:
                assert sign_in(another).status_code == 303

    def test_many_at_once_are_no_more_tries(self, kept: Conversations) -> None:
        async def burst(url: str) -> list[int]:
            async with httpx.AsyncClient(base_url=url, timeout=30) as opened:
                sent = [opened.post("/login", data={"password": f"wrong {number}"}) for number in range(40)]
                return sorted(one.status_code for one in await asyncio.gather(*sent))

        with serving(lambda: site(kept), PASSWORD) as url:
            assert asyncio.run(burst(url)) == [401] * FREE_TRIES + [429] * (40 - FREE_TRIES)

    def test_waits_grow_and_are_forgotten(self) -> None:
        clock = Clock()
        tries = Tries(clock)
        waits = []
        for _ in range(20):
            clock.now += tries.wait("a")
            tries.note("a", right=False)
            waits.append(tries.wait("a"))
        assert waits[:8] == [0, 0, 0, 0, 10, 20, 40, 80]
        assert waits[-1] == LONGEST_WAIT_S
        assert tries.wait("b") == 0
        clock.now += FORGET_S
        assert tries.wait("a") == 0

    def test_somebody_who_comes_in_gives_no_new_tries_to_who_guesses_behind_the_same_address(self) -> None:
        tries = Tries(Clock())
        for _ in range(FREE_TRIES):
            tries.note("a", right=True)
            tries.note("a", right=False)
        assert tries.wait("a") == FIRST_WAIT_S

    def test_from_many_addresses_together_only_so_many_are_heard(self) -> None:
        clock = Clock()
        tries = Tries(clock)
        tries.note("mine", right=True)
        for number in range(MOST_WRONG):
            assert tries.wait(f"a{number}") == 0
            tries.note(f"a{number}", right=False)
        assert tries.wait("new") == FORGET_S
        assert tries.wait("mine") == 0
        clock.now += FORGET_S
        assert tries.wait("new") == 0

    def test_addresses_are_not_kept_without_end(self) -> None:
        tries = Tries(Clock())
        for number in range(MOST_PLACES + 5):
            tries.note(str(number), right=False)
        assert len(tries._wrong) == MOST_PLACES

    def test_addresses_of_one_ipv6_network_count_as_one(self) -> None:
        async def guessed() -> list[int]:
            door = Door(PlainTextResponse("in"), PASSWORD)
            found = []
            for number in range(FREE_TRIES + 1):
                transport = httpx.ASGITransport(door, client=(f"2001:db8::{number}", 1))
                async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as opened:
                    found.append((await opened.get("/", headers={"Authorization": "Bearer wrong"})).status_code)
            return found

        assert asyncio.run(guessed())[-1] == 429

    def test_the_password_is_kept_as_its_hash_alone(self) -> None:
        door = Door(PlainTextResponse("in"), PASSWORD)
        assert PASSWORD not in repr(vars(door))
        assert PASSWORD.encode() not in vars(door).values()
        assert door._hash != Door(PlainTextResponse("in"), PASSWORD)._hash  # salted


class TestSessions:
    def test_it_ends_when_it_is_not_used(self) -> None:
        clock = Clock()
        sessions = SignIns(clock)
        token = sessions.begin()
        clock.now += IDLE_S - 1
        assert sessions.key_of(token) is not None
        clock.now += IDLE_S - 1
        assert sessions.key_of(token) is not None
        clock.now += IDLE_S
        assert sessions.key_of(token) is None
        assert sessions.key_of(token) is None

    def test_the_longest_unused_makes_room(self) -> None:
        sessions = SignIns(Clock())
        first, second = sessions.begin(), sessions.begin()
        assert sessions.key_of(first) is not None
        for _ in range(MOST_SESSIONS - 1):
            sessions.begin()
        assert (sessions.key_of(first), sessions.key_of(second)) == ("", None)
        assert first.encode() not in sessions._keys  # sessions are stored as hashes

    def test_a_web_socket_needs_one(self) -> None:
        async def opened() -> list[Any]:
            sent: list[Any] = []

            async def receive() -> dict[str, Any]:
                return {"type": "websocket.connect"}

            async def send(message: Any) -> None:
                sent.append(message)

            scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b"", "client": ("127.0.0.1", 1)}
            await Door(PlainTextResponse("in"), PASSWORD)(scope, receive, send)
            return sent

        assert [message["type"] for message in asyncio.run(opened())] == ["websocket.close"]


class TestOffTheLoopback:
    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "0"])
    def test_a_password_is_needed(self, host: str) -> None:
        with pytest.raises(InputError, match=rf"host '{host}', and it has no password.*CITEWIRE_PASSWORD"):
            PageServer(lambda: pytest.fail("built"), host=host, port=0)
        PageServer(lambda: pytest.fail("built"), host=host, port=0, password=PASSWORD)._socket.close()

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "::1"])
    def test_this_machine_alone_needs_none(self, host: str) -> None:
        PageServer(lambda: pytest.fail("built"), host=host, port=0)._socket.close()

    @pytest.mark.parametrize("command", ["serve", "run", "demo"])
    def test_the_commands_refuse_before_they_do_anything(self, command: str, tmp_path: Path) -> None:
        before = set(tmp_path.rglob("*"))
        port = free_port()
        done = citewire(command, "--host", "0.0.0.0", "--port", str(port))
        refused(done, "0.0.0.0", "it has no password", "CITEWIRE_PASSWORD")
        assert set(tmp_path.rglob("*")) == before
        socket.create_server(("127.0.0.1", port)).close()
        weak = citewire(command, "--host", "0.0.0.0", "--port", str(port), "--password", "7 chars")
        refused(weak, "password = (hidden) from --password", "it has 7 characters, and 8 are the least")
        assert "7 chars" not in weak.stderr

    def test_it_answers_by_any_name_to_who_knows_the_password(self, url: str) -> None:
        behind_proxy = {"Host": "news.example", "Sec-Fetch-Site": "same-origin"}
        with client(url) as opened:
            assert opened.get("/v1/status", headers=behind_proxy).status_code == 401
            led = sign_in(opened, headers={**behind_proxy, "Origin": "https://news.example"})
            assert led.status_code == 303
            assert sign_in(opened, headers={**behind_proxy, "Origin": "https://evil.example"}).status_code == 403


class TestSetting:
    @pytest.mark.parametrize(
        ("value", "said"),
        [
            ("", "0 characters"),
            ("1234567", "7 characters"),
            (" 12345678", "blanks"),
            ("1234\n5678", "cannot be printed"),
        ],
    )
    @pytest.mark.parametrize("way", ["flag", "variable", "file"])
    def test_weak_ones_are_refused_unseen(
        self, value: str, said: str, way: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flags = {"password": value} if way == "flag" else {}
        if way == "variable":
            monkeypatch.setenv("CITEWIRE_PASSWORD", value)
        if way == "file":
            Path("citewire.toml").write_text(f"password = {json.dumps(value)}\n")
        with pytest.raises(InputError, match=said) as caught:
            settings.load(flags)
        assert "password = (hidden) from" in caught.value.problem

    def test_it_is_never_printed(self) -> None:
        for arguments in (["config"], ["config", "--json"]):
            done = citewire(*arguments, CITEWIRE_PASSWORD=PASSWORD)
            assert done.returncode == 0
            assert PASSWORD not in done.stdout + done.stderr
            assert "(set)" in done.stdout
        assert PASSWORD not in repr(settings.load({"password": PASSWORD}))

    def test_the_help_says_that_others_see_a_flag(self) -> None:
        shown = " ".join(citewire("serve", "--help", COLUMNS="200").stdout.split())
        assert "can read a flag in the list of processes" in shown
        assert "CITEWIRE_PASSWORD is safer" in shown


class TestCommandLine:
    """`citewire ask` while a page with a password runs."""

    @pytest.fixture
    def chosen(self) -> Iterator[Settings]:
        Path("news/index").mkdir(parents=True)
        Path("news/index/CURRENT").touch()
        chosen = Settings(index=Path("news/index"), password=SecretStr(PASSWORD))
        announced = Announcement(chosen)
        chat = Chat(lambda: Loaded(ScriptedAnswerer(), ScriptedIndex(), "m"))
        served = ask_routes.Served(
            chosen.index, chosen.model, fingerprint(chosen), lambda: 1, lambda index, search: None
        )
        router = ask_routes.router(chat, served)
        with serving(lambda: Site(build_page(chat, EXAMPLES), [router]), PASSWORD) as address:
            announced.publish(address)
            yield chosen
            announced.withdraw()

    def test_the_same_password_is_let_in(self, chosen: Settings) -> None:
        found = ask_client.find(chosen)
        assert found
        *_, answer = found.stream(EXAMPLES[0])
        assert isinstance(answer, Answer)

    @pytest.mark.parametrize("password", [None, SecretStr("another one")])
    def test_else_it_does_without_the_page(self, chosen: Settings, password: SecretStr | None) -> None:
        assert ask_client.find(chosen.model_copy(update={"password": password})) is None
        found = ask_client.find(chosen)
        assert found
        found._headers = {}
        with pytest.raises(ask_client.PageUnavailableError):
            list(found.stream(EXAMPLES[0]))


def at_the_door(
    context: BrowserContext, url: str, path: str = "/", size: dict[str, int] = DESK, *, dark: bool = False
) -> Page:
    for other in context.pages:
        other.close()
    context.clear_cookies()
    page = context.new_page()
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.on("request", lambda request: None if request.url.startswith((url, "data:")) else pytest.fail(request.url))
    page.goto(url + path)
    expect(page).to_have_title("Sign in to citewire")
    return page


@pytest.mark.parametrize(("size", "dark"), [(DESK, False), (NARROW, True)], ids=["light desk", "dark phone"])
def test_sign_in_ask_and_sign_out(context: BrowserContext, url: str, size: dict[str, int], dark: bool) -> None:
    page = at_the_door(context, url, "/figures?run=x", size, dark=dark)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.get_by_label("Password")).to_be_focused()
    assert missed(page) == []
    page.get_by_label("Password").focus()
    page.keyboard.type("wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This is not the password")
    assert faults(page) == []
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/figures?run=x")
    page.goto(url)
    ask(usable(page), EXAMPLES[0])
    leave = page.get_by_role("button", name="Sign out")
    expect(leave).to_be_in_viewport(ratio=1)
    assert faults(page) == []
    leave.click()
    expect(page).to_have_title("Sign in to citewire")
    page.go_back()
    expect(page).to_have_title("Sign in to citewire")


def test_it_works_without_scripts(chromium: Browser, url: str) -> None:
    with chromium.new_context(java_script_enabled=False) as context:
        page = at_the_door(context, url, "/figures?run=x")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/figures?run=x")


def test_a_session_that_ends_leads_back_to_it(context: BrowserContext, url: str) -> None:
    page = at_the_door(context, url)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    usable(page)
    expect(page.locator("body[data-cw-phase=empty]")).to_be_visible()  # all scripts of the page have loaded
    context.clear_cookies()
    question = page.locator("#cw-ask textarea")
    with suppress(PlaywrightError):  # the page may have reloaded itself, because its own requests are refused
        question.fill("Who?", timeout=2_000)
        question.press("Enter", timeout=2_000)
    expect(page).to_have_title("Sign in to citewire")


def test_a_page_without_a_password_has_no_button_to_sign_out(chromium: Browser) -> None:
    with serving(lambda: Site(build_page(Chat(scripted_load()), EXAMPLES))) as url, chromium.new_page() as page:
        page.goto(url)
        usable(page)
        expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
