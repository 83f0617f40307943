from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.synthetic import planted_groups, synthetic_store
from pipeline.ingest.snapshot import NEVER


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 300), st.integers(1, 90), st.integers(0, 5))
def test_any_size_gives_a_well_formed_snapshot(orders: int, products: int, seed: int) -> None:
    store = synthetic_store(orders, products, seed)

    bought, catalog = store.orders, store.catalog
    rows = np.split(bought.item, bought.indptr[1:-1])
    assert len(bought) == orders
    assert len(catalog) == products
    assert all(len(row) and (np.diff(row) > 0).all() for row in rows)
    assert (np.diff(bought.minute) >= 0).all()
    assert (bought.cancelled_day[bought.cancelled_day != NEVER] > bought.day[bought.cancelled_day != NEVER]).all()
    assert (catalog.price > 0).all()
    assert (bought.unit_price > 0).all()


def test_the_same_numbers_give_the_same_store_and_another_seed_another() -> None:
    store, again, other = (synthetic_store(200, 50, seed) for seed in (1, 1, 2))

    assert store.sha256 == again.sha256 != other.sha256
    assert store.catalog.title == again.catalog.title


def test_customers_are_numbered_by_first_appearance() -> None:
    customer = synthetic_store(500, 50).orders.customer

    known = customer[customer >= 0]
    first = known[np.sort(np.unique(known, return_index=True)[1])]
    assert (customer == -1).any()
    assert first.tolist() == list(range(len(first)))


def test_planted_products_are_bought_together_far_above_chance() -> None:
    store = synthetic_store(3_000, 200, seed=4)
    bought = np.zeros((3_000, 200), dtype=np.int64)
    bought[np.repeat(np.arange(3_000), np.diff(store.orders.indptr)), store.orders.item] = 1

    joint, alone = bought.T @ bought, bought.sum(axis=0)

    groups = [group[group >= 0] for group in planted_groups(200, 4)]
    lifts = [joint[a, b] * 3_000 / (alone[a] * alone[b]) for group in groups for a, b in combinations(group, 2)]
    assert np.median(lifts) > 10


def test_few_products_sell_much_and_most_sell_little() -> None:
    store = synthetic_store(5_000, 1_000)

    sold = np.sort(np.bincount(store.orders.item, minlength=1_000))[::-1]

    assert sold[:100].sum() > 0.35 * sold.sum()
