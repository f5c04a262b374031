"""The `citewire` command: parses arguments, calls the library, prints.

Knows flags, exit codes and error messages. Exit codes:

    0    done; also for the answer "not in the sources", and for Ctrl-C on a page or on `index --watch`
    1    a bug in citewire, or the reader of its output closed the pipe
    2    something the user can fix: a path, a setting, a model, rejected articles, a damaged index
    130  Ctrl-C

Heavy libraries are imported inside commands, so that `--help` and `config` start fast.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Self

# Libraries read these when they are imported; they turn telemetry off.
os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")

import typer
from rich.progress import DownloadColumn
from typer.core import TyperGroup

from citewire.index.address import Location, local_folder
from citewire.index.errors import CitewireError, InputError, ModelError
from citewire.qa.types import Answer, Event, Turn, checked_question
from citewire.ui import about_cli, console, eval_cli, feedback_cli, index_cli, keys_cli
from citewire.ui.answer_json import answer_json
from citewire.ui.labels import Card, card_in
from citewire.ui.options import EXIT_INPUT, SEARCHING, SERVING, AsJson, load, takes
from citewire.ui.settings import Settings, describe

if TYPE_CHECKING:
    from fastapi import APIRouter

    from citewire.index.store import Index as OpenIndex
    from citewire.qa.answer import Answerer
    from citewire.qa.suggest import Suggester
    from citewire.ui.ask_routes import Served
    from citewire.ui.chat import Chat, Loaded
    from citewire.ui.conversations import Conversations
    from citewire.ui.corpus import Corpus
    from citewire.ui.page import Site
    from citewire.ui.search_routes import Library

log = logging.getLogger("citewire.ui.cli")

ENDS = ("exit", "quit", "/exit", "/quit")
HELPS = ("help", "/help", "?")
TYPED = (
    ("a question", "is answered from the articles; a follow-up may refer to what was said"),
    ("1, 2, ...", "asks the question of that number, of those that were offered"),
    ("/new", "starts over"),
    ("Up, Down", "bring back what was typed before"),
    ("Ctrl-C", "stops an answer"),
    ("help, /help", "this list"),
    ("exit, /quit", "ends, as Ctrl-D does"),
)
SUGGESTED = 3  # most suggestions after an answer of `chat`
EXIT_FAULT = 1
EXIT_INTERRUPTED = 130
HISTORY_FIX = 'Write it as [["question", "answer"], ...] in UTF-8.'


class Outermost(TyperGroup):
    """The outermost layer of errors: turns them into a line on standard error and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except CitewireError as error:
            log.debug("refused", extra={"problem": error.problem})
            console.note(str(error))
            raise typer.Exit(EXIT_INPUT) from None
        except KeyboardInterrupt:
            console.note("stopped. Nothing that was stored is lost; the same command goes on from there.")
            raise typer.Exit(EXIT_INTERRUPTED) from None


app = typer.Typer(
    cls=Outermost,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Ask a folder of news articles; every sentence of the answer carries the exact quote it rests on.",
)
models_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List, fetch, verify and remove models.")
app.add_typer(eval_cli.app, name="eval")
app.add_typer(index_cli.app, name="index")
app.add_typer(models_app, name="models")
app.add_typer(keys_cli.app, name="keys")
app.command("about")(about_cli.about)
app.command("feedback")(feedback_cli.feedback)


def main() -> None:
    """Run the command line; the entry point of the `citewire` script."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the outermost layer: what gets here is a fault of citewire
        if "--debug" in sys.argv:
            traceback.print_exc()
        else:
            console.note(f"an error of citewire itself: {type(error).__name__}: {error}")
            console.note("Run it again as `citewire --debug ...` for the details and report them.")
        sys.exit(EXIT_FAULT)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"citewire {version('citewire')}")
        raise typer.Exit


History = Annotated[
    Path | None,
    typer.Option("--history", help="JSON file with the conversation so far: [[question, answer], ...]"),
]
# Settings of answering: flags that `ask`, `chat`, `serve` and `run` share.
ANSWERING = ("index", "model", "embedder", "device", "engine", "reader", "threads", *SEARCHING)
ModelNames = Annotated[list[str] | None, typer.Argument(help="names from `citewire models list`", show_default=False)]


@app.callback()
def _options(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="settings file (TOML); by default citewire.toml if there is one"),
    ] = None,
    log_level: Annotated[str | None, typer.Option("--log-level", help=describe("log_level"))] = None,
    debug: Annotated[bool, typer.Option("--debug", help="show the traceback of an unexpected error")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="show it")] = False,
) -> None:
    del debug, version  # `main` and `_version` read them
    ctx.obj = {"config": config, "log_level": log_level}


@app.command("config")
def _config(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Print every setting, its value and where the value comes from."""
    rows = load(ctx).rows()
    if as_json:
        typer.echo(json.dumps({name: {"value": value, "from": origin} for name, value, origin, _ in rows}, indent=2))
    else:
        console.print_table(("setting", "value", "from", "meaning"), rows)


@app.command("ask")
@takes(*ANSWERING, "passages", "max_tokens", "unsupported")
def _ask(
    chosen: Settings,
    question: Annotated[str, typer.Argument(help="the question; - reads it from standard input")],
    as_json: AsJson = False,
    history: History = None,
) -> None:
    """Answer a question from the index, each sentence with the quote it rests on."""
    text = read_question(question, chosen.max_question_chars)
    turns = read_history(history) if history else ()
    with _Asker(chosen) as asker:
        if as_json:
            *_, answer = asker.stream(text, turns)
            assert isinstance(answer, Answer)  # a stream always ends with one
            typer.echo(answer_json(answer))
        else:
            answer = console.print_answer(text, asker.stream(text, turns), asker.card)
    if answer.status == "failed":
        console.note(answer.text or "the model broke off without an answer")
        raise typer.Exit(EXIT_INPUT)


@app.command("chat")
@takes(*ANSWERING)
def _chat(chosen: Settings) -> None:
    """Ask question after question; a follow-up may refer to what was said."""
    with _Asker(chosen) as asker:
        console.note("ask away. help lists what else can be typed, exit ends.")
        _converse(asker, chosen.max_question_chars)


def _converse(asker: _Asker, max_question_chars: int) -> None:
    turns: list[Turn] = []
    offered: Sequence[str] = ()
    while (line := _next_line()) is not None and line.casefold() not in ENDS:
        if line.casefold() in HELPS:
            console.print_help(TYPED)
            continue
        if line.isdecimal() and 1 <= int(line) <= len(offered):  # picks an offered question by its number
            line = offered[int(line) - 1]
            typer.echo(console.one_line(line))
        if line == "/new":
            turns.clear()
            console.note("forgotten.")
        elif line:
            try:
                question = checked_question(line, max_question_chars)
                with stop_on_interrupt() as stopped:
                    events = asker.stream(question, tuple(turns), stopped)
                    answer = console.print_answer(question, events, asker.card)
            except CitewireError as error:
                console.note(str(error))  # ends this question only, not the conversation
                continue
            if answer.status == "failed":
                console.note(answer.text)
            else:
                offered = answer.offered or console.print_offered(asker.suggested(answer, tuple(turns)))
                turns.append(Turn(question, "\n".join((answer.text, *offered)), answer.articles))
            typer.echo()


def _is_typed() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


def _next_line() -> str | None:
    """Return the next line, None at the end of input; a terminal has line editing and a history."""
    with suppress(ImportError):  # some builds of Python lack it
        import readline  # noqa: F401 - `input` uses it once it is imported
    try:
        return input("> " if sys.stdin.isatty() else "").strip()
    except EOFError:
        return None


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns True after the first Ctrl-C; a second Ctrl-C raises KeyboardInterrupt."""
    stop = threading.Event()

    def handle(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield stop.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _opened(chosen: Settings) -> Iterator[tuple[Answerer, OpenIndex, Suggester]]:
    """Open the index and load the models, with a progress bar."""
    from citewire.index.store import current_of

    current_of(chosen.index)  # fails fast if there is no index: the imports take seconds
    from citewire.qa.suggest import Suggester
    from citewire.ui import engine

    embedder = engine.load_embedder(chosen)
    with engine.open_index(chosen, embedder) as index:
        engine.check_search(chosen, index)
        with console.progress_bar() as report:
            generator = engine.load_generator(chosen, report)
            answerer = engine.answerer(chosen, index, embedder, generator)
        yield answerer, index, Suggester(answerer, index, embedder, generator)


class _Asker:
    """Asks a running page with the same settings; without one, or when it ends, loads the models in this process."""

    def __init__(self, chosen: Settings) -> None:
        self._chosen = chosen
        self._here: tuple[Answerer, OpenIndex, Suggester] | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        from citewire.ui import ask_client

        self._page = ask_client.find(self._chosen)
        if self._page is None:
            self._load()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _load(self) -> tuple[Answerer, OpenIndex, Suggester]:
        if self._here is None:
            self._here = self._stack.enter_context(_opened(self._chosen))
        return self._here

    def stream(
        self, text: str, history: Sequence[Turn], stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[Event]:
        """Yield what `Answerer.stream` yields."""
        from citewire.ui.ask_client import PageUnavailableError

        if self._page is not None:
            try:
                yield from self._page.stream(text, history, stopped=stopped)
                return
            except PageUnavailableError as error:
                log.info("the page does not take the question", extra={"problem": error.problem})
                self._page = None
        yield from self._load()[0].stream(text, history, stopped=stopped)

    def suggested(self, answer: Answer, turns: Sequence[Turn]) -> Iterator[str]:
        """Yield suggested questions until the user types; none if input is a pipe or a page answers."""
        if self._here is None or not sys.stdin.isatty() or answer.status == "stopped":
            return
        try:
            yield from islice(self._here[2].suggest(answer, turns, stopped=_is_typed), SUGGESTED)
        except CitewireError as error:  # suggestions are optional
            log.info("no suggestions", extra={"problem": error.problem})

    def card(self, path: str) -> Card:
        """Return the card of an article of the last answer."""
        return self._page.card(path) if self._page is not None else card_in(self._load()[1], path)


def read_question(given: str, max_chars: int) -> str:
    """Return the question given on the command line; "-" reads it from standard input.

    Raises:
        InputError: the question is not UTF-8, empty or longer than `max_chars`.
    """
    if given != "-":
        return checked_question(given, max_chars)
    try:
        return checked_question(sys.stdin.buffer.read().decode("utf-8-sig"), max_chars)
    except UnicodeDecodeError as error:
        raise InputError(f"The question on standard input is not UTF-8: {error}", "Convert it to UTF-8.") from error


def read_history(file: Path) -> tuple[Turn, ...]:
    """Return the earlier exchanges in a JSON file, `[[question, answer], ...]`, oldest first.

    Raises:
        InputError: the file cannot be read, is not JSON in UTF-8 or has another shape.
    """
    try:
        pairs = json.loads(file.read_bytes())
    except OSError as error:
        raise InputError(f"The history {file} cannot be read: {error.strerror}", "Name another file.") from error
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError
        raise InputError(f"The history {file} is not JSON: {error}", HISTORY_FIX) from error
    if not isinstance(pairs, list):
        raise InputError(f"The history {file} holds no list", HISTORY_FIX)
    for number, pair in enumerate(pairs, 1):
        if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
            raise InputError(f"Entry {number} of the history {file} is no pair of texts", HISTORY_FIX)
    return tuple(Turn(question, answer) for question, answer in pairs)


@models_app.command("list")
@takes("cache")
def _models_list(chosen: Settings, as_json: AsJson = False) -> None:
    """List the models that citewire knows and which of them are here."""
    from citewire.qa.models.cache import list_models

    found = list_models(chosen.cache)
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(model) for model in found], indent=2, default=str))
        return
    rows = [
        (
            model.name,
            model.state,
            f"{model.bytes / 1e6:,.0f} MB",
            model.licence,
            model.title,
            model.path or "",
        )
        for model in found
    ]
    console.print_table(("name", "state", "on disk", "licence", "title", "folder"), rows)


@models_app.command("fetch")
@takes("cache", "device", "engine")
def _models_fetch(chosen: Settings, names: ModelNames = None) -> None:
    """Download, check and convert models as far as they are not here; without names, the one in force."""
    from citewire.qa.models.cache import entry_named
    from citewire.ui import engine

    for name in names or []:
        entry_named(name)  # a wrong name fails before minutes of downloading
    for name in names or [chosen.model]:
        with console.timed(f"{name} is ready"), console.progress_bar(DownloadColumn()) as report:
            engine.prepare_model(name, chosen, report)


@models_app.command("verify")
@takes("cache")
def _models_verify(chosen: Settings, names: ModelNames = None) -> None:
    """Read every byte of models and compare the sha256. Without names, of all that are here."""
    from citewire.qa.models.cache import list_models, verify

    here = [model.name for model in list_models(chosen.cache) if model.state != "absent"]
    for name in names or here:
        with (
            console.timed(f"{name} is as its publisher made it"),
            console.progress_bar(DownloadColumn()) as report,
        ):
            verify(name, chosen.cache, report)


@models_app.command("remove")
@takes("cache")
def _models_remove(
    chosen: Settings,
    names: Annotated[list[str], typer.Argument(help="names from `citewire models list`", show_default=False)],
) -> None:
    """Delete models and their converted forms."""
    from citewire.qa.models.cache import remove

    for name in names:
        console.note(f"{name}: {remove(name, chosen.cache) / 1e6:,.0f} MB freed")


@app.command("serve")
@takes(*ANSWERING, *SERVING, quiet_level="info")
def _serve(chosen: Settings) -> None:
    """Open the page over an index that is there."""
    _open_page(chosen, prepare=lambda: None)


def _open_page(
    chosen: Settings, prepare: Callable[[], None], *, routers: Sequence[APIRouter] = (), opens: str = ""
) -> None:
    """Bind the port first, so that a taken one fails at once; then `prepare`, then serve until Ctrl-C.

    `routers` are added to those of the page; `opens` is appended to the address that is printed.
    """
    from citewire.ui.keys import Keys
    from citewire.ui.running import Announcement
    from citewire.ui.server import PageServer

    announcement = Announcement(chosen)

    def ready(url: str) -> None:
        announcement.publish(url)
        typer.echo(f"citewire: open {url}{chosen.root_path}{opens} in a browser; Ctrl-C closes the page")

    server = PageServer(
        lambda: lay_out(chosen, routers),
        host=chosen.host,
        port=chosen.port,
        password=chosen.password.get_secret_value() if chosen.password else "",
        root_path=chosen.root_path,
        trusted_proxies=chosen.trusted_proxies,
        keys=Keys(local_folder(chosen.index)),
        on_ready=ready,
        on_end=announcement.withdraw,
    )
    prepare()
    try:
        server.run()
    except KeyboardInterrupt:
        console.note("the page is closed.")
        _leave()


def _leave() -> NoReturn:
    """Exit with code 0 without finalising the interpreter.

    A thread may still load or run a model. If it is inside torch while the interpreter shuts down, the process aborts
    ("terminate called without an active exception").
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


@dataclass(frozen=True, slots=True)
class Service:
    """What the page and all APIs share.

    Attributes:
        corpus: the index, which uploads may change.
        chat: answers questions; its models load in the background.
        served: describes the index and the model for the question API.
        library: searches passages and reads articles.
    """

    corpus: Corpus
    chat: Chat
    served: Served
    library: Library


def open_service(chosen: Settings, conversations: Conversations | None = None, *, indexing: bool = False) -> Service:
    """Open the index and start to load the models in the background.

    Args:
        chosen: the settings.
        conversations: stores the answers; None stores nothing.
        indexing: whether uploaded files are indexed once the models are loaded.
    """
    from citewire.index.scope import require_match
    from citewire.ui import engine
    from citewire.ui.ask_routes import Served
    from citewire.ui.chat import Chat
    from citewire.ui.corpus import Corpus
    from citewire.ui.running import fingerprint

    embedder = engine.load_embedder(chosen)
    corpus = Corpus(chosen.index, embedder, options=engine.read_options(chosen), room=chosen.max_uploads_bytes)
    engine.check_search(chosen, corpus.index)

    def load() -> Loaded:
        with console.timed("models loaded"):
            generator = engine.load_generator(chosen, console.silent, apart=True)
            index = corpus.index
            answerer = engine.answerer(chosen, index, embedder, generator)
        if indexing:
            corpus.start()
        return engine.loaded(answerer, index, embedder, generator)

    chat = Chat(
        load, chosen.max_question_chars, conversations, refresh=corpus.refresh, choice=engine.choice(chosen),
        max_answer_seconds=chosen.max_answer_seconds,
    )  # fmt: skip
    corpus.subscribe(chat.search_in)
    corpus.uploads.give_way_to(lambda: chat.line.running)
    served = Served(
        chosen.index,
        chosen.model,
        fingerprint(chosen),
        lambda: corpus.refresh().generation,
        require_match,
        chosen.root_path,
    )
    return Service(corpus, chat, served, engine.library(chosen, corpus, embedder, chat))


def lay_out(chosen: Settings, routers: Sequence[APIRouter] = ()) -> Site:
    """Return the page with all that it serves; it opens while the models still load in the background.

    Args:
        chosen: the settings.
        routers: further routes.

    Raises:
        InputError: the index, a file or a setting cannot be used.
    """
    from citewire.ui import (
        ask_routes,
        conversation_routes,
        corpus_routes,
        engine,
        figures_page,
        health_routes,
        openai_routes,
        openapi,
        search_routes,
    )
    from citewire.ui.conversations import Conversations
    from citewire.ui.keys import Changes, Keys
    from citewire.ui.measuring import Measuring

    conversations = None if chosen.read_only else Conversations(chosen.conversations)
    service = open_service(chosen, conversations, indexing=not chosen.read_only)
    corpus, chat, served, library = service.corpus, service.chat, service.served, service.library
    programs = (
        ask_routes.router(chat, served),
        search_routes.router(library),
        openai_routes.router(chat, served),
        corpus_routes.router(corpus, Changes(local_folder(chosen.index))),
        health_routes.router(chat, corpus),
    )

    def deciding(loaded: Loaded) -> dict[str, Any]:
        return engine.deciding(chosen, loaded.model, corpus.index.generation)

    from citewire.ui import mcp_server, page  # slow imports come last, while the models load

    return page.Site(
        page.build_page(
            chat,
            engine.examples(corpus.index),
            articles=True,
            figures=True,
            leave=chosen.password is not None or bool(Keys(local_folder(chosen.index)).all()),
            read_only=chosen.read_only,
            root_path=chosen.root_path,
        ),
        (
            *programs,
            openapi.router(programs),
            mcp_server.router(mcp_server.Tools(chat, served, library)),
            *([conversation_routes.router(conversations, corpus)] if conversations else []),
            figures_page.router(chosen.runs, None if chosen.read_only else Measuring(chat, chosen.runs, deciding)),
            *routers,
        ),
        read_only=chosen.read_only,
        root_path=chosen.root_path,
        on_end=corpus.uploads.leave,
    )


@app.command("mcp")
@takes(*ANSWERING)
def _mcp(chosen: Settings) -> None:
    """Answer an MCP client on standard input and output; a page that runs answers others at /mcp."""
    import asyncio

    # Ctrl-C kills at once: Python would wait for the thread that reads standard input, and nothing is being written.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    service = open_service(chosen)
    from citewire.ui import mcp_server  # a slow import comes last, while the models load

    asyncio.run(mcp_server.serve_stdio(mcp_server.Tools(service.chat, service.served, service.library)))
    _leave()


@app.command("demo")
@takes("model", "cache", "embedder", "device", "engine", "reader", "threads", *SERVING, quiet_level="info")
def _demo(chosen: Settings) -> None:
    """Open the page on the sample articles, with a guided tour that runs itself; fetches the model where it must."""
    from citewire.ui import tour

    shown = tour.over_samples(chosen)
    _open_page(shown, prepare=lambda: _prepare(shown), routers=[tour.router()], opens=tour.ADDRESS)


@app.command("run")
@takes("articles", *ANSWERING, *SERVING, "fields", quiet_level="info")
def _run(chosen: Settings) -> None:
    """Fetch the model, index the articles and open the page; what is there already is kept.

    Without articles, here and in the settings, it shows the sample articles that come with citewire.
    """
    _open_page(chosen, prepare=lambda: _prepare(chosen))


def _holds_one(index: Location) -> bool:
    from citewire.index.manifest import NoIndexError
    from citewire.index.store import current_of

    try:
        return bool(current_of(index))
    except NoIndexError:
        return False


def _prepare(chosen: Settings) -> None:
    from citewire.ui import engine

    with console.timed("model"), console.progress_bar(DownloadColumn()) as report:
        engine.prepare_model(chosen.model, chosen, report)
    try:
        with console.timed("reader"), console.progress_bar(DownloadColumn()) as report:
            engine.prepare_reader(chosen, report)
    except ModelError as error:
        if chosen.reader == "large":
            raise
        console.note(f"{error}; the small reader answers alone")
    with console.timed("index"):
        if chosen.articles:
            index_cli.index_articles(chosen, chosen.articles)
        elif _holds_one(chosen.index):
            console.note(f"no articles were named: showing {chosen.index} as it is")
        else:
            console.note("no articles were named: showing the samples that come with citewire")
            index_cli.index_articles(chosen, [engine.samples()])
