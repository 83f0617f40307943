"""What the board and the alerts ask for, and what Ray really exports."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
import yaml  # type: ignore[import-untyped]  # it brings no stubs

ROOT = Path(__file__).resolve().parents[2]
BOARD = ROOT / "configs" / "grafana" / "basketry.json"
RULES = ROOT / "configs" / "prometheus" / "basketry.rules.yaml"
SCRAPING = ROOT / "configs" / "prometheus" / "prometheus.yaml"

VARIABLES = {"$__rate_interval": "5m", "$session": ".*"}
"""What Grafana puts in before Prometheus sees an expression."""


def board() -> dict[str, Any]:
    """The board, as Grafana imports it."""
    return dict(json.loads(BOARD.read_text(encoding="utf-8")))


def board_expressions() -> Iterator[tuple[str, str]]:
    """Title and expression of everything that the board asks Prometheus."""
    for panel in board()["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            yield panel["title"], expression


def alerts() -> list[dict[str, Any]]:
    """Every alert."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def series_named(expression: str) -> set[str]:
    """Names of the series an expression asks for."""
    return set(re.findall(r"\bray_\w+", expression))


def all_series_named() -> set[str]:
    """Names of the series that the board and the alerts ask for."""
    asked = [expression for _, expression in board_expressions()] + [rule["expr"] for rule in alerts()]
    return set().union(*map(series_named, asked))


def scrape() -> str:
    """What this node's metrics port says now."""
    port = ray.nodes()[0]["MetricsExportPort"]  # type: ignore[no-untyped-call]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Labels and value of each sample of a scrape, by name."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for line in text.splitlines():
        match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if match and not line.startswith("#"):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', match[2] or ""))
            found.setdefault(match[1], []).append((labels, float(match[3])))
    return found


def stored(found: dict[str, list[tuple[dict[str, str], float]]]) -> Iterator[tuple[str, dict[str, str]]]:
    """Name and labels of the series that Prometheus keeps of a scrape with `prometheus.yaml`."""
    rules = yaml.safe_load(SCRAPING.read_text(encoding="utf-8"))["scrape_configs"][0]["metric_relabel_configs"]
    for name, rows in found.items():
        for has, _ in rows:
            labels = {"__name__": name} | has
            if all(_relabelled(labels, rule) for rule in rules):
                yield name, {label: value for label, value in labels.items() if label != "__name__"}


def _relabelled(labels: dict[str, str], rule: dict[str, Any]) -> bool:
    """Apply a rule to the labels; whether the series stays. Prometheus' regular expressions match a whole value."""
    match = re.fullmatch(rule["regex"], ";".join(labels.get(label, "") for label in rule["source_labels"]))
    if match is None:
        return True
    if rule.get("action", "replace") == "drop":
        return False
    labels[rule["target_label"]] = match.expand(rule["replacement"].replace("$", "\\"))
    return True


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run promtool on files of ours."""
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=240, check=False)
