"""Who asks over HTTP, whether the page itself sent the request, and how a refusal is said.

A visitor is a browser: a random id in a cookie. It keeps the conversations of people who share a page apart; it is
no login, and any program that reads the browser's cookies has it. Knows ASGI and FastAPI's routes, nothing of what they
serve.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import Any, ClassVar, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from cachetools import LRUCache
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from citewire.index.errors import CitewireError, InputError
from citewire.ui.allowance import LaterError, Sender
from citewire.ui.keys import ANYBODY, PASSWORD

COOKIE = "citewire_visitor"
_OWN = "citewire.own_visitor"  # in the scope: whether a request came with an id that this server gave out
GUEST = "citewire.guest"  # in the scope of a request that a door let in
YEAR_S = 365 * 24 * 3600
_ID = re.compile(r"[A-Za-z0-9_-]{32}")
_ID_BYTES = 24  # 192 random bits, 32 characters of base64
MOST_IDS = 10_000  # ids that are known to have been given out, the last ones
HARMLESS = ("GET", "HEAD", "OPTIONS")
PROBLEM_TYPE = "application/problem+json"


class _Asked(Protocol):
    """A request of FastAPI or of Gradio."""

    @property
    def cookies(self) -> Any: ...


class ForeignError(InputError):
    """A request to change something that another page than this one sent."""


class VisitorCookie:
    """ASGI middleware that gives a browser an id, in the request at hand and as a cookie for a year.

    The cookie is SameSite=Lax: with Strict, a link to the page in a mail would come without it, and the answer would
    put a new id in its place, which loses the visitor's conversations. What changes something is guarded by
    `same_origin`.

    An id that somebody made up opens the conversations kept under it, as any does, but gives no place in line of its
    own (`asker_of`). One of an earlier run of the server counts again once its browser loads the page.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._given: LRUCache[str, bool] = LRUCache(MOST_IDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        sent = headers.get("cookie", "")
        known = cookie_parser(sent).get(COOKIE, "")
        if _ID.fullmatch(known) and headers.get("sec-fetch-dest") != "document":
            await self.app({**scope, _OWN: self._given.get(known, False)}, receive, send)
            return
        visitor = known if _ID.fullmatch(known) else secrets.token_urlsafe(_ID_BYTES)
        self._given[visitor] = True
        others = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
        cookie = f"{sent}; {COOKIE}={visitor}".removeprefix("; ")  # of two values the last one counts
        scope = {**scope, "headers": [*others, (b"cookie", cookie.encode("latin-1"))], _OWN: visitor == known}

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("set-cookie", _set_cookie(visitor, scope["scheme"] == "https"))
            await send(message)

        await self.app(scope, receive, send_with_cookie)


def _set_cookie(visitor: str, secure: bool) -> str:
    return f"{COOKIE}={visitor}; Path=/; Max-Age={YEAR_S}; HttpOnly; SameSite=Lax{'; Secure' * secure}"


class ForeignLink:
    """ASGI middleware that lets an address with a question ask it at once only if it did not come from another page.

    From elsewhere, `/?q=...` becomes `/?draft=...`, which the page offers with a button: asking takes a place in line,
    and the answer is kept. Browsers say where a document was asked for from in `Sec-Fetch-Site`; `none` is an address
    that was typed or a bookmark. Over plain HTTP from another machine they say nothing, and the button is offered.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        answer = self.app
        if scope["type"] == "http" and scope["path"] == "/":
            asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            site = Headers(scope=scope).get("sec-fetch-site")
            if site not in ("none", "same-origin") and any(name == "q" for name, _ in asked):
                moved = urlencode([("draft" if name == "q" else name, value) for name, value in asked])
                answer = RedirectResponse(f"/?{moved}", 303, {"Cache-Control": "no-store"})
        await answer(scope, receive, send)


def visitor_of(asked: _Asked | Mapping[str, str]) -> str:
    """Return the id of who sent a request of FastAPI or Gradio, or these cookies.

    Raises:
        InputError: no id; `VisitorCookie` is not around the application.
    """
    # A request of FastAPI is a mapping itself.
    cookies: Mapping[str, str] = getattr(asked, "cookies", asked)  # type: ignore[arg-type]
    visitor = str(cookies.get(COOKIE) or "")
    if not _ID.fullmatch(visitor):
        raise InputError("The request does not say which browser sent it", "Allow cookies and load the page again.")
    return visitor


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who came in.

    Attributes:
        name: of the key; `ANYBODY` or `PASSWORD` for who has none.
        admin: whether they may add and remove articles.
        articles: the only ones that they may see, as in `Index.within`; () for all.
    """

    name: str = ANYBODY
    admin: bool = True
    articles: tuple[str, ...] = ()


def guest_of(request: Request) -> Guest:
    """Return who sent a request, as the door let them in; where there is no door, somebody who may do all."""
    guest: Guest = request.scope.get(GUEST, Guest())
    return guest


def address_of(connection: HTTPConnection) -> str:
    """Return the address of who asks; of IPv6 the network, as each machine has as many addresses as it likes.

    All count as one whom a proxy gives no address.
    """
    host = connection.client.host if connection.client else ""
    try:
        return str(ip_network(f"{host}/64", strict=False)) if ip_address(host).version == 6 else host
    except ValueError:  # what a proxy says can be any text, and "" would have no limit
        return "no address"


def asker_of(request: Request) -> str:
    """Return who takes a place in line: a visitor, or the key or the machine of who sends no id of this server's.

    Such a program has another id with every request, or makes up as many as it likes.
    """
    name = guest_of(request).name
    if request.scope.get(_OWN, True):
        return visitor_of(request)
    return f"key {name}" if name not in (ANYBODY, PASSWORD) else address_of(request)


def sender_of(request: Request) -> Sender:
    """Return whose turn it is when a request has its turn."""
    return Sender(asker_of(request), address_of(request))


def same_origin(request: Request) -> None:
    """Refuse a request to change something that did not come from this page; a dependency of FastAPI.

    Raises:
        ForeignError: it comes from another page.
    """
    if request.method not in HARMLESS:
        from_here(request)


def from_here(request: Request) -> None:
    """Refuse a request that did not come from this page.

    Browsers say where a request comes from in `Sec-Fetch-Site`, over plain HTTP from another machine in `Origin` only;
    programs that are no browser send neither and may pass.

    Raises:
        ForeignError: it comes from another page.
    """
    site, origin = request.headers.get("sec-fetch-site", "none"), request.headers.get("origin")
    if site not in ("same-origin", "none") or (origin is not None and _host(origin) != request.headers.get("host")):
        raise ForeignError(
            f"The request comes from another page: {origin or site}", "Use the page that this citewire serves."
        )


def _host(origin: str) -> str:
    """The host and port of "http://localhost:7860", "" where there is none, as in "null"."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


class ProblemRoute(APIRoute):
    """A route whose refusals are problem details.

    Attributes:
        statuses: the HTTP status of an error by its class, the nearest base counts; 400 for others.
    """

    statuses: ClassVar[Mapping[type[CitewireError], int]] = {ForeignError: 403}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route's requests."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except CitewireError as error:
                status = next((self.statuses[kind] for kind in type(error).__mro__ if kind in self.statuses), 400)
                return refusal(status, error)
            except RequestValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"])
                given = repr(first.get("input"))[:80]
                return problem(422, f"{where} = {given}: {first['msg']}", "Correct it and send it again.")
            except HTTPException as error:  # FastAPI's own: a body that is not UTF-8
                return problem(error.status_code, f"The request cannot be read: {error.detail}", "Send JSON in UTF-8.")

        return answer


def problem(status: int, text: str, fix: str) -> JSONResponse:
    """Return a refusal as JSON; see `problem_details`."""
    return JSONResponse(problem_details(status, text, fix), status_code=status, media_type=PROBLEM_TYPE)


def refusal(status: int, error: CitewireError) -> JSONResponse:
    """Return an error as a refusal, with when to try again where that helps."""
    refused = problem(status, error.problem, error.fix)
    if isinstance(error, LaterError):
        refused.headers["Retry-After"] = str(error.seconds)
    return refused


async def unrouted(request: Request, error: Exception) -> Response:
    """Refuse what no route takes, such as a path with a line break: Starlette's own answer is no problem detail."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return problem(status, f"There is no {request.method} {request.url.path[:200]!r}", "Load the page again.")


def problem_details(status: int, text: str, fix: str) -> dict[str, Any]:
    """Return a refusal as the problem details of RFC 9457, with what is wrong and what helps as members of their own.

    >>> problem_details(404, "There is no file 'a'", "Load the page again.")["detail"]
    "There is no file 'a'. Load the page again."
    """
    detail = f"{text.removesuffix('.')}. {fix}"
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "problem": text, "fix": fix}
