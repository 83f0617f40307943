"""What a bundle may bring in 30 days: orders as they were, moved by the discount, each with its interval."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

import numpy as np

from pipeline.context.elasticity import LEAST_ELASTIC, Z80
from pipeline.money import decimal

HORIZON_DAYS = 30
TAIL = 0.1
"""Share of the outcomes below an interval of 80 %, and above it."""
JEFFREYS = 0.5
"""Shape of the Gamma prior on a rate of orders: what Jeffreys' rule gives for a Poisson count."""


class Lift(NamedTuple):
    """Orders at a discount over orders at list price, with 80 % bounds."""

    mean: float
    low: float
    high: float


class Range(NamedTuple):
    """An expected number, with 80 % bounds."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class OneOrder:
    """What one order of a bundle brings. Money in minor units."""

    price: float
    list_price: float
    cost_ratio: float
    """Cost over list price of the parts of known cost; NaN where none is known."""
    known_share: float = 1.0
    """Share of the list price whose cost is known: what the profit rests on."""

    @property
    def profit(self) -> float:
        """Price less cost; parts of unknown cost are taken to cost as the others."""
        return self.price - self.list_price * self.cost_ratio

    @property
    def profit_at_list(self) -> float:
        """The same without a discount."""
        return self.list_price * (1 - self.cost_ratio)


def lift_of(discount: float, elasticity: float, sd: float, most: float = np.inf) -> Lift:
    """`(1 − discount)^elasticity`, at most `most`; 1 where the elasticity is unknown (NaN).

    >>> lift_of(0.1, -2.0, 0.5)
    Lift(mean=1.234568, low=1.15397, high=1.320795)
    """
    if np.isnan(elasticity):
        return Lift(1.0, 1.0, 1.0)
    ends = (min(end, LEAST_ELASTIC) for end in (elasticity, elasticity + Z80 * sd, elasticity - Z80 * sd))
    return Lift(*(round(min(float(np.exp(end * np.log1p(-discount))), max(most, 1.0)), 6) for end in ends))


def rate_of(count: int, days: int) -> Range:
    """Orders in 30 days when there were `count` in `days`; Gamma-Poisson bounds.

    The posterior of the rate is Gamma(count + ½, days). A count of none has an expectation of none, and an upper bound.

    >>> rate_of(60, 90)
    Range(mean=20.0, low=16.923479, high=23.552554)
    """
    from scipy.special import gammaincinv  # slow to import, and no part of finding and judging candidates

    low, high = (float(gammaincinv(count + JEFFREYS, share)) for share in (TAIL, 1 - TAIL))
    scale = HORIZON_DAYS / max(days, 1)
    return Range(round(count * scale, 6), round(min(low, count) * scale, 6), round(high * scale, 6))


def expected_of(count: int, days: int, order: OneOrder, lift: Lift, currency: str) -> dict[str, Any]:
    """What 30 days may bring, as evidence holds it.

    Args:
        count: Orders of the window that held the bundle, as its type counts them.
        days: Days of the window.
        order: What one order brings.
        lift: What the discount does to their number.
        currency: ISO code.

    Returns:
        `orders_30d`, `revenue_30d` and `profit_30d` (None without a cost), `low` and `high` of the orders, and the
        basis. The bounds multiply those of rate and lift, so they hold at least 80 %.
    """
    rate = rate_of(count, days)
    orders = Range(*(round(a * b, 2) for a, b in zip(rate, lift, strict=True)))
    return {
        "orders_30d": orders.mean,
        "revenue_30d": _money(orders.mean * order.price, currency),
        "profit_30d": _money(orders.mean * order.profit, currency),
        "low": orders.low,
        "high": orders.high,
        "basis": {
            "of": "orders_30d",
            "interval": 1 - 2 * TAIL,
            "orders": count,
            "days": days,
            "lift": {"mean": lift.mean, "low": lift.low, "high": lift.high},
            "revenue_per_order": _money(order.price, currency),
            "profit_per_order": _money(order.profit, currency),
            "cost_known_share": round(order.known_share, 6),
            "at_list": {
                "orders_30d": round(rate.mean, 2),
                "revenue_30d": _money(rate.mean * order.list_price, currency),
                "profit_30d": _money(rate.mean * order.profit_at_list, currency),
            },
            "observational": True,
        },
    }


def _money(minor: float, currency: str) -> str | None:
    """Minor units as a decimal string; None where unknown."""
    if np.isnan(minor):
        return None
    return str(decimal(int(Decimal(repr(float(minor))).quantize(Decimal(1), ROUND_HALF_EVEN)), currency))
