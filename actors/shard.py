"""A store shard: snapshots and what was worked out from them, kept warm between runs.

All state is rebuilt from Parquet after a restart: every call names the snapshot it is about. Calls may come from
several threads.
"""

import hashlib
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from actors.places import open_folder
from actors.shelf import Shelf, ShelfFigures
from pipeline.candidates.config import ProposalsConfig
from pipeline.candidates.suggestions import Shortlisted, proposal_prompts
from pipeline.context.config import ContextConfig, TagsConfig
from pipeline.context.embedding import EmbeddingCache
from pipeline.context.objectives import Need
from pipeline.context.store import StoreContext, prepare
from pipeline.context.tags import Tags
from pipeline.context.zero_shot import likely_tags, texts_to_embed
from pipeline.errors import PlatformError
from pipeline.ingest.snapshot import Catalog, Snapshot
from pipeline.ingest.store import read_snapshot
from pipeline.plan import Plan
from pipeline.ports import ModelInfo
from pipeline.storage import Place
from pipeline.terms import Objective

SHARD_BYTES = 1 << 30
"""Memory of what a shard keeps."""
STORE_BYTES = 1 << 29
"""Memory of what a shard keeps of one store."""


@dataclass(frozen=True, slots=True)
class SnapshotRef:
    """Where a snapshot lies, and whose it is."""

    store: str
    folder: Place
    """Folder of its Parquet files."""


@dataclass(frozen=True, slots=True)
class ContextRef:
    """Which context is meant: equal refs mean equal contexts."""

    snapshot: SnapshotRef
    as_of: int | None
    """Day after the last one that may be known; the snapshot's own by default."""
    config: ContextConfig
    vectors: ModelInfo | None
    """Whose vectors are used; None for preliminary bundles, before a store's products are embedded."""
    tagging: TagsConfig
    """Whether, and how surely, likeness to labels tags products where no text model did."""
    tags: "TagsRef | None" = None
    """What a text model said of the products; None where nothing did."""


@dataclass(frozen=True, slots=True)
class TagsRef:
    """Tags of a snapshot's products, equal where their content is."""

    sha256: str
    tags: Tags = field(compare=False, repr=False)


def tags_ref(tags: Tags | None) -> TagsRef | None:
    """Tags as a part of a context's name."""
    if tags is None:
        return None
    columns = [np.ascontiguousarray(getattr(tags, column.name)).tobytes() for column in fields(tags)]
    return TagsRef(hashlib.sha256(b"".join(columns)).hexdigest(), tags)


@dataclass(frozen=True, slots=True)
class Outline:
    """What the shell needs to know of a context: numbers, no arrays."""

    as_of: int
    orders: int
    cells: int
    """Distinct SKUs of all orders, summed."""
    products: int
    sellable: int
    needs: dict[Objective, Need]


class StoreShard:
    """Snapshots, vectors, neighbours and rules of some stores, the least recently used dropped first.

    Args:
        cache: Folder of the embedding cache, shared by all stores.
        capacity: Most bytes of snapshots and contexts to keep.
        store_capacity: Most bytes to keep of one store; what is larger is served and not kept.
    """

    def __init__(self, cache: Place, capacity: int = SHARD_BYTES, store_capacity: int = STORE_BYTES) -> None:
        self._cache = cache
        self._vectors: dict[ModelInfo, EmbeddingCache] = {}
        self._shelf = Shelf(capacity, store_capacity)

    def __repr__(self) -> str:
        found = self._shelf.figures()
        return f"StoreShard({found.stores} stores, {found.bytes / 1e6:.0f} MB, {found.hit_rate:.0%} hits)"

    def figures(self) -> ShelfFigures:
        """What is kept now, and how often it helped since the shard started."""
        return self._shelf.figures()

    def stores(self) -> list[str]:
        """The stores of which something is kept, by name."""
        return self._shelf.stores()

    def catalog(self, ref: SnapshotRef) -> Catalog:
        """The catalog, for finishing bundles."""
        return self._snapshot(ref).catalog

    def missing_texts(self, ref: SnapshotRef, model: ModelInfo, tagging: TagsConfig) -> list[str]:
        """Texts that a run needs and none embedded with a model yet, each once."""
        return self._vectors_of(model).missing(texts_to_embed(self._snapshot(ref).catalog, tagging))

    def context(self, ref: ContextRef) -> StoreContext:
        """The context of a store: kept from an earlier run, or worked out."""
        return self._shelf.get(ref.snapshot.store, ref, lambda: self._prepare(ref))

    def view(self, ref: ContextRef) -> tuple[StoreContext, Catalog, Outline]:
        """All that a run needs of a store, in one call, so that what is too large to keep is worked out once."""
        context = self.context(ref)
        return context, self.catalog(ref.snapshot), outline_of(context)

    def shortlists(self, ref: ContextRef, plan: Plan, config: ProposalsConfig) -> list[Shortlisted]:
        """What a text model may be asked for sets of, in this context."""
        return proposal_prompts(self.context(ref), self.catalog(ref.snapshot), plan, config)

    def _snapshot(self, ref: SnapshotRef) -> Snapshot:
        return self._shelf.get(ref.store, ref, lambda: _read(ref))

    def _prepare(self, ref: ContextRef) -> StoreContext:
        snapshot = self._snapshot(ref.snapshot)
        as_of = snapshot.default_as_of if ref.as_of is None else ref.as_of
        embedded = self._embedded(texts_to_embed(snapshot.catalog, ref.tagging), ref.vectors)
        vectors, likely = likely_tags(embedded, len(snapshot.catalog), ref.tagging)
        return prepare(snapshot, vectors, as_of, ref.config, ref.tags.tags if ref.tags else likely)

    def _embedded(self, texts: list[str], model: ModelInfo | None) -> NDArray[np.float32]:
        nothing = np.zeros((len(texts), 0), dtype=np.float32)
        if model is None:
            return nothing
        vectors, known = self._vectors_of(model).get(texts)
        return vectors if known.all() else nothing

    def _vectors_of(self, model: ModelInfo) -> EmbeddingCache:
        """The vectors of one model: those of two never mix."""
        if model not in self._vectors:
            self._vectors[model] = EmbeddingCache(open_folder(self._cache), model)
        return self._vectors[model]


def outline_of(context: StoreContext) -> Outline:
    """The numbers of a context that its plan is made of."""
    history = context.history
    return Outline(
        as_of=history.as_of,
        orders=len(history),
        cells=len(history.item),
        products=history.products,
        sellable=int(np.count_nonzero(context.shop.is_sellable)),
        needs=context.needs,
    )


def _read(ref: SnapshotRef) -> Snapshot:
    """Read a snapshot, and see that it is the store's own: nothing of one store reaches another.

    Raises:
        UnreadableFileError: no snapshot, or a damaged one.
        PlatformError: it is another store's.
    """
    snapshot = read_snapshot(open_folder(ref.folder))
    if snapshot.store != ref.store:
        raise PlatformError(
            f"the snapshot in {ref.folder} is of store {snapshot.store!r}, expected store {ref.store!r}; ingest again"
        )
    return snapshot
