"""`python -m benchmarks.recovery`: how long a fleet takes to make up for a shard, a node, or its coordinator.

A fleet of small stores is spread over a cluster of two nodes. Once some stores have ended, one part is killed without
warning. Recovered is when every store that was in hand then has ended well, its own work included; after a
coordinator, when another, which is started at once, has put them back into the queue: what comes then is the start of
any fleet. Medians of a few rounds, each with a fresh cluster and database.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from tests.support.disturbed import SPREAD_OUT, Fleet, kill, write_stores
from tests.support.processes import finish, kill_worker
from tests.support.several_nodes import Nodes, several_nodes

STORES = 10
LEASE_S, REAP_S = 6.0, 3.0
ALLOWED_S = {"shard": 5.0, "node": 10.0, "coordinator": LEASE_S + REAP_S + 5.0}
FLAGS = (
    "--set", f"fleet.lease_s={LEASE_S}", "--set", f"fleet.reap_s={REAP_S}", "--set", "fleet.max_attempts=8",
    "--set", "cluster.shared_data_dir=true", "--set", "plan.deadline_ms=600000", *SPREAD_OUT,
)  # fmt: skip


Fault: TypeAlias = Callable[[Fleet, Nodes, "subprocess.Popen[str]"], "subprocess.Popen[str]"]
"""What is done to a fleet; gives the process that runs it from then on."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recovery", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    faults: dict[str, Fault] = {
        "shard": _kill_shard, "node": _kill_node, "coordinator": _kill_coordinator,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        stores = write_stores(home / "stores", STORES)
        warm = Fleet(stores, home / "warm", "local")
        assert warm.run().code == 0
        is_good = True
        for fault, disturb in faults.items():
            seconds = [recovery_s(disturb, warm, home / f"{fault}-{number}") for number in range(asked.rounds)]
            middle = statistics.median(seconds)
            is_good &= middle <= ALLOWED_S[fault]
            print(
                f"{fault}: {middle:.1f} s ({min(seconds):.1f} to {max(seconds):.1f}), allowed {ALLOWED_S[fault]:g} s",
                flush=True,
            )
    return 0 if is_good else 1


def recovery_s(disturb: Fault, warm: Fleet, home: Path) -> float:
    """Seconds from a fault until all stores in hand are made up for; the fleet then ends as an undisturbed one."""
    with several_nodes(2) as nodes:
        fleet = warm.but(home=home, address=nodes.address, env=nodes.env, flags=FLAGS).with_vectors_of(warm)
        process = fleet.start()
        fleet.wait_for("succeeded", 2)
        fleet.wait_for("running")
        in_hand = {row.store for row in fleet.rows() if row.state == "running"}
        begun = time.monotonic()
        follower = disturb(fleet, nodes, process)
        while not _made_up_for(fleet, in_hand, queued_is_enough=follower is not process):
            time.sleep(0.02)
        seconds = time.monotonic() - begun
        assert finish(follower).code == 0
        assert fleet.bundles() == warm.bundles()
    return seconds


def _made_up_for(fleet: Fleet, in_hand: set[str], *, queued_is_enough: bool) -> bool:
    """Whether all have ended well or, after a coordinator, are nobody's any more."""
    enough = {"succeeded", "queued"} if queued_is_enough else {"succeeded"}
    states = {row.store: row.state for row in fleet.rows()}
    return all(states.get(store) in enough for store in in_hand)


def _kill_shard(fleet: Fleet, nodes: Nodes, process: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
    kill_worker(nodes.pid, "StoreShard")
    return process


def _kill_node(fleet: Fleet, nodes: Nodes, process: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
    nodes.remove_one()
    return process


def _kill_coordinator(fleet: Fleet, nodes: Nodes, process: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
    kill(process)
    return fleet.start("--resume")


if __name__ == "__main__":
    sys.exit(main())
