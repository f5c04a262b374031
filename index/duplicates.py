"""Near-duplicate articles: MinHash signatures of texts, and groups of texts with similar signatures.

Compares words and figures, not meaning: two stories about one event in different words are not copies. A wire story
with another headline or byline, one more paragraph, or without its last third is a copy; next week's report on the same
template is not, because its figures differ. The only importer of datasketch.
"""

from __future__ import annotations

import hashlib
import re
import struct
import unicodedata
import zlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from citewire.index.errors import IndexFormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNATURE_VERSION = "1"

WORDS_PERMUTATIONS = 192
FIGURES_PERMUTATIONS = 64
SHINGLE = 3  # words
THRESHOLD = 0.7  # least share of the shorter text's shingles that the longer one has; see benchmarks/duplicates.py
LEAST_OVERLAP = 0.4  # least Jaccard similarity of the shingles: a round-up that contains a story is not a copy of it
FIGURES_THRESHOLD = 0.7  # least share of common figures, of the text with fewer figures
FEW_FIGURES = 4  # with fewer figures, their overlap is not compared
SHORT_WORDS = 20  # texts with fewer words are copies only if their words are equal

_HEADER = struct.Struct("<II16s")  # number of shingles, number of figures, digest of the normalised words
_DIGEST = slice(8, _HEADER.size)
SIGNATURE_BYTES = _HEADER.size + WORDS_PERMUTATIONS + FIGURES_PERMUTATIONS
_FIRST_PASS = 48  # bytes compared with every known article; at LEAST_OVERLAP, 19 of 48 are expected to be equal
_FIRST_BYTES = slice(_HEADER.size, _HEADER.size + _FIRST_PASS)
_FIRST_PASS_LEAST = 8  # fewest equal bytes of a candidate
_ROOM = 256  # signatures of new articles that find room without a copy of all
_BATCH = 4_096  # shingles hashed at once; takes 3 MB
_SEED = 20_240_612
_COINCIDENCE = 1 / 256  # probability that two different hashes have the same low byte

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # written without spaces: each counts as a word
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W_{_IDEOGRAPHS}]+")
_INSIDE_NUMBERS = re.compile(r"(?<=[0-9])[.,](?=[0-9])")
_FIGURE = re.compile(
    r"[^\W0-9]*+[0-9]\w*|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|june|july|august|september"
    r"|october|november|december|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    r"|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
)


def signature(text: str) -> bytes:
    """Return a text's signature: SIGNATURE_BYTES bytes, the same on every machine.

    It holds the numbers of word shingles and of figures, a digest of the words, and the low byte of each minimum hash
    of the shingles and of the figures (b-bit minwise hashing, Li and Koenig 2010, b = 8).
    """
    words = _words(text)
    shingles = {" ".join(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))} if words else set()
    figures = {word for word in words if _FIGURE.fullmatch(word)}
    equal = " ".join(words) or text.strip()  # a text without words is a copy only of an equal text
    digest = hashlib.blake2b(equal.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    count = len(shingles) if len(words) >= SHORT_WORDS else 0
    return (
        _HEADER.pack(count, len(figures), digest)
        + _minima(shingles, WORDS_PERMUTATIONS)
        + _minima(figures, FIGURES_PERMUTATIONS)
    )


def _words(text: str) -> list[str]:
    """Return the words in lower case, without punctuation and soft hyphens; 1,100.5 is one word."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u00ad", "").replace("\u200b", "")
    return _WORD.findall(_INSIDE_NUMBERS.sub("", plain))


def _minima(items: set[str], permutations: int) -> bytes:
    """Return the low byte of each permutation's minimum hash."""
    from datasketch import MinHash  # imported late: takes half a second

    sketch = MinHash(permutations, seed=_SEED, scheme="affine32", hashfunc=zlib.crc32)
    encoded = [item.encode("utf-8", "surrogatepass") for item in items]
    for start in range(0, len(encoded), _BATCH):
        sketch.update_batch(encoded[start : start + _BATCH])
    return bytes(sketch.hashvalues.astype(np.uint8).tobytes())


class Grouper:
    """Assigns each article to the group of the most similar earlier article, or to a new group.

    Every known article is compared, first by 48 bytes: 2 ms per new article with 100,000 known ones, which take 33 to
    66 MB. `known` holds the (group, signature) of each.

    Raises:
        IndexFormatError: a known signature does not have the length of this version.
    """

    def __init__(self, known: Iterable[tuple[str, bytes]]) -> None:
        listed = list(known)
        for one in {len(one): one for _, one in listed}.values():
            _check(one)
        self._groups = [group for group, _ in listed]
        self._same_words = {one[_DIGEST]: group for group, one in reversed(listed)}  # the first of equal ones counts
        rows = len(listed)
        self._table: NDArray[np.uint8] = np.empty((rows + _ROOM, SIGNATURE_BYTES), np.uint8)
        self._table[:rows] = np.frombuffer(b"".join([one for _, one in listed]), np.uint8).reshape(-1, SIGNATURE_BYTES)
        # Row i holds byte i of the first pass, so that one byte of all articles is contiguous in memory.
        self._columns: NDArray[np.uint8] = np.empty((_FIRST_PASS, rows + _ROOM), np.uint8)
        self._columns[:, :rows] = self._table[:rows, _FIRST_BYTES].T

    def group(self, path: str, signature: bytes) -> str:
        """Return the group of the most similar article so far, or a new group made from `path` and `signature`.

        Raises:
            IndexFormatError: `signature` does not have the length of this version.
        """
        _check(signature)
        digest = signature[_DIGEST]
        group = self._same_words.get(digest) or self._nearest(signature)
        if not group:
            group = hashlib.sha256(path.encode("utf-8", "surrogatepass") + b"\0" + signature).hexdigest()[:16]
        self._add(group, signature)
        self._same_words.setdefault(digest, group)
        return group

    def _add(self, group: str, signature: bytes) -> None:
        rows = len(self._groups)
        if rows == len(self._table):
            self._table = np.concatenate([self._table, np.empty_like(self._table)])
            self._columns = np.concatenate([self._columns, np.empty_like(self._columns)], axis=1)
        self._table[rows] = np.frombuffer(signature, np.uint8)
        self._columns[:, rows] = self._table[rows, _FIRST_BYTES]
        self._groups.append(group)

    def _nearest(self, signature: bytes) -> str:
        """Return the group of the most similar article that reaches the thresholds, "" if none does."""
        rows = len(self._groups)
        if not rows or not _HEADER.unpack_from(signature)[0]:
            return ""
        mine = np.frombuffer(signature, np.uint8)
        equal = np.zeros(rows, np.uint8)
        for column, byte in zip(self._columns, mine[_FIRST_BYTES], strict=True):
            equal += column[:rows] == byte
        candidates = np.flatnonzero(equal >= _FIRST_PASS_LEAST)
        if not len(candidates):
            return ""
        similar = _similarity(self._table[candidates], mine)
        best = int(similar.argmax())
        return self._groups[int(candidates[best])] if similar[best] >= THRESHOLD else ""


def _check(signature: bytes) -> None:
    if len(signature) != SIGNATURE_BYTES:
        raise IndexFormatError(
            f"a signature has {len(signature)} bytes, not the {SIGNATURE_BYTES} of version {SIGNATURE_VERSION}",
            "Index the articles again",
        )


def _similarity(table: NDArray[np.uint8], mine: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return for each row of `table` the share of the shorter text that the longer one contains; 0.0 for no copy."""
    sizes, own = table[:, :8].copy().view("<u4").astype(np.float64), mine[:8].copy().view("<u4").astype(np.float64)
    start, middle = _HEADER.size, _HEADER.size + WORDS_PERMUTATIONS
    overlap = _jaccard(table[:, start:middle], mine[start:middle])
    similar = _containment(overlap, sizes[:, 0], own[0])
    figures = _containment(_jaccard(table[:, middle:], mine[middle:]), sizes[:, 1], own[1])
    telling = np.minimum(sizes[:, 1], own[1]) >= FEW_FIGURES
    no_copy = (overlap < LEAST_OVERLAP) | (sizes[:, 0] == 0) | (telling & (figures < FIGURES_THRESHOLD))
    similar[no_copy] = 0.0
    return similar


def _jaccard(table: NDArray[np.uint8], mine: NDArray[np.uint8]) -> NDArray[np.float64]:
    matches: NDArray[np.float64] = (table == mine).mean(axis=1)
    return np.clip((matches - _COINCIDENCE) / (1 - _COINCIDENCE), 0.0, 1.0)


def _containment(jaccard: NDArray[np.float64], sizes: NDArray[np.float64], own: np.float64) -> NDArray[np.float64]:
    """Convert Jaccard similarity J into the share of the smaller set: |A and B| = J (|A| + |B|) / (1 + J)."""
    common = jaccard * (sizes + own) / (1 + jaccard)
    return np.minimum(1.0, common / np.maximum(1.0, np.minimum(sizes, own)))
