"""Hide a package from imports: for an optional dependency that a library would load and nothing here uses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from threading import get_ident


class _Hides(MetaPathFinder):
    """Raises for one package in one thread, which ends the search; finds nothing else."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._thread = get_ident()

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == self._package and get_ident() == self._thread:
            raise ModuleNotFoundError(f"{fullname} is left out", name=fullname)


@contextmanager
def without(package: str) -> Iterator[None]:
    """Make a package look uninstalled to this thread, unless it is already imported."""
    hides = _Hides(package)
    sys.meta_path.insert(0, hides)
    try:
        yield
    finally:
        sys.meta_path.remove(hides)
