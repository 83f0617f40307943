"""`basketry bundles`, `why` and `export`: what is kept, read again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.table import Table

from cluster.commands.story import why_story
from cluster.commands.terminal import out, print_json
from cluster.database.database import Database
from cluster.database.history import LATEST
from cluster.database.values import Run
from configs.settings import load_settings
from pipeline.errors import NotFoundError
from pipeline.offers.exports import FORMATS, manifest
from pipeline.storage import Place


@contextmanager
def opened(data_dir: Place | None) -> Iterator[Database]:
    """The database of the settings, ready to be read; empty where there was none."""
    with Database(load_settings({"data_dir": data_dir}).database) as database:
        database.prepare(upgrade_empty=True)
        yield database


def find_run(database: Database, run: str | None, store: str | None) -> Run:
    """A run by id, or the newest one of a store, or of all stores.

    Raises:
        NotFoundError: there is none.
    """
    if run and run != LATEST:
        return database.find_run(run)
    stores = [store] if store else database.stores()
    newest = [summary for name in stores for summary in database.for_store(name).runs(1)]
    if not newest:
        raise NotFoundError("run", LATEST, "`basketry run FOLDER` makes one")
    best = max(newest, key=lambda summary: summary.created_at)
    return database.for_store(best.store).run(LATEST)


def bundles_command(run: str | None, store: str | None, *, data_dir: Place | None, as_json: bool) -> int:
    """List the bundles of a run."""
    with opened(data_dir) as database:
        found = find_run(database, run, store)
        bundles = database.for_store(found.store).bundles(found.run_id)
    if as_json:
        print_json({"run_id": found.run_id, "store": found.store, "bundles": bundles})
        return 0
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("#", "bundle", "for", "type", "price", "score", "id"):
        table.add_column(name, justify="right" if name in ("#", "price", "score") else "left")
    for bundle in bundles:
        offer = bundle["offer"]
        table.add_row(
            str(bundle["rank"]), bundle["name"].replace("[", "\\["), bundle["objective"], bundle["type"],
            f"{offer['price']} {offer['currency']}", f"{bundle['score']:.3f}", bundle["id"],
        )  # fmt: skip
    out.print(table)
    out.print(f"\n[bold]{found.store}[/], run {found.run_id}: {len(bundles)} bundles")
    return 0


def why_command(bundle_id: str, run: str | None, *, data_dir: Place | None, as_json: bool) -> int:
    """Say why a bundle exists."""
    with opened(data_dir) as database:
        body = _find_bundle(database, bundle_id, run)
    story = why_story(body)
    if as_json:
        print_json({"id": body["id"], "name": body["name"], "story": story, "evidence": body["evidence"],
                    "signals": body["signals"], "weights": body["weights"], "offer": body["offer"]})  # fmt: skip
        return 0
    out.print(f"[bold]{body['name']}[/]  {body['type']} for {body['objective'].replace('_', ' ')}".replace("\n", " "))
    for product in body["products"]:
        out.print(
            f"  {product['quantity']} × {product['title']} ({product['sku']}) at {product['price']}", markup=False
        )
    for line in story:
        out.print(line, markup=False, soft_wrap=True)
    table = Table(box=None, show_header=False, pad_edge=False)
    for gate in body["evidence"]["gates"]:
        limit = "" if gate["limit"] is None else f"limit {gate['limit']:g}"
        table.add_row("passed", gate["gate"], "unknown" if gate["figure"] is None else f"{gate['figure']:g}", limit)
    out.print(table)
    return 0


def _find_bundle(database: Database, bundle_id: str, run: str | None) -> dict[str, Any]:
    """A bundle by its id, or by the beginning of it within a run."""
    if len(bundle_id) == 36:
        return database.find_bundle(bundle_id, run if run != LATEST else None).body
    found = find_run(database, run, None)
    bodies = database.for_store(found.store).bundles(found.run_id)
    fitting = [body for body in bodies if body["id"].startswith(bundle_id)]
    if len(fitting) != 1:
        hint = f"{len(fitting)} bundles of run {found.run_id} begin so; `basketry bundles` lists them"
        raise NotFoundError("bundle", bundle_id, hint)
    return fitting[0]


def export_command(run: str, to: str, folder: Path, store: str | None, *, data_dir: Place | None, as_json: bool) -> int:
    """Write a run's bundles to a file, with a manifest."""
    with opened(data_dir) as database:
        found = find_run(database, run, store)
        bundles = database.for_store(found.store).bundles(found.run_id)
    name = f"bundles.{to}"
    export = FORMATS[to].write(bundles)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(export.content)
    (folder / "manifest.json").write_bytes(manifest(found.run_id, {name: export}).content)
    if as_json:
        print_json({"run_id": found.run_id, "file": str(folder / name), "rows": export.rows})
    else:
        out.print(f"{folder / name}: {export.rows:,} rows of run {found.run_id}", markup=False)
    return 0
