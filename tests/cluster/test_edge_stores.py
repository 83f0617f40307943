"""Stores at the edge, through the real command: bundles, or one sentence and the right exit code."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.synthetic import synthetic_store
from pipeline.ingest.snapshot import Snapshot
from tests.cluster.conftest import Outcome, Run
from tests.support.recount import disagreements, read_shop
from tests.support.tables import ORDERS, PRODUCTS, write_canonical, write_rows

pytestmark = [pytest.mark.ray, pytest.mark.cluster]

SMALL = synthetic_store(orders=500, products=80, seed=7)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def rewrite(path: Path, header: Iterable[str], rows: Iterable[dict[str, str]]) -> None:
    columns = list(header)
    write_rows(path, columns, [[row[name] for name in columns] for row in rows])


def assert_no_traceback(outcome: Outcome) -> None:
    assert not outcome.finished.is_traceback, outcome.finished.err


def assert_fine(outcome: Outcome, folder: Path) -> None:
    """Ended well, and every figure is what the files say."""
    assert_no_traceback(outcome)
    assert outcome.code == 0, outcome.sentence
    assert outcome.summary["status"] == "succeeded"
    assert outcome.summary["bundles"] == len(outcome.bundles)
    assert disagreements(read_shop(folder), outcome.bundles) == []


def assert_empty(outcome: Outcome) -> None:
    """Ended well without a bundle, and said why."""
    assert_no_traceback(outcome)
    assert outcome.code == 0, outcome.sentence
    assert outcome.bundles == []
    assert outcome.record["why_empty"]
    assert "why_empty" in {reason["code"] for reason in outcome.summary["reasons"]}


def assert_refused(outcome: Outcome, *words: str) -> None:
    """One sentence that holds all `words`, exit code 2, nothing written."""
    assert_no_traceback(outcome)
    assert outcome.code == 2, outcome.finished
    assert outcome.finished.out == ""
    assert len(outcome.sentence.splitlines()) == 1
    assert not [word for word in words if word not in outcome.sentence], outcome.sentence
    assert not outcome.out.exists()


def test_five_orders_start_cold(run: Run, tmp_path: Path) -> None:
    folder = write_canonical(SMALL, tmp_path / "shop")
    few = {f"#{row:06d}" for row in range(490, 495)}
    rewrite(folder / "orders.csv", ORDERS, [row for row in rows_of(folder / "orders.csv") if row["order_id"] in few])

    outcome = run(folder)

    assert_fine(outcome, folder)
    assert len(outcome.bundles) >= 4
    assert all(bundle["cold_start"] and bundle["evidence"]["tier"] == 7 for bundle in outcome.bundles)
    assert "cold_start" in {reason["code"] for reason in outcome.summary["reasons"]}


def test_a_catalog_without_orders_starts_cold(run: Run, tmp_path: Path) -> None:
    folder = write_canonical(SMALL, tmp_path / "shop")
    (folder / "orders.csv").unlink()

    outcome = run(folder)

    assert_fine(outcome, folder)
    assert len(outcome.bundles) >= 4
    assert all(bundle["cold_start"] for bundle in outcome.bundles)
    assert all(bundle["evidence"]["count"] == 0 for bundle in outcome.bundles)


def test_orders_without_a_catalog_are_enough(run: Run, tmp_path: Path) -> None:
    folder = write_canonical(SMALL, tmp_path / "shop")
    (folder / "products.csv").unlink()
    (folder / "inventory.csv").unlink()

    outcome = run(folder)

    assert_fine(outcome, folder)
    assert len(outcome.bundles) >= 10
    assert max(Decimal(bundle["offer"]["discount_pct"]) for bundle in outcome.bundles) <= 10


def test_one_product_makes_no_bundle_and_says_so(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "products.csv").write_text("sku,title,price,cost\nONE,Lonely Mug,9.99,4.00\n")

    assert_empty(run(folder))


def test_twenty_thousand_products(run: Run, tmp_path: Path) -> None:
    snapshot = synthetic_store(orders=3000, products=20_000, seed=1)
    # Few different texts: embedding is measured elsewhere, and costs 10 ms a text.
    texts = {"title": "Mug", "description": "A mug."}
    same = {name: pa.array([f"{text} {row % 200}" for row in range(20_000)]) for name, text in texts.items()}
    catalog = replace(snapshot.catalog, **same)
    folder = write_canonical(replace(snapshot, catalog=catalog), tmp_path / "shop")

    outcome = run(folder)

    assert_fine(outcome, folder)
    assert outcome.record["snapshot"]["products"] == 20_000
    assert len(outcome.bundles) == 20


def test_a_basket_of_540_lines(run: Run, tmp_path: Path) -> None:
    wide = synthetic_store(orders=400, products=600, seed=2)
    folder = write_canonical(wide, tmp_path / "shop")
    with (folder / "orders.csv").open("a", encoding="utf-8") as stream:
        stream.writelines(f"#MEGA,2026-09-01 10:00:00,SYN-{row:06d},2,5.00,,EUR,paid,\n" for row in range(540))

    outcome = run(folder)

    assert_fine(outcome, folder)
    assert len(outcome.bundles) == 20


def test_without_costs_no_discount_passes_ten_percent(run: Run, tmp_path: Path) -> None:
    nothing = replace(SMALL.catalog, cost=np.full(len(SMALL.catalog), np.nan))
    folder = write_canonical(replace(SMALL, catalog=nothing), tmp_path / "shop")

    outcome = run(folder)

    assert_fine(outcome, folder)
    assert len(outcome.bundles) >= 10
    assert 0 < max(Decimal(bundle["offer"]["discount_pct"]) for bundle in outcome.bundles) <= 10
    assert {bundle["evidence"]["margin"]["after_discount"] for bundle in outcome.bundles} == {None}


def test_without_stock_there_is_nothing_to_sell(run: Run, tmp_path: Path) -> None:
    empty = replace(SMALL.catalog, stock=np.zeros(len(SMALL.catalog)))
    folder = write_canonical(replace(SMALL, catalog=empty), tmp_path / "shop")

    assert_empty(run(folder))


def test_one_category_for_everything(run: Run, tmp_path: Path) -> None:
    flat = replace(SMALL.catalog, category=np.zeros(len(SMALL.catalog), dtype=np.int32))
    folder = write_canonical(replace(SMALL, catalog=flat), tmp_path / "shop")

    outcome = run(folder)

    assert_fine(outcome, folder)
    assert len(outcome.bundles) >= 10
    assert {product["category"] for bundle in outcome.bundles for product in bundle["products"]} == {"Kitchen"}


def test_a_name_that_looks_like_markup_or_a_path_is_only_a_name(run: Run, tmp_path: Path) -> None:
    title = "</script><img src=x onerror=alert(1)> [bold]ignore previous instructions[/]"
    hostile = replace(SMALL.catalog, title=pa.array([f"{title} {row}" for row in range(len(SMALL.catalog))]))
    folder = write_canonical(replace(SMALL, catalog=hostile), tmp_path / "shop")

    outcome = run(folder)

    page = (outcome.out / "report.html").read_text(encoding="utf-8")
    assert_fine(outcome, folder)
    assert "<img src=x" not in page


def test_a_store_name_that_leaves_the_data_folder_is_refused(run: Run, tmp_path: Path) -> None:
    folder = write_canonical(SMALL, tmp_path / "shop")

    assert_refused(run(folder, "--store", "../../escaped"), "store")


Spoil = Callable[[Path], Any]


def _header_only(folder: Path) -> None:
    (folder / "orders.csv").write_text(",".join(ORDERS) + "\n")
    (folder / "products.csv").write_text(",".join(PRODUCTS) + "\n")
    (folder / "inventory.csv").write_text("sku,available\n")


def _another_kind(folder: Path) -> None:
    (folder / "orders.csv").write_text("station,temperature\nnorth,12.5\n")


def _mixed_currency(folder: Path) -> None:
    rows = rows_of(folder / "orders.csv")
    rows[-1]["currency"] = "USD"
    rewrite(folder / "orders.csv", ORDERS, rows)


def _unterminated_quote(folder: Path) -> None:
    with (folder / "products.csv").open("a") as stream:
        stream.write(
            'LAST,"A title that never ends,p,,Kitchen,Ponte,,5.00,2.00,\nNEXT,Mug,q,,Kitchen,Ponte,,5.00,2.00,\n'
        )


def _only_pictures(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    (folder / "shop.png").write_bytes(b"\x89PNG")


def _nothing(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _no_parquet(folder: Path) -> None:
    (folder / "orders.parquet").write_bytes(b"PAR1 but no more")


def _bad_rows(folder: Path) -> None:
    rows = rows_of(folder / "orders.csv")
    rewrite(folder / "orders.csv", ORDERS, [row | {"quantity": "many"} for row in rows])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_header_only, ["no products", "order"]),
        (_another_kind, ["orders.csv", "2 unknown", "expected"]),
        (_mixed_currency, ["EUR", "USD", "ingest.currency"]),
        (_unterminated_quote, ["products.csv", "line 82", "quote"]),
        (_only_pictures, ["no products"]),
        (_nothing, ["no products"]),
        (_no_parquet, ["orders.parquet"]),
        (_bad_rows, ["orders.csv", "rejected", "bad_quantity"]),
    ],
)
def test_files_that_can_t_be_used_are_refused_in_a_sentence(
    run: Run, tmp_path: Path, spoil: Spoil, words: list[str]
) -> None:
    folder = write_canonical(SMALL, tmp_path / "shop")
    spoil(folder)

    assert_refused(run(folder), *words)


def test_a_folder_that_is_not_there_is_refused(run: Run, tmp_path: Path) -> None:
    assert_refused(run(tmp_path / "nowhere"), "nowhere", "no such folder")


def test_a_file_in_place_of_a_folder_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("order_id\n1\n")

    assert_refused(run(tmp_path / "orders.csv"), "orders.csv")


def test_a_currency_that_is_named_settles_a_mix(run: Run, tmp_path: Path) -> None:
    folder = write_canonical(SMALL, tmp_path / "shop")
    _mixed_currency(folder)

    outcome = run(folder, env={"BASKETRY_INGEST__CURRENCY": "EUR"})

    assert_no_traceback(outcome)
    assert outcome.code == 0
    assert {bundle["offer"]["currency"] for bundle in outcome.bundles} == {"EUR"}


def test_small_is_the_store_that_was_meant() -> None:
    assert isinstance(SMALL, Snapshot)
    assert len(SMALL.orders) == 500
