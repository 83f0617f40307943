"""The plots of a fleet's page as coordinates: throughput over time, and time by size on logarithmic scales."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

WIDTH, HEIGHT = 440, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 40
BINS = 44


class Tick(NamedTuple):
    """A line of a scale."""

    at: float
    text: str


class Bar(NamedTuple):
    """A column from the base line up."""

    x: float
    y: float
    width: float
    height: float
    text: str


FRAME = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "bottom": HEIGHT - BOTTOM}


def throughput(ended_s: Sequence[float]) -> dict[str, Any] | None:
    """Stores that ended a second, over the fleet's time; None for fewer than two.

    Args:
        ended_s: When each store ended, in seconds from the fleet's begin.
    """
    if len(ended_s) < 2 or max(ended_s) <= 0:
        return None
    whole = max(ended_s)
    step = whole / min(BINS, max(4, len(ended_s) // 4))
    bins = [0] * math.ceil(round(whole / step, 6))
    for at in ended_s:
        bins[min(int(at / step), len(bins) - 1)] += 1
    rates = [count / step for count in bins]
    top = _round_up(max(rates))
    width = (WIDTH - LEFT - RIGHT) / len(rates)
    base = HEIGHT - BOTTOM

    def bar(place: int, rate: float) -> Bar:
        height = rate / top * (base - TOP)
        words = f"{seconds_text(place * step)} to {seconds_text((place + 1) * step)}: {rate:.2g} a second"
        return Bar(round(LEFT + place * width, 2), round(base - height, 2), round(max(width - 1, 0.5), 2),
                   round(height, 2), words)  # fmt: skip

    return FRAME | {
        "bars": [bar(place, rate) for place, rate in enumerate(rates)],
        "x_ticks": [
            Tick(round(LEFT + share * (WIDTH - LEFT - RIGHT), 1), seconds_text(share * whole)) for share in (0, 0.5, 1)
        ],
        "y_ticks": [
            Tick(round(base - share * (base - TOP), 1), f"{share * top:g}") for share in (0, 0.25, 0.5, 0.75, 1)
        ],
        "summary": (
            f"{len(ended_s):,} stores in {seconds_text(whole)}, {len(ended_s) / whole:.2g} a second, "
            f"at most {max(rates):.2g}."
        ),
    }


def by_size(points: Sequence[tuple[float, float]]) -> dict[str, Any] | None:
    """Seconds of a store against its orders, both on logarithmic scales; None where nothing is known.

    Args:
        points: Orders and seconds of each store. Stores without orders are drawn at one.
    """
    known = [(max(orders, 1.0), seconds) for orders, seconds in points if seconds > 0]
    if not known:
        return None
    across, up = _decades([orders for orders, _ in known]), _decades([seconds for _, seconds in known])
    base = HEIGHT - BOTTOM

    def x(value: float) -> float:
        return LEFT + (math.log10(value) - across[0]) / (across[1] - across[0]) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return base - (math.log10(value) - up[0]) / (up[1] - up[0]) * (base - TOP)

    places = sorted({(round(2 * x(orders)) / 2, round(2 * y(seconds)) / 2) for orders, seconds in known})
    seconds_sorted = sorted(seconds for _, seconds in known)
    return FRAME | {
        "cloud": "".join(f"M{left:g} {top:g}h0" for left, top in places),
        "x_ticks": [Tick(round(x(10.0**power), 1), f"{10**power:,}") for power in range(across[0], across[1] + 1)],
        "y_ticks": [Tick(round(y(10.0**power), 1), seconds_text(10.0**power)) for power in range(up[0], up[1] + 1)],
        "summary": (
            f"Half of the stores took less than {seconds_text(seconds_sorted[len(known) // 2])}, "
            f"the slowest {seconds_text(seconds_sorted[-1])}."
        ),
    }


def seconds_text(seconds: float) -> str:
    """A time with its unit, at most two figures below ten.

    >>> seconds_text(0.0134), seconds_text(4.26), seconds_text(75), seconds_text(7300)
    ('13 ms', '4.3 s', '1 min 15 s', '2 h 02 min')
    """
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms" if seconds else "0 s"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _round_up(value: float) -> float:
    """The next of some figures at its power of ten whose quarters are short to write."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.2, 1.6, 2, 3, 4, 6, 8, 10) if step * power >= value * 0.9999)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return (low, high) if high > low else (low, low + 1)
