"""The articles that the page shows beside the chat: listed, searched, read, and taken out of the index.

Knows which generation of the index is current and who wants to hear of a new one. Does not know HTTP; how files come
in is `citewire.ui.uploads`.
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

from citewire.index.articles import ReadOptions
from citewire.index.dates import is_day
from citewire.index.errors import CitewireError, InputError
from citewire.index.maintenance import remove
from citewire.index.manifest import NoIndexError, check_identity, read_current, read_manifest, unreadable
from citewire.index.query import terms
from citewire.index.segment import ArticleSummary
from citewire.index.store import Index
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
MATCHED_ROWS = 100_000  # most passages that are looked at for one word; BM25 chooses them
PARTS = 32  # sets of articles, as different people may see, that are kept ready
WRITER_WAIT_S = 20.0  # longest time that a removal waits for the indexing of files

Sort = Literal["newest", "oldest", "title", "longest", "relevance"]
SORTS: tuple[Sort, ...] = ("newest", "oldest", "title", "longest", "relevance")

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # scripts without spaces; each character counts as a word
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W_{_IDEOGRAPHS}]+(?:['’.,-][^\W_{_IDEOGRAPHS}]+)*")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which articles to list.

    Attributes:
        words: all must be in the article's text, or all in its title, outlet, author and path; "" for any article.
        published_from, published_to: ISO 8601 days, both included, "" for any; an article without a day does not pass.
        outlets: any of these, compared without regard to case; () for any.
        sort: "relevance" without words is "newest".
        offset, limit: which part of the list.

    Raises:
        InputError: a day that is none, an unknown order, or a part that cannot be.
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
        date: day of publication in words, "" without one.
        words: length of the text.
        copies: how many other articles are copies of it.
        uploaded: whether it came through the page.
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
    """The articles that a `Choice` chooses, and what there is to choose from.

    Attributes:
        generation: of the index.
        found: how many articles were chosen; `rows` are those of the asked part.
        articles: how many there are in all.
        undated: of all, those without a day of publication.
        first, last: earliest and latest day of publication of all, "" where none has one.
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
    """A part of one article's text; `paragraphs` are its lines that are not blank, `end` is `characters` at the end."""

    row: Row
    url: str
    characters: int
    start: int
    end: int
    paragraphs: tuple[str, ...]
    copies: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """What taking articles out means.

    Attributes:
        articles: all that go: an uploaded file goes with everything that was read from it.
        files: uploaded files that are deleted.
        staying: articles whose file is not citewire's to delete: indexing it again brings them back.
    """

    articles: tuple[str, ...]
    files: tuple[str, ...]
    staying: int


class NoArticleError(InputError):
    """The index has no such article."""


class ChangingError(InputError):
    """The index cannot be changed now, because it is being changed."""


class GoneError(InputError):
    """The index that was opened is not there any more."""


class SharedIndex(Index):
    """An index that closes itself when nobody holds it any more: an answer may still read an earlier generation."""

    def __del__(self) -> None:
        self.close()


class Corpus:
    """The current generation of an index, and what the page does with its articles. Safe to share between threads.

    Args:
        folder: the index, which must be there.
        embedder: what it was made with.
        options: how uploaded files are read.
        room: bytes that all uploaded files may take together.
        allowance: what one visitor may upload.

    Raises:
        InputError: there is no index in `folder`.
        IndexFormatError: it is of another format or embedder, or damaged.
    """

    def __init__(
        self,
        folder: Path,
        embedder: Embedder,
        *,
        options: ReadOptions | None = None,
        room: int = 2_000_000_000,
        allowance: Allowance | None = None,
    ) -> None:
        self.folder, self._embedder = folder, embedder
        self._lock = RLock()
        self._writing = Lock()  # one writer at a time: a second one in this process would be refused, not wait
        self._subscribers: list[Callable[[Index], None]] = []
        self._current = read_current(folder)
        self.uploads = Uploads(self, embedder, options or ReadOptions(), room, allowance)
        self._catalogue = Catalogue(SharedIndex.open(folder, embedder), self.uploads.file_of)
        # Held open, so that no file which comes in its place has the same number.
        self._own = os.open(folder / "LOCK", os.O_RDONLY)
        weakref.finalize(self, os.close, self._own)

    def start(self) -> None:
        """Index what an earlier run had received and not indexed, and from now on what comes in."""
        self.uploads.start()

    def close(self) -> None:
        """Stop indexing after the files that are being indexed now."""
        self.uploads.close()

    # generations

    @property
    def index(self) -> Index:
        """The current generation; it stays readable for as long as somebody holds it."""
        return self._catalogue.index

    def subscribe(self, changed: Callable[[Index], None]) -> None:
        """Have `changed` called with each new generation, in the thread that found it."""
        self._subscribers.append(changed)

    def refresh(self) -> Index:
        """Take up a generation that was published since, by this process or another; return the current one."""
        with self._lock:
            new = self._is_new()
        if new:  # outside of the lock: who hears of it may hold locks of its own
            for changed in self._subscribers:
                changed(self.index)
        return self.index

    def _is_new(self) -> bool:
        try:
            current = read_current(self.folder)
            if current == self._current:
                return False
            opened = SharedIndex.open(self.folder, self._embedder)
            self._catalogue = Catalogue(opened, self.uploads.file_of, self._catalogue)
        except CitewireError as error:  # what was opened before stays readable, and is shown
            logger.warning("the new generation cannot be read: %s", error.problem)
            return False
        self._current = current
        return True

    def require_same(self) -> None:
        """Check that the index is still the one that was opened: a writer would begin a new one in its place.

        Raises:
            GoneError: it was deleted, or another one is in its place.
            IndexFormatError: it is of another embedder now, or damaged.
        """
        try:
            same = os.path.samestat(os.fstat(self._own), (self.folder / "LOCK").stat())
            current = read_current(self.folder)
        except (NoIndexError, FileNotFoundError) as error:
            fix = f"Put it back, or make it anew: citewire index PATH --index {self.folder}; then start citewire again"
            raise GoneError(f"the index in {self.folder} was deleted", fix) from error
        except OSError as error:
            raise unreadable(self.folder, error) from error
        if not same:
            raise GoneError(f"another index is in {self.folder} now", "Start citewire again to add to that one")
        if current != self._current:
            check_identity(read_manifest(self.folder), self.folder, self._embedder)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer of this process, and take up what was written.

        Raises:
            ChangingError: another one has not finished in `WRITER_WAIT_S`.
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
        """Return the articles that `choice` chooses, and what there is to choose from."""
        self.refresh()
        return self._catalogue.select(choice)

    def read(self, path: str, start: int = 0) -> Reading:
        """Return about `PAGE_CHARS` characters of an article from an offset, cut at the end of a line where possible.

        Raises:
            NoArticleError: there is no such article.
            InputError: an offset outside of its text.
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
        """Return the newest articles, as if there were only these; see `Index.within`. () for all."""
        self.refresh()
        return self._catalogue.within(articles) if articles else self._catalogue

    def originals(self, paths: Sequence[str], before: Collection[str]) -> list[tuple[str, str]]:
        """Return path and title of the first articles that these are copies of: in `before`, or earlier by path."""
        articles = self.within()
        copied = [copy for path in paths for copy in articles.copies(path) if copy in before or copy < path]
        return [(row.path, row.title) for row in articles.rows(dict.fromkeys(copied[:5]))]

    def removal(self, paths: Sequence[str]) -> Removal:
        """Return what `remove` would do.

        Raises:
            NoArticleError: there is no such article.
            InputError: none, or more than `REMOVED_AT_ONCE`.
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
        """Take articles out of the index, and delete those of their files that were uploaded.

        What was begun is finished by the next `start` should this process die.

        Raises:
            NoArticleError, InputError: as `removal`; the folder cannot be written.
            ChangingError: files are being indexed, here or by another process.
        """
        with self.writing():
            self.refresh()
            gone = self.removal(paths)
            try:
                with self.uploads.deleting(gone.files):
                    remove(self.folder, gone.articles)
            except BusyError as error:
                raise ChangingError(error.problem, error.fix) from error
        return gone


class Catalogue:
    """The articles of one generation, or some of them; labels that were made for `before` are taken over."""

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
        """Return these articles only, as `Index.within` does."""
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
        """Return the articles that `choice` chooses, and what there is to choose from."""
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
        """Return the score of each article that has the words, None where there are none: higher is better."""
        if not words.strip():
            return None
        named = words.casefold().split()
        # Whoever types part of a headline looks for that article: it comes before those that speak of it.
        found = {one.path: 1e6 for one in self.entries.values() if all(word in _names(one) for word in named)}
        for path, score in self._speaking_of(terms(words)).items():
            found[path] = found.get(path, 0.0) + score
        return found

    def _speaking_of(self, wanted: Sequence[str]) -> dict[str, float]:
        """Return the articles that have all terms in their text, with the sum of each term's best BM25."""
        total: dict[int, float] | None = None
        for term in wanted:
            rows = self.index.search_bm25([term], MATCHED_ROWS)
            best: dict[int, float] = {}
            for position, (_, score) in zip(self.index.table.positions([row for row, _ in rows]), rows, strict=True):
                best.setdefault(int(position), score)  # rows come best first
            total = best if total is None else {p: total[p] + score for p, score in best.items() if p in total}
        return {self._paths[position]: score for position, score in (total or {}).items()}

    def rows(self, paths: Iterable[str]) -> list[Row]:
        """Return the articles of those of `paths` that are there."""
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
        """Return the paths of the other articles that are copies of one."""
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
    """Return the words of an article's labels, for comparison without regard to case."""
    return " ".join((entry.title, entry.outlet, entry.author, entry.path)).casefold()


def _ordered(chosen: list[ArticleSummary], sort: Sort, scores: dict[str, float] | None) -> list[ArticleSummary]:
    """Return articles in an order; those without a day come last in both orders of days."""
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
