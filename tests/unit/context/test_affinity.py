import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.context.affinity import TEXT_BINS, Affinity, Traits, calibrate, rising
from pipeline.context.config import AffinityConfig

SKUS = 40

ORDERS = np.arange(1, SKUS + 1)
"""Orders of each SKU."""


def traits_of(seed: int = 0, *, with_vectors: bool = True) -> Traits:
    """Forty SKUs of four categories."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(SKUS, 6))
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    cosines = np.sort((vectors @ vectors.T)[np.triu_indices(SKUS, 1)]).astype(np.float64)
    return Traits(
        vectors=vectors if with_vectors else np.zeros((SKUS, 0), dtype=np.float32),
        category=np.repeat(np.arange(4), 10).astype(np.int32),
        price=rng.uniform(1, 50, SKUS),
        joined=np.eye(4, dtype=bool)[[1, 0, 3, 2]],
        background=cosines if with_vectors else np.zeros(0),
    )


def same_category_pairs(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs within categories."""
    rng = np.random.default_rng(1)
    a = rng.integers(0, SKUS, count)
    return a, a // 10 * 10 + (a + rng.integers(1, 10, count)) % 10


def learnt(count: int, min_pairs: int = 100) -> Affinity:
    """An affinity learnt from pairs within categories."""
    a, b = same_category_pairs(count)
    return calibrate(
        traits_of(), a, b, np.ones(count), ORDERS, np.random.default_rng(0), AffinityConfig(min_pairs=min_pairs)
    )


def test_too_few_pairs_leave_the_store_cold_on_its_percentiles() -> None:
    cold = learnt(99)

    score = cold.score(np.array([0, 1]), np.array([5, 30]))

    assert cold.is_cold
    assert score.tolist() == cold.traits.percentile(cold.traits.cosine(np.array([0, 1]), np.array([5, 30]))).tolist()


def test_without_vectors_and_pairs_everything_is_as_likely_as_anything() -> None:
    cold = Affinity(traits_of(with_vectors=False), (), 0)

    assert cold.score(np.array([0, 1]), np.array([5, 30])).tolist() == [0.5, 0.5]


def test_what_the_store_sells_together_scores_higher() -> None:
    warm = learnt(400)

    within = warm.score(np.zeros(9, dtype=int), np.arange(1, 10))
    across = warm.score(np.zeros(10, dtype=int), np.arange(30, 40))

    assert not warm.is_cold
    assert within.min() > 0.5 > across.mean()


def test_log_odds_by_hand() -> None:
    warm = learnt(400)
    relation = warm.odds[1]

    # all pairs share a category: that bin holds 400 + 20·share of 420, the others 20·share each
    draw = np.random.default_rng(0).choice(np.arange(SKUS), size=(2, 20_000), p=ORDERS / ORDERS.sum())
    apart = draw[0] != draw[1]
    chance = np.bincount(warm.traits.bins(draw[0][apart], draw[1][apart])[1], minlength=3) + 1.0
    share = chance / chance.sum()
    seen = np.array([400.0, 0, 0]) + 20 * share
    assert relation == pytest.approx((np.log(seen / 420) - np.log(share)) / 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 300), st.integers(0, 5))
def test_scores_are_shares_and_the_same_in_both_directions(count: int, seed: int) -> None:
    found = learnt(count)
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, SKUS, 50), rng.integers(0, SKUS, 50)

    there, back = found.score(a, b), found.score(b, a)

    assert ((there >= 0) & (there <= 1)).all()
    assert there == pytest.approx(back, abs=1e-9)


def test_the_same_seed_learns_the_same() -> None:
    one, two = learnt(200), learnt(200)

    assert [odds.tolist() for odds in one.odds] == [odds.tolist() for odds in two.odds]


def test_an_unknown_price_is_far_from_every_other() -> None:
    traits = traits_of()
    traits.price[0] = np.nan

    _, _, price = traits.bins(np.array([0]), np.array([1]))

    assert price.tolist() == [5]


def test_products_drawn_by_their_orders_say_nothing_of_popularity() -> None:
    rng = np.random.default_rng(3)
    draw = rng.choice(np.arange(SKUS), size=(2, 30_000), p=ORDERS / ORDERS.sum())
    a, b = draw[:, draw[0] != draw[1]]

    warm = calibrate(traits_of(), a, b, np.ones(len(a)), ORDERS, rng, AffinityConfig())

    assert np.abs(np.concatenate(warm.odds[1:])).max() < 0.1


def test_a_more_alike_text_never_lowers_the_affinity() -> None:
    warm = learnt(400)

    text = warm._text(np.linspace(-1, 1, 200))

    assert len(warm.odds[0]) == TEXT_BINS
    assert (np.diff(text) >= 0).all()


def test_near_twins_of_differing_likeness_differ() -> None:
    warm = learnt(400)
    odds = np.arange(TEXT_BINS) / 10.0
    edges = warm.traits.text_edges

    found = Affinity(warm.traits, (odds, *warm.odds[1:]), 400)._text(edges[-4:-1])

    assert found[0] < found[1] < found[2]


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12))
def test_what_never_falls_stays_and_the_rest_keeps_its_mean(values: list[float]) -> None:
    found = rising(np.array(values), np.ones(len(values)))

    assert (np.diff(found) >= 0).all()
    assert found.mean() == pytest.approx(np.mean(values), abs=1e-9)
    assert rising(found, np.ones(len(values))) == pytest.approx(found)


def test_rows_are_the_scores_of_all_pairs() -> None:
    warm = learnt(200)

    rows = warm.rows(np.array([3, 7]))

    assert rows.shape == (2, SKUS)
    assert rows[1].tolist() == warm.score(np.full(SKUS, 7), np.arange(SKUS)).tolist()
