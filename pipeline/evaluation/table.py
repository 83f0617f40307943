"""An evaluation as JSON, and as a plain table that any face can lay out."""

import math
from dataclasses import dataclass
from typing import Any

from pipeline.evaluation.arms import CONTROL, OURS, WEIGHT_ARMS, Arm, Estimate, StoreEvaluation
from pipeline.evaluation.config import EvaluationConfig
from pipeline.evaluation.pool import PooledEvaluation

Evaluation = StoreEvaluation | PooledEvaluation

UNKNOWN = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as text, one row an arm."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    """What a reader must know to read the figures."""


def headline_keys(config: EvaluationConfig) -> tuple[str, str]:
    """HitRate and NDCG that stand for the rest: at NDCG's length where HitRate has it, else at the longest."""
    k = config.ndcg_k if config.ndcg_k in config.ks else max(config.ks)
    return f"hit_rate@{k}", f"ndcg@{config.ndcg_k}"


def column_titles(config: EvaluationConfig) -> dict[str, str]:
    """Short titles of the metrics that a table shows, in its order."""
    return {
        **{f"hit_rate@{k}": f"HitRate@{k}" for k in config.ks},
        f"ndcg@{config.ndcg_k}": f"NDCG@{config.ndcg_k}",
        "pairs_again_1": "Pairs again ≥1",
        "pairs_again_3": "Pairs again ≥3",
        "pairs_again_expected": "≥1 expected",
        "held_out_lift": "Held-out lift",
        "baskets_touched": "Baskets touched",
        "sku_coverage": "SKU coverage",
        "distinct_skus": "Distinct SKUs",
        "diversity": "Diversity",
        "sets": "Sets",
    }


def arm_label(name: str) -> str:
    """An arm with its weights.

    >>> arm_label("C"), arm_label("ours")
    ('C (0.7, 0.3, 0)', 'ours')
    """
    weights = WEIGHT_ARMS.get(name)
    return name if weights is None else f"{name} ({', '.join(f'{weight:g}' for weight in weights)})"


def title_of(evaluation: Evaluation) -> str:
    """The store, or how many are pooled, and how many orders were held out."""
    orders = evaluation.protocol["held_out_orders"]
    if isinstance(evaluation, StoreEvaluation):
        return f"{evaluation.store}: {orders} orders held out from {evaluation.protocol['cut']} on"
    return f"{len(evaluation.stores)} stores pooled: {orders} orders held out"


def tabulate(evaluation: Evaluation) -> Table:
    """One row an arm: every metric, and the two headline differences to the control with their intervals."""
    config, titles = evaluation.config, column_titles(evaluation.config)
    headline = headline_keys(config)
    columns = ("Arm", *titles.values(), *(f"{titles[key]} − control" for key in headline))
    return Table(
        title=title_of(evaluation),
        columns=columns,
        rows=tuple(_row(name, arm, tuple(titles), headline) for name, arm in evaluation.arms.items()),
        notes=_notes(evaluation),
    )


def as_markdown(table: Table) -> str:
    """A table as a page can hold it; arms, which have many metrics, side by side.

    >>> rows = (("ours", "0.3"), ("control", "0.1"))
    >>> print(as_markdown(Table("Two arms", ("Arm", "HitRate@10"), rows, ("A note.",))))
    ## Two arms
    <BLANKLINE>
    | | ours | control |
    |---|---:|---:|
    | HitRate@10 | 0.3 | 0.1 |
    <BLANKLINE>
    - A note.
    """
    rows = (
        list(zip(table.columns, *table.rows, strict=True))
        if table.columns[0] == "Arm"
        else [table.columns, *table.rows]
    )
    head, *body = ([cell.replace("|", "\\|") for cell in row] for row in rows)
    head[0] = "" if head[0] == "Arm" else head[0]
    lines = ["|" + "".join(f" {cell} |" if cell else " |" for cell in head), "|---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    return "\n".join([f"## {table.title}", "", *lines, "", *(f"- {note}" for note in table.notes)])


def tabulate_sources(evaluation: StoreEvaluation) -> Table:
    """One row a source of our own list, the one whose sets held-out baskets hold most often first."""
    k = max(evaluation.config.ks)
    ordered = sorted(evaluation.sources, key=lambda one: (-one.hit_rate, one.source))
    return Table(
        title=f"{evaluation.store}: our list by source",
        columns=("Source", "Sets", f"HitRate@{k}"),
        rows=tuple((one.source, str(one.sets), f"{one.hit_rate:.3f}") for one in ordered),
        notes=("A set that several sources propose counts for each of them.",),
    )


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Everything but the resamples; undefined figures are null, others have six decimals."""
    where = (
        {"store": evaluation.store, "sources": [one._asdict() for one in evaluation.sources]}
        if isinstance(evaluation, StoreEvaluation)
        else {"stores": list(evaluation.stores)}
    )
    return {
        **where,
        "protocol": evaluation.protocol,
        "arms": [
            {
                "arm": name,
                "weights": list(WEIGHT_ARMS[name]) if name in WEIGHT_ARMS else None,
                "figures": {key: _figure_json(figure) for key, figure in arm.figures.items()},
                "difference_to_control": {key: _figure_json(figure) for key, figure in arm.difference.items()},
            }
            for name, arm in evaluation.arms.items()
        ],
    }


def _figure_json(figure: Estimate) -> dict[str, float | None]:
    if figure.interval is None:
        return {"value": _number(figure.value)}
    return {
        "value": _number(figure.value),
        "low": _number(figure.interval.low),
        "high": _number(figure.interval.high),
    }


def _number(value: float) -> float | None:
    return round(value, 6) + 0.0 if math.isfinite(value) else None


def _row(name: str, arm: Arm, keys: tuple[str, ...], headline: tuple[str, str]) -> tuple[str, ...]:
    figures = (_cell(key, arm.figures[key].value) for key in keys)
    differences = (_difference_cell(arm.difference.get(key)) for key in headline)
    return (arm_label(name), *figures, *differences)


def _cell(key: str, value: float) -> str:
    """A figure with as many digits as it deserves.

    >>> _cell("hit_rate@10", 0.21849), _cell("distinct_skus", 29.0), _cell("held_out_lift", float("nan"))
    ('0.218', '29', '–')
    """
    if math.isnan(value):
        return UNKNOWN
    if key in ("distinct_skus", "sets", "bundles"):
        return f"{value:.0f}"
    return f"{value:.1f}" if key == "held_out_lift" else f"{value:.3f}"


def _difference_cell(figure: Estimate | None) -> str:
    if figure is None or figure.interval is None or math.isnan(figure.value):
        return UNKNOWN
    return f"{figure.value:+.3f} [{figure.interval.low:+.3f}, {figure.interval.high:+.3f}]"


def _notes(evaluation: Evaluation) -> tuple[str, ...]:
    protocol = evaluation.protocol
    notes = [f"Intervals: {protocol['interval']}."]
    if isinstance(evaluation, StoreEvaluation):
        notes.insert(0, f"Held out: {protocol['cut']} to {protocol['end']}, {protocol['eligible']}.")
        notes.append(f"control: {protocol['control']}. popularity: {protocol['popularity']}.")
    else:
        notes.append(f"Pooled: {protocol['pooling']}.")
    notes.append(f"A to E: {protocol['arms']}.")
    fewest = min((arm.figures["sets"].value for name, arm in evaluation.arms.items() if name == OURS), default=math.inf)
    if fewest < evaluation.arms[CONTROL].figures["sets"].value:
        notes.append(f"ours has {fewest:.0f} FBT and FIXED bundles to be judged, fewer than the control.")
    return tuple(notes)
