"""The product's own words: objectives, bundle types, tiers, and how they combine."""

from enum import IntEnum, StrEnum
from itertools import product
from typing import NamedTuple


class Objective(StrEnum):
    """What a bundle is for, in the order the product lists them."""

    MARGIN_GUARD = "margin_guard"
    CLEAR_SLOW_MOVERS = "clear_slow_movers"
    INCREASE_AOV = "increase_aov"
    NEW_LAUNCH = "new_launch"
    SEASONAL_PROMO = "seasonal_promo"
    CATEGORY_BUNDLE = "category_bundle"
    GIFT_BOX = "gift_box"
    SUBSCRIPTION_PUSH = "subscription_push"


class BundleType(StrEnum):
    """How a bundle is sold."""

    FBT = "FBT"
    """Frequently bought together: 2-4 products shown with the anchor."""
    FIXED = "FIXED"
    """A kit of 2-5 products sold as one."""
    MIX_MATCH = "MIX_MATCH"
    """Pick some of a pool of 4-8 products."""
    BXGY = "BXGY"
    """Buy one product, get another at a discount."""
    VOLUME = "VOLUME"
    """More of one product, or of one family of variants, at quantity breaks."""


class Tier(IntEnum):
    """Strength of the evidence a candidate rests on; 1 is the strongest."""

    RULES = 1
    ADAPTIVE_RULES = 2
    SMOOTHED_LIFT = 3
    SIMILARITY = 4
    HEURISTICS = 5
    POPULARITY = 6
    COLD_START = 7

    @property
    def label(self) -> str:
        """The tier's name in evidence and reports."""
        return self.name.lower()


class Combo(NamedTuple):
    """One objective sold as one bundle type."""

    objective: Objective
    type: BundleType

    @property
    def label(self) -> str:
        """`objective:type`, as tasks and tables show it."""
        return f"{self.objective}:{self.type}"


class Role(StrEnum):
    """What a product does in its bundle."""

    ANCHOR = "anchor"
    PARTNER = "partner"
    COMPONENT = "component"
    POOL = "pool"
    BUY = "buy"
    GET = "get"
    VOLUME = "volume"


OBJECTIVES = tuple(Objective)
TYPES = tuple(BundleType)
COMBOS = tuple(Combo(*pair) for pair in product(OBJECTIVES, TYPES))

NOT_ALLOWED = frozenset({Combo(Objective.SUBSCRIPTION_PUSH, BundleType.FIXED)})
"""Shops can't sell kits on subscription."""

BEST_TYPES: dict[Objective, tuple[BundleType, BundleType]] = {
    Objective.MARGIN_GUARD: (BundleType.FBT, BundleType.FIXED),
    Objective.CLEAR_SLOW_MOVERS: (BundleType.BXGY, BundleType.MIX_MATCH),
    Objective.INCREASE_AOV: (BundleType.FBT, BundleType.MIX_MATCH),
    Objective.NEW_LAUNCH: (BundleType.BXGY, BundleType.FBT),
    Objective.SEASONAL_PROMO: (BundleType.FIXED, BundleType.MIX_MATCH),
    Objective.CATEGORY_BUNDLE: (BundleType.MIX_MATCH, BundleType.VOLUME),
    Objective.GIFT_BOX: (BundleType.FIXED, BundleType.MIX_MATCH),
    Objective.SUBSCRIPTION_PUSH: (BundleType.VOLUME, BundleType.FBT),
}
"""The two types that serve an objective best, the better first."""


def types_of(objective: Objective) -> tuple[BundleType, ...]:
    """All five types for `objective`, its two best first, then in listing order."""
    best = BEST_TYPES[objective]
    return best + tuple(kind for kind in TYPES if kind not in best)


class Reason(StrEnum):
    """Why a candidate is no bundle. The gates come first, in the order they judge."""

    NOT_SELLABLE = "not_sellable"
    MARGIN_TOO_LOW = "margin_too_low"
    LOW_SUPPORT = "low_support"
    INVALID_PRICE = "invalid_price"
    INCOMPATIBLE_CATEGORIES = "incompatible_categories"
    EXCLUDED = "excluded"
    NEVER_TOGETHER = "never_together"
    PRICE_LIMIT = "price_limit"
    DUPLICATE = "duplicate"
    NOT_SELECTED = "not_selected"
    NEVER_PROPOSED = "never_proposed"


GATES = tuple(Reason)[:8]
"""The gates, in the order they judge."""


class Rejection(NamedTuple):
    """A candidate that is no bundle, and why."""

    skus: tuple[str, ...]
    """Sorted."""
    objective: Objective
    type: BundleType
    reason: Reason
    figure: float | None = None
    """What the gate measured, or the score of a candidate that was not selected; None where nothing was measured."""


SURELY_BOUGHT = 0.95
"""Probability from which nothing need be said of whether all products of a bundle are still bought."""
