"""The files of a run: bundles, record, plan, rejects and the report page."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.ingest.report import IngestReport


def write_outputs(
    folder: Path, bundles: Sequence[dict[str, Any]], record: dict[str, Any], report: IngestReport
) -> None:
    """Write all files of a run into `folder`, each whole or not at all.

    `bundles.json` holds no run id, time or cache state: the same run gives the same bytes.
    """
    from cluster.report.page import render_report

    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "bundles.json", to_json_text(bundles))
    write_text(folder / "run.json", to_json_text(record))
    write_text(folder / "plan.json", to_json_text(record["plan"]))
    report.write_rejects(folder / "rejects.csv")
    write_text(folder / "report.html", render_report(bundles, record))


def to_json_text(value: Any) -> str:
    """JSON as our files hold it: two spaces, real characters, keys in the order they were made."""
    return json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
