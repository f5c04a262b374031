"""Compare a language model's yes or no with the reader on the same pairs: could the model teach the reader?

    python training/teacher.py DATA [--model qwen2.5-coder-1.5b] [--pairs 150] [--threads 1]

A pair is a question and a sentence with its neighbours, of documents held out. Both get an area under the curve; the
reader's uses its probability as the package computes it. A teacher with a smaller area than its pupil is useless.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from examples import Record, is_held, nearest_first, records
from measure import area

from citewire.index.passages import sentences
from citewire.qa.generate.load import load_generator
from citewire.qa.reader import Window, load_reader
from citewire.qa.types import Message

ASKED = (
    "Question: {question}\n\nText: {before} {sentence} {after}\n\n"
    'Does this sentence of the text answer the question: "{sentence}"? Reply with Yes or No.'
)


def pairs(found: list[Record]) -> Iterator[tuple[str, Window, bool]]:
    """Yield the question, the sentence that answers or else the nearest one, and whether it answers."""
    for record in found:
        passage = str(record["passage"])
        spans = [(span.start, span.end) for span in sentences(passage)] or [(0, len(passage))]
        starts = [int(one["start"]) for one in record["answers"]]
        target = next((one for one in spans if starts and one[0] <= starts[0] < one[1]), None)
        start, end = target or nearest_first(str(record["question"]), passage, spans)[0]
        place = spans.index((start, end))
        before = passage[spans[max(0, place - 1)][0] : start]
        after = passage[end : spans[min(len(spans) - 1, place + 1)][1]]
        yield str(record["question"]), Window(passage[start:end], before, after), bool(record["answerable"])


def main() -> None:
    """Measure with the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder of reader.jsonl.gz")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--pairs", type=int, default=150)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    held = [one for one in records(options.data / "reader.jsonl.gz") if is_held(one)]
    drawn = list(pairs(random.Random(0).sample(held, options.pairs)))
    reader, model = load_reader(options.threads), load_generator(options.model, device="cpu", threads=options.threads)
    right = np.array([answers for *_, answers in drawn])
    pupil = [reader.read(question, [one])[0].probability for question, one, _ in drawn]
    begun = time.monotonic()
    taught = [
        model.choose(
            [Message("user", ASKED.format(question=q, sentence=one.sentence, before=one.before, after=one.after))],
            ["Yes", "No"],
        )[0]
        for q, one, _ in drawn
    ]
    seconds = (time.monotonic() - begun) / len(drawn)
    for name, scores in (("teacher", taught), ("reader", pupil)):
        print(f"{name}: {area(right, np.array(scores))}")
    print(f"{seconds:.2f} s a pair for the teacher")


if __name__ == "__main__":
    main()
