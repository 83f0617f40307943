"""The plan of a run: everything that hangs on the clock or on history, fixed before the first candidate."""

import hashlib
import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.config import PlanConfig
from pipeline.context.objectives import Need, by_priority
from pipeline.terms import NOT_ALLOWED, BundleType, Combo, Objective, Tier, types_of

ComboState = Literal["found", "empty", "not_eligible", "not_allowed", "not_admitted", "cut", "failed"]


class Budget(BaseModel):
    """What admission reckoned with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    combo_cost_ms: float
    """Moving average of a combo's cost, in steps of two."""
    max_objectives: int


class Plan(BaseModel):
    """One run's plan. Same snapshot, settings and plan: the same bundles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    store: str
    snapshot: str
    """sha256 of the snapshot."""
    as_of: int
    """Day after the last one that may be known, days from 1970-01-01."""
    mode: Literal["full", "budget"]
    limit: int
    objectives: tuple[Objective, ...]
    """Admitted objectives, the most needed first."""
    combos: tuple[tuple[Objective, BundleType], ...]
    """Admitted combos, in the order they run."""
    tier_start: Tier
    target_candidates: int
    generations: Annotated[int, Field(ge=0)] = 0
    """Of the search for a portfolio; 0 chooses greedily, as plans did that name none."""
    deadline_ms: int
    seed: int
    budget: Budget
    rules: str = ""
    """sha256 of the store's own rules; empty where it has none."""
    combo_ms: Annotated[float, Field(gt=0)] | None = None
    """What a combo of the store took lately, in steps of two. It sizes tasks and changes no bundle; None for a store
    that never ran."""

    @property
    def admitted(self) -> tuple[Combo, ...]:
        """Admitted combos as such."""
        return tuple(Combo(*pair) for pair in self.combos)

    def state_of(self, combo: Combo) -> ComboState | None:
        """Why a combo does not run; None for an admitted one."""
        if combo in NOT_ALLOWED:
            return "not_allowed"
        return None if combo in self.admitted else "not_admitted"


def moving_average(costs_ms: list[float], config: PlanConfig) -> float:
    """Moving average of a store's combo costs, oldest first; the default where there are none."""
    average = costs_ms[0] if costs_ms else config.default_cost_ms
    for cost in costs_ms[1:]:
        average += config.ema_alpha * (cost - average)
    return average


def in_steps(cost_ms: float) -> float:
    """The next power of two at or above `cost_ms`, so that small changes of history change no plan.

    >>> in_steps(50.0), in_steps(64.0)
    (64.0, 64.0)
    """
    return float(2.0 ** math.ceil(math.log2(max(cost_ms, 1e-3))))


def tier_start(orders: int, config: PlanConfig) -> Tier:
    """The strongest tier a store of that many orders may start at."""
    if orders < config.cold_orders:
        return Tier.COLD_START
    return Tier.ADAPTIVE_RULES if orders < config.thin_orders else Tier.RULES


def make_plan(
    *, store: str, snapshot: str, as_of: int, orders: int, needs: dict[Objective, Need], limit: int, seed: int,
    past_costs_ms: list[float], config: PlanConfig, generations: int, rules: str = "",
) -> Plan:  # fmt: skip
    """Fix what a run takes on.

    Args:
        store: Its name.
        snapshot: sha256 of its snapshot.
        as_of: Day after the last one that may be known.
        orders: Demand orders of the window.
        needs: Benefit and confidence of each objective.
        limit: Most bundles of the run.
        seed: Seed of every random draw.
        past_costs_ms: Cost of a combo in the store's earlier runs, oldest first.
        config: How much to take on.
        generations: Of the search for a portfolio; 0 for a greedy choice.
        rules: sha256 of the store's own rules; empty for none.
    """
    cost = in_steps(moving_average(past_costs_ms, config))
    low, high = config.budget_objectives
    most = min(max(math.floor(config.deadline_ms / (cost * config.budget_factor)), low), high)
    ranked = by_priority(needs)
    objectives = ranked if config.mode == "full" else _within_budget(ranked, most, store, snapshot)
    width = len(BundleType) if config.mode == "full" else 2
    combos = [Combo(name, kind) for name in objectives for kind in types_of(name)[:width]]
    allowed = tuple((combo.objective, combo.type) for combo in combos if combo not in NOT_ALLOWED)
    return Plan(
        store=store,
        snapshot=snapshot,
        as_of=as_of,
        mode=config.mode,
        limit=limit,
        objectives=objectives,
        combos=allowed,
        tier_start=tier_start(orders, config),
        generations=generations,
        target_candidates=max(config.min_candidates, math.ceil(3 * limit / max(len(allowed), 1))),
        deadline_ms=config.deadline_ms,
        seed=seed,
        budget=Budget(combo_cost_ms=cost, max_objectives=most),
        rules=rules,
    )


def _within_budget(ranked: tuple[Objective, ...], most: int, store: str, snapshot: str) -> tuple[Objective, ...]:
    """The first `most` objectives and one of the others, drawn in turn by what the store is today."""
    rest = ranked[most:]
    draw = int.from_bytes(hashlib.sha256(f"{store}\0{snapshot}".encode()).digest()[:8], "big")
    return ranked[:most] + ((rest[draw % len(rest)],) if rest else ())
