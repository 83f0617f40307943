from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.synthetic import synthetic_store
from pipeline.errors import EmptyStoreError, LeakError
from pipeline.evaluation.holdout import assert_no_leak, before, split
from pipeline.ingest.snapshot import NEVER, Orders, Snapshot

STORE = synthetic_store(orders=600, products=60, seed=3)


def store_of(days: list[int], cancelled: list[int] | None = None) -> Snapshot:
    """A store with one order of one SKU on each of `days`."""
    orders = Orders(
        indptr=np.arange(len(days) + 1, dtype=np.int64),
        item=np.zeros(len(days), dtype=np.int32),
        quantity=np.ones(len(days), dtype=np.int32),
        unit_price=np.ones(len(days)),
        minute=np.array(days, dtype=np.int64) * 1440 + 600,
        cancelled_day=np.array(cancelled or [NEVER] * len(days), dtype=np.int32),
        customer=np.arange(len(days), dtype=np.int32),
    )
    return replace(STORE, store="tiny", orders=orders)


def test_the_last_fifth_of_the_orders_is_held_out() -> None:
    holdout = split(store_of([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))

    assert holdout.cut == 9
    assert len(holdout.baskets) == 2
    assert len(holdout.training.orders) == 8


def test_the_cut_moves_to_the_nearest_day_boundary_and_the_later_of_two() -> None:
    holdout = split(store_of([1, 2, 3, 4, 5, 6, 7, 9, 9, 10]), share=0.2)

    assert holdout.cut == 10


def test_days_are_counted_back_from_the_last_order() -> None:
    holdout = split(store_of([1, 5, 9, 10]), days=2)

    assert (holdout.cut, holdout.end) == (9, 11)
    assert len(holdout.baskets) == 2


def test_days_after_a_date_end_the_held_out_time() -> None:
    holdout = split(store_of([1, 5, 6, 9, 10]), as_of=5, days=2)

    assert (holdout.cut, holdout.end) == (5, 7)
    assert len(holdout.baskets) == 2


def test_a_cancellation_after_the_cut_is_not_known_before_it() -> None:
    store = store_of([1, 2, 3, 9], cancelled=[2, 8, 9, NEVER])

    holdout = split(store, as_of=8)

    assert holdout.training.orders.cancelled_day.tolist() == [2, NEVER, NEVER]
    assert len(holdout.history(365)) == 2


def test_an_order_that_was_cancelled_later_is_no_held_out_demand() -> None:
    store = store_of([1, 8, 9], cancelled=[NEVER, 30, NEVER])

    holdout = split(store, as_of=8)

    assert len(holdout.baskets) == 1


@given(st.floats(0.05, 0.9))
def test_no_day_and_no_order_is_on_both_sides(share: float) -> None:
    holdout = split(STORE, share=share)

    training, orders = holdout.training.orders, STORE.orders
    later = (orders.day >= holdout.cut) & (orders.cancelled_day == NEVER)
    assert training.day.max() < holdout.cut
    assert len(training) + int((orders.day >= holdout.cut).sum()) == len(orders)
    assert len(holdout.baskets) == int(later.sum())
    assert len(holdout.baskets.item) == int(np.diff(orders.indptr)[later].sum())


def test_the_share_is_met_where_days_are_short() -> None:
    holdout = split(STORE)

    held = len(holdout.baskets) / int((STORE.orders.cancelled_day == NEVER).sum())
    assert held == pytest.approx(0.2, abs=0.01)


def test_customers_keep_their_ranks_and_the_catalog_is_untouched() -> None:
    holdout = split(STORE)

    training = holdout.training
    assert training.catalog is STORE.catalog
    assert np.array_equal(training.orders.customer, STORE.orders.customer[: len(training.orders)])
    assert training.sha256 != STORE.sha256


def test_a_deliberate_leak_is_caught() -> None:
    holdout = split(STORE)

    with pytest.raises(LeakError, match="expected none"):
        assert_no_leak(STORE, holdout.cut)


def test_a_leaked_cancellation_is_caught() -> None:
    store = store_of([1, 2], cancelled=[NEVER, 9])

    with pytest.raises(LeakError, match="1 cancellations"):
        assert_no_leak(store, 5)


def test_the_view_before_a_day_has_no_leak() -> None:
    assert_no_leak(before(STORE, STORE.default_as_of - 40), STORE.default_as_of - 40)


def test_a_store_of_one_day_has_nothing_to_hold_out() -> None:
    with pytest.raises(EmptyStoreError, match="choose another day"):
        split(store_of([4, 4, 4]))


def test_a_store_without_orders_has_nothing_to_hold_out() -> None:
    with pytest.raises(EmptyStoreError, match="no demand order"):
        split(store_of([]))


def test_no_days_and_no_share_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 day"):
        split(STORE, days=0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        split(STORE, share=1.0)
