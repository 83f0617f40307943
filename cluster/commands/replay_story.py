"""What a replay came to, in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cluster.commands.story import REASONS, measured
from cluster.database.values import Run
from pipeline.differences import Change, Differences
from pipeline.generate import VERSION, Outcome
from pipeline.ingest.snapshot import Catalog
from pipeline.record import rejected
from pipeline.terms import Combo, Reason

LISTED = 10
"""Most bundles of a kind that are told one by one."""

BundleObject = Mapping[str, Any]


def same_story(
    run: Run, before: Sequence[BundleObject], after: Sequence[BundleObject], compared: Differences, sha256: str
) -> list[str]:
    """Whether a run gave the same again, and if not, what is different."""
    if compared.is_empty and len(before) == len(after):
        bundles = f"the same {len(after)} bundles" if after else "again no bundle"
        return [f"Run {run.run_id} of {run.store} gives {bundles}, byte for byte (sha256 {sha256[:16]}…)."]
    lines = [f"Run {run.run_id} of {run.store} gives other bytes than were stored: {_counted(compared)}."]
    if run.code_version != VERSION:
        lines.append(f"It was made by version {run.code_version}; this is {VERSION}.")
    lines += [f"{row.path} is {row.after}, was {row.before}." for row in compared.stamps]
    lines += [f"lost: {_named(bundle)}" for bundle in compared.lost[:LISTED]]
    lines += [f"gained: {_named(bundle)}" for bundle in compared.gained[:LISTED]]
    lines += list(_moved(compared))
    for bundle, rows in compared.changed[:LISTED]:
        values = "; ".join(f"{row.path} is {row.after!r}, was {row.before!r}" for row in rows[:3])
        more = f" and {len(rows) - 3} more values" if len(rows) > 3 else ""
        lines.append(f"changed: {_named(bundle)}: {values}{more}")
    return lines


def changed_story(
    run: Run, before: Sequence[BundleObject], after: Sequence[BundleObject], compared: Differences,
    set_to: Sequence[Change], lost: Mapping[str, tuple[Reason, float | None]], gained: Mapping[str, Reason],
) -> list[str]:  # fmt: skip
    """What other settings would change."""
    if not set_to:
        return [f"These are the settings that run {run.run_id} of {run.store} was made with: nothing would change."]
    settings = "; ".join(f"{row.path} = {_value(row.after)} instead of {_value(row.before)}" for row in set_to)
    lines = [f"Run {run.run_id} of {run.store} with {settings}:"]
    kept = len(before) - len(compared.lost)
    if kept == len(before) == len(after) and not (compared.repriced or compared.reranked or compared.changed):
        return [*lines, f"the same {len(after)} bundles, at the same prices and ranks."]
    lines.append(
        f"{len(after)} bundles instead of {len(before)}: {kept} are kept, {len(compared.lost)} are lost, "
        f"{len(compared.gained)} are new; of those kept {len(compared.repriced)} are re-priced and "
        f"{len(compared.reranked)} change rank."
    )
    for bundle in compared.lost[:LISTED]:
        reason, figure = lost[bundle["id"]]
        lines.append(
            f"lost: {_named(bundle)}: {REASONS[reason]}{measured(reason, figure, bundle['offer']['currency'])}."
        )
    lines += _more(compared.lost, "lost")
    for bundle in compared.gained[:LISTED]:
        before_it = REASONS[gained[bundle["id"]]]
        lines.append(f"new: {_named(bundle)} at {_price(bundle)}, rank {bundle['rank']}; before, {before_it}.")
    lines += _more(compared.gained, "new")
    return lines + list(_moved(compared))


def lost_reason(bundle: BundleObject, outcome: Outcome, catalog: Catalog) -> tuple[Reason, float | None]:
    """Why a bundle of the stored run is none of `outcome`, and what the gate measured."""
    if outcome.judged is None or outcome.selection is None:
        return Reason.NEVER_PROPOSED, None
    skus = {product["sku"] for product in bundle["products"]}
    wanted = (Combo(bundle["objective"], bundle["type"]), skus)
    found = (row for row in rejected(outcome.judged, outcome.selection, catalog)
             if (Combo(row.objective, row.type), set(row.skus)) == wanted)  # fmt: skip
    row = next(found, None)
    return (row.reason, row.figure) if row else (Reason.NEVER_PROPOSED, None)


def _counted(compared: Differences) -> str:
    parts = [
        (len(compared.lost), "lost"), (len(compared.gained), "gained"), (len(compared.repriced), "re-priced"),
        (len(compared.reranked), "re-ranked"), (len(compared.changed), "with other figures or words"),
    ]  # fmt: skip
    told = [f"{number} {what}" for number, what in parts if number]
    return ", ".join(told) if told else "only the hashes in the evidence differ"


def _moved(compared: Differences) -> Iterator[str]:
    for one, two in compared.repriced[:LISTED]:
        yield f"re-priced: {_named(two)} from {_price(one)} to {_price(two)}."
    yield from _more(compared.repriced, "re-priced")
    steps = np.array([abs(two["rank"] - one["rank"]) for one, two in compared.reranked])
    if len(steps):
        at = int(np.argmax(steps))
        one, two = compared.reranked[at]
        yield (
            f"re-ranked: {len(steps)} bundles, by {float(np.median(steps)):g} places in the middle; the farthest is "
            f"{_named(two)}, from {one['rank']} to {two['rank']}."
        )


def _more(bundles: Sequence[Any], what: str) -> list[str]:
    return [f"… and {len(bundles) - LISTED} more {what}."] if len(bundles) > LISTED else []


def _named(bundle: BundleObject) -> str:
    return f"{bundle['name']} ({bundle['type']} for {bundle['objective'].replace('_', ' ')})"


def _price(bundle: BundleObject) -> str:
    return f"{bundle['offer']['price']} {bundle['offer']['currency']}"


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, Mapping):
        return " and ".join(f"{name}:{text}" for name, text in value.items())
    return "none" if value is None else f"{value}"
