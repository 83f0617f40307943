"""The record of a run: what it took on, what it found, and what became of each candidate."""

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

import numpy as np

from pipeline.candidates.ladder import SourceReport
from pipeline.combo import ComboResult
from pipeline.config import RunConfig
from pipeline.context.objectives import by_priority
from pipeline.context.store import StoreContext
from pipeline.generate import Outcome
from pipeline.ingest.snapshot import Catalog
from pipeline.plan import Plan
from pipeline.selection.decoder import Aim
from pipeline.selection.judged import Judged
from pipeline.selection.select import REASONS, Selection, gate_counts
from pipeline.terms import COMBOS, NOT_ALLOWED, Combo, Reason, Rejection, Tier

MOST_POINTS = 2_000
"""Candidates of the record's scatter; beyond, those of the highest scores."""


def rejected(judged: Judged, selection: Selection, catalog: Catalog) -> Iterator[Rejection]:
    """Every candidate that is no bundle, with its reason."""
    sku = catalog.sku.to_pylist()
    rows = np.flatnonzero(selection.reason >= 0)
    measured, score = judged.verdicts.figure[rows], judged.scores.score[rows]
    figures = np.round(np.where(np.isnan(measured), score, measured), 6).tolist()
    columns = (selection.reason[rows].tolist(), judged.combo[rows].tolist(), judged.found.items[rows].tolist(), figures)
    for reason, combo, items, figure in zip(*columns, strict=True):
        objective, kind = COMBOS[combo]
        skus = tuple(sorted([sku[item] for item in items if item >= 0]))
        yield Rejection(skus, objective, kind, REASONS[reason], None if isnan(figure) else figure)


def combo_rows(outcome: Outcome) -> list[dict[str, Any]]:
    """One row for each of the 40 combos: state, best tier, candidates, passed, bundles, best score, time."""
    by_combo = {result.combo: result for result in outcome.combos}
    bundles = _bundles_by_combo(outcome)
    return [_combo_row(combo, outcome.plan, by_combo.get(combo), bundles.get(combo, 0)) for combo in COMBOS]


def _bundles_by_combo(outcome: Outcome) -> dict[Combo, int]:
    counted: dict[Combo, int] = {}
    for bundle in outcome.bundles:
        combo = Combo(bundle.objective, bundle.type)
        counted[combo] = counted.get(combo, 0) + 1
    return counted


def _combo_row(combo: Combo, plan: Plan, result: ComboResult | None, bundles: int) -> dict[str, Any]:
    row: dict[str, Any] = {"objective": str(combo.objective), "type": str(combo.type)}
    if result is None:
        state = plan.state_of(combo) or "cut"
        return row | {"state": state, "candidates": 0, "passed": 0, "bundles": 0, "reason": STATE_REASONS[state]}
    row |= {
        "state": result.state,
        "candidates": len(result.judged) if result.judged else 0,
        "passed": result.passed,
        "bundles": bundles,
        "duration_ms": round(1000 * result.seconds, 2),
        "reason": result.reason,
        "worker": result.worker,
    }
    if result.judged is not None and result.passed:
        judged, passed = result.judged, result.judged.verdicts.passed
        tier = Tier(int(judged.found.tier[passed].min()))
        best = round(float(judged.scores.score[passed].max()), 4)
        row |= {"tier": int(tier), "tier_name": tier.label, "best_score": best}
    return row


STATE_REASONS = {
    "not_allowed": "shops can't sell kits on subscription",
    "not_admitted": "the plan did not take it on",
    "cut": "the deadline cut it",
}


def source_rows(results: Sequence[ComboResult]) -> dict[str, dict[str, Any]]:
    """Candidates, time and first error of each source over all combos."""
    total: dict[str, dict[str, Any]] = {}
    reports: list[SourceReport] = [report for result in results for report in result.sources]
    for report in reports:
        row = total.setdefault(report.name, {"candidates": 0, "duration_ms": 0.0, "error": None})
        row["candidates"] += report.candidates
        row["duration_ms"] = round(row["duration_ms"] + 1000 * report.seconds, 2)
        row["error"] = row["error"] or report.error
    return total


def objective_rows(context: StoreContext) -> dict[str, dict[str, Any]]:
    """Benefit, confidence, priority, rank and eligible SKUs of each objective, the most needed first."""
    return {
        str(name): {
            "benefit": round(context.needs[name].benefit, 6),
            "confidence": round(context.needs[name].confidence, 6),
            "priority": round(context.needs[name].priority, 6),
            "rank": rank,
            "eligible": context.lenses[name].eligible(context.shop.is_sellable),
        }
        for rank, name in enumerate(by_priority(context.needs), 1)
    }


def points(judged: Judged, selection: Selection) -> list[dict[str, Any]]:
    """Score and margin of the candidates that passed the gates: what the front is drawn over."""
    passed = np.flatnonzero(judged.verdicts.passed)
    top = passed[np.argsort(-judged.scores.score[passed], kind="stable")[:MOST_POINTS]]
    shown = np.union1d(top, np.union1d(selection.chosen, np.flatnonzero(selection.front)))
    chosen = np.zeros(len(judged), dtype=bool)
    chosen[selection.chosen] = True
    columns = (
        np.round(judged.scores.score[shown], 4).tolist(), np.round(judged.prices.margin[shown], 4).tolist(),
        judged.combo[shown].tolist(), chosen[shown].tolist(), selection.front[shown].tolist(),
    )  # fmt: skip
    return [
        {
            "score": score,
            "margin": None if isnan(margin) else margin,
            "objective": str(COMBOS[combo].objective),
            "type": str(COMBOS[combo].type),
            "chosen": is_chosen,
            "front": on_front,
        }
        for score, margin, combo, is_chosen, on_front in zip(*columns, strict=True)
    ]


def portfolio_row(judged: Judged | None, selection: Selection | None) -> dict[str, Any]:
    """How the list was chosen: the search's front and where the list lies on it, and every candidate's two figures."""
    row: dict[str, Any] = {"method": "greedy", "points": points(judged, selection) if judged and selection else []}
    search = selection.search if selection else None
    if search is None:
        return row
    return row | {
        "method": "nsga2",
        "aims": [aim.name.lower() for aim in Aim],
        "front": search.figures.round(4).tolist(),
        "taken": search.taken,
        "greedy": search.greedy.round(4).tolist(),
        "generations": search.generations,
        "evaluated": search.evaluated,
        "hypervolume": search.hypervolume,
        "random_hypervolume": search.random_hypervolume,
    }


def rules_row(context: StoreContext, outcome: Outcome, config: RunConfig) -> dict[str, Any] | None:
    """The store's own rules, and how many products they reached; None where there are none."""
    rules = context.shop.rules
    if rules is None:
        return None
    placed = np.zeros(len(rules.pinned), dtype=bool)
    if outcome.judged is not None and outcome.selection is not None:
        items = outcome.judged.found.items[outcome.selection.chosen]
        placed[items[items >= 0]] = True
    return config.rules.model_dump(mode="json") | {
        "sha256": config.rules.sha256(),
        "excluded_products": int(rules.excluded.sum()),
        "pinned_products": int(rules.pinned.sum()),
        "pinned_placed": int((rules.pinned & placed).sum()),
        "unmatched": list(rules.unmatched),
    }


def why_empty(context: StoreContext, outcome: Outcome) -> str | None:
    """One sentence for a run without bundles."""
    if outcome.bundles:
        return None
    sellable = int(context.shop.is_sellable.sum())
    if sellable < 2:
        return f"the store has {sellable} sellable product{'' if sellable == 1 else 's'}; a bundle needs two"
    if outcome.judged is None:
        return "no source found products that go together; more orders or fuller product data will help"
    gates = gate_counts(outcome.judged)
    worst = max((name for name in gates if name.startswith("rejected_")), key=lambda name: gates[name])
    return f"all {gates['total_candidates']} candidates met a gate, most often {worst.removeprefix('rejected_')}"


def record_of(context: StoreContext, outcome: Outcome, config: RunConfig) -> dict[str, Any]:
    """The part of a run's record that its phases know; the shell adds ids, files, timings and cost."""
    judged, selection = outcome.judged, outcome.selection
    reasons = selection.reason if selection else np.zeros(0, dtype=np.int8)
    gates = gate_counts(judged)
    plan = outcome.plan
    allowed = [combo for combo in COMBOS if combo not in NOT_ALLOWED]
    return {
        "store": context.store,
        "currency": context.shop.currency,
        "window": context.history.window() | {"days": config.mining.window_days},
        "selected_objectives": [str(name) for name in plan.objectives],
        "objective_selection": objective_rows(context),
        "combos_listed": len(COMBOS),
        "combos_allowed": len(allowed),
        "combos_attempted": len(outcome.combos),
        "combos_evaluated": combo_rows(outcome),
        "sources": source_rows(outcome.combos),
        "candidates_generated": gates["total_candidates"],
        "policy_gates": gates,
        "bundles_after_gates": gates["passed"],
        "diversity_selection": {
            "candidates_after_gates": gates["passed"],
            "duplicates": int((reasons == REASONS.index(Reason.DUPLICATE)).sum()),
            "not_selected": int((reasons == REASONS.index(Reason.NOT_SELECTED)).sum()),
            "mmr_lambda": config.diversity.relevance,
            "final_bundle_count": len(outcome.bundles),
        },
        "portfolio": portfolio_row(judged, selection),
        "rules": rules_row(context, outcome, config),
        "plan": plan.model_dump(mode="json"),
        "why_empty": why_empty(context, outcome),
        "settings_sha256": config.sha256(),
    }
