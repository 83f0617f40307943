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


class Shape(NamedTuple):
    """What is known of a figure whatever the data: how its interval is drawn."""

    lowest: float = 0.0
    highest: float = 1.0
    is_mean: bool = False
    """A mean over baskets, which resampling does not bias."""

    @property
    def of_differences(self) -> "Shape":
        """The same of the difference of two such figures."""
        reach = self.highest - self.lowest
        return Shape(-reach, reach, self.is_mean)


SHARE = Shape()
MEAN_SHARE = Shape(is_mean=True)
RATIO = Shape(highest=float("inf"))


def interval(point: float, samples: NDArray[np.float64], level: float = 0.95, shape: Shape = SHARE) -> Interval:
    """Percentile interval of a figure.

    Resampling leaves out a third of the baskets, so a share such as "bought again at least once" is smaller in nearly
    every resample than in the data: the width is right, the place is not. The interval of a figure that is no mean
    over baskets is therefore moved, so that the resamples' mean falls on the figure, and cut off at the figure's range.

    >>> interval(0.5, np.array([0.125, 0.25, 0.375]), level=1.0)
    Interval(low=0.375, high=0.625)
    >>> interval(0.5, np.array([0.25, 0.5, 0.625]), level=1.0, shape=MEAN_SHARE)
    Interval(low=0.25, high=0.625)

    Args:
        point: The figure on the data.
        samples: `(r,)` the figure on each resample; NaN where it is undefined.
        level: Probability that the interval covers.
        shape: Range of the figure, and whether it is a mean over baskets.

    Returns:
        Its ends; NaN where the figure or all samples are undefined.
    """
    known = samples[~np.isnan(samples)]
    if np.isnan(point) or not len(known):
        return Interval(float("nan"), float("nan"))
    tail = (1.0 - level) / 2.0
    shift = 0.0 if shape.is_mean else point - known.mean()
    low, high = np.clip(np.quantile(known, [tail, 1.0 - tail]) + shift, shape.lowest, shape.highest)
    return Interval(float(low), float(high))
