"""Product records: one accepted record each, checked, cleaned and typed, whatever the vendor."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.columns import Columns
from pipeline.ingest.config import IngestConfig
from pipeline.ingest.layouts import canonical
from pipeline.ingest.lines import status_name
from pipeline.ingest.table import Table, Text, joined
from pipeline.ingest.text import cut, plain_line, plain_text, web_address
from pipeline.ingest.values import NO_TIME, numbers, times

YES = frozenset({"true", "yes", "1"})


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
    _note_cut_titles(table, raw_title, config)

    def short(text: str) -> str:
        return cut(plain_line(text), config.max_title_length)

    title = raw_title.map(short)
    faults.add(~sku.filled & ~title.filled & ~handle.filled, "missing_sku_and_title", "sku", "neither SKU nor title")
    untracked = ~table.text("tracker").filled if "tracker" in table.columns else np.zeros(len(table), dtype=bool)
    rows = ProductRows(
        product=handle.otherwise(sku.otherwise(title) if table.layout is canonical.PRODUCTS else title.otherwise(sku)),
        sku=sku,
        title=title,
        options=read_options(table),
        description=table.text("description").map(lambda text: plain_text(text, config.max_description_length)),
        vendor=table.text("vendor").map(short),
        product_type=table.text("product_type").map(short),
        product_category=table.text("product_category").map(lambda text: short(text.split(">")[-1])),
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
        sells_without_stock=table.text("policy").map(str.casefold).ask((YES | {"continue"}).__contains__),
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
        table.notes.append(f"titles cut to {config.max_title_length} characters: {too_long:,}")
