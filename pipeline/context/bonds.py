"""How strongly orders bind two products, one number a direction: what links and the transactional signal rank by.

Five measures, each through a fixed monotone map into [0, 1], so that a bond means the same in every store and run:
shrunk lift, what EASE still sees when all other products have spoken, the surety of the likelihood ratio, the least
confidence that the counts allow, and support. Evidence shows the counts themselves.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.context.association import log_likelihood_ratio, shrunk_lift, strength, wilson
from pipeline.context.ease import ItemWeights
from pipeline.context.mining import Mined


@dataclass(frozen=True, slots=True)
class Bonds:
    """The bonds of the mined pairs, in their order. Columns `(p,)`, in [0, 1]."""

    forward: NDArray[np.float64]
    """From `a` to `b`: having `a`, how much speaks for `b`."""
    backward: NDArray[np.float64]
    """From `b` to `a`."""

    @property
    def either(self) -> NDArray[np.float64]:
        """The stronger direction."""
        return np.maximum(self.forward, self.backward)


def bonds_of(mined: Mined, weights: ItemWeights, orders: int) -> Bonds:
    """The bonds of all mined pairs.

    Args:
        mined: Counts. Mega-baskets weigh less in lift, and in EASE; the other measures are of exact counts.
        weights: EASE's weights; products that were not fitted have 0.
        orders: All orders of the window.
    """
    pairs, orders = mined.pairs, max(orders, 1)
    a, b = pairs.a, pairs.b
    lift = shrunk_lift(pairs.weight, mined.item_weight[a] * mined.item_weight[b] / max(mined.total_weight, 1.0))
    one, two = mined.item_orders[a], mined.item_orders[b]
    surety = log_likelihood_ratio(pairs.count, one, two, orders)
    support = pairs.count / orders
    forward = strength(lift, wilson(pairs.count, one)[0], support, surety, weights.of_pairs(a, b))
    backward = strength(lift, wilson(pairs.count, two)[0], support, surety, weights.of_pairs(b, a))
    return Bonds(np.round(forward, 9), np.round(backward, 9))
