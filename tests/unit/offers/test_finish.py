from hypothesis import given
from hypothesis import strategies as st

from benchmarks.synthetic import synthetic_store
from pipeline.config import RunConfig
from pipeline.generate import generate
from pipeline.offers.bundle import Bundle
from pipeline.offers.finish import bundle_id
from pipeline.terms import COMBOS, BundleType, Combo, Objective, Role
from tests.support.stores import random_vectors

SNAPSHOT = synthetic_store(900, 90, 1)
BUNDLES = generate(SNAPSHOT, random_vectors(SNAPSHOT), RunConfig()).bundles
FBT = Combo(Objective.INCREASE_AOV, BundleType.FBT)


def of(kind: BundleType) -> list[Bundle]:
    """Bundles of one type; the store has some of each."""
    found = [bundle for bundle in BUNDLES if bundle.type is kind]
    assert found
    return found


@given(st.permutations(["A", "B", "C"]))
def test_a_bundle_is_the_same_whatever_the_order_of_its_products(skus: list[str]) -> None:
    assert bundle_id("shop", FBT, skus) == bundle_id("shop", FBT, ["A", "B", "C"])


def test_another_store_combo_or_set_is_another_bundle() -> None:
    ids = {bundle_id("shop", combo, ["A", "B"]) for combo in COMBOS}
    ids |= {bundle_id("other", FBT, ["A", "B"]), bundle_id("shop", FBT, ["A", "C"]), bundle_id("shop", FBT, ["AB"])}

    assert len(ids) == len(COMBOS) + 3


def test_ids_of_delivered_bundles_are_those_of_their_products() -> None:
    for bundle in BUNDLES:
        skus = [product.sku for product in bundle.products]
        assert bundle.id == bundle_id(bundle.store, Combo(bundle.objective, bundle.type), skus)


def test_roles_follow_the_type() -> None:
    roles = {kind: [[product.role for product in bundle.products] for bundle in of(kind)] for kind in BundleType}

    assert all(row[0] is Role.ANCHOR and set(row[1:]) == {Role.PARTNER} for row in roles[BundleType.FBT])
    assert all(row == [Role.BUY, Role.GET] for row in roles[BundleType.BXGY])
    for kind, role in (
        (BundleType.FIXED, Role.COMPONENT), (BundleType.MIX_MATCH, Role.POOL), (BundleType.VOLUME, Role.VOLUME)
    ):  # fmt: skip
        assert all(set(row) == {role} for row in roles[kind])


def test_sizes_and_offers_follow_the_type() -> None:
    assert all(2 <= len(bundle.products) <= 4 for bundle in of(BundleType.FBT))
    assert all(2 <= len(bundle.products) <= 5 for bundle in of(BundleType.FIXED))
    assert all(4 <= len(bundle.products) <= 8 and bundle.offer.pick for bundle in of(BundleType.MIX_MATCH))
    for bundle in of(BundleType.BXGY):
        assert 0 < float(bundle.offer.get_discount_pct or 0) <= 50
    for bundle in of(BundleType.VOLUME):
        assert bundle.offer.tiers
        assert bundle.offer.tiers[0].quantity == sum(product.quantity for product in bundle.products)
        assert bundle.offer.tiers[0].price == bundle.offer.price


def test_products_are_those_of_the_catalog() -> None:
    catalog = SNAPSHOT.catalog
    place = {sku: at for at, sku in enumerate(catalog.sku.to_pylist())}

    for bundle in BUNDLES:
        for product in bundle.products:
            at = place[product.sku]
            assert product.title == catalog.title[at].as_py()
            assert float(product.price) == catalog.price[at]
            assert product.category == catalog.categories[int(catalog.category[at])].as_py()


def test_weights_name_the_anchors_category() -> None:
    assert all(bundle.weights.category == bundle.products[0].category for bundle in BUNDLES)


def test_a_bundle_holds_nothing_of_its_run() -> None:
    for bundle in BUNDLES:
        keys = set(bundle.to_json()) | set(bundle.evidence)
        assert not keys & {"run_id", "run", "created_at", "duration_ms", "worker", "cached"}
        assert bundle.status == "new"
        assert not bundle.cold_start
