"""What the command line prints: answers with their quotes, tables, progress bars.

Knows the terminal and the values of `citewire.qa.types`; loads nothing and decides nothing. Articles and the
model's words are untrusted: control characters, which could move the cursor or retitle the window, are
taken out. Answers go to standard output, everything else to standard error.
"""

from __future__ import annotations

import json
import re
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from citewire.qa.types import REFUSAL, Answer, Checked, Claim, Event
from citewire.ui.render import NOT_FOR_IT, Card, CardOf, Exchange, closing, gist, sources, when

NEAREST_SHOWN = 3  # passages printed under a refusal
ROWS_SHOWN = 20  # of a table that tells how work went
EXCERPT_CHARS = 240  # of a passage
PIPED_WIDTH = 4_000  # of a table that no terminal shows: a row stays on a line, for grep
NOT_IN_SOURCES = "Not in the sources."

# C0 and C1 controls except newline, and the bidirectional overrides that make text read in another order.
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

Report = Callable[[str, int, int], None]  # (what is being done, steps done, steps in all; 0 for unknown)


def safe(text: str) -> str:
    r"""Return text that a terminal shows and does not obey.

    >>> safe("a\x1b[2Jb")
    'a [2Jb'
    """
    return CONTROLS.sub(" ", text)


def one_line(text: str) -> str:
    """Return safe text with its line breaks and runs of blanks as single blanks."""
    return " ".join(safe(text).split())


def to_json(value: object, indent: int | None = 2) -> str:
    """Return JSON, without `indent` on one line; C1 controls are escaped too (JSON itself escapes C0 only)."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return re.sub("[\x7f-\x9f]", lambda match: f"\\u{ord(match[0]):04x}", text)


def print_answer(question: str, events: Iterator[Event], card: CardOf) -> Answer:
    """Print the lead and claims as they come, then quotes, closing line and questions to go on with; return the answer.

    Args:
        question: as asked.
        events: what `Answerer.stream` yields.
        card: labels an article, by its path; asked once the answer is whole.
    """
    exchange = Exchange("cli", question)
    begun = ended = False  # whether something is printed, and whether its last line is whole
    for event in events:
        exchange.apply(event)
        if exchange.lead and not (begun or exchange.abstained):
            typer.echo(safe(exchange.lead))
            begun = ended = True
        if isinstance(event, Checked) and event.claim.shown:
            before = "" if ended or not begun else " "
            line = f"- {_sentence(event.claim)}" if exchange.listed else before + _sentence(event.claim)
            typer.echo(line, nl=exchange.listed)
            begun, ended = True, exchange.listed
    if exchange.answer is None:
        raise RuntimeError("the answerer ended without an answer")
    if begun and not ended:
        typer.echo()
    for line in _after(exchange, exchange.answer, card):
        typer.echo(line)
    return exchange.answer


def _sentence(claim: Claim) -> str:
    marks = {"supported": "", "partial": " (partly in the sources)", "unsupported": " (not in the sources)"}
    return f"{one_line(claim.text)}{marks[claim.verdict]} {claim.marks}".rstrip()


def _after(exchange: Exchange, answer: Answer, card: CardOf) -> Iterator[str]:
    """Yield what follows the sentences: refusal, conflicts, timeline, quotes, closing line, questions to go on with."""
    if exchange.abstained:
        yield from _refusal(answer)
    for conflict in exchange.conflicts:
        yield ""
        yield f"Sources disagree: {one_line(conflict.about)}"
        for value in conflict.values:
            yield f"    {one_line(value.value)} - {_label(card(value.article))}"
    if exchange.timeline:
        yield ""
        yield "Over time:"
    for point in exchange.timeline:
        yield f"    {when(point)}: {one_line(gist(point))}"
    for source in sources(exchange):
        if source.label:
            yield ""
            span = f"{safe(source.article)}:{source.start}-{source.end}"
            yield f"[{source.label}] “{one_line(source.quote)}”"
            page = card(source.article).page(source.start, source.end)
            yield f"    {_label(card(source.article))} - {span}{f', {page}' if page else ''}"
    if line := closing(exchange):
        yield ""
        yield line
    yield from _offered(answer.offered)


def print_offered(questions: Iterator[str]) -> tuple[str, ...]:
    """Print questions to go on with as they come, numbered; return them."""
    found: list[str] = []

    def noted() -> Iterator[str]:
        for question in questions:
            found.append(question)
            yield question

    for line in _offered(noted()):
        typer.echo(line)
    return tuple(found)


def _offered(questions: Iterable[str]) -> Iterator[str]:
    for number, question in enumerate(questions, 1):
        if number == 1:
            yield ""
            yield "You can also ask:"
        yield f"    {number}. {one_line(question)}"


def _refusal(answer: Answer) -> Iterator[str]:
    said = one_line(answer.text.removeprefix(REFUSAL))
    yield said if answer.kind == NOT_FOR_IT else f"{NOT_IN_SOURCES} {said}".rstrip()
    if answer.hits:
        yield ""
        yield "Nearest passages, not used:"
    for hit in answer.hits[:NEAREST_SHOWN]:
        excerpt = textwrap.shorten(one_line(hit.text), EXCERPT_CHARS, placeholder=" ...")
        yield f"    {safe(hit.article)}:{hit.start}-{hit.end} {excerpt}"


def _label(known: Card) -> str:
    return one_line(f"{known.title}, {known.byline}")


@contextmanager
def progress_bar(amount: ProgressColumn | None = None) -> Iterator[Report]:
    """Show a bar a stage on standard error, in files a line as each begins; yield what moves them.

    Args:
        amount: how to show what is done of what there is; by default as two numbers.
    """
    console = Console(stderr=True)
    amount = amount or MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                if not console.is_terminal:
                    note(stage)
                tasks[stage] = progress.add_task(escape(one_line(stage)), total=total or None)
            progress.update(tasks[stage], completed=done, total=total or None)

        yield report


def silent(stage: str, done: int, total: int) -> None:
    """Show nothing; for work behind a page."""
    del stage, done, total


def print_first(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print the first `ROWS_SHOWN` rows on standard error, and how many more there are."""
    print_table(header, rows[:ROWS_SHOWN], err=True)
    if len(rows) > ROWS_SHOWN:
        note(f"... and {len(rows) - ROWS_SHOWN:,} more, all with --json")


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]], *, err: bool = False) -> None:
    """Print rows in aligned columns; cells are shown as they are, less control characters."""
    table = Table(box=None, pad_edge=False)
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(escape(safe(str(cell))) for cell in row))
    console = Console(stderr=err, highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Print on standard error how long a step took, once it is done."""
    start = time.perf_counter()
    yield
    note(f"{step}: {time.perf_counter() - start:.1f} s")


def note(text: str) -> None:
    """Print a line about the work, not part of its result, on standard error."""
    typer.echo(f"citewire: {safe(text)}", err=True)
