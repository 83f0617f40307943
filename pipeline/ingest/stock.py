"""Stock figures: one row a variant and location, or locations as columns, summed by SKU."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.ingest.matching import NONE, match_keys, match_unique
from pipeline.ingest.products import read_options
from pipeline.ingest.table import Table, Text, joined
from pipeline.ingest.values import numbers
from pipeline.ingest.variants import Variants


@dataclass(frozen=True, slots=True, repr=False)
class StockRows:
    """Accepted stock records as columns of one length."""

    sku: pa.StringArray
    place: pa.StringArray
    """Product and options, for records without SKU."""
    units: NDArray[np.float64]
    """NaN where the record does not say; 0 for `Not stocked`."""


def read_stock(table: Table) -> StockRows:
    """The accepted records of an inventory table; the others are in `table.faults` afterwards."""
    sku, handle = table.text("sku"), table.text("product_id")
    table.faults.add(~sku.filled & ~handle.filled, "missing_sku", "sku", "empty")
    columns = list(table.locations) if table.layout.has_locations else [table.columns["available"]]
    units = np.full(len(table), np.nan)
    for column in columns:
        found = _units(column, table)
        units = np.where(np.isnan(units), found, units + np.nan_to_num(found))
    alive = table.faults.alive
    place = joined(handle.array(), read_options(table).array(), "/")
    return StockRows(sku.array().filter(pa.array(alive)), place.filter(pa.array(alive)), units[alive])


def _units(column: pa.ChunkedArray | pa.Array, table: Table) -> NDArray[np.float64]:
    """Units of one location: `Not stocked` is 0, empty is unknown."""
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_decimal(column.type)):
        text = Text.of(column).map(lambda value: "0" if value.casefold() == "not stocked" else value)
        column = text.array()
    found = numbers(column, at_least=-1e9)
    found.reject(table.faults, "bad_stock", "available", may_be_empty=True)
    return found.values


def apply_stock(variants: Variants, parts: Sequence[StockRows]) -> tuple[NDArray[np.float64], int]:
    """Stock of each variant.

    The inventory table wins, summed over locations as the numbers stand, negative ones too. A SKU that is `Not stocked`
    everywhere has 0. A SKU absent from the table keeps the product file's number, and without one it is untracked.

    Args:
        variants: `n` variants.
        parts: Stock records of all inventory files.

    Returns:
        `(n,)` units, NaN where untracked, and how many stock records matched no variant.
    """
    total, known = np.zeros(len(variants)), np.zeros(len(variants), dtype=bool)
    unmatched = 0
    for part in parts:
        by_sku = match_keys(part.sku, variants.sku)
        by_place = match_unique(part.place, variants.place)
        row = np.where(np.asarray(pc.equal(part.sku, "")), by_place, by_sku)
        says = (row != NONE) & ~np.isnan(part.units)
        np.add.at(total, row[says], part.units[says])
        known[row[says]] = True
        unmatched += int((row == NONE).sum())
    # Sums of fractions depend on their order in the last bits; nobody stocks thousandths of thousandths.
    stock = np.where(known, np.round(total, 6), variants.stock)
    return np.where(variants.is_untracked, np.nan, stock), unmatched
