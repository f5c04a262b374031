"""Files of questions and claims in many formats -> records to evaluate.

A file is JSON lines in UTF-8. The fields of a line decide what it is, so a file can mix formats. Accepted are:

    a question          question | input
        right answers   answer | answers                 text or list; any one of them is right
                        gold_answers                     every one of them is
                        output: [{answer}]               any one of them
                        must_include: [[...], ...]       of each inner list any one string, beside must_not_include
        wrong answers   wrong_answers; choices without the right ones
        no answer       unanswerable | is_impossible: true; answerable: false; kind "unanswerable"; question_type "null"
        kind            kind | question_type             any; "conflict" and "false_premise" have rules of their own
        conversation    history: [[question, answer]]    or [{question, answer}]
        asked on        as_of | date | q_date            a day
        to be cited     sources                          article paths, or their ends after "#" or "/"
        to be found     gold_docs                        the same; citing another article is no mistake
        to be quoted    quote                            a sentence; a right answer quotes it, or cites `sources`
    ... with its own documents, the only ones that it is answered from (an empty list: those of all records)
                        context                          a text
                        passages | documents | docs      texts, or [{text, title, date, source, type, answer}]
                        evidence_list: [{fact, title, source, published_at}]
    a claim to check    claim, evidence, label           evidence a text or a list of sentences
                        doc, summary, label
                        article, summary_sentences: [{sentence, responses: [{response}]}]   what most responses say
        label           supported, supports, entailment, yes, true, 1; anything between that and its opposite, such as
                        partially_supported, is not supported

Documents with an `answer` each disagree if the answers differ. Documents beside `choices` disagree if they contain two
of the choices; with fewer it is unknown.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citewire.index.documents import day_of
from citewire.index.errors import InputError
from citewire.qa.evaluate import measure
from citewire.qa.facts import tokens
from citewire.qa.types import Turn

Fields = Mapping[str, Any]  # one line of a file

_SUPPORTED = frozenset("supported supports support entailment entailed consistent yes true 1".split())
_OTHER = frozenset(
    "partially_supported not_supported unsupported refutes refuted contradiction contradicted neutral not_entailment"
    " inconsistent not_enough_info nei no false 0".split()
)
_OWN_DOCUMENTS = ("passages", "documents", "docs", "evidence_list")
_ANSWERS = ("answer", "answers", "gold_answers", "output")
_UNKNOWN = "unknown"  # value of `answer` in a document without one


@dataclass(frozen=True, slots=True)
class Document:
    """An article that comes with a question; fields as in `citewire.index.types.Article`."""

    text: str
    title: str = ""
    outlet: str = ""
    published: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class QuestionItem:
    """A question and what is expected of its answer.

    Attributes:
        key: digest of the line, the same in every file and run.
        line: line number in its file, from 1.
        id: the line's `id`, or its number.
        answerable: whether the sources have an answer; None if unknown.
        answers: right answers; any one is enough, or all are needed if `every` is true.
        worded: whether the record has a field for right answers, even an empty one.
        wrong: wrong answers.
        choices: answers to choose from.
        must_include, must_not_include: strings, compared without case; see the module.
        cite: articles of which the answer has to cite one.
        find: articles that the search should return.
        quote: a sentence that answers; a right answer quotes it, or cites one of `cite`.
        own: whether it is answered from `documents`, not from the user's index; if it has none, from those of all
            records of its file.
        documents: the articles that come with it.
        disagree: whether the sources give different answers; None if unknown.
        values: the different answers.
    """

    key: str
    line: int
    id: str
    kind: str
    question: str
    history: tuple[Turn, ...] = ()
    as_of: str = ""
    answerable: bool | None = None
    answers: tuple[str, ...] = ()
    every: bool = False
    worded: bool = False
    wrong: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    must_include: tuple[tuple[str, ...], ...] = ()
    must_not_include: tuple[str, ...] = ()
    cite: tuple[str, ...] = ()
    find: tuple[str, ...] = ()
    quote: str = ""
    own: bool = False
    documents: tuple[Document, ...] = ()
    disagree: bool | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim, the text to check it against, and whether the text supports all of it."""

    key: str
    line: int
    id: str
    kind: str
    claim: str
    evidence: str
    supported: bool


Item = QuestionItem | Claimed


def read(file: Path) -> tuple[str, list[Item]]:
    """Return the sha256 of `file` and its records in order.

    Raises:
        InputError: the file cannot be read or has no records, or a line has none of the module's formats; names line,
            value and fix.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: {error.strerror}", "Name a file of questions, one JSON a line"
        ) from error
    items: list[Item] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if line.strip():
            items += _items(_Line(file, number, line))
    if not items:
        raise InputError(
            f"{file} has no records", 'Write one a line, such as {"question": "Who won?", "answer": "Ann"}'
        )
    return hashlib.sha256(data).hexdigest(), _distinct(items)


def select(
    items: Sequence[Item],
    *,
    limit: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    kinds: Sequence[str] = (),
) -> list[Item]:
    """Return a part of the records, in the order of the file.

    Args:
        items: all records.
        limit: number of records to take from the start.
        sample: number of records to take at random.
        seed: of the random choice.
        kinds: only these kinds; all if empty.

    Raises:
        InputError: no record has one of the kinds, a number is below 1, or both a limit and a sample are given.
    """
    there = list(dict.fromkeys(item.kind for item in items))
    for kind in kinds:
        if kind not in there:
            raise InputError(f"no record is of the kind {kind!r}", f"The kinds are: {', '.join(there)}")
    if limit is not None and sample is not None:
        raise InputError("--limit and --sample are both given", "Take the first N or any N, not both")
    for flag, number in (("--limit", limit), ("--sample", sample)):
        if number is not None and number < 1:
            raise InputError(f"{flag} {number} takes no record", "Take at least 1")
    chosen = [item for item in items if not kinds or item.kind in kinds]
    if sample is not None and sample < len(chosen):
        places = sorted(random.Random(seed).sample(range(len(chosen)), sample))  # noqa: S311
        return [chosen[place] for place in places]
    return chosen[:limit]


def _distinct(items: list[Item]) -> list[Item]:
    """Add a number to the keys of repeated lines."""
    seen: dict[str, int] = {}
    out = []
    for item in items:
        seen[item.key] = seen.get(item.key, 0) + 1
        again = seen[item.key]
        out.append(item if again == 1 else dataclasses.replace(item, key=f"{item.key}-{again}"))
    return out


class _Line:
    """One line of a file, with typed access to its fields; errors are InputErrors with the line's number."""

    def __init__(self, file: Path, number: int, raw: bytes) -> None:
        self.number, self._file = number, file
        try:
            self.fields: Fields = json.loads(raw)
        except (ValueError, RecursionError) as error:  # ValueError: also UnicodeDecodeError
            raise self.wrong(f"is not JSON in UTF-8: {error}", "Write one JSON object a line") from error
        if not isinstance(self.fields, dict):
            raise self.wrong(f"is no object: {_short(self.fields)}", 'Write {"question": "..."}')
        self.key = hashlib.sha256(json.dumps(self.fields, sort_keys=True).encode()).hexdigest()[:16]

    def wrong(self, problem: str, fix: str) -> InputError:
        return InputError(f"{self._file}, line {self.number} {problem}", fix)

    def has(self, *names: str) -> bool:
        return all(name in self.fields for name in names)

    def text(self, name: str) -> str:
        """The text or number in a field, "" if it is missing or null."""
        value = self.fields.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.wrong(f"has {name} = {_short(value)}", "Make it a text")
        return str(value).strip()

    def texts(self, name: str) -> tuple[str, ...]:
        """The text or texts in a field, without empty ones."""
        value = self.fields.get(name)
        values = value if isinstance(value, list) else [] if value is None else [value]
        for one in values:
            if isinstance(one, bool) or not isinstance(one, str | int | float):
                raise self.wrong(f"has {_short(one)} in {name}", "Make it a text or a list of texts")
        return tuple(text for one in values if (text := str(one).strip()))

    def flag(self, name: str) -> bool:
        value = self.fields.get(name, False)
        if not isinstance(value, bool):
            raise self.wrong(f"has {name} = {_short(value)}", "Make it true or false")
        return value

    def objects(self, name: str) -> list[Fields]:
        value = self.fields.get(name) or []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.wrong(f"has {name} = {_short(value)}", "Make it a list of objects")
        return value

    def day(self, *names: str) -> str:
        for name in names:
            if said := self.text(name):
                if day := day_of(said):
                    return day
                raise self.wrong(f"has {name} = {said!r}, which is no day", "Write it as YYYY-MM-DD")
        return ""


def _short(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= 80 else shown[:79] + "…"


def _items(line: _Line) -> Iterator[Item]:
    if line.has("claim", "evidence", "label"):
        evidence = "\n".join(line.texts("evidence"))
        yield _claimed(line, line.text("claim"), evidence, _label(line))
    elif line.has("doc", "summary", "label"):
        yield _claimed(line, line.text("summary"), line.text("doc"), _label(line))
    elif line.has("article", "summary_sentences"):
        for place, sentence in enumerate(line.objects("summary_sentences"), 1):
            responses = sentence.get("responses") or []
            said = [isinstance(one, dict) and one.get("response") == "yes" for one in responses]
            if not isinstance(sentence.get("sentence"), str) or not said:
                raise line.wrong(f"has summary sentence {_short(sentence)}", "Give it a sentence and responses")
            supported = 2 * sum(said) > len(said)
            yield _claimed(line, sentence["sentence"], line.text("article"), supported, f".{place}")
    elif line.has("question") or line.has("input"):
        yield _asked(line)
    else:
        have = ", ".join(line.fields) or "nothing"
        raise line.wrong(f"is neither a question nor a claim; it has {have}", 'Write {"question": "..."}')


def _claimed(line: _Line, claim: str, evidence: str, supported: bool, part: str = "") -> Claimed:
    if not claim or not evidence:
        raise line.wrong(f"has an empty {'evidence' if claim else 'claim'}", "Fill it in")
    kind = "supported" if supported else "not supported"
    return Claimed(line.key + part, line.number, _id(line) + part, kind, claim, evidence, supported)


def _id(line: _Line) -> str:
    return line.text("id") or str(line.number)


def _label(line: _Line) -> bool:
    value = line.fields["label"]
    said = str(int(value) if isinstance(value, bool) else value).strip().lower().replace(" ", "_")
    if said not in _SUPPORTED | _OTHER:
        raise line.wrong(f"has label = {_short(value)}", f"Use one of {', '.join(sorted(_SUPPORTED | _OTHER))}")
    return said in _SUPPORTED


def _asked(line: _Line) -> QuestionItem:
    question = line.text("question") or line.text("input")
    if not question:
        raise line.wrong("has an empty question", "Write what is asked")
    kind = (line.text("kind") or line.text("question_type")).removesuffix("_query")
    answers, every = _answers(line)
    must = _must_include(line)
    refuse = _is_unanswerable(line, kind)
    choices = line.texts("choices")
    documents = tuple(_documents(line))
    disagree, values = _disagreement(line, documents, choices)
    quote = line.text("quote")
    answerable = bool(answers or must or quote or kind == "conflict" or line.flag("answerable"))
    right = {" ".join(tokens(answer)) for answer in answers}
    others = [choice for choice in choices if answers and " ".join(tokens(choice)) not in right]
    cite = line.texts("sources")
    return QuestionItem(
        key=line.key,
        line=line.number,
        id=_id(line),
        kind="unanswerable" if refuse else kind or ("conflict" if disagree else "question"),
        question=question,
        history=_history(line),
        as_of=line.day("as_of", "date", "q_date"),
        answerable=False if refuse else answerable or None,
        answers=() if refuse else answers,
        every=every,
        worded=any(line.has(name) for name in _ANSWERS),
        wrong=(*line.texts("wrong_answers"), *others),
        choices=choices,
        must_include=must,
        must_not_include=line.texts("must_not_include"),
        cite=cite,
        find=cite or line.texts("gold_docs"),
        quote=quote,
        own=line.has("context") or any(line.has(name) for name in _OWN_DOCUMENTS),
        documents=documents,
        disagree=True if kind == "conflict" else disagree,
        values=values,
    )


def _is_unanswerable(line: _Line, kind: str) -> bool:
    said = line.flag("unanswerable") or line.flag("is_impossible") or kind in ("unanswerable", "null")
    return said or (line.has("answerable") and not line.flag("answerable"))


def _answers(line: _Line) -> tuple[tuple[str, ...], bool]:
    """Return the right answers, and whether all of them are needed."""
    if found := line.texts("answer") or line.texts("answers"):
        return found, False
    if found := line.texts("gold_answers"):
        return found, True
    return tuple(str(one["answer"]).strip() for one in line.objects("output") if one.get("answer")), False


def _must_include(line: _Line) -> tuple[tuple[str, ...], ...]:
    value = line.fields.get("must_include") or []
    fine = isinstance(value, list) and all(isinstance(one, list) for one in value)
    if not fine or not all(isinstance(text, str) for one in value for text in one):
        raise line.wrong(f"has must_include = {_short(value)}", 'Write it as [["any of", "these"], ["and this"]]')
    return tuple(tuple(one) for one in value)


def _history(line: _Line) -> tuple[Turn, ...]:
    turns = []
    value = line.fields.get("history") or []
    for one in value if isinstance(value, list) else [value]:
        pair = [one.get("question"), one.get("answer")] if isinstance(one, dict) else one
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            raise line.wrong(f"has {_short(one)} in history", 'Write it as [["question", "answer"], ...]')
        turns.append(Turn(pair[0], pair[1]))
    return tuple(turns)


def _documents(line: _Line) -> Iterator[Document]:
    if context := line.text("context"):
        yield Document(context)
        return
    name = next((name for name in _OWN_DOCUMENTS if line.has(name)), "")
    value = line.fields.get(name) or []
    if not isinstance(value, list):
        raise line.wrong(f"has {name} = {_short(value)}", "Make it a list of texts or of objects with a text")
    for one in value:
        fields = {"text": one} if isinstance(one, str) else one
        named = isinstance(fields, dict) and ("text" in fields or "fact" in fields)
        text = fields.get("text", fields.get("fact")) or "" if named else None
        if not isinstance(text, str):
            raise line.wrong(f"has a document without text in {name}: {_short(one)}", "Give it a text")
        if not text.strip():
            continue  # an unreadable page
        outlet, published, title, url = (
            next((str(fields[key]) for key in keys if fields.get(key)), "")
            for keys in (("outlet", "source"), ("published", "published_at", "date"), ("title",), ("url",))
        )
        yield Document(text, title, outlet, published, url)


def _disagreement(
    line: _Line, documents: Sequence[Document], choices: Sequence[str]
) -> tuple[bool | None, tuple[str, ...]]:
    """Return whether the documents give different answers (None if unknown), and the answers."""
    name = next((name for name in _OWN_DOCUMENTS if line.has(name)), "")
    given = [one.get("answer") for one in line.fields.get(name) or [] if isinstance(one, dict)]
    said = [one for one in given if isinstance(one, str) and one.strip().lower() not in ("", _UNKNOWN)]
    if said:
        different = {" ".join(tokens(one)): one for one in said}
        return len(different) > 1, tuple(different.values())
    standing = tuple(choice for choice in choices if any(measure.contains(d.text, choice) for d in documents))
    return (True if documents and len(standing) > 1 else None), standing
