"""Values as rows and back."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import sqlalchemy as sa

from cluster.database.rejections import pack
from cluster.database.values import ComboOutcome, Json, ModelUsage, Rejection, RunSummary, Stage

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


def of_rejections(key: Key, rejections: Sequence[Rejection]) -> list[dict[str, Any]]:
    """Rows of `rejection`, one a reason."""
    return [
        {**key, "reason": reason.value, "count": count, "candidates": packed}
        for reason, count, packed in pack(rejections)
    ]


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


def to_summary(row: sa.Row[Any]) -> RunSummary:
    """A row of `run` without its large columns."""
    return RunSummary(**row._mapping)
