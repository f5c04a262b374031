"""Compare the engines of the same language model: their speed, and whether their replies are the same.

    python benchmarks/engines.py QUESTIONS.jsonl --index INDEX [--model NAME] [--rounds N] [--limit N]

QUESTIONS is a file for `citewire eval`. Each question is searched once. Every engine in turn then gets the prompt of
its answer; the order of engines changes with the round, so other load affects all equally. The output has
medians, the time of torch token by token divided by each engine's time for the same prompt (median and range over
prompts and rounds), and the share of replies with the same text.
"""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path
from statistics import median

from citewire.index.embed import load_embedder
from citewire.index.store import Index
from citewire.qa import prompt
from citewire.qa.answer import Answerer
from citewire.qa.evaluate import records
from citewire.qa.generate.load import load_generator
from citewire.qa.generate.local import TransformersGenerator
from citewire.qa.models import cache
from citewire.qa.reader import load_reader
from citewire.qa.types import Generator, Message

BASE = "torch, token by token"
REPLY = 60  # most tokens of a reply


def loaded(model: str, threads: int) -> dict[str, Generator]:
    """Return the model in each engine, on the CPU."""
    source = cache.resolve(model)
    if isinstance(source, cache.ServerModel):
        raise SystemExit(f"{model} is a server; name a model of this machine")
    folder = cache.weights_folder(source)
    return {
        BASE: TransformersGenerator(folder, name=model, device="cpu", threads=threads, guesses=0),
        "torch": TransformersGenerator(folder, name=model, device="cpu", threads=threads),
        "int8": load_generator(model, engine="int8", threads=threads),
    }


def prompts(file: Path, folder: Path, generator: Generator, threads: int, limit: int | None) -> list[list[Message]]:
    """Return the prompts of the questions that are not refused."""
    embedder = load_embedder()
    with Index.open(folder, embedder) as index:
        answerer = Answerer(index, embedder, generator, load_reader(threads))
        asked = [item for item in records.read(file)[1] if isinstance(item, records.QuestionItem) and not item.history]
        found = ((item.question, answerer.evidence(item.question)) for item in asked)
        out = [prompt.build([one.text for one in evidence], question) for question, evidence in found if evidence]
    return out[:limit]


def timed(generator: Generator, messages: list[Message]) -> tuple[float, float, str]:
    """Return the seconds to the first piece and to the last, and the reply."""
    start = time.perf_counter()
    first, said = 0.0, ""
    for piece in generator.generate(messages, max_tokens=REPLY):
        first = first or time.perf_counter() - start
        said += piece
    return first, time.perf_counter() - start, said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    engines = loaded(options.model, options.threads)
    asked = prompts(options.questions, options.index, engines["int8"], options.threads, options.limit)
    for generator in engines.values():
        timed(generator, asked[0])  # reads the beginning that all prompts share
    runs: dict[tuple[str, int, int], tuple[float, float, str]] = {}
    orders = list(itertools.permutations(engines))
    for round_, (place, messages) in itertools.product(range(options.rounds), enumerate(asked)):
        for name in orders[(round_ + place) % len(orders)]:
            runs[name, round_, place] = timed(engines[name], messages)
    keys = list(itertools.product(range(options.rounds), range(len(asked))))
    tokens = median(engines["int8"].count_tokens(messages) for messages in asked)
    print(f"{len(asked)} prompts of {tokens:g} tokens (median), {options.rounds} rounds, {options.threads} threads")
    for name in engines:
        mine = [runs[name, *key] for key in keys]
        line = f"{name}: first piece {median(r[0] for r in mine):.2f} s, whole reply {median(r[1] for r in mine):.2f} s"
        for place, what in enumerate(("first piece", "whole reply")):
            ratios = sorted(float(runs[BASE, *k][place]) / float(runs[name, *k][place]) for k in keys)
            line += f"; {what} {median(ratios):.2f}x ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        same = sum(runs[name, 0, place][2] == runs[BASE, 0, place][2] for place in range(len(asked)))
        print(f"{line}; same text {same} of {len(asked)}")


if __name__ == "__main__":
    main()
