"""Money and tokens: set aside before a call, settled after it, never overrun."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from actors.remote.usage import Usage
from configs.models import BudgetConfig
from pipeline.errors import ModelError, ModelFault


@dataclass(frozen=True, slots=True)
class Amount:
    """Tokens and dollars."""

    tokens: int = 0
    usd: Decimal = Decimal(0)

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.tokens + other.tokens, self.usd + other.usd)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.tokens - other.tokens, self.usd - other.usd)

    def is_within(self, limit: "Amount") -> bool:
        """Whether neither is above the limit's."""
        return self.tokens <= limit.tokens and self.usd <= limit.usd


@dataclass(frozen=True, slots=True)
class Payer:
    """The run that pays for its calls, and what its store spent before."""

    store: str
    run_id: str
    day: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d}")
    """The day (UTC) whose budget it draws on."""
    spent_today: Amount = Amount()
    """What other runs of the store that began on that day spent, as the database has it."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run asked of one model for one purpose."""

    model: str
    purpose: str
    calls: int = 0
    """Calls that the endpoint counted tokens of."""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    usd: Decimal = Decimal(0)
    unconfirmed_usd: Decimal = Decimal(0)
    """Most that calls may have cost whose answer never came; the budget counts it as spent."""


@dataclass(slots=True)
class Account:
    """What may be spent, what is, and what calls on their way have set aside."""

    name: str
    limit: Amount
    spent: Amount = Amount()
    held: Amount = Amount()

    def has(self, amount: Amount) -> bool:
        """Whether so much is free now."""
        return (self.spent + self.held + amount).is_within(self.limit)

    def could_have(self, amount: Amount) -> bool:
        """Whether so much would be free if all calls on their way came back for nothing."""
        return (self.spent + amount).is_within(self.limit)


@dataclass(frozen=True, slots=True)
class Hold:
    """What one call has set aside."""

    run_id: str
    amount: Amount
    accounts: tuple[Account, Account]


class Budget:
    """The accounts of runs and of stores' days. An unknown run may spend nothing.

    Args:
        config: The limits.
    """

    def __init__(self, config: BudgetConfig) -> None:
        self._run_limit = Amount(config.run_tokens, config.run_usd)
        self._day_limit = Amount(config.store_daily_tokens, config.store_daily_usd)
        self._runs: dict[str, tuple[Account, Account]] = {}
        self._days: dict[tuple[str, str], Account] = {}
        self._rows: defaultdict[str, dict[tuple[str, str], Spent]] = defaultdict(dict)

    def open(self, payer: Payer) -> None:
        """Begin to pay for a run; its store's other runs of that day share one account."""
        self._days = {key: account for key, account in self._days.items() if key[1] >= payer.day or account.held.tokens}
        day = self._days.setdefault(
            (payer.store, payer.day), Account(f"day of store {payer.store!r}", self._day_limit, payer.spent_today)
        )
        self._runs.setdefault(payer.run_id, (Account("run", self._run_limit), day))

    def close(self, run_id: str) -> tuple[Spent, ...]:
        """What a run spent, by model and purpose; it may spend nothing from now on."""
        self._runs.pop(run_id, None)
        return tuple(row for _, row in sorted(self._rows.pop(run_id, {}).items()))

    def hold(self, run_id: str, amount: Amount) -> Hold | None:
        """Set an amount aside; None where calls on their way must come back first.

        Raises:
            ModelError: there will never be so much, or the run is not open.
        """
        accounts = self._accounts(run_id)
        for account in accounts:
            if not account.could_have(amount):
                raise ModelError(ModelFault.NO_BUDGET, _too_much(account, amount))
        if not all(account.has(amount) for account in accounts):
            return None
        for account in accounts:
            account.held += amount
        return Hold(run_id, amount, accounts)

    def settle(self, hold: Hold, purpose: str, model: str, usage: Usage | None, usd: Decimal) -> None:
        """Give back what was set aside and take what a call cost.

        Args:
            hold: What was set aside for it.
            purpose: What it was asked for.
            model: Who was asked.
            usage: Tokens; None where nobody said: then all that was set aside counts as spent.
            usd: Dollars; of no meaning where the usage is not known.
        """
        _give_back(hold, hold.amount if usage is None else Amount(usage.tokens, usd))
        rows = self._rows[hold.run_id]
        row = rows.get((model, purpose), Spent(model, purpose))
        if usage is None:
            rows[model, purpose] = replace(row, unconfirmed_usd=row.unconfirmed_usd + hold.amount.usd)
            return
        rows[model, purpose] = Spent(
            model, purpose, row.calls + 1, row.input_tokens + usage.input_tokens,
            row.output_tokens + usage.output_tokens, row.cached_tokens + usage.cached_tokens, row.usd + usd,
            row.unconfirmed_usd,
        )  # fmt: skip

    def release(self, hold: Hold) -> None:
        """Give back what was set aside for a call that cost nothing."""
        _give_back(hold, Amount())

    def _accounts(self, run_id: str) -> tuple[Account, Account]:
        if run_id not in self._runs:
            raise ModelError(
                ModelFault.UNAVAILABLE, "the gateway does not know this run: it was closed, or the gateway began anew"
            )
        return self._runs[run_id]


def _give_back(hold: Hold, cost: Amount) -> None:
    for account in hold.accounts:
        account.held -= hold.amount
        account.spent += cost


def _too_much(account: Account, amount: Amount) -> str:
    left = account.limit - account.spent
    setting = "run" if account.name == "run" else "store_daily"
    what = f"${amount.usd:.6f} and {amount.tokens:,} tokens"
    return (
        f"a call may cost {what}, and of the budget of the {account.name} are left ${max(left.usd, Decimal(0)):.6f} "
        f"and {max(left.tokens, 0):,} tokens; raise models.budget.{setting}_usd or {setting}_tokens, or ask less"
    )
