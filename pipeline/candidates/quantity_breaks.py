"""VOLUME: products, or families of variants at one price, that customers buy by the dozen."""

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.frame import WIDTH, Proposals, bit, nothing
from pipeline.context.store import StoreContext
from pipeline.terms import BundleType, Combo, Tier


def propose_quantity_breaks(context: StoreContext, combo: Combo, wanted: int) -> Proposals:
    """The objective's products that have breaks, by how much it wants them and how often they sell."""
    if combo.type is not BundleType.VOLUME:
        return nothing()
    lens, volume = context.lenses[combo.objective], context.volume
    # A family is sold while any of its variants is, whether or not the one that names it can be.
    is_sold = np.zeros(len(lens.alone), dtype=bool)
    is_sold[volume.group[context.shop.is_sellable]] = True
    leads = np.flatnonzero(lens.alone & is_sold & (volume.breaks[:, 0] > 0))
    popularity = volume.orders / max(int(volume.orders.max(initial=0)), 1)
    best = leads[np.argsort(-(0.5 * popularity + 0.5 * lens.weight)[leads], kind="stable")][:wanted]
    if not len(best):
        return nothing()
    items = np.full((len(best), WIDTH), -1, dtype=np.int32)
    quantity = np.zeros((len(best), WIDTH), dtype=np.int32)
    for row, lead in enumerate(best):
        members = _members(context, int(lead))[: int(volume.breaks[lead, 0])]
        items[row, : len(members)] = members
        quantity[row, : len(members)] = spread(int(volume.breaks[lead, 0]), len(members))
    return Proposals(
        items=items,
        quantity=quantity,
        pick=np.zeros(len(best), dtype=np.int8),
        breaks=volume.breaks[best],
        tier=np.full(len(best), Tier.RULES, dtype=np.int8),
        source=np.full(len(best), bit("quantity_breaks"), dtype=np.int32),
    )


def _members(context: StoreContext, lead: int) -> NDArray[np.intp]:
    """The sellable variants that are sold by quantity together, the most bought first."""
    members = np.flatnonzero((context.volume.group == lead) & context.shop.is_sellable)
    return members[np.argsort(-context.features.orders[members], kind="stable")]


def spread(units: int, variants: int) -> NDArray[np.int64]:
    """`units` over `variants` as evenly as whole units allow, the first ones getting more."""
    share, extra = divmod(units, variants)
    return share + (np.arange(variants) < extra)
