"""Whether a product is still bought: ranges turn over, and what left one is in nobody's next basket.

The question, and the answer's shape, are those of customers who may have left for good (BG/NBD: Fader, Hardie and Lee
2005, "Counting Your Customers the Easy Way"). A product with `x` orders in the `T` days since its first, the last of
them after `t` days, is gone at odds of

    days between its orders / days a product stays · (((T + a) / (t + a)) ** x − 1)

where the bracket is how much better a silence of `T − t` days fits a product that left than one that goes on.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.context.config import MiningConfig
from pipeline.context.history import History

PRIOR_DAYS = 14.0
"""`a`: a silence of days says little of a product that is young."""


def probability_alive(history: History, is_resting: NDArray[np.bool_], config: MiningConfig) -> NDArray[np.float64]:
    """Probability that each product is still bought. What was bought yesterday is.

    Args:
        history: `m` orders of `n` products.
        is_resting: `(n,)` products of a coming season, whose silence says nothing.
        config: How long products stay in a range.

    Returns:
        `(n,)` in [0, 1]; 1 for what was never bought, since nobody could have stopped.
    """
    orders = np.bincount(history.item, minlength=history.products)
    first, last = np.zeros((2, history.products), dtype=np.int64)
    day = history.day[history.basket]
    # Days ascend, and of several values for one place the one assigned last stays.
    last[history.item] = day
    first[history.item[::-1]] = day[::-1]
    bought = np.flatnonzero((orders > 0) & ~is_resting)
    since, silent = history.as_of - first[bought], history.as_of - 1 - last[bought]
    gap = since / orders[bought]
    grown = (since + PRIOR_DAYS) / (since - silent + PRIOR_DAYS)
    odds = gap / config.stay_days * np.expm1(np.minimum(orders[bought] * np.log(grown), 50.0))
    alive = np.ones(history.products)
    alive[bought] = np.round(1 / (1 + odds), 6)
    return alive
