"""Questions in the form of OpenAI's chat completions, for programs that use that API.

    POST /v1/chat/completions   {"messages": [{"role", "content"}, ...], "model": "", "stream": false}
                                -> a chat.completion; with "stream" its chunks as server-sent events
    GET  /v1/models             the available models

The last message of the user is the question, the messages before it are the conversation; system messages are ignored.
`content` is the answer with its citation numbers. Many programs display it as Markdown, so a backslash is inserted
before everything that would be a link, a picture or HTML. `annotations` has a "url_citation" for each number of each
sentence, with the exact quote under "citewire". `refusal` is set if the articles do not answer. The whole answer object
is under "citewire", in a stream in the last chunk. Errors are {"error": {"message", "type", "code"}} with the status of
/v1/ask.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from contextlib import aclosing
from itertools import pairwise
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import uuid4

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from citewire.index.errors import CitewireError, InputError
from citewire.qa.types import Answer, Checked, Event, Searched
from citewire.ui.answer_json import answer_json
from citewire.ui.ask_routes import (
    MOST_TURNS,
    Ask,
    AskRoute,
    Served,
    Waiting,
    entered,
    labels,
    unless_gone,
    whole,
)
from citewire.ui.chat import ArticleIndex, Chat, Loaded
from citewire.ui.visitor import same_origin

EVENTS = "text/event-stream"
# A citation number of citewire, or the beginning of a link, a picture, HTML or a bare address in Markdown.
_MARK_OR_MARKUP = re.compile(
    r"(\[\d{1,3}\])(?=[\s\[]|$)|\\|<(?=[A-Za-z/!?])|\](?=[(\[:])|(?<=www)\.|:(?=//)", re.IGNORECASE
)
_TYPES = {400: "invalid_request_error", 403: "permission_error", 422: "invalid_request_error", 429: "rate_limit_error"}


class Part(BaseModel):
    """A part of a message; only text is read."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["text"]
    text: Annotated[str, Field(max_length=100_000)]


class Message(BaseModel):
    """A message of the conversation."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[str, Field(max_length=100_000)] | list[Part]

    @property
    def text(self) -> str:
        """The text of the message."""
        return self.content if isinstance(self.content, str) else "\n".join(part.text for part in self.content)


class Completion(BaseModel):
    """The body of POST /v1/chat/completions. What sets how a model samples has no meaning here and is not read."""

    model_config = ConfigDict(extra="ignore")

    messages: Annotated[list[Message], Field(min_length=1, max_length=2 * MOST_TURNS + 2)]
    model: Annotated[str, Field(max_length=200)] = ""
    stream: bool = False

    def asked(self, models: Mapping[str, str]) -> Ask:
        """Return the question with the conversation before it.

        Args:
            models: display name -> model name, if there is a choice.

        Raises:
            InputError: the last message is not the user's.
        """
        said = [one for one in self.messages if one.role in ("user", "assistant")]
        if not said or said[-1].role != "user":
            raise InputError("The last message is not the user's", "End the messages with the question.")
        history: list[list[str]] = []
        for before, after in pairwise(said):
            if (before.role, after.role) == ("user", "assistant"):
                history.append([before.text, after.text])
        called = next((name for name, model in models.items() if self.model in (name, model)), "")
        return Ask(question=said[-1].text, history=history, model=called)


class _CompletionRoute(AskRoute):
    """A route whose errors have OpenAI's form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            response = await handle(request)
            if response.status_code < 400 or not isinstance(response, JSONResponse):
                return response
            told = json.loads(bytes(response.body))
            status = response.status_code
            error = {
                "message": f"{told['problem']}. {told['fix']}",
                "type": _TYPES.get(status, "api_error"),
                "code": status,
            }
            again = {name: value for name, value in response.headers.items() if name == "retry-after"}
            return JSONResponse({"error": error}, status_code=status, headers=again)

        return answer


def router(chat: Chat, served: Served) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=_CompletionRoute, dependencies=[Depends(same_origin)])

    @routes.get("/v1/models")
    def models() -> JSONResponse:
        """List the models that can be named, in OpenAI's form."""
        loaded = chat.background.loaded
        names = list(chat.choice.models.values()) if chat.choice else [loaded.model if loaded else served.model]
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "citewire"} for name in names]
        return JSONResponse({"object": "list", "data": data})

    @routes.post("/v1/chat/completions", responses={200: {"content": {EVENTS: {}}}})
    async def complete(request: Request, wanted: Completion) -> Response:
        """Answer the last message of the user, in the form of OpenAI's chat completions."""
        asked = wanted.asked(chat.choice.models if chat.choice else {})
        loaded, said = await entered(chat, served, asked, request)
        reply = _Reply(loaded, f"{str(request.base_url).rstrip('/')}{served.root_path}")
        try:
            if not wanted.stream:
                return Response(
                    await reply.whole(await unless_gone(request, whole(said))), media_type="application/json"
                )
            first = await unless_gone(request, anext(said))  # an early error still sets the HTTP status
        except ClientDisconnect:
            return Response(status_code=400)  # nobody receives it
        return StreamingResponse(reply.events(first, said), media_type=EVENTS)

    return routes


class _Reply:
    """One reply in OpenAI's form, whole or in chunks."""

    def __init__(self, loaded: Loaded, base: str) -> None:
        self._index: ArticleIndex = loaded.index
        self._base = base
        self._head = {"id": f"chatcmpl-{uuid4().hex}", "created": int(time.time()), "model": loaded.model}
        self._sent = ""
        self._listed, self._gap = False, ""  # whether sentences are list items, and the separator before the next one

    async def whole(self, answer: Answer) -> str:
        """Return the completion."""
        message = {"role": "assistant", "content": _inert(answer.text), **await self._told(answer)}
        choice = {"index": 0, "message": message, "finish_reason": _reason(answer), "logprobs": None}
        return json.dumps(self._head | {"object": "chat.completion", "choices": [choice], **_rest(answer)})

    async def events(self, first: Event | Waiting, said: AsyncGenerator[Event | Waiting]) -> AsyncIterator[str]:
        """Yield chunks: each sentence once it is checked, then the rest of the answer."""
        async with aclosing(said):
            try:
                yield self._chunk({"role": "assistant", "content": ""})
                for text in self._text(first):
                    yield self._chunk({"content": text})
                async for one in said:
                    for text in self._text(one):
                        yield self._chunk({"content": text})
                    if isinstance(one, Answer):
                        yield self._chunk(await self._told(one))
                        yield self._chunk({}, reason=_reason(one), rest=_rest(one))
                yield "data: [DONE]\n\n"
            except CitewireError as error:
                told = {"message": str(error), "type": "api_error", "code": 500}
                yield f"data: {json.dumps({'error': told})}\n\n"

    def _text(self, said: Event | Waiting) -> list[str]:
        """The next text, if any; text that was sent is never changed."""
        if isinstance(said, Searched):
            self._listed, new = said.listed, _inert(said.lead)
            self._gap = "\n" if said.lead else ""
        elif isinstance(said, Checked) and said.claim.shown:
            told = f"{_inert(said.claim.text)} {said.claim.marks}".rstrip()
            new = f"{self._gap}- {told}" if self._listed else f"{self._gap}{told}"
            self._gap = "\n" if self._listed else " "
        elif isinstance(said, Answer):
            text = _inert(said.text)
            new = text.removeprefix(self._sent) if text.startswith(self._sent) else ""
        else:
            new = ""
        self._sent += new
        return [new] if new else []

    def _chunk(self, delta: Mapping[str, Any], reason: str | None = None, rest: Mapping[str, Any] | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}
        values = self._head | {"object": "chat.completion.chunk", "choices": [choice], **(rest or {})}
        return f"data: {json.dumps(values)}\n\n"

    async def _told(self, answer: Answer) -> dict[str, Any]:
        """The fields of a message beside its text: citations, and the refusal if it is one."""
        cards = await run_in_threadpool(labels, answer, self._index)
        refused = _inert(answer.text) if answer.status == "abstained" else None
        return {"refusal": refused, "annotations": list(self._citations(answer, cards))}

    def _citations(self, answer: Answer, cards: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
        """A citation for each number of each sentence: the sentence's position in the text, and its exact quote."""
        found, at, content = [], 0, _inert(answer.text)
        for claim in answer.claims:
            text = _inert(claim.text)
            start = content.find(text, at) if claim.shown else -1
            if start < 0:
                continue
            end = start + len(text)
            at = end + len(claim.marks)  # after the sentence, because a sentence may itself be a number
            for cited in claim.quotes:
                card = cards[cited.article]
                url = card["url"] or f"{self._base}/v1/articles/{quote(cited.article)}"
                title = ", ".join(filter(None, (card["title"], card["place"])))
                place = {"start_index": start, "end_index": end, "url": url, "title": title}
                exact = {
                    "number": cited.n,
                    "article": cited.article,
                    "start": cited.start,
                    "end": cited.end,
                    "text": cited.text,
                }
                found.append(
                    {"type": "url_citation", "url_citation": place, "citewire": exact | {"verdict": claim.verdict}}
                )
        return found


def _inert(text: str) -> str:
    r"""Return text without links, pictures and HTML if it is displayed as Markdown; citation numbers stay.

    >>> _inert("See [it](http://a.example) <b> [1][2]")
    'See [it\\](http\\://a.example) \\<b> [1][2]'
    """
    return _MARK_OR_MARKUP.sub(lambda found: found[1] or f"\\{found[0]}", text)


def _reason(answer: Answer) -> str:
    return "length" if answer.status == "stopped" else "stop"


def _rest(answer: Answer) -> dict[str, Any]:
    asked, written = answer.timings.prompt_tokens, answer.timings.output_tokens
    usage = {"prompt_tokens": asked, "completion_tokens": written, "total_tokens": asked + written}
    return {"usage": usage, "citewire": json.loads(answer_json(answer, None))}
