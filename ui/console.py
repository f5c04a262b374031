"""Output of the command line: answers with their quotes, tables, progress bars.

Knows the terminal and the values of `citewire.qa.types`. Articles and the model's words are untrusted: control
characters, which could move the cursor or change the window title, are removed. Answers go to standard output,
everything else to standard error.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.progress import Progress as Bar
from rich.status import Status
from rich.table import Table
from rich.text import Text

from citewire.qa.types import REFUSAL, Answer, Checked, Claim, Event, Searched
from citewire.ui.exchange import NOT_FOR_IT, Exchange, number_of, sources
from citewire.ui.labels import CardOf, counted, in_marks, shortened, when
from citewire.ui.render import closing, doubt_of, verbatim

if TYPE_CHECKING:
    from citewire.index.types import Progress

NEAREST_SHOWN = 3  # passages printed under a refusal
ROWS_SHOWN = 20  # most rows of a table in progress messages
EXCERPT_CHARS = 240  # longest excerpt of a passage
PIPED_WIDTH = 4_000  # table width without a terminal; keeps each row on one line, for grep
NOT_IN_SOURCES = "Not in the sources."

# The terminal's own palette, which fits light and dark themes.
_NUMBER, _DOUBT, _ASIDE = "bold cyan", "yellow", "dim"

# C0 and C1 controls except newline, and the bidirectional overrides, which change the reading order.
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def safe(text: str) -> str:
    r"""Return text with every control character replaced by a blank.

    >>> safe("a\x1b[2Jb")
    'a [2Jb'
    """
    return CONTROLS.sub(" ", text)


def one_line(text: str) -> str:
    """Return safe text with each run of white space as one blank."""
    return " ".join(safe(text).split())


def to_json(value: object, indent: int | None = 2) -> str:
    """Return JSON, on one line if `indent` is None; C1 controls are escaped too (JSON itself escapes only C0)."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return re.sub("[\x7f-\x9f]", lambda match: f"\\u{ord(match[0]):04x}", text)


class _Paper:
    """Standard output: coloured and wrapped at words on a terminal, else plain and unwrapped."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._column = 0

    def flow(self, text: str, style: str = "") -> None:
        """Append words to the current paragraph, wrapped at the terminal's width."""
        for word in text.split():
            wide = cell_len(word)
            if self._column and self._console.is_terminal and self._column + 1 + wide > self._console.width:
                self.end()
            self._put(f" {word}" if self._column else word, style)
            self._column += wide + bool(self._column)

    def end(self) -> None:
        """End the current paragraph, if any."""
        if self._column:
            self._console.print()
        self._column = 0

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """Write a line; on a terminal it wraps with the same indent."""
        self.end()
        told = Text(text, style)
        if self._console.is_terminal:
            self._console.print(Padding(told, (0, 0, 0, indent)))
        else:
            self._put(" " * indent + text + "\n")

    def _put(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style), end="", soft_wrap=True)


def print_answer(question: str, events: Iterator[Event], card: CardOf) -> Answer:
    """Print the lead and claims as they arrive, then quotes, status line and suggestions; return the answer.

    Args:
        question: the question.
        events: what `Answerer.stream` yields.
        card: returns the card of an article, by its path; called after the last event.
    """
    exchange = Exchange("cli", question)
    paper = _Paper()
    led = False
    with _waiting() as doing:
        for event in events:
            exchange.apply(event)
            if isinstance(event, Searched) and event.hits:
                doing.update(f"Reading {counted(len(event.hits), 'passage')}")
            if exchange.lead and not (led or exchange.claims or exchange.abstained):
                doing.stop()
                paper.line(safe(exchange.lead))
                led = True
            if isinstance(event, Checked) and event.claim.shown:
                doing.stop()
                _print_sentence(event.claim, paper, listed=exchange.listed)
    paper.end()
    if exchange.answer is None:
        raise RuntimeError("the answerer ended without an answer")
    _print_after(exchange, exchange.answer, card, paper)
    return exchange.answer


@contextmanager
def _waiting() -> Iterator[Status]:
    """Show a spinner on a terminal until the yielded status is stopped or the block ends."""
    console = Console(stderr=True)
    doing = console.status("Searching the articles")
    if console.is_terminal:
        doing.start()
    try:
        yield doing
    finally:
        doing.stop()


def _print_sentence(claim: Claim, paper: _Paper, *, listed: bool) -> None:
    doubt = doubt_of(claim)
    paper.flow(f"{'- ' if listed else ''}{one_line(claim.text)}")
    paper.flow(f"({doubt})" if doubt else "", _DOUBT)
    paper.flow(claim.marks, _NUMBER)
    if listed:
        paper.end()


def _print_after(exchange: Exchange, answer: Answer, card: CardOf, paper: _Paper) -> None:
    if exchange.abstained:
        _print_refusal(answer, paper)
    for conflict in exchange.conflicts:
        paper.line()
        paper.line(f"Sources disagree: {one_line(conflict.about)}", _DOUBT)
        for value in conflict.values:
            label = card(value.article)
            paper.line(f"{one_line(value.value)} - {one_line(f'{label.title}, {label.byline}')}", indent=4)
    if exchange.timeline:
        paper.line()
        paper.line("Over time:")
    for point in exchange.timeline:  # its sentence is printed above
        paper.line(f"{when(point)}: [{number_of(point, sources(exchange))}]", indent=4)
    said = {str(quote.n) for claim in exchange.shown for quote in verbatim(claim)}
    for source in sources(exchange):
        if source.label:
            paper.line()
            paper.flow(f"[{source.label}]", _NUMBER)
            paper.flow("word for word" if source.label in said else in_marks(one_line(source.quote)))
            known = card(source.article)
            page = known.page(source.start, source.end)
            span = f"{safe(source.article)}:{source.start}-{source.end}{f', {page}' if page else ''}"
            paper.line(f"{one_line(f'{known.title}, {known.dated}')} - {span}", _ASIDE, indent=4)
    if line := closing(exchange):
        paper.line()
        paper.line(line, _ASIDE)
    print_offered(answer.offered, paper)


def print_offered(questions: Iterable[str], paper: _Paper | None = None) -> tuple[str, ...]:
    """Print suggested questions as they arrive, numbered; return them.

    Args:
        questions: may take seconds each.
        paper: where to go on printing; None for the beginning of a line.
    """
    printed: list[str] = []
    paper = paper or _Paper()
    for question in questions:
        if not printed:
            paper.line()
            paper.line("You can also ask:")
        printed.append(question)
        paper.line(f"{len(printed)}. {one_line(question)}", indent=4)
    return tuple(printed)


def _print_refusal(answer: Answer, paper: _Paper) -> None:
    said = one_line(answer.text.removeprefix(REFUSAL))
    paper.line(said if answer.kind == NOT_FOR_IT else f"{NOT_IN_SOURCES} {said}".rstrip())
    if answer.hits:
        paper.line()
        paper.line("Nearest passages, not used:")
    for hit in answer.hits[:NEAREST_SHOWN]:
        excerpt = shortened(one_line(hit.text), EXCERPT_CHARS)
        paper.line(f"{safe(hit.article)}:{hit.start}-{hit.end} {excerpt}", _ASIDE, indent=4)


def print_help(lines: Sequence[tuple[str, str]]) -> None:
    """Print (input, effect) pairs on standard error."""
    for typed, does in lines:
        typer.echo(f"    {typed:<16}{does}", err=True)


@contextmanager
def progress_bar(amount: ProgressColumn | None = None) -> Iterator[Progress]:
    """Show a bar for each stage on standard error, without a terminal a line; yield the callback that moves the bars.

    Args:
        amount: the column that shows the amount done; by default "done/total".
    """
    console = Console(stderr=True)
    amount = amount or MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Bar(*columns, console=console, disable=not console.is_terminal) as progress:

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                if not console.is_terminal:
                    note(stage)
                tasks[stage] = progress.add_task(escape(one_line(stage)), total=total or None)
            progress.update(tasks[stage], completed=done, total=total or None)

        yield report


def silent(stage: str, done: int, total: int) -> None:
    """Report no progress, for work in the background of a page."""
    del stage, done, total


def print_first(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print the first `ROWS_SHOWN` rows on standard error, and the number of the others."""
    print_table(header, rows[:ROWS_SHOWN], err=True)
    if len(rows) > ROWS_SHOWN:
        note(f"... and {len(rows) - ROWS_SHOWN:,} more, all with --json")


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]], *, err: bool = False) -> None:
    """Print rows in aligned columns; control characters in cells are removed.

    Args:
        header: the name of each column.
        rows: the cells of each row, in the order of `header`.
        err: whether to print on standard error.
    """
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
    """Print on standard error how long the block took, if it succeeds."""
    start = time.perf_counter()
    yield
    note(f"{step}: {time.perf_counter() - start:.1f} s")


def note(text: str) -> None:
    """Print a message that is not part of the result on standard error."""
    typer.echo(f"citewire: {safe(text)}", err=True)
