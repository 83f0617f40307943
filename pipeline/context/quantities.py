"""Quantity breaks of every product, or family of variants at one price, in one pass over the orders."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.context.config import VolumeConfig
from pipeline.context.history import History

BREAKS = 3
"""Most quantity breaks of a VOLUME offer."""

ROUND = np.array(
    [2, 3, 4, 5, 6, 8, 10, 12, 15, 18, 20, 24, 30, 36, 40, 48, 50, 60, 72, 80, 96, 100, 120, 144, 150, 200, 240, 250,
     300, 360, 400, 480, 500, 600, 720, 750, 800, 960]
    + [step * scale for scale in (1_000, 10_000, 100_000) for step in (1, 2, 3, 4, 5, 6, 8)]
)  # fmt: skip
"""Quantities that a shop writes on a price list: small numbers, dozens, tens."""

MOST_VARIANTS = 8
"""Families of more variants are sold one by one."""


@dataclass(frozen=True, slots=True)
class QuantityBreaks:
    """What is sold by quantity. Columns `(n,)`."""

    group: NDArray[np.int32]
    """SKU that names the group each SKU is sold by quantity with: itself, or its family's first."""
    orders: NDArray[np.int32]
    """Orders of the group, at its naming SKU; 0 elsewhere."""
    breaks: NDArray[np.int32]
    """`(n, BREAKS)` at the naming SKU: strictly rising, 0 padded; all 0 where there are none."""


def families_at_one_price(family: NDArray[np.int32], price: NDArray[np.float64]) -> NDArray[np.int32]:
    """`(n,)` the first SKU of each SKU's family where all its variants cost the same, else the SKU itself."""
    own = np.arange(len(family))
    width = int(family.max(initial=-1)) + 1
    first = np.full(width, len(family), dtype=np.int64)
    np.minimum.at(first, family, own)
    low, high = np.full(width, np.inf), np.full(width, -np.inf)
    with np.errstate(invalid="ignore"):  # a price that is not known is the same as no other
        np.minimum.at(low, family, price)
        np.maximum.at(high, family, price)
    together = (low == high) & (np.bincount(family, minlength=width) <= MOST_VARIANTS)
    return np.where(together[family], first[family], own).astype(np.int32)


def round_down(quantity: NDArray[np.int64], above: NDArray[np.float64]) -> NDArray[np.int64]:
    """The nearest of `ROUND` that is at most `quantity` and more than `above`; where there is none, `quantity`.

    >>> round_down(np.array([32, 32, 7]), np.array([20.0, 31.0, 6.0])).tolist()
    [30, 32, 7]
    """
    lower = ROUND[np.maximum(np.searchsorted(ROUND, quantity, side="right") - 1, 0)]
    return np.where((lower > above) & (lower <= quantity), lower, quantity)


def quantity_breaks(
    history: History, family: NDArray[np.int32], price: NDArray[np.float64], config: VolumeConfig
) -> QuantityBreaks:
    """Breaks at percentiles of order quantity, above the median, where quantities differ at all.

    A percentile of `k` ordered quantities is the one at `ceil(p · (k − 1))`: a quantity that was really ordered, and
    from there down to a round one, as far as the median allows.
    """
    group = families_at_one_price(family, price)
    cells, place = np.unique(group[history.item] * np.int64(max(len(history), 1)) + history.basket, return_inverse=True)
    units = np.bincount(place, weights=history.quantity).astype(np.int64)
    owner = (cells // max(len(history), 1)).astype(np.int64)
    order = np.lexsort((units, owner))
    units, owner = units[order], owner[order]
    orders = np.bincount(owner, minlength=history.products)
    start = np.cumsum(orders) - orders
    usable = orders >= config.min_orders
    last = np.maximum(orders - 1, 0)

    def at(share: float) -> NDArray[np.int64]:
        """The quantity at a share of each usable group's ordered quantities."""
        return units[(start + np.ceil(share * last).astype(np.int64))[usable]]

    median = (at(0.5) + units[(start + np.floor(0.5 * last).astype(np.int64))[usable]]) / 2 if usable.any() else 0
    found = np.zeros((history.products, BREAKS), dtype=np.int64)
    if usable.any():
        steps = np.stack([at(percentile / 100) for percentile in config.percentiles], axis=1)
        steps = round_down(steps, np.asarray(median)[:, None])
        steps[(steps <= np.asarray(median)[:, None]) | (steps < 2) | (steps > config.max_quantity)] = 0
        steps[:, 1:][steps[:, 1:] == steps[:, :-1]] = 0
        # Zeros go to the end, so that breaks stay in a row.
        found[usable] = np.take_along_axis(steps, np.argsort(steps == 0, axis=1, kind="stable"), axis=1)
    return QuantityBreaks(group, orders.astype(np.int32), found.astype(np.int32))
