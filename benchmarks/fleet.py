"""`python -m benchmarks.fleet FOLDER`: a fleet on Ray beside plain processes, its memory, its size and more nodes.

FOLDER has a sub-folder for each store. All texts are embedded first, in a run that is not counted. Then come, in turn,
the fleet on a local Ray and two processes without Ray over the same stores, each with a fresh database and the same
vectors. Small stores are those of fewer than 300 orders.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.fleet_memory import Watched, watch
from benchmarks.fleet_nodes import draw, scale
from benchmarks.measure import load_average, machine

SMALL_ORDERS = 300
STORES = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stores", type=int, default=1_000, help="most stores of the mixed fleet")
    parser.add_argument("--rounds", type=int, default=3, help="of small stores on Ray and without, in turn")
    parser.add_argument("--only", nargs="*", choices=("small", "mixed", "sizes"), default=["small", "mixed", "sizes"])
    parser.add_argument("--out", type=Path, default=Path("out/bench-fleet"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    print(json.dumps(Bench(asked.folder, asked.out, asked.stores).run(asked.only, asked.rounds), indent=1))


class Bench:
    """All figures over the stores of one folder.

    Args:
        folder: Sub-folders are stores.
        out: Where data, pictures and `bench-fleet.json` go.
        stores: Most stores of the mixed fleet.
    """

    def __init__(self, folder: Path, out: Path, stores: int) -> None:
        self._out = out
        found = sorted(path for path in folder.iterdir() if path.is_dir())
        self._all = found[:stores]
        self._small = [path for path in self._all if _orders(path) < SMALL_ORDERS]
        self._vectors = out / "warm" / "vectors"

    def run(self, only: list[str], rounds: int) -> dict[str, Any]:
        """Measure what is asked for; also written as `bench-fleet.json`."""
        result: dict[str, Any] = {"machine": machine(), "load_before": load_average()}
        self._warm()
        if "small" in only:
            result["small"] = self._beside(self._small, rounds)
        if "mixed" in only:
            result["mixed"] = self._mixed()
        if "sizes" in only:
            result["sizes"] = [self._size(share) for share in (0.1, 0.3, 1.0)]
        result["load_after"] = load_average()
        (self._out / "bench-fleet.json").write_text(json.dumps(result, indent=1) + "\n")
        return result

    def _warm(self) -> None:
        if not self._vectors.exists():
            self._on_ray(self._all, "warm")

    def _beside(self, stores: list[Path], rounds: int) -> dict[str, Any]:
        """Small stores on Ray and in plain processes, in turn."""
        on_ray, plain = [], []
        for number in range(rounds):
            fleet, _ = self._on_ray(stores, f"small-ray-{number}")
            on_ray.append(fleet["stores_per_s"])
            plain.append(self._plain(stores, f"small-plain-{number}")["stores_per_s"])
        shares = [a / b for a, b in zip(on_ray, plain, strict=True)]
        return {
            "stores": len(stores), "ray_per_s": on_ray, "plain_per_s": plain,
            "share_of_plain": statistics.median(shares), "shares": shares,
        }  # fmt: skip

    def _mixed(self) -> dict[str, Any]:
        """All stores: throughput beside plain processes, memory, and the play of more nodes."""
        fleet, watched = self._on_ray(self._all, "mixed-ray")
        plain = self._plain(self._all, "mixed-plain")
        costs = [row["seconds"] for row in fleet["rows"] if row["seconds"]]
        serial_s = self._serial_s(fleet, costs)
        played = scale(costs, STORES, serial_s)
        draw(played, STORES, self._out / "nodes.png")
        return {
            "stores": len(self._all), "ray_per_s": fleet["stores_per_s"], "plain_per_s": plain["stores_per_s"],
            "share_of_plain": fleet["stores_per_s"] / plain["stores_per_s"],
            "peak_gb": watched.peak_gb, "growth": watched.growth(), "serial_ms_a_store": 1000 * serial_s,
            "nodes": [row._asdict() for row in played],
        }  # fmt: skip

    def _serial_s(self, fleet: dict[str, Any], costs: list[float]) -> float:
        """What claim and commit take for a store, measured over a fresh database with the fleet's own results."""
        from benchmarks.fleet_serial import serial_seconds

        return serial_seconds(self._out / "mixed-ray", self._out / "serial", fleet["fleet"])

    def _size(self, share: float) -> dict[str, float]:
        """Mean work of a small store in a fleet of a share of them: it should not hang on how many there are."""
        stores = self._small[:: max(1, round(1 / share))]
        fleet, _ = self._on_ray(stores, f"size-{share:g}")
        seconds = [row["seconds"] for row in fleet["rows"] if row["seconds"]]
        return {"stores": len(stores), "seconds_a_store": statistics.mean(seconds), "per_s": fleet["stores_per_s"]}

    def _on_ray(self, stores: list[Path], name: str) -> tuple[dict[str, Any], Watched]:
        command = [sys.executable, "-m", "cluster", "fleet", "run", str(self._folder(stores, name)), "--json",
                   "--data-dir", str(self._data(name))]  # fmt: skip
        watched = watch(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
        if not watched.out:
            raise SystemExit(watched.err)
        return json.loads(watched.out), watched

    def _plain(self, stores: list[Path], name: str) -> dict[str, float]:
        command = [sys.executable, "-m", "benchmarks.fleet_plain", str(self._folder(stores, name)), "--data-dir",
                   str(self._data(name))]  # fmt: skip
        watched = watch(command)
        if watched.code:
            raise SystemExit(watched.err)
        result: dict[str, float] = json.loads(watched.out.splitlines()[-1])
        return result

    def _folder(self, stores: list[Path], name: str) -> Path:
        """A folder with links to these stores."""
        folder = self._out / "fleets" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for store in stores:
            (folder / store.name).symlink_to(store.resolve())
        return folder

    def _data(self, name: str) -> Path:
        """A data folder without runs, and with all vectors."""
        folder = self._out / name
        if name != "warm":
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            shutil.copytree(self._vectors, folder / "vectors")
        return folder


def _orders(store: Path) -> int:
    column = pq.read_table(store / "orders.parquet", columns=["order_id"])["order_id"]
    return len(column.unique())


if __name__ == "__main__":
    main()
