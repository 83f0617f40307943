"""`basketry doctor` and `basketry db upgrade`."""

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from rich.table import Table

from actors.places import open_folder
from cluster.commands.checks import Finding, check_clock, check_cluster, check_token, check_writing
from cluster.commands.models import models_used
from cluster.commands.terminal import out, print_json
from cluster.session import LOCAL, address_of, data_folder
from configs.settings import Settings, load_settings
from pipeline.errors import BasketryError
from pipeline.storage import Uri

LEAST_FREE_BYTES = 1_000_000_000


def upgrade_command(*, data_dir: Path | None) -> int:
    """Bring the schema of the database to this version."""
    from cluster.database.database import Database

    with Database(load_settings({"data_dir": data_dir}).database) as database:
        before = database.revision()
        database.upgrade()
        after = database.revision()
    out.print(f"schema {before or 'empty'} → {after}" if before != after else f"schema {after}: nothing to do")
    return 0


def doctor_command(*, data_dir: Path | None, address: str | None, as_json: bool) -> int:
    """Check the machine; exit code 1 where something is in the way of a run."""
    settings = load_settings({"data_dir": data_dir, "cluster": {"address": address}})
    findings = [check(settings) for check in CHECKS]
    if as_json:
        print_json({"ok": all(found.ok for found in findings), "checks": [found._asdict() for found in findings]})
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for found in findings:
            mark = "[green]✓[/]" if found.ok else "[red]✗[/]"
            table.add_row(mark, found.check, found.found + (f"\n[dim]{found.advice}[/]" if not found.ok else ""))
        out.print(table)
        bad = sum(not found.ok for found in findings)
        out.print(f"\n{bad} of {len(findings)} checks are in the way of a run" if bad else "\nready for a run")
    return 0 if all(found.ok for found in findings) else 1


def _versions(settings: Settings) -> Finding:
    names = ("ray", "numpy", "pyarrow", "sqlalchemy", "onnxruntime", "faiss-cpu")
    shown = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    new_enough = sys.version_info >= (3, 11)
    return Finding(
        "versions", new_enough, f"Python {platform.python_version()}, {shown}", "install Python 3.11 or newer"
    )


def _machine(settings: Settings) -> Finding:
    return Finding("machine", True, f"{os.cpu_count()} CPUs, {platform.system()} {platform.machine()}")


def _disk(settings: Settings) -> Finding:
    folder = data_folder(settings.data_dir)
    if isinstance(folder, Uri):
        return _object_store(folder)
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    writable = os.access(existing, os.W_OK)
    advice = f"make {existing} writable, free some space, or set BASKETRY_DATA_DIR"
    return Finding("data folder", writable and free >= LEAST_FREE_BYTES, f"{folder}, {free / 1e9:.1f} GB free", advice)


def _object_store(uri: Uri) -> Finding:
    try:
        open_folder(uri).names()
    except BasketryError as error:
        return Finding("data folder", False, str(error), "check data_dir, AWS_ACCESS_KEY_ID and the network")
    return Finding("data folder", True, f"{uri.prefix} answers")


def _database(settings: Settings) -> Finding:
    from cluster.database.database import Database

    if settings.database.startswith("sqlite") and not Path(settings.database.removeprefix("sqlite:///")).exists():
        return Finding("database", True, "none yet; the first run makes it")
    try:
        with Database(settings.database) as database:
            database.prepare(upgrade_empty=False)
            found, unbound = f"schema {database.revision()}", database.unbound_role()
    except BasketryError as error:
        return Finding("database", False, str(error), "run `basketry db upgrade`")
    if unbound is not None:
        advice = "connect as a role with neither SUPERUSER nor BYPASSRLS"
        return Finding("database", False, f"{found}; row-level security does not bind role {unbound!r}", advice)
    return Finding("database", True, found)


def _model(settings: Settings) -> Finding:
    from actors.minilm import MiniLM

    model = MiniLM()
    try:
        model.load()
    except BasketryError as error:
        return Finding("embedding model", False, str(error), "install the pinned requirements again")
    return Finding("embedding model", True, f"{model.info.model}, weights and vocabulary as expected")


def _models(settings: Settings) -> Finding:
    try:
        return Finding("models", True, models_used(settings))
    except BasketryError as error:
        return Finding("models", False, str(error), "set what is missing, or models.source=embedded")


def _ray(settings: Settings) -> Finding:
    address = address_of(settings.cluster)
    if address == LOCAL:
        return Finding("Ray", True, "a local Ray for each command, with a token of its own")
    auth = os.environ.get("RAY_AUTH_MODE", "token")
    return Finding("Ray", auth == "token", f"cluster {address}, RAY_AUTH_MODE={auth}", "set RAY_AUTH_MODE=token")


def _ports(settings: Settings) -> Finding:
    taken = [port for port in (6379, 8265) if _is_taken(port)]
    if settings.cluster.dashboard and 8265 in taken:
        return Finding("ports", False, "8265 is taken", "stop what listens there, or switch cluster.dashboard off")
    return Finding("ports", True, f"in use: {', '.join(map(str, taken))}" if taken else "6379 and 8265 are free")


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _versions, _machine, check_clock, _disk, check_writing, _database, _model, _models, _ray, check_token,
    check_cluster, _ports,
)  # fmt: skip
