"""A language model behind an OpenAI-compatible server (vLLM, llama.cpp and others).

Knows the wire format of `/chat/completions` and `/models`. Does not know the server's tokenizer, which may obey control
tokens in a text: a space is inserted into everything that looks like one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from ipaddress import ip_address
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

import httpx
from anyio.from_thread import start_blocking_portal

from citewire.index.errors import ModelError
from citewire.qa.types import Message

_STOP_POLL = 0.05  # seconds between polls of `stopped`
# A slow server may read a long prompt for minutes without sending anything.
_TIMEOUT = httpx.Timeout(connect=5.0, read=300.0, write=30.0, pool=5.0)
# Control tokens of open models: <|im_end|>, <end_of_turn>, </s>, [INST] and the like.
_CONTROL = re.compile(r"<(?=[|｜])|<(?=/?[A-Za-z_]\w*>)|\[(?=/?(?:INST|SYSTEM_PROMPT|(?:AVAILABLE_)?TOOL\w+)\])")
# Bytes per token: English news has 4 to 5 with tokenizers since 2024, so this overestimates the count.
_BYTES_A_TOKEN = 3.5
_TOKENS_A_MESSAGE = 8  # role and control tokens around a content


class OpenAIGenerator:
    """A model on a server with the OpenAI chat API; thread-safe.

    Args:
        url: the base URL, without `/chat/completions`.
        model: its name on the server; "" for the first one that the server lists.
        api_key: sent as bearer token.

    Raises:
        ModelError: `model` is "" and the server does not list one.
    """

    def __init__(self, url: str, model: str = "", *, api_key: str | None = None) -> None:
        self._url = url
        self._options: dict[str, Any] = {
            "timeout": _TIMEOUT,
            "headers": {"Authorization": f"Bearer {api_key}"} if api_key else {},
            "trust_env": not _is_this_machine(url),  # no proxy between a machine and itself
            "follow_redirects": False,
        }
        self._model = model or self._first_model()

    @property
    def name(self) -> str:
        """The name that `Answer.model` reports: the model and the server's address."""
        return f"{self._model} at {urlsplit(self._url).netloc}"

    def generate(
        self, messages: Sequence[Message], *, max_tokens: int, stopped: Callable[[], bool] = lambda: False
    ) -> Generator[str, None, None]:
        """Yield the reply in pieces; see `citewire.qa.types.Generator`. A stop closes the connection.

        Raises:
            ModelError: the server cannot be reached, refuses, breaks off, or sends another format.
        """
        said = [{"role": one.role, "content": _CONTROL.sub(r"\g<0> ", one.content)} for one in messages]
        body = {"model": self._model, "messages": said, "max_tokens": max_tokens, "temperature": 0, "stream": True}
        pieces: SimpleQueue[str | None] = SimpleQueue()

        async def pump() -> None:
            try:
                async for piece in self._stream(body):
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
        return sum(
            _TOKENS_A_MESSAGE + math.ceil(len(message.content.encode()) / _BYTES_A_TOKEN) for message in messages
        )

    def _first_model(self) -> str:
        try:
            with httpx.Client(**self._options) as client:
                response = client.get(f"{self._url}/models")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error
        if response.status_code != httpx.codes.OK:
            raise self._refused(response.status_code, response.text)
        try:
            return str(response.json()["data"][0]["id"])
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise self._malformed(response.text) from error

    async def _stream(self, body: dict[str, Any]) -> AsyncIterator[str]:
        """Yield the pieces of a streamed reply (server-sent events, one JSON object each, then [DONE])."""
        finished = False
        try:
            async with (
                httpx.AsyncClient(**self._options) as client,
                client.stream("POST", f"{self._url}/chat/completions", json=body) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    await response.aread()
                    raise self._refused(response.status_code, response.text)
                async for line in response.aiter_lines():
                    data = line.removeprefix("data:").strip()
                    if not line.startswith("data:") or not data:
                        continue
                    if data == "[DONE]":
                        return
                    piece, last = self._event(data)
                    finished = finished or last
                    if piece:
                        yield piece
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from error
        if not finished:
            raise self._malformed("the stream ended before the reply did")

    def _event(self, data: str) -> tuple[str, bool]:
        """Return an event's piece of text, and whether it is the reply's last."""
        try:
            event = json.loads(data)
            if "error" in event:
                raise self._refused(httpx.codes.OK, data)
            if not event["choices"]:  # usage figures
                return "", False
            choice = event["choices"][0]
            return str(choice["delta"].get("content") or ""), bool(choice.get("finish_reason"))
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            raise self._malformed(data) from error

    def _unreachable(self, error: Exception) -> ModelError:
        what = str(error) or type(error).__name__
        return ModelError(
            f"The model server {self._url} does not answer: {what}",
            "Start it, or check the model's URL.",
        )

    def _refused(self, status: int, text: str) -> ModelError:
        what = f"The model server {self._url} answered {status} for model {self._model!r}: {_message(text)}"
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            return ModelError(what, "Set CITEWIRE_API_KEY to a key of that server.")
        if status == httpx.codes.NOT_FOUND:
            return ModelError(what, "Check the URL's path and name a model the server has: URL#model-name.")
        if httpx.codes.is_redirect(status):
            return ModelError(what, "Name the address it redirects to, if you trust it.")
        return ModelError(what, "See the server's log, or name another model.")

    def _malformed(self, text: str) -> ModelError:
        return ModelError(
            f"The model server {self._url} sent what is no chat completion: {text[:200]!r}",
            "Check that the URL is that of an OpenAI-compatible server, and see its log.",
        )


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
