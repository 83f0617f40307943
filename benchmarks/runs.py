"""Runs on a warm Ray by size of store, beside the same run without Ray and beside the system it replaces."""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import psutil

from benchmarks.control import run_control
from benchmarks.inline import load, run_inline
from benchmarks.measure import Figure
from benchmarks.stores import Subject
from cluster.database.database import Database
from cluster.run import RunReport, RunRequest, StoreRunner
from configs.settings import Settings

TARGETS = {"germany": 0.8, "united_kingdom_60d": 2.5, "synthetic-5000x1000": 1.0}
"""Seconds a whole run with a fresh context may take on two cores."""
TIMES_FASTER = {"germany": 20.0}
"""How many times the speed of the control is wanted."""
TAX_MS, TAX_SHARE = 100.0, 0.15
"""What Ray may cost a run: the larger of the two."""
WORKER_MB = 200.0

PHASES = ("loading", "context", "candidates", "optimisation and words", "storage", "total")


class Bench:
    """Measures stores on the Ray that is there.

    Args:
        settings: Those of the runs; the data folder holds snapshots and vectors.
        database: Where the runs go.
        shelf: Empty folder for snapshots under new names.
        repeats: Of each kind of run.
    """

    def __init__(self, settings: Settings, database: Database, shelf: Path, repeats: int) -> None:
        self._settings, self._database, self.shelf, self._repeats = settings, database, shelf, repeats
        self._runner = StoreRunner(settings, database)

    def warm(self, store: Subject) -> None:
        """Two runs that nobody counts: vectors are cached and every worker has imported all it needs."""
        for repeat in (-2, -1):
            self._runner.run(RunRequest(store.moved(self.shelf, repeat)))

    def measure(self, store: Subject) -> Iterator[Figure]:
        """Runs with a fresh context, with the kept one, and without Ray, in turn, so that noise meets all alike."""
        self.warm(store)
        fresh, kept, inline = [], [], []
        for repeat in range(self._repeats):
            ref = store.moved(self.shelf, repeat)
            fresh.append(self.run(ref))
            kept.append(self.run(ref))
            inline.append(run_inline(store.ref, self._settings, self._database).seconds)
        yield from _figures("warm Ray, fresh context", store, fresh, TARGETS.get(store.name))
        yield from _figures("warm Ray, kept context", store, kept, None)
        yield from _figures("one process, no Ray", store, inline, None)
        yield from _tax(store, [run["total"] for run in fresh], [run["total"] for run in inline])

    def beside_control(self, store: Subject, fresh: Figure) -> Iterator[Figure]:
        """The control on the same snapshot and vectors, once each way, and how many times `fresh` is faster."""
        snapshot, vectors = load(store.ref, self._settings)
        for name, once in (("NSGA-II a combo", False), ("NSGA-II once", True)):
            seconds = run_control(snapshot, vectors, nsga_once=once).seconds
            yield from (Figure(f"control, {name}", store.name, phase, "s", (took,)) for phase, took in seconds.items())
            target = None if once else TIMES_FASTER.get(store.name)
            ratio = seconds["total"] / fresh.median
            yield Figure("beside the control", store.name, f"times faster, {name}", "×", (ratio,), target, True)

    def run(self, ref: object) -> dict[str, float]:
        """Seconds of one run by phase, and in all."""
        begun = perf_counter()
        report = self._runner.run(RunRequest(ref))  # type: ignore[arg-type]
        return _phases(report, perf_counter() - begun)


def _phases(report: RunReport, wall_s: float) -> dict[str, float]:
    """Seconds by phase. `loading` is what its clock leaves out: opening the run, reading the snapshot, its texts."""
    laps = {name: value / 1000 for name, value in report.record["phase_timings"].items()}
    timed = laps.pop("total")
    laps["storage"] += laps.pop("record")
    return laps | {"loading": wall_s - timed, "total": wall_s}


def _figures(part: str, store: Subject, runs: list[dict[str, float]], target: float | None) -> Iterator[Figure]:
    for phase in PHASES:
        values = tuple(run[phase] for run in runs)
        yield Figure(part, store.name, phase, "s", values, target if phase == "total" else None)


def _tax(store: Subject, ray: list[float], inline: list[float]) -> Iterator[Figure]:
    """Pair by pair: what a run takes longer on Ray than in one process (negative: Ray is faster)."""
    extra = tuple(1000 * (a - b) for a, b in zip(ray, inline, strict=True))
    allowed = max(TAX_MS, TAX_SHARE * 1000 * sum(inline) / len(inline))
    yield Figure("what Ray costs", store.name, "a run longer by", "ms", extra, round(allowed, 1))
    shares = tuple(100 * (a / b - 1) for a, b in zip(ray, inline, strict=True))
    yield Figure("what Ray costs", store.name, "a run longer by", "%", shares)


def worker_memory(name: str, target: float) -> Iterator[Figure]:
    """Memory of our processes that is theirs alone (unique set size: the object store, which all share, is not)."""
    used: dict[str, list[float]] = {"worker": [], "shard": []}
    for process in psutil.Process().children(recursive=True):
        title = (process.cmdline() or [""])[0]
        if title.startswith("ray::") and not title.endswith("Agent"):
            kind = "shard" if title.startswith("ray::StoreShard") else "worker"
            used[kind].append(process.memory_full_info().uss / 1e6)
    for kind, values in used.items():
        if values:
            wanted = target if kind == "worker" else None  # a shard holds as many stores as it is told to
            yield Figure("memory of a process", f"{kind}, {name}", "unique set size", "MB", tuple(values), wanted)
