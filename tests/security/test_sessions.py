"""Sessions: who owns one, how many there may be, and how many event streams."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from conftest import until
from scripted import EXAMPLES, scripted_load
from served import PROBLEM, serving

from citewire.ui.chat import Chat
from citewire.ui.page import FOLLOWERS, Site, build_page
from citewire.ui.sessions import CrowdedError, Most, Sessions, StrangerError

from .conftest import visiting

pytestmark = pytest.mark.slow  # processes, servers or real networks

API = "/gradio_api"
ASK, FOLLOW, NEW, HEAD = 1, 2, 8, 11  # event functions of the page
MOST = Most()


class Served:
    """A page, and what Gradio stores for its sessions."""

    def __init__(self) -> None:
        self.blocks: Any = None

    def build(self) -> Site:
        self.blocks = build_page(Chat(scripted_load()), EXAMPLES)
        return Site(self.blocks)


@pytest.fixture(scope="module")
def site() -> Served:
    return Served()


@pytest.fixture(scope="module")
def url(site: Served) -> Iterator[str]:
    with serving(site.build) as address:
        yield address


def call(
    client: httpx.Client, session: str, number: int, *data: str | None, way: str = "run/predict"
) -> httpx.Response:
    body = {"data": list(data), "event_data": None, "fn_index": number, "session_hash": session}
    return client.post(f"{API}/{way}", json=body)


def asked(client: httpx.Client, session: str, question: str = EXAMPLES[0]) -> httpx.Response:
    return call(client, session, ASK, question, None)


def test_a_session_is_of_the_visitor_who_used_it_first(url: str, site: Served) -> None:
    panel = next(number for number, block in site.blocks.blocks.items() if block.elem_id == "cw-sources")
    with visiting(url) as first, visiting(url) as other, httpx.Client(base_url=url) as nobody:
        until(lambda: EXAMPLES[0] in asked(first, "mine").text)  # it may still be loading
        for client in (other, nobody):
            reader = {"data": {"path": "a", "marks": []}, "component_id": panel, "fn_name": "read_article"}
            for response in (
                asked(client, "mine"),
                call(client, "mine", NEW, None),
                call(client, "mine", FOLLOW, None, way="queue/join"),
                client.get(f"{API}/queue/data?session_hash=mine"),
                client.get(f"{API}/heartbeat/mine"),
                client.post(f"{API}/component_server/", json={**reader, "session_hash": "mine"}),
            ):
                assert response.status_code == 403
                assert set(response.json()) == PROBLEM
        assert EXAMPLES[0] in asked(first, "mine").text


def test_the_chat_that_was_read_by_its_session_is_its_visitors_only(url: str) -> None:
    """The first form of the attack: a person who knows the session's name gets the conversation."""
    with visiting(url) as first, visiting(url) as other:
        until(lambda: "nobody else" in asked(first, "known", "A question that nobody else may see").text)
        assert "nobody else" not in call(other, "known", 7, None).text
        assert "nobody else" in call(first, "known", 7, None).text


@pytest.mark.parametrize("query", ["", "session_hash=", "session_hash=a&session_hash=b", "session_hash=%2e%2e", "a=b"])
def test_a_stream_names_one_session(url: str, query: str) -> None:
    with visiting(url) as client:
        assert client.get(f"{API}/queue/data?{query}").status_code == 422
        assert client.get(f"{API}/heartbeat/..%2fa").status_code == 422


def test_other_pages_open_no_stream(url: str) -> None:
    with visiting(url) as client:
        for headers in ({"Origin": "http://localhost:3000"}, {"Sec-Fetch-Site": "cross-site"}):
            assert client.get(f"{API}/heartbeat/foreign", headers=headers).status_code == 403


def kept(blocks: Any) -> list[int]:
    queue = blocks._queue
    return [
        len(one)
        for one in (
            blocks.state_holder.session_data, blocks.state_holder.time_last_used, queue.pending_event_ids_session,
            queue.pending_messages_per_session, blocks.pending_diff_streams, blocks.pending_streams,
        )
    ]  # fmt: skip


def test_a_visitor_with_a_thousand_sessions_has_a_few(url: str, site: Served) -> None:
    with visiting(url) as other, visiting(url) as client:
        asked(other, "others", "What another visitor asked")
        for number in range(50):
            assert call(client, f"many{number}", HEAD).status_code == 200
            if number % 5 == 0:
                call(client, f"many{number}", FOLLOW, None, way="queue/join")
        assert "another visitor" in call(other, "others", 7, None).text
        mine = [name for name in site.blocks.state_holder.session_data if name.startswith("many")]
        assert len(mine) <= MOST.of_visitor


def test_visitors_without_cookies_have_a_few_together(url: str, site: Served) -> None:
    for number in range(MOST.of_address + 20):
        with httpx.Client(base_url=url) as client:
            assert call(client, f"lone{number}", HEAD).status_code == 200
    assert max(kept(site.blocks)) <= MOST.of_address


def test_streams_are_few_and_an_honest_visitor_gets_one(url: str) -> None:
    with ExitStack() as stack:
        statuses = []
        for _ in range(5):
            client = stack.enter_context(visiting(url))
            for number in range(10):
                stream = client.stream("GET", f"{API}/heartbeat/v{id(client) % 10**9}n{number}")
                statuses.append(stack.enter_context(stream).status_code)
        assert statuses.count(200) <= MOST.streams_of_address
        assert set(statuses) == {200, 503}
        assert httpx.get(url).status_code == 200
    with visiting(url) as client:
        until(lambda: opens(client, "after"))


def test_one_session_has_few_streams(url: str) -> None:
    with visiting(url) as client, ExitStack() as stack:
        streams = [client.stream("GET", f"{API}/heartbeat/one") for _ in range(MOST.streams_of_session + 2)]
        told = [stack.enter_context(stream) for stream in streams]
    assert [one.status_code for one in told] == [200] * MOST.streams_of_session + [503] * 2
    assert [one.headers.get("retry-after") for one in told] == [None] * MOST.streams_of_session + ["1"] * 2


def opens(client: httpx.Client, session: str) -> bool:
    with client.stream("GET", f"{API}/heartbeat/{session}") as stream:
        return stream.status_code == 200


def test_many_followers_of_one_answer_cost_as_much_as_few(url: str, site: Served) -> None:
    with visiting(url) as client:
        asked(client, "held", "Please hold")
        for _ in range(20):
            assert call(client, "held", FOLLOW, None, way="queue/join").status_code == 200
        conversation = next(iter(site.blocks.state_holder["held"].state_data.values()))
        until(lambda: conversation.followers == FOLLOWERS)
        call(client, "held", 7, None)
        until(lambda: conversation.followers == 0)


def test_who_does_not_read_what_was_answered_gets_no_more(url: str, site: Served) -> None:
    with visiting(url) as client:
        call(client, "deaf", HEAD)
        statuses = set()
        for _ in range(400):
            statuses.add(call(client, "deaf", FOLLOW, None, way="queue/join").status_code)
        until(lambda: call(client, "deaf", FOLLOW, None, way="queue/join").status_code == 503)
        assert statuses <= {200, 503}


# The registry by itself, for cases that would need hours or many addresses over HTTP.


def registry(**most: Any) -> tuple[Sessions, list[str]]:
    dropped: list[str] = []
    return Sessions(dropped.append, Most(**most)), dropped


def test_the_least_recently_used_makes_room_for_its_own_group_first() -> None:
    sessions, dropped = registry(of_visitor=2, of_address=3, sessions=4)
    for name, visitor, address in (("a", "v", "1"), ("b", "v", "1"), ("c", "w", "1"), ("a", "v", "1")):
        sessions.claim(name, visitor, address)
    sessions.claim("d", "v", "1")
    assert dropped == ["b"]  # the oldest of the visitor; "a" was used again
    sessions.claim("e", "x", "1")
    assert dropped == ["b", "c"]  # the oldest of the address
    sessions.claim("f", "y", "2")
    sessions.claim("g", "z", "3")
    assert dropped == ["b", "c", "a"]  # the oldest of all
    assert len(sessions) == 4


def test_a_session_with_a_stream_stays() -> None:
    sessions, dropped = registry(of_visitor=1)
    sessions.claim("a", "v", "1")
    with sessions.stream("a"), pytest.raises(CrowdedError):
        sessions.claim("b", "v", "1")
    sessions.claim("b", "v", "1")
    assert dropped == ["a"]


def test_a_session_that_is_not_used_is_forgotten() -> None:
    sessions, dropped = registry(idle_s=0.01)
    sessions.claim("a", "v", "1")
    with sessions.stream("a"):
        time.sleep(0.05)
        sessions.claim("b", "w", "1")
        assert dropped == []
    time.sleep(0.05)
    sessions.claim("c", "w", "1")
    assert dropped == ["a", "b"]
    sessions.claim("a", "w", "1")  # its name is free again, and its data is gone
    with pytest.raises(StrangerError):
        sessions.claim("a", "v", "1")


@pytest.mark.parametrize(
    ("most", "sessions"),
    [
        ({"streams_of_session": 1}, [("a", "v", "1"), ("a", "v", "1")]),
        ({"streams_of_visitor": 1}, [("a", "v", "1"), ("b", "v", "2")]),
        ({"streams_of_address": 1}, [("a", "v", "1"), ("b", "w", "1")]),
        ({"streams": 1}, [("a", "v", "1"), ("b", "w", "2")]),
    ],
)
def test_streams_have_limits(most: dict[str, int], sessions: list[tuple[str, str, str]]) -> None:
    known, _ = registry(**most)
    for one in sessions:
        known.claim(*one)
    with known.stream(sessions[0][0]), pytest.raises(CrowdedError), known.stream(sessions[1][0]):
        pytest.fail("opened")
    with known.stream(sessions[1][0]):
        pass
