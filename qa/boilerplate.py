"""Which lines of articles are boilerplate: how to subscribe, who the reporter is, which puzzle to play.

A line is boilerplate if several stories of an index have it word for word; its meaning is not read.
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

_STORIES = 3  # a line in at least this many stories is boilerplate; two of one outlet may share background
_READ = 5_000  # most stories that are compared, so that the first question to a large archive is not slow

_lock = Lock()  # so that two questions at the same time do not both read the articles
_read: WeakKeyDictionary[Index, frozenset[str]] = WeakKeyDictionary()


def own_sentences(text: str, index: Index) -> list[Span]:
    """Return the sentences of an article's text that are not boilerplate.

    Raises:
        IndexFormatError: the index is damaged.
    """
    return [span for span in sentences(text) if is_own(text, span, index)]


def is_own(text: str, span: Span, index: Index) -> bool:
    """Return whether the line of `text` in which `span` begins is not boilerplate. Raises: as `own_sentences`."""
    first, last = text.rfind("\n", 0, span.start) + 1, text.find("\n", span.start)
    return text[first : last if last >= 0 else None].strip() not in _repeated(index)


def _repeated(index: Index) -> frozenset[str]:
    """Return the lines that several stories have; the articles are read once, 5,000 per second."""
    with _lock:
        found = _read.get(index)
        if found is None:
            counts = Counter(line for text in _stories(index) for line in {line.strip() for line in text.splitlines()})
            found = _read[index] = frozenset(line for line, count in counts.items() if count >= _STORIES)
    return found


def _stories(index: Index) -> Iterator[str]:
    """Yield the text of one article of each story, because copies repeat every line."""
    once = {article.group or article.path: article.path for article in index.articles()}
    yield from (index.article(path).text for path in islice(once.values(), _READ))
