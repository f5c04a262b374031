"""The Articles view: its requests over real HTTP, and the view itself in Chromium, on an otherwise empty page."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from articles_view import FILE, arriving, half_sent, left, serving
from browser import PHONE, browser_context, opened, tab
from documents import PARAGRAPHS
from documents import page as news_page
from embedders import HashedWordsEmbedder
from playwright.sync_api import Browser, FilePayload, Page, expect
from scripted import PAYLOADS
from websites import Site, fetcher

from citewire.index.articles import ReadOptions
from citewire.index.build import build_index
from citewire.index.documents import Limits
from citewire.index.types import Embedder
from citewire.index.writer import Writer
from citewire.ui import corpus as corpus_module
from citewire.ui.corpus import Choice, Corpus
from citewire.ui.middleware import CONTENT_SECURITY_POLICY
from citewire.ui.uploads import Arrival
from citewire.ui.visitor import problem_details

pytestmark = pytest.mark.slow  # processes, servers or real networks

PLAIN = {"Content-Type": "text/plain"}  # a type that a form on another page could send
TUNNEL = (
    "The Harbour Tunnel will open to traffic on 18 May. Ines Okafor said that it cost 1.9 billion euros in the end."
)
LONG = "\n".join(f"Line {n} of the council's minutes speaks of parks and of benches." for n in range(1, 900))
FEED = (
    "<rss version='2.0'><channel><title>Courier</title><item><title>New pier</title><description>&lt;p&gt;The new pier"
    " at Ostwick opens on Monday.&lt;/p&gt;</description></item><item><title>No text</title></item></channel></rss>"
)
RECORDS = [
    {"text": TUNNEL, "title": "Harbour Tunnel opens", "outlet": "Herald", "date": "2026-02-11"},
    {"text": LONG, "title": "Minutes", "outlet": "Gazette", "date": "2026-03-02"},
    {"text": "Ferries stop. The last ferry across the harbour sails on Sunday.", "title": "Ferries stop"},
    *({"text": f"Parcel {n} was sent.", "title": f"Parcel {n:02}", "outlet": "Post"} for n in range(60)),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    (folder / "wire.jsonl").write_text("\n".join(map(json.dumps, RECORDS)))
    build_index([folder / "wire.jsonl"], folder / "index", HashedWordsEmbedder())
    return folder / "index"


@contextmanager
def over(folder: Path, embedder: Embedder | None = None, *, allow_web: bool = False) -> Iterator[Corpus]:
    options = ReadOptions(limits=Limits(bytes=40_000_000), allow_web=allow_web)
    corpus = Corpus(folder, embedder or HashedWordsEmbedder(), options=options)
    corpus.start()
    yield corpus
    corpus.close()


@pytest.fixture
def corpus(built: Path, tmp_path: Path) -> Iterator[Corpus]:
    copy = tmp_path / "index"
    subprocess.run(["cp", "-r", str(built), str(copy)], check=True)
    with over(copy) as opened_corpus:
        yield opened_corpus


@pytest.fixture
def url(corpus: Corpus) -> Iterator[str]:
    with serving(corpus) as address:
        yield address


def settle(corpus: Corpus) -> None:
    while any(upload.state in ("waiting", "indexing") for upload in corpus.uploads.states()):
        time.sleep(0.01)


# -- requests ---------------------------------------------------------------------------------------------


def test_a_list_and_an_article(url: str) -> None:
    asked = {"q": "harbour", "from": "2026-01-01", "to": "2026-12-31", "outlet": ["herald", "Post"], "sort": "newest"}
    listing = httpx.get(f"{url}/corpus", params=asked).json()
    assert (listing["found"], listing["articles"], listing["undated"]) == (1, 63, 61)
    (row,) = listing["rows"]
    assert (row["title"], row["outlet"], row["date"], row["words"]) == (
        "Harbour Tunnel opens",
        "Herald",
        "11 Feb 2026",
        22,
    )
    reading = httpx.get(f"{url}/corpus/article", params={"path": row["path"]}).json()
    assert reading["paragraphs"] == [TUNNEL]
    assert reading["end"] == reading["characters"] == len(TUNNEL)


@pytest.mark.parametrize(
    ("method", "address", "sent", "status", "problem"),
    [
        ("GET", "/corpus?from=monday", {}, 400, "'monday' is no day"),
        ("GET", "/corpus?sort=best", {}, 422, "sort"),
        ("GET", "/corpus?limit=1000", {}, 400, "1000 articles"),
        ("GET", f"/corpus?q={'x' * 501}", {}, 422, "q"),
        ("GET", "/corpus/article?path=nothing.txt", {}, 404, "no article 'nothing.txt'"),
        ("GET", "/corpus/article?path=wire.jsonl%231&start=-1", {}, 400, "has no character -1"),
        ("GET", "/corpus/article", {}, 422, "path"),
        ("POST", "/corpus/removal", {"json": {"paths": ["nothing.txt"], "sure": True}}, 404, "no article"),
        ("POST", "/corpus/removal", {"json": {"paths": []}}, 400, "0 articles"),
        ("POST", "/corpus/removal", {"json": {"sure": True}}, 422, "paths"),
        ("POST", "/uploads?name=a.txt", {"content": b"x", "headers": PLAIN}, 415, "not the bytes"),
        ("POST", "/uploads?name=a.txt", {"data": {"x": "y"}}, 415, "not the bytes"),
        ("POST", "/uploads", {"content": b"x", "headers": FILE}, 422, "name"),
        ("POST", "/uploads?name=a.exe", {"content": b"x", "headers": FILE}, 415, "a.exe is not of a format"),
        ("POST", "/uploads?name=.a.txt", {"content": b"x", "headers": FILE}, 400, "about a folder"),
        ("POST", "/uploads?name=a.txt", {"content": b"", "headers": FILE}, 400, "a.txt is empty"),
        ("POST", "/uploads?name=a.txt", {"content": bytes(40_000_001), "headers": FILE}, 413, "40,000,000 bytes"),
    ],
)  # fmt: skip
def test_refusals(
    url: str, corpus: Corpus, method: str, address: str, sent: dict[str, object], status: int, problem: str
) -> None:
    answer = httpx.request(method, url + address, **sent)  # type: ignore[arg-type]
    assert answer.status_code == status
    assert problem in answer.json()["problem"]
    assert answer.json()["fix"]
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert corpus.select(Choice()).articles == 63
    assert left(corpus.folder) == set()


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://attacker.invalid"}])
def test_other_pages_change_nothing(url: str, corpus: Corpus, headers: dict[str, str]) -> None:
    paths = {"paths": ["wire.jsonl#1"], "sure": True}
    assert httpx.post(f"{url}/corpus/removal", json=paths, headers=headers).status_code == 403
    assert httpx.post(f"{url}/uploads?name=a.txt", content=b"x", headers={**FILE, **headers}).status_code == 403
    assert corpus.select(Choice()).articles == 63


def test_a_file_is_followed_until_it_is_indexed_and_then_removed(url: str, corpus: Corpus) -> None:
    answer = httpx.post(f"{url}/uploads", params={"name": "ü.txt"}, content=TUNNEL.encode(), headers=FILE)
    assert (answer.status_code, answer.json()["name"]) == (202, "ü.txt")
    settle(corpus)
    said = httpx.get(f"{url}/uploads").json()
    assert (said["limit"], ".pdf" in said["formats"], said["web"]) == (40_000_000, True, False)
    (upload,) = said["uploads"]
    assert (upload["id"], upload["state"]) == (answer.json()["id"], "copy")
    assert upload["copy_of"] == [["wire.jsonl#1", "Harbour Tunnel opens"]]
    paths = {"paths": ["uploaded/ü.txt"]}
    would = httpx.post(f"{url}/corpus/removal", json=paths).json()
    assert would == {"articles": ["uploaded/ü.txt"], "files": ["ü.txt"], "staying": 0}
    assert corpus.select(Choice()).articles == 64
    assert httpx.post(f"{url}/corpus/removal", json={**paths, "sure": True}).json() == would
    assert corpus.select(Choice()).articles == 63


def test_programs_add_and_remove_articles_below_v1(url: str, corpus: Corpus) -> None:
    add = {"params": {"name": "ferry.txt"}, "content": b"The ferry to Lund sails.", "headers": FILE}
    for _ in range(2):  # repeating the request changes nothing
        assert httpx.post(f"{url}/v1/articles", **add).status_code == 202  # type: ignore[arg-type]
        settle(corpus)
    assert corpus.paths().count("uploaded/ferry.txt") == 1
    assert not [path for path in corpus.paths() if "ferry" in path and path != "uploaded/ferry.txt"]
    gone = httpx.delete(f"{url}/v1/articles/uploaded/ferry.txt")
    assert gone.json() == {"articles": ["uploaded/ferry.txt"], "files": ["ferry.txt"], "staying": 0}
    assert "uploaded/ferry.txt" not in corpus.paths()
    for path in ("uploaded/ferry.txt", "uploaded/", "..%2f..%2fCURRENT", "none"):
        refused = httpx.delete(f"{url}/v1/articles/{path}")
        assert (refused.status_code, refused.headers["content-type"]) == (404, "application/problem+json"), path
    other = {"Origin": "http://evil.example"}
    assert httpx.delete(f"{url}/v1/articles/uploaded/ferry.txt", headers=other).status_code == 403


def test_an_address_is_fetched_read_and_indexed(built: Path, tmp_path: Path, site: Site) -> None:
    subprocess.run(["cp", "-r", str(built), str(tmp_path / "index")], check=True)
    story = site.html("/news/ferry.html", news_page(title="Ferry &amp; fares &lt;p&gt; fall"))
    site.answers["/feed"] = (200, {"Content-Type": "application/rss+xml"}, FEED.encode())
    site.answers["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /closed")
    with (
        over(tmp_path / "index", allow_web=True) as corpus,
        serving(corpus, fetcher(site).fetch) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):

        def add(address: str, **headers: str) -> httpx.Response:
            return client.post("/v1/addresses", json={"address": address}, headers=headers)

        answer = add(story)
        host = f"127.0.0.1_{site.port}"
        assert (answer.status_code, answer.json()["name"]) == (202, f"{host} news ferry.html.jsonl")
        assert add(site.at("/feed")).json()["left_out"][0]["reason"] == "is an entry without text"
        settle(corpus)
        assert [upload.state for upload in corpus.uploads.states()] == ["indexed", "indexed"]
        assert corpus.uploads.states()[1].left_out[0].part == "#2"
        reading = corpus.read(f"uploaded/{host} news ferry.html.jsonl#1")
        assert (reading.row.title, reading.url) == ("Ferry & fares <p> fall", story)  # without the markup of its record
        assert reading.paragraphs == ("Ferry & fares <p> fall", *PARAGRAPHS)
        taken = left(corpus.folder)
        refusals = {
            site.at("/closed/story.html"): f"is closed to programs by {site.at('')}/robots.txt",
            site.at("/missing"): "HTTP status 404",
            f"http://10.0.0.1:{site.port}/": "names the host 10.0.0.1, which is not on the open internet",
            "http://127.0.0.1:1/": "leads to port 1 of 127.0.0.1",
            "ftp://127.0.0.1/story": "'ftp://127.0.0.1/story' is no web address",
            "http:///": "it has no host",
        }
        for address, reason in refusals.items():
            refused = add(address)
            assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
            assert reason in refused.json()["problem"]
            assert refused.json()["fix"]
        assert add(story, Origin="http://evil.example").status_code == 403
        assert add("x" * 2_001).status_code == 422
        assert site.paths == ["/news/ferry.html", "/feed", "/missing"]
        assert left(corpus.folder) == taken


def test_without_leave_no_address_is_fetched(url: str, site: Site) -> None:
    answer = httpx.post(f"{url}/v1/addresses", json={"address": site.html("/news/ferry.html")})
    assert answer.status_code == 403
    assert answer.json()["fix"] == "Save the page and add the file, or start citewire with --allow-web"
    assert site.seen == []


def test_a_busy_index_is_said(url: str, corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    with Writer(corpus.folder):
        answer = httpx.post(f"{url}/corpus/removal", json={"paths": ["wire.jsonl#1"], "sure": True})
    assert answer.status_code == 409
    monkeypatch.setattr(corpus_module, "WRITER_WAIT_S", 0.01)
    with corpus.writing():
        answer = httpx.post(f"{url}/corpus/removal", json={"paths": ["wire.jsonl#1"], "sure": True})
    assert answer.json() == problem_details(409, "articles are being indexed", "Try again when they are done")


@pytest.mark.parametrize("header", ["Content-Length: 22", "Transfer-Encoding: chunked"])
def test_a_file_that_breaks_off_leaves_nothing(url: str, corpus: Corpus, header: str) -> None:
    connection = half_sent(url, header)
    while not arriving(corpus.folder):
        time.sleep(0.01)
    connection.close()
    while left(corpus.folder):
        time.sleep(0.01)
    assert corpus.uploads.states() == []
    assert httpx.post(f"{url}/uploads?name=half.txt", content=b"Parcel 7.", headers=FILE).json()["name"] == "half.txt"


SERVER = """
import sys, time
from pathlib import Path
from embedders import HashedWordsEmbedder
from articles_view import serving
from citewire.ui.corpus import Corpus
corpus = Corpus(Path(sys.argv[1]), HashedWordsEmbedder())  # not started: what arrives waits
with serving(corpus) as url:
    print(url, flush=True)
    time.sleep(600)
"""


def test_a_killed_server_keeps_whole_files_and_no_half_ones(built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    subprocess.run(["cp", "-r", str(built), str(folder)], check=True)
    paths = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    ) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        assert httpx.post(f"{url}/uploads?name=whole.txt", content=b"Snow in Bergen.", headers=FILE).status_code == 202
        with half_sent(url, "Content-Length: 22"):
            while not arriving(folder):
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
    assert len(left(folder)) == 2
    with over(folder) as corpus:
        settle(corpus)
        assert left(folder) == {"articles/uploaded/whole.txt"}
        assert [row.path for row in corpus.select(Choice(words="Bergen")).rows] == ["uploaded/whole.txt"]
        assert corpus.select(Choice()).articles == 64


# -- the view ---------------------------------------------------------------------------------------------


@pytest.fixture
def page(chromium: Browser, url: str) -> Iterator[Page]:
    with opened(chromium, url) as ready:
        ready.get_by_role("button", name="Articles").click()
        expect(ready.locator(".cw-article-row")).to_have_count(50)
        yield ready


def add(page: Page, **texts: str) -> None:
    add_named(page, {name.replace("_", "."): text for name, text in texts.items()})


def add_named(page: Page, texts: dict[str, str]) -> None:
    chosen = [FilePayload(name=name, mimeType="", buffer=text.encode()) for name, text in texts.items()]
    page.locator("input[type=file]").set_input_files(chosen)


def test_list_filter_read_and_ask_only_these(page: Page) -> None:
    rows = page.locator(".cw-article-row")
    expect(page.locator(".cw-articles-count")).to_have_text("63 articles")
    expect(rows.first).to_contain_text("Minutes")
    expect(rows.first).to_contain_text(f"Gazette, 2 Mar 2026, {len(LONG.split()):,} words")
    expect(page.get_by_label("Search the articles")).to_be_focused()
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".cw-pager")).to_contain_text("51 to 63 of 63")
    expect(rows).to_have_count(13)
    page.get_by_label("Search the articles").fill("harbour")
    expect(rows).to_have_count(2)
    expect(page.locator(".cw-articles-count")).to_have_text("2 of 63 articles")
    page.get_by_label("From").fill("2026-02-01")
    expect(rows).to_have_count(1)
    rows.first.locator(".cw-article-open").click()
    expect(page.locator(".cw-article-reader h3")).to_have_text("Harbour Tunnel opens")
    expect(page.locator(".cw-article-text")).to_have_text(TUNNEL)
    page.get_by_role("button", name="Clear").click()
    expect(rows).to_have_count(50)
    page.locator(".cw-outlets summary").click()
    page.locator(".cw-outlet-list label", has_text="Herald").click()
    page.locator(".cw-outlet-list label", has_text="Gazette").click()
    expect(rows).to_have_count(2)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Ask only these 2").click()
    expect(page.locator(".cw-articles")).to_be_hidden()
    expect(page.get_by_role("button", name="Articles")).to_be_focused()
    assert json.loads(page.locator("#filter").inner_text()) == {
        "from": "", "to": "", "outlets": ["Herald", "Gazette"], "articles": []
    }  # fmt: skip
    page.get_by_role("button", name="Articles").click()
    expect(page.locator(".cw-in-force")).to_contain_text("The chat asks only: Herald, Gazette")
    page.get_by_role("button", name="Ask all articles").click()
    expect(page.locator(".cw-in-force")).to_be_hidden()
    assert json.loads(page.locator("#filter").text_content() or "")["outlets"] == []


def test_articles_chosen_one_by_one_or_by_words_are_handed_over_by_path(page: Page) -> None:
    page.get_by_label("Choose Minutes").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Choose Parcel 59").check()
    expect(page.locator(".cw-chosen")).to_have_text("2 articles chosen")
    page.get_by_role("button", name="Ask only these 2").click()
    expect(page.locator(".cw-articles")).to_be_hidden()
    assert json.loads(page.locator("#filter").inner_text())["articles"] == ["wire.jsonl#2", "wire.jsonl#63"]
    page.get_by_role("button", name="Articles").click()
    expect(page.get_by_label("Choose Minutes")).to_be_checked()
    page.get_by_role("button", name="Choose none").click()
    page.get_by_label("Search the articles").fill("zeppelin")
    expect(page.locator(".cw-article-list .cw-none")).to_be_visible()
    expect(page.get_by_role("button", name="Ask only")).to_have_count(0)
    page.get_by_label("Search the articles").fill("harbour")
    page.get_by_role("button", name="Ask only these 2").click()
    expect(page.locator(".cw-articles")).to_be_hidden()
    assert json.loads(page.locator("#filter").inner_text())["articles"] == ["wire.jsonl#1", "wire.jsonl#3"]


def test_files_are_added_with_a_result_each(page: Page, corpus: Corpus) -> None:
    add(page, a_txt="Snow fell on Bergen.", b_txt=TUNNEL, c_txt=" ", d_png="x", e_jsonl='{"text": "Rain."}\n{"x": 1}')
    expect(page.locator(".cw-incoming-head b")).to_have_text(
        "2 of 5 files indexed, 1 indexed as a copy, 2 rejected", timeout=20000
    )
    states: dict[str, str | re.Pattern[str]] = {
        "a.txt": "indexed",
        "b.txt": "indexed, copy of “Harbour Tunnel opens”",
        "c.txt": "rejected: it holds only white space. Add the text, or remove the file.",
        "d.png": re.compile("rejected: it is not of a format that can be read. Save it as one of .* .zip."),
        "e.jsonl": re.compile("indexed, but left out #2: has no text in"),
    }
    for name, said in states.items():
        expect(page.locator(".cw-file", has_text=name).locator(".cw-file-state")).to_have_text(said)
    expect(page.locator(".cw-file-doubtful .cw-file-name")).to_have_text("e.jsonl")  # not shown as a plain success
    expect(page.locator(".cw-articles-count")).to_have_text("66 articles")
    expect(page.locator(".cw-article-row", has_text="Harbour Tunnel opens")).to_contain_text("1 copy")
    assert int(page.locator("#changes").text_content() or "") >= 1
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".cw-incoming")).to_be_hidden()
    page.get_by_label("Search the articles").fill("Bergen")
    expect(page.locator(".cw-article-row")).to_have_count(1)
    expect(page.locator(".cw-article-row")).to_contain_text("added here")


def test_dropped_files_are_added(page: Page) -> None:
    drop = """([type, text]) => {
      const data = new DataTransfer();
      data.items.add(new File([text], "drop.txt"));
      document.querySelector(".cw-articles").dispatchEvent(
        new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(drop, ["dragenter", ""])
    expect(page.locator(".cw-drop")).to_be_visible()
    page.evaluate(drop, ["drop", "Snow fell on Bergen."])
    expect(page.locator(".cw-drop")).to_be_hidden()
    expect(page.locator(".cw-file")).to_contain_text("drop.txt")
    expect(page.locator(".cw-file-state")).to_have_text("indexed", timeout=20000)


def test_removing_asks_first_and_says_what_goes(page: Page, corpus: Corpus) -> None:
    add(page, w_jsonl='{"text": "Snow fell on Bergen.", "title": "Snow"}\n{"text": "Rain on Oslo.", "title": "Rain"}')
    expect(page.locator(".cw-articles-count")).to_have_text("65 articles", timeout=20000)
    page.get_by_label("Search the articles").fill("snow")
    page.get_by_label("Choose Snow").check()
    page.get_by_role("button", name="Remove").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("Remove 2 articles?")
    expect(dialog).to_contain_text("1 article more came in the same file and goes too.")
    expect(dialog).to_contain_text("1 uploaded file will be deleted: w.jsonl.")
    expect(page.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator(".cw-article-actions").first.get_by_role("button", name="Remove")).to_be_focused()
    assert corpus.select(Choice()).articles == 65
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Remove").click()
    expect(page.locator(".cw-articles-count")).to_have_text("0 of 63 articles")
    expect(page.locator(".cw-article-list")).to_contain_text("No article fits.")
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Choose Minutes").check()
    page.get_by_role("button", name="Remove").click()
    expect(dialog).to_contain_text("The file of 1 article in your own folder stays there: indexing that folder again")


def test_the_keyboard_alone(page: Page) -> None:
    page.keyboard.type("minutes")
    expect(page.locator(".cw-article-row")).to_have_count(1)
    for _ in range(6):  # From and To have three fields each
        page.keyboard.press("Tab")
    opening = page.locator(".cw-article-open")
    while not opening.evaluate("e => e === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".cw-article-reader")).to_be_focused()
    more = page.get_by_role("button", name="Show more (66% left)")
    while not more.evaluate("e => e === document.activeElement"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('.cw-articles').contains(document.activeElement)")
    page.keyboard.press("Enter")
    expect(page.locator(".cw-article-text")).to_contain_text("Line 600 of the council")
    page.keyboard.press("Escape")
    expect(page.locator(".cw-articles")).to_be_hidden()
    expect(page.get_by_role("button", name="Articles")).to_be_focused()


def test_on_a_phone_the_reader_covers_the_list(chromium: Browser, url: str) -> None:
    with opened(chromium, url, PHONE) as page:
        page.get_by_role("button", name="Articles").click()
        expect(page.locator("#cw-articles-title")).to_be_focused()
        page.get_by_role("button", name="Minutes").click()
        expect(page.locator(".cw-article-list")).to_be_hidden()
        expect(page.locator(".cw-article-reader h3")).to_have_text("Minutes")
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Minutes")).to_be_focused()
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_hostile_words_run_nothing_and_fetch_nothing(chromium: Browser, tmp_path: Path) -> None:
    words = "\n".join(PAYLOADS)
    one_line = " ".join(words.split())[:900]
    records = [
        {
            "text": words,
            "title": one_line,
            "outlet": PAYLOADS[1],
            "author": PAYLOADS[5],
            "url": "javascript:window.pwned=1",
        },
        {
            "text": words + "\nOnce more.",
            "title": PAYLOADS[0],
            "outlet": PAYLOADS[9],
            "url": "https://attacker.invalid/x",
        },
    ]
    (tmp_path / "wire.jsonl").write_text("\n".join(map(json.dumps, records)))
    build_index([tmp_path / "wire.jsonl"], tmp_path / "index", HashedWordsEmbedder())
    with over(tmp_path / "index") as corpus, serving(corpus) as url, opened(chromium, url) as page:
        page.get_by_role("button", name="Articles").click()
        for row in page.locator(".cw-article-open").all():
            row.click()
            expect(page.locator(".cw-article-text")).to_contain_text("window.pwned=1")
            expect(page.locator(".cw-copies")).to_be_visible()
        page.locator(".cw-outlets summary").click()
        name = "<img src=x onerror='window.pwned=1'>.txt".replace("/", "")
        add_named(page, {name: words, "<script>x.exe": "x"})
        expect(page.locator(".cw-incoming-head b")).to_contain_text("1 of 2 files indexed", timeout=20000)
        page.locator(".cw-choose input").first.check()
        page.get_by_role("button", name="Remove").first.click()
        expect(page.get_by_role("alertdialog")).to_be_visible()
        assert page.evaluate("window.pwned") is None
        inside = page.evaluate("[...document.querySelectorAll('.cw-articles *')].map((e) => e.localName)")
        assert {"script", "img", "svg", "iframe", "form", "style", "object", "video", "base", "meta"}.isdisjoint(inside)
        assert page.locator("a[href^='javascript:']").count() == 0


def test_closing_the_page_in_the_middle_keeps_what_has_arrived(
    chromium: Browser, url: str, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = threading.Event()
    whole = Arrival.write

    def slow(arrival: Arrival, chunk: bytes) -> None:
        whole(arrival, chunk)
        if len(chunk) > 20_000:
            closed.wait()

    # Closing the browser's context cuts the connection at once; that of a closed tab may still end the upload.
    with browser_context(chromium) as context, tab(context, url) as page:
        page.get_by_role("button", name="Articles").click()
        add(page, a_txt="Snow fell on Bergen.")
        expect(page.locator(".cw-file-state")).to_have_text("indexed", timeout=20000)
        monkeypatch.setattr(Arrival, "write", slow)
        add(page, big_txt="Parcel. " * 1_000_000)
        while not arriving(corpus.folder):
            page.wait_for_timeout(20)
    closed.set()
    while len(left(corpus.folder)) > 1:
        time.sleep(0.01)
    assert left(corpus.folder) == {"articles/uploaded/a.txt"}
    assert [upload.name for upload in corpus.uploads.states()] == ["a.txt"]


def test_a_server_that_is_gone_is_said(chromium: Browser, corpus: Corpus) -> None:
    with launched_page(chromium, corpus) as page:
        expect(page.locator(".cw-article-row")).to_have_count(50)
    page.get_by_label("Search the articles").fill("harbour")
    expect(page.locator(".cw-articles-problem")).to_have_text("citewire does not answer. Is it still running?")
    add(page, a_txt="Snow fell on Bergen.")
    expect(page.locator(".cw-file-state")).to_have_text(
        "rejected: it did not arrive, as the connection broke off. Add it again."
    )
    expect(page.locator(".cw-article-row")).to_have_count(50)
    page.close()


@contextmanager
def launched_page(chromium: Browser, corpus: Corpus) -> Iterator[Page]:
    """Open the view; its server ends with the block, the page stays open."""
    with serving(corpus) as url:
        page = chromium.new_page()
        page.goto(url)
        page.get_by_role("button", name="Articles").click()
        yield page


@pytest.mark.model
def test_with_the_real_embedder(chromium: Browser, seeds_folder: Path, embedder: Embedder, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    subprocess.run(["cp", "-r", str(seeds_folder), str(folder)], check=True)
    with over(folder, embedder) as corpus, serving(corpus) as url, opened(chromium, url) as page:
        page.get_by_role("button", name="Articles").click()
        expect(page.locator(".cw-article-row")).to_have_count(5)
        add(page, quay_txt="The new quay in Oslo opened on Monday. It cost 3 million euros.")
        expect(page.locator(".cw-file-state")).to_have_text("indexed", timeout=30000)
        page.get_by_label("Search the articles").fill("Kazakhstan power")
        expect(page.locator(".cw-article-row")).not_to_have_count(6)
        found = [path["path"] for path in httpx.get(f"{url}/corpus?q=Kazakhstan power").json()["rows"]]
        every = [row.path for row in corpus.select(Choice()).rows]
        expected = [p for p in every if all(w in corpus.index.article(p).text.lower() for w in ("kazakhstan", "power"))]
        assert set(found) == set(expected)
