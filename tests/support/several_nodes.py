"""A cluster of several nodes on this machine, in a process of its own that can be told to add and remove nodes.

Each node has a raylet, an object store and one CPU. The process is apart because a test's own process may be connected
to another Ray, and because what a cluster believes about tokens is read once a process.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.processes import environment

NODE = {"num_cpus": 1, "object_store_memory": 150_000_000}
QUICK = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 500, "health_check_failure_threshold": 4}
"""A dead node is noticed after two seconds rather than half a minute."""


class Nodes:
    """A cluster in another process."""

    def __init__(self, process: "subprocess.Popen[str]", env: dict[str, str]) -> None:
        self._process = process
        self.env = env
        """What a command needs to be let in."""
        self.address = str(self._answer())
        self.pid = process.pid

    def grow_to(self, count: int) -> None:
        """Add nodes until there are `count`."""
        self._tell("grow", count)

    def remove_one(self) -> None:
        """Kill a node that is not the head, with all that runs on it, without warning."""
        self._tell("remove", 1)

    def kill_head(self) -> None:
        """Kill what knows the whole cluster (Ray's GCS), without warning."""
        self._tell("kill head", 1)

    def start_head(self) -> None:
        """Start it again, at the same address."""
        self._tell("start head", 1)

    def close(self) -> None:
        """Stop all nodes."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _tell(self, what: str, count: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([what, count]) + "\n")
        self._process.stdin.flush()
        self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the cluster's process ended"
        return json.loads(line)


@contextmanager
def several_nodes(count: int = 1, **more: str) -> Iterator[Nodes]:
    """A cluster of `count` nodes that wants a token; `more` goes into the environment of its processes."""
    env = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0", **more}
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.several_nodes"], cwd=root, env=environment(**env), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    nodes = Nodes(process, env)
    try:
        nodes.grow_to(count)
        yield nodes
    finally:
        nodes.close()


def main() -> None:
    """Start a head, say its address, then do what each line of standard input asks."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # Ray prints there, too, and not by Python's own means alone
    from ray.cluster_utils import Cluster

    head = NODE | {"include_dashboard": False, "_system_config": QUICK}
    cluster: Any = Cluster(initialize_head=True, head_node_args=head)
    workers: list[Any] = []
    print(json.dumps(cluster.address), file=answers, flush=True)
    for line in sys.stdin:
        what, count = json.loads(line)
        if what == "grow":
            while len(workers) + 1 < count:
                workers.append(cluster.add_node(**NODE))
        elif what == "kill head":
            cluster.head_node.kill_gcs_server()
        elif what == "start head":
            cluster.head_node.start_gcs_server()
        else:
            cluster.remove_node(workers.pop(), allow_graceful=False)
        print(json.dumps("done"), file=answers, flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
