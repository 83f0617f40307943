"""`basketry evaluate`: how good the bundles are, on orders that no run saw."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rich.table import Table as Shown

from cluster.commands.terminal import LiveProgress, out, print_json
from cluster.outputs import to_json_text
from cluster.session import RaySession
from configs.settings import Settings, load_settings
from pipeline.evaluation.table import Table
from pipeline.ingest.snapshot import to_day


def evaluate_command(
    folders: Sequence[Path], as_of: date | None, days: int | None, target: Path | None, *, workers: int | None,
    address: str | None, data_dir: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Evaluate one store, or several and all of them pooled."""
    settings = load_settings({"data_dir": data_dir, "cluster": {"workers": workers, "address": address}})
    with LiveProgress(quiet=as_json) as progress:
        result, tables, picture = _evaluate(folders, as_of, days, settings, progress)
    if target:
        target.mkdir(parents=True, exist_ok=True)
        (target / "evaluation.json").write_text(to_json_text(result), encoding="utf-8")
        (target / "evaluation.svg").write_bytes(picture)
    if as_json:
        print_json(result)
        return 0
    for table in tables:
        _show(table)
    if target:
        out.print(f"picture: {target / 'evaluation.svg'}", markup=False)
    return 0


def _evaluate(
    folders: Sequence[Path], as_of: date | None, days: int | None, settings: Settings, progress: LiveProgress
) -> tuple[dict[str, Any], list[Table], bytes]:
    with RaySession(settings.cluster) as session:
        from cluster.evaluation import Evaluator
        from cluster.uploads import take_upload
        from pipeline.evaluation.config import EvaluationConfig
        from pipeline.evaluation.picture import draw, render
        from pipeline.evaluation.pool import pool
        from pipeline.evaluation.table import tabulate, to_json

        progress.phase("ingest", len(folders))
        snapshots = []
        for folder in folders:
            snapshots.append(take_upload(folder, folder.resolve().name, settings).snapshot)
            progress.step()
        session.wait()
        evaluator = Evaluator(settings, EvaluationConfig(window_days=settings.mining.window_days), progress)
        day = to_day(as_of) if as_of else None
        stores = [evaluator.evaluate(snapshot, day, days) for snapshot in snapshots]
    pooled = pool(stores) if len(stores) > 1 else None
    parts: list[Any] = [*stores, *([pooled] if pooled else [])]
    result = {"stores": [to_json(store) for store in stores], "pooled": to_json(pooled) if pooled else None}
    return result, [tabulate(part) for part in parts], render(draw(stores, pooled))


def _show(table: Table) -> None:
    """A column an arm, so that a table of many metrics fits a terminal."""
    shown = Shown(title=table.title, box=None, header_style="bold", pad_edge=False, title_justify="left")
    shown.add_column("", no_wrap=True)
    for row in table.rows:
        shown.add_column(row[0].replace(" ", "\n", 1), justify="right", no_wrap=True)
    for place, metric in enumerate(table.columns[1:], 1):
        cells = [row[place].replace(" [", "\n[").replace("[", "\\[") for row in table.rows]
        shown.add_row(metric, *cells)
    out.print(shown)
    for note in table.notes:
        out.print(f"  {note}", markup=False)
    out.print()
