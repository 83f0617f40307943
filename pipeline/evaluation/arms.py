"""Lists of bundles side by side on one holdout: ours, popularity, the control, and the arms of weights."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from pipeline.evaluation.baselines import control, popularity
from pipeline.evaluation.by_source import SourceHits, hits_by_source
from pipeline.evaluation.config import EvaluationConfig
from pipeline.evaluation.features import (
    Features,
    features_of,
    figures_of,
    judged_pairs,
    list_figures,
    pooling_weights,
    shape_of,
)
from pipeline.evaluation.holdout import Baskets, Holdout
from pipeline.evaluation.intervals import Interval, Shape, interval, resampled_counts
from pipeline.evaluation.metrics import expected_again
from pipeline.evaluation.protocol import protocol_of
from pipeline.evaluation.ranked import Ranked, holds

Floats = NDArray[np.float64]

OURS, POPULARITY, CONTROL = "ours", "popularity", "control"

WEIGHT_ARMS: dict[str, tuple[float, float, float]] = {
    "A": (1.0, 0.0, 0.0),
    "B": (0.0, 1.0, 0.0),
    "C": (0.7, 0.3, 0.0),
    "D": (0.4, 0.6, 0.0),
    "E": (0.2, 0.8, 0.0),
}
"""Weights (α, β, γ) of the arms whose lists a run makes: of meaning, of what orders prove, of business."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, NaN where undefined, with its interval where it depends on the held-out baskets."""

    value: float
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Arm:
    """One list, measured. Keys are those of `pipeline.evaluation.protocol.definitions`."""

    figures: dict[str, Estimate]
    difference: dict[str, Estimate]
    """This arm minus the control, on the same resamples; empty for the control itself."""
    weights: dict[str, float] = field(repr=False)
    """What each share or mean counts when stores are pooled; a figure without a weight is summed."""
    samples: dict[str, Floats] = field(repr=False)
    """`(resamples,)` of each figure that depends on the held-out baskets."""


@dataclass(frozen=True, slots=True)
class StoreEvaluation:
    """All arms on one store's holdout."""

    store: str
    protocol: dict[str, object]
    arms: dict[str, Arm]
    config: EvaluationConfig
    sources: tuple[SourceHits, ...] = ()
    """What each source's sets of our own list are worth; empty where the list does not name them."""


def evaluate_arms(holdout: Holdout, lists: Mapping[str, Ranked], config: EvaluationConfig) -> StoreEvaluation:
    """Measure lists of bundles, beside popularity and the control, on the same held-out baskets and resamples.

    Args:
        holdout: Training view, which the baselines mine, and held-out baskets.
        lists: Arms by name, each made from the training view alone, without `popularity` and `control`: both are
            made here.
        config: What to measure.

    Returns:
        The arms in the order ours, popularity, control, then as given.

    Raises:
        ValueError: A list that calls itself `popularity` or `control`.
    """
    if taken := {POPULARITY, CONTROL} & set(lists):
        raise ValueError(f"lists are named {sorted(taken)}; expected other names, since these two are made here")
    catalog, training = holdout.training.catalog, holdout.history(config.window_days)
    rules = control(training, catalog.is_sellable, max(config.ks), config.control)
    pairs = popularity(training, catalog.is_sellable, max(config.ks))
    every = _in_order({POPULARITY: pairs, CONTROL: rules.ranked, **lists})
    features = {name: features_of(holdout.baskets.matrix(), ranked, config) for name, ranked in every.items()}
    samples = _resampled(holdout, features, config)
    points = {}
    weights = {}
    for name, ranked in every.items():
        counts = np.asarray(features[name].matrix.sum(axis=0), dtype=np.float64)
        again = _expected_again(training, judged_pairs(ranked, config), len(holdout.baskets))
        points[name] = (
            {key: float(value) for key, value in figures_of(features[name], counts, config).items()}
            | {"pairs_again_expected": again}
            | list_figures(ranked, features[name], catalog.is_sellable)
        )
        weights[name] = pooling_weights(
            features[name], counts, config, bundles=len(ranked), sellable=int(catalog.is_sellable.sum())
        )
    protocol = protocol_of(holdout, len(training), rules.note, config)
    by_source = hits_by_source(holdout.baskets.matrix(), lists[OURS], max(config.ks)) if OURS in lists else ()
    arms = beside_control(points, weights, samples, config)
    return StoreEvaluation(holdout.training.store, protocol, arms, config, by_source)


def _in_order(arms: Mapping[str, Ranked]) -> dict[str, Ranked]:
    """The same arms: ours, popularity and the control first, then as they came."""
    names = [name for name in (OURS, POPULARITY, CONTROL) if name in arms]
    names += [name for name in arms if name not in names]
    return {name: arms[name] for name in names}


def beside_control(
    points: Mapping[str, Mapping[str, float]],
    weights: Mapping[str, dict[str, float]],
    samples: Mapping[str, dict[str, Floats]],
    config: EvaluationConfig,
) -> dict[str, Arm]:
    """Arms with intervals, each also as a difference to the control.

    Args:
        points: Every figure of every arm.
        weights: What each figure counts when pooled, by arm.
        samples: Resamples of the figures that have them, by arm; resample `r` is of the same baskets in all arms.
        config: Level of the intervals.
    """
    arms = {}
    for name, figures in points.items():
        change = {key: value - points[CONTROL][key] for key, value in figures.items()}
        paired = {key: values - samples[CONTROL][key] for key, values in samples[name].items()}
        arms[name] = Arm(
            figures=_estimates(figures, samples[name], config.level, shape_of),
            difference={}
            if name == CONTROL
            else _estimates(change, paired, config.level, lambda key: shape_of(key).of_differences),
            weights=weights[name],
            samples=samples[name],
        )
    return arms


def _estimates(
    values: Mapping[str, float], samples: Mapping[str, Floats], level: float, shape: Callable[[str], Shape]
) -> dict[str, Estimate]:
    return {
        key: Estimate(value, interval(value, samples[key], level, shape(key)) if key in samples else None)
        for key, value in values.items()
    }


def _resampled(
    holdout: Holdout, features: Mapping[str, Features], config: EvaluationConfig
) -> dict[str, dict[str, Floats]]:
    """Figures of every arm on the same resamples of the held-out baskets."""
    stream = int(hashlib.sha256(holdout.training.store.encode()).hexdigest()[:12], 16)
    together = csr_array(hstack([one.matrix for one in features.values()], format="csr"))
    counts = resampled_counts(together, config.resamples, np.random.default_rng([config.seed, stream]))
    ends = np.cumsum([one.matrix.shape[1] for one in features.values()])
    parts = np.split(counts, ends[:-1], axis=1)
    return {name: figures_of(one, part, config) for (name, one), part in zip(features.items(), parts, strict=True)}


def _expected_again(training: Baskets, pairs: NDArray[np.int32], held_out: int) -> float:
    joint = np.asarray(holds(training.matrix(), pairs).sum(axis=0))
    return expected_again(joint, len(training), held_out)
