"""Generations of NSGA-II over arrays (Deb et al. 2002), with the operators and the sorting of pymoo.

pymoo's own loop keeps an object an individual and takes a third of the search; its operators are functions of arrays.
"""

from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CROSSOVER_ETA, MUTATION_ETA = 15.0, 20.0
"""How near children stay to their parents: pymoo's defaults for NSGA-II."""
CROSSOVER_SHARE, MUTATION_SHARE = 0.9, 0.9
"""Share of pairs whose genes are crossed, and of children that are mutated."""


class Generation(NamedTuple):
    """The individuals that survived, with what a tournament asks of them."""

    genomes: Floats
    """`(p, v)` in [0, 1]."""
    figures: Floats
    """`(p, m)`, all maximised."""
    front: NDArray[np.int64]
    """`(p,)` 0 for those that no other beats in every figure, 1 for those only these beat, and so on."""
    crowding: Floats
    """`(p,)` distance to the nearest others of the same front; more is rarer."""


def survive(genomes: Floats, figures: Floats, size: int) -> Generation:
    """The `size` best: front by front, and of the front that does not fit the least crowded.

    Args:
        genomes: `(n, v)`, `n` at least `size`.
        figures: `(n, m)`, all maximised.
        size: How many survive. Equally crowded ones survive in input order.
    """
    fronts = _pymoo("pymoo.util.nds.non_dominated_sorting").NonDominatedSorting().do(-figures, n_stop_if_ranked=size)
    kept, front_of, crowding_of = [], [], []
    room = size
    for place, front in enumerate(fronts):
        crowding = _crowding(figures[front])
        order = np.argsort(-crowding, kind="stable")[:room]
        kept.append(front[order])
        front_of.append(np.full(len(order), place, dtype=np.int64))
        crowding_of.append(crowding[order])
        room -= len(order)
        if not room:
            break
    rows = np.concatenate(kept)
    return Generation(genomes[rows], figures[rows], np.concatenate(front_of), np.concatenate(crowding_of))


def offspring(parents: Generation, rng: np.random.Generator) -> Floats:
    """`(p, v)` children: winners of tournaments, crossed and mutated.

    Every individual plays in two tournaments; the better front wins, then the rarer one, then the first.
    """
    size, genes = parents.genomes.shape
    rivals = np.concatenate([rng.permutation(size), rng.permutation(size)])[: 2 * (size - size % 2)].reshape(-1, 2)
    one, two = rivals.T
    front, crowding = parents.front, parents.crowding
    second_wins = (front[two] < front[one]) | ((front[two] == front[one]) & (crowding[two] > crowding[one]))
    pairs = parents.genomes[np.where(second_wins, two, one)].reshape(2, -1, genes)
    low, high = np.zeros(genes), np.ones(genes)
    matings = pairs.shape[1]
    crossed = _pymoo("pymoo.operators.crossover.sbx").cross_sbx(
        pairs, low, high, np.full((matings, 1), CROSSOVER_ETA), np.full((matings, 1), 0.5),
        np.full((matings, 1), 0.5), random_state=rng,
    )  # fmt: skip
    children = np.where(rng.random((1, matings, 1)) < CROSSOVER_SHARE, crossed, pairs).reshape(-1, genes)
    mutated = _pymoo("pymoo.operators.mutation.pm").mut_pm(
        children, low, high, np.full(len(children), MUTATION_ETA), np.full(len(children), 1.0 / genes),
        at_least_once=False, random_state=rng,
    )  # fmt: skip
    return np.where(rng.random((len(children), 1)) < MUTATION_SHARE, mutated, children)


def load() -> None:
    """Import pymoo ahead of the first search; it takes a third of a second."""
    for module in (
        "pymoo.operators.survival.rank_and_crowding.metrics",
        "pymoo.util.nds.non_dominated_sorting",
        "pymoo.operators.crossover.sbx",
        "pymoo.operators.mutation.pm",
    ):
        _pymoo(module)


def _crowding(figures: Floats) -> Floats:
    if len(figures) <= 2:
        return np.full(len(figures), np.inf)
    metrics = _pymoo("pymoo.operators.survival.rank_and_crowding.metrics")
    return np.asarray(metrics.calc_crowding_distance(figures), dtype=np.float64)


def _pymoo(module: str) -> Any:
    """One of pymoo's modules: they are slow to import, and few processes search."""
    return import_module(module)
