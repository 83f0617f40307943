"""The board, the alerts and the runbooks name metrics that there are, and speak of the same things."""

import json
import re
import shutil
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from cluster.metrics import FAMILIES, exported_names
from tests.support.watching import ROOT, RULES, alerts, all_series_named, board, board_expressions, promtool, stored

OPERATIONS = ROOT / "docs" / "operations.md"

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed: alerts are not tried out"
)

FEW_VALUES = {
    "state", "code", "phase", "objective", "type", "tier", "source", "stage", "cache", "shard", "purpose", "outcome",
}  # fmt: skip
"""Labels whose values are ours and few."""


def test_no_metric_has_a_label_that_could_hold_a_store() -> None:
    labels = {label for family in FAMILIES.values() for label in family.labels}

    assert labels <= FEW_VALUES


def test_prometheus_keeps_no_store_that_ray_names_a_process_or_a_lost_worker_after() -> None:
    names = ("ray::combos:FBT and 3 more of acme", "ray::store:acme", "ray::IDLE", "raylet")
    scraped = {
        "ray_component_cpu": [({"Component": name}, 1.0) for name in names],
        "ray_lost_workers": [({"Name": "ingest:acme"}, 1.0), ({"Name": "StoreShardActor"}, 1.0)],
    }

    components = [labels["Component"] for name, labels in stored(scraped) if name == "ray_component_cpu"]
    lost = [labels["Name"] for name, labels in stored(scraped) if name == "ray_lost_workers"]

    assert components == ["ray::combos", "ray::store", "ray::IDLE", "raylet"]
    assert lost == ["StoreShardActor"]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_metric_says_its_unit_or_that_it_is_a_count(name: str) -> None:
    family = FAMILIES[name]

    assert re.fullmatch(r"[a-z_]+", name)
    assert family.meaning.endswith(".")
    assert name.endswith("_total") == (family.kind.__name__ == "Counter")
    assert name.endswith("_seconds") == bool(family.buckets)
    assert list(family.buckets) == sorted(set(family.buckets))


def test_the_board_and_the_alerts_name_no_metric_of_ours_that_is_not_there() -> None:
    ours = {name for name in all_series_named() if name.startswith("ray_basketry_")}

    assert ours <= exported_names()


def test_every_metric_of_ours_is_on_the_board() -> None:
    shown = " ".join(expression for _, expression in board_expressions())

    assert [name for name in FAMILIES if f"ray_basketry_{name}" not in shown] == []


def test_the_board_is_what_grafana_imports() -> None:
    made = board()

    assert made["schemaVersion"] >= 36
    assert made["title"]
    assert re.fullmatch(r"[a-z-]{1,40}", made["uid"])
    assert {variable["name"] for variable in made["templating"]["list"]} == {"datasource", "session"}
    assert max(Counter(panel["id"] for panel in made["panels"]).values()) == 1


def test_panels_lie_side_by_side_within_the_24_columns() -> None:
    places = [panel["gridPos"] for panel in board()["panels"]]

    assert all(place["w"] > 0 and place["h"] > 0 and place["x"] + place["w"] <= 24 for place in places)
    assert not any(_overlap(one, other) for one, other in combinations(places, 2))


def test_a_panel_says_what_it_shows_in_which_unit_from_which_source() -> None:
    for panel in board()["panels"]:
        if panel["type"] == "row":
            continue
        assert panel["type"] in ("stat", "timeseries"), panel["title"]
        assert panel["description"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        letters = [target["refId"] for target in panel["targets"]]
        assert letters == sorted(set(letters))
        assert all(target["datasource"]["uid"] == "${datasource}" for target in panel["targets"])


@needs_promtool
def test_prometheus_understands_every_expression_of_the_board(tmp_path: Path) -> None:
    rules = [{"record": f"board:panel{at}", "expr": expr} for at, (_, expr) in enumerate(board_expressions())]
    path = tmp_path / "board.yaml"
    path.write_text(json.dumps({"groups": [{"name": "board", "rules": rules}]}))

    checked = promtool("check", "rules", path)

    assert checked.returncode == 0, checked.stdout + checked.stderr


@needs_promtool
def test_alerts_fire_where_they_must_and_nowhere_else() -> None:
    tried = promtool("test", "rules", RULES.with_name("basketry.rules_test.yaml"))

    assert tried.returncode == 0, tried.stdout + tried.stderr


def test_each_alert_is_tried_out_firing_and_silent() -> None:
    text = RULES.with_name("basketry.rules_test.yaml").read_text(encoding="utf-8")
    cases = re.findall(r"alertname: (\w+)\n.*\n +exp_alerts:(.*)", text)

    for rule in alerts():
        assert {bool(silent.strip()) for name, silent in cases if name == rule["alert"]} == {True, False}, rule["alert"]


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    headings = set(re.findall(r"^#+ (Basketry\w+)$", OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE))

    assert headings == {rule["alert"] for rule in alerts()}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_urgent_it_is_and_where_its_runbook_is(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{rule['alert'].lower()}"


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return not (
        one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    )  # fmt: skip
