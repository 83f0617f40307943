"""A store's folder of files, read into a snapshot."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pipeline.errors import EmptyStoreError, LimitExceededError, TooManyRejectsError, UnreadableFileError
from pipeline.ingest.baskets import build_orders, list_unmatched, match_lines
from pipeline.ingest.catalog import build_catalog, median_prices, variants_from_lines
from pipeline.ingest.config import IngestConfig
from pipeline.ingest.csv_table import read_csv
from pipeline.ingest.demand import Demand, find_demand, settle_currency
from pipeline.ingest.digest import content_hash
from pipeline.ingest.layouts.layout import TableKind
from pipeline.ingest.lines import Lines, read_lines
from pipeline.ingest.matching import NONE
from pipeline.ingest.parquet_table import read_parquet
from pipeline.ingest.products import ProductRows, read_products
from pipeline.ingest.rejects import Reject, most_common
from pipeline.ingest.repeats import without_repeats
from pipeline.ingest.report import FileReport, IngestReport, no_table
from pipeline.ingest.rules import Assortment, Rule, read_assortment, read_rules
from pipeline.ingest.snapshot import Snapshot
from pipeline.ingest.stock import StockRows, apply_stock, read_stock
from pipeline.ingest.table import Table
from pipeline.ingest.variants import Variants, build_variants

DEFAULT_CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Ingested:
    """A store's files, read."""

    snapshot: Snapshot
    customers: tuple[str, ...] = field(repr=False)
    """Salted hash (HMAC-SHA256, hex) of each customer rank. Kept beside the snapshot and no part of its hash."""
    report: IngestReport
    rules: tuple[Rule, ...] = ()
    assortment: tuple[Assortment, ...] = ()


@dataclass(slots=True)
class _Parts:
    """What the files gave so far."""

    lines: list[Lines] = field(default_factory=list)
    products: list[ProductRows] = field(default_factory=list)
    stock: list[StockRows] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    assortment: list[Assortment] = field(default_factory=list)
    files: list[FileReport] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def ingest_folder(folder: Path, *, store: str, config: IngestConfig, salt: bytes) -> Ingested:
    """Read every table of a folder, and make one snapshot of them.

    Tables are told by their columns. Files that are no CSV or Parquet are passed over with a note. The same files give
    the same snapshot, in whatever order their rows stand.

    Args:
        folder: The store's files; sub-folders are not looked into.
        store: The store's id.
        config: Limits, and the currency where orders are mixed.
        salt: Secret key of the customers' hashes.

    Raises:
        DataError: A file that can't be used, or nothing to work on. Nothing is written in any case.
    """
    parts = _Parts()
    for path in _files(folder):
        _read_file(path, config, parts)
    return _assemble(parts, store, config, salt)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise EmptyStoreError(
            f"{folder.name}: no such folder; expected one with a store's orders, products and inventory"
        )
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _read_file(path: Path, config: IngestConfig, parts: _Parts) -> None:
    """Read one file into `parts`."""
    kind = path.suffix.lower()
    if kind not in {".csv", ".tsv", ".parquet"}:
        parts.files.append(no_table(path.name, "no table: passed over"))
        return
    size = path.stat().st_size
    if size > config.max_bytes:
        raise LimitExceededError(path.name, "bytes", size, config.max_bytes, "ingest.max_bytes")
    table = read_parquet(path, path.name, config) if kind == ".parquet" else _read_text(path, config)
    if table is None:
        parts.files.append(no_table(path.name, "the file is empty"))
        return
    _take_in(table, config, parts)
    _report(table, config, parts)


def _read_text(path: Path, config: IngestConfig) -> Table | None:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(path.name, f"can't be read ({error.strerror})") from None
    return read_csv(data, path.name, config)


def _take_in(table: Table, config: IngestConfig, parts: _Parts) -> None:
    match table.layout.table:
        case TableKind.ORDERS:
            parts.lines.append(read_lines(table, config, len(parts.files)))
        case TableKind.PRODUCTS:
            parts.products.append(read_products(table, config))
        case TableKind.INVENTORY:
            parts.stock.append(read_stock(table))
        case TableKind.RULES:
            parts.rules += read_rules(table)
        case TableKind.ASSORTMENT:
            parts.assortment += read_assortment(table)


def _report(table: Table, config: IngestConfig, parts: _Parts) -> None:
    """Add the file's line to the report, or refuse it for too many rejects."""
    rejects = table.faults.sorted()
    if len(rejects) > config.max_reject_share * table.records:
        raise TooManyRejectsError(
            table.file, len(rejects), table.records, config.max_reject_share, most_common(rejects)
        )
    notes = (*table.notes, *(("a header and no records",) if not table.records else ()))
    parts.rejects += rejects
    parts.files.append(
        FileReport(
            file=table.file,
            table=str(table.layout.table),
            layout=table.layout.vendor,
            encoding=table.encoding,
            delimiter=table.delimiter,
            records=table.records,
            accepted=int(table.faults.alive.sum()),
            rejected=len(rejects),
            notes=notes,
        )
    )


def _assemble(parts: _Parts, store: str, config: IngestConfig, salt: bytes) -> Ingested:
    """One snapshot of all parts."""
    demand, currency = _demand(parts, config)
    variants = _variants(parts, demand, currency, config)
    stock, unknown = apply_stock(variants, parts.stock)
    if unknown:
        parts.notes.append(f"stock records that match no product: {unknown:,}")
    row = match_lines(demand.lines, variants)
    if len(demand.lines) and np.isnan(variants.price).all():
        parts.notes.append("no product has a price: the median price of its order lines was taken")
        sold = row != NONE
        prices = median_prices(demand.lines.price[sold], row[sold], len(variants), currency)
        variants = replace(variants, price=prices)
    catalog = build_catalog(variants, stock)
    unmatched = list_unmatched(demand.lines, row)
    orders, customers = build_orders(demand, row, len(variants), store=store, salt=salt)
    report = IngestReport(
        files=tuple(parts.files),
        rejects=tuple(parts.rejects),
        unmatched=unmatched[: config.max_unmatched_listed],
        unmatched_lines=int((row == NONE).sum()),
        notes=(*parts.notes, *demand.notes),
    )
    snapshot = Snapshot(store, currency, catalog, orders, content_hash(currency, catalog, orders))
    return Ingested(snapshot, customers, report, tuple(parts.rules), tuple(parts.assortment))


def _demand(parts: _Parts, config: IngestConfig) -> tuple[Demand, str]:
    lines, repeats = without_repeats(Lines.concat(parts.lines or [Lines.none()]))
    if repeats:
        parts.notes.append(f"order lines that are in several files, taken once: {repeats:,}")
    demand, currency = settle_currency(find_demand(lines), config.currency)
    if currency is None:
        currency = config.currency or DEFAULT_CURRENCY
        parts.notes.append(f"no order names a currency: {currency} was taken")
    return demand, currency


def _variants(parts: _Parts, demand: Demand, currency: str, config: IngestConfig) -> Variants:
    if any(len(part) for part in parts.products):
        variants, notes = build_variants(ProductRows.concat(parts.products), config)
        parts.notes += notes
        if len(variants):
            return variants
    if not len(demand.lines):
        raise EmptyStoreError("no products and no paid order lines; expected at least one table of orders or products")
    parts.notes.append("no products: the catalog was made from the order lines")
    return variants_from_lines(demand.lines, currency)
