"""Broken files of every format are refused or give usable articles; benchmarks/fuzz.py tries thousands."""

from __future__ import annotations

import pytest
from fuzzed import KINDS, check, files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_broken_file_is_refused_or_gives_articles(kind: str, data: st.DataObject) -> None:
    check(data.draw(files(kind)), kind)
