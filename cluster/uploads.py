"""From a folder of a shop's files to a snapshot in the data folder."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from actors.shard import SnapshotRef
from configs.settings import Settings
from pipeline.context.rules import RulesConfig
from pipeline.errors import SettingsError
from pipeline.ingest.folder import ingest_folder
from pipeline.ingest.report import IngestReport
from pipeline.ingest.snapshot import Snapshot
from pipeline.ingest.store import write_snapshot

SALT_BYTES = 32
MAX_NAME_BYTES = 200


@dataclass(frozen=True, slots=True)
class Upload:
    """A store's files, read and kept."""

    snapshot: Snapshot
    report: IngestReport
    ref: SnapshotRef
    rules: RulesConfig
    """The store's rules: those of the settings, and those of its rules table."""


def check_store_name(store: str) -> str:
    """The name, if it can be a folder's: it is one below `data_dir/stores`, so it must not lead out of it.

    Raises:
        SettingsError: it is empty, too long, begins with a dot, or holds a slash or a control character.
    """
    is_plain = store.isprintable() and not set(store) & set("/\\") and not store.startswith(".")
    if not store.strip() or not is_plain or len(store.encode()) > MAX_NAME_BYTES:
        raise SettingsError(
            f"the store's name {store[:60]!r} can't be a folder's; expected at most {MAX_NAME_BYTES} bytes without "
            "slashes or a leading dot; choose one with --store"
        )
    return store


def customer_salt(data_dir: Path) -> bytes:
    """The secret that customers are hashed with, made at first use and readable by its owner alone."""
    path = data_dir / "customer_salt"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        data_dir.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_bytes(SALT_BYTES))
    return path.read_bytes()


def take_upload(folder: Path, store: str, settings: Settings) -> Upload:
    """Read a store's files and keep their snapshot.

    Raises:
        DataError: the files can't be used; nothing was kept.
        SettingsError: the store's name can't be a folder's.
    """
    check_store_name(store)
    data_dir = settings.data_dir.expanduser().resolve()
    ingested = ingest_folder(folder, store=store, config=settings.ingest, salt=customer_salt(data_dir))
    kept = write_snapshot(ingested.snapshot, ingested.customers, data_dir / "stores" / store / "snapshots")
    rules = settings.rules.with_table(ingested.rules)
    _keep_rules(rules, data_dir / "stores" / store / "rules")
    return Upload(ingested.snapshot, ingested.report, SnapshotRef(store, kept), rules)


def _keep_rules(rules: RulesConfig, folder: Path) -> None:
    """Keep rules beside the snapshots, under the hash by which plans and bundles name them."""
    if rules.is_empty:
        return
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{secrets.token_hex(8)}"
    draft.write_text(rules.model_dump_json(indent=1) + "\n", encoding="utf-8")
    draft.replace(folder / f"{rules.sha256()}.json")
