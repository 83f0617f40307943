"""More nodes than the machine has cores: the fleet's own order of claims, played out with measured costs.

Every claim takes its measured time at the one database, every store its measured time at a worker, and the same result
of claims that `cluster.database.queue` gives: the heaviest first, as the fleet submits them. What it leaves out is what
one machine can't show: the network, and workers that slow each other down.
"""

import heapq
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

CORES = 2
NODES = (1, 2, 4, 8, 16, 32, 64)


class Played(NamedTuple):
    """A fleet that was played out."""

    nodes: int
    seconds: float
    dwell_p50_s: float
    dwell_p95_s: float
    busy: float
    """Share of the workers' time that was work."""


def play(costs_s: Sequence[float], nodes: int, serial_s: float) -> Played:
    """Work off stores on `nodes` of `CORES` workers each.

    Args:
        costs_s: What each store takes a worker, in order of submission.
        nodes: Equal nodes.
        serial_s: What the coordinator and the database take for each store, one after the other.
    """
    free = [0.0] * (nodes * CORES)
    heapq.heapify(free)
    gate, dwell, end = 0.0, [], 0.0
    for cost in costs_s:
        worker = heapq.heappop(free)
        begin = gate = max(worker, gate) + serial_s
        dwell.append(begin)
        heapq.heappush(free, begin + cost)
        end = max(end, begin + cost)
    dwell.sort()
    busy = sum(costs_s) / (end * nodes * CORES)
    return Played(nodes, end, dwell[len(dwell) // 2], dwell[int(0.95 * len(dwell))], busy)


def scale(measured_s: Sequence[float], stores: int, serial_s: float, seed: int = 0) -> list[Played]:
    """A fleet of `stores`, drawn from measured costs, on 1 to 64 nodes."""
    rng = random.Random(seed)
    costs = sorted(rng.choices(measured_s, k=stores), reverse=True)
    return [play(costs, nodes, serial_s) for nodes in NODES]


def draw(played: Sequence[Played], stores: int, path: Path) -> None:
    """Time and dwell against nodes, as a picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(canvas)
    left, right = canvas.subplots(1, 2)
    nodes = [row.nodes for row in played]
    left.plot(nodes, [row.seconds for row in played], "o-", color="#0b6a4c", label="fleet of one coordinator")
    left.plot(nodes, [played[0].seconds / n for n in nodes], ":", color="#888", label="as if nothing were in common")
    right.plot(nodes, [row.dwell_p50_s for row in played], "o-", color="#0b6a4c", label="half of the stores")
    right.plot(nodes, [row.dwell_p95_s for row in played], "o-", color="#e08e45", label="95 % of the stores")
    for axes, title in ((left, f"time for {stores:,} stores, s"), (right, "from submission to a worker, s")):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(nodes, [str(n) for n in nodes])
        axes.set_xlabel(f"nodes of {CORES} cores")
        axes.set_title(title, fontsize=10)
        axes.legend(fontsize=8, frameon=False)
        axes.grid(alpha=0.25)
    canvas.savefig(path, dpi=150)
