from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.selection.config import DedupConfig
from pipeline.selection.dedup import KEPT, duplicates_of, overlaps
from tests.support.stores import sets_of

SETS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 8), min_size=1, max_size=6, unique=True), st.integers(0, 1), st.integers(0, 5)
    ),
    min_size=1, max_size=20,
)  # fmt: skip
"""Members, type and tenths of a score."""

Row = tuple[list[int], int, int]


def jaccard(one: list[int], two: list[int]) -> float:
    """Shared members over all."""
    return len(set(one) & set(two)) / len(set(one) | set(two))


def owners(rows: list[Row], least: float = 0.8) -> list[int]:
    """Whose duplicate each set is."""
    members, kinds, tenths = zip(*rows, strict=True)
    score = np.array(tenths) / 10
    return duplicates_of(sets_of(*members).items, np.array(kinds), score, 9, DedupConfig(jaccard=least)).tolist()


@given(SETS)
def test_jaccard_is_exact(rows: list[Row]) -> None:
    found = overlaps(sets_of(*(row[0] for row in rows)).items, 9)

    seen = {(int(a), int(b)): float(value) for a, b, value in zip(*found, strict=True)}
    pairs = combinations(range(len(rows)), 2)
    expected = {(a, b): jaccard(rows[a][0], rows[b][0]) for a, b in pairs}
    assert seen == pytest.approx({pair: value for pair, value in expected.items() if value > 0})


@given(SETS, st.sampled_from([0.5, 0.8, 1.0]))
def test_no_two_that_stay_are_alike_and_each_that_goes_has_a_better_like_it(rows: list[Row], least: float) -> None:
    owner = owners(rows, least)

    for a, b in combinations([place for place, kept in enumerate(owner) if kept == KEPT], 2):
        assert rows[a][1] != rows[b][1] or jaccard(rows[a][0], rows[b][0]) < least
    for place, kept in enumerate(owner):
        if kept != KEPT:
            assert owner[kept] == KEPT
            assert rows[kept][1] == rows[place][1]
            assert jaccard(rows[kept][0], rows[place][0]) >= least
            assert (-rows[kept][2], kept) < (-rows[place][2], place)


def test_the_best_of_equal_sets_stays_whatever_the_order_of_its_products() -> None:
    assert owners([([0, 1], 0, 3), ([1, 0], 0, 5), ([0, 1], 1, 1)]) == [1, KEPT, KEPT]


def test_equal_scores_keep_the_first() -> None:
    assert owners([([0, 1], 0, 3), ([1, 0], 0, 3)]) == [KEPT, 0]


def test_four_of_five_are_alike_and_three_of_four_are_not() -> None:
    four_of_five = [([0, 1, 2, 3, 4], 0, 5), ([0, 1, 2, 3], 0, 3)]
    three_of_four = [([0, 1, 2, 3], 0, 5), ([0, 1, 2], 0, 3)]

    assert owners(four_of_five) == [KEPT, 0]
    assert owners(three_of_four) == [KEPT, KEPT]


def test_the_duplicate_of_a_duplicate_may_stay() -> None:
    # the second is like both others, which are unlike each other: 4/5 twice, and 3/5
    rows = [([0, 1, 2, 3], 0, 5), ([0, 1, 2, 3, 4], 0, 4), ([1, 2, 3, 4], 0, 3)]

    assert owners(rows) == [KEPT, 0, KEPT]
