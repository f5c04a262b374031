"""Measures of a network on examples of documents held out from training.

answers   area under the curve, by source: does a sentence that answers score above one that does not
span      share of answers whose first and last token are both right, and mean F1 of the tokens
verdict   area under the curve of "supported", and balanced accuracy at 0.5
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from network import FAR, SUPPORTED, Example, Network, collate
from numpy.typing import NDArray

LONGEST = 24  # most tokens of an answer
BATCH = 64

Floats = NDArray[np.float64]


def figures(network: Network, held: Sequence[Example]) -> dict[str, Any]:
    """Return the measures by head and source."""
    answers, spans, verdicts = run(network, held)
    read: dict[str, list[int]] = defaultdict(list)
    said: dict[str, list[int]] = defaultdict(list)
    for row, example in enumerate(held):
        (read if example.answers is not None else said)[example.source].append(row)
    read["all"] = [row for rows in list(read.values()) for row in rows]
    said["all"] = [row for rows in list(said.values()) for row in rows]
    right = {name: np.array([held[row].answers for row in rows]) for name, rows in read.items()}
    true = {name: np.array([held[row].label == SUPPORTED for row in rows]) for name, rows in said.items()}
    found: dict[str, Any] = {
        "answers": {name: area(right[name], answers[rows]) for name, rows in sorted(read.items())},
        "verdict": {name: area(true[name], verdicts[rows]) for name, rows in sorted(said.items())},
    }
    if len(set(true["all"].tolist())) == 2:
        found["verdict"]["balanced"] = _balanced(true["all"], verdicts[said["all"]] > 0.5)
    marked = [row for row, example in enumerate(held) if example.first >= 0]
    pairs = [(spans[row], (held[row].first, held[row].last)) for row in marked]
    if pairs:
        exact = sum(got == wanted for got, wanted in pairs) / len(pairs)
        shared = sum(_f1(got, wanted) for got, wanted in pairs) / len(pairs)
        found["span"] = {"n": len(pairs), "exact": round(exact, 3), "f1": round(shared, 3)}
    return found


@torch.no_grad()
def run(network: Network, examples: Sequence[Example]) -> tuple[Floats, list[tuple[int, int]], Floats]:
    """Return for each example: the score that it answers, first and last token of the span, probability of support."""
    network.eval()
    device = network.span.weight.device
    answers, verdicts = np.zeros(len(examples)), np.zeros(len(examples))
    spans = [(0, 0)] * len(examples)
    order = sorted(range(len(examples)), key=lambda row: len(examples[row].ids))
    for at in range(0, len(order), BATCH):
        rows = order[at : at + BATCH]
        ids, types, mask = (part.to(device) for part in collate([examples[row] for row in rows]))
        read, span, verdict = network(ids, types, mask)
        answers[rows] = read.sigmoid().float().cpu().numpy()
        verdicts[rows] = verdict.softmax(-1)[:, SUPPORTED].float().cpu().numpy()
        for place, row in enumerate(rows):
            logits = span[place].float().cpu().numpy()
            logits[0] = FAR  # [CLS] is not an answer
            spans[row] = best_span(logits)
    return answers, spans, verdicts


def best_span(logits: NDArray[np.float32]) -> tuple[int, int]:
    """Return first and last token of the most likely span of at most `LONGEST` tokens; `logits` is (tokens, 2)."""
    sums = logits[:, 0][:, None] + logits[:, 1][None]
    allowed = np.triu(np.ones_like(sums, bool)) & ~np.triu(np.ones_like(sums, bool), LONGEST)
    first, last = np.unravel_index(np.where(allowed, sums, -np.inf).argmax(), sums.shape)
    return int(first), int(last)


def _f1(got: tuple[int, int], wanted: tuple[int, int]) -> float:
    common = min(got[1], wanted[1]) - max(got[0], wanted[0]) + 1
    return 2 * common / (got[1] - got[0] + wanted[1] - wanted[0] + 2) if common > 0 else 0.0


def area(right: NDArray[Any], scores: Floats) -> dict[str, float]:
    """Return the area under the ROC curve by ranks (Mann-Whitney); ties count half."""
    positive, negative = scores[right > 0], scores[right == 0]
    if not len(positive) or not len(negative):
        return {"n": len(scores)}
    order = np.sort(negative)
    above = np.searchsorted(order, positive, "left") + np.searchsorted(order, positive, "right")
    return {"n": len(scores), "area": round(float(above.mean() / 2 / len(negative)), 3)}


def _balanced(right: NDArray[Any], said: NDArray[Any]) -> float:
    return round(float((said[right].mean() + (~said[~right]).mean()) / 2), 3)
