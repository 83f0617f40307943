"""Storage that goes away in the middle of a fleet: an object store that is stopped, a disk that is full."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from pipeline.storage import Uri
from tests.support.disturbed import QUICK, Fleet
from tests.support.object_store import CREDENTIALS, s3_server
from tests.support.processes import finish
from tests.support.slow_proxy import slow_proxy

pytestmark = [pytest.mark.ray, pytest.mark.cluster]

AWAY_S = 10.0
DELAY_S = 0.05
"""Of every question and of every answer."""
DISK_MB = 40


def test_a_fleet_outlasts_an_object_store_that_is_gone_for_ten_seconds(undisturbed: Fleet, tmp_path: Path) -> None:
    with s3_server() as bucket:
        fleet = undisturbed.but(
            home=tmp_path / "fleet", address="local", url=f"sqlite:///{tmp_path / 'fleet.db'}",
            data=str(bucket / "data"), env=CREDENTIALS, flags=(*QUICK, "--workers", 2),
        )  # fmt: skip
        process = fleet.start()
        fleet.wait_for("succeeded")
    time.sleep(AWAY_S)
    with s3_server(port_of(bucket)):  # what it kept is in this process
        finished = finish(process)

    assert finished.code == 0, finished.err
    assert finished.json["status"] == "succeeded"
    assert fleet.bundles() == undisturbed.bundles()


def test_a_fleet_on_a_slow_object_store_takes_longer_and_comes_to_the_same(undisturbed: Fleet, tmp_path: Path) -> None:
    with s3_server() as bucket, slow_proxy(port_of(bucket), DELAY_S) as port:
        data = str(bucket / "data").replace(f"{port_of(bucket)}", f"{port}")
        fleet = undisturbed.but(
            home=tmp_path / "fleet", address="local", url=f"sqlite:///{tmp_path / 'fleet.db'}", data=data,
            env=CREDENTIALS, flags=(*QUICK, "--workers", 2),
        )  # fmt: skip

        finished = fleet.run()

    assert finished.code == 0, finished.err
    assert fleet.bundles() == undisturbed.bundles()


@pytest.mark.skipif(os.getuid() != 0, reason="only root mounts a small disk")
def test_a_fleet_on_a_full_disk_tears_nothing_and_is_resumed_when_there_is_room(
    undisturbed: Fleet, tmp_path: Path
) -> None:
    fleet = undisturbed.but(home=tmp_path / "fleet")
    with small_disk(fleet.home / "data"):
        fleet.with_vectors_of(undisturbed)
        process = fleet.start()
        fleet.wait_for("succeeded")
        ballast = fill(fleet.home / "data")
        time.sleep(3)
        kept = fleet.kept()
        ballast.unlink()
        ended = finish(process)

        resumed = fleet.run("--resume")
        after = fleet.kept()

    assert ended.code in (0, 1), ended.err
    assert not ended.is_traceback
    assert resumed.code == 0, resumed.err
    assert kept
    assert kept.items() <= after.items()
    assert fleet.bundles() == undisturbed.bundles()


def port_of(bucket: Uri) -> int:
    """Where the server of a bucket listens."""
    return int(parse_qs(bucket.options)["endpoint_override"][0].rpartition(":")[2])


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of `DISK_MB` in memory, mounted at `folder`; the test is skipped where that is not allowed."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this container may not mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all that is free."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue
    return ballast
