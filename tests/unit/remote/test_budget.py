from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.remote.budget import Amount, Budget, Payer
from actors.remote.usage import Usage
from configs.models import BudgetConfig
from pipeline.errors import ModelError, ModelFault

CENT = Decimal("0.01")


def budget(run: Decimal = CENT, day: Decimal = Decimal(1), run_tokens: int = 1_000_000) -> Budget:
    opened = Budget(BudgetConfig(run_usd=run, store_daily_usd=day, run_tokens=run_tokens))
    opened.open(Payer("shop", "one", "2026-01-01"))
    return opened


def dollars(usd: str, tokens: int = 0) -> Amount:
    return Amount(tokens, Decimal(usd))


def test_what_could_never_be_paid_is_refused_and_the_error_names_the_setting() -> None:
    with pytest.raises(ModelError, match=r"models\.budget\.run_usd") as caught:
        budget().hold("one", dollars("0.011"))

    assert caught.value.fault is ModelFault.NO_BUDGET


def test_what_others_have_set_aside_is_waited_for() -> None:
    purse = budget()
    first = purse.hold("one", dollars("0.006"))
    assert first is not None

    assert purse.hold("one", dollars("0.006")) is None

    purse.settle(first, "words", "m", Usage(10, 5), Decimal("0.001"))
    assert purse.hold("one", dollars("0.006")) is not None


def test_tokens_are_a_budget_of_their_own() -> None:
    with pytest.raises(ModelError, match="1,001 tokens"):
        budget(run_tokens=1_000).hold("one", dollars("0", 1_001))


def test_a_store_s_day_counts_what_its_other_runs_spent() -> None:
    purse = Budget(BudgetConfig(run_usd=Decimal(1), store_daily_usd=Decimal(1)))
    purse.open(Payer("shop", "one", "2026-01-01", dollars("0.9")))

    with pytest.raises(ModelError, match="day of store 'shop'"):
        purse.hold("one", dollars("0.2"))


def test_one_store_s_day_is_not_another_s() -> None:
    purse = Budget(BudgetConfig(run_usd=Decimal(1), store_daily_usd=Decimal(1)))
    purse.open(Payer("poor", "one", "2026-01-01", dollars("1")))
    purse.open(Payer("rich", "two", "2026-01-01"))

    assert purse.hold("two", dollars("0.5")) is not None


def test_a_run_that_is_not_open_may_spend_nothing() -> None:
    purse = budget()
    purse.close("one")

    with pytest.raises(ModelError, match="does not know this run"):
        purse.hold("one", dollars("0"))


def test_a_call_whose_answer_never_came_counts_as_its_worst_case() -> None:
    purse = budget()
    hold = purse.hold("one", dollars("0.006", 100))
    assert hold is not None

    purse.settle(hold, "words", "m", None, Decimal(0))

    with pytest.raises(ModelError):
        purse.hold("one", dollars("0.006"))
    (row,) = purse.close("one")
    assert (row.calls, row.usd, row.unconfirmed_usd) == (0, Decimal(0), Decimal("0.006"))


def test_the_bill_adds_up_by_model_and_purpose() -> None:
    purse = budget()
    for purpose, tokens in (("words", 10), ("tags", 20), ("words", 30)):
        hold = purse.hold("one", dollars("0.001"))
        assert hold is not None
        purse.settle(hold, purpose, "m", Usage(tokens, 1, 2), Decimal("0.0005"))

    rows = purse.close("one")

    assert [(row.purpose, row.calls, row.input_tokens, row.output_tokens, row.cached_tokens) for row in rows] == [
        ("tags", 1, 20, 1, 2), ("words", 2, 40, 2, 4),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 100), st.booleans()), max_size=60))
def test_calls_that_cost_no_more_than_was_set_aside_never_overrun_it(calls: list[tuple[int, int, bool]]) -> None:
    purse, spent, open_holds = budget(run=Decimal(100)), Decimal(0), []
    for worst, share, waits in calls:
        try:
            hold = purse.hold("one", Amount(0, Decimal(worst)))
        except ModelError:
            continue
        if hold is None:
            continue
        open_holds.append((hold, Decimal(worst * share) / 100))
        if not waits:
            done, cost = open_holds.pop(0)
            purse.settle(done, "p", "m", Usage(0), cost)
            spent += cost

    assert spent + sum(hold.amount.usd for hold, _ in open_holds) <= 100
