"""Slow, half-sent and too many requests, over plain sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from conftest import together, until
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from scripted import scripted_load
from served import served

from citewire.ui.connections import AGAIN_S, Limits
from citewire.ui.middleware import MOST_BYTES
from citewire.ui.visitor import problem_details

pytestmark = pytest.mark.slow  # processes, servers or real networks

LIMITS = Limits(connections=80, of_address=60, head_s=2, body_s=2, slowest=1_000, rest_s=1, unread_s=2, look_s=0.1)
HALF_HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "
HALF_BODY = b"POST /corpus/removal HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{"
PROXY = "127.0.0.9"  # the trusted proxy
LARGE = 64 * 1024 * 1024


def streaming() -> APIRouter:
    """Routes like those of uploads: one streams its body in, one sends a large response, one never ends."""
    routes = APIRouter()

    @routes.post("/uploads")
    async def take(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    @routes.get("/much")
    def much() -> str:
        return "a" * LARGE

    @routes.get("/held")
    async def held() -> StreamingResponse:
        async def said() -> AsyncIterator[str]:
            yield "It began."
            await asyncio.sleep(60)

        return StreamingResponse(said())

    return routes


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    file = tmp_path_factory.mktemp("page") / "kept.db"
    with served(scripted_load(), file, routers=[streaming()], limits=LIMITS, trusted_proxies=PROXY) as address:
        yield address


def opened(url: str, sent: bytes = b"", source: str = "127.0.0.1") -> socket.socket:
    where = httpx.URL(url)
    connection = socket.create_connection((where.host, where.port or 80), timeout=30, source_address=(source, 0))
    connection.sendall(sent)
    return connection


@contextmanager
def many(url: str, number: int, sent: bytes, source: str = "127.0.0.1") -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(opened(url, sent, source)) for _ in range(number)]


def rest(connection: socket.socket) -> bytes:
    """Read until the server closes the connection."""
    got = b""
    try:
        while chunk := connection.recv(65536):
            got += chunk
    except ConnectionError:
        pass
    return got


def problem_of(connection: socket.socket) -> bytes:
    """Read a response that is a problem."""
    got = b""
    while not got.endswith(b"}") and (chunk := connection.recv(65536)):
        got += chunk
    return got


def drip(connection: socket.socket, piece: bytes = b"a", pause_s: float = 0.1) -> None:
    """Send small pieces for a minute. Raises: ConnectionError, once the server has closed the connection."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        connection.sendall(piece)
        time.sleep(pause_s)


@pytest.mark.parametrize("sent", [b"", HALF_HEAD, HALF_BODY], ids=["nothing", "half a head", "half a body"])
def test_a_hundred_half_sent_requests_hold_nobody_up_and_are_ended(url: str, sent: bytes) -> None:
    with many(url, 100, sent) as connections:
        for _ in range(5):
            assert httpx.get(f"{url}/gradio_api/app_id", timeout=20).status_code == 200
        for connection in connections:
            said = rest(connection)  # returns, because the server closes it
            assert said.startswith((b"HTTP/1.1 408", b"HTTP/1.1 503")) or not said
    assert httpx.get(url).status_code == 200


def a_head_that_comes_in_drops_is_ended(url: str) -> None:
    with opened(url, HALF_HEAD) as connection, pytest.raises(ConnectionError):
        drip(connection)


def a_body_that_comes_in_drops_is_ended(url: str, path: str = "/corpus/removal") -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n"
    with opened(url, head.encode()) as connection, pytest.raises(ConnectionError):
        drip(connection)


def a_second_request_on_a_connection_has_the_same_limits(url: str) -> None:
    whole = b"GET /gradio_api/app_id HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with opened(url, whole + HALF_HEAD) as connection:
        said = rest(connection)
    assert said.startswith(b"HTTP/1.1 200")
    told = problem_details(408, "The request did not arrive in time", "Send it again.")
    assert json.loads(said.rpartition(b"\r\n\r\n")[2]) == told


def a_slow_but_steady_body_arrives(url: str) -> None:
    """It takes longer than the limit for a body without progress, but is fast enough."""
    chunk, number = b"a" * 4_000, 12
    head = f"POST /uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(chunk) * number}\r\n\r\n"
    with opened(url, head.encode()) as connection:
        for _ in range(number):
            connection.sendall(chunk)
            time.sleep(LIMITS.body_s * 1.5 / number)
        assert b"\r\n\r\n48000" in connection.recv(65536)


def a_connection_that_is_used_stays_open(url: str) -> None:
    with httpx.Client(base_url=url) as client:
        client.get("/gradio_api/app_id")
        end = time.monotonic() + LIMITS.head_s * 1.5
        while time.monotonic() < end:
            assert client.get("/gradio_api/app_id").status_code == 200
            time.sleep(0.2)


def who_reads_nothing_is_ended(url: str) -> None:
    with many(url, 3, b"GET /much HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as connections:
        time.sleep(LIMITS.unread_s * 2)
        for connection in connections:
            assert len(rest(connection)) < LARGE


def who_sends_on_after_the_answer_is_ended(url: str) -> None:
    with opened(url, b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000000\r\n\r\n") as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 413")
        with pytest.raises(ConnectionError):
            drip(connection)


def test_each_connection_has_its_limits_of_time(url: str) -> None:
    """All at once, as each takes seconds."""
    checks: list[Callable[[str], None]] = [
        a_head_that_comes_in_drops_is_ended,
        a_body_that_comes_in_drops_is_ended,
        partial(a_body_that_comes_in_drops_is_ended, path="/uploads"),
        a_second_request_on_a_connection_has_the_same_limits,
        a_slow_but_steady_body_arrives,
        a_connection_that_is_used_stays_open,
        who_reads_nothing_is_ended,
        who_sends_on_after_the_answer_is_ended,
    ]
    together(lambda check: check(url), checks)


def test_connections_that_all_wait_for_answers_are_not_more_than_may_be(url: str) -> None:
    """Working connections are not closed for new ones; the new ones are refused."""
    with ExitStack() as stack:
        alive = []
        for number in range(LIMITS.of_address + 20):
            connection = stack.enter_context(opened(url))
            head = f"GET /gradio_api/heartbeat/s{number} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            try:
                connection.sendall(head.encode())
                alive.append(connection.recv(65536))
            except ConnectionError:
                continue
        streams = [one for one in alive if one.startswith(b"HTTP/1.1 200")]
        assert 4 <= len(streams) <= LIMITS.of_address
        assert httpx.get(f"{url}/gradio_api/app_id").status_code == 200  # streams have a lower limit


@pytest.mark.parametrize(
    ("crowd", "refused", "others"),
    [
        (("127.0.0.2", "a"), [("127.0.0.2", "a"), ("127.0.0.2", "b")], ("127.0.0.3", "a")),
        ((PROXY, "203.0.113.1"), [(PROXY, "::ffff:203.0.113.1")], (PROXY, "::ffff:203.0.113.2")),
        ((PROXY, "2001:db8::1"), [(PROXY, "2001:db8::2")], (PROXY, "2001:db8:0:1::1")),
        ((PROXY, "unix:"), [(PROXY, "unknown")], (PROXY, "203.0.113.3, 127.0.0.9")),
    ],
    ids=["without a proxy", "behind it", "one network", "no address"],
)
def test_an_address_with_as_many_as_it_may_is_told_when_to_come_again(
    url: str, crowd: tuple[str, str], refused: list[tuple[str, str]], others: tuple[str, str]
) -> None:
    """The address is the other end of the connection, or the one named by the trusted proxy; nobody else can set it."""

    def asks(source: str, named: str) -> httpx.Response:
        transport = httpx.HTTPTransport(local_address=source)
        with httpx.Client(transport=transport, headers={"X-Forwarded-For": named}) as client:
            return client.get(f"{url}/gradio_api/app_id")

    held = f"GET /held HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: {crowd[1]}\r\n\r\n".encode()
    with many(url, LIMITS.of_address, held, crowd[0]) as connections:
        assert all(one.recv(65536).startswith(b"HTTP/1.1 200") for one in connections)
        for one in refused:
            told = asks(*one)
            assert (told.status_code, told.headers["retry-after"]) == (503, str(AGAIN_S))
            assert told.json()["fix"] == "Try again in a moment."
        assert asks(*others).status_code == 200
    until(lambda: asks(*crowd).status_code == 200)


@pytest.mark.parametrize(
    "path",
    [
        "/corpus/removal", "/gradio_api/run/predict", "/gradio_api/queue/join", "/gradio_api/component_server/",
        "/gradio_api/upload", "/v1/ask", "/feedback", "/conversations", "/v1/articles/x", "/", "/nothing",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "GET"])
def test_no_route_takes_a_large_body(url: str, method: str, path: str) -> None:
    said = problem_details(413, f"The request is larger than {MOST_BYTES:,} bytes", "Send less at once.")
    declared = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 200000000\r\n\r\n"
    with opened(url, declared.encode()) as connection:
        answer = problem_of(connection)
    assert answer.startswith(b"HTTP/1.1 413"), answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == said
    chunked = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with opened(url, chunked.encode()) as connection:
        piece = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
        for _ in range(MOST_BYTES // 0x10000 + 1):
            connection.sendall(piece)
        answer = problem_of(connection)
    assert answer.startswith(b"HTTP/1.1 413"), answer


def test_a_head_without_end_is_refused(url: str) -> None:
    with opened(url, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n") as connection, pytest.raises(ConnectionError):
        drip(connection, b"X-A: %s\r\n" % (b"a" * 1000), 0.001)


def test_the_body_limit_holds_for_what_is_declared_wrongly(url: str) -> None:
    both = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    for head in (both, both.replace(b"5\r\nT", b"-5\r\nT"), both.replace(b"5\r\nT", b"5, 6\r\nT")):
        with opened(url, head + b"0\r\n\r\n") as connection:
            assert connection.recv(65536).startswith((b"HTTP/1.1 4", b"HTTP/1.1 405"))


def test_who_goes_away_leaves_nothing(url: str, tmp_path: Path) -> None:
    for sent in (b"", HALF_HEAD, HALF_BODY):
        with many(url, 50, sent):
            pass
    assert httpx.get(url).status_code == 200
