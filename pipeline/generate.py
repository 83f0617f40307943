"""A whole run in one process: the phases, composed. The shell runs the same functions on a cluster."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.combo import ComboResult, evaluate_combo
from pipeline.config import RunConfig
from pipeline.context.store import StoreContext, prepare
from pipeline.ingest.snapshot import Catalog, Snapshot
from pipeline.offers.bundle import Bundle
from pipeline.offers.finish import Finisher
from pipeline.plan import Plan, make_plan
from pipeline.selection.judged import Judged
from pipeline.selection.portfolio import generations_for
from pipeline.selection.rules import place_pins
from pipeline.selection.select import Selection, select

VERSION = "0.1.0"
"""Version of the code that made a bundle, as evidence names it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    plan: Plan
    combos: tuple[ComboResult, ...]
    """Admitted combos in plan order; those after a cut are absent."""
    judged: Judged | None
    """All candidates, in plan order; None where nothing was proposed."""
    selection: Selection | None
    bundles: tuple[Bundle, ...]


def plan_for(
    context: StoreContext, config: RunConfig, past_costs_ms: Sequence[float] = (), limit: int | None = None
) -> Plan:
    """The plan of a run on `context`."""
    return make_plan(
        store=context.store,
        snapshot=context.snapshot_sha256,
        as_of=context.history.as_of,
        orders=context.orders,
        needs=context.needs,
        limit=limit or config.portfolio.limit,
        seed=config.seed,
        past_costs_ms=list(past_costs_ms),
        config=config.plan,
        generations=generations_for(len(context.history.item), config.portfolio),
        rules=config.rules.sha256(),
    )


def conclude(
    context: StoreContext, catalog: Catalog, plan: Plan, results: Sequence[ComboResult], config: RunConfig,
    may_continue: Callable[[], bool] = lambda: True,
) -> Outcome:  # fmt: skip
    """Phases 2 and 3: choose among what the combos found, and finish the bundles.

    `results` may come in any order: they are put into the plan's, so that nothing hangs on who was first.
    `may_continue` is asked before each further generation of the search for a portfolio.
    """
    place = {combo: at for at, combo in enumerate(plan.admitted)}
    ordered = tuple(sorted(results, key=lambda result: place[result.combo]))
    parts = [result.judged for result in ordered if result.judged is not None]
    if not parts:
        return Outcome(plan, ordered, None, None, ())
    judged = Judged.concat(parts)
    selection = place_pins(context, judged, select(context, judged, plan, config, may_continue), plan, config)
    bundles = Finisher(context, catalog, judged, selection, config, VERSION).finish()
    return Outcome(plan, ordered, judged, selection, tuple(bundles))


def generate(
    snapshot: Snapshot, vectors: NDArray[np.float32], config: RunConfig, *, as_of: int | None = None,
    now: Callable[[], float] = lambda: 0.0,
) -> Outcome:  # fmt: skip
    """Run all phases for a snapshot, without a deadline.

    Args:
        snapshot: The store.
        vectors: `(n, d)` vectors of its products; `(n, 0)` for none.
        config: Settings.
        as_of: Day after the last one that may be known; the snapshot's own by default.
        now: A clock in seconds, for the record only.
    """
    context = prepare(snapshot, vectors, snapshot.default_as_of if as_of is None else as_of, config.context)
    plan = plan_for(context, config)
    results = [evaluate_combo(context, combo, plan, config, now) for combo in plan.admitted]
    return conclude(context, snapshot.catalog, plan, results, config)
