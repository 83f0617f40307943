"""`python -m benchmarks.replaced`: the three benchmarks that the replaced system had, on ours.

Sources that wait 400 ms each, asked combo by combo in tasks side by side and one after the other: parallel must take
less than 0.7 of the time and find the same. A store of 500 orders and 200 products, far under 30 s. A store of 5,000
orders and 1,000 products, ten times.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import ray
from rich.console import Console

from benchmarks.inline import load
from benchmarks.measure import Figure, load_average
from benchmarks.report import print_part
from benchmarks.runs import Bench
from benchmarks.stores import Subject, on_disk, seeded
from cluster.database.database import Database
from cluster.fanout import fan_out
from cluster.session import RaySession
from cluster.tasks import evaluate_combos
from configs.settings import load_settings
from pipeline.candidates import ladder
from pipeline.candidates.frame import Proposals
from pipeline.candidates.sources import PROPOSERS, Proposer
from pipeline.combo import ComboResult
from pipeline.config import RunConfig
from pipeline.context.store import StoreContext, prepare
from pipeline.generate import plan_for
from pipeline.plan import Plan
from pipeline.terms import Combo

PART = "what the replaced system measured"
LATENCY_S = 0.4
COMBOS = 12
SHARE = 0.7
WHOLE_S = 30.0
ITERATIONS = 10


def _slowed(row: Proposer) -> Proposer:
    """A source that answers as late as one across a network."""

    def propose(context: StoreContext, combo: Combo, wanted: int) -> Proposals:
        time.sleep(LATENCY_S)
        return row.propose(context, combo, wanted)

    return replace(row, propose=propose)


@ray.remote(num_cpus=0)
def evaluate_slowly(context: StoreContext, combos: Sequence[Combo], plan: Plan, config: RunConfig) -> list[ComboResult]:
    """Phase 1 for some combos, all its sources slow. Waiting takes no core, so tasks of it ask for none."""
    with patch.object(ladder, "PROPOSERS", tuple(_slowed(row) for row in PROPOSERS)):
        return evaluate_combos(context, combos, plan, config, float("inf"))


def slow_sources(context: StoreContext, config: RunConfig) -> Figure:
    """The time of combos side by side over that of one after the other.

    Raises:
        AssertionError: they did not find the same.
    """
    plan, shared = plan_for(context, config), ray.put(context)
    combos = [[combo] for combo in plan.admitted[:COMBOS]]

    def timed(in_flight: int) -> tuple[float, dict[Combo, ComboResult]]:
        begun = time.perf_counter()
        done = fan_out(
            combos, lambda some: evaluate_slowly.remote(shared, some, plan, config), in_flight=in_flight, wait_s=600.0
        )
        found = [result for _, reference in done for result in ray.get(reference)]
        return time.perf_counter() - begun, {result.combo: result for result in found}

    timed(COMBOS)  # workers import what they need
    parallel_s, parallel = timed(COMBOS)
    sequential_s, sequential = timed(1)
    assert parallel.keys() == sequential.keys()
    assert all(_items(parallel[combo]) == _items(sequential[combo]) for combo in parallel), "other candidates"
    about = f"{COMBOS} combos, each source {1000 * LATENCY_S:.0f} ms"
    return Figure(PART, about, "side by side / in turn", "×", (parallel_s / sequential_s,), SHARE)


def _items(result: ComboResult) -> list[list[int]]:
    return np.asarray(result.judged.found.items).tolist() if result.judged else []


def whole_runs(bench: Bench, store: Subject, times: int, target: float | None) -> Figure:
    """Whole runs with a fresh context."""
    bench.warm(store)
    seconds = tuple(bench.run(store.moved(bench.shelf, repeat))["total"] for repeat in range(times))
    return Figure(PART, store.name, f"a run, {times} of them", "s", seconds, target)


def main() -> None:
    print("load average", load_average())
    with TemporaryDirectory(prefix="basketry-replaced-") as name:
        settings = load_settings({"data_dir": Path(name).resolve()})
        small, large = seeded(500, 200, settings), seeded(5_000, 1_000, settings)
        with RaySession(settings.cluster) as session, Database(settings.database) as database:
            database.prepare(upgrade_empty=True)
            session.wait()
            bench = Bench(settings, database, on_disk(settings.data_dir) / "shelf", ITERATIONS)
            figures = [whole_runs(bench, small, 3, WHOLE_S), whole_runs(bench, large, ITERATIONS, None)]
            snapshot, vectors = load(small.ref, settings)
            context = prepare(snapshot, vectors, snapshot.default_as_of, settings.run.context)
            figures.append(slow_sources(context, settings.run))
    print_part(Console(width=140), PART, figures)
    print("load average", load_average())


if __name__ == "__main__":
    main()
