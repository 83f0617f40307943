"""Snapshots at rest: a folder of Parquet files under the name of their content."""

import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import UnreadableFileError
from pipeline.ingest.digest import content_hash
from pipeline.ingest.snapshot import Catalog, Orders, Snapshot

FORMAT = 1
META = "snapshot.json"
CUSTOMERS = "customers.parquet"
TEXTS = ("sku", "title", "description", "tags", "image_url", "product_id")
NUMBERS = ("family", "category", "vendor", "price", "compare_at", "cost", "stock", "created_day", "is_sellable")
BASKETS = ("minute", "cancelled_day", "customer")
CELLS = ("item", "quantity", "unit_price")


def write_snapshot(snapshot: Snapshot, customers: tuple[str, ...], folder: Path) -> Path:
    """Write a snapshot as `folder/<sha256>/`, whole or not at all.

    Writing it again changes nothing, except that the customers' hashes are renewed if the salt has changed.

    Args:
        snapshot: The snapshot, with its hash.
        customers: Hash of each customer rank.
        folder: The store's snapshots; made where it is missing.

    Returns:
        The snapshot's own folder.
    """
    home = folder / snapshot.sha256
    if not (home / META).exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{snapshot.sha256}.{os.getpid()}.{secrets.token_hex(4)}"
        draft.mkdir()
        try:
            _write_files(snapshot, customers, draft)
            _move(draft, home)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    if read_customers(home) != customers:
        draft_file = home / f".{CUSTOMERS}.{secrets.token_hex(4)}"
        pq.write_table(pa.table({"hash": pa.array(customers, pa.string())}), draft_file)
        draft_file.replace(home / CUSTOMERS)
    return home


def _move(draft: Path, home: Path) -> None:
    """Give the finished folder its name; another writer of the same content may have been first."""
    try:
        draft.rename(home)
    except OSError:
        if not (home / META).exists():
            raise


def _write_files(snapshot: Snapshot, customers: tuple[str, ...], folder: Path) -> None:
    catalog, orders = snapshot.catalog, snapshot.orders
    tables = {
        "catalog": {name: getattr(catalog, name) for name in (*TEXTS, *NUMBERS)},
        "categories": {"name": catalog.categories},
        "vendors": {"name": catalog.vendors},
        "orders": {name: getattr(orders, name) for name in BASKETS} | {"cells": np.diff(orders.indptr)},
        "lines": {name: getattr(orders, name) for name in CELLS},
        "customers": {"hash": pa.array(customers, pa.string())},
    }
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    meta = {
        "format": FORMAT,
        "store": snapshot.store,
        "currency": snapshot.currency,
        "sha256": snapshot.sha256,
        "products": len(catalog),
        "orders": len(orders),
        "cells": len(orders.item),
    }
    (folder / META).write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")


def read_snapshot(folder: Path) -> Snapshot:
    """Read a snapshot back, and check it against its hash (about 0.1 s for a million lines).

    Args:
        folder: The snapshot's own folder, as `write_snapshot` returned it.

    Raises:
        UnreadableFileError: No snapshot, one of another format, or one that was damaged.
    """
    try:
        meta = json.loads((folder / META).read_text(encoding="utf-8"))
        if meta["format"] != FORMAT:
            raise UnreadableFileError(
                folder.name, f"a snapshot of format {meta['format']}, expected {FORMAT}; ingest again"
            )
        catalog, orders = _read_catalog(folder), _read_orders(folder)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise UnreadableFileError(folder.name, f"no readable snapshot ({type(error).__name__}); ingest again") from None
    if content_hash(meta["currency"], catalog, orders) != meta["sha256"]:
        raise UnreadableFileError(folder.name, "the snapshot's content does not match its hash; ingest again")
    return Snapshot(meta["store"], meta["currency"], catalog, orders, meta["sha256"])


def read_customers(folder: Path) -> tuple[str, ...]:
    """Hash of each customer rank of the snapshot in `folder`."""
    return tuple(_read(folder, "customers")["hash"].to_pylist())


def _read(folder: Path, name: str) -> pa.Table:
    return pq.read_table(folder / f"{name}.parquet", memory_map=True, use_threads=False)


def _read_catalog(folder: Path) -> Catalog:
    table = _read(folder, "catalog")
    return Catalog(
        **{name: _text(table[name]) for name in TEXTS},
        **{name: _numbers(table[name]) for name in NUMBERS},
        categories=_text(_read(folder, "categories")["name"]),
        vendors=_text(_read(folder, "vendors")["name"]),
    )


def _read_orders(folder: Path) -> Orders:
    baskets, cells = _read(folder, "orders"), _read(folder, "lines")
    indptr = np.concatenate(([0], np.cumsum(_numbers(baskets["cells"])))).astype(np.int64)
    numbers: dict[str, Any] = {name: _numbers(baskets[name]) for name in BASKETS}
    numbers |= {name: _numbers(cells[name]) for name in CELLS}
    return Orders(indptr=indptr, **numbers)


def _text(column: pa.ChunkedArray) -> pa.StringArray:
    chunks = column.combine_chunks()
    return chunks if isinstance(chunks, pa.Array) else pa.concat_arrays(chunks.chunks or [pa.array([], pa.string())])


def _numbers(column: pa.ChunkedArray) -> Any:
    values = column.to_numpy()
    values.flags.writeable = False
    return values
