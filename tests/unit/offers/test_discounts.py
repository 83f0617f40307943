from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.context.prices import PriceHabits, price_habits
from pipeline.context.store import Shop, StoreContext
from pipeline.offers.config import PricingConfig
from pipeline.offers.discounts import OBJECTIVE_FACTOR, TYPE_FACTOR, best_discount
from pipeline.offers.pricing import Prices, price_candidates
from pipeline.terms import BundleType, Combo, Objective
from tests.support.planted import planted_store
from tests.support.stores import NAN, context_of, elastic, habits_of, history_of_store, sets_of, shop_of

CONFIG = PricingConfig()
AOV = Objective.INCREASE_AOV
SETS = (BundleType.FBT, BundleType.FIXED)


def priced(
    kind: BundleType, shop: Shop, *sets: list[int], habits: PriceHabits, objective: Objective = AOV, pick: int = 0,
    breaks: tuple[int, ...] = (),
) -> Prices:  # fmt: skip
    """Prices of sets of one type."""
    found = sets_of(*sets, pick=pick, breaks=breaks, quantity=[breaks[0]] if breaks else None)
    return price_candidates(found, Combo(objective, kind), shop, habits, CONFIG)[1]


def best(elasticity: float, cost_ratio: float, config: PricingConfig = CONFIG) -> float:
    return float(best_discount(np.array([elasticity]), np.array([cost_ratio]), config)[0])


def test_the_best_discount_is_the_lerner_price() -> None:
    # price over list = c · e / (1 + e): 0.5 · 3/2 = 0.75 and 0.6 · 4/3 = 0.8
    assert best(-3.0, 0.5) == pytest.approx(0.25)
    assert best(-4.0, 0.6) == pytest.approx(0.20)


def test_who_does_not_care_about_price_gets_no_discount() -> None:
    assert best(-0.1, 0.1) == 0
    assert best(-1.9, 0.5) == 0


def test_the_floor_and_the_greatest_discount_bound_the_best_one() -> None:
    # 0.6 / 0.85 = 0.706 keeps 15 %
    assert best(-30.0, 0.6) == pytest.approx(0.29)
    assert best(-30.0, 0.1) == 0.5
    # a loss leader is below the floor at any price
    assert best(-30.0, 0.95) == 0


@given(st.floats(-9, -0.1), st.floats(0, 1.5))
def test_no_discount_of_the_grid_that_keeps_the_floor_earns_more(elasticity: float, cost_ratio: float) -> None:
    chosen = best(elasticity, cost_ratio)

    def profit(discount: float) -> float:
        return (1 - discount - cost_ratio) * (1 - discount) ** elasticity

    allowed = [step / 100 for step in range(51) if step == 0 or (1 - step / 100) * 0.85 >= cost_ratio]
    assert chosen == 0 or chosen in [pytest.approx(step) for step in allowed]
    assert profit(chosen) >= max(profit(step) for step in allowed) - 1e-8


@cache
def planted(elasticity: float) -> StoreContext:
    return context_of(planted_store({"Things": elasticity}, cost=6.0))


@pytest.mark.parametrize("elasticity", [-0.5, -2.0, -3.0, -4.0])
@pytest.mark.parametrize("kind", SETS)
def test_a_planted_optimum_lies_within_the_interval_of_the_discount(elasticity: float, kind: BundleType) -> None:
    context = planted(elasticity)

    found = priced(kind, context.shop, [0, 1], [2, 3], [1, 2, 4], habits=context.habits)

    optimum = best(elasticity, 0.6)
    assert (found.aim.low <= optimum + CONFIG.grid_step).all()
    assert (found.aim.high >= optimum - CONFIG.grid_step).all()
    assert (found.aim.best_low <= optimum + CONFIG.grid_step).all()
    assert (found.aim.best_high >= optimum - CONFIG.grid_step).all()
    paid = 1 - found.price / found.list_price
    assert (paid >= found.aim.low - CONFIG.grid_step).all()
    assert (paid <= found.aim.high + 0.05).all()


def test_the_more_a_store_answers_price_the_more_it_gives() -> None:
    given_by = [priced(BundleType.FIXED, planted(e).shop, [0, 1], habits=planted(e).habits).wanted[0]
                for e in (-0.5, -3.0, -4.0)]  # fmt: skip

    assert given_by == sorted(given_by)
    assert given_by[-1] > given_by[0] + 0.05


def test_a_cautious_decision_gives_less_when_the_elasticity_is_less_sure() -> None:
    shop = shop_of([10, 10], [5, 5])

    sure, unsure = (
        priced(BundleType.FBT, shop, [0, 1], habits=habits_of(elasticity=elastic([-3, -3], sd))) for sd in (0.05, 1.0)
    )

    assert unsure.aim.best[0] < sure.aim.best[0]
    assert unsure.aim.trust[0] < sure.aim.trust[0]


def test_prior_and_optimum_are_weighed_by_precision() -> None:
    shop = shop_of([10, 10], [5, 5])

    found = priced(BundleType.VOLUME, shop, [0], habits=habits_of(elasticity=elastic([-3, -3], 1e-9)), breaks=(3, 6))

    # the prior's quartiles 10 and 30 % are a deviation of 0.148; the bundle's own error is 0.10
    trust = 0.14826**2 / (0.14826**2 + 0.1**2)
    assert found.aim.trust[0] == pytest.approx(trust, abs=1e-4)
    assert found.wanted[0] == pytest.approx(0.2 + trust * (0.25 - 0.2), abs=1e-4)


def test_the_got_products_own_elasticity_decides() -> None:
    shop = shop_of([20, 10], [10, 5])

    keen_got, keen_bought = (
        priced(BundleType.BXGY, shop, [0, 1], habits=habits_of(elasticity=elastic(means)))
        for means in ([-0.5, -4.0], [-4.0, -0.5])
    )

    assert keen_got.aim.best[0] > 0.3
    assert keen_bought.aim.best[0] == 0
    assert keen_got.get_price[0] < keen_bought.get_price[0] < 1000


@pytest.mark.parametrize("kind", [*SETS, BundleType.BXGY])
def test_a_loss_leader_is_never_discounted_below_its_floor(kind: BundleType) -> None:
    # cost 9 of 10 leaves 10 %, where 15 % must stay, though customers would storm the shop for less
    shop = shop_of([10, 10], [9, 9])

    found = priced(kind, shop, [0, 1], habits=habits_of(elasticity=elastic([-9, -9])))

    assert found.price[0] == found.list_price[0]
    assert found.aim.best[0] == 0


def test_without_a_cost_or_an_elasticity_prices_are_linear() -> None:
    known, unknown = shop_of([10, 10], [2, 2]), shop_of([10, 10])
    learnt = habits_of(elasticity=elastic([-4, -4]))

    no_cost = priced(BundleType.FIXED, unknown, [0, 1], habits=learnt)
    no_lines = priced(BundleType.FIXED, known, [0, 1], habits=habits_of())

    for found in (no_cost, no_lines):
        assert found.wanted[0] == found.aim.prior[0] == pytest.approx(0.15)
        assert found.aim.trust[0] == 0
        assert np.isnan(found.aim.best[0])
    assert no_cost.price[0] >= 0.9 * no_cost.list_price[0]


def test_the_less_of_a_set_has_a_known_cost_the_less_its_optimum_counts() -> None:
    habits = habits_of(elasticity=elastic([-4, -4, -4, -4]))

    whole, half = (
        priced(BundleType.FIXED, shop_of([10, 10], cost), [0, 1], habits=habits) for cost in ([5, 5], [5, NAN])
    )

    assert half.aim.trust[0] == pytest.approx(whole.aim.trust[0] / 2)


@given(
    st.sampled_from(BundleType), st.sampled_from(Objective), st.lists(st.floats(-9, 2), min_size=4, max_size=4),
    st.floats(0.01, 5), st.floats(0, 0.95),
)  # fmt: skip
def test_an_aim_lies_within_its_interval_and_is_worth_noticing(
    kind: BundleType, objective: Objective, means: list[float], sd: float, cost: float
) -> None:
    habits = habits_of(elasticity=elastic(means, sd))
    is_volume = kind is BundleType.VOLUME

    found = priced(
        kind, shop_of([10] * 4, [10 * cost] * 4), [0] if is_volume else [0, 1] if kind is BundleType.BXGY else
        [0, 1, 2, 3], habits=habits, objective=objective, pick=2 if kind is BundleType.MIX_MATCH else 0,
        breaks=(2, 4) if is_volume else (),
    )  # fmt: skip

    aim = found.aim
    assert 0 <= aim.low[0] <= aim.wanted[0] <= aim.high[0] <= 0.5
    assert aim.best_low[0] <= aim.best[0] <= aim.best_high[0]
    assert 0 <= aim.trust[0] < 1
    assert aim.wanted[0] >= 0.05 * TYPE_FACTOR[kind] * OBJECTIVE_FACTOR.get(objective, 1.0) - 1e-9


def test_a_planted_stores_habits_are_the_same_to_the_bit() -> None:
    snapshot = planted_store({"Things": -2.0}, skus=3, weeks=12)

    first, second = (price_habits(snapshot.catalog, history_of_store(snapshot), "EUR") for _ in range(2))

    assert first.demand is not None
    assert second.demand is not None
    assert first.demand.mean.tobytes() == second.demand.mean.tobytes()
