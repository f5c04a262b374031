"""Records -> answers -> marks -> figures; a run can be interrupted at any record and resumed.

Knows the order of the work, its files, and which results of an earlier run are still valid. `marks` defines a right
answer, `measure` the metrics, `records` the formats of files.

    results.jsonl       {"run": identity}, then one row per record, written as soon as it is marked
    summary.json        the figures
    documents/          the articles that come with records, and their index
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from citewire.index.build import build_index
from citewire.index.errors import InputError
from citewire.index.options import SearchOptions
from citewire.index.store import Index
from citewire.index.types import Embedder, Filters, Progress
from citewire.qa.evaluate import marks, measure
from citewire.qa.evaluate.marks import MEASURES, Marks
from citewire.qa.evaluate.records import Claimed, Item, QuestionItem
from citewire.qa.types import Answer, Turn
from citewire.qa.verdicts import Checker

RESULTS, PREVIOUS, SUMMARY = "results.jsonl", "results.previous.jsonl", "summary.json"
TIMES = ("retrieve_s", "first_token_s", "total_s")

Row = dict[str, Any]  # one line of results.jsonl: key, line, id, kind, record, answer or verdict, marks, right, why
Identity = dict[str, Any]  # everything that can change an answer, by name


class Asker(Protocol):
    """Answers questions, as `citewire.qa.answer.Answerer` does."""

    def ask(self, text: str, history: Sequence[Turn] = (), *, search: SearchOptions | None = None) -> Answer:
        """Return the answer to one question; arguments as in `Answerer.stream`."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """An index and its answerer."""

    index: Index
    answerer: Asker


# -- the documents of records ---------------------------------------------------------------------------------------


def index_documents(
    items: Sequence[Item], everything: Sequence[Item], folder: Path, embedder: Embedder, report: Progress
) -> dict[str, tuple[str, ...]]:
    """Index the documents of records in `folder`/index; return the article paths of each record by its key.

    Args:
        items: the records to evaluate.
        everything: all records; their documents answer a record whose own list is empty.
        folder: where the documents and their index are written.
        embedder: embeds the documents.
        report: progress.

    Raises:
        InputError: no document has text, or the folder cannot be used.
    """
    own = [item for item in items if isinstance(item, QuestionItem) and item.own]
    pool = (
        [item for item in everything if isinstance(item, QuestionItem)]
        if any(not item.documents for item in own)
        else own
    )
    names: dict[object, str] = {}
    file = folder / "documents.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    for document in (document for item in pool for document in item.documents):
        names.setdefault(document, str(len(names) + 1))
    lines = (json.dumps({"id": name, **dataclasses.asdict(d)}) for d, name in names.items())  # type: ignore[call-overload]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    build_index([file], folder / "index", embedder, report)
    return {item.key: tuple(dict.fromkeys(f"{file.name}#{names[d]}" for d in item.documents)) for item in own}


# -- one record -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Answers and marks one record at a time.

    Attributes:
        checker: checks claims and the quotes of answers.
        search: options for questions on the user's index; a record's own day replaces `as_of`.
        corpus: the user's index; needed for questions without their own documents.
        own: the index of the records' documents.
        articles: what `index_documents` returned.
    """

    checker: Checker
    search: SearchOptions
    corpus: Source | None = None
    own: Source | None = None
    articles: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    def row(self, item: Item) -> Row:
        """Return the row of one record.

        Raises:
            InputError: the question has no documents and there is no index.
            ModelError: the model cannot be reached; earlier rows are kept.
        """
        row: Row = {"key": item.key, "line": item.line, "id": item.id, "kind": item.kind}
        record = {name: value for name, value in dataclasses.asdict(item).items() if name != "documents"}
        if isinstance(item, Claimed):
            judged = self.checker.check(item.claim, item.evidence)
            verdict = {"verdict": judged.verdict, "probability": judged.probability, "reason": judged.reason}
            return row | {"record": record, "verdict": verdict} | _marked(marks.mark_claim(item, judged))
        source = self.own if item.own else self.corpus
        if source is None:
            raise InputError(
                f"line {item.line} brings no documents and there is no index to answer it from",
                "Index the articles first: citewire index PATH",
            )
        try:
            answer = source.answerer.ask(item.question, item.history, search=self._search(item, source.index))
        except InputError as error:  # the question is too long, or its filters leave no article
            answer = Answer(item.question, item.question, "failed", str(error))
        given = marks.mark_answer(item, answer, source.index.article, self.checker)
        return row | {"record": record, "answer": dataclasses.asdict(answer)} | _marked(given)

    def _search(self, item: QuestionItem, index: Index) -> SearchOptions:
        if not item.own:
            return replace(self.search, as_of=item.as_of or self.search.as_of)
        paths = self.articles[item.key]
        days = [index.article(path).published for path in paths]
        known = not days or any(day <= item.as_of for day in days)  # else no document would be old enough
        return replace(self.search, filters=Filters(articles=paths), as_of=item.as_of if known else "")


def _marked(marks: Marks) -> Row:
    return {"right": marks.right, "why": list(marks.why), "marks": {name: list(t) for name, t in marks.tallies.items()}}


def run(items: Sequence[Item], evaluator: Evaluator, results: Results, report: Progress) -> list[Row]:
    """Return the rows of all records in order; those missing from `results` are answered, marked and added now."""
    for done, item in enumerate(items):
        report("evaluating", done, len(items))
        if item.key not in results.rows:
            results.add(evaluator.row(item))
    report("evaluating", len(items), len(items))
    return [results.rows[item.key] for item in items]


# -- results on disk ------------------------------------------------------------------------------------------------


def code_digest() -> str:
    """Return the sha256 of the code and prompts that answers are made with: another version may answer otherwise."""
    folders = [Path(inspect.getfile(Index)).parent, Path(__file__).parent.parent]
    digest = hashlib.sha256()
    for file in sorted(
        file for folder in folders for pattern in ("*.py", "*.md", "*.txt", "*.json") for file in folder.rglob(pattern)
    ):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


class Results:
    """The rows of a run, each written to disk at once.

    Attributes:
        rows: the valid rows, by `Item.key`.
        restarted: why the rows of an earlier run are not valid, "" if they are or there were none; invalid ones are
            kept as `PREVIOUS`.

    Raises:
        InputError: the folder cannot be written, or its results are damaged.
    """

    def __init__(self, folder: Path, identity: Identity) -> None:
        self.rows: dict[str, Row] = {}
        self.restarted = ""
        self.file = folder / RESULTS
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if self.file.exists():
                self._take_up(identity)
            if not self.file.exists():
                self.file.write_text(_line({"run": identity}), encoding="utf-8")
            self._out = self.file.open("a", encoding="utf-8")
        except OSError as error:
            raise InputError(f"{folder} cannot be written: {error.strerror}", "Name another folder by --out") from error

    def _take_up(self, identity: Identity) -> None:
        """Take over the rows of the same run, without an incomplete last line and failed answers."""
        before, rows = read_results(self.file)
        changed = sorted(k for k in before.keys() | identity.keys() if before.get(k) != identity.get(k))
        if changed:
            self.restarted = "; ".join(_change(name, before.get(name), identity.get(name)) for name in changed)
            self.file.replace(self.file.with_name(PREVIOUS))
            return
        self.rows = {row["key"]: row for row in rows if (row.get("answer") or {}).get("status") != "failed"}
        kept = self.file.with_name(f"{RESULTS}.new")
        kept.write_text("".join(map(_line, [{"run": identity}, *self.rows.values()])), encoding="utf-8")
        kept.replace(self.file)

    def add(self, row: Row) -> None:
        """Write one row; a later crash of this program does not lose it."""
        self._out.write(_line(row))
        self._out.flush()
        self.rows[row["key"]] = row

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._out.close()


def _line(value: object) -> str:
    return json.dumps(value) + "\n"


def _change(name: str, before: object, now: object) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        parts = [key for key in before.keys() | now.keys() if before.get(key) != now.get(key)]
        return ", ".join(_change(f"{name}.{key}", before.get(key), now.get(key)) for key in sorted(parts))
    was, becomes = (one[:12] if isinstance(one, str) and len(one) == 64 else one for one in (before, now))
    return f"{name} was {was}, is {becomes}"


def read_results(path: Path) -> tuple[Identity, list[Row]]:
    """Return the identity and the rows of a results file or of its folder, without an incomplete last line.

    Raises:
        InputError: there is no such file, or a line is damaged.
    """
    file = path / RESULTS if path.is_dir() else path
    try:
        *lines, _half = file.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: {error.strerror}", "Name the folder that `citewire eval` wrote with --out"
        ) from error
    values = []
    for number, line in enumerate(lines, 1):
        try:
            value = json.loads(line)
        except ValueError as error:
            raise InputError(
                f"{file}, line {number} is damaged: {error}", "Delete the file and evaluate again"
            ) from error
        wanted = {"run"} if number == 1 else {"key", "kind", "marks", "right", "record"}
        if not isinstance(value, dict) or not wanted <= value.keys():
            raise InputError(f"{file}, line {number} is no result of `citewire eval`", "Name the folder it wrote")
        values.append(value)
    if not values:
        raise InputError(f"{file} is empty", "Name the folder that `citewire eval` wrote with --out")
    return values[0]["run"], values[1:]


# -- figures --------------------------------------------------------------------------------------------------------


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the figures of a run.

    `records`, `statuses` and `verdicts`: counts. `measures` and, by kind, `kinds`: {value, low, high, right, tried} by
    name of `marks.MEASURES`, low to high is the 95% interval; a measure of two shares has the sums of both. `latency`:
    seconds, {p50, p95, n}. `calibration`: {error, bins} of the checked claims, None if there are none.
    """
    answers = [row["answer"] for row in rows if "answer" in row]
    kinds = {kind: [row for row in rows if row["kind"] == kind] for kind in dict.fromkeys(row["kind"] for row in rows)}
    return {
        "records": len(rows),
        "statuses": dict(Counter(answer["status"] for answer in answers)),
        "verdicts": dict(Counter(row["verdict"]["verdict"] for row in rows if "verdict" in row)),
        "measures": measures(rows),
        "kinds": {kind: {"records": len(some), "measures": measures(some)} for kind, some in kinds.items()},
        "latency": {name: _latency(answers, name) for name in TIMES if answers},
        "calibration": _calibration(rows),
    }


def measures(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Return the measures that apply to `rows`, as in `summarise`."""
    out = {}
    for name, (_, parts) in MEASURES.items():
        tallies = _tallies(rows, parts)
        value, limits = measure.share(tallies), measure.interval(tallies)
        if value is not None and limits is not None:
            right, tried = (sum(tally[i] for part in tallies for tally in part) for i in (0, 1))
            out[name] = {"value": value, "low": limits[0], "high": limits[1], "right": right, "tried": tried}
    return out


def _tallies(rows: Sequence[Row], parts: Iterable[str]) -> list[list[measure.Tally]]:
    return [[tuple(row["marks"].get(part, (0.0, 0.0))) for row in rows] for part in parts]


def _latency(answers: Sequence[Mapping[str, Any]], name: str) -> dict[str, float | None]:
    """Seconds of a stage, {p50, p95, n}, over the answers that reached it."""
    seconds = [answer["timings"][name] for answer in answers if answer["timings"][name] > 0]
    return {"p50": measure.percentile(seconds, 50), "p95": measure.percentile(seconds, 95), "n": len(seconds)}


def _calibration(rows: Sequence[Row]) -> dict[str, Any] | None:
    forecasts = [(row["verdict"]["probability"], row["record"]["supported"]) for row in rows if "verdict" in row]
    bars = measure.reliability(forecasts)
    return {"error": measure.calibration_error(bars), "bins": [dataclasses.asdict(b) for b in bars]} if bars else None


# -- two runs -------------------------------------------------------------------------------------------------------


def compare(before: Sequence[Row], after: Sequence[Row]) -> dict[str, Any]:
    """Return how two runs differ on the records that both have.

    `records`: their number; `only_before`, `only_after`: records in only one run. `measures`: {before, after,
    difference, low, high} by name, low to high is the 95% interval of the difference. `right`: {lost, won, p} by
    McNemar's test. `flipped`: {id, kind, text, before, after} of each record that changed between right and wrong.

    Raises:
        InputError: no record is in both.
    """
    old, new = ({row["key"]: row for row in rows} for rows in (before, after))
    keys = [key for key in old if key in new]
    if not keys:
        raise InputError("the two runs have no record in common", "Compare runs over the same questions")
    first, second = [old[key] for key in keys], [new[key] for key in keys]
    judged = [(a, b) for a, b in zip(first, second, strict=True) if None not in (a["right"], b["right"])]
    flipped = [(a, b) for a, b in judged if a["right"] != b["right"]]
    won = sum(b["right"] for _, b in flipped)
    lost = len(flipped) - won
    return {
        "records": len(keys),
        "only_before": len(old) - len(keys),
        "only_after": len(new) - len(keys),
        "measures": dict(_differences(first, second)),
        "right": {"lost": lost, "won": won, "p": measure.mcnemar(lost, won)},
        "flipped": [
            {"id": a["id"], "kind": a["kind"], "text": asked_text(a), "before": a["right"], "after": b["right"]}
            for a, b in flipped
        ],
    }


def _differences(before: Sequence[Row], after: Sequence[Row]) -> Iterator[tuple[str, dict[str, float]]]:
    for name, (_, parts) in MEASURES.items():
        old, new = _tallies(before, parts), _tallies(after, parts)
        was, becomes, limits = measure.share(old), measure.share(new), measure.difference(old, new)
        if was is not None and becomes is not None and limits is not None:
            yield (
                name,
                {"before": was, "after": becomes, "difference": becomes - was, "low": limits[0], "high": limits[1]},
            )


def asked_text(row: Row) -> str:
    """Return the question or the claim of a row."""
    record = row["record"]
    return str(record["claim"] if "claim" in record else record["question"])
