"""Vectors by key in files that never change: written once, mapped to be read.

A segment is one file: a header, the keys sorted, a checksum for each row, the vectors. Any number of processes may read
and append at once without a lock, because a file is named by its content and appears whole or not at all. Every row
that is read is checked against its sum, so a torn or damaged file costs a new computation and never a wrong vector.
"""

import hashlib
import struct
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.ports import Folder

Keys: TypeAlias = NDArray[np.uint64]
"""`(4, n)` the four words of `n` sha256 sums."""

MAGIC = b"BASKVEC1"
HEADER = struct.Struct("<8sQQ")
"""Magic, number of rows, width of a vector."""
SUFFIX = ".vectors"
MAX_SMALL_SEGMENTS = 48
"""So many small files may lie beside each other before they become one."""
SMALL_BYTES = 32 << 20
"""A file above this size is left as it is."""
MERGED_BYTES = 2 * SMALL_BYTES
"""Most bytes that merging makes one file of, and about what it holds in memory."""
MAX_LISTINGS = 5
"""How often a folder is listed anew because files of the list were gone."""
SUM_OFFSET = np.uint64(0x9E3779B97F4A7C15)
"""Makes the sum of a row of zeros, what a crash leaves in a file, something else than zero."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """One file, mapped. The first word of the keys is ascending."""

    keys: Keys
    sums: NDArray[np.uint64]
    vectors: NDArray[np.float32]

    def find(self, keys: Keys) -> NDArray[np.intp]:
        """`(m,)` row of each key, −1 where there is none.

        Of two keys with an equal first word only one is found: at ten million texts the odds are 1 to 10⁵ against
        it, and the other text is merely embedded again.
        """
        if not self.keys.shape[1]:
            return np.full(keys.shape[1], -1, dtype=np.intp)
        rows = np.minimum(np.searchsorted(self.keys[0], keys[0]), self.keys.shape[1] - 1)
        return np.where((self.keys[:, rows] == keys).all(axis=0), rows, -1)

    def is_sound(self, rows: NDArray[np.intp], vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
        """`(m,)` whether what was read of `rows` is what was written."""
        return np.asarray(_checksums(self.keys[:, rows], vectors) == self.sums[rows])


class SegmentStore:
    """All segments of one folder.

    Args:
        folder: Where the files are; made at the first `append`. This machine keeps copies of what is elsewhere.
        width: Components of a vector.
    """

    def __init__(self, folder: Folder, width: int) -> None:
        self._folder = folder
        self._width = width
        self._segments: dict[str, _Segment] = {}

    def read(self, keys: Keys) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """`(n, width)` vectors and `(n,)` whether each was found; rows that were not are undefined."""
        self._refresh()
        vectors = np.empty((keys.shape[1], self._width), dtype=np.float32)
        is_known = np.zeros(keys.shape[1], dtype=np.bool_)
        for segment in self._segments.values():
            open_ = np.flatnonzero(~is_known)
            if not len(open_):
                break
            rows = segment.find(keys[:, open_])
            hit = np.flatnonzero(rows >= 0)
            if len(hit):
                found = segment.vectors[rows[hit]]
                vectors[open_[hit]] = found
                is_known[open_[hit]] = segment.is_sound(rows[hit], found)
        return vectors, is_known

    def has(self, keys: Keys) -> NDArray[np.bool_]:
        """`(n,)` whether `read` would find each key."""
        return self.read(keys)[1]

    def append(self, keys: Keys, vectors: NDArray[np.float32]) -> None:
        """Write one segment; `keys` are distinct. A key that is there already is kept twice until files are merged."""
        written = self._write(keys, vectors)
        self._segments.pop(written, None)  # a damaged file of that name may be mapped: look again
        self._refresh()
        small = self._smallest()
        if len(small) > 1:
            self._merge(small)

    def _write(self, keys: Keys, vectors: NDArray[np.float32]) -> str:
        order = np.argsort(keys[0], kind="stable")
        keys, vectors = np.ascontiguousarray(keys[:, order]), np.ascontiguousarray(vectors[order], dtype="<f4")
        header = HEADER.pack(MAGIC, keys.shape[1], self._width)
        content = header + keys.tobytes() + _checksums(keys, vectors).tobytes() + vectors.tobytes()
        name = hashlib.sha256(content).hexdigest()[:32] + SUFFIX
        self._folder.write(name, content)
        return name

    def _smallest(self) -> list[str]:
        """Nothing while there are few small files, else the smallest that together make one of `MERGED_BYTES`."""
        sizes = sorted((segment.vectors.nbytes, name) for name, segment in self._segments.items())
        small = [(size, name) for size, name in sizes if size <= SMALL_BYTES]
        if len(small) <= MAX_SMALL_SEGMENTS:
            return []
        totals = np.cumsum([size for size, _ in small])
        return [name for (_, name), total in zip(small, totals, strict=True) if total <= MERGED_BYTES]

    def _merge(self, names: list[str]) -> None:
        """Make one segment of several; the old ones go only after the new one is in place.

        Two processes may do so at once: each writes all that it removes, so nothing is lost.
        """
        parts = [self._segments[name] for name in names]
        keys = np.concatenate([part.keys for part in parts], axis=1)
        vectors = np.concatenate([part.vectors for part in parts])
        sound = np.flatnonzero(_checksums(keys, vectors) == np.concatenate([part.sums for part in parts]))
        _, first = np.unique(keys[0, sound], return_index=True)
        kept = self._write(keys[:, sound[first]], vectors[sound[first]])
        for name in names:
            if name != kept:
                self._folder.remove(name)
        self._refresh()

    def _refresh(self) -> None:
        """Map the files that appeared, forget the ones that went."""
        for _ in range(MAX_LISTINGS):
            if self._map_all():
                return

    def _map_all(self) -> bool:
        """Map what the folder lists; False where a listed file was gone: it was merged, its rows are in another now."""
        all_there = True
        names = [name for name in self._folder.names() if name.endswith(SUFFIX)]
        for name in self._segments.keys() - set(names):
            self._folder.forget(name)
        known, self._segments = self._segments, {}
        for name in names:
            try:
                segment = known.get(name) or _open(self._folder.read(name, keep=True), self._width)
            except FileNotFoundError:
                segment, all_there = None, False
            if segment is not None:
                self._segments[name] = segment
        return all_there


def _open(content: pa.Buffer, expected_width: int) -> _Segment | None:
    """A file's content as arrays; None where its size is not what its header says."""
    if content.size < HEADER.size:
        return None
    data = np.frombuffer(content, dtype=np.uint8)
    magic, count, width = HEADER.unpack(data[: HEADER.size].tobytes())
    if magic != MAGIC or width != expected_width or len(data) != HEADER.size + count * (40 + 4 * width):
        return None
    at_sums = HEADER.size + 32 * count
    at_vectors = at_sums + 8 * count
    return _Segment(
        keys=data[HEADER.size : at_sums].view("<u8").reshape(4, count),
        sums=data[at_sums:at_vectors].view("<u8"),
        vectors=data[at_vectors:].view("<f4").reshape(count, width),
    )


def _checksums(keys: Keys, vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    """`(n,)` multilinear sum modulo 2⁶⁴ of the words of each row.

    The factors are odd, so a change of any one word changes the sum (Lemire and Kaser 2014, "Strongly universal
    string hashing is fast").
    """
    count, width = vectors.shape
    words = np.ascontiguousarray(vectors).view("<u4").reshape(count, width)
    factors = np.arange(1, width + 5, dtype=np.uint64) * SUM_OFFSET | np.uint64(1)
    sums: NDArray[np.uint64] = np.einsum("ij,j->i", words, factors[:width], dtype=np.uint64, casting="safe")
    return np.asarray(sums + np.einsum("ji,j->i", keys, factors[width:]) + SUM_OFFSET)
