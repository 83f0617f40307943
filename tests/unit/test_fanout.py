"""Dealing items to chunks. What needs a Ray is in tests/integration/test_fanout_on_ray.py."""

from hypothesis import given
from hypothesis import strategies as st

from cluster.fanout import chunk_count, chunks
from tests.unit.test_plan import plan

ITEMS = st.lists(st.integers(), max_size=60)
COUNTS = st.integers(1, 80)


def test_neighbours_are_dealt_to_different_chunks() -> None:
    dealt = chunks(["FBT 1", "FBT 2", "FIXED 1", "FIXED 2", "BXGY 1"], 2)

    assert dealt == [["FBT 1", "FIXED 1", "BXGY 1"], ["FBT 2", "FIXED 2"]]


@given(ITEMS, COUNTS)
def test_every_item_is_in_one_chunk(items: list[int], count: int) -> None:
    dealt = chunks(items, count)

    assert sorted(item for chunk in dealt for item in chunk) == sorted(items)


@given(ITEMS, COUNTS)
def test_chunks_are_never_empty_and_differ_by_one_at_most(items: list[int], count: int) -> None:
    sizes = [len(chunk) for chunk in chunks(items, count)]

    assert len(sizes) == min(count, len(items))
    assert all(sizes)
    assert max(sizes, default=0) - min(sizes, default=0) <= 1


def test_small_combos_share_a_task_and_large_ones_travel_alone() -> None:
    full = plan()

    counts = [chunk_count(full, cells, "auto") for cells in (0, 25_000, 1_000_000)]

    assert counts == [4, 12, 39]
    assert chunk_count(full, 0, "combo") == 39


def test_what_the_stores_combos_took_lately_goes_before_a_guess_by_size() -> None:
    quick, slow = (plan().model_copy(update={"combo_ms": cost}) for cost in (8.0, 64.0))

    assert chunk_count(quick, 1_000_000, "auto") == 6
    assert chunk_count(slow, 0, "auto") == 39
