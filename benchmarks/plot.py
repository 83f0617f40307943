"""Runs as bars: the phases of each store, with a fresh context, a kept one and without Ray, beside the target."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.measure import Figure
from benchmarks.runs import PHASES

KINDS = ("warm Ray, fresh context", "warm Ray, kept context", "one process, no Ray")
SHORT = ("fresh", "kept", "no Ray")
COLOURS = ("#9aa5b1", "#3b6ea8", "#e08e45", "#5a9e6f", "#b0558f")


def write_plot(folder: Path, figures: Sequence[Figure]) -> None:
    """`bench.svg` and `bench.png` in `folder`; nothing where no runs were measured."""
    runs = {(figure.part, figure.subject, figure.name): figure for figure in figures if figure.part in KINDS}
    stores = list(dict.fromkeys(subject for _, subject, _ in runs))
    if not stores:
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(10, 0.9 + 0.85 * len(stores)), layout="constrained")
    FigureCanvasAgg(canvas)
    axes = canvas.subplots()
    _draw(axes, runs, stores)
    for ending in ("svg", "png"):
        canvas.savefig(folder / f"bench.{ending}", dpi=150)


def _draw(axes: object, runs: dict[tuple[str, str, str], Figure], stores: list[str]) -> None:
    height, rows = 0.26, np.arange(len(stores))
    for place, kind in enumerate(KINDS):
        left, at = np.zeros(len(stores)), rows + (place - 1) * (height + 0.02)
        for phase, colour in zip(PHASES[:-1], COLOURS, strict=True):
            values = np.array([runs[kind, store, phase].median for store in stores])
            label = phase if place == 0 else None
            axes.barh(at, values, height, left=left, color=colour, label=label)  # type: ignore[attr-defined]
            left += values
        for store, x, y in zip(stores, left, at, strict=True):
            text = f" {runs[kind, store, 'total'].median:.2f} s {SHORT[place]}"
            axes.text(x, y, text, va="center", fontsize=7)  # type: ignore[attr-defined]
    for row, store in enumerate(stores):
        target = runs[KINDS[0], store, "total"].target
        if target is not None:
            axes.plot([target, target], [row - 0.45, row + 0.45], "k:", lw=1, zorder=0)  # type: ignore[attr-defined]
    axes.set_yticks(rows, stores)  # type: ignore[attr-defined]
    axes.invert_yaxis()  # type: ignore[attr-defined]
    axes.margins(x=0.2)  # type: ignore[attr-defined]
    axes.set_xlabel("seconds, medians of each phase and of the whole; dotted: the target")  # type: ignore[attr-defined]
    axes.legend(loc="upper right", fontsize=8, frameon=False)  # type: ignore[attr-defined]
