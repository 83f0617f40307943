"""A runner without Ray: a test says what becomes of each run."""

from collections.abc import Callable, Sequence

from cluster.coordinator import Broken, End, Kept, Refused
from cluster.database.values import Claim
from tests.support.queues import ending

Work = Callable[[Claim], End]


def ends_well(claim: Claim) -> End:
    return ending(claim)


def breaks(claim: Claim) -> End:
    return Broken(claim, "its worker died")


def is_refused(claim: Claim) -> End:
    return Refused(claim, "orders.csv: the file is empty")


class FakeRunner:
    """Does all that was started at the next call, unless a test holds it back.

    Args:
        work: What becomes of a run, by its store; it ends well by default.
    """

    def __init__(self, **work: Work) -> None:
        self._work = work
        self.running: list[Claim] = []
        self.started: list[str] = []
        self.forgotten: list[str] = []
        self.most = 0
        self.is_held_back = False

    def start(self, claim: Claim) -> None:
        self.running.append(claim)
        self.started.append(claim.store)
        self.most = max(self.most, len(self.running))

    def ended(self, wait_s: float) -> Sequence[End]:
        if self.is_held_back:
            return []
        done, self.running = self.running, []
        return [self._work.get(claim.store, ends_well)(claim) for claim in done]

    def forget(self, claim: Claim) -> None:
        self.running = [other for other in self.running if other != claim]
        self.forgotten.append(claim.store)

    def __len__(self) -> int:
        return len(self.running)


__all__ = ["Broken", "FakeRunner", "Kept", "Refused", "breaks", "ends_well", "is_refused"]
