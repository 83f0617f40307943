from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.context import pairs
from pipeline.context.config import MiningConfig
from pipeline.context.itemsets_mlxtend import fpgrowth_pairs
from pipeline.context.mining import ItemSets, Mined, mine
from pipeline.context.pairs import Pairs, basket_weights, count_pairs
from tests.support.stores import BASKETS, history_of_store, numbered, store_of

Rows = list[list[int]]
COLUMNS = ("a", "b", "count", "weight")


def mined(rows: Rows, products: int = 7, **config: object) -> Mined:
    """What is mined from rows of numbered products."""
    return mine(history_of_store(numbered(rows, products)), MiningConfig(**config))  # type: ignore[arg-type]


def as_dict(pairs: Pairs) -> dict[tuple[int, int], int]:
    """Counts by pair."""
    return {(int(a), int(b)): int(count) for a, b, count in zip(pairs.a, pairs.b, pairs.count, strict=True)}


def brute_force(rows: Rows, size: int) -> Counter[tuple[int, ...]]:
    """Every set of `size`, counted basket by basket."""
    return Counter(found for row in rows for found in combinations(sorted(row), size))


@given(BASKETS)
def test_pair_counts_are_those_of_counting_one_by_one(rows: Rows) -> None:
    assert as_dict(mined(rows).pairs) == brute_force(rows, 2)


@settings(max_examples=50)
@given(BASKETS, st.integers(1, 30))
def test_blocks_change_nothing(rows: Rows, cells: int) -> None:
    whole = mined(rows, mega_basket=3).pairs

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "BLOCK_CELLS", cells)
        parts = mined(rows, mega_basket=3).pairs

    for column in COLUMNS:
        assert getattr(parts, column).tolist() == getattr(whole, column).tolist()


@given(BASKETS)
def test_mega_baskets_weigh_less_and_count_the_same(rows: Rows) -> None:
    fair, wary = mined(rows), mined(rows, mega_basket=3)

    assert as_dict(wary.pairs) == as_dict(fair.pairs)
    assert wary.item_orders.tolist() == fair.item_orders.tolist()
    weight = Counter[tuple[int, int]]()
    for row in rows:
        for a, b in combinations(row, 2):
            weight[a, b] += min(1.0, 3 / len(row))  # type: ignore[assignment]
    assert wary.pairs.weight == pytest.approx([weight[pair] for pair in as_dict(wary.pairs)], rel=1e-3)
    assert wary.total_weight == pytest.approx(sum(min(1.0, 3 / len(row)) for row in rows), rel=1e-3)


def test_a_basket_twice_the_size_weighs_half() -> None:
    assert basket_weights(np.array([1, 100, 200]), 100).tolist() == [1.0, 1.0, 0.5]


@settings(max_examples=50, deadline=None)
@given(BASKETS, st.integers(1, 20))
def test_both_engines_give_equal_pairs(rows: Rows, most: int) -> None:
    matrix = numbered(rows)
    history = history_of_store(matrix)
    weights = basket_weights(history.sizes, 3)

    ours, theirs = count_pairs(history.matrix(), weights, most), fpgrowth_pairs(history.matrix(), weights, most)

    for column in COLUMNS:
        assert getattr(theirs, column).tolist() == pytest.approx(getattr(ours, column).tolist())
    assert theirs.min_count == ours.min_count


def test_the_engine_is_a_setting_that_changes_no_result() -> None:
    rows = [[0, 1, 2]] * 4 + [[0, 3], [1, 2], [4]]

    ours, theirs = mined(rows), mined(rows, engine="mlxtend")

    assert as_dict(theirs.pairs) == as_dict(ours.pairs)
    assert theirs.sets.items.tolist() == ours.sets.items.tolist()


def test_the_least_count_rises_until_the_pairs_fit() -> None:
    rows = [[0, 1]] * 3 + [[2, 3]] * 2 + [[4, 5]]

    pairs = mined(rows, max_pairs=1).pairs

    assert as_dict(pairs) == {(0, 1): 3}
    assert pairs.min_count == 3


@given(BASKETS)
def test_larger_sets_have_exact_counts_and_none_is_lost_that_a_top_pair_grows_to(rows: Rows) -> None:
    sets = mined(rows, min_set_count=2).sets

    found = {tuple(row[row >= 0].tolist()): int(count) for row, count in zip(sets.items, sets.count, strict=True)}
    expected = brute_force(rows, 3) + brute_force(rows, 4)
    assert found == {members: count for members, count in expected.items() if count >= 2}
    assert (np.diff(sets.count) <= 0).all()


@given(BASKETS, st.integers(1, 5))
def test_only_the_sets_of_the_most_orders_are_kept(rows: Rows, most: int) -> None:
    few, all_sets = mined(rows, min_set_count=2, max_sets=most).sets, mined(rows, min_set_count=2).sets

    def threes(sets: ItemSets) -> list[list[int]]:
        return [row for row in sets.items.tolist() if row[3] < 0]

    assert threes(few) == threes(all_sets)[:most]


@given(BASKETS, st.integers(0, 6), st.integers(0, 6))
def test_a_pair_is_found_in_either_order(rows: Rows, a: int, b: int) -> None:
    pairs = mined(rows).pairs

    there, back = pairs.find(np.array([a]), np.array([b])), pairs.find(np.array([b]), np.array([a]))

    assert there.tolist() == back.tolist()
    counted = as_dict(pairs).get((min(a, b), max(a, b)))
    assert (int(pairs.count[there[0]]) if there[0] >= 0 else None) == counted


def test_a_store_without_orders_has_nothing_to_mine() -> None:
    nothing = mined([], products=3)

    assert (len(nothing.pairs), len(nothing.sets), nothing.total_weight) == (0, 0, 0.0)


def test_a_store_without_products_has_nothing_to_mine() -> None:
    nothing = mine(history_of_store(store_of([])), MiningConfig())

    assert (len(nothing.pairs), len(nothing.item_orders)) == (0, 0)
