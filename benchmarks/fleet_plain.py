"""What a fleet costs without Ray: processes that run our core, and a parent that commits what they come to.

The work of a store is `cluster.fleet.whole.run_whole`, as in a task; results come back through a pipe, and are
committed in the same batches to the same kind of database. There is no lease, no retry, and one crash ends all. As on
Ray, the processes are there when the clock starts, and import what they need with their first store.
"""

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from pathlib import Path


def main() -> None:
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    print(json.dumps(run_plain(asked.folder, asked.data_dir, asked.processes)))


def run_plain(folder: str, data_dir: Path, processes: int) -> dict[str, float]:
    """Stores and seconds, from the first store handed out to the last commit."""
    from cluster.database.database import Database
    from cluster.database.values import Claim, Ending
    from cluster.fleet.fleet import queue_runs
    from cluster.fleet.sources import find_stores
    from configs.settings import load_settings

    settings = load_settings({"data_dir": data_dir})
    runs = queue_runs(find_stores(folder), settings)
    with (
        Database(settings.database) as database,
        multiprocessing.get_context("spawn").Pool(processes) as pool,
    ):
        database.prepare(upgrade_empty=True)
        queue = database.queue("plain", settings.fleet.model_copy(update={"lease_s": 86_400.0}))
        queue.submit(runs)
        pool.map(_nothing, range(4 * processes))
        started = time.perf_counter()
        waiting: list[Ending] = []

        def claims() -> Iterator[tuple[Claim, object]]:
            yield from ((claim, settings) for claim in queue.claim(len(runs)))

        for ending in pool.imap_unordered(_run, claims()):
            waiting.append(ending)
            if len(waiting) >= settings.fleet.commit_batch:
                queue.settle(waiting)
                waiting = []
        queue.settle(waiting)
        seconds = time.perf_counter() - started
    return {"stores": len(runs), "seconds": seconds, "stores_per_s": len(runs) / seconds}


def _run(job):  # type: ignore[no-untyped-def]
    from cluster.fleet.whole import run_whole

    return run_whole(*job)


def _nothing(number: int) -> int:
    time.sleep(0.05)
    return number


if __name__ == "__main__":
    main()
