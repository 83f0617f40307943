"""A small run as its files hold it: one bundle and one record, to be changed where a test needs it."""

from typing import Any

from pipeline.terms import COMBOS


def product(sku: str, title: str, price: str, role: str, quantity: int = 1) -> dict[str, Any]:
    """One product of a bundle."""
    return {"sku": sku, "title": title, "quantity": quantity, "role": role, "price": price, "category": "Kitchen"}


def bundle(rank: int = 1, **changes: Any) -> dict[str, Any]:
    """One FBT bundle as `bundles.json` holds it: £10.00 of products for £9.00, in 14 of 276 orders."""
    offer = {"list_price": "10.00", "price": "9.00", "discount_pct": "10.0", "currency": "GBP"}
    return {
        "id": f"00000000-0000-5000-8000-{rank:012}",
        "rank": rank,
        "store": "demo",
        "objective": "increase_aov",
        "type": "FBT",
        "products": [
            product("A1", "Regency Teacup", "5.00", "anchor"),
            product("B2", "Party Bunting", "2.50", "partner", quantity=2),
        ],
        "offer": {"kind": "set_discount", **offer},
        "score": 0.75,
        "signals": {"semantic": 0.5, "transactional": 1.0, "business": 0.75},
        "weights": {"alpha": 0.2, "beta": 0.6, "gamma": 0.2, "category_orders": 40, "category": "Kitchen"},
        "evidence": evidence(),
        "name": "Teacup & Bunting",
        "tagline": "Save £1.00 together",
        "description": "Both at once.",
        "explanation": "Bought together in 14 of 276 orders. It raises the order.",
        "words_source": "template",
        "cold_start": False,
        "status": "new",
    } | changes


def evidence() -> dict[str, Any]:
    """The evidence of `bundle`."""
    return {
        "sources": ["association_rules"],
        "tier": 1,
        "tier_name": "rules",
        "thin": False,
        "window": {"from": "2026-01-01", "to": "2026-11-01", "orders": 276},
        "count": 14,
        "support": 0.0507,
        "support_lately": 0.0613,
        "anchor_orders": 40,
        "confidence": 0.35,
        "confidence_low": 0.22,
        "confidence_high": 0.5,
        "lift": 6.24,
        "shrunk_lift": 2.1,
        "similarity": 0.62,
        "margin": {"after_discount": 0.44, "known_share": 1.0},
        "gates": [{"gate": "margin_too_low", "figure": 0.44, "limit": 0.15, "passed": True}],
        "front": True,
        "price_trail": {},
        "merged": [{"objective": "gift_box", "sources": []}],
        "data": {"snapshot": "ab" * 32, "settings": "cd" * 32, "code": "0.1.0"},
    }


def record(**changes: Any) -> dict[str, Any]:
    """A whole run as `run.json` holds it: 1,000 candidates, 700 past the gates, one bundle."""
    gates = {"total_candidates": 1000, "rejected_not_sellable": 0, "rejected_low_support": 300, "passed": 700}
    points = [{"score": 0.7, "margin": 0.4, "front": True}, {"score": 0.6, "margin": None, "front": False}]
    need = {"benefit": 1, "confidence": 0.8, "priority": 0.8, "rank": 1, "eligible": 99}
    return {
        "run_id": "run-1",
        "store": "demo",
        "status": "succeeded",
        "reasons": [],
        "why_empty": None,
        "currency": "GBP",
        "snapshot": {"sha256": "ab" * 32, "products": 120, "sellable": 100, "orders": 276, "lines": 900},
        "window": {"from": "2026-01-01", "to": "2026-11-01", "orders": 276, "days": 365},
        "objective_selection": {"increase_aov": need},
        "combos_evaluated": combos(),
        "candidates_generated": 1000,
        "sources": {"association_rules": {"candidates": 900, "duration_ms": 40.0, "error": None}},
        "policy_gates": gates,
        "bundles_after_gates": 700,
        "diversity_selection": {"duplicates": 200, "not_selected": 499, "final_bundle_count": 1},
        "portfolio": {"method": "nsga2", "points": points},
        "phase_timings": {"context": 400.0, "candidates": 600.0, "total": 1000.0},
        "ingest": ingest(),
    } | changes


def combos() -> list[dict[str, Any]]:
    """All 40 combos found something, but for the second, which was not admitted."""
    found = {"state": "found", "tier": 1, "tier_name": "rules", "candidates": 25, "passed": 20, "best_score": 0.75}
    rows = [{"objective": c.objective, "type": c.type, **found, "bundles": 1, "duration_ms": 12.5} for c in COMBOS]
    rows[1] |= {"state": "not_admitted", "best_score": None, "tier": None}
    return rows


def ingest() -> dict[str, Any]:
    """A file of ten records of which two were rejected, and three lines without a product."""
    file = {"file": "o.csv", "table": "orders", "layout": "shopify", "records": 10, "accepted": 8, "rejected": 2}
    return {
        "files": [file | {"encoding": "utf-8", "delimiter": ",", "notes": ["decoded as latin-1"]}],
        "rejected_by_code": {"bad_quantity": 2},
        "unmatched": [{"sku": "POST", "title": "", "lines": 3}],
        "unmatched_lines": 3,
    }
