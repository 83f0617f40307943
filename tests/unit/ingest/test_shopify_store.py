"""Shopify's exports, from files to snapshot."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.ingest.config import IngestConfig
from pipeline.ingest.folder import Ingested, ingest_folder
from pipeline.ingest.snapshot import NEVER
from tests.support.shop import (
    CURRENT_PRODUCT_HEADER,
    PRODUCT_HEADER,
    STOCK_HEADER,
    Order,
    Row,
    as_csv,
    orders_csv,
    product,
    stock_row,
)

Ingest = Callable[..., Ingested]
LINES = ({"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1, "price": "7.50"})


def products_csv(*rows: Row) -> str:
    return as_csv(PRODUCT_HEADER, rows)


def skus(found: Ingested) -> list[str]:
    return list(found.snapshot.catalog.sku.to_pylist())


def test_order_level_fields_count_on_whichever_row_they_stand(ingest: Ingest) -> None:
    rows = Order("#1", LINES, status="refunded").rows() + Order("#2", LINES).rows()
    upside_down = as_csv(list(dict.fromkeys(key for row in rows for key in row)), reversed(rows))

    found = ingest({"o.csv": upside_down, "p.csv": products_csv(product("A"), product("B"))})

    assert len(found.snapshot.orders) == 1
    assert found.report.notes[-1] == "orders that are no demand: 1 (1 refunded)"


@pytest.mark.parametrize("status", ["pending", "authorized", "voided", "refunded", "expired", "something new"])
def test_what_nobody_paid_for_is_no_demand(ingest: Ingest, status: str) -> None:
    orders = [Order("#1", LINES, status=status), Order("#2", LINES)]

    found = ingest({"o.csv": orders_csv(orders)})

    assert len(found.snapshot.orders) == 1


@pytest.mark.parametrize("status", ["paid", "partially_refunded", "partially_paid", "Partially refunded"])
def test_what_somebody_paid_for_is_demand(ingest: Ingest, status: str) -> None:
    found = ingest({"o.csv": orders_csv([Order("#1", LINES, status=status)])})

    assert len(found.snapshot.orders) == 1


@pytest.mark.parametrize(
    ("status", "is_paid", "cancelled", "kept"),
    [
        ("paid", True, "2026-03-01 23:00:00 +0000", False),
        ("paid", True, "2026-03-02 00:01:00 +0000", True),
        ("refunded", True, "2026-03-05 09:00:00 +0000", True),
        ("voided", False, "2026-03-05 09:00:00 +0000", False),
        ("refunded", True, "", False),
    ],
)
def test_an_order_cancelled_on_a_later_day_was_demand_until_then(
    ingest: Ingest, status: str, is_paid: bool, cancelled: str, kept: bool
) -> None:
    other = Order("#2", LINES)
    order = Order("#1", LINES, placed="2026-03-01 10:00:00 +0000", status=status, cancelled=cancelled, is_paid=is_paid)

    orders = ingest({"o.csv": orders_csv([order, other])}).snapshot.orders

    assert (len(orders) == 2) == kept
    assert (orders.cancelled_day != NEVER).sum() == kept


def test_days_are_local_to_the_orders_own_offset(ingest: Ingest) -> None:
    late = Order("#1", LINES, placed="2026-03-01 23:30:00 -0500", cancelled="2026-03-02 00:30:00 -0500")

    orders = ingest({"o.csv": orders_csv([late])}).snapshot.orders

    assert orders.cancelled_day[0] == orders.day[0] + 1


def test_lines_of_one_sku_are_one_cell_at_the_average_price(ingest: Ingest) -> None:
    lines = [{"sku": "A", "quantity": 1, "price": "4.00"}, {"sku": "A", "quantity": 3, "price": "2.00"}]

    orders = ingest({"o.csv": orders_csv([Order("#1", lines)])}).snapshot.orders

    assert orders.quantity.tolist() == [4]
    assert orders.unit_price.tolist() == [2.5]


def test_lines_match_by_sku_then_by_case_then_by_title(ingest: Ingest) -> None:
    catalog = products_csv(product("85123A"), product("85123a"), product("X1"), product("", "Lamp", Handle="lamp"))
    lines = [{"sku": " 85123a "}, {"sku": "x1"}, {"sku": "", "title": "Lamp"}, {"sku": "85123B"}]

    found = ingest({"o.csv": orders_csv([Order("#1", lines)]), "p.csv": catalog})

    bought = found.snapshot.catalog.sku.take(found.snapshot.orders.item).to_pylist()
    assert bought == ["85123a", "X1", "lamp"]
    assert [entry.sku for entry in found.report.unmatched] == ["85123B"]


def test_a_sku_that_differs_in_case_from_two_matches_neither(ingest: Ingest) -> None:
    catalog = products_csv(product("ab1"), product("aB1"))

    found = ingest({"o.csv": orders_csv([Order("#1", [{"sku": "AB1"}])]), "p.csv": catalog})

    assert found.report.unmatched_lines == 1
    assert len(found.snapshot.orders) == 1


def test_a_title_that_two_products_share_matches_nothing(ingest: Ingest) -> None:
    catalog = products_csv(product("A", "Lamp"), product("B", "Lamp"))

    found = ingest({"o.csv": orders_csv([Order("#1", [{"sku": "", "title": "Lamp"}])]), "p.csv": catalog})

    assert [(entry.sku, entry.title, entry.lines) for entry in found.report.unmatched] == [("", "Lamp", 1)]


def test_variants_without_sku_go_by_handle_and_options(ingest: Ingest) -> None:
    first = product("", "Shirt", Handle="shirt") | {
        "Option1 Name": "Size",
        "Option1 Value": "S",
        "Image Src": "https://x.example/1.jpg",
        "Image Position": "1",
    }
    second: Row = {"Handle": "shirt", "Option1 Value": "M", "Variant Price": "6.00"}
    image: Row = {"Handle": "shirt", "Image Src": "https://x.example/2.jpg", "Image Position": "2"}
    line = {"sku": "", "title": "Shirt - M"}

    found = ingest({"o.csv": orders_csv([Order("#1", [line])]), "p.csv": products_csv(second, image, first)})
    catalog = found.snapshot.catalog

    assert skus(found) == ["shirt/M", "shirt/S"]
    assert catalog.title.to_pylist() == ["Shirt - M", "Shirt - S"]
    assert catalog.image_url.to_pylist() == ["https://x.example/1.jpg"] * 2
    assert catalog.family.tolist() == [0, 0]
    assert found.snapshot.orders.item.tolist() == [0]
    assert "product records that hold only an image: 1" in found.report.notes


def test_the_current_layout_is_told_from_the_legacy_one_by_its_columns(ingest: Ingest) -> None:
    row = {
        "Title": "Shirt",
        "URL handle": "shirt",
        "SKU": "S1",
        "Price": "9.00",
        "Cost per item": "3.50",
        "Inventory tracker": "shopify",
        "Inventory quantity": "0",
        "Continue selling when out of stock": "TRUE",
        "Status": "Active",
    }

    catalog = ingest({"p.csv": as_csv(CURRENT_PRODUCT_HEADER, [row])}).snapshot.catalog

    assert (catalog.price[0], catalog.cost[0], catalog.stock[0], catalog.is_sellable[0]) == (9.0, 3.5, 0.0, True)


@pytest.mark.parametrize(
    ("fields", "category"),
    [
        ({"Type": "Cups", "Product Category": "Home > Mugs", "Tags": "tea"}, "Cups"),
        ({"Type": "", "Product Category": "Home > Mugs", "Tags": "tea"}, "Mugs"),
        ({"Type": "", "Tags": "Tea, gift"}, "Tea"),
        ({"Type": ""}, "uncategorised"),
    ],
)
def test_category_is_type_else_product_category_else_first_tag(ingest: Ingest, fields: Row, category: str) -> None:
    catalog = ingest({"p.csv": products_csv({**product("A"), **fields})}).snapshot.catalog

    assert catalog.categories.to_pylist() == [category]


@pytest.mark.parametrize(
    ("fields", "sellable"),
    [
        ({}, True),
        ({"Status": "draft"}, False),
        ({"Status": "archived"}, False),
        ({"Status": ""}, True),
        ({"Variant Price": "0"}, False),
        ({"Variant Price": ""}, False),
        ({"Gift Card": "TRUE"}, False),
        ({"Variant Inventory Qty": "0"}, False),
        ({"Variant Inventory Qty": "-3"}, False),
        ({"Variant Inventory Qty": "0", "Variant Inventory Policy": "continue"}, True),
        ({"Variant Inventory Qty": "0", "Variant Inventory Tracker": ""}, True),
    ],
)
def test_sellable_is_active_priced_no_gift_card_and_in_stock(ingest: Ingest, fields: Row, sellable: bool) -> None:
    catalog = ingest({"p.csv": products_csv({**product("A"), **fields})}).snapshot.catalog

    assert catalog.is_sellable.tolist() == [sellable]


def test_stock_is_summed_over_locations_and_wins_over_the_product_file(ingest: Ingest) -> None:
    rows = [
        stock_row("A", 5),
        stock_row("A", -2, "Shop"),
        stock_row("A", "Not stocked", "Cellar"),
        stock_row("B", "not stocked"),
    ]
    catalog = products_csv(product("A"), product("B"), product("C"))

    found = ingest({"p.csv": catalog, "i.csv": as_csv(STOCK_HEADER, rows)}).snapshot.catalog

    assert found.stock.tolist() == [3, 0, 10]
    assert found.is_sellable.tolist() == [True, False, True]


def test_locations_may_be_columns(ingest: Ingest) -> None:
    header = ("Handle", "Title", "Option1 Name", "Option1 Value", "SKU", "HS Code", "COO", "Berlin", "12 High Street")
    rows = [
        {"Handle": "a", "SKU": "A", "Berlin": "4", "12 High Street": "3"},
        {"Handle": "b", "SKU": "B", "Berlin": "Not stocked"},
    ]

    found = ingest({"p.csv": products_csv(product("A"), product("B")), "i.csv": as_csv(header, rows)})

    assert found.snapshot.catalog.stock.tolist() == [7, 0]
    assert found.report.files[0].accepted == 2


def test_stock_of_variants_without_sku_goes_by_handle_and_options(ingest: Ingest) -> None:
    shirt = product("", "Shirt", Handle="shirt") | {"Option1 Name": "Size", "Option1 Value": "S"}
    row = {"Handle": "shirt", "Option1 Value": "S", "Location": "Here", "Available (not editable)": "42"}

    found = ingest({"p.csv": products_csv(shirt), "i.csv": as_csv(STOCK_HEADER, [row])})

    assert found.snapshot.catalog.stock.tolist() == [42]


def test_a_repeated_sku_is_taken_once_and_the_active_one_is(ingest: Ingest) -> None:
    old, new = product("A", "Old", Handle="a", Status="archived"), product("A", "New", Handle="b")

    found = ingest({"p.csv": products_csv(old, new)})

    assert found.snapshot.catalog.title.to_pylist() == ["New"]
    assert any("repeat a SKU" in note for note in found.report.notes)


def test_product_text_is_cleaned_and_cut(ingest: Ingest) -> None:
    row = {
        **product("A", "Tea\u202e &amp; \u200bcake " + "x" * 1_000_000),
        "Body (HTML)": "<p>Fine&nbsp;<b>tea</b></p>",
    }

    found = ingest({"p.csv": products_csv(row)})
    catalog = found.snapshot.catalog

    assert catalog.title[0].as_py().startswith("Tea & cake xxx")
    assert len(catalog.title[0].as_py()) == 255
    assert catalog.description[0].as_py() == "Fine tea"
    assert "titles cut to 255 characters: 1" in found.report.files[0].notes


def test_orders_alone_make_their_own_catalog(ingest: Ingest) -> None:
    lines = [{"sku": "A", "price": "4.00", "title": "Tea"}, {"sku": "", "title": "Cake", "price": "2.00"}]
    orders = [Order("#1", lines), Order("#2", [{"sku": "A", "price": "5.01", "title": "Tea"}])]

    catalog = ingest({"o.csv": orders_csv(orders)}).snapshot.catalog

    assert catalog.sku.to_pylist() == ["A", "Cake"]
    assert catalog.title.to_pylist() == ["Tea", "Cake"]
    assert catalog.price.tolist() == [4.5, 2.0]
    assert np.isnan(catalog.stock).all()
    assert catalog.is_sellable.all()


def test_a_line_without_sku_joins_the_sku_of_its_title_where_there_is_no_catalog(ingest: Ingest) -> None:
    lines: list[Row] = [{"sku": "A", "title": "Tea"}, {"sku": "", "title": "Tea", "quantity": 2}]

    snapshot = ingest({"o.csv": orders_csv([Order("#1", lines)])}).snapshot

    assert snapshot.catalog.sku.to_pylist() == ["A"]
    assert snapshot.orders.quantity.tolist() == [3]


def test_of_twins_the_same_one_is_taken_in_any_order_of_rows(ingest: Ingest) -> None:
    twins = [{**product("A"), "Cost per item": cost} for cost in ("2.00", "1.00")]

    hashes = {ingest({"p.csv": products_csv(*rows)}).snapshot.sha256 for rows in (twins, twins[::-1])}

    assert len(hashes) == 1


def test_orders_in_two_overlapping_exports_are_taken_once(ingest: Ingest) -> None:
    march = [Order("#1", LINES), Order("#2", LINES)]
    april = [Order("#2", LINES), Order("#3", LINES)]

    found = ingest({"a.csv": orders_csv(march), "b.csv": orders_csv(april)})
    once = ingest({"a.csv": orders_csv([*march, april[1]])})

    assert found.snapshot.sha256 == once.snapshot.sha256
    assert "order lines that are in several files, taken once: 2" in found.report.notes


def test_an_order_cut_in_two_by_a_large_export_stays_whole(ingest: Ingest) -> None:
    header, *rows = orders_csv([Order("#1", LINES), Order("#2", LINES)]).splitlines(keepends=True)

    found = ingest({"a.csv": header + rows[0], "b.csv": header + "".join(rows[1:])})

    assert found.snapshot.sha256 == ingest({"o.csv": header + "".join(rows)}).snapshot.sha256


def test_a_shop_on_disk_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "products.csv").write_text(products_csv(product("A")))

    found = ingest_folder(tmp_path, store="shop", config=IngestConfig(), salt=b"")

    assert len(found.snapshot.catalog) == 1
    assert len(found.snapshot.orders) == 0
