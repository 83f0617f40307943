"""Whether a failed call is tried again, and after how long."""

from configs.models import PacingConfig
from pipeline.errors import ModelError, ModelFault

RETRIED = frozenset({ModelFault.RATE_LIMITED, ModelFault.UNAVAILABLE, ModelFault.TIMED_OUT, ModelFault.BAD_OUTPUT})
"""Faults that may be gone a moment later."""

BAD_OUTPUT_ATTEMPTS = 2
"""How often a question is asked whose answers are no answers: each of them is paid for."""


def next_wait_s(error: ModelError, failed: int, left_s: float, draw: float, config: PacingConfig) -> float | None:
    """Seconds to wait before the next attempt; None where there is none.

    The wait is drawn evenly below a limit that doubles ("full jitter"), so that callers who failed together do not come
    back together; what the server asked for is waited at least. Attempts it told to wait are not counted: only the
    deadline ends them.

    Args:
        error: Why the last attempt failed.
        failed: How many attempts failed in this way, the last one included.
        left_s: Seconds to the deadline: a wait that would reach it is not begun.
        draw: Chance, in [0, 1).
        config: How often and how long.

    >>> hurry = ModelError(ModelFault.RATE_LIMITED, "slow down", retry_after_s=3.0)
    >>> next_wait_s(hurry, 1, 10.0, 0.5, PacingConfig()), next_wait_s(hurry, 1, 2.0, 0.5, PacingConfig())
    (3.125, None)
    """
    if error.fault not in RETRIED:
        return None
    limits = {ModelFault.RATE_LIMITED: failed + 1, ModelFault.BAD_OUTPUT: min(BAD_OUTPUT_ATTEMPTS, config.attempts)}
    if failed >= limits.get(error.fault, config.attempts):
        return None
    ceiling = min(config.longest_wait_s, config.first_wait_s * 2.0 ** min(failed - 1, 30))
    wait = draw * ceiling + (error.retry_after_s or 0.0)
    return wait if wait < left_s else None
