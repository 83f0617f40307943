"""How a store prices: its endings, the discounts its customers have been given, and how demand answers price."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.context.config import ElasticityConfig
from pipeline.context.elasticity import Elasticity
from pipeline.context.history import History
from pipeline.context.paid_prices import elasticities
from pipeline.ingest.snapshot import Catalog
from pipeline.money import digits, to_minor

ENDINGS_SHARE = 0.8
"""Share of list prices that the learnt endings cover."""


@dataclass(frozen=True, slots=True)
class PriceHabits:
    """What a store's own prices say."""

    endings: NDArray[np.int64]
    """Ascending endings, in minor units, of prices of at least 2.00."""
    small_endings: NDArray[np.int64]
    """Ascending last digits of prices below that."""
    discount: float
    """Median discount of the order lines sold below today's list price; NaN without any."""
    discount_lines: int
    """How many such lines there are."""
    demand: Elasticity | None = None
    """How a SKU's demand answers its price; None where the store has too few order lines to ask."""
    volume: Elasticity | None = None
    """The same for offers by quantity, which quantity breaks speak for too; None with `demand`."""


def common_endings(prices: NDArray[np.int64], base: int) -> NDArray[np.int64]:
    """The fewest endings (`price mod base`) that cover 80 % of `prices`, ascending; all of them without prices."""
    if not len(prices):
        return np.arange(base)
    endings, counts = np.unique(prices % base, return_counts=True)
    order = np.lexsort((endings, -counts))
    needed = int(np.searchsorted(np.cumsum(counts[order]), ENDINGS_SHARE * len(prices))) + 1
    return np.sort(endings[order[:needed]])


def price_habits(
    catalog: Catalog, history: History, currency: str, config: ElasticityConfig | None = None
) -> PriceHabits:
    """Endings of list prices, the median discount of lines sold below list, elasticities.

    Endings are those of sellable products that somebody bought, so that one that nobody asks for moves no price of the
    others; of all sellable ones where nothing was bought.
    """
    asked = catalog.is_sellable & (np.bincount(history.item, minlength=len(catalog)) > 0)
    list_price = to_minor(catalog.price[asked if asked.any() else catalog.is_sellable], currency)
    two = 2 * 10 ** digits(currency)
    reference = catalog.price[history.item]
    off = np.divide(reference - history.unit_price, reference, out=np.zeros(len(reference)), where=reference > 0)
    given = off[(off >= 0.01) & (off <= 0.9)]
    demand, volume = elasticities(history, catalog.category, config or ElasticityConfig()) or (None, None)
    return PriceHabits(
        endings=common_endings(list_price[list_price >= two], 100),
        small_endings=common_endings(list_price[list_price < two], 10),
        discount=float(np.median(given)) if len(given) else float("nan"),
        discount_lines=len(given),
        demand=demand,
        volume=volume,
    )
