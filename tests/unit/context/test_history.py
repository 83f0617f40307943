import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.context.history import history_of
from tests.support.stores import DAY, Basket, Ware, bought, store_of

WARES = (Ware("A"), Ware("B"))


def test_the_window_ends_the_day_before_as_of() -> None:
    snapshot = store_of(WARES, [bought("A", day=DAY - 10), bought("A", day=DAY - 9), bought("A", day=DAY)])

    history = history_of(snapshot, DAY, 9)

    assert history.day.tolist() == [DAY - 9]
    assert history.window() == {"from": "2024-09-25", "to": "2024-10-04", "orders": 1}


def test_an_order_cancelled_later_still_counts_on_the_day_that_did_not_know() -> None:
    snapshot = store_of(WARES, [Basket({"A": 1}, DAY, cancelled=DAY + 3), bought("B", day=DAY + 5)])

    assert len(history_of(snapshot, DAY + 3, 30)) == 1
    assert len(history_of(snapshot, DAY + 4, 30)) == 0


def test_the_first_day_is_that_of_all_known_orders_not_of_the_window() -> None:
    snapshot = store_of(WARES, [bought("A", day=DAY - 500), bought("B", day=DAY)])

    history = history_of(snapshot, DAY + 1, 30)

    assert history.store_first_day == DAY - 500
    assert len(history) == 1


def test_a_store_without_orders_has_an_empty_history() -> None:
    history = history_of(store_of(WARES), 0, 365)

    assert len(history) == 0
    assert history.matrix().shape == (0, 2)
    assert history.window() == {"from": "1970-01-01", "to": "1970-01-01", "orders": 0}


@given(st.lists(st.tuples(st.integers(0, 60), st.sets(st.sampled_from("ABCD"), min_size=1)), max_size=15))
def test_kept_baskets_keep_their_own_products(rows: list[tuple[int, set[str]]]) -> None:
    baskets = [bought(*sorted(skus), day=DAY + ahead) for ahead, skus in rows]
    snapshot = store_of([Ware(sku) for sku in "ABCD"], baskets)

    history = history_of(snapshot, DAY + 40, 20)

    held = (
        [["ABCD"[item] for item in row] for row in np.split(history.item, history.indptr[1:-1])] if len(history) else []
    )
    expected = [sorted(skus) for ahead, skus in sorted(rows, key=lambda row: row[0]) if 20 <= ahead < 40]
    assert held == expected
