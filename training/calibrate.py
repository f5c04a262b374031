"""Fit the mapping from logits to probabilities, on questions of documents outside the training set.

    python training/calibrate.py DATA RUN [--threads 1] [--large model.safetensors]

Each question on the news articles that are held out is searched and read as in an answer, over all of these articles;
then without those of the same writer, who wrote several on one event. The questions that an article only nearly
answers are read too. Questions with and without an answer have the same weight. One regression over all sentences
ranks them: by the logit, the similarity of passage and question, and the place in the search
(`qa.reader.Calibration`). The probability says whether the question has an answer at all.
The second network (`--large`) reads the likeliest sentences of the first one, and both logits count. For claims the
logits are divided by a temperature. It is fitted on one half of the claims for each network, and kept if it lowers the
loss on the other half. RUN gets calibration.json; export.py puts it into the package.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from examples import LABELS, Record, is_held, records
from export import export, export_large
from mined import indexed
from network import UNSUPPORTED
from news import News, articles, asked, stated
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from citewire.index.embed import load_embedder
from citewire.index.options import SearchOptions
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Embedder, Filters
from citewire.qa.evaluate.measure import calibration_error, exact_match, reliability
from citewire.qa.evidence import Evidence, gather
from citewire.qa.inputs import Inputs
from citewire.qa.network import Calibration, Network, large, small
from citewire.qa.reader import AGAIN, SHARE, WEIGHTS, Reader, TrainedReader

NEAREST = 8  # passages read for a question, as in an answer
MOST = 2  # questions asked of an article, and as many that it nearly answers
RIDGE = 1e-3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """The sentences read for one question.

    Attributes:
        features: one row for each sentence: logit, logit of the second network or 0, similarity, minus the gap to the
            best passage, 1.
        right: whether each sentence answers.
        weight: of the question in the fit.
    """

    features: Floats
    right: NDArray[np.bool_]
    weight: float


def main() -> None:
    """Fit with the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="folder of reader.jsonl.gz and verifier.jsonl.gz")
    parser.add_argument("run", type=Path, help="folder that train.py wrote")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--large", type=Path, help="the published weights of the second network, which the run trained")
    options = parser.parse_args()
    readers = _readers(options.run, options.large, options.threads)
    cases = list(read([one for one in articles() if one.held], readers, load_embedder(threads=options.threads)))
    fitted = fit(cases)
    print(f"{len(cases)} questions, {sum(bool(case.right.any()) for case in cases)} with a sentence that answers")
    table("as trained", cases, Calibration())
    table("calibrated", cases, fitted)
    claims = [one for one in records(options.data / "verifier.jsonl.gz") if is_held(one)]
    claims += [one for article in articles() if article.held for one in stated(article)]
    network = (
        large(options.run / "large.safetensors", options.large, threads=options.threads)
        if options.large
        else small(options.run / "plain.safetensors", threads=options.threads)
    )[0]
    fitted = replace(fitted, temperature=round(temperature(claims, network), 3))
    found = asdict(fitted)
    (options.run / "calibration.json").write_text(json.dumps(found) + "\n", encoding="utf-8")
    print(found)


def _readers(run: Path, published: Path | None, threads: int) -> list[Reader]:
    """Return a reader with the network of the run; for the second network, first the reader of the first network."""
    plain = run / "plain.safetensors"
    if published is None:
        export(run, plain, {})
        return [TrainedReader(plain, threads=threads)]
    save_file(load_file(WEIGHTS), plain, {"calibration": "{}"})
    export_large(run, run / "large.safetensors", {"scale": 0.0, "again": 1.0})
    again = (run / "large.safetensors", published)
    return [TrainedReader(plain, threads=threads), TrainedReader(plain, threads=threads, again=again)]


# -- questions --------------------------------------------------------------------------------------------------


def read(held: Sequence[News], readers: Sequence[Reader], embedder: Embedder) -> Iterator[Case]:
    """Yield the cases of all questions; each is searched in a real index of the articles."""
    documents = {one.name: [{"passage": one.text, "title": one.title}] for one in held}
    found: list[tuple[bool, Floats, NDArray[np.bool_]]] = []
    with tempfile.TemporaryDirectory() as folder, indexed(documents, Path(folder), embedder) as (index, names):
        every = tuple(sorted(names.values()))
        for one in held:
            writer = one.name.partition("-")[0]
            others = tuple(sorted(names[other.text] for other in held if other.name.partition("-")[0] != writer))
            for record in asked([replace(one, questions=one.questions[:MOST], near=one.near[:MOST])]):
                question, answers = str(record["question"]), {names[one.text]: list(record["answers"])}
                there = bool(record["answerable"])
                found.append((there, *_read(question, answers, every, index, embedder, readers)))
                if there and others:
                    found.append((False, *_read(question, {}, others, index, embedder, readers)))
    for there, features, right in found:
        if len(features):
            yield Case(features, right, 1 / sum(one == there for one, *_ in found))


def _read(
    question: str,
    answers: Mapping[str, list[Any]],
    where: Sequence[str],
    index: Index,
    embedder: Embedder,
    readers: Sequence[Reader],
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the features of the sentences found, and whether each one answers."""
    hits = search(index, embedder, question, SearchOptions(k=NEAREST, filters=Filters(articles=tuple(where))))
    best = max((hit.score for hit in hits), default=0.0)
    scores = {(hit.passage.article, span): hit for hit in reversed(hits) for span in hit.passage.sentences}
    first, *more = (gather(question, hits, index.article, reader) for reader in readers)
    pools = {(one.article, one.span): _logit(one.probability) for one in (more[0] if more else [])}
    read = sorted(first, key=lambda one: -one.probability)[: AGAIN if more else None]
    features = []
    for one in read:
        hit, logit = scores[one.article, one.span], _logit(one.probability)
        pool = pools.get((one.article, one.span), 0.0)
        again = (pool - (1 - SHARE) * logit) / SHARE if pools else 0.0  # the logit of the second network by itself
        features.append([logit, again, hit.cosine, hit.score - best, 1.0])
    right = [bool(answers) and _answers(one, dict(answers)) for one in read]
    return np.array(features).reshape(-1, 5), np.array(right, bool)


def _answers(best: Evidence, answers: dict[str, list[Any]]) -> bool:
    """Whether a sentence holds a marked answer, or its predicted words are one."""
    marked = answers.get(best.article, [])
    inside = any(one["start"] < best.span.end and best.span.start < one["end"] for one in marked)
    return inside or bool(exact_match(best.words, [one["text"] for ones in answers.values() for one in ones]))


def _logit(probability: float) -> float:
    inside = min(max(probability, 1e-9), 1 - 1e-9)
    return float(np.log(inside / (1 - inside)))


def fit(cases: Sequence[Case]) -> Calibration:
    """Fit a logistic regression on all sentences, then scale and shift it to "does the question have an answer"."""
    rows = np.concatenate([case.features for case in cases])
    right = np.concatenate([case.right for case in cases])
    weights = np.concatenate([np.full(len(case.right), case.weight / len(case.right)) for case in cases])
    slopes = logistic(rows, right, weights, np.array([1.0, 0.0, 0.0, 0.0, 0.0]))
    best = [int((case.features @ slopes).argmax()) for case in cases]
    odds = np.array([[float(case.features[at] @ slopes), 1.0] for case, at in zip(cases, best, strict=True)])
    answers = np.array([bool(case.right.any()) for case in cases])
    scale, shift = logistic(odds, answers, np.array([case.weight for case in cases]), np.array([1.0, 0.0]))
    usual = float(np.median([case.features[at, 2] for case, at in zip(cases, best, strict=True) if case.right[at]]))
    logit, again, near, behind, constant = (float(scale * one) for one in slopes)
    fitted = (round(one, 4) for one in (logit, near, behind, constant + float(shift), usual))
    return Calibration(*fitted, again=round(again, 4))


def logistic(x: Floats, y: NDArray[np.bool_], weights: Floats, start: Floats) -> Floats:
    """Return the weighted logistic regression by Newton's method, with a weak prior around `start`."""
    weights = weights * (len(weights) / weights.sum())
    at = start.copy()
    for _ in range(50):
        p = 1 / (1 + np.exp(-(x @ at)))
        slope = x.T @ (weights * (y - p)) - RIDGE * (at - start)
        bend = (x * (weights * p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(len(start))
        at = at + np.linalg.solve(bend, slope)
    return at


def table(name: str, cases: Sequence[Case], fitted: Calibration) -> None:
    """Print the share of questions with an answer by the best sentence's probability, and the calibration error."""
    told = []
    for case in cases:
        odds = [fitted.probability(logit, near, -behind, again) for logit, again, near, behind, _ in case.features]
        at = int(np.argmax(odds))
        told.append((odds[at], bool(case.right.any())))
    bars = reliability(told)
    print(f"{name}: expected calibration error {calibration_error(bars):.3f}\n  forecast | answers | questions")
    for bar in bars:
        print(f"      {bar.forecast:.2f} |    {bar.observed:.2f} | {bar.count}")


# -- claims -----------------------------------------------------------------------------------------------------


def temperature(held: Sequence[Record], network: Network) -> float:
    """Return the temperature with the least loss on the even claims; 1 if it does not help on the odd claims."""
    held = [one for one in held if LABELS[str(one["label"])] != UNSUPPORTED]
    inputs = Inputs()
    logits = np.array(network.verify([inputs.claim(str(one["claim"]), str(one["quote"])) for one in held]), np.float64)
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
