"""Passages and articles over HTTP, from the sample articles and our own articles, with the real embedder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import openai_server
import pytest
from conftest import SEEDS, together, until
from served import serving

from citewire.index.build import build_index
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Embedder
from citewire.ui.chat import LINE_LENGTH
from citewire.ui.cli import lay_out
from citewire.ui.settings import Settings

pytestmark = pytest.mark.slow  # processes, servers or real networks

QUESTION = "Why is Kazakhstan attractive to bitcoin miners?"
ODD = "a folder/100% of it? #1 é.txt"


@pytest.fixture(scope="module")
def folder(seeds_folder: Path, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the sample articles and of one whose path has characters with a meaning in URLs."""
    made = tmp_path_factory.mktemp("articles")
    shutil.copytree(seeds_folder, made / "index")
    (made / "news" / ODD).parent.mkdir(parents=True)
    (made / "news" / ODD).write_text("The ferry sails again on Monday, said its chair Ada Dietz.", encoding="utf-8")
    build_index([made / "news"], made / "index", embedder, mirror=False)
    return made


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with openai_server.serving(openai_server.streamed("data: [DONE]\n\n")) as model:
        chosen = Settings(index=folder / "index", conversations=folder / "kept.sqlite", model=model.url, reader="small")
        with serving(lambda: lay_out(chosen)) as address:
            until(lambda: httpx.get(f"{address}/readyz").status_code == 200, 120)
            yield address


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60) as opened:
        yield opened


def test_passages_are_those_of_the_search(client: httpx.Client, folder: Path, embedder: Embedder) -> None:
    found = client.post("/v1/search", json={"question": QUESTION, "k": 3}).json()
    with Index.open(folder / "index", embedder) as index:
        hits = search(index, embedder, QUESTION, 3)
        assert [(one["article"], one["start"], one["end"]) for one in found["passages"]] == [
            (hit.passage.article, hit.passage.start, hit.passage.end) for hit in hits
        ]
        assert [one["score"] for one in found["passages"]] == pytest.approx([hit.score for hit in hits])
        assert (found["question"], found["index_generation"]) == (QUESTION, index.generation)
        for one in found["passages"]:
            assert index.article(one["article"]).text[one["start"] : one["end"]] == one["text"]


def test_as_many_passages_as_the_page_searches_where_none_is_said(client: httpx.Client) -> None:
    assert len(client.post("/v1/search", json={"question": QUESTION}).json()["passages"]) == Settings().passages


def test_filters_are_those_of_a_question(client: httpx.Client) -> None:
    wanted = {"question": QUESTION, "search": {"only_articles": ["a folder/"]}}
    (only,) = client.post("/v1/search", json=wanted).json()["passages"]
    assert only["article"] == ODD
    narrow = {"question": QUESTION, "k": 20, "search": {"outlets": ["cryptonews"], "per_article": 2}}
    found = client.post("/v1/search", json=narrow).json()["passages"]
    assert [one["article"] for one in found] == ["000_dc4ea0124dbaad63.txt"] * 2


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"question": " "}, 400, "The question is empty"),
        ({"question": "x" * 2001}, 400, "2,001 characters, the limit is 2,000"),
        ({"question": "?", "k": 0}, 422, "body.k = 0"),
        ({"question": "?", "k": 101}, 422, "body.k = 101"),
        ({"question": "?", "search": {"passages": 3}}, 422, "body.search.passages"),
        ({"question": "?", "search": {"outlets": ["Nobody"]}}, 400, "no article has the outlet 'Nobody'"),
        ({"question": "?", "search": {"published_from": "May"}}, 400, "'May' is no day"),
        ({}, 422, "body.question"),
        ({"question": "?", "more": 1}, 422, "body.more"),
    ],
)
def test_refusals_are_problem_details(body: dict[str, Any], status: int, said: str, client: httpx.Client) -> None:
    refused = client.post("/v1/search", json=body)
    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
    told = refused.json()
    assert (told["type"], told["status"]) == ("about:blank", status)
    assert told["title"] in ("Bad Request", "Unprocessable Entity", "Unprocessable Content")
    assert said in told["detail"]
    assert told["fix"]
    assert told["detail"] == f"{told['problem']}. {told['fix']}"


def test_requests_of_other_pages_and_under_other_names(client: httpx.Client) -> None:
    body = {"question": QUESTION}
    assert client.post("/v1/search", json=body, headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post("/v1/search", json=body, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    for path in ("/v1/articles", f"/v1/articles/{quote(ODD)}", "/healthz", "/readyz", "/metrics", "/v1/openapi.json"):
        assert client.get(path).status_code == 200
        assert client.get(path, headers={"Host": "evil.example"}).status_code == 400
    assert client.post("/v1/search", json=body, headers={"Host": "evil.example"}).status_code == 400
    # A form on another page can send this type without a preflight request.
    assert client.post("/v1/search", content='{"question": "?"}', headers={"Content-Type": "text/plain"}).is_error


def test_searches_take_turns_and_too_many_are_refused(client: httpx.Client, url: str) -> None:
    asked = [{"question": QUESTION, "k": 100}] * 2 * LINE_LENGTH
    told = together(lambda one: httpx.post(f"{url}/v1/search", json=one, timeout=60), asked)
    statuses = {one.status_code for one in told}
    assert statuses <= {200, 429}
    assert 200 in statuses
    for refused in (one for one in told if one.status_code == 429):
        assert refused.headers["retry-after"] == "1"
        assert refused.json()["problem"] == f"{LINE_LENGTH} searches are waiting already"


def test_articles_a_part_at_a_time(client: httpx.Client) -> None:
    paths: list[str] = []
    offset: int | None = 0
    while offset is not None:
        part = client.get("/v1/articles", params={"sort": "title", "limit": 4, "offset": offset}).json()
        assert (part["found"], part["offset"], part["index_generation"]) == (6, offset, 2)
        paths += [one["path"] for one in part["articles"]]
        offset = part["next"]
    assert sorted(paths) == sorted([*(file.name for file in SEEDS.glob("*.txt")), ODD])


def test_articles_by_outlet_day_and_words(client: httpx.Client) -> None:
    def listed(**params: Any) -> list[str]:
        return [one["path"] for one in client.get("/v1/articles", params=params).json()["articles"]]

    assert listed(outlets=["CRYPTONEWS", "none"]) == ["000_dc4ea0124dbaad63.txt"]
    assert listed(published_from="2025-06-01", published_to="2025-06-30") == ["001_3d7a106fe718a57a.txt"]
    assert listed(q="Ada Dietz") == [ODD]
    assert listed(q="no such words anywhere") == []
    (row,) = client.get("/v1/articles", params={"q": "Ada Dietz"}).json()["articles"]
    assert row == {
        "path": ODD, "title": "“The ferry sails again on Monday, said its chair…”", "outlet": "",
        "author": "", "published": "", "words": 11, "copies": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("params", "status", "said"),
    [
        ({"limit": 0}, 400, "0 articles from number 0 cannot be listed"),
        ({"limit": 201}, 400, "201 articles"),
        ({"offset": -1}, 400, "number -1"),
        ({"offset": "x"}, 422, "query.offset = 'x'"),
        ({"sort": "best"}, 422, "query.sort = 'best'"),
        ({"published_from": "May"}, 400, "'May' is no day"),
        ({"outlet": "Herald"}, 422, "query.outlet = 'Herald'"),
    ],
)
def test_lists_that_cannot_be(params: dict[str, Any], status: int, said: str, client: httpx.Client) -> None:
    refused = client.get("/v1/articles", params=params)
    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
    assert said in refused.json()["detail"]


@pytest.mark.parametrize("safe", ["/", ""])
def test_a_whole_article_by_any_path(safe: str, client: httpx.Client) -> None:
    got = client.get(f"/v1/articles/{quote(ODD, safe=safe)}").json()
    assert got["path"] == ODD
    assert got["text"] == "The ferry sails again on Monday, said its chair Ada Dietz."


def test_a_whole_article_with_its_data(client: httpx.Client, seeds_index: Index) -> None:
    path = "001_3d7a106fe718a57a.txt"
    article = seeds_index.article(path)
    assert client.get(f"/v1/articles/{path}").json() == {
        "path": path, "title": article.title, "outlet": "Blockchain.News", "author": "", "published": "2025-06-29",
        "url": article.url, "metadata": dict(article.metadata), "pages": [], "copies": [], "text": article.text,
    }  # fmt: skip


@pytest.mark.parametrize("path", ["none.txt", "..%2Findex%2FCURRENT", "%2Fetc%2Fpasswd", "a%20folder"])
def test_an_article_that_is_not_there(path: str, client: httpx.Client) -> None:
    refused = client.get(f"/v1/articles/{path}")
    assert (refused.status_code, refused.headers["content-type"]) == (404, "application/problem+json")
    assert refused.json()["problem"].startswith("the index has no article ")


def test_what_is_added_and_removed_is_seen_at_once(client: httpx.Client) -> None:
    until(lambda: client.get("/readyz").status_code == 200)  # uploads are indexed after the models have loaded
    text = "The lighthouse of Skagen was lit again by Ole Madsen in March."
    upload = {"content": text.encode(), "headers": {"Content-Type": "application/octet-stream"}}
    assert client.post("/uploads", params={"name": "light.txt"}, **upload).status_code == 202  # type: ignore[arg-type]
    until(lambda: client.get("/v1/articles", params={"q": "Skagen"}).json()["found"])
    (row,) = client.get("/v1/articles", params={"q": "Skagen"}).json()["articles"]
    first = client.post("/v1/search", json={"question": "Who lit the lighthouse of Skagen?"}).json()["passages"][0]
    assert (first["article"], first["text"]) == (row["path"], text)
    assert client.post("/corpus/removal", json={"paths": [row["path"]], "sure": True}).status_code == 200
    assert client.get(f"/v1/articles/{quote(row['path'])}").status_code == 404
