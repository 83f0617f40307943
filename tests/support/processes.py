"""Real processes: the command line as a user runs it, and the workers of a Ray that belongs to it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

TIMEOUT_S = 240.0
"""Longest a command may take before its test fails; a busy machine starts Ray slowly."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What `--json` printed: one object and nothing else."""
        return json.loads(self.out)

    @property
    def is_traceback(self) -> bool:
        """Whether a person was shown the inside of the program."""
        return "Traceback" in self.err + self.out


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without what would steer the command, one thread a worker."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BASKETRY_", "RAY_"))}
    return kept | {"OMP_NUM_THREADS": "1", "COLUMNS": "200", **extra}


def start(*arguments: object, cwd: Path, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    """Start `basketry` in `cwd`."""
    command = [sys.executable, "-m", "cluster", *map(str, arguments)]
    path = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    return subprocess.Popen(
        command, cwd=cwd, env=environment(**(path | dict(env or {}))), text=True, encoding="utf-8",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: "subprocess.Popen[str]") -> Finished:
    """Wait for a command; one that hangs is killed and fails its test."""
    try:
        out, err = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"no end after {TIMEOUT_S:.0f} s\n{out[-2000:]}\n{err[-2000:]}") from None
    return Finished(process.returncode, out, err)


def basketry(*arguments: object, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
    """Run `basketry` in `cwd` to its end."""
    return finish(start(*arguments, cwd=cwd, env=env))


def find_workers(root: int, named: str) -> list[psutil.Process]:
    """Ray workers below process `root` that run a task or actor whose title holds `named` now.

    Ray writes what a worker runs into its title (`ray::NAME`), and `ray::IDLE` between tasks.
    """
    found = []
    for process in psutil.Process(root).children(recursive=True):
        try:
            title = "".join(process.cmdline())
        except psutil.Error:
            continue
        if title.startswith("ray::") and named in title:
            found.append(process)
    return found


def kill_worker(root: int, named: str, *, within_s: float = 90.0) -> int:
    """Kill, without warning, the first worker below `root` that is seen running `named`.

    Returns:
        Its process id.

    Raises:
        AssertionError: none was seen, so the test did not test anything.
    """
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        for process in find_workers(root, named):
            process.kill()
            return process.pid
        time.sleep(0.002)
    raise AssertionError(f"no worker of {root} was seen running {named!r} within {within_s:.0f} s")


@contextmanager
def watching(look: Callable[[], Any]) -> Iterator[list[Any]]:
    """Call `look` once in a thread beside the body, and give what it returned or raised when the body is done."""
    from threading import Thread

    results: list[Any] = []

    def run() -> None:
        try:
            results.append(look())
        except AssertionError as error:
            results.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    yield results
    thread.join()
