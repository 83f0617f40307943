"""Phase 1 for one combo: propose, price, count, gate and score, tier by tier."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.counts import count_candidates
from pipeline.candidates.frame import Proposals, set_keys
from pipeline.candidates.ladder import Rung, SourceReport, climb
from pipeline.candidates.narrowed import around
from pipeline.config import RunConfig
from pipeline.context.store import StoreContext
from pipeline.offers.config import PricingConfig
from pipeline.offers.pricing import price_candidates
from pipeline.plan import ComboState, Plan
from pipeline.selection.gates import judge_candidates
from pipeline.selection.judged import Judged
from pipeline.selection.scoring import score_candidates
from pipeline.terms import COMBOS, Combo, Tier


@dataclass(frozen=True, slots=True)
class ComboResult:
    """What one combo came to."""

    combo: Combo
    state: ComboState
    judged: Judged | None
    """All its candidates; None where nothing was proposed."""
    sources: tuple[SourceReport, ...] = ()
    seconds: float = 0.0
    reason: str = ""
    worker: str = ""
    """Process that did the work, as `host:pid`; empty inline."""

    @property
    def passed(self) -> int:
        """Candidates that no gate rejected."""
        return int(self.judged.verdicts.passed.sum()) if self.judged else 0


def _pricing(config: RunConfig, tier: Tier) -> PricingConfig:
    """A cold start keeps the higher margin that its gate asks for."""
    if tier is not Tier.COLD_START:
        return config.pricing
    return config.pricing.model_copy(update={"margin_floor": config.gates.cold_min_margin})


def judge(
    context: StoreContext, combo: Combo, tier: Tier, found: Proposals, config: RunConfig,
    suggested: NDArray[np.float64] | None = None,
) -> Judged:  # fmt: skip
    """Price, count, gate and score the proposals of one tier; `suggested`: a text model's discounts, NaN for none."""
    found, prices = price_candidates(found, combo, context.shop, context.habits, _pricing(config, tier), suggested)
    counts = count_candidates(context, combo.type, found)
    lens = context.lenses[combo.objective]
    return Judged(
        combo=np.full(len(found), COMBOS.index(combo), dtype=np.int16),
        found=found,
        prices=prices,
        counts=counts,
        verdicts=judge_candidates(combo.type, found, prices, counts, context.shop, config.gates),
        scores=score_candidates(context, combo.type, lens, found, prices, counts, config.scoring),
    )


def evaluate_combo(
    context: StoreContext, combo: Combo, plan: Plan, config: RunConfig, now: Callable[[], float]
) -> ComboResult:
    """Find a combo's candidates: climb the ladder until enough of them pass the gates.

    A cold start is tried only where nothing above it passed. Where the store pins products, sources are asked for sets
    around those that no candidate holds yet.

    Args:
        context: The store.
        combo: An admitted combo.
        plan: Where the ladder starts and how many candidates are wanted.
        config: Settings of pricing, gates and scores.
        now: A clock in seconds, for the record only.
    """
    started = now()
    if not context.lenses[combo.objective].serves(combo.type, context.shop.is_sellable):
        return ComboResult(combo, "not_eligible", None, reason="no product takes part in this objective")
    search = _Search(context, combo, plan, config)
    for rung in climb(context, combo, plan.tier_start, plan.target_candidates, now):
        if rung.tier is Tier.COLD_START and search.passed:
            break
        search.take(rung)
        if search.passed >= plan.target_candidates:
            break
    search.look_for_pins(now)
    judged = Judged.concat(search.parts) if search.parts else None
    result = ComboResult(combo, "found" if search.passed else "empty", judged, tuple(search.reports), now() - started)
    return result if search.passed else replace(result, reason=_why_empty(judged))


PIN_ROUNDS = 2
"""How often sources are asked for pinned products: what a round finds may hold only some of them."""


class _Search:
    """The candidates of one combo as they are found."""

    def __init__(self, context: StoreContext, combo: Combo, plan: Plan, config: RunConfig) -> None:
        self._context, self._combo, self._plan, self._config = context, combo, plan, config
        self.parts: list[Judged] = []
        self.reports: list[SourceReport] = []
        self.passed = 0

    def take(self, rung: Rung) -> None:
        """Judge what a rung of the ladder proposes."""
        self.reports.extend(rung.reports)
        if len(rung.found):
            self.parts.append(judge(self._context, self._combo, rung.tier, rung.found, self._config))
            self.passed += int(self.parts[-1].verdicts.passed.sum())

    def look_for_pins(self, now: Callable[[], float]) -> None:
        """Climb again around the pinned products that no candidate which passed holds."""
        for _ in range(PIN_ROUNDS):
            missing = self._missing()
            if not missing.any() or self._plan.tier_start is Tier.COLD_START:
                return
            seen = [set_keys(part.found.items) for part in self.parts]
            for rung in climb(
                around(self._context, missing, self._combo.type), self._combo, self._plan.tier_start,
                self._plan.target_candidates, now, np.concatenate(seen) if seen else None,
            ):  # fmt: skip
                if rung.tier is Tier.COLD_START:
                    break
                self.take(rung)
                if not self._missing().any():
                    return

    def _missing(self) -> NDArray[np.bool_]:
        """`(n,)` sellable pinned products that no candidate holds which passed."""
        shop = self._context.shop
        if shop.rules is None:
            return np.zeros(len(shop.price), dtype=bool)
        missing = shop.rules.pinned & shop.is_sellable
        for part in self.parts:
            held = part.found.items[part.verdicts.passed]
            missing[held[held >= 0]] = False
        return missing


def _why_empty(judged: Judged | None) -> str:
    return "every candidate met a gate" if judged else "no source had a set that fits"
