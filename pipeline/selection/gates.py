"""The gates: what a candidate must be before anybody sees it, judged at the price that is stored."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.counts import Counts
from pipeline.candidates.frame import SIZES, Proposals
from pipeline.columns import Columns
from pipeline.context.store import Shop
from pipeline.numbers import filled
from pipeline.offers.pricing import Prices
from pipeline.selection.config import GatesConfig
from pipeline.terms import GATES, BundleType, Reason, Tier

PASSED = -1
"""Stands where no gate rejected a candidate."""


@dataclass(frozen=True)
class Verdicts(Columns):
    """The first gate that rejected each of `k` candidates. Columns `(k,)`."""

    gate: NDArray[np.int8]
    """Position in `GATES`, `PASSED` for none."""
    figure: NDArray[np.float64]
    """What the gate measured; NaN where none rejected."""

    @property
    def passed(self) -> NDArray[np.bool_]:
        """`(k,)` whether no gate rejected the candidate."""
        return self.gate == PASSED


class Evidence(NamedTuple):
    """All that a gate may look at."""

    kind: BundleType
    found: Proposals
    prices: Prices
    counts: Counts
    shop: Shop
    config: GatesConfig


class Ruling(NamedTuple):
    """What one gate says of all candidates: `(k,)` each."""

    rejects: NDArray[np.bool_]
    figure: NDArray[np.float64]


def _not_sellable(seen: Evidence) -> Ruling:
    present = seen.found.items >= 0
    unsellable = (~seen.shop.is_sellable[np.where(present, seen.found.items, 0)] & present).sum(axis=1)
    return Ruling(unsellable > 0, unsellable.astype(np.float64))


def _margin_too_low(seen: Evidence) -> Ruling:
    margin = filled(seen.prices.margin, 1.0)
    cold = (seen.found.tier == Tier.COLD_START) & (margin <= seen.config.cold_min_margin)
    return Ruling((margin < seen.config.min_margin) | cold, seen.prices.margin)


def _low_support(seen: Evidence) -> Ruling:
    """Rules need three orders, and 1 % of orders or a shrunk lift; adaptive rules need two orders."""
    counts, config, tier = seen.counts, seen.config, seen.found.tier
    weak = (counts.support < config.min_support) & (filled(counts.shrunk_lift, np.inf) < config.min_shrunk_lift)
    rule = (tier == Tier.RULES) & ((counts.count < config.min_count) | weak)
    thin = (tier == Tier.ADAPTIVE_RULES) & (counts.count < config.min_thin_count)
    return Ruling(rule | thin, counts.count.astype(np.float64))


def _invalid_price(seen: Evidence) -> Ruling:
    return Ruling(~seen.prices.is_valid, seen.prices.price.astype(np.float64))


def _incompatible_categories(seen: Evidence) -> Ruling:
    if seen.kind not in (BundleType.FBT, BundleType.FIXED):
        return Ruling(np.zeros(len(seen.found), dtype=bool), np.zeros(len(seen.found)))
    items = seen.found.items[:, : SIZES[seen.kind][1]]
    present = items >= 0
    category = seen.shop.category[np.where(present, items, 0)]
    both = present[:, :, None] & present[:, None, :]
    clashes = (~seen.shop.compatible[category[:, :, None], category[:, None, :]] & both).sum(axis=(1, 2)) // 2
    return Ruling(clashes > 0, clashes.astype(np.float64))


def _excluded(seen: Evidence) -> Ruling:
    rules = seen.shop.rules
    excluded = np.zeros(len(seen.found)) if rules is None else rules.excluded_in(seen.found.items)
    return Ruling(excluded > 0, excluded.astype(np.float64))


def _never_together(seen: Evidence) -> Ruling:
    rules = seen.shop.rules
    clashes = np.zeros(len(seen.found)) if rules is None else rules.clashes_in(seen.found.items)
    return Ruling(clashes > 0, clashes.astype(np.float64))


def _price_limit(seen: Evidence) -> Ruling:
    """A pool keeps the limits as a whole and with whatever is picked from it."""
    rules, price = seen.shop.rules, seen.prices.price
    if rules is None:
        return Ruling(np.zeros(len(price), dtype=bool), price.astype(np.float64))
    lowest = _cheapest_pick(seen)
    return Ruling(
        (lowest < rules.least) | (price > rules.most), np.where(lowest < rules.least, lowest, price).astype(np.float64)
    )


def _cheapest_pick(seen: Evidence) -> NDArray[np.int64]:
    """`(k,)` the least a customer can pay, in minor units: the bundle's price, or that of a pool's cheapest pick."""
    price = seen.prices.price
    if seen.kind is not BundleType.MIX_MATCH:
        return price
    held = seen.found.items >= 0
    unit = seen.shop.unit[np.where(held, seen.found.items, 0)]
    rising = np.sort(np.where(held, unit, np.iinfo(np.int64).max), axis=1)
    picked = np.arange(rising.shape[1])[None, :] < seen.found.pick[:, None]
    share = price / np.maximum(seen.prices.list_price, 1)
    return np.floor(np.where(picked, rising, 0).sum(axis=1) * share).astype(np.int64)


GATE_TABLE: dict[Reason, Callable[[Evidence], Ruling]] = {
    Reason.NOT_SELLABLE: _not_sellable,
    Reason.MARGIN_TOO_LOW: _margin_too_low,
    Reason.LOW_SUPPORT: _low_support,
    Reason.INVALID_PRICE: _invalid_price,
    Reason.INCOMPATIBLE_CATEGORIES: _incompatible_categories,
    Reason.EXCLUDED: _excluded,
    Reason.NEVER_TOGETHER: _never_together,
    Reason.PRICE_LIMIT: _price_limit,
}
"""The gates, in the order they judge. The last three are the store's own rules."""


def judge_candidates(
    kind: BundleType, found: Proposals, prices: Prices, counts: Counts, shop: Shop, config: GatesConfig
) -> Verdicts:
    """Send `k` candidates of one type through the gates; the first that rejects one is its reason."""
    seen = Evidence(kind, found, prices, counts, shop, config)
    gate = np.full(len(found), PASSED, dtype=np.int8)
    figure = np.full(len(found), np.nan)
    for reason, rule in GATE_TABLE.items():
        ruling = rule(seen)
        fresh = ruling.rejects & (gate == PASSED)
        gate[fresh] = GATES.index(reason)
        figure[fresh] = ruling.figure[fresh]
    return Verdicts(gate, figure)
