"""Features of all SKUs in one vectorised pass over catalog and history."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.context.config import FeaturesConfig
from pipeline.context.history import History
from pipeline.context.seasons import SEASONS, coming_seasons
from pipeline.ingest.snapshot import Catalog, Orders, to_date
from pipeline.keys import distinct, is_first, packed

UNKNOWN = -1
"""Stands for a day, age or season that is not known."""


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of each of the `n` SKUs. All columns `(n,)` unless said otherwise."""

    orders: NDArray[np.int32]
    """Orders of the window with the SKU."""
    recent_orders: NDArray[np.int32]
    recent_units: NDArray[np.int64]
    category_orders: NDArray[np.int32]
    """`(categories,)` orders of the recent days that hold the category: x of the weight curve."""
    margin: NDArray[np.float64]
    """`1 − cost / price`; NaN where the cost is unknown."""
    cover_days: NDArray[np.float64]
    """Stock over recent daily units; inf without recent sales, NaN where untracked."""
    age_days: NDArray[np.int32]
    """`UNKNOWN` where neither creation nor a telling first sale is known."""
    season: NDArray[np.int8]
    """Position in `SEASONS` of a season that sells soon, `UNKNOWN` for none."""
    month_index: NDArray[np.float64]
    """Daily units of the coming month over the average; NaN where history is too short."""
    repeat_customers: NDArray[np.int32]
    repeat_gap_days: NDArray[np.float64]
    """Median days between two purchases of one customer; NaN without any."""
    is_high_margin: NDArray[np.bool_]
    is_slow: NDArray[np.bool_]
    is_new: NDArray[np.bool_]
    is_seasonal: NDArray[np.bool_]
    is_gift: NDArray[np.bool_]
    is_replenished: NDArray[np.bool_]
    margin_rank: NDArray[np.float64]
    """Share of the store's SKUs with a lower margin, in [0, 1]; 0.5 where unknown."""
    cover_rank: NDArray[np.float64]
    """Share of the store's SKUs with fewer days of cover, in [0, 1]; 0 where untracked or out of stock."""
    price_rank: NDArray[np.float64]
    """Share of the store's SKUs with a lower price, in [0, 1]."""


def rank01(values: NDArray[np.float64], missing: float) -> NDArray[np.float64]:
    """Mid-rank of each value among the known ones, in [0, 1]; `missing` where NaN. Equal values rank equal."""
    known = ~np.isnan(values)
    ranked = np.full(values.shape, missing)
    if known.any():
        ordered = np.sort(values[known])
        low = np.searchsorted(ordered, values[known], side="left")
        high = np.searchsorted(ordered, values[known], side="right")
        ranked[known] = (low + high) / (2 * len(ordered))
    return ranked


def margins(price: NDArray[np.float64], cost: NDArray[np.float64]) -> NDArray[np.float64]:
    """`1 − cost / price`; NaN where either is unknown or the price is not positive."""
    return np.divide(price - cost, price, out=np.full(price.shape, np.nan), where=(price > 0) & ~np.isnan(cost))


def _matches(catalog: Catalog, pattern: str, *, with_title: bool) -> NDArray[np.bool_]:
    import pyarrow.compute as pc  # slow to import, and workers that search in a context made elsewhere never come here

    texts = pc.binary_join_element_wise(catalog.title, catalog.tags, " ") if with_title else catalog.tags
    found = pc.match_substring_regex(pc.utf8_lower(texts), pattern)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def _ages(catalog: Catalog, orders: Orders, history: History, config: FeaturesConfig) -> NDArray[np.int32]:
    first_sale = np.full(history.products, UNKNOWN, dtype=np.int64)
    # All that was known, not the window alone: what sold before it is not new. Baskets are ascending in time:
    # writing them backwards leaves each SKU its first day.
    sizes = np.diff(orders.indptr)
    known = np.repeat(orders.is_demand(history.as_of, history.as_of + 1), sizes)
    first_sale[orders.item[known][::-1]] = np.repeat(orders.day, sizes)[known][::-1]
    tells = first_sale >= history.store_first_day + config.first_sale_gap_days
    created = np.where(catalog.created_day >= 0, catalog.created_day, np.where(tells, first_sale, UNKNOWN))
    known = (created >= 0) & (created < history.as_of)
    return np.where(known, history.as_of - created, UNKNOWN).astype(np.int32)


def _repeats(history: History) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Customers who bought a SKU on two days or more, and the median days between their purchases."""
    customer = history.customer[history.basket]
    named = np.flatnonzero(customer >= 0)
    item, ago = history.item[named], history.as_of - history.day[history.basket[named]]
    pair = packed(item, customer[named])
    visit = packed(pair, ago)
    order = np.argsort(visit)
    once = order[is_first(visit[order])]
    item, pair, ago = item[once], pair[once], ago[once]
    again = np.flatnonzero(~is_first(pair))
    item, gap = item[again], ago[again] - ago[again - 1]
    repeat = np.bincount(item[is_first(pair[again])], minlength=history.products).astype(np.int32)
    order = np.lexsort((gap, item))
    gaps, counts = gap[order].astype(np.float64), np.bincount(item, minlength=history.products)
    median = np.full(history.products, np.nan)
    has = counts > 0
    starts = np.cumsum(counts) - counts
    low, high = starts[has] + (counts[has] - 1) // 2, starts[has] + counts[has] // 2
    median[has] = (gaps[low] + gaps[high]) / 2
    return repeat, median


def _month_index(orders: Orders, history: History, config: FeaturesConfig) -> NDArray[np.float64]:
    """Daily units in the coming month of earlier years over the average day, from all history."""
    index = np.full(history.products, np.nan)
    if history.as_of - history.store_first_day < config.season_history_days:
        return index
    keep = orders.is_demand(history.as_of, history.as_of + 1)
    coming = to_date(history.as_of + config.season_lead_days // 2).month
    months = orders.day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    sizes = np.diff(orders.indptr)
    cell_keep, cell_coming = np.repeat(keep, sizes), np.repeat(keep & (months == coming), sizes)
    units = np.bincount(orders.item[cell_keep], weights=orders.quantity[cell_keep], minlength=history.products)
    units_coming = np.bincount(
        orders.item[cell_coming], weights=orders.quantity[cell_coming], minlength=history.products
    )
    days = np.arange(history.store_first_day, history.as_of).astype("datetime64[D]")
    days_coming = int((days.astype("datetime64[M]").astype(np.int64) % 12 + 1 == coming).sum())
    sold = (units >= 12) & (days_coming > 0)
    index[sold] = (units_coming[sold] / max(days_coming, 1)) / (units[sold] / len(days))
    return index


def _seasons(catalog: Catalog, history: History, config: FeaturesConfig) -> NDArray[np.int8]:
    season = np.full(history.products, UNKNOWN, dtype=np.int8)
    for place in reversed(coming_seasons(to_date(history.as_of), config.season_lead_days)):
        season[_matches(catalog, SEASONS[place].pattern, with_title=True)] = place
    return season


def _category_orders(catalog: Catalog, item: NDArray[np.int32], basket: NDArray[np.int64]) -> NDArray[np.int32]:
    width = len(catalog.categories)
    seen = distinct(basket * max(width, 1) + catalog.category[item])
    return np.bincount(seen % max(width, 1), minlength=width).astype(np.int32)


def _is_slow(
    stock: NDArray[np.float64],
    cover: NDArray[np.float64],
    sold: NDArray[np.bool_],
    age: NDArray[np.int32],
    config: FeaturesConfig,
) -> NDArray[np.bool_]:
    in_stock = np.nan_to_num(stock) > 0
    measured = in_stock & sold
    limit = np.percentile(cover[measured], config.slow_percentile, method="lower") if measured.any() else np.inf
    # Where more products than that never sold of late, the percentile is infinite and they are all slow.
    slow = (cover > limit) | np.isinf(cover)
    return (measured & slow) | (in_stock & ~sold & (age >= config.unsold_days))


def features_of(catalog: Catalog, orders: Orders, history: History, config: FeaturesConfig) -> Features:
    """All features of all SKUs.

    Args:
        catalog: `n` SKUs.
        orders: All orders, for the month index.
        history: The window's demand.
        config: Thresholds.
    """
    basket = history.basket
    recent = history.day[basket] >= history.as_of - config.recent_days
    item = history.item[recent]
    units = np.bincount(item, weights=history.quantity[recent], minlength=history.products)
    stock = catalog.stock
    with np.errstate(divide="ignore", invalid="ignore"):
        cover = np.where(stock > 0, stock / (units / config.recent_days), 0.0)
    cover = np.where(np.isnan(stock), np.nan, cover)
    sold = np.bincount(history.item, minlength=history.products)
    age = _ages(catalog, orders, history, config)
    season, index = _seasons(catalog, history, config), _month_index(orders, history, config)
    repeat, gap = _repeats(history)
    margin = margins(catalog.price, catalog.cost)
    low, high = config.repeat_gap_days
    is_repeated = (repeat >= config.repeat_customers) & (gap >= low) & (gap <= high)
    return Features(
        orders=sold.astype(np.int32),
        recent_orders=np.bincount(item, minlength=history.products).astype(np.int32),
        recent_units=units.astype(np.int64),
        category_orders=_category_orders(catalog, item, basket[recent]),
        margin=margin,
        cover_days=cover,
        age_days=age,
        season=season,
        month_index=index,
        repeat_customers=repeat,
        repeat_gap_days=gap,
        is_high_margin=np.nan_to_num(margin, nan=-1.0) >= config.high_margin,
        is_slow=_is_slow(stock, cover, sold > 0, age, config),
        is_new=(age != UNKNOWN) & (age <= config.new_days),
        is_seasonal=(season != UNKNOWN) | (np.nan_to_num(index) >= config.season_index),
        is_gift=_matches(catalog, config.gift_pattern, with_title=True),
        is_replenished=is_repeated | _matches(catalog, config.subscription_pattern, with_title=False),
        margin_rank=rank01(margin, missing=0.5),
        cover_rank=rank01(np.where(stock > 0, cover, np.nan), missing=0.0),
        price_rank=rank01(np.where(catalog.price > 0, catalog.price, np.nan), missing=0.0),
    )
