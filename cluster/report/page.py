"""The report of a run as one HTML file that needs nothing else: no script, no font, no network.

Plots are inline SVG made by templates, not by matplotlib: importing it and drawing once takes half a second, three
times the whole page, and makes 230 KB of 2,000 points where one path takes 20; and its colours are fixed when drawn,
while these follow the reader's light or dark scheme and the printer.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cluster.report import account, sections
from cluster.report.alternatives import alternatives
from cluster.report.cards import card
from cluster.report.figures import TYPE_LABELS
from cluster.report.scatter import scatter
from pipeline.terms import TYPES

TEMPLATES = Path(__file__).parent / "templates"


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Templates of the report, each usable on its own by other pages. Every value is escaped."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_report(
    bundles: Sequence[dict[str, Any]], record: dict[str, Any], ingest: dict[str, Any] | None = None
) -> str:
    """The page of a run.

    Text of products is data: it is escaped, and pictures are shown from https addresses only. The page's policy
    allows its one style sheet by hash, pictures over https, and nothing else.

    Args:
        bundles: Objects of `bundles.json`, by rank.
        record: `run.json`; any key may be absent, and its part is then left out.
        ingest: The ingest report; that of the record by default.

    Returns:
        A whole HTML document. The same input gives the same text.
    """
    choices = sections.filters(bundles)
    style = stylesheet(choices)
    rows = sections.grid(record)
    return environment().get_template("report.html.j2").render(
        style=Markup(style),  # our own file and our own terms, no text of a store
        style_hash=_sha256(style),
        header=sections.header(record, bundles),
        funnel=sections.funnel(record, len(bundles)),
        objectives=sections.objectives(record, bundles),
        grid=rows,
        grid_types=[TYPE_LABELS[kind] for kind in TYPES],
        grid_legend=sections.legend(rows),
        plot=scatter((record.get("portfolio") or {}).get("points") or (), bundles, record.get("bundles_after_gates")),
        alternatives=alternatives(record.get("portfolio") or {}),
        timings=account.timings(record),
        around=account.around(record),
        sources=account.sources(record),
        ingest=_ingest(ingest or record.get("ingest")),
        filters=choices,
        cards=[card(bundle) for bundle in bundles],
    )  # fmt: skip


def stylesheet(choices: Mapping[str, Any]) -> str:
    """The style sheet, with the rules that make the filter work without a script."""
    css = environment().get_template("filters.css.j2").render(choices)
    return (TEMPLATES / "report.css").read_text(encoding="utf-8") + css


def _ingest(report: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return account.ingest(report) if report and report.get("files") else None


def _sha256(text: str) -> str:
    """The hash by which a content security policy names an inline style."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
