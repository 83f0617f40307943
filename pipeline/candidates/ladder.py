"""The ladder: stronger evidence first, weaker tiers only until a combo has enough."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.cold_start import propose_cold_start
from pipeline.candidates.frame import WIDTH, Proposals, nothing, set_keys
from pipeline.candidates.narrowed import without_forbidden
from pipeline.candidates.sources import PROPOSERS, Proposer, fits_type
from pipeline.context.store import StoreContext
from pipeline.terms import Combo, Tier

OVERSAMPLE = 4
"""Candidates asked of a source for each one wanted, since gates reject some."""


class SourceReport(NamedTuple):
    """What one source did for one combo."""

    name: str
    candidates: int
    seconds: float
    error: str | None


class Rung(NamedTuple):
    """What one tier proposed, without sets that a stronger tier had."""

    tier: Tier
    found: Proposals
    reports: tuple[SourceReport, ...]


COLD = Proposer("cold_start", Tier.COLD_START, propose_cold_start)


def climb(
    context: StoreContext, combo: Combo, start: Tier, wanted: int, now: Callable[[], float],
    seen: NDArray[np.void] | None = None,
) -> Iterator[Rung]:  # fmt: skip
    """Propose tier by tier; the caller stops when it has enough.

    Where the store has rules of its own, each tier is asked a second time, without what they forbid.

    Args:
        context: The store.
        combo: What the sets are for.
        start: The first tier.
        wanted: Candidates the combo wants in all.
        now: A clock in seconds, for the reports only.
        seen: Keys of sets that are not wanted again, as `set_keys` gives them.
    """
    if seen is None:
        seen = np.zeros(0, dtype=np.dtype((np.void, 4 * WIDTH)))
    for tier in Tier:
        rows = [row for row in (*PROPOSERS, COLD) if _asked_at(row, start) == tier]
        for asked in _askings(context) if rows else ():
            parts, reports = zip(*(_ask(row, asked, combo, OVERSAMPLE * wanted, now) for row in rows), strict=True)
            found = Proposals.concat([part for part in parts if len(part)] or [nothing()])
            # A cold start may offer a pool of three, where its category has no fourth product.
            if len(found) and tier is not Tier.COLD_START:
                found = found.take(fits_type(found.items, combo.type))
            if len(found):
                found, seen = _unseen(replace(found, tier=np.full(len(found), tier, dtype=np.int8)), seen)
            yield Rung(tier, found, reports)


def _askings(context: StoreContext) -> Iterator[StoreContext]:
    """The context as it is, then without what the store's rules forbid."""
    yield context
    if context.shop.rules is not None and context.shop.rules.forbids:
        yield without_forbidden(context)


def _asked_at(row: Proposer, start: Tier) -> Tier | None:
    """The tier at which a source is asked: its own, or the start where that is weaker.

    In a store of few orders the sources of rules are asked too, and what they find counts as adaptive rules.
    A cold start asks nobody else.
    """
    if start is Tier.COLD_START:
        return row.tier if row is COLD else None
    return max(row.tier, start)


def _ask(
    row: Proposer, context: StoreContext, combo: Combo, wanted: int, now: Callable[[], float]
) -> tuple[Proposals, SourceReport]:
    """Ask one source; a source that fails proposes nothing and says why."""
    started = now()
    try:
        found = row.propose(context, combo, wanted)
    except Exception as error:  # any failure of one source must not cost the run
        return nothing(), SourceReport(row.name, 0, now() - started, f"{type(error).__name__}: {error}")
    return found, SourceReport(row.name, len(found), now() - started, None)


def _unseen(found: Proposals, seen: NDArray[np.void]) -> tuple[Proposals, NDArray[np.void]]:
    """Drop sets seen before; a set that two sources of a tier propose keeps both their bits."""
    keys = set_keys(found.items)
    distinct, first, place = np.unique(keys, return_index=True, return_inverse=True)
    bits = np.zeros(len(distinct), dtype=np.int32)
    np.bitwise_or.at(bits, place, found.source)
    fresh = ~np.isin(distinct, seen)
    order = np.sort(first[fresh])
    merged = np.zeros(len(found), dtype=np.int32)
    merged[first] = bits
    kept = found.take(order)
    joined = Proposals(kept.items, kept.quantity, kept.pick, kept.breaks, kept.tier, merged[order])
    return joined, np.concatenate([seen, distinct[fresh]])
