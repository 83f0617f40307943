import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline.context.config import Engine, SimilarityConfig
from pipeline.context.similarity import background, cosines, neighbours, on_grid, percentile_of, thresholds

Vectors = NDArray[np.float32]


def unit(rows: NDArray[np.float64]) -> Vectors:
    return on_grid(np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32))


@st.composite
def crowded_vectors(draw: st.DrawFn) -> Vectors:
    """Few distinct directions, some equal, some a hair apart: ties everywhere."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    directions = rng.normal(size=(draw(st.integers(1, 30)), 4))
    rows = directions[rng.integers(0, len(directions), draw(st.integers(1, 120)))]
    return unit(rows + draw(st.sampled_from([0.0, 1e-4, 1e-3])) * rng.normal(size=rows.shape))


def brute_force(vectors: Vectors, k: int) -> tuple[list[list[int]], list[list[float]]]:
    everyone = np.arange(len(vectors))
    items, values = [], []
    for row in everyone:
        similarity = cosines(vectors, np.full(len(vectors), row), everyone)
        best = [item for item in np.lexsort((everyone, -similarity)).tolist() if item != row][:k]
        missing = [-1] * (k - len(best))
        items.append(best + missing)
        values.append(similarity[best].astype(np.float32).tolist() + missing)
    return items, values


@pytest.mark.parametrize("engine", Engine)
@settings(max_examples=80, deadline=None)
@given(vectors=crowded_vectors(), k=st.integers(1, 12))
def test_neighbours_are_the_best_of_all_whatever_the_engine_and_the_ties(
    engine: Engine, vectors: Vectors, k: int
) -> None:
    found = neighbours(vectors, SimilarityConfig(neighbours=k, engine=engine))

    items, values = brute_force(vectors, k)
    assert found.items.tolist() == items
    assert found.similarity.tolist() == values


@pytest.mark.parametrize("engine", Engine)
def test_a_worked_example(engine: Engine) -> None:
    vectors = unit(np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [1.0, 0.0]]))

    found = neighbours(vectors, SimilarityConfig(neighbours=2, engine=engine))

    assert found.items.tolist() == [[3, 1], [2, 0], [1, 0], [0, 1]]
    assert found.similarity[1].tolist() == pytest.approx([0.8, 0.6], abs=3e-4)


def test_engines_agree_to_the_bit_over_several_blocks() -> None:
    vectors = unit(np.random.default_rng(3).normal(size=(2_300, 16)))

    by_faiss, by_numpy = (neighbours(vectors, SimilarityConfig(neighbours=20, engine=engine)) for engine in Engine)

    assert (by_faiss.items == by_numpy.items).all()
    assert (by_faiss.similarity == by_numpy.similarity).all()


@pytest.mark.parametrize("engine", Engine)
def test_read_only_vectors_are_enough(engine: Engine) -> None:
    vectors = unit(np.random.default_rng(3).normal(size=(50, 8)))
    expected = neighbours(vectors.copy(), SimilarityConfig(neighbours=5, engine=engine)).items
    vectors.flags.writeable = False

    found = neighbours(vectors, SimilarityConfig(neighbours=5, engine=engine))

    assert (found.items == expected).all()


@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize("count", [0, 1])
def test_a_product_alone_has_no_neighbours(engine: Engine, count: int) -> None:
    found = neighbours(np.eye(count, 4, dtype=np.float32), SimilarityConfig(neighbours=3, engine=engine))

    assert found.items.tolist() == [[-1, -1, -1]] * count
    assert found.similarity.tolist() == [[-1, -1, -1]] * count


def test_products_that_are_not_embedded_yet_have_neither_neighbours_nor_background() -> None:
    vectors = np.empty((3, 0), dtype=np.float32)

    found = neighbours(vectors, SimilarityConfig(neighbours=2))

    assert found.items.tolist() == [[-1, -1]] * 3
    assert len(background(vectors, 1, SimilarityConfig())) == 0


@settings(max_examples=50, deadline=None)
@given(vectors=crowded_vectors(), seed=st.integers(0, 99))
def test_a_cosine_is_the_same_in_either_order_and_beside_any_other(vectors: Vectors, seed: int) -> None:
    left, right = np.random.default_rng(seed).integers(0, len(vectors), (2, 40))

    together = cosines(vectors, left, right)

    assert (together == cosines(vectors, right, left)).all()
    assert (together[:7] == cosines(vectors, left[:7], right[:7])).all()
    assert (np.abs(together) <= 1).all()


@given(st.integers(0, 10_000), st.integers(1, 400))
def test_a_cosine_is_the_exact_sum_in_whatever_order_it_is_made(seed: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = unit(rng.normal(size=(2, width)))

    shuffled = rng.permutation(width)

    exact = float((one.astype(np.float64) * two.astype(np.float64)).sum())
    assert float(one @ two) == float(one[shuffled] @ two[shuffled]) == exact


def test_the_grid_hardly_moves_a_cosine() -> None:
    rows = np.random.default_rng(5).normal(size=(300, 384))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    moved = np.abs(on_grid(rows) @ on_grid(rows).T - rows @ rows.T)

    assert moved.max() < 2e-3
    assert moved.mean() < 3e-4


def test_the_background_follows_its_seed_alone_and_never_pairs_a_product_with_itself() -> None:
    vectors, few = np.eye(40, dtype=np.float32), SimilarityConfig(background_pairs=500)

    sample = background(vectors, 1, few)

    assert sample.tolist() == [0.0] * 500
    rich = unit(np.random.default_rng(0).normal(size=(40, 4)))
    assert (background(rich, 1, few) == background(rich, 1, few)).all()
    assert (background(rich, 1, few) != background(rich, 2, few)).any()


def test_a_small_store_is_its_own_background() -> None:
    vectors = unit(np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]))

    every = background(vectors, 1, SimilarityConfig(background_pairs=3))

    assert every.tolist() == sorted(cosines(vectors, np.array([0, 0, 1]), np.array([1, 2, 2])).tolist())


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1), st.floats(-1, 1), st.floats(-1, 1))
def test_a_percentile_is_a_share_and_rises_with_similarity(sample: list[float], first: float, second: float) -> None:
    low, high = sorted((first, second))

    shares = percentile_of(np.array([[low], [high]]), np.sort(np.array(sample)))

    assert shares.shape == (2, 1)
    assert 0 <= shares[0, 0] <= shares[1, 0] <= 1


def test_thresholds_cut_off_the_stated_shares_of_random_pairs() -> None:
    sample = np.linspace(0, 1, 1_001)

    found = thresholds(sample, SimilarityConfig())

    assert found == pytest.approx((0.88, 0.965, 0.997), abs=1e-5)


def test_without_a_background_nothing_is_similar() -> None:
    nothing = background(np.eye(1, 4, dtype=np.float32), 1, SimilarityConfig())

    assert percentile_of(np.array([0.99]), nothing).tolist() == [0.0]
    assert min(thresholds(nothing, SimilarityConfig())) > 1
