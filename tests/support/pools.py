"""Random pools of candidates, and weights of the aims."""

import numpy as np
from numpy.typing import NDArray

from pipeline.selection.decoder import ADDITIVE, Aim, Pool

SKUS = 12


def pool_of(seed: int, size: int, stock: float = np.inf) -> Pool:
    """`size` candidates of up to three of twelve SKUs, four objectives and three types; coarse figures."""
    rng = np.random.default_rng(seed)
    items = np.array([rng.choice(SKUS, 3, replace=False) for _ in range(size)], dtype=np.int32).reshape(size, 3)
    items[rng.random((size, 3)) < [0.0, 0.2, 0.6]] = -1
    alike = np.round(rng.random((size, size)), 2)
    return Pool(
        values=rng.integers(0, 101, (size, ADDITIVE)) / 100,
        score=rng.integers(0, 11, size) / 10,
        likeness=np.maximum(alike, alike.T),
        items=items,
        units=np.where(items >= 0, rng.integers(0, 5, (size, 3)), 0).astype(np.float64),
        objective=rng.integers(0, 4, size),
        kind=rng.integers(0, 3, size),
        stock=np.full(SKUS, stock),
    )


def weights_of(seed: int, count: int) -> NDArray[np.float64]:
    """`(count, 6)` weight vectors, some of them of one aim only."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(len(Aim)), count)
    alone = rng.random(count) < 0.2
    weights[alone] = np.eye(len(Aim))[rng.integers(0, len(Aim), int(alone.sum()))]
    return weights
