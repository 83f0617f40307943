"""A store at one moment: immutable columns and one sparse matrix of baskets, named by their content."""

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import pipeline.arrow  # noqa: F401  # before the first array

NEVER = np.iinfo(np.int32).max
"""The day of something that has not happened."""

EPOCH = date(1970, 1, 1)


def to_day(value: date) -> int:
    """Days from 1970-01-01 to `value`."""
    return (value - EPOCH).days


def to_date(day: int) -> date:
    """The date `day` days after 1970-01-01."""
    return EPOCH + timedelta(days=int(day))


@dataclass(frozen=True, slots=True)
class Catalog:
    """What may be bought, one row a SKU, sorted by SKU. All columns have the same length `n`."""

    sku: pa.StringArray
    title: pa.StringArray
    """Product title, followed by ` - ` and the variant's options where it has any."""
    description: pa.StringArray
    """Plain text, at most 1,000 characters; empty where unknown."""
    tags: pa.StringArray
    """Lower-case, sorted, joined by `, `; empty where there are none."""
    image_url: pa.StringArray
    """Empty where unknown."""
    product_id: pa.StringArray
    """Handle or product id; empty where unknown."""
    family: NDArray[np.int32]
    """`(n,)` code shared by the variants of one product."""
    category: NDArray[np.int32]
    """`(n,)` position in `categories`."""
    vendor: NDArray[np.int32]
    """`(n,)` position in `vendors`."""
    categories: pa.StringArray
    vendors: pa.StringArray
    price: NDArray[np.float64]
    """`(n,)` list price in the store's currency; NaN where unknown."""
    compare_at: NDArray[np.float64]
    """`(n,)` price it is compared to; NaN where unknown."""
    cost: NDArray[np.float64]
    """`(n,)` unit cost; NaN where unknown."""
    stock: NDArray[np.float64]
    """`(n,)` units on hand over all locations; NaN where untracked."""
    created_day: NDArray[np.int32]
    """`(n,)` day the product was created; −1 where unknown."""
    is_sellable: NDArray[np.bool_]
    """`(n,)` active, priced above zero, no gift card, and in stock or not bound to stock."""

    def __len__(self) -> int:
        return len(self.sku)


@dataclass(frozen=True, slots=True)
class Orders:
    """Baskets × SKUs as CSR, oldest basket first, ties by order id. `m` baskets, `z` cells.

    Holds every order that was demand at some moment: voided, refunded, unpaid and note-only orders are
    absent, unless they were cancelled only after the day they were placed (`cancelled_day` tells when).
    Lines of one SKU in an order are one cell: quantities summed, price averaged by quantity.
    """

    indptr: NDArray[np.int64]
    """`(m + 1,)` where each basket's cells begin."""
    item: NDArray[np.int32]
    """`(z,)` row of the catalog, ascending within a basket."""
    quantity: NDArray[np.int32]
    """`(z,)` units, at least 1."""
    unit_price: NDArray[np.float64]
    """`(z,)` price paid for a unit, before order-level discounts."""
    minute: NDArray[np.int64]
    """`(m,)` minutes from 1970-01-01 00:00 in the order's own local time."""
    cancelled_day: NDArray[np.int32]
    """`(m,)` local day of the cancellation; `NEVER` where there is none."""
    customer: NDArray[np.int32]
    """`(m,)` rank of the customer by first appearance; −1 where unknown."""

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def day(self) -> NDArray[np.int32]:
        """`(m,)` local day of each basket."""
        return np.asarray(self.minute // 1440, dtype=np.int32)

    def is_demand(self, as_of: int, window_days: int) -> NDArray[np.bool_]:
        """`(m,)` which baskets count as demand in the `window_days` before day `as_of`, known then."""
        day = self.day
        return np.asarray((day >= as_of - window_days) & (day < as_of) & (self.cancelled_day >= as_of))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of a store that a run reads."""

    store: str
    currency: str
    """ISO 4217 code."""
    catalog: Catalog
    orders: Orders
    sha256: str = field(default="")
    """Hash of the content: equal for equal content, whatever the order of rows in the files."""

    @property
    def default_as_of(self) -> int:
        """The day after the last demand order; 0 for a store without orders."""
        orders = self.orders
        alive = orders.day[orders.cancelled_day == NEVER]
        return int(alive.max()) + 1 if len(alive) else 0
