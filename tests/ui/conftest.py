"""Fixtures of several test modules: a page with a scripted answerer, and a tab that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from browser import tab
from scripted import ScriptedAnswerer, scripted_load
from served import served, usable

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page


@pytest.fixture(scope="module")
def answerer() -> ScriptedAnswerer:
    return ScriptedAnswerer()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a page."""
    with served(scripted_load(), tmp_path_factory.mktemp("page") / "kept.db") as address:
        yield address


@pytest.fixture
def page(context: BrowserContext, url: str) -> Iterator[Page]:
    """A new tab of the page."""
    with tab(context, url) as ready:
        yield usable(ready)
