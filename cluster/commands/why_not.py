"""`basketry why-not`: why a set of products is no bundle, also a set that no source proposed."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from cluster.commands.read import find_run, opened
from cluster.commands.story import REASONS
from cluster.commands.terminal import out, print_json
from cluster.commands.why_not_story import Answer, Ranks, considered_story, exact_story
from cluster.database.rejections import holding
from cluster.database.values import Run
from configs.settings import Settings, load_settings
from pipeline.consider import Considered, consider
from pipeline.context.rules import CatalogNames
from pipeline.errors import BasketryError
from pipeline.money import decimal
from pipeline.storage import Place
from pipeline.terms import Reason, Rejection

LISTED = 10
"""Most candidates that are told one by one; JSON has five times as many."""


def why_not_command(run: str, skus: list[str], store: str | None, *, data_dir: Place | None, as_json: bool) -> int:
    """Say why a set of products is no bundle; without products, count all reasons."""
    with opened(data_dir) as database:
        found = find_run(database, run, store)
        records = database.for_store(found.store)
        if not skus:
            return _show_counts(found.run_id, records.rejection_counts(found.run_id), as_json=as_json)
        bundles, rejections = records.bundles(found.run_id), records.rejections(found.run_id)
    answer = _look_up(found, load_settings({"data_dir": data_dir}), skus)
    chosen = [body for body in bundles if set(answer.skus) <= _skus(body)]
    larger = holding(rejections, answer.skus)
    exact = [row for row in larger if set(row.skus) == set(answer.skus)]
    ranks = Ranks.of(bundles, rejections)
    currency = str((found.record or {}).get("currency", ""))
    if chosen:
        story = [f"{body['name']} (rank {body['rank']}, {body['id']}) holds them." for body in chosen]
    elif exact:
        story = exact_story(answer.names or answer.skus, exact, bundles, ranks, currency)
    else:
        story = considered_story(answer, found.plan or {}, bundles, ranks, currency)
    if as_json:
        print_json(_wire(found, answer, chosen, exact or larger, story, ranks, is_exact=bool(exact)))
        return 0
    for line in story:
        out.print(line, markup=False, soft_wrap=True)
    if not chosen:
        _show_candidates(exact or larger, is_exact=bool(exact))
    return 0


def _look_up(run: Run, settings: Settings, skus: Sequence[str]) -> Answer:
    """What the run's own snapshot, settings and plan say of a set; what the database knows is enough without them."""
    from cluster.stored import open_run

    try:
        stored = open_run(run, settings, embed=False)
        names = CatalogNames(stored.catalog)
    except BasketryError as error:
        return Answer(tuple(skus), failed=str(error))
    rows = {sku: names.row(sku) for sku in skus}
    items = list(dict.fromkeys(row for row in rows.values() if row is not None))
    written = tuple(str(stored.catalog.sku[row].as_py()) if row is not None else sku for sku, row in rows.items())
    unknown = tuple(sku for sku, row in rows.items() if row is None)
    called = tuple(f"{stored.catalog.title[row].as_py()} ({stored.catalog.sku[row].as_py()})" for row in items)
    if unknown:
        return Answer(written, called, unknown)
    considered, unfit = consider(stored.context, items, stored.plan, stored.config)
    sold = stored.catalog.is_sellable[items]
    return Answer(
        skus=tuple(dict.fromkeys(written)), names=called, considered=considered, unfit=unfit,
        unsellable=tuple(name for name, is_sold in zip(called, sold, strict=True) if not is_sold),
    )  # fmt: skip


def _skus(body: Mapping[str, Any]) -> set[str]:
    return {product["sku"] for product in body["products"]}


def _wire(
    run: Run, answer: Answer, chosen: Sequence[Mapping[str, Any]], candidates: Sequence[Rejection],
    story: Sequence[str], ranks: Ranks, *, is_exact: bool,
) -> dict[str, Any]:  # fmt: skip
    currency = str((run.record or {}).get("currency", ""))
    reason = Reason.NEVER_PROPOSED if not is_exact else _commonest(candidates)
    return {
        "run_id": run.run_id,
        "skus": list(answer.skus),
        "unknown": list(answer.unknown),
        "bundles": [body["id"] for body in chosen],
        "story": list(story),
        "reason": None if chosen else str(reason),
        "candidates": [row._asdict() for row in candidates[: 5 * LISTED]],
        "considered": [_considered(one, ranks, currency) for one in answer.considered],
        "unfit": {str(kind): why for kind, why in answer.unfit.items()},
    }


def _commonest(rows: Sequence[Rejection]) -> Reason:
    reasons = [row.reason for row in rows]
    return max(dict.fromkeys(reasons), key=reasons.count)


def _considered(one: Considered, ranks: Ranks, currency: str) -> dict[str, Any]:
    judged = one.judged
    figure, margin = float(judged.verdicts.figure[0]), float(judged.prices.margin[0])
    return {
        "objective": str(one.combo.objective),
        "type": str(one.combo.type),
        "gate": str(one.gate) if one.gate else None,
        "figure": None if figure != figure else round(figure, 6),
        "tier": int(judged.found.tier[0]),
        "linked": one.is_linked,
        "count": int(judged.counts.count[0]),
        "price": str(decimal(int(judged.prices.price[0]), currency)),
        "list_price": str(decimal(int(judged.prices.list_price[0]), currency)),
        "margin": None if margin != margin else round(margin, 6),
        "score": round(one.score, 6),
        "rank": None if one.gate else ranks.place(one.score),
        "of": None if one.gate else ranks.candidates + 1,
    }


def _show_candidates(rows: Sequence[Rejection], *, is_exact: bool) -> None:
    if rows and not is_exact:
        out.print("No candidate was exactly this set; these are larger sets that hold it:")
    for row in rows[:LISTED]:
        figure = "" if row.figure is None else f", measured {row.figure:g}"
        told = f"  {row.reason}: {row.type} for {row.objective}: {', '.join(row.skus)}{figure}"
        out.print(told, markup=False, soft_wrap=True)
    if len(rows) > LISTED:
        out.print(f"  … and {len(rows) - LISTED} more")


def _show_counts(run_id: str, counts: dict[Reason, int], *, as_json: bool) -> int:
    if as_json:
        print_json({"run_id": run_id, "reasons": {str(reason): count for reason, count in counts.items()}})
        return 0
    table = Table(box=None, show_header=False, pad_edge=False)
    for reason, count in counts.items():
        table.add_row(f"{count:,}", str(reason), REASONS[reason])
    out.print(table)
    return 0
