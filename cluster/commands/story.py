"""Why a bundle exists, and why a set is none, in sentences a merchant understands."""

from typing import Any

from pipeline.money import decimal
from pipeline.terms import SURELY_BOUGHT, BundleType, Reason

TIERS = {
    1: "association rules, the strongest evidence there is here",
    2: "adaptive rules: the store has few orders, so the evidence is thin",
    3: "lift smoothed by what the products' categories do: few joint orders stand behind it",
    4: "likeness of the products' texts: orders say little yet",
    5: "rules of thumb on categories and prices: orders say nothing yet",
    6: "popularity: orders say nothing about the set itself",
    7: "a cold start: the store has too few orders to learn from",
}

REASONS = {
    Reason.NOT_SELLABLE: "a product in it can't be sold: archived, without a price, or out of stock",
    Reason.MARGIN_TOO_LOW: "it would keep too little margin after the discount",
    Reason.LOW_SUPPORT: "too few orders hold it",
    Reason.INVALID_PRICE: "no price of the store's endings lies below the list price and above the floor",
    Reason.INCOMPATIBLE_CATEGORIES: "its categories are not bought together",
    Reason.EXCLUDED: "a rule of the store excludes it",
    Reason.NEVER_TOGETHER: "a rule of the store keeps the products apart",
    Reason.PRICE_LIMIT: "its price is outside the limits that the store set",
    Reason.DUPLICATE: "it is nearly the same as a better candidate",
    Reason.NOT_SELECTED: "other bundles added more to the list",
    Reason.NEVER_PROPOSED: "no source proposed it",
}


def why_story(bundle: dict[str, Any]) -> list[str]:
    """The story of a bundle: words, demand, evidence, price, weights, who else asked for it."""
    evidence = bundle["evidence"]
    lines = [bundle["explanation"], _demand(bundle), f"It rests on {TIERS[evidence['tier']]}."]
    lines.append(_price(bundle))
    if evidence.get("expected"):
        lines.append(_expected(evidence["expected"], bundle["offer"]["currency"]))
    lines.append(_weights(bundle))
    if evidence.get("merged"):
        others = sorted({row["objective"].replace("_", " ") for row in evidence["merged"]})
        lines.append(f"{len(evidence['merged'])} near-duplicates were merged into it, proposed for {listed(others)}.")
    return lines


def _demand(bundle: dict[str, Any]) -> str:
    evidence, window = bundle["evidence"], bundle["evidence"]["window"]
    what = {
        BundleType.MIX_MATCH: f"hold at least {bundle['offer'].get('pick')} products of the pool",
        BundleType.VOLUME: f"reach {sum(product['quantity'] for product in bundle['products'])} units",
    }.get(BundleType(bundle["type"]), "hold every product of it")
    text = f"{evidence['count']} of {window['orders']} orders from {window['from']} to {window['to']} (excluded) {what}"
    if evidence.get("confidence") is not None and evidence["anchor_orders"]:
        low, high = evidence["confidence_low"], evidence["confidence_high"]
        text += (
            f"; that is {evidence['confidence']:.0%} of the {evidence['anchor_orders']} orders with "
            f"{bundle['products'][0]['title']} (95 % interval {low:.0%}–{high:.0%})"
        )
    if evidence.get("lift") is not None:
        text += f", {evidence['lift']:.1f} times what chance would give ({evidence['shrunk_lift']:.1f} after shrinking)"
    return f"{text}. {_lately(evidence)}".strip()


def _lately(evidence: dict[str, Any]) -> str:
    """What its place in the list rests on; nothing for bundles of before it did."""
    if evidence.get("support_lately") is None:
        return ""
    text = (
        f"Of all orders that is {evidence['support']:.1%}, or {evidence['support_lately']:.1%} with recent ones "
        "counting more: its place in the list follows the latter, its score, and how unlike the others it is."
    )
    alive = evidence.get("still_bought", 1.0)
    if alive < SURELY_BOUGHT:
        text += f" A product of it was not ordered for long, so the orders count {alive:.0%} only."
    return text


def _price(bundle: dict[str, Any]) -> str:
    offer, margin = bundle["offer"], bundle["evidence"]["margin"]
    text = f"It sells at {offer['price']} {offer['currency']} instead of {offer['list_price']}"
    text += f" (−{offer['discount_pct']} %)"
    if margin["after_discount"] is None:
        return text + "; no cost is known, so the discount stays at 10 % or less."
    known = "" if margin["known_share"] >= 1 else f" over the {margin['known_share']:.0%} of it whose cost is known"
    return text + f" and keeps a margin of {margin['after_discount']:.0%}{known}."


def _expected(expected: dict[str, Any], currency: str) -> str:
    basis, profit = expected["basis"], expected["profit_30d"]
    kept = "profit unknown, for no cost is known" if profit is None else f"{profit} {currency} of profit"
    return (
        f"It may bring {expected['orders_30d']:.1f} orders in 30 days (80 % interval {expected['low']:.1f}–"
        f"{expected['high']:.1f}), {expected['revenue_30d']} {currency} of revenue and {kept}: {basis['orders']} orders"
        f" in {basis['days']} days, times {basis['lift']['mean']:.2f} for the discount. Observed, not tested."
    )


def _weights(bundle: dict[str, Any]) -> str:
    weights, signals = bundle["weights"], bundle["signals"]
    return (
        f"Score {bundle['score']:.3f} = {weights['alpha']:.2f} × meaning {signals['semantic']:.2f} + "
        f"{weights['beta']:.2f} × orders {signals['transactional']:.2f} + {weights['gamma']:.2f} × business "
        f"{signals['business']:.2f}; {weights['category']!r} had {weights['category_orders']} orders in the last "
        "60 days, which sets these weights."
    )


def measured(reason: Reason, figure: float | None, currency: str) -> str:
    """What a gate measured, to be put after the reason; empty where that says nothing more.

    Args:
        reason: Why a candidate is no bundle.
        figure: What was measured; None where nothing was.
        currency: Of the store.
    """
    if figure is None:
        return ""
    match reason:
        case Reason.MARGIN_TOO_LOW:
            return f" ({figure:.1%} of the price)"
        case Reason.LOW_SUPPORT:
            return f" ({figure:g} order{'' if figure == 1 else 's'})"
        case Reason.INVALID_PRICE | Reason.PRICE_LIMIT:
            return f" ({decimal(int(figure), currency)} {currency})"
        case Reason.NOT_SELLABLE | Reason.EXCLUDED:
            return f" ({figure:g} product{'' if figure == 1 else 's'})"
        case Reason.INCOMPATIBLE_CATEGORIES | Reason.NEVER_TOGETHER:
            return f" ({figure:g} pair{'' if figure == 1 else 's'})"
        case Reason.DUPLICATE | Reason.NOT_SELECTED:
            return f" (score {figure:.3f})"
    return ""


def listed(names: list[str]) -> str:
    """`A, B and C`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nothing"
