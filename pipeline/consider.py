"""What a run would have made of any set of products, also of one that no source proposed."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.frame import SIZES, WIDTH, Proposals, proposals
from pipeline.candidates.quantity_breaks import spread
from pipeline.candidates.shapes import SMALL_POOL
from pipeline.combo import judge
from pipeline.config import RunConfig
from pipeline.context.links import LinkTables
from pipeline.context.store import StoreContext
from pipeline.plan import Plan
from pipeline.selection.judged import Judged
from pipeline.terms import GATES, BundleType, Combo, Reason, Tier

TABLE_TIERS = dict(
    zip(
        (field.name for field in fields(LinkTables)),
        (tier for tier in Tier if tier is not Tier.COLD_START),
        strict=True,
    )
)
"""The tier that each table of links stands for."""


@dataclass(frozen=True, slots=True)
class Considered:
    """A set of products as one combo would have sold it: `judged` has one row."""

    combo: Combo
    judged: Judged
    is_linked: bool
    """Whether some evidence links the anchor with every other product; else no source could have proposed it."""

    @property
    def gate(self) -> Reason | None:
        """The gate it would have met; None where it passes."""
        place = int(self.judged.verdicts.gate[0])
        return GATES[place] if place >= 0 else None

    @property
    def score(self) -> float:
        """Its score, in [0, 1]."""
        return float(self.judged.scores.score[0])


def consider(
    context: StoreContext, items: Sequence[int], plan: Plan, config: RunConfig
) -> tuple[list[Considered], dict[BundleType, str]]:
    """Price, count, gate and score a set for every admitted combo that fits it.

    The anchor is the product in the fewest orders among those that may lead, as in the sets that sources propose. The
    evidence is that of the strongest table of links that has all of them; a set without any is judged as popularity is.

    Args:
        context: The store.
        items: Positions of distinct SKUs.
        plan: Admitted combos, and where the ladder starts.
        config: Settings of pricing, gates and scores.

    Returns:
        The best combo first: those that pass by score, then by how many gates they pass; equal ones in the plan's
        order. And for each type that does not fit, why.
    """
    found: list[Considered] = []
    unfit: dict[BundleType, str] = {}
    for kind in BundleType:
        reason = _misfit(context, items, kind)
        combos = [combo for combo in plan.admitted if combo.type is kind]
        fitting = [] if reason else [one for combo in combos if (one := _as_combo(context, items, combo, plan, config))]
        found += fitting
        if not fitting:
            unfit[kind] = reason or "no objective of the run takes these products together"
    order = [(one.gate is not None, -_passed(one), -one.score, plan.admitted.index(one.combo)) for one in found]
    return [found[at] for at in sorted(range(len(found)), key=order.__getitem__)], unfit


def _passed(one: Considered) -> int:
    """Gates it passes, all where none rejects it."""
    return len(GATES) if one.gate is None else GATES.index(one.gate)


def _misfit(context: StoreContext, items: Sequence[int], kind: BundleType) -> str:
    """Why a set can't be sold as `kind`; empty where it can."""
    low, high = SIZES[kind]
    if kind is BundleType.VOLUME:
        group = context.volume.group[list(items)]
        if len(set(group.tolist())) > 1:
            return "only one product, or variants of one at one price, are sold by quantity"
        has_breaks = bool(context.volume.breaks[group[0], 0] > 0)
        return "" if has_breaks else "too few orders take it, or all take about the same quantity"
    if not low <= len(items) <= high:
        return f"it takes {low} products" if low == high else f"it takes {low} to {high} products"
    return ""


def _as_combo(
    context: StoreContext, items: Sequence[int], combo: Combo, plan: Plan, config: RunConfig
) -> Considered | None:
    """The set as `combo` would sell it; None where the objective, or the type, takes none of its arrangements."""
    if combo.type is BundleType.VOLUME:
        return _by_quantity(context, items, combo, plan, config)
    lens = context.lenses[combo.objective]
    orders = context.features.orders
    rarest_first = sorted(items, key=lambda item: (int(orders[item]), item))
    arranged = np.array([[lead, *(item for item in items if item != lead)] for lead in rarest_first], dtype=np.int32)
    fits = context.judge.admits(lens, arranged) & _sells_as(context, arranged, combo.type)
    if not fits.any():
        return None
    best = arranged[int(np.argmax(fits))][None, :]
    tier, is_linked = _evidence(context, best[0], plan)
    pick = np.full(1, 2 if len(items) <= SMALL_POOL else 3) if combo.type is BundleType.MIX_MATCH else None
    candidate = proposals(best, tier, "popularity", pick=pick)
    return Considered(combo, judge(context, combo, tier, candidate, config), is_linked)


def _sells_as(context: StoreContext, arranged: NDArray[np.int32], kind: BundleType) -> NDArray[np.bool_]:
    """BXGY: what is bought is established, and no cheaper than what is got."""
    if kind is not BundleType.BXGY:
        return np.ones(len(arranged), dtype=bool)
    price, orders = context.shop.price, context.features.orders
    buy, get = arranged[:, 0], arranged[:, 1]
    return np.asarray((orders[buy] >= context.judge.config.established_orders) & (price[get] <= price[buy]))


def _by_quantity(
    context: StoreContext, items: Sequence[int], combo: Combo, plan: Plan, config: RunConfig
) -> Considered | None:
    lead = int(context.volume.group[items[0]])
    if not context.lenses[combo.objective].alone[lead]:
        return None
    first = int(context.volume.breaks[lead, 0])
    members = sorted(items, key=lambda item: (-int(context.features.orders[item]), item))[: min(first, WIDTH)]
    tier = max(Tier.RULES, plan.tier_start)
    base = proposals(np.array([members], dtype=np.int32), tier, "quantity_breaks")
    quantity = np.zeros_like(base.quantity)
    quantity[0, : len(members)] = spread(first, len(members))
    breaks = context.volume.breaks[[lead]]
    candidate = Proposals(base.items, quantity, base.pick, breaks, base.tier, base.source)
    return Considered(combo, judge(context, combo, tier, candidate, config), is_linked=True)


def _evidence(context: StoreContext, items: NDArray[np.int32], plan: Plan) -> tuple[Tier, bool]:
    """The strongest tier that links the anchor with every other product, and whether any does."""
    if plan.tier_start is Tier.COLD_START:
        return Tier.COLD_START, True
    if len(items) > 2 and _is_itemset(context, items):
        return max(Tier.RULES, plan.tier_start), True
    for name, tier in TABLE_TIERS.items():
        links = getattr(context.links, name)
        partners = links.partner[links.anchor == items[0]]
        if np.isin(items[1:], partners).all():
            return max(tier, plan.tier_start), True
    return Tier.POPULARITY, False


def _is_itemset(context: StoreContext, items: NDArray[np.int32]) -> bool:
    sets = context.mined.sets.items
    if len(items) > sets.shape[1]:
        return False
    padded = np.sort(np.r_[items, np.full(sets.shape[1] - len(items), -1)])
    return bool((np.sort(sets, axis=1) == padded).all(axis=1).any())
