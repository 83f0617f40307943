"""How calls ended, counted: what metrics are made of."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Outcomes:
    """A snapshot of what passed through a gateway since it began. It knows no store: such a label has no end."""

    attempts: dict[tuple[str, str], int]
    """Requests by purpose and outcome: `ok`, or the fault."""
    answers: dict[tuple[str, str], int]
    """Questions by purpose and how they ended, after all their attempts."""
    seconds: dict[str, float]
    """Time of all requests by purpose."""
    tokens: dict[str, int]
    """By `input`, `output` and `cached`."""
    usd: Decimal
    is_open: bool
    """Whether the circuit is open now."""


@dataclass(slots=True)
class Tally:
    """Counts while they grow."""

    attempts: Counter[tuple[str, str]] = field(default_factory=Counter)
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    tokens: Counter[str] = field(default_factory=Counter)
    usd: Decimal = Decimal(0)

    def snapshot(self, *, is_open: bool) -> Outcomes:
        """The counts now."""
        return Outcomes(
            dict(self.attempts), dict(self.answers), dict(self.seconds), dict(self.tokens), self.usd, is_open
        )
