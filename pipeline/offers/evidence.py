"""Why a bundle exists: every figure behind it, and where each came from."""

from typing import Any

import numpy as np

from pipeline.candidates.frame import names
from pipeline.config import RunConfig
from pipeline.context.association import wilson
from pipeline.context.rules import NO_LIMIT
from pipeline.context.store import StoreContext
from pipeline.offers.figures import figure
from pipeline.offers.price_trail import expectation, price_trail
from pipeline.selection.judged import Judged
from pipeline.selection.select import Selection
from pipeline.terms import COMBOS, BundleType, Reason, Tier

__all__ = ["evidence_of", "figure"]


def evidence_of(
    context: StoreContext, judged: Judged, selection: Selection, row: int, config: RunConfig, data: dict[str, Any]
) -> dict[str, Any]:
    """The evidence of bundle `row`. Figures that do not apply to its type are None.

    Counts name their window; catalog, cost and stock are those of the snapshot, not of the window. `data` says what all
    of it rests on, as `data_of` gives it.
    """
    counts, scores = judged.counts, judged.scores
    tier = Tier(int(judged.found.tier[row]))
    support_low, support_high = (float(bound) for bound in wilson(counts.count[row], context.orders))
    chance = float(counts.expected[row]) / max(context.orders, 1)
    return {
        "sources": names(int(judged.found.source[row])),
        "tier": int(tier),
        "tier_name": tier.label,
        "thin": tier is Tier.ADAPTIVE_RULES,
        "window": context.history.window(),
        "count": int(counts.count[row]),
        "support": figure(counts.support[row]),
        "support_lately": figure(counts.support_lately[row]),
        "still_bought": figure(counts.alive[row]),
        "support_low": figure(support_low),
        "support_high": figure(support_high),
        "anchor_orders": int(counts.anchor_orders[row]),
        "confidence": figure(counts.confidence[row]),
        "confidence_low": figure(counts.confidence_low[row]),
        "confidence_high": figure(counts.confidence_high[row]),
        "expected_count": figure(counts.expected[row]),
        "lift": figure(counts.lift[row]),
        "lift_low": figure(support_low / chance if chance > 0 else np.nan),
        "lift_high": figure(support_high / chance if chance > 0 else np.nan),
        "shrunk_lift": figure(counts.shrunk_lift[row]),
        "similarity": figure(scores.similarity[row]),
        "semantic_basis": "background percentile" if context.affinity.is_cold else "calibrated",
        "semantic_pairs": context.affinity.pairs,
        "margin": {
            "after_discount": figure(judged.prices.margin[row]),
            "known_share": figure(judged.prices.known_share[row]),
        },
        "catalog": "as of the snapshot: prices, costs and stock are today's",
        "gates": _gates(context, judged, row, config),
        "front": bool(selection.front[row]),
        "pareto_rank": pareto_rank(judged, row),
        "price_trail": price_trail(context, judged, row, config.pricing),
        "expected": expectation(context, judged, row),
        "merged": _merged(judged, selection, row),
        "data": data,
    }


def data_of(context: StoreContext, config: RunConfig, code: str) -> dict[str, Any]:
    """Hashes of what a run's evidence rests on, and the version of the code."""
    return {
        "snapshot": context.snapshot_sha256,
        "settings": config.sha256(),
        "rules": config.rules.sha256() or None,
        "code": code,
    }


def pareto_rank(judged: Judged, row: int) -> int | None:
    """One more than the candidates that beat this one in both score and margin; 1 is the front, None without a margin.

    Beating is as in `Selection.front`: at least as good in both and better in one, among those that passed the gates.
    """
    score, margin = judged.scores.score, judged.prices.margin
    if np.isnan(margin[row]):
        return None
    rivals = judged.verdicts.passed & (score >= score[row]) & (margin >= margin[row])
    return 1 + int((rivals & ((score > score[row]) | (margin > margin[row]))).sum())


def _gates(context: StoreContext, judged: Judged, row: int, config: RunConfig) -> list[dict[str, Any]]:
    """Each gate the bundle passed, with what it measured and where it stands."""
    kind, tier = COMBOS[judged.combo[row]].type, judged.found.tier[row]
    gates = config.gates
    least = {Tier.RULES: gates.min_count, Tier.ADAPTIVE_RULES: gates.min_thin_count}.get(Tier(int(tier)))
    margin = gates.cold_min_margin if tier == Tier.COLD_START else gates.min_margin
    rows = [
        (Reason.NOT_SELLABLE, 0.0, 0.0),
        (Reason.MARGIN_TOO_LOW, figure(judged.prices.margin[row]), margin),
        (Reason.LOW_SUPPORT, float(judged.counts.count[row]), least),
        (Reason.INVALID_PRICE, float(judged.prices.price[row]), float(judged.prices.list_price[row])),
    ]
    if kind in (BundleType.FBT, BundleType.FIXED):
        rows.append((Reason.INCOMPATIBLE_CATEGORIES, 0.0, 0.0))
    rows += _rulings(context, judged, row)
    return [{"gate": str(gate), "figure": found, "limit": limit, "passed": True} for gate, found, limit in rows]


def _rulings(context: StoreContext, judged: Judged, row: int) -> list[tuple[Reason, float | None, float | None]]:
    """The store's own rules, where it has some; its price limit with the price, and the upper bound if there is one."""
    rules, items = context.shop.rules, judged.found.items[row : row + 1]
    if rules is None:
        return []
    rows: list[tuple[Reason, float | None, float | None]] = [
        (Reason.EXCLUDED, float(rules.excluded_in(items)[0]), 0.0),
        (Reason.NEVER_TOGETHER, float(rules.clashes_in(items)[0]), 0.0),
    ]
    if rules.least or rules.most < NO_LIMIT:
        most = float(rules.most) if rules.most < NO_LIMIT else None
        rows.append((Reason.PRICE_LIMIT, float(judged.prices.price[row]), most))
    return rows


def _merged(judged: Judged, selection: Selection, row: int) -> list[dict[str, Any]]:
    """The near-duplicates this bundle was kept for: what else it serves, and who else proposed it."""
    duplicates = np.flatnonzero(selection.owner == row)
    rows = {
        (str(COMBOS[judged.combo[place]].objective), tuple(names(int(judged.found.source[place]))))
        for place in duplicates
    }
    return [{"objective": objective, "sources": list(sources)} for objective, sources in sorted(rows)]
