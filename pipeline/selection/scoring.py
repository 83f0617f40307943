"""The score: what a bundle means, what orders prove, what it earns, weighted by how much data there is."""

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.counts import Counts
from pipeline.candidates.frame import SIZES, Proposals
from pipeline.columns import Columns
from pipeline.context.association import SHARES, strength, surety_of_sets
from pipeline.context.objectives import Lens
from pipeline.context.store import StoreContext
from pipeline.offers.pricing import Prices
from pipeline.selection.config import ScoringConfig
from pipeline.terms import BundleType


@cache
def _pair_places(width: int) -> NDArray[np.intp]:
    """`(pairs, 2)` places of the pairs within `width` products."""
    return np.array(list(combinations(range(width), 2)))


@dataclass(frozen=True)
class Scores(Columns):
    """Signals, weights and score of `k` candidates, each in [0, 1]. Columns `(k,)`."""

    semantic: NDArray[np.float64]
    transactional: NDArray[np.float64]
    business: NDArray[np.float64]
    alpha: NDArray[np.float64]
    beta: NDArray[np.float64]
    gamma: NDArray[np.float64]
    category_orders: NDArray[np.int32]
    """Orders of the recent days with the anchor's category."""
    score: NDArray[np.float64]
    similarity: NDArray[np.float64]
    """Mean cosine of the members' pairs; NaN without vectors or with one member."""


STEPS = ((300, (0.6, 0.2, 0.2)), (1200, (0.4, 0.4, 0.2)), (np.inf, (0.2, 0.6, 0.2)))
"""Weights below each number of orders."""


def signal_weights(
    category_orders: NDArray[np.integer], config: ScoringConfig
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """α, β, γ for anchors whose category has `category_orders` recent orders; they sum to 1.

    `curve`: α = 0.6 / (1 + exp(0.01 (x − 300))), γ = 0.2, β = 0.8 − α.
    """
    x = category_orders.astype(np.float64)
    if config.weights == "fixed":
        return tuple(np.full(len(x), value) for value in config.fixed_weights)  # type: ignore[return-value]
    if config.weights == "steps":
        row = np.searchsorted([limit for limit, _ in STEPS], x, side="right")
        table = np.array([weights for _, weights in STEPS])
        return table[row, 0], table[row, 1], table[row, 2]
    exponent = np.minimum(config.alpha_slope * (x - config.alpha_middle), 500.0)
    alpha = np.round(config.alpha_max / (1 + np.exp(exponent)), 9)
    gamma = np.full(len(x), config.gamma)
    return alpha, np.round(1 - config.gamma - alpha, 9), gamma


@dataclass(frozen=True, slots=True)
class _MemberPairs:
    """Every pair of members of `k` candidates: `(k, pairs)` each."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    exists: NDArray[np.bool_]

    def mean_and_least(self, values: NDArray[np.float64], alone: float) -> tuple[NDArray[np.float64], ...]:
        """Mean and minimum over each candidate's pairs; `alone` where it has one member."""
        held = self.exists.sum(axis=1)
        filled = np.where(self.exists, values, 0.0).sum(axis=1) / np.maximum(held, 1)
        least = np.where(self.exists, values, np.inf).min(axis=1, initial=np.inf)
        return np.where(held > 0, filled, alone), np.where(held > 0, least, alone)


def _member_pairs(items: NDArray[np.int32], kind: BundleType) -> _MemberPairs:
    one, two = _pair_places(SIZES[kind][1]).T
    first, second = items[:, one], items[:, two]
    exists = (first >= 0) & (second >= 0)
    return _MemberPairs(np.where(exists, first, 0), np.where(exists, second, 0), exists)


def _over_pairs(pairs: _MemberPairs, values: NDArray[np.float64]) -> NDArray[np.float64]:
    table = np.zeros(pairs.exists.shape)
    table[pairs.exists] = values
    return table


def _pair_proof(context: StoreContext, a: NDArray[np.int32], b: NDArray[np.int32]) -> NDArray[np.float64]:
    """The stronger bond of two products; 0 where no pair was mined."""
    found = context.mined.pairs.find(a, b)
    either = np.append(context.bonds.either, 0.0)
    return np.asarray(either[found])


def _transactional(context: StoreContext, kind: BundleType, pairs: _MemberPairs, counts: Counts) -> NDArray[np.float64]:
    """Sets as sets: joint count against expectation, the mean pair and the weakest."""
    support = counts.support / (counts.support + 0.02)
    if kind is BundleType.VOLUME:
        return 0.5 * counts.confidence_low + 0.5 * support
    proof = _over_pairs(pairs, _pair_proof(context, pairs.first[pairs.exists], pairs.second[pairs.exists]))
    mean, least = pairs.mean_and_least(proof, 0.0)
    if kind is BundleType.MIX_MATCH:
        return 0.3 * support + 0.5 * mean + 0.2 * least
    surety = surety_of_sets(counts.count, counts.expected)
    joint = strength(counts.shrunk_lift, counts.confidence_low, counts.support, surety, np.zeros(len(surety)))
    joint = np.where(counts.count > 0, joint / (1 - SHARES["ease"]), 0.0)
    return np.where(pairs.exists.sum(axis=1) > 1, 0.5 * joint + 0.3 * mean + 0.2 * least, 0.5 * joint + 0.5 * mean)


def expected_share(context: StoreContext) -> NDArray[np.float64]:
    """`(n,)` share of orders that hold each product, shrunk by ten orders to the mean of its category."""
    category, orders = context.shop.category, context.mined.item_orders.astype(np.float64)
    sold = np.bincount(category, weights=orders)
    usual = sold / np.maximum(np.bincount(category), 1) / max(context.orders, 1)
    return np.asarray((orders + 10 * usual[category]) / (context.orders + 10))


def _expected_copurchase(
    context: StoreContext, pairs: _MemberPairs, demand_share: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much every existing pair is expected to be bought together, and its cosine.

    From what the two products are and how often each sells. Candidates share most of their pairs, so each is worked
    out once.
    """
    products, affinity = context.history.products, context.affinity
    keys = pairs.first[pairs.exists].astype(np.int64) * products + pairs.second[pairs.exists]
    distinct, place = np.unique(keys, return_inverse=True)
    a, b = np.divmod(distinct, products) if len(distinct) else (distinct, distinct)
    cosine = affinity.traits.cosine(a, b)
    share = expected_share(context)
    demand = np.sqrt(share[a] * share[b])
    reached = demand / (demand + HALF_DEMAND)
    expected = (1 - demand_share) * affinity.score(a, b, cosine) + demand_share * reached
    return np.asarray(expected)[place], cosine[place]


HALF_DEMAND = 0.02
"""Share of orders, as the geometric mean of two products, at which demand reaches half."""

ALONE = 0.5
"""Semantic signal of a single product: neither here nor there."""


def _business(
    context: StoreContext, kind: BundleType, lens: Lens, found: Proposals, prices: Prices, counts: Counts,
    config: ScoringConfig,
) -> NDArray[np.float64]:  # fmt: skip
    """Margin after discount, stock against expected sales, and how much the objective wants the products."""
    present = found.items >= 0
    safe = np.where(present, found.items, 0)
    margin = np.where(np.isnan(prices.margin), 0.5, np.clip(prices.margin / config.full_margin, 0, 1))
    stock = np.where(present & (context.shop.stock[safe] > 0), context.shop.stock[safe], np.inf)
    needed = expected_units(context, found, counts)
    enough = np.clip(stock / np.maximum(needed, 1.0), 0, 1).min(axis=1)
    wanted = present.copy()
    if kind is BundleType.BXGY:
        wanted[:, 0] = False
    fit = (lens.weight[safe] * wanted).sum(axis=1) / np.maximum(wanted.sum(axis=1), 1)
    return np.asarray(0.4 * margin + 0.2 * enough + 0.4 * fit)


def expected_units(context: StoreContext, found: Proposals, counts: Counts) -> NDArray[np.float64]:
    """`(k, WIDTH)` units of each member sold with the bundle in 30 days, if as many buy it as did.

    Anchor orders a day × confidence × 30 × quantity; anchor orders × confidence is the count.
    """
    history = context.history
    days = max(history.as_of - int(history.day[0]), 1) if len(history) else 1
    return np.asarray(counts.count[:, None] / days * 30.0 * found.quantity)


def score_candidates(
    context: StoreContext, kind: BundleType, lens: Lens, found: Proposals, prices: Prices, counts: Counts,
    config: ScoringConfig,
) -> Scores:  # fmt: skip
    """Score `k` candidates of one combo."""
    pairs = _member_pairs(found.items, kind)
    expected, alike = _expected_copurchase(context, pairs, config.demand_share)
    mean, least = pairs.mean_and_least(_over_pairs(pairs, expected), ALONE)
    cosine, _ = pairs.mean_and_least(_over_pairs(pairs, alike), np.nan)
    semantic = np.round(0.5 * mean + 0.5 * least, 9)
    proof = np.asarray(np.round(np.clip(_transactional(context, kind, pairs, counts), 0, 1), 9), dtype=np.float64)
    business = np.round(_business(context, kind, lens, found, prices, counts, config), 9)
    category_orders = context.features.category_orders[context.shop.category[found.items[:, 0]]]
    alpha, beta, gamma = signal_weights(category_orders, config)
    return Scores(
        semantic=semantic,
        transactional=proof,
        business=business,
        alpha=alpha,
        beta=beta,
        gamma=gamma,
        category_orders=category_orders,
        score=np.round(alpha * semantic + beta * proof + gamma * business, 9),
        similarity=np.round(cosine, 6),
    )
