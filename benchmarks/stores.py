"""The stores that are measured: folders of files, and seeded ones of growing size, all kept as snapshots."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from actors.shard import SnapshotRef
from benchmarks.synthetic import synthetic_store
from cluster.uploads import snapshot_ref, take_upload
from configs.settings import Settings
from pipeline.ingest.digest import content_hash
from pipeline.ingest.store import write_snapshot
from pipeline.storage import Place

DEMO = Path(__file__).resolve().parents[1] / "configs" / "demo_store"

SIZES = ((500, 200), (5_000, 1_000), (20_000, 5_000))
"""Orders and products of the seeded stores."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One store to measure."""

    name: str
    folder: Path | None
    """Its files; None for a seeded store, which has none."""
    ref: SnapshotRef
    orders: int
    """All its orders, those that are no demand included."""
    products: int

    def moved(self, shelf: Path, repeat: int) -> SnapshotRef:
        """The same snapshot under another folder: a warm shard has never seen it, so it works out all of it again.

        A shard keeps contexts by reference, and a reference is a folder: this is what it does for a new upload.
        """
        home = shelf / f"{self.name}-{repeat}"
        home.mkdir(parents=True)
        (home / self.ref.folder.name).symlink_to(on_disk(self.ref.folder), target_is_directory=True)
        return SnapshotRef(self.ref.store, home / self.ref.folder.name)


def on_disk(place: Place) -> Path:
    """A folder of this machine: what is measured lies in one."""
    assert isinstance(place, Path)
    return place


def subjects(folders: Sequence[Path], settings: Settings) -> list[Subject]:
    """The demo store, the seeded ones and those in `folders`, by number of orders within each kind."""
    real = [from_folder(folder.resolve().name, folder, settings) for folder in folders]
    made = [seeded(orders, products, settings) for orders, products in SIZES]
    return [from_folder("demo", DEMO, settings), *made, *sorted(real, key=lambda store: store.orders)]


def from_folder(name: str, folder: Path, settings: Settings) -> Subject:
    """The store of the files in `folder`, ingested."""
    upload = take_upload(folder, name, settings)
    return Subject(name, folder, upload.ref, len(upload.snapshot.orders), len(upload.snapshot.catalog))


def seeded(orders: int, products: int, settings: Settings) -> Subject:
    """A seeded store of this size, kept as a snapshot."""
    made = synthetic_store(orders, products)
    snapshot = replace(made, sha256=content_hash(made.currency, made.catalog, made.orders))
    customers = tuple(f"{rank:064x}" for rank in range(int(snapshot.orders.customer.max(initial=-1)) + 1))
    ref = snapshot_ref(settings.data_dir, snapshot.store, snapshot.sha256)
    write_snapshot(snapshot, customers, on_disk(ref.folder).parent)
    return Subject(snapshot.store, None, ref, orders, products)
