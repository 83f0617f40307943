import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.candidates import counts as counts_module
from pipeline.candidates.counts import Counts, count_candidates
from pipeline.config import RunConfig
from pipeline.context.store import StoreContext
from pipeline.terms import BundleType
from tests.support.stores import DAY, Basket, Ware, bought, context_of, numbered, sets_of, store_of

UNITS = st.lists(st.dictionaries(st.integers(0, 5), st.integers(1, 9), min_size=1), min_size=1, max_size=20)
"""Random orders: units by product."""

Order = dict[int, int]


def store(orders: list[Order]) -> StoreContext:
    """A store of six products with these orders."""
    wares = [Ware(f"P{number}") for number in range(6)]
    return context_of(
        store_of(wares, [Basket({f"P{item}": units for item, units in order.items()}) for order in orders])
    )


@settings(deadline=None)
@given(UNITS, st.sets(st.integers(0, 5), min_size=2, max_size=5).map(sorted))
def test_sets_count_the_orders_that_hold_every_product(orders: list[Order], members: list[int]) -> None:
    context = store(orders)

    for kind in (BundleType.FBT, BundleType.FIXED, BundleType.BXGY):
        found = count_candidates(context, kind, sets_of(members))

        held = sum(set(members) <= set(order) for order in orders)
        led = sum(members[0] in order for order in orders)
        assert (found.count[0], found.anchor_orders[0]) == (held, led)
        assert found.confidence[0] == pytest.approx(held / led if led else 0)
        assert found.confidence_low[0] <= found.confidence[0] <= found.confidence_high[0]


@settings(deadline=None)
@given(UNITS, st.sets(st.integers(0, 5), min_size=4, max_size=6).map(sorted), st.integers(2, 3))
def test_pools_count_the_orders_that_hold_enough_of_them(orders: list[Order], pool: list[int], pick: int) -> None:
    found = count_candidates(store(orders), BundleType.MIX_MATCH, sets_of(pool, pick=pick))

    assert found.count[0] == sum(len(set(pool) & set(order)) >= pick for order in orders)
    assert np.isnan([found.confidence[0], found.lift[0], found.shrunk_lift[0], found.expected[0]]).all()


@settings(deadline=None)
@given(UNITS, st.sets(st.integers(0, 5), min_size=1, max_size=3).map(sorted), st.integers(2, 12))
def test_quantities_are_summed_over_the_family(orders: list[Order], family: list[int], first: int) -> None:
    found = count_candidates(store(orders), BundleType.VOLUME, sets_of(family, breaks=(first,)))

    summed = [sum(order.get(item, 0) for item in family) for order in orders]
    assert found.count[0] == sum(units >= first for units in summed)
    assert found.anchor_orders[0] == sum(units > 0 for units in summed)
    assert np.isnan([found.lift[0], found.shrunk_lift[0]]).all()


def test_figures_of_a_set_by_hand() -> None:
    # 20 orders: all three in 2, A in 4, B in 5, C in 10
    rows = [[0, 1, 2]] * 2 + [[0]] * 2 + [[1, 2]] * 3 + [[2]] * 5 + [[3]] * 8

    found = count_candidates(context_of(numbered(rows, 4)), BundleType.FIXED, sets_of([0, 1, 2]))

    assert found.count[0] == 2
    assert found.support[0] == pytest.approx(0.1)
    assert found.confidence[0] == pytest.approx(0.5)
    assert found.expected[0] == pytest.approx(4 * 5 * 10 / 20**2)
    assert found.lift[0] == pytest.approx(2 * 20**2 / (4 * 5 * 10))
    assert found.shrunk_lift[0] == pytest.approx(12 / 10.5)


def test_an_order_of_a_half_life_ago_counts_half_in_what_is_bought_lately() -> None:
    half_life = RunConfig().mining.half_life_days
    baskets = [bought("A", "B", day=DAY - round(half_life)), bought("A", "B", day=DAY), bought("C", day=DAY)]
    context = context_of(store_of([Ware("A"), Ware("B"), Ware("C")], baskets))

    found = count_candidates(context, BundleType.FBT, sets_of([0, 1]))

    assert found.support[0] == pytest.approx(2 / 3)
    assert found.support_lately[0] == pytest.approx((0.5 + 1) / (0.5 + 1 + 1), abs=1e-6)


def columns(found: Counts) -> list[list[float]]:
    """All columns, NaN as −1."""
    return [np.nan_to_num(getattr(found, name), nan=-1).tolist() for name in Counts.__dataclass_fields__]


def test_counting_in_chunks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    context = context_of(numbered([[0, 1, 2], [1, 2], [0, 2, 3], [3, 4]], 6))
    found = sets_of([0, 1], [1, 2], [2, 3], [0, 2, 3], [4, 5])
    whole = count_candidates(context, BundleType.FBT, found)

    monkeypatch.setattr(counts_module, "CHUNK", 2)

    assert columns(count_candidates(context, BundleType.FBT, found)) == columns(whole)


@settings(max_examples=30, deadline=None)
@given(UNITS)
def test_an_order_of_something_else_changes_support_and_lift_but_no_count(orders: list[Order]) -> None:
    before = count_candidates(store(orders), BundleType.FBT, sets_of([0, 1]))
    context = context_of(
        store_of(
            [*(Ware(f"P{number}") for number in range(6)), Ware("Z")],
            [*(Basket({f"P{item}": units for item, units in order.items()}) for order in orders), bought("Z")],
        )
    )

    after = count_candidates(context, BundleType.FBT, sets_of([0, 1]))

    assert (after.count[0], after.anchor_orders[0]) == (before.count[0], before.anchor_orders[0])
    assert after.support[0] == before.count[0] / (len(orders) + 1)


def test_without_orders_everything_counts_nothing() -> None:
    found = count_candidates(context_of(numbered([], 3)), BundleType.FBT, sets_of([0, 1]))

    assert (found.count[0], found.support[0], found.confidence[0]) == (0, 0.0, 0.0)
    assert np.isnan(found.lift[0])
    assert found.shrunk_lift[0] == 1.0
