"""Pinned products get a place: bundles of the list make room for those that hold them.

The search for a portfolio knows nothing of pins. Where its list lacks a pinned product that some candidate holds, the
candidate replaces the bundle that is missed least, and the list keeps its constraints: as many bundles, a SKU in as
many, no near-duplicates, expected sales within stock, and, where that is possible, every objective and type reached.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.frame import incidence
from pipeline.config import RunConfig
from pipeline.context.store import StoreContext
from pipeline.plan import Plan
from pipeline.selection.dedup import KEPT
from pipeline.selection.judged import Judged
from pipeline.selection.scoring import expected_units
from pipeline.selection.select import REASONS, Selection, in_order, objective_codes, type_codes
from pipeline.terms import Reason

NOBODY = -1
"""Stands for the bundle that leaves where the list has room."""

MOST_AT_ONCE = 4_000
"""Candidates tried at a time: what bounds memory."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a list must keep."""

    limit: int
    per_sku: int
    per_objective: int
    jaccard: float
    """Near-duplicates within a type are at least so alike."""


def place_pins(context: StoreContext, judged: Judged, selection: Selection, plan: Plan, config: RunConfig) -> Selection:
    """The selection with a place for every pinned product that can have one.

    Candidates that hold the most pinned products without a place go first, then the highest score, then input order;
    of the bundles that may leave, the one of the lowest score does, the later one of equals.
    """
    rules = context.shop.rules
    if rules is None or not rules.pinned.any():
        return selection
    portfolio = config.portfolio.model_copy(update={"limit": plan.limit})
    bounds = Bounds(plan.limit, portfolio.per_sku, portfolio.per_objective, config.dedup.jaccard)
    room = _Room(context, judged, selection.chosen, bounds)
    refused = ~judged.verdicts.passed
    while True:
        gain = room.pins_gained(rules.pinned)
        gain[refused] = 0
        if not gain.any():
            break
        candidates = np.lexsort((-judged.scores.score, -gain))[: int((gain > 0).sum())]
        swap = room.first_swap(candidates, rules.pinned)
        if swap is None:
            break
        room.swap(*swap)
    return _reordered(context, judged, selection, np.array(room.rows, dtype=np.intp), config)


class _Room:
    """The list as it stands, and what may be exchanged in it."""

    def __init__(self, context: StoreContext, judged: Judged, chosen: NDArray[np.intp], bounds: Bounds) -> None:
        self.rows = [int(row) for row in chosen]
        self._judged, self._bounds = judged, bounds
        self._items = judged.found.items
        self._held = self._items >= 0
        self._safe = np.where(self._held, self._items, 0)
        self._units = np.where(self._held, expected_units(context, judged.found, judged.counts), 0.0)
        self._stock = np.where(context.shop.stock > 0, context.shop.stock, np.inf)
        self._objective = objective_codes()[judged.combo]
        self._kind = type_codes()[judged.combo]
        self._member = incidence(self._items, context.history.products)

    def pins_gained(self, pinned: NDArray[np.bool_]) -> NDArray[np.int64]:
        """`(k,)` pinned products of each candidate that no bundle of the list holds."""
        missing = pinned & ~self._present(self.rows)
        return np.asarray((missing[self._safe] & self._held).sum(axis=1))

    def first_swap(self, candidates: NDArray[np.intp], pinned: NDArray[np.bool_]) -> tuple[int, int] | None:
        """The first candidate that may come in, and who leaves for it.

        First with every objective and type of the list still reached and no objective above its share, then without.
        """
        leavers = [NOBODY] if len(self.rows) < self._bounds.limit else self._by_score()
        for is_strict in (True, False):
            for at in range(0, len(candidates), MOST_AT_ONCE):
                some = candidates[at : at + MOST_AT_ONCE]
                fits = np.column_stack([self._fits(some, leaver, pinned, is_strict) for leaver in leavers])
                if fits.any():
                    first = int(np.argmax(fits.any(axis=1)))
                    return int(some[first]), leavers[int(np.argmax(fits[first]))]
        return None

    def swap(self, comes: int, leaves: int) -> None:
        """Let one candidate in, and another out."""
        self.rows = [row for row in self.rows if row != leaves] + [comes]

    def _by_score(self) -> list[int]:
        place = np.argsort(self._judged.scores.score[self.rows][::-1], kind="stable")
        return [self.rows[::-1][at] for at in place]

    def _present(self, rows: list[int]) -> NDArray[np.bool_]:
        present = np.zeros(len(self._stock), dtype=bool)
        present[self._items[rows][self._held[rows]]] = True
        return present

    def _fits(
        self, some: NDArray[np.intp], leaver: int, pinned: NDArray[np.bool_], is_strict: bool
    ) -> NDArray[np.bool_]:
        """Which of the candidates `some` the list may take when `leaver` goes."""
        rest = [row for row in self.rows if row != leaver]
        if leaver != NOBODY and (pinned & self._present(self.rows) & ~self._present(rest)).any():
            given_up = pinned & self._present(self.rows) & ~self._present(rest)
            kept = (given_up[self._safe[some]] & self._held[some]).sum(axis=1) == given_up.sum()
        else:
            kept = np.ones(len(some), dtype=bool)
        fits = kept & self._within_bounds(some, rest) & ~self._is_twin(some, rest)
        return fits & self._keeps_variety(some, rest) if is_strict else fits

    def _within_bounds(self, some: NDArray[np.intp], rest: list[int]) -> NDArray[np.bool_]:
        """A SKU in at most so many bundles, and expected sales within stock."""
        times, sold = np.zeros(len(self._stock)), np.zeros(len(self._stock))
        np.add.at(times, self._items[rest][self._held[rest]], 1)
        np.add.at(sold, self._items[rest][self._held[rest]], self._units[rest][self._held[rest]])
        safe, held = self._safe[some], self._held[some]
        often = (times[safe] + 1 > self._bounds.per_sku) & held
        short = (sold[safe] + self._units[some] > self._stock[safe]) & held
        return np.asarray(~(often | short).any(axis=1))

    def _is_twin(self, some: NDArray[np.intp], rest: list[int]) -> NDArray[np.bool_]:
        """Near-duplicates, within a type, of what stays in the list; and what is in it already."""
        if not rest:
            return np.zeros(len(some), dtype=bool)
        common = np.asarray((self._member[some] @ self._member[rest].T).todense(), dtype=np.float64)
        size = self._held.sum(axis=1)
        jaccard = common / (size[some][:, None] + size[rest][None, :] - common)
        alike = (jaccard >= self._bounds.jaccard) & (self._kind[some][:, None] == self._kind[rest][None, :])
        return np.asarray(alike.any(axis=1))

    def _keeps_variety(self, some: NDArray[np.intp], rest: list[int]) -> NDArray[np.bool_]:
        """Every objective and type of the list is still in it, and no objective takes more than its share."""
        served = np.bincount(self._objective[rest], minlength=int(self._objective.max()) + 1)
        fits = served[self._objective[some]] + 1 <= self._bounds.per_objective
        for codes in (self._objective, self._kind):
            lost = np.setdiff1d(codes[self.rows], codes[rest])
            if len(lost):
                fits &= (codes[some] == lost[0]) & (len(lost) == 1)
        return np.asarray(fits)


def _reordered(
    context: StoreContext, judged: Judged, selection: Selection, rows: NDArray[np.intp], config: RunConfig
) -> Selection:
    """The selection of `rows`, ranked by marginal relevance; unchanged rows keep their order."""
    if set(rows.tolist()) == set(selection.chosen.tolist()):
        return selection
    taken = np.sort(rows)
    reason, owner = selection.reason.copy(), selection.owner.copy()
    reason[selection.chosen] = REASONS.index(Reason.NOT_SELECTED)
    reason[taken], owner[taken] = -1, KEPT
    order = in_order(context, judged.take(taken), config)
    return replace(selection, chosen=taken[order], reason=reason, owner=owner)
