"""A real HTTP server with the OpenAI chat API, for tests; its model is real or scripted.

uvicorn runs it on a free port of 127.0.0.1; `Served.requests` and `Served.hung_up` record what it received.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
from conftest import listening
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from citewire.qa.types import Generator, Message

Reply = Callable[["Served", dict[str, Any]], Response]  # (server, request's body) -> response


@dataclass
class Served:
    """A running server.

    Attributes:
        url: the value for `--model`.
        requests: the bodies of the chat requests, in order.
        keys: the Authorization headers of all requests, "" for none.
        hung_up: set when a client disconnected before the end of its reply.
    """

    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(reply: Reply, models: Sequence[str] = ("served-model",), port: int = 0) -> Iterator[Served]:
    """Serve until the block ends; `reply` answers every chat request."""
    served = Served()

    async def chat(request: Request) -> Response:
        served.keys.append(request.headers.get("authorization", ""))
        served.requests.append(await request.json())
        return reply(served, served.requests[-1])

    async def list_models(request: Request) -> Response:
        served.keys.append(request.headers.get("authorization", ""))
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model"} for name in models]})

    routes = [Route("/v1/chat/completions", chat, methods=["POST"]), Route("/v1/models", list_models)]
    with listening(Starlette(routes=routes), port) as url:
        served.url = f"{url}/v1"
        yield served


def event(piece: str, *, last: bool = False) -> str:
    """Return a server-sent event of a streamed reply."""
    choice = {"index": 0, "delta": {"content": piece}, "finish_reason": "stop" if last else None}
    return f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n"


@contextmanager
def process(events: Sequence[str], pause: float, port: int) -> Iterator[int]:
    """Serve a streamed reply in a child process; yield its id, and kill it at the end.

    It is spawned: a fork of a process with threads can hang.
    """
    context = get_context("spawn")
    ready = context.Event()
    child = context.Process(target=_serve, args=(events, pause, port, ready))
    child.start()
    try:
        assert ready.wait(60)
        assert child.pid
        yield child.pid
    finally:
        child.kill()
        child.join()


def _serve(events: Sequence[str], pause: float, port: int, ready: Event) -> None:
    with serving(streamed(*events, pause=pause), port=port):
        ready.set()
        threading.Event().wait()


LLAMA_CPP = """
import sys
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path, params.n_ctx, params.n_parallel = sys.argv[1], 2048, 1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.cache_prompt = params.warmup = False
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@contextmanager
def llama_cpp(weights: Path) -> Iterator[tuple[str, int]]:
    """Run llama.cpp's own server with a GGUF file; yield the value for `--model` and the process's id.

    It answers one request at a time, each without what it remembers of earlier ones.
    """
    if find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed")
    child = subprocess.Popen(
        [sys.executable, "-c", LLAMA_CPP, str(weights)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert child.stdout
        address = child.stdout.readline().strip()
        assert address, "llama.cpp did not start"
        yield f"{address}/v1", child.pid
    finally:
        child.kill()
        child.communicate()


def streamed(*events: str, then: str = "end", pause: float = 0) -> Reply:
    """Send the events, then "end" the response, "cut" the connection, or "hang" until the client disconnects.

    `pause` is in seconds, after each event.
    """

    def reply(served: Served, body: dict[str, Any]) -> Response:
        async def send() -> AsyncIterator[str]:
            try:
                for text in events:
                    yield text
                    await asyncio.sleep(pause)
                if then == "cut":
                    raise ConnectionResetError
                while then == "hang":
                    await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                served.hung_up.set()
                raise

        return StreamingResponse(send(), media_type="text/event-stream")

    return reply


@contextmanager
def saying(text: str) -> Iterator[str]:
    """Serve a model that always replies with `text`; yield its URL."""
    with serving(streamed(event(text, last=True), "data: [DONE]\n\n")) as served:
        yield served.url


def answering(generator: Generator) -> Reply:
    """Stream the replies of a real model."""

    def reply(served: Served, body: dict[str, Any]) -> Response:
        messages = [Message(message["role"], message["content"]) for message in body["messages"]]

        def send() -> Iterator[str]:
            for piece in generator.generate(messages, max_tokens=body["max_tokens"]):
                yield event(piece)
            yield event("", last=True)
            yield "data: [DONE]\n\n"

        return StreamingResponse(send(), media_type="text/event-stream")

    return reply
