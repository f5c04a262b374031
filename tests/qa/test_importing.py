"""A hidden package seems not to be installed, in one thread only; spaCy is imported without PyTorch."""

from __future__ import annotations

import importlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from citewire.qa.importing import without


def test_a_package_is_not_found_while_it_is_left_out_and_found_again() -> None:
    sys.modules.pop("wave", None)
    with without("wave"), pytest.raises(ModuleNotFoundError, match="wave is left out"):
        importlib.import_module("wave")

    assert importlib.import_module("wave").__name__ == "wave"


def test_another_thread_finds_the_package_meanwhile() -> None:
    sys.modules.pop("wave", None)
    with without("wave"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(importlib.import_module, "wave").result().__name__ == "wave"


@pytest.mark.slow
def test_reading_english_loads_no_torch() -> None:
    script = (
        "import sys; from citewire.qa import analysis; print(len(analysis.read('It sank.')), 'torch' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["3", "False"]
