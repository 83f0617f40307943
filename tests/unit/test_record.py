import json

import pytest

from benchmarks.synthetic import synthetic_store
from pipeline.combo import ComboResult
from pipeline.config import RunConfig
from pipeline.context.store import StoreContext
from pipeline.generate import Outcome, conclude, generate, plan_for
from pipeline.ingest.snapshot import Snapshot
from pipeline.record import combo_rows, points, record_of, rejected, source_rows, why_empty
from pipeline.terms import COMBOS, GATES, OBJECTIVES, Combo, Objective, Reason
from tests.support.stores import Basket, Ware, context_of, no_vectors, random_vectors, store_of

CONFIG = RunConfig()
SNAPSHOT = synthetic_store(400, 60, 2)
VECTORS = random_vectors(SNAPSHOT)
CONTEXT = context_of(SNAPSHOT, vectors=VECTORS)
OUTCOME = generate(SNAPSHOT, VECTORS, CONFIG)
RECORD = record_of(CONTEXT, OUTCOME, CONFIG)


def run(snapshot: Snapshot) -> tuple[StoreContext, Outcome]:
    """A store without vectors, and what became of it."""
    return context_of(snapshot), generate(snapshot, no_vectors(snapshot), CONFIG)


def test_the_record_is_plain_data() -> None:
    assert json.loads(json.dumps(RECORD, allow_nan=False)) is not None


def test_the_record_says_how_the_list_was_searched_for() -> None:
    portfolio = RECORD["portfolio"]

    assert portfolio["method"] == "nsga2"
    assert portfolio["generations"] == OUTCOME.plan.generations
    assert portfolio["evaluated"] == 50 * OUTCOME.plan.generations
    assert {len(row) for row in [*portfolio["front"], portfolio["greedy"]]} == {len(portfolio["aims"])}
    assert 0 <= portfolio["taken"] < len(portfolio["front"])
    assert portfolio["random_hypervolume"] < portfolio["hypervolume"]


def test_the_record_says_that_a_search_was_cut() -> None:
    cut = conclude(CONTEXT, SNAPSHOT.catalog, OUTCOME.plan, OUTCOME.combos, CONFIG, lambda: False)

    assert record_of(CONTEXT, cut, CONFIG)["portfolio"]["generations"] == 1
    assert len(cut.bundles) == len(OUTCOME.bundles)


@pytest.mark.parametrize("portfolio", [{"method": "greedy"}, {"min_lines": 10**6}])
def test_the_record_says_that_a_list_was_chosen_greedily(portfolio: dict[str, object]) -> None:
    config = RunConfig.model_validate({"portfolio": portfolio})

    found = record_of(CONTEXT, generate(SNAPSHOT, VECTORS, config), config)["portfolio"]

    assert found.keys() == {"method", "points"}
    assert found["method"] == "greedy"


def test_every_candidate_is_counted_once() -> None:
    gates, chosen = RECORD["policy_gates"], RECORD["diversity_selection"]

    turned_away = sum(gates[f"rejected_{gate}"] for gate in GATES)
    assert gates["total_candidates"] == turned_away + gates["passed"] == RECORD["candidates_generated"]
    assert chosen["candidates_after_gates"] == gates["passed"] == RECORD["bundles_after_gates"]
    assert gates["passed"] == chosen["duplicates"] + chosen["not_selected"] + chosen["final_bundle_count"]
    assert chosen["final_bundle_count"] == len(OUTCOME.bundles)


def test_all_forty_combos_have_a_row_that_adds_up() -> None:
    rows = RECORD["combos_evaluated"]

    assert [(row["objective"], row["type"]) for row in rows] == [(combo.objective, combo.type) for combo in COMBOS]
    assert (RECORD["combos_listed"], RECORD["combos_allowed"], RECORD["combos_attempted"]) == (40, 39, 39)
    assert sum(row["candidates"] for row in rows) == RECORD["candidates_generated"]
    assert sum(row["passed"] for row in rows) == RECORD["bundles_after_gates"]
    assert sum(row["bundles"] for row in rows) == len(OUTCOME.bundles)
    assert [row["state"] for row in rows if row["objective"] == "subscription_push" and row["type"] == "FIXED"] == [
        "not_allowed"
    ]
    assert all("tier" in row for row in rows if row["state"] == "found")
    assert all(row["reason"] for row in rows if row["state"] != "found")


def test_combos_after_a_cut_say_so() -> None:
    done: list[ComboResult] = list(OUTCOME.combos)[:10]

    cut = conclude(CONTEXT, SNAPSHOT.catalog, OUTCOME.plan, done, CONFIG)

    states = [row["state"] for row in combo_rows(cut)]
    assert states.count("cut") == 29
    assert states.count("not_allowed") == 1


def test_combos_that_the_budget_left_out_say_so() -> None:
    config = CONFIG.model_copy(update={"plan": CONFIG.plan.model_copy(update={"mode": "budget"})})
    plan = plan_for(CONTEXT, config)

    rows = combo_rows(Outcome(plan, (), None, None, ()))

    states = {Combo(Objective(row["objective"]), row["type"]): row["state"] for row in rows}
    assert {combo for combo, state in states.items() if state == "cut"} == set(plan.admitted)
    assert set(states.values()) == {"cut", "not_admitted", "not_allowed"}


def test_objectives_are_listed_by_priority() -> None:
    rows = list(RECORD["objective_selection"].items())

    assert {name for name, _ in rows} == set(OBJECTIVES)
    assert [row["rank"] for _, row in rows] == list(range(1, 9))
    priorities = [row["priority"] for _, row in rows]
    assert priorities == sorted(priorities, reverse=True)
    assert all(row["priority"] == pytest.approx(row["benefit"] * row["confidence"], abs=2e-6) for _, row in rows)
    assert RECORD["selected_objectives"] == [name for name, _ in rows]


def test_sources_sum_over_combos_and_keep_their_first_error() -> None:
    rows = source_rows(OUTCOME.combos)

    asked = [report for result in OUTCOME.combos for report in result.sources]
    assert {report.name for report in asked} == set(rows)
    for name, row in rows.items():
        assert row["candidates"] == sum(report.candidates for report in asked if report.name == name)
        assert row["error"] is None
    broken = OUTCOME.combos[0].sources[0]._replace(error="RuntimeError: no")
    assert source_rows([ComboResult(COMBOS[0], "empty", None, (broken, broken))])[broken.name]["error"] == (
        "RuntimeError: no"
    )


def test_the_rejected_and_the_bundles_are_all_candidates() -> None:
    assert OUTCOME.judged is not None
    assert OUTCOME.selection is not None

    rows = list(rejected(OUTCOME.judged, OUTCOME.selection, SNAPSHOT.catalog))

    assert len(rows) + len(OUTCOME.bundles) == len(OUTCOME.judged)
    assert {row.reason for row in rows} <= {*GATES, Reason.DUPLICATE, Reason.NOT_SELECTED}
    skus = set(SNAPSHOT.catalog.sku.to_pylist())
    assert all(row.skus and set(row.skus) <= skus for row in rows)
    assert all(row.figure is not None and 0 <= row.figure <= 1 for row in rows if row.reason is Reason.NOT_SELECTED)


def test_points_show_every_bundle_and_an_undominated_front() -> None:
    assert OUTCOME.judged is not None
    assert OUTCOME.selection is not None

    shown = points(OUTCOME.judged, OUTCOME.selection)

    assert sum(point["chosen"] for point in shown) == len(OUTCOME.bundles)
    front = [point for point in shown if point["front"]]
    assert front
    for point in shown:
        if point["margin"] is not None:
            assert any(one["score"] >= point["score"] and one["margin"] >= point["margin"] for one in front)


def test_a_run_with_bundles_has_no_reason_to_be_empty() -> None:
    assert RECORD["why_empty"] is None


@pytest.mark.parametrize(
    ("wares", "baskets", "expected"),
    [
        ([], [], "the store has 0 sellable products; a bundle needs two"),
        ([Ware("A")], [], "the store has 1 sellable product; a bundle needs two"),
        (
            [Ware("A", category="x"), Ware("B", category="y")], [],
            "no source found products that go together; more orders or fuller product data will help",
        ),
    ],
)  # fmt: skip
def test_an_empty_run_says_why(wares: list[Ware], baskets: list[Basket], expected: str) -> None:
    context, outcome = run(store_of(wares, baskets))

    assert outcome.bundles == ()
    assert why_empty(context, outcome) == expected


def test_an_empty_run_names_the_gate_that_rejected_most() -> None:
    wares = [Ware("A", cost=9.5), Ware("B", cost=9.5)]
    context, outcome = run(store_of(wares, [Basket({"A": 1, "B": 1})] * 20))

    found = why_empty(context, outcome)

    assert found is not None
    assert found.endswith("met a gate, most often margin_too_low")


def test_a_record_without_any_candidate_can_be_written() -> None:
    context, outcome = run(store_of([Ware("A")]))

    found = record_of(context, outcome, CONFIG)

    assert found["candidates_generated"] == 0
    assert found["portfolio"]["points"] == []
    assert json.dumps(found, allow_nan=False)
