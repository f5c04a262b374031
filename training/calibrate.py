"""How logits become probabilities: fitted on questions of documents that training did not see.

    python training/calibrate.py DATA RUN [--threads 1]

Each question is read as in an answer: over the sentences of the passages of its own document that are nearest to it. It
is read again without those that hold an answer, and over the passages of the other documents, so that questions with
and without an answer are there; both count the same, and so do all documents. Fitted is the chance that the best
sentence answers, from its logit and the likeness of its passage to the question (`qa.reader.Calibration`). For claims a
temperature is fitted on one half of them, which divides the logits; it is kept where it lowers the loss on the other
half. RUN gets calibration.json, which export.py puts into the package.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from examples import LABELS, Record, is_held, records
from export import export
from network import UNSUPPORTED
from numpy.typing import NDArray

from citewire.index.embed import load_embedder
from citewire.index.passages import embedded_text, passages
from citewire.index.types import Article, Embedder, Hit
from citewire.qa.evidence import Evidence, gather
from citewire.qa.measure import calibration_error, exact_match, reliability
from citewire.qa.reader import Calibration, Reader, TrainedReader

SOURCES = frozenset({"squad_v1_dev_html", "squad_v2_dev_html", "nqg_squad_train", "qed", "selqa", "timeqa_human"})
NEAREST = 12  # passages of a document that are read
MOST = 40  # questions of a document
RIDGE = 1e-3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """A question as it was read: logit and likeness of its best sentence, whether it answers, its weight in the fit."""

    logit: float
    likeness: float
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
    export(options.run, plain, {})
    reader = TrainedReader(plain, threads=options.threads)
    held = [one for one in records(options.data / "reader.jsonl.gz") if one["source"] in SOURCES and is_held(one)]
    cases = list(read(held, reader, load_embedder(threads=options.threads)))
    fitted = fit(cases)
    print(f"{len(cases)} questions, {sum(case.right for case in cases)} with a best sentence that answers")
    table("as trained", cases, Calibration())
    table("calibrated", cases, fitted)
    claims = [one for one in records(options.data / "verifier.jsonl.gz") if is_held(one)]
    found = asdict(replace(fitted, temperature=round(temperature(claims, reader), 3)))
    (options.run / "calibration.json").write_text(json.dumps(found) + "\n", encoding="utf-8")
    print(found)


# -- questions --------------------------------------------------------------------------------------------------


def read(held: Sequence[Record], reader: Reader, embedder: Embedder) -> Iterator[Case]:
    """Yield the cases of all documents."""
    documents: dict[str, list[Record]] = defaultdict(list)
    for record in held:
        documents[str(record["group"])].append(record)
    articles = {text: one for group, lines in documents.items() for text, one in _articles(group, lines).items()}
    every = [(text, passage) for text, one in articles.items() for passage in passages(one)]
    vectors = embedder.embed([embedded_text(articles[text], passage) for text, passage in every])
    for lines in documents.values():
        asked: dict[str, dict[str, list[Any]]] = defaultdict(dict)
        for line in lines:
            answers = asked[str(line["question"])]
            if line["answerable"]:
                answers.setdefault(str(line["passage"]), []).extend(line["answers"])
        own = np.array([text in {str(line["passage"]) for line in lines} for text, _ in every])
        found: list[tuple[bool, Evidence, bool]] = []  # there is an answer, the best sentence, it is right
        for question, answers in list(asked.items())[:MOST]:
            likeness = vectors @ embedder.embed_query(question)
            having = np.array([text in answers for text, _ in every])
            for rows in (own, own & ~having, ~own) if answers else (own, ~own):
                order = [row for row in np.argsort(-likeness, kind="stable") if rows[row]][:NEAREST]
                hits = [Hit(every[row][1], float(likeness[row]), float(likeness[row]), 0.0) for row in order]
                best = next(iter(gather(question, hits, articles.__getitem__, reader)), None)
                there = bool(answers) and rows is own
                if best:
                    found.append((there, best, there and _answers(best, answers)))
        for there, best, right in found:
            share = sum(one == there for one, _, _ in found) * len(documents)
            yield Case(_logit(best.probability), best.score, right, 1 / share)


def _articles(group: str, lines: Sequence[Record]) -> dict[str, Article]:
    """The passages of a document as articles, by their text, with its title where the group says it."""
    kind, _, name = group.partition("/")
    title = name.replace("_", " ") if kind == "wikipedia" else ""
    return {text: Article(text, text, "", title=title) for text in dict.fromkeys(str(one["passage"]) for one in lines)}


def _answers(best: Evidence, answers: dict[str, list[Any]]) -> bool:
    """Whether a sentence holds an answer that is marked, or its words are one."""
    marked = answers.get(best.article, [])
    inside = any(one["start"] < best.span.end and best.span.start < one["end"] for one in marked)
    return inside or bool(exact_match(best.words, [one["text"] for ones in answers.values() for one in ones]))


def _logit(probability: float) -> float:
    inside = min(max(probability, 1e-9), 1 - 1e-9)
    return float(np.log(inside / (1 - inside)))


def fit(cases: Sequence[Case]) -> Calibration:
    """Return the weighted logistic regression of the cases, by Newton's method from the plain sigmoid."""
    x = np.array([[case.logit, case.likeness, 1.0] for case in cases])
    y = np.array([float(case.right) for case in cases])
    weights = np.array([case.weight for case in cases])
    weights *= len(cases) / weights.sum()
    start = np.array([1.0, 0.0, 0.0])
    at = start.copy()
    for _ in range(50):
        p = 1 / (1 + np.exp(-(x @ at)))
        slope = x.T @ (weights * (y - p)) - RIDGE * (at - start)
        bend = (x * (weights * p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(3)
        at = at + np.linalg.solve(bend, slope)
    usual = float(np.median([case.likeness for case in cases if case.right]))
    return Calibration(*(round(float(one), 4) for one in at), usual=round(usual, 4))


def table(name: str, cases: Sequence[Case], fitted: Calibration) -> None:
    """Print how often the best sentence answers, by its probability, and the expected calibration error."""
    bars = reliability([(fitted.probability(case.logit, case.likeness), case.right) for case in cases])
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
