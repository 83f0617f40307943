import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from benchmarks.synthetic import synthetic_store
from pipeline.combo import judge
from pipeline.config import RunConfig
from pipeline.selection.config import ScoringConfig
from pipeline.selection.judged import Judged
from pipeline.selection.scoring import expected_units, signal_weights
from pipeline.terms import BundleType, Combo, Objective, Tier
from tests.support.stores import Basket, Ware, bought, context_of, random_vectors, sets_of, store_of

CONFIG = RunConfig()
CURVE = ScoringConfig()


def weights(orders: list[int], config: ScoringConfig) -> list[tuple[float, float, float]]:
    """α, β, γ by orders."""
    return list(zip(*(column.tolist() for column in signal_weights(np.array(orders), config)), strict=True))


def test_the_curve_by_hand() -> None:
    found = weights([0, 300, 600, 100_000], CURVE)

    # α = 0.6 / (1 + e^(0.01 (x − 300)))
    assert found[0] == pytest.approx((0.6 / (1 + math.exp(-3)), 0.8 - 0.6 / (1 + math.exp(-3)), 0.2))
    assert found[1] == pytest.approx((0.3, 0.5, 0.2))
    assert found[2] == pytest.approx((0.6 / (1 + math.exp(3)), 0.8 - 0.6 / (1 + math.exp(3)), 0.2))
    assert found[3] == pytest.approx((0.0, 0.8, 0.2))


def test_the_steps_by_hand() -> None:
    found = weights([0, 299, 300, 1199, 1200], ScoringConfig(weights="steps"))

    low, middle, high = (0.6, 0.2, 0.2), (0.4, 0.4, 0.2), (0.2, 0.6, 0.2)
    assert found == [low, low, middle, middle, high]


def test_fixed_weights_follow_no_orders() -> None:
    arm = ScoringConfig(weights="fixed", fixed_weights=(0.7, 0.3, 0.0))

    assert weights([0, 5000], arm) == [(0.7, 0.3, 0.0)] * 2


@given(
    st.lists(st.integers(0, 10**6), min_size=1),
    st.sampled_from(["curve", "steps", "fixed"]),
    st.floats(0, 0.5),
    st.floats(0, 0.5),
)
def test_weights_are_shares_of_one(orders: list[int], kind: str, alpha: float, gamma: float) -> None:
    config = ScoringConfig(weights=kind, alpha_max=alpha, gamma=gamma)  # type: ignore[arg-type]

    for row in weights(orders, config):
        assert sum(row) == pytest.approx(1)
        assert min(row) >= 0


@given(st.lists(st.integers(0, 3000), min_size=2))
def test_more_orders_never_weigh_text_more(orders: list[int]) -> None:
    alphas = [row[0] for row in weights(sorted(orders), CURVE)]

    assert alphas == sorted(alphas, reverse=True)


@pytest.mark.parametrize(
    "wrong", [{"fixed_weights": (0.5, 0.5, 0.5)}, {"fixed_weights": (1.2, -0.2, 0.0)}, {"alpha_max": 0.9}]
)
def test_weights_that_can_not_be_shares_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="must"):
        ScoringConfig(**wrong)  # type: ignore[arg-type]


WARES = [
    Ware("A", cost=5, category="x"), Ware("B", cost=5, category="x"), Ware("C", cost=5, category="y"),
    Ware("D", cost=5, category="y", stock=2), Ware("E", cost=5, category="y"),
]  # fmt: skip
ORDERS = [bought("A", "B")] * 8 + [bought("A", "B", "C")] * 2 + [bought("C", "D")] * 5 + [bought("E")] * 25


def judged(combo: Combo, *sets: list[int], **fields: object) -> Judged:
    """Sets of the little store, priced and scored."""
    return judge(context_of(store_of(WARES, ORDERS)), combo, Tier.RULES, sets_of(*sets, **fields), CONFIG)  # type: ignore[arg-type]


def test_the_score_is_the_weighted_sum_of_its_signals() -> None:
    scores = judged(Combo(Objective.INCREASE_AOV, BundleType.FBT), [0, 1], [2, 3], [0, 4]).scores

    summed = scores.alpha * scores.semantic + scores.beta * scores.transactional + scores.gamma * scores.business
    assert scores.score == pytest.approx(summed)


def test_transactional_rises_from_strangers_to_companions() -> None:
    proof = judged(Combo(Objective.INCREASE_AOV, BundleType.FBT), [0, 1], [1, 2], [0, 4]).scores.transactional

    assert proof[0] > proof[1] > proof[2] == 0


def test_the_proof_of_a_pair_by_hand() -> None:
    scores = judged(Combo(Objective.INCREASE_AOV, BundleType.FBT), [0, 1]).scores

    # A and B in ten orders of 40, always together: chance 2.5, shrunk lift 20/12.5, Wilson low of 10 of 10
    low = 1 / (1 + 1.959963984540054**2 / 10)
    shared = 0.2 * (1 - 12.5 / 20) + 0.3 * low + 0.2 * 0.25 / 0.27
    # their likelihood ratio: all 40 orders agree, so twice the entropy of 10 among 40; as a set 2·(10·log 4 − 7.5)
    surety = -2 * (10 * np.log(10 / 40) + 30 * np.log(30 / 40))
    poisson = 2 * (10 * np.log(4) - 7.5)
    # EASE is off by default and adds nothing
    pair = shared + 0.1 * surety / (surety + 30)
    joint = (shared + 0.1 * poisson / (poisson + 30)) / 0.8
    assert scores.transactional[0] == pytest.approx(0.5 * joint + 0.5 * pair, abs=1e-6)


def test_a_set_is_held_back_by_its_weakest_pair() -> None:
    proof = judged(Combo(Objective.INCREASE_AOV, BundleType.FBT), [0, 1, 2], [0, 1, 4]).scores.transactional

    assert proof[0] > proof[1] > 0


def test_a_product_whose_stock_the_bundle_would_sell_out_earns_less() -> None:
    snapshot = store_of([*WARES, Ware("F", cost=5, category="y")], [*ORDERS, *[bought("C", "F")] * 5])

    scores = judge(
        context_of(snapshot), Combo(Objective.INCREASE_AOV, BundleType.FBT), Tier.RULES, sets_of([2, 3], [2, 5]), CONFIG
    ).scores

    assert scores.business[0] < scores.business[1]


def test_expected_units_are_orders_a_month_times_quantity() -> None:
    baskets = [Basket({"A": 2}, day=20_000 + ahead) for ahead in range(0, 60, 6)]
    context = context_of(store_of([Ware("A")], baskets))
    found = sets_of([0], breaks=(2,), quantity=[2])

    result = judge(context, Combo(Objective.INCREASE_AOV, BundleType.VOLUME), Tier.RULES, found, CONFIG)

    # ten orders in the 55 days from the first: 10 / 55 · 30 · 2
    assert expected_units(context, result.found, result.counts)[0, 0] == pytest.approx(10 / 55 * 30 * 2)


def test_a_single_product_is_neither_alike_nor_not() -> None:
    scores = judged(Combo(Objective.INCREASE_AOV, BundleType.VOLUME), [0], breaks=(2,), quantity=[2]).scores

    assert scores.semantic[0] == 0.5
    assert np.isnan(scores.similarity[0])


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 5.9), st.floats(0, 5.9))
def test_a_twin_of_better_margin_never_scores_worse_on_margin_guard(one: float, two: float) -> None:
    wares = [Ware("A", cost=one), Ware("B", cost=two), Ware("P", cost=5.0)]
    context = context_of(store_of(wares, [bought("A", "P"), bought("B", "P")] * 5))

    scores = judge(
        context, Combo(Objective.MARGIN_GUARD, BundleType.FBT), Tier.RULES, sets_of([0, 2], [1, 2]), CONFIG
    ).scores.score

    better, worse = (0, 1) if one <= two else (1, 0)
    assert scores[better] >= scores[worse]


@pytest.mark.parametrize("combo", [Combo(name, kind) for name in Objective for kind in BundleType], ids=str)
def test_signals_and_score_are_shares(combo: Combo) -> None:
    snapshot = synthetic_store(200, 40, 5)
    context = context_of(snapshot, vectors=random_vectors(snapshot))
    rng = np.random.default_rng(0)
    size = {BundleType.BXGY: 2, BundleType.MIX_MATCH: 5, BundleType.VOLUME: 1}.get(combo.type, 3)
    rows = [rng.choice(40, size, replace=False).tolist() for _ in range(60)]
    found = sets_of(
        *rows, pick=2 if combo.type is BundleType.MIX_MATCH else 0,
        breaks=(2, 4) if combo.type is BundleType.VOLUME else (),
    )  # fmt: skip

    scores = judge(context, combo, Tier.RULES, found, CONFIG).scores

    for column in (scores.semantic, scores.transactional, scores.business, scores.score):
        assert ((column >= 0) & (column <= 1)).all()
