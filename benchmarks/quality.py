"""Measure on public sets: the reader, the check of claims, the search for disagreement.

    python benchmarks/quality.py BENCH [--only squad2,wice_claims,...] [--sample N] [--out figures.json]
    python benchmarks/quality.py --wordings

BENCH is a folder of <set>.jsonl; `SETS` lists the sets, and sets without a file are left out. No language model is
used. Documents become articles, and `qa.evidence.gather` reads their sentences as for an answer. With --out an
interrupted run continues; sets already measured with the same weights, code and options are not measured again.

    squad2, clapnq, multihoprag   refusal: the best sentence's probability is below `evidence.ANSWERS`. A question
                                  without documents is read over the eight nearest passages of all records. squad2 also
                                  has EM and F1 of the words that answer, in the best sentence of answerable questions.
    realtimeqa                    over an index (--index) of its articles: EM and F1 (a refusal counts 0), and the share
                                  of questions whose first sentence holds the answer.
    summedits_news, fever_symmetric, wice_claims, qags_cnndm
                                  balanced accuracy of "supported". A claim has the score of its worst sentence;
                                  each is compared with the six sentences that share the most words. "alone": the
                                  verifier's best probability is at least 0.5; "checked": all checks of `qa.verdicts`.
    ramdocs, newspolluted         the documents' answers differ, or they do not; see `ramdocs` and `newspolluted` below.
    falsified                     sentences of seeds/ with a number, a name or "not" changed that would be shown.
    wordings                      tests/data/wordings.jsonl: right and wrong wordings of invented news that pass.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from citewire.index.dates import mentions
from citewire.index.documents import day_of
from citewire.index.duplicates import Grouper, signature
from citewire.index.embed import load_embedder
from citewire.index.options import SearchOptions
from citewire.index.passages import embedded_text, passages, sentences
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Hit
from citewire.qa import analysis, conflicts, evidence, quantities
from citewire.qa.evaluate import records
from citewire.qa.evaluate.measure import contains, exact_match, share, token_f1
from citewire.qa.evaluate.records import Claimed, Document, Item, QuestionItem
from citewire.qa.evidence import ANSWERS, Evidence
from citewire.qa.facts import tokens
from citewire.qa.reader import WEIGHTS, WEIGHTS_AGAIN, Reader, Window, load_reader
from citewire.qa.verdicts import SUPPORTED, TRUSTED, Checker, Quoted, quoted
from citewire.seeds import seeds_folder

K = 8  # passages of a search, as in an answer
NEAR = 6  # sentences of a document that each sentence of a claim is compared with
WORDINGS = Path(__file__).resolve().parent.parent / "tests" / "data" / "wordings.jsonl"

Figures = dict[str, float]
Record = Mapping[str, Any]
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Tools:
    """Models and options that all measures use."""

    reader: Reader
    embedder: Embedder
    index: Index | None = None


# -- decisions of the product: the functions that measures call ---------------------------------------------------


def shown(claim: str, quotes: Sequence[Quoted], reader: Reader) -> bool:
    """Whether an answer would show the claim in its own words."""
    found = Checker(reader).check(claim, quotes)
    return found.verdict == "supported" and found.probability >= TRUSTED


def checked(claim: str, quotes: Sequence[Quoted], reader: Reader) -> bool:
    """Whether the product's check passes a claim of one sentence."""
    return Checker(reader).check(claim, quotes).verdict == "supported"


def disagreements(question: str, found: Sequence[Evidence], library: Library, reader: Reader) -> list[list[str]]:
    """The values of each disagreement that the product finds."""
    told = conflicts.find(question, found, library.articles.__getitem__, reader)
    return [[value.value for value in one.values] for one in told]


# -- documents -------------------------------------------------------------------------------------------------------


class Library:
    """Documents as articles, and a search of their passages by similarity to a question."""

    def __init__(self, documents: Sequence[Document], embedder: Embedder) -> None:
        self._embedder = embedder
        self.articles = {article.path: article for article in _articles(documents)}
        self._passages = [one for article in self.articles.values() for one in passages(article)]

    def read(self, question: str, reader: Reader, k: int | None = None) -> list[Evidence]:
        """Return the sentences of the `k` nearest passages (of all by default), most likely first."""
        return evidence.gather(question, self._hits(question, k), self.articles.__getitem__, reader)

    def _hits(self, question: str, k: int | None) -> list[Hit]:
        if len(self._passages) < 2:
            return [Hit(one, 1.0, 1.0, 0.0) for one in self._passages]
        cosines = self._vectors @ self._embedder.embed_query(question)
        order = np.argsort(-cosines, kind="stable")[:k]
        return [Hit(self._passages[row], float(cosines[row]), float(cosines[row]), 0.0) for row in order]

    @cached_property
    def _vectors(self) -> NDArray[np.float32]:
        return self._embedder.embed([embedded_text(self.articles[one.article], one) for one in self._passages])


def _articles(documents: Sequence[Document]) -> Iterator[Article]:
    grouper = Grouper(())
    for number, one in enumerate(documents):
        path, published = f"{number}.txt", day_of(one.published) if one.published else ""
        yield Article(
            path=path,
            text=one.text,
            sha256=hashlib.sha256(one.text.encode()).hexdigest(),
            title=one.title,
            outlet=one.outlet,
            published=published,
            url=one.url,
            dates=mentions(one.text, published),
            group=grouper.group(path, signature(one.text)),
        )


# -- questions -------------------------------------------------------------------------------------------------------


def refusals(items: Sequence[Item], tools: Tools, tell: Tell, *, words: bool = False) -> Figures:
    """Measure refusals of questions with and without an answer in their documents; if wanted, also the words."""
    asked = [item for item in items if isinstance(item, QuestionItem)]
    everything = Library([one for item in asked for one in item.documents], tools.embedder)
    answerable, scores, best = [], [], []
    for done, item in enumerate(asked):
        tell(done, len(asked))
        library = Library(item.documents, tools.embedder) if item.documents else everything
        found = library.read(item.question, tools.reader, None if item.documents else K)
        answerable.append(item.answerable is not False)
        scores.append(found[0].probability if found else 0.0)
        if answerable[-1]:
            best.append((found[0].words if found else "", item.answers))
    return refused(answerable, scores) | (matches(best) if words else {})


def refused(answerable: Sequence[bool], scores: Sequence[float]) -> Figures:
    """Return precision and recall of refusals, the share of answerable questions kept, and the area under the curve."""
    said = [score < ANSWERS for score in scores]
    pairs = list(zip(answerable, said, strict=True))
    rates = precision_recall([no for _, no in pairs], [not yes for yes, _ in pairs])
    kept = sum(yes and not no for yes, no in pairs) / max(1, sum(answerable))
    return {"n": len(scores), **rates, "kept": kept, "area": area(answerable, scores)}


def precision_recall(said: Sequence[bool], true: Sequence[bool]) -> Figures:
    """Return precision and recall of `said`; 0 where the divisor is 0."""
    both = sum(one and other for one, other in zip(said, true, strict=True))
    return {"precision": both / max(1, sum(said)), "recall": both / max(1, sum(true))}


def area(right: Sequence[bool], scores: Sequence[float]) -> float:
    """Return how often a right one scores above a wrong one; ties count half; 0.5 if one kind is missing."""
    yes = np.array([score for score, one in zip(scores, right, strict=True) if one])
    no = np.array([score for score, one in zip(scores, right, strict=True) if not one])
    if not yes.size or not no.size:
        return 0.5
    return float((yes[:, None] > no).mean() + (yes[:, None] == no).mean() / 2)


def matches(words: Sequence[tuple[str, Sequence[str]]]) -> Figures:
    """Return the mean EM and F1 of words against the accepted answers; 0 without words."""
    return {
        name: sum(score(said, accepted) for said, accepted in words) / max(1, len(words))
        for name, score in (("em", exact_match), ("f1", token_f1))
    }


def over_index(items: Sequence[Item], tools: Tools, tell: Tell) -> Figures:
    """Measure the words that answer, over an index; each question is asked on its day."""
    assert tools.index is not None
    asked = [item for item in items if isinstance(item, QuestionItem)]
    read = []
    for done, item in enumerate(asked):
        tell(done, len(asked))
        hits = search(tools.index, tools.embedder, item.question, SearchOptions(k=K, copies=1, as_of=item.as_of))
        read.append(evidence.gather(item.question, hits, tools.index.article, tools.reader))
    answered = [bool(found) and found[0].probability >= ANSWERS for found in read]
    best = [(found[0].words if found else "", item.answers) for found, item in zip(read, asked, strict=True)]
    shown = [(words if kept else "", answers) for (words, answers), kept in zip(best, answered, strict=True)]

    def holds(first: int) -> float:
        held = [
            any(contains(one.text, answer) for one in found[:first] for answer in item.answers)
            for found, item in zip(read, asked, strict=True)
        ]
        return sum(held) / len(held)

    unrefused = {f"{name} without refusal": value for name, value in matches(best).items()}
    first = {"first has it": holds(1), "first four have it": holds(4)}
    return {"n": len(asked), "answered": sum(answered) / len(asked), **matches(shown), **unrefused, **first}


# -- claims ----------------------------------------------------------------------------------------------------------


def claims(items: Sequence[Item], tools: Tools, tell: Tell) -> Figures:
    """Measure how well claims supported by their documents are separated from others."""
    told = [item for item in items if isinstance(item, Claimed)]
    scores, passed = [], []
    for done, item in enumerate(told):
        tell(done, len(told))
        parts = [(said, near(said, item.evidence)) for said in split(item.claim)]
        scores.append(min(alone(said, quotes, tools.reader) for said, quotes in parts))
        passed.append(all(checked(said, quotes, tools.reader) for said, quotes in parts))
    right = [item.supported for item in told]
    return {
        "n": len(told),
        "alone": balanced(right, [score >= SUPPORTED for score in scores]),
        "checked": balanced(right, passed),
        "area alone": area(right, scores),
    }


def alone(claim: str, quotes: Sequence[Quoted], reader: Reader) -> float:
    """Return the highest probability that a quote, by itself or after the sentence before it, supports a claim."""
    read = [text for quote in quotes for text in dict.fromkeys((quote.text, f"{quote.before} {quote.text}".strip()))]
    return max(support.supported for support in reader.verify([(claim, text) for text in read]))


def split(text: str) -> list[str]:
    """Return the sentences of a text, or the text itself if it has none."""
    return [text[span.start : span.end] for span in sentences(text)] or [text]


def near(claim: str, document: str) -> list[Quoted]:
    """Return the sentences of a document that share the most words with a claim; its rare words weigh more."""
    every = quoted(document)
    words = [set(tokens(one.text)) for one in every]
    known = Counter(word for one in words for word in one)
    mine = set(tokens(claim))
    shared = [sum(1 / known[word] for word in mine & one) for one in words]
    best = sorted(range(len(every)), key=lambda place: (-shared[place], place))[:NEAR]
    return [every[place] for place in best]


def balanced(right: Sequence[bool], said: Sequence[bool]) -> float:
    """Return the mean of two shares: right ones that are said, wrong ones that are not; 0 if one kind is missing."""
    pairs = list(zip(right, said, strict=True))
    yes = [(float(one), float(true)) for true, one in pairs]
    no = [(float(not one and not true), float(not true)) for true, one in pairs]
    return share([[(one if tried else 0.0, tried) for one, tried in yes], no]) or 0.0


# -- disagreement ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A question to documents, whether their answers differ, and the known answers."""

    question: str
    documents: Sequence[Document]
    differ: bool
    values: Sequence[str] = ()


def disagreement(make: Callable[[Sequence[Record]], Iterator[Case]]) -> Measure:
    """Return a measure of the disagreements that are flagged, over the cases made of records."""

    def measure(told: Sequence[Record], tools: Tools, tell: Tell) -> Figures:
        cases = list(make(told))
        flagged, both = [], 0
        for done, case in enumerate(cases):
            tell(done, len(cases))
            library = Library(case.documents, tools.embedder)
            found = library.read(case.question, tools.reader)
            values = disagreements(case.question, found, library, tools.reader)
            flagged.append(bool(values))
            both += any(_two(a, b, case.values) for one in values for a, b in combinations(one, 2))
        differ = [case.differ for case in cases]
        return {"n": len(cases), **precision_recall(flagged, differ), "both values": both / max(1, sum(differ))}

    return Measure(measure, read=lines)


def _two(one: str, other: str, wanted: Sequence[str]) -> bool:
    """Whether two values are two different values of `wanted`."""
    a, b = ({w for w in wanted if contains(v, w) or contains(w, v) or _same_number(v, w)} for v in (one, other))
    return bool(a and b and a != b)


def _same_number(a: str, b: str) -> bool:
    return any(x.matches(y) for x in quantities.numbers(a) for y in quantities.numbers(b))


def ramdocs(told: Sequence[Record]) -> Iterator[Case]:
    """Yield two cases of each record with several answers: as it is, and with the documents of one answer only.

    That answer must have two documents or more. Other records give one case, as they are.
    """
    for line in told:
        answers = Counter(one["answer"] for one in line["documents"] if one["answer"] != "unknown")
        everything = [Document(one["text"]) for one in line["documents"]]
        yield Case(line["question"], everything, len(answers) > 1, list(answers))
        answer, count = answers.most_common(1)[0] if answers else ("", 0)
        if len(answers) > 1 and count > 1:
            same = [Document(one["text"]) for one in line["documents"] if one["answer"] == answer]
            yield Case(line["question"], same, False)


def newspolluted(told: Sequence[Record]) -> Iterator[Case]:
    """Yield a record, which has one true and three made-up documents, and two cases whose documents do not differ.

    The first case has only the made-up documents, if only one choice stands in them. The second has the true document
    twice, with two made-up documents of another record.
    """
    for number, line in enumerate(told):
        documents = {cred: [d["text"] for d in line["docs"] if d["cred"] == cred] for cred in ("high", "low")}
        texts = [one["text"] for one in line["docs"]]
        yield Case(line["question"], [Document(one) for one in texts], True, line["choices"])
        if sum(any(contains(text, choice) for text in documents["low"]) for choice in line["choices"]) == 1:
            yield Case(line["question"], [Document(one) for one in documents["low"]], False)
        other = [one["text"] for one in told[(number + 7) % len(told)]["docs"] if one["cred"] == "low"]
        mixed = [*documents["high"], *documents["high"], *other[-2:]]
        yield Case(line["question"], [Document(one) for one in mixed], False)


# -- sentences made false, and wordings ------------------------------------------------------------------------------


def falsified(articles: Sequence[str], tools: Tools, tell: Tell) -> Figures:
    """Measure how many sentences of articles pass unchanged, and how many pass with one thing changed."""
    dice = random.Random(0)
    passed: dict[str, list[bool]] = defaultdict(list)
    for done, text in enumerate(articles):
        tell(done, len(articles))
        for sentence in split(text):
            for kind, claim in [("verbatim", sentence), *changes(sentence, text, dice)]:
                passed[kind].append(shown(claim, near(claim, text), tools.reader))
    false = [one for kind, ones in passed.items() if kind != "verbatim" for one in ones]
    by_kind = {f"{kind} passed": sum(ones) / len(ones) for kind, ones in passed.items()}
    return {"n": len(false), "passed": sum(false) / max(1, len(false)), **by_kind}


def changes(sentence: str, text: str, dice: random.Random) -> Iterator[tuple[str, str]]:
    """Yield (kind, sentence) for each change that the sentence allows: a number, a name of the text, a negation."""
    read = analysis.read(sentence)
    figures = [at for at in range(len(sentence)) if sentence[at].isdigit()]
    if figures:
        at = dice.choice(figures)
        other = dice.choice([digit for digit in "123456789" if digit != sentence[at]])
        yield "number", f"{sentence[:at]}{other}{sentence[at + 1 :]}"
    labels = ("PERSON", "ORG", "GPE")
    known = [(one.text, one.label_) for said in split(text) for one in analysis.read(said).ents if one.label_ in labels]
    swaps = [
        (entity, name)
        for entity in read.ents
        for name, label in dict.fromkeys(known)
        if label == entity.label_ and name not in sentence and entity.text not in name
    ]
    if swaps:
        entity, name = dice.choice(swaps)
        yield "name", sentence[: entity.start_char] + name + sentence[entity.end_char :]
    if told := [token for token in read if token.dep_ == "neg" and token.lower_ == "not"]:
        yield "not", sentence[: told[0].idx].rstrip() + sentence[told[0].idx + len(told[0]) :]
    elif verbs := [token for token in read if token.pos_ == "AUX"]:
        end = verbs[0].idx + len(verbs[0])
        yield "not", f"{sentence[:end]} not{sentence[end:]}"


def wordings(told: Sequence[Record], tools: Tools, tell: Tell) -> Figures:
    """Measure how many right and wrong wordings pass, in all and by kind."""
    found: dict[str, list[bool]] = defaultdict(list)
    for done, line in enumerate(told):
        tell(done, len(told))
        said, meant = judged(line, tools.reader)
        side = "right" if line["right"] else "wrong"
        for name, one in [("passed", said and meant), ("supported", said), ("answering", meant)]:
            found[f"{side} {name}"].append(one)
        found[f"{line['kind']} passed"].append(said and meant)
    shares = {name: sum(ones) / len(ones) for name, ones in found.items()}
    return {"n": len(told), **dict(sorted(shares.items(), key=lambda one: not one[0].startswith(("right", "wrong"))))}


def judged(line: Record, reader: Reader) -> tuple[bool, bool]:
    """Whether a quote supports a claim, and whether the claim answers the question; with both it would be shown."""
    said = shown(line["claim"], [Quoted(line["quote"])], reader)
    return said, answers(line["question"], line["claim"], line["quote"], reader)


def answers(question: str, claim: str, quote: str, reader: Reader) -> bool:
    """Whether a claim reads as an answer, or has the words that the reader finds in its quote."""
    found, alone_ = reader.read(question, [Window(quote), Window(claim)])
    return contains(claim, quote[found.start : found.end]) or alone_.probability >= ANSWERS


# -- the run ---------------------------------------------------------------------------------------------------------


def items(file: Path) -> list[Item]:
    """The records of a file, in the form of `citewire eval`."""
    return records.read(file)[1]


def lines(file: Path) -> list[Record]:
    """The records of a file, unchanged."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def texts(folder: Path) -> list[str]:
    """The texts of a folder."""
    return [file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.txt"))]


@dataclass(frozen=True)
class Measure:
    """A function on what `read` makes of `file`, by default BENCH/<set>.jsonl."""

    run: Callable[[Sequence[Any], Tools, Tell], Figures]
    read: Callable[[Path], Sequence[Any]] = items
    file: Path | None = None


SETS: dict[str, Measure] = {
    "squad2": Measure(partial(refusals, words=True)),
    **dict.fromkeys(("clapnq", "multihoprag"), Measure(refusals)),
    "realtimeqa": Measure(over_index),
    **dict.fromkeys(("summedits_news", "fever_symmetric", "wice_claims", "qags_cnndm"), Measure(claims)),
    "ramdocs": disagreement(ramdocs),
    "newspolluted": disagreement(newspolluted),
    "falsified": Measure(falsified, texts, seeds_folder()),
    "wordings": Measure(wordings, lines, WORDINGS),
}


def measured(name: str, file: Path, tools: Tools, sample: int | None) -> Figures:
    """Return the figures of one set, of all its records or of a random sample."""
    found = SETS[name].read(file)
    if sample and sample < len(found):
        found = [found[at] for at in sorted(random.Random(0).sample(range(len(found)), sample))]

    def tell(done: int, total: int) -> None:
        last = done + 1 == total
        if last or done % 10 == 0:
            print(f"\r{name}: {done + 1} of {total}", end="\n" if last else "", file=sys.stderr, flush=True)

    return {key: round(value, 4) for key, value in SETS[name].run(found, tools, tell).items()}


def digest(files: Sequence[Path]) -> str:
    """SHA-256 of the bytes of files."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def code() -> list[Path]:
    """The files that all figures depend on: the weights, the product's code and this file."""
    return [WEIGHTS, WEIGHTS_AGAIN, *sorted(WEIGHTS.parent.glob("*.py")), Path(__file__)]


def table(found: Mapping[str, Figures]) -> str:
    """Return the figures as a table in Markdown, one set a row."""
    rows = [f"| {name} | {_told(figures)} |" for name, figures in found.items()]
    return "\n".join(["| set | figures |", "|---|---|", *rows])


def _told(figures: Figures) -> str:
    return ", ".join(
        f"{name} {value:,.0f}" if name == "n" else f"{name} {value:.3f}" for name, value in figures.items()
    )


def main() -> None:
    options = _options()
    embedder = load_embedder(threads=options.threads)
    with Index.open(options.index, embedder) if options.index else nullcontext() as index:
        print(table(figures(options, Tools(load_reader(options.threads, options.large), embedder, index))))


def figures(options: argparse.Namespace, tools: Tools) -> dict[str, Figures]:
    """Return the figures of all requested sets; those already in --out are not measured again."""
    out: Path | None = options.out
    kept = json.loads(out.read_text(encoding="utf-8")) if out and out.exists() else {}
    found: dict[str, Figures] = {}
    for name in options.only:
        file = SETS[name].file or (options.bench and options.bench / f"{name}.jsonl")
        lacks = "no file" if not file or not file.exists() else "no --index"
        if lacks == "no file" or (name == "realtimeqa" and not tools.index):
            print(f"{name}: left out, {lacks}", file=sys.stderr)
            continue
        identity = {
            "code": digest(code()),
            "sample": options.sample,
            "file": digest([file] if file.is_file() else sorted(file.glob("*.txt"))),
        }
        if options.again or kept.get(name, {}).get("identity") != identity:
            kept[name] = {"identity": identity, "figures": measured(name, file, tools, options.sample)}
            if out:
                out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        found[name] = kept[name]["figures"]
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", nargs="?", type=Path, metavar="BENCH")
    parser.add_argument("--large", type=Path, help="published weights of the second network, without which none reads")
    parser.add_argument("--only", default=",".join(SETS), help="these sets: %(default)s")
    parser.add_argument("--wordings", action="store_true", help="as --only wordings")
    parser.add_argument("--sample", type=int, help="only so many records of each set")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--index", type=Path, help="index of the articles of realtimeqa")
    parser.add_argument("--out", type=Path, help="keep the figures here and go on from there")
    parser.add_argument("--again", action="store_true", help="measure again what --out has")
    options = parser.parse_args()
    options.only = ["wordings"] if options.wordings else options.only.split(",")
    if unknown := [name for name in options.only if name not in SETS]:
        parser.error(f"there is no set {', '.join(unknown)}; the sets are {', '.join(SETS)}")
    return options


if __name__ == "__main__":
    main()
