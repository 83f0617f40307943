"""A synthetic store that went in by the front door, and its first run."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.synthetic import synthetic_store
from cluster.run import RunReport
from configs.settings import Settings
from pipeline.ingest.snapshot import Snapshot
from tests.support.runs import run_store, settings_for
from tests.support.tables import write_canonical


@dataclass(frozen=True)
class FirstRun:
    """A store, and what its first run came to."""

    snapshot: Snapshot
    folder: Path
    settings: Settings
    report: RunReport


@pytest.fixture(scope="session")
def first(ray_local: str, tmp_path_factory: pytest.TempPathFactory) -> FirstRun:
    """The first run of a store of 4,000 orders; later runs of it find its texts embedded."""
    home = tmp_path_factory.mktemp("first")
    snapshot = synthetic_store(orders=4000, products=260, seed=3)
    folder = write_canonical(snapshot, home / "shop")
    settings = settings_for(home / "data")
    return FirstRun(snapshot, folder, settings, run_store(folder, settings))
