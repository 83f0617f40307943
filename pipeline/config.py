"""The settings a run's result depends on: each phase's own config under its name."""

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.candidates.config import ProposalsConfig
from pipeline.context.config import (
    AffinityConfig,
    ContextConfig,
    EaseConfig,
    ElasticityConfig,
    FeaturesConfig,
    MiningConfig,
    ObjectivesConfig,
    SimilarityConfig,
    TagsConfig,
    VolumeConfig,
)
from pipeline.context.rules_config import RulesConfig
from pipeline.offers.config import AdviceConfig, PricingConfig, WordsConfig
from pipeline.selection.config import DedupConfig, DiversityConfig, GatesConfig, PortfolioConfig, ScoringConfig


class PlanConfig(BaseModel):
    """How much a run takes on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["full", "budget"] = "full"
    """`full` runs every combo until the deadline, `budget` only what the time is sure to allow."""
    deadline_ms: Annotated[int, Field(ge=1)] = 12_000
    """Time of phase 1 and of the search for a portfolio; it cuts between combos and between generations only."""
    budget_factor: Annotated[float, Field(ge=1)] = 1.5
    """budget mode: head-room over the expected cost of a combo."""
    budget_objectives: tuple[int, int] = (2, 6)
    """budget mode: fewest and most objectives by priority."""
    ema_alpha: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Weight of the newest run in the moving average of a combo's cost."""
    default_cost_ms: Annotated[float, Field(gt=0)] = 50.0
    """Cost of a combo in a store that never ran."""
    min_candidates: Annotated[int, Field(ge=1)] = 12
    """Fewest candidates a combo wants."""
    cold_orders: Annotated[int, Field(ge=0)] = 10
    """Stores of fewer orders start cold."""
    thin_orders: Annotated[int, Field(ge=0)] = 100
    """Stores of fewer orders start at adaptive rules."""


class RunConfig(BaseModel):
    """Everything that may change a bundle, phase by phase."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    """Seeds every random draw."""
    mining: MiningConfig = MiningConfig()
    features: FeaturesConfig = FeaturesConfig()
    objectives: ObjectivesConfig = ObjectivesConfig()
    similarity: SimilarityConfig = SimilarityConfig()
    affinity: AffinityConfig = AffinityConfig()
    ease: EaseConfig = EaseConfig(enabled=False)  # it costs time, and lists were no better for it
    tags: TagsConfig = TagsConfig()
    volume: VolumeConfig = VolumeConfig()
    elasticity: ElasticityConfig = ElasticityConfig()
    plan: PlanConfig = PlanConfig()
    pricing: PricingConfig = PricingConfig()
    proposals: ProposalsConfig = ProposalsConfig()
    advice: AdviceConfig = AdviceConfig()
    gates: GatesConfig = GatesConfig()
    scoring: ScoringConfig = ScoringConfig()
    dedup: DedupConfig = DedupConfig()
    portfolio: PortfolioConfig = PortfolioConfig()
    diversity: DiversityConfig = DiversityConfig()
    words: WordsConfig = WordsConfig()
    rules: RulesConfig = RulesConfig()

    @property
    def context(self) -> ContextConfig:
        """The part that a store's context depends on."""
        return ContextConfig(
            self.mining, self.features, self.objectives, self.similarity, self.affinity, self.ease, self.volume,
            self.elasticity, self.seed, self.rules,
        )  # fmt: skip

    def sha256(self) -> str:
        """Hash of all settings that may change a bundle, as evidence names it.

        Two ways to find the same neighbours are no difference.
        """
        return hashlib.sha256(self.model_dump_json(exclude={"similarity": {"engine"}}).encode()).hexdigest()
