import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import PlanConfig
from pipeline.context.objectives import Need
from pipeline.plan import Plan, in_steps, make_plan, moving_average, tier_start
from pipeline.terms import BEST_TYPES, COMBOS, NOT_ALLOWED, OBJECTIVES, BundleType, Combo, Objective, Tier, types_of

CONFIG = PlanConfig()
NEEDS = {name: Need(1 - place / 10, 0.5) for place, name in enumerate(OBJECTIVES)}
"""Objectives needed in listing order."""


def plan(
    *, costs: list[float] | None = None, limit: int = 20, orders: int = 500, snapshot: str = "abc", **config: object
) -> Plan:
    """A plan of a store that needs objectives in listing order."""
    return make_plan(
        store="shop", snapshot=snapshot, as_of=20_000, orders=orders, needs=NEEDS, limit=limit, seed=0,
        past_costs_ms=costs or [], generations=12, config=PlanConfig(**config),  # type: ignore[arg-type]
    )  # fmt: skip


def test_full_mode_runs_39_of_40_combos_by_priority() -> None:
    found = plan()

    assert found.objectives == OBJECTIVES
    assert len(COMBOS) == 40
    assert set(found.admitted) == set(COMBOS) - NOT_ALLOWED
    assert len(found.admitted) == 39
    assert [combo.objective for combo in found.admitted] == [
        name for name in OBJECTIVES for _ in range(4 if name is Objective.SUBSCRIPTION_PUSH else 5)
    ]


@pytest.mark.parametrize("mode", ["full", "budget"])
def test_a_kit_on_subscription_never_runs(mode: str) -> None:
    kit = Combo(Objective.SUBSCRIPTION_PUSH, BundleType.FIXED)
    found = plan(mode=mode)

    assert kit not in found.admitted
    assert found.state_of(kit) == "not_allowed"


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_types_are_the_two_best_and_then_the_rest_in_listing_order(objective: Objective) -> None:
    types = types_of(objective)

    assert types[:2] == BEST_TYPES[objective]
    rest = [kind for kind in ("FBT", "FIXED", "MIX_MATCH", "BXGY", "VOLUME") if kind not in BEST_TYPES[objective]]
    assert list(types[2:]) == rest


@pytest.mark.parametrize(
    ("cost", "most"),
    [(50.0, 6), (1024.0, 6), (1025.0, 3), (1500.0, 3), (2100.0, 2), (100_000.0, 2)],
)  # fmt: skip
def test_budget_mode_admits_what_the_time_allows(cost: float, most: int) -> None:
    # 12,000 / (2^k · 1.5) between 2 and 6: 1024 → 7.8, 2048 → 3.9, 4096 → 1.95
    found = plan(costs=[cost], mode="budget")

    assert found.budget.max_objectives == most
    assert found.objectives[:most] == OBJECTIVES[:most]
    assert len(found.objectives) == most + 1
    assert found.objectives[most] in OBJECTIVES[most:]


def test_budget_mode_runs_the_two_best_types() -> None:
    found = plan(mode="budget")

    assert [combo for combo in found.admitted if combo.objective is Objective.NEW_LAUNCH] == [
        Combo(Objective.NEW_LAUNCH, BundleType.BXGY), Combo(Objective.NEW_LAUNCH, BundleType.FBT),
    ]  # fmt: skip
    assert found.state_of(Combo(Objective.NEW_LAUNCH, BundleType.VOLUME)) == "not_admitted"


def test_the_others_have_their_turn_from_snapshot_to_snapshot() -> None:
    drawn = {plan(mode="budget", costs=[5000.0], snapshot=f"{number}").objectives[-1] for number in range(200)}

    assert drawn == set(OBJECTIVES[2:])


def test_a_cost_is_the_moving_average_of_the_stores_runs() -> None:
    # 100, then 100 + 0.2·(200 − 100) = 120, then 120 + 0.2·(20 − 120) = 100
    assert moving_average([100.0, 200.0, 20.0], CONFIG) == pytest.approx(100.0)
    assert moving_average([], CONFIG) == CONFIG.default_cost_ms


@given(st.floats(0.01, 1e6))
def test_steps_are_powers_of_two_at_or_above(cost: float) -> None:
    step = in_steps(cost)

    assert cost <= step < 2 * cost * (1 + 1e-12)
    assert step in {2.0**power for power in range(-10, 30)}


@pytest.mark.parametrize("cost", [51.0, 60.0, 64.0])
def test_a_small_change_of_cost_changes_no_plan(cost: float) -> None:
    assert plan(mode="budget", costs=[cost]) == plan(mode="budget", costs=[64.0])


@pytest.mark.parametrize(
    ("orders", "tier"),
    [
        (0, Tier.COLD_START), (9, Tier.COLD_START), (10, Tier.ADAPTIVE_RULES), (99, Tier.ADAPTIVE_RULES),
        (100, Tier.RULES),
    ],
)  # fmt: skip
def test_a_store_starts_at_the_tier_of_its_size(orders: int, tier: Tier) -> None:
    assert tier_start(orders, CONFIG) is tier


@pytest.mark.parametrize(("limit", "wanted"), [(20, 12), (156, 12), (157, 13), (400, 31)])
def test_a_combo_wants_three_times_its_share_of_the_limit_and_twelve_at_least(limit: int, wanted: int) -> None:
    # max(12, ceil(3 · limit / 39))
    assert plan(limit=limit).target_candidates == wanted


def test_a_plan_survives_being_written_down() -> None:
    found = plan(mode="budget", costs=[300.0])

    assert Plan.model_validate_json(found.model_dump_json()) == found
