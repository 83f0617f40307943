import numpy as np
import pytest
from scipy.sparse import csr_array

from pipeline.evaluation import intervals
from pipeline.evaluation.intervals import interval, resampled_counts


def hits_of(shares: tuple[float, ...], baskets: int, seed: int = 0) -> csr_array:
    """One column of seeded hits for each share."""
    drawn = np.random.default_rng(seed).random((baskets, len(shares)))
    return csr_array((drawn < np.array(shares)).astype(np.int32))


def test_resampled_counts_spread_like_a_binomial() -> None:
    hits = hits_of((0.3,), 400)
    share = hits.sum() / 400

    found = resampled_counts(hits, 4_000, np.random.default_rng(1))[:, 0] / 400

    assert found.mean() == pytest.approx(share, abs=0.002)
    assert found.std() == pytest.approx(np.sqrt(share * (1 - share) / 400), rel=0.05)


def test_arms_are_paired_on_the_same_baskets() -> None:
    hits = hits_of((0.3,), 400)
    twin = csr_array(np.column_stack([hits.toarray(), hits.toarray()]))

    found = resampled_counts(twin, 200, np.random.default_rng(1))

    assert np.array_equal(found[:, 0], found[:, 1])
    assert found[:, 0].std() > 0


def test_every_resample_has_as_many_baskets_as_the_data() -> None:
    found = resampled_counts(csr_array(np.ones((37, 1), dtype=np.int32)), 50, np.random.default_rng(0))

    assert (found == 37).all()


def test_small_blocks_give_the_same_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    hits = hits_of((0.3, 0.05), 50)
    whole = resampled_counts(hits, 99, np.random.default_rng(3))

    monkeypatch.setattr(intervals, "BLOCK_DRAWS", 170)

    assert np.array_equal(resampled_counts(hits, 99, np.random.default_rng(3)), whole)


def test_baskets_that_nothing_touches_add_nothing_but_are_drawn() -> None:
    hits = csr_array((np.ones(1), ([0], [0])), shape=(1_000, 1))

    found = resampled_counts(hits, 2_000, np.random.default_rng(5))[:, 0]

    assert found.mean() == pytest.approx(1.0, abs=0.1)
    assert resampled_counts(csr_array((10, 2)), 3, np.random.default_rng(0)).tolist() == [[0, 0]] * 3


def test_the_interval_of_a_known_share_covers_it_about_as_often_as_it_says() -> None:
    covered = 0

    for seed in range(200):
        hits = hits_of((0.3,), 200, seed)
        samples = resampled_counts(hits, 400, np.random.default_rng(seed))[:, 0] / 200
        low, high = interval(hits.sum() / 200, samples)
        covered += low <= 0.3 <= high

    assert 0.90 <= covered / 200 <= 0.99


def test_an_undefined_figure_has_an_undefined_interval() -> None:
    assert np.isnan(interval(float("nan"), np.array([0.1, 0.2]))).all()
    assert np.isnan(interval(0.1, np.array([np.nan, np.nan]))).all()


def test_undefined_resamples_are_left_out() -> None:
    low, high = interval(0.2, np.array([0.1, np.nan, 0.3]), level=1.0)

    assert (low, high) == pytest.approx((0.1, 0.3))
