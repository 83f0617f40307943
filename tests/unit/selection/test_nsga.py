from itertools import count

import moocore
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.selection.decoder import EMPTY, Aim, Bounds, Decoder, Pool
from pipeline.selection.figures import figures_of
from pipeline.selection.nsga import PROVEN, Front, hypervolume, knee, list_of, search
from pipeline.selection.portfolio import DEFAULT_WEIGHTS
from tests.support.pools import pool_of, weights_of

SEEDS = st.integers(0, 2**32 - 1)
EVEN = (1.0,) * len(Aim)
LIMIT = 6


def found_in(
    pool: Pool, *, generations: int = 3, seed: int = 0, proof_kept: float = 0.0, preference: tuple[float, ...] = EVEN,
    **options: object,
) -> Front:  # fmt: skip
    """What a search of 12 lists a generation finds."""
    decoder = Decoder(pool, Bounds(LIMIT, 3, 3, (0, 1, 2)), 0.2, 0.7)
    return search(
        decoder, pool, LIMIT, generations=generations, seed=seed, preference=preference, proof_kept=proof_kept,
        population=12, **options,  # type: ignore[arg-type]
    )  # fmt: skip


def bytes_of(found: Front) -> tuple[bytes, bytes, int]:
    return found.lists.tobytes(), found.figures.tobytes(), found.taken


@settings(max_examples=15)
@given(SEEDS)
def test_no_list_of_the_front_is_beaten_by_another_in_every_aim(seed: int) -> None:
    front = found_in(pool_of(seed, 30)).figures

    at_least = (front[:, None] >= front[None, :]).all(axis=2)
    assert (at_least == np.eye(len(front), dtype=bool)).all()


@settings(max_examples=15)
@given(SEEDS)
def test_the_front_holds_what_its_lists_are_worth(seed: int) -> None:
    pool = pool_of(seed, 30)

    found = found_in(pool)

    assert found.figures.tolist() == figures_of(pool, found.lists, LIMIT).tolist()
    assert list_of(found).tolist() == [place for place in found.lists[found.taken] if place != EMPTY]


@settings(max_examples=10)
@given(SEEDS, st.integers(0, 99))
def test_the_same_seed_finds_the_same_front_to_the_bit(seed: int, draw: int) -> None:
    pool = pool_of(seed, 30)

    assert bytes_of(found_in(pool, seed=draw)) == bytes_of(found_in(pool, seed=draw))


def test_another_seed_looks_elsewhere() -> None:
    pool = pool_of(1, 40)

    assert found_in(pool, seed=1).lists.tolist() != found_in(pool, seed=2).lists.tolist()


@settings(max_examples=10)
@given(SEEDS)
def test_more_generations_never_lower_the_hypervolume(seed: int) -> None:
    pool = pool_of(seed, 40)

    fronts = [found_in(pool, generations=generations) for generations in (1, 2, 4, 6)]

    for exact in (volume, lambda front: front.hypervolume):
        volumes = [exact(front) for front in fronts]
        assert volumes == sorted(volumes)
    assert [front.evaluated for front in fronts] == [12, 24, 48, 72]


def volume(front: Front) -> float:
    """The exact one."""
    ref = np.zeros(len(Aim))
    return round(moocore.hypervolume(front.figures, ref=ref, maximise=True), 12)


@settings(max_examples=15)
@given(SEEDS)
def test_a_front_reaches_at_least_what_the_greedy_list_reaches(seed: int) -> None:
    found = found_in(pool_of(seed, 30))

    assert (found.figures >= found.greedy).all(axis=1).any()


@settings(max_examples=15)
@given(SEEDS, st.sampled_from([0.9, 0.99, 1.0]))
def test_the_list_taken_keeps_what_the_greedy_list_proves(seed: int, kept: float) -> None:
    found = found_in(pool_of(seed, 30), proof_kept=kept)

    assert (found.figures[found.taken, PROVEN] >= kept * found.greedy[PROVEN] - 1e-12).all()


@pytest.mark.parametrize("aim", Aim)
def test_a_preference_for_one_aim_takes_the_list_that_is_best_in_it(aim: Aim) -> None:
    found = found_in(pool_of(4, 40), preference=tuple(float(one is aim) for one in Aim))

    assert found.figures[found.taken, aim] == found.figures[:, aim].max()


def test_a_deadline_cuts_between_generations_and_the_first_always_runs() -> None:
    asked = count(1)

    late = found_in(pool_of(2, 30), generations=9, may_continue=lambda: False)
    cut = found_in(pool_of(2, 30), generations=9, may_continue=lambda: next(asked) < 4)

    assert (late.generations, cut.generations) == (1, 4)
    assert bytes_of(cut) == bytes_of(found_in(pool_of(2, 30), generations=4))


def test_the_greedy_list_is_that_of_the_greedy_weights() -> None:
    pool = pool_of(3, 30)
    decoder = Decoder(pool, Bounds(LIMIT, 3, 3, (0, 1, 2)), 0.2, 0.7)

    greedy = figures_of(pool, decoder.decode(DEFAULT_WEIGHTS[None, :]), LIMIT)[0]

    assert found_in(pool).greedy.tolist() == greedy.tolist()


def test_figures_are_those_worked_out_by_hand() -> None:
    pool = Pool(
        values=np.array([[0.2, 0.4, 0.6, 0.8], [0.4, 0.4, 0.0, 0.2], [1.0, 1.0, 1.0, 1.0]]),
        score=np.zeros(3), likeness=np.array([[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]),
        items=np.array([[0, 1], [1, 2], [3, -1]], dtype=np.int32), units=np.zeros((3, 2)),
        objective=np.array([0, 0, 1]), kind=np.array([0, 1, 2]), stock=np.full(4, np.inf),
    )  # fmt: skip

    full, short = figures_of(pool, np.array([[0, 1], [2, EMPTY]]), 2)

    # Three of four places for products are distinct ones; one of two objectives; two of three types.
    assert full.tolist() == pytest.approx([0.3, 0.4, 0.3, 0.5, 0.5, (3 / 4 + 1 / 2 + 2 / 3) / 3])
    assert short.tolist() == pytest.approx([0.5, 0.5, 0.5, 0.5, 1.0, (1 + 1 / 2 + 1 / 3) / 3])


@given(SEEDS)
def test_figures_are_shares(seed: int) -> None:
    pool = pool_of(seed, 20, stock=4.0)
    lists = Decoder(pool, Bounds(LIMIT, 2, 2, (0,)), 0.2, 0.7).decode(weights_of(seed, 10))

    figures = figures_of(pool, lists, LIMIT)

    assert ((figures >= 0) & (figures <= 1)).all()


@pytest.mark.parametrize(
    ("figures", "exact"),
    [
        ([[1.0] * 6], 1.0),
        ([[0.5] * 6], 0.5**6),
        ([[1, 1, 1, 1, 1, 0.5], [0.5, 1, 1, 1, 1, 1]], 0.75),
    ],
)
def test_hypervolume_is_known_to_a_few_percent(figures: list[list[float]], exact: float) -> None:
    assert hypervolume(np.array(figures)) == pytest.approx(exact, rel=0.03)


@pytest.mark.parametrize(("preference", "taken"), [((1.0, 1.0), 1), ((1.0, 0.0), 0), ((0.0, 1.0), 2), ((9.0, 1.0), 0)])
def test_the_knee_gives_up_least_by_preference(preference: tuple[float, ...], taken: int) -> None:
    figures: NDArray[np.float64] = np.array([[1.0, 0.1], [0.7, 0.7], [0.0, 1.0]])

    assert knee(figures, preference) == taken


def test_of_equal_knees_the_first_is_taken() -> None:
    assert knee(np.array([[1.0, 0.0], [0.0, 1.0]]), (1.0, 1.0)) == 0
