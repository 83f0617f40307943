"""Rounding to the price endings a store uses."""

import numpy as np
from numpy.typing import NDArray

from pipeline.context.prices import PriceHabits
from pipeline.money import digits

NONE = -1
"""No price fits."""


def _below(price: NDArray[np.int64], endings: NDArray[np.int64], base: int) -> NDArray[np.int64]:
    """The greatest price with one of `endings` that is at most `price`."""
    spread = price[:, None] - endings[None, :]
    return np.asarray((spread // base * base + endings[None, :]).max(axis=1))


def _above(price: NDArray[np.int64], endings: NDArray[np.int64], base: int) -> NDArray[np.int64]:
    """The least price with one of `endings` that is at least `price`."""
    spread = price[:, None] - endings[None, :]
    return np.asarray((-(-spread // base) * base + endings[None, :]).min(axis=1))


def _two(currency: str) -> int:
    """Minor units of 2.00, where two-digit endings begin."""
    return 2 * 10 ** digits(currency)


def round_to_ending(
    price: NDArray[np.int64], floor: NDArray[np.int64], ceiling: NDArray[np.int64], habits: PriceHabits, currency: str
) -> NDArray[np.int64]:
    """Round down to the nearest ending at or above `floor`; else up to the first one above it.

    Args:
        price: `(k,)` wanted prices in minor units.
        floor: `(k,)` least price allowed.
        ceiling: `(k,)` the result stays below this.
        habits: The store's endings.
        currency: ISO code.

    Returns:
        `(k,)` prices, `NONE` where no ending lies in `[floor, ceiling)`.
    """
    down = _round_down(price, habits, _two(currency))
    up = _round_up(np.maximum(floor, 1), habits, _two(currency))
    chosen = np.where(down >= np.maximum(floor, 1), down, up)
    return np.where((chosen >= np.maximum(floor, 1)) & (chosen < ceiling), chosen, NONE)


def _round_down(price: NDArray[np.int64], habits: PriceHabits, two: int) -> NDArray[np.int64]:
    large = _below(price, habits.endings, 100)
    small = _below(np.minimum(price, two - 1), habits.small_endings, 10)
    return np.where(large >= two, large, small)


def _round_up(price: NDArray[np.int64], habits: PriceHabits, two: int) -> NDArray[np.int64]:
    small = _above(price, habits.small_endings, 10)
    large = _above(np.maximum(price, two), habits.endings, 100)
    return np.where(small < two, small, large)
