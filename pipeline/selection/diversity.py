"""Maximal marginal relevance: score against likeness to what was taken (Carbonell & Goldstein 1998)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.numbers import on_grid
from pipeline.selection.config import DiversityConfig


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two of `k` sets are: the greater of Jaccard and the cosine of their mean vectors."""

    member: csr_array
    """`(k, n)` ones where a set holds a SKU."""
    size: NDArray[np.int64]
    sums: NDArray[np.float32]
    """`(k, d)` sums of the members' vectors, which lie on a grid, so that they are exact; `(k, 0)` without vectors."""

    def among(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """`(r, r)` likeness of every two of the sets at `rows`, in [0, 1]."""
        member = self.member[rows]
        common = np.asarray((member @ member.T).todense(), dtype=np.float64)
        size = self.size[rows].astype(np.float64)
        jaccard = common / (size[:, None] + size[None, :] - common)
        if not self.sums.shape[1]:
            return jaccard
        means = _directions(self.sums[rows].astype(np.float64))
        return np.maximum(jaccard, np.clip(means @ means.T, 0, 1))


def _directions(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(r, d)` unit vectors of some sums, on a grid: their products are exact."""
    length = np.maximum(np.sqrt(np.einsum("ij,ij->i", sums, sums)), 1e-12)
    return on_grid(sums / length[:, None])


def likeness_of(items: NDArray[np.int32], vectors: NDArray[np.float32], member: csr_array) -> Likeness:
    """Likeness of `(k, width)` sets over `(n, d)` vectors of their members."""
    size = (items >= 0).sum(axis=1)
    if not vectors.shape[1]:
        return Likeness(member, size, np.zeros((len(items), 0), dtype=np.float32))
    return Likeness(member, size, np.asarray(member.astype(np.float32) @ vectors))


def diversify(scores: NDArray[np.float64], likeness: Likeness, config: DiversityConfig) -> NDArray[np.intp]:
    """Order all candidates by marginal relevance, best first.

    Args:
        scores: `(k,)` score of each, in [0, 1].
        likeness: How alike they are.
        config: Weight of the score.

    Returns:
        `(k,)` positions, in order of choice. Equal candidates are taken in input order.
    """
    alike = likeness.among(np.arange(len(scores)))
    closest = np.zeros(len(scores))
    left = np.ones(len(scores), dtype=bool)
    order = np.empty(len(scores), dtype=np.intp)
    for turn in range(len(scores)):
        gain = np.round(config.relevance * scores - (1 - config.relevance) * closest, 9)
        order[turn] = np.argmax(np.where(left, gain, -np.inf))
        left[order[turn]] = False
        closest = np.maximum(closest, alike[order[turn]])
    return order
