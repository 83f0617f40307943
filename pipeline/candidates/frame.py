"""Candidates as columns: the sets that sources propose, in role order."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.columns import Columns
from pipeline.context.quantities import BREAKS
from pipeline.terms import BundleType, Tier

WIDTH = 8
"""Most products of one candidate: a pool of MIX_MATCH."""

SOURCES = (
    "association_rules",
    "itemsets",
    "top_pairs",
    "smoothed_lift",
    "semantic_neighbours",
    "category_complements",
    "popularity",
    "quantity_breaks",
    "cold_start",
    "llm",
)
"""Names of the sources; a candidate's `source` holds one bit for each."""

SIZES: dict[BundleType, tuple[int, int]] = {
    BundleType.FBT: (2, 4),
    BundleType.FIXED: (2, 5),
    BundleType.MIX_MATCH: (4, 8),
    BundleType.BXGY: (2, 2),
    BundleType.VOLUME: (1, WIDTH),
}
"""Fewest and most products of each type."""


@dataclass(frozen=True)
class Proposals(Columns):
    """What a source proposes, before anything is counted or priced. `k` rows."""

    items: NDArray[np.int32]
    """`(k, WIDTH)` SKUs in role order, the anchor first, −1 padded."""
    quantity: NDArray[np.int32]
    """`(k, WIDTH)` units of each, 0 padded."""
    pick: NDArray[np.int8]
    """`(k,)` MIX_MATCH: how many the customer picks; else 0."""
    breaks: NDArray[np.int32]
    """`(k, BREAKS)` VOLUME: quantity breaks, strictly rising, 0 padded; else 0."""
    tier: NDArray[np.int8]
    """`(k,)` strength of evidence."""
    source: NDArray[np.int32]
    """`(k,)` bits of the sources that proposed the set."""

    @property
    def size(self) -> NDArray[np.intp]:
        """`(k,)` products of each candidate."""
        return np.asarray((self.items >= 0).sum(axis=1))


def bit(source: str) -> int:
    """The bit that stands for `source`."""
    return 1 << SOURCES.index(source)


def names(bits: int) -> list[str]:
    """Names of the sources in `bits`, in listing order."""
    return [name for place, name in enumerate(SOURCES) if bits >> place & 1]


def proposals(
    items: NDArray[np.int32], tier: Tier, source: str, *, pick: NDArray[np.integer] | None = None
) -> Proposals:
    """Candidates of one unit each.

    Args:
        items: `(k, width)` sets in role order, −1 padded, `width` at most `WIDTH`.
        tier: Strength of evidence.
        source: Name of the source.
        pick: `(k,)` how many of a pool are picked; none for other types.
    """
    count = len(items)
    padded = np.full((count, WIDTH), -1, dtype=np.int32)
    padded[:, : items.shape[1]] = items
    return Proposals(
        items=padded,
        quantity=(padded >= 0).astype(np.int32),
        pick=np.zeros(count, dtype=np.int8) if pick is None else pick.astype(np.int8),
        breaks=np.zeros((count, BREAKS), dtype=np.int32),
        tier=np.full(count, tier, dtype=np.int8),
        source=np.full(count, bit(source), dtype=np.int32),
    )


@cache
def nothing() -> Proposals:
    """No candidates."""
    return proposals(np.zeros((0, 2), dtype=np.int32), Tier.RULES, SOURCES[0])


def set_keys(items: NDArray[np.int32]) -> NDArray[np.void]:
    """`(k,)` comparable keys that are equal for equal sets, whatever their role order."""
    ordered = np.ascontiguousarray(np.sort(items, axis=1))
    return ordered.view(np.dtype((np.void, ordered.dtype.itemsize * ordered.shape[1]))).ravel()


def incidence(items: NDArray[np.int32], products: int) -> csr_array:
    """`(k, products)` ones where a set holds a SKU.

    Args:
        items: `(k, width)` sets, −1 padded.
        products: Number of SKUs.
    """
    present = items >= 0
    indptr = np.zeros(len(items) + 1, dtype=np.int64)
    np.cumsum(present.sum(axis=1), out=indptr[1:])
    ones = np.ones(int(indptr[-1]), dtype=np.int32)
    return csr_array((ones, items[present], indptr), shape=(len(items), products))
