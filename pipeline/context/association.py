"""Measures of association between products, for pairs and larger sets, vectorised.

`n` is the number of orders, `count` the orders that hold every member, `expected` what independence
would give: `Π counts / n^(s − 1)` for `s` members (Brin, Motwani & Silverstein 1997, "lift").
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHRINK = 10.0
"""Pseudo-orders that pull lift towards 1: the constant of `(C + 10) / (E + 10)`."""

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def wilson(successes: ArrayLike, trials: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % score interval of a share (Wilson 1927).

    Args:
        successes: Counts, at most `trials`.
        trials: Counts; 0 gives the interval [0, 1].

    Returns:
        Lower and upper bound, in [0, 1].

    >>> low, high = wilson(8, 10)
    >>> round(float(low), 3), round(float(high), 3)
    (0.49, 0.943)
    """
    hits, total = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    safe = np.maximum(total, 1.0)
    share = hits / safe
    centre = share + Z_95**2 / (2 * safe)
    spread = Z_95 * np.sqrt(share * (1 - share) / safe + Z_95**2 / (4 * safe**2))
    scale = 1 + Z_95**2 / safe
    # The share lies within: rounding must not put a bound on its other side.
    low = np.where(total > 0, np.clip((centre - spread) / scale, 0, share), 0.0)
    high = np.where(total > 0, np.clip((centre + spread) / scale, share, 1), 1.0)
    return np.asarray(low), np.asarray(high)


def expected_count(member_orders: NDArray[np.float64], orders: int) -> NDArray[np.float64]:
    """Orders that would hold the whole set if products were bought independently.

    Args:
        member_orders: `(k, width)` orders of each member, NaN where a set has no further member.
        orders: All orders of the window.

    Returns:
        `(k,)` expectations, at least 0.
    """
    shares = np.where(np.isnan(member_orders), 1.0, member_orders / max(orders, 1))
    return np.asarray(np.prod(shares, axis=1) * orders)


def lift(count: ArrayLike, expected: ArrayLike) -> NDArray[np.float64]:
    """How many times more often than chance; NaN where chance gives nothing."""
    observed, chance = np.asarray(count, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    return np.divide(observed, chance, out=np.full(np.broadcast(observed, chance).shape, np.nan), where=chance > 0)


def shrunk_lift(count: ArrayLike, expected: ArrayLike, prior: ArrayLike = 1.0) -> NDArray[np.float64]:
    """Lift pulled towards `prior` by ten pseudo-orders: `(C + 10·prior) / (E + 10)`.

    >>> round(float(shrunk_lift(20, 5)), 2)
    2.0
    """
    observed, chance = np.asarray(count, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    return np.asarray((observed + SHRINK * np.asarray(prior)) / (chance + SHRINK))


def log_likelihood_ratio(count: ArrayLike, first: ArrayLike, second: ArrayLike, orders: int) -> NDArray[np.float64]:
    """How surely two products are bought together more often than by chance (Dunning 1993): G² of the 2 × 2 table.

    Twice the sum of `observed · log(observed / expected)` over orders with both, with one, and with neither.

    >>> round(float(log_likelihood_ratio(10, 20, 20, 100)), 3)     # 10 where chance gives 4
    12.071
    >>> float(log_likelihood_ratio(2, 20, 20, 100))                # 2 where chance gives 4: not together
    0.0

    Args:
        count: Orders with both.
        first: Orders with the first.
        second: Orders with the second.
        orders: All orders.

    Returns:
        At least 0; 0 where they are bought together no more often than by chance.
    """
    both, one, two = (np.asarray(value, dtype=np.int64) for value in (count, first, second))
    of = _x_log_x(orders)
    total = of[both] + of[one - both] + of[two - both] + of[orders - one - two + both] + of[orders]
    margins = of[one] + of[two] + of[orders - one] + of[orders - two]
    return np.where(both * orders > one * two, np.maximum(2 * (total - margins), 0.0), 0.0)


def _x_log_x(most: int) -> NDArray[np.float64]:
    """`x · log x` of every count up to `most`: a look-up in place of nine logarithms a pair."""
    value = np.arange(most + 1, dtype=np.float64)
    return np.asarray(value * np.log(np.maximum(value, 1.0)))


HALF_SUPPORT, HALF_SURETY, HALF_EASE = 0.02, 30.0, 0.05
"""Where a measure without an upper end reaches half of its part."""

SHARES = {"lift": 0.2, "ease": 0.2, "surety": 0.1, "confidence": 0.3, "support": 0.2}
"""What each measure counts in the strength of a bond; they sum to 1."""


def strength(
    shrunk: NDArray[np.float64], confidence_low: NDArray[np.float64], support: NDArray[np.float64],
    surety: NDArray[np.float64], ease: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """How strongly orders bind products, in [0, 1], rising in each argument.

    `SHARES` of `1 − 1/lift`, the least confidence, and `x / (x + half)` of the measures without an upper end: fixed
    maps, so that a score means the same in every run.

    Args:
        shrunk: Shrunk lift; below 1 counts as 1.
        confidence_low: Wilson lower bound of confidence.
        support: Share of all orders.
        surety: Likelihood ratio, at least 0.
        ease: Weight by EASE; below 0 counts as 0. A set has that of its pairs.
    """
    weight = np.maximum(ease, 0.0)
    return np.asarray(
        SHARES["lift"] * (1 - 1 / np.maximum(shrunk, 1.0))
        + SHARES["ease"] * _towards_one(weight, HALF_EASE)
        + SHARES["surety"] * _towards_one(surety, HALF_SURETY)
        + SHARES["confidence"] * confidence_low
        + SHARES["support"] * _towards_one(support, HALF_SUPPORT)
    )


def _towards_one(value: NDArray[np.float64], half: float) -> NDArray[np.float64]:
    """`x / (x + half)`, written so that it never falls by a last bit where `x` rises."""
    return np.asarray(1 - half / (value + half))


def surety_of_sets(count: ArrayLike, expected: ArrayLike) -> NDArray[np.float64]:
    """Likelihood ratio of a set of any size against independence of all members, for rare sets (Poisson G²).

    `2 · (C · log(C / E) − (C − E))` where `C > E`, else 0.

    >>> round(float(surety_of_sets(10, 4)), 2)
    6.33
    """
    observed, chance = np.asarray(count, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    ratio = np.log(np.maximum(observed, 1e-300) / np.maximum(chance, 1e-300))
    return np.where(observed > chance, 2 * (observed * ratio - (observed - chance)), 0.0)
