"""Phase 1 for one combo: propose, price, count, gate and score, tier by tier."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pipeline.candidates.counts import count_candidates
from pipeline.candidates.frame import Proposals
from pipeline.candidates.ladder import SourceReport, climb
from pipeline.config import RunConfig
from pipeline.context.store import StoreContext
from pipeline.offers.pricing import PricingConfig, price_candidates
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


def judge(context: StoreContext, combo: Combo, tier: Tier, found: Proposals, config: RunConfig) -> Judged:
    """Price, count, gate and score the proposals of one tier."""
    found, prices = price_candidates(found, combo, context.shop, context.habits, _pricing(config, tier))
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

    A cold start is tried only where nothing above it passed.

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
    parts: list[Judged] = []
    reports: list[SourceReport] = []
    passed = 0
    for rung in climb(context, combo, plan.tier_start, plan.target_candidates, now):
        if passed >= plan.target_candidates or (rung.tier is Tier.COLD_START and passed):
            break
        reports.extend(rung.reports)
        if len(rung.found):
            parts.append(judge(context, combo, rung.tier, rung.found, config))
            passed += int(parts[-1].verdicts.passed.sum())
    judged = Judged.concat(parts) if parts else None
    result = ComboResult(combo, "found" if passed else "empty", judged, tuple(reports), now() - started)
    return result if passed else replace(result, reason=_why_empty(judged))


def _why_empty(judged: Judged | None) -> str:
    return "every candidate met a gate" if judged else "no source had a set that fits"
