"""How far a price may move, what a text model may say about it, and how long words may be."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class PricingConfig(BaseModel):
    """How far a price may move."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prior_discount: Annotated[float, Field(ge=0, le=0.5)] = 0.20
    """Median discount observed on bundles, as a share of the price."""
    prior_quartiles: tuple[float, float] = (0.10, 0.30)
    """Quartiles of the discounts observed on bundles."""
    prior_lines: Annotated[float, Field(gt=0)] = 200
    """Order lines that the prior is worth beside the store's own."""
    discount_range: tuple[float, float] = (0.05, 0.30)
    """Bounds of the store's usual discount; the lower one, scaled as type and objective, is the least of any bundle."""
    max_discount: Annotated[float, Field(ge=0, le=0.5)] = 0.5
    """Greatest discount on any product."""
    margin_floor: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """Least margin after discount, as a share of the price."""
    unknown_cost_discount: Annotated[float, Field(ge=0, le=0.5)] = 0.10
    """Greatest discount of a set of which no cost is known."""
    profit_quantile: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Quantile of expected profit that a discount maximises: below one half is cautious."""
    grid_step: Annotated[float, Field(gt=0, le=0.1)] = 0.01
    """Step of the grid of discounts, from 0 to `max_discount`."""
    offer_step: Annotated[float, Field(gt=0, le=0.25)] = 0.05
    """Discounts are offered in steps of so much, one at least: a customer sees 5 % or 10 %, and hardly 3.7 %."""
    advice_weight: Annotated[float, Field(ge=0, le=0.5)] = 0.4
    """Weight of a text model's suggestion, clamped to the 80 % interval, beside the store's own optimum."""
    transfer_sd: Annotated[float, Field(gt=0)] = 0.10
    """How far a bundle's best discount may lie from what its products' own elasticities say."""


class AdviceConfig(BaseModel):
    """What a text model is asked about candidates near selection, and how far it is listened to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidates: Annotated[int, Field(ge=0, le=500)] = 60
    """Candidates that a model judges; 0 asks about none."""
    batch: Annotated[int, Field(ge=1, le=100)] = 60
    """Most candidates of one question."""
    appeal_weight: Annotated[float, Field(ge=0, le=0.5)] = 0.2
    """Share of the way to the end of its range that the greatest or least appeal moves the semantic signal."""


class WordsConfig(BaseModel):
    """How long words may be, and how a text model speaks; templates are English, in a tone of their own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name_length: Annotated[int, Field(ge=30, le=60)] = 60
    """Most characters of a name."""
    tagline_length: Annotated[int, Field(ge=60, le=90)] = 90
    """Most characters of a tagline."""
    description_length: Annotated[int, Field(ge=280, le=300)] = 300
    """Most characters of a description."""
    title_length: Annotated[int, Field(ge=20, le=60)] = 48
    """Most characters of a product title inside a sentence."""
    tone: Literal["friendly", "plain", "playful", "refined"] = "friendly"
    """Tone of a text model's words."""
    language: Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] = "en"
    """Language of a text model's words, such as `en` or `de-AT`."""
