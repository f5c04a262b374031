"""The OpenAPI document of the HTTP API, with an example of each request and response (examples.json).

    GET /v1/openapi.json

Adds to FastAPI's description of the routes what FastAPI does not know: error responses and examples.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from citewire.ui.ask_routes import LINES
from citewire.ui.openai_routes import EVENTS
from citewire.ui.running import release
from citewire.ui.visitor import PROBLEM_TYPE

ADDRESS = "/v1/openapi.json"
ABOUT = (
    "Questions, passages and articles of one index. With a password or keys, send one as `Authorization: Bearer`."
    " Articles are added with POST /v1/articles, from the web with POST /v1/addresses, and taken out with"
    " DELETE /v1/articles/{path}, or many at once with POST /corpus/removal; a read-only page refuses this with 403."
    " GET /uploads says how far what was added has come."
)
# Public routes outside /v1/; all others belong to the page and may change with it.
OTHERS = ("/healthz", "/readyz", "/metrics", "/uploads", "/uploads/{known}", "/corpus/removal")
TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "description": "Problem details of RFC 9457; `detail` is `problem` and `fix` together.",
    "required": ["type", "title", "status", "detail", "problem", "fix"],
    "properties": {
        "type": {**TEXT, "const": "about:blank"},
        "title": {**TEXT, "description": "what the status means"},
        "status": {"type": "integer"},
        "detail": {**TEXT, "description": "what is wrong, and what helps"},
        "problem": {**TEXT, "description": "what is wrong, with the value"},
        "fix": {**TEXT, "description": "what helps"},
    },
}
OPENAI_ERROR = {
    "type": "object",
    "description": "An error in the form of OpenAI's.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code"],
            "properties": {"message": TEXT, "type": TEXT, "code": {"type": "integer"}},
        }
    },
}
OPENAI = ("/v1/chat/completions", "/v1/models")
STREAMED = (LINES, EVENTS)


def document(routers: Sequence[APIRouter]) -> dict[str, Any]:
    """Return the OpenAPI document of the public routes."""
    routes = [
        route
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute) and (route.path.startswith("/v1/") or route.path in OTHERS)
    ]
    told = get_openapi(title="citewire", version=release() or "0", description=ABOUT, routes=routes)
    parts = told["components"]
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's error format, which is not used here
        parts["schemas"].pop(name, None)
    parts["schemas"] |= {"Problem": PROBLEM, "OpenAIError": OPENAI_ERROR}
    parts["securitySchemes"] = {"password": {"type": "http", "scheme": "bearer"}}
    told["security"] = [{"password": []}, {}]  # {}: no password needed
    examples = json.loads(files("citewire.ui").joinpath("examples.json").read_text(encoding="utf-8"))
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            _complete(operation, path, examples[f"{method.upper()} {path}"])
    return told


def _complete(operation: dict[str, Any], path: str, example: Mapping[str, Any]) -> None:
    name, media_type = ("OpenAIError", "application/json") if path in OPENAI else ("Problem", PROBLEM_TYPE)
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = {
        "description": "Refused",
        "content": {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}}},
    }
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["example"] = example["body"]
    answered = next(told for status, told in operation["responses"].items() if status.startswith("2"))
    for kind, content in answered["content"].items():
        content["example"] = example["stream" if kind in STREAMED else "answer"]
    for parameter in operation.get("parameters", ()):
        if parameter["required"] or parameter["name"] in example.get("parameters", {}):
            parameter["example"] = example["parameters"][parameter["name"]]


def router(routers: Sequence[APIRouter]) -> APIRouter:
    """Return the route that serves the document of these routers."""
    routes, told = APIRouter(), document(routers)

    @routes.get(ADDRESS, include_in_schema=False)
    def openapi() -> JSONResponse:
        return JSONResponse(told)

    return routes
