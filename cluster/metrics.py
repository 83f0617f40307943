"""What a platform team watches: every metric of ours, in one table, and the functions that record them.

Ray exports them on each node's metrics port as `ray_` + name. A store is never a label: thousands of stores would be
thousands of series for each of them. What one store came to is in its run's record.

A run is recorded once, from its record, after it is done: about 100 records of 5 µs.

The agent of a node knows only into which bucket a value fell, and takes the middle of it for the sum: histograms are
for percentiles, and what must add up is a counter.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from ray.util.metrics import Counter, Gauge, Histogram

PREFIX = "basketry_"

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper ends of the buckets of what takes from a hundredth of a second to minutes."""

DWELL_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 14400.0, 86400.0)
"""Upper ends of the buckets of a wait in the queue, up to the age at which nightly bundles are a day old."""


class Family(NamedTuple):
    """One metric: its kind, its meaning, its labels."""

    kind: type[Counter] | type[Gauge] | type[Histogram]
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


FAMILIES: dict[str, Family] = {
    "runs_total": Family(Counter, "Runs that ended, by state: succeeded, degraded, partial or failed.", ("state",)),
    "run_reasons_total": Family(Counter, "Reasons that runs gave for their state, by code.", ("code",)),
    "run_seconds": Family(
        Histogram, "From a loaded snapshot to committed bundles, one run each.", ("state",), SECONDS
    ),
    "phase_seconds": Family(Histogram, "One phase of one run.", ("phase",), SECONDS),
    "busy_seconds_total": Family(Counter, "Seconds that runs spent in a phase, all together.", ("phase",)),
    "deadline_overrun_seconds": Family(
        Histogram, "How much longer the search of a run took than its plan allows, where it did.", (), SECONDS
    ),
    "bundles_total": Family(Counter, "Bundles that runs ended with."),
    "candidates_total": Family(Counter, "Candidates that sources proposed."),
    "combos_total": Family(
        Counter, "Combos of runs, by what became of them; tier is the best one reached, or none.",
        ("objective", "type", "tier", "state"),
    ),
    "combo_seconds": Family(Histogram, "Search for one combo's candidates.", ("objective", "type"), SECONDS[:10]),
    "source_errors_total": Family(Counter, "Runs in which a source of candidates failed.", ("source",)),
    "records_total": Family(Counter, "Records that ingest read."),
    "rejects_total": Family(
        Counter, "What was refused: records at ingest, candidates at a gate.", ("stage", "code")
    ),
    "queue_dwell_seconds": Family(Histogram, "From enqueued to claimed, one run each.", (), DWELL_SECONDS),
    "queue_runs": Family(Gauge, "Runs in the queue now, by state: queued or running.", ("state",)),
    "leases_expired_total": Family(Counter, "Claims whose coordinator went silent; the run was queued again."),
    "fence_rejected_total": Family(Counter, "Writes of a coordinator that had lost its claim; they changed nothing."),
    "dead_letters_total": Family(Counter, "Runs given up after their last attempt."),
    "cache_hits_total": Family(Counter, "Answers that were kept from before, by cache.", ("cache",)),
    "cache_misses_total": Family(Counter, "Answers that had to be worked out, by cache.", ("cache",)),
    "shard_bytes": Family(Gauge, "Bytes of stores that a shard keeps warm.", ("shard",)),
    "shard_stores": Family(Gauge, "Stores that a shard keeps warm.", ("shard",)),
    "model_calls_total": Family(
        Counter, "Calls of model providers, by purpose and outcome.", ("purpose", "outcome")
    ),
    "model_tokens_total": Family(Counter, "Tokens of model calls.", ("purpose",)),
    "model_usd_total": Family(Counter, "What model calls cost, in dollars.", ("purpose",)),
}  # fmt: skip


def exported_names() -> frozenset[str]:
    """Names of all series as Prometheus sees them."""
    names: set[str] = set()
    for name, family in FAMILIES.items():
        full = f"ray_{PREFIX}{name}"
        names |= {f"{full}_{part}" for part in ("bucket", "sum", "count")} if family.buckets else {full}
    return frozenset(names)


def record_run(record: Mapping[str, Any]) -> None:
    """Record a run that ended.

    Args:
        record: As in `run.json`: it has everything that is counted here.
    """
    timings = record["phase_timings"]
    _count("runs_total", state=record["status"])
    _observe("run_seconds", timings["total"] / 1000, state=record["status"])
    for phase, milliseconds in timings.items():
        if phase != "total":
            _observe("phase_seconds", milliseconds / 1000, phase=phase)
            _count("busy_seconds_total", milliseconds / 1000, phase=phase)
    for reason in record["reasons"]:
        _count("run_reasons_total", code=reason["code"])
    _count("bundles_total", record["diversity_selection"]["final_bundle_count"])
    _count("candidates_total", record["candidates_generated"])
    _record_overrun(record)
    _record_combos(record["combos_evaluated"])
    for source, row in record["sources"].items():
        _count("source_errors_total", int(row["error"] is not None), source=source)
    for name, refused in record["policy_gates"].items():
        if name.startswith("rejected_"):
            _count("rejects_total", refused, stage="gate", code=name.removeprefix("rejected_"))
    if "ingest" in record:
        record_ingest(record["ingest"])
    _record_models(record.get("models") or {})


def record_failed_run() -> None:
    """Record a run that ended without a record of what it found."""
    _count("runs_total", state="failed")


def record_ingest(report: Mapping[str, Any]) -> None:
    """Record what ingest read and refused.

    Args:
        report: As `ingest` in `run.json`.
    """
    _count("records_total", report["records"])
    for code, refused in report["rejected_by_code"].items():
        _count("rejects_total", refused, stage="ingest", code=code)


def record_claim(dwell_s: float) -> None:
    """Record that a coordinator claimed a run, `dwell_s` seconds after it was enqueued."""
    _observe("queue_dwell_seconds", max(0.0, dwell_s))


def record_queue(*, queued: int, running: int) -> None:
    """Record how many runs wait, and how many are under way."""
    _set("queue_runs", queued, state="queued")
    _set("queue_runs", running, state="running")


def record_expired_leases(count: int = 1) -> None:
    """Record claims that the reaper took back."""
    _count("leases_expired_total", count)


def record_fence_rejected(count: int = 1) -> None:
    """Record writes that changed nothing, since another coordinator had claimed the run meanwhile."""
    _count("fence_rejected_total", count)


def record_dead_letters(count: int = 1) -> None:
    """Record runs given up after their last attempt."""
    _count("dead_letters_total", count)


def record_cache(cache_name: str, *, hits: int, misses: int) -> None:
    """Record questions to a cache since the last record."""
    _count("cache_hits_total", hits, cache=cache_name)
    _count("cache_misses_total", misses, cache=cache_name)


def record_shard(shard: str, *, stores: int, used_bytes: int) -> None:
    """Record what a shard keeps warm; its name is its place among the shards, such as `00`."""
    _set("shard_stores", stores, shard=shard)
    _set("shard_bytes", used_bytes, shard=shard)


def record_model_calls(purpose: str, outcome: str, *, calls: int = 1, tokens: int = 0, usd: float = 0.0) -> None:
    """Record calls of a model provider.

    Args:
        purpose: What was asked for, such as `embedding` or `words`.
        outcome: `ok`, or the kind of failure.
        calls: How many of them.
        tokens: Of the questions and the answers.
        usd: What they cost, in dollars.
    """
    _count("model_calls_total", calls, purpose=purpose, outcome=outcome)
    _count("model_tokens_total", tokens, purpose=purpose)
    _count("model_usd_total", usd, purpose=purpose)


def _record_models(models: Mapping[str, Any]) -> None:
    """Questions that models answered or did not, and what the provider's bill says."""
    for purpose, heard in models.get("questions", {}).items():
        asked = heard["questions"] - heard["kept"]
        record_model_calls(purpose, "ok", calls=asked - heard["silent"])
        record_model_calls(purpose, "no_answer", calls=heard["silent"])
        record_cache("answers", hits=heard["kept"], misses=asked)
    for purpose, row in models.get("asked", {}).items():
        tokens = row["input_tokens"] + row["output_tokens"]
        record_model_calls(purpose, "ok", calls=0, tokens=tokens, usd=float(row["usd"]))


def _record_overrun(record: Mapping[str, Any]) -> None:
    """The search is everything between context and record."""
    timings = record["phase_timings"]
    searched = sum(timings.get(phase, 0.0) for phase in ("candidates", "optimisation and words"))
    over_ms = searched - record["time_budget"]["target_ms"]
    if over_ms > 0:
        _observe("deadline_overrun_seconds", over_ms / 1000)


def _record_combos(rows: list[Mapping[str, Any]]) -> None:
    for row in rows:
        if row["state"] == "not_allowed":
            continue  # so in every run: it would count runs once more
        combo = {"objective": row["objective"], "type": row["type"]}
        _count("combos_total", tier=row.get("tier_name", "none"), state=row["state"], **combo)
        if row.get("duration_ms"):
            _observe("combo_seconds", row["duration_ms"] / 1000, **combo)


@cache
def _metric(name: str) -> Any:
    """The metric of that name, made once in a process."""
    family = FAMILIES[name]
    more = {"boundaries": list(family.buckets)} if family.buckets else {}
    return family.kind(PREFIX + name, description=family.meaning, tag_keys=family.labels, **more)


def _count(name: str, by: float = 1, **labels: str) -> None:
    if by > 0:
        _metric(name).inc(by, labels)


def _observe(name: str, value: float, **labels: str) -> None:
    _metric(name).observe(value, labels)


def _set(name: str, value: float, **labels: str) -> None:
    _metric(name).set(value, labels)
