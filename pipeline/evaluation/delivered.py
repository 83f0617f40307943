"""What a run would deliver: its list of bundles as arrays, without prices on paper or words."""

from collections.abc import Sequence

import numpy as np

from pipeline.candidates.suggestions import Suggested
from pipeline.combo import evaluate_combo
from pipeline.config import RunConfig
from pipeline.context.store import StoreContext
from pipeline.evaluation.ranked import Ranked
from pipeline.generate import plan_for
from pipeline.models import with_suggestions
from pipeline.selection.judged import Judged
from pipeline.selection.select import select
from pipeline.terms import COMBOS, BundleType

SET_TYPES = (BundleType.FBT, BundleType.FIXED)


def deliver(
    context: StoreContext, config: RunConfig, combos: int | None = None, suggested: Sequence[Suggested] = ()
) -> Ranked:
    """The bundles of a run on `context`, in rank order.

    Args:
        context: A store as it was known on the day of the cut.
        config: Settings of the run, or of an arm of it.
        combos: Combos after which phase 1 is cut, as a deadline would; None: all that the plan admits.
        suggested: Sets that a text model proposed.
    """
    plan = plan_for(context, config)
    results = [evaluate_combo(context, combo, plan, config, lambda: 0.0) for combo in plan.admitted[:combos]]
    results, _ = with_suggestions(context, results, suggested, plan, config)
    parts = [result.judged for result in results if result.judged is not None]
    if not parts:
        return Ranked.of([])
    judged = Judged.concat(parts)
    chosen = select(context, judged, plan, config).chosen
    is_set = np.array([combo.type in SET_TYPES for combo in COMBOS])
    return Ranked(judged.found.items[chosen], is_set[judged.combo[chosen]], judged.found.source[chosen])


def arm_config(config: RunConfig, weights: tuple[float, float, float]) -> RunConfig:
    """The same run with fixed weights of all that a bundle is worth to the list.

    How many orders a bundle reaches is proof as well, so it goes with β, as demand does in a run without arms: of β,
    `portfolio.demand` is reach and the rest the transactional signal. An arm of meaning alone does not look at orders.
    """
    alpha, beta, gamma = weights
    reach = beta * config.portfolio.demand
    signals = 1 - reach
    fixed = (alpha / signals, (beta - reach) / signals, gamma / signals) if signals > 0 else weights
    return config.model_copy(
        update={
            "scoring": config.scoring.model_copy(update={"weights": "fixed", "fixed_weights": fixed}),
            "portfolio": config.portfolio.model_copy(update={"demand": reach}),
        }
    )
