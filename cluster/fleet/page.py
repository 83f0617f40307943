"""The page of a fleet: one HTML file that needs nothing else, in the style of a run's report."""

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from cluster.database.values import FleetRow
from cluster.fleet.plots import by_size, seconds_text, throughput
from cluster.fleet.rows import fleet_json
from cluster.report.figures import ABSENT, TIER_WORDS, bar, count
from cluster.report.page import TEMPLATES, environment

WORST = 12
"""Rows of the short tables."""
MOST_ROWS = 2_000
"""Stores that the page lists; `fleet.json` has all."""


def render_fleet(summary: Mapping[str, Any], rows: Sequence[FleetRow]) -> str:
    """The page of a fleet.

    Names of stores and messages are data: they are escaped, and the page's policy allows its one style sheet alone.

    Args:
        summary: `cluster.fleet.rows.overview` of the fleet.
        rows: Its stores.
    """
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    objects = fleet_json(rows)
    trouble = [row for row in objects if row["status"] not in ("succeeded", "queued", "running")]
    return environment().get_template("fleet.html.j2").render(
        style=Markup(style),  # our own file
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        fleet=summary["fleet"],
        status=summary["status"],
        lead=_lead(summary),
        figures=_figures(summary, objects),
        throughput=throughput(_ended_s(rows)),
        sizes=by_size([(row["orders"] or 0, row["seconds"]) for row in objects if row["seconds"]]),
        tiers=_tiers(objects),
        states=_states(objects),
        trouble=[_shown(row) for row in sorted(trouble, key=_by_trouble)[:WORST]],
        more_trouble=max(0, len(trouble) - WORST),
        slowest=[_shown(row) for row in sorted(objects, key=lambda row: -(row["seconds"] or 0))[:WORST]],
        stores=[_shown(row) for row in objects[:MOST_ROWS]],
        more_stores=max(0, len(objects) - MOST_ROWS),
    )  # fmt: skip


def _lead(summary: Mapping[str, Any]) -> str:
    states = ", ".join(f"{number:,} {state}" for state, number in summary["states"].items())
    reused = summary["reused"]
    again = (
        f" {reused:,} had ended well before over the same files and settings, and were not run again." if reused else ""
    )
    return f"{states}.{again}"


def _figures(summary: Mapping[str, Any], objects: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    cost = sum((Decimal(row["cost"]) for row in objects), Decimal(0))
    work = sum(row["seconds"] or 0 for row in objects)
    rate = summary["stores_per_s"]
    return [
        ("Stores", count(summary["stores"])),
        ("Bundles", count(summary["bundles"])),
        ("Orders read", count(summary["orders"])),
        ("From first to last", seconds_text(summary["seconds"])),
        ("Stores a second", f"{rate:.2g}" if rate else ABSENT),
        ("Work in all", seconds_text(work)),
        ("Paid to models", f"${cost:,.2f}"),
    ]


def _ended_s(rows: Sequence[FleetRow]) -> list[float]:
    mine = [row for row in rows if not row.is_reused and row.started_at and row.finished_at]
    begin = min((row.started_at for row in mine if row.started_at), default=None)
    return [(row.finished_at - begin).total_seconds() for row in mine if row.finished_at and begin]


def _tiers(objects: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """How far down the ladder stores had to go for their weakest bundle."""
    counts = Counter(row["tier"] for row in objects if row["tier"])
    most = max(counts.values(), default=0)
    return [
        {"name": words.capitalize(), "stores": count(counts[tier]), "bar": bar(counts[tier], most, "")}
        for tier, words in TIER_WORDS.items()
        if most
    ]


def _states(objects: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Why stores did not simply succeed, counted."""
    reasons = Counter(reason["code"].replace("_", " ") for row in objects for reason in row["reasons"])
    most = max(reasons.values(), default=0)
    return [
        {"name": name.capitalize(), "stores": count(number), "bar": bar(number, most, "")}
        for name, number in reasons.most_common()
    ]


def _by_trouble(row: Mapping[str, Any]) -> tuple[int, str]:
    return (("failed", "cancelled", "partial", "degraded").index(row["status"]), row["store"])


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "store": row["store"],
        "status": row["status"],
        "orders": count(row["orders"]) if row["orders"] is not None else ABSENT,
        "bundles": count(row["bundles"]),
        "time": seconds_text(row["seconds"]) if row["seconds"] else ABSENT,
        "tier": TIER_WORDS.get(row["tier"], ABSENT),
        "cost": f"${Decimal(row['cost']):,.4f}".rstrip("0").rstrip("."),
        "why": "; ".join(f"{reason['code'].replace('_', ' ')}: {reason['detail']}" for reason in row["reasons"]),
        "reused": row["reused"],
    }
