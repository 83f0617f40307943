from collections.abc import Mapping

import numpy as np
import pytest

from pipeline.context.association import wilson
from pipeline.context.config import FeaturesConfig, ObjectivesConfig
from pipeline.context.features import features_of
from pipeline.context.objectives import Judge, Lens, Need, by_priority, lens_of, needs_of
from pipeline.terms import OBJECTIVES, BundleType, Objective
from tests.support.stores import DAY, Basket, Ware, bought, history_of_store, store_of

CONFIG = ObjectivesConfig()


def needs(wares: list[Ware], baskets: list[Basket]) -> Mapping[Objective, Need]:
    """What a store needs on the day after its last order."""
    snapshot = store_of(wares, baskets)
    history = history_of_store(snapshot)
    features = features_of(snapshot.catalog, snapshot.orders, history, FeaturesConfig())
    return needs_of(snapshot.catalog, features, history, 60)


def lens(objective: Objective, wares: list[Ware], baskets: list[Basket]) -> tuple[Lens, Judge]:
    """Who takes part, and the judge of sets."""
    snapshot = store_of(wares, baskets)
    features = features_of(snapshot.catalog, snapshot.orders, history_of_store(snapshot), FeaturesConfig())
    judge = Judge(snapshot.catalog.price, snapshot.catalog.category, features.is_gift, CONFIG)
    return lens_of(objective, features, CONFIG), judge


def sure(hits: int, total: int) -> float:
    """1 − width of the interval of a share."""
    low, high = wilson(hits, total)
    return float(1 - (high - low))


def test_margin_guard_wants_spread_and_high_margins() -> None:
    wares = [Ware(f"P{margin}", price=100, cost=100 - margin) for margin in (10, 20, 30, 40, 50)] + [Ware("X")]

    need = needs(wares, [bought("X")])[Objective.MARGIN_GUARD]

    # quartiles of 10..50 % are 20 and 40 %: (0.4 − 0.2)/0.3 + 2 of 6 products
    assert need.benefit == pytest.approx(0.2 / 0.3 + 2 / 6)
    assert need.confidence == pytest.approx(sure(2, 6))


def test_clear_slow_movers_wants_slow_shares_and_old_stock() -> None:
    slow = [Ware("S", stock=5, created=DAY - 99)]
    others = [Ware(f"P{number}", created=DAY + 1 - age) for number, age in enumerate((20, 40, 40))]

    need = needs(slow + others, [bought("P0")])[Objective.CLEAR_SLOW_MOVERS]

    ages = np.array([100, 20, 40, 40])
    assert need.benefit == pytest.approx(min(1.0, 0.25 + (100 - ages.mean()) / ages.std()))
    assert need.confidence == pytest.approx(sure(1, 4))


def test_slow_movers_of_unknown_age_count_by_their_share_alone() -> None:
    wares = [Ware("A", stock=100), Ware("B", stock=100), Ware("C"), Ware("D")]

    need = needs(wares, [Basket({"A": 9, "B": 1})])[Objective.CLEAR_SLOW_MOVERS]

    assert need.benefit == pytest.approx(0.25)


def test_increase_aov_wants_small_and_uneven_orders() -> None:
    wares = [Ware(sku) for sku in "ABCD"]

    need = needs(wares, [bought("A"), bought("B"), bought("A", "B", "C", "D"), bought("A", day=DAY - 60)])

    # of late 1, 1 and 4 products: mean 2, standard deviation √2
    assert need[Objective.INCREASE_AOV].benefit == pytest.approx(min(1.0, 1 / 3 + np.sqrt(2) / 2))
    assert need[Objective.INCREASE_AOV].confidence == pytest.approx(3 / 100)


def test_new_launch_wants_new_products() -> None:
    wares = [Ware("A", created=DAY - 3), *(Ware(f"P{number}") for number in range(9))]

    need = needs(wares, [bought("P0")])[Objective.NEW_LAUNCH]

    assert need.benefit == pytest.approx(0.5)
    assert need.confidence == pytest.approx(sure(1, 10))


def test_seasonal_gift_and_subscription_start_from_a_base() -> None:
    wares = [
        Ware("A", title="Santa"), Ware("B", title="Gift"), Ware("C", tags="subscription"), Ware("D"), Ware("E"),
    ]  # fmt: skip

    found = needs(wares, [bought("D")] * 20)

    assert found[Objective.SEASONAL_PROMO] == pytest.approx((0.4 + 0.3 / 5, 20 / 50))
    assert found[Objective.GIFT_BOX] == pytest.approx((0.3 + 0.3 / 5, 5 / 20))
    assert found[Objective.SUBSCRIPTION_PUSH] == pytest.approx((0.2 + 0.3 / 5, 0.5))


def test_confidence_of_seasons_and_gifts_is_capped() -> None:
    wares = [Ware(f"P{number:02}") for number in range(30)]

    found = needs(wares, [bought("P00")] * 60)

    assert found[Objective.SEASONAL_PROMO].confidence == 0.8
    assert found[Objective.GIFT_BOX].confidence == 0.7


def test_category_bundle_wants_evenly_filled_categories() -> None:
    wares = [Ware("A", category="x"), Ware("B", category="x"), Ware("C", category="y"), Ware("D", category="z")]

    need = needs(wares, [bought("A")])[Objective.CATEGORY_BUNDLE]

    entropy = -(0.5 * np.log(0.5) + 2 * 0.25 * np.log(0.25)) / np.log(3)
    assert need == pytest.approx((0.5 * entropy, 3 / 5))


def test_only_sellable_products_count() -> None:
    wares = [Ware("A", price=10, cost=1, is_sellable=False), Ware("B", price=10, cost=9)]

    need = needs(wares, [bought("B")])[Objective.MARGIN_GUARD]

    assert need == pytest.approx((0.0, sure(0, 1)))


def test_needs_stay_in_range_in_a_store_with_nothing() -> None:
    for need in (*needs([], []).values(), *needs([Ware("A")], []).values()):
        assert 0 <= need.benefit <= 1
        assert 0 <= need.confidence <= 1


def test_priority_is_benefit_times_confidence_and_ties_go_by_listing() -> None:
    listed = dict.fromkeys(OBJECTIVES, Need(0.5, 0.5)) | {Objective.GIFT_BOX: Need(1.0, 0.26)}

    ranked = by_priority(listed)

    assert ranked[0] is Objective.GIFT_BOX
    assert ranked[1:] == tuple(name for name in OBJECTIVES if name is not Objective.GIFT_BOX)


MIXED = [
    Ware("A", price=10, cost=5, category="x", stock=10), Ware("B", price=4.99, cost=4, category="x", stock=900),
    Ware("C", price=5, cost=4, category="y", created=DAY - 1), Ware("D", price=41, category="z", title="Gift tag"),
    Ware("E", price=40, category="z", title="Gift"),
]  # fmt: skip
SOLD = [Basket({"A": 9, "B": 1, "D": 1, "E": 1})] * 3


def admitted(objective: Objective, *sets: list[int]) -> list[bool]:
    """Which sets of `MIXED` an objective admits; −1 pads."""
    seen, judge = lens(objective, MIXED, SOLD)
    width = max(len(row) for row in sets)
    return list(judge.admits(seen, np.array([[*row, *[-1] * (width - len(row))] for row in sets], dtype=np.int32)))


def test_margin_guard_is_led_by_a_high_margin() -> None:
    assert admitted(Objective.MARGIN_GUARD, [0, 1], [1, 0], [0, 1, 2]) == [True, False, True]


def test_slow_movers_stand_beside_an_anchor_that_is_none() -> None:
    seen, _ = lens(Objective.CLEAR_SLOW_MOVERS, MIXED, SOLD)

    assert np.flatnonzero(seen.partner).tolist() == [1]
    assert admitted(Objective.CLEAR_SLOW_MOVERS, [0, 1], [1, 0], [0, 2], [0, 2, 1]) == [True, False, False, True]


def test_every_partner_of_increase_aov_costs_half_the_anchor() -> None:
    assert admitted(Objective.INCREASE_AOV, [0, 1], [0, 2], [2, 0], [0, 2, 1]) == [False, True, True, False]


def test_a_launch_has_an_established_anchor_and_something_new() -> None:
    assert admitted(Objective.NEW_LAUNCH, [0, 2], [2, 0], [0, 1], [0, 1, 2]) == [True, False, False, True]


def test_a_category_bundle_has_one_category() -> None:
    assert admitted(Objective.CATEGORY_BUNDLE, [0, 1], [0, 2], [3, 4]) == [True, False, True]


def test_a_gift_box_is_of_gifts_or_of_three_categories_within_a_price_band() -> None:
    sets = ([3, 4], [0, 1], [0, 2, 4], [0, 2, 3], [0, 1, 2])

    # 10, 5 and 40 are three categories but eight apart; 0, 1, 2 have two categories
    assert admitted(Objective.GIFT_BOX, *sets) == [True, False, False, False, False]
    seen, judge = lens(Objective.GIFT_BOX, [Ware(sku, category=sku) for sku in "ABC"], [bought("A")])
    assert judge.admits(seen, np.array([[0, 1, 2], [0, 1, -1]], dtype=np.int32)).tolist() == [True, False]


def test_seasons_and_subscriptions_are_among_themselves() -> None:
    wares = [Ware("A", title="Santa"), Ware("B", title="Snowman"), Ware("C", tags="subscription"), Ware("D")]
    sets = np.array([[0, 1], [0, 3], [2, 3]], dtype=np.int32)

    season, judge = lens(Objective.SEASONAL_PROMO, wares, [bought("D")])
    habit, _ = lens(Objective.SUBSCRIPTION_PUSH, wares, [bought("D")])

    assert judge.admits(season, sets).tolist() == [True, False, False]
    assert np.flatnonzero(habit.alone).tolist() == [2]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_weights_are_shares(objective: Objective) -> None:
    seen, _ = lens(objective, MIXED, SOLD)

    assert ((seen.weight >= 0) & (seen.weight <= 1)).all()


def test_an_objective_serves_only_types_that_it_has_sellable_products_for() -> None:
    seen, _ = lens(Objective.NEW_LAUNCH, MIXED, SOLD)
    everything, but_new = np.ones(5, dtype=bool), np.array([True, True, False, True, True])

    assert seen.serves(BundleType.FBT, everything)
    assert not seen.serves(BundleType.FBT, but_new)
    assert not seen.serves(BundleType.VOLUME, everything)
    # A, B, D and E are established and may lead, C is new and may stand beside them
    assert (seen.eligible(everything), seen.eligible(but_new)) == (5, 0)


def test_a_better_margin_weighs_more_on_margin_guard() -> None:
    seen, _ = lens(Objective.MARGIN_GUARD, [Ware("A", cost=5), Ware("B", cost=4), Ware("C", cost=4)], [bought("A")])

    assert seen.weight[0] < seen.weight[1] == seen.weight[2]
