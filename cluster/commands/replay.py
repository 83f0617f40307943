"""`basketry replay`: a stored run again, byte for byte, or under other settings and what that would change."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from cluster.commands.replay_story import changed_story, lost_reason, same_story
from cluster.commands.terminal import LiveProgress, out, print_json
from cluster.database.database import Database
from cluster.database.values import Run
from configs.settings import load_settings
from pipeline.context.rules_config import RulesConfig
from pipeline.differences import Change, Differences, changes, differences
from pipeline.offers.exports import to_json
from pipeline.storage import Place
from pipeline.terms import Reason

SHOWN = 50
"""Most values of one bundle that JSON lists."""


def replay_command(
    run: str, store: str | None, flags: Mapping[str, Any], rules: RulesConfig, *, data_dir: Place | None, as_json: bool
) -> int:
    """Compute a run again from its snapshot, settings and plan.

    Without changes: 0 where `bundles.json` is the same to the byte, else 1. With changed settings: 0, and in words what
    they would change.
    """
    from cluster.commands.read import find_run
    from cluster.stored import open_run

    settings = load_settings({"data_dir": data_dir})
    with LiveProgress(quiet=as_json) as progress:
        with Database(settings.database) as database:
            database.prepare(upgrade_empty=True)
            found = find_run(database, run, store)
            records = database.for_store(found.store)
            before = records.bundles(found.run_id)
            reasons = {(frozenset(row.skus), str(row.objective), str(row.type)): row.reason
                       for row in records.rejections(found.run_id)}  # fmt: skip
        progress.phase("context")
        stored = open_run(found, settings)
        changed = _changes(found, flags, rules)
        again = stored.under(changed) if changed else stored
        progress.phase("replay")
        outcome = again.recompute()
    after = [bundle.to_json() for bundle in outcome.bundles]
    set_to = list(changes(stored.config.model_dump(mode="json"), again.config.model_dump(mode="json")))
    report = _report(found, before, after, set_to)
    compared = differences(before, after)
    if changed:
        lost = {bundle["id"]: lost_reason(bundle, outcome, again.catalog) for bundle in compared.lost}
        gained = {bundle["id"]: reasons.get(_key(bundle), Reason.NEVER_PROPOSED) for bundle in compared.gained}
        story = changed_story(found, before, after, compared, set_to, lost, gained)
        code = 0
    else:
        lost, gained, code = {}, {}, 0 if report["equal"] else 1
        story = same_story(found, before, after, compared, report["sha256"])
    report |= _wire(compared, lost, gained) | {"story": story}
    if as_json:
        print_json(report)
        return code
    for line in story:
        out.print(line, markup=False, soft_wrap=True)
    return code


def _changes(run: Run, flags: Mapping[str, Any], rules: RulesConfig) -> dict[str, Any]:
    """The flags as nested settings; rules are added to those of the run."""
    found = dict(flags)
    if not rules.is_empty:
        own = RulesConfig.model_validate(run.settings.get("rules", {}))
        found["rules"] = {**found.get("rules", {}), **own.joined(rules).model_dump(mode="json")}
    return found


def _report(
    run: Run, before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], set_to: Sequence[Change]
) -> dict[str, Any]:
    one, two = (to_json(bundles).content for bundles in (before, after))
    return {
        "run_id": run.run_id,
        "store": run.store,
        "equal": one == two,
        "bundles": len(after),
        "bytes": len(two),
        "sha256": hashlib.sha256(two).hexdigest(),
        "stored_sha256": hashlib.sha256(one).hexdigest(),
        "settings": [row._asdict() for row in set_to],
    }


def _key(bundle: Mapping[str, Any]) -> tuple[frozenset[str], str, str]:
    return frozenset(product["sku"] for product in bundle["products"]), bundle["objective"], bundle["type"]


def _wire(
    compared: Differences, lost: Mapping[str, tuple[Reason, float | None]], gained: Mapping[str, Reason]
) -> dict[str, Any]:
    return {
        "gained": [
            _short(bundle) | ({"before": str(gained[bundle["id"]])} if gained else {}) for bundle in compared.gained
        ],
        "lost": [
            _short(bundle) | ({"reason": str(lost[bundle["id"]][0]), "figure": lost[bundle["id"]][1]} if lost else {})
            for bundle in compared.lost
        ],
        "repriced": [
            _short(two) | {"price_before": one["offer"]["price"], "price": two["offer"]["price"]}
            for one, two in compared.repriced
        ],
        "reranked": [_short(two) | {"rank_before": one["rank"]} for one, two in compared.reranked],
        "changed": [
            _short(bundle) | {"values": [row._asdict() for row in rows[:SHOWN]]} for bundle, rows in compared.changed
        ],
        "stamps": [row._asdict() for row in compared.stamps],
    }


def _short(bundle: Mapping[str, Any]) -> dict[str, Any]:
    return {name: bundle[name] for name in ("id", "rank", "name", "objective", "type")}
