"""Milliseconds against quality: the same run with parts switched off, or cut early, on the same held-out baskets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.config import RunConfig
from pipeline.context.links import Links
from pipeline.context.similarity import Vectors
from pipeline.context.store import StoreContext, prepare
from pipeline.context.zero_shot import likely_tags
from pipeline.evaluation.arms import Estimate
from pipeline.evaluation.delivered import deliver
from pipeline.evaluation.holdout import Holdout
from pipeline.evaluation.intervals import MEAN_SHARE, interval, resampled_counts
from pipeline.evaluation.metrics import hits
from pipeline.evaluation.ranked import holds
from pipeline.evaluation.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

K = 10
"""List length of HitRate."""

RESAMPLES = 1_000
BLUE, GREY = "#2b6cb0", "#8a94a6"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run."""

    name: str
    config: RunConfig
    vectors: bool = True
    rules_only: bool = False
    """Without the links by text, category and popularity."""
    combo_share: float = 1.0
    """Share of the admitted combos after which phase 1 is cut."""


@dataclass(frozen=True, slots=True)
class Point:
    """One variant on one store."""

    name: str
    ms: float
    """Context, phase 1 and the choice of the list, in milliseconds of one process."""
    hit: NDArray[np.bool_] = field(repr=False)
    """`(m,)` held-out baskets that hold one of the first `K` sets."""


def variants(run: RunConfig) -> tuple[Variant, ...]:
    """The whole run, then with each part switched the other way, then cuts of phase 1."""
    greedy = run.model_copy(update={"portfolio": run.portfolio.model_copy(update={"method": "greedy"})})
    no_ease = run.ease.model_copy(update={"enabled": False})
    other_ease = run.ease.model_copy(update={"enabled": not run.ease.enabled})
    bare = greedy.model_copy(update={"ease": no_ease})
    return (
        Variant("whole", run),
        Variant("greedy", greedy),
        Variant("without EASE" if run.ease.enabled else "with EASE", run.model_copy(update={"ease": other_ease})),
        Variant("without vectors", run, vectors=False),
        Variant("rules only", run, rules_only=True),
        Variant("bare", bare, vectors=False, rules_only=True),
        Variant("half the combos", run, combo_share=0.5),
        Variant("a quarter of the combos", run, combo_share=0.25),
        Variant("a tenth of the combos", run, combo_share=0.1),
    )


def measure_curve(held: Holdout, embedded: Vectors, run: RunConfig, now: Callable[[], float]) -> list[Point]:
    """Run every variant on what was known before the cut.

    Args:
        held: A store, cut in two.
        embedded: `(m, d)` vectors of `zero_shot.texts_to_embed`.
        run: Settings of the whole run.
        now: A clock in seconds.
    """
    _point(variants(run)[0], held, embedded, now)  # so that no variant pays for first imports
    return [_point(variant, held, embedded, now) for variant in variants(run)]


def _point(variant: Variant, held: Holdout, embedded: Vectors, now: Callable[[], float]) -> Point:
    started = now()
    config, training = variant.config, held.training
    seen = embedded if variant.vectors else np.zeros((len(embedded), 0), dtype=np.float32)
    vectors, tags = likely_tags(seen, len(training.catalog), config.tags)
    context = prepare(training, vectors, held.cut, config.context, tags)
    if variant.rules_only:
        context = _rules_only(context)
    combos = None if variant.combo_share == 1 else max(1, round(39 * variant.combo_share))
    ranked = deliver(context, config, combos)
    ms = (now() - started) * 1_000
    return Point(variant.name, ms, hits(holds(held.baskets.matrix(), ranked.sets(K)), K))


def _rules_only(context: StoreContext) -> StoreContext:
    nothing = np.zeros(0, dtype=np.int32)
    none = Links(nothing, nothing, np.zeros(0))
    return replace(context, links=replace(context.links, semantic=none, complements=none, popular=none))


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One variant over all stores."""

    name: str
    ms: float
    """Mean over stores."""
    hit_rate: Estimate
    difference: Estimate
    """To the whole run, on the same resamples."""


def curve_of(stores: Sequence[Sequence[Point]], seed: int = 0, level: float = 0.95) -> list[CurvePoint]:
    """Pool the stores: HitRate over all held-out baskets together, resampled within each store."""
    baskets = sum(len(points[0].hit) for points in stores)
    columns = [np.column_stack([point.hit for point in points]).astype(np.float64) for points in stores]
    parts = [
        resampled_counts(csr_array(part), RESAMPLES, np.random.default_rng([seed, place]))
        for place, part in enumerate(columns)
    ]
    drawn = np.sum(parts, axis=0) / baskets
    means = np.sum([part.sum(axis=0) for part in columns], axis=0) / baskets
    apart, change = drawn - drawn[:, :1], means - means[0]
    shape = MEAN_SHARE.of_differences
    return [
        CurvePoint(
            name=point.name,
            ms=float(np.mean([points[place].ms for points in stores])),
            hit_rate=Estimate(float(means[place]), interval(float(means[place]), drawn[:, place], level, MEAN_SHARE)),
            difference=Estimate(float(change[place]), interval(float(change[place]), apart[:, place], level, shape)),
        )
        for place, point in enumerate(stores[0])
    ]


def curve_table(points: Sequence[CurvePoint], stores: int) -> Table:
    """One row a variant."""
    rows = tuple((point.name, f"{point.ms:.0f}", _cell(point.hit_rate), _cell(point.difference)) for point in points)
    notes = (
        f"ms: context, phase 1 and choice in one process, mean of {stores} stores; words and storage are not in it. "
        f"Cuts are in plan order, as by a deadline (--budget). HitRate@{K} pooled over held-out baskets.",
    )
    return Table(
        f"{stores} stores: milliseconds against quality", ("Run", "ms", f"HitRate@{K}", "− whole"), rows, notes
    )


def _cell(figure: Estimate) -> str:
    low, high = figure.interval or (float("nan"), float("nan"))
    return f"{figure.value:.3f} [{low:.3f}, {high:.3f}]"


def curve_json(points: Sequence[CurvePoint]) -> list[dict[str, Any]]:
    """The points; milliseconds differ from run to run, the rest does not."""
    return [
        {
            "run": point.name,
            "ms": round(point.ms, 1),
            **{
                name: {"value": round(figure.value, 6), "low": round(low, 6), "high": round(high, 6)}
                for name, figure in (("hit_rate@10", point.hit_rate), ("difference", point.difference))
                for low, high in [figure.interval or (0.0, 0.0)]
            },
        }
        for point in points
    ]


def draw_curve(points: Sequence[CurvePoint]) -> "Figure":
    """Left, HitRate over the milliseconds of cuts; right, what each part that is switched saves and costs."""
    from matplotlib.figure import Figure

    whole = points[0]
    cuts = sorted((point for point in points if point is whole or "combos" in point.name), key=lambda point: point.ms)
    parts = [point for point in points if point not in cuts]
    figure = Figure(figsize=(10.0, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))

    _dots(left, [point.ms for point in cuts], [point.hit_rate for point in cuts], axis="y")
    left.plot([point.ms for point in cuts], [point.hit_rate.value for point in cuts], color=BLUE, linewidth=1)
    for point in cuts:
        at = (point.ms, point.hit_rate.value)
        left.annotate(point.name, at, xytext=(6, -12), textcoords="offset points", fontsize=8)
    left.set_xlim(0, 1.25 * whole.ms)
    left.set_ylim(bottom=0)
    left.set_xlabel("milliseconds a store: context, phase 1, choice", fontsize=9)
    left.set_ylabel(f"HitRate@{K} on held-out baskets", fontsize=9)

    _dots(right, list(range(len(parts))), [point.difference for point in parts], axis="x")
    right.axvline(0, color=GREY, linewidth=1)
    names = [f"{point.name}\n{point.ms - whole.ms:+,.0f} ms" for point in parts]
    right.set_yticks(range(len(parts)), names, fontsize=8)
    right.set_ylim(len(parts) - 0.5, -0.5)
    right.set_xlabel(f"HitRate@{K} − the whole run", fontsize=9)
    for panel in (left, right):
        panel.grid(color="#e5e7eb", linewidth=0.7)
    return figure


def _dots(panel: Any, places: Sequence[float], estimates: Sequence[Estimate], axis: Literal["x", "y"]) -> None:
    """Values with their intervals along an axis."""
    values = np.array([one.value for one in estimates])
    spans = [one.interval or (one.value, one.value) for one in estimates]
    reach = np.abs(np.array(spans).T - values) if estimates else None
    here = {"x": (values, places), "y": (places, values)}[axis]
    panel.errorbar(*here, fmt="o", color=BLUE, ecolor=GREY, capsize=3, **{f"{axis}err": reach})
