from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pipeline.offers.bundle import Offer
from pipeline.offers.config import PricingConfig
from pipeline.offers.offer import discount_pct, offer_of
from pipeline.offers.pricing import price_candidates
from pipeline.terms import BundleType, Combo, Objective
from tests.support.stores import habits_of, sets_of, shop_of


def offer(kind: BundleType, *, pick: int = 0, breaks: tuple[int, ...] = (), currency: str = "EUR") -> Offer:
    """The offer of a candidate of two, four or one products at ten each."""
    size = {BundleType.MIX_MATCH: 4, BundleType.VOLUME: 1}.get(kind, 2)
    shop = replace(shop_of([10.0] * 4, [2.0] * 4), currency=currency)
    found = sets_of(list(range(size)), pick=pick, breaks=breaks, quantity=[breaks[0]] if breaks else None)
    kept, prices = price_candidates(found, Combo(Objective.INCREASE_AOV, kind), shop, habits_of(), PricingConfig())
    steps = [step for step in kept.breaks[0].tolist() if step]
    return offer_of(kind, prices, 0, currency, pick, steps)


def test_a_set_and_a_kit_have_a_price() -> None:
    found = offer(BundleType.FBT)

    assert (found.kind, found.list_price, found.price, found.discount_pct) == ("set_discount", "20.00", "18.00", "10.0")
    assert (found.pick, found.get_discount_pct, found.tiers) == (None, None, None)
    assert offer(BundleType.FIXED).kind == "kit_price"


def test_a_pool_says_how_many_are_picked() -> None:
    found = offer(BundleType.MIX_MATCH, pick=2)

    assert (found.kind, found.pick, found.list_price, found.price) == ("pick_from_pool", 2, "40.00", "36.00")


def test_what_is_got_has_a_discount_of_its_own() -> None:
    found = offer(BundleType.BXGY)

    # 30 % off the second ten: 3.00 of 20.00
    assert (found.price, found.discount_pct, found.get_discount_pct) == ("17.00", "15.0", "30.0")


def test_quantity_breaks_have_unit_and_total_prices() -> None:
    found = offer(BundleType.VOLUME, breaks=(3, 6, 12))

    assert found.tiers is not None
    assert [(tier.quantity, tier.unit_price, tier.price, tier.discount_pct) for tier in found.tiers] == [
        (3, "9.00", "27.00", "10.0"), (6, "8.50", "51.00", "15.0"), (12, "8.00", "96.00", "20.0"),
    ]  # fmt: skip
    assert (found.list_price, found.price) == ("30.00", "27.00")


def test_yen_have_no_decimals() -> None:
    assert offer(BundleType.FBT, currency="JPY").price == "18"


@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_a_discount_has_one_digit_and_is_that_of_the_rounded_price(price: int, more: int) -> None:
    found = discount_pct(price, price + more)

    assert found.as_tuple().exponent == -1
    assert abs(found - 100 * (1 - Decimal(price) / (price + more))) <= Decimal("0.05")
