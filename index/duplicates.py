"""Which articles are copies of one story: the signature of a text, and groups of texts whose signatures are alike.

Knows words and figures, nothing of articles, outlets or meaning. Two stories on one event, told in other words, are
not copies. A wire story stays one with another headline or byline, a paragraph more, or its last third cut; a weekly
report on the same template does not, because its figures are others. The only importer of datasketch.
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
THRESHOLD = 0.7  # share of the shorter text's shingles that are in the longer one; from benchmarks/duplicates.py
LEAST_OVERLAP = 0.4  # Jaccard similarity of the shingles: a round-up that holds a whole story is no copy of it
FIGURES_THRESHOLD = 0.7  # overlap of the figures, as a share of the text with fewer of them
FEW_FIGURES = 4  # with fewer figures their overlap tells nothing
SHORT_WORDS = 20  # shorter texts are copies only when equal

_HEADER = struct.Struct("<II16s")  # shingles, figures, digest of the normalised words
SIGNATURE_BYTES = _HEADER.size + WORDS_PERMUTATIONS + FIGURES_PERMUTATIONS
_FIRST_PASS = 48  # permutations compared with every known article; of 48, LEAST_OVERLAP expects 19
_FIRST_PASS_LEAST = 8
_BATCH = 4_096  # shingles hashed at a time: 3 MB
_SEED = 20_240_612
_COINCIDENCE = 1 / 256  # probability that two different hashes have an equal byte

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"  # written without spaces: each is a word
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W_{_IDEOGRAPHS}]+")
_INSIDE_NUMBERS = re.compile(r"(?<=[0-9])[.,](?=[0-9])")
_FIGURE = re.compile(
    r"[^\W0-9]*+[0-9]\w*|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|june|july|august|september"
    r"|october|november|december|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    r"|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
)


def signature(text: str) -> bytes:
    """Return SIGNATURE_BYTES bytes, the same on every machine, that tell how much two texts have in common.

    They hold the number of word shingles and of figures, a digest of the words, and one byte of each minimum hash
    (b-bit minwise hashing, Li and Koenig 2010, b = 8) of the shingles and of the figures.
    """
    words = _words(text)
    shingles = {" ".join(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))} if words else set()
    figures = {word for word in words if _FIGURE.fullmatch(word)}
    equal = " ".join(words) or text.strip()  # a text of signs alone is itself only
    digest = hashlib.blake2b(equal.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    count = len(shingles) if len(words) >= SHORT_WORDS else 0
    return (
        _HEADER.pack(count, len(figures), digest)
        + _minima(shingles, WORDS_PERMUTATIONS)
        + _minima(figures, FIGURES_PERMUTATIONS)
    )


def _words(text: str) -> list[str]:
    """Words without regard to case, punctuation, quotes, white space and soft hyphens; 1,100.5 is one word."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u00ad", "").replace("\u200b", "")
    return _WORD.findall(_INSIDE_NUMBERS.sub("", plain))


def _minima(items: set[str], permutations: int) -> bytes:
    """Return the low byte of each permutation's minimum."""
    from datasketch import MinHash  # takes half a second to import

    sketch = MinHash(permutations, seed=_SEED, scheme="affine32", hashfunc=zlib.crc32)
    encoded = [item.encode("utf-8", "surrogatepass") for item in items]
    for start in range(0, len(encoded), _BATCH):
        sketch.update_batch(encoded[start : start + _BATCH])
    return bytes(sketch.hashvalues.astype(np.uint8).tobytes())


class Grouper:
    """Gives each article the group of the nearest one before it, or a new group.

    Compares with every known article, 48 bytes of each at first: 2 ms an article at 100,000 known ones. Holds
    SIGNATURE_BYTES and a group an article, at most twice that while it grows: 28 to 56 MB for 100,000.

    Raises:
        IndexFormatError: a known signature is not of this version's length.
    """

    def __init__(self, known: Iterable[tuple[str, bytes]]) -> None:
        self._groups: list[str] = []
        self._same_words: dict[bytes, str] = {}
        signatures = []
        for group, one in known:
            _check(one)
            self._groups.append(group)
            self._same_words.setdefault(_HEADER.unpack_from(one)[2], group)
            signatures.append(one)
        rows = len(signatures)
        table = np.frombuffer(b"".join(signatures), np.uint8).reshape(rows, SIGNATURE_BYTES)
        # One row of `_columns` a byte of the signatures, so that comparing one byte of all articles reads it in order.
        self._columns: NDArray[np.uint8] = np.ascontiguousarray(table.T)

    def group(self, path: str, signature: bytes) -> str:
        """Return the group of the nearest article so far, or a new one made from `path` and `signature`.

        Raises:
            IndexFormatError: `signature` is not of this version's length.
        """
        _check(signature)
        digest = _HEADER.unpack_from(signature)[2]
        group = self._same_words.get(digest) or self._nearest(signature)
        if not group:
            group = hashlib.sha256(path.encode("utf-8", "surrogatepass") + b"\0" + signature).hexdigest()[:16]
        self._add(group, signature)
        self._same_words.setdefault(digest, group)
        return group

    def _add(self, group: str, signature: bytes) -> None:
        rows, room = len(self._groups), self._columns.shape[1]
        if rows == room:
            grown = np.zeros((SIGNATURE_BYTES, max(64, 2 * room)), np.uint8)
            grown[:, :rows] = self._columns
            self._columns = grown
        self._columns[:, rows] = np.frombuffer(signature, np.uint8)
        self._groups.append(group)

    def _nearest(self, signature: bytes) -> str:
        """The group of the most similar article that reaches the thresholds, "" if none does."""
        rows = len(self._groups)
        if not rows or not _HEADER.unpack_from(signature)[0]:
            return ""
        mine = np.frombuffer(signature, np.uint8)
        equal = np.zeros(rows, np.uint8)
        for byte in range(_HEADER.size, _HEADER.size + _FIRST_PASS):
            equal += self._columns[byte, :rows] == mine[byte]
        candidates = np.flatnonzero(equal >= _FIRST_PASS_LEAST)
        if not len(candidates):
            return ""
        similar = _similarity(np.ascontiguousarray(self._columns[:, candidates].T), mine)
        best = int(similar.argmax())
        return self._groups[int(candidates[best])] if similar[best] >= THRESHOLD else ""


def _check(signature: bytes) -> None:
    if len(signature) != SIGNATURE_BYTES:
        raise IndexFormatError(
            f"a signature has {len(signature)} bytes, not the {SIGNATURE_BYTES} of version {SIGNATURE_VERSION}",
            "Index the articles again",
        )


def _similarity(table: NDArray[np.uint8], mine: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return how much of the shorter text is in the longer one, 0 to 1, for each row; 0 where it cannot be a copy."""
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
    """Turn the share of the union into the share of the smaller set: |A and B| = J (|A| + |B|) / (1 + J)."""
    common = jaccard * (sizes + own) / (1 + jaccard)
    return np.minimum(1.0, common / np.maximum(1.0, np.minimum(sizes, own)))
