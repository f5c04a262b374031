"""Every route of the OpenAPI document with requests that schemathesis makes of it, right ones and wrong ones."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from conftest import until
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
from citewire.ui import ask_routes, corpus_routes, health_routes, openai_routes, openapi, search_routes
from citewire.ui.chat import Chat, Loaded
from citewire.ui.corpus import Corpus
from citewire.ui.keys import Changes
from citewire.ui.server import bind
from citewire.ui.visitor import VisitorCookie, problem, unrouted

PROBLEM = {"type", "title", "status", "detail", "problem", "fix"}  # the members of a refusal
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# Those of which a request can be wrong: of the others any text is a path, and nothing else is read.
WRONG = (
    *("POST /v1/ask", "POST /v1/search", "POST /v1/chat/completions", "GET /v1/articles"),
    *("POST /corpus/removal", "POST /uploads"),
)
EXAMPLES = 15  # requests a route and kind


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of all routes for programs over the sample articles, with a scripted answerer."""
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
    for router in (*programs, openapi.router(programs)):
        app.include_router(router)
    app.mount("/", problem(404, "There is no such address", "Load the page again."))  # as the gate before Gradio
    listening = bind("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    until(lambda: server.started and chat.background.done, 240)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listening.close()
    corpus.close()


@pytest.mark.slow
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
    """Send requests of a route and check what comes back; return how many."""
    sent = 0

    @settings(max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
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
