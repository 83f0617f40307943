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
            metadata, schema = source.metadata, source.schema_arrow
        _check_limits(metadata, file, config)
        layout = match_layout(schema.names)
        if layout is None:
            raise unknown_layout(schema.names, file)
        names = [normalise(header) for header in schema.names]
        places = layout.positions(names, file)
        wanted = sorted({*places.values(), *layout.locations(names)})
        _check_types(schema, wanted, file)
        texts = [schema.names[place] for place in wanted if _is_text(schema.field(place).type)]
        # Text stays coded as it is in the file: a page of one long value repeated would else unfold to any size.
        with pq.ParquetFile(path, read_dictionary=texts) as source:
            table = source.read(columns=[schema.names[place] for place in wanted], use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise UnreadableFileError(file, f"no readable Parquet file ({type(error).__name__})") from None
    by_place = dict(zip(wanted, table.columns, strict=True))
    headers = {column: schema.names[place].strip() for column, place in places.items()}
    faults = Faults(file, np.arange(1, table.num_rows + 1, dtype=np.int64), headers)
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


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _check_text(column: pa.ChunkedArray, name: str, faults: Faults, config: IngestConfig) -> None:
    """Refuse a file with a field too long, and reject the records with a NUL in a text column."""
    if not _is_text(column.type):
        return
    marked = []
    for chunk in column.chunks:
        coded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        longest = pc.max(pc.binary_length(coded.dictionary)).as_py() or 0
        if longest > config.max_field_length:
            raise LimitExceededError(
                faults.file, "bytes in one field", longest, config.max_field_length, "ingest.max_field_length"
            )
        has_nul = pc.fill_null(pc.match_substring(coded.dictionary, "\0"), False)
        marked.append(np.asarray(pc.fill_null(has_nul.take(coded.indices), False), dtype=bool))
    if marked:
        faults.add(np.concatenate(marked), "nul_byte", name, "holds a NUL byte")
