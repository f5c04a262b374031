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
from citewire.ui.exchange import Exchange, number_of, sources
from citewire.ui.labels import Card, CardOf, gist, when
from citewire.ui.render import NOT_FOR_IT, closing, doubt_of

if TYPE_CHECKING:
    from citewire.index.types import Progress

NEAREST_SHOWN = 3  # passages printed under a refusal
ROWS_SHOWN = 20  # of a table that tells how work went
EXCERPT_CHARS = 240  # of a passage
PIPED_WIDTH = 4_000  # of a table that no terminal shows: a row stays on a line, for grep
NOT_IN_SOURCES = "Not in the sources."

# Styles of a terminal, in its own colours: they fit a light and a dark one.
_NUMBER, _DOUBT, _ASIDE = "bold cyan", "yellow", "dim"

# C0 and C1 controls except newline, and the bidirectional overrides that make text read in another order.
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


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


class _Paper:
    """Standard output: on a terminal in colours and wrapped between words, else in plain lines as long as they are."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._column = 0

    def flow(self, text: str, style: str = "") -> None:
        """Add words to the paragraph that is being written, in lines no wider than the terminal."""
        for word in text.split():
            wide = cell_len(word)
            if self._column and self._console.is_terminal and self._column + 1 + wide > self._console.width:
                self.end()
            self._put(f" {word}" if self._column else word, style)
            self._column += wide + bool(self._column)

    def end(self) -> None:
        """End the paragraph, if one was begun."""
        if self._column:
            self._console.print()
        self._column = 0

    def line(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """Write a line; what does not fit on a terminal goes on below it, indented as far."""
        self.end()
        told = Text(text, style)
        if self._console.is_terminal:
            self._console.print(Padding(told, (0, 0, 0, indent)))
        else:
            self._put(" " * indent + text + "\n")

    def _put(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style), end="", soft_wrap=True)


def print_answer(question: str, events: Iterator[Event], card: CardOf) -> Answer:
    """Print the lead and claims as they come, then quotes, closing line and questions to go on with; return the answer.

    Args:
        question: as asked.
        events: what `Answerer.stream` yields.
        card: labels an article, by its path; asked once the answer is whole.
    """
    exchange = Exchange("cli", question)
    paper = _Paper()
    led = False
    with _waiting() as doing:
        for event in events:
            exchange.apply(event)
            if isinstance(event, Searched) and event.hits:
                doing.update(f"Reading {len(event.hits):,} passage{'' if len(event.hits) == 1 else 's'}")
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
    """Show on a terminal that a question is being answered, until the yielded value is stopped or all is done."""
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
    """Print what follows the sentences: refusal, conflicts, timeline, quotes, closing line, questions to go on with."""
    if exchange.abstained:
        _print_refusal(answer, paper)
    for conflict in exchange.conflicts:
        paper.line()
        paper.line(f"Sources disagree: {one_line(conflict.about)}", _DOUBT)
        for value in conflict.values:
            paper.line(f"{one_line(value.value)} - {_label(card(value.article))}", indent=4)
    if exchange.timeline:
        paper.line()
        paper.line("Over time:")
    for point in exchange.timeline:  # of a sentence that was printed already, the number
        words = gist(point) if point in exchange.course else f"[{number_of(point, sources(exchange))}]"
        paper.line(f"{when(point)}: {one_line(words)}", indent=4)
    said = _as_sentences(exchange)
    for source in sources(exchange):
        if source.label:
            paper.line()
            paper.flow(f"[{source.label}]", _NUMBER)
            paper.flow("word for word" if source.label in said else f"“{one_line(source.quote)}”")
            page = card(source.article).page(source.start, source.end)
            span = f"{safe(source.article)}:{source.start}-{source.end}{f', {page}' if page else ''}"
            known = card(source.article)
            paper.line(f"{one_line(f'{known.title}, {known.dated}')} - {span}", _ASIDE, indent=4)
    if line := closing(exchange):
        paper.line()
        paper.line(line, _ASIDE)
    print_offered(answer.offered, paper)


def _as_sentences(exchange: Exchange) -> set[str]:
    """Return the numbers of the quotes that stand above as sentences of the answer: once is enough."""
    return {
        str(quote.n)
        for claim in exchange.shown
        for quote in claim.quotes
        if one_line(claim.text).endswith(one_line(quote.text))
    }


def print_offered(questions: Iterable[str], paper: _Paper | None = None) -> tuple[str, ...]:
    """Print questions to go on with as they come, numbered; return them."""
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
        excerpt = textwrap.shorten(one_line(hit.text), EXCERPT_CHARS, placeholder=" ...")
        paper.line(f"{safe(hit.article)}:{hit.start}-{hit.end} {excerpt}", _ASIDE, indent=4)


def _label(known: Card) -> str:
    return one_line(f"{known.title}, {known.byline}")


def print_help(lines: Sequence[tuple[str, str]]) -> None:
    """Print what can be typed and what it does, on standard error."""
    for typed, does in lines:
        typer.echo(f"    {typed:<16}{does}", err=True)


@contextmanager
def progress_bar(amount: ProgressColumn | None = None) -> Iterator[Progress]:
    """Show a bar a stage on standard error, in files a line as each begins; yield what moves them.

    Args:
        amount: how to show what is done of what there is; by default as two numbers.
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
