"""Keys: the rights of each key, articles that stay hidden, and the log of changes.

The server, the index of two folders, the embedder and the reader are real.
"""

from __future__ import annotations

import asyncio
import json
import re
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx2
import openai_server
import pytest
from browser import at_rest, browser_context, tab
from commands import citewire
from conftest import SEEDS, together, until
from fastapi.responses import PlainTextResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from playwright.sync_api import Browser, expect
from served import serving, usable

from citewire.index.build import build_index
from citewire.index.errors import InputError
from citewire.index.types import Embedder
from citewire.qa.types import Answer
from citewire.ui.access import FREE_TRIES, REACHED, SESSION, Door
from citewire.ui.cli import lay_out
from citewire.ui.conversations import Conversations
from citewire.ui.keys import PREFIX, Changes, Keys
from citewire.ui.settings import Settings

pytestmark = pytest.mark.slow  # processes, servers or real networks

PASSWORD = "correct horse 1"
SECRET = (
    "The harbour of Ostwick is sold to Petra Vandermolen for 41 million crowns, the Ostwick Gazette has learned.\n"
    "Petra Vandermolen wants to close the harbour in May 2027. The harbour master, Ilmari Quist, calls it a mistake.\n"
)
ABOUT_SECRET = ("Ostwick", "Vandermolen", "Quist", "41 million", "ann/", "Gazette")
QUESTIONS = (
    "Who buys the harbour of Ostwick?",
    "What did Ilmari Quist say?",
    "How many articles are there?",
    "What are these articles about?",
    "Who is mentioned most?",
    "Which outlets are there?",
    "What is the newest article?",
    "Summarise the articles about the harbour.",
    "Compare the harbour of Ostwick with Canaan.",
    "Which articles mention Petra Vandermolen?",
    "When will the harbour of Ostwik close?",  # deliberately misspelled
)


class House:
    """A running page over two folders, with a key for each folder, an admin key, and a key for all articles."""

    def __init__(self, url: str, index: Path, secrets: dict[str, str]) -> None:
        self.url, self.index, self.secrets = url, index, secrets

    def client(self, name: str = "") -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.secrets.get(name, name)}"} if name else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=120)


@contextmanager
def opened(folder: Path, embedder: Embedder, model: str, **more: Any) -> Iterator[House]:
    (folder / "news" / "ann").mkdir(parents=True)
    (folder / "news" / "bea").mkdir()
    (folder / "news" / "ann" / "harbour.txt").write_text(SECRET)
    for file in sorted(SEEDS.glob("*.txt"))[:3]:
        (folder / "news" / "bea" / file.name).write_bytes(file.read_bytes())
    index = folder / "index"
    build_index([folder / "news"], index, embedder)
    keys = Keys(index)
    secrets = {
        "ann": keys.add("ann", collections=["ann"]),
        "bea": keys.add("bea", collections=["bea/"]),
        "both": keys.add("both", collections=["ann", "bea"]),
        "all": keys.add("all"),
        "root": keys.add("root", admin=True),
        "password": PASSWORD,
    }
    chosen = Settings(
        index=index, conversations=folder / "kept.sqlite", runs=folder / "runs", model=model, reader="small"
    )
    with serving(lambda: lay_out(chosen), PASSWORD, keys=keys) as url:
        headers = {"Authorization": f"Bearer {secrets['root']}"}
        until(lambda: httpx.get(f"{url}/readyz", headers=headers).status_code == 200, 240)
        yield House(url, index, secrets)


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    reply = openai_server.streamed(openai_server.event("Canaan sells miners.", last=True), "data: [DONE]\n\n")
    with openai_server.serving(reply) as served:
        yield served.url


@pytest.fixture(scope="module")
def house(embedder: Embedder, model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("house"), embedder, model) as made:
        yield made


def put(house: House, visitor: str) -> str:
    """Store a conversation of a visitor, as the page does after an answer, and return its id."""
    with Conversations(house.index.with_name("kept.sqlite")) as kept:
        return kept.append(visitor, None, "When does the ferry sail?", Answer("?", "?", "answered", "On Monday."))[0]


def articles_in(value: Any) -> set[str]:
    """Return the path of every article in an answer, which is JSON."""
    return set(re.findall(r"(?:ann|bea)/[\w.]+\.txt", json.dumps(value)))


class TestNobodySeesWhatTheyMayNot:
    @settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        words=st.lists(st.sampled_from([*SECRET.split(), "Canaan", "miners", "of"]), min_size=1, max_size=12),
        search=st.fixed_dictionaries(
            {},
            optional={
                "recency": st.sampled_from(["auto", "off", "prefer"]),
                "copies": st.integers(0, 3),
                "per_article": st.integers(0, 9),
                "published_from": st.sampled_from(["", "1990-01-01"]),
            },
        ),
        k=st.integers(1, 100),
        name=st.sampled_from(["ann", "bea", "both"]),
    )
    def test_no_search_finds_a_passage_of_another_collection(
        self, words: list[str], search: dict[str, Any], k: int, name: str, house: House
    ) -> None:
        with house.client(name) as client:
            found = client.post("/v1/search", json={"question": " ".join(words), "k": k, "search": search})
        may = ("ann/", "bea/") if name == "both" else (f"{name}/",)
        if found.status_code == 200:
            assert all(one["article"].startswith(may) for one in found.json()["passages"])
            assert found.json()["passages"] or "published_from" in search
        else:  # no article has a date
            assert search.get("published_from") == "1990-01-01"

    def test_who_may_see_it_finds_it(self, house: House) -> None:
        for name in ("ann", "both", "all", "root", "password"):
            with house.client(name) as client:
                found = client.post("/v1/search", json={"question": QUESTIONS[0], "k": 1}).json()["passages"]
                assert [one["article"] for one in found] == ["ann/harbour.txt"], name

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_no_answer_tells_of_it(self, question: str, house: House) -> None:
        with house.client("bea") as client:
            answer = client.post("/v1/ask", json={"question": question}).json()
            assert answer["status"] != "failed"
            assert articles_in(answer) <= {f"bea/{file.name}" for file in SEEDS.glob("*.txt")}
            told = json.dumps([answer["text"], answer["claims"], answer["hits"], answer["timeline"]])
            for word in ABOUT_SECRET:
                assert word not in told or word in question, (question, word)

    def test_the_same_question_is_answered_from_what_each_may_see(self, house: House) -> None:
        told = {}
        for name in ("bea", "ann", "bea", "all"):  # a cached answer is never given to another key
            with house.client(name) as client:
                told[name] = client.post("/v1/ask", json={"question": QUESTIONS[0]}).json()
        assert [told[name]["status"] for name in ("bea", "ann", "all")] == ["abstained", "answered", "answered"]
        assert "Petra Vandermolen" in json.dumps(told["ann"]["claims"])

    def test_lists_and_articles(self, house: House) -> None:
        with house.client("bea") as bea, house.client("all") as everything:
            assert bea.get("/v1/articles").json()["found"] == 3
            assert everything.get("/v1/articles").json()["found"] == 4
            assert bea.get("/v1/articles", params={"q": "harbour"}).json()["found"] == 0
            assert everything.get("/v1/articles", params={"q": "harbour"}).json()["found"] == 1
            there, nowhere = (bea.get(f"/v1/articles/{path}") for path in ("ann/harbour.txt", "ann/nothing.txt"))
            assert there.status_code == nowhere.status_code == 404
            assert there.text.replace("harbour", "nothing") == nowhere.text
            assert everything.get("/v1/articles/ann/harbour.txt").json()["text"] == SECRET
            for odd in (
                "bea/../ann/harbour.txt",
                "bea/%2e%2e/ann/harbour.txt",
                "ann%2fharbour.txt",
                "/ann/harbour.txt",
            ):
                assert bea.get(f"/v1/articles/{odd}").status_code == 404, odd

    def test_what_is_refused_names_nothing_of_it(self, house: House) -> None:
        narrowings = (
            {"only_articles": ["ann/"]}, {"only_articles": ["ann/harbour.txt"]}, {"only_articles": ["an"]},
            {"outlets": ["Ostwick Gazete"]}, {"authors": ["x"]}, {"where": {"section": "x"}},
        )  # fmt: skip
        with house.client("bea") as client:
            for narrowing in narrowings:
                for path in ("/v1/search", "/v1/ask"):
                    refused = client.post(path, json={"question": "Who?", "search": narrowing})
                    assert refused.status_code == 400
                    assert "harbour" not in refused.text.replace(json.dumps(narrowing)[1:-1], "").replace(
                        "no article 'ann/harbour.txt'", ""
                    )

    def test_in_the_form_of_openai(self, house: House) -> None:
        said = {"messages": [{"role": "user", "content": QUESTIONS[0]}]}
        with house.client("bea") as client:
            whole = client.post("/v1/chat/completions", json=said).json()
            assert whole["choices"][0]["message"]["refusal"]
            streamed = client.post("/v1/chat/completions", json={**said, "stream": True}).text
        assert articles_in(whole) | articles_in(streamed) <= {f"bea/{file.name}" for file in SEEDS.glob("*.txt")}
        with house.client("ann") as client:
            (cited, *_) = client.post("/v1/chat/completions", json=said).json()["choices"][0]["message"]["annotations"]
            assert client.get(cited["url_citation"]["url"]).json()["text"] == SECRET

    def test_by_mcp(self, house: House) -> None:
        async def ask() -> tuple[Any, ...]:
            headers = {"Authorization": f"Bearer {house.secrets['bea']}"}
            async with (
                httpx2.AsyncClient(headers=headers, timeout=120) as http,
                Client(streamable_http_client(f"{house.url}/mcp", http_client=http)) as client,
            ):
                with pytest.raises(MCPError, match="the index has no article"):
                    await client.read_resource("citewire://articles/ann/harbour.txt")
                return (
                    await client.call_tool("ask", {"question": QUESTIONS[0]}),
                    await client.call_tool("search", {"question": QUESTIONS[0], "k": 100}),
                    await client.call_tool("list_articles", {}),
                    await client.list_resources(),
                    await client.call_tool("get_article", {"path": "ann/harbour.txt"}),
                )

        *seen, refused = asyncio.run(ask())
        assert refused.is_error
        for one in seen:
            assert articles_in(one.model_dump_json()) <= {f"bea/{file.name}" for file in SEEDS.glob("*.txt")}
        assert len(seen[2].structured_content["articles"]) == len(seen[3].resources) == 3

    def test_all_other_routes_are_closed(self, house: House) -> None:
        paths = (
            "/", "/corpus", "/corpus/article?path=ann/harbour.txt", "/conversations", "/uploads", "/metrics",
            "/figures", "/gradio_api/queue/data", "/cw/page.js", "/v1/../corpus", "/v1/articles/../../corpus",
            "//v1/articles", "/v1/articlesx", "/corpus?/v1/articles", "/c/x", "/V1/articles",
        )  # fmt: skip
        with house.client("bea") as client:
            for path in paths:
                assert client.get(path).status_code in (403, 404), path
            for path in ("/gradio_api/run/predict", "/gradio_api/queue/join", "/corpus/removal", "/uploads?name=a.txt"):
                assert client.post(path, json={}).status_code == 403, path
            kept = client.post("/login", data={"password": house.secrets["bea"]})
            assert (kept.status_code, "This key is for programs" in kept.text) == (401, True)
            assert SESSION not in kept.cookies
        assert not REACHED.fullmatch("/corpus")
        assert REACHED.fullmatch("/v1/articles/line\nbreak")

    def test_what_is_added_is_seen_by_whom_it_is_for(self, embedder: Embedder, model: str, tmp_path: Path) -> None:
        with opened(tmp_path, embedder, model) as made, made.client("ann") as ann, made.client("bea") as bea:
            assert [one.get("/v1/articles").json()["found"] for one in (ann, bea)] == [1, 3]
            (tmp_path / "news" / "ann" / "more.txt").write_text("Ilmari Quist leaves Ostwick for the sea at Norrland.")
            build_index([tmp_path / "news"], made.index, embedder)
            assert [one.get("/v1/articles").json()["found"] for one in (ann, bea)] == [2, 3]
            asked = {"question": "Where does Ilmari Quist go?", "k": 50}
            assert "Norrland" in ann.post("/v1/search", json=asked).text
            assert "Norrland" not in bea.post("/v1/search", json=asked).text


class TestRights:
    def test_only_an_admin_changes_articles(self, house: House) -> None:
        removal = {"paths": ["ann/harbour.txt"], "sure": True}
        changes: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("POST", "/corpus/removal", {"json": removal}),
            (
                "POST",
                "/uploads?name=new.txt",
                {"content": b"x", "headers": {"Content-Type": "application/octet-stream"}},
            ),
            ("DELETE", "/uploads/abc", {}),
            ("POST", "/v1/articles?name=new.txt", {"content": b"x"}),
            ("POST", "/v1/addresses", {"json": {"address": "https://example.org/story.html"}}),
            ("DELETE", "/v1/articles/bea/none.txt", {}),
            ("DELETE", "/v1/articles/ann/harbour.txt", {}),
            ("POST", "/figures/run", {}),
            ("PUT", "/corpus", {}),
        )
        for name in ("all", "bea", "password"):  # with an admin key in use, the password gives no admin rights
            with house.client(name) as client:
                for method, path, body in changes:
                    refused = client.request(method, path, **body)
                    assert refused.status_code == 403, (name, path)
                    assert refused.headers["content-type"] == "application/problem+json"
        with house.client("all") as client:
            assert client.get("/v1/articles").json()["found"] == 4
            assert client.get("/").status_code == 200
            assert client.post("/v1/search", json={"question": "Who?"}).status_code == 200

    def test_the_page_offers_changes_to_admins_only(self, chromium: Browser, house: House) -> None:
        for name, changes in (("all", 0), ("root", 1)):
            with browser_context(chromium) as window, tab(window, house.url) as page:
                page.get_by_label("Password").fill(house.secrets[name])
                page.get_by_role("button", name="Sign in").click()
                usable(page).get_by_role("button", name="Articles", exact=True).click()
                view = page.get_by_role("dialog", name="Articles")
                view.get_by_role("checkbox").first.check()
                expect(view.get_by_role("button", name="Ask only this one")).to_be_visible()
                for offer in ("Add articles", "Paste text", "Remove"):
                    expect(view.get_by_role("button", name=offer, exact=True)).to_have_count(changes)
                expect(page.locator("input[type=file]")).to_have_count(changes)
                at_rest(page)
                page.goto(f"{house.url}/figures")
                expect(page.get_by_role("link", name="Back to the questions")).to_be_visible()
                expect(page.get_by_role("region", name="On the articles here")).to_have_count(changes)

    def test_the_password_is_an_admins_without_an_admin_key(
        self, seeds_folder: Path, embedder: Embedder, model: str, tmp_path: Path
    ) -> None:
        build_index([SEEDS], tmp_path / "index", embedder)
        keys = Keys(tmp_path / "index")
        keys.add("reader")
        chosen = Settings(index=tmp_path / "index", conversations=tmp_path / "kept.sqlite", model=model, reader="small")
        with serving(lambda: lay_out(chosen), PASSWORD, keys=keys) as url:
            headers = {"Authorization": f"Bearer {PASSWORD}"}
            would = {"paths": ["000_dc4ea0124dbaad63.txt"]}
            assert httpx.post(f"{url}/corpus/removal", json=would, headers=headers).status_code == 200
            keys.add("root", admin=True)  # added while the server runs
            assert httpx.post(f"{url}/corpus/removal", json=would, headers=headers).status_code == 403

    def test_changes_are_in_the_log(self, embedder: Embedder, model: str, tmp_path: Path) -> None:
        with opened(tmp_path, embedder, model) as made, made.client("root") as root, made.client("all") as other:
            octets = {"Content-Type": "application/octet-stream"}
            sent = root.post("/uploads?name=new.txt", content=b"A new ferry sails to Ostwick.", headers=octets)
            assert sent.status_code == 202
            until(lambda: root.get("/v1/articles").json()["found"] == 5, 120)
            assert other.post("/corpus/removal", json={"paths": ["ann/harbour.txt"], "sure": True}).status_code == 403
            assert root.post("/corpus/removal", json={"paths": ["ann/none.txt"], "sure": True}).status_code == 404
            assert root.post("/corpus/removal", json={"paths": ["ann/harbour.txt"]}).status_code == 200
            assert root.post("/corpus/removal", json={"paths": ["ann/harbour.txt"], "sure": True}).status_code == 200
            log = Changes(made.index).file
            told = [json.loads(line) for line in log.read_text().splitlines()]
            assert [(one["who"], one["from"], one["what"], one["names"]) for one in told] == [
                ("root", "127.0.0.1", "add file", ["new.txt"]),
                ("root", "127.0.0.1", "remove articles", ["ann/harbour.txt"]),
            ]
            assert stat.S_IMODE(log.stat().st_mode) == 0o600
            log.unlink()
            log.mkdir()  # a change that cannot be logged is refused
            refused = root.post("/corpus/removal", json={"paths": ["uploaded/new.txt"], "sure": True})
            assert (refused.status_code, "cannot be noted" in refused.text) == (400, True)
            assert root.get("/v1/articles").json()["found"] == 4

    def test_a_key_opens_the_page_until_it_is_removed(self, house: House) -> None:
        keys = Keys(house.index)
        secret = keys.add("guest")
        with house.client() as client:
            assert client.post("/login", data={"password": "cw_" + "x" * 43}).status_code == 401
            assert client.post("/login", data={"password": secret}).status_code == 303
            assert client.get("/").status_code == 200
            assert client.get("/login").status_code == 303
            refused = client.post("/corpus/removal", json={"paths": ["ann/harbour.txt"], "sure": True})
            assert refused.status_code == 403
            keys.remove("guest")
            assert client.get("/", headers={"Accept": "application/json"}).status_code == 401
            assert client.get("/login").status_code == 200  # and does not redirect in a circle
            keys.add("guest")  # a new key of the same name
            assert client.get("/conversations").status_code == 401
            keys.remove("guest")

    def test_who_guesses_holds_nobody_up_that_has_a_key(self, house: House) -> None:
        with house.client("wrong guess 1") as guessing, house.client("bea") as bea:
            codes = [guessing.get("/v1/articles").status_code for _ in range(FREE_TRIES + 2)]
            assert 429 in codes
            assert bea.get("/v1/articles").status_code == 200
            assert guessing.get("/v1/articles").status_code == 429

    def test_nothing_opens_what_has_no_password(self, tmp_path: Path) -> None:
        keys = Keys(tmp_path / "index")
        ours = {"Authorization": f"Bearer {keys.add('only')}"}

        async def tried() -> None:
            transport = httpx.ASGITransport(Door(PlainTextResponse("in"), keys=keys))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                wrong: list[dict[str, str]] = [{}, {"Authorization": "Bearer"}, {"Authorization": "Bearer x"}]
                for headers in wrong:
                    assert (await client.get("/v1/articles", headers=headers)).status_code == 401, headers
                assert (await client.post("/login", data={"password": ""})).status_code == 401
                assert (await client.get("/v1/articles", headers=ours)).status_code == 200
                kept = keys.file.read_text()
                keys.file.write_text("{ damaged")
                for path in ("/v1/articles", "/login"):
                    assert (await client.post(path, headers=ours)).status_code == 503
                keys.file.unlink()
                assert (await client.get("/v1/articles", headers=ours)).status_code == 401  # closed, not open
                keys.file.write_text(kept)
                assert (await client.get("/v1/articles", headers=ours)).status_code == 200

        with ThreadPoolExecutor(1) as apart:  # this thread already runs Playwright's event loop
            apart.submit(asyncio.run, tried()).result()

    def test_without_keys_nothing_changes(self, seeds_folder: Path, model: str, tmp_path: Path) -> None:
        chosen = Settings(
            index=seeds_folder, conversations=tmp_path / "kept.sqlite", model=model, reader="small", read_only=True
        )
        with serving(lambda: lay_out(chosen), keys=Keys(tmp_path / "index")) as url:
            assert httpx.get(f"{url}/v1/articles").status_code == 200
        assert list(tmp_path.glob("index-*")) == []


class TestTheFile:
    def test_only_hashes_are_kept_and_only_their_owner_reads_them(self, tmp_path: Path) -> None:
        keys = Keys(tmp_path / "index")
        secret = keys.add("ann", collections=["wire", "press/", "wire/"])
        assert secret.startswith(PREFIX)
        assert len(secret) == len(PREFIX) + 43
        kept = keys.file.read_text()
        assert secret not in kept
        assert secret.removeprefix(PREFIX) not in kept
        assert stat.S_IMODE(keys.file.stat().st_mode) == 0o600
        (key,) = Keys(tmp_path / "index").all()
        assert (key.name, key.admin, key.collections) == ("ann", False, ("wire/", "press/"))
        assert keys.of(secret) == key
        assert keys.of(secret[:-1]) is None
        assert keys.of("") is None

    @pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 65, "password", "anybody", "a\n", "é"])
    def test_names_that_are_none(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="is no name of a key"):
            Keys(tmp_path / "index").add(name)
        assert list(tmp_path.glob("index*")) == []

    def test_many_at_once_are_all_kept(self, tmp_path: Path) -> None:
        names = [f"k{number}" for number in range(12)]
        together(lambda name: Keys(tmp_path / "index").add(name), names)
        assert {key.name for key in Keys(tmp_path / "index").all()} == set(names)

    def test_on_the_command_line(self, embedder: Embedder, tmp_path: Path) -> None:
        (tmp_path / "news" / "wire").mkdir(parents=True)
        (tmp_path / "news" / "wire" / "a.txt").write_text("The ferry sails again on Monday.")
        build_index([tmp_path / "news"], tmp_path / "index", embedder)
        index = ["--index", str(tmp_path / "index")]
        made = citewire("keys", "add", "ann", "--collection", "wire", *index)
        assert (made.returncode, made.stdout.startswith(PREFIX)) == (0, True), made.stderr
        assert "is not shown again" in made.stderr
        assert "once it is started again" in made.stderr
        for arguments, said in (
            (["add", "ann"], "There is a key 'ann' already"),
            (["add", "bob", "--collection", "wier"], "no article in a folder 'wier'. There are wire"),
            (["add", "bob", "--admin", "--collection", "wire"], "An admin key cannot be of some articles only: wire"),
            (["remove", "bob"], "There is no key 'bob'. These are there: ann"),
        ):
            refused = citewire("keys", *arguments, *index)
            assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
        listed = citewire("keys", "list", "--json", *index)
        (one,) = json.loads(listed.stdout)
        assert (one["name"], one["admin"], one["collections"]) == ("ann", False, ["wire/"])
        assert made.stdout.strip() not in listed.stdout
        assert "sha256" not in listed.stdout
        assert citewire("keys", "remove", "ann", *index).returncode == 0
        assert Keys(tmp_path / "index").all() == ()
        told = [json.loads(line)["what"] for line in Changes(tmp_path / "index").file.read_text().splitlines()]
        assert told == ["add key", "remove key"]


class TestALinkToAConversation:
    def test_it_is_read_without_a_password_until_it_is_taken_back(self, house: House) -> None:
        with house.client("all") as client, house.client() as stranger, house.client("bea") as bea:
            client.cookies = httpx.Cookies(client.get("/").cookies)
            kept = put(house, client.cookies["citewire_visitor"])
            assert stranger.get(f"/conversations/{kept}").status_code == 401
            link = client.post(f"/conversations/{kept}/link").json()["link"]
            assert re.fullmatch(r"[A-Za-z0-9_-]{43}", link)
            read = stranger.get(f"/shared/{link}")
            assert read.status_code == 200
            assert "When does the ferry sail?" in read.text
            assert read.headers["x-robots-tag"] == "noindex, nofollow"
            assert read.headers["cache-control"] == "no-store"
            assert "<script" not in read.text
            for method in ("POST", "DELETE", "PUT"):
                assert stranger.request(method, f"/shared/{link}").status_code == 401
            for path in (
                f"/shared/{link}x",
                f"/shared/{link}/",
                f"/shared/{link}/../../v1/articles",
                "/shared/",
                "/shared",
            ):
                assert stranger.get(path).status_code in (401, 404), path
            assert stranger.get(f"/shared/{'x' * 43}").status_code == 404
            assert bea.get(f"/shared/{link}").status_code == 200  # everybody with the link may read it
            second = client.post(f"/conversations/{kept}/link").json()["link"]
            assert [stranger.get(f"/shared/{one}").status_code for one in (link, second)] == [404, 200]
            assert client.get("/conversations").json()[0]["link"] == second
            assert client.delete(f"/conversations/{kept}/link").status_code == 204
            assert stranger.get(f"/shared/{second}").status_code == 404
            third = client.post(f"/conversations/{kept}/link").json()["link"]
            assert client.delete(f"/conversations/{kept}").status_code == 204
            assert stranger.get(f"/shared/{third}").status_code == 404

    def test_only_whose_it_is_makes_one(self, house: House) -> None:
        with house.client("all") as mine, house.client("root") as other:
            mine.cookies, other.cookies = (httpx.Cookies(one.get("/").cookies) for one in (mine, other))
            kept = put(house, mine.cookies["citewire_visitor"])
            for method in ("POST", "DELETE"):
                assert other.request(method, f"/conversations/{kept}/link").status_code == 404
            crossing = {"Origin": "http://evil.example"}
            assert mine.post(f"/conversations/{kept}/link", headers=crossing).status_code == 403
