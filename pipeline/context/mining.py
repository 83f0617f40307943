"""What was bought together: single SKUs, pairs (`pairs.py`), and sets of three and four grown from the top pairs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from pipeline.context.config import MiningConfig
from pipeline.context.history import History
from pipeline.context.pairs import Pairs, basket_weights, count_pairs, pair_strength, weighted_count
from pipeline.keys import is_first, packed


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
    counts = np.asarray(joint.data, dtype=np.int32)
    near = np.flatnonzero(counts >= max(min_count, _least_count(counts, (sets.shape[1] + 1) * (max_sets + len(sets)))))
    row, col, count = joint.row[near], joint.col[near], counts[near]
    fresh = (sets[row] != col[:, None]).all(axis=1)
    grown = np.sort(np.column_stack([sets[row[fresh]], col[fresh]]).astype(np.int32), axis=1)
    items, count = _distinct(grown, count[fresh])
    most = np.flatnonzero(count >= _least_count(count, max_sets))
    grown_sets = _ordered(items[most], count[most])
    return ItemSets(grown_sets.items[:max_sets], grown_sets.count[:max_sets])


def _distinct(sets: NDArray[np.int32], count: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Each set once, with its count: equal sets have equal counts."""
    key = packed(*sets.T)
    order = np.argsort(key)
    once = order[is_first(key[order])]
    return sets[once], count[once]


def _least_count(counts: NDArray[np.int32], most: int) -> int:
    """The least of the `most` greatest counts, of which there are few distinct ones; 0 where there are no more."""
    if len(counts) <= most:
        return 0
    as_many = np.bincount(counts)[::-1].cumsum()
    return int(len(as_many) - 1 - np.searchsorted(as_many, most))


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
