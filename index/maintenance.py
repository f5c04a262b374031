"""Status, removal, verification and repair of an index.

Knows generations and their files. Does not know embedders: everything here works without the model.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from citewire.index import disk, postgres
from citewire.index.address import Address, Location
from citewire.index.errors import IndexFormatError, InputError
from citewire.index.manifest import Manifest, Part, read_manifest, readable_manifests, resume_candidates
from citewire.index.postgres_writer import writer_of
from citewire.index.segment import DATABASE, check_hashes, read_info
from citewire.index.store import Index, manifest_of
from citewire.index.types import Progress
from citewire.index.writer import Writer, is_intact, unwritable

_GENERATION = re.compile(r"\b(\d{10})-[0-9a-f]{16}\.json")

Checked = Callable[[int, int], None]  # (bytes read, bytes in all)


@dataclass(frozen=True, slots=True)
class Status:
    """The figures of an index.

    Attributes:
        generation: number of the current generation.
        embedder, chunker: versions that made the vectors and the passages.
        articles, passages: numbers of living ones.
        groups: number of stories: near-duplicates count once.
        outlets: number of different outlets, without "".
        published_from, published_to: earliest and latest day of publication, "" if no article has one.
        undated: number of articles without a day of publication.
        dead: number of passages of replaced or removed articles that are still on disk.
        segments: their number.
        bytes: size of the current generation.
        recall: share of the true ten nearest passages that a search returns; below 1.0 only in a large index.
        unfinished: number of passages of an interrupted run, which the next run reuses.
    """

    generation: int
    embedder: str
    chunker: str
    articles: int
    passages: int
    groups: int
    outlets: int
    published_from: str
    published_to: str
    undated: int
    dead: int
    segments: int
    bytes: int
    recall: float
    unfinished: int


def status(where: Location) -> Status:
    """Return the figures of the current generation of an index.

    Raises:
        InputError: there is no index.
        IndexFormatError: the index has another format or is damaged.
    """
    with Index.open(where) as index:
        manifest = manifest_of(where)
        articles = index.articles()
        days = sorted(article.published for article in articles if article.published)
        parts = index.parts
        if isinstance(where, Address):
            size, unfinished, recall = postgres.figures(where)
        else:
            size, recall = (
                sum(part.info.bytes for part in parts),
                min((part.info.recall for part in parts), default=1.0),
            )
            unfinished = sum(info.rows for info in resume_candidates(where))
        return Status(
            generation=index.generation,
            embedder=manifest.embedder,
            chunker=manifest.chunker,
            articles=len(articles),
            passages=index.passages,
            groups=len({article.group for article in articles}),
            outlets=len({article.outlet for article in articles} - {""}),
            published_from=days[0] if days else "",
            published_to=days[-1] if days else "",
            undated=len(articles) - len(days),
            dead=index.rows - index.passages,
            segments=len(parts),
            bytes=size,
            recall=recall,
            unfinished=unfinished,
        )


def remove(where: Location, paths: Sequence[str], progress: Progress | None = None) -> tuple[int, tuple[str, ...]]:
    """Remove articles from an index; return the new generation and the removed paths.

    Args:
        where: the folder or database.
        paths: paths of articles; one that ends in "/" stands for everything below it.
        progress: called with the stage, passages done and passages in all while segments are merged.

    Raises:
        InputError: there is no index, an article is not in it, or the folder cannot be written.
        IndexFormatError: the index has another format or is damaged.
    """
    manifest_of(where)  # before the writer, which would create a missing folder
    with writer_of(where) as writer, Index.open(where) as index:
        dead: dict[str, set[int]] = {}
        removed: dict[str, None] = {}
        for asked in paths:
            found = index.below(asked) if asked.endswith("/") else [(asked, place) for place in index.places(asked)]
            if not found:
                raise InputError(f"the index has no article {asked!r}", "Name one of: citewire index list")
            for path, place in found:
                removed[path] = None
                dead.setdefault(place.segment, set()).add(place.number)
        manifest = manifest_of(where)
        parts = [replace(part, dead=part.dead | dead.get(part.info.name, set())) for part in manifest.parts]
        generation = writer.publish(parts, embedder=manifest.embedder, chunker=manifest.chunker, progress=progress)
        return generation, tuple(removed)


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of `verify`; without `problems` every byte is as published.

    Attributes:
        generation: the generation that CURRENT names, 0 if CURRENT is unreadable.
        files, bytes: numbers of files and bytes read.
        problems: one line for each damaged or missing file.
    """

    generation: int
    files: int
    bytes: int
    problems: tuple[str, ...]


def verify(folder: Path, progress: Checked | None = None) -> Verification:
    """Compare every byte of the current generation with the published checksums.

    Args:
        folder: the index.
        progress: called with (bytes read, bytes in all), before each segment and at the end.

    Returns:
        What was found; a manifest that cannot be read is a problem too.

    Raises:
        InputError: there is no index in `folder`.
    """
    try:
        manifest = read_manifest(folder)
    except IndexFormatError as error:
        return Verification(0, 0, 0, (error.problem,))
    problems: list[str] = []
    total, done = sum(part.info.bytes for part in manifest.parts), 0
    for part in manifest.parts:
        if progress:
            progress(done, total)
        problems += _segment_problems(folder, part)
        done += part.info.bytes
    if progress:
        progress(done, total)
    files = sum(len(part.info.files) for part in manifest.parts)
    return Verification(manifest.generation, files, total, tuple(problems))


def _segment_problems(folder: Path, part: Part) -> list[str]:
    """Return a line for each file of a segment that differs from the manifest."""
    segment = folder / "segments" / part.info.name
    problems: list[str] = []
    for name, stated in part.info.files.items():
        try:
            check_hashes(segment, replace(part.info, files={name: stated}))
        except IndexFormatError as error:
            problems.append(error.problem)
    if read_info(segment) != part.info:
        problems.append(f"{segment / 'segment.json'} is damaged: it does not state what the manifest does")
    return problems


@dataclass(frozen=True, slots=True)
class Repair:
    """The result of `repair`.

    Attributes:
        problems: the damage found; if there is none, nothing was changed.
        restored: the generation that is current again, 0 if a new one was made of the intact segments.
        generation: number of the current generation now.
        articles: number of its articles.
        lost: articles of the damaged generation that are gone or back to an earlier version, if their names are
            readable.
        lost_count: number of articles that are gone.
    """

    problems: tuple[str, ...]
    restored: int
    generation: int
    articles: int
    lost: tuple[str, ...] = ()
    lost_count: int = 0


def repair(folder: Path, progress: Checked | None = None) -> Repair:
    """Make an index readable again from its last intact generation, or else from all intact segments.

    Nothing is deleted before the repaired generation is on disk. Indexing the articles again brings lost ones back;
    the others are not embedded again.

    Args:
        folder: the index.
        progress: as in `verify`.

    Raises:
        InputError: there is no index, nothing is intact, another process writes, or the folder cannot be written.
    """
    if not (folder / "segments").is_dir():
        raise InputError(f"there is no index in {folder}", f"Make one: citewire index PATH --index {folder}")
    with Writer(folder) as writer:
        problems = _problems(folder, progress)
        manifests = list(readable_manifests(folder, tolerant=True))
        if not problems:
            current = read_manifest(folder)
            return Repair((), current.generation, current.generation, _count(current.parts))
        newest = _newest(folder, manifests)
        infos = {part.info.name: part.info for manifest in (*manifests, newest) for part in manifest.parts}
        damaged = {name for name, info in infos.items() if not is_intact(folder, info, hashed=True)}
        restored = next((m for m in manifests if not any(p.info.name in damaged for p in m.parts)), None)
        if restored is None:
            restored = _salvaged(folder, newest, damaged, problems[0])
        generation = _restore(folder, writer, restored)
        lost, count = _lost(folder, newest.parts, restored.parts)
        return Repair(problems, restored.generation, generation, _count(restored.parts), lost, count)


def _problems(folder: Path, progress: Checked | None) -> tuple[str, ...]:
    try:
        return verify(folder, progress).problems
    except InputError as error:  # CURRENT is missing
        return (error.problem,)


def _newest(folder: Path, manifests: Sequence[Manifest]) -> Manifest:
    """Return the contents of the newest generation, as far as they are known.

    If its manifest is unreadable, they are the newest readable manifest and the segments that no manifest names. The
    segments are ordered by age, because a later one has the later version of an article. The manifest has number 0.
    """
    if manifests and manifests[0].generation >= _last_generation(folder):
        return manifests[0]
    known = {part.info.name for manifest in manifests for part in manifest.parts}
    files = [segment / "segment.json" for segment in (folder / "segments").iterdir() if segment.name not in known]
    dated = sorted((file.stat().st_mtime_ns, file) for file in files if file.is_file())
    found = [Part(info) for _, file in reversed(dated) if (info := read_info(file.parent))]
    if manifests:
        return replace(manifests[0], generation=0, parts=(*found, *manifests[0].parts))
    made = (found[0].info.embedder, found[0].info.chunker) if found else ("", "")
    return Manifest(0, *made, tuple(part for part in found if (part.info.embedder, part.info.chunker) == made))


def _last_generation(folder: Path) -> int:
    """Return the highest generation number in the names of manifests, here or in CURRENT."""
    names = [file.name for file in (folder / "manifests").iterdir()]
    with suppress(OSError):
        names.append((folder / "CURRENT").read_bytes().decode(errors="replace"))
    return max((int(number) for name in names for number in _GENERATION.findall(name)), default=0)


def _salvaged(folder: Path, newest: Manifest, damaged: set[str], problem: str) -> Manifest:
    """Return a generation with number 0 made of the intact segments of the newest one."""
    whole = [part for part in newest.parts if part.info.name not in damaged]
    if not whole:
        raise InputError(
            f"nothing in {folder} can be used: {problem}", f"Index again: citewire index PATH --index {folder}"
        )
    return replace(newest, generation=0, parts=tuple(_without_repeats(folder, whole)))


def _without_repeats(folder: Path, parts: Sequence[Part]) -> Iterator[Part]:
    """Yield the parts; articles whose path an earlier part has are marked as dead."""
    taken: set[str] = set()
    for part in parts:
        living = [(number, path) for number, path, _ in _identities(folder, part) if number not in part.dead]
        yield replace(part, dead=part.dead | {number for number, path in living if path in taken})
        taken |= {path for _, path in living}


def _restore(folder: Path, writer: Writer, restored: Manifest) -> int:
    """Make a generation current, unless it already is and only copies of the data in its manifest are damaged."""
    for part in restored.parts:
        segment = folder / "segments" / part.info.name
        if read_info(segment) != part.info:
            try:
                disk.replace(segment / "segment.json", json.dumps(asdict(part.info), indent=1).encode())
            except OSError as error:
                raise unwritable(folder, error) from error
    with suppress(InputError, IndexFormatError):
        current = read_manifest(folder)
        if current == restored:
            return current.generation
    return writer.publish(restored.parts, embedder=restored.embedder, chunker=restored.chunker)


def _count(parts: Sequence[Part]) -> int:
    return sum(part.info.articles - len(part.dead) for part in parts)


def _lost(folder: Path, wanted: Sequence[Part], restored: Sequence[Part]) -> tuple[tuple[str, ...], int]:
    """Return the readable names, and the number, of articles of `wanted` that are not in `restored`."""
    kept = {key for part in restored for key in _living(folder, part)}
    names: set[str] = set()
    unknown = 0
    for part in wanted:
        try:
            names |= {path for path, _ in _living(folder, part) - kept}
        except IndexFormatError:
            unknown += part.info.articles - len(part.dead)
    return tuple(sorted(names)), len(names) + unknown


def _living(folder: Path, part: Part) -> set[tuple[str, str]]:
    """Return (path, source) of a part's living articles. Raises: IndexFormatError."""
    return {(path, source) for number, path, source in _identities(folder, part) if number not in part.dead}


def _identities(folder: Path, part: Part) -> list[tuple[int, str, str]]:
    """Return (number, path, source) of a segment's articles; its vectors may be damaged. Raises: IndexFormatError."""
    segment = folder / "segments" / part.info.name
    check_hashes(segment, replace(part.info, files={DATABASE: part.info.files[DATABASE]}))
    with closing(sqlite3.connect(disk.read_only((segment / DATABASE).absolute()), uri=True)) as found:
        return found.execute("SELECT id, path, source FROM articles").fetchall()
