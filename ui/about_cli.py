"""`citewire about`: an overview of all articles, worded like an answer about them.

Knows the order of the sections, not how their content is found.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import typer

from citewire.ui import console
from citewire.ui.options import AsJson, takes
from citewire.ui.settings import Settings

if TYPE_CHECKING:
    from citewire.qa.corpus import Told

TOLD: tuple[tuple[str, str], ...] = (
    ("overview", "What they are about"),
    ("outlets", "Outlets"),
    ("period", "Days"),
    ("people", "People"),
    ("organisations", "Companies and other organisations"),
    ("places", "Places"),
)


@takes("index", "embedder", "device", "threads")
def about(chosen: Settings, as_json: AsJson = False) -> None:
    """Print what the articles are about, from whom and of when, and who is named in them.

    Names are read the first time, with a bar, and kept beside the index.
    """
    from citewire.qa.corpus import tell
    from citewire.qa.entities import read_entities
    from citewire.ui import engine

    embedder = engine.load_embedder(chosen)
    with engine.open_index(chosen, embedder) as index:
        with console.progress_bar() as report:
            entities = read_entities(index, index.folder, report)
        told = {intent: tell(intent, "", index, lambda: entities, embedder) for intent, _ in TOLD}
    if as_json:
        typer.echo(console.to_json({intent: dataclasses.asdict(one) for intent, one in told.items()}))
        return
    for intent, heading in TOLD:
        _print(heading, told[intent])


def _print(heading: str, told: Told) -> None:
    typer.echo(f"{heading}: {console.one_line(told.lead)}")
    for item in told.items:
        typer.echo(f"    {console.one_line(item.text)}")
        typer.echo(f"        {console.safe(item.article)}:{item.span.start}-{item.span.end}")
    typer.echo()
