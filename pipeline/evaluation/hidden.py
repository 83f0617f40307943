"""One product of a held-out basket is hidden: how far up does a signal put it?

Three tasks on the same baskets. `basket`: all other products of the basket are known, as in a cart. `anchor`: one of
them is, as on a product page. `new`: all others are known, and what is hidden was hardly ever sold before the cut.
"""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.sparse import csr_array

from pipeline.evaluation.holdout import Baskets

TaskName: TypeAlias = Literal["basket", "anchor", "new"]

TASKS: tuple[TaskName, ...] = ("basket", "anchor", "new")

Floats = NDArray[np.float64]


class HiddenConfig(BaseModel):
    """What is hidden, and how many baskets are asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ks: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (10, 20)
    """List lengths of HitRate."""
    min_orders: Annotated[int, Field(ge=1)] = 5
    """Fewest training orders of a hidden product; one of fewer is `new`."""
    max_cells: Annotated[int, Field(ge=1)] = 6_000_000
    """Most baskets × products to score: above, baskets are drawn."""
    resamples: Annotated[int, Field(ge=100)] = 1_000
    """Resamples of the paired bootstrap."""
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Probability that an interval covers."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seeds what is hidden and what is drawn."""


@dataclass(frozen=True, slots=True)
class Questions:
    """`q` baskets with one product hidden."""

    known: csr_array
    """`(q, n)` float ones: what is seen."""
    hidden: NDArray[np.int32]
    """`(q,)` what is to be found."""

    def __len__(self) -> int:
        return len(self.hidden)

    def first(self, most: int) -> "Questions":
        """At most so many of them."""
        return Questions(self.known[:most], self.hidden[:most])


def ask(training: Baskets, held_out: Baskets, config: HiddenConfig) -> dict[TaskName, Questions]:
    """Hide a product of each held-out basket.

    Args:
        training: Baskets before the cut, which say what is known.
        held_out: Baskets after it.
        config: What may be hidden.

    Returns:
        Questions by task. A basket is asked where at least two of its products have training orders (`new`: one) and
        one may be hidden; which one, and which is the anchor, is drawn. `basket` and `anchor` hide the same products.
    """
    orders = np.bincount(training.item, minlength=training.products)
    rng = np.random.default_rng(config.seed)
    row = np.repeat(np.arange(len(held_out)), np.diff(held_out.indptr))
    item, place = held_out.item, rng.permutation(len(row))
    known = orders[item] > 0
    seen = np.bincount(row[known], minlength=len(held_out))
    hidden = _first_of(row, place, (orders[item] >= config.min_orders) & (seen[row] >= 2), len(held_out))
    other = known.copy()
    other[hidden[hidden >= 0]] = False
    anchor = _first_of(row, place, other & (hidden[row] >= 0), len(held_out))
    fresh = _first_of(row, place, orders[item] < config.min_orders, len(held_out))
    keep = known.copy()
    keep[fresh[fresh >= 0]] = False
    fresh[np.bincount(row[keep], minlength=len(held_out)) < 1] = -1
    only = np.zeros(len(row), dtype=bool)
    only[anchor[anchor >= 0]] = True
    parts: dict[TaskName, tuple[NDArray[np.intp], NDArray[np.bool_]]] = {
        "basket": (hidden, other), "anchor": (hidden, only), "new": (fresh, keep),
    }  # fmt: skip
    return {name: _questions(row, held_out, at, seen_cells, config) for name, (at, seen_cells) in parts.items()}


def _first_of(
    row: NDArray[np.intp], place: NDArray[np.intp], allowed: NDArray[np.bool_], baskets: int
) -> NDArray[np.intp]:
    """`(baskets,)` the allowed cell of each basket that comes first in a drawn order; −1 where none is allowed."""
    cells = np.flatnonzero(allowed)
    order = cells[np.lexsort((place[cells], row[cells]))]
    rows, first = np.unique(row[order], return_index=True)
    found = np.full(baskets, -1, dtype=np.intp)
    found[rows] = order[first]
    return found


def _questions(
    row: NDArray[np.intp], held_out: Baskets, hidden: NDArray[np.intp], seen: NDArray[np.bool_], config: HiddenConfig
) -> Questions:
    """The baskets with something hidden; a drawn part of them where they are too many."""
    asked = np.flatnonzero(hidden >= 0)
    most = max(1, config.max_cells // max(held_out.products, 1))
    if len(asked) > most:
        asked = np.sort(np.random.default_rng(config.seed).permutation(asked)[:most])
    cells = seen & np.isin(row, asked)
    ones = np.ones(int(cells.sum()))
    to = np.searchsorted(asked, row[cells])
    known = csr_array((ones, (to, held_out.item[cells])), shape=(len(asked), held_out.products))
    return Questions(known, held_out.item[hidden[asked]])


def ranks_of(scores: NDArray[np.floating], questions: Questions) -> Floats:
    """How many products a signal puts before the hidden one, equal ones counting half.

    >>> asked = Questions(csr_array(np.array([[1.0, 0, 0, 0]])), np.array([2]))
    >>> ranks_of(np.array([[9.0, 5, 3, 3]]), asked).tolist()
    [1.5]

    Args:
        scores: `(q, n)` higher is better; what is known is never listed.
        questions: `q` baskets.

    Returns:
        `(q,)` ranks from 0.
    """
    open_ = np.asarray(scores, dtype=np.float64).copy()
    open_[questions.known.nonzero()] = -np.inf
    own = open_[np.arange(len(questions)), questions.hidden][:, None]
    return np.asarray((open_ > own).sum(axis=1) + ((open_ == own).sum(axis=1) - 1) / 2)


def measures_of(ranks: Floats, config: HiddenConfig) -> dict[str, Floats]:
    """What each question adds to each mean: HitRate at each length, the reciprocal rank.

    >>> {key: value.tolist() for key, value in measures_of(np.array([0.0, 12.0]), HiddenConfig()).items()}
    {'hit_rate@10': [1.0, 0.0], 'hit_rate@20': [1.0, 1.0], 'mrr': [1.0, 0.07692307692307693]}
    """
    return {**{f"hit_rate@{k}": (ranks < k).astype(np.float64) for k in config.ks}, "mrr": 1.0 / (1.0 + ranks)}


def depth_gain(ranks: Floats) -> float:
    """Mean of `1 / log2(2 + rank)`: what settings are chosen by, since it sees small moves at any depth."""
    return float(np.mean(1.0 / np.log2(2.0 + ranks))) if len(ranks) else 0.0
