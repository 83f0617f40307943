"""A file as columns: each text column once as its distinct values, sorted, and a code for each record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.columns import Columns
from pipeline.ingest.layouts.layout import Layout
from pipeline.ingest.rejects import Faults

TRIMMED = "[\\x{00}-\\x{1f}\\x{7f}\\x{ad}\\x{61c}\\x{200b}-\\x{200f}\\x{202a}-\\x{202e}\\x{2060}-\\x{206f}\\x{feff}]"
"""Invisible characters, in RE2's spelling."""


@dataclass(frozen=True, repr=False)
class Text(Columns):
    """A column of text. Sorting by code is sorting by value; code 0 is the empty string, in every column."""

    codes: NDArray[np.int32]
    """`(n,)` position in `values`."""
    values: pa.StringArray
    """`(k,)` distinct, trimmed and ascending by code point; the first is empty."""

    @property
    def filled(self) -> NDArray[np.bool_]:
        """`(n,)` which records have a value."""
        return self.codes > 0

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "Text":
        """The column of some records; the distinct values stay."""
        return Text(self.codes[rows], self.values)

    def array(self) -> pa.StringArray:
        """`(n,)` the column written out, one string a record."""
        return self.values.take(pa.array(self.codes))

    def distinct(self) -> list[str]:
        """The distinct values."""
        return list(self.values.to_pylist())

    def ask(self, judge: Callable[[str], bool]) -> NDArray[np.bool_]:
        """`(n,)` which records have a value that `judge` says yes to; each distinct value is asked once."""
        answers = np.array([judge(value) for value in self.distinct()], dtype=bool)
        return np.asarray(answers[self.codes])

    @property
    def lengths(self) -> NDArray[np.int64]:
        """`(n,)` characters of each value."""
        return np.asarray(pc.utf8_length(self.values), dtype=np.int64)[self.codes]

    def otherwise(self, second: "Text") -> "Text":
        """Each record's value, or that of `second` where it is empty."""
        both = Text.concat([self, second])
        own, other = both.codes[: len(self)], both.codes[len(self) :]
        return Text(np.where(own > 0, own, other), both.values)

    def map(self, change: Callable[[str], str]) -> "Text":
        """Every value changed, each distinct one once."""
        changed = [change(value) for value in self.distinct()]
        return _sorted(self.codes, pa.array(changed, pa.string()))

    @staticmethod
    def of(column: pa.ChunkedArray | pa.Array) -> "Text":
        """A column of any plain Arrow type as trimmed text; null is empty."""
        array = _one_dictionary(column)
        codes = pc.fill_null(array.indices, -1).to_numpy(zero_copy_only=False)
        values = array.dictionary.cast(pa.string()).fill_null("")
        return _sorted(np.asarray(codes, dtype=np.int32) + 1, pa.concat_arrays([pa.array([""], pa.string()), values]))

    @staticmethod
    def blank(length: int) -> "Text":
        """A column without a value."""
        return Text(np.zeros(length, dtype=np.int32), pa.array([""], pa.string()))

    @classmethod
    def concat(cls, parts: Sequence["Text"]) -> "Text":
        """Several columns under each other."""
        if len(parts) == 1:
            return parts[0]
        starts = np.cumsum([0, *(len(part.values) for part in parts)])
        codes = [part.codes + np.int32(start) for part, start in zip(parts, starts, strict=False)]
        return _sorted(np.concatenate(codes), pa.concat_arrays([part.values for part in parts]))


def _one_dictionary(column: pa.ChunkedArray | pa.Array) -> pa.DictionaryArray:
    if not pa.types.is_dictionary(column.type):
        column = _as_string(column).dictionary_encode()
    if isinstance(column, pa.ChunkedArray):
        column = column.unify_dictionaries().combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks else pa.array([], pa.dictionary(pa.int32(), pa.string()))
    return column


def _as_string(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Whole numbers that were kept as floats (as a column with gaps is) read as whole numbers."""
    if not pa.types.is_floating(column.type):
        return column.cast(pa.string())
    known = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    is_whole = pc.and_(pc.equal(known, pc.trunc(known)), pc.less(pc.abs(known), 1e15))
    return (known.cast(pa.int64()) if pc.all(is_whole).as_py() else known).cast(pa.string())


def _sorted(codes: NDArray[np.integer], values: pa.StringArray) -> Text:
    """Codes into `values` as a `Text`: values trimmed, equal ones merged, sorted."""
    values = pc.utf8_trim_whitespace(values)
    if not pc.all(pc.utf8_is_printable(values)).as_py():  # far faster than asking the regular expression
        values = pc.utf8_trim_whitespace(pc.replace_substring_regex(values, TRIMMED, ""))
    merged = pa.concat_arrays([pa.array([""], pa.string()), values]).dictionary_encode()
    order = pc.sort_indices(merged.dictionary)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order.to_numpy()] = np.arange(len(order), dtype=np.int32)
    return Text(rank[merged.indices.to_numpy()[1:]][codes], merged.dictionary.take(order))


def first_filled(text: Text, group: NDArray[np.integer], groups: int) -> NDArray[np.int32]:
    """`(groups,)` code of each group's smallest filled value, 0 for none: the same for any order of records."""
    found = np.full(groups, np.iinfo(np.int32).max, dtype=np.int32)
    filled = text.filled
    np.minimum.at(found, group[filled], text.codes[filled])
    return np.where(found == np.iinfo(np.int32).max, 0, found).astype(np.int32)


def joined(left: pa.StringArray, right: pa.StringArray, between: str) -> pa.StringArray:
    """`(n,)` `left` and `right` with `between` where neither is empty, else the one that is not."""
    both = pc.binary_join_element_wise(left, right, between)
    return pc.if_else(pc.equal(right, ""), left, pc.if_else(pc.equal(left, ""), right, both))


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """One file: the columns that its layout knows, and what was found while reading."""

    file: str
    layout: Layout
    records: int
    """Records in the file, those included that never became rows."""
    columns: Mapping[str, pa.ChunkedArray | pa.Array]
    """Canonical column → values as they stand in the file, `(n,)`; personal data among them, so never shown."""
    locations: Sequence[pa.ChunkedArray | pa.Array]
    """Columns of a stock location each, `(n,)`."""
    faults: Faults
    encoding: str
    delimiter: str
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.faults.lines)

    def text(self, column: str) -> Text:
        """A column as text; all blank where the file does not have it."""
        return Text.of(self.columns[column]) if column in self.columns else Text.blank(len(self))
