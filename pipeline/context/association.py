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


def transactional(
    shrunk: NDArray[np.float64], confidence_low: NDArray[np.float64], support: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How strongly orders say that products go together, in [0, 1], rising in each argument.

    `0.5·(1 − 1/lift) + 0.3·confidence + 0.2·support/(support + 2 %)`: fixed maps, so that a score means
    the same in every run.

    Args:
        shrunk: Shrunk lift; below 1 counts as 1.
        confidence_low: Wilson lower bound of confidence.
        support: Share of all orders.
    """
    return np.asarray(0.5 * (1 - 1 / np.maximum(shrunk, 1.0)) + 0.3 * confidence_low + 0.2 * support / (support + 0.02))
