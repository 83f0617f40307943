import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.context.config import VolumeConfig
from pipeline.context.quantities import ROUND, QuantityBreaks, families_at_one_price, quantity_breaks
from tests.support.stores import DAY, Basket, Ware, history_of_store, store_of


def breaks_of(quantities: list[int], **config: object) -> list[int]:
    """Breaks of one product ordered in these quantities."""
    snapshot = store_of([Ware("A")], [Basket({"A": units}) for units in quantities])
    found = quantity_breaks(
        history_of_store(snapshot),
        snapshot.catalog.family,
        snapshot.catalog.price,
        VolumeConfig(**config),  # type: ignore[arg-type]
    )
    return [step for step in found.breaks[0].tolist() if step]


def test_breaks_are_at_the_60th_80th_and_95th_percentile() -> None:
    # sorted: 1 1 1 2 2 3 4 6 8 12; places ceil(0.6·9) = 6, ceil(0.8·9) = 8, ceil(0.95·9) = 9
    assert breaks_of([1, 2, 1, 12, 2, 3, 8, 1, 6, 4]) == [4, 8, 12]


def test_breaks_lie_above_the_median_and_differ() -> None:
    # the 60th percentile is the median, 2; the others are both 6
    assert breaks_of([1, 2, 2, 2, 2, 2, 6, 6, 6]) == [6]


def test_four_orders_or_one_quantity_have_no_breaks() -> None:
    assert breaks_of([1, 2, 3, 4]) == []
    assert breaks_of([6] * 20) == []


def test_no_break_is_greater_than_what_is_quoted() -> None:
    assert breaks_of([1, 1, 1, 2, 3, 600, 600], max_quantity=500) == [3]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=40))
def test_breaks_rise_and_are_ordered_quantities_or_round_ones_below(quantities: list[int]) -> None:
    found = breaks_of(quantities)

    assert found == sorted(set(found))
    assert all(step > np.median(quantities) for step in found)
    if len(quantities) >= 5:
        ordered = sorted(quantities)
        places = {ordered[math.ceil(percent * (len(ordered) - 1) / 100)] for percent in (60, 80, 95)}
        above = [step for step in sorted(places) if step > np.median(ordered) and step >= 2]
        rounded = [max([r for r in ROUND if np.median(ordered) < r <= step], default=step) for step in above]
        assert found == sorted(set(rounded))


def test_a_shop_offers_thirty_rather_than_thirty_two() -> None:
    assert breaks_of([1, 1, 1, 6, 32, 32]) == [6, 30]
    assert breaks_of([31, 31, 31, 31, 32, 32]) == [32]  # nothing rounder lies above the median


def test_variants_at_one_price_are_one_family() -> None:
    family = np.array([0, 0, 1, 1, 2])

    assert families_at_one_price(family, np.array([5.0, 5.0, 5.0, 6.0, np.nan])).tolist() == [0, 0, 2, 3, 4]


def test_families_of_more_than_eight_are_sold_one_by_one() -> None:
    assert families_at_one_price(np.zeros(9, dtype=np.int64), np.ones(9)).tolist() == list(range(9))


def mixed() -> QuantityBreaks:
    """Six orders that mix two variants of one family."""
    wares = [Ware("A", family="f"), Ware("B", family="f"), Ware("C")]
    baskets = [Basket({"A": 1, "B": units}, DAY + units) for units in range(1, 6)] + [Basket({"C": 1})]
    snapshot = store_of(wares, baskets)
    return quantity_breaks(history_of_store(snapshot), snapshot.catalog.family, snapshot.catalog.price, VolumeConfig())


def test_a_familys_units_are_summed_over_its_variants() -> None:
    found = mixed()

    # 2, 3, 4, 5, 6 units; places ceil(2.4) = 3, ceil(3.2) = 4, ceil(3.8) = 4
    assert found.group.tolist() == [0, 0, 2]
    assert found.orders.tolist() == [5, 0, 1]
    assert found.breaks.tolist() == [[5, 6, 0], [0, 0, 0], [0, 0, 0]]


def test_a_store_without_orders_has_no_breaks() -> None:
    snapshot = store_of([Ware("A")])

    found = quantity_breaks(history_of_store(snapshot), snapshot.catalog.family, snapshot.catalog.price, VolumeConfig())

    assert found.breaks.tolist() == [[0, 0, 0]]


def test_percentiles_are_settings() -> None:
    assert breaks_of([1, 1, 1, 2, 3, 4, 5, 6], percentiles=(70, 70, 100)) == pytest.approx([4, 6])
