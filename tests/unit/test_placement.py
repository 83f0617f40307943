"""Where stores are placed, and what moves when shards are added or taken out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.placement import ShardList, weight

names = st.text(min_size=1, max_size=40)
counts = st.integers(1, 24)


@given(counts, names)
def test_a_store_is_on_one_of_the_shards_and_on_the_same_one_in_every_process(count: int, store: str) -> None:
    found = ShardList.of(count).shard_of(store)

    assert found in ShardList.of(count).shards
    assert found == ShardList.of(count).shard_of(store)


@given(counts, counts, names)
def test_a_store_stays_or_goes_to_a_new_shard_when_shards_are_added(before: int, added: int, store: str) -> None:
    small = ShardList.of(before)
    grown = small.resized(before + added)

    moved_to = grown.shard_of(store)

    assert moved_to == small.shard_of(store) or moved_to not in small.shards


@given(counts, counts, names)
def test_a_store_leaves_only_a_shard_that_is_taken_out(left: int, removed: int, store: str) -> None:
    large = ShardList.of(left + removed)
    shrunk = large.resized(left)

    assert large.shard_of(store) not in shrunk.shards or shrunk.shard_of(store) == large.shard_of(store)


def test_growing_from_two_to_four_moves_about_half_of_the_stores() -> None:
    stores = [f"store-{number}" for number in range(4000)]
    two = ShardList.of(2)
    four = two.resized(4)

    moved = sum(two.shard_of(store) != four.shard_of(store) for store in stores)

    assert moved / len(stores) == pytest.approx(0.5, abs=0.03)


def test_stores_are_spread_evenly() -> None:
    found = [ShardList.of(8).shard_of(f"store-{number}") for number in range(8000)]

    assert all(found.count(shard) == pytest.approx(1000, rel=0.15) for shard in ShardList.of(8).shards)


def test_the_version_grows_with_every_change() -> None:
    assert [shards.version for shards in (ShardList.of(2), ShardList.of(2).resized(4).resized(3))] == [1, 3]


def test_the_place_of_a_store_never_changes_from_release_to_release() -> None:
    assert [ShardList.of(4).shard_of(store) for store in ("demo", "france", "große-küche")] == ["02", "01", "02"]
    assert weight("00", "demo").hex()[:12] == "32c14fdfc7d2"


@pytest.mark.parametrize("shards", [(), ("00", "00")])
def test_a_list_without_shards_or_with_one_twice_is_refused(shards: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="expected at least one, each once"):
        ShardList(shards)
