"""What a list of bundles is worth in each of the six aims."""

import numpy as np
from numpy.typing import NDArray

from pipeline.selection.decoder import Pool

Floats = NDArray[np.float64]


def figures_of(pool: Pool, lists: NDArray[np.intp], limit: int) -> Floats:
    """`(p, 6)` what each list is worth in every aim, in [0, 1].

    The additive aims are means over the list's places (an empty one counts 0); cannibalisation is one minus the mean
    likeness of two bundles; coverage is the mean of: distinct products of all that could be, objectives reached, types
    reached.
    """
    present = lists >= 0
    safe = np.where(present, lists, 0)
    additive = np.where(present[:, :, None], pool.values[safe], 0.0).sum(axis=1) / limit
    return np.round(np.column_stack([additive, _apart(pool, safe, present), _coverage(pool, safe, present)]), 9)


def _apart(pool: Pool, safe: NDArray[np.intp], present: NDArray[np.bool_]) -> Floats:
    alike = pool.likeness[safe[:, :, None], safe[:, None, :]] * (present[:, :, None] & present[:, None, :])
    size = present.sum(axis=1)
    own = np.where(present, pool.likeness[safe, safe], 0.0).sum(axis=1)
    return np.asarray(1 - (alike.sum(axis=(1, 2)) - own) / np.maximum(size * (size - 1), 1))


def _coverage(pool: Pool, safe: NDArray[np.intp], present: NDArray[np.bool_]) -> Floats:
    count = len(safe)
    items = np.where(present[:, :, None], pool.items[safe], -1)
    owner = np.broadcast_to(np.arange(count)[:, None, None], items.shape)
    held = np.zeros((count, len(pool.stock)), dtype=bool)
    held[owner[items >= 0], items[items >= 0]] = True
    most = np.maximum((items >= 0).sum(axis=(1, 2)), 1)
    reached = [_reached(codes, safe, present) for codes in (pool.objective, pool.kind)]
    return np.asarray((held.sum(axis=1) / most + reached[0] + reached[1]) / 3)


def _reached(codes: NDArray[np.integer], safe: NDArray[np.intp], present: NDArray[np.bool_]) -> Floats:
    """Share of the codes that the pool has which a list has too."""
    every = np.unique(codes)
    hit = (codes[safe][:, :, None] == every) & present[:, :, None]
    return np.asarray(hit.any(axis=1).sum(axis=1) / max(len(every), 1))
