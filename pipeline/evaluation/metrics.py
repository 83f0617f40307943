"""What is measured on held-out baskets. Every formula reads counts, so that a resample is measured as the data are.

Leading axes of all counts are free: one row of counts gives one figure, 2,000 resampled rows give 2,000.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.evaluation.ranked import Ranked, memberships

Floats = NDArray[np.float64]


def hits(held: csr_array, k: int) -> NDArray[np.bool_]:
    """Which baskets hold every SKU of one of the first `k` sets.

    Two of four baskets hold the first set, or the second; only one holds the first:

    >>> held = csr_array(np.array([[1, 0], [0, 1], [0, 0], [0, 0]]))
    >>> hits(held, 1).mean(), hits(held, 2).mean()
    (np.float64(0.25), np.float64(0.5))

    Args:
        held: `(m, n)` ones where a basket holds a set, sets in order of rank.
        k: Sets that are shown. HitRate@k is the mean of the answer; a list shorter than `k` is judged as it is.

    Returns:
        `(m,)` hits.
    """
    return np.asarray(held[:, :k].sum(axis=1) > 0)


def ndcg(joint: NDArray[np.floating], k: int) -> Floats:
    """Normalised discounted cumulative gain of the order of a list, gain log2(1 + held-out joint count).

    DCG@k = Σ_{r ≤ k} log2(1 + joint_r) / log2(1 + r) (Järvelin & Kekäläinen 2002), over that of the same list's sets
    sorted by gain, all of them, not only the first `k`. Gains 1, 2, 0 in this order:

    >>> round(float(ndcg(np.array([1, 3, 0]), 2)), 4)     # (1 + 2 / 1.585) / (2 + 1 / 1.585)
    0.8597
    >>> float(ndcg(np.array([0, 0]), 10))
    0.0

    Args:
        joint: `(…, n)` held-out baskets with every SKU of each set, sets in order of rank.
        k: Ranks that count.

    Returns:
        `(…)` in [0, 1]; 0 where no set was bought, or there is none.
    """
    gain = np.log2(1.0 + np.asarray(joint, dtype=np.float64))
    shown = min(k, gain.shape[-1])
    discount = 1.0 / np.log2(2.0 + np.arange(shown))
    ideal = -np.sort(-gain, axis=-1)[..., :shown] @ discount
    found = gain[..., :shown] @ discount
    return np.divide(found, ideal, out=np.zeros_like(found), where=ideal > 0)


def bought_again(joint: NDArray[np.floating], least: int) -> Floats:
    """Share of pairs that at least `least` held-out baskets hold.

    >>> float(bought_again(np.array([0, 1, 3, 7]), 1)), float(bought_again(np.array([0, 1, 3, 7]), 3))
    (0.75, 0.5)

    Args:
        joint: `(…, p)` held-out baskets with both SKUs of each distinct pair.
        least: Baskets that make a pair count.

    Returns:
        `(…)` in [0, 1]; NaN without pairs.
    """
    if not joint.shape[-1]:
        return np.full(joint.shape[:-1], np.nan)
    return np.asarray((joint >= least).mean(axis=-1))


def held_out_lift(
    joint: NDArray[np.floating], first: NDArray[np.floating], second: NDArray[np.floating], baskets: int
) -> Floats:
    """Mean lift of pairs on the held-out baskets: joint · n / (a · b), 1 where two SKUs are bought independently.

    The mean runs over pairs of which both SKUs were bought at all; such a pair that was never bought together has
    lift 0 and counts. The third pair here does not, since its second SKU found no buyer:

    >>> float(held_out_lift(np.array([2, 0, 0]), np.array([4, 5, 5]), np.array([5, 2, 0]), 20))    # (2 + 0) / 2
    1.0

    Args:
        joint: `(…, p)` baskets with both SKUs.
        first: `(…, p)` baskets with the first.
        second: `(…, p)` baskets with the second.
        baskets: Number of baskets.

    Returns:
        `(…)` at least 0; NaN where no pair counts.
    """
    chance = np.asarray(first, dtype=np.float64) * second / max(baskets, 1)
    known = chance > 0
    total = np.divide(joint, chance, out=np.zeros(chance.shape), where=known).sum(axis=-1)
    pairs = known.sum(axis=-1)
    return np.asarray(np.divide(total, pairs, out=np.full(total.shape, np.nan), where=pairs > 0))


def expected_again(joint: NDArray[np.integer], training: int, held_out: int) -> float:
    """Share of pairs that would be bought again if each went on at its training rate, for comparison.

    Poisson arrivals: Σ (1 − e^(−joint · held_out / training)) / pairs.

    >>> round(expected_again(np.array([4, 8]), training=80, held_out=20), 4)     # (0.6321 + 0.8647) / 2
    0.7484

    Args:
        joint: `(p,)` training baskets with both SKUs of each pair.
        training: Training baskets.
        held_out: Held-out baskets.

    Returns:
        In [0, 1]; NaN without pairs or training baskets.
    """
    if not len(joint) or not training:
        return float("nan")
    return float(-np.expm1(-np.asarray(joint, dtype=np.float64) * held_out / training).mean())


def diversity(ranked: Ranked) -> float:
    """1 − mean Jaccard similarity over all pairs of bundles.

    {1, 2} and {2, 3} share one of three SKUs, {4, 5} none with either:

    >>> round(diversity(Ranked.of([[1, 2], [2, 3], [4, 5]])), 4)      # 1 − (1/3) / 3
    0.8889

    Returns:
        In [0, 1]; NaN for fewer than two bundles.
    """
    if len(ranked) < 2:
        return float("nan")
    member = memberships(ranked.items, int(ranked.items.max(initial=0)) + 1)
    shared = (member.T @ member).toarray().astype(np.float64)
    size = np.diag(shared)
    jaccard = shared / np.maximum(size[:, None] + size[None, :] - shared, 1.0)
    upper = np.triu_indices(len(ranked), 1)
    return float(1.0 - jaccard[upper].mean())


def sku_coverage(ranked: Ranked, is_sellable: NDArray[np.bool_]) -> float:
    """Share of the sellable SKUs that are in at least one bundle.

    >>> sku_coverage(Ranked.of([[0, 1], [1, 2]]), np.array([True, True, False, True, True]))
    0.5

    Returns:
        In [0, 1]; NaN for a store without a sellable SKU.
    """
    sellable = int(is_sellable.sum())
    return float(is_sellable[ranked.skus()].sum() / sellable) if sellable else float("nan")
