"""The page's web server: one port, security headers on every response, start and end.

Knows ASGI and uvicorn, nothing of Gradio (`citewire.ui.page` does). Prints nothing: the command line does.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import socket
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import uvicorn
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from citewire.index.errors import InputError
from citewire.ui.access import Door, require_password
from citewire.ui.connections import AtOnce, Config, Limits
from citewire.ui.visitor import problem, same_origin

if TYPE_CHECKING:
    from citewire.ui.keys import Keys
    from citewire.ui.page import Site

# Gradio's own scripts need 'unsafe-inline' and 'unsafe-eval'; what the policy holds is that nothing leaves
# the page's origin, no form either, and that there is no frame and no plug-in.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-src 'none'; "
    "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send our forms with the Origin "null"
}
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
ASSET_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
MOST_BYTES = 1024 * 1024  # of a request's body
# Requests whose bodies are counted as they come, by who takes them.
STREAMED = (("POST", "/uploads"), ("POST", "/v1/articles"))
SHUTDOWN_S = 1  # open event streams are cut after this; a page in a browser always holds one


class SecurityHeaders:
    """ASGI middleware that sets `SECURITY_HEADERS` on every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class BodyLimit:
    """ASGI middleware that takes a request's body, as far as it may be long, before anything else sees the request."""

    def __init__(self, app: ASGIApp, most: int = MOST_BYTES) -> None:
        self.app, self.most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or (scope["method"], scope["path"]) in STREAMED:
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        answer, body, more = self.app, bytearray(), not (declared.isdecimal() and int(declared) > self.most)
        while more and len(body) <= self.most:
            message = await receive()
            if message["type"] != "http.request":
                return  # the client has gone
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if more or len(body) > self.most or (declared.isdecimal() and int(declared) > self.most):
            answer = problem(413, f"The request is larger than {self.most:,} bytes", "Send less at once.")
        await answer(scope, replay(bytes(body), receive), send)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that brings this body first."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed


class RootPath:
    """ASGI middleware for a page that a proxy shows below a path: only this, and what makes addresses, knows it.

    Requests come with the path or without it, as the proxy passes them on. Addresses and cookies that go out get it.
    """

    def __init__(self, app: ASGIApp, root: str) -> None:
        self.app, self._root = app, root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path == self._root:  # what the page names beside itself would lie above it
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


class OwnOrigin:
    """ASGI middleware that refuses requests to change something which another page's script or form sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        answer: ASGIApp = self.app
        if scope["type"] == "http":
            try:
                same_origin(Request(scope))
            except InputError as error:
                answer = problem(403, error.problem, error.fix)
        await answer(scope, receive, send)


def assets() -> APIRouter:
    """Serve the scripts and style sheets of this package below /cw/, and what leads to a conversation below /c/.

    Browsers ask each time whether a script changed.
    """
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


class PageServer:
    """A bound port and the page to serve on it.

    Args:
        build: makes the page; called after the port is bound, so that a taken port costs no model load.
        host: name or address to listen on.
        port: port to listen on, 0 for any free one.
        password: what visitors must know, "" for nothing; without one only this machine can be listened to.
        keys: of the index; where there is one at the start, everybody must have one or know the password.
        allowed_hosts: names besides localhost and `host` that a request's Host header may give; any with a password.
        on_ready: called with the page's address once it accepts connections.
        on_end: called when it accepts none any more.
        limits: of connections.
        root_path: path below which a proxy shows the page, "" for none.
        trusted_proxies: addresses and networks, joined by ",", that say who asks and whether over TLS; "" for none.

    Raises:
        InputError: the port is taken or not allowed, the host is not one of this machine, or other machines reach it
            and there is no password.
    """

    def __init__(
        self,
        build: Callable[[], Site],
        *,
        host: str = "127.0.0.1",
        port: int = 7860,
        password: str = "",
        allowed_hosts: Sequence[str] = (),
        on_ready: Callable[[str], None] = lambda _: None,
        on_end: Callable[[], None] = lambda: None,
        limits: Limits | None = None,
        root_path: str = "",
        trusted_proxies: str = "",
        keys: Keys | None = None,
    ) -> None:
        closed = bool(password or (keys and keys.all()))
        self._socket = bind(host, port)
        address, self.port = self._socket.getsockname()[:2]
        try:
            require_password(host, address, closed=closed)
        except InputError:
            self._socket.close()
            raise
        self._password, self._keys, self._closed = password, keys, closed
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self.port}"
        self._build, self._on_ready, self._on_end = build, on_ready, on_end
        # Names keep out pages whose own name leads here (DNS rebinding). A password does so too, as they have no cookie
        # for it; and the names under which other machines or a proxy reach this one are not known here.
        self._hosts = ["*"] if closed else [*LOCAL_HOSTS, name, *allowed_hosts]
        self._limits = limits or Limits()
        self._root, self._proxies = root_path, trusted_proxies
        self._clean_up: Callable[[], None] = lambda: None  # once the page is mounted
        self._server: _Server | None = None
        self._stopped = False

    def run(self) -> None:
        """Serve until `stop` or Ctrl-C, which ends as KeyboardInterrupt once connections are closed."""
        try:
            app = asyncio.run(self._mount())
            open_to = Door(app, self._password, self._keys) if self._closed else app
            limited = BodyLimit(TrustedHostMiddleware(open_to, allowed_hosts=self._hosts))
            config = Config(
                SecurityHeaders(AtOnce(RootPath(limited, self._root) if self._root else limited, self._limits)),
                self._limits,
                self._proxies,
                log_config=None,
                log_level="critical",  # cutting open streams at the end is logged as an error
                server_header=False,
                timeout_graceful_shutdown=SHUTDOWN_S,
            )
            self._server = _Server(config, lambda: self._on_ready(self.url), self._end)
            self._server.should_exit = self._stopped  # while the page was built
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()
            self._clean_up()

    def _end(self) -> None:
        self._on_end()
        self._clean_up()

    async def _mount(self) -> ASGIApp:
        """Build the page in a running event loop: outside of one, Gradio opens loops and closes none."""
        site = self._build()  # first: models load in a thread of it while Gradio, which takes seconds, is imported
        from citewire.ui.page import mount_page, remove_cache

        def clean_up() -> None:
            site.on_end()
            remove_cache()

        self._clean_up = clean_up
        return mount_page(site)

    def stop(self) -> None:
        """Make `run`, in another thread, return; before it serves, as soon as it would."""
        self._stopped = True
        if self._server:
            self._server.should_exit = True


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None], on_end: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready, self._on_end = on_ready, on_end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_end()  # here, as SIGTERM ends the process right after this
        await super().shutdown(sockets=sockets)


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; see `PageServer` for the errors."""
    if not 0 <= port <= 65535:
        raise InputError(f"Port {port} does not exist", "Choose one from 1024 to 65535 with --port.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
        # Connections take this over. Else the body of an answer, sent after its headers, waits 40 ms for their receipt:
        # asyncio sets it only where a socket names its protocol.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            other = port + 1 if port < 65535 else port - 1
            problem = f"Port {port} on {host} is taken by another program"
            raise InputError(problem, f"End that program or choose another port: --port {other}.") from error
        if error.errno == errno.EACCES:
            problem = f"Port {port} is reserved for the system"
            raise InputError(problem, "Choose one from 1024 up, such as --port 7860.") from error
        problem = f"Cannot listen on host {host!r}: {error.strerror}"
        raise InputError(problem, "Choose an address of this machine, such as --host 127.0.0.1.") from error
