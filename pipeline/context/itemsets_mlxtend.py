"""The one door to mlxtend: frequent itemsets by its fpgrowth, and its association rules, as arrays of SKUs.

mlxtend reads dense frames (a byte for each basket and SKU) and takes 6-13 µs an order line, far more where frequent
pairs abound: callers guard the cost. It is imported when called, since it brings pandas and matplotlib along.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.context.pairs import Pairs, keep_most_bought, least_count


@dataclass(frozen=True, slots=True)
class FrequentItemsets:
    """Sets of SKUs in enough orders, smaller sets first, then ascending by members. All columns have length `k`."""

    items: NDArray[np.int32]
    """`(k, max_len)` ascending SKUs, padded with −1."""
    count: NDArray[np.int32]
    """Orders with every member."""

    def __len__(self) -> int:
        return len(self.items)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """`(k,)` members of each set."""
        return np.asarray((self.items >= 0).sum(axis=1))


@dataclass(frozen=True, slots=True)
class Rules:
    """Who bought the antecedent also bought the consequent. All columns have length `r`, in mlxtend's order."""

    antecedent: NDArray[np.int32]
    """`(r, max_len)` ascending SKUs, padded with −1."""
    consequent: NDArray[np.int32]
    """`(r, max_len)` ascending SKUs, padded with −1."""
    count: NDArray[np.int32]
    """Orders with both sides."""
    confidence: NDArray[np.float64]
    lift: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.count)


def frequent_itemsets(matrix: csr_array, min_count: int, max_len: int) -> FrequentItemsets:
    """Every set of at most `max_len` SKUs that at least `min_count` baskets hold, counted by fpgrowth.

    SKUs below `min_count` are left out of the frame, which changes no set. The threshold is passed as
    `(min_count − 0.5) / m`: mlxtend rounds `min_count / m · m` up, and would lose sets of exactly `min_count`.

    Args:
        matrix: `(m, n)` ones where a basket holds a SKU.
        min_count: Fewest baskets, at least 1.
        max_len: Most SKUs of a set.
    """
    from mlxtend.frequent_patterns import fpgrowth

    baskets = matrix.shape[0]
    kept = np.flatnonzero(matrix.sum(axis=0) >= min_count)
    if not baskets or not len(kept):
        return FrequentItemsets(np.zeros((0, max_len), dtype=np.int32), np.zeros(0, dtype=np.int32))
    frame = pd.DataFrame(matrix[:, kept].toarray().astype(bool), columns=kept)
    found = fpgrowth(frame, min_support=(min_count - 0.5) / baskets, use_colnames=True, max_len=max_len)
    items = _padded(found["itemsets"], max_len)
    count = np.rint(found["support"].to_numpy(dtype=np.float64) * baskets).astype(np.int32)
    order = np.lexsort((*items.T[::-1], (items >= 0).sum(axis=1)))
    return FrequentItemsets(items[order], count[order])


def fpgrowth_pairs(matrix: csr_array, weights: NDArray[np.float64], max_pairs: int) -> Pairs:
    """The same pairs as `pipeline.context.pairs.count_pairs`, counted by fpgrowth.

    Args:
        matrix: `(m, n)` ones where a basket holds a SKU.
        weights: `(m,)` weight of each basket in ranking.
        max_pairs: Most pairs to keep: the least count rises until they fit.
    """
    least = least_count(np.diff(matrix.indptr).astype(np.int64), max_pairs)
    found = frequent_itemsets(matrix, least, 2)
    is_pair = found.sizes == 2
    a, b = found.items[is_pair].T
    columns = matrix.tocsc()
    together = columns[:, a].multiply(columns[:, b]).tocsc()
    weight = np.asarray(np.round(weights @ together, 9), dtype=np.float64)
    return keep_most_bought(Pairs(a, b, found.count[is_pair], weight, least, matrix.shape[1]), max_pairs)


def rules(itemsets: FrequentItemsets, baskets: int, min_lift: float = 1.0) -> Rules:
    """Every split of every set into two sides whose lift is at least `min_lift`.

    Args:
        itemsets: Sets with all their subsets, as `frequent_itemsets` gives them, of any miner.
        baskets: Baskets that were counted.
        min_lift: Least lift of a rule.
    """
    from mlxtend.frequent_patterns import association_rules

    width = itemsets.items.shape[1]
    if not (itemsets.sizes >= 2).any():
        empty = np.zeros((0, width), dtype=np.int32)
        return Rules(empty, empty, np.zeros(0, dtype=np.int32), np.zeros(0), np.zeros(0))
    names = [frozenset(row[:size]) for row, size in zip(itemsets.items.tolist(), itemsets.sizes.tolist(), strict=True)]
    frame = pd.DataFrame({"itemsets": names, "support": itemsets.count / baskets})
    with np.errstate(invalid="ignore"):  # it also computes measures that we don't read, and divides by zero for some
        found = association_rules(
            frame, metric="lift", min_threshold=min_lift, return_metrics=["support", "confidence", "lift"]
        )
    return Rules(
        antecedent=_padded(found["antecedents"], width),
        consequent=_padded(found["consequents"], width),
        count=np.rint(found["support"].to_numpy(dtype=np.float64) * baskets).astype(np.int32),
        confidence=found["confidence"].to_numpy(dtype=np.float64),
        lift=found["lift"].to_numpy(dtype=np.float64),
    )


def _padded(sets: Iterable[Iterable[int]], width: int) -> NDArray[np.int32]:
    """`(k, width)` members in ascending order, padded with −1."""
    rows = [sorted(members) for members in sets]
    padded = np.full((len(rows), width), -1, dtype=np.int32)
    sizes = np.array([len(row) for row in rows], dtype=np.intp)
    padded[np.arange(width) < sizes[:, None]] = [member for row in rows for member in row]
    return padded
