"""What a session with Ray lets through to the person who started the command."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import environment

pytestmark = pytest.mark.ray

LOSES_A_WORKER = """
import io, json, time
from contextlib import redirect_stderr, redirect_stdout

from ray._private import utils, worker

from cluster.session import RaySession
from configs.settings import ClusterConfig

out, err = io.StringIO(), io.StringIO()
with RaySession(ClusterConfig(workers=1)) as session:
    session.wait()
    with redirect_stdout(out), redirect_stderr(err):
        until = time.monotonic() + 30
        while "a worker was lost" not in out.getvalue() + err.getvalue() and time.monotonic() < until:
            utils.publish_error_to_driver("worker_died", "a worker was lost", worker.global_worker.gcs_client)
            time.sleep(0.2)
print(json.dumps({"out": out.getvalue(), "err": err.getvalue()}))
"""


def test_ray_warns_on_standard_error_and_leaves_standard_output_to_the_command(tmp_path: Path) -> None:
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", LOSES_A_WORKER]

    done = subprocess.run(
        command, cwd=tmp_path, env=environment(PYTHONPATH=root), capture_output=True, text=True, timeout=120
    )

    said = json.loads(done.stdout)
    assert said["out"] == ""
    assert "a worker was lost" in said["err"]


ITS_PROCESSES = """
import json, sys

import psutil

from cluster.session import RaySession
from configs.settings import ClusterConfig

with RaySession(ClusterConfig(workers=1, dashboard=sys.argv[1] == "with")) as session:
    session.wait()
    print(json.dumps([" ".join(one.cmdline()) for one in psutil.Process().children(recursive=True)]))
"""


@pytest.mark.parametrize("dashboard", ["with", "without"])
def test_a_local_ray_has_agents_only_beside_a_dashboard(dashboard: str, tmp_path: Path) -> None:
    root = str(Path(__file__).resolve().parents[2])

    done = subprocess.run(
        [sys.executable, "-c", ITS_PROCESSES, dashboard], cwd=tmp_path, env=environment(PYTHONPATH=root),
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip

    running = json.loads(done.stdout)
    assert any("raylet" in one for one in running)
    assert any("DashboardAgent" in one for one in running) == (dashboard == "with"), running
