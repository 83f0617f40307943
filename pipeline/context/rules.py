"""A store's own rules: what may be in no bundle, what shall be in one, what never goes together, what bundles may cost.

Rules are settings of a run and no content of its snapshot: they come from the store's rules table, from `basketry.yaml`
and from flags, all taken together. Here they become columns over the catalog.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Annotated, Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_serializer, model_validator

from pipeline.ingest.rules import Rule
from pipeline.ingest.snapshot import Catalog
from pipeline.money import digits

NO_LIMIT = np.iinfo(np.int64).max
"""Stands where no price is too high."""


class Selector(BaseModel):
    """Some products of a store: those that fit every field that is given. Written as `sku:123`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: str = ""
    """One SKU."""
    tag: str = ""
    """A tag of the product."""
    vendor: str = ""
    """Its vendor."""
    category: str = ""
    """Its category."""

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        field, _, text = value.partition(":")
        if field.strip() not in cls.model_fields or not text.strip():
            raise ValueError(f"{value!r} names no products; expected sku:…, tag:…, vendor:… or category:…")
        return {field.strip(): text}

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not any(text.strip() for text in (self.sku, self.tag, self.vendor, self.category)):
            raise ValueError("a rule without a SKU, tag, vendor or category; expected at least one of them")
        return self

    @model_serializer
    def _given(self) -> dict[str, str]:
        given = {name: getattr(self, name).strip() for name in type(self).model_fields}
        return {name: text for name, text in given.items() if text}

    @property
    def label(self) -> str:
        """The selector as it is written, `sku:123`."""
        return " and ".join(f"{name}:{text}" for name, text in self._given().items())


class RulesConfig(BaseModel):
    """What a store's owner decided. The order in which rules are given changes nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exclude: tuple[Selector, ...] = ()
    """Products that may be in no bundle: `sku:…`, `tag:…`, `vendor:…` or `category:…`."""
    pin: tuple[Selector, ...] = ()
    """Products that get a place in the list where a candidate that passes all gates holds them."""
    never_together: tuple[tuple[str, str], ...] = ()
    """Pairs of SKUs that no bundle may hold both of."""
    min_price: Annotated[Decimal, Field(ge=0)] | None = None
    """Least price of a bundle, in the store's currency; for a pool, of the cheapest pick."""
    max_price: Annotated[Decimal, Field(gt=0)] | None = None
    """Greatest price of a bundle, in the store's currency; for a pool, of the whole pool."""

    @field_validator("exclude", "pin")
    @classmethod
    def _in_order(cls, found: tuple[Selector, ...]) -> tuple[Selector, ...]:
        return tuple({one.label: one for one in sorted(found, key=lambda one: one.label)}.values())

    @field_validator("never_together")
    @classmethod
    def _as_pairs(cls, found: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        pairs = {tuple(sorted((one.strip(), two.strip()))) for one, two in found}
        if wrong := [pair for pair in pairs if pair[0] == pair[1] or not pair[0]]:
            raise ValueError(f"{wrong[0]} is no pair; expected two SKUs")
        return tuple(sorted(pairs))  # type: ignore[arg-type]

    @model_validator(mode="after")
    def _leaves_room(self) -> Self:
        if self.min_price is not None and self.max_price is not None and self.min_price > self.max_price:
            raise ValueError(f"rules.min_price {self.min_price} is above rules.max_price {self.max_price}")
        return self

    @property
    def is_empty(self) -> bool:
        """Whether nothing is ruled."""
        return self == RulesConfig()

    def sha256(self) -> str:
        """Hash of the rules, as plan and evidence name them; empty where there are none."""
        return "" if self.is_empty else hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def with_table(self, rules: Iterable[Rule]) -> Self:
        """These rules and those of a store's rules table."""
        found: dict[str, list[Any]] = {"exclude": [], "pin": [], "never_together": []}
        for rule in rules:
            if rule.kind == "never_together":
                found[rule.kind].append((rule.sku, rule.other_sku))
            else:
                names = {"sku": rule.sku, "tag": rule.tag, "vendor": rule.vendor, "category": rule.category}
                found[rule.kind].append(Selector(**names))
        return self.joined(RulesConfig.model_validate(found))

    def joined(self, other: "RulesConfig") -> Self:
        """These rules and `other`'s; where both bound a price, `other` does."""
        lists = {name: getattr(self, name) + getattr(other, name) for name in ("exclude", "pin", "never_together")}
        bounds = {
            name: getattr(self, name) if getattr(other, name) is None else getattr(other, name)
            for name in ("min_price", "max_price")
        }
        return type(self).model_validate(lists | bounds)


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
