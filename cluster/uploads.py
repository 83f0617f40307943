"""From a folder of a shop's files to a snapshot in the data folder."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from actors.places import open_folder
from actors.shard import SnapshotRef
from cluster.session import data_folder
from configs.settings import Settings
from pipeline.context.rules_config import RulesConfig
from pipeline.errors import SettingsError
from pipeline.ingest.folder import ingest_folder
from pipeline.ingest.report import IngestReport
from pipeline.ingest.snapshot import Snapshot
from pipeline.ingest.store import write_snapshot
from pipeline.ports import Folder
from pipeline.storage import Place

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


def customer_salt(data: Folder) -> bytes:
    """The secret that customers are hashed with, made at first use. Whoever may read the data folder may read it."""
    return data.write_first("customer_salt", secrets.token_bytes(SALT_BYTES))


def take_upload(folder: Path, store: str, settings: Settings) -> Upload:
    """Read a store's files and keep their snapshot.

    Raises:
        DataError: the files can't be used; nothing was kept.
        SettingsError: the store's name can't be a folder's.
    """
    check_store_name(store)
    home = data_folder(settings.data_dir)
    data = open_folder(home)
    ingested = ingest_folder(folder, store=store, config=settings.ingest, salt=customer_salt(data))
    shelf = data / "stores" / store
    kept = write_snapshot(ingested.snapshot, ingested.customers, shelf / "snapshots")
    rules = settings.rules.with_table(ingested.rules)
    _keep_rules(rules, shelf / "rules")
    return Upload(ingested.snapshot, ingested.report, snapshot_ref(home, store, kept), rules)


def snapshot_ref(home: Place, store: str, sha256: str) -> SnapshotRef:
    """Where a snapshot of a store lies in the data folder `home`."""
    return SnapshotRef(store, home / "stores" / store / "snapshots" / sha256)


def _keep_rules(rules: RulesConfig, folder: Folder) -> None:
    """Keep rules beside the snapshots, under the hash by which plans and bundles name them."""
    if not rules.is_empty:
        folder.write(f"{rules.sha256()}.json", (rules.model_dump_json(indent=1) + "\n").encode())
