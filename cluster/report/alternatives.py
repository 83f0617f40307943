"""The chosen list among the lists that no other beats: a strip for each aim."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cluster.report.figures import count, number, percent, ratio
from pipeline.offers.english import counted

WIDTH, HEIGHT, EDGE = 320, 26, 8
BIN, TALLEST = 4, 22
"""Width of a bar, and height of the tallest."""

AIMS: dict[str, tuple[str, str]] = {
    "revenue": ("Revenue", "what its bundles may sell, beside what the store sells"),
    "margin": ("Margin", "what is left after discount"),
    "inventory": ("Stock moved", "how long its products would lie otherwise"),
    "cross_sell": ("Cross-selling", "orders that its bundles reach"),
    "cannibalisation": ("Not the same twice", "how unlike its bundles are"),
    "coverage": ("Coverage", "distinct products, objectives and types"),
}


class Strip(NamedTuple):
    """An aim: how many lists of the front lie where, from the worst to the best."""

    name: str
    meaning: str
    bars: str
    """Path of upright strokes."""
    taken: float
    greedy: float | None
    figures: tuple[str, str, str]
    """Of the list that was taken, of the greedy one, and the best of the front."""
    words: str


def alternatives(portfolio: Mapping[str, Any]) -> dict[str, Any] | None:
    """Strips and sentences of the record's `portfolio`; None where the list was chosen greedily.

    Each strip has the range of its own aim, so that lengths compare lists and not aims.
    """
    front, aims, taken = portfolio.get("front") or (), portfolio.get("aims") or (), portfolio.get("taken")
    if not front or not isinstance(taken, int) or not 0 <= taken < len(front):
        return None
    greedy = portfolio.get("greedy") or [None] * len(aims)
    columns = [[number(row[place]) or 0.0 for row in front] for place in range(len(aims))]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "strips": [
            _strip(str(aim), values, values[taken], number(other))
            for aim, values, other in zip(aims, columns, greedy, strict=True)
        ],
        "summary": _summary(portfolio, len(front)),
        "volume": _volume(portfolio),
    }


def _strip(aim: str, values: Sequence[float], taken: float, greedy: float | None) -> Strip:
    every = [*values, taken] if greedy is None else [*values, greedy]
    low, high = min(every), max(every)
    name, meaning = AIMS.get(aim, (aim.replace("_", " ").capitalize(), ""))
    worse = sum(value < taken for value in values) / max(len(values) - 1, 1)
    return Strip(
        name=name,
        meaning=meaning,
        bars=_bars([_at(value, low, high) for value in values]),
        taken=round(_at(taken, low, high), 1),
        greedy=None if greedy is None else round(_at(greedy, low, high), 1),
        figures=(ratio(taken, 3), ratio(greedy, 3), ratio(max(values), 3)),
        words=f"better than {percent(worse)} of the front",
    )


def _bars(places: Sequence[float]) -> str:
    counted_at = Counter(int(place // BIN) * BIN + BIN // 2 for place in places)
    most = max(counted_at.values())
    return "".join(
        f"M{place} {HEIGHT}v-{max(1.0, TALLEST * times / most):.3g}" for place, times in sorted(counted_at.items())
    )


def _at(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return EDGE + share * (WIDTH - 2 * EDGE)


def _summary(portfolio: Mapping[str, Any], front: int) -> str:
    tried = f"{count(portfolio.get('evaluated'))} lists were put together"
    ran = counted(int(number(portfolio.get("generations")) or 0), "generation")
    return f"{tried} in {ran}; {count(front)} of them are the front: no other list is at least as good in every aim."


def _volume(portfolio: Mapping[str, Any]) -> str:
    found, drawn = number(portfolio.get("hypervolume")), number(portfolio.get("random_hypervolume"))
    if not found or not drawn:
        return ""
    return f"The front covers {ratio(found / drawn, 1)} times the volume that 50 lists of random weights cover."
