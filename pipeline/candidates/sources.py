"""The sources of candidates: one row each, all with the same signature."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.frame import SIZES, Proposals, nothing, proposals
from pipeline.candidates.quantity_breaks import propose_quantity_breaks
from pipeline.candidates.shapes import SHAPES
from pipeline.context.links import Links
from pipeline.context.objectives import Lens
from pipeline.context.store import StoreContext
from pipeline.terms import BundleType, Combo, Tier

EVIDENCE_SHARE = 0.6
"""How much a link's strength counts in a combo's ranking, beside what the objective wants."""

Source = Callable[[StoreContext, Combo, int], Proposals]
"""`(context, combo, wanted)` gives at most a few times `wanted` candidates, best first."""


@dataclass(frozen=True, slots=True)
class Proposer:
    """One source: its name, the tier its evidence has, and what it proposes."""

    name: str
    tier: Tier
    propose: Source


def _fitting(context: StoreContext, lens: Lens, links: Links) -> Links:
    """The links whose anchor and partner the objective is about."""
    keep = np.flatnonzero(lens.anchor[links.anchor] & (lens.partner | lens.other)[links.partner])
    related = context.judge.relates(lens.objective, links.anchor[keep], links.partner[keep])
    return links.take(keep[related])


def _value(lens: Lens, links: Links) -> NDArray[np.float64]:
    """How good a link is for the objective: its strength, and how much both products are wanted."""
    wish = (lens.weight[links.anchor] + lens.weight[links.partner]) / 2
    wanted = lens.partner[links.partner]
    return EVIDENCE_SHARE * links.strength + (1 - EVIDENCE_SHARE) * wish + wanted


def propose_links(context: StoreContext, combo: Combo, wanted: int, links: Links, tier: Tier, name: str) -> Proposals:
    """Shape links into sets of the combo's type and keep those that its objective admits."""
    shape = SHAPES.get(combo.type)
    lens = context.lenses[combo.objective]
    fitting = _fitting(context, lens, links)
    if shape is None or not len(fitting):
        return nothing()
    shaped = shape(context, fitting, _value(lens, fitting), wanted)
    admitted = context.judge.admits(lens, shaped.items)
    return proposals(shaped.items[admitted], tier, name, pick=shaped.pick[admitted])


def _from(table: str, name: str, tier: Tier) -> Proposer:
    def propose(context: StoreContext, combo: Combo, wanted: int) -> Proposals:
        return propose_links(context, combo, wanted, getattr(context.links, table), tier, name)

    return Proposer(name, tier, propose)


def propose_itemsets(context: StoreContext, combo: Combo, wanted: int) -> Proposals:
    """Sets of three and four bought together as sets, led by the member that implies the rest best."""
    if combo.type not in (BundleType.FBT, BundleType.FIXED):
        return nothing()
    lens, orders = context.lenses[combo.objective], context.mined.item_orders
    sets = context.mined.sets
    present = sets.items >= 0
    safe = np.where(present, sets.items, 0)
    sellable = (context.shop.is_sellable[safe] | ~present).all(axis=1)
    items, count = sets.items[sellable], sets.count[sellable]
    led = _lead(items, lens.anchor, orders)
    admitted = context.judge.admits(lens, led)
    led, count = led[admitted], count[admitted]
    safe, present = np.where(led >= 0, led, 0), led >= 0
    wish = (lens.weight[safe] * present).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    surprise = count / np.maximum(orders[led[:, 0]], 1) if len(led) else np.zeros(0)
    value = EVIDENCE_SHARE * surprise + (1 - EVIDENCE_SHARE) * wish
    top = np.argsort(-value, kind="stable")[: 2 * wanted]
    return proposals(led[top], Tier.RULES, "itemsets")


def _lead(items: NDArray[np.int32], may_lead: NDArray[np.bool_], orders: NDArray[np.int32]) -> NDArray[np.int32]:
    """Put first the member of the fewest orders that may lead: it has the highest confidence."""
    present = items >= 0
    safe = np.where(present, items, 0)
    unlikely = np.iinfo(np.int64).max - 1
    key = np.where(may_lead[safe], orders[safe].astype(np.int64), unlikely)
    first = np.argmin(np.where(present, key, unlikely + 1), axis=1)[:, None]
    others = np.arange(items.shape[1] - 1)[None, :]
    others = others + (others >= first)
    return np.take_along_axis(items, np.concatenate([first, others], axis=1), axis=1)


PROPOSERS: tuple[Proposer, ...] = (
    _from("rules", "association_rules", Tier.RULES),
    Proposer("itemsets", Tier.RULES, propose_itemsets),
    Proposer("quantity_breaks", Tier.RULES, propose_quantity_breaks),
    _from("thin", "top_pairs", Tier.ADAPTIVE_RULES),
    _from("smoothed", "smoothed_lift", Tier.SMOOTHED_LIFT),
    _from("semantic", "semantic_neighbours", Tier.SIMILARITY),
    _from("complements", "category_complements", Tier.HEURISTICS),
    _from("popular", "popularity", Tier.POPULARITY),
)
"""Every source of the ladder, the strongest evidence first. A new source is one more row."""


def fits_type(items: NDArray[np.int32], kind: BundleType) -> NDArray[np.bool_]:
    """Which sets have a size the type allows."""
    low, high = SIZES[kind]
    size = (items >= 0).sum(axis=1)
    return np.asarray((size >= low) & (size <= high))
