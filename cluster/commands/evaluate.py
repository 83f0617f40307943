"""`basketry evaluate`: how good the bundles are, on orders that no run saw."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from rich.table import Table as Shown

from cluster.commands.models import models_used
from cluster.commands.terminal import LiveProgress, err, out, print_json
from cluster.outputs import to_json_text
from cluster.session import RaySession
from configs.settings import Settings, load_settings
from pipeline.evaluation.table import Table, as_markdown
from pipeline.ingest.snapshot import to_day

if TYPE_CHECKING:
    from cluster.bill import Bill
    from pipeline.evaluation.arms import StoreEvaluation
    from pipeline.evaluation.curve import Point
    from pipeline.evaluation.signals import StoreSignals

What: TypeAlias = Literal["evaluation", "signals", "curve"]


def evaluate_command(
    folders: Sequence[Path], as_of: date | None, days: int | None, target: Path | None, what: What,
    flags: Mapping[str, Any], *, as_json: bool,
) -> int:  # fmt: skip
    """Evaluate one store, or several and all of them pooled: bundles, signals, or time against quality.

    Args:
        folders: One a store.
        as_of: Day of the cut.
        days: Length of the holdout.
        target: Where files go.
        what: Is measured.
        flags: Nested settings.
        as_json: Whether one JSON object is printed.
    """
    settings = load_settings(flags)
    used = models_used(settings)
    if not as_json:
        out.print(f"models: {used}", markup=False, soft_wrap=True)
    with LiveProgress(quiet=as_json) as progress:
        result, tables, picture = _evaluate(folders, as_of, days, what, settings, progress)
    if target:
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{what}.json").write_text(to_json_text(result), encoding="utf-8")
        (target / f"{what}.md").write_text("\n\n".join(map(as_markdown, tables)) + "\n", encoding="utf-8")
        (target / f"{what}.svg").write_bytes(picture)
    if as_json:
        print_json(result)
        return 0
    for table in tables:
        _show(table)
    if target:
        out.print(f"picture: {target / f'{what}.svg'}", markup=False)
    return 0


def _evaluate(
    folders: Sequence[Path], as_of: date | None, days: int | None, what: What, settings: Settings,
    progress: LiveProgress,
) -> tuple[dict[str, Any], list[Table], bytes]:  # fmt: skip
    with RaySession(settings.cluster) as session:
        from cluster.evaluation import Evaluator
        from cluster.uploads import take_upload
        from pipeline.evaluation.config import EvaluationConfig

        progress.phase("ingest", len(folders))
        snapshots = []
        for folder in folders:
            snapshots.append(take_upload(folder, folder.resolve().name, settings).snapshot)
            progress.step()
        session.wait()
        evaluator = Evaluator(settings, EvaluationConfig(window_days=settings.mining.window_days), progress)
        day = to_day(as_of) if as_of else None
        if what == "signals":
            result, tables, picture = _signals([evaluator.signals(snapshot, day, days) for snapshot in snapshots])
        elif what == "curve":
            result, tables, picture = _curve([evaluator.curve(snapshot, day, days) for snapshot in snapshots])
        else:
            result, tables, picture = _bundles([evaluator.evaluate(snapshot, day, days) for snapshot in snapshots])
        return result | {"models": _models(evaluator.bills)}, tables, picture


def _models(bills: "Mapping[str, Bill]") -> dict[str, Any]:
    """By store, what was asked of models; what they did not answer is said on a terminal too."""
    for store, bill in bills.items():
        for reason in bill.reasons:
            err.print(f"{store}: {reason['code']}: {reason['detail']}", markup=False, soft_wrap=True)
    return {store: bill.record | {"cost": bill.total, "reasons": list(bill.reasons)} for store, bill in bills.items()}


def _bundles(stores: "list[StoreEvaluation]") -> tuple[dict[str, Any], list[Table], bytes]:
    from pipeline.evaluation.picture import draw, render
    from pipeline.evaluation.pool import pool
    from pipeline.evaluation.table import tabulate, tabulate_sources, to_json

    pooled = pool(stores) if len(stores) > 1 else None
    parts: list[Any] = [*stores, *([pooled] if pooled else [])]
    result = {"stores": [to_json(store) for store in stores], "pooled": to_json(pooled) if pooled else None}
    by_source = [tabulate_sources(store) for store in stores if store.sources]
    return result, [*(tabulate(part) for part in parts), *by_source], render(draw(stores, pooled))


def _signals(stores: "list[StoreSignals]") -> tuple[dict[str, Any], list[Table], bytes]:
    from pipeline.evaluation.picture import render
    from pipeline.evaluation.signals_table import draw_signals, figures_of, signals_json, signals_table

    figures = figures_of(stores)
    return signals_json(stores, figures), [signals_table(stores, figures)], render(draw_signals(stores, figures))


def _curve(stores: "list[list[Point]]") -> tuple[dict[str, Any], list[Table], bytes]:
    from pipeline.evaluation.curve import curve_json, curve_of, curve_table, draw_curve
    from pipeline.evaluation.picture import render

    points = curve_of(stores)
    return (
        {"stores": len(stores), "points": curve_json(points)},
        [curve_table(points, len(stores))],
        render(draw_curve(points)),
    )


def _show(table: Table) -> None:
    """A column an arm, so that a table of many metrics fits a terminal; signals and runs, which are many, are rows."""
    if table.columns[0] != "Arm":
        _show_rows(table)
        return
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


def _show_rows(table: Table) -> None:
    shown = Shown(title=table.title, box=None, header_style="bold", pad_edge=False, title_justify="left")
    for place, title in enumerate(table.columns):
        shown.add_column(title.replace(" ", "\n", 1), justify="left" if not place else "right")
    for row in table.rows:
        shown.add_row(*(cell.replace(" [", "\n[").replace("[", "\\[") for cell in row))
    out.print(shown)
    for note in table.notes:
        out.print(f"  {note}", markup=False)
    out.print()
