"""Bundles for a store without orders worth counting: text, price bands, categories and margin."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.frame import Proposals, nothing, proposals
from pipeline.context.store import StoreContext
from pipeline.terms import BundleType, Combo, Objective, Tier

ANCHORS = 10
"""Fewest of the dearest products that lead the price-banded sets; more where more sets are wanted."""

BAND = (0.5, 2.0)
"""Price of a partner over its anchor's."""

LIKENESS = (0.88, 0.997)
"""Percentiles of the store's random pairs that stand for cosines 0.4 and 0.7."""


def _in_stock_by(context: StoreContext, key: NDArray[np.float64]) -> NDArray[np.intp]:
    """Sellable SKUs by `key`, greatest first, equal ones by position."""
    sellable = np.flatnonzero(context.shop.is_sellable)
    return sellable[np.argsort(-key[sellable], kind="stable")]


def semantic_price_banded(context: StoreContext, wanted: int) -> Proposals:
    """Each of the dearest products with its two nearest by text that are neither the same nor strangers."""
    shop, traits = context.shop, context.affinity.traits
    order = _in_stock_by(context, shop.price)
    rows = []
    for anchor in order[: max(ANCHORS, wanted)]:
        others = order[order != anchor]
        ratio = shop.price[others] / shop.price[anchor]
        fits = (ratio >= BAND[0]) & (ratio <= BAND[1])
        fits &= shop.compatible[shop.category[anchor], shop.category[others]]
        others = others[fits]
        cosine = traits.cosine(np.full(len(others), anchor), others)
        share = traits.percentile(cosine)
        near = (share >= LIKENESS[0]) & (share <= LIKENESS[1])
        # Without two products in the band the nearest of all must do; without vectors, the dearest.
        pool = others[near] if near.sum() >= 2 else others
        closeness = np.nan_to_num(cosine[near] if near.sum() >= 2 else cosine)
        best = pool[np.argsort(-closeness, kind="stable")[:2]]
        if len(best) == 2:
            rows.append([anchor, *best])
    return _sets(rows)


def category_diversity(context: StoreContext, wanted: int) -> Proposals:
    """Categories of three products or more: a pool spread over their prices, pick two."""
    shop = context.shop
    rows, order = [], _in_stock_by(context, shop.price)
    categories = shop.category[order]
    for category in np.unique(categories):
        members = order[categories == category]
        if len(members) >= 3:
            spread = np.unique(np.rint(np.linspace(0, len(members) - 1, min(len(members), 6))).astype(int))
            rows.append((len(members), members[spread]))
    rows.sort(key=lambda row: -row[0])
    if not rows:
        return nothing()
    items = np.full((min(len(rows), wanted), 6), -1, dtype=np.int32)
    for place, (_, members) in enumerate(rows[:wanted]):
        items[place, : len(members)] = members
    return proposals(items, Tier.COLD_START, "cold_start", pick=np.full(len(items), 2))


def high_margin_curation(context: StoreContext, wanted: int) -> Proposals:
    """The three best margins of each category, best categories first."""
    shop, margin = context.shop, np.nan_to_num(context.features.margin, nan=-1.0)
    best = [place for place in _in_stock_by(context, margin) if context.features.is_high_margin[place]]
    by_category: dict[int, list[int]] = {}
    for place in best:
        by_category.setdefault(int(shop.category[place]), []).append(int(place))
    rows = [members[at : at + 3] for members in by_category.values() for at in range(0, len(members) - 2, 3)]
    rows.sort(key=lambda row: -float(margin[row].mean()))
    return _sets(rows[:wanted])


def _sets(rows: list[list[int]]) -> Proposals:
    return proposals(np.array(rows, dtype=np.int32), Tier.COLD_START, "cold_start") if rows else nothing()


COLD: dict[Combo, Callable[[StoreContext, int], Proposals]] = {
    Combo(Objective.INCREASE_AOV, BundleType.FBT): semantic_price_banded,
    Combo(Objective.CATEGORY_BUNDLE, BundleType.MIX_MATCH): category_diversity,
    Combo(Objective.MARGIN_GUARD, BundleType.FIXED): high_margin_curation,
}
"""What a cold store can offer, by combo."""


def propose_cold_start(context: StoreContext, combo: Combo, wanted: int) -> Proposals:
    """Candidates of a combo without orders; nothing where no row of `COLD` serves it."""
    curate = COLD.get(combo)
    return curate(context, wanted) if curate else nothing()
