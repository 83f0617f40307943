"""One exact counter: pairs by a sparse product, larger sets by extending the top pairs.

Counts are exact over all orders of the window. Mega-baskets distort ranking, not counts: `Pairs.weight`
is the count with each basket of more than `mega_basket` SKUs weighing `mega_basket / size`.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.sparse import csc_array, csr_array

from pipeline.context.association import shrunk_lift
from pipeline.context.history import History
from pipeline.keys import is_first, packed

BLOCK_CELLS = 4_000_000
"""Pair events of one block of the product: what bounds its memory."""
WEIGHT_STEP = 2.0**-14
"""Weights of baskets are multiples of it: sums of them are exact, in whatever order they are made."""


class MiningConfig(BaseModel):
    """What is counted, and how far."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["sparse", "mlxtend"] = "sparse"
    """`mlxtend` counts with its fpgrowth instead: the same sets, 10-140 times slower."""
    window_days: Annotated[int, Field(ge=1)] = 365
    """Days before the run's day whose orders are mined."""
    half_life_days: Annotated[float, Field(ge=1)] = 91.0
    """Age at which an order counts half in what a bundle reaches lately; a quarter of a year."""
    mega_basket: Annotated[int, Field(ge=2)] = 100
    """Baskets of more SKUs than this weigh less in ranking."""
    max_pairs: Annotated[int, Field(ge=1)] = 400_000
    """Most pairs to keep; the least count rises until they fit."""
    extended_pairs: Annotated[int, Field(ge=1)] = 1_500
    """Top pairs that are extended to sets of three, and top threes to sets of four."""
    max_sets: Annotated[int, Field(ge=1)] = 10_000
    """Most sets of three, and as many of four: those of the most orders."""
    min_set_count: Annotated[int, Field(ge=2)] = 3
    """Fewest orders that must hold a set of three or more."""


@dataclass(frozen=True, slots=True)
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
        keys = self.a.astype(np.int64) * self.products + self.b
        if not len(keys):
            return np.full(low.shape, -1, dtype=np.intp)
        wanted = low * self.products + high
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[place] == wanted, place, -1)


@dataclass(frozen=True, slots=True)
class ItemSets:
    """Sets of three and four that were bought together, most orders first, ties by items."""

    items: NDArray[np.int32]
    """`(k, 4)` ascending SKUs, −1 where a set has no further member."""
    count: NDArray[np.int32]
    """`(k,)` orders with every member."""

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Mined:
    """What orders say about products being bought together."""

    item_orders: NDArray[np.int32]
    """`(n,)` orders of each SKU."""
    item_weight: NDArray[np.float64]
    """`(n,)` the same, mega-baskets weighing less."""
    total_weight: float
    """All orders, mega-baskets weighing less."""
    pairs: Pairs
    sets: ItemSets


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


def extend(columns: csc_array, rows: csr_array, sets: NDArray[np.int32], min_count: int, max_sets: int) -> ItemSets:
    """Grow each set by one SKU.

    Args:
        columns: `(m, n)` baskets by SKU, as columns.
        rows: The same, as rows.
        sets: `(k, s)` distinct sets, ascending.
        min_count: Fewest orders of a grown set.
        max_sets: Most sets to return: those of the most orders, equal ones by items.

    Returns:
        Distinct grown sets of `s + 1` members with their exact counts.
    """
    holds = columns[:, sets[:, 0]]
    for place in range(1, sets.shape[1]):
        holds = holds.multiply(columns[:, sets[:, place]])
    joint = (holds.T.tocsr() @ rows).tocoo()
    # A grown set of s members is found at most s times, and each set to grow finds its own s − 1 members.
    least = max(min_count, _least_of_top(joint.data, (sets.shape[1] + 1) * (max_sets + len(sets))))
    near = np.flatnonzero(joint.data >= least)
    row, col, count = joint.row[near], joint.col[near], joint.data[near].astype(np.int32)
    fresh = (sets[row] != col[:, None]).all(axis=1)
    grown = np.sort(np.column_stack([sets[row[fresh]], col[fresh]]).astype(np.int32), axis=1)
    items, count = _distinct(grown, count[fresh])
    most = np.flatnonzero(count >= _least_of_top(count, max_sets))
    grown_sets = _ordered(items[most], count[most])
    return ItemSets(grown_sets.items[:max_sets], grown_sets.count[:max_sets])


def _distinct(sets: NDArray[np.int32], count: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Each set once, with its count: equal sets have equal counts."""
    key = packed(*sets.T)
    order = np.argsort(key)
    once = order[is_first(key[order])]
    return sets[once], count[once]


def _least_of_top(values: NDArray[np.number], most: int) -> float:
    """The least of the `most` greatest values; 0 where there are no more than that."""
    return float(np.partition(values, len(values) - most)[len(values) - most]) if len(values) > most else 0.0


def _ordered(items: NDArray[np.int32], count: NDArray[np.int32]) -> ItemSets:
    order = np.lexsort((*items.T[::-1], -count)) if len(items) else np.zeros(0, dtype=np.intp)
    return ItemSets(items[order], count[order])


def extend_top_pairs(
    matrix: csr_array, mined_pairs: Pairs, strength: NDArray[np.float64], config: MiningConfig
) -> ItemSets:
    """Sets of three and four grown from the strongest pairs."""
    columns = matrix.tocsc()
    usable = np.flatnonzero(mined_pairs.count >= config.min_set_count)
    usable = usable[strength[usable] >= _least_of_top(strength[usable], config.extended_pairs)]
    top = usable[np.argsort(-strength[usable], kind="stable")[: config.extended_pairs]]
    levels = []
    sets = np.column_stack([mined_pairs.a[top], mined_pairs.b[top]]).astype(np.int32)
    for _ in range(2):
        if not len(sets):
            break
        grown = extend(columns, matrix, sets, config.min_set_count, config.max_sets)
        levels.append(grown)
        sets = grown.items[: config.extended_pairs]
    items = [np.pad(level.items, ((0, 0), (0, 4 - level.items.shape[1])), constant_values=-1) for level in levels]
    if not items:
        return ItemSets(np.zeros((0, 4), dtype=np.int32), np.zeros(0, dtype=np.int32))
    return _ordered(np.concatenate(items), np.concatenate([level.count for level in levels]))


def mine(history: History, config: MiningConfig) -> Mined:
    """Count single SKUs, pairs, and sets of three and four grown from the strongest pairs."""
    matrix = history.matrix()
    weights = basket_weights(history.sizes, config.mega_basket)
    item_orders = np.bincount(history.item, minlength=history.products).astype(np.int32)
    item_weight = weighted_count(history.item, weights[history.basket], history.products)
    if config.engine == "mlxtend":
        from pipeline.context.itemsets_mlxtend import fpgrowth_pairs

        pairs = fpgrowth_pairs(matrix, weights, config.max_pairs)
    else:
        pairs = count_pairs(matrix, weights, config.max_pairs)
    total = float(weights.sum())
    strength = pair_strength(pairs, item_weight, total)
    return Mined(item_orders, item_weight, total, pairs, extend_top_pairs(matrix, pairs, strength, config))
