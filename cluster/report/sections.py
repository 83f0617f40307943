"""The head of the report and how its bundles were chosen, each section a function of the run's record."""

from collections.abc import Mapping, Sequence
from typing import Any

from cluster.report.figures import (
    ABSENT,
    OBJECTIVE_LABELS,
    REASON_WORDS,
    STATE_WORDS,
    TIER_WORDS,
    TYPE_LABELS,
    bar,
    count,
    day,
    duration,
    label,
    number,
    ratio,
)
from pipeline.offers.english import counted
from pipeline.terms import BEST_TYPES, GATES, OBJECTIVES, TYPES, BundleType, Objective, Reason

STATUS_WORDS = {
    "succeeded": "The run did all it set out to do.",
    "degraded": "The run finished, but something it was set up with failed.",
    "partial": "The run finished, but some of its work was cut or failed.",
    "failed": "The run failed.",
}

HEAT_STEPS = 10
"""Shades of a grid cell, from a score of 0 to a score of 1."""

Record = Mapping[str, Any]


def header(record: Record, bundles: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Store, status with reasons, and the run in a handful of figures."""
    snapshot, window = record.get("snapshot") or {}, record.get("window") or {}
    orders = window.get("orders", snapshot.get("orders"))
    status = str(record.get("status") or "")
    return {
        "store": record.get("store") or _store_of(bundles) or "the store",
        "run_id": record.get("run_id") or "",
        "status": status,
        "status_words": STATUS_WORDS.get(status, ""),
        "reasons": [
            {"code": str(row.get("code") or "").replace("_", " "), "detail": row.get("detail") or ""}
            for row in record.get("reasons") or ()
        ],
        "failed_sources": _failed_sources(record),
        "why_empty": record.get("why_empty") or "",
        "window": _window(window),
        "figures": [
            ("Bundles", count(len(bundles))),
            ("Candidates", count(record.get("candidates_generated"))),
            ("Orders", count(orders)),
            ("Products on sale", count(snapshot.get("sellable", snapshot.get("products")))),
            ("Run time", duration(total_ms(record))),
        ],
    }


def _store_of(bundles: Sequence[Mapping[str, Any]]) -> str:
    return str(bundles[0].get("store") or "") if bundles else ""


def _window(window: Record) -> str:
    if not window.get("from") or not window.get("to") or not window.get("orders"):
        return ""
    return f"{day(window['from'])} to {day(window['to'], back=1)}"


def _failed_sources(record: Record) -> list[str]:
    """Sources that failed, where the reasons do not name them already."""
    told = " ".join(str(row.get("detail")) for row in record.get("reasons") or ())
    sources = record.get("sources") or {}
    return [
        f"{name.replace('_', ' ')}: {row['error']}"
        for name, row in sources.items()
        if row.get("error") and name not in told
    ]


def total_ms(record: Record) -> Any:
    """Duration of the run, from the loaded snapshot to the stored bundles."""
    budget, timings = record.get("time_budget") or {}, record.get("phase_timings") or {}
    return budget.get("actual_duration_ms") or timings.get("total") or timings.get("total_ms")


def funnel(record: Record, kept: int) -> list[dict[str, Any]]:
    """From candidates to bundles: what each step kept, and every reason for what it lost.

    Reasons with a count of zero are shown too: that a gate met nothing is worth knowing.
    """
    gates, chosen = record.get("policy_gates") or {}, record.get("diversity_selection") or {}
    total = number(gates.get("total_candidates", record.get("candidates_generated")))
    if total is None:
        return []
    passed = gates.get("passed", record.get("bundles_after_gates"))
    rows: list[tuple[str, str, Any]] = [("kept", "Candidates proposed", total)]
    rows += [("lost", REASON_WORDS[gate], gates.get(f"rejected_{gate}")) for gate in GATES]
    rows += [("kept", "Passed every gate", passed)]
    rows += [("lost", REASON_WORDS[reason], chosen.get(key)) for reason, key in _LATER if chosen.get(key) is not None]
    rows += [("kept", "Bundles", chosen.get("final_bundle_count", kept))]
    return [
        {"kind": kind, "name": name, "count": count(value), "bar": bar(value, total, "")}
        for kind, name, value in rows
        if value is not None
    ]


_LATER = ((Reason.DUPLICATE, "duplicates"), (Reason.NOT_SELECTED, "not_selected"))


def objectives(record: Record, bundles: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Objectives by rank, with what speaks for each and what came of it."""
    found = record.get("objective_selection") or {}
    made: dict[str, int] = {}
    for bundle in bundles:
        made[str(bundle.get("objective"))] = made.get(str(bundle.get("objective")), 0) + 1
    admitted = record.get("selected_objectives")
    rows = sorted(found.items(), key=lambda item: number(item[1].get("rank")) or len(found) + 1)
    return [
        {
            "rank": count(row.get("rank")),
            "name": label(OBJECTIVE_LABELS, name),
            "bars": [bar(row.get(key), 1.0, ratio(row.get(key))) for key in ("benefit", "confidence", "priority")],
            "eligible": count(row.get("eligible")),
            "bundles": made.get(name, 0),
            "is_admitted": admitted is None or name in admitted,
        }
        for name, row in rows
    ]


def grid(record: Record) -> list[dict[str, Any]]:
    """The 8 × 5 combos, a row an objective; a combo that the record does not tell of has no state."""
    cells = {(row.get("objective"), row.get("type")): row for row in record.get("combos_evaluated") or ()}
    if not cells:
        return []
    return [
        {
            "name": label(OBJECTIVE_LABELS, objective),
            "cells": [_cell(cells.get((objective, kind)) or {}, objective, kind) for kind in TYPES],
        }
        for objective in OBJECTIVES
    ]


def _cell(row: Record, objective: Objective, kind: BundleType) -> dict[str, Any]:
    state = str(row.get("state") or "")
    name, why = STATE_WORDS.get(state, (state.replace("_", " ") or ABSENT, ""))
    score = number(row.get("best_score"))
    return {
        "state": state,
        "state_name": name,
        "why": row.get("reason") or why,
        "score": None if score is None else ratio(score),
        "heat": 0 if score is None else max(1, min(HEAT_STEPS, int(score * HEAT_STEPS) + 1)),
        "found": counted(int(row.get("candidates") or 0), "candidate"),
        "taken": f"{count(row['bundles'])} taken" if row.get("bundles") else "",
        "tier": TIER_WORDS.get(row.get("tier", 0)) or str(row.get("tier_name") or "").replace("_", " "),
        "tier_number": row.get("tier"),
        "duration": duration(row.get("duration_ms")) if row.get("duration_ms") is not None else "",
        "is_best": kind in BEST_TYPES[objective],
    }


def legend(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """States that the grid holds and its cells do not explain, with what they mean."""
    present = {cell["state"] for row in rows for cell in row["cells"]}
    return [words for state, words in STATE_WORDS.items() if state in present and state != "found"]


def filters(bundles: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Choices of the filter with their counts, and the pairs of choices that leave no bundle."""
    pairs = {(bundle.get("objective"), bundle.get("type")) for bundle in bundles}
    chosen = (
        [o for o in OBJECTIVES if any(o == pair[0] for pair in pairs)],
        [t for t in TYPES if any(t == pair[1] for pair in pairs)],
    )
    return {
        "objectives": [
            (o.value, OBJECTIVE_LABELS[o], sum(b.get("objective") == o for b in bundles)) for o in chosen[0]
        ],
        "types": [(t.value, TYPE_LABELS[t], sum(b.get("type") == t for b in bundles)) for t in chosen[1]],
        "missing": [(o.value, t.value) for o in chosen[0] for t in chosen[1] if (o, t) not in pairs],
        "total": len(bundles),
    }
