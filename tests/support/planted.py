"""Stores whose customers have known habits: what goes together, what replaces what, a season, an answer to price."""

from collections.abc import Mapping
from datetime import date

import numpy as np

from pipeline.ingest.snapshot import Snapshot, to_date, to_day
from tests.support.stores import DAY, Basket, Ware, bought, store_of

LIST_PRICE = 10.0
PRICE_LEVELS = (1.0, 1.0, 0.9, 0.8, 0.7)
"""Shares of the list price that a week may have, each as likely as the others."""


COMPLEMENTS = ("kettle", "teapot")
"""Bought together in a third of all orders."""

SUBSTITUTES = ("mug-blue", "mug-red")
"""One or the other goes with a teapot; no order holds both."""

PEAK = ("lantern", "wreath")
"""Sold in December, mostly together, and hardly else."""

LOSS_LEADER = "sugar"
"""Sold so far below cost that it takes the profit of a kettle with it; in two fifths of all orders."""

FILLERS = tuple(f"thing-{at}" for at in range(8))


def habitual_store(until: date, days: int = 800, orders_a_day: float = 2.0, seed: int = 0) -> Snapshot:
    """A shop with all of the habits above, as known on the day `until`."""
    rng = np.random.default_rng(seed)
    wares = [Ware(sku, 20.0, 8.0, category="Tea") for sku in (*COMPLEMENTS, *SUBSTITUTES)]
    wares += [Ware(sku, 12.0, 5.0, category="Decoration") for sku in PEAK]
    wares += [Ware(sku, 9.0, 4.0, category="Things") for sku in FILLERS]
    wares.append(Ware(LOSS_LEADER, 5.0, 16.0, category="Tea"))
    last = to_day(until)
    counts = rng.poisson(orders_a_day, days)
    baskets = [
        bought(*sorted(_habits(to_date(day).month, rng)), day=day)
        for day, count in zip(range(last - days, last), counts.tolist(), strict=True)
        for _ in range(count)
    ]
    return store_of(wares, baskets)


def _habits(month: int, rng: np.random.Generator) -> set[str]:
    """What one order holds."""
    held = {FILLERS[int(rng.integers(len(FILLERS)))]}
    if rng.random() < 0.33:
        held |= {*COMPLEMENTS}
        held.add(SUBSTITUTES[int(rng.integers(2))])
    if rng.random() < 0.4:
        held.add(LOSS_LEADER)
    if rng.random() < (0.5 if month == 12 else 0.01):
        held |= {*PEAK} if rng.random() < 0.8 else {PEAK[0]}
    return held


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
