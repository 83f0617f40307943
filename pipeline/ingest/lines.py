"""Order lines: one accepted record each, checked and typed, whatever the vendor."""

import re
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipeline.columns import Columns
from pipeline.ingest.config import IngestConfig
from pipeline.ingest.table import Table, Text, first_filled
from pipeline.ingest.text import cut, plain_line
from pipeline.ingest.values import LARGEST, NO_TIME, numbers, times

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
    order = table.text("order_id")
    faults.add(~order.filled, "missing_order_id", "order_id", "empty")
    sku, title = table.text("sku"), table.text("title").map(lambda text: cut(plain_line(text), config.max_title_length))
    for column, text in (("order_id", order), ("sku", sku)):
        faults.add(text.lengths > config.max_key_length, "field_too_long", column, "{} characters", text.lengths)
    faults.add(~sku.filled & ~title.filled, "missing_sku_and_title", "sku", "neither SKU nor title")
    minute = _order_minutes(table, order)
    cancelled = _optional_minutes(table, "cancelled_at")
    paid = _optional_minutes(table, "paid_at")
    status, currency = table.text("status"), table.text("currency").map(str.upper)
    faults.add(
        ~currency.ask(lambda text: re.fullmatch(r"[A-Z]{3}|", text) is not None),
        "bad_currency",
        "currency",
        "not a code such as USD",
    )
    quantity = numbers(table.columns["quantity"], at_least=-LARGEST, whole=True)
    quantity.reject(faults, "bad_quantity", "quantity")
    price = numbers(table.columns["unit_price"])
    price.reject(faults, "bad_price", "unit_price")
    if price.has_comma:
        table.notes.append("unit prices are written with a decimal comma")
    lines = Lines(
        order=order,
        sku=sku,
        title=title,
        status=status,
        currency=currency,
        email=table.text("customer_email").map(str.casefold),
        customer=table.text("customer_id"),
        phone=table.text("customer_phone"),
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


def _order_minutes(table: Table, order: Text) -> NDArray[np.int64]:
    """When each line's order was placed; a line without a time takes the earliest of its order's other lines."""
    placed = times(table.columns["ordered_at"])
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


def _optional_minutes(table: Table, column: str) -> NDArray[np.int64]:
    if column not in table.columns:
        return np.full(len(table), NO_TIME, dtype=np.int64)
    found = times(table.columns[column])
    found.reject(table.faults, column)
    return found.minute


def without_repeats(lines: Lines) -> tuple[Lines, int]:
    """Lines of orders that several files hold, each taken once.

    Exports of two months overlap, and a large export comes in parts. So of equal lines (order, SKU, title, quantity,
    price) as many are kept as the one file has that holds most of them.

    Returns:
        The lines, and how many were left out.
    """
    if not len(lines) or lines.file.min() == lines.file.max():
        return lines, 0
    spread = np.full(len(lines.order.values), -1, dtype=np.int64)
    np.maximum.at(spread, lines.order.codes, lines.file)
    shared = np.zeros(len(lines.order.values), dtype=bool)
    np.logical_or.at(shared, lines.order.codes, spread[lines.order.codes] != lines.file)
    at = np.flatnonzero(shared[lines.order.codes])
    if not len(at):
        return lines, 0
    columns = (lines.order.codes, lines.sku.codes, lines.title.codes, lines.quantity, lines.price)
    key = np.unique(np.rec.fromarrays([column[at] for column in columns]), return_inverse=True)[1].astype(np.int64)
    ordinal = _ordinal(key * (int(lines.file.max()) + 1) + lines.file[at])
    pair = key * len(at) + ordinal
    first = np.unique(pair, return_index=True)[1]
    keep = np.ones(len(lines), dtype=bool)
    keep[np.delete(at, first)] = False
    # Status, times and customer may stand on a line that is left out: those lines give theirs to the order first.
    return _shared_facts(lines).take(keep), int((~keep).sum())


def _ordinal(key: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position of each element among the elements equal to it."""
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    begins = np.concatenate(([True], ranked[1:] != ranked[:-1]))
    starts = np.flatnonzero(begins)
    ordinal = np.empty(len(key), dtype=np.int64)
    ordinal[order] = np.arange(len(key)) - starts[np.cumsum(begins) - 1]
    return ordinal


def _shared_facts(lines: Lines) -> Lines:
    """Lines on which the order-level columns are filled wherever some line of the order has them."""
    group, groups = lines.order.codes, len(lines.order.values)
    filled = {}
    for name in ("currency", "email", "customer", "phone"):
        text: Text = getattr(lines, name)
        filled[name] = Text(np.where(text.filled, text.codes, first_filled(text, group, groups)[group]), text.values)
    cancelled = np.full(groups, NO_TIME, dtype=np.int64)
    np.maximum.at(cancelled, group, lines.cancelled)
    paid = np.zeros(groups, dtype=bool)
    np.logical_or.at(paid, group, lines.is_paid)
    columns = {column.name: getattr(lines, column.name) for column in fields(lines)}
    columns |= filled | {
        "status": Text(lines.line_status, lines.status.values),
        "cancelled": cancelled[group],
        "is_paid": paid[group],
    }
    return Lines(**columns)
