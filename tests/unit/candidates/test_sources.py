import numpy as np

from pipeline.candidates.frame import nothing
from pipeline.candidates.quantity_breaks import propose_quantity_breaks
from pipeline.candidates.shapes import Grid, grid_of, shape_bxgy, shape_pool, stars
from pipeline.candidates.sources import fits_type, propose_itemsets, propose_links
from pipeline.context.links import make_links
from pipeline.context.store import StoreContext
from pipeline.terms import BundleType, Combo, Objective, Tier
from tests.support.stores import Basket, Ware, bought, context_of, numbered, sets_of, store_of

AOV = Combo(Objective.INCREASE_AOV, BundleType.FBT)


def grid() -> Grid:
    """Two anchors, one with three partners and one with a single, better one."""
    links = make_links(np.array([0, 0, 0, 5]), np.array([1, 2, 3, 6]), np.array([0.5, 0.7, 0.7, 0.9]))
    return grid_of(links, links.strength, 3)


def test_a_grid_has_best_anchors_and_best_partners_first() -> None:
    found = grid()

    assert found.anchor.tolist() == [5, 0]
    assert found.partners.tolist() == [[6, -1, -1], [2, 3, 1]]


def test_stars_are_anchors_with_as_many_partners_as_they_need() -> None:
    assert stars(grid(), 3, 10).tolist() == [[0, 2, 3]]
    assert stars(grid(), 2, 10).tolist() == [[5, 6], [0, 2]]


def test_pairs_bought_together_are_proposed_with_the_tier_and_name_of_their_table() -> None:
    context = context_of(numbered([[0, 1]] * 5 + [[2]] * 5))

    found = propose_links(context, AOV, 5, context.links.rules, Tier.RULES, "association_rules")

    assert {tuple(row[:2]) for row in found.items.tolist()} == {(0, 1), (1, 0)}
    assert set(found.tier.tolist()) == {int(Tier.RULES)}


def test_links_say_nothing_about_quantities() -> None:
    context = context_of(numbered([[0, 1]] * 5))
    volume = Combo(Objective.INCREASE_AOV, BundleType.VOLUME)

    assert len(propose_links(context, volume, 5, context.links.rules, Tier.RULES, "association_rules")) == 0


def test_itemsets_are_led_by_the_member_that_implies_the_rest_best() -> None:
    context = context_of(numbered([[0, 1, 2]] * 4 + [[0]] * 3 + [[2]] * 2 + [[3]] * 5))

    found = propose_itemsets(context, AOV, 5)

    # 1 is in four orders, all of them with 0 and 2
    assert found.items[:, :3].tolist() == [[1, 0, 2]]


def test_a_set_with_something_unsellable_is_not_proposed() -> None:
    wares = [Ware("A"), Ware("B"), Ware("C", is_sellable=False)]
    context = context_of(store_of(wares, [bought("A", "B", "C")] * 5))

    assert len(propose_itemsets(context, AOV, 5)) == 0


def test_pools_are_of_a_kind_at_prices_near_each_other() -> None:
    wares = [Ware(f"P{number}", price=10 + number, category="x") for number in range(5)]
    wares += [Ware("Q", price=40, category="x"), Ware("R", category="y")]
    context = context_of(store_of(wares, [bought(*(ware.sku for ware in wares))] * 3))

    found = shape_pool(context, context.links.rules, context.links.rules.strength, 10)

    assert found.items.shape[0] > 0
    for row, pick in zip(found.items.tolist(), found.pick.tolist(), strict=True):
        assert set(row) - {-1} == {0, 1, 2, 3, 4}
        assert pick == 2


def test_a_larger_pool_has_three_picks() -> None:
    context = context_of(numbered([list(range(7))] * 3))

    found = shape_pool(context, context.links.rules, context.links.rules.strength, 10)

    assert set((found.items >= 0).sum(axis=1).tolist()) == {7}
    assert set(found.pick.tolist()) == {3}


def test_what_is_got_is_no_dearer_than_what_is_bought_and_that_is_established() -> None:
    wares = [Ware("A", price=10), Ware("B", price=5), Ware("C", price=5)]
    context = context_of(store_of(wares, [bought("A", "B")] * 3 + [bought("B", "C")] * 2))
    links = make_links(np.array([0, 1, 1, 2]), np.array([1, 0, 2, 1]), np.ones(4))

    found = shape_bxgy(context, links, links.strength, 10)

    # B costs less than A; C was bought twice only and leads nothing
    assert sorted(found.items.tolist()) == [[0, 1], [1, 2]]


def volume(context: StoreContext) -> Combo:
    """The combo that sells anything by quantity."""
    return Combo(Objective.INCREASE_AOV, BundleType.VOLUME)


def test_a_family_is_sold_by_quantity_most_bought_variant_first() -> None:
    wares = [Ware("A", family="f"), Ware("B", family="f"), Ware("C", family="f", is_sellable=False), Ware("D")]
    orders = [Basket({"B": units}) for units in (1, 1, 2, 4, 5)] + [Basket({"A": 1}), Basket({"D": 1})]
    context = context_of(store_of(wares, orders))

    found = propose_quantity_breaks(context, volume(context), 10)

    # units 1 1 1 2 4 5: places 3, 4 and 5 of them; four units over two variants
    assert found.items[0, :3].tolist() == [1, 0, -1]
    assert found.breaks.tolist() == [[2, 4, 5]]
    assert found.quantity[0, :2].tolist() == [1, 1]


def test_a_family_is_sold_though_the_variant_that_names_it_is_out_of_stock() -> None:
    wares = [Ware("A", family="f", is_sellable=False), Ware("B", family="f")]
    context = context_of(store_of(wares, [Basket({"A": units, "B": 1}) for units in (1, 1, 2, 4, 5)]))

    found = propose_quantity_breaks(context, volume(context), 10)

    assert found.items[:, :2].tolist() == [[1, -1]]
    assert found.quantity[0, 0] == found.breaks[0, 0] == 5


def test_only_the_objectives_own_products_are_sold_by_quantity() -> None:
    wares = [Ware("A", cost=1), Ware("B", cost=9)]
    context = context_of(store_of(wares, [Basket({"A": units, "B": units}) for units in (1, 1, 2, 4, 5)]))

    found = propose_quantity_breaks(context, Combo(Objective.MARGIN_GUARD, BundleType.VOLUME), 10)

    assert found.items[:, 0].tolist() == [0]
    assert len(propose_quantity_breaks(context, AOV, 10)) == 0


def test_sizes_follow_the_type() -> None:
    items = sets_of([0], [0, 1], [0, 1, 2], [0, 1, 2, 3], [0, 1, 2, 3, 4], [0, 1, 2, 3, 4, 5]).items

    assert fits_type(items, BundleType.FBT).tolist() == [False, True, True, True, False, False]
    assert fits_type(items, BundleType.FIXED).tolist() == [False, True, True, True, True, False]
    assert fits_type(items, BundleType.MIX_MATCH).tolist() == [False, False, False, True, True, True]
    assert fits_type(items, BundleType.BXGY).tolist() == [False, True, False, False, False, False]
    assert fits_type(nothing().items, BundleType.FBT).tolist() == []
