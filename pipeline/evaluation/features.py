"""What each held-out basket says of a list of bundles, and the figures that follow from the sums.

The features of a basket are ones: a hit at each length, the sets it holds, the pairs, the SKUs, and whether the list
touches it at all. Sums over the baskets, or over a resample of them, are all that the metrics need.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from pipeline.evaluation import metrics
from pipeline.evaluation.config import EvaluationConfig
from pipeline.evaluation.intervals import MEAN_SHARE, RATIO, SHARE, Shape
from pipeline.evaluation.ranked import Ranked, holds, pairs_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Features:
    """One list on `m` baskets; columns: hits at each k, sets by rank, pairs, the pairs' SKUs, touched."""

    matrix: csr_array
    """`(m, f)` ones."""
    sets: int
    """FBT and FIXED bundles that are judged."""
    first: NDArray[np.intp]
    """`(p,)` column of each pair's first SKU."""
    second: NDArray[np.intp]
    """`(p,)` column of each pair's second SKU."""

    @property
    def pairs(self) -> int:
        """Distinct pairs of the judged sets."""
        return len(self.first)


def judged_pairs(ranked: Ranked, config: EvaluationConfig) -> NDArray[np.int32]:
    """`(p, 2)` distinct pairs of the FBT and FIXED bundles that are judged."""
    return pairs_of(ranked.sets(max(config.ks)))


def features_of(baskets: csr_array, ranked: Ranked, config: EvaluationConfig) -> Features:
    """What the `(m, products)` baskets say of a list."""
    sets, pairs = ranked.sets(max(config.ks)), judged_pairs(ranked, config)
    held = holds(baskets, sets)
    hits = csr_array(np.column_stack([metrics.hits(held, k) for k in config.ks]).astype(np.int32))
    skus, place = np.unique(pairs, return_inverse=True)
    touched = csr_array((baskets[:, ranked.skus()].sum(axis=1) > 0).astype(np.int32)[:, None])
    columns = csr_array(hstack([hits, held, holds(baskets, pairs), baskets[:, skus], touched], format="csr"))
    ends = place.reshape(-1, 2) + hits.shape[1] + len(sets) + len(pairs)
    return Features(columns, len(sets), ends[:, 0], ends[:, 1])


def figures_of(features: Features, counts: Floats, config: EvaluationConfig) -> dict[str, Floats]:
    """Every metric that depends on the held-out baskets.

    Args:
        features: The list's features.
        counts: `(…, f)` sums of them, over the baskets or over resamples.
        config: Lengths of lists.

    Returns:
        Each metric `(…)` by its key in the protocol.
    """
    baskets = features.matrix.shape[0]
    after_hits = len(config.ks)
    after_sets = after_hits + features.sets
    pairs = counts[..., after_sets : after_sets + features.pairs]
    lift = metrics.held_out_lift(pairs, counts[..., features.first], counts[..., features.second], baskets)
    return {
        **{f"hit_rate@{k}": counts[..., place] / baskets for place, k in enumerate(config.ks)},
        f"ndcg@{config.ndcg_k}": metrics.ndcg(counts[..., after_hits:after_sets], config.ndcg_k),
        "pairs_again_1": metrics.bought_again(pairs, 1),
        "pairs_again_3": metrics.bought_again(pairs, 3),
        "held_out_lift": lift,
        "baskets_touched": counts[..., -1] / baskets,
    }


def shape_of(key: str) -> Shape:
    """Range of a metric that depends on the held-out baskets, and whether it is a mean over them."""
    if key.startswith("hit_rate@") or key == "baskets_touched":
        return MEAN_SHARE
    return RATIO if key == "held_out_lift" else SHARE


def list_figures(ranked: Ranked, features: Features, is_sellable: NDArray[np.bool_]) -> dict[str, float]:
    """Every metric of the list alone."""
    return {
        "sku_coverage": metrics.sku_coverage(ranked, is_sellable),
        "distinct_skus": float(len(ranked.skus())),
        "diversity": metrics.diversity(ranked),
        "bundles": float(len(ranked)),
        "sets": float(features.sets),
    }


def pooling_weights(
    features: Features, counts: Floats, config: EvaluationConfig, bundles: int, sellable: int
) -> dict[str, float]:
    """What each figure of this list counts when stores are pooled: how many things it is the share or mean of."""
    baskets = float(features.matrix.shape[0])
    bought = (counts[features.first] > 0) & (counts[features.second] > 0)
    return {
        **{f"hit_rate@{k}": baskets for k in config.ks},
        f"ndcg@{config.ndcg_k}": baskets,
        "baskets_touched": baskets,
        "pairs_again_1": float(features.pairs),
        "pairs_again_3": float(features.pairs),
        "pairs_again_expected": float(features.pairs),
        "held_out_lift": float(bought.sum()),
        "sku_coverage": float(sellable),
        "diversity": float(bundles),
    }
