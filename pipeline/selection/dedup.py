"""Near-duplicates: of sets that are nearly the same within a type, the best is kept."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.frame import incidence
from pipeline.selection.config import DedupConfig

KEPT = -1
"""Stands where a set is nobody's duplicate."""


class Overlaps(NamedTuple):
    """Pairs of sets that share members: `(e,)` each."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    jaccard: NDArray[np.float64]


def overlaps(items: NDArray[np.int32], products: int) -> Overlaps:
    """Exact Jaccard similarity of every two sets that share a member, `first < second`."""
    member = incidence(items, products)
    shared = (member @ member.T).tocoo()
    upper = shared.row < shared.col
    first, second, common = shared.row[upper], shared.col[upper], shared.data[upper]
    size = np.diff(member.indptr)
    return Overlaps(first.astype(np.intp), second.astype(np.intp), common / (size[first] + size[second] - common))


def duplicates_of(
    items: NDArray[np.int32], kind: NDArray[np.integer], score: NDArray[np.float64], products: int, config: DedupConfig
) -> NDArray[np.intp]:
    """For each set, the better set of its type that it duplicates.

    Args:
        items: `(k, width)` sets, −1 padded.
        kind: `(k,)` type; only sets of one type are compared.
        score: `(k,)` the greater is kept; equal ones in input order.
        products: Number of SKUs.
        config: The least similarity.

    Returns:
        `(k,)` position of the kept set, `KEPT` for sets that stay.
    """
    owner = np.full(len(items), KEPT, dtype=np.intp)
    rank = np.empty(len(items), dtype=np.intp)
    rank[np.argsort(-score, kind="stable")] = np.arange(len(items))
    # A SKU of one type is another thing than that of another: sets of two types share nothing.
    typed = np.where(items >= 0, items + products * kind[:, None].astype(np.int32), -1)
    found = overlaps(typed, products * (int(kind.max(initial=0)) + 1))
    close = found.jaccard >= config.jaccard
    first, second = found.first[close], found.second[close]
    better = np.where(rank[first] < rank[second], first, second)
    worse = first + second - better
    for at in np.lexsort((rank[better], rank[worse])):
        if owner[better[at]] == KEPT and owner[worse[at]] == KEPT:
            owner[worse[at]] = better[at]
    return owner
