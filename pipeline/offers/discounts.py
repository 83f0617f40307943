"""The discount to aim at: what shops give on bundles, moved to what earns most by the store's own elasticity.

Profit of a set at discount d is (1 − d − c) · (1 − d)^e over that at list price, c its cost ratio and e its elasticity.
The decision takes e from the end of its posterior where a discount sells least (a low quantile of profit, since profit
falls with e at every d > 0). A product's own price is not a bundle's, so the answer keeps an error of its own and is
weighed with the prior by precision.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.frame import Proposals
from pipeline.columns import Columns
from pipeline.context.elasticity import LEAST_ELASTIC, Z80
from pipeline.context.prices import PriceHabits
from pipeline.numbers import filled
from pipeline.offers.config import PricingConfig
from pipeline.offers.parts import Parts
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

QUARTILES_SD = 1.3489795003921634
"""Standard deviations between the quartiles of a normal distribution."""


@dataclass(frozen=True)
class Aim(Columns):
    """How the discount of each of `k` candidates came about. Shares, columns `(k,)`."""

    prior: NDArray[np.float64]
    """The store's usual discount for this type and objective."""
    elasticity: NDArray[np.float64]
    """Posterior mean, weighted by value; NaN where the store says nothing."""
    elasticity_sd: NDArray[np.float64]
    best: NDArray[np.float64]
    """What earns most at the cautious quantile; NaN where cost or elasticity is unknown."""
    best_low: NDArray[np.float64]
    """What earns most at the less elastic end of the 80 % interval."""
    best_high: NDArray[np.float64]
    """What earns most at the more elastic end."""
    trust: NDArray[np.float64]
    """Weight of `best` against `prior`, in [0, 1]; 0 is linear pricing."""
    bayesian: NDArray[np.float64]
    """The discount that the store's prices and the prior say."""
    advised: NDArray[np.float64]
    """What a text model suggests, clamped to the interval; NaN without advice."""
    wanted: NDArray[np.float64]
    """The discount aimed at: both, weighed."""
    low: NDArray[np.float64]
    """80 % bounds of the discount to aim at."""
    high: NDArray[np.float64]


def store_discount(habits: PriceHabits, config: PricingConfig) -> float:
    """The store's median discount, pulled to the prior by `prior_lines` pseudo-lines, within its bounds."""
    lines = habits.discount_lines
    measured = habits.discount if lines else 0.0
    blended = (config.prior_discount * config.prior_lines + measured * lines) / (config.prior_lines + lines)
    return round(float(np.clip(blended, *config.discount_range)), 4)


def set_elasticity(
    found: Proposals, parts: Parts, kind: BundleType, habits: PriceHabits
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`(k,)` mean and standard deviation of what answers the discount: the got product of BXGY, else all by value.

    Members' errors are taken as one error (their categories share it), which is the cautious end.
    """
    posterior = habits.volume if kind is BundleType.VOLUME else habits.demand
    if posterior is None:
        unknown = np.full(len(found), np.nan)
        return unknown, unknown
    safe = np.maximum(found.items, 0)
    value = parts.value.copy()
    if kind is BundleType.BXGY:
        value[:, np.arange(value.shape[1]) != 1] = 0
    total = np.maximum(value.sum(axis=1), 1)
    mean, sd = ((value * column[safe]).sum(axis=1) / total for column in (posterior.mean, posterior.sd))
    return np.round(mean, 6), np.round(sd, 6)


def best_discount(
    elasticity: NDArray[np.float64], cost_ratio: NDArray[np.float64], config: PricingConfig
) -> NDArray[np.float64]:
    """`(k,)` discount of the grid that earns most above the margin floor; the smaller of equals.

    Profit has one peak, at a price of c · e / (1 + e) for e < −1 and at list price else (Lerner), so that of all the
    grid only the two steps beside it are compared.

    Args:
        elasticity: `(k,)` below 0.
        cost_ratio: `(k,)` cost over list price.
        config: The grid, the floor.
    """
    peak = np.divide(
        cost_ratio * elasticity, 1 + elasticity, out=np.full(len(elasticity), np.inf), where=elasticity < -1
    )
    deepest = np.clip(1 - cost_ratio / (1 - config.margin_floor), 0.0, config.max_discount)
    last = np.floor(deepest / config.grid_step + 1e-9)
    below = np.clip(np.floor((1 - np.minimum(peak, 1.0)) / config.grid_step), 0, last)
    above = np.minimum(below + 1, last)
    earned = [
        np.round((1 - step * config.grid_step - cost_ratio) * (1 - step * config.grid_step) ** elasticity, 9)
        for step in (below, above)
    ]
    return np.asarray(np.round(np.where(earned[1] > earned[0], above, below) * config.grid_step, 9))


def offered(wanted: NDArray[np.float64], config: PricingConfig) -> NDArray[np.float64]:
    """The nearest discount that a shop would announce: a whole number of steps, one at least; half a step goes up.

    >>> offered(np.array([0.013, 0.074, 0.075]), PricingConfig()).tolist()
    [0.05, 0.05, 0.1]
    """
    steps = np.maximum(np.floor(wanted / config.offer_step + 0.5 + 1e-9), 1.0)
    return np.asarray(np.round(np.minimum(steps * config.offer_step, config.max_discount), 9))


def aim_discounts(
    found: Proposals, parts: Parts, combo: Combo, habits: PriceHabits, config: PricingConfig,
    suggested: NDArray[np.float64] | None = None,
) -> Aim:  # fmt: skip
    """The discounts to aim at for `k` candidates of one combo, before floor and endings.

    `suggested`: `(k,)` discounts that a text model would give; NaN, or none at all, for no advice.
    """
    factor = OBJECTIVE_FACTOR.get(combo.objective, 1.0)
    usual = min(store_discount(habits, config) * TYPE_FACTOR[combo.type] * factor, config.max_discount)
    prior = np.full(len(found), usual)
    answering = parts.only(1) if combo.type is BundleType.BXGY else parts
    cost_ratio, known = answering.cost_ratio(), answering.known_share()
    mean, sd = set_elasticity(found, parts, combo.type, habits)
    middle, doubt, cost = filled(mean, 0.0), filled(sd, 0.0), filled(cost_ratio, 0.0)
    cautious, least, most = (
        best_discount(np.minimum(middle + z * doubt, LEAST_ELASTIC), cost, config)
        for z in (NormalDist().inv_cdf(1 - config.profit_quantile), Z80, -Z80)
    )
    spread = (config.prior_quartiles[1] - config.prior_quartiles[0]) / QUARTILES_SD
    error = np.maximum((most - least) / (2 * Z80), config.transfer_sd)
    asked = ~np.isnan(mean) & ~np.isnan(cost_ratio)
    trust = np.where(asked, known * spread**2 / (spread**2 + error**2), 0.0)
    centre = prior + trust * (cautious - prior)
    bottom = min(config.discount_range[0] * TYPE_FACTOR[combo.type] * factor, config.max_discount)
    noticed = np.round(np.clip(centre, bottom, config.max_discount), 9)
    bayesian = np.where(asked, noticed, prior)
    half = Z80 * spread * np.sqrt(1 - trust)
    low = np.minimum(np.clip(centre - half, 0.0, config.max_discount), bayesian)
    high = np.maximum(np.clip(centre + half, 0.0, config.max_discount), bayesian)
    advised = np.full(len(found), np.nan) if suggested is None else np.clip(suggested, low, high)
    return Aim(
        prior=prior,
        elasticity=mean,
        elasticity_sd=sd,
        best=np.where(asked, cautious, np.nan),
        best_low=np.where(asked, least, np.nan),
        best_high=np.where(asked, most, np.nan),
        trust=trust,
        bayesian=bayesian,
        advised=advised,
        wanted=_blended(bayesian, advised, config.advice_weight),
        low=low,
        high=high,
    )


def _blended(bayesian: NDArray[np.float64], advised: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    """`(1 − weight) × bayesian + weight × advised`; without advice the Bayesian alone, to the bit."""
    blend = np.round((1 - weight) * bayesian + weight * filled(advised, 0.0), 9)
    return np.where(np.isnan(advised), bayesian, blend)
