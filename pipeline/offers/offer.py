"""The offer of a bundle, in the store's own money."""

from decimal import Decimal

from pipeline.money import decimal
from pipeline.offers.bundle import Offer, OfferTier
from pipeline.offers.pricing import Prices
from pipeline.terms import BundleType

KINDS = {
    BundleType.FBT: "set_discount",
    BundleType.FIXED: "kit_price",
    BundleType.MIX_MATCH: "pick_from_pool",
    BundleType.BXGY: "buy_x_get_y",
    BundleType.VOLUME: "quantity_breaks",
}


def discount_pct(price: int, list_price: int) -> Decimal:
    """`100 · (1 − price / list_price)` with one digit.

    >>> discount_pct(895, 995)
    Decimal('10.1')
    """
    return (100 * (1 - Decimal(price) / Decimal(max(list_price, 1)))).quantize(Decimal("0.1"))


def offer_of(kind: BundleType, prices: Prices, row: int, currency: str, pick: int, breaks: list[int]) -> Offer:
    """The offer of candidate `row`.

    Args:
        kind: Its type.
        prices: Prices of all candidates, in minor units.
        row: Position of the candidate.
        currency: ISO code.
        pick: MIX_MATCH: how many are picked.
        breaks: VOLUME: its quantity breaks.
    """
    list_price, price = int(prices.list_price[row]), int(prices.price[row])
    get_pct = tiers = None
    if kind is BundleType.BXGY:
        get_price = int(prices.get_price[row])
        get_pct = str(discount_pct(get_price, list_price - price + get_price))
    if kind is BundleType.VOLUME:
        each = list_price // sum(breaks[:1])
        tiers = tuple(
            OfferTier(
                quantity=quantity,
                unit_price=str(decimal(unit, currency)),
                price=str(decimal(quantity * unit, currency)),
                discount_pct=str(discount_pct(unit, each)),
            )
            for quantity, unit in zip(breaks, prices.unit_prices[row].tolist(), strict=False)
        )
    return Offer(
        kind=KINDS[kind],  # type: ignore[arg-type]
        list_price=str(decimal(list_price, currency)),
        price=str(decimal(price, currency)),
        discount_pct=str(discount_pct(price, list_price)),
        currency=currency,
        pick=pick or None,
        get_discount_pct=get_pct,
        tiers=tiers,
    )
