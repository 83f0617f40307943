"""An event loop whose clock stands still while there is something to do and jumps to what comes next."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.SelectSelector):
    """Never waits: it moves the clock by what it was asked to wait."""

    now = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits and nothing will happen")
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop of virtual seconds. Only for coroutines that wait for time and for each other, not for sockets."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds."""
        return self._jumping.now


def run_virtual(coroutine: Coroutine[Any, Any, T], loop: VirtualLoop) -> T:
    """Run a coroutine to its end in no time."""
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()
