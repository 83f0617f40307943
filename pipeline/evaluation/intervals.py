"""Paired bootstrap: all arms are measured on the same resamples of the held-out baskets.

Baskets are drawn with replacement (Efron 1979), within each store where stores are pooled. What is drawn is counted,
and every figure is computed again from the counts, so that one resample gives every metric of every arm.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

BLOCK_DRAWS = 4_000_000
"""Baskets drawn at once: what bounds the memory."""


class Interval(NamedTuple):
    """Ends of an interval; NaN where the figure is undefined."""

    low: float
    high: float


def resampled_counts(features: csr_array, resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Sums of per-basket features over baskets drawn with replacement.

    Args:
        features: `(m, f)` what each basket adds to each count, such as 1 where it holds a pair.
        resamples: Number of resamples, each of `m` baskets.
        rng: Source of the draws.

    Returns:
        `(resamples, f)` counts.
    """
    baskets, columns = features.shape
    counts = np.zeros((resamples, columns))
    touched = np.flatnonzero(np.diff(features.indptr))
    if not len(touched):
        return counts
    by_column = features[touched].T.tocsr().astype(np.float64)
    block = max(1, BLOCK_DRAWS // baskets)
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = rng.integers(0, baskets, (rows, baskets), dtype=np.int64) + np.arange(rows)[:, None] * baskets
        times = np.bincount(drawn.ravel(), minlength=rows * baskets).reshape(rows, baskets)[:, touched]
        counts[start : start + rows] = (by_column @ times.T.astype(np.float64)).T
    return counts


def interval(point: float, samples: NDArray[np.float64], level: float = 0.95) -> Interval:
    """Percentile interval of a figure, moved so that the resamples' mean falls on the figure itself.

    Resampling leaves out a third of the baskets, so a share such as "bought again at least once" is smaller in every
    resample than in the data; the width is right, the place is not. HitRate has no such bias and hardly moves.

    >>> interval(0.5, np.array([0.1, 0.2, 0.3]), level=1.0)
    Interval(low=0.4, high=0.6)

    Args:
        point: The figure on the data.
        samples: `(r,)` the figure on each resample; NaN where it is undefined.
        level: Probability that the interval covers.

    Returns:
        Its ends; NaN where the figure or all samples are undefined.
    """
    known = samples[~np.isnan(samples)]
    if np.isnan(point) or not len(known):
        return Interval(float("nan"), float("nan"))
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(known, [tail, 1.0 - tail]) + (point - known.mean())
    return Interval(round(float(low), 12), round(float(high), 12))
