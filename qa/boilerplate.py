"""Which lines of articles are no news: how to subscribe, who the reporter is, which puzzle to play.

Knows that such a line stands in several stories of an index, word for word, and nothing of what it says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from threading import Lock
from weakref import WeakKeyDictionary

from citewire.index.passages import sentences
from citewire.index.store import Index
from citewire.index.types import Span

_STORIES = 3  # that have the same line; two of one outlet may tell the same background
_READ = 5_000  # stories that are looked at, so that the first question to a large archive does not wait for minutes

_lock = Lock()  # so that two questions at a time do not both read
_read: WeakKeyDictionary[Index, frozenset[str]] = WeakKeyDictionary()


def own_sentences(text: str, index: Index) -> list[Span]:
    """Return the sentences of an article's text that are its own.

    Raises:
        IndexFormatError: the index is damaged.
    """
    return [span for span in sentences(text) if is_own(text, span, index)]


def is_own(text: str, span: Span, index: Index) -> bool:
    """Whether the line that a span of an article's text begins in is the article's own. Raises: as `own_sentences`."""
    first, last = text.rfind("\n", 0, span.start) + 1, text.find("\n", span.start)
    return text[first : last if last >= 0 else None].strip() not in _repeated(index)


def _repeated(index: Index) -> frozenset[str]:
    """Return the lines that several stories have; the articles are read once, 5,000 in about a second."""
    with _lock:
        found = _read.get(index)
        if found is None:
            counts = Counter(line for text in _stories(index) for line in {line.strip() for line in text.splitlines()})
            found = _read[index] = frozenset(line for line, count in counts.items() if count >= _STORIES)
    return found


def _stories(index: Index) -> Iterator[str]:
    """Yield the text of one article of each story, as a copy repeats every line."""
    once = {article.group or article.path: article.path for article in index.articles()}
    yield from (index.article(path).text for path in islice(once.values(), _READ))
