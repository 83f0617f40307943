"""Who goes well beside whom, once for a store: one table of links for each kind of evidence.

A combo only filters and ranks these tables, so what a store knows is worked out once, not forty times.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.columns import Columns
from pipeline.context.affinity import Affinity
from pipeline.context.association import shrunk_lift
from pipeline.context.bonds import Bonds
from pipeline.context.mining import Mined
from pipeline.context.similarity import Neighbours
from pipeline.keys import LARGEST, is_first

PER_ANCHOR = 30
"""Most partners to keep for an anchor."""

MIN_RULE_COUNT, MIN_SUPPORT, MIN_SHRUNK_LIFT = 3, 0.01, 1.2
"""A rule has three orders, and 1 % of all orders or a shrunk lift of 1.2."""


@dataclass(frozen=True)
class Links(Columns):
    """Directed links, ordered by anchor, then strength, then partner. All columns `(l,)`."""

    anchor: NDArray[np.int32]
    partner: NDArray[np.int32]
    strength: NDArray[np.float64]
    """In [0, 1]; comparable within a table only."""


STEPS = 10**9
"""Strengths are told apart to nine digits."""


def make_links(anchor: NDArray[np.integer], partner: NDArray[np.integer], strength: NDArray[np.float64]) -> Links:
    """The `PER_ANCHOR` strongest links of each anchor; equal ones by lower partner.

    Args:
        anchor: `(k,)` SKUs.
        partner: `(k,)` SKUs beside them.
        strength: `(k,)` in [0, 1].
    """
    weakness = np.rint((1.0 - strength) * STEPS).astype(np.int64)
    anchor, partner, weakness = _ordered(anchor, partner, weakness)
    first = np.flatnonzero(is_first(anchor))
    place = np.arange(len(anchor)) - np.repeat(first, np.diff(np.r_[first, len(anchor)]))
    keep = place < PER_ANCHOR
    strength = np.round(1.0 - weakness[keep] / STEPS, 9)
    return Links(anchor[keep].astype(np.int32), partner[keep].astype(np.int32), strength)


def _ordered(
    anchor: NDArray[np.integer], partner: NDArray[np.integer], weakness: NDArray[np.int64]
) -> tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.int64]]:
    """The three columns, in order of anchor, then weakness, then partner.

    Where a row fits a key, sorting the keys and reading the columns back takes a tenth of the time.
    """
    width, steps = int(partner.max(initial=0)) + 1, STEPS + 1
    if (int(anchor.max(initial=0)) + 1) * width * steps > LARGEST:
        order = np.lexsort((partner, weakness, anchor))
        return anchor[order], partner[order], weakness[order]
    key = np.sort((anchor.astype(np.int64) * steps + weakness) * width + partner)
    upper = key // width
    return upper // steps, key - upper * width, upper % steps


@dataclass(frozen=True, slots=True)
class LinkTables:
    """The store's links by evidence, the strongest tier first."""

    rules: Links
    """Pairs that pass as association rules."""
    thin: Links
    """Pairs of two orders or more that do not: adaptive rules."""
    smoothed: Links
    """Pairs of any count whose lift, shrunk to that of their categories, is above 1.2."""
    semantic: Links
    """Nearest neighbours by text, ranked by affinity."""
    complements: Links
    """Popular products of the categories bought with the anchor's."""
    popular: Links
    """The store's most bought products."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What link tables need to know of SKUs and categories."""

    orders: NDArray[np.int32]
    category: NDArray[np.int32]
    price: NDArray[np.float64]
    is_sellable: NDArray[np.bool_]
    category_joint: NDArray[np.int64]
    compatible: NDArray[np.bool_]
    total_orders: int


def category_lift(joint: NDArray[np.int64], orders: int) -> NDArray[np.float64]:
    """`(c, c)` shrunk lift of category pairs, within [0.2, 5]."""
    single = np.diag(joint).astype(np.float64)
    return np.clip(shrunk_lift(joint, np.outer(single, single) / max(orders, 1)), 0.2, 5.0)


def _pair_links(mined: Mined, bonds: Bonds, shelf: Shelf) -> tuple[Links, Links, Links]:
    pairs, n = mined.pairs, max(shelf.total_orders, 1)
    a, b = pairs.a, pairs.b
    chance = mined.item_weight[a] * mined.item_weight[b] / max(mined.total_weight, 1.0)
    support = pairs.count / n
    exact = shrunk_lift(pairs.count, shelf.orders[a].astype(np.float64) * shelf.orders[b] / n)
    is_rule = (pairs.count >= MIN_RULE_COUNT) & ((support >= MIN_SUPPORT) | (exact >= MIN_SHRUNK_LIFT))
    prior = category_lift(shelf.category_joint, n)[shelf.category[a], shelf.category[b]]
    smoothed = shrunk_lift(pairs.weight, chance, prior)
    both = shelf.is_sellable[a] & shelf.is_sellable[b]

    # What categories add to a thin pair's lift, as a share of the way from its bond to 1.
    gain = np.clip(0.5 * (1 - 1 / np.maximum(smoothed, 1.0)), 0, 1)

    def links(keep: NDArray[np.bool_], rise: NDArray[np.float64] | None = None) -> Links:
        one, two = a[keep], b[keep]
        strength = np.concatenate([bonds.forward[keep], bonds.backward[keep]])
        if rise is not None:
            strength = strength + (1 - strength) * np.tile(rise[keep], 2)
        return make_links(np.concatenate([one, two]), np.concatenate([two, one]), strength)

    return (
        links(both & is_rule),
        links(both & ~is_rule & (pairs.count >= 2)),
        links(both & (smoothed >= MIN_SHRUNK_LIFT), gain),
    )


def _semantic_links(neighbours: Neighbours, affinity: Affinity, is_sellable: NDArray[np.bool_]) -> Links:
    products, width = neighbours.items.shape
    anchor = np.repeat(np.arange(products, dtype=np.int32), width)
    partner = neighbours.items.ravel()
    keep = (partner >= 0) & is_sellable[anchor] & is_sellable[np.maximum(partner, 0)]
    anchor, partner = anchor[keep], partner[keep]
    return make_links(anchor, partner, affinity.score(anchor, partner))


def _popular_of(shelf: Shelf, most: int) -> NDArray[np.int32]:
    """The `most` most ordered sellable SKUs; equal ones by position."""
    score = np.where(shelf.is_sellable, shelf.orders, -1)
    top = np.argsort(-score, kind="stable")[:most]
    return top[score[top] >= 0].astype(np.int32)


def _complement_links(shelf: Shelf, categories_each: int = 4, products_each: int = 5) -> Links:
    """Popular products of the categories with the highest lift to the anchor's, at a price near it."""
    width = len(shelf.category_joint)
    lift = np.where(shelf.compatible, category_lift(shelf.category_joint, shelf.total_orders), 0.0)
    popularity = np.lexsort((np.arange(len(shelf.orders)), -shelf.orders, shelf.category))
    popularity = popularity[shelf.is_sellable[popularity]]
    best = [popularity[shelf.category[popularity] == place][:products_each] for place in range(width)]
    parts = []
    for place in range(width):
        anchors = np.flatnonzero(shelf.is_sellable & (shelf.category == place))
        near = np.argsort(-lift[place], kind="stable")[:categories_each]
        partners = np.concatenate([best[other] for other in near if lift[place, other] > 0] or [best[place]])
        anchor, partner = np.repeat(anchors, len(partners)), np.tile(partners, len(anchors))
        parts.append(np.column_stack([anchor, partner]))
    linked = np.concatenate(parts) if parts else np.zeros((0, 2), dtype=np.int64)
    anchor, partner = linked[:, 0], linked[:, 1]
    ratio = shelf.price[partner] / np.maximum(shelf.price[anchor], 1e-9)
    keep = (anchor != partner) & (ratio >= 0.25) & (ratio <= 2.0)
    anchor, partner = anchor[keep], partner[keep]
    strength = lift[shelf.category[anchor], shelf.category[partner]] / 5.0
    strength = 0.5 * strength + 0.5 * shelf.orders[partner] / max(int(shelf.orders.max(initial=0)), 1)
    return make_links(anchor, partner, strength)


def _popular_links(shelf: Shelf, most: int = 12) -> Links:
    partners = _popular_of(shelf, most)
    anchors = np.flatnonzero(shelf.is_sellable)
    anchor, partner = np.repeat(anchors, len(partners)), np.tile(partners, len(anchors))
    keep = (anchor != partner) & shelf.compatible[shelf.category[anchor], shelf.category[partner]]
    anchor, partner = anchor[keep], partner[keep]
    return make_links(anchor, partner, shelf.orders[partner] / max(int(shelf.orders.max(initial=0)), 1))


def link_tables(mined: Mined, bonds: Bonds, neighbours: Neighbours, affinity: Affinity, shelf: Shelf) -> LinkTables:
    """All tables of links; only sellable products are linked."""
    rules, thin, smoothed = _pair_links(mined, bonds, shelf)
    semantic = _semantic_links(neighbours, affinity, shelf.is_sellable)
    return LinkTables(rules, thin, smoothed, semantic, _complement_links(shelf), _popular_links(shelf))
