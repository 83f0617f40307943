"""A whole run in one process: the phases, composed. The shell runs the same functions on a cluster."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.suggestions import Suggested, proposal_prompts, read_proposals
from pipeline.combo import ComboResult, evaluate_combo
from pipeline.config import RunConfig
from pipeline.context.store import StoreContext, prepare
from pipeline.context.tags import Tags, read_tags, tag_prompts, tag_texts, tags_of
from pipeline.context.zero_shot import likely_tags
from pipeline.ingest.snapshot import Catalog, Snapshot
from pipeline.models import Notes, with_advice, with_suggestions
from pipeline.offers.asked_advice import advice_prompts, read_advice
from pipeline.offers.bundle import Bundle
from pipeline.offers.finish import Finisher
from pipeline.plan import Plan, make_plan
from pipeline.ports import TextGenerator
from pipeline.prompts import ask
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
    may_continue: Callable[[], bool] = lambda: True, *, suggested: Sequence[Suggested] = (),
    texts: TextGenerator | None = None, deadline: float = 0.0,
) -> Outcome:  # fmt: skip
    """Phases 2 and 3: choose among what the combos found, and finish the bundles.

    `results` may come in any order: they are put into the plan's, so that nothing hangs on who was first.

    Args:
        context: The store.
        catalog: Its products.
        plan: What was taken on.
        results: What the combos came to.
        config: Settings.
        may_continue: Asked before each further generation of the search for a portfolio.
        suggested: Sets that a text model proposed, as `read_proposals` gives them.
        texts: Advises on candidates near selection and writes words; None for neither.
        deadline: Unix seconds after which no answer of `texts` is waited for.
    """
    place = {combo: at for at, combo in enumerate(plan.admitted)}
    ordered, proposed = with_suggestions(
        context, sorted(results, key=lambda result: place[result.combo]), suggested, plan, config
    )
    parts = [result.judged for result in ordered if result.judged is not None]
    if not parts:
        return Outcome(plan, tuple(ordered), None, None, ())
    judged, advised = _advised(context, catalog, Judged.concat(parts), config, texts, deadline)
    selection = place_pins(context, judged, select(context, judged, plan, config, may_continue), plan, config)
    finisher = Finisher(context, catalog, judged, selection, config, VERSION, (proposed, advised))
    return Outcome(plan, tuple(ordered), judged, selection, tuple(finisher.finish(texts, deadline)))


def _advised(
    context: StoreContext, catalog: Catalog, judged: Judged, config: RunConfig, texts: TextGenerator | None,
    deadline: float,
) -> tuple[Judged, Notes]:  # fmt: skip
    """The candidates with a text model's opinions on those near selection."""
    if texts is None:
        return judged, Notes()
    asked = advice_prompts(context, catalog, judged, config.portfolio.demand, config.advice)
    answers = ask(texts, [one.prompt for one in asked], deadline)
    return with_advice(context, judged, read_advice(asked, answers), config)


def ask_for_tags(
    catalog: Catalog, texts: TextGenerator | None, config: RunConfig, deadline: float = 0.0
) -> Tags | None:
    """Tags of all products by a text model; None without one, or without a single answer."""
    if texts is None:
        return None
    told_texts = tag_texts(catalog)
    asked = tag_prompts(told_texts, config.tags)
    answers = ask(texts, [one.prompt for one in asked], deadline)
    return tags_of(told_texts, read_tags(asked, answers))


def ask_for_sets(
    context: StoreContext, catalog: Catalog, plan: Plan, texts: TextGenerator | None, config: RunConfig,
    deadline: float = 0.0,
) -> list[Suggested]:  # fmt: skip
    """Sets that a text model proposes for the combos with most to gain; none without one."""
    if texts is None:
        return []
    asked = proposal_prompts(context, catalog, plan, config.proposals)
    answers = ask(texts, [one.prompt for one in asked], deadline)
    return read_proposals(context, asked, answers, config.proposals)


def generate(
    snapshot: Snapshot, vectors: NDArray[np.float32], config: RunConfig, *, as_of: int | None = None,
    now: Callable[[], float] = lambda: 0.0, texts: TextGenerator | None = None,
) -> Outcome:  # fmt: skip
    """Run all phases for a snapshot, without a deadline.

    Args:
        snapshot: The store.
        vectors: `(n, d)` vectors of `zero_shot.texts_to_embed`: its products' and, with `tags.embedded`, the labels';
            `(n, 0)` for none.
        config: Settings.
        as_of: Day after the last one that may be known; the snapshot's own by default.
        now: A clock in seconds, for the record only.
        texts: A text model that tags, proposes, advises and writes; None for none of it.
    """
    catalog, day = snapshot.catalog, snapshot.default_as_of if as_of is None else as_of
    vectors, likely = likely_tags(vectors, len(catalog), config.tags)
    context = prepare(snapshot, vectors, day, config.context, ask_for_tags(catalog, texts, config) or likely)
    plan = plan_for(context, config)
    suggested = ask_for_sets(context, catalog, plan, texts, config)
    results = [evaluate_combo(context, combo, plan, config, now) for combo in plan.admitted]
    return conclude(context, catalog, plan, results, config, suggested=suggested, texts=texts)
