"""The `citewire keys` commands: make, list and remove access keys."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from typing import Annotated

import typer

from citewire.index.address import local_folder
from citewire.index.errors import InputError
from citewire.ui import console
from citewire.ui.keys import Changes, Keys
from citewire.ui.options import AsJson, takes
from citewire.ui.settings import Settings

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make, list and remove keys for the page.")
Name = Annotated[str, typer.Argument(help="whose or what for", show_default=False)]


@app.command("add")
@takes("index")
def add(
    chosen: Settings,
    name: Name,
    admin: Annotated[bool, typer.Option("--admin", help="may add and remove articles")] = False,
    collection: Annotated[
        list[str] | None,
        typer.Option(metavar="FOLDER", help="may see the articles of this folder of the index only; can be repeated"),
    ] = None,
) -> None:
    """Make a key and show it once. Once there is one, everybody needs a key or the password."""
    _check_folders(chosen, collection or [])
    keys = Keys(local_folder(chosen.index))
    first = not keys.all()
    secret = keys.add(name, admin=admin, collections=collection or [])
    _note(chosen, f"add key{' of an admin' * admin}", name, *(collection or []))
    typer.echo(secret)
    console.note("Keep it: it is not shown again.")
    if first:
        console.note("This is the first key. A page without a password asks for one once it is started again.")


@app.command("list")
@takes("index")
def list_(chosen: Settings, as_json: AsJson = False) -> None:
    """List the keys and what they may do, but not the keys themselves."""
    known = Keys(local_folder(chosen.index)).all()
    rows = [{name: value for name, value in asdict(key).items() if name != "sha256"} for key in known]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    else:
        shown = [
            (one["name"], _rights(one["admin"]), " ".join(one["collections"]) or "all", one["made"]) for one in rows
        ]
        console.print_table(("key", "may", "articles", "made"), shown)


@app.command("remove")
@takes("index")
def remove(chosen: Settings, name: Name) -> None:
    """Make a key worthless, at once and with all that it has opened."""
    Keys(local_folder(chosen.index)).remove(name)
    _note(chosen, "remove key", name)
    console.note(f"{name} opens nothing any more.")


def _rights(admin: bool) -> str:
    return "ask, read, add and remove" if admin else "ask and read"


def _note(chosen: Settings, what: str, *names: str) -> None:
    Changes(local_folder(chosen.index)).note(f"{getpass.getuser()} on this machine", "", what, names)


def _check_folders(chosen: Settings, collections: list[str]) -> None:
    """Raise InputError if a folder has no article, which is most likely a typing error."""
    from citewire.index.store import Index

    if not collections:
        return
    with Index.open(chosen.index) as index:
        for folder in collections:
            if not index.below(f"{folder.rstrip('/')}/"):
                there = sorted({path.rpartition("/")[0] for path, _ in index.identities() if "/" in path})
                known = f"There are {', '.join(there[:10])}" if there else "Its articles lie in no folders"
                raise InputError(f"The index has no article in a folder {folder!r}", known)
