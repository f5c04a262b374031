"""The Articles view on a page that holds nothing else, and files that are sent to it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import listening
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from citewire.index.web import Page
from citewire.ui.corpus import Corpus
from citewire.ui.corpus_routes import router
from citewire.ui.holder import LOCK
from citewire.ui.keys import Changes
from citewire.ui.middleware import SecurityHeaders, assets
from citewire.ui.uploads import folder_of
from citewire.ui.visitor import VisitorCookie

HOST_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Host</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/cw/page.css"><link rel="stylesheet" href="/cw/corpus.css"></head>
<body><button id="open">Articles</button><p id="filter"></p><p id="changes">0</p><script type="module">
import { createCorpus } from "/cw/corpus.js";
let filter = {};
const shown = (id) => document.getElementById(id);
const view = createCorpus({
  onFilter: (given) => { filter = given; shown("filter").textContent = JSON.stringify(given); },
  filters: () => filter,
  onChanged: () => { shown("changes").textContent = Number(shown("changes").textContent) + 1; },
});
shown("open").addEventListener("click", (event) => view.open(event.target));
</script></body></html>"""
FILE = {"Content-Type": "application/octet-stream"}


@contextmanager
def serving(corpus: Corpus, fetch: Callable[[str], Page] | None = None) -> Iterator[str]:
    """Serve the host page on a free port."""
    app = FastAPI()
    app.add_middleware(VisitorCookie)
    app.include_router(router(corpus, Changes(corpus.folder), fetch))
    app.include_router(assets())
    app.get("/")(lambda: HTMLResponse(HOST_PAGE))
    with listening(SecurityHeaders(app)) as address:
        yield address


def left(folder: Path) -> set[str]:
    """Return the files that an index keeps of uploads."""
    root = folder_of(folder)
    return {file.relative_to(root).as_posix() for file in root.rglob("*") if file.is_file() and file.name != LOCK}


def half_sent(url: str, header: str) -> socket.socket:
    """Begin to send a file and leave it half done."""
    port = int(url.rpartition(":")[2])
    connection = socket.create_connection(("127.0.0.1", port))
    lines = ("POST /uploads?name=half.txt HTTP/1.1", "Host: 127.0.0.1", f"Content-Type: {FILE['Content-Type']}", header)
    head = "".join(f"{line}\r\n" for line in (*lines, ""))
    body = "5\r\nParce\r\n" if "chunked" in header else "Parce"
    connection.sendall((head + body).encode())
    return connection


def arriving(folder: Path) -> list[Path]:
    """Return the files that have not arrived as a whole."""
    return [file for file in (folder_of(folder) / "arriving").glob("*/*") if file.name != LOCK]
