"""How often each candidate was really bought, counted exactly over the window's orders."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.candidates.frame import Proposals
from pipeline.columns import Columns
from pipeline.context.association import expected_count, lift, shrunk_lift, wilson
from pipeline.context.store import StoreContext
from pipeline.terms import BundleType

CHUNK = 2_000
"""Candidates counted at a time: what bounds memory in a store of many orders."""


@dataclass(frozen=True)
class Counts(Columns):
    """What the orders say of each of `k` candidates. Columns `(k,)`.

    `count`: FBT, FIXED, BXGY orders holding every SKU; MIX_MATCH orders holding at least `pick` of the pool;
    VOLUME orders whose summed quantity of the products reaches the first break.
    """

    count: NDArray[np.int32]
    anchor_orders: NDArray[np.int32]
    """Orders with the anchor; VOLUME: with any of the products."""
    support: NDArray[np.float64]
    """`count / orders`, in [0, 1]."""
    confidence: NDArray[np.float64]
    """`count / anchor_orders`; NaN for MIX_MATCH."""
    confidence_low: NDArray[np.float64]
    """Wilson 95 % bounds of confidence; NaN for MIX_MATCH."""
    confidence_high: NDArray[np.float64]
    expected: NDArray[np.float64]
    """Orders that chance would give; NaN for MIX_MATCH and VOLUME."""
    lift: NDArray[np.float64]
    shrunk_lift: NDArray[np.float64]


def _membership(items: NDArray[np.int32], products: int) -> csr_array:
    """`(k, n)` ones where a candidate holds a SKU."""
    present = items >= 0
    indptr = np.zeros(len(items) + 1, dtype=np.int64)
    np.cumsum(present.sum(axis=1), out=indptr[1:])
    data = np.ones(int(indptr[-1]), dtype=np.int32)
    return csr_array((data, items[present], indptr), shape=(len(items), products))


def _rows_reaching(held: csr_array, least: NDArray[np.integer]) -> NDArray[np.int32]:
    """`(k,)` cells of each row of `held` that are at least `least` of that row."""
    row = np.repeat(np.arange(held.shape[0]), np.diff(held.indptr))
    return np.bincount(row[held.data >= least[row]], minlength=held.shape[0]).astype(np.int32)


def _count(context: StoreContext, kind: BundleType, found: Proposals) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    products = context.history.products
    member = _membership(found.items, products)
    if kind is BundleType.VOLUME:
        units = member @ context.postings.matrix(quantities=True)
        return _rows_reaching(units, found.breaks[:, 0]), np.diff(units.indptr).astype(np.int32)
    held = member @ context.postings.matrix()
    least = found.pick if kind is BundleType.MIX_MATCH else found.size
    return _rows_reaching(held, least), context.mined.item_orders[found.items[:, 0]]


def count_candidates(context: StoreContext, kind: BundleType, found: Proposals) -> Counts:
    """Count `k` candidates of one type, and what follows from the counts.

    Lift of a set of `s` products is `count · n^(s−1) / Π counts`; `shrunk_lift` stands beside it.
    """
    parts = [_count(context, kind, found.take(rows)) for rows in _chunks(len(found))]
    count = np.concatenate([part[0] for part in parts])
    anchor_orders = np.concatenate([part[1] for part in parts])
    orders, present = context.orders, found.items >= 0
    members = np.where(present, context.mined.item_orders[np.where(present, found.items, 0)], np.nan)
    unknown = np.full(len(found), np.nan)
    is_pool, is_set = kind is BundleType.MIX_MATCH, kind not in (BundleType.MIX_MATCH, BundleType.VOLUME)
    expected = expected_count(members, orders) if is_set else unknown
    low, high = wilson(np.minimum(count, anchor_orders), anchor_orders)
    confidence = np.divide(count, anchor_orders, out=np.zeros(len(found)), where=anchor_orders > 0)
    return Counts(
        count=count,
        anchor_orders=anchor_orders,
        support=count / max(orders, 1),
        confidence=unknown if is_pool else confidence,
        confidence_low=unknown if is_pool else low,
        confidence_high=unknown if is_pool else high,
        expected=expected,
        lift=lift(count, expected) if is_set else unknown,
        shrunk_lift=shrunk_lift(count, expected) if is_set else unknown,
    )


def _chunks(length: int) -> list[NDArray[np.intp]]:
    return np.array_split(np.arange(length), max(1, -(-length // CHUNK)))
