"""How figures came about: a metric without its protocol is no figure."""

from pipeline.evaluation.config import EvaluationConfig
from pipeline.evaluation.holdout import Holdout
from pipeline.ingest.snapshot import to_date


def definitions(config: EvaluationConfig) -> dict[str, str]:
    """What each metric is, by its key, in the order of tables."""
    sets = f"the first {max(config.ks)} FBT or FIXED bundles"
    hit = "share of held-out baskets that contain every SKU of one of the first {k} FBT or FIXED bundles"
    return {
        **{f"hit_rate@{k}": hit.format(k=k) for k in config.ks},
        f"ndcg@{config.ndcg_k}": (
            f"order of {sets}: gain log2(1 + held-out baskets with the whole set), discount log2(1 + rank), "
            f"first {config.ndcg_k} ranks, over the same bundles sorted by gain; it judges the order, not the choice"
        ),
        "pairs_again_1": f"share of the distinct pairs inside {sets} that at least 1 held-out basket holds",
        "pairs_again_3": f"share of the distinct pairs inside {sets} that at least 3 held-out baskets hold",
        "pairs_again_expected": (
            "the share bought again at least once if each pair went on at its training rate: "
            "mean of 1 - exp(-training count * held-out baskets / training baskets)"
        ),
        "held_out_lift": (
            f"mean of joint * baskets / (first * second) over the pairs inside {sets} of which both SKUs were bought "
            "on the held-out days; never bought together counts as 0"
        ),
        "baskets_touched": "share of held-out baskets with at least one SKU of any bundle of any type",
        "sku_coverage": "share of today's sellable SKUs that are in a bundle of any type",
        "distinct_skus": "SKUs in bundles of any type",
        "diversity": "1 - mean Jaccard similarity of all pairs of bundles of any type",
        "bundles": "bundles of any type in the list",
        "sets": "FBT and FIXED bundles that are judged",
    }


def protocol_of(holdout: Holdout, training_orders: int, control: str, config: EvaluationConfig) -> dict[str, object]:
    """The protocol of one store's evaluation.

    Args:
        holdout: The store, cut in two.
        training_orders: Demand orders of the baselines' window.
        control: How the control was made.
        config: What is measured.
    """
    return {
        "split": "temporal, at the start of a day",
        "cut": to_date(holdout.cut).isoformat(),
        "end": to_date(holdout.end).isoformat(),
        "days": holdout.end - holdout.cut,
        "training_orders": training_orders,
        "training_window_days": config.window_days,
        "held_out_orders": len(holdout.baskets),
        "eligible": "every order placed on or after the cut and before the end that was never cancelled; repeats count",
        "catalog": "today's: price, cost, stock and what is sellable are not rolled back to the cut",
        "sellable_skus": int(holdout.training.catalog.is_sellable.sum()),
        "popularity": "pairs of sellable SKUs by training count",
        "control": control,
        **_measured(config),
    }


def pooled_protocol(parts: dict[str, dict[str, object]], config: EvaluationConfig) -> dict[str, object]:
    """The protocol of several stores together, each store's own inside."""
    orders = [part["held_out_orders"] for part in parts.values()]
    return {
        "split": "temporal, at the start of a day, each store at its own",
        "held_out_orders": sum(count for count in orders if isinstance(count, int)),
        "pooling": (
            "the baskets of all stores together, each judged by its own store's list: HitRate and touched by baskets, "
            "NDCG by baskets, pairs and lift by pairs, coverage by SKUs, diversity by bundles; counts are summed. "
            "Resampled within each store"
        ),
        **_measured(config),
        "stores": parts,
    }


def _measured(config: EvaluationConfig) -> dict[str, object]:
    return {
        "k": list(config.ks),
        "ndcg_k": config.ndcg_k,
        "gain": "log2(1 + held-out joint count)",
        "arms": "weights of meaning, of what orders prove (reach is part of it) and of business in a bundle's worth",
        "interval": (
            f"{config.level:.0%} percentile interval of a paired bootstrap over held-out baskets, {config.resamples} "
            f"resamples, seed {config.seed}; for NDCG, pairs and lift moved so that the resamples' mean falls on the "
            "figure. The lists are fixed: it does not cover what other training data would have changed. "
            "No hit at all has no width; read it as below 3 / held_out_orders"
        ),
        "metrics": definitions(config),
    }
