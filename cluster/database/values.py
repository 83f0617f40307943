"""What goes into the database and what comes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    snapshot: str | None
    """sha256 of the snapshot; None for a run that waits for its files to be read."""
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


class PackedRejections(NamedTuple):
    """The rejections of one reason, compressed: what a row holds."""

    reason: Reason
    number: int
    candidates: bytes


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """A run that is to be done, and all that is needed to do it."""

    store: str
    run_id: str
    source: str
    """Folder or URI of the store's files."""
    content: str
    """Hash of the files, the settings and the code: equal ones come to equal bundles."""
    settings_sha256: str
    settings: Json
    code_version: str
    estimate_ms: float
    """Work that is expected, by the size of the files."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that one coordinator holds, for as long as it keeps the lease."""

    store: str
    run_id: str
    fence: int
    """Grows whenever the run changes hands: a write under an older one is refused."""
    attempt: int
    """1 for the first."""
    source: str
    settings: Json = field(repr=False)
    estimate_ms: float
    """Work that is expected, by the size of the files."""
    cost_ms: float | None
    """Moving average of what the store's runs took; None for a store that never ran."""
    waited_s: float
    """From submission to the claim."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What a claimed run came to: everything that one transaction keeps of it."""

    claim: Claim
    state: Literal["succeeded", "degraded", "partial"]
    snapshot: str
    """sha256."""
    settings_sha256: str
    settings: Json = field(repr=False)
    """Everything that may change a bundle, the store's own rules included."""
    code_version: str
    plan: Json = field(repr=False)
    record: Json = field(repr=False)
    bundles: Sequence[Json] = field(repr=False)
    combos: Sequence[ComboOutcome] = field(repr=False)
    rejections: Sequence[PackedRejections] = field(repr=False)


@dataclass(frozen=True, slots=True)
class FleetRow:
    """One store of a fleet, and what its run came to."""

    store: str
    run_id: str
    state: RunState
    is_reused: bool
    """Its run is of an earlier fleet, over the same content."""
    attempts: int
    error: str | None
    summary: dict[str, Any] | None
    """Orders, bundles, seconds, cost, tier and reasons; None unless it ended well."""
    started_at: datetime | None
    finished_at: datetime | None
