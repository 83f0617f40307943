import math

import numpy as np
import pytest

from benchmarks.control import ControlRun, find_similar, load, mine, remove_copies, run_control
from benchmarks.synthetic import synthetic_store
from pipeline.context.itemsets_mlxtend import frequent_itemsets, rules
from pipeline.evaluation.holdout import Baskets

STORE = synthetic_store(orders=300, products=60, seed=5)


def vectors_of(products: int) -> np.ndarray:
    """Unit vectors that lean towards their category."""
    drawn = np.random.default_rng(0).normal(size=(products, 16)) + 4 * np.eye(16)[STORE.catalog.category]
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


VECTORS = vectors_of(60)


@pytest.fixture(scope="module")
def run() -> ControlRun:
    """One run of few generations."""
    return run_control(STORE, VECTORS, generations=2)


def test_the_control_makes_distinct_bundles_of_what_may_be_sold(run: ControlRun) -> None:
    assert len(run.bundles) == 20
    assert len({(bundle["type"], bundle["key"]) for bundle in run.bundles}) == 20
    assert all(STORE.catalog.is_sellable[bundle["rows"]].all() for bundle in run.bundles)
    assert all(bundle["price"] > 0 and bundle["margin"] >= 0.15 for bundle in run.bundles)


def test_its_phases_add_up(run: ControlRun) -> None:
    phases = {name: seconds for name, seconds in run.seconds.items() if name != "total"}

    assert set(phases) == {"load", "mining", "similarity", "candidates", "optimisation", "diversity"}
    assert run.seconds["total"] == pytest.approx(sum(phases.values()))


def test_the_same_seed_gives_the_same_bundles(run: ControlRun) -> None:
    again = run_control(STORE, VECTORS, generations=2)

    assert again.bundles == run.bundles


def test_optimising_once_still_fills_the_list() -> None:
    once = run_control(STORE, VECTORS, nsga_once=True, generations=2)

    assert len(once.bundles) == 20


def test_it_mines_the_rules_that_our_counter_finds() -> None:
    products, orders = load(STORE)
    least = max(3, math.ceil(0.01 * len(orders)))
    indptr = np.cumsum([0, *map(len, orders)]).astype(np.int64)
    matrix = Baskets(indptr, np.array([row for order in orders for row in order], dtype=np.int32), len(products))

    found = mine(orders)

    ours = rules(frequent_itemsets(matrix.matrix(), least, 3), len(orders))
    assert len(found) == len(ours) > 0
    assert sorted(rule["lift"] for rule in found) == pytest.approx(sorted(ours.lift.tolist()))


def test_similar_products_are_the_nearest_others() -> None:
    products, _ = load(STORE)

    near = find_similar(products, VECTORS)[7]

    cosine = VECTORS @ VECTORS[7]
    cosine[7] = -1
    assert [row for row, _ in near][:3] == np.argsort(-cosine)[:3].tolist()
    assert all(score >= 0.4 for _, score in near)


def test_near_copies_within_a_type_go_and_the_best_stays() -> None:
    worse = {"key": frozenset({1, 2, 3, 4}), "type": "FBT", "score": 0.1, "skus": ["a"]}
    better = {"key": frozenset({1, 2, 3, 4, 5}), "type": "FBT", "score": 0.9, "skus": ["b"]}
    other = {"key": frozenset({1, 2, 3, 4}), "type": "FIXED", "score": 0.1, "skus": ["c"]}

    assert remove_copies([worse, better, other]) == [better, other]
