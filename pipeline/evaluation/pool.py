"""Several stores as one: the baskets of all, each judged by its own store's list."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.evaluation.arms import Arm, StoreEvaluation, beside_control
from pipeline.evaluation.config import EvaluationConfig
from pipeline.evaluation.protocol import pooled_protocol

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PooledEvaluation:
    """All arms over the held-out baskets of several stores together."""

    stores: tuple[str, ...]
    protocol: dict[str, object]
    arms: dict[str, Arm]
    config: EvaluationConfig


def pool(evaluations: Sequence[StoreEvaluation]) -> PooledEvaluation:
    """Join the evaluations of several stores.

    Shares and means are weighted by what they are a share of, so that HitRate is that of all baskets together; counts
    are summed. Resample `r` of the whole is made of resample `r` of each store, drawn on their own: stratified.

    Args:
        evaluations: At least one store, all measured with the same settings. An arm must be in all to be joined.

    Raises:
        ValueError: No store, or settings that differ.
    """
    if not evaluations:
        raise ValueError("no store to pool; expected at least one evaluation")
    config = evaluations[0].config
    if any(one.config != config for one in evaluations):
        raise ValueError("the stores were measured with different settings; measure them with one EvaluationConfig")
    names = [name for name in evaluations[0].arms if all(name in one.arms for one in evaluations)]
    points, weights, samples = {}, {}, {}
    for name in names:
        arms = [one.arms[name] for one in evaluations]
        points[name] = {key: _joined_point(arms, key) for key in arms[0].figures}
        weights[name] = {key: sum(arm.weights[key] for arm in arms) for key in arms[0].weights}
        samples[name] = {key: _joined_samples(arms, key) for key in arms[0].samples}
    parts = {one.store: one.protocol for one in evaluations}
    return PooledEvaluation(
        stores=tuple(parts),
        protocol=pooled_protocol(parts, config),
        arms=beside_control(points, weights, samples, config),
        config=config,
    )


def weighted_mean(values: Floats, weights: Floats) -> Floats:
    """Mean over stores, those without a figure left out.

    >>> weighted_mean(np.array([[0.25], [1.0], [np.nan]]), np.array([2.0, 1.0, 7.0])).tolist()
    [0.5]

    Args:
        values: `(stores, …)` figures, NaN where undefined.
        weights: `(stores,)` what each store counts.

    Returns:
        `(…)` means; NaN where no store of a weight above 0 has a figure.
    """
    shares = np.where(np.isnan(values), 0.0, weights.reshape(-1, *[1] * (values.ndim - 1)))
    total = shares.sum(axis=0)
    joined = (shares * np.nan_to_num(values)).sum(axis=0)
    return np.asarray(np.divide(joined, total, out=np.full(total.shape, np.nan), where=total > 0))


def _joined_point(arms: Sequence[Arm], key: str) -> float:
    values = np.array([arm.figures[key].value for arm in arms])
    if key not in arms[0].weights:
        return float(values.sum())
    return float(weighted_mean(values, np.array([arm.weights[key] for arm in arms])))


def _joined_samples(arms: Sequence[Arm], key: str) -> Floats:
    return weighted_mean(np.stack([arm.samples[key] for arm in arms]), np.array([arm.weights[key] for arm in arms]))
