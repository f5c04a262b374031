"""Formats the results of an evaluation as rows of text, for the terminal and the page.

Knows the summary that `citewire.qa.evaluate.runs.summarise` returns, not how rows are displayed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from citewire.qa.evaluate.marks import FRACTIONS, MEASURES


def measure_rows(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield name, value, 95% interval, number of cases and meaning of each measure."""
    for name, found in summary["measures"].items():
        meaning, parts = MEASURES[name]
        counted = len(parts) == 1 and name not in FRACTIONS
        number = f"{found['right']:g}/{found['tried']:g}" if counted else f"{found['tried']:g}"
        limits = f"{found['low']:.3f} to {found['high']:.3f}"
        yield name.replace("_", " "), f"{found['value']:.3f}", limits, number, meaning


def kind_rows(summary: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Yield name, number of records and number of right answers of each kind."""
    for kind, found in summary["kinds"].items():
        right = found["measures"].get("right")
        yield kind, found["records"], f"{right['right']:g} of {right['tried']:g}" if right else "not said"


def latency_rows(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, str, int]]:
    """Yield name, p50 and p95 in seconds, and number of answers of each latency."""
    for name, found in summary["latency"].items():
        p50, p95 = ("-" if found[p] is None else f"{found[p]:.2f}" for p in ("p50", "p95"))
        yield name, p50, p95, found["n"]


def deciding_rows(identity: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield name and value of all that decided the figures, "settings.passages" for what stands in a group."""
    for name, value in identity.items():
        if isinstance(value, Mapping):
            yield from deciding_rows(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", str(value)


def difference_rows(found: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield name, value before, value after, difference and its 95% interval of each measure of `runs.compare`."""
    for name, one in found["measures"].items():
        limits = f"{one['low']:+.3f} to {one['high']:+.3f}"
        values = (f"{one['before']:.3f}", f"{one['after']:.3f}", f"{one['difference']:+.3f}")
        yield name.replace("_", " "), *values, limits
