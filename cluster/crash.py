"""Named points at which a process kills itself when it is told to, so that tests of faults hit what they mean."""

import os
import signal
from collections import Counter

from configs.settings import CRASH_VARIABLE

_passed: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """Die here, as by `kill -9`, if `BASKETRY_CRASH_AT` is `name`, or `name:N` and this is the Nth time."""
    wanted, _, times = os.environ.get(CRASH_VARIABLE, "").partition(":")
    if wanted != name:
        return
    _passed[name] += 1
    if _passed[name] == int(times or 1):
        os.kill(os.getpid(), signal.SIGKILL)
