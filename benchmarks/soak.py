"""`python -m benchmarks.soak FOLDER --cycles 100`: faults at random over a small fleet, and nothing may be lost.

Each cycle runs the stores of FOLDER with a fresh database, does one of the faults below to the fleet, resumes it until
it ends, and compares every store's `bundles.json` with an undisturbed run, byte for byte. The seed says which faults
come; the first difference, or a fleet that does not end, stops it with exit code 1.

    point       the coordinator kills itself at one of its named points, the Nth time it passes
    kill        the coordinator is killed after a random time
    pause       the coordinator is stopped for longer than its lease, and goes on
    worker      a worker is killed while it has a store in hand
    raylet      Ray's own process on the node is killed
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil

POINTS = ("claimed", "started", "finished", "settling", "settled", "renewed")
LEASE_S = 3.0
SETTINGS = {
    "BASKETRY_FLEET__LEASE_S": str(LEASE_S), "BASKETRY_FLEET__REAP_S": "1", "BASKETRY_FLEET__MAX_ATTEMPTS": "9",
    "BASKETRY_PLAN__DEADLINE_MS": "600000",
}  # fmt: skip
"""Short leases, so that a pause is over soon; many attempts, since no store is to blame; no search that is cut."""
WAIT_S = 300.0
RESUMES = 5


class Soak:
    """One fleet, disturbed again and again.

    Args:
        folder: Sub-folders are stores.
        home: Where data and outputs go.
        seed: Of the faults.
    """

    def __init__(self, folder: Path, home: Path, seed: int) -> None:
        self._folder, self._home = folder, home
        self._rng = random.Random(seed)
        self._faults: dict[str, Callable[[Path], str]] = {
            "point": self._point, "kill": self._kill, "pause": self._pause, "worker": self._worker,
            "raylet": self._raylet,
        }  # fmt: skip
        self._took_s = 30.0

    def reference(self) -> None:
        """The undisturbed run, which embeds what is not embedded yet."""
        process = self._start(self._home / "reference")
        assert self._finish(process) == 0, "the undisturbed fleet did not succeed"
        begun = time.monotonic()
        assert self._finish(self._start(self._home / "again", fresh_from="reference")) == 0
        self._took_s = time.monotonic() - begun

    def cycle(self, number: int) -> tuple[str, str]:
        """One fault and its end: which, and what is different (nothing is an empty text)."""
        data = self._home / f"cycle-{number}"
        name = self._rng.choice(sorted(self._faults))
        detail = self._faults[name](data)
        for _ in range(RESUMES):
            if self._finish(self._start(data, "--resume")) == 0:
                break
        difference = self._difference(data)
        if not difference:
            shutil.rmtree(data)
        return f"{name} {detail}", difference

    def _point(self, data: Path) -> str:
        where = f"{self._rng.choice(POINTS)}:{self._rng.randint(1, 4)}"
        self._finish(self._start(data, fresh_from="reference", BASKETRY_CRASH_AT=where))
        return where

    def _kill(self, data: Path) -> str:
        process = self._start(data, fresh_from="reference")
        return self._after(process, process.kill)

    def _pause(self, data: Path) -> str:
        process = self._start(data, fresh_from="reference")

        def pause() -> None:
            process.send_signal(signal.SIGSTOP)
            time.sleep(LEASE_S + 2)
            process.send_signal(signal.SIGCONT)

        return self._after(process, pause)

    def _worker(self, data: Path) -> str:
        return self._kill_child(data, "ray::store:")

    def _raylet(self, data: Path) -> str:
        return self._kill_child(data, "raylet/raylet")

    def _kill_child(self, data: Path, title: str) -> str:
        process = self._start(data, fresh_from="reference")
        until = time.monotonic() + WAIT_S
        while process.poll() is None and time.monotonic() < until:
            for child in psutil.Process(process.pid).children(recursive=True):
                try:
                    is_it = " ".join(child.cmdline()).find(title) >= 0
                except psutil.Error:
                    continue
                if is_it:
                    time.sleep(self._rng.uniform(0, 0.3))
                    child.kill()
                    self._finish(process)
                    return f"killed {title}"
            time.sleep(0.01)
        self._finish(process)
        return "ended before"

    def _after(self, process: "subprocess.Popen[bytes]", act: Callable[[], None]) -> str:
        wait_s = self._rng.uniform(0.1, 1.0) * self._took_s
        try:
            process.wait(timeout=wait_s)
        except subprocess.TimeoutExpired:
            act()
            self._finish(process)
            return f"after {wait_s:.1f} s"
        return "ended before"

    def _start(self, data: Path, *flags: str, fresh_from: str | None = None, **env: str) -> "subprocess.Popen[bytes]":
        if fresh_from is not None:
            data.mkdir(parents=True, exist_ok=True)
            shutil.copytree(self._home / fresh_from / "vectors", data / "vectors", dirs_exist_ok=True)
            shutil.copy(self._home / fresh_from / "customer_salt", data)
        command = [sys.executable, "-m", "cluster", "fleet", "run", str(self._folder), "--data-dir", str(data),
                   "--out", str(data / "out"), "--json", *flags]  # fmt: skip
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BASKETRY_")}
        with (self._home / "log").open("ab") as log:
            return subprocess.Popen(command, env=kept | SETTINGS | env, stdout=log, stderr=log)

    def _finish(self, process: "subprocess.Popen[bytes]") -> int:
        try:
            return process.wait(timeout=WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise SystemExit(f"a fleet did not end within {WAIT_S:g} s; see {self._home / 'log'}") from None

    def _difference(self, data: Path) -> str:
        """The first store whose bundles differ from the undisturbed run's, or whose run did not end well."""
        rows = json.loads((data / "out" / "fleet.json").read_text())
        bad = [row["store"] for row in rows if row["status"] != "succeeded"]
        if bad:
            return f"{bad[0]} did not succeed"
        for expected in sorted((self._home / "reference" / "out").glob("*/bundles.json")):
            found = data / "out" / expected.parent.name / "bundles.json"
            if not found.exists() or found.read_bytes() != expected.read_bytes():
                return f"{expected.parent.name} has other bundles"
        return ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cycles", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("out/soak"))
    asked = parser.parse_args()
    shutil.rmtree(asked.out, ignore_errors=True)
    asked.out.mkdir(parents=True)
    soak, seen = Soak(asked.folder, asked.out.resolve(), asked.seed), Counter[str]()
    soak.reference()
    for number in range(asked.cycles):
        begun = time.monotonic()
        fault, difference = soak.cycle(number)
        seen[fault.split()[0]] += 1
        print(f"{number + 1}: {fault}, {time.monotonic() - begun:.1f} s: {difference or 'equal'}", flush=True)
        if difference:
            return 1
    print(f"{asked.cycles} cycles, all bundles equal: {dict(sorted(seen.items()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
