"""A bundle as its card shows it: everything said in plain words, so that the template only lays out."""

import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from cluster.report.figures import (
    ABSENT,
    OBJECTIVE_LABELS,
    ROLE_LABELS,
    TYPE_LABELS,
    bar,
    count,
    label,
    money,
    number,
    ratio,
)
from cluster.report.proof import evidence_lines, gate_line, provenance
from pipeline.offers.english import cardinal, counted
from pipeline.terms import BundleType

WORDS_SOURCES = {"llm": "a text model", "llm_repaired": "a text model, at the second attempt"}
"""How a card names where words are from; all others are templates."""

SIGNALS = (
    ("semantic", "alpha", "Text and price fit"),
    ("transactional", "beta", "Orders"),
    ("business", "gamma", "Business"),
)
"""Signal, its weight, and what both are called."""


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
        "words_source": WORDS_SOURCES.get(str(bundle.get("words_source")), "templates"),
        "products": [_product(product, currency) for product in bundle.get("products", ())],
        "offer": _offer(bundle, currency),
        "score": ratio(bundle.get("score")),
        "signals": _signals(bundle),
        "weights_basis": _weights_basis(bundle.get("weights") or {}),
        "evidence": evidence_lines(bundle),
        "gates": [gate_line(gate, bundle) for gate in (bundle.get("evidence") or {}).get("gates") or ()],
        "provenance": provenance((bundle.get("evidence") or {}).get("data") or {}),
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
