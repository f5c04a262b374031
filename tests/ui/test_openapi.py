"""The OpenAPI document: its examples are asked and answered so, and what is answered has the form that it states."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import openai_server
import pytest
from conftest import REPOSITORY, until
from served import routes_of, serving

from citewire.index.store import Index
from citewire.ui.cli import lay_out
from citewire.ui.settings import Settings

EXAMPLES: dict[str, dict[str, Any]] = json.loads((REPOSITORY / "ui" / "examples.json").read_text("utf-8"))
SAID = "IREN had the lowest all-in cash cost per coin."


def settings_in(folder: Path, model: str) -> Settings:
    return Settings(
        index=folder / "index", conversations=folder / "kept.sqlite", runs=folder / "runs", model=model, reader="small"
    )


@pytest.fixture(scope="module")
def folder(seeds_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("described")
    shutil.copytree(seeds_folder, made / "index")
    return made


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[httpx.Client]:
    with (
        openai_server.saying(SAID) as model,
        serving(lambda: lay_out(settings_in(folder, model))) as url,
        httpx.Client(base_url=url, timeout=120) as opened,
    ):
        until(lambda: opened.get("/readyz").status_code == 200, 120)
        yield opened


@pytest.fixture(scope="module")
def told(client: httpx.Client) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/v1/openapi.json").json()
    return document


def answered(client: httpx.Client, example: str) -> Any:
    """Send an example."""
    method, path = example.split()
    sent = EXAMPLES[example]
    parameters = {name: value for name, value in sent.get("parameters", {}).items() if f"{{{name}}}" not in path}
    path = path.format(**sent.get("parameters", {}))
    response = client.request(method, path, params=parameters, json=sent.get("body"))
    assert response.status_code == 200, response.text
    return response.json()


def near(value: Any) -> Any:
    """The same with numbers that may differ a little between processors."""
    if isinstance(value, dict):
        return {name: near(one) for name, one in value.items()}
    if isinstance(value, list):
        return [near(one) for one in value]
    return pytest.approx(value, rel=1e-3) if isinstance(value, float) else value


@pytest.mark.parametrize("example", sorted(set(EXAMPLES) - {"POST /v1/ask", "GET /v1/models"}))
def test_examples_are_true(example: str, client: httpx.Client) -> None:
    assert answered(client, example) == near(EXAMPLES[example]["answer"])


@pytest.mark.slow
def test_the_example_of_an_answer_quotes_the_articles(client: httpx.Client, seeds_index: Index) -> None:
    example = EXAMPLES["POST /v1/ask"]["answer"]
    quotes = [quote for claim in example["claims"] for quote in claim["quotes"]]
    assert quotes
    for one in (*quotes, *example["hits"]):
        assert seeds_index.article(one["article"]).text[one["start"] : one["end"]] == one["text"]
    got = answered(client, "POST /v1/ask")
    assert got.keys() == example.keys()
    assert {quote["text"] for claim in got["claims"] for quote in claim["quotes"]} >= {one["text"] for one in quotes}


@pytest.mark.parametrize(
    "example", [pytest.param(one, marks=[pytest.mark.slow] * (one == "POST /v1/ask")) for one in sorted(EXAMPLES)]
)
def test_answers_have_the_form_that_is_stated(example: str, client: httpx.Client, told: dict[str, Any]) -> None:
    method, path = example.split()
    content = told["paths"][path][method.lower()]["responses"]["200"]["content"]["application/json"]
    assert content["example"] == EXAMPLES[example]["answer"]
    form = {**content["schema"], "components": told["components"]}
    for value in (content["example"], answered(client, example)):
        jsonschema_rs.Draft202012Validator(form).validate(value)


def test_it_describes_what_programs_use_and_nothing_of_the_page(told: dict[str, Any], folder: Path) -> None:
    described = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
    assert described == {
        ("POST", "/v1/ask"), ("POST", "/v1/search"), ("POST", "/v1/chat/completions"), ("GET", "/v1/models"),
        ("GET", "/v1/status"), ("GET", "/v1/articles"), ("GET", "/v1/articles/{path}"), ("GET", "/healthz"),
        ("GET", "/readyz"), ("GET", "/metrics"), ("GET", "/uploads"), ("POST", "/v1/articles"),
        ("DELETE", "/v1/articles/{path}"), ("DELETE", "/uploads/{known}"), ("POST", "/corpus/removal"),
        ("POST", "/v1/addresses"),
    }  # fmt: skip
    served = {
        (method, path.replace(":path", "")) for method, path in routes_of(lambda: lay_out(settings_in(folder, "m")))
    }
    assert described <= served
    address = told["components"]["schemas"]["_Address"]["properties"]["address"]
    assert address["examples"] == ["https://example.org/news/story.html"]


def test_refusals_have_the_form_that_is_stated(client: httpx.Client, told: dict[str, Any]) -> None:
    for refused, name in (
        (client.post("/v1/search", json={"question": ""}), "Problem"),
        (client.get("/v1/articles/none"), "Problem"),
        (client.post("/v1/chat/completions", json={}), "OpenAIError"),
    ):
        jsonschema_rs.Draft202012Validator(told["components"]["schemas"][name]).validate(refused.json())
    operation = told["paths"]["/v1/search"]["post"]
    assert set(operation["responses"]) == {"200", "default"}
    assert "application/problem+json" in operation["responses"]["default"]["content"]
