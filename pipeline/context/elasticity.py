"""How demand answers price: slopes of single products, pulled to their category and to the store (empirical Bayes).

A product's own slope from a few weeks is worse than none: on twelve weeks of a grocery chain its error is above that of
assuming no effect at all. Two levels of normal-normal shrinkage (store ← category ← SKU) with variances by the method
of moments are in closed form and beat both. What comes out is observational: price moves were not drawn by lot.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.context.config import ElasticityConfig

Z80 = 1.2815515655446004
"""Standard deviations on either side of the mean that hold 80 % of a normal distribution."""

LEAST_ELASTIC = -0.1
"""Elasticity that decisions assume at least: a wrong sign is noise, and dearer never sells more."""

DIGITS = 6
"""Digits of posteriors: what differs between processors lies far behind."""


@dataclass(frozen=True, slots=True)
class Observations:
    """What was sold at which price. Columns `(z,)`."""

    item: NDArray[np.integer]
    """SKU of each observation."""
    period: NDArray[np.integer]
    """Its period, from 0; all 0 where time plays no part."""
    log_price: NDArray[np.float64]
    log_units: NDArray[np.float64]


class Slopes(NamedTuple):
    """Least squares of each of `n` products on its own. Columns `(n,)`."""

    slope: NDArray[np.float64]
    """0 where a product says nothing."""
    variance: NDArray[np.float64]
    """Sampling variance; inf where it says nothing."""
    pooled: float
    """One slope for all products; NaN where no price moved."""


@dataclass(frozen=True, slots=True)
class Elasticity:
    """Posterior of each SKU's own elasticity: percent of units for one percent of price. Columns `(n,)`."""

    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    store_mean: float
    store_sd: float
    """Standard deviation of the store's mean, not of its products."""
    observations: int
    """Observations it was learnt from."""
    products: int
    """SKUs whose price moved."""
    grain_days: int
    """Days of a period; 0 where observations are order lines."""

    def interval(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """80 % bounds of each SKU, the more elastic first."""
        return self.mean - Z80 * self.sd, self.mean + Z80 * self.sd


def blend(first: Elasticity, second: Elasticity, second_error_sd: float) -> Elasticity:
    """Two readings of one elasticity weighed by precision; the second may be off by `second_error_sd` besides."""
    heft, other = 1 / first.sd**2, 1 / (second.sd**2 + second_error_sd**2)
    return replace(
        first,
        mean=np.round((heft * first.mean + other * second.mean) / (heft + other), DIGITS),
        sd=np.round(1 / np.sqrt(heft + other), DIGITS),
        observations=first.observations + second.observations,
    )


def _means(values: NDArray[np.float64], code: NDArray[np.integer], extra: float = 0.0) -> NDArray[np.float64]:
    """Mean of each observation's group, as if `extra` observations of 0 were in it."""
    count = np.bincount(code)
    return np.asarray((np.bincount(code, values) / np.maximum(count + extra, 1e-12))[code])


def _within(
    values: NDArray[np.float64], item: NDArray[np.integer], group: NDArray[np.integer], period: NDArray[np.integer],
    config: ElasticityConfig,
) -> NDArray[np.float64]:  # fmt: skip
    """What is left of `values` without effects of product, period and category × period.

    An effect of a category's period is pulled to that of the store's, so that a category of one product in a week is
    not explained away. Both sides of the regression go through the same sweeps (Frisch-Waugh-Lovell).
    """
    left = values - _means(values, item)
    if not period.any():
        return left
    for _ in range(config.sweeps):
        left -= _means(left, period)
        left -= _means(left, group, config.effect_weight)
        left -= _means(left, item)
    return left


def slopes_of(seen: Observations, category: NDArray[np.integer], config: ElasticityConfig) -> Slopes:
    """Slope of log units on log price of each of the `n` SKUs of `category`, net of product and period effects."""
    products, item = len(category), seen.item
    _, group = np.unique(category[item].astype(np.int64) * (int(seen.period.max(initial=0)) + 1) + seen.period,
                         return_inverse=True)  # fmt: skip
    x, y = (_within(side, item, group, seen.period, config) for side in (seen.log_price, seen.log_units))
    sxx, sxy, syy = (np.bincount(item, part, products) for part in (x * x, x * y, y * y))
    # Taking out the moves of others leaves a trace in prices that never moved: it would be read with a lever of 100.
    own_move = np.bincount(item, (seen.log_price - _means(seen.log_price, item)) ** 2, products)
    sold = np.bincount(item, minlength=products)
    moved = (sxx > 1e-6) & (own_move >= config.least_move**2 * np.maximum(sold, 1))
    safe = np.where(moved, sxx, 1.0)
    slope = np.where(moved, sxy / safe, 0.0)
    freedom = np.maximum(sold - 2, 0)
    residual = np.maximum(syy - slope * sxy, 0.0)
    noise = max(float(residual[moved].sum()) / max(int(freedom[moved].sum()), 1), 1e-6)
    own = (config.noise_weight * noise + residual) / (config.noise_weight + freedom)
    pooled = float(sxy[moved].sum() / sxx[moved].sum()) if moved.any() else float("nan")
    return Slopes(slope, np.where(moved, own / safe, np.inf), pooled)


def _spread(
    value: NDArray[np.float64], variance: NDArray[np.float64], group: NDArray[np.integer], prior_sd: float,
    weight: float,
) -> float:  # fmt: skip
    """Variance of true values around their group's mean (DerSimonian & Laird 1986, iterated as Paule & Mandel).

    It is pulled to `prior_sd`² by `weight` values, so that a handful of slopes neither proves nor denies variety, and
    is at most twice that deviation: what lies beyond is a few odd slopes, not variety.
    """
    told = np.isfinite(variance)
    value, variance, group = value[told], variance[told], group[told]
    freedom = len(value) - len(np.unique(group))
    found = prior_sd**2
    for _ in range(4 if freedom else 0):
        heft = 1 / (variance + found)
        total = np.maximum(np.bincount(group, heft), 1e-300)
        mean = np.bincount(group, heft * value) / total
        excess = float((heft * (value - mean[group]) ** 2).sum())
        by_chance = float((heft * variance).sum() - (np.bincount(group, heft**2 * variance) / total).sum())
        per_unit = float(heft.sum() - (np.bincount(group, heft**2) / total).sum())
        found = max(0.0, (excess - by_chance) / per_unit) if per_unit > 0 else found
    found = min(found, (2 * prior_sd) ** 2)
    return (weight * prior_sd**2 + freedom * found) / (weight + freedom)


def shrink(
    slopes: Slopes, category: NDArray[np.integer], config: ElasticityConfig, *, observations: int = 0,
    grain_days: int = 0,
) -> Elasticity:  # fmt: skip
    """Two normal-normal updates: categories to the store, SKUs to their category; the store to what is believed.

    A SKU that says nothing has its category's mean and the spread around it.
    """
    width = int(category.max(initial=0)) + 1
    inner = _spread(slopes.slope, slopes.variance, category, config.sku_sd, config.spread_weight)
    heft = 1 / (slopes.variance + inner)
    total = np.bincount(category, heft, width)
    known = total > 0
    mean = np.divide(np.bincount(category, heft * slopes.slope, width), total, out=np.zeros(width), where=known)
    error = np.divide(1.0, total, out=np.full(width, np.inf), where=known)
    outer = _spread(mean, error, np.zeros(width, dtype=np.int64), config.category_sd, config.spread_weight)
    above, belief = 1 / (error + outer), 1 / config.prior_sd**2
    store_variance = 1 / (above.sum() + belief)
    store = (float((above * mean).sum()) + belief * config.prior_mean) * store_variance
    pull = 1 / (1 + outer * total)
    of_category = pull * store + (1 - pull) * mean
    category_variance = pull * outer + pull**2 * store_variance
    trust = inner * heft
    posterior = of_category[category] + trust * (slopes.slope - of_category[category])
    variance = (1 - trust) * inner + (1 - trust) ** 2 * category_variance[category]
    return Elasticity(
        mean=np.round(posterior, DIGITS),
        sd=np.round(np.sqrt(variance), DIGITS),
        store_mean=round(float(store), DIGITS),
        store_sd=round(float(np.sqrt(store_variance)), DIGITS),
        observations=observations,
        products=int(np.isfinite(slopes.variance).sum()),
        grain_days=grain_days,
    )


def estimate(
    seen: Observations, category: NDArray[np.integer], config: ElasticityConfig, grain_days: int = 0
) -> Elasticity:
    """Elasticity of each SKU.

    Args:
        seen: What was sold at which price.
        category: `(n,)` category code of each SKU.
        config: Beliefs and weights.
        grain_days: Days of a period, for the record.
    """
    slopes = slopes_of(seen, category, config)
    return shrink(slopes, category, config, observations=len(seen.item), grain_days=grain_days)
