import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.offers.endings import NONE, round_to_ending
from tests.support.stores import habits_of

NINES = habits_of([95, 99], [5, 9])


def rounded(price: int, floor: int, ceiling: int, currency: str = "EUR") -> int:
    """One price, rounded to the endings 95 and 99, or 5 and 9 below two."""
    found = round_to_ending(np.array([price]), np.array([floor]), np.array([ceiling]), NINES, currency)
    return int(found[0])


def test_a_price_is_rounded_down_to_the_nearest_ending() -> None:
    assert rounded(1240, 0, 1300) == 1199
    assert rounded(1198, 0, 1300) == 1195
    assert rounded(1199, 0, 1300) == 1199


def test_a_floor_sends_it_up_to_the_next_ending() -> None:
    assert rounded(1240, 1200, 1300) == 1295
    assert rounded(1240, 1296, 1300) == 1299


def test_without_an_ending_between_floor_and_list_there_is_no_price() -> None:
    assert rounded(1240, 1200, 1295) == NONE
    assert rounded(1240, 1400, 1300) == NONE


def test_below_two_the_last_digit_counts() -> None:
    assert rounded(147, 0, 160) == 145
    assert rounded(201, 0, 250) == 199
    assert rounded(4, 0, 5) == NONE


def test_yen_of_three_digits_have_two_digit_endings() -> None:
    assert rounded(1240, 0, 1300, "JPY") == 1199


@given(
    st.sets(st.integers(0, 99), min_size=1, max_size=4), st.sets(st.integers(0, 9), min_size=1, max_size=3),
    st.integers(0, 700), st.integers(0, 700), st.integers(1, 200),
)  # fmt: skip
def test_rounding_is_what_a_search_over_all_prices_finds(
    endings: set[int], small: set[int], price: int, floor: int, below: int
) -> None:
    ceiling = price + below

    found = round_to_ending(
        np.array([price]), np.array([floor]), np.array([ceiling]), habits_of(sorted(endings), sorted(small)), "EUR"
    )

    fits = [p for p in range(max(floor, 1), ceiling) if (p % 100 in endings if p >= 200 else p % 10 in small)]
    down = [p for p in fits if p <= price]
    assert found[0] == (down[-1] if down else fits[0] if fits else NONE)
