"""Every regular expression of the product takes about linear time, even on texts made to be slow for it.

`patterns.py` finds the patterns and makes the texts. A child process measures them and ends at the limit. All times are
processor times, so other work on the machine does not matter.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from . import patterns
from .patterns import PLACE, Found

LIMIT = 4.0  # seconds for one pattern and text; linear patterns take milliseconds, quadratic ones a minute for 100 kB
SOON = 0.25  # seconds that separate known linear patterns from known slow ones

# Calls whose pattern is known only at run time, each reviewed by a person: a table of currency signs.
REVIEWED = frozenset({"qa/quantities.py re.search(pattern, amount, re.IGNORECASE)"})


@pytest.fixture(scope="module")
def collected() -> tuple[list[Found], list[str]]:
    return patterns.collect()


def slow(found: Sequence[Found], folder: Path, limit: float) -> list[str]:
    """Try patterns in child processes; return the slow ones with their texts."""
    told: list[str] = []
    left = dict(enumerate(found))
    place = folder / "place"
    while left:
        place.write_bytes(bytes(PLACE.size))
        requests = "".join(json.dumps(_request(number, one)) + "\n" for number, one in left.items())
        child = [sys.executable, patterns.__file__, str(limit), str(place)]
        done = subprocess.run(child, check=False, input=requests, stdout=subprocess.PIPE, text=True)
        for line in done.stdout.splitlines():
            number, text = json.loads(line)
            one = left.pop(number)
            told += [f"{one.where}: {text}"] if text else []
        if done.returncode:  # the limit ended it
            number, at = PLACE.unpack(place.read_bytes())
            one = left.pop(number)
            told.append(f"{one.where}: {patterns.texts(one.pattern, one.flags)[at]} (ended by {done.returncode})")
    return told


def _request(number: int, one: Found) -> dict[str, object]:
    text = one.pattern.decode("latin-1") if isinstance(one.pattern, bytes) else one.pattern
    kind = {"bytes": isinstance(one.pattern, bytes), "flags": one.flags, "anywhere": one.anywhere}
    return {"number": number, "pattern": text, **kind, "length": one.longest}


@pytest.mark.slow
@pytest.mark.parametrize(
    "pattern",
    [
        rb"\s*(?:<!--.*?-->\s*)*<html",  # the product once had these six
        r"\s+[|–—-]\s+",
        r"\s*\n\s*",
        r"\s*[|;]\s*",
        rb"<meta[^>]+charset",
        r"(?:^|[.!?:;\n])[\s\"]*$",
        r"(?:a|a)+!",
        r"(\w+\s?)*$",
    ],
)
def test_patterns_that_are_known_to_be_slow_are_found(pattern: str | bytes, tmp_path: Path) -> None:
    assert len(slow([Found("index/x.py X", pattern, 0, True)], tmp_path, SOON)) == 1


def test_linear_patterns_pass(tmp_path: Path) -> None:
    linear = [r"\d+", r"(?<!\s)\s+x", r"[^<]*<", r"(?:a|b)+!", r"(?>.*?-->)x"]
    assert slow([Found("index/x.py X", one, 0, one == r"\d+") for one in linear], tmp_path, SOON) == []


@pytest.mark.slow
def test_no_pattern_is_slow(collected: tuple[list[Found], list[str]], tmp_path: Path) -> None:
    assert len(collected[0]) > 50
    assert slow(collected[0], tmp_path, LIMIT) == []


@pytest.mark.slow
def test_no_pattern_is_out_of_sight(collected: tuple[list[Found], list[str]]) -> None:
    assert set(collected[1]) <= REVIEWED


@pytest.mark.slow
def test_windows_are_those_of_patterns_that_are_there(collected: tuple[list[Found], list[str]]) -> None:
    assert set(patterns.WINDOWS) <= {one.where for one in collected[0]}


@pytest.mark.slow
def test_the_literals_of_the_page_are_seen(collected: tuple[list[Found], list[str]]) -> None:
    assert {one.where for one in collected[0] if ".js " in one.where} >= {"ui/static/panel.js /^\\d+$/"}
