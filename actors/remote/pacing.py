"""How many calls at once, and how many a minute."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiolimiter import AsyncLimiter

from configs.models import PacingConfig
from pipeline.errors import ModelError, ModelFault

MINUTE_S = 60.0


class Pace:
    """Turns of calls: each waits for a place, for its share of a minute, and for the end of a pause.

    Args:
        config: The limits.
    """

    def __init__(self, config: PacingConfig) -> None:
        self._tokens_limit = config.tokens_per_minute
        self._requests = AsyncLimiter(config.requests_per_minute, MINUTE_S)
        self._tokens = AsyncLimiter(config.tokens_per_minute, MINUTE_S)
        self._places = {
            "embedding": asyncio.Semaphore(config.embedding_calls),
            "chat": asyncio.Semaphore(config.chat_calls),
        }
        self._resume_at = 0.0

    @asynccontextmanager
    async def place(self, kind: str) -> AsyncIterator[None]:
        """One of the calls of a kind that may be on their way at once."""
        async with self._places[kind]:
            yield

    async def turn(self, tokens: int) -> None:
        """Until a call of so many tokens may begin.

        Raises:
            ModelError: it is larger than all that a minute lets through.
        """
        if tokens > self._tokens_limit:
            raise ModelError(
                ModelFault.TOO_LARGE,
                f"one call of about {tokens:,} tokens, more than the {self._tokens_limit:,} of "
                "models.pacing.tokens_per_minute",
            )
        while (pause := self._resume_at - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(pause)
        await self._requests.acquire()
        await self._tokens.acquire(tokens)

    def pause(self, seconds: float) -> None:
        """Begin no call for so long: the server asked one of them to wait."""
        self._resume_at = max(self._resume_at, asyncio.get_running_loop().time() + seconds)
