"""An evaluation as a picture: HitRate and NDCG of every arm with intervals, a row of panels for each store."""

import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pipeline.evaluation.arms import CONTROL, OURS, POPULARITY, Arm, StoreEvaluation
from pipeline.evaluation.pool import PooledEvaluation
from pipeline.evaluation.table import Evaluation, arm_label, column_titles, headline_keys, title_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = {OURS: "#0b6e4f", CONTROL: "#b3412f", POPULARITY: "#4a5568"}
OTHER = "#8a94a6"


def draw(stores: Sequence[StoreEvaluation], pooled: PooledEvaluation | None = None) -> "Figure":
    """A forest plot: one row of two panels for each store, and one for all of them pooled.

    Args:
        stores: At least one store.
        pooled: All stores together, drawn last.

    Returns:
        A figure that is not yet saved; `render` makes bytes of it.
    """
    from matplotlib.figure import Figure

    evaluations: list[Evaluation] = [*stores, *([] if pooled is None else [pooled])]
    heights = [1.0 + 0.2 * len(one.arms) for one in evaluations]
    keys = headline_keys(evaluations[0].config)
    figure = Figure(figsize=(9.0, sum(heights) + 0.7), layout="constrained")
    panels = figure.subplots(len(evaluations), 2, sharex="col", squeeze=False, height_ratios=heights)
    for row, evaluation in zip(panels, evaluations, strict=True):
        for panel, key in zip(row, keys, strict=True):
            _forest(panel, evaluation, key)
            panel.set_xlim(*_reach(evaluations, key))
        row[0].set_title(title_of(evaluation), loc="left", fontsize=10, fontweight="bold", parse_math=False)
        row[0].set_yticks(range(len(evaluation.arms)), [arm_label(name) for name in evaluation.arms], fontsize=9)
        row[1].set_yticks(range(len(evaluation.arms)), [""] * len(evaluation.arms))
    level = f"{evaluations[0].config.level:.0%}"
    figure.suptitle(f"Bundles on held-out orders: figures with {level} intervals (paired bootstrap)", fontsize=12)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # settled, so that every rendering gives the same bytes
    return figure


def render(figure: "Figure", form: Literal["svg", "png"] = "svg") -> bytes:
    """The picture as bytes, the same bytes for the same figures."""
    import matplotlib as mpl

    target = io.BytesIO()
    metadata = {"Date": None} if form == "svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": "basketry", "svg.fonttype": "none"}):
        figure.savefig(target, format=form, metadata=metadata, dpi=150)
    return target.getvalue()


def _reach(evaluations: Sequence[Evaluation], key: str) -> tuple[float, float]:
    """Ends of an axis that holds every arm's figure, with room for its label."""
    figures = [arm.figures[key] for one in evaluations for arm in one.arms.values()]
    ends = [end for figure in figures for end in (figure.value, *(figure.interval or ())) if math.isfinite(end)]
    highest = max([*ends, 0.05])
    return -0.03 * highest, 1.16 * highest


def _forest(panel: "Axes", evaluation: Evaluation, key: str) -> None:
    """One metric: a dot and a line for each arm, first arm on top, the control's figure as a dotted line."""
    for place, (name, arm) in enumerate(evaluation.arms.items()):
        _arm(panel, place, arm, key, COLORS.get(name, OTHER))
    base = evaluation.arms[CONTROL].figures[key].value
    if not math.isnan(base):
        panel.axvline(base, color=COLORS[CONTROL], linewidth=0.8, linestyle=":", zorder=0)
    panel.set_ylim(len(evaluation.arms) - 0.4, -0.6)
    panel.set_xlabel(column_titles(evaluation.config)[key], fontsize=9)
    panel.tick_params(axis="x", labelsize=8, labelbottom=True)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="#e5e7eb", linewidth=0.7)
    panel.set_axisbelow(True)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)


def _arm(panel: "Axes", place: int, arm: Arm, key: str, color: str) -> None:
    figure = arm.figures[key]
    if math.isnan(figure.value):
        return
    if figure.interval is not None:
        panel.plot([figure.interval.low, figure.interval.high], [place, place], color=color, linewidth=1.8)
    panel.plot([figure.value], [place], "o", color=color, markersize=5)
    edge = figure.value if figure.interval is None else figure.interval.high
    panel.annotate(
        f"{figure.value:.3f}", (edge, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8
    )
