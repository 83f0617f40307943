"""Phase 2: from all judged candidates to the ordered list, each other one with its reason."""

from collections.abc import Callable
from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.frame import incidence
from pipeline.config import RunConfig
from pipeline.context.store import StoreContext
from pipeline.money import digits
from pipeline.numbers import filled
from pipeline.plan import Plan
from pipeline.selection.decoder import Aim
from pipeline.selection.dedup import KEPT, duplicates_of
from pipeline.selection.diversity import Likeness, diversify, likeness_of
from pipeline.selection.judged import Judged
from pipeline.selection.nsga import Front, find_portfolio, list_of
from pipeline.selection.portfolio import Choice, Shortlist, greedy_list, prepare_choice
from pipeline.selection.reach import reach
from pipeline.selection.scoring import expected_units
from pipeline.terms import COMBOS, GATES, OBJECTIVES, TYPES, Reason


@dataclass(frozen=True, slots=True)
class Selection:
    """Which candidates became bundles, and why the others did not."""

    chosen: NDArray[np.intp]
    """Positions of the bundles, in rank order."""
    reason: NDArray[np.int8]
    """`(k,)` position in `Reason` of what stopped each candidate; −1 for bundles."""
    owner: NDArray[np.intp]
    """`(k,)` for duplicates the candidate that was kept instead; −1 otherwise."""
    front: NDArray[np.bool_]
    """`(k,)` on the exact front of score against margin, among candidates that passed the gates."""
    search: Front | None = None
    """What the search for a portfolio found; None where the choice was greedy."""


def objective_codes() -> NDArray[np.int8]:
    """`(40,)` code of each combo's objective."""
    return np.array([OBJECTIVES.index(combo.objective) for combo in COMBOS], dtype=np.int8)


def type_codes() -> NDArray[np.int8]:
    """`(40,)` code of each combo's type."""
    return np.array([TYPES.index(combo.type) for combo in COMBOS], dtype=np.int8)


REASONS = tuple(Reason)


def select(
    context: StoreContext, judged: Judged, plan: Plan, config: RunConfig,
    may_continue: Callable[[], bool] = lambda: True,
) -> Selection:  # fmt: skip
    """Dedup, choose under the constraints, order by marginal relevance.

    Args:
        context: The store.
        judged: All `k` candidates of the run, in plan order.
        plan: Admitted objectives and the size of the list.
        config: Settings of dedup, portfolio and diversity.
        may_continue: Asked before each further generation of the search.
    """
    reason = np.full(len(judged), -1, dtype=np.int8)
    owner = np.full(len(judged), KEPT, dtype=np.intp)
    gated = ~judged.verdicts.passed
    reason[gated] = judged.verdicts.gate[gated]
    passed = np.flatnonzero(~gated)
    kind = type_codes()[judged.combo]
    products = context.history.products
    items = judged.found.items
    claim = judged.scores.score + config.dedup.need * _need(context)[judged.combo]
    double = duplicates_of(items[passed], kind[passed], claim[passed], products, config.dedup)
    owner[passed] = np.where(double == KEPT, KEPT, passed[np.maximum(double, 0)])
    reason[passed[double != KEPT]] = REASONS.index(Reason.DUPLICATE)
    unique = passed[double == KEPT]
    chosen, search = _choose(context, judged.take(unique), plan, config, may_continue)
    reason[unique] = REASONS.index(Reason.NOT_SELECTED)
    reason[unique[chosen]] = -1
    return Selection(unique[chosen], reason, owner, _front(judged, passed), search)


def _need(context: StoreContext) -> NDArray[np.float64]:
    """`(40,)` priority of each combo's objective."""
    return np.array([context.needs[combo.objective].priority for combo in COMBOS])


def _choose(
    context: StoreContext, judged: Judged, plan: Plan, config: RunConfig, may_continue: Callable[[], bool]
) -> tuple[NDArray[np.intp], Front | None]:
    """Positions of the bundles among candidates that passed and are nobody's duplicate, in rank order."""
    choice = choice_of(context, judged, plan, config)
    search = None
    if plan.generations and len(choice.pool) >= 2 * plan.limit:
        search = find_portfolio(choice, config.portfolio, plan, may_continue)
    taken = np.sort(list_of(search) if search else greedy_list(choice))
    return taken[in_order(context, judged.take(taken), config)], search


def in_order(context: StoreContext, chosen: Judged, config: RunConfig) -> NDArray[np.intp]:
    """Positions of the chosen by marginal relevance of what each is worth: its score, and the orders it reaches."""
    demand = config.portfolio.demand
    reached = _values(context, chosen)[:, Aim.CROSS_SELL]
    worth = np.round((1 - demand) * chosen.scores.score + demand * reached, 9)
    return diversify(worth, _likeness(context, chosen), config.diversity)


def choice_of(context: StoreContext, judged: Judged, plan: Plan, config: RunConfig) -> Choice:
    """What lists are chosen from, given the candidates that passed and are nobody's duplicate."""
    stock = np.where(context.shop.stock > 0, context.shop.stock, np.inf)
    objective, kind = objective_codes()[judged.combo], type_codes()[judged.combo]
    shortlist = Shortlist(
        score=judged.scores.score,
        values=_values(context, judged),
        items=judged.found.items,
        units=expected_units(context, judged.found, judged.counts),
        objective=objective,
        kind=kind,
        stock=stock,
        likeness=_likeness(context, judged),
    )
    needed = np.array([OBJECTIVES.index(name) for name in plan.objectives])
    portfolio = config.portfolio.model_copy(update={"limit": plan.limit})
    return prepare_choice(shortlist, needed, portfolio, config.diversity)


def _likeness(context: StoreContext, judged: Judged) -> Likeness:
    items = judged.found.items
    return likeness_of(items, context.affinity.traits.vectors, incidence(items, context.history.products))


def _values(context: StoreContext, judged: Judged) -> NDArray[np.float64]:
    """`(k, 4)` what each candidate adds to revenue, margin, inventory and cross-selling, by fixed maps to [0, 1].

    Revenue: its expected share of the store's revenue, `x / (x + 1 %)`. Margin: margin after discount over 0.6, one
    half where unknown. Inventory: mean rank of its products by days of cover. Cross-selling: orders it reaches
    lately.
    """
    history, items = context.history, judged.found.items
    paid = float((history.quantity * history.unit_price).sum())
    price = judged.prices.price / 10.0 ** digits(context.shop.currency)
    share = judged.counts.count * price / max(paid, 1e-9)
    present = items >= 0
    cover = np.where(present, context.features.cover_rank[np.where(present, items, 0)], 0.0).sum(axis=1)
    return np.round(
        np.column_stack([
            share / (share + 0.01),
            np.clip(filled(judged.prices.margin, 0.3) / 0.6, 0, 1),
            cover / np.maximum(present.sum(axis=1), 1),
            reach(judged),
        ]),
        9,
    )  # fmt: skip


def _front(judged: Judged, passed: NDArray[np.intp]) -> NDArray[np.bool_]:
    """The exact front of score and margin, both maximised; candidates of unknown margin stand aside."""
    front = np.zeros(len(judged), dtype=bool)
    known = passed[~np.isnan(judged.prices.margin[passed])]
    if len(known):
        points = np.column_stack([judged.scores.score[known], judged.prices.margin[known]])
        front[known] = moocore.is_nondominated(points, maximise=True)
    return front


def gate_counts(judged: Judged | None) -> dict[str, int]:
    """How many candidates each gate rejected, and how many passed, as the record names them."""
    gates = judged.verdicts.gate if judged else np.zeros(0, dtype=np.int8)
    counted = {f"rejected_{gate}": int((gates == place).sum()) for place, gate in enumerate(GATES)}
    return {"total_candidates": len(gates), **counted, "passed": int((gates < 0).sum())}
