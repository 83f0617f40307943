import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.context.association import (
    expected_count,
    lift,
    log_likelihood_ratio,
    shrunk_lift,
    strength,
    surety_of_sets,
    wilson,
)


def test_wilson_agrees_with_the_textbook() -> None:
    low, high = wilson([8, 0, 10, 263], [10, 10, 10, 2000])

    # 8 of 10: centre 0.8 + 1.92073/10, spread 1.95996·sqrt(0.016 + 0.0096036), over 1.3841459
    assert low == pytest.approx([0.490, 0.0, 0.7225, 0.1174], abs=5e-4)
    assert high == pytest.approx([0.943, 0.2775, 1.0, 0.1470], abs=5e-4)


def test_nothing_tried_says_nothing() -> None:
    low, high = wilson(0, 0)

    assert (float(low), float(high)) == (0.0, 1.0)


@given(st.integers(0, 500), st.integers(1, 500))
def test_a_share_lies_within_its_interval(hits: int, misses: int) -> None:
    low, high = wilson(hits, hits + misses)

    share = hits / (hits + misses)
    assert 0 <= low <= share <= high <= 1


@given(st.integers(0, 200), st.integers(1, 200))
def test_the_same_share_of_more_trials_is_surer(hits: int, misses: int) -> None:
    small, large = wilson(hits, hits + misses), wilson(10 * hits, 10 * (hits + misses))

    assert large[1] - large[0] < small[1] - small[0]


def test_lift_of_a_pair_and_of_a_set_of_three() -> None:
    # 100 orders; a in 20, b in 10: chance 2. c in 50: chance of all three 20·10·50/100² = 1
    members = np.array([[20, 10, np.nan], [20, 10, 50]], dtype=np.float64)

    expected = expected_count(members, 100)

    assert expected == pytest.approx([2.0, 1.0])
    assert lift([6, 4], expected) == pytest.approx([3.0, 4.0])
    assert shrunk_lift([6, 4], expected) == pytest.approx([16 / 12, 14 / 11])


def test_lift_of_products_never_bought_is_unknown_and_its_shrunk_lift_is_one() -> None:
    assert np.isnan(lift([0], [0.0])[0])
    assert shrunk_lift([0], [0.0])[0] == 1.0


def test_a_prior_pulls_lift_to_that_of_the_categories() -> None:
    # (2 + 10·3) / (1 + 10)
    assert float(shrunk_lift(2, 1, 3.0)) == pytest.approx(32 / 11)


def test_strength_by_hand() -> None:
    half = np.array([2.0, 0.5]), np.array([0.4, 0.0]), np.array([0.02, 0.0]), np.array([30.0, 0.0])

    found = strength(*half, np.array([0.05, -1.0]))

    # each of lift, EASE, surety and support reaches half of its share; what is below nothing counts as nothing
    assert found == pytest.approx([0.5 * (0.2 + 0.2 + 0.1 + 0.2) + 0.3 * 0.4, 0.0])


measures = st.tuples(st.floats(0, 100), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1e4), st.floats(-1, 1))


@given(measures, st.integers(0, 4), st.floats(0, 50))
def test_strength_rises_with_each_argument_and_stays_in_range(
    values: tuple[float, ...], which: int, more: float
) -> None:
    base = [np.array([value]) for value in values]
    better = list(base)
    better[which] = np.minimum(base[which] + more, 1.0) if which in (1, 2) else base[which] + more

    low, high = strength(*base)[0], strength(*better)[0]

    assert 0 <= low <= high <= 1


@given(st.integers(1, 200), st.integers(0, 200), st.integers(0, 200))
def test_the_likelihood_ratio_is_nothing_up_to_chance_and_symmetric(both: int, one: int, two: int) -> None:
    first, second, orders = both + one, both + two, both + one + two + 50

    found = log_likelihood_ratio(both, first, second, orders)

    assert found == pytest.approx(log_likelihood_ratio(both, second, first, orders))
    assert (found > 0) == (both * orders > first * second) or found == pytest.approx(0, abs=1e-6)


def test_surety_of_rare_pairs_is_nearly_their_likelihood_ratio() -> None:
    pair, table = surety_of_sets(12, 0.4), log_likelihood_ratio(12, 200, 200, 100_000)

    assert pair == pytest.approx(table, rel=0.05)


def test_a_set_no_more_frequent_than_chance_has_no_surety() -> None:
    assert surety_of_sets([0, 3, 4], [1.0, 3.0, 5.0]).tolist() == [0, 0, 0]
