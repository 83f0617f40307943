from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from pipeline.context.itemsets_mlxtend import frequent_itemsets, rules

ROWS = [[0, 1, 2], [0, 1], [0, 1, 2], [2, 3], [0, 2, 3]]


def matrix_of(rows: list[list[int]], products: int) -> csr_array:
    """Ones where a basket holds a SKU."""
    dense = np.zeros((len(rows), products), dtype=np.int32)
    for basket, row in enumerate(rows):
        dense[basket, row] = 1
    return csr_array(dense)


def counted(rows: list[list[int]], least: int, longest: int) -> dict[tuple[int, ...], int]:
    """Every set in at least `least` baskets, counted one by one."""
    skus = sorted({sku for row in rows for sku in row})
    sets = (found for size in range(1, longest + 1) for found in combinations(skus, size))
    counts = {found: sum(set(found) <= set(row) for row in rows) for found in sets}
    return {found: count for found, count in counts.items() if count >= least}


def test_sets_come_small_first_with_their_exact_counts() -> None:
    found = frequent_itemsets(matrix_of(ROWS, 4), 2, 3)

    assert found.items.tolist() == [
        [0, -1, -1], [1, -1, -1], [2, -1, -1], [3, -1, -1],
        [0, 1, -1], [0, 2, -1], [1, 2, -1], [2, 3, -1],
        [0, 1, 2],
    ]  # fmt: skip
    assert found.count.tolist() == [4, 3, 4, 2, 3, 3, 2, 2, 2]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sets(st.integers(0, 6)).map(sorted), min_size=1, max_size=15), st.integers(1, 4))
def test_no_set_is_lost_at_any_count(rows: list[list[int]], least: int) -> None:
    found = frequent_itemsets(matrix_of(rows, 7), least, 3)

    sets = {tuple(row[row >= 0].tolist()): int(count) for row, count in zip(found.items, found.count, strict=True)}
    assert sets == counted(rows, least, 3)


@pytest.mark.parametrize("baskets", [147, 49])
def test_a_set_of_exactly_the_least_count_survives_the_rounding(baskets: int) -> None:
    rows = [[0, 1]] * 10 + [[2]] * (baskets - 10)

    found = frequent_itemsets(matrix_of(rows, 3), 10, 2)

    assert [0, 1] in found.items.tolist()


def test_rules_split_a_set_both_ways() -> None:
    found = rules(frequent_itemsets(matrix_of(ROWS, 4), 3, 2), len(ROWS), min_lift=1.0)

    # {0,1}: 3 of 5 baskets, 0 in 4, 1 in 3: lift 3·5/(4·3) = 1.25; {0,2} has lift 3·5/(4·4) < 1
    sides = sorted(zip(found.antecedent[:, 0].tolist(), found.consequent[:, 0].tolist(), strict=True))
    assert sides == [(0, 1), (1, 0)]
    assert found.lift == pytest.approx([1.25, 1.25])
    assert sorted(found.confidence) == pytest.approx([0.75, 1.0])
    assert found.count.tolist() == [3, 3]


def test_baskets_without_pairs_have_no_rules() -> None:
    found = rules(frequent_itemsets(matrix_of([[0], [1]], 2), 1, 3), 2)

    assert len(found) == 0
    assert found.antecedent.shape == (0, 3)
