"""What happened to a store's files, as numbers and sentences, without a word of personal data."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.ingest.baskets import Unmatched
from pipeline.ingest.rejects import Reject, write_rejects


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file. `accepted + rejected = records`, always."""

    file: str
    table: str
    """`orders`, `products`, `inventory`, `rules`, `assortment`, or empty for a file that was passed over."""
    layout: str
    """The vendor whose layout it has."""
    encoding: str
    delimiter: str
    records: int
    accepted: int
    rejected: int
    notes: tuple[str, ...]


def no_table(file: str, note: str) -> FileReport:
    """The line of a file that was not read."""
    return FileReport(file, "", "", "", "", 0, 0, 0, (note,))


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What was read, taken, refused and left over."""

    files: tuple[FileReport, ...]
    rejects: tuple[Reject, ...]
    """By file, then line."""
    unmatched: tuple[Unmatched, ...]
    """SKUs and titles of demand lines without a product, most lines first."""
    unmatched_lines: int
    """Demand lines without a product, those past the end of `unmatched` included."""
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as plain values; rejects are counted by code (their list is the CSV)."""
        codes = sorted({reject.code for reject in self.rejects})
        return {
            "files": [asdict(file) | {"notes": list(file.notes)} for file in self.files],
            "records": sum(file.records for file in self.files),
            "accepted": sum(file.accepted for file in self.files),
            "rejected": len(self.rejects),
            "rejected_by_code": {code: sum(reject.code == code for reject in self.rejects) for code in codes},
            "unmatched_lines": self.unmatched_lines,
            "unmatched": [entry._asdict() for entry in self.unmatched],
            "notes": list(self.notes),
        }

    def write_rejects(self, path: Path) -> None:
        """Write the rejected records as CSV with the header `file,line,code,column,reason`."""
        write_rejects(self.rejects, path)
