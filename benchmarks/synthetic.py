"""Seeded stores of any size: Zipf popularity, planted groups of products, prices, stock, meaningful titles."""

import hashlib
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.ingest.snapshot import NEVER, Catalog, Orders, Snapshot, to_day

LAST_DAY = to_day(date(2026, 9, 30))
SPAN_DAYS = 400
MEMBERS = 4
"""Most products of a planted group."""

ADJECTIVES = (
    "Classic", "Modern", "Rustic", "Vintage", "Compact", "Deluxe", "Everyday", "Handmade", "Nordic", "Organic",
    "Premium", "Recycled", "Slim", "Soft", "Striped", "Travel", "Ultra", "Woven", "Bright", "Natural",
)  # fmt: skip
MATERIALS = (
    "Cotton", "Linen", "Oak", "Bamboo", "Steel", "Ceramic", "Glass", "Leather", "Wool", "Copper", "Canvas", "Cork",
)  # fmt: skip
NOUNS = {
    "Kitchen": ("Mug", "Teapot", "Chopping Board", "Apron", "Bowl", "Whisk", "Measuring Jug", "Spice Rack"),
    "Bath": ("Towel", "Soap Dish", "Bath Mat", "Shower Caddy", "Hand Cream", "Sponge", "Laundry Basket", "Robe"),
    "Garden": ("Planter", "Watering Can", "Trowel", "Gloves", "Seed Box", "Bird Feeder", "Lantern", "Hose Reel"),
    "Office": ("Notebook", "Pen Set", "Desk Lamp", "Organiser", "Stapler", "Calendar", "Pencil Case", "Monitor Stand"),
    "Toys": ("Puzzle", "Train Set", "Doll", "Building Blocks", "Kite", "Board Game", "Plush Bear", "Paint Kit"),
    "Party": ("Bunting", "Candles", "Gift Wrap", "Paper Cups", "Napkins", "Balloons", "Cake Stand", "Ribbon"),
    "Sport": ("Yoga Mat", "Water Bottle", "Skipping Rope", "Gym Bag", "Foam Roller", "Headband", "Dumbbell", "Socks"),
    "Bedroom": ("Pillow", "Duvet Cover", "Throw", "Night Light", "Slippers", "Alarm Clock", "Bed Sheet", "Eye Mask"),
    "Pets": ("Dog Lead", "Cat Bed", "Food Bowl", "Chew Toy", "Pet Brush", "Carrier", "Collar", "Treat Jar"),
    "Pantry": ("Coffee Beans", "Green Tea", "Honey", "Olive Oil", "Granola", "Chocolate", "Sea Salt", "Jam"),
}
VENDORS = ("Hearth & Co", "Little Harbour", "Northfield", "Ponte", "Sunday Goods")


def synthetic_store(orders: int = 5000, products: int = 1000, seed: int = 0) -> Snapshot:
    """A store whose shoppers have habits that mining can find.

    Args:
        orders: Orders placed over the last 400 days; 1.5 % of them are cancelled some days later.
        products: SKUs, in ten categories.
        seed: Same numbers and same seed, same snapshot.

    Returns:
        The store. About four in ten orders hold most of one planted group (`planted_groups`).
    """
    shopping, stocking = np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2])
    catalog = _catalog(stocking, products)
    bought = _orders(shopping, catalog.price, planted_groups(products, seed), orders)
    columns = (bought.indptr, bought.item, bought.quantity, bought.unit_price, bought.minute, bought.cancelled_day)
    digest = hashlib.sha256(f"synthetic {orders} {products} {seed}".encode())
    for column in (*columns, bought.customer, catalog.price, catalog.cost, catalog.stock, catalog.created_day):
        digest.update(np.ascontiguousarray(column).tobytes())
    return Snapshot(f"synthetic-{orders}x{products}", "EUR", catalog, bought, digest.hexdigest())


def planted_groups(products: int, seed: int = 0) -> NDArray[np.int32]:
    """The products that shoppers of `synthetic_store` like to buy together.

    Returns:
        `(max(1, products // 12), 4)` rows of the catalog, distinct within a group, padded with −1: groups of 2 to 4.
    """
    rng = np.random.default_rng([seed, 0])
    groups = max(1, products // 12)
    place = rng.permutation(products).astype(np.int32)[: groups * MEMBERS]
    padded = np.full(groups * MEMBERS, -1, dtype=np.int32)
    padded[: len(place)] = place
    members = padded.reshape(groups, MEMBERS)
    sizes = rng.integers(2, MEMBERS + 1, groups)
    return np.where(np.arange(MEMBERS) < sizes[:, None], members, -1).astype(np.int32)


class _Looks(NamedTuple):
    """What a product is called and filed under."""

    title: list[str]
    description: list[str]
    tags: list[str]


def _looks(rng: np.random.Generator, category: NDArray[np.int32], family: NDArray[np.int32]) -> _Looks:
    names = tuple(NOUNS)
    adjective, material = rng.integers(0, len(ADJECTIVES), len(family)), rng.integers(0, len(MATERIALS), len(family))
    noun, size = rng.integers(0, 8, len(family)), rng.random(len(family))
    season, gift, refill = rng.random(len(family)) < 0.08, rng.random(len(family)) < 0.12, rng.random(len(family)) < 0.2
    title, description, tags = [], [], []
    for row, head in enumerate(family):
        group = names[category[row]]
        thing = f"{ADJECTIVES[adjective[head]]} {MATERIALS[material[head]]} {NOUNS[group][noun[head]]}"
        title.append(thing if head == row else f"{thing} - {'Large' if size[row] < 0.5 else 'Small'}")
        description.append(f"A {thing.lower()} for the {group.lower()}, made to last.")
        marks = [
            *(["christmas"] if season[row] else []),
            *(["gift"] if gift[row] else []),
            group.lower(),
            *(["subscription"] if refill[row] and group in ("Pantry", "Bath", "Pets") else []),
        ]
        tags.append(", ".join(sorted(marks)))
    return _Looks(title, description, tags)


def _catalog(rng: np.random.Generator, products: int) -> Catalog:
    row = np.arange(products, dtype=np.int32)
    is_variant = (row % 8 == 7) & (row > 0)
    family = np.where(is_variant, row - 1, row).astype(np.int32)
    category = rng.integers(0, len(NOUNS), products).astype(np.int32)[family]
    vendor = rng.integers(0, len(VENDORS), products).astype(np.int32)[family]
    looks = _looks(rng, category, family)
    base = rng.lognormal(np.log(6 + 3 * category), 0.5)
    price = np.maximum(np.round(base * 2) / 2, 1.0) - rng.choice([0.01, 0.05], products, p=[0.8, 0.2])
    cost = np.round(price * rng.uniform(0.35, 0.75, products), 2)
    stock = np.where(rng.random(products) < 0.06, 0.0, rng.negative_binomial(2, 0.02, products).astype(float))
    stock[rng.random(products) < 0.1] = np.nan
    new = rng.random(products) < 0.04
    created = np.where(
        new, LAST_DAY - rng.integers(1, 30, products), LAST_DAY - SPAN_DAYS - rng.integers(0, 300, products)
    )
    text = pa.array([f"SYN-{code:06d}" for code in range(products)], pa.string())
    return Catalog(
        sku=text,
        title=pa.array(looks.title, pa.string()),
        description=pa.array(looks.description, pa.string()),
        tags=pa.array(looks.tags, pa.string()),
        image_url=pa.array([""] * products, pa.string()),
        product_id=pa.array([f"synthetic-{head:06d}" for head in family], pa.string()),
        family=family,
        category=category,
        vendor=vendor,
        categories=pa.array(list(NOUNS), pa.string()),
        vendors=pa.array(list(VENDORS), pa.string()),
        price=np.round(price, 2),
        compare_at=np.full(products, np.nan),
        cost=np.where(rng.random(products) < 0.1, np.nan, cost),
        stock=stock,
        created_day=np.where(rng.random(products) < 0.1, -1, created).astype(np.int32),
        is_sellable=np.asarray(np.isnan(stock) | (stock > 0)),
    )


def _zipf(rng: np.random.Generator, ranks: int, size: int, exponent: float) -> NDArray[np.int64]:
    """`(size,)` ranks below `ranks`, rank r drawn in proportion to 1 / (r + 5)^exponent."""
    cumulative = np.cumsum(1.0 / (np.arange(ranks) + 5.0) ** exponent)
    return np.asarray(np.searchsorted(cumulative, rng.random(size) * cumulative[-1], side="right"), dtype=np.int64)


def _cells(rng: np.random.Generator, products: int, groups: NDArray[np.int32], orders: int) -> NDArray[np.int64]:
    """Distinct `order · products + SKU` of every cell, ascending: Zipf picks, and most of a group in some orders."""
    sizes = rng.geometric(0.4, orders)
    shelf = rng.permutation(products)
    single = np.repeat(np.arange(orders), sizes) * products + shelf[_zipf(rng, products, int(sizes.sum()), 1.0)]
    habit = np.flatnonzero(rng.random(orders) < 0.4)
    members = groups[_zipf(rng, len(groups), len(habit), 0.7)]
    taken = (rng.random(members.shape) < 0.85) & (members >= 0)
    together = (habit[:, None] * products + members)[taken]
    return np.unique(np.concatenate([single, together]).astype(np.int64))


def _customers(rng: np.random.Generator, orders: int) -> NDArray[np.int32]:
    """`(orders,)` customers numbered by first appearance, one order in ten without one."""
    drawn = _zipf(rng, max(1, orders // 3), orders, 0.6)
    drawn[rng.random(orders) < 0.1] = -1
    known, first, inverse = np.unique(drawn, return_index=True, return_inverse=True)
    first = np.where(known < 0, -1, first)
    rank = np.argsort(np.argsort(first)) - int((known < 0).any())
    return np.asarray(rank[inverse], dtype=np.int32)


def _orders(rng: np.random.Generator, price: NDArray[np.float64], groups: NDArray[np.int32], orders: int) -> Orders:
    products = len(price)
    cells = _cells(rng, products, groups, orders)
    basket, item = cells // products, (cells % products).astype(np.int32)
    day = np.sort(LAST_DAY - rng.integers(0, SPAN_DAYS, orders))
    minute = np.sort(day.astype(np.int64) * 1440 + rng.integers(8 * 60, 22 * 60, orders))
    bulk = (item % 5 == 0) & (rng.random(len(item)) < 0.3)
    quantity = np.where(bulk, rng.choice([6, 12, 24], len(item)), rng.geometric(0.75, len(item)))
    cut = np.where(rng.random(len(item)) < 0.06, rng.choice([0.8, 0.9], len(item)), 1.0)
    gone = rng.random(orders) < 0.015
    return Orders(
        indptr=np.searchsorted(basket, np.arange(orders + 1)).astype(np.int64),
        item=item,
        quantity=quantity.astype(np.int32),
        unit_price=np.round(price[item] * cut, 2),
        minute=minute,
        cancelled_day=np.where(gone, minute // 1440 + rng.integers(1, 20, orders), NEVER).astype(np.int32),
        customer=_customers(rng, orders),
    )
