"""All that a run knows about a store before its first candidate: numbers only, shared without copies."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from pipeline.context.affinity import Affinity, Traits, calibrate
from pipeline.context.alive import probability_alive
from pipeline.context.association import shrunk_lift
from pipeline.context.bonds import Bonds, bonds_of
from pipeline.context.compatibility import bought_together, category_joints, compatible_categories
from pipeline.context.config import AffinityConfig, ContextConfig
from pipeline.context.ease import fit_ease
from pipeline.context.features import Features, features_of
from pipeline.context.history import History, history_of
from pipeline.context.inferred import Inferred, halved, infer, mean_needs
from pipeline.context.links import MIN_SHRUNK_LIFT, LinkTables, Shelf, link_tables
from pipeline.context.mining import Mined, mine
from pipeline.context.objectives import Judge, Lens, Need, lens_of, needs_of
from pipeline.context.prices import PriceHabits, price_habits
from pipeline.context.quantities import QuantityBreaks, quantity_breaks
from pipeline.context.rules import Rulebook, rulebook_of
from pipeline.context.rules_config import RulesConfig
from pipeline.context.similarity import Neighbours, background, neighbours, on_grid
from pipeline.context.tags import Tags
from pipeline.ingest.snapshot import Catalog, Snapshot
from pipeline.money import to_minor
from pipeline.terms import OBJECTIVES, Objective


@dataclass(frozen=True)
class Shop:
    """The catalog's numbers, columns `(n,)`: what pricing, gates and scores read."""

    price: NDArray[np.float64]
    cost: NDArray[np.float64]
    stock: NDArray[np.float64]
    category: NDArray[np.int32]
    family: NDArray[np.int32]
    is_sellable: NDArray[np.bool_]
    compatible: NDArray[np.bool_]
    """`(categories, categories)` which categories may share a bundle."""
    currency: str
    rules: Rulebook | None = None
    """The store's own rules; None where there are none."""

    @cached_property
    def unit(self) -> NDArray[np.int64]:
        """`(n,)` list price in minor units; 0 where unknown."""
        return to_minor(self.price, self.currency)


@dataclass(frozen=True)
class Postings:
    """Orders of each SKU with their quantities, as a `(n, m)` CSR matrix."""

    indptr: NDArray[np.int64]
    order: NDArray[np.int32]
    quantity: NDArray[np.int32]
    orders: int
    """`m`."""

    @cached_property
    def held(self) -> csr_array:
        """`(n, m)` ones where an order holds a SKU."""
        return self._matrix(np.ones(len(self.order), dtype=np.int32))

    @cached_property
    def units(self) -> csr_array:
        """`(n, m)` units of a SKU that an order holds."""
        return self._matrix(self.quantity)

    def _matrix(self, data: NDArray[np.int32]) -> csr_array:
        return csr_array((data, self.order, self.indptr), shape=(len(self.indptr) - 1, self.orders))


@dataclass(frozen=True, slots=True)
class StoreContext:
    """Everything phase 1 reads. Immutable arrays: it is put into the object store once and never copied."""

    store: str
    snapshot_sha256: str
    shop: Shop
    history: History
    postings: Postings
    features: Features
    mined: Mined
    bonds: Bonds
    neighbours: Neighbours
    affinity: Affinity
    links: LinkTables
    lenses: dict[Objective, Lens]
    needs: dict[Objective, Need]
    judge: Judge
    volume: QuantityBreaks
    habits: PriceHabits
    recency: NDArray[np.float64]
    """`(m,)` weight of each order of the window in what is bought lately, in (0, 1]."""
    alive: NDArray[np.float64]
    """`(n,)` probability that a product is still bought."""
    inferred: Inferred | None = None
    """Where tags stand in for facts; None without tags."""

    @property
    def orders(self) -> int:
        """Demand orders of the window."""
        return len(self.history)


def postings_of(history: History) -> Postings:
    """The history turned round: orders by SKU, ascending."""
    order = np.argsort(history.item, kind="stable")
    indptr = np.zeros(history.products + 1, dtype=np.int64)
    np.cumsum(np.bincount(history.item, minlength=history.products), out=indptr[1:])
    return Postings(indptr, history.basket[order].astype(np.int32), history.quantity[order], len(history))


def _centroids(vectors: NDArray[np.float32], category: NDArray[np.int32], width: int) -> NDArray[np.float64]:
    counts = np.maximum(np.bincount(category, minlength=width), 1)
    member = csr_array(
        (np.ones(len(category), dtype=np.float64), (category, np.arange(len(category)))), shape=(width, len(category))
    )
    return np.asarray(member @ vectors.astype(np.float64)) / counts[:, None]


def _calibrated(mined: Mined, traits: Traits, seed: int, config: AffinityConfig) -> Affinity:
    """Calibrate on pairs of two orders or more that were bought together more often than chance."""
    pairs = mined.pairs
    chance = mined.item_weight[pairs.a] * mined.item_weight[pairs.b] / max(mined.total_weight, 1.0)
    telling = (pairs.count >= 2) & (shrunk_lift(pairs.weight, chance) >= MIN_SHRUNK_LIFT)
    a, b, count = pairs.a[telling], pairs.b[telling], pairs.weight[telling]
    return calibrate(traits, a, b, count, mined.item_orders, np.random.default_rng(seed), config)


def _bonds(mined: Mined, history: History, config: ContextConfig) -> Bonds:
    return bonds_of(mined, fit_ease(history.matrix(), config.ease), len(history))


def _shop(catalog: Catalog, compatible: NDArray[np.bool_], currency: str, rules: RulesConfig) -> Shop:
    return Shop(
        catalog.price, catalog.cost, catalog.stock, catalog.category, catalog.family, catalog.is_sellable,
        compatible, currency, rulebook_of(catalog, currency, rules),
    )  # fmt: skip


def _aims(
    catalog: Catalog, history: History, features: Features, tags: Tags | None, config: ContextConfig
) -> tuple[Features, dict[Objective, Lens], dict[Objective, Need], Inferred | None]:
    """What the objectives are about and how much they are needed; tags count half, and only where facts are missing."""
    recent = config.features.recent_days
    lenses = {name: lens_of(name, features, config.objectives) for name in OBJECTIVES}
    needs = needs_of(catalog, features, history, recent)
    if tags is None:
        return features, lenses, needs, None
    tagged, inferred = infer(features, tags, history.as_of, config.features)
    softened = {name: halved(lens_of(name, tagged, config.objectives), lenses[name], inferred) for name in OBJECTIVES}
    return tagged, softened, mean_needs(needs_of(catalog, tagged, history, recent), needs), inferred


def prepare(
    snapshot: Snapshot, vectors: NDArray[np.float32], as_of: int, config: ContextConfig, tags: Tags | None = None
) -> StoreContext:
    """Work out the context of a store.

    Args:
        snapshot: `n` SKUs and their orders.
        vectors: `(n, d)` unit vectors of the products' texts; `(n, 0)` before they are embedded.
        as_of: Day after the last one that may be known.
        config: Settings of the parts.
        tags: What a text model, or likeness to labels, says of the products; None where nothing does.
    """
    catalog, vectors = snapshot.catalog, on_grid(vectors)
    history = history_of(snapshot, as_of, config.mining.window_days)
    with ThreadPoolExecutor(max_workers=1) as beside:
        # Neighbours need the vectors alone, bonds what was mined; FAISS and numpy let go of Python's lock, so they take
        # another core that is free.
        near = beside.submit(neighbours, vectors, config.similarity)
        mined = mine(history, config.mining)
        bound = beside.submit(_bonds, mined, history, config)
        features, lenses, needs, inferred = _aims(
            catalog, history, features_of(catalog, snapshot.orders, history, config.features), tags, config
        )
        habits = price_habits(catalog, history, snapshot.currency, config.elasticity)
        names = catalog.categories.to_pylist()
        joint = category_joints(history, catalog.category, len(names))
        traits = Traits(
            vectors, catalog.category, catalog.price, bought_together(joint, len(history)),
            background(vectors, config.seed, config.similarity),
        )  # fmt: skip
        affinity = _calibrated(mined, traits, config.seed, config.affinity)
        compatible = compatible_categories(
            joint, len(history), _centroids(vectors, catalog.category, len(names)), names
        )
        bonds = bound.result()
        shelf = Shelf(
            mined.item_orders, catalog.category, catalog.price, catalog.is_sellable, joint, compatible, len(history)
        )
        return StoreContext(
            store=snapshot.store,
            snapshot_sha256=snapshot.sha256,
            shop=_shop(catalog, compatible, snapshot.currency, config.rules),
            history=history,
            postings=postings_of(history),
            features=features,
            mined=mined,
            bonds=bonds,
            neighbours=near.result(),
            affinity=affinity,
            links=link_tables(mined, bonds, near.result(), affinity, shelf),
            lenses=lenses,
            needs=needs,
            judge=Judge(catalog.price, catalog.category, features.is_gift, config.objectives),
            volume=quantity_breaks(history, catalog.family, catalog.price, config.volume),
            habits=habits,
            recency=history.recency(config.mining.half_life_days),
            alive=probability_alive(history, features.is_seasonal, config.mining),
            inferred=inferred,
        )
