from collections import Counter
from dataclasses import replace
from decimal import Decimal
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.synthetic import synthetic_store
from pipeline.combo import evaluate_combo
from pipeline.config import RunConfig
from pipeline.context.config import Engine, MiningConfig, SimilarityConfig
from pipeline.generate import Outcome, conclude, generate, plan_for
from pipeline.ingest.snapshot import Snapshot
from pipeline.selection.dedup import KEPT
from pipeline.selection.select import REASONS, objective_codes, type_codes
from pipeline.terms import COMBOS, GATES, OBJECTIVES, TYPES, BundleType, Combo, Objective, Reason, Tier
from tests.support.stores import DAY, NAN, Basket, Ware, context_of, no_vectors, random_vectors, store_of

CONFIG = RunConfig()


@cache
def outcome_of(orders: int, products: int, seed: int) -> tuple[Snapshot, Outcome]:
    """A synthetic store and what a run on it came to."""
    snapshot = synthetic_store(orders, products, seed)
    return snapshot, generate(snapshot, random_vectors(snapshot, seed), CONFIG)


STORES = [(900, 90, 1), (60, 40, 2), (5, 30, 3), (300, 12, 4)]
EACH = pytest.mark.parametrize("store", STORES, ids=lambda store: f"{store[0]}x{store[1]}")


def habits(seed: int, products: int = 12, orders: int = 60) -> tuple[list[Ware], list[Basket]]:
    """A store whose shoppers buy neighbours together, with costs, stocks and families."""
    rng = np.random.default_rng(seed)
    wares = [
        Ware(
            f"P{number:02}", price=float(rng.choice([4.99, 9.99, 12.5, 19.95])),
            cost=float(rng.choice([NAN, 1.5, 3.0])), stock=float(rng.choice([NAN, 0.0, 30.0, 400.0])),
            category=f"C{number % 3}", family=f"F{number // 2}",
        )
        for number in range(products)
    ]  # fmt: skip
    wares = [replace(ware, is_sellable=ware.stock != 0) for ware in wares]
    baskets = []
    for _ in range(orders):
        lead = int(rng.integers(products))
        held = {lead, *(int(at) % products for at in lead + rng.integers(1, 4, rng.integers(0, 4)))}
        units = {f"P{item:02}": int(rng.choice([1, 1, 2, 6])) for item in held}
        baskets.append(Basket(units, DAY - int(rng.integers(0, 200)), int(rng.integers(20))))
    return wares, baskets


# What every run holds


@EACH
def test_every_candidate_has_exactly_one_fate(store: tuple[int, int, int]) -> None:
    _, outcome = outcome_of(*store)

    assert outcome.judged is not None
    assert outcome.selection is not None
    chosen, reason = outcome.selection.chosen, outcome.selection.reason
    assert len(set(chosen.tolist())) == len(chosen) == len(outcome.bundles)
    assert sorted(np.flatnonzero(reason < 0).tolist()) == sorted(chosen.tolist())
    gated = ~outcome.judged.verdicts.passed
    assert (reason[gated] == outcome.judged.verdicts.gate[gated]).all()
    assert set(reason[~gated].tolist()) <= {
        -1, REASONS.index(Reason.DUPLICATE), REASONS.index(Reason.NOT_SELECTED),
    }  # fmt: skip


@EACH
def test_a_duplicate_names_the_set_that_was_kept_and_others_name_none(store: tuple[int, int, int]) -> None:
    _, outcome = outcome_of(*store)

    assert outcome.selection is not None
    is_double = outcome.selection.reason == REASONS.index(Reason.DUPLICATE)
    assert (outcome.selection.owner[~is_double] == KEPT).all()
    owners = outcome.selection.owner[is_double]
    assert set(outcome.selection.reason[owners].tolist()) <= {-1, REASONS.index(Reason.NOT_SELECTED)}


@EACH
def test_no_two_bundles_of_a_type_are_nearly_the_same(store: tuple[int, int, int]) -> None:
    _, outcome = outcome_of(*store)

    sets = [(bundle.type, {product.sku for product in bundle.products}) for bundle in outcome.bundles]
    for place, (kind, one) in enumerate(sets):
        for other, two in sets[place + 1 :]:
            assert kind != other or 5 * len(one & two) < 4 * len(one | two)


@EACH
def test_the_list_keeps_its_limits(store: tuple[int, int, int]) -> None:
    _, outcome = outcome_of(*store)

    held = Counter(product.sku for bundle in outcome.bundles for product in bundle.products)
    assert 0 < len(outcome.bundles) <= 20
    assert max(held.values()) <= 4
    assert [bundle.rank for bundle in outcome.bundles] == list(range(1, len(outcome.bundles) + 1))
    assert len({bundle.id for bundle in outcome.bundles}) == len(outcome.bundles)


@EACH
def test_what_the_list_is_expected_to_sell_is_in_stock(store: tuple[int, int, int]) -> None:
    snapshot, outcome = outcome_of(*store)
    context = context_of(snapshot)
    days = max(context.history.as_of - int(context.history.day[0]), 1)
    sold: Counter[str] = Counter()

    for bundle in outcome.bundles:
        for product in bundle.products:
            sold[product.sku] += bundle.evidence["count"] / days * 30 * product.quantity

    stock = dict(zip(snapshot.catalog.sku.to_pylist(), snapshot.catalog.stock.tolist(), strict=True))
    assert all(units <= stock[sku] + 1e-9 for sku, units in sold.items() if stock[sku] > 0)


@EACH
def test_objectives_with_a_feasible_candidate_are_on_the_list(store: tuple[int, int, int]) -> None:
    _, outcome = outcome_of(*store)

    assert outcome.judged is not None
    assert outcome.selection is not None
    free = outcome.judged.verdicts.passed & (outcome.selection.owner == KEPT)
    possible = {OBJECTIVES[code] for code in objective_codes()[outcome.judged.combo[free]]}
    assert {bundle.objective for bundle in outcome.bundles} == possible


@EACH
def test_signals_are_shares_and_weights_sum_to_one(store: tuple[int, int, int]) -> None:
    _, outcome = outcome_of(*store)

    for bundle in outcome.bundles:
        signals, weights = bundle.signals, bundle.weights
        assert all(0 <= value <= 1 for value in (signals.semantic, signals.transactional, signals.business))
        assert weights.alpha + weights.beta + weights.gamma == pytest.approx(1, abs=2e-6)
        assert bundle.score == pytest.approx(
            weights.alpha * signals.semantic + weights.beta * signals.transactional + weights.gamma * signals.business,
            abs=1e-5,
        )


@EACH
def test_prices_on_the_wire_agree_with_the_products(store: tuple[int, int, int]) -> None:
    snapshot, outcome = outcome_of(*store)
    endings = set(context_of(snapshot).habits.endings.tolist())

    for bundle in outcome.bundles:
        listed, price = Decimal(bundle.offer.list_price), Decimal(bundle.offer.price)
        assert listed == sum(product.quantity * Decimal(product.price) for product in bundle.products)
        assert 0 < price <= listed
        assert Decimal(bundle.offer.discount_pct) == (100 * (1 - price / listed)).quantize(Decimal("0.1"))
        margin = bundle.evidence["margin"]["after_discount"]
        assert price >= Decimal("0.9") * listed - Decimal("0.01") if margin is None else margin >= 0.15
        if bundle.type in (BundleType.FBT, BundleType.FIXED, BundleType.MIX_MATCH) and listed > price >= 2:
            assert int(100 * price) % 100 in endings


@EACH
def test_gates_are_judged_at_the_price_that_is_stored(store: tuple[int, int, int]) -> None:
    snapshot, outcome = outcome_of(*store)
    catalog = snapshot.catalog
    place = {sku: at for at, sku in enumerate(catalog.sku.to_pylist())}

    for bundle in outcome.bundles:
        if bundle.type not in (BundleType.FBT, BundleType.FIXED, BundleType.BXGY):
            continue
        rows = [place[product.sku] for product in bundle.products]
        known = [row for row in rows if not np.isnan(catalog.cost[row])]
        if known:
            off = float(Decimal(bundle.offer.price) / Decimal(bundle.offer.list_price))
            margin = 1 - catalog.cost[known].sum() / (off * catalog.price[known].sum())
            assert bundle.evidence["margin"]["after_discount"] == pytest.approx(margin, abs=1e-5)


# Counts, recounted


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000))
def test_counts_of_every_type_are_those_of_a_recount(seed: int) -> None:
    wares, baskets = habits(seed)
    snapshot = store_of(wares, baskets)

    judged = generate(snapshot, random_vectors(snapshot), CONFIG).judged

    assert judged is not None
    counted: Counter[BundleType] = Counter()
    for row, combo in enumerate(judged.combo):
        kind = COMBOS[combo].type
        skus = [f"P{item:02}" for item in judged.found.items[row] if item >= 0]
        if kind is BundleType.VOLUME:
            first = judged.found.breaks[row, 0]
            expected = sum(
                any(sku in one.units for sku in skus) and sum(one.units.get(sku, 0) for sku in skus) >= first
                for one in baskets
            )
        else:
            least = judged.found.pick[row] if kind is BundleType.MIX_MATCH else len(skus)
            expected = sum(sum(sku in one.units for sku in skus) >= least for one in baskets)
        assert judged.counts.count[row] == expected
        counted[kind] += 1
    assert counted[BundleType.FBT] > 0


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.booleans())
def test_an_irrelevant_product_changes_no_figure_of_other_bundles(seed: int, is_first: bool) -> None:
    wares, baskets = habits(seed)
    stranger = Ware("A-stranger" if is_first else "Z-stranger", price=7.77, category="Strange")

    before = generate(store_of(wares, baskets), np.zeros((12, 0), dtype=np.float32), CONFIG)
    after = generate(store_of([*wares, stranger], baskets), np.zeros((13, 0), dtype=np.float32), CONFIG)

    figures = ("count", "support", "anchor_orders", "confidence", "confidence_low", "lift", "shrunk_lift", "window")
    known = {bundle.id: bundle for bundle in before.bundles}
    shared = [bundle for bundle in after.bundles if bundle.id in known]
    assert shared
    for bundle in shared:
        other = known[bundle.id]
        assert {name: bundle.evidence[name] for name in figures} == {name: other.evidence[name] for name in figures}
        assert bundle.offer == other.offer


def test_orders_that_became_known_later_change_nothing() -> None:
    wares, baskets = habits(1)
    later = [Basket({"P00": 1, "P05": 1}, DAY + 5 + number) for number in range(20)]

    now = generate(store_of(wares, baskets), np.zeros((12, 0), dtype=np.float32), CONFIG, as_of=DAY + 1)
    then = generate(store_of(wares, baskets + later), np.zeros((12, 0), dtype=np.float32), CONFIG, as_of=DAY + 1)

    def facts(outcome: Outcome) -> list[object]:
        return [(bundle.id, bundle.offer, bundle.score, bundle.evidence["count"]) for bundle in outcome.bundles]

    assert facts(now) == facts(then)


# The same again


@EACH
def test_the_same_snapshot_and_settings_make_the_same_bundles_bit_for_bit(store: tuple[int, int, int]) -> None:
    snapshot, first = outcome_of(*store)

    again = generate(synthetic_store(*store), random_vectors(snapshot, store[2]), CONFIG)

    assert [bundle.model_dump_json() for bundle in again.bundles] == [
        bundle.model_dump_json() for bundle in first.bundles
    ]


def test_the_order_in_which_combos_come_home_changes_nothing() -> None:
    snapshot = synthetic_store(300, 40, 6)
    context = context_of(snapshot)
    plan = plan_for(context, CONFIG)
    results = [evaluate_combo(context, combo, plan, CONFIG, lambda: 0.0) for combo in plan.admitted]

    forward = conclude(context, snapshot.catalog, plan, results, CONFIG)
    backward = conclude(context, snapshot.catalog, plan, results[::-1], CONFIG)

    assert backward.bundles == forward.bundles
    assert [result.combo for result in backward.combos] == list(plan.admitted)


def test_searching_by_matrix_product_makes_the_same_bundles() -> None:
    snapshot, outcome = outcome_of(*STORES[0])
    numpy_search = CONFIG.model_copy(update={"similarity": SimilarityConfig(engine=Engine.NUMPY)})

    again = generate(snapshot, random_vectors(snapshot, 1), numpy_search)

    def but_settings(found: Outcome) -> list[object]:
        return [(bundle.id, bundle.offer, bundle.score, bundle.name) for bundle in found.bundles]

    assert but_settings(again) == but_settings(outcome)


def test_counting_by_fpgrowth_makes_the_same_bundles() -> None:
    snapshot = synthetic_store(300, 40, 6)
    fpgrowth = CONFIG.model_copy(update={"mining": MiningConfig(engine="mlxtend")})

    ours, theirs = (generate(snapshot, no_vectors(snapshot), config) for config in (CONFIG, fpgrowth))

    def but_settings(found: Outcome) -> list[object]:
        return [(bundle.id, bundle.offer, bundle.score, bundle.name) for bundle in found.bundles]

    assert but_settings(theirs) == but_settings(ours)


# What runs, and what does not


@EACH
def test_a_combo_that_is_not_allowed_never_runs(store: tuple[int, int, int]) -> None:
    _, outcome = outcome_of(*store)

    kit = Combo(Objective.SUBSCRIPTION_PUSH, BundleType.FIXED)
    assert kit not in [result.combo for result in outcome.combos]
    assert kit not in [(bundle.objective, bundle.type) for bundle in outcome.bundles]


def test_a_combo_without_eligible_products_says_so_and_is_not_filled() -> None:
    wares = [Ware(f"P{number}") for number in range(6)]
    baskets = [Basket({f"P{number}": 1, f"P{number + 1}": 1}) for number in range(5)] * 4
    snapshot = store_of(wares, baskets)

    outcome = generate(snapshot, no_vectors(snapshot), CONFIG)

    states = {result.combo: result.state for result in outcome.combos}
    for objective in (Objective.NEW_LAUNCH, Objective.SUBSCRIPTION_PUSH, Objective.CLEAR_SLOW_MOVERS):
        assert {state for combo, state in states.items() if combo.objective is objective} == {"not_eligible"}
    assert {bundle.objective for bundle in outcome.bundles} <= {
        Objective.INCREASE_AOV, Objective.CATEGORY_BUNDLE, Objective.GIFT_BOX, Objective.MARGIN_GUARD,
    }  # fmt: skip


def test_a_combo_stops_climbing_when_it_has_enough() -> None:
    snapshot = synthetic_store(900, 90, 1)
    context = context_of(snapshot)
    plan = plan_for(context, CONFIG)
    combo = Combo(Objective.INCREASE_AOV, BundleType.FBT)

    result = evaluate_combo(context, combo, plan, CONFIG, lambda: 0.0)

    assert result.judged is not None
    assert result.passed >= plan.target_candidates
    assert set(result.judged.found.tier.tolist()) == {int(Tier.RULES)}


def test_vectors_are_used_where_they_are_known() -> None:
    snapshot = synthetic_store(300, 40, 6)

    bare, full = (generate(snapshot, vectors, CONFIG) for vectors in (no_vectors(snapshot), random_vectors(snapshot)))

    assert {bundle.evidence["similarity"] for bundle in bare.bundles} == {None}
    assert any(bundle.evidence["similarity"] is not None for bundle in full.bundles)


def test_the_limit_is_kept_to_hundreds() -> None:
    snapshot = synthetic_store(900, 90, 1)

    for limit in (1, 3, 100):
        config = CONFIG.model_copy(update={"portfolio": CONFIG.portfolio.model_copy(update={"limit": limit})})
        bundles = generate(snapshot, no_vectors(snapshot), config).bundles
        assert len(bundles) == limit


@pytest.mark.parametrize(
    ("wares", "baskets"),
    [
        ([], []),
        ([Ware("A")], []),
        ([Ware("A", is_sellable=False), Ware("B", is_sellable=False)], []),
        ([Ware("A")], [Basket({"A": 2})] * 30),
        ([Ware("A", price=NAN, is_sellable=False), Ware("B")], [Basket({"A": 1, "B": 1})] * 30),
    ],
)  # fmt: skip
def test_a_store_that_allows_no_set_ends_in_no_bundle_and_no_error(wares: list[Ware], baskets: list[Basket]) -> None:
    snapshot = store_of(wares, baskets)

    for vectors in (no_vectors(snapshot), random_vectors(snapshot) if wares else no_vectors(snapshot)):
        assert generate(snapshot, vectors, CONFIG).bundles == ()


def test_codes_stand_for_objectives_types_and_gates() -> None:
    assert [OBJECTIVES[code] for code in objective_codes()] == [combo.objective for combo in COMBOS]
    assert [TYPES[code] for code in type_codes()] == [combo.type for combo in COMBOS]
    assert REASONS[: len(GATES)] == GATES
