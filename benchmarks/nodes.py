"""`python -m benchmarks.nodes FOLDER --stores 200`: the same fleet on clusters of 1, 2 and 4 nodes of this machine.

Every cluster begins with an empty database and no vectors. The nodes are logical ones of a CPU each: with more of them
than the machine has cores, what is seen is that all of them work and that nothing changes, not that it gets faster.
Whose combos and batches a worker did is read from the records of the runs. Exits with 1 where bytes differ, a node did
nothing, or `--resume` ran a store again.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cluster.database.database import Database
from cluster.database.engine import sqlite_url
from tests.support.several_nodes import several_nodes


class Seen(NamedTuple):
    """A fleet on so many nodes."""

    nodes: int
    seconds: float
    combos_on: int
    """Nodes that ran combos."""
    batches_on: int
    """Nodes that embedded."""
    run_again: int
    """Stores that `--resume` ran."""
    bundles: dict[str, bytes]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nodes", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stores", type=int, default=200)
    parser.add_argument("--nodes", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--out", type=Path, default=Path("out/nodes"))
    asked = parser.parse_args()
    shutil.rmtree(asked.out, ignore_errors=True)
    stores = linked(asked.folder, asked.stores, asked.out / "stores")
    seen = []
    for count in asked.nodes:
        seen.append(run_on(count, stores, asked.out.resolve() / f"nodes-{count}"))
        one = seen[-1]
        print(
            f"{count} nodes: {len(one.bundles)} stores in {one.seconds:.0f} s, combos on {one.combos_on} nodes, "
            f"batches on {one.batches_on}; {one.run_again} run again by --resume; "
            f"{'equal bytes' if one.bundles == seen[0].bundles else 'OTHER BYTES'}",
            flush=True,
        )
    is_good = all(
        one.bundles == seen[0].bundles and one.combos_on == one.batches_on == one.nodes and not one.run_again
        for one in seen
    )
    return 0 if is_good else 1


def linked(folder: Path, count: int, target: Path) -> Path:
    """A folder with so many of the stores, evenly from small to large."""
    target.mkdir(parents=True)
    found = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: (_size(path), path.name))
    for place in range(min(count, len(found))):
        store = found[place * len(found) // min(count, len(found))]
        (target / store.name).symlink_to(store.resolve())
    return target.resolve()


def _size(store: Path) -> int:
    return sum(path.stat().st_size for path in store.iterdir())


def run_on(count: int, stores: Path, home: Path) -> Seen:
    """The fleet on a cluster of `count` nodes, and once more with `--resume`."""
    with several_nodes(count) as nodes:
        command = ["--address", nodes.address, "--set", "cluster.shared_data_dir=true", "--in-flight", str(2 * count)]
        first = _fleet(stores, home, command, nodes.env)
        records = _records(home / "data", first["rows"])
        again = _fleet(stores, home, [*command, "--resume"], nodes.env)
    combos = [row["worker"] for record in records for row in record["combos_evaluated"] if row.get("worker")]
    batches = [worker for record in records for worker in (record["first_embedding"] or {}).get("workers", ())]
    bundles = {path.parent.name: path.read_bytes() for path in sorted((home / "out").glob("*/bundles.json"))}
    run_again = sum(not row["reused"] for row in again["rows"])
    return Seen(count, first["seconds"], _nodes_of(combos), _nodes_of(batches), run_again, bundles)


def _nodes_of(workers: Iterable[str]) -> int:
    """Nodes of workers that are named `host:process:node`."""
    return len({worker.rpartition(":")[2] for worker in workers})


def _fleet(stores: Path, home: Path, flags: Sequence[str], env: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "cluster", "fleet", "run", str(stores), "--data-dir", str(home / "data"),
               "--out", str(home / "out"), "--json", *flags]  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BASKETRY_", "RAY_"))}
    done = subprocess.run(command, env=kept | {"OMP_NUM_THREADS": "1"} | env, stdout=subprocess.PIPE, check=False)
    return dict(json.loads(done.stdout))


def _records(data: Path, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    with Database(sqlite_url(data)) as database:
        runs = [database.for_store(row["store"]).run(row["run_id"]) for row in rows]
    return [dict(run.record) for run in runs if run.record]


if __name__ == "__main__":
    sys.exit(main())
