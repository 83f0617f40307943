"""Which products are alike, by their vectors, and how alike two products are by chance."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.context.config import Engine, SimilarityConfig

Vectors: TypeAlias = NDArray[np.float32]
"""`(n, d)` rows of unit length, as `on_grid` leaves them."""

STEPS = 2.0**11
"""Steps of the grid between 0 and 1.

Products of two grid values are multiples of 2^−22, and no partial sum of a dot product of unit vectors reaches 2: each
fits float32 without rounding. So a cosine is the same to the bit in any order, block, thread or library.
"""
SLACK = 16
"""How many neighbours more than asked are fetched, so that ties at the end can be seen."""
QUERY_ROWS = 1024
"""Products that are looked up at once."""

BLOCK_CELLS = 1 << 17
"""Components of the pairs that are multiplied at once: both sides stay in a core's cache."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The most similar products of each product, best first."""

    items: NDArray[np.int32]
    """`(n, k)` rows of the catalog, never the row itself; −1 where there are fewer than k others."""
    similarity: NDArray[np.float32]
    """`(n, k)` cosine, in [−1, 1]; −1 beside a missing item."""


class Thresholds(NamedTuple):
    """Cosines that mean the same in every store and for every model."""

    weak: float
    fair: float
    strong: float


def on_grid(vectors: NDArray[np.float32]) -> Vectors:
    """Unit vectors rounded to the grid on which their cosines are exact; a cosine moves by about 0.0002.

    >>> on_grid(np.array([[0.6, 0.8]], dtype=np.float32)).tolist()
    [[0.60009765625, 0.7998046875]]
    """
    return np.asarray(np.round(vectors * np.float32(STEPS)) / np.float32(STEPS), dtype=np.float32)


def neighbours(vectors: Vectors, config: SimilarityConfig) -> Neighbours:
    """Find the `config.neighbours` most similar products of each product, exactly.

    A row where a tie at the end of what the engine found could have hidden a neighbour is searched in full. So the
    answer does not depend on the engine, threads or blocks.

    Args:
        vectors: `(n, d)` grid vectors; may be read-only. `(n, 0)`, products not embedded yet, have no neighbours.
        config: How many neighbours, and who searches.

    Returns:
        Neighbours by falling cosine, equal cosines by rising row of the catalog.
    """
    k = config.neighbours
    if not vectors.shape[1]:
        return _nobody(len(vectors), k)
    group, copies = _copies(vectors, k + 1)
    if copies.shape[1] <= 1:
        return _distinct_neighbours(vectors, k, config.engine)
    found = _distinct_neighbours(vectors[copies[:, 0]], k, config.engine)
    return _among_copies(found, group, copies, cosines(vectors, copies[:, 0], copies[:, 0]), k)


def _distinct_neighbours(vectors: Vectors, k: int, engine: Engine) -> Neighbours:
    """`neighbours` of vectors that are all different: else each row would tie with all of its copies."""
    count = len(vectors)
    found = _nobody(count, k)
    width = min(k, count - 1)
    if width < 1:
        return found
    for rows, proposed, similarity in _proposals(vectors, min(k + 1 + SLACK, count), engine):
        items, best = _best(rows, proposed, similarity, width)
        is_unsure = similarity[:, -1] >= best[:, -1]
        for at in np.flatnonzero(is_unsure) if proposed.shape[1] < count else ():
            everyone = _capped(vectors @ vectors[rows[at]])
            near = np.flatnonzero(everyone >= best[at, -1])
            items[at], best[at] = _best(rows[at : at + 1], near[None], everyone[near][None], width)
        found.items[rows, :width] = items
        found.similarity[rows, :width] = best
    return found


def _nobody(count: int, k: int) -> Neighbours:
    return Neighbours(np.full((count, k), -1, dtype=np.int32), np.full((count, k), -1, dtype=np.float32))


def _copies(vectors: Vectors, most: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """`(n,)` group of equal vectors of each row, and `(g, ≤ most)` the first rows of each group, −1 padded."""
    seen: dict[bytes, int] = {}
    group = np.array([seen.setdefault(row.tobytes(), len(seen)) for row in vectors], dtype=np.intp)
    order = np.argsort(group, kind="stable")
    nth = np.arange(len(group)) - np.searchsorted(group[order], group[order])
    keep = nth < most
    copies = np.full((len(seen), int(nth[keep].max(initial=-1)) + 1), -1, dtype=np.int64)
    copies[group[order[keep]], nth[keep]] = order[keep]
    return group, copies


def _among_copies(
    found: Neighbours, group: NDArray[np.intp], copies: NDArray[np.int64], itself: NDArray[np.float64], k: int
) -> Neighbours:
    """Neighbours of every row from those of its group, its own copies among them at the cosine `itself`.

    The k nearest groups are enough, for each has a member that comes before all members of any further group.
    """
    count = len(group)
    result = _nobody(count, k)
    for at in range(0, count, QUERY_ROWS):
        rows = np.arange(at, min(at + QUERY_ROWS, count))
        own = group[rows, None]
        groups = np.concatenate([own, found.items[own[:, 0]]], axis=1)
        similarity = np.concatenate([itself[own].astype(np.float32), found.similarity[own[:, 0]]], axis=1)
        items = np.where(groups[:, :, None] >= 0, copies[groups], -1).reshape(len(rows), -1)
        similarity = np.repeat(similarity, copies.shape[1], axis=1)
        similarity[(items < 0) | (items == rows[:, None])] = -np.inf
        order = np.lexsort((items, -similarity), axis=1)[:, :k]
        items, similarity = np.take_along_axis(items, order, axis=1), np.take_along_axis(similarity, order, axis=1)
        is_there = similarity >= -1
        result.items[rows, : items.shape[1]] = np.where(is_there, items, -1)
        result.similarity[rows, : items.shape[1]] = np.where(is_there, similarity, -1)
    return result


def cosines(vectors: Vectors, left: NDArray[np.integer], right: NDArray[np.integer]) -> NDArray[np.float64]:
    """`(m,)` cosines of the pairs `(left, right)` of rows, in [−1, 1]."""
    values = np.empty(len(left), dtype=np.float64)
    rows = max(1, BLOCK_CELLS // max(1, vectors.shape[1]))
    for at in range(0, len(left), rows):
        part = slice(at, at + rows)
        values[part] = _capped(np.einsum("ij,ij->i", vectors[left[part]], vectors[right[part]]))
    return values


def background(vectors: Vectors, seed: int, config: SimilarityConfig) -> NDArray[np.float64]:
    """Cosines of random pairs of different products, ascending; empty without vectors or for fewer than two.

    A store of no more pairs than are drawn has each of them once.
    """
    count = len(vectors)
    if count < 2 or not vectors.shape[1]:
        return np.empty(0, dtype=np.float64)
    if count * (count - 1) // 2 <= config.background_pairs:
        every = _capped(vectors @ vectors.T)[np.triu_indices(count, 1)]
        return np.sort(every.astype(np.float64))
    rng = np.random.default_rng(seed)
    left = rng.integers(0, count, config.background_pairs)
    right = rng.integers(0, count - 1, config.background_pairs)
    right += right >= left
    return np.sort(cosines(vectors, left, right))


def percentile_of(similarity: NDArray[np.floating], background: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of random pairs that are at most as similar, in [0, 1]; 0 without a background.

    Args:
        similarity: Cosines, of any shape.
        background: `(b,)` ascending cosines of random pairs.

    Returns:
        Shares, of the shape of `similarity`.

    >>> percentile_of(np.array([0.1, 0.25, 0.9]), np.array([0.1, 0.2, 0.3, 0.4])).tolist()
    [0.25, 0.5, 1.0]
    """
    at_most = np.searchsorted(background, np.asarray(similarity, dtype=np.float64), side="right")
    return np.asarray(at_most / max(len(background), 1), dtype=np.float64)


def thresholds(background: NDArray[np.float64], config: SimilarityConfig) -> Thresholds:
    """The cosines that stand for 0.4, 0.5 and 0.7 in this store; unreachable (2) without a background."""
    if not len(background):
        return Thresholds(2.0, 2.0, 2.0)
    shares = [config.weak_share, config.fair_share, config.strong_share]
    return Thresholds(*(float(value) for value in np.quantile(background, shares)))


def _best(
    rows: NDArray[np.int64], proposed: NDArray[np.int64], similarity: NDArray[np.float32], width: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """`(m, width)` the best of what was proposed to each of `rows`, and their cosines."""
    similarity = np.where(proposed == rows[:, None], np.float32(-np.inf), similarity)  # the product itself comes last
    order = np.lexsort((proposed, -similarity), axis=1)[:, :width]
    return np.take_along_axis(proposed, order, axis=1), np.take_along_axis(similarity, order, axis=1)


def _proposals(
    vectors: Vectors, width: int, engine: Engine
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]]:
    """Blocks of rows, each with the `(m, width)` most similar rows and their cosines, best first."""
    search = ENGINES[engine]
    for at in range(0, len(vectors), QUERY_ROWS):
        queries = vectors[at : at + QUERY_ROWS]
        items, similarity = search(queries, vectors, width)
        yield np.arange(at, at + len(queries), dtype=np.int64), items, _capped(similarity)


def _search_faiss(queries: Vectors, vectors: Vectors, width: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    import faiss

    similarity, items = faiss.knn(queries, vectors, width, metric=faiss.METRIC_INNER_PRODUCT)
    return items, similarity


def _search_numpy(queries: Vectors, vectors: Vectors, width: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    similarity = queries @ vectors.T
    items = np.argpartition(-similarity, width - 1, axis=1)[:, :width]
    similarity = np.take_along_axis(similarity, items, axis=1)
    order = np.argsort(-similarity, axis=1, kind="stable")
    return np.take_along_axis(items, order, axis=1), np.take_along_axis(similarity, order, axis=1)


ENGINES: dict[Engine, Callable[[Vectors, Vectors, int], tuple[NDArray[np.int64], NDArray[np.float32]]]] = {
    Engine.FAISS: _search_faiss,
    Engine.NUMPY: _search_numpy,
}


def _capped(cosine: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosines within [−1, 1]: the grid can make a vector longer than 1 by a little."""
    return np.clip(cosine, np.float32(-1), np.float32(1))
