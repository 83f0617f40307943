"""How a run ended, in the words and the record of the shell; the same for every way to run a store."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from actors.shard import Outline
from cluster.bill import NOTHING_ASKED, Bill
from cluster.database.values import ComboOutcome
from configs.settings import Settings
from pipeline.candidates.suggestions import SOURCE
from pipeline.config import RunConfig
from pipeline.generate import VERSION
from pipeline.plan import Plan
from pipeline.terms import BundleType, Objective, Tier

EndState: TypeAlias = Literal["succeeded", "degraded", "partial"]


def verdict(
    plan: Plan, orders: int, record: Mapping[str, Any], models: Bill = NOTHING_ASKED
) -> tuple[EndState, list[dict[str, str]]]:
    """How a run ended, and why it is not simply `succeeded`.

    Args:
        plan: What it took on.
        orders: Demand orders of its window.
        record: What its phases say of themselves.
        models: What was asked of models.
    """
    states = [row["state"] for row in record["combos_evaluated"]]
    reasons = [
        {"code": "source_failed", "detail": f"{name}: {row['error']}"}
        for name, row in record["sources"].items()
        if row["error"] and name != SOURCE  # the models' own reason says that
    ]
    reasons.extend(models.reasons)
    status: EndState = "degraded" if reasons else "succeeded"
    for state, code in (("cut", "deadline"), ("failed", "combo_failed")):
        if state in states:
            reasons.append({"code": code, "detail": f"{states.count(state)} of {len(states)} combos"})
            status = "partial"
    portfolio = record["portfolio"]
    if portfolio["method"] == "nsga2" and portfolio["generations"] < plan.generations:
        cut = f"{portfolio['generations']} of {plan.generations} generations"
        reasons.append({"code": "deadline", "detail": cut})
        status = "partial"
    if plan.tier_start is Tier.COLD_START:
        reasons.append({"code": "cold_start", "detail": f"{orders} demand orders: too few to learn from"})
    if record["rules"] and record["rules"]["unmatched"]:
        reasons.append({"code": "rule_without_product", "detail": "; ".join(record["rules"]["unmatched"])})
    if record["why_empty"]:
        reasons.append({"code": "why_empty", "detail": record["why_empty"]})
    return status, reasons


def run_record(
    phases: Mapping[str, Any], *, run_id: str, snapshot: str, plan: Plan, outline: Outline, status: EndState,
    reasons: list[dict[str, str]], embedding: dict[str, Any] | None, settings: Settings, config: RunConfig,
    models: Bill = NOTHING_ASKED,
) -> dict[str, Any]:  # fmt: skip
    """What `run.json` holds, but for timings.

    Args:
        phases: What the phases say of themselves.
        run_id: The run.
        snapshot: sha256 of what it looked at.
        plan: What it took on.
        outline: The store in numbers.
        status: How it ended.
        reasons: Why it is not simply `succeeded`.
        embedding: Texts that were embedded for it, and the seconds that took; None where none were.
        settings: All settings.
        config: Those of the run, its store's rules included.
        models: What was asked of models.
    """
    return {
        "run_id": run_id,
        "status": status,
        "reasons": reasons,
        "snapshot": {
            "sha256": snapshot,
            "products": outline.products,
            "sellable": outline.sellable,
            "orders": outline.orders,
            "lines": outline.cells,
        },
        **phases,
        "time_budget": {
            "target_ms": plan.deadline_ms,
            "rolling_cost_per_combo_ms": plan.budget.combo_cost_ms,
            "max_objectives": plan.budget.max_objectives,
            "actual_duration_ms": None,
        },
        "first_embedding": embedding,
        "models": models.record,
        "cost": models.total,
        "switches": {f"ml.{name}": value for name, value in settings.ml.model_dump().items()}
        | {"fanout": settings.cluster.fanout, "similarity.engine": str(config.similarity.engine)},
        "code_version": VERSION,
    }


def combo_outcomes(record: dict[str, Any]) -> list[ComboOutcome]:
    """A record's combos as the database keeps them."""
    return [
        ComboOutcome(
            objective=Objective(row["objective"]),
            type=BundleType(row["type"]),
            state=row["state"],
            tier=Tier(row["tier"]) if "tier" in row else None,
            candidates=row["candidates"],
            duration_ms=row.get("duration_ms"),
            error=row["reason"] if row["state"] == "failed" else None,
        )
        for row in record["combos_evaluated"]
    ]
