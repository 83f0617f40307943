from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.context.prices import PriceHabits
from pipeline.context.store import Shop
from pipeline.offers.config import PricingConfig
from pipeline.offers.discounts import offered
from pipeline.offers.pricing import Prices, price_candidates, store_discount
from pipeline.terms import BundleType, Combo, Objective
from tests.support.stores import NAN, elastic, habits_of, sets_of, shop_of

CONFIG = PricingConfig()
AOV = Objective.INCREASE_AOV


def priced(
    kind: BundleType, shop: Shop, *sets: list[int], habits: PriceHabits | None = None, objective: Objective = AOV,
    pick: int = 0, breaks: tuple[int, ...] = (), config: PricingConfig = CONFIG,
) -> Prices:  # fmt: skip
    """Prices of sets of one type."""
    quantity = [breaks[0]] if breaks else None
    found = sets_of(*sets, pick=pick, breaks=breaks, quantity=quantity)
    return price_candidates(found, Combo(objective, kind), shop, habits or habits_of(), config)[1]


def test_a_stores_discount_is_pulled_to_the_prior() -> None:
    assert store_discount(habits_of(), CONFIG) == 0.2
    assert store_discount(habits_of(discount=0.1, lines=200), CONFIG) == pytest.approx(0.15)
    # (0.2·200 + 0.9·9800) / 10000 = 0.886 is cut to 0.3
    assert store_discount(habits_of(discount=0.9, lines=9800), CONFIG) == 0.3


def test_a_set_is_half_the_stores_discount_rounded_to_an_ending() -> None:
    found = priced(BundleType.FBT, shop_of([10, 12.5], [4, 5]), [0, 1], habits=habits_of([99]))

    # 22.50 less 10 % is 20.25, rounded down to 19.99; margin (19.99 − 9) / 19.99
    assert (found.list_price[0], found.price[0]) == (2250, 1999)
    assert found.margin[0] == pytest.approx((19.99 - 9) / 19.99, abs=1e-6)
    assert found.known_share[0] == 1.0


def test_objectives_give_more_or_less() -> None:
    shop = shop_of([10, 10], [1, 1])

    wanted = {name: priced(BundleType.FBT, shop, [0, 1], objective=name).wanted[0] for name in Objective}

    assert wanted[Objective.MARGIN_GUARD] == pytest.approx(0.06)
    assert wanted[Objective.CLEAR_SLOW_MOVERS] == pytest.approx(0.15)
    assert wanted[AOV] == pytest.approx(0.1)


def test_the_margin_covers_the_parts_of_known_cost_discount_pro_rata() -> None:
    # 30 list; 20 of it known at a cost of 12; sold at 27: the known parts bring 18 of it
    found = priced(BundleType.FBT, shop_of([20, 10], [12, NAN]), [0, 1])

    assert found.price[0] == 2700
    assert found.margin[0] == pytest.approx(1 - 12 / 18, abs=1e-6)
    assert found.known_share[0] == pytest.approx(2 / 3)


def test_the_margin_floor_stops_a_discount() -> None:
    # cost 8.30 of 10: at least 9.7647 keeps 15 %
    found = priced(BundleType.FIXED, shop_of([5, 5], [4.15, 4.15]), [0, 1])

    assert found.floor[0] == 977
    assert found.price[0] == 977
    assert found.margin[0] >= 0.15


def test_without_an_ending_above_the_floor_there_is_no_discount() -> None:
    found = priced(BundleType.FBT, shop_of([5, 5], [4.15, 4.15]), [0, 1], habits=habits_of([50]))

    assert found.price[0] == found.list_price[0] == 1000
    assert found.is_valid[0]


def test_a_set_of_unknown_cost_gives_at_most_a_tenth() -> None:
    found = priced(BundleType.FIXED, shop_of([10, 10]), [0, 1], objective=Objective.CLEAR_SLOW_MOVERS)

    assert found.wanted[0] > 0.1
    assert found.price[0] == 1800
    assert np.isnan(found.margin[0])


@pytest.mark.parametrize("size", [4, 5, 8])
def test_a_pool_of_unknown_cost_gives_at_most_a_tenth(size: int) -> None:
    found = priced(BundleType.MIX_MATCH, shop_of([10] * size), list(range(size)), pick=2)

    assert found.price[0] >= 0.9 * found.list_price[0]
    assert np.isnan(found.margin[0])


def test_a_pool_is_judged_by_its_worst_pick() -> None:
    # ratios of cost: 0.8 and 0.6 of 10, 0.2 of 20, 0.1 of 10; the worst two are the first: 14 / 20
    found = priced(BundleType.MIX_MATCH, shop_of([10, 10, 20, 10], [8, 6, 4, 1]), [0, 1, 2, 3], pick=2)

    assert found.list_price[0] == 5000
    # 12 % is wanted, 10 % offered: 45.00; the floor is 50 · 0.7 / 0.85 = 41.18
    assert found.price[0] == 4500
    assert found.margin[0] == pytest.approx(1 - 0.7 * 50 / 45, abs=1e-6)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(100, 3000), st.one_of(st.just(NAN), st.floats(0.05, 0.95))), min_size=4, max_size=8),
    st.integers(2, 3),
)
def test_the_worst_pick_is_the_worst_of_all_picks(parts: list[tuple[int, float]], pick: int) -> None:
    price = [cents / 100 for cents, _ in parts]
    cost = [value * share for value, (_, share) in zip(price, parts, strict=True)]

    found = priced(BundleType.MIX_MATCH, shop_of(price, cost), list(range(len(parts))), pick=pick)

    off = found.price[0] / found.list_price[0]
    margins = []
    for chosen in combinations(range(len(parts)), pick):
        known = [item for item in chosen if not np.isnan(cost[item])]
        if known:
            margins.append(1 - sum(cost[item] for item in known) / (off * sum(price[item] for item in known)))
    assert np.isnan(found.margin[0]) if not margins else found.margin[0] == pytest.approx(min(margins), abs=1e-5)


def test_only_the_got_product_is_discounted() -> None:
    found = priced(BundleType.BXGY, shop_of([20, 10], [5, 5]), [0, 1], habits=habits_of([99]))

    # 30 % off 10.00 is 7.00, rounded down to 6.99
    assert (found.get_price[0], found.price[0], found.list_price[0]) == (699, 2699, 3000)
    assert found.margin[0] == pytest.approx(1 - 10 / 26.99, abs=1e-6)


def test_the_got_product_is_never_cheaper_than_half() -> None:
    config = PricingConfig(prior_discount=0.5, discount_range=(0.05, 0.5))

    found = priced(
        BundleType.BXGY, shop_of([20, 10], [1, 1]), [0, 1], objective=Objective.CLEAR_SLOW_MOVERS, config=config
    )

    assert found.get_price[0] == 500


def test_a_got_product_that_can_not_be_discounted_is_no_offer() -> None:
    found = priced(BundleType.BXGY, shop_of([20, 10], [18, 9]), [0, 1])

    assert not found.is_valid[0]


def test_unit_prices_fall_from_break_to_break() -> None:
    found = priced(BundleType.VOLUME, shop_of([10], [2]), [0], breaks=(3, 6, 12), habits=habits_of([0, 50]))

    # half, three quarters and all of 20 %: 9.00, 8.50, 8.00
    assert found.unit_prices[0].tolist() == [900, 850, 800]
    assert (found.list_price[0], found.price[0]) == (3000, 2700)
    assert found.margin[0] == pytest.approx(1 - 2 / 8)


def test_a_break_that_no_lower_ending_fits_is_dropped_and_the_rest_moves_up() -> None:
    # floor 7.65 / 0.85 = 9.00: one ending below list
    shop, habits = shop_of([10], [7.65]), habits_of([0, 25])
    found = sets_of([0], breaks=(3, 6, 12), quantity=[3])

    kept, prices = price_candidates(found, Combo(AOV, BundleType.VOLUME), shop, habits, CONFIG)

    assert prices.unit_prices.tolist() == [[900, 0, 0]]
    assert kept.breaks.tolist() == [[3, 0, 0]]


def test_breaks_without_a_lower_price_are_dropped_and_quantities_follow_the_first() -> None:
    # four cents less 10 % are three cents, and so they are less 15 % and 20 %
    found = sets_of([0, 1], breaks=(5, 7, 9), quantity=[1, 1])

    kept, prices = price_candidates(
        found, Combo(AOV, BundleType.VOLUME), shop_of([0.04, 0.04], [0.01, 0.01]), habits_of(), CONFIG
    )

    assert kept.breaks.tolist() == [[5, 0, 0]]
    assert prices.unit_prices.tolist() == [[3, 0, 0]]
    assert kept.quantity[0, :2].tolist() == [3, 2]
    assert (prices.list_price[0], prices.price[0]) == (20, 15)


@given(st.integers(10, 100_000), st.floats(0, 0.5))
def test_a_discount_is_a_whole_number_of_steps_and_one_at_least(price: int, wanted: float) -> None:
    discount = float(offered(np.array([wanted]), CONFIG)[0])

    assert discount / CONFIG.offer_step == pytest.approx(round(discount / CONFIG.offer_step))
    assert CONFIG.offer_step <= discount <= CONFIG.max_discount
    assert discount == CONFIG.offer_step or abs(discount - wanted) <= CONFIG.offer_step / 2 + 1e-9


def test_a_volume_offer_without_any_break_is_invalid() -> None:
    found = priced(BundleType.VOLUME, shop_of([10], [9.9]), [0], breaks=(3, 6, 12))

    assert not found.is_valid[0]
    assert not found.unit_prices.any()


def test_yen_are_whole() -> None:
    found = priced(BundleType.FBT, shop_of([1000, 480], [100, 100], currency="JPY"), [0, 1])

    assert (found.list_price[0], found.price[0]) == (1480, 1332)


SHOPS = st.lists(st.tuples(st.integers(10, 5000), st.one_of(st.just(NAN), st.floats(0.0, 1.2))), min_size=4, max_size=8)
ENDINGS = st.tuples(
    st.sets(st.integers(0, 99), min_size=1, max_size=4), st.sets(st.integers(0, 9), min_size=1, max_size=3)
)


def ends_well(price: int, endings: set[int], small: set[int]) -> bool:
    """Whether a price has one of the store's endings."""
    return price % 100 in endings if price >= 200 else price % 10 in small


@settings(max_examples=150)
@given(
    SHOPS, ENDINGS, st.sampled_from(BundleType), st.sampled_from(Objective), st.floats(0.01, 0.5),
    st.one_of(st.none(), st.tuples(st.floats(-9, 1), st.floats(0.01, 3))),
)  # fmt: skip
def test_every_price_is_at_most_list_and_keeps_the_floor_and_ends_as_the_store_does(
    parts: list[tuple[int, float]], ends: tuple[set[int], set[int]], kind: BundleType, objective: Objective,
    discount: float, response: tuple[float, float] | None,
) -> None:  # fmt: skip
    price = [cents / 100 for cents, _ in parts]
    shop = shop_of(price, [value * share for value, (_, share) in zip(price, parts, strict=True)])
    known = elastic([response[0]] * len(parts), response[1]) if response else None
    habits = habits_of(sorted(ends[0]), sorted(ends[1]), discount, 50, known)
    size = {BundleType.VOLUME: 1, BundleType.BXGY: 2}.get(kind, len(parts))
    is_pool, is_volume = kind is BundleType.MIX_MATCH, kind is BundleType.VOLUME

    found = priced(
        kind, shop, list(range(size)), habits=habits, objective=objective, pick=2 if is_pool else 0,
        breaks=(2, 4, 8) if is_volume else (),
    )  # fmt: skip

    total, paid, floor = int(found.list_price[0]), int(found.price[0]), int(found.floor[0])
    assert 0 < paid <= total
    if paid < total:
        assert paid >= floor
        assert paid >= total // 2
        if np.isnan(found.margin[0]):
            assert 10 * paid >= 9 * total
        else:
            assert found.margin[0] >= 0.15 - 1e-6
    if kind is BundleType.BXGY:
        got = int(found.get_price[0])
        assert got == parts[1][0] or ends_well(got, *ends)
    elif is_volume:
        units = [unit for unit in found.unit_prices[0].tolist() if unit]
        assert all(ends_well(unit, *ends) for unit in units)
        assert units == sorted(set(units), reverse=True)
        assert all(unit < parts[0][0] for unit in units)
        assert bool(found.is_valid[0]) == bool(units)
    else:
        assert paid == total or ends_well(paid, *ends)
