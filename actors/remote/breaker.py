"""Stops asking an endpoint that fails, and lets one call through now and then to see whether it is back."""

from collections import deque
from collections.abc import Callable

from configs.models import PacingConfig
from pipeline.errors import ModelError, ModelFault

COUNTED = frozenset({ModelFault.UNAVAILABLE, ModelFault.TIMED_OUT})
"""Faults of the endpoint; what one question did wrong says nothing of the next."""

FATAL = frozenset({ModelFault.BAD_KEY, ModelFault.NO_QUOTA})
"""Faults of the account: one is enough."""

FATAL_PROBE_AFTER_S = 60.0
"""How long after a fault of the account one call is let through: someone may have paid, or changed the key."""


class Breaker:
    """Closed, open, or half open with one probe on its way.

    Args:
        config: How many failures open it, and for how long.
        now: Clock in seconds.
    """

    def __init__(self, config: PacingConfig, now: Callable[[], float]) -> None:
        self._config, self._now = config, now
        self._failures: deque[float] = deque()
        self._refusal: ModelError | None = None
        self._probe_at = 0.0
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        """Whether calls are refused, but for probes."""
        return self._refusal is not None

    def admit(self) -> bool:
        """Let a call begin, and say whether it is a probe. Whoever is let in says how it ended: `record` or `abandon`.

        Raises:
            ModelError: the circuit is open, and this is no moment for a probe.
        """
        if self._refusal is None:
            return False
        if self._is_probing or self._now() < self._probe_at:
            raise self._refusal
        self._is_probing = True
        return True

    def record(self, error: ModelError | None, *, is_probe: bool) -> None:
        """Take note of how a call ended; None for well."""
        if is_probe:
            self._is_probing = False
        if error is not None and error.fault in FATAL:
            self._open(error, FATAL_PROBE_AFTER_S)
        elif error is not None and error.fault in COUNTED:
            self._count(error, is_probe)
        elif error is None or is_probe:
            self._close()

    def abandon(self, *, is_probe: bool) -> None:
        """Take note that a call ended without saying anything of the endpoint, such as one whose time was up."""
        if is_probe:
            self._is_probing = False

    def _count(self, error: ModelError, is_probe: bool) -> None:
        now = self._now()
        self._failures.append(now)
        while self._failures[0] <= now - self._config.failure_window_s:
            self._failures.popleft()
        if is_probe or len(self._failures) >= self._config.failures_to_open:
            detail = f"nothing is asked for {self._config.probe_after_s:g} s, since calls failed; the last was {error}"
            self._open(ModelError(ModelFault.CIRCUIT_OPEN, detail), self._config.probe_after_s)

    def _open(self, refusal: ModelError, probe_after_s: float) -> None:
        self._refusal, self._probe_at = refusal, self._now() + probe_after_s

    def _close(self) -> None:
        """A good answer closes it; a closed one forgets no failure: a server that fails half its calls fails."""
        if self._refusal is not None:
            self._failures.clear()
        self._refusal = None
