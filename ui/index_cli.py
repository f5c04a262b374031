"""`citewire index ...`: fills, shows, checks and repairs an index.

Knows the flags and the output of each command. Results (`list`, `status`, `--json`) go to standard output, progress and
summaries to standard error.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.filesize import decimal
from rich.progress import DownloadColumn

from citewire.index.address import Address, local_folder
from citewire.index.errors import InputError
from citewire.ui import console
from citewire.ui.labels import counted
from citewire.ui.options import EXIT_INPUT, AsJson, DefaultGroup, takes
from citewire.ui.settings import Settings

if TYPE_CHECKING:
    from citewire.index.build import BuildReport
    from citewire.index.segment import ArticleSummary
    from citewire.index.types import Progress

DEFAULT = "mirror"
READING = ("articles", "index", "embedder", "device", "threads", "allow_web", "fields", "index_on")
STATES = ("changed", "removed", "new")  # order of the rows; "new" comes last, as it may be all articles

Watch = Annotated[bool, typer.Option("--watch", help="go on, and index again whenever a file changes; Ctrl-C ends")]


class OrMirror(DefaultGroup):
    """The commands of `citewire index`; if the first word is not a command, it is a source to mirror."""

    default, usages = DEFAULT, ("[OPTIONS] [PATH]...", "COMMAND [OPTIONS] [ARGS]...")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move the command to the front, also past flags before it; insert the default if no command is named."""
        at = self._first_word(ctx, args)
        if at is not None and args[at] in self.commands:
            args = [args[at], *args[:at], *args[at + 1 :]]
        elif at is not None or "--help" not in args:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def _first_word(self, ctx: Any, args: Sequence[str]) -> int | None:
        """Return the position of the first argument that is neither a flag nor a flag's value."""
        params = [param for command in self.commands.values() for param in command.get_params(ctx)]
        valued = {name for param in params if not getattr(param, "is_flag", True) for name in param.opts}
        place = 0
        while place < len(args) and args[place].startswith("-"):
            if args[place] == "--":
                return None
            place += 2 if args[place] in valued else 1
        return place if place < len(args) else None


app = typer.Typer(
    cls=OrMirror,
    rich_markup_mode=None,
    help="Index files and folders, drop what is gone; or do with an index what a command says."
    " A folder named like a command is reached as ./list.",
)


@app.command(DEFAULT)
@takes(*READING)
def _mirror(chosen: Settings, watch: Watch = False, as_json: AsJson = False) -> None:
    """Index files and folders, drop what is gone (the default).

    Unchanged articles are not embedded again. Files that cannot be read as articles are listed and left out, and
    the exit code is then 2. With --watch each run that changes something is one line of --json.
    """
    _fill(chosen, mirror=True, watch=watch, as_json=as_json)


@app.command("add")
@takes(*READING)
def _add(chosen: Settings, watch: Watch = False, as_json: AsJson = False) -> None:
    """Index files and folders, keep all others.

    An article of the same path is replaced. Flags and exit codes are those of the mirror.
    """
    _fill(chosen, mirror=False, watch=watch, as_json=as_json)


def _fill(chosen: Settings, *, mirror: bool, watch: bool, as_json: bool) -> None:
    if watch:
        _keep_filled(chosen, mirror=mirror, as_json=as_json)
    elif not index_articles(chosen, chosen.articles, mirror=mirror, as_json=as_json):
        raise typer.Exit(EXIT_INPUT)


def index_articles(
    chosen: Settings, articles: Sequence[Path | str], *, mirror: bool = True, as_json: bool = False
) -> bool:
    """Index articles with a progress bar and print what changed.

    Args:
        chosen: the settings.
        articles: files, folders and web addresses.
        mirror: whether other articles are removed from the index.
        as_json: whether to print JSON.

    Returns:
        Whether no article was rejected.

    Raises:
        CitewireError: see `engine.index_articles`.
    """
    from citewire.ui import engine

    with console.progress_bar() as report:
        built = engine.index_articles(chosen, articles, engine.load_embedder(chosen), report, mirror=mirror)
    if as_json:
        typer.echo(console.to_json(_as_json(chosen, built)))
    else:
        _tell(chosen, built)
    return not built.rejected


def _as_json(chosen: Settings, value: Any) -> dict[str, object]:
    return {"index": str(chosen.index), **dataclasses.asdict(value)}


def _tell(chosen: Settings, built: BuildReport) -> None:
    if built.changes:
        changes = sorted(built.changes, key=lambda change: STATES.index(change.state))
        console.print_first(("article", "", "passages"), [(c.path, c.state, c.passages) for c in changes])
    if built.rejected:
        console.note("left out:")
        rows = [(left_out.path, left_out.reason, left_out.fix) for left_out in built.rejected]
        console.print_first(("file", "reason", "what to do"), rows)
    if built.notes:
        console.note("read, but:")
        console.print_first(("article", "note"), [(note.path, note.text) for note in built.notes])
    counts = f"{built.new} new, {built.changed} changed, {built.unchanged} unchanged, {built.removed} removed"
    left_out = f", {len(built.rejected)} left out" if built.rejected else ""
    resumed = f" {built.resumed} passages were there from an interrupted run." if built.resumed else ""
    console.note(
        f"{chosen.index}: generation {built.generation}, {built.passages} passages. Articles: {counts}{left_out}."
        f"{resumed} {built.seconds:.1f} s."
    )


def _keep_filled(chosen: Settings, *, mirror: bool, as_json: bool) -> None:
    """Index now and after each change, until Ctrl-C, which then is a normal end.

    An error in the first run ends it, unless another process holds the write lock; later errors are only printed.
    """
    from citewire.index.writer import BusyError
    from citewire.ui import engine, watch

    changes = watch.ticks(chosen.articles, local_folder(chosen.index), poll=chosen.watching == "poll")
    embedder = engine.load_embedder(chosen)
    teller = _Teller(chosen, as_json=as_json)

    def run(report: Progress) -> None:
        teller.tell(engine.index_articles(chosen, chosen.articles, embedder, report, mirror=mirror))

    try:
        with console.progress_bar() as report:
            run(report)
    except BusyError as busy:
        console.note(str(busy))
    try:
        first = next(changes)
        console.note(f"watching {', '.join(map(str, chosen.articles))}; Ctrl-C ends")
        watch.on_change(chain([first], changes), lambda: run(console.silent), lambda error: console.note(str(error)))
    except KeyboardInterrupt:
        console.note("no longer watching. What is finished is kept.")


class _Teller:
    """Prints the runs of --watch: one line per change, and the rejected files if they differ from the last run's."""

    def __init__(self, chosen: Settings, *, as_json: bool) -> None:
        self._chosen = chosen
        self._as_json = as_json
        self._rejected: object = None

    def tell(self, built: BuildReport) -> None:
        first, other = self._rejected is None, self._rejected != built.rejected
        self._rejected = built.rejected
        if self._as_json:
            if first or built.changes or other:
                typer.echo(console.to_json(_as_json(self._chosen, built), indent=None))
        elif first:
            _tell(self._chosen, built)
        else:
            for change in built.changes:
                console.note(f"{change.state}: {change.path}, {change.passages} passages")
            for note in built.notes:
                console.note(f"read, but: {note.path} {note.text}")
            for left_out in built.rejected if other else ():
                console.note(f"left out: {left_out.path} {left_out.reason}. {left_out.fix}")


@app.command("remove")
@takes("index")
def _remove(
    chosen: Settings,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="ARTICLE", help="as `citewire index list` names it; ending in /, all below it", show_default=False
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Remove articles from the index.

    Mirroring a folder that still has them brings them back.
    """
    from citewire.index import maintenance

    with console.progress_bar() as report:
        generation, removed = maintenance.remove(chosen.index, paths, report)
    if as_json:
        typer.echo(console.to_json({"index": str(chosen.index), "generation": generation, "removed": removed}))
    else:
        console.note(f"{chosen.index}: generation {generation}, {len(removed)} removed")


@app.command("status")
@takes("index")
def _status(chosen: Settings, as_json: AsJson = False) -> None:
    """Print what the index holds, in numbers."""
    from citewire.index import maintenance

    found = maintenance.status(chosen.index)
    if as_json:
        typer.echo(console.to_json(_as_json(chosen, found)))
        return
    days = f"{found.published_from} to {found.published_to}" if found.published_from else "none"
    rows: list[tuple[str, object]] = [
        ("index", chosen.index),
        ("generation", found.generation),
        ("articles", f"{found.articles:,} ({found.groups:,} that are no copy of another)"),
        ("passages", f"{found.passages:,}"),
        ("outlets", f"{found.outlets:,}"),
        ("days", f"{days}; {counted(found.undated, 'article')} without one"),
        ("on disk", f"{decimal(found.bytes)} in {counted(found.segments, 'segment')}"),
        ("outdated", f"{counted(found.dead, 'passage')}, until merged away"),
        ("unfinished", f"{counted(found.unfinished, 'passage')} of an interrupted run, taken up by the next"),
        ("recall", f"{found.recall:.3f} of the ten nearest passages are found"),
        ("embedder", found.embedder[:12]),
        ("made by", found.chunker),
    ]
    console.print_table(("what", "value"), rows)


@app.command("list")
@takes("index")
def _list(
    chosen: Settings,
    outlets: Annotated[
        list[str] | None, typer.Option("--outlet", help="only articles of this outlet; can be repeated")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="only articles of this day, YYYY-MM-DD, or later")] = None,
    last: Annotated[str | None, typer.Option("--to", help="only articles of this day, YYYY-MM-DD, or earlier")] = None,
    as_json: AsJson = False,
) -> None:
    """List the articles.

    An article without a day is not listed where --from or --to is given.
    """
    passes = _filter(outlets or [], _day("--from", first), _day("--to", last))
    from citewire.index.store import Index

    with Index.open(chosen.index) as index:
        found = index.articles()
        copies = Counter(article.group for article in found)
        listed = [(article, copies[article.group] if article.group else 1) for article in found if passes(article)]
        titles = {a.path: a.title or index.article(a.path).headline for a, _ in listed} if not as_json else {}
    if as_json:
        typer.echo(console.to_json([_article_json(article, size) for article, size in listed]))
        return
    header = ("article", "outlet", "published", "title", "passages", "copies")
    rows = [(a.path, a.outlet, a.published, titles[a.path], a.passages, size) for a, size in listed]
    console.print_table(header, rows)


def _article_json(article: ArticleSummary, group_size: int) -> dict[str, object]:
    names = ("path", "title", "outlet", "author", "published", "url", "metadata", "characters", "passages", "group")
    return {name: getattr(article, name) for name in names} | {"group_size": group_size}


def _filter(outlets: Sequence[str], first: str, last: str) -> Callable[[ArticleSummary], bool]:
    wanted = {outlet.casefold() for outlet in outlets}

    def passes(article: ArticleSummary) -> bool:
        if wanted and article.outlet.casefold() not in wanted:
            return False
        return not (first or last) or (bool(article.published) and first <= article.published <= (last or "9999"))

    return passes


def _day(flag: str, value: str | None) -> str:
    try:
        return date.fromisoformat(value).isoformat() if value else ""
    except ValueError:
        raise InputError(f"{flag} {value!r} is no day", "Write it as YYYY-MM-DD") from None


def _folder(chosen: Settings, command: str) -> Path:
    """Return the folder of the index. Raises: InputError: it is a database."""
    if isinstance(chosen.index, Address):
        problem = f"`citewire index {command}` checks the files of a folder, and {chosen.index} is a database"
        raise InputError(problem, "Check it with pg_amcheck, and restore it from a backup")
    return chosen.index


@app.command("copy")
@takes()
def _copy(
    _chosen: Settings,
    source: Annotated[str, typer.Argument(metavar="SRC", help="folder or database of an index")],
    target: Annotated[str, typer.Argument(metavar="DST", help="a new folder or an empty database")],
    as_json: AsJson = False,
) -> None:
    """Copy an index between folders and PostgreSQL databases, and compare all of it.

    Repeated after an interruption, it writes only what is missing. Uploaded files, keys and conversations stay.
    """
    from citewire.index.address import location
    from citewire.index.copying import copy_index

    to = location(target)
    with console.progress_bar() as report:
        done = copy_index(location(source), to, report)
    if as_json:
        typer.echo(console.to_json({"index": str(to), **dataclasses.asdict(done)}))
    else:
        console.note(
            f"{to}: generation {done.generation} has all {counted(done.articles, 'article')} with"
            f" {counted(done.passages, 'passage')}, bit by bit; {done.written:,} written now"
        )


@app.command("verify")
@takes("index")
def _verify(chosen: Settings, as_json: AsJson = False) -> None:
    """Compare every byte with what was written.

    Damaged files are named, and the exit code is then 2.
    """
    from citewire.index import maintenance

    folder = _folder(chosen, "verify")
    with console.progress_bar(DownloadColumn()) as report:
        found = maintenance.verify(folder, lambda done, total: report("verifying", done, total))
    if as_json:
        typer.echo(console.to_json(_as_json(chosen, found)))
    for problem in found.problems:
        console.note(problem)
    if found.problems:
        console.note(f"damaged. Run: citewire index repair --index {chosen.index}")
        raise typer.Exit(EXIT_INPUT)
    console.note(
        f"{chosen.index}: generation {found.generation} is as it was written, {found.files} files,"
        f" {decimal(found.bytes)}"
    )


@app.command("repair")
@takes("index")
def _repair(chosen: Settings, as_json: AsJson = False) -> None:
    """Make a damaged index readable, say what is lost.

    The last generation that is whole becomes current, or else all that is whole.
    """
    from citewire.index import maintenance

    folder = _folder(chosen, "repair")
    with console.progress_bar(DownloadColumn()) as report:
        done = maintenance.repair(folder, lambda read, total: report("verifying", read, total))
    if as_json:
        typer.echo(console.to_json(_as_json(chosen, done)))
        return
    if not done.problems:
        console.note(f"{chosen.index}: nothing is damaged, nothing was done")
        return
    for problem in done.problems:
        console.note(f"was damaged: {problem}")
    of = f"the articles of generation {done.restored}" if done.restored else "what was whole"
    console.note(f"{chosen.index}: generation {done.generation} has {of}: {done.articles:,}")
    if not done.lost_count:
        console.note("no article was lost")
        return
    console.note(f"{done.lost_count:,} articles were lost; to have them back index them again:")
    unnamed = done.lost_count - len(done.lost)
    rows = [(path,) for path in done.lost] + ([(f"{unnamed:,} whose names are lost too",)] if unnamed else [])
    console.print_first(("article",), rows)
