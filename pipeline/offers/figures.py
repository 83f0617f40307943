"""Figures as files hold them."""

import numpy as np

PLACES = 6
"""Digits after the point of shares and ratios."""


def figure(value: float) -> float | None:
    """A figure as files hold it; None for an unknown one."""
    return None if np.isnan(value) else round(float(value), PLACES)
