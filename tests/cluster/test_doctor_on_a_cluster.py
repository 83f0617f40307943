"""The doctor, asked about a cluster that is there."""

from pathlib import Path

import pytest

from tests.support.processes import basketry

pytestmark = [pytest.mark.ray, pytest.mark.cluster]


def test_doctor_finds_nodes_and_processors_of_a_cluster(ray_local: str, tmp_path: Path) -> None:
    finished = basketry("doctor", "--address", ray_local, "--data-dir", tmp_path, "--json", cwd=tmp_path)

    checks = {check["check"]: check for check in finished.json["checks"]}
    assert finished.code == 0, finished.out
    assert "1 node, 2 CPUs, Ray 2.60.0" in checks["cluster"]["found"]
    assert checks["token"]["ok"]


def test_doctor_says_so_when_ray_is_open_to_anybody(ray_local: str, tmp_path: Path) -> None:
    finished = basketry("doctor", "--address", "127.0.0.1:1", "--json", cwd=tmp_path, env={"RAY_AUTH_MODE": "disabled"})

    bad = {check["check"] for check in finished.json["checks"] if not check["ok"]}
    assert finished.code == 1
    assert {"Ray", "cluster"} <= bad
