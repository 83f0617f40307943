import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.synthetic import planted_groups, synthetic_store
from pipeline.evaluation.baselines import ControlConfig, control, popularity
from pipeline.evaluation.holdout import Baskets, Holdout, split

HOLDOUT: Holdout = split(synthetic_store(orders=1_500, products=120, seed=1))
TRAINING = HOLDOUT.history(365)
ALL = np.ones(120, dtype=bool)


def baskets_of(rows: list[list[int]], products: int) -> Baskets:
    """Baskets of the given SKUs."""
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return Baskets(indptr, np.array([sku for row in rows for sku in row], dtype=np.int32), products)


def test_popularity_ranks_pairs_by_orders_and_equal_ones_by_sku() -> None:
    baskets = baskets_of([[0, 1], [0, 1], [1, 2], [0, 3], [0, 3], [0, 3]], 4)

    ranked = popularity(baskets, np.ones(4, dtype=bool), 2)

    assert ranked.items.tolist() == [[0, 3], [0, 1]]
    assert ranked.is_set_type.all()


def test_popularity_leaves_out_what_may_not_be_sold() -> None:
    baskets = baskets_of([[0, 1], [0, 1], [1, 2]], 3)

    ranked = popularity(baskets, np.array([False, True, True]), 5)

    assert ranked.items.tolist() == [[1, 2]]


def test_control_ranks_sets_by_lift_as_worked_by_hand() -> None:
    # lift {0,1} = 3·8/(4·3) = 2, {2,3} = 3·8/(3·3) = 2.67, both in 3 of 8 baskets; {0,2} never
    rows = [[0, 1], [0, 1], [0, 1], [0], [2, 3], [2, 3], [2, 3], [4]]

    found = control(baskets_of(rows, 5), np.ones(5, dtype=bool), 10, ControlConfig())

    assert found.ranked.items[:, :2].tolist() == [[2, 3], [1, 0]]
    assert (found.engine, found.min_count, found.itemsets, found.rules) == ("mlxtend", 3, 6, 4)


def test_control_finds_the_planted_habits() -> None:
    groups = [set(group[group >= 0].tolist()) for group in planted_groups(120, 1)]

    found = control(TRAINING, ALL, 20, ControlConfig())

    planted = sum(any(set(row[row >= 0].tolist()) <= group for group in groups) for row in found.ranked.items)
    assert len(found.ranked) == 20
    assert planted >= 18


def test_control_never_shows_a_set_twice_nor_what_may_not_be_sold() -> None:
    sellable = ALL.copy()
    sellable[::3] = False

    found = control(TRAINING, sellable, 200, ControlConfig())

    sets = {frozenset(row[row >= 0].tolist()) for row in found.ranked.items}
    assert len(sets) == len(found.ranked) > 0
    assert sellable[found.ranked.skus()].all()


@pytest.mark.parametrize("limits", [{"max_lines": 1}, {"max_cells": 1}])
def test_a_store_too_big_for_mlxtend_gets_the_same_pairs(limits: dict[str, int]) -> None:
    asked = control(TRAINING, ALL, 500, ControlConfig(max_items=2))

    counted = control(TRAINING, ALL, 500, ControlConfig(**limits))

    assert counted.engine == "sparse pairs"
    assert (counted.itemsets, counted.rules) == (asked.itemsets, asked.rules)
    assert np.array_equal(counted.ranked.items, asked.ranked.items)


def test_too_many_pairs_raise_the_least_count_and_say_so() -> None:
    found = control(TRAINING, ALL, 20, ControlConfig(max_pairs=30))

    assert found.min_count > found.asked_count
    assert f"raised from {found.asked_count}" in found.note


def test_too_many_rules_raise_the_least_count() -> None:
    found = control(TRAINING, ALL, 20, ControlConfig(max_rules=40))

    assert found.rules <= 40
    assert found.min_count > found.asked_count


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sets(st.integers(0, 5), min_size=1).map(sorted), max_size=12))
def test_any_store_has_a_control(rows: list[list[int]]) -> None:
    found = control(baskets_of(rows, 6), np.ones(6, dtype=bool), 5, ControlConfig(min_count=2))

    counts = [sum(set(row[row >= 0].tolist()) <= set(basket) for basket in rows) for row in found.ranked.items]
    assert all(count >= 2 for count in counts)
