"""Measure whether a language model's own probability tells right wordings from wrong ones better than the verifier.

    python benchmarks/judging.py MODEL.gguf [--published model.safetensors]

llama.cpp's server runs the model, and is asked with `logprobs` whether a quote supports a claim; the model's score is
the log odds of "yes" against "no". The wordings are those of tests/data/wordings.jsonl, without those that are the
quote itself, or that it supports but that do not answer. Each figure is the area under the curve. A mixture has the
best of eleven shares for this very set, which flatters it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path

import httpx
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from openai_server import llama_cpp

from citewire.qa.reader import load_reader
from citewire.qa.verdicts import Checker, Quoted

WORDINGS = Path(__file__).resolve().parent.parent / "tests" / "data" / "wordings.jsonl"
LEFT_OUT = ("verbatim", "beside")
ASKED = """Sentence: {quote}

Claim: {claim}

Does the sentence say all that the claim says, and the same? Answer with one word, yes or no."""


def log_odds(probability: float) -> float:
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(kept / (1 - kept))


def yes(url: str, quote: str, claim: str) -> float:
    """Return the log odds of "yes" against "no" as the first word of the reply."""
    body = {
        "messages": [{"role": "user", "content": ASKED.format(quote=quote, claim=claim)}],
        "max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 50,
    }  # fmt: skip
    told = httpx.post(f"{url}/chat/completions", json=body, timeout=300).raise_for_status().json()
    likely = told["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    shares = {"yes": 1e-6, "no": 1e-6}
    for one in likely:
        word = one["token"].strip().lower()
        if word in shares:
            shares[word] += math.exp(one["logprob"])
    return math.log(shares["yes"] / shares["no"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--published", type=Path, help="weights of all-mpnet-base-v2, for the second network")
    given = parser.parse_args()
    told = [json.loads(line) for line in WORDINGS.read_text(encoding="utf-8").splitlines()]
    told = [one for one in told if one["kind"] not in LEFT_OUT]
    right = [one["right"] for one in told]
    reader = load_reader(os.cpu_count() or 1, given.published)
    alone = [log_odds(one.supported) for one in reader.verify([(one["claim"], one["quote"]) for one in told])]
    checker = Checker(reader)
    checked = [log_odds(checker.check(one["claim"], [Quoted(one["quote"])]).probability) for one in told]
    with llama_cpp(given.model) as (url, _):
        model = [yes(url, one["quote"], one["claim"]) for one in told]

    def area(scores: NDArray[np.float64]) -> float:
        return float(roc_auc_score(right, scores))

    print(f"{len(told)} wordings, {sum(right)} of them right")
    for name, scores in (("model", model), ("verifier", alone), ("all checks", checked)):
        print(f"{name}: {area(np.array(scores)):.3f}")
    for name, scores in (("verifier", alone), ("all checks", checked)):
        mixed = {
            share: area((1 - share) * np.array(scores) + share * np.array(model)) for share in np.linspace(0, 1, 11)
        }
        best = max(mixed, key=lambda share: mixed[share])
        print(f"{name} and model: {mixed[best]:.3f} with a share of {best:.1f} for the model")


if __name__ == "__main__":
    main()
