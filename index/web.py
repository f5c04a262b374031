"""Web addresses -> bytes, protected against server-side request forgery (requests to hosts of the private network).

Knows HTTP, IP addresses and robots.txt; does not know what the bytes mean. At every redirect the host is resolved once,
all its addresses must be public, and the connection goes to a checked address, with the host's name in the Host header
and in TLS; so a second DNS answer (DNS rebinding) has no effect. Proxies and credentials of the environment are not
used, and cookies are not kept.
"""

from __future__ import annotations

import asyncio
import posixpath
import re
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from email.message import Message
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.robotparser import RobotFileParser

import httpx

from citewire.index.documents import UnusableError, one_line, too_large
from citewire.index.errors import InputError
from citewire.index.formats import FORMATS

AGENT = "citewire"
PORTS = frozenset({80, 443})
MAX_REDIRECTS = 5
MAX_ROBOTS_BYTES = 500 * 1024  # the least that RFC 9309, section 2.5, requires to be read
SECONDS = 30.0  # most seconds for one address, with all its redirects
CHUNK = 1 << 16

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: IPv4 in the last 32 bits
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")  # RFC 8215: local to a site, may stand for any address
_TYPES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "application/pdf": ".pdf",
    "application/epub+zip": ".epub",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/rss+xml": ".xml",
    "application/atom+xml": ".xml",
    "application/rdf+xml": ".xml",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "message/rfc822": ".eml",
    "application/json": ".json",
    "application/jsonl": ".jsonl",
    "application/x-ndjson": ".jsonl",
    "text/csv": ".csv",
    "application/zip": ".zip",
}
_UNSAFE = re.compile(r"[^A-Za-z0-9._~%=&?,+-]")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

IPAddress = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Page:
    """A downloaded page or a read file.

    Attributes:
        data: the body, decompressed.
        url: the address after all redirects, "" for a file.
        format: a value of `formats.FORMATS`.
        charset: the encoding that the server states, "" if it states none.
    """

    data: bytes
    url: str
    format: str
    charset: str = ""


@dataclass(frozen=True, slots=True)
class _Response:
    status: int
    headers: httpx.Headers
    data: bytes


def is_public(address: IPAddress) -> bool:
    """Whether `address`, or the IPv4 address embedded in it (mapped, NAT64, 6to4, Teredo), is on the open internet."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner:
            return is_public(inner)
        if address in _LOCAL_NAT64 or address.is_site_local or int(address) >> 32 == 0:  # ::a.b.c.d
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def article_path(url: str) -> str:
    """Return the article path of an address: host and path, `example.org/news/story.html`. Raises: InputError."""
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise InputError(f"{one_line(url)} is not a web address: {error}", "Write https://host/path") from error
    if not parts.host:
        raise InputError(f"{one_line(url)} is not a web address: it has no host", "Write https://host/path")
    path, _, query = parts.raw_path.decode("ascii").partition("?")
    names = [name for name in path.split("/") if name not in ("", ".", "..")]
    host = parts.host if parts.port is None else f"{parts.host}_{parts.port}"
    return "/".join(_UNSAFE.sub("_", name) for name in (host, *names)) + (
        f"?{_UNSAFE.sub('_', query)}" if query else ""
    )


class Fetcher:
    """Fetches web addresses one at a time; caches each site's robots.txt."""

    def __init__(
        self,
        *,
        max_bytes: int = 100_000_000,
        seconds: float = SECONDS,
        allowed: Callable[[IPAddress], bool] = is_public,
        ports: frozenset[int] = PORTS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Connect to nothing yet.

        Args:
            max_bytes: most bytes of a decompressed body.
            seconds: most wall clock of one `fetch`.
            allowed: whether an address may be connected to.
            ports: ports that may be connected to.
            tls: the trusted certificates; None for those of certifi.
        """
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._allowed = allowed
        self._ports = ports
        self._tls = tls or httpx.create_ssl_context(trust_env=False)
        self._robots: dict[str, RobotFileParser] = {}

    def fetch(self, url: str) -> Page:
        """Return the page that `url` and its redirects lead to. Do not call it from a running event loop.

        Raises:
            UnusableError: the address, port or scheme is not allowed, robots.txt forbids it, the server fails, or the
                page is too large, too slow or of an unknown type.
        """
        try:
            return asyncio.run(self._within(url))
        except TimeoutError as error:
            raise UnusableError(f"took longer than {self._seconds:g} seconds to fetch", "Try again later") from error

    async def _within(self, url: str) -> Page:
        async with asyncio.timeout(self._seconds):
            last, response = await self._follow(url, self._max_bytes, robots=True)
        if response.status != 200:
            raise UnusableError(f"was answered with HTTP status {response.status}", "Check the address")
        return _page(last, response)

    async def _follow(self, url: str, most: int, *, robots: bool) -> tuple[httpx.URL, _Response]:
        """Return the last address and its response; with `robots`, every redirect obeys its site's robots.txt."""
        here = _parsed(url)
        for _ in range(MAX_REDIRECTS + 1):
            if robots:
                await self._check_robots(here)
            response = await self._get(here, most)
            if response.status not in _REDIRECTS or "location" not in response.headers:
                return here, response
            here = _parsed(response.headers["location"], here)
        raise UnusableError(f"redirects more than {MAX_REDIRECTS} times", "Name the last address")

    async def _check_robots(self, url: httpx.URL) -> None:
        site = f"{url.scheme}://{url.netloc.decode('ascii')}"
        if site not in self._robots:
            self._robots[site] = await self._read_robots(f"{site}/robots.txt")
        if not self._robots[site].can_fetch(AGENT, str(url)):
            raise UnusableError(f"is closed to programs by {site}/robots.txt", "Save the page by hand")

    async def _read_robots(self, url: str) -> RobotFileParser:
        """Read robots.txt; a missing file (4xx) allows everything, a failing server (5xx) nothing (RFC 9309, 2.3.1)."""
        rules = RobotFileParser()
        try:
            _, response = await self._follow(url, MAX_ROBOTS_BYTES, robots=False)
        except UnusableError as error:
            raise UnusableError(f"{error.reason} ({url})", error.fix) from error
        if response.status == 200:
            rules.parse(response.data.decode("utf-8", "replace").removeprefix("\ufeff").splitlines())
        elif 400 <= response.status < 500:
            rules.parse([])
        else:
            raise UnusableError(f"{url} was answered with HTTP status {response.status}", "Try again later")
        return rules

    async def _get(self, url: httpx.URL, most: int) -> _Response:
        """Request `url` from the host's addresses in turn until one accepts the connection.

        Raises:
            UnusableError: an address is not allowed, none answers, or the answer is broken or too large.
        """
        problem: Exception | None = None
        for address in await self._checked_addresses(url):
            try:
                return await self._request(url, address, most)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                problem = error
            except httpx.HTTPError as error:
                raise _unfetched(error) from error
        raise _unfetched(problem) from problem

    async def _request(self, url: httpx.URL, address: IPAddress, most: int) -> _Response:
        headers = {"Host": url.netloc.decode("ascii"), "User-Agent": AGENT, "Accept-Encoding": "gzip"}
        fixed = url.copy_with(host=str(address), username=None, password=None, fragment=None)
        timeout = httpx.Timeout(self._seconds, connect=self._seconds / 4)
        async with (
            httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=timeout, verify=self._tls) as client,
            client.stream("GET", fixed, headers=headers, extensions={"sni_hostname": url.host}) as response,
        ):
            return _Response(response.status_code, response.headers, await _body(response, most))

    async def _checked_addresses(self, url: httpx.URL) -> list[IPAddress]:
        """Resolve the host of `url` once; refuse it if any of its addresses is not allowed. Raises: UnusableError."""
        port = url.port or (443 if url.scheme == "https" else 80)
        if port not in self._ports:
            raise UnusableError(f"leads to port {port} of {url.host}", "Name an address of port 80 or 443")
        try:
            found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise _not_public(url) from error
        addresses = [ip_address(str(place[0]).partition("%")[0]) for *_, place in found]
        for address in addresses:
            if not self._allowed(address):
                raise _not_public(url)
        return list(dict.fromkeys(addresses))


def _not_public(url: httpx.URL) -> UnusableError:
    """The error for a host that is unknown or internal; the same for both, so that nobody learns internal names."""
    return UnusableError(
        f"names the host {url.host}, which is not on the open internet", "Check the address, or save the page by hand"
    )


def _unfetched(error: Exception | None) -> UnusableError:
    said = f"{type(error).__name__}: {error}" if error else "it has no address"
    return UnusableError(f"cannot be fetched: {one_line(said)}", "Check the address, or try again later")


def _parsed(url: str, base: httpx.URL | None = None) -> httpx.URL:
    try:
        parsed = base.join(url) if base is not None else httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise UnusableError(f"leads to {one_line(url)!r}, which is no web address", "Check the address") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise UnusableError(f"leads to {one_line(url)!r}, which is not http or https", "Name a web address")
    return parsed


async def _body(response: httpx.Response, most: int) -> bytes:
    """Return the decompressed body of at most `most` bytes. Raises: UnusableError."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip", ""):
        raise UnusableError(f"was sent as {one_line(coding)!r}, which was not asked for", "Save the page by hand")
    data = bytearray()
    async for piece in _plain(response.aiter_raw(CHUNK), coding.endswith("gzip"), most):
        data += piece
        if len(data) > most:
            raise too_large(f"more than {most:,} bytes", "Save the part that matters")
    return bytes(data)


async def _plain(pieces: AsyncIterator[bytes], zipped: bool, most: int) -> AsyncIterator[bytes]:
    inflater = zlib.decompressobj(wbits=31)  # gzip
    async for piece in pieces:
        if not zipped:
            yield piece
            continue
        try:
            yield inflater.decompress(piece, most + 1)
        except zlib.error as error:
            raise UnusableError(f"was sent broken: {error}", "Try again later") from error
    if zipped and not inflater.eof:
        raise UnusableError("was sent broken: it ends early", "Try again later")


def _page(url: httpx.URL, response: _Response) -> Page:
    header = Message()
    header["Content-Type"] = response.headers.get("content-type", "")
    stated = header.get_content_type() if response.headers.get("content-type") else ""
    suffix = FORMATS.get(posixpath.splitext(url.path)[1].lower(), "")
    kind = _TYPES.get(stated, "")
    if kind in ("", ".txt") and suffix:  # many servers send .md, .jsonl or .csv as text/plain
        kind = suffix
    if not kind:
        raise UnusableError(f"is of the type {one_line(stated) or 'that the server does not name'}", "Name an article")
    address = str(url.copy_with(fragment=None))
    return Page(response.data, address, kind, header.get_content_charset(""))
