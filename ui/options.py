"""The flags of the command line that stand for settings, each described once.

Knows how a setting is spelled as a flag, and turns what was given into one `Settings`. Does not know the commands.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperGroup

from citewire.ui import logs, settings
from citewire.ui.settings import LoadedSettings, describe, flag

EXIT_INPUT = 2  # the exit codes are described in cli.py

AsJson = Annotated[bool, typer.Option("--json", help="print JSON and nothing else")]


class DefaultGroup(TyperGroup):
    """Commands, of which one, `default`, is meant where none is named; it is called as `usages` say."""

    default: ClassVar[str]
    usages: ClassVar[tuple[str, str]]

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write how both are called."""
        for usage in self.usages:
            formatter.write_usage(ctx.command_path, usage)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the flags of the default command, then the commands."""
        self.commands[self.default].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def _flag(name: str, kind: Any, metavar: str | None = None, spelled: str = "") -> Any:
    meaning = describe(name) + ("; can be repeated" if kind == list[str] else "")
    option = typer.Option(spelled or flag(name), metavar=metavar, help=meaning, show_default=False)
    return Annotated[kind | None, option]


FLAGS = {
    "articles": Annotated[list[str] | None, typer.Argument(help=describe("articles"), show_default=False)],
    "index": _flag("index", Path),
    "cache": _flag("cache", Path),
    "conversations": _flag("conversations", Path),
    "model": _flag("model", str),
    "embedder": _flag("embedder", str),
    "device": _flag("device", str),
    "engine": _flag("engine", str, "auto|int8|torch"),
    "reader": _flag("reader", str, "auto|small|large"),
    "threads": _flag("threads", int),
    "allow_web": _flag("allow_web", bool, spelled="--allow-web/--no-allow-web"),
    "fields": _flag("fields", list[str], "NAME=COLUMN"),
    "passages": _flag("passages", int),
    "max_tokens": _flag("max_tokens", int),
    "unsupported": _flag("unsupported", str),
    "published_from": _flag("published_from", str, "DAY"),
    "published_to": _flag("published_to", str, "DAY"),
    "outlets": _flag("outlets", list[str], "NAME"),
    "authors": _flag("authors", list[str], "NAME"),
    "only_articles": _flag("only_articles", list[str], "PATH"),
    "where": _flag("where", list[str], "KEY=VALUE"),
    "recency": _flag("recency", str, "auto|off|prefer|only"),
    "half_life": _flag("half_life", float, "DAYS"),
    "as_of": _flag("as_of", str, "DAY"),
    "per_article": _flag("per_article", int, "N"),
    "per_group": _flag("per_group", int, "N"),
    "copies": _flag("copies", int, "N"),
    "reranker": _flag("reranker", Path, "FOLDER"),
    "host": _flag("host", str),
    "port": _flag("port", int),
    "root_path": _flag("root_path", str, "PATH"),
    "password": _flag("password", str),
    "read_only": _flag("read_only", bool, spelled="--read-only/--no-read-only"),
}

# Where the page listens, who may come in, what it fetches and keeps: flags that `serve`, `run` and `demo` share.
SERVING = ("host", "port", "root_path", "password", "read_only", "allow_web", "conversations")

# Which articles a question is answered from, and which of their passages.
SEARCHING = (
    *("published_from", "published_to", "outlets", "authors", "only_articles", "where", "recency", "half_life"),
    *("as_of", "per_article", "per_group", "copies", "reranker"),
)


def load(ctx: typer.Context, *, quiet_level: str = "warning", **flags: object) -> LoadedSettings:
    """Return the settings in force and start logging; `quiet_level` is the log level where none is set."""
    loaded = settings.load({"log_level": ctx.obj["log_level"], **flags}, ctx.obj["config"])
    level = quiet_level if loaded.origins["log_level"] == "default" else loaded.settings.log_level
    logs.set_up(level, loaded.settings.log_file, questions=loaded.settings.log_questions)
    return loaded


def takes(*names: str, quiet_level: str = "warning") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the flags of the named settings.

    The command's first parameter gets the `Settings` in force; its other parameters are flags of its own, shown
    before these.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
        keyword = inspect.Parameter.KEYWORD_ONLY
        flags = [inspect.Parameter(name, keyword, default=None, annotation=FLAGS[name]) for name in names]
        context = inspect.Parameter("ctx", keyword, annotation=typer.Context)
        parameters = [context, *(parameter.replace(kind=keyword) for parameter in own), *flags]

        def run(*, ctx: typer.Context, **given: object) -> None:
            of_settings = {name: given.pop(name) for name in names}
            command(load(ctx, quiet_level=quiet_level, **of_settings).settings, **given)

        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # typer reads it
        return run

    return decorate
