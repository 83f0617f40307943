from datetime import date
from functools import cache

import numpy as np
import pytest

from pipeline.config import RunConfig
from pipeline.generate import Outcome, generate
from pipeline.offers.bundle import Bundle
from pipeline.offers.pricing import price_candidates
from pipeline.terms import GATES, BundleType, Combo, Objective, Reason
from tests.support.planted import COMPLEMENTS, LOSS_LEADER, PEAK, SUBSTITUTES, habitual_store, planted_store
from tests.support.stores import context_of, no_vectors, sets_of

CONFIG = RunConfig()
SETS = (BundleType.FBT, BundleType.FIXED)

ELASTICITY, COST = -3.0, 0.4
"""Of the planted store: customers' answer to price, and the share of the list price that is cost."""


@cache
def run(until: date) -> Outcome:
    """A run of the habitual store on one day."""
    snapshot = habitual_store(until)
    return generate(snapshot, no_vectors(snapshot), CONFIG)


NOVEMBER, MAY = date(2025, 11, 24), date(2025, 5, 5)


def held(bundle: Bundle) -> set[str]:
    """SKUs of a bundle."""
    return {product.sku for product in bundle.products}


def served(bundle: Bundle) -> set[str]:
    """Objectives of a bundle, those of its near-duplicates included."""
    return {str(bundle.objective), *(row["objective"] for row in bundle.evidence["merged"])}


def test_the_planted_complements_are_offered_as_a_set() -> None:
    assert any({*COMPLEMENTS} <= held(bundle) for bundle in run(MAY).bundles if bundle.type in SETS)


def test_what_replaces_each_other_is_never_offered_as_a_set() -> None:
    for day in (MAY, NOVEMBER):
        sets = [bundle for bundle in run(day).bundles if bundle.type in SETS]

        assert sets
        assert not [bundle.name for bundle in sets if {*SUBSTITUTES} <= held(bundle)]


def test_a_peak_is_offered_ahead_of_its_month_and_not_half_a_year_before() -> None:
    offered = {
        day: [held(bundle) for bundle in run(day).bundles if Objective.SEASONAL_PROMO in served(bundle)]
        for day in (NOVEMBER, MAY)
    }

    assert any({*PEAK} <= skus for skus in offered[NOVEMBER])
    assert not any(skus & {*PEAK} for skus in offered[MAY])


def test_what_sells_below_cost_is_in_no_bundle_that_loses_money() -> None:
    outcome = run(MAY)
    assert outcome.judged is not None
    items, verdicts = outcome.judged.found.items, outcome.judged.verdicts
    leader = habitual_store(MAY).catalog.sku.to_pylist().index(LOSS_LEADER)

    refused = (items == leader).any(axis=1) & (verdicts.gate == GATES.index(Reason.MARGIN_TOO_LOW))

    assert refused.any()
    assert all(bundle.evidence["margin"]["after_discount"] >= CONFIG.gates.min_margin for bundle in outcome.bundles)


def test_the_planted_optimum_lies_within_the_interval_of_the_best_discount() -> None:
    snapshot = planted_store({"answers": ELASTICITY})
    context = context_of(snapshot)
    pairs = sets_of(*[[one, two] for one in range(6) for two in range(one)])

    _, prices = price_candidates(
        pairs, Combo(Objective.INCREASE_AOV, BundleType.FBT), context.shop, context.habits, CONFIG.pricing
    )

    # Lerner: the best price is cost · e / (1 + e), here 0.6 of the list price
    optimum = 1 - COST * ELASTICITY / (1 + ELASTICITY)
    assert optimum == pytest.approx(0.4)
    aim = prices.aim
    assert (aim.best_low <= optimum + CONFIG.pricing.grid_step).all()
    assert (aim.best_high >= optimum - CONFIG.pricing.grid_step).all()
    assert (aim.best_high - aim.best_low < 0.3).all()
    given = 1 - prices.price / prices.list_price
    assert ((aim.low <= given + CONFIG.pricing.offer_step) & (given <= aim.high + CONFIG.pricing.offer_step)).all()
    assert np.all(aim.prior < aim.wanted)  # moved from what is usual towards what earns most
