"""`python -m benchmarks.portfolio [FOLDER …]`: the search for a portfolio beside what could stand in its place.

Each gets the same candidates, the same aims and constraints, and the processor time that our search took: greedy lists
of random weights, at least 1,000 of them, and pymoo's NSGA-II over one bit a candidate. Hypervolumes are exact, of the
front of every allowed list that was evaluated.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SEEDS = (0, 1, 2)
RANDOM_LISTS = 1_000


@dataclass(frozen=True, slots=True)
class Tried:
    """What one way of choosing came to."""

    name: str
    seconds: float
    lists: int
    """Lists that were evaluated."""
    front: int
    hypervolume: float


def volume(figures: Floats) -> tuple[int, float]:
    """Size and exact hypervolume of the front of `(p, 6)` figures."""
    import moocore

    front = figures[moocore.is_nondominated(figures, maximise=True)] if len(figures) else figures
    exact = moocore.hypervolume(front, ref=np.zeros(front.shape[1]), maximise=True) if len(front) else 0.0
    return len(front), float(exact)


def ours(choice: Any, generations: int, seed: int) -> Tried:
    """The search as a run does it."""
    from pipeline.selection.nsga import search

    begun = process_time()
    found = search(
        choice.decoder, choice.pool, choice.bounds.limit, generations=generations, seed=seed, preference=(1.0,) * 6
    )
    seconds = process_time() - begun
    return Tried("NSGA-II over weights", seconds, found.evaluated, *volume(found.figures))


def random_weights(choice: Any, seconds: float, seed: int) -> Tried:
    """Greedy lists of random weights, decoded 50 at once as ours are."""
    from pipeline.selection.decoder import Aim
    from pipeline.selection.figures import figures_of

    rng, begun, parts = np.random.default_rng(seed), process_time(), list[Floats]()
    while process_time() - begun < seconds or 50 * len(parts) < RANDOM_LISTS:
        lists = choice.decoder.decode(rng.dirichlet(np.ones(len(Aim)), 50))
        parts.append(figures_of(choice.pool, lists, choice.bounds.limit))
    figures = np.concatenate(parts)
    return Tried("greedy, random weights", process_time() - begun, len(figures), *volume(figures))


def bits(choice: Any, seconds: float, seed: int) -> Tried:
    """NSGA-II over one bit a candidate: lists of the right size to begin with, broken constraints counted."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.pntx import TwoPointCrossover
    from pymoo.operators.mutation.bitflip import BitflipMutation

    size, limit, kept = len(choice.pool), choice.bounds.limit, list[Floats]()

    class Marked(Problem):  # type: ignore[misc]  # pymoo has no types
        def _evaluate(self, x: NDArray[np.bool_], out: dict[str, Any], *_: Any, **__: Any) -> None:
            figures, broken = marked(choice, x.astype(bool))
            out["F"], out["G"] = -figures, broken[:, None]
            kept.append(figures[broken == 0])

    start = np.argsort(np.random.default_rng(seed).random((50, size)), axis=1) < limit
    algorithm = NSGA2(50, sampling=start, crossover=TwoPointCrossover(), mutation=BitflipMutation())
    begun, evaluated = process_time(), 0
    algorithm.setup(
        Marked(n_var=size, n_obj=6, n_ieq_constr=1, xl=0, xu=1, vtype=bool), seed=seed, termination=("n_gen", 10_000)
    )
    while process_time() - begun < seconds:
        algorithm.next()
        evaluated += 50
    return Tried("NSGA-II over bits", process_time() - begun, evaluated, *volume(np.concatenate(kept)))


def marked(choice: Any, chosen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """`(p, 6)` figures of `(p, k)` marked candidates, and `(p,)` by how much they break the constraints."""
    from pipeline.selection.decoder import EMPTY
    from pipeline.selection.figures import figures_of

    pool, bounds = choice.pool, choice.bounds
    broken = np.maximum(chosen.sum(axis=1) - bounds.limit, 0).astype(np.float64)
    lists = np.full((len(chosen), bounds.limit), EMPTY, dtype=np.intp)
    for row, marks in enumerate(chosen):
        places = np.flatnonzero(marks)
        lists[row, : min(len(places), bounds.limit)] = places[: bounds.limit]
        items = pool.items[places]
        skus = items[items >= 0]
        sold = np.bincount(skus, pool.units[places][items >= 0], minlength=len(pool.stock))
        broken[row] += np.maximum(np.bincount(skus, minlength=1) - bounds.per_sku, 0).sum()
        broken[row] += np.maximum(np.bincount(pool.objective[places], minlength=1) - bounds.per_objective, 0).sum()
        broken[row] += (sold > pool.stock).sum()
        broken[row] += len(np.setdiff1d(np.intersect1d(bounds.objectives, pool.objective), pool.objective[places]))
    return figures_of(pool, lists, bounds.limit), broken


def choice_for(folder: Path | None, data: Path) -> tuple[str, Any, int]:
    """Name, candidates to choose from and generations of a store; a seeded one without a folder."""
    from benchmarks.synthetic import synthetic_store
    from cluster.tasks import embed_texts
    from cluster.uploads import take_upload
    from configs.settings import load_settings
    from pipeline.context.embedding import EmbeddingCache, catalog_texts
    from pipeline.context.store import prepare
    from pipeline.generate import generate, plan_for
    from pipeline.selection.select import REASONS, choice_of
    from pipeline.terms import Reason

    settings = load_settings({"data_dir": data})
    if folder is None:
        snapshot = synthetic_store(5_000, 1_000)
    else:
        snapshot = take_upload(folder, folder.resolve().name, settings).snapshot
    texts = catalog_texts(snapshot.catalog)
    embed_texts(sorted(set(texts)), data / "vectors")
    from actors.minilm import MiniLM

    vectors, _ = EmbeddingCache(data / "vectors", MiniLM().info).get(texts)
    outcome = generate(snapshot, vectors, settings.run)
    if outcome.judged is None or outcome.selection is None:
        raise SystemExit(f"{snapshot.store} has no candidates")
    unique = np.isin(outcome.selection.reason, [-1, REASONS.index(Reason.NOT_SELECTED)])
    context = prepare(snapshot, vectors, snapshot.default_as_of, settings.run.context)
    choice = choice_of(context, outcome.judged.take(np.flatnonzero(unique)), outcome.plan, settings.run)
    return snapshot.store, choice, plan_for(context, settings.run).generations


def compare(choice: Any, generations: int) -> list[list[Tried]]:
    """Each way by seed, one after the other, so that a slow moment meets all of them."""
    ours(choice, generations, 0)
    rounds = []
    for seed in SEEDS:
        first = ours(choice, generations, seed)
        others: list[Callable[[Any, float, int], Tried]] = [random_weights, bits]
        rounds.append([first, *(other(choice, first.seconds, seed) for other in others)])
    return [list(way) for way in zip(*rounds, strict=True)]


def main() -> None:
    # Before numpy works: one thread, as a worker of Ray has.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    print("| store | candidates | way | ms | lists | front | hypervolume | of ours |")
    print("|---|---:|---|---:|---:|---:|---:|---:|")
    with TemporaryDirectory() as data:
        for folder in [None, *map(Path, sys.argv[1:])]:
            store, choice, generations = choice_for(folder, Path(data))
            ways = compare(choice, generations)
            full = median(tried.hypervolume for tried in ways[0])
            for way in ways:
                row = [median(getattr(tried, key) for tried in way) for key in ("seconds", "lists", "front")]
                found = median(tried.hypervolume for tried in way)
                counts = f"{1000 * row[0]:.0f} | {row[1]:,.0f} | {row[2]:,.0f}"
                print(f"| {store} | {len(choice.pool)} | {way[0].name} | {counts} | {found:.5f} | {found / full:.2f} |")


if __name__ == "__main__":
    main()
