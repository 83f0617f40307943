import numpy as np

from pipeline.candidates.cold_start import (
    category_diversity,
    high_margin_curation,
    propose_cold_start,
    semantic_price_banded,
)
from pipeline.config import RunConfig
from pipeline.context.store import StoreContext
from pipeline.generate import generate
from pipeline.terms import COMBOS, BundleType, Combo, Objective
from tests.support.stores import Ware, context_of, no_vectors, random_vectors, store_of


def catalog(each: int = 5, **fields: float) -> list[Ware]:
    """Three categories at prices of their own."""
    return [
        Ware(f"{kind}{number}", price=base + number, category=kind, **fields)  # type: ignore[arg-type]
        for kind, base in (("Cups", 10), ("Tea", 6), ("Toys", 20))
        for number in range(each)
    ]


def cold(wares: list[Ware]) -> StoreContext:
    """A store without orders."""
    snapshot = store_of(wares)
    return context_of(snapshot, vectors=random_vectors(snapshot))


def test_an_anchor_stands_beside_two_products_in_its_price_band() -> None:
    context = cold(catalog())

    found = semantic_price_banded(context, 12)

    price = context.shop.price
    assert len(found) >= 10
    assert (found.size == 3).all()
    ratio = price[found.items[:, 1:3]] / price[found.items[:, :1]]
    assert ((ratio >= 0.5) & (ratio <= 2)).all()


def test_the_dearest_product_leads() -> None:
    found = semantic_price_banded(cold(catalog()), 12)

    assert cold(catalog()).shop.price[found.items[0, 0]] == 24


def test_partners_of_another_price_band_are_no_partners() -> None:
    wares = [Ware("A", price=100), Ware("B", price=60), Ware("C", price=49), Ware("D", price=48)]

    found = semantic_price_banded(cold(wares), 12)

    # A has only B within half of its price; B has A, C and D
    assert 0 not in found.items[:, 0].tolist()
    assert 1 in found.items[:, 0].tolist()


def test_a_pool_spreads_over_the_prices_of_its_category() -> None:
    context = cold(catalog(8))

    found = category_diversity(context, 12)

    assert len(found) == 3
    for row in found.items:
        prices = context.shop.price[row[row >= 0]]
        assert np.ptp(prices) == 7
        assert len(set(context.shop.category[row[row >= 0]].tolist())) == 1
    assert set(found.pick.tolist()) == {2}


def test_curation_takes_the_three_best_margins_of_a_category() -> None:
    margins = (0.7, 0.6, 0.5, 0.45, 0.3)
    wares = [Ware(f"A{number}", cost=10 * (1 - margin)) for number, margin in enumerate(margins)]

    found = high_margin_curation(cold(wares), 12)

    assert found.items[:, :3].tolist() == [[0, 1, 2]]


def test_products_of_unknown_or_low_margin_are_not_curated() -> None:
    assert (
        len(high_margin_curation(cold([Ware("A"), Ware("B", cost=7), Ware("C", cost=1), Ware("D", cost=1)]), 12)) == 0
    )


def test_only_three_combos_start_cold() -> None:
    context = cold(catalog(cost=2.0))

    served = [combo for combo in COMBOS if len(propose_cold_start(context, combo, 12))]

    assert served == [
        Combo(Objective.MARGIN_GUARD, BundleType.FIXED),
        Combo(Objective.INCREASE_AOV, BundleType.FBT),
        Combo(Objective.CATEGORY_BUNDLE, BundleType.MIX_MATCH),
    ]


def test_a_store_without_sellable_products_proposes_nothing() -> None:
    context = cold([Ware("A", is_sellable=False), Ware("B", is_sellable=False)])

    assert [len(propose_cold_start(context, combo, 12)) for combo in COMBOS] == [0] * len(COMBOS)


def test_a_catalog_alone_makes_four_bundles_or_more() -> None:
    snapshot = store_of(catalog(4))

    for vectors in (no_vectors(snapshot), random_vectors(snapshot)):
        bundles = generate(snapshot, vectors, RunConfig()).bundles

        assert len(bundles) >= 4
        assert all(bundle.cold_start and bundle.evidence["tier"] == 7 for bundle in bundles)


def test_cold_bundles_keep_more_than_a_fifth_as_margin() -> None:
    snapshot = store_of(catalog(4, cost=4.6))

    outcome = generate(snapshot, no_vectors(snapshot), RunConfig())

    assert outcome.bundles
    assert all(bundle.evidence["margin"]["after_discount"] > 0.2 for bundle in outcome.bundles)


def test_a_category_of_three_makes_a_pool_in_a_store_without_orders() -> None:
    snapshot = store_of(catalog(3))

    bundles = generate(snapshot, random_vectors(snapshot), RunConfig()).bundles

    assert any(bundle.type is BundleType.MIX_MATCH and len(bundle.products) == 3 for bundle in bundles)
