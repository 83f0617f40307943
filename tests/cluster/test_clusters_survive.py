"""A cluster that loses a node with its objects, or its head: the fleet's bundles are those of an undisturbed one."""

import shutil
from pathlib import Path

import pytest

from tests.support.disturbed import QUICK, SPREAD_OUT, STORES, Fleet
from tests.support.processes import finish
from tests.support.redis_server import redis_server
from tests.support.several_nodes import Nodes, several_nodes

pytestmark = [pytest.mark.ray, pytest.mark.cluster]

PATIENT = (*QUICK, "--set", "fleet.max_attempts=8", "--set", "cluster.shared_data_dir=true")
GIVES_UP_SOON = {"RAY_gcs_rpc_server_reconnect_timeout_s": "5"}


def on(nodes: Nodes, undisturbed: Fleet, home: Path) -> Fleet:
    """The same stores on another cluster, not run yet; their texts are embedded."""
    fleet = undisturbed.but(home=home, address=nodes.address, env=nodes.env, flags=PATIENT)
    return fleet.with_vectors_of(undisturbed)


@pytest.mark.parametrize("count", [2, 4])
def test_every_node_works_and_a_fleet_that_is_resumed_redoes_nothing(
    undisturbed: Fleet, tmp_path: Path, count: int
) -> None:
    with several_nodes(count) as nodes:
        fleet = undisturbed.but(home=tmp_path / "fleet", address=nodes.address, env=nodes.env, flags=PATIENT)
        finished = fleet.run("--in-flight", 2 * count)
        records = fleet.records()
        resumed = fleet.run("--resume")

    assert finished.code == resumed.code == 0, finished.err
    assert fleet.bundles() == undisturbed.bundles()
    combos = {row["worker"] for record in records for row in record["combos_evaluated"] if row.get("worker")}
    batches = {worker for record in records for worker in record["first_embedding"]["workers"]}
    assert len(nodes_of(combos)) == count
    assert nodes_of(batches) == nodes_of(combos)
    assert resumed.json["reused"] == STORES
    assert fleet.records() == records


def nodes_of(workers: set[str]) -> set[str]:
    """The nodes of workers that are named `host:process:node`."""
    return {worker.rpartition(":")[2] for worker in workers}


def test_a_node_that_is_lost_with_its_objects_is_made_up_for(undisturbed: Fleet, tmp_path: Path) -> None:
    with several_nodes(2) as nodes:
        fleet = on(nodes, undisturbed, tmp_path / "fleet")
        process = fleet.start(*SPREAD_OUT)
        fleet.wait_for("succeeded")
        nodes.remove_one()

        finished = finish(process)

    assert finished.code == 0, finished.err
    assert fleet.bundles() == undisturbed.bundles()


def test_without_its_head_a_fleet_ends_and_another_cluster_finishes_it(
    undisturbed: Fleet, ray_local: str, tmp_path: Path
) -> None:
    with several_nodes(1, **GIVES_UP_SOON) as nodes:
        fleet = on(nodes, undisturbed, tmp_path / "fleet")
        process = fleet.start(env=GIVES_UP_SOON)
        fleet.wait_for("succeeded")
        nodes.kill_head()

        lost = finish(process)

    before = fleet.kept()
    resumed = fleet.but(address=ray_local, env={}).run("--resume")

    assert lost.code != 0
    assert resumed.code == 0, resumed.err
    assert before.items() <= fleet.kept().items()
    assert fleet.bundles() == undisturbed.bundles()


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not there: no head outlives itself")
def test_with_redis_a_head_that_starts_again_is_hardly_noticed(undisturbed: Fleet, tmp_path: Path) -> None:
    with redis_server() as address, several_nodes(1, RAY_REDIS_ADDRESS=address) as nodes:
        fleet = on(nodes, undisturbed, tmp_path / "fleet")
        process = fleet.start()
        fleet.wait_for("succeeded")
        nodes.kill_head()
        nodes.start_head()

        finished = finish(process)

    assert finished.code == 0, finished.err
    assert fleet.bundles() == undisturbed.bundles()
