"""Memory of a command and all its processes while it runs."""

import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import psutil


@dataclass
class Watched:
    """What a command printed, and the memory of it and its children: private bytes, every so often."""

    out: str = ""
    err: str = ""
    code: int = 0
    seconds: float = 0.0
    samples: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since its start, and gigabytes."""

    @property
    def peak_gb(self) -> float:
        """The most at any moment."""
        return max((gigabytes for _, gigabytes in self.samples), default=0.0)

    def growth(self) -> float:
        """Mean of the last fifth of the samples over that of the second fifth: 1 is flat."""
        values = [gigabytes for _, gigabytes in self.samples]
        fifth = len(values) // 5
        if fifth < 3:
            return 1.0
        early, late = values[fifth : 2 * fifth], values[-fifth:]
        return (sum(late) / len(late)) / (sum(early) / len(early))


def watch(command: Sequence[str], *, every_s: float = 1.0, env: dict[str, str] | None = None) -> Watched:
    """Run a command to its end and look at its memory meanwhile; shared pages count once, where they were made."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    watched, done = Watched(), threading.Event()

    def look() -> None:
        while not done.wait(every_s):
            watched.samples.append((time.perf_counter() - begun, _private_gb(process.pid)))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    watched.out, watched.err = process.communicate()
    done.set()
    thread.join()
    watched.code, watched.seconds = process.returncode, time.perf_counter() - begun
    return watched


def _private_gb(root: int) -> float:
    total = 0
    try:
        processes = [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
    except psutil.Error:
        return 0.0
    for process in processes:
        try:
            total += process.memory_full_info().uss
        except psutil.Error:
            continue
    return total / 1e9
