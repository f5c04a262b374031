"""Identifies visitors, checks the origin of requests, and formats error responses.

A visitor is a browser with a random id in a cookie. The id separates the conversations of people who share a page; it
is not a login, and any program that reads the browser's cookies has it. Knows ASGI and FastAPI, not what is served.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from typing import Any, ClassVar
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
_OWN = "citewire.own_visitor"  # scope key: whether this server issued the request's id
GUEST = "citewire.guest"  # scope key: the `Guest` whom the access check admitted
YEAR_S = 365 * 24 * 3600
_ID = re.compile(r"[A-Za-z0-9_-]{32}")
_ID_BYTES = 24  # 192 random bits, 32 characters of base64
MOST_IDS = 10_000  # most remembered ids that this server issued
HARMLESS = ("GET", "HEAD", "OPTIONS")
PROBLEM_TYPE = "application/problem+json"


class ForeignError(InputError):
    """A cross-origin request with a method that changes data."""


class VisitorCookie:
    """ASGI middleware that gives each browser an id, in the current request and in a cookie for a year.

    The cookie is SameSite=Lax. With Strict, a link in an email would open the page without it, and a new id would
    replace the visitor's, which loses their conversations. `same_origin` guards requests that change data.

    An id that a client made up opens the conversations stored under it, but has no queue place of its own
    (`asker_of`). After a restart of the server, an id counts as issued again once its browser loads the page.
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
        cookie = f"{sent}; {COOKIE}={visitor}".removeprefix("; ")  # of two values the last one wins
        scope = {**scope, "headers": [*others, (b"cookie", cookie.encode("latin-1"))], _OWN: visitor == known}
        secure = "; Secure" * (scope["scheme"] == "https")
        kept = f"{COOKIE}={visitor}; Path=/; Max-Age={YEAR_S}; HttpOnly; SameSite=Lax{secure}"
        await self.app(scope, receive, on_headers(send, lambda headers: headers.append("set-cookie", kept)))


class Guard:
    """ASGI middleware that sends what `refuse` returns for an HTTP request; the application gets the others."""

    def __init__(self, app: ASGIApp, refuse: Callable[[Scope], ASGIApp | None]) -> None:
        self._app, self._refuse = app, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        answer = self._refuse(scope) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)


def foreign_link(scope: Scope) -> ASGIApp | None:
    """Stop links on other sites from asking a question at once.

    From another site, `/?q=...` is redirected to `/?draft=...`, where the visitor must press a button, as a question
    takes a place in the queue and its answer is stored. Browsers report the origin in `Sec-Fetch-Site`; `none` is a
    typed address or a bookmark. Over plain HTTP from another machine they omit it, and the button is shown.
    """
    asked = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    own = Headers(scope=scope).get("sec-fetch-site") in ("none", "same-origin")
    if scope["path"] != "/" or own or all(name != "q" for name, _ in asked):
        return None
    moved = urlencode([("draft" if name == "q" else name, value) for name, value in asked])
    return RedirectResponse(f"/?{moved}", 303, {"Cache-Control": "no-store"})


def on_headers(send: Send, change: Callable[[MutableHeaders], object]) -> Send:
    """Return a `send` that first lets `change` change the headers of a response."""

    async def changed(message: Message) -> None:
        if message["type"] == "http.response.start":
            change(MutableHeaders(scope=message))
        await send(message)

    return changed


def visitor_of(request: HTTPConnection) -> str:
    """Return the visitor's id.

    Raises:
        InputError: there is no valid id, as `VisitorCookie` does not wrap the application.
    """
    visitor = request.cookies.get(COOKIE, "")
    if not _ID.fullmatch(visitor):
        raise InputError("The request does not say which browser sent it", "Allow cookies and load the page again.")
    return visitor


@dataclass(frozen=True, slots=True)
class Guest:
    """A client with access.

    Attributes:
        name: name of the key; `ANYBODY` or `PASSWORD` without one.
        admin: whether the client may add and remove articles.
        articles: the only articles it may see, as in `Index.within`; () for all.
    """

    name: str = ANYBODY
    admin: bool = True
    articles: tuple[str, ...] = ()


def guest_of(request: Request) -> Guest:
    """Return the client of a request; if the server has no access check, one with all rights."""
    guest: Guest = request.scope.get(GUEST, Guest())
    return guest


def address_of(connection: HTTPConnection) -> str:
    """Return the client's address; for IPv6 its /64 network, as a machine can have any number of addresses in it.

    All clients for which a proxy gives no address share one.
    """
    host = connection.client.host if connection.client else ""
    try:
        address = ip_address(host)
        address = getattr(address, "ipv4_mapped", None) or address  # "::ffff:198.51.100.7", as some proxies write
        return str(ip_network(f"{address}/64", strict=False)) if address.version == 6 else str(address)
    except ValueError:  # a proxy can send any text, and "" would have no limit
        return "no address"


def asker_of(request: Request) -> str:
    """Return who takes a place in the queue: the visitor, or the key or address if this server did not issue the id.

    A program without a cookie would get a new id with every request, or could make up any number.
    """
    name = guest_of(request).name
    if request.scope.get(_OWN, True):
        return visitor_of(request)
    return f"key {name}" if name not in (ANYBODY, PASSWORD) else address_of(request)


def sender_of(request: Request) -> Sender:
    """Return the sender of a request, for the queue and the rate limits."""
    return Sender(asker_of(request), address_of(request))


def same_origin(request: Request) -> None:
    """Refuse a cross-origin request with a method that changes data; a FastAPI dependency.

    Raises:
        ForeignError: it comes from another page.
    """
    if request.method not in HARMLESS:
        from_here(request)


def from_here(request: Request) -> None:
    """Refuse a cross-origin request.

    Browsers report the origin in `Sec-Fetch-Site`, over plain HTTP from another machine only in `Origin`. Other
    programs send neither and pass.

    Raises:
        ForeignError: the request comes from another site.
    """
    site, origin = request.headers.get("sec-fetch-site", "none"), request.headers.get("origin")
    if site not in ("same-origin", "none") or (origin is not None and _host(origin) != request.headers.get("host")):
        raise ForeignError(
            f"The request comes from another page: {origin or site}", "Use the page that this citewire serves."
        )


def _host(origin: str) -> str:
    """Return the host and port of an origin, "localhost:7860"; "" if it has none, such as "null"."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


class ProblemRoute(APIRoute):
    """A route whose errors are sent as problem details.

    Attributes:
        statuses: the HTTP status of each error class; the nearest base class counts, 400 for others.
    """

    statuses: ClassVar[Mapping[type[CitewireError], int]] = {ForeignError: 403}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler, which turns errors into responses."""
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
            except HTTPException as error:  # raised by FastAPI, such as for a body that is not UTF-8
                return problem(error.status_code, f"The request cannot be read: {error.detail}", "Send JSON in UTF-8.")

        return answer


def problem(status: int, text: str, fix: str) -> JSONResponse:
    """Return an error response with `problem_details`, which takes the same arguments."""
    return JSONResponse(problem_details(status, text, fix), status_code=status, media_type=PROBLEM_TYPE)


def refusal(status: int, error: CitewireError) -> JSONResponse:
    """Return an error as a response, with Retry-After for a `LaterError`."""
    refused = problem(status, error.problem, error.fix)
    if isinstance(error, LaterError):
        refused.headers["Retry-After"] = str(error.seconds)
    return refused


async def unrouted(request: Request, error: Exception) -> Response:
    """Answer requests that no route matches with problem details, which Starlette does not send."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return problem(status, f"There is no {request.method} {request.url.path[:200]!r}", "Load the page again.")


def problem_details(status: int, text: str, fix: str) -> dict[str, Any]:
    """Return the problem details (RFC 9457) of an error, with the extra members `problem` and `fix`.

    Args:
        status: the HTTP status.
        text: what is wrong, with the bad value.
        fix: what the client can do.

    >>> problem_details(404, "There is no file 'a'", "Load the page again.")["detail"]
    "There is no file 'a'. Load the page again."
    """
    detail = f"{text.removesuffix('.')}. {fix}"
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "problem": text, "fix": fix}
