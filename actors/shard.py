"""A store shard: snapshots and what was worked out from them, kept warm between runs.

All state is rebuilt from Parquet after a restart: every call names the snapshot it is about.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.candidates.suggestions import ProposalsConfig, Shortlisted, proposal_prompts
from pipeline.context.embedding import EmbeddingCache, catalog_texts
from pipeline.context.objectives import Need
from pipeline.context.store import ContextConfig, StoreContext, prepare
from pipeline.context.tags import Tags
from pipeline.ingest.snapshot import Catalog, Snapshot
from pipeline.ingest.store import read_snapshot
from pipeline.plan import Plan
from pipeline.ports import ModelInfo
from pipeline.terms import Objective

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class SnapshotRef:
    """Where a snapshot lies, and whose it is."""

    store: str
    folder: Path
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
        capacity: Most contexts, and most snapshots, to keep.
    """

    def __init__(self, cache: Path, capacity: int = 8) -> None:
        self._cache = cache
        self._vectors: dict[ModelInfo, EmbeddingCache] = {}
        self._capacity = capacity
        self._snapshots: OrderedDict[SnapshotRef, Snapshot] = OrderedDict()
        self._contexts: OrderedDict[ContextRef, StoreContext] = OrderedDict()

    def __repr__(self) -> str:
        return f"StoreShard({', '.join(sorted({ref.store for ref in self._snapshots}))})"

    def catalog(self, ref: SnapshotRef) -> Catalog:
        """The catalog, for finishing bundles."""
        return self._snapshot(ref).catalog

    def missing_texts(self, ref: SnapshotRef, model: ModelInfo) -> list[str]:
        """Product texts that no run embedded with a model yet, each once."""
        return self._vectors_of(model).missing(catalog_texts(self._snapshot(ref).catalog))

    def context(self, ref: ContextRef) -> StoreContext:
        """The context of a store: kept from an earlier run, or worked out."""
        return _kept(self._contexts, ref, self._capacity, self._prepare)

    def outline(self, ref: ContextRef) -> Outline:
        """The numbers of a context that its plan is made of."""
        context = self.context(ref)
        history = context.history
        return Outline(
            as_of=history.as_of,
            orders=len(history),
            cells=len(history.item),
            products=history.products,
            sellable=int(np.count_nonzero(context.shop.is_sellable)),
            needs=context.needs,
        )

    def shortlists(self, ref: ContextRef, plan: Plan, config: ProposalsConfig) -> list[Shortlisted]:
        """What a text model may be asked for sets of, in this context."""
        return proposal_prompts(self.context(ref), self.catalog(ref.snapshot), plan, config)

    def _snapshot(self, ref: SnapshotRef) -> Snapshot:
        return _kept(self._snapshots, ref, self._capacity, lambda wanted: read_snapshot(wanted.folder))

    def _prepare(self, ref: ContextRef) -> StoreContext:
        snapshot = self._snapshot(ref.snapshot)
        as_of = snapshot.default_as_of if ref.as_of is None else ref.as_of
        tags = ref.tags.tags if ref.tags else None
        return prepare(snapshot, self._embedded(snapshot, ref.vectors), as_of, ref.config, tags)

    def _embedded(self, snapshot: Snapshot, model: ModelInfo | None) -> NDArray[np.float32]:
        if model is None:
            return np.zeros((len(snapshot.catalog), 0), dtype=np.float32)
        vectors, known = self._vectors_of(model).get(catalog_texts(snapshot.catalog))
        return vectors if known.all() else np.zeros((len(snapshot.catalog), 0), dtype=np.float32)

    def _vectors_of(self, model: ModelInfo) -> EmbeddingCache:
        """The vectors of one model: those of two never mix."""
        if model not in self._vectors:
            self._vectors[model] = EmbeddingCache(self._cache, model)
        return self._vectors[model]


def _kept(shelf: OrderedDict[Key, Value], key: Key, capacity: int, make: Callable[[Key], Value]) -> Value:
    """The value on the shelf, made where it is not there; the least recently used ones make room."""
    if key not in shelf:
        shelf[key] = make(key)
    shelf.move_to_end(key)
    while len(shelf) > capacity:
        shelf.popitem(last=False)
    return shelf[key]
