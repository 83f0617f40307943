"""Rejected records: where they stand and why, never what they said."""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HEADER = ("file", "line", "code", "column", "reason")


class Reject(NamedTuple):
    """One record that was not taken."""

    file: str
    line: int
    """1-based physical line where the record begins; for Parquet, the 1-based row."""
    code: str
    """Stable name of the fault, such as `ragged_row` or `bad_quantity`."""
    column: str
    """Header of the column at fault; empty where it is the whole record."""
    reason: str
    """One clause. It never quotes the value: a ragged row may have shifted a name or an address into any column."""


class Faults:
    """Which of a file's records are rejected. The first fault found in a record is the one that is kept."""

    def __init__(self, file: str, lines: NDArray[np.int64], headers: Mapping[str, str] | None = None) -> None:
        """Begin without faults.

        Args:
            file: The file's name.
            lines: `(n,)` line where each record begins.
            headers: Canonical column → its header in the file.
        """
        self.file = file
        self.lines = lines
        self._headers = headers or {}
        self.alive = np.ones(len(lines), dtype=bool)
        """`(n,)` records without a fault so far."""
        self._found: list[Reject] = []

    def add(
        self, bad: NDArray[np.bool_], code: str, column: str, reason: str, lengths: NDArray[np.integer] | None = None
    ) -> None:
        """Reject records.

        Args:
            bad: `(n,)` the records at fault.
            code: Stable name of the fault.
            column: Canonical name of the column at fault, or "".
            reason: One clause; `{}` in it stands for the record's length.
            lengths: `(n,)` length of each record's value, in characters.
        """
        new = np.flatnonzero(bad & self.alive)
        self.alive[new] = False
        header = self._headers.get(column, column)
        counts = [0] * len(new) if lengths is None else lengths[new].tolist()
        places = self.lines[new].tolist()
        self._found += [
            Reject(self.file, line, code, header, reason.format(f"{count:,}"))
            for line, count in zip(places, counts, strict=True)
        ]

    def add_outside(self, lines: Iterable[int], code: str, reasons: Iterable[str]) -> None:
        """Reject records that never became rows of the table, such as ragged ones."""
        self._found += [Reject(self.file, line, code, "", reason) for line, reason in zip(lines, reasons, strict=True)]

    def sorted(self) -> tuple[Reject, ...]:
        """All rejects of the file, by line."""
        return tuple(sorted(self._found))


def most_common(rejects: Sequence[Reject]) -> str:
    """The code that occurs most, ties by name, and its first line; empty for no rejects."""
    counts = Counter(reject.code for reject in rejects)
    if not counts:
        return ""
    code = min(counts, key=lambda code: (-counts[code], code))
    return f"{code}, first in line {min(reject.line for reject in rejects if reject.code == code):,}"


def write_rejects(rejects: Iterable[Reject], path: Path) -> None:
    """Write rejects as CSV with the header `file,line,code,column,reason`."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(HEADER)
        # A file's name is the only text here that we did not write: keep spreadsheets from running it.
        writer.writerows((_defused(reject.file), *reject[1:]) for reject in rejects)


def _defused(text: str) -> str:
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
