"""What each part of an answer is worth: a file of questions answered with one part after another taken out.

    python benchmarks/ablation.py GOLD.jsonl --index INDEX [--model NAME] [--only NAME,...] [--out FOLDER]
                                  [--kinds KIND,...] [--limit N]

Reads and marks the file as `citewire eval` does, with the same model, index and settings in every row. A row is of
OUT/NAME, where a run that was interrupted goes on, and which `citewire eval diff OUT/whole OUT/NAME` compares record by
record. One part is out in each row, all others stay:

    whole            nothing is taken out
    no-evidence      the model reads the four best passages instead of the sentences that bear on the question; a claim
                     may then rest on any sentence of these. Which questions are refused and which sentence is quoted
                     where the model fails is still told by the sentences
    no-refusal       the best sentences count as answering, however improbable that is
    no-check         every sentence of the model is kept as it is and called supported, by the sentence that it cites
                     where none carries it
    no-verbatim      the best sentence is not quoted where the model left it out
    no-parts         a question of several parts is asked as one; nothing is computed from the answers of the parts
    no-follow-up     what was said before is not known
    no-disagreement  no other values for what was answered are looked for
    no-premise       what a question takes for granted is not checked
    no-opinion       claims are checked by words, facts and vectors, the language model is not asked for its yes or no
    no-timeline      no course over time is told, and newer sentences do not go before older ones
    dense-only       passages ranked by meaning alone, and
    bm25-only        by words alone: either still among those that both have found. Sentences are chosen as ever

The columns: right answers to records of the kind "fact" (or of none), unanswerable ones refused, right answers to other
kinds, and to those of the kind "conflict", where all values have to be shown and the disagreement flagged; the share of
shown sentences that their quotes do not support, among them "Not in the sources: ..."; the share of quotes that their
sentence needs; and the median seconds an answer took. The last three are of all records. Quotes are checked by
`qa.verdicts` without the model's opinion, in every row alike. With few records a row differs from another by chance:
`citewire eval diff` says by how much. 13 rows of 30 questions take 16 minutes on two cores.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

from citewire.index.embed import load_embedder
from citewire.index.options import SearchOptions, Weights
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Hit
from citewire.qa import evaluate, records
from citewire.qa.answer import Answerer, AnswerOptions
from citewire.qa.claims import Judgement, Place, judge
from citewire.qa.conflicts import find
from citewire.qa.evaluate import Evaluator, Results, Row, Source
from citewire.qa.evidence import Evidence, Weighed, weigh
from citewire.qa.findings import reverses
from citewire.qa.generate import load_generator
from citewire.qa.judge import Judge
from citewire.qa.opinion import ModelOpinion
from citewire.qa.parts import Whole, whole
from citewire.qa.prompt import build
from citewire.qa.question import presupposition
from citewire.qa.records import Asked
from citewire.qa.timeline import asks, prefer_newest
from citewire.qa.types import Answer, Generator, Message, Turn
from citewire.qa.vectors import WordVectors
from citewire.qa.verdicts import Checker

PASSAGES = 4  # given to the model in place of sentences
BEST = 4  # sentences that answer where nothing is refused
COLUMNS = (
    "facts right",
    "refused when unanswerable",
    "other kinds right",
    "conflicts",
    "unsupported share",
    "citation precision",
    "median seconds",
)
FACTS = ("fact", "question")  # the second where a record names no kind

ArticleOf = Callable[[str], Article]
Instead = Mapping[Any, Any]  # functions and classes -> what takes their place


@dataclass(frozen=True)
class Variant:
    """A pipeline with one part taken out: by other functions, another class or other weights of the search."""

    instead: Callable[[], Instead] = dict
    answerer: type[Answerer] = Answerer
    weights: Weights = field(default_factory=Weights)


# -- what takes the place of a part ---------------------------------------------------------------------------------


def whole_passages() -> Instead:
    """The best passages in the prompt; claims are held against all of their sentences."""
    found: dict[str, list[Hit]] = {}
    given: list[Hit] = []

    def searching(index: Index, embedder: Embedder, question: str, *rest: Any) -> list[Hit]:
        found[question] = search(index, embedder, question, *rest)
        return found[question]

    def building(_: Sequence[str], question: str) -> list[Message]:
        query = next(query for query in found if query.endswith(question))  # a follow-up is searched with more words
        given[:] = found[query][:PASSAGES]
        return build([hit.passage.text for hit in given], question)

    def judging(claim: str, _cited: object, _chosen: object, article: ArticleOf, *rest: Any) -> Judgement:
        places = dict.fromkeys((hit.passage.article, span) for hit in given for span in hit.passage.sentences)
        every = [Evidence(path, span, article(path).text[span.start : span.end], 0.0, ()) for path, span in places]
        return judge(claim, (), every, article, *rest)

    return {search: searching, build: building, judge: judging}


def answering(*args: Any, **named: Any) -> Weighed:
    """The sentences of `weigh`, the best of which answer."""
    weighed = weigh(*args, **{**named, "least": 0.0})
    if any(not e.missing for e in weighed.evidence):
        return weighed
    best = (replace(e, missing=()) for e in weighed.evidence[:BEST])
    return replace(weighed, evidence=(*best, *weighed.evidence[BEST:]))


def believed(
    claim: str, cited: Sequence[int], evidence: Sequence[Evidence], article: ArticleOf, *rest: Any
) -> Judgement:
    """Support for any claim: by the quotes found, else by the sentence cited, else by the first."""
    places = judge(claim, cited, evidence, article, *rest).places
    at = next((n - 1 for n in cited if 0 < n <= len(evidence)), 0)
    named = Place(evidence[at].article, evidence[at].span, evidence[at].text)
    return Judgement("supported", 1.0, "", places or (named,))


class Wordless(Answerer):
    """Quotes nothing word for word in the model's place."""

    def _unsaid(self, *_: Any, **__: Any) -> list[Evidence]:
        return []


class Forgetful(Answerer):
    """Knows nothing of what was said before."""

    def ask(self, text: str, _history: Sequence[Turn] = (), *, search: SearchOptions | None = None) -> Answer:
        """Return the answer to the question alone."""
        return super().ask(text, search=search)


VARIANTS: dict[str, Variant] = {
    "whole": Variant(),
    "no-evidence": Variant(whole_passages),
    "no-refusal": Variant(lambda: {weigh: answering}),
    "no-check": Variant(lambda: {judge: believed, reverses: lambda *_: False, Judge.answers: lambda *_: True}),
    "no-verbatim": Variant(answerer=Wordless),
    "no-parts": Variant(lambda: {whole: lambda _: Whole()}),
    "no-follow-up": Variant(answerer=Forgetful),
    "no-disagreement": Variant(lambda: {find: lambda *_: ()}),
    "no-premise": Variant(lambda: {presupposition: lambda _: ""}),
    "no-opinion": Variant(lambda: {ModelOpinion: lambda _: None}),
    "no-timeline": Variant(lambda: {asks: lambda _: False, prefer_newest: lambda _, evidence, *__: list(evidence)}),
    "dense-only": Variant(weights=Weights(lexical=0, focus=0)),
    "bm25-only": Variant(weights=Weights(meaning=0)),
}


@contextmanager
def replaced(instead: Instead) -> Iterator[None]:
    """Put the values of `instead` for its keys into every module and class of citewire.qa that has these."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("citewire.qa.")]
    with ExitStack() as stack:
        for owner in [*modules, Judge]:
            for name, held in list(vars(owner).items()):
                by = next((new for old, new in instead.items() if old is held), None)
                if by is not None:
                    stack.enter_context(mock.patch.object(owner, name, by))
        yield


# -- rows -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bench:
    """What all rows share; `own` is the index of documents that records bring along, `articles` whose they are."""

    items: Sequence[Asked]
    embedder: Embedder
    generator: Generator
    checker: Checker
    search: SearchOptions
    corpus: Index | None = None
    own: Index | None = None
    articles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def rows(self, name: str, folder: Path, identity: Mapping[str, Any], report: evaluate.Report) -> list[Row]:
        """Return the marked answers of one variant; those in `folder` are not asked for again."""
        variant = VARIANTS[name]
        with replaced(variant.instead()), Results(folder, {**identity, "variant": name}) as results:
            corpus, own = (self._source(variant, index) for index in (self.corpus, self.own))
            wanted = replace(self.search, weights=variant.weights)
            evaluator = Evaluator(self.checker, wanted, corpus, own, self.articles)
            return evaluate.run(self.items, evaluator, results, report)

    def _source(self, variant: Variant, index: Index | None) -> Source | None:
        return Source(index, variant.answerer(index, self.embedder, self.generator)) if index else None


def line(name: str, rows: Sequence[Row]) -> str:
    """Return one row of the table."""
    summary = evaluate.summarise(rows)
    measures = summary["measures"]

    def right(wanted: Callable[[str], bool]) -> str:
        told = [row["right"] for row in rows if wanted(row["kind"]) and row["right"] is not None]
        return f"{sum(told)} of {len(told)}" if told else "-"

    def share(measure: str, less: bool = False) -> str:
        if measure not in measures:
            return "-"
        value = measures[measure]["value"]
        return f"{1 - value if less else value:.2f}"

    seconds = summary["latency"]["total_s"]["p50"]
    cells = (
        name,
        right(lambda kind: kind in FACTS),
        right(lambda kind: kind == "unanswerable"),
        right(lambda kind: kind not in (*FACTS, "unanswerable", "conflict")),
        right(lambda kind: kind == "conflict"),
        share("citation_recall", less=True),
        share("citation_precision"),
        "-" if seconds is None else f"{seconds:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def told(name: str) -> evaluate.Report:
    """Return a report that counts the records of a row on standard error."""

    def report(stage: str, done: int, total: int) -> None:
        print(f"\r{name}: {stage} {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="GOLD.jsonl", help="questions, as `citewire eval` reads them")
    parser.add_argument("--index", type=Path, help="the index; needed for questions without documents of their own")
    parser.add_argument("--model", default="qwen2.5-coder-0.5b")
    parser.add_argument("--cache", type=Path, help="folder that keeps the models; by default the user's own")
    parser.add_argument("--only", default=",".join(VARIANTS), help="these rows: %(default)s")
    parser.add_argument("--kinds", default="", help="only records of these kinds")
    parser.add_argument("--limit", type=int, help="only the first N records")
    parser.add_argument("--out", type=Path, help="a folder for each row; by default .citewire/ablation/GOLD")
    given = parser.parse_args()
    names, kinds = (tuple(filter(None, text.split(","))) for text in (given.only, given.kinds))
    if unknown := [name for name in names if name not in VARIANTS]:
        parser.error(f"there is no row {', '.join(unknown)}; the rows are {', '.join(VARIANTS)}")
    out = given.out or Path(".citewire/ablation") / given.file.stem
    digest, everything = records.read(given.file)
    questions = [item for item in everything if isinstance(item, Asked)]
    items = [i for i in records.select(questions, records.Selection(given.limit, kinds=kinds)) if isinstance(i, Asked)]
    embedder, generator = load_embedder(), load_generator(given.model, cache=given.cache)
    own, articles = None, {}
    with ExitStack() as stack:
        corpus = stack.enter_context(Index.open(given.index, embedder)) if given.index else None
        if any(item.own for item in items):
            articles = evaluate.index_documents(items, questions, out / "documents", embedder, told("documents"))
            own = stack.enter_context(Index.open(out / "documents" / "index", embedder))
        checker = Checker(WordVectors(embedder))
        bench = Bench(items, embedder, generator, checker, AnswerOptions().search, corpus, own, articles)
        identity = {
            "file": given.file.name,
            "sha256": digest,
            "model": generator.name,
            "index": corpus and {"folder": str(given.index), "generation": corpus.generation},
            "code": evaluate.code_digest(),
            "script": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
        }
        print(f"| taken out | {' | '.join(COLUMNS)} |\n|{' --- |' * (1 + len(COLUMNS))}")
        for name in names:
            print(line(name, bench.rows(name, out / name, identity, told(name))), flush=True)


if __name__ == "__main__":
    main()
