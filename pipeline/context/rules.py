"""A store's own rules: what may be in no bundle, what shall be in one, what never goes together, what bundles may cost.

Rules are settings of a run and no content of its snapshot: they come from the store's rules table, from `basketry.yaml`
and from flags, all taken together. Here they become columns over the catalog.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.context.rules_config import RulesConfig, Selector
from pipeline.ingest.snapshot import Catalog
from pipeline.money import digits

NO_LIMIT = np.iinfo(np.int64).max
"""Stands where no price is too high."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Rules as columns over `n` SKUs."""

    excluded: NDArray[np.bool_]
    """`(n,)` in no bundle."""
    pinned: NDArray[np.bool_]
    """`(n,)` to be in one; never excluded ones."""
    apart: NDArray[np.int64]
    """Keys `a · n + b`, `a < b`, of the pairs that never go together, ascending."""
    least: int
    """Least price of a bundle, in minor units."""
    most: int
    """Greatest price, in minor units; `NO_LIMIT` for none."""
    unmatched: tuple[str, ...]
    """Rules that name nothing the store has."""

    @property
    def forbids(self) -> bool:
        """Whether some sets are forbidden for the products in them."""
        return bool(len(self.apart)) or bool(self.excluded.any())

    def are_apart(self, a: NDArray[np.integer], b: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Which of the pairs `(a, b)` never go together."""
        low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
        return np.isin(low * len(self.excluded) + high, self.apart)

    def excluded_in(self, items: NDArray[np.int32]) -> NDArray[np.int64]:
        """`(k,)` excluded products of each set; `(k, width)` sets, −1 padded."""
        held = items >= 0
        return np.asarray((self.excluded[np.where(held, items, 0)] & held).sum(axis=1))

    def clashes_in(self, items: NDArray[np.int32]) -> NDArray[np.int64]:
        """`(k,)` pairs within each set that never go together."""
        if not len(self.apart) or items.shape[1] < 2:
            return np.zeros(len(items), dtype=np.int64)
        pairs = np.array(list(combinations(range(items.shape[1]), 2)))
        one, two = items[:, pairs[:, 0]], items[:, pairs[:, 1]]
        both = (one >= 0) & (two >= 0)
        return np.asarray((self.are_apart(np.where(both, one, 0), np.where(both, two, 0)) & both).sum(axis=1))


def rulebook_of(catalog: Catalog, currency: str, config: RulesConfig) -> Rulebook | None:
    """The rules over the SKUs of `catalog`; None where there are none.

    SKUs match exactly after trimming, then by a unique match that ignores case; tags, vendors and categories match
    whatever their case. An excluded product is not pinned.
    """
    if config.is_empty:
        return None
    names = CatalogNames(catalog)
    unmatched: list[str] = []

    def mark(what: str, selectors: Sequence[Selector]) -> NDArray[np.bool_]:
        marked = np.zeros(len(catalog), dtype=bool)
        for selector in selectors:
            fits = names.fitting(selector)
            marked |= fits
            if not fits.any():
                unmatched.append(f"{what} {selector.label}")
        return marked

    excluded, pinned = mark("exclude", config.exclude), mark("pin", config.pin)
    apart = set()
    for pair in config.never_together:
        one, two = (names.row(sku) for sku in pair)
        if one is None or two is None or one == two:
            unmatched.append(f"never_together {pair[0]}, {pair[1]}")
        else:
            apart.add(min(one, two) * len(catalog) + max(one, two))
    return Rulebook(
        excluded=excluded,
        pinned=pinned & ~excluded,
        apart=np.array(sorted(apart), dtype=np.int64),
        least=0 if config.min_price is None else math.ceil(config.min_price.scaleb(digits(currency))),
        most=NO_LIMIT if config.max_price is None else math.floor(config.max_price.scaleb(digits(currency))),
        unmatched=tuple(unmatched),
    )


class CatalogNames:
    """What the products of a catalog are called."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        skus = catalog.sku.to_pylist()
        self._exact = {sku: row for row, sku in enumerate(skus)}
        self._folded: dict[str, list[int]] = {}
        for row, sku in enumerate(skus):
            self._folded.setdefault(sku.casefold(), []).append(row)

    def row(self, sku: str) -> int | None:
        """Where `sku` stands in the catalog."""
        sku = sku.strip()
        if sku in self._exact:
            return self._exact[sku]
        found = self._folded.get(sku.casefold(), [])
        return found[0] if len(found) == 1 else None

    def fitting(self, selector: Selector) -> NDArray[np.bool_]:
        """`(n,)` which products fit every field of `selector`."""
        catalog = self._catalog
        fits = np.ones(len(catalog), dtype=bool)
        if selector.sku.strip():
            fits &= np.arange(len(catalog)) == (-1 if (row := self.row(selector.sku)) is None else row)
        if selector.tag.strip():
            fits &= _has_tag(catalog.tags, selector.tag)
        for text, codes, names in (
            (selector.vendor, catalog.vendor, catalog.vendors),
            (selector.category, catalog.category, catalog.categories),
        ):
            if text.strip():
                fits &= np.isin(codes, [at for at, name in enumerate(names.to_pylist()) if _same(name, text)])
        return fits


def _same(one: str, two: str) -> bool:
    return one.strip().casefold() == two.strip().casefold()


def _has_tag(tags: pa.StringArray, tag: str) -> NDArray[np.bool_]:
    """Which of the `, `-joined lists hold `tag`: each distinct list is looked at once."""
    coded = tags.dictionary_encode()
    holds = [any(_same(one, tag) for one in text.split(",")) for text in coded.dictionary.to_pylist()]
    return np.array(holds, dtype=bool)[coded.indices.to_numpy()] if holds else np.zeros(len(tags), dtype=bool)
