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
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    names = [" ".join(one.cmdline()) for one in processes]
    open_to = {at.laddr.ip for one in processes for at in one.net_connections("tcp") if at.status == "LISTEN"}
    print(json.dumps({"names": names, "open_to": sorted(open_to)}))
"""


@pytest.mark.parametrize("dashboard", ["with", "without"])
def test_a_local_ray_is_closed_to_the_network_and_has_agents_only_beside_a_dashboard(
    dashboard: str, tmp_path: Path
) -> None:
    root = str(Path(__file__).resolve().parents[2])

    done = subprocess.run(
        [sys.executable, "-c", ITS_PROCESSES, dashboard], cwd=tmp_path, env=environment(PYTHONPATH=root),
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip

    found = json.loads(done.stdout)
    assert any("raylet" in name for name in found["names"])
    assert any("DashboardAgent" in name for name in found["names"]) == (dashboard == "with"), found
    assert found["open_to"]
    assert all(host.removeprefix("::ffff:") in ("127.0.0.1", "::1") for host in found["open_to"]), found
