"""All catalogs of a fleet embedded in one stream of Ray Data: for a fleet's first night, or another model."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Thread
from typing import Any

import ray

from actors.minilm import MiniLM, shared_model
from actors.places import open_folder
from actors.shard import SnapshotRef
from cluster.fanout import fan_out
from cluster.fleet.sources import StoreSource, fetched, find_stores
from cluster.nodes import check_data_dir, placed
from cluster.progress import Progress
from cluster.session import data_folder
from cluster.uploads import take_upload
from configs.settings import Settings
from pipeline.context.embedding import EmbeddingCache, catalog_texts, unique_texts
from pipeline.errors import BasketryError, PlatformError
from pipeline.ingest.store import read_catalog
from pipeline.storage import Place

BATCH = 1024
"""Texts that an actor gets at once: of so many, enough have equally many tokens to fill the model's own batches."""
BATCHES_A_WORKER = 4
"""Least batches for each actor, so that none waits long for the last."""
READER_CPUS, MODEL_CPUS = 0.1, 0.9
"""Reading a catalog takes moments and must not wait for a model to be through: together they fill a CPU."""


@dataclass(frozen=True, slots=True)
class Catalogued:
    """A store of the fleet, read and kept."""

    store: str
    ref: SnapshotRef | None
    """Its snapshot; None where its files were refused."""
    texts: int
    """Its products' texts, each once."""
    missing: int
    """Those that have no vector yet; of several stores' equal texts each counts."""
    error: str
    """Why it was refused; empty where it was not."""


@dataclass(frozen=True, slots=True)
class FleetEmbedding:
    """What embedding a fleet came to."""

    stores: int
    refused: dict[str, str]
    """Stores whose files can't be used, and why."""
    embedded: int
    """Texts that the model was asked for."""
    skipped: int
    """Texts that had a vector by then, from before, from another store or from a run meanwhile."""
    seconds: float
    """Time of the stream; reading the stores' files is not in it."""


def catalogue(source: StoreSource, settings: Settings) -> Catalogued:
    """Read and keep a store's files, as its next run will find them; what is wrong with them is a result."""
    store = source.store
    try:
        with fetched(source.address) as folder:
            upload = take_upload(folder, store, settings)
    except PlatformError:
        raise
    except BasketryError as error:
        return Catalogued(store, None, 0, 0, str(error))
    cache = EmbeddingCache(open_folder(data_folder(settings.data_dir) / "vectors"), MiniLM().info)
    texts = unique_texts(catalog_texts(upload.snapshot.catalog))
    return Catalogued(store, upload.ref, len(texts), len(cache.missing(texts)), "")


catalogue_task = ray.remote(num_cpus=1, max_retries=3)(catalogue)


def portions(found: Sequence[Catalogued], size: int) -> list[list[tuple[str, int, int]]]:
    """Catalogs cut and put together into portions of `size` texts, the last ones smaller: (store, start, end) each.

    >>> one, two = (Catalogued(name, None, count, count, "") for name, count in (("a", 5), ("b", 2)))
    >>> portions([one, two], 3)
    [[('a', 0, 3)], [('a', 3, 5), ('b', 0, 1)], [('b', 1, 2)]]
    """
    cut: list[list[tuple[str, int, int]]] = []
    room = 0
    for one in found:
        start = 0
        while start < one.texts:
            if not room:
                cut.append([])
                room = size
            end = min(one.texts, start + room)
            cut[-1].append((one.store, start, end))
            room -= end - start
            start = end
    return cut


def read_portion(row: dict[str, Any], refs: Mapping[str, SnapshotRef], cache: Place) -> dict[str, Any]:
    """The texts of a portion that have no vector, and how many have one."""
    texts = []
    for store, start, end in zip(row["stores"], row["starts"], row["ends"], strict=True):
        catalog = read_catalog(open_folder(refs[store].folder))
        texts += unique_texts(catalog_texts(catalog))[start:end]
    missing = EmbeddingCache(open_folder(cache), MiniLM().info).missing(texts)
    return {"texts": missing, "known": len(texts) - len(missing)}


class BatchEmbedder:
    """An actor with the model: embeds what no other has embedded by now, and keeps it."""

    def __init__(self, cache: Place) -> None:
        self._model = shared_model()
        self._model.load()
        self._cache = EmbeddingCache(open_folder(cache), self._model.info)

    def __call__(self, row: dict[str, Any]) -> dict[str, int]:
        """How many texts of a portion were embedded now, and how many were there."""
        missing = self._cache.missing(list(row["texts"]))
        if missing:
            self._cache.put(missing, self._model.embed(missing))
        return {"embedded": len(missing), "skipped": int(row["known"]) + len(row["texts"]) - len(missing)}


class FleetEmbedder:
    """Embeds the catalogs of a fleet. Killed in the middle, it does only the rest when it is started again.

    Args:
        settings: All settings.
        progress: Told of stores and texts.
    """

    def __init__(self, settings: Settings, progress: Progress) -> None:
        check_data_dir(settings)
        self._settings, self._progress = settings, progress
        self._cache = data_folder(settings.data_dir) / "vectors"

    def embed(self, address: str) -> FleetEmbedding:
        """Read every store below the folder or URI `address`, then embed what has no vector.

        Raises:
            EmptyStoreError: there is no store.
            PlatformError: the cluster or the object store failed.
        """
        stores = find_stores(address)
        self._progress.phase("stores", len(stores))
        found = []
        for _, reference in self._fan_out(stores):
            found.append(ray.get(reference, timeout=self._settings.cluster.wait_s))
            self._progress.step()
        started = time.perf_counter()
        embedded, skipped = self.embed_catalogs(found)
        refused = {one.store: one.error for one in sorted(found, key=lambda one: one.store) if one.error}
        return FleetEmbedding(len(stores), refused, embedded, skipped, time.perf_counter() - started)

    def embed_catalogs(self, found: Sequence[Catalogued]) -> tuple[int, int]:
        """Embed what has no vector of stores that are read: texts embedded, and texts that were there by then."""
        open_ = sorted((one for one in found if one.missing), key=lambda one: one.store)
        if not open_:
            return 0, 0
        self._progress.phase("embedding", sum(one.texts for one in open_))
        embedded = skipped = 0
        for row in self._in_time(self._stream(open_)):
            embedded, skipped = embedded + row["embedded"], skipped + row["skipped"]
            self._progress.step(row["embedded"] + row["skipped"])
        return embedded, skipped

    def _fan_out(self, stores: Sequence[StoreSource]) -> Any:
        cluster = self._settings.cluster
        settings = ray.put(self._settings)
        costs = placed(cluster) | {"max_retries": cluster.task_retries}

        def submit(source: StoreSource) -> Any:
            return catalogue_task.options(name=f"catalog:{source.store}", **costs).remote(source, settings)

        return fan_out(stores, submit, in_flight=cluster.in_flight, wait_s=cluster.wait_s)

    def _stream(self, found: Sequence[Catalogued]) -> Iterator[dict[str, int]]:
        """Portions of catalogs → texts without a vector → vectors in the cache; a row for each that is through."""
        from ray import data as ray_data

        _quiet(ray_data)
        workers = max(1, int(ray.cluster_resources().get("CPU", 1)))  # type: ignore[no-untyped-call]
        labels: dict[str, Any] = {"label_selector": self._settings.cluster.labels or None}
        size = max(1, min(BATCH, sum(one.missing for one in found) // (BATCHES_A_WORKER * workers)))
        rows = [
            dict(zip(("stores", "starts", "ends"), zip(*parts, strict=True), strict=True))
            for parts in portions(found, size)
        ]
        refs = {one.store: one.ref for one in found}
        # Its types know only functions of a row, not their further arguments nor classes.
        waiting: Any = ray_data.from_items(rows, override_num_blocks=len(rows))
        done = (
            waiting.map(read_portion, fn_args=(refs, self._cache), num_cpus=READER_CPUS, **labels)
            .map(
                BatchEmbedder, fn_constructor_args=(self._cache,), num_cpus=MODEL_CPUS,
                compute=ray_data.ActorPoolStrategy(size=min(workers, len(rows))), **labels,
            )
        )  # fmt: skip
        yield from done.iter_rows()

    def _in_time(self, rows: Iterator[dict[str, int]]) -> Iterator[dict[str, int]]:
        """The rows, each within the longest wait: Ray Data itself would wait for ever for a cluster that is gone.

        Raises:
            PlatformError: the next row took longer, or the stream failed.
        """
        ready: Queue[dict[str, int] | BaseException | None] = Queue()

        def pull() -> None:
            try:
                for row in rows:
                    ready.put(row)
                ready.put(None)
            except BaseException as error:
                ready.put(error)

        Thread(target=pull, daemon=True, name="fleet-embedding").start()
        wait_s = self._settings.cluster.wait_s
        while True:
            try:
                row = ready.get(timeout=wait_s)
            except Empty:
                raise PlatformError(f"no batch of texts was embedded within {wait_s:g} s; start it again") from None
            if row is None:
                return
            if isinstance(row, BaseException):
                line = (str(row).splitlines() or [type(row).__name__])[0]
                raise PlatformError(f"embedding ended early ({line}); start it again, it does the rest") from row
            yield row


def _quiet(ray_data: Any) -> None:
    """Progress is ours, and so is standard error."""
    import logging
    import warnings

    warnings.filterwarnings("ignore", module="ray.data")
    context = ray_data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
