"""`python -m benchmarks`: all figures in one run, as tables, `bench.json`, `bench.md`, `bench.svg` and `bench.png`."""

import argparse
import os
from pathlib import Path

PARTS = ("shell", "ingest", "runs", "control", "embedding")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--stores", nargs="*", type=Path, default=[], metavar="FOLDER", help="folders of real stores")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="of each figure but the control (1)")
    parser.add_argument("--out", type=Path, default=Path("out/bench"), metavar="DIR")
    return parser.parse_args()


def main() -> None:
    # Before numpy is there: the control and the run without Ray get one thread, as each worker of Ray does.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    from benchmarks.bench import run_all

    asked = arguments()
    run_all(asked.stores, frozenset(asked.only), asked.repeats, asked.out)


if __name__ == "__main__":
    main()
