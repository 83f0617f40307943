"""CSV files: delimiter and columns found by their header, records split exactly, fields read by Arrow."""

import csv
import io
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from pipeline.errors import LimitExceededError, UnreadableFileError
from pipeline.ingest.config import IngestConfig
from pipeline.ingest.encoding import Decoded, decode
from pipeline.ingest.layouts.layout import Layout, normalise
from pipeline.ingest.layouts.registry import match_layout, unknown_layout
from pipeline.ingest.records import NUL, Records, find_records
from pipeline.ingest.rejects import Faults
from pipeline.ingest.table import Table

DELIMITERS = (",", ";", "\t")
LONGEST_HEADER = 1 << 17
BLOCK = 1 << 24
FIELD = pa.dictionary(pa.int32(), pa.string())
"""How each column is read: as text, each distinct one once."""


class Header(NamedTuple):
    """The first record of a file, and what it says about the rest."""

    names: list[str]
    delimiter: str
    layout: Layout


def read_csv(data: bytes, file: str, config: IngestConfig) -> Table | None:
    """Read a CSV file.

    Args:
        data: The whole file, as it is on disk.
        file: Its name, for errors and rejects.
        config: Limits.

    Returns:
        The columns that the file's layout knows; None for a file without any record.

    Raises:
        UnreadableFileError: Not decodable, a quote that never closes, a column twice.
        UnknownLayoutError: Columns that no layout has.
        LimitExceededError: Too many records or columns, or a field too long.
    """
    decoded = decode(data, file)
    header = _read_header(decoded.data, file, config)
    if header is None:
        return None
    records = find_records(decoded.data, header.delimiter, file)
    _check_limits(decoded.data, records, header, file, config)
    wanted, places = _wanted(header, file)
    columns, ragged = _read_fields(decoded.data, records, header, wanted, file)
    # Two readers, one of bytes and one of fields, have to agree on what a record is.
    if len(columns[wanted[0]]) + len(ragged) != len(records) - 1:
        raise UnreadableFileError(
            file, f"{len(records) - 1:,} records by their line ends, but another number by their fields"
        )
    is_row = np.ones(len(records), dtype=bool)
    is_row[[0, *ragged]] = False
    headers = {column: header.names[place].strip() for column, place in places.items()}
    faults = Faults(file, records.line[is_row], headers)
    faults.add_outside([int(records.line[record]) for record in ragged], "ragged_row", ragged.values())
    _add_byte_faults(decoded, records, is_row, faults)
    return Table(
        file=file,
        layout=header.layout,
        records=len(records) - 1,
        columns={column: columns[place] for column, place in places.items()},
        locations=[columns[place] for place in header.layout.locations([normalise(name) for name in header.names])],
        faults=faults,
        encoding=decoded.encoding,
        delimiter=header.delimiter,
        notes=list(decoded.notes),
    )


def _read_header(data: bytes, file: str, config: IngestConfig) -> Header | None:
    """The header under the delimiter that makes a known layout of it; None for a file without a record."""
    head = data[:LONGEST_HEADER].decode("utf-8", errors="replace")
    candidates = [(_first_record(head, delimiter), delimiter) for delimiter in DELIMITERS]
    names = max((names for names, _ in candidates), key=len)
    if not names and head.strip():
        raise UnreadableFileError(file, "the first line is no header of a table")
    if not names:
        return None
    if len(names) > config.max_columns:
        raise LimitExceededError(file, "columns", len(names), config.max_columns, "ingest.max_columns")
    for names_so, delimiter_so in candidates:
        if layout := match_layout(names_so):
            return Header(names_so, delimiter_so, layout)
    raise unknown_layout(names, file)


def _first_record(head: str, delimiter: str) -> list[str]:
    try:
        return next((row for row in csv.reader(io.StringIO(head, newline=""), delimiter=delimiter) if row), [])
    except csv.Error:
        return []


def _check_limits(data: bytes, records: Records, header: Header, file: str, config: IngestConfig) -> None:
    if len(records) - 1 > config.max_rows:
        raise LimitExceededError(file, "records", len(records) - 1, config.max_rows, "ingest.max_rows")
    for record in np.flatnonzero(records.end - records.start > config.max_field_length).tolist():
        text = data[records.start[record] : records.end[record]]
        longest = _longest_field(text.decode("utf-8", errors="replace"), header.delimiter)
        if longest > config.max_field_length:
            raise LimitExceededError(
                file, "bytes in one field", longest, config.max_field_length, "ingest.max_field_length"
            )


def _longest_field(record: str, delimiter: str) -> int:
    """Bytes of the longest field of one record; a delimiter inside quotes does not end a field."""
    longest = length = quotes = 0
    for part in record.split(delimiter):
        length += len(part.encode("utf-8", errors="replace"))
        quotes += part.count('"')
        longest = max(longest, length)
        length = 0 if quotes % 2 == 0 else length + 1
    return longest


def _wanted(header: Header, file: str) -> tuple[list[int], dict[str, int]]:
    """Positions of the columns to read, and those of the canonical ones by name."""
    names = [normalise(name) for name in header.names]
    places = header.layout.positions(names, file)
    return sorted({*places.values(), *header.layout.locations(names)}), places


def _read_fields(
    data: bytes, records: Records, header: Header, wanted: list[int], file: str
) -> tuple[dict[int, pa.ChunkedArray], dict[int, str]]:
    """The wanted columns by position, and the reason for each record that has another number of fields."""
    ragged: dict[int, str] = {}

    def skip(row: pacsv.InvalidRow) -> str:
        ragged[row.number] = f"{row.actual_columns} fields instead of {row.expected_columns}"
        return "skip"

    if len(records) == 1:
        return {place: pa.chunked_array([], FIELD) for place in wanted}, ragged
    body = pa.py_buffer(data).slice(int(records.start[1]))
    try:
        table = _parse(body, records, header, wanted, use_threads=True)
    except pa.ArrowInvalid:
        # Some record has another number of fields, and of several threads none knows which record it is at.
        try:
            table = _parse(body, records, header, wanted, use_threads=False, on_ragged=skip)
        except pa.ArrowInvalid:
            # Its message quotes the row.
            raise UnreadableFileError(file, "no readable CSV table") from None
    return {place: table.column(f"c{place}") for place in wanted}, ragged


def _parse(
    body: pa.Buffer, records: Records, header: Header, wanted: list[int], *, use_threads: bool,
    on_ragged: Callable[[pacsv.InvalidRow], str] | None = None,
) -> pa.Table:  # fmt: skip
    names = [f"c{place}" for place in range(len(header.names))]
    longest = int((records.end - records.start).max())
    return pacsv.read_csv(
        pa.BufferReader(body),
        read_options=pacsv.ReadOptions(
            column_names=names, block_size=max(BLOCK, 2 * longest + 2), use_threads=use_threads
        ),
        parse_options=pacsv.ParseOptions(
            delimiter=header.delimiter, newlines_in_values=records.spans_lines, invalid_row_handler=on_ragged
        ),
        convert_options=pacsv.ConvertOptions(
            column_types={names[place]: FIELD for place in wanted},
            include_columns=[names[place] for place in wanted],
            strings_can_be_null=False,
            null_values=[],
            check_utf8=False,
        ),
    )


def _add_byte_faults(decoded: Decoded, records: Records, is_row: NDArray[np.bool_], faults: Faults) -> None:
    """Reject the records that hold what no text holds."""
    nul = (
        np.flatnonzero(np.frombuffer(decoded.data, dtype=np.uint8) == NUL) if b"\0" in decoded.data else decoded.bad[:0]
    )
    for positions, code, reason in (
        (nul, "nul_byte", "holds a NUL byte"),
        (decoded.bad, "undecodable", f"holds bytes that are not {decoded.encoding}"),
    ):
        if len(positions):
            faults.add(records.holding(positions)[is_row], code, "", reason)
    faults.add(records.bad_quote[is_row], "bad_quote", "", "a quoted field goes on after its closing quote")
