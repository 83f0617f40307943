"""All that words may use about one bundle, and nothing else."""

from dataclasses import dataclass
from decimal import Decimal

from pipeline.terms import BundleType, Objective, Role, Tier


@dataclass(frozen=True, slots=True)
class FactProduct:
    """One product of a bundle."""

    title: str
    category: str
    """`uncategorised` or empty where unknown."""
    price: Decimal
    """List price of one unit."""
    quantity: int
    role: Role
    units_per_order: float | None = None
    """Mean units of it in the orders that hold it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The figures of one bundle. Money is in `currency`; percentages are on a scale of 0 to 100, shares in [0, 1]."""

    id: str
    objective: Objective
    type: BundleType
    products: tuple[FactProduct, ...]
    """In role order, the anchor first; never empty."""
    currency: str
    list_price: Decimal
    price: Decimal
    discount_pct: Decimal
    pick: int | None
    """MIX_MATCH: how many of the pool the customer picks."""
    get_discount_pct: Decimal | None
    """BXGY: discount on what is got."""
    breaks: tuple[tuple[int, Decimal, Decimal], ...]
    """VOLUME: (quantity, unit price, discount in percent) of each break, rising."""
    tier: Tier
    count: int
    """Orders that hold the bundle, as its type counts them."""
    window_orders: int
    window_days: int
    anchor_orders: int
    """Orders that hold the anchor."""
    confidence: float | None
    """count / anchor_orders."""
    shrunk_lift: float | None
    """How much more often than by chance, pulled to 1 where orders are few."""
    similarity: float | None
    """Cosine of the texts."""
    margin_share: float | None
    """Margin after discount over the parts of known cost, as a share of their price."""
    days_of_cover: float | None
    """Days that the slow mover's stock lasts at its present pace; infinite where it never sold."""
    slow_sku_title: str | None
    new_sku_title: str | None
    season: str | None
    repeat_customers: int | None
    """Customers who bought the anchor again."""
