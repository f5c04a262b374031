"""citewire without the POSIX modules of Python, simulated, as no test runs on such a system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import PurePath, PurePosixPath, PureWindowsPath

import pytest

from citewire.index.disk import read_only
from citewire.index.documents import Document
from citewire.index.formats import Request
from citewire.index.sandbox import Sandbox

IMPORTS = """
import builtins, importlib, pkgutil
plain = builtins.__import__
def without_posix(name, globals=None, *rest, **named):  # others import them only where they are
    importer = (globals or {}).get("__name__", "")
    if name in ("fcntl", "resource") and importer.startswith("citewire."):
        raise ImportError(f"{importer} imports {name}")
    return plain(name, globals, *rest, **named)
builtins.__import__ = without_posix
for package in ("index", "qa", "seeds", "ui"):
    folder = importlib.import_module("citewire." + package).__path__
    for module in pkgutil.walk_packages(folder, f"citewire.{package}."):
        importlib.import_module(module.name)
"""
READS = "import sys; sys.modules['resource'] = None; from citewire.index import sandbox; sandbox.main()"


@pytest.mark.slow
def test_no_module_needs_those_of_posix_to_be_imported() -> None:
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)


def test_files_are_read_without_limits_of_memory() -> None:
    with Sandbox(command=(sys.executable, "-c", READS)) as sandbox:
        assert list(sandbox.read(b"The dam broke.", Request(".txt", "x"))) == [Document("The dam broke.")]


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (PureWindowsPath("//server/news/a b/é.db"), "file:////server/news/a%20b/%C3%A9.db"),
        (PureWindowsPath("C:/news/é?.db"), "file:///C:/news/%C3%A9%3F.db"),
        (PurePosixPath("/news/a#b.db"), "file:///news/a%23b.db"),
    ],
)
def test_a_database_is_opened_by_a_uri_without_a_server(path: PurePath, uri: str) -> None:
    assert read_only(path) == f"{uri}?mode=ro&immutable=1"
