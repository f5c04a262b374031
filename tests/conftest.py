"""Fixtures that all tests share: a clean environment, and the real models, each loaded once."""

from __future__ import annotations

import gc
import os
import re
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache as remembered
from importlib.util import find_spec
from pathlib import Path
from socketserver import BaseServer
from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import MagicMock

import pytest
import uvicorn
from hypothesis import settings as hypothesis_settings
from postgres import Postgres, running
from websites import Site

from citewire.index import embed
from citewire.index.build import build_index
from citewire.index.embed import load_embedder
from citewire.index.store import Index
from citewire.index.types import Embedder
from citewire.qa.generate.load import load_generator
from citewire.qa.types import Answer, Generator
from citewire.ui.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

gc.disable()  # until all is imported: torch, Gradio and spaCy make millions of objects, and none is garbage

BROWSER_LIBRARIES = ("playwright", "axe_playwright_python")
if not all(find_spec(name) for name in BROWSER_LIBRARIES):
    # Only tests marked `browser` need them; the other tests of their modules run without.
    modules = (*BROWSER_LIBRARIES, "playwright.sync_api", "axe_playwright_python.base")
    sys.modules.update(dict.fromkeys(modules, MagicMock()))

hypothesis_settings.register_profile("citewire", deadline=None, max_examples=40)  # the machine may be busy
hypothesis_settings.register_profile("quick", deadline=None, max_examples=15)  # for `make check`
hypothesis_settings.load_profile("citewire")

# A shell makes background jobs ignore Ctrl-C, and child processes would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parent.parent
SEEDS = REPOSITORY / "seeds"

Given = TypeVar("Given")
Got = TypeVar("Got")


def untraced() -> dict[str, str]:
    """The environment for a process that will receive a Ctrl-C: without coverage.

    Coverage holds a lock at the first call into a file; a KeyboardInterrupt at that moment never releases it.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS_")}


def company_news(folder: Path, names: str) -> Path:
    """Write an article of two passages for each letter of `names`; return their folder."""
    news = folder / "news"
    news.mkdir()
    for name in names:
        (news / f"{name}.txt").write_text(f"The {name} company said so. " * 30)
    return news


@contextmanager
def indexed(texts: Mapping[str, str], folder: Path, embedder: Embedder) -> Iterator[Index]:
    """Write articles (file name -> text) to an empty folder and index them; yield the open index."""
    (folder / "news").mkdir()
    for name, text in texts.items():
        (folder / "news" / name).write_text(text, encoding="utf-8")
    build_index([folder / "news"], folder / "index", embedder)
    with Index.open(folder / "index", embedder) as opened:
        yield opened


def check_quotes(answer: Answer, index: Index) -> None:
    """Assert that every quote is exact and that each citation number means one quote."""
    places: dict[int, tuple[str, int, int]] = {}
    for claim in answer.claims:
        assert bool(claim.quotes) == (claim.verdict != "unsupported")
        for q in claim.quotes:
            assert index.article(q.article).text[q.start : q.end] == q.text
            assert places.setdefault(q.n, (q.article, q.start, q.end)) == (q.article, q.start, q.end)
    assert sorted(places) == list(range(1, len(places) + 1))
    assert len(set(places.values())) == len(places)
    shown = {q.n for claim in answer.claims if claim.shown for q in claim.quotes}
    if answer.status in ("answered", "partial"):
        assert {int(n) for n in re.findall(r"\[(\d+)\]", answer.text)} == shown


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    """Wait until a condition holds; fail after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.02)
    pytest.fail("it did not come about")


def together(does: Callable[[Given], Got], given: Sequence[Given]) -> list[Got]:
    """Call a function with each value at the same time, in a thread each; return the results."""
    with ThreadPoolExecutor(len(given)) as pool:
        return list(pool.map(does, given))


@contextmanager
def listening(app: Any, port: int = 0) -> Iterator[str]:
    """Serve an ASGI application, on a free port if none is given, and yield its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive())
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def at_work(server: BaseServer) -> Iterator[None]:
    """Run a server in a thread."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, started once."""
    with running() as server:
        yield server


@pytest.fixture
def site() -> Iterator[Site]:
    """A website on this machine; `websites.fetcher` fetches from it."""
    server = Site()
    with at_work(server):
        yield server


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run each test in an empty folder of its own, without the user's CITEWIRE_* variables.

    CITEWIRE_CACHE stays, as it names the folder of the models. Conversations and records of running pages are kept in
    the test's folder, too.
    """
    for name in [name for name in os.environ if name.startswith("CITEWIRE_") and name != "CITEWIRE_CACHE"]:
        monkeypatch.delenv(name)
    workdir = tmp_path / "workdir"
    workdir.mkdir()
    monkeypatch.chdir(workdir)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


MARKED = {  # fixture -> marker of the tests that use it
    "chromium": "browser",
    "firefox": "browser",
    "generator": "model",
    "small_generator": "model",
    "small_copy": "model",
    "smollm": "model",
    "nginx": "slow",
    "house": "slow",  # a server with the real embedder and reader
    "wheels": "slow",  # starts pip several times
}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import a module that `-m` leaves out as a whole: it may load Gradio or torch, which takes seconds."""
    if collection_path.suffix != ".py":
        return None
    marked = re.search(r"^pytestmark = pytest\.mark\.(\w+)", collection_path.read_text("utf-8"), re.MULTILINE)
    return True if marked and f"not {marked[1]}" in config.option.markexpr else None


def pytest_collection_finish() -> None:
    """Leave what was imported out of every later search for garbage."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use a fixture of `MARKED`; with several workers, run the files that take longest first.

    These have models or a browser, then come those with slow tests. Otherwise one worker may start a long file when the
    others have finished.
    """
    for item in items:
        for fixture in set(getattr(item, "fixturenames", ())) & set(MARKED):
            item.add_marker(MARKED[fixture])
    if "PYTEST_XDIST_WORKER" in os.environ:
        long = {item.path for item in items if any(map(item.get_closest_marker, ("model", "browser")))}
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: (item.path not in long, item.path not in slow))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A running Chromium."""
    needs_playwright()
    from browser import launched

    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for Firefox's downloads."""
    return tmp_path_factory.mktemp("firefox")


@pytest.fixture(scope="module")
def firefox(saved: Path) -> Iterator[Browser]:
    """A running Firefox; no module may use `chromium` too, as one Playwright runs at a time."""
    needs_playwright()
    from browser import launched_firefox

    with launched_firefox(saved) as browser:
        yield browser


def needs_playwright() -> None:
    """Fail if Playwright is not installed."""
    if isinstance(sys.modules["playwright"], MagicMock):
        pytest.fail("No Playwright: pip install -e '.[dev]'")


@pytest.fixture(scope="module")
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser context of desktop size for the tabs of all tests of a module."""
    from browser import browser_context

    with browser_context(chromium) as made:
        yield made


@pytest.fixture(scope="session")
def cache() -> Path:
    """The user's cache folder, where `make test` puts the models."""
    return Path(os.environ.get("CITEWIRE_CACHE") or Settings().cache)


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The real embedder, all-MiniLM-L6-v2."""
    return load_embedder()


@pytest.fixture(scope="session", autouse=True)
def default_embedder_is_shared(embedder: Embedder) -> Iterator[None]:
    """Share `embedder` with commands, servers and classifiers, as each would take a second to load it."""

    def shared(folder: Path | None = None, **how: Any) -> Embedder:
        return load_embedder(folder, **how) if folder or how.get("device") not in (None, "auto", "cpu") else embedder

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embed, "load_embedder", shared)  # tests that import the function by name still load anew
        patch.setattr("citewire.qa.kinds.load_embedder", shared)  # imports the module, which takes seconds
        yield


@pytest.fixture(scope="session", autouse=True)
def certificates_are_read_once() -> Iterator[None]:
    """Cache the TLS context: each HTTP client takes 25 ms to read all certificates, and tests only use plain HTTP."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", remembered(ssl.create_default_context))
        yield


@pytest.fixture(scope="session")
def seeds_folder(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an index of the articles in seeds/, made with the real embedder."""
    folder = tmp_path_factory.mktemp("seeds") / "index"
    build_index([SEEDS], folder, embedder)
    return folder


@pytest.fixture(scope="session")
def seeds_index(seeds_folder: Path, embedder: Embedder) -> Iterator[Index]:
    """The open index of `seeds_folder`."""
    with Index.open(seeds_folder, embedder) as index:
        yield index


# A missing model fails the test with the command that fetches it, as a skipped test proves nothing.


@pytest.fixture(scope="session")
def generator(cache: Path) -> Generator:
    """The default language model, qwen2.5-coder-0.5b."""
    return load_generator("qwen2.5-coder-0.5b", device="cpu", cache=cache)


@pytest.fixture(scope="session")
def small_generator(cache: Path) -> Generator:
    """The smallest language model, smollm2-135m: real, quick, often wrong."""
    return load_generator("smollm2-135m", device="cpu", cache=cache)
