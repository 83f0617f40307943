"""Runs inside the test's own process, on a Ray that several tests share."""

from pathlib import Path
from typing import Any

from cluster.database.database import Database
from cluster.outputs import to_json_text
from cluster.run import RunReport, RunRequest, StoreRunner
from cluster.uploads import take_upload
from configs.settings import Settings, load_settings
from pipeline.plan import Plan
from pipeline.storage import Place


def settings_for(data_dir: Place, **settings: Any) -> Settings:
    """Settings with a data folder of their own."""
    return load_settings({"data_dir": data_dir, **settings})


def run_store(
    folder: Path, settings: Settings, *, store: str = "shop", plan: Plan | None = None, as_of: int | None = None
) -> RunReport:
    """Ingest a folder and run it, as `basketry run` does."""
    upload = take_upload(folder, store, settings)
    with Database(settings.database) as database:
        database.prepare(upgrade_empty=True)
        return StoreRunner(settings, database).run(RunRequest(upload.ref, as_of, plan, upload.rules))


def bundles_text(report: RunReport) -> str:
    """`bundles.json` of a run."""
    return to_json_text([bundle.to_json() for bundle in report.bundles])
