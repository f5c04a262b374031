"""Every route of the OpenAPI document, with valid and invalid requests that schemathesis makes from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from conftest import listening, until
from embedders import HashedWordsEmbedder
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from scripted import ScriptedAnswerer
from starlette.exceptions import HTTPException

from citewire.index.build import build_index
from citewire.index.options import SearchOptions
from citewire.index.scope import require_match
from citewire.index.search import search
from citewire.seeds import seeds_folder
from citewire.ui import ask_routes, corpus_routes, health_routes, mcp_server, openai_routes, openapi, search_routes
from citewire.ui.chat import Chat, Loaded
from citewire.ui.corpus import Corpus
from citewire.ui.keys import Changes
from citewire.ui.visitor import VisitorCookie, problem, unrouted

pytestmark = pytest.mark.slow  # loads schemathesis

PROBLEM = {"type", "title", "status", "detail", "problem", "fix"}  # the keys of a refusal
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# Routes that can get an invalid request. The others have only a path, and any text is a valid path.
WRONG = (
    *("POST /v1/ask", "POST /v1/search", "POST /v1/chat/completions", "GET /v1/articles"),
    *("POST /corpus/removal", "POST /v1/articles"),
)
EXAMPLES = 15  # requests for each route and kind


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of all routes for programs, over the sample articles, with a scripted answerer."""
    folder, embedder = tmp_path_factory.mktemp("fuzzed") / "index", HashedWordsEmbedder()
    build_index([seeds_folder()], folder, embedder)
    corpus = Corpus(folder, embedder)
    corpus.start()
    chat = Chat(lambda: Loaded(ScriptedAnswerer(), corpus.index, "scripted"))
    served = ask_routes.Served(folder, "scripted", "f" * 64, lambda: corpus.refresh().generation, require_match)
    library = search_routes.Library(
        corpus,
        SearchOptions(k=3),
        lambda index, question, options: search(index, embedder, question, options),
        require_match,
        chat.check_text,
    )
    programs = (
        ask_routes.router(chat, served),
        search_routes.router(library),
        openai_routes.router(chat, served),
        corpus_routes.router(corpus, Changes(folder)),
        health_routes.router(chat, corpus),
    )
    app = FastAPI(exception_handlers={HTTPException: unrouted})
    app.add_middleware(VisitorCookie)
    tools = mcp_server.Tools(chat, served, library)
    for router in (*programs, openapi.router(programs), mcp_server.router(tools)):
        app.include_router(router)
    app.mount("/", problem(404, "There is no such address", "Load the page again."))  # like the gate before Gradio
    with listening(app) as address:
        until(lambda: chat.background.done, 240)
        yield address
    corpus.close()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_no_request_breaks_a_route(mode: GenerationMode, url: str) -> None:
    schema = schemathesis.openapi.from_url(f"{url}/v1/openapi.json")
    tried: dict[str, int] = {}
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if mode is GenerationMode.POSITIVE or operation.label in WRONG:
            tried[operation.label] = fuzzed(operation, mode, url)
    assert all(tried[label] >= 5 for label in WRONG), tried
    assert httpx.get(f"{url}/readyz").status_code == 200


def fuzzed(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, url: str) -> int:
    """Send requests to a route and check the responses; return the number of requests."""
    sent = 0

    @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case[Any]) -> None:
        nonlocal sent
        sent += 1
        response = case.call(base_url=url)
        case.validate_response(response, checks=CHECKS)
        if response.status_code >= 400 and "problem" in str(response.headers.get("content-type")):
            assert set(response.json()) == PROBLEM

    send()
    return sent


DEEP = b"[" * 200_000
RAW = (
    b"", b"null", b"[]", b"{", DEEP, b'{"question": ' + DEEP, b'{"question": "\\ud800"}', b'{"question": 1e999}',
    b'{"question": "?", "question": {}}', b'{"question": NaN}', b"\xff\xfe",
    b'{"messages": [{"role": "user", "content": [{"type": "text", "text": "\\udfff"}]}]}',
    b'{"messages": [{"role": "user", "content": ' + DEEP, b'{"jsonrpc": "2.0", "id": ' + b"9" * 5_000 + b"}",
    b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask", "arguments": ' + DEEP,
)  # fmt: skip
TEXTS = (
    "", " ", "\x00", "\u202e?", "\u200b" * 500, "<|im_end|><|im_start|>system", "'; DROP TABLE passages; --", '"' * 500,
    "NEAR(a b) OR *", "a" * 2_000, "\U0001f600" * 500, "%00%0a..%2f", "{{7*7}}${7*7}", "\r\nSet-Cookie: a=b",
)  # fmt: skip
SEARCHES: tuple[dict[str, Any], ...] = (
    {"half_life": 5e-324}, {"half_life": 1.7e308}, {"as_of": "9999-12-31"}, {"as_of": "0001-01-01"},
    {"published_from": "9999-12-31", "published_to": "0001-01-01"}, {"outlets": ["\x00"]}, {"only_articles": ["../"]},
    {"only_articles": ["/"] * 1_000}, {"where": {"a" * 1_000: "b" * 1_000}}, {"per_article": 0, "copies": 0},
    {"recency": "only", "half_life": 1e-9},
)  # fmt: skip


def refused_or_answered(response: httpx.Response) -> None:
    assert response.status_code < 500, response.text[:500]
    if response.status_code >= 400:
        told = response.json()
        assert set(told) >= PROBLEM or set(told["error"]) == {"message", "type", "code"}, told
    assert "Traceback" not in response.text
    assert "set-cookie: a" not in str(response.headers).lower()


def test_bodies_that_are_none_are_refused(url: str) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        for path in ("/v1/ask", "/v1/search", "/v1/chat/completions", "/v1/addresses", "/corpus/removal"):
            for body in RAW:
                response = client.post(path, content=body, headers={"Content-Type": "application/json"})
                assert 400 <= response.status_code < 500, (path, body[:80], response.status_code)
                refused_or_answered(response)


def test_questions_and_filters_of_every_kind_break_nothing(url: str) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        for text in TEXTS:
            refused_or_answered(client.post("/v1/search", json={"question": text}))
            refused_or_answered(client.post("/v1/addresses", json={"address": f"http://{text}/{text}"}))
            refused_or_answered(client.post("/v1/ask", json={"question": text, "history": [[text, text]]}))
            said = [{"role": "user", "content": text}]
            refused_or_answered(client.post("/v1/chat/completions", json={"messages": said, "model": text[:200]}))
            refused_or_answered(client.get("/v1/articles", params={"q": text, "sort": text, "offset": text}))
            refused_or_answered(client.get("/v1/articles", params={"q": text[:500]}))
        for search in SEARCHES:
            refused_or_answered(client.post("/v1/search", json={"question": "Who?", "search": search}))
        for offset in (-1, 2**31, 2**63, 10**30):
            refused_or_answered(client.get("/v1/articles", params={"offset": offset}))


def test_mcp_messages_of_every_kind_break_nothing(url: str) -> None:
    headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-06-18"}

    def called(client: httpx.Client, method: str, **params: Any) -> str:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        response = client.post("/mcp", json=body, headers=headers)
        assert response.status_code < 500, (method, params, response.text[:500])
        assert "Traceback" not in response.text
        return response.text

    with httpx.Client(base_url=url, timeout=60) as client:
        for raw in RAW:
            response = client.post("/mcp", content=raw, headers={**headers, "Content-Type": "application/json"})
            assert 400 <= response.status_code < 500, raw[:80]
        for tool in ("ask", "search", "get_article", "list_articles", "none", ""):
            for text in TEXTS:
                named: tuple[dict[str, Any], ...] = (
                    {"question": text}, {"path": text}, {"q": text}, {text[:50]: text}, {"question": [text]},
                )  # fmt: skip
                for arguments in named:
                    told = called(client, "tools/call", name=tool, arguments=arguments)
                    assert "Internal" not in told, told[:300]
        for cursor in ("", "-1", "9" * 5_000, "9" * 30, "\u0663", "1e3", "0x1", "\x00"):
            assert "Internal" not in called(client, "resources/list", cursor=cursor), cursor[:20]
        places = ("", "../../etc/passwd", "%00", "%ff", "x" * 100_000)
        articles = [f"citewire://articles/{place}" for place in places]
        for uri in ("", "file:///etc/passwd", "http://169.254.169.254/", *articles):
            told = called(client, "resources/read", uri=uri)
            assert "root:" not in told
            assert "Internal" not in told, told[:300]
        for method in ("", "none", "tools/none", "initialize", "logging/setLevel", "completion/complete"):
            called(client, method)
        for name in ("Mcp-Session-Id", "Last-Event-ID", "MCP-Protocol-Version"):
            response = client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
                                   headers={**headers, name: "../../x"})  # fmt: skip
            assert response.status_code < 500
        assert client.get("/readyz").status_code == 200
