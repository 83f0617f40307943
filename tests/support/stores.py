"""Small stores as snapshots in a few lines, and the parts of a context that tests build by hand."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.candidates.frame import Proposals, proposals
from pipeline.config import RunConfig
from pipeline.context.elasticity import Elasticity
from pipeline.context.history import History, history_of
from pipeline.context.prices import PriceHabits
from pipeline.context.store import Shop, StoreContext, prepare
from pipeline.ingest.snapshot import NEVER, Catalog, Orders, Snapshot
from pipeline.terms import Tier

DAY = 20_000
"""Day of the first basket that names none: 2024-10-04."""

NAN = float("nan")

BASKETS = st.lists(st.sets(st.integers(0, 6), min_size=1).map(sorted), min_size=1, max_size=25)
"""Random baskets over seven SKUs."""


@dataclass(frozen=True)
class Ware:
    """A SKU; what is not said is ordinary: sellable, untracked, of unknown cost and age."""

    sku: str
    price: float = 10.0
    cost: float = NAN
    stock: float = NAN
    category: str = "Things"
    title: str = ""
    tags: str = ""
    family: str = ""
    created: int = -1
    is_sellable: bool = True


@dataclass(frozen=True)
class Basket:
    """An order: units by SKU."""

    units: Mapping[str, int]
    day: int = DAY
    customer: int = -1
    cancelled: int = NEVER
    prices: Mapping[str, float] = field(default_factory=dict)
    """Prices paid, where they are not list prices."""


def bought(*skus: str, day: int = DAY, customer: int = -1) -> Basket:
    """An order of one unit each."""
    return Basket(dict.fromkeys(skus, 1), day, customer)


def store_of(
    wares: Sequence[Ware], baskets: Iterable[Basket] = (), currency: str = "EUR", name: str = "shop"
) -> Snapshot:
    """A snapshot of `wares`, sorted by SKU, and `baskets`, sorted by day."""
    shelf = sorted(wares, key=lambda ware: ware.sku)
    catalog, orders = _catalog(shelf), _orders(shelf, sorted(baskets, key=lambda basket: basket.day))
    digest = hashlib.sha256(repr((shelf, currency)).encode())
    for column in (orders.indptr, orders.item, orders.quantity, orders.unit_price, orders.minute, orders.customer):
        digest.update(column.tobytes())
    return Snapshot(name, currency, catalog, orders, digest.hexdigest())


def _codes(values: Iterable[str]) -> tuple[list[str], NDArray[np.int32]]:
    listed = list(values)
    distinct = sorted(set(listed))
    return distinct, np.array([distinct.index(value) for value in listed], dtype=np.int32)


def _catalog(shelf: Sequence[Ware]) -> Catalog:
    categories, category = _codes(ware.category for ware in shelf)
    _, family = _codes(ware.family or ware.sku for ware in shelf)
    return Catalog(
        sku=pa.array([ware.sku for ware in shelf], pa.string()),
        title=pa.array([ware.title or f"Product {ware.sku}" for ware in shelf], pa.string()),
        description=pa.array([""] * len(shelf), pa.string()),
        tags=pa.array([ware.tags for ware in shelf], pa.string()),
        image_url=pa.array([""] * len(shelf), pa.string()),
        product_id=pa.array([ware.family or ware.sku for ware in shelf], pa.string()),
        family=family,
        category=category,
        vendor=np.zeros(len(shelf), dtype=np.int32),
        categories=pa.array(categories, pa.string()),
        vendors=pa.array(["Vendor"], pa.string()),
        price=np.array([ware.price for ware in shelf], dtype=np.float64),
        compare_at=np.full(len(shelf), np.nan),
        cost=np.array([ware.cost for ware in shelf], dtype=np.float64),
        stock=np.array([ware.stock for ware in shelf], dtype=np.float64),
        created_day=np.array([ware.created for ware in shelf], dtype=np.int32),
        is_sellable=np.array([ware.is_sellable for ware in shelf], dtype=bool),
    )


def _orders(shelf: Sequence[Ware], baskets: Sequence[Basket]) -> Orders:
    place = {ware.sku: at for at, ware in enumerate(shelf)}
    cells = [
        (place[sku], units, basket.prices.get(sku, shelf[place[sku]].price))
        for basket in baskets
        for sku, units in sorted(basket.units.items())
    ]
    return Orders(
        indptr=np.cumsum([0, *(len(basket.units) for basket in baskets)]).astype(np.int64),
        item=np.array([cell[0] for cell in cells], dtype=np.int32),
        quantity=np.array([cell[1] for cell in cells], dtype=np.int32),
        unit_price=np.array([cell[2] for cell in cells], dtype=np.float64),
        minute=np.array([basket.day * 1440 for basket in baskets], dtype=np.int64),
        cancelled_day=np.array([basket.cancelled for basket in baskets], dtype=np.int32),
        customer=np.array([basket.customer for basket in baskets], dtype=np.int32),
    )


def history_of_store(snapshot: Snapshot, window_days: int = 365) -> History:
    """All that is known on the day after the last order."""
    return history_of(snapshot, snapshot.default_as_of, window_days)


def no_vectors(snapshot: Snapshot) -> NDArray[np.float32]:
    """What stands for vectors before a store is embedded."""
    return np.zeros((len(snapshot.catalog), 0), dtype=np.float32)


def random_vectors(snapshot: Snapshot, seed: int = 0) -> NDArray[np.float32]:
    """Unit vectors that say nothing."""
    rows = np.random.default_rng(seed).normal(size=(len(snapshot.catalog), 8))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def context_of(
    snapshot: Snapshot, config: RunConfig | None = None, vectors: NDArray[np.float32] | None = None
) -> StoreContext:
    """The context of a store, without vectors by default."""
    given = no_vectors(snapshot) if vectors is None else vectors
    return prepare(snapshot, given, snapshot.default_as_of, (config or RunConfig()).context)


def numbered(rows: Iterable[Sequence[int]], products: int = 7, **common: object) -> Snapshot:
    """A store of SKUs `P0`, `P1`, … whose baskets hold the numbered ones; `common` are fields of every ware."""
    wares = [Ware(f"P{number}", **common) for number in range(products)]  # type: ignore[arg-type]
    return store_of(wares, [bought(*(f"P{number}" for number in row)) for row in rows])


def sets_of(
    *rows: Sequence[int], pick: int = 0, tier: Tier = Tier.RULES, quantity: Sequence[int] | None = None,
    breaks: Sequence[int] = (),
) -> Proposals:  # fmt: skip
    """Candidates of the given SKU positions; `quantity` and `breaks` are those of every row."""
    width = max(len(row) for row in rows)
    items = np.array([[*row, *[-1] * (width - len(row))] for row in rows], dtype=np.int32)
    found = proposals(items, tier, "association_rules", pick=np.full(len(rows), pick))
    if quantity is not None:
        found.quantity[:, : len(quantity)] = quantity
    found.breaks[:, : len(breaks)] = breaks
    return found


def shop_of(
    price: Sequence[float], cost: Sequence[float] | None = None, *, stock: Sequence[float] | None = None,
    category: Sequence[int] | None = None, compatible: NDArray[np.bool_] | None = None, currency: str = "EUR",
    is_sellable: Sequence[bool] | None = None,
) -> Shop:  # fmt: skip
    """A catalog's numbers; costs and stock are unknown and all categories compatible where not said."""
    count = len(price)
    code = np.zeros(count, dtype=np.int32) if category is None else np.array(category, dtype=np.int32)
    width = int(code.max(initial=0)) + 1
    return Shop(
        price=np.array(price, dtype=np.float64),
        cost=np.full(count, np.nan) if cost is None else np.array(cost, dtype=np.float64),
        stock=np.full(count, np.nan) if stock is None else np.array(stock, dtype=np.float64),
        category=code,
        family=np.arange(count, dtype=np.int32),
        is_sellable=np.ones(count, dtype=bool) if is_sellable is None else np.array(is_sellable),
        compatible=np.ones((width, width), dtype=bool) if compatible is None else compatible,
        currency=currency,
    )


def habits_of(
    endings: Sequence[int] = tuple(range(100)), small: Sequence[int] = tuple(range(10)), discount: float = NAN,
    lines: int = 0, elasticity: Elasticity | None = None,
) -> PriceHabits:  # fmt: skip
    """How a store prices; every ending is its own where not said, and nothing is known of elasticity."""
    ends = np.array(endings, dtype=np.int64), np.array(small, dtype=np.int64)
    return PriceHabits(*ends, discount, lines, elasticity, elasticity)


def elastic(mean: Sequence[float], sd: float = 0.1) -> Elasticity:
    """Elasticities of SKUs, all as sure as one another."""
    return Elasticity(np.array(mean, dtype=np.float64), np.full(len(mean), sd), float(np.mean(mean)), sd, 100, 10, 7)
