"""Turns a web address into a .jsonl file of its articles, which `citewire.ui.uploads` handles like any other file.

Knows how an article is written as a record. `citewire.index.web` decides what may be fetched.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping

from citewire.index.articles import ReadOptions, Rejected, read_articles
from citewire.index.errors import InputError
from citewire.index.types import Article
from citewire.index.web import Page, article_path
from citewire.ui.uploads import LeftOut

NAME_CHARS = 150  # most characters of an address in the file name


class WebOffError(InputError):
    """A web address was given, but citewire was started without --allow-web."""


def file_name(address: str) -> str:
    """Return the file name for an address: `example.org news story.html.jsonl`. Raises: InputError."""
    return f"{article_path(address).replace('/', ' ')[:NAME_CHARS]}.jsonl"


def records(
    address: str, options: ReadOptions, fetch: Callable[[str], Page] | None = None
) -> tuple[bytes, tuple[LeftOut, ...]]:
    """Fetch and read a web address; must not be called from a running event loop.

    Args:
        address: starts with http:// or https://.
        options: how pages are read, and whether fetching is allowed.
        fetch: as in `read_articles`.

    Returns:
        The content of a .jsonl file with a record for each article, and the parts of a feed that are not articles.

    Raises:
        WebOffError: fetching is not allowed.
        InputError: it is not a web address, may not or cannot be fetched, or has no article.
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
        elif isinstance(found, Rejected):  # the third kind, `Kept`, cannot occur: nothing is stored yet
            refused.append(found)
    if not articles:
        raise InputError(f"{refused[0].path} {refused[0].reason}", refused[0].fix)
    left_out = tuple(LeftOut(one.path.removeprefix(address), one.reason, one.fix) for one in refused)
    return "\n".join(_record(article, options.fields) for article in articles).encode(), left_out


def _record(article: Article, columns: Mapping[str, str]) -> str:
    """Return an article as it is read again with these `ReadOptions.fields`.

    Fields of records may hold HTML; escaped, "<p>" and "&amp;" in the words of an article stay what they are.
    """
    stated = {name: getattr(article, name) for name in ("published", "url")}
    words = {name: getattr(article, name) for name in ("text", "title", "outlet", "author")}
    stated |= {name: value and f"<pre>{html.escape(value, quote=False)}</pre>" for name, value in words.items()}
    return json.dumps({**article.metadata, **{columns.get(name, name): value for name, value in stated.items()}})
