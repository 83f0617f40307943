"""The command line: what can be asked, and the exit codes. Each command's work is in `cluster.commands`.

Exit codes: 0 succeeded, 1 failed, 2 usage or refused input, 3 degraded, 4 partial.
"""

import gc
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from pipeline.storage import Place

app = typer.Typer(
    name="basketry",
    help="Product bundles for online stores: made from orders and catalog, kept, explained and exported.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Exit codes: 0 succeeded · 1 failed · 2 usage or refused input · 3 degraded · 4 partial",
)
db = typer.Typer(help="The database of runs and bundles.", no_args_is_help=True)
app.add_typer(db, name="db")
fleet = typer.Typer(help="Many stores together: every sub-folder is one.", no_args_is_help=True)
app.add_typer(fleet, name="fleet")
config = typer.Typer(help="The settings.", no_args_is_help=True)
app.add_typer(config, name="config")


def _place(text: str) -> "Place":
    from pipeline.storage import parse_place

    try:
        return parse_place(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


class Mode(StrEnum):
    """How much a run takes on."""

    full = "full"
    budget = "budget"


class Fanout(StrEnum):
    """How combos become tasks."""

    auto = "auto"
    combo = "combo"


class Models(StrEnum):
    """Where models come from."""

    auto = "auto"
    embedded = "embedded"
    openai = "openai"


class ExportFormat(StrEnum):
    """Files a run can be exported to."""

    csv = "csv"
    json = "json"
    jsonl = "jsonl"
    parquet = "parquet"


Folder = Annotated[
    Path, typer.Argument(help="Folder of the shop's files: orders, products, inventory (CSV or Parquet).")
]
Store = Annotated[str | None, typer.Option(help="The store's name; the folder's by default.")]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of", formats=["%Y-%m-%d"], help="Use only what was known on that day (its own orders excluded)."
    ),
]
Workers = Annotated[int | None, typer.Option(min=1, help="CPUs of a local Ray; all by default.")]
Address = Annotated[str | None, typer.Option(help="Address of a running Ray cluster.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
RunOption = Annotated[str | None, typer.Option("--run", help="Run id; the newest by default.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", help="A setting, such as portfolio.limit=10; `basketry config show` lists them."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Most bundles; 20 by default.")]
Exclude = Annotated[
    list[str] | None,
    typer.Option(help="Products that may be in no bundle: sku:…, tag:…, vendor:… or category:…; may be repeated."),
]
Pin = Annotated[
    list[str] | None,
    typer.Option(help="Products that get a place where a good candidate holds them, named likewise."),
]
Apart = Annotated[
    list[str] | None, typer.Option("--never-together", help="Two SKUs, A,B, that no bundle may hold both of.")
]
MinPrice = Annotated[str | None, typer.Option(help="Least price of a bundle.")]
MaxPrice = Annotated[str | None, typer.Option(help="Greatest price of a bundle.")]
WhichModels = Annotated[
    Models | None,
    typer.Option(help="embedded, or an OpenAI-compatible endpoint; auto: the endpoint where a key is set."),
]
BaseUrl = Annotated[
    str | None, typer.Option("--base-url", help="Address of the endpoint, such as http://127.0.0.1:8000/v1.")
]
DataDir = Annotated[
    Any,  # a `Place`: a union is more than typer can read
    typer.Option(
        "--data-dir",
        metavar="PLACE",
        parser=_place,
        help="Database, snapshots and caches: a folder, s3://… or gs://…; BASKETRY_DATA_DIR or .basketry by default.",
    ),
]


@app.command()
def demo(
    models: WhichModels = None,
    base_url: BaseUrl = None,
    out: Annotated[Path, typer.Option(help="Where the bundles and the report go.")] = Path("out/demo"),
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Run the sample store end to end and print where its report is."""
    from cluster.commands.run import demo_command

    _exit(demo_command(out, models, base_url, data_dir=data_dir, as_json=as_json))


@app.command()
def run(
    folder: Folder,
    store: Store = None,
    mode: Annotated[
        Mode | None, typer.Option(help="full: every combo until the deadline; budget: what time allows.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Deadline of the search, such as 12s or 800ms.")] = None,
    limit: Limit = None,
    as_of: AsOf = None,
    exclude: Exclude = None,
    pin: Pin = None,
    never_together: Apart = None,
    min_price: MinPrice = None,
    max_price: MaxPrice = None,
    assignments: Assignments = None,
    plan: Annotated[Path | None, typer.Option(help="A plan.json to run again instead of making one.")] = None,
    models: WhichModels = None,
    base_url: BaseUrl = None,
    workers: Workers = None,
    fanout: Annotated[Fanout | None, typer.Option(help="combo: one task for each combo.")] = None,
    address: Address = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for bundles.json, run.json, plan.json, rejects.csv, report.html.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make bundles of a store's files, from ingest to the report."""
    from cluster.commands.run import Request, run_command
    from configs.flags import parse_assignments, parse_rules

    request = Request(
        folder=folder, store=store, mode=mode, budget=budget, limit=limit, as_of=as_of.date() if as_of else None,
        plan=plan, models=models, base_url=base_url, workers=workers, fanout=fanout, address=address, out=out,
        data_dir=data_dir,
        assignments=parse_assignments(assignments or ()),
        rules=parse_rules(exclude, pin, never_together, min_price, max_price),
    )  # fmt: skip
    _exit(run_command(request, as_json=as_json))


@app.command()
def ingest(
    folder: Folder,
    store: Store = None,
    out: Annotated[Path | None, typer.Option(help="Where rejects.csv goes.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Read a store's files: the snapshot and the reject report only."""
    from cluster.commands.ingest import ingest_command

    _exit(ingest_command(folder, store, out, data_dir=data_dir, as_json=as_json))


@app.command()
def evaluate(
    folders: Annotated[list[Path], typer.Argument(help="Folders of one store or of several, which are pooled.")],
    as_of: AsOf = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="Hold out that many days after --as-of; else the last 20 % of orders.")
    ] = None,
    signals: Annotated[
        bool, typer.Option("--signals", help="Hide a product of each basket, and ask every signal alone and the blend.")
    ] = False,
    curve: Annotated[
        bool, typer.Option("--curve", help="Milliseconds against quality, with parts switched off and cut early.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Where the JSON and the picture go.")] = None,
    models: WhichModels = None,
    base_url: BaseUrl = None,
    assignments: Assignments = None,
    workers: Workers = None,
    address: Address = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say how good the bundles are: a temporal holdout, beside popularity, control and arms."""
    from cluster.commands.evaluate import evaluate_command
    from configs.flags import merged, parse_assignments
    from configs.settings import given

    if signals and curve:
        raise typer.BadParameter("--signals and --curve are two measurements; ask for one at a time")
    day = as_of.date() if as_of else None
    what: Literal["signals", "curve", "evaluation"] = "signals" if signals else "curve" if curve else "evaluation"
    named = {
        "data_dir": data_dir,
        "models": {"source": models and str(models), "base_url": base_url},
        "cluster": {"workers": workers, "address": address},
    }
    flags = merged(parse_assignments(assignments or ()), given(named))
    _exit(evaluate_command(folders, day, days, out, what, flags, as_json=as_json))


@app.command()
def bundles(run: RunOption = None, store: Store = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the bundles of a run."""
    from cluster.commands.read import bundles_command

    _exit(bundles_command(run, store, data_dir=data_dir, as_json=as_json))


@app.command()
def why(
    bundle: Annotated[str, typer.Argument(help="Bundle id, or enough of its beginning.")],
    run: RunOption = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say why a bundle exists: the story, then the figures."""
    from cluster.commands.read import why_command

    _exit(why_command(bundle, run, data_dir=data_dir, as_json=as_json))


@app.command(name="why-not")
def why_not(
    run: Annotated[str, typer.Argument(help="Run id, or `latest`.")],
    skus: Annotated[
        list[str] | None, typer.Argument(help="SKUs of the set you miss; none: all reasons, counted.")
    ] = None,
    store: Store = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say why a set of products is no bundle, also one that no source proposed."""
    from cluster.commands.why_not import why_not_command

    _exit(why_not_command(run, skus or [], store, data_dir=data_dir, as_json=as_json))


@app.command()
def replay(
    run: Annotated[str, typer.Argument(help="Run id, or `latest`.")],
    limit: Limit = None,
    exclude: Exclude = None,
    pin: Pin = None,
    never_together: Apart = None,
    min_price: MinPrice = None,
    max_price: MaxPrice = None,
    assignments: Assignments = None,
    store: Store = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Do a run again and compare byte for byte; with settings or rules: say what they would change."""
    from cluster.commands.replay import replay_command
    from configs.flags import parse_assignments, parse_rules

    changes = parse_assignments((*(assignments or ()), *([f"portfolio.limit={limit}"] if limit else ())))
    rules = parse_rules(exclude, pin, never_together, min_price, max_price)
    _exit(replay_command(run, store, changes, rules, data_dir=data_dir, as_json=as_json))


@config.command()
def show(
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value came from.")] = False,
    changed: Annotated[bool, typer.Option("--changed", help="Only those that are not at their default.")] = False,
    assignments: Assignments = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List every setting in force: flag > environment > basketry.yaml > default."""
    from cluster.commands.config import config_command
    from configs.flags import parse_assignments

    _exit(
        config_command(
            parse_assignments(assignments or ()), data_dir=data_dir, with_origin=origin, as_json=as_json,
            only_changed=changed,
        )
    )  # fmt: skip


@app.command()
def export(
    run: Annotated[str, typer.Argument(help="Run id, or `latest`.")],
    to: Annotated[ExportFormat, typer.Option(help="Format.")] = ExportFormat.csv,
    out: Annotated[Path, typer.Option(help="Folder for the file and its manifest.")] = Path("out/export"),
    store: Store = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write a run's bundles to a file, with a manifest."""
    from cluster.commands.read import export_command

    _exit(export_command(run, str(to), out, store, data_dir=data_dir, as_json=as_json))


@fleet.command(name="run")
def fleet_run(
    source: Annotated[str, typer.Argument(metavar="FOLDER_OR_URI", help="Folder or URI; every sub-folder is a store.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a fleet was left, and redo no store that ended well.")
    ] = False,
    max_age: Annotated[str, typer.Option(help="With --resume: redo what ended longer ago, such as 24h or 7d.")] = "24h",
    in_flight: Annotated[int | None, typer.Option(min=1, help="Stores at once; two for each CPU by default.")] = None,
    models: WhichModels = None,
    base_url: BaseUrl = None,
    assignments: Assignments = None,
    workers: Workers = None,
    address: Address = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for fleet.json, fleet.html and each store's bundles.json.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Run every store below a folder; one that fails is one row, and the others go on."""
    from cluster.commands.fleet import FleetRequest, fleet_run_command
    from configs.flags import parse_assignments

    request = FleetRequest(
        source=source, resume=resume, max_age=max_age, in_flight=in_flight, models=models, base_url=base_url,
        workers=workers, address=address, out=out, data_dir=data_dir, assignments=parse_assignments(assignments or ()),
    )  # fmt: skip
    _exit(fleet_run_command(request, as_json=as_json))


@fleet.command()
def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say how far the newest fleet is, and what went wrong in it."""
    from cluster.commands.fleet import fleet_status_command

    _exit(fleet_status_command(data_dir=data_dir, as_json=as_json))


@db.command()
def upgrade(data_dir: DataDir = None) -> None:
    """Bring the database's schema to this version."""
    from cluster.commands.doctor import upgrade_command

    _exit(upgrade_command(data_dir=data_dir))


@app.command()
def doctor(address: Address = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Check the machine: versions, clock, disk, database, model, the cluster, Ray's ports and token."""
    from cluster.commands.doctor import doctor_command

    _exit(doctor_command(data_dir=data_dir, address=address, as_json=as_json))


@fleet.command(name="embed")
def fleet_embed(
    source: Annotated[str, typer.Argument(metavar="FOLDER_OR_URI", help="Folder or URI; every sub-folder is a store.")],
    assignments: Assignments = None,
    workers: Workers = None,
    address: Address = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Embed the products of every store below a folder; started again, it does only what is missing."""
    from cluster.commands.fleet_embed import fleet_embed_command
    from configs.flags import parse_assignments

    changes = parse_assignments(assignments or ())
    _exit(fleet_embed_command(source, changes, workers=workers, address=address, data_dir=data_dir, as_json=as_json))


def _exit(code: int) -> None:
    raise typer.Exit(code)


def main() -> None:
    """Run the command line; errors of ours become one sentence."""
    from pipeline.errors import BasketryError

    try:
        app()
    except BasketryError as error:
        from cluster.commands.terminal import exit_code, say_error

        say_error(error)
        sys.exit(exit_code(error))
    finally:
        gc.freeze()  # what is left ends with the process: to look through it first takes a third of a second
