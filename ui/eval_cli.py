"""`citewire eval FILE` and `citewire eval diff A B`: measures the quality of answers and compares two runs.

Knows flags and the output of a run. Results go to standard output, progress to standard error. Exit codes as in cli.py;
wrong answers are not an error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from citewire.index.errors import InputError
from citewire.ui import console
from citewire.ui.options import SEARCHING, AsJson, DefaultGroup, takes
from citewire.ui.settings import Settings

if TYPE_CHECKING:
    from citewire.index.store import Index
    from citewire.index.types import Embedder
    from citewire.qa.evaluate.records import Item
    from citewire.qa.evaluate.runs import Evaluator, Results, Source
    from citewire.qa.types import Generator

EVALUATING = (
    "index",
    "model",
    "embedder",
    "device",
    "engine",
    "threads",
    "passages",
    "max_tokens",
    "unsupported",
    *SEARCHING,
)
RUNS = Path(".citewire/eval")
REPORT = "report.html"
DEFAULT, DIFF = "file", "diff"
FLIPPED_SHOWN = 40


class OrFile(DefaultGroup):
    """The command `diff`; any other first word is the file to evaluate."""

    default, usages = DEFAULT, ("[OPTIONS] FILE", f"{DIFF} [OPTIONS] A B")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the default command unless `diff` is named."""
        if args[:1] != [DIFF] and "--help" not in args:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=OrFile,
    rich_markup_mode=None,
    help="Measure the answers to a file of questions, or the checks of a file of claims: JSON lines such as"
    ' {"question": "Who won?", "answer": "Ann", "sources": ["vote.txt"]}, {"question": "...", "unanswerable": true}'
    ' or {"claim": "...", "evidence": "...", "label": "supported"}. Or compare two runs.',
)


@app.command(DEFAULT)
@takes(*EVALUATING)
def _evaluate(
    chosen: Settings,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="questions or claims, one JSON a line")],
    out: Annotated[
        Path | None, typer.Option("--out", help=f"folder of the results; by default {RUNS}/ and the name of the file")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", help="only the first N records")] = None,
    sample: Annotated[int | None, typer.Option("--sample", metavar="N", help="only N records, by chance")] = None,
    seed: Annotated[int, typer.Option("--seed", help="which chance")] = 0,
    kinds: Annotated[
        list[str] | None, typer.Option("--kinds", metavar="KIND", help="only these kinds; can be repeated, or a,b")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Answer every question of a file, check every claim of it, and measure (the default).

    A run that was interrupted goes on from there. The folder of the results gets a page, report.html, with every
    wrong answer beside its evidence.
    """
    from citewire.qa.evaluate import records, runs
    from citewire.ui import report_html

    digest, everything = records.read(file)
    names = tuple(name.strip() for part in kinds or [] for name in part.split(",") if name.strip())
    items = records.select(everything, limit=limit, sample=sample, seed=seed, kinds=names)
    folder = out or RUNS / file.stem
    with _evaluator(chosen, items, everything, folder) as (evaluator, model):
        identity = _identity(chosen, file, digest, model, evaluator)
        with runs.Results(folder, identity) as results, console.progress_bar() as report:
            _tell_start(results, items, folder)
            rows = runs.run(items, evaluator, results, report)
    summary = {"run": identity, "folder": str(folder), **runs.summarise(rows)}
    _write(folder / runs.SUMMARY, console.to_json(summary))
    _write(folder / REPORT, report_html.page(summary, rows))
    if as_json:
        typer.echo(console.to_json(summary))
    else:
        _print_summary(summary)
    console.note(f"{folder / REPORT} has the figures and every wrong answer; {runs.RESULTS} beside it has all")


@app.command(DIFF)
def _diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="folder of the first run")],
    after: Annotated[Path, typer.Argument(metavar="B", help="folder of the second run")],
    as_json: AsJson = False,
) -> None:
    """Compare two runs on the records that both have."""
    from citewire.qa.evaluate import runs

    (old_identity, old), (new_identity, new) = runs.read_results(before), runs.read_results(after)
    found = runs.compare(old, new)
    if as_json:
        typer.echo(console.to_json({"before": old_identity, "after": new_identity, **found}))
    else:
        _print_diff(found)


@contextlib.contextmanager
def _evaluator(
    chosen: Settings, items: Sequence[Item], everything: Sequence[Item], folder: Path
) -> Iterator[tuple[Evaluator, str]]:
    """Yield the evaluator and the name of its model; only the indexes that the records need are opened."""
    from citewire.qa.evaluate import runs
    from citewire.qa.evaluate.records import QuestionItem
    from citewire.qa.verdicts import Checker
    from citewire.ui import engine

    asked = [item for item in items if isinstance(item, QuestionItem)]
    search = engine.search_options(chosen)
    embedder = engine.load_embedder(chosen)
    with console.progress_bar() as report:
        generator = engine.load_generator(chosen, report)
    checker = Checker(engine.load_reader(chosen))
    with contextlib.ExitStack() as stack:
        corpus = None
        if not all(item.own for item in asked):
            corpus = stack.enter_context(engine.open_index(chosen, embedder))
            engine.check_search(chosen, corpus)
        articles: dict[str, tuple[str, ...]] = {}
        own = None
        if any(item.own for item in asked):
            with console.progress_bar() as report:
                articles = runs.index_documents(items, everything, folder / "documents", embedder, report)
            of_records = chosen.model_copy(update={"index": folder / "documents" / "index"})
            own = stack.enter_context(engine.open_index(of_records, embedder))
        over_corpus, over_own = (
            _source(chosen, index, embedder, generator) if index else None for index in (corpus, own)
        )
        yield runs.Evaluator(checker, search, over_corpus, over_own, articles), generator.name


def _source(chosen: Settings, index: Index, embedder: Embedder, generator: Generator) -> Source:
    from citewire.qa.evaluate import runs
    from citewire.ui import engine

    measured = chosen.model_copy(update={"cached_answers": 0})  # a cached answer would take no time
    return runs.Source(index, engine.answerer(measured, index, embedder, generator))


def _identity(chosen: Settings, file: Path, digest: str, model: str, evaluator: Evaluator) -> dict[str, Any]:
    """Return all that decides an answer, with the file's name and hash."""
    from citewire.ui import engine

    generation = evaluator.corpus.index.generation if evaluator.corpus else None
    return {"file": file.name, "sha256": digest, **engine.deciding(chosen, model, generation)}


def _tell_start(results: Results, items: Sequence[Item], folder: Path) -> None:
    from citewire.qa.evaluate import runs

    if results.restarted:
        console.note(f"starts anew: {results.restarted}. The results before are in {folder / runs.PREVIOUS}")
    elif done := sum(item.key in results.rows for item in items):
        console.note(f"{done:,} of {len(items):,} records were done before")


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}", "Name another folder by --out") from error


def _print_summary(summary: Mapping[str, Any]) -> None:
    from citewire.ui import figures

    console.print_table(("measure", "value", "95% interval", "of", "what it says"), list(figures.measure_rows(summary)))
    if len(kinds := list(figures.kind_rows(summary))) > 1:
        typer.echo()
        console.print_table(("kind", "records", "right"), kinds)
    if times := list(figures.latency_rows(summary)):
        typer.echo()
        console.print_table(("seconds", "p50", "p95", "answers"), times)
    if calibration := summary["calibration"]:
        typer.echo()
        typer.echo(f"calibration error of the check's probability: {calibration['error']:.3f}")


def _print_diff(found: Mapping[str, Any]) -> None:
    from citewire.ui import figures

    header = ("measure", "before", "after", "difference", "95% interval")
    console.print_table(header, list(figures.difference_rows(found)))
    right = found["right"]
    typer.echo()
    typer.echo(
        f"{found['records']:,} records in both: {right['won']} became right, {right['lost']} became wrong"
        f" (McNemar p = {right['p']:.3f})"
    )
    if alone := found["only_before"] + found["only_after"]:
        console.note(f"{alone:,} records are in one run only and not compared")
    if found["flipped"]:
        flips = [(f["id"], f["kind"], _flip(f), console.one_line(f["text"])) for f in found["flipped"]]
        typer.echo()
        console.print_table(("record", "kind", "", "question or claim"), flips[:FLIPPED_SHOWN])
    if len(found["flipped"]) > FLIPPED_SHOWN:
        console.note(f"... and {len(found['flipped']) - FLIPPED_SHOWN:,} more, all with --json")


def _flip(flipped: Mapping[str, Any]) -> str:
    return "right -> WRONG" if flipped["before"] else "wrong -> right"
