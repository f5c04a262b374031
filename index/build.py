"""Articles -> a new generation of an index.

Runs the stages in order, reuses what did not change since the previous generation, and writes to disk often enough that
an interrupted run can be resumed. Does not print: progress goes to a callback, the result is a report.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn, TypeAlias

from citewire.index.address import Location, local_folder
from citewire.index.articles import Kept, ReadOptions, Rejected, read_articles
from citewire.index.dates import mentions, published_date
from citewire.index.duplicates import Grouper, signature
from citewire.index.embed import BATCH, embed_all
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.languages import ENGLISH, language_of
from citewire.index.manifest import Part
from citewire.index.passages import embedded_text, passages
from citewire.index.postgres_writer import PostgresWriter, writer_of
from citewire.index.segment import Entry
from citewire.index.store import Index, Place
from citewire.index.types import Article, Embedder, Passage, Progress, Vectors
from citewire.index.workers import HERE, Workers, in_order
from citewire.index.writer import Writer

# Passages embedded between two writes to disk: the most that an interruption loses, about a minute of work.
CHECKPOINT_PASSAGES = 4096

State = Literal["new", "changed", "unchanged", "removed"]


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one article: its number of passages, and whether they were embedded or their vectors reused."""

    path: str
    state: State
    passages: int
    embedded: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A remark about an article that was read; `path` is "" for a remark about all of them."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class _Cut:
    """An article with its dates resolved, and all that is computed from it alone."""

    article: Article
    language: str
    signature: bytes
    passages: Sequence[Passage]


# articles, their known vectors, all others
_Batch: TypeAlias = "tuple[Sequence[_Cut], Sequence[Vectors | None], Vectors]"


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What `build_index` did.

    Attributes:
        generation: number of the current generation; the previous one if nothing changed.
        published: whether a new generation was written.
        new, changed, unchanged, removed: numbers of articles, compared with the previous generation.
        changes: the new, changed and removed articles, sorted by path.
        rejected: files that were left out, with reason and fix.
        passages: number of passages in the index.
        embedded: number of passages that were embedded in this run; the other vectors were reused.
        resumed: number of passages reused from an interrupted run, not counted in `embedded`.
        seconds: wall clock.
        notes: remarks on articles read in this run: a guessed encoding, pages without text, a language other than
            English.
    """

    generation: int
    published: bool
    new: int
    changed: int
    unchanged: int
    removed: int
    changes: tuple[Change, ...]
    rejected: tuple[Rejected, ...]
    passages: int
    embedded: int
    resumed: int
    seconds: float
    notes: tuple[Note, ...] = ()


def build_index(
    sources: Sequence[Path | str],
    where: Location,
    embedder: Embedder,
    progress: Progress | None = None,
    *,
    mirror: bool = True,
    options: ReadOptions | None = None,
    workers: Workers = HERE,
) -> BuildReport:
    """Read articles and publish a generation of an index that holds them.

    Articles with known text and metadata keep their vectors, unchanged files are not parsed, and if nothing changed,
    nothing is written. The previous generation stays current until the last step. The next run resumes an
    interrupted one.

    Args:
        sources: files, folders and web addresses.
        where: the folder or database; the folder is created if it does not exist, the tables are too.
        embedder: turns passages into vectors; a new embedder embeds everything again.
        progress: called with the stage, the steps done and the steps known so far.
        mirror: whether articles that are not among the sources are removed from the index. Articles of a source that
            exists but can no longer be read are always kept.
        options: how sources are read.
        workers: parse, cut and embed; the index does not depend on them.

    Raises:
        InputError: wrong paths or metadata, no usable article, a folder that is not an index, or another process
            that writes to it.
        IndexFormatError: without `mirror`: a segment is damaged, so articles would be lost.
        ModelError: the embedder cannot be used.
    """
    started = time.monotonic()
    with writer_of(where) as writer, writer.view(embedder) as view:
        damaged = {part.info.name for part in writer.current(embedder)} - {part.info.name for part in view.parts}
        if damaged and not mirror:  # `mirror` reads the sources of these articles again
            problem = f"{local_folder(where) / 'segments' / min(damaged)} is damaged"
            raise IndexFormatError(problem, f"Run: citewire index repair --index {where}")
        return _Build(writer, view, embedder, progress, workers).run(sources, mirror, options or ReadOptions(), started)


class _Build:
    """The state of one run: the previous generation, and the results so far."""

    def __init__(
        self,
        writer: Writer | PostgresWriter,
        view: Index,
        embedder: Embedder,
        progress: Progress | None,
        workers: Workers,
    ) -> None:
        self._writer, self._view, self._embedder, self._progress = writer, view, embedder, progress
        self._workers = workers
        self._current = writer.current(embedder)
        self._published = {part.info.name for part in self._current}
        self._grouper: Grouper | None = None
        self._kept: dict[str, Place] = {}  # path -> unchanged article
        self._added: list[Part] = []
        self._changes: dict[str, Change] = {}
        self._rejected: list[Rejected] = []
        self._notes: list[Note] = []
        self._languages: dict[str, str] = {}  # path -> language of an article read in this run
        self._to_embed = self._embedded = self._resumed = self._written = 0

    def run(self, sources: Sequence[Path | str], mirror: bool, options: ReadOptions, started: float) -> BuildReport:
        calls = map(self._embed, _batches(self._read(sources, options)))
        for batch in in_order(calls, -(-self._workers.ahead * BATCH // CHECKPOINT_PASSAGES)):
            self._write(*batch)
        if not self._kept and not self._changes:
            self._refuse()
        dead = list(self._dropped(mirror))
        parts = self._parts(dead)
        published, generation = parts != self._current or not self._view.generation, self._view.generation
        if published:
            generation = self._writer.publish(parts, embedder=self._embedder.fingerprint, progress=self._progress)
        return BuildReport(
            generation=generation,
            published=published,
            new=self._number("new"),
            changed=self._number("changed"),
            unchanged=sum(place.segment in self._published for place in self._kept.values()),
            removed=self._number("removed"),
            changes=tuple(self._changes[path] for path in sorted(self._changes)),
            rejected=tuple(self._rejected),
            passages=self._view.passages - sum(place.passages for place in dead) + self._written,
            embedded=self._embedded,
            resumed=self._resumed,
            seconds=time.monotonic() - started,
            notes=(*self._notes, *self._told_languages()),
        )

    def _read(self, sources: Sequence[Path | str], options: ReadOptions) -> Iterator[_Cut]:
        """Yield the articles that are new or changed; record the others."""
        read = read_articles(sources, stored=self._view.paths_of, options=options, workers=self._workers)
        for number, found in enumerate(in_order(map(self._cut, read), self._workers.ahead), start=1):
            self._tell("reading", number, 0)
            if isinstance(found, Rejected):
                self._rejected.append(found)
            elif isinstance(found, Kept):
                for path in found.paths:
                    self._keep(path, found.source)
            else:
                self._notes += [Note(found.article.path, note) for note in found.article.notes]
                self._languages[found.article.path] = found.language
                self._to_embed += len(found.passages)
                yield found

    def _cut(self, found: Article | Kept | Rejected) -> Callable[[], _Cut | Kept | Rejected]:
        return self._workers.submit(_cut, found) if isinstance(found, Article) else lambda: found

    def _told_languages(self) -> Iterator[Note]:
        """Yield a note for each article that is not in English, and one more if no article is."""
        foreign = {path: name for path, name in self._languages.items() if name not in ("", ENGLISH)}
        yield from (Note(path, f"is in {name}; citewire reads English only") for path, name in foreign.items())
        if foreign and len(foreign) == len(self._languages):
            several = "all articles that were read are in other languages"
            yield Note("", f"English only: {several}, and questions in English will find little in them")

    def _keep(self, path: str, source: str) -> None:
        place = next(place for place in self._view.places(path) if place.source == source)
        self._kept[path] = place
        if place.segment not in self._published:  # its segment is from an interrupted run
            self._changes[path] = Change(path, self._state(path), place.passages, embedded=False)
            self._resumed += place.passages

    def _state(self, path: str) -> State:
        return "changed" if any(place.segment in self._published for place in self._view.places(path)) else "new"

    def _dropped(self, mirror: bool) -> Iterator[Place]:
        """Yield the places of articles that the new generation leaves out; record those that are removed."""
        for path, place in self._concerned(mirror):
            if path in self._kept or path in self._changes:
                if self._kept.get(path) != place:
                    yield place
            elif place.segment not in self._published:  # from an interrupted run, but not a source of this one
                yield place
            elif mirror and not self._is_unreadable(path):
                self._changes[path] = Change(path, "removed", place.passages, embedded=False)
                yield place

    def _concerned(self, mirror: bool) -> Iterator[tuple[str, Place]]:
        """Return all articles that `_dropped` has to check; fewer if only articles of the same path can be replaced."""
        if mirror or not self._published.issuperset(part.info.name for part in self._view.parts):
            return self._view.identities()
        return ((path, place) for path in {**self._kept, **self._changes} for place in self._view.places(path))

    def _is_unreadable(self, path: str) -> bool:
        """Whether an article, or the file or folder that holds it, was rejected in this run."""
        names = (rejected.name for rejected in self._rejected if rejected.name)
        return any(path == name or path.startswith((f"{name}/", f"{name}#")) for name in names)

    def _number(self, state: State) -> int:
        return sum(change.state == state for change in self._changes.values())

    def _embed(self, batch: Sequence[_Cut]) -> Callable[[], _Batch]:
        """Begin to embed the articles of a batch that have no known vectors."""
        known = [self._known(cut.article, len(cut.passages)) for cut in batch]
        missing = [
            embedded_text(cut.article, passage)
            for cut, vectors in zip(batch, known, strict=True)
            if vectors is None
            for passage in cut.passages
        ]

        def tell(done: int, _: int) -> None:
            self._tell("embedding", self._embedded + done, self._to_embed)

        fresh = embed_all(self._embedder, missing, tell, self._workers)
        return lambda: (batch, known, fresh())

    def _write(self, batch: Sequence[_Cut], known: Sequence[Vectors | None], fresh: Vectors) -> None:
        """Write a batch as a segment."""
        self._embedded += len(fresh)
        with self._writer.segment(self._embedder) as segment:
            start = 0
            for cut, vectors in zip(batch, known, strict=True):
                end = start if vectors is not None else start + len(cut.passages)
                segment.add(self._entry(cut, fresh[start:end] if vectors is None else vectors))
                start = end
            self._added.append(Part(segment.finish()))
        for cut, vectors in zip(batch, known, strict=True):
            path, count = cut.article.path, len(cut.passages)
            self._changes[path] = Change(path, self._state(path), count, embedded=vectors is None)
            self._written += count

    def _known(self, article: Article, count: int) -> Vectors | None:
        """Return the vectors of an article with the same text and metadata under any path, None if there is none."""
        vectors = self._view.vectors_of(article.sha256)
        return vectors if vectors is not None and len(vectors) == count else None

    def _entry(self, cut: _Cut, vectors: Vectors) -> Entry:
        """Return what is stored of an article, with its group of near-duplicates."""
        if self._grouper is None:
            self._grouper = Grouper(self._view.signatures())
        group = self._grouper.group(cut.article.path, cut.signature)
        return Entry(dataclasses.replace(cut.article, group=group), cut.signature, cut.passages, vectors)

    def _parts(self, dropped: Sequence[Place]) -> list[Part]:
        """Return the segments of the new generation: the old ones without dropped articles, and the new ones."""
        dead = {part.info.name: set(part.dead) for part in self._view.parts}
        for place in dropped:
            dead[place.segment].add(place.number)
        taken = [Part(part.info, frozenset(dead[part.info.name])) for part in self._view.parts]
        return [part for part in taken if len(part.dead) < part.info.articles] + self._added

    def _tell(self, stage: str, done: int, total: int) -> None:
        if self._progress:
            self._progress(stage, done, total)

    def _refuse(self) -> NoReturn:
        if not self._rejected:
            raise InputError("there is no article to index", "Name files or folders with articles")
        first, others = self._rejected[0], len(self._rejected) - 1
        more = f" ({others} more files cannot be used either)" if others else ""
        raise InputError(f"no usable article: {first.path}: {first.reason}{more}", first.fix)


def _cut(article: Article) -> _Cut:
    published = article.published or published_date(article.text)
    complete = dataclasses.replace(article, published=published, dates=mentions(article.text, published))
    return _Cut(complete, language_of(article.text), signature(article.text), passages(article))


def _batches(found: Iterator[_Cut]) -> Iterator[list[_Cut]]:
    """Yield batches of articles with at least `CHECKPOINT_PASSAGES` passages; the last may be smaller."""
    batch: list[_Cut] = []
    size = 0
    for cut in found:
        batch.append(cut)
        size += len(cut.passages)
        if size >= CHECKPOINT_PASSAGES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
