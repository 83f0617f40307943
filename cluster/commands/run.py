"""`basketry run` and `basketry demo`."""

import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from cluster.commands.models import models_used
from cluster.commands.terminal import LiveProgress, err, out, print_json
from configs.flags import merged
from configs.settings import Settings, given, load_settings
from pipeline.context.rules_config import RulesConfig
from pipeline.errors import SettingsError
from pipeline.ingest.snapshot import to_day
from pipeline.storage import Place

if TYPE_CHECKING:
    from pipeline.plan import Plan

EXIT_CODES = {"succeeded": 0, "failed": 1, "degraded": 3, "partial": 4}

DEMO_STORE = Path(__file__).resolve().parents[2] / "configs" / "demo_store"


@dataclass(frozen=True, slots=True)
class Request:
    """The flags of `basketry run`; None leaves a setting as it is."""

    folder: Path
    store: str | None = None
    mode: str | None = None
    budget: str | None = None
    limit: int | None = None
    as_of: date | None = None
    plan: Path | None = None
    models: str | None = None
    base_url: str | None = None
    workers: int | None = None
    fanout: str | None = None
    address: str | None = None
    out: Path | None = None
    data_dir: Place | None = None
    assignments: Mapping[str, Any] = field(default_factory=dict)
    """Any settings, nested; the flags of their own go before them."""
    rules: RulesConfig = field(default_factory=RulesConfig)
    """Added to the rules of the settings."""

    def settings(self) -> Settings:
        """Settings with these flags on top."""
        flags = {
            "data_dir": self.data_dir,
            "plan": {"mode": self.mode and str(self.mode), "deadline_ms": parse_duration_ms(self.budget)},
            "portfolio": {"limit": self.limit},
            "models": {"source": self.models and str(self.models), "base_url": self.base_url},
            "cluster": {"workers": self.workers, "fanout": self.fanout and str(self.fanout), "address": self.address},
        }  # fmt: skip
        settings = load_settings(merged(self.assignments, given(flags)))
        return settings.model_copy(update={"rules": settings.rules.joined(self.rules)})

    @property
    def store_name(self) -> str:
        """The store's name: given, or the folder's."""
        return self.store or self.folder.resolve().name


def parse_duration_ms(text: str | None) -> int | None:
    """Milliseconds of a duration such as `12s`, `1.5s` or `800ms`.

    >>> parse_duration_ms("1.5s"), parse_duration_ms("800ms")
    (1500, 800)
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", text.strip())
    if not found or float(found[1]) <= 0:
        raise SettingsError(f"--budget {text!r} is no duration; expected one such as 12s or 800ms")
    return max(1, round(float(found[1]) * (1 if found[2] == "ms" else 1000)))


def demo_command(
    out_dir: Path, models: str | None, base_url: str | None, *, data_dir: Place | None, as_json: bool
) -> int:
    """Run the sample store and say where to look."""
    request = Request(DEMO_STORE, "demo", out=out_dir, models=models, base_url=base_url, data_dir=data_dir)
    return run_command(request, as_json=as_json)


def run_command(request: Request, *, as_json: bool) -> int:
    """Ingest, run, write the files, say what came out."""
    settings = request.settings()
    used = models_used(settings)
    if not as_json:
        out.print(f"models: {used}", markup=False, soft_wrap=True)
    started = time.perf_counter()
    with LiveProgress(quiet=as_json) as progress:
        summary, bundles = _run(request, settings, progress)
    summary["timings_ms"]["command"] = round(1000 * (time.perf_counter() - started), 1)
    if as_json:
        print_json(summary | {"models": used})
    else:
        _show(summary, bundles)
    return EXIT_CODES[summary["status"]]


def _run(request: Request, settings: Settings, progress: LiveProgress) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    from cluster.session import RaySession

    plan = _pinned(request.plan)
    with RaySession(settings.cluster) as session:
        progress.phase("starting Ray")
        started = time.perf_counter()
        session.wait()
        ray_start_ms = round(1000 * (time.perf_counter() - started), 1)
        # Shard and workers start while the files are read and what else is needed is imported: that is most of it.
        from cluster.shards import ShardPool

        shards = ShardPool(settings).prepare(request.store_name)
        progress.phase("ingest")
        from cluster.outputs import write_outputs
        from cluster.uploads import take_upload

        started = time.perf_counter()
        upload = take_upload(request.folder, request.store_name, settings)
        ingest_ms = round(1000 * (time.perf_counter() - started), 1)
        from cluster.database.database import Database
        from cluster.metrics import record_ingest
        from cluster.run import RunRequest, StoreRunner

        with Database(settings.database) as database:
            database.prepare(upgrade_empty=True)
            record_ingest(upload.report.to_json())
            as_of = to_day(request.as_of) if request.as_of else None
            runner = StoreRunner(settings, database, progress, shards)
            report = runner.run(RunRequest(upload.ref, as_of, plan, upload.rules))
        session.close_soon()
        record = report.record | {
            "ingest": upload.report.to_json(),
            "ray_start_ms": ray_start_ms,
            "ingest_ms": ingest_ms,
        }
        bundles = [bundle.to_json() for bundle in report.bundles]
        if request.out:
            progress.phase("report")
            write_outputs(request.out, bundles, record, upload.report)
    return {
        "run_id": report.run_id,
        "status": report.status,
        "store": request.store_name,
        "bundles": len(bundles),
        "candidates": record["candidates_generated"],
        "timings_ms": record["phase_timings"] | {"ingest": ingest_ms, "ray_start": ray_start_ms},
        "reasons": record["reasons"],
        "out": str(request.out) if request.out else None,
    }, bundles


def _pinned(path: Path | None) -> "Plan | None":
    """The plan in a file."""
    if path is None:
        return None
    from pipeline.plan import Plan

    try:
        return Plan.model_validate_json(path.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"--plan {path}: no plan.json of a run ({str(error).splitlines()[0]})") from None


def _show(summary: dict[str, Any], bundles: list[dict[str, Any]]) -> None:
    width = shutil.get_terminal_size((120, 40)).columns
    table = Table(box=None, header_style="bold", pad_edge=False, width=min(width, 140))
    for name, justify in (
        ("#", "right"),
        ("for", "left"),
        ("type", "left"),
        ("bundle", "left"),
        ("price", "right"),
        ("off", "right"),
        ("score", "right"),
    ):
        table.add_column(name, justify=justify, no_wrap=name != "bundle")  # type: ignore[arg-type]
    for bundle in bundles[:20]:
        offer = bundle["offer"]
        table.add_row(
            str(bundle["rank"]), bundle["objective"], bundle["type"], bundle["name"].replace("[", "\\["),
            f"{offer['price']} {offer['currency']}", f"{offer['discount_pct']} %", f"{bundle['score']:.3f}",
        )  # fmt: skip
    if bundles:
        out.print(table)
    more = f" ({len(bundles) - 20} more in bundles.json)" if len(bundles) > 20 else ""
    timings = summary["timings_ms"]
    out.print(
        f"\n[bold]{summary['store']}[/]: {summary['status']}, {summary['bundles']} bundles{more} of "
        f"{summary['candidates']:,} candidates in {timings['total'] / 1000:.2f} s"
        f" (ingest {timings['ingest'] / 1000:.2f} s, Ray {timings['ray_start'] / 1000:.1f} s)"
    )
    for reason in summary["reasons"]:
        err.print(f"  {reason['code']}: {reason['detail']}".replace("[", "\\["))
    if summary["out"]:
        report = Path(summary["out"]) / "report.html"
        out.print(
            f"report: {report}\nrun:    {summary['run_id']}  "
            f"(basketry why BUNDLE, basketry why-not {summary['run_id']} SKU SKU)"
        )
