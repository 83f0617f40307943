"""What a fleet's benchmarks reckon with."""

import pytest

from benchmarks.fleet_memory import Watched
from benchmarks.fleet_nodes import play, scale


def test_a_fleet_without_a_bottleneck_takes_its_work_over_its_workers() -> None:
    played = play([1.0] * 64, nodes=4, serial_s=0.0)

    assert played.seconds == 8.0
    assert played.busy == 1.0
    assert (played.dwell_p50_s, played.dwell_p95_s) == (4.0, 7.0)


def test_what_a_store_costs_the_coordinator_bounds_a_fleet_whatever_its_nodes() -> None:
    costs = [1.0] * 1_000

    many, more = play(costs, nodes=64, serial_s=0.02), play(costs, nodes=1_024, serial_s=0.02)

    assert many.seconds == pytest.approx(1_000 * 0.02 + 1.0)
    assert more.seconds == pytest.approx(many.seconds)


def test_more_nodes_never_take_longer() -> None:
    played = scale([0.1, 0.2, 3.0], stores=500, serial_s=0.001)

    times = [row.seconds for row in played]
    assert times == sorted(times, reverse=True)
    assert all(0 < row.busy <= 1 for row in played)


def test_memory_that_stays_is_flat_and_memory_that_leaks_is_not() -> None:
    flat = Watched(samples=[(float(at), 2.0) for at in range(50)])
    leak = Watched(samples=[(float(at), 1.0 + at / 10) for at in range(50)])

    assert (flat.peak_gb, flat.growth()) == (2.0, 1.0)
    assert leak.growth() > 2
