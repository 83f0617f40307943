import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.context.links import PER_ANCHOR, Links, category_lift, make_links
from tests.support.stores import Ware, bought, context_of, random_vectors, store_of


def pairs(links: Links) -> set[tuple[int, int]]:
    """Anchors with their partners."""
    return set(zip(links.anchor.tolist(), links.partner.tolist(), strict=True))


def shop_with_habits() -> list[tuple[str, ...]]:
    """A and B in ten orders of 100, C and D in two, A and E in one, the rest alone."""
    return [("A", "B")] * 10 + [("C", "D")] * 2 + [("A", "E")] + [("E",)] * 87


def test_links_are_by_anchor_then_strength_then_partner() -> None:
    links = make_links(np.array([1, 0, 0, 0]), np.array([5, 7, 6, 8]), np.array([0.1, 0.5, 0.5, 0.9]))

    assert links.anchor.tolist() == [0, 0, 0, 1]
    assert links.partner.tolist() == [8, 6, 7, 5]


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 99), st.integers(0, 10**9).map(lambda nano: nano / 10**9)),
        max_size=120,
    )
)
def test_an_anchor_keeps_its_strongest_partners(rows: list[tuple[int, int, float]]) -> None:
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)

    links = make_links(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2])

    for one in range(3):
        mine = sorted((-value, other) for at, other, value in rows if at == one)[:PER_ANCHOR]
        assert links.partner[links.anchor == one].tolist() == [other for _, other in mine]


def test_a_catalog_too_large_for_one_key_is_ordered_alike() -> None:
    rng = np.random.default_rng(0)
    anchor, partner = rng.integers(0, 9, 500), rng.integers(0, 500, 500)
    strength = rng.integers(0, 5, 500) / 5

    small = make_links(anchor, partner, strength)
    large = make_links(np.append(anchor, 2_000_000), np.append(partner, 0), np.append(strength, 0.5))

    assert large.partner[:-1].tolist() == small.partner.tolist()


def test_strong_pairs_are_rules_in_both_directions_and_pairs_of_two_are_thin() -> None:
    context = context_of(store_of([Ware(sku) for sku in "ABCDE"], [bought(*row) for row in shop_with_habits()]))

    assert pairs(context.links.rules) == {(0, 1), (1, 0)}
    assert pairs(context.links.thin) == {(2, 3), (3, 2)}


def test_three_orders_below_one_percent_need_a_lift() -> None:
    # 400 orders: A·B 3 of 3 expected by chance 0.0225 → shrunk 13/10.02 ≥ 1.2; C·D 3 where chance gives 200·6/400 = 3
    rows = [("A", "B")] * 3 + [("C", "D")] * 3 + [("C",)] * 197 + [("D",)] * 3 + [("E",)] * 194

    context = context_of(store_of([Ware(sku) for sku in "ABCDE"], [bought(*row) for row in rows]))

    assert pairs(context.links.rules) == {(0, 1), (1, 0)}
    assert pairs(context.links.thin) == {(2, 3), (3, 2)}


def test_unsellable_products_are_linked_nowhere() -> None:
    wares = [Ware(sku, is_sellable=sku != "B") for sku in "ABCDE"]
    snapshot = store_of(wares, [bought(*row) for row in shop_with_habits()])

    context = context_of(snapshot, vectors=random_vectors(snapshot))

    for table in ("rules", "thin", "smoothed", "semantic", "complements", "popular"):
        links = getattr(context.links, table)
        assert 1 not in set(links.anchor.tolist()) | set(links.partner.tolist())


def test_no_product_is_its_own_partner() -> None:
    snapshot = store_of([Ware(sku) for sku in "ABCDE"], [bought(*row) for row in shop_with_habits()])

    context = context_of(snapshot, vectors=random_vectors(snapshot))

    for table in ("rules", "thin", "smoothed", "semantic", "complements", "popular"):
        links = getattr(context.links, table)
        assert (links.anchor != links.partner).all()
        assert ((links.strength >= 0) & (links.strength <= 1)).all()


def test_category_lift_is_shrunk_and_bounded() -> None:
    joint = np.array([[100, 60], [60, 100]])

    # 100·100/1000 = 10 expected: (60 + 10)/(10 + 10); with itself (100 + 10)/20 is cut to 5
    assert category_lift(joint, 1000).tolist() == [[5.0, 3.5], [3.5, 5.0]]


def test_complements_are_priced_between_a_quarter_and_twice_the_anchor() -> None:
    wares = [Ware("A", price=10), Ware("B", price=2.4), Ware("C", price=2.5), Ware("D", price=20), Ware("E", price=21)]

    links = context_of(store_of(wares, [bought("A")])).links.complements

    assert sorted(partner for anchor, partner in pairs(links) if anchor == 0) == [2, 3]


def test_popular_partners_come_most_bought_first() -> None:
    rows = [("C",)] * 3 + [("B",)] * 2 + [("A",)]

    links = context_of(store_of([Ware(sku) for sku in "ABC"], [bought(*row) for row in rows])).links.popular

    assert links.partner[links.anchor == 0].tolist() == [2, 1]
    assert links.strength[links.anchor == 0] == pytest.approx([1.0, 2 / 3])
