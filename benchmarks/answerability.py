"""Fits qa/answerable.json: how likely the sentences found answer a question; and how well it does, cross-validated.

    python benchmarks/answerability.py [--squad2 FILE] [--clapnq FILE] [--multihoprag FILE]
                                       [--realtimeqa FILE --corpus FILE] [--cache FOLDER] [--write] [--ablate]

Without a file only the questions of answerable.jsonl are used. Each record is asked as `citewire eval` asks it: its own
documents are indexed, searched, and their sentences read by `qa.evidence`. Every set counts the same (the seeds twice),
and in each the answerable as much as the others, so probabilities are for even odds. Sentences that answer are told by
their words:

    squad2       the answer stands in it; documents: the paragraph
    clapnq       one of its selected sentences; documents: the passage
    multihoprag  one of its facts; documents: its facts; those of all records where it brings none
    realtimeqa   the answer stands in it, in a right article; documents: the right articles of all records and 150
                 others, and for the same question unanswered the same without its right articles (left out where the
                 answer still stands in what is found)
    seeds        answerable.jsonl, on the five articles of seeds/

No record enters the package: --write writes coefficients alone.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from kept import Kept
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from citewire.index.build import build_index
from citewire.index.embed import load_embedder
from citewire.index.options import SearchOptions
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Embedder, Filters, Hit
from citewire.qa import answerable, evaluate, evidence, question, records
from citewire.qa.answerable import AGAINST, FEATURES, FREE, GROUPS, OVERALL, QUESTION_FEATURES, Model, Weights
from citewire.qa.judge import Judge
from citewire.qa.measure import contains
from citewire.qa.vectors import WordVectors
from citewire.seeds import seeds_folder

PASSAGES, FOLDS, OTHERS = 8, 5, 150
SENTENCE_PENALTY, QUESTION_PENALTY = 2.0, 20.0  # of squared weights of standardised features
# Weights that the penalty draws to instead of 0: what lacks by rule is believed to count until the data says more. It
# costs no set anything and keeps apart what the sets have little of: well formed questions on the wrong kind of thing.
BELIEVED = {"any_missing": -1.0, **dict.fromkeys(answerable.KINDS, -0.8)}
NEWS = 2.0  # how much more the seeds count than any other set: questions on news as people type them
TARGET = Path(__file__).resolve().parent.parent / "qa" / "answerable.json"

Values = Mapping[str, float]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A question with the features of the sentences found and which of them answer; `group` stays in one fold."""

    name: str
    group: str
    question: str
    answerable: bool
    sentences: list[dict[str, float]]
    answers: list[bool]
    strict: bool  # whether the strict rules alone would answer
    texts: list[str]


# -- the questions --------------------------------------------------------------------------------------------

Right = Callable[[str, str], bool]  # (article, sentence) -> whether it answers


class Reader:
    """Asks questions of an index and reads what is found."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder, self._vectors = embedder, WordVectors(embedder, 10**7)

    def case(
        self, name: str, group: str, index: Index, paths: Sequence[str], text: str, answer: bool, right: Right,
        leaks: Callable[[Sequence[Hit]], bool] = lambda _: False,
    ) -> Iterator[Case]:  # fmt: skip
        """Yield the case of one question, unless what is found leaks what it should not have."""
        options = SearchOptions(k=PASSAGES, copies=1, filters=Filters(articles=tuple(paths)))
        hits = search(index, self.embedder, text, options)
        if leaks(hits):
            return
        parsed = question.parse(text)
        judge = Judge(parsed, self._vectors)
        readings, _ = evidence.read(parsed, hits, index.article, self.embedder, judge)
        texts = [reading.candidate.text for reading in readings]
        labels = [answer and right(r.candidate.article.path, r.candidate.text) for r in readings]
        floor = 0.6 * max((r.score for r in readings), default=0.0)
        strict = any(not r.values["missing"] and r.score >= floor for r in readings)
        yield Case(name, group, text, answer, [dict(r.values) for r in readings], labels, strict, texts)


def own_documents(name: str, file: Path, folder: Path, reader: Reader) -> Iterator[Case]:
    """The questions of squad2, clapnq and multihoprag."""
    _, items = records.read(file)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    asked = [item for item in items if isinstance(item, records.Asked)]
    paths = evaluate.index_documents(asked, asked, folder, reader.embedder, lambda *_: None)
    with Index.open(folder / "index", reader.embedder) as index:
        for item in asked:
            right = _right(name, item.answers, lines[item.line - 1])
            group = hashlib.sha256("".join(sorted(d.text for d in item.documents)).encode()).hexdigest()
            group = group if item.documents else item.key
            answer = item.answerable is not False
            yield from reader.case(name, group, index, paths[item.key], item.question, answer, right)
            if name == "multihoprag" and answer:
                yield from reader.case(f"{name}, all facts", group, index, (), item.question, answer, right)


def _right(name: str, answers: Sequence[str], record: Mapping[str, Any]) -> Right:
    if name == "squad2":
        return lambda _, sentence: any(contains(sentence, answer) for answer in answers)
    if name == "clapnq":
        texts = [text for output in record["output"] for text in output.get("selected_sentences", ())]
    else:
        texts = [fact["fact"] for fact in record["evidence_list"]]
    plain = [" ".join(text.split()) for text in texts if len(text) > 3]
    return lambda _, sentence: any(text in sentence or (sentence in text and len(sentence) > 15) for text in plain)


def realtimeqa(file: Path, corpus: Path, folder: Path, reader: Reader) -> Iterator[Case]:
    """Its questions with and without their right articles."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line["answer_in_gold"]]
    with gzip.open(corpus, "rt", encoding="utf-8") as opened:
        articles = [json.loads(line) for line in opened]
    wanted = {str(number) for line in lines for number in line["gold_docs"]}
    rest = [article for article in articles if str(article["id"]) not in wanted]
    kept = [article for article in articles if str(article["id"]) in wanted] + random.Random(1).sample(rest, OTHERS)
    folder.mkdir(parents=True, exist_ok=True)
    documents = folder / "documents.jsonl"
    fields = (
        {"id": str(a["id"]), **{k: a[k] for k in ("title", "url", "date")}, "text": a["text"][:6000]} for a in kept
    )
    documents.write_text("".join(f"{json.dumps(one)}\n" for one in fields), encoding="utf-8")
    build_index([documents], folder / "index", reader.embedder, lambda *_: None)
    everything = [f"{documents.name}#{article['id']}" for article in kept]
    with Index.open(folder / "index", reader.embedder) as index:
        for line in lines:
            mine = {f"{documents.name}#{number}" for number in line["gold_docs"]}

            def told(path: str, text: str, mine: set[str] = mine, line: Mapping[str, Any] = line) -> bool:
                return path in mine and any(contains(text, answer) for answer in line["answers"])

            def lost(hits: Sequence[Hit], told: Right = told) -> bool:
                return not any(told(hit.passage.article, hit.passage.text) for hit in hits)

            def known(hits: Sequence[Hit], line: Mapping[str, Any] = line) -> bool:
                return any(contains(hit.passage.text, answer) for hit in hits for answer in line["answers"])

            ask = line["question"]
            yield from reader.case("realtimeqa", line["id"], index, everything, ask, True, told, lost)
            others = [path for path in everything if path not in mine]
            yield from reader.case("realtimeqa", line["id"], index, others, ask, False, told, known)


def seeds(folder: Path, reader: Reader) -> Iterator[Case]:
    """The questions of answerable.jsonl."""
    file = Path(__file__).parent / "answerable.jsonl"
    build_index([seeds_folder()], folder / "index", reader.embedder)
    with Index.open(folder / "index", reader.embedder) as index:
        for line in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            words = line.get("words", [])

            def told(_: str, text: str, words: Sequence[str] = words) -> bool:
                return any(word in text for word in words)

            yield from reader.case("seeds", line["question"], index, (), line["question"], line["answerable"], told)


# -- the fit ----------------------------------------------------------------------------------------------------


def regression(
    rows: Sequence[Values],
    right: Array,
    weights: Array,
    names: Sequence[str],
    penalty: float,
    believed: Mapping[str, float],
) -> Weights:
    """Fit a logistic regression with a penalty on squared weights, which keep their signs (`AGAINST`, `FREE`).

    `believed` are weights that hold without any data; what is fitted comes on top of them.
    """
    values = np.array([[row[name] for name in names] for row in rows])
    before = np.array([sum(w * row[name] for name, w in believed.items()) for row in rows])
    mean, scale = values.mean(axis=0), values.std(axis=0) + 1e-6
    values, sign, weights = (values - mean) / scale, np.where(right > 0, 1.0, -1.0), weights / weights.mean()

    def loss(at: Array) -> tuple[float, Array]:
        margin = sign * (values @ at[1:] + at[0] + before)
        slope = -weights * sign / (1 + np.exp(np.minimum(margin, 700)))
        total = (weights * np.logaddexp(0, -margin)).sum() + penalty / 2 * (at[1:] ** 2).sum()
        return float(total), np.concatenate([[slope.sum()], values.T @ slope + penalty * at[1:]])

    limits = [(None, None) if n in FREE else (None, 0.0) if n in AGAINST else (0.0, None) for n in names]
    start = np.zeros(len(names) + 1)
    at = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), *limits], options={"maxiter": 2000}).x
    fitted = {n: float(w) for n, w in zip(names, at[1:] / scale, strict=True) if abs(w) > 1e-4}
    both = {n: fitted.get(n, 0.0) + believed.get(n, 0.0) for n in names if n in fitted or n in believed}
    return Weights(float(at[0] - (at[1:] / scale) @ mean), both)


def fit_sentences(cases: Sequence[Case], names: Sequence[str]) -> Weights:
    """Fit which sentence of a question answers; then, of those with its words only the likeliest."""
    model: Weights | None = None
    for _ in range(2):
        rows: list[Values] = []
        right: list[bool] = []
        weights: list[float] = []
        for case in cases:
            odds = [model.log_odds(values) for values in case.sentences] if model else [0.0] * len(case.sentences)
            best = max((o for o, label in zip(odds, case.answers, strict=True) if label), default=0.0)
            sure = [label and o >= best - 0.7 for o, label in zip(odds, case.answers, strict=True)]
            others = len(case.answers) - sum(case.answers)
            for values, label, keep in zip(case.sentences, case.answers, sure, strict=True):
                if keep or not label:
                    rows.append(values)
                    right.append(keep)
                    weights.append(1 / sum(sure) if keep else 1 / others)
        model = regression(rows, np.array(right, float), np.array(weights), names, SENTENCE_PENALTY, {})
    assert model is not None
    return model


def balance(cases: Sequence[Case]) -> Array:
    """The weights with which every set, and in each both kinds of question, count the same; the seeds `NEWS` times."""
    count: defaultdict[tuple[str, bool], int] = defaultdict(int)
    for case in cases:
        count[case.name.split(",")[0], case.answerable] += 1
    return np.array([(NEWS if c.name == "seeds" else 1.0) / count[c.name.split(",")[0], c.answerable] for c in cases])


def fit(cases: Sequence[Case], without: frozenset[str] = frozenset()) -> Model:
    """Fit both models on the cases that have sentences."""
    cases = [case for case in cases if case.sentences]
    names = [name for name in FEATURES if name not in without]
    sentence = fit_sentences(cases, names)
    half = Model(sentence, Weights(0.0, {}))
    rows = [half.overall(case.sentences) for case in cases]
    right = np.array([case.answerable for case in cases], float)
    names = [name for name in QUESTION_FEATURES if name not in without]
    believed = {name: weight for name, weight in BELIEVED.items() if name in names}
    return Model(sentence, regression(rows, right, balance(cases), names, QUESTION_PENALTY, believed))


def cross_validated(cases: Sequence[Case], without: frozenset[str] = frozenset()) -> tuple[list[float], list[bool]]:
    """Return the probability of each case by a model that has not seen its group, and whether its first answers."""
    groups = sorted({case.group for case in cases})
    fold = {group: place % FOLDS for place, group in enumerate(np.random.default_rng(0).permutation(groups))}
    probabilities, first = [0.0] * len(cases), [False] * len(cases)
    for number in range(FOLDS):
        model = fit([case for case in cases if fold[case.group] != number], without)
        for place, case in enumerate(cases):
            if fold[case.group] == number and case.sentences:
                probabilities[place] = model.answerable(case.sentences)
                odds = [model.sentence.log_odds(values) for values in case.sentences]
                first[place] = case.answers[int(np.argmax(odds))]
    return probabilities, first


# -- figures ----------------------------------------------------------------------------------------------------


def area(right: Sequence[bool], scores: Sequence[float]) -> float:
    """The area under the ROC curve: how often a right one is before a wrong one."""
    yes = np.array([s for s, r in zip(scores, right, strict=True) if r])
    no = np.array([s for s, r in zip(scores, right, strict=True) if not r])
    pairs = (yes[:, None] > no).mean() + (yes[:, None] == no).mean() / 2
    return float(pairs)


def refusals(right: Sequence[bool], answered: Sequence[bool]) -> str:
    """Precision and recall of refusing, and the answerable questions kept."""
    refused = [not r for r, a in zip(right, answered, strict=True) if not a]
    kept = sum(r and a for r, a in zip(right, answered, strict=True))
    precision = sum(refused) / len(refused) if refused else 0.0
    return f"{precision:.2f} / {sum(refused) / (len(right) - sum(right)):.2f}, kept {kept} of {sum(right)}"


def table(cases: Sequence[Case], probabilities: Sequence[float], first: Sequence[bool]) -> None:
    for name in dict.fromkeys(case.name.split(",")[0] for case in cases):
        places = [place for place, case in enumerate(cases) if case.name == name]
        right = [cases[place].answerable for place in places]
        found = [probabilities[place] for place in places]
        print(f"{name} ({len(places)}): area {area(right, found):.3f}")
        print(f"  strict rules:  {refusals(right, [cases[place].strict for place in places])}")
        for least in (0.3, 0.4, 0.5, 0.6, 0.7):
            print(f"  from {least:.1f}:      {refusals(right, [p >= least for p in found])}")
        sure = [first[place] for place in places if any(cases[place].answers)]
        print(f"  first sentence answers: {sum(sure)} of {len(sure)}")


def reliability(cases: Sequence[Case], probabilities: Sequence[float]) -> None:
    """Ten bins, every set counting the same."""
    weights = balance(cases)
    right = np.array([case.answerable for case in cases])
    bins = np.minimum((np.array(probabilities) * 10).astype(int), 9)
    error = 0.0
    print("forecast | answerable | questions")
    for number in range(10):
        inside = bins == number
        if inside.any():
            share = (weights * right)[inside].sum() / weights[inside].sum()
            mean = (weights * probabilities)[inside].sum() / weights[inside].sum()
            error += abs(share - mean) * weights[inside].sum() / weights.sum()
            print(f"    {mean:.2f} |       {share:.2f} | {inside.sum()}")
    print(f"expected calibration error {error:.3f}")


def ablate(cases: Sequence[Case]) -> None:
    names = list(dict.fromkeys(case.name.split(",")[0] for case in cases))
    print("area without        ", *names, sep="  ")
    groups = {"nothing": (), **GROUPS, "overall": [name for name in OVERALL if name != "best"]}
    for group, without in groups.items():
        found, _ = cross_validated(cases, frozenset(without))
        areas = []
        for name in names:
            places = [place for place, case in enumerate(cases) if case.name == name]
            areas.append(area([cases[p].answerable for p in places], [found[p] for p in places]))
        print(f"{group:20}", *(f"{one:.3f}" for one in areas), sep="  ")


def written(model: Model) -> str:
    def part(weights: Weights) -> dict[str, Any]:
        return {"bias": round(weights.bias, 4), "weights": {n: round(w, 4) for n, w in weights.weights.items()}}

    fields = {"sentence": part(model.sentence), "question": part(model.question)}
    return json.dumps(fields, indent=2) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("squad2", "clapnq", "multihoprag", "realtimeqa", "corpus", "cache"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--write", action="store_true", help=f"write {TARGET.name}")
    parser.add_argument("--ablate", action="store_true", help="take each group of features out")
    options = parser.parse_args()
    embedder = Kept(load_embedder(), options.cache)
    reader = Reader(embedder)
    cases: list[Case] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("squad2", "clapnq", "multihoprag"):
            if file := getattr(options, name):
                cases += own_documents(name, file, folder / name, reader)
        if options.realtimeqa and options.corpus:
            cases += realtimeqa(options.realtimeqa, options.corpus, folder / "realtimeqa", reader)
        cases += seeds(folder / "seeds", reader)
    embedder.save()
    table(cases, *(found := cross_validated(cases)))
    reliability(cases, found[0])
    if options.ablate:
        ablate(cases)
    if options.write:
        TARGET.write_text(written(fit(cases)), encoding="utf-8")


if __name__ == "__main__":
    main()
