"""Compare a language model with the machine's limits: prompt rate with arithmetic, decode rate with memory bandwidth.

    python benchmarks/limits.py [--model NAME_OR_FOLDER] [--engine torch|int8] [--device auto] [--prompt-tokens 512]
        [--new-tokens 64] [--rounds 3] [--threads N] [--json]

Runs on a CPU and on CUDA. It first measures the machine: bytes a second when reading and copying much memory, and
operations a second of a large matrix product (bfloat16 on CUDA; float32 on a CPU, which 8-bit products may exceed). A
token of the prompt takes two operations for each weight of the layers. A token of the reply reads all weights and the
cache of all earlier tokens. The share of the limit is the model's rate divided by the rate that these allow. Torch is
measured token by token and with guesses from the prompt. The limit is that of decoding token by token, so right guesses
exceed it. The model is asked to repeat a text, which makes guesses easy.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import resource
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

import torch
from safetensors import safe_open

from citewire.index.cores import usable_cores
from citewire.qa.generate.int8 import TOKENS, Int8Generator
from citewire.qa.generate.local import TransformersGenerator
from citewire.qa.models import cache
from citewire.qa.models.convert import Form
from citewire.qa.types import Message

SEEDS = Path(__file__).resolve().parent.parent / "seeds"
WAYS = {"token by token": 0, "with guesses": 15}


@dataclass(frozen=True, slots=True)
class Machine:
    """Bytes and operations a second."""

    bandwidth: float
    compute: float


@dataclass(frozen=True, slots=True)
class Work:
    """The cost of one token.

    Attributes:
        layers: weights of the layers; each is multiplied once for every token.
        head: weights that turn the last layer's output into a token of the reply.
        itemsize: bytes of a weight.
        cached: bytes in the cache for each earlier token.
    """

    layers: int
    head: int
    itemsize: int
    cached: int

    def prompt_rate(self, machine: Machine) -> float:
        """Return the tokens of a prompt that the machine can read a second; attention is not counted."""
        return machine.compute / (2 * self.layers)

    def decode_rate(self, machine: Machine, before: float) -> float:
        """Return the tokens that it can write a second, one at a time, with `before` tokens in the cache."""
        return machine.bandwidth / ((self.layers + self.head) * self.itemsize + self.cached * before)


@dataclass(frozen=True, slots=True)
class Run:
    """Measurements of one way to decode: seconds, tokens a second, bytes."""

    load: float
    first_reply: float
    prompt_rate: float
    decode_rate: float
    prompt_share: float
    decode_share: float
    memory: int


def work(folder: Path, form: Form, on_cuda: bool) -> Work:
    """Return the cost of a token for the model in a folder."""
    config = json.loads((folder / TOKENS / "config.json" if form == "int8" else folder / "config.json").read_bytes())
    head = int(config["vocab_size"]) * int(config["hidden_size"])
    if form == "int8":
        weights, itemsize = (folder / "model.bin").stat().st_size, 1
    else:
        weights, itemsize = sum(map(_weights, folder.glob("*.safetensors"))), 2 if on_cuda else 4
    tables = 1 if config.get("tie_word_embeddings") else 2  # one for input words, one for output words
    heads = int(config["num_attention_heads"])
    width = int(config.get("head_dim") or config["hidden_size"] // heads)
    keys_and_values = 2 * int(config["num_hidden_layers"]) * int(config.get("num_key_value_heads") or heads) * width
    return Work(weights - tables * head, head, itemsize, keys_and_values * (2 if on_cuda else 4))


def _weights(file: Path) -> int:
    with safe_open(file, framework="numpy") as opened:
        return sum(math.prod(opened.get_slice(name).get_shape()) for name in opened.keys())  # noqa: SIM118 (no dict)


def machine(device: torch.device) -> Machine:
    """Measure the machine: the best of several tries, because other work only makes a try slower."""
    on_cuda = device.type == "cuda"
    block = torch.ones((1 << 30 if on_cuda else 1 << 28) // 4, device=device)
    other = torch.empty_like(block)
    size = block.numel() * block.element_size()
    bandwidth = max(size / _best(block.sum, device), 2 * size / _best(lambda: other.copy_(block), device))
    n = 8192 if on_cuda else 2048
    square = torch.rand((n, n), device=device, dtype=torch.bfloat16 if on_cuda else torch.float32)
    return Machine(bandwidth, 2 * n**3 / _best(lambda: square @ square, device))


def _best(call: Callable[[], object], device: torch.device, tries: int = 7) -> float:
    """Return the seconds of the fastest call."""
    seconds = []
    for _ in range(tries):
        start = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def prompts(generator: TransformersGenerator | Int8Generator, tokens: int, count: int) -> list[list[Message]]:
    """Return prompts of about `tokens` tokens; no two share a beginning, so none can be read from a cache."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted(SEEDS.glob("*.txt")))
    words = text.split(" ")

    def prompt(number: int, length: int) -> list[Message]:
        asked = f"Repeat this text word by word:\n{' '.join(words[:length])}"
        return [Message("system", f"{number}. You repeat texts."), Message("user", asked)]

    length = bisect_left(range(len(words)), tokens, key=lambda length: generator.count_tokens(prompt(0, length)))
    return [prompt(number, length) for number in range(count)]


def said(generator: TransformersGenerator | Int8Generator, messages: list[Message], tokens: int) -> tuple[float, float]:
    """Return the tokens a second of reading a prompt and of writing its reply."""
    start = first = last = time.perf_counter()
    text = ""
    for piece in generator.generate(messages, max_tokens=tokens):
        last = time.perf_counter()
        first = first if text else last
        text += piece
    written = len(generator.tokens.plain(text))
    if written < 2:
        raise SystemExit(f"{generator.name} says only {text!r}: its decode rate cannot be measured")
    return generator.count_tokens(messages) / (first - start), (written - 1) / (last - first)


def ways(
    folder: Path, form: Form, device: torch.device, threads: int
) -> Iterator[tuple[str, Callable[[], TransformersGenerator | Int8Generator]]]:
    """Yield the name of each way to run the model in a folder, and the function that loads it."""
    if form == "int8":
        yield "int8", partial(Int8Generator, folder, name=folder.name, threads=threads)
        return
    load = partial(TransformersGenerator, folder, name=folder.name, device=str(device), threads=threads)
    for way, guesses in WAYS.items():
        yield way, partial(load, guesses=guesses)


def run(
    load: Callable[[], TransformersGenerator | Int8Generator],
    cost: Work,
    limits: Machine,
    on_cuda: bool,
    options: argparse.Namespace,
) -> Run:
    """Load a model and measure it."""
    gc.collect()  # frees the model loaded before
    if on_cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    generator = load()
    loaded = time.perf_counter()
    warm, *asked = prompts(generator, options.prompt_tokens, options.rounds + 1)
    begun = time.perf_counter()
    said(generator, warm, options.new_tokens)  # compiles the model
    first_reply = time.perf_counter() - begun
    rates = [said(generator, messages, options.new_tokens) for messages in asked]
    read, written = (median(rate[part] for rate in rates) for part in (0, 1))
    before = generator.count_tokens(warm) + options.new_tokens / 2
    memory = torch.cuda.max_memory_allocated() if on_cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Run(
        load=loaded - start,
        first_reply=first_reply,
        prompt_rate=read,
        decode_rate=written,
        prompt_share=read / cost.prompt_rate(limits),
        decode_share=written / cost.decode_rate(limits, before),
        memory=memory,
    )


def table(limits: Machine, cost: Work, prompt_tokens: int, runs: Mapping[str, Run]) -> str:
    """Return the figures as a table in Markdown, below a description of the machine and the model."""
    lines = [
        f"memory {limits.bandwidth / 1e9:.1f} GB/s, arithmetic {limits.compute / 1e12:.3f} Tops/s; "
        f"{(cost.layers + cost.head) / 1e6:.0f}M weights of {cost.itemsize} bytes a token; these allow "
        f"{cost.prompt_rate(limits):.0f} tokens/s of prompt, {cost.decode_rate(limits, prompt_tokens):.1f} of reply",
        "",
        "| way | load s | first reply s | prompt tokens/s | of the limit | reply tokens/s | of the limit | memory GB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {way} | {one.load:.1f} | {one.first_reply:.1f} | {one.prompt_rate:.0f} | {one.prompt_share:.0%} "
        f"| {one.decode_rate:.1f} | {one.decode_share:.0%} | {one.memory / 1e9:.1f} |"
        for way, one in runs.items()
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--engine", choices=("torch", "int8"), default="torch")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--prompt-tokens", type=int, default=512)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    source = cache.resolve(options.model)
    if isinstance(source, cache.ServerModel):
        parser.error(f"{options.model} is a server; name a model of this machine")
    form: Form = "int8" if options.engine == "int8" else "float32"
    on_cuda = form == "float32" and options.device != "cpu" and torch.cuda.is_available()
    device = torch.device("cpu" if not on_cuda else "cuda" if options.device == "auto" else options.device)
    torch.set_num_threads(options.threads)
    folder = cache.weights_folder(source, form=form)
    limits, cost = machine(device), work(folder, form, on_cuda)
    runs = {way: run(load, cost, limits, on_cuda, options) for way, load in ways(folder, form, device, options.threads)}
    if options.json:
        found = {way: asdict(one) for way, one in runs.items()}
        print(json.dumps({"machine": asdict(limits), "work": asdict(cost), "runs": found}, indent=1))
    else:
        print(
            f"{source.name} on {device}, {options.threads} threads\n{table(limits, cost, options.prompt_tokens, runs)}"
        )


if __name__ == "__main__":
    main()
