"""The one way to remote models: paced, within the budget, tried again in time, and stopped where it is of no use.

Plain: it runs in any event loop. `cluster.gateway` makes an actor of it, so that a whole cluster shares one.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from actors.remote.breaker import Breaker
from actors.remote.budget import Amount, Budget, Hold, Payer, Spent
from actors.remote.endpoint import Endpoint, Reply
from actors.remote.faults import may_have_cost, model_error
from actors.remote.outcomes import Outcomes, Tally
from actors.remote.pacing import Pace
from actors.remote.prices import Price, prices_of
from actors.remote.retries import next_wait_s
from actors.remote.usage import Usage
from actors.remote.vectors import about_tokens, most_tokens
from configs.models import ModelsConfig
from pipeline.errors import ModelError, ModelFault
from pipeline.ports import Prompt, Unanswered

MESSAGE_TOKENS = 100
"""Tokens of a call that are in none of its texts: roles, names, ends of messages."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One question, however often it is asked."""

    run_id: str
    kind: str
    """`embedding` or `chat`: calls of a kind share places."""
    purpose: str
    price: Price
    about_tokens: int
    most: Amount
    """What it may cost at worst."""
    send: Callable[[], Awaitable[Reply[Any]]]


class Gateway:
    """Asks an endpoint for many runs.

    Args:
        config: The endpoint, and how it is asked.
        endpoint: Where questions go.
        now: Clock in Unix seconds, as deadlines are.
        draw: Chance in [0, 1), for waits.
    """

    def __init__(
        self, config: ModelsConfig, endpoint: Endpoint, now: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self._config, self._endpoint, self._now, self._draw = config, endpoint, now, draw
        self._prices = dict(zip(("embedding", "chat"), prices_of(config), strict=True))
        self._pace = Pace(config.pacing)
        self._breaker = Breaker(config.pacing, now)
        self._budget = Budget(config.budget)
        self._settled = asyncio.Event()
        self._first = asyncio.Lock()
        self._is_proven = False
        self._tally = Tally()
        self._asked: defaultdict[str, set[asyncio.Task[Any]]] = defaultdict(set)

    def open(self, payer: Payer) -> None:
        """Begin to pay for a run; calls of a run that is not open are refused."""
        self._budget.open(payer)

    async def close(self, run_id: str) -> tuple[Spent, ...]:
        """What a run spent. Its calls that are still on their way are given up, and it may ask nothing from now on."""
        asked = self._asked.pop(run_id, set())
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        return self._budget.close(run_id)

    def outcomes(self) -> Outcomes:
        """How all calls so far ended."""
        return self._tally.snapshot(is_open=self._breaker.is_open)

    async def embed(self, run_id: str, texts: Sequence[str], deadline: float) -> NDArray[np.float32] | Unanswered:
        """`(len(texts), width)` vectors of unit length in the order of the texts, or why there are none.

        Args:
            run_id: The run that pays.
            texts: As they are sent; one call's worth.
            deadline: Unix seconds.
        """
        price = self._prices["embedding"]
        most = sum(map(most_tokens, texts)) + 2 * len(texts)
        call = _Call(
            run_id, "embedding", "embedding", price, sum(map(about_tokens, texts)),
            Amount(most, price.most_usd(Usage(most))), lambda: self._endpoint.embed(texts),
        )  # fmt: skip
        return await self._answer(call, deadline)

    async def chat(self, run_id: str, prompt: Prompt, deadline: float) -> BaseModel | Unanswered:
        """An answer in the prompt's schema, or why there is none.

        Args:
            run_id: The run that pays.
            prompt: The question.
            deadline: Unix seconds.
        """
        price, question = self._prices["chat"], self._endpoint.question(prompt)
        usage = Usage(most_tokens(question) + MESSAGE_TOKENS, prompt.max_output_tokens)
        call = _Call(
            run_id, "chat", prompt.purpose, price, about_tokens(question) + prompt.max_output_tokens,
            Amount(usage.tokens, price.most_usd(usage)), lambda: self._endpoint.ask(prompt),
        )  # fmt: skip
        return await self._answer(call, deadline)

    async def _answer(self, call: _Call, deadline: float) -> Any:
        """The answer, or why there is none: never an error."""
        task = asyncio.ensure_future(self._attempts(call, deadline))
        self._asked[call.run_id].add(task)
        try:
            await asyncio.wait({task}, timeout=max(0.0, deadline - self._now()))
        finally:
            task.cancel()
        await asyncio.wait({task})
        self._forget(call.run_id, task)
        answer = _result(task)
        outcome = answer.code if isinstance(answer, Unanswered) else "ok"
        self._tally.answers[call.purpose, outcome] += 1
        return answer

    def _forget(self, run_id: str, task: "asyncio.Task[Any]") -> None:
        tasks = self._asked[run_id]
        tasks.discard(task)
        if not tasks:
            del self._asked[run_id]

    async def _attempts(self, call: _Call, deadline: float) -> Any:
        failed: Counter[ModelFault] = Counter()
        last = ""
        try:
            while True:
                try:
                    return await self._attempt(call)
                except ModelError as error:
                    failed[error.fault] += 1
                    last = f"; the last attempt ended with {error}"
                    left_s = deadline - self._now()
                    wait = next_wait_s(error, failed[error.fault], left_s, self._draw(), self._config.pacing)
                    if wait is None:
                        raise
                await asyncio.sleep(wait)
        except asyncio.CancelledError:
            raise ModelError(ModelFault.DEADLINE, f"time was up before an answer came{last}") from None

    async def _attempt(self, call: _Call) -> Any:
        async with self._pace.place(call.kind), self._proof():
            await self._pace.turn(call.about_tokens)
            return await self._paid(call, await self._hold(call))

    async def _hold(self, call: _Call) -> Hold:
        """Set the worst case aside; where calls on their way hold what it needs, when they are back."""
        while (hold := self._budget.hold(call.run_id, call.most)) is None:
            self._settled.clear()
            await self._settled.wait()
        return hold

    async def _paid(self, call: _Call, hold: Hold) -> Any:
        """One request whose worst case is set aside: whatever happens, that is settled or given back."""
        usage, may_cost = None, False
        try:
            is_probe = self._breaker.admit()
            reply, may_cost = await self._request(call, is_probe)
            if isinstance(reply, ModelError):
                raise reply
            usage = reply.usage
            if isinstance(reply.value, ModelError):
                raise reply.value
            return reply.value
        except asyncio.CancelledError:
            may_cost = True
            raise
        finally:
            self._settle(call, hold, usage, may_cost)
            self._settled.set()

    async def _request(self, call: _Call, is_probe: bool) -> tuple[Reply[Any] | ModelError, bool]:
        """One request, its time and its outcome noted: what came, and whether it may be on the bill without usage."""
        started = self._now()
        try:
            async with asyncio.timeout(self._config.pacing.call_timeout_s):
                reply = await call.send()
        except asyncio.CancelledError:
            self._breaker.abandon(is_probe=is_probe)
            self._note(call, ModelFault.DEADLINE, started)
            raise
        except Exception as error:  # whatever a client raises for whatever a server sent
            problem = model_error(error, self._endpoint.key)
            self._breaker.record(problem, is_probe=is_probe)
            self._note(call, problem.fault, started)
            if problem.fault is ModelFault.RATE_LIMITED and problem.retry_after_s:
                self._pace.pause(problem.retry_after_s)
            return problem, may_have_cost(error)
        self._breaker.record(None, is_probe=is_probe)
        self._note(call, reply.value.fault if isinstance(reply.value, ModelError) else "ok", started)
        return reply, True

    def _note(self, call: _Call, outcome: str, started: float) -> None:
        self._is_proven = True
        self._tally.attempts[call.purpose, outcome] += 1
        self._tally.seconds[call.purpose] += self._now() - started

    def _settle(self, call: _Call, hold: Hold, usage: Usage | None, may_cost: bool) -> None:
        if usage is None and not may_cost:
            self._budget.release(hold)
            return
        usd = Decimal(0) if usage is None else call.price.usd(usage)
        self._budget.settle(hold, call.purpose, call.price.model, usage, usd)
        if usage is not None:
            self._tally.tokens.update(input=usage.input_tokens, output=usage.output_tokens, cached=usage.cached_tokens)
            self._tally.usd += usd

    @asynccontextmanager
    async def _proof(self) -> AsyncIterator[None]:
        """The very first request goes alone: where the key or the account is no good, it is the only one."""
        if self._is_proven:
            yield
            return
        async with self._first:
            if not self._is_proven:
                yield
                return
        yield


def _result(task: "asyncio.Task[Any]") -> Any:
    """What came of a question whose task is over."""
    if task.cancelled():  # before it began
        return Unanswered(ModelFault.DEADLINE, "there was no time to ask")
    error = task.exception()
    if isinstance(error, ModelError):
        return Unanswered(error.fault, error.detail)
    return task.result()
