"""The name of a snapshot: a hash of its columns, independent of files, formats and salt."""

import hashlib
from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.ingest.snapshot import Catalog, Orders

VERSION = b"basketry snapshot 1"


def content_hash(currency: str, catalog: Catalog, orders: Orders) -> str:
    """sha256 over every column of catalog and orders, in the order of their fields, each with name, type and length."""
    digest = hashlib.sha256(VERSION)
    digest.update(currency.encode())
    for part in (catalog, orders):
        for column in fields(part):
            values = getattr(part, column.name)
            name = f"\n{type(part).__name__}.{column.name} {len(values)} "
            digest.update(name.encode())
            for block in _text_bytes(values) if isinstance(values, pa.Array) else _number_bytes(values):
                digest.update(block)
    return digest.hexdigest()


def _number_bytes(values: np.ndarray[Any, Any]) -> list[Any]:
    little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
    if values.dtype.kind == "f":
        # One bit pattern for NaN, and one for zero.
        little = np.where(np.isnan(little), np.nan, little + 0.0)
    return [values.dtype.str[1:].encode(), little.tobytes()]


def _text_bytes(values: pa.StringArray) -> list[Any]:
    encoded = [value.encode() for value in values.to_pylist()]
    lengths = np.array([len(value) for value in encoded], dtype="<i8")
    return [b"text", lengths.tobytes(), b"".join(encoded)]
