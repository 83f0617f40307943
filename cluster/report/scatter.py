"""Score against margin as a small inline SVG: the cloud, the exact front, the bundles that were taken."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from cluster.report.figures import count, number, percent, ratio

WIDTH, HEIGHT = 440, 300
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 10, 40
LANE = 30
"""Height of the strip for candidates of unknown margin."""


class Tick(NamedTuple):
    """A line of the scale."""

    at: float
    text: str


class Mark(NamedTuple):
    """A point that is drawn on its own."""

    x: float
    y: float
    text: str
    rank: Any = None


def scatter(
    points: Sequence[Mapping[str, Any]], bundles: Sequence[Mapping[str, Any]], passed: Any = None
) -> dict[str, Any] | None:
    """The plot's coordinates, or None where nothing passed the gates.

    The many points are one path of zero-length strokes, rounded to half a unit and drawn once a place, so that
    thousands cost a few kilobytes. Points without a known margin lie in a lane under the axis.

    Args:
        points: `portfolio.points` of the record: score and margin in [0, 1], and whether a point is on the front.
        bundles: Objects of `bundles.json`; they are the points that were taken.
        passed: How many passed the gates, where the record keeps fewer points.
    """
    known = [
        (s, m)
        for s, m in ((number(p.get("score")), number(p.get("margin"))) for p in points)
        if s is not None and m is not None
    ]
    unknown = [s for p in points if number(p.get("margin")) is None and (s := number(p.get("score"))) is not None]
    if not known and not unknown:
        return None
    low, high = _bounds([score for score, _ in known] + unknown)
    floor, top = _bounds([margin for _, margin in known] or [0.0, 1.0])
    base = HEIGHT - BOTTOM - (LANE if unknown else 0)
    x, y = _scale(low, high, LEFT, WIDTH - RIGHT), _scale(floor, top, base, TOP)
    lane = HEIGHT - BOTTOM - LANE / 2
    front = sorted(
        {(p["score"], p["margin"]) for p in points if p.get("front") and number(p.get("margin")) is not None}
    )
    taken = [_mark(bundle, x, y, lane) for bundle in bundles if number(bundle.get("score")) is not None]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "base": base,
        "bottom": HEIGHT - BOTTOM,
        "lane": lane if unknown else None,
        "cloud": _path([(x(s), y(m)) for s, m in known] + [(x(s), lane) for s in unknown]),
        "front_line": " ".join(f"{x(s):.1f},{y(m):.1f}" for s, m in front),
        "front": [Mark(round(x(s), 1), round(y(m), 1), f"score {ratio(s)}, margin {percent(m)}") for s, m in front],
        "taken": taken,
        "x_ticks": [Tick(round(x(value), 1), ratio(value, 2)) for value in _steps(low, high)],
        "y_ticks": [Tick(round(y(value), 1), percent(value)) for value in _steps(floor, top)],
        "summary": _summary(len(known) + len(unknown), number(passed), len(front), len(taken)),
    }


def _summary(shown: int, passed: float | None, front: int, taken: int) -> str:
    of = f" of {count(passed)}" if passed is not None and passed > shown else ""
    cloud = f"{count(shown)}{of} candidates that passed the gates"
    return f"{cloud}, {count(front)} of them on the front, {count(taken)} taken."


def _mark(bundle: Mapping[str, Any], x: Callable[[float], float], y: Callable[[float], float], lane: float) -> Mark:
    score = number(bundle.get("score")) or 0.0
    margin = number(((bundle.get("evidence") or {}).get("margin") or {}).get("after_discount"))
    at = lane if margin is None else y(margin)
    words = f"{bundle.get('name') or 'Bundle'}: score {ratio(score)}, margin {percent(margin)}"
    return Mark(round(x(score), 1), round(at, 1), words, bundle.get("rank"))


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    """The values' range, widened to the next step of 0.1."""
    low, high = int(min(values) * 10 // 1) / 10, -int(-max(values) * 10 // 1) / 10
    return (low, high) if high > low else (low, low + 0.1)


def _steps(low: float, high: float) -> list[float]:
    step = 0.1 if high - low <= 0.61 else 0.2
    return [round(low + at * step, 1) for at in range(int((high - low) / step + 1.001))]


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (min(max(value, low), high) - low) / (high - low) * (end - start)


def _path(places: Sequence[tuple[float, float]]) -> str:
    rounded = sorted({(round(2 * x) / 2, round(2 * y) / 2) for x, y in places})
    return "".join(f"M{x:g} {y:g}h0" for x, y in rounded)
