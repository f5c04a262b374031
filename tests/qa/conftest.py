"""Fixtures of several test modules: an index of the module's articles, and a fast reader."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import indexed
from embedders import RememberingEmbedder

from citewire.index.store import Index
from citewire.index.types import Embedder
from citewire.qa.reader import Reader, load_reader


@pytest.fixture(scope="session")
def remembering(embedder: Embedder) -> RememberingEmbedder:
    return RememberingEmbedder(embedder)


@pytest.fixture(scope="module")
def index(
    request: pytest.FixtureRequest, remembering: Embedder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Index]:
    """An index of the module's `ARTICLES`."""
    with indexed(request.module.ARTICLES, tmp_path_factory.mktemp("invented"), remembering) as opened:
        yield opened


@pytest.fixture(scope="session")
def reader() -> Reader:
    return load_reader(1)
