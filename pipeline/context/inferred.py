"""Where tags stand in for facts: only where no fact is known, at half weight, and marked so."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.context.config import FeaturesConfig
from pipeline.context.features import UNKNOWN, Features
from pipeline.context.objectives import Lens, Need
from pipeline.context.seasons import coming_seasons
from pipeline.context.tags import NO_SEASON, Tags
from pipeline.ingest.snapshot import Catalog, to_date
from pipeline.terms import Objective

KNOWN_ORDERS = 20
"""Orders from which a product that nobody came back for is known not to be replenished."""


@dataclass(frozen=True, slots=True)
class Inferred:
    """What tags said of the `n` SKUs where facts said nothing. Columns `(n,)`."""

    high_margin: NDArray[np.bool_]
    slow: NDArray[np.bool_]
    new: NDArray[np.bool_]
    gift: NDArray[np.bool_]
    seasonal: NDArray[np.bool_]
    replenished: NDArray[np.bool_]

    def of(self, objective: Objective) -> NDArray[np.bool_] | None:
        """SKUs that take part in an objective by inference; None where its products are no matter of tags."""
        name = TAG_OF.get(objective)
        return None if name is None else getattr(self, name)


TAG_OF = {
    Objective.MARGIN_GUARD: "high_margin",
    Objective.CLEAR_SLOW_MOVERS: "slow",
    Objective.NEW_LAUNCH: "new",
    Objective.GIFT_BOX: "gift",
    Objective.SEASONAL_PROMO: "seasonal",
    Objective.SUBSCRIPTION_PUSH: "replenished",
}


def infer(features: Features, tags: Tags, as_of: int, config: FeaturesConfig) -> tuple[Features, Inferred]:
    """Features with tags where a fact is missing, and which those are.

    No cost: premium stands for a high margin. No sale and no date: slow and new. No word, tag or month index of a
    season: the season, where it sells soon. No word of a gift: the gift. Fewer than `KNOWN_ORDERS` orders and nobody
    who came back: replenishable.
    """
    is_unseen = (features.orders == 0) & (features.age_days == UNKNOWN)
    coming = np.isin(tags.season, coming_seasons(to_date(as_of), config.season_lead_days)) & (tags.season != NO_SEASON)
    inferred = Inferred(
        high_margin=tags.premium & np.isnan(features.margin),
        slow=tags.slow & ~tags.new & is_unseen,
        new=tags.new & is_unseen,
        gift=tags.gift & ~features.is_gift,
        seasonal=coming & ~features.is_seasonal & np.isnan(features.month_index),
        replenished=tags.replenishable & ~features.is_replenished & (features.orders < KNOWN_ORDERS),
    )
    tagged = replace(
        features,
        season=np.where(inferred.seasonal, tags.season, features.season).astype(np.int8),
        is_high_margin=features.is_high_margin | inferred.high_margin,
        is_slow=features.is_slow | inferred.slow,
        is_new=features.is_new | inferred.new,
        is_gift=features.is_gift | inferred.gift,
        is_seasonal=features.is_seasonal | inferred.seasonal,
        is_replenished=features.is_replenished | inferred.replenished,
    )
    return tagged, inferred


def halved(lens: Lens, by_facts: Lens, inferred: Inferred) -> Lens:
    """A lens whose inferred products weigh half of what the tag would give them, beside what facts do."""
    mask = inferred.of(lens.objective)
    if mask is None or not mask.any():
        return lens
    full = np.maximum(lens.weight, 1.0 if lens.objective in FULL else 0.0)
    return replace(lens, weight=np.where(mask, np.round((full + by_facts.weight) / 2, 9), lens.weight))


FULL = (Objective.MARGIN_GUARD, Objective.CLEAR_SLOW_MOVERS)
"""Objectives that weigh by rank: a product whose rank is unknown would weigh as the tag never said anything."""


def mean_needs(tagged: Mapping[Objective, Need], by_facts: Mapping[Objective, Need]) -> dict[Objective, Need]:
    """Needs where what is inferred counts half."""
    return {
        name: Need((need.benefit + by_facts[name].benefit) / 2, (need.confidence + by_facts[name].confidence) / 2)
        for name, need in tagged.items()
    }


def inferred_of(inferred: Inferred | None, catalog: Catalog, items: NDArray[np.integer]) -> list[dict[str, str]]:
    """What was inferred of some SKUs, as evidence says it; nothing where all is fact."""
    if inferred is None:
        return []
    return [
        {"sku": str(catalog.sku[int(item)].as_py()), "tag": name, "basis": "inferred"}
        for item in items
        for name in TAG_OF.values()
        if getattr(inferred, name)[item]
    ]
