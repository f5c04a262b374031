"""Serve the page on a free port, and ask questions on it in a browser."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.routing import iter_route_contexts
from playwright.sync_api import Page, expect
from scripted import EXAMPLES, ScriptedIndex
from starlette.routing import BaseRoute, Mount

from citewire.ui.chat import Chat, Loaded, ModelChoice
from citewire.ui.connections import Limits
from citewire.ui.conversation_routes import router as conversation_router
from citewire.ui.conversations import Conversations
from citewire.ui.keys import Keys
from citewire.ui.server import PageServer

if TYPE_CHECKING:
    from citewire.ui.page import Site  # loads Gradio, which takes seconds and most of the quick tests do without

START_S = 240  # most seconds to start, while other tests use the cores
STOP_S = 60
PROBLEM = {"type", "title", "status", "detail", "problem", "fix"}  # keys of an error response


@contextmanager
def serving(
    build: Callable[[], Site],
    password: str = "",
    limits: Limits | None = None,
    root_path: str = "",
    keys: Keys | None = None,
    trusted_proxies: str = "",
) -> Iterator[str]:
    """Serve the site that `build` returns; yield its address."""
    ready = threading.Event()
    server = PageServer(
        build, port=0, password=password, on_ready=lambda url: ready.set(), limits=limits, root_path=root_path,
        keys=keys, trusted_proxies=trusted_proxies,
    )  # fmt: skip
    thread = threading.Thread(target=server.run, daemon=True)  # a hanging server does not block the exit
    thread.start()
    try:
        deadline = time.monotonic() + START_S
        while not ready.wait(0.1):
            assert thread.is_alive(), "the server ended before it was ready"
            assert time.monotonic() < deadline, "the server did not start"
        yield server.url
    finally:
        server.stop()
        thread.join(STOP_S)
    assert not thread.is_alive(), "the server did not stop"


@contextmanager
def served(
    load: Callable[[], Loaded],
    file: Path,
    examples: Sequence[str] = EXAMPLES,
    *,
    articles: bool = False,
    routers: Sequence[APIRouter] = (),
    subscribe: Callable[[Callable[[Any], None]], None] | None = None,
    limits: Limits | None = None,
    choice: ModelChoice | None = None,
    password: str = "",
    trusted_proxies: str = "",
) -> Iterator[str]:
    """Serve a page that stores its conversations in a file; yield its address."""
    from citewire.ui.page import Site, build_page

    with Conversations(file) as kept:

        def build() -> Site:
            chat = Chat(load, keeper=kept, choice=choice)
            if subscribe:
                subscribe(chat.search_in)
            blocks = build_page(chat, examples, articles=articles, leave=bool(password))
            return Site(blocks, [conversation_router(kept, ScriptedIndex()), *routers])

        with serving(build, password, limits=limits, trusted_proxies=trusted_proxies) as address:
            yield address


def routes_of(build: Callable[[], Site]) -> set[tuple[str, str]]:
    """Return (method, path) of every route of a page, including Gradio's."""
    from citewire.ui.page import mount_page

    async def mounted() -> list[BaseRoute]:
        return mount_page(build()).routes  # inside an event loop, else Gradio leaks loops

    def flat(routes: Sequence[BaseRoute], above: str) -> Iterator[tuple[str, str]]:
        for route in iter_route_contexts(routes):
            if isinstance(route.original_route, Mount):
                yield from flat(route.original_route.routes, above + route.original_route.path)
            else:
                yield from ((method, f"{above}{route.path}") for method in route.methods or ("GET", "POST"))

    return set(flat(asyncio.run(mounted()), ""))


def usable(page: Page) -> Page:
    """Wait until a question can be typed and clicks are heard; `expect` would look each half second only."""
    page.wait_for_function("document.body.dataset.cwPhase && document.querySelector('#cw-ask textarea:enabled')")
    return page


def submit(page: Page, question: str) -> None:
    """Type a question and send it."""
    page.get_by_role("textbox").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator(".cw-question").last).to_have_text(question)


def ask(page: Page, question: str) -> None:
    """Ask a question; wait for the whole answer and for the suggestions, which move the answer when they appear."""
    submit(page, question)
    page.wait_for_function(
        "document.querySelector('#cw-ask .submit-button')?.checkVisibility()"
        " && document.querySelector('body[data-cw-phase=done]:not([data-cw-seeking])')"
    )
