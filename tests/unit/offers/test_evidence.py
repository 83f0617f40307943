import json
from functools import cache

import numpy as np

from benchmarks.synthetic import synthetic_store
from pipeline.config import RunConfig
from pipeline.context.association import wilson
from pipeline.context.rules_config import RulesConfig
from pipeline.generate import Outcome, generate
from pipeline.offers.bundle import Bundle
from pipeline.offers.evidence import figure, pareto_rank
from pipeline.terms import BundleType, Tier
from tests.support.stores import Ware, bought, no_vectors, random_vectors, store_of

CONFIG = RunConfig()


@cache
def rich() -> Outcome:
    """A run with every type of bundle."""
    snapshot = synthetic_store(900, 90, 1)
    return generate(snapshot, random_vectors(snapshot), CONFIG)


def only(orders: int = 20, **fields: float) -> Bundle:
    """The FBT bundle of a store whose shoppers always buy A with B, half of the time."""
    rows = [bought("A", "B")] * (orders // 2) + [bought("C")] * (orders // 2)
    snapshot = store_of([Ware("A", **fields), Ware("B", **fields), Ware("C", **fields)], rows)  # type: ignore[arg-type]
    bundles = generate(snapshot, no_vectors(snapshot), CONFIG).bundles
    return next(bundle for bundle in bundles if bundle.type is BundleType.FBT)


def test_an_unknown_figure_is_none_and_a_known_one_has_six_digits() -> None:
    assert figure(float("nan")) is None
    assert figure(1 / 3) == 0.333333


def test_figures_by_hand() -> None:
    found = only(200).evidence

    low, high = wilson(100, 100)
    assert (found["count"], found["anchor_orders"], found["support"], found["confidence"]) == (100, 100, 0.5, 1.0)
    assert (found["confidence_low"], found["confidence_high"]) == (round(float(low), 6), round(float(high), 6))
    # 100 of 200 by both: 50 by chance; 100/50, and (100 + 10)/(50 + 10)
    assert (found["expected_count"], found["lift"], found["shrunk_lift"]) == (50.0, 2.0, 1.833333)
    assert found["window"] == {"from": "2024-10-04", "to": "2024-10-05", "orders": 200}
    assert (found["tier"], found["tier_name"], found["thin"]) == (1, "rules", False)
    assert "association_rules" in found["sources"]


def test_a_small_stores_evidence_is_marked_thin() -> None:
    found = only(20).evidence

    assert (found["tier_name"], found["thin"]) == ("adaptive_rules", True)


def test_an_unknown_cost_is_unknown_and_a_known_one_is_a_margin() -> None:
    assert only().evidence["margin"] == {"after_discount": None, "known_share": 0.0}
    found = only(cost=4.0)
    assert found.evidence["margin"] == {
        "after_discount": round(1 - 8 / float(found.offer.price), 6), "known_share": 1.0,
    }  # fmt: skip


def test_every_bundle_says_all_that_it_rests_on() -> None:
    keys = {
        "sources", "tier", "window", "count", "support", "confidence", "lift", "similarity", "gates", "front",
        "price_trail", "merged", "data", "margin", "expected", "support_low", "lift_low",
        "pareto_rank", "expected_count",
    }  # fmt: skip

    for bundle in rich().bundles:
        assert keys <= set(bundle.evidence)
        assert bundle.evidence["sources"]
        assert json.dumps(bundle.to_json(), allow_nan=False)


def test_lift_and_support_lie_within_their_intervals() -> None:
    for bundle in rich().bundles:
        found = bundle.evidence

        assert found["support_low"] <= found["support"] <= found["support_high"]
        if found["lift"] is not None:
            assert found["lift_low"] <= found["lift"] <= found["lift_high"]
        else:
            assert found["lift_low"] is None


def test_nobody_beats_the_front_and_each_other_rank_counts_who_does() -> None:
    outcome = rich()
    assert outcome.judged is not None
    assert outcome.selection is not None
    score, margin = outcome.judged.scores.score, outcome.judged.prices.margin
    passed = outcome.judged.verdicts.passed

    for row in outcome.selection.chosen.tolist():
        rank = pareto_rank(outcome.judged, row)
        if np.isnan(margin[row]):
            assert rank is None
            continue
        beaten = [
            (score[other], margin[other]) != (score[row], margin[row])
            and score[other] >= score[row] and margin[other] >= margin[row]
            for other in np.flatnonzero(passed).tolist()
        ]  # fmt: skip
        assert rank == 1 + sum(beaten)
        assert (rank == 1) == bool(outcome.selection.front[row])


def test_a_store_with_rules_names_them_and_what_they_found() -> None:
    rules = RulesConfig.model_validate({"exclude": ["sku:C"], "max_price": "25"})
    snapshot = store_of([Ware("A"), Ware("B"), Ware("C")], [bought("A", "B")] * 20)

    with_rules = generate(snapshot, no_vectors(snapshot), CONFIG.model_copy(update={"rules": rules})).bundles[0]

    gates = {row["gate"]: row["figure"] for row in with_rules.evidence["gates"]}
    assert with_rules.evidence["data"]["rules"] == rules.sha256()
    assert (gates["excluded"], gates["never_together"]) == (0.0, 0.0)
    assert gates["price_limit"] == float(with_rules.offer.price) * 100
    assert only().evidence["data"]["rules"] is None


def test_pools_and_quantities_have_no_lift_and_pools_no_confidence() -> None:
    by_type = {bundle.type: bundle.evidence for bundle in rich().bundles}

    assert by_type[BundleType.MIX_MATCH]["confidence"] is None
    for kind in (BundleType.MIX_MATCH, BundleType.VOLUME):
        assert (by_type[kind]["lift"], by_type[kind]["shrunk_lift"]) == (None, None)
    assert by_type[BundleType.VOLUME]["confidence"] is not None


def test_the_gates_that_a_bundle_passed_hold_its_figures() -> None:
    for bundle in rich().bundles:
        gates = {row["gate"]: row for row in bundle.evidence["gates"]}

        assert all(row["passed"] for row in gates.values())
        assert ("incompatible_categories" in gates) == (bundle.type in (BundleType.FBT, BundleType.FIXED))
        if gates["margin_too_low"]["figure"] is not None:
            assert gates["margin_too_low"]["figure"] >= gates["margin_too_low"]["limit"]
        if bundle.evidence["tier"] == Tier.RULES:
            assert gates["low_support"]["figure"] >= gates["low_support"]["limit"] == 3


def test_the_price_trail_leads_to_the_floor() -> None:
    for bundle in rich().bundles:
        trail = bundle.evidence["price_trail"]

        assert 0.05 <= trail["store_discount"] <= 0.3
        if bundle.offer.price != bundle.offer.list_price and bundle.evidence["margin"]["after_discount"] is not None:
            assert float(bundle.offer.price) >= float(trail["floor"])


def test_near_duplicates_leave_their_objective_behind() -> None:
    outcome = rich()
    assert outcome.selection is not None

    owned = np.unique(outcome.selection.owner[outcome.selection.owner >= 0])

    for row, bundle in zip(outcome.selection.chosen, outcome.bundles, strict=True):
        assert bool(bundle.evidence["merged"]) == bool((owned == row).any())
