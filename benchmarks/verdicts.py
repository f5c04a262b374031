"""Fit the verdict's coefficients on public sets, and measure it there by cross-validation over documents.

    python benchmarks/verdicts.py FOLDER [--features FILE] [--write] [--model NAME --scores FILE] [--plot FILE]
    python benchmarks/verdicts.py FOLDER --nli FOLDER --scores FILE [...]

FOLDER has summedits_news.jsonl, qags_cnndm.jsonl, wice_claims.jsonl and fever_symmetric.jsonl; nothing of them gets
into the package but the coefficients. "made" are sentences of their documents, word for word (supported), with one
number, name, word or negation changed, or with some words added (neither supported). --features keeps what was computed
for the next run; delete the file when the features change. --write puts the coefficients into qa/verdicts.json.

With --scores the language model's opinion (qa/opinion.py) is a feature too: FILE keeps what the model said of each
{"claim", "quote"}, and --model asks it about those that are missing (a second each on two cores). --nli asks a model of
natural language inference in its place and needs a FILE of its own. Examples without an opinion are left out of that
fit, and what is fitted without it is measured on the same examples too. Each table is of predictions on documents that
the fit has not seen.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import GroupKFold

from citewire.index.embed import load_embedder, load_nli
from citewire.qa import facts, findings, measure, verdicts
from citewire.qa.generate import load_generator
from citewire.qa.opinion import ModelOpinion, NliOpinion
from citewire.qa.vectors import WordVectors
from citewire.qa.verdicts import AGAINST, GROUPS, Checker, Features, Opinion
from citewire.ui import report_html

COEFFICIENTS = Path(verdicts.__file__).parent / "verdicts.json"
FOLDS, RIDGE = 10, 3.0
MADE = "made"
MADE_WEIGHT = 0.5  # of the made examples, beside 1 for the largest set

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Example:
    """A labelled claim; examples of one group share a document and stay on one side of the cross-validation."""

    source: str
    group: str
    claim: str
    evidence: tuple[str, ...]
    supported: bool


# -- examples ---------------------------------------------------------------------------------------------------------


def read(folder: Path) -> list[Example]:
    out = [
        Example("summedits_news", r["doc"], r["summary"], tuple(verdicts.split(r["doc"])), r["label"] == 1)
        for r in records(folder / "summedits_news.jsonl")
    ]
    for r in records(folder / "qags_cnndm.jsonl"):
        for s in r["summary_sentences"]:
            yes = sum(answer["response"] == "yes" for answer in s["responses"])
            evidence = tuple(verdicts.split(r["article"]))
            out.append(Example("qags_cnndm", r["article"], s["sentence"], evidence, 2 * yes > len(s["responses"])))
    out += [
        Example("wice_claims", " ".join(r["evidence"]), r["claim"], tuple(r["evidence"]), r["label"] == "supported")
        for r in records(folder / "wice_claims.jsonl")
    ]
    pairs = list(records(folder / "fever_symmetric.jsonl"))
    root = linked([(f"claim {r['claim']}", f"evidence {r['evidence']}") for r in pairs])
    out += [
        Example("fever_symmetric", root(f"claim {r['claim']}"), r["claim"], (r["evidence"],), r["label"] == "SUPPORTS")
        for r in pairs
    ]
    return out


def records(file: Path) -> Iterator[dict]:
    return (json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip())


def linked(pairs: Sequence[tuple[str, str]]) -> Callable[[str], str]:
    """Return what all that is joined by pairs has in common: claims share evidence and evidence claims."""
    parent: dict[str, str] = {}

    def root(one: str) -> str:
        while parent.setdefault(one, one) != one:
            one = parent[one]
        return one

    for a, b in pairs:
        parent[root(a)] = root(b)
    return root


def made(examples: Sequence[Example], rng: random.Random) -> list[Example]:
    """Return sentences of the documents as they are, each beside one with words added and one made false."""
    documents = {e.group: e.evidence for e in examples if len(e.evidence) > 3}
    names = sorted({n for sentences in documents.values() for n in facts.names(" ".join(sentences)) if " " in n})
    out = []
    for group, evidence in documents.items():
        long = [s for s in evidence if 8 <= len(s.split()) <= 40 and s.endswith(".")]
        for sentence in rng.sample(long, min(2, len(long))):
            out.append(Example(MADE, group, sentence, evidence, True))
            tail = rng.choice(long).rstrip(".").split()[-rng.randint(3, 6) :]
            if tail[0] not in sentence:
                out.append(Example(MADE, group, f"{sentence[:-1]} {' '.join(tail)}.", (sentence,), False))
            if changed := change(sentence, names, rng):
                out.append(Example(MADE, group, changed, evidence, False))
    return out


def change(sentence: str, names: Sequence[str], rng: random.Random) -> str:
    """Return the sentence with one number, name or word changed or one negation put in, "" if nothing offers itself."""
    ways = [
        f"{sentence[: n.start]}{int(n.value) + rng.choice([1, 2, 7, 40])}{sentence[n.end :]}"
        for n in facts.numbers(sentence)
        if sentence[n.start : n.end].isdigit()
    ]
    ways += [sentence.replace(name, rng.choice(names), 1) for name in facts.names(sentence)]
    if verb := re.search(r"\b(?:is|was|are|were|has|have|will|can|would|could)\b(?! not)", sentence):
        ways.append(f"{sentence[: verb.end()]} not{sentence[verb.end() :]}")
    ways += [
        f"{sentence[: token.start]}{rng.choice(others)}{sentence[token.end :]}"
        for token in findings.read(sentence).tokens
        if (others := findings.excluded(token))
    ]
    return rng.choice(ways) if ways else ""


# -- features ---------------------------------------------------------------------------------------------------------


class Recorded:
    """A model's opinion as a file keeps it; the model, if there is one, is asked for what is missing."""

    def __init__(self, file: Path, ask: Opinion | None) -> None:
        file.touch()
        self._known = {(r["claim"], r["quote"]): float(r["probability"]) for r in records(file)}
        self._ask = ask
        self._file = file

    def __call__(self, claim: str, quote: str) -> float | None:
        """Return what the model said of the pair, None where it has not been asked."""
        if (claim, quote) not in self._known and self._ask:
            probability = self._ask(claim, quote)
            assert probability is not None
            self._known[claim, quote] = probability
            with self._file.open("a", encoding="utf-8") as out:
                out.write(json.dumps({"claim": claim, "quote": quote, "probability": probability}) + "\n")
        return self._known.get((claim, quote))


def compute(examples: Sequence[Example], checker: Checker, file: Path | None) -> list[Features]:
    if file and file.exists():
        rows: list[Features] = list(records(file))
        if len(rows) == len(examples):
            return rows
    rows = []
    for done, e in enumerate(examples):
        if done % 200 == 0:
            print(f"features {done} of {len(examples)}", flush=True)
        rows.append(checker.features(e.claim, e.evidence))
    if file:
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return rows


# -- fit --------------------------------------------------------------------------------------------------------------


def fit(x: Floats, y: Floats, weights: Floats, names: Sequence[str]) -> tuple[float, Floats]:
    """Return intercept and weights of a ridge logistic regression whose weights have the sign their feature says."""
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    z, sign = (x - mean) / scale, 2 * y - 1

    def loss(b: Floats) -> tuple[float, Floats]:
        margin = sign * (z @ b[1:] + b[0])
        slope = -(weights * sign / (1 + np.exp(margin)))
        value = float((weights * np.logaddexp(0, -margin)).sum() + RIDGE / 2 * (b[1:] ** 2).sum())
        return value, np.concatenate([[slope.sum()], z.T @ slope + RIDGE * b[1:]])

    bounds = [(None, None), *((None, 0.0) if name in AGAINST else (0.0, None) for name in names)]
    found = minimize(loss, np.zeros(len(names) + 1), jac=True, bounds=bounds, method="L-BFGS-B")
    weighed = found.x[1:] / scale
    return float(found.x[0] - weighed @ mean), weighed


def fit_doubting(x: Floats, y: Floats, weights: Floats, names: Sequence[str]) -> tuple[float, Floats]:
    """Return the mean of the fits with and without the model's opinion, where that is one of several features.

    A fit with it leaves next to nothing to the others, and the yes or no of another model, or to a few words,
    is not worth that much: with this mean no opinion alone turns what the words say plainly.
    """
    intercept, weighed = fit(x, y, weights, names)
    others = [place for place, name in enumerate(names) if name != "model"]
    if not others or len(others) == len(names):
        return intercept, weighed
    without, weighed_without = fit(x[:, others], y, weights, [names[place] for place in others])
    weighed[others] += weighed_without
    return (intercept + without) / 2, weighed / 2


def sample_weights(examples: Sequence[Example]) -> Floats:
    """Both labels of a set count the same; a set counts by the root of its size, the made one by MADE_WEIGHT."""
    counts: dict[tuple[str, bool], int] = defaultdict(int)
    for e in examples:
        counts[e.source, e.supported] += 1
    size = {s: (counts[s, True] + counts[s, False]) ** 0.5 for s in {e.source for e in examples}}
    size[MADE] = MADE_WEIGHT * max(size[s] for s in size if s != MADE)
    weights = np.array([size[e.source] / counts[e.source, e.supported] for e in examples])
    return weights * len(examples) / weights.sum()


def predict(examples: Sequence[Example], rows: Sequence[Features], names: Sequence[str]) -> Floats:
    """Return each example's probability by a fit that has not seen its document."""
    x, y = np.array([[row[name] for name in names] for row in rows]), labels(examples)
    weights, out = sample_weights(examples), np.zeros(len(y))
    groups = np.unique([e.group for e in examples], return_inverse=True)[1]
    for train, test in GroupKFold(FOLDS, shuffle=True, random_state=0).split(x, y, groups):
        intercept, weighed = fit_doubting(x[train], y[train], weights[train], names)
        out[test] = 1 / (1 + np.exp(-(x[test] @ weighed + intercept)))
    return out


def labels(examples: Sequence[Example]) -> Floats:
    return np.array([float(e.supported) for e in examples])


# -- report -----------------------------------------------------------------------------------------------------------


def kept(p: Floats, rows: Sequence[Features], names: Sequence[str]) -> NDArray[np.bool_]:
    """Whether the verdict would be "supported": probable enough, and no difference found that outweighs that."""
    agreed = [row.get("model", 0.0) > 0 and "model" in names for row in rows]
    clean = [
        not any(row[kind] for kind in findings.KINDS if not (kind == "addition" and yes))
        for row, yes in zip(rows, agreed, strict=True)
    ]
    return (p >= verdicts.SUPPORTED) & np.array(clean)


def report(title: str, examples: Sequence[Example], rows: Sequence[Features], names: Sequence[str]) -> Floats:
    p, y = predict(examples, rows, names), labels(examples)
    source, verdict = np.array([e.source for e in examples]), kept(p, rows, names)
    print(
        f"\n{title}: {len(names)} features\n{'set':16} {'n':>5} {'BA of p':>8} {'of verdict':>10} {'AUC':>6} {'ECE':>6}"
    )
    public = source != MADE
    for name, which in [*((s, source == s) for s in dict.fromkeys(source)), ("all public sets", public)]:
        figures = (
            100 * balanced_accuracy_score(y[which], p[which] >= verdicts.SUPPORTED),
            100 * balanced_accuracy_score(y[which], verdict[which]),
            100 * roc_auc_score(y[which], p[which]),
            100 * measure.calibration_error(measure.reliability(list(zip(p[which], y[which] > 0, strict=True)))),
        )
        print(f"{name:16} {which.sum():5} {figures[0]:8.1f} {figures[1]:10.1f} {figures[2]:6.1f} {figures[3]:6.1f}")
    return p


def features_of(name: str) -> list[str]:
    """Return the features of groups joined by "+"."""
    return [feature for part in name.split("+") for feature in GROUPS[part]]


def fit_and_report(name: str, examples: Sequence[Example], rows: Sequence[Features]) -> tuple[Floats, dict]:
    """Return cross-validated probabilities, and the coefficients of a fit on everything."""
    names = features_of(name)
    p = report(name, examples, rows, names)
    x, y = np.array([[row[feature] for feature in names] for row in rows]), labels(examples)
    intercept, weighed = fit_doubting(x, y, sample_weights(examples), names)
    nonzero = {n: round(float(w), 4) for n, w in zip(names, weighed, strict=True) if abs(w) >= 5e-5}
    coefficients = {"intercept": round(intercept, 4), "weights": nonzero}
    print(json.dumps(coefficients))
    return p, coefficients


def print_reliability(bins: Sequence[measure.Bin]) -> None:
    print("\nprobability  claims  mean p  supported")
    for b in bins:
        print(f"{b.low:.1f} to {b.high:.1f}  {b.count:6}  {b.forecast:6.2f} {b.observed:10.2f}")


def drawing(bins: Sequence[measure.Bin]) -> str:
    """Return the reliability diagram as SVG."""
    svg = report_html.diagram([asdict(one) for one in bins])
    svg.set("xmlns", "http://www.w3.org/2000/svg")
    svg.set("style", "background: white; font: 11px sans-serif")
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


def opinion_of(model: str | None, nli: Path | None) -> Opinion | None:
    """Return who is asked for an opinion, None where nobody is."""
    if nli:
        return NliOpinion(load_nli(nli))
    return ModelOpinion(load_generator(model)) if model else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--features", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--plot", type=Path, help="write the reliability diagram, SVG")
    parser.add_argument("--model", help="ask this language model for its opinion; needs --scores")
    parser.add_argument("--nli", type=Path, help="ask the NLI model of this folder instead; needs --scores")
    parser.add_argument("--scores", type=Path, help="opinions by claim and quote")
    options = parser.parse_args()
    examples = read(options.folder)
    examples += made(examples, random.Random(0))
    opinion = Recorded(options.scores, opinion_of(options.model, options.nli)) if options.scores else None
    rows = compute(examples, Checker(WordVectors(load_embedder()), opinion), options.features)
    for alone in ("words", "facts", "meaning"):
        report(f"only {alone}", examples, rows, GROUPS[alone])
    report("words+meaning, without facts", examples, rows, GROUPS["words"] + GROUPS["meaning"])
    fitted = {}
    for name in ("words+facts", "words+facts+meaning"):
        p, fitted[name] = fit_and_report(name, examples, rows)
    if opinion:
        having = [place for place, row in enumerate(rows) if "model" in row]
        asked, of_asked = [examples[place] for place in having], [rows[place] for place in having]
        report("the same on those with an opinion", asked, of_asked, features_of("words+facts+meaning"))
        report("only model", asked, of_asked, GROUPS["model"])
        name = "words+facts+meaning+model"
        p, fitted[name] = fit_and_report(name, asked, of_asked)
        examples, rows = asked, of_asked
    public = np.array([e.source != MADE for e in examples])
    bins = measure.reliability(list(zip(p[public], labels(examples)[public] > 0, strict=True)))
    print_reliability(bins)
    if options.plot:
        options.plot.write_text(drawing(bins), encoding="utf-8")
    if options.write:
        COEFFICIENTS.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
