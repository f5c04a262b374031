"""An allowlist in front of Gradio: passes the requests that the page sends and answers 404 to all others.

Gradio serves files, fetches URLs and accepts uploads. The page needs none of it, so only the requests listed here reach
Gradio. Bodies for event functions are parsed, validated and serialised again, so that no unknown field arrives, above
all no dictionary that Gradio treats as a file. Knows ASGI and Gradio's requests; `citewire.ui.page` supplies the
functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qs, urlencode

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from citewire.index.errors import CitewireError, InputError
from citewire.ui.middleware import replay
from citewire.ui.sessions import CrowdedError, Sessions, StrangerError
from citewire.ui.visitor import ForeignError, address_of, from_here, refusal, visitor_of

API = "/gradio_api"
CALL, JOIN, ARTICLE = f"{API}/run/predict", f"{API}/queue/join", f"{API}/component_server/"
EVENTS, ALIVE = f"{API}/queue/data", f"{API}/heartbeat/"
# Read-only requests without private data. A page that lost its server polls /app_id.
PLAIN = frozenset(("/", "/favicon.ico", "/theme.css", f"{API}/app_id"))
# The only headers that reach Gradio: Origin would make it add CORS headers, and three others would set its root URL.
HEADERS = (b"host", b"cookie", b"accept", b"accept-encoding", b"accept-language", b"user-agent")
_FILE = re.compile(r"/(assets|static)(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")  # Gradio's scripts, styles and fonts
_SESSION = r"[a-z0-9]{1,20}"
MOST_WAITING = 1_000  # most unread messages of a session

_Text = Annotated[str, Field(max_length=100_000)]
_Name = Annotated[str, Field(max_length=1_000)]
_Names = Annotated[list[_Name], Field(max_length=10_000)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Nothing(_Sent):
    """The data of an event without data."""


class Question(_Sent):
    """The data of "cw_ask"."""

    question: _Text


class Again(_Sent):
    """The data of "cw_retry": whether to answer with quotes only."""

    quotes: bool = False


class Tab(_Sent):
    """The data of "cw_resume": the tab whose conversation to resume, and the stored one to show if it has none."""

    tab: _Name
    id: _Name = ""


class New(_Sent):
    """The data of "cw_new": the number of the page's step, which the answer repeats."""

    step: int = 0


class Kept(New):
    """The data of "cw_open": the id of a stored conversation."""

    id: _Name


class Chosen(_Sent):
    """The data of "cw_filter": which articles to search."""

    first: Annotated[_Name, Field(alias="from")] = ""
    last: Annotated[_Name, Field(alias="to")] = ""
    outlets: _Names = []
    articles: _Names = []


class Model(_Sent):
    """The data of "cw_model": display name of the model to use, "" to keep the current one."""

    name: _Name = ""


class _Call(_Sent):
    """The body of a call to an event function."""

    data: Annotated[list[_Text | None], Field(max_length=2)]
    event_data: dict[_Name, Any] | None = None
    fn_index: int
    trigger_id: int | None = None
    session_hash: Annotated[str, Field(pattern=f"^{_SESSION}$")]


_Place = Annotated[int, Field(ge=0, le=10**9)]
_Quote = Annotated[str, Field(max_length=100_000)]


class _Wanted(_Sent):
    path: Annotated[str, Field(max_length=10_000)]
    marks: Annotated[list[tuple[_Name, _Place, _Place, _Quote]], Field(max_length=10_000)]


class _Article(_Sent):
    """The body of a request for an article."""

    data: _Wanted
    component_id: int
    fn_name: _Name
    session_hash: Annotated[str, Field(pattern=f"^{_SESSION}$")]


@dataclass(frozen=True, slots=True)
class Function:
    """An event function that the page may call.

    Attributes:
        queued: whether its results arrive as server-sent events.
        texts: for each input, whether it is text; the server holds the other inputs, and the page sends null for them.
        event: the event's data.
    """

    queued: bool
    texts: Sequence[bool]
    event: type[BaseModel] = Nothing


@dataclass(frozen=True, slots=True)
class Allowed:
    """The event functions and components that the page may call.

    Attributes:
        functions: the event functions, by Gradio's `fn_index`.
        components: ids of the components that trigger them.
        reader: component id and name of the function that returns an article.
        waiting: returns the number of a session's unread messages.
    """

    functions: Mapping[int, Function]
    components: frozenset[int]
    reader: tuple[int, str]
    waiting: Callable[[str], int]


class ClosedError(InputError):
    """A request that the page never sends."""


class Gate:
    """ASGI application that wraps Gradio's.

    Args:
        app: Gradio's application.
        allowed: what the page may call.
        sessions: the sessions, with owners and limits.
    """

    _statuses: ClassVar[Mapping[type[CitewireError], int]] = {
        ClosedError: 404,
        StrangerError: 403,
        ForeignError: 403,
        CrowdedError: 503,
    }

    def __init__(self, app: ASGIApp, allowed: Allowed, sessions: Sessions) -> None:
        self._app, self._allowed, self._sessions = app, allowed, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        headers = [(name, value) for name, value in scope["headers"] if name in HEADERS]
        try:
            await self._pass({**scope, "headers": headers}, Request(scope, receive), receive, send)
        except CitewireError as error:
            await refusal(self._statuses.get(type(error), 422), error)(scope, receive, send)

    async def _pass(self, scope: Scope, request: Request, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if method == "POST" and path in (CALL, JOIN, ARTICLE):
            await self._app(*await self._checked(scope, request, receive), send)
        elif method == "GET" and (path == EVENTS or path.startswith(ALIVE)):
            session = _session_of(request)
            query = urlencode({"session_hash": session}) if path == EVENTS else ""
            self._claim(session, request)
            with self._sessions.stream(session):
                await self._app({**scope, "query_string": query.encode()}, receive, send)
        elif method in ("GET", "HEAD") and (path in PLAIN or _FILE.fullmatch(path)):
            await self._app({**scope, "query_string": b""}, receive, send)  # its query could name stored values
        else:
            raise ClosedError(f"There is no {method} {path[:200]!r}", "Load the page again.")

    def _claim(self, session: str, request: Request) -> None:
        from_here(request)
        self._sessions.claim(session, visitor_of(request), address_of(request))

    async def _checked(self, scope: Scope, request: Request, receive: Receive) -> tuple[Scope, Receive]:
        """Return a request whose body holds only the validated fields."""
        path, body = scope["path"], await request.body()
        try:
            call = _Article.model_validate_json(body) if path == ARTICLE else self._call(body, queued=path == JOIN)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(f"The page does not send this: {where}: {first['msg']}", "Load the page again.") from error
        if isinstance(call, _Article) and (call.component_id, call.fn_name) != self._allowed.reader:
            raise ClosedError(f"There is no function {call.fn_name!r} of {call.component_id}", "Load the page again.")
        self._claim(call.session_hash, request)
        if path == JOIN and self._allowed.waiting(call.session_hash) > MOST_WAITING:
            raise CrowdedError("The page does not read what was answered", "Load the page again.")
        written = call.model_dump_json().encode()
        of_body = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(written))]
        return {**scope, "headers": [*scope["headers"], *of_body], "query_string": b""}, replay(written, receive)

    def _call(self, body: bytes, *, queued: bool) -> _Call:
        """Parse and check a call. Raises: InputError, ValidationError."""
        call = _Call.model_validate_json(body)
        function = self._allowed.functions.get(call.fn_index)
        if function is None or function.queued != queued:
            raise ClosedError(f"There is no function {call.fn_index}", "Load the page again.")
        if [isinstance(value, str) for value in call.data] != list(function.texts):
            raise InputError("The page does not send such values", "Load the page again.")
        if call.trigger_id is not None and call.trigger_id not in self._allowed.components:
            raise InputError(f"Nothing on the page has the number {call.trigger_id}", "Load the page again.")
        event = function.event.model_validate(call.event_data or {})
        return call.model_copy(update={"event_data": event.model_dump(by_alias=True)})


def _session_of(request: Request) -> str:
    path = str(request.scope["path"])
    named: list[str]
    if path == EVENTS:
        named = parse_qs(request.scope["query_string"].decode("latin-1")).get("session_hash", [])
    else:
        named = [path.removeprefix(ALIVE)]
    if len(named) != 1 or not re.fullmatch(_SESSION, named[0]):
        raise InputError("The request names no session", "Load the page again.")
    return named[0]
