"""A language model behind OpenAI-compatible servers (vLLM, llama.cpp and others).

Knows the wire format of `/chat/completions` and `/models`, and which of several servers to ask. Does not know their
tokenizer, which may obey control tokens in a text: a space is inserted into everything that looks like one.
"""

from __future__ import annotations

import json
import logging
import math
import random
import re
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
from anyio.from_thread import start_blocking_portal

from citewire.index.errors import ModelError
from citewire.qa.types import Message

logger = logging.getLogger("citewire.qa.generate.http")

_STOP_POLL = 0.05  # seconds between polls of `stopped`, and for a free server
# A slow server may read a long prompt for minutes without sending anything. If there are others, they are asked sooner.
_CONNECT_S, _SILENT_S, _SILENT_OF_SEVERAL_S = 5.0, 300.0, 60.0
_PATIENCE_S = 60.0  # a busy server is waited for, but not if it wants to be asked later than this
_BACKOFF_S = 1.0  # most seconds before the first retry, doubled for each further one; full jitter
_LONGEST_WAIT_S = 300.0  # a server that wants to be left alone for longer is asked again after this
_REST_S = 30.0  # seconds for which a server that failed is passed over
# Control tokens of open models: <|im_end|>, <end_of_turn>, </s>, [INST] and the like.
_CONTROL = re.compile(r"<(?=[|｜])|<(?=/?[A-Za-z_]\w*>)|\[(?=/?(?:INST|SYSTEM_PROMPT|(?:AVAILABLE_)?TOOL\w+)\])")
# Bytes per token: English news has 4 to 5 with tokenizers since 2024, so this overestimates the count.
_BYTES_A_TOKEN = 3.5
_TOKENS_A_MESSAGE = 8  # role and control tokens around a content


class _PassingError(ModelError):
    """A failure that another server or a later try may not have."""

    after_s: float | None = None  # how long a busy server asks to be left alone; None if it failed


@dataclass(slots=True)
class _Server:
    """A base URL and how its server does; times are of the monotonic clock."""

    url: str
    running: int = 0  # requests in flight
    again: float = 0.0  # no request before this time
    rests: float = 0.0  # passed over before this time, unless all servers are
    error: ModelError | None = None  # the reason for `again`


class OpenAIGenerator:
    """A model on servers with the OpenAI chat API; thread-safe.

    A request goes to the server with the fewest requests in flight, the first one of equals. If that fails, another one
    goes on with the reply.

    Args:
        urls: the base URLs, without `/chat/completions`.
        model: its name on all servers; "" for the first one that the first server lists.
        api_key: sent to each as bearer token.
        at_once: most requests in flight to one server; further ones wait.

    Raises:
        ModelError: `model` is "" and that server does not list one.
    """

    def __init__(self, urls: Sequence[str], model: str = "", *, api_key: str | None = None, at_once: int = 8) -> None:
        self._servers = [_Server(url) for url in urls]
        self._at_once, self._lock = at_once, threading.Lock()
        self._silent_s = _SILENT_S if len(urls) == 1 else _SILENT_OF_SEVERAL_S
        self._options: dict[str, Any] = {
            "timeout": httpx.Timeout(connect=_CONNECT_S, read=self._silent_s, write=30.0, pool=5.0),
            "headers": {"Authorization": f"Bearer {api_key}"} if api_key else {},
            "follow_redirects": False,
        }
        self._model = model or self._first_model()

    @property
    def name(self) -> str:
        """The name that `Answer.model` reports: the model and the servers' addresses."""
        return f"{self._model} at {', '.join(urlsplit(one.url).netloc for one in self._servers)}"

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stopped: Callable[[], bool] = lambda: False
    ) -> Generator[str, None, None]:
        """Yield the reply in pieces; see `citewire.qa.types.Generator`. A stop closes the connection.

        Raises:
            ModelError: no server can be reached, or one refuses, or all break off, are busy or send another format.
        """
        said = [{"role": one.role, "content": _CONTROL.sub(r"\g<0> ", one.content)} for one in messages]
        body = {"model": self._model, "messages": said, "max_tokens": max_tokens, "temperature": 0, "stream": True}
        pieces: SimpleQueue[str | None] = SimpleQueue()

        async def pump() -> None:
            try:
                async for piece in self._reply(body):
                    pieces.put(piece)
            finally:
                pieces.put(None)

        # The request runs in another thread, so that a stop works while the server sends nothing.
        with start_blocking_portal() as portal:
            pumping = portal.start_task_soon(pump)
            left = max_tokens  # a piece has at least one token, so a server that sends more pieces ignores the limit
            try:
                while left and not stopped():
                    try:
                        piece = pieces.get(timeout=_STOP_POLL)
                    except Empty:
                        continue
                    if piece is None:
                        pumping.result()
                        return
                    left -= 1
                    yield piece
            finally:
                pumping.cancel()

    def count_tokens(self, messages: Sequence[Message]) -> int:
        """Return an estimate of the prompt's tokens, rather too high; the API cannot count them."""
        return sum(_TOKENS_A_MESSAGE + math.ceil(len(one.content.encode()) / _BYTES_A_TOKEN) for one in messages)

    def _first_model(self) -> str:
        url = self._servers[0].url
        try:
            with httpx.Client(**self._options, trust_env=not _is_this_machine(url)) as client:
                response = client.get(f"{url}/models")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(url, error) from error
        if response.status_code != httpx.codes.OK:
            raise self._refused(url, response)
        try:
            return str(response.json()["data"][0]["id"])
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise _malformed(url, response.text) from error

    async def _reply(self, body: dict[str, Any]) -> AsyncIterator[str]:
        """Yield a reply's pieces. If a server breaks off, another one repeats the reply; what was said is skipped."""
        said, tries, failures, until = "", 0, 0, time.monotonic() + _PATIENCE_S
        while True:
            server, repeated = await self._free(until), said
            try:
                async with aclosing(self._stream(server.url, body)) as pieces:
                    async for piece in pieces:
                        server.rests = 0.0
                        if piece[: len(repeated)] != repeated[: len(piece)]:
                            break
                        new, repeated = piece[len(repeated) :], repeated[len(piece) :]
                        said += new
                        if new:
                            yield new
                if repeated:
                    raise ModelError(f"{server.url} words a reply otherwise than what broke off", "Ask again.")
                return
            except _PassingError as error:
                now, failed = time.monotonic(), error.after_s is None
                wait = (error.after_s or 0) + random.uniform(0, _BACKOFF_S * 2**tries)  # noqa: S311
                tries, failures = tries + 1, failures + failed
                server.again, server.error = max(server.again, now + wait), error
                server.rests = now + _REST_S if failed else server.rests
                logger.warning("model server passed over", extra={"problem": error.problem})
                if failures > len(self._servers) + 1:  # two tries more than one of each server
                    raise
            finally:
                with self._lock:
                    server.running -= 1

    async def _free(self, until: float) -> _Server:
        """Wait for a server that may get a request, and count it; raise the reason if there is none before `until`."""
        while True:
            now = time.monotonic()
            with self._lock:
                server = min(self._servers, key=lambda one: (one.rests > now, max(one.again, now), one.running))
                if server.again <= now and server.running < self._at_once:
                    server.running += 1
                    return server
            if server.error and server.again > until:
                raise server.error
            await anyio.sleep(_STOP_POLL)

    async def _stream(self, url: str, body: dict[str, Any]) -> AsyncGenerator[str, None]:
        """Yield the pieces of a streamed reply (server-sent events, one JSON object each, then [DONE])."""
        finished = False
        try:
            async with (
                httpx.AsyncClient(**self._options, trust_env=not _is_this_machine(url)) as client,
                client.stream("POST", f"{url}/chat/completions", json=body) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    await response.aread()
                    raise self._refused(url, response)
                async for line in response.aiter_lines():
                    data = line.removeprefix("data:").strip()
                    if not line.startswith("data:") or not data:
                        continue
                    if data == "[DONE]":
                        return
                    piece, last = self._event(url, data)
                    finished = finished or last
                    if piece:
                        yield piece
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(url, error) from error
        if not finished:
            raise _malformed(url, "the stream ended before the reply did")

    def _event(self, url: str, data: str) -> tuple[str, bool]:
        """Return an event's piece of text, and whether it is the reply's last."""
        try:
            event = json.loads(data)
            if "error" in event:
                raise self._refused(url, httpx.Response(httpx.codes.OK, text=data))
            if not event["choices"]:  # usage figures
                return "", False
            choice = event["choices"][0]
            return str(choice["delta"].get("content") or ""), bool(choice.get("finish_reason"))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise _malformed(url, data) from error

    def _unreachable(self, url: str, error: Exception) -> ModelError:
        what = str(error) or type(error).__name__
        if isinstance(error, httpx.ConnectTimeout | httpx.ReadTimeout):
            early = isinstance(error, httpx.ConnectTimeout)
            what = f"no connection in {_CONNECT_S:g} s" if early else f"silent for {self._silent_s:g} s"
        fix = "Start it, check the model's URL, or see its log."
        return _PassingError(f"The model server {url} does not answer: {what}", fix)

    def _refused(self, url: str, response: httpx.Response) -> ModelError:
        status = response.status_code
        what = f"The model server {url} answered {status} for model {self._model!r}: {_message(response.text)}"
        if status in (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE):
            busy = _PassingError(what, "Ask later, or name a second server too: URL,URL#model-name.")
            busy.after_s = _seconds(response.headers.get("Retry-After", ""))
            return busy
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return ModelError(what, "Set CITEWIRE_API_KEY to a key of that server.")
        if status == httpx.codes.NOT_FOUND:
            return ModelError(what, "Check the URL's path and name a model the server has: URL#model-name.")
        if httpx.codes.is_redirect(status):
            return ModelError(what, "Name the address it redirects to, if you trust it.")
        kind = ModelError if httpx.codes.is_client_error(status) else _PassingError
        return kind(what, "See the server's log, or name another model.")


def _malformed(url: str, text: str) -> ModelError:
    what = f"The model server {url} sent what is no chat completion: {text[:200]!r}"
    return _PassingError(what, "Check that the URL is that of an OpenAI-compatible server, and see its log.")


def _seconds(after: str) -> float:
    """Return the seconds of a Retry-After header, at most `_LONGEST_WAIT_S`; 0 for what is neither number nor date."""
    seconds = 0.0
    with suppress(ValueError, OverflowError):
        seconds = float(after) if after.isdecimal() else parsedate_to_datetime(after).timestamp() - time.time()
    return min(max(seconds, 0.0), _LONGEST_WAIT_S)


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _message(text: str) -> str:
    """Return the message of a server's error, which is usually JSON, as one line of at most 200 characters."""
    try:
        error = json.loads(text)["error"]
        text = error["message"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        pass
    return " ".join(str(text).split())[:200]
