from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gamma

from benchmarks.synthetic import synthetic_store
from cluster.commands.story import why_story
from cluster.report.cards import card
from pipeline.config import RunConfig
from pipeline.generate import generate
from pipeline.offers.expected import Lift, OneOrder, expected_of, lift_of, rate_of
from pipeline.terms import BundleType
from tests.support.planted import planted_store
from tests.support.stores import NAN, Basket, Ware, bought, no_vectors, store_of

NO_LIFT = Lift(1.0, 1.0, 1.0)


def test_a_rate_has_the_bounds_of_its_gamma_posterior() -> None:
    found = rate_of(7, 60)

    assert found.mean == 3.5
    assert found.low == pytest.approx(gamma.ppf(0.1, 7.5) / 60 * 30, abs=1e-6)
    assert found.high == pytest.approx(gamma.ppf(0.9, 7.5) / 60 * 30, abs=1e-6)


def test_what_nobody_bought_is_expected_from_nobody_and_may_still_sell() -> None:
    found = rate_of(0, 300)

    assert (found.mean, found.low) == (0.0, 0.0)
    assert 0 < found.high < 1


@given(st.integers(0, 5000), st.integers(1, 400))
def test_a_rate_lies_within_its_bounds_and_more_orders_make_it_surer(count: int, days: int) -> None:
    one, four = rate_of(count, days), rate_of(4 * count, 4 * days)

    assert one.low <= one.mean <= one.high
    assert four.mean == pytest.approx(one.mean, abs=1e-5)
    assert four.high - four.low <= one.high - one.low + 1e-6


@given(st.floats(0, 0.5), st.floats(-9, 2), st.floats(0, 3))
def test_a_discount_never_loses_orders(discount: float, elasticity: float, sd: float) -> None:
    lift = lift_of(discount, elasticity, sd)

    assert 1 <= lift.low <= lift.mean <= lift.high


def test_a_lift_stops_where_every_order_with_the_anchor_holds_the_bundle() -> None:
    lift = lift_of(0.5, -3.0, 0.5, most=2.0)

    assert lift == Lift(2.0, 2.0, 2.0)
    assert lift_of(0.5, -3.0, 0.5, most=0.5) == NO_LIFT


def test_an_unknown_elasticity_lifts_nothing() -> None:
    assert lift_of(0.3, NAN, NAN) == NO_LIFT


def test_earnings_by_hand() -> None:
    # 60 orders in 90 days are 20 in 30, 25 with the discount; 9.00 each, at a cost of 0.6 · 10.00
    found = expected_of(60, 90, OneOrder(900, 1000, 0.6), Lift(1.25, 1.0, 1.5), "EUR")

    assert (found["orders_30d"], found["revenue_30d"], found["profit_30d"]) == (25.0, "225.00", "75.00")
    assert (found["low"], found["high"]) == (16.92, 35.33)
    assert found["basis"]["at_list"] == {"orders_30d": 20.0, "revenue_30d": "200.00", "profit_30d": "80.00"}


def test_a_profit_without_a_cost_is_unknown_and_yen_are_whole() -> None:
    found = expected_of(30, 30, OneOrder(900, 1000, NAN), NO_LIFT, "JPY")

    assert (found["revenue_30d"], found["profit_30d"]) == ("27000", None)
    assert found["basis"]["at_list"]["profit_30d"] is None


def test_every_bundle_says_what_it_may_bring() -> None:
    snapshot = synthetic_store(900, 90, 1)

    bundles = generate(snapshot, no_vectors(snapshot), RunConfig()).bundles

    assert {bundle.type for bundle in bundles} == set(BundleType)
    for bundle in bundles:
        found = bundle.evidence["expected"]
        assert 0 <= found["low"] <= found["orders_30d"] <= found["high"]
        share = bundle.offer.pick / len(bundle.products) if bundle.offer.pick else 1
        each = float(bundle.offer.price) * share
        assert float(found["revenue_30d"]) == pytest.approx(found["orders_30d"] * each, abs=0.02 + 0.006 * each)
        if found["profit_30d"] is not None:
            assert Decimal(found["profit_30d"]) < Decimal(found["revenue_30d"])
        assert found["basis"]["observational"] is True


def test_the_trail_tells_how_a_price_came_about() -> None:
    snapshot = planted_store({"Things": -3.0}, skus=4, weeks=20)
    rng = np.random.default_rng(1)
    pairs = [Basket({"Things-0": 1, "Things-1": 1}, 20_000 + int(rng.integers(0, 139))) for _ in range(60)]
    wares = [Ware(f"Things-{at}", 10.0, 6.0, category="Things") for at in range(4)]
    day, price = snapshot.orders.day, snapshot.orders.unit_price
    sold = [
        Basket({f"Things-{item}": 1}, int(day[at]), prices={f"Things-{item}": float(price[at])})
        for at, item in enumerate(snapshot.orders.item.tolist()) if item < 4
    ]  # fmt: skip
    store = store_of(wares, [*sold, *pairs])

    bundles = generate(store, no_vectors(store), RunConfig()).bundles

    assert bundles
    for bundle in bundles:
        trail = bundle.evidence["price_trail"]
        assert trail["kind"] == "elasticity"
        assert trail["observational"] is True
        assert trail["elasticity"]["low"] < trail["elasticity"]["mean"] < trail["elasticity"]["high"] < 0
        assert trail["best_discount"]["low"] <= trail["best_discount"]["mean"] <= trail["best_discount"]["high"]
        assert trail["posterior"]["low"] <= trail["posterior"]["mean"] <= trail["posterior"]["high"]
        assert trail["prior_quartiles"] == [0.1, 0.3]
        rounding = trail["rounding"]
        assert set(rounding) == {"of", "wanted", "rounded"}
        if rounding["of"] == "price":
            assert rounding["rounded"] == bundle.offer.price


def test_a_small_store_is_priced_linearly_and_promises_no_lift() -> None:
    rows = [bought("A", "B", day=20_000 + at) for at in range(9)]
    store = store_of([Ware("A", cost=4.0), Ware("B", cost=4.0), Ware("C", cost=4.0)], rows)

    bundles = generate(store, no_vectors(store), RunConfig()).bundles

    assert bundles
    for bundle in bundles:
        trail = bundle.evidence["price_trail"]
        assert (trail["kind"], trail["elasticity"], trail["trust"]) == ("linear", None, 0.0)
        assert trail["wanted_discount"] == trail["prior_discount"]
        assert bundle.evidence["expected"]["basis"]["lift"] == {"mean": 1.0, "low": 1.0, "high": 1.0}


def test_a_card_and_a_story_say_what_will_be_earned() -> None:
    snapshot = synthetic_store(900, 90, 1)
    bundle = generate(snapshot, no_vectors(snapshot), RunConfig()).bundles[0].to_json()

    shown, told = dict(card(bundle)["evidence"]), " ".join(why_story(bundle))

    expected = bundle["evidence"]["expected"]
    assert f"{expected['orders_30d']:.1f} orders in 30 days (80% interval" in shown["Expected"]
    assert "not from a test" in shown["Expected"]
    assert "elasticity is" in shown["Price"]
    assert f"{expected['revenue_30d']} EUR of revenue" in told
