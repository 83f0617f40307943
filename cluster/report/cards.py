"""A bundle as its card shows it: everything said in plain words, so that the template only lays out."""

import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from cluster.report.figures import (
    ABSENT,
    GATE_LABELS,
    OBJECTIVE_LABELS,
    ROLE_LABELS,
    TIER_WORDS,
    TYPE_LABELS,
    bar,
    count,
    day,
    label,
    money,
    number,
    percent,
    ratio,
    short_hash,
)
from pipeline.offers.english import cardinal, counted
from pipeline.terms import BundleType, Reason, Tier

SIGNALS = (
    ("semantic", "alpha", "Text and price fit"),
    ("transactional", "beta", "Orders"),
    ("business", "gamma", "Business"),
)
"""Signal, its weight, and what both are called."""

Fact = tuple[str, str]
"""What a figure is about, and the figure in words."""


def card(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """All a card shows of a bundle of `bundles.json`. Keys that the bundle lacks leave their part out."""
    currency = str(bundle.get("offer", {}).get("currency") or "")
    return {
        "id": bundle.get("id", ""),
        "rank": bundle.get("rank", ABSENT),
        "objective": bundle.get("objective", ""),
        "type": bundle.get("type", ""),
        "objective_label": label(OBJECTIVE_LABELS, bundle.get("objective")),
        "type_label": label(TYPE_LABELS, bundle.get("type")),
        "cold_start": bool(bundle.get("cold_start")),
        "name": bundle.get("name") or "Unnamed bundle",
        "tagline": bundle.get("tagline") or "",
        "description": bundle.get("description") or "",
        "explanation": bundle.get("explanation") or "",
        "words_source": "a language model" if bundle.get("words_source") == "model" else "templates",
        "products": [_product(product, currency) for product in bundle.get("products", ())],
        "offer": _offer(bundle, currency),
        "score": ratio(bundle.get("score")),
        "signals": _signals(bundle),
        "weights_basis": _weights_basis(bundle.get("weights") or {}),
        "evidence": _evidence(bundle),
        "gates": [_gate(gate, bundle) for gate in (bundle.get("evidence") or {}).get("gates") or ()],
        "provenance": _provenance((bundle.get("evidence") or {}).get("data") or {}),
    }


def initials(title: str) -> str:
    """At most two letters or digits that stand for a product without a picture."""
    words = [word for word in title.split() if unicodedata.category(word[0])[0] in "LN"]
    return "".join(word[0].upper() for word in words[:2]) or "?"


def picture(url: Any) -> str | None:
    """`url` if a page may show it: https with a host and nothing odd in it. Anything else has initials instead."""
    if not isinstance(url, str) or not url.isprintable() or any(char in url for char in " \"'<>\\"):
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    return url if parts.scheme == "https" and host and "@" not in parts.netloc else None


def _product(product: Mapping[str, Any], currency: str) -> dict[str, Any]:
    title = str(product.get("title") or "Product")
    return {
        "title": title,
        "sku": product.get("sku", ""),
        "initials": initials(title),
        "picture": picture(product.get("image_url")),
        "role": label(ROLE_LABELS, product.get("role")),
        "quantity": product.get("quantity", 1),
        "price": money(product.get("price"), currency),
        "category": product.get("category") or "",
    }


def _offer(bundle: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Headline, what it was, what is saved, and the tiers of a quantity offer."""
    offer, kind = bundle.get("offer") or {}, bundle.get("type")
    saved = _saved(offer)
    shown: dict[str, Any] = {
        "headline": money(offer.get("price"), currency),
        "was": money(offer.get("list_price"), currency) if saved else None,
        "saving": f"Save {money(saved, currency)} ({_points(offer.get('discount_pct'))})" if saved else None,
        "note": None,
        "tiers": [],
    }
    if kind == BundleType.MIX_MATCH and offer.get("pick"):
        pool = len(bundle.get("products", ()))
        shown |= {
            "headline": f"Any {cardinal(int(offer['pick']))} of {cardinal(pool)}",
            "was": None,
            "saving": f"{_points(offer.get('discount_pct'))} off" if saved else None,
            "note": f"The whole pool costs {money(offer.get('list_price'), currency)} at list price.",
        }
    if kind == BundleType.BXGY and offer.get("get_discount_pct"):
        shown["note"] = f"{_points(offer['get_discount_pct'])} off what is got, nothing off what is bought."
    if kind == BundleType.VOLUME and offer.get("tiers"):
        tiers = offer["tiers"]
        shown |= {
            "headline": f"{money(tiers[-1].get('unit_price'), currency)} each",
            "was": None,
            "saving": f"Up to {_points(tiers[-1].get('discount_pct'))} off",
            "tiers": [_tier(tier, currency) for tier in tiers],
        }
    return shown


def _tier(tier: Mapping[str, Any], currency: str) -> dict[str, str]:
    return {
        "quantity": f"{count(tier.get('quantity'))} or more",
        "unit_price": money(tier.get("unit_price"), currency),
        "price": money(tier.get("price"), currency),
        "discount": _points(tier.get("discount_pct")),
    }


def _points(value: Any) -> str:
    """A percentage on the scale of 0 to 100."""
    found = number(value)
    return ABSENT if found is None else f"{found:.1f}".removesuffix(".0") + "%"


def _saved(offer: Mapping[str, Any]) -> Decimal | None:
    try:
        saved = Decimal(str(offer.get("list_price"))) - Decimal(str(offer.get("price")))
    except InvalidOperation:
        return None
    return saved if saved > 0 else None


def _signals(bundle: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of the score, each as long as what it adds; the whole bar is a score of 1."""
    signals, weights = bundle.get("signals") or {}, bundle.get("weights") or {}
    shown, start = [], 0.0
    for key, weight, name in SIGNALS:
        signal, of = number(signals.get(key)) or 0.0, number(weights.get(weight)) or 0.0
        part = bar(signal * of, 1.0, f"{ratio(signal)} × {ratio(of)} = {ratio(signal * of)}")
        shown.append({"key": key, "name": name, "start": round(start, 2), "length": part.percent, "text": part.text})
        start += part.percent
    return shown


def _weights_basis(weights: Mapping[str, Any]) -> str:
    if not weights:
        return ""
    orders = counted(int(weights.get("category_orders") or 0), "order")
    return f"Weights follow the {orders} of the last 60 days with {weights.get('category') or 'its category'}."


def _evidence(bundle: Mapping[str, Any]) -> list[Fact]:
    """What is known, a line each; what is unknown or does not apply has no line, save the margin."""
    found = bundle.get("evidence") or {}
    lines = [
        ("Orders", _orders(found, bundle)),
        ("Confidence", _confidence(found)),
        ("Lift", _lift(found)),
        ("Similarity", _similarity(found)),
        ("Evidence", _tier_words(found)),
        ("Margin", _margin(found.get("margin") or {})),
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


def _price_trail(trail: Mapping[str, Any]) -> str:
    if trail.get("wanted_discount") is None:
        return ""
    lines = number(trail.get("measured_on_lines"))
    basis = f" from {count(lines)} discounted order lines and a prior of {percent(trail.get('prior'))}" if lines else ""
    usual, wanted = percent(trail.get("store_discount"), 1), percent(trail["wanted_discount"], 1)
    return (
        f"The store's usual discount is {usual}{basis}; {wanted} was aimed at, then rounded to a price ending of the"
        " store's own above the margin floor."
    )


def _gate(gate: Mapping[str, Any], bundle: Mapping[str, Any]) -> dict[str, Any]:
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
    return "nothing against it" if not number(figure) else ratio(figure)


def _provenance(data: Mapping[str, Any]) -> list[Fact]:
    rows = (("Snapshot", "snapshot"), ("Settings", "settings"), ("Code", "code"))
    return [(name, short_hash(data.get(key))) for name, key in rows if data.get(key)]
