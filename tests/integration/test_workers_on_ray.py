"""Workers are made ready ahead: at first one less, so that the shard has a CPU; small work waits for no other."""

import pytest
import ray

from cluster.fanout import ALONE_MS
from cluster.workers import START_MS, Workers
from configs.settings import ClusterConfig

FEW, MANY = 3, round(START_MS / ALONE_MS)

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_local")]


def test_a_first_small_run_has_a_worker_less_than_the_next() -> None:
    workers = Workers(ClusterConfig())

    workers.warm()
    first = workers.at_once(32, FEW)
    workers.warm()
    second = workers.at_once(32, FEW)

    assert ray.cluster_resources()["CPU"] == 2  # type: ignore[no-untyped-call]
    assert (first, second) == (1, 32)


def test_much_work_is_worth_starting_all_workers() -> None:
    workers = Workers(ClusterConfig())

    workers.warm()

    assert workers.at_once(32, MANY) == 32


def test_no_more_tasks_are_in_flight_than_are_asked_for() -> None:
    workers = Workers(ClusterConfig())

    workers.warm()

    assert workers.at_once(1, MANY) == workers.at_once(1, FEW) == 1


def test_without_tasks_nobody_is_waited_for_in_vain() -> None:
    workers = Workers(ClusterConfig())

    workers.warm()

    assert workers.at_once(32, 0) == 1
