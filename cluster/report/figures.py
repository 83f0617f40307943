"""How the report says figures: counts, shares, times, dates, and the product's terms in plain words."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from pipeline.offers.english import money as money_text
from pipeline.terms import BundleType, Objective, Reason, Role, Tier

ABSENT = "–"
"""What stands where a figure is unknown."""

OBJECTIVE_LABELS: dict[str, str] = {
    Objective.MARGIN_GUARD: "Margin guard",
    Objective.CLEAR_SLOW_MOVERS: "Clear slow movers",
    Objective.INCREASE_AOV: "Larger orders",
    Objective.NEW_LAUNCH: "New launch",
    Objective.SEASONAL_PROMO: "Seasonal promotion",
    Objective.CATEGORY_BUNDLE: "Within a category",
    Objective.GIFT_BOX: "Gift box",
    Objective.SUBSCRIPTION_PUSH: "Regular orders",
}

TYPE_LABELS: dict[str, str] = {
    BundleType.FBT: "Bought together",
    BundleType.FIXED: "Fixed kit",
    BundleType.MIX_MATCH: "Mix & match",
    BundleType.BXGY: "Buy X, get Y",
    BundleType.VOLUME: "Quantity breaks",
}

ROLE_LABELS: dict[str, str] = {
    Role.ANCHOR: "Shown with",
    Role.PARTNER: "Added to it",
    Role.COMPONENT: "In the kit",
    Role.POOL: "To choose from",
    Role.BUY: "Bought",
    Role.GET: "Got for less",
    Role.VOLUME: "Bought in quantity",
}

TIER_WORDS: dict[int, str] = {
    Tier.RULES: "association rules",
    Tier.ADAPTIVE_RULES: "rules with lower support",
    Tier.SMOOTHED_LIFT: "lift smoothed by category",
    Tier.SIMILARITY: "similar texts",
    Tier.HEURISTICS: "categories and prices that fit",
    Tier.POPULARITY: "popular products",
    Tier.COLD_START: "the catalogue alone",
}

REASON_WORDS: dict[str, str] = {
    Reason.NOT_SELLABLE: "a product can't be sold now",
    Reason.MARGIN_TOO_LOW: "margin after discount too low",
    Reason.LOW_SUPPORT: "too few orders behind it",
    Reason.INVALID_PRICE: "no valid price",
    Reason.INCOMPATIBLE_CATEGORIES: "categories that don't fit",
    Reason.EXCLUDED: "excluded by a store rule",
    Reason.NEVER_TOGETHER: "never together by a store rule",
    Reason.PRICE_LIMIT: "price outside the store's limits",
    Reason.DUPLICATE: "duplicate of a better one",
    Reason.NOT_SELECTED: "not selected",
}

GATE_LABELS: dict[str, str] = {
    Reason.NOT_SELLABLE: "Products on sale",
    Reason.MARGIN_TOO_LOW: "Margin after discount",
    Reason.LOW_SUPPORT: "Orders behind it",
    Reason.INVALID_PRICE: "Price",
    Reason.INCOMPATIBLE_CATEGORIES: "Categories fit",
    Reason.EXCLUDED: "Store rules: excluded",
    Reason.NEVER_TOGETHER: "Store rules: never together",
    Reason.PRICE_LIMIT: "Store rules: price",
}

STATE_WORDS: dict[str, tuple[str, str]] = {
    "found": ("found", "candidates were found"),
    "empty": ("nothing found", "no source found a candidate"),
    "not_eligible": ("not eligible", "no product of the store serves this objective in this form"),
    "not_allowed": ("not allowed", "shops can't sell a kit on subscription"),
    "not_admitted": ("not admitted", "the time budget or the mode left it out of the plan"),
    "cut": ("cut", "the deadline came first"),
    "failed": ("failed", "the work on it failed; the run went on without it"),
}


class Share(NamedTuple):
    """A bar: its length in percent of the full width, and what it says."""

    percent: float
    text: str


def label(labels: Mapping[str, str], key: Any) -> str:
    """The term in plain words; one we don't know keeps its own, with spaces."""
    return labels.get(key) or str(key or ABSENT).replace("_", " ")


def number(value: Any) -> float | None:
    """A finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if abs(found) < float("inf") else None


def count(value: Any) -> str:
    """A whole number with thousands set apart."""
    found = number(value)
    return ABSENT if found is None else f"{found:,.0f}"


def ratio(value: Any, places: int = 2) -> str:
    """A figure with a fixed number of digits."""
    found = number(value)
    return ABSENT if found is None else f"{found:,.{places}f}"


def percent(share: Any, places: int = 0) -> str:
    """A share in [0, 1] as a percentage."""
    found = number(share)
    return ABSENT if found is None else f"{100 * found:.{places}f}%"


def bar(value: Any, full: float, text: str) -> Share:
    """A bar of `value` where `full` fills the width; a value above none is at least a hair wide."""
    found = number(value) or 0.0
    length = 100 * found / full if full > 0 else 0.0
    return Share(round(min(100.0, max(length, 0.4 if found > 0 else 0.0)), 2), text)


def duration(milliseconds: Any) -> str:
    """A time span as it is said: `14 ms`, `1.03 s`, `2 min 5 s`."""
    found = number(milliseconds)
    if found is None:
        return ABSENT
    if found < 1000:
        return f"{found:.0f} ms" if found >= 10 or found < 0.05 else f"{found:.1f} ms"
    seconds = found / 1000
    return f"{seconds:.2f} s" if seconds < 60 else f"{int(seconds // 60)} min {seconds % 60:.0f} s"


def money(amount: Any, currency: str) -> str:
    """A decimal string with its currency's symbol."""
    try:
        found = Decimal(str(amount))
    except InvalidOperation:
        return ABSENT
    return money_text(found, currency) if found.is_finite() else ABSENT


def day(iso: Any, back: int = 0) -> str:
    """An ISO date in words, `back` days earlier: `9 September 2011`."""
    try:
        found = date.fromisoformat(str(iso)[:10]) - timedelta(days=back)
    except ValueError:
        return ABSENT
    return f"{found.day} {found:%B %Y}"


def short_hash(value: Any) -> str:
    """The first 12 characters of a hash."""
    return str(value)[:12] if value else ABSENT
