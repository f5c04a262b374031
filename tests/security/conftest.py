"""The real server with a scripted answerer, and a visitor who attacks it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from scripted import scripted_load
from served import served


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of the conversations."""
    return tmp_path_factory.mktemp("page") / "kept.db"


@pytest.fixture(scope="module")
def url(kept: Path) -> Iterator[str]:
    """The address of the page."""
    with served(scripted_load(), kept, articles=True) as address:
        yield address


@pytest.fixture(scope="module")
def visitor(url: str) -> Iterator[httpx.Client]:
    """A browser that has loaded the page."""
    with visiting(url) as client:
        yield client


@contextmanager
def visiting(url: str) -> Iterator[httpx.Client]:
    """Open a browser and load the page in it."""
    with httpx.Client(base_url=url, timeout=30) as client:
        client.get("/")
        yield client
