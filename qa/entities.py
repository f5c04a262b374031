"""Names of people, organisations and places in all articles, read once per article and cached beside the index.

    article -> spaCy -> Found (one spelling in one article) -> cached by the article's sha256
    Found of all articles -> Entities.named -> Named (one person, organisation or place in all its spellings)

The cache file has one line per article. It may be deleted at any time; damaged lines and lines of another version are
read again. Knows spellings only: two people with the same name are one.
"""

from __future__ import annotations

import json
import logging
import zlib
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Literal, overload

import numpy as np

from citewire.index.disk import replace
from citewire.index.passages import CHUNKER_VERSION, sentences
from citewire.index.store import Index
from citewire.index.types import Embedder, Progress, Span, Vectors
from citewire.qa import analysis, standing
from citewire.qa.facts import name_key

log = logging.getLogger("citewire.qa.entities")

EntityKind = Literal["person", "organisation", "place"]

VERSION = 2  # of the cached rows; raise it with every change of `found_in`
BATCH = 16  # articles that are read and cached at a time: about a second's work
STAGE = "reading names"
KINDS: Mapping[str, EntityKind] = {"PERSON": "person", "ORG": "organisation", "GPE": "place", "LOC": "place"}
# Also cached, as evidence that a name is none of these: "Chinese", "World Cup", "Windows", "The Crown".
_OTHERS = frozenset({"NORP", "EVENT", "PRODUCT", "WORK_OF_ART", "LAW", "FAC", "LANGUAGE"})
# Legal forms of companies, which are dropped: "Acme Inc." is "Acme".
_LEGAL_FORMS = frozenset(
    "ab ag asa bv co company corp corporation gmbh inc limited llc lp ltd nv plc sa se spa".split()
)
# Sorts of names that a list may ask for: the kind of name, and descriptions to embed. Newspapers count as companies.
SORTS: Mapping[str, tuple[EntityKind, tuple[str, ...]]] = {
    "person": ("person", ("a person", "people", "an actor", "a politician", "a player", "a leader", "an official")),
    "company": ("organisation", ("a company", "a corporation", "a retailer", "a brand", "a business")),
    "public body": ("organisation", ("a government agency", "a regulator", "a public authority", "a parliament")),
    "association": ("organisation", ("a charity", "a sports team", "a university", "a party")),
    "country": ("place", ("a country", "a nation")),
    "city": ("place", ("a city", "a town")),
    "state": ("place", ("a state", "a province", "a region")),
    "area": ("place", ("an ocean", "a continent", "a sea", "a mountain range", "a river")),
}
_CLEARLY = 0.02  # least lead of a name's cosine to its sort over those to rival sorts
_NOUN = 0.5  # least cosine between a noun and a description of its sort
_CLEAR = 2  # a short name means the longer one that is this many times as frequent as any other


@dataclass(frozen=True, slots=True)
class Found:
    """One spelling of a name in one article: `label` is spaCy's, `span` the first of `count` mentions."""

    name: str
    label: str
    count: int
    span: Span


@dataclass(frozen=True, slots=True)
class FirstMention:
    """The first mention of an article's fullest spelling of a name, and the count of its mentions in any spelling."""

    article: str
    span: Span
    count: int


@dataclass(frozen=True, slots=True)
class Named:
    """A person, organisation or place in all its spellings.

    Attributes:
        name: the spelling to show.
        kind: the kind in most mentions.
        spellings: all spellings, most frequent first.
        places: one per article, sorted by path.
    """

    name: str
    kind: EntityKind
    spellings: tuple[str, ...]
    places: tuple[FirstMention, ...]


def found_in(text: str, entities: Iterable[tuple[str, int, int]]) -> tuple[Found, ...]:
    """Return the names of a text with their first mentions, from entities as `analysis.names` returns them.

    Only mentions inside sentences count: other lines name the reporter or a menu entry.
    """
    spans: defaultdict[tuple[str, str], list[Span]] = defaultdict(list)
    quotable = sentences(text)
    starts = [sentence.start for sentence in quotable]
    for label, start, end in entities:
        at = bisect_right(starts, start) - 1
        if at >= 0 and start < quotable[at].end and (label in KINDS or label in _OTHERS):
            span = _trimmed(text, label, start, end)
            name = text[span.start : span.end]
            if any(character.isupper() for character in name):
                spans[name, label].append(span)
    return tuple(Found(name, label, len(all_), all_[0]) for (name, label), all_ in spans.items())


def _trimmed(text: str, label: str, start: int, end: int) -> Span:
    """Return a name's span without what spaCy includes by mistake: another line, an open quotation, "the", marks."""
    name = text[start:end]
    name = name[: len(name) - len(name.lstrip())] + name.lstrip().partition("\n")[0]
    if label == "PERSON":  # elsewhere it may belong to the name: "McDonald's"
        name = name.removesuffix("'s").removesuffix("’s")
    while name and not (name[-1].isalnum() or name[-1] in ".)"):
        name = name[:-1]
    kept = name.rpartition("“")[2]
    while kept and not kept[0].isalnum():
        kept = kept[1:]
    kept = kept[4:] if kept[:4].lower() == "the " else kept
    return Span(start + len(name) - len(kept), start + len(name))


def is_told_of(name: str, texts: Iterable[str]) -> bool:
    """Return whether articles report on a person, an organisation or a place under exactly this name.

    At least two of their sentences (headings are none) have its last word, and one of them the whole name.

    >>> is_told_of("Orvik Foods", ["Orvik Foods makes bread for the north. The mill of Orvik Foods is in Lund city."])
    True
    """
    last = name.split()[-1]
    said = (text[span.start : span.end] for text in texts for span in sentences(text))
    found = {one for one in said if last in one and standing.is_whole(one)}  # a set: copies repeat sentences
    return name[0].isupper() and len(found) > 1 and any(name in one for one in found)


# -- names of all articles ----------------------------------------------------------------------------------------


class Entities:
    """The names in the articles of an index, `found` by path; immutable."""

    def __init__(self, found: Mapping[str, tuple[Found, ...]]) -> None:
        self.found = found

    @cached_property
    def named(self) -> tuple[Named, ...]:
        """All people, organisations and places, those in most articles first."""
        names = _Names(self.found)
        groups: defaultdict[str, list[tuple[str, Found]]] = defaultdict(list)
        for path, all_ in self.found.items():
            whole = names.resolved(path)
            for found in all_:
                groups[whole[_key(found)]].append((path, found))
        made = [_named(group, kind) for key, group in groups.items() if (kind := names.kinds[key])]
        # News introduces a person by first and last name; a single word is more often a brand that spaCy misreads.
        made = [one for one in made if one.kind != "person" or " " in one.name]
        return tuple(sorted(made, key=lambda named: (-len(named.places), -_mentions(named), named.name)))


def _mentions(named: Named) -> int:
    return sum(place.count for place in named.places)


def _key(found: Found) -> str:
    """Return a key that is equal for spellings of one name that differ only in capitals, dots and hyphens.

    Middle initials of people and legal forms of companies are dropped too.
    """
    words = name_key(found.name.replace(",", "")).split()
    if found.label == "PERSON" and len(words) > 2:
        words = [words[0], *(word for word in words[1:-1] if len(word) > 1), words[-1]]
    if found.label == "ORG" and len(words) > 1 and words[-1] in _LEGAL_FORMS:
        words = words[:-1]
    return " ".join(words)


class _Names:
    """Which keys are one name: "Cook" is "Tim Cook" in an article with both, and elsewhere if most articles agree."""

    def __init__(self, found: Mapping[str, tuple[Found, ...]]) -> None:
        counts: defaultdict[str, Counter[EntityKind | None]] = defaultdict(Counter)
        self._keys: dict[str, tuple[str, ...]] = {}
        for path, all_ in found.items():
            for one in all_:
                counts[_key(one)][KINDS.get(one.label)] += one.count
            self._keys[path] = tuple(dict.fromkeys(map(_key, all_)))
        self.kinds = {key: count.most_common(1)[0][0] for key, count in counts.items()}
        self._totals = {key: count.total() for key, count in counts.items()}
        self._local = {path: self._wholes(keys) for path, keys in self._keys.items()}
        votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for local in self._local.values():
            for part, whole in local.items():
                votes[part][whole] += 1
        clear = {part: counted.most_common(1)[0] for part, counted in votes.items()}
        self._anywhere = {part: whole for part, (whole, n) in clear.items() if 2 * n > votes[part].total()}

    def resolved(self, path: str) -> dict[str, str]:
        """Return the whole name that each key of an article stands for."""
        local = self._local[path]
        return {key: local.get(key) or self._anywhere.get(key, key) for key in self._keys[path]}

    def _wholes(self, keys: Sequence[str]) -> dict[str, str]:
        """The whole name of each short name of a person in one article: {"cook": "tim cook"}.

        A short name that mostly names an organisation or a place is no part of a person's: "orvik" is not "orvik lund".
        """
        by_part: defaultdict[str, list[str]] = defaultdict(list)
        for whole in (key for key in keys if self.kinds[key] == "person" and " " in key):
            for part in whole.split():
                by_part[part].append(whole)
        short = (part for part in keys if part in by_part and self.kinds[part] not in ("organisation", "place"))
        return {part: whole for part in short if (whole := self._clearest(by_part[part]))}

    def _clearest(self, wholes: Sequence[str]) -> str:
        """Return the whole name that is _CLEAR times as frequent as any other, "" if none is."""
        ranked = sorted(wholes, key=lambda whole: (-self._totals[whole], whole))
        clear = len(ranked) == 1 or self._totals[ranked[0]] >= _CLEAR * self._totals[ranked[1]]
        return ranked[0] if clear else ""


def _named(group: Sequence[tuple[str, Found]], kind: EntityKind) -> Named:
    spellings: Counter[str] = Counter()
    for _, found in group:
        spellings[found.name] += found.count
    ranked = sorted(spellings, key=lambda name: (-spellings[name], name))
    full = [name for name in ranked if " " in name] if kind == "person" else []  # "Tim Cook", not the commoner "Cook"
    by_path: defaultdict[str, list[Found]] = defaultdict(list)
    for path, found in group:
        by_path[path].append(found)
    places = tuple(_place(path, by_path[path]) for path in sorted(by_path))
    return Named((full or ranked)[0], kind, tuple(ranked), places)


def _place(path: str, all_: Sequence[Found]) -> FirstMention:
    fullest = max(all_, key=lambda found: (len(found.name.split()), -found.span.start))
    return FirstMention(path, fullest.span, sum(found.count for found in all_))


# -- sorts of names: companies, countries -------------------------------------------------------------------------


def sort_of_noun(noun: str, embedder: Embedder) -> str:
    """Return the sort of name that a noun asks for: "company" for "retailers"; "" if it is none of `SORTS`."""
    vector = embedder.embed([noun])[0]
    near = {sort: float((vectors @ vector).max()) for sort, vectors in _sorts(embedder).items()}
    best = max(near, key=lambda sort: near[sort])
    return best if near[best] >= _NOUN else ""


def are(sort: str, names: Sequence[Named], embedder: Embedder) -> list[bool]:
    """Return whether each name is of a sort, by the cosine of its vector to the descriptions of the sorts.

    The embedder knows most countries and companies: "Jamaica" is near "a country", "Congress" is not near "a company".

    Args:
        sort: a key of `SORTS`.
        names: the names; one that spaCy reads as another kind has to be nearer to `sort` than to all other sorts.
        embedder: embeds names and descriptions.
    """
    centres = {one: vectors.mean(axis=0) for one, vectors in _sorts(embedder).items()}
    vectors = embedder.embed([one.name for one in names]) if names else ()
    found = []
    for one, vector in zip(names, vectors, strict=True):
        near = {other: float(vector @ centre) for other, centre in centres.items()}
        other_kind = one.kind != _kind(sort)
        ahead = _CLEARLY if other_kind or one.kind == "organisation" else 0.0  # countries and states are alike
        rivals = [other for other in SORTS if other != sort and (other_kind or _kind(other) == one.kind)]
        found.append(all(near[sort] >= near[other] + ahead for other in rivals))
    return found


def _kind(sort: str) -> EntityKind:
    return SORTS[sort][0]


def _sorts(embedder: Embedder) -> dict[str, Vectors]:
    """The vectors of each sort's descriptions, shape (descriptions, dimension)."""
    vectors = iter(embedder.embed([one for _, described in SORTS.values() for one in described]))
    return {sort: np.stack([next(vectors) for _ in described]) for sort, (_, described) in SORTS.items()}


# -- the file beside the index ------------------------------------------------------------------------------------


def cache_file(folder: Path) -> Path:
    """Return the path of the cache file for the index in `folder`."""
    folder = folder.absolute()
    return folder.with_name(f"{folder.name}-names.jsonl")


@overload
def read_entities(index: Index, folder: Path, report: Progress = ...) -> Entities: ...


@overload
def read_entities(
    index: Index, folder: Path, report: Progress = ..., *, stopped: Callable[[], bool], keep: bool = True
) -> Entities | None: ...


def read_entities(
    index: Index,
    folder: Path,
    report: Progress = lambda *_: None,
    *,
    stopped: Callable[[], bool] = lambda: False,
    keep: bool = True,
) -> Entities | None:
    """Return the names in all articles; those not in the cache are read now. An interrupted run continues.

    Args:
        index: the articles.
        folder: of the index; the cache file lies beside it.
        report: called with (stage, articles done, articles in all).
        stopped: polled before each batch of articles; once true, None is returned.
        keep: whether the cache is written; if it cannot be, names are kept in memory only.

    Raises:
        ModelError: the English pipeline cannot be used.
    """
    paths = {summary.path: summary.sha256 for summary in index.articles()}
    file = cache_file(folder)
    known, lines = _read(file)
    missing = {sha256: path for path, sha256 in paths.items() if sha256 not in known}
    for done in range(0, len(missing), BATCH):
        if stopped():
            return None
        report(STAGE, len(paths) - len(missing) + done, len(paths))
        batch = list(missing.items())[done : done + BATCH]
        texts = [index.article(path).text for _, path in batch]
        read = zip(batch, texts, analysis.names(texts), strict=True)
        rows = {sha256: found_in(text, entities) for (sha256, _), text, entities in read}
        if keep:
            _write(file, rows)
        known |= rows
    if missing:
        report(STAGE, len(paths), len(paths))
    wanted = {sha256: known[sha256] for sha256 in paths.values()}
    if keep and lines + len(missing) > len(wanted):  # drop lines of removed articles, of other versions, or damaged
        _write(file, wanted, anew=True)
    return Entities({path: known[sha256] for path, sha256 in paths.items()})


def _read(file: Path) -> tuple[dict[str, tuple[Found, ...]], int]:
    """The cached names by the article's sha256, and the number of lines in the file; damaged lines are skipped."""
    known: dict[str, tuple[Found, ...]] = {}
    try:
        lines = [line for line in file.read_bytes().split(b"\n") if line]
    except OSError:
        return known, 0
    current = _version()
    for line in lines:
        with suppress(ValueError, TypeError):
            version, sha256, rows, checksum = json.loads(line)
            if version == current and checksum == _checksum(sha256, rows):
                known[sha256] = tuple(Found(name, label, count, Span(a, b)) for name, label, count, a, b in rows)
    return known, len(lines)


def _write(file: Path, found: Mapping[str, tuple[Found, ...]], *, anew: bool = False) -> None:
    """Append a line for each article, or replace the file with them if `anew`; an OSError is only logged."""
    version = _version()
    out = b"\n"  # ends a line that a killed process left incomplete
    for sha256, all_ in found.items():
        rows = [[one.name, one.label, one.count, one.span.start, one.span.end] for one in all_]
        out += json.dumps([version, sha256, rows, _checksum(sha256, rows)]).encode() + b"\n"
    try:
        if anew:
            replace(file, out)
        else:
            with file.open("ab") as opened:
                opened.write(out)
    except OSError as error:  # a full disk, a folder that may not be written
        log.info("names are not kept", extra={"file": str(file), "error": str(error)})


def _checksum(sha256: str, rows: object) -> int:
    return zlib.crc32(json.dumps([sha256, rows]).encode())


def _version() -> str:
    return f"{VERSION}, sentences {CHUNKER_VERSION}, {analysis.version()}"


class AllNames:
    """The names in all articles of an index, read when they are first needed; thread-safe.

    `keep` as in `read_entities`; `known`: the names once they have been read, else None.
    """

    def __init__(self, index: Index, keep: bool) -> None:
        self._index, self._keep = index, keep
        self._lock = Lock()
        self.known: Entities | None = None

    def read(self) -> Entities:
        """Return the names. Raises: see `read_entities`."""
        found = self.read_until(lambda: False)
        assert found is not None  # it was not stopped
        return found

    def read_until(self, stopped: Callable[[], bool]) -> Entities | None:
        """Return the names, or None once `stopped()`; what was read until then is cached. Raises: see `read`."""
        with self._lock:
            if self.known is None:
                self.known = read_entities(self._index, self._index.folder, stopped=stopped, keep=self._keep)
            return self.known
