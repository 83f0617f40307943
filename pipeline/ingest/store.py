"""Snapshots at rest: a folder of Parquet files under the name of their content."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import UnreadableFileError
from pipeline.ingest.digest import content_hash
from pipeline.ingest.snapshot import Catalog, Orders, Snapshot
from pipeline.ports import Folder
from pipeline.storage import as_folder

FORMAT = 1
META = "snapshot.json"
"""Written last: a folder without it holds no snapshot."""
CUSTOMERS = "customers"
TEXTS = ("sku", "title", "description", "tags", "image_url", "product_id")
NUMBERS = ("family", "category", "vendor", "price", "compare_at", "cost", "stock", "created_day", "is_sellable")
BASKETS = ("minute", "cancelled_day", "customer")
CELLS = ("item", "quantity", "unit_price")


def write_snapshot(snapshot: Snapshot, customers: tuple[str, ...], folder: Folder | Path) -> str:
    """Write a snapshot as `folder/<sha256>/`. It is there as soon as all of it is.

    The folder is named by the content, so whoever else writes it at the same time writes the same bytes. Writing it
    again changes nothing, except that the customers' hashes are renewed if the salt has changed.

    Args:
        snapshot: The snapshot, with its hash.
        customers: Hash of each customer rank.
        folder: The store's snapshots; made where it is missing.

    Returns:
        The name of the snapshot's own folder.
    """
    home = as_folder(folder) / snapshot.sha256
    if not has_snapshot(home):
        for name, columns in _tables(snapshot, customers).items():
            _write(home, name, columns)
        home.write(META, _meta(snapshot))
    elif read_customers(home) != customers:
        _write(home, CUSTOMERS, _tables(snapshot, customers)[CUSTOMERS])
    return snapshot.sha256


def has_snapshot(folder: Folder | Path) -> bool:
    """Whether a whole snapshot of this format is in `folder`."""
    try:
        return bool(json.loads(as_folder(folder).read(META).to_pybytes())["format"] == FORMAT)
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return False


def _tables(snapshot: Snapshot, customers: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    catalog, orders = snapshot.catalog, snapshot.orders
    return {
        "catalog": {name: getattr(catalog, name) for name in (*TEXTS, *NUMBERS)},
        "categories": {"name": catalog.categories},
        "vendors": {"name": catalog.vendors},
        "orders": {name: getattr(orders, name) for name in BASKETS} | {"cells": np.diff(orders.indptr)},
        "lines": {name: getattr(orders, name) for name in CELLS},
        CUSTOMERS: {"hash": pa.array(customers, pa.string())},
    }


def _write(home: Folder, name: str, columns: dict[str, Any]) -> None:
    content = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), content)
    home.write(f"{name}.parquet", content.getvalue())


def _meta(snapshot: Snapshot) -> bytes:
    meta = {
        "format": FORMAT,
        "store": snapshot.store,
        "currency": snapshot.currency,
        "sha256": snapshot.sha256,
        "products": len(snapshot.catalog),
        "orders": len(snapshot.orders),
        "cells": len(snapshot.orders.item),
    }
    return (json.dumps(meta, indent=1) + "\n").encode()


def read_snapshot(folder: Folder | Path) -> Snapshot:
    """Read a snapshot back, and check it against its hash (about 0.1 s for a million lines).

    Args:
        folder: The snapshot's own folder.

    Raises:
        UnreadableFileError: No snapshot, one of another format, or one that was damaged.
        StorageError: The object store failed.
    """
    folder = as_folder(folder)
    try:
        meta = json.loads(folder.read(META).to_pybytes())
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


def read_customers(folder: Folder | Path) -> tuple[str, ...]:
    """Hash of each customer rank of the snapshot in `folder`."""
    return tuple(_read(as_folder(folder), CUSTOMERS)["hash"].to_pylist())


def _read(folder: Folder, name: str) -> pa.Table:
    # `read_table` would import pyarrow's datasets: a tenth of a second of every worker.
    with pq.ParquetFile(pa.BufferReader(folder.read(f"{name}.parquet"))) as source:
        return source.read(use_threads=False)


def read_catalog(folder: Folder | Path) -> Catalog:
    """The catalog of the snapshot in `folder` alone, not checked against the snapshot's hash."""
    return _read_catalog(as_folder(folder))


def _read_catalog(folder: Folder) -> Catalog:
    table = _read(folder, "catalog")
    return Catalog(
        **{name: _text(table[name]) for name in TEXTS},
        **{name: _numbers(table[name]) for name in NUMBERS},
        categories=_text(_read(folder, "categories")["name"]),
        vendors=_text(_read(folder, "vendors")["name"]),
    )


def _read_orders(folder: Folder) -> Orders:
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
