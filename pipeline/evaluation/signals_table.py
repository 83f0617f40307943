"""The signals' figures: pooled over stores with intervals, as a table, JSON and a picture."""

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from pipeline.evaluation.arms import Estimate
from pipeline.evaluation.hidden import TASKS, Floats, HiddenConfig, TaskName, measures_of
from pipeline.evaluation.intervals import MEAN_SHARE, interval, resampled_counts
from pipeline.evaluation.signals import BLEND, StoreSignals
from pipeline.evaluation.table import UNKNOWN, Table
from pipeline.ingest.snapshot import to_date

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TASK_TITLES: dict[TaskName, str] = {
    "basket": "rest of the basket known",
    "anchor": "one product known",
    "new": "hidden product hardly sold before",
}

COLORS = {BLEND: "#0b6e4f", "ease": "#2b6cb0", "affinity": "#b7791f", "support": "#b3412f", "popularity": "#4a5568"}
"""Signals of the plot by store size."""

Figures = dict[TaskName, dict[str, dict[str, Estimate]]]
"""Estimates by task, signal and metric."""


def figures_of(stores: Sequence[StoreSignals]) -> Figures:
    """Every figure over the questions of all stores together, resampled within each store.

    Resample `r` is of the same questions for all signals.
    """
    config = stores[0].config
    return {task: _task_figures(stores, task, config) for task in TASKS}


def _task_figures(
    stores: Sequence[StoreSignals], task: TaskName, config: HiddenConfig
) -> dict[str, dict[str, Estimate]]:
    names = list(stores[0].ranks[task])
    added = [{name: measures_of(store.ranks[task][name], config) for name in names} for store in stores]
    questions = [len(store.ranks[task][names[0]]) for store in stores]
    if not sum(questions):
        return {name: {key: Estimate(math.nan) for key in added[0][name]} for name in names}
    keys = list(added[0][names[0]])
    columns = [
        np.column_stack([part[name][key] for name in names for key in keys]) for part, size in
        zip(added, questions, strict=True) if size
    ]  # fmt: skip
    asked = [store for store, size in zip(stores, questions, strict=True) if size]
    parts = [_resampled(store, part, config) for store, part in zip(asked, columns, strict=True)]
    drawn = np.sum(parts, axis=0) / sum(questions)
    means = np.sum([part.sum(axis=0) for part in columns], axis=0) / sum(questions)
    cells = {
        (name, key): Estimate(float(means[at]), interval(float(means[at]), drawn[:, at], config.level, MEAN_SHARE))
        for at, (name, key) in enumerate((name, key) for name in names for key in keys)
    }
    return {name: {key: cells[name, key] for key in keys} for name in names}


def _resampled(store: StoreSignals, columns: Floats, config: HiddenConfig) -> Floats:
    stream = int(hashlib.sha256(store.store.encode()).hexdigest()[:12], 16)
    return resampled_counts(csr_array(columns), config.resamples, np.random.default_rng([config.seed, stream]))


def questions_of(stores: Sequence[StoreSignals]) -> dict[TaskName, int]:
    """How many questions each task asked."""
    return {task: sum(len(store.ranks[task][BLEND]) for store in stores) for task in TASKS}


def signals_table(stores: Sequence[StoreSignals], figures: Figures) -> Table:
    """One row a signal; the columns of each task."""
    config = stores[0].config
    titles = {**{f"hit_rate@{k}": f"HR@{k}" for k in config.ks}, "mrr": "MRR"}
    asked = questions_of(stores)
    name = stores[0].store if len(stores) == 1 else f"{len(stores)} stores pooled"
    columns = ("Signal", *(f"{task} {title}" for task in TASKS for title in titles.values()))
    rows = tuple(
        (signal, *(_cell(figures[task][signal][key], key) for task in TASKS for key in titles))
        for signal in figures["basket"]
    )
    counted = ", ".join(f"{task} ({TASK_TITLES[task]}) {asked[task]}" for task in TASKS)
    return Table(
        f"{name}: one product of each held-out basket hidden",
        columns,
        rows,
        (f"Questions: {counted}.", *_notes(stores)),
    )


def _notes(stores: Sequence[StoreSignals]) -> list[str]:
    config = stores[0].config
    notes = [
        f"Hidden: a drawn product of at least {config.min_orders} training orders, in baskets with two known products; "
        "new: of fewer. All other products are ranked, equal ones count half.",
        "EASE's penalties and the blend's weights (of z-scores within a question) were chosen on an inner cut, as many "
        "days before the outer one; the outer one was looked at once.",
    ]
    if len(stores) == 1:
        one = stores[0].chosen
        notes.append(
            f"Chosen on {one.questions} inner baskets: ridge {one.ease.ridge:g}, dropout {one.ease.dropout:g}, "
            f"{', '.join(f'{name} {weight:g}' for name, weight in one.weights.items())}."
        )
    return notes


def _cell(figure: Estimate, key: str) -> str:
    if figure.interval is None or math.isnan(figure.value):
        return UNKNOWN
    if key == "mrr":
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} [{figure.interval.low:.3f}, {figure.interval.high:.3f}]"


def signals_json(stores: Sequence[StoreSignals], figures: Figures) -> dict[str, Any]:
    """Everything but the ranks."""
    return {
        "stores": [
            {
                "store": one.store,
                "cut": to_date(one.cut).isoformat(),
                "inner_cut": to_date(one.inner_cut).isoformat(),
                "training_orders": one.training_orders,
                "held_out_orders": one.held_out_orders,
                "chosen": {
                    "questions": one.chosen.questions,
                    "ridge": one.chosen.ease.ridge,
                    "dropout": one.chosen.ease.dropout,
                    "blend": one.chosen.weights,
                },
            }
            for one in stores
        ],
        "questions": questions_of(stores),
        "notes": _notes(stores),
        "figures": {
            task: {name: {key: _json(figure) for key, figure in row.items()} for name, row in rows.items()}
            for task, rows in figures.items()
        },
    }


def _json(figure: Estimate) -> dict[str, float | None]:
    if figure.interval is None:
        return {"value": None}
    low, high = figure.interval
    return {"value": round(figure.value, 6), "low": round(low, 6), "high": round(high, 6)}


def draw_signals(stores: Sequence[StoreSignals], figures: Figures) -> "Figure":
    """HitRate of every signal on each task with intervals; where there are several stores, by store size below."""
    from matplotlib.figure import Figure

    key = f"hit_rate@{stores[0].config.ks[0]}"
    by_size = len(stores) > 1
    figure = Figure(figsize=(11.0, 8.0 if by_size else 4.2), layout="constrained")
    panels = figure.subplots(2 if by_size else 1, len(TASKS), squeeze=False)
    for column, task in enumerate(TASKS):
        _bars(panels[0, column], figures[task], key, task)
        if column:
            panels[0, column].set_yticklabels([])
        if by_size:
            _sizes(panels[1, column], stores, task, key)
    if by_size:
        panels[1, 0].legend(fontsize=7, frameon=False)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # settled, so that every rendering gives the same bytes
    return figure


def _bars(panel: "Axes", rows: dict[str, dict[str, Estimate]], key: str, task: TaskName) -> None:
    for place, (name, row) in enumerate(rows.items()):
        color = COLORS.get(name, "#8a94a6")
        if row[key].interval is not None:
            panel.plot(list(row[key].interval or ()), [place, place], color=color, linewidth=1.8)
            panel.plot([row[key].value], [place], "o", color=color, markersize=5)
    panel.set_yticks(range(len(rows)), list(rows), fontsize=8)
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.set_xlim(left=0)
    panel.set_title(f"{task}: {TASK_TITLES[task]}", fontsize=9, loc="left")
    panel.set_xlabel(key.replace("hit_rate", "HitRate"), fontsize=8)
    panel.grid(axis="x", color="#e5e7eb", linewidth=0.7)


def _sizes(panel: "Axes", stores: Sequence[StoreSignals], task: TaskName, key: str) -> None:
    """A dot for each store that was asked, by its training orders."""
    asked = [one for one in stores if len(one.ranks[task][BLEND])]
    sizes = [one.training_orders for one in asked]
    for name, color in COLORS.items():
        means = [float(measures_of(one.ranks[task][name], one.config)[key].mean()) for one in asked]
        panel.plot(sizes, means, "o", color=color, markersize=4, alpha=0.8, label=name)
    panel.set_xscale("log")
    panel.set_ylim(bottom=0)
    panel.set_xlabel("training orders of the store", fontsize=8)
    panel.set_ylabel(key.replace("hit_rate", "HitRate"), fontsize=8)
    panel.grid(color="#e5e7eb", linewidth=0.7)
