"""The eight objectives: how much the store needs each, and which products each is about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.context.association import wilson
from pipeline.context.config import ObjectivesConfig
from pipeline.context.features import UNKNOWN, Features, rank01
from pipeline.context.history import History
from pipeline.ingest.snapshot import Catalog
from pipeline.terms import OBJECTIVES, BundleType, Objective

Mask = NDArray[np.bool_]


class Need(NamedTuple):
    """How much a store needs an objective; all in [0, 1]."""

    benefit: float
    confidence: float

    @property
    def priority(self) -> float:
        """`benefit × confidence`."""
        return self.benefit * self.confidence


@dataclass(frozen=True, slots=True)
class Lens:
    """Which of the `n` SKUs an objective is about, and how much it wants each."""

    objective: Objective
    anchor: Mask
    """Who may lead a bundle."""
    partner: Mask
    """Who must stand beside the anchor at least once."""
    other: Mask
    """Who may fill the rest."""
    alone: Mask
    """Who may be sold by quantity."""
    weight: NDArray[np.float64]
    """`(n,)` how much the objective wants a SKU, in [0, 1]."""

    def serves(self, kind: BundleType, is_sellable: Mask) -> bool:
        """Whether products that may be sold take part in the objective's bundles of that type."""
        if kind is BundleType.VOLUME:
            return bool((self.alone & is_sellable).any())
        return bool((self.anchor & is_sellable).any() and (self.partner & is_sellable).any())

    def eligible(self, is_sellable: Mask) -> int:
        """Sellable SKUs the objective is about; none where nobody may lead, or nobody may stand beside."""
        about = (self.anchor | self.partner) & is_sellable
        return int(about.sum()) if self.serves(BundleType.FBT, is_sellable) else 0


@dataclass(frozen=True, slots=True)
class Judge:
    """What the relations between members need to know. Columns `(n,)`."""

    price: NDArray[np.float64]
    category: NDArray[np.int32]
    is_gift: Mask
    config: ObjectivesConfig

    def relates(self, objective: Objective, anchor: NDArray[np.integer], partner: NDArray[np.integer]) -> Mask:
        """Which links `(anchor, partner)` fit the objective."""
        relation = RELATIONS.get(objective)
        return relation(self, anchor, partner) if relation else np.ones(len(anchor), dtype=bool)

    def admits(self, lens: Lens, items: NDArray[np.int32]) -> Mask:
        """Which sets fit the objective as a whole.

        Args:
            lens: The objective's products.
            items: `(k, width)` sets in role order, −1 padded, at least two members.
        """
        present = items >= 0
        safe = np.where(present, items, 0)
        fits = lens.anchor[items[:, 0]] & (lens.partner[safe] & present)[:, 1:].any(axis=1)
        fits &= (lens.other[safe] | ~present)[:, 1:].all(axis=1)
        anchor = np.broadcast_to(items[:, :1], items.shape)
        related = self.relates(lens.objective, anchor.ravel(), safe.ravel()).reshape(items.shape)
        fits &= (related | ~present)[:, 1:].all(axis=1)
        return fits & self._is_gift_set(safe, present) if lens.objective is Objective.GIFT_BOX else fits

    def _is_gift_set(self, safe: NDArray[np.int32], present: Mask) -> Mask:
        price = np.where(present, self.price[safe], np.nan)
        banded = np.nanmax(price, axis=1) <= self.config.gift_price_ratio * np.nanmin(price, axis=1)
        category = np.sort(np.where(present, self.category[safe], np.iinfo(np.int32).max), axis=1)
        known = category != np.iinfo(np.int32).max
        distinct = known[:, 0] + ((np.diff(category, axis=1) != 0) & known[:, 1:]).sum(axis=1)
        gifts = (self.is_gift[safe] | ~present).all(axis=1)
        return np.asarray(banded & (gifts | (distinct >= self.config.gift_categories)))


Relation = Callable[[Judge, NDArray[np.integer], NDArray[np.integer]], Mask]


def _dear_enough(judge: Judge, anchor: NDArray[np.integer], partner: NDArray[np.integer]) -> Mask:
    return np.asarray(judge.price[partner] >= judge.config.partner_price_share * judge.price[anchor])


def _same_category(judge: Judge, anchor: NDArray[np.integer], partner: NDArray[np.integer]) -> Mask:
    return np.asarray(judge.category[anchor] == judge.category[partner])


def _price_band(judge: Judge, anchor: NDArray[np.integer], partner: NDArray[np.integer]) -> Mask:
    one, two, ratio = judge.price[anchor], judge.price[partner], judge.config.gift_price_ratio
    return np.asarray((one <= ratio * two) & (two <= ratio * one))


RELATIONS: dict[Objective, Relation] = {
    Objective.INCREASE_AOV: _dear_enough,
    Objective.CATEGORY_BUNDLE: _same_category,
    Objective.GIFT_BOX: _price_band,
}
"""What must hold between an anchor and each of its partners; no row: nothing."""


def lens_of(objective: Objective, features: Features, config: ObjectivesConfig) -> Lens:
    """The products of one objective, by the table of the specification."""
    everyone: Mask = np.ones(len(features.orders), dtype=bool)
    nobody: Mask = ~everyone
    established = ~features.is_new & (features.orders >= config.established_orders)
    season, replenished = features.is_seasonal, features.is_replenished
    half = np.full(len(everyone), 0.5)
    season_weight = np.clip(np.nan_to_num(features.month_index, nan=1.5) / 2, 0, 1) * season
    rows: dict[Objective, tuple[Mask, Mask, Mask, Mask, NDArray[np.float64]]] = {
        Objective.MARGIN_GUARD: (
            features.is_high_margin, everyone, everyone, features.is_high_margin, features.margin_rank,
        ),
        Objective.CLEAR_SLOW_MOVERS: (
            ~features.is_slow, features.is_slow, everyone, features.is_slow, features.cover_rank,
        ),
        Objective.INCREASE_AOV: (everyone, everyone, everyone, everyone, features.price_rank),
        Objective.NEW_LAUNCH: (established, features.is_new, everyone, nobody, features.is_new.astype(np.float64)),
        Objective.SEASONAL_PROMO: (season, season, season, season, season_weight),
        Objective.CATEGORY_BUNDLE: (everyone, everyone, everyone, everyone, half),
        Objective.GIFT_BOX: (
            everyone, everyone, everyone, features.is_gift, 0.5 + 0.5 * features.is_gift.astype(np.float64),
        ),
        Objective.SUBSCRIPTION_PUSH: (
            replenished, replenished, replenished, replenished, _habit(features),
        ),
    }  # fmt: skip
    return Lens(objective, *rows[objective])


def _habit(features: Features) -> NDArray[np.float64]:
    """Rank by customers who came back; half for a product that only its tag marks."""
    repeats = np.where(features.repeat_customers > 0, features.repeat_customers, np.nan)
    return rank01(repeats, missing=0.5) * features.is_replenished


def _share(mask: Mask, among: Mask) -> float:
    return float((mask & among).sum() / max(int(among.sum()), 1))


def _width(mask: Mask, among: Mask) -> float:
    low, high = wilson(int((mask & among).sum()), int(among.sum()))
    return float(high - low)


def _entropy(codes: NDArray[np.int32]) -> float:
    """Shannon entropy of the categories over its maximum, in [0, 1]."""
    counts = np.bincount(codes) if len(codes) else np.zeros(1)
    shares = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(shares * np.log(shares)).sum() / np.log(len(shares))) if len(shares) > 1 else 0.0


def _age_excess(features: Features, among: Mask) -> float:
    """How much older slow movers are than the store's products, in standard deviations, where ages are known."""
    known = among & (features.age_days != UNKNOWN)
    slow = known & features.is_slow
    spread = float(np.std(features.age_days[known])) if known.any() else 0.0
    if not slow.any() or spread == 0:
        return 0.0
    return max(0.0, float((features.age_days[slow].mean() - features.age_days[known].mean()) / spread))


def needs_of(catalog: Catalog, features: Features, history: History, recent_days: int) -> dict[Objective, Need]:
    """Benefit and confidence of each objective, from sellable SKUs and the orders of the last `recent_days`."""
    sellable = catalog.is_sellable
    total = int(sellable.sum())
    sizes = history.sizes[history.day >= history.as_of - recent_days]
    orders = len(sizes)
    margin = features.margin[sellable & ~np.isnan(features.margin)]
    spread = float(np.subtract(*np.percentile(margin, [75, 25]))) if len(margin) else 0.0
    categories = catalog.category[sellable]
    items = (3 - float(sizes.mean())) / 3 + float(sizes.std()) / 2 if orders else 0.0
    raw = {
        Objective.MARGIN_GUARD: (
            spread / 0.3 + _share(features.is_high_margin, sellable), 1 - _width(features.is_high_margin, sellable),
        ),
        Objective.CLEAR_SLOW_MOVERS: (
            _share(features.is_slow, sellable) + _age_excess(features, sellable),
            1 - _width(features.is_slow, sellable),
        ),
        Objective.INCREASE_AOV: (items, min(1.0, orders / 100)),
        Objective.NEW_LAUNCH: (5 * _share(features.is_new, sellable), 1 - _width(features.is_new, sellable)),
        Objective.SEASONAL_PROMO: (0.4 + 0.3 * _share(features.is_seasonal, sellable), min(0.8, orders / 50)),
        Objective.CATEGORY_BUNDLE: (0.5 * _entropy(categories), min(1.0, len(np.unique(categories)) / 5)),
        Objective.GIFT_BOX: (0.3 + 0.3 * _share(features.is_gift, sellable), min(0.7, total / 20)),
        Objective.SUBSCRIPTION_PUSH: (0.2 + 0.3 * _share(features.is_replenished, sellable), 0.5),
    }  # fmt: skip
    return {name: Need(*(float(np.clip(value, 0, 1)) for value in pair)) for name, pair in raw.items()}


def by_priority(needs: dict[Objective, Need]) -> tuple[Objective, ...]:
    """Objectives by priority, greatest first; equal ones in listing order."""
    return tuple(sorted(OBJECTIVES, key=lambda name: (-needs[name].priority, OBJECTIVES.index(name))))
