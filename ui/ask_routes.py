"""The HTTP API for questions; they wait in the same queue as those of the page.

    POST /v1/ask      {"question", "history": [[question, answer], ...], "search": {...}, "stream": false}
                      -> the answer object of `citewire ask --json`; with "stream" one line of JSON per event:
                      {"event": "waiting", "ahead"}
                      {"event": "searched", "standalone_question", "hits", "kind", "lead", "listed"}
                      {"event": "draft", "text"}     {"event": "checked", "claim"}
                      {"event": "answer", "answer", "articles": {path: label}}  or  {"event": "error", "problem", "fix"}
    GET  /v1/status   version, index and model, and whether they are ready

"search" takes search settings by their names; missing ones have the server's values, and the server's filters always
apply. Closing the connection stops the answer. Errors are problem details (RFC 9457): 400 and 422 for the question, 413
for its size, 429 if too many questions wait and 503 if no model is loaded, both with Retry-After. Knows HTTP;
`citewire.ui.chat` answers and `citewire.ui.line` is the queue.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from citewire.index.address import Location
from citewire.index.errors import CitewireError
from citewire.index.options import Recency, SearchOptions
from citewire.index.types import Filters
from citewire.qa.types import (
    Answer,
    AnswerHit,
    ConflictValue,
    Draft,
    Event,
    Quote,
    TimelinePoint,
    Turn,
)  # fmt: skip
from citewire.ui.allowance import Sender
from citewire.ui.answer_json import answer_json, event_values
from citewire.ui.chat import ArticleIndex, Chat, FullError, Loaded, NotReadyError, SlowError, narrowed
from citewire.ui.console import to_json
from citewire.ui.exchange import Exchange
from citewire.ui.labels import card_in
from citewire.ui.running import release
from citewire.ui.settings import HalfLife, Passages, describe
from citewire.ui.visitor import ProblemRoute, guest_of, same_origin, sender_of

logger = logging.getLogger(__name__)

MOST_TURNS = 100  # most earlier turns in a request
LOOK_S = 0.2  # seconds between two checks of the place in the queue
LOCAL = Sender("mcp")  # the client on standard input
LINES = "application/x-ndjson"

T = TypeVar("T")

_Value = Annotated[str, Field(min_length=1, max_length=1_000)]
_Values = Annotated[list[_Value], Field(max_length=1_000)]
_Day = Annotated[str, Field(max_length=10)]
_Most = Annotated[int, Field(ge=0, le=1_000)]
QuestionText = Annotated[str, Field(max_length=100_000, description="in English")]


class FaultError(CitewireError):
    """A bug in citewire ended the answer."""


def _meanings(schema: dict[str, Any]) -> None:
    for name, value in schema["properties"].items():
        value["description"] = describe(name)


class Narrowing(BaseModel):
    """Which articles are searched; fields as in `citewire.ui.settings.Settings`, None for the page's."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_meanings)

    published_from: _Day = ""
    published_to: _Day = ""
    outlets: _Values = []
    authors: _Values = []
    only_articles: _Values = []
    where: Annotated[dict[_Value, _Value], Field(max_length=100)] = {}
    recency: Recency | None = None
    half_life: HalfLife | None = None
    as_of: _Day | None = None
    per_article: _Most | None = None
    per_group: _Most | None = None
    copies: _Most | None = None

    def options(self, own: SearchOptions, passages: int | None) -> SearchOptions:
        """Return the server's search options, overridden and narrowed by this request.

        Args:
            own: the server's options.
            passages: number of passages, None for the server's number.

        Raises:
            InputError: no article passes both filters, or a day is invalid.
        """
        filters = Filters(
            published_from=self.published_from,
            published_to=self.published_to,
            outlets=tuple(self.outlets),
            authors=tuple(self.authors),
            articles=tuple(self.only_articles),
            metadata=self.where,
        )
        wanted = {"k": passages, "recency": self.recency, "half_life": self.half_life, "as_of": self.as_of}
        most = {"per_article": self.per_article, "per_group": self.per_group, "copies": self.copies}
        given: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
        given |= {name: value or None for name, value in most.items() if value is not None}  # 0 means any number
        return narrowed(replace(own, **given), filters)


class Search(Narrowing):
    """What a question is answered from."""

    passages: Passages | None = None


class Asked(BaseModel):
    """A question, and all that decides its answer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    question: QuestionText
    history: Annotated[
        list[Annotated[list[str], Field(min_length=2, max_length=2)]],
        Field(max_length=MOST_TURNS, description="questions and answers before it, oldest first"),
    ] = []
    search: Search = Search()
    model: Annotated[
        str, Field(max_length=100, description="what it is called where there is a choice, empty for the usual one")
    ] = ""


class Ask(Asked):
    """The body of POST /v1/ask."""

    stream: Annotated[bool, Field(description="whether events are sent as they come, a line of JSON each")] = False


@dataclass(frozen=True, slots=True)
class Served:
    """What the API reports about the server, and how it checks a search.

    Attributes:
        index: folder or database of the index.
        model: its name in the settings.
        fingerprint: of the settings that decide an answer and are not in the request; see `citewire.ui.running`.
        generation: returns the newest generation of the index.
        check: raises InputError if an index cannot be searched with these options.
        root_path: path below which a reverse proxy serves the page, "" for none.
    """

    index: Location
    model: str
    fingerprint: str
    generation: Callable[[], int]
    check: Callable[[Any, SearchOptions], None]
    root_path: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event: how many questions come first."""

    ahead: int


class AskRoute(ProblemRoute):
    """A route for questions, with the HTTP status of each error."""

    statuses: ClassVar[Mapping[type[CitewireError], int]] = {
        **ProblemRoute.statuses,
        FullError: 429,
        FaultError: 500,
        NotReadyError: 503,
        SlowError: 504,
    }


def router(chat: Chat, served: Served) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=AskRoute, dependencies=[Depends(same_origin)])

    @routes.get("/v1/status")
    def status() -> JSONResponse:
        """Say what answers here, and whether it is ready."""
        return JSONResponse(_status(chat, served), headers={"Cache-Control": "no-store"})

    @routes.post("/v1/ask", response_model=Answer, responses={200: {"content": {LINES: {}}}})
    async def ask(request: Request, asked: Ask) -> Response:
        """Answer a question, each sentence with the exact quotes it rests on; with "stream" an event of JSON a line."""
        loaded, said = await entered(chat, served, asked, request)
        try:
            if not asked.stream:
                answer = await unless_gone(request, whole(said))
                return Response(answer_json(answer, None), media_type="application/json")
            first = await unless_gone(request, anext(said))  # an early error still sets the HTTP status
        except ClientDisconnect:
            return Response(status_code=400)  # nobody receives it
        return StreamingResponse(_lines(first, said, loaded.index), media_type=LINES)

    return routes


def _status(chat: Chat, served: Served) -> dict[str, Any]:
    loaded, error = chat.background.loaded, chat.background.error
    return {
        "version": release(),
        "index": str(served.index.resolve() if isinstance(served.index, Path) else served.index),
        "index_generation": served.generation(),
        "model": loaded.model if loaded else served.model,
        "state": "failed" if error else "ready" if loaded else "loading",
        "waiting": chat.line.waiting,
        "fingerprint": served.fingerprint,
        **({"problem": error.problem, "fix": error.fix} if error else {}),
    }


async def entered(
    chat: Chat, served: Served, asked: Asked, request: Request | None
) -> tuple[Loaded, AsyncGenerator[Event | Waiting]]:
    """Add a question to the queue; return the model that answers it and the stream of events.

    Args:
        chat: answers the question.
        served: its `check` validates the search.
        asked: the question.
        request: identifies the client and the articles it may see; None for standard input, which may see all.

    Raises:
        InputError: the question, its search or its model is invalid.
        FullError, NotReadyError: too many questions wait; no model is loaded.
    """
    sender, articles = (sender_of(request), guest_of(request).articles) if request else (LOCAL, ())
    chat.check(asked.question, sender)
    loaded, search = await run_in_threadpool(_prepared, chat, served, asked, articles)
    chat.check(asked.question, sender)  # others may have asked meanwhile
    return loaded, _Question(chat, loaded, asked, search).enter(sender)


def _prepared(chat: Chat, served: Served, asked: Asked, articles: tuple[str, ...]) -> tuple[Loaded, SearchOptions]:
    loaded = chat.newest(asked.model, articles)
    search = asked.search.options(loaded.search, asked.search.passages)
    served.check(loaded.index, search)
    return loaded, search


class _Question:
    """A question in the queue; passes its events from the answering thread to the server's event loop."""

    def __init__(self, chat: Chat, loaded: Loaded, asked: Asked, search: SearchOptions) -> None:
        self._chat, self._loaded, self._asked, self._search = chat, loaded, asked, search
        self._exchange = Exchange("http", asked.question)
        self._stop = threading.Event()
        self._said: list[Event | CitewireError] = []  # events not yet passed on
        self._lock = threading.Lock()
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    def enter(self, sender: Sender) -> AsyncGenerator[Event | Waiting]:
        """Enter the queue; return the stream of events. Closing the stream leaves the queue and stops the answer."""
        self._chat.line.enter(self._exchange, self._answer, sender)
        return self._follow()

    async def _follow(self) -> AsyncGenerator[Event | Waiting]:
        """Yield the events. Raises: CitewireError, if the question cannot be answered."""
        ahead, line = 0, self._chat.line
        try:
            while not self._exchange.done or self._said:
                self._news.clear()
                for one in self._taken():
                    if isinstance(one, CitewireError):
                        raise one
                    yield one
                if (now := line.ahead(self._exchange)) != ahead:
                    ahead = now
                    yield Waiting(ahead)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):  # Python 3.11's `wait_for` can swallow a cancellation
                        await self._news.wait()
        finally:
            self._stop.set()
            line.leave(self._exchange)
            if not self._exchange.done:
                self._exchange.fail("Nobody waits for the answer any more", "Ask again.")

    def _taken(self) -> list[Event | CitewireError]:
        with self._lock:
            taken, self._said = self._said, []
        return taken

    def _answer(self) -> None:
        """Run the answerer to its end, in the queue's thread."""
        history = [Turn(turn[0], turn[1]) for turn in self._asked.history]
        try:
            stream = partial(self._loaded.answerer.stream, self._asked.question, history, search=self._search)
            for event in self._chat.in_time(lambda stopped: stream(stopped=stopped), self._stop.is_set):
                self._say(event)
        except CitewireError as error:
            self._say(error)
        except Exception:  # the outermost layer: log the traceback, tell the client
            logger.exception("answering failed")
            self._say(FaultError("The answer could not be finished", "Ask again. The log has the details."))

    def _say(self, said: Event | CitewireError) -> None:
        with self._lock:
            if self._said and isinstance(self._said[-1], Draft):
                self._said.pop()  # not read yet, and the next event replaces it
            self._said.append(said)
            if isinstance(said, CitewireError):
                self._exchange.fail(said.problem, said.fix)
            elif isinstance(said, Answer):
                self._exchange.apply(said)
        with suppress(RuntimeError):  # the event loop is closed
            self._loop.call_soon_threadsafe(self._news.set)


async def whole(said: AsyncIterator[Event | Waiting]) -> Answer:
    """Wait for the answer and return it. Raises: FaultError, if the stream ends without one."""
    async for one in said:
        if isinstance(one, Answer):
            return one
    raise FaultError("The answer ended early", "Ask again.")


async def _lines(
    first: Event | Waiting, said: AsyncGenerator[Event | Waiting], index: ArticleIndex
) -> AsyncIterator[str]:
    async with aclosing(said):
        yield await _line(first, index)
        try:
            async for one in said:
                yield await _line(one, index)
        except CitewireError as error:
            yield _json({"event": "error", "problem": error.problem, "fix": error.fix})


async def _line(said: Event | Waiting, index: ArticleIndex) -> str:
    if isinstance(said, Waiting):
        return _json({"event": "waiting", "ahead": said.ahead})
    if isinstance(said, Answer):
        return _json({**event_values(said), "articles": await run_in_threadpool(labels, said, index)})
    return _json(event_values(said))


def _json(values: Mapping[str, Any]) -> str:
    return f"{to_json(values, None)}\n"


def labels(answer: Answer, index: ArticleIndex) -> dict[str, Any]:
    """Return the card of each article that an answer names, by path, as JSON values."""
    parts: tuple[Quote | ConflictValue | TimelinePoint | AnswerHit, ...] = (
        *(quote for claim in answer.claims for quote in claim.quotes),
        *(value for conflict in answer.conflicts for value in conflict.values),
        *answer.timeline,
        *answer.hits,
    )
    return {path: asdict(card_in(index, path)) for path in dict.fromkeys(part.article for part in parts)}


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """Return the result of `work`; cancel it if the client disconnects. Raises: ClientDisconnect."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
