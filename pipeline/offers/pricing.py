"""The price of every candidate at once: the discount aimed at, the margin floor, the store's price endings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.frame import WIDTH, Proposals
from pipeline.columns import Columns
from pipeline.context.prices import PriceHabits
from pipeline.context.quantities import BREAKS
from pipeline.context.store import Shop
from pipeline.offers.config import PricingConfig
from pipeline.offers.discounts import Aim, aim_discounts, offered, store_discount
from pipeline.offers.endings import NONE, round_to_ending
from pipeline.offers.parts import Parts, parts_of
from pipeline.terms import BundleType, Combo

__all__ = ["Prices", "PricingConfig", "price_candidates", "store_discount"]

BREAK_FACTOR = np.array([0.5, 0.75, 1.0])
"""Share of the discount at each quantity break."""


@dataclass(frozen=True)
class Prices(Columns):
    """What each of `k` candidates costs. Money in minor units, columns `(k,)`."""

    list_price: NDArray[np.int64]
    """Σ quantity × price."""
    price: NDArray[np.int64]
    floor: NDArray[np.int64]
    """Least price that keeps the margin floor."""
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
    aim: Aim
    """How the discount came about."""

    @property
    def wanted(self) -> NDArray[np.float64]:
        """Discount that was aimed at, before steps, floor and endings; a share."""
        return self.aim.wanted


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


def _less(price: NDArray[np.int64], discount: NDArray[np.float64]) -> NDArray[np.int64]:
    """The price less a discount, rounded down, so that what is announced is given."""
    return np.floor(price * (1 - discount) + 1e-6).astype(np.int64)


def price_candidates(
    found: Proposals, combo: Combo, shop: Shop, habits: PriceHabits, config: PricingConfig,
    suggested: NDArray[np.float64] | None = None,
) -> tuple[Proposals, Prices]:  # fmt: skip
    """Price all candidates of a combo; `suggested` are a text model's discounts, as `aim_discounts` takes them.

    Returns:
        The candidates (VOLUME without the breaks that no price below list fits) and their prices.
    """
    parts = parts_of(found, shop)
    aim = aim_discounts(found, parts, combo, habits, config, suggested)
    if combo.type is BundleType.VOLUME:
        return _price_volume(found, parts, shop, aim, habits, config)
    if combo.type is BundleType.BXGY:
        return found, _price_bxgy(found, parts, shop, aim, habits, config)
    return found, _price_set(found, combo.type, parts, shop, aim, habits, config)


def _price_set(
    found: Proposals, kind: BundleType, parts: Parts, shop: Shop, aim: Aim, habits: PriceHabits,
    config: PricingConfig,
) -> Prices:  # fmt: skip
    list_price, cost_ratio = parts.value.sum(axis=1), parts.worst_cost_ratio(found.pick)
    floor = _floor(list_price, cost_ratio, config)
    unrounded = _less(list_price, offered(aim.wanted, config))
    rounded = round_to_ending(unrounded, floor, list_price, habits, shop.currency)
    price = np.where(rounded == NONE, list_price, rounded)
    needs_discount = kind is BundleType.MIX_MATCH
    return Prices(
        list_price=list_price,
        price=price,
        floor=floor,
        get_price=np.zeros(len(found), dtype=np.int64),
        unit_prices=np.zeros((len(found), BREAKS), dtype=np.int64),
        margin=_margin(price, list_price, cost_ratio),
        known_share=parts.known_share(),
        is_valid=(price > 0) & (price <= list_price) & ((price < list_price) | (not needs_discount)),
        aim=aim,
    )


def _price_bxgy(
    found: Proposals, parts: Parts, shop: Shop, aim: Aim, habits: PriceHabits, config: PricingConfig
) -> Prices:
    """The discount is on the got product only; the margin is that of both."""
    list_price, cost_ratio = parts.value.sum(axis=1), parts.worst_cost_ratio(found.pick)
    buy, get = parts.value[:, 0], parts.value[:, 1]
    floor = _floor(list_price, cost_ratio, config)
    least = np.maximum(floor - buy, np.ceil(get * (1 - config.max_discount) - 1e-6).astype(np.int64))
    unrounded = _less(get, offered(aim.wanted, config))
    rounded = round_to_ending(unrounded, least, get, habits, shop.currency)
    get_price = np.where(rounded == NONE, get, rounded)
    price = buy + get_price
    return Prices(
        list_price=list_price,
        price=price,
        floor=floor,
        get_price=get_price,
        unit_prices=np.zeros((len(found), BREAKS), dtype=np.int64),
        margin=_margin(price, list_price, cost_ratio),
        known_share=parts.known_share(),
        is_valid=(get_price > 0) & (get_price < get),
        aim=aim,
    )


def _price_volume(
    found: Proposals, parts: Parts, shop: Shop, aim: Aim, habits: PriceHabits, config: PricingConfig
) -> tuple[Proposals, Prices]:  # fmt: skip
    """A unit price for each break, strictly falling; breaks that no lower ending fits are dropped."""
    each = shop.unit[found.items[:, 0]]
    cost_ratio = parts.cost_ratio()
    floor = _floor(each, cost_ratio, config)
    prices = np.zeros((len(found), BREAKS), dtype=np.int64)
    ceiling = each.copy()
    for place in range(BREAKS):
        unrounded = _less(each, offered(aim.wanted * BREAK_FACTOR[place], config))
        rounded = round_to_ending(np.minimum(unrounded, ceiling), floor, ceiling, habits, shop.currency)
        keep = (rounded != NONE) & (found.breaks[:, place] > 0)
        prices[:, place] = np.where(keep, rounded, 0)
        ceiling = np.where(keep, rounded, ceiling)
    kept, prices = _without_dropped(found, prices)
    quantity = kept.quantity.sum(axis=1)
    has_tier = prices[:, 0] > 0
    first = np.where(has_tier, prices[:, 0], each)
    deepest = np.where(has_tier, np.where(prices > 0, prices, np.iinfo(np.int64).max).min(axis=1), each)
    ordered = parts_of(kept, shop)
    list_price = ordered.value.sum(axis=1)
    return kept, Prices(
        list_price=list_price,
        price=quantity * first,
        floor=floor * quantity,
        get_price=np.zeros(len(found), dtype=np.int64),
        unit_prices=prices,
        margin=_margin(deepest, each, cost_ratio),
        known_share=ordered.known_share(),
        is_valid=has_tier & (deepest > 0),
        aim=aim,
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
