"""The gateway in virtual time: no socket, no waiting."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from actors.remote.budget import Payer, Spent
from actors.remote.endpoint import Endpoint, Reply
from actors.remote.gateway import Gateway
from actors.remote.usage import Usage
from configs.models import BudgetConfig, ModelsConfig, PacingConfig
from pipeline.errors import ModelError, ModelFault
from pipeline.ports import Unanswered
from tests.support.virtual_time import VirtualLoop, run_virtual

VECTOR = np.ones((1, 1), dtype=np.float32)
DOWN = ModelError(ModelFault.UNAVAILABLE, "nobody listens")


class Scripted(Endpoint):
    """Takes `latency_s` for each call, and raises what the script says before it answers well."""

    def __init__(self, *script: ModelError | None, latency_s: float = 1.0, always: ModelError | None = None) -> None:
        super().__init__(ModelsConfig(), {})
        self.script, self.latency_s, self.always = list(script), latency_s, always
        self.began: list[float] = []
        self.most_at_once = self._at_once = 0

    async def embed(self, texts: Sequence[str]) -> Reply[Any]:
        self.began.append(asyncio.get_running_loop().time() - 1_000.0)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(self.latency_s)
        finally:
            self._at_once -= 1
        error = self.script.pop(0) if self.script else self.always
        if error is not None:
            raise error
        return Reply(VECTOR, Usage(10))


def ask(
    endpoint: Endpoint, calls: int = 1, within_s: float = 100.0, pacing: PacingConfig | None = None,
    budget: BudgetConfig | None = None, more: Callable[[Gateway], Any] | None = None,
) -> tuple[list[Any], tuple[Spent, ...], float, Gateway]:  # fmt: skip
    """Answers to so many one-text questions asked at once, the bill, the virtual seconds it took, and the gateway."""
    loop = VirtualLoop()
    config = ModelsConfig(pacing=pacing or PacingConfig(), budget=budget or BudgetConfig())

    async def run() -> tuple[list[Any], tuple[Spent, ...], float, Gateway]:
        gateway = Gateway(config, endpoint, loop.time, lambda: 0.5)
        gateway.open(Payer("shop", "run"))
        started = loop.time()
        questions = [gateway.embed("run", ["abc"], started + within_s) for _ in range(calls)]
        answers = list(await asyncio.gather(*questions))
        took = loop.time() - started
        if more is not None:
            answers.append(await more(gateway))
        return answers, await gateway.close("run"), took, gateway

    return run_virtual(run(), loop)


def codes(answers: list[Any]) -> list[str]:
    return [str(answer.code) if isinstance(answer, Unanswered) else "ok" for answer in answers]


def test_the_first_call_goes_alone_and_then_as_many_at_once_as_the_settings_allow() -> None:
    endpoint = Scripted()

    answers, _, took, _ = ask(endpoint, calls=10)

    assert codes(answers) == ["ok"] * 10
    assert endpoint.most_at_once == 3
    assert took == pytest.approx(4.0)


@pytest.mark.parametrize("fault", [ModelFault.BAD_KEY, ModelFault.NO_QUOTA])
def test_a_bad_key_or_an_empty_account_costs_one_call_however_many_are_asked(fault: ModelFault) -> None:
    endpoint = Scripted(always=ModelError(fault, "no"))

    answers, spent, _, _ = ask(endpoint, calls=20)

    assert (set(codes(answers)), len(endpoint.began), spent) == ({str(fault)}, 1, ())


def test_a_server_that_is_down_is_asked_five_times_and_then_left_alone() -> None:
    endpoint = Scripted(always=DOWN, latency_s=0.01)

    answers, _, took, _ = ask(endpoint, calls=20)

    assert set(codes(answers)) <= {"circuit_open", "unavailable"}
    assert len(endpoint.began) <= 5 + 2  # two more were on their way beside the fifth
    assert took < 3


def test_an_open_circuit_lets_one_probe_through_and_a_good_one_closes_it() -> None:
    endpoint = Scripted(*[DOWN] * 5, latency_s=0.01)

    async def later(gateway: Gateway) -> Any:
        await asyncio.sleep(6)
        before = len(endpoint.began)
        now = asyncio.get_running_loop().time()
        first = await asyncio.gather(*(gateway.embed("run", ["abc"], now + 9) for _ in range(5)))
        return codes(list(first)), len(endpoint.began) - before, gateway.outcomes().is_open

    answers, _, _, _ = ask(endpoint, pacing=PacingConfig(attempts=9), more=later)

    states, calls, is_open = answers[-1]
    assert (sorted(states), calls, is_open) == (["circuit_open"] * 4 + ["ok"], 1, False)


def test_what_the_server_asks_to_wait_is_waited_by_everyone() -> None:
    endpoint = Scripted(ModelError(ModelFault.RATE_LIMITED, "slow down", retry_after_s=7.0), latency_s=0.0)

    answers, _, _, _ = ask(endpoint, calls=4)

    assert codes(answers) == ["ok"] * 4
    assert endpoint.began[0] == 0.0
    assert min(endpoint.began[1:]) >= 7.0


def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    endpoint = Scripted(always=ModelError(ModelFault.RATE_LIMITED, "slow down", retry_after_s=60.0), latency_s=0.0)

    answers, _, took, _ = ask(endpoint, within_s=10.0)

    assert (codes(answers), took, len(endpoint.began)) == (["rate_limited"], 0.0, 1)


def test_an_answer_that_does_not_come_ends_with_the_deadline_and_says_what_happened_last() -> None:
    endpoint = Scripted(DOWN, latency_s=3.0)

    answers, spent, took, _ = ask(endpoint, within_s=5.0)

    assert took == pytest.approx(5.0)
    assert answers == [
        Unanswered(
            "deadline", "time was up before an answer came; the last attempt ended with unavailable: nobody listens"
        )
    ]
    assert spent[0].unconfirmed_usd > 0


def test_one_call_does_not_take_longer_than_a_call_may() -> None:
    endpoint = Scripted(latency_s=1e6)

    answers, _, took, gateway = ask(endpoint, pacing=PacingConfig(call_timeout_s=2, attempts=2))

    assert codes(answers) == ["timed_out"]
    assert 4.0 <= took < 5.0
    assert gateway.outcomes().attempts == {("embedding", "timed_out"): 2}


def test_calls_of_a_minute_are_kept_to_their_number() -> None:
    endpoint = Scripted(latency_s=0.0)

    _, _, took, _ = ask(endpoint, calls=20, pacing=PacingConfig(requests_per_minute=10))

    assert took == pytest.approx(60.0, abs=7.0)
    assert sum(began < 30.0 for began in endpoint.began) <= 15


def test_tokens_of_a_minute_are_kept_to_their_number() -> None:
    endpoint = Scripted(latency_s=0.0)

    ask(endpoint, calls=20, pacing=PacingConfig(tokens_per_minute=10))

    assert sum(began < 30.0 for began in endpoint.began) <= 15


def test_a_budget_is_used_up_and_never_overrun_by_calls_side_by_side() -> None:
    endpoint = Scripted()
    budget = BudgetConfig(embedding_usd_per_million=Decimal(1_000), run_usd=Decimal("0.1"))

    answers, spent, _, _ = ask(endpoint, calls=30, budget=budget)

    (row,) = spent
    assert row.usd <= Decimal("0.1")
    assert row.calls == codes(answers).count("ok")
    assert codes(answers).count("no_budget") == 30 - row.calls
    assert row.usd + Decimal("0.01") > Decimal("0.09"), "what was set aside and not used is there for others"


def test_the_end_of_a_run_gives_up_what_is_on_its_way_and_counts_it_as_spent() -> None:
    endpoint = Scripted(latency_s=50.0)

    async def close_at_once(gateway: Gateway) -> Any:
        asking = asyncio.ensure_future(gateway.embed("run", ["abc"], asyncio.get_running_loop().time() + 90))
        await asyncio.sleep(1)
        rows = await gateway.close("run")
        return await asking, rows

    answers, _, _, _ = ask(endpoint, calls=0, more=close_at_once)

    answer, rows = answers[0]
    assert (answer.code, rows[0].calls) == ("deadline", 0)
    assert rows[0].unconfirmed_usd > 0


def test_outcomes_are_counted_by_attempt_and_by_question() -> None:
    _, _, _, gateway = ask(Scripted(DOWN, DOWN))
    outcomes = gateway.outcomes()

    assert outcomes.attempts == {("embedding", "unavailable"): 2, ("embedding", "ok"): 1}
    assert outcomes.answers == {("embedding", "ok"): 1}
    assert outcomes.tokens == {"input": 10, "output": 0, "cached": 0}
