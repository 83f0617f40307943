"""The price of every candidate at once: a measured discount, the margin floor, the store's price endings."""

from dataclasses import dataclass
from itertools import combinations
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pipeline.candidates.frame import WIDTH, Proposals
from pipeline.columns import Columns
from pipeline.context.prices import PriceHabits
from pipeline.context.quantities import BREAKS
from pipeline.context.store import Shop
from pipeline.money import to_minor
from pipeline.offers.endings import NONE, round_to_ending
from pipeline.terms import BundleType, Combo, Objective

TYPE_FACTOR: dict[BundleType, float] = {
    BundleType.FBT: 0.5,
    BundleType.FIXED: 0.75,
    BundleType.MIX_MATCH: 0.6,
    BundleType.BXGY: 1.5,
    BundleType.VOLUME: 1.0,
}
"""Share of the store's discount that a type gives; BXGY gives it on one product only."""

OBJECTIVE_FACTOR: dict[Objective, float] = {
    Objective.MARGIN_GUARD: 0.6,
    Objective.CLEAR_SLOW_MOVERS: 1.5,
    Objective.NEW_LAUNCH: 1.2,
}
"""How much more or less an objective gives; no row: as the type."""

BREAK_FACTOR = np.array([0.5, 0.75, 1.0])
"""Share of the discount at each quantity break."""


class PricingConfig(BaseModel):
    """How far a price may move."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prior_discount: Annotated[float, Field(ge=0, le=0.5)] = 0.20
    """Median discount observed on bundles, as a share of the price."""
    prior_lines: Annotated[float, Field(gt=0)] = 200
    """Order lines that the prior is worth beside the store's own."""
    discount_range: tuple[float, float] = (0.05, 0.30)
    """Bounds of the store's discount, as shares."""
    max_discount: Annotated[float, Field(ge=0, le=0.5)] = 0.5
    """Greatest discount on any product."""
    margin_floor: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """Least margin after discount, as a share of the price."""
    unknown_cost_discount: Annotated[float, Field(ge=0, le=0.5)] = 0.10
    """Greatest discount of a set of which no cost is known."""


@dataclass(frozen=True)
class Prices(Columns):
    """What each of `k` candidates costs. Money in minor units, columns `(k,)`."""

    list_price: NDArray[np.int64]
    """Σ quantity × price."""
    price: NDArray[np.int64]
    floor: NDArray[np.int64]
    """Least price that keeps the margin floor."""
    wanted: NDArray[np.float64]
    """Discount that was aimed at, before floor and endings; a share."""
    get_price: NDArray[np.int64]
    """BXGY: price of the product that is got; else 0."""
    unit_prices: NDArray[np.int64]
    """`(k, BREAKS)` VOLUME: unit price at each break, 0 padded; else 0."""
    margin: NDArray[np.float64]
    """Margin after discount over the parts of known cost: MIX_MATCH its worst pick, VOLUME its lowest
    unit price; NaN where no cost is known."""
    known_share: NDArray[np.float64]
    """Share of the list price whose cost is known, in [0, 1]."""
    is_valid: NDArray[np.bool_]
    """Whether the price is above zero, not above the parts, and a discount where the type is one."""


def store_discount(habits: PriceHabits, config: PricingConfig) -> float:
    """The store's median discount, pulled to the prior by `prior_lines` pseudo-lines, within its bounds."""
    lines = habits.discount_lines
    measured = habits.discount if lines else 0.0
    blended = (config.prior_discount * config.prior_lines + measured * lines) / (config.prior_lines + lines)
    return round(float(np.clip(blended, *config.discount_range)), 4)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Members of the candidates, `(k, WIDTH)` each, 0 where there is none."""

    value: NDArray[np.int64]
    """quantity × price"""
    known: NDArray[np.int64]
    """the same where the cost is known"""
    cost: NDArray[np.float64]
    """quantity × cost where known, in minor units"""


def _parts(found: Proposals, shop: Shop, unit: NDArray[np.int64]) -> _Parts:
    present = found.items >= 0
    safe = np.where(present, found.items, 0)
    value = np.where(present, found.quantity * unit[safe], 0)
    cost = shop.cost[safe]
    has_cost = present & ~np.isnan(cost)
    scale = unit[safe] / np.where(shop.price[safe] > 0, shop.price[safe], 1.0)
    return _Parts(value, np.where(has_cost, value, 0), np.where(has_cost, found.quantity * cost * scale, 0.0))


def _cost_ratio(parts: _Parts, pick: NDArray[np.int8]) -> NDArray[np.float64]:
    """Cost over price of the known parts; for a pool that of the pick that costs most; NaN where unknown."""
    ratio = _ratio(parts.cost.sum(axis=1), parts.known.sum(axis=1))
    for size in np.unique(pick[pick > 0]):
        rows = np.flatnonzero(pick == size)
        choice = np.array(list(combinations(range(WIDTH), int(size))))
        held = (parts.value[rows][:, choice] > 0).all(axis=2)
        cost, known = parts.cost[rows][:, choice].sum(axis=2), parts.known[rows][:, choice].sum(axis=2)
        each = _ratio(cost, known)
        worst = np.where(held & ~np.isnan(each), each, -np.inf).max(axis=1)
        ratio[rows] = np.where(np.isneginf(worst), np.nan, worst)
    return ratio


def _ratio(cost: NDArray[np.float64], known: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(cost, known, out=np.full(cost.shape, np.nan), where=known > 0)


def _floor(list_price: NDArray[np.int64], cost_ratio: NDArray[np.float64], config: PricingConfig) -> NDArray[np.int64]:
    """Least price: the margin floor where a cost is known, else the greatest discount without one."""
    keeps_margin = list_price * cost_ratio / (1 - config.margin_floor)
    without = list_price * (1 - config.unknown_cost_discount)
    bound = np.where(np.isnan(cost_ratio), without, keeps_margin)
    # A hair is taken off before rounding up, so that an exact floor is not pushed a unit higher.
    return np.ceil(np.maximum(bound, list_price * (1 - config.max_discount)) - 1e-6).astype(np.int64)


def _margin(
    price: NDArray[np.int64], list_price: NDArray[np.int64], cost_ratio: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Margin when the discount is spread over all parts by price: `1 − (cost/known) · list/price`."""
    share = np.divide(list_price, price, out=np.full(price.shape, np.nan), where=price > 0)
    return np.round(1 - cost_ratio * share, 6)


def price_candidates(
    found: Proposals, combo: Combo, shop: Shop, habits: PriceHabits, config: PricingConfig
) -> tuple[Proposals, Prices]:
    """Price all candidates of a combo.

    Returns:
        The candidates (VOLUME without the breaks that no price below list fits) and their prices.
    """
    unit = to_minor(shop.price, shop.currency)
    wanted = store_discount(habits, config) * TYPE_FACTOR[combo.type] * OBJECTIVE_FACTOR.get(combo.objective, 1.0)
    wanted = min(wanted, config.max_discount)
    if combo.type is BundleType.VOLUME:
        return _price_volume(found, unit, shop, wanted, habits, config)
    if combo.type is BundleType.BXGY:
        return found, _price_bxgy(found, unit, shop, wanted, habits, config)
    return found, _price_set(found, combo.type, unit, shop, wanted, habits, config)


def _price_set(
    found: Proposals, kind: BundleType, unit: NDArray[np.int64], shop: Shop, wanted: float, habits: PriceHabits,
    config: PricingConfig,
) -> Prices:  # fmt: skip
    parts = _parts(found, shop, unit)
    list_price, cost_ratio = parts.value.sum(axis=1), _cost_ratio(parts, found.pick)
    floor = _floor(list_price, cost_ratio, config)
    aim = np.rint(list_price * (1 - wanted)).astype(np.int64)
    rounded = round_to_ending(aim, floor, list_price, habits, shop.currency)
    price = np.where(rounded == NONE, list_price, rounded)
    needs_discount = kind is BundleType.MIX_MATCH
    return Prices(
        list_price=list_price,
        price=price,
        floor=floor,
        wanted=np.full(len(found), wanted),
        get_price=np.zeros(len(found), dtype=np.int64),
        unit_prices=np.zeros((len(found), BREAKS), dtype=np.int64),
        margin=_margin(price, list_price, cost_ratio),
        known_share=parts.known.sum(axis=1) / np.maximum(list_price, 1),
        is_valid=(price > 0) & (price <= list_price) & ((price < list_price) | (not needs_discount)),
    )


def _price_bxgy(
    found: Proposals, unit: NDArray[np.int64], shop: Shop, wanted: float, habits: PriceHabits, config: PricingConfig
) -> Prices:
    """The discount is on the got product only; the margin is that of both."""
    parts = _parts(found, shop, unit)
    list_price, cost_ratio = parts.value.sum(axis=1), _cost_ratio(parts, found.pick)
    buy, get = parts.value[:, 0], parts.value[:, 1]
    floor = _floor(list_price, cost_ratio, config)
    least = np.maximum(floor - buy, np.ceil(get * (1 - config.max_discount) - 1e-6).astype(np.int64))
    aim = np.rint(get * (1 - wanted)).astype(np.int64)
    rounded = round_to_ending(aim, least, get, habits, shop.currency)
    get_price = np.where(rounded == NONE, get, rounded)
    price = buy + get_price
    return Prices(
        list_price=list_price,
        price=price,
        floor=floor,
        wanted=np.full(len(found), wanted),
        get_price=get_price,
        unit_prices=np.zeros((len(found), BREAKS), dtype=np.int64),
        margin=_margin(price, list_price, cost_ratio),
        known_share=parts.known.sum(axis=1) / np.maximum(list_price, 1),
        is_valid=(get_price > 0) & (get_price < get),
    )


def _price_volume(
    found: Proposals, unit: NDArray[np.int64], shop: Shop, wanted: float, habits: PriceHabits, config: PricingConfig
) -> tuple[Proposals, Prices]:
    """A unit price for each break, strictly falling; breaks that no lower ending fits are dropped."""
    each = unit[found.items[:, 0]]
    cost_ratio = _cost_ratio(_parts(found, shop, unit), found.pick)
    floor = _floor(each, cost_ratio, config)
    prices = np.zeros((len(found), BREAKS), dtype=np.int64)
    ceiling = each.copy()
    for place in range(BREAKS):
        aim = np.rint(each * (1 - wanted * BREAK_FACTOR[place])).astype(np.int64)
        rounded = round_to_ending(np.minimum(aim, ceiling), floor, ceiling, habits, shop.currency)
        keep = (rounded != NONE) & (found.breaks[:, place] > 0)
        prices[:, place] = np.where(keep, rounded, 0)
        ceiling = np.where(keep, rounded, ceiling)
    kept, prices = _without_dropped(found, prices)
    quantity = kept.quantity.sum(axis=1)
    has_tier = prices[:, 0] > 0
    first = np.where(has_tier, prices[:, 0], each)
    deepest = np.where(has_tier, np.where(prices > 0, prices, np.iinfo(np.int64).max).min(axis=1), each)
    parts = _parts(kept, shop, unit)
    list_price = parts.value.sum(axis=1)
    return kept, Prices(
        list_price=list_price,
        price=quantity * first,
        floor=floor * quantity,
        wanted=np.full(len(found), wanted),
        get_price=np.zeros(len(found), dtype=np.int64),
        unit_prices=prices,
        margin=_margin(deepest, each, cost_ratio),
        known_share=parts.known.sum(axis=1) / np.maximum(list_price, 1),
        is_valid=has_tier & (deepest > 0),
    )


def _without_dropped(found: Proposals, prices: NDArray[np.int64]) -> tuple[Proposals, NDArray[np.int64]]:
    """Move the breaks that have a price to the front; quantities follow the first break that is left."""
    order = np.argsort(prices == 0, axis=1, kind="stable")
    breaks = np.take_along_axis(np.where(prices > 0, found.breaks, 0), order, axis=1)
    first = np.where(breaks[:, 0] > 0, breaks[:, 0], found.breaks[:, 0])
    present = found.items >= 0
    members = present.sum(axis=1)
    share, extra = np.divmod(first, np.maximum(members, 1))
    quantity = np.where(present, share[:, None] + (np.arange(WIDTH)[None, :] < extra[:, None]), 0)
    moved = Proposals(
        found.items, quantity.astype(np.int32), found.pick, breaks.astype(np.int32), found.tier, found.source
    )
    return moved, np.take_along_axis(prices, order, axis=1)
