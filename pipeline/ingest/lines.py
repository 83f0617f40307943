"""Order lines: one accepted record each, checked and typed, whatever the vendor."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.columns import Columns
from pipeline.ingest.config import IngestConfig
from pipeline.ingest.table import Table, Text, first_filled
from pipeline.ingest.text import cut, plain_line
from pipeline.ingest.values import LARGEST, NO_TIME, Times, numbers, times

DEMAND = frozenset(
    {"", "paid", "partially_refunded", "partially_paid", "complete", "completed", "fulfilled", "partially_fulfilled"}
    | {"shipped", "delivered", "closed", "processing"}
)
"""Statuses of orders that somebody paid for, or that nobody says otherwise of."""

NO_DEMAND = frozenset(
    {
        "pending",
        "authorized",
        "voided",
        "refunded",
        "expired",
        "unpaid",
        "cancelled",
        "canceled",
        "failed",
        "on_hold",
        "draft",
    }
)

MOMENTS = ("ordered_at", "cancelled_at", "paid_at")
TEXTS = ("order_id", "sku", "title", "status", "currency", "customer_email", "customer_id", "customer_phone")
"""Columns of an orders table that are read as times, and as text."""


def status_name(text: str) -> str:
    """A status as the two sets above spell it."""
    return re.sub(r"[\s_-]+", "_", text.casefold())


@dataclass(frozen=True, repr=False)
class Lines(Columns):
    """Order lines as columns of one length `n`. Order-level columns may be filled on some lines of an order only."""

    order: Text
    sku: Text
    title: Text
    status: Text
    currency: Text
    email: Text
    customer: Text
    phone: Text
    minute: NDArray[np.int64]
    cancelled: NDArray[np.int64]
    """Minute of the cancellation, `NO_TIME` where there is none."""
    is_paid: NDArray[np.bool_]
    """A payment is dated, or the file has no dates of payment."""
    quantity: NDArray[np.int64]
    price: NDArray[np.float64]
    file: NDArray[np.int32]

    @staticmethod
    def none() -> "Lines":
        """No lines at all."""
        blank, whole = Text.blank(0), np.zeros(0, dtype=np.int64)
        return Lines(
            order=blank,
            sku=blank,
            title=blank,
            status=blank,
            currency=blank,
            email=blank,
            customer=blank,
            phone=blank,
            minute=whole,
            cancelled=whole,
            is_paid=whole.astype(bool),
            quantity=whole,
            price=whole.astype(np.float64),
            file=whole.astype(np.int32),
        )

    @property
    def line_status(self) -> NDArray[np.int32]:
        """`(n,)` code of each line's status: its own, else its order's."""
        of_order = first_filled(self.status, self.order.codes, len(self.order.values))
        return np.where(self.status.filled, self.status.codes, of_order[self.order.codes]).astype(np.int32)


def read_lines(table: Table, config: IngestConfig, file: int) -> Lines:
    """The accepted lines of an orders table; the others are in `table.faults` afterwards.

    Args:
        table: An orders table of any vendor.
        config: Limits.
        file: Number of the file, kept with each line.
    """
    faults = table.faults
    # Arrow and numpy let other threads run meanwhile; a process that is to have one thread says so to Arrow.
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        moments = {name: pool.submit(times, table.columns[name]) for name in MOMENTS if name in table.columns}
        texts = {name: pool.submit(table.text, name) for name in TEXTS}
        quantities = pool.submit(numbers, table.columns["quantity"], at_least=-LARGEST, whole=True)
        prices = pool.submit(numbers, table.columns["unit_price"])
    found = {name: text.result() for name, text in texts.items()}
    order = found["order_id"]
    faults.add(~order.filled, "missing_order_id", "order_id", "empty")
    sku, title = found["sku"], found["title"].map(lambda text: cut(plain_line(text), config.max_title_length))
    for column, text in (("order_id", order), ("sku", sku)):
        faults.add(text.lengths > config.max_key_length, "field_too_long", column, "{} characters", text.lengths)
        faults.add(text.ask(_is_address), "personal_data", column, "an e-mail address: the columns have slipped")
    faults.add(title.ask(_is_address), "personal_data", "title", "an e-mail address: the columns have slipped")
    faults.add(~sku.filled & ~title.filled, "missing_sku_and_title", "sku", "neither SKU nor title")
    seen = {name: moment.result() for name, moment in moments.items()}
    minute = _order_minutes(table, order, seen["ordered_at"])
    cancelled = _optional_minutes(table, "cancelled_at", seen)
    paid = _optional_minutes(table, "paid_at", seen)
    status, currency = found["status"], found["currency"].map(str.upper)
    faults.add(
        ~currency.ask(lambda text: re.fullmatch(r"[A-Z]{3}|", text) is not None),
        "bad_currency",
        "currency",
        "not a code such as USD",
    )
    quantity, price = quantities.result(), prices.result()
    quantity.reject(faults, "bad_quantity", "quantity")
    price.reject(faults, "bad_price", "unit_price")
    if price.has_comma:
        table.notes.append("unit prices are written with a decimal comma")
    lines = Lines(
        order=order,
        sku=sku,
        title=title,
        status=status,
        currency=currency,
        email=found["customer_email"].map(str.casefold),
        customer=found["customer_id"],
        phone=found["customer_phone"],
        minute=minute,
        cancelled=cancelled,
        is_paid=(paid != NO_TIME) if "paid_at" in table.columns else np.ones(len(table), dtype=bool),
        quantity=np.nan_to_num(quantity.values).astype(np.int64),
        price=np.nan_to_num(price.values),
        file=np.full(len(table), file, dtype=np.int32),
    )
    is_demand = np.array([status_name(value) in DEMAND for value in status.distinct()], dtype=bool)[lines.line_status]
    # A refund's negative quantity is what a refund looks like; in a sale it is a mistake.
    faults.add((lines.quantity < 1) & is_demand, "bad_quantity", "quantity", "below 1 in an order that is no refund")
    return lines.take(faults.alive) if not faults.alive.all() else lines


def _is_address(text: str) -> bool:
    """Whether a text is an e-mail address. What matches no product is listed in reports, and no person may be."""
    return "@" in text and re.fullmatch(r"\S+@\S+\.\w+", text) is not None


def _order_minutes(table: Table, order: Text, placed: Times) -> NDArray[np.int64]:
    """When each line's order was placed; a line without a time takes the earliest of its order's other lines."""
    placed.reject(table.faults, "ordered_at")
    known = placed.minute != NO_TIME
    if known.all():
        return placed.minute
    never = np.iinfo(np.int64).max
    earliest = np.full(len(order.values), never, dtype=np.int64)
    np.minimum.at(earliest, order.codes[known], placed.minute[known])
    minute = np.where(known, placed.minute, earliest[order.codes])
    table.faults.add(minute == never, "bad_date", "ordered_at", "empty on every line of the order")
    return minute


def _optional_minutes(table: Table, column: str, seen: Mapping[str, Times]) -> NDArray[np.int64]:
    if column not in seen:
        return np.full(len(table), NO_TIME, dtype=np.int64)
    seen[column].reject(table.faults, column)
    return seen[column].minute
