import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.selection.decoder import ADDITIVE, EMPTY, TWIN_LOSS, Aim, Bounds, Decoder, Pool
from pipeline.selection.portfolio import DEFAULT_WEIGHTS
from tests.support.pools import pool_of, weights_of

SEEDS = st.integers(0, 2**32 - 1)
QUALITY, RELEVANCE = 0.2, 0.7


def follow(pool: Pool, bounds: Bounds, weights: NDArray[np.float64], row: list[int]) -> None:
    """Decode one list candidate by candidate from what the decoder promises, and hold `row` to each step."""
    share = weights[Aim.CANNIBALISATION] + weights[Aim.COVERAGE]
    variety = min((1 - RELEVANCE) * 3 * share, 0.9)
    part = weights[Aim.COVERAGE] / share if share > 0 else 0.0
    additive = weights[:ADDITIVE] / max(weights[:ADDITIVE].sum(), 1e-12)
    worth = QUALITY * pool.score + (1 - QUALITY) * pool.values @ additive
    members = [[int(item) for item in row if item >= 0] for row in pool.items]
    taken: list[int] = []

    def fits(place: int) -> bool:
        used = [item for other in taken for item in members[other]]
        sold = {item: sum(_units(pool, other, item) for other in [*taken, place]) for item in members[place]}
        return (
            place not in taken
            and len(taken) < bounds.limit
            and sum(pool.objective[other] == pool.objective[place] for other in taken) < bounds.per_objective
            and all(used.count(item) < bounds.per_sku for item in members[place])
            and all(units <= pool.stock[item] for item, units in sold.items())
        )

    def gain(place: int) -> float:
        held = {item for other in taken for item in members[other]}
        closest = max((pool.likeness[other, place] for other in taken), default=0.0)
        stale = sum(item in held for item in members[place]) / len(members[place])
        twins = sum(set(members[other]) == set(members[place]) for other in taken)
        worth_beside = (1 - variety) * worth[place] - variety * ((1 - part) * closest + part * stale)
        return float(worth_beside - TWIN_LOSS * twins)

    def take(among: list[int]) -> bool:
        allowed = {place: gain(place) for place in among if fits(place)}
        if allowed:
            chosen = row[len(taken)]
            assert allowed[chosen] >= max(allowed.values()) - 1e-4
            taken.append(chosen)
        return bool(allowed)

    every = list(range(len(pool)))
    for code in bounds.objectives:
        take([place for place in every if pool.objective[place] == code])
    for kind in np.unique(pool.kind):
        if not any(pool.kind[place] == kind for place in taken):
            take([place for place in every if pool.kind[place] == kind])
    while take(every):
        pass
    assert row == taken


def _units(pool: Pool, place: int, item: int) -> float:
    return float(pool.units[place][pool.items[place] == item].sum())


def decoder_of(pool: Pool, bounds: Bounds) -> Decoder:
    return Decoder(pool, bounds, QUALITY, RELEVANCE)


@settings(max_examples=60)
@given(SEEDS, st.integers(1, 10), st.sampled_from([4.0, 9.0, math.inf]))
def test_every_step_takes_what_adds_most_of_what_is_allowed(seed: int, limit: int, stock: float) -> None:
    pool, bounds = pool_of(seed, 18, stock=stock), Bounds(limit, 2, max(1, limit // 2), (2, 0, 1))
    weights = weights_of(seed, 6)

    lists = decoder_of(pool, bounds).decode(weights)

    for row, vector in zip(lists, weights, strict=True):
        follow(pool, bounds, vector, row[row != EMPTY].tolist())


@given(SEEDS, st.integers(1, 12), st.integers(2, 4), st.sampled_from([4.0, 9.0, math.inf]))
def test_no_weights_break_a_constraint(seed: int, limit: int, per_sku: int, stock: float) -> None:
    pool, bounds = pool_of(seed, 30, stock=stock), Bounds(limit, per_sku, max(1, limit // 3), (0, 1, 2, 3))

    for row in decoder_of(pool, bounds).decode(weights_of(seed, 20)):
        taken = row[row != EMPTY]
        items = pool.items[taken]
        sold = np.bincount(items[items >= 0], pool.units[taken][items >= 0], minlength=len(pool.stock))
        assert len(taken) == len(set(taken.tolist()))
        assert np.bincount(items[items >= 0], minlength=1).max(initial=0) <= per_sku
        assert np.bincount(pool.objective[taken], minlength=1).max(initial=0) <= bounds.per_objective
        assert (sold <= pool.stock).all()


@given(SEEDS)
def test_every_admitted_objective_and_every_type_has_a_place_where_there_is_room(seed: int) -> None:
    pool = pool_of(seed, 30)

    for row in decoder_of(pool, Bounds(12, 12, 12, (3, 1, 2, 0))).decode(weights_of(seed, 10)):
        assert set(pool.objective[row].tolist()) == set(pool.objective.tolist())
        assert set(pool.kind[row].tolist()) == set(pool.kind.tolist())


@given(SEEDS)
def test_a_list_hangs_on_no_other_list_that_is_decoded_beside_it(seed: int) -> None:
    pool, weights = pool_of(seed, 25, stock=9.0), weights_of(seed, 8)
    decoder = decoder_of(pool, Bounds(6, 2, 3, (0, 1)))

    together = decoder.decode(weights)

    assert together.tolist() == [decoder.decode(vector[None, :])[0].tolist() for vector in weights]


def test_worth_is_the_same_to_the_bit_in_whatever_company_it_is_worked_out() -> None:
    pool, weights = pool_of(8, 400), weights_of(8, 50)
    decoder = decoder_of(pool, Bounds(6, 2, 3, (0, 1)))

    together = decoder.worth(weights)

    assert (together == np.vstack([decoder.worth(vector[None, :]) for vector in weights])).all()


@given(SEEDS)
def test_equal_candidates_are_taken_in_input_order(seed: int) -> None:
    pool = pool_of(seed, 1)
    twins = Pool(
        values=np.repeat(pool.values, 5, axis=0), score=np.repeat(pool.score, 5), likeness=np.eye(5),
        items=np.arange(5, dtype=np.int32)[:, None], units=np.zeros((5, 1)), objective=np.zeros(5, dtype=np.int64),
        kind=np.zeros(5, dtype=np.int64), stock=np.full(5, math.inf),
    )  # fmt: skip

    lists = decoder_of(twins, Bounds(5, 2, 5, (0,))).decode(weights_of(seed, 4))

    assert lists.tolist() == [[0, 1, 2, 3, 4]] * 4


@pytest.mark.parametrize("aim", list(Aim)[:ADDITIVE])
def test_all_weight_on_one_aim_takes_the_best_of_it(aim: Aim) -> None:
    pool = replace(pool_of(3, 40), kind=np.zeros(40, dtype=np.int64))

    taken = Decoder(pool, Bounds(5, 99, 99, ()), 0.0, RELEVANCE).decode(np.eye(len(Aim))[[aim]])[0]

    assert taken.tolist() == np.argsort(-pool.values[:, aim], kind="stable")[:5].tolist()


def test_weight_on_coverage_takes_fewer_products_twice() -> None:
    pool = pool_of(5, 60)
    decoder = decoder_of(pool, Bounds(10, 5, 10, ()))

    narrow, wide = decoder.decode(np.array([[0.0, 0, 0, 1, 0, 0], [0, 0, 0, 0.4, 0, 0.6]]))

    assert distinct(pool, wide) > distinct(pool, narrow)


def test_weight_on_cannibalisation_takes_bundles_that_are_less_alike() -> None:
    pool = pool_of(5, 60)
    pool = replace(pool, likeness=np.equal.outer(pool.items[:, 0] % 6, pool.items[:, 0] % 6).astype(np.float64))
    decoder = decoder_of(pool, Bounds(10, 5, 10, ()))

    near, apart = decoder.decode(np.array([[0.0, 0, 0, 1, 0, 0], [0, 0, 0, 0.4, 0.6, 0]]))

    assert likeness(pool, apart) < likeness(pool, near)


def test_what_sells_more_than_there_is_alone_is_never_taken() -> None:
    pool = pool_of(1, 10, stock=0.5)

    taken = decoder_of(pool, Bounds(5, 2, 5, (0, 1))).decode(DEFAULT_WEIGHTS[None, :])[0]

    assert all((pool.units[place] <= 0.5).all() for place in taken[taken != EMPTY])


@given(SEEDS, st.integers(2, 12))
def test_the_same_products_are_offered_again_only_where_nothing_else_is_left(seed: int, limit: int) -> None:
    """Each set of products twice, in two types: one of each is taken before any second."""
    once = pool_of(seed, 8)
    pool = Pool(
        values=np.tile(once.values, (2, 1)), score=np.tile(once.score, 2), likeness=np.tile(once.likeness, (2, 2)),
        items=np.vstack([once.items, once.items[:, ::-1]]), units=np.vstack([once.units, once.units[:, ::-1]]),
        objective=np.tile(once.objective, 2), kind=np.zeros(16, dtype=np.int64), stock=once.stock,
    )  # fmt: skip
    distinct_sets = len({frozenset(row[row >= 0].tolist()) for row in once.items})

    for row in decoder_of(pool, Bounds(limit, 99, 99, ())).decode(weights_of(seed, 6)):
        sets = [frozenset(items[items >= 0].tolist()) for items in pool.items[row]]
        assert len(set(sets[:distinct_sets])) == min(limit, distinct_sets)


def test_an_empty_pool_gives_empty_lists() -> None:
    lists = decoder_of(pool_of(0, 0), Bounds(3, 2, 1, (0, 1))).decode(weights_of(0, 2))

    assert lists.tolist() == [[EMPTY] * 3] * 2


def distinct(pool: Pool, row: NDArray[np.intp]) -> int:
    return len({int(item) for item in pool.items[row].ravel() if item >= 0})


def likeness(pool: Pool, row: NDArray[np.intp]) -> float:
    return float(np.mean([pool.likeness[one, other] for one, other in combinations(row, 2)]))
