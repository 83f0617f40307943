"""A bundle's evidence in plain language: a line for each figure, a line for each gate."""

from collections.abc import Mapping, Sequence
from typing import Any

from cluster.report.figures import (
    ABSENT,
    GATE_LABELS,
    OBJECTIVE_LABELS,
    TIER_WORDS,
    count,
    day,
    label,
    money,
    number,
    percent,
    ratio,
    short_hash,
)
from pipeline.offers.english import counted
from pipeline.terms import SURELY_BOUGHT, BundleType, Reason, Tier

Fact = tuple[str, str]
"""What a figure is about, and the figure in words."""


def evidence_lines(bundle: Mapping[str, Any]) -> list[Fact]:
    """What is known, a line each; what is unknown or does not apply has no line, save the margin."""
    found = bundle.get("evidence") or {}
    lines = [
        ("Orders", _orders(found, bundle)),
        ("Confidence", _confidence(found)),
        ("Lift", _lift(found)),
        ("Similarity", _similarity(found)),
        ("Evidence", _tier_words(found)),
        ("Margin", _margin(found.get("margin") or {})),
        ("Expected", _expected(found.get("expected") or {}, bundle)),
        ("Front", "No candidate has both a better score and a better margin." if found.get("front") else ""),
        ("Price", _price_trail(found.get("price_trail") or {})),
        ("Also serves", _also(found.get("merged") or ())),
    ]
    return [(name, text) for name, text in lines if text]


def _also(merged: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(dict.fromkeys(label(OBJECTIVE_LABELS, row.get("objective")) for row in merged))


def _orders(found: Mapping[str, Any], bundle: Mapping[str, Any]) -> str:
    window = found.get("window") or {}
    if found.get("count") is None or not window.get("orders"):
        return "The store has no orders in the window yet."
    held = {
        BundleType.MIX_MATCH: "hold as many of the pool as are picked",
        BundleType.VOLUME: "take the first quantity break or more",
    }.get(bundle.get("type"), "hold every product")  # type: ignore[arg-type]
    dates = f"{day(window.get('from'))} to {day(window.get('to'), back=1)}"
    share = percent(found.get("support"), 1)
    if found.get("support_lately") is not None:
        share += f"; {percent(found['support_lately'], 1)} with recent orders counting more"
    if (alive := found.get("still_bought", 1.0)) < SURELY_BOUGHT:
        share += f"; {percent(alive)} likely to be bought still"
    return f"{count(found['count'])} of {count(window['orders'])} orders {held} ({share}), {dates}."


def _confidence(found: Mapping[str, Any]) -> str:
    if found.get("confidence") is None:
        return ""
    low, high = percent(found.get("confidence_low")), percent(found.get("confidence_high"))
    interval = "" if ABSENT in (low, high) else f" (95% interval {low.removesuffix('%')} to {high})"
    orders = counted(int(found.get("anchor_orders") or 0), "order")
    return f"{percent(found['confidence'])} of the {orders} with its first product hold the bundle{interval}."


def _lift(found: Mapping[str, Any]) -> str:
    if found.get("lift") is None:
        return ""
    shrunk = found.get("shrunk_lift")
    cautious = "" if shrunk is None else f"; {ratio(shrunk, 1)} pulled towards 1 for caution"
    return f"{ratio(found['lift'], 1)} times as often as chance{cautious}."


def _similarity(found: Mapping[str, Any]) -> str:
    return (
        ""
        if found.get("similarity") is None
        else f"{ratio(found['similarity'])} between the products' texts (1 is the same)."
    )


def _tier_words(found: Mapping[str, Any]) -> str:
    if not found.get("tier"):
        return ""
    sources = ", ".join(str(source).replace("_", " ") for source in found.get("sources") or ())
    words = TIER_WORDS.get(found["tier"]) or str(found.get("tier_name") or "").replace("_", " ")
    thin = " The counts are small: read it as a hint." if found.get("thin") else ""
    return f"Tier {found['tier']} of {len(Tier)}: {words}. Proposed by {sources or 'no named source'}.{thin}"


def _margin(margin: Mapping[str, Any]) -> str:
    if margin.get("after_discount") is None:
        return "Unknown: no cost is on file."
    known = number(margin.get("known_share"))
    share = "" if known is None or known >= 0.999 else f", over the {percent(known)} of the price whose cost is known"
    return f"{percent(margin['after_discount'])} after the discount{share}."


def _expected(found: Mapping[str, Any], bundle: Mapping[str, Any]) -> str:
    """What it may bring in 30 days, and how sure that is."""
    if found.get("orders_30d") is None:
        return ""
    currency = str((bundle.get("offer") or {}).get("currency") or "")
    profit = found.get("profit_30d")
    brings = f"{money(found.get('revenue_30d'), currency)} of revenue"
    brings += "; profit unknown, no cost is on file" if profit is None else f", {money(profit, currency)} of profit"
    low, high = (ratio(found.get(end), 1) for end in ("low", "high"))
    lift = number(((found.get("basis") or {}).get("lift") or {}).get("mean"))
    moved = f" The discount is taken to bring {percent(lift - 1)} more orders." if lift is not None and lift > 1 else ""
    return (
        f"{ratio(found['orders_30d'], 1)} orders in 30 days (80% interval {low} to {high}): {brings}.{moved} Estimated"
        " from past orders and prices, not from a test."
    )


def _price_trail(trail: Mapping[str, Any]) -> str:
    if trail.get("wanted_discount") is None:
        return ""
    lines = number(trail.get("measured_on_lines"))
    basis = f" from {count(lines)} discounted order lines and a prior of {percent(trail.get('prior'))}" if lines else ""
    usual, wanted = percent(trail.get("store_discount"), 1), percent(trail["wanted_discount"], 1)
    return (
        f"The store's usual discount is {usual}{basis};{_price_model(trail)} {wanted} was aimed at, then rounded to a"
        " price ending of the store's own above the margin floor."
    )


def _price_model(trail: Mapping[str, Any]) -> str:
    """What the store's own prices say, where they say anything."""
    elasticity, best = trail.get("elasticity") or {}, trail.get("best_discount") or {}
    if elasticity.get("mean") is None or best.get("mean") is None:
        return ""
    low, high = ratio(elasticity.get("low"), 1), ratio(elasticity.get("high"), 1)
    return (
        f" its price elasticity is {ratio(elasticity['mean'], 1)} (80% interval {low} to {high}, observed, not"
        f" tested), by which {percent(best['mean'])} would earn most, cautiously;"
    )


def gate_line(gate: Mapping[str, Any], bundle: Mapping[str, Any]) -> dict[str, Any]:
    """A gate, and what it measured against what limit."""
    name = str(gate.get("gate") or "")
    passed = bool(gate.get("passed", True))
    return {"name": label(GATE_LABELS, name), "figure": _gate_figure(name, gate, bundle), "passed": passed}


def _gate_figure(name: str, gate: Mapping[str, Any], bundle: Mapping[str, Any]) -> str:
    figure, limit, offer = gate.get("figure"), gate.get("limit"), bundle.get("offer") or {}
    match name:
        case Reason.MARGIN_TOO_LOW:
            return f"{percent(figure)}, at least {percent(limit)}" if figure is not None else "cost unknown"
        case Reason.LOW_SUPPORT:
            return f"{count(figure)} orders" + (f", at least {count(limit)}" if limit is not None else "")
        case Reason.NOT_SELLABLE | Reason.INCOMPATIBLE_CATEGORIES if not number(figure):
            return "all of them"
        case Reason.INVALID_PRICE:
            currency = str(offer.get("currency") or "")
            return f"{money(offer.get('price'), currency)}, at most {money(offer.get('list_price'), currency)}"
        case Reason.PRICE_LIMIT:
            return f"{money(offer.get('price'), str(offer.get('currency') or ''))}, within the store's limits"
    return "nothing against it" if not number(figure) else ratio(figure)


def provenance(data: Mapping[str, Any]) -> list[Fact]:
    """The hashes a bundle comes from, shortened."""
    rows = (("Snapshot", "snapshot"), ("Settings", "settings"), ("Rules", "rules"), ("Code", "code"))
    return [(name, short_hash(data.get(key))) for name, key in rows if data.get(key)]
