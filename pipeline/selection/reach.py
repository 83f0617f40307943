"""How many orders a bundle reaches lately."""

import numpy as np
from numpy.typing import NDArray

from pipeline.selection.judged import Judged
from pipeline.terms import COMBOS, BundleType

HALF_REACH = {BundleType.MIX_MATCH: 0.08, BundleType.VOLUME: 0.08, BundleType.BXGY: 0.04}
"""Share of orders at which a type reaches half; no row: 2 %. Pools and quantities are met more easily, and two products
that sell together need no discount on one of them: as a set they come first."""


def reach(judged: Judged) -> NDArray[np.float64]:
    """`(k,)` in [0, 1]: `support / (support + half)`.

    The support is that with recent orders counting more, as far as the products are still bought.
    """
    half = np.array([HALF_REACH.get(combo.type, 0.02) for combo in COMBOS])[judged.combo]
    support = judged.counts.support_lately * judged.counts.alive
    return np.asarray(support / (support + half))
