"""Addresses are fetched from real local servers; an address that the policy refuses is never connected to."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from attacks import NO_WEB_PAGES, OWN_MACHINE, PRIVATE_ADDRESSES, REDIRECTS
from documents import page
from websites import Handler, Site, fetcher

from citewire.index.articles import ReadOptions, read_articles
from citewire.index.documents import Document, UnusableError
from citewire.index.errors import InputError
from citewire.index.formats import Request
from citewire.index.sandbox import Sandbox
from citewire.index.types import Article
from citewire.index.web import Fetcher, article_path, is_public


def refusal(fetch: Fetcher, url: str) -> str:
    with pytest.raises(UnusableError) as caught:
        fetch.fetch(url)
    assert caught.value.fix
    return caught.value.reason


@dataclass
class Names:
    """A fake name server: host -> addresses of each answer in turn; the last answer repeats."""

    answers: dict[str, list[list[str]]]
    asked: list[str] = field(default_factory=list)

    async def getaddrinfo(self, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        self.asked.append(host)
        answers = self.answers[host]
        now = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(None, None, None, "", (address, port)) for address in now]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Names]:
    """Return a function that sets the answers for some hosts; other names are resolved as usual."""
    real = asyncio.BaseEventLoop.getaddrinfo

    def known(answers: dict[str, list[list[str]]]) -> Names:
        server = Names(answers)

        async def getaddrinfo(self: asyncio.BaseEventLoop, host: str, port: int, **asked: Any) -> Any:
            if host in answers:
                return await server.getaddrinfo(host, port)
            return await real(self, host, port, **asked)

        monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
        return server

    return known


# -- the policy ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_an_address_that_is_not_on_the_open_internet_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "8.8.8.8",
        "93.184.216.34",
        "2606:4700:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2a00:1450::1",
    ],
)
def test_an_address_of_the_open_internet_is_allowed(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("host", OWN_MACHINE)
def test_the_own_machine_is_refused_however_it_is_written(site: Site, host: str) -> None:
    fetch = Fetcher(ports=frozenset({site.port}))
    assert "which is not on the open internet" in refusal(fetch, f"http://{host}:{site.port}/")
    assert site.seen == []


@pytest.mark.parametrize(("url", "reason"), NO_WEB_PAGES)
def test_other_ports_schemes_and_hosts_are_refused(url: str, reason: str) -> None:
    assert reason in refusal(Fetcher(), url)


# -- pages --------------------------------------------------------------------------------------------------


def test_a_page_is_fetched_with_its_last_address_and_type(site: Site) -> None:
    site.html("/news/dam?x=1", page(), Content_Type="text/html; charset=utf-8")
    start = site.redirect("/start", "/news/dam?x=1#top")
    found = fetcher(site).fetch(start)
    assert (found.data, found.url, found.format) == (page(), site.at("/news/dam?x=1"), ".html")
    assert {headers["User-Agent"] for _, headers in site.seen} == {"citewire"}
    assert not any("Cookie" in headers or "Authorization" in headers for _, headers in site.seen)


def test_proxies_cookies_and_credentials_are_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.html("/end")
    site.answers["/start"] = (302, {"Location": "/end", "Set-Cookie": "a=b"}, b"")
    fetcher(site).fetch(site.at("/start").replace("http://", "http://user:secret@"))
    assert site.paths == ["/start", "/end"]
    assert not any("Cookie" in headers or "Authorization" in headers for _, headers in site.seen)


@pytest.mark.parametrize(
    ("path", "stated", "kind"),
    [
        ("/a", "text/html", ".html"),
        ("/a", "application/pdf", ".pdf"),
        ("/feed", "application/rss+xml; charset=utf-8", ".xml"),
        ("/a.jsonl", "text/plain", ".jsonl"),
        ("/a.epub", "application/octet-stream", ".epub"),
        ("/a.pdf", "text/html", ".html"),  # an error page or a PDF viewer
        ("/a.docx", "", ".docx"),
        ("/a", "text/plain", ".txt"),
    ],
)
def test_the_format_is_that_of_the_server_before_that_of_the_name(
    site: Site, path: str, stated: str, kind: str
) -> None:
    site.answers[path] = (200, {"Content-Type": stated} if stated else {}, b"x")
    assert fetcher(site).fetch(site.at(path)).format == kind


def test_an_encoding_that_the_server_names_is_undone_where_the_page_is_read(site: Site) -> None:
    site.html("/a", "Grüße".encode("cp1252"), Content_Type="text/plain; charset=windows-1252")
    for name in ("nonsense", "undefined", "idna", "hex"):
        site.html(f"/{name}", b"abc", Content_Type=f"text/plain; charset={name}")
    page = fetcher(site).fetch(site.at("/a"))
    assert (page.data, page.charset) == ("Grüße".encode("cp1252"), "windows-1252")
    with Sandbox() as sandbox:
        (found,) = sandbox.read(page.data, Request(page.format, "a", charset=page.charset))
        assert found == Document("Grüße")
        for name in ("nonsense", "undefined", "idna", "hex"):
            page = fetcher(site).fetch(site.at(f"/{name}"))
            assert list(sandbox.read(page.data, Request(page.format, "a", charset=page.charset))) == [Document("abc")]


@pytest.mark.slow
def test_compressed_bodies_are_undone_within_the_limit(site: Site) -> None:
    small = fetcher(site, max_bytes=1_000_000)
    site.html("/good", gzip.compress(b"x" * 1_000_000), Content_Encoding="gzip")
    assert small.fetch(site.at("/good")).data == b"x" * 1_000_000
    site.html("/bomb", gzip.compress(b"x" * 100_000_000), Content_Encoding="gzip")
    assert refusal(small, site.at("/bomb")) == "is too large: more than 1,000,000 bytes"
    site.html("/large", b"x" * 1_000_001)
    assert refusal(small, site.at("/large")) == "is too large: more than 1,000,000 bytes"
    site.html("/broken", b"no gzip", Content_Encoding="gzip")
    assert refusal(small, site.at("/broken")).startswith("was sent broken")
    site.html("/cut", gzip.compress(b"x" * 1_000)[:-9], Content_Encoding="gzip")
    assert refusal(small, site.at("/cut")) == "was sent broken: it ends early"
    site.html("/br", b"x", Content_Encoding="br")
    assert refusal(small, site.at("/br")) == "was sent as 'br', which was not asked for"


def test_errors_of_the_server_are_refusals(site: Site) -> None:
    assert refusal(fetcher(site), site.at("/gone")) == "was answered with HTTP status 404"
    site.answers["/pic"] = (200, {"Content-Type": "image/png"}, b"x")
    assert refusal(fetcher(site), site.at("/pic")) == "is of the type image/png"
    site.answers["/cut"] = lambda handler: handler.wfile.flush()
    assert refusal(fetcher(site), site.at("/cut")).startswith("cannot be fetched: RemoteProtocolError")


@pytest.mark.slow
@pytest.mark.parametrize("part", ["head", "body"])
def test_a_server_that_drips_is_left_after_the_time(site: Site, part: str) -> None:
    done = threading.Event()

    def drip(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.0 200 OK\r\n" + (b"\r\n" if part == "body" else b"X: "))
        while not done.wait(0.02):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    site.answers["/slow"] = drip
    try:
        assert refusal(fetcher(site, seconds=1.0), site.at("/slow")) == "took longer than 1 seconds to fetch"
    finally:
        done.set()


# -- redirects and names ------------------------------------------------------------------------------------


def test_five_redirects_are_followed_and_six_are_not(site: Site) -> None:
    site.html("/0")
    for number in range(1, 7):
        site.redirect(f"/{number}", f"/{number - 1}", status=(301, 302, 303, 307, 308)[number % 5])
    assert fetcher(site).fetch(site.at("/5")).url == site.at("/0")
    assert refusal(fetcher(site), site.at("/6")) == "redirects more than 5 times"


@pytest.mark.parametrize(("to", "reason"), REDIRECTS)
def test_every_hop_of_a_redirect_is_checked(site: Site, names: Callable[..., Names], to: str, reason: str) -> None:
    names({"inner.example": [["10.0.0.5"]], "both.example": [["127.0.0.1", "10.0.0.5"]]})
    start = site.redirect("/start", to.format(port=site.port))
    assert reason in refusal(fetcher(site), start)
    assert site.paths == ["/start"]


def test_a_name_is_resolved_once_and_the_connection_goes_to_what_was_checked(
    site: Site, names: Callable[..., Names]
) -> None:
    server = names({"d.example": [["127.0.0.1"], ["127.0.0.1"], ["10.0.0.5"]]})  # robots.txt, the page, then rebinding
    site.html("/a")
    fetch = fetcher(site)
    assert fetch.fetch(site.at("/a", "d.example")).url == site.at("/a", "d.example")
    assert server.asked == ["d.example", "d.example"]
    assert {headers["Host"] for _, headers in site.seen} == {f"d.example:{site.port}"}
    assert "which is not on the open internet" in refusal(fetch, site.at("/a", "d.example"))


def test_the_next_address_of_a_host_is_tried_where_one_does_not_answer(site: Site, names: Callable[..., Names]) -> None:
    names({"d.example": [["127.0.0.9", "127.0.0.1"]], "dead.example": [["127.0.0.9"]]})
    site.html("/a")
    fetch = fetcher(site, allowed=lambda address: address.is_loopback)
    assert fetch.fetch(site.at("/a", "d.example")).data == b"<p>x"
    assert refusal(fetch, site.at("/a", "dead.example")).startswith("cannot be fetched: ConnectError")


CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBjjCCATSgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1kYWlseS5l
eGFtcGxlMCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYD
VQQDDA1kYWlseS5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEg3WD
UgSzRoN85/E/W/N/gmrbz+T1U0hDJEHl8A03e9/YuYG/70F9MsT8yBwBBvwijEYI
i7BxJGts+ZRs6KOwiKNtMGswGAYDVR0RBBEwD4INZGFpbHkuZXhhbXBsZTAPBgNV
HRMBAf8EBTADAQH/MB0GA1UdDgQWBBTgUIses4bOVbWG/dPgsIqA2/qJODAfBgNV
HSMEGDAWgBTgUIses4bOVbWG/dPgsIqA2/qJODAKBggqhkjOPQQDAgNIADBFAiAU
Y2RbhIvl+26SD49CkdAraoONt+aV8AFBxCKALnbODQIhAPS/yCSWKjoponc88kGk
ev7ohGoOrw9p8V7VooI9SsLG
-----END CERTIFICATE-----
"""
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHzaSQ2sXOUlbWDvf
bEc+vMrRVrrwQHoYrod2dX9m9E6hRANCAASDdYNSBLNGg3zn8T9b83+CatvP5PVT
SEMkQeXwDTd739i5gb/vQX0yxPzIHAEG/CKMRgiLsHEka2z5lGzoo7CI
-----END PRIVATE KEY-----
"""  # for daily.example, only for this test


def test_tls_is_checked_against_the_name_and_not_the_address(
    site: Site, names: Callable[..., Names], tmp_path: Path
) -> None:
    (tmp_path / "cert.pem").write_text(CERTIFICATE + KEY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem")
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    site.socket = context.wrap_socket(site.socket, server_side=True)
    names({"daily.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]})
    site.html("/a")
    fetch = fetcher(site, tls=ssl.create_default_context(cadata=CERTIFICATE))
    assert fetch.fetch(f"https://daily.example:{site.port}/a").data == b"<p>x"
    assert "CERTIFICATE_VERIFY_FAILED" in refusal(fetch, f"https://other.example:{site.port}/a")
    assert set(asked) == {"daily.example", "other.example"}
    assert "CERTIFICATE_VERIFY_FAILED" in refusal(fetcher(site), f"https://daily.example:{site.port}/a")


# -- robots.txt ---------------------------------------------------------------------------------------------


def test_robots_txt_is_honoured_and_read_once(site: Site) -> None:
    site.html("/robots.txt", b"User-agent: *\nDisallow: /all\n\nUser-agent: citewire\nDisallow: /closed\n")
    for path in ("/all", "/open"):
        site.html(path)
    fetch = fetcher(site)
    assert fetch.fetch(site.at("/all")).data == fetch.fetch(site.at("/open")).data == b"<p>x"
    assert refusal(fetch, site.at("/closed/a")) == f"is closed to programs by {site.at('/robots.txt')}"
    assert refusal(fetch, site.redirect("/door", "/closed/b")) == f"is closed to programs by {site.at('/robots.txt')}"
    assert [path for path, _ in site.seen] == ["/robots.txt", "/all", "/open", "/door"]


def test_robots_txt_of_another_site_is_asked_at_a_redirect(site: Site, names: Callable[..., Names]) -> None:
    names({"d.example": [["127.0.0.1"]]})
    site.html("/a")
    fetcher(site).fetch(site.redirect("/start", site.at("/a", "d.example")))
    assert [(path, headers["Host"].partition(":")[0]) for path, headers in site.seen] == [
        ("/robots.txt", "127.0.0.1"),
        ("/start", "127.0.0.1"),
        ("/robots.txt", "d.example"),
        ("/a", "d.example"),
    ]


def test_a_site_whose_robots_txt_fails_is_closed(site: Site) -> None:
    site.html("/a")
    site.answers["/robots.txt"] = (503, {}, b"")
    assert refusal(fetcher(site), site.at("/a")) == f"{site.at('/robots.txt')} was answered with HTTP status 503"
    site.answers["/robots.txt"] = (200, {}, b"#" * 600_000)
    assert refusal(fetcher(site), site.at("/a")).startswith("is too large: more than 512,000 bytes")
    site.redirect("/robots.txt", "http://10.0.0.5/robots.txt")
    assert "leads to port 80 of 10.0.0.5" in refusal(fetcher(site), site.at("/a"))
    assert site.paths == []
    site.answers["/robots.txt"] = (403, {}, b"")
    assert fetcher(site).fetch(site.at("/a")).data == b"<p>x"


# -- articles -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://Daily.Example/news/../dam.html#top", "daily.example/dam.html"),
        ("http://d.example", "d.example"),
        ("http://d.example:8080//a//b/", "d.example_8080/a/b"),
        ("http://d.example/a%2Fb?id=3&x=ü", "d.example/a%2Fb?id=3&x=%C3%BC"),
        ("http://user:pw@d.example/a;b'c", "d.example/a_b_c"),
        ("http://[2606::1]/a", "2606__1/a"),
    ],
)
def test_the_article_path_of_an_address(url: str, path: str) -> None:
    assert article_path(url) == path


@pytest.mark.parametrize("url", ["http://", "http://[::1", "https:///x"])
def test_what_is_no_address_has_no_path(url: str) -> None:
    with pytest.raises(InputError, match="is not a web address"):
        article_path(url)


def test_a_page_and_a_feed_become_articles(site: Site) -> None:
    site.html("/dam", page(), Content_Type="text/html")
    site.answers["/feed"] = (
        200,
        {"Content-Type": "application/rss+xml"},
        b"<rss><channel><title>D</title><item><link>http://d.example/rain</link><description>Rain.</description></item>"
        b"</channel></rss>",
    )
    found = read_articles(
        [site.at("/dam"), site.at("/feed"), site.at("/gone")],
        options=ReadOptions(allow_web=True),
        fetch=fetcher(site).fetch,
    )
    results = [(one.path, one.url) if isinstance(one, Article) else one for one in found]
    assert results[:2] == [
        (f"127.0.0.1_{site.port}/dam", site.at("/dam")),
        (f"127.0.0.1_{site.port}/feed#rain", "http://d.example/rain"),
    ]
    assert "status 404" in str(results[2])


def test_the_own_machine_is_refused_from_the_front_door_on(site: Site) -> None:
    (found,) = read_articles([f"http://127.0.0.1:{site.port}/"], options=ReadOptions(allow_web=True))
    assert "leads to port" in str(found)
    (found,) = read_articles(["http://127.0.0.1/"], options=ReadOptions(allow_web=True))
    assert "which is not on the open internet" in str(found)
    assert site.seen == []
