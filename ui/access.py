"""Access control: who may open the page, and what each visitor may see and change; ASGI middleware around the page.

Session tokens are random ids in memory. A library that signs cookies could not end a single session, and would need a
key that survives restarts. Knows HTTP and the sign-in page, not the application behind it.

    GET  /login     ?next=    the sign-in page
    POST /login     password, next    -> a session cookie and a redirect to `next`; a key is accepted as password
    POST /logout    ends the session

Programs send `Authorization: Bearer PASSWORD` or a key with each request instead. Only `OPEN` and links to shared
conversations are open to everybody. Each kind of client has an allowlist here, and everything else is refused: a key
without admin rights only asks and reads, and a key for some articles reaches only the routes that hide the others.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import math
import re
import secrets
import time
from collections import deque
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import parse_qs, parse_qsl, quote, urlencode

from cachetools import LRUCache, TTLCache
from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from citewire.index.errors import CitewireError, InputError
from citewire.ui.keys import PASSWORD, Key, Keys
from citewire.ui.tree import document, el
from citewire.ui.visitor import GUEST, HARMLESS, Guest, address_of, on_headers, problem, same_origin

log = logging.getLogger("citewire.ui.access")

SESSION = "citewire_session"
LOGIN, LOGOUT = "/login", "/logout"
OPEN = "/healthz"  # open without a password, like the sign-in page; it only says that the process runs
SHARED = re.compile(r"/shared/[A-Za-z0-9_-]{43}")  # a link to a conversation; its 256 random bits are the secret
IDLE_S = 12 * 3600  # an unused session ends after this
MOST_SESSIONS = 1_000  # with more sessions, the least recently used one ends
FREE_TRIES = 5  # wrong passwords from one address before it must wait; each further one doubles the wait
FIRST_WAIT_S, LONGEST_WAIT_S = 10, 900
FORGET_S = 3600  # wrong passwords are forgotten after this
# Wrong passwords from all addresses in FORGET_S; beyond that, only addresses that signed in before may try.
MOST_WRONG = 100
MOST_PLACES = 10_000
MOST_BYTES = 4_096  # largest sign-in form
_TOKEN_BYTES = 32
_OWN = re.compile(r"/(?![/\\])[!-\[\]-~]*")  # printable ASCII without blanks and without \, which browsers read as /
_NOT_KEPT = {"Cache-Control": "no-store"}

# Requests other than GET that only ask or read. A read-only page refuses all others as changes.
ASKING = re.compile(
    r"/mcp|/v1/(?:ask|search|chat/completions)|/gradio_api/(?:queue/join|run/predict|component_server)/?"
)

# Further requests of visitors without admin rights: those for their own conversations.
OWN = re.compile(r"/conversations/[^/]+(?:/link)?|/feedback")
# All routes that a key for some articles can reach. Each of them hides the other articles (`Guest.articles`).
REACHED = re.compile(
    r"/mcp|/readyz|/v1/(?:ask|search|chat/completions|models|status|openapi\.json|articles(?:/.*)?)", re.DOTALL
)

Clock = Callable[[], float]


class WrongError(InputError):
    """The password is wrong, or the key does not open this page."""


class WaitError(InputError):
    """A password is not checked, because too many were wrong.

    Attributes:
        seconds: seconds until the next one is checked.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = math.ceil(seconds)
        super().__init__("Too many wrong passwords were sent", f"Try again in {self.seconds} seconds.")


def require_password(host: str, address: str, *, closed: bool) -> None:
    """Refuse to listen for other machines without a password.

    Args:
        host: the host in the settings.
        address: its IP address.
        closed: whether a password or a key is required.

    Raises:
        InputError: other machines can reach the address, and no password or key is required.
    """
    if not closed and not ip_address(address).is_loopback:
        raise InputError(
            f"Other machines can reach the page on host {host!r}, and it has no password",
            "Set CITEWIRE_PASSWORD (or --password), make keys (citewire keys add NAME), or listen on this machine"
            " alone with --host 127.0.0.1.",
        )


class SignIns:
    """The open sessions. Only hashes of tokens are stored, so a reader of this memory cannot sign in."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._keys: TTLCache[bytes, str] = TTLCache(MOST_SESSIONS, IDLE_S, clock)  # hashed token -> hash of the key

    def begin(self, key: str = "") -> str:
        """Return the token of a new session; `key` is the hash of the key that opened it, "" for the password."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._keys[_digest(token)] = key
        return token

    def key_of(self, token: str) -> str | None:
        """Return the hash of the key that opened a session ("" for the password) and extend it; None if it is over."""
        key: str | None = self._keys.pop(_digest(token), None)
        if key is not None:
            self._keys[_digest(token)] = key
        return key

    def end(self, token: str) -> None:
        """End a session if it exists."""
        self._keys.pop(_digest(token), None)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


class Tries:
    """How long an address must wait until its next password is checked.

    A right password does not reset the count, because somebody else at the same address may be guessing.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        # address -> number of wrong passwords, and time of the last one
        self._wrong: TTLCache[str, tuple[int, float]] = TTLCache(MOST_PLACES, FORGET_S, clock)
        self._newest: deque[float] = deque(maxlen=MOST_WRONG)  # times of the last wrong passwords from all addresses
        self._known: LRUCache[str, bool] = LRUCache(MOST_PLACES)  # addresses from which somebody has signed in

    def wait(self, place: str) -> float:
        """Return the seconds until a password is checked, 0 for now."""
        number, last = self._wrong.get(place, (0, 0.0))
        own = 0.0
        if number >= FREE_TRIES:
            own = last + min(FIRST_WAIT_S * 2.0 ** min(number - FREE_TRIES, 20), LONGEST_WAIT_S) - self._clock()
        full = len(self._newest) == MOST_WRONG and place not in self._known
        return max(0.0, own, self._newest[0] + FORGET_S - self._clock() if full else 0.0)

    def note(self, place: str, *, right: bool) -> None:
        """Take note of a password that was looked at.

        Args:
            place: where it came from.
            right: whether it was the right one.
        """
        if right:
            self._known[place] = True
        else:
            self._newest.append(self._clock())
            self._wrong[place] = self._wrong.get(place, (0, 0.0))[0] + 1, self._clock()


class Door:
    """ASGI middleware that admits signed-in visitors, and requests with the password or a key, with their rights.

    Args:
        app: the application behind it.
        password: "" if only keys are accepted.
        keys: the keys of the index, None if only the password is accepted.
    """

    def __init__(self, app: ASGIApp, password: str = "", keys: Keys | None = None) -> None:
        self.app = app
        self.sessions, self.tries = SignIns(), Tries()
        self._password, self._keys = bool(password), keys
        self._salt = secrets.token_bytes(16)
        self._hash = self._hashed(password.encode())
        self._checking = asyncio.Lock()  # one check at a time: otherwise simultaneous tries would all be free

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            answer = await self._answer(HTTPConnection(scope))
            if isinstance(answer, Guest):
                await self.app({**scope, GUEST: answer}, receive, send)
            else:
                await WebSocketClose()(scope, receive, send)
        else:
            answer = await self._answer(Request(scope, receive))
            if isinstance(answer, Guest):
                await self.app({**scope, GUEST: answer}, receive, on_headers(send, _unkept))
            else:
                answer.headers.update(_NOT_KEPT)
                await answer(scope, receive, send)

    async def _answer(self, connection: HTTPConnection) -> Response | Guest:
        """Return the client if it may pass, else the response that replaces the page."""
        path, pages = connection.scope["path"], {LOGIN: self._login, LOGOUT: self._logout}
        try:
            if isinstance(connection, Request):
                if page := pages.get(path):
                    return await page(connection)
                if connection.method in HARMLESS and (path == OPEN or SHARED.fullmatch(path)):
                    return Guest(admin=False)
            guest = self._signed_in(connection) or await self._sent(connection)
        except CitewireError as error:  # the keys cannot be read, so nobody is admitted
            log.error("the keys cannot be read", extra={"problem": error.problem})
            return problem(503, "It cannot be seen who may come in", "Ask who runs this page: its log says why.")
        return (_barred(guest, connection) or guest) if isinstance(guest, Guest) else guest

    def _signed_in(self, connection: HTTPConnection) -> Guest | None:
        sha256 = self.sessions.key_of(connection.cookies.get(SESSION, ""))
        if not sha256:
            return None if sha256 is None else self._guest(None)
        key = self._keys.hashed(sha256) if self._keys else None
        return self._guest(key) if key else None  # removing a key ends its sessions

    def _guest(self, key: Key | None) -> Guest:
        """Return the rights of a key or of the password; the password has admin rights until an admin key exists."""
        if key:
            return Guest(key.name, key.admin, key.collections)
        return Guest(PASSWORD, admin=not (self._keys and any(one.admin for one in self._keys.all())))

    async def _sent(self, connection: HTTPConnection) -> Response | Guest:
        scheme, _, given = connection.headers.get("authorization", "").partition(" ")
        try:
            if scheme.lower() == "bearer":
                return self._guest(await self._check(given.strip().encode("latin-1"), connection))  # as Starlette does
        except WaitError as error:
            return _wait(problem(429, error.problem, error.fix), error)
        except WrongError as error:
            return problem(401, error.problem, error.fix)
        if opens_page(connection):
            return RedirectResponse(_login_for(connection), status_code=303)
        refused = problem(
            401,
            "You are not signed in",
            "Open /login in a browser, or send the header Authorization: Bearer and the password or a key.",
        )
        refused.headers["WWW-Authenticate"] = "Bearer"
        return refused

    async def _check(self, given: bytes, connection: HTTPConnection) -> Key | None:
        """Return the key that was given, None for the password. Raises: WrongError, WaitError."""
        # Keys come first, without a wait: they cannot be guessed, and guessing by others must not block their owners.
        if self._keys and (key := self._keys.of(given.decode("utf-8", "replace"))):
            return key
        place = address_of(connection)
        async with self._checking:
            if wait := self.tries.wait(place):
                raise WaitError(wait)
            same = hmac.compare_digest(await run_in_threadpool(self._hashed, given), self._hash)
            right = same and self._password
            self.tries.note(place, right=right)
        if not right:
            log.warning("a wrong password", extra={"place": place})
            raise WrongError("This is not the password", "Ask who runs this page for it.")
        return None

    def _hashed(self, password: bytes) -> bytes:
        return hashlib.scrypt(password, salt=self._salt, n=2**14, r=8, p=1)

    async def _login(self, request: Request) -> Response:
        if request.method in ("GET", "HEAD"):
            wanted = own_address(request.query_params.get("next", ""))
            if self._signed_in(request):
                return RedirectResponse(wanted, status_code=303)
            return _form(wanted)
        if request.method != "POST":
            return _not_allowed("GET, POST")
        try:
            same_origin(request)
            sent = await _fields(request)
        except InputError as error:
            return problem(403, error.problem, error.fix)
        wanted = own_address(sent.get("next", ""))
        try:
            key = await self._check(sent.get("password", "").encode(), request)
            if key and key.collections:
                raise WrongError("This key is for programs", "The page shows all articles, and the key opens some.")
        except WaitError as error:
            return _wait(_form(wanted, str(error), 429), error)
        except WrongError as error:
            return _form(wanted, str(error), 401)
        self.sessions.end(request.cookies.get(SESSION, ""))
        answer = RedirectResponse(_offered(wanted), status_code=303)
        answer.headers["Set-Cookie"] = _cookie(request, self.sessions.begin(key.sha256 if key else ""))
        return answer

    async def _logout(self, request: Request) -> Response:
        if request.method != "POST":
            return _not_allowed("POST")
        try:
            same_origin(request)
        except InputError as error:
            return problem(403, error.problem, error.fix)
        self.sessions.end(request.cookies.get(SESSION, ""))
        answer = RedirectResponse(LOGIN, status_code=303)
        answer.headers["Set-Cookie"] = _cookie(request, "", "; Max-Age=0")
        return answer


def _barred(guest: Guest, connection: HTTPConnection) -> Response | None:
    """Return the refusal of a request that this client may not make, None if it may."""
    method, path = connection.scope.get("method", ""), connection.scope["path"]
    if guest.articles and not REACHED.fullmatch(path):
        return problem(
            403, f"The key {guest.name!r} opens some articles, and this shows all",
            "Use POST /v1/ask, POST /v1/search, GET /v1/articles or /mcp.",
        )  # fmt: skip
    if not guest.admin and method not in HARMLESS and not (ASKING.fullmatch(path) or OWN.fullmatch(path)):
        return problem(403, "Only an admin key changes something here", "Ask who runs this page for one.")
    return None


def change(scope: Scope) -> ASGIApp | None:
    """Refuse every request that asking and reading do not need."""
    if scope["method"] in HARMLESS or ASKING.fullmatch(scope["path"]):
        return None
    return problem(403, "This page is read-only", "Ask and read here; nothing can be added, changed or removed.")


def own_address(wanted: str) -> str:
    """Return a path on this page with its query; "/" for other sites and for the sign-in page itself."""
    own = _OWN.fullmatch(wanted) and not wanted.startswith((LOGIN, LOGOUT))
    return wanted if own else "/"


def _offered(wanted: str) -> str:
    """Return the address with its question as a draft, not asked: the visitor may come from a link on another site."""
    path, _, query = wanted.partition("?")
    asked = parse_qsl(query, keep_blank_values=True)
    if path != "/" or "q" not in dict(asked):
        return wanted
    return "/?" + urlencode([("draft" if name == "q" else name, value) for name, value in asked])


def opens_page(connection: HTTPConnection) -> bool:
    """Whether a person opens an address in a browser, not a script or a program."""
    if connection.scope.get("method") not in ("GET", "HEAD"):
        return False
    # Over plain HTTP from another machine, browsers omit Sec-Fetch-Dest.
    accepts = connection.headers.get("accept", "")
    return connection.headers.get("sec-fetch-dest", "document" if "text/html" in accepts else "") == "document"


def _login_for(connection: HTTPConnection) -> str:
    query = connection.scope["query_string"].decode("latin-1")
    wanted = quote(connection.scope["path"]) + (f"?{query}" if query else "")
    return LOGIN if own_address(wanted) == "/" else f"{LOGIN}?next={quote(wanted, safe='/')}"


def _form(wanted: str, fault: str = "", status: int = 200) -> Response:
    said = (
        el("p", fault, {"id": "said", "role": "alert"})
        if fault
        else el("p", "This page has a password. A key opens it too.", id="said")
    )
    entry = {"type": "password", "name": "password", "autocomplete": "current-password", "aria-describedby": "said"}
    form = el(
        "form",
        {"method": "post", "action": LOGIN.removeprefix("/")},  # relative, because the page may be below a path
        el("label", "Password", {"for": "password"}),
        el("input", entry, id="password", required="", autofocus=""),
        el("input", type="hidden", name="next", value=wanted),
        el("button", "Sign in", type="submit"),
    )
    title = "Sign in to citewire"
    return HTMLResponse(document(title, "login.css", [el("main", el("h1", title), said, form)], ""), status)


async def _fields(request: Request) -> dict[str, str]:
    """Read a form, the last value of each name. Raises: InputError: it is too large, not text, or incomplete."""
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise InputError(f"The form has more than {MOST_BYTES:,} bytes", "Send the password alone.")
        fields = parse_qs(body.decode("ascii"), max_num_fields=10, errors="strict")
    except (ClientDisconnect, ValueError) as error:
        raise InputError("The form cannot be read", "Send it as application/x-www-form-urlencoded.") from error
    return {name: values[-1] for name, values in fields.items()}


def _cookie(request: Request, token: str, more: str = "") -> str:
    # Behind a proxy only the browser knows whether it used https.
    https = request.scope["scheme"] == "https" or request.headers.get("origin", "").startswith("https:")
    secure = "; Secure" if https else ""
    return f"{SESSION}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{more}"


def _wait(answer: Response, error: WaitError) -> Response:
    answer.headers["Retry-After"] = str(error.seconds)
    return answer


def _not_allowed(methods: str) -> Response:
    answer = problem(405, "This address takes no such request", f"Use {methods}.")
    answer.headers["Allow"] = methods
    return answer


def _unkept(headers: MutableHeaders) -> None:
    """Keep pages out of the browser's cache: after signing out, its Back button must not show them."""
    if headers.get("content-type", "").startswith("text/html"):
        headers.update(_NOT_KEPT)
