"""Disagreement between documents: precision and recall of the flag; whether the newest answer comes first.

    python benchmarks/conflicts.py [--ramdocs FILE] [--newspolluted FILE] [--evotemp FILE] [--cache FOLDER]
                                   [--sample N] [--json FILE] [--fit]

Every document becomes an article of its own (dates, groups of copies and passages by the index's code), all its
passages are hits, and `qa.evidence.gather` ranks their sentences; the language model has no part in it.

Records (JSON lines):
    ramdocs       question, documents of {text, type, answer}; "unknown" is the answer of one that gives none.
                  disagree: two answers or more. agree: the record with only the documents of one answer that two or
                  more give, and those that give none; each record with at most one answer as it is.
    newspolluted  question, docs of {text, cred}, choices: one true ("high"), three made up by a model.
                  disagree: the record as it is, where two choices stand in its documents ("all": every record).
                  agree: the made-up documents alone, where no two choices stand in them (three wordings of one story);
                  the true one twice under two paths with two made-up ones of another record.
    evotemp       question, q_date, docs of {text, date}, answers. right: the first sentence of the evidence has an
                  answer, as it is ranked and after `qa.timeline.prefer_newest`.

`--fit` prints the coefficients for qa/conflicts.py, fitted on the questions whose SHA-256 is even; the table gives the
figures of the others too. A pair is right where the two values are two of the record's answers or choices; the other
pairs, and all of agreeing documents, are wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from kept import Kept

from citewire.index.dates import is_day, mentions
from citewire.index.duplicates import Grouper, signature
from citewire.index.embed import load_embedder
from citewire.index.passages import passages
from citewire.index.types import Article, Hit
from citewire.qa import facts, question, values
from citewire.qa.conflicts import FEATURES, find, pairs
from citewire.qa.evidence import Evidence, gather
from citewire.qa.judge import Judge
from citewire.qa.measure import contains
from citewire.qa.timeline import prefer_newest
from citewire.qa.types import Conflict
from citewire.qa.vectors import WordVectors

PENALTY = 2.0  # of the squared coefficients, where a case weighs 1

Document = tuple[str, str]  # text, day of publication ("" if unknown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in SETS:
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--cache", type=Path, help="keep embeddings here")
    parser.add_argument("--sample", type=int, help="only so many records of each set")
    parser.add_argument("--json", type=Path, help="write what was found in every record here")
    parser.add_argument("--fit", action="store_true", help="print coefficients in place of figures")
    options = parser.parse_args()
    embedder = Kept(load_embedder(), options.cache)
    vectors = WordVectors(embedder)
    rows = []
    for name, cases in SETS.items():
        if file := getattr(options, name):
            records = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
            if options.sample:
                records = random.Random(0).sample(records, min(options.sample, len(records)))
            rows += (
                pairs_of(cases, records, embedder, vectors)
                if options.fit
                else report(name, cases, records, embedder, vectors)
            )
            embedder.save()
    if options.fit:
        print_fit(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")


def report(
    name: str, cases: Callable[..., Iterator], records: list[dict], embedder: Kept, vectors: WordVectors
) -> list:
    """Print one set's figures and return a row for every case."""
    rows, seconds = [], 0.0
    for kind, label, text, documents, wanted in cases(records):
        parsed, articles, evidence = read(text, documents, embedder, vectors)
        started = time.perf_counter()
        found = find(parsed, evidence, articles.__getitem__, vectors)
        newest = prefer_newest(parsed, evidence, articles.__getitem__, vectors) if name == "evotemp" else evidence
        seconds += time.perf_counter() - started
        rows.append(
            {
                "set": name, "kind": kind, "disagree": label, "question": text, "wanted": wanted,
                "expects": parsed.expects, **_flagged(found, wanted),
                "plain": _first_right(parsed, evidence, articles, vectors, wanted),
                "newest": _first_right(parsed, newest, articles, vectors, wanted),
                "reordered": newest != evidence, "there": any(contains(e.text, w) for e in evidence for w in wanted),
            }
        )  # fmt: skip
    print(f"{name}: {len(rows)} cases, {1000 * seconds / len(rows):.0f} ms each beyond the evidence")
    _print_newest(rows) if name == "evotemp" else _print_flags(rows)
    return rows


def read(
    text: str, documents: Sequence[Document], embedder: Kept, vectors: WordVectors
) -> tuple[question.Question, dict[str, Article], list[Evidence]]:
    """The question, the documents as articles by path, and all of their sentences as evidence."""
    parsed = question.parse(text)
    articles = {a.path: a for a in _articles(documents)}
    hits = [Hit(p, 1.0, 1.0, 1.0) for a in articles.values() for p in passages(a)]
    return parsed, articles, gather(parsed, hits, articles.__getitem__, embedder, Judge(parsed, vectors))


def pairs_of(
    cases: Callable[..., Iterator], records: list[dict], embedder: Kept, vectors: WordVectors
) -> list[tuple[tuple[float, ...], bool, float]]:
    """Features, right or wrong, and weight of the pairs to fit on; every case weighs the same for right and wrong."""
    out = []
    for _, label, text, documents, wanted in cases(records):
        if _held_out(text):
            continue
        parsed, articles, evidence = read(text, documents, embedder, vectors)
        found = pairs(parsed, evidence, articles.__getitem__, vectors)[:60]
        right = [label and _two(p.one.text, p.other.text, wanted) for p in found]
        if not label or any(right):
            count = Counter(right)
            out += [
                (p.features, ok, 1 / (count[True] if ok else len(found))) for p, ok in zip(found, right, strict=True)
            ]
    return out


def _two(one: str, other: str, wanted: list[str]) -> bool:
    """Whether two values are two different ones of `wanted`."""
    a, b = ({w for w in wanted if contains(v, w) or contains(w, v) or _same_number(v, w)} for v in (one, other))
    return bool(a and b and a != b)


def _same_number(a: str, b: str) -> bool:
    return any(x.matches(y) for x in facts.numbers(a) for y in facts.numbers(b))


def print_fit(rows: list[tuple[tuple[float, ...], bool, float]]) -> None:
    """Logistic regression by Newton's method, with an L2 penalty on the scaled features."""
    x = np.array([features for features, _, _ in rows])
    y, weight = np.array([ok for _, ok, _ in rows], float), np.array([w for _, _, w in rows])
    mean, scale = x.mean(0), x.std(0) + 1e-9
    z = np.column_stack([(x - mean) / scale, np.ones(len(x))])
    ridge = np.diag([PENALTY] * x.shape[1] + [0.0])
    beta = np.zeros(z.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-z @ beta))
        gradient = z.T @ (weight * (y - p)) - ridge @ beta
        beta += np.linalg.solve((z * (weight * p * (1 - p))[:, None]).T @ z + ridge, gradient)
    weights = beta[:-1] / scale
    print(f"{len(rows)} pairs, {int(y.sum())} right")
    for name, value in zip(FEATURES, weights, strict=True):
        print(f'    "{name}": {value:.2f},')
    print(f"bias {beta[-1] - weights @ mean:.2f}")


def _held_out(text: str) -> bool:
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 1


def _first_right(
    parsed: question.Question,
    ranked: Sequence[Evidence],
    articles: dict[str, Article],
    vectors: WordVectors,
    wanted: list[str],
) -> tuple[bool, bool]:
    """Whether the first sentence has an answer, and whether its best value is one."""
    slot = values.slot_of(parsed)
    readings = values.read(parsed, slot, ranked, articles.__getitem__, vectors) if slot and ranked else []
    value = next((r.text for r in readings if r.evidence is ranked[0]), "")
    return (
        bool(ranked) and any(contains(ranked[0].text, w) for w in wanted),
        bool(value) and any(contains(value, w) or contains(w, value) for w in wanted),
    )


def _flagged(found: Sequence[Conflict], wanted: list[str]) -> dict:
    shown = [(v.value, v.article, v.text) for c in found for v in c.values]
    return {
        "flagged": bool(found),
        "values": shown,
        "two_known": any(_two(a[0], b[0], wanted) for a, b in combinations(shown, 2)),
    }


def _print_flags(rows: list[dict]) -> None:
    by_kind: dict[str, Counter] = defaultdict(Counter)
    for row in rows:
        by_kind[row["kind"]][row["flagged"]] += 1
    for kind, counts in by_kind.items():
        print(f"  {kind:44} flagged {counts[True]:4} of {counts.total()}")
    _print_rates("all questions", rows)
    _print_rates("those not fitted on", [row for row in rows if _held_out(row["question"])])
    for expects in sorted({row["expects"] for row in rows}):
        mine = [row for row in rows if row["expects"] == expects]
        yes, no = ([row["flagged"] for row in mine if row["disagree"] is want] for want in (True, False))
        print(f"    expects {expects:10} disagreeing {sum(yes):3} of {len(yes):3}, agreeing {sum(no):3} of {len(no):3}")


def _print_rates(name: str, rows: list[dict]) -> None:
    flagged = [row for row in rows if row["flagged"]]
    there = [row for row in rows if row["disagree"]]
    hit = sum(row["disagree"] for row in flagged)
    right = sum(row["two_known"] for row in flagged)
    rate, false_rate = hit / max(1, len(there)), (len(flagged) - hit) / max(1, len(rows) - len(there))
    print(f"  {name}: precision {hit / max(1, len(flagged)):.3f}, recall {rate:.3f}", end="")
    print(f", precision with as many of both {rate / max(1e-9, rate + false_rate):.3f}", end="")
    print(f"; two known values shown in {right / max(1, len(there)):.3f}")


def _print_newest(rows: list[dict]) -> None:
    for kind in ("dated", "reordered", "all"):
        mine = [row for row in rows if kind == "all" or row["kind"] == kind or (kind == "reordered" and row[kind])]
        print(f"  {kind}: {len(mine)}, any sentence has the answer {_share(row['there'] for row in mine):.3f}")
        for order in ("plain", "newest"):
            text, value = (_share(row[order][part] for row in mine) for part in (0, 1))
            print(f"    {order:6} first sentence has the answer {text:.3f}, its value is the answer {value:.3f}")


def _share(told: Iterable[bool]) -> float:
    held = list(told)
    return sum(held) / max(1, len(held))


def _articles(documents: Sequence[Document]) -> Iterator[Article]:
    grouper = Grouper(())
    for number, (text, published) in enumerate(documents):
        digest = hashlib.sha256(text.encode()).hexdigest()
        path = f"{number}.txt"
        group = grouper.group(path, signature(text))
        yield Article(path, text, digest, published=published, dates=mentions(text, published), group=group)


def _ramdocs(records: list[dict]) -> Iterator[tuple]:
    for record in records:
        told = [(d["text"], d["answer"]) for d in record["documents"]]
        answers = Counter(answer for _, answer in told if answer != "unknown")
        everything = [(text, "") for text, _ in told]
        if len(answers) > 1:
            wrong = any(d["type"] == "misinfo" for d in record["documents"])
            yield (
                ("disagree, misinformation" if wrong else "disagree, several right"),
                True,
                record["question"],
                everything,
                list(answers),
            )
            answer, count = answers.most_common(1)[0]
            if count > 1:
                same = [(text, "") for text, given in told if given == answer]
                yield "agree, one answer's documents", False, record["question"], same, []
        else:
            yield "agree, as given", False, record["question"], everything, []


def _newspolluted(records: list[dict]) -> Iterator[tuple]:
    for number, record in enumerate(records):
        texts = [doc["text"] for doc in record["docs"]]
        made_up = [doc["text"] for doc in record["docs"] if doc["cred"] == "low"]
        true = [doc["text"] for doc in record["docs"] if doc["cred"] == "high"]
        sure = _chosen(texts, record["choices"]) > 1
        kind = "disagree, two choices in the text" if sure else "disagree, by construction"
        yield kind, True, record["question"], [(t, "") for t in texts], record["choices"]
        if _chosen(made_up, record["choices"]) == 1:
            yield "agree, made-up documents alone", False, record["question"], [(t, "") for t in made_up], []
        other = [doc["text"] for doc in records[(number + 7) % len(records)]["docs"] if doc["cred"] == "low"]
        mixed = [(t, "") for t in [*true, *true, *other[-2:]]]
        yield "agree, true one twice and unrelated", False, record["question"], mixed, []


def _chosen(texts: Sequence[str], choices: Sequence[str]) -> int:
    """How many of the choices stand in the texts."""
    return sum(any(contains(text, choice) for text in texts) for choice in choices)


def _evotemp(records: list[dict]) -> Iterator[tuple]:
    for record in records:
        documents = [(doc["text"] or "", _day(doc["date"])) for doc in record["docs"]]
        kind = "dated" if all(day for _, day in documents) else "undated"
        yield kind, False, record["question"], [d for d in documents if d[0]], record["answers"]


def _day(written: object) -> str:
    day = str(written).replace("/", "-")
    return day if is_day(day) else ""


SETS = {"ramdocs": _ramdocs, "newspolluted": _newspolluted, "evotemp": _evotemp}


if __name__ == "__main__":
    main()
