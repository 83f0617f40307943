"""A store whose customers answer price by a known elasticity."""

from collections.abc import Mapping

import numpy as np

from pipeline.ingest.snapshot import Snapshot
from tests.support.stores import DAY, Basket, Ware, store_of

LIST_PRICE = 10.0
PRICE_LEVELS = (1.0, 1.0, 0.9, 0.8, 0.7)
"""Shares of the list price that a week may have, each as likely as the others."""


def planted_store(
    elasticity: Mapping[str, float], *, skus: int = 6, weeks: int = 52, orders_a_week: float = 12.0, cost: float = 4.0,
    seed: int = 0,
) -> Snapshot:  # fmt: skip
    """A shop of `skus` SKUs in each category of `elasticity`, whose weekly orders are Poisson around a power of price.

    A SKU is sold one at a time, at a price drawn anew each week; the whole shop has good and bad weeks besides.
    """
    rng = np.random.default_rng(seed)
    wares = [
        Ware(f"{category}-{at}", LIST_PRICE, cost, category=category) for category in elasticity for at in range(skus)
    ]
    season = np.exp(rng.normal(0, 0.3, weeks))
    baskets = []
    for ware in wares:
        level = rng.choice(PRICE_LEVELS, weeks)
        orders = rng.poisson(orders_a_week * season * level ** elasticity[ware.category])
        for week, (count, share) in enumerate(zip(orders.tolist(), level.tolist(), strict=True)):
            paid = {ware.sku: round(LIST_PRICE * share, 2)}
            baskets += [Basket({ware.sku: 1}, DAY + 7 * week + at % 7, prices=paid) for at in range(count)]
    return store_of([*wares, Ware("closing", 1.0)], [*baskets, Basket({"closing": 1}, DAY + 7 * weeks - 1)])
