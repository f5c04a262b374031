"""Questions over HTTP, on a real server: answers and events, the line, refusals, and clients that disconnect."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from conftest import until
from fastapi import FastAPI
from scripted import (
    EXAMPLES,
    HITS,
    LEAD,
    OFFERED,
    OPEN_CLAIMS,
    OVERVIEW,
    ScriptedAnswerer,
    ScriptedIndex,
    over_index,
    scripted_choice,
)
from served import serving

from citewire.index.errors import InputError, ModelError
from citewire.index.options import SearchOptions
from citewire.index.types import Filters
from citewire.qa.types import Answer, Timings, Turn
from citewire.ui.allowance import Sender
from citewire.ui.ask_routes import Asked, Search, Served, entered, router, whole
from citewire.ui.chat import ADDRESS_LENGTH, VISITOR_LENGTH, Chat, Loaded
from citewire.ui.labels import card
from citewire.ui.middleware import MOST_BYTES
from citewire.ui.page import Site, build_page
from citewire.ui.running import PER_QUESTION
from citewire.ui.visitor import COOKIE, VisitorCookie, problem_details

pytestmark = pytest.mark.slow  # processes, servers or real networks

ME, OTHER, THIRD = "A" * 32, "B" * 32, "C" * 32
OPEN = Answer(
    EXAMPLES[0], EXAMPLES[0], "answered", " ".join(claim.text for claim in OPEN_CLAIMS), OPEN_CLAIMS, hits=HITS,
    short="18 May", timings=Timings(total_s=2.13), model="scripted",
)  # fmt: skip


def check(index: ScriptedIndex, search: SearchOptions) -> None:
    if search.filters.outlets == ("Nobody",):
        raise InputError("no article has the outlet 'Nobody'", "There are others")


def served(**changed: Any) -> Served:
    return Served(**{
        "index": Path("an/index"), "model": "m", "fingerprint": "f" * 64, "generation": lambda: 7, "check": check,
        **changed,
    })  # fmt: skip


@pytest.fixture(scope="module")
def chat(answerer: ScriptedAnswerer) -> Chat:
    search = SearchOptions(k=5, filters=Filters(published_from="2026-01-01"))
    return Chat(lambda: Loaded(answerer, ScriptedIndex(), "scripted model", search))


@pytest.fixture(scope="module")
def url(chat: Chat) -> Iterator[str]:
    with serving(lambda: Site(build_page(chat, EXAMPLES), [router(chat, served())])) as address:
        until(lambda: chat.background.done)
        for visitor in (ME, OTHER, THIRD):
            loads_the_page(address, visitor)
        yield address


def loads_the_page(url: str, visitor: str) -> None:
    """Load the page as `visitor`, so that the server knows this id."""
    httpx.get(url, cookies={COOKIE: visitor}, headers={"Sec-Fetch-Dest": "document"}).raise_for_status()


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=30) as opened:
        yield opened


def test_the_answer_object(client: httpx.Client) -> None:
    response = client.post("/v1/ask", json={"question": EXAMPLES[0]})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json() == json.loads(json.dumps(asdict(OPEN)))


def test_the_events_of_an_answer_as_they_come(client: httpx.Client) -> None:
    with client.stream("POST", "/v1/ask", json={"question": EXAMPLES[0], "stream": True}) as response:
        assert response.headers["content-type"].startswith("application/x-ndjson")
        told = [json.loads(line) for line in response.iter_lines()]
    assert [event["event"] for event in told if event["event"] != "draft"] == ["searched", "checked", "answer"]
    assert told[0] == {
        "event": "searched", "standalone_question": EXAMPLES[0], "hits": [asdict(hit) for hit in HITS],
        "kind": "fact", "lead": "", "listed": False,
    }  # fmt: skip
    assert told[-2]["claim"] == json.loads(json.dumps(asdict(OPEN_CLAIMS[0])))
    assert told[-1]["answer"] == json.loads(json.dumps(asdict(OPEN)))
    named = {quote.article for claim in OPEN_CLAIMS for quote in claim.quotes} | {hit.article for hit in HITS}
    cards = {path: asdict(card(ScriptedIndex().article(path))) for path in named}
    assert told[-1]["articles"] == json.loads(json.dumps(cards))


def test_a_list_and_its_lead_are_told_before_its_items(client: httpx.Client) -> None:
    question = "What are these articles about?"
    with client.stream("POST", "/v1/ask", json={"question": question, "stream": True}) as response:
        told = [json.loads(line) for line in response.iter_lines()]
    assert told[0] == {
        "event": "searched", "standalone_question": question, "hits": [],
        "kind": "corpus", "lead": LEAD, "listed": True,
    }  # fmt: skip
    assert [event["event"] for event in told[1:]] == ["checked"] * 3 + ["answer"]
    assert told[-1]["answer"] == json.loads(json.dumps(asdict(OVERVIEW)))
    assert told[-1]["answer"]["offered"] == list(OFFERED)


def test_history_and_search_reach_the_answerer(client: httpx.Client, answerer: ScriptedAnswerer) -> None:
    wanted = {
        "published_from": "2025-01-01", "published_to": "2026-03-01", "outlets": ["The Quay Ledger"],
        "authors": ["Tomas Brandt"], "only_articles": ["ledger/"], "where": {"section": "city"}, "passages": 9,
        "recency": "prefer", "half_life": 3, "as_of": "newest", "per_article": 2, "per_group": 3, "copies": 0,
    }  # fmt: skip
    assert set(wanted) == set(Search.model_fields) == set(PER_QUESTION)
    body = {"question": "And then?", "history": [["When?", "In May."]], "search": wanted}
    assert client.post("/v1/ask", json=body).status_code == 200
    assert answerer.histories[-1] == (Turn("When?", "In May."),)
    assert answerer.searches[-1] == SearchOptions(
        k=9, recency="prefer", half_life=3, as_of="newest", per_article=2, per_group=3, copies=None,
        filters=Filters(
            published_from="2026-01-01", published_to="2026-03-01", outlets=("The Quay Ledger",),
            authors=("Tomas Brandt",), articles=("ledger/",), metadata={"section": "city"},
        ),
    )  # fmt: skip


def test_what_a_question_leaves_out_is_as_the_page_was_started(
    client: httpx.Client, answerer: ScriptedAnswerer
) -> None:
    client.post("/v1/ask", json={"question": "When?"})
    assert answerer.searches[-1] == SearchOptions(k=5, filters=Filters(published_from="2026-01-01"))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"question": " "}, 400, "The question is empty"),
        ({"question": "x" * 1001}, 400, "1,001 characters, the limit is 1,000"),
        ({"question": "?", "search": {"outlets": ["Nobody"]}}, 400, "no article has the outlet 'Nobody'"),
        ({"question": "?", "search": {"published_from": "May"}}, 400, "'May' is no day"),
        ({"question": "?", "search": {"published_to": "2025-12-31"}}, 400, "nothing is published"),
        ({}, 422, "question"),
        ({"question": "?", "model": "other"}, 400, "No model here is called 'other'"),
        ({"question": "?", "search": {"reranker": "/etc"}}, 422, "body.search.reranker"),
        ({"question": "?", "search": {"passages": 101}}, 422, "body.search.passages = 101"),
        ({"question": "?", "search": {"recency": "new"}}, 422, "body.search.recency"),
        ({"question": "?", "search": {"half_life": float("1e400")}}, 422, "body.search.half_life"),
        ({"question": "?", "history": [["a"]]}, 422, "body.history.0"),
        ({"question": "?", "history": [["a", "b"]] * 101}, 422, "body.history"),
        ({"question": "a\ud800b"}, 422, "body.question"),
    ],
)
def test_refusals(body: dict[str, Any], status: int, said: str, stream: bool, client: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    response = client.post("/v1/ask", content=json.dumps({**body, "stream": stream}), headers=headers)
    assert response.status_code == status
    told = response.json()
    assert said in told["problem"]
    assert told["fix"]


def test_requests_of_other_pages_and_under_other_names(client: httpx.Client) -> None:
    body = {"question": EXAMPLES[0]}
    assert client.post("/v1/ask", json=body, headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post("/v1/ask", json=body, headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/v1/status", headers={"Host": "evil.example"}).status_code == 400
    # A form on another page can send this type without a preflight request; only our own page can send JSON.
    plain = client.post("/v1/ask", content=json.dumps(body), headers={"Content-Type": "text/plain"})
    assert plain.status_code == 422
    large = client.post("/v1/ask", json={"question": "?", "history": [["a", "b" * MOST_BYTES]]})
    assert large.status_code == 413


def test_an_answer_that_breaks_off(client: httpx.Client) -> None:
    response = client.post("/v1/ask", json={"question": "Now an error"})
    assert response.status_code == 400
    assert response.json()["fix"] == "Start it and press Retry."
    with client.stream("POST", "/v1/ask", json={"question": "Now an error", "stream": True}) as streamed:
        *_, checked, last = map(json.loads, streamed.iter_lines())
    assert checked["event"] == "checked"
    assert last == {"event": "error", **{name: response.json()[name] for name in ("problem", "fix")}}
    crashed = client.post("/v1/ask", json={"question": "crash"})
    assert (crashed.status_code, crashed.json()["problem"]) == (500, "The answer could not be finished")
    failed = client.post("/v1/ask", json={"question": "failed"})
    assert (failed.status_code, failed.json()["status"]) == (200, "failed")


@pytest.mark.parametrize("question", ["hold", "slow"])
def test_who_closes_the_connection_stops_the_answer(question: str, client: httpx.Client, url: str) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}/v1/ask", json={"question": question}, timeout=httpx.Timeout(30, read=0.3))
    assert client.post("/v1/ask", json={"question": "When?"}).status_code == 200


def test_who_leaves_in_the_moment_of_news_stops_the_answer() -> None:
    chat = Chat(lambda: Loaded(ScriptedAnswerer(), ScriptedIndex(), "m"))

    async def left() -> bool:
        _, said = await entered(chat, served(), Asked(question="slow"), None)
        task = asyncio.ensure_future(whole(said))
        await asyncio.sleep(0.3)
        time.sleep(0.1)  # blocks the loop, so that the next event and the end arrive in the same turn
        asyncio.get_running_loop().call_soon(task.cancel)
        await asyncio.wait([task], timeout=10)
        return task.cancelled()

    until(lambda: chat.background.done)
    assert asyncio.run(left())


def test_an_answer_that_takes_too_long_is_ended_and_said() -> None:
    chat = Chat(lambda: Loaded(ScriptedAnswerer(), ScriptedIndex(), "m"), max_answer_seconds=0.5)
    with serving(lambda: Site(build_page(chat, EXAMPLES), [router(chat, served())])) as url:
        until(lambda: chat.background.done)
        ended = httpx.post(f"{url}/v1/ask", json={"question": "hold"}, timeout=30)
        assert (ended.status_code, ended.json()["problem"]) == (
            504,
            "This took too long and was stopped after 0.5 seconds",
        )
        with httpx.stream("POST", f"{url}/v1/ask", json={"question": "slow", "stream": True}, timeout=30) as response:
            told = [json.loads(line) for line in response.iter_lines()]
        assert [one["event"] for one in told][:2] == ["searched", "checked"]
        assert told[-1]["problem"] == "This took too long and was stopped after 0.5 seconds"
        assert httpx.post(f"{url}/v1/ask", json={"question": "When?"}, timeout=30).status_code == 200


def test_who_closes_a_stream_stops_the_answer(client: httpx.Client) -> None:
    with client.stream("POST", "/v1/ask", json={"question": "slow", "stream": True}) as response:
        assert '"searched"' in next(response.iter_lines())
    assert client.post("/v1/ask", json={"question": "When?"}).status_code == 200


def test_who_leaves_while_waiting_is_never_asked(client: httpx.Client, url: str, answerer: ScriptedAnswerer) -> None:
    asked = len(answerer.searches)
    with client.stream("POST", "/v1/ask", json={"question": "slow", "stream": True}) as response:
        lines = response.iter_lines()  # a reference: without it httpx closes the stream
        next(lines)
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/v1/ask", json={"question": "When?"}, timeout=httpx.Timeout(30, read=0.3))
        with httpx.stream("POST", f"{url}/v1/ask", json={"question": "When?", "stream": True}) as waiting:
            assert json.loads(next(waiting.iter_lines())) == {"event": "waiting", "ahead": 1}
    client.post("/v1/ask", json={"question": "At last?"})
    assert len(answerer.searches) == asked + 2


def events_of(url: str, question: str, visitor: str, told: list[tuple[str, dict[str, Any]]]) -> threading.Thread:
    """Ask in a thread, which appends (question, event) to a list for each event."""
    named = {"question": question, "history": [[question, ""]]}  # lets `ScriptedAnswerer` record the histories

    def ask() -> None:
        with (
            httpx.Client(base_url=url, timeout=60, cookies={COOKIE: visitor}) as client,
            client.stream("POST", "/v1/ask", json={**named, "stream": True}) as response,
        ):
            told.extend((question, json.loads(line)) for line in response.iter_lines())

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


@contextmanager
def behind_a_slow_one(
    url: str, chat: Chat, told: list[tuple[str, dict[str, Any]]]
) -> Iterator[Callable[[str, str], None]]:
    """Ask a slow question; yield a function that asks in the line behind it. At the end all are answered."""
    threads: list[threading.Thread] = []

    def ask(question: str, visitor: str) -> None:
        threads.append(events_of(url, question, visitor, told))
        until(lambda: chat.line.waiting == len(threads))

    with httpx.Client(base_url=url, timeout=60, cookies={COOKIE: ME}) as holding:
        with holding.stream("POST", "/v1/ask", json={"question": "slow", "stream": True}) as response:
            lines = response.iter_lines()
            next(lines)
            yield ask
        for thread in threads:
            thread.join()


def refused(url: str, chat: Chat, visitor: str) -> dict[str, Any]:
    """The response to one more question."""
    response = httpx.post(f"{url}/v1/ask", json={"question": "?"}, cookies={COOKIE: visitor})
    assert (response.status_code, response.headers["retry-after"]) == (429, str(chat.line.wait))
    return dict(response.json())


def test_the_line_is_fair_and_says_who_is_ahead(url: str, chat: Chat, answerer: ScriptedAnswerer) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    with behind_a_slow_one(url, chat, told) as ask:
        for question in ("mine 1", "mine 2", "theirs 1", "theirs 2", "third"):
            ask(question, {"mine": ME, "theirs": OTHER, "third": THIRD}[question.partition(" ")[0]])
        until(lambda: ("mine 2", {"event": "waiting", "ahead": 5}) in told)
    asked = [turns[0].question for turns in answerer.histories[-5:]]
    assert asked == ["theirs 1", "third", "mine 1", "theirs 2", "mine 2"]
    first = {question: event["ahead"] for question, event in reversed(told) if event["event"] == "waiting"}
    assert first == {"mine 1": 1, "mine 2": 2, "theirs 1": 1, "theirs 2": 3, "third": 2}


def test_too_many_of_one_visitor_and_of_all(url: str, chat: Chat) -> None:
    with behind_a_slow_one(url, chat, []) as ask:
        for number in range(VISITOR_LENGTH):
            ask(f"q {number}", ME)
        assert refused(url, chat, ME)["problem"] == "8 of your questions are waiting already"
        for number in range(VISITOR_LENGTH, ADDRESS_LENGTH):
            ask(f"q {number}", OTHER)
        assert refused(url, chat, THIRD) == problem_details(
            429, "16 questions from your address are waiting already", "Ask again in a moment."
        )
        elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")  # Linux: all of 127.0.0.0/8 is this machine
        with (
            httpx.Client(transport=elsewhere, base_url=url, timeout=60) as other,
            other.stream("POST", "/v1/ask", json={"question": "?", "stream": True}) as waiting,
        ):
            # Only the running question is ahead: this address was never served, so it comes before all that wait.
            assert json.loads(next(waiting.iter_lines())) == {"event": "waiting", "ahead": 1}


def test_ids_that_were_made_up_have_one_turn_together(url: str, chat: Chat, answerer: ScriptedAnswerer) -> None:
    with behind_a_slow_one(url, chat, []) as ask:
        for number in range(VISITOR_LENGTH):
            ask(f"made up {number}", f"{number:032d}")
        refused(url, chat, "9" * 32)
        for number, visitor in enumerate((OTHER, OTHER, THIRD), 1):
            ask(f"honest {number}", visitor)
    asked = [turns[0].question for turns in answerer.histories[-VISITOR_LENGTH - 3 :]]
    assert {"honest 1", "honest 3"} < set(asked[:4]), asked  # each of the three has a turn in the first round
    assert "honest 2" in asked[:5], asked


def test_programs_without_a_cookie_are_one_visitor_a_machine(url: str, chat: Chat) -> None:
    with (
        httpx.Client(base_url=url, timeout=60) as holding,
        holding.stream("POST", "/v1/ask", json={"question": "slow", "stream": True}) as response,
    ):
        lines = response.iter_lines()
        next(lines)
        assert chat.line._running
        assert chat.line._running.sender == Sender("127.0.0.1", "127.0.0.1")


def test_status(client: httpx.Client) -> None:
    told = client.get("/v1/status")
    assert told.headers["cache-control"] == "no-store"
    known = told.json()
    assert known.pop("version") == version("citewire")
    assert known == {
        "index": str(Path("an/index").resolve()), "index_generation": 7, "model": "scripted model", "state": "ready",
        "waiting": 0, "fingerprint": "f" * 64,
    }  # fmt: skip


def asked_of(chat: Chat, **named: str) -> tuple[dict[str, Any], httpx.Response]:
    """Return the status of a chat and the response to a question."""
    app = FastAPI()
    app.include_router(router(chat, served()))

    async def run() -> tuple[dict[str, Any], httpx.Response]:
        transport = httpx.ASGITransport(app=VisitorCookie(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            told = (await client.get("/v1/status")).json()
            return told, await client.post("/v1/ask", json={"question": "When?", **named})

    return anyio.run(run)


def test_while_models_load_and_where_they_do_not() -> None:
    gate = threading.Event()

    def load() -> Loaded:
        gate.wait(30)
        raise ModelError("there is no model", "Fetch it.")

    chat = Chat(load)
    told, refused = asked_of(chat)
    assert (told["state"], told["model"]) == ("loading", "m")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json() == problem_details(503, "The model is still loading", "Ask again in a moment.")
    gate.set()
    until(lambda: chat.background.done)
    told, refused = asked_of(chat)
    assert (told["state"], told["problem"], told["fix"]) == ("failed", "there is no model", "Fetch it.")
    assert (refused.status_code, refused.json()["problem"]) == (503, "there is no model")


def test_the_newest_generation_is_asked() -> None:
    new = ScriptedIndex()
    over: list[ScriptedIndex] = []

    def another(index: ScriptedIndex) -> Loaded:
        over.append(index)
        return Loaded(ScriptedAnswerer(), index, "m", over=another)

    asked: list[Chat] = []
    loaded = Loaded(ScriptedAnswerer(), ScriptedIndex(), "m", over=another)
    asked.append(Chat(lambda: loaded, refresh=lambda: asked[0].search_in(new)))
    until(lambda: asked[0].background.done)
    assert asked_of(asked[0])[1].status_code == 200
    assert over == [new]


def test_a_model_is_named_where_there_is_a_choice() -> None:
    chat = Chat(lambda: over_index(ScriptedIndex()), choice=scripted_choice())
    until(lambda: chat.background.done)

    def told(model: str) -> tuple[int, Any]:
        response = asked_of(chat, model=model)[1]
        return response.status_code, response.json().get("model") or response.json()["problem"]

    assert told("") == (200, "scripted")
    begun = told("careful")
    assert begun in ((503, "The model is still loading"), (200, "scripted with care"))
    until(lambda: chat.load_of("careful").loaded)
    assert told("careful") == (200, "scripted with care")
    assert told("fast") == (200, "scripted")
    assert told("../x") == (400, "No model here is called '../x'")
