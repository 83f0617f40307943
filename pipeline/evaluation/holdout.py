"""The temporal holdout: what was known before a day, and what was bought from that day on."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.context.history import take_baskets
from pipeline.errors import EmptyStoreError, LeakError
from pipeline.ingest.snapshot import NEVER, Orders, Snapshot, to_date


@dataclass(frozen=True, slots=True)
class Baskets:
    """`m` baskets of distinct SKUs over a catalog of `products`, as CSR."""

    indptr: NDArray[np.int64]
    """`(m + 1,)` where each basket's cells begin."""
    item: NDArray[np.int32]
    """`(z,)` row of the catalog."""
    products: int

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def matrix(self) -> csr_array:
        """`(m, products)` int32 matrix of ones where a basket holds a SKU."""
        ones = np.ones(len(self.item), dtype=np.int32)
        return csr_array((ones, self.item, self.indptr), shape=(len(self), self.products))


@dataclass(frozen=True, slots=True)
class Holdout:
    """A store cut in two at the start of a day."""

    cut: int
    """First held-out day, days from 1970-01-01."""
    end: int
    """Day after the last held-out one."""
    training: Snapshot
    """The store as it was known before `cut`; catalog, cost and stock are today's."""
    baskets: Baskets
    """Held-out demand: placed on the days `cut` ≤ day < `end`, never cancelled."""

    def history(self, window_days: int) -> Baskets:
        """The demand of the `window_days` before the cut, as known then: what baselines and arms may look at."""
        orders = self.training.orders
        return _baskets(orders, orders.is_demand(self.cut, window_days), len(self.training.catalog))


def split(snapshot: Snapshot, *, as_of: int | None = None, days: int | None = None, share: float = 0.2) -> Holdout:
    """Cut a store at a day boundary, never at random.

    Args:
        snapshot: The whole store.
        as_of: First held-out day. None: the last `days` are held out or, without `days`, the last `share` of orders.
        days: Length of the held-out time from the cut on. None: all that follows.
        share: Share of demand orders to hold out where neither day nor length is given. Of all day boundaries
            the one that comes nearest is taken; of two equally near, the later.

    Returns:
        Training view and held-out baskets. No day is in both.

    Raises:
        EmptyStoreError: Nothing was bought on one side of the cut.
        ValueError: `days` below 1, or `share` outside (0, 1).
    """
    if days is not None and days < 1:
        raise ValueError(f"days is {days}; expected at least 1 day to hold out")
    if not 0 < share < 1:
        raise ValueError(f"share is {share}; expected a share of the orders between 0 and 1, such as 0.2")
    orders, last = snapshot.orders, snapshot.default_as_of
    bought = orders.cancelled_day == NEVER
    cut = as_of
    if cut is None:
        cut = last - days if days is not None else _nearest_cut(orders.day[bought], share, snapshot.store)
    end = max(last, cut) if days is None else cut + days
    held_out = bought & (orders.day >= cut) & (orders.day < end)
    training = before(snapshot, cut)
    _assert_both_sides(snapshot.store, cut, int(training.orders.is_demand(cut, cut).sum()), int(held_out.sum()))
    assert_no_leak(training, cut)
    return Holdout(cut, end, training, _baskets(orders, held_out, len(snapshot.catalog)))


def before(snapshot: Snapshot, cut: int) -> Snapshot:
    """The store as it was known before day `cut`.

    Orders of that day and later are gone, and so are the cancellations that followed: such orders are demand again.
    Customers keep their ranks, which follow first appearance. The catalog is today's.
    """
    orders = snapshot.orders
    keep = orders.day < cut
    indptr, cells = take_baskets(orders, keep)
    cancelled = orders.cancelled_day[keep]
    known = Orders(
        indptr=indptr,
        item=orders.item[cells],
        quantity=orders.quantity[cells],
        unit_price=orders.unit_price[cells],
        minute=orders.minute[keep],
        cancelled_day=np.where(cancelled < cut, cancelled, NEVER).astype(np.int32),
        customer=orders.customer[keep],
    )
    name = hashlib.sha256(f"{snapshot.sha256} before {cut}".encode()).hexdigest()
    return replace(snapshot, orders=known, sha256=name)


def assert_no_leak(training: Snapshot, cut: int) -> None:
    """Refuse a training view that knows the future.

    Raises:
        LeakError: An order, or a cancellation, of day `cut` or later.
    """
    orders = training.orders
    placed = int((orders.day >= cut).sum())
    cancelled = int(((orders.cancelled_day >= cut) & (orders.cancelled_day != NEVER)).sum())
    if placed or cancelled:
        raise LeakError(to_date(cut).isoformat(), placed, cancelled)


def _nearest_cut(day: NDArray[np.int32], share: float, store: str) -> int:
    """The day whose start leaves nearest to `share` of the orders behind it; ties go to the later day."""
    if not len(day):
        raise EmptyStoreError(f"store {store!r} has no demand order, so nothing can be held out")
    boundary, first = np.unique(np.sort(day), return_index=True)
    miss = np.abs((len(day) - first) - share * len(day))
    return int(boundary[np.flatnonzero(miss == miss.min())[-1]])


def _assert_both_sides(store: str, cut: int, training: int, held_out: int) -> None:
    if not training or not held_out:
        raise EmptyStoreError(
            f"store {store!r} has {training} demand orders before {to_date(cut)} and {held_out} held out; "
            "a holdout needs some of both: choose another day with --as-of, or more --days"
        )


def _baskets(orders: Orders, keep: NDArray[np.bool_], products: int) -> Baskets:
    indptr, cells = take_baskets(orders, keep)
    return Baskets(indptr, orders.item[cells], products)
