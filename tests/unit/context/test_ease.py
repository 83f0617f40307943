import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from pipeline.context.config import EaseConfig
from pipeline.context.ease import ease_weights, fit_ease, fitted_items, gram

CONFIG = EaseConfig(min_orders=1, dropout=0)


def baskets(*rows: str, products: int = 6) -> csr_array:
    """Baskets over the products A, B, C, …"""
    dense = np.zeros((len(rows), products), dtype=np.int32)
    for row, letters in enumerate(rows):
        dense[row, [ord(letter) - ord("A") for letter in letters]] = 1
    return csr_array(dense)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 12), st.floats(0.5, 50), st.floats(0, 0.8), st.integers(0, 99))
def test_the_weights_solve_each_products_ridge_regression(items: int, ridge: float, dropout: float, seed: int) -> None:
    matrix = (np.random.default_rng(seed).random((40, items)) < 0.3).astype(np.float64)
    joint = matrix.T @ matrix
    config = EaseConfig(ridge=ridge, dropout=dropout)

    weights = ease_weights(joint, config)

    penalty = ridge + dropout / (1 - dropout) * np.diag(joint)
    for target in range(items):
        others = np.delete(np.arange(items), target)
        normal = joint[np.ix_(others, others)] + np.diag(penalty[others])
        assert weights[others, target] == pytest.approx(np.linalg.solve(normal, joint[others, target]), abs=1e-6)
    assert (np.diag(weights) == 0).all()


def test_a_pair_that_rides_on_a_third_product_weighs_little() -> None:
    # A and C meet only where B is, and there no more often than by chance
    matrix = baskets(*["B"] * 30, *["AB"] * 30, *["BC"] * 30, *["ABC"] * 30, *["D"] * 120)

    weights = fit_ease(matrix, EaseConfig(min_orders=1, ridge=5, dropout=0))

    a_to_b, a_to_c = weights.of_pairs(np.array([0, 0]), np.array([1, 2]))
    assert a_to_b > 5 * abs(a_to_c)


def test_products_of_few_orders_are_left_out_and_the_most_bought_are_kept() -> None:
    orders = np.array([9, 2, 30, 9, 10])

    assert fitted_items(orders, EaseConfig(min_orders=9)).tolist() == [0, 2, 3, 4]
    assert fitted_items(orders, EaseConfig(min_orders=1, max_items=3)).tolist() == [0, 2, 4]
    assert fitted_items(orders, EaseConfig(enabled=False)).tolist() == []


def test_a_full_basket_weighs_less() -> None:
    found = gram(baskets("AB", "ABCD"), np.array([0, 1], dtype=np.int32), full_basket=2)

    assert found == pytest.approx(np.full((2, 2), 1.5))


def test_rows_and_pairs_agree_and_strangers_have_none() -> None:
    weights = fit_ease(baskets(*["AB"] * 5, *["ACD"] * 5, "E"), EaseConfig(min_orders=2))

    rows = weights.rows(np.array([0, 4]))

    assert weights.items.tolist() == [0, 1, 2, 3]
    assert rows[0].tolist() == weights.of_pairs(np.zeros(6, dtype=int), np.arange(6)).tolist()
    assert rows[1].tolist() == [0.0] * 6


def test_a_store_without_orders_has_no_weights() -> None:
    weights = fit_ease(csr_array(np.zeros((0, 4), dtype=np.int32)), CONFIG)

    assert len(weights.items) == 0
    assert weights.of_pairs(np.array([0]), np.array([1])).tolist() == [0.0]
