"""Snapshots: named by content, written whole, read back as they were."""

import random
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import UnreadableFileError
from pipeline.ingest.folder import Ingested
from pipeline.ingest.snapshot import Catalog, Orders, Snapshot
from pipeline.ingest.store import read_customers, read_snapshot, write_snapshot
from tests.support.shop import PRODUCT_HEADER, Order, as_csv, orders_csv, product

Ingest = Callable[..., Ingested]
ORDERS = [
    Order("#1", [{"sku": "A"}, {"sku": "B", "quantity": 3}], email="a@example.invalid"),
    Order("#2", [{"sku": "B", "price": "4.10"}, {"sku": "B", "price": "4.30"}], email="b@example.invalid"),
    Order("#3", [{"sku": "C"}], placed="2026-02-01 08:00:00 +0100", email="A@example.invalid"),
]


@pytest.fixture
def files() -> dict[str, str]:
    return {"orders.csv": orders_csv(ORDERS), "products.csv": as_csv(PRODUCT_HEADER, [product(sku) for sku in "ABC"])}


def same(left: Snapshot, right: Snapshot) -> bool:
    columns = [("catalog", column.name) for column in fields(Catalog)] + [
        ("orders", column.name) for column in fields(Orders)
    ]
    pairs = [(getattr(getattr(left, part), name), getattr(getattr(right, part), name)) for part, name in columns]
    return left.sha256 == right.sha256 and all(_equal(one, other) for one, other in pairs)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, pa.Array):
        return bool(one.equals(other))
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_the_hash_does_not_depend_on_the_order_of_rows(ingest: Ingest, files: dict[str, str], seed: int) -> None:
    shuffled = {}
    for name, text in files.items():
        header, *rows = text.splitlines()
        random.Random(seed).shuffle(rows)
        shuffled[name] = "\n".join([header, *rows]) + "\n"

    assert same(ingest(shuffled).snapshot, ingest(files).snapshot)


def test_the_hash_does_not_depend_on_the_salt_and_the_customers_do(ingest: Ingest, files: dict[str, str]) -> None:
    one, other = ingest(files, salt=b"one"), ingest(files, salt=b"other")

    assert one.snapshot.sha256 == other.snapshot.sha256
    assert not set(one.customers) & set(other.customers)


def test_one_person_in_two_stores_has_two_hashes(ingest: Ingest, files: dict[str, str]) -> None:
    assert not set(ingest(files, store="a").customers) & set(ingest(files, store="b").customers)


def test_any_change_of_content_changes_the_hash(ingest: Ingest, files: dict[str, str]) -> None:
    before = ingest(files).snapshot.sha256

    changed = {
        ingest({**files, name: text.replace("4.10", "4.11").replace("Things", "Stuff")}).snapshot.sha256
        for name, text in files.items()
    }

    assert len({before, *changed}) == 3


def test_baskets_stand_in_the_order_of_time_and_customers_by_first_appearance(
    ingest: Ingest, files: dict[str, str]
) -> None:
    orders = ingest(files).snapshot.orders

    assert (np.diff(orders.minute) >= 0).all()
    assert orders.customer.tolist() == [0, 0, 1]
    assert orders.indptr.tolist() == [0, 1, 3, 4]


def test_a_snapshot_comes_back_as_it_was_written(ingest: Ingest, files: dict[str, str], tmp_path: Path) -> None:
    found = ingest(files)

    home = tmp_path / write_snapshot(found.snapshot, found.customers, tmp_path)

    assert home.name == found.snapshot.sha256
    assert same(read_snapshot(home), found.snapshot)
    assert read_customers(home) == found.customers


def test_writing_again_changes_nothing_and_leaves_nothing_behind(
    ingest: Ingest, files: dict[str, str], tmp_path: Path
) -> None:
    found = ingest(files)
    home = tmp_path / "s" / write_snapshot(found.snapshot, found.customers, tmp_path / "s")
    before = {path.name: path.stat().st_mtime_ns for path in home.iterdir()}

    write_snapshot(found.snapshot, found.customers, tmp_path / "s")

    assert {path.name: path.stat().st_mtime_ns for path in home.iterdir()} == before
    assert list((tmp_path / "s").iterdir()) == [home]


def test_a_new_salt_renews_the_customers_alone(ingest: Ingest, files: dict[str, str], tmp_path: Path) -> None:
    old, new = ingest(files, salt=b"old"), ingest(files, salt=b"new")
    write_snapshot(old.snapshot, old.customers, tmp_path)

    home = tmp_path / write_snapshot(new.snapshot, new.customers, tmp_path)

    assert read_customers(home) == new.customers
    assert same(read_snapshot(home), old.snapshot)


def test_a_damaged_snapshot_is_not_read(ingest: Ingest, files: dict[str, str], tmp_path: Path) -> None:
    found = ingest(files)
    home = tmp_path / write_snapshot(found.snapshot, found.customers, tmp_path)
    lines = pq.read_table(home / "lines.parquet")
    pq.write_table(lines.set_column(1, "quantity", pa.array(np.full(len(lines), 9, np.int32))), home / "lines.parquet")

    with pytest.raises(UnreadableFileError, match="does not match its hash"):
        read_snapshot(home)


def test_a_folder_without_a_snapshot_is_said_to_have_none(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="ingest again"):
        read_snapshot(tmp_path)


def test_a_catalog_alone_is_written_and_read(ingest: Ingest, files: dict[str, str], tmp_path: Path) -> None:
    found = ingest({"p.csv": files["products.csv"]})

    home = tmp_path / write_snapshot(found.snapshot, found.customers, tmp_path)

    assert same(read_snapshot(home), found.snapshot)
    assert read_snapshot(home).default_as_of == 0
