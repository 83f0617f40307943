"""The variants of a catalog, one a SKU, from product records in any order."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.ingest.config import IngestConfig
from pipeline.ingest.products import YES, ProductRows
from pipeline.ingest.table import Text, first_filled, joined
from pipeline.ingest.text import cut, joined_tags, tags_of

SHARED = ("title", "description", "vendor", "product_type", "product_category", "tags", "gift_card", "status")
"""What a record without it takes from its product's other records: Shopify writes these on one of them only."""

ACTIVE = frozenset({"", "active", "published", "publish"})
UNCATEGORISED = "uncategorised"


@dataclass(frozen=True, slots=True, repr=False)
class Variants:
    """What may be bought, one row a SKU, sorted by SKU, before stock is known."""

    sku: pa.StringArray
    title: pa.StringArray
    product_title: pa.StringArray
    """Title without the variant's options."""
    product: pa.StringArray
    place: pa.StringArray
    """Product and options: what names the variant where its SKU is blank."""
    description: pa.StringArray
    tags: pa.StringArray
    image_url: pa.StringArray
    category: pa.StringArray
    vendor: pa.StringArray
    price: NDArray[np.float64]
    compare_at: NDArray[np.float64]
    cost: NDArray[np.float64]
    stock: NDArray[np.float64]
    created_day: NDArray[np.int32]
    is_active: NDArray[np.bool_]
    is_gift_card: NDArray[np.bool_]
    is_untracked: NDArray[np.bool_]
    sells_without_stock: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.sku)


def build_variants(rows: ProductRows, config: IngestConfig) -> tuple[Variants, tuple[str, ...]]:
    """One row a SKU from product records, whatever their order.

    A record without SKU, price and title is only an image of its product. A variant without SKU goes by product and
    options. What Shopify writes on one record of a product goes for all of them. Of several records with one SKU an
    active one is taken, then the first by product, title, options and the other columns in turn.

    Returns:
        The variants, and notes for the report.
    """
    group, groups = rows.product.codes, len(rows.product.values)
    is_titled = rows.title.filled
    shared: dict[str, Any] = {name: _shared(getattr(rows, name), group, groups) for name in SHARED}
    gallery = _first_images(rows, group, groups).take(group)
    rows = replace(rows, **shared, image=gallery)
    items = rows.take(rows.sku.filled | ~np.isnan(rows.price) | is_titled)
    place = joined(items.product.array(), items.options.array(), "/")
    sku = Text.of(pc.if_else(pa.array(items.sku.filled), items.sku.array(), place))
    chosen = _one_each(items, sku)
    notes = _count_notes(len(rows) - len(items), len(items) - len(chosen))
    return _as_variants(items.take(chosen), sku.take(chosen), place.take(pa.array(chosen)), config), notes


def _one_each(items: ProductRows, sku: Text) -> NDArray[np.intp]:
    """The record to take of each SKU, by SKU."""
    columns = [getattr(items, column.name) for column in fields(items)]
    keys = [column.codes if isinstance(column, Text) else column for column in columns]
    order = np.lexsort((*reversed(keys), ~items.status.ask(ACTIVE.__contains__), sku.codes))
    ranked = sku.codes[order]
    return order[np.concatenate(([True], ranked[1:] != ranked[:-1]))] if len(order) else order


def _as_variants(items: ProductRows, sku: Text, place: pa.StringArray, config: IngestConfig) -> Variants:
    product_title = items.title.otherwise(items.product).array()
    title = Text.of(joined(product_title, items.options.array(), " - "))
    return Variants(
        sku=sku.array(),
        title=title.map(lambda text: cut(text, config.max_title_length)).array(),
        product_title=product_title,
        product=items.product.array(),
        place=place,
        description=items.description.array(),
        tags=items.tags.map(joined_tags).array(),
        image_url=items.variant_image.otherwise(items.image).array(),
        category=_category(items),
        vendor=items.vendor.array(),
        price=items.price,
        compare_at=items.compare_at,
        cost=items.cost,
        stock=items.stock,
        created_day=items.created_day,
        is_active=items.status.ask(ACTIVE.__contains__),
        is_gift_card=items.gift_card.ask(YES.__contains__),
        is_untracked=items.is_untracked,
        sells_without_stock=items.sells_without_stock,
    )


def _shared(text: Text, group: NDArray[np.int32], groups: int) -> Text:
    """Each record's own value, else the smallest one among its product's records."""
    return Text(np.where(text.filled, text.codes, first_filled(text, group, groups)[group]), text.values)


def _first_images(rows: ProductRows, group: NDArray[np.int32], groups: int) -> Text:
    """`(groups,)` each product's first image: by position, then by address."""
    order = np.lexsort((rows.image.codes, np.nan_to_num(rows.image_position, nan=np.inf)))
    order = order[rows.image.filled[order]]
    first = np.zeros(groups, dtype=np.int32)
    first[group[order[::-1]]] = rows.image.codes[order[::-1]]
    return Text(first, rows.image.values)


def _category(items: ProductRows) -> pa.StringArray:
    """Type, else the last level of the product category, else the first tag, else `uncategorised`."""
    tag = items.tags.map(lambda text: next(iter(tags_of(text)), ""))
    found = items.product_type.otherwise(items.product_category).otherwise(tag).array()
    return pc.if_else(pc.equal(found, ""), UNCATEGORISED, found)


def _count_notes(images: int, repeats: int) -> tuple[str, ...]:
    notes = []
    if images:
        notes.append(f"product records that hold only an image: {images:,}")
    if repeats:
        notes.append(
            f"product records that repeat a SKU (the active one, else the first by handle, was taken): {repeats:,}"
        )
    return tuple(notes)
