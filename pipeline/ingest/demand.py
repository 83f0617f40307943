"""Which order lines were demand at some moment, and what their orders are."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import MixedCurrencyError
from pipeline.ingest.lines import DEMAND, NO_DEMAND, Lines, status_name
from pipeline.ingest.snapshot import NEVER
from pipeline.ingest.table import first_filled
from pipeline.ingest.values import NO_TIME


@dataclass(frozen=True, slots=True, repr=False)
class Demand:
    """Lines that were demand, and by order (code of the order id) what is known of it."""

    lines: Lines
    minute: NDArray[np.int64]
    """`(orders,)` when it was placed, earliest of its lines."""
    cancelled_day: NDArray[np.int32]
    """`(orders,)` local day it was cancelled, after the day it was placed; `NEVER` for none."""
    notes: tuple[str, ...]


def find_demand(lines: Lines) -> Demand:
    """Keep the lines that were paid for and not taken back on the day they were ordered.

    Paid is a status that says so, or none. An order that was cancelled on a later day was demand until then and is
    kept, with that day, if it was ever paid: whoever looks back from before that day could not know. Refund notes,
    voided, unpaid and same-day cancelled orders are counted and left out.
    """
    group, groups = lines.order.codes, len(lines.order.values)
    minute = np.full(groups, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(minute, group, lines.minute)
    cancelled = np.full(groups, np.iinfo(np.int64).max, dtype=np.int64)
    has_date = lines.cancelled != NO_TIME
    np.minimum.at(cancelled, group[has_date], lines.cancelled[has_date])
    is_cancelled = cancelled != np.iinfo(np.int64).max
    cancelled_day = np.where(is_cancelled, cancelled // 1440, NEVER)
    was_paid = np.zeros(groups, dtype=bool)
    np.logical_or.at(was_paid, group, lines.is_paid)
    status = lines.line_status
    says_paid = np.array([status_name(value) in DEMAND for value in lines.status.distinct()], dtype=bool)[status]
    later = is_cancelled & (cancelled_day > minute // 1440)
    is_demand = np.where(is_cancelled[group], later[group] & (says_paid | was_paid[group]), says_paid) & (
        lines.quantity > 0
    )
    notes = _explain(lines, status, is_demand, is_cancelled)
    return Demand(lines.take(is_demand), minute, cancelled_day.astype(np.int32), notes)


def _explain(
    lines: Lines, status: NDArray[np.int32], is_demand: NDArray[np.bool_], is_cancelled: NDArray[np.bool_]
) -> tuple[str, ...]:
    """How many orders are no demand, by status; a status that nobody knows is not quoted."""
    group = lines.order.codes
    alive = np.zeros(len(lines.order.values), dtype=bool)
    alive[group[is_demand]] = True
    dropped, first = np.unique(group[~alive[group]], return_index=True)
    if not len(dropped):
        return ()
    at = np.flatnonzero(~alive[group])[first]
    names = [status_name(value) for value in lines.status.distinct()]
    causes: Counter[str] = Counter()
    for code, order in zip(status[at].tolist(), dropped.tolist(), strict=True):
        name = names[code]
        cause = name if name in NO_DEMAND else "cancelled" if is_cancelled[order] else "of an unknown status"
        causes[cause.replace("_", " ")] += 1
    listed = ", ".join(f"{count:,} {cause}" for cause, count in sorted(causes.items()))
    return (f"orders that are no demand: {len(dropped):,} ({listed})",)


def settle_currency(demand: Demand, setting: str | None) -> tuple[Demand, str | None]:
    """The orders' one currency; None where no order names one.

    Args:
        demand: The demand.
        setting: The store's currency, if the settings name it: lines in another one are left out and counted.

    Raises:
        MixedCurrencyError: Several currencies, and no setting.
    """
    lines = demand.lines
    of_order = first_filled(lines.currency, lines.order.codes, len(lines.order.values))
    codes = np.where(lines.currency.filled, lines.currency.codes, of_order[lines.order.codes])
    names = lines.currency.distinct()
    found = tuple(names[code] for code in np.unique(codes[codes > 0]).tolist())
    if setting is None:
        if len(found) > 1:
            raise MixedCurrencyError(found)
        return demand, found[0] if found else None
    foreign = np.array([bool(name) and name != setting for name in names], dtype=bool)[codes]
    if not foreign.any():
        return demand, setting
    orders = len(np.unique(lines.order.codes[foreign]))
    notes = (*demand.notes, f"orders left out for another currency than {setting}: {orders:,}")
    return Demand(lines.take(~foreign), demand.minute, demand.cancelled_day, notes), setting
