"""Arms weigh all that a bundle is worth, not only its score."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import RunConfig
from pipeline.evaluation.arms import WEIGHT_ARMS
from pipeline.evaluation.delivered import arm_config, deliver
from tests.support.hostile import NEUTRAL, planted
from tests.support.stores import context_of

Signals = tuple[float, float, float, float]

shares = st.floats(0, 1)


def worth(config: RunConfig, signals: Signals) -> float:
    """What a bundle of this meaning, transactional signal, business signal and reach is worth to the list."""
    score = float(np.dot(config.scoring.fixed_weights, signals[:3]))
    return (1 - config.portfolio.demand) * score + config.portfolio.demand * signals[3]


@given(st.tuples(shares, shares).filter(lambda pair: sum(pair) <= 1), shares, st.tuples(shares, shares, shares, shares))
def test_an_arm_weighs_meaning_proof_and_business_as_it_says(
    pair: tuple[float, float], demand: float, signals: Signals
) -> None:
    weights = (*pair, 1 - sum(pair))
    run = RunConfig()
    run = run.model_copy(update={"portfolio": run.portfolio.model_copy(update={"demand": demand})})
    meaning, transactional, business, reach = signals
    proof = (1 - demand) * transactional + demand * reach

    found = worth(arm_config(run, weights), signals)

    assert found == pytest.approx(weights[0] * meaning + weights[1] * proof + weights[2] * business)


def test_the_arm_of_orders_alone_weighs_reach_as_a_run_does() -> None:
    run = RunConfig()

    arm = arm_config(run, WEIGHT_ARMS["B"])

    assert (arm.portfolio.demand, arm.scoring.fixed_weights) == (run.portfolio.demand, (0.0, 1.0, 0.0))


def test_an_arm_of_meaning_alone_reaches_fewer_orders_than_one_of_proof() -> None:
    context, run = context_of(planted(NEUTRAL)), RunConfig()

    def orders_of(arm: str) -> float:
        sets = deliver(context, arm_config(run, WEIGHT_ARMS[arm])).sets(20)
        held = context.history.matrix()
        return float(np.mean([(held[:, row[row >= 0]].sum(axis=1) == (row >= 0).sum()).sum() for row in sets]))

    assert orders_of("A") < orders_of("B")
