"""Numbers, times and marks out of text: each distinct value is read once."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.ingest.rejects import Faults
from pipeline.ingest.table import Text

PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$"
_GROUPED_POINT = re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+")
_GROUPED_COMMA = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+")
_COMMA = re.compile(r"[+-]?\d*,\d+")
_COMMA_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+")
LARGEST = 1e9
"""Numbers of a shop stay below this; so sums and products stay exact enough, and finite."""

NO_TIME = np.iinfo(np.int64).min
"""The minute of a time that is absent or not readable."""

TIME = (
    r"^(?P<year>\d{4})[-/](?P<month>\d{2})[-/](?P<day>\d{2})"
    r"(?:[T ]+(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?)?"
    r" ?(?P<zone>Z|z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?$"
)


_FAULTS = {
    1: "empty",
    2: "not a number ({} characters)",
    3: "not finite, or too large",
    4: "below the smallest allowed",
    5: "not whole",
}
EMPTY, UNREADABLE, TOO_LARGE, TOO_SMALL, FRACTION = _FAULTS


@dataclass(frozen=True, slots=True, repr=False)
class Numbers:
    """A column of numbers, and what was wrong with the others."""

    values: NDArray[np.float64]
    """`(n,)`, NaN where there is no good number."""
    fault: NDArray[np.uint8]
    """`(n,)` 0 where the number is good, else `EMPTY`, `UNREADABLE`, …"""
    length: NDArray[np.int64]
    """`(n,)` characters of the value as written; 0 for columns that are numbers already."""
    has_comma: bool
    """Some value was written with a decimal comma."""

    def reject(self, faults: Faults, code: str, column: str, *, may_be_empty: bool = False) -> None:
        """Reject the records without a good number."""
        for fault, reason in _FAULTS.items():
            if fault != EMPTY or not may_be_empty:
                faults.add(self.fault == fault, code, column, reason, self.length)


def numbers(column: pa.ChunkedArray | pa.Array, *, at_least: float = 0.0, whole: bool = False) -> Numbers:
    """Read a column as numbers.

    `1.95`, `1e3`, `1,234.50` and `1.234,50` are numbers. `1,95` is one where the comma can only be decimal: some value
    of the column has other than three digits behind it, and none has a point. Else `1,234` could be either, and is bad.

    Args:
        column: Text, or an Arrow column of numbers.
        at_least: Smallest number that is good; the largest is `LARGEST`.
        whole: Whether a fraction is bad.
    """
    kind = column.type
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        raw = np.asarray(pc.fill_null(column.cast(pa.float64(), safe=False), 0.0), dtype=np.float64)
        fault = np.where(np.asarray(column.is_null()), EMPTY, np.where(np.isnan(raw), UNREADABLE, 0))
        codes, length, has_comma = np.arange(len(raw), dtype=np.int32), np.zeros(len(raw), dtype=np.int64), False
    else:
        text = Text.of(column)
        raw, has_comma = _parse(text.values)
        fault = np.where(np.isnan(raw), UNREADABLE, 0)
        fault[0] = EMPTY
        codes, length = text.codes, np.asarray(pc.utf8_length(text.values), dtype=np.int64)
    good = fault == 0
    fault[good & ~(np.abs(raw) <= LARGEST)] = TOO_LARGE
    fault[good & (raw < at_least)] = TOO_SMALL
    if whole:
        fault[(fault == 0) & (raw != np.trunc(raw))] = FRACTION
    values = np.where(fault == 0, raw, np.nan)
    return Numbers(values[codes], fault.astype(np.uint8)[codes], length[codes], has_comma)


def _parse(values: pa.StringArray) -> tuple[NDArray[np.float64], bool]:
    """The numbers of distinct texts, NaN where there is none, and whether a comma was taken as decimal."""
    plain = pc.match_substring_regex(values, PLAIN)
    unsigned = pc.utf8_ltrim(pc.if_else(plain, values, "nan"), "+")
    parsed = np.array(unsigned.cast(pa.float64()), dtype=np.float64)
    is_plain = np.asarray(plain)
    odd = {at: values[at].as_py() for at in np.flatnonzero(~is_plain).tolist()}
    has_point = bool(pc.any(pc.match_substring(pc.filter(values, plain), ".")).as_py())
    commas = [text for text in odd.values() if _COMMA.fullmatch(text)]
    is_decimal = not has_point and any(not _COMMA_THOUSANDS.fullmatch(text) for text in commas)
    for at, text in odd.items():
        parsed[at] = _odd_number(text, is_decimal)
    return parsed, is_decimal


def _odd_number(text: str, is_decimal: bool) -> float:
    """A number with grouping or a decimal comma; NaN for anything else."""
    if _GROUPED_POINT.fullmatch(text):
        return float(text.replace(",", ""))
    if _GROUPED_COMMA.fullmatch(text) or (is_decimal and _COMMA.fullmatch(text)):
        return float(text.replace(".", "").replace(",", "."))
    return float("nan")


@dataclass(frozen=True, slots=True, repr=False)
class Times:
    """A column of local times."""

    minute: NDArray[np.int64]
    """`(n,)` minutes from 1970-01-01 00:00 on the wall clock that the value shows; `NO_TIME` where there is none."""
    is_bad: NDArray[np.bool_]
    """`(n,)` a value that is no time."""
    length: NDArray[np.int64]
    """`(n,)` characters of the value as written."""

    def reject(self, faults: Faults, column: str) -> None:
        """Reject the records whose value is no time."""
        faults.add(
            self.is_bad,
            "bad_date",
            column,
            "not a date or time such as 2026-08-24 13:18:57 +0200 ({} characters)",
            self.length,
        )


def times(column: pa.ChunkedArray | pa.Array) -> Times:
    """Read a column as local times: what the clock on the wall showed, so the offset is checked and put aside.

    Texts are ISO 8601 (`T` or a space, seconds and offset optional), or a date alone. Arrow timestamps with a zone are
    turned to that zone's wall clock.
    """
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        local = pc.local_timestamp(column) if pa.types.is_timestamp(kind) and kind.tz else column
        seconds = np.asarray(local.cast(pa.timestamp("s"), safe=False).cast(pa.int64()).fill_null(0))
        minute = np.where(np.asarray(column.is_null()), NO_TIME, seconds // 60)
        wrong = (minute != NO_TIME) & ((minute < 0) | (seconds // 60 > _LAST))
        return Times(np.where(wrong, NO_TIME, minute), wrong, np.zeros(len(minute), dtype=np.int64))
    text = Text.of(column)
    minute = _minutes(text.values)
    wrong = minute == NO_TIME
    wrong[0] = False
    return Times(minute[text.codes], wrong[text.codes], text.lengths)


_LAST = int((np.datetime64("2200-01-01", "m")).astype(np.int64))


def _minutes(values: pa.StringArray) -> NDArray[np.int64]:
    """Minutes of distinct texts on their own clock, `NO_TIME` where one is no time of 1970 to 2199."""
    found = pc.extract_regex(values, TIME)
    is_time = ~np.asarray(found.is_null())
    parts = {
        name: _digits(pc.struct_field(found, name)) for name in ("year", "month", "day", "hour", "minute", "second")
    }
    month = (parts["year"] - 1970) * 12 + parts["month"] - 1
    day = month.astype("datetime64[M]").astype("datetime64[D]") + (parts["day"] - 1).astype("timedelta64[D]")
    is_date = (
        (parts["month"] >= 1)
        & (parts["month"] <= 12)
        & (parts["day"] >= 1)
        & (day.astype("datetime64[M]").astype(np.int64) == month)
    )
    is_clock = (parts["hour"] <= 23) & (parts["minute"] <= 59) & (parts["second"] <= 60)
    minute = day.astype(np.int64) * 1440 + parts["hour"] * 60 + parts["minute"]
    good = is_time & is_date & is_clock & (minute >= 0) & (minute < _LAST)
    return np.where(good, minute, NO_TIME)


def _digits(texts: pa.StringArray) -> NDArray[np.int64]:
    """Texts of digits as numbers; absent ones are 0."""
    filled = pc.if_else(pc.equal(pc.fill_null(texts, ""), ""), "0", texts)
    return np.asarray(pc.fill_null(filled, "0").cast(pa.int64()), dtype=np.int64)
