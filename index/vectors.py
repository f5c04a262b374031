"""The vectors of one segment (row i: passage i): written once, memory-mapped, searched by cosine similarity.

    vectors.faiss   every vector, float32
    scan.faiss      with over `FLAT_ROWS` rows: inverted lists of compressed vectors, 4 bits per two dimensions

A search of a large segment reads the inverted lists nearest to the query (IVF), and compares the best of their
compressed vectors exactly. Jegou, Douze and Schmid, "Product quantization for nearest neighbor search", PAMI 2011;
Andre, Kermarrec and Le Scouarnec, "Cache locality is not enough: high-performance nearest neighbor search with product
quantization fast scan", VLDB 2015.

The only importer of FAISS. Does not know passages, articles or which rows are alive.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from citewire.index.types import Vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

Rows = NDArray[np.bool_]  # selected rows; shape (rows of a segment or an index,)
RowNumbers = NDArray[np.int64]

VECTORS = "vectors.faiss"
SCAN = "scan.faiss"

# Up to here every vector is compared: 100,000 vectors of 384 dimensions take 10 ms, and need no training.
FLAT_ROWS = 100_000
EXACT_ROWS = 20_000  # up to this many rows that pass a filter, each is compared exactly
SHORTLIST = 1000  # best compressed vectors that are compared exactly; at least 5 per result
RECALL = 0.98  # least recall@10 of the number of probed lists that is chosen when a segment is written
RECALL_SAMPLE = 200  # vectors of the segment on which recall@10 is measured
MARGIN = 2  # factor on the probed lists, as a question is farther from passages than passages from each other
TRAINING_PER_LIST = 40  # k-means training vectors per list; FAISS warns below 39

_ADDED_AT_ONCE = 50_000  # vectors that are copied to FAISS in one call


@dataclass(frozen=True, slots=True)
class Scan:
    """How the compressed vectors are read.

    Attributes:
        lists, probes: number of inverted lists, and how many of them a search reads; 0 without lists.
        recall: recall@10 measured when the segment was written, 0 to 1; 1.0 without lists.
    """

    lists: int = 0
    probes: int = 0
    recall: float = 1.0


def write_vectors(folder: Path, raw: BinaryIO, dimension: int) -> tuple[Scan, tuple[str, ...]]:
    """Write the files of a segment's vectors; return how to search them, and the files' names.

    Args:
        folder: the segment's folder.
        raw: a file with all vectors, float32, shape (rows, dimension).
        dimension: number of columns.

    Raises:
        OSError: the disk is full or broken.
    """
    import faiss

    flat = faiss.IndexFlatIP(dimension)
    raw.seek(0)
    while block := raw.read(_ADDED_AT_ONCE * dimension * 4):
        flat.add(np.frombuffer(block, np.float32).reshape(-1, dimension))
    _write(flat, folder / VECTORS)
    if flat.ntotal <= FLAT_ROWS:
        return Scan(), (VECTORS,)
    vectors = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * dimension).reshape(-1, dimension)
    compressed = _compressed(vectors, 2 ** round(math.log2(math.sqrt(flat.ntotal))))
    _write(compressed, folder / SCAN)
    return _calibrated(compressed, flat, vectors), (VECTORS, SCAN)


def _compressed(vectors: Vectors, lists: int) -> Any:
    import faiss

    dimension = vectors.shape[1]
    parts = dimension // 2 if dimension % 2 == 0 else dimension
    index = faiss.IndexIVFPQFastScan(
        faiss.IndexFlatIP(dimension), dimension, lists, parts, 4, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.seed, index.cp.niter = 1, 10
    chosen = np.random.default_rng(1).choice(len(vectors), min(len(vectors), lists * TRAINING_PER_LIST), replace=False)
    index.train(vectors[np.sort(chosen)])
    for start in range(0, len(vectors), _ADDED_AT_ONCE):
        index.add(vectors[start : start + _ADDED_AT_ONCE])
    return index


def _calibrated(compressed: Any, flat: Any, vectors: Vectors) -> Scan:
    """Choose how many lists to read: doubled until recall@10 of a sample reaches `RECALL`, then times `MARGIN`."""
    asked = np.random.default_rng(2).choice(len(vectors), min(len(vectors), RECALL_SAMPLE), replace=False)
    _, exact = flat.search(vectors[asked], 10)
    probes = 1
    while True:
        found = [_nearest(compressed, flat, vectors[row], 10, probes, None) for row in asked]
        shares = [len(set(a) & {row for row, _ in b}) / 10 for a, b in zip(exact.tolist(), found, strict=True)]
        recall = float(np.mean(shares))
        if recall >= RECALL or probes >= compressed.nlist:
            return Scan(compressed.nlist, min(MARGIN * probes, compressed.nlist), recall)
        probes = min(2 * probes, compressed.nlist)


def _nearest(
    compressed: Any, flat: Any, vector: Vectors, k: int, probes: int, selector: Any
) -> list[tuple[int, float]]:
    """Return (row, cosine similarity) of the `k` nearest of the shortlist of compressed vectors, nearest first."""
    import faiss

    options = faiss.SearchParametersIVF(sel=selector, nprobe=probes)
    _, found = compressed.search(vector.reshape(1, -1), max(SHORTLIST, 5 * k), params=options)
    return _best(flat, vector, found[0][found[0] >= 0], k)


def _best(flat: Any, vector: Vectors, rows: RowNumbers, k: int) -> list[tuple[int, float]]:
    """Compare `rows` exactly; return (row, cosine similarity) of the `k` nearest, nearest first."""
    if not len(rows):
        return []
    scores = flat.reconstruct_batch(rows) @ vector
    best = np.lexsort((rows, -scores))[:k]
    return list(zip(rows[best].tolist(), scores[best].tolist(), strict=True))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let FAISS search only in the calling thread: starting a second one takes longer than it saves.

    Measured on two idle cores with one and two threads: 0.9 and 2.8 ms for 10,000 vectors, 10 and 15 ms for 99,000
    (95th percentiles 1 and 18 ms, 12 and 30 ms).
    """
    import faiss

    before = faiss.omp_get_max_threads()  # both functions concern only the calling thread
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _write(index: Any, file: Path) -> None:
    import faiss

    with file.open("wb") as stream:
        # FAISS's own file writer reports no error if the last bytes do not fit on the disk.
        faiss.write_index(index, faiss.PyCallbackIOWriter(stream.write, 1 << 20))


class VectorFile:
    """The vectors of a segment, open for reading. Thread-safe.

    Args:
        folder: the segment's folder.
        dimension: number of columns.
        scan: as `write_vectors` returned it.

    Raises:
        RuntimeError: a file cannot be opened.
    """

    def __init__(self, folder: Path, dimension: int, scan: Scan) -> None:
        self._dimension, self._scan = dimension, scan
        self._mapped: list[Any] = []  # FAISS keeps pointers into these
        self._flat = self._read(folder / VECTORS)
        self._compressed = self._read(folder / SCAN) if scan.lists else None

    def _read(self, file: Path) -> Any:
        """Open a memory-mapped index: pages that no search reads stay on disk. Raises: RuntimeError.

        Python opens the file, as FAISS cannot open non-ASCII paths on every platform.
        """
        import faiss

        try:
            data = np.memmap(file, np.uint8, mode="r")
        except (OSError, ValueError) as error:  # ValueError: the file is empty
            raise RuntimeError(f"{file}: {error}") from error
        reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(data), data.size)
        self._mapped += (data, reader)
        return faiss.read_index(reader)

    def vectors(self, rows: Sequence[int]) -> Vectors:
        """Return the vectors of the given rows, shape (len(rows), dimension), float32."""
        if not len(rows):
            return np.zeros((0, self._dimension), np.float32)
        return np.asarray(self._flat.reconstruct_batch(np.asarray(rows, np.int64)), np.float32)

    def search(self, vector: Vectors, k: int, allowed: Rows | None) -> list[tuple[int, float]]:
        """Return (row, cosine similarity) of the nearest rows of this segment, nearest first.

        Args:
            vector: shape (dimension,), length 1.
            k: most rows returned.
            allowed: which rows may be returned, shape (rows,); None for all.
        """
        import faiss

        selector, probes = None, self._scan.probes
        if allowed is not None:
            rows = np.flatnonzero(allowed)
            if len(rows) <= EXACT_ROWS:
                return _best(self._flat, vector, rows, k)
            selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
            # A filter spreads the nearest allowed rows over more lists, so more lists are probed.
            probes = min(self._scan.lists, math.ceil(probes * len(allowed) / len(rows)))
        if self._compressed is not None:
            return _nearest(self._compressed, self._flat, vector, k, probes, selector)
        options = faiss.SearchParameters(sel=selector)
        with _one_thread():
            scores, found = self._flat.search(vector.reshape(1, -1), min(k, self._flat.ntotal), params=options)
        pairs = zip(found[0].tolist(), scores[0].tolist(), strict=True)
        return [(row, score) for row, score in pairs if row >= 0]
