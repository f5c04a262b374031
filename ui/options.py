"""Command-line flags made from the settings.

Knows how a setting becomes a flag and turns the given flags into one `Settings`. Does not know the commands.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

import typer
from typer.core import TyperGroup

from citewire.ui import logs, settings
from citewire.ui.settings import LoadedSettings, PageSettings, SearchSettings, Settings, describe, flag, shown

EXIT_INPUT = 2  # the exit codes are described in cli.py

AsJson = Annotated[bool, typer.Option("--json", help="print JSON and nothing else")]


class DefaultGroup(TyperGroup):
    """A group of commands; `default` runs if none is named. `usages` are the usage lines of both forms."""

    default: ClassVar[str]
    usages: ClassVar[tuple[str, str]]

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write both usage lines."""
        for usage in self.usages:
            formatter.write_usage(ctx.command_path, usage)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the flags of the default command, then the commands."""
        self.commands[self.default].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def _flag(name: str) -> Any:
    if name == "articles":
        return Annotated[list[str] | None, typer.Argument(help=describe(name), show_default=False)]
    wanted, spelled = Settings.model_fields[name].annotation, flag(name)
    some = list[str] if get_origin(wanted) in (tuple, dict) else str
    kind: Any = next((kind for kind in (bool, int, float, Path) if wanted in (kind, kind | None)), some)
    metavar = "|".join(get_args(wanted)) if get_origin(wanted) is Literal else shown(name, "metavar")
    meaning = describe(name) + ("; can be repeated" if kind == list[str] else "")
    if kind is bool:
        spelled += f"/--no-{spelled.removeprefix('--')}"
    return Annotated[kind | None, typer.Option(spelled, metavar=metavar or None, help=meaning, show_default=False)]


FLAGS = {name: _flag(name) for name in Settings.model_fields}
SERVING = (*PageSettings.model_fields, "allow_web")  # flags that `serve`, `run` and `demo` share
SEARCHING = tuple(SearchSettings.model_fields)


def load(ctx: typer.Context, *, quiet_level: str = "warning", **flags: object) -> LoadedSettings:
    """Return the settings in force and set up logging; `quiet_level` is the default log level."""
    loaded = settings.load({"log_level": ctx.obj["log_level"], **flags}, ctx.obj["config"])
    level = quiet_level if loaded.origins["log_level"] == "default" else loaded.settings.log_level
    logs.set_up(level, loaded.settings.log_file, questions=loaded.settings.log_questions)
    return loaded


def takes(*names: str, quiet_level: str = "warning") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds the flags of the named settings to a command.

    The command's first parameter gets the `Settings` in force; its other parameters are its own flags, listed first.
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
