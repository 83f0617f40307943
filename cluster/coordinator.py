"""The coordinator: takes runs from the queue, has them worked on, and keeps what they came to.

All truth is in the database, so a coordinator may die at any point and another goes on where it was. Tests let it die
at a point of their choice with `BASKETRY_CRASH_AT=NAME` or `NAME:N` for the Nth time it is passed:

    claimed     runs are claimed, nobody works on them yet
    started     workers have them
    finished    results have come back, nothing of them is written
    settling    results are written, the transaction is not committed
    settled     results are committed, nobody was told
    renewed     leases were just renewed
    reaped      runs of others whose lease had ended were just put back
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from cluster.crash import crash_point
from cluster.database.queue import Queue
from cluster.database.values import Claim, Ending
from configs.settings import FleetConfig
from pipeline.errors import BasketryError, LostLeaseError, PlatformError

PATIENCE_S = 300.0
"""How long a database that can't be used is tried again before the coordinator gives up."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A run that ended well, and was written by whoever ran it."""

    claim: Claim
    state: str
    """`succeeded`, `degraded` or `partial`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A run that can't end well: its files or settings can't be used."""

    claim: Claim
    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A run that an attempt did not finish, and another may."""

    claim: Claim
    reason: str


End: TypeAlias = Ending | Kept | Refused | Broken


class Runner(Protocol):
    """Works on claimed runs."""

    def start(self, claim: Claim) -> None:
        """Begin to work on a run."""

    def ended(self, wait_s: float) -> Sequence[End]:
        """What has ended since the last call; waits up to `wait_s` for the first."""

    def forget(self, claim: Claim) -> None:
        """Stop working on a run that is another's now; it need not be told of any more."""

    def __len__(self) -> int:
        """Runs that are worked on."""


class Observer(Protocol):
    """Hears of the fleet's progress."""

    def claimed(self, claims: Sequence[Claim]) -> None:
        """These are worked on now."""

    def closed(self, end: End, *, again: bool = False) -> None:
        """This is in the database; `again` where another attempt is left."""

    def counted(self, what: str, number: int = 1) -> None:
        """It happened: claimed, settled, refused, again, dead, fenced, reaped or trouble. From any thread."""


class Unobserved:
    """Nobody listens."""

    def claimed(self, claims: Sequence[Claim]) -> None:
        """Nothing."""

    def closed(self, end: End, *, again: bool = False) -> None:
        """Nothing."""

    def counted(self, what: str, number: int = 1) -> None:
        """Nothing."""


class Coordinator:
    """Keeps a stated number of runs in flight until there are none, or it is told to stop.

    Args:
        queue: Where runs are claimed.
        runner: Works on them.
        config: Lease, polling and batches.
        in_flight: Most runs that are worked on at once.
        fleet: Only runs of this fleet; of all by default.
        observer: Told of what happens.
        clock: Seconds, from any beginning.
    """

    def __init__(
        self, queue: Queue, runner: Runner, config: FleetConfig, *, in_flight: int, fleet: str | None = None,
        observer: Observer | None = None, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._queue, self._runner, self._config, self._clock = queue, runner, config, clock
        self._in_flight, self._fleet = in_flight, fleet
        self._observer: Observer = observer or Unobserved()
        self._held: dict[tuple[str, str, int], Claim] = {}
        self._unsettled: list[Ending] = []
        self._unclosed: deque[Kept | Refused | Broken] = deque()
        self._since = self._trouble_since = 0.0
        self._lost: set[tuple[str, str, int]] = set()
        self._stopped = threading.Event()
        self.counts: Counter[str] = Counter()
        """What happened, by name, as observers hear of it."""

    def run(self, is_done: Callable[[], bool]) -> None:
        """Work until nothing is in flight, nothing can be claimed and `is_done` agrees, or until `stop`.

        What is held when it ends otherwise goes back into the queue at once.
        """
        beat = threading.Thread(target=self._keep_alive, name="coordinator-leases", daemon=True)
        beat.start()
        try:
            while not self._stopped.is_set():
                is_idle = self.step()
                if is_idle and is_done():
                    return
                if is_idle:
                    self._stopped.wait(self._config.poll_s)
        finally:
            self._stopped.set()
            beat.join()
            self._release_all()

    def stop(self) -> None:
        """Let `run` return after the step it is in."""
        self._stopped.set()

    def step(self) -> bool:
        """Claim, wait a little for results, keep them; whether there was nothing to do at all."""
        try:
            self._drop_lost()
            self._claim()
            if not self._held:
                return True
            self._take(self._runner.ended(self._wait_s()))
            self._close_all()
            self._settle()
        except LostLeaseError:
            self._count("fenced")
        except PlatformError as trouble:
            self._bear(trouble)
            return False
        self._trouble_since = 0.0
        return False

    def beat(self) -> None:
        """Renew all leases, and note which are lost."""
        # What is claimed while the database answers is no loss.
        held = set(self._held)
        self._lost |= held - self._queue.renew()
        crash_point("renewed")

    def reap(self) -> None:
        """Put runs back whose coordinator is gone."""
        reaped = self._queue.reap()
        if any(reaped):
            self._count("reaped", reaped.queued + reaped.dead)
            crash_point("reaped")
        if reaped.dead:
            self._count("dead", reaped.dead)

    def _claim(self) -> None:
        at_work = len(self._held) - len(self._unsettled)  # what waits to be committed keeps no worker busy
        free = self._in_flight - at_work
        if free < max(1, self._in_flight // 4) and self._held:
            return
        claims = self._queue.claim(free, self._fleet)
        if not claims:
            return
        self._held |= {_key(claim): claim for claim in claims}
        self._count("claimed", len(claims))
        crash_point("claimed")
        for claim in claims:
            self._start(claim)
        crash_point("started")
        self._observer.claimed(claims)

    def _start(self, claim: Claim) -> None:
        try:
            self._runner.start(claim)
        except BasketryError as error:
            self._unclosed.append(Broken(claim, str(error)))

    def _wait_s(self) -> float:
        """Until the next poll, or until those that wait to be committed have waited long enough."""
        if self._unclosed:
            return 0.0
        if not self._unsettled:
            return self._config.poll_s
        return max(0.0, min(self._config.poll_s, self._since + self._config.commit_wait_s - self._clock()))

    def _take(self, ends: Sequence[End]) -> None:
        if ends:
            crash_point("finished")
        for end in ends:
            if _key(end.claim) not in self._held:
                continue
            if isinstance(end, Ending):
                self._since = self._since if self._unsettled else self._clock()
                self._unsettled.append(end)
            else:
                self._unclosed.append(end)

    def _close_all(self) -> None:
        """One after the other: what a database that is away did not take stays for when it is back."""
        while self._unclosed:
            if _key(self._unclosed[0].claim) in self._held:
                self._close(self._unclosed[0])
            self._unclosed.popleft()

    def _close(self, end: Kept | Refused | Broken) -> None:
        """End what came to no result of its own."""
        again = False
        try:
            match end:
                case Kept():
                    self._count("settled")
                case Refused():
                    self._queue.fail(end.claim, end.reason)
                    self._count("refused")
                case Broken():
                    again = self._queue.give_back(end.claim, end.reason)
                    self._count("again" if again else "dead")
        except LostLeaseError:
            self._count("fenced")
        self._held.pop(_key(end.claim), None)
        self._observer.closed(end, again=again)

    def _settle(self) -> None:
        """Commit what has ended, several runs in one transaction."""
        waited = self._clock() - self._since
        is_last = len(self._unsettled) == len(self._held)
        is_full = len(self._unsettled) >= self._config.commit_batch
        if not self._unsettled or not (is_full or is_last or waited >= self._config.commit_wait_s):
            return
        errors = self._queue.settle(self._unsettled)
        crash_point("settled")
        endings, self._unsettled = self._unsettled, []
        for ending, error in zip(endings, errors, strict=True):
            if error is None:
                self._count("settled")
                self._held.pop(_key(ending.claim), None)
                self._observer.closed(ending)
            elif isinstance(error, LostLeaseError):
                self._count("fenced")
                self._held.pop(_key(ending.claim), None)
            else:
                self._unclosed.append(Broken(ending.claim, str(error)))

    def _count(self, what: str, number: int = 1) -> None:
        self.counts[what] += number
        self._observer.counted(what, number)

    def _drop_lost(self) -> None:
        """Stop working on what is another's now."""
        while self._lost:
            claim = self._held.pop(self._lost.pop(), None)
            if claim is not None:
                self._count("fenced")
                self._runner.forget(claim)
                self._unsettled = [ending for ending in self._unsettled if ending.claim != claim]

    def _keep_alive(self) -> None:
        """Renew leases and reap, in a thread of its own: a long transaction must not cost the leases."""
        next_reap = 0.0
        while not self._stopped.wait(min(self._config.lease_s / 3, self._config.reap_s)):
            try:
                self.beat()
                if self._clock() >= next_reap:
                    self.reap()
                    next_reap = self._clock() + self._config.reap_s
            except PlatformError:
                self._count("trouble")  # the main thread meets it too, and knows for how long

    def _bear(self, trouble: PlatformError) -> None:
        """Wait for a database that can't be used to come back."""
        now = self._clock()
        self._trouble_since = self._trouble_since or now
        self._count("trouble")
        if now - self._trouble_since > PATIENCE_S:
            raise trouble
        self._stopped.wait(self._config.poll_s)

    def _release_all(self) -> None:
        """Give back what is not finished, so that nobody waits for a lease to end."""
        for claim in self._held.values():
            self._runner.forget(claim)
            try:
                self._queue.release(claim)
            except PlatformError:
                self._count("fenced")
        self._held.clear()


def _key(claim: Claim) -> tuple[str, str, int]:
    return (claim.store, claim.run_id, claim.fence)
