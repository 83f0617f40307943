import doctest
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from pipeline.evaluation import intervals, metrics, pool, ranked, table
from pipeline.evaluation.metrics import bought_again, diversity, expected_again, held_out_lift, hits, ndcg
from pipeline.evaluation.ranked import Ranked, holds, pairs_of

counts = st.lists(st.integers(0, 50), min_size=1, max_size=12).map(np.array)
bundles = st.lists(st.sets(st.integers(0, 8), min_size=1, max_size=4).map(sorted), min_size=1, max_size=10)


@pytest.mark.parametrize("module", [metrics, ranked, intervals, pool, table])
def test_the_worked_examples_hold(module: ModuleType) -> None:
    failed, tried = doctest.testmod(module)

    assert tried > 0
    assert failed == 0


@given(bundles, bundles)
def test_a_basket_holds_a_set_when_it_has_every_member(rows: list[list[int]], sets: list[list[int]]) -> None:
    dense = np.zeros((len(rows), 9), dtype=np.int32)
    for basket, row in enumerate(rows):
        dense[basket, row] = 1

    held = holds(csr_array(dense), Ranked.of(sets).items).toarray()

    expected = [[set(members) <= set(row) for members in sets] for row in rows]
    assert np.array_equal(held, np.array(expected).astype(int))


def test_only_whole_sets_of_two_or_more_are_judged_by_baskets() -> None:
    listed = Ranked.of([[1, 2, 3, 4], [5, 6], [7], [2, 8]], [False, True, True, True])

    assert listed.sets(10)[:, :2].tolist() == [[5, 6], [2, 8]]
    assert listed.sets(1)[:, :2].tolist() == [[5, 6]]


@given(bundles)
def test_pairs_are_those_inside_the_sets(sets: list[list[int]]) -> None:
    found = {tuple(pair) for pair in pairs_of(Ranked.of(sets).items).tolist()}

    assert found == {(a, b) for members in sets for a in members for b in members if a < b}


@given(counts, st.integers(1, 15))
def test_a_list_sorted_by_what_was_bought_has_ndcg_one(joint: np.ndarray, k: int) -> None:
    best = np.sort(joint)[::-1]

    found = float(ndcg(best, k))

    assert found == pytest.approx(1.0 if joint.any() else 0.0)


@given(counts, st.integers(1, 15))
def test_ndcg_stays_between_zero_and_one(joint: np.ndarray, k: int) -> None:
    assert 0.0 <= float(ndcg(joint, k)) <= 1.0 + 1e-12


def test_sets_below_the_cut_count_in_the_ideal() -> None:
    assert float(ndcg(np.array([0, 0, 7]), 2)) == 0.0


@given(bundles, bundles)
def test_a_longer_list_never_hits_less(rows: list[list[int]], sets: list[list[int]]) -> None:
    dense = np.zeros((len(rows), 9), dtype=np.int32)
    for basket, row in enumerate(rows):
        dense[basket, row] = 1
    held = holds(csr_array(dense), Ranked.of(sets).items)

    shares = [float(hits(held, k).mean()) for k in (1, 3, 10)]

    assert shares == sorted(shares)


def test_figures_without_pairs_are_undefined_and_a_hit_is_zero() -> None:
    none = np.zeros(0)

    assert np.isnan(bought_again(none, 1))
    assert np.isnan(held_out_lift(none, none, none, 10))
    assert np.isnan(expected_again(none.astype(int), 10, 10))
    assert np.isnan(diversity(Ranked.of([[1, 2]])))
    assert hits(csr_array(np.zeros((4, 0), dtype=np.int32)), 5).tolist() == [False] * 4


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=9))
def test_rows_of_counts_are_measured_one_by_one(rows: list[tuple[int, int, int]]) -> None:
    joint, first, second = np.array(rows).T
    joints = np.stack([joint, joint + 1])

    lifts = held_out_lift(joints, np.stack([first, first]), np.stack([second, second]), 40)

    assert lifts[0] == pytest.approx(float(held_out_lift(joint, first, second, 40)))
    assert bought_again(joints, 2)[1] == pytest.approx(float(bought_again(joint + 1, 2)))
    assert ndcg(joints, 3)[1] == pytest.approx(float(ndcg(joint + 1, 3)))


def test_independent_purchases_have_lift_one() -> None:
    rng = np.random.default_rng(0)
    bought = rng.random((200_000, 2)) < 0.3

    lift = held_out_lift(bought.all(axis=1).sum()[None], bought[:, 0].sum()[None], bought[:, 1].sum()[None], 200_000)

    assert float(lift) == pytest.approx(1.0, abs=0.02)
