"""Weights become a list: greedy choice under the constraints, for many weight vectors at once.

The constraints hold by construction: `limit` bundles, a SKU in at most `per_sku` and an objective in at most
`per_objective` of them, every admitted objective and then every type represented where it has a candidate, expected
sales within stock. The same products are offered in a second way only where nothing else is left.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.numbers import on_grid

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

TWIN_LOSS = 4.0
"""What a candidate loses once its very products are in the list: more than anything can gain."""


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


class _Listing(NamedTuple):
    """What each of several rows lists, as CSR: `indptr` of `(rows + 1,)`, and an entry a listing."""

    indptr: NDArray[np.int64]
    entry: NDArray[np.int64]
    units: NDArray[np.float64]
    """Units that the candidate would sell of the SKU."""

    def of(self, rows: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions of all that `rows` list, one row after the other, and how many each lists."""
        start = self.indptr[rows]
        length = self.indptr[rows + 1] - start
        end = length.cumsum()
        return np.arange(end[-1]) + (start - end + length).repeat(length), length


def _listings(pool: Pool) -> tuple[_Listing, _Listing]:
    """The SKUs of each candidate, and the candidates that hold each SKU."""
    candidate, place = np.nonzero(pool.items >= 0)
    sku, units = pool.items[candidate, place], pool.units[candidate, place]
    by_sku = np.argsort(sku, kind="stable")
    return (
        _Listing(_indptr(candidate, len(pool)), sku.astype(np.int64), units),
        _Listing(_indptr(sku, len(pool.stock)), candidate[by_sku], units[by_sku]),
    )


def _indptr(row: NDArray[np.integer], rows: int) -> NDArray[np.int64]:
    return np.concatenate([[0], np.bincount(row, minlength=rows).cumsum()])


def _scarce(pool: Pool, holders: _Listing, per_sku: int) -> NDArray[np.bool_]:
    """`(s,)` SKUs that a list could sell out of: `per_sku` bundles of the greatest of their units."""
    most = np.zeros(len(pool.stock))
    np.maximum.at(most, np.repeat(np.arange(len(most)), np.diff(holders.indptr)), holders.units)
    return np.asarray(per_sku * most > pool.stock)


def _twins(items: NDArray[np.int32]) -> NDArray[np.intp]:
    """`(k, t)` all candidates of the products that each holds, itself among them; the last repeated as padding.

    >>> _twins(np.array([[0, 1], [2, -1], [1, 0]])).tolist()
    [[0, 2], [1, 1], [0, 2]]
    """
    _, group, size = np.unique(np.sort(items, axis=1), axis=0, return_inverse=True, return_counts=True)
    first = size.cumsum() - size
    place = np.minimum(np.arange(size.max(initial=1)), size[:, None] - 1)
    return np.asarray(np.argsort(group, kind="stable")[first[:, None] + place][group])


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
        self._quality, self._values = quality, on_grid(pool.values)
        self.skus, self.holders = _listings(pool)
        self.likeness = pool.likeness.astype(np.float32)
        self.twins = _twins(pool.items)
        self.alone = (np.where(pool.items >= 0, pool.units, 0) > pool.stock[np.maximum(pool.items, 0)]).any(axis=1)
        self.scarce = _scarce(pool, self.holders, bounds.per_sku)
        self.size = np.maximum((pool.items >= 0).sum(axis=1), 1)
        self._of_objective = [np.flatnonzero(pool.objective == code) for code in bounds.objectives]
        self._of_kind = [(int(kind), np.flatnonzero(pool.kind == kind)) for kind in np.unique(pool.kind)]

    def decode(self, weights: NDArray[np.float64]) -> NDArray[np.intp]:
        """Lists for `(p, 6)` weight vectors, each at least 0 and summing to 1.

        Returns:
            `(p, limit)` candidates in order of choice, `EMPTY` padded. Equal gains are taken in input order.
        """
        lists = _Lists(self, weights)
        if not len(self.pool):
            return lists.taken
        for members in self._of_objective:
            lists.take_best_of(members, lists.every)
        for kind, members in self._of_kind:
            lists.take_best_of(members, np.flatnonzero(~lists.reached(kind)))
        while lists.take_best():
            pass
        return lists.taken

    def worth(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """`(p, k)` what each candidate is worth on its own under each weight vector."""
        additive = weights[:, :ADDITIVE] / np.maximum(weights[:, :ADDITIVE].sum(axis=1, keepdims=True), 1e-12)
        aims = on_grid(additive) @ self._values.T
        return np.asarray(self._quality * self.pool.score[None, :] + (1 - self._quality) * aims)


class _Lists:
    """The lists of `p` weight vectors as they grow.

    What is kept of every list and candidate is in single precision: the search is bound by how fast it is read.
    """

    def __init__(self, decoder: Decoder, weights: NDArray[np.float64]) -> None:
        self._decoder, self._pool, self._bounds = decoder, decoder.pool, decoder.bounds
        count, size = len(weights), len(decoder.pool)
        share = weights[:, Aim.CANNIBALISATION] + weights[:, Aim.COVERAGE]
        # λ is the balance of a vector that weighs all aims alike; more weight on variety moves it.
        variety = np.clip((1 - decoder.relevance) * 3.0 * share, 0.0, 0.9)
        part = np.divide(weights[:, Aim.COVERAGE], share, out=np.zeros(count), where=share > 0)
        self._unlike = (variety * (1 - part)).astype(np.float32)[:, None]
        # What a candidate loses for each of its products that the list has already.
        self._stale = on_grid((variety * part)[:, None] / decoder.size).astype(np.float32)
        self._left = on_grid((1 - variety)[:, None] * decoder.worth(weights)).astype(np.float32)
        self._left[:, decoder.alone] = -np.inf
        self._alike = np.zeros((count, size), dtype=np.float32)
        self._gain = np.empty((count, size), dtype=np.float32)
        self._likeness = np.empty((count, size), dtype=np.float32)
        self._used = np.zeros((count, len(self._pool.stock)), dtype=np.int64)
        self._sold = np.zeros((count, len(self._pool.stock)))
        self._served = np.zeros((count, int(self._pool.objective.max(initial=0)) + 1), dtype=np.int64)
        self._filled = np.zeros(count, dtype=np.int64)
        self.every = np.arange(count)
        """All lists."""
        self.taken = np.full((count, self._bounds.limit), EMPTY, dtype=np.intp)

    def reached(self, kind: int) -> NDArray[np.bool_]:
        """`(p,)` which lists have a bundle of type `kind`."""
        return np.asarray(((self._pool.kind[self.taken] == kind) & (self.taken >= 0)).any(axis=1))

    def take_best(self) -> bool:
        """Each list that has room takes its best allowed candidate; False where none could."""
        gain = np.subtract(self._left, self._alike, out=self._gain)
        return self._take_where_allowed(self.every, gain.argmax(axis=1))

    def take_best_of(self, members: NDArray[np.intp], lists: NDArray[np.intp]) -> None:
        """Each of `lists` that has room takes the best allowed of some candidates, if there is one."""
        if len(members) and len(lists):
            cells = np.ix_(lists, members)
            self._take_where_allowed(lists, members[(self._left[cells] - self._alike[cells]).argmax(axis=1)])

    def _take_where_allowed(self, lists: NDArray[np.intp], best: NDArray[np.intp]) -> bool:
        allowed = (self._left[lists, best] > -np.inf).nonzero()[0]
        if len(allowed):
            self._take(lists[allowed], best[allowed])
        return bool(len(allowed))

    def _take(self, takers: NDArray[np.intp], chosen: NDArray[np.intp]) -> None:
        filled = self._filled[takers]
        self.taken[takers, filled] = chosen
        self._filled[takers] = filled + 1
        self._repel(takers, chosen)
        self._serve(takers, self._pool.objective[chosen])
        self._touch(takers, chosen)
        left, row = self._left.reshape(-1), takers * self._left.shape[1]
        left[row[:, None] + self._decoder.twins[chosen]] -= TWIN_LOSS
        left[row + chosen] = -np.inf
        self._left[takers[filled + 1 == self._bounds.limit]] = -np.inf

    def _repel(self, takers: NDArray[np.intp], chosen: NDArray[np.intp]) -> None:
        """Keep the greatest weighted likeness to anything taken."""
        likeness = self._decoder.likeness.take(chosen, axis=0, out=self._likeness[: len(chosen)], mode="clip")
        if len(takers) == len(self.every):
            likeness *= self._unlike
            np.maximum(self._alike, likeness, out=self._alike)
        else:
            likeness *= self._unlike[takers]
            self._alike[takers] = np.maximum(self._alike[takers], likeness)

    def _serve(self, takers: NDArray[np.intp], objective: NDArray[np.integer]) -> None:
        """Count the objectives; those with their share are closed to the list."""
        served = self._served[takers, objective] + 1
        self._served[takers, objective] = served
        full = (served == self._bounds.per_objective).nonzero()[0]
        if len(full):
            closed = self._pool.objective == objective[full][:, None]
            self._left[takers[full]] = np.where(closed, -np.inf, self._left[takers[full]])

    def _touch(self, takers: NDArray[np.intp], chosen: NDArray[np.intp]) -> None:
        """Look again at the candidates that share a SKU with what was just taken."""
        skus, holders = self._decoder.skus, self._decoder.holders
        at, length = skus.of(chosen)
        owner, sku = takers.repeat(length), skus.entry[at]
        before = self._used[owner, sku]
        self._used[owner, sku] = before + 1
        # Every candidate that holds one of the SKUs: where it is listed, and its place in its owner's list.
        at_holder, length = holders.of(sku)
        place = (owner * self._left.shape[1]).repeat(length) + holders.entry[at_holder]
        left = self._left.reshape(-1)
        stale = place[(before == 0).repeat(length)]
        np.subtract.at(left, stale, self._stale.reshape(-1)[stale])
        spent = before + 1 >= self._bounds.per_sku
        if np.count_nonzero(spent):
            left[place[spent.repeat(length)]] = -np.inf
        scarce = self._decoder.scarce[sku]
        if np.count_nonzero(scarce):
            owner, sku, among = owner[scarce], sku[scarce], scarce.repeat(length)
            self._sold[owner, sku] += skus.units[at[scarce]]
            room = (self._pool.stock[sku] - self._sold[owner, sku]).repeat(length[scarce])
            left[place[among][holders.units[at_holder[among]] > room]] = -np.inf
