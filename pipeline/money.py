"""Money in minor units: integers inside, decimal strings outside."""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

DIGITS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
    "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
    "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}  # fmt: skip
"""Decimal places of the minor unit by ISO 4217; all other currencies have two."""


def digits(currency: str) -> int:
    """Decimal places of the currency's minor unit."""
    return DIGITS.get(currency, 2)


def to_minor(amounts: NDArray[np.float64], currency: str) -> NDArray[np.int64]:
    """Amounts in minor units, halves to even; an unknown amount (NaN) is 0."""
    return np.asarray(np.rint(np.nan_to_num(amounts) * 10 ** digits(currency)), dtype=np.int64)


def decimal(minor: int, currency: str) -> Decimal:
    """An amount of minor units as a decimal of the currency.

    >>> decimal(1295, "GBP"), decimal(1295, "JPY")
    (Decimal('12.95'), Decimal('1295'))
    """
    return Decimal(int(minor)).scaleb(-digits(currency))
