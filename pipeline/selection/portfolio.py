"""Which bundles make the store's list: greedy choice by marginal gain under the constraints.

The constraints: `limit` bundles, a SKU in at most `max(2, ceil(limit / 5))` of them, every admitted objective
represented where it has a candidate, expected sales within stock. After the objectives, each bundle type gets
one place where it has a candidate, so that the list shows every way to sell. A search over objective weights is another
function of the same signature, decoded by the same constraints.
"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pipeline.selection.diversity import DiversityConfig, Likeness
from pipeline.terms import BundleType


class PortfolioConfig(BaseModel):
    """How many bundles, and what none of them may do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Annotated[int, Field(ge=1)] = 20
    """Most bundles of a run."""
    repeat_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """A SKU is in at most this share of the bundles, and in two at least."""
    demand: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Weight of how many orders a bundle reaches, beside its score, in what it is worth to the list."""

    objective_share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Greatest share of the bundles that serve one objective."""

    @property
    def per_objective(self) -> int:
        """Most bundles that may serve one objective."""
        return max(1, int(np.ceil(round(self.objective_share * self.limit, 9))))

    @property
    def per_sku(self) -> int:
        """Most bundles that may hold one SKU."""
        return max(2, int(np.ceil(round(self.repeat_share * self.limit, 9))))


HALF_REACH = {BundleType.MIX_MATCH: 0.04, BundleType.VOLUME: 0.04}
"""Share of orders at which a type reaches half; no row: 2 %. Pools and quantities are met more easily."""


def reach(support: NDArray[np.float64], half: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many orders a bundle reaches, in [0, 1]: `support / (support + half)`."""
    return np.asarray(support / (support + half))


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The `k` candidates to choose from."""

    score: NDArray[np.float64]
    """`(k,)` in [0, 1]."""
    reach: NDArray[np.float64]
    """`(k,)` how many orders it reaches, in [0, 1]."""
    items: NDArray[np.int32]
    """`(k, width)` SKUs, −1 padded."""
    units: NDArray[np.float64]
    """`(k, width)` expected units of each in 30 days."""
    objective: NDArray[np.integer]
    """`(k,)` codes."""
    kind: NDArray[np.integer]
    """`(k,)` codes of bundle types."""
    stock: NDArray[np.float64]
    """`(n,)` units that may be sold; inf where not bound to stock."""
    likeness: Likeness


class _Choice:
    """The list as it grows: what is taken, and what each further candidate would add or break."""

    def __init__(self, shortlist: Shortlist, config: PortfolioConfig, diversity: DiversityConfig) -> None:
        self._list, self._config, self._relevance = shortlist, config, diversity.relevance
        self._worth = (1 - config.demand) * shortlist.score + config.demand * shortlist.reach
        self._present = shortlist.items >= 0
        self._safe = np.where(self._present, shortlist.items, 0)
        self._served = np.zeros(int(shortlist.objective.max(initial=0)) + 1, dtype=np.int64)
        self._used = np.zeros(len(shortlist.stock), dtype=np.int64)
        self._sold = np.zeros(len(shortlist.stock))
        self._closest = np.zeros(len(shortlist.score))
        self._left = np.ones(len(shortlist.score), dtype=bool)
        self.taken: list[int] = []

    def take_best(self, among: NDArray[np.bool_]) -> bool:
        """Take the allowed candidate with the greatest gain, the first of equal ones; False where there is none."""
        if len(self.taken) >= self._config.limit:
            return False
        allowed = np.flatnonzero(among & self._left & self._keeps_constraints())
        if not len(allowed):
            return False
        gain = self._relevance * self._worth[allowed] - (1 - self._relevance) * self._closest[allowed]
        self._take(int(allowed[np.argmax(np.round(gain, 9))]))
        return True

    def _keeps_constraints(self) -> NDArray[np.bool_]:
        free = ((self._used[self._safe] < self._config.per_sku) | ~self._present).all(axis=1)
        enough = self._sold[self._safe] + self._list.units <= self._list.stock[self._safe]
        free &= self._served[self._list.objective] < self._config.per_objective
        return np.asarray(free & (enough | ~self._present).all(axis=1))

    def _take(self, place: int) -> None:
        """Put the candidate at `place` on the list."""
        members = self._list.items[place][self._present[place]]
        self._used[members] += 1
        self._sold[members] += self._list.units[place][self._present[place]]
        self._closest = np.maximum(self._closest, self._list.likeness.to(place))
        self._left[place] = False
        self._served[self._list.objective[place]] += 1
        self.taken.append(place)


def choose_greedily(
    shortlist: Shortlist, objectives: NDArray[np.integer], config: PortfolioConfig, diversity: DiversityConfig
) -> NDArray[np.intp]:
    """Fill the list one by one: first the best of each objective, then of each type, then whatever adds most.

    Args:
        shortlist: `k` candidates.
        objectives: Codes of the admitted objectives, the most needed first.
        config: Size of the list and its constraints.
        diversity: Weight of score against likeness to what was taken.

    Returns:
        Positions of the chosen candidates, in order of choice. Equal gains are taken in input order.
    """
    choice = _Choice(shortlist, config, diversity)
    for code in objectives:
        choice.take_best(shortlist.objective == code)
    for kind in np.unique(shortlist.kind):
        if kind not in shortlist.kind[choice.taken]:
            choice.take_best(shortlist.kind == kind)
    while choice.take_best(np.ones(len(shortlist.score), dtype=bool)):
        pass
    return np.array(choice.taken, dtype=np.intp)
