"""What Ray adds to a fan-out: the number in flight, the order of completion, waits that end."""

import time
from typing import Any

import pytest
import ray

from cluster.fanout import fan_out

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_local")]


@ray.remote(num_cpus=0)
class Gauge:
    """How many tasks were under way at once."""

    def __init__(self) -> None:
        self.now, self.most = 0, 0

    def change(self, by: int) -> int:
        self.now += by
        self.most = max(self.most, self.now)
        return self.most


@ray.remote(num_cpus=0.1)
def nap(seconds: float, gauge: Any = None) -> float:
    if gauge is not None:
        ray.get(gauge.change.remote(1))
    time.sleep(seconds)
    if gauge is not None:
        ray.get(gauge.change.remote(-1))
    return seconds


@pytest.fixture(scope="module", autouse=True)
def _workers_are_there(ray_local: str) -> None:
    """A first task pays for starting its worker; it must not decide who is first."""
    ray.get([nap.remote(0.2) for _ in range(4)])


def test_no_more_tasks_are_submitted_than_may_be_in_flight() -> None:
    gauge: Any = Gauge.remote()  # type: ignore[attr-defined]
    submitted: list[int] = []
    open_at_submission: list[int] = []
    done = 0

    def submit(item: int) -> Any:
        submitted.append(item)
        open_at_submission.append(len(submitted) - done)
        return nap.remote(0.02, gauge)

    for _ in fan_out(range(12), submit, in_flight=3, wait_s=30):
        done += 1

    assert submitted == list(range(12))
    assert max(open_at_submission) == 3
    assert 1 < ray.get(gauge.change.remote(0)) <= 3


def test_results_come_in_order_of_completion_with_their_items() -> None:
    slow_first = [1.5, 0.05, 0.6]

    got = [(item, ray.get(reference)) for item, reference in fan_out(slow_first, nap.remote, in_flight=3, wait_s=30)]

    assert got == [(0.05, 0.05), (0.6, 0.6), (1.5, 1.5)]


def test_a_task_that_never_ends_is_a_timeout_that_says_so() -> None:
    waits = fan_out([30.0], nap.remote, in_flight=1, wait_s=0.3)

    with pytest.raises(TimeoutError, match=r"no task of 1 finished within 0.3 s"):
        next(waits)


def test_once_nothing_may_start_what_runs_is_still_taken() -> None:
    started: list[float] = []

    def submit(item: float) -> Any:
        started.append(item)
        return nap.remote(item)

    got = [item for item, _ in fan_out([0.01] * 5, submit, in_flight=2, wait_s=30, may_start=lambda: len(started) < 2)]

    assert started == got == [0.01, 0.01]


def test_a_task_that_fails_is_handed_over_with_its_item() -> None:
    @ray.remote(num_cpus=0.1, max_retries=0)
    def fail(item: int) -> int:
        if item == 1:
            raise ValueError("one is too few")
        return item

    outcomes = {}
    for item, reference in fan_out([0, 1, 2], fail.remote, in_flight=3, wait_s=30):
        try:
            outcomes[item] = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            outcomes[item] = str(error.cause)

    assert outcomes == {0: 0, 1: "one is too few", 2: 2}


def test_nothing_to_do_is_done_at_once() -> None:
    assert list(fan_out([], nap.remote, in_flight=4, wait_s=1)) == []
