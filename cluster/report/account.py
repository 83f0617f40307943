"""What a run read, how long it took and what it was set to, each section a function of the run's record."""

from collections.abc import Mapping
from typing import Any

from cluster.report.figures import ABSENT, bar, count, duration, number, percent, ratio, short_hash
from pipeline.offers.english import counted

Record = Mapping[str, Any]


def timings(record: Record) -> list[dict[str, Any]]:
    """Phases in the order they ran, as bars of the whole run."""
    phases = {
        str(name).removesuffix("_ms").replace("_", " "): number(value)
        for name, value in (record.get("phase_timings") or {}).items()
    }
    total = phases.pop("total", None) or sum(value or 0 for value in phases.values())
    return [
        {"name": name.capitalize(), "time": duration(value), "bar": bar(value, total, percent((value or 0) / total))}
        for name, value in phases.items()
        if value is not None and total
    ]


def around(record: Record) -> list[tuple[str, str]]:
    """What a run cost besides its phases, and what it was set to."""
    embedding, cost, budget = (record.get(key) or {} for key in ("first_embedding", "cost", "time_budget"))
    rows = [
        ("Deadline", duration(budget.get("target_ms")) if budget.get("target_ms") else ""),
        ("Reading the files", duration(record.get("ingest_ms")) if record.get("ingest_ms") is not None else ""),
        ("Starting Ray", duration(record.get("ray_start_ms")) if record.get("ray_start_ms") is not None else ""),
        ("First embedding", _embedding(embedding)),
        ("Model cost", f"{count(cost.get('tokens'))} tokens, ${cost.get('usd')}" if cost else ""),
        ("Portfolio", str((record.get("portfolio") or {}).get("method") or "")),
        *((name.replace("_", " "), str(value)) for name, value in (record.get("switches") or {}).items()),
        ("Snapshot", short_hash((record.get("snapshot") or {}).get("sha256"))),
        ("Settings", short_hash(record.get("settings_sha256"))),
        ("Code", str(record.get("code_version") or "")),
    ]  # fmt: skip
    return [(name, text) for name, text in rows if text and text != ABSENT]


def _embedding(embedding: Record) -> str:
    return f"{count(embedding.get('texts'))} texts in {ratio(embedding.get('seconds'), 1)} s" if embedding else ""


def sources(record: Record) -> list[dict[str, Any]]:
    """Sources by what they found; one that failed says why."""
    found = record.get("sources") or {}
    most = max((number(row.get("candidates")) or 0 for row in found.values()), default=0)
    return [
        {
            "name": name.replace("_", " ").capitalize(),
            "bar": bar(row.get("candidates"), most, count(row.get("candidates"))),
            "time": duration(row.get("duration_ms")),
            "error": row.get("error") or "",
        }
        for name, row in found.items()
    ]


def ingest(report: Record) -> dict[str, Any]:
    """Files with what was taken and refused, reject codes, and lines that mean no product."""
    codes = report.get("reject_codes") or report.get("rejected_by_code") or {}
    unmatched = list(report.get("unmatched") or ())
    return {
        "files": [_file(row) for row in report.get("files") or ()],
        "codes": [(str(code).replace("_", " "), count(number_of)) for code, number_of in codes.items()],
        "unmatched": [
            {
                "name": row.get("title") or row.get("sku") or ABSENT,
                "sku": row.get("sku") or "",
                "lines": count(row.get("lines")),
            }
            for row in unmatched[:10]
        ],
        "unmatched_lines": counted(int(report.get("unmatched_lines") or 0), "order line"),
        "has_unmatched": bool(report.get("unmatched_lines")),
        "notes": [str(note) for note in report.get("notes") or ()],
    }


def _file(row: Record) -> dict[str, Any]:
    layout = " ".join(str(row[key]) for key in ("layout", "table") if row.get(key))
    return {
        "file": row.get("file") or ABSENT,
        "layout": layout or "passed over",
        "records": count(row.get("records")),
        "accepted": count(row.get("accepted")),
        "rejected": count(row.get("rejected")),
        "notes": [str(note) for note in row.get("notes") or ()],
    }
