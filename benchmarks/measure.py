"""What was measured: repeats of a figure, its median and spread, its target, and the machine it was measured on."""

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

PACKAGES = ("ray", "numpy", "scipy", "pyarrow", "faiss-cpu", "onnxruntime", "pandas", "mlxtend", "pymoo", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure and all its repeats."""

    part: str
    """Table it belongs to."""
    subject: str
    """Store, command or file that was measured."""
    name: str
    """What was measured."""
    unit: str
    values: tuple[float, ...]
    """One value a repeat, in order; at least one."""
    target: float | None = None
    """What is wanted: at most so much; of ratios marked `at_least`, at least."""
    at_least: bool = False

    @property
    def median(self) -> float:
        """Middle of the repeats."""
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the median meets the target; None without one."""
        if self.target is None:
            return None
        return self.median >= self.target if self.at_least else self.median <= self.target

    def to_json(self) -> dict[str, Any]:
        """As `bench.json` holds it."""
        return {
            "part": self.part, "subject": self.subject, "name": self.name, "unit": self.unit,
            "median": round(self.median, 4), "min": round(min(self.values), 4), "max": round(max(self.values), 4),
            "repeats": len(self.values), "values": [round(value, 4) for value in self.values],
            "target": self.target, "at_least": self.at_least, "met": self.met,
        }  # fmt: skip


def timed(work: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def machine() -> dict[str, Any]:
    """CPU, cores, memory, system, and the versions of what we build on."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "ram_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES},
    }


def load_average() -> tuple[float, float, float]:
    """Processes that wanted a core over the last 1, 5 and 15 minutes: above the cores, figures are too high."""
    one, five, fifteen = os.getloadavg()
    return round(one, 2), round(five, 2), round(fifteen, 2)


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
