import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.context.alive import probability_alive
from pipeline.context.config import MiningConfig
from tests.support.stores import DAY, Ware, bought, history_of_store, store_of

CONFIG = MiningConfig(stay_days=182)
DAYS = st.sets(st.integers(0, 200), min_size=1)


def alive(days: dict[str, set[int]], *, resting: str = "") -> dict[str, float]:
    """By product, how likely it is still bought on the day after the last order; days count from the first."""
    orders = [bought(sku, day=DAY + day) for sku, days_of in days.items() for day in days_of]
    history = history_of_store(store_of([Ware(sku) for sku in days], orders))
    found = probability_alive(history, np.array([sku in resting for sku in sorted(days)]), CONFIG)
    return dict(zip(sorted(days), found.tolist(), strict=True))


def test_a_silence_by_hand() -> None:
    found = alive({"A": set(range(0, 100, 10)), "B": {130}})

    # A: ten orders in the 131 days since its first, the last of them 40 days ago
    odds = 13.1 / 182 * ((131 + 14) / (131 - 40 + 14)) ** 10 - 13.1 / 182
    assert found["A"] == pytest.approx(1 / (1 + odds), abs=1e-6)
    assert 0.3 < found["A"] < 0.4


@given(DAYS, DAYS)
def test_what_is_bought_today_is_alive_and_nothing_is_more(one: set[int], other: set[int]) -> None:
    found = alive({"A": one, "B": other})

    assert all(0 <= chance <= 1 for chance in found.values())
    assert found["A" if max(one) >= max(other) else "B"] == 1


@given(DAYS, st.integers(1, 80), st.integers(1, 80))
def test_a_longer_silence_never_makes_it_likelier(days: set[int], silence: int, more: int) -> None:
    short, long = (alive({"A": days, "B": {max(days) + gap}})["A"] for gap in (silence, silence + more))

    assert long <= short


def test_what_rests_between_seasons_or_was_never_bought_has_not_left() -> None:
    found = alive({"A": set(range(50)), "B": {200}, "C": set()}, resting="A")

    assert found == {"A": 1, "B": 1, "C": 1}
    assert alive({"A": set(range(50)), "B": {200}})["A"] < 0.01
