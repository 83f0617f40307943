"""Order lines that several files hold, taken once."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.lines import Lines
from pipeline.ingest.table import Text, first_filled
from pipeline.ingest.values import NO_TIME


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
    filled: dict[str, Any] = {}
    for name in ("currency", "email", "customer", "phone"):
        text: Text = getattr(lines, name)
        filled[name] = Text(np.where(text.filled, text.codes, first_filled(text, group, groups)[group]), text.values)
    cancelled = np.full(groups, NO_TIME, dtype=np.int64)
    np.maximum.at(cancelled, group, lines.cancelled)
    paid = np.zeros(groups, dtype=bool)
    np.logical_or.at(paid, group, lines.is_paid)
    status = Text(lines.line_status, lines.status.values)
    return replace(lines, **filled, status=status, cancelled=cancelled[group], is_paid=paid[group])
