"""The articles beside the chat: listing, searching, reading and removing them.

Knows the current generation of the index and its subscribers. Does not know HTTP; `citewire.ui.uploads` adds
files.
"""

from __future__ import annotations

import logging
import os
import re
import weakref
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock, RLock
from typing import Literal

import numpy as np
from cachetools import LRUCache

from citewire.index.address import Location, local_folder
from citewire.index.articles import ReadOptions
from citewire.index.dates import is_day
from citewire.index.errors import CitewireError, InputError
from citewire.index.maintenance import remove
from citewire.index.manifest import NoIndexError, check_identity, unreadable
from citewire.index.query import terms
from citewire.index.segment import ArticleSummary
from citewire.index.store import Index, current_of, manifest_of
from citewire.index.types import Article, Embedder
from citewire.index.writer import BusyError
from citewire.ui.allowance import Allowance
from citewire.ui.labels import card, human_date
from citewire.ui.uploads import Uploads

logger = logging.getLogger(__name__)

PAGE_ROWS = 50  # articles in one response to a listing
MOST_ROWS = 200
PAGE_CHARS = 20_000  # characters of an article in one response: about four screens
COPIES_SHOWN = 20
OUTLETS_SHOWN = 500
REMOVED_AT_ONCE = 1_000
MATCHED_ROWS = 100_000  # most passages that a search for one word returns; BM25 chooses them
PARTS = 32  # most cached parts of the index; each is the set of articles that some key may see
WRITER_WAIT_S = 20.0  # longest time that a removal waits for indexing, in seconds

Sort = Literal["newest", "oldest", "title", "longest", "relevance"]
SORTS: tuple[Sort, ...] = ("newest", "oldest", "title", "longest", "relevance")

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # scripts without spaces; each character counts as a word
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W_{_IDEOGRAPHS}]+(?:['’.,-][^\W_{_IDEOGRAPHS}]+)*")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which articles to list.

    Attributes:
        words: all must be in the article's text, or all in its title, outlet, author and path; "" for any article.
        published_from, published_to: ISO 8601 days, both included, "" for any; undated articles do not pass.
        outlets: any of these, ignoring case; () for any.
        sort: "relevance" without words means "newest".
        offset, limit: the part of the list to return.

    Raises:
        InputError: an invalid day, an unknown order, or an impossible part.
    """

    words: str = ""
    published_from: str = ""
    published_to: str = ""
    outlets: tuple[str, ...] = ()
    sort: Sort = "relevance"
    offset: int = 0
    limit: int = PAGE_ROWS

    def __post_init__(self) -> None:
        for day in (self.published_from, self.published_to):
            if day and not is_day(day):
                raise InputError(f"{day!r} is no day", "Write it as YYYY-MM-DD")
        if self.published_from and self.published_to and self.published_from > self.published_to:
            problem = f"the first day, {self.published_from}, comes after the last, {self.published_to}"
            raise InputError(problem, "Exchange them")
        if self.sort not in SORTS:
            raise InputError(f"{self.sort!r} is no order of articles", f"Use one of {', '.join(SORTS)}")
        if self.offset < 0 or not 1 <= self.limit <= MOST_ROWS:
            problem = f"{self.limit} articles from number {self.offset} cannot be listed"
            raise InputError(problem, f"Ask for 1 to {MOST_ROWS} articles from number 0 or later")


@dataclass(frozen=True, slots=True)
class Row:
    """An article in a list.

    Attributes:
        path, outlet, author, published: as in `Article`.
        title: its title, or its opening words.
        date: day of publication in words, "" if unknown.
        words: length of the text.
        copies: number of other articles that are copies of it.
        uploaded: whether it was uploaded on the page.
        place: as in `citewire.ui.labels.Card`.
    """

    path: str
    title: str
    outlet: str
    author: str
    published: str
    date: str
    words: int
    copies: int
    uploaded: bool
    place: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The articles that match a `Choice`, and the values to choose from.

    Attributes:
        generation: generation of the index.
        found: number of matching articles; `rows` are those of the requested part.
        articles: number of all articles.
        undated: number of all articles without a day of publication.
        first, last: earliest and latest day of publication of all, "" if no article has one.
        outlets: name and number of articles, the most frequent first, at most `OUTLETS_SHOWN`.
    """

    generation: int
    found: int
    rows: tuple[Row, ...]
    articles: int
    undated: int
    first: str
    last: str
    outlets: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A part of an article's text; `paragraphs` are its non-blank lines, `end` equals `characters` at the last part."""

    row: Row
    url: str
    characters: int
    start: int
    end: int
    paragraphs: tuple[str, ...]
    copies: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """The effect of removing articles.

    Attributes:
        articles: all articles that are removed: all articles of an uploaded file are removed together.
        files: uploaded files that are deleted.
        staying: articles whose file citewire may not delete; indexing that file again brings them back.
    """

    articles: tuple[str, ...]
    files: tuple[str, ...]
    staying: int


class NoArticleError(InputError):
    """The index has no such article."""


class ChangingError(InputError):
    """The index cannot be changed now, because another change is running."""


class GoneError(InputError):
    """The index that was opened no longer exists."""


class Corpus:
    """The current generation of an index, and the page's operations on its articles; thread-safe.

    Args:
        where: the folder or database of the index, which must exist.
        embedder: the embedder of the index.
        options: how uploaded files are read.
        room: most bytes of all uploaded files together.
        allowance: rate limits of one visitor.

    Raises:
        InputError: there is no index.
        IndexFormatError: it has another format or embedder, or is damaged.
    """

    def __init__(
        self,
        where: Location,
        embedder: Embedder,
        *,
        options: ReadOptions | None = None,
        room: int = 2_000_000_000,
        allowance: Allowance | None = None,
    ) -> None:
        self.where, self._embedder = where, embedder
        self.folder = local_folder(where)
        self._lock = RLock()
        self._writing = Lock()  # one writer at a time: a second one in this process would be refused instead of waiting
        self._subscribers: list[Callable[[Index], None]] = []
        self._current = current_of(where)
        self.uploads = Uploads(self, embedder, options or ReadOptions(), room, allowance)
        self._catalogue = Catalogue(Index.open(where, embedder), self.uploads.file_of)
        if isinstance(where, Path):
            # Held open, so that a file that replaces it cannot get the same inode number.
            self._own = os.open(where / "LOCK", os.O_RDONLY)
            weakref.finalize(self, os.close, self._own)

    def start(self) -> None:
        """Index the files that an earlier run left waiting, and from now on all new files."""
        self.uploads.start()

    def close(self) -> None:
        """Stop indexing after the current batch of files."""
        self.uploads.close()

    # generations

    @property
    def index(self) -> Index:
        """The current generation; it stays readable while it is referenced."""
        return self._catalogue.index

    def subscribe(self, changed: Callable[[Index], None]) -> None:
        """Call `changed` with each new generation, in the thread that found it."""
        self._subscribers.append(changed)

    def refresh(self) -> Index:
        """Switch to a generation published meanwhile, by this process or another; return the current one."""
        with self._lock:
            new = self._is_new()
        if new:  # outside the lock: subscribers may hold locks of their own
            for changed in self._subscribers:
                changed(self.index)
        return self.index

    def _is_new(self) -> bool:
        try:
            current = current_of(self.where)
            if current == self._current:
                return False
            opened = Index.open(self.where, self._embedder)
            self._catalogue = Catalogue(opened, self.uploads.file_of, self._catalogue)
        except CitewireError as error:  # the old generation stays readable and is shown
            logger.warning("the new generation cannot be read: %s", error.problem)
            return False
        self._current = current
        return True

    def require_same(self) -> None:
        """Check that the index is still the one that was opened: otherwise a writer would create a new index.

        Raises:
            GoneError: it was deleted or replaced by another index.
            IndexFormatError: it has another embedder now, or is damaged.
        """
        try:
            current = current_of(self.where)
            if isinstance(self.where, Path):
                same = os.path.samestat(os.fstat(self._own), (self.where / "LOCK").stat())
            else:
                same = current.split()[0] == self._current.split()[0]
        except (NoIndexError, FileNotFoundError) as error:
            fix = f"Put it back, or make it anew: citewire index PATH --index {self.where}; then start citewire again"
            raise GoneError(f"the index in {self.where} was deleted", fix) from error
        except OSError as error:
            raise unreadable(self.folder, error) from error
        if not same:
            raise GoneError(f"another index is in {self.where} now", "Start citewire again to add to that one")
        if current != self._current:
            check_identity(manifest_of(self.where), self.where, self._embedder)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer of this process during the block, then switch to the new generation.

        Raises:
            ChangingError: another writer has not finished within `WRITER_WAIT_S`.
            GoneError, IndexFormatError: as `require_same`.
        """
        self.require_same()
        if not self._writing.acquire(timeout=WRITER_WAIT_S):
            raise ChangingError("articles are being indexed", "Try again when they are done")
        try:
            yield
        finally:
            self._writing.release()
            self.refresh()

    # articles

    def select(self, choice: Choice) -> Listing:
        """Return the articles that match `choice`, and the values to choose from."""
        self.refresh()
        return self._catalogue.select(choice)

    def read(self, path: str, start: int = 0) -> Reading:
        """Return about `PAGE_CHARS` characters of an article, cut at the end of a line where possible.

        Args:
            path: the article.
            start: offset of the first character, in code points.

        Raises:
            NoArticleError: there is no such article.
            InputError: the offset is outside the text.
        """
        self.refresh()
        return self._catalogue.read(path, start)

    def article(self, path: str) -> Article:
        """Return a whole article. Raises: NoArticleError."""
        self.refresh()
        return self._catalogue.article(path)

    @property
    def namesakes(self) -> frozenset[str]:
        """As in `citewire.index.store.Index`."""
        return self.index.namesakes

    def paths(self) -> list[str]:
        """Return the paths of all articles."""
        return list(self._catalogue.entries)

    def within(self, articles: tuple[str, ...] = ()) -> Catalogue:
        """Return a catalogue of these articles only, see `Index.within`; () for all."""
        self.refresh()
        return self._catalogue.within(articles) if articles else self._catalogue

    def originals(self, paths: Sequence[str], before: Collection[str]) -> list[tuple[str, str]]:
        """Return (path, title) of at most five articles that the given ones are copies of.

        Args:
            paths: the given articles.
            before: paths of the articles that were there first; of others, the first by path is the original.
        """
        articles = self.within()
        copied = [copy for path in paths for copy in articles.copies(path) if copy in before or copy < path]
        return [(row.path, row.title) for row in articles.rows(dict.fromkeys(copied[:5]))]

    def removal(self, paths: Sequence[str]) -> Removal:
        """Return what `remove` would do.

        Raises:
            NoArticleError: there is no such article.
            InputError: no articles, or more than `REMOVED_AT_ONCE`.
        """
        if not 0 < len(paths) <= REMOVED_AT_ONCE:
            raise InputError(f"{len(paths):,} articles cannot be removed at once", f"Name 1 to {REMOVED_AT_ONCE:,}")
        entries = self._catalogue.entries
        if missing := next((path for path in paths if path not in entries), None):
            raise NoArticleError(f"the index has no article {missing!r}", "Load the list again")
        files = {path: self.uploads.file_of(path) for path in paths}
        uploaded = {file for file in files.values() if file}
        along = [path for path in entries if self.uploads.file_of(path) in uploaded]
        alone = [path for path, file in files.items() if not file]
        return Removal(tuple(dict.fromkeys([*along, *alone])), tuple(sorted(uploaded)), len(set(alone)))

    def remove(self, paths: Sequence[str]) -> Removal:
        """Remove articles from the index, and delete those of their files that were uploaded.

        If this process dies, the next `start` finishes the removal.

        Raises:
            NoArticleError, InputError: as `removal`, or the folder cannot be written.
            ChangingError: this or another process is indexing files.
        """
        with self.writing():
            self.refresh()
            gone = self.removal(paths)
            try:
                with self.uploads.deleting(gone.files):
                    remove(self.where, gone.articles)
            except BusyError as error:
                raise ChangingError(error.problem, error.fix) from error
        return gone


class Catalogue:
    """The articles of one generation, or some of them; labels computed for `before` are reused."""

    def __init__(self, index: Index, file_of: Callable[[str], str], before: Catalogue | None = None) -> None:
        self.index = index
        self._file_of = file_of
        self.entries = {one.path: one for one in index.articles()}
        self._labels: dict[str, tuple[str, int]] = dict(before._labels) if before else {}  # sha256 -> title, words
        self._groups: defaultdict[str, list[str]] = defaultdict(list)
        for path, entry in self.entries.items():
            self._groups[entry.group or path].append(path)
        self._parts: LRUCache[tuple[str, ...], Catalogue] = LRUCache(PARTS)
        self._lock = Lock()

    def within(self, articles: tuple[str, ...]) -> Catalogue:
        """Return a catalogue of these articles only, as `Index.within` does."""
        with self._lock:
            part = self._parts.get(articles)
            if part is None:
                part = self._parts[articles] = Catalogue(self.index.within(articles), self._file_of)
            return part

    @cached_property
    def _days(self) -> list[str]:
        return sorted(entry.published for entry in self.entries.values() if entry.published)

    @cached_property
    def _outlets(self) -> tuple[tuple[str, int], ...]:
        counts = Counter(entry.outlet for entry in self.entries.values() if entry.outlet)
        return tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0].casefold()))[:OUTLETS_SHOWN])

    @cached_property
    def _paths(self) -> dict[int, str]:
        """Position in the index's table -> path."""
        alive = np.flatnonzero(self.index.table.alive)
        found = self.index.summaries(self.index.table.first_rows[alive].tolist())
        return {int(position): summary.path for position, summary in zip(alive, found, strict=True)}

    def select(self, choice: Choice) -> Listing:
        """Return the articles that match `choice`, and the values to choose from."""
        outlets = {outlet.casefold() for outlet in choice.outlets}
        scores = self._matching(choice.words)
        chosen = [
            entry
            for entry in self.entries.values()
            if (scores is None or entry.path in scores)
            and (not outlets or entry.outlet.casefold() in outlets)
            and (not choice.published_from or entry.published >= choice.published_from)
            and (not choice.published_to or "" < entry.published <= choice.published_to)
        ]
        ordered = _ordered(chosen, choice.sort, scores)
        part = ordered[choice.offset : choice.offset + choice.limit]
        return Listing(
            generation=self.index.generation,
            found=len(chosen),
            rows=tuple(self.rows(entry.path for entry in part)),
            articles=len(self.entries),
            undated=len(self.entries) - len(self._days),
            first=self._days[0] if self._days else "",
            last=self._days[-1] if self._days else "",
            outlets=self._outlets,
        )

    def _matching(self, words: str) -> dict[str, float] | None:
        """Return the score (higher is better) of each article with all the words, None if there are no words."""
        if not words.strip():
            return None
        named = words.casefold().split()
        # A part of a headline means that article, so it comes before articles that only mention the words.
        found = {one.path: 1e6 for one in self.entries.values() if all(word in _names(one) for word in named)}
        for path, score in self._speaking_of(terms(words)).items():
            found[path] = found.get(path, 0.0) + score
        return found

    def _speaking_of(self, wanted: Sequence[str]) -> dict[str, float]:
        """Return the articles with all terms in their text, and the sum of each term's best BM25."""
        total: dict[int, float] | None = None
        for term in wanted:
            rows = self.index.search_bm25([term], MATCHED_ROWS)
            best: dict[int, float] = {}
            for position, (_, score) in zip(self.index.table.positions([row for row, _ in rows]), rows, strict=True):
                best.setdefault(int(position), score)  # rows come best first
            total = best if total is None else {p: total[p] + score for p, score in best.items() if p in total}
        return {self._paths[position]: score for position, score in (total or {}).items()}

    def rows(self, paths: Iterable[str]) -> list[Row]:
        """Return the rows of the existing articles among `paths`."""
        return [self._row(self.entries[path]) for path in paths if path in self.entries]

    def _row(self, entry: ArticleSummary, article: Article | None = None) -> Row:
        if entry.sha256 not in self._labels:
            article = article or self.index.article(entry.path)
            self._labels[entry.sha256] = article.headline, sum(1 for _ in _WORD.finditer(article.text))
        title, words = self._labels[entry.sha256]
        return Row(
            path=entry.path,
            title=title,
            outlet=entry.outlet,
            author=entry.author,
            published=entry.published,
            date=human_date(entry.published),
            words=words,
            copies=len(self.copies(entry.path)),
            uploaded=bool(self._file_of(entry.path)),
            place=entry.path if entry.path in self.index.namesakes else "",
        )

    def copies(self, path: str) -> list[str]:
        """Return the paths of the other articles that are copies of this one."""
        entry = self.entries.get(path)
        return [other for other in self._groups[entry.group or path] if other != path] if entry else []

    def article(self, path: str) -> Article:
        """Return a whole article. Raises: NoArticleError."""
        if path not in self.entries:
            raise NoArticleError(f"the index has no article {path!r}", "Load the list again")
        return self.index.article(path)

    def read(self, path: str, start: int) -> Reading:
        """Return a part of an article; see `Corpus.read`."""
        article = self.article(path)
        text = article.text
        if not 0 <= start <= len(text):
            raise InputError(f"the article {path!r} has no character {start}", f"Read it from 0 to {len(text)}")
        end = _end_of_part(text, start)
        return Reading(
            row=self._row(self.entries[path], article),
            url=card(article).url,
            characters=len(text),
            start=start,
            end=end,
            paragraphs=tuple(line.strip() for line in text[start:end].splitlines() if line.strip()),
            copies=tuple(self.rows(self.copies(path)[:COPIES_SHOWN])),
        )


def _names(entry: ArticleSummary) -> str:
    """Return the words of an article's labels, for comparison without case."""
    return " ".join((entry.title, entry.outlet, entry.author, entry.path)).casefold()


def _ordered(chosen: list[ArticleSummary], sort: Sort, scores: dict[str, float] | None) -> list[ArticleSummary]:
    """Return articles in an order; undated articles come last in both orders by day."""
    if sort == "relevance" and scores is not None:
        return sorted(chosen, key=lambda entry: (-scores[entry.path], entry.path))
    if sort == "title":
        return sorted(chosen, key=lambda entry: (not entry.title, entry.title.casefold(), entry.path))
    if sort == "longest":
        return sorted(chosen, key=lambda entry: (-entry.characters, entry.path))
    dated = [entry for entry in chosen if entry.published]
    dated.sort(key=lambda entry: entry.published, reverse=sort != "oldest")
    return dated + [entry for entry in chosen if not entry.published]


def _end_of_part(text: str, start: int) -> int:
    end = start + PAGE_CHARS
    if end >= len(text):
        return len(text)
    line = text.rfind("\n", start + PAGE_CHARS // 2, end)
    return line + 1 if line >= 0 else end
