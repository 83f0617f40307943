"""How often each candidate was really bought, counted exactly over the window's orders."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.frame import Proposals, incidence
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
    support_lately: NDArray[np.float64]
    """The same with recent orders counting more (`mining.half_life_days`), in [0, 1]."""
    alive: NDArray[np.float64]
    """Probability that its products are all still bought: the least of theirs, in [0, 1]."""
    confidence: NDArray[np.float64]
    """`count / anchor_orders`; NaN for MIX_MATCH."""
    confidence_low: NDArray[np.float64]
    """Wilson 95 % bounds of confidence; NaN for MIX_MATCH."""
    confidence_high: NDArray[np.float64]
    expected: NDArray[np.float64]
    """Orders that chance would give; NaN for MIX_MATCH and VOLUME."""
    lift: NDArray[np.float64]
    shrunk_lift: NDArray[np.float64]


def _count(
    context: StoreContext, kind: BundleType, found: Proposals
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.int32]]:
    """`(k,)` orders, orders by recency, and orders with the anchor."""
    products = context.history.products
    member = incidence(found.items, products)
    least: NDArray[np.integer]
    if kind is BundleType.VOLUME:
        held, least = member @ context.postings.units, found.breaks[:, 0]
        anchor_orders = np.diff(held.indptr).astype(np.int32)
    else:
        held = member @ context.postings.held
        least = found.pick if kind is BundleType.MIX_MATCH else found.size
        anchor_orders = context.mined.item_orders[found.items[:, 0]]
    row = np.repeat(np.arange(len(found)), np.diff(held.indptr))
    enough = held.data >= least[row]
    row, order = row[enough], held.indices[enough]
    count = np.bincount(row, minlength=len(found)).astype(np.int32)
    lately = np.bincount(row, weights=context.recency[order], minlength=len(found)).astype(np.float64)
    return count, lately, anchor_orders


def count_candidates(context: StoreContext, kind: BundleType, found: Proposals) -> Counts:
    """Count `k` candidates of one type, and what follows from the counts.

    Lift of a set of `s` products is `count · n^(s−1) / Π counts`; `shrunk_lift` stands beside it.
    """
    parts = [_count(context, kind, found.take(rows)) for rows in _chunks(len(found))]
    count, lately, anchor_orders = (np.concatenate(column) for column in zip(*parts, strict=True))
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
        support_lately=lately / max(float(context.recency.sum()), 1e-9),
        alive=np.where(present, context.alive[np.where(present, found.items, 0)], 1.0).min(axis=1),
        confidence=unknown if is_pool else confidence,
        confidence_low=unknown if is_pool else low,
        confidence_high=unknown if is_pool else high,
        expected=expected,
        lift=lift(count, expected) if is_set else unknown,
        shrunk_lift=shrunk_lift(count, expected) if is_set else unknown,
    )


def _chunks(length: int) -> list[NDArray[np.intp]]:
    return np.array_split(np.arange(length), max(1, -(-length // CHUNK)))
