"""What goes into the database and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple, TypeAlias

from pipeline.terms import BundleType, Objective, Reason, Tier

Json: TypeAlias = Mapping[str, Any]
RunState = Literal["queued", "running", "succeeded", "degraded", "partial", "failed", "cancelled"]
Stage = Literal["preliminary", "final"]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run as a list shows it. All times are in UTC."""

    store: str
    run_id: str
    state: RunState
    snapshot: str
    """sha256 of the snapshot."""
    settings_sha256: str
    code_version: str
    error: str | None
    """Why it failed or was cancelled."""
    attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Run(RunSummary):
    """One run with what is needed to explain it and to do it again."""

    settings: dict[str, Any]
    plan: dict[str, Any] | None
    record: dict[str, Any] | None
    """What `run.json` holds; None before the run ended."""


@dataclass(frozen=True, slots=True)
class StoredBundle:
    """One bundle of one run."""

    store: str
    run_id: str
    bundle_id: str
    stage: Stage
    body: dict[str, Any]
    """The object of `bundles.json`."""


@dataclass(frozen=True, slots=True)
class ComboOutcome:
    """What one combo of a run came to."""

    objective: Objective
    type: BundleType
    state: str
    tier: Tier | None = None
    """The weakest tier that was needed."""
    candidates: int = 0
    duration_ms: float | None = None
    """None for a combo that never ran."""
    error: str | None = None


class Rejection(NamedTuple):
    """A candidate that is no bundle, and why."""

    skus: tuple[str, ...]
    """Sorted."""
    objective: Objective
    type: BundleType
    reason: Reason
    figure: float | None = None
    """What the gate measured; None where it measures nothing."""


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What a run asked of one model for one purpose."""

    provider: str
    model: str
    purpose: str
    calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    usd: Decimal | None = None
    """None where the price is unknown; kept to a billionth of a dollar."""
