"""A store's own rules hold in every list, whatever they are."""

from collections import Counter
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.synthetic import synthetic_store
from pipeline.config import RunConfig
from pipeline.context.rules_config import RulesConfig
from pipeline.generate import Outcome, generate
from pipeline.ingest.snapshot import Snapshot
from pipeline.offers.bundle import Bundle
from pipeline.record import record_of, rejected
from pipeline.selection.config import PortfolioConfig
from pipeline.terms import BundleType, Reason
from tests.support.stores import context_of, random_vectors


@cache
def store() -> tuple[Snapshot, NDArray[np.float32]]:
    """A store of 200 orders and 36 products."""
    snapshot = synthetic_store(200, 36, 5)
    return snapshot, random_vectors(snapshot, 5)


SKUS = store()[0].catalog.sku.to_pylist()
CATEGORIES = store()[0].catalog.categories.to_pylist()
TAGS = sorted({tag for text in store()[0].catalog.tags.to_pylist() for tag in text.split(", ") if tag})

SELECTORS = st.one_of(
    st.sampled_from(SKUS).map("sku:{}".format),
    st.sampled_from(CATEGORIES).map("category:{}".format),
    *([st.sampled_from(TAGS).map("tag:{}".format)] if TAGS else []),
)
RULES = st.fixed_dictionaries({
    "exclude": st.lists(SELECTORS, max_size=3),
    "pin": st.lists(st.sampled_from(SKUS).map("sku:{}".format), max_size=4),
    "never_together": st.lists(st.tuples(st.sampled_from(SKUS), st.sampled_from(SKUS)).filter(
        lambda pair: pair[0] != pair[1]), max_size=30),
    "min_price": st.sampled_from([None, "5", "20"]),
    "max_price": st.sampled_from([None, "25", "60"]),
})  # fmt: skip


def run_with(**rules: Any) -> Outcome:
    """A run under the given rules."""
    return generate(*store(), RunConfig(rules=RulesConfig.model_validate(rules)))


def quick_run_with(**rules: Any) -> Outcome:
    """A run under the given rules that chooses greedily: what many examples can afford."""
    rulebook = RulesConfig.model_validate(rules)
    return generate(*store(), RunConfig(rules=rulebook, portfolio=PortfolioConfig(method="greedy")))


def held(outcome: Outcome) -> Counter[str]:
    """How many bundles hold each SKU."""
    return Counter(product.sku for bundle in outcome.bundles for product in bundle.products)


def broken(bundle: Bundle, rules: dict[str, Any]) -> list[str]:
    """The rules a bundle breaks, told from the catalog and not from the rulebook."""
    catalog = store()[0].catalog
    found = []
    skus = [product.sku for product in bundle.products]
    for text in rules["exclude"]:
        field, _, wanted = text.partition(":")
        for sku in skus:
            at = SKUS.index(sku)
            is_hit = {
                "sku": sku == wanted,
                "category": CATEGORIES[int(catalog.category[at])] == wanted,
                "tag": wanted in catalog.tags[at].as_py().split(", "),
            }[field]
            found += [f"{sku} is excluded by {text}"] if is_hit else []
    found += [f"{pair} are together" for pair in rules["never_together"] if set(pair) <= set(skus)]
    price = Decimal(bundle.offer.price)
    if rules["min_price"] and price < Decimal(rules["min_price"]):
        found.append(f"{price} is too low")
    if rules["max_price"] and price > Decimal(rules["max_price"]):
        found.append(f"{price} is too high")
    return found


@settings(max_examples=12)
@given(RULES)
def test_no_bundle_breaks_a_rule_and_no_list_its_limits(rules: dict[str, Any]) -> None:
    outcome = quick_run_with(**rules)

    assert [text for bundle in outcome.bundles for text in broken(bundle, rules)] == []
    assert len(outcome.bundles) <= 20
    assert max(held(outcome).values(), default=0) <= 4
    assert [bundle.rank for bundle in outcome.bundles] == list(range(1, len(outcome.bundles) + 1))
    sets = [(bundle.type, {product.sku for product in bundle.products}) for bundle in outcome.bundles]
    for place, (kind, one) in enumerate(sets):
        for other, two in sets[place + 1 :]:
            assert kind != other or 5 * len(one & two) < 4 * len(one | two)


@settings(max_examples=8)
@given(RULES)
def test_a_pinned_product_has_a_place_where_a_candidate_that_passed_holds_it_alone(rules: dict[str, Any]) -> None:
    """One pin, or pins that don't compete: a candidate that passed is enough, whatever else the list holds."""
    rules = rules | {"pin": rules["pin"][:1], "never_together": [], "min_price": None, "max_price": None}

    outcome = quick_run_with(**rules)

    assert outcome.judged is not None
    passed = outcome.judged.found.items[outcome.judged.verdicts.passed]
    feasible = {SKUS[at] for at in passed[passed >= 0]}
    wanted = {text.removeprefix("sku:") for text in rules["pin"]} & feasible
    assert wanted <= set(held(outcome))


def test_a_rarely_sold_product_gets_a_place_by_being_pinned() -> None:
    plain = run_with()
    absent = [sku for sku in SKUS if sku not in held(plain)]
    orders = context_of(store()[0]).features.orders
    rarest = min(absent, key=lambda sku: (orders[SKUS.index(sku)], sku))

    pinned = run_with(pin=[f"sku:{rarest}"])

    if store()[0].catalog.is_sellable[SKUS.index(rarest)]:
        assert held(pinned)[rarest] >= 1
    assert len(pinned.bundles) == len(plain.bundles)


def test_many_pins_are_placed_and_counted() -> None:
    catalog = store()[0].catalog
    sellable = [sku for sku, is_sold in zip(SKUS, catalog.is_sellable.tolist(), strict=True) if is_sold][:15]
    config = RunConfig(rules=RulesConfig.model_validate({"pin": [f"sku:{sku}" for sku in sellable]}))

    outcome = generate(*store(), config)
    record = record_of(context_of(store()[0], config, store()[1]), outcome, config)

    assert record["rules"]["pinned_products"] == 15
    assert record["rules"]["pinned_placed"] == len(set(sellable) & set(held(outcome)))
    assert record["rules"]["pinned_placed"] >= 14


def test_what_a_rule_costs_is_counted_and_kept_with_its_reason() -> None:
    best = run_with().bundles[0]
    anchor, partner = best.products[0].sku, best.products[-1].sku
    rules = {"exclude": [f"sku:{anchor}"], "never_together": [[partner, SKUS[0]]], "max_price": "30"}
    config = RunConfig(rules=RulesConfig.model_validate(rules))

    outcome = generate(*store(), config)
    record = record_of(context_of(store()[0], config, store()[1]), outcome, config)

    assert outcome.judged is not None
    assert outcome.selection is not None
    assert record["policy_gates"]["rejected_excluded"] > 0
    assert record["policy_gates"]["rejected_price_limit"] > 0
    lost = list(rejected(outcome.judged, outcome.selection, store()[0].catalog))
    excluded = [row for row in lost if row.reason is Reason.EXCLUDED]
    assert len(excluded) == record["policy_gates"]["rejected_excluded"]
    assert all(anchor in row.skus for row in excluded)


def test_a_list_fills_up_without_what_is_excluded() -> None:
    """The most bought products are in most candidates of a source: it is asked again without them."""
    orders = context_of(store()[0]).features.orders
    favourites = [SKUS[at] for at in np.argsort(-orders, kind="stable")[:10]]

    outcome = run_with(exclude=[f"sku:{sku}" for sku in favourites])

    assert len(outcome.bundles) == 20
    assert not set(favourites) & set(held(outcome))


@pytest.mark.parametrize("low", ["12", "30"])
def test_the_cheapest_pick_of_a_pool_keeps_the_least_price(low: str) -> None:
    outcome = run_with(min_price=low)

    pools = [bundle for bundle in outcome.bundles if bundle.type is BundleType.MIX_MATCH]
    assert pools
    for pool in pools:
        cheapest = sorted(Decimal(product.price) for product in pool.products)[: pool.offer.pick]
        share = Decimal(pool.offer.price) / Decimal(pool.offer.list_price)
        assert sum(cheapest) * share >= Decimal(low)


def test_rules_are_part_of_the_settings_and_of_the_plan() -> None:
    plain, ruled = run_with(), run_with(max_price="60")

    assert plain.plan.rules == ""
    assert ruled.plan.rules == RulesConfig(max_price=Decimal(60)).sha256()
    assert {bundle.evidence["data"]["settings"] for bundle in plain.bundles}.isdisjoint(
        bundle.evidence["data"]["settings"] for bundle in ruled.bundles
    )


def test_the_order_of_rules_changes_no_byte() -> None:
    one = run_with(exclude=[f"sku:{SKUS[0]}", f"sku:{SKUS[5]}"], never_together=[[SKUS[1], SKUS[2]]])
    other = run_with(exclude=[f"sku:{SKUS[5]}", f"sku:{SKUS[0]}"], never_together=[[SKUS[2], SKUS[1]]])

    assert [bundle.to_json() for bundle in one.bundles] == [bundle.to_json() for bundle in other.bundles]
