"""File names and folders of every kind: a name is kept unchanged, or left out with the reason."""

from __future__ import annotations

import asyncio
import json
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import openai_server
import pytest
from commands import citewire
from embedders import HashedWordsEmbedder
from mcp import Client
from mcp.types import ResourceLink, TextResourceContents
from served import serving

from citewire.index.build import build_index
from citewire.index.maintenance import repair, verify
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Embedder
from citewire.qa.types import Answer, Claim, Quote
from citewire.ui import engine
from citewire.ui.cli import lay_out
from citewire.ui.conversations import StoredConversation, StoredExchange
from citewire.ui.corpus import Choice, Corpus
from citewire.ui.export import as_html, as_markdown
from citewire.ui.settings import Settings

pytestmark = pytest.mark.slow  # processes, servers or real networks

KEPT = (
    "two words.txt",
    " a blank first.txt",
    "a blank last .txt",
    "Ærø café ñandú.txt",
    unicodedata.normalize("NFD", "crème brûlée.txt"),  # as macOS writes it
    "🚢 ferry.txt",
    "👨\u200d👩\u200d👧 family.txt",
    "❤\ufe0f of Holm.txt",
    "東京 港.txt",
    "مرفأ.txt",
    "Ελλάδα/Αθήνα/λιμάνι.txt",
    "quotes ' \" and <b>tags<\u2044b> & more.txt",
    "100% of #1? [x] {y}.txt",
    "-rf.txt",
    "CON.txt",
    "back\\slash; $HOME `id` *.txt",
    "a.b.c..txt",
    f"{'long ' * 39}x.txt",  # 200 characters
    f"{'日' * 80}.txt",  # 244 bytes
    f"{'deep/' * 40}down.txt",
)
LEFT_OUT = (
    b"new\nline.txt", b"re\rturn.txt", b"tab\tbed.txt", b"esc\x1b[31m.txt", b"bell\x07.txt", b"del\x7f.txt",
    "line\u2028separator.txt".encode(), "next\u0085line.txt".encode(), "mirrored \u202egnp.txt".encode(),
    "no\u200bwidth.txt".encode(), "\ufeffmark.txt".encode(), "soft\u00adhyphen.txt".encode(), b"caf\xe9.txt",
)  # fmt: skip
WHY = "has a name that is not UTF-8 or holds control characters or invisible ones"


def said(number: int) -> str:
    """The sentence in a file."""
    return f"The harbour number {number} of Holm was closed on Monday."


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a non-Latin name, which has the files and their index."""
    made = tmp_path_factory.mktemp("names") / "índice 日本 🚢"
    for number, name in enumerate(KEPT):
        file = made / "news" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(said(number), encoding="utf-8")
    build_index([made / "news"], made / "index", HashedWordsEmbedder())
    return made


@pytest.fixture
def index(place: Path) -> Iterator[Index]:
    embedder = HashedWordsEmbedder()
    with Index.open(place / "index", embedder) as opened:
        yield opened


def test_every_name_is_listed_as_it_is(place: Path, index: Index) -> None:
    assert sorted(article.path for article in index.articles()) == sorted(KEPT)
    listed = json.loads(citewire("index", "list", "--json", "--index", str(place / "index")).stdout)
    assert sorted(one["path"] for one in listed) == sorted(KEPT)
    shown = citewire("index", "list", "--index", str(place / "index"), COLUMNS="400").stdout
    assert [name for name in KEPT if name not in shown] == []


def test_an_index_below_a_path_of_another_script_is_whole(place: Path) -> None:
    assert verify(place / "index").problems == ()
    assert repair(place / "index").lost == ()


@pytest.mark.parametrize("name", KEPT)
def test_a_file_of_any_name_is_found_and_named_in_exports(name: str, index: Index, place: Path) -> None:
    number = KEPT.index(name)
    hits = search(index, HashedWordsEmbedder(), f"What of harbour number {number}?", len(KEPT))
    assert name in {hit.passage.article for hit in hits if hit.passage.text == said(number)}
    cited = Quote(1, name, 0, len(said(number)), said(number))
    told = Answer("What?", "What?", "answered", "…", (Claim(said(number), "supported", 0.9, "", True, (cited,)),))
    kept = StoredConversation("c" * 24, "Harbour", (StoredExchange("1", "What?", told, "2026-03-02"),))
    corpus = Corpus(place / "index", HashedWordsEmbedder())
    for text in (as_markdown(kept, corpus), as_html(kept, corpus)):
        assert said(number) in text
        assert "no longer" not in text
        assert "<b>tags" not in text
    assert name in {row.path for row in corpus.select(Choice(words=f"number {number}")).rows}
    corpus.close()


def test_a_name_that_nobody_can_read_is_left_out_and_shown_with_escapes(tmp_path: Path) -> None:
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "good.txt").write_text(said(0))
    for name in LEFT_OUT:
        Path(os.fsdecode(os.fsencode(tmp_path / "news") + b"/" + name)).write_text(said(1))
    report = build_index([tmp_path / "news"], tmp_path / "index", HashedWordsEmbedder())
    assert [change.path for change in report.changes] == ["good.txt"]
    assert {one.reason for one in report.rejected} == {WHY}
    assert len(report.rejected) == len(LEFT_OUT)
    assert all(
        one.path.isprintable() and "\u202e" not in one.path and "\u200b" not in one.path for one in report.rejected
    )
    assert any(one.path.endswith("new\\nline.txt") for one in report.rejected)


def test_commands_take_every_name(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "load_embedder", lambda chosen: HashedWordsEmbedder())
    folder = str(tmp_path / "ein Verzeichnis ü")
    assert citewire("index", str(place / "news"), "--index", folder).returncode == 0
    half = KEPT[::2]
    done = citewire("index", "remove", "--index", folder, "--", *half)
    assert (done.returncode, f"{len(half)} removed" in done.stderr) == (0, True)
    with Index.open(Path(folder)) as opened:
        assert sorted(article.path for article in opened.articles()) == sorted(set(KEPT) - set(half))


@pytest.mark.parametrize(
    ("become", "left"),
    [
        ({"a.txt": "🚢 b.txt", "b.txt": "b.txt"}, False),  # renamed
        ({"b.txt": "b.txt"}, False),  # removed
        ({"a.txt": "b.txt", "b.txt": "a.txt"}, False),  # the two names are exchanged
        ({"a.txt": "a.txt"}, True),
    ],
)
def test_an_old_answer_keeps_its_quote_and_says_so(become: dict[str, str], left: bool, tmp_path: Path) -> None:
    news, embedder = tmp_path / "news", HashedWordsEmbedder()
    news.mkdir()
    texts = {"a.txt": said(1), "b.txt": "Nothing else happened in the town of Holm in all of that week."}
    for name, text in texts.items():
        (news / name).write_text(text)
    build_index([news], tmp_path / "index", embedder)
    corpus = Corpus(tmp_path / "index", embedder)
    cited = Quote(1, "a.txt", 0, len(said(1)), said(1))
    told = Answer("What?", "What?", "answered", "…", (Claim(said(1), "supported", 0.9, "", True, (cited,)),))
    kept = StoredConversation("c" * 24, "Harbour", (StoredExchange("1", "What?", told, "2026-03-02"),))
    for file in list(news.iterdir()):
        file.unlink()
    for name, new in become.items():
        (news / new).write_text(texts[name])
    build_index([news], tmp_path / "index", embedder)
    found = search(corpus.refresh(), embedder, "What of harbour number 1 of Holm?", 5)
    assert {hit.passage.article for hit in found if hit.passage.text == said(1)} == {
        become[n] for n in become if n == "a.txt"
    }
    for text in (as_markdown(kept, corpus), as_html(kept, corpus)):
        assert said(1) in text
        assert bool(re.search("no longer among the articles|changed since it was quoted", text)) != left
    corpus.close()


def test_two_files_of_one_name_are_two_articles_to_programs(embedder: Embedder, tmp_path: Path) -> None:
    names = ("north/a report é 🚢.txt", "south/a report é 🚢.txt")
    for number, name in enumerate(names):
        (tmp_path / "news" / name).parent.mkdir(parents=True)
        (tmp_path / "news" / name).write_text(f"The council of Holm met on Monday. {said(number)}")
    build_index([tmp_path / "news"], tmp_path / "index", embedder)

    async def asked(address: str) -> tuple[Any, ...]:
        async with Client(f"{address}/mcp", read_timeout_seconds=120) as client:
            found = await client.call_tool("search", {"question": "Which harbour was closed?", "k": 5})
            links = [block for block in found.content if isinstance(block, ResourceLink)]
            contents = [content for link in links for content in (await client.read_resource(link.uri)).contents]
            read = [content.text for content in contents if isinstance(content, TextResourceContents)]
            listed = await client.call_tool("list_articles", {})
            got = await client.call_tool("get_article", {"path": names[1]})
            return found.structured_content, [link.name for link in links], read, listed.structured_content, got

    with openai_server.saying(said(0)) as model:
        chosen = Settings(index=tmp_path / "index", conversations=tmp_path / "kept.sqlite", model=model, reader="small")
        with serving(lambda: lay_out(chosen)) as address, httpx.Client(base_url=address, timeout=60) as client:
            found = client.post("/v1/search", json={"question": "Which harbour was closed?", "k": 5}).json()
            assert sorted({one["article"] for one in found["passages"]}) == list(names)
            assert [one["path"] for one in client.get("/v1/articles").json()["articles"]] == list(names)
            for number, name in enumerate(names):
                article = client.get(f"/v1/articles/{quote(name)}").json()
                assert (article["path"], said(number) in article["text"]) == (name, True)
            told, links, read, listed, got = asyncio.run(asked(address))
    assert sorted({one["article"] for one in told["passages"]}) == sorted(links) == list(names)
    assert [said(names.index(name)) in text for name, text in zip(links, read, strict=True)] == [True, True]
    assert [one["path"] for one in listed["articles"]] == list(names)
    assert said(1) in got.structured_content["text"]
