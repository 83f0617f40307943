"""What text models add to a run between its phases: sets beside those of the sources, appeal, advice on prices.

Every function takes what a phase made and gives the same with the answers in it. Without answers it gives back what it
took, so a run without a model is to the byte what it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.frame import bit, set_keys
from pipeline.candidates.ladder import SourceReport
from pipeline.candidates.suggestions import SOURCE, Suggested
from pipeline.combo import ComboResult, judge
from pipeline.config import RunConfig
from pipeline.context.store import StoreContext
from pipeline.offers.asked_advice import Opinion, lifted
from pipeline.plan import Plan
from pipeline.selection.judged import Judged
from pipeline.terms import COMBOS, Tier

Key: TypeAlias = tuple[int, bytes]
"""A candidate: position of its combo in `COMBOS`, and the bytes of its `set_keys`."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What models said of candidates, for their evidence."""

    reasons: Mapping[Key, str] = field(default_factory=dict)
    """Why a model proposed a set; empty where its reason held what it may not."""
    opinions: Mapping[Key, Opinion] = field(default_factory=dict)
    semantic: Mapping[Key, float] = field(default_factory=dict)
    """The semantic signal before appeal moved it."""

    def of(self, judged: Judged, row: int) -> dict[str, Any]:
        """The notes on candidate `row` as evidence holds them; nothing where no model said anything."""
        key = key_of(judged, row)
        noted: dict[str, Any] = {}
        if key in self.reasons:
            noted["proposal"] = {"reason": self.reasons[key]}
        if (opinion := self.opinions.get(key)) is not None:
            noted["opinion"] = {
                "appeal": opinion.appeal,
                "semantic_before": round(self.semantic[key], 6),
                "discount": {"low": opinion.low, "high": opinion.high, "suggested": opinion.discount},
                "reason": opinion.reason,
            }
        return noted


def key_of(judged: Judged, row: int) -> Key:
    """The name of candidate `row` that stays when others come or go."""
    return int(judged.combo[row]), set_keys(judged.found.items[row : row + 1])[0].tobytes()


def with_suggestions(
    context: StoreContext, results: Sequence[ComboResult], suggested: Sequence[Suggested], plan: Plan, config: RunConfig
) -> tuple[list[ComboResult], Notes]:
    """The results of phase 1 with a model's sets in them.

    A set that a source had, too, keeps its tier and gains the source. Others are judged at the tier of similarity, or
    at the plan's start where that is weaker; they come after what the ladder found, so nothing stronger is displaced.

    Args:
        context: The store.
        results: What combos came to, in any order.
        suggested: Checked answers; those for combos without a result (cut, failed) are left out.
        plan: Where the ladder starts.
        config: Settings of pricing, gates and scores.
    """
    by_combo = {one.combo: one for one in suggested}
    merged: list[ComboResult] = []
    reasons: dict[Key, str] = {}
    for result in results:
        one = by_combo.get(result.combo)
        if one is None or result.state == "not_eligible":
            merged.append(result)
            continue
        merged.append(_merged(context, result, one, plan, config))
        place = COMBOS.index(result.combo)
        reasons.update({(place, key): reason for key, reason in one.reasons.items()})
    return merged, Notes(reasons=reasons)


def _merged(
    context: StoreContext, result: ComboResult, suggested: Suggested, plan: Plan, config: RunConfig
) -> ComboResult:
    report = SourceReport(SOURCE, len(suggested.found), 0.0, suggested.error)
    result = replace(result, sources=(*result.sources, report))
    if not len(suggested.found):
        return result
    tier = max(Tier.SIMILARITY, plan.tier_start)
    parts = []
    is_known = np.zeros(len(suggested.found), dtype=bool)
    if result.judged is not None:
        ours, theirs = set_keys(result.judged.found.items), set_keys(suggested.found.items)
        is_known = np.isin(theirs, ours)
        source = np.where(np.isin(ours, theirs), result.judged.found.source | bit(SOURCE), result.judged.found.source)
        parts.append(replace(result.judged, found=replace(result.judged.found, source=source.astype(np.int32))))
    fresh = suggested.found.take(~is_known)
    if len(fresh):
        fresh = replace(fresh, tier=np.full(len(fresh), tier, dtype=np.int8))
        parts.append(judge(context, result.combo, tier, fresh, config))
    judged = Judged.concat(parts)
    found = bool(judged.verdicts.passed.any())
    return replace(
        result, judged=judged, state="found" if found else result.state, reason="" if found else result.reason
    )


def with_advice(
    context: StoreContext, judged: Judged, opinions: Mapping[int, Opinion], config: RunConfig
) -> tuple[Judged, Notes]:
    """Candidates with a model's opinions in price, semantic signal and score; all others as they were.

    Args:
        context: The store.
        judged: All `k` candidates.
        opinions: By position among them.
        config: Settings of pricing, gates, scores and advice.
    """
    if not opinions:
        return judged, Notes()
    rows = np.array(sorted(opinions), dtype=np.intp)
    redone: list[Judged] = []
    order = np.arange(len(judged))
    for code, tier in sorted({(int(judged.combo[row]), int(judged.found.tier[row])) for row in rows}):
        group = rows[(judged.combo[rows] == code) & (judged.found.tier[rows] == tier)]
        order[group] = len(judged) + sum(len(part) for part in redone) + np.arange(len(group))
        redone.append(_advised(context, judged, group, opinions, config))
    keys = {int(row): key_of(judged, int(row)) for row in rows}
    notes = Notes(
        opinions={keys[row]: opinion for row, opinion in opinions.items()},
        semantic={keys[row]: float(judged.scores.semantic[row]) for row in opinions},
    )
    return Judged.concat([judged, *redone]).take(order), notes


def _advised(
    context: StoreContext, judged: Judged, rows: NDArray[np.intp], opinions: Mapping[int, Opinion], config: RunConfig
) -> Judged:
    """Rows of one combo and tier, judged again at their new price and with appeal in their score."""
    combo, tier = COMBOS[judged.combo[rows[0]]], Tier(int(judged.found.tier[rows[0]]))
    suggested = np.array([opinions[int(row)].discount for row in rows])
    appeal = np.array([opinions[int(row)].appeal for row in rows])
    again = judge(context, combo, tier, judged.found.take(rows), config, suggested)
    scores = again.scores
    semantic = lifted(scores.semantic, appeal, config.advice.appeal_weight)
    score = np.round(scores.alpha * semantic + scores.beta * scores.transactional + scores.gamma * scores.business, 9)
    return replace(again, scores=replace(scores, semantic=semantic, score=score))
