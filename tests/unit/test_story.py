"""What a merchant is told, sentence by sentence."""

from typing import Any

import pytest

from cluster.commands.story import REASONS, TIERS, why_story
from pipeline.terms import Reason, Tier

BUNDLE: dict[str, Any] = {
    "type": "FBT",
    "objective": "increase_aov",
    "explanation": "Mugs go with teapots.",
    "score": 0.6543,
    "products": [
        {"sku": "MUG", "title": "Blue Mug", "quantity": 1, "price": "8.00"},
        {"sku": "POT", "title": "Teapot", "quantity": 1, "price": "12.00"},
    ],
    "offer": {"price": "18.00", "list_price": "20.00", "discount_pct": "10.0", "currency": "EUR"},
    "signals": {"semantic": 0.5, "transactional": 0.7, "business": 0.6},
    "weights": {"alpha": 0.55, "beta": 0.25, "gamma": 0.2, "category": "Kitchen", "category_orders": 42},
    "evidence": {
        "tier": 1,
        "window": {"from": "2026-01-01", "to": "2026-07-01", "orders": 200},
        "count": 12,
        "anchor_orders": 40,
        "confidence": 0.3,
        "confidence_low": 0.18,
        "confidence_high": 0.45,
        "lift": 4.0,
        "shrunk_lift": 2.4,
        "margin": {"after_discount": 0.35, "known_share": 1.0},
        "merged": [],
    },
}


def changed(**evidence: Any) -> dict[str, Any]:
    return BUNDLE | {"evidence": BUNDLE["evidence"] | evidence}


def test_the_story_begins_with_the_explanation_and_the_demand() -> None:
    story = why_story(BUNDLE)

    assert story[:2] == [
        "Mugs go with teapots.",
        "12 of 200 orders from 2026-01-01 to 2026-07-01 (excluded) hold every product of it; that is 30% of the 40 "
        "orders with Blue Mug (95 % interval 18%–45%), 4.0 times what chance would give (2.4 after shrinking).",
    ]


def test_the_story_says_what_recent_orders_make_of_it() -> None:
    demand = why_story(changed(support=0.06, support_lately=0.081))[1]

    assert demand.endswith(
        " Of all orders that is 6.0%, or 8.1% with recent ones counting more: its place in the list follows the "
        "latter, its score, and how unlike the others it is."
    )


def test_the_story_says_that_a_product_seems_to_have_left_the_range() -> None:
    kept, gone = (
        why_story(changed(support=0.06, support_lately=0.081, still_bought=alive))[1] for alive in (0.97, 0.4)
    )

    assert "ordered for long" not in kept
    assert gone.endswith(" A product of it was not ordered for long, so the orders count 40% only.")


def test_the_story_names_price_margin_and_the_sum_of_the_score() -> None:
    story = " ".join(why_story(BUNDLE))

    assert "It sells at 18.00 EUR instead of 20.00 (−10.0 %) and keeps a margin of 35%." in story
    assert "Score 0.654 = 0.55 × meaning 0.50 + 0.25 × orders 0.70 + 0.20 × business 0.60" in story
    assert "'Kitchen' had 42 orders in the last 60 days" in story


def test_a_margin_over_some_of_the_cost_says_how_much_of_it() -> None:
    story = " ".join(why_story(changed(margin={"after_discount": 0.3, "known_share": 0.6})))

    assert "keeps a margin of 30% over the 60% of it whose cost is known" in story


def test_an_unknown_cost_is_said_to_be_unknown() -> None:
    story = " ".join(why_story(changed(margin={"after_discount": None, "known_share": 0.0})))

    assert "no cost is known" in story
    assert "keeps a margin" not in story


def test_a_pool_has_no_confidence_and_no_lift_to_tell_of() -> None:
    pool = changed(confidence=None, lift=None) | {"type": "MIX_MATCH", "offer": BUNDLE["offer"] | {"pick": 3}}

    story = why_story(pool)

    assert story[1] == "12 of 200 orders from 2026-01-01 to 2026-07-01 (excluded) hold at least 3 products of the pool."


def test_a_quantity_offer_counts_units() -> None:
    products = [BUNDLE["products"][0] | {"quantity": 6}]

    story = why_story(changed(lift=None) | {"type": "VOLUME", "products": products})

    assert "reach 6 units" in story[1]


def test_merged_duplicates_are_told_with_what_they_were_proposed_for() -> None:
    merged = [{"objective": name, "sources": ["rules"]} for name in ("gift_box", "margin_guard", "gift_box")]

    story = why_story(changed(merged=merged))

    assert story[-1] == "3 near-duplicates were merged into it, proposed for gift box and margin guard."


@pytest.mark.parametrize("tier", list(Tier))
def test_every_tier_has_words(tier: Tier) -> None:
    assert TIERS[tier] in " ".join(why_story(changed(tier=int(tier))))


def test_every_reason_has_words() -> None:
    assert set(REASONS) == set(Reason)
