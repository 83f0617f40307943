"""What the members of candidates are worth and cost, before any discount."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.frame import WIDTH, Proposals
from pipeline.context.store import Shop


@dataclass(frozen=True, slots=True)
class Parts:
    """Members of `k` candidates, `(k, WIDTH)` each, 0 where there is none. Money in minor units."""

    value: NDArray[np.int64]
    """quantity × price"""
    known: NDArray[np.int64]
    """the same where the cost is known"""
    cost: NDArray[np.float64]
    """quantity × cost where known"""

    def cost_ratio(self) -> NDArray[np.float64]:
        """`(k,)` cost over price of the known parts; NaN where none is known."""
        return _ratio(self.cost.sum(axis=1), self.known.sum(axis=1))

    def worst_cost_ratio(self, pick: NDArray[np.int8]) -> NDArray[np.float64]:
        """`(k,)` the same; for a pool that of the pick that costs most."""
        ratio = self.cost_ratio()
        for size in np.unique(pick[pick > 0]):
            rows = np.flatnonzero(pick == size)
            choice = np.array(list(combinations(range(WIDTH), int(size))))
            held = (self.value[rows][:, choice] > 0).all(axis=2)
            each = _ratio(self.cost[rows][:, choice].sum(axis=2), self.known[rows][:, choice].sum(axis=2))
            worst = np.where(held & ~np.isnan(each), each, -np.inf).max(axis=1)
            ratio[rows] = np.where(np.isneginf(worst), np.nan, worst)
        return ratio

    def known_share(self) -> NDArray[np.float64]:
        """`(k,)` share of the list price whose cost is known, in [0, 1]."""
        return np.asarray(self.known.sum(axis=1) / np.maximum(self.value.sum(axis=1), 1))

    def only(self, place: int) -> "Parts":
        """The members at one place alone."""
        at = slice(place, place + 1)
        return Parts(self.value[:, at], self.known[:, at], self.cost[:, at])


def parts_of(found: Proposals, shop: Shop) -> Parts:
    """The members of candidates at list price.

    Args:
        found: `k` candidates.
        shop: The catalog.
    """
    present = found.items >= 0
    safe = np.where(present, found.items, 0)
    value = np.where(present, found.quantity * shop.unit[safe], 0)
    cost = shop.cost[safe]
    has_cost = present & ~np.isnan(cost)
    scale = shop.unit[safe] / np.where(shop.price[safe] > 0, shop.price[safe], 1.0)
    return Parts(value, np.where(has_cost, value, 0), np.where(has_cost, found.quantity * cost * scale, 0.0))


def _ratio(cost: NDArray[np.float64], known: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(cost, known, out=np.full(cost.shape, np.nan), where=known > 0)
