"""The visitor of an HTTP request: the cookie, requests from other pages, and the form of a refusal."""

import re
from http.cookies import SimpleCookie
from typing import Any, ClassVar

import anyio
import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request

from citewire.index.errors import InputError, ModelError
from citewire.ui.visitor import COOKIE, ProblemRoute, VisitorCookie, same_origin, visitor_of

pytestmark = pytest.mark.slow  # loads Gradio

ID = "A" * 32
HOST = "http://localhost:7860"


class Route(ProblemRoute):
    statuses: ClassVar = {**ProblemRoute.statuses, ModelError: 503}


def application() -> VisitorCookie:
    routes = APIRouter(route_class=Route, dependencies=[Depends(same_origin)])

    @routes.get("/me")
    def me(request: Request) -> str:
        return visitor_of(request)

    @routes.post("/change")
    def change(number: int) -> int:
        if number == 1:
            raise InputError("1 is too small", "Take 2.")
        if number == 2:
            raise ModelError("no model", "Fetch it.")
        return number

    app = FastAPI()
    app.include_router(routes)
    return VisitorCookie(app)


@pytest.fixture
def app() -> VisitorCookie:
    return application()


async def call(app: Any, method: str, path: str, scheme: str = "http", **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=app)
    named = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    async with httpx.AsyncClient(transport=transport, base_url=f"{scheme}://localhost:7860") as client:
        return await client.request(method, path, headers=named)


def ask(app: Any, method: str, path: str, scheme: str = "http", **headers: str) -> httpx.Response:
    async def run() -> httpx.Response:
        return await call(app, method, path, scheme, **headers)

    return anyio.run(run)


def test_a_browser_gets_an_id_for_a_year_and_has_it_at_once(app: VisitorCookie) -> None:
    response = ask(app, "GET", "/me")
    morsel = SimpleCookie(response.headers["set-cookie"])[COOKIE]
    assert response.json() == morsel.value
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", morsel.value)
    assert (morsel["path"], morsel["max-age"], morsel["samesite"]) == ("/", "31536000", "Lax")
    assert morsel["httponly"] is True
    assert not morsel["secure"]
    assert ask(app, "GET", "/me").json() != response.json()


def test_over_https_the_cookie_is_secure(app: VisitorCookie) -> None:
    assert SimpleCookie(ask(app, "GET", "/me", "https").headers["set-cookie"])[COOKIE]["secure"] is True


def test_an_id_stays_and_a_page_load_renews_it(app: VisitorCookie) -> None:
    response = ask(app, "GET", "/me", cookie=f"other=1; {COOKIE}={ID}")
    assert response.json() == ID
    assert "set-cookie" not in response.headers
    loaded = ask(app, "GET", "/me", cookie=f"{COOKIE}={ID}", sec_fetch_dest="document")
    assert loaded.json() == ID
    assert SimpleCookie(loaded.headers["set-cookie"])[COOKIE].value == ID


@pytest.mark.parametrize("value", ["", "short", "é" * 32, "A" * 33, "<script>" * 4, "A" * 31 + "/"])
def test_an_id_that_is_none_of_ours_is_replaced(app: VisitorCookie, value: str) -> None:
    found = ask(app, "GET", "/me", cookie=f"a=1; {COOKIE}={value}").json()
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", found)
    assert found != value


@pytest.mark.parametrize("cookies", [b"", f"{COOKIE}=no id".encode()])
def test_without_the_middleware_nobody_is_a_visitor(cookies: bytes) -> None:
    with pytest.raises(InputError, match=r"does not say which browser .* Allow cookies"):
        visitor_of(Request({"type": "http", "headers": [(b"cookie", cookies)]}))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site", "origin": "https://attacker.invalid"},
        {"sec_fetch_site": "same-site", "origin": "http://localhost:3000"},  # another program on this machine
        {"sec_fetch_site": "cross-site"},
        {"origin": "http://localhost:3000"},
        {"origin": "http://attacker.invalid"},
        {"origin": "null"},
        {"origin": "http://[bad"},
        {"sec_fetch_site": "same-origin", "origin": "http://attacker.invalid"},
    ],
)
def test_another_page_changes_nothing(app: VisitorCookie, headers: dict[str, str]) -> None:
    response = ask(app, "POST", "/change?number=5", **headers)
    assert response.status_code == 403
    assert response.json()["problem"].startswith("The request comes from another page: ")
    assert response.json()["fix"] == "Use the page that this citewire serves."
    assert ask(app, "GET", "/me", **headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec_fetch_site": "same-origin", "origin": HOST}, {"sec_fetch_site": "none"}, {"origin": HOST}],
)
def test_the_page_itself_and_programs_may(app: VisitorCookie, headers: dict[str, str]) -> None:
    assert ask(app, "POST", "/change?number=5", **headers).json() == 5


def test_refusals_are_json_with_their_fix(app: VisitorCookie) -> None:
    response = ask(app, "POST", "/change?number=1")
    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
    assert response.json() == {
        "type": "about:blank", "title": "Bad Request", "status": 400, "detail": "1 is too small. Take 2.",
        "problem": "1 is too small", "fix": "Take 2.",
    }  # fmt: skip
    assert ask(app, "POST", "/change?number=2").status_code == 503
    response = ask(app, "POST", "/change?number=x")
    assert response.status_code == 422
    assert response.json()["problem"].startswith("query.number = 'x': Input should be a valid integer")
    assert response.json()["fix"] == "Correct it and send it again."
