"""What a store's context depends on: a model of settings for each of its parts."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.context.rules_config import RulesConfig


class MiningConfig(BaseModel):
    """What is counted, and how far."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["sparse", "mlxtend"] = "sparse"
    """`mlxtend` counts with its fpgrowth instead: the same sets, 10-140 times slower."""
    window_days: Annotated[int, Field(ge=1)] = 365
    """Days before the run's day whose orders are mined."""
    half_life_days: Annotated[float, Field(ge=1)] = 91.0
    """Age at which an order counts half in what a bundle reaches lately; a quarter of a year."""
    stay_days: Annotated[float, Field(ge=1)] = 182.0
    """Days that a product stays in a range on average; the longer, the longer a silence before it counts as gone."""
    mega_basket: Annotated[int, Field(ge=2)] = 100
    """Baskets of more SKUs than this weigh less in ranking."""
    max_pairs: Annotated[int, Field(ge=1)] = 400_000
    """Most pairs to keep; the least count rises until they fit."""
    extended_pairs: Annotated[int, Field(ge=1)] = 1_500
    """Top pairs that are extended to sets of three, and top threes to sets of four."""
    max_sets: Annotated[int, Field(ge=1)] = 10_000
    """Most sets of three, and as many of four: those of the most orders."""
    min_set_count: Annotated[int, Field(ge=2)] = 3
    """Fewest orders that must hold a set of three or more."""


class FeaturesConfig(BaseModel):
    """Where a product's figures turn into a claim about it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recent_days: Annotated[int, Field(ge=1)] = 60
    """Days that speak for today: demand, cover, benefit of the objectives."""
    high_margin: Annotated[float, Field(ge=0, le=1)] = 0.4
    """Least margin of a high-margin product, as a share of its price."""
    slow_percentile: Annotated[float, Field(ge=0, le=100)] = 80.0
    """Days of cover above this percentile of the store make a slow mover."""
    unsold_days: Annotated[int, Field(ge=1)] = 30
    """A product this old, in stock and never sold, is a slow mover."""
    new_days: Annotated[int, Field(ge=1)] = 30
    """Products of at most this age are new."""
    first_sale_gap_days: Annotated[int, Field(ge=0)] = 60
    """A first sale stands in for the creation date only this long after the store's first order."""
    season_lead_days: Annotated[int, Field(ge=0)] = 28
    """How far ahead a season is promoted."""
    season_history_days: Annotated[int, Field(ge=1)] = 400
    """History needed before a month index is trusted."""
    season_index: Annotated[float, Field(ge=1)] = 1.2
    """Least month index of a seasonal product: its daily units in that month over its average."""
    repeat_customers: Annotated[int, Field(ge=1)] = 3
    """Fewest customers who came back for a replenished product."""
    repeat_gap_days: tuple[int, int] = (7, 90)
    """Least and greatest median days between two purchases of a replenished product."""
    gift_pattern: str = r"\b(gifts?|presents?)\b"
    """Pattern on lower-case title and tags that tells a gift."""
    subscription_pattern: str = r"\bsubscription\b"
    """Pattern on lower-case tags that tells a product sold on subscription."""


class ObjectivesConfig(BaseModel):
    """What may take part in an objective's bundles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    partner_price_share: Annotated[float, Field(ge=0)] = 0.5
    """increase_aov: least price of a partner, as a share of the anchor's."""
    established_orders: Annotated[int, Field(ge=1)] = 3
    """new_launch, BXGY: fewest orders of an established anchor."""
    gift_price_ratio: Annotated[float, Field(ge=1)] = 4.0
    """gift_box: greatest ratio between two prices of a set."""
    gift_categories: Annotated[int, Field(ge=2)] = 3
    """gift_box: categories that make a set a gift without a gift tag."""


class Engine(StrEnum):
    """Who searches. Both give the same neighbours."""

    FAISS = "faiss"
    NUMPY = "numpy"


class SimilarityConfig(BaseModel):
    """How products of similar text are found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    neighbours: Annotated[int, Field(ge=1)] = 20
    """Most similar products to know of each product."""

    engine: Engine = Engine.FAISS
    """Library that searches; numpy gives equal neighbours, slower."""

    background_pairs: Annotated[int, Field(ge=1)] = 20_000
    """Random pairs that tell what a cosine means in this store; all pairs where it has no more than so many."""

    weak_share: Annotated[float, Field(ge=0, le=1)] = 0.88
    """Share of random pairs below a weak similarity; stands for a cosine of 0.4."""

    fair_share: Annotated[float, Field(ge=0, le=1)] = 0.965
    """Share of random pairs below a fair similarity; stands for a cosine of 0.5."""

    strong_share: Annotated[float, Field(ge=0, le=1)] = 0.997
    """Share of random pairs below a strong similarity; stands for a cosine of 0.7."""


class AffinityConfig(BaseModel):
    """When the store's own pairs are enough to learn from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_pairs: Annotated[int, Field(ge=1)] = 100
    """Fewest co-bought pairs to calibrate on; with fewer the store is cold."""
    smoothing: Annotated[float, Field(gt=0)] = 20.0
    """Pseudo-pairs spread over the bins of a feature."""
    temperature: Annotated[float, Field(ge=1)] = 2.0
    """What log-odds are divided by: text, category and price say partly the same."""


class EaseConfig(BaseModel):
    """How the weights are fitted, and to which products."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    """Off: links and scores rest on counts alone."""
    max_items: Annotated[int, Field(ge=0)] = 4_000
    """Most products to fit, those of the most orders: time grows with the cube."""
    min_orders: Annotated[int, Field(ge=1)] = 10
    """Products of fewer orders are left out."""
    ridge: Annotated[float, Field(gt=0)] = 20.0
    """Penalty on every weight, in orders."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Share of a product's orders that a weight must do without: the penalty that grows with orders."""
    full_basket: Annotated[int, Field(ge=2)] = 20
    """A basket of more products weighs less: this many over its size."""


class TagsConfig(BaseModel):
    """Where tags come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: Annotated[int, Field(ge=1, le=200)] = 50
    """Products of one question."""
    embedded: bool = False
    """Whether likeness of vectors to described labels stands in where no text model answers."""
    sure: Annotated[float, Field(ge=0)] = 2.5
    """Embedded: least likeness to a label, in standard deviations above the store's mean."""
    ahead: Annotated[float, Field(ge=0)] = 0.5
    """Embedded: least lead over the other labels of its kind, in standard deviations; below, no label is given."""


class VolumeConfig(BaseModel):
    """When order quantities are worth a price break."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_orders: Annotated[int, Field(ge=1)] = 5
    """Fewest orders of the product or family."""
    percentiles: tuple[float, float, float] = (60, 80, 95)
    """Percentiles of order quantity where breaks are set, rising."""
    max_quantity: Annotated[int, Field(ge=2)] = 500
    """Greatest break: above it a customer asks for a quotation."""


class ElasticityConfig(BaseModel):
    """What is believed about price before a store's own lines are read, and how they are read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_lines: Annotated[int, Field(ge=2)] = 20
    """Fewer order lines than this say nothing about price: discounts stay linear."""
    prior_mean: Annotated[float, Field(le=0)] = -1.9
    """Elasticity of a store nobody knows: between the −1.2 of grocery promotions and the −2.6 of published ones."""
    prior_sd: Annotated[float, Field(gt=0)] = 0.7
    """Standard deviation of stores around it."""
    category_sd: Annotated[float, Field(gt=0)] = 0.55
    """Standard deviation of categories around their store, where too few tell."""
    sku_sd: Annotated[float, Field(gt=0)] = 0.9
    """Standard deviation of SKUs around their category, where too few tell."""
    spread_weight: Annotated[float, Field(gt=0)] = 20
    """Slopes that `category_sd` and `sku_sd` are worth beside the measured spread."""
    noise_weight: Annotated[float, Field(gt=0)] = 8
    """Observations that the store's residual variance is worth beside a product's own."""
    least_move: Annotated[float, Field(ge=0)] = 0.02
    """Standard deviation of a SKU's log price from which its price is said to move; others say nothing."""
    effect_weight: Annotated[float, Field(ge=0)] = 10
    """Observations that a period of the store is worth beside the same period of one category."""
    sweeps: Annotated[int, Field(ge=1)] = 12
    """Rounds of taking out product and period means in turn."""
    selection_sd: Annotated[float, Field(ge=0)] = 2.0
    """How far the slope over quantity breaks may be from what a break causes: who needs more takes it anyway."""
    occupancy: Annotated[float, Field(gt=0, le=1)] = 0.4
    """A time grain is fine enough when products sell in this share of its periods; else a coarser one is taken."""


@dataclass(frozen=True, slots=True)
class ContextConfig:
    """The settings that a context depends on: a changed one means another context."""

    mining: MiningConfig
    features: FeaturesConfig
    objectives: ObjectivesConfig
    similarity: SimilarityConfig
    affinity: AffinityConfig
    ease: EaseConfig
    volume: VolumeConfig
    elasticity: ElasticityConfig
    seed: int
    rules: RulesConfig
