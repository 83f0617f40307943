"""An independent recount: a store's CSV files read with the csv module, counted one order at a time.

It shares nothing with the product but the file formats, so that what both say is likely true.
"""

import csv
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any

DEMAND = {"", "paid", "partially_refunded", "partially_paid", "completed"}
WINDOW_DAYS = 365
RECENT_DAYS = 60

Row = Mapping[str, str]


@dataclass
class Item:
    """A SKU of the catalog."""

    title: str
    price: Decimal | None
    cost: Decimal | None
    category: str
    is_sellable: bool


@dataclass
class Order:
    """An order that was demand when it was placed."""

    day: date
    cancelled: date | None = None
    units: Counter[str] = field(default_factory=Counter)

    def is_known(self, first: date, end: date) -> bool:
        """Whether it counts as demand of the days `first` ≤ day < `end`, seen from `end`."""
        return first <= self.day < end and (self.cancelled is None or self.cancelled >= end)


@dataclass
class Shop:
    """A store as its files say it is."""

    items: dict[str, Item]
    orders: list[Order]


def read_shop(folder: Path) -> Shop:
    """Read a store in Shopify's layout (legacy products) or in canonical tables, as CSV files."""
    orders: list[Row] = []
    products: list[Row] = []
    stock: dict[str, Decimal] = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        columns = set(rows[0]) if rows else set()
        if columns & {"Lineitem quantity", "order_id"}:
            orders += rows
        elif columns & {"Variant Price", "price"}:
            products += rows
        elif columns:
            stock |= _stock(rows)
    items = dict(_items(products, stock)) if products else _sold_items(orders)
    return Shop(items, _orders(orders, items))


def _stock(rows: Iterable[Row]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        units = row.get("Available (not editable)") or row.get("available") or ""
        if units:
            sku = (row.get("SKU") or row.get("sku") or "").strip()
            total[sku] += Decimal(0) if units.strip().lower() == "not stocked" else Decimal(units)
    return dict(total)


def _items(rows: Iterable[Row], stock: Mapping[str, Decimal]) -> Iterator[tuple[str, Item]]:
    for row in rows:
        sku = (row.get("Variant SKU") or row.get("sku") or "").strip()
        if not sku:
            continue
        price = _money(row.get("Variant Price") or row.get("price"))
        units = stock.get(sku, _money(row.get("Variant Inventory Qty") or row.get("stock")))
        if not row.get("Variant Inventory Tracker", "shopify"):
            units = None
        tags = [tag.strip() for tag in (row.get("Tags") or row.get("tags") or "").split(",") if tag.strip()]
        levels = (row.get("Product Category") or "").split(">")
        found = (row.get("Type") or row.get("category") or levels[-1] or (tags or ["uncategorised"])[0]).strip()
        in_stock = units is None or units > 0 or row.get("Variant Inventory Policy") == "continue"
        is_active = (row.get("Status") or row.get("status") or "active") == "active"
        is_gift_card = row.get("Gift Card") == "true"
        is_sellable = is_active and not is_gift_card and price is not None and price > 0 and in_stock
        cost = _money(row.get("Cost per item") or row.get("cost"))
        yield sku, Item(row.get("Title") or row.get("title") or "", price, cost, found, is_sellable)


def _sold_items(rows: Iterable[Row]) -> dict[str, Item]:
    skus = {(row.get("Lineitem sku") or row.get("sku") or "").strip() for row in rows}
    return {sku: Item("", None, None, "uncategorised", True) for sku in skus if sku}


def _money(text: str | None) -> Decimal | None:
    return Decimal(text) if text and text.strip() else None


def _orders(rows: Iterable[Row], items: Mapping[str, Item]) -> list[Order]:
    by_lower: dict[str, set[str]] = defaultdict(set)
    by_title: dict[str, set[str]] = defaultdict(set)
    for sku, item in items.items():
        by_lower[sku.lower()].add(sku)
        by_title[item.title].add(sku)
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.get("Name") or row["order_id"]].append(row)
    found = [_order(group, items, by_lower, by_title) for group in groups.values()]
    return [order for order in found if order is not None and order.units]


def _order(
    rows: list[Row], items: Mapping[str, Item], by_lower: Mapping[str, set[str]], by_title: Mapping[str, set[str]]
) -> Order | None:
    """The order of some rows; order-level fields are on one of them only. None for one that was no demand."""
    status = _first(rows, "Financial Status", "status").lower()
    cancelled = _first(rows, "Cancelled at", "cancelled_at")
    days = [date.fromisoformat(row.get("Created at", row.get("ordered_at", ""))[:10]) for row in rows]
    order = Order(min(days), date.fromisoformat(cancelled[:10]) if cancelled else None)
    if order.cancelled and (order.cancelled <= order.day or not (_first(rows, "Paid at") or status in DEMAND)):
        return None
    if not order.cancelled and status not in DEMAND:
        return None
    for row in rows:
        sku = (row.get("Lineitem sku") or row.get("sku") or "").strip()
        title = row.get("Lineitem name") or row.get("title") or ""
        fitting = {sku} if sku in items else by_lower.get(sku.lower(), set()) if sku else by_title.get(title, set())
        units = int(row.get("Lineitem quantity") or row.get("quantity") or 0)
        if len(fitting) == 1 and units > 0:
            order.units[next(iter(fitting))] += units
    return order


def _first(rows: Iterable[Row], *names: str) -> str:
    return next((row[name].strip() for name in names for row in rows if row.get(name)), "")


def disagreements(shop: Shop, bundles: list[dict[str, Any]]) -> list[str]:
    """What the files do not bear out, in words; empty where every figure is right."""
    found = [f"rank {bundle['rank']}: {text}" for bundle in bundles for text in _of_bundle(shop, bundle)]
    return found + list(_near_twins(bundles))


def _of_bundle(shop: Shop, bundle: dict[str, Any]) -> Iterator[str]:
    evidence = bundle["evidence"]
    end = date.fromisoformat(evidence["window"]["to"])
    window = [order for order in shop.orders if order.is_known(end - timedelta(WINDOW_DAYS), end)]
    skus = [product["sku"] for product in bundle["products"]]
    if unknown := [sku for sku in skus if sku not in shop.items]:
        yield f"{unknown} are no products of the store"
        return
    if gone := [sku for sku in skus if not shop.items[sku].is_sellable]:
        yield f"{gone} can't be sold"
    count, anchors = _count(bundle, window, skus)
    members = [sum(sku in order.units for order in window) for sku in skus]
    yield from _differ("orders", evidence["window"]["orders"], len(window))
    yield from _differ("count", evidence["count"], count)
    yield from _differ("support", evidence["support"], count / max(len(window), 1))
    if bundle["type"] == "MIX_MATCH":
        yield from _differ("confidence", evidence["confidence"], None)
    else:
        yield from _differ("confidence", evidence["confidence"], count / anchors if anchors else 0.0)
    has_lift = bundle["type"] not in ("MIX_MATCH", "VOLUME")
    chance = math.prod(members) / max(len(window), 1) ** (len(skus) - 1)
    yield from _differ("lift", evidence["lift"], count / chance if has_lift and chance else None)
    yield from _money_disagreements(shop, bundle)
    yield from _weight_disagreements(shop, bundle, end)


def _count(bundle: dict[str, Any], window: list[Order], skus: list[str]) -> tuple[int, int]:
    """Orders that hold the bundle, and orders with its anchor."""
    if bundle["type"] == "VOLUME":
        first_break = min(tier["quantity"] for tier in bundle["offer"]["tiers"])
        units = [sum(order.units[sku] for sku in skus) for order in window]
        return sum(value >= first_break for value in units), sum(value > 0 for value in units)
    least = bundle["offer"]["pick"] if bundle["type"] == "MIX_MATCH" else len(skus)
    held = [sum(sku in order.units for sku in skus) for order in window]
    return sum(value >= least for value in held), sum(skus[0] in order.units for order in window)


def _money_disagreements(shop: Shop, bundle: dict[str, Any]) -> Iterator[str]:
    offer, products = bundle["offer"], bundle["products"]
    parts = [(product["quantity"], shop.items[product["sku"]]) for product in products]
    if any(item.price is None for _, item in parts):
        return
    for product, (_, item) in zip(products, parts, strict=True):
        yield from _differ(f"price of {product['sku']}", Decimal(product["price"]), item.price)
    list_price = sum((quantity * item.price for quantity, item in parts if item.price), Decimal(0))
    price = Decimal(offer["price"])
    yield from _differ("list price", Decimal(offer["list_price"]), list_price)
    if not 0 < price <= list_price:
        yield f"price {price} is not within (0, {list_price}]"
    discount = 100 * (1 - price / list_price)
    if abs(discount - Decimal(offer["discount_pct"])) > Decimal("0.0501"):
        yield f"discount_pct {offer['discount_pct']}, recounted {discount:.3f}"
    yield from _margin_disagreements(bundle, parts, price / list_price)


def _margin_disagreements(bundle: dict[str, Any], parts: list[tuple[int, Item]], kept_share: Decimal) -> Iterator[str]:
    """At least 15 % where the cost of every part is known, at most 10 % off where none is.

    The worst pick of a pool and the item that is got carry their own floors: sets, kits and breaks are recounted here.
    """
    costs = [item.cost for _, item in parts]
    if all(cost is None for cost in costs) and Decimal(bundle["offer"]["discount_pct"]) > 10:
        yield f"{bundle['offer']['discount_pct']} % off without a known cost"
    if bundle["type"] in ("MIX_MATCH", "VOLUME") or any(cost is None for cost in costs):
        return
    cost = sum((quantity * item.cost for quantity, item in parts if item.cost is not None), Decimal(0))
    paid = sum((quantity * item.price for quantity, item in parts if item.price), Decimal(0)) * kept_share
    margin = 1 - cost / paid
    if margin < Decimal("0.15") - Decimal("1e-9"):
        yield f"margin {margin:.4f} after discount"
    yield from _differ("margin", bundle["evidence"]["margin"]["after_discount"], float(margin))


def _weight_disagreements(shop: Shop, bundle: dict[str, Any], end: date) -> Iterator[str]:
    """α follows the curve over the recent orders that hold the anchor's category."""
    weights = bundle["weights"]
    category = shop.items[bundle["products"][0]["sku"]].category
    recent = [order for order in shop.orders if order.is_known(end - timedelta(RECENT_DAYS), end)]
    x = sum(any(shop.items[sku].category == category for sku in order.units) for order in recent)
    yield from _differ("category", weights["category"], category)
    yield from _differ("category_orders", weights["category_orders"], x)
    yield from _differ("alpha", weights["alpha"], 0.6 / (1 + math.exp(0.01 * (x - 300))))
    yield from _differ("sum of weights", weights["alpha"] + weights["beta"] + weights["gamma"], 1.0)
    score = sum(
        weights[weight] * bundle["signals"][signal]
        for weight, signal in (("alpha", "semantic"), ("beta", "transactional"), ("gamma", "business"))
    )
    yield from _differ("score", bundle["score"], score)


def _near_twins(bundles: list[dict[str, Any]]) -> Iterator[str]:
    for one, other in combinations(bundles, 2):
        a, b = ({product["sku"] for product in bundle["products"]} for bundle in (one, other))
        if one["type"] == other["type"] and len(a & b) / len(a | b) >= 0.8:
            yield f"ranks {one['rank']} and {other['rank']} are nearly the same {one['type']}"


def _differ(what: str, said: Any, recounted: Any) -> Iterator[str]:
    if isinstance(said, float) and isinstance(recounted, int | float):
        if not math.isclose(said, recounted, rel_tol=2e-5, abs_tol=2e-6):
            yield f"{what} {said}, recounted {recounted}"
    elif said != recounted:
        yield f"{what} {said}, recounted {recounted}"
