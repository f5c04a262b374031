"""Ask a folder of news articles; every sentence of an answer carries the exact quote it rests on.

    citewire.index(paths, to)   indexes articles
    citewire.open(index)        returns `News`, an index with models: ask, stream, search, article, articles

>>> import citewire
>>> citewire.index(["articles"], "news.index").new
3
>>> with citewire.open("news.index") as news:
...     answer = news.ask("Who chairs Lund Lines?")
>>> answer.status, answer.claims[0].quotes[0].text
('answered', 'Anna Berg chairs Lund Lines.')

Keyword arguments are the command line's settings: `citewire.open("news.index", model="qwen2.5-coder-1.5b")`. Names are
imported at first use, so that importing citewire, which the command line does too, is fast.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

__all__ = [
    "Answer",
    "Article",
    "ArticleSummary",
    "BuildReport",
    "Checked",
    "CitewireError",
    "Claim",
    "Draft",
    "Event",
    "Filters",
    "Hit",
    "IndexFormatError",
    "InputError",
    "ModelError",
    "News",
    "Passage",
    "Quote",
    "Searched",
    "index",
    "open",
]

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from citewire.index.build import BuildReport
    from citewire.index.errors import CitewireError, IndexFormatError, InputError, ModelError
    from citewire.index.segment import ArticleSummary
    from citewire.index.types import Article, Filters, Hit, Passage
    from citewire.qa.types import Answer, Checked, Claim, Draft, Event, Quote, Searched
    from citewire.ui.library import News, index, open  # noqa: A004 (its name is citewire.open)
else:  # hidden from type checkers, which would accept any name

    def __getattr__(name):
        # Light modules first: errors and filters must not import the models' libraries.
        if name in __all__:
            for home in ("index.errors", "index.types", "qa.types", "ui.library"):
                found = getattr(import_module(f"{__name__}.{home}"), name, None)
                if found is not None:
                    return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Callable(ModuleType):
    """Makes `citewire.index`, which names a package and a function, callable."""

    def __call__(self, articles: Path | str | Sequence[Path | str], to: Path | str, **settings: Any) -> BuildReport:
        from citewire.ui import library  # imported late: it loads the models' libraries

        return library.index(articles, to, **settings)


import_module("citewire.index").__class__ = _Callable


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
