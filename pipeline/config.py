"""The settings a run's result depends on: each phase's own config under its name."""

import hashlib

from pydantic import BaseModel, ConfigDict

from pipeline.candidates.suggestions import ProposalsConfig
from pipeline.context.affinity import AffinityConfig
from pipeline.context.ease import EaseConfig
from pipeline.context.elasticity import ElasticityConfig
from pipeline.context.features import FeaturesConfig
from pipeline.context.mining import MiningConfig
from pipeline.context.objectives import ObjectivesConfig
from pipeline.context.quantities import VolumeConfig
from pipeline.context.rules import RulesConfig
from pipeline.context.similarity import SimilarityConfig
from pipeline.context.store import ContextConfig
from pipeline.context.tags import TagsConfig
from pipeline.offers.asked_advice import AdviceConfig
from pipeline.offers.pricing import PricingConfig
from pipeline.offers.words import WordsConfig
from pipeline.plan import PlanConfig
from pipeline.selection.dedup import DedupConfig
from pipeline.selection.diversity import DiversityConfig
from pipeline.selection.gates import GatesConfig
from pipeline.selection.portfolio import PortfolioConfig
from pipeline.selection.scoring import ScoringConfig


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
