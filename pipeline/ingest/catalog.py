"""The catalog: variants with their stock, coded and judged sellable; or what order lines alone tell of it."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.ingest.lines import Lines
from pipeline.ingest.snapshot import Catalog
from pipeline.ingest.table import Text
from pipeline.ingest.variants import UNCATEGORISED, Variants
from pipeline.money import digits


def build_catalog(variants: Variants, stock: NDArray[np.float64]) -> Catalog:
    """The finished catalog.

    Sellable is: active, priced above zero, no gift card, and in stock, untracked or sold without stock.

    Args:
        variants: `n` variants, sorted by SKU.
        stock: `(n,)` units, NaN where untracked.
    """
    category, vendor = Text.of(variants.category), Text.of(variants.vendor)
    available = np.isnan(stock) | (stock > 0) | variants.sells_without_stock
    return Catalog(
        sku=variants.sku,
        title=variants.title,
        description=variants.description,
        tags=variants.tags,
        image_url=variants.image_url,
        product_id=variants.product,
        family=_by_appearance(variants.product),
        category=category.codes - 1,
        vendor=_compact(vendor)[0],
        categories=category.values[1:],
        vendors=_compact(vendor)[1],
        price=variants.price,
        compare_at=variants.compare_at,
        cost=variants.cost,
        stock=stock,
        created_day=variants.created_day,
        is_sellable=variants.is_active & (np.nan_to_num(variants.price) > 0) & ~variants.is_gift_card & available,
    )


def _compact(text: Text) -> tuple[NDArray[np.int32], pa.StringArray]:
    """Codes and values without the values that no record has."""
    used, codes = np.unique(text.codes, return_inverse=True)
    return codes.astype(np.int32), text.values.take(pa.array(used))


def _by_appearance(values: pa.StringArray) -> NDArray[np.int32]:
    """A code for each distinct value, in the order of first appearance."""
    return np.asarray(values.dictionary_encode().indices, dtype=np.int32)


def variants_from_lines(lines: Lines, currency: str) -> Variants:
    """A catalog for a store that gave none: what was ordered, at its median price.

    A SKU's title is the one that most of its lines have, ties to the smallest; its price is the median over lines,
    rounded to the currency's minor unit. Lines without SKU go by their title, unless that is the title of a SKU.
    """
    lines = _without_titles_of_skus(lines)
    sku = lines.sku.otherwise(lines.title)
    used, code = np.unique(sku.codes, return_inverse=True)
    price = median_prices(lines.price, code, len(used), currency)
    names = sku.values.take(pa.array(used))
    title = lines.title.values.take(pa.array(_usual_titles(lines.title, code, len(used))))
    count = len(used)
    unknown = np.full(count, np.nan)
    blank = Text.blank(count).array()
    return Variants(
        sku=names,
        title=pc.if_else(pc.equal(title, ""), names, title),
        product_title=title,
        product=names,
        place=names,
        description=blank,
        tags=blank,
        image_url=blank,
        category=pa.array([UNCATEGORISED] * count, pa.string()),
        vendor=blank,
        price=price,
        compare_at=unknown,
        cost=unknown,
        stock=unknown,
        created_day=np.full(count, -1, dtype=np.int32),
        is_active=np.ones(count, dtype=bool),
        is_gift_card=np.zeros(count, dtype=bool),
        is_untracked=np.zeros(count, dtype=bool),
        sells_without_stock=np.zeros(count, dtype=bool),
    )


def _without_titles_of_skus(lines: Lines) -> Lines:
    """The lines but for those without SKU whose title is the usual one of a SKU."""
    if lines.sku.filled.all():
        return lines
    named = lines.take(lines.sku.filled)
    is_taken = np.zeros(len(lines.title.values), dtype=bool)
    is_taken[_usual_titles(named.title, named.sku.codes, len(named.sku.values))] = True
    return lines.take(lines.sku.filled | ~is_taken[lines.title.codes])


def median_prices(
    price: NDArray[np.float64], group: NDArray[np.integer], groups: int, currency: str
) -> NDArray[np.float64]:
    """`(groups,)` median price of each group's lines, rounded to the currency's minor unit; NaN where it has none."""
    # Group and price as one number each: sorting numbers is several times faster than `lexsort`.
    prices, code = np.unique(price, return_inverse=True)
    cell = np.sort(group.astype(np.int64) * len(prices) + code)
    ranked, starts = prices[cell % len(prices)], np.searchsorted(cell, np.arange(groups + 1) * len(prices))
    first, behind = starts[:-1], starts[1:]
    median = np.full(groups, np.nan)
    sold = behind > first
    low, high = (first + behind - 1)[sold] // 2, (first + behind)[sold] // 2
    median[sold] = np.round((ranked[low] + ranked[high]) / 2, digits(currency))
    return median


def _usual_titles(title: Text, code: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """`(count,)` code of the title that most lines of each SKU have; 0, the empty one, where none has any."""
    filled = title.filled
    pairs, lines = np.unique(
        code[filled].astype(np.int64) * len(title.values) + title.codes[filled], return_counts=True
    )
    item, name = pairs // len(title.values), pairs % len(title.values)
    best = np.zeros(count, dtype=np.int64)
    order = np.lexsort((-name, lines, item))
    best[item[order]] = name[order]
    return best
