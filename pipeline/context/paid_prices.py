"""A store's order lines as observations of price and demand: what moved in time, and what moves with quantity.

The two are kept apart. A wholesaler sells 2 at 2.95 and 32 at 2.55: a week with one large order has a lower mean price
and more units, and a regression of one on the other finds an elasticity of −3 where no price ever changed.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.context.config import ElasticityConfig
from pipeline.context.elasticity import Elasticity, Observations, blend, estimate
from pipeline.context.history import History
from pipeline.keys import distinct

GRAINS = (7, 14, 28)
"""Days of a period, finest first."""


def _paid(history: History) -> NDArray[np.intp]:
    """Cells that were paid for."""
    return np.flatnonzero((history.unit_price > 0) & (history.quantity > 0))


def _logs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms, rounded to what every processor agrees on."""
    return np.asarray(np.round(np.log(values), 12), dtype=np.float64)


def _middle(key: NDArray[np.integer], value: NDArray[np.float64]) -> tuple[NDArray[np.integer], NDArray[np.float64]]:
    """The distinct keys, ascending, and the median of each one's values, the lower of two."""
    order = np.lexsort((value, key))
    keys, start, count = np.unique(key[order], return_index=True, return_counts=True)
    return keys, value[order][start + (count - 1) // 2]


def _grain(item: NDArray[np.integer], day: NDArray[np.integer], config: ElasticityConfig) -> int:
    """The finest grain in whose periods products sell often enough, between their first sale and their last."""
    for grain in GRAINS[:-1]:
        period = day // grain
        cells = distinct(item.astype(np.int64) * (int(period.max()) + 1) + period)
        width = int(item.max()) + 1
        first, last = np.full(width, np.iinfo(np.int64).max), np.full(width, -1)
        np.minimum.at(first, item, period)
        np.maximum.at(last, item, period)
        spans = np.where(last > first, last - first + 1, 0)
        if (spans[cells // (int(period.max()) + 1)] > 0).sum() >= config.occupancy * max(int(spans.sum()), 1):
            return grain
    return GRAINS[-1]


def price_moves(history: History, config: ElasticityConfig) -> tuple[Observations, int]:
    """Units and the usual price of each SKU and period, and the days of a period.

    The usual price is the median over lines of at most the SKU's median quantity: it moves when the price does, not
    when an order is large. Periods are counted back from the last day known; one without an ordinary line is left out.
    """
    cells = _paid(history)
    item, units = history.item[cells].astype(np.int64), history.quantity[cells].astype(np.float64)
    ago = (history.as_of - 1 - history.day[history.basket[cells]]).astype(np.int64)
    grain = _grain(item, ago, config)
    period = ago // grain
    key = item * (int(period.max()) + 1) + period
    skus, usual = _middle(item, units)
    ordinary = units <= usual[np.searchsorted(skus, item)]
    keys, log_price = _middle(key[ordinary], _logs(history.unit_price[cells][ordinary]))
    every, place = np.unique(key, return_inverse=True)
    sold = np.asarray(np.bincount(place, units)[np.searchsorted(every, keys)], dtype=np.float64)
    width = int(period.max()) + 1
    return Observations(keys // width, keys % width, log_price, _logs(sold)), grain


def quantity_breaks_paid(history: History) -> Observations:
    """Units and unit price of every order line: how much more is taken at once where it costs less."""
    cells = _paid(history)
    return Observations(
        item=history.item[cells].astype(np.int64),
        period=np.zeros(len(cells), dtype=np.int64),
        log_price=_logs(history.unit_price[cells]),
        log_units=_logs(history.quantity[cells].astype(np.float64)),
    )


def elasticities(
    history: History, category: NDArray[np.integer], config: ElasticityConfig
) -> tuple[Elasticity, Elasticity] | None:
    """Elasticity of demand, and that of quantity offers; None where there are too few lines.

    Quantity breaks speak for quantity offers alone, and softly: large orders are not caused by their lower price only.
    """
    if len(_paid(history)) < config.min_lines:
        return None
    moves, grain = price_moves(history, config)
    demand = estimate(moves, category, config, grain)
    by_quantity = estimate(quantity_breaks_paid(history), category, config)
    return demand, blend(demand, by_quantity, config.selection_sd)
