"""Several model servers, and servers that fail, have too much to do or are slow: real ones, on this machine."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import free_port
from conftest import together, until
from openai_server import Reply, Served, event, llama_cpp, process, serving, streamed
from starlette.responses import JSONResponse, Response, StreamingResponse

from citewire.index.errors import ModelError
from citewire.qa.generate import http
from citewire.qa.generate.http import OpenAIGenerator
from citewire.qa.generate.load import load_generator
from citewire.qa.types import Message

pytestmark = pytest.mark.slow

ASKED = (Message("user", "When does the ferry to Tarn sail?"),)
TEXT = "The ferry to Tarn sails at nine. It takes two hours. Tickets cost four crowns on weekdays. Dogs travel free."
WORDS = [f"{word} " for word in TEXT.split()]
EVENTS = (*map(event, WORDS), event("", last=True))
answering = streamed(*EVENTS)


def ask(generator: OpenAIGenerator, stopped: Callable[[], bool] = lambda: False) -> str:
    return "".join(generator.generate(ASKED, max_tokens=99, stopped=stopped)).strip()


def refusing(status: int, **headers: str) -> Reply:
    return lambda served, body: JSONResponse(
        {"error": "no"}, status, {k.replace("_", "-"): v for k, v in headers.items()}
    )


def in_turn(*replies: Reply) -> Reply:
    """The replies one after the other; the last one for good."""
    every = chain(replies, repeat(replies[-1]))

    def reply(served: Served, body: dict[str, Any]) -> Response:
        return next(every)(served, body)

    return reply


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_BACKOFF_S", 0.05)
    monkeypatch.setattr(http, "_REST_S", 0.3)


def test_answers_go_on_when_a_server_is_killed_and_it_is_used_again_when_it_is_back() -> None:
    slowly, port = streamed(*EVENTS, pause=0.02), free_port()
    with serving(slowly) as other:
        generator = OpenAIGenerator([f"http://127.0.0.1:{port}/v1", other.url], "m")
        with process(EVENTS, 0.02, port) as killed:
            streams = [generator.generate(ASKED, max_tokens=99) for _ in range(4)]
            begun = [next(stream) for stream in streams]
            assert len(other.requests) == 2  # of four
            os.kill(killed, signal.SIGKILL)
            said = [(first + "".join(rest)).strip() for first, rest in zip(begun, streams, strict=True)]
        assert said == [TEXT] * 4
        assert len(other.requests) == 4
        assert ask(generator) == TEXT
        assert len(other.requests) == 5
        with process(EVENTS, 0.02, port):
            time.sleep(http._REST_S)
            assert together(ask, [generator] * 2) == [TEXT] * 2
            assert len(other.requests) == 6  # of two more


@pytest.mark.model
def test_a_real_server_streams_stops_and_is_replaced_within_a_reply_when_it_is_killed(cache: Path) -> None:
    [weights] = (cache / "models" / "smollm2-135m").glob("*.gguf")
    with llama_cpp(weights) as (url, killed), llama_cpp(weights) as (other, _):

        def answers(at: str) -> bool:
            slots: list[dict[str, bool]] = httpx.get(f"{at.removesuffix('/v1')}/slots").json()
            return any(one["is_processing"] for one in slots)

        system = Message("system", "You are a helpful assistant. Answer with one short sentence.")
        capital = (system, Message("user", "What is the capital of France?"))
        pieces = list(load_generator(other).generate(capital, max_tokens=24))
        assert "Paris" in "".join(pieces)
        assert len(pieces) > 3

        long = Message("user", "Write a long story about a ferry, with many details.")
        begun: list[str] = []
        for piece in load_generator(other).generate([long], max_tokens=1500, stopped=lambda: len(begun) > 2):
            begun.append(piece)
            assert answers(other)
        until(lambda: not answers(other), 3)

        told = load_generator(f"{url},{other}").generate(capital, max_tokens=24)
        first = next(told)
        os.kill(killed, signal.SIGKILL)
        assert [first, *told] == pieces


@pytest.mark.parametrize("broken", [refusing(500), streamed("data: {\n\n")])
def test_a_server_that_fails_before_its_first_word_is_passed_over_for_a_while(broken: Reply) -> None:
    with serving(in_turn(broken, answering)) as first, serving(answering) as second:
        generator = OpenAIGenerator([first.url, second.url], "m")
        assert [ask(generator) for _ in range(3)] == [TEXT] * 3
        assert (len(first.requests), len(second.requests)) == (1, 3)
        time.sleep(http._REST_S)
        assert ask(generator) == TEXT
        assert (len(first.requests), len(second.requests)) == (2, 3)


@pytest.mark.parametrize("words", [["The ", "train "], ["The "]])
def test_a_reply_that_goes_on_otherwise_is_not_joined(words: list[str]) -> None:
    other = streamed(*map(event, words), event("", last=True))
    with serving(streamed(*EVENTS[:3], then="cut")) as first, serving(other) as second:
        pieces = OpenAIGenerator([first.url, second.url], "m").generate(ASKED, max_tokens=99)
        assert [next(pieces) for _ in range(3)] == WORDS[:3]
        with pytest.raises(ModelError, match=rf"{second.url} words a reply otherwise"):
            next(pieces)
        assert len(second.requests) == 1


def test_a_busy_server_is_waited_for_as_long_as_it_asks() -> None:
    def wait(after: str) -> tuple[str, float, int]:
        with serving(in_turn(refusing(429, Retry_After=after), answering)) as served:
            began = time.monotonic()
            return ask(OpenAIGenerator([served.url], "m")), time.monotonic() - began, len(served.requests)

    for said, seconds, requests in together(wait, ["1", formatdate(time.time() + 2, usegmt=True)]):
        assert (said, requests) == (TEXT, 2)
        assert seconds > 0.5  # the date has whole seconds


def test_a_busy_server_leaves_the_next_one_to_answer_and_is_not_hammered() -> None:
    with serving(refusing(503, Retry_After="30")) as busy, serving(answering) as other:
        assert together(ask, [OpenAIGenerator([busy.url, other.url], "m", at_once=2)] * 6) == [TEXT] * 6
        assert len(busy.requests) <= 2


def test_who_would_have_to_wait_too_long_is_told() -> None:
    with serving(refusing(429, Retry_After="600")) as served:
        generator = OpenAIGenerator([served.url], "m")
        for _ in range(2):
            with pytest.raises(ModelError, match=rf"{served.url} answered 429 .*name a second server"):
                ask(generator)
        assert len(served.requests) == 1


def test_a_server_that_wants_to_be_left_alone_for_days_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_LONGEST_WAIT_S", 0.1)
    with serving(in_turn(refusing(503, Retry_After="999999999"), answering)) as served:
        assert ask(OpenAIGenerator([served.url], "m")) == TEXT


def test_each_try_comes_after_a_random_wait_that_may_be_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[float, float]] = []
    came: list[float] = []

    def longest(least: float, most: float) -> float:
        drawn.append((least, most))
        return most

    def fail(served: Served, body: dict[str, Any]) -> Response:
        came.append(time.monotonic())
        return JSONResponse({"error": "no"}, 500)

    monkeypatch.setattr("random.uniform", longest)
    with serving(fail) as served, pytest.raises(ModelError, match="answered 500"):
        ask(OpenAIGenerator([served.url], "m"))
    assert drawn == [(0, 0.05), (0, 0.1), (0, 0.2)]
    assert [later - one > most for one, later, (_, most) in zip(came, came[1:], drawn, strict=False)] == [True, True]


def test_no_more_requests_than_set_are_in_flight() -> None:
    in_flight: list[int] = []
    running: set[str] = set()

    def reply(served: Served, body: dict[str, Any]) -> Response:
        async def send() -> AsyncIterator[str]:
            running.add(body["messages"][0]["content"])
            in_flight.append(len(running))
            await asyncio.sleep(0.1)
            running.remove(body["messages"][0]["content"])
            yield event("Nine.", last=True)

        return StreamingResponse(send())

    with serving(reply) as served:
        generator = OpenAIGenerator([served.url], "m", at_once=2)

        def ask_for(place: str) -> list[str]:
            return list(generator.generate([Message("user", place)], max_tokens=9))

        assert together(ask_for, ["Tarn", "Vann", "Holm", "Aske", "Ro"]) == [["Nine."]] * 5
    assert max(in_flight) == 2


def test_a_stop_ends_the_wait_for_a_busy_server() -> None:
    before = set(threading.enumerate())
    with serving(refusing(503, Retry_After="30")) as served:
        began = time.monotonic()
        assert ask(OpenAIGenerator([served.url], "m"), lambda: bool(served.requests)) == ""
        assert time.monotonic() - began < 10
    assert set(threading.enumerate()) == before


def test_a_silent_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_SILENT_S", 0.1)
    monkeypatch.setattr(http, "_SILENT_OF_SEVERAL_S", 0.2)
    with serving(streamed(then="hang")) as silent, serving(answering) as other:
        with pytest.raises(ModelError, match=rf"{silent.url} does not answer: silent for 0.1 s.*see its log"):
            ask(OpenAIGenerator([silent.url], "m"))
        assert ask(OpenAIGenerator([silent.url, other.url], "m")) == TEXT
    assert silent.hung_up.wait(5)


def test_no_connection_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_CONNECT_S", 0.1)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        url = "http://{}:{}/v1".format(*full.getsockname())
        with pytest.raises(ModelError, match=rf"{url} does not answer: no connection in 0.1 s.*check the model's URL"):
            ask(OpenAIGenerator([url], "m"))
