import csv
import hashlib
import io
import json
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.offers.bundle import Bundle, Offer, OfferTier, Product, Signals, Weights
from pipeline.offers.exports import FORMATS, FORMULA_STARTS, Export, defused, manifest, to_csv
from pipeline.terms import BundleType, Objective, Role


def bundle(title: str = "Rose mug", offer: Offer | None = None, **changes: Any) -> dict[str, Any]:
    products = (
        Product(sku="-17", title=title, quantity=1, role=Role.ANCHOR, price="10.00", category="Mugs"),
        Product(sku="B2", title='Tin, "large"\nred', quantity=2, role=Role.PARTNER, price="5.00", category="Tins"),
    )
    plain = Offer(kind="set_discount", list_price="20.00", price="17.99", discount_pct="10.1", currency="GBP")
    values: dict[str, Any] = {
        "id": "b1", "rank": 1, "store": "shop", "objective": Objective.INCREASE_AOV, "type": BundleType.FBT,
        "products": products, "offer": offer or plain, "score": 0.5,
        "signals": Signals(semantic=0.1, transactional=0.2, business=0.3),
        "weights": Weights(alpha=0.5, beta=0.3, gamma=0.2, category_orders=12, category="Mugs"),
        "evidence": {"tier": 1, "count": 7, "support": 0.02, "lift": None, "sources": ["rules"]},
        "name": "Mug & tin", "tagline": "t", "description": "d", "explanation": "e", "words_source": "template",
        "cold_start": False,
    }  # fmt: skip
    return Bundle(**(values | changes)).to_json()


def read_csv(export: Export) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export.content.decode(), newline="")))


def test_a_csv_row_is_a_product_of_a_bundle() -> None:
    export = to_csv([bundle(), bundle(id="b2")])

    rows = read_csv(export)
    assert [(row["bundle_id"], row["title"]) for row in rows] == [
        ("b1", "Rose mug"), ("b1", 'Tin, "large"\nred'), ("b2", "Rose mug"), ("b2", 'Tin, "large"\nred')
    ]  # fmt: skip
    assert export.rows == 4
    first = rows[0]
    assert (first["quantity"], first["product_price"], first["price"], first["pick"]) == ("1", "10.00", "17.99", "")
    assert (first["count"], first["lift"], first["cold_start"], first["role"]) == ("7", "", "false", "anchor")


def test_every_csv_line_ends_as_rfc_4180_says() -> None:
    content = to_csv([bundle()]).content

    assert content.endswith(b"\r\n")
    assert content.replace(b"\nred", b"").replace(b"\r\n", b"").count(b"\n") == 0
    assert not content.startswith(b"\xef\xbb\xbf")


@settings(deadline=None)
@given(st.sampled_from(FORMULA_STARTS), st.text(st.characters(codec="utf-8"), max_size=20))
def test_no_text_of_a_store_starts_a_formula(start: str, rest: str) -> None:
    row = read_csv(to_csv([bundle(start + rest, name=start + rest)]))[0]

    assert row["title"] == row["name"] == f"'{start}{rest}"
    assert row["sku"] == "'-17"


@settings(deadline=None)
@given(st.text())
def test_defusing_keeps_the_text_and_is_needed_once(text: str) -> None:
    once = defused(text)

    assert once.removeprefix("'") == text.removeprefix("'") or once == f"'{text}"
    assert defused(once) == once


def test_quantity_breaks_are_one_readable_cell() -> None:
    tiers = (
        OfferTier(quantity=6, unit_price="9.50", price="57.00", discount_pct="5.0"),
        OfferTier(quantity=12, unit_price="9.00", price="108.00", discount_pct="10.0"),
    )
    offer = Offer(
        kind="quantity_breaks", list_price="60.00", price="57.00", discount_pct="5.0", currency="GBP", tiers=tiers
    )

    row = read_csv(to_csv([bundle(offer=offer)]))[0]

    assert row["quantity_breaks"] == "6: 9.50, 12: 9.00"


def test_json_and_json_lines_give_the_bundles_back() -> None:
    bundles = [bundle("Čaj 茶"), bundle(id="b2")]

    as_list, as_lines = (FORMATS[name].write(bundles) for name in ("json", "jsonl"))

    assert json.loads(as_list.content) == bundles
    assert [json.loads(line) for line in as_lines.content.decode().split("\n")[:-1]] == bundles
    assert "Čaj 茶" in as_list.content.decode()


def test_parquet_gives_the_bundles_back_with_money_as_text() -> None:
    bundles = [bundle(), bundle(id="b2")]

    table = pq.read_table(io.BytesIO(FORMATS["parquet"].write(bundles).content))

    row = table.to_pylist()[1]
    assert (row["id"], row["offer"]["price"], row["offer"]["pick"]) == ("b2", "17.99", None)
    assert [product["sku"] for product in row["products"]] == ["-17", "B2"]
    assert json.loads(row["evidence"]) == bundles[1]["evidence"]


def test_no_field_of_a_bundle_is_lost_in_parquet() -> None:
    table = pq.read_table(io.BytesIO(FORMATS["parquet"].write([]).content))

    assert set(table.column_names) == set(Bundle.model_fields)
    for name, model in (("offer", Offer), ("signals", Signals), ("weights", Weights)):
        assert {field.name for field in table.schema.field(name).type} == set(model.model_fields)
    assert {field.name for field in table.schema.field("products").type.value_type} == set(Product.model_fields)


@pytest.mark.parametrize("name", FORMATS)
def test_equal_bundles_give_equal_bytes_and_none_give_a_readable_file(name: str) -> None:
    write = FORMATS[name].write

    assert write([bundle()]) == write([bundle()])
    assert write([]).rows == 0


def test_the_manifest_names_each_file_with_its_hash() -> None:
    exports = {"b.csv": Export(b"x", 3), "a.json": Export(b"[]\n", 0)}

    content = json.loads(manifest("run-1", exports).content)

    assert content["run_id"] == "run-1"
    assert [file["name"] for file in content["files"]] == ["a.json", "b.csv"]
    assert content["files"][1] == {"name": "b.csv", "sha256": hashlib.sha256(b"x").hexdigest(), "bytes": 1, "rows": 3}
