import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.candidates.frame import incidence
from pipeline.context.similarity import on_grid
from pipeline.selection.config import DiversityConfig
from pipeline.selection.diversity import Likeness, diversify, likeness_of
from tests.support.stores import sets_of

ROWS = st.lists(
    st.tuples(st.lists(st.integers(0, 6), min_size=1, max_size=4, unique=True), st.integers(0, 10)),
    min_size=1, max_size=12,
)  # fmt: skip
"""Members, and tenths of a score."""

Rows = list[tuple[list[int], int]]


def parts(rows: Rows, *, with_vectors: bool = True) -> tuple[NDArray[np.float64], Likeness]:
    """Scores, and likeness over seven random vectors."""
    items = sets_of(*(members for members, _ in rows)).items
    vectors = np.random.default_rng(0).normal(size=(7, 5 if with_vectors else 0)).astype(np.float32)
    return np.array([tenths / 10 for _, tenths in rows]), likeness_of(items, vectors, incidence(items, 7))


@given(ROWS)
def test_relevance_one_ranks_by_score_and_ties_by_place(rows: Rows) -> None:
    scores, likeness = parts(rows)

    order = diversify(scores, likeness, DiversityConfig(relevance=1))

    assert order.tolist() == sorted(range(len(rows)), key=lambda place: (-scores[place], place))


@given(ROWS, st.floats(0, 1))
def test_everything_is_ranked_once_and_the_best_comes_first(rows: Rows, relevance: float) -> None:
    scores, likeness = parts(rows)

    order = diversify(scores, likeness, DiversityConfig(relevance=relevance))

    assert sorted(order.tolist()) == list(range(len(rows)))
    if relevance > 0.001:
        assert scores[order[0]] == scores.max()


@settings(max_examples=60)
@given(ROWS, st.booleans())
def test_each_choice_has_the_greatest_marginal_relevance(rows: Rows, with_vectors: bool) -> None:
    scores, likeness = parts(rows, with_vectors=with_vectors)

    order = diversify(scores, likeness, DiversityConfig(relevance=0.7)).tolist()

    alike = likeness.among(np.arange(len(rows)))
    for turn, place in enumerate(order):

        def gain(one: int, taken: list[int] = order[:turn]) -> float:
            return float(0.7 * scores[one] - 0.3 * max([alike[one, other] for other in taken], default=0.0))

        assert gain(place) == pytest.approx(max(gain(one) for one in order[turn:]), abs=1e-8)


def test_likeness_is_the_greater_of_shared_products_and_shared_meaning() -> None:
    items = sets_of([0, 1], [1, 2], [3, 4], [5]).items
    vectors = np.array([[1, 0], [0, 1], [1, 0], [1, 0], [1, 0], [-1, 0]], dtype=np.float32)

    likeness = likeness_of(items, vectors, incidence(items, 6))

    # 0·1 and 1·2 have the same mean direction; 3·4 stands at 45° to it; opposite meanings are merely unlike
    assert likeness.among(np.arange(4))[0] == pytest.approx([1.0, 1.0, np.sqrt(0.5), 0.0], abs=1e-6)
    bare = likeness_of(items, np.zeros((6, 0), dtype=np.float32), incidence(items, 6))
    assert bare.among(np.arange(4))[0] == pytest.approx([1.0, 1 / 3, 0.0, 0.0])


def test_likeness_is_exact_so_that_no_number_of_threads_changes_it() -> None:
    """Products add up in another order for other sizes and threads: sums on a grid have no last bit to differ."""
    rng = np.random.default_rng(4)
    vectors = on_grid(rng.normal(size=(60, 384)).astype(np.float32) / np.float32(384**0.5))
    items = rng.permuted(np.tile(np.arange(60, dtype=np.int32), (150, 1)), axis=1)[:, :3]

    alike = likeness_of(items, vectors, incidence(items, 60)).among(np.arange(150))

    share_nothing = ~(items[:, None, :, None] == items[None, :, None, :]).any(axis=(2, 3))
    cosines = alike[share_nothing]
    assert cosines.max() > 0.1
    assert (cosines * 2.0**40 % 1 == 0).all()


def test_a_twin_of_the_best_yields_to_a_stranger() -> None:
    scores, likeness = parts([([0, 1], 10), ([0, 1], 9), ([2, 3], 8)], with_vectors=False)

    assert diversify(scores, likeness, DiversityConfig()).tolist() == [0, 2, 1]
