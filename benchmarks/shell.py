"""What a person at a terminal waits for: commands in processes of their own, Ray started and stopped each time."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Figure, timed
from benchmarks.stores import Subject

HELP_S = 0.4
RUN_S = {"germany": 6.0}
"""Seconds from the shell that are wanted, Ray's start and stop included."""


def _basketry(*arguments: str) -> str:
    """Standard output of a command.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    command = [sys.executable, "-m", "cluster", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def help_figure(repeats: int) -> Figure:
    """`basketry --help`."""
    return Figure("from the shell", "--help", "wall", "s", _repeat(repeats, "--help"), HELP_S)


def run_figures(store: Subject, data_dir: Path, repeats: int) -> Iterator[Figure]:
    """`basketry run` of a store whose products are embedded already, and what it says of its parts."""
    walls, parts = [], dict[str, list[float]]()
    for _ in range(repeats):
        said: list[str] = []
        arguments = ("run", str(store.folder), "--store", store.name, "--data-dir", str(data_dir), "--json")
        walls.append(timed(lambda: said.append(_basketry(*arguments))))  # noqa: B023  # called at once
        timings = json.loads(said[0])["timings_ms"]
        for name in ("ingest", "ray_start", "total"):
            parts.setdefault(name, []).append(timings[name] / 1000)
    yield Figure("from the shell", f"run {store.name}", "wall", "s", tuple(walls), RUN_S.get(store.name))
    for name, values in parts.items():
        yield Figure("from the shell", f"run {store.name}", f"of it {name}", "s", tuple(values))


def _repeat(repeats: int, *arguments: str) -> tuple[float, ...]:
    return tuple(timed(lambda: _basketry(*arguments)) for _ in range(repeats))
