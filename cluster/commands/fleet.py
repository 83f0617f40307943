"""`basketry fleet run` and `basketry fleet status`."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from cluster.commands.fleet_live import LiveFleet
from cluster.commands.models import models_used
from cluster.commands.terminal import err, out, print_json
from configs.flags import merged
from configs.settings import Settings, given, load_settings
from pipeline.storage import Place

if TYPE_CHECKING:
    from cluster.database.values import FleetRow

WORST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class FleetRequest:
    """The flags of `basketry fleet run`; None leaves a setting as it is."""

    source: str
    resume: bool = False
    max_age: str = "24h"
    in_flight: int | None = None
    models: str | None = None
    base_url: str | None = None
    workers: int | None = None
    address: str | None = None
    out: Path | None = None
    data_dir: Place | None = None
    assignments: Mapping[str, Any] = field(default_factory=dict)

    def settings(self) -> Settings:
        """Settings with these flags on top."""
        flags = {
            "data_dir": self.data_dir,
            "fleet": {"in_flight": self.in_flight},
            "models": {"source": self.models and str(self.models), "base_url": self.base_url},
            "cluster": {"workers": self.workers, "address": self.address},
        }
        return load_settings(merged(self.assignments, given(flags)))


def fleet_run_command(request: FleetRequest, *, as_json: bool) -> int:
    """Run every store below a folder, write the files, say what came out."""
    settings = request.settings()
    used = models_used(settings)
    if not as_json:
        out.print(f"models: {used}", markup=False, soft_wrap=True)
    from cluster.fleet.rows import exit_code, fleet_json, overview, parse_age_s
    from cluster.session import RaySession

    max_age_s = parse_age_s(request.max_age)
    signal.signal(signal.SIGTERM, _interrupt)
    with RaySession(settings.cluster) as session:
        from cluster.database.database import Database
        from cluster.fleet.fleet import queue_runs, run_fleet
        from cluster.fleet.sources import find_stores

        stores = find_stores(request.source)
        runs = queue_runs(stores, settings)
        with Database(settings.database) as database, LiveFleet(runs, out=request.out, quiet=as_json) as live:
            database.prepare(upgrade_empty=True)
            session.wait()
            report = run_fleet(
                runs, settings, database, max_age_s=max_age_s if request.resume else None, observer=live,
                when_begun=live.begin,
            )  # fmt: skip
            session.close_soon()
            summary = overview(report.fleet, report.rows) | {
                "queued": report.begun.queued, "counts": report.counts, "models": used
            }  # fmt: skip
            if request.out:
                _write(request.out, report.rows, summary, database)
    summary["out"] = str(request.out) if request.out else None
    if as_json:
        print_json(summary | {"rows": fleet_json(report.rows)})
    else:
        _show(summary, report.rows)
    return exit_code(report.rows)


def _interrupt(number: int, frame: object) -> None:
    """End as Ctrl-C does: runs in hand go back into the queue at once, rather than when their leases end."""
    raise KeyboardInterrupt


def fleet_status_command(*, data_dir: Place | None, as_json: bool) -> int:
    """How far the newest fleet is."""
    from cluster.database.database import Database
    from cluster.fleet.rows import fleet_json, overview

    with Database(load_settings({"data_dir": data_dir}).database) as database:
        database.prepare()
        fleet = database.fleets.newest()
        rows = database.fleets.rows(fleet)
    summary = overview(fleet, rows)
    if as_json:
        print_json(summary | {"rows": fleet_json(rows)})
    else:
        _show(summary | {"out": None}, rows)
    return 0


def _write(folder: Path, rows: "list[FleetRow]", summary: dict[str, Any], database: Any) -> None:
    """`fleet.json`, `fleet.html`, and the bundles of stores that were not run again; those that were have theirs."""
    from cluster.fleet.page import render_fleet
    from cluster.fleet.rows import fleet_json
    from cluster.outputs import to_json_text, write_text

    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        path = folder / row.store / "bundles.json"
        if row.summary is not None and (row.is_reused or not path.exists()):
            path.parent.mkdir(exist_ok=True)
            write_text(path, to_json_text(database.for_store(row.store).bundles(row.run_id)))
    write_text(folder / "fleet.json", to_json_text(fleet_json(rows)))
    write_text(folder / "fleet.html", render_fleet(summary, rows))


def _show(summary: dict[str, Any], rows: "list[FleetRow]") -> None:
    states = ", ".join(f"{count:,} {state}" for state, count in summary["states"].items())
    reused = f" ({summary['reused']:,} not run again)" if summary["reused"] else ""
    rate = f", {summary['stores_per_s']:.1f} stores a second" if summary["stores_per_s"] else ""
    out.print(f"[bold]fleet {summary['fleet']}[/]: {summary['stores']:,} stores, {states}{reused}")
    out.print(f"{summary['bundles']:,} bundles from {summary['orders']:,} orders in {summary['seconds']:,.1f} s{rate}")
    bad = [row for row in rows if row.state in ("failed", "partial", "degraded", "cancelled")]
    if bad:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for name in ("store", "status", "why"):
            table.add_column(name, no_wrap=name != "why")
        for row in sorted(bad, key=lambda row: (row.state != "failed", row.store))[:WORST_SHOWN]:
            reasons = (row.summary or {}).get("reasons") or [{"code": row.state, "detail": row.error or ""}]
            why = "; ".join(f"{reason['code']}: {reason['detail']}" for reason in reasons)
            table.add_row(row.store, row.state, why.replace("[", "\\["))
        err.print(table)
        if len(bad) > WORST_SHOWN:
            err.print(f"and {len(bad) - WORST_SHOWN:,} more: `basketry fleet status --json` lists all")
    if summary["out"]:
        out.print(f"report: {Path(summary['out']) / 'fleet.html'}")
