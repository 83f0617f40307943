import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.context.config import FeaturesConfig
from pipeline.context.features import UNKNOWN, Features, features_of, margins, rank01
from pipeline.context.seasons import SEASONS
from tests.support.stores import DAY, NAN, Basket, Ware, bought, history_of_store, store_of


def features(wares: list[Ware], baskets: list[Basket], **config: object) -> Features:
    """Features on the day after the last order."""
    snapshot = store_of(wares, baskets)
    history = history_of_store(snapshot)
    return features_of(snapshot.catalog, snapshot.orders, history, FeaturesConfig(**config))  # type: ignore[arg-type]


def test_a_rank_is_the_middle_of_the_equals() -> None:
    ranked = rank01(np.array([1.0, 2.0, 2.0, 4.0, np.nan]), missing=0.5)

    assert ranked.tolist() == [0.125, 0.5, 0.5, 0.875, 0.5]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20))
def test_ranks_follow_values_and_stay_in_range(values: list[float]) -> None:
    found = rank01(np.array(values), missing=0.0)

    assert ((found >= 0) & (found <= 1)).all()
    assert all((found[i] < found[j]) == (a < b) for i, a in enumerate(values) for j, b in enumerate(values))


def test_a_margin_needs_a_cost_and_a_price() -> None:
    found = margins(np.array([10.0, 10.0, 0.0, np.nan]), np.array([6.0, np.nan, 1.0, 1.0]))

    assert found[0] == pytest.approx(0.4)
    assert np.isnan(found[1:]).all()


def test_a_margin_of_two_fifths_is_high_and_an_unknown_one_is_not() -> None:
    found = features([Ware("A", cost=6.0), Ware("B", cost=6.01), Ware("C")], [bought("A")])

    assert found.is_high_margin.tolist() == [True, False, False]


def test_cover_is_stock_over_recent_daily_units() -> None:
    wares = [Ware("A", stock=60), Ware("B", stock=60), Ware("C", stock=0), Ware("D")]

    found = features(wares, [Basket({"A": 30, "B": 1, "C": 1, "D": 1}, DAY - 70), Basket({"A": 30}, DAY)])

    # A: 30 units in 60 days is half a unit a day; B sold none of late; C has no stock; D is not tracked
    assert found.cover_days[:3].tolist() == [120.0, np.inf, 0.0]
    assert np.isnan(found.cover_days[3])


def test_slow_movers_are_above_the_eightieth_percentile_of_cover() -> None:
    wares = [Ware(f"P{number}", stock=100) for number in range(10)]

    found = features(wares, [Basket({f"P{number}": 20 - number}) for number in range(10)])

    # cover rises with the number: the percentile is that of the eighth, two lie above
    assert np.flatnonzero(found.is_slow).tolist() == [8, 9]


def test_old_stock_that_never_sold_is_slow_and_young_or_unknown_stock_is_not() -> None:
    wares = [
        Ware("A", stock=5, created=DAY - 29), Ware("B", stock=5, created=DAY - 28), Ware("C", stock=5),
        Ware("D", stock=0, created=DAY - 200), Ware("E"),
    ]  # fmt: skip

    found = features(wares, [bought("E")])

    assert found.is_slow.tolist() == [True, False, False, False, False]


def test_age_comes_from_creation_or_from_a_first_sale_long_after_the_stores() -> None:
    wares = [Ware("A", created=DAY - 5), Ware("B"), Ware("C"), Ware("D"), Ware("E", created=DAY + 50)]
    baskets = [bought("B", day=DAY - 100), bought("C", day=DAY - 41), bought("D", day=DAY - 40), bought("D", day=DAY)]

    found = features(wares, baskets)

    # C first sold 59 days after the store's first order, D 60 days after; E is not there yet
    assert found.age_days.tolist() == [6, UNKNOWN, UNKNOWN, 41, UNKNOWN]


def test_a_product_that_sold_before_the_window_is_not_new() -> None:
    wares = [Ware("A"), Ware("B"), Ware("C")]
    baskets = [bought("C", day=DAY - 900), bought("A", day=DAY - 500), bought("A", "B", day=DAY)]

    found = features(wares, baskets)

    assert found.age_days[:2].tolist() == [501, 1]
    assert found.is_new.tolist() == [False, True, False]


def test_a_product_is_new_for_thirty_days() -> None:
    wares = [Ware("A", created=DAY - 29), Ware("B", created=DAY - 30), Ware("C")]

    assert features(wares, [bought("A")]).is_new.tolist() == [True, False, False]


def test_three_customers_who_come_back_make_a_replenished_product() -> None:
    visits = [(0, 1), (0, 31), (1, 2), (1, 22), (2, 3), (2, 43), (-1, 5), (-1, 6)]
    baskets = [bought("A", day=DAY + day, customer=who) for who, day in visits]
    same_day = [bought("B", day=DAY, customer=who) for who in (0, 1, 2) for _ in range(2)]

    found = features([Ware("A"), Ware("B"), Ware("C", tags="subscription")], baskets + same_day)

    # gaps 30, 20 and 40 days; nobody knows who the last two were; twice on a day is one purchase
    assert found.repeat_customers.tolist() == [3, 0, 0]
    assert found.repeat_gap_days[0] == 30.0
    assert np.isnan(found.repeat_gap_days[1])
    assert found.is_replenished.tolist() == [True, False, True]


def test_an_even_number_of_gaps_has_the_mean_of_the_middle_two() -> None:
    baskets = [bought("A", day=DAY + day, customer=0) for day in (0, 10, 30)]

    assert features([Ware("A")], baskets).repeat_gap_days.tolist() == [15.0]


def test_weekly_and_rarer_gaps_are_habits_others_are_not() -> None:
    def gap(days: int) -> bool:
        baskets = [bought("A", day=DAY + at, customer=who) for who in range(3) for at in (0, days)]
        return bool(features([Ware("A")], baskets).is_replenished[0])

    assert [gap(days) for days in (6, 7, 90, 91)] == [False, True, True, False]


def test_category_orders_count_an_order_once_and_only_of_late() -> None:
    wares = [Ware("A", category="Tea"), Ware("B", category="Tea"), Ware("C", category="Cups")]

    found = features(wares, [bought("A", "B", "C"), bought("A", day=DAY - 59), bought("C", day=DAY - 60)])

    # categories are listed by name: Cups, Tea; the sixty days before 5 October begin on DAY − 59
    assert found.category_orders.tolist() == [1, 2]
    assert found.recent_orders.tolist() == [2, 1, 1]


def test_words_in_title_or_tags_tell_a_season_that_comes() -> None:
    wares = [Ware("A", title="Santa Mug"), Ware("B", tags="halloween"), Ware("C", title="Easter Egg"), Ware("D")]

    found = features(wares, [bought("D")])

    # 5 October 2024: Christmas and Halloween sell within four weeks, Easter does not
    names = [SEASONS[code].name if code >= 0 else None for code in found.season]
    assert names == ["Christmas", "Halloween", None, None]
    assert found.is_seasonal.tolist() == [True, True, False, False]


def test_gifts_are_whole_words() -> None:
    wares = [Ware("A", title="Gift Box"), Ware("B", tags="gifts"), Ware("C", title="Gifted Pen"), Ware("D", tags="x")]

    assert features(wares, [bought("D")]).is_gift.tolist() == [True, True, False, False]


def test_a_month_index_needs_four_hundred_days() -> None:
    october = [Basket({"A": 3, "B": 1}, DAY - 365 + ahead) for ahead in range(12)]
    all_year = [Basket({"B": 1}, DAY - ahead) for ahead in range(0, 360, 30)]

    short = features([Ware("A"), Ware("B")], [*october, *all_year, bought("B", day=DAY - 398)])
    long = features([Ware("A"), Ware("B")], [*october, *all_year, bought("B", day=DAY - 399)])

    assert np.isnan(short.month_index).all()
    # A sold only in October, of which the 400 days hold 31 + 4: all units fall on 35 of 400 days
    assert long.month_index[0] == pytest.approx(400 / 35)
    assert long.is_seasonal[0]


def test_ranks_know_what_is_missing() -> None:
    wares = [Ware("A", cost=2, stock=10, price=10), Ware("B", price=NAN, stock=NAN)]

    found = features(wares, [bought("A")])

    assert found.margin_rank.tolist() == [0.5, 0.5]
    assert found.cover_rank.tolist() == [0.5, 0.0]
    assert found.price_rank.tolist() == [0.5, 0.0]
