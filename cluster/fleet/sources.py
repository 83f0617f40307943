"""Where the stores of a fleet are: every sub-folder of a folder or a URI is one."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pyarrow import fs

from cluster.uploads import check_store_name
from pipeline.errors import EmptyStoreError, PlatformError, SettingsError

TABLES = (".csv", ".tsv", ".parquet")
BLOCK = 1 << 20
BYTES_PER_MS = {".parquet": 320.0, ".csv": 3_000.0, ".tsv": 3_000.0}
"""Bytes of a file that cost a run a millisecond, roughly: what a store weighs before anybody has read it."""
LEAST_MS = 100.0


@dataclass(frozen=True, slots=True)
class StoreSource:
    """A store's files, not read yet."""

    store: str
    address: str
    """Folder or URI."""
    files: tuple[tuple[str, int, str], ...]
    """Name, bytes and version of each: the hash of a local file's content, or when a remote one was changed."""

    @property
    def estimate_ms(self) -> float:
        """Work that a run of it is, roughly."""
        kinds = [(size, Path(name).suffix.lower()) for name, size, _ in self.files]
        return LEAST_MS + sum(size / BYTES_PER_MS.get(kind, float("inf")) for size, kind in kinds)

    def content(self, *parts: str) -> str:
        """Hash of the files and of whatever else a result hangs on."""
        return hashlib.sha256(json.dumps([self.store, self.files, parts]).encode()).hexdigest()


def find_stores(address: str) -> list[StoreSource]:
    """The stores of a fleet, by name.

    Args:
        address: A folder, or a URI that `pyarrow.fs` knows, such as `s3://bucket/folder`.

    Raises:
        EmptyStoreError: there is no such folder, or it has no sub-folder.
        SettingsError: a sub-folder's name can't be a store's.
    """
    system, root = _open(address)
    found = _list(system, root, address)
    folders = sorted(info.path for info in found if info.type == fs.FileType.Directory)
    names = [Path(path).name for path in folders if not Path(path).name.startswith(".")]
    if not names:
        raise EmptyStoreError(f"{address}: no sub-folder; expected one for each store, with its files inside")
    for name in names:
        check_store_name(name)
    return [_source(system, root, address, name) for name in names]


@contextmanager
def fetched(address: str) -> Iterator[Path]:
    """A store's files in a local folder: where they are, or a copy for as long as the block lasts."""
    if "://" not in address:
        yield Path(address)
        return
    system, root = _open(address)
    with tempfile.TemporaryDirectory(prefix="basketry-store-") as folder:
        try:
            fs.copy_files(root, folder, source_filesystem=system, destination_filesystem=fs.LocalFileSystem())
        except OSError as error:
            raise PlatformError(f"{address} can't be read ({error})") from error
        yield Path(folder)


def _open(address: str) -> tuple[fs.FileSystem, str]:
    if "://" not in address:
        return fs.LocalFileSystem(), str(Path(address).expanduser().resolve())
    try:
        system, root = fs.FileSystem.from_uri(address)
    except (ValueError, OSError) as error:
        raise SettingsError(
            f"{address!r} can't be opened ({str(error).splitlines()[0]}); expected a folder, or s3://… or gs://…"
        ) from None
    return system, root


def _list(system: fs.FileSystem, folder: str, address: str) -> list[fs.FileInfo]:
    try:
        found: list[fs.FileInfo] = system.get_file_info(fs.FileSelector(folder))
    except FileNotFoundError:
        raise EmptyStoreError(f"{address}: no such folder; expected one with a sub-folder for each store") from None
    except NotADirectoryError:
        raise EmptyStoreError(f"{address}: no folder; expected one with a sub-folder for each store") from None
    except OSError as error:
        raise PlatformError(f"{address} can't be listed ({str(error).splitlines()[0]})") from error
    return found


def _source(system: fs.FileSystem, root: str, address: str, name: str) -> StoreSource:
    is_local = isinstance(system, fs.LocalFileSystem)
    folder = f"{root}/{name}"
    infos = [
        info
        for info in _list(system, folder, f"{address}/{name}")
        if info.type == fs.FileType.File and not info.base_name.startswith(".")
    ]
    files = tuple(
        (info.base_name, info.size, _digest(Path(info.path)) if is_local else str(info.mtime_ns))
        for info in sorted(infos, key=lambda info: info.base_name)
        if Path(info.base_name).suffix.lower() in TABLES
    )
    return StoreSource(name, folder if is_local else f"{address.rstrip('/')}/{name}", files)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
