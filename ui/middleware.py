"""Middleware for every request (security headers, body limit, root path, origin check) and the static assets.

Knows ASGI, not the page (`citewire.ui.page`) or the server (`citewire.ui.server`).
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from citewire.index.errors import InputError
from citewire.ui.visitor import on_headers, problem, same_origin

# Gradio's scripts need 'unsafe-inline' and 'unsafe-eval'. The policy still blocks requests and forms to other origins,
# frames and plug-ins.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-src 'none'; "
    "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers would send forms with the Origin "null"
}
ASSET_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
MOST_BYTES = 1024 * 1024  # largest request body
# Routes that read their body as a stream and limit it themselves.
STREAMED = (("POST", "/uploads"), ("POST", "/v1/articles"))


class SecurityHeaders:
    """ASGI middleware that sets `SECURITY_HEADERS` on every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self.app(scope, receive, on_headers(send, lambda headers: headers.update(SECURITY_HEADERS)))


class BodyLimit:
    """ASGI middleware that reads the whole request body first and answers 413 if it is longer than `MOST_BYTES`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) in STREAMED:
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        answer, body, more = self.app, bytearray(), not (declared.isdecimal() and int(declared) > MOST_BYTES)
        while more and len(body) <= MOST_BYTES:
            message = await receive()
            if message["type"] != "http.request":
                return  # the client has disconnected
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if more or len(body) > MOST_BYTES or (declared.isdecimal() and int(declared) > MOST_BYTES):
            answer = problem(413, f"The request is larger than {MOST_BYTES:,} bytes", "Send less at once.")
        await answer(scope, replay(bytes(body), receive), send)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that first returns this body."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed


class RootPath:
    """ASGI middleware for a page that a reverse proxy serves below a path, `root`.

    Removes the path from requests, if the proxy has not, and adds it to redirects and cookies.
    """

    def __init__(self, app: ASGIApp, root: str) -> None:
        self.app, self._root = app, root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path == self._root:  # relative links need the slash at the end
            await RedirectResponse(f"{self._root}/", 308)(scope, receive, send)
            return
        if path.startswith(f"{self._root}/"):
            scope = {**scope, "path": path.removeprefix(self._root)}

        async def send_below(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [self._below(*header) for header in message["headers"]]}
            await send(message)

        await self.app(scope, receive, send_below)

    def _below(self, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        if name == b"location" and value.startswith(b"/"):
            value = self._root.encode() + value
        elif name == b"set-cookie":
            value = value.replace(b"; Path=/;", f"; Path={self._root};".encode())
        return name, value


def foreign(scope: Scope) -> ASGIApp | None:
    """Refuse cross-origin requests, except those with a read-only method."""
    try:
        same_origin(Request(scope))
    except InputError as error:
        return problem(403, error.problem, error.fix)
    return None


def assets() -> APIRouter:
    """Return the routes of scripts and style sheets (/cw/, revalidated by ETag) and of links to conversations (/c/)."""
    known = {
        file.name: (file.read_bytes(), ASSET_TYPES[Path(file.name).suffix])
        for file in files("citewire.ui").joinpath("static").iterdir()
    }
    router = APIRouter()

    @router.get("/c/{conversation}")
    def kept(conversation: str) -> Response:
        """Lead to the page, which shows the conversation and this address."""
        return RedirectResponse(f"/?c={quote(conversation, safe='')}", 303, {"Cache-Control": "no-store"})

    @router.get("/cw/{name}")
    def asset(name: str, request: Request) -> Response:
        if name not in known:
            return problem(404, f"There is no file {name!r}", "Load the page again.")
        body, kind = known[name]
        headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:20]}"', "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=kind, headers=headers)

    return router
