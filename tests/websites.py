"""A real web server on this machine, and a fetcher that may only connect to it."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

from citewire.index.web import Fetcher, IPAddress

Answer = tuple[int, dict[str, str], bytes] | Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers from the site's table; any other path is 404."""

    server: Site

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        answer = self.server.answers.get(self.path, (404, {}, b""))
        if callable(answer):
            answer(self)
            return
        status, headers, body = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


class Site(ThreadingHTTPServer):
    """A server on a free port of 127.0.0.1 with a table of answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.port = self.server_address[1]

    def html(self, path: str, body: bytes = b"<p>x", **headers: str) -> str:
        """Make `path` answer with an HTML page; return its address."""
        stated = {"Content-Type": "text/html"} | {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = (200, stated, body)
        return self.at(path)

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        self.answers[path] = (status, {"Location": to}, b"")
        return self.at(path)

    def at(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        """The requested paths, without robots.txt."""
        return [path for path, _ in self.seen if path != "/robots.txt"]


LOOPBACK = ip_address("127.0.0.1")


def only_loopback(address: IPAddress) -> bool:
    return address == LOOPBACK


def fetcher(site: Site, **asked: Any) -> Fetcher:
    return Fetcher(**{"allowed": only_loopback, "ports": frozenset({site.port}), "seconds": 20.0, **asked})
