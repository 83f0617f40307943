import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.candidates.frame import SOURCES, WIDTH, bit, names, nothing, set_keys
from pipeline.columns import Columns
from pipeline.terms import Tier
from tests.support.stores import sets_of

SETS = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=WIDTH, unique=True), min_size=1, max_size=10)


@given(SETS)
def test_keys_are_equal_for_equal_sets_whatever_their_order(rows: list[list[int]]) -> None:
    keys = set_keys(sets_of(*rows).items)

    for one, first in zip(keys, rows, strict=True):
        for two, second in zip(keys, rows, strict=True):
            assert (one == two) == (set(first) == set(second))


@given(st.sets(st.sampled_from(SOURCES)))
def test_bits_name_their_sources(sources: set[str]) -> None:
    assert set(names(sum(bit(source) for source in sources))) == sources


def test_candidates_have_one_unit_each_and_a_size() -> None:
    found = sets_of([3, 1], [5, 2, 7])

    assert found.size.tolist() == [2, 3]
    assert found.quantity.sum(axis=1).tolist() == [2, 3]
    assert (found.items[0, 2:] == -1).all()


def test_columns_are_taken_and_joined_row_by_row() -> None:
    first, second = sets_of([0, 1], [2, 3]), sets_of([4, 5], tier=Tier.SIMILARITY)

    joined = type(first).concat([first, nothing(), second])

    assert isinstance(joined, Columns)
    assert joined.items[:, 0].tolist() == [0, 2, 4]
    assert joined.take(np.array([2, 0])).tier.tolist() == [Tier.SIMILARITY, Tier.RULES]
    assert joined.take(np.array([False, True, False])).items[:, 0].tolist() == [2]
