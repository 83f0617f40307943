"""What a fleet came to: a row a store, and the sums."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from cluster.database.values import FleetRow
from pipeline.errors import SettingsError

ENDED = ("succeeded", "degraded", "partial", "failed", "cancelled")
"""States that do not change any more."""
EXIT_CODES = {"failed": 1, "cancelled": 1, "partial": 4, "degraded": 3}
"""The worst state of a fleet is its exit code, in this order; 0 where every store succeeded."""


def fleet_json(rows: Sequence[FleetRow]) -> list[dict[str, Any]]:
    """`fleet.json`: an object a store, by name.

    `status` is how its run ended, or `queued` or `running`; `seconds` is the time of its phases and of reading its
    files; `cost` is in US dollars, as a decimal string; `tier` is the weakest tier that a bundle of it came from.
    """
    return [_row(row) for row in rows]


def _row(row: FleetRow) -> dict[str, Any]:
    empty: dict[str, Any] = {"orders": None, "bundles": 0, "seconds": None, "cost": "0", "tier": None, "reasons": []}
    summary = empty | (row.summary or {})
    if row.error and row.summary is None:
        summary["reasons"] = [{"code": row.state, "detail": row.error}]
    return {"store": row.store, "status": row.state, **summary, "run_id": row.run_id, "reused": row.is_reused}


def exit_code(rows: Sequence[FleetRow]) -> int:
    """0 where all stores succeeded, else that of the worst: failed, then partial, then degraded."""
    states = {row.state for row in rows}
    return next((code for state, code in EXIT_CODES.items() if state in states), 0)


def status_of(rows: Sequence[FleetRow]) -> str:
    """The fleet's status in one word: that of its worst store, or `running` while one is open."""
    states = {row.state for row in rows}
    if not states <= set(ENDED):
        return "running"
    worst = next((state for state in EXIT_CODES if state in states), "succeeded")
    return "failed" if worst == "cancelled" else worst


def overview(fleet: str, rows: Sequence[FleetRow]) -> dict[str, Any]:
    """The fleet in numbers."""
    summaries = [row.summary or {} for row in rows]
    mine = [row for row in rows if not row.is_reused]
    starts = [row.started_at for row in mine if row.started_at]
    ends = [row.finished_at for row in mine if row.finished_at]
    wall_s = max(0.0, (max(ends) - min(starts)).total_seconds()) if starts and ends else 0.0
    done = sum(row.state in ENDED for row in mine)
    return {
        "fleet": fleet,
        "status": status_of(rows),
        "stores": len(rows),
        "states": dict(sorted(Counter(row.state for row in rows).items())),
        "reused": len(rows) - len(mine),
        "bundles": sum(summary.get("bundles", 0) for summary in summaries),
        "orders": sum(summary.get("orders") or 0 for summary in summaries),
        "seconds": round(wall_s, 3),
        "stores_per_s": round(done / wall_s, 3) if wall_s else None,
    }


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_age_s(text: str) -> float:
    """Seconds of an age such as `24h`, `90m`, `30s` or `7d`.

    >>> parse_age_s("24h"), parse_age_s("1.5d")
    (86400.0, 129600.0)
    """
    number, unit = text.strip()[:-1], text.strip()[-1:]
    try:
        seconds = float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise SettingsError(f"--max-age {text!r} is no age; expected one such as 24h, 90m or 7d")
    return seconds
