import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.candidates.frame import incidence
from pipeline.selection.config import DiversityConfig, PortfolioConfig
from pipeline.selection.decoder import ADDITIVE, Aim
from pipeline.selection.diversity import likeness_of
from pipeline.selection.portfolio import Shortlist, choose_greedily, generations_for, prepare_choice
from tests.support.stores import sets_of

PRODUCTS = 8
ROW = st.tuples(
    st.lists(st.integers(0, PRODUCTS - 1), min_size=1, max_size=4, unique=True), st.integers(0, 3),
    st.integers(0, 10), st.integers(0, 6),
)  # fmt: skip
"""Members, objective, tenths of a score, expected units of each member."""
ROWS = st.lists(ROW, min_size=1, max_size=25)
DISTINCT = st.lists(ROW, min_size=1, max_size=25, unique_by=lambda row: frozenset(row[0]))
"""Rows no two of which hold the same products."""

Row = tuple[list[int], int, int, int]


def shortlist(rows: list[Row], stock: float = math.inf) -> Shortlist:
    """Candidates of one type, all of which reach nobody."""
    items = sets_of(*(row[0] for row in rows)).items
    return Shortlist(
        score=np.array([row[2] / 10 for row in rows]),
        values=np.zeros((len(rows), ADDITIVE)),
        items=items,
        units=np.where(items >= 0, np.array([row[3] for row in rows], dtype=np.float64)[:, None], 0.0),
        objective=np.array([row[1] for row in rows]),
        kind=np.zeros(len(rows), dtype=np.int8),
        stock=np.full(PRODUCTS, stock),
        likeness=likeness_of(items, np.zeros((PRODUCTS, 0), dtype=np.float32), incidence(items, PRODUCTS)),
    )


def choose(rows: list[Row], limit: int, stock: float = math.inf, relevance: float = 0.7) -> list[int]:
    """What is taken, all four objectives being admitted."""
    config = PortfolioConfig(limit=limit)
    return choose_greedily(shortlist(rows, stock), np.arange(4), config, DiversityConfig(relevance=relevance)).tolist()


def fits(rows: list[Row], taken: list[int], place: int, limit: int, stock: float) -> bool:
    """Whether a candidate could stand beside those that were taken."""
    per_sku, per_objective = max(2, math.ceil(limit / 5)), math.ceil(3 * limit / 10)
    if sum(rows[other][1] == rows[place][1] for other in taken) >= per_objective:
        return False
    used = [item for other in taken for item in rows[other][0]]
    sold = [sum(rows[other][3] for other in taken if item in rows[other][0]) for item in range(PRODUCTS)]
    return all(used.count(item) < per_sku and sold[item] + rows[place][3] <= stock for item in rows[place][0])


@pytest.mark.parametrize(("limit", "most"), [(1, 2), (10, 2), (11, 3), (15, 3), (20, 4), (100, 20)])
def test_a_product_is_in_at_most_a_fifth_of_the_bundles_and_in_two_at_least(limit: int, most: int) -> None:
    assert PortfolioConfig(limit=limit).per_sku == most


@given(ROWS, st.integers(1, 12), st.sampled_from([5.0, 12.0, math.inf]))
def test_the_constraints_hold(rows: list[Row], limit: int, stock: float) -> None:
    taken = choose(rows, limit, stock)

    members = [item for place in taken for item in rows[place][0]]
    objectives = [rows[place][1] for place in taken]
    assert len(taken) == len(set(taken)) <= limit
    assert max((members.count(item) for item in range(PRODUCTS)), default=0) <= max(2, math.ceil(limit / 5))
    assert max((objectives.count(code) for code in range(4)), default=0) <= math.ceil(3 * limit / 10)
    for item in range(PRODUCTS):
        assert sum(rows[place][3] for place in taken if item in rows[place][0]) <= stock


@given(ROWS, st.integers(4, 12), st.sampled_from([5.0, 12.0, math.inf]))
def test_an_objective_is_missing_only_where_none_of_its_candidates_fits(
    rows: list[Row], limit: int, stock: float
) -> None:
    taken = choose(rows, limit, stock)

    reached = {rows[place][1] for place in taken}
    for place, row in enumerate(rows):
        if row[1] not in reached:
            assert not fits(rows, taken, place, limit, stock)


@given(ROWS, st.integers(1, 12), st.sampled_from([5.0, math.inf]))
def test_a_list_that_is_not_full_has_no_room_for_anything_left(rows: list[Row], limit: int, stock: float) -> None:
    taken = choose(rows, limit, stock)

    if len(taken) < limit:
        left = [place for place in range(len(rows)) if place not in taken]
        assert not any(fits(rows, taken, place, limit, stock) for place in left)


def test_objectives_come_first_in_the_order_of_the_plan() -> None:
    rows: list[Row] = [([0, 1], 0, 9, 0), ([2, 3], 0, 8, 0), ([4, 5], 1, 1, 0)]

    assert choose(rows, 2) == [0, 2]
    found = choose_greedily(shortlist(rows), np.array([1]), PortfolioConfig(limit=2), DiversityConfig())

    assert found.tolist() == [2, 0]


def test_a_bundle_that_reaches_more_orders_is_worth_more() -> None:
    rows: list[Row] = [([0, 1], 0, 5, 0), ([2, 3], 0, 5, 0)]
    found = shortlist(rows)
    found.values[1, Aim.CROSS_SELL] = 0.5

    assert choose_greedily(found, np.array([0]), PortfolioConfig(limit=1), DiversityConfig()).tolist() == [1]


@settings(max_examples=40)
@given(DISTINCT)
def test_by_score_alone_the_best_of_all_is_taken_once_objectives_are_served(rows: list[Row]) -> None:
    config = PortfolioConfig(limit=12, demand=0.0, objective_share=1.0)

    taken = choose_greedily(shortlist(rows), np.zeros(0, dtype=np.int64), config, DiversityConfig(relevance=1)).tolist()

    scores = [rows[place][2] for place in taken]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("lines", "settings", "generations"),
    [
        (500, {}, 20), (20, {}, 20), (19, {}, 0), (500, {"method": "greedy"}, 0),
        (500, {"reduced_iterations": False}, 50),
        (500, {"pool_size": 1, "limit": 1}, 10), (500, {"pool_size": 250}, 15),
    ],
)  # fmt: skip
def test_generations_grow_with_the_pool_from_10_to_20(lines: int, settings: dict[str, Any], generations: int) -> None:
    assert generations_for(lines, PortfolioConfig(**settings)) == generations


def test_a_large_shortlist_is_narrowed_to_what_may_win() -> None:
    rng = np.random.default_rng(0)
    rows: list[Row] = [([at % PRODUCTS], int(rng.integers(4)), int(rng.integers(11)), 0) for at in range(3_000)]
    found = shortlist(rows)
    found.values[:] = rng.random(found.values.shape)

    choice = prepare_choice(found, np.arange(4), PortfolioConfig(limit=5, pool_size=100), DiversityConfig())

    worth = 0.2 * found.score + 0.8 * found.values[:, Aim.CROSS_SELL]
    assert 50 <= len(choice.rows) <= 200
    assert set(np.argsort(-worth)[:50].tolist()) <= set(choice.rows.tolist())
    for aim in range(ADDITIVE):
        assert np.argmax(found.values[:, aim]) in choice.rows
    for code in range(4):
        assert np.argmax(np.where(found.objective == code, worth, -1)) in choice.rows
    assert choice.pool.values.tolist() == found.values[choice.rows].tolist()


def test_nothing_to_choose_from_is_an_empty_list() -> None:
    rows: list[Row] = [([0, 1], 0, 5, 9)]

    assert choose(rows, 5, stock=3) == []
