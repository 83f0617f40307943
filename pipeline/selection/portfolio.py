"""Which bundles make the store's list: greedy choice by marginal gain under the constraints.

The constraints: `limit` bundles, a SKU in at most `max(2, ceil(limit / 5))` of them, every admitted objective
represented where it has a candidate, expected sales within stock. After the objectives, each bundle type gets one
place where it has a candidate, so that the list shows every way to sell. Both the greedy choice and the search over
weights (`nsga`) are decoded by the same `Decoder`, so no list of either can break a constraint.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.selection.config import DiversityConfig, PortfolioConfig
from pipeline.selection.decoder import EMPTY, Aim, Bounds, Decoder, Pool
from pipeline.selection.diversity import Likeness


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The `k` candidates to choose from."""

    score: NDArray[np.float64]
    """`(k,)` in [0, 1]."""
    values: NDArray[np.float64]
    """`(k, ADDITIVE)` what each adds to revenue, margin, inventory and cross-selling, in [0, 1]."""
    items: NDArray[np.int32]
    """`(k, width)` SKUs, −1 padded."""
    units: NDArray[np.float64]
    """`(k, width)` expected units of each in 30 days."""
    objective: NDArray[np.integer]
    """`(k,)` codes."""
    kind: NDArray[np.integer]
    """`(k,)` codes of bundle types."""
    stock: NDArray[np.float64]
    """`(n,)` units that may be sold; inf where not bound to stock."""
    likeness: Likeness

    def __len__(self) -> int:
        return len(self.score)


DEFAULT_WEIGHTS = np.array([0.0, 0.0, 0.0, 2 / 3, 1 / 3, 0.0])
"""The greedy choice: what bundles reach, against likeness to what was taken."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The part of a shortlist that lists are decoded from, and its decoder."""

    rows: NDArray[np.intp]
    """Positions in the shortlist, ascending."""
    pool: Pool
    bounds: Bounds
    decoder: Decoder


def prepare_choice(
    shortlist: Shortlist, objectives: NDArray[np.integer], config: PortfolioConfig, diversity: DiversityConfig
) -> Choice:
    """Narrow a shortlist to what may win a place, and make it ready for decoding.

    Kept are the candidates of the greatest worth under the greedy weights, under each additive aim alone, and of each
    objective and type: about `pool_size` in all.
    """
    rows = _contenders(shortlist, config)
    skus, items = np.unique(shortlist.items[rows], return_inverse=True)
    items = items.reshape(shortlist.items[rows].shape)
    padded = skus[0] < 0 if len(skus) else False
    pool = Pool(
        values=shortlist.values[rows],
        score=shortlist.score[rows],
        likeness=shortlist.likeness.among(rows),
        items=(items - 1 if padded else items).astype(np.int32),
        units=shortlist.units[rows],
        objective=shortlist.objective[rows],
        kind=shortlist.kind[rows],
        stock=shortlist.stock[skus[1:] if padded else skus],
    )
    bounds = Bounds(config.limit, config.per_sku, config.per_objective, tuple(int(code) for code in objectives))
    return Choice(rows, pool, bounds, Decoder(pool, bounds, 1 - config.demand, diversity.relevance))


def _contenders(shortlist: Shortlist, config: PortfolioConfig) -> NDArray[np.intp]:
    most = max(config.pool_size, 8 * config.limit)
    if len(shortlist) <= most:
        return np.arange(len(shortlist))
    worth = (1 - config.demand) * shortlist.score + config.demand * shortlist.values[:, Aim.CROSS_SELL]
    keys = [(worth, most // 2)] + [(shortlist.values[:, aim], most // 16) for aim in range(shortlist.values.shape[1])]
    keep = [np.argsort(-np.round(key, 9), kind="stable")[:count] for key, count in keys]
    for codes in (shortlist.objective, shortlist.kind):
        for code in np.unique(codes):
            members = np.flatnonzero(codes == code)
            keep.append(members[np.argsort(-np.round(worth[members], 9), kind="stable")[: 2 * config.limit]])
    return np.unique(np.concatenate(keep))


def generations_for(lines: int, config: PortfolioConfig) -> int:
    """Generations of the search, `clamp(10 + N / 50, 10, 20)` for the most candidates it may see; 0 for none.

    Args:
        lines: Order lines of the window.
        config: Method, and the size of the pool.
    """
    if config.method == "greedy" or lines < config.min_lines:
        return 0
    return int(np.clip(10 + max(config.pool_size, 8 * config.limit) // 50, 10, 20)) if config.reduced_iterations else 50


def choose_greedily(
    shortlist: Shortlist, objectives: NDArray[np.integer], config: PortfolioConfig, diversity: DiversityConfig
) -> NDArray[np.intp]:
    """Fill the list one by one: first the best of each objective, then of each type, then whatever adds most.

    Args:
        shortlist: `k` candidates.
        objectives: Codes of the admitted objectives, the most needed first.
        config: Size of the list and its constraints.
        diversity: Weight of score against likeness to what was taken.

    Returns:
        Positions of the chosen candidates, in order of choice. Equal gains are taken in input order.
    """
    return greedy_list(prepare_choice(shortlist, objectives, config, diversity))


def greedy_list(choice: Choice) -> NDArray[np.intp]:
    """The list of the greedy weights: positions in the shortlist, in order of choice."""
    taken = choice.decoder.decode(DEFAULT_WEIGHTS[None, :])[0]
    return choice.rows[taken[taken != EMPTY]]
