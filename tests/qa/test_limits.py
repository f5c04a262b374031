"""The arithmetic of benchmarks/limits.py, checked by hand, and one run with a real model."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import REPOSITORY
from safetensors.numpy import save_file

from citewire.qa.types import Generator


@pytest.fixture(scope="module")
def limits() -> Any:
    """benchmarks/limits.py as a module."""
    sys.path.insert(0, str(REPOSITORY / "benchmarks"))
    try:
        return importlib.import_module("limits")
    finally:
        sys.path.remove(str(REPOSITORY / "benchmarks"))


CONFIG: dict[str, Any] = {
    "vocab_size": 100,
    "hidden_size": 8,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "tie_word_embeddings": False,
}


class TestWork:
    @staticmethod
    def folder(tmp_path: Path, **changes: object) -> Path:
        """A model in two files: 800 weights of input embeddings, 800 of the output layer, 960 of the layers."""
        tables = {"in": np.zeros((100, 8), np.float16), "out": np.zeros((100, 8), np.float16)}
        save_file(tables, tmp_path / "model-1.safetensors")
        save_file({"layers": np.zeros((3, 320), np.float16)}, tmp_path / "model-2.safetensors")
        (tmp_path / "config.json").write_text(json.dumps(CONFIG | changes))
        return tmp_path

    def test_float_weights(self, limits: Any, tmp_path: Path) -> None:
        folder = self.folder(tmp_path)
        # 2 keys and values x 3 layers x 2 heads x 2 columns
        assert limits.work(folder, "float32", False) == limits.Work(960, 800, 4, 24 * 4)
        assert limits.work(folder, "float32", True) == limits.Work(960, 800, 2, 24 * 2)

    def test_one_table_for_words_in_and_out(self, limits: Any, tmp_path: Path) -> None:
        folder = self.folder(tmp_path, tie_word_embeddings=True, head_dim=5, num_key_value_heads=None)
        assert limits.work(folder, "float32", False) == limits.Work(1760, 800, 4, 2 * 3 * 4 * 5 * 4)

    def test_eight_bits(self, limits: Any, tmp_path: Path) -> None:
        (tmp_path / "tokens").mkdir()
        (tmp_path / "tokens" / "config.json").write_text(json.dumps(CONFIG))
        (tmp_path / "model.bin").write_bytes(bytes(2560))
        assert limits.work(tmp_path, "int8", False) == limits.Work(960, 800, 1, 24 * 4)

    def test_rates(self, limits: Any) -> None:
        machine = limits.Machine(bandwidth=10_000.0, compute=19_200.0)
        cost = limits.Work(layers=960, head=800, itemsize=2, cached=48)
        assert cost.prompt_rate(machine) == 10
        assert cost.decode_rate(machine, 0) == 10_000 / 3520
        assert cost.decode_rate(machine, 10) == 10_000 / 4000


@pytest.mark.model
def test_a_prompt_has_the_length_asked_for(limits: Any, small_generator: Generator) -> None:
    one, other = limits.prompts(small_generator, 200, 2)
    assert 200 <= small_generator.count_tokens(one) < 215  # cut at whole words
    assert one[0] != other[0]
    assert one[1] == other[1]


@pytest.mark.model
@pytest.mark.parametrize(("engine", "ways"), [("int8", ["int8"]), ("torch", ["token by token", "with guesses"])])
def test_a_run(
    limits: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], engine: str, ways: list[str]
) -> None:
    asked = (
        f"limits.py --model smollm2-135m --engine {engine} --device cpu --prompt-tokens 60 --new-tokens 8 --rounds 1"
    )
    monkeypatch.setattr(sys, "argv", [*asked.split(), "--json"])
    limits.main()
    found = json.loads(capsys.readouterr().out)
    machine, cost = found["machine"], found["work"]
    assert 105e6 < cost["layers"] < 108e6  # SmolLM2-135M: 106,203,456 of 134,515,008
    assert cost["head"] == 49152 * 576
    assert list(found["runs"]) == ways
    for one in found["runs"].values():
        assert one["prompt_share"] == pytest.approx(one["prompt_rate"] * 2 * cost["layers"] / machine["compute"])
        read = (cost["layers"] + cost["head"]) * cost["itemsize"] + cost["cached"] * (60 + 4)
        assert one["decode_share"] == pytest.approx(one["decode_rate"] * read / machine["bandwidth"], rel=0.05)


def test_the_table(limits: Any) -> None:
    runs = {"drafts": limits.Run(1.04, 2.0, 99.6, 10.04, 0.25, 0.5, 3_000_000_000)}
    machine, cost = limits.Machine(2e10, 1e11), limits.Work(100_000_000, 25_000_000, 2, 0)
    lines = limits.table(machine, cost, 60, runs).splitlines()
    assert lines[0].startswith("memory 20.0 GB/s, arithmetic 0.100 Tops/s; 125M weights of 2 bytes a token")
    assert lines[0].endswith("500 tokens/s of prompt, 80.0 of reply")
    assert lines[-1] == "| drafts | 1.0 | 2.0 | 100 | 25% | 10.0 | 50% | 3.0 |"
