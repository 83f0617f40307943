"""`python -m benchmarks.dashboard FOLDER`: what a platform team sees of a fleet, as pictures.

A fleet of FOLDER's stores runs on a local Ray with its dashboard; Prometheus scrapes it, and `benchmarks.panels` stands
in for Grafana. While it runs, a headless Chromium takes Ray's pages of tasks, actors and metrics, and our board.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.nodes import linked
from benchmarks.panels import Panels, Prometheus
from tests.support.browser import FLAGS, chromium
from tests.support.watching import BOARD, SCRAPING

DASHBOARD = "http://127.0.0.1:8265"
SESSION = Path("/tmp/ray/session_latest")
SCRAPED_EVERY = "2s"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stores", type=int, default=400)
    parser.add_argument("--watched-s", type=float, default=120.0, help="seconds of the fleet before the pictures")
    parser.add_argument("--out", type=Path, default=Path("out/dashboard"))
    parser.add_argument("--vectors", type=Path, help="folder of vectors that an earlier fleet has left")
    asked = parser.parse_args()
    shutil.rmtree(asked.out, ignore_errors=True)
    stores = linked(asked.folder, asked.stores, asked.out / "stores")
    if asked.vectors:
        (asked.out / "data").mkdir()
        (asked.out / "data" / "vectors").symlink_to(asked.vectors.resolve())
    with (
        _prometheus(asked.out) as address,
        Panels([BOARD, SESSION / "metrics/grafana/dashboards"], Prometheus(address, asked.watched_s)) as panels,
        _fleet(stores, asked.out, {"RAY_GRAFANA_HOST": panels.address, "RAY_PROMETHEUS_HOST": address}),
    ):
        job = _driver()
        time.sleep(asked.watched_s)
        for name, page, height in (
            ("tasks", f"{DASHBOARD}/#/jobs/{job}", 1500),
            ("actors", f"{DASHBOARD}/#/actors", 520),
            ("metrics", f"{DASHBOARD}/#/metrics", 1450),
            ("board", f"{panels.address}/d/basketry", 2980),
        ):
            picture = (asked.out / f"{name}.png").resolve()
            _take(page, picture, height, asked.out / "profile")
            print(picture, flush=True)
    return 0


@contextmanager
def _prometheus(out: Path) -> Iterator[str]:
    """A Prometheus that scrapes as `configs/prometheus/prometheus.yaml` says, only more often; its address."""
    config = SCRAPING.read_text(encoding="utf-8").replace("15s", SCRAPED_EVERY)
    config = config.replace(
        "file_sd_configs:\n      - ", f"file_sd_configs:\n      - refresh_interval: {SCRAPED_EVERY}\n        "
    )
    lines = [line for line in config.splitlines() if not line.startswith("rule_files")]
    place = (out / "prometheus").resolve()
    place.mkdir(parents=True)
    (place / "prometheus.yaml").write_text("\n".join(lines), encoding="utf-8")
    port = _free_port()
    command = [
        "prometheus", f"--config.file={place / 'prometheus.yaml'}", f"--storage.tsdb.path={place / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (place / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@contextmanager
def _fleet(stores: Path, out: Path, environment: dict[str, str]) -> Iterator[None]:
    """A fleet that runs meanwhile, and is ended afterwards."""
    command = [
        sys.executable, "-m", "cluster", "fleet", "run", str(stores), "--data-dir", str(out / "data"),
        "--out", str(out / "fleet"), "--set", "cluster.dashboard=true", "--set", "fleet.whole_ms=1000",
    ]  # fmt: skip
    # No token: a headless browser has nobody who types one.
    open_ = {"RAY_metrics_report_interval_ms": "2000", "RAY_AUTH_MODE": "disabled"}
    with (out / "fleet.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment | open_)
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


def _driver(timeout_s: float = 120.0) -> str:
    """Id of the job that the fleet is to Ray, once Ray's dashboard knows it."""
    until = time.monotonic() + timeout_s
    while True:
        try:
            with urllib.request.urlopen(f"{DASHBOARD}/api/jobs/", timeout=5) as answer:
                jobs: list[dict[str, Any]] = json.load(answer)
            if jobs:
                return str(jobs[0]["job_id"])
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            pass
        if time.monotonic() > until:
            raise TimeoutError(f"no dashboard with a job at {DASHBOARD} within {timeout_s:.0f} s")
        time.sleep(1)


def _take(page: str, picture: Path, height: int, profile: Path) -> None:
    """A picture of a page, once what it asks for has come."""
    options = [f"--user-data-dir={profile}", f"--screenshot={picture}", f"--window-size=1400,{height}"]
    command = [chromium(), *FLAGS, *options, "--virtual-time-budget=30000", page]
    subprocess.run(command, capture_output=True, timeout=240, check=True)
    if not picture.exists():
        raise FileNotFoundError(f"Chromium took no picture of {page}; has the fleet ended? Give more stores")


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
