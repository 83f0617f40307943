"""Parquet files: the columns that a layout knows, and nothing else."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.errors import LimitExceededError, UnreadableFileError
from pipeline.ingest.config import IngestConfig
from pipeline.ingest.layouts.layout import normalise
from pipeline.ingest.layouts.registry import match_layout, unknown_layout
from pipeline.ingest.rejects import Faults
from pipeline.ingest.table import Table


def read_parquet(path: Path, file: str, config: IngestConfig) -> Table:
    """Read a Parquet file. Its lines are its rows, counted from 1.

    Raises:
        UnreadableFileError: No Parquet file, a column twice, or a column of lists, structs or bytes.
        UnknownLayoutError: Columns that no layout has.
        LimitExceededError: Too many rows, columns or decompressed bytes, or a field too long.
    """
    try:
        with pq.ParquetFile(path) as source:
            _check_limits(source.metadata, file, config)
            headers = source.schema_arrow.names
            layout = match_layout(headers)
            if layout is None:
                raise unknown_layout(headers, file)
            names = [normalise(header) for header in headers]
            places = layout.positions(names, file)
            wanted = sorted({*places.values(), *layout.locations(names)})
            _check_types(source.schema_arrow, wanted, file)
            table = source.read(columns=[headers[place] for place in wanted], use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFileError(file, f"no readable Parquet file ({type(error).__name__})") from None
    by_place = dict(zip(wanted, table.columns, strict=True))
    faults = Faults(file, np.arange(1, table.num_rows + 1, dtype=np.int64))
    for column, place in places.items():
        _check_text(by_place[place], column, faults, config)
    return Table(
        file=file,
        layout=layout,
        records=table.num_rows,
        columns={column: by_place[place] for column, place in places.items()},
        locations=[by_place[place] for place in layout.locations(names)],
        faults=faults,
        encoding="parquet",
        delimiter="",
    )


def _check_limits(metadata: pq.FileMetaData, file: str, config: IngestConfig) -> None:
    size = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    for what, found, limit, setting in (
        ("records", metadata.num_rows, config.max_rows, "ingest.max_rows"),
        ("columns", metadata.num_columns, config.max_columns, "ingest.max_columns"),
        ("bytes when decompressed", size, config.max_bytes, "ingest.max_bytes"),
    ):
        if found > limit:
            raise LimitExceededError(file, what, found, limit, setting)


def _check_types(schema: pa.Schema, wanted: list[int], file: str) -> None:
    for place in wanted:
        kind = schema.field(place).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            name = schema.field(place).name
            raise UnreadableFileError(file, f"the column {name!r} is of type {kind}; expected text, numbers or times")


def _check_text(column: pa.ChunkedArray, name: str, faults: Faults, config: IngestConfig) -> None:
    """Refuse a file with a field too long, and reject the records with a NUL in a text column."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return
    text = column.cast(kind) if pa.types.is_dictionary(column.type) else column
    longest = pc.max(pc.binary_length(text)).as_py() or 0
    if longest > config.max_field_length:
        raise LimitExceededError(
            faults.file, "bytes in one field", longest, config.max_field_length, "ingest.max_field_length"
        )
    has_nul = pc.fill_null(pc.match_substring(text, "\0"), False)
    faults.add(np.asarray(has_nul, dtype=bool), "nul_byte", name, "holds a NUL byte")
