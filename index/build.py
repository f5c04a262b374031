"""Articles -> a new generation of an index.

Knows the order of the stages, what can be taken over from the previous generation and when work is put on disk so
that an interrupted run can be taken up. Does not print: progress goes to a callback, the result is a report.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from citewire.index.articles import Kept, ReadOptions, Rejected, read_articles
from citewire.index.dates import mentions, published_date
from citewire.index.duplicates import Grouper, signature
from citewire.index.embed import embed_all
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.languages import ENGLISH, language_of
from citewire.index.manifest import Part
from citewire.index.passages import embedded_text, passages
from citewire.index.segment import Entry
from citewire.index.store import Index, Place
from citewire.index.types import Article, Embedder, Passage, Progress, Vectors
from citewire.index.writer import Writer

# Passages that are embedded before they are written: what an interruption costs at most, about a minute's work.
CHECKPOINT_PASSAGES = 4096

State = Literal["new", "changed", "unchanged", "removed"]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one article: `passages` is how many it has now, `embedded` whether that took the model."""

    path: str
    state: State
    passages: int
    embedded: bool


@dataclass(frozen=True, slots=True)
class Note:
    """What there is to say of articles that were read: `path` is an article, "" for several."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What `build_index` did.

    Attributes:
        generation: the current generation; the previous one where nothing changed.
        published: whether a new generation was written.
        new, changed, unchanged, removed: numbers of articles against the previous generation.
        changes: the articles that are new, changed or removed, by path.
        rejected: files that were left out, with reason and fix.
        passages: passages in the index.
        embedded: passages that had to be embedded; the other vectors were taken over.
        resumed: passages taken over from a run that was interrupted, not counted in `embedded`.
        seconds: wall clock.
        notes: what there is to say of articles that were read in this run: a guessed encoding, pages without text,
            another language than English.
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
    folder: Path,
    embedder: Embedder,
    progress: Progress | None = None,
    *,
    mirror: bool = True,
    options: ReadOptions | None = None,
) -> BuildReport:
    """Read articles, and make the index in `folder` hold them.

    Articles whose text and metadata are in the index already keep their vectors; files that did not change are
    not even parsed; where nothing changed nothing is written. Until the last step the previous generation stays
    current. An interrupted run leaves what it finished, and the next one takes that up.

    Args:
        sources: files, folders and web addresses.
        folder: the index, made where missing.
        embedder: what turns passages into vectors; another one than before embeds everything again.
        progress: called with what is being done, steps done and steps known so far.
        mirror: whether articles of the index that are not among the sources are removed; else they stay. Those of
            a source that is there but cannot be read any more always stay.
        options: how sources are read.

    Raises:
        InputError: wrong paths or metadata, no usable article, a folder that is no index, or another process
            that writes.
        IndexFormatError: something of the index is damaged, and articles outside of the sources are to stay.
        ModelError: the embedder cannot be used.
    """
    started = time.monotonic()
    with Writer(folder) as writer, writer.view(embedder) as view:
        damaged = {part.info.name for part in writer.current(embedder)} - {part.info.name for part in view.parts}
        if damaged and not mirror:  # a mirror reads these articles again; otherwise they would be lost
            problem = f"{folder / 'segments' / min(damaged)} is damaged"
            raise IndexFormatError(problem, f"Run: citewire index repair --index {folder}")
        return _Build(writer, view, embedder, progress).run(sources, mirror, options or ReadOptions(), started)


class _Build:
    """One run: what is known of the previous generation, and what was found so far."""

    def __init__(self, writer: Writer, view: Index, embedder: Embedder, progress: Progress | None) -> None:
        self._writer, self._view, self._embedder, self._progress = writer, view, embedder, progress
        self._current = writer.current(embedder)
        self._published = {part.info.name for part in self._current}
        self._grouper: Grouper | None = None
        self._kept: dict[str, Place] = {}  # by path: articles taken over as they are
        self._added: list[Part] = []
        self._changes: dict[str, Change] = {}
        self._rejected: list[Rejected] = []
        self._notes: list[Note] = []
        self._languages: dict[str, str] = {}  # of the articles that were read, by path
        self._cut = self._embedded = self._resumed = self._written = 0

    def run(self, sources: Sequence[Path | str], mirror: bool, options: ReadOptions, started: float) -> BuildReport:
        for batch in _batches(self._read(sources, options)):
            self._write(batch)
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

    def _read(self, sources: Sequence[Path | str], options: ReadOptions) -> Iterator[tuple[Article, list[Passage]]]:
        """Yield the articles that are not in the index as they are, and their passages."""
        for number, found in enumerate(read_articles(sources, stored=self._view.paths_of, options=options), start=1):
            self._tell("reading", number, 0)
            if isinstance(found, Rejected):
                self._rejected.append(found)
            elif isinstance(found, Kept):
                for path in found.paths:
                    self._keep(path, found.source)
            else:
                self._note(found)
                pieces = passages(found)
                self._cut += len(pieces)
                yield found, pieces

    def _note(self, article: Article) -> None:
        self._notes += [Note(article.path, note) for note in article.notes]
        self._languages[article.path] = language_of(article.text)

    def _told_languages(self) -> Iterator[Note]:
        """Yield which of the articles that were read are not in English."""
        foreign = {path: name for path, name in self._languages.items() if name not in ("", ENGLISH)}
        yield from (Note(path, f"is in {name}; citewire reads English only") for path, name in foreign.items())
        if foreign and len(foreign) == len(self._languages):
            several = "all articles that were read are in other languages"
            yield Note("", f"English only: {several}, and questions in English will find little in them")

    def _keep(self, path: str, source: str) -> None:
        place = next(place for place in self._view.places(path) if place.source == source)
        self._kept[path] = place
        if place.segment not in self._published:  # an interrupted run had finished it
            self._changes[path] = Change(path, self._state(path), place.passages, embedded=False)
            self._resumed += place.passages

    def _state(self, path: str) -> State:
        return "changed" if any(place.segment in self._published for place in self._view.places(path)) else "new"

    def _dropped(self, mirror: bool) -> Iterator[Place]:
        """Yield the places of articles that the new generation leaves out; report those that nothing replaces."""
        for path, place in self._concerned(mirror):
            if path in self._kept or path in self._changes:
                if self._kept.get(path) != place:
                    yield place
            elif place.segment not in self._published:  # of an interrupted run, and not asked for in this one
                yield place
            elif mirror and not self._is_unreadable(path):
                self._changes[path] = Change(path, "removed", place.passages, embedded=False)
                yield place

    def _concerned(self, mirror: bool) -> Iterator[tuple[str, Place]]:
        """Return the articles that the new generation may leave out; if only some are added, those of the same path."""
        if mirror or not self._published.issuperset(part.info.name for part in self._view.parts):
            return self._view.identities()
        return ((path, place) for path in {**self._kept, **self._changes} for place in self._view.places(path))

    def _is_unreadable(self, path: str) -> bool:
        """Whether an article's file, or what it is inside of, is there but could not be read this time."""
        names = (rejected.name for rejected in self._rejected if rejected.name)
        return any(path == name or path.startswith((f"{name}/", f"{name}#")) for name in names)

    def _number(self, state: State) -> int:
        return sum(change.state == state for change in self._changes.values())

    def _write(self, batch: Sequence[tuple[Article, list[Passage]]]) -> None:
        """Embed a batch as far as its vectors are not known, and put it on disk as a segment."""
        known = [self._known(article, len(pieces)) for article, pieces in batch]
        missing = [
            embedded_text(article, passage)
            for (article, pieces), vectors in zip(batch, known, strict=True)
            if vectors is None
            for passage in pieces
        ]
        before = self._embedded
        fresh = embed_all(self._embedder, missing, lambda done, _: self._tell("embedding", before + done, self._cut))
        self._embedded += len(missing)
        with self._writer.segment(self._embedder) as segment:
            start = 0
            for (article, pieces), vectors in zip(batch, known, strict=True):
                end = start if vectors is not None else start + len(pieces)
                segment.add(self._entry(article, pieces, fresh[start:end] if vectors is None else vectors))
                start = end
            self._added.append(Part(segment.finish()))
        for (article, pieces), vectors in zip(batch, known, strict=True):
            change = Change(article.path, self._state(article.path), len(pieces), embedded=vectors is None)
            self._changes[article.path] = change
            self._written += len(pieces)

    def _known(self, article: Article, count: int) -> Vectors | None:
        """Return the vectors of an article that is in the index under any path, None where it is not."""
        vectors = self._view.vectors_of(article.sha256)
        return vectors if vectors is not None and len(vectors) == count else None

    def _entry(self, article: Article, pieces: Sequence[Passage], vectors: Vectors) -> Entry:
        """Return what is stored of an article: with its dates resolved, and grouped with its copies."""
        if self._grouper is None:
            self._grouper = Grouper(self._view.signatures())
        published = article.published or published_date(article.text)
        marked = signature(article.text)
        complete = dataclasses.replace(
            article,
            published=published,
            dates=mentions(article.text, published),
            group=self._grouper.group(article.path, marked),
        )
        return Entry(complete, marked, pieces, vectors)

    def _parts(self, dropped: Sequence[Place]) -> list[Part]:
        """Return the parts of the new generation: what is left of those of the view, and what was added."""
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


def _batches(found: Iterator[tuple[Article, list[Passage]]]) -> Iterator[list[tuple[Article, list[Passage]]]]:
    """Yield the articles in runs of at least `CHECKPOINT_PASSAGES` passages, the last one shorter."""
    batch: list[tuple[Article, list[Passage]]] = []
    size = 0
    for article, pieces in found:
        batch.append((article, pieces))
        size += len(pieces)
        if size >= CHECKPOINT_PASSAGES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
