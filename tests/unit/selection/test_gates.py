from dataclasses import fields, replace

import numpy as np
import pytest

from pipeline.candidates.counts import Counts
from pipeline.candidates.frame import Proposals
from pipeline.offers.discounts import Aim
from pipeline.offers.pricing import Prices
from pipeline.selection.config import GatesConfig
from pipeline.selection.gates import GATE_TABLE, Verdicts, judge_candidates
from pipeline.terms import GATES, BundleType, Reason, Tier
from tests.support.stores import sets_of, shop_of

CONFIG = GatesConfig()


def counts(count: int = 5, support: float = 0.05, shrunk: float = 2.0) -> Counts:
    """Evidence of one candidate; good unless said otherwise."""
    one = np.ones(1)
    return Counts(
        count=np.array([count], dtype=np.int32), anchor_orders=np.array([10], dtype=np.int32), support=one * support,
        support_lately=one * support, alive=one, confidence=one, confidence_low=one, confidence_high=one, expected=one,
        lift=one, shrunk_lift=one * shrunk,
    )  # fmt: skip


def prices(margin: float = 0.4, *, is_valid: bool = True) -> Prices:
    """The price of one candidate; good unless said otherwise."""
    money = np.array([1000], dtype=np.int64)
    return Prices(
        list_price=money, price=money, floor=money, get_price=money,
        unit_prices=np.zeros((1, 3), dtype=np.int64), margin=np.array([margin]), known_share=np.ones(1),
        is_valid=np.array([is_valid]), aim=Aim(*[np.zeros(1)] * len(fields(Aim))),
    )  # fmt: skip


def verdict(
    *, kind: BundleType = BundleType.FBT, found: Proposals | None = None, price: Prices | None = None,
    count: Counts | None = None, tier: Tier = Tier.RULES, is_sellable: bool = True, are_compatible: bool = True,
) -> Verdicts:  # fmt: skip
    """What the gates say of one candidate of two products of two categories."""
    compatible = np.array([[True, are_compatible], [are_compatible, True]])
    shop = shop_of([5, 5], category=[0, 1], compatible=compatible, is_sellable=[True, is_sellable])
    rows = found or sets_of([0, 1], tier=tier)
    return judge_candidates(kind, rows, price or prices(), count or counts(), shop, CONFIG)


def reason(found: Verdicts) -> Reason | None:
    """The gate that rejected the candidate."""
    return None if found.passed[0] else GATES[found.gate[0]]


def test_a_good_candidate_passes_and_measures_nothing() -> None:
    found = verdict()

    assert reason(found) is None
    assert np.isnan(found.figure[0])


def test_gates_judge_in_the_order_of_the_specification() -> None:
    assert [str(gate) for gate in GATES] == [
        "not_sellable", "margin_too_low", "low_support", "invalid_price", "incompatible_categories", "excluded",
        "never_together", "price_limit",
    ]  # fmt: skip
    assert list(GATE_TABLE) == [gate for gate in GATES if gate in GATE_TABLE]


def test_the_first_gate_that_rejects_is_the_reason() -> None:
    bad_price, bad_counts = prices(0.1, is_valid=False), counts(2)

    unsellable = verdict(is_sellable=False, price=bad_price, count=bad_counts, are_compatible=False)
    thin = verdict(price=bad_price, count=bad_counts, are_compatible=False)
    rare = verdict(price=prices(is_valid=False), count=bad_counts, are_compatible=False)
    wrong = verdict(price=prices(is_valid=False), are_compatible=False)

    assert [reason(found) for found in (unsellable, thin, rare, wrong, verdict(are_compatible=False))] == [
        Reason.NOT_SELLABLE, Reason.MARGIN_TOO_LOW, Reason.LOW_SUPPORT, Reason.INVALID_PRICE,
        Reason.INCOMPATIBLE_CATEGORIES,
    ]  # fmt: skip
    assert [float(found.figure[0]) for found in (unsellable, thin, rare)] == [1.0, 0.1, 2.0]


@pytest.mark.parametrize(
    ("margin", "tier", "passes"),
    [
        (0.15, Tier.RULES, True), (0.149, Tier.RULES, False), (0.2, Tier.COLD_START, False),
        (0.201, Tier.COLD_START, True), (float("nan"), Tier.RULES, True), (float("nan"), Tier.COLD_START, True),
    ],
)  # fmt: skip
def test_margins(margin: float, tier: Tier, passes: bool) -> None:
    assert (reason(verdict(price=prices(margin), tier=tier)) is None) is passes


@pytest.mark.parametrize(
    ("count", "support", "shrunk", "tier", "passes"),
    [
        (3, 0.01, 0.5, Tier.RULES, True),
        (2, 0.50, 9.0, Tier.RULES, False),
        (3, 0.009, 1.2, Tier.RULES, True),
        (3, 0.009, 1.19, Tier.RULES, False),
        (9, 0.001, float("nan"), Tier.RULES, True),
        (2, 0.001, 0.5, Tier.ADAPTIVE_RULES, True),
        (1, 0.5, 9.0, Tier.ADAPTIVE_RULES, False),
        (0, 0.0, 1.0, Tier.SIMILARITY, True),
    ],
)
def test_support(count: int, support: float, shrunk: float, tier: Tier, passes: bool) -> None:
    assert (reason(verdict(count=counts(count, support, shrunk), tier=tier)) is None) is passes


@pytest.mark.parametrize("kind", BundleType)
def test_only_sets_and_kits_need_categories_that_go_together(kind: BundleType) -> None:
    found = verdict(kind=kind, are_compatible=False)

    assert (reason(found) is None) is (kind not in (BundleType.FBT, BundleType.FIXED))


def test_every_pair_of_a_set_must_go_together() -> None:
    compatible = np.eye(3, dtype=bool) | np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]], dtype=bool)
    shop = shop_of([5, 5, 5], category=[0, 1, 2], compatible=compatible)

    found = judge_candidates(BundleType.FIXED, sets_of([0, 1, 2]), prices(), counts(), shop, CONFIG)

    assert reason(found) is Reason.INCOMPATIBLE_CATEGORIES
    assert found.figure[0] == 1


def test_gates_stand_where_the_settings_put_them() -> None:
    shop = shop_of([5, 5])
    strict = GatesConfig(min_margin=0.5)

    found = judge_candidates(BundleType.FBT, sets_of([0, 1]), prices(0.4), counts(), shop, strict)

    assert reason(found) is Reason.MARGIN_TOO_LOW
    assert reason(verdict(price=replace(prices(), margin=np.array([0.4])))) is None
