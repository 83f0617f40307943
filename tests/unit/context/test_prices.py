import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.context.prices import common_endings, price_habits
from tests.support.stores import Basket, Ware, history_of_store, store_of


def test_the_fewest_endings_that_cover_four_fifths() -> None:
    prices = np.array([199, 299, 399, 499, 595, 695, 795, 850, 725, 640])

    # 99 ×4, 95 ×3, then 25, 40, 50 once each: 8 of 10 need one of the last, the lowest
    assert common_endings(prices, 100).tolist() == [25, 95, 99]


def test_exactly_four_fifths_need_no_more() -> None:
    assert common_endings(np.array([199, 299, 399, 499, 550]), 100).tolist() == [99]


def test_without_prices_every_ending_will_do() -> None:
    assert common_endings(np.zeros(0, dtype=np.int64), 10).tolist() == list(range(10))


@given(st.lists(st.integers(200, 5000), min_size=1, max_size=60))
def test_learnt_endings_cover_four_fifths_and_one_fewer_would_not(prices: list[int]) -> None:
    endings = common_endings(np.array(prices), 100)

    counts = sorted((sum(price % 100 == ending for price in prices) for ending in endings), reverse=True)
    assert 5 * sum(counts) >= 4 * len(prices)
    assert 5 * sum(counts[:-1]) < 4 * len(prices)


def test_what_nobody_bought_says_nothing_of_endings() -> None:
    snapshot = store_of([Ware("A", price=4.95), Ware("B", price=7.77)], [Basket({"A": 1})])

    habits = price_habits(snapshot.catalog, history_of_store(snapshot), "EUR")

    assert habits.endings.tolist() == [95]


def test_prices_below_two_have_last_digits_of_their_own() -> None:
    wares = [Ware("A", price=1.95), Ware("B", price=2.00), Ware("C", price=7.77, is_sellable=False)]
    snapshot = store_of(wares)

    habits = price_habits(snapshot.catalog, history_of_store(snapshot), "EUR")

    assert habits.endings.tolist() == [0]
    assert habits.small_endings.tolist() == [5]


def test_the_discount_is_the_median_of_lines_below_list() -> None:
    orders = [
        Basket({"A": 1, "B": 1}, prices={"A": 9.0, "B": 8.0}), Basket({"A": 1}, prices={"A": 7.0}), Basket({"A": 1}),
        Basket({"A": 1}, prices={"A": 9.95}), Basket({"A": 1}, prices={"A": 0.0}), Basket({"B": 1}, prices={"B": 12.0}),
    ]  # fmt: skip
    snapshot = store_of([Ware("A"), Ware("B")], orders)

    habits = price_habits(snapshot.catalog, history_of_store(snapshot), "EUR")

    # 10, 20 and 30 % off; half a percent, a gift and a higher price are no discounts
    assert habits.discount == pytest.approx(0.2)
    assert habits.discount_lines == 3


def test_yen_have_no_minor_unit() -> None:
    snapshot = store_of([Ware("A", price=1980), Ware("B", price=2980)], currency="JPY")

    assert price_habits(snapshot.catalog, history_of_store(snapshot), "JPY").endings.tolist() == [80]
