"""Wall time of the phases of a run."""

import time


class Stopwatch:
    """Milliseconds from lap to lap."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin again: what was measured before is forgotten."""
        self._laps: dict[str, float] = {}
        self._started = self._last = time.perf_counter()

    def lap(self, name: str) -> float:
        """The phase `name` ends now; what it took since the last lap, in milliseconds."""
        now = time.perf_counter()
        taken, self._last = 1000 * (now - self._last), now
        self._laps[name] = self._laps.get(name, 0.0) + taken
        return round(taken, 1)

    def timings(self) -> dict[str, float]:
        """Milliseconds by phase, and in all."""
        laps = {name: round(value, 1) for name, value in self._laps.items()}
        return laps | {"total": round(1000 * (self._last - self._started), 1)}
