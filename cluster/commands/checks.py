"""What `basketry doctor` asks of the cluster, the disk, the clock and Ray's token."""

import os
import platform
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from actors.places import open_folder
from cluster.session import LOCAL, RaySession, address_of, data_folder
from configs.settings import Settings
from pipeline.errors import BasketryError
from pipeline.storage import Uri

MOST_DRIFT_S = 5.0
"""Clocks that are further apart make leases and the age of bundles hard to read."""

TOKEN_FILE = Path("~/.ray/auth_token")
"""Where Ray looks for its token when no variable names one."""


class Finding(NamedTuple):
    """One check of the machine."""

    check: str
    ok: bool
    found: str
    advice: str = ""


def check_writing(settings: Settings) -> Finding:
    """Write a file into the data folder, read it back, and compare the clock of the disk with ours."""
    folder = data_folder(settings.data_dir)
    if isinstance(folder, Uri):
        return _write_object(folder)
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    advice = f"make {existing} writable for this user, or set BASKETRY_DATA_DIR"
    try:
        with tempfile.NamedTemporaryFile(dir=existing, prefix=".basketry-doctor-") as probe:
            probe.write(b"written")
            probe.flush()
            drift = abs(time.time() - Path(probe.name).stat().st_mtime)
    except OSError as error:
        return Finding("writing", False, f"{existing}: {error.strerror}", advice)
    if drift > MOST_DRIFT_S:
        advice = "set both clocks by NTP"
        return Finding("writing", False, f"the clock of {existing} is {drift:.0f} s away from ours", advice)
    where = str(folder) if existing == folder else f"{existing} (the first run makes {folder.name})"
    return Finding("writing", True, f"{where} takes files")


def _write_object(place: Uri) -> Finding:
    """Write a small object, and take it away again."""
    store = open_folder(place) / "doctor"
    name = f"probe-{os.getpid()}-{time.time_ns()}"
    try:
        store.write(name, b"written")
        store.remove(name)
    except BasketryError as error:
        return Finding("writing", False, str(error), "let this key write below data_dir")
    return Finding("writing", True, f"{place} takes objects")


def check_clock(settings: Settings) -> Finding:
    """Whether this machine knows what day it is: plans, ages and leases hang on it."""
    now = datetime.now(UTC)
    built = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    return Finding(
        "clock", now >= built, f"{now:%Y-%m-%d %H:%M:%S} UTC", "set the clock by NTP: it is before our files"
    )


def check_token(settings: Settings) -> Finding:
    """Whether a client of a cluster has a token to show; a local Ray makes its own."""
    if address_of(settings.cluster) == LOCAL:
        return Finding("token", True, "a local Ray makes its own")
    advice = "copy the cluster's token to ~/.ray/auth_token, or name it in RAY_AUTH_TOKEN_PATH"
    if os.environ.get("RAY_AUTH_TOKEN"):
        return Finding("token", True, "in RAY_AUTH_TOKEN")
    path = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or TOKEN_FILE).expanduser()
    with suppress(OSError):
        if path.read_text(encoding="utf-8").strip():
            others_too = " (other users of this machine may read it)" if path.stat().st_mode & 0o077 else ""
            return Finding("token", True, f"in {path}{others_too}")
    return Finding("token", False, f"none at {path}", advice)


def check_cluster(settings: Settings) -> Finding:
    """Connect as a run would: reachable, same Ray and Python, workers there."""
    if address_of(settings.cluster) == LOCAL:
        return Finding("cluster", True, "none: each command starts a Ray of its own")
    address = address_of(settings.cluster)
    try:
        with RaySession(settings.cluster) as session:
            session.wait()
            return _nodes_of(address)
    except BasketryError as error:
        return Finding("cluster", False, str(error), "start it, or give the versions that it runs")


def _nodes_of(address: str) -> Finding:
    import ray

    alive = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    cpus = int(sum(node["Resources"].get("CPU", 0) for node in alive))
    nodes = f"{len(alive)} node{'' if len(alive) == 1 else 's'}"
    found = f"{address}: {nodes}, {cpus} CPUs, Ray {ray.__version__}, Python {platform.python_version()} as here"
    return Finding("cluster", cpus > 0, found, "add workers: a cluster without CPUs runs nothing")
