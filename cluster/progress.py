"""What a run tells while it goes on."""

from typing import Protocol


class Progress(Protocol):
    """Hears of phases and of the steps inside them."""

    def phase(self, name: str, steps: int | None = None) -> None:
        """A phase begins, with as many steps where that is known."""

    def step(self, count: int = 1) -> None:
        """Some steps of the phase are done."""


class Silent:
    """Nobody listens."""

    def phase(self, name: str, steps: int | None = None) -> None:
        """Nothing."""

    def step(self, count: int = 1) -> None:
        """Nothing."""
