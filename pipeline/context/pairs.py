"""One exact counter of pairs: a sparse product.

Counts are exact over all orders of the window. Mega-baskets distort ranking, not counts: `Pairs.weight`
is the count with each basket of more than `mega_basket` SKUs weighing `mega_basket / size`.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.context.association import shrunk_lift

BLOCK_CELLS = 4_000_000
"""Pair events of one block of the product: what bounds its memory."""
WEIGHT_STEP = 2.0**-14
"""Weights of baskets are multiples of it: sums of them are exact, in whatever order they are made."""


@dataclass(frozen=True)
class Pairs:
    """Pairs bought together, ordered by `(a, b)` with `a < b`. All columns `(p,)`."""

    a: NDArray[np.int32]
    b: NDArray[np.int32]
    count: NDArray[np.int32]
    """Orders with both."""
    weight: NDArray[np.float64]
    """The same, mega-baskets weighing less."""
    min_count: int
    """Pairs of fewer orders were not kept."""
    products: int

    def __len__(self) -> int:
        return len(self.a)

    def find(self, first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.intp]:
        """Positions of the pairs `(first, second)` in either order; −1 where a pair was not kept."""
        low, high = np.minimum(first, second).astype(np.int64), np.maximum(first, second).astype(np.int64)
        if not len(self):
            return np.full(low.shape, -1, dtype=np.intp)
        wanted = low * self.products + high
        place = np.minimum(np.searchsorted(self._keys, wanted), len(self) - 1)
        return np.where(self._keys[place] == wanted, place, -1)

    @cached_property
    def _keys(self) -> NDArray[np.int64]:
        """`(p,)` ascending."""
        return self.a.astype(np.int64) * self.products + self.b


def basket_weights(sizes: NDArray[np.int64], mega_basket: int) -> NDArray[np.float64]:
    """`(m,)` weight of each basket in ranking: 1, above that size `mega_basket / size`, in steps of `WEIGHT_STEP`."""
    exact = np.minimum(1.0, mega_basket / np.maximum(sizes, 1))
    return np.asarray(np.ceil(exact / WEIGHT_STEP) * WEIGHT_STEP, dtype=np.float64)


def least_count(sizes: NDArray[np.int64], max_pairs: int) -> int:
    """Fewest orders of a pair worth counting: pairs of one order are left out where they would be far too many."""
    return 1 if int((sizes * (sizes - 1)).sum()) // 2 <= 4 * max_pairs else 2


def keep_most_bought(pairs: Pairs, max_pairs: int) -> Pairs:
    """The pairs of the least count that leaves at most `max_pairs`."""
    while len(pairs) > max_pairs:
        least = pairs.min_count + 1
        keep = pairs.count >= least
        columns = (pairs.a[keep], pairs.b[keep], pairs.count[keep], pairs.weight[keep])
        pairs = Pairs(*columns, least, pairs.products)
    return pairs


def count_pairs(matrix: csr_array, weights: NDArray[np.float64], max_pairs: int) -> Pairs:
    """Count every pair of SKUs over all baskets.

    Args:
        matrix: `(m, n)` ones where a basket holds a SKU.
        weights: `(m,)` weight of each basket in ranking.
        max_pairs: Most pairs to keep: the least count rises until they fit.

    Returns:
        Exact counts of all pairs with at least `min_count` orders.
    """
    products = matrix.shape[1]
    sizes = np.diff(matrix.indptr).astype(np.int64)
    least = least_count(sizes, max_pairs)
    events = weighted_count(matrix.indices, np.repeat(sizes, sizes), products)
    tally = _Tally(2.0 ** (len(sizes) + 1).bit_length())
    by_item = matrix.T.tocsr().astype(np.float64)
    tallied = csr_array((np.repeat(tally.of(weights), sizes), matrix.indices, matrix.indptr), shape=matrix.shape)
    ends = [0, *_block_ends(events).tolist(), products]
    parts = [_pairs_of_rows(by_item, tallied, *block, tally, least) for block in pairwise(ends)]
    a, b, count, weight = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return keep_most_bought(Pairs(a, b, count, weight, least, products), max_pairs)


def weighted_count(
    item: NDArray[np.int32], weight: NDArray[np.floating | np.integer], products: int
) -> NDArray[np.float64]:
    """`(products,)` sum of the weights of each SKU's cells."""
    return np.bincount(item, weights=weight, minlength=products).astype(np.float64)


def _block_ends(events: NDArray[np.float64]) -> NDArray[np.intp]:
    """Where to split the SKUs so that no block makes more than `BLOCK_CELLS` pair events."""
    block = (np.cumsum(events) // BLOCK_CELLS).astype(np.int64)
    return np.flatnonzero(np.diff(block)) + 1


def _pairs_of_rows(
    by_item: csr_array, tallied: csr_array, start: int, stop: int, tally: "_Tally", least: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Pairs whose first SKU is in `[start, stop)`."""
    product = by_item[start:stop] @ tallied
    first = np.repeat(np.arange(stop - start), np.diff(product.indptr))
    keep = (product.indices > first + start) & (product.data >= tally.least(least))
    # Turning a matrix round twice sorts it in linear time, and only what is kept.
    kept = csr_array((product.data[keep], (first[keep], product.indices[keep])), shape=product.shape).tocsc().tocsr()
    a = np.repeat(np.arange(start, stop, dtype=np.int32), np.diff(kept.indptr))
    return a, kept.indices.astype(np.int32), *tally.split(kept.data)


class _Tally(NamedTuple):
    """One number that counts an order and its weight: a sum of them holds both sums, exactly.

    Weights lie on a grid, so their sums are exact in any order; a count is a multiple of more than all weights.
    """

    order: float
    """A power of two above the number of orders, hence above any sum of weights."""

    def of(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.order + weights)

    def least(self, count: int) -> float:
        return self.order * count

    def split(self, sums: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        count = np.floor(sums / self.order)
        return count.astype(np.int32), sums - count * self.order


def pair_strength(pairs: Pairs, item_weight: NDArray[np.float64], total_weight: float) -> NDArray[np.float64]:
    """`(p,)` weighted shrunk lift × log2(1 + count): what deserves to be looked at first."""
    chance = item_weight[pairs.a] * item_weight[pairs.b] / max(total_weight, 1.0)
    return np.asarray(shrunk_lift(pairs.weight, chance) * np.log2(1.0 + pairs.count))
