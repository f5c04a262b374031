"""Mine hard negatives: sentences that the reader takes for the answer although they are not.

Synthetic negatives have only the errors that we thought of. A real error is a sentence about another company, year
or player that is chosen because its words match. So questions of the training documents are searched and read as in an
answer, and the most likely sentence that cannot be the answer is kept. For a question that people wrote to have no
answer, it is the most likely sentence of its own passage.

The records have the form of reader records, with `target`, the sentence, as offsets into the passage.
"""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from examples import Record, is_held, names_in
from news import News, Sentence

from citewire.index.build import build_index
from citewire.index.embed import load_embedder
from citewire.index.passages import sentences
from citewire.index.search import search
from citewire.index.store import Index
from citewire.index.types import Article, Embedder, Span
from citewire.qa.evaluate.measure import contains
from citewire.qa.evidence import window
from citewire.qa.facts import tokens
from citewire.qa.reader import Reader, TrainedReader

SOURCES = ("squad_v1_dev_html", "squad_v2_dev_html", "qed", "selqa", "timeqa_human", "qamr")
QUESTIONS = 1_200  # questions searched from each source
PASSAGES = 2_400  # further passages of each source to search in
FOUND = 8  # passages of a search, as in an answer
READ = 6  # sentences to read, those that share the most words with the question: reading takes the most time
TOO_LIKELY = 0.97  # a sentence above this, in the same document or with all names of the question, may really answer


def mined(found: Sequence[Record], weights: Path, file: Path, threads: int) -> list[Record]:
    """Return the negatives for records that are not held out; `file` stores them and is read if it exists."""
    if not file.exists():
        reader, embedder = TrainedReader(weights, threads=threads), load_embedder(threads=threads)
        kept = [one for one in found if not is_held(one) and one["source"] in SOURCES]
        made = [*_unanswered(kept, reader), *_searched(kept, reader, embedder)]
        with gzip.open(file, "wt", encoding="utf-8") as lines:
            lines.writelines(f"{json.dumps(one)}\n" for one in made)
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def mined_news(found: Sequence[News], weights: Path, file: Path, threads: int) -> dict[str, list[Sentence]]:
    """Return for each question the likeliest wrong sentence of its own article and of another writer's articles.

    Writers wrote several articles on one event, so those of the same writer may answer too. `file` as in `mined`.
    """
    if not file.exists():
        reader, embedder = TrainedReader(weights, threads=threads), load_embedder(threads=threads)
        documents = {one.name: [{"passage": one.text, "title": one.title}] for one in found}
        with tempfile.TemporaryDirectory() as folder, indexed(documents, Path(folder), embedder) as (index, names):
            made = [line for one in found for line in _wrong(one, found, index, names, reader, embedder)]
        with gzip.open(file, "wt", encoding="utf-8") as lines:
            lines.writelines(f"{json.dumps(one)}\n" for one in made)
    wrong: dict[str, list[Sentence]] = defaultdict(list)
    by_name = {one.name: one for one in found}
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            wrong[line["question"]].append((by_name[line["article"]], tuple(line["place"])))
    return wrong


def _wrong(
    one: News, found: Sequence[News], index: Index, names: Mapping[str, str], reader: Reader, embedder: Embedder
) -> Iterator[Mapping[str, Any]]:
    """Yield the likeliest wrong sentences for the questions of an article."""
    articles = {names[other.text]: other for other in found if other.text in names}
    writer = one.name.partition("-")[0]
    asked = [(question, set(numbers)) for question, numbers, _ in one.questions]
    for question, right in [*asked, *((question, set[int]()) for question in one.near)]:
        own = [(names[one.text], Span(*place)) for at, place in enumerate(one.places) if at not in right]
        others = [
            (hit.passage.article, span)
            for hit in search(index, embedder, question, FOUND)
            if not articles[hit.passage.article].name.startswith(f"{writer}-")
            for span in hit.passage.sentences
        ]
        for candidates in (own, list(dict.fromkeys(others))):
            if best := _best({"question": question}, candidates, index, reader):
                path, span, probability = best
                place = next((p for p in articles[path].places if p[0] <= span.start < p[1]), None)
                if place and (path == names[one.text] or probability <= TOO_LIKELY):
                    yield {"question": question, "article": articles[path].name, "place": place}


def _unanswered(kept: Sequence[Record], reader: Reader) -> Iterator[Record]:
    """Yield unanswerable questions written by people, each with the most likely sentence of its passage."""
    for record in kept:
        if not record["answerable"] and not record.get("made"):
            article = Article("", str(record["passage"]), "")
            spans = sentences(article.text)
            if spans:
                yield _negative(record, record, article.text, _likeliest(record, article, spans, reader)[0])


def _searched(kept: Sequence[Record], reader: Reader, embedder: Embedder) -> Iterator[Record]:
    """Yield questions, each with the most likely sentence of a search that does not answer it."""
    asked, passages = _drawn(kept)
    if not asked:
        return
    documents: dict[str, list[Record]] = defaultdict(list)
    for record in passages:
        documents[str(record["group"])].append(record)
    of = {str(record["passage"]): record for record in passages}
    answering: dict[str, list[Record]] = defaultdict(list)
    for record in kept:
        if record["answerable"]:
            answering[str(record["question"])].append(record)
    with tempfile.TemporaryDirectory() as folder, indexed(documents, Path(folder), embedder) as (index, names):
        texts = {file: text for text, file in names.items()}
        for record in asked:
            right = answering[str(record["question"])]
            answers = [str(answer["text"]) for one in right for answer in one["answers"]]
            answered = {str(one["passage"]) for one in right}
            hits = search(index, embedder, str(record["question"]), FOUND)
            wrong: dict[str, list[Span]] = defaultdict(list)
            for hit in hits:
                if texts[hit.passage.article] not in answered:
                    wrong[hit.passage.article].extend(hit.passage.sentences)
            candidates = [
                (path, span)
                for path, spans in wrong.items()
                for span in dict.fromkeys(spans)
                if not _may_answer(index.article(path).text[span.start : span.end], answers)
            ]
            best = _best(record, candidates, index, reader)
            if best:
                path, span, probability = best
                other = of[texts[path]]
                named = all(name in index.article(path).text for name in names_in(str(record["question"])))
                if probability <= TOO_LIKELY or not (named or other["group"] == record["group"]):
                    yield _negative(record, other, index.article(path).text, span)


def _drawn(kept: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Return the records whose questions are asked, and one record for each passage to search."""
    asked: list[Record] = []
    passages: dict[str, Record] = {}
    for source in SOURCES:
        own = [one for one in kept if one["source"] == source]
        random.Random(f"0|{source}").shuffle(own)
        answered = {str(one["question"]): one for one in own if one["answerable"]}
        named = [one for question, one in answered.items() if names_in(question)]  # without a name: any event
        drawn = named[:QUESTIONS]
        asked += drawn
        passages |= {str(one["passage"]): one for one in [*drawn, *own[:PASSAGES]]}
    return asked, list(passages.values())


def _best(
    record: Record, candidates: Sequence[tuple[str, Span]], index: Index, reader: Reader
) -> tuple[str, Span, float] | None:
    """Return the most likely of the sentences that share the most words with the question, and its probability."""
    asked = set(tokens(str(record["question"])))

    def shared(one: tuple[str, Span]) -> int:
        path, span = one
        return len(asked & set(tokens(index.article(path).text[span.start : span.end])))

    near = sorted(candidates, key=shared, reverse=True)[:READ]
    windows = [window(index.article(path), span) for path, span in near]
    read = reader.read(str(record["question"]), windows)
    places = sorted(range(len(near)), key=lambda place: -read[place].probability)
    return (*near[places[0]], read[places[0]].probability) if places else None


def _likeliest(record: Record, article: Article, spans: Sequence[Span], reader: Reader) -> tuple[Span, float]:
    read = reader.read(str(record["question"]), [window(article, span) for span in spans])
    place = max(range(len(spans)), key=lambda place: read[place].probability)
    return spans[place], read[place].probability


def _may_answer(sentence: str, answers: Sequence[str]) -> bool:
    return any(contains(sentence, answer) or contains(answer, sentence) for answer in answers)


def _negative(asked: Record, read: Record, passage: str, target: Span) -> Record:
    """The record of a question with a sentence of another record's passage."""
    return {
        "source": f"{asked['source']}+{'mined' if asked['answerable'] else 'likeliest'}", "group": read["group"],
        "question": asked["question"], "passage": passage, "answers": [], "answerable": False, "kind": "span",
        "target": [target.start, target.end],
    }  # fmt: skip


@contextmanager
def indexed(
    documents: Mapping[str, Sequence[Record]], folder: Path, embedder: Embedder
) -> Iterator[tuple[Index, dict[str, str]]]:
    """Index every passage as an article with the title of its document; yield the index and the ids by text."""
    names: dict[str, str] = {}
    titles: dict[str, dict[str, Any]] = {}
    (folder / "articles").mkdir()
    for group, lines in documents.items():
        kind, _, name = group.partition("/")
        for line in lines:
            file = names.setdefault(str(line["passage"]), f"{len(names):05}.txt")
            (folder / "articles" / file).write_text(str(line["passage"]), encoding="utf-8")
            titles[file] = {"title": line.get("title") or (name.replace("_", " ") if kind == "wikipedia" else "")}
    (folder / "articles" / "metadata.json").write_text(json.dumps(titles), encoding="utf-8")
    build_index([folder / "articles"], folder / "index", embedder)
    with Index.open(folder / "index", embedder) as index:
        kept = {one.path for one in index.articles()}
        yield index, {text: file for text, file in names.items() if file in kept}
