"""Bundles as files that other tools read: CSV, JSON, JSON Lines, Parquet, and a manifest beside them.

All take the objects of `bundles.json` (`Bundle.to_json`), and equal bundles give equal bytes.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

BundleObject: TypeAlias = Mapping[str, Any]
ProductObject: TypeAlias = Mapping[str, Any]

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet read a cell as a formula, the full-width forms included (OWASP, "CSV Injection")."""


class Export(NamedTuple):
    """One file."""

    content: bytes
    rows: int
    """Rows of a table, or objects."""


class Format(NamedTuple):
    """A way to write bundles."""

    suffix: str
    media_type: str
    write: Callable[[Sequence[BundleObject]], Export]


class CsvColumn(NamedTuple):
    """One column of the CSV file."""

    name: str
    value: Callable[[BundleObject, ProductObject], Any]
    is_text: bool = False
    """Whether its cells come from people, and so have to be defused."""


def _of_bundle(name: str, is_text: bool = False) -> CsvColumn:
    return CsvColumn(name, lambda bundle, _: bundle.get(name), is_text)


def _of_product(name: str, is_text: bool = False, column: str | None = None) -> CsvColumn:
    return CsvColumn(column or name, lambda _, product: product.get(name), is_text)


def _of_offer(name: str, column: str | None = None) -> CsvColumn:
    return CsvColumn(column or name, lambda bundle, _: bundle["offer"].get(name))


def _of_evidence(name: str) -> CsvColumn:
    return CsvColumn(name, lambda bundle, _: bundle["evidence"].get(name))


def _breaks(bundle: BundleObject, _: ProductObject) -> str | None:
    """Quantity breaks as `6: 10.50, 12: 9.90`: from so many on, the price of a unit."""
    tiers = bundle["offer"].get("tiers")
    return ", ".join(f"{tier['quantity']}: {tier['unit_price']}" for tier in tiers) if tiers else None


CSV_COLUMNS = (
    CsvColumn("bundle_id", lambda bundle, _: bundle["id"], is_text=True),
    _of_bundle("rank"),
    _of_bundle("store", is_text=True),
    _of_bundle("objective"),
    _of_bundle("type"),
    _of_bundle("name", is_text=True),
    _of_bundle("tagline", is_text=True),
    _of_bundle("description", is_text=True),
    _of_bundle("explanation", is_text=True),
    _of_product("sku", is_text=True),
    _of_product("title", is_text=True),
    _of_product("category", is_text=True),
    _of_product("quantity"),
    _of_product("role"),
    _of_product("price", column="product_price"),
    _of_product("image_url", is_text=True),
    _of_offer("kind", "offer_kind"),
    _of_offer("list_price"),
    _of_offer("price"),
    _of_offer("discount_pct"),
    _of_offer("get_discount_pct"),
    _of_offer("pick"),
    CsvColumn("quantity_breaks", _breaks),
    _of_offer("currency"),
    _of_bundle("score"),
    _of_evidence("tier"),
    _of_evidence("count"),
    _of_evidence("support"),
    _of_evidence("confidence"),
    _of_evidence("lift"),
    _of_bundle("words_source"),
    _of_bundle("cold_start"),
    _of_bundle("status"),
)

_PRODUCT = pa.struct(
    [(name, pa.int64() if name == "quantity" else pa.string())
     for name in ("sku", "title", "quantity", "role", "price", "category", "image_url")]
)  # fmt: skip
_TIER = pa.struct(
    [("quantity", pa.int64()), ("unit_price", pa.string()), ("price", pa.string()), ("discount_pct", pa.string())]
)
_OFFER = pa.struct(
    [("kind", pa.string()), ("list_price", pa.string()), ("price", pa.string()), ("discount_pct", pa.string()),
     ("currency", pa.string()), ("pick", pa.int64()), ("get_discount_pct", pa.string()), ("tiers", pa.list_(_TIER))]
)  # fmt: skip
_SIGNALS = pa.struct([(name, pa.float64()) for name in ("semantic", "transactional", "business")])
_WEIGHTS = pa.struct(
    [("alpha", pa.float64()), ("beta", pa.float64()), ("gamma", pa.float64()),
     ("category_orders", pa.int64()), ("category", pa.string())]
)  # fmt: skip

PARQUET_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("rank", pa.int64()),
        *((name, pa.string()) for name in ("store", "objective", "type", "name", "tagline", "description")),
        ("explanation", pa.string()),
        ("products", pa.list_(_PRODUCT)),
        ("offer", _OFFER),
        ("score", pa.float64()),
        ("signals", _SIGNALS),
        ("weights", _WEIGHTS),
        ("evidence", pa.string()),
        ("words_source", pa.string()),
        ("cold_start", pa.bool_()),
        ("status", pa.string()),
    ]
)
"""One row a bundle; money is a decimal string and the evidence a JSON text, as its keys differ by type."""


def defused(text: str) -> str:
    """`text` such that no spreadsheet runs it: a `'` before what would start a formula.

    >>> defused("=1+1"), defused("Rose mug")
    ("'=1+1", 'Rose mug')
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def to_csv(bundles: Sequence[BundleObject]) -> Export:
    """One row for each product of each bundle (RFC 4180, UTF-8, CRLF); text cells are defused, unknown ones empty."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.name for column in CSV_COLUMNS])
    rows = [[_cell(column, bundle, product) for column in CSV_COLUMNS]
            for bundle in bundles for product in bundle["products"]]  # fmt: skip
    writer.writerows(rows)
    return Export(out.getvalue().encode(), len(rows))


def to_json(bundles: Sequence[BundleObject]) -> Export:
    """The list as `bundles.json` holds it."""
    return Export(_dumps(list(bundles), indent=2).encode() + b"\n", len(bundles))


def to_jsonl(bundles: Sequence[BundleObject]) -> Export:
    """One object a line."""
    return Export("".join(_dumps(bundle) + "\n" for bundle in bundles).encode(), len(bundles))


def to_parquet(bundles: Sequence[BundleObject]) -> Export:
    """One row a bundle, by `PARQUET_SCHEMA`."""
    rows = [{**bundle, "evidence": _dumps(bundle["evidence"])} for bundle in bundles]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=PARQUET_SCHEMA), out, compression="zstd")
    return Export(out.getvalue(), len(bundles))


FORMATS: dict[str, Format] = {
    "csv": Format(".csv", "text/csv; charset=utf-8; header=present", to_csv),
    "json": Format(".json", "application/json", to_json),
    "jsonl": Format(".jsonl", "application/jsonl", to_jsonl),
    "parquet": Format(".parquet", "application/vnd.apache.parquet", to_parquet),
}
"""Every format by its name."""


def manifest(run_id: str, exports: Mapping[str, Export]) -> Export:
    """What `manifest.json` says of the files beside it: run, and name, sha256, bytes and rows of each, by name."""
    files = [
        {
            "name": name,
            "sha256": hashlib.sha256(export.content).hexdigest(),
            "bytes": len(export.content),
            "rows": export.rows,
        }
        for name, export in sorted(exports.items())
    ]
    return Export(_dumps({"run_id": run_id, "files": files}, indent=2).encode() + b"\n", len(files))


def _cell(column: CsvColumn, bundle: BundleObject, product: ProductObject) -> Any:
    value = column.value(bundle, product)
    if isinstance(value, bool):
        return "true" if value else "false"
    return defused(value) if column.is_text and isinstance(value, str) else value


def _dumps(value: Any, indent: int | None = None) -> str:
    separators = (",", ": ") if indent else (",", ":")
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, separators=separators)
