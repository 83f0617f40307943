from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.context.config import ElasticityConfig
from pipeline.context.elasticity import Z80, Elasticity, Observations, Slopes, blend, estimate, shrink, slopes_of
from pipeline.context.paid_prices import elasticities, price_moves, quantity_breaks_paid
from pipeline.context.prices import price_habits
from pipeline.ingest.snapshot import Snapshot
from tests.support.planted import planted_store
from tests.support.stores import DAY, Basket, Ware, history_of_store, store_of

CONFIG = ElasticityConfig()
PLANTED = {"Calm": -0.8, "Keen": -2.5, "Wild": -4.0}


@cache
def planted() -> Snapshot:
    return planted_store(PLANTED)


@cache
def learnt() -> tuple[Elasticity, Elasticity]:
    found = elasticities(history_of_store(planted()), planted().catalog.category, CONFIG)
    assert found is not None
    return found


def truth() -> NDArray[np.float64]:
    names = planted().catalog.categories.to_pylist()
    return np.array([PLANTED.get(names[code], np.nan) for code in planted().catalog.category])


def test_a_planted_elasticity_lies_within_its_interval() -> None:
    demand, _ = learnt()

    low, high = demand.interval()

    known = ~np.isnan(truth())
    covered = (low <= truth()) & (truth() <= high)
    # 80 % is promised; 18 SKUs may miss it by two standard deviations of a binomial, 0.61
    assert covered[known].mean() >= 0.61
    assert np.abs(demand.mean - truth())[known].max() < 0.8
    assert demand.sd[known].max() < 0.5


def test_categories_of_different_elasticity_are_told_apart() -> None:
    demand, _ = learnt()

    means = [demand.mean[truth() == value].mean() for value in PLANTED.values()]

    assert means == pytest.approx(list(PLANTED.values()), abs=0.35)


def test_the_same_store_gives_the_same_bits() -> None:
    again = elasticities(history_of_store(planted()), planted().catalog.category, CONFIG)

    assert again is not None
    assert again[0].mean.tobytes() == learnt()[0].mean.tobytes()
    assert again[1].sd.tobytes() == learnt()[1].sd.tobytes()


def wholesaler() -> Snapshot:
    """Two at 10.00 or 24 at 8.00 in turn, for a year: quantities differ and no price ever moves."""
    orders = [
        Basket({sku: 24 if (week + at) % 3 else 2}, DAY + 7 * week, prices={sku: 8.0 if (week + at) % 3 else 10.0})
        for week in range(52)
        for at, sku in enumerate("ABCD")
        for _ in range(2)
    ]
    small = [
        Basket({sku: 2}, DAY + 7 * week + 1, prices={sku: 10.0}) for week in range(52) for sku in "ABCD" for _ in "123"
    ]
    return store_of([Ware(sku, 10.0) for sku in "ABCD"], [*orders, *small])


def test_a_large_order_at_a_lower_unit_price_is_no_price_cut() -> None:
    snapshot = wholesaler()

    found = elasticities(history_of_store(snapshot), snapshot.catalog.category, CONFIG)

    assert found is not None
    demand, volume = found
    assert demand.products == 0
    assert demand.mean.tolist() == [CONFIG.prior_mean] * 4
    # the breaks themselves speak for quantity offers, softly
    assert (volume.mean < demand.mean).all()
    assert (volume.sd < demand.sd).all()


def test_a_store_whose_prices_never_moved_knows_what_is_believed() -> None:
    seen = Observations(np.repeat([0, 1], 10), np.tile(np.arange(10), 2), np.zeros(20), np.arange(20.0) % 7)

    found = estimate(seen, np.zeros(2, dtype=np.int64), CONFIG)

    assert found.mean.tolist() == [CONFIG.prior_mean] * 2
    spread = np.sqrt(CONFIG.prior_sd**2 + CONFIG.category_sd**2 + CONFIG.sku_sd**2)
    assert found.sd == pytest.approx([spread] * 2, abs=1e-6)
    assert found.products == 0


def test_two_updates_by_hand() -> None:
    # spreads are as good as fixed: SKUs 1, categories 1, stores 1 around −2
    config = ElasticityConfig(prior_mean=-2, prior_sd=1, category_sd=1, sku_sd=1, spread_weight=1e12)
    slopes = Slopes(np.array([-4.0, -1.0, 0.0]), np.array([1.0, 3.0, np.inf]), -2.0)

    found = shrink(slopes, np.zeros(3, dtype=np.int64), config)

    # category: weights 1/2 and 1/4, mean −3 with variance 4/3; store: (−3 / (7/3) − 2) / (3/7 + 1) = −2.3, var 0.7
    assert found.store_mean == pytest.approx(-2.3)
    assert found.store_sd == pytest.approx(np.sqrt(0.7), abs=1e-6)
    # category: weight 4/7 on the store and 3/7 on its own mean: −2.6; variance 4/7 + (4/7)² · 0.7 = 0.8
    # SKUs: half of −4, a quarter of −1, nothing
    assert found.mean == pytest.approx([-3.3, -2.2, -2.6])
    assert found.sd == pytest.approx(np.sqrt([0.5 + 0.2, 0.75 + 0.5625 * 0.8, 1.8]), abs=1e-6)


def test_two_readings_are_weighed_by_precision() -> None:
    first, second = (
        Elasticity(np.array([mean]), np.array([sd]), mean, sd, 10, 1, 7) for mean, sd in ((-1.0, 1.0), (-4.0, 0.0))
    )

    both = blend(first, second, 2.0)

    # precisions 1 and 1/4
    assert both.mean[0] == pytest.approx((-1 - 1) / 1.25)
    assert both.sd[0] == pytest.approx(np.sqrt(0.8), abs=1e-6)


SLOPES = st.lists(st.tuples(st.floats(-9, 5), st.floats(0.01, 50), st.integers(0, 3)), min_size=1, max_size=30)


@given(SLOPES)
def test_a_posterior_lies_between_a_slope_and_what_others_say_and_is_surer_than_either(
    rows: list[tuple[float, float, int]],
) -> None:
    slope, variance = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    category = np.array([row[2] for row in rows])

    found = shrink(Slopes(slope, variance, 0.0), category, CONFIG)

    low, high = min(slope.min(), CONFIG.prior_mean), max(slope.max(), CONFIG.prior_mean)
    assert (found.mean >= low - 1e-6).all()
    assert (found.mean <= high + 1e-6).all()
    assert (found.sd <= np.sqrt(variance) + 1e-6).all()
    assert (found.sd > 0).all()


@given(st.integers(0, 5), st.floats(-3, 3), st.floats(-3, 3))
def test_the_level_of_prices_and_units_does_not_matter(seed: int, price: float, units: float) -> None:
    rng = np.random.default_rng(seed)
    item, period = np.repeat(np.arange(5), 12), np.tile(np.arange(12), 5)
    x, y = rng.normal(0, 0.2, 60), rng.normal(0, 1, 60)
    category = np.array([0, 0, 1, 1, 1])

    plain = slopes_of(Observations(item, period, x, y), category, CONFIG)
    moved = slopes_of(Observations(item, period, x + price, y + units), category, CONFIG)

    assert moved.slope == pytest.approx(plain.slope, abs=1e-6)


def test_a_week_that_is_good_for_all_is_no_effect_of_price() -> None:
    # every product is cut in the weeks when everybody buys more: nothing is left to learn from
    item, period = np.repeat(np.arange(6), 20), np.tile(np.arange(20), 6)
    sale = (period % 4 == 0) * 1.0
    config = ElasticityConfig(effect_weight=0)

    found = slopes_of(Observations(item, period, -0.3 * sale, 2.0 * sale), np.zeros(6, dtype=np.int64), config)

    assert np.isinf(found.variance).all()


def test_fewer_than_twenty_lines_say_nothing() -> None:
    orders = [Basket({"A": 1}, DAY + at, prices={"A": 9.0 + at % 2}) for at in range(20)]
    many, few = store_of([Ware("A")], orders), store_of([Ware("A")], orders[:19])

    assert price_habits(few.catalog, history_of_store(few), "EUR").demand is None
    assert price_habits(many.catalog, history_of_store(many), "EUR").demand is not None


def test_gifts_are_no_observations() -> None:
    orders = [Basket({"A": 1}, DAY + at, prices={"A": 0.0 if at % 2 else 10.0}) for at in range(40)]
    history = history_of_store(store_of([Ware("A")], orders))

    assert len(quantity_breaks_paid(history).item) == 20


def test_the_usual_price_of_a_week_is_that_of_ordinary_orders() -> None:
    day = DAY + 6
    orders = [
        Basket({"A": 1}, day, prices={"A": 10.0}), Basket({"A": 1}, day, prices={"A": 10.0}),
        Basket({"A": 1}, day, prices={"A": 6.0}), Basket({"A": 40}, day, prices={"A": 5.0}),
    ]  # fmt: skip

    seen, _ = price_moves(history_of_store(store_of([Ware("A")], orders)), CONFIG)

    assert np.exp(seen.log_price) == pytest.approx([10.0])
    assert np.exp(seen.log_units) == pytest.approx([43.0])


@pytest.mark.parametrize(("every_days", "grain"), [(5, 7), (20, 14), (60, 28)])
def test_what_sells_rarely_is_looked_at_in_longer_periods(every_days: int, grain: int) -> None:
    orders = [Basket({sku: 1}, DAY + at * every_days) for at in range(12) for sku in "ABC"]

    _, found = price_moves(history_of_store(store_of([Ware(sku) for sku in "ABC"], orders), 900), CONFIG)

    assert found == grain


def test_the_interval_holds_four_fifths() -> None:
    low, high = Elasticity(np.array([-2.0]), np.array([1.0]), -2.0, 1.0, 1, 1, 7).interval()

    assert (low[0], high[0]) == pytest.approx((-2 - Z80, -2 + Z80))
