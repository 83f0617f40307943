"""Product records: variants, their product's texts, and what makes them sellable."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.columns import Columns
from pipeline.ingest.config import IngestConfig
from pipeline.ingest.layouts import canonical
from pipeline.ingest.lines import status_name
from pipeline.ingest.table import Table, Text, first_filled, joined
from pipeline.ingest.text import cut, joined_tags, plain_line, plain_text, tags_of, web_address
from pipeline.ingest.values import NO_TIME, numbers, times

SHARED = ("title", "description", "vendor", "category", "tags", "status", "gift_card", "variant_image")
"""What a record without it takes from its product's other records: Shopify writes these on one of them only."""

UNCATEGORISED = "uncategorised"


@dataclass(frozen=True, repr=False)
class ProductRows(Columns):
    """Accepted product records as columns of one length `n`; a record is a variant, or only an image."""

    product: Text
    """Handle or product id; where there is none, the SKU or title."""
    sku: Text
    title: Text
    options: Text
    """Values of the variant's options, joined by ` / `; empty for the only variant."""
    description: Text
    vendor: Text
    product_type: Text
    product_category: Text
    tags: Text
    status: Text
    gift_card: Text
    variant_image: Text
    image: Text
    image_position: NDArray[np.float64]
    price: NDArray[np.float64]
    compare_at: NDArray[np.float64]
    cost: NDArray[np.float64]
    stock: NDArray[np.float64]
    """Units by the product file; NaN where it does not say."""
    is_untracked: NDArray[np.bool_]
    """The file has a column for who tracks the stock, and it is empty."""
    sells_without_stock: NDArray[np.bool_]
    created_day: NDArray[np.int32]


def read_products(table: Table, config: IngestConfig) -> ProductRows:
    """The accepted records of a products table; the others are in `table.faults` afterwards."""
    faults = table.faults
    sku, handle = table.text("sku"), table.text("product_id")
    faults.add(sku.lengths > config.max_key_length, "field_too_long", "sku", "{} characters", sku.lengths)
    raw_title = table.text("title")
    title = raw_title.map(lambda text: cut(plain_line(text), config.max_title_length))
    _note_cut_titles(table, raw_title, config)
    faults.add(~sku.filled & ~title.filled & ~handle.filled, "missing_sku_and_title", "sku", "neither SKU nor title")
    untracked = ~table.text("tracker").filled if "tracker" in table.columns else np.zeros(len(table), dtype=bool)
    rows = ProductRows(
        product=handle.otherwise(sku.otherwise(title) if table.layout is canonical.PRODUCTS else title.otherwise(sku)),
        sku=sku,
        title=title,
        options=read_options(table),
        description=table.text("description").map(lambda text: plain_text(text, config.max_description_length)),
        vendor=table.text("vendor").map(lambda text: cut(plain_line(text), config.max_title_length)),
        product_type=table.text("product_type").map(lambda text: cut(plain_line(text), config.max_title_length)),
        product_category=table.text("product_category").map(
            lambda text: cut(plain_line(text.split(">")[-1]), config.max_title_length)
        ),
        tags=table.text("tags"),
        status=table.text("status").map(status_name),
        gift_card=table.text("gift_card").map(str.casefold),
        variant_image=table.text("variant_image_url").map(web_address),
        image=table.text("image_url").map(web_address),
        image_position=_number(table, "image_position", "bad_number"),
        price=_number(table, "price", "bad_price"),
        compare_at=_number(table, "compare_at_price", "bad_price"),
        cost=_number(table, "cost", "bad_price"),
        stock=_number(table, "stock", "bad_stock", at_least=-1e9),
        is_untracked=untracked,
        sells_without_stock=table.text("policy").ask(lambda text: text.casefold() in {"continue", "true", "yes", "1"}),
        created_day=_created(table),
    )
    return rows.take(faults.alive) if not faults.alive.all() else rows


def read_options(table: Table) -> Text:
    """Option values joined by ` / `; `Default Title` is how Shopify says that there are no variants."""
    first, second, third = (
        table.text(name).map(lambda text: "" if text == "Default Title" else plain_line(text)).array()
        for name in ("option1", "option2", "option3")
    )
    return Text.of(joined(joined(first, second, " / "), third, " / "))


def _number(table: Table, column: str, code: str, at_least: float = 0.0) -> NDArray[np.float64]:
    """A column of numbers, NaN where empty; bad ones reject their record."""
    if column not in table.columns:
        return np.full(len(table), np.nan)
    found = numbers(table.columns[column], at_least=at_least)
    found.reject(table.faults, code, column, may_be_empty=True)
    if found.has_comma:
        table.notes.append(f"the column {column} is written with a decimal comma")
    return found.values


def _created(table: Table) -> NDArray[np.int32]:
    if "created_at" not in table.columns:
        return np.full(len(table), -1, dtype=np.int32)
    found = times(table.columns["created_at"])
    found.reject(table.faults, "created_at")
    return np.where(found.minute == NO_TIME, -1, found.minute // 1440).astype(np.int32)


def _note_cut_titles(table: Table, title: Text, config: IngestConfig) -> None:
    too_long = int(title.ask(lambda text: len(plain_line(text)) > config.max_title_length).sum())
    if too_long:
        table.notes.append(f"{too_long:,} titles were cut to {config.max_title_length} characters")


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
    options. Of several records with one SKU an active one is taken, then the smallest by product, options and title.

    Returns:
        The variants, and notes for the report.
    """
    group, groups = rows.product.codes, len(rows.product.values)
    is_variant = rows.sku.filled | ~np.isnan(rows.price) | rows.title.filled
    shared = {name: _shared(getattr(rows, name), group, groups) for name in (*TEXTS, "gift_card", "status")}
    images = _first_images(rows, group, groups)
    items = rows.take(is_variant)
    shared = {name: text.take(is_variant) for name, text in shared.items()}
    place = joined(items.product.array(), items.options.array(), "/")
    sku = Text.of(pc.if_else(pa.array(items.sku.filled), items.sku.array(), place))
    active = shared["status"].ask(lambda text: text in {"", "active", "published", "publish"})
    order = np.lexsort(
        (items.price, shared["title"].codes, items.options.codes, items.product.codes, ~active, sku.codes)
    )
    first = np.concatenate(([True], np.diff(sku.codes[order]) != 0)) if len(order) else np.zeros(0, dtype=bool)
    chosen = order[first]
    notes = _count_notes(len(rows) - len(items), len(items) - len(chosen))
    items, shared = items.take(chosen), {name: text.take(chosen) for name, text in shared.items()}
    product_title = shared["title"].otherwise(items.product).array()
    title = Text.of(joined(product_title, items.options.array(), " - ")).map(
        lambda text: cut(text, config.max_title_length)
    )
    gallery = images.take(items.product.codes)
    variants = Variants(
        sku=sku.take(chosen).array(),
        title=title.array(),
        product_title=product_title,
        product=items.product.array(),
        place=place.take(pa.array(chosen)),
        description=shared["description"].array(),
        tags=shared["tags"].map(joined_tags).array(),
        image_url=items.variant_image.otherwise(gallery).array(),
        category=_category(shared),
        vendor=shared["vendor"].array(),
        price=items.price,
        compare_at=items.compare_at,
        cost=items.cost,
        stock=items.stock,
        created_day=items.created_day,
        is_active=active[chosen],
        is_gift_card=shared["gift_card"].ask(lambda text: text in {"true", "yes", "1"}),
        is_untracked=items.is_untracked,
        sells_without_stock=items.sells_without_stock,
    )
    return variants, notes


TEXTS = ("title", "description", "vendor", "product_type", "product_category", "tags")


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


def _category(shared: dict[str, Text]) -> pa.StringArray:
    """Type, else the last level of the product category, else the first tag, else `uncategorised`."""
    tag = shared["tags"].map(lambda text: next(iter(tags_of(text)), ""))
    found = shared["product_type"].otherwise(shared["product_category"]).otherwise(tag).array()
    return pc.if_else(pc.equal(found, ""), UNCATEGORISED, found)


def _count_notes(images: int, repeats: int) -> tuple[str, ...]:
    notes = []
    if images:
        notes.append(f"{images:,} product records hold only an image")
    if repeats:
        notes.append(f"{repeats:,} product records repeat a SKU; the active one, then the first by handle, was taken")
    return tuple(notes)
