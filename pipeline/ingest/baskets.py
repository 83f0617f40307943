"""Baskets: demand lines matched to the catalog, as one sparse matrix."""

import hmac
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.ingest.demand import Demand
from pipeline.ingest.lines import Lines
from pipeline.ingest.matching import NONE, match_keys, match_titles
from pipeline.ingest.snapshot import Orders
from pipeline.ingest.table import first_filled
from pipeline.ingest.variants import Variants


class Unmatched(NamedTuple):
    """Demand lines that mean no product of the catalog."""

    sku: str
    title: str
    """Where the SKU is empty."""
    lines: int


def match_lines(lines: Lines, variants: Variants) -> NDArray[np.int32]:
    """`(n,)` row of the variant that each line means, −1 for none: by SKU, a line without SKU by its title."""
    by_sku = match_keys(lines.sku.values, variants.sku)
    by_title = match_titles(lines.title.values, variants.title, variants.product_title)
    return np.where(lines.sku.filled, by_sku[lines.sku.codes], by_title[lines.title.codes]).astype(np.int32)


def list_unmatched(lines: Lines, row: NDArray[np.int32]) -> tuple[Unmatched, ...]:
    """What the unmatched lines name, by SKU or else title; most lines first, ties by name."""
    lost = lines.take(row == NONE)
    name = np.where(lost.sku.filled, 0, lost.title.codes.astype(np.int64))
    pairs, counts = np.unique(np.stack((lost.sku.codes.astype(np.int64), name)), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], pairs[0], -counts))
    skus, titles = lost.sku.values, lost.title.values
    return tuple(
        Unmatched(skus[sku].as_py(), titles[title].as_py(), count)
        for sku, title, count in zip(
            pairs[0][order].tolist(), pairs[1][order].tolist(), counts[order].tolist(), strict=True
        )
    )


def build_orders(
    demand: Demand, row: NDArray[np.int32], items: int, *, store: str, salt: bytes
) -> tuple[Orders, tuple[str, ...]]:
    """Baskets and their customers.

    Every demand order is a basket, also one whose lines all mean no product of the catalog: it counts in shares.

    Args:
        demand: The demand lines.
        row: `(n,)` row of the catalog of each line, −1 for none.
        items: Rows of the catalog.
        store: Keeps one person's hash in two stores apart.
        salt: Secret key of the hashes.

    Returns:
        The orders, and the hash of each customer by rank.
    """
    lines = demand.lines
    placed = np.unique(lines.order.codes)
    placed = placed[np.lexsort((placed, demand.minute[placed]))]
    basket = np.empty(len(lines.order.values), dtype=np.int64)
    basket[placed] = np.arange(len(placed))
    known = row != NONE
    cell = basket[lines.order.codes[known]] * max(items, 1) + row[known]
    cells, quantity, price = _sum_cells(cell, lines.quantity[known], lines.price[known])
    customer, hashes = _customers(lines, placed, store, salt)
    orders = Orders(
        indptr=np.searchsorted(cells // max(items, 1), np.arange(len(placed) + 1)).astype(np.int64),
        item=(cells % max(items, 1)).astype(np.int32),
        quantity=quantity,
        unit_price=price,
        minute=demand.minute[placed],
        cancelled_day=demand.cancelled_day[placed],
        customer=customer,
    )
    return orders, hashes


def _sum_cells(
    cell: NDArray[np.int64], quantity: NDArray[np.int64], price: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Distinct cells ascending, their summed quantity, and their price averaged by quantity."""
    order = np.argsort(cell, kind="stable")
    cell, quantity, price = cell[order], quantity[order], price[order]
    is_first = np.concatenate(([True], cell[1:] != cell[:-1])) if len(cell) else np.zeros(0, dtype=bool)
    starts = np.flatnonzero(is_first)
    # A sum of floats depends on its order, so lines of one cell are put into one that the files have no say in.
    lines = np.diff(np.append(starts, len(cell)))
    several = np.repeat(lines > 1, lines)
    order = np.lexsort((price[several], quantity[several], cell[several]))
    quantity[several], price[several] = quantity[several][order], price[several][order]
    if not len(starts):
        return cell, quantity.astype(np.int32), price
    units = np.add.reduceat(quantity, starts)
    paid = np.add.reduceat(quantity * price, starts)
    lowest, highest = np.minimum.reduceat(price, starts), np.maximum.reduceat(price, starts)
    average = np.where(lowest == highest, lowest, paid / units)
    return cell[starts], np.minimum(units, np.iinfo(np.int32).max).astype(np.int32), average


def _customers(
    lines: Lines, placed: NDArray[np.integer], store: str, salt: bytes
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Rank of each basket's customer, and the ranks' hashes: of the e-mail, else the customer id, else the phone."""
    groups = len(lines.order.values)
    key = np.zeros(len(placed), dtype=np.int64)
    sources: list[pa.StringArray] = []
    for text in (lines.email, lines.customer, lines.phone):
        code = first_filled(text, lines.order.codes, groups)[placed].astype(np.int64)
        key = np.where((key == 0) & (code > 0), (code << 2) + len(sources), key)
        sources.append(text.values)
    known = key > 0
    keys, first, rank_of = np.unique(key[known], return_index=True, return_inverse=True)
    by_appearance = np.argsort(first)
    rank = np.empty(len(keys), dtype=np.int32)
    rank[by_appearance] = np.arange(len(keys), dtype=np.int32)
    customer = np.full(len(placed), -1, dtype=np.int32)
    customer[known] = rank[rank_of]
    ranked = keys[by_appearance]
    written = np.empty(len(ranked), dtype=object)
    for number, values in enumerate(sources):
        mine = ranked & 3 == number
        written[mine] = values.take(pa.array(ranked[mine] >> 2)).to_pylist()
    prefix = store.encode() + b"\0"
    return customer, tuple(hmac.digest(salt, prefix + value.encode(), "sha256").hex() for value in written)
