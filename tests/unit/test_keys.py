import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.keys import distinct, packed

LARGE = st.integers(0, 2**40)
ROWS = st.lists(st.tuples(LARGE | st.integers(0, 3), LARGE | st.integers(0, 3), st.integers(0, 3)), min_size=1)


@given(ROWS)
def test_keys_sort_as_their_rows_do_however_large_these_are(rows: list[tuple[int, int, int]]) -> None:
    columns = np.array(rows, dtype=np.int64).T

    keys = packed(*columns).tolist()

    for one, key in zip(rows, keys, strict=True):
        for two, other in zip(rows, keys, strict=True):
            assert (one < two) == (key < other)


@given(st.lists(st.integers(-5, 5)))
def test_distinct_values_are_there_once_and_ascend(values: list[int]) -> None:
    assert distinct(np.array(values, dtype=np.int64)).tolist() == sorted(set(values))
