"""Fleets of small stores, run by real processes that a test disturbs."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.synthetic import synthetic_store
from cluster.database.database import Database
from cluster.database.engine import sqlite_url
from tests.support.processes import Finished, basketry, find_workers, start
from tests.support.tables import write_canonical

SMALL_ORDERS = 60
STORES = 6
"""Stores of the fleets that are disturbed."""

QUICK = (
    "--set", "fleet.poll_s=0.2", "--set", "fleet.reap_s=0.5", "--set", "fleet.commit_wait_s=0.05",
    "--set", "plan.deadline_ms=600000",
)  # fmt: skip
"""Nobody waits longer than a test has time for, and no search is cut, however slow the machine."""

SPREAD_OUT = ("--set", "fleet.whole_ms=0", "--set", "cluster.fanout=combo")
"""Every store over many tasks, each combo one."""


def write_stores(folder: Path, count: int) -> Path:
    """A folder of `count` small stores, all different."""
    for place in range(count):
        shop = synthetic_store(orders=SMALL_ORDERS + 7 * place, products=20, seed=place)
        write_canonical(shop, folder / f"store-{place:02d}")
    return folder


@dataclass(frozen=True)
class Fleet:
    """A folder of stores, the Ray they run on, and where what they came to is kept.

    Args:
        stores: The folder.
        home: Of its data, and of its files.
        address: A running Ray.
        url: The database; SQLite in its data folder by default.
        data: Its data folder; `data` in its home by default.
        flags: Of every command.
        env: Of every command, such as the cluster's token.
    """

    stores: Path
    home: Path
    address: str
    url: str = ""
    data: str = ""
    flags: tuple[object, ...] = QUICK
    env: Mapping[str, str] = field(default_factory=dict)

    def with_vectors_of(self, other: "Fleet") -> "Fleet":
        """The same fleet with texts that are embedded already: an embedding is not what a test is about."""
        shutil.copytree(other.home / "data" / "vectors", self.home / "data" / "vectors")
        return self

    def but(self, **changes: Any) -> "Fleet":
        return replace(self, **changes)

    @property
    def database(self) -> str:
        return self.url or sqlite_url(self.home / "data")

    def start(self, *flags: object, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        """Start to run it."""
        return start(*self._command(flags), cwd=self._made_home(), env=self._environment(env))

    def run(self, *flags: object, env: Mapping[str, str] | None = None) -> Finished:
        """Run it to its end."""
        return basketry(*self._command(flags), cwd=self._made_home(), env=self._environment(env))

    def bundles(self) -> dict[str, bytes]:
        """Each store's `bundles.json`, as the last command wrote it."""
        return {path.parent.name: path.read_bytes() for path in sorted((self.home / "out").glob("*/bundles.json"))}

    def kept(self) -> dict[str, str]:
        """Run of each store that the database says has ended well: what was acknowledged."""
        return {row.store: row.run_id for row in self.rows() if row.state == "succeeded"}

    def rows(self) -> list[Any]:
        """What the database says of the newest fleet; empty where there is none yet."""
        try:
            with Database(self.database) as database:
                fleets = database.fleets
                return list(fleets.rows(fleets.newest()))
        except Exception:  # the tables are not there yet
            return []

    def records(self) -> list[dict[str, Any]]:
        """Record of each store's run, as the database keeps it."""
        with Database(self.database) as database:
            runs = [database.for_store(row.store).run(row.run_id) for row in self.rows()]
        return [dict(run.record or {}) for run in runs]

    def wait_for(self, state: str, count: int = 1, within_s: float = 90.0) -> None:
        """Until so many of its runs are in a state."""
        until = time.monotonic() + within_s
        while sum(row.state == state for row in self.rows()) < count:
            assert time.monotonic() < until, f"no {count} runs are {state} within {within_s:g} s"
            time.sleep(0.02)

    def _command(self, flags: tuple[object, ...]) -> list[object]:
        return [
            "fleet", "run", self.stores, "--address", self.address, "--data-dir", self.data or self.home / "data",
            "--out", self.home / "out", "--in-flight", 2, "--json", *self.flags, *flags,
        ]  # fmt: skip

    def _environment(self, env: Mapping[str, str] | None) -> dict[str, str]:
        url = {"BASKETRY_DATABASE_URL": self.url} if self.url else {}
        return {**self.env, **url, **(env or {})}

    def _made_home(self) -> Path:
        self.home.mkdir(parents=True, exist_ok=True)
        return self.home


def kill_workers(process: "subprocess.Popen[str]", named: str, most: int) -> int:
    """Kill up to `most` workers below this process that run `named`, one every half second, until `process` has ended.

    Returns:
        How many were killed.
    """
    killed = 0
    while process.poll() is None and killed < most:
        for worker in find_workers(os.getpid(), named)[:1]:
            worker.kill()
            killed += 1
            time.sleep(0.5)
        time.sleep(0.005)
    return killed


def kill(process: "subprocess.Popen[str]") -> None:
    """End a process without warning."""
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)


def poisoned(folder: Path) -> dict[str, str]:
    """Environment in which workers of Ray go wrong on the files of stores that are named after what goes wrong.

    Nothing of the product is changed: Python itself tells a hook of every file that is opened.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("poison.py"), folder / "sitecustomize.py")
    root = str(Path(__file__).resolve().parents[2])
    return {"PYTHONPATH": os.pathsep.join((str(folder), root))}
