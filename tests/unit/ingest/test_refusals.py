"""Bad input: what is rejected, what is refused, and what never leaks."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import (
    DataError,
    EmptyStoreError,
    LimitExceededError,
    MixedCurrencyError,
    TooManyRejectsError,
    UnknownLayoutError,
    UnreadableFileError,
)
from pipeline.ingest.config import IngestConfig
from pipeline.ingest.folder import Ingested, ingest_folder
from tests.support.shop import ORDER_HEADER, Order, as_csv, canonical_orders, orders_csv, product, write_shopify

Ingest = Callable[..., Ingested]
HEADER = "order_id,ordered_at,sku,quantity,unit_price,status\n"
GOOD = "1,2026-03-01,A,1,2.50,paid\n"

messy = st.text(alphabet='1A,";\n\r-.é\0', max_size=120)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(messy)
def test_accepted_and_rejected_are_all_the_records_there_are(tmp_path: Path, body: str) -> None:
    text = HEADER + GOOD + body
    (tmp_path / "orders.csv").write_bytes(text.encode())
    config = IngestConfig(max_reject_share=1)

    try:
        found = ingest_folder(tmp_path, store="s", config=config, salt=b"")
    except UnreadableFileError:
        with pytest.raises(csv.Error):
            list(csv.reader(io.StringIO(text, newline=""), strict=True))
        return
    report = found.report.files[0]

    records = [row for row in csv.reader(io.StringIO(text, newline="")) if row][1:]
    assert report.records == len(records)
    assert report.accepted + report.rejected == report.records
    assert report.rejected == len(found.report.rejects)


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        ("2,2026-03-01,A,1,2.50\n", "ragged_row", ""),
        ("2,2026-03-01,A,1,2.50,paid,more\n", "ragged_row", ""),
        ("2,2026-03-01,A,x,2.50,paid\n", "bad_quantity", "quantity"),
        ("2,2026-03-01,A,0,2.50,paid\n", "bad_quantity", "quantity"),
        ("2,2026-03-01,A,-1,2.50,\n", "bad_quantity", "quantity"),
        ("2,2026-03-01,A,1.5,2.50,paid\n", "bad_quantity", "quantity"),
        ("2,2026-03-01,A,NaN,2.50,paid\n", "bad_quantity", "quantity"),
        ("2,2026-03-01,A,1,1e400,paid\n", "bad_price", "unit_price"),
        ("2,2026-03-01,A,1,-2.50,paid\n", "bad_price", "unit_price"),
        ("2,2026-03-01,A,1,,paid\n", "bad_price", "unit_price"),
        ("2,2026-02-30,A,1,2.50,paid\n", "bad_date", "ordered_at"),
        ("2,,A,1,2.50,paid\n", "bad_date", "ordered_at"),
        (",2026-03-01,A,1,2.50,paid\n", "missing_order_id", "order_id"),
        ("2,2026-03-01,,1,2.50,paid\n", "missing_sku_and_title", "sku"),
        ("2,2026-03-01,A\0,1,2.50,paid\n", "nul_byte", ""),
        ('2,2026-03-01,"A"x,1,2.50,paid\n', "bad_quote", ""),
        (f"2,2026-03-01,{'A' * 300},1,2.50,paid\n", "field_too_long", "sku"),
    ],
)
def test_a_bad_record_is_rejected_with_its_line_code_and_column(
    ingest: Ingest, line: str, code: str, column: str
) -> None:
    found = ingest({"orders.csv": HEADER + GOOD + line + GOOD}, max_reject_share=0.5)

    assert [(reject.line, reject.code, reject.column) for reject in found.report.rejects] == [(3, code, column)]
    assert found.report.files[0].accepted == 2


def test_a_reject_names_the_column_by_its_header_in_the_file(ingest: Ingest) -> None:
    text = orders_csv([Order("#1", [{"sku": "A"}, {"sku": "A", "quantity": "two"}])])

    rejects = ingest({"orders.csv": text}, max_reject_share=0.5).report.rejects

    assert [(reject.line, reject.column, reject.reason) for reject in rejects] == [
        (3, "Lineitem quantity", "not a number (3 characters)")
    ]


def test_a_record_with_undecodable_bytes_is_rejected_and_the_rest_kept(ingest: Ingest) -> None:
    body = (HEADER + GOOD + "2,2026-03-01,Café,1,2.50,paid\n").encode() + b"3,2026-03-01,Caf\xe9,1,2.50,paid\n"

    found = ingest({"orders.csv": body}, max_reject_share=0.5)

    assert [(reject.line, reject.code) for reject in found.report.rejects] == [(4, "undecodable")]


def test_a_refund_in_a_canonical_table_is_accepted_and_no_demand(ingest: Ingest) -> None:
    found = ingest({"orders.csv": HEADER + GOOD + "2,2026-03-01,A,-1,2.50,refunded\n"})

    assert found.report.files[0].accepted == 2
    assert len(found.snapshot.orders) == 1


def test_the_rejects_of_a_shifted_row_quote_nobody(ingest: Ingest, tmp_path: Path) -> None:
    planted = ["jane.doe@mail.example", "Jane Doe", "+49 170 5550199", "12 Rose Street"]
    order = Order("#1", [{"sku": "A"}], email=planted[0]).rows()[0]
    personal = {"Billing Name": planted[1], "Phone": planted[2], "Billing Street": planted[3]}
    shifted = {**order, "Lineitem quantity": planted[1], "Created at": planted[2], "Lineitem price": planted[3]}
    text = as_csv(ORDER_HEADER, [{**order, **personal}, {**shifted, **personal, "Currency": planted[0]}])
    text += ",".join(planted) + "\n"

    found = ingest({"orders.csv": text}, max_reject_share=0.9)
    found.report.write_rejects(tmp_path / "rejects.csv")
    seen = json.dumps(found.report.to_json()) + (tmp_path / "rejects.csv").read_text() + repr(found)

    assert found.report.files[0].rejected == 2
    assert not [value for value in planted if value in seen]
    assert not [value for value in planted if value in str(found.snapshot.catalog.title.to_pylist())]


@pytest.mark.parametrize("name", ["orders.csv", "orders.parquet"])
def test_no_personal_value_survives_in_any_column(ingest: Ingest, name: str) -> None:
    columns = ["jane@mail.example", "Jane", "2026-03-01", "A", "1", "2.50"]
    header = ["email", "customer_name", "ordered_at", "sku", "quantity", "unit_price"]
    if name.endswith("csv"):
        content: bytes = ("order_id," + ",".join(header) + "\n1," + ",".join(columns) + "\n").encode()
    else:
        sink = io.BytesIO()
        pq.write_table(
            pa.table({"order_id": ["1"], **{key: [value] for key, value in zip(header, columns, strict=True)}}), sink
        )
        content = sink.getvalue()

    found = ingest({name: content})

    everything = repr([getattr(found.snapshot.catalog, column) for column in ("sku", "title", "tags", "vendors")])
    assert "Jane" not in everything + repr(found.customers)
    assert "jane" not in everything + repr(found.customers)
    assert len(found.customers[0]) == 64


def test_a_file_without_a_header_is_refused_without_quoting_its_first_row(ingest: Ingest) -> None:
    with pytest.raises(UnknownLayoutError) as refused:
        ingest({"people.csv": "Jane Doe,jane@mail.example,12 Rose Street\n"})

    assert "Jane" not in str(refused.value)
    assert "3 unknown" in str(refused.value)


def test_a_table_that_lacks_a_column_is_refused_by_name_of_the_column(ingest: Ingest) -> None:
    with pytest.raises(UnknownLayoutError, match=r"canonical orders also .*quantity"):
        ingest({"orders.csv": "order_id,ordered_at,sku,unit_price\n1,2026-03-01,A,2\n"})


def test_a_quote_that_never_closes_refuses_the_file_by_its_line(ingest: Ingest) -> None:
    with pytest.raises(UnreadableFileError, match=r"orders.csv, line 3"):
        ingest({"orders.csv": HEADER + GOOD + '2,2026-03-01,"A,1,2.50,paid\n3,2026-03-01,"B",1,2.50,paid\n'})


def test_a_column_that_occurs_twice_is_refused_by_name(ingest: Ingest) -> None:
    with pytest.raises(UnreadableFileError, match="'quantity' occurs more than once"):
        ingest({"orders.csv": "order_id,ordered_at,sku,quantity,unit_price,Quantity \n1,2026-03-01,A,1,2,3\n"})


def test_a_column_that_nobody_reads_may_occur_twice(ingest: Ingest) -> None:
    found = ingest({"orders.csv": "order_id,ordered_at,sku,quantity,unit_price,x,x\n1,2026-03-01,A,1,2,3,4\n"})

    assert len(found.snapshot.orders) == 1


def test_too_many_rejects_refuse_everything(ingest: Ingest) -> None:
    bad = "2,2026-03-01,A,x,2.50,paid\n"

    with pytest.raises(TooManyRejectsError, match="bad_quantity, first in line 20"):
        ingest({"orders.csv": HEADER + GOOD * 18 + bad * 2})
    assert ingest({"orders.csv": HEADER + GOOD * 19 + bad}).report.files[0].rejected == 1


@pytest.mark.parametrize(
    ("setting", "limit"), [("max_bytes", 50), ("max_rows", 1), ("max_columns", 5), ("max_field_length", 9)]
)
def test_a_file_past_a_limit_is_refused_whole(ingest: Ingest, setting: str, limit: int) -> None:
    with pytest.raises(LimitExceededError, match=setting):
        ingest({"orders.csv": HEADER + GOOD * 2}, **{setting: limit})


def test_mixed_currencies_need_a_setting(ingest: Ingest) -> None:
    text = orders_csv([Order("#1", [{"sku": "A"}]), Order("#2", [{"sku": "A"}], currency="USD")])

    with pytest.raises(MixedCurrencyError, match="EUR, USD"):
        ingest({"orders.csv": text})
    found = ingest({"orders.csv": text}, currency="USD")

    assert (found.snapshot.currency, len(found.snapshot.orders)) == ("USD", 1)
    assert "orders left out for another currency than USD: 1" in found.report.notes


@pytest.mark.parametrize("files", [{}, {"README.md": "hello"}, {"orders.csv": ""}, {"orders.csv": HEADER}])
def test_a_folder_without_products_and_orders_is_empty(ingest: Ingest, files: dict[str, str]) -> None:
    with pytest.raises(EmptyStoreError):
        ingest(files)


def test_what_is_no_table_is_passed_over_with_a_note(ingest: Ingest) -> None:
    found = ingest({"orders.csv": HEADER + GOOD, "README.md": "x", ".hidden.csv": "?", "empty.csv": ""})

    assert [(file.file, file.notes) for file in found.report.files if not file.table] == [
        ("README.md", ("no table: passed over",)),
        ("empty.csv", ("the file is empty",)),
    ]


def test_a_header_alone_is_no_records_and_no_error(ingest: Ingest, tmp_path: Path) -> None:
    folder = write_shopify(tmp_path / "shop", orders=[], products=[product("A")], stock=[])

    found = ingest_folder(folder, store="s", config=IngestConfig(), salt=b"")

    assert [file.records for file in found.report.files] == [0, 0, 1]
    assert len(found.snapshot.orders) == 0


def test_a_file_that_is_no_parquet_is_refused(ingest: Ingest) -> None:
    with pytest.raises(UnreadableFileError, match="no readable Parquet"):
        ingest({"orders.parquet": b"PAR1 but not really"})


def test_errors_come_home_from_a_worker_as_themselves(ingest: Ingest) -> None:
    import pickle

    with pytest.raises(DataError) as refused:
        ingest({"orders.csv": HEADER + GOOD * 2}, max_rows=1)

    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)


def test_semicolons_decimal_commas_and_a_mark_are_read_as_meant(ingest: Ingest) -> None:
    text = "\ufefforder_id;ordered_at;sku;quantity;unit_price\r\n1;2026-03-01;A;1;1,95\r\n"

    found = ingest({"orders.csv": text})

    assert found.snapshot.orders.unit_price.tolist() == [1.95]
    assert found.report.files[0].delimiter == ";"
    assert "unit prices are written with a decimal comma" in found.report.files[0].notes


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_separator_encoding_and_line_end_change_nothing(
    ingest: Ingest, delimiter: str, encoding: str, line_end: str
) -> None:
    rows = canonical_orders([("1", "2026-03-01", "Käse", 1, "2.50"), ("2", "2026-03-02", "Käse", 2, "2.50")])

    found = ingest({"orders.csv": rows.replace(",", delimiter).replace("\n", line_end).encode(encoding)})

    assert found.snapshot.sha256 == ingest({"orders.csv": rows}).snapshot.sha256
