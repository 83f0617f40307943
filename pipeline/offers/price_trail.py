"""From what shops give on bundles to the price that is stored, and what that price may bring."""

from typing import Any

import numpy as np

from pipeline.candidates.frame import Proposals
from pipeline.context.elasticity import Z80
from pipeline.context.store import StoreContext
from pipeline.money import decimal
from pipeline.offers.config import PricingConfig
from pipeline.offers.discounts import offered, store_discount
from pipeline.offers.expected import OneOrder, expected_of, lift_of
from pipeline.offers.figures import figure
from pipeline.offers.parts import Parts, parts_of
from pipeline.offers.pricing import Prices
from pipeline.selection.judged import Judged
from pipeline.terms import COMBOS, BundleType


def price_trail(context: StoreContext, judged: Judged, row: int, config: PricingConfig) -> dict[str, Any]:
    """The prior, what the store's elasticity says, the discount aimed at, the floor and the rounding.

    Observational: prices did not move by lot, so an elasticity is what went with a price, not what it caused.
    """
    habits, prices, aim = context.habits, judged.prices, judged.prices.aim
    return {
        "kind": "elasticity" if aim.trust[row] > 0 else "linear",
        "store_discount": store_discount(habits, config),
        "measured_on_lines": habits.discount_lines,
        "measured_median": figure(habits.discount),
        "prior": config.prior_discount,
        "prior_quartiles": list(config.prior_quartiles),
        "prior_discount": figure(aim.prior[row]),
        "elasticity": _elasticity(context, judged, row),
        "best_discount": _bounded(aim.best[row], aim.best_low[row], aim.best_high[row]),
        "trust": figure(aim.trust[row]),
        "posterior": _bounded(aim.bayesian[row], aim.low[row], aim.high[row]),
        **_advice(prices, row, config),
        "wanted_discount": figure(aim.wanted[row]),
        "offered_discount": _offered(prices, row, config),
        "floor": str(decimal(int(prices.floor[row]), context.shop.currency)),
        "rounding": _rounding(
            prices, row, _own_parts(context, judged, row), context.shop.currency, _offered(prices, row, config)
        ),
        "endings": [int(ending) for ending in habits.endings[:20]],
        "observational": True,
    }


def _advice(prices: Prices, row: int, config: PricingConfig) -> dict[str, Any]:
    """What a text model advised, after it was clamped to the interval; nothing where none did."""
    advised = figure(prices.aim.advised[row])
    return {} if advised is None else {"advice": {"clamped": advised, "weight": config.advice_weight}}


def expectation(context: StoreContext, judged: Judged, row: int) -> dict[str, Any]:
    """What the bundle may bring in 30 days: orders as its type counts them, at the stored price."""
    prices, history, parts = judged.prices, context.history, _own_parts(context, judged, row)
    kind, found = COMBOS[judged.combo[row]].type, _own(judged, row)
    list_price, price = int(prices.list_price[row]), int(prices.price[row])
    # A pool is bought by the pick: an average one.
    share = int(found.pick[0]) / int(found.size[0]) if kind is BundleType.MIX_MATCH else 1.0
    order = OneOrder(
        price * share, list_price * share, float(parts.cost_ratio()[0]), float(prices.known_share[row])
    )  # fmt: skip
    discounted = int(parts.value[0, 1]) if kind is BundleType.BXGY else list_price
    discount = (list_price - price) / max(discounted, 1)
    count = int(judged.counts.count[row])
    # Of the orders with the anchor, no more than all can come to hold the bundle; a pool has no anchor.
    most = np.inf if kind is BundleType.MIX_MATCH else int(judged.counts.anchor_orders[row]) / max(count, 1)
    lift = lift_of(discount, float(prices.aim.elasticity[row]), float(prices.aim.elasticity_sd[row]), most)
    days = max(history.as_of - int(history.day[0]), 1) if len(history) else 1
    return expected_of(count, days, order, lift, context.shop.currency)


def _own(judged: Judged, row: int) -> Proposals:
    return judged.found.take(np.array([row]))


def _own_parts(context: StoreContext, judged: Judged, row: int) -> Parts:
    shop = context.shop
    return parts_of(_own(judged, row), shop)


def _offered(prices: Prices, row: int, config: PricingConfig) -> float:
    """The discount aimed at in steps, VOLUME's at its last break; the floor may allow less of it."""
    return float(offered(prices.wanted[row : row + 1], config)[0])


def _rounding(prices: Prices, row: int, parts: Parts, currency: str, discount: float) -> dict[str, str]:
    """The price before and after the store's endings: BXGY that of what is got, VOLUME the last unit price."""
    paid, list_price, name = int(prices.price[row]), int(prices.list_price[row]), "price"
    tiers = prices.unit_prices[row]
    if prices.get_price[row]:
        paid, list_price, name = int(prices.get_price[row]), int(parts.value[0, 1]), "get_price"
    elif tiers.any():
        paid, name = int(tiers[tiers > 0].min()), "unit_price"
        list_price = round(list_price * int(tiers[0]) / max(int(prices.price[row]), 1))
    before = int(list_price * (1 - discount) + 1e-6)
    return {"of": name, "wanted": str(decimal(before, currency)), "rounded": str(decimal(paid, currency))}


def _elasticity(context: StoreContext, judged: Judged, row: int) -> dict[str, Any] | None:
    """The posterior of what answers the discount, and what it was learnt from; None where nothing was."""
    is_volume = COMBOS[judged.combo[row]].type is BundleType.VOLUME
    posterior = context.habits.volume if is_volume else context.habits.demand
    if posterior is None:
        return None
    mean, sd = float(judged.prices.aim.elasticity[row]), float(judged.prices.aim.elasticity_sd[row])
    return {
        **_bounded(mean, mean - Z80 * sd, mean + Z80 * sd),
        "sd": figure(sd),
        "store_mean": posterior.store_mean,
        "observations": posterior.observations,
        "products_with_price_moves": posterior.products,
        "grain_days": posterior.grain_days,
    }


def _bounded(mean: float, low: float, high: float) -> dict[str, Any]:
    """A figure with its 80 % interval."""
    return {"mean": figure(mean), "low": figure(low), "high": figure(high)}
