"""A million order lines from CSV to snapshot: seconds and memory, beside reading the file with pandas alone."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Figure
from cluster.session import ONE_THREAD

LINES, ORDERS, PRODUCTS = 1_000_000, 300_000, 5_000

TARGETS = {"ingest": (4.0, 1200.0)}
"""Seconds and peak memory (MB) that are wanted."""

WRITE = """
from benchmarks.ingest import LINES, ORDERS, PRODUCTS, write_orders
write_orders(folder / "orders.csv", LINES, ORDERS, PRODUCTS)
rows = LINES
"""
INGEST = """
from pipeline.ingest.config import IngestConfig
from pipeline.ingest.folder import ingest_folder
snapshot = ingest_folder(folder, store="bench", config=IngestConfig(), salt=b"bench").snapshot
rows = len(snapshot.orders.item)
"""
PANDAS = """
import pandas as pd
rows = len(pd.read_csv(folder / "orders.csv"))
"""
MEASURED = """
import json, os, resource, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
begun = time.perf_counter()
{work}
seconds = time.perf_counter() - begun
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
print(json.dumps({{"rows": rows, "seconds": seconds, "peak_rss_mb": peak}}))
"""


def write_orders(path: Path, lines: int, orders: int, products: int) -> None:
    """A canonical orders file of 8 columns: baskets in the order of time, popular products often."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(7)
    order = np.sort(rng.integers(0, orders, lines))
    product = (products * rng.beta(0.6, 3, lines)).astype(np.int64)
    placed = np.datetime64("2025-01-01T00:00:00") + (order * (365 * 86_400 // orders)).astype("timedelta64[s]")
    price = np.round(rng.lognormal(2.5, 0.8, products), 2)
    frame = pd.DataFrame(
        {
            "order_id": pd.Series(order).map("ORD-{:010d}".format),
            "ordered_at": np.char.add(np.datetime_as_string(placed, unit="s"), "+02:00"),
            "customer_id": pd.Series(order * 7919 % 60_000).map("customer-{:08d}".format),
            "sku": pd.Series(product).map("SKU-{:06d}".format),
            "quantity": rng.geometric(0.6, lines),
            "unit_price": price[product],
            "currency": "EUR",
            "status": "paid",
        }
    )
    frame.to_csv(path, index=False)


def measure(work: str, folder: Path) -> dict[str, float]:
    """Seconds and peak memory (MB) of `work` in a fresh process."""
    script = MEASURED.format(work=work)
    # As at a terminal: a Ray that was started here wants one thread of its workers.
    env = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True, env=env
    )
    return dict(json.loads(done.stdout))


def ingest_figures(repeats: int) -> Iterator[Figure]:
    """Ingest and pandas.read_csv in turn, each in a fresh process."""
    found: dict[str, list[dict[str, float]]] = {"ingest": [], "pandas.read_csv alone": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: a child starts with its parent's peak memory on its account.
        measure(WRITE, folder)
        subject = f"{LINES:,} lines, {(folder / 'orders.csv').stat().st_size / 1e6:.0f} MB"
        for _ in range(repeats):
            for label, work in zip(found, (INGEST, PANDAS), strict=True):
                found[label].append(measure(work, folder))
    for label, runs in found.items():
        seconds, peak = TARGETS.get(label, (None, None))
        yield Figure("ingest", subject, label, "s", tuple(run["seconds"] for run in runs), seconds)
        yield Figure("ingest", subject, f"{label}, peak memory", "MB", tuple(run["peak_rss_mb"] for run in runs), peak)


if __name__ == "__main__":
    for figure in ingest_figures(repeats=1):
        print(f"{figure.subject}  {figure.name:36} {figure.median:8.2f} {figure.unit}")
