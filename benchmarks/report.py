"""Figures as tables on a terminal, as `bench.json` and as Markdown: one list, written three ways."""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Figure

HEADERS = ("what", "figure", "median", "min – max", "n", "target", "")

WIDE = ("warm Ray, fresh context", "warm Ray, kept context", "one process, no Ray", "control, NSGA-II a combo",
        "control, NSGA-II once")  # fmt: skip
"""Parts with the same figures for every store: one row a store, one column a figure."""


def shown(value: float, unit: str) -> str:
    """A value with its unit and no more digits than it can bear.

    >>> shown(0.5234, "s"), shown(127.4, "MB"), shown(-3.21, "%")
    ('0.523 s', '127 MB', '-3 %')
    """
    digits = (3 if abs(value) < 10 else 1) if unit == "s" else (2 if unit == "×" and abs(value) < 10 else 0)
    return f"{value:,.{digits}f} {unit}"


def table_of(figures: Sequence[Figure]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headers and rows of one part."""
    return _wide(figures) if figures[0].part in WIDE else (HEADERS, [_row(figure) for figure in figures])


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.subject, figure.name, shown(figure.median, figure.unit), _spread(figure), str(len(figure.values)),
        _target(figure), _verdict(figure),
    )  # fmt: skip


def _wide(figures: Sequence[Figure]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    names = list(dict.fromkeys(figure.name for figure in figures))
    rows = []
    for subject, of_subject in groupby(figures, key=lambda figure: figure.subject):
        cells = {figure.name: figure for figure in of_subject}
        total = cells["total"]
        medians = [shown(cells[name].median, "s") if name in cells else "" for name in names]
        tail = (_spread(total), str(len(total.values)), _target(total), _verdict(total))
        rows.append((subject, *medians, *tail))
    return ("store", *names, "min – max", "n", "target", ""), rows


def _spread(figure: Figure) -> str:
    least, most = min(figure.values), max(figure.values)
    return "" if len(figure.values) < 2 else f"{shown(least, figure.unit)} – {shown(most, figure.unit)}"


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    return f"{'≥' if figure.at_least else '≤'} {shown(figure.target, figure.unit)}"


def _verdict(figure: Figure) -> str:
    return {None: "", True: "met", False: "missed"}[figure.met]


def by_part(figures: Iterable[Figure]) -> dict[str, list[Figure]]:
    """Figures by the table they belong to, in order of first appearance."""
    parts: dict[str, list[Figure]] = {}
    for figure in figures:
        parts.setdefault(figure.part, []).append(figure)
    return parts


def print_part(console: Console, part: str, figures: Sequence[Figure]) -> None:
    """One part as a table."""
    headers, rows = table_of(figures)
    table = Table(title=part, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for place, header in enumerate(headers):
        table.add_column(header, justify="left" if place < len(headers) - len(rows[0]) + 1 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table, "")


def describe(about: dict[str, Any]) -> str:
    """Machine, load and versions in one paragraph."""
    start, end = about["load"]["start"], about["load"]["end"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (
        f"{about['date']}: {about['cpu']}, {about['cores']} cores, {about['ram_gb']} GB, {about['system']}; "
        f"load average {start[0]} at the start, {end[0]} at the end (1 min); {about['repeats']} repeats; {versions}."
    )


def markdown(figures: Iterable[Figure], about: dict[str, Any]) -> str:
    """All parts as Markdown tables, under the machine they were measured on."""
    lines = [describe(about), ""]
    for part, of_part in by_part(figures).items():
        headers, rows = table_of(of_part)
        lines += [f"## {part[0].upper()}{part[1:]}", "", _line(headers), _line(["---"] * len(headers))]
        lines += [*map(_line, rows), ""]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write_report(folder: Path, figures: Sequence[Figure], about: dict[str, Any]) -> None:
    """`bench.json` and `bench.md` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    body = {"about": about, "figures": [figure.to_json() for figure in figures]}
    (folder / "bench.json").write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / "bench.md").write_text(markdown(figures, about), encoding="utf-8")
