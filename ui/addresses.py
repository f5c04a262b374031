"""A web address -> a file of records with the articles that are there, which `citewire.ui.uploads` takes as any other.

Knows how an article is written as a record. `citewire.index.web` decides what is fetched and what never is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from citewire.index.articles import ReadOptions, Rejected, read_articles
from citewire.index.errors import InputError
from citewire.index.types import Article
from citewire.index.web import Page, article_path
from citewire.ui.uploads import LeftOut

NAME_CHARS = 150  # most of an address in the name of its file


class WebOffError(InputError):
    """An address, where citewire was started so that it fetches none."""


def file_name(address: str) -> str:
    """Return the name of the file of records: `example.org news story.html.jsonl`. Raises: InputError."""
    return f"{article_path(address).replace('/', ' ')[:NAME_CHARS]}.jsonl"


def records(
    address: str, options: ReadOptions, fetch: Callable[[str], Page] | None = None
) -> tuple[bytes, tuple[LeftOut, ...]]:
    """Fetch a web address and read it; not to be called from a running event loop.

    Args:
        address: starts with http:// or https://.
        options: how it is read, and whether anything may be fetched.
        fetch: as in `read_articles`.

    Returns:
        A file of the format .jsonl with a record for each article that is there, and what of a feed is none.

    Raises:
        WebOffError: nothing may be fetched.
        InputError: it is no web address, must not or cannot be fetched, or holds no article.
    """
    if not address.lower().startswith(("http://", "https://")):
        raise InputError(f"{address!r} is no web address", "Write https://host/path")
    if not options.allow_web:
        raise WebOffError(
            f"{address} is not fetched: this citewire does not go to the web",
            "Save the page and add the file, or start citewire with --allow-web",
        )
    articles: list[Article] = []
    refused: list[Rejected] = []
    for found in read_articles([address], options=options, fetch=fetch):
        if isinstance(found, Article):
            articles.append(found)
        elif isinstance(found, Rejected):  # no article is kept, as none is stored
            refused.append(found)
    if not articles:
        raise InputError(f"{refused[0].path} {refused[0].reason}", refused[0].fix)
    left_out = tuple(LeftOut(one.path.removeprefix(address), one.reason, one.fix) for one in refused)
    return "\n".join(_record(article, options.fields) for article in articles).encode(), left_out


def _record(article: Article, columns: Mapping[str, str]) -> str:
    """Return an article as it is read again with these `ReadOptions.fields`."""
    stated = {name: getattr(article, name) for name in ("text", "title", "outlet", "author", "published", "url")}
    return json.dumps({**article.metadata, **{columns.get(name, name): value for name, value in stated.items()}})
