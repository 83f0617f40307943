"""A ranked list of bundles as arrays, and where held-out baskets hold them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array


@dataclass(frozen=True, slots=True)
class Ranked:
    """`n` bundles, best first."""

    items: NDArray[np.int32]
    """`(n, w)` distinct rows of the catalog, padded with −1."""
    is_set_type: NDArray[np.bool_]
    """`(n,)` which are FBT or FIXED: sold as the whole set, so that a basket can hold them."""
    source: NDArray[np.int32] | None = None
    """`(n,)` bits of the sources that proposed each, where they are known."""

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def of(cls, bundles: Sequence[Sequence[int]], is_set_type: Sequence[bool] | None = None) -> Self:
        """From rows of SKUs; without `is_set_type`, all are sets."""
        width = max((len(bundle) for bundle in bundles), default=0)
        items = np.full((len(bundles), width), -1, dtype=np.int32)
        for row, bundle in enumerate(bundles):
            items[row, : len(bundle)] = bundle
        marks = np.ones(len(bundles), dtype=bool) if is_set_type is None else np.array(is_set_type, dtype=bool)
        return cls(items, marks)

    def sets(self, limit: int) -> NDArray[np.int32]:
        """`(≤ limit, w)` the first FBT and FIXED bundles of two or more SKUs, in order of rank."""
        return self.items[self.set_rows(limit)]

    def set_rows(self, limit: int) -> NDArray[np.intp]:
        """`(≤ limit,)` positions of those."""
        whole = self.is_set_type & ((self.items >= 0).sum(axis=1) >= 2)
        return np.flatnonzero(whole)[:limit]

    def skus(self) -> NDArray[np.int32]:
        """Distinct SKUs of all bundles, ascending."""
        return np.unique(self.items[self.items >= 0])


def pairs_of(items: NDArray[np.int32]) -> NDArray[np.int32]:
    """Distinct pairs inside the sets.

    >>> pairs_of(np.array([[4, 1, 2], [2, 1, -1]])).tolist()
    [[1, 2], [1, 4], [2, 4]]

    Args:
        items: `(n, w)` sets, padded with −1.

    Returns:
        `(p, 2)` pairs, smaller SKU first, in ascending order.
    """
    places = list(combinations(range(items.shape[1]), 2))
    if not places:
        return np.zeros((0, 2), dtype=np.int32)
    pairs = np.sort(np.concatenate([items[:, place] for place in places]), axis=1)
    return np.unique(pairs[pairs[:, 0] >= 0], axis=0).astype(np.int32)


def memberships(items: NDArray[np.int32], products: int) -> csc_array:
    """`(products, n)` int32 ones where a SKU is in a set."""
    row, place = np.nonzero(items >= 0)
    ones = np.ones(len(row), dtype=np.int32)
    return csc_array((ones, (items[row, place], row)), shape=(products, len(items)))


def holds(matrix: csr_array, items: NDArray[np.int32]) -> csr_array:
    """Which baskets hold every SKU of which sets.

    Args:
        matrix: `(m, products)` int32 ones where a basket holds a SKU.
        items: `(n, w)` sets of at least one SKU, padded with −1.

    Returns:
        `(m, n)` int32 ones where the whole set is in the basket.
    """
    held = (matrix @ memberships(items, matrix.shape[1])).tocoo()
    whole = held.data == (items >= 0).sum(axis=1)[held.col]
    ones = np.ones(int(whole.sum()), dtype=np.int32)
    return csr_array((ones, (held.row[whole], held.col[whole])), shape=held.shape)
