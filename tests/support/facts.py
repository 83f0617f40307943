"""Facts of bundles that tests write words about."""

from dataclasses import replace
from decimal import Decimal

from pipeline.offers.words import FactProduct, Facts
from pipeline.terms import BundleType, Combo, Objective, Role, Tier

PAIR = Combo(Objective.INCREASE_AOV, BundleType.FBT)
ROLES = {
    BundleType.FBT: (Role.ANCHOR, Role.PARTNER),
    BundleType.FIXED: (Role.COMPONENT, Role.COMPONENT),
    BundleType.MIX_MATCH: (Role.POOL, Role.POOL),
    BundleType.BXGY: (Role.BUY, Role.GET),
    BundleType.VOLUME: (Role.VOLUME, Role.VOLUME),
}
SIZES = {BundleType.MIX_MATCH: 5, BundleType.VOLUME: 1, BundleType.FIXED: 3}
TITLES = (
    "Regency Cakestand 3 Tier",
    "Party Bunting",
    "Jam Making Set Printed",
    "Red Retrospot Cake Stand",
    "Spotty Bunting",
)


def facts_of(combo: Combo = PAIR, name: str = "b1", **changes: object) -> Facts:
    """A proven bundle of `combo`, 10 % off, unless `changes` say otherwise."""
    first, rest = ROLES[combo.type]
    titles = changes.pop("titles", TITLES[: SIZES.get(combo.type, 2)])
    assert isinstance(titles, tuple)
    products = tuple(
        FactProduct(title, "Kitchen", Decimal("5.00"), 1, rest if at else first) for at, title in enumerate(titles)
    )
    is_volume = combo.type is BundleType.VOLUME
    facts = Facts(
        id=name,
        objective=combo.objective,
        type=combo.type,
        products=products,
        currency="GBP",
        list_price=Decimal("5.00") * len(products),
        price=Decimal("4.50") * len(products),
        discount_pct=Decimal("10.0"),
        pick=2 if combo.type is BundleType.MIX_MATCH else None,
        get_discount_pct=Decimal("20.0") if combo.type is BundleType.BXGY else None,
        breaks=((6, Decimal("4.50"), Decimal("10.0")), (12, Decimal("4.25"), Decimal("15.0"))) if is_volume else (),
        tier=Tier.RULES,
        count=14,
        window_orders=276,
        window_days=281,
        anchor_orders=40,
        confidence=0.35,
        shrunk_lift=6.2,
        similarity=0.62,
        margin_share=0.44,
        days_of_cover=140.0,
        slow_sku_title=titles[-1] if combo.objective is Objective.CLEAR_SLOW_MOVERS else None,
        new_sku_title=titles[-1] if combo.objective is Objective.NEW_LAUNCH else None,
        season="Christmas" if combo.objective is Objective.SEASONAL_PROMO else None,
        repeat_customers=9 if combo.objective is Objective.SUBSCRIPTION_PUSH else None,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]
