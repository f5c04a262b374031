"""Fits qa/short.json: which few words of a sentence answer a question; and how well that does, cross-validated.

    python benchmarks/short.py FILE... [--measured FILE...] [--corpus FILE] [--cache FOLDER] [--ablate] [--write]

The FILEs are of questions with answers and documents, as `citewire eval` reads them; --measured names more that the
weights are not fitted to, --corpus has the articles that records only name (gzip, JSON lines of id and text). Of each
question that has an answer other than yes or no, the first document with a sentence that the answer stands in gives the
sentence to read: the one of these with most of the question's words. short.json is fitted to SQuAD 2.0 (CC BY-SA 4.0)
and MultiHop-RAG (ODC-By); no record enters the package: --write writes coefficients alone.

The weights are those of a softmax over the candidates of a sentence. Fitted is the mean of EM and F1 (SQuAD) that they
lead to, with a penalty on their squares. What is printed is of weights that have not seen the sentence's document, and
of all sentences, also of those whose answer is no candidate ("within reach" is the share where it is one). The last
table has the probability of the words taken and how often they were right.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from kept import Kept
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]

from citewire.index.embed import load_embedder
from citewire.index.passages import sentences
from citewire.qa import facts, records, short
from citewire.qa.measure import contains, exact_match, token_f1
from citewire.qa.vectors import WordVectors

FOLDS, PENALTY = 5, 0.01  # penalty of a squared weight of a standardised feature, beside the mean loss of a sentence
LONGEST = 800  # characters of a sentence; longer ones are tables and lists
TARGET = Path(short.__file__).parent / "short.json"

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A question, a sentence with its answer, and each candidate's features, EM and F1; `group` stays in one fold."""

    name: str
    group: str
    values: Sequence[Mapping[str, float]]
    em: Array
    f1: Array


# -- the questions --------------------------------------------------------------------------------------------


def triples(file: Path, corpus: Mapping[str, str]) -> Iterator[tuple[str, str, str, Sequence[str]]]:
    """Yield (group, question, sentence, right answers)."""
    for item in records.read(file)[1]:
        if not isinstance(item, records.Asked) or not item.answers or item.answers[0].lower() in ("yes", "no"):
            continue
        texts = [document.text for document in item.documents] or [corpus[i] for i in item.find if i in corpus]
        found = (sentence for text in texts if (sentence := nearest(item, text)))
        if (sentence := next(found, "")) and len(sentence) < LONGEST:
            yield texts[0], item.question, sentence, item.answers


def nearest(item: records.Asked, text: str) -> str:
    """The sentence of a text that has an answer and most of the question's words, the shorter of two; "" for none."""
    there = [text[s.start : s.end] for s in sentences(text)]
    there = [sentence for sentence in there if any(contains(sentence, answer) for answer in item.answers)]
    stems = set(facts.terms(item.question))
    return max(there, key=lambda sentence: (len(stems & set(facts.terms(sentence))), -len(sentence)), default="")


def cases(file: Path, corpus: Mapping[str, str], vectors: WordVectors) -> Iterator[Case]:
    """Read the sentences as `short.short` does, but with the value that substitution has for every candidate."""
    read = []
    for group, question, sentence, answers in triples(file, corpus):
        asked = short.asked_for(question)
        read.append((group, asked, short.candidates(sentence, asked) if asked else [], sentence, answers))
    every = [(asked, one.text) for _, asked, found, *_ in read if asked for one in found]
    vectors.add(text for asked, words in every for text in (words, asked.with_answer(words)))
    for group, asked, found, sentence, answers in read:
        values = []
        for one in found:
            assert asked  # without it nothing is found
            there = short.features(asked, sentence, one, vectors)
            values.append(there | {"substituted": vectors.cosine(asked.with_answer(one.text), sentence)})
        em, f1 = (np.array([score(one.text, answers) for one in found]) for score in (exact_match, token_f1))
        yield Case(file.stem, group, values, em, f1)


# -- the weights ----------------------------------------------------------------------------------------------


def matrix(case: Case, names: Sequence[str]) -> Array:
    return np.array([[one.get(name, 0.0) for name in names] for one in case.values])


def softmax(scores: Array) -> Array:
    odds = np.exp(scores - scores.max())
    shares: Array = odds / odds.sum()
    return shares


def fit(training: Sequence[Case], names: Sequence[str] = short.FEATURES) -> Array:
    """Return the weight of each of `names`; learns nothing from sentences without a candidate near the answer."""
    training = [case for case in training if max(case.f1, default=0.0) > 0.5]
    rows = np.concatenate([matrix(case, names) for case in training])
    scale = rows.std(axis=0) + 1e-9
    rows /= scale
    wanted = np.concatenate([(case.em + case.f1) / 2 for case in training])
    starts = np.cumsum([0, *(len(case.values) for case in training)])[:-1]
    of = np.repeat(np.arange(len(training)), [len(case.values) for case in training])

    def loss(weights: Array) -> tuple[float, Array]:
        scores = rows @ weights
        odds = np.exp(scores - np.maximum.reduceat(scores, starts)[of])
        shares = odds / np.add.reduceat(odds, starts)[of]
        reward = np.add.reduceat(shares * wanted, starts)
        slope = -shares * (wanted - reward[of]) / (reward[of] + 1e-3) / len(training)
        value = -np.log(reward + 1e-3).mean() + PENALTY * weights @ weights
        return float(value), rows.T @ slope + 2 * PENALTY * weights

    start = np.zeros(len(names))
    found: Array = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x / scale
    return found


def cross_validated(fitted: Sequence[Case], measured: Sequence[Case], names: Sequence[str]) -> dict[int, Array]:
    """Return the probability of each candidate of each case, by its id, from weights that have not seen its group."""
    groups = sorted({case.group for case in fitted})
    fold = {group: place % FOLDS for place, group in enumerate(np.random.default_rng(0).permutation(groups))}
    out = dict[int, Array]()
    for number in (*range(FOLDS), None):
        weights = fit([case for case in fitted if number is None or fold[case.group] != number], names)
        unseen = [case for case in fitted if fold[case.group] == number] if number is not None else measured
        out |= {id(case): softmax(matrix(case, names) @ weights) for case in unseen if case.values}
    return out


# -- figures --------------------------------------------------------------------------------------------------


def scores(every: Sequence[Case], shares: Mapping[int, Array]) -> dict[str, tuple[float, float, float]]:
    """Return (EM, F1, share with the answer among the candidates) of each set."""
    out = {}
    for name in dict.fromkeys(case.name for case in every):
        mine = [case for case in every if case.name == name]
        best = [(case, int(shares[id(case)].argmax())) for case in mine if case.values]
        em, f1, reach = np.array([(case.em[i], case.f1[i], case.em.max()) for case, i in best]).sum(axis=0) / len(mine)
        out[name] = (float(em), float(f1), float(reach))
    return out


def mean(found: Mapping[str, tuple[float, float, float]]) -> tuple[float, float]:
    """EM and F1, every set counting the same."""
    return float(np.mean([em for em, _, _ in found.values()])), float(np.mean([f1 for _, f1, _ in found.values()]))


def table(every: Sequence[Case], shares: Mapping[int, Array]) -> None:
    found = scores(every, shares)
    for name, (em, f1, reach) in found.items():
        count = sum(case.name == name for case in every)
        print(f"{name:14} {count:4} sentences  EM {em:.3f}  F1 {f1:.3f}  within reach {reach:.3f}")
    print("{:29}  EM {:.3f}  F1 {:.3f}".format("mean of the sets", *mean(found)))
    taken = [(shares[id(case)].max(), case.em[shares[id(case)].argmax()]) for case in every if case.values]
    print("probability | EM   | sentences")
    for low, high in ((0, 0.1), (0.1, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.01)):
        inside = [em for p, em in taken if low <= p < high]
        if inside:
            print(f" {low:.1f} to {min(high, 1):.1f} | {np.mean(inside):.2f} | {len(inside)}")


def ablate(fitted: Sequence[Case], measured: Sequence[Case]) -> None:
    for without in ("", *short.FEATURES):
        kept = [name for name in short.FEATURES if name != without]
        em, f1 = mean(scores([*fitted, *measured], cross_validated(fitted, measured, kept)))
        print(f"without {without or 'nothing':20} EM {em:.3f}  F1 {f1:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fitted", nargs="+", type=Path)
    parser.add_argument("--measured", nargs="*", type=Path, default=[])
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--cache", type=Path, help="keeps what was embedded for the next run")
    parser.add_argument("--ablate", action="store_true", help="take each feature out")
    parser.add_argument("--write", action="store_true", help=f"write {TARGET.name}")
    options = parser.parse_args()
    embedder = Kept(load_embedder(), options.cache)
    vectors = WordVectors(embedder, 10**7)
    corpus = dict[str, str]()
    if options.corpus:
        with gzip.open(options.corpus, "rt", encoding="utf-8") as opened:
            corpus = {str(one["id"]): one["text"] for one in map(json.loads, opened)}
    fitted = [case for file in options.fitted for case in cases(file, corpus, vectors)]
    measured = [case for file in options.measured for case in cases(file, corpus, vectors)]
    embedder.save()
    table([*fitted, *measured], cross_validated(fitted, measured, short.FEATURES))
    if options.ablate:
        ablate(fitted, measured)
    if options.write:
        weights = {name: round(float(one), 2) for name, one in zip(short.FEATURES, fit(fitted), strict=True)}
        TARGET.write_text(json.dumps(weights, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
