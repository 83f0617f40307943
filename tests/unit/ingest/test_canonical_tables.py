"""Canonical tables: CSV and Parquet, synonyms of headers, rules and assortments."""

import io
from collections.abc import Callable
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import LimitExceededError, UnreadableFileError
from pipeline.ingest.folder import Ingested
from pipeline.ingest.rules import Assortment, Rule
from pipeline.ingest.snapshot import to_day

Ingest = Callable[..., Ingested]
ORDERS = "order_id,ordered_at,sku,quantity,unit_price\n1,2026-03-01 10:00,A,2,2.50\n"


def parquet(**columns: object) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_parquet_and_csv_of_one_content_are_one_snapshot(ingest: Ingest) -> None:
    table = parquet(
        order_id=[1],
        ordered_at=[datetime(2026, 3, 1, 10)],
        sku=["A"],
        quantity=pa.array([2], pa.int32()),
        unit_price=[2.5],
    )

    assert ingest({"o.parquet": table}).snapshot.sha256 == ingest({"o.csv": ORDERS}).snapshot.sha256


def test_rows_of_parquet_are_rejected_by_their_number(ingest: Ingest) -> None:
    table = parquet(
        order_id=["1", "2", "3"],
        ordered_at=[date(2026, 3, 1)] * 3,
        sku=["A", "A\0", None],
        quantity=[1, 1, 1],
        unit_price=[1.0, float("nan"), 1.0],
    )

    rejects = ingest({"o.parquet": table}, max_reject_share=0.9).report.rejects

    assert [(reject.line, reject.code) for reject in rejects] == [(2, "nul_byte"), (3, "missing_sku_and_title")]


def test_skus_that_a_frame_made_floats_are_whole_numbers(ingest: Ingest) -> None:
    table = parquet(
        order_id=[1.0, 2.0], ordered_at=["2026-03-01"] * 2, sku=[10.0, 20.0], quantity=[1, 1], unit_price=[1, 2]
    )

    assert ingest({"o.parquet": table}).snapshot.catalog.sku.to_pylist() == ["10", "20"]


def test_a_parquet_column_of_lists_is_refused(ingest: Ingest) -> None:
    with pytest.raises(UnreadableFileError, match="'sku' is of type"):
        ingest({"p.parquet": parquet(sku=[["A"]], title=["Tea"])})


def test_a_parquet_field_too_long_is_refused(ingest: Ingest) -> None:
    with pytest.raises(LimitExceededError, match="max_field_length"):
        ingest({"p.parquet": parquet(sku=["A"], title=["x" * 100])}, max_field_length=99)


@pytest.mark.parametrize(
    "header",
    [
        "Order ID,Ordered At,SKU,Quantity,Unit Price",
        "orderid,order_date,item_sku,qty,price",
        "ORDER-ID, date ,Sku,QTY,UNITPRICE",
    ],
)
def test_headers_are_known_by_their_letters_and_their_synonyms(ingest: Ingest, header: str) -> None:
    found = ingest({"any name.csv": header + "\n" + ORDERS.splitlines()[1] + "\n"})

    assert found.snapshot.sha256 == ingest({"o.csv": ORDERS}).snapshot.sha256


def test_columns_may_stand_in_any_order(ingest: Ingest) -> None:
    swapped = "unit_price,sku,quantity,ordered_at,extra,order_id\n2.50,A,2,2026-03-01 10:00,?,1\n"

    assert ingest({"o.csv": swapped}).snapshot.sha256 == ingest({"o.csv": ORDERS}).snapshot.sha256


def test_a_product_keeps_all_that_its_table_says(ingest: Ingest) -> None:
    products = (
        "sku,title,product_id,description,category,vendor,tags,price,compare_at_price,cost,created_at,status,image_url\n"
        'A,Tea,p1,Fine tea,Drinks,Hill,"Gift, tea",5.00,6.00,,2026-01-02,active,https://x.example/a.png\n'
        "B,Cup,p1,,Cups,,,3.00,,1.20,,archived,\n"
    )

    catalog = ingest({"p.csv": products, "i.csv": "sku,available\nA,4\n"}).snapshot.catalog

    assert catalog.categories.to_pylist() == ["Cups", "Drinks"]
    assert catalog.tags.to_pylist()[0] == "gift, tea"
    assert catalog.family.tolist() == [0, 0]
    assert catalog.created_day.tolist() == [to_day(date(2026, 1, 2)), -1]
    assert np.isnan(catalog.cost[0])
    assert catalog.stock[0] == 4
    assert np.isnan(catalog.stock[1])
    assert catalog.is_sellable.tolist() == [True, False]


def test_a_catalog_without_any_price_takes_the_median_of_its_lines(ingest: Ingest) -> None:
    lines = "order_id,ordered_at,sku,quantity,unit_price\n" + "".join(
        f"{n},2026-03-01,A,1,{price}\n" for n, price in enumerate([1, 2, 4])
    )

    found = ingest({"o.csv": lines, "p.csv": "sku,title\nA,Tea\nB,Cup\n"})

    assert found.snapshot.catalog.price[0] == 2
    assert found.snapshot.catalog.is_sellable.tolist() == [True, False]
    assert any("no product has a price" in note for note in found.report.notes)


def test_rules_and_assortments_are_kept_aside(ingest: Ingest) -> None:
    rules = "kind,sku,other_sku,tag,vendor,category\nexclude,,,clearance,,\nnever_together,A,B,,,\nforbid,A,,,,\n"

    found = ingest({"o.csv": ORDERS, "r.csv": rules, "a.csv": "agreement_id,sku\nk1,A\n"}, max_reject_share=0.5)

    assert found.rules == (Rule("exclude", "", "", "clearance", "", ""), Rule("never_together", "A", "B", "", "", ""))
    assert found.assortment == (Assortment("k1", "A"),)
    assert [reject.code for reject in found.report.rejects] == ["bad_rule"]


def test_orders_without_a_currency_are_in_the_setting_or_dollars(ingest: Ingest) -> None:
    assert ingest({"o.csv": ORDERS}).snapshot.currency == "USD"
    assert ingest({"o.csv": ORDERS}, currency="JPY").snapshot.currency == "JPY"


def test_a_status_belongs_to_its_line_where_each_line_has_one(ingest: Ingest) -> None:
    lines = ORDERS.replace("unit_price\n", "unit_price,status\n").replace("2.50\n", "2.50,paid\n")

    orders = ingest({"o.csv": lines + "1,2026-03-01 10:00,A,1,2.50,refunded\n"}).snapshot.orders

    assert orders.quantity.tolist() == [2]
