"""Shards as actors: stores are placed by name, kept warm, and back after a shard was killed."""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psutil
import pytest
import ray

from actors.placement import ShardList
from cluster.database.database import Database
from cluster.run import RunReport, RunRequest, StoreRunner
from cluster.shards import ShardPool
from cluster.uploads import take_upload
from pipeline.errors import PlatformError
from tests.integration.conftest import FirstRun
from tests.support.runs import bundles_text, run_store, settings_for

pytestmark = pytest.mark.ray


@pytest.fixture
def database(first: FirstRun) -> Iterator[Database]:
    with Database(first.settings.database) as opened:
        yield opened


def run_on(pool: ShardPool, first: FirstRun, database: Database) -> RunReport:
    upload = take_upload(first.folder, "shop", first.settings)
    return StoreRunner(first.settings, database, shards=pool).run(RunRequest(upload.ref, rules=upload.rules))


def process_of(shard: Any) -> int:
    """The process that an actor lives in now."""
    return int(ray.get(shard.__ray_call__.remote(lambda _: os.getpid()), timeout=60))


def test_a_second_run_finds_the_store_warm(first: FirstRun, database: Database) -> None:
    pool = ShardPool(first.settings)
    run_on(pool, first, database)
    [cold] = pool.figures().values()

    again = run_on(pool, first, database)
    [warm] = pool.figures().values()

    assert bundles_text(again) == bundles_text(first.report)
    assert (cold.stores, cold.values, cold.misses) == (1, 2, 2)
    assert (warm.misses, warm.hits > cold.hits) == (cold.misses, True)
    assert cold.bytes > 100_000


def test_a_store_too_large_to_keep_is_served_with_the_same_bytes(first: FirstRun) -> None:
    settings = settings_for(first.settings.data_dir, cluster={"store_bytes": 1000})

    assert bundles_text(run_store(first.folder, settings)) == bundles_text(first.report)


def test_shards_are_started_for_the_stores_that_are_asked_for_and_growing_moves_only_those_it_must(
    first: FirstRun,
) -> None:
    pool = ShardPool(settings_for(first.settings.data_dir, cluster={"shards": 2}))
    stores = [f"store-{number}" for number in range(12)]
    before = {store: pool.shard_of(store)._actor_id for store in stores}
    old = pool.shards

    pool.resize(4)

    stayed = [store for store in stores if pool.shards.shard_of(store) in old.shards]
    assert pool.shards == replace(ShardList.of(4), version=2)
    assert len(set(before.values())) == 2
    assert 0 < len(stayed) < len(stores)
    assert all(pool.shard_of(store)._actor_id == before[store] for store in stayed)
    assert all(pool.shard_of(store)._actor_id not in before.values() for store in set(stores) - set(stayed))
    assert set(pool.figures(timeout_s=60)) == set(pool.shards.shards)


def test_a_shard_killed_between_runs_is_back_and_knows_the_store_again(first: FirstRun, database: Database) -> None:
    pool = ShardPool(first.settings)
    run_on(pool, first, database)
    shard = pool.shard_of("shop")
    killed = process_of(shard)

    psutil.Process(killed).kill()
    again = run_on(pool, first, database)

    assert process_of(shard) != killed
    assert bundles_text(again) == bundles_text(first.report)
    assert ray.get(shard.stores.remote(), timeout=60) == ["shop"]


def test_a_snapshot_of_another_store_is_refused(first: FirstRun, database: Database) -> None:
    upload = take_upload(first.folder, "shop", first.settings)
    stolen = replace(upload.ref, store="other")

    with pytest.raises(PlatformError, match="is of store 'shop', expected store 'other'"):
        StoreRunner(first.settings, database).run(RunRequest(stolen))
