"""Runs whose data folder is a prefix of an object store."""

from pathlib import Path

import pytest

from actors.places import open_folder
from cluster.database.database import Database
from cluster.stored import open_run
from configs.settings import Settings
from pipeline.storage import Uri
from tests.integration.conftest import FirstRun
from tests.support.object_store import s3_server
from tests.support.runs import bundles_text, run_store, settings_for

pytestmark = pytest.mark.ray


def settings_at(uri: Uri, folder: Path) -> Settings:
    return settings_for(uri / "data", database_url=f"sqlite:///{folder / 'runs.db'}")


def test_a_run_on_an_object_store_gives_the_same_bytes_and_can_be_opened_again(first: FirstRun, tmp_path: Path) -> None:
    with s3_server() as uri:
        settings = settings_at(uri, tmp_path)

        cold = run_store(first.folder, settings)
        warm = run_store(first.folder, settings)
        with Database(settings.database) as database:
            reopened = open_run(database.find_run(cold.run_id), settings).recompute()
        shelf = open_folder(uri / "data" / "stores" / "shop" / "snapshots" / cold.record["snapshot"]["sha256"])

        assert bundles_text(cold) == bundles_text(warm) == bundles_text(first.report)
        assert [bundle.id for bundle in reopened.bundles] == [bundle.id for bundle in first.report.bundles]
        assert (cold.record["first_embedding"]["texts"] > 0, warm.record["first_embedding"]) == (True, None)
        assert shelf.names() == [
            "catalog.parquet", "categories.parquet", "customers.parquet", "lines.parquet", "orders.parquet",
            "snapshot.json", "vendors.parquet",
        ]  # fmt: skip
