"""Snapshots written back as canonical CSV files, so that a synthetic store can go in by the front door."""

import csv
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline.ingest.snapshot import NEVER, Snapshot

ORDERS = (
    "order_id",
    "ordered_at",
    "sku",
    "quantity",
    "unit_price",
    "customer_id",
    "currency",
    "status",
    "cancelled_at",
)
PRODUCTS = ("sku", "title", "product_id", "description", "category", "vendor", "tags", "price", "cost", "created_at")
STOCK = ("sku", "available")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_canonical(snapshot: Snapshot, folder: Path, *, shuffled: int | None = None) -> Path:
    """Write a snapshot as orders, products and inventory; `shuffled` is a seed for another order of all rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, header, rows in (
        ("orders.csv", ORDERS, _orders(snapshot)),
        ("products.csv", PRODUCTS, _products(snapshot)),
        ("inventory.csv", STOCK, _stock(snapshot)),
    ):
        write_rows(folder / name, header, rows, shuffled=shuffled)
    return folder


def write_rows(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], *, shuffled: int | None = None
) -> None:
    """A CSV file of `rows`, in another order where `shuffled` is a seed."""
    found = list(rows)
    if shuffled is not None:
        random.Random(shuffled).shuffle(found)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        writer.writerows(found)


def shuffle_file(source: Path, target: Path, seed: int) -> None:
    """A CSV file with its records in another order."""
    with source.open(encoding="utf-8-sig", newline="") as stream:
        header, *rows = list(csv.reader(stream))
    write_rows(target, header, rows, shuffled=seed)


def _day(day: int) -> str:
    return (EPOCH + timedelta(days=day)).date().isoformat()


def _orders(snapshot: Snapshot) -> Iterable[Sequence[object]]:
    orders, sku = snapshot.orders, snapshot.catalog.sku.to_pylist()
    for row in range(len(orders)):
        placed = (EPOCH + timedelta(minutes=int(orders.minute[row]))).strftime("%Y-%m-%d %H:%M:%S")
        customer = int(orders.customer[row])
        cancelled = int(orders.cancelled_day[row])
        for cell in range(orders.indptr[row], orders.indptr[row + 1]):
            yield (
                f"#{row:06d}", placed, sku[orders.item[cell]], int(orders.quantity[cell]),
                f"{orders.unit_price[cell]:.2f}", "" if customer < 0 else f"c{customer}", snapshot.currency, "paid",
                "" if cancelled == NEVER else _day(cancelled),
            )  # fmt: skip


def _products(snapshot: Snapshot) -> Iterable[Sequence[object]]:
    catalog = snapshot.catalog
    categories, vendors = catalog.categories.to_pylist(), catalog.vendors.to_pylist()
    texts = zip(
        catalog.sku.to_pylist(), catalog.title.to_pylist(), catalog.product_id.to_pylist(),
        catalog.description.to_pylist(), catalog.tags.to_pylist(), strict=True,
    )  # fmt: skip
    for row, (sku, title, product, description, tags) in enumerate(texts):
        cost, created = catalog.cost[row], int(catalog.created_day[row])
        yield (
            sku, title, product, description, categories[catalog.category[row]], vendors[catalog.vendor[row]], tags,
            f"{catalog.price[row]:.2f}", "" if cost != cost else f"{cost:.2f}", "" if created < 0 else _day(created),
        )  # fmt: skip


def _stock(snapshot: Snapshot) -> Iterable[Sequence[object]]:
    for sku, units in zip(snapshot.catalog.sku.to_pylist(), snapshot.catalog.stock.tolist(), strict=True):
        if units == units:
            yield sku, int(units)
