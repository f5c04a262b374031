"""How logits become probabilities: fitted on questions of documents that training did not see.

    python training/calibrate.py DATA RUN [--threads 1]

Each question is read as in an answer: over the sentences of the passages of its own document that are nearest to it. It
is read a second time without those that hold an answer, so that both kinds of question are there; both count the same,
and so do all documents. Fitted is probability = sigmoid(scale * logit + shift) of the best sentence: the chance that it
answers. For claims a temperature is fitted on one half of them, which divides the logits; it is kept where it lowers
the loss on the other half. RUN gets calibration.json, which export.py puts into the package.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from examples import LABELS, Record, is_held, records
from export import export
from network import UNSUPPORTED
from numpy.typing import NDArray

from citewire.index.embed import load_embedder
from citewire.index.passages import passages
from citewire.index.types import Article, Embedder, Hit
from citewire.qa.evidence import Evidence, gather
from citewire.qa.measure import calibration_error, exact_match, reliability
from citewire.qa.reader import Reader, TrainedReader

SOURCES = frozenset(
    {"squad_v1_dev_html", "squad_v2_dev_html", "nqg_squad_train", "qed", "selqa", "timeqa_human", "qamr"}
)
NEAREST = 12  # passages of a document that are read
MOST = 60  # questions of a document
RIDGE = 1e-3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """A question as it was read: the logit of its best sentence, whether that answers, and its weight in the fit."""

    logit: float
    right: bool
    weight: float


def main() -> None:
    """Fit as the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder of reader.jsonl.gz and verifier.jsonl.gz")
    parser.add_argument("run", type=Path, help="folder that train.py wrote")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    plain = options.run / "plain.safetensors"
    export(options.run, plain, {"scale": 1.0, "shift": 0.0})
    reader = TrainedReader(plain, threads=options.threads)
    held = [one for one in records(options.data / "reader.jsonl.gz") if one["source"] in SOURCES and is_held(one)]
    cases = list(read(held, reader, load_embedder(threads=options.threads)))
    scale, shift = fit(cases)
    print(f"{len(cases)} questions, {sum(case.right for case in cases)} with a best sentence that answers")
    table("as trained", cases, 1.0, 0.0)
    table("calibrated", cases, scale, shift)
    claims = [one for one in records(options.data / "verifier.jsonl.gz") if is_held(one)]
    found = {"scale": round(scale, 4), "shift": round(shift, 4), "temperature": round(temperature(claims, reader), 3)}
    (options.run / "calibration.json").write_text(json.dumps(found) + "\n", encoding="utf-8")
    print(found)


# -- questions --------------------------------------------------------------------------------------------------


def read(held: Sequence[Record], reader: Reader, embedder: Embedder) -> Iterator[Case]:
    """Yield the cases of all documents."""
    documents: dict[str, list[Record]] = defaultdict(list)
    for record in held:
        documents[str(record["group"])].append(record)
    for group, lines in documents.items():
        yield from _document(group, lines, reader, embedder)


def _document(group: str, lines: Sequence[Record], reader: Reader, embedder: Embedder) -> Iterator[Case]:
    kind, _, name = group.partition("/")
    title = name.replace("_", " ") if kind == "wikipedia" else ""
    texts = list(dict.fromkeys(str(line["passage"]) for line in lines))
    articles = {text: Article(text, text, "", title=title) for text in texts}
    every = [(text, passage) for text in texts for passage in passages(articles[text])]
    vectors = embedder.embed([passage.text for _, passage in every])
    asked: dict[str, dict[str, list[Any]]] = defaultdict(dict)
    for line in lines:
        answers = asked[str(line["question"])]
        if line["answerable"]:
            answers.setdefault(str(line["passage"]), []).extend(line["answers"])
    found: list[tuple[bool, float, bool]] = []  # there is an answer, logit, right
    for question, answers in list(asked.items())[:MOST]:
        order = np.argsort(-(vectors @ embedder.embed_query(question)), kind="stable")
        for there in (True, False) if answers else (False,):
            left = [every[row] for row in order if there or every[row][0] not in answers][:NEAREST]
            hits = [Hit(passage, 1.0, 1.0, 0.0) for _, passage in left]
            best = next(iter(gather(question, hits, articles.__getitem__, reader)), None)
            if best:
                found.append((there, _logit(best.probability), there and _answers(best, answers)))
    for there, logit, right in found:
        yield Case(logit, right, 1 / sum(one == there for one, _, _ in found))


def _answers(best: Evidence, answers: dict[str, list[Any]]) -> bool:
    """Whether a sentence holds an answer that is marked, or its words are one."""
    marked = answers.get(best.article, [])
    inside = any(one["start"] < best.span.end and best.span.start < one["end"] for one in marked)
    return inside or bool(exact_match(best.words, [one["text"] for ones in answers.values() for one in ones]))


def _logit(probability: float) -> float:
    inside = min(max(probability, 1e-9), 1 - 1e-9)
    return float(np.log(inside / (1 - inside)))


def fit(cases: Sequence[Case]) -> tuple[float, float]:
    """Return scale and shift of a weighted logistic regression, by Newton's method from the plain sigmoid."""
    x = np.array([[case.logit, 1.0] for case in cases])
    y = np.array([float(case.right) for case in cases])
    weights = np.array([case.weight for case in cases])
    weights *= len(cases) / weights.sum()
    start = np.array([1.0, 0.0])
    at = start.copy()
    for _ in range(50):
        p = 1 / (1 + np.exp(-(x @ at)))
        slope = x.T @ (weights * (y - p)) - RIDGE * (at - start)
        bend = (x * (weights * p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(2)
        at = at + np.linalg.solve(bend, slope)
    return float(at[0]), float(at[1])


def table(name: str, cases: Sequence[Case], scale: float, shift: float) -> None:
    """Print how often the best sentence answers, by its probability, and the expected calibration error."""
    bars = reliability([(float(1 / (1 + np.exp(-(scale * c.logit + shift)))), c.right) for c in cases])
    print(f"{name}: expected calibration error {calibration_error(bars):.3f}\n  forecast | answers | questions")
    for bar in bars:
        print(f"      {bar.forecast:.2f} |    {bar.observed:.2f} | {bar.count}")


# -- claims -----------------------------------------------------------------------------------------------------


def temperature(held: Sequence[Record], reader: Reader) -> float:
    """Return the temperature with the least loss on the even claims; 1 where it does not help on the odd ones."""
    held = [one for one in held if LABELS[str(one["label"])] != UNSUPPORTED]
    odds = reader.verify([(str(one["claim"]), str(one["quote"])) for one in held])
    logits = np.log(np.array([[one.supported, one.refuted, one.not_said] for one in odds]) + 1e-12)
    labels = np.array([LABELS[str(one["label"])] for one in held])
    tried = np.geomspace(0.5, 4.0, 43)
    best = float(min(tried, key=lambda one: loss(logits[::2], labels[::2], one)))
    plain, with_it = (loss(logits[1::2], labels[1::2], one) for one in (1.0, best))
    print(f"{len(held)} claims: loss {plain:.4f} as trained, {with_it:.4f} at temperature {best:.2f}")
    return best if with_it < plain else 1.0


def loss(logits: Floats, labels: NDArray[np.int_], warmth: float) -> float:
    """Return the mean cross entropy at a temperature."""
    cooled = logits / warmth
    logs = cooled - np.log(np.exp(cooled).sum(axis=1, keepdims=True))
    return float(-logs[np.arange(len(labels)), labels].mean())


if __name__ == "__main__":
    main()
