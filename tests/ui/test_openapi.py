"""The OpenAPI document: the server answers its examples as shown, and its responses have the documented form."""

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
from prometheus_client.parser import text_string_to_metric_families
from served import routes_of, serving

from citewire.ui.cli import lay_out
from citewire.ui.settings import Settings

pytestmark = pytest.mark.slow  # the real server

EXAMPLES: dict[str, dict[str, Any]] = json.loads((REPOSITORY / "ui" / "examples.json").read_text("utf-8"))
READ = (  # examples that are true at any time
    *("POST /v1/search", "GET /v1/articles", "GET /v1/articles/{path}", "POST /corpus/removal", "GET /healthz"),
    "GET /readyz",
)
SAID = EXAMPLES["POST /v1/ask"]["answer"]["claims"][0]["text"]


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


def answered(client: httpx.Client, example: str, **changed: Any) -> httpx.Response:
    """Send an example.

    Args:
        client: the HTTP client.
        example: its method and path.
        changed: parameters and parts of the body that differ from the example.
    """
    method, path = example.split()
    sent = EXAMPLES[example]
    parameters = {name: changed.pop(name, value) for name, value in sent.get("parameters", {}).items()}
    query = {name: value for name, value in parameters.items() if f"{{{name}}}" not in path}
    url, body = path.format(**parameters), sent.get("body")
    if isinstance(body, str):
        file = {"Content-Type": "application/octet-stream"}
        response = client.request(method, url, params=query, content=changed.pop("body", body), headers=file)
    else:
        response = client.request(method, url, params=query, json=body and body | changed)
    assert response.is_success, response.text
    return response


def near(value: Any) -> Any:
    """The value with tolerance for numbers, which differ a little between processors."""
    if isinstance(value, dict):
        return {name: near(one) for name, one in value.items()}
    if isinstance(value, list):
        return [near(one) for one in value]
    return pytest.approx(value, rel=1e-3) if isinstance(value, float) else value


def validate(value: Any, content: dict[str, Any], told: dict[str, Any]) -> None:
    """Check a value against its documented schema."""
    jsonschema_rs.Draft202012Validator({**content["schema"], "components": told["components"]}).validate(value)


def test_every_route_has_an_example_of_all_that_is_sent_and_answered(told: dict[str, Any]) -> None:
    shown = set()
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            shown.add(f"{method.upper()} {path}")
            assert all("example" in one for one in operation.get("parameters", ()) if one["required"])
            parts = [part for status, part in operation["responses"].items() if status != "default"]
            for part in (*parts, operation.get("requestBody", {"content": {}})):
                for kind, content in part["content"].items():
                    assert content["example"], (method, path, kind)
                    if kind == "application/json":
                        validate(content["example"], content, told)
    assert shown == set(EXAMPLES)


@pytest.mark.parametrize("example", READ)
def test_examples_are_true(example: str, client: httpx.Client, told: dict[str, Any]) -> None:
    answer = answered(client, example).json()
    assert answer == near(EXAMPLES[example]["answer"])
    method, path = example.split()
    validate(answer, told["paths"][path][method.lower()]["responses"]["200"]["content"]["application/json"], told)


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


def events(lines: str) -> dict[str, set[str]]:
    """The events of a streamed answer, each with its keys, without drafts, which depend on the model."""
    return {one["event"]: set(one) for one in map(json.loads, lines.splitlines()) if one["event"] != "draft"}


def choices(lines: str) -> list[Any]:
    """The contents of the chunks of a streamed completion."""
    data = [line.removeprefix("data: ") for line in lines.splitlines() if line.startswith("data: {")]
    return [json.loads(one)["choices"] for one in data]


def metric_names(text: str) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    families = text_string_to_metric_families(text)
    return {(one.name, tuple(one.labels.items())) for family in families for one in family.samples}


def test_examples_of_what_changes_are_true(client: httpx.Client, told: dict[str, Any]) -> None:
    """In the order of the examples, and as the last test: an article is added, asked about and removed."""
    shown = {name: example["answer"] for name, example in EXAMPLES.items()}
    status = answered(client, "GET /v1/status").json()
    own = {name: status[name] for name in ("index", "model", "fingerprint", "version")}
    assert status == shown["GET /v1/status"] | own
    models = answered(client, "GET /v1/models").json()
    assert models["data"][0].keys() == shown["GET /v1/models"]["data"][0].keys()

    added = answered(client, "POST /v1/articles").json()
    own = {"id": added["id"], "state": added["state"]}
    assert added == shown["POST /v1/articles"] | own
    until(lambda: client.get("/uploads").json()["uploads"][0]["state"] == "indexed")
    uploads, (upload,) = shown["GET /uploads"], shown["GET /uploads"]["uploads"]
    assert answered(client, "GET /uploads").json() == uploads | {"uploads": [upload | {"id": added["id"]}]}

    answer, wanted = answered(client, "POST /v1/ask").json(), shown["POST /v1/ask"]
    validate(answer, told["paths"]["/v1/ask"]["post"]["responses"]["200"]["content"]["application/json"], told)
    assert answer.keys() == wanted.keys()
    for name in ("text", "status", "short", "as_of", "kind", "hits"):
        assert answer[name] == near(wanted[name]), name
    assert [claim["quotes"] for claim in answer["claims"]] == [claim["quotes"] for claim in wanted["claims"]]
    (quote,) = answer["claims"][0]["quotes"]
    text = client.get(f"/v1/articles/{quote['article']}").json()["text"]
    assert text[quote["start"] : quote["end"]] == quote["text"]
    streamed = answered(client, "POST /v1/ask", stream=True).text
    assert events(streamed) == events(EXAMPLES["POST /v1/ask"]["stream"])

    def here(text: str) -> str:
        """An example with the address of this server."""
        return text.replace("http://127.0.0.1:7860", str(client.base_url).rstrip("/"))

    completion = answered(client, "POST /v1/chat/completions").json()
    wanted = json.loads(here(json.dumps(shown["POST /v1/chat/completions"])))
    assert (completion["choices"], completion.keys()) == (wanted["choices"], wanted.keys())
    assert completion["citewire"].keys() == wanted["citewire"].keys()
    assert completion["citewire"]["hits"][:1] == near(wanted["citewire"]["hits"])
    streamed = answered(client, "POST /v1/chat/completions", stream=True).text
    assert choices(streamed) == choices(here(EXAMPLES["POST /v1/chat/completions"]["stream"]))
    assert metric_names(answered(client, "GET /metrics").text) == metric_names(shown["GET /metrics"])

    assert answered(client, "DELETE /v1/articles/{path}").json() == shown["DELETE /v1/articles/{path}"]
    answered(client, "POST /v1/articles", name="pier.txt")  # makes the next file wait
    jetty = answered(client, "POST /v1/articles", name="jetty.txt", body="The jetty of Holm was mended in May.").json()
    taken = answered(client, "DELETE /uploads/{known}", known=jetty["id"]).json()
    assert taken == shown["DELETE /uploads/{known}"] | {"id": jetty["id"]}
