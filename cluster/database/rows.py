"""Values as rows and back."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import sqlalchemy as sa

from cluster.database.values import ComboOutcome, Json, ModelUsage, PackedRejections, QueuedRun, RunSummary, Stage

Key: TypeAlias = Mapping[str, str]
"""Store and run."""
NANO = Decimal(10) ** 9


def as_stored(value: Json) -> dict[str, Any]:
    """What the database gives back for `value`: JSON has no tuples and only text for keys."""
    stored: dict[str, Any] = json.loads(json.dumps(value))
    return stored


def of_bundles(key: Key, bundles: Sequence[Json], stage: Stage) -> list[dict[str, Any]]:
    """Rows of `bundle`."""
    return [
        {
            **key,
            "bundle_id": body["id"],
            "stage": stage,
            "rank": body["rank"],
            "objective": body["objective"],
            "type": body["type"],
            "score": body["score"],
            "skus": sorted(product["sku"] for product in body["products"]),
            "body": dict(body),
        }
        for body in bundles
    ]


def of_combos(key: Key, combos: Sequence[ComboOutcome]) -> list[dict[str, Any]]:
    """Rows of `combo`, in order."""
    return [
        {
            **key,
            "objective": combo.objective.value,
            "type": combo.type.value,
            "position": position,
            "state": combo.state,
            "tier": None if combo.tier is None else int(combo.tier),
            "candidates": combo.candidates,
            "duration_ms": combo.duration_ms,
            "error": combo.error,
        }
        for position, combo in enumerate(combos)
    ]


def of_rejections(key: Key, rejections: Iterable[PackedRejections]) -> list[dict[str, Any]]:
    """Rows of `rejection`, one a reason."""
    return [
        {**key, "reason": reason.value, "count": count, "candidates": packed} for reason, count, packed in rejections
    ]


def of_queued(runs: Iterable[QueuedRun], at: datetime) -> list[dict[str, Any]]:
    """Rows of `run` for runs that wait, submitted one after the other from `at` on."""
    return [
        {
            "store": run.store,
            "run_id": run.run_id,
            "state": "queued",
            "settings_sha256": run.settings_sha256,
            "settings": dict(run.settings),
            "code_version": run.code_version,
            "attempts": 0,
            "fence": 0,
            "source": run.source,
            "content": run.content,
            "estimate_ms": run.estimate_ms,
            "created_at": at + timedelta(microseconds=place),
        }
        for place, run in enumerate(runs)
    ]


def summary_of(record: Json, bundles: Sequence[Json]) -> dict[str, Any]:
    """What a list of stores shows of a run, so that nobody reads thousands of records for it."""
    timings = record.get("phase_timings", {})
    tiers = [body["evidence"]["tier"] for body in bundles if "evidence" in body]
    return {
        "orders": record.get("snapshot", {}).get("orders"),
        "bundles": len(bundles),
        "seconds": round((timings.get("total", 0.0) + record.get("ingest_ms", 0.0)) / 1000, 3),
        "cost": record.get("cost", {}).get("usd", "0"),
        "tier": max(tiers, default=None),
        "reasons": list(record.get("reasons", [])),
    }


def of_usage(key: Key, cost: Sequence[ModelUsage]) -> list[dict[str, Any]]:
    """Rows of `usage`."""
    return [
        {
            **key,
            "provider": item.provider,
            "model": item.model,
            "purpose": item.purpose,
            "calls": item.calls,
            "input_tokens": item.input_tokens,
            "cached_tokens": item.cached_tokens,
            "output_tokens": item.output_tokens,
            "nano_usd": None if item.usd is None else int((item.usd * NANO).to_integral_value()),
        }
        for item in cost
    ]


def to_usage(row: sa.Row[Any]) -> ModelUsage:
    """A row of `usage` as the value it was made of."""
    return ModelUsage(
        provider=row.provider,
        model=row.model,
        purpose=row.purpose,
        calls=row.calls,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cached_tokens=row.cached_tokens,
        usd=None if row.nano_usd is None else row.nano_usd / NANO,
    )


def summed(usage: Sequence[ModelUsage]) -> list[ModelUsage]:
    """One value for each model and purpose: what attempts of a run asked, together."""
    total: dict[tuple[str, str, str], ModelUsage] = {}
    for item in usage:
        name = (item.provider, item.model, item.purpose)
        before = total.get(name)
        total[name] = item if before is None else _sum(before, item)
    return list(total.values())


def _sum(one: ModelUsage, two: ModelUsage) -> ModelUsage:
    known = [usd for usd in (one.usd, two.usd) if usd is not None]
    return replace(
        one, calls=one.calls + two.calls, input_tokens=one.input_tokens + two.input_tokens,
        output_tokens=one.output_tokens + two.output_tokens, cached_tokens=one.cached_tokens + two.cached_tokens,
        usd=sum(known, Decimal(0)) if known else None,
    )  # fmt: skip


def to_summary(row: sa.Row[Any]) -> RunSummary:
    """A row of `run` without its large columns."""
    return RunSummary(**row._mapping)
