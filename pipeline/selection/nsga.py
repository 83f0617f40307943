"""The search for a portfolio: NSGA-II over weights of the aims, each decoded greedily (Deb et al. 2002).

A genome that marks bundles directly loses by far: with six aims nearly every list is non-dominated. A genome of
weights searches only lists that a greedy choice would make, and each of them keeps the constraints. Everything ever
evaluated is archived, the greedy list first; the front of the archive is exact.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.plan import Plan
from pipeline.selection.config import PortfolioConfig
from pipeline.selection.decoder import EMPTY, Aim, Decoder, Pool
from pipeline.selection.figures import figures_of
from pipeline.selection.genetic import offspring, survive
from pipeline.selection.portfolio import DEFAULT_WEIGHTS, Choice

POPULATION, FULL_POPULATION = 50, 100
RANDOM_LISTS = 50
"""Lists of random weights beside which the front's hypervolume is put."""
DIRECTIONS = 2048
"""Directions along which a hypervolume is measured."""

PROVEN = [Aim.CROSS_SELL, Aim.CANNIBALISATION]
"""What orders prove, and that it is not the same orders twice: the greedy list is good at these."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Front:
    """What a search found."""

    lists: NDArray[np.intp]
    """`(f, limit)` lists of the exact front, `EMPTY` padded."""
    figures: Floats
    """`(f, 6)` their figures, each in [0, 1], all maximised."""
    greedy: Floats
    """`(6,)` figures of the greedy list."""
    taken: int
    """Position of the list that was taken."""
    generations: int
    """Generations that ran."""
    evaluated: int
    """Lists that were decoded."""
    hypervolume: float
    """Of the front, against the origin; 1 is a list that is perfect in every aim."""
    random_hypervolume: float
    """Of the front of 50 lists decoded from random weights."""


class _Archive:
    """Every list that was ever evaluated, the greedy one first."""

    def __init__(self, decoder: Decoder, pool: Pool, limit: int) -> None:
        self._decoder, self._pool, self._limit = decoder, pool, limit
        self.lists: list[NDArray[np.intp]] = []
        self.figures: list[Floats] = []

    def evaluate(self, weights: Floats) -> Floats:
        """Decode and keep; the `(p, 6)` figures."""
        lists = self._decoder.decode(weights)
        figures = figures_of(self._pool, lists, self._limit)
        self.lists.append(lists)
        self.figures.append(figures)
        return figures


def search(
    decoder: Decoder, pool: Pool, limit: int, *, generations: int, seed: int, preference: tuple[float, ...],
    proof_kept: float = 0.0, population: int = POPULATION, may_continue: Callable[[], bool] = lambda: True,
) -> Front:  # fmt: skip
    """Search for lists that no other list beats in every aim.

    Args:
        decoder: Decodes weights into lists over `pool`.
        pool: The candidates.
        limit: Places of a list.
        generations: Most generations; the first is the initial population.
        seed: Seed of every draw.
        preference: What each aim counts when one list is taken from the front, at least 0.
        proof_kept: Share of the greedy list's figures in the proven aims that the list taken must keep.
        population: Lists of a generation.
        may_continue: Asked before each further generation; a deadline cuts here only.
    """
    rng = np.random.default_rng(seed)
    random_figures = _Archive(decoder, pool, limit).evaluate(rng.dirichlet(np.ones(len(Aim)), RANDOM_LISTS))
    archive = _Archive(decoder, pool, limit)
    start = np.vstack([DEFAULT_WEIGHTS, np.eye(len(Aim)), rng.dirichlet(np.ones(len(Aim)), population - 1 - len(Aim))])
    with ThreadPoolExecutor(max_workers=1) as beside:
        # moocore lets go of Python's lock, so the random lists are measured on a core that is free.
        random_hypervolume = beside.submit(hypervolume, random_figures[_front(random_figures)])
        ran = _evolve(archive, start, generations, rng, may_continue)
    lists, figures = np.concatenate(archive.lists), np.concatenate(archive.figures)
    front = _front(figures)
    return Front(
        lists=lists[front],
        figures=figures[front],
        greedy=figures[0],
        taken=_knee_keeping(figures[front], figures[0, PROVEN] * proof_kept, preference),
        generations=ran,
        evaluated=len(lists),
        hypervolume=hypervolume(figures[front]),
        random_hypervolume=random_hypervolume.result(),
    )


def _evolve(
    archive: _Archive, start: Floats, generations: int, rng: np.random.Generator, may_continue: Callable[[], bool]
) -> int:
    """Run NSGA-II on the archive; the number of generations that ran."""
    parents = survive(start, archive.evaluate(start), len(start))
    ran = 1
    while ran < generations and may_continue():
        children = offspring(parents, rng)
        figures = archive.evaluate(_weights(children))
        every = np.concatenate([parents.genomes, children]), np.concatenate([parents.figures, figures])
        parents = survive(*every, len(start))
        ran += 1
    return ran


def _weights(genomes: Floats) -> Floats:
    """Genomes as weights that sum to 1, rounded so that a last bit of a power function decides no gain."""
    weights = np.round(np.maximum(genomes, 1e-9), 9)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _front(figures: Floats) -> NDArray[np.intp]:
    """Positions of the exact front, the first of equal figures only."""
    import moocore

    return np.flatnonzero(moocore.is_nondominated(figures, maximise=True))


def hypervolume(figures: Floats) -> float:
    """Volume that `(f, 6)` figures dominate above the origin, in [0, 1], to about one percent.

    Measured along `DIRECTIONS` fixed directions (Deng & Zhang 2019): the exact volume of 700 lists takes as long as
    the search. More lists never make it less.
    """
    import moocore

    ref = np.zeros(figures.shape[1])
    return round(float(moocore.hv_approx(figures, ref=ref, maximise=True, nsamples=DIRECTIONS, method="DZ2019-HW")), 6)


def knee(figures: Floats, preference: tuple[float, ...]) -> int:
    """Position of the list that gives up least: the least weighted loss to the best in each aim.

    Losses are measured on the front's own range; the first of equal ones.

    >>> knee(np.array([[1.0, 0.0], [0.7, 0.7], [0.0, 1.0]]), (1.0, 1.0))
    1
    """
    best, worst = figures.max(axis=0), figures.min(axis=0)
    spread = np.where(best > worst, best - worst, 1.0)
    loss = (best - figures) / spread * np.asarray(preference)
    return int(np.argmin(np.round((loss**2).sum(axis=1), 9)))


def _knee_keeping(figures: Floats, least: Floats, preference: tuple[float, ...]) -> int:
    """The knee among lists of at least `least` in the proven aims: the greedy list is one, or what beats it."""
    keeping = np.flatnonzero((figures[:, PROVEN] >= least).all(axis=1))
    return int(keeping[knee(figures[keeping], preference)])


def find_portfolio(choice: Choice, config: PortfolioConfig, plan: Plan, may_continue: Callable[[], bool]) -> Front:
    """Search as the plan says; the front's lists name positions in the shortlist."""
    found = search(
        choice.decoder, choice.pool, plan.limit,
        generations=plan.generations, seed=plan.seed, preference=config.preference,
        proof_kept=config.proof_kept,
        population=POPULATION if config.reduced_iterations else FULL_POPULATION, may_continue=may_continue,
    )  # fmt: skip
    lists = np.where(found.lists == EMPTY, EMPTY, choice.rows[np.maximum(found.lists, 0)])
    return replace(found, lists=lists)


def list_of(front: Front) -> NDArray[np.intp]:
    """The list that was taken, without empty places."""
    chosen = front.lists[front.taken]
    return chosen[chosen != EMPTY]
