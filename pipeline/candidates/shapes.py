"""From links to the sets of each bundle type: pairs, stars around an anchor, pools."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.context.links import Links
from pipeline.context.store import StoreContext
from pipeline.terms import BundleType


class Shaped(NamedTuple):
    """Sets in role order, best first."""

    items: NDArray[np.int32]
    """`(k, width)`, −1 padded."""
    pick: NDArray[np.int8]
    """`(k,)` how many of a pool are picked; 0 for other types."""


class Grid(NamedTuple):
    """Links grouped by anchor: the best partners of each, best anchors first."""

    anchor: NDArray[np.int32]
    """`(g,)`"""
    partners: NDArray[np.int32]
    """`(g, most)`, best first, −1 padded."""
    value: NDArray[np.float64]
    """`(g, most)` of each link, −inf padded."""


MOST_PARTNERS = 7


def grid_of(links: Links, value: NDArray[np.float64], most: int = MOST_PARTNERS) -> Grid:
    """Group `links` by anchor; partners by `value`, equal ones by position."""
    if not len(links):
        return Grid(np.zeros(0, dtype=np.int32), np.zeros((0, most), dtype=np.int32), np.zeros((0, most)))
    order = np.lexsort((links.partner, -value, links.anchor))
    anchor, partner, value = links.anchor[order], links.partner[order], value[order]
    starts = np.flatnonzero(np.r_[True, np.diff(anchor) != 0])
    group = np.cumsum(np.r_[False, np.diff(anchor) != 0])
    place = np.arange(len(anchor)) - starts[group]
    keep = place < most
    partners = np.full((len(starts), most), -1, dtype=np.int32)
    values = np.full((len(starts), most), -np.inf)
    partners[group[keep], place[keep]] = partner[keep]
    values[group[keep], place[keep]] = value[keep]
    best = np.argsort(-values[:, 0], kind="stable")
    return Grid(anchor[starts][best], partners[best], values[best])


def stars(grid: Grid, size: int, wanted: int) -> NDArray[np.int32]:
    """`(≤ wanted, size)` anchors with their `size − 1` best partners, by mean value."""
    full = np.flatnonzero(grid.partners[:, size - 2] >= 0)
    mean = grid.value[full, : size - 1].mean(axis=1)
    top = full[np.argsort(-mean, kind="stable")[:wanted]]
    return np.column_stack([grid.anchor[top], grid.partners[top, : size - 1]])


def best_pairs(links: Links, value: NDArray[np.float64], wanted: int) -> NDArray[np.int32]:
    """`(≤ 2 · wanted, 2)` links by `value`; both directions of a pair may appear, the dedup keeps one."""
    top = np.argsort(-value, kind="stable")[: 2 * wanted]
    return np.column_stack([links.anchor[top], links.partner[top]])


def _no_picks(parts: list[NDArray[np.int32]]) -> Shaped:
    width = max(part.shape[1] for part in parts)
    items = np.concatenate(
        [np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=-1) for part in parts]
    ).astype(np.int32)
    return Shaped(items, np.zeros(len(items), dtype=np.int8))


def shape_fbt(context: StoreContext, links: Links, value: NDArray[np.float64], wanted: int) -> Shaped:
    """The anchor with one partner, and with its two or three best."""
    grid = grid_of(links, value, 3)
    return _no_picks([best_pairs(links, value, wanted), stars(grid, 3, wanted // 2), stars(grid, 4, wanted // 4)])


def shape_fixed(context: StoreContext, links: Links, value: NDArray[np.float64], wanted: int) -> Shaped:
    """Kits of three to five, and pairs of which either is mostly bought with the other."""
    grid = grid_of(links, value, 4)
    mutual = _is_mutual(context, links)
    pairs = best_pairs(links.take(mutual), value[mutual], wanted)
    return _no_picks([pairs, stars(grid, 3, wanted), stars(grid, 4, wanted // 2), stars(grid, 5, wanted // 4)])


MUTUAL_CONFIDENCE = 0.2
"""All-confidence (the lower of both directions) from which two products make a kit."""


def _is_mutual(context: StoreContext, links: Links) -> NDArray[np.bool_]:
    pairs, orders = context.mined.pairs, context.mined.item_orders
    found = pairs.find(links.anchor, links.partner)
    count = np.where(found >= 0, pairs.count[np.maximum(found, 0)] if len(pairs) else 0, 0)
    either = np.maximum(orders[links.anchor], orders[links.partner])
    return np.asarray((count >= 1) & (count >= MUTUAL_CONFIDENCE * either))


POOL_PRICE_RATIO = 3.0
"""Greatest ratio between two prices of a pool: a pick should not hang on the price."""
SMALL_POOL = 5
"""From pools of more products three are picked, else two."""


def shape_pool(context: StoreContext, links: Links, value: NDArray[np.float64], wanted: int) -> Shaped:
    """Pools of four to eight of a kind: same category or alike in text, at prices near each other."""
    shop, traits = context.shop, context.affinity.traits
    a, b = links.anchor, links.partner
    one, two = shop.price[a], shop.price[b]
    near = np.maximum(one, two) <= np.sqrt(POOL_PRICE_RATIO) * np.minimum(one, two)
    keep = np.flatnonzero(near)
    alike = traits.percentile(traits.cosine(a[keep], b[keep])) >= 0.88
    keep = keep[(shop.category[a[keep]] == shop.category[b[keep]]) | alike]
    grid = grid_of(links.take(keep), value[keep], MOST_PARTNERS)
    enough = np.flatnonzero(grid.partners[:, 2] >= 0)[:wanted]
    items = np.column_stack([grid.anchor[enough], grid.partners[enough]])
    size = (items >= 0).sum(axis=1)
    return Shaped(items.astype(np.int32), np.where(size <= SMALL_POOL, 2, 3).astype(np.int8))


def shape_bxgy(context: StoreContext, links: Links, value: NDArray[np.float64], wanted: int) -> Shaped:
    """Buy an established anchor, get the partner: no dearer than what is bought."""
    price, orders = context.shop.price, context.features.orders
    established = orders[links.anchor] >= context.judge.config.established_orders
    keep = established & (price[links.partner] <= price[links.anchor])
    return _no_picks([best_pairs(links.take(keep), value[keep], wanted)])


Shape = Callable[[StoreContext, Links, NDArray[np.float64], int], Shaped]

SHAPES: dict[BundleType, Shape] = {
    BundleType.FBT: shape_fbt,
    BundleType.FIXED: shape_fixed,
    BundleType.MIX_MATCH: shape_pool,
    BundleType.BXGY: shape_bxgy,
}
"""How links become sets; VOLUME is sold by quantity and has a source of its own."""
