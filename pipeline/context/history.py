"""The demand a run may look at: orders of the mining window, as they were known on its day."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.ingest.snapshot import Orders, Snapshot, to_date


@dataclass(frozen=True, slots=True)
class History:
    """Demand orders with `as_of − window_days ≤ day < as_of`: `m` baskets over `n` SKUs, `z` cells."""

    as_of: int
    """Day after the last one that may be known, days from 1970-01-01."""
    window_days: int
    products: int
    """`n`, the number of SKUs in the catalog."""
    indptr: NDArray[np.int64]
    item: NDArray[np.int32]
    quantity: NDArray[np.int32]
    unit_price: NDArray[np.float64]
    day: NDArray[np.int32]
    """`(m,)` local day of each basket, ascending."""
    customer: NDArray[np.int32]
    """`(m,)` −1 where unknown."""
    store_first_day: int
    """Day of the store's first demand order ever; `as_of` for a store without orders."""

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def basket(self) -> NDArray[np.int64]:
        """`(z,)` basket of each cell."""
        return np.repeat(np.arange(len(self)), np.diff(self.indptr))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """`(m,)` distinct SKUs of each basket."""
        return np.diff(self.indptr)

    def matrix(self) -> csr_array:
        """`(m, n)` int32 matrix of ones where a basket holds a SKU."""
        ones = np.ones(len(self.item), dtype=np.int32)
        return csr_array((ones, self.item, self.indptr), shape=(len(self), self.products))

    def recency(self, half_life_days: float) -> NDArray[np.float64]:
        """`(m,)` weights in (0, 1]: an order counts half as much for each half-life of its age.

        They lie on a grid of 2⁻²⁰, on which sums are exact, whatever their order.
        """
        age = self.as_of - 1 - self.day
        return np.asarray(np.round(0.5 ** (age / half_life_days) * 2.0**20) / 2.0**20)

    def window(self) -> dict[str, object]:
        """The orders that every count names: `{from, to, orders}`, `to` excluded."""
        first = int(self.day[0]) if len(self) else self.as_of
        return {"from": to_date(first).isoformat(), "to": to_date(self.as_of).isoformat(), "orders": len(self)}


def take_baskets(orders: Orders, keep: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Row pointers and cell positions of the baskets that `keep` marks.

    Returns:
        `indptr (k + 1,)` of the kept baskets and `cells` into the columns of `orders`.
    """
    sizes = np.diff(orders.indptr)
    cells = np.flatnonzero(np.repeat(keep, sizes))
    indptr = np.zeros(int(keep.sum()) + 1, dtype=np.int64)
    np.cumsum(sizes[keep], out=indptr[1:])
    return indptr, cells


def history_of(snapshot: Snapshot, as_of: int, window_days: int) -> History:
    """The demand of the `window_days` before day `as_of`, without what became known later."""
    orders = snapshot.orders
    keep = orders.is_demand(as_of, window_days)
    indptr, cells = take_baskets(orders, keep)
    day = orders.day
    known = day[orders.is_demand(as_of, as_of + 1)]
    return History(
        as_of=as_of,
        window_days=window_days,
        products=len(snapshot.catalog),
        indptr=indptr,
        item=orders.item[cells],
        quantity=orders.quantity[cells],
        unit_price=orders.unit_price[cells],
        day=day[keep],
        customer=orders.customer[keep],
        store_first_day=int(known[0]) if len(known) else as_of,
    )
