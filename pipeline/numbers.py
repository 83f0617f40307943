"""Arrays of numbers without gaps, and without a last bit that hangs on who added them up."""

import numpy as np
from numpy.typing import NDArray

GRID_STEPS = 2.0**20


def filled(values: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """`values` with `gap` where one is unknown (NaN)."""
    return np.where(np.isnan(values), gap, values)


def on_grid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """`values` rounded to multiples of 2^−20, for magnitudes up to about 1.

    Sums of a thousand products of two such numbers are exact in double precision, whatever the order and the number of
    threads; a difference of two is exact in single precision too.

    >>> on_grid(np.array([0.1])).tolist()
    [0.10000038146972656]
    """
    return np.asarray(np.round(values * GRID_STEPS) / GRID_STEPS)
