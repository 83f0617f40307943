"""A finished bundle, as files, the database and the interfaces know it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pipeline.terms import BundleType, Objective, Role


class Frozen(BaseModel):
    """A value that nobody changes after it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Product(Frozen):
    """One product of a bundle."""

    sku: str
    title: str
    quantity: int
    role: Role
    price: str
    """List price of one unit, a decimal string."""
    category: str
    image_url: str | None = None


class OfferTier(Frozen):
    """One quantity break of a VOLUME offer."""

    quantity: int
    unit_price: str
    price: str
    """`quantity × unit_price`."""
    discount_pct: str


class Offer(Frozen):
    """What the customer pays. Money is a decimal string in `currency`."""

    kind: Literal["set_discount", "kit_price", "pick_from_pool", "buy_x_get_y", "quantity_breaks"]
    list_price: str
    """Σ quantity × price over the bundle's products."""
    price: str
    discount_pct: str
    """`100 · (1 − price / list_price)`, one digit, after rounding to price endings."""
    currency: str
    pick: int | None = None
    """MIX_MATCH: how many of the pool the customer picks."""
    get_discount_pct: str | None = None
    """BXGY: discount on the product that is got."""
    tiers: tuple[OfferTier, ...] | None = None


class Signals(Frozen):
    """The three parts of the score, each in [0, 1]."""

    semantic: float
    transactional: float
    business: float


class Weights(Frozen):
    """Weights of the three signals; they sum to 1."""

    alpha: float
    beta: float
    gamma: float
    category_orders: int
    """Orders of the last 60 days with the anchor's category, which the weights follow."""
    category: str


class Window(Frozen):
    """The orders that were counted: days `from` ≤ day < `to` as ISO dates."""

    from_: str
    to: str
    orders: int


class Bundle(Frozen):
    """One bundle with its offer, evidence and words. Holds no run id, time or cache state."""

    id: str
    """`uuid5(store, objective, type, sorted SKUs)`: the same from run to run."""
    rank: int
    store: str
    objective: Objective
    type: BundleType
    products: tuple[Product, ...]
    offer: Offer
    score: float
    signals: Signals
    weights: Weights
    evidence: dict[str, Any]
    """The keys of `pipeline.offers.evidence`."""
    name: str
    tagline: str
    description: str
    explanation: str
    words_source: Literal["template", "llm", "llm_repaired"]
    cold_start: bool
    status: Literal["new"] = "new"

    def to_json(self) -> dict[str, Any]:
        """The bundle as `bundles.json` holds it; keys that do not apply are absent."""
        return self.model_dump(mode="json", exclude_none=True)
