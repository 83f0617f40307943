"""Where the gates stand, how candidates are scored, and what makes a list of them."""

import math
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class GatesConfig(BaseModel):
    """Where the gates stand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_margin: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """Least margin after discount, where any cost is known."""
    cold_min_margin: Annotated[float, Field(ge=0, lt=1)] = 0.20
    """Margin after discount that a cold start must exceed."""
    min_count: Annotated[int, Field(ge=1)] = 3
    """Fewest orders behind a candidate that rests on rules."""
    min_thin_count: Annotated[int, Field(ge=1)] = 2
    """Fewest orders behind one that rests on adaptive rules."""
    min_support: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Share of orders from which a rule needs no lift."""
    min_shrunk_lift: Annotated[float, Field(ge=0)] = 1.2
    """Shrunk lift a rule below that share needs."""


class ScoringConfig(BaseModel):
    """How the three signals are weighed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Literal["curve", "steps", "fixed"] = "curve"
    """`curve` follows the anchor category's orders smoothly, `steps` in three steps, `fixed` uses `fixed_weights`."""
    fixed_weights: tuple[float, float, float] = (0.4, 0.4, 0.2)
    """α, β, γ for `fixed`; they sum to 1."""
    alpha_max: Annotated[float, Field(ge=0, le=1)] = 0.6
    """What α tends to as orders become few."""
    alpha_slope: Annotated[float, Field(gt=0)] = 0.01
    """How fast α falls with orders."""
    alpha_middle: Annotated[float, Field(ge=0)] = 300
    """Orders at which α has fallen to half."""
    gamma: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Weight of the business signal; β is what α and γ leave."""
    demand_share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the semantic signal that is how often the two products are bought at all: expected co-purchase is
    affinity times demand. Products of few orders are expected to sell as their category does."""
    full_margin: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Margin after discount that earns the full business signal."""

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        if abs(sum(self.fixed_weights) - 1) > 1e-9 or min(self.fixed_weights) < 0:
            raise ValueError(f"scoring.fixed_weights must be at least 0 and sum to 1, found {self.fixed_weights}")
        if self.alpha_max + self.gamma > 1:
            raise ValueError(
                f"scoring.alpha_max and scoring.gamma must sum to at most 1, found {self.alpha_max} and {self.gamma}"
            )
        return self


class DedupConfig(BaseModel):
    """When two sets are the same to a customer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jaccard: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Least Jaccard similarity of duplicates within a type."""
    need: Annotated[float, Field(ge=0)] = 0.1
    """What an objective's priority adds to the score when two objectives propose the same set."""


class PortfolioConfig(BaseModel):
    """How many bundles, and what none of them may do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: Annotated[int, Field(ge=1)] = 20
    """Most bundles of a run."""
    method: Literal["nsga2", "greedy"] = "nsga2"
    """`greedy` takes what a search starts from; small stores do so anyway."""
    min_lines: Annotated[int, Field(ge=0)] = 20
    """Stores of fewer order lines choose greedily."""
    preference: tuple[float, float, float, float, float, float] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    """What each aim counts when a list is taken from the front: revenue, margin, inventory, cross-selling,
    cannibalisation, coverage."""
    proof_kept: Annotated[float, Field(ge=0, le=1)] = 0.99
    """A list is taken only if it keeps this share of the greedy list's cross-selling and variety: what orders prove is
    not traded for the other aims."""
    reduced_iterations: bool = True
    """Off: 100 lists through 50 generations."""
    repeat_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """A SKU is in at most this share of the bundles, and in two at least."""
    demand: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Weight of how many orders a bundle reaches lately, beside its score, in what it is worth to the list."""

    pool_size: Annotated[int, Field(ge=1)] = 600
    """About how many candidates lists are chosen from: the others can't win a place."""
    objective_share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Greatest share of the bundles that serve one objective."""

    @property
    def per_objective(self) -> int:
        """Most bundles that may serve one objective."""
        return max(1, math.ceil(round(self.objective_share * self.limit, 9)))

    @property
    def per_sku(self) -> int:
        """Most bundles that may hold one SKU."""
        return max(2, math.ceil(round(self.repeat_share * self.limit, 9)))


class DiversityConfig(BaseModel):
    """How the final list trades score against variety."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    relevance: Annotated[float, Field(ge=0, le=1)] = 0.7
    """λ: 1 ranks by score alone, 0 by variety alone."""
