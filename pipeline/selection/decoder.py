"""Weights become a list: greedy choice under the constraints, for many weight vectors at once.

The constraints hold by construction: `limit` bundles, a SKU in at most `per_sku` and an objective in at most
`per_objective` of them, every admitted objective and then every type represented where it has a candidate, expected
sales within stock.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

EMPTY = -1
"""Stands where a list has no further bundle."""


class Aim(IntEnum):
    """What a portfolio is judged by; the columns of weights and figures."""

    REVENUE = 0
    MARGIN = 1
    INVENTORY = 2
    CROSS_SELL = 3
    CANNIBALISATION = 4
    COVERAGE = 5


ADDITIVE = 4
"""The first aims are sums over bundles; the others hang on the whole list."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The `k` candidates that lists are decoded from."""

    values: NDArray[np.float64]
    """`(k, ADDITIVE)` what each adds to an additive aim, in [0, 1]."""
    score: NDArray[np.float64]
    """`(k,)` in [0, 1]."""
    likeness: NDArray[np.float64]
    """`(k, k)` likeness of every two, in [0, 1]."""
    items: NDArray[np.int32]
    """`(k, width)` positions in `stock`, −1 padded."""
    units: NDArray[np.float64]
    """`(k, width)` expected units of each in 30 days."""
    objective: NDArray[np.integer]
    """`(k,)` codes."""
    kind: NDArray[np.integer]
    """`(k,)` codes of bundle types."""
    stock: NDArray[np.float64]
    """`(s,)` units that may be sold of each SKU of the pool; inf where not bound to stock."""

    def __len__(self) -> int:
        return len(self.score)


class Bounds(NamedTuple):
    """The constraints of a list."""

    limit: int
    per_sku: int
    per_objective: int
    objectives: tuple[int, ...]
    """Codes of the admitted objectives, the most needed first."""


class _Holders(NamedTuple):
    """Which candidates hold each SKU, as CSR: candidate and the units it would sell."""

    indptr: NDArray[np.int64]
    candidate: NDArray[np.int64]
    units: NDArray[np.float64]


def _holders(pool: Pool) -> _Holders:
    row, place = np.nonzero(pool.items >= 0)
    sku = pool.items[row, place]
    order = np.argsort(sku, kind="stable")
    indptr = np.zeros(len(pool.stock) + 1, dtype=np.int64)
    np.cumsum(np.bincount(sku, minlength=len(pool.stock)), out=indptr[1:])
    return _Holders(indptr, row[order], pool.units[row, place][order])


def _scarce(pool: Pool, holders: _Holders, per_sku: int) -> NDArray[np.bool_]:
    """`(s,)` SKUs that a list could sell out of: `per_sku` bundles of the greatest of their units."""
    most = np.zeros(len(pool.stock))
    np.maximum.at(most, np.repeat(np.arange(len(most)), np.diff(holders.indptr)), holders.units)
    return np.asarray(per_sku * most > pool.stock)


class Decoder:
    """Decodes weights into lists over one pool."""

    def __init__(self, pool: Pool, bounds: Bounds, quality: float, relevance: float) -> None:
        """Prepare a pool.

        Args:
            pool: The candidates.
            bounds: The constraints.
            quality: Share of the score in what a candidate is worth, beside the weighted aims.
            relevance: λ: weight of worth against likeness to what was taken.
        """
        self.pool, self.bounds, self.relevance = pool, bounds, relevance
        self._quality = quality
        self.holders = _holders(pool)
        self.likeness = _on_grid(pool.likeness, 24)
        self.alone = (np.where(pool.items >= 0, pool.units, 0) > pool.stock[np.maximum(pool.items, 0)]).any(axis=1)
        self.scarce = _scarce(pool, self.holders, bounds.per_sku)
        self.size = np.maximum((pool.items >= 0).sum(axis=1), 1)
        self._of_objective = [pool.objective == code for code in bounds.objectives]
        self._of_kind = [(int(kind), pool.kind == kind) for kind in np.unique(pool.kind)]

    def decode(self, weights: NDArray[np.float64]) -> NDArray[np.intp]:
        """Lists for `(p, 6)` weight vectors, each at least 0 and summing to 1.

        Returns:
            `(p, limit)` candidates in order of choice, `EMPTY` padded. Equal gains are taken in input order.
        """
        lists = _Lists(self, weights)
        if not len(self.pool):
            return lists.taken
        for mask in self._of_objective:
            lists.take_best(mask[None, :])
        for kind, mask in self._of_kind:
            lists.take_best(mask[None, :] & ~lists.reached(kind)[:, None])
        while lists.take_best(None):
            pass
        return lists.taken

    def worth(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(p, k)` what each candidate is worth on its own under each weight vector."""
        additive = weights[:, :ADDITIVE] / np.maximum(weights[:, :ADDITIVE].sum(axis=1, keepdims=True), 1e-12)
        aims = additive @ self.pool.values.T
        return np.asarray(self._quality * self.pool.score[None, :] + (1 - self._quality) * aims)


def _on_grid(values: NDArray[np.float64], bits: int) -> NDArray[np.float64]:
    """Round to multiples of `2 ** -bits`.

    Sums and products of such numbers are exact, so gains that are equal are equal to the bit in whatever order they
    came about, and no step has to round them again.
    """
    return np.asarray(np.round(values * 2.0**bits) / 2.0**bits)


class _Lists:
    """The lists of `p` weight vectors as they grow."""

    def __init__(self, decoder: Decoder, weights: NDArray[np.float64]) -> None:
        self._pool, self._bounds, self._holders = decoder.pool, decoder.bounds, decoder.holders
        count, size = len(weights), len(decoder.pool)
        share = weights[:, Aim.CANNIBALISATION] + weights[:, Aim.COVERAGE]
        # λ is the balance of a vector that weighs all aims alike; more weight on variety moves it.
        variety = np.clip((1 - decoder.relevance) * 3.0 * share, 0.0, 0.9)
        part = np.divide(weights[:, Aim.COVERAGE], share, out=np.zeros(count), where=share > 0)
        self._unlike = _on_grid(variety * (1 - part), 16)[:, None]
        # What a candidate loses for each of its products that the list has already.
        self._stale = _on_grid((variety * part)[:, None] / decoder.size, 30)
        self._left = _on_grid((1 - variety)[:, None] * decoder.worth(weights), 30)
        self._left[:, decoder.alone] = -np.inf
        self._likeness, self._scarce = decoder.likeness, decoder.scarce
        self._alike = np.zeros((count, size))
        self._gain = np.empty((count, size))
        self._used = np.zeros((count, len(self._pool.stock)), dtype=np.int64)
        self._sold = np.zeros((count, len(self._pool.stock)))
        self._served = np.zeros((count, int(self._pool.objective.max(initial=0)) + 1), dtype=np.int64)
        self._filled = np.zeros(count, dtype=np.int64)
        self._every = np.arange(count)
        self.taken = np.full((count, self._bounds.limit), EMPTY, dtype=np.intp)

    def reached(self, kind: int) -> NDArray[np.bool_]:
        """`(p,)` which lists have a bundle of type `kind`."""
        return np.asarray(((self._pool.kind[self.taken] == kind) & (self.taken >= 0)).any(axis=1))

    def take_best(self, among: NDArray[np.bool_] | None) -> bool:
        """Each list that has room takes its best allowed candidate; False where none could."""
        gain = np.subtract(self._left, self._alike, out=self._gain)
        if among is not None:
            gain = np.where(among, gain, -np.inf)
        best = gain.argmax(axis=1)
        takers = (gain[self._every, best] > -np.inf).nonzero()[0]
        if len(takers):
            self._take(takers, best[takers])
        return bool(len(takers))

    def _take(self, takers: NDArray[np.intp], chosen: NDArray[np.intp]) -> None:
        self.taken[takers, self._filled[takers]] = chosen
        self._filled[takers] += 1
        self._repel(takers, chosen)
        self._serve(takers, self._pool.objective[chosen])
        items = self._pool.items[chosen]
        row, place = (items >= 0).nonzero()
        owner, sku = takers[row], items[row, place]
        fresh = self._used[owner, sku] == 0
        self._used[owner, sku] += 1
        self._sold[owner, sku] += self._pool.units[chosen[row], place]
        self._touch(owner, sku, fresh)
        self._left[takers, chosen] = -np.inf
        self._left[takers[self._filled[takers] == self._bounds.limit]] = -np.inf

    def _repel(self, takers: NDArray[np.intp], chosen: NDArray[np.intp]) -> None:
        """Keep the greatest weighted likeness to anything taken."""
        likeness = self._likeness[chosen]
        likeness *= self._unlike[takers]
        if len(takers) == len(self._every):
            np.maximum(self._alike, likeness, out=self._alike)
        else:
            self._alike[takers] = np.maximum(self._alike[takers], likeness)

    def _serve(self, takers: NDArray[np.intp], objective: NDArray[np.integer]) -> None:
        """Count the objectives; those with their share are closed to the list."""
        self._served[takers, objective] += 1
        full = self._served[takers, objective] == self._bounds.per_objective
        if full.any():
            closed = self._pool.objective == objective[full][:, None]
            self._left[takers[full]] = np.where(closed, -np.inf, self._left[takers[full]])

    def _touch(self, owner: NDArray[np.intp], sku: NDArray[np.int32], fresh: NDArray[np.bool_]) -> None:
        """Look again at the candidates that share a SKU with what was just taken."""
        left = self._left.reshape(-1)
        start = self._holders.indptr[sku]
        length = self._holders.indptr[sku + 1] - start
        end = length.cumsum()
        # Every candidate that holds one of the SKUs: its cell among the holders, its place in its owner's list.
        cell = np.arange(end[-1]) + (start - end + length).repeat(length)
        place = (owner * self._left.shape[1]).repeat(length) + self._holders.candidate[cell]
        stale = place if fresh.all() else place[fresh.repeat(length)]
        np.subtract.at(left, stale, self._stale.reshape(-1)[stale])
        spent = self._used[owner, sku] >= self._bounds.per_sku
        if spent.any():
            left[place[spent.repeat(length)]] = -np.inf
        scarce = self._scarce[sku] & ~spent
        if scarce.any():
            among = scarce.repeat(length)
            room = (self._pool.stock[sku] - self._sold[owner, sku]).repeat(length)[among]
            left[place[among][self._holders.units[cell[among]] > room]] = -np.inf
