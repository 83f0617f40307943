"""What a coordinator does, as metrics; and on to whoever else listens."""

from collections.abc import Callable, Mapping, Sequence

from cluster import metrics
from cluster.coordinator import Broken, End, Kept, Observer, Refused, Unobserved
from cluster.database.values import Claim, Ending
from cluster.logs import log, log_problem, log_run

COUNTED: Mapping[str, Callable[[int], None]] = {
    "fenced": metrics.record_fence_rejected,
    "reaped": metrics.record_expired_leases,
    "dead": metrics.record_dead_letters,
}


class Metered:
    """An observer of a coordinator that records metrics and logs, and passes all on.

    Args:
        observer: Who else listens.
    """

    def __init__(self, observer: Observer | None = None) -> None:
        self._observer: Observer = observer or Unobserved()

    def claimed(self, claims: Sequence[Claim]) -> None:
        """These are worked on now."""
        for claim in claims:
            metrics.record_claim(claim.waited_s)
            log("run claimed", store=claim.store, run=claim.run_id, attempt=claim.attempt)
        self._observer.claimed(claims)

    def closed(self, end: End, *, again: bool = False) -> None:
        """This is in the database; a run that was spread out recorded itself."""
        if isinstance(end, Ending):
            metrics.record_run(end.record)
            log_run(end.record)
        elif not isinstance(end, Kept):
            self._failed(end, again=again)
        self._observer.closed(end, again=again)

    def counted(self, what: str, number: int = 1) -> None:
        """Something out of the ordinary happened."""
        if what in COUNTED:
            COUNTED[what](number)
        self._observer.counted(what, number)

    def _failed(self, end: Refused | Broken, *, again: bool) -> None:
        """A run has failed once its last attempt has."""
        if not again:
            metrics.record_failed_run()
        what = "run failed, and is tried again" if again else "run failed"
        log_problem(what, store=end.claim.store, run=end.claim.run_id, attempt=end.claim.attempt, error=end.reason)
