"""The page's web server: binds a port, starts and stops.

Knows ASGI and uvicorn, not Gradio (`citewire.ui.page` does). Prints nothing: the command line does.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp

from citewire.index.errors import InputError
from citewire.ui.access import Door, require_password
from citewire.ui.connections import AtOnce, Config, Limits
from citewire.ui.middleware import BodyLimit, RootPath, SecurityHeaders

if TYPE_CHECKING:
    from citewire.ui.keys import Keys
    from citewire.ui.page import Site

LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
SHUTDOWN_S = 1  # open event streams are cut after this; each open page holds one


class PageServer:
    """A bound port and the page that is served on it.

    Args:
        build: builds the page; called after the port is bound, so that a taken port fails before the models load.
        host: name or address to listen on.
        port: port to listen on, 0 for any free one.
        password: password of visitors, "" for none; without password and keys only local addresses are allowed.
        keys: keys of the index; if there is any at the start, everybody needs a key or the password.
        on_ready: called with the page's URL once it accepts connections.
        on_end: called when it stops accepting connections.
        limits: limits of connections.
        root_path: path below which a reverse proxy serves the page, "" for none.
        trusted_proxies: addresses and networks, joined by ",", whose X-Forwarded-* headers are trusted; "" for none.

    Raises:
        InputError: the port is taken or not allowed, the host is not an address of this machine, or other machines
            can reach it without a password or key.
    """

    def __init__(
        self,
        build: Callable[[], Site],
        *,
        host: str = "127.0.0.1",
        port: int = 7860,
        password: str = "",
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
        # Checking the Host header stops DNS rebinding. With a password or keys that is not needed, as a foreign page
        # lacks the cookie; and the names that other machines or a proxy use for this one are unknown.
        self._hosts = ["*"] if closed else [*LOCAL_HOSTS, name]
        self._limits = limits or Limits()
        self._root, self._proxies = root_path, trusted_proxies
        self._clean_up: Callable[[], None] = lambda: None  # set when the page is mounted
        self._server: _Server | None = None
        self._stopped = False

    def run(self) -> None:
        """Serve until `stop` or Ctrl-C; Ctrl-C raises KeyboardInterrupt after connections are closed."""
        try:
            app = asyncio.run(self._mount())
            open_to = Door(app, self._password, self._keys) if self._closed else app
            limited = BodyLimit(TrustedHostMiddleware(open_to, allowed_hosts=self._hosts))
            config = Config(
                SecurityHeaders(AtOnce(RootPath(limited, self._root) if self._root else limited, self._limits)),
                self._limits,
                self._proxies,
                log_config=None,
                log_level="critical",  # uvicorn logs the cut of open streams as an error
                server_header=False,
                timeout_graceful_shutdown=SHUTDOWN_S,
            )
            self._server = _Server(config, lambda: self._on_ready(self.url), self._end)
            self._server.should_exit = self._stopped  # `stop` may have been called while the page was built
            self._server.run(sockets=[self._socket])
        finally:
            self._socket.close()
            self._clean_up()

    def _end(self) -> None:
        self._on_end()
        self._clean_up()

    async def _mount(self) -> ASGIApp:
        """Build the page in a running event loop: without one, Gradio opens loops and never closes them."""
        site = self._build()  # first: models load while Gradio is imported, which takes seconds
        from citewire.ui.page import mount_page, remove_cache

        def clean_up() -> None:
            site.on_end()
            remove_cache()

        self._clean_up = clean_up
        return mount_page(site)

    def stop(self) -> None:
        """Make `run`, in another thread, return; may be called before it serves."""
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
    """Return a listening socket.

    Args:
        host: an address of this machine, IPv4 or IPv6, or its name.
        port: 0 for any free one.

    Raises:
        InputError: the port does not exist, is taken or is reserved, or the host has no such address.
    """
    if not 0 <= port <= 65535:
        raise InputError(f"Port {port} does not exist", "Choose one from 1024 to 65535 with --port.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
        # Connections inherit this. Without it the body of a response waits 40 ms for the ACK of its headers; asyncio
        # sets it only for sockets created with an explicit protocol.
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
