"""What a shard keeps, what makes room, and who waits for whom."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from actors.shelf import Shelf
from actors.weight import bytes_of

WAIT_S = 20.0


def shelf(capacity: int = 100, cap: int = 100) -> Shelf:
    """A shelf of values that are as heavy as the number they are."""
    return Shelf(capacity, cap, weigh=int)


def never() -> int:
    raise AssertionError("it is kept: nobody should work it out again")


def test_a_value_is_worked_out_once_and_kept() -> None:
    kept = shelf()

    assert [kept.get("a", "x", lambda: 7), kept.get("a", "x", never)] == [7, 7]
    assert (kept.figures().hits, kept.figures().misses, kept.figures().hit_rate) == (1, 1, 0.5)


def test_equal_keys_of_two_stores_are_two_values() -> None:
    kept = shelf()

    assert [kept.get("a", "x", lambda: 1), kept.get("b", "x", lambda: 2)] == [1, 2]


def test_the_least_recently_used_makes_room() -> None:
    kept = shelf()
    for store in "abc":
        kept.get(store, "x", lambda: 33)
    kept.get("a", "x", never)

    kept.get("d", "x", lambda: 33)

    assert kept.stores() == ["a", "c", "d"]
    assert kept.figures().evictions == 1


def test_a_large_store_drives_out_its_own_values_and_not_the_others() -> None:
    kept = shelf(capacity=100, cap=60)
    kept.get("small", "x", lambda: 10)

    for key in range(5):
        kept.get("large", key, lambda: 50)

    assert kept.get("small", "x", never) == 10
    assert kept.get("large", 4, never) == 50
    assert (kept.figures().bytes, kept.figures().evictions) == (60, 4)


def test_what_is_above_the_cap_is_served_and_not_kept() -> None:
    kept = shelf(capacity=100, cap=60)
    kept.get("small", "x", lambda: 10)

    assert [kept.get("huge", "x", lambda: 61) for _ in range(2)] == [61, 61]
    assert kept.stores() == ["small"]
    assert (kept.figures().unkept, kept.figures().misses, kept.figures().evictions) == (2, 3, 0)


asks = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 4), st.integers(0, 70)), max_size=60)


@given(asks)
def test_a_shelf_never_holds_more_than_it_may(found: list[tuple[str, int, int]]) -> None:
    kept = shelf(capacity=100, cap=60)
    for store, key, size in found:
        kept.get(store, key, lambda size=size: size)  # type: ignore[misc]

        figures = kept.figures()
        assert figures.bytes <= 100
        assert figures.stores == len(kept.stores()) <= figures.values
    assert kept.figures().hits + kept.figures().misses == len(found)


class Slow:
    """Works a value out when it is told to, and counts how often it was asked."""

    def __init__(self, answer: Callable[[], int]) -> None:
        self.began, self.go, self.calls, self._answer = Event(), Event(), 0, answer

    def __call__(self) -> int:
        self.calls += 1
        self.began.set()
        assert self.go.wait(WAIT_S)
        return self._answer()


def test_whoever_asks_while_a_value_is_worked_out_waits_for_it() -> None:
    kept, slow = shelf(), Slow(lambda: 5)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(kept.get, "a", "x", slow) for _ in range(8)]
        assert slow.began.wait(WAIT_S)
        slow.go.set()

        assert [one.result(WAIT_S) for one in asked] == [5] * 8
    assert slow.calls == 1
    assert (kept.figures().misses, kept.figures().hits) == (1, 7)


def test_a_store_does_not_wait_for_another() -> None:
    kept, slow = shelf(), Slow(lambda: 5)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(kept.get, "slow", "x", slow)
        assert slow.began.wait(WAIT_S)

        assert kept.get("quick", "x", lambda: 3) == 3
        slow.go.set()
        assert asked.result(WAIT_S) == 5


def test_all_who_wait_hear_of_a_failure_and_the_next_ask_tries_again() -> None:
    def fail() -> int:
        raise ValueError("no such store")

    kept, slow = shelf(), Slow(fail)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(kept.get, "a", "x", slow) for _ in range(4)]
        assert slow.began.wait(WAIT_S)
        slow.go.set()
        for one in asked:
            with pytest.raises(ValueError, match="no such store"):
                one.result(WAIT_S)

    assert kept.get("a", "x", lambda: 9) == 9


def test_a_value_may_be_made_of_another_of_the_shelf() -> None:
    kept = shelf()

    assert kept.get("a", "sum", lambda: kept.get("a", "part", lambda: 4) + 1) == 5
    assert kept.figures().values == 2


@dataclass(frozen=True, slots=True)
class Slotted:
    table: NDArray[np.float64]
    parts: dict[int, Any]


def test_bytes_are_those_of_arrays_wherever_they_are_and_each_counts_once() -> None:
    array = np.zeros(1000)
    words = pa.array(["mug", "cup"])

    assert bytes_of([array, array, {1: array[10:20]}]) == 8000
    assert bytes_of((words, np.zeros(3, dtype=np.int32))) == words.nbytes + 12
    assert bytes_of(3) == 0


def test_our_own_classes_are_looked_into_with_slots_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slotted, "__module__", "pipeline.made_up")
    counted = Slotted(np.zeros(10), {1: np.zeros(5)})

    assert bytes_of(counted) == 120
