"""What an evaluation measures, and how surely."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pipeline.evaluation.baselines import ControlConfig

Length = Annotated[int, Field(ge=1)]


class EvaluationConfig(BaseModel):
    """What is measured, and how surely."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ks: Annotated[tuple[Length, ...], Field(min_length=1)] = (5, 10, 20)
    """List lengths of HitRate; the longest bounds how many FBT and FIXED bundles of an arm are judged."""
    ndcg_k: Length = 10
    """List length of NDCG."""
    window_days: Length = 365
    """Days before the cut whose orders the baselines mine."""
    resamples: Annotated[int, Field(ge=100)] = 2_000
    """Resamples of the paired bootstrap."""
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Probability that an interval covers."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the resamples, joined with the store's name."""
    control: ControlConfig = ControlConfig()
    """The rules-only control."""
